//! `people`: merges what HR says into the roster, finds what is due now and what is due next, and wakes the person's
//! stages.
//!
//! It is the only function that raises and lowers the fence: in the same transaction as the head that says why, so that no granting
//! call that reads the fence afterwards can slip through (invariant 8). It never talks to Graph.
//!
//! A hint without facts is followed: the record is fetched from HR, after everything that was known already has been acted on,
//! so that no cut waits for HR.

mod duplicates;
mod follow;

use std::sync::Arc;

use domain::amend::{Aside, amend};
use domain::attributes::WORK_EMAIL;
use domain::event::WorkerEvent;
use domain::ids::PersonId;
use domain::lifecycle::{Standing, standing};
use domain::message::{Body, Message, QueueName};
use domain::person::{Person, TimelineEntry, TimelineKind};
use domain::policy::Policy;
use domain::ports::{Clock, Entropy, Failure, Outbox, Outcome, Outgoing, Pager, Roster, StoreError};
use domain::step::{Action, StepState};
use hr::Readers;
use jiff::Timestamp;

/// What `people` may touch.
#[derive(Clone)]
pub struct App {
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// People.
    pub roster: Arc<dyn Roster>,
    /// The connections whose records can be read back.
    pub readers: Arc<Readers>,
    /// Where the stages are woken.
    pub outbox: Arc<dyn Outbox>,
    /// Told when HR cannot be read.
    pub pager: Arc<dyn Pager>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For message ids.
    pub entropy: Arc<dyn Entropy>,
}

/// Handles one message of `people` or `people-urgent`. The person is always handed on, whether or not anything changed: the
/// message may be a redelivery of one whose hand-on was lost.
pub async fn handle(app: &App, message: &Message) -> Result<Outcome, Failure> {
    let (id, event) = match &message.body {
        Body::HrEvent { event } => (subject(event)?, Some(event.as_ref())),
        Body::Wake { person, .. } => (person.clone(), None),
        Body::Seats { .. } => {
            let error = "a message about seats came to people";
            return Err(Failure::Park { cause: "wrong-message", source: error.into() });
        }
    };
    let known = event.is_some() || app.roster.person(&id).await?.is_some();
    if !known {
        return Ok(Outcome::Done);
    }
    let (person, standing) = look(app, &id, &message.correlation_id, |look| {
        if let Some(event) = event {
            look.hear(event);
        }
        look.stand()
    })
    .await?;
    wake_stages(app, &person, &standing, &message.correlation_id).await?;
    // What came with facts may be a cut on the urgent lane: the next person there does not wait for HR. If a fetch is due
    // all the same, the sweep brings it.
    if event.is_none_or(follow::is_hint) {
        follow::follow(app, &person, &standing, &message.correlation_id).await?;
    }
    Ok(Outcome::Done)
}

/// The person an event is about.
fn subject(event: &WorkerEvent) -> Result<PersonId, Failure> {
    PersonId::new(&event.source.tenant_id, &event.worker.source_person_id)
        .map_err(|error| Failure::Park { cause: "bad-person-id", source: Box::new(error) })
}

/// Looks at a person, in one transaction. The look may be repeated on a fresh load.
async fn look<R>(
    app: &App,
    id: &PersonId,
    correlation_id: &str,
    mut at: impl FnMut(&mut Look<'_>) -> R,
) -> Result<(Person, R), StoreError> {
    let (policy, readers, now) = (app.policy.as_ref(), app.readers.as_ref(), app.clock.now());
    amend(app.roster.as_ref(), id, |person, aside| {
        at(&mut Look { policy, readers, person, aside, now, correlation_id })
    })
    .await
}

/// One look at one person, within one transaction.
struct Look<'a> {
    policy: &'a Policy,
    readers: &'a Readers,
    person: &'a mut Person,
    aside: &'a mut Aside,
    now: Timestamp,
    correlation_id: &'a str,
}

