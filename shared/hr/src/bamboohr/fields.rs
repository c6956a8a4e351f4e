//! BambooHR's fields and what they mean in the canonical event: one table, and the few meanings that are no plain copy.
//!
//! A key comes as a display name in either capitalization (`First Name`, `First name`) or as an API alias (`firstName`);
//! all are one plain key. Sources: BambooHR's "Field Names", "Field-Based Webhooks", "Global Webhooks" (monitorable
//! fields), and a recorded tenant for what the ids mean.

use std::collections::BTreeMap;

use domain::event::{FactValue, Field, FieldFault, FieldKind, fact_from_text};
use jiff::Timestamp;
use serde_json::Value;

use crate::country;
use crate::forbidden::{is_forbidden, plain_key};
use crate::value::{id_text, instant};

use Meaning::{Country, EmployeeNumber, Fact, LastChanged, RecordId, Status, StatusDate, StatusLabel};

/// What a field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The fact at this path, as it stands.
    Fact(&'static str),
    /// A country by its English name. There is one per person, that of the address: where the person is taxed and, for want of
    /// a better word from this source, where they work.
    Country,
    /// `Active` or `Inactive`.
    Status,
    /// The customer's label of the employment status: `Full-Time`, `Contractor`, `Terminated`, …
    StatusLabel,
    /// Since when the label holds.
    StatusDate,
    /// The number people know the worker by. The record's id is another, overlapping, small number.
    EmployeeNumber,
    /// When the record was last changed.
    LastChanged,
    /// The record's id once more.
    RecordId,
}

/// Plain key and meaning.
const TABLE: &[(&str, Meaning)] = &[
    ("country", Country),
    ("department", Fact("org.department.name")),
    ("displayname", Fact("name.preferred.formatted")),
    ("division", Fact("org.division.name")),
    ("eeid", RecordId),
    ("eid", RecordId),
    ("employeenumber", EmployeeNumber),
    ("employeestatusdate", StatusDate),
    ("employmenthistorystatus", StatusLabel),
    ("employmentstatus", StatusLabel),
    ("employmentstatusdate", StatusDate),
    ("firstname", Fact("name.legal.given")),
    ("fullname1", Fact("name.legal.formatted")),
    ("hiredate", Fact("employment.hire_date")),
    ("homeemail", Fact("contact.personal_email")),
    ("id", RecordId),
    ("jobtitle", Fact("org.job.title")),
    ("lastchanged", LastChanged),
    ("lastname", Fact("name.legal.family")),
    ("location", Fact("location.name")),
    ("middlename", Fact("name.legal.middle")),
    // The one mobile number there is; whether the company pays for it is not said, so it is treated as the person's own.
    ("mobilephone", Fact("contact.personal_mobile")),
    ("originalhiredate", Fact("employment.original_hire_date")),
    ("preferredname", Fact("name.preferred.given")),
    ("reportingto", Fact("org.manager.display_name")),
    ("reportsto", Fact("org.manager.display_name")),
    ("status", Status),
    ("supervisor", Fact("org.manager.display_name")),
    ("supervisoreid", Fact("org.manager.source_person_id")),
    ("supervisoremail", Fact("org.manager.work_email")),
    // Whatever its name says, it is the supervisor's employee number.
    ("supervisorid", Fact("org.manager.employee_number")),
    ("terminationdate", Fact("employment.end_date")),
    ("workemail", Fact("contact.work_email")),
    ("workphone", Fact("contact.work_phone")),
];

/// The fields that are asked for when a record is read back, by their API names: each meaning once ("Field Names").
pub const ASKED: &[&str] = &[
    "employeeNumber",
    "firstName",
    "middleName",
    "lastName",
    "preferredName",
    "displayName",
    "fullName1",
    "jobTitle",
    "department",
    "division",
    "location",
    "country",
    "workEmail",
    "workPhone",
    "homeEmail",
    "mobilePhone",
    "status",
    "employmentHistoryStatus",
    "employeeStatusDate",
    "hireDate",
    "originalHireDate",
    "terminationDate",
    "supervisor",
    "supervisorId",
    "supervisorEId",
    "supervisorEmail",
    "lastChanged",
];

