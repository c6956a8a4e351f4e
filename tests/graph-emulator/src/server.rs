//! The transport: axum in front of one tenant, with real delays and really broken connections.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body as HttpBody, Bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use axum::{Router, body};
use http::{HeaderValue, Method, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::ids::Guid;
use crate::tenant::{Tenant, graph_path};
use crate::wire::{Answer, Body, Call};

/// Bodies beyond this are refused: Graph's own limit for a JSON request is 4 MB.
const BODY_MAX: usize = 4 * 1024 * 1024;

const JSON: &str = "application/json; charset=utf-8";

/// A tenant that several callers share, in the process or over HTTP.
#[derive(Clone, Debug)]
pub struct Emulator(Arc<Mutex<Tenant>>);

impl Emulator {
    /// Puts a tenant behind a door.
    pub fn new(tenant: Tenant) -> Self {
        Self(Arc::new(Mutex::new(tenant)))
    }

    /// The tenant itself, for looking and for setting the stage. Held while it is borrowed: let go before any call.
    pub fn tenant(&self) -> MutexGuard<'_, Tenant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything it serves. Without a connection under it, a broken answer shows as a body that fails.
    pub fn router(&self) -> Router {
        Router::new().fallback(serve).with_state(self.clone())
    }

    /// Serves on a listener until told to stop.
    pub fn serve(&self, listener: TcpListener) -> io::Result<Running> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let service = self.router().into_make_service_with_connect_info::<Wire>();
        let task = tokio::spawn(async move {
            let served = axum::serve(Cutting(listener), service);
            tokio::select! {
                result = served => result,
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

    /// Stops listening; connections that are open are dropped with the runtime.
    pub async fn shutdown(mut self) {
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
    let wire = parts.extensions.get::<ConnectInfo<Wire>>().map(|info| info.0.clone());
    let Ok(bytes) = body::to_bytes(stream, BODY_MAX).await else {
        return with_status(StatusCode::PAYLOAD_TOO_LARGE, HttpBody::empty());
    };
    let call = Call {
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        body: &bytes,
    };
    let _under_way = UnderWay::begin(&emulator, &call);
    let held_ms = emulator.tenant().hold(&call);
    if held_ms > 0 {
        tokio::time::sleep(Duration::from_millis(held_ms)).await;
    }
    let answer = emulator.tenant().carry_out(&call);
    if answer.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(answer.delay_ms)).await;
    }
    if answer.lost {
        return lose(wire);
    }
    write_out(answer)
}

/// A write that is under way until this is dropped, be it because its caller has gone away.
struct UnderWay(Emulator, Option<Guid>);

impl UnderWay {
    fn begin(emulator: &Emulator, call: &Call<'_>) -> Self {
        let path = graph_path(call.path).filter(|_| *call.method != Method::GET);
        let mut tenant = emulator.tenant();
        let id = path.and_then(|path| tenant.first_subject(call, path));
        if let Some(id) = id {
            tenant.concurrency.begin(id);
        }
        Self(emulator.clone(), id)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(id) = self.1 {
            self.0.tenant().concurrency.end(id);
        }
    }
}

fn with_status(status: StatusCode, body: HttpBody) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

fn write_out(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (kind, bytes) = match answer.body {
        Body::Empty => (None, Bytes::new()),
        Body::Json(value) => (Some(JSON), Bytes::from(value.to_string())),
        Body::Written(written) => (Some(JSON), Bytes::from(written.text().to_owned())),
        Body::Text(text) => (Some("text/plain"), Bytes::from(text)),
    };
    let mut response = with_status(status, HttpBody::from(bytes));
    if let Some(kind) = kind {
        response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Breaks the connection before a byte of the answer is on it.
fn lose(wire: Option<Wire>) -> Response {
    if let Some(wire) = wire {
        wire.0.store(true, Ordering::Release);
    }
    let broken = Broken;
    with_status(StatusCode::OK, HttpBody::new(broken))
}

/// A body that fails at once.
struct Broken;

impl body::HttpBody for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}

/// Whether a connection has been cut.
#[derive(Clone, Debug)]
struct Wire(Arc<AtomicBool>);

impl Connected<IncomingStream<'_, Cutting>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Cutting>) -> Self {
        stream.io().cut.clone()
    }
}

/// A listener whose connections can be cut from inside.
struct Cutting(TcpListener);

impl Listener for Cutting {
    type Io = Cuttable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Small answers at once: the emulator is called hundreds of thousands of times.
        let _ = stream.set_nodelay(true);
        (Cuttable { stream, cut: Wire(Arc::new(AtomicBool::new(false))) }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection that refuses to write once it is cut, so that the other side sees no answer at all.
struct Cuttable {
    stream: TcpStream,
    cut: Wire,
}

impl Cuttable {
    fn check(&self) -> io::Result<()> {
        if self.cut.0.load(Ordering::Acquire) { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
