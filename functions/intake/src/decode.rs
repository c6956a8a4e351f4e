//! From a request's bytes to canonical events: pure, the same for the front door and for `joinery hr decode`.

use std::collections::BTreeSet;

use domain::event::{Auth, Effective, EventKind, EventSource, Version, Worker, WorkerEvent};
use domain::ids::{EventId, PersonId, hex_sha256};
use domain::message::Message;
use jiff::Timestamp;
use serde_json::Value;

use crate::form;
use crate::source::Adapter;

/// The most events read from one body.
pub(crate) const EVENTS_MAX: usize = 1_000;
/// The most names of changed fields kept of one event, and the longest kept, in characters.
const NAMES_MAX: usize = 200;
const NAME_CHARS_MAX: usize = 100;
/// The largest queue message, in bytes: SQS takes 256 KiB, and its attributes count too.
const MESSAGE_BYTES_MAX: usize = 240 * 1024;

/// What arrived, with what is known of it before its body is read.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// Who sent it.
    pub adapter: &'static Adapter,
    /// The connection's name in the policy.
    pub connection: &'a str,
    /// The kind that the subscribed address names, for bodies that do not say it.
    pub kind: Option<&'a str>,
    /// The raw body.
    pub body: &'a [u8],
    /// When it came in.
    pub received_at: Timestamp,
    /// How its origin was proven.
    pub auth: Auth,
    /// The delivery's id, where the source gives one.
    pub id: Option<&'a str>,
    /// The signed time as its header writes it.
    pub signed_at: Option<&'a str>,
}

/// What a body turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Events, at least one; beside them what could not be read of the same body.
    Events {
        /// In the body's order.
        events: Vec<WorkerEvent>,
        /// Entries to park.
        unreadable: Vec<Unreadable>,
    },
    /// The source wants to be answered and has nothing to tell.
    Handshake {
        /// The JSON to answer with.
        answer: Value,
    },
    /// Understood, and not about any worker.
    Ignored {
        /// Why.
        reason: String,
    },
    /// Not understood.
    Refused {
        /// What is wrong and how to mend it.
        reason: String,
    },
}

/// An entry of a body that is no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its place in the body, from 0.
    pub index: usize,
    /// What is wrong with it and how to mend it. Holds no value.
    pub reason: String,
}

/// Why a body or an entry is refused: what is wrong, how to mend it, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

impl<T: std::fmt::Display> From<T> for Refusal {
    fn from(reason: T) -> Self {
        Self(reason.to_string())
    }
}

/// Reads a body. Never fails: what cannot be read is [`Decoded::Refused`].
pub fn decode(delivery: &Delivery<'_>) -> Decoded {
    match (delivery.adapter.read)(delivery) {
        Ok(Decoded::Events { events, unreadable }) if events.is_empty() => {
            Decoded::Refused { reason: describe(&unreadable) }
        }
        Ok(decoded) => decoded,
        Err(Refusal(reason)) => Decoded::Refused { reason },
    }
}

/// The first few reasons, with their places.
pub(crate) fn describe(unreadable: &[Unreadable]) -> String {
    let reasons: Vec<String> =
        unreadable.iter().take(5).map(|entry| format!("entry {}: {}", entry.index, entry.reason)).collect();
    format!("{} unreadable; {}", unreadable.len(), reasons.join("; "))
}

/// The body as JSON: a form is nested by its brackets where the source may send one.
pub(crate) fn body_json(delivery: &Delivery<'_>) -> Result<Value, Refusal> {
    let first = delivery.body.iter().find(|byte| !byte.is_ascii_whitespace());
    let looks_json = matches!(first, None | Some(b'{' | b'['));
    if !looks_json && delivery.adapter.sends_forms {
        return form::nested(delivery.body).ok_or_else(|| Refusal("the form cannot be read; send JSON".into()));
    }
    serde_json::from_slice(delivery.body).map_err(|error| {
        // Only the place: the error's own words may quote the body.
        let (line, column) = (error.line(), error.column());
        Refusal(format!("the body is not JSON (line {line}, column {column}); send one JSON object in UTF-8"))
    })
}

/// What an adapter read of one event, before it has an id and an origin.
pub(crate) struct Reading {
    pub(crate) kind: EventKind,
    pub(crate) vendor_type: Option<String>,
    pub(crate) company_id: Option<String>,
    pub(crate) occurred_at: Option<Timestamp>,
    /// What makes the event unique within the source, if the source has an id for that.
    pub(crate) unique_id: Option<String>,
    pub(crate) worker: Worker,
    pub(crate) version: Version,
    pub(crate) effective: Effective,
    pub(crate) facts: std::collections::BTreeMap<domain::event::Field, domain::event::FactValue>,
    pub(crate) changed_fields: Vec<String>,
    pub(crate) vendor_changed_fields: Vec<String>,
}

