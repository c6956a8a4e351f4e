//! `POST /$batch`. Items are calls of their own: charged, logged, struck by faults one by one. They are carried out in
//! order and answered in a shuffled one, since no order is promised. All that depend on none are under way at the same time: where
//! concurrent writes are refused, so are those of one object in one batch. Source: "Combine multiple HTTP requests using JSON
//! batching".

use std::collections::{HashMap, HashSet};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};

use crate::ids::{Guid, mix};
use crate::refusal::Refusal;
use crate::tenant::Tenant;
use crate::wire::{Answer, Body, Call, Served};

/// A batch holds at most so many items.
const ITEMS_MAX: usize = 20;

struct Item<'b> {
    id: &'b str,
    method: &'b str,
    url: &'b str,
    headers: Option<&'b Map<String, Value>>,
    body: Option<&'b Value>,
    depends_on: Vec<String>,
}

/// Carries out a batch. `number` is the batch's own place among the calls.
pub(crate) fn serve(tenant: &mut Tenant, outer: &Call<'_>, body: &Value, number: u64) -> Served {
    let items = read(body)?;
    let mut done: HashMap<String, u16> = HashMap::new();
    let mut responses = Vec::new();
    let (mut delay_ms, mut lost) = (0, false);
    let mut under_way: Vec<(String, Guid)> = Vec::new();
    for item in &items {
        // What an item depends on is through when it begins.
        under_way.retain(|(id, written)| {
            let is_through = item.depends_on.contains(id);
            if is_through {
                tenant.concurrency.end(*written);
            }
            !is_through
        });
        let failed = item.depends_on.iter().any(|id| done.get(id).is_none_or(|status| *status >= 400));
        let answer = if failed {
            let refusal = Refusal::new(424, "FailedDependency", "Failed dependency.");
            tenant.refused(&refusal, None)
        } else {
            let (answer, written) = one(tenant, outer, item, number);
            under_way.extend(written.map(|written| (item.id.to_lowercase(), written)));
            answer
        };
        done.insert(item.id.to_lowercase(), answer.status);
        delay_ms += answer.delay_ms;
        lost |= answer.lost;
        responses.push(show(item.id, answer));
    }
    for (_, written) in under_way {
        tenant.concurrency.end(written);
    }
    let throttled = responses.iter().any(|response| response.get("status") == Some(&json!(429)));
    let shuffled = |(index, _): &(usize, Value)| mix(&[number, *index as u64]);
    let mut numbered: Vec<(usize, Value)> = responses.into_iter().enumerate().collect();
    numbered.sort_by_key(shuffled);
    let responses: Vec<Value> = numbered.into_iter().map(|(_, response)| response).collect();
    let status = if throttled && tenant.throttled_batch_is_424() { 424 } else { 200 };
    let mut answer = Answer::json(status, json!({"responses": responses}));
    // The items travel in one answer: what breaks or delays one breaks or delays all.
    (answer.delay_ms, answer.lost) = (delay_ms, lost);
    Ok(answer)
}

fn malformed(problem: &str) -> Refusal {
    Refusal::unreadable(format!("Invalid batch payload format. {problem}"))
}

fn read(body: &Value) -> Result<Vec<Item<'_>>, Refusal> {
    let requests = body.get("requests").and_then(Value::as_array).ok_or_else(|| malformed("'requests' is missing."))?;
    if requests.is_empty() || requests.len() > ITEMS_MAX {
        return Err(malformed(&format!("The number of requests must be between 1 and {ITEMS_MAX}.")));
    }
    let mut seen = HashSet::new();
    let mut items: Vec<Item<'_>> = Vec::new();
    for request in requests {
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        let id = text("id").filter(|id| !id.is_empty()).ok_or_else(|| malformed("An 'id' is missing."))?;
        let depends_on: Vec<String> = request
            .get("dependsOn")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_lowercase)
            .collect();
        if depends_on.iter().any(|id| !seen.contains(id)) || depends_on.len() > 1 {
            return Err(malformed("'dependsOn' must name one earlier request."));
        }
        if !seen.insert(id.to_lowercase()) {
            return Err(malformed(&format!("The request id '{id}' is not unique.")));
        }
        if request.get("atomicityGroup").is_some() {
            return Err(malformed("'atomicityGroup' is not supported."));
        }
        let (method, url) = (text("method"), text("url"));
        let (Some(method), Some(url)) = (method, url) else { return Err(malformed("A 'method' or 'url' is missing.")) };
        if url.contains("://") || url.trim_start_matches('/').starts_with("$batch") {
            return Err(malformed("A 'url' must be relative and must not be a batch."));
        }
        let headers = request.get("headers").and_then(Value::as_object);
        items.push(Item { id, method, url, headers, body: request.get("body"), depends_on });
    }
    Ok(items)
}

/// Carries an item out. Also answers which object it writes: until the batch is through, or what depends on it begins.
fn one(tenant: &mut Tenant, outer: &Call<'_>, item: &Item<'_>, number: u64) -> (Answer, Option<Guid>) {
    let mut headers = HeaderMap::new();
    for name in ["authorization", "host", "x-forwarded-host", "x-forwarded-proto"] {
        if let Some(value) = outer.headers.get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    for (name, value) in item.headers.into_iter().flatten() {
        let name = HeaderName::try_from(name.as_str());
        let value = HeaderValue::try_from(value.as_str().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    if item.body.is_some() && !headers.contains_key("content-type") {
        let text = format!("Write request id : {} does not contain Content-Type header or body.", item.id);
        return (tenant.refused(&Refusal::unreadable(text), None), None);
    }
    let Ok(method) = Method::try_from(item.method.to_uppercase().as_str()) else {
        return (tenant.refused(&malformed("A 'method' is not known."), None), None);
    };
    let (path, query) = item.url.split_once('?').unwrap_or((item.url, ""));
    let path = format!("/{}", path.trim_start_matches('/'));
    let body = item.body.map(Value::to_string).unwrap_or_default();
    let call = Call { method: &method, path: &path, query, headers: &headers, body: body.as_bytes() };
    let written = if method == Method::GET { None } else { tenant.first_subject(&call, &path) };
    if let Some(written) = written {
        tenant.concurrency.begin(written);
    }
    (tenant.graph(&call, &path, Some(number)), written)
}

fn show(id: &str, answer: Answer) -> Value {
    let mut headers: Map<String, Value> =
        answer.headers.into_iter().map(|(name, value)| (header_case(name), Value::String(value))).collect();
    let mut shown = json!({"id": id, "status": answer.status});
    if let Some(shown) = shown.as_object_mut() {
        match answer.body {
            Body::Empty => {}
            Body::Json(_) | Body::Written(_) => {
                headers.insert("Content-Type".into(), json!("application/json"));
                shown.insert("body".into(), answer.body.into_json());
            }
            Body::Text(text) => {
                headers.insert("Content-Type".into(), json!("text/plain"));
                shown.insert("body".into(), Value::String(text));
            }
        }
        shown.insert("headers".into(), Value::Object(headers));
    }
    shown
}

/// `retry-after` as `Retry-After`: inside a batch header names are plain JSON members, and these are the captured spellings.
fn header_case(name: &str) -> String {
    if name.starts_with("x-ms") || name.ends_with("request-id") {
        return name.to_owned();
    }
    let word = |word: &str| {
        word.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(word.chars().skip(1)).collect::<String>()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}
