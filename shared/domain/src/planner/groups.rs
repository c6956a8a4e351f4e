//! Plans memberships of groups that carry no license.

use std::collections::{BTreeMap, BTreeSet};

use super::entitlements::entitlements;
use super::{Plan, User, View};
use crate::ids::{ObjectId, SkuId};
use crate::ledger::{Grant, Origin, Target};
use crate::step::{Action, Stage};

/// What there is to know of a group before its members are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupFacts {
    /// Products assigned to the group: it is a carrier, written by the license stage only.
    pub carries: Vec<SkuId>,
    /// Why its members cannot be written, if so.
    pub refusal: Option<Refusal>,
}

/// Why a group's members cannot be written through Graph (graph-facts 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Entra computes them from a rule.
    Dynamic,
    /// AD DS masters them.
    Synchronized,
    /// Exchange masters them.
    MailEnabled,
    /// Membership gives directory roles, or only certain administrators may manage it.
    RoleAssignable,
    /// There is no such group.
    Missing,
    /// What kind of group it is could not be read.
    Unreadable,
}

impl Refusal {
    /// What it is and what to do instead.
    pub fn instructions(self) -> &'static str {
        match self {
            Self::Dynamic => "Entra computes this group's members: change its rule, or take it out of the policy",
            Self::Synchronized => "this group is synchronized: change its members in Active Directory on-premises",
            Self::MailEnabled => "this is a mail-enabled group or distribution list: change its members in Exchange",
            Self::RoleAssignable => "this group gives directory roles or its management is restricted: change its members by hand",
            Self::Unreadable => "the kind of this group cannot be read: give Joinery `Group.Read.All`, or change its members by hand",
            Self::Missing => "there is no such group: correct its id in the policy",
        }
    }
}

/// What the tenant shows.
#[derive(Debug, Clone, Default)]
pub struct Actual {
    /// The user.
    pub user: User,
    /// The groups the user is directly a member of.
    pub memberships: BTreeSet<ObjectId>,
    /// Facts about every group of the memberships, of the policy's packages and of the person's ledger.
    pub groups: BTreeMap<ObjectId, GroupFacts>,
}

/// Plans the group stage.
pub fn plan(view: &View<'_>, actual: &Actual) -> Plan {
    let mut plan = Plan::of(Stage::Groups);
    let Some(entitled) = entitlements(view, &actual.user) else { return plan };
    let is_carrier = |group: &ObjectId| {
        entitled.carriers.contains(group) || actual.groups.get(group).is_some_and(|facts| !facts.carries.is_empty())
    };
    let wanted = entitled.groups.iter().filter(|(group, _)| !is_carrier(group));
    for (group, packages) in wanted {
        want(view, actual, group, packages, &mut plan);
    }
    if view.is_protected() && view.standing.is_cut() {
        return plan;
    }
    for group in unwanted(view, actual, |group| entitled.groups.contains_key(group)) {
        if !is_carrier(&group) {
            let action = Action::RemoveMember { group: group.clone() };
            reject(view, actual, &group, action, &mut plan);
        }
    }
    plan
}

/// A wanted membership: add it, or note in the ledger that it is there.
fn want(view: &View<'_>, actual: &Actual, group: &ObjectId, packages: &[String], plan: &mut Plan) {
    let why = format!("package {}", packages.join(", "));
    if actual.memberships.contains(group) {
        note(view, Target::Group(group.clone()), packages, plan);
    } else if let Some(refusal) = actual.groups.get(group).and_then(|facts| facts.refusal) {
        if refusal != Refusal::Dynamic {
            plan.ask_human("change a group by hand", Some(group.to_string()), why, refusal.instructions());
        }
    } else {
        plan.ask(Action::AddMember { group: group.clone() }, why);
    }
}

/// Notes access that is there: pre-existing unless an entry says otherwise; with the packages that ask for it now.
pub(super) fn note(view: &View<'_>, target: Target, packages: &[String], plan: &mut Plan) {
    let known = view.person.grants.get(&target);
    let origin = known.map_or(Origin::PreExisting, |grant| grant.origin);
    let since = known.map_or(view.now, |grant| grant.since);
    let grant = Grant { target, origin, held: true, reasons: packages.to_vec(), since };
    if known != Some(&grant) {
        plan.note.push(grant);
    }
}

/// Groups to leave: what is ours and no longer asked for; what a package calls exclusively ours; and when access is cut,
/// what was there before us, unless the policy keeps it.
pub(super) fn unwanted(view: &View<'_>, actual: &Actual, is_wanted: impl Fn(&ObjectId) -> bool) -> BTreeSet<ObjectId> {
    let all = view.standing.is_cut() && !view.policy.accounts.leavers_keep_preexisting;
    let exclusive = view.policy.packages.iter().flat_map(|package| &package.groups);
    let exclusive: BTreeSet<_> = exclusive.filter(|group| group.exclusive).map(|group| &group.id).collect();
    let ours = view.person.grants.values().filter(|grant| grant.origin == Origin::Ours).filter_map(|grant| match &grant.target {
        Target::Group(group) => Some(group),
        Target::License(_) => None,
    });
    let there = actual.memberships.iter().filter(|group| all || exclusive.contains(group));
    ours.chain(there).filter(|group| !is_wanted(group)).cloned().collect()
}

/// An unwanted membership: remove it, or forget the entry if it is gone.
pub(super) fn reject(view: &View<'_>, actual: &Actual, group: &ObjectId, action: Action, plan: &mut Plan) {
    let target = Target::Group(group.clone());
    let known = view.person.grants.get(&target);
    if !actual.memberships.contains(group) {
        // An intent whose call may still land is kept until its step is settled.
        if known.is_some_and(|grant| grant.held) || known.is_some_and(|grant| is_old(grant, view)) {
            plan.forget.push(target);
        }
        return;
    }
    let why = if view.standing.is_cut() { view.standing.why.clone() } else { "no package asks for it any more".to_owned() };
    match actual.groups.get(group).and_then(|facts| facts.refusal) {
        None => plan.ask(action, why),
        Some(Refusal::Dynamic | Refusal::Missing) => {}
        Some(refusal) => plan.ask_human("change a group by hand", Some(group.to_string()), why, refusal.instructions()),
    }
}

/// Whether an intent is older than any call that could still carry it out.
fn is_old(grant: &Grant, view: &View<'_>) -> bool {
    let settle = jiff::SignedDuration::from_millis(i64::try_from(view.policy.tenant.settle_ms).unwrap_or(i64::MAX));
    grant.since.saturating_add(super::IN_FLIGHT + settle).is_ok_and(|until| until < view.now)
}
