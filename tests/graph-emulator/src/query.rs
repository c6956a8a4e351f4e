//! The query options of a request, as written, and what they mean for a list: filter, order, page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use serde_json::Value;

use crate::refusal::Refusal;

/// Pages hold so many objects when nobody says.
const PAGE_DEFAULT: usize = 100;
/// And so many at most.
const PAGE_MAX: usize = 999;

/// The options of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    /// All pairs as they came, decoded.
    pairs: Vec<(String, String)>,
    pub select: Option<Vec<String>>,
    pub filter: Option<String>,
    pub top: Option<usize>,
    pub count: bool,
    pub orderby: Option<String>,
    pub search: Option<String>,
    pub expand: Vec<String>,
    /// Where the page begins, taken from `$skiptoken`.
    pub from: Option<String>,
    /// `$deltatoken` as it came.
    pub delta: Option<String>,
}

impl Query {
    pub(crate) fn parse(raw: &str) -> Result<Self, Refusal> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
        let mut query = Self::default();
        for (name, value) in &pairs {
            let list = || value.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
            match name.as_str() {
                "$select" => query.select = Some(list().collect()),
                "$filter" => query.filter = Some(value.clone()),
                "$top" => query.top = Some(page_size(value)?),
                "$count" => query.count = value.eq_ignore_ascii_case("true"),
                "$orderby" => query.orderby = Some(value.clone()),
                "$search" => query.search = Some(value.clone()),
                "$expand" => query.expand = list().collect(),
                "$skiptoken" => query.from = Some(read_token(value)?),
                "$deltatoken" => query.delta = Some(value.clone()),
                "$skip" => return Err(Refusal::bad("'$skip' is not supported by the service.")),
                "$format" => {}
                name if name.starts_with('$') => {
                    return Err(Refusal::unreadable(format!("The query parameter '{name}' is not supported.")));
                }
                _ => {}
            }
        }
        query.pairs = pairs;
        Ok(query)
    }

    pub(crate) fn page(&self) -> usize {
        self.top.unwrap_or(PAGE_DEFAULT)
    }

    /// The address of the page that begins after `last`.
    pub(crate) fn next_link(&self, url: &str, last: &str) -> String {
        let mut rest = Serializer::new(String::new());
        rest.extend_pairs(self.pairs.iter().filter(|(name, _)| name != "$skiptoken"));
        rest.append_pair("$skiptoken", &write_token(last));
        format!("{url}?{}", rest.finish())
    }

    /// The first option of those named that was given although the operation knows none of them.
    pub(crate) fn given(&self, name: &str) -> bool {
        self.pairs.iter().any(|(given, _)| given == name)
    }
}

fn page_size(text: &str) -> Result<usize, Refusal> {
    text.parse().ok().filter(|size| (1..=PAGE_MAX).contains(size)).ok_or_else(|| {
        Refusal::bad(format!("Invalid page size specified: '{text}'. Must be between 1 and {PAGE_MAX} inclusive."))
    })
}

/// A mark as a caller sees it: opaque.
pub(crate) fn write_token(mark: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("after:{mark}"))
}

/// The mark inside a token.
pub(crate) fn read_token(token: &str) -> Result<String, Refusal> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.and_then(|text| text.strip_prefix("after:").map(str::to_owned)).ok_or_else(|| {
        Refusal::bad("The specified page token value '$skiptoken' has expired and can no longer be included.")
    })
}

/// Orders by the text of a property, nulls first, cases alike.
pub(crate) fn sort_key(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => format!("1{}", text.to_lowercase()),
        other => format!("1{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_link_repeats_the_query_and_says_where_to_go_on() {
        let query = Query::parse("$top=2&$filter=department%20eq%20'A%26B'&$skiptoken=YWZ0ZXI6eA").unwrap();
        assert_eq!(query.from.as_deref(), Some("x"));
        let link = query.next_link("http://host/v1.0/users", "y");
        let again = Query::parse(link.split_once('?').unwrap().1).unwrap();
        assert_eq!(again.from.as_deref(), Some("y"));
        assert_eq!(again.filter.as_deref(), Some("department eq 'A&B'"));
        assert_eq!(again.top, Some(2));
    }

    #[test]
    fn odd_options_are_refused() {
        for query in ["$top=0", "$top=1000", "$skip=3", "$apply=x", "$skiptoken=zzz"] {
            assert_eq!(Query::parse(query).unwrap_err().status, 400, "{query}");
        }
    }
}
