//! Our own generic endpoint: the Standard Webhooks envelope around the canonical fields.
//!
//! Source: "Standard Webhooks Specification", sections on headers, signature scheme and payload structure.

use std::collections::BTreeMap;

use domain::event::{
    Effective, EventKind, FactValue, Field, FieldKind, Version, Worker, fact_from_text, facts_from_json,
};
use domain::policy::Source;
use hr::forbidden::is_forbidden;
use hr::value::{id_text, instant};
use jiff::Timestamp;
use serde_json::Value;

use crate::decode::{Decoded, Delivery, Maker, Reading, Refusal, body_json, kind_named};
use crate::signature::{Encoding, Freshness, Grammar, Hash, HeaderSet, Key, Scheme, Signed};
use crate::source::Adapter;

pub(super) static ADAPTER: Adapter =
    Adapter { source: Source::StandardWebhooks, scheme: SCHEME, sends_forms: false, read };

/// `webhook-*`, or Svix's names for the same.
const SCHEME: Scheme = Scheme {
    headers: &[
        HeaderSet { id: Some("webhook-id"), timestamp: Some("webhook-timestamp"), signature: "webhook-signature" },
        HeaderSet { id: Some("svix-id"), timestamp: Some("svix-timestamp"), signature: "svix-signature" },
    ],
    signed: Signed::IdTimestampBody,
    hash: Hash::Sha256,
    key: Key::Whsec,
    encoding: Encoding::Base64,
    grammar: Grammar::Versions("v1"),
    freshness: Freshness::Unix,
};

/// The most other ids kept of one worker.
const OTHER_IDS_MAX: usize = 20;

/// The facts of which a leaver's event needs one, so that there is a day to act on.
const LAST_DAYS: &[&str] = &[
    "termination.last_working_day",
    "termination.last_employed_day",
    "employment.last_working_day",
    "employment.end_date",
    "employment.contract_end_date",
    "termination.access_end_at",
];

type Facts = BTreeMap<Field, FactValue>;

fn read(delivery: &Delivery<'_>) -> Result<Decoded, Refusal> {
    let root = body_json(delivery)?;
    if !root.is_object() {
        return Err("the body is not a JSON object; send `type`, `timestamp` and `data`".into());
    }
    let vendor_type = root.get("type").and_then(Value::as_str).map(str::trim);
    let Some(vendor_type) = vendor_type.filter(|text| !text.is_empty() && text.len() <= 100) else {
        return Err(
            "`type` is missing or not text; send one that begins with `worker.`, such as `worker.changed`".into()
        );
    };
    let Some(suffix) = vendor_type.strip_prefix("worker.") else {
        return Ok(Decoded::Ignored {
            reason: "`type` does not begin with `worker.`, so it is about no worker".into(),
        });
    };
    let occurred_at = match root.get("timestamp") {
        None | Some(Value::Null) => None,
        Some(value) => Some(instant(value).ok_or(not_an_instant("timestamp"))?),
    };
    let data = root.get("data").filter(|data| data.is_object());
    let data = data.ok_or("`data` is missing or not an object; put the worker's fields in it")?;
    let worker = worker(data)?;
    let facts = facts_from_json(data)?;
    let kind = kind(data, suffix, delivery.kind, &facts);
    check_leaver(kind, &facts)?;
    let changed = texts(data, "changed_fields");
    let reading = Reading {
        kind,
        vendor_type: Some(vendor_type.to_owned()),
        company_id: None,
        occurred_at,
        unique_id: delivery.id.map(str::to_owned),
        worker,
        version: version(data)?,
        effective: effective(data)?,
        facts,
        changed_fields: changed.into_iter().filter(|path| Field::of(path).is_some()).collect(),
        vendor_changed_fields: texts(data, "vendor_changed_fields"),
    };
    let event = Maker::new(delivery).make(reading)?;
    Ok(Decoded::Events { events: vec![event], unreadable: Vec::new() })
}

fn worker(data: &Value) -> Result<Worker, Refusal> {
    let worker = object(data, "worker")?.ok_or("`data.worker` is missing; send an object with `source_person_id`")?;
    let id = |key: &str| {
        id_text(worker.get(key)).map_err(|_| Refusal(format!("`data.worker.{key}` is not an id; send short text")))
    };
    let other = worker.get("alternate_ids").and_then(Value::as_object).into_iter().flatten();
    let other = other.filter(|(name, _)| !is_forbidden(name) && name.len() <= 100);
    let other = other.filter_map(|(name, value)| Some((name.clone(), id_text(Some(value)).ok()??)));
    Ok(Worker {
        source_person_id: id("source_person_id")?
            .ok_or("`data.worker.source_person_id` is missing; send the person's id in the HR system")?,
        source_employment_id: id("source_employment_id")?,
        employee_number: id("employee_number")?,
        alternate_ids: other.take(OTHER_IDS_MAX).collect(),
    })
}

