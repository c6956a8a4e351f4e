//! One verifier for every keyed-hash signature an HR source sends; a [`Scheme`] is its parameters.
//!
//! Always over the raw bytes, in constant time, with header names compared without case, and with several active secrets
//! so that one can be rotated. The sources' schemes stand beside their adapters.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Sha256, Sha512};

use hr::Secret;

/// How far a signed time may be from ours, either way.
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// The most signatures read from one header; more than a rotation could ever need.
const SIGNATURES_MAX: usize = 16;

/// What a signature proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There is no signature.
    Absent,
    /// It is not a signature of these bytes by any of the secrets.
    Invalid,
    /// It is, but it was made too long ago, or in the future.
    Stale,
    /// It is, and recently made.
    Valid,
}

impl Verdict {
    /// The word for it in `joinery hr decode`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Invalid => "invalid",
            Self::Stale => "stale",
            Self::Valid => "valid",
        }
    }
}

/// A verdict with the header values it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The verdict.
    pub verdict: Verdict,
    /// The delivery's id, where the scheme has one.
    pub id: Option<String>,
    /// The signed time as the header writes it, where the scheme has one.
    pub timestamp: Option<String>,
}

/// The names of a signature's headers, which belong together.
#[derive(Debug)]
pub struct HeaderSet {
    /// Id of the delivery.
    pub id: Option<&'static str>,
    /// Signed time.
    pub timestamp: Option<&'static str>,
    /// The signature.
    pub signature: &'static str,
}

/// The text that is signed.
#[derive(Debug, Clone, Copy)]
pub enum Signed {
    /// The body.
    Body,
    /// The body and then the timestamp header, nothing between.
    BodyTimestamp,
    /// `POST` and then the body.
    PostBody,
    /// Id, timestamp and body with a dot between each.
    IdTimestampBody,
}

/// The keyed hash.
#[derive(Debug, Clone, Copy)]
pub enum Hash {
    /// HMAC with SHA-256.
    Sha256,
    /// HMAC with SHA-512.
    Sha512,
}

/// How the secret becomes a key.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// Its text as it is.
    Text,
    /// Base64, after `whsec_` if that is there.
    Whsec,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy)]
pub enum Encoding {
    /// Lower-case hex.
    Hex,
    /// Base64 with padding.
    Base64,
    /// Base64 for URLs, with padding.
    Base64Url,
}

/// What stands in the signature's header.
#[derive(Debug, Clone, Copy)]
pub enum Grammar {
    /// One signature.
    Bare,
    /// One signature after a fixed prefix.
    Prefixed(&'static str),
    /// Entries `version,signature` with a blank between; only those of this version are for us.
    Versions(&'static str),
}

/// How the time is written that shows a signature to be recent.
#[derive(Debug, Clone, Copy)]
pub enum Freshness {
    /// Whole Unix seconds, in the one way of writing them.
    Unix,
    /// Unix seconds or ISO 8601; without an offset it is UTC.
    UnixOrIso,
    /// The source signs no time.
    Unsigned,
}

/// Everything that tells one source's signatures from another's.
#[derive(Debug)]
pub struct Scheme {
    /// Alias sets of header names. They are never mixed: each is judged by itself.
    pub headers: &'static [HeaderSet],
    /// What is signed.
    pub signed: Signed,
    /// With which hash.
    pub hash: Hash,
    /// How the secret is read.
    pub key: Key,
    /// How the signature is written.
    pub encoding: Encoding,
    /// What else stands in its header.
    pub grammar: Grammar,
    /// The time that proves it recent.
    pub freshness: Freshness,
}

/// Why a secret cannot be used. Never the secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
    /// Nothing in it.
    #[error("the secret is empty")]
    Empty,
    /// Not base64.
    #[error("the secret is not base64, with or without `whsec_` before it")]
    NotBase64,
}

impl Scheme {
    /// Judges a request. With several alias sets the best verdict stands, and id and time come from the set it was given for.
    pub fn verify(&self, secrets: &[Secret], headers: &HeaderMap, body: &[u8], now: Timestamp) -> Proof {
        let keys: Vec<Vec<u8>> = secrets.iter().filter_map(|secret| self.key_of(secret).ok()).collect();
        let proofs = self
            .headers
            .iter()
            .map(|set| Proof { verdict: self.verify_set(set, &keys, headers, body, now), ..read_set(set, headers) });
        // `max_by_key` keeps the last of equals; the first set is the scheme's own.
        let best = proofs.rev().max_by_key(|proof| proof.verdict);
        best.unwrap_or(Proof { verdict: Verdict::Absent, id: None, timestamp: None })
    }

