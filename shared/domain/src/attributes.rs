//! What an account's properties should be: HR facts under Graph's names, checked against the directory's rules before any
//! of them is used, so that a bad one blocks the person's writes as a whole and nothing is half-applied.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::event::{FactValue, FieldFault};
use crate::lifecycle::Standing;
use crate::person::Person;
use crate::policy::Policy;

/// Graph property names and the values they should have. A null clears; what is not here is not ours to manage.
pub type Properties = BTreeMap<String, Value>;

/// A plain copy from one fact to one property: path, Graph name, longest length in characters (graph-facts 2.9 from the
/// reference of `user`).
const COPIED: &[(&str, &str, usize)] = &[
    ("org.job.title", "jobTitle", 128),
    ("org.department.name", "department", 64),
    ("org.company.name", "companyName", 64),
    ("location.name", "officeLocation", 128),
    ("location.city", "city", 128),
    ("location.region", "state", 128),
    ("location.country", "country", 128),
    ("location.postal_code", "postalCode", 40),
    ("location.street", "streetAddress", 1024),
    ("contact.work_mobile", "mobilePhone", 64),
    ("employment.type", "employeeType", 64),
    ("locale.preferred_language", "preferredLanguage", 64),
];

/// What is wrong with a person's facts: the path and the fault.
pub type Faults = Vec<(String, FieldFault)>;

/// The names an account is made from.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Given name, the preferred one first.
    pub given: Option<String>,
    /// Middle name.
    pub middle: Option<String>,
    /// Family name, the preferred one first.
    pub family: Option<String>,
    /// The name to show.
    pub display: String,
}

/// Derives the properties an account should have today, or everything that is wrong with the facts.
pub fn desired(person: &Person, standing: &Standing, policy: &Policy) -> Result<Properties, Faults> {
    let mut desired = Desired { person, standing, properties: Properties::new(), faults: standing.faults.clone() };
    desired.faults_in_force();
    for (path, name, longest) in COPIED {
        desired.copy(path, name, *longest);
    }
    desired.names();
    desired.numbers_and_dates();
    desired.location(policy);
    if desired.faults.is_empty() { Ok(desired.properties) } else { Err(desired.faults) }
}

/// The names in force today.
pub fn names(person: &Person, standing: &Standing) -> Names {
    let fact = |path: &str| person.head.record.text(path, standing.today, &standing.zone).map(str::to_owned);
    let either = |part: &str| fact(&format!("name.preferred.{part}")).or_else(|| fact(&format!("name.legal.{part}")));
    let (given, family) = (either("given"), either("family"));
    let shown = [given.clone(), family.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let display = fact("name.preferred.formatted")
        .or((!shown.is_empty()).then_some(shown))
        .or_else(|| fact("name.legal.formatted"));
    Names { given, middle: either("middle"), family, display: display.unwrap_or_default() }
}

/// The properties that differ from what the account has. Texts Graph cannot hold as null or empty are left alone.
pub fn difference(desired: &Properties, actual: &Map<String, Value>) -> Properties {
    let differs = |name: &str, want: &Value| {
        let have = actual.get(name).unwrap_or(&Value::Null);
        match name {
            // Graph stores an instant; only the day is ours.
            "employeeHireDate" => day_of(want) != day_of(have),
            "employeeOrgData" => want.get("division") != have.get("division"),
            _ => want != have && !(is_blank(want) && is_blank(have)),
        }
    };
    desired.iter().filter(|(name, want)| differs(name, want)).map(|(name, want)| (name.clone(), want.clone())).collect()
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty)
}

fn day_of(value: &Value) -> Option<&str> {
    value.as_str().and_then(|text| text.get(..10))
}

struct Desired<'a> {
    person: &'a Person,
    standing: &'a Standing,
    properties: Properties,
    faults: Faults,
}

impl Desired<'_> {
    fn fact(&self, path: &str) -> Option<&FactValue> {
        self.person.head.record.fact(path, self.standing.today, &self.standing.zone)
    }

    fn fault(&mut self, path: &str, problem: impl Into<String>, fix: impl Into<String>) {
        self.faults.push((path.to_owned(), FieldFault { problem: problem.into(), fix: fix.into() }));
    }

    /// Facts that could not be read as they came.
    fn faults_in_force(&mut self) {
        let facts = self.person.head.record.facts_on(self.standing.today, &self.standing.zone);
        let bad = facts.filter_map(|(field, value)| match value {
            FactValue::Fault(fault) => Some((field.path().to_owned(), fault.clone())),
            _ => None,
        });
        let bad: Vec<_> = bad.collect();
        self.faults.extend(bad);
    }

    fn copy(&mut self, path: &str, name: &str, longest: usize) {
        let value = match self.fact(path) {
            Some(FactValue::Text(text)) => json!(text),
            Some(FactValue::Null) => Value::Null,
            _ => return,
        };
        if self.fits(path, &value, longest) {
            self.properties.insert(name.to_owned(), value);
        }
    }

    fn fits(&mut self, path: &str, value: &Value, longest: usize) -> bool {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        if length > longest {
            let problem = format!("has {length} characters, the directory holds {longest}");
            self.fault(path, problem, format!("shorten it in HR to {longest} characters"));
        }
        length <= longest
    }

    fn names(&mut self) {
        let names = names(self.person, self.standing);
        if names.display.is_empty() {
            let fix = "send a given or a family name";
            self.fault("name.legal.family", "is missing, and so is every other name", fix);
            return;
        }
        let parts =
            [("givenName", names.given, "name.legal.given", 64), ("surname", names.family, "name.legal.family", 64)];
        let display = ("displayName", Some(names.display), "name.preferred.formatted", 256);
        for (property, name, path, longest) in parts.into_iter().chain([display]) {
            let Some(name) = name else { continue };
            let value = json!(name);
            if self.fits(path, &value, longest) {
                self.properties.insert(property.to_owned(), value);
            }
        }
    }

    fn numbers_and_dates(&mut self) {
        if let Some(number) = self.person.head.record.employee_number() {
            let value = json!(number);
            if self.fits("worker.employee_number", &value, 16) {
                self.properties.insert("employeeId".into(), value);
            }
        }
        if let Some(start) = self.standing.start {
            self.properties.insert("employeeHireDate".into(), json!(format!("{start}T00:00:00Z")));
        }
        match self.fact("contact.work_phone").cloned() {
            Some(FactValue::Text(phone)) if self.fits("contact.work_phone", &json!(phone), 64) => {
                self.properties.insert("businessPhones".into(), json!([phone]));
            }
            Some(FactValue::Null) => {
                self.properties.insert("businessPhones".into(), json!([]));
            }
            _ => {}
        }
        if let Some(FactValue::Text(division)) = self.fact("org.division.name").cloned() {
            self.properties.insert("employeeOrgData".into(), json!({"division": division}));
        }
    }

    /// Usage location: HR's own word, else the work country, else the home country, else the tenant's if the policy says so. It
    /// cannot be cleared once set.
    fn location(&mut self, policy: &Policy) {
        let said = ["locale.usage_location", "location.country", "home_country"];
        let said = said.iter().find_map(|path| self.fact(path).and_then(FactValue::as_text));
        let location = said.map(str::to_owned).or_else(|| policy.tenant.usage_location.clone());
        if let Some(location) = location {
            self.properties.insert("usageLocation".into(), json!(location));
        }
    }
}
