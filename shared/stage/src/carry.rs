//! One step after the other: recorded, braked, called, recorded again.

mod unheard;

use domain::amend::Aside;
use domain::guard::{self, Verdict};
use domain::ledger::{Grant, Origin, Target};
use domain::person::{Person, TimelineKind};
use domain::planner::RECHECK;
use domain::ports::{Failure, Outcome, StoreError};
use domain::step::{Action, Step, StepId, StepState};
use jiff::{SignedDuration, Timestamp};

use crate::brakes::{self, BRAKE_PAUSE, Lease};
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

/// When a step that was refused is tried again: Graph will hardly change its mind sooner, HR or an admin may.
const REFUSED_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// When a step that was begun is looked at again, should whoever began it have died.
const BEGUN_PAUSE: SignedDuration = SignedDuration::from_mins(5);

impl Turn {
    /// The turn of several steps: a failure that counts comes first, then the longest wait, then planning anew.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Stop(Ok(Outcome::Later(one))), Self::Stop(Ok(Outcome::Later(other)))) => {
                Self::Stop(Ok(Outcome::Later(one.max(other))))
            }
            (failure @ Self::Stop(Err(_)), _) | (_, failure @ Self::Stop(Err(_))) => failure,
            (stop @ Self::Stop(_), _) | (_, stop @ Self::Stop(_)) => stop,
            (Self::PlanAgain, _) | (_, Self::PlanAgain) => Self::PlanAgain,
            (Self::Progressed, _) | (_, Self::Progressed) => Self::Progressed,
            (Self::Settled, Self::Settled) => Self::Settled,
        }
    }
}

