//! What must hold when everything has settled.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use domain::message::QueueName;
use domain::person::Person;
use domain::ports::{Fences, Vault};
use domain::step::StepState;
use jiff::Timestamp;
use serde_json::Value;

use super::explorer::Judge;
use super::grants::{ADDRESS, PERSON};
use super::runner::Trace;
use super::schedule::{Schedule, Stretch};
use crate::world::World;
use crate::world::tenant::ANCHOR;

/// Long enough for a second pass, a redelivery and everything that waits for nobody.
const SETTLED_MINUTES: i64 = 20;
/// Schedules that are told in full.
const TOLD_MAX: usize = 2;

/// What an end should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nobody gets in, and nothing of ours is left.
    NoAccess,
    /// The person gets in, and is in these groups.
    Access(&'static [&'static str]),
    /// A guard holds the cut: the person gets in as before, and nothing new was begun.
    Held,
}

/// Holds every end against what is expected.
pub(crate) struct Ends {
    expected: Expected,
    since: Timestamp,
    seen: BTreeSet<u64>,
    wrong: Vec<(Schedule, String)>,
    pub(crate) settled: usize,
}

impl Ends {
    /// `since`: when the last word was said.
    pub(crate) fn new(expected: Expected, since: Timestamp) -> Self {
        Self { expected, since, seen: BTreeSet::new(), wrong: Vec::new(), settled: 0 }
    }

    /// Fails with every schedule that ended otherwise.
    pub(crate) fn assert_as_expected(&self, name: &str, runs: usize) {
        // Shown when a test fails, or with `--nocapture`.
        println!("{name}: {runs} schedules, {} ends", self.settled);
        let told = self.wrong.iter().take(TOLD_MAX).map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n");
        let which: Vec<_> = self.wrong.iter().map(|(schedule, _)| schedule.to_string()).collect();
        assert!(which.is_empty(), "{name}: {} of {runs} schedules end otherwise: {which:?}\n{told}", which.len());
    }
}

impl Judge for Ends {
    async fn judge(&mut self, schedule: &Schedule, world: World, trace: &Trace) {
        // What was granted wrongly shows at once; the same state has the same future, and lives through it once. (Whoever dies leaves a
        // lease behind, which is no part of it.)
        let is_plain = !schedule.0.iter().any(|stretch| matches!(stretch, Stretch::Death(_)));
        let is_new = !is_plain || self.seen.insert(state(&world).await);
        if is_new {
            self.settled += 1;
            world.run_for_minutes(SETTLED_MINUTES).await;
        } else if world.wrongs().is_empty() && trace.wrongs.is_empty() {
            return;
        }
        let wrong = match self.expected {
            Expected::NoAccess => {
                let mut left = access_left(&world, self.since).await;
                left.extend(ledger_left(&world).await);
                left
            }
            Expected::Access(groups) => access_missing(&world, groups).await,
            Expected::Held => access_changed(&world).await,
        };
        let pages = if self.expected == Expected::Held { vec![] } else { world.pages() };
        let pages = pages.into_iter().map(|page| format!("paged: {}", page.text));
        let wrong: Vec<_> = wrong.into_iter().chain(trace.wrongs.clone()).chain(common(&world)).chain(pages).collect();
        if !wrong.is_empty() {
            let text = format!("\"{schedule}\" {wrong:#?}\n{}{}", trace.told(), world.dump().await);
            self.wrong.push((schedule.clone(), text));
        }
    }
}

/// Everything that decides what happens from here, without what was drawn at random.
async fn state(world: &World) -> u64 {
    let person = world.known(PERSON).await;
    let fence = world.store.is_up(&PERSON.parse().unwrap()).await.unwrap();
    let queues = QueueName::ALL.map(|queue| world.store.depth(queue).unwrap());
    let next = world.store.next_visible_at().unwrap();
    let tenant = world.emulator().tenant().snapshot(false);
    let sealed = is_sealed(world, person.as_ref()).await;
    let text = format!("{} {person:?} {fence} {sealed:?} {queues:?} {next:?} {tenant}", world.now());
    let mut hasher = DefaultHasher::new();
    without_ids(&text).hash(&mut hasher);
    hasher.finish()
}

/// Whether the sealed credential is the account's password, which the tenant tells nobody; None: no password of it was set here.
async fn is_sealed(world: &World, person: Option<&Person>) -> Option<bool> {
    let account = &person?.head.account;
    let password = world.password(account.object_id.as_ref()?.as_str())?;
    let sealed = match &account.credential {
        Some(reference) => world.store.peek(reference).await.unwrap(),
        None => None,
    };
    Some(sealed.as_ref() == Some(&password))
}

/// Ids that were drawn: 32 digits in a row, or less apart from hyphens.
fn without_ids(text: &str) -> String {
    text.split(|letter: char| !letter.is_ascii_hexdigit())
        .map(|word| if word.len() == 32 { "*" } else { word })
        .collect::<Vec<_>>()
        .join("|")
}

/// Wrong in any case.
fn common(world: &World) -> Vec<String> {
    let failures = world.failures().into_iter().map(|failure| format!("failed: {} {}", failure.cause, failure.reason));
    world.wrongs().into_iter().chain(failures).collect()
}

