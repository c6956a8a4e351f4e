//! The laws of a line: single moves, then a tenant whose reads lag, with people who come, go and buy at random.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const SETTLE: SignedDuration = SignedDuration::from_secs(120);

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn who(number: usize) -> PersonId {
    PersonId::new("hr", &number.to_string()).unwrap()
}

fn rank(priority: u32, since: Timestamp) -> Rank {
    Rank { priority, start: Date::constant(2026, 3, 2), since }
}

fn line() -> Line {
    Line::new(crate::sample::VISIO.parse().unwrap())
}

/// Person, priority and second: asks while so many seats are free as read now.
fn ask(line: &mut Line, number: usize, priority: u32, at: i64, free: i64) -> Answer {
    let now = second(at);
    line.ask(&who(number), rank(priority, now), Supply { free, read_at: now }, now, SETTLE)
}

#[test]
fn m13_the_order_is_priority_then_first_day_then_arrival() {
    let early = |day| Rank { start: Date::constant(2026, 3, day), ..rank(1, second(9)) };
    assert!(rank(1, second(9)) < rank(2, second(0)));
    assert!(early(1) < early(2));
    assert!(rank(1, second(0)) < rank(1, second(1)));
    let mut line = line();
    for (number, priority, at) in [(1, 5, 0), (2, 5, 1), (3, 1, 2)] {
        assert!(matches!(ask(&mut line, number, priority, at, 0), Answer::Waits { .. }));
    }
    assert_eq!([3, 1, 2].map(|number| line.place(&who(number))), [Some(1), Some(2), Some(3)]);
}

#[test]
fn m13_two_people_never_get_one_seat() {
    let mut line = line();
    assert_eq!(ask(&mut line, 1, 1, 0, 1), Answer::Served);
    assert_eq!(ask(&mut line, 1, 1, 1, 1), Answer::Served, "it is theirs");
    assert_eq!(ask(&mut line, 2, 1, 2, 1), Answer::Waits { place: 1 });
    line.take(&who(1), second(5 + 120));
    assert_eq!(ask(&mut line, 2, 1, 124, 1), Answer::Waits { place: 1 }, "a read of then need not show it");
    assert_eq!(ask(&mut line, 2, 1, 130, 0), Answer::Waits { place: 1 }, "and here it does");
    assert_eq!(ask(&mut line, 2, 1, 130, 1), Answer::Served, "a second one was bought");
}

#[test]
fn m13_a_newcomer_takes_no_seat_that_is_meant_for_somebody_who_waits() {
    let mut line = line();
    ask(&mut line, 1, 5, 0, 0);
    assert_eq!(ask(&mut line, 2, 5, 1, 1), Answer::Waits { place: 2 });
    assert_eq!(ask(&mut line, 3, 1, 2, 1), Answer::Served, "a better rank does not wait for a worse one");
    assert_eq!(ask(&mut line, 2, 5, 3, 3), Answer::Served, "one is left after the first had theirs");
    assert_eq!(ask(&mut line, 1, 5, 4, 3), Answer::Served);
}

#[test]
fn m13_whoever_is_called_and_does_not_come_keeps_their_place_and_holds_up_nobody() {
    let mut line = line();
    ask(&mut line, 1, 1, 0, 0);
    ask(&mut line, 2, 1, 1, 0);
    let supply = |at| Supply { free: 1, read_at: second(at) };
    assert_eq!(line.call(supply(60), second(60)), [who(1)]);
    assert_eq!(line.call(supply(120), second(120)), [], "called once");
    assert_eq!(ask(&mut line, 2, 1, 130, 1), Answer::Waits { place: 2 });
    let later = 60 + CALL_STANDS.as_secs();
    assert_eq!(line.call(supply(later), second(later)), [who(1), who(2)]);
    assert_eq!(ask(&mut line, 2, 1, later + 1, 1), Answer::Waits { place: 2 }, "called again, and given time again");
    let much_later = later + 2 * CALL_STANDS.as_secs();
    assert_eq!(ask(&mut line, 2, 1, much_later, 1), Answer::Served);
    assert_eq!(line.place(&who(1)), Some(1));
    assert_eq!(ask(&mut line, 1, 1, much_later + 1, 2), Answer::Served);
}

#[test]
fn m13_whoever_leaves_frees_the_promised_seat_at_once_and_whoever_never_asks_again_loses_their_place() {
    let mut line = line();
    ask(&mut line, 1, 1, 0, 1);
    ask(&mut line, 2, 1, 1, 1);
    line.leave(&who(1), second(2));
    assert_eq!(line.look_at, Some(second(2)));
    assert_eq!(line.call(Supply { free: 1, read_at: second(2) }, second(2)), [who(2)]);
    line.leave(&who(2), second(3));
    assert_eq!((line.look_at, line.waiting().len()), (None, 0));
    ask(&mut line, 3, 1, 4, 0);
    let long = 4 + WAITING_STANDS.as_secs();
    assert_eq!(ask(&mut line, 4, 9, long, 0), Answer::Waits { place: 1 });
}

