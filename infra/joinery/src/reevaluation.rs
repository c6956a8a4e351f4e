//! Another policy is in force: everybody is looked at again, once.
//!
//! # Expected flow
//! The data remembers the policy under which everybody was looked at, each person the one under which *they* were. While the two differ,
//! people are made due in the order of [`Place`], and the sweep wakes them, a page at a time. What they lose counts against the guards like any
//! other removal.
//!
//! # Guarantees
//! - A person is woken once for a policy: the mark and the wake-up are one commit.
//! - What was begun and not finished (a crash) goes on with those who have no mark yet; going back to the old policy meanwhile looks again
//!   at those only who were looked at under the new one.

use std::sync::Arc;

use domain::amend::amend;
use domain::ids::PersonId;
use domain::policy::Policy;
use domain::ports::{Clock, Roster, StoreError};
use domain::reevaluation::Place;
use embedded::Store;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The setting's name in the store.
const SETTING: &str = "reevaluation";
/// How many people one look at the roster names.
const PAGE: usize = 500;
/// How many people are put in order at a time.
const ORDERED_MAX: usize = 20_000;

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// The policy's fingerprint.
    policy: String,
    /// Whether everybody has been woken.
    is_finished: bool,
}

/// The look at everybody under one policy.
pub struct Reevaluation {
    /// What is remembered of it.
    pub store: Store,
    /// Whom it wakes.
    pub roster: Arc<dyn Roster>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The policy in force.
    pub policy: Arc<Policy>,
}

impl Reevaluation {
    /// Makes everybody due who was not looked at under this policy yet, if that is not done already. Answers how many.
    pub async fn run(&self) -> Result<usize, StoreError> {
        let done = |is_finished| Progress { policy: self.policy.fingerprint.clone(), is_finished };
        if self.store.setting::<Progress>(SETTING)? == Some(done(true)) {
            return Ok(0);
        }
        // First of all: whoever goes back to the old policy from here on must look at everybody again, too.
        self.store.set_setting(SETTING, &done(false))?;
        let (mut woken, mut after) = (0, None);
        loop {
            let mut places = self.places(&mut after).await?;
            if places.is_empty() {
                break;
            }
            places.sort();
            woken += self.wake(&places).await?;
        }
        self.store.set_setting(SETTING, &done(true))?;
        Ok(woken)
    }

    /// The next people in the roster who were not looked at under this policy, with their places; `after` moves on.
    async fn places(&self, after: &mut Option<PersonId>) -> Result<Vec<(Place, PersonId)>, StoreError> {
        let now = self.clock.now();
        let mut places = Vec::new();
        while places.len() < ORDERED_MAX {
            let page = self.roster.list(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            *after = Some(last.clone());
            for id in page {
                let Some(person) = self.roster.person(&id).await? else { continue };
                if person.head.policy != self.policy.fingerprint {
                    places.push((Place::of(&person, &self.policy, now), id));
                }
            }
        }
        Ok(places)
    }

    /// Makes people due at once, in this order.
    async fn wake(&self, places: &[(Place, PersonId)]) -> Result<usize, StoreError> {
        let mut woken = 0;
        for ((_, id), due) in places.iter().zip(instants_before(self.clock.now(), places.len())) {
            woken += usize::from(self.wake_one(id, due).await?);
        }
        Ok(woken)
    }

    /// Whether it was this that woke them.
    async fn wake_one(&self, id: &PersonId, due: Timestamp) -> Result<bool, StoreError> {
        let (_, is_new) = amend(self.roster.as_ref(), id, |person, _| {
            // A message may have brought them here meanwhile.
            let is_new = person.head.policy != self.policy.fingerprint;
            if is_new {
                person.head.policy.clone_from(&self.policy.fingerprint);
                person.head.next_due = Some(person.head.next_due.map_or(due, |known| known.min(due)));
            }
            is_new
        })
        .await?;
        Ok(is_new)
    }
}

/// So many instants, each a microsecond after the one before it and the last before now: the sweep wakes whoever is due longest first.
fn instants_before(now: Timestamp, count: usize) -> impl Iterator<Item = Timestamp> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    (0..count).map(move |place| now.saturating_sub(SignedDuration::from_micros(count - place)).unwrap_or(now))
}
