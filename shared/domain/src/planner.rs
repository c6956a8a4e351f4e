//! The planner: compares where a person should stand with what the tenant shows, and says what is to be done, in order.
//!
//! Only the planner decides; functions carry out (invariant 2). A dry run is the planner by itself. It plans by stage, because each function
//! reads only what its own stage needs:
//!
//! - [`account::plan`]: the account itself;
//! - [`groups::plan`]: memberships of groups that carry no license;
//! - [`licenses::plan`]: licenses, and memberships of groups that carry them.
//!
//! Reads go through [`crate::overlay`] first, so that a replica which has not heard of our last write does not make us repeat it.

pub mod account;
pub mod entitlements;
pub mod groups;
pub mod licenses;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::attributes::{self, Faults, Properties};
use crate::guest;
use crate::ids::SkuId;
use crate::ledger::{Grant, Target};
use crate::lifecycle::{self, Standing};
use crate::person::Person;
use crate::policy::{PersonKind, Policy};
use crate::step::{Action, Stage, Step, StepId};

/// A user as Graph returns it, by Graph's property names; absent means null.
pub type User = Map<String, Value>;

/// What a read of the account showed.
#[derive(Debug, Clone, PartialEq)]
pub enum Sight {
    /// Nothing can be said: not read, or a 404 on an account so young that replicas may not know it.
    Unknown,
    /// There is none.
    Absent,
    /// It is among the deleted items.
    Deleted,
    /// It is there.
    Present(User),
}

impl Sight {
    /// The user, if seen.
    pub fn user(&self) -> Option<&User> {
        if let Self::Present(user) = self { Some(user) } else { None }
    }
}

/// A step the planner asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What to do.
    pub action: Action,
    /// Why, in plain words.
    pub why: String,
    /// What it has to wait for, if anything.
    pub wait: Option<Wait>,
}

/// What a planned step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// An instant.
    Until(Timestamp),
    /// A condition, looked at again every [`RECHECK`]: in plain words, and the product if it is a seat.
    For(String, Option<SkuId>),
    /// A human; the instructions.
    Human(String),
}

/// How often a waiting step is looked at again when nothing else wakes it.
pub const RECHECK: SignedDuration = SignedDuration::from_mins(15);

/// Longer than any call to Graph can be in flight, its retries included: when a cut is repeated (invariant 8).
pub const IN_FLIGHT: SignedDuration = SignedDuration::from_secs(120);

/// What a stage's plan holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Whose plan it is.
    pub stage: Stage,
    /// The steps, in order.
    pub steps: Vec<Planned>,
    /// Entries the ledger should hold that no step writes: access found to be there before us, reasons that changed.
    pub note: Vec<Grant>,
    /// Entries to forget: the access is gone and nobody asks for it.
    pub forget: Vec<Target>,
    /// When a rule puts the person in or out by time alone.
    pub changes_at: Option<Timestamp>,
    /// Whether nothing may be concluded from what is *not* asked for, because the tenant or the facts could not be read: steps
    /// under way stay, and so does their place in a waiting line.
    pub is_inconclusive: bool,
}

impl Plan {
    /// A plan of a stage with nothing in it yet.
    pub fn of(stage: Stage) -> Self {
        Self { stage, ..Self::default() }
    }

    fn ask(&mut self, action: Action, why: impl Into<String>) {
        self.steps.push(Planned { action, why: why.into(), wait: None });
    }

    fn ask_human(
        &mut self,
        what: &str,
        object: Option<String>,
        why: impl Into<String>,
        instructions: impl Into<String>,
    ) {
        let action = Action::ByHand { stage: self.stage, what: what.to_owned(), object };
        self.steps.push(Planned { action, why: why.into(), wait: Some(Wait::Human(instructions.into())) });
    }
}

/// Everything that planning one person needs besides reads of the tenant.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// The person.
    pub person: &'a Person,
    /// The policy.
    pub policy: &'a Policy,
    /// Where the person stands.
    pub standing: Standing,
    /// What the account's properties should be, or why they cannot be used.
    pub attributes: Result<Properties, Faults>,
    /// The time.
    pub now: Timestamp,
}

impl<'a> View<'a> {
    /// Looks at a person under a policy at an instant.
    pub fn new(person: &'a Person, policy: &'a Policy, now: Timestamp) -> Self {
        let standing = lifecycle::standing(person, policy, now);
        let mut attributes = attributes::desired(person, &standing, policy);
        if let (Ok(properties), PersonKind::Guest) = (&mut attributes, standing.kind) {
            guest::keep_writable(properties);
        }
        Self { person, policy, standing, attributes, now }
    }

    /// Whether the policy forbids touching this person.
    pub fn is_protected(&self) -> bool {
        self.policy.protected.contains(&self.person.head.person)
    }

    /// The step of this action in the person's present generation, if it was ever planned.
    pub fn step(&self, action: &Action) -> Option<&Step> {
        let id = StepId::derive(&self.person.head.person, self.person.head.generation, action);
        self.person.steps.get(&id)
    }
}

/// Whether AD DS masters the account: then it is read-only in the cloud (graph-facts 3.1).
pub fn is_synchronized(user: &User) -> bool {
    user.get("onPremisesSyncEnabled") == Some(&Value::Bool(true))
}

/// Whether the account is a guest's. None: the read does not say.
pub fn is_guest(user: &User) -> Option<bool> {
    user.get("userType").and_then(Value::as_str).map(|kind| kind.eq_ignore_ascii_case("Guest"))
}

/// Whether the account can be signed in to.
pub fn is_enabled(user: &User) -> bool {
    user.get("accountEnabled") == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests;
