//! A reconciliation of a large tenant beside merely downloading the same pages and decoding them into the same typed structs, by turns in
//! one run; and its peak memory at a tenth of the size and at the whole.
//!
//! Three processes, so that nobody's memory or time is counted as another's: this one orders, one is the tenant behind a socket, and one at a
//! time reconciles or downloads. Every answer is checked: how many were read, and exactly who drifted.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that goes wrong must stop; nobody's process depends on it"
)]

mod company;
mod contest;
mod process;

use std::path::Path;
use std::process::ExitCode;

use comfy_table::{Table, TableStyle};
use process::{Child, Usage};

/// Users of the two tenants.
const SIZES: [usize; 2] = [10_000, 100_000];
/// Rounds of each side.
const ROUNDS: usize = 3;
/// A run takes at most so many times as long as downloading.
const TIME_GOAL: f64 = 1.5;
/// The larger tenant takes at most so many times the memory of the smaller.
const MEMORY_GOAL: f64 = 1.2;
/// And at most so much, in MiB.
const MEMORY_MAX_MIB: f64 = 128.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tenant", users] => company::serve(users.parse().expect("a number")),
        ["roster", directory, users] => company::enroll(Path::new(directory), users.parse().expect("a number")),
        ["reconcile", url, directory, users] => contest::reconcile_once(url, Path::new(directory), number(users)),
        ["contest", url, directory, users] => contest::rounds(url, Path::new(directory), number(users), ROUNDS),
        _ => return orchestrate(),
    }
    ExitCode::SUCCESS
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

/// Runs the processes one after the other and holds what they say against the goals.
fn orchestrate() -> ExitCode {
    let (mut peaks, mut sides) = (Vec::new(), [Usage::default(); 2]);
    for users in SIZES {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().to_str().expect("a path in UTF-8");
        let count = users.to_string();
        Child::run(&["roster", place, &count]);
        let tenant = Child::start(&["tenant", &count]);
        let url = tenant.first_line.clone();
        let alone: Usage = Child::run(&["reconcile", &url, place, &count]).parse().expect("a usage");
        peaks.push(alone.peak_mib);
        if Some(&users) == SIZES.last() {
            sides = duel(&url, place, &count);
        }
    }
    let [ours, theirs] = sides;
    let [small, large] = [peaks.first(), peaks.last()].map(|peak| peak.copied().unwrap_or(f64::NAN));
    let [few, many] = SIZES;
    let rows = [
        Row { what: "time of a run, of downloading".into(), of: [ours.seconds, theirs.seconds], goal: Some(TIME_GOAL) },
        Row { what: "work in the process".into(), of: [ours.cpu_seconds, theirs.cpu_seconds], goal: None },
        Row { what: format!("peak MiB of a run, {many} users, {few}"), of: [large, small], goal: Some(MEMORY_GOAL) },
        Row { what: "peak MiB of a run, allowed".into(), of: [large, MEMORY_MAX_MIB], goal: Some(1.0) },
    ];
    println!(
        "a tenant of {many} users, {ROUNDS} rounds of each side by turns, in seconds; the same pages, drift found exactly\n"
    );
    println!("{}", table(&rows));
    if rows.iter().all(Row::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The rounds of both sides; answers what each took in all.
fn duel(url: &str, place: &str, count: &str) -> [Usage; 2] {
    let told = Child::run(&["contest", url, place, count]);
    let mut totals = [Usage::default(); 2];
    for line in told.lines() {
        let (side, usage) = line.split_once(' ').expect("a side and its usage");
        let usage: Usage = usage.parse().expect("a usage");
        let Some(total) = totals.get_mut(usize::from(side == "download")) else { continue };
        total.seconds += usage.seconds;
        total.cpu_seconds += usage.cpu_seconds;
    }
    totals
}

/// A quantity beside another, of which it may be so many times.
struct Row {
    what: String,
    of: [f64; 2],
    goal: Option<f64>,
}

impl Row {
    fn ratio(&self) -> f64 {
        let [ours, theirs] = self.of;
        ours / theirs
    }

    fn is_met(&self) -> bool {
        self.goal.is_none_or(|goal| self.ratio() <= goal)
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header(["", "ours", "beside", "ratio", "goal"]);
    for row in rows {
        let [ours, theirs] = row.of.map(|quantity| format!("{quantity:.2}"));
        let word = if row.is_met() { "meets" } else { "MISSES" };
        let goal = row.goal.map_or_else(String::new, |goal| format!("{word} {goal} ×"));
        table.add_row([row.what.clone(), ours, theirs, format!("{:.2} ×", row.ratio()), goal]);
    }
    table
}
