//! The client before the emulator, over a socket: both speak the documented wire format and share no type.

#![expect(clippy::unwrap_used, reason = "a test may end in a panic anywhere")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::event::{FactValue, WorkerEvent};
use domain::ports::{Clock, Entropy};
use hr::bamboohr::{Client, Config, Inputs, Sleep};
use hr::{Error, Http, Secret};
use hr_emulator::{Call, Company, Emulator, Options, Running};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

/// The emulator's clock is everybody's.
struct Shared(Emulator);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.company().now()
    }
}

impl Entropy for Shared {
    fn bytes(&self) -> [u8; 32] {
        [7; 32]
    }
}

#[async_trait]
impl Sleep for Shared {
    async fn sleep(&self, time: Duration) {
        self.0.company().advance(time.try_into().unwrap());
    }
}

struct World {
    emulator: Emulator,
    running: Running,
}

impl World {
    async fn new(seed: Value) -> Self {
        let emulator = Emulator::new(Company::from_seed(&seed, Options::default()).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let running = emulator.serve(listener).unwrap();
        Self { emulator, running }
    }

    fn client(&self, company: &str, key: &str) -> Client {
        let base_url = Url::parse(&self.running.base_url()).unwrap();
        let http = Arc::new(Http::new(&base_url).unwrap());
        let config = Config { connection: "bamboo".into(), company: company.into(), base_url, key: Secret::new(key) };
        let shared = Arc::new(Shared(self.emulator.clone()));
        Client::new(config, http, Inputs { clock: shared.clone(), entropy: shared.clone(), sleep: shared }).unwrap()
    }

    fn control(&self, what: &str, body: &Value) {
        let (path, body) = (format!("/_control/{what}"), body.to_string());
        let headers = HeaderMap::new();
        let call = Call { method: &Method::PUT, path: &path, query: "", headers: &headers, body: body.as_bytes() };
        let answer = self.emulator.company().answer(&call);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

fn seed() -> Value {
    json!({
        "keys": ["hunter2"],
        "employees": {
            "4": {"firstName": "John", "lastName": "Doe", "employeeNumber": "9"},
            "12": {
                "firstName": "Zoë", "lastName": "Ångström", "employeeNumber": "77", "supervisorEId": "4",
                "hireDate": "2026-03-16", "country": "Netherlands", "department": "Sales", "payRate": "1 USD",
                "lastChanged": "2026-03-01T10:00:00+00:00",
            },
        },
    })
}

fn text(event: &WorkerEvent, path: &str) -> Option<String> {
    event.facts.get(path).and_then(FactValue::as_text).map(str::to_owned)
}

#[tokio::test]
async fn a_record_is_read_back_with_everything_that_is_kept_and_nothing_else() {
    let world = World::new(seed()).await;
    let event = world.client("acme", "hunter2").employee("12").await.unwrap();
    assert_eq!(text(&event, "name.legal.given").as_deref(), Some("Zoë"));
    assert_eq!(text(&event, "org.department.name").as_deref(), Some("Sales"));
    assert_eq!(text(&event, "location.country").as_deref(), Some("NL"));
    assert_eq!(text(&event, "org.manager.source_person_id").as_deref(), Some("4"));
    assert_eq!(text(&event, "org.manager.employee_number").as_deref(), Some("9"));
    assert_eq!(text(&event, "employment.status").as_deref(), Some("active"));
    assert_eq!(event.facts.get("employment.end_date"), Some(&FactValue::Null));
    assert_eq!(event.version.source_updated_at, Some("2026-03-01T10:00:00Z".parse().unwrap()));
    assert_eq!(event.worker.employee_number.as_deref(), Some("77"));
    assert!(!event.to_json(false).to_string().contains("USD"));
    let faults: Vec<_> = event.facts.iter().filter(|(_, value)| matches!(value, FactValue::Fault(_))).collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(event, world.client("acme", "hunter2").employee("12").await.unwrap(), "the same record, the same event");
}

#[tokio::test]
async fn each_refusal_is_told_apart() {
    let world = World::new(seed()).await;
    assert!(matches!(world.client("acme", "hunter2").employee("99").await, Err(Error::NotFound)));
    assert!(matches!(world.client("acme", "hunter3").employee("12").await, Err(Error::Unauthorized { status: 401 })));
    world.control("limits", &json!({"per_minute": 1}));
    let client = world.client("acme", "hunter2");
    assert!(client.employee("12").await.is_ok());
    let limited = client.employee("12").await.unwrap_err();
    assert!(matches!(limited, Error::Limited { retry_after } if retry_after.as_secs() == 60), "{limited}");
    world.control("clock", &json!({"advance_ms": 60_000}));
    assert!(client.employee("12").await.is_ok());
}

#[tokio::test]
async fn nobody_there_is_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let emulator = Emulator::new(Company::from_seed(&seed(), Options::default()).unwrap());
    let world = World { running: emulator.serve(listener).unwrap(), emulator };
    let client = world.client("acme", "hunter2");
    let World { running, .. } = world;
    running.stop().await;
    assert!(matches!(client.employee("12").await, Err(Error::NoAnswer(_))));
}
