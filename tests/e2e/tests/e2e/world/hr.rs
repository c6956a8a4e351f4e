//! HR systems as they knock: events and their signatures, written from the sources' documents and not from our verifier.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::Sha256;

/// The key of connection `hr`, as the Standard Webhooks specification writes keys.
pub(crate) const HR_SECRET: &str = "whsec_cGxhbnRlZC1oci1zZWNyZXQtMDEyMzQ1Njc4OWFiY2RlZg==";
/// The key of connection `bamboo`.
pub(crate) const BAMBOO_SECRET: &str = "planted-bamboo-secret-77aa";

/// Something HR says of one person, through connection `hr`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// The delivery's id; the same for every delivery of it.
    pub(crate) id: String,
    /// When it happened at HR.
    pub(crate) at: Timestamp,
    /// `data` of the body.
    pub(crate) data: Value,
}

/// An event about a person; facts by dotted path.
pub(crate) fn event(id: &str, at: Timestamp, person: &str, facts: &Value) -> Event {
    let mut data = json!({"worker": {"source_person_id": person}});
    for (path, value) in facts.as_object().expect("facts by path") {
        nest(data.as_object_mut().unwrap(), path, value.clone());
    }
    Event { id: id.to_owned(), at, data }
}

fn nest(root: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(root.insert(path.to_owned(), value)),
        Some((head, rest)) => {
            let child = root.entry(head).or_insert_with(|| json!({}));
            nest(child.as_object_mut().expect("a path through an object"), rest, value);
        }
    }
}

impl Event {
    /// The signed request, sent at `now`. "Standard Webhooks Specification", signature scheme: HMAC-SHA256 of
    /// `id.timestamp.body` with the decoded key, base64, behind `v1,`.
    pub(crate) fn request(&self, now: Timestamp) -> Request<Bytes> {
        let body = json!({"type": "worker.changed", "timestamp": self.at.to_string(), "data": self.data}).to_string();
        let key = STANDARD.decode(HR_SECRET.trim_start_matches("whsec_")).unwrap();
        let seconds = now.as_second();
        let signature = STANDARD.encode(sign(&key, format!("{}.{seconds}.{body}", self.id).as_bytes()));
        Request::post("/hr/hr")
            .header("content-type", "application/json")
            .header("webhook-id", &self.id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", format!("v1,{signature}"))
            .body(Bytes::from(body))
            .unwrap()
    }
}

/// A BambooHR field-based body, signed at `now`. "Webhooks", security: hex HMAC-SHA256 of the body followed by the timestamp.
pub(crate) fn bamboo(body: &Value, now: Timestamp) -> Request<Bytes> {
    let body = body.to_string();
    let seconds = now.as_second().to_string();
    let signature = sign(BAMBOO_SECRET.as_bytes(), format!("{body}{seconds}").as_bytes());
    let hex = format!("{:x}", Bytes::from(signature));
    Request::post("/hr/bamboo")
        .header("content-type", "application/json")
        .header("x-bamboohr-timestamp", seconds)
        .header("x-bamboohr-signature", hex)
        .body(Bytes::from(body))
        .unwrap()
}

fn sign(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}
