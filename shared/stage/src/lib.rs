//! How planned steps are carried out under the brakes: what the functions that write to the tenant share.
//!
//! A function brings a [`Tenant`]: how to read and plan its stage, and how to carry out one step. Here stands everything that must be
//! the same for all of them, and that nobody may forget:
//!
//! - the switches (observe, stop) are read before every write;
//! - a granting call runs under the person's lease, with the fence read just before it (invariant 8);
//! - a step is recorded as running, and a grant as intended, before the call (invariants 5 and 14);
//! - *done* becomes *verified* only by two agreeing, settled reads (invariant 13);
//! - the person is always handed on, changed or not (invariant 3).

mod brakes;
mod carry;
mod failure;
mod gathering;
mod reader;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::amend::{Aside, amend};
use domain::ids::PersonId;
use domain::ledger::Origin;
use domain::message::{Body, Message, QueueName};
use domain::person::{Person, TimelineEntry, TimelineKind};
use domain::planner::Plan;
use domain::policy::Policy;
use domain::ports::{
    Clock, Controls, Entropy, Failure, Fences, Guards, Mode, Outbox, Outcome, Outgoing, Page, Pager, Roster, StoreError,
};
use domain::progress::{self, Progress};
use domain::step::{Action, Stage, Step, StepId};
use jiff::Timestamp;

pub use brakes::{Due, ask_again};
pub use failure::Trouble;
pub use gathering::{Answer, Asked, Gathering, LINGER_MAX, Seat};
pub use reader::{Memberships, Reader};

/// How often one message plans anew: an account that was just created is planned again as one that is there.
const ROUNDS_MAX: usize = 5;

/// The ports that every stage touches.
#[derive(Clone)]
#[expect(missing_docs, reason = "each is the port of that name")]
pub struct Ports {
    pub roster: Arc<dyn Roster>,
    pub fences: Arc<dyn Fences>,
    pub guards: Arc<dyn Guards>,
    pub controls: Arc<dyn Controls>,
    pub outbox: Arc<dyn Outbox>,
    pub pager: Arc<dyn Pager>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// What reading and planning came to.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The plan.
    pub plan: Plan,
    /// Set if the account could not be seen, though it should be there: look again after this long before handing on.
    pub blind: Option<Duration>,
    /// What kept the tenant from being read, where the plan holds all the same: a cut writes whatever a read says.
    pub unread: Option<graph::Error>,
}

/// What carrying out a step came to, when Graph was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It is so now. The words say what happened; the origin, whose grant it turned out to be.
    Done(String, Option<Origin>),
    /// Not possible now, through nobody's fault: why, and for a seat of which product.
    Wait(String, Option<domain::ids::SkuId>),
    /// Not visible yet: come back with the same message after this long.
    Later(Duration),
    /// Nothing was sent after all, and it is no try: come back with the same message after this long.
    Unsent(Duration),
    /// Nothing was sent: access is being cut.
    Fenced,
    /// Only a human can do it: the instructions. Pages if true.
    Human(String, bool),
}

impl Effect {
    /// Done, in these words.
    pub fn done(words: impl Into<String>) -> Self {
        Self::Done(words.into(), None)
    }
}

/// One stage's way with the tenant.
#[async_trait]
pub trait Tenant: Send + Sync {
    /// The stage.
    fn stage(&self) -> Stage;
    /// The queue the person is handed on to.
    fn next(&self) -> Option<QueueName>;
    /// The policy in force.
    fn policy(&self) -> &Policy;
    /// Reads what this stage needs and plans it.
    async fn look(&self, person: &Person) -> Result<Look, Trouble>;
    /// Carries out one step of a person. It has been recorded as running; the brakes have been checked. Not asked of a stage that
    /// brings a [`Tenant::carry_all`] of its own.
    async fn carry(&self, person: &Person, step: &Step) -> Result<Effect, Trouble> {
        let _ = (person, step);
        Ok(Effect::Human("this version cannot do this step: report it".into(), false))
    }
    /// Whether the stage's steps do not depend on each other, so that several of a person may be carried out at the same time.
    fn is_side_by_side(&self) -> bool {
        false
    }
    /// Whether a step of this kind is carried out together with all others of such a kind, whether they give or take.
    fn goes_together(&self, action: &Action) -> bool {
        let _ = action;
        false
    }
    /// Carries out several steps of a person, which all grant or all do not, unless they go together: an answer for each, in their
    /// order. Until `lease` ends nobody else grants this person anything; there is none for steps of which none grants.
    async fn carry_all(
        &self,
        person: &Person,
        steps: &[Step],
        lease: Option<Timestamp>,
    ) -> Vec<Result<Effect, Trouble>> {
        // Under the lease that was taken for it, a call of its own ends in time.
        let _ = lease;
        let mut answers = Vec::with_capacity(steps.len());
        for step in steps {
            answers.push(self.carry(person, step).await);
        }
        answers
    }
}

