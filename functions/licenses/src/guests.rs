//! Which groups hold guests: nobody is licensed through those (M14). Graph itself refuses nothing of the kind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::ObjectId;
use graph::{Client, Error, GroupId};
use jiff::{SignedDuration, Timestamp};

/// How long what was seen of a group is believed. A guest who is added meanwhile is seen after that.
const AGE_MAX: SignedDuration = SignedDuration::from_mins(15);
/// Pages of members that are read of one group. Whoever stands behind 50,000 others is not found.
const PAGES_MAX: usize = 51;

/// What was seen lately.
#[derive(Clone, Default)]
pub struct Guests(Arc<Mutex<BTreeMap<ObjectId, (Timestamp, bool)>>>);

impl Guests {
    /// Whether a guest is among the group's direct members, seen at most a quarter of an hour ago.
    pub(crate) async fn are_in(&self, group: &ObjectId, graph: &Client, now: Timestamp) -> Result<bool, Error> {
        let seen = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = seen().get(group).filter(|(at, _)| now.duration_since(*at).abs() < AGE_MAX) {
            return Ok(*found);
        }
        let found = holds_one(group, graph).await?;
        seen().insert(group.clone(), (now, found));
        Ok(found)
    }
}

async fn holds_one(group: &ObjectId, graph: &Client) -> Result<bool, Error> {
    let group = GroupId::from(group.as_str());
    let mut pages = graph.members(&group, &["id", "userType"]);
    for _ in 0..PAGES_MAX {
        let Some(page) = pages.next().await? else { break };
        if page.iter().flatten().any(graph::User::is_guest) {
            return Ok(true);
        }
    }
    Ok(false)
}
