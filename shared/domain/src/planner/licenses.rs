//! Plans licenses: direct ones, and memberships of groups that carry them.
//!
//! No license before the account has a location (M11: read, or acknowledged by the tenant a moment ago), none without a free seat (M13): a step that lacks either
//! waits and says for what. A carrier group is joined only when both are certain, because Entra would otherwise apply the tenant's location, and
//! would leave a member without a seat unlicensed for good (graph-facts 8.8, 8.12).

mod ahead;
mod states;
mod swaps;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::civil::Date;

use super::entitlements::{Entitlements, License, entitlements, reason};
use super::groups;
use super::{Plan, Planned, View, Wait, is_guest};
use crate::ids::{ObjectId, SkuId};
use crate::ledger::{Origin, Target};
use crate::overlay::is_unsettled;
use crate::policy::PersonKind;
use crate::step::{Action, Stage, StepState};

pub use ahead::{kept_until, to_come};
pub use states::{Held, held};
pub use swaps::replaces;

/// How often Entra is asked to look again at a group license that only somebody else can mend.
const REPROCESS_EVERY: SignedDuration = SignedDuration::from_hours(4);

/// What the tenant owns of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seats {
    /// Its part number, for people.
    pub name: String,
    /// Seats that can still be assigned; negative when over-assigned.
    pub free: i64,
    /// Names of its service plans.
    pub plans: BTreeSet<String>,
}

/// What the tenant shows.
#[derive(Debug, Clone, Default)]
pub struct Actual {
    /// The user with `usageLocation` and `licenseAssignmentStates`, and the groups as for the group stage.
    pub groups: groups::Actual,
    /// Products the tenant owns.
    pub seats: BTreeMap<SkuId, Seats>,
    /// Groups that hold guests, as far as that was looked at: nobody is licensed through them.
    pub with_guests: BTreeSet<ObjectId>,
}

impl Actual {
    /// A product's name for people: as the tenant has it, else its id.
    pub fn name(&self, sku: &SkuId) -> String {
        self.seats.get(sku).map_or_else(|| sku.to_string(), |seats| seats.name.clone())
    }
}

/// What a planned step needs seats of, and how urgent it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The step.
    pub action: Action,
    /// The products; none of them is held from another source.
    pub skus: Vec<SkuId>,
    /// By the packages that give it; lower comes first.
    pub priority: u32,
}

/// Where a person without a first day stands among those who have one.
pub fn first_day(view: &View<'_>) -> Date {
    view.standing.start.unwrap_or(Date::MAX)
}

/// Plans the license stage.
pub fn plan(view: &View<'_>, actual: &Actual) -> Plan {
    plan_and_claim(view, actual).0
}

/// Plans the license stage, and says of which steps a seat must be made sure before they are carried out. Steps wait as the seats were
/// read; whoever keeps the lines may decide otherwise, and then has what is to be replaced wait by [`hold_back`].
pub fn plan_and_claim(view: &View<'_>, actual: &Actual) -> (Plan, Vec<Claim>) {
    let mut plan = Plan::of(Stage::Licenses);
    let Some(entitled) = entitlements(view, &actual.groups) else {
        return (Plan { is_inconclusive: view.attributes.is_err(), ..plan }, Vec::new());
    };
    let stage = LicenseStage { view, actual, entitled: &entitled, held: held(&actual.groups.user) };
    stage.leave_carriers(&mut plan);
    stage.remove_licenses(&mut plan);
    stage.assign_licenses(&mut plan);
    stage.join_carriers(&mut plan);
    stage.hold_back(&mut plan);
    let claims = stage.claims(&plan);
    (plan, claims)
}