/// Makes events of readings, giving each its id.
pub(crate) struct Maker<'a> {
    delivery: &'a Delivery<'a>,
    raw_sha256: String,
    seen: BTreeSet<String>,
}

impl<'a> Maker<'a> {
    pub(crate) fn new(delivery: &'a Delivery<'a>) -> Self {
        Self { delivery, raw_sha256: hex_sha256(&[delivery.body]), seen: BTreeSet::new() }
    }

    /// The event of a reading. A record the source deleted has no facts: what it still says of the person is not to be
    /// merged, and the deletion by itself never offboards.
    pub(crate) fn make(&mut self, reading: Reading) -> Result<WorkerEvent, Refusal> {
        let delivery = self.delivery;
        let deleted = reading.kind == EventKind::RecordDeleted;
        PersonId::new(delivery.connection, &reading.worker.source_person_id)
            .map_err(|_| Refusal("the person's id cannot be used; send plain text of at most 150 characters".into()))?;
        let key = reading.unique_id.clone().unwrap_or_else(|| self.derived_key(&reading));
        let event = WorkerEvent {
            event_id: EventId::derive(delivery.connection, delivery.adapter.name(), &key),
            kind: reading.kind,
            source: EventSource {
                system: delivery.adapter.name().to_owned(),
                tenant_id: delivery.connection.to_owned(),
                company_id: reading.company_id,
                delivery_id: delivery.id.map(str::to_owned),
                vendor_event_id: reading.unique_id,
                vendor_event_type: reading.vendor_type,
                occurred_at: reading.occurred_at,
                received_at: delivery.received_at,
                auth: delivery.auth,
                raw_sha256: self.raw_sha256.clone(),
            },
            worker: reading.worker,
            version: reading.version,
            effective: reading.effective,
            facts: if deleted { std::collections::BTreeMap::new() } else { reading.facts },
            changed_fields: reading.changed_fields,
            vendor_changed_fields: names(reading.vendor_changed_fields),
        };
        if Message::hr_event(event.clone()).to_json().len() > MESSAGE_BYTES_MAX {
            return Err("the event is too large to be stored; shorten its longest fields".into());
        }
        Ok(event)
    }

    /// For sources without event ids: a hash of connection, type, worker, the vendor's time and the body. Where the body
    /// has no time the signed header's stands in, lest a change made and taken back within minutes look like a repeat. A
    /// person met again in one body counts as another event.
    fn derived_key(&mut self, reading: &Reading) -> String {
        let time = reading.occurred_at.map(|at| at.to_string());
        let time = time.as_deref().or(self.delivery.signed_at).unwrap_or_default();
        let vendor_type = reading.vendor_type.as_deref().unwrap_or_default();
        let worker = &reading.worker.source_person_id;
        (0..=EVENTS_MAX)
            .map(|nth| {
                let nth = if nth == 0 { String::new() } else { nth.to_string() };
                let parts = [self.delivery.connection, vendor_type, worker, time, &self.raw_sha256, &nth];
                hex_sha256(&[parts.join("|")])
            })
            .find(|key| self.seen.insert(key.clone()))
            .unwrap_or_default()
    }
}

/// Keeps a bounded list of bounded names, each once.
fn names(list: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let fits = list.into_iter().filter(|name| !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX);
    fits.filter(|name| seen.insert(name.clone())).take(NAMES_MAX).collect()
}

/// The schema's kind of this name.
pub(crate) fn kind_named(word: &str) -> Option<EventKind> {
    serde_json::from_value(Value::from(word)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_that_fits_no_queue_message_is_refused() {
        for (chars, accepted) in [(1_000, true), (4_000, false)] {
            let ids = vec!["9".repeat(chars); 100];
            let data = json!({"worker": {"source_person_id": "1"}, "employment": {"previous_person_ids": ids}});
            let body = json!({"type": "worker.changed", "data": data}).to_string();
            let delivery = Delivery {
                adapter: Adapter::named("standard-webhooks").unwrap(),
                connection: "hr",
                kind: None,
                body: body.as_bytes(),
                received_at: Timestamp::UNIX_EPOCH,
                auth: Auth::None,
                id: None,
                signed_at: None,
            };
            assert_eq!(matches!(decode(&delivery), Decoded::Events { .. }), accepted);
        }
    }
}
