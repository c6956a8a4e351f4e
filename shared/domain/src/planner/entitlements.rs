//! What the packages of the policy give a person today.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{User, View, is_synchronized};
use crate::ids::{ObjectId, PlanId, SkuId};
use crate::lifecycle::Want;
use crate::policy::{PersonKind, Via};

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
}

/// Evaluates the packages' rules on the user as it will be when the account stage is through. None: nothing may be
/// concluded (facts that cannot be used, a person who should have no account yet or is of a kind that gets none).
pub fn entitlements(view: &View<'_>, user: &User) -> Option<Entitlements> {
    let mut result = Entitlements::default();
    match view.standing.want {
        Want::Cut | Want::Deleted if view.awaits_confirmation() => return None,
        Want::Cut | Want::Deleted => return Some(result),
        Want::Nothing => return None,
        _ if view.standing.kind == PersonKind::None => return None,
        Want::Disabled | Want::Enabled => {}
    }
    let user = projected(view, user)?;
    let user = Value::Object(user.into_owned());
    for package in view.policy.packages.iter().filter(|package| package.rule.matches_at(&user, view.now)) {
        for group in &package.groups {
            result.groups.entry(group.id.clone()).or_default().push(package.name.clone());
        }
        for license in &package.licenses {
            match &license.via {
                Via::Group(group) => {
                    result.groups.entry(group.clone()).or_default().push(package.name.clone());
                }
                Via::Direct => {
                    let plans = license.disabled_plans.iter().cloned().collect::<BTreeSet<_>>();
                    let entry = result.licenses.entry(license.sku.clone());
                    let entry = entry.and_modify(|known| known.disabled_plans.retain(|plan| plans.contains(plan)));
                    let entry = entry.or_insert_with(|| License { disabled_plans: plans, packages: Vec::new() });
                    entry.packages.push(package.name.clone());
                }
            }
        }
    }
    Some(result)
}

/// The user as the account stage will leave it. What AD DS masters changes only there, so a synchronized user is taken as
/// it is, but for its location.
fn projected<'a>(view: &View<'_>, user: &'a User) -> Option<Cow<'a, User>> {
    let Ok(desired) = &view.attributes else { return None };
    let mut projected = user.clone();
    if is_synchronized(user) {
        if let Some(location) = desired.get("usageLocation") {
            projected.insert("usageLocation".into(), location.clone());
        }
    } else {
        projected.extend(desired.clone());
        projected.insert("accountEnabled".into(), json!(view.standing.want == Want::Enabled));
    }
    Some(Cow::Owned(projected))
}
