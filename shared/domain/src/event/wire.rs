//! The canonical JSON of an event: paths nest on the way out and are read back by the allow-list on the way in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{EventKind, FIELDS, FactValue, Field, FieldFault, FieldKind, SCHEMA, WorkerEvent};
use crate::country;

/// The longest text a fact may hold, in characters; directory attributes end well below it.
const TEXT_CHARS_MAX: usize = 1024;
/// The most entries a list fact may hold.
const LIST_ENTRIES_MAX: usize = 100;

/// A body that is not a worker event: the place, what is wrong there, how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {problem}; {fix}")]
pub struct BadEvent {
    /// Path in the event, such as `worker.source_person_id`.
    pub path: String,
    /// What is wrong, such as `is missing`.
    pub problem: String,
    /// What to do.
    pub fix: String,
}

impl WorkerEvent {
    /// The canonical JSON. `masked` hides personal e-mail and mobile, as it must be wherever an event is printed.
    pub fn to_json(&self, masked: bool) -> Value {
        let mut root = Map::new();
        root.insert("schema".into(), json!(SCHEMA));
        root.insert("event_id".into(), json!(self.event_id));
        root.insert("kind".into(), json!(self.kind));
        root.insert("source".into(), json!(self.source));
        root.insert("worker".into(), json!(self.worker));
        insert_unless_empty(&mut root, "version", json!(self.version));
        insert_unless_empty(&mut root, "effective", json!(self.effective));
        let mut errors = Vec::new();
        for (field, value) in &self.facts {
            if let FactValue::Fault(fault) = value {
                errors.push(json!({"field": field.path(), "problem": fault.problem, "fix": fault.fix}));
            } else {
                nest(&mut root, field.path(), fact_to_json(value, masked && field.kind() == FieldKind::Masked));
            }
        }
        insert_unless_empty(&mut root, "changed_fields", json!(self.changed_fields));
        insert_unless_empty(&mut root, "vendor_changed_fields", json!(self.vendor_changed_fields));
        insert_unless_empty(&mut root, "errors", Value::Array(errors));
        Value::Object(root)
    }
}

fn insert_unless_empty(root: &mut Map<String, Value>, key: &str, value: Value) {
    let empty = match &value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    if !empty {
        root.insert(key.into(), value);
    }
}

/// Puts a value at a dotted path, making the objects on the way.
fn nest(root: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            root.insert(path.into(), value);
        }
        Some((head, rest)) => {
            let child = root.entry(head).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(child) = child {
                nest(child, rest, value);
            }
        }
    }
}

fn fact_to_json(value: &FactValue, masked: bool) -> Value {
    match value {
        FactValue::Null | FactValue::Fault(_) => Value::Null,
        FactValue::Text(text) if masked => json!(mask(text)),
        FactValue::Text(text) => json!(text),
        FactValue::Bool(yes) => json!(yes),
        FactValue::Date(date) => json!(date.to_string()),
        FactValue::Instant(at) => json!(at.to_string()),
        FactValue::Number(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        FactValue::Texts(texts) => json!(texts),
    }
}

/// Keeps the first character (and an address's domain ending), so that two people can be told apart and no more.
fn mask(text: &str) -> String {
    let first: String = text.chars().take(1).collect();
    let ending = text.rsplit_once('@').and_then(|(_, domain)| domain.rsplit_once('.')).map(|(_, ending)| ending);
    ending.map_or_else(|| format!("{first}***"), |ending| format!("{first}***@***.{ending}"))
}

impl Serialize for WorkerEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json(false).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for WorkerEvent {
    /// Reads what [`WorkerEvent::to_json`] wrote. Unknown keys are dropped: that is the allow-list.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let root = Value::deserialize(deserializer)?;
        let mut facts = facts_from_json(&root).map_err(D::Error::custom)?;
        for error in root.get("errors").and_then(Value::as_array).into_iter().flatten() {
            let field = error.get("field").and_then(Value::as_str).and_then(Field::of);
            if let (Some(field), Ok(fault)) = (field, FieldFault::deserialize(error)) {
                facts.insert(field, FactValue::Fault(fault));
            }
        }
        Ok(Self {
            event_id: part(&root, "event_id")?,
            kind: part::<_, EventKind>(&root, "kind")?,
            source: part(&root, "source")?,
            worker: part(&root, "worker")?,
            version: optional_part(&root, "version")?,
            effective: optional_part(&root, "effective")?,
            facts,
            changed_fields: optional_part(&root, "changed_fields")?,
            vendor_changed_fields: optional_part(&root, "vendor_changed_fields")?,
        })
    }
}

fn part<E: serde::de::Error, T: for<'a> Deserialize<'a>>(root: &Value, key: &'static str) -> Result<T, E> {
    T::deserialize(root.get(key).unwrap_or(&Value::Null)).map_err(|error| E::custom(format!("`{key}`: {error}")))
}

fn optional_part<E: serde::de::Error, T: Default + for<'a> Deserialize<'a>>(
    root: &Value,
    key: &'static str,
) -> Result<T, E> {
    if root.get(key).is_none_or(Value::is_null) { Ok(T::default()) } else { part(root, key) }
}

