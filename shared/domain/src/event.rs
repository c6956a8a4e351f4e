//! The canonical worker event, `hr.worker-event/1`: what any HR source's message is reduced to before it is stored.
//!
//! Facts are held by path and not as a struct of a hundred options, because three readers need the path itself: the
//! allow-list (what is not in [`FIELDS`] never gets past the adapter), the merge (a register per path and effective
//! date) and the messages that name a bad field. On the wire the paths nest (`{"employment":{"hire_date":…}}`).
//!
//! *Absent is not null*: a path that is missing was not spoken of; [`FactValue::Null`] says it is known to be empty.

mod fields;
mod wire;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use fields::{FIELDS, Field, FieldKind};
pub use wire::{BadEvent, fact_from_text, facts_from_json};

use crate::ids::EventId;

/// The schema's name, in every event.
pub const SCHEMA: &str = "hr.worker-event/1";

/// One event about one worker, reduced to the allow-list.
///
/// Its serde form is the canonical JSON of the schema. Debug shows ids and paths only, never a value.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkerEvent {
    /// Unique and the same for every delivery of the event.
    pub event_id: EventId,
    /// What the source, or else the facts, call it. Nothing is decided by it.
    pub kind: EventKind,
    /// Where it came from.
    pub source: EventSource,
    /// Whom it is about.
    pub worker: Worker,
    /// How it orders among the source's other events.
    pub version: Version,
    /// From when its facts hold.
    pub effective: Effective,
    /// The facts by path; a [`FactValue::Fault`] where the source's value could not be read.
    pub facts: BTreeMap<Field, FactValue>,
    /// Paths (canonical) that changed, as far as the source says.
    pub changed_fields: Vec<String>,
    /// The same in the source's own words.
    pub vendor_changed_fields: Vec<String>,
}

impl std::fmt::Debug for WorkerEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerEvent")
            .field("event_id", &self.event_id)
            .field("kind", &self.kind)
            .field("worker", &self.worker.source_person_id)
            .field("fields", &self.facts.keys().map(|field| field.path()).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The value of a fact.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactValue {
    /// Known to be empty.
    Null,
    /// Text, trimmed, never empty.
    Text(String),
    /// Yes or no.
    Bool(bool),
    /// A calendar date in the worker's zone.
    Date(Date),
    /// An instant.
    Instant(Timestamp),
    /// A number as the source wrote it.
    Number(String),
    /// Several texts, in the source's order.
    Texts(Vec<String>),
    /// The source spoke of the field, but what it said cannot be used. Never read as null.
    Fault(FieldFault),
}

impl std::fmt::Debug for FactValue {
    /// Only the shape: a fact is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Text(_) => "Text(…)",
            Self::Bool(_) => "Bool(…)",
            Self::Date(_) => "Date(…)",
            Self::Instant(_) => "Instant(…)",
            Self::Number(_) => "Number(…)",
            Self::Texts(_) => "Texts(…)",
            Self::Fault(_) => "Fault(…)",
        })
    }
}

impl FactValue {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The date, if it is one.
    pub fn as_date(&self) -> Option<Date> {
        if let Self::Date(date) = self { Some(*date) } else { None }
    }

    /// The yes or no, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(yes) = self { Some(*yes) } else { None }
    }
}

/// What is wrong with a field and how to mend it. Holds no value: values are personal data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldFault {
    /// What is wrong, such as `is not a calendar date`.
    pub problem: String,
    /// What to do, such as `send it as YYYY-MM-DD`.
    pub fix: String,
}

/// The schema's words for what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the schema's own and say all there is")]
pub enum EventKind {
    PreHire,
    Hire,
    Update,
    NameChange,
    Transfer,
    ManagerChange,
    LeaveStart,
    LeaveEnd,
    TerminationScheduled,
    TerminationEffective,
    TerminationCancelled,
    AccessRevokeImmediate,
    Rehire,
    RehireCancelled,
    HireCancelled,
    Conversion,
    RecordDeleted,
    Snapshot,
    UnknownHint,
}

/// How the source proved that the event is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// A keyed hash over the raw body.
    Hmac,
    /// A fixed token.
    Token,
    /// HTTP Basic.
    Basic,
    /// A client certificate.
    Mtls,
    /// An OAuth bearer token.
    Oauth,
    /// No proof was asked for.
    None,
}

/// Where an event came from. Never the raw body, only its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSource {
    /// The source's name in the policy, such as `bamboohr`.
    pub system: String,
    /// The connection's name in the policy.
    pub tenant_id: String,
    /// The source's own company id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_id: Option<String>,
    /// Id of the delivery, where the source gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<String>,
    /// The source's event id, where it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_event_id: Option<String>,
    /// The source's word for what happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_event_type: Option<String>,
    /// When the source says it happened (was recorded).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// When intake took it.
    pub received_at: Timestamp,
    /// The proof of origin.
    pub auth: Auth,
    /// Lower-case hex SHA-256 of the raw body.
    pub raw_sha256: String,
}

/// Whom an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Worker {
    /// The person's id in the source; with the connection it is the person's identity.
    pub source_person_id: String,
    /// The employment, where a person may have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_employment_id: Option<String>,
    /// The number people know the worker by; not identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<String>,
    /// Other ids, by their names in the source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alternate_ids: BTreeMap<String, String>,
}

/// How an event orders among the source's others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Version {
    /// When the source last changed the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_updated_at: Option<Timestamp>,
    /// The source's version, opaque; only one that is a whole number orders anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    /// Order among changes effective on one date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_sequence: Option<i64>,
    /// Hash of the snapshot the event was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_sha256: Option<String>,
}

/// From when an event's facts hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Effective {
    /// The first day, in the worker's zone. None: from the day it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// The worker's zone (IANA name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Where the zone was taken from: `site`, `country` or `tenant_default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_origin: Option<String>,
    /// The instant, where the source gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whether end dates in this event are the last day (true) or the first day after (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inclusive_end: Option<bool>,
}