/// What was read of an employee's fields.
#[derive(Default)]
pub struct Read {
    /// The facts by path.
    pub facts: BTreeMap<Field, FactValue>,
    /// The number people know the worker by.
    pub employee_number: Option<String>,
    /// When the record was last changed.
    pub last_changed: Option<Timestamp>,
    /// Names that mean nothing to us: the customer's own.
    pub unknown: Vec<String>,
}

/// Reads fields. What must not be kept is dropped without a trace.
pub fn read<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)>) -> Read {
    let mut read = Read::default();
    let mut employment = Employment::default();
    for (name, value) in fields {
        let Some(meaning) = meaning(name) else {
            if !is_forbidden(name) {
                read.unknown.push(name.to_owned());
            }
            continue;
        };
        let value = plain_value(value);
        match meaning {
            Fact(path) => read.say(path, fact(value, path)),
            Country => {
                let country = country_fact(value);
                read.say("home_country", country.clone());
                read.say("location.country", country);
            }
            Status => employment.status = Some(fact(value, "employment.source_status")),
            StatusLabel => employment.label = Some(fact(value, "employment.source_status")),
            StatusDate => employment.since = Some(fact(value, "employment.end_date")),
            EmployeeNumber => read.employee_number = id_text(value).ok().flatten(),
            LastChanged => read.last_changed = value.and_then(instant),
            RecordId => {}
        }
    }
    employment.tell(&mut read);
    read
}

/// The canonical paths of the fields that changed, each once.
pub fn canonical(changed: &[String]) -> Vec<String> {
    let paths = changed.iter().filter_map(|name| meaning(name)).flat_map(|meaning| match meaning {
        Fact(path) => vec![path],
        Country => vec!["home_country", "location.country"],
        Status => vec!["employment.status"],
        StatusLabel => vec!["employment.source_status"],
        EmployeeNumber => vec!["worker.employee_number"],
        StatusDate | LastChanged | RecordId => Vec::new(),
    });
    let mut paths: Vec<String> = paths.map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    paths
}

fn meaning(name: &str) -> Option<Meaning> {
    let plain = plain_key(name);
    TABLE.iter().find(|(key, _)| *key == plain).map(|(_, meaning)| *meaning)
}

/// A value comes plain or as `{"value": …}`; None where it is null.
fn plain_value(value: &Value) -> Option<&Value> {
    let value = value.as_object().and_then(|wrapped| wrapped.get("value")).unwrap_or(value);
    (!value.is_null()).then_some(value)
}

fn fact(value: Option<&Value>, path: &str) -> FactValue {
    let kind = Field::of(path).map_or(FieldKind::Text, Field::kind);
    match value {
        None => FactValue::Null,
        // The source's way of writing that there is no date.
        Some(Value::String(text)) if kind == FieldKind::Date && text.trim().starts_with("0000-00-00") => {
            FactValue::Null
        }
        Some(Value::String(text)) => fact_from_text(text, kind),
        Some(Value::Number(number)) if kind != FieldKind::Date => fact_from_text(&number.to_string(), kind),
        Some(_) => fault("has the wrong type", "send it as text"),
    }
}

fn country_fact(value: Option<&Value>) -> FactValue {
    match fact(value, "location.name") {
        FactValue::Text(name) => country::alpha2(&name).map_or_else(
            || fault("is not a known country", "send its English name or ISO 3166-1 code"),
            |code| FactValue::Text(code.to_owned()),
        ),
        other => other,
    }
}

fn fault(problem: &str, fix: &str) -> FactValue {
    FactValue::Fault(FieldFault { problem: problem.into(), fix: fix.into() })
}

