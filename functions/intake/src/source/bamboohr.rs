//! BambooHR: both families of its webhooks, as JSON or as a form.
//!
//! *Field-based* bodies carry `employees[]` with their new values; *event-based* ones are thin, `type` and the record's id.
//! Sources: BambooHR's "Field-Based Webhooks", "Event-Based Webhooks", "Global Webhooks" and "Webhooks" (security); the
//! signature is confirmed by a recorded request, `tests/data/bamboohr/recorded_request.json`.

use domain::event::{Effective, EventKind, Version, Worker, WorkerEvent};
use domain::policy::Source;
use hr::bamboohr::fields;
use hr::value::{id_text, instant};
use serde_json::{Map, Value};

use crate::decode::{Decoded, Delivery, EVENTS_MAX, Maker, Reading, Refusal, Unreadable, body_json, kind_named};
use crate::signature::{Encoding, Freshness, Grammar, Hash, HeaderSet, Key, Scheme, Signed};
use crate::source::Adapter;

pub(super) static ADAPTER: Adapter = Adapter { source: Source::BambooHr, scheme: SCHEME, sends_forms: true, read };

/// Body and timestamp header, nothing between; several public guides have it otherwise and are wrong.
const SCHEME: Scheme = Scheme {
    headers: &[HeaderSet { id: None, timestamp: Some("x-bamboohr-timestamp"), signature: "x-bamboohr-signature" }],
    signed: Signed::BodyTimestamp,
    hash: Hash::Sha256,
    key: Key::Text,
    encoding: Encoding::Hex,
    grammar: Grammar::Bare,
    freshness: Freshness::UnixOrIso,
};

/// The keys of a field-based entry that are not fields; a form puts both on one level.
const ENTRY_KEYS: &[&str] = &["id", "action", "timestamp", "changedFields", "fields"];

fn read(delivery: &Delivery<'_>) -> Result<Decoded, Refusal> {
    let root = body_json(delivery)?;
    let mut maker = Maker::new(delivery);
    match (root.get("employees"), root.get("type").and_then(Value::as_str)) {
        (Some(Value::Array(list)), _) => {
            let entries = list.iter().map(|entry| Entry::of(entry, None));
            all(entries.collect(), delivery, &mut maker)
        }
        // A form names the entries by the record's id: `employees[12][First name]=…`.
        (Some(Value::Object(by_id)), _) => {
            let entries = by_id.iter().map(|(id, entry)| Entry::of(entry, Some(id)));
            all(entries.collect(), delivery, &mut maker)
        }
        (Some(_), _) => Err("`employees` is not a list; send one entry per employee".into()),
        (None, Some(vendor_type)) => thin(&root, vendor_type, &mut maker),
        (None, None) => Err("the body holds neither `employees` nor `type`; send a BambooHR webhook body".into()),
    }
}

/// One employee of a field-based body.
struct Entry<'a> {
    map: &'a Map<String, Value>,
    /// The record's id where the entry does not hold it.
    key: Option<&'a str>,
}

impl<'a> Entry<'a> {
    fn of(value: &'a Value, key: Option<&'a String>) -> Option<Self> {
        Some(Self { map: value.as_object()?, key: key.map(String::as_str) })
    }

    fn id(&self) -> Result<String, Refusal> {
        let stated = id_text(self.map.get("id")).map_err(|_| Refusal::from("`id` is not an id; send it as text"))?;
        let id = stated.or_else(|| self.key.map(str::to_owned)).filter(|id| !id.trim().is_empty());
        id.ok_or_else(|| "`id` is missing; send the employee's record id".into())
    }

    fn fields(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let nested = self.map.get("fields").and_then(Value::as_object);
        let flat = self.key.is_some().then_some(self.map);
        let flat = flat.into_iter().flatten().filter(|(name, _)| !ENTRY_KEYS.contains(&name.as_str()));
        nested.into_iter().flatten().chain(flat).map(|(name, value)| (name.as_str(), value))
    }
}

