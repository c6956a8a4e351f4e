//! What every implementation of the ports must do, as cases against the port traits alone. Another implementation runs
//! them by depending on this crate with the feature `contract`:
//!
//! ```ignore
//! async fn fresh() -> MyPorts { … }
//! embedded::contract_tests!(fresh);
//! ```
//!
//! Each case gets a subject of its own with nothing stored. A case is a function named by the sentence it proves.

use async_trait::async_trait;
use domain::message::QueueName;
use domain::ports::{Addresses, Fences, Lines, Outbox, Outgoing, Roster, StoreError, Vault};
use domain::reconcile::Census;

#[doc(hidden)]
pub mod brakes;
#[doc(hidden)]
pub mod census;
#[doc(hidden)]
pub mod people;
#[doc(hidden)]
pub mod plain;
#[doc(hidden)]
pub mod seats;
#[doc(hidden)]
pub mod sweeps;

/// What a case ends with: it asserts what it proves, and an error is whatever kept it from getting there.
pub type Verdict = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// An implementation of the ports, with nothing stored in it.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The queues' sending side.
    fn outbox(&self) -> &dyn Outbox;
    /// The people.
    fn roster(&self) -> &dyn Roster;
    /// The brakes.
    fn fences(&self) -> &dyn Fences;
    /// The lines for seats.
    fn lines(&self) -> &dyn Lines;
    /// The roster as reconciliation asks it.
    fn census(&self) -> &dyn Census;
    /// The addresses.
    fn addresses(&self) -> &dyn Addresses;
    /// The sealed place.
    fn vault(&self) -> &dyn Vault;
    /// Receives and deletes until the queue is empty; answers the bodies in the order they came. No port receives: on
    /// AWS the service calls the function.
    async fn drain(&self, queue: QueueName) -> Result<Vec<String>, StoreError>;
}

/// Makes one `#[tokio::test]` of every case; `$fresh` is an async function that gives an empty [`Subject`].
#[macro_export]
macro_rules! contract_tests {
    ($fresh:ident) => {
        $crate::contract_tests!(@ $fresh, people:
            a_stranger_is_nobody,
            a_person_comes_back_as_committed,
            a_head_is_stored_only_on_the_version_before_it,
            a_first_head_conflicts_with_one_already_there,
            a_refused_change_leaves_no_trace,
            a_change_without_a_head_needs_a_known_person,
            a_change_without_a_head_is_stored_only_on_the_head_it_rests_on,
            steps_grants_and_timeline_are_stored_without_touching_the_head,
            steps_and_grants_are_forgotten_when_told,
            the_timeline_gives_the_latest_entries_newest_last,
            a_person_is_found_by_object_name_number_and_address,
            a_handle_that_changed_finds_its_new_owner_only,
            several_people_at_one_handle_are_all_given_ten_at_most,
            listing_goes_through_everyone_once,
        );
        $crate::contract_tests!(@ $fresh, sweeps:
            whoever_is_due_is_taken_once_until_the_retry,
            a_rule_that_turns_by_time_makes_its_person_due,
            a_step_that_wakes_makes_its_person_due,
            a_sweep_takes_those_due_longest_first_and_no_more_than_asked,
            a_commit_sets_the_due_time_anew,
            the_line_for_a_seat_is_in_order_of_waiting,
            whoever_stops_waiting_leaves_the_line,
        );
        $crate::contract_tests!(@ $fresh, seats:
            a_line_nobody_asked_in_is_a_new_one,
            a_line_comes_back_as_stored_and_each_product_has_its_own,
            a_line_is_stored_only_on_the_version_before_it,
            a_line_is_looked_at_when_it_asks_for_it_once_until_the_retry,
            a_line_in_which_nobody_waits_is_not_looked_at,
        );
        $crate::contract_tests!(@ $fresh, census:
            whoever_is_bound_to_an_account_is_told,
            the_licenses_of_the_ledger_stand_beside_the_account,
            members_are_told_with_whether_the_ledger_knows,
            whoever_no_page_showed_is_unsighted_until_they_are_sighted,
            a_run_is_stored_only_on_the_version_before_it,
            a_finding_is_kept_once_and_its_person_woken_once,
        );
        $crate::contract_tests!(@ $fresh, brakes:
            nobody_known_is_behind_a_fence,
            a_fence_stands_as_the_last_commit_that_spoke_of_it_left_it,
            a_lease_has_one_holder_until_it_ends,
            a_lease_is_given_back_by_its_holder_only,
        );
        $crate::contract_tests!(@ $fresh, plain:
            an_address_belongs_to_its_first_holder_for_ever,
            an_address_is_the_same_in_any_case,
            a_secret_is_read_often_and_taken_once,
            a_secret_sealed_again_is_replaced,
            messages_of_a_group_come_in_the_order_they_were_sent,
            an_equal_id_is_dropped_even_after_the_first_was_deleted,
            an_equal_id_on_another_queue_is_another_message,
        );
    };
    (@ $fresh:ident, $module:ident: $($case:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $case() -> $crate::contract::Verdict {
                $crate::contract::$module::$case(&$fresh().await).await
            }
        )+
    };
}