    /// The headers' word alone, when there is no secret to judge it by.
    pub fn unproven(&self, headers: &HeaderMap) -> Proof {
        let proofs = self.headers.iter().map(|set| read_set(set, headers));
        let mut proofs = proofs.filter(|proof| proof.id.is_some() || proof.timestamp.is_some());
        proofs.next().unwrap_or(Proof { verdict: Verdict::Absent, id: None, timestamp: None })
    }

    /// Whether a secret can be used at all. How long it must be is for the policy to say.
    pub fn check_secret(&self, secret: &Secret) -> Result<(), SecretFault> {
        self.key_of(secret).map(|_| ())
    }

    fn verify_set(
        &self,
        set: &HeaderSet,
        keys: &[Vec<u8>],
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Verdict {
        let value = |name: Option<&str>| name.and_then(|name| headers.get(name)).map(http::HeaderValue::as_bytes);
        let Some(signature) = value(Some(set.signature)) else { return Verdict::Absent };
        let id = value(set.id).unwrap_or_default();
        let timestamp = value(set.timestamp).unwrap_or_default();
        // A dot inside the id would let id and timestamp be cut in two ways, a missing one likewise.
        if set.id.is_some() && (id.is_empty() || id.contains(&b'.')) {
            return Verdict::Invalid;
        }
        let Some(fresh) = self.is_fresh(timestamp, now) else { return Verdict::Invalid };
        let parts: &[&[u8]] = match self.signed {
            Signed::Body => &[body],
            Signed::BodyTimestamp => &[body, timestamp],
            Signed::PostBody => &[b"POST", body],
            Signed::IdTimestampBody => &[id, b".", timestamp, b".", body],
        };
        let candidates = self.candidates(signature);
        let proven = candidates.iter().any(|candidate| keys.iter().any(|key| self.matches(key, parts, candidate)));
        match (proven, fresh) {
            (false, _) => Verdict::Invalid,
            (true, false) => Verdict::Stale,
            (true, true) => Verdict::Valid,
        }
    }

    /// Whether the signed time is near ours; None where it is not a time in the scheme's writing.
    fn is_fresh(&self, timestamp: &[u8], now: Timestamp) -> Option<bool> {
        let text = std::str::from_utf8(timestamp).ok()?;
        let signed_at = match self.freshness {
            Freshness::Unsigned => return Some(true),
            Freshness::Unix => unix_seconds(text)?,
            Freshness::UnixOrIso => unix_seconds(text).or_else(|| iso_instant(text))?,
        };
        Some(now.duration_since(signed_at).abs() <= TOLERANCE)
    }

    fn candidates(&self, header: &[u8]) -> Vec<Vec<u8>> {
        let Ok(header) = std::str::from_utf8(header) else { return Vec::new() };
        let written: Vec<&str> = match self.grammar {
            Grammar::Bare => vec![header],
            Grammar::Prefixed(prefix) => header.strip_prefix(prefix).into_iter().collect(),
            // A `v1a` value is an ed25519 signature: it must never be taken for a keyed hash.
            Grammar::Versions(ours) => {
                let entries = header.split(' ').take(SIGNATURES_MAX).filter_map(|entry| entry.split_once(','));
                entries.filter(|(version, _)| *version == ours).map(|(_, signature)| signature).collect()
            }
        };
        written.into_iter().filter_map(|text| self.decode(text)).collect()
    }

    /// Every signature has exactly one writing, so that no changed byte goes unnoticed.
    fn decode(&self, text: &str) -> Option<Vec<u8>> {
        match self.encoding {
            Encoding::Hex => hex(text),
            Encoding::Base64 => STANDARD.decode(text).ok(),
            Encoding::Base64Url => URL_SAFE.decode(text).ok(),
        }
    }

    fn key_of(&self, secret: &Secret) -> Result<Vec<u8>, SecretFault> {
        let text = secret.expose();
        let key = match self.key {
            Key::Text => text.as_bytes().to_vec(),
            Key::Whsec => {
                let lenient = GeneralPurposeConfig::new()
                    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
                    .with_decode_allow_trailing_bits(true);
                let text = text.strip_prefix("whsec_").unwrap_or(text);
                GeneralPurpose::new(&alphabet::STANDARD, lenient).decode(text).map_err(|_| SecretFault::NotBase64)?
            }
        };
        // Anybody can sign with an empty key.
        if key.is_empty() { Err(SecretFault::Empty) } else { Ok(key) }
    }

    fn matches(&self, key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
        match self.hash {
            Hash::Sha256 => mac_matches::<Hmac<Sha256>>(key, parts, signature),
            Hash::Sha512 => mac_matches::<Hmac<Sha512>>(key, parts, signature),
        }
    }
}

fn read_set(set: &HeaderSet, headers: &HeaderMap) -> Proof {
    let value = |name: Option<&str>| Some(headers.get(name?)?.to_str().ok()?.to_owned());
    Proof { verdict: Verdict::Absent, id: value(set.id), timestamp: value(set.timestamp) }
}

/// Constant in time for a given length.
fn mac_matches<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return false };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(signature).is_ok()
}

