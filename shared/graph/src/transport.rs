//! The seam between the client and the network: one request out, one answer back, no opinion about either.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use url::Url;

use crate::limits;

/// Sends one request. Tests wrap one to crash, delay or lose an answer at any call.
///
/// # Guarantees
///
/// One call is one HTTP request at most: no redirect is followed (it would carry the token elsewhere), nothing is
/// repeated, and the call ends within [`limits::ATTEMPT_MAX`].
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request` and reads the whole answer, whatever its status.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Lost>;
}

/// No answer came back. The cause never names the address, which may hold a person's.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Lost {
    /// How it was lost.
    pub kind: LostKind,
    /// What the network said.
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// How an answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LostKind {
    /// The connection never opened: the request was not sent.
    Connect,
    /// Nothing came in time.
    Timeout,
    /// The connection broke, before, within or after the answer.
    Cut,
    /// The answer was longer than [`limits::ANSWER_BYTES_MAX`].
    TooLong,
}

impl Lost {
    /// An answer lost in this way, without a cause.
    pub fn new(kind: LostKind) -> Self {
        Self { kind, source: None }
    }

    /// Whether the request may have reached the other side.
    pub fn was_sent(&self) -> bool {
        self.kind != LostKind::Connect
    }
}

impl fmt::Display for LostKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::Timeout => "no answer in time",
            Self::Cut => "the connection broke",
            Self::TooLong => "the answer is too long",
        })
    }
}

/// HTTP over the network.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
}

impl Http {
    /// A transport for `base` with every time-out set. For a loopback address it uses no proxy, whatever the
    /// environment says: an emulator on this machine is not to be sought elsewhere.
    pub fn new(base: &Url) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .connect_timeout(limits::CONNECT_MAX)
            .timeout(limits::ATTEMPT_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("joinery/", env!("CARGO_PKG_VERSION")));
        let builder = if is_loopback(base) { builder.no_proxy() } else { builder };
        Ok(Self { client: builder.build()? })
    }

    /// The connection pool, shared with the token endpoint.
    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, reqwest::Error> {
        let mut answer = self.client.execute(request.try_into()?).await?;
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > limits::ANSWER_BYTES_MAX {
                break;
            }
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

#[async_trait]
impl Transport for Http {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Lost> {
        match self.exchange(request).await {
            Ok(answer) if answer.body().len() > limits::ANSWER_BYTES_MAX => Err(Lost::new(LostKind::TooLong)),
            Ok(answer) => Ok(answer),
            Err(error) => {
                let kind = if error.is_connect() || error.is_builder() {
                    LostKind::Connect
                } else if error.is_timeout() {
                    LostKind::Timeout
                } else {
                    LostKind::Cut
                };
                Err(Lost { kind, source: Some(Arc::new(error.without_url())) })
            }
        }
    }
}

/// Whether an address is on this machine: the only place where plain http is allowed.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// An address that would send secrets in the clear.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be https: plain http is for this machine's own addresses only")]
pub struct Insecure(pub(crate) String);

/// Refuses anything but https, and plain http to this machine.
pub(crate) fn require_secure(url: &Url) -> Result<(), Insecure> {
    match url.scheme() {
        "https" if url.has_host() => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        _ => Err(Insecure(url.origin().ascii_serialization())),
    }
}

#[cfg(test)]
mod over_the_wire;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let check = |url: &str, allowed: bool| {
            assert_eq!(require_secure(&Url::parse(url).unwrap()).is_ok(), allowed, "{url}");
        };
        check("https://graph.microsoft.com/v1.0", true);
        check("http://127.0.0.1:4010/v1.0", true);
        check("http://127.9.9.9/v1.0", true);
        check("http://[::1]:4010/v1.0", true);
        check("http://localhost:4010", true);
        check("http://graph.microsoft.com/v1.0", false);
        check("http://localhost.evil.example", false);
        check("http://127.0.0.1.evil.example", false);
        check("http://10.0.0.1", false);
        check("ftp://127.0.0.1", false);
        check("data:text/plain,x", false);
    }

    #[test]
    fn only_a_connection_that_never_opened_is_known_to_have_sent_nothing() {
        let sent = [LostKind::Connect, LostKind::Timeout, LostKind::Cut, LostKind::TooLong]
            .map(|kind| Lost::new(kind).was_sent());
        assert_eq!(sent, [false, true, true, true]);
    }
}
