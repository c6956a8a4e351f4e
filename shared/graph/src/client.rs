//! The client: one loop for every call. May it go now, send, again or not, what does it mean.

mod groups;
mod licenses;
mod tenant;
mod users;

pub use users::{KeptMethod, MethodsRemoved};

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    error::Error,
    limits,
    model::Unreadable,
    pace::{Admission, Lane, Pace},
    page::Pages,
    request::{Class, Request},
    retry::{Decision, Outcome, Policy, Spent},
    secret::Secret,
    token::Tokens,
    transport::{Insecure, Lost, LostKind, Transport, require_secure},
};

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const THROTTLE_PRIORITY: HeaderName = HeaderName::from_static("x-ms-throttle-priority");

/// Where Graph is and how we treat it.
#[derive(Clone, Debug)]
pub struct Config {
    /// `https://graph.microsoft.com/v1.0`, a national cloud's, or an emulator's on this machine.
    pub base_url: Url,
    /// How often and how long one call may try.
    pub retry: Policy,
    /// Whether this client does what can wait, or cuts access.
    pub lane: Lane,
}

/// What a client must be given, because it may not ask the machine for it.
#[derive(Clone)]
pub struct Inputs {
    /// The time.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Random numbers: the `client-request-id` and the jitter of a back-off.
    pub random: Arc<dyn Fn() -> u128 + Send + Sync>,
    /// How to wait the short waits within one call.
    pub sleep: Arc<dyn Sleep>,
}

/// Waits.
#[async_trait]
pub trait Sleep: Send + Sync {
    /// Returns after `duration`, or at once in a test that moves its clock instead.
    async fn sleep(&self, duration: Duration);
}

/// Waits on tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioSleep;

#[async_trait]
impl Sleep for TokioSleep {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A client of one Graph, as one application.
///
/// # Guarantees
///
/// - A call ends within [`limits::CALL_MAX`], however Graph behaves.
/// - What is not repeatable is sent again only when the first sending surely had no effect; otherwise the error says
///   [`may_have_taken_effect`](Error::may_have_taken_effect). What *is* repeatable states an end, so whoever gets an
///   error may simply ask for the same end again.
/// - The token goes to the host of the base address and nowhere else.
///
/// # Caveats
///
/// A read may be minutes old and two reads may disagree (replicas); a 404 on a young object is unknown, not absent.
/// Reading that is the caller's business.
pub struct Client {
    config: Config,
    transport: Arc<dyn Transport>,
    tokens: Arc<dyn Tokens>,
    pace: Arc<Pace>,
    inputs: Inputs,
}

/// How one attempt ended.
pub(crate) type Attempt = Result<Response<Bytes>, Lost>;

/// What becomes of a request after an attempt.
pub(crate) enum Next {
    Done(Result<Response<Bytes>, Error>),
    Again(Duration),
    Renew,
}

impl Client {
    /// A client. Clients that share an application share its `pace`.
    pub fn new(
        config: Config,
        transport: Arc<dyn Transport>,
        tokens: Arc<dyn Tokens>,
        pace: Arc<Pace>,
        inputs: Inputs,
    ) -> Result<Self, Insecure> {
        require_secure(&config.base_url)?;
        Ok(Self { config, transport, tokens, pace, inputs })
    }

    /// Sends a request and gives the answer, which is a success.
    pub async fn send(&self, request: &Request) -> Result<Response<Bytes>, Error> {
        match tokio::time::timeout(limits::CALL_MAX, self.attempts(request)).await {
            Ok(result) => result,
            Err(_) => Err(Error::lost(request, Lost::new(LostKind::Timeout))),
        }
    }

    /// Sends a request and reads the answer as `T`.
    pub async fn fetch<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let answer = self.send(request).await?;
        // The reason is left out: it may quote a value.
        serde_json::from_slice(answer.body()).map_err(|_| {
            Error::odd_success(request, answer.status(), answer.headers(), "the body is not what the call documents")
        })
    }

    /// As [`Client::fetch`], with "not found" as `None`.
    pub async fn find<T: DeserializeOwned>(&self, request: &Request) -> Result<Option<T>, Error> {
        match self.fetch(request).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a request whose answer has nothing to read.
    pub async fn execute(&self, request: &Request) -> Result<(), Error> {
        self.send(request).await.map(drop)
    }

    /// The pages that `first` begins.
    pub fn pages<T: DeserializeOwned>(&self, first: Request) -> Pages<'_, T> {
        Pages::new(self, first)
    }

