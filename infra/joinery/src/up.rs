//! `joinery up`: every function, its queues, the sweep and the webhook listener on one machine.
//!
//! ```text
//! listener ──► queues ──► a worker group per queue ──► functions ──► Graph (two clients)
//!                ▲   bells: what is sent in this process is taken at once; a tick finds what time or another process brings
//!              sweep: whoever is due by the clock; after a change of the policy, everybody
//! ```
//!
//! # Guarantees
//! - One `up` per data directory, one tenant per data directory.
//! - A real tenant starts in observe: the mode is stored before the first worker runs.
//! - No account is made before the tenant's addresses have been read once. Cuts wait for nothing.
//! - Dropping [`Running`] is a crash: everything stops where it stands, and what was acknowledged is stored.

mod addresses;
mod alerts;
mod bells;
mod door;
mod everybody;
mod readers;
mod reconciling;
mod secrets;
mod sweep;
mod workers;

use std::fs::{File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::message::QueueName;
use domain::policy::Policy;
use domain::ports::{Clock, Entropy, Mode, StoreError};
use embedded::{Durability, OpenError, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

use crate::clock::{ClockError, OtherClock};
use crate::desk::{LOCK_FILE, PolicyError, Remembered, load_policy};
use crate::edge::{FollowedClock, SystemEntropy};
use crate::functions::{Functions, Wiring};
use crate::machine::Machine;
use crate::reconciliation;
use crate::reevaluation::Reevaluation;
use crate::tenant::{Clients, Environment, Identities, TenantError, is_loopback};

pub use readers::ReaderFault;
pub use secrets::SecretFault;

use alerts::{Alarm, Alerts};
use bells::Bells;

/// How long what is in hand may take to finish after a stop was asked for.
const FINISH_MAX: Duration = Duration::from_secs(30);
/// How often the other clock is looked at.
const CLOCK_TICK: Duration = Duration::from_millis(75);
/// How often, and with which pause, the directory's lock is asked for.
const LOCK_TRIES: usize = 5;
/// See [`LOCK_TRIES`].
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// What to start with.
#[derive(Clone)]
pub struct Options {
    /// The policy file. It is read once: a change takes a restart, which has everybody looked at.
    pub policy: PathBuf,
    /// The data directory; made if it is missing.
    pub data: PathBuf,
    /// Where to take webhooks; port 0 is any free one.
    pub listen: SocketAddr,
    /// Graph's base address.
    pub graph_url: Url,
    /// A clock on this machine to follow, instead of the machine's own.
    pub clock_url: Option<Url>,
    /// Where credentials and `env:` secrets come from.
    pub environment: Environment,
    /// What acknowledged data survives.
    pub durability: Durability,
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No policy, or a faulty one.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A secret that the policy names.
    #[error(transparent)]
    Secret(#[from] SecretFault),
    /// No way to the tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// No way to an HR system whose records are to be read back.
    #[error(transparent)]
    Reader(#[from] ReaderFault),
    /// The clock to follow.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The data directory cannot be used.
    #[error("the data directory {} cannot be used", .0.display())]
    Data(PathBuf, #[source] OpenError),
    /// Another one runs on the same data.
    #[error("another `joinery up` is running on {}", .0.display())]
    Running(PathBuf),
    /// The data belongs to another tenant.
    #[error("the data in {} belongs to another tenant: use a directory of its own for each", .0.display())]
    OtherTenant(PathBuf),
    /// The store does not answer.
    #[error("the data cannot be read or written")]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
}

/// Everything at work. Dropping it stops everything where it stands; [`Running::shutdown`] finishes what is in hand.
pub struct Running {
    address: SocketAddr,
    store: Store,
    clock: Arc<dyn Clock>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<&'static str>,
    _lock: File,
}

impl Running {
    /// Where webhooks are taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The store, for looking.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The time everything lives in.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Waits until a part of it ends, which none should: answers its name.
    pub async fn wait(&mut self) -> &'static str {
        match self.tasks.join_next().await {
            Some(Ok(name)) => name,
            Some(Err(error)) => {
                tracing::error!(panicked = error.is_panic(), "a part of joinery broke");
                "a part that broke"
            }
            None => "everything",
        }
    }

    /// Takes no more work, finishes what is in hand, and stops. True: everything was finished in time; otherwise the rest
    /// comes back by itself at the next start.
    pub async fn shutdown(mut self) -> bool {
        self.stop.send_replace(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        tokio::time::timeout(FINISH_MAX, finished).await.is_ok()
    }
}

/// Starts everything. When this returns, webhooks are taken.
pub async fn start(options: Options) -> Result<Running, StartError> {
    let policy = load_policy(&options.policy)?;
    let beside = options.policy.parent().unwrap_or(Path::new(""));
    let connections = secrets::connections(&policy, &options.environment, beside)?;
    let alerts = Alerts::new(secrets::alert_address(&policy, &options.environment, beside)?)?;
    let identities = Identities::from_environment(&options.environment, &options.graph_url, &policy.tenant.domain)?;
    let followed = FollowedClock::default();
    let mut other_clock = None;
    if let Some(address) = &options.clock_url {
        let mut other = OtherClock::at(address, followed.clone())?;
        other.look().await?;
        other_clock = Some(other);
    }
    let clock: Arc<dyn Clock> = Arc::new(followed);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let clients = Clients::new(&options.graph_url, &identities, &clock, &entropy)?;
    let hr = readers::readers(&policy, &options.environment, beside, &clock, &entropy)?;
    let (store, lock) = open(&options, &policy, &identities, &clock).await?;
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.map_err(|error| StartError::Listen(options.listen, error))?;
    let address = listener.local_addr().map_err(|error| StartError::Listen(options.listen, error))?;
    say_identities(&identities);

    let bells = Bells::default();
    let (alarm, alerts) = alerts.over(store.clone());
    let mut wiring = Wiring::over(&store, &clients, Arc::clone(&clock), entropy);
    wiring.ports.outbox = Arc::new(bells::RingingOutbox { store: store.clone(), bells: bells.clone() });
    wiring.ports.pager = Arc::new(alarm.clone());
    wiring.hr = Arc::new(hr);
    let app = Arc::new(intake::App {
        connections,
        outbox: Arc::clone(&wiring.ports.outbox),
        parking: Arc::new(store.clone()),
        clock: Arc::clone(&clock),
    });
    let parts = Parts { policy, store: store.clone(), wiring, alarm, bells };
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    if let Some(other) = other_clock {
        tasks.spawn(named("the clock", follow(other, parts.bells.clone(), stopped.clone())));
    }
    tasks.spawn(named("the alerts", alerts.deliver(stopped.clone())));
    tasks.spawn(named("the webhook listener", door::serve(listener, app, store.clone(), stopped.clone())));
    parts.spawn(&mut tasks, &stopped);
    Ok(Running { address, store, clock, stop, tasks, _lock: lock })
}

/// What the working tasks are made of.
struct Parts {
    policy: Arc<Policy>,
    store: Store,
    wiring: Wiring,
    alarm: Alarm,
    bells: Bells,
}

impl Parts {
    fn spawn(self, tasks: &mut JoinSet<&'static str>, stop: &watch::Receiver<bool>) {
        let ports = &self.wiring.ports;
        let reconciler = reconciliation::app(&self.policy, &self.store, &self.wiring);
        let machine = Machine {
            inbox: Arc::new(self.store.clone()),
            functions: Functions::new(&self.policy, &self.wiring),
            roster: Arc::clone(&ports.roster),
            outbox: Arc::clone(&ports.outbox),
            clock: Arc::clone(&ports.clock),
            entropy: Arc::clone(&ports.entropy),
        };
        let (reading, addresses_read) =
            addresses::Reading::new(self.wiring.graph, self.store.clone(), Arc::clone(&ports.clock));
        tasks.spawn(named("the reading of addresses", reading.keep_up(stop.clone())));
        for queue in QueueName::ALL {
            let group = workers::Group {
                queue,
                machine: machine.clone(),
                bells: self.bells.clone(),
                alarm: self.alarm.clone(),
                gate: (queue == QueueName::Accounts).then(|| addresses_read.clone()),
            };
            tasks.spawn(named(queue.as_str(), group.work(stop.clone())));
        }
        let everybody = Reevaluation {
            store: self.store.clone(),
            roster: Arc::clone(&machine.roster),
            clock: Arc::clone(&machine.clock),
            policy: Arc::clone(&self.policy),
        };
        tasks.spawn(named("the look at everybody", everybody::look(everybody, self.bells.clone(), stop.clone())));
        if let Some(every) = self.policy.reconcile.every {
            let reconciling = reconciling::Reconciling { app: reconciler, store: self.store.clone(), every };
            tasks.spawn(named("the reconciliation", reconciling.keep_reconciling(stop.clone())));
        }
        let sweep = sweep::Sweep::new(machine, self.store, &self.policy, self.bells);
        tasks.spawn(named("the sweep", sweep.keep_sweeping(stop.clone())));
    }
}

/// Opens the store for this tenant alone, and for this process alone; stores the mode of a first start.
async fn open(
    options: &Options,
    policy: &Policy,
    identities: &Identities,
    clock: &Arc<dyn Clock>,
) -> Result<(Store, File), StartError> {
    let durability = embedded::Options { durability: options.durability };
    let unusable = |error| StartError::Data(options.data.clone(), error);
    let store = Store::open(&options.data, Arc::clone(clock), durability).map_err(unusable)?;
    let lock = File::create(options.data.join(LOCK_FILE)).map_err(|error| unusable(error.into()))?;
    take(&lock).await.map_err(|_| StartError::Running(options.data.clone()))?;
    let remembered = Remembered {
        policy: std::path::absolute(&options.policy).unwrap_or_else(|_| options.policy.clone()),
        fingerprint: policy.fingerprint.clone(),
        graph_url: options.graph_url.clone(),
        clock_url: options.clock_url.clone(),
        tenant: identities.ordinary.tenant.clone(),
    };
    if Remembered::load(&store)?.is_some_and(|before| !before.is_of_same_tenant(&remembered)) {
        return Err(StartError::OtherTenant(options.data.clone()));
    }
    // The mode first: were we killed in between, the next start would find settings without one, and observe.
    store.initialize_mode(if is_loopback(&options.graph_url) { Mode::Enforce } else { Mode::Observe })?;
    remembered.save(&store)?;
    Ok((store, lock))
}

/// Takes the lock. A command that looks whether it is taken holds it for a moment, hence the patience.
async fn take(lock: &File) -> Result<(), TryLockError> {
    for _ in 1..LOCK_TRIES {
        if lock.try_lock().is_ok() {
            return Ok(());
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    lock.try_lock()
}

fn say_identities(identities: &Identities) {
    if identities.is_one() {
        tracing::warn!("CUT_CLIENT_ID is not set: cuts use the identity of ordinary work, and share its quota with it");
    }
}

async fn named(name: &'static str, work: impl Future<Output = ()>) -> &'static str {
    work.await;
    name
}

/// Waits until it is asked to stop, or nobody is left who could ask.
async fn asked_to(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Follows the other clock, and has everybody look up when it jumps.
async fn follow(mut other: OtherClock, bells: Bells, mut stop: watch::Receiver<bool>) {
    let mut silent = false;
    loop {
        match other.look().await {
            Ok(jumped) => {
                silent = false;
                if jumped {
                    bells.ring_all();
                }
            }
            Err(error) if !silent => {
                silent = true;
                tracing::warn!(error = crate::machine::chain(&error), "the clock is not followed for now");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(CLOCK_TICK) => {}
            () = asked_to(&mut stop) => return,
        }
    }
}
