//! Hints without facts: fetched, fetched again, put off, and never an offboarding by themselves.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end in a panic anywhere")]

mod world;

use std::sync::atomic::Ordering;

use domain::event::{EventKind, FactValue, Field, WorkerEvent};
use domain::message::{Message, QueueName};
use domain::person::TimelineKind;
use domain::ports::Failure;
use domain::record::Record;
use jiff::SignedDuration;
use people::handle;
use proptest::prelude::*;
use serde_json::json;
use world::World;

#[tokio::test]
async fn a_hint_is_fetched_once_if_the_record_is_as_new_as_the_hint() {
    let world = World::new(true);
    world.change(&json!({"department": "Marketing"}));
    world.hear(&world.hint()).await;
    assert_eq!(world.department().await.as_deref(), Some("Marketing"));
    assert_eq!(world.person().await.head.phase, "active");
    assert_eq!(world.woken(), [QueueName::Accounts, QueueName::Accounts], "before the fetch and after it");
    world.run_for_minutes(60).await;
    assert_eq!(world.calls(), [200]);
}

#[tokio::test]
async fn the_story_names_the_fields_that_are_not_as_they_were() {
    let world = World::new(true);
    world.hear(&world.hint()).await;
    let first = "read back: employment.hire_date, employment.status, home_country, location.country, \
                 name.legal.family, name.legal.given, org.department.name";
    assert_eq!(world.told(first).await, 1, "{:#?}", world.story().await);
    world.control("clock", &json!({"advance_ms": 60_000}));
    world.change(&json!({"department": "Marketing", "terminationDate": "2026-06-30", "jobTitle": null}));
    world.hear(&world.hint()).await;
    assert_eq!(
        world.told("read back: employment.end_date, org.department.name").await,
        1,
        "{:#?}",
        world.story().await
    );
}

#[tokio::test]
async fn every_fetch_goes_back_to_its_hint_whoever_woke_the_person() {
    let world = World::new(true);
    world.control("limits", &json!({"lag_ms": 60_000}));
    world.change(&json!({"department": "Marketing"}));
    let hint = world.hint();
    world.hear(&hint).await;
    world.run_for_minutes(20).await;
    let read_back = world.story().await.into_iter().filter(|line| line.text.contains("read back"));
    let correlation_ids: Vec<String> = read_back.map(|line| line.correlation_id).collect();
    assert_eq!(correlation_ids, [hint.event_id.as_str(), hint.event_id.as_str()]);
}

#[tokio::test]
async fn a_lagging_record_is_fetched_again_after_2_and_after_15_minutes() {
    for (lag_minutes, calls) in [(1, 2), (10, 3), (20, 3)] {
        let world = World::new(true);
        world.control("limits", &json!({"lag_ms": lag_minutes * 60_000}));
        world.change(&json!({"department": "Marketing"}));
        world.hear(&world.hint()).await;
        assert_eq!(world.department().await.as_deref(), Some("Sales"), "as it was");
        world.run_for_minutes(14).await;
        let seen = if lag_minutes == 1 { "Marketing" } else { "Sales" };
        assert_eq!(world.department().await.as_deref(), Some(seen), "after 2 minutes");
        world.run_for_minutes(60).await;
        let seen = if lag_minutes == 20 { "Sales" } else { "Marketing" };
        assert_eq!(world.department().await.as_deref(), Some(seen), "after 15 minutes");
        assert_eq!(world.calls().len(), calls, "a lag of {lag_minutes} minutes");
        assert_eq!(world.person().await.head.fetch_back.next(), None);
    }
}

#[tokio::test]
async fn a_hint_heard_again_does_not_multiply_its_fetches() {
    let world = World::new(true);
    world.control("limits", &json!({"lag_ms": 86_400_000}));
    world.change(&json!({"department": "Marketing"}));
    let hint = world.hint();
    for _ in 0..5 {
        world.hear(&hint).await;
        world.run_for_minutes(1).await;
    }
    world.run_for_minutes(60).await;
    world.hear(&hint).await;
    world.run_for_minutes(60).await;
    assert_eq!(world.calls().len(), 3);
}

