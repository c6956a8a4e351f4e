//! How every benchmark here measures and prints: two contestants by turns in one run, so that whatever else the machine does
//! hits both alike, and the ratio of their times against a goal.

use std::hint::black_box;
use std::time::{Duration, Instant};

use comfy_table::{Table, TableStyle};

/// Two contestants over the same work.
#[derive(Debug)]
pub struct Duel {
    name: String,
    /// How many times faster ours must be.
    goal: f64,
    units: usize,
    rounds: Vec<(Duration, Duration)>,
}

impl Duel {
    /// A duel that ours wins if it is `goal` times as fast.
    pub fn new(name: impl Into<String>, goal: f64) -> Self {
        Self { name: name.into(), goal, units: 0, rounds: Vec::new() }
    }

    /// One round over `units` of work: each side is run once and its answer handed back. The sides take turns at going first.
    pub fn round<A, B>(&mut self, units: usize, ours: impl FnOnce() -> A, theirs: impl FnOnce() -> B) -> (A, B) {
        let (our_answer, their_answer, our_time, their_time);
        if self.rounds.len().is_multiple_of(2) {
            (our_answer, our_time) = timed(ours);
            (their_answer, their_time) = timed(theirs);
        } else {
            (their_answer, their_time) = timed(theirs);
            (our_answer, our_time) = timed(ours);
        }
        self.units += units;
        self.rounds.push((our_time, their_time));
        (our_answer, their_answer)
    }

    /// How many times faster ours was, over all rounds.
    pub fn ratio(&self) -> f64 {
        let (ours, theirs) = self.totals();
        theirs.as_secs_f64() / ours.as_secs_f64()
    }

    /// Whether the goal is met.
    pub fn is_won(&self) -> bool {
        self.ratio() >= self.goal
    }

    fn totals(&self) -> (Duration, Duration) {
        self.rounds
            .iter()
            .fold((Duration::ZERO, Duration::ZERO), |(ours, theirs), round| (ours + round.0, theirs + round.1))
    }

    /// The ratios of the single rounds, ascending.
    fn ratios(&self) -> Vec<f64> {
        let mut ratios: Vec<_> =
            self.rounds.iter().map(|(ours, theirs)| theirs.as_secs_f64() / ours.as_secs_f64()).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    fn row(&self) -> [String; 6] {
        let (ours, theirs) = self.totals();
        let each = |time: Duration| {
            let nanoseconds = time.as_nanos() / u128::try_from(self.units.max(1)).unwrap_or(u128::MAX);
            format!("{nanoseconds} ns")
        };
        let ratios = self.ratios();
        let spread =
            ratios.first().zip(ratios.last()).map_or_else(String::new, |(low, high)| format!("{low:.1}–{high:.1}"));
        [
            self.name.clone(),
            each(ours),
            each(theirs),
            format!("{:.1} ×", self.ratio()),
            spread,
            format!("{} {} ×", if self.is_won() { "meets" } else { "MISSES" }, self.goal),
        ]
    }
}

/// The duels as a table. `unit` is what the times are of.
pub fn table(unit: &str, theirs: &str, duels: &[Duel]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header(["", &format!("ours, {unit}"), &format!("{theirs}, {unit}"), "ratio", "by round", "goal"]);
    for duel in duels {
        table.add_row(duel.row());
    }
    table
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let answer = black_box(work());
    (answer, start.elapsed())
}
