//! What can go wrong with a call, told apart by what the caller can do about it.
//!
//! ```text
//! Refused          Graph said no, and we know what it means          decide
//! Throttled        nothing was done; come back later                 wait
//! Unavailable      a 5xx: perhaps done, perhaps not                  look, then repeat
//! Undocumented     an answer no document of ours explains            a person looks at it
//! NoAnswer         nothing came back: perhaps done, perhaps not      look, then repeat
//! Unauthenticated  we have no token, or Graph does not accept it     operations
//! ```
//!
//! Nothing of this prints the text of an answer, which may name a person: status, code, ids and `request-id` only.

mod refusal;

pub use refusal::Refusal;
pub(crate) use refusal::recognize;

use std::{fmt, time::Duration};

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::{request::Request, retry, token::TokenError, transport::Lost};

/// A call that did not end well. `Clone`, because a failed batch fails each of its items.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A documented refusal: definite, and nothing was done.
    #[error("{answer}: {refusal}")]
    Refused {
        /// What it means.
        refusal: Refusal,
        /// The answer, for support.
        answer: Answer,
    },
    /// Nothing was done, because of too many calls; by Graph's count or by our own pace. Never an attempt that counts.
    #[error("{route}: throttled by {by}, again in {} ms", .retry_after.as_millis())]
    Throttled {
        /// The call.
        route: &'static str,
        /// When to come back. Calls sent sooner count and prolong it.
        retry_after: Duration,
        /// Who throttles.
        by: Throttle,
    },
    /// A 5xx, after what repetition was allowed.
    #[error("{answer}: not available now")]
    Unavailable {
        /// The answer, for support.
        answer: Answer,
        /// Whether the call may have been carried out all the same. A 504 to a create often was.
        may_have_taken_effect: bool,
        /// When Graph asked us to come back, if it did.
        retry_after: Option<Duration>,
    },
    /// An answer that no document of ours explains. Not repeated: a person should see it.
    #[error("{answer}: {what}")]
    Undocumented {
        /// The answer, for support.
        answer: Answer,
        /// What is odd about it.
        what: &'static str,
        /// Whether the call may have been carried out: yes for a 2xx whose body we cannot read.
        may_have_taken_effect: bool,
    },
    /// No answer at all.
    #[error("{route}: no answer")]
    NoAnswer {
        /// The call.
        route: &'static str,
        /// Whether the request may have reached Graph and been carried out. False when the connection never opened.
        may_have_taken_effect: bool,
        /// What happened on the way.
        source: Lost,
    },
    /// No token, or one that Graph refuses twice.
    #[error("{route}: not authenticated")]
    Unauthenticated {
        /// The call.
        route: &'static str,
        /// What became of the token request; none when Graph itself refused the token.
        source: Option<TokenError>,
    },
}

/// Who throttles, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Throttle {
    /// Our own pace.
    Pace,
    /// Graph, for reads and writes alike or without saying which.
    All,
    /// Graph, for writes (`x-ms-throttle-scope: …/Write/…`).
    Writes,
    /// Graph, for reads.
    Reads,
}

impl fmt::Display for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pace => "our own pace",
            Self::All => "Graph",
            Self::Writes => "Graph (writes)",
            Self::Reads => "Graph (reads)",
        })
    }
}

/// What of an answer may be shown: enough for Microsoft's support to find the call, nothing of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The shape of the path.
    pub route: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// `error.code`.
    pub code: Option<Box<str>>,
    /// Microsoft's id of the call.
    pub request_id: Option<Box<str>>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.route, self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// The documented refusal, if that is what it is.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// Whether the object, or one it refers to, is not there. A young object may only not be visible yet.
    pub fn is_not_found(&self) -> bool {
        self.refusal() == Some(&Refusal::NotFound)
    }

    /// Whether Graph has forgotten the place that a link led to: begin anew. Which status that has is not documented for listings; of a delta's
    /// it is 410 ("Use delta query to track changes", resynchronization), and a link that cannot be read is a bad request.
    pub fn is_forgotten_place(&self) -> bool {
        match self {
            Self::Refused { answer, .. } | Self::Undocumented { answer, .. } => matches!(answer.status, 400 | 410),
            _ => false,
        }
    }

    /// How long to wait, when that is all there is to do.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } => Some(*retry_after),
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Unavailable { .. } | Self::NoAnswer { .. } => true,
            Self::Refused { refusal, .. } => *refusal == Refusal::Concurrency,
            Self::Unauthenticated { source, .. } => {
                matches!(source, Some(TokenError::Timeout | TokenError::Unavailable(_)))
            }
            Self::Undocumented { .. } => false,
        }
    }

    /// Whether the tenant may have changed although the call failed: then look before repeating.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::Unavailable { may_have_taken_effect, .. }
            | Self::Undocumented { may_have_taken_effect, .. }
            | Self::NoAnswer { may_have_taken_effect, .. } => *may_have_taken_effect,
            Self::Refused { .. } | Self::Throttled { .. } | Self::Unauthenticated { .. } => false,
        }
    }

    /// Reads an answer that is not a success.
    pub(crate) fn from_answer(request: &Request, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let answer = answer(request.route, status, headers, &body.error);
        let retry_after = retry::retry_after(headers);
        match status.as_u16() {
            401 => Self::Unauthenticated { route: request.route, source: None },
            429 => Self::Throttled {
                route: request.route,
                retry_after: retry_after.unwrap_or(crate::limits::RETRY_AFTER_DEFAULT),
                by: throttle(headers),
            },
            // 501 is an answer, not a breakdown: the call does not exist.
            500 | 502..=599 => {
                Self::Unavailable { answer, may_have_taken_effect: request.class.is_write(), retry_after }
            }
            code => match recognize(code, &body.error) {
                Some(refusal) => Self::Refused { refusal, answer },
                None => Self::Undocumented {
                    answer,
                    what: "a refusal we do not know",
                    may_have_taken_effect: !(400..500).contains(&code) && request.class.is_write(),
                },
            },
        }
    }

    /// A success that is not what the call documents. It may well have been carried out.
    pub(crate) fn odd_success(request: &Request, status: StatusCode, headers: &HeaderMap, what: &'static str) -> Self {
        Self::Undocumented {
            answer: answer(request.route, status, headers, &ErrorBody::default()),
            what,
            may_have_taken_effect: request.class.is_write(),
        }
    }

    /// A call whose answer was lost.
    pub(crate) fn lost(request: &Request, lost: Lost) -> Self {
        let may_have_taken_effect = request.class.is_write() && lost.was_sent();
        Self::NoAnswer { route: request.route, may_have_taken_effect, source: lost }
    }
}

