//! The client before a scripted network, in virtual time.

use std::collections::VecDeque;

use domain::event::EventKind;
use jiff::SignedDuration;
use serde_json::json;

use super::*;

const BEGUN: &str = "2026-03-02T09:00:00Z";

/// A network that answers as written, and a world whose time is its own.
struct Scripted {
    answers: Mutex<VecDeque<Result<Response<Bytes>, Lost>>>,
    sent: Mutex<Vec<Request<Bytes>>>,
    now: Mutex<Timestamp>,
    waited: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        self.sent.lock().unwrap().push(request);
        self.answers.lock().unwrap().pop_front().expect("more requests than answers")
    }
}

#[async_trait]
impl Sleep for Scripted {
    async fn sleep(&self, time: Duration) {
        self.waited.lock().unwrap().push(time);
    }
}

impl Clock for Scripted {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
}

impl Entropy for Scripted {
    fn bytes(&self) -> [u8; 32] {
        [0; 32]
    }
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Result<Response<Bytes>, Lost>>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            sent: Mutex::default(),
            now: Mutex::new(BEGUN.parse().unwrap()),
            waited: Mutex::default(),
        })
    }

    fn client(self: &Arc<Self>, base: &str) -> Result<Client, Insecure> {
        let config = Config {
            connection: "bamboo".into(),
            company: "acme".into(),
            base_url: base.parse().unwrap(),
            key: Secret::new("hunter2"),
        };
        let inputs = Inputs { clock: self.clone(), entropy: self.clone(), sleep: self.clone() };
        Client::new(config, self.clone(), inputs)
    }

    async fn read(self: &Arc<Self>, id: &str) -> Result<WorkerEvent, Error> {
        self.client("https://api.bamboohr.com").unwrap().employee(id).await
    }

    fn requests(&self) -> usize {
        self.sent.lock().unwrap().len()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a script is of answers and losses alike")]
fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Result<Response<Bytes>, Lost> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = status.try_into().unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    Ok(response)
}

fn record() -> Result<Response<Bytes>, Lost> {
    answer(200, &[("content-type", "application/json")], &json!({"id": "12", "firstName": "Zoë"}).to_string())
}

#[tokio::test]
async fn one_request_asks_for_json_by_the_key_and_names_its_fields() {
    let world = Scripted::new([record()]);
    let event = world.read("12").await.unwrap();
    assert_eq!(event.kind, EventKind::Snapshot);
    assert_eq!((event.source.received_at, event.source.occurred_at), (BEGUN.parse().unwrap(), None));
    let sent = world.sent.lock().unwrap();
    let address = sent[0].uri().to_string();
    let (path, query) = address.split_once('?').unwrap();
    assert_eq!(path, "https://api.bamboohr.com/api/gateway.php/acme/v1/employees/12/");
    assert!(query.starts_with("fields=employeeNumber,firstName,") && query.ends_with(",lastChanged&onlyCurrent=false"));
    assert_eq!(sent[0].headers()["accept"], "application/json");
    assert_eq!(sent[0].headers()["authorization"], "Basic aHVudGVyMjp4");
    assert!(sent[0].headers()["authorization"].is_sensitive());
}

#[tokio::test]
async fn an_answer_in_xml_says_so() {
    let xml = r#"<?xml version="1.0"?><employee id="12"><field id="firstName">Zoë</field></employee>"#;
    for headers in [&[("content-type", "text/xml")][..], &[]] {
        let error = Scripted::new([answer(200, headers, xml)]).read("12").await.unwrap_err();
        let shown = error.to_string();
        assert!(matches!(error, Error::Undocumented { status: 200, .. }) && shown.contains("is XML"), "{shown}");
    }
}

#[tokio::test]
async fn every_refusal_has_its_own_name_and_nothing_of_a_person_in_it() {
    let body = r#"{"id": "12", "firstName": "Zoë"#;
    let check = async |status: u16, expected: fn(&Error) -> bool| {
        let world = Scripted::new([answer(status, &[], body)]);
        let error = world.read("12").await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(expected(&error), "{shown}");
        assert!(!shown.contains("Zoë") && !shown.contains("hunter2"), "{shown}");
        assert_eq!(world.requests(), 1, "a refusal is not repeated");
    };
    check(404, |error| matches!(error, Error::NotFound)).await;
    check(401, |error| matches!(error, Error::Unauthorized { status: 401 })).await;
    check(403, |error| matches!(error, Error::Unauthorized { status: 403 })).await;
    check(302, |error| matches!(error, Error::Undocumented { status: 302, .. })).await;
    check(200, |error| matches!(error, Error::Undocumented { status: 200, .. })).await;
}

#[tokio::test]
async fn a_short_wait_is_waited_and_a_long_one_is_told() {
    let short = Scripted::new([answer(429, &[("retry-after", "1")], ""), answer(503, &[], ""), record()]);
    assert!(short.read("12").await.is_ok());
    assert_eq!(*short.waited.lock().unwrap(), [Duration::from_secs(1), Duration::from_millis(500)]);

    let long = Scripted::new([answer(503, &[("retry-after", "42")], "")]);
    let error = long.read("12").await.unwrap_err();
    assert!(matches!(error, Error::Limited { retry_after } if retry_after.as_secs() == 42));
}

#[tokio::test]
async fn while_the_company_is_limited_nobody_is_asked_for() {
    let world = Scripted::new([answer(429, &[("retry-after", "42")], ""), record()]);
    let client = world.client("https://api.bamboohr.com").unwrap();
    assert!(client.employee("12").await.is_err());
    *world.now.lock().unwrap() += SignedDuration::from_secs(40);
    let error = client.employee("13").await.unwrap_err();
    assert!(matches!(error, Error::Limited { retry_after } if retry_after.as_secs() == 2));
    assert_eq!(world.requests(), 1);
    *world.now.lock().unwrap() += SignedDuration::from_secs(2);
    assert!(client.employee("12").await.is_ok());
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_three_times() {
    let lost = || Err(Lost::new(LostKind::Cut));
    let world = Scripted::new([lost(), lost(), lost()]);
    assert!(matches!(world.read("12").await, Err(Error::NoAnswer(_))));
    let twice = Scripted::new([lost(), answer(502, &[], "<html>"), record()]);
    assert!(twice.read("12").await.is_ok());
}

#[tokio::test]
async fn what_is_no_record_id_is_never_put_into_an_address() {
    for id in ["", "0", "00", "directory", "..", "1/files", "-1", "12?x", "9999999999999999999", "１２"] {
        let world = Scripted::new([]);
        assert!(matches!(world.read(id).await, Err(Error::NotFound)), "{id}");
    }
}

#[test]
fn the_key_never_leaves_in_the_clear() {
    let world = Scripted::new([]);
    assert!(world.client("http://api.bamboohr.com").is_err());
    let client = world.client("http://127.0.0.1:1").unwrap();
    assert!(!format!("{client:?}").contains("hunter2"));
}
