//! `$batch`: many requests in one round trip. It saves time, not quota: Graph charges each item, and so does our pace.
//!
//! An item fails alone. What failed or was throttled is sent again alone, within the same limits as a single call; items
//! of one batch run in any order, so nothing in it may depend on anything else in it.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    client::{Attempt, Client, Next, strongest},
    error::Error,
    limits,
    request::Request,
    retry::Spent,
    transport::{Lost, LostKind},
};

/// What one item came to: the body of its success (null if it had none), or its error.
pub type Item = Result<Value, Error>;

impl Client {
    /// Sends any number of requests, twenty at a time, and gives what each came to, in their order. If a whole batch
    /// fails, each of its items says so.
    pub async fn batch(&self, requests: &[Request]) -> Vec<Item> {
        let mut items = Vec::with_capacity(requests.len());
        for chunk in requests.chunks(limits::BATCH_MAX) {
            items.extend(self.chunk(chunk).await);
        }
        items
    }

    /// At most twenty requests, until each is settled or the time of a call is over.
    async fn chunk(&self, requests: &[Request]) -> Vec<Item> {
        let mut settled: Vec<Option<Item>> = requests.iter().map(|_| None).collect();
        // What is not settled when the time is over was sent, for all we know.
        let _ = tokio::time::timeout(limits::CALL_MAX, self.rounds(requests, &mut settled)).await;
        let lost = |request| Err(Error::lost(request, Lost::new(LostKind::Timeout)));
        settled.into_iter().zip(requests).map(|(item, request)| item.unwrap_or_else(|| lost(request))).collect()
    }

    async fn rounds(&self, requests: &[Request], settled: &mut [Option<Item>]) {
        let mut spent = Spent::default();
        loop {
            let pending: Vec<&Request> = unsettled(requests, settled).map(|(request, _)| request).collect();
            if pending.is_empty() {
                return;
            }
            let attempts = match self.round(&pending, &mut spent).await {
                Ok(attempts) => attempts,
                Err(error) => {
                    unsettled(requests, settled).for_each(|(_, item)| *item = Some(Err(error.clone())));
                    return;
                }
            };
            let mut longest = std::time::Duration::ZERO;
            let mut renew = false;
            for ((request, item), attempt) in unsettled(requests, settled).zip(attempts) {
                match self.judge(request, attempt, spent) {
                    Next::Done(result) => *item = Some(result.map(|answer| body(&answer))),
                    Next::Again(wait) => longest = longest.max(wait),
                    Next::Renew => renew = true,
                }
            }
            if renew {
                self.renew(&mut spent);
            }
            self.wait(longest, &mut spent).await;
        }
    }

    /// One batch over the wire; how each of its requests fared.
    async fn round(&self, pending: &[&Request], spent: &mut Spent) -> Result<Vec<Attempt>, Error> {
        let outer = envelope(pending);
        let writes = pending.iter().filter(|request| request.class.is_write()).count();
        self.admit(&outer, u32::try_from(writes).unwrap_or(u32::MAX), spent).await?;
        Ok(match self.attempt(&outer, spent).await? {
            Ok(answer) if answer.status().is_success() => open(answer.body(), pending.len()),
            // A failure of the whole is a failure of each; whether it is repeated depends on each.
            failure => pending.iter().map(|_| failure.clone()).collect(),
        })
    }
}

/// The requests that are not settled, each with its place, in order.
fn unsettled<'a>(
    requests: &'a [Request],
    settled: &'a mut [Option<Item>],
) -> impl Iterator<Item = (&'a Request, &'a mut Option<Item>)> {
    requests.iter().zip(settled).filter(|(_, item)| item.is_none())
}

/// The batch of `requests`; their ids are their places.
fn envelope(requests: &[&Request]) -> Request {
    let items: Vec<Value> = requests
        .iter()
        .enumerate()
        .map(|(place, request)| {
            let mut item = json!({
                "id": place.to_string(),
                "method": request.method.as_str(),
                "url": request.relative().unwrap_or_default(),
            });
            if let (Some(body), Some(item)) = (&request.body, item.as_object_mut()) {
                item.insert("headers".into(), json!({ "Content-Type": "application/json" }));
                item.insert("body".into(), body.clone());
            }
            item
        })
        .collect();
    Request {
        class: strongest(requests.iter().map(|request| request.class)),
        ..Request::post("/$batch", "/$batch".into(), json!({ "requests": items }))
    }
}

#[derive(Deserialize)]
struct Answers {
    responses: Vec<OneAnswer>,
}

#[derive(Deserialize)]
struct OneAnswer {
    id: String,
    status: u16,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    body: Value,
}

/// The answers in the order of the requests. They come in any order; one that is missing or unreadable is lost.
fn open(body: &[u8], count: usize) -> Vec<Attempt> {
    let answers: Vec<OneAnswer> = serde_json::from_slice(body).map(|a: Answers| a.responses).unwrap_or_default();
    let mut by_id: HashMap<String, OneAnswer> = answers.into_iter().map(|one| (one.id.clone(), one)).collect();
    (0..count)
        .map(|place| by_id.remove(&place.to_string()).and_then(response).ok_or_else(|| Lost::new(LostKind::Cut)))
        .collect()
}

fn response(answer: OneAnswer) -> Option<Response<Bytes>> {
    let mut headers = HeaderMap::new();
    for (name, value) in answer.headers.unwrap_or_default() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    let mut response = Response::new(Bytes::from(answer.body.to_string()));
    *response.status_mut() = StatusCode::from_u16(answer.status).ok()?;
    *response.headers_mut() = headers;
    Some(response)
}