/// The sender's word if it is one of the schema's, else the type's, the address's, or what the facts say.
fn kind(data: &Value, suffix: &str, address: Option<&str>, facts: &Facts) -> EventKind {
    let said = data.get("kind").and_then(Value::as_str).and_then(kind_named);
    said.or_else(|| kind_of_word(suffix)).or_else(|| address.and_then(kind_of_word)).unwrap_or_else(|| {
        let says = |path: &str| facts.get(path).and_then(FactValue::as_bool) == Some(true);
        let status = facts.get("employment.status").and_then(FactValue::as_text);
        let stated = |path: &str| facts.get(path).is_some_and(|day| *day != FactValue::Null);
        if says("termination.immediate") {
            EventKind::AccessRevokeImmediate
        } else if says("termination.cancelled") {
            EventKind::TerminationCancelled
        } else if matches!(status, Some("terminated" | "retired" | "deceased")) {
            EventKind::TerminationEffective
        } else if LAST_DAYS.iter().any(|path| path.starts_with("termination.") && stated(path)) {
            EventKind::TerminationScheduled
        } else if facts.is_empty() {
            EventKind::UnknownHint
        } else {
            EventKind::Update
        }
    })
}

fn kind_of_word(word: &str) -> Option<EventKind> {
    match word {
        "created" | "hired" => Some(EventKind::Hire),
        "deleted" => Some(EventKind::RecordDeleted),
        word => kind_named(word),
    }
}

/// A leaver's event without a day to act on, a revoke or a status that says it is over would be obeyed by guessing.
fn check_leaver(kind: EventKind, facts: &Facts) -> Result<(), Refusal> {
    use EventKind::{AccessRevokeImmediate, TerminationEffective, TerminationScheduled};
    if !matches!(kind, AccessRevokeImmediate | TerminationEffective | TerminationScheduled) {
        return Ok(());
    }
    let usable = |path: &&'static str| matches!(facts.get(*path), Some(FactValue::Date(_) | FactValue::Instant(_)));
    let immediate = facts.get("termination.immediate").and_then(FactValue::as_bool) == Some(true);
    let status = facts.get("employment.status").and_then(FactValue::as_text);
    if immediate || matches!(status, Some("terminated" | "retired" | "deceased")) || LAST_DAYS.iter().any(usable) {
        return Ok(());
    }
    let unread = LAST_DAYS.iter().find_map(|path| match facts.get(*path) {
        Some(FactValue::Fault(fault)) => Some(format!("`data.{path}` {}; {}", fault.problem, fault.fix)),
        _ => None,
    });
    Err(Refusal(unread.unwrap_or_else(|| {
        "the event ends an employment but says no day: send `data.termination.last_working_day`, \
         `data.termination.last_employed_day`, `data.employment.end_date` or `data.termination.immediate`"
            .into()
    })))
}

fn version(data: &Value) -> Result<Version, Refusal> {
    let Some(version) = object(data, "version")? else { return Ok(Version::default()) };
    let text = |key: &str| {
        id_text(version.get(key)).map_err(|_| Refusal(format!("`data.version.{key}` is not short text; send text")))
    };
    let sequence = match version.get("effective_sequence") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_i64().ok_or("`data.version.effective_sequence` is not a whole number; send one")?),
    };
    Ok(Version {
        source_updated_at: optional_instant(version, "source_updated_at", "version.source_updated_at")?,
        source_version: text("source_version")?,
        effective_sequence: sequence,
        snapshot_sha256: text("snapshot_sha256")?,
    })
}

/// From when the facts hold. A date that cannot be read refuses the event: its facts would hold from a guessed day.
fn effective(data: &Value) -> Result<Effective, Refusal> {
    let Some(effective) = object(data, "effective")? else { return Ok(Effective::default()) };
    let text = |key: &str, kind: FieldKind| match effective.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match fact_from_text(value.as_str().unwrap_or("?"), kind) {
            FactValue::Null => Ok(None),
            FactValue::Fault(fault) => Err(Refusal(format!("`data.effective.{key}` {}; {}", fault.problem, fault.fix))),
            fact => Ok(Some(fact)),
        },
    };
    let inclusive_end = match effective.get("inclusive_end") {
        None | Some(Value::Null) => None,
        Some(value) => {
            Some(value.as_bool().ok_or("`data.effective.inclusive_end` is neither true nor false; send one")?)
        }
    };
    let word = |fact: Option<FactValue>| fact.and_then(|fact| fact.as_text().map(str::to_owned));
    Ok(Effective {
        date: text("date", FieldKind::Date)?.and_then(|fact| fact.as_date()),
        time_zone: word(text("time_zone", FieldKind::Zone)?),
        zone_origin: word(text("zone_origin", FieldKind::Word(&["site", "country", "tenant_default"]))?),
        at: optional_instant(effective, "at", "effective.at")?,
        inclusive_end,
    })
}

/// A part of `data` that must be an object where it is given.
fn object<'a>(data: &'a Value, key: &str) -> Result<Option<&'a Value>, Refusal> {
    match data.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) if value.is_object() => Ok(Some(value)),
        Some(_) => Err(Refusal(format!("`data.{key}` is not an object; nest its fields in one"))),
    }
}

fn optional_instant(part: &Value, key: &str, path: &str) -> Result<Option<Timestamp>, Refusal> {
    match part.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => instant(value).map(Some).ok_or_else(|| Refusal(not_an_instant(&format!("data.{path}")))),
    }
}

fn not_an_instant(path: &str) -> String {
    format!("`{path}` is not an instant; send it as RFC 3339, such as 2026-03-02T17:00:00Z")
}

fn texts(data: &Value, key: &str) -> Vec<String> {
    let list = data.get(key).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}