pub(crate) use cast::*;

/// Who and what the cases are about.
mod cast {
    use std::collections::BTreeMap;

    use domain::event::{Auth, Effective, EventKind, EventSource, Version, Worker, WorkerEvent};
    use domain::ids::{BadId, EventId, ObjectId, PersonId, SkuId};
    use domain::ledger::{Grant, Origin, Target};
    use domain::person::{Change, Head, Person, TimelineEntry, TimelineKind};
    use domain::step::{Action, Step, StepId, StepState};
    use jiff::Timestamp;

    use super::Outgoing;

    /// A second of the cases' time.
    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn person(number: u32) -> Result<PersonId, BadId> {
        PersonId::new("bamboo", &format!("{number:04}"))
    }

    pub(crate) fn object(number: u32) -> Result<ObjectId, BadId> {
        format!("00000000-0000-4000-8000-{number:012}").parse()
    }

    pub(crate) fn sku(number: u32) -> Result<SkuId, BadId> {
        format!("11111111-0000-4000-8000-{number:012}").parse()
    }

    /// The first head of a person.
    pub(crate) fn head(id: &PersonId) -> Head {
        Head { version: 1, ..Person::new(id.clone()).head }
    }

    /// A change with nothing in it, made by somebody who saw this version of the head.
    pub(crate) fn nothing(id: &PersonId, rests_on: u64) -> Change {
        let known = Person::new(id.clone());
        Change { rests_on, ..known.change_since(&known) }
    }

    /// A change with a head alone, made by somebody who saw the one before it.
    pub(crate) fn with_head(head: Head) -> Change {
        let id = head.person.clone();
        let rests_on = head.version.saturating_sub(1);
        Change { head: Some(head), ..nothing(&id, rests_on) }
    }

    pub(crate) fn waiting(id: &PersonId, sku: &SkuId, since: Timestamp) -> Step {
        let action = Action::AssignLicense { sku: sku.clone(), disabled_plans: Vec::new() };
        let why = "no seat is free".to_owned();
        Step { state: StepState::Waiting { why: why.clone(), sku: Some(sku.clone()), since }, ..step(id, action, None) }
    }

    pub(crate) fn step(id: &PersonId, action: Action, wake_at: Option<Timestamp>) -> Step {
        Step {
            id: StepId::derive(id, 1, &action),
            generation: 1,
            round: 1,
            action,
            why: "the policy asks for it".to_owned(),
            state: StepState::Pending,
            attempts: 0,
            wake_at,
            by_hand: false,
        }
    }

    pub(crate) fn grant(target: Target) -> Grant {
        Grant { target, origin: Origin::Ours, held: true, reasons: vec!["sales".to_owned()], since: at(0) }
    }

    pub(crate) fn entry(text: &str) -> TimelineEntry {
        TimelineEntry {
            at: at(0),
            kind: TimelineKind::Decided,
            function: "people".to_owned(),
            text: text.to_owned(),
            correlation_id: "c".to_owned(),
        }
    }

    /// HR's word that the person has this number.
    pub(crate) fn numbered(id: &PersonId, number: &str) -> WorkerEvent {
        WorkerEvent {
            event_id: EventId::derive(id.connection(), "bamboohr", id.source_id()),
            kind: EventKind::Snapshot,
            source: EventSource {
                system: "bamboohr".to_owned(),
                tenant_id: id.connection().to_owned(),
                company_id: None,
                delivery_id: None,
                vendor_event_id: None,
                vendor_event_type: None,
                occurred_at: None,
                received_at: at(0),
                auth: Auth::None,
                raw_sha256: String::new(),
            },
            worker: Worker {
                source_person_id: id.source_id().to_owned(),
                employee_number: Some(number.to_owned()),
                ..Worker::default()
            },
            version: Version::default(),
            effective: Effective::default(),
            facts: BTreeMap::new(),
            changed_fields: Vec::new(),
            vendor_changed_fields: Vec::new(),
        }
    }

    pub(crate) fn message(group: &str, id: &str, body: &str) -> Outgoing {
        Outgoing { group: group.to_owned(), deduplication_id: id.to_owned(), body: body.to_owned() }
    }
}
