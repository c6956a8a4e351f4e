//! What the functions need of the world: time, entropy, queues, the roster and a sealed place for secrets.
//!
//! A port exists only where there are two real implementations, one for AWS and one for a single machine, and one suite
//! of contract tests runs against both. Microsoft Graph is no port: it has one client, whose seam is the wire.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::guard;
use crate::ids::{ObjectId, PersonId, SkuId};
use crate::message::QueueName;
use crate::person::{Change, Person, TimelineEntry};
use crate::policy::Guard;
use crate::seats::Line;

/// Why a store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the head since it was loaded: load again and repeat.
    #[error("the person's head has moved on")]
    Conflict,
    /// The store could not be reached or is broken; nothing may be assumed about the effect.
    #[error("the store did not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something stored cannot be read back.
    #[error("stored data of `{0}` cannot be read")]
    Corrupt(&'static str, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness, for passwords, message ids and jitter.
pub trait Entropy: Send + Sync {
    /// 32 bytes nobody can guess.
    fn bytes(&self) -> [u8; 32];

    /// A new id: 32 hex characters.
    fn id(&self) -> String {
        let hex = crate::ids::hex_sha256(&[self.bytes()]);
        hex.chars().take(32).collect()
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Messages of one group are taken one at a time and in order: the person's id.
    pub group: String,
    /// A second message with the same id within five minutes is dropped, even after the first was deleted.
    pub deduplication_id: String,
    /// The message's JSON.
    pub body: String,
}

/// Sends messages.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Stores the message durably. When this returns the message will be delivered at least once.
    async fn send(&self, queue: QueueName, message: Outgoing) -> Result<(), StoreError>;
}

/// Whom an operator or an event names by something other than the person's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handle {
    /// The bound account.
    Object(ObjectId),
    /// The account's user principal name, compared without case.
    Upn(String),
    /// The number people know the worker by, within a connection.
    EmployeeNumber {
        /// The connection's name.
        connection: String,
        /// The number.
        number: String,
    },
    /// The work address HR gave at the last look, compared without case.
    WorkEmail(String),
}

/// People: a bounded head each, with steps, grants and a timeline as items of their own.
#[async_trait]
pub trait Roster: Send + Sync {
    /// The person with steps and grants; None if nothing is known of them.
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError>;

    /// Commits everything of the change in one transaction, or nothing. [`StoreError::Conflict`] if the stored head's version is not the
    /// one that the change rests on, or if the change holds no head and nothing is known of the person.
    ///
    /// In DynamoDB that is one condition on the head's item: `version = :rests_on`, or `attribute_not_exists(version)` for the first
    /// head. It stands at whatever writes that item, or, if the change leaves it alone, at a `ConditionCheck` in the same
    /// `TransactWriteItems`. A transaction that is canceled for it, or for another one under way on the item (`TransactionConflict`), is a
    /// conflict.
    async fn commit(&self, change: Change) -> Result<(), StoreError>;

    /// The latest entries of a person's timeline, newest last.
    async fn timeline(&self, id: &PersonId, limit: usize) -> Result<Vec<TimelineEntry>, StoreError>;

    /// Whom a handle names. Several people at one handle is a conflict the caller must not guess about: all are returned,
    /// at most ten.
    async fn find(&self, handle: &Handle) -> Result<Vec<PersonId>, StoreError>;

    /// Everyone, in order of id, after `after`; at most `limit`.
    async fn list(&self, after: Option<&PersonId>, limit: usize) -> Result<Vec<PersonId>, StoreError>;

    /// Takes up to `limit` people whose head or a step of theirs is due at `now`, and moves those due times to `retry_at`, so that
    /// a sweep does not wake them again at once and a lost wake-up is repeated.
    async fn take_due(&self, now: Timestamp, retry_at: Timestamp, limit: usize) -> Result<Vec<PersonId>, StoreError>;

    /// The earliest instant at which anybody is due.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// People who wait for a seat of the SKU, longest waiting first; at most `limit`.
    async fn waiting_for(&self, sku: &SkuId, limit: usize) -> Result<Vec<PersonId>, StoreError>;
}

/// The brakes on granting calls: a durable fence and a lease per person (architecture, invariant 8).
///
/// The fence itself is raised and lowered by [`Roster::commit`], in the same transaction as the head that says why.
#[async_trait]
pub trait Fences: Send + Sync {
    /// Whether the person's fence is up, read strongly consistent. Nobody known: up, for nothing may be granted to a stranger.
    async fn is_up(&self, id: &PersonId) -> Result<bool, StoreError>;

