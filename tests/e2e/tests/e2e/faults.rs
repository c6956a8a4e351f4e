//! Every journey × every call × everything that may happen to it: ends as it should.
//!
//! A journey is cut into [`journeys::Act`]s. Each is played undisturbed once, and then again with one thing gone wrong:
//!
//! | What | Where | The end |
//! |---|---|---|
//! | refused once: 400, 403, 404, 409, 500, a 504 after it was done | each call to Graph | the same; a cut that is refused pages |
//! | refused or unanswered for ever | each call to Graph | less for that person, told by a failure, a task or a page; nobody else is touched; of a leaver everything else is cut |
//! | 429 and 503 with `Retry-After`, once and three times | each call to Graph | the same, and nothing is repeated sooner |
//! | not carried out, or carried out but the answer lost, once and three times | each call to Graph | the same |
//! | carried out twice | each write | the same |
//! | taken twice | each message | the same |
//! | everything dies | each write, where the day of `crash` has nothing like it | the same |
//! | refused, limited, lost | each call to HR | the same; a key that is refused pages |
//!
//! That is some 3 000 runs of about 80 calls. Everything happens to the first call of each kind, in journeys that leave access and in those
//! that end it; to each later one some of it, in turn. A thing that never happened fails its run.

mod journeys;
mod strike;
mod verdict;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::world::{HrStrike, HrTrouble};
use journeys::Act;
use strike::{Call, Strike, Times};
use verdict::Reference;

/// The runs of a test are shared out among so many threads.
const THREADS: usize = 2;
/// So many of an act's messages come twice, and of the later ones, by which it is read back, every third.
const TWICE: usize = 12;
/// Failing runs that are told.
const TOLD_MAX: usize = 40;

/// One thing that goes wrong in an act.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// The call to Graph with this number.
    Call(usize, Strike, Times),
    /// The message with this number comes twice.
    Again(usize),
    /// Everything dies before the write with this number.
    Death(usize),
    /// A call to the HR system.
    Hr(HrTrouble),
}

impl Fault {
    fn all(act: &Act, reference: &Reference, seen: &mut Seen) -> Vec<Self> {
        let calls = reference.calls.iter().enumerate();
        let struck = |(number, call): (usize, &Call)| {
            let all = Strike::all(call);
            let kept = seen.kept(act, call, reference.turn(number), number, all.len());
            kept.into_iter().map(move |at| Self::Call(number, all[at].0, all[at].1)).collect::<Vec<_>>()
        };
        let again = (1..=reference.messages).filter(|number| *number <= TWICE || number % 3 == 0).map(Self::Again);
        let deaths = (1..=reference.writes).filter(|_| act.dies).map(Self::Death);
        let hows = [
            HrStrike::Refused(401, None),
            HrStrike::Refused(403, None),
            HrStrike::Refused(500, None),
            HrStrike::Refused(429, Some(400)),
            HrStrike::Refused(503, Some(400)),
            HrStrike::Lost,
        ];
        let hr = (1..=reference.hr_calls).flat_map(move |from| {
            let some = hows.into_iter().flat_map(|how| [(1, how), (4, how)]);
            // Somebody of whom HR has no record for a quarter of an hour is nobody.
            let some = some.chain([(1, HrStrike::Refused(404, None))]);
            some.map(move |(times, how)| Self::Hr(HrTrouble { from, times, how }))
        });
        calls.flat_map(struck).chain(again).chain(deaths).chain(hr).collect()
    }

    /// What it happened to and what it was, in words.
    fn told(&self, reference: &Reference) -> String {
        match self {
            Self::Call(number, strike, times) => {
                let call = &reference.calls[*number];
                format!("call {} \"{} {}\" {} {strike:?} {times:?}", number + 1, call.method, call.path, call.body)
            }
            other => format!("{other:?}"),
        }
    }

    async fn verdict(self, act: &Act, reference: &Reference) -> Vec<String> {
        match self {
            Self::Call(number, strike, times) => verdict::of_call(act, reference, number, (strike, times)).await,
            Self::Again(number) => verdict::of_repetition(act, reference, number).await,
            Self::Death(number) => verdict::of_death(act, reference, number).await,
            Self::Hr(trouble) => verdict::of_hr(act, reference, trouble).await,
        }
    }
}

/// The kinds of calls to which everything has happened: among those who come and stay, and among those who leave.
#[derive(Default)]
struct Seen(BTreeSet<(bool, String)>);

impl Seen {
    /// Which of the things that may happen to a call do: to the first of its kind everything. The same kind is called in act after
    /// act, and writes are repeated: to those comes every fourth, in turn. What is read over and over, until what was written is
    /// seen to be so, takes one every third time, in turn.
    fn kept(&mut self, act: &Act, call: &Call, turn: usize, number: usize, all: usize) -> Vec<usize> {
        if call.is_read() && turn > 1 {
            return if turn % 3 == 2 { vec![number % all] } else { Vec::new() };
        }
        let every = if self.0.insert((act.leavers.is_empty(), call.kind())) { 1 } else { 4 };
        (number % every..all).step_by(every).collect()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// Every act, or those whose names hold what `ACT` says, each with how it ends undisturbed.
async fn acts() -> Vec<(Act, Reference)> {
    let wanted = std::env::var("ACT").unwrap_or_default();
    let mut played = Vec::new();
    for act in Box::pin(journeys::acts()).await {
        if act.name.contains(&wanted) {
            let reference = Box::pin(Reference::of(&act)).await;
            played.push((act, reference));
        }
    }
    played
}

#[test]
fn every_journey_ends_as_it_should_whatever_happens_to_any_of_its_calls() {
    let acts = runtime().block_on(Box::pin(acts()));
    let mut seen = Seen::default();
    let mut runs: Vec<(&Act, &Reference, Fault)> = Vec::new();
    for (act, reference) in &acts {
        runs.extend(Fault::all(act, reference, &mut seen).into_iter().map(|fault| (act, reference, fault)));
    }
    let (next, bad) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let runtime = runtime();
                while let Some((act, reference, fault)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let wrong = runtime.block_on(fault.verdict(act, reference));
                    if !wrong.is_empty() {
                        let told = fault.told(reference);
                        bad.lock().unwrap().push(format!("{}, {told}:\n    {}", act.name, wrong.join("\n    ")));
                    }
                }
            });
        }
    });
    let bad = bad.into_inner().unwrap();
    let told = bad.iter().take(TOLD_MAX).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(bad.is_empty(), "{} of {} runs ended otherwise:\n{told}", bad.len(), runs.len());
}
