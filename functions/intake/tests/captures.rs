//! Requests as they arrive, from data files, judged by what `joinery hr decode` prints of them.
//!
//! A capture is `{source, connection, kind?, now, secrets, headers, body, expect}`. Of `expect`, `events` holds JSON pointers
//! with their values, one object per event; `absent` pointers that no event may have; `never` texts that may stand nowhere in
//! the report; `unreadable` the places of entries that are no events; `urgent` the lane of each event. Signatures were made
//! by another program; `recorded_request` and `published_vector` are the vendors' own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end in a panic anywhere")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use domain::event::WorkerEvent;
use http::{HeaderMap, HeaderName, HeaderValue};
use intake::{DecodeRequest, Secret, hr_decode_report, urgent};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Capture {
    source: String,
    connection: String,
    kind: Option<String>,
    now: jiff::Timestamp,
    secrets: Vec<String>,
    headers: std::collections::BTreeMap<String, String>,
    body: String,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    signature: String,
    verdict: String,
    reason: Option<String>,
    events: Vec<Map<String, Value>>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    never: Vec<String>,
    #[serde(default)]
    unreadable: Vec<usize>,
    #[serde(default)]
    urgent: Vec<bool>,
}

fn check(name: &str, capture: &Capture) {
    let headers: HeaderMap = capture
        .headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect();
    let secrets: Vec<Secret> = capture.secrets.iter().map(|text| Secret::new(text)).collect();
    let request = DecodeRequest {
        source: &capture.source,
        connection: Some(&capture.connection),
        kind: capture.kind.as_deref(),
        headers: &headers,
        secrets: &secrets,
        now: capture.now,
        body: capture.body.as_bytes(),
    };
    let report = hr_decode_report(&request).unwrap();
    let (json, expect) = (&report.json, &capture.expect);
    assert_eq!(json["signature"], expect.signature.as_str(), "{name}: {json:#}");
    assert_eq!(json["verdict"], expect.verdict.as_str(), "{name}: {json:#}");
    assert_eq!(report.exit_code, u8::from(expect.verdict == "refused"), "{name}");
    match &expect.reason {
        Some(part) => assert!(json["reason"].as_str().unwrap_or_default().contains(part.as_str()), "{name}: {json:#}"),
        None => assert_eq!(json["reason"], Value::Null, "{name}"),
    }
    let events = json["events"].as_array().unwrap();
    assert_eq!(events.len(), expect.events.len(), "{name}: {json:#}");
    for (event, expected) in events.iter().zip(&expect.events) {
        for (pointer, value) in expected {
            assert_eq!(event.pointer(pointer), Some(value), "{name} at {pointer}: {event:#}");
        }
        for pointer in &expect.absent {
            assert_eq!(event.pointer(pointer), None, "{name} at {pointer}: {event:#}");
        }
    }
    let unreadable = json["unreadable"].as_array().into_iter().flatten();
    let unreadable: Vec<u64> = unreadable.filter_map(|entry| entry["index"].as_u64()).collect();
    assert_eq!(unreadable, expect.unreadable.iter().map(|index| *index as u64).collect::<Vec<_>>(), "{name}");
    for text in &expect.never {
        assert!(!json.to_string().contains(text.as_str()), "{name} shows {text}");
    }
    for (event, lane) in events.iter().zip(&expect.urgent) {
        let event: WorkerEvent = serde_json::from_value(event.clone()).unwrap();
        assert_eq!(urgent(&event), *lane, "{name}");
    }
    let ids: BTreeSet<Option<&str>> = events.iter().map(|event| event["event_id"].as_str()).collect();
    assert_eq!(ids.len(), events.len(), "{name}: two events with one id");
}

fn check_all(source: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(source);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20, "captures are missing");
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let capture = serde_json::from_str(&std::fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        check(&name, &capture);
    }
}

#[test]
fn m17_requests_of_bamboohr_are_judged_and_read_as_they_are_meant() {
    check_all("bamboohr");
}

#[test]
fn m17_requests_of_standard_webhooks_are_judged_and_read_as_they_are_meant() {
    check_all("standard-webhooks");
}
