//! When the policy has changed everybody is looked at again. In which order: so that those who gain the same come one after the other, and
//! their memberships can be written together.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::ledger::Target;
use crate::person::Person;
use crate::planner::View;
use crate::planner::entitlements::entitlements;
use crate::planner::groups::Actual;
use crate::policy::Policy;

/// A person's place in the order: those who gain something first, by what they gain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    gains_nothing: bool,
    gains: BTreeSet<Target>,
}

impl Place {
    /// Judged by the books alone, without a look at the tenant: what the policy gives by HR's word and the ledger does not hold. It is good
    /// enough for an order; what is done is planned by the stages.
    pub fn of(person: &Person, policy: &Policy, now: Timestamp) -> Self {
        let held = person.grants.values().filter(|grant| grant.held).map(|grant| &grant.target);
        let held: BTreeSet<Target> = held.cloned().collect();
        let group = |target: &Target| if let Target::Group(group) = target { Some(group.clone()) } else { None };
        let actual = Actual { memberships: held.iter().filter_map(group).collect(), ..Actual::default() };
        // Whoever has no account yet gains nothing yet.
        let view = View::new(person, policy, now);
        let entitled = person.head.account.object_id.as_ref().and_then(|_| entitlements(&view, &actual));
        let entitled = entitled.unwrap_or_default();
        let groups = entitled.groups.into_keys().map(Target::Group);
        let gains = groups.chain(entitled.licenses.into_keys().map(Target::License));
        let gains: BTreeSet<Target> = gains.filter(|target| !held.contains(target)).collect();
        Self { gains_nothing: gains.is_empty(), gains }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Grant, Origin};
    use crate::sample::{CARRIER, E3, EXCLUSIVE, SALES, STAFF, at, bound, person, policy};

    const NOW: &str = "2026-03-10T12:00";
    const CLERK: &str = "2026-01-01 hire_date=2020-01-01 name.legal.family=Byron";
    const SELLER: &str = "2026-01-02 department.name=Sales";

    fn place(person: &Person) -> Place {
        Place::of(person, &policy(), at(NOW))
    }

    fn holding(mut person: Person, groups: &[&str]) -> Person {
        for group in groups {
            let target = Target::Group(group.parse().unwrap());
            let grant =
                Grant { target: target.clone(), origin: Origin::Ours, held: true, reasons: Vec::new(), since: at(NOW) };
            person.grants.insert(target, grant);
        }
        person
    }

    #[test]
    fn those_who_gain_the_same_stand_together_and_those_who_gain_nothing_last() {
        let (clerk, seller) = (bound(&[CLERK]), bound(&[CLERK, SELLER]));
        assert_eq!(place(&clerk), place(&clerk));
        assert_ne!(place(&clerk), place(&seller));
        let all = [SALES, STAFF, EXCLUSIVE, CARRIER];
        let mut settled = holding(seller.clone(), &all);
        let license = Target::License(E3.parse().unwrap());
        settled.grants.insert(
            license.clone(),
            Grant { target: license, origin: Origin::Ours, held: true, reasons: Vec::new(), since: at(NOW) },
        );
        assert!(place(&settled).gains_nothing && place(&settled) > place(&seller) && place(&settled) > place(&clerk));
        let promoted = holding(seller, &[STAFF]);
        assert_ne!(place(&promoted), place(&settled));
        assert_eq!(place(&person(&[CLERK])), place(&settled), "without an account");
    }
}
