//! What may befall a run: Graph refuses what it asks for or forgets where it was, and another run is under way.

use std::sync::Arc;

use domain::reconcile::{Census, Kind, RunName, Scope};
use jiff::SignedDuration;
use reconciler::{Ended, Order, Trouble};
use tokio::sync::Semaphore;

use super::stage::{Found, Given, Reconciling, Refusal, dry, real};
use super::{account, company, disturb, drift, queued};
use crate::world::{Setup, World};

/// Deeds enough for any run.
const PLENTY: usize = 1 << 20;

async fn disturbed() -> World {
    let world = company(Setup::new()).await;
    disturb(&world);
    world.pass(SignedDuration::from_mins(10));
    world
}

#[tokio::test]
async fn m16_sign_ins_that_may_not_be_read_are_left_out_with_a_remark() {
    let world = company(Setup::new()).await;
    world.pass(SignedDuration::from_hours(24 * 31));
    world.control(&format!("sign-ins/{}", account(&world, "hr:1")), &serde_json::json!({}));
    let asked = Given { policy: "[reconcile]\ninactive_days = 30\n".into(), page: 3, ..Given::default() };
    let mut told = Reconciling::of(&world, asked.clone()).run(&dry()).await;
    assert_eq!(told.of_kind(Kind::Inactive).len(), 11, "seven of HR and four whom nobody knows: {told:#?}");
    told.0.retain(|finding| finding.kind != Kind::Inactive);

    let refusal = Refusal { part: "signInActivity", status: 403, after: 0, times: PLENTY };
    let refused = Reconciling::of(&world, Given { refusal: Some(refusal), ..asked.clone() });
    let mut found = refused.run(&dry()).await;
    let is_remark = |finding: &&domain::reconcile::Finding| {
        finding.kind == Kind::NotReadable
            && finding.detail.as_ref().is_some_and(|why| why.contains("AuditLog.Read.All"))
    };
    let remarks: Vec<_> = found.0.iter().filter(is_remark).cloned().collect();
    assert_eq!(remarks.len(), 1, "{found:#?}");
    found.0.retain(|finding| !remarks.contains(finding));
    assert_eq!(found, told, "everything else is told as ever, and nobody is called inactive");
    let asks = refused.wire.calls.lock().unwrap().iter().filter(|call| call.contains("signInActivity")).count();
    assert_eq!(asks, 1, "it asks once");
    let run = world.store.run(RunName::DryRun).await.unwrap().unwrap();
    assert_eq!((run.reads_sign_ins, run.ended_at.is_some()), (Some(false), true));

    let elsewhere = Refusal { part: "/members/", ..refusal };
    let stuck = Reconciling::of(&world, Given { refusal: Some(elsewhere), ..asked });
    assert!(matches!(stuck.turn(&dry()).await, Some(Err(Trouble::Graph(_)))), "of anything else it is an error");
}

#[tokio::test]
async fn m18_a_list_whose_place_graph_has_forgotten_is_begun_anew_and_finds_the_same() {
    let world = disturbed().await;
    let given = Given { page: 2, ..Given::default() };
    let whole = Reconciling::of(&world.fork(crate::world::Trouble::default()), given.clone());
    let expected = whole.run(&real()).await;
    let undisturbed = whole.app.census.run(RunName::Real).await.unwrap().unwrap();
    let links = whole.wire.calls.lock().unwrap().iter().filter(|call| call.contains("skiptoken")).count();
    assert!(links > 8, "{links}");

    for status in [400, 410] {
        for after in 0..links {
            let world = world.fork(crate::world::Trouble::default());
            let refusal = Refusal { part: "skiptoken", status, after, times: 1 };
            let forgetful = Reconciling::of(&world, Given { refusal: Some(refusal), ..given.clone() });
            assert_eq!(forgetful.run(&real()).await, expected, "{status} at link {after}");
            let mut woken = forgetful.woken();
            let mut once = whole.woken();
            woken.sort();
            once.sort();
            assert_eq!(woken, once, "{status} at link {after}: nobody is woken twice");
            let run = world.store.run(RunName::Real).await.unwrap().unwrap();
            assert_eq!((run.accounts, run.seats), (undisturbed.accounts, undisturbed.seats.clone()));
        }
    }
}

