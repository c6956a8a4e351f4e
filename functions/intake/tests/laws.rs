//! What must hold of any bytes: a changed byte is never taken, and nothing makes the reader panic.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may end in a panic anywhere")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use intake::signature::Verdict;
use intake::{Adapter, DecodeRequest, Secret, hr_decode_report};
use jiff::Timestamp;
use proptest::prelude::*;
use sha2::Sha256;

const NOW: i64 = 1_772_442_000;
const KEY: &[u8] = b"joinery-test-key-0123456789abcdef";

fn mac(parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// A rightly signed request: headers that are signed over or sign, as (name, value), and its secret.
fn signed(source: &str, body: &[u8]) -> (Vec<(&'static str, Vec<u8>)>, Secret) {
    let now = NOW.to_string().into_bytes();
    if source == "bamboohr" {
        let hex = format!("{:x}", bytes::Bytes::from(mac(&[body, &now])));
        let headers = vec![("x-bamboohr-timestamp", now), ("x-bamboohr-signature", hex.into_bytes())];
        return (headers, Secret::new(std::str::from_utf8(KEY).unwrap()));
    }
    let signature = format!("v1,{}", STANDARD.encode(mac(&[b"msg_1.", &now, b".", body])));
    let headers = vec![
        ("webhook-id", b"msg_1".to_vec()),
        ("webhook-timestamp", now),
        ("webhook-signature", signature.into_bytes()),
    ];
    (headers, Secret::new(&format!("whsec_{}", STANDARD.encode(KEY))))
}

fn verdict(source: &str, headers: &[(&'static str, Vec<u8>)], secret: &Secret, body: &[u8]) -> Verdict {
    // A byte that no header may hold never arrives.
    let pairs: Option<HeaderMap> = headers
        .iter()
        .map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?)))
        .collect();
    let Some(headers) = pairs else { return Verdict::Invalid };
    let scheme = Adapter::named(source).unwrap().scheme();
    scheme.verify(std::slice::from_ref(secret), &headers, body, Timestamp::from_second(NOW).unwrap()).verdict
}

fn source() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("bamboohr"), Just("standard-webhooks")]
}

proptest! {
    #[test]
    fn one_changed_byte_anywhere_is_refused(
        source in source(),
        mut body in proptest::collection::vec(any::<u8>(), 1..200),
        part in 0_usize..4,
        at in any::<prop::sample::Index>(),
        change in 1_u8..,
    ) {
        let (mut headers, secret) = signed(source, &body);
        prop_assert_eq!(verdict(source, &headers, &secret, &body), Verdict::Valid);
        let changed = headers.get_mut(part).map_or(&mut body, |(_, value)| value);
        let at = at.index(changed.len());
        changed[at] ^= change;
        prop_assert_ne!(verdict(source, &headers, &secret, &body), Verdict::Valid);
    }

    #[test]
    fn any_bytes_and_headers_are_judged_without_a_panic(
        source in source(),
        body in proptest::collection::vec(any::<u8>(), 0..300),
        values in proptest::collection::vec("[ -~]{0,40}", 6),
        kind in proptest::option::of("[a-z_.]{0,12}"),
    ) {
        judge(source, &body, &values, kind.as_deref());
    }

    #[test]
    fn any_json_in_the_place_of_a_value_is_judged_without_a_panic(
        source in source(),
        value in json(),
        pick in any::<prop::sample::Index>(),
    ) {
        let value = value.to_string();
        let shapes = [
            r#"{"employees":@}"#, r#"{"employees":[@]}"#, r#"{"employees":[{"id":@,"fields":{"hireDate":@,"status":@,"country":@}}]}"#,
            r#"{"employees":[{"id":"1","fields":@,"changedFields":@,"timestamp":@,"action":"Updated"}]}"#,
            r#"{"type":"employee.updated","timestamp":@,"data":@}"#, r#"{"type":"worker.changed","timestamp":@,"data":@}"#,
            r#"{"type":"worker.changed","data":{"worker":{"source_person_id":"1","alternate_ids":@},"employment":@,"version":@}}"#,
            r#"{"type":"worker.changed","data":{"worker":{"source_person_id":@},"effective":{"date":@,"time_zone":@},"kind":@}}"#,
        ];
        let body = pick.get(&shapes).replace('@', &value);
        judge(source, body.as_bytes(), &[], None);
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
        "[0-9/T:+-]{0,25}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map("[a-zA-Z_# ]{0,12}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn judge(source: &str, body: &[u8], values: &[String], kind: Option<&str>) {
    let names = [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-bamboohr-timestamp",
        "x-bamboohr-signature",
        "content-type",
    ];
    let pairs = names.iter().zip(values);
    let headers: HeaderMap = pairs
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?)))
        .collect();
    for secrets in [vec![], vec![Secret::new("whsec_c2VjcmV0c2VjcmV0c2VjcmV0")]] {
        let now = Timestamp::from_second(NOW).unwrap();
        let request =
            DecodeRequest { source, connection: Some("c"), kind, headers: &headers, secrets: &secrets, now, body };
        let report = hr_decode_report(&request).unwrap();
        let refused = report.json["verdict"] == "refused";
        assert_eq!(report.exit_code, u8::from(refused));
        assert!(!refused || report.json["reason"].is_string() && report.json["events"] == serde_json::json!([]));
    }
}
