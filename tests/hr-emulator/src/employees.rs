//! The employees, with every version of their records: a read sees the newest that is old enough.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Fields by name, as their writer spelled it.
pub(crate) type Fields = Map<String, Value>;

/// Versions kept of one record; the oldest go first.
const VERSIONS_MAX: usize = 1_000;

/// The fields that are dates: empty, they are written `0000-00-00`.
const DATES: &[&str] =
    &["dateofbirth", "employeestatusdate", "hiredate", "originalhiredate", "payrateeffectivedate", "terminationdate"];

/// A record from an instant on; without fields, it was deleted.
#[derive(Clone)]
struct Version {
    at: Timestamp,
    fields: Option<Fields>,
}

/// Everybody, by record id.
#[derive(Clone, Default)]
pub(crate) struct Employees(BTreeMap<String, Vec<Version>>);

impl Employees {
    /// Merges fields into a record, or deletes it.
    pub(crate) fn change(&mut self, id: &str, change: Option<&Fields>, at: Timestamp) {
        let versions = self.0.entry(id.to_owned()).or_default();
        let before = versions.last().and_then(|version| version.fields.clone()).unwrap_or_default();
        let fields = change.map(|change| {
            let mut fields = before;
            for (name, value) in change {
                fields.retain(|known, _| !known.eq_ignore_ascii_case(name));
                fields.insert(name.clone(), value.clone());
            }
            fields
        });
        if versions.len() >= VERSIONS_MAX {
            versions.remove(0);
        }
        versions.push(Version { at, fields });
    }

    /// The records as they are, whoever can read them yet.
    pub(crate) fn show(&self) -> Value {
        let newest = self.0.iter().filter_map(|(id, versions)| Some((id, versions.last()?.fields.as_ref()?)));
        newest.map(|(id, fields)| (id.clone(), Value::Object(fields.clone()))).collect::<Map<_, _>>().into()
    }

    /// A record as it was readable at an instant, with the asked fields; None: there is none.
    pub(crate) fn read(&self, id: &str, asked: &[&str], at: Timestamp) -> Option<Fields> {
        let (changed, fields) = self.at(id, at)?;
        let mut answer = Fields::new();
        answer.insert("id".into(), json!(id));
        for name in asked {
            if let Some(value) = self.value(id, name, fields, changed, at) {
                answer.insert((*name).to_owned(), value);
            }
        }
        Some(answer)
    }

    fn at(&self, id: &str, at: Timestamp) -> Option<(Timestamp, &Fields)> {
        let version = self.0.get(id)?.iter().rfind(|version| version.at <= at)?;
        Some((version.at, version.fields.as_ref()?))
    }

    /// The value of a field; None for a name that means nothing, which BambooHR leaves out. What follows from other fields and
    /// other people is derived, unless the writer has said otherwise.
    fn value(&self, id: &str, name: &str, fields: &Fields, changed: Timestamp, at: Timestamp) -> Option<Value> {
        let lower = name.to_ascii_lowercase();
        if lower == "id" {
            return Some(json!(id));
        }
        let own =
            |name: &str| fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        if let Some(value) = own(&lower) {
            return Some(value.clone());
        }
        let supervisor = || {
            let id = own("supervisoreid")?.as_str()?;
            self.at(id, at).map(|(_, fields)| fields)
        };
        let theirs = |name: &str| {
            let fields = supervisor()?;
            Some(fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1.as_str()?.to_owned())
        };
        let derived = match lower.as_str() {
            "lastchanged" => Some(json!(changed.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string())),
            "status" => Some(json!("Active")),
            // Whatever its name says: "Supervisor ID" is the supervisor's employee number.
            "supervisorid" => theirs("employeenumber").map(Value::from),
            "supervisor" => {
                theirs("lastname").zip(theirs("firstname")).map(|(last, first)| json!(format!("{last}, {first}")))
            }
            "supervisoremail" => theirs("workemail").map(Value::from),
            name if DATES.contains(&name) => Some(json!("0000-00-00")),
            _ => None,
        };
        match derived {
            Some(value) => Some(value),
            None if KNOWN.contains(&lower.as_str()) => Some(Value::Null),
            None => None,
        }
    }
}

/// Further names of "Field Names" that a record may be asked for, in lower case.
const KNOWN: &[&str] = &[
    "address1",
    "address2",
    "bestemail",
    "city",
    "country",
    "department",
    "displayname",
    "division",
    "employeenumber",
    "employmenthistorystatus",
    "firstname",
    "fullname1",
    "gender",
    "homeemail",
    "homephone",
    "jobtitle",
    "lastname",
    "location",
    "maritalstatus",
    "middlename",
    "mobilephone",
    "payrate",
    "preferredname",
    "state",
    "supervisor",
    "supervisoreid",
    "supervisoremail",
    "supervisorid",
    "workemail",
    "workphone",
    "zipcode",
];
