//! A person as the roster keeps them: a bounded head, the steps, the grants, and what one transaction changes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::attributes::duplicates::Shared;
use crate::fetch_back::FetchBack;
use crate::ids::{ObjectId, PersonId};
use crate::ledger::{Grant, Target};
use crate::matching::Matching;
use crate::record::Record;
use crate::step::{Step, StepId};

/// Everything the roster knows of one person, but for the timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The bounded part, written under a version.
    pub head: Head,
    /// Steps by id: what is to be done, is being done, was done.
    pub steps: BTreeMap<StepId, Step>,
    /// The grant ledger: what of the person's access is ours, and why.
    pub grants: BTreeMap<Target, Grant>,
}

/// The bounded part of a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Who.
    pub person: PersonId,
    /// Counts the commits of the head; the first is 1.
    pub version: u64,
    /// What HR says.
    pub record: Record,
    /// The account, as far as we made or bound it.
    pub account: Account,
    /// Counts the turns between having access and being cut, so that join, leave and rejoin are different steps.
    pub generation: u32,
    /// Whether access had to be off at the last look; a turn begins a new generation.
    pub cut: bool,
    /// The phase at the last look, for lists; decisions derive it anew.
    pub phase: String,
    /// When the record alone, or the fetching of it, makes something due next.
    pub next_due: Option<Timestamp>,
    /// When a package's rule puts the person in or out by time alone, as of the last look.
    #[serde(default)]
    pub rules_due: Option<Timestamp>,
    /// The fingerprint of the policy under which the person was looked at last.
    #[serde(default)]
    pub policy: String,
    /// The fetches by which a hint without facts is followed.
    #[serde(default)]
    pub fetch_back: FetchBack,
    /// The work address HR gave at the last look, to find whose address it is.
    #[serde(default)]
    pub work_email: Option<String>,
    /// Others of whom HR says what must be this person's alone, as of the last look.
    #[serde(default)]
    pub shared: Shared,
}

/// The account of a person.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Account {
    /// The bound account. Once set it is the only handle.
    pub object_id: Option<ObjectId>,
    /// The user principal name as last written or read.
    pub upn: Option<String>,
    /// An account creation whose outcome is not settled.
    pub intent: Option<CreateIntent>,
    /// An invitation whose outcome is not settled.
    #[serde(default)]
    pub invitation: Option<InviteIntent>,
    /// Whose account it is, if it was there before us: what humans decided, and how it was found.
    #[serde(default)]
    pub matching: Matching,
    /// Names the tenant refused because somebody else holds them; never asked for again.
    #[serde(default)]
    pub refused_upns: Vec<String>,
    /// When the account was bound; a 404 soon after is "unknown", not "absent".
    pub bound_at: Option<Timestamp>,
    /// When the account was deleted by us.
    pub deleted_at: Option<Timestamp>,
    /// Where the first credential is sealed, until it is handed out.
    pub credential: Option<String>,
    /// Whether a cut has set (or may have set) a password that nobody knows.
    #[serde(default)]
    pub password_unknown: bool,
    /// When a cut last began to set one. Heard of again or not, that call may land for as long as a call may be in flight.
    #[serde(default)]
    pub reset_begun_at: Option<Timestamp>,
}

/// What an account creation needs before its first call, kept until its outcome is known. While it is open, every
/// retry uses this name and password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateIntent {
    /// The name asked for.
    pub upn: String,
    /// Reference of the sealed password.
    pub credential: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When the tenant first said that the name is taken, while the holder cannot be seen yet.
    pub conflict_since: Option<Timestamp>,
}

/// What an invitation needs before its first call, kept until its outcome is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InviteIntent {
    /// The address invited.
    pub address: String,
    /// When it was opened. A guest made before is somebody else's.
    pub opened_at: Timestamp,
    /// The guest by Graph's answer, while it cannot be read yet.
    pub guest: Option<ObjectId>,
}

