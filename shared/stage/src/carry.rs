//! One step after the other: recorded, braked, called, recorded again.

use domain::guard::{self, Verdict};
use domain::ledger::{Grant, Origin, Target};
use domain::person::{Person, TimelineKind};
use domain::planner::RECHECK;
use domain::ports::{Failure, Outcome, StoreError};
use domain::step::{Action, Step, StepId, StepState};
use jiff::{SignedDuration, Timestamp};

use crate::brakes::{self, Lease};
use crate::{Effect, Trouble, Work};

/// How carrying out a plan's steps ended.
pub(crate) enum Turn {
    /// A step was done.
    Progressed,
    /// Nothing more can be done now.
    Settled,
    /// Something changed that the plan must see.
    PlanAgain,
    /// The message ends here.
    Stop(Result<Outcome, Failure>),
}

/// How long a message waits while somebody else holds the person's lease.
const LEASE_PAUSE: std::time::Duration = std::time::Duration::from_secs(3);
/// When a step that was refused is tried again: Graph will hardly change its mind sooner, HR or an admin may.
const REFUSED_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// When a step that got no answer is tried again at the latest; the queue's own retry comes sooner.
const UNANSWERED_PAUSE: SignedDuration = SignedDuration::from_mins(5);

impl Work<'_> {
    pub(crate) async fn carry_all(&self, runnable: &[StepId]) -> Result<Turn, StoreError> {
        let mut progressed = false;
        for id in runnable {
            match self.carry_one(id).await? {
                Turn::Settled => {}
                Turn::Progressed => progressed = true,
                turn => return Ok(turn),
            }
        }
        // Planning again shows what the steps have made possible; without any, it would only ask for the same once more.
        Ok(if progressed { Turn::PlanAgain } else { Turn::Settled })
    }

    async fn carry_one(&self, id: &StepId) -> Result<Turn, StoreError> {
        let Some(action) = self.action(id).await? else { return Ok(Turn::PlanAgain) };
        if !brakes::allow(self.ports.controls.switches().await?, &action) {
            return self.hold(id, &action).await;
        }
        if let Some(turn) = self.ask_guard(id, &action).await? {
            return Ok(turn);
        }
        if !action.grants() {
            return self.call(id).await;
        }
        let Some(lease) = Lease::take(self).await? else { return Ok(Turn::Stop(Ok(Outcome::Later(LEASE_PAUSE)))) };
        let turn = self.call(id).await;
        lease.release().await?;
        turn
    }

    async fn action(&self, id: &StepId) -> Result<Option<Action>, StoreError> {
        let person = self.ports.roster.person(&self.person).await?;
        Ok(person.and_then(|person| person.steps.get(id).map(|step| step.action.clone())))
    }

    /// Stopped: the step stays, and is looked at again by and by. A cut that is held pages at once.
    async fn hold(&self, id: &StepId, action: &Action) -> Result<Turn, StoreError> {
        let now = self.now();
        self.amend(|person, _| {
            if let Some(step) = person.steps.get_mut(id) {
                step.state = StepState::Pending;
                step.wake_at = now.checked_add(RECHECK).ok();
            }
        })
        .await?;
        if action.cuts() {
            let text = format!(
                "access of {} should be cut, but everything is stopped: run `joinery resume`, or cut by hand",
                self.person
            );
            self.page("stopped-cut", text).await?;
        }
        Ok(Turn::Settled)
    }

    /// Asks the policy's guards. What they do not admit waits for a human, and pages. Whatever a leaver loses besides sign-in waits
    /// for the guard over cuts first: if the cut is refused, nothing of it was to happen.
    async fn ask_guard(&self, id: &StepId, action: &Action) -> Result<Option<Turn>, StoreError> {
        if guard::kind_of(action).is_none() {
            return Ok(None);
        }
        let now = self.now();
        let Some(person) = self.ports.roster.person(&self.person).await? else { return Ok(None) };
        let why = person.steps.get(id).map_or("", |step| &step.why);
        let cut = (person.head.cut && !action.cuts()).then_some(Action::DisableAccount { pass: 1 });
        let mut held = None;
        for action in cut.iter().chain([action]) {
            let Some(request) = guard::Request::of(action, &person, why, now) else { continue };
            held = self.ask(&request).await?;
            if held.is_some() {
                break;
            }
        }
        let Some(text) = held else { return Ok(None) };
        self.amend(|person, aside| {
            let Some(step) = person.steps.get_mut(id) else { return };
            let since = waits_since(&step.state).unwrap_or(now);
            let waiting = StepState::Waiting { why: text.clone(), sku: None, since };
            if step.state != waiting {
                aside.timeline.push(self.line(TimelineKind::Waits, format!("{}: {text}", step.action.phrase())));
            }
            step.state = waiting;
            step.wake_at = now.checked_add(RECHECK).ok();
        })
        .await?;
        Ok(Some(Turn::Settled))
    }

    /// Asks one guard, if the policy has it; what keeps the request from passing, in words.
    async fn ask(&self, request: &guard::Request) -> Result<Option<String>, StoreError> {
        let kind = request.kind.word();
        let Some(guard) = self.tenant.policy().guards.get(&request.kind) else { return Ok(None) };
        match self.ports.guards.admit(request, guard).await? {
            Verdict::Admitted => Ok(None),
            Verdict::Held => {
                let text = format!(
                    "{}: held by the guard `{kind}`: see `joinery guard list`, then release or refuse",
                    self.person
                );
                // Once for what is held: other facts are something else to decide on.
                self.page(&format!("guard {kind} {}", request.facts), text).await?;
                Ok(Some(format!("held by the guard `{kind}`")))
            }
            Verdict::Refused => Ok(Some(format!("refused at the guard `{kind}`, until HR says otherwise"))),
        }
    }

    /// Records, calls, records. For a granting call the fence is read last of all.
    async fn call(&self, id: &StepId) -> Result<Turn, StoreError> {
        let now = self.now();
        let (person, begun) = self.amend(|person, _| begin(person, id, now)).await?;
        let Some(Begun { step, waits_since }) = begun else { return Ok(Turn::PlanAgain) };
        if step.action.grants() && self.ports.fences.is_up(&self.person).await? {
            self.amend(|person, aside| {
                person.steps.remove(id);
                let text = format!("{}: not done, access is being cut", step.action.phrase());
                aside.timeline.push(self.line(TimelineKind::Decided, text));
            })
            .await?;
            return Ok(Turn::PlanAgain);
        }
        match self.tenant.carry(&person, &step).await {
            Ok(effect) => self.finish(&step, waits_since, effect).await,
            Err(Trouble::Store(error)) => Err(error),
            Err(Trouble::Graph(error)) => self.fail(&step, error).await,
        }
    }

    async fn finish(&self, step: &Step, waits_since: Option<Timestamp>, effect: Effect) -> Result<Turn, StoreError> {
        let now = self.now();
        let settle = domain::overlay::settling(self.tenant.policy());
        let phrase = step.action.phrase();
        let turn = match &effect {
            Effect::Later(pause) => Turn::Stop(Ok(Outcome::Later(*pause))),
            Effect::Done(..) => Turn::Progressed,
            _ => Turn::Settled,
        };
        if let Effect::Human(instructions, true) = &effect {
            self.page(&phrase, format!("{}: {phrase}: {instructions}", self.person)).await?;
        }
        self.amend(|person, aside| {
            let (state, wake_at, kind, text) = match &effect {
                Effect::Done(words, origin) => {
                    write_ledger(person, &step.action, *origin, now);
                    let at = domain::overlay::acknowledged_at(person, now);
                    (StepState::Done { at }, at.checked_add(settle).ok(), TimelineKind::Did, words.clone())
                }
                Effect::Wait(why, sku) => {
                    let since = waits_since.unwrap_or(now);
                    let waiting = StepState::Waiting { why: why.clone(), sku: sku.clone(), since };
                    (waiting, now.checked_add(RECHECK).ok(), TimelineKind::Waits, why.clone())
                }
                Effect::Later(_) => {
                    (StepState::Pending, now.checked_add(RECHECK).ok(), TimelineKind::Waits, "not visible yet".into())
                }
                Effect::Human(instructions, _) => {
                    let task = StepState::Task { instructions: instructions.clone() };
                    // A cut that is missing is looked at sooner: somebody has been paged, and may have made it.
                    let pause = if step.action.cuts() { RECHECK } else { REFUSED_PAUSE };
                    (task, now.checked_add(pause).ok(), TimelineKind::Task, instructions.clone())
                }
            };
            let news = person.steps.get(&step.id).is_none_or(|known| known.state != state);
            if let Some(known) = person.steps.get_mut(&step.id) {
                known.state = state;
                known.wake_at = wake_at;
            }
            if news && !matches!(effect, Effect::Later(_)) {
                aside.timeline.push(self.line(kind, format!("{phrase}: {text}")));
            }
        })
        .await?;
        Ok(turn)
    }

    /// A call that was not heard or was refused. What may help by itself is left to the queue; the rest is tried again
    /// later, and others' steps go on.
    async fn fail(&self, step: &Step, error: graph::Error) -> Result<Turn, StoreError> {
        let now = self.now();
        let transient = error.is_transient();
        let pause = if transient { UNANSWERED_PAUSE } else { REFUSED_PAUSE };
        let phrase = step.action.phrase();
        let throttled = matches!(error, graph::Error::Throttled { .. });
        self.amend(|person, aside| {
            if let Some(known) = person.steps.get_mut(&step.id) {
                // Nothing was done: it does not count as an attempt.
                known.attempts -= u32::from(throttled && known.attempts > 0);
                known.state = if throttled { StepState::Pending } else { StepState::Failed { why: error.to_string() } };
                known.wake_at = now.checked_add(pause).ok();
            }
            if !throttled {
                aside.timeline.push(self.line(TimelineKind::Failed, format!("{phrase}: {error}")));
            }
        })
        .await?;
        if step.action.cuts() && !transient {
            let text = format!("access of {} could not be cut ({phrase}): {error}; cut by hand", self.person);
            self.page(&phrase, text).await?;
        }
        if transient { Ok(Turn::Stop(Trouble::Graph(error).into_result())) } else { Ok(Turn::Settled) }
    }
}

