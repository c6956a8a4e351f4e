//! Plans memberships of groups that carry no license.

use std::collections::{BTreeMap, BTreeSet};

use super::entitlements::{entitlements, reason};
use super::{Plan, User, View};
use crate::ids::{ObjectId, SkuId};
use crate::ledger::{Grant, Origin, Target};
use crate::overlay::settling;
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
            Self::RoleAssignable => {
                "this group gives directory roles or its management is restricted: change its members by hand, or allow the former by `role_assignable = true`"
            }
            Self::Unreadable => {
                "the kind of this group cannot be read: give Joinery `Group.Read.All`, or change its members by hand"
            }
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
    /// The user's manager, if a package's rule asks for it.
    pub manager: Option<ObjectId>,
    /// Facts about every group of the memberships, of the policy's packages and of the person's ledger.
    pub groups: BTreeMap<ObjectId, GroupFacts>,
}

impl Actual {
    /// Why a group's members cannot be written. A group of which nothing is known is not written either.
    pub(super) fn refusal(&self, group: &ObjectId) -> Option<Refusal> {
        self.groups.get(group).map_or(Some(Refusal::Unreadable), |facts| facts.refusal)
    }

    /// Whether a group carries licenses, by the policy's word or the tenant's: then only the license stage writes it.
    pub(super) fn is_carrier(&self, group: &ObjectId, view: &View<'_>) -> bool {
        view.policy.carriers().contains(group) || self.groups.get(group).is_some_and(|facts| !facts.carries.is_empty())
    }
}

/// Plans the group stage.
pub fn plan(view: &View<'_>, actual: &Actual) -> Plan {
    let mut plan = Plan::of(Stage::Groups);
    let Some(entitled) = entitlements(view, actual) else {
        return Plan { is_inconclusive: view.attributes.is_err(), ..plan };
    };
    plan.changes_at = entitled.changes_at;
    for (group, packages) in entitled.groups.iter().filter(|(group, _)| !actual.is_carrier(group, view)) {
        want(view, actual, group, packages, &mut plan);
    }
    for group in unwanted(view, actual, |group| entitled.keeps_group(group)) {
        if !actual.is_carrier(&group, view) {
            let action = Action::RemoveMember { group: group.clone() };
            reject(view, actual, &group, action, &mut plan);
        }
    }
    plan
}

/// A wanted membership: add it, or note in the ledger that it is there.
fn want(view: &View<'_>, actual: &Actual, group: &ObjectId, packages: &[String], plan: &mut Plan) {
    let why = reason(view.policy, packages);
    let target = Target::Group(group.clone());
    if actual.memberships.contains(group) {
        note(view, target, packages, plan);
    } else if let Some(refusal) = actual.refusal(group) {
        plan.ask_human("change a group by hand", Some(group.to_string()), why, refusal.instructions());
    } else {
        forget_pre_existing(view, target, plan);
        plan.ask(Action::AddMember { group: group.clone() }, why);
    }
}

/// Access that was there before us and is there no more: if it is given again, it is ours.
pub(super) fn forget_pre_existing(view: &View<'_>, target: Target, plan: &mut Plan) {
    if view.person.grants.get(&target).is_some_and(|grant| grant.origin == Origin::PreExisting) {
        plan.forget.push(target);
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

/// Groups to leave or to forget: what is ours and no longer asked for; what is gone; what a package calls exclusively ours; and when access is cut,
/// what was there before us, unless the policy keeps it.
pub(super) fn unwanted(view: &View<'_>, actual: &Actual, is_wanted: impl Fn(&ObjectId) -> bool) -> BTreeSet<ObjectId> {
    let all = view.standing.is_cut() && !view.policy.accounts.leavers_keep_preexisting;
    let exclusive = view.policy.packages.iter().flat_map(|package| &package.groups);
    let exclusive: BTreeSet<_> = exclusive.filter(|group| group.exclusive).map(|group| &group.id).collect();
    let gone = |group: &ObjectId| !actual.memberships.contains(group);
    let ours = view.person.grants.values().filter_map(|grant| match &grant.target {
        Target::Group(group) if grant.origin == Origin::Ours || gone(group) => Some(group),
        _ => None,
    });
    let there = actual.memberships.iter().filter(|group| all || exclusive.contains(group));
    ours.chain(there).filter(|group| !is_wanted(group)).cloned().collect()
}

/// An unwanted membership: remove it, or forget the entry if it is gone.
pub(super) fn reject(view: &View<'_>, actual: &Actual, group: &ObjectId, action: Action, plan: &mut Plan) {
    let target = Target::Group(group.clone());
    if !actual.memberships.contains(group) {
        forget_if_settled(view, target, plan);
        return;
    }
    let why =
        if view.standing.is_cut() { view.standing.why.clone() } else { "no package asks for it any more".to_owned() };
    match actual.refusal(group) {
        Some(Refusal::Dynamic | Refusal::Missing) => {}
        Some(refusal) if !view.is_protected() => {
            plan.ask_human("change a group by hand", Some(group.to_string()), why, refusal.instructions());
        }
        _ => take(view, action, group.as_str(), why, plan),
    }
}

/// Takes access away. From a protected person nothing is taken without a human's consent; that their access should be cut as a
/// whole is a task of the account stage.
pub(super) fn take(view: &View<'_>, action: Action, object: &str, why: String, plan: &mut Plan) {
    if !view.is_protected() {
        plan.ask(action, why);
    } else if !view.standing.is_cut() {
        let instructions = "the policy protects this person: take this access away by hand, or leave it";
        plan.ask_human("take access from a protected person", Some(object.to_owned()), why, instructions);
    }
}

/// Forgets access that is gone. An intent whose call may still land is kept until that has settled.
pub(super) fn forget_if_settled(view: &View<'_>, target: Target, plan: &mut Plan) {
    if view.person.grants.get(&target).is_some_and(|grant| grant.held || is_old(grant, view)) {
        plan.forget.push(target);
    }
}

/// Whether an intent is older than any call that could still carry it out.
fn is_old(grant: &Grant, view: &View<'_>) -> bool {
    grant.since.saturating_add(super::IN_FLIGHT + settling(view.policy)).is_ok_and(|until| until < view.now)
}