/// Reads every allow-listed fact out of nested JSON. A value that does not fit its field becomes a
/// [`FactValue::Fault`]; only a structure that is not the schema's (a text where an object belongs) is an error.
pub fn facts_from_json(root: &Value) -> Result<BTreeMap<Field, FactValue>, BadEvent> {
    let mut facts = BTreeMap::new();
    for (path, kind) in FIELDS {
        let Some(value) = find(root, path)? else { continue };
        if let Some(field) = Field::of(path) {
            facts.insert(field, fact_from_json(value, *kind));
        }
    }
    Ok(facts)
}

/// The value at a dotted path; None where it, or an object on the way, is absent.
fn find<'a>(root: &'a Value, path: &str) -> Result<Option<&'a Value>, BadEvent> {
    let mut value = root;
    let mut walked = String::new();
    for key in path.split('.') {
        match value {
            Value::Object(map) => match map.get(key) {
                Some(next) => value = next,
                None => return Ok(None),
            },
            // A null inner object (`"manager": null`) is known to be empty, and so is all in it. A null section
            // (`"employment": null`) is how many programs write "nothing to say": taken for empty it would undo a termination.
            Value::Null => return Ok(walked.contains('.').then_some(&Value::Null)),
            _ => {
                return Err(BadEvent {
                    path: walked,
                    problem: "is not an object".into(),
                    fix: "nest its fields in an object, as the worker-event schema shows".into(),
                });
            }
        }
        if !walked.is_empty() {
            walked.push('.');
        }
        walked.push_str(key);
    }
    Ok(Some(value))
}

fn fact_from_json(value: &Value, kind: FieldKind) -> FactValue {
    match value {
        Value::Null => FactValue::Null,
        Value::String(text) => fact_from_text(text, kind),
        Value::Bool(yes) if kind == FieldKind::Bool => FactValue::Bool(*yes),
        Value::Number(number) if kind == FieldKind::Number => FactValue::Number(number.to_string()),
        // Ids and codes are strings always, but senders forget the quotes.
        Value::Number(number) if matches!(kind, FieldKind::Text | FieldKind::Masked) => {
            FactValue::Text(number.to_string())
        }
        Value::Array(list) if kind == FieldKind::Texts => texts_from_json(list),
        _ => fault("has the wrong type", expectation(kind)),
    }
}

fn texts_from_json(list: &[Value]) -> FactValue {
    if list.len() > LIST_ENTRIES_MAX {
        return fault("has too many entries", "send at most 100");
    }
    let texts: Option<Vec<String>> = list.iter().map(|value| value.as_str().map(str::to_owned)).collect();
    texts.map_or_else(|| fault("holds something that is not text", expectation(FieldKind::Texts)), FactValue::Texts)
}

/// Reads a fact from text, as every source that knows only text needs it. Blank text is null.
pub fn fact_from_text(text: &str, kind: FieldKind) -> FactValue {
    let text = text.trim();
    if text.is_empty() {
        return FactValue::Null;
    }
    let bad = |problem: &str| fault(problem, expectation(kind));
    match kind {
        FieldKind::Text | FieldKind::Masked if text.chars().count() > TEXT_CHARS_MAX => bad("is too long"),
        FieldKind::Text | FieldKind::Masked if text.chars().any(char::is_control) => bad("holds control characters"),
        FieldKind::Text | FieldKind::Masked => FactValue::Text(text.to_owned()),
        FieldKind::Bool => match text.to_ascii_lowercase().as_str() {
            "true" => FactValue::Bool(true),
            "false" => FactValue::Bool(false),
            _ => bad("is neither true nor false"),
        },
        FieldKind::Date => date_as_written(text).map_or_else(|| bad("is not a calendar date"), FactValue::Date),
        FieldKind::Instant => text.parse::<Timestamp>().map_or_else(|_| bad("is not an instant"), FactValue::Instant),
        FieldKind::Number if text.parse::<f64>().is_ok_and(f64::is_finite) => FactValue::Number(text.to_owned()),
        FieldKind::Number => bad("is not a number"),
        FieldKind::Texts => bad("is not a list"),
        FieldKind::Word(words) => {
            let word = text.to_ascii_lowercase().replace([' ', '-'], "_");
            if words.contains(&word.as_str()) { FactValue::Text(word) } else { bad("is none of the known words") }
        }
        FieldKind::Country if country::is_country(&text.to_ascii_uppercase()) => {
            FactValue::Text(text.to_ascii_uppercase())
        }
        FieldKind::Country => bad("is not a country code"),
        FieldKind::Zone if TimeZone::get(text).is_ok() => FactValue::Text(text.to_owned()),
        FieldKind::Zone => bad("is not a known time zone"),
    }
}

