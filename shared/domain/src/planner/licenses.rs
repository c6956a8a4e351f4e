//! Plans licenses: direct ones, and memberships of groups that carry them.
//!
//! No license before the account has a location (M11: read, or acknowledged by the tenant a moment ago), none without a free seat (M13): a step that lacks either
//! waits and says for what. A carrier group is joined only when both are certain, because Entra would otherwise apply the tenant's location, and
//! would leave a member without a seat unlicensed for good (graph-facts 8.8, 8.12).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::entitlements::{Entitlements, License, entitlements, reason};
use super::groups;
use super::{Plan, Planned, User, View, Wait};
use crate::ids::{ObjectId, PlanId, SkuId};
use crate::ledger::{Origin, Target};
use crate::overlay::is_unsettled;
use crate::policy::PersonKind;
use crate::step::{Action, Stage};

/// What the tenant owns of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seats {
    /// Its part number, for people.
    pub name: String,
    /// Seats that can still be assigned; negative when over-assigned.
    pub free: i64,
}

/// What the tenant shows.
#[derive(Debug, Clone, Default)]
pub struct Actual {
    /// The user with `usageLocation` and `licenseAssignmentStates`, and the groups as for the group stage.
    pub groups: groups::Actual,
    /// Products the tenant owns.
    pub seats: BTreeMap<SkuId, Seats>,
}

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

/// Plans the license stage.
pub fn plan(view: &View<'_>, actual: &Actual) -> Plan {
    let mut plan = Plan::of(Stage::Licenses);
    let Some(entitled) = entitlements(view, &actual.groups) else {
        return Plan { is_inconclusive: view.attributes.is_err(), ..plan };
    };
    let stage = LicenseStage { view, actual, entitled: &entitled, held: held(&actual.groups.user) };
    stage.leave_carriers(&mut plan);
    stage.remove_licenses(&mut plan);
    stage.assign_licenses(&mut plan);
    stage.join_carriers(&mut plan);
    plan
}

struct LicenseStage<'a> {
    view: &'a View<'a>,
    actual: &'a Actual,
    entitled: &'a Entitlements,
    held: Vec<Held>,
}

