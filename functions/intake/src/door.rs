//! The front door: one HTTP request in, stored events and one answer out.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use domain::event::{Auth, WorkerEvent};
use domain::ids::hex_sha256;
use domain::message::{Message, QueueName};
use domain::ports::{Clock, FailureReport, Outbox, Outgoing, Parking, StoreError};
use hr::forbidden::withhold;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::decode::{Decoded, Delivery, Unreadable, body_json, decode};
use crate::problem::{Problem, respond};
use crate::report::mend;
use crate::signature::Verdict;
use crate::source::Adapter;
use crate::urgent::lane;
use hr::Secret;

/// The largest body taken, in bytes. The server in front should stop reading there, too.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// The most event ids in one log line.
const LOGGED_IDS_MAX: usize = 20;

/// What intake may touch.
pub struct App {
    /// The connections by name.
    pub connections: BTreeMap<String, Connection>,
    /// The queues.
    pub outbox: Arc<dyn Outbox>,
    /// Keeps what could not be understood.
    pub parking: Arc<dyn Parking>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// An HR system that may speak to us.
#[derive(Debug, Clone)]
pub struct Connection {
    /// How it signs and is read.
    pub adapter: &'static Adapter,
    /// Its active secrets; several while one is rotated. With none, nothing it sends is taken.
    pub secrets: Vec<Secret>,
}

/// Takes one request to `/hr/{connection}[/{kind}]`.
///
/// - 202: everything in the body is stored, or it was understood and is about no worker.
/// - 404, 405, 413, 415, 401, 400: not taken, checked in this order. A body whose signature is right but which is no event
///   is parked before the 400.
/// - 503 with `Retry-After`: a store is down. The sender's repeat is harmless: events keep their ids.
pub async fn handle(app: &App, request: &Request<Bytes>) -> Response<String> {
    match take(app, request).await {
        Ok(response) => response,
        Err(problem) => {
            let (status, cause) = (problem.status.as_u16(), problem.word);
            // The address is the sender's word; only a name of ours may be logged.
            let connection = route(app, request.uri().path()).map_or("-", |route| route.name);
            tracing::warn!(connection, status, cause, "hr request not taken");
            problem.into_response()
        }
    }
}

async fn take(app: &App, request: &Request<Bytes>) -> Result<Response<String>, Problem> {
    let route = route(app, request.uri().path())?;
    check_envelope(route.connection.adapter, request)?;
    let now = app.clock.now();
    let scheme = route.connection.adapter.scheme();
    let proof = scheme.verify(&route.connection.secrets, request.headers(), request.body(), now);
    if proof.verdict != Verdict::Valid {
        return Err(not_proven(proof.verdict));
    }
    let delivery = Delivery {
        adapter: route.connection.adapter,
        connection: route.name,
        kind: route.kind,
        body: request.body(),
        received_at: now,
        auth: Auth::Hmac,
        id: proof.id.as_deref(),
        signed_at: proof.timestamp.as_deref(),
    };
    match decode(&delivery) {
        Decoded::Events { events, unreadable } => store(app, &delivery, events, &unreadable).await,
        Decoded::Handshake { answer } => Ok(respond(StatusCode::OK, "application/json", answer.to_string())),
        Decoded::Ignored { reason } => {
            tracing::info!(connection = route.name, status = 202, reason = %reason, "hr request ignored");
            Ok(accepted(&json!({"accepted": 0, "ignored": reason})))
        }
        Decoded::Refused { reason } => {
            park(app, &delivery, None, &reason).await?;
            Err(Problem::new(StatusCode::BAD_REQUEST, "not-an-event", "The body is not an HR event", reason))
        }
    }
}

struct Route<'a> {
    name: &'a str,
    connection: &'a Connection,
    kind: Option<&'a str>,
}

fn route<'a>(app: &'a App, path: &'a str) -> Result<Route<'a>, Problem> {
    let not_found = || {
        let detail =
            "webhooks are taken at /hr/CONNECTION or /hr/CONNECTION/KIND, where CONNECTION is a name in the policy";
        Problem::new(StatusCode::NOT_FOUND, "unknown-connection", "No such connection", detail)
    };
    let rest = path.strip_prefix("/hr/").ok_or_else(not_found)?;
    let (name, kind) = rest.split_once('/').map_or((rest, None), |(name, kind)| (name, Some(kind)));
    let kind = kind.filter(|kind| !kind.is_empty());
    if kind.is_some_and(|kind| {
        kind.len() > 64 || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    }) {
        return Err(not_found());
    }
    let (name, connection) = app.connections.get_key_value(name).ok_or_else(not_found)?;
    Ok(Route { name, connection, kind })
}