impl Look<'_> {
    /// Merges an event. The timeline names the fields it speaks of, never their values.
    fn hear(&mut self, event: &WorkerEvent) {
        let is_new = self.merge(event);
        let said = event.source.vendor_event_type.as_deref().unwrap_or("an event");
        let text = if !is_new {
            format!("HR said {said} again: nothing new in it")
        } else if event.facts.is_empty() {
            format!("HR said {said}")
        } else {
            let fields = event.facts.keys().map(|field| field.path()).collect::<Vec<_>>().join(", ");
            format!("HR said {said}: {fields}")
        };
        self.line(TimelineKind::Heard, text);
        if follow::is_hint(event) {
            self.hear_hint(event);
        }
    }

    /// Whether the event said anything new.
    fn merge(&mut self, event: &WorkerEvent) -> bool {
        let before = self.person.head.record.clone();
        self.person.head.record.apply(event);
        before != self.person.head.record
    }

    /// Derives where the person stands and stores what follows for the head: generation, fence, phase, next due times, policy.
    fn stand(&mut self) -> Standing {
        let standing = standing(self.person, self.policy, self.now);
        let head = &mut self.person.head;
        head.work_email = head.record.text(WORK_EMAIL, standing.today, &standing.zone).map(str::to_owned);
        let is_new = head.version == 0;
        let turned = standing.is_cut() != head.cut;
        if turned {
            head.cut = standing.is_cut();
            head.generation += 1;
        }
        if turned || is_new {
            self.aside.fence = Some(standing.is_cut());
        }
        let phase = standing.phase.as_str();
        if turned || is_new || head.phase != phase {
            phase.clone_into(&mut self.person.head.phase);
            self.line(TimelineKind::Decided, format!("{phase}: {}", standing.why));
        }
        let head = &mut self.person.head;
        head.next_due = standing.next_due.into_iter().chain(head.fetch_back.next()).min();
        // What is due by a rule is done by the stages that are woken now; the group stage says when the next rule turns.
        head.rules_due = head.rules_due.filter(|at| *at > self.now);
        head.policy.clone_from(&self.policy.fingerprint);
        standing
    }

    fn line(&mut self, kind: TimelineKind, text: String) {
        let correlation_id = self.correlation_id.to_owned();
        self.aside.timeline.push(TimelineEntry { at: self.now, kind, function: "people".into(), text, correlation_id });
    }
}

/// Wakes the accounts stage, by the urgent lane while a cut is not known to hold; no cut waits for a look at others. The stages hand
/// the person on among themselves.
async fn wake_stages(app: &App, person: &Person, standing: &Standing, correlation_id: &str) -> Result<(), Failure> {
    if !standing.is_cut() {
        duplicates::note(app, person, correlation_id).await?;
    }
    let urgent = standing.is_cut() && !cut_holds(person);
    let queue = if urgent { QueueName::AccountsUrgent } else { QueueName::Accounts };
    let id = &person.head.person;
    tracing::info!(person = %id, phase = standing.phase.as_str(), %queue, correlation_id, "looked at");
    send(app, queue, id, &Message::wake(id, &standing.why, correlation_id)).await?;
    if standing.is_cut() {
        duplicates::note(app, person, correlation_id).await?;
    }
    Ok(())
}

/// Sends a message about a person, with a fresh deduplication id: an equal id within five minutes would be dropped.
async fn send(app: &App, queue: QueueName, person: &PersonId, message: &Message) -> Result<(), StoreError> {
    let outgoing = Outgoing { group: person.to_string(), deduplication_id: app.entropy.id(), body: message.to_json() };
    app.outbox.send(queue, outgoing).await
}

/// Whether the repeated cut of the present generation has been read back.
fn cut_holds(person: &Person) -> bool {
    let second = |action: &Action| matches!(action, Action::DisableAccount { pass: 2 });
    let present = person.steps.values().filter(|step| step.generation == person.head.generation);
    present.filter(|step| second(&step.action)).any(|step| matches!(step.state, StepState::Verified { .. }))
}
