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
