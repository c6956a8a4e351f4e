//! Lays our own acknowledged writes over reads that may not show them yet (invariant 13).
//!
//! Only writes younger than the policy's settling time count: after it, a read is believed against us.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::ids::ObjectId;
use crate::person::Person;
use crate::planner::User;
use crate::policy::Policy;
use crate::step::{Action, Step, StepState};

/// The policy's settling time.
pub fn settling(policy: &Policy) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(policy.tenant.settle_ms).unwrap_or(i64::MAX))
}

/// Whether a step was acknowledged so lately that a read begun at `now` may not show it.
pub fn is_unsettled(step: &Step, policy: &Policy, now: Timestamp) -> bool {
    matches!(step.state, StepState::Done { at } if at.saturating_add(settling(policy)).is_ok_and(|until| until > now))
}

/// Steps that a read begun at `now` may not show, in the order of their acknowledgement.
fn unsettled<'a>(person: &'a Person, policy: &Policy, now: Timestamp) -> impl Iterator<Item = &'a Step> {
    let mut young: Vec<_> = person.steps.values().filter(|step| is_unsettled(step, policy, now)).collect();
    young.sort_by_key(|step| if let StepState::Done { at } = step.state { at } else { now });
    young.into_iter()
}

/// The instant under which an acknowledgement is stored: later than every other one of this person. Two opposite writes within
/// one tick of the clock would otherwise have no order, and the wrong one would be laid on top.
pub fn acknowledged_at(person: &Person, now: Timestamp) -> Timestamp {
    let at = |step: &Step| if let StepState::Done { at } = step.state { Some(at) } else { None };
    let latest = person.steps.values().filter_map(at).max();
    let next = latest.and_then(|latest| latest.checked_add(SignedDuration::from_micros(1)).ok());
    next.map_or(now, |next| next.max(now))
}

/// Lays account writes over a read of the user.
pub fn user(user: &mut User, person: &Person, policy: &Policy, now: Timestamp) {
    for step in unsettled(person, policy, now) {
        match &step.action {
            Action::UpdateAccount { properties } => user.extend(properties.clone()),
            Action::EnableAccount => {
                user.insert("accountEnabled".into(), json!(true));
            }
            Action::DisableAccount { .. } => {
                user.insert("accountEnabled".into(), json!(false));
            }
            Action::AssignLicense { sku, disabled_plans } => {
                let state = json!({"skuId": sku, "assignedByGroup": null, "state": "Active", "error": "None", "disabledPlans": disabled_plans});
                replace_direct(user, sku.as_str(), Some(state));
            }
            Action::RemoveLicense { sku } => replace_direct(user, sku.as_str(), None),
            _ => {}
        }
    }
}

/// Replaces the direct assignment of a product among the license states.
fn replace_direct(user: &mut User, sku: &str, state: Option<Value>) {
    let states = user.entry("licenseAssignmentStates").or_insert_with(|| json!([]));
    if states.is_null() {
        *states = json!([]);
    }
    if let Value::Array(states) = states {
        let direct = |state: &Value| {
            state.get("skuId").and_then(Value::as_str) == Some(sku)
                && state.get("assignedByGroup").is_none_or(Value::is_null)
        };
        states.retain(|state| !direct(state));
        states.extend(state);
    }
}

/// Lays membership writes over a read of the groups.
pub fn memberships(groups: &mut BTreeSet<ObjectId>, person: &Person, policy: &Policy, now: Timestamp) {
    for step in unsettled(person, policy, now) {
        match &step.action {
            Action::AddMember { group } | Action::JoinCarrier { group, .. } => {
                groups.insert(group.clone());
            }
            Action::RemoveMember { group } | Action::LeaveCarrier { group, .. } => {
                groups.remove(group);
            }
            _ => {}
        }
    }
}

/// Lays writes of the manager over a read of it.
pub fn manager(manager: Option<ObjectId>, person: &Person, policy: &Policy, now: Timestamp) -> Option<ObjectId> {
    unsettled(person, policy, now).fold(manager, |manager, step| match &step.action {
        Action::SetManager { manager } => Some(manager.clone()),
        Action::RemoveManager => None,
        _ => manager,
    })
}

