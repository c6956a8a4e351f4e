//! How a run keeps its place, and what it needs of the roster: everybody, many at a time.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::memberships::Member;
use super::{Finding, Kind, Known, Scope, Seats};
use crate::ids::{ObjectId, PersonId};
use crate::ports::StoreError;

/// Which run: one that wakes and one that only looks do not disturb each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunName {
    /// Wakes whoever drifted.
    Real,
    /// Wakes nobody.
    DryRun,
}

impl RunName {
    /// The word it is stored under.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::DryRun => "dry-run",
        }
    }
}

/// A run as it is stored after every page: everything that going on needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which.
    pub name: RunName,
    /// Different for every run; follows its wake-ups.
    pub id: String,
    /// Counts what was stored; the first is 1.
    pub version: u64,
    /// What is compared.
    pub scopes: BTreeSet<Scope>,
    /// The policy it compares with: under another one it begins anew.
    pub policy: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When the part it is in began, as far as it matters what is older.
    pub part_began_at: Timestamp,
    /// When it was stored last.
    pub touched_at: Timestamp,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
    /// Where it stands.
    pub place: Place,
    /// Accounts read so far.
    pub accounts: u64,
    /// Members read so far; where Graph forgot the place in a group, its first pages twice.
    pub members: u64,
    /// Objects that could not be read.
    pub unreadable: u64,
    /// Whether Graph tells of sign-ins. None: not asked.
    pub reads_sign_ins: Option<bool>,
    /// Seats by product, as read at the beginning.
    pub seats: Vec<Seats>,
}

/// Where a run stands. Links are Graph's: opaque, and refused when they are too old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "kebab-case")]
pub enum Place {
    /// Who waits for a seat that is there.
    Seats,
    /// The users, from a page on.
    Users {
        /// The page; None: the first.
        link: Option<String>,
    },
    /// People whose account no page showed.
    Vanished {
        /// After whom.
        after: Option<PersonId>,
    },
    /// The members of a group, from a page on.
    Members {
        /// The group.
        group: ObjectId,
        /// The page; None: the first.
        link: Option<String>,
    },
    /// People whom the ledger has in a group and no page showed.
    Left {
        /// The group.
        group: ObjectId,
        /// After whom.
        after: Option<PersonId>,
    },
    /// HR's lists.
    Hr,
    /// Nothing is left.
    End,
}

impl Place {
    /// Where the next part begins once this one is through. `groups`: everything whose members are compared, in order.
    #[must_use]
    pub fn next(&self, scopes: &BTreeSet<Scope>, groups: &BTreeSet<&ObjectId>) -> Self {
        let users = || Self::Users { link: None };
        let members = |after: Option<&ObjectId>| {
            let next = groups.iter().find(|group| after.is_none_or(|after| **group > after));
            let next = next.filter(|_| scopes.contains(&Scope::Groups));
            next.map_or_else(|| Self::hr(scopes), |group| Self::Members { group: (*group).clone(), link: None })
        };
        match self {
            Self::Seats if scopes.contains(&Scope::Accounts) || scopes.contains(&Scope::Licenses) => users(),
            Self::Users { .. } if scopes.contains(&Scope::Accounts) => Self::Vanished { after: None },
            Self::Seats | Self::Users { .. } | Self::Vanished { .. } => members(None),
            Self::Members { group, .. } => Self::Left { group: group.clone(), after: None },
            Self::Left { group, .. } => members(Some(group)),
            Self::Hr | Self::End => Self::End,
        }
    }

    fn hr(scopes: &BTreeSet<Scope>) -> Self {
        if scopes.contains(&Scope::Hr) { Self::Hr } else { Self::End }
    }
}

/// What a page came to, stored with the run in one transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Whom the page showed, by the store's numbers.
    pub sighted: Vec<u64>,
    /// Whether everybody sighted before is forgotten first: a new part begins.
    pub forgets: bool,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Of whom it is asked who was not sighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom<'a> {
    /// Everybody bound to an account.
    Bound,
    /// Everybody whom the ledger has in a group.
    In(&'a ObjectId),
}

/// The roster for comparisons of the whole, and where a run is kept.
///
/// # Guarantees
/// [`Census::advance`] is one transaction, so that a run that is cut off between two pages has neither lost nor doubled anything. A finding is
/// kept once a run.
#[async_trait]
pub trait Census: Send + Sync {
    /// Whoever is bound to each of these accounts, in their order.
    async fn bound(&self, accounts: &[&ObjectId]) -> Result<Vec<Option<Known>>, StoreError>;

    /// Whoever is bound to each of these accounts, members of a group, in their order. The ledger is asked about all of them, or only about
    /// those whose access was to be off.
    async fn members(
        &self,
        group: &ObjectId,
        accounts: &[&ObjectId],
        all: bool,
    ) -> Result<Vec<Option<Member>>, StoreError>;

    /// Who was not sighted in the present part of a run, in order of id, after `after`; at most `limit`.
    async fn unsighted(
        &self,
        run: RunName,
        whom: Whom<'_>,
        after: Option<&PersonId>,
        limit: usize,
    ) -> Result<Vec<PersonId>, StoreError>;

    /// The latest run of this name, whether it has ended or not.
    async fn run(&self, name: RunName) -> Result<Option<Run>, StoreError>;

    /// Begins a run in place of the one of its name before it, whose findings go. [`StoreError::Conflict`] if that is not of version
    /// `before` any more (None: there is none).
    async fn begin(&self, run: &Run, before: Option<u64>) -> Result<(), StoreError>;

    /// Stores how far a run has come. [`StoreError::Conflict`] if the stored version is not the one before it.
    async fn advance(&self, run: &Run, told: &Told) -> Result<(), StoreError>;

    /// The findings of a run in the order they were made, after number `after`; at most `limit`.
    async fn findings(&self, run: RunName, after: u64, limit: usize) -> Result<Vec<(u64, Finding)>, StoreError>;

    /// How many findings of each kind a run has.
    async fn tally(&self, run: RunName) -> Result<BTreeMap<Kind, u64>, StoreError>;

    /// Findings whose people were not woken yet; at most `limit`.
    async fn unwoken(&self, run: RunName, limit: usize) -> Result<Vec<(u64, Finding)>, StoreError>;

    /// Notes that the people of these findings were woken.
    async fn woke(&self, run: RunName, findings: &[u64]) -> Result<(), StoreError>;
}
