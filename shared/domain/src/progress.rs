//! Turns a plan into steps with a state, and tells which of them can be carried out now.
//!
//! *Done becomes verified* when two agreeing reads, begun after the settling time, no longer ask for the step (invariant 13).
//! A met step that is asked for again is opened anew: the same need, one round on.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::overlay::{self, settling};
use crate::person::Person;
use crate::planner::{Plan, Planned, RECHECK, Wait};
use crate::policy::Policy;
use crate::step::{Action, Stage, Step, StepId, StepState};

/// Verified steps kept per person and stage; the story of older ones is in the timeline.
const VERIFIED_MAX: usize = 40;

/// What planning changed, for the timeline.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// Steps newly asked for, in order: phrase and reason.
    pub decided: Vec<(String, String)>,
    /// Steps that began to wait: phrase and for what.
    pub waits: Vec<(String, String)>,
    /// Steps a human must do, with the instructions.
    pub tasks: Vec<(Action, String)>,
    /// Steps read back as done.
    pub verified: Vec<String>,
    /// Steps whose need has gone.
    pub dropped: Vec<String>,
    /// Steps to carry out now, in the plan's order.
    pub runnable: Vec<StepId>,
}

/// Steps of a stage that would be verified if a read begun now did not ask for them.
pub fn settled(person: &Person, stage: Stage, policy: &Policy, now: Timestamp) -> BTreeSet<StepId> {
    let settle = settling(policy);
    let is_settled = |step: &&Step| match step.state {
        StepState::Done { at } => at.saturating_add(settle).is_ok_and(|until| until <= now),
        _ => false,
    };
    person
        .steps
        .values()
        .filter(|step| step.action.stage() == stage)
        .filter(is_settled)
        .map(|step| step.id.clone())
        .collect()
}

/// Applies a stage's plan to the person's steps and ledger. `agreed`: settled steps that a second read agreed on.
pub fn apply(
    person: &mut Person,
    stage: Stage,
    plan: &Plan,
    agreed: &BTreeSet<StepId>,
    policy: &Policy,
    now: Timestamp,
) -> Progress {
    let mut progress = Progress::default();
    let mut planned = BTreeSet::new();
    for wanted in &plan.steps {
        let id = StepId::derive(&person.head.person, person.head.generation, &wanted.action);
        if planned.insert(id.clone()) {
            ask(person, &id, wanted, now, &mut progress);
        }
    }
    let others = person.steps.iter().filter(|(id, step)| step.action.stage() == stage && !planned.contains(*id));
    let others: Vec<StepId> = others.map(|(id, _)| id.clone()).collect();
    for id in others.into_iter().filter(|_| !plan.is_inconclusive) {
        if !settle_by_hand(person, &id, plan, now) {
            release(person, &id, agreed.contains(&id), policy, now, &mut progress);
        }
    }
    prune(person, stage);
    // The license stage asks the same rules of the same user, a little later.
    if stage == Stage::Groups && !plan.is_inconclusive {
        person.head.rules_due = plan.changes_at;
    }
    for grant in &plan.note {
        person.grants.insert(grant.target.clone(), grant.clone());
    }
    for target in &plan.forget {
        person.grants.remove(target);
    }
    progress
}

/// A step the plan asks for: made, opened anew, or left as it stands.
fn ask(person: &mut Person, id: &StepId, wanted: &Planned, now: Timestamp, progress: &mut Progress) {
    let generation = person.head.generation;
    let known = person.steps.get(id).cloned();
    let is_new = known.as_ref().is_none_or(|step| step.state.is_met());
    let mut step = known.unwrap_or_else(|| Step {
        id: id.clone(),
        generation,
        round: 0,
        action: wanted.action.clone(),
        why: String::new(),
        state: StepState::Pending,
        attempts: 0,
        wake_at: None,
        by_hand: false,
    });
    if is_new {
        step.by_hand = false;
        step.round += 1;
        step.attempts = 0;
        step.state = StepState::Pending;
        step.wake_at = None;
        progress.decided.push((wanted.action.phrase(), wanted.why.clone()));
    }
    step.why.clone_from(&wanted.why);
    let phrase = wanted.action.phrase();
    match &wanted.wait {
        Some(Wait::Until(at)) => {
            step.state = StepState::Pending;
            step.wake_at = Some(*at);
        }
        Some(Wait::For(why, sku)) => {
            let since = if let StepState::Waiting { since, .. } = step.state { since } else { now };
            let waiting = StepState::Waiting { why: why.clone(), sku: sku.clone(), since };
            if step.state != waiting {
                progress.waits.push((phrase, why.clone()));
            }
            // Whoever waits for a seat is called when it is their turn.
            let again = if sku.is_some() { RECHECK * 4 } else { RECHECK };
            step.state = waiting;
            step.wake_at = now.checked_add(again).ok();
        }
        Some(Wait::Human(instructions)) => {
            let task = StepState::Task { instructions: instructions.clone() };
            if step.state != task {
                progress.tasks.push((wanted.action.clone(), instructions.clone()));
            }
            step.state = task;
            // Looked at again, so that a task done outside our sight is seen to be done; a cut that is missing, sooner.
            let again = if wanted.action.is_urgent() { RECHECK } else { RECHECK * 4 };
            step.wake_at = now.checked_add(again).ok();
        }
        None if is_due(&step, now) => progress.runnable.push(id.clone()),
        None => {}
    }
    person.steps.insert(id.clone(), step);
}

