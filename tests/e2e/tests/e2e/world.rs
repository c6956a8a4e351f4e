//! The whole system in one process: HR's requests in front, the emulated tenant behind, no socket and no waiting.
//!
//! One virtual clock serves the tenant, the store and every function; it stands still while anything can be done and then
//! jumps to the next instant at which something falls due. Everything random comes from a seed. So a run is the same
//! every time, a month passes in a second, and a world can be forked: the same history, several futures.

pub(crate) mod hr;
mod hr_system;
mod look;
mod operators;
mod policies;
mod ports;
mod schedule;
pub(crate) mod tenant;
mod time;
pub(crate) mod turns;
mod wire;
mod witness;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use domain::message::QueueName;
use domain::policy::Policy;
use domain::ports::{Clock, Lines, Mode, Roster};
use embedded::{Durability, Store};
use graph::client::Inputs;
use graph::{Lane, Pace};
use graph_emulator::{Emulator, Tenant};
use http::{Request, StatusCode};
use intake::{Adapter, Connection, Secret};
use jiff::{SignedDuration, Timestamp};
use joinery::functions::{Functions, Wiring};
use joinery::machine::Machine;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use hr::Event;
use hr_system::HrWire;
use ports::{Ports, Repeated, Twice};
use schedule::Schedule;
use time::{NoSleep, Seeded, Standstill, VirtualClock};
use turns::Turns;
use wire::{PlainToken, Wire};
use witness::Witness;

pub(crate) use hr_system::{HrStrike, HrTrouble};
pub(crate) use wire::Losses;

/// More messages than any story here needs; a run that takes more does not settle.
const MESSAGES_MAX: usize = 30_000;

/// What a world is made of.
#[derive(Clone)]
pub(crate) struct Setup {
    policy: String,
    seed: Value,
    entropy: u64,
    trouble: Trouble,
}

/// What goes wrong in a world.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Everything dies before the write with this number.
    pub(crate) crash_at: Option<usize>,
    /// Every message comes twice.
    pub(crate) twice: bool,
    /// The message with this number comes twice.
    pub(crate) again: Option<usize>,
    /// Answers of Graph that are lost.
    pub(crate) losses: Losses,
    /// What the HR system's API does instead of answering.
    pub(crate) hr: Option<HrTrouble>,
    /// How often each call to Graph lets other workers go first.
    pub(crate) yields: usize,
}

impl Setup {
    /// The small company of `data/`.
    pub(crate) fn new() -> Self {
        let seed = serde_json::from_str(include_str!("data/tenant.json")).unwrap();
        Self { policy: include_str!("data/policy.toml").into(), seed, entropy: 1, trouble: Trouble::default() }
    }

    /// Adds tables to the policy.
    pub(crate) fn and_policy(mut self, toml: &str) -> Self {
        self.policy.push('\n');
        self.policy.push_str(toml);
        self
    }

    /// Changes a line of the policy that must be there.
    pub(crate) fn with_policy(mut self, from: &str, to: &str) -> Self {
        assert!(self.policy.contains(from), "the policy has no `{from}`");
        self.policy = self.policy.replace(from, to);
        self
    }

    /// Changes the tenant's seed.
    pub(crate) fn with_seed(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.seed);
        self
    }

    /// Adds a user to the seed.
    pub(crate) fn and_user(self, user: Value) -> Self {
        self.with_seed(|seed| seed["users"].as_array_mut().unwrap().push(user))
    }

    pub(crate) fn with_trouble(mut self, trouble: Trouble) -> Self {
        self.trouble = trouble;
        self
    }

    pub(crate) fn build(self) -> World {
        let policy = Policy::parse(&self.policy).unwrap_or_else(|faults| panic!("the policy has faults: {faults:?}"));
        let options = graph_emulator::Options { id_seed: 7, ..graph_emulator::Options::default() };
        let tenant = Tenant::from_seed(&self.seed, options).unwrap();
        let clock = VirtualClock::standing_at(tenant.now());
        let site = Site {
            policy: Arc::new(policy),
            emulator: Emulator::new(tenant),
            hr_system: hr_system::standing_at(clock.now()),
            clock,
            entropy: Arc::new(Seeded::new(self.entropy, 0)),
            directory: tempfile::tempdir().unwrap(),
            heard: AtomicUsize::new(0),
        };
        World::open(site, self.trouble)
    }
}

