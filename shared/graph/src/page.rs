//! Lists of any length, a page at a time.

use std::marker::PhantomData;

use http::{HeaderMap, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use url::Url;

use crate::{
    client::Client,
    error::Error,
    limits,
    model::{self, Unreadable},
    request::Request,
};

/// A listing under way. Memory stays that of one page.
///
/// ```no_run
/// # async fn show(client: &graph::Client) -> Result<(), graph::Error> {
/// let mut pages = client.users(&["id", "mail"], None);
/// while let Some(page) = pages.next().await? {
///     for user in page {
///         // Ok(user), or Err(unreadable): one bad object does not spoil the page.
///     }
/// }
/// # Ok(()) }
/// ```
///
/// After an error the listing stands where it stood: `next` asks for the same page again. What changes meanwhile may be
/// seen twice or not at all; Graph promises no snapshot.
pub struct Pages<'c, T> {
    client: &'c Client,
    route: &'static str,
    next: Option<Request>,
    read: u32,
    object: PhantomData<fn() -> T>,
}

/// One page of a listing, for whoever keeps the place in it himself.
#[derive(Debug)]
pub struct Page<T> {
    /// Its objects, of which there may be none; one bad object does not spoil the others.
    pub objects: Vec<Result<T, Unreadable>>,
    /// The link to the next page; None after the last.
    pub next: Option<String>,
}

/// A page as it is written. Objects are read one by one, straight from the text.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

impl<'c, T: DeserializeOwned> Pages<'c, T> {
    pub(crate) fn new(client: &'c Client, first: Request) -> Self {
        Self { client, route: first.route, next: Some(first), read: 0, object: PhantomData }
    }

    /// The next page, which may be empty; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Result<T, Unreadable>>>, Error> {
        let Some(request) = &self.next else {
            return Ok(None);
        };
        if self.read >= limits::PAGES_MAX {
            return Err(self.oddity("the list has more pages than we follow"));
        }
        let page = self.client.page(request).await?;
        self.next = page.next.map(|link| self.client.follow(self.route, &link)).transpose()?;
        self.read += 1;
        Ok(Some(page.objects))
    }

    /// Calls `visit` with every object to the end.
    pub async fn for_each(mut self, mut visit: impl FnMut(Result<T, Unreadable>) + Send) -> Result<(), Error> {
        while let Some(page) = self.next().await? {
            page.into_iter().for_each(&mut visit);
        }
        Ok(())
    }

    pub(crate) fn oddity(&self, what: &'static str) -> Error {
        let request = Request::get(self.route, String::new());
        Error::odd_success(&request, StatusCode::OK, &HeaderMap::new(), what)
    }
}

impl Client {
    /// One page: the first of a listing, or the one a link leads to ([`Client::follow`]).
    pub async fn page<T: DeserializeOwned>(&self, request: &Request) -> Result<Page<T>, Error> {
        let answer = self.send(request).await?;
        // The reason is left out: it may quote a value.
        let page: Written<'_> = serde_json::from_slice(answer.body()).map_err(|_| {
            Error::odd_success(request, answer.status(), answer.headers(), "the body is not a page of a list")
        })?;
        let objects = page.value.into_iter().map(model::read).collect();
        Ok(Page { objects, next: page.next })
    }

    /// The request for the page that a link of an earlier one leads to. The link is opaque, and may have been kept for a while: what
    /// Graph has forgotten meanwhile it refuses.
    pub fn follow(&self, route: &'static str, link: &str) -> Result<Request, Error> {
        same_origin(link, self.base_url()).map(|link| Request::next_page(route, link)).ok_or_else(|| {
            let request = Request::get(route, String::new());
            Error::odd_success(&request, StatusCode::OK, &HeaderMap::new(), "the next page is at another host")
        })
    }
}