#[tokio::test]
async fn a_storm_of_hints_leaves_three_fetches_to_come_at_most() {
    let world = World::new(true);
    world.control("limits", &json!({"lag_ms": 60_000}));
    for number in 0..20 {
        world.control("clock", &json!({"advance_ms": 1000}));
        world.change(&json!({"department": format!("Team {number}")}));
        world.hear(&world.hint()).await;
    }
    assert_eq!(world.calls().len(), 20, "each at once");
    world.run_for_minutes(60).await;
    assert!(world.calls().len() <= 22, "{:?}", world.calls());
    assert_eq!(world.department().await.as_deref(), Some("Team 19"));
}

#[tokio::test]
async fn a_limit_puts_the_fetch_off_and_fails_nothing() {
    for status in [503, 429] {
        let world = World::new(true);
        world.control("limits", &json!({"per_minute": 0, "status": status}));
        world.change(&json!({"department": "Marketing"}));
        world.hear(&world.hint()).await;
        world.run_for_minutes(5).await;
        assert_eq!(world.told("HR asks to wait 60 s").await, 1, "a row of refusals is one line");
        assert!(world.calls().len() <= 6, "{:?}", world.calls());
        world.control("limits", &json!({"per_minute": null}));
        world.run_for_minutes(5).await;
        assert_eq!(world.department().await.as_deref(), Some("Marketing"));
    }
}

#[tokio::test]
async fn an_hr_system_that_is_away_is_asked_ever_more_seldom_until_it_is_back() {
    let world = World::new(true);
    *world.ports.unplugged.lock().unwrap() = true;
    world.change(&json!({"department": "Marketing"}));
    world.hear(&world.hint()).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.pages(), [""; 0], "a short outage is nobody's business");
    world.run_for_minutes(110).await;
    assert_eq!(world.told("HR did not answer: no connection; the record is read at").await, 1);
    let [page] = &world.pages()[..] else { panic!("{:?}", world.pages()) };
    assert!(page.contains("`bamboo` cannot be read (HR did not answer: no connection)"), "{page}");
    *world.ports.unplugged.lock().unwrap() = false;
    world.run_for_minutes(16).await;
    assert_eq!(world.department().await.as_deref(), Some("Marketing"));
    assert_eq!(world.calls(), [200]);
}

#[tokio::test]
async fn a_refused_key_pages_at_once_and_once_a_day() {
    let world = World::with_keys(true, &["another"]);
    world.hear(&world.hint()).await;
    world.run_for_minutes(0).await;
    let [page] = &world.pages()[..] else { panic!("{:?}", world.pages()) };
    assert!(page.contains("HR refuses the API key (401)") && page.contains("leavers among them"), "{page}");
    world.run_for_minutes(3 * 60).await;
    assert_eq!(world.pages().len(), 1);
    world.run_for_minutes(20 * 60).await;
    assert_eq!(world.pages().len(), 2);
}

#[tokio::test]
async fn a_record_that_is_not_there_offboards_nobody() {
    let world = World::new(true);
    world.hear(&world.hint()).await;
    assert_eq!(world.person().await.head.phase, "active");
    world.control("clock", &json!({"advance_ms": 60_000}));
    world.change(&json!(null));
    world.hear(&world.hint()).await;
    world.run_for_minutes(60).await;
    assert_eq!(world.calls()[1..], [404, 404, 404]);
    assert_eq!(world.told("nobody is offboarded by it").await, 3);
    let person = world.person().await;
    assert_eq!((person.head.phase.as_str(), person.head.cut), ("active", false));
}

#[tokio::test]
async fn a_record_too_young_to_be_read_is_found_later() {
    let world = World::new(true);
    world.change(&json!(null));
    world.control("clock", &json!({"advance_ms": 90_000}));
    world.control("limits", &json!({"lag_ms": 60_000}));
    world.change(&json!({"firstName": "Zoë", "department": "Marketing", "hireDate": "2026-03-02"}));
    world.hear(&world.event(EventKind::Hire, "employee.created")).await;
    assert_eq!(world.department().await, None);
    world.run_for_minutes(3).await;
    assert_eq!(world.department().await.as_deref(), Some("Marketing"));
    assert_eq!(world.person().await.head.phase, "active");
}