/// One message being worked on.
pub(crate) struct Work<'a> {
    pub(crate) ports: &'a Ports,
    pub(crate) tenant: &'a dyn Tenant,
    pub(crate) person: PersonId,
    pub(crate) correlation_id: &'a str,
}

/// Handles a message of a stage's queue.
pub async fn handle(ports: &Ports, tenant: &dyn Tenant, message: &Message) -> Result<Outcome, Failure> {
    let person = match &message.body {
        Body::Wake { person, .. } => person.clone(),
        Body::HrEvent { .. } | Body::Seats { .. } => {
            let error = "a message that wakes nobody came to a stage that takes wake-ups only";
            return Err(Failure::Park { cause: "wrong-message", source: error.into() });
        }
    };
    let work = Work { ports, tenant, person, correlation_id: &message.correlation_id };
    work.run().await
}

impl Work<'_> {
    async fn run(&self) -> Result<Outcome, Failure> {
        let mut unread = None;
        for _ in 0..ROUNDS_MAX {
            let Some(person) = self.ports.roster.person(&self.person).await? else { return Ok(Outcome::Done) };
            let mut look = match self.tenant.look(&person).await {
                Ok(look) => look,
                Err(trouble) => return self.end(&person, trouble.into_result()).await,
            };
            unread = look.unread.take();
            look.plan.is_inconclusive |= look.blind.is_some() || unread.is_some();
            if self.ports.controls.switches().await?.mode == Mode::Observe {
                self.observe(&look.plan).await?;
                return Ok(Outcome::Done);
            }
            let agreed = match self.agreed(&person).await? {
                Ok(agreed) => agreed,
                Err(trouble) => return self.end(&person, trouble.into_result()).await,
            };
            let Some(progress) = self.record(&look.plan, &agreed, person.head.generation).await? else { continue };
            self.page_tasks(&progress).await?;
            match self.carry_all(&progress.runnable).await? {
                carry::Turn::Settled if look.blind.is_some() && !person.head.cut => {
                    return Ok(Outcome::Later(look.blind.unwrap_or_default()));
                }
                carry::Turn::Settled => break,
                carry::Turn::PlanAgain | carry::Turn::Progressed => {}
                carry::Turn::Stop(result) => return self.end(&person, result).await,
            }
        }
        self.hand_on().await?;
        unread.map_or(Ok(Outcome::Done), |error| Trouble::Graph(error).into_result())
    }

    /// Ends a message that did not come to its end. What is left of a leaver's access elsewhere does not wait for it.
    async fn end(&self, person: &Person, result: Result<Outcome, Failure>) -> Result<Outcome, Failure> {
        if person.head.cut {
            self.hand_on().await?;
        }
        result
    }

    /// In observe nothing is written; a cut that should happen raises a page instead.
    async fn observe(&self, plan: &Plan) -> Result<(), StoreError> {
        if !plan.steps.iter().any(|step| step.action.cuts()) {
            return Ok(());
        }
        let text = format!(
            "access of {} should be cut, but Joinery only observes: run `joinery enforce`, or cut by hand",
            self.person
        );
        self.page("observed-cut", text).await
    }

    /// Settled steps that a second read, too, no longer asks for. Reads only if there are any.
    async fn agreed(&self, person: &Person) -> Result<Result<BTreeSet<StepId>, Trouble>, StoreError> {
        let policy = self.tenant.policy();
        let settled = progress::settled(person, self.tenant.stage(), policy, self.now());
        if settled.is_empty() {
            return Ok(Ok(settled));
        }
        let second = match self.tenant.look(person).await {
            Ok(second) if second.blind.is_none() && second.unread.is_none() => second,
            Ok(_) => return Ok(Ok(BTreeSet::new())),
            Err(trouble) => return Ok(Err(trouble)),
        };
        let asked = second.plan.steps.iter();
        let asked = asked.map(|step| StepId::derive(&self.person, person.head.generation, &step.action));
        let asked: BTreeSet<_> = asked.collect();
        Ok(Ok(settled.difference(&asked).cloned().collect()))
    }

    /// Stores what planning changed, with its lines in the timeline. None: access was cut or given back since the look, and what it showed
    /// is no longer to be planned from.
    async fn record(
        &self,
        plan: &Plan,
        agreed: &BTreeSet<StepId>,
        generation: u32,
    ) -> Result<Option<Progress>, StoreError> {
        let (policy, stage, now) = (self.tenant.policy(), self.tenant.stage(), self.now());
        let (_, progress) = amend(self.ports.roster.as_ref(), &self.person, |person, aside| {
            if person.head.generation != generation {
                return None;
            }
            let progress = progress::apply(person, stage, plan, agreed, policy, now);
            aside.timeline.extend(self.lines(&progress));
            Some(progress)
        })
        .await?;
        Ok(progress)
    }

    /// What planning changed, for the timeline.
    fn lines(&self, progress: &Progress) -> Vec<TimelineEntry> {
        let mut lines = Vec::new();
        let mut line = |kind, text: String| lines.push(self.line(kind, text));
        for (phrase, why) in &progress.decided {
            line(TimelineKind::Decided, format!("{phrase}: {why}"));
        }
        for (phrase, why) in &progress.waits {
            line(TimelineKind::Waits, format!("{phrase}: {why}"));
        }
        for (action, instructions) in &progress.tasks {
            line(TimelineKind::Task, format!("{}: {instructions}", action.phrase()));
        }
        for phrase in &progress.verified {
            line(TimelineKind::Verified, format!("{phrase}: read back"));
        }
        for phrase in &progress.dropped {
            line(TimelineKind::Decided, format!("{phrase}: no longer needed"));
        }
        lines
    }

    /// A cut that only a human can finish must not wait for somebody to look at a list.
    async fn page_tasks(&self, progress: &Progress) -> Result<(), StoreError> {
        for (action, instructions) in progress.tasks.iter().filter(|(action, _)| action.is_urgent()) {
            self.page(&action.phrase(), format!("{}: {instructions}", self.person)).await?;
        }
        Ok(())
    }

    async fn hand_on(&self) -> Result<(), StoreError> {
        let Some(queue) = self.tenant.next() else { return Ok(()) };
        let message = Message::wake(&self.person, "handed on", self.correlation_id);
        send(self.ports, queue, &self.person, &message).await
    }

    pub(crate) async fn page(&self, what: &str, text: String) -> Result<(), StoreError> {
        let key = format!("{}|{what}", self.person);
        self.ports.pager.page(Page { key, person: Some(self.person.clone()), text, at: self.now() }).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    pub(crate) fn line(&self, kind: TimelineKind, text: String) -> TimelineEntry {
        let function = match self.tenant.stage() {
            Stage::Accounts => "accounts",
            Stage::Groups => "groups",
            Stage::Licenses => "licenses",
        };
        TimelineEntry {
            at: self.now(),
            kind,
            function: function.into(),
            text,
            correlation_id: self.correlation_id.to_owned(),
        }
    }

    pub(crate) async fn amend<R>(
        &self,
        change: impl FnMut(&mut Person, &mut Aside) -> R,
    ) -> Result<(Person, R), StoreError> {
        amend(self.ports.roster.as_ref(), &self.person, change).await
    }
}

/// Sends a message about a person, with a fresh deduplication id: an equal id within five minutes would be dropped.
pub async fn send(ports: &Ports, queue: QueueName, person: &PersonId, message: &Message) -> Result<(), StoreError> {
    let outgoing =
        Outgoing { group: person.to_string(), deduplication_id: ports.entropy.id(), body: message.to_json() };
    ports.outbox.send(queue, outgoing).await
}
