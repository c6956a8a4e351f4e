//! Guards: how many people an action may take access from in a while, before a human is asked (architecture, invariant 15).
//!
//! A guard counts *distinct people* per kind of action and window. What is below the limit runs; what exceeds it is held,
//! pages, and waits for a release or a refusal. What was admitted once is not counted again when it is planned again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{PersonId, hex_sha256};
use crate::person::Person;
use crate::policy::{Guard, GuardKind, Policy};
use crate::step::Action;

/// The kind of guard an action stands under, if any. All parts of one cut are one kind, so that a cut is admitted whole.
pub fn kind_of(action: &Action) -> Option<GuardKind> {
    match action {
        Action::DisableAccount { .. }
        | Action::RevokeSessions { .. }
        | Action::ResetPassword
        | Action::RemoveMethods { .. } => Some(GuardKind::Disable),
        Action::DeleteAccount => Some(GuardKind::Delete),
        Action::RemoveLicense { .. } | Action::LeaveCarrier { .. } => Some(GuardKind::RemoveLicense),
        Action::RemoveMember { .. } => Some(GuardKind::RemoveMember),
        _ => None,
    }
}

/// How many people a guard admits in its window, of a population: the lower of its two thresholds. None: no limit.
pub fn limit(guard: &Guard, population: u64) -> Option<u64> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "people are far fewer than 2^52, and percent is checked to lie between 0 and 100"
    )]
    let share = guard.percent.map(|percent| (population as f64 * percent / 100.0).floor() as u64);
    guard.people.map(u64::from).into_iter().chain(share).min()
}

/// A request to pass a guard.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The kind.
    pub kind: GuardKind,
    /// Whom access is taken from.
    pub person: PersonId,
    /// What makes it one admission however often it is asked for: of a cut or a deletion the person's generation, of anything else
    /// the facts it follows from.
    pub subject: String,
    /// Fingerprint of the person's facts, and of the policy where only the policy turns them into a removal: a refusal stands until
    /// they change.
    pub facts: String,
    /// Why, for whoever releases it.
    pub why: String,
    /// The time.
    pub now: Timestamp,
}

impl Request {
    /// The request for an action on a person under a policy, if a guard watches over it.
    pub fn of(action: &Action, person: &Person, policy: &Policy, why: &str, now: Timestamp) -> Option<Self> {
        let kind = kind_of(action)?;
        let facts = fingerprint(person);
        let (subject, facts) = match kind {
            GuardKind::Disable | GuardKind::Delete => (format!("generation {}", person.head.generation), facts),
            // It follows from the policy as much as from HR's word: another policy is something else to decide on.
            GuardKind::RemoveLicense | GuardKind::RemoveMember => {
                let facts: String = hex_sha256(&[&facts, &policy.fingerprint]).chars().take(24).collect();
                (facts.clone(), facts)
            }
        };
        Some(Self { kind, person: person.head.person.clone(), subject, facts, why: why.to_owned(), now })
    }
}

/// A short hash of what HR says of a person, whenever it said so: a snapshot that repeats it changes nothing.
fn fingerprint(person: &Person) -> String {
    let mut facts = serde_json::to_value(&person.head.record).unwrap_or_default();
    forget_stamps(&mut facts);
    hex_sha256(&[facts.to_string()]).chars().take(24).collect()
}

/// Replaces every stamp by the bare fact that there is one.
fn forget_stamps(value: &mut Value) {
    match value {
        Value::Object(map) if map.contains_key("event_id") => *value = Value::Bool(true),
        Value::Object(map) => map.values_mut().for_each(forget_stamps),
        Value::Array(list) => list.iter_mut().for_each(forget_stamps),
        _ => {}
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may be carried out.
    Admitted,
    /// It exceeds the guard: a human must decide.
    Held,
    /// A human refused it, and the facts have not changed since.
    Refused,
}

/// Something a guard has held, for a human to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAction {
    /// The kind.
    pub kind: GuardKind,
    /// Whom it would take access from.
    pub person: PersonId,
    /// Whether it was refused already.
    pub refused: bool,
    /// Why it should happen.
    pub why: String,
    /// Since when it is held.
    pub since: Timestamp,
    /// Who decided, and why, if anybody did.
    pub decided: Option<String>,
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::json;

    use super::*;
    use crate::event::WorkerEvent;
    use crate::ids::EventId;

    fn guard(people: Option<u32>, percent: Option<f64>) -> Guard {
        Guard { people, percent, window: SignedDuration::from_hours(1) }
    }

    #[test]
    fn the_lower_threshold_counts() {
        let check = |people, percent, population, expected| {
            assert_eq!(limit(&guard(people, percent), population), expected, "{people:?} {percent:?} of {population}");
        };
        check(Some(5), None, 1_000, Some(5));
        check(Some(5), Some(5.0), 1_000, Some(5));
        check(Some(5), Some(5.0), 40, Some(2));
        check(None, Some(2.5), 39, Some(0));
        check(Some(0), Some(100.0), 40, Some(0));
        check(None, None, 40, None);
    }

    #[test]
    fn a_snapshot_that_repeats_the_facts_is_no_new_fact() {
        let of = |events: &[WorkerEvent]| {
            let mut person = Person::new("hr:7".parse().unwrap());
            for event in events {
                person.head.record.apply(event);
            }
            fingerprint(&person)
        };
        let left = || said(&json!({"employment": {"hire_date": "2020-01-01", "end_date": "2026-03-01"}}));
        let again = WorkerEvent { event_id: EventId::derive("hr", "s", "2"), ..left() };
        let moved = said(&json!({"employment": {"hire_date": "2020-01-01", "end_date": "2026-04-01"}}));
        assert_eq!(of(&[left()]), of(&[left(), again]));
        assert_ne!(of(&[left()]), of(&[moved]));
    }

    fn said(facts: &Value) -> WorkerEvent {
        let mut event = json!({
            "event_id": "e1", "kind": "update", "worker": {"source_person_id": "7"},
            "source": {"system": "standard-webhooks", "tenant_id": "hr", "received_at": "2026-03-02T08:00:00Z", "auth": "hmac", "raw_sha256": "00"},
        });
        event.as_object_mut().unwrap().extend(facts.as_object().unwrap().clone());
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_removal_is_another_decision_under_another_policy_and_a_cut_is_not() {
        let mut person = Person::new("hr:7".parse().unwrap());
        person.head.record.apply(&said(&json!({"employment": {"hire_date": "2020-01-01"}})));
        let (one, other) = (crate::sample::policy(), Policy { fingerprint: "other".into(), ..crate::sample::policy() });
        let of = |action: &Action, policy| Request::of(action, &person, policy, "", crate::sample::at("2026-03-10"));
        let removal = Action::RemoveMember { group: crate::sample::SALES.parse().unwrap() };
        let [before, after] = [&one, &other].map(|policy| of(&removal, policy).unwrap());
        assert_ne!((&before.subject, &before.facts), (&after.subject, &after.facts));
        let cut = Action::DisableAccount { pass: 1 };
        assert_eq!(of(&cut, &one), of(&cut, &other));
    }

    #[test]
    fn all_parts_of_a_cut_are_admitted_together() {
        let cut = [
            Action::DisableAccount { pass: 1 },
            Action::RevokeSessions { pass: 2 },
            Action::ResetPassword,
            Action::RemoveMethods { pass: 1 },
        ];
        assert!(cut.iter().all(|action| kind_of(action) == Some(GuardKind::Disable) && action.cuts()));
        assert_eq!(kind_of(&Action::EnableAccount), None);
    }
}
