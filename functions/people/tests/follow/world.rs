//! One function, its roster on disk, and BambooHR in the same process: one virtual clock serves them all.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use domain::event::{Auth, EventKind, EventSource, WorkerEvent};
use domain::ids::{EventId, PersonId, SkuId, hex_sha256};
use domain::message::{Message, QueueName};
use domain::person::{Change, Person, TimelineEntry};
use domain::policy::Policy;
use domain::ports::{Clock, Entropy, Handle, Outbox, Outcome, Outgoing, Roster, StoreError};
use embedded::{Durability, Store};
use hr::bamboohr::{Client, Config, Inputs, Sleep};
use hr::transport::{Lost, LostKind};
use hr::{Readers, Secret, Transport};
use hr_emulator::{Call, Company, Emulator, Options};
use http::{HeaderMap, Method, Request, Response};
use jiff::{SignedDuration, Timestamp};
use people::{App, handle};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const PERSON: &str = "bamboo:12";

const POLICY: &str = r#"
version = 1
[tenant]
domain = "contoso.example"
time_zone = "Europe/Amsterdam"
anchor = "extension_0123456789abcdef0123456789abcdef_joineryPerson"
[connections.bamboo]
source = "bamboohr"
end_date = "inclusive"
secrets = ["env:BAMBOO"]
api = { company = "acme", key = "env:KEY" }
"#;

/// Every port but the reader of HR's records.
pub(crate) struct Ports {
    store: Store,
    emulator: Emulator,
    drawn: AtomicU64,
    /// Queue and message, in order.
    pub(crate) sent: Mutex<Vec<(QueueName, Outgoing)>>,
    /// Writes that still go well.
    pub(crate) writes_left: AtomicUsize,
    /// Whether HR is cut off.
    pub(crate) unplugged: Mutex<bool>,
    /// How long a call to HR takes.
    pub(crate) slowness: Mutex<SignedDuration>,
}

impl Ports {
    fn write(&self) -> Result<(), StoreError> {
        let left = self.writes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| StoreError::Unavailable("pulled the plug".into()))
    }
}

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) ports: Arc<Ports>,
    hints: AtomicUsize,
    _directory: TempDir,
}

impl World {
    /// Employee 12 works in Sales; `readable`: whether the connection's records can be read back.
    pub(crate) fn new(readable: bool) -> Self {
        Self::with_keys(readable, &[])
    }

    /// The same where HR takes these keys only; with none, any.
    pub(crate) fn with_keys(readable: bool, keys: &[&str]) -> Self {
        let seed = json!({
            "keys": keys,
            "now": "2026-03-02T09:00:00Z",
            "employees": {"12": {"firstName": "Zoë", "lastName": "Ångström", "department": "Sales",
                                 "hireDate": "2026-01-05", "status": "Active", "country": "Netherlands"}},
        });
        let emulator = Emulator::new(Company::from_seed(&seed, Options::default()).unwrap());
        let directory = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(Time(emulator.clone()));
        let options = embedded::Options { durability: Durability::Crash };
        let store = Store::open(directory.path(), clock, options).unwrap();
        let ports = Arc::new(Ports {
            store,
            emulator,
            drawn: AtomicU64::new(0),
            sent: Mutex::default(),
            writes_left: AtomicUsize::new(usize::MAX),
            unplugged: Mutex::default(),
            slowness: Mutex::default(),
        });
        let readers = if readable { Readers::from_iter([client(&ports)]) } else { Readers::default() };
        let app = App {
            policy: Arc::new(Policy::parse(POLICY).unwrap()),
            roster: ports.clone(),
            readers: Arc::new(readers),
            outbox: ports.clone(),
            pager: Arc::new(ports.store.clone()),
            clock: ports.clone(),
            entropy: ports.clone(),
        };
        Self { app, ports, hints: AtomicUsize::new(0), _directory: directory }
    }

    // ---- HR

    /// HR changes the record now, or deletes it.
    pub(crate) fn change(&self, fields: &Value) {
        self.control("employees", &json!({"12": fields}));
    }

