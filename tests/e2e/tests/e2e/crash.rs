//! The day, disturbed once at every place where it can be: it ends in the same tenant every time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::day::{self, Station};
use crate::world::tenant::difference;
use crate::world::{Losses, Trouble};

/// The runs of a test are shared out among so many threads.
const THREADS: usize = 2;
/// Failing runs that are told in full.
const TOLD_MAX: usize = 3;

/// Plays the rest of the day under some trouble; if everything dies, it is opened again and goes on. What is wrong at the
/// end, if anything.
async fn verdict(from: &Station, trouble: Trouble, expected: &Value) -> Option<String> {
    let (events, answered) = (day::events(), AtomicUsize::new(from.answered));
    let mut world = from.world.fork(trouble);
    let survived = Box::pin(world.survive(day::play(&world, &events, &answered))).await;
    // Trouble that never came would prove nothing.
    assert_eq!(survived, trouble.crash_at.is_none(), "{trouble:?}");
    if !survived {
        world = world.restart(Trouble { crash_at: None, ..trouble });
        day::play(&world, &events, &answered).await;
    }
    let mut wrong = difference(expected, &day::end(&world).await);
    wrong.extend(world.failures().iter().map(|failure| format!("failed: {} {}", failure.cause, failure.reason)));
    wrong.extend(world.wrongs());
    wrong.extend(world.pages().iter().map(|page| format!("paged: {}", page.text)));
    if wrong.is_empty() { None } else { Some(format!("{wrong:#?}\n{}", world.dump().await)) }
}

/// Plays the day under every trouble that a station has; fails with those that ended otherwise.
fn check(troubles: impl Fn(&Station) -> Vec<Trouble>) {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let morning = runtime().block_on(day::morning());
    let expected = runtime().block_on(day::undisturbed(&morning));
    let stations = runtime().block_on(day::stations(&morning));
    let runs: Vec<_> = stations
        .iter()
        .flat_map(|station| troubles(station).into_iter().map(move |trouble| (station, trouble)))
        .collect();
    let (next, bad) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let runtime = runtime();
                while let Some((station, trouble)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(wrong) = runtime.block_on(verdict(station, *trouble, &expected)) {
                        bad.lock().unwrap().push(format!("after event {}, {trouble:?}: {wrong}", station.answered));
                    }
                }
            });
        }
    });
    let bad = bad.into_inner().unwrap();
    let told = bad.iter().take(TOLD_MAX).map(String::as_str).collect::<Vec<_>>().join("\n");
    let which: Vec<_> = bad.iter().map(|text| text.lines().next()).collect();
    assert!(bad.is_empty(), "{} of {} runs ended otherwise: {which:#?}\n{told}", bad.len(), runs.len());
}

#[test]
fn dying_before_any_write_of_the_day_ends_in_the_same_tenant() {
    check(|from| (1..=from.writes).map(|at| Trouble { crash_at: Some(at), ..Trouble::default() }).collect());
}

#[test]
fn every_message_of_the_day_twice_and_every_other_answer_lost_ends_in_the_same_tenant() {
    check(|_| {
        let (twice, losses) = (true, Losses::EveryOther);
        vec![
            Trouble { twice, ..Trouble::default() },
            Trouble { losses, ..Trouble::default() },
            Trouble { twice, losses, ..Trouble::default() },
        ]
    });
}
