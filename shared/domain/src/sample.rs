//! Policies, people and words of HR for the tests of this crate.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::event::{
    Auth, Effective, EventKind, EventSource, FactValue, Field, FieldFault, Version, Worker, WorkerEvent, fact_from_text,
};
use crate::ids::{EventId, ObjectId, PersonId};
use crate::person::Person;
use crate::policy::{EndDate, Policy};

pub(crate) const SALES: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const STAFF: &str = "22222222-2222-2222-2222-222222222222";
pub(crate) const CARRIER: &str = "33333333-3333-3333-3333-333333333333";
pub(crate) const EXCLUSIVE: &str = "44444444-4444-4444-4444-444444444444";
/// A group the policy does not know.
pub(crate) const OTHER: &str = "55555555-5555-5555-5555-555555555555";
pub(crate) const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
pub(crate) const VISIO: &str = "c5928f49-12ba-48f7-ada3-0d743a3601d5";
pub(crate) const TEAMS: &str = "57ff2da0-773e-42df-b2af-ffb7a2317929";
pub(crate) const SWAY: &str = "a23b959c-7ce8-4e57-9140-b90eb88a9e97";
pub(crate) const ACCOUNT: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
pub(crate) const BOSS: &str = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";

/// A policy with a package of every kind. Its connections: `hr`, `exclusive` (by the policy), `hibob` (exclusive by the source),
/// `ny` (New York).
pub(crate) fn policy() -> Policy {
    let text = format!(
        r#"
version = 1
[tenant]
domain = "contoso.example"
time_zone = "Europe/Amsterdam"
anchor = "extension_0123456789abcdef0123456789abcdef_joineryPerson"
[connections.hr]
source = "standard-webhooks"
secrets = ["env:HR"]
[protected]
people = ["hr:ceo"]
[[packages]]
name = "staff"
rule = 'user.accountEnabled -eq true'
groups = [{{ id = "{STAFF}" }}]
licenses = [{{ sku = "{E3}", disabled_plans = ["{TEAMS}", "{SWAY}"] }}]
[[packages]]
name = "sales"
rule = 'user.department -eq "Sales"'
groups = [{{ id = "{SALES}" }}, {{ id = "{EXCLUSIVE}", exclusive = true }}]
licenses = [{{ sku = "{E3}", disabled_plans = ["{TEAMS}"] }}, {{ sku = "{VISIO}", via = "group", group = "{CARRIER}" }}]
"#
    );
    let mut policy = Policy::parse(&text).unwrap_or_else(|faults| panic!("{faults:?}"));
    let hr = policy.connections["hr"].clone();
    let mut other = |name: &str, end_date, end_date_is_explicit, zone: Option<&str>| {
        let time_zone = zone.map(|zone| TimeZone::get(zone).unwrap());
        let connection =
            crate::policy::Connection { name: name.into(), end_date, end_date_is_explicit, time_zone, ..hr.clone() };
        policy.connections.insert(name.into(), connection);
    };
    other("exclusive", EndDate::Exclusive, true, None);
    other("inclusive", EndDate::Inclusive, true, None);
    other("hibob", EndDate::Exclusive, false, None);
    other("ny", EndDate::Inclusive, false, Some("America/New_York"));
    policy
}

/// An instant: RFC 3339, or a civil time (or day) in Amsterdam.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| {
        let civil: DateTime = text.parse().unwrap_or_else(|error| panic!("`{text}`: {error}"));
        civil.in_tz("Europe/Amsterdam").unwrap().timestamp()
    })
}

/// A word of HR from one line: when it was recorded, then `key=value` pairs. Keys are field paths, of which only the last part need be
/// given where that is unique, and `id` (event), `job` (employment id), `v` (version), `from` (effective date), `zone`,
/// `inclusive`, `kind`. A value of `null` is null, `?` is one that cannot be read.
pub(crate) fn said(connection: &str, line: &str) -> WorkerEvent {
    let mut words = line.split_whitespace();
    let recorded = at(words.next().unwrap());
    let mut event = WorkerEvent {
        event_id: EventId::derive(connection, "test", line),
        kind: EventKind::Update,
        source: EventSource {
            system: "standard-webhooks".into(),
            tenant_id: connection.into(),
            company_id: None,
            delivery_id: None,
            vendor_event_id: None,
            vendor_event_type: None,
            occurred_at: Some(recorded),
            received_at: recorded,
            auth: Auth::None,
            raw_sha256: String::new(),
        },
        worker: Worker { source_person_id: "7".into(), ..Worker::default() },
        version: Version::default(),
        effective: Effective::default(),
        facts: std::collections::BTreeMap::new(),
        changed_fields: Vec::new(),
        vendor_changed_fields: Vec::new(),
    };
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or_else(|| panic!("`{word}` in `{line}`"));
        match key {
            "id" => event.event_id = EventId::derive(connection, "test", value),
            "job" => event.worker.source_employment_id = Some(value.into()),
            "number" => event.worker.employee_number = Some(value.into()),
            "v" => event.version.source_version = Some(value.into()),
            "from" => event.effective.date = Some(value.parse().unwrap()),
            "zone" => event.effective.time_zone = Some(value.into()),
            "inclusive" => event.effective.inclusive_end = Some(value.parse().unwrap()),
            "kind" => event.kind = serde_json::from_value(value.into()).unwrap(),
            path => {
                let field = field(path);
                event.facts.insert(field, fact(field, value));
            }
        }
    }
    event
}

fn fact(field: Field, value: &str) -> FactValue {
    match value {
        "null" => FactValue::Null,
        "?" => FactValue::Fault(FieldFault { problem: "is not readable".into(), fix: "send it again".into() }),
        text => {
            let value = fact_from_text(text, field.kind());
            assert!(!matches!(value, FactValue::Fault(_)), "`{text}` does not fit {field:?}");
            value
        }
    }
}

fn field(name: &str) -> Field {
    let short = |path: &str| path == name || path.ends_with(&format!(".{name}"));
    let found: Vec<_> = crate::event::FIELDS.iter().filter(|(path, _)| short(path)).collect();
    let [(path, _)] = found.as_slice() else { panic!("`{name}` is {} fields", found.len()) };
    Field::of(path).unwrap()
}

/// A person of `hr` of whom HR has said these lines, in this order.
pub(crate) fn person(lines: &[&str]) -> Person {
    let mut person = Person::new("hr:7".parse::<PersonId>().unwrap());
    for line in lines {
        person.head.record.apply(&said("hr", line));
    }
    person
}

/// The same with a bound account.
pub(crate) fn bound(lines: &[&str]) -> Person {
    let mut person = person(lines);
    person.head.account.object_id = Some(ACCOUNT.parse::<ObjectId>().unwrap());
    person
}
