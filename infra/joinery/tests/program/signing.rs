//! Signs as a sender of Standard Webhooks does ("Standard Webhooks", Signature scheme).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// A secret of 24 bytes.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The headers that go with a body.
pub(crate) fn headers(id: &str, at: Timestamp, body: &str) -> [(&'static str, String); 4] {
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{}.{body}", at.as_second()).as_bytes());
    [
        ("content-type", "application/json".into()),
        ("webhook-id", id.into()),
        ("webhook-timestamp", at.as_second().to_string()),
        ("webhook-signature", format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))),
    ]
}
