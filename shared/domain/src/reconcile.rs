//! Reconciliation: the whole tenant held against the roster, a page at a time.
//!
//! It decides nothing and writes nothing to the tenant. What is otherwise than the roster says is *drift*: the person is woken, and the planner looks.
//! Everything else that deserves attention is a *finding* for a human.
//!
//! Two looks keep it cheap and exact. The first compares an account with the few columns the roster can give for a thousand accounts at once
//! ([`Known`]) and may suspect too much, never too little. Only whom it suspects is loaded whole, and the second look ([`Judge::drift`])
//! is as strict as the planner: what is under way, waits, was asked of a human or was written so lately that a read need not show it is no drift.

pub mod accounts;
pub mod census;
pub mod memberships;
pub mod products;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{ObjectId, PersonId, SkuId};
use crate::overlay::settling;
use crate::person::Person;
use crate::policy::Policy;
use crate::step::{Action, Stage, Step, StepState};

pub use accounts::{Account, Known, Licensed};
pub use census::{Census, Place, Run, RunName};
pub use products::{Products, Seats};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Accounts: there, enabled or not, located, marked.
    Accounts,
    /// Licenses and seats.
    Licenses,
    /// Memberships of the policy's groups.
    Groups,
    /// HR's own list against the roster.
    Hr,
}

impl Scope {
    /// Every scope, in the order they are gone through.
    pub const ALL: [Self; 4] = [Self::Accounts, Self::Licenses, Self::Groups, Self::Hr];
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The bound account is not among the users.
    AccountMissing,
    /// An account that carries the mark of somebody who has none.
    AccountUnbound,
    /// Sign-in should be open and is blocked.
    SignInBlocked,
    /// Sign-in should be blocked and is open.
    SignInOpen,
    /// The account has lost its usage location.
    LocationMissing,
    /// The account has lost our mark, or carries another.
    MarkMissing,
    /// A license that a package gives is gone.
    LicenseMissing,
    /// A license is where access is cut.
    LicenseUnwanted,
    /// A group's license found no seat, and there is one now.
    LicenseStuck,
    /// A membership that a package gives is gone.
    MemberMissing,
    /// A membership is where access is cut, or where only ours may be.
    MemberUnwanted,
    /// Somebody waits for a seat, and there is one.
    SeatFree,
    /// Can sign in, and has no license.
    Unlicensed,
    /// Cannot sign in, and has a license.
    LicensedDisabled,
    /// A license that nobody of ours granted.
    Unmanaged,
    /// A product all of whose plans another one brings as well.
    Overlap,
    /// A license in error.
    LicenseError,
    /// Nobody has signed in for long.
    Inactive,
    /// Somebody unknown to HR is in a group that is ours alone.
    MemberUnknown,
    /// A group of the policy is not there.
    GroupMissing,
    /// The mark of somebody who is bound to another account, or unknown.
    MarkUnknown,
    /// What could not be compared.
    NotReadable,
}

impl Kind {
    /// Whether it is drift: the person is woken.
    pub fn wakes(self) -> bool {
        self <= Self::SeatFree
    }

    /// What it means, for people.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::AccountMissing => "the account is gone",
            Self::AccountUnbound => "an account bears the mark of somebody who has none",
            Self::SignInBlocked => "sign-in is blocked and should not be",
            Self::SignInOpen => "sign-in is open and should not be",
            Self::LocationMissing => "the usage location is gone",
            Self::MarkMissing => "our mark is gone",
            Self::LicenseMissing => "a license is gone",
            Self::LicenseUnwanted => "access is cut, and a license is there",
            Self::LicenseStuck => "a group's license found no seat, and one is free now",
            Self::MemberMissing => "a membership is gone",
            Self::MemberUnwanted => "a membership that should not be",
            Self::SeatFree => "waits for a seat, and one is free",
            Self::Unlicensed => "can sign in, and has no license",
            Self::LicensedDisabled => "cannot sign in, and has a license",
            Self::Unmanaged => "a license that Joinery did not give",
            Self::Overlap => "another license brings all of it",
            Self::LicenseError => "a license is in error",
            Self::Inactive => "nobody has signed in for long",
            Self::MemberUnknown => "unknown to HR, in a group that is Joinery's alone",
            Self::GroupMissing => "there is no such group",
            Self::MarkUnknown => "bears the mark of somebody else or nobody",
            Self::NotReadable => "could not be compared",
        }
    }
}

/// One thing found. Ids only: nothing of a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// About whom, if they are in the roster.
    pub person: Option<PersonId>,
    /// About which account.
    pub account: Option<ObjectId>,
    /// About which product.
    pub sku: Option<SkuId>,
    /// About which group.
    pub group: Option<ObjectId>,
    /// What else there is to say, free of personal data.
    pub detail: Option<String>,
}

impl Finding {
    /// A finding with nothing but its kind.
    pub fn of(kind: Kind) -> Self {
        Self { kind, person: None, account: None, sku: None, group: None, detail: None }
    }

    /// The same about somebody of the roster.
    #[must_use]
    pub fn about(self, person: &PersonId) -> Self {
        Self { person: Some(person.clone()), ..self }
    }

    /// The same of an account.
    #[must_use]
    pub fn at(self, account: &ObjectId) -> Self {
        Self { account: Some(account.clone()), ..self }
    }

    /// The same of a product.
    #[must_use]
    pub fn of_sku(self, sku: &SkuId) -> Self {
        Self { sku: Some(sku.clone()), ..self }
    }

    /// The same of a group.
    #[must_use]
    pub fn in_group(self, group: &ObjectId) -> Self {
        Self { group: Some(group.clone()), ..self }
    }

    /// The same with more to say.
    #[must_use]
    pub fn because(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// What makes it one finding of a run however often it is made.
    pub fn key(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Holds what a read showed against the roster.
#[derive(Debug, Clone)]
pub struct Judge<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// What the tenant owns.
    pub products: &'a Products,
    /// What is compared.
    pub scopes: &'a BTreeSet<Scope>,
    /// When the read began: what was written later, or shortly before, it need not show.
    pub read_at: Timestamp,
    /// Whether the read told of sign-ins: where it did not, nobody is inactive.
    pub tells_sign_ins: bool,
}

impl Judge<'_> {
    fn compares(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whether a step of this kind is under way in the person's present generation, or was done so lately that the read need not show it.
    fn is_in_hand(&self, person: &Person, is_it: impl Fn(&Action) -> bool) -> bool {
        let present = person.steps.values().filter(|step| step.generation == person.head.generation);
        present.filter(|step| is_it(&step.action)).any(|step| !self.shows(step))
    }

    /// Whether a human was asked about something of this stage.
    fn is_asked(&self, person: &Person, of: Stage) -> bool {
        self.is_in_hand(person, |action| matches!(action, Action::ByHand { stage, .. } if *stage == of))
    }

    /// Whether the read must show what the step came to.
    fn shows(&self, step: &Step) -> bool {
        match step.state {
            StepState::Done { at } => self.is_before(at, settling(self.policy)),
            StepState::Verified { at } => at < self.read_at,
            _ => false,
        }
    }

    fn is_before(&self, at: Timestamp, by: SignedDuration) -> bool {
        at.saturating_add(by).is_ok_and(|until| until <= self.read_at)
    }
}

#[cfg(test)]
mod tests;
