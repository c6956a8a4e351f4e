//! What guards hold, and deciding on it.

use domain::amend::amend;
use domain::guard::{self, HeldAction};
use domain::ids::PersonId;
use domain::message::{Message, QueueName};
use domain::person::{Person, TimelineEntry, TimelineKind};
use domain::policy::GuardKind;
use domain::ports::{Entropy, Outbox, Outgoing, Roster, StoreError};
use domain::step::StepState;
use embedded::{Decision, Store};
use jiff::Timestamp;

/// The most that is looked through: more than any company has people.
const HELD_MAX: usize = 1_000_000;

/// Something a guard holds or a human has refused, with the person it is about.
#[derive(Debug, Clone)]
pub struct Held {
    /// What is held.
    pub action: HeldAction,
    /// Whom it would take access from.
    pub person: Person,
}

/// What guards hold now, longest first. What was held and is asked for no more, because HR took it back, is left out.
pub async fn held(store: &Store) -> Result<Vec<Held>, StoreError> {
    let mut open: Vec<Held> = Vec::new();
    for action in store.held_actions(HELD_MAX)? {
        let is_known = |held: &Held| held.action.person == action.person && held.action.kind == action.kind;
        if open.iter().rev().any(is_known) {
            continue;
        }
        let Some(person) = store.person(&action.person).await? else { continue };
        if is_asked_for(&person, action.kind) {
            open.push(Held { action, person });
        }
    }
    Ok(open)
}

fn is_asked_for(person: &Person, kind: GuardKind) -> bool {
    let present = person.steps.values().filter(|step| step.generation == person.head.generation);
    let mut guarded = present.filter(|step| guard::kind_of(&step.action) == Some(kind));
    guarded.any(|step| matches!(step.state, StepState::Waiting { .. }))
}

/// Who decides, when, and why.
#[derive(Debug, Clone, Copy)]
pub struct Decider<'a> {
    /// Who.
    pub by: &'a str,
    /// Why.
    pub why: &'a str,
    /// When.
    pub at: Timestamp,
}

/// Decides what a guard of this kind holds of a person, writes it into the person's story and has the person looked at again. False:
/// there was nothing to decide any more.
pub async fn decide(
    store: &Store,
    entropy: &dyn Entropy,
    kind: GuardKind,
    person: &PersonId,
    decision: Decision,
    decider: Decider<'_>,
) -> Result<bool, StoreError> {
    let Decider { by, why, at } = decider;
    if !store.decide_guarded(kind, person, decision, &format!("{by}: {why}"))? {
        return Ok(false);
    }
    let word = match decision {
        Decision::Release => "released",
        Decision::Refuse => "refused",
    };
    let correlation_id = entropy.id();
    amend(store, person, |_, aside| {
        aside.timeline.push(TimelineEntry {
            at,
            kind: TimelineKind::Decided,
            function: "guard".into(),
            text: format!("{word} at the guard `{}` by {by}: {why}", kind.word()),
            correlation_id: correlation_id.clone(),
        });
    })
    .await?;
    let wake = Message::wake(person, &format!("{word} at a guard"), &correlation_id);
    let outgoing = Outgoing { group: person.to_string(), deduplication_id: entropy.id(), body: wake.to_json() };
    store.send(QueueName::PeopleUrgent, outgoing).await?;
    Ok(true)
}