impl Work<'_> {
    pub(crate) async fn carry_all(&self, runnable: &[StepId]) -> Result<Turn, StoreError> {
        let (mut progressed, mut held_up) = (false, None::<Turn>);
        for set in self.sets(runnable).await? {
            match self.carry_set(&set).await? {
                Turn::Settled => {}
                Turn::Progressed => progressed = true,
                // What else of a cut can be made is made first.
                stop @ Turn::Stop(_) if self.cuts(&set).await? => {
                    held_up = Some(match held_up {
                        Some(earlier) => earlier.and(stop),
                        None => stop,
                    });
                }
                turn => return Ok(turn),
            }
        }
        if let Some(stop) = held_up {
            return Ok(stop);
        }
        // Planning again shows what the steps have made possible; without any, it would only ask for the same once more.
        Ok(if progressed { Turn::PlanAgain } else { Turn::Settled })
    }

    /// Which steps are carried out at the same time: each alone but for those that go together, unless the stage's do not depend on each
    /// other. Then what takes access away goes first, for it waits for no lease.
    async fn sets(&self, runnable: &[StepId]) -> Result<Vec<Vec<StepId>>, StoreError> {
        let Some(person) = self.ports.roster.person(&self.person).await? else { return Ok(Vec::new()) };
        if !self.tenant.is_side_by_side() {
            let goes = |id: &StepId| person.steps.get(id).is_some_and(|step| self.tenant.goes_together(&step.action));
            return Ok(gathered(runnable, goes));
        }
        let grants = |id: &StepId| person.steps.get(id).is_some_and(|step| step.action.grants());
        let (giving, taking): (Vec<_>, Vec<_>) = runnable.iter().cloned().partition(grants);
        Ok([taking, giving].into_iter().filter(|set| !set.is_empty()).collect())
    }

    /// Whether any of these steps is part of a cut.
    async fn cuts(&self, ids: &[StepId]) -> Result<bool, StoreError> {
        let person = self.ports.roster.person(&self.person).await?;
        Ok(person.is_some_and(|person| ids.iter().filter_map(|id| person.steps.get(id)).any(|step| step.action.cuts())))
    }

    async fn carry_set(&self, ids: &[StepId]) -> Result<Turn, StoreError> {
        let (mut admitted, mut grants) = (Vec::with_capacity(ids.len()), false);
        for id in ids {
            let Some(action) = self.action(id).await? else { return Ok(Turn::PlanAgain) };
            if !brakes::allow(self.ports.controls.switches().await?, &action) {
                self.hold(id, &action).await?;
            } else if !self.is_held_by_guard(id, &action).await? {
                grants |= action.grants();
                admitted.push(id.clone());
            }
        }
        if admitted.is_empty() {
            return Ok(Turn::Settled);
        }
        if !grants {
            return self.call(&admitted, None).await;
        }
        let Some(lease) = Lease::take(self).await? else { return Ok(Turn::Stop(Ok(Outcome::Later(BRAKE_PAUSE)))) };
        let turn = self.call(&admitted, Some(lease.until)).await;
        lease.release().await?;
        turn
    }

    async fn action(&self, id: &StepId) -> Result<Option<Action>, StoreError> {
        let person = self.ports.roster.person(&self.person).await?;
        Ok(person.and_then(|person| person.steps.get(id).map(|step| step.action.clone())))
    }

    /// Stopped: the step stays, and is looked at again by and by. A cut that is held pages at once.
    async fn hold(&self, id: &StepId, action: &Action) -> Result<(), StoreError> {
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
        Ok(())
    }

    /// Asks the policy's guards. What they do not admit waits for a human, and pages. Whatever a leaver loses besides sign-in waits
    /// for the guard over cuts first: if the cut is refused, nothing of it was to happen.
    async fn is_held_by_guard(&self, id: &StepId, action: &Action) -> Result<bool, StoreError> {
        if guard::kind_of(action).is_none() {
            return Ok(false);
        }
        let now = self.now();
        let Some(person) = self.ports.roster.person(&self.person).await? else { return Ok(false) };
        let why = person.steps.get(id).map_or("", |step| &step.why);
        let cut = (person.head.cut && !action.cuts()).then_some(Action::DisableAccount { pass: 1 });
        let mut held = None;
        for action in cut.iter().chain([action]) {
            let Some(request) = guard::Request::of(action, &person, self.tenant.policy(), why, now) else { continue };
            held = self.ask(&request).await?;
            if held.is_some() {
                break;
            }
        }
        let Some(text) = held else { return Ok(false) };
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
        Ok(true)
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

    /// Records, calls, records. For granting calls the fence and the lease are looked at last of all.
    async fn call(&self, ids: &[StepId], lease: Option<Timestamp>) -> Result<Turn, StoreError> {
        let now = self.now();
        let (person, begun) =
            self.amend(|person, _| ids.iter().filter_map(|id| begin(person, id, now)).collect::<Vec<_>>()).await?;
        if begun.is_empty() {
            return Ok(Turn::PlanAgain);
        }
        let steps: Vec<Step> = begun.iter().map(|begun| begun.step.clone()).collect();
        let kept_back = match lease {
            Some(_) => brakes::keep_back(self.ports, &self.person, lease).await?,
            None => None,
        };
        let answers = match kept_back {
            Some(effect) => steps.iter().map(|_| Ok(effect.clone())).collect(),
            None => self.tenant.carry_all(&person, &steps, lease).await,
        };
        let turn = self.note_all(&begun, answers).await?;
        Ok(if begun.len() < ids.len() { turn.and(Turn::PlanAgain) } else { turn })
    }

    /// Records in one go what calls came to. Where a store failed before an answer, the step stays as it was recorded before the call.
    async fn note_all(&self, begun: &[Begun], answers: Vec<Result<Effect, Trouble>>) -> Result<Turn, StoreError> {
        let (mut heard, mut broken) = (Vec::with_capacity(begun.len()), None);
        for (begun, answer) in begun.iter().zip(answers) {
            match answer {
                Ok(effect) => heard.push((begun, Ok(effect))),
                Err(Trouble::Graph(error)) => heard.push((begun, Err(error))),
                Err(Trouble::Store(error)) => broken = Some(error),
            }
        }
        for (begun, answer) in &heard {
            if let Ok(Effect::Human(instructions, true)) = answer {
                let phrase = begun.step.action.phrase();
                self.page(&phrase, format!("{}: {phrase}: {instructions}", self.person)).await?;
            }
        }
        let now = self.now();
        self.amend(|person, aside| {
            for (begun, answer) in &heard {
                match answer {
                    Ok(effect) => self.note(person, aside, begun, effect, now),
                    Err(error) => self.note_failure(person, aside, &begun.step, error, now),
                }
            }
        })
        .await?;
        let mut turn = Turn::Settled;
        for (begun, answer) in heard {
            turn = turn.and(match answer {
                Ok(Effect::Later(pause) | Effect::Unsent(pause)) => Turn::Stop(Ok(Outcome::Later(pause))),
                Ok(Effect::Done(..)) => Turn::Progressed,
                Ok(Effect::Fenced) => Turn::PlanAgain,
                Ok(Effect::Wait(..) | Effect::Human(..)) => Turn::Settled,
                Err(error) if error.is_transient() => {
                    self.page_unheard_cut(&begun.step, &error).await?;
                    Turn::Stop(Trouble::Graph(error).into_result())
                }
                Err(error) => {
                    self.page_failed_cut(&begun.step.action, &error).await?;
                    Turn::Settled
                }
            });
        }
        broken.map_or(Ok(turn), Err)
    }

    /// Notes what a step came to.
    fn note(&self, person: &mut Person, aside: &mut Aside, begun: &Begun, effect: &Effect, now: Timestamp) {
        let step = &begun.step;
        let phrase = step.action.phrase();
        let recheck = now.checked_add(RECHECK).ok();
        let (state, wake_at, line) = match effect {
            Effect::Done(words, origin) => {
                write_ledger(person, &step.action, *origin, now);
                let at = domain::overlay::acknowledged_at(person, now);
                let settle = domain::overlay::settling(self.tenant.policy());
                (StepState::Done { at }, at.checked_add(settle).ok(), Some((TimelineKind::Did, words)))
            }
            Effect::Wait(why, sku) => {
                let since = waits_since(&begun.before).unwrap_or(now);
                let waiting = StepState::Waiting { why: why.clone(), sku: sku.clone(), since };
                let again = if sku.is_some() { now.checked_add(RECHECK * 4).ok() } else { recheck };
                (waiting, again, Some((TimelineKind::Waits, why)))
            }
            Effect::Later(_) | Effect::Unsent(_) => (StepState::Pending, recheck, None),
            Effect::Human(instructions, _) => {
                let task = StepState::Task { instructions: instructions.clone() };
                // A cut that is missing is looked at sooner: somebody has been paged, and may have made it.
                let pause = if step.action.cuts() { RECHECK } else { REFUSED_PAUSE };
                (task, now.checked_add(pause).ok(), Some((TimelineKind::Task, instructions)))
            }
            Effect::Fenced => {
                person.steps.remove(&step.id);
                // Nothing was sent, and nothing before: the intent is void.
                if let Some(target) = granted(&step.action).filter(|_| step.attempts <= 1)
                    && person.grants.get(&target).is_some_and(|grant| !grant.held)
                {
                    person.grants.remove(&target);
                }
                let text = format!("{phrase}: not done, access is being cut");
                aside.timeline.push(self.line(TimelineKind::Decided, text));
                return;
            }
        };
        let news = begun.before != state;
        if let Some(known) = person.steps.get_mut(&step.id) {
            // To wait for what is not visible yet is no try: it would delay the next one past that of its message, which would find
            // nothing to do and be done, and nobody would be told.
            if matches!(effect, Effect::Unsent(_) | Effect::Later(_)) {
                known.attempts = known.attempts.saturating_sub(1);
            }
            known.state = state;
            known.wake_at = wake_at;
        }
        if let Some((kind, text)) = line.filter(|_| news) {
            aside.timeline.push(self.line(kind, format!("{phrase}: {text}")));
        }
    }
}

/// One set for those that go together, at the place of the first, and one for each of the others.
fn gathered(ids: &[StepId], goes: impl Fn(&StepId) -> bool) -> Vec<Vec<StepId>> {
    let together: Vec<StepId> = ids.iter().filter(|id| goes(id)).cloned().collect();
    let mut sets: Vec<Vec<StepId>> = Vec::new();
    for id in ids {
        if !goes(id) {
            sets.push(vec![id.clone()]);
        } else if together.first() == Some(id) {
            sets.push(together.clone());
        }
    }
    sets
}

/// Marks a step as running, and what it grants as intended, before the call.
fn begin(person: &mut Person, id: &StepId, now: Timestamp) -> Option<Begun> {
    let generation = person.head.generation;
    let step = person.steps.get_mut(id).filter(|step| step.generation == generation && !step.state.is_met())?;
    let before = std::mem::replace(&mut step.state, StepState::Running { since: now });
    step.attempts += 1;
    step.wake_at = now.checked_add(BEGUN_PAUSE).ok();
    let begun = Begun { step: step.clone(), before };
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
    /// How it stood: whoever waited keeps the place in the line, and what is as it was is no news.
    before: StepState,
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