    pub(crate) fn control(&self, what: &str, body: &Value) {
        let (path, body) = (format!("/_control/{what}"), body.to_string());
        let headers = HeaderMap::new();
        let call = Call { method: &Method::PUT, path: &path, query: "", headers: &headers, body: body.as_bytes() };
        let answer = self.ports.emulator.company().answer(&call);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The statuses of the calls that reached HR.
    pub(crate) fn calls(&self) -> Vec<u64> {
        let headers = HeaderMap::new();
        let call = Call { method: &Method::GET, path: "/_control/calls", query: "", headers: &headers, body: b"" };
        let hr_emulator::Body::Json(calls) = self.ports.emulator.company().answer(&call).body else { panic!() };
        calls.as_array().unwrap().iter().map(|call| call["status"].as_u64().unwrap()).collect()
    }

    /// What HR says of a change made now.
    pub(crate) fn event(&self, kind: EventKind, vendor_type: &str) -> WorkerEvent {
        let number = self.hints.fetch_add(1, Ordering::Relaxed);
        let mut event: WorkerEvent = serde_json::from_value(json!({
            "schema": "hr.worker-event/1",
            "event_id": EventId::derive("bamboo", "bamboohr", &number.to_string()),
            "kind": kind,
            "source": EventSource {
                system: "bamboohr".into(), tenant_id: "bamboo".into(), company_id: None, delivery_id: None,
                vendor_event_id: None, vendor_event_type: Some(vendor_type.into()), occurred_at: Some(self.now()),
                received_at: self.now(), auth: Auth::Hmac, raw_sha256: hex_sha256(&[b""]),
            },
            "worker": {"source_person_id": "12"},
        }))
        .unwrap();
        event.vendor_changed_fields = Vec::new();
        event
    }

    pub(crate) fn hint(&self) -> WorkerEvent {
        self.event(EventKind::Update, "employee.updated")
    }

    /// The record as HR would tell it now.
    pub(crate) async fn read(&self) -> WorkerEvent {
        client(&self.ports).employee("12").await.unwrap()
    }

    // ---- ours

    pub(crate) async fn hear(&self, event: &WorkerEvent) {
        let outcome = handle(&self.app, &Message::hr_event(event.clone())).await.unwrap();
        assert_eq!(outcome, Outcome::Done);
    }

    /// Wakes whoever is due until then, each at their time; afterwards it is then.
    pub(crate) async fn run_for_minutes(&self, minutes: i64) {
        let until = self.now() + SignedDuration::from_mins(minutes);
        for _ in 0..1000 {
            let due = self.ports.store.next_due().await.unwrap();
            let Some(due) = due.filter(|due| *due <= until) else {
                return self.forward_to(until);
            };
            self.forward_to(due);
            let again = self.now() + SignedDuration::from_mins(10);
            for person in self.ports.store.take_due(self.now(), again, 10).await.unwrap() {
                let outcome = handle(&self.app, &Message::wake(&person, "due", "sweep")).await.unwrap();
                assert_eq!(outcome, Outcome::Done);
            }
        }
        panic!("it never settles");
    }

    fn forward_to(&self, at: Timestamp) {
        let mut company = self.ports.emulator.company();
        let by = at.duration_since(company.now());
        if by.is_positive() {
            company.advance(by);
        }
    }

    // ---- looking

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.emulator.company().now()
    }

    pub(crate) async fn person(&self) -> Person {
        self.person_or_none().await.expect("somebody")
    }

    pub(crate) async fn person_or_none(&self) -> Option<Person> {
        self.ports.store.person(&PERSON.parse().unwrap()).await.unwrap()
    }

    /// The department the record says, today.
    pub(crate) async fn department(&self) -> Option<String> {
        let person = self.person().await;
        let zone = &self.app.policy.tenant.time_zone;
        let today = self.now().to_zoned(zone.clone()).date();
        person.head.record.text("org.department.name", today, zone).map(str::to_owned)
    }

    pub(crate) async fn story(&self) -> Vec<TimelineEntry> {
        self.ports.store.timeline(&PERSON.parse().unwrap(), 1000).await.unwrap()
    }

    /// The texts of the pages, oldest first.
    pub(crate) fn pages(&self) -> Vec<String> {
        let mut pages = self.ports.store.pages(100).unwrap();
        pages.sort_by_key(|page| page.at);
        pages.into_iter().map(|page| page.text).collect()
    }

    /// How often a line of the story contains the words.
    pub(crate) async fn told(&self, words: &str) -> usize {
        self.story().await.iter().filter(|line| line.text.contains(words)).count()
    }

    /// The queues that were sent to since the last time this was asked.
    pub(crate) fn woken(&self) -> Vec<QueueName> {
        std::mem::take(&mut *self.ports.sent.lock().unwrap()).into_iter().map(|(queue, _)| queue).collect()
    }
}

fn client(ports: &Arc<Ports>) -> Client {
    let config = Config {
        connection: "bamboo".into(),
        company: "acme".into(),
        base_url: "http://127.0.0.1:1".parse().unwrap(),
        key: Secret::new("hunter2"),
    };
    let inputs = Inputs { clock: ports.clone(), entropy: ports.clone(), sleep: ports.clone() };
    Client::new(config, ports.clone(), inputs).unwrap()
}

/// The emulator's clock is everybody's.
struct Time(Emulator);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        self.0.company().now()
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        self.emulator.company().now()
    }
}

impl Entropy for Ports {
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes
    }
}

#[async_trait]
impl Sleep for Ports {
    async fn sleep(&self, _: Duration) {}
}

#[async_trait]
impl Transport for Ports {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        self.emulator.company().advance(*self.slowness.lock().unwrap());
        if *self.unplugged.lock().unwrap() {
            return Err(Lost::new(LostKind::Connect));
        }
        let answer = self.emulator.router().oneshot(request.map(Body::from)).await.unwrap();
        let (parts, body) = answer.into_parts();
        Ok(Response::from_parts(parts, to_bytes(body, 1 << 20).await.unwrap()))
    }
}

#[async_trait]
impl Outbox for Ports {
    async fn send(&self, queue: QueueName, message: Outgoing) -> Result<(), StoreError> {
        self.write()?;
        self.sent.lock().unwrap().push((queue, message));
        Ok(())
    }
}

#[async_trait]
impl Roster for Ports {
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError> {
        self.store.person(id).await
    }

    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        self.write()?;
        self.store.commit(change).await
    }

    async fn timeline(&self, id: &PersonId, limit: usize) -> Result<Vec<TimelineEntry>, StoreError> {
        self.store.timeline(id, limit).await
    }

    async fn find(&self, handle: &Handle) -> Result<Vec<PersonId>, StoreError> {
        self.store.find(handle).await
    }

    async fn list(&self, after: Option<&PersonId>, limit: usize) -> Result<Vec<PersonId>, StoreError> {
        self.store.list(after, limit).await
    }

    async fn take_due(&self, now: Timestamp, retry_at: Timestamp, limit: usize) -> Result<Vec<PersonId>, StoreError> {
        self.store.take_due(now, retry_at, limit).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_due().await
    }

    async fn waiting_for(&self, sku: &SkuId, limit: usize) -> Result<Vec<PersonId>, StoreError> {
        self.store.waiting_for(sku, limit).await
    }
}