/// What outlives a crash of ours: the tenant, the disk, the time.
struct Site {
    policy: Arc<Policy>,
    emulator: Emulator,
    /// What connection `bamboo` reads records from, if the policy gives it an `api`.
    hr_system: hr_emulator::Emulator,
    clock: VirtualClock,
    entropy: Arc<Seeded>,
    directory: TempDir,
    /// How many deliveries HR has numbered.
    heard: AtomicUsize,
}

impl Site {
    /// Time passes for everybody.
    fn forward_to(&self, at: Timestamp) {
        let mut tenant = self.emulator.tenant();
        let by = at.duration_since(tenant.now());
        if by.is_positive() {
            tenant.advance(by);
        }
        drop(tenant);
        hr_system::forward_to(&self.hr_system, at);
        self.clock.forward_to(at);
    }
}

/// The whole system.
pub(crate) struct World {
    site: Site,
    pub(crate) store: Store,
    machine: Machine,
    intake: intake::App,
    schedule: Arc<Schedule>,
    turns: Arc<Turns>,
    twice: Arc<Twice>,
    wire: Arc<Wire>,
    hr: Arc<HrWire>,
}

impl World {
    fn open(site: Site, trouble: Trouble) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(site.clock.clone());
        let options = embedded::Options { durability: Durability::Crash };
        let store = Store::open(site.directory.path(), Arc::clone(&clock), options).unwrap();
        store.initialize_mode(Mode::Enforce).unwrap();
        let schedule = Arc::new(Schedule::new(trouble.crash_at));
        let turns = Arc::new(Turns::default());
        let repeated = trouble.again.map_or(Repeated::None, Repeated::Of);
        let twice = Arc::new(Twice::new(if trouble.twice { Repeated::All } else { repeated }));
        let ports = Arc::new(Ports {
            store: store.clone(),
            schedule: Arc::clone(&schedule),
            turns: Arc::clone(&turns),
            twice: Arc::clone(&twice),
        });
        let hr = Arc::new(HrWire::new(&site.hr_system, trouble.hr));
        let wire = Arc::new(Wire {
            router: site.emulator.router(),
            schedule: Arc::clone(&schedule),
            turns: Arc::clone(&turns),
            witness: Witness::new(store.clone()),
            losses: trouble.losses,
            calls: AtomicUsize::new(0),
            yields: trouble.yields,
        });
        let wiring = Wiring {
            ports: stage::Ports {
                roster: ports.clone(),
                fences: ports.clone(),
                guards: ports.clone(),
                controls: ports.clone(),
                outbox: ports.clone(),
                pager: ports.clone(),
                clock: Arc::clone(&clock),
                entropy: site.entropy.clone(),
            },
            addresses: ports.clone(),
            lines: ports.clone(),
            vault: ports.clone(),
            graph: Arc::new(client(&site, &wire, Lane::Ordinary, "ordinary")),
            graph_for_cuts: Arc::new(client(&site, &wire, Lane::Urgent, "cuts")),
            hr: Arc::new(hr_system::readers(&site.policy, &hr, &clock, &site.entropy)),
            linger: Arc::new(Standstill),
        };
        let machine = Machine {
            inbox: ports.clone(),
            functions: Functions::new(&site.policy, &wiring),
            roster: ports.clone(),
            outbox: ports.clone(),
            clock: Arc::clone(&clock),
            entropy: site.entropy.clone(),
        };
        let intake = intake::App { connections: connections(), outbox: ports.clone(), parking: ports, clock };
        Self { site, store, machine, intake, schedule, turns, twice, wire, hr }
    }

    /// Drops everything in memory and opens the same disk again, before the same tenant.
    pub(crate) fn restart(self, trouble: Trouble) -> Self {
        let Self { site, store, machine, intake, .. } = self;
        drop((machine, intake, store));
        Self::open(site, trouble)
    }

    /// A copy with a future of its own.
    pub(crate) fn fork(&self, trouble: Trouble) -> Self {
        let directory = tempfile::tempdir().unwrap();
        copy(self.site.directory.path(), directory.path());
        let clock = VirtualClock::standing_at(self.now());
        let tenant = self.site.emulator.tenant().clone();
        let site = Site {
            policy: Arc::clone(&self.site.policy),
            emulator: Emulator::new(tenant),
            hr_system: hr_emulator::Emulator::new(self.site.hr_system.company().clone()),
            clock,
            entropy: Arc::new(Seeded::new(1, self.site.entropy.drawn())),
            directory,
            heard: AtomicUsize::new(self.site.heard.load(Ordering::Relaxed)),
        };
        Self::open(site, trouble)
    }

    // ---- HR speaks

    /// HR says something of a person now, through connection `hr`; facts by dotted path. It is taken.
    pub(crate) async fn hear(&self, person: &str, facts: &Value) -> Event {
        let event = self.event(person, facts);
        assert_eq!(self.deliver(&event).await, StatusCode::ACCEPTED);
        event
    }

    /// An event of now, not yet delivered.
    pub(crate) fn event(&self, person: &str, facts: &Value) -> Event {
        let number = self.site.heard.fetch_add(1, Ordering::Relaxed);
        hr::event(&format!("msg_{number}"), self.now(), person, facts)
    }

    /// Delivers an event.
    pub(crate) async fn deliver(&self, event: &Event) -> StatusCode {
        self.knock(&event.request(self.now())).await
    }

    /// Any request to the front door.
    pub(crate) async fn knock(&self, request: &Request<Bytes>) -> StatusCode {
        intake::handle(&self.intake, request).await.status()
    }

    /// Tells the control interface of the HR system to do something.
    pub(crate) fn hr_control(&self, what: &str, body: &Value) {
        hr_system::control(&self.site.hr_system, what, body);
    }

    // ---- work

    /// One message: the first there is, in the order of the queues. None: there is none.
    pub(crate) async fn work_one(&self) -> Option<QueueName> {
        for queue in QueueName::ALL {
            if self.machine.work(queue).await.unwrap() {
                return Some(queue);
            }
        }
        None
    }

    /// Everything that falls due until then, each thing at its time; afterwards it is then.
    pub(crate) async fn run_until(&self, until: Timestamp) {
        for _ in 0..MESSAGES_MAX {
            if self.work_one().await.is_some() {
                continue;
            }
            let due = self.store.next_due().await.unwrap();
            let due = due.into_iter().chain(self.store.next_look().await.unwrap()).min();
            if due.is_some_and(|due| due <= self.now()) {
                self.machine.sweep().await.unwrap();
                continue;
            }
            let next = due.into_iter().chain(self.store.next_visible_at().unwrap()).min();
            let Some(next) = next.filter(|next| *next <= until) else {
                return self.site.forward_to(until);
            };
            self.site.forward_to(next);
        }
        panic!("nothing settles before {until}:\n{}", self.dump().await);
    }

    /// Time passes and nobody works.
    pub(crate) fn pass(&self, time: SignedDuration) {
        self.site.forward_to(self.now() + time);
    }

    /// As [`World::run_until`], so many minutes from now: long enough for everything that waits for nobody.
    pub(crate) async fn run_for_minutes(&self, minutes: i64) {
        self.run_until(self.now() + SignedDuration::from_mins(minutes)).await;
    }

    /// As [`World::run_until`], but at first with several workers who take turns at every call to Graph.
    pub(crate) async fn run_together(&self, workers: usize, until: Timestamp) {
        self.run_together_while(workers, async {}, until).await;
    }

    /// As [`World::run_together`], while something else goes on beside the workers.
    pub(crate) async fn run_together_while(&self, workers: usize, beside: impl Future<Output = ()>, until: Timestamp) {
        let idle: Vec<_> = (0..workers).map(|_| AtomicBool::new(false)).collect();
        let over = AtomicBool::new(false);
        let watch = async {
            beside.await;
            while !idle.iter().all(|idle| idle.load(Ordering::Relaxed)) {
                tokio::task::yield_now().await;
            }
            over.store(true, Ordering::Relaxed);
        };
        let work = futures_of(&idle, |idle| async {
            for _ in 0..MESSAGES_MAX {
                idle.store(false, Ordering::Relaxed);
                if self.work_one().await.is_none() {
                    idle.store(true, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
                if over.load(Ordering::Relaxed) {
                    return;
                }
            }
            panic!("nothing settles:\n{}", self.dump().await);
        });
        tokio::join!(watch, work);
        self.run_until(until).await;
    }

    /// Runs until the end or until the schedule's death; false: it died.
    pub(crate) async fn survive(&self, work: impl Future<Output = ()>) -> bool {
        self.schedule.survive(work).await.is_some()
    }

    /// Writes so far, since this world was opened.
    pub(crate) fn writes(&self) -> usize {
        self.schedule.passed()
    }

    /// Calls to Graph so far, since this world was opened.
    pub(crate) fn calls_made(&self) -> usize {
        self.wire.calls.load(Ordering::Relaxed)
    }

    /// Messages so far, since this world was opened, and how many of them came twice.
    pub(crate) fn messages(&self) -> (usize, usize) {
        (self.twice.messages(), self.twice.repeated())
    }

    /// Calls to the HR system's API so far, since this world was opened, and how many of them were struck.
    pub(crate) fn hr_calls(&self) -> (usize, usize) {
        self.hr.calls()
    }
}

/// Gives way so many times.
pub(crate) async fn give_way(times: usize) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

/// Runs one future for each item side by side, until all are through.
async fn futures_of<'a, T, F: Future<Output = ()>>(items: &'a [T], make: impl Fn(&'a T) -> F) {
    let mut running: Vec<_> = items.iter().map(|item| Box::pin(make(item))).collect();
    std::future::poll_fn(|context| {
        running.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

fn client(site: &Site, wire: &Arc<Wire>, lane: Lane, application: &'static str) -> graph::Client {
    let config = graph::Config {
        base_url: Url::parse("http://127.0.0.1/v1.0").unwrap(),
        retry: graph::retry::Policy::default(),
        lane,
    };
    let (clock, entropy) = (site.clock.clone(), Arc::clone(&site.entropy));
    let inputs = Inputs {
        now: Arc::new(move || clock.now()),
        random: Arc::new(move || entropy.number()),
        sleep: Arc::new(NoSleep),
    };
    let tokens = Arc::new(PlainToken(application));
    graph::Client::new(config, wire.clone(), tokens, Arc::new(Pace::default()), inputs).unwrap()
}

fn connections() -> BTreeMap<String, Connection> {
    let connection = |source: &str, secret: &str| Connection {
        adapter: Adapter::named(source).unwrap(),
        secrets: vec![Secret::new(secret)],
    };
    BTreeMap::from([
        ("hr".to_owned(), connection("standard-webhooks", hr::HR_SECRET)),
        ("bamboo".to_owned(), connection("bamboohr", hr::BAMBOO_SECRET)),
    ])
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What HR says of somebody who starts that day.
pub(crate) fn joiner(given: &str, family: &str, department: &str, first_day: &str) -> Value {
    json!({
        "name.legal.given": given,
        "name.legal.family": family,
        "org.department.name": department,
        "location.country": "NL",
        "employment.type": "employee",
        "employment.hire_date": first_day,
    })
}
