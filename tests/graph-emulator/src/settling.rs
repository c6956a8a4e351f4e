//! What the service does by itself, later: group licensing, dynamic membership, the purge of deleted objects. Nothing
//! runs in the background; work falls due by the emulator's clock and is done when the next call looks.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::ids::Guid;
use crate::state::State;
use crate::{deleted, groups, licenses};

/// Deleted objects are kept for so long.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How slow the tenant is. Everything is zero, or as short as it can be, unless someone asks.
#[derive(Clone, Debug)]
pub(crate) struct Latency {
    /// A write may stay unseen by some replica for at most so long.
    pub settle_ms: u64,
    pub replicas: u64,
    pub seed: u64,
    /// Real delay of every answer.
    pub answer_ms: u64,
    /// From a group's license or membership change to its members' licenses.
    pub license_ms: u64,
    /// From a user's change to the memberships that a rule computes.
    pub membership_ms: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { settle_ms: 0, replicas: 3, seed: 1, answer_ms: 0, license_ms: 2_000, membership_ms: 5_000 }
    }
}

impl Latency {
    pub(crate) fn show(&self) -> Value {
        json!({
            "settle_ms": self.settle_ms,
            "replicas": self.replicas,
            "seed": self.seed,
            "answer_ms": self.answer_ms,
            "license_ms": self.license_ms,
            "membership_ms": self.membership_ms,
        })
    }

    /// Changes what is named and leaves the rest.
    pub(crate) fn put(&mut self, body: &Value) -> Result<(), String> {
        let members = body.as_object().ok_or("latency is not an object")?;
        let mut next = self.clone();
        for (name, value) in members {
            let field = match name.as_str() {
                "settle_ms" => &mut next.settle_ms,
                "replicas" => &mut next.replicas,
                "seed" => &mut next.seed,
                "answer_ms" => &mut next.answer_ms,
                "license_ms" => &mut next.license_ms,
                "membership_ms" => &mut next.membership_ms,
                _ => return Err(format!("`{name}` is not a latency")),
            };
            *field = value.as_u64().ok_or_else(|| format!("`{name}` is not a whole number"))?;
        }
        *self = next;
        Ok(())
    }
}

/// One thing that falls due.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// A group's licensing is taken off the queue.
    BeginLicensing { group: Guid },
    /// A group's licenses reach all its members, and leave those who were licensed by it.
    LicenseGroup { group: Guid },
    /// A group's licenses reach, or leave, these.
    LicenseMembers { group: Guid, members: Vec<Guid> },
    /// A rule is applied to one user or to all.
    EvaluateRule { group: Guid, user: Option<Guid> },
    /// A deleted object is removed for good, unless it was restored and deleted again since.
    Purge { id: Guid, deleted: Timestamp },
}

/// Does everything that is due, each thing at its own instant.
pub(crate) fn settle(state: &mut State) {
    let now = state.now;
    while let Some(entry) = state.due.first_entry() {
        let at = entry.key().0;
        if at > now {
            break;
        }
        let work = entry.remove();
        state.now = at;
        carry_out(state, work);
    }
    state.now = now;
}

fn carry_out(state: &mut State, work: Work) {
    match work {
        Work::BeginLicensing { group } => {
            state.edit_group(group, |group| group.processing = Some("ProcessingInProgress"));
        }
        Work::LicenseGroup { group } => licenses::inherited::process_group(state, group),
        Work::LicenseMembers { group, members } => {
            for member in members {
                licenses::inherited::process_member(state, group, member);
            }
        }
        Work::EvaluateRule { group, user } => {
            state.rules_waiting.remove(&(group, user));
            groups::dynamic::evaluate(state, group, user);
        }
        Work::Purge { id, deleted } => deleted::purge(state, id, deleted),
    }
}
