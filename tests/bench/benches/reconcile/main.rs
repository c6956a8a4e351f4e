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
    let mut peaks = Vec::new();
    let mut ratio = 0.0;
    for users in SIZES {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().to_str().expect("a path in UTF-8");
        let count = users.to_string();
        Child::run(&["roster", place, &count]);
        let tenant = Child::start(&["tenant", &count]);
        let url = tenant.first_line.clone();
        let alone: Usage = Child::run(&["reconcile", &url, place, &count]).parse().expect("a usage");
        println!("{users} users: peak memory of a run {:.1} MiB, {:.2} s", alone.peak_mib, alone.seconds);
        peaks.push(alone.peak_mib);
        if Some(&users) == SIZES.last() {
            ratio = duel(&url, place, &count);
        }
    }
    let growth = peaks.last().zip(peaks.first()).map_or(f64::NAN, |(large, small)| large / small);
    let largest = peaks.iter().copied().fold(0.0, f64::max);
    let met = |is_met: bool| if is_met { "meets" } else { "MISSES" };
    let goals = [ratio <= TIME_GOAL, growth <= MEMORY_GOAL, largest < MEMORY_MAX_MIB];
    println!("time against downloading alone: {ratio:.2} ×, {} {TIME_GOAL} ×", met(goals[0]));
    println!("memory, ten times the users: {growth:.2} ×, {} {MEMORY_GOAL} ×", met(goals[1]));
    println!("memory: {largest:.1} MiB, {} {MEMORY_MAX_MIB} MiB", met(goals[2]));
    if goals.iter().all(|goal| *goal) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The rounds of both sides, a line each; answers the ratio of their times.
fn duel(url: &str, place: &str, count: &str) -> f64 {
    let told = Child::run(&["contest", url, place, count]);
    let mut totals = [Usage::default(); 2];
    for line in told.lines() {
        let (side, usage) = line.split_once(' ').expect("a side and its usage");
        let usage: Usage = usage.parse().expect("a usage");
        println!("{side}: {:.2} s, of which {:.2} s at work in this process", usage.seconds, usage.cpu_seconds);
        let Some(total) = totals.get_mut(usize::from(side == "download")) else { continue };
        total.seconds += usage.seconds;
        total.cpu_seconds += usage.cpu_seconds;
    }
    let [ours, theirs] = totals;
    println!("work in the process against downloading alone: {:.2} ×", ours.cpu_seconds / theirs.cpu_seconds);
    ours.seconds / theirs.seconds
}
