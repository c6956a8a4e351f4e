//! Every documented way to say no. The texts are data: clients are forced to look at some of them, because Graph
//! answers most refusals with the same code.

use std::borrow::Cow;

use serde_json::{Value, json};

/// An error answer before it is written out.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub status: u16,
    pub code: Cow<'static, str>,
    pub message: Cow<'static, str>,
    /// What few refusals have; apart, so that a refusal stays small.
    rare: Option<Box<Rare>>,
}

#[derive(Clone, Debug, Default)]
struct Rare {
    details: Vec<Value>,
    headers: Vec<(&'static str, String)>,
    /// Extra members of `innerError`.
    inner: Option<Value>,
}

type Text = Cow<'static, str>;

impl Refusal {
    pub(crate) fn new(status: u16, code: impl Into<Text>, message: impl Into<Text>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { status, code, message, rare: None }
    }

    /// 400 `Request_BadRequest`, the code of nearly everything.
    pub(crate) fn bad(message: impl Into<Text>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// 404, with the same text whether the object or one that it refers to is missing.
    pub(crate) fn missing(id: impl std::fmt::Display) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present."),
        )
    }

    /// 403, for a missing permission as well as for a dynamic group's members.
    pub(crate) fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// 400 for whatever AD DS masters.
    pub(crate) fn synced() -> Self {
        Self::bad(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects \
             currently undergoing migration.",
        )
    }

    pub(crate) fn required(property: &str, kind: &str) -> Self {
        Self::bad(format!("A value is required for property '{property}' of resource '{kind}'."))
    }

    pub(crate) fn invalid(property: &str, kind: &str) -> Self {
        Self::bad(format!("Invalid value specified for property '{property}' of resource '{kind}'."))
    }

    pub(crate) fn not_a_guid(text: &str) -> Self {
        Self::bad(format!("Invalid object identifier '{text}'."))
    }

    /// A name that neither the metadata nor an extension knows. The text is from experience, no capture was found.
    pub(crate) fn unknown_property(name: &str, kind: &str) -> Self {
        Self::bad(format!(
            "Could not find a property named '{name}' on type 'microsoft.graph.{}'.",
            kind.to_ascii_lowercase()
        ))
    }

    pub(crate) fn conflict(property: &'static str) -> Self {
        let message = format!("Another object with the same value for property {property} already exists.");
        let detail = json!({"code": "ObjectConflict", "message": message, "target": property});
        let mut refusal = Self::bad(message);
        refusal.rare().details.push(detail);
        refusal
    }

    pub(crate) fn unsupported_query(message: impl Into<Text>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    pub(crate) fn unreadable(message: impl Into<Text>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn not_built() -> Self {
        Self::new(501, "NotImplemented", "This operation target is not yet supported.")
    }

    /// 401 with the header that goes with it.
    pub(crate) fn unauthenticated(message: impl Into<Text>) -> Self {
        let mut refusal = Self::new(401, "InvalidAuthenticationToken", message);
        refusal.rare().headers.push(("www-authenticate", "Bearer realm=\"\"".to_owned()));
        refusal
    }

    /// 410 for a delta token that is too old: `Location` starts over. The directory's own body is not documented; the code
    /// and the text are those of the services whose bodies are.
    pub(crate) fn resync(location: String) -> Self {
        let mut refusal = Self::new(410, "syncStateNotFound", "The sync state generation is not found.");
        refusal.rare().headers.push(("location", location));
        refusal
    }

    /// 429, with `Retry-After` in seconds when the service tells.
    pub(crate) fn throttled(retry_after: Option<String>) -> Self {
        let mut refusal = Self::new(429, "TooManyRequests", "Please retry again later.");
        refusal.rare().inner = Some(json!({"code": "429", "message": "Please retry after", "status": "429"}));
        refusal.retry_after(retry_after)
    }

    /// Adds `Retry-After`, in seconds.
    pub(crate) fn retry_after(mut self, seconds: Option<String>) -> Self {
        self.rare().headers.extend(seconds.map(|seconds| ("retry-after", seconds)));
        self
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The headers that go with it.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &(&'static str, String)> {
        self.rare.iter().flat_map(|rare| &rare.headers)
    }

    /// The body, without the members that every answer shares (`date`, `request-id`).
    pub(crate) fn body(&self, date: &str, request_id: &str, client_request_id: &str) -> Value {
        let mut inner = json!({"date": date, "request-id": request_id, "client-request-id": client_request_id});
        let extra = self.rare.as_ref().and_then(|rare| rare.inner.as_ref()).and_then(Value::as_object);
        if let (Some(inner), Some(extra)) = (inner.as_object_mut(), extra) {
            inner.extend(extra.clone());
        }
        let mut error = json!({"code": self.code, "message": self.message, "innerError": inner});
        let details = self.rare.iter().flat_map(|rare| &rare.details).cloned().collect::<Vec<_>>();
        if let (Some(error), false) = (error.as_object_mut(), details.is_empty()) {
            error.insert("details".into(), Value::Array(details));
        }
        json!({"error": error})
    }
}
