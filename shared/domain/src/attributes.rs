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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lifecycle;
    use crate::sample::{at, person, policy};

    const ADA: &str = "2026-01-01 hire_date=2020-01-01 name.legal.given=Ada name.legal.family=Byron";

    fn look(lines: &[&str], policy: &Policy) -> (Names, Result<Properties, Faults>) {
        let person = person(lines);
        let standing = lifecycle::standing(&person, policy, at("2026-03-10T12:00"));
        (names(&person, &standing), desired(&person, &standing, policy))
    }

    fn wanted(lines: &[&str]) -> Properties {
        look(lines, &policy()).1.unwrap()
    }

    fn faults(lines: &[&str]) -> Vec<String> {
        let faults = look(lines, &policy()).1.unwrap_err();
        faults.into_iter().map(|(path, fault)| format!("{path} {}; {}", fault.problem, fault.fix)).collect()
    }

    #[test]
    fn facts_come_under_the_directorys_names_and_what_hr_does_not_speak_of_is_not_managed() {
        let wanted = wanted(&[
            ADA,
            "2026-01-02 job.title=Clerk department.name=null number=4711 work_phone=+31-20 division.name=West",
        ]);
        let expected = json!({
            "givenName": "Ada", "surname": "Byron", "displayName": "Ada Byron", "jobTitle": "Clerk", "department": null, "employeeId": "4711",
            "employeeHireDate": "2020-01-01T00:00:00Z", "businessPhones": ["+31-20"], "employeeOrgData": {"division": "West"},
        });
        assert_eq!(json!(wanted), expected);
        assert_eq!(self::wanted(&[ADA, "2026-01-02 work_phone=null"])["businessPhones"], json!([]));
    }

    #[test]
    fn the_preferred_name_outweighs_the_legal_one_part_by_part() {
        let names = |line| look(&[ADA, line], &policy()).0;
        let preferred = names("2026-01-02 name.preferred.given=Countess name.legal.middle=K");
        assert_eq!(
            (preferred.given.as_deref(), preferred.middle.as_deref(), preferred.family.as_deref()),
            (Some("Countess"), Some("K"), Some("Byron"))
        );
        assert_eq!(preferred.display, "Countess Byron");
        assert_eq!(names("2026-01-02 name.preferred.formatted=Lovelace").display, "Lovelace");
        let only_whole = look(&["2026-01-01 name.legal.formatted=Madonna"], &policy()).0;
        assert_eq!((only_whole.display.as_str(), only_whole.given), ("Madonna", None));
    }

    #[test]
    fn m4_every_fault_is_told_at_once_with_its_fix() {
        let long = "x".repeat(65);
        let line = format!(
            "2026-01-02 department.name={long} name.legal.given={long} number=12345678901234567 location.country=?"
        );
        let told = [
            "location.country is not readable; send it again".to_owned(),
            "org.department.name has 65 characters, the directory holds 64; shorten it in HR to 64 characters"
                .to_owned(),
            "name.legal.given has 65 characters, the directory holds 64; shorten it in HR to 64 characters".to_owned(),
            "worker.employee_number has 17 characters, the directory holds 16; shorten it in HR to 16 characters"
                .to_owned(),
        ];
        assert_eq!(faults(&[ADA, &line]), told);
    }

    #[test]
    fn m4_lengths_are_counted_in_characters_and_the_longest_fits() {
        let longest = "ü".repeat(64);
        assert_eq!(wanted(&[ADA, &format!("2026-01-02 department.name={longest}")])["department"], json!(longest));
    }

    #[test]
    fn m4_somebody_without_any_name_cannot_be_shown() {
        assert_eq!(
            faults(&["2026-01-01 hire_date=2020-01-01"]),
            ["name.legal.family is missing, and so is every other name; send a given or a family name"]
        );
    }

    #[test]
    fn m11_the_location_is_hrs_own_word_else_the_work_country_else_the_home_country_else_the_policys() {
        let location = |line: &str| wanted(&[ADA, line]).get("usageLocation").cloned();
        assert_eq!(location("2026-01-02 usage_location=DE location.country=FR home_country=BE"), Some(json!("DE")));
        assert_eq!(location("2026-01-02 location.country=FR home_country=BE"), Some(json!("FR")));
        assert_eq!(location("2026-01-02 home_country=BE"), Some(json!("BE")));
        assert_eq!(
            location("2026-01-02 usage_location=null home_country=BE"),
            Some(json!("BE")),
            "null says nothing of the others"
        );
        assert_eq!(location("2026-01-02 job.title=Clerk"), None);
        let mut policy = policy();
        policy.tenant.usage_location = Some("NL".into());
        assert_eq!(look(&[ADA], &policy).1.unwrap()["usageLocation"], json!("NL"));
    }

    #[test]
    fn what_only_looks_different_is_no_difference() {
        let differs = |want: Value, have: Value| {
            let map = |value: Value| value.as_object().unwrap().clone();
            !difference(&map(want).into_iter().collect(), &map(have)).is_empty()
        };
        assert!(!differs(
            json!({"employeeHireDate": "2020-01-01T00:00:00Z"}),
            json!({"employeeHireDate": "2020-01-01T08:00:00Z"})
        ));
        assert!(differs(
            json!({"employeeHireDate": "2020-01-01T00:00:00Z"}),
            json!({"employeeHireDate": "2020-01-02T00:00:00Z"})
        ));
        assert!(!differs(json!({"jobTitle": null, "businessPhones": []}), json!({"jobTitle": ""})));
        assert!(!differs(
            json!({"employeeOrgData": {"division": "West"}}),
            json!({"employeeOrgData": {"division": "West", "costCenter": "1"}})
        ));
        assert!(differs(json!({"employeeOrgData": {"division": "West"}}), json!({"employeeOrgData": null})));
        assert!(differs(json!({"jobTitle": null}), json!({"jobTitle": "Clerk"})));
        assert!(!differs(json!({}), json!({"jobTitle": "Clerk"})), "not ours to manage");
    }

    proptest! {
        #[test]
        fn what_was_written_differs_no_more(lines in proptest::collection::vec(crate::record::generated::line(), 0..6)) {
            let lines: Vec<&str> = [ADA].into_iter().chain(lines.iter().map(String::as_str)).collect();
            if let Ok(wanted) = look(&lines, &policy()).1 {
                let written: Map<String, Value> = wanted.clone().into_iter().collect();
                prop_assert!(difference(&wanted, &written).is_empty());
            }
        }
    }
}