#[test]
fn m13_a_promise_that_came_to_nothing_expires() {
    let mut line = line();
    assert_eq!(ask(&mut line, 1, 1, 0, 1), Answer::Served);
    let expires = (IN_FLIGHT + SETTLE).as_secs();
    assert_eq!(ask(&mut line, 2, 1, expires - 1, 1), Answer::Waits { place: 1 });
    assert_eq!(ask(&mut line, 2, 1, expires, 1), Answer::Served);
}

#[test]
fn m13_the_tenants_word_that_there_is_no_seat_outweighs_reads_that_may_be_stale() {
    let mut line = line();
    assert_eq!(ask(&mut line, 1, 1, 0, 1), Answer::Served);
    line.refuse(&who(1), second(1), second(121));
    assert_eq!(line.place(&who(1)), Some(1));
    assert_eq!(line.call(Supply { free: 1, read_at: second(60) }, second(60)), []);
    assert_eq!(line.call(Supply { free: 1, read_at: second(121) }, second(121)), [who(1)]);
}

#[test]
fn a_line_is_bounded_and_a_stored_one_fits_an_item_of_400_kb() {
    let mut line = line();
    let name = |number: usize| PersonId::new("connection", &format!("{number:0>150}")).unwrap();
    let now = second(0);
    let supply = |free| Supply { free, read_at: now };
    for number in 0..=PROMISED_MAX + WAITING_MAX {
        let free = if number < PROMISED_MAX { i64::MAX } else { 0 };
        line.ask(&name(number), rank(1, now), supply(free), now, SETTLE);
    }
    assert_eq!((line.promised.len(), line.waiting.len()), (PROMISED_MAX, WAITING_MAX));
    let last = name(PROMISED_MAX + WAITING_MAX);
    assert_eq!(line.ask(&last, rank(1, now), supply(i64::MAX), now, SETTLE), Answer::Waits { place: WAITING_MAX + 1 });
    let stored = serde_json::to_string(&line).unwrap();
    assert!(stored.len() < 400_000, "{}", stored.len());
    assert_eq!(serde_json::from_str::<Line>(&stored).unwrap(), line);
}

/// A tenant whose reads show any state of the last [`SETTLE`], and the people who want a seat there.
struct World {
    now: i64,
    line: Line,
    owned: usize,
    held: BTreeSet<usize>,
    /// Free seats since each of these seconds, oldest first.
    past: Vec<(i64, i64)>,
    /// Who wants a seat and has none, with their priority and since when.
    want: BTreeMap<usize, (u32, i64)>,
    /// Served, and their call under way.
    calling: BTreeSet<usize>,
}

/// What happens next.
#[derive(Debug, Clone)]
enum Move {
    Comes(usize, u32),
    Asks(Index, u8),
    Lands(Index),
    GivesUp(Index),
    LeavesTheCompany(Index),
    Buys,
    Looks(u8),
    Passes(u16),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => (0..12_usize, 1..4_u32).prop_map(|(who, priority)| Move::Comes(who, priority)),
        6 => (any::<Index>(), any::<u8>()).prop_map(|(who, lag)| Move::Asks(who, lag)),
        5 => any::<Index>().prop_map(Move::Lands),
        1 => any::<Index>().prop_map(Move::GivesUp),
        2 => any::<Index>().prop_map(Move::LeavesTheCompany),
        1 => Just(Move::Buys),
        3 => any::<u8>().prop_map(Move::Looks),
        4 => (1..100_u16).prop_map(Move::Passes),
    ];
    prop::collection::vec(one, 1..120)
}

impl World {
    fn new(owned: usize) -> Self {
        let past = vec![(-1000, i64::try_from(owned).unwrap())];
        let (held, want, calling) = Default::default();
        Self { now: 0, line: line(), owned, held, past, want, calling }
    }

    fn free(&self) -> i64 {
        i64::try_from(self.owned).unwrap() - i64::try_from(self.held.len()).unwrap()
    }

    fn changed(&mut self) {
        self.past.push((self.now, self.free()));
    }

    /// A read begun now, answered by a replica that lags up to the settling time.
    fn read(&self, lag: u8) -> Supply {
        let shown = self.now - SETTLE.as_secs() * i64::from(lag) / 255;
        let free = self.past.iter().rev().find(|(at, _)| *at <= shown).unwrap().1;
        Supply { free, read_at: second(self.now) }
    }

