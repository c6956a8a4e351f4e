//! Races, checked as a small model: two workers meet over one person, in every order that can make a difference.
//!
//! The workers are the real functions over the real store and the emulated tenant. Before every deed that another worker could notice (a
//! call of a port, a call to Graph) each stops, and the [explorer](explorer) says who goes on. Where that is said, it is also said which
//! schedules there are and which are left out. Each is lived through in a fork of a world that stands just before the meeting; then
//! everything settles, and the [verdict](verdict) holds the end against what the facts ask for. All along a witness looks at every granting
//! call as it leaves: none may leave when the fence is up, or beside another one. And the ledger is looked at after every commit: nothing may
//! be entered as given beside a cut.
//!
//! There are about 6,100 schedules here, in a good minute of one processor. A test that fails prints the schedules that did, as text such
//! as `a7 b12 +40 a. b.` with everything that was done in them. [`REPLAYED`] plays one again.

mod explorer;
mod grants;
mod runner;
mod schedule;
mod verdict;

use domain::message::{Message, QueueName};
use domain::ports::{Outbox, Outgoing};
use domain::step::Action;
use jiff::SignedDuration;
use serde_json::json;

use crate::world::{Setup, Trouble, World, joiner};
use explorer::{Explorer, Judge};
use grants::{Grant, PERSON};
use runner::Race;
use verdict::{Ends, Expected};

/// A dismissal: what HR said, and then the account.
const CUT: [QueueName; 2] = [QueueName::PeopleUrgent, QueueName::AccountsUrgent];
/// To look into one schedule, put its scenario and its text here and run `a_schedule_is_played_again`.
const REPLAYED: (Grant, &str) = (Grant::Create, "a19 b. +40 a.");

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

/// Opened anew, the store is one small file: every schedule begins with a copy of it.
fn compact(world: World) -> World {
    world.restart(Trouble::default())
}

async fn explore(name: &str, race: Race<'_>, expected: Expected) {
    let mut explorer = Explorer::new(race, Ends::new(expected, race.start.now()));
    explorer.interleave().await;
    explorer.disturb().await;
    explorer.judge.assert_as_expected(name, explorer.runs);
}

/// A cut meets a worker who is about to grant something.
fn a_cut_wins(grant: Grant) {
    block_on(async {
        let world = grant.is_near().await;
        grants::dismiss(&world).await;
        let start = compact(world);
        let queues = [grant.queue()];
        let race = Race { start: &start, a: &queues, b: &CUT };
        grants::assert_grants(grant, race).await;
        explore(&format!("a cut against {grant:?}"), race, Expected::NoAccess).await;
    });
}

#[test]
fn a_cut_wins_against_a_creation() {
    a_cut_wins(Grant::Create);
}

#[test]
fn a_cut_wins_against_an_invitation() {
    a_cut_wins(Grant::Invite);
}

#[test]
fn a_cut_wins_against_enabling() {
    a_cut_wins(Grant::Enable);
}

#[test]
fn a_cut_wins_against_a_credential() {
    a_cut_wins(Grant::Credential);
}

#[test]
fn a_cut_wins_against_a_restoration() {
    a_cut_wins(Grant::Restore);
}

#[test]
fn a_cut_wins_against_a_membership() {
    a_cut_wins(Grant::Member);
}

#[test]
fn a_cut_wins_against_a_license() {
    a_cut_wins(Grant::License);
}

#[test]
fn a_cut_wins_against_a_carrier_group() {
    a_cut_wins(Grant::Carrier);
}

#[test]
fn a_cut_wins_against_reprocessing() {
    a_cut_wins(Grant::Reprocess);
}

#[test]
fn every_action_that_grants_has_a_scenario_and_no_other_has() {
    let (id, sku) = (|| BOUND.parse().unwrap(), || BOUND.parse().unwrap());
    let granting = [
        Action::CreateAccount,
        Action::InviteGuest,
        Action::EnableAccount,
        Action::IssueCredential,
        Action::RestoreAccount,
        Action::AddMember { group: id() },
        Action::AssignLicense { sku: sku(), disabled_plans: vec![] },
        Action::JoinCarrier { group: id(), skus: vec![] },
        Action::ReprocessLicenses { group: id(), skus: vec![] },
    ];
    let others = [
        Action::SettleCreation,
        Action::BindAccount { object: id(), by: domain::matching::FoundBy::Anchor },
        Action::UpdateAccount { properties: [].into() },
        Action::SetManager { manager: id() },
        Action::RemoveManager,
        Action::AddSponsor { sponsor: id() },
        Action::RemoveSponsor { sponsor: id() },
        Action::DisableAccount { pass: 1 },
        Action::RevokeSessions { pass: 1 },
        Action::ResetPassword,
        Action::RemoveMethods { pass: 1 },
        Action::DeleteAccount,
        Action::RemoveMember { group: id() },
        Action::RemoveLicense { sku: sku() },
        Action::LeaveCarrier { group: id(), skus: vec![] },
    ];
    for action in granting.iter().chain(&others) {
        assert_eq!(action.grants(), grants::scenario_of(action).is_some(), "{}", action.phrase());
    }
}