    /// A list read whole, for decisions that must not rest on a part of it: one unreadable object is an error.
    pub async fn list<T: DeserializeOwned>(&self, first: Request) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let mut pages = self.pages(first);
        while let Some(page) = pages.next().await? {
            for object in page {
                all.push(object.map_err(|_: Unreadable| pages.oddity("an object of the list cannot be read"))?);
            }
            if all.len() > limits::LIST_MAX {
                return Err(pages.oddity("the list is longer than we read"));
            }
        }
        Ok(all)
    }

    pub(crate) fn base_url(&self) -> &Url {
        &self.config.base_url
    }

    async fn attempts(&self, request: &Request) -> Result<Response<Bytes>, Error> {
        let mut spent = Spent::default();
        loop {
            self.admit(request, u32::from(request.class.is_write()), &mut spent).await?;
            let attempt = self.attempt(request, &mut spent).await?;
            match self.judge(request, attempt, spent) {
                Next::Done(result) => return result,
                Next::Again(wait) => self.wait(wait, &mut spent).await,
                Next::Renew => self.renew(&mut spent),
            }
        }
    }

    /// Waits for the pace, within the waiting time of one call; otherwise it is the caller who waits.
    pub(crate) async fn admit(&self, request: &Request, writes: u32, spent: &mut Spent) -> Result<(), Error> {
        loop {
            match self.pace.admit((self.inputs.now)(), request.class, writes, self.config.lane) {
                Admission::Admit => return Ok(()),
                Admission::WaitFor(wait) if spent.waited.saturating_add(wait) > self.config.retry.wait_max => {
                    return Err(Error::Throttled {
                        route: request.route,
                        retry_after: wait.min(limits::RETRY_AFTER_MAX),
                        by: crate::error::Throttle::Pace,
                    });
                }
                // At least a millisecond, so that the waiting time bounds this loop.
                Admission::WaitFor(wait) => {
                    self.wait(wait.max(Duration::from_millis(1)), spent).await;
                }
            }
        }
    }

    /// One request, one answer. An error means that nothing was sent.
    pub(crate) async fn attempt(&self, request: &Request, spent: &mut Spent) -> Result<Attempt, Error> {
        spent.attempts += 1;
        let token = self
            .tokens
            .token()
            .await
            .map_err(|source| Error::Unauthenticated { route: request.route, source: Some(source) })?;
        let attempt = match self.wire(request, &token) {
            Ok(wire) => self.transport.send(wire).await,
            Err(error) => Err(Lost { kind: LostKind::Connect, source: Some(error.into()) }),
        };
        let status = attempt.as_ref().map_or(0, |answer| answer.status().as_u16());
        tracing::debug!(method = %request.method, route = request.route, status, attempt = spent.attempts, "graph call");
        Ok(attempt)
    }

    /// What an attempt means for `request`; a 429 quiets everybody who shares the pace.
    pub(crate) fn judge(&self, request: &Request, attempt: Attempt, spent: Spent) -> Next {
        let failure = match attempt {
            Ok(answer) if answer.status().is_success() => return Next::Done(Ok(answer)),
            failure => failure,
        };
        let outcome = match &failure {
            Ok(answer) => Outcome::Answer(answer.status(), answer.headers()),
            Err(lost) => Outcome::Lost(lost),
        };
        let decision = self.config.retry.decide(request, outcome, spent, self.jitter());
        let error = match failure {
            Ok(answer) => Error::from_answer(request, answer.status(), answer.headers(), answer.body()),
            Err(lost) => Error::lost(request, lost),
        };
        if let Error::Throttled { retry_after, by, .. } = &error {
            let quiet = if let Decision::Again(wait) = decision { wait } else { *retry_after };
            // An overflow would need a clock at the end of time; then there is nothing to be quiet for.
            if let Ok(until) = (self.inputs.now)().checked_add(quiet) {
                self.pace.quiet(until, *by);
            }
        }
        match decision {
            Decision::Again(wait) => Next::Again(wait),
            Decision::Renew => Next::Renew,
            Decision::GiveUp => Next::Done(Err(error)),
        }
    }

    pub(crate) async fn wait(&self, wait: Duration, spent: &mut Spent) {
        if wait.is_zero() {
            return;
        }
        spent.waited = spent.waited.saturating_add(wait);
        self.inputs.sleep.sleep(wait).await;
    }

    pub(crate) fn renew(&self, spent: &mut Spent) {
        spent.renewed = true;
        self.tokens.forget();
    }

    fn wire(
        &self,
        request: &Request,
        token: &Secret,
    ) -> Result<http::Request<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let url = request.url(&self.config.base_url)?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))?;
        bearer.set_sensitive(true);
        let id = uuid::Builder::from_random_bytes((self.inputs.random)().to_be_bytes()).into_uuid();
        let mut wire = http::Request::builder()
            .method(request.method.clone())
            .uri(url.as_str())
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json")
            .header(CLIENT_REQUEST_ID, id.to_string());
        if request.body.is_some() {
            wire = wire.header(CONTENT_TYPE, "application/json");
        }
        if self.config.lane == Lane::Urgent {
            wire = wire.header(THROTTLE_PRIORITY, "High");
        }
        Ok(wire.body(request.bytes())?)
    }

    #[expect(clippy::cast_possible_truncation, reason = "any bits of a random number are random")]
    fn jitter(&self) -> u64 {
        (self.inputs.random)() as u64
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The strongest of several classes: a batch is what its items are.
pub(crate) fn strongest(classes: impl Iterator<Item = Class>) -> Class {
    classes.max().unwrap_or(Class::Read)
}

#[cfg(test)]
pub(crate) mod tests;
