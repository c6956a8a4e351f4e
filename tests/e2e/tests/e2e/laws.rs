//! What holds for any order, any repetition and any moment: generated cases over the day.

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};

use crate::day;
use crate::world::hr::Event;
use crate::world::tenant::difference;
use crate::world::{Setup, Trouble, World, give_way, joiner};

/// Cases by default: enough to meet most pairs of neighbors, and done in half a minute. `PROPTEST_CASES` asks for more.
const CASES: u32 = 24;

fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(CASES), failure_persistence: None, ..ProptestConfig::default() }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

/// The events of the day in another order, each delivered at least once.
fn deliveries() -> impl Strategy<Value = Vec<Event>> {
    let events = day::events();
    let more = prop::collection::vec(any::<Index>(), 0..4);
    (Just(events), more).prop_flat_map(|(events, more)| {
        let again: Vec<_> = more.iter().map(|index| index.get(&events).clone()).collect();
        Just([events, again].concat()).prop_shuffle()
    })
}

/// Plays the day with its events delivered like this, with so many messages handled between one and the next.
async fn end_of(morning: &World, events: &[Event], pauses: &[usize]) -> (Value, Vec<String>) {
    let world = morning.fork(Trouble::default());
    world.run_until(day::events().last().unwrap().at).await;
    for (event, pause) in events.iter().zip(pauses.iter().cycle()) {
        world.deliver(event).await;
        for _ in 0..*pause {
            world.work_one().await;
        }
    }
    world.run_until(day::ends()).await;
    let failures = world.failures().iter().map(|failure| format!("{}: {}", failure.cause, failure.reason)).collect();
    (day::end(&world).await, failures)
}

fn same(expected: &Value, (end, failures): &(Value, Vec<String>)) -> Result<(), TestCaseError> {
    let difference = difference(expected, end);
    prop_assert!(difference.is_empty() && failures.is_empty(), "{difference:#?} {failures:#?}");
    Ok(())
}

#[test]
fn the_day_twice_backwards_or_shuffled_ends_in_the_same_tenant() {
    let morning = block_on(day::morning());
    let expected = block_on(day::undisturbed(&morning));
    let twice = day::events().into_iter().flat_map(|event| [event.clone(), event]).collect::<Vec<_>>();
    let backwards = day::events().into_iter().rev().collect::<Vec<_>>();
    for (events, pauses) in [(&twice, [0]), (&twice, [3]), (&backwards, [0]), (&backwards, [3]), (&backwards, [50])] {
        same(&expected, &block_on(end_of(&morning, events, &pauses))).unwrap();
    }
    proptest!(config(), |(events in deliveries(), pauses in prop::collection::vec(0_usize..12, 1..4))| {
        same(&expected, &block_on(end_of(&morning, &events, &pauses)))?;
    });
}

/// What may be going on while a cut comes in.
fn granting_work() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"org.department.name": "Engineering"})),
        Just(json!({"org.department.name": "Design", "org.job.title": "Designer"})),
        Just(json!({"employment.status": "active"})),
        Just(joiner("Lea", "Ver", "Engineering", "2026-02-02")),
        Just(json!({"location.country": "DE"})),
    ]
}

/// Nothing is left of somebody's access.
fn has_no_access(world: &World) -> Result<(), TestCaseError> {
    for account in world.accounts("hr:1") {
        prop_assert_eq!(&account["accountEnabled"], &json!(false));
        prop_assert_eq!((world.groups("hr:1"), world.licenses("hr:1")), (vec![], vec![]));
    }
    prop_assert!(world.accounts("hr:1").len() <= 1);
    prop_assert_eq!(world.wrongs(), Vec::<String>::new());
    Ok(())
}

/// Words of HR, each with how often it gives way to the workers first.
fn words() -> impl Strategy<Value = Vec<(Value, usize)>> {
    prop::collection::vec((granting_work(), 0_usize..30), 0..3)
}

#[test]
fn no_leaver_ends_with_access_whatever_the_cut_runs_into() {
    proptest!(config(), |(
        settled in any::<bool>(), before in words(), moment in 0_usize..60, after in words(),
        workers in 1_usize..5, yields in 1_usize..4, twice in any::<bool>(),
    )| {
        block_on(async {
            let world = Setup::new().with_trouble(Trouble { twice, yields, ..Trouble::default() }).build();
            world.hear("1", &joiner("Lea", "Ver", "Sales", "2026-02-02")).await;
            if settled {
                world.run_for_minutes(5).await;
            }
            let said = async {
                for (facts, pause) in &before {
                    give_way(*pause).await;
                    world.hear("1", facts).await;
                }
                // Said before the cut, heard after it.
                let late: Vec<_> = after.iter().map(|(facts, pause)| (world.event("1", facts), *pause)).collect();
                give_way(moment).await;
                world.pass(SignedDuration::from_secs(1));
                world.hear("1", &json!({"termination.immediate": true})).await;
                for (event, pause) in &late {
                    give_way(*pause).await;
                    world.deliver(event).await;
                }
            };
            world.run_together_while(workers, said, world.now() + SignedDuration::from_hours(2)).await;
            has_no_access(&world)
        })?;
    });
}