/// The body of an error ("Microsoft Graph error responses and resource types").
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Body {
    pub(crate) error: ErrorBody,
}

/// Its one member.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ErrorBody {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) details: Option<Vec<Detail>>,
    #[serde(alias = "innererror")]
    inner_error: Option<InnerError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Detail {
    pub(crate) code: Option<String>,
    pub(crate) target: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InnerError {
    #[serde(rename = "request-id")]
    request_id: Option<String>,
}

fn answer(route: &'static str, status: StatusCode, headers: &HeaderMap, error: &ErrorBody) -> Answer {
    let header = headers.get("request-id").and_then(|value| value.to_str().ok());
    let inner = error.inner_error.as_ref().and_then(|inner| inner.request_id.as_deref());
    Answer {
        route,
        status: status.as_u16(),
        code: error.code.as_deref().and_then(identifier),
        request_id: header.or(inner).and_then(identifier),
    }
}

/// A code or id as it should look. What does not is dropped: it could be anything, a name included.
pub(crate) fn identifier(text: &str) -> Option<Box<str>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!text.is_empty() && text.len() <= 80 && text.chars().all(plain)).then(|| text.into())
}

/// `Tenant_Application/ReadWrite/{appId}/{tenantId}` ("Microsoft Graph throttling guidance").
fn throttle(headers: &HeaderMap) -> Throttle {
    let scope = headers.get("x-ms-throttle-scope").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match scope.split('/').nth(1) {
        Some("Write") => Throttle::Writes,
        Some("Read") => Throttle::Reads,
        _ => Throttle::All,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ids::UserId, request};

    fn failed(request: &Request, status: u16, body: &serde_json::Value) -> Error {
        let headers = HeaderMap::new();
        Error::from_answer(request, StatusCode::from_u16(status).unwrap(), &headers, body.to_string().as_bytes())
    }

    #[test]
    fn errors_print_codes_and_ids_and_never_the_text() {
        let body = json!({"error": {
            "code": "Request_BadRequest",
            "message": "Another object with the same value for property userPrincipalName already exists: zoe@contoso.example",
            "details": [{"code": "ObjectConflict", "message": "zoe@contoso.example", "target": "userPrincipalName"}],
            "innerError": {"request-id": "b0a5-1", "date": "2026-01-05T00:00:00"},
        }});
        let error = failed(&request::get_user(request::UserKey::Upn("zoe@contoso.example"), &[]), 400, &body);
        assert_eq!(
            error.to_string(),
            "/users/{id}: 400 Request_BadRequest (request b0a5-1): the user principal name is taken"
        );
        assert!(!format!("{error:?}").contains("zoe"));
    }

    #[test]
    fn a_code_that_looks_like_no_code_is_not_printed() {
        let error = failed(&request::domains(), 418, &json!({"error": {"code": "Zoë Müller <zoe@contoso.example>"}}));
        assert_eq!(error.to_string(), "/domains: 418: a refusal we do not know");
    }

    #[test]
    fn what_may_have_happened_is_said() {
        let read = request::domains();
        let write = request::delete_user(&UserId::from("u"));
        let check = |request: &Request, status: u16, transient: bool, effect: bool| {
            let error = failed(request, status, &json!({}));
            assert_eq!((error.is_transient(), error.may_have_taken_effect()), (transient, effect), "{error}");
        };
        check(&write, 500, true, true);
        check(&write, 504, true, true);
        check(&read, 504, true, false);
        check(&write, 429, true, false);
        check(&write, 400, false, false);
        check(&write, 501, false, true);
        check(&write, 302, false, true);
        check(&read, 302, false, false);
    }

    #[test]
    fn a_throttled_answer_names_its_scope() {
        let check = |scope: &'static str, expected: Throttle| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("x-ms-throttle-scope"),
                http::HeaderValue::from_static(scope),
            )]);
            assert_eq!(throttle(&headers), expected);
        };
        check("Tenant_Application/Write/app/tenant", Throttle::Writes);
        check("Tenant_Application/Read/app/tenant", Throttle::Reads);
        check("Tenant/ReadWrite/app/tenant", Throttle::All);
        check("nonsense", Throttle::All);
    }
}
