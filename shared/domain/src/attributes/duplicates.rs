//! What must be one person's alone — employee number, work address — and whom else it is said of.
//!
//! `people` asks the roster at every look at a person and keeps the answer in the head ([`crate::person::Head::shared`]), so that every stage, a dry
//! run and `joinery quality` judge by the same. Whose the value is, only HR knows: everybody who shares it is at fault, but for somebody who alone
//! among them has an account already. Nothing of theirs may stop because a newcomer's record is wrong.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{EMPLOYEE_NUMBER, WORK_EMAIL};
use crate::event::FieldFault;
use crate::ids::PersonId;
use crate::person::{Head, Person};
use crate::ports::Handle;

/// Others of whom HR says the same, by the path of the fact.
pub type Shared = BTreeMap<String, BTreeSet<Other>>;

/// Somebody else of whom HR says the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Other {
    /// Who.
    pub person: PersonId,
    /// Whether they had an account at the last look.
    pub has_account: bool,
}

/// What to look up for a person: the paths whose value must be theirs alone, and the handle that finds everybody of whom it is said.
pub fn handles(head: &Head) -> Vec<(&'static str, Handle)> {
    let number = head.record.employee_number().map(|number| {
        let connection = head.person.connection().to_owned();
        (EMPLOYEE_NUMBER, Handle::EmployeeNumber { connection, number: number.to_owned() })
    });
    let address = head.work_email.clone().map(|address| (WORK_EMAIL, Handle::WorkEmail(address)));
    number.into_iter().chain(address).collect()
}

/// Those among the people found at a handle who count: not the person, and nobody whose access has ended.
pub fn others<'a>(head: &Head, found: impl IntoIterator<Item = &'a Person>) -> BTreeSet<Other> {
    let living = found.into_iter().filter(|other| other.head.person != head.person && !other.head.cut);
    living
        .map(|other| Other { person: other.head.person.clone(), has_account: other.head.account.object_id.is_some() })
        .collect()
}

/// What is wrong with the person's own facts because of others.
pub(super) fn faults(head: &Head) -> Vec<(&'static str, FieldFault)> {
    let is_first =
        |others: &BTreeSet<Other>| head.account.object_id.is_some() && !others.iter().any(|other| other.has_account);
    let said = [EMPLOYEE_NUMBER, WORK_EMAIL].into_iter().filter_map(|path| Some((path, head.shared.get(path)?)));
    let bad = said.filter(|(_, others)| !others.is_empty() && !is_first(others));
    bad.map(|(path, others)| {
        let ids: Vec<String> = others.iter().map(|other| other.person.to_string()).collect();
        let problem = format!("is also that of {}", ids.join(", "));
        (path, FieldFault { problem, fix: "find out whose it is, and correct the other in HR".into() })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{ACCOUNT, BOSS, person};

    fn of(id: &str, account: Option<&str>, cut: bool) -> Person {
        let mut person = Person::new(id.parse().unwrap());
        person.head.account.object_id = account.map(|id| id.parse().unwrap());
        person.head.cut = cut;
        person
    }

    fn paths(own: Option<&str>, others: &[Person]) -> Vec<&'static str> {
        let mut head = of("hr:7", own, false).head;
        let found = self::others(&head, others);
        head.shared = [(EMPLOYEE_NUMBER.to_owned(), found)].into();
        faults(&head).into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn m4_everybody_who_shares_a_number_is_at_fault_but_who_alone_has_an_account() {
        let bad = [EMPLOYEE_NUMBER];
        assert_eq!(paths(None, &[of("hr:8", None, false)]), bad);
        assert_eq!(paths(None, &[of("hr:8", Some(BOSS), false)]), bad);
        assert_eq!(paths(Some(ACCOUNT), &[of("hr:8", Some(BOSS), false)]), bad);
        assert_eq!(paths(Some(ACCOUNT), &[of("hr:8", None, false)]), [""; 0], "a newcomer stops nobody");
        assert_eq!(paths(None, &[of("hr:8", Some(BOSS), true)]), [""; 0], "who has left counts no more");
        assert_eq!(paths(None, &[of("hr:7", None, false)]), [""; 0], "oneself is nobody else");
    }

    #[test]
    fn a_person_is_looked_up_by_number_and_address() {
        let mut head = person(&["2026-01-01 number=17"]).head;
        head.work_email = Some("ada@contoso.example".into());
        let number = Handle::EmployeeNumber { connection: "hr".into(), number: "17".into() };
        let address = Handle::WorkEmail("ada@contoso.example".into());
        assert_eq!(handles(&head), [(EMPLOYEE_NUMBER, number), (WORK_EMAIL, address)]);
    }
}