/// Unix seconds without sign, blank, leading zero or fraction.
fn unix_seconds(text: &str) -> Option<Timestamp> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { Timestamp::from_second(text.parse().ok()?).ok() } else { None }
}

fn iso_instant(text: &str) -> Option<Timestamp> {
    let civil = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| civil().map(|zoned| zoned.timestamp()))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().map(|byte| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    });
    let digits: Vec<u8> = digits.collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    Some(pairs.filter_map(|pair| Some((pair.first()? << 4) | pair.last()?)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"a":1}"#;

    /// Each family of the survey once. The signatures were made with Python's `hmac`.
    #[track_caller]
    fn check(signed: Signed, hash: Hash, encoding: Encoding, grammar: Grammar, signature: &str) {
        let scheme = Scheme {
            headers: &[HeaderSet { id: None, timestamp: None, signature: "x-signature" }],
            signed,
            hash,
            key: Key::Text,
            encoding,
            grammar,
            freshness: Freshness::Unsigned,
        };
        let secrets = [Secret::new("old"), Secret::new("key")];
        let verdict = |signature: &str, body: &[u8]| {
            let headers = [(http::HeaderName::from_static("x-signature"), signature.parse().unwrap())];
            scheme.verify(&secrets, &headers.into_iter().collect(), body, Timestamp::UNIX_EPOCH).verdict
        };
        assert_eq!(verdict(signature, BODY), Verdict::Valid);
        assert_eq!(verdict(signature, b"{}"), Verdict::Invalid);
        assert_eq!(verdict("", BODY), Verdict::Invalid);
        assert_eq!(scheme.verify(&secrets, &HeaderMap::new(), BODY, Timestamp::UNIX_EPOCH).verdict, Verdict::Absent);
        assert_eq!(scheme.verify(&[], &HeaderMap::new(), BODY, Timestamp::UNIX_EPOCH).verdict, Verdict::Absent);
    }

    #[test]
    fn every_family_of_signatures_is_a_matter_of_parameters() {
        use {Encoding as E, Grammar as G, Hash as H, Signed as S};
        check(
            S::Body,
            H::Sha512,
            E::Base64,
            G::Bare,
            "3H2KankmBZ6YaX71SmX3Rdkk/D4TwRdoedzchOrEgLrjd/oG0evMb6sTdc2b1hGhiZaUzEyn3A9inYuBM8XIPQ==",
        );
        check(
            S::Body,
            H::Sha256,
            E::Hex,
            G::Prefixed("sha256 "),
            "sha256 88a67f24bbcdaed0e6c997404bb79a743baf44c6bab2f4c27328e3009d22e342",
        );
        check(S::Body, H::Sha256, E::Base64Url, G::Bare, "iKZ_JLvNrtDmyZdAS7eadDuvRMa6svTCcyjjAJ0i40I=");
        check(
            S::PostBody,
            H::Sha256,
            E::Hex,
            G::Bare,
            "eb52ca988a63bf1ebd7c53225f08f25bb0b1910d18e32990ec37da383e2596b4",
        );
    }

    #[test]
    fn an_empty_secret_signs_nothing_and_an_unreadable_one_is_named() {
        let scheme = crate::Adapter::named("standard-webhooks").unwrap().scheme();
        assert_eq!(scheme.check_secret(&Secret::new("whsec_")), Err(SecretFault::Empty));
        assert_eq!(scheme.check_secret(&Secret::new("whsec_*")), Err(SecretFault::NotBase64));
        assert_eq!(scheme.check_secret(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")), Ok(()));
        let scheme = crate::Adapter::named("bamboohr").unwrap().scheme();
        assert_eq!(scheme.check_secret(&Secret::new(" ")), Err(SecretFault::Empty));
    }
}