#[tokio::test]
async fn a_connection_without_an_api_says_what_it_lacks() {
    let world = World::new(false);
    world.hear(&world.hint()).await;
    let task = world.story().await.into_iter().find(|line| line.kind == TimelineKind::Task).expect("a task");
    assert!(task.text.contains("no `api`"), "{}", task.text);
    let mut irrelevant = world.hint();
    irrelevant.vendor_changed_fields = vec!["tShirtSize".into()];
    world.hear(&irrelevant).await;
    assert_eq!(world.told("no `api`").await, 1);
    assert_eq!(world.person().await.head.next_due, None);
}

#[tokio::test]
async fn an_api_that_was_taken_out_of_the_policy_is_waited_for_no_longer() {
    let mut world = World::new(true);
    world.control("limits", &json!({"per_minute": 0}));
    world.hear(&world.hint()).await;
    assert!(world.person().await.head.fetch_back.next().is_some());
    world.app.readers = std::sync::Arc::default();
    world.run_for_minutes(5).await;
    assert_eq!(world.person().await.head.fetch_back.next(), None);
    assert_eq!(world.told("no `api`").await, 1);
}

#[tokio::test]
async fn a_cut_does_not_wait_for_hr() {
    let world = World::new(true);
    world.control("limits", &json!({"per_minute": 0}));
    world.hear(&world.hint()).await;
    world.control("clock", &json!({"advance_ms": 60_000}));
    world.woken();
    let calls = world.calls().len();
    let mut revoke = world.event(EventKind::AccessRevokeImmediate, "Updated");
    revoke.facts.insert(Field::of("termination.immediate").unwrap(), FactValue::Bool(true));
    world.hear(&revoke).await;
    assert_eq!(world.woken(), [QueueName::AccountsUrgent]);
    assert_eq!(world.calls().len(), calls, "though a fetch is due");
    assert!(world.person().await.head.cut);
}

#[tokio::test]
async fn a_cut_that_falls_due_while_hr_is_asked_is_handed_on_whatever_hr_says() {
    for unplugged in [false, true] {
        let world = World::new(true);
        let mut leaver = world.event(EventKind::TerminationScheduled, "Updated");
        let last_day = FactValue::Date("2026-03-02".parse().unwrap());
        leaver.facts.insert(Field::of("termination.last_working_day").unwrap(), last_day);
        leaver.facts.insert(Field::of("employment.hire_date").unwrap(), FactValue::Date("2026-01-05".parse().unwrap()));
        world.hear(&leaver).await;
        world.control("clock", &json!({"now": "2026-03-02T16:59:50Z"}));
        world.woken();
        *world.ports.slowness.lock().unwrap() = SignedDuration::from_secs(20);
        *world.ports.unplugged.lock().unwrap() = unplugged;
        world.hear(&world.hint()).await;
        assert_eq!(world.woken(), [QueueName::Accounts, QueueName::AccountsUrgent], "unplugged: {unplugged}");
        assert!(world.person().await.head.cut);
    }
}

#[tokio::test]
async fn a_termination_that_only_the_record_tells_is_a_cut() {
    let world = World::new(true);
    world.hear(&world.hint()).await;
    world.woken();
    world.control("clock", &json!({"advance_ms": 60_000}));
    world.change(
        &json!({"status": "Inactive", "employmentHistoryStatus": "Terminated", "terminationDate": "2026-03-01"}),
    );
    world.hear(&world.hint()).await;
    assert_eq!(world.woken(), [QueueName::Accounts, QueueName::AccountsUrgent]);
    let person = world.person().await;
    assert_eq!((person.head.phase.as_str(), person.head.cut), ("leaver", true));
}

#[tokio::test]
async fn a_deleted_record_is_a_finding_and_not_fetched() {
    let world = World::new(true);
    world.hear(&world.event(EventKind::RecordDeleted, "employee.deleted")).await;
    world.run_for_minutes(60).await;
    assert_eq!(world.calls(), [0_u64; 0]);
    assert!(!world.person().await.head.cut);
}

