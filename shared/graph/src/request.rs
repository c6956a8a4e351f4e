//! Requests are values: building one opens no socket, and a test compares it with what the documentation shows.

mod groups;
mod licenses;
mod tenant;
mod users;

pub use groups::*;
pub use licenses::*;
pub use tenant::*;
pub use users::*;

use std::fmt::{self, Write as _};

use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

/// One call to Graph.
#[derive(Clone, PartialEq)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// The shape of the path with its ids left out, `/users/{id}/manager/$ref`: safe in a log line, a metric, an error.
    pub route: &'static str,
    /// Where it goes.
    pub(crate) target: Target,
    /// The JSON body.
    pub body: Option<Value>,
    /// What the call does to the tenant.
    pub class: Class,
    /// Whether sending it twice has the effect of sending it once.
    pub repeatable: bool,
}

/// Where a request goes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Below the base address: a path that begins with `/` and is percent-encoded, and parameters that are not yet.
    Path(String, Vec<(&'static str, String)>),
    /// A `nextLink`: opaque, followed as it is ("Paging Microsoft Graph data in your app").
    Link(Url),
}

/// What a call does to the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Changes nothing.
    Read,
    /// Changes something; counts toward the write quota.
    Write,
    /// A write that can give somebody access. Whoever sends it holds the person's lease and has just read the fence.
    Grant,
}

impl Class {
    /// Whether Graph charges the call as a write.
    pub fn is_write(self) -> bool {
        self != Self::Read
    }
}

impl Request {
    /// A read of `path`.
    pub fn get(route: &'static str, path: String) -> Self {
        Self::new(Method::GET, route, path, Class::Read, true)
    }

    /// A change that states an end: repeated, it ends the same.
    pub(crate) fn set(method: Method, route: &'static str, path: String) -> Self {
        Self::new(method, route, path, Class::Write, true)
    }

    /// A POST, which is not repeatable unless its constructor says why it is.
    pub(crate) fn post(route: &'static str, path: String, body: Value) -> Self {
        Self::new(Method::POST, route, path, Class::Write, false).body(body)
    }

    /// Whatever `link` leads to: the next page of a listing.
    pub(crate) fn next_page(route: &'static str, link: Url) -> Self {
        Self { target: Target::Link(link), ..Self::get(route, String::new()) }
    }

    /// Adds `$select`; without it Graph returns few properties. Selecting nothing leaves the default.
    #[must_use]
    pub fn select(self, properties: &[&str]) -> Self {
        if properties.is_empty() {
            return self;
        }
        self.query("$select", properties.join(","))
    }

    /// Adds a parameter; a link is left as it is.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Target::Path(_, query) = &mut self.target {
            query.push((name, value.into()));
        }
        self
    }

    /// Marks a write as one that can give access.
    #[must_use]
    pub(crate) fn grants(self) -> Self {
        Self { class: Class::Grant, ..self }
    }

    /// Marks a POST whose repetition does no harm.
    #[must_use]
    pub(crate) fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    #[must_use]
    pub(crate) fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    fn new(method: Method, route: &'static str, path: String, class: Class, repeatable: bool) -> Self {
        let target = Target::Path(path, Vec::new());
        Self { method, route, target, body: None, class, repeatable }
    }

    /// Path and query relative to the base address, as `$batch` wants them. `None` for a link, which only paging follows.
    pub fn relative(&self) -> Option<String> {
        let Target::Path(path, query) = &self.target else {
            return None;
        };
        let mut url = path.clone();
        for (index, (name, value)) in query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            // Writing to a `String` cannot fail.
            let _ = write!(url, "{separator}{name}={}", utf8_percent_encode(value, QUERY));
        }
        Some(url)
    }

    /// The absolute address below `base` (`https://graph.microsoft.com/v1.0`, no slash at the end).
    pub fn url(&self, base: &Url) -> Result<Url, url::ParseError> {
        match (&self.target, self.relative()) {
            (Target::Link(link), _) => Ok(link.clone()),
            (_, relative) => {
                Url::parse(&format!("{}{}", base.as_str().trim_end_matches('/'), relative.unwrap_or_default()))
            }
        }
    }

    /// The body as it goes over the wire.
    pub(crate) fn bytes(&self) -> Bytes {
        self.body.as_ref().map(|body| Bytes::from(body.to_string())).unwrap_or_default()
    }
}