/// Marks a step as running, and what it grants as intended, before the call.
fn begin(person: &mut Person, id: &StepId, now: Timestamp) -> Option<Begun> {
    let generation = person.head.generation;
    let step = person.steps.get_mut(id).filter(|step| step.generation == generation && !step.state.is_met())?;
    let waits_since = waits_since(&step.state);
    step.state = StepState::Running { since: now };
    step.attempts += 1;
    step.wake_at = now.checked_add(UNANSWERED_PAUSE).ok();
    let begun = Begun { step: step.clone(), waits_since };
    if let Some(target) = granted(&begun.step.action) {
        let intent = Grant {
            target: target.clone(),
            origin: Origin::Ours,
            held: false,
            // The planner notes the packages at the next look; it alone knows them.
            reasons: Vec::new(),
            since: now,
        };
        person.grants.entry(target).or_insert(intent);
    }
    Some(begun)
}

/// A step that is being carried out.
struct Begun {
    step: Step,
    /// Since when it has been waiting, if it was: its place in the line, should it have to wait on.
    waits_since: Option<Timestamp>,
}

fn waits_since(state: &StepState) -> Option<Timestamp> {
    if let StepState::Waiting { since, .. } = state { Some(*since) } else { None }
}

/// What an acknowledged step means for the ledger.
fn write_ledger(person: &mut Person, action: &Action, origin: Option<Origin>, now: Timestamp) {
    if let Some(target) = granted(action)
        && let Some(grant) = person.grants.get_mut(&target)
    {
        // What we gave before stays ours, though the tenant says it was there already.
        if !grant.held {
            grant.since = now;
            grant.origin = origin.unwrap_or(grant.origin);
        }
        grant.held = true;
    }
    if let Some(target) = removed(action) {
        person.grants.remove(&target);
    }
}

fn granted(action: &Action) -> Option<Target> {
    match action {
        Action::AddMember { group } | Action::JoinCarrier { group, .. } => Some(Target::Group(group.clone())),
        Action::AssignLicense { sku, .. } => Some(Target::License(sku.clone())),
        _ => None,
    }
}

fn removed(action: &Action) -> Option<Target> {
    match action {
        Action::RemoveMember { group } | Action::LeaveCarrier { group, .. } => Some(Target::Group(group.clone())),
        Action::RemoveLicense { sku } => Some(Target::License(sku.clone())),
        _ => None,
    }
}
