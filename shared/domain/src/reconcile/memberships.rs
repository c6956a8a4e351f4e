//! Memberships of the policy's groups.

use std::collections::BTreeSet;

use super::accounts::is_given;
use super::{Finding, Judge, Kind};
use crate::ids::{ObjectId, PersonId};
use crate::ledger::Target;
use crate::lifecycle::Want;
use crate::person::Person;
use crate::planner::View;
use crate::policy::{PersonKind, Policy};
use crate::step::{Action, Stage};

/// A member of a group who is bound to somebody of the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// As of [`super::Known`].
    pub number: u64,
    /// Who.
    pub person: PersonId,
    /// Whether access was to be off at the last look.
    pub is_cut: bool,
    /// Whether the ledger knows of the membership; of somebody of whom that was not asked it is taken to be so.
    pub is_granted: bool,
}

/// Every group whose members are compared: the packages' own and the carriers.
pub fn groups(policy: &Policy) -> BTreeSet<&ObjectId> {
    let own = policy.packages.iter().flat_map(|package| &package.groups).map(|group| &group.id);
    own.chain(policy.carriers()).collect()
}

/// Whether a group's members are ours alone to decide.
pub fn is_exclusive(policy: &Policy, group: &ObjectId) -> bool {
    let own = policy.packages.iter().flat_map(|package| &package.groups);
    own.into_iter().any(|own| own.exclusive && own.id == *group)
}

impl Judge<'_> {
    /// Whether a member may be one who should not be.
    pub fn suspects_member(&self, group: &ObjectId, member: &Member) -> bool {
        !member.is_granted && (member.is_cut || is_exclusive(self.policy, group))
    }

    /// A member who should not be.
    pub fn unwanted(&self, group: &ObjectId, person: &Person) -> Option<Finding> {
        let view = View::new(person, self.policy, self.read_at);
        let removing = |action: &Action| match action {
            Action::RemoveMember { group: own } | Action::LeaveCarrier { group: own, .. } => own == group,
            _ => false,
        };
        let in_hand = self.is_in_hand(person, removing) || self.is_asked_about(person, group);
        let is_granted = person.grants.contains_key(&Target::Group(group.clone()));
        let is_unwanted = match view.standing.want {
            Want::Cut | Want::Deleted => {
                !self.policy.accounts.leavers_keep_preexisting && !view.awaits_confirmation() && !view.is_protected()
            }
            Want::Enabled | Want::Disabled => {
                is_exclusive(self.policy, group) && view.attributes.is_ok() && view.standing.kind != PersonKind::None
            }
            Want::Nothing => false,
        };
        (is_unwanted && !is_granted && !in_hand).then(|| membership(Kind::MemberUnwanted, group, person))
    }

    /// Somebody who should be a member, and whom no page of the members showed. `began_at`: when the first of them was read.
    pub fn left(&self, group: &ObjectId, person: &Person, began_at: jiff::Timestamp) -> Option<Finding> {
        let judge = Judge { read_at: began_at, ..self.clone() };
        let view = View::new(person, self.policy, self.read_at);
        let adding = |action: &Action| match action {
            Action::AddMember { group: own } | Action::JoinCarrier { group: own, .. } => own == group,
            _ => false,
        };
        let in_hand = judge.is_in_hand(person, adding) || judge.is_asked_about(person, group);
        let grant = person.grants.get(&Target::Group(group.clone()));
        let is_wanted = matches!(view.standing.want, Want::Enabled | Want::Disabled)
            && view.attributes.is_ok()
            && person.head.account.object_id.is_some()
            && grant.is_some_and(is_given);
        (is_wanted && !in_hand).then(|| membership(Kind::MemberMissing, group, person))
    }

    /// Whether a human was asked to change this group.
    fn is_asked_about(&self, person: &Person, group: &ObjectId) -> bool {
        self.is_in_hand(person, |action| {
            matches!(action, Action::ByHand { stage: Stage::Groups | Stage::Licenses, object: Some(object), .. } if object == group.as_str())
        })
    }
}

fn membership(kind: Kind, group: &ObjectId, person: &Person) -> Finding {
    let finding = Finding::of(kind).about(&person.head.person).in_group(group);
    Finding { account: person.head.account.object_id.clone(), ..finding }
}
