//! Lives through one schedule of a race.

use std::fmt::Write;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use domain::ledger::Origin;
use domain::message::QueueName;
use jiff::SignedDuration;

use super::grants::PERSON;
use super::schedule::{Schedule, Stretch, Worker};
use crate::world::turns::{Deed, Thing};
use crate::world::{Trouble, World};

/// How often a worker may be asked to go on without coming to its next deed.
const SPINS_MAX: usize = 1_000;
/// More deeds than any worker here has.
const DEEDS_MAX: usize = 2_000;

/// Two workers who meet. Each takes one message of each of its queues, in order.
#[derive(Clone, Copy)]
pub(crate) struct Race<'a> {
    /// The world in which both are about to begin.
    pub(crate) start: &'a World,
    pub(crate) a: &'a [QueueName],
    pub(crate) b: &'a [QueueName],
}

/// What happened, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    pub(crate) deeds: Vec<(Worker, Deed)>,
    /// What a worker did that nobody may, though the end mends it.
    pub(crate) wrongs: Vec<String>,
    lines: Vec<String>,
}

impl Trace {
    /// The deeds of one worker.
    pub(crate) fn of(&self, worker: Worker) -> Vec<Deed> {
        self.deeds.iter().filter(|(whose, _)| *whose == worker).map(|(_, deed)| deed.clone()).collect()
    }

    /// Every deed in a line.
    pub(crate) fn told(&self) -> String {
        self.lines.iter().fold(String::new(), |mut text, line| {
            writeln!(text, "  {line}").unwrap();
            text
        })
    }
}

type Work<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A worker of a race.
struct Racer<'a> {
    world: &'a World,
    who: Worker,
    work: Option<Work<'a>>,
    /// What it has stopped before. Empty: it has not begun, or is through.
    before: Vec<Deed>,
    has_begun: bool,
    deeds: usize,
}

impl<'a> Racer<'a> {
    fn new(world: &'a World, who: Worker, queues: &'a [QueueName]) -> Self {
        let work = async move {
            for queue in queues {
                world.work_on(*queue).await;
            }
        };
        Self { world, who, work: Some(Box::pin(work)), before: Vec::new(), has_begun: false, deeds: 0 }
    }

    fn is_through(&self) -> bool {
        self.work.is_none()
    }

    /// Does what it has stopped before, and goes on to the next place.
    async fn go_on(&mut self, trace: &mut Trace) {
        if !self.has_begun {
            self.has_begun = true;
            self.lead().await;
        }
        if self.is_through() {
            return;
        }
        let commits = self.before.iter().any(|deed| deed.writes_to(Thing::Roster));
        for deed in std::mem::take(&mut self.before) {
            self.deeds += 1;
            trace.lines.push(format!("{}{} {}", self.who.letter(), self.deeds, deed.what));
            trace.deeds.push((self.who, deed));
        }
        if !commits {
            return self.lead().await;
        }
        let before = self.world.known(PERSON).await;
        self.lead().await;
        // An intent that is entered beside a cut is of a worker who has not seen it; so is an entry that it has struck out already.
        if let Some(before) = before.filter(|person| person.head.cut) {
            let after = self.world.person(PERSON).await.grants;
            let entered = after.values().filter(|grant| !before.grants.contains_key(&grant.target));
            let told = |target| format!("{}{} enters {target} beside a cut", self.who.letter(), self.deeds);
            trace.wrongs.extend(entered.filter(|grant| grant.origin == Origin::Ours).map(|grant| told(&grant.target)));
        }
    }

    async fn lead(&mut self) {
        let mut spins = 0;
        poll_fn(|context| {
            let Some(work) = &mut self.work else { return Poll::Ready(()) };
            match self.world.turns().lead(work.as_mut(), context) {
                (Poll::Ready(()), _) => {
                    self.work = None;
                    Poll::Ready(())
                }
                (Poll::Pending, before) if !before.is_empty() => {
                    self.before = before;
                    Poll::Ready(())
                }
                (Poll::Pending, _) => {
                    spins += 1;
                    assert!(spins < SPINS_MAX, "{:?} waits for something that never comes", self.who);
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        })
        .await;
    }
}

impl Race<'_> {
    /// Lives through a schedule in a world of its own. Both workers are through, or dead, at the end.
    pub(crate) async fn run(&self, schedule: &Schedule) -> (World, Trace) {
        let world = self.start.fork(Trouble::default());
        let mut trace = Trace::default();
        let mut racers = [Racer::new(&world, Worker::A, self.a), Racer::new(&world, Worker::B, self.b)];
        let rest = [Stretch::Rest(Worker::A), Stretch::Rest(Worker::B)];
        for stretch in schedule.0.iter().chain(&rest) {
            match *stretch {
                Stretch::Deeds(worker, deeds) => {
                    for _ in 0..deeds {
                        racers[worker as usize].go_on(&mut trace).await;
                    }
                }
                Stretch::Rest(worker) => {
                    let racer = &mut racers[worker as usize];
                    for _ in 0..DEEDS_MAX {
                        if racer.is_through() {
                            break;
                        }
                        racer.go_on(&mut trace).await;
                    }
                    assert!(racer.is_through(), "{worker:?} comes to no end");
                }
                Stretch::Death(worker) => {
                    trace.lines.push(format!("{} dies", worker.letter()));
                    racers[worker as usize].work = None;
                }
                Stretch::Pause(seconds) => {
                    trace.lines.push(format!("{seconds} s pass"));
                    world.run_until(world.now() + SignedDuration::from_secs(seconds)).await;
                }
            }
        }
        drop(racers);
        (world, trace)
    }
}
