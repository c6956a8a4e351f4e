//! What `joinery hr decode` prints: the front door's judgment of one request, touching nothing.

use domain::event::Auth;
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::decode::{Decoded, Delivery, decode, describe};
use crate::signature::Verdict;
use crate::source::{Adapter, SourceFault};
use hr::Secret;

/// A request as the command line gives it.
pub struct DecodeRequest<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The connection's name; the source's if none is given.
    pub connection: Option<&'a str>,
    /// The kind that the subscribed address would name.
    pub kind: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// Active secrets; with none, the body is judged alone.
    pub secrets: &'a [Secret],
    /// The time of receipt.
    pub now: Timestamp,
    /// The raw body.
    pub body: &'a [u8],
}

/// The judgment.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodeReport {
    /// `{"signature", "verdict", "reason", "events"}`; beside them `unreadable` where some entries of a body are no events.
    /// Personal e-mail and mobile are masked.
    pub json: Value,
    /// 0 accepted, handshake or ignored; 1 refused. (2, broken, is the error of [`hr_decode_report`].)
    pub exit_code: u8,
}

/// Judges a request as the front door would. An error, a source that is not read, is wrong usage: exit code 2.
pub fn hr_decode_report(request: &DecodeRequest<'_>) -> Result<DecodeReport, SourceFault> {
    let adapter = Adapter::named(request.source)?;
    let scheme = adapter.scheme();
    let proof = if request.secrets.is_empty() {
        scheme.unproven(request.headers)
    } else {
        scheme.verify(request.secrets, request.headers, request.body, request.now)
    };
    if !request.secrets.is_empty() && proof.verdict != Verdict::Valid {
        // A secret that cannot be a key is the likelier cause of a signature that nothing matches.
        let unusable = request.secrets.iter().find_map(|secret| scheme.check_secret(secret).err());
        let unusable = unusable.filter(|_| proof.verdict == Verdict::Invalid);
        let reason = unusable.map_or_else(|| mend(proof.verdict).to_owned(), |fault| fault.to_string());
        return Ok(report(proof.verdict, &Decoded::Refused { reason }));
    }
    let delivery = Delivery {
        adapter,
        connection: request.connection.unwrap_or(adapter.name()),
        kind: request.kind,
        body: request.body,
        received_at: request.now,
        auth: if proof.verdict == Verdict::Valid { Auth::Hmac } else { Auth::None },
        id: proof.id.as_deref(),
        signed_at: proof.timestamp.as_deref(),
    };
    Ok(report(proof.verdict, &decode(&delivery)))
}

fn report(signature: Verdict, decoded: &Decoded) -> DecodeReport {
    let (verdict, reason) = match decoded {
        Decoded::Events { unreadable, .. } if unreadable.is_empty() => ("accepted", None),
        Decoded::Events { unreadable, .. } => ("accepted", Some(describe(unreadable))),
        Decoded::Handshake { .. } => ("handshake", None),
        Decoded::Ignored { reason } => ("ignored", Some(reason.clone())),
        Decoded::Refused { reason } => ("refused", Some(reason.clone())),
    };
    let mut json = json!({"signature": signature.as_str(), "verdict": verdict, "reason": reason, "events": []});
    if let (Decoded::Events { events, unreadable }, Some(map)) = (decoded, json.as_object_mut()) {
        map.insert("events".into(), events.iter().map(|event| event.to_json(true)).collect());
        if !unreadable.is_empty() {
            let entries = unreadable.iter().map(|entry| json!({"index": entry.index, "reason": entry.reason}));
            map.insert("unreadable".into(), entries.collect());
        }
    }
    DecodeReport { json, exit_code: u8::from(matches!(decoded, Decoded::Refused { .. })) }
}

/// What to do about a signature that is not valid.
pub(crate) fn mend(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Absent => {
            "the request is not signed; give the webhook a secret in the HR system and send its signature headers"
        }
        Verdict::Stale => {
            "the signature is right but its time is more than 5 minutes from ours; send at once and set the sender's clock"
        }
        Verdict::Invalid | Verdict::Valid => {
            "the signature is not one of these bytes by a known secret; compare the secrets and let nothing change the body on its way"
        }
    }
}