impl Read {
    /// Keeps a fact. Two fields that state one fact differently leave it unusable: which of them is right would be a guess.
    fn say(&mut self, path: &str, value: FactValue) {
        let Some(field) = Field::of(path) else { return };
        let contradicts = self.facts.get(&field).is_some_and(|known| *known != value);
        let value =
            if contradicts { fault("is stated twice, differently", "post one of the two fields") } else { value };
        self.facts.insert(field, value);
    }
}

/// What the fields about the employment's state say together.
#[derive(Default)]
struct Employment {
    status: Option<FactValue>,
    label: Option<FactValue>,
    since: Option<FactValue>,
}

impl Employment {
    /// Terminated if either status or label says so, for one may lag behind the other. A label also tells what kind of worker
    /// it is, and a row `Terminated` without a termination date ends on the row's own date.
    fn tell(self, read: &mut Read) {
        let plain =
            |fact: &Option<FactValue>| fact.as_ref().and_then(FactValue::as_text).map(plain_key).unwrap_or_default();
        let (status, label) = (plain(&self.status), plain(&self.label));
        if let Some(said) = self.label.clone().or_else(|| self.status.clone()) {
            read.say("employment.source_status", said);
        }
        let terminated = label == "terminated" || matches!(status.as_str(), "inactive" | "terminated");
        match status.as_str() {
            _ if terminated => read.say("employment.status", FactValue::Text("terminated".into())),
            "active" => read.say("employment.status", FactValue::Text("active".into())),
            // A blank status says nothing; taken for "known to be empty" it would undo a termination.
            "" => {}
            _ => read.say("employment.status", fault("is neither Active nor Inactive", "send one of the two")),
        }
        if let (Some((word, full_time)), Some(label)) = (worker_type(&label), self.label) {
            read.say("employment.type", FactValue::Text(word.into()));
            read.say("employment.source_type", label);
            if let Some(full_time) = full_time {
                read.say("employment.full_time", FactValue::Bool(full_time));
            }
        }
        let end = Field::of("employment.end_date");
        if let (Some(end), Some(since), "terminated") = (end, self.since, label.as_str())
            && read.facts.get(&end).is_none_or(|end| *end == FactValue::Null)
        {
            read.facts.insert(end, since);
        }
    }
}

/// The kind of worker that a label means, and whether it means full time. Other labels are the customer's own.
fn worker_type(label: &str) -> Option<(&'static str, Option<bool>)> {
    Some(match label {
        "fulltime" => ("employee", Some(true)),
        "parttime" => ("employee", Some(false)),
        "contractor" => ("contractor", None),
        "contingent" => ("contingent", None),
        "intern" => ("intern", None),
        "temporary" => ("temporary", None),
        "seasonal" => ("seasonal", None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_plain_key_once_and_leads_to_a_field_that_is_kept() {
        assert!(TABLE.is_sorted_by(|left, right| left.0 < right.0));
        for (key, meaning) in TABLE {
            assert_eq!(plain_key(key), *key);
            assert!(!is_forbidden(key), "{key}");
            if let Fact(path) = meaning {
                assert!(Field::of(path).is_some(), "{path}");
            }
        }
    }

    #[test]
    fn every_meaning_is_asked_for_once() {
        let asked: Vec<Meaning> = ASKED.iter().map(|name| meaning(name).unwrap_or_else(|| panic!("{name}"))).collect();
        for (key, meaning) in TABLE.iter().filter(|(_, meaning)| *meaning != RecordId) {
            assert_eq!(asked.iter().filter(|asked| *asked == meaning).count(), 1, "{key}");
        }
    }

    #[test]
    fn display_names_and_aliases_are_one() {
        for name in ["Employee #", "employeeNumber", "Employee number"] {
            assert_eq!(meaning(name), Some(EmployeeNumber), "{name}");
        }
        for name in ["First Name", "First name", "firstName"] {
            assert_eq!(meaning(name), Some(Fact("name.legal.given")), "{name}");
        }
        assert_eq!(meaning("T-shirt size"), None);
    }
}