/// A calendar date as it was written: the date part stands, whatever offset follows it (converting `…T00:00:00+01:00`
/// to UTC first would move the day). Only `YYYY-MM-DD`, bare or before a `T`, a blank or an offset, is read.
pub(crate) fn date_as_written(text: &str) -> Option<Date> {
    let (date, rest) = text.split_at_checked(10)?;
    let dressed = rest.is_empty() || rest.starts_with(['T', 't', ' ', '+', '-', 'Z', 'z']);
    let shaped = date
        .bytes()
        .enumerate()
        .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    if dressed && shaped { date.parse().ok() } else { None }
}

fn fault(problem: &str, fix: impl Into<String>) -> FactValue {
    FactValue::Fault(FieldFault { problem: problem.to_owned(), fix: fix.into() })
}

fn expectation(kind: FieldKind) -> String {
    match kind {
        FieldKind::Text | FieldKind::Masked => "send plain text of at most 1,024 characters".into(),
        FieldKind::Bool => "send true or false".into(),
        FieldKind::Date => "send it as YYYY-MM-DD".into(),
        FieldKind::Instant => "send it as RFC 3339, such as 2026-03-02T17:00:00Z".into(),
        FieldKind::Number => "send a number".into(),
        FieldKind::Texts => "send a list of texts".into(),
        FieldKind::Word(words) => format!("send one of {}", words.join(", ")),
        FieldKind::Country => "send the ISO 3166-1 alpha-2 code, such as NL".into(),
        FieldKind::Zone => "send the IANA name, such as Europe/Amsterdam".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Value {
        json!({
            "schema": SCHEMA, "event_id": "e1", "kind": "hire",
            "source": {"system": "standard", "tenant_id": "hr", "received_at": "2026-03-02T08:00:00Z", "auth": "hmac", "raw_sha256": "00"},
            "worker": {"source_person_id": "7"},
            "name": {"legal": {"given": "Zoë", "family": "Müller"}},
            "contact": {"personal_email": "zoe@home.example", "work_phone": null},
            "employment": {"hire_date": "2026-03-09", "type": "employee", "salary": 1},
        })
    }

    #[test]
    fn what_is_written_is_read_back_and_what_is_not_allowed_is_gone() {
        let read: WorkerEvent = serde_json::from_value(event()).unwrap();
        let again: WorkerEvent = serde_json::from_value(read.to_json(false)).unwrap();
        assert_eq!(read, again);
        assert!(!read.to_json(false).to_string().contains("salary"));
    }

    #[test]
    fn absent_is_not_null() {
        let read: WorkerEvent = serde_json::from_value(event()).unwrap();
        assert_eq!(read.facts.get("contact.work_phone"), Some(&FactValue::Null));
        assert_eq!(read.facts.get("contact.work_mobile"), None);
    }

    #[test]
    fn a_null_object_empties_its_fields_and_a_null_section_says_nothing() {
        let mut body = event();
        body["org"] = json!({"manager": null});
        body["employment"] = json!(null);
        let read: WorkerEvent = serde_json::from_value(body).unwrap();
        assert_eq!(read.facts.get("org.manager.source_person_id"), Some(&FactValue::Null));
        assert_eq!(read.facts.get("employment.end_date"), None);
    }

    #[test]
    fn personal_addresses_are_masked_in_print() {
        let read: WorkerEvent = serde_json::from_value(event()).unwrap();
        let printed = read.to_json(true).to_string();
        assert!(printed.contains("z***@***.example") && !printed.contains("zoe@"), "{printed}");
        assert!(!format!("{read:?}").contains("Zoë"));
    }

    #[test]
    fn a_value_that_does_not_fit_is_a_fault_with_a_fix_and_survives_the_wire() {
        let mut body = event();
        body["employment"]["hire_date"] = json!("09/03/2026");
        body["location"] = json!({"country": "Netherlands"});
        let read: WorkerEvent = serde_json::from_value(body).unwrap();
        let again: WorkerEvent = serde_json::from_value(read.to_json(false)).unwrap();
        for read in [read, again] {
            let FactValue::Fault(fault) = &read.facts["employment.hire_date"] else { panic!("no fault") };
            assert_eq!(fault.fix, "send it as YYYY-MM-DD");
            assert!(matches!(read.facts["location.country"], FactValue::Fault(_)));
        }
    }

    #[test]
    fn a_dressed_date_keeps_the_day_that_was_written() {
        for text in
            ["2026-03-09", "2026-03-09T00:00:00+01:00", "2026-03-09T05:00:00Z", "2026-03-09-07:00", "2026-03-09 00:00"]
        {
            assert_eq!(date_as_written(text).map(|date| date.to_string()).as_deref(), Some("2026-03-09"), "{text}");
        }
        for text in ["0000-00-00", "2026-13-01", "2026-3-9", "20260309", "2026-03-091", "ΑΒΓΔΕΖ"] {
            assert_eq!(date_as_written(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_where_an_object_belongs_is_refused_by_name() {
        let mut body = event();
        body["employment"] = json!("soon");
        let error = serde_json::from_value::<WorkerEvent>(body).unwrap_err().to_string();
        assert!(error.contains("`employment` is not an object"), "{error}");
    }
}