/// The link, if it leads where the base address does. The token goes nowhere else, whatever an answer says.
fn same_origin(link: &str, base: &Url) -> Option<Url> {
    let link = Url::parse(link).ok()?;
    let plain = link.username().is_empty() && link.password().is_none();
    (plain && link.origin() == base.origin()).then_some(link)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::client::tests::{Script, answer};

    #[test]
    fn a_link_leads_home_or_nowhere() {
        let base = Url::parse("https://graph.microsoft.com/v1.0").unwrap();
        let check = |link: &str, expected: bool| {
            assert_eq!(same_origin(link, &base).is_some(), expected, "{link}");
        };
        check("https://graph.microsoft.com/v1.0/users?$skiptoken=x", true);
        check("https://GRAPH.microsoft.com:443/v1.0/users?$skiptoken=x", true);
        check("http://graph.microsoft.com/v1.0/users", false);
        check("https://graph.microsoft.com:8443/v1.0/users", false);
        check("https://graph.microsoft.com.evil.example/v1.0/users", false);
        check("https://graph.microsoft.com@evil.example/v1.0/users", false);
        check("https://user@graph.microsoft.com/v1.0/users", false);
        check("/v1.0/users?$skiptoken=x", false);
        check("", false);
    }

    fn page(ids: &[&str], next: Option<&str>) -> Value {
        let value: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
        match next {
            Some(next) => json!({ "value": value, "@odata.nextLink": next }),
            None => json!({ "value": value }),
        }
    }

    #[tokio::test]
    async fn all_pages_are_read_in_order_and_an_empty_one_is_not_the_last() {
        let script = Script::new([
            answer(200, &page(&["a", "b"], Some("https://graph.test/v1.0/users?$skiptoken=1"))),
            answer(200, &page(&[], Some("https://graph.test/v1.0/users?$skiptoken=2"))),
            answer(200, &page(&["c"], None)),
        ]);
        let client = script.client();
        let mut seen = Vec::new();
        client
            .for_each_user(&["id"], None, |user| {
                seen.push(user.unwrap().id.to_string());
            })
            .await
            .unwrap();
        assert_eq!(seen, ["a", "b", "c"]);
        assert_eq!(
            script.calls(),
            ["GET /v1.0/users?$select=id&$top=999", "GET /v1.0/users?$skiptoken=1", "GET /v1.0/users?$skiptoken=2",]
        );
    }

    #[tokio::test]
    async fn one_bad_object_does_not_spoil_its_page() {
        let body = json!({"value": [{"id": "a"}, {"id": "b", "department": 7}, {"id": "c"}]});
        let script = Script::new([answer(200, &body)]);
        let mut seen = Vec::new();
        script
            .client()
            .for_each_user(&[], None, |user| {
                seen.push(user.map_or_else(|bad| format!("bad {}", bad.id.unwrap()), |user| user.id.to_string()));
            })
            .await
            .unwrap();
        assert_eq!(seen, ["a", "bad b", "c"]);
    }

    #[tokio::test]
    async fn the_token_is_not_carried_to_another_host() {
        let script = Script::new([answer(200, &page(&["a"], Some("https://evil.example/v1.0/users?$skiptoken=1")))]);
        let error = script.client().for_each_user(&[], None, |_| {}).await.unwrap_err();
        assert_eq!(error.to_string(), "/users: 200: the next page is at another host");
        assert_eq!(script.calls().len(), 1);
    }

    #[tokio::test]
    async fn a_listing_goes_on_where_it_was_throttled() {
        let script = Script::new([
            answer(200, &page(&["a"], Some("https://graph.test/v1.0/users?$skiptoken=1"))),
            answer(429, &json!({})).with("retry-after", "30"),
            answer(200, &page(&["b"], None)),
        ]);
        let client = script.client();
        let mut pages = client.users(&[], None);
        assert_eq!(pages.next().await.unwrap().unwrap().len(), 1);
        let error = pages.next().await.unwrap_err();
        assert_eq!(error.retry_after().unwrap().as_secs(), 30);
        script.advance(30_000);
        assert_eq!(pages.next().await.unwrap().unwrap()[0].as_ref().unwrap().id.as_str(), "b");
        assert!(pages.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_list_that_leads_to_itself_ends() {
        let link = "https://graph.test/v1.0/users?$skiptoken=1";
        let script = Script::forever(answer(200, &page(&[], Some(link))));
        let error = script.client().for_each_user(&[], None, |_| {}).await.unwrap_err();
        assert_eq!(error.to_string(), "/users: 200: the list has more pages than we follow");
    }
}