/// Method, size and content type: what can be judged before the body is read.
fn check_envelope(adapter: &Adapter, request: &Request<Bytes>) -> Result<(), Problem> {
    if request.method() != Method::POST {
        let problem =
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "Only POST is taken", "send the webhook with POST");
        return Err(problem.with(header::ALLOW, "POST"));
    }
    if request.body().len() > BODY_BYTES_MAX {
        let detail = "the body is larger than 1 MiB; send fewer people at a time";
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail));
    }
    let content_type = request.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    // Without the header there is nothing to contradict: the body itself shows what it is.
    if content_type.is_none_or(|content_type| admits(adapter, content_type)) {
        return Ok(());
    }
    let detail = if adapter.sends_forms {
        "send application/json or application/x-www-form-urlencoded in UTF-8"
    } else {
        "send application/json in UTF-8"
    };
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", "The content type is not taken", detail))
}

fn admits(adapter: &Adapter, content_type: &str) -> bool {
    let content_type = content_type.to_ascii_lowercase();
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let form = media == "application/x-www-form-urlencoded" && adapter.sends_forms;
    let utf8 =
        parts.filter_map(|part| part.strip_prefix("charset=")).all(|charset| charset.trim_matches('"') == "utf-8");
    (media == "application/json" || form) && utf8
}

fn not_proven(verdict: Verdict) -> Problem {
    let (word, title) = match verdict {
        Verdict::Absent => ("signature-missing", "The request is not signed"),
        Verdict::Stale => ("signature-stale", "The signature is too old"),
        Verdict::Invalid | Verdict::Valid => ("signature-invalid", "The signature is wrong"),
    };
    let problem = Problem::new(StatusCode::UNAUTHORIZED, word, title, mend(verdict));
    problem.with(header::WWW_AUTHENTICATE, "Signature")
}

/// Stores every event, urgent ones first, and parks what could not be read beside them.
async fn store(
    app: &App,
    delivery: &Delivery<'_>,
    mut events: Vec<WorkerEvent>,
    unreadable: &[Unreadable],
) -> Result<Response<String>, Problem> {
    let count = events.len();
    let ids: Vec<String> = events.iter().take(LOGGED_IDS_MAX).map(|event| event.event_id.to_string()).collect();
    events.sort_by_key(|event| lane(event) != QueueName::PeopleUrgent);
    let urgent = events.iter().filter(|event| lane(event) == QueueName::PeopleUrgent).count();
    for event in events {
        let queue = lane(&event);
        let outgoing = Outgoing {
            // The person's id; that it is one was checked when the event was made.
            group: format!("{}:{}", delivery.connection, event.worker.source_person_id),
            // The same event sent again within five minutes is the sender's repeat (invariant 3).
            deduplication_id: format!("{}-{queue}", event.event_id),
            body: Message::hr_event(event).to_json(),
        };
        app.outbox.send(queue, outgoing).await.map_err(|error| unavailable(&error))?;
    }
    for entry in unreadable {
        park(app, delivery, Some(entry.index), &entry.reason).await?;
    }
    let parked = unreadable.len();
    tracing::info!(connection = delivery.connection, status = 202, events = count, urgent, parked, ids = ?ids, "hr request stored");
    Ok(accepted(&json!({"accepted": count, "parked": parked})))
}

/// Keeps a body, or the place in it, that could not be understood. Its id derives from the body, so that the sender's
/// repeats are one failure.
async fn park(app: &App, delivery: &Delivery<'_>, index: Option<usize>, reason: &str) -> Result<(), Problem> {
    let place = index.map_or_else(|| "whole".to_owned(), |index| index.to_string());
    let raw_sha256 = hex_sha256(&[delivery.body]);
    let report = FailureReport {
        id: hex_sha256(&[["intake", delivery.connection, &raw_sha256, &place].join("|")]),
        function: "intake".into(),
        queue: None,
        person: None,
        cause: "bad-event".into(),
        reason: reason.to_owned(),
        body: parked_body(delivery, index),
        attempts: 1,
        at: app.clock.now(),
    };
    app.parking.park(report).await.map_err(|error| unavailable(&error))
}

/// The body, or the entry of it, without what must not be kept. A body that is neither JSON nor a form stays as it is: it
/// was signed, and nobody can say what is in it.
fn parked_body(delivery: &Delivery<'_>, index: Option<usize>) -> String {
    let Ok(mut json) = body_json(delivery) else { return String::from_utf8_lossy(delivery.body).into_owned() };
    let entry = index.and_then(|index| json.get_mut("employees")?.get_mut(index)).map(Value::take);
    let mut kept = entry.unwrap_or(json);
    withhold(&mut kept);
    kept.to_string()
}

fn unavailable(error: &StoreError) -> Problem {
    tracing::error!(%error, "hr request could not be stored");
    let detail = "nothing was lost that you still have: send the same request again";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", "The store is down", detail);
    problem.with(header::RETRY_AFTER, "30")
}

fn accepted(body: &Value) -> Response<String> {
    respond(StatusCode::ACCEPTED, "application/json", body.to_string())
}