/// Every entry by itself: one that cannot be read does not spoil the others.
fn all(entries: Vec<Option<Entry<'_>>>, delivery: &Delivery<'_>, maker: &mut Maker<'_>) -> Result<Decoded, Refusal> {
    if entries.is_empty() {
        return Ok(Decoded::Ignored { reason: "`employees` is empty".into() });
    }
    if entries.len() > EVENTS_MAX {
        return Err(format!("`employees` has more than {EVENTS_MAX} entries; send fewer at a time").into());
    }
    let (mut events, mut unreadable) = (Vec::new(), Vec::new());
    for (index, entry) in entries.into_iter().enumerate() {
        let event = match entry {
            Some(entry) => one(&entry, delivery, maker),
            None => Err("the entry is not an object; send `id`, `action`, `changedFields` and `fields`".into()),
        };
        match event {
            Ok(event) => events.push(event),
            Err(Refusal(reason)) => unreadable.push(Unreadable { index, reason }),
        }
    }
    Ok(Decoded::Events { events, unreadable })
}

fn one(entry: &Entry<'_>, delivery: &Delivery<'_>, maker: &mut Maker<'_>) -> Result<WorkerEvent, Refusal> {
    let source_person_id = entry.id()?;
    let read = fields::read(entry.fields());
    let changed = texts(entry.map.get("changedFields"));
    let word = entry
        .map
        .get("action")
        .and_then(Value::as_str)
        .or(delivery.kind)
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let kind = match word {
        Some(word) => kind(word),
        // Created and deleted records come with both empty.
        None if changed.is_empty() && read.facts.is_empty() => EventKind::UnknownHint,
        None => EventKind::Update,
    };
    let mut vendor_changed_fields = changed.clone();
    vendor_changed_fields.extend(read.unknown);
    maker.make(Reading {
        kind,
        vendor_type: word.filter(|word| word.len() <= 100).map(str::to_owned),
        company_id: None,
        occurred_at: entry.map.get("timestamp").and_then(instant),
        unique_id: None,
        worker: Worker { source_person_id, employee_number: read.employee_number, ..Worker::default() },
        version: Version { source_updated_at: read.last_changed, ..Version::default() },
        effective: Effective::default(),
        facts: read.facts,
        changed_fields: fields::canonical(&changed),
        vendor_changed_fields,
    })
}

/// An event-based body: no facts, only whose record to look at.
fn thin(root: &Value, vendor_type: &str, maker: &mut Maker<'_>) -> Result<Decoded, Refusal> {
    if vendor_type.starts_with("company") {
        return Ok(Decoded::Ignored { reason: "the event is about the company and not about an employee".into() });
    }
    let data = root.get("data").and_then(Value::as_object);
    let data = data.ok_or("`data` is missing or not an object; send `data.employeeId`")?;
    let id =
        |key: &str| id_text(data.get(key)).map_err(|_| Refusal(format!("`data.{key}` is not an id; send it as text")));
    let Some(source_person_id) = id("employeeId")? else {
        return if vendor_type.starts_with("employee") {
            Err("`data.employeeId` is missing; send the employee's record id".into())
        } else {
            Ok(Decoded::Ignored { reason: "the event names no employee".into() })
        };
    };
    let changed = texts(data.get("changedFields"));
    let event = maker.make(Reading {
        kind: kind(vendor_type),
        vendor_type: Some(vendor_type.chars().take(100).collect()),
        company_id: id("companyId")?,
        occurred_at: root.get("timestamp").and_then(instant),
        unique_id: None,
        worker: Worker { source_person_id, ..Worker::default() },
        version: Version::default(),
        effective: Effective::default(),
        facts: std::collections::BTreeMap::new(),
        changed_fields: fields::canonical(&changed),
        vendor_changed_fields: changed,
    })?;
    Ok(Decoded::Events { events: vec![event], unreadable: Vec::new() })
}

/// `Created`, `employee.created`, `employee_with_fields.created` are one word. Deleted is the record's end, not the person's.
fn kind(word: &str) -> EventKind {
    let (family, verb) = word.rsplit_once('.').unwrap_or(("employee", word));
    let about_employee = matches!(family, "employee" | "employee_with_fields");
    match verb.to_ascii_lowercase().as_str() {
        "created" if about_employee => EventKind::Hire,
        "updated" if about_employee => EventKind::Update,
        "deleted" if about_employee => EventKind::RecordDeleted,
        verb if about_employee => kind_named(verb).unwrap_or(EventKind::UnknownHint),
        _ => EventKind::UnknownHint,
    }
}

/// Names of fields: a list, or the object that an empty list becomes in PHP.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::Object(map)) => map.values().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
