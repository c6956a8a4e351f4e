//! What delta queries go by: which write changed what, for as long as their tokens live.

use std::collections::VecDeque;

use serde_json::Value;

use crate::entity::{Group, Kind, Properties, User};
use crate::history::{Stamp, View};
use crate::ids::Guid;

/// Tokens for directory objects are good for so long ("Use delta query to track changes in Microsoft Graph data").
pub(crate) const TOKEN_LIFE_MS: i64 = 7 * 86_400_000;
/// So many changes are remembered; a token from before the oldest of them is too old, whatever its age.
const KEPT_MAX: usize = 100_000;

/// What happened to one object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// It appeared, was deleted, came back, or is gone for good: every query hears of it.
    Life,
    /// Properties changed.
    Properties(Vec<String>),
    /// The objects at the other end of a relation changed.
    Relation { name: &'static str, joined: Vec<Guid>, left: Vec<Guid> },
}

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub stamp: Stamp,
    pub kind: Kind,
    pub id: Guid,
    pub what: What,
}

/// All changes, numbered from 1 in the order they were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    changes: VecDeque<Change>,
    last: u64,
}

impl Journal {
    pub(crate) fn push(&mut self, stamp: Stamp, kind: Kind, id: Guid, what: What) {
        self.changes.push_back(Change { stamp, kind, id, what });
        self.last += 1;
        let old = |change: &Change| stamp.at_ms.saturating_sub(change.stamp.at_ms) > TOKEN_LIFE_MS;
        while self.changes.len() > KEPT_MAX || self.changes.front().is_some_and(old) {
            self.changes.pop_front();
        }
    }

    /// The number of the last change.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Whether every change after this number is still known.
    pub(crate) fn reaches(&self, number: u64) -> bool {
        number <= self.last && number >= self.last - self.changes.len() as u64
    }

    /// The changes after a number, with theirs.
    pub(crate) fn after(&self, number: u64) -> impl Iterator<Item = (u64, &Change)> {
        let gone = self.last - self.changes.len() as u64;
        let start = usize::try_from(number.saturating_sub(gone)).unwrap_or(usize::MAX).min(self.changes.len());
        (gone + start as u64 + 1..).zip(self.changes.range(start..))
    }

    /// The first change that this reader has not heard of yet.
    pub(crate) fn first_unseen(&self, view: View) -> Option<u64> {
        self.after(0).find(|(_, change)| !view.shows(change.stamp)).map(|(number, _)| number)
    }

    /// Forgets everything, so that every token handed out before is too old.
    pub(crate) fn forget(&mut self) {
        self.changes.clear();
        self.last += 1;
    }
}

/// What a query could track about a user before a write, to compare with what is there after it.
pub(crate) struct UserTrace {
    properties: Properties,
    manager: Option<Guid>,
    licenses: Vec<(Guid, Vec<Guid>)>,
    plans: usize,
    live: bool,
}

impl UserTrace {
    pub(crate) fn of(user: &User) -> Self {
        Self {
            properties: user.properties.clone(),
            manager: user.manager,
            licenses: user.held_licenses().into_iter().collect(),
            plans: user.plans.values().filter(|plan| plan.enabled).count(),
            live: user.deleted.is_none(),
        }
    }

    /// What a write has changed.
    pub(crate) fn changes(self, user: &User) -> Vec<What> {
        let after = Self::of(user);
        let mut found = Vec::new();
        if self.live != after.live {
            found.push(What::Life);
        }
        let mut names = changed(&self.properties, &after.properties);
        names.extend((self.licenses != after.licenses).then(|| "assignedLicenses".to_owned()));
        names.extend((self.plans != after.plans).then(|| "assignedPlans".to_owned()));
        if !names.is_empty() {
            found.push(What::Properties(names));
        }
        if self.manager != after.manager {
            let (joined, left) = (after.manager.into_iter().collect(), self.manager.into_iter().collect());
            found.push(What::Relation { name: "manager", joined, left });
        }
        found
    }
}

/// The same of a group. Its members change through doors of their own, which say who came and went.
pub(crate) struct GroupTrace {
    properties: Properties,
    products: usize,
    live: bool,
}

impl GroupTrace {
    pub(crate) fn of(group: &Group) -> Self {
        let live = group.deleted.is_none();
        Self { properties: group.properties.clone(), products: group.products.len(), live }
    }

    /// What a write has changed.
    pub(crate) fn changes(self, group: &Group) -> Vec<What> {
        let after = Self::of(group);
        let mut found = Vec::new();
        if self.live != after.live {
            found.push(What::Life);
        }
        let mut names = changed(&self.properties, &after.properties);
        names.extend((self.products != after.products).then(|| "assignedLicenses".to_owned()));
        if !names.is_empty() {
            found.push(What::Properties(names));
        }
        found
    }
}

/// The names under which two objects differ.
fn changed(before: &Properties, after: &Properties) -> Vec<String> {
    let differs = |(name, value): &(&String, &Value)| after.get(*name) != Some(*value);
    let gone_or_new_value = before.iter().filter(differs).map(|(name, _)| name.clone());
    let new = after.keys().filter(|name| !before.contains_key(*name)).cloned();
    gone_or_new_value.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(times_ms: &[i64]) -> Journal {
        let mut journal = Journal::default();
        for at_ms in times_ms {
            journal.push(Stamp { at_ms: *at_ms, write: 1, settle_ms: 0 }, Kind::User, Guid::nil(), What::Life);
        }
        journal
    }

    #[test]
    fn numbers_stay_when_old_changes_are_dropped() {
        let journal = pushed(&[0, 10, TOKEN_LIFE_MS + 5]);
        assert_eq!(journal.after(0).map(|(number, _)| number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(journal.after(2).count(), 1);
        assert!(!journal.reaches(0) && journal.reaches(1) && journal.reaches(3) && !journal.reaches(4));
    }

    #[test]
    fn what_was_forgotten_reaches_nobody() {
        let mut journal = pushed(&[0, 1]);
        journal.forget();
        assert!(!journal.reaches(2) && journal.reaches(3));
        assert_eq!(journal.after(3).count(), 0);
    }
}
