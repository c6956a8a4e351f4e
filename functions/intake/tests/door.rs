//! The front door with its stores in memory: what is answered, what is stored before that, what is never shown.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may end in a panic anywhere")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use domain::message::{Body, Message, QueueName};
use domain::ports::{Clock, FailureReport, Outbox, Outgoing, Parking, StoreError};
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use intake::{Adapter, App, BODY_BYTES_MAX, Connection, Secret, handle};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

const SECRET: &str = "planted-secret-3b1f";
const NOW: i64 = 1_772_442_000;

/// Keeps what is stored; refuses everything from the `fails_from`th message on.
#[derive(Default)]
struct Memory {
    sent: Mutex<Vec<(QueueName, Outgoing)>>,
    parked: Mutex<Vec<FailureReport>>,
    fails_from: Option<usize>,
}

impl Memory {
    fn check(&self, stored: usize) -> Result<(), StoreError> {
        let down = self.fails_from.is_some_and(|limit| stored >= limit);
        if down { Err(StoreError::Unavailable("disk full".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl Outbox for Memory {
    async fn send(&self, queue: QueueName, message: Outgoing) -> Result<(), StoreError> {
        let mut sent = self.sent.lock().unwrap();
        self.check(sent.len())?;
        sent.push((queue, message));
        Ok(())
    }
}

#[async_trait]
impl Parking for Memory {
    async fn park(&self, report: FailureReport) -> Result<(), StoreError> {
        let mut parked = self.parked.lock().unwrap();
        self.check(parked.len())?;
        parked.push(report);
        Ok(())
    }
}

impl Clock for Memory {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }
}

fn app(memory: &Arc<Memory>) -> App {
    let connection = |source: &str, secret: &str| Connection {
        adapter: Adapter::named(source).unwrap(),
        secrets: vec![Secret::new(secret)],
    };
    App {
        connections: [
            ("bamboo".to_owned(), connection("bamboohr", SECRET)),
            ("hr".to_owned(), connection("standard-webhooks", "whsec_am9pbmVyeS10ZXN0LWtleS0wMTIzNDU2Nzg5YWJjZGVm")),
        ]
        .into(),
        outbox: memory.clone(),
        parking: memory.clone(),
        clock: memory.clone(),
    }
}

fn signed(path: &str, body: &str) -> http::request::Builder {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    mac.update(NOW.to_string().as_bytes());
    let hex = format!("{:x}", Bytes::copy_from_slice(&mac.finalize().into_bytes()));
    Request::post(path)
        .header("x-bamboohr-signature", hex)
        .header("x-bamboohr-timestamp", NOW.to_string())
        .header("content-type", "application/json; charset=UTF-8")
}

/// Sends a signed BambooHR body to a fresh app over this memory.
async fn send(memory: &Arc<Memory>, body: &str) -> Response<String> {
    let request = signed("/hr/bamboo", body).body(Bytes::from(body.to_owned())).unwrap();
    handle(&app(memory), &request).await
}

#[track_caller]
fn check_problem(response: &Response<String>, status: u16, word: &str) {
    let body: Value = serde_json::from_str(response.body()).unwrap();
    assert_eq!(response.status().as_u16(), status, "{body}");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(body["type"], format!("urn:joinery:problem:{word}"));
    assert_eq!(body["status"], status);
    assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()));
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
}

fn update(id: &str, fields: &Value) -> String {
    json!({"employees": [{"id": id, "action": "Updated", "fields": fields}]}).to_string()
}

#[tokio::test]
async fn m17_an_event_is_stored_for_its_person_before_the_202() {
    let memory = Arc::new(Memory::default());
    let response = send(&memory, &update("5", &json!({"department": "Sales"}))).await;
    assert_eq!((response.status().as_u16(), response.body().as_str()), (202, r#"{"accepted":1,"parked":0}"#));
    let sent = memory.sent.lock().unwrap();
    let [(QueueName::People, outgoing)] = sent.as_slice() else { panic!("not one message to people") };
    let message = Message::from_json(&outgoing.body).unwrap();
    let Body::HrEvent { event } = message.body else { panic!("not an event") };
    assert_eq!(outgoing.group, "bamboo:5");
    assert_eq!(outgoing.deduplication_id, format!("{}-people", event.event_id));
    assert_eq!(message.correlation_id, event.event_id.as_str());
}

#[tokio::test]
async fn the_same_delivery_twice_has_the_same_deduplication_id() {
    let memory = Arc::new(Memory::default());
    let body = update("5", &json!({"department": "Sales"}));
    send(&memory, &body).await;
    send(&memory, &body).await;
    let sent = memory.sent.lock().unwrap();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].1.deduplication_id, sent[1].1.deduplication_id);
}

#[tokio::test]
async fn an_ending_goes_to_the_urgent_queue_and_ahead_of_the_others() {
    let memory = Arc::new(Memory::default());
    let body = json!({"employees": [
        {"id": "1", "fields": {"department": "Sales"}},
        {"id": "2", "fields": {"status": "Inactive"}},
    ]});
    send(&memory, &body.to_string()).await;
    let sent = memory.sent.lock().unwrap();
    let lanes: Vec<(QueueName, &str)> = sent.iter().map(|(queue, sent)| (*queue, sent.group.as_str())).collect();
    assert_eq!(lanes, [(QueueName::PeopleUrgent, "bamboo:2"), (QueueName::People, "bamboo:1")]);
}

#[tokio::test]
async fn nothing_is_acknowledged_that_is_not_stored() {
    let body =
        json!({"employees": [{"id": "1", "fields": {"department": "A"}}, {"id": "2", "fields": {"department": "B"}}]});
    for stored in 0..2 {
        let memory = Arc::new(Memory { fails_from: Some(stored), ..Memory::default() });
        let response = send(&memory, &body.to_string()).await;
        check_problem(&response, 503, "store-unavailable");
        assert_eq!(response.headers()["retry-after"], "30");
        assert!(!response.body().contains("disk full"));
    }
    let memory = Arc::new(Memory { fails_from: Some(0), ..Memory::default() });
    check_problem(&send(&memory, "{}").await, 503, "store-unavailable");
}

#[tokio::test]
async fn what_cannot_be_understood_is_parked_without_what_must_not_be_kept() {
    let memory = Arc::new(Memory::default());
    let body = json!({"employees": [{"fields": {"SSN": "123-45-6789", "Home Address": "12 Canal Street", "lastName": "Adams"}}]});
    let response = send(&memory, &body.to_string()).await;
    check_problem(&response, 400, "not-an-event");
    assert!(response.body().contains("`id` is missing"));
    send(&memory, &body.to_string()).await;
    let parked = memory.parked.lock().unwrap();
    assert_eq!(parked[0].id, parked[1].id, "a repeat is the same failure");
    assert_eq!((parked[0].function.as_str(), parked[0].cause.as_str(), parked[0].queue), ("intake", "bad-event", None));
    assert!(parked[0].body.contains("Adams") && parked[0].body.contains("withheld"));
    assert!(!parked[0].body.contains("123-45-6789") && !parked[0].body.contains("Canal"));
}

#[tokio::test]
async fn a_bad_entry_is_parked_and_the_good_ones_beside_it_are_taken() {
    let memory = Arc::new(Memory::default());
    let body = json!({"employees": [{"fields": {"department": "A"}}, {"id": "2", "fields": {"department": "B"}}]});
    let response = send(&memory, &body.to_string()).await;
    assert_eq!((response.status().as_u16(), response.body().as_str()), (202, r#"{"accepted":1,"parked":1}"#));
    let parked = memory.parked.lock().unwrap();
    assert!(parked[0].body.contains(r#""department":"A""#) && !parked[0].body.contains(r#""B""#));
}

#[tokio::test]
async fn what_is_about_no_worker_is_answered_and_forgotten() {
    let memory = Arc::new(Memory::default());
    let response = send(&memory, r#"{"type":"company.updated","data":{"companyId":"1"}}"#).await;
    assert_eq!(response.status(), 202);
    assert!(response.body().contains("ignored"));
    assert!(memory.sent.lock().unwrap().is_empty() && memory.parked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn every_refusal_names_its_cause_and_stores_nothing() {
    let memory = Arc::new(Memory::default());
    let app = app(&memory);
    let body = update("5", &json!({"department": "Sales"}));
    let large = " ".repeat(BODY_BYTES_MAX + 1);
    let post = |path: &str| Request::post(path).header("content-type", "application/json");
    for (builder, body, status, word) in [
        (signed("/hr/nobody", &body), &body, 404, "unknown-connection"),
        (signed("/hr/", &body), &body, 404, "unknown-connection"),
        (signed("/", &body), &body, 404, "unknown-connection"),
        (signed("/hr/bamboo/created/more", &body), &body, 404, "unknown-connection"),
        (signed("/hr/bamboo", &body).method("GET"), &body, 405, "method"),
        (post("/hr/bamboo"), &large, 413, "too-large"),
        (Request::post("/hr/bamboo").header("content-type", "text/xml"), &body, 415, "content-type"),
        (
            Request::post("/hr/bamboo").header("content-type", "application/json; charset=latin1"),
            &body,
            415,
            "content-type",
        ),
        (
            Request::post("/hr/hr").header("content-type", "application/x-www-form-urlencoded"),
            &body,
            415,
            "content-type",
        ),
        (post("/hr/bamboo"), &body, 401, "signature-missing"),
        (signed("/hr/bamboo", "another body"), &body, 401, "signature-invalid"),
        (signed("/hr/hr", &body), &body, 401, "signature-missing"),
    ] {
        let request = builder.body(Bytes::from(body.clone())).unwrap();
        check_problem(&handle(&app, &request).await, status, word);
    }
    assert!(memory.sent.lock().unwrap().is_empty() && memory.parked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_address_says_the_kind_where_the_body_does_not() {
    let memory = Arc::new(Memory::default());
    let body = r#"{"employees":[{"id":"5"}]}"#;
    let request = signed("/hr/bamboo/created", body).body(Bytes::from(body)).unwrap();
    assert_eq!(handle(&app(&memory), &request).await.status(), 202);
    assert!(memory.sent.lock().unwrap()[0].1.body.contains(r#""kind":"hire""#));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_address_or_mail_is_in_a_log_line_an_answer_or_a_debug_print() {
    let log = Log::default();
    let writer = log.clone();
    // For the whole process: with a subscriber of one thread only, another test that is first at a log line turns it off.
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    tracing::subscriber::set_global_default(subscriber.with_writer(move || writer.clone()).finish()).unwrap();
    let private = json!({"homeEmail": "zoe@home.example", "address1": "12 Canal Street", "lastName": "Planted-Name", "hireDate": "31/12/1999"});
    let good = update("5", &private);
    let nameless = json!({"employees": [{"fields": private}]}).to_string();
    let broken = good.replace("}]}", "}]");
    let mut shown = Vec::new();
    for fails_from in [None, Some(0)] {
        let memory = Arc::new(Memory { fails_from, ..Memory::default() });
        for body in [&good, &nameless, &broken] {
            shown.extend_from_slice(send(&memory, body).await.body().as_bytes());
            let request = signed("/hr/bamboo", "other").body(Bytes::from(body.clone())).unwrap();
            shown.extend_from_slice(handle(&app(&memory), &request).await.body().as_bytes());
        }
        for (_, outgoing) in memory.sent.lock().unwrap().iter() {
            write!(shown, "{:?}", Message::from_json(&outgoing.body).unwrap()).unwrap();
        }
        write!(shown, "{:?}", app(&memory).connections).unwrap();
    }
    let shown = String::from_utf8(shown).unwrap();
    let lines = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in
        ["hr request stored", "hr request not taken", "hr request could not be stored", "connection=\"bamboo\""]
    {
        assert!(lines.contains(expected), "no line says {expected}: {lines}");
    }
    for planted in [SECRET, "am9pbmVye", "zoe@", "home.example", "Canal", "Planted-Name", "31/12/1999"] {
        assert!(!lines.contains(planted), "{planted} is logged: {lines}");
        assert!(!shown.contains(planted), "{planted} is shown: {shown}");
    }
}
