//! What an account's properties should be: HR facts under Graph's names, checked against the directory's rules before any
//! of them is used, so that a bad one blocks the person's writes as a whole and nothing is half-applied. What takes access away
//! does not look here.

pub mod duplicates;
mod forms;
mod letters;
pub mod standards;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::event::{FactValue, FieldFault};
use crate::lifecycle::Standing;
use crate::person::Person;
use crate::policy::{PersonKind, Policy};

/// Graph property names and the values they should have. A null clears; what is not here is not ours to manage.
pub type Properties = BTreeMap<String, Value>;

/// A plain copy from one fact to one property: path, Graph name. What the property takes stands in [`standards`].
const COPIED: &[(&str, &str)] = &[
    ("org.job.title", "jobTitle"),
    ("org.department.name", "department"),
    ("org.company.name", "companyName"),
    ("location.name", "officeLocation"),
    ("location.city", "city"),
    ("location.region", "state"),
    ("location.country", "country"),
    ("location.postal_code", "postalCode"),
    ("location.street", "streetAddress"),
    ("contact.work_mobile", "mobilePhone"),
    ("employment.type", "employeeType"),
    ("locale.preferred_language", "preferredLanguage"),
];

/// What is wrong with a person's facts: the path and the fault.
pub type Faults = Vec<(String, FieldFault)>;

/// A fault, with the value that would do where correcting is mechanical.
#[derive(Clone, PartialEq, Eq)]
pub struct Finding {
    /// The path of the fact.
    pub path: String,
    /// What is wrong and what to do about it; never the value.
    pub fault: FieldFault,
    /// The whole value as it would do. Personal data.
    pub proposed: Option<String>,
}

/// Where the employee number is said; it is not a dated fact.
pub const EMPLOYEE_NUMBER: &str = "worker.employee_number";
/// Where the work address is said.
pub const WORK_EMAIL: &str = "contact.work_email";

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
    let Desired { properties, findings, .. } = derive(person, standing, policy);
    if findings.is_empty() {
        return Ok(properties);
    }
    Err(findings.into_iter().map(|finding| (finding.path, finding.fault)).collect())
}

/// Everything that is wrong with the facts, with corrected values: for whoever cleans up.
pub fn findings(person: &Person, standing: &Standing, policy: &Policy) -> Vec<Finding> {
    derive(person, standing, policy).findings
}

fn derive<'a>(person: &'a Person, standing: &'a Standing, policy: &Policy) -> Desired<'a> {
    let mut desired = Desired { person, standing, properties: Properties::new(), findings: Vec::new() };
    desired.faults_in_force();
    for (path, name) in COPIED {
        desired.copy(path, name);
    }
    desired.names();
    desired.numbers_and_dates();
    desired.address();
    desired.location(policy);
    desired.duplicates();
    desired
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
    findings: Vec<Finding>,
}

