//! The one loop in which a person is changed: load, change in memory, commit; again if somebody else was faster.

use crate::ids::PersonId;
use crate::person::{Person, TimelineEntry};
use crate::ports::{Roster, StoreError};

/// How often a change is repeated on a fresh load before the conflict is handed on.
const TRIES_MAX: usize = 8;

/// What a change commits besides the person.
#[derive(Debug, Default)]
pub struct Aside {
    /// Entries for the timeline.
    pub timeline: Vec<TimelineEntry>,
    /// Raises or lowers the fence.
    pub fence: Option<bool>,
}

/// Loads the person (a new one if nothing is known), changes it and commits what changed, in one transaction. The change may run
/// several times, each time on a fresh load, so it must not remember.
pub async fn amend<R>(
    roster: &dyn Roster,
    id: &PersonId,
    mut change: impl FnMut(&mut Person, &mut Aside) -> R,
) -> Result<(Person, R), StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let before = roster.person(id).await?.unwrap_or_else(|| Person::new(id.clone()));
        let mut person = before.clone();
        let mut aside = Aside::default();
        let answer = change(&mut person, &mut aside);
        let mut commit = person.change_since(&before);
        commit.fence = aside.fence;
        commit.timeline = aside.timeline;
        if let Some(head) = &commit.head {
            person.head.version = head.version;
        }
        if commit.is_empty() {
            return Ok((person, answer));
        }
        match roster.commit(commit).await {
            Ok(()) => return Ok((person, answer)),
            Err(StoreError::Conflict) if tries < TRIES_MAX => {}
            Err(error) => return Err(error),
        }
    }
}