impl LicenseStage<'_> {
    /// The products a carrier group brings, in order, so that the same need stays the same step. None: not a carrier.
    fn carried_by(&self, group: &ObjectId) -> Option<Vec<SkuId>> {
        let facts = self.actual.groups.groups.get(group);
        let skus: BTreeSet<_> = facts.into_iter().flat_map(|facts| &facts.carries).cloned().collect();
        self.actual.groups.is_carrier(group, self.view).then(|| skus.into_iter().collect())
    }

    fn leave_carriers(&self, plan: &mut Plan) {
        let groups = &self.actual.groups;
        for group in groups::unwanted(self.view, groups, |group| self.entitled.keeps_group(group)) {
            if let Some(skus) = self.carried_by(&group) {
                let action = Action::LeaveCarrier { group: group.clone(), skus };
                groups::reject(self.view, groups, &group, action, plan);
            }
        }
    }

    /// Direct licenses nobody asks for: ours, and at leave the pre-existing ones too unless the policy keeps them.
    fn remove_licenses(&self, plan: &mut Plan) {
        let is_cut = self.view.standing.is_cut();
        let all = is_cut && !self.view.policy.accounts.leavers_keep_preexisting;
        let direct: BTreeSet<_> =
            self.held.iter().filter(|held| held.by_group.is_none()).map(|held| &held.sku).collect();
        let ours = self.view.person.grants.values().filter_map(|grant| match &grant.target {
            Target::License(sku) if grant.origin == Origin::Ours || !direct.contains(sku) => Some(sku),
            _ => None,
        });
        let there = direct.iter().copied().filter(|_| all);
        let unwanted: BTreeSet<_> = ours.chain(there).filter(|sku| !self.entitled.keeps_license(sku)).collect();
        for sku in unwanted {
            if direct.contains(sku) {
                let why =
                    if is_cut { self.view.standing.why.clone() } else { "no package asks for it any more".to_owned() };
                groups::take(self.view, Action::RemoveLicense { sku: sku.clone() }, sku.as_str(), why, plan);
            } else {
                groups::forget_if_settled(self.view, Target::License(sku.clone()), plan);
            }
        }
    }

    fn assign_licenses(&self, plan: &mut Plan) {
        for (sku, license) in &self.entitled.licenses {
            let target = Target::License(sku.clone());
            let direct = self.held.iter().find(|held| held.by_group.is_none() && held.sku == *sku);
            let pre_existing =
                self.view.person.grants.get(&target).is_none_or(|grant| grant.origin == Origin::PreExisting);
            match direct {
                // The plans of a license that was there before us are somebody else's choice.
                Some(held) if pre_existing || held.disabled_plans == license.disabled_plans => {
                    groups::note(self.view, target, &license.packages, plan);
                }
                Some(_) => plan.steps.push(self.assign(sku, license, None)),
                None => {
                    groups::forget_pre_existing(self.view, target, plan);
                    plan.steps.push(self.assign(sku, license, self.obstacle(std::slice::from_ref(sku))));
                }
            }
        }
    }

    fn assign(&self, sku: &SkuId, license: &License, wait: Option<Wait>) -> Planned {
        let disabled_plans = license.disabled_plans.iter().cloned().collect();
        let action = Action::AssignLicense { sku: sku.clone(), disabled_plans };
        Planned { action, why: reason(self.view.policy, &license.packages), wait }
    }

    fn join_carriers(&self, plan: &mut Plan) {
        for (group, packages) in &self.entitled.groups {
            let Some(skus) = self.carried_by(group) else { continue };
            let why = reason(self.view.policy, packages);
            let target = Target::Group(group.clone());
            if self.actual.groups.memberships.contains(group) {
                groups::note(self.view, target, packages, plan);
                self.mend(group, plan);
            } else if let Some(refusal) = self.actual.groups.refusal(group) {
                plan.ask_human("change a group by hand", Some(group.to_string()), why, refusal.instructions());
            } else if skus.is_empty() {
                let instructions =
                    "the policy uses this group to carry a license, but no license is assigned to it: assign one";
                plan.ask_human("license a carrier group", Some(group.to_string()), why, instructions);
            } else if self.is_guest() {
                let instructions = "group-based licensing is not for guests: license this person directly, or change the package's rule";
                plan.ask_human("license a guest", Some(group.to_string()), why, instructions);
            } else {
                groups::forget_pre_existing(self.view, target, plan);
                let wait = self.obstacle(&skus);
                plan.steps.push(Planned { action: Action::JoinCarrier { group: group.clone(), skus }, why, wait });
            }
        }
    }

    fn is_guest(&self) -> bool {
        self.view.standing.kind == PersonKind::Guest
            || self.actual.groups.user.get("userType").and_then(Value::as_str) == Some("Guest")
    }

    /// A license that a group should have brought and did not: Entra does not try again by itself.
    fn mend(&self, group: &ObjectId, plan: &mut Plan) {
        let failed = self.held.iter().filter(|held| held.by_group.as_ref() == Some(group) && held.error.is_some());
        let failed: Vec<_> = failed.collect();
        let Some(error) = failed.iter().find_map(|held| held.error.clone().filter(|error| error != "Other")) else {
            return;
        };
        let skus: BTreeSet<_> = failed.iter().map(|held| held.sku.clone()).collect();
        let skus: Vec<_> = skus.into_iter().collect();
        if error == "CountViolation" {
            let action = Action::ReprocessLicenses { group: group.clone(), skus: skus.clone() };
            let why = "the group's license found no seat".to_owned();
            // Entra works it off by itself: until that has settled the old error says nothing.
            if self.view.step(&action).is_some_and(|step| is_unsettled(step, self.view.policy, self.view.now)) {
                return;
            }
            plan.steps.push(Planned { action, why, wait: self.seatless(&skus) });
        } else {
            let why = format!("the group's license is in error ({error})");
            plan.ask_human("mend a group license", Some(group.to_string()), why, explain(&error));
        }
    }

    /// What keeps products from being assigned now.
    fn obstacle(&self, skus: &[SkuId]) -> Option<Wait> {
        let located = self.actual.groups.user.get("usageLocation").is_some_and(|location| !location.is_null());
        if located {
            let lacking =
                skus.iter().filter(|sku| !self.held.iter().any(|held| held.sku == **sku && held.error.is_none()));
            self.seatless(&lacking.cloned().collect::<Vec<_>>())
        } else {
            Some(Wait::For("the account has no usage location yet".into(), None))
        }
    }

    fn seatless(&self, skus: &[SkuId]) -> Option<Wait> {
        skus.iter().find_map(|sku| match self.actual.seats.get(sku) {
            Some(seats) if seats.free > 0 => None,
            Some(seats) => Some(Wait::For(format!("no seat of {} is free", seats.name), Some(sku.clone()))),
            None => Some(Wait::For(format!("the tenant does not own product {sku}"), Some(sku.clone()))),
        })
    }
}

/// What an error of group licensing means and how to mend it (page "Identify and resolve license assignment problems").
fn explain(error: &str) -> &'static str {
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
        _ => "look at the group's licensing errors in the Entra admin center, mend the cause, then reprocess",
    }
}