    /// Takes the person's lease until `until` if nobody else holds it at `now`. The same holder may take it again.
    async fn take_lease(
        &self,
        id: &PersonId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Gives the lease back, if the holder still has it.
    async fn release_lease(&self, id: &PersonId, holder: &str) -> Result<(), StoreError>;
}

/// Counts the people access is taken from, and holds what exceeds the policy's guards.
#[async_trait]
pub trait Guards: Send + Sync {
    /// Decides a request, atomically with the count it rests on: however many workers ask at once, no more people are admitted in
    /// a window than the guard allows. A request that was admitted or released before is admitted and counts nothing twice.
    async fn admit(&self, request: &guard::Request, guard: &Guard) -> Result<guard::Verdict, StoreError>;
}

/// Lines of people who wait for seats, one for each product.
#[async_trait]
pub trait Lines: Send + Sync {
    /// The line of a product; a new one if nobody has asked for a seat of it yet.
    async fn line(&self, sku: &SkuId) -> Result<Line, StoreError>;

    /// Stores a line if the stored one's version is the one before it, else [`StoreError::Conflict`].
    async fn store(&self, line: Line) -> Result<(), StoreError>;

    /// Products whose lines are to be looked at by `now`; their next look moves to `retry_at`, so that a sweep asks once and a lost
    /// look is repeated. Whoever stores the line sets it anew.
    async fn take_looks(&self, now: Timestamp, retry_at: Timestamp) -> Result<Vec<SkuId>, StoreError>;

    /// The earliest instant at which any line is to be looked at. None: nobody waits.
    async fn next_look(&self) -> Result<Option<Timestamp>, StoreError>;
}

/// Who holds an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressHolder {
    /// A person of the roster.
    Person(PersonId),
    /// An object of the tenant that is nobody's account in the roster (yet).
    Object(ObjectId),
}

/// Every address ever used, each with its one holder. An address once issued is never issued to somebody else.
#[async_trait]
pub trait Addresses: Send + Sync {
    /// Takes the address (lower-cased by the store) unless it has another holder; answers whoever holds it afterwards.
    async fn claim(&self, address: &str, holder: &AddressHolder) -> Result<AddressHolder, StoreError>;
}

/// The sealed place: secrets by reference, readable only by their owner.
#[async_trait]
pub trait Vault: Send + Sync {
    /// Seals a secret, replacing what was there.
    async fn put(&self, reference: &str, secret: &str) -> Result<(), StoreError>;
    /// Reads a secret without using it up; None if there is none.
    async fn peek(&self, reference: &str) -> Result<Option<String>, StoreError>;
    /// Reads a secret and destroys it.
    async fn take(&self, reference: &str) -> Result<Option<String>, StoreError>;
}

/// Whether Joinery may write to the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Plans, writes nothing; a cut that falls due raises a page.
    Observe,
    /// Carries out.
    Enforce,
}

/// What is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Nothing.
    Nothing,
    /// Everything but cuts.
    AllButCuts,
    /// Everything.
    Everything,
}

/// The operator's switches, read before every write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    /// Observe or enforce.
    pub mode: Mode,
    /// What is stopped.
    pub stop: Stop,
}

/// Reads the switches.
#[async_trait]
pub trait Controls: Send + Sync {
    /// The switches as they stand now, strongly consistent.
    async fn switches(&self) -> Result<Switches, StoreError>;
}

/// Something that could not be done and needs an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureReport {
    /// Unique; the same failure reported again replaces itself.
    pub id: String,
    /// The function that gave up, or `intake`.
    pub function: String,
    /// The queue a replay goes to, if it can be replayed.
    pub queue: Option<QueueName>,
    /// The person, where known.
    pub person: Option<PersonId>,
    /// A short stable word for the cause, such as `bad-event`, `graph-refused`.
    pub cause: String,
    /// The error chain in words, free of personal data.
    pub reason: String,
    /// The message or request body. Personal data: stored, never logged.
    pub body: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was parked.
    pub at: Timestamp,
}

/// Keeps what could not be done, until an operator replays or discards it.
#[async_trait]
pub trait Parking: Send + Sync {
    /// Stores the failure durably.
    async fn park(&self, report: FailureReport) -> Result<(), StoreError>;
}

/// Raises a person's attention now: a stored row, one log line, the optional webhook of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What makes it one page however often it is raised.
    pub key: String,
    /// Whom it is about.
    pub person: Option<PersonId>,
    /// What happened and what to do, free of personal data.
    pub text: String,
    /// When it was first raised.
    pub at: Timestamp,
}

/// Takes pages.
#[async_trait]
pub trait Pager: Send + Sync {
    /// Stores the page; one with the same key is raised once only.
    async fn page(&self, page: Page) -> Result<(), StoreError>;
}

/// How a function leaves a message that it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done: delete the message.
    Done,
    /// Not yet, through no fault of the message: show it again after this long. Never counts toward a dead letter.
    Later(Duration),
}

/// How a function fails a message.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Try again with the queue's own patience; counts toward a dead letter.
    #[error("it may work another time")]
    Retry(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Trying again cannot help: park it.
    #[error("it cannot be done as it stands (`{cause}`)")]
    Park {
        /// A short stable word for the cause.
        cause: &'static str,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(..) => Self::Park { cause: "corrupt-state", source: Box::new(error) },
            StoreError::Conflict | StoreError::Unavailable(_) => Self::Retry(Box::new(error)),
        }
    }
}
