//! The transport: axum in front of one company.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{self, Body as HttpBody};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::company::Company;
use crate::wire::{Answer, Body, Call};

/// Bodies beyond this are refused.
const BODY_MAX: usize = 4 * 1024 * 1024;

/// A company that several callers share, in the process or over HTTP.
#[derive(Clone, Debug)]
pub struct Emulator(Arc<Mutex<Company>>);

impl Emulator {
    /// Puts a company behind a door.
    pub fn new(company: Company) -> Self {
        Self(Arc::new(Mutex::new(company)))
    }

    /// The company itself, for looking and for setting the stage. Held while it is borrowed: let go before any call.
    pub fn company(&self) -> MutexGuard<'_, Company> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything it serves.
    pub fn router(&self) -> Router {
        Router::new().fallback(serve).with_state(self.clone())
    }

    /// Serves on a listener until told to stop.
    pub fn serve(&self, listener: TcpListener) -> io::Result<Running> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let service = self.router();
        let task = tokio::spawn(async move {
            tokio::select! {
                result = async { axum::serve(listener, service).await } => result,
                _ = stopped => Ok(()),
            }
        });
        Ok(Running { address, stop: Some(stop), task })
    }
}

/// A served emulator. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDR`, without a path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening.
    pub async fn stop(mut self) {
        self.stop.take();
        // A task that was already over has nothing more to say.
        let _ = (&mut self.task).await;
    }

    /// Waits until the listener fails.
    pub async fn wait(mut self) -> io::Result<()> {
        let stop = self.stop.take();
        let ended = (&mut self.task).await;
        drop(stop);
        ended.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

async fn serve(State(emulator): State<Emulator>, request: Request) -> Response {
    let (parts, stream) = request.into_parts();
    let Ok(bytes) = body::to_bytes(stream, BODY_MAX).await else {
        let mut response = Response::new(HttpBody::empty());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    let call = Call {
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        body: &bytes,
    };
    let answer = emulator.company().answer(&call);
    write_out(answer)
}

fn write_out(answer: Answer) -> Response {
    let (kind, body) = match answer.body {
        Body::Empty => (None, HttpBody::empty()),
        Body::Json(value) => (Some("application/json"), HttpBody::from(value.to_string())),
        Body::Xml(text) => (Some("text/xml; charset=utf-8"), HttpBody::from(text)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(kind) = kind {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
