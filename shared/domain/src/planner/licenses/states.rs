//! Licenses as the tenant shows them on a user, and what is wrong with them in plain words.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::ids::{ObjectId, PlanId, SkuId};
use crate::planner::User;

/// A license as the user holds it from one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The product.
    pub sku: SkuId,
    /// The group it comes from; None: direct.
    pub by_group: Option<ObjectId>,
    /// Plans that are off.
    pub disabled_plans: BTreeSet<PlanId>,
    /// Why it is not in effect, in Graph's word, if it is not.
    pub error: Option<String>,
}

impl Held {
    /// Whether it gives the person something.
    pub(super) fn is_active(&self) -> bool {
        self.error.is_none()
    }
}

/// Reads `licenseAssignmentStates` (resource type `licenseAssignmentState`).
pub fn held(user: &User) -> Vec<Held> {
    let states = user.get("licenseAssignmentStates").and_then(Value::as_array);
    let text = |state: &Value, key: &str| state.get(key).and_then(Value::as_str).map(str::to_owned);
    let read = |state: &Value| {
        let plans = state.get("disabledPlans").and_then(Value::as_array).into_iter().flatten();
        let plans = plans.filter_map(|plan| plan.as_str()?.parse().ok());
        let failed = matches!(text(state, "state").as_deref(), Some("Error"));
        Some(Held {
            sku: text(state, "skuId")?.parse().ok()?,
            by_group: text(state, "assignedByGroup").and_then(|group| group.parse().ok()),
            disabled_plans: plans.collect(),
            error: failed.then(|| text(state, "error").unwrap_or_else(|| "Other".into())),
        })
    };
    states.into_iter().flatten().filter_map(read).collect()
}

/// What an error of group licensing means and how to mend it (page "Identify and resolve license assignment problems").
pub(super) fn explain(error: &str) -> &'static str {
    match error {
        "MutuallyExclusiveViolation" => {
            "another product of this person holds a conflicting service plan: turn one of the two off, then reprocess"
        }
        "DependencyViolation" => {
            "a service plan needs another one that is not assigned: assign its base product in the same group, then reprocess"
        }
        "ProhibitedInUsageLocationViolation" => {
            "a service is not offered at the person's usage location: turn that plan off for the group, or correct the location"
        }
        "UniquenessViolation" => {
            "another object uses one of this person's proxy addresses: remove the duplicate in Exchange, then reprocess"
        }
        "CountViolation" => "no seat is free: the person is served as soon as one appears",
        _ => "look at the group's licensing errors in the Entra admin center, mend the cause, then reprocess",
    }
}
