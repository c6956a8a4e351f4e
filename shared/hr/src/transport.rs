//! The seam between a client and the network: one request out, one answer back, no opinion about either.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use url::Url;

use crate::limits;

/// Sends one request.
///
/// # Guarantees
///
/// One call is one HTTP request at most: no redirect is followed (it would carry the key elsewhere), nothing is repeated,
/// and the call ends within [`limits::ATTEMPT_MAX`].
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request` and reads the whole answer, whatever its status.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Lost>;
}

/// No answer came back. The cause never names the address.
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
    /// The connection never opened.
    Connect,
    /// Nothing came in time.
    Timeout,
    /// The connection broke.
    Cut,
    /// The answer was longer than [`limits::ANSWER_BYTES_MAX`].
    TooLong,
}

impl Lost {
    /// An answer lost in this way, without a cause.
    pub fn new(kind: LostKind) -> Self {
        Self { kind, source: None }
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
pub struct Http(reqwest::Client);

impl Http {
    /// A transport for `base` with every time-out set. For a loopback address it uses no proxy, whatever the environment
    /// says: an emulator on this machine is not to be sought elsewhere.
    pub fn new(base: &Url) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .connect_timeout(limits::CONNECT_MAX)
            .timeout(limits::ATTEMPT_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("joinery/", env!("CARGO_PKG_VERSION")));
        let builder = if is_loopback(base) { builder.no_proxy() } else { builder };
        Ok(Self(builder.build()?))
    }

    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, reqwest::Error> {
        let mut answer = self.0.execute(request.try_into()?).await?;
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

/// An address that would send the key in the clear.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be https: plain http is for this machine's own addresses only")]
pub struct Insecure(String);

/// Refuses anything but https, and plain http to this machine.
pub(crate) fn require_secure(url: &Url) -> Result<(), Insecure> {
    match url.scheme() {
        "https" if url.has_host() => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        _ => Err(Insecure(url.origin().ascii_serialization())),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let check = |url: &str, allowed: bool| {
            assert_eq!(require_secure(&Url::parse(url).unwrap()).is_ok(), allowed, "{url}");
        };
        check("https://api.bamboohr.com", true);
        check("http://127.0.0.1:4010", true);
        check("http://[::1]:4010", true);
        check("http://localhost:4010", true);
        check("http://api.bamboohr.com", false);
        check("http://127.0.0.1.evil.example", false);
        check("ftp://127.0.0.1", false);
    }
}