/// Shape and class only: paths hold addresses, bodies hold passwords.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {}, {:?})", self.method, self.route, self.class)
    }
}

/// What a path segment keeps as it is. `#`, which stands in every guest's name, becomes `%23` (Graph answers 400
/// otherwise, "Get user"); `$` stays because only a *leading* one is special, and then the key form is used.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@').remove(b'$').remove(b'!');

/// What a query value keeps as it is: what reads better and separates nothing.
const QUERY: &AsciiSet = &SEGMENT.remove(b',').remove(b'(').remove(b')').remove(b':').remove(b'/').remove(b'\'');

/// Percent-encodes one segment of a path. An empty one and the two dotted ones would vanish from the path, and the call
/// would go to another object; they become a name that no object has.
pub(crate) fn segment(text: &str) -> impl fmt::Display {
    let text = if matches!(text, "" | "." | "..") { "~" } else { text };
    utf8_percent_encode(text, SEGMENT)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;
    use crate::{filter::Filter, ids::UserId};

    /// Compares a request with one written the way the documentation writes it.
    pub(crate) fn check(request: &Request, expected: &str, body: Option<Value>) {
        let line = format!("{} {}", request.method, request.relative().unwrap_or_default());
        assert_eq!((line, request.body.clone()), (expected.to_owned(), body));
        let wrote = request.class.is_write();
        assert!(!wrote || request.method != Method::GET, "a GET writes nothing: {request:?}");
    }

    #[test]
    fn query_values_are_encoded_once() {
        let request = users(&["id", "mail"], Some(&Filter::eq("displayName", "R&D + #1 é")), 20);
        check(
            &request,
            "GET /users?$select=id,mail&$filter=displayName%20eq%20'R%26D%20%2B%20%231%20%C3%A9'&$top=20",
            None,
        );
        let base = Url::parse("https://graph.microsoft.com/v1.0").unwrap();
        let url = request.url(&base).unwrap();
        let filter = url.query_pairs().find(|(name, _)| name == "$filter").unwrap().1;
        assert_eq!(filter, "displayName eq 'R&D + #1 é'");
        assert_eq!(url.path(), "/v1.0/users");
    }

    #[test]
    fn no_id_leads_to_another_object() {
        let base = Url::parse("https://graph.microsoft.com/v1.0").unwrap();
        for id in ["", ".", "..", "%2e%2e", "a/../..", "a?b#c", "\\..\\.."] {
            let url = delete_user(&UserId::from(id)).url(&base).unwrap();
            assert_eq!(url.path_segments().unwrap().count(), 3, "{url}");
            assert!(!url.path().ends_with('/') && url.query().is_none() && url.fragment().is_none(), "{url}");
        }
    }

    #[test]
    fn a_link_is_followed_as_it_is() {
        let link = Url::parse("https://graph.microsoft.com/v1.0/users?$skiptoken=a%2Bb").unwrap();
        let request = Request::next_page("/users", link.clone()).query("$top", "5");
        assert_eq!(request.url(&Url::parse("https://elsewhere.example/v1.0").unwrap()).unwrap(), link);
    }

    #[test]
    fn debug_shows_the_shape_and_nothing_of_the_person() {
        let body = json!({"displayName": "Zoë Müller"}).as_object().cloned().unwrap();
        let printed = format!("{:?}", patch_user(&UserId::from("zoe@contoso.example"), body));
        assert_eq!(printed, "Request(PATCH /users/{id}, Write)");
    }
}
