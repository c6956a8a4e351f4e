//! Refusals as `application/problem+json` (RFC 9457): what is wrong and how to mend it, never anything of the request.

use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

/// Why a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// A stable word for the cause; the problem's type is `urn:joinery:problem:WORD`.
    pub(crate) word: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    /// A header that goes with the status.
    pub(crate) header: Option<(header::HeaderName, &'static str)>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, word: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, word, title, detail: detail.into(), header: None }
    }

    pub(crate) fn with(mut self, name: header::HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    pub(crate) fn into_response(self) -> Response<String> {
        let body = json!({
            "type": format!("urn:joinery:problem:{}", self.word),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = respond(self.status, "application/problem+json", body.to_string());
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// A response with a body of this type.
pub(crate) fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
