//! Guests: the address they are invited at, and what of their account is ours to write.

use crate::attributes::{Properties, standards};
use crate::event::{FactValue, FieldFault};
use crate::lifecycle::Standing;
use crate::person::Person;
use crate::policy::Policy;

/// The properties of a guest that the inviting company decides. Name, phones and language are the home tenant's business.
const PROPERTIES: [&str; 8] = [
    "companyName",
    "department",
    "employeeHireDate",
    "employeeId",
    "employeeOrgData",
    "employeeType",
    "jobTitle",
    "usageLocation",
];

/// Keeps what of the properties may be written to a guest's account.
pub fn keep_writable(properties: &mut Properties) {
    properties.retain(|name, _| PROPERTIES.contains(&name.as_str()));
}

/// The address a guest is invited at: the one for work, else the personal one. On failure the field and its fault.
pub fn address(person: &Person, standing: &Standing, policy: &Policy) -> Result<String, (String, FieldFault)> {
    let text = |path: &str| {
        let fact = person.head.record.fact(path, standing.today, &standing.zone).and_then(FactValue::as_text);
        fact.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let said = ["contact.work_email", "contact.personal_email"].map(|path| text(path).map(|address| (path, address)));
    let Some((path, address)) = said.into_iter().flatten().next() else {
        let problem = "is missing, and so is a personal address: a guest is invited by mail";
        return Err(("contact.work_email".into(), fault(problem, "send the guest's own address")));
    };
    match problem(&address, &policy.tenant.domain) {
        None => Ok(address),
        Some(fault) => Err((path.to_owned(), fault)),
    }
}

fn fault(problem: &str, fix: &str) -> FieldFault {
    FieldFault { problem: problem.into(), fix: fix.into() }
}

/// What keeps an address from being invited, and what to do. The words never hold the address.
fn problem(address: &str, own_domain: &str) -> Option<FieldFault> {
    let is_own = address.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(own_domain));
    if is_own {
        let fix = "send the address the guest has elsewhere, or make the person an employee";
        return Some(fault("is an address of this tenant, whose people cannot be its guests", fix));
    }
    let breach = standards::check("invitedUserEmailAddress", address).into_iter().next()?;
    Some(fault(&breach.problem, &breach.fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle;
    use crate::sample::{at, person, policy};

    fn invited(line: &str) -> Result<String, String> {
        let line = format!("2026-01-02 {line}");
        let person = person(&["2026-01-01 hire_date=2020-01-01 employment.type=external", &line]);
        let policy = policy();
        let standing = lifecycle::standing(&person, &policy, at("2026-03-10"));
        address(&person, &standing, &policy).map_err(|(path, fault)| format!("{path} {}", fault.problem))
    }

    #[test]
    fn m01_a_guest_is_invited_at_work_or_else_at_home() {
        assert_eq!(
            invited("contact.work_email=ada@elsewhere.example personal_email=a@home.example").unwrap(),
            "ada@elsewhere.example"
        );
        assert_eq!(
            invited("contact.work_email=null personal_email=a_b.c-d@home.example").unwrap(),
            "a_b.c-d@home.example"
        );
        assert!(invited("job.title=Guest").unwrap_err().starts_with("contact.work_email is missing"));
    }

    #[test]
    fn m01_m04_an_address_that_no_invitation_takes_is_named_by_its_field() {
        let check = |line: &str, expected: &str| {
            let said = invited(line).unwrap_err();
            assert!(said.contains(expected) && !said.contains("home.example"), "{line}: {said}");
        };
        let bad = "is not an address that a guest can be invited by";
        check("personal_email=ada+news@home.example", &format!("contact.personal_email {bad}"));
        for address in ["o'neil@home.example", "zoë@home.example", "a.-@home.example", "ada-@home.example", "ada"] {
            check(&format!("contact.work_email={address}"), &format!("contact.work_email {bad}"));
        }
        check("contact.work_email=ada@Contoso.example", "is an address of this tenant");
    }
}
