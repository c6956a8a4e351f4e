//! Every schedule of a race, within bounds, each once.
//!
//! # Which schedules
//! - **Interleavings** with at most two preemptions: a worker goes on until it is through, but for two places at which it is
//!   stopped and the other one goes on. Almost every race that is known from practice needs no more ("Iterative Context Bounding for
//!   Systematic Testing of Multithreaded Programs"); with three, a scenario would take an hour instead of seconds. A first
//!   preemption is followed by a second one only where that can matter to a grant: of a worker that takes a lease, from there until it is
//!   given back (before that it only looks, and what it saw is judged anew under the lease); of one that moves the fence, until it has.
//! - **Late**: A is stopped in a call to Graph that writes, B runs to its end, and so does everybody else for as long as a call may be in
//!   flight; then the call lands, and A goes on, or is dead by then.
//! - **Frozen**: A is stopped anywhere else (if it takes a lease: under it), for longer than its lease and its message's visibility last, so
//!   that the message is given to somebody else; B comes before that, or after it. (A call that writes ends by itself before that.)
//! - **Death** of either anywhere before a write, with the message coming again in its time.
//!
//! # Which are left out
//! Two schedules that differ only in the order of two neighboring deeds that do not [conflict](Deed::conflicts_with) end the same. So a
//! worker is stopped only before a deed that conflicts with one the other does meanwhile, and goes on only if the other's next deed
//! conflicts with one that it does itself then. What the other does is taken from the run that has one deed more in its stretch, which is
//! why deeds are counted down.

use super::runner::{Race, Trace};
use super::schedule::{Schedule, Stretch, Worker};
use crate::world::World;
use crate::world::turns::Deed;

/// As long as a call to Graph may be in flight.
const IN_FLIGHT_S: i64 = graph::limits::CALL_MAX.as_secs().cast_signed();
/// Longer than a lease (120 s) and a message's visibility (180 s) last.
const FROZEN_S: i64 = 200;

/// What is done with the end of every schedule.
pub(crate) trait Judge {
    async fn judge(&mut self, schedule: &Schedule, world: World, trace: &Trace);
}

/// Explores a race.
pub(crate) struct Explorer<'a, J> {
    pub(crate) race: Race<'a>,
    pub(crate) judge: J,
    pub(crate) runs: usize,
}

impl<'a, J: Judge> Explorer<'a, J> {
    pub(crate) fn new(race: Race<'a>, judge: J) -> Self {
        Self { race, judge, runs: 0 }
    }

    async fn run(&mut self, stretches: &[Stretch]) -> Trace {
        let schedule = Schedule(stretches.to_vec());
        let (world, trace) = self.race.run(&schedule).await;
        self.runs += 1;
        self.judge.judge(&schedule, world, &trace).await;
        trace
    }

    /// Every interleaving with two preemptions at most.
    pub(crate) async fn interleave(&mut self) {
        for first in [Worker::A, Worker::B] {
            self.interleave_from(first).await;
        }
    }

    async fn interleave_from(&mut self, x: Worker) {
        let y = x.other();
        let mut behind = self.run(&[Stretch::Rest(x), Stretch::Rest(y)]).await;
        let own = behind.of(x);
        for stop in (1..own.len()).rev() {
            // What Y does after so many deeds of X; of the last run if X's next deed is indifferent to all of it.
            let next = &own[stop];
            if !behind.of(y).iter().any(|deed| deed.conflicts_with(next)) {
                continue;
            }
            behind = self.run(&[Stretch::Deeds(x, stop), Stretch::Rest(y), Stretch::Rest(x)]).await;
            if is_before_a_grant(&own, stop) {
                self.stop_twice(x, stop, next, &behind).await;
            }
        }
    }

    /// X is stopped before a deed, Y before each of its own.
    async fn stop_twice(&mut self, x: Worker, stop: usize, next: &Deed, behind: &Trace) {
        let theirs = behind.of(x.other());
        let first_conflict = theirs.iter().position(|deed| deed.conflicts_with(next));
        let Some(least) = first_conflict.map(|place| place + 1) else { return };
        let mut afterwards = behind.of(x).split_off(stop);
        for deeds in (least..theirs.len()).rev() {
            if !afterwards.iter().any(|deed| deed.conflicts_with(&theirs[deeds])) {
                continue;
            }
            let y = x.other();
            let stretches = [Stretch::Deeds(x, stop), Stretch::Deeds(y, deeds), Stretch::Rest(x), Stretch::Rest(y)];
            afterwards = self.run(&stretches).await.of(x).split_off(stop);
        }
    }

    /// A is late, frozen or dead, and B is dead.
    pub(crate) async fn disturb(&mut self) {
        let own = self.run(&[Stretch::Rest(Worker::A), Stretch::Rest(Worker::B)]).await.of(Worker::A);
        let [a, b] = [Worker::A, Worker::B].map(Stretch::Rest);
        for (done, next) in own.iter().enumerate() {
            let begun = Stretch::Deeds(Worker::A, done);
            let (late, frozen) = (Stretch::Pause(IN_FLIGHT_S), Stretch::Pause(FROZEN_S));
            if next.is_write() {
                self.run(&[begun, Stretch::Death(Worker::A), b]).await;
            }
            if next.is_call() && next.is_write() {
                self.run(&[begun, b, late, a]).await;
                let lands = Stretch::Deeds(Worker::A, 1);
                self.run(&[begun, b, late, lands, Stretch::Death(Worker::A)]).await;
            } else if is_under_a_lease(&own, done) {
                self.run(&[begun, b, frozen, a]).await;
                self.run(&[begun, frozen, b, a]).await;
            }
        }
        let theirs = self.run(&[b, a]).await.of(Worker::B);
        for (done, _) in theirs.iter().enumerate().filter(|(_, next)| next.is_write()) {
            self.run(&[Stretch::Deeds(Worker::B, done), Stretch::Death(Worker::B), a]).await;
        }
    }
}

/// Whether a worker that has done so many of its deeds is about to grant, or about to forbid it.
fn is_before_a_grant(own: &[Deed], done: usize) -> bool {
    let fences = own.iter().any(Deed::moves_the_fence);
    is_under_a_lease(own, done) && (!fences || own.iter().skip(done).any(Deed::moves_the_fence))
}

/// Whether a worker that has done so many of its deeds holds the lease or is about to take it; always, if it never does.
fn is_under_a_lease(own: &[Deed], done: usize) -> bool {
    let first = own.iter().position(Deed::moves_the_lease);
    let last = own.iter().rposition(Deed::moves_the_lease);
    first.is_none_or(|first| first <= done) && last.is_none_or(|last| done <= last)
}
