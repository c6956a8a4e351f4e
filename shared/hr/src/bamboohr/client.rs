//! Reads one employee of BambooHR ("Get Employee", "Getting Started" for authentication).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::event::WorkerEvent;
use domain::ports::{Clock, Entropy};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::fields::ASKED;
use super::snapshot::{self, Origin};
use crate::error::Error;
use crate::limits;
use crate::retry::{Spent, retry_after};
use crate::secret::Secret;
use crate::transport::{Insecure, Lost, LostKind, Transport, require_secure};

/// The most digits of a record id.
const ID_DIGITS_MAX: usize = 18;

/// Which company's records are read, and by what right.
#[derive(Debug, Clone)]
pub struct Config {
    /// The connection's name in the policy.
    pub connection: String,
    /// The company's name in BambooHR's addresses.
    pub company: String,
    /// Where the API is: `https://api.bamboohr.com`, or an emulator on this machine.
    pub base_url: Url,
    /// The API key.
    pub key: Secret,
}

/// What the client needs of the world.
#[derive(Clone)]
pub struct Inputs {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For jitter.
    pub entropy: Arc<dyn Entropy>,
    /// Waits between attempts.
    pub sleep: Arc<dyn Sleep>,
}

/// Waits within one call, at most [`limits::WAIT_MAX`] in sum.
#[async_trait]
pub trait Sleep: Send + Sync {
    /// Returns after this time.
    async fn sleep(&self, time: Duration);
}

/// Waits by tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioSleep;

#[async_trait]
impl Sleep for TokioSleep {
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// A client for one company's records.
///
/// # Guarantees
///
/// - A call ends within [`limits::CALL_MAX`] and sends at most [`limits::ATTEMPTS_MAX`] requests.
/// - While BambooHR asks to wait, and for a while after it did not answer, nothing is sent: every call is told how long that
///   still takes.
/// - No error and no log line holds the key or anything of a record.
pub struct Client {
    config: Config,
    transport: Arc<dyn Transport>,
    inputs: Inputs,
    /// Until when nothing is sent. A limit is the company's, so it holds for every record.
    quiet_until: Mutex<Option<Timestamp>>,
}

impl Client {
    /// A client. Sends nothing yet.
    pub fn new(config: Config, transport: Arc<dyn Transport>, inputs: Inputs) -> Result<Self, Insecure> {
        require_secure(&config.base_url)?;
        Ok(Self { config, transport, inputs, quiet_until: Mutex::new(None) })
    }

    /// The name of the connection whose records it reads.
    pub fn connection(&self) -> &str {
        &self.config.connection
    }

    /// One employee's record as it stands, as an event of kind *snapshot*. It is ordered by when BambooHR last changed the
    /// record, else by when this call began; the same record read again is the same event.
    pub async fn employee(&self, id: &str) -> Result<WorkerEvent, Error> {
        // A record id is a whole number; 0 means "whoever the key belongs to", and words are other addresses.
        let digits = !id.is_empty() && id.len() <= ID_DIGITS_MAX && id.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || id.bytes().all(|byte| byte == b'0') {
            return Err(Error::NotFound);
        }
        let begun = self.inputs.clock.now();
        self.stay_quiet(begun)?;
        let answer = tokio::time::timeout(limits::CALL_MAX, self.attempts(id)).await;
        let answer = self.judge(answer.unwrap_or_else(|_| Err(Lost::new(LostKind::Timeout))))?;
        let origin = Origin { connection: &self.config.connection, begun, body: answer.body() };
        let record = json(&answer)?;
        snapshot::event(id, &record, origin)
            .map_err(|problem| Error::Undocumented { status: answer.status().as_u16(), problem })
    }

    fn stay_quiet(&self, now: Timestamp) -> Result<(), Error> {
        let until = *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.and_then(|until| Duration::try_from(until.duration_since(now)).ok());
        match left.filter(|left| !left.is_zero()) {
            Some(retry_after) => Err(Error::Limited { retry_after }),
            None => Ok(()),
        }
    }

    fn be_quiet(&self, time: Duration) {
        let until = self.inputs.clock.now().checked_add(time).ok();
        *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// How the last attempt ended.
    async fn attempts(&self, id: &str) -> Result<Response<Bytes>, Lost> {
        let mut spent = Spent::default();
        loop {
            spent.attempts += 1;
            let attempt = match self.request(id) {
                Ok(request) => self.transport.send(request).await,
                Err(error) => Err(Lost { kind: LostKind::Connect, source: Some(Arc::new(error)) }),
            };
            let status = attempt.as_ref().map_or(0, |answer| answer.status().as_u16());
            tracing::debug!(
                connection = self.config.connection,
                id,
                status,
                attempt = spent.attempts,
                "hr record read"
            );
            let answered = attempt.as_ref().ok().map(|answer| (answer.status(), answer.headers()));
            match spent.again_after(answered, self.jitter()) {
                Some(wait) => {
                    spent.waited = spent.waited.saturating_add(wait);
                    self.inputs.sleep.sleep(wait).await;
                }
                None => return attempt,
            }
        }
    }

    /// What the last attempt means. If HR asks to wait, or does not answer, the whole connection is quiet for a while: the next
    /// records would only wait in vain.
    fn judge(&self, attempt: Result<Response<Bytes>, Lost>) -> Result<Response<Bytes>, Error> {
        let answer = attempt.map_err(|lost| {
            self.be_quiet(limits::RETRY_AFTER_DEFAULT);
            Error::NoAnswer(lost)
        })?;
        let status = answer.status().as_u16();
        match status {
            200 => Ok(answer),
            401 | 403 => Err(Error::Unauthorized { status }),
            404 => Err(Error::NotFound),
            // 503 was the answer to too many calls until September 2026 and 429 is since ("Planned Changes to the API").
            429 | 503 => {
                let retry_after = retry_after(answer.headers()).unwrap_or(limits::RETRY_AFTER_DEFAULT);
                self.be_quiet(retry_after);
                Err(Error::Limited { retry_after })
            }
            _ => Err(Error::Undocumented { status, problem: "is not one that is documented for this call" }),
        }
    }

    /// `onlyCurrent=false`: whoever starts in the future has no current job, and a pre-hire needs a department.
    fn request(&self, id: &str) -> Result<Request<Bytes>, http::Error> {
        let base = self.config.base_url.as_str().trim_end_matches('/');
        let company = utf8_percent_encode(&self.config.company, NON_ALPHANUMERIC);
        let fields = ASKED.join(",");
        let address = format!("{base}/api/gateway.php/{company}/v1/employees/{id}/?fields={fields}&onlyCurrent=false");
        let mut basic =
            HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{}:x", self.config.key.expose()))))?;
        basic.set_sensitive(true);
        // Without it the answer is XML.
        let request = Request::get(address).header(AUTHORIZATION, basic).header(ACCEPT, "application/json");
        request.body(Bytes::new())
    }

    fn jitter(&self) -> u64 {
        self.inputs.entropy.bytes().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.config).finish_non_exhaustive()
    }
}

fn json(answer: &Response<Bytes>) -> Result<Value, Error> {
    let status = answer.status().as_u16();
    let media = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = answer.body().iter().find(|byte| !byte.is_ascii_whitespace());
    if media.contains("xml") || first == Some(&b'<') {
        let problem = "is XML, though JSON was asked for: does something on the way drop the header `Accept`?";
        return Err(Error::Undocumented { status, problem });
    }
    // The reason is left out: it may quote a value.
    serde_json::from_slice(answer.body()).map_err(|_| Error::Undocumented { status, problem: "is not JSON" })
}

#[cfg(test)]
mod tests;
