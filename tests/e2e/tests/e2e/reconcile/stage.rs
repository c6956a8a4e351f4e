//! A reconciler in front of a world: its own way to the tenant, with small pages, and a death at any of its writes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use domain::ids::{ObjectId, PersonId};
use domain::message::QueueName;
use domain::policy::Policy;
use domain::ports::{Clock, Entropy, Outbox, Outgoing, StoreError};
use domain::reconcile::census::{Told, Whom};
use domain::reconcile::memberships::Member;
use domain::reconcile::{Census, Finding, Kind, Known, Run, RunName, Scope};
use embedded::Store;
use graph::client::{Inputs, TokioSleep};
use graph::secret::Secret;
use graph::token::TokenError;
use graph::transport::{Lost, LostKind};
use graph::{Lane, Pace, Tokens, Transport};
use jiff::{SignedDuration, Timestamp};
use reconciler::{App, Ended, Order, Trouble};
use tokio::sync::{Notify, Semaphore};
use tower::ServiceExt;
use url::Url;

use crate::world::World;

/// No answer of the emulator is longer.
const ANSWER_BYTES_MAX: usize = 1 << 24;
/// A death is noticed; a run that goes on after so many is stuck.
const TURNS_MAX: usize = 100;

/// A reconciler, and what it did.
pub(crate) struct Reconciling {
    pub(crate) app: App,
    pub(crate) wire: Arc<Pages>,
    books: Arc<Books>,
}

/// What a reconciler of a world may be given.
#[derive(Clone, Default)]
pub(crate) struct Given {
    /// Tables on top of the world's own policy.
    pub(crate) policy: String,
    /// Objects on a page; 0: as many as are asked for.
    pub(crate) page: usize,
    /// How long every look at the clock takes, in seconds.
    pub(crate) second_per_look: i64,
    /// Dies before the write with this number.
    pub(crate) dies_at: Option<usize>,
    /// What Graph answers instead.
    pub(crate) refusal: Option<Refusal>,
    /// How many calls and writes it may make before it stands still.
    pub(crate) gate: Option<Arc<Semaphore>>,
}

/// An answer with this status to so many calls, those whose address contains this, after the first so many of them.
#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    pub(crate) part: &'static str,
    pub(crate) status: u16,
    pub(crate) after: usize,
    pub(crate) times: usize,
}

impl Reconciling {
    pub(crate) fn of(world: &World, given: Given) -> Self {
        let Given { policy, page, second_per_look, dies_at, refusal, gate } = given;
        let policy = include_str!("../data/policy.toml").to_owned() + "\n" + &policy;
        let policy = Policy::parse(&policy).unwrap_or_else(|faults| panic!("{faults:?}"));
        let wire = Arc::new(Pages {
            router: world.emulator().router(),
            page,
            refusal,
            gate: gate.clone(),
            calls: Mutex::default(),
        });
        let clock: Arc<dyn Clock> = Arc::new(Ticking(Mutex::new(world.now()), second_per_look));
        let inputs = Inputs {
            now: {
                let clock = Arc::clone(&clock);
                Arc::new(move || clock.now())
            },
            random: Arc::new(|| 7),
            sleep: Arc::new(TokioSleep),
        };
        let config = graph::Config {
            base_url: Url::parse("http://127.0.0.1/v1.0").unwrap(),
            retry: graph::retry::Policy::default(),
            lane: Lane::Ordinary,
        };
        let graph = graph::Client::new(config, wire.clone(), Arc::new(Anybody), Arc::new(Pace::default()), inputs);
        let books = Arc::new(Books {
            store: world.store.clone(),
            writes: AtomicUsize::new(0),
            dies_at,
            gate,
            bell: Notify::new(),
            sent: Mutex::default(),
        });
        let app = App {
            policy: Arc::new(policy),
            graph: Arc::new(graph.unwrap()),
            roster: Arc::new(world.store.clone()),
            lines: Arc::new(world.store.clone()),
            census: books.clone(),
            outbox: books.clone(),
            clock,
            entropy: Arc::new(Counting(AtomicUsize::new(0))),
        };
        Self { app, wire, books }
    }

    /// One turn; None: it died.
    pub(crate) async fn turn(&self, order: &Order) -> Option<Result<Ended, Trouble>> {
        tokio::select! {
            biased;
            () = self.books.bell.notified() => None,
            ended = reconciler::run(&self.app, order, &|_| {}) => Some(ended),
        }
    }

    /// A whole run, over all its turns.
    pub(crate) async fn run(&self, order: &Order) -> Found {
        for _ in 0..TURNS_MAX {
            if self.turn(order).await.expect("it lives").unwrap() == Ended::Whole {
                return Found::of(&self.books.store, order.name).await;
            }
        }
        panic!("it never ends");
    }

    /// Whom it woke, in order.
    pub(crate) fn woken(&self) -> Vec<String> {
        self.books.sent.lock().unwrap().clone()
    }

    /// Writes so far.
    pub(crate) fn writes(&self) -> usize {
        self.books.writes.load(Ordering::Relaxed)
    }
}

/// What a run found, comparable: kind, person, product, detail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found(pub(crate) BTreeSet<Finding>);

impl Found {
    pub(crate) async fn of(store: &Store, run: RunName) -> Self {
        Self(store.findings(run, 0, 10_000).await.unwrap().into_iter().map(|(_, finding)| finding).collect())
    }

    /// Drift alone: what, and whose.
    pub(crate) fn drift(&self) -> Vec<(Kind, String)> {
        let drift = self.0.iter().filter(|finding| finding.kind.wakes());
        drift.map(|finding| (finding.kind, finding.person.as_ref().unwrap().to_string())).collect()
    }

