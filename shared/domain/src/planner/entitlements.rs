//! What the packages of the policy give a person today.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rules::Context;
use serde_json::{Map, Value, json};

use super::groups::Actual;
use super::{View, is_synchronized};
use crate::ids::{ObjectId, PlanId, SkuId};
use crate::lifecycle::Want;
use crate::overlay::is_unsettled;
use crate::policy::{Package, PersonKind, Policy, Via};
use crate::step::{Stage, Step, StepState};

/// When a person is looked at again after a license was written, where a rule asks for service plans: Entra brings them by and by,
/// and tells nobody.
const PLANS_FOLLOWED: [SignedDuration; 2] = [SignedDuration::from_mins(15), SignedDuration::from_hours(1)];

/// A license the packages give directly.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct License {
    /// Service plans that every package giving the product leaves off. Two packages together give the union of what is on.
    pub disabled_plans: BTreeSet<PlanId>,
    /// The packages.
    pub packages: Vec<String>,
}

/// Everything a person should have, with the packages that give it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entitlements {
    /// Groups, carriers among them.
    pub groups: BTreeMap<ObjectId, Vec<String>>,
    /// Direct licenses.
    pub licenses: BTreeMap<SkuId, License>,
    /// When a rule says something else by time alone.
    pub changes_at: Option<Timestamp>,
    /// Groups of packages about which nothing can be said just now: neither given nor taken.
    undecided_groups: BTreeSet<ObjectId>,
    /// Likewise licenses.
    undecided_licenses: BTreeSet<SkuId>,
}

impl Entitlements {
    /// Whether a membership is asked for, or may be.
    pub fn keeps_group(&self, group: &ObjectId) -> bool {
        self.groups.contains_key(group) || self.undecided_groups.contains(group)
    }

    /// Whether a direct license is asked for, or may be.
    pub fn keeps_license(&self, sku: &SkuId) -> bool {
        self.licenses.contains_key(sku) || self.undecided_licenses.contains(sku)
    }

    fn give(&mut self, package: &Package) {
        for group in &package.groups {
            self.groups.entry(group.id.clone()).or_default().push(package.name.clone());
        }
        for license in &package.licenses {
            match &license.via {
                Via::Group(group) => {
                    self.groups.entry(group.clone()).or_default().push(package.name.clone());
                }
                Via::Direct => {
                    let plans = license.disabled_plans.iter().cloned().collect::<BTreeSet<_>>();
                    let entry = self.licenses.entry(license.sku.clone());
                    let entry = entry.and_modify(|known| known.disabled_plans.retain(|plan| plans.contains(plan)));
                    let entry = entry.or_insert_with(|| License { disabled_plans: plans, packages: Vec::new() });
                    entry.packages.push(package.name.clone());
                }
            }
        }
    }

    fn leave_open(&mut self, package: &Package) {
        self.undecided_groups.extend(package.groups.iter().map(|group| group.id.clone()));
        for license in &package.licenses {
            match &license.via {
                Via::Group(group) => drop(self.undecided_groups.insert(group.clone())),
                Via::Direct => drop(self.undecided_licenses.insert(license.sku.clone())),
            }
        }
    }
}

/// Evaluates the packages' rules on the user as it will be when the account stage is through. None: nothing may be
/// concluded (facts that cannot be used, a person who should have no account yet or is of a kind that gets none).
pub fn entitlements(view: &View<'_>, actual: &Actual) -> Option<Entitlements> {
    match view.standing.want {
        Want::Cut | Want::Deleted if view.awaits_confirmation() => return None,
        Want::Cut | Want::Deleted => return Some(Entitlements::default()),
        Want::Nothing => return None,
        _ if view.standing.kind == PersonKind::None => return None,
        Want::Disabled | Want::Enabled => {}
    }
    let user = projected(view, actual)?;
    let (rules, context) = (&view.policy.rules, Context::from(view.now));
    let facts = rules.set().facts(&user);
    let matches = rules.set().evaluate(&facts, context);
    let flips_at = rules.set().flips_at(&facts, context);
    let follow_up = if rules.reads().plans { plans_followed_at(view) } else { None };
    let changes_at = flips_at.into_iter().chain(follow_up).min();
    let mut result = Entitlements { changes_at, ..Entitlements::default() };
    let plans_settle = rules.reads().plans && license_steps(view).any(|step| is_moving(step, view));
    for (place, package) in view.policy.packages.iter().enumerate() {
        // A read that knows of the license and one that does not would put the person in and out again.
        if plans_settle && package.reads().plans {
            result.leave_open(package);
        } else if matches.contains(place) {
            result.give(package);
        }
    }
    // Which of its plans are on depends on all packages that give a product.
    result.licenses.retain(|sku, _| !result.undecided_licenses.contains(sku));
    Some(result)
}

/// Why something is given: the packages by name, with a mark on those that Entra itself could not express.
pub fn reason(policy: &Policy, packages: &[String]) -> String {
    let marked = |name: &String| match policy.package(name) {
        Some(package) if package.is_extended() => format!("{name} (extended rule)"),
        _ => name.clone(),
    };
    format!("package {}", packages.iter().map(marked).collect::<Vec<_>>().join(", "))
}

/// The user as the account stage will leave it, with manager and groups as rules see them. What AD DS masters changes only there, so
/// a synchronized user is taken as it is, but for its location.
pub fn projected(view: &View<'_>, actual: &Actual) -> Option<Value> {
    let Ok(desired) = &view.attributes else { return None };
    let user = &actual.user;
    let mut projected: Map<String, Value> = user.clone();
    if is_synchronized(user) {
        if let Some(location) = desired.get("usageLocation") {
            projected.insert("usageLocation".into(), location.clone());
        }
    } else {
        projected.extend(desired.clone());
        projected.insert("accountEnabled".into(), json!(view.standing.want == Want::Enabled));
    }
    if let Some(manager) = &actual.manager {
        projected.insert("manager".into(), json!({"id": manager}));
    }
    projected.insert("memberOf".into(), json!(actual.memberships));
    Some(Value::Object(projected))
}

fn license_steps<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Step> {
    view.person.steps.values().filter(|step| step.action.stage() == Stage::Licenses)
}

/// Whether a step is being carried out, or was so lately that a read may not show what it brought.
fn is_moving(step: &Step, view: &View<'_>) -> bool {
    matches!(step.state, StepState::Running { .. }) || is_unsettled(step, view.policy, view.now)
}

/// The next look at what a written license has brought.
fn plans_followed_at(view: &View<'_>) -> Option<Timestamp> {
    let met = license_steps(view).filter_map(|step| match step.state {
        StepState::Done { at } | StepState::Verified { at } => Some(at),
        _ => None,
    });
    let looks = met.flat_map(|at| PLANS_FOLLOWED.into_iter().filter_map(move |after| at.checked_add(after).ok()));
    looks.filter(|at| *at > view.now).min()
}