/// The living accounts that are, or may be, the person's.
async fn theirs(world: &World) -> Vec<Value> {
    let bound = world.person(PERSON).await.head.account.object_id.map(|id| id.to_string());
    let snapshot = world.emulator().tenant().snapshot(false);
    let users = snapshot["users"].as_array().unwrap().iter();
    let is_theirs =
        |user: &&Value| user[ANCHOR] == PERSON || user["mail"] == ADDRESS || user["id"].as_str() == bound.as_deref();
    users.filter(is_theirs).cloned().collect()
}

/// Names of the groups an account was put in by somebody.
fn groups_of(world: &World, account: &Value) -> Vec<String> {
    let snapshot = world.emulator().tenant().snapshot(false);
    let groups = snapshot["groups"].as_array().unwrap().iter();
    let assigned = groups.filter(|group| group["membershipRule"].is_null());
    let own = assigned.filter(|group| group["members"].as_array().unwrap().contains(&account["id"]));
    own.map(|group| group["displayName"].as_str().unwrap().to_owned()).collect()
}

/// What is left of somebody's access.
async fn access_left(world: &World, since: Timestamp) -> Vec<String> {
    let mut left = Vec::new();
    let person = world.person(PERSON).await;
    let account = &person.head.account;
    let living = theirs(world).await;
    for user in &living {
        if user["accountEnabled"] != false {
            left.push("sign-in is open".to_owned());
        }
        let valid_from = user["signInSessionsValidFromDateTime"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        if valid_from.is_none_or(|at| at < since) {
            left.push(format!("sessions are good since {valid_from:?}"));
        }
        let groups = groups_of(world, user);
        if !groups.is_empty() {
            left.push(format!("is in {groups:?}"));
        }
        if user["assignedLicenses"].as_array().is_some_and(|licenses| !licenses.is_empty()) {
            left.push(format!("holds {}", user["assignedLicenses"]));
        }
        if account.object_id.as_ref().map(ToString::to_string).as_deref() != user["id"].as_str() {
            left.push("has an account that we do not know".to_owned());
        }
    }
    if !person.head.cut || !world.store.is_up(&PERSON.parse().unwrap()).await.unwrap() {
        left.push("the fence is down".to_owned());
    }
    if account.is_being_made() {
        left.push("a creation or an invitation is open".to_owned());
    }
    // A deleted account keeps what it had, and is cut once somebody restores it.
    if !living.is_empty() {
        left.extend(account.credential.iter().map(|_| "a credential can be handed out".to_owned()));
    }
    for step in person.steps.values() {
        let is_open = !matches!(step.state, StepState::Verified { .. });
        if is_open && (step.action.grants() || step.action.cuts()) {
            left.push(format!("open: {} is {}", step.action.phrase(), step.state.word()));
        }
    }
    left
}

/// What our books say is still given, of an account that is there.
async fn ledger_left(world: &World) -> Vec<String> {
    if theirs(world).await.is_empty() {
        return Vec::new();
    }
    let person = world.person(PERSON).await;
    person.grants.values().map(|grant| format!("the ledger holds {}", grant.target)).collect()
}

/// What is missing of somebody's access.
async fn access_missing(world: &World, groups: &[&str]) -> Vec<String> {
    let mut missing = Vec::new();
    let person = world.person(PERSON).await;
    let users = theirs(world).await;
    let [user] = users.as_slice() else { return vec![format!("has {} accounts", users.len())] };
    let may_sign_in = person.head.phase != "pre-hire";
    if user["accountEnabled"] != may_sign_in {
        missing.push(format!("sign-in is {}", user["accountEnabled"]));
    }
    if person.head.cut || world.store.is_up(&PERSON.parse().unwrap()).await.unwrap() {
        missing.push("the fence is up".to_owned());
    }
    if is_sealed(world, Some(&person)).await == Some(false) {
        missing.push("the sealed credential is not the account's password".to_owned());
    }
    if groups_of(world, user) != groups {
        missing.push(format!("is in {:?}", groups_of(world, user)));
    }
    let invitations = world.written().iter().filter(|(line, _)| line == "POST /invitations").count();
    if invitations > 1 {
        missing.push(format!("was invited {invitations} times"));
    }
    let open = person.steps.values().filter(|step| !matches!(step.state, StepState::Verified { .. }));
    missing.extend(open.map(|step| format!("open: {} is {}", step.action.phrase(), step.state.word())));
    missing
}

/// What is otherwise than it was when a guard began to hold the cut.
async fn access_changed(world: &World) -> Vec<String> {
    let mut changed = Vec::new();
    let person = world.person(PERSON).await;
    for user in theirs(world).await.iter().filter(|user| user["accountEnabled"] != true) {
        changed.push(format!("{} is blocked", user["id"]));
    }
    if !world.store.is_up(&PERSON.parse().unwrap()).await.unwrap() {
        changed.push("the fence is down".to_owned());
    }
    let granting = person.steps.values().filter(|step| step.action.grants() && !step.state.is_met());
    changed.extend(granting.map(|step| format!("open: {} is {}", step.action.phrase(), step.state.word())));
    changed
}
