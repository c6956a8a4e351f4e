//! Joiners, leavers and purchases in generated order, several workers at once, before replicas that lag.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::civil::Date;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::json;

use super::{VISIO, designer, holds, line, with_seats};
use crate::world::{Trouble, World};

/// Cases by default; `PROPTEST_CASES` asks for more.
const CASES: u32 = 16;
/// Long enough for a look, the call it leads to, and reads that show what came of it.
const QUIET_MINUTES: i64 = 5;

/// What happens next.
#[derive(Debug, Clone)]
enum Move {
    /// Somebody joins, employed since this day of February.
    Joins(usize, u8),
    Leaves(usize),
    ChangesTheirJob(usize),
    Buys,
    /// Seconds pass.
    Passes(u16),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let who = 0..7_usize;
    let one = prop_oneof![
        5 => (who.clone(), 1..28_u8).prop_map(|(who, day)| Move::Joins(who, day)),
        2 => who.clone().prop_map(Move::Leaves),
        1 => who.prop_map(Move::ChangesTheirJob),
        2 => Just(Move::Buys),
        3 => (1..200_u16).prop_map(Move::Passes),
    ];
    prop::collection::vec(one, 4..16)
}

/// Who waited and who was served when it was looked last.
#[derive(Default)]
struct Watch {
    /// Who waited at the last look, and their rank.
    waited: BTreeMap<String, domain::seats::Rank>,
    served: BTreeSet<String>,
    /// First days.
    starts: BTreeMap<String, Date>,
}

impl Watch {
    /// Nobody who waited before and waits still was overtaken by somebody of a lower rank who was served meanwhile.
    async fn look(&mut self, world: &World, people: &BTreeSet<usize>) -> Result<(), TestCaseError> {
        let line = line(world).await;
        let waiting: BTreeMap<_, _> =
            line.waiting().iter().map(|waiting| (waiting.person.to_string(), waiting.rank)).collect();
        let has = |id: &String| !world.accounts(id).is_empty() && holds(world, id, VISIO);
        let served: BTreeSet<_> = people.iter().map(|number| format!("hr:{number}")).filter(has).collect();
        for (person, rank) in waiting.iter().filter(|(person, _)| self.waited.contains_key(*person)) {
            for other in served.difference(&self.served) {
                // Whoever was not there the last time came later than whoever was.
                let before = self.waited.get(other);
                let is_fair = before.map_or(self.starts[other] < rank.start, |other| other < rank);
                prop_assert!(is_fair, "{other} {before:?} overtook {person} {rank:?}\n{}", world.dump().await);
            }
        }
        (self.waited, self.served) = (waiting, served);
        Ok(())
    }
}

/// Every try to assign found its seat: what was promised was there.
fn refused(world: &World) -> usize {
    let is_refused = |call: &&serde_json::Value| {
        call["path"].as_str().unwrap().ends_with("/assignLicense") && call["status"].as_u64().unwrap() >= 400
    };
    world.calls().iter().filter(is_refused).count()
}

async fn play(seats: usize, moves: &[Move], workers: usize, yields: usize) -> Result<(), TestCaseError> {
    let world = with_seats(seats).with_trouble(Trouble { yields, ..Trouble::default() }).build();
    let (mut owned, mut people, mut watch) = (seats, BTreeSet::new(), Watch::default());
    for next in moves {
        match next {
            Move::Joins(number, day) if people.insert(*number) => {
                let start = Date::constant(2026, 2, i8::try_from(*day).unwrap());
                watch.starts.insert(format!("hr:{number}"), start);
                designer(&world, &number.to_string(), &start.to_string()).await;
            }
            Move::Leaves(number) if people.contains(number) => {
                world.hear(&number.to_string(), &json!({"termination.immediate": true})).await;
            }
            Move::ChangesTheirJob(number) if people.contains(number) => {
                world.hear(&number.to_string(), &json!({"org.department.name": "Nowhere"})).await;
            }
            Move::Joins(..) | Move::Leaves(_) | Move::ChangesTheirJob(_) => {}
            Move::Buys => {
                owned += 1;
                world.control("seats", &json!({VISIO: owned}));
            }
            Move::Passes(seconds) => {
                let until = world.now() + SignedDuration::from_secs(i64::from(*seconds));
                world.run_together(workers, until).await;
                watch.look(&world, &people).await?;
            }
        }
    }
    world.run_together(workers, world.now() + SignedDuration::from_mins(QUIET_MINUTES)).await;
    watch.look(&world, &people).await?;
    let taken = watch.served.len();
    prop_assert!(taken <= owned, "{taken} on {owned} seats");
    prop_assert!(watch.waited.is_empty() || taken == owned, "{:?} wait, {taken} of {owned} are taken", watch.waited);
    prop_assert_eq!(refused(&world), 0, "a promised seat was none");
    prop_assert_eq!((world.wrongs(), world.failures()), (vec![], vec![]));
    Ok(())
}

#[test]
fn m13_in_any_race_no_seat_is_over_assigned_nobody_is_overtaken_and_nobody_waits_while_a_seat_is_free() {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let config =
        ProptestConfig { cases: asked.unwrap_or(CASES), failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(seats in 0..3_usize, moves in moves(), workers in 1..5_usize, yields in 0..4_usize)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(play(seats, &moves, workers, yields))?;
    });
}
