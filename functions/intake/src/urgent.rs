//! Which lane an event takes. It is only a lane: `people` decides what is due.

use domain::event::{FactValue, WorkerEvent};
use domain::message::QueueName;

/// Facts that end something when they hold a value, even one that could not be read.
const ENDS: &[&str] = &[
    "employment.contract_end_date",
    "employment.end_date",
    "employment.last_working_day",
    "termination.access_end_at",
    "termination.garden_leave_start",
    "termination.last_employed_day",
    "termination.last_working_day",
    "termination.notice_date",
];

/// Whether an event carries a revoke, a terminated status or any end date.
pub fn urgent(event: &WorkerEvent) -> bool {
    let fact = |path: &str| event.facts.get(path);
    let revoke = fact("termination.immediate").and_then(FactValue::as_bool) == Some(true);
    let status = fact("employment.status").and_then(FactValue::as_text);
    let ended = matches!(status, Some("terminated" | "retired" | "deceased"));
    revoke || ended || ENDS.iter().any(|path| fact(path).is_some_and(|value| *value != FactValue::Null))
}

/// The queue an event goes to.
pub(crate) fn lane(event: &WorkerEvent) -> QueueName {
    if urgent(event) { QueueName::PeopleUrgent } else { QueueName::People }
}