#[tokio::test]
async fn m18_a_list_that_is_forgotten_again_and_again_ends_the_turn_and_the_next_goes_on() {
    let world = disturbed().await;
    let given = Given { page: 2, ..Given::default() };
    let expected = Reconciling::of(&world, given.clone()).run(&dry()).await;
    let refusal = Refusal { part: "skiptoken", status: 410, after: 0, times: PLENTY };
    let forgetful = Reconciling::of(&world, Given { refusal: Some(refusal), ..given.clone() });
    assert!(matches!(forgetful.turn(&real()).await, Some(Err(Trouble::Graph(_)))));
    let links = forgetful.wire.calls.lock().unwrap().iter().filter(|call| call.contains("skiptoken")).count();
    assert_eq!(links, 3, "twice it begins anew");
    assert_eq!(world.store.run(RunName::Real).await.unwrap().unwrap().ended_at, None);
    assert_eq!(Reconciling::of(&world, given).run(&real()).await, expected);
}

#[tokio::test]
async fn m18_of_two_runs_at_once_one_goes_on_wherever_the_other_stands_and_nobody_is_woken_twice() {
    let world = disturbed().await;
    let given = Given { page: 3, ..Given::default() };
    let alone = world.fork(crate::world::Trouble::default());
    let whole = Reconciling::of(&alone, given.clone());
    let expected = whole.run(&real()).await;
    let (messages, deeds) = (queued(&alone), whole.writes() + whole.wire.calls.lock().unwrap().len());
    assert!(deeds > 40, "{deeds}");

    for stands_at in 0..deeds {
        let world = world.fork(crate::world::Trouble::default());
        let gate = Arc::new(Semaphore::new(stands_at));
        let slow = Reconciling::of(&world, Given { gate: Some(gate.clone()), ..given.clone() });
        let quick = Reconciling::of(&world, given.clone());
        let order = real();
        let overtake = async {
            let ended = quick.turn(&order).await;
            gate.add_permits(PLENTY);
            ended
        };
        let (slow, quick) = tokio::join!(slow.turn(&order), overtake);
        assert!(matches!(quick, Some(Ok(Ended::Whole))), "before deed {stands_at}: {quick:?}");
        assert!(matches!(slow, Some(Err(Trouble::Elsewhere))), "before deed {stands_at}: {slow:?}");
        assert_eq!(Found::of(&world.store, RunName::Real).await, expected, "before deed {stands_at}");
        assert_eq!(queued(&world), messages, "before deed {stands_at}");
    }
}

#[tokio::test]
async fn m18_a_run_over_something_else_waits_until_the_one_under_way_has_ended_or_fallen_silent() {
    let world = disturbed().await;
    let gate = Arc::new(Semaphore::new(12));
    let slow = Reconciling::of(&world, Given { page: 2, gate: Some(gate), ..Given::default() });
    let accounts = Order { scopes: [Scope::Accounts].into(), ..real() };
    let other = async {
        let early = Reconciling::of(&world, Given::default()).turn(&accounts).await;
        assert!(matches!(early, Some(Err(Trouble::Elsewhere))), "{early:?}");
        world.pass(SignedDuration::from_mins(11));
        Reconciling::of(&world, Given::default()).turn(&accounts).await
    };
    let order = real();
    let late = tokio::select! {
        biased;
        ended = slow.turn(&order) => panic!("it stands still: {ended:?}"),
        late = other => late,
    };
    assert!(matches!(late, Some(Ok(Ended::Whole))), "{late:?}");
    let found = Found::of(&world.store, RunName::Real).await.drift();
    let expected: Vec<_> = drift().into_iter().filter(|(kind, _)| *kind <= Kind::MarkMissing).collect();
    assert_eq!(found, expected);
}