fn body(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::tests::{Script, answer, lost},
        error::Refusal,
        ids::{GroupId, UserId},
        request::{add_member, get_group, revoke_sessions},
    };

    fn read(id: &str) -> Request {
        get_group(&GroupId::from(id), &["id"])
    }

    fn write(id: &str) -> Request {
        add_member(&GroupId::from(id), &UserId::from("u"))
    }

    fn item(id: usize, status: u16, body: &Value) -> Value {
        json!({"id": id.to_string(), "status": status, "body": body})
    }

    fn throttled(id: usize) -> Value {
        json!({"id": id.to_string(), "status": 429, "headers": {"Retry-After": "1"}, "body": {}})
    }

    #[test]
    fn a_batch_is_written_as_documented() {
        let batch = envelope(&[&read("g"), &write("h")]);
        assert_eq!(
            batch.body.unwrap(),
            json!({"requests": [
                {"id": "0", "method": "GET", "url": "/groups/g?$select=id"},
                {"id": "1", "method": "POST", "url": "/groups/h/members/$ref",
                 "headers": {"Content-Type": "application/json"},
                 "body": {"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/u"}},
            ]})
        );
    }

    #[tokio::test]
    async fn answers_come_in_any_order_and_leave_in_ours() {
        let script = Script::new([answer(
            200,
            &json!({"responses": [
                item(2, 200, &json!({"id": "c"})),
                item(0, 200, &json!({"id": "a"})),
                item(1, 404, &json!({"error": {"code": "Request_ResourceNotFound", "message": "m"}})),
            ]}),
        )]);
        let items = script.client().batch(&[read("a"), read("b"), read("c")]).await;
        assert_eq!(items[0].as_ref().unwrap()["id"], "a");
        assert_eq!(items[1].as_ref().unwrap_err().refusal(), Some(&Refusal::NotFound));
        assert_eq!(items[2].as_ref().unwrap()["id"], "c");
    }

    #[tokio::test]
    async fn only_what_was_throttled_is_sent_again() {
        let script = Script::new([
            answer(200, &json!({"responses": [item(0, 204, &Value::Null), throttled(1), item(2, 204, &Value::Null)]})),
            answer(200, &json!({"responses": [item(0, 204, &Value::Null)]})),
        ]);
        let items = script.client().batch(&[write("a"), write("b"), write("c")]).await;
        assert!(items.iter().all(Result::is_ok), "{items:?}");
        let sent: Vec<Value> = script.bodies();
        assert_eq!(sent[0]["requests"].as_array().unwrap().len(), 3);
        assert_eq!(sent[1]["requests"].as_array().unwrap().len(), 1);
        assert_eq!(sent[1]["requests"][0]["url"], "/groups/b/members/$ref");
        assert_eq!(script.waited_ms(), 1_000);
    }

    #[tokio::test]
    async fn a_missing_answer_is_a_lost_one() {
        let script = Script::new([
            answer(200, &json!({"responses": [item(0, 204, &Value::Null)]})),
            answer(200, &json!({"responses": [item(0, 200, &json!({"id": "c"}))]})),
        ]);
        let items = script.client().batch(&[write("a"), write("b"), read("c")]).await;
        assert!(items[0].is_ok());
        assert!(items[1].as_ref().unwrap_err().may_have_taken_effect());
        assert_eq!(items[2].as_ref().unwrap()["id"], "c", "a read is asked again, a write is not");
    }

    #[tokio::test]
    async fn when_the_whole_batch_is_lost_each_item_says_so_and_the_repeatable_go_again() {
        let script = Script::new([lost(LostKind::Cut), answer(200, &json!({"responses": [item(0, 200, &json!({}))]}))]);
        let items = script.client().batch(&[write("a"), revoke_sessions(&UserId::from("u"))]).await;
        assert!(items[0].as_ref().unwrap_err().may_have_taken_effect());
        assert!(items[1].is_ok());
        assert_eq!(script.bodies()[1]["requests"][0]["url"], "/users/u/revokeSignInSessions");
    }

    #[tokio::test]
    async fn forty_five_requests_are_three_batches_with_unique_ids() {
        let all = |count: usize| {
            let responses: Vec<_> = (0..count).map(|id| item(id, 204, &Value::Null)).collect();
            answer(200, &json!({ "responses": responses }))
        };
        let script = Script::new([all(20), all(20), all(5)]);
        let requests: Vec<_> = (0..45).map(|n| write(&n.to_string())).collect();
        let items = script.client().batch(&requests).await;
        assert_eq!(items.len(), 45);
        assert!(items.iter().all(Result::is_ok));
        for body in script.bodies() {
            let ids: std::collections::HashSet<_> =
                body["requests"].as_array().unwrap().iter().map(|item| item["id"].to_string()).collect();
            assert_eq!(ids.len(), body["requests"].as_array().unwrap().len());
        }
    }

    #[tokio::test]
    async fn a_batch_that_stays_throttled_is_given_back_with_its_wait() {
        let script = Script::new([answer(429, &json!({})).with("retry-after", "17")]);
        let items = script.client().batch(&[write("a"), read("b")]).await;
        for item in items {
            assert_eq!(item.unwrap_err().retry_after().unwrap().as_secs(), 17);
        }
    }
}
