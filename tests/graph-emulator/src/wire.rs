//! A call and its answer, apart from any transport, and the request that a handler sees.

use std::sync::OnceLock;

use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};

use crate::history::View;
use crate::ids::Guid;
use crate::query::Query;
use crate::refusal::Refusal;
use crate::state::State;

/// One HTTP request.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The verb.
    pub method: &'a Method,
    /// The path as it was sent, percent-encoded, without the query.
    pub path: &'a str,
    /// What follows the question mark, or nothing.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, empty if there is none.
    pub body: &'a [u8],
}

/// What an answer carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Nothing, as after most writes.
    Empty,
    /// A JSON document.
    Json(Value),
    /// A JSON document that is kept as text because it is long and seldom looked into.
    Written(Written),
    /// Plain text, as a count is.
    Text(String),
}

impl Body {
    /// The document; null when it is none.
    pub(crate) fn into_json(self) -> Value {
        match self {
            Self::Json(value) => value,
            Self::Written(written) => written.value().clone(),
            Self::Empty | Self::Text(_) => Value::Null,
        }
    }
}

/// JSON as text; parsed when somebody asks.
#[derive(Clone, Debug)]
pub struct Written {
    text: String,
    parsed: OnceLock<Value>,
}

impl Written {
    /// The text itself.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    pub fn value(&self) -> &Value {
        self.parsed.get_or_init(|| serde_json::from_str(&self.text).unwrap_or_default())
    }
}

impl PartialEq for Written {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// One HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers beside the content's type and length.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
    /// How long the transport should hold it back, in milliseconds.
    pub delay_ms: u64,
    /// The transport must break the connection instead of sending it.
    pub lost: bool,
}

impl Answer {
    fn new(status: u16, body: Body) -> Self {
        Self { status, headers: Vec::new(), body, delay_ms: 0, lost: false }
    }

    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::new(status, Body::Json(body))
    }

    pub(crate) fn written(text: String) -> Self {
        Self::new(200, Body::Written(Written { text, parsed: OnceLock::new() }))
    }

    pub(crate) fn text(text: String) -> Self {
        Self::new(200, Body::Text(text))
    }

    pub(crate) fn no_content() -> Self {
        Self::new(204, Body::Empty)
    }

    /// The JSON body; null when there is none.
    pub fn value(&self) -> &Value {
        match &self.body {
            Body::Json(value) => value,
            Body::Written(written) => written.value(),
            Body::Empty | Body::Text(_) => &Value::Null,
        }
    }
}

/// Who calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct App {
    /// The application's client id, where the token tells.
    pub id: String,
    /// The application permissions that the seed grants it.
    pub roles: Vec<String>,
    /// Directory roles of its service principal.
    pub directory_roles: Vec<String>,
    /// Its permissions are asked for.
    pub enforced: bool,
}

impl App {
    /// Whether it holds any of these permissions, or nobody asks.
    pub(crate) fn may(&self, any_of: &[&str]) -> bool {
        !self.enforced || any_of.is_empty() || any_of.iter().any(|role| self.was_granted(role))
    }

    /// Whether the seed says that it holds this permission. Without an entry in the seed: no.
    pub(crate) fn was_granted(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}

/// What a handler works with.
pub(crate) struct Request<'a> {
    pub state: &'a mut State,
    /// The variable segments of the path, decoded.
    pub params: &'a [String],
    pub query: Query,
    pub body: Option<Value>,
    pub view: View,
    /// `ConsistencyLevel: eventual` was sent.
    pub eventual: bool,
    /// `Prefer: return=minimal` was sent.
    pub minimal: bool,
    /// `http://host/v1.0`
    pub base: &'a str,
    /// The path below it, as sent.
    pub path: &'a str,
    pub app: &'a App,
    /// Ids that the call turned out to be about, beside those in its path.
    pub touched: Vec<Guid>,
}

/// What a handler returns.
pub(crate) type Served = Result<Answer, Refusal>;

impl Request<'_> {
    /// The variable segment at this place; the route table guarantees that it is there.
    pub(crate) fn param(&self, index: usize) -> &str {
        self.params.get(index).map(String::as_str).unwrap_or_default()
    }

    /// Whether this is an advanced query: the header and `$count=true` together.
    pub(crate) fn advanced(&self) -> bool {
        self.eventual && self.query.count
    }

    /// The body, which must be an object.
    pub(crate) fn object(&mut self) -> Result<Map<String, Value>, Refusal> {
        match self.body.take() {
            Some(Value::Object(object)) => Ok(object),
            Some(_) => Err(Refusal::unreadable("A JSON object was expected in the request payload.")),
            None => Err(Refusal::unreadable("Empty Payload. JSON content expected.")),
        }
    }

    /// `@odata.context` for what lies at this place of the metadata.
    pub(crate) fn context(&self, place: &str) -> Value {
        Value::String(format!("{}/$metadata#{place}", self.base))
    }

    /// The address of this request without its query.
    pub(crate) fn url(&self) -> String {
        format!("{}{}", self.base, self.path)
    }

    /// A collection that fits on one page.
    pub(crate) fn collection(&self, place: &str, items: impl IntoIterator<Item = Value>) -> Answer {
        Answer::json(200, json!({"@odata.context": self.context(place), "value": items.into_iter().collect::<Value>()}))
    }
}
