//! The day, disturbed once at every place where it can be: it ends in the same tenant every time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::day;
use crate::world::tenant::difference;
use crate::world::{Losses, Trouble, World};

/// The runs of a test are shared out among so many threads.
const THREADS: usize = 2;
/// Failing runs that are told in full.
const TOLD_MAX: usize = 3;

/// Plays the day under some trouble; if everything dies, it is opened again and goes on. What is wrong at the end, if anything.
async fn verdict(morning: &World, trouble: Trouble, expected: &Value) -> Option<String> {
    let (events, answered) = (day::events(), AtomicUsize::new(0));
    let mut world = morning.fork(trouble);
    let survived = world.survive(day::play(&world, &events, &answered)).await;
    // Trouble that never came would prove nothing.
    assert_eq!(survived, trouble.crash_at.is_none(), "{trouble:?}");
    if !survived {
        world = world.restart(Trouble { crash_at: None, ..trouble });
        day::play(&world, &events, &answered).await;
    }
    let mut wrong = difference(expected, &world.tenant());
    wrong.extend(world.failures().iter().map(|failure| format!("failed: {} {}", failure.cause, failure.reason)));
    wrong.extend(world.pages().iter().map(|page| format!("paged: {}", page.text)));
    if wrong.is_empty() { None } else { Some(format!("{trouble:?}\n{wrong:#?}\n{}", world.dump().await)) }
}

/// Plays the day under every trouble; fails with those that ended otherwise.
fn check(troubles: impl FnOnce(usize, usize) -> Vec<Trouble>) {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let morning = runtime().block_on(day::morning());
    let (expected, writes, calls) = runtime().block_on(day::undisturbed(&morning));
    let troubles = troubles(writes, calls);
    let (next, bad) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let runtime = runtime();
                while let Some(trouble) = troubles.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(wrong) = runtime.block_on(verdict(&morning, *trouble, &expected)) {
                        bad.lock().unwrap().push((*trouble, wrong));
                    }
                }
            });
        }
    });
    let bad = bad.into_inner().unwrap();
    let told: Vec<_> = bad.iter().take(TOLD_MAX).map(|(_, wrong)| wrong.as_str()).collect();
    let which: Vec<_> = bad.iter().map(|(trouble, _)| trouble).collect();
    assert!(bad.is_empty(), "{} of {} runs ended otherwise: {which:?}\n{}", bad.len(), troubles.len(), told.join("\n"));
}

#[test]
fn dying_before_any_write_of_the_day_ends_in_the_same_tenant() {
    check(|writes, _| (1..=writes).map(|at| Trouble { crash_at: Some(at), ..Trouble::default() }).collect());
}

#[test]
fn losing_the_answer_of_any_call_of_the_day_ends_in_the_same_tenant() {
    check(|_, calls| (1..=calls).map(|at| Trouble { losses: Losses::Of(at), ..Trouble::default() }).collect());
}

#[test]
fn every_message_of_the_day_twice_and_every_other_answer_lost_ends_in_the_same_tenant() {
    check(|_, _| {
        let (twice, losses) = (true, Losses::EveryOther);
        vec![
            Trouble { twice, ..Trouble::default() },
            Trouble { losses, ..Trouble::default() },
            Trouble { twice, losses, ..Trouble::default() },
        ]
    });
}