/// Lays writes of sponsors over a read of them.
pub fn sponsors(sponsors: &mut BTreeSet<ObjectId>, person: &Person, policy: &Policy, now: Timestamp) {
    for step in unsettled(person, policy, now) {
        match &step.action {
            Action::AddSponsor { sponsor } => {
                sponsors.insert(sponsor.clone());
            }
            Action::RemoveSponsor { sponsor } => {
                sponsors.remove(sponsor);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{BOSS, CARRIER, E3, OTHER, SALES, TEAMS, VISIO, at, bound, policy};
    use crate::step::{StepId, StepState};

    const NOW: &str = "2026-03-10T12:00";

    /// Somebody for whom these were acknowledged at these times, the last of them first.
    fn done(steps: &[(&str, Action)]) -> Person {
        let mut person = bound(&["2026-01-01 hire_date=2020-01-01"]);
        for (time, action) in steps.iter().rev() {
            let id = StepId::derive(&person.head.person, 0, action);
            let state = StepState::Done { at: at(time) };
            let step = Step {
                id: id.clone(),
                generation: 0,
                round: 1,
                action: action.clone(),
                why: String::new(),
                state,
                attempts: 1,
                wake_at: None,
                by_hand: false,
            };
            person.steps.insert(id, step);
        }
        person
    }

    fn read(person: &Person, user: &Value) -> Value {
        let mut user = user.as_object().unwrap().clone();
        super::user(&mut user, person, &policy(), at(NOW));
        Value::Object(user)
    }

    #[test]
    fn a_stale_read_is_corrected_by_young_writes_in_the_order_of_their_acknowledgement() {
        let enabled = ("2026-03-10T11:56", Action::EnableAccount);
        let disabled = ("2026-03-10T11:58", Action::DisableAccount { pass: 1 });
        let both = done(&[enabled.clone(), disabled.clone()]);
        assert_eq!(read(&both, &json!({"accountEnabled": true})), json!({"accountEnabled": false}));
        assert_eq!(read(&done(&[enabled]), &json!({"accountEnabled": false})), json!({"accountEnabled": true}));
        let properties = [("department".to_owned(), json!("Sales")), ("jobTitle".to_owned(), Value::Null)].into();
        let written = done(&[("2026-03-10T11:59", Action::UpdateAccount { properties })]);
        assert_eq!(
            read(&written, &json!({"jobTitle": "Clerk", "city": "Delft"})),
            json!({"department": "Sales", "jobTitle": null, "city": "Delft"})
        );
    }

    #[test]
    fn after_the_settling_time_a_read_is_believed_against_us() {
        let old = done(&[("2026-03-10T11:55", Action::DisableAccount { pass: 1 })]);
        assert_eq!(read(&old, &json!({"accountEnabled": true})), json!({"accountEnabled": true}));
    }

    #[test]
    fn only_what_was_acknowledged_counts() {
        let mut person = done(&[("2026-03-10T11:59", Action::EnableAccount)]);
        let since = at(NOW);
        let states = [
            StepState::Pending,
            StepState::Running { since },
            StepState::Failed { why: String::new() },
            StepState::Verified { at: since },
        ];
        for state in states {
            person.steps.values_mut().next().unwrap().state = state.clone();
            assert_eq!(read(&person, &json!({"accountEnabled": false})), json!({"accountEnabled": false}), "{state:?}");
        }
    }

    #[test]
    fn direct_licenses_are_replaced_and_those_by_group_left_alone() {
        let (e3, visio) = (E3.parse().unwrap(), VISIO.parse().unwrap());
        let given = Action::AssignLicense { sku: e3, disabled_plans: vec![TEAMS.parse().unwrap()] };
        let person = done(&[("2026-03-10T11:58", given), ("2026-03-10T11:59", Action::RemoveLicense { sku: visio })]);
        let by_group = json!({"skuId": VISIO, "assignedByGroup": CARRIER});
        let stale = json!({"licenseAssignmentStates": [{"skuId": E3, "disabledPlans": []}, {"skuId": VISIO, "assignedByGroup": null}, by_group]});
        let corrected = read(&person, &stale);
        let states = corrected["licenseAssignmentStates"].as_array().unwrap();
        assert_eq!(states.len(), 2);
        assert_eq!(states[0], by_group);
        assert_eq!((&states[1]["skuId"], &states[1]["disabledPlans"]), (&json!(E3), &json!([TEAMS])));
        for nothing in [json!({}), json!({"licenseAssignmentStates": null})] {
            assert_eq!(read(&person, &nothing)["licenseAssignmentStates"].as_array().unwrap().len(), 1);
        }
    }

    #[test]
    fn young_memberships_and_managers_are_laid_over_a_read() {
        let group = |text: &str| text.parse::<ObjectId>().unwrap();
        let person = done(&[
            ("2026-03-10T11:57", Action::AddMember { group: group(SALES) }),
            ("2026-03-10T11:58", Action::LeaveCarrier { group: group(CARRIER), skus: Vec::new() }),
            ("2026-03-10T11:59", Action::SetManager { manager: group(BOSS) }),
        ]);
        let mut groups = [CARRIER, OTHER].map(group).into();
        memberships(&mut groups, &person, &policy(), at(NOW));
        assert_eq!(groups, [SALES, OTHER].map(group).into());
        assert_eq!(manager(None, &person, &policy(), at(NOW)), Some(group(BOSS)));
        let later = done(&[
            ("2026-03-10T11:58", Action::SetManager { manager: group(BOSS) }),
            ("2026-03-10T11:59", Action::RemoveManager),
        ]);
        assert_eq!(manager(Some(group(OTHER)), &later, &policy(), at(NOW)), None);
    }
}
