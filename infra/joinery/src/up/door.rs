//! The webhook listener: reads a request whole, within limits of size and time, and hands it to `intake`.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use bytes::{Bytes, BytesMut};
use domain::ports::{Controls, Mode, Stop};
use embedded::Store;
use http::{HeaderValue, StatusCode, header};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::asked_to;

/// How many connections are open at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 256;
/// How long the head of a request may take to arrive; also how long a connection may idle.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// How long a body may take to arrive.
const BODY_MAX: Duration = Duration::from_secs(20);
/// How much of a body is read before the connection is closed on it, in bytes.
const HEARD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The rest after a connection could not be accepted, as when the process is out of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[derive(Clone)]
struct Door {
    app: Arc<intake::App>,
    store: Store,
}

/// Serves until told to stop, then lets open requests end.
pub(super) async fn serve(listener: TcpListener, app: Arc<intake::App>, store: Store, mut stop: watch::Receiver<bool>) {
    let router = Router::new().route("/healthz", get(health)).fallback(webhook).with_state(Door { app, store });
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if open.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    open.spawn(connection(stream, router.clone(), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = open.join_next() => {}
            () = asked_to(&mut stop) => break,
        }
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    // Answers are small and are waited for.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = asked_to(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

/// Whether the store answers, and what the switches say.
async fn health(State(door): State<Door>) -> Response {
    match door.store.switches().await {
        Ok(switches) => {
            let mode = if switches.mode == Mode::Enforce { "enforce" } else { "observe" };
            let stopped = match switches.stop {
                Stop::Nothing => "nothing",
                Stop::AllButCuts => "all-but-cuts",
                Stop::Everything => "everything",
            };
            let body = json!({"status": "ok", "mode": mode, "stopped": stopped});
            respond(StatusCode::OK, "application/json", body.to_string())
        }
        Err(error) => {
            tracing::error!(error = crate::machine::chain(&error), "not healthy");
            problem(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", "The store is down", "see the log")
        }
    }
}

async fn webhook(State(door): State<Door>, request: Request) -> Result<Response, Infallible> {
    let (parts, body) = request.into_parts();
    let body = match tokio::time::timeout(BODY_MAX, read(body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let detail = "the body broke off: send the request again";
            return Ok(problem(StatusCode::BAD_REQUEST, "body-incomplete", "The body is incomplete", detail));
        }
        Err(_) => {
            let detail = "the body took too long: send the request again";
            return Ok(problem(StatusCode::REQUEST_TIMEOUT, "body-slow", "The body took too long", detail));
        }
    };
    let answer = intake::handle(&door.app, &Request::from_parts(parts, body)).await;
    Ok(answer.map(Body::from))
}

/// Reads a body to its end and keeps one byte more than intake takes: it is intake that says so, in its own words and
/// order. Somewhat more is read and dropped, because a sender who is cut off while sending seldom hears the answer.
async fn read(body: Body) -> Result<Bytes, axum::Error> {
    let mut body = pin!(body);
    let (mut kept, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let Ok(mut data) = frame?.into_data() else { continue };
        length += data.len();
        data.truncate((intake::BODY_BYTES_MAX + 1).saturating_sub(kept.len()));
        kept.extend_from_slice(&data);
        if length > HEARD_BYTES_MAX {
            break;
        }
    }
    Ok(kept.freeze())
}

fn problem(status: StatusCode, word: &str, title: &str, detail: &str) -> Response {
    let kind = format!("urn:joinery:problem:{word}");
    let body = json!({"type": kind, "title": title, "status": status.as_u16(), "detail": detail});
    respond(status, "application/problem+json", body.to_string())
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_one_byte_further_than_intake_takes() {
        let most = vec![b'x'; intake::BODY_BYTES_MAX];
        assert_eq!(read(Body::from(most.clone())).await.unwrap().len(), intake::BODY_BYTES_MAX);
        let more = [most.as_slice(), most.as_slice()].concat();
        assert_eq!(read(Body::from(more)).await.unwrap().len(), intake::BODY_BYTES_MAX + 1);
    }
}