/// The hint is delivered until it is done, as a queue does; every write may be the last one before a crash.
#[tokio::test]
async fn a_crash_before_any_write_loses_neither_the_hint_nor_the_hand_on() {
    for writes in 0..8 {
        let world = World::new(true);
        world.control("limits", &json!({"lag_ms": 60_000}));
        world.change(&json!({"department": "Marketing"}));
        world.ports.writes_left.store(writes, Ordering::Relaxed);
        let message = Message::hr_event(world.hint());
        let first = handle(&world.app, &message).await;
        world.ports.writes_left.store(usize::MAX, Ordering::Relaxed);
        match first {
            Ok(_) => assert!(writes >= 4, "two looks, two hand-ons"),
            Err(Failure::Retry(_)) => {
                world.woken();
                handle(&world.app, &message).await.unwrap();
                assert!(!world.woken().is_empty(), "died before write {writes}");
            }
            Err(other) => panic!("{other}"),
        }
        world.run_for_minutes(20).await;
        assert_eq!(world.department().await.as_deref(), Some("Marketing"), "died before write {writes}");
        assert!(world.calls().len() <= 3, "died before write {writes}: {:?}", world.calls());
    }
}

/// As above, but the message is lost for good after the crash: the roster alone brings the fetch.
#[tokio::test]
async fn once_a_hint_is_stored_the_roster_alone_brings_its_fetches() {
    for writes in 1..4 {
        let world = World::new(true);
        world.change(&json!({"department": "Marketing"}));
        world.ports.writes_left.store(writes, Ordering::Relaxed);
        assert!(handle(&world.app, &Message::hr_event(world.hint())).await.is_err());
        world.ports.writes_left.store(usize::MAX, Ordering::Relaxed);
        world.run_for_minutes(20).await;
        assert_eq!(world.department().await.as_deref(), Some("Marketing"), "died before write {writes}");
    }
}

/// Hints and fetched records of a person whose record changes every minute; the last two records do not say when they were
/// changed.
async fn material() -> Vec<WorkerEvent> {
    let world = World::new(true);
    let mut events = Vec::new();
    for number in 0..5 {
        let fields = match number {
            3 => json!({"department": "Four", "lastChanged": null}),
            4 => json!({"department": null, "terminationDate": "2026-05-01", "lastChanged": ""}),
            _ => json!({"department": format!("Team {number}"), "hireDate": "0000-00-00"}),
        };
        world.change(&fields);
        events.push(world.hint());
        events.push(world.read().await);
        world.control("clock", &json!({"advance_ms": 60_000}));
    }
    events
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn record_after(order: &[&WorkerEvent]) -> Record {
    let world = World::new(false);
    for event in order {
        world.hear(event).await;
    }
    world.person().await.head.record
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_order_of_hints_fetches_and_duplicates_ends_in_the_same_record(
        order in Just((0..10_usize).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec(0..10_usize, 0..6),
    ) {
        runtime().block_on(async {
            let events = material().await;
            let expected = record_after(&events.iter().collect::<Vec<_>>()).await;
            let shuffled: Vec<&WorkerEvent> = order.iter().chain(&again).map(|at| &events[*at]).collect();
            assert_eq!(record_after(&shuffled).await, expected);
        });
    }

    #[test]
    fn whatever_hr_does_the_record_ends_as_hr_has_it(
        lag_minutes in 0..14_i64,
        per_minute in prop::option::of(1..4_u64),
        moves in prop::collection::vec((0..3_u8, 0..240_i64), 1..12),
    ) {
        runtime().block_on(async {
            let world = World::new(true);
            world.control("limits", &json!({"lag_ms": lag_minutes * 60_000, "per_minute": per_minute}));
            let mut last = None;
            for (turn, (kind, seconds)) in moves.into_iter().enumerate() {
                world.control("clock", &json!({"advance_ms": seconds * 1000}));
                match (kind, &last) {
                    (0, Some(hint)) => world.hear(hint).await,
                    (1, _) => world.run_for_minutes(1).await,
                    _ => {
                        world.change(&json!({"department": format!("Team {turn}")}));
                        let hint = world.hint();
                        world.hear(&hint).await;
                        last = Some(hint);
                    }
                }
            }
            world.control("limits", &json!({"per_minute": null}));
            world.run_for_minutes(40).await;
            if last.is_some() {
                let expected = world.read().await.facts.get("org.department.name").and_then(FactValue::as_text).map(str::to_owned);
                assert_eq!(world.department().await, expected);
            }
            assert_eq!(world.person_or_none().await.and_then(|person| person.head.fetch_back.next()), None);
        });
    }
}