/// Whether nothing keeps a step from being carried out now. What waited only for what the plan no longer names is due; a step
/// left *running* is one whose worker died.
fn is_due(step: &Step, now: Timestamp) -> bool {
    match step.state {
        StepState::Pending | StepState::Waiting { .. } | StepState::Running { .. } => true,
        StepState::Failed { .. } | StepState::Task { .. } => step.wake_at.is_none_or(|at| at <= now),
        StepState::Done { .. } | StepState::Verified { .. } => false,
    }
}

/// A cut that was left to a human and is asked for no more: somebody has made it. It is believed as a write of ours would be, after
/// two reads. While the plan still asks for the account to be blocked, nothing of the kind has happened.
fn settle_by_hand(person: &mut Person, id: &StepId, plan: &Plan, now: Timestamp) -> bool {
    let blocks = |action: &Action| action.is_cut_by_hand() || matches!(action, Action::DisableAccount { pass: 1 });
    let generation = person.head.generation;
    let is_open = !person.head.cut || plan.steps.iter().any(|step| blocks(&step.action));
    let left = |step: &&mut Step| {
        let is_cut = step.action.cuts() || step.action.is_cut_by_hand();
        is_cut && step.generation == generation && matches!(step.state, StepState::Task { .. })
    };
    let Some(step) = person.steps.get_mut(id).filter(left).filter(|_| !is_open) else { return false };
    step.state = StepState::Done { at: now };
    step.by_hand = true;
    step.wake_at = Some(now);
    true
}

/// A step the plan does not ask for: read back as done, or no longer needed.
fn release(person: &mut Person, id: &StepId, agreed: bool, policy: &Policy, now: Timestamp, progress: &mut Progress) {
    let generation = person.head.generation;
    let acknowledged_at = overlay::acknowledged_at(person, now);
    let Some(step) = person.steps.get_mut(id) else { return };
    match step.state {
        StepState::Verified { .. } => {}
        StepState::Done { at } if agreed => {
            step.state = StepState::Verified { at: if step.by_hand { at } else { now } };
            step.wake_at = None;
            progress.verified.push(step.action.phrase());
        }
        StepState::Done { at } => {
            step.wake_at = at.checked_add(settling(policy)).ok().map(|due| due.max(now));
        }
        // What failed or was cut off in the middle may have taken effect all the same.
        StepState::Running { .. } | StepState::Failed { .. } if step.attempts > 0 && step.generation == generation => {
            step.state = StepState::Done { at: acknowledged_at };
            step.wake_at = acknowledged_at.checked_add(settling(policy)).ok();
        }
        _ => {
            progress.dropped.push(step.action.phrase());
            person.steps.remove(id);
        }
    }
}

/// Keeps the latest verified steps of a stage.
fn prune(person: &mut Person, stage: Stage) {
    let verified = person.steps.values().filter(|step| step.action.stage() == stage);
    let mut verified: Vec<_> = verified
        .filter(|step| step.generation < person.head.generation || !step.action.cuts())
        .filter_map(|step| if let StepState::Verified { at } = step.state { Some((at, step.id.clone())) } else { None })
        .collect();
    verified.sort();
    let surplus = verified.len().saturating_sub(VERIFIED_MAX);
    for (_, id) in verified.into_iter().take(surplus) {
        person.steps.remove(&id);
    }
}

/// What of a cut could not be done, and why or what a human must do.
pub fn uncut(person: &Person) -> impl Iterator<Item = (&Step, &str)> {
    let present = person.steps.values().filter(|step| step.generation == person.head.generation && person.head.cut);
    present.filter(|step| step.action.is_urgent()).filter_map(|step| match &step.state {
        StepState::Task { instructions } => Some((step, instructions.as_str())),
        StepState::Failed { why } => Some((step, why.as_str())),
        _ => None,
    })
}

/// Human tasks of a stage, for lists.
pub fn tasks(person: &Person) -> impl Iterator<Item = (&Step, &str)> {
    person.steps.values().filter_map(|step| match (&step.state, &step.action) {
        (StepState::Task { instructions }, _) => Some((step, instructions.as_str())),
        (StepState::Waiting { why, .. }, Action::ByHand { .. }) => Some((step, why.as_str())),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