impl Desired<'_> {
    fn fact(&self, path: &str) -> Option<&FactValue> {
        self.person.head.record.fact(path, self.standing.today, &self.standing.zone)
    }

    fn text(&self, path: &str) -> Option<String> {
        self.fact(path).and_then(FactValue::as_text).map(str::to_owned)
    }

    fn find(&mut self, path: &str, fault: FieldFault, proposed: Option<String>) {
        self.findings.push(Finding { path: path.to_owned(), fault, proposed });
    }

    fn fault(&mut self, path: &str, problem: impl Into<String>, fix: impl Into<String>) {
        self.find(path, FieldFault { problem: problem.into(), fix: fix.into() }, None);
    }

    /// Facts that could not be read as they came.
    fn faults_in_force(&mut self) {
        let facts = self.person.head.record.facts_on(self.standing.today, &self.standing.zone);
        let unread = facts.filter_map(|(field, value)| match value {
            FactValue::Fault(fault) => Some((field.path().to_owned(), fault.clone())),
            _ => None,
        });
        let bad = self.standing.faults.iter().cloned().chain(unread);
        let bad = bad.map(|(path, fault)| Finding { path, fault, proposed: None });
        self.findings = bad.collect();
    }

    fn copy(&mut self, path: &str, name: &str) {
        let value = match self.fact(path) {
            Some(FactValue::Text(text)) => json!(text),
            Some(FactValue::Null) => Value::Null,
            _ => return,
        };
        if value.as_str().is_none_or(|text| self.meets(path, name, text)) {
            self.properties.insert(name.to_owned(), value);
        }
    }

    /// Whether a text meets the standard of a property; what it breaks is noted.
    fn meets(&mut self, path: &str, property: &str, text: &str) -> bool {
        let breaches = standards::check(property, text);
        let fine = breaches.is_empty();
        for standards::Breach { problem, fix, proposed } in breaches {
            self.find(path, FieldFault { problem, fix }, proposed);
        }
        fine
    }

    fn names(&mut self) {
        let names = names(self.person, self.standing);
        if names.display.is_empty() {
            let fix = "send a given or a family name";
            self.fault("name.legal.family", "is missing, and so is every other name", fix);
            return;
        }
        for (property, name, part) in [("givenName", names.given, "given"), ("surname", names.family, "family")] {
            let Some(name) = name else { continue };
            let preferred = format!("name.preferred.{part}");
            let path = if self.text(&preferred).is_some() { preferred } else { format!("name.legal.{part}") };
            if self.meets(&path, property, &name) {
                self.properties.insert(property.to_owned(), json!(name));
            }
        }
        // A name made of its parts is as good as they are.
        let whole = ["name.preferred.formatted", "name.legal.formatted"].into_iter();
        let said = whole.into_iter().find(|path| self.text(path).as_ref() == Some(&names.display));
        if said.is_none_or(|path| self.meets(path, "displayName", &names.display)) {
            self.properties.insert("displayName".to_owned(), json!(names.display));
        }
    }

    fn numbers_and_dates(&mut self) {
        if let Some(number) = self.person.head.record.employee_number()
            && self.meets(EMPLOYEE_NUMBER, "employeeId", number)
        {
            self.properties.insert("employeeId".into(), json!(number));
        }
        if let Some(start) = self.standing.start {
            self.properties.insert("employeeHireDate".into(), json!(format!("{start}T00:00:00Z")));
        }
        match self.fact("contact.work_phone").cloned() {
            Some(FactValue::Text(phone)) if self.meets("contact.work_phone", "businessPhones", &phone) => {
                self.properties.insert("businessPhones".into(), json!([phone]));
            }
            Some(FactValue::Null) => {
                self.properties.insert("businessPhones".into(), json!([]));
            }
            _ => {}
        }
        if let Some(division) = self.text("org.division.name")
            && self.meets("org.division.name", "division", &division)
        {
            self.properties.insert("employeeOrgData".into(), json!({"division": division}));
        }
    }

    /// The work address is written by the tenant itself, but accounts are found by it, and guests are invited by it.
    fn address(&mut self) {
        let property = if self.standing.kind == PersonKind::Guest { "invitedUserEmailAddress" } else { "mail" };
        if let Some(address) = self.text(WORK_EMAIL) {
            self.meets(WORK_EMAIL, property, &address);
        }
    }

    /// What must be one person's alone, and is another's, too.
    fn duplicates(&mut self) {
        for (path, fault) in duplicates::faults(&self.person.head) {
            self.find(path, fault, None);
        }
    }

    /// Usage location: HR's own word, else the work country, else the home country, else the tenant's if the policy says so. It
    /// cannot be cleared once set.
    fn location(&mut self, policy: &Policy) {
        let said = ["locale.usage_location", "location.country", "home_country"];
        let said = said.iter().find_map(|path| self.fact(path).and_then(FactValue::as_text));
        let location = said.map(str::to_owned).or_else(|| policy.tenant.usage_location.clone());
        if let Some(location) = location
            && self.meets("locale.usage_location", "usageLocation", &location)
        {
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
            "org.department.name has 65 characters, the directory holds 64; shorten it in HR".to_owned(),
            "name.legal.given has 65 characters, the directory holds 64; shorten it in HR".to_owned(),
            "worker.employee_number has 17 characters, the directory holds 16; shorten it in HR".to_owned(),
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