    /// The findings of a kind.
    pub(crate) fn of_kind(&self, kind: Kind) -> Vec<&Finding> {
        self.0.iter().filter(|finding| finding.kind == kind).collect()
    }
}

/// A whole run that wakes.
pub(crate) fn real() -> Order {
    Order { name: RunName::Real, scopes: Scope::ALL.into(), deadline: None }
}

/// A whole run that wakes nobody.
pub(crate) fn dry() -> Order {
    Order { name: RunName::DryRun, ..real() }
}

/// The way to the tenant, in small pages.
pub(crate) struct Pages {
    router: Router,
    page: usize,
    refusal: Option<Refusal>,
    gate: Option<Arc<Semaphore>>,
    pub(crate) calls: Mutex<Vec<String>>,
}

impl Pages {
    /// The refusal, if this call is one of those it is for.
    fn refused(&self, refusal: Refusal, address: &str) -> Option<http::Response<Bytes>> {
        let calls = self.calls.lock().unwrap();
        let turn = calls.iter().filter(|call| call.contains(refusal.part)).count();
        let strikes = address.contains(refusal.part) && turn > refusal.after && turn - refusal.after <= refusal.times;
        let body = r#"{"error": {"code": "Refused", "message": "By the test."}}"#;
        strikes.then(|| http::Response::builder().status(refusal.status).body(Bytes::from(body)).unwrap())
    }
}

/// Waits until one more deed is allowed.
async fn pass(gate: Option<&Semaphore>) {
    if let Some(gate) = gate {
        gate.acquire().await.unwrap().forget();
    }
}

#[async_trait]
impl Transport for Pages {
    async fn send(&self, mut request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Lost> {
        assert_eq!(request.method(), http::Method::GET, "a reconciliation writes nothing to the tenant");
        let address = request.uri().to_string();
        pass(self.gate.as_deref()).await;
        self.calls.lock().unwrap().push(address.clone());
        if let Some(answer) = self.refusal.and_then(|refusal| self.refused(refusal, &address)) {
            return Ok(answer);
        }
        if self.page > 0 {
            let top = format!("$top={}", self.page);
            let smaller = address.replace("$top=999", &top).replace("$top=500", &top);
            *request.uri_mut() = smaller.parse().unwrap();
        }
        // Links lead back to where the call came from.
        request.headers_mut().insert(http::header::HOST, http::HeaderValue::from_static("127.0.0.1"));
        let cut = || Lost::new(LostKind::Cut);
        let answer = self.router.clone().oneshot(request.map(Body::from)).await.map_err(|_| cut())?;
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|_| cut())?;
        Ok(http::Response::from_parts(parts, bytes))
    }
}

struct Anybody;

#[async_trait]
impl Tokens for Anybody {
    async fn token(&self) -> Result<Secret, TokenError> {
        Ok(Secret::new("reconciler"))
    }

    fn forget(&self) {}
}

/// A clock that goes on whenever it is looked at.
struct Ticking(Mutex<Timestamp>, i64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::from_secs(self.1);
        *now
    }
}

struct Counting(AtomicUsize);

impl Entropy for Counting {
    fn bytes(&self) -> [u8; 32] {
        let turn = self.0.fetch_add(1, Ordering::Relaxed);
        [u8::try_from(turn % 256).unwrap(); 32]
    }
}

/// The store, with a death before one of its writes, and a note of every message.
struct Books {
    store: Store,
    writes: AtomicUsize,
    dies_at: Option<usize>,
    gate: Option<Arc<Semaphore>>,
    bell: Notify,
    sent: Mutex<Vec<String>>,
}

impl Books {
    async fn write(&self) {
        pass(self.gate.as_deref()).await;
        let number = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
        if self.dies_at.is_some_and(|fatal| number >= fatal) {
            self.bell.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Outbox for Books {
    async fn send(&self, queue: QueueName, message: Outgoing) -> Result<(), StoreError> {
        self.write().await;
        self.sent.lock().unwrap().push(message.group.clone());
        self.store.send(queue, message).await
    }
}

#[async_trait]
impl Census for Books {
    async fn bound(&self, accounts: &[&ObjectId]) -> Result<Vec<Option<Known>>, StoreError> {
        self.store.bound(accounts).await
    }

    async fn members(
        &self,
        group: &ObjectId,
        accounts: &[&ObjectId],
        all: bool,
    ) -> Result<Vec<Option<Member>>, StoreError> {
        self.store.members(group, accounts, all).await
    }

    async fn unsighted(
        &self,
        run: RunName,
        whom: Whom<'_>,
        after: Option<&PersonId>,
        limit: usize,
    ) -> Result<Vec<PersonId>, StoreError> {
        self.store.unsighted(run, whom, after, limit.min(2)).await
    }

    async fn run(&self, name: RunName) -> Result<Option<Run>, StoreError> {
        self.store.run(name).await
    }

    async fn begin(&self, run: &Run, before: Option<u64>) -> Result<(), StoreError> {
        self.write().await;
        self.store.begin(run, before).await
    }

    async fn advance(&self, run: &Run, told: &Told) -> Result<(), StoreError> {
        self.write().await;
        self.store.advance(run, told).await
    }

    async fn findings(&self, run: RunName, after: u64, limit: usize) -> Result<Vec<(u64, Finding)>, StoreError> {
        self.store.findings(run, after, limit).await
    }

    async fn tally(&self, run: RunName) -> Result<std::collections::BTreeMap<Kind, u64>, StoreError> {
        self.store.tally(run).await
    }

    async fn unwoken(&self, run: RunName, limit: usize) -> Result<Vec<(u64, Finding)>, StoreError> {
        self.store.unwoken(run, limit).await
    }

    async fn woke(&self, run: RunName, findings: &[u64]) -> Result<(), StoreError> {
        self.write().await;
        self.store.woke(run, findings).await
    }
}