    fn asks(&mut self, number: usize, lag: u8) -> Result<(), TestCaseError> {
        let (priority, since) = self.want[&number];
        let supply = self.read(lag);
        let rank = rank(priority, second(since));
        let is_kept = self.line.waiting().iter().any(|one| one.person == who(number) && one.is_kept(second(self.now)));
        let answer = self.line.ask(&who(number), rank, supply, second(self.now), SETTLE);
        if answer == Answer::Served && self.calling.insert(number) && !is_kept {
            // Whoever is better placed and waits could be served as well, from what is truly there.
            let better =
                self.line.waiting().iter().filter(|other| other.rank < rank && other.is_heard(second(self.now)));
            let under_way = self.calling.iter().filter(|other| **other != number).count();
            let left = self.free() - i64::try_from(under_way).unwrap();
            prop_assert!(i64::try_from(better.count()).unwrap() < left, "overtaken at {}", self.now);
        }
        Ok(())
    }

    fn lands(&mut self, number: usize) -> Result<(), TestCaseError> {
        self.calling.remove(&number);
        self.want.remove(&number);
        prop_assert!(self.free() > 0, "one seat for two at {}", self.now);
        self.held.insert(number);
        self.changed();
        self.line.take(&who(number), second(self.now) + SETTLE);
        Ok(())
    }

    fn step(&mut self, next: &Move) -> Result<(), TestCaseError> {
        let pick = |from: Vec<usize>, index: &Index| (!from.is_empty()).then(|| *index.get(&from));
        let idle = || self.want.keys().copied().filter(|one| !self.calling.contains(one)).collect::<Vec<_>>();
        match next {
            Move::Comes(number, priority) if !self.held.contains(number) => {
                self.want.entry(*number).or_insert((*priority, self.now));
            }
            Move::Comes(..) => {}
            Move::Asks(index, lag) => {
                if let Some(number) = pick(self.want.keys().copied().collect(), index) {
                    self.asks(number, *lag)?;
                }
            }
            Move::Lands(index) => {
                if let Some(number) = pick(self.calling.iter().copied().collect(), index) {
                    self.lands(number)?;
                }
            }
            Move::GivesUp(index) => {
                if let Some(number) = pick(idle(), index) {
                    self.want.remove(&number);
                    self.line.leave(&who(number), second(self.now));
                }
            }
            Move::LeavesTheCompany(index) => {
                if let Some(number) = pick(self.held.iter().copied().collect(), index) {
                    self.held.remove(&number);
                    self.changed();
                    self.line.free_at(second(self.now) + SETTLE);
                }
            }
            Move::Buys => {
                self.owned += 1;
                self.changed();
            }
            Move::Looks(lag) => {
                self.line.call(self.read(*lag), second(self.now));
            }
            Move::Passes(seconds) => {
                // No call lasts longer than it may.
                for number in self.calling.clone() {
                    self.lands(number)?;
                }
                self.now += i64::from(*seconds);
            }
        }
        Ok(())
    }

    /// Time passes, lines are looked at when they ask for it, and whoever is called comes.
    fn settles(&mut self) -> Result<(), TestCaseError> {
        for number in self.want.keys().copied().collect::<Vec<_>>() {
            self.asks(number, 255)?;
        }
        for _ in 0..40 {
            for number in self.calling.clone() {
                self.lands(number)?;
            }
            let Some(at) = self.line.look_at else { break };
            self.now = self.now.max(at.as_second() - second(0).as_second());
            for called in self.line.call(self.read(255), second(self.now)) {
                self.asks(called.source_id().parse().unwrap(), 255)?;
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn m13_whatever_happens_no_seat_is_given_twice_nobody_is_overtaken_and_nobody_waits_while_one_is_free(
        owned in 0..4_usize, moves in moves(),
    ) {
        let mut world = World::new(owned);
        for next in &moves {
            world.step(next)?;
        }
        world.settles()?;
        prop_assert!(world.want.is_empty() || world.free() <= 0, "{} wait, {} free", world.want.len(), world.free());
        prop_assert_eq!(world.line.waiting().len(), world.want.len());
    }
}

#[test]
fn m13_a_seat_that_was_kept_when_somebody_else_was_served_stays_kept_whoever_comes() {
    let mut line = line();
    ask(&mut line, 1, 5, 0, 0);
    assert_eq!(ask(&mut line, 2, 5, 1, 2), Answer::Served, "one is left for the first");
    assert_eq!(line.look_at, Some(second(1)), "who is told at once");
    assert_eq!(ask(&mut line, 3, 1, 2, 2), Answer::Waits { place: 1 }, "a better rank that came too late");
    assert_eq!(line.call(Supply { free: 2, read_at: second(3) }, second(3)), [who(1)]);
    assert_eq!(ask(&mut line, 1, 5, 4, 2), Answer::Served);
    assert_eq!(ask(&mut line, 3, 1, 5, 3), Answer::Served);
}