const BOUND: &str = "10000000-0000-0000-0000-000000000002";

/// The same message is with two workers at once.
fn two_workers_do_it_once(grant: Grant, groups: &'static [&'static str]) {
    block_on(async {
        let world = grant.is_near().await;
        let body = Message::wake(&PERSON.parse().unwrap(), "delivered again", "again").to_json();
        // In a group of its own: a queue gives out one message of a group at a time.
        let again = Outgoing { group: "again".into(), deduplication_id: "again".into(), body };
        world.store.send(grant.queue(), again).await.unwrap();
        let start = compact(world);
        let queues = [grant.queue()];
        let race = Race { start: &start, a: &queues, b: &queues };
        explore(&format!("{grant:?} twice at once"), race, Expected::Access(groups)).await;
    });
}

#[test]
fn two_workers_with_the_same_message_create_once() {
    two_workers_do_it_once(Grant::Create, &["Sales"]);
}

#[test]
fn two_workers_with_the_same_message_invite_once() {
    two_workers_do_it_once(Grant::Invite, &["Everyone", "Sales"]);
}

#[test]
fn two_workers_with_the_same_message_issue_one_credential() {
    two_workers_do_it_once(Grant::Credential, &["Everyone"]);
}

#[test]
fn two_workers_with_the_same_message_license_once() {
    two_workers_do_it_once(Grant::License, &["Everyone", "Sales"]);
}

#[test]
fn a_rehire_said_after_a_cut_ends_with_access_whoever_is_faster() {
    block_on(async {
        let world = Setup::new().build();
        world.hear("1", &joiner("Ada", "Lovelace", "Nowhere", "2026-02-02")).await;
        world.run_for_minutes(30).await;
        grants::dismiss(&world).await;
        world.pass(SignedDuration::from_secs(1));
        world.hear("1", &joiner("Ada", "Lovelace", "Sales", "2026-03-02")).await;
        let start = compact(world);
        let race = Race { start: &start, a: &CUT, b: &[QueueName::People, QueueName::Accounts] };
        explore("a cut against a rehire", race, Expected::Access(&["Everyone", "Sales"])).await;
    });
}

#[test]
fn a_cut_that_a_guard_holds_lets_nothing_new_begin() {
    block_on(async {
        let world = Setup::new().and_policy("[guard.disable]\npeople = 1\nwindow = \"24h\"").build();
        for id in ["1", "2"] {
            world.hear(id, &joiner("Ada", &format!("Family{id}"), "Nowhere", "2026-02-02")).await;
        }
        world.run_for_minutes(30).await;
        world.hear("2", &json!({"termination.immediate": true})).await;
        world.run_for_minutes(30).await;
        world.hear("1", &json!({"org.department.name": "Sales"})).await;
        grants::work_up_to(&world, QueueName::Licenses).await;
        grants::dismiss(&world).await;
        let start = compact(world);
        let race = Race { start: &start, a: &[QueueName::Licenses], b: &CUT };
        explore("a held cut against a license", race, Expected::Held).await;
    });
}

#[test]
fn a_schedule_is_played_again() {
    block_on(async {
        let (grant, schedule) = REPLAYED;
        let world = grant.is_near().await;
        grants::dismiss(&world).await;
        let start = compact(world);
        let queues = [grant.queue()];
        let race = Race { start: &start, a: &queues, b: &CUT };
        let mut ends = Ends::new(Expected::NoAccess, start.now());
        let (world, trace) = race.run(&schedule.parse().unwrap()).await;
        ends.judge(&schedule.parse().unwrap(), world, &trace).await;
        ends.assert_as_expected("played again", 1);
        let (_, same) = race.run(&schedule.parse().unwrap()).await;
        assert_eq!(trace.told(), same.told());
    });
}