impl Head {
    /// When somebody should look at the person, whatever their steps wait for.
    pub fn due(&self) -> Option<Timestamp> {
        self.next_due.into_iter().chain(self.rules_due).min()
    }
}

impl Account {
    /// Whether an account is bound that we have not deleted.
    pub fn is_there(&self) -> bool {
        self.object_id.is_some() && self.deleted_at.is_none()
    }

    /// Whether a call that makes the account is open.
    pub fn is_being_made(&self) -> bool {
        self.intent.is_some() || self.invitation.is_some()
    }
}

impl Person {
    /// A person of whom nothing is known yet.
    pub fn new(id: PersonId) -> Self {
        Self {
            head: Head {
                person: id,
                version: 0,
                record: Record::default(),
                account: Account::default(),
                generation: 0,
                cut: false,
                phase: String::new(),
                next_due: None,
                rules_due: None,
                policy: String::new(),
                fetch_back: FetchBack::default(),
                work_email: None,
                shared: Shared::default(),
            },
            steps: BTreeMap::new(),
            grants: BTreeMap::new(),
        }
    }

    /// What has to be stored so that `before` becomes `self`. The head is part of it only if it differs, with its version one
    /// higher; steps and grants are items of their own, and rest on the head that they were seen with.
    pub fn change_since(&self, before: &Self) -> Change {
        let head = (self.head != before.head).then(|| Head { version: before.head.version + 1, ..self.head.clone() });
        let changed = |id: &StepId, step: &Step| before.steps.get(id) != Some(step);
        let regranted = |target: &Target, grant: &Grant| before.grants.get(target) != Some(grant);
        Change {
            person: self.head.person.clone(),
            rests_on: before.head.version,
            head,
            fence: None,
            put_steps: self.steps.iter().filter(|(id, step)| changed(id, step)).map(|(_, step)| step.clone()).collect(),
            delete_steps: before.steps.keys().filter(|id| !self.steps.contains_key(*id)).cloned().collect(),
            put_grants: self
                .grants
                .iter()
                .filter(|(target, grant)| regranted(target, grant))
                .map(|(_, grant)| grant.clone())
                .collect(),
            delete_grants: before.grants.keys().filter(|target| !self.grants.contains_key(*target)).cloned().collect(),
            timeline: Vec::new(),
        }
    }
}

/// One transaction on one person: all of it is stored, or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Whom.
    pub person: PersonId,
    /// The version of the head that was loaded when this was decided; 0 if nothing was known of the person. Whoever was held up on the
    /// way must not write what the head of today would not have made them write: a grant, say, that a cut has struck out since.
    pub rests_on: u64,
    /// The new head, if it changed; its version is one more than `rests_on`.
    pub head: Option<Head>,
    /// Raises (true) or lowers (false) the fence, together with the head that says why.
    pub fence: Option<bool>,
    /// Steps to store.
    pub put_steps: Vec<Step>,
    /// Steps to forget.
    pub delete_steps: Vec<StepId>,
    /// Grants to store.
    pub put_grants: Vec<Grant>,
    /// Grants to forget.
    pub delete_grants: Vec<Target>,
    /// Entries to add to the timeline, in order.
    pub timeline: Vec<TimelineEntry>,
}

impl Change {
    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.head.is_none()
            && self.fence.is_none()
            && self.put_steps.is_empty()
            && self.delete_steps.is_empty()
            && self.put_grants.is_empty()
            && self.delete_grants.is_empty()
            && self.timeline.is_empty()
    }
}

/// One line of a person's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What kind of line it is.
    pub kind: TimelineKind,
    /// The function that wrote it.
    pub function: String,
    /// The line, in plain words. It names things by id; values of facts stay out of it.
    pub text: String,
    /// The request it goes back to.
    pub correlation_id: String,
}

/// The kinds of line a timeline has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    /// What HR said.
    Heard,
    /// What was decided, and why.
    Decided,
    /// What was done in the tenant.
    Did,
    /// What was read back.
    Verified,
    /// What it waits for.
    Waits,
    /// What failed.
    Failed,
    /// What a person must do.
    Task,
}