/// Has what is taken wait for what comes in its place, once it is known who gets a seat.
pub fn hold_back(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    if let Some(entitled) = entitlements(view, &actual.groups) {
        LicenseStage { view, actual, entitled: &entitled, held: held(&actual.groups.user) }.hold_back(plan);
    }
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
        let unwanted: BTreeSet<_> = ours
            .chain(there)
            .filter(|sku| !self.entitled.keeps_license(sku) || self.spare_for(sku).is_some())
            .collect();
        for sku in unwanted {
            if direct.contains(sku) {
                let why = match self.spare_for(sku) {
                    _ if is_cut => self.view.standing.why.clone(),
                    Some(group) => format!("group {group} gives it too"),
                    None => "no package asks for it any more".to_owned(),
                };
                groups::take(self.view, Action::RemoveLicense { sku: sku.clone() }, sku.as_str(), why, plan);
            } else {
                groups::forget_if_settled(self.view, Target::License(sku.clone()), plan);
            }
        }
    }

    fn assign_licenses(&self, plan: &mut Plan) {
        for (sku, license) in self.entitled.licenses.iter().filter(|(sku, _)| !self.is_spare(sku)) {
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

    /// Whether a product is not to be assigned directly, though a package says so: a group gives all of it.
    fn is_spare(&self, sku: &SkuId) -> bool {
        let grant = self.view.person.grants.get(&Target::License(sku.clone()));
        let is_pre_existing = grant.is_some_and(|grant| grant.origin == Origin::PreExisting);
        !is_pre_existing && self.spare_for(sku).is_some()
    }

    /// The group that gives a product in effect, with every plan a direct license would turn on.
    fn spare_for(&self, sku: &SkuId) -> Option<&ObjectId> {
        let asked = self.entitled.licenses.get(sku).map(|license| &license.disabled_plans);
        self.held.iter().filter(|held| held.sku == *sku && held.is_active() && self.is_kept(held)).find_map(|held| {
            let is_enough = asked.is_none_or(|asked| held.disabled_plans.is_subset(asked));
            held.by_group.as_ref().filter(|_| is_enough)
        })
    }

    /// Whether a source of a license is one the packages ask for.
    fn is_kept(&self, held: &Held) -> bool {
        match &held.by_group {
            Some(group) => self.entitled.keeps_group(group),
            None => self.entitled.keeps_license(&held.sku),
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
            } else if self.actual.with_guests.contains(group) {
                let instructions = "group-based licensing is refused for a group that holds guests: take the guests out of it, or license directly";
                plan.ask_human("take guests out of a carrier group", Some(group.to_string()), why, instructions);
            } else {
                groups::forget_pre_existing(self.view, target, plan);
                // Entra would give a member whose location has not arrived the tenant's.
                let wait = self.unread_location().or_else(|| self.obstacle(&skus));
                plan.steps.push(Planned { action: Action::JoinCarrier { group: group.clone(), skus }, why, wait });
            }
        }
    }

    fn is_guest(&self) -> bool {
        self.view.standing.kind == PersonKind::Guest || is_guest(&self.actual.groups.user) == Some(true)
    }

    /// A license that a group should have brought and did not: Entra does not try again by itself.
    fn mend(&self, group: &ObjectId, plan: &mut Plan) {
        let failed: Vec<_> =
            self.held.iter().filter(|held| held.by_group.as_ref() == Some(group) && !held.is_active()).collect();
        // The products that would have worked carry `Other`.
        let telling = failed.iter().filter_map(|held| held.error.as_deref()).find(|error| *error != "Other");
        let Some(error) = telling.or_else(|| failed.first().and_then(|held| held.error.as_deref())) else { return };
        let skus: BTreeSet<_> = failed.iter().map(|held| held.sku.clone()).collect();
        let skus: Vec<_> = skus.into_iter().collect();
        let action = Action::ReprocessLicenses { group: group.clone(), skus: skus.clone() };
        let step = self.view.step(&action);
        // Entra works it off by itself: until that has settled the old error says nothing.
        if step.is_some_and(|step| is_unsettled(step, self.view.policy, self.view.now)) {
            return;
        }
        if error == "CountViolation" {
            let why = "the group's license found no seat".to_owned();
            plan.steps.push(Planned { action, why, wait: self.seatless(&skus) });
            return;
        }
        let why = format!("the group's license is in error ({error})");
        let asked_at = step.and_then(|step| match step.state {
            StepState::Done { at } | StepState::Verified { at } => Some(at),
            _ => None,
        });
        // Whether the cause was mended meanwhile only another try tells.
        if asked_at.is_none_or(|at| self.view.now.duration_since(at) >= REPROCESS_EVERY) {
            plan.ask(action, why.clone());
        }
        // What only suffers from another product of the group is told when nothing else is.
        if error != "Other" || asked_at.is_some() {
            plan.ask_human("mend a group license", Some(group.to_string()), why, states::explain(error));
        }
    }

    /// Of which steps seats must be made sure.
    fn claims(&self, plan: &Plan) -> Vec<Claim> {
        let without_seat = |step: &&Planned| matches!(step.wait, None | Some(Wait::For(_, Some(_))));
        let claim = |step: &Planned| {
            let (skus, packages) = match &step.action {
                Action::AssignLicense { sku, .. } => {
                    (vec![sku.clone()], self.entitled.licenses.get(sku).map(|license| &license.packages))
                }
                Action::JoinCarrier { group, skus } | Action::ReprocessLicenses { group, skus } => {
                    (skus.clone(), self.entitled.groups.get(group))
                }
                _ => return None,
            };
            let skus: Vec<_> = skus.into_iter().filter(|sku| self.lacks(sku)).collect();
            let packages = packages.into_iter().flatten().filter_map(|name| self.view.policy.package(name));
            let priority = packages.map(|package| package.priority).min().unwrap_or(u32::MAX);
            (!skus.is_empty()).then(|| Claim { action: step.action.clone(), skus, priority })
        };
        plan.steps.iter().filter(without_seat).filter_map(claim).collect()
    }

    /// Whether the person takes another seat of a product.
    fn lacks(&self, sku: &SkuId) -> bool {
        !self.held.iter().any(|held| held.sku == *sku && held.is_active())
    }

    /// A location that was written, and that a read need not show yet.
    fn unread_location(&self) -> Option<Wait> {
        let writes = |action: &Action| matches!(action, Action::UpdateAccount { properties } if properties.contains_key("usageLocation"));
        let young = self
            .view
            .person
            .steps
            .values()
            .find(|step| writes(&step.action) && is_unsettled(step, self.view.policy, self.view.now))?;
        let at = young.wake_at.unwrap_or(self.view.now);
        Some(Wait::Until(at))
    }

    /// What keeps products from being assigned now.
    fn obstacle(&self, skus: &[SkuId]) -> Option<Wait> {
        let located = self.actual.groups.user.get("usageLocation").is_some_and(|location| !location.is_null());
        if located {
            let lacking: Vec<_> = skus.iter().filter(|sku| self.lacks(sku)).cloned().collect();
            self.seatless(&lacking)
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
