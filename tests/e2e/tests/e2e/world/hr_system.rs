//! The HR system's own API behind connection `bamboo`, without a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use domain::policy::Policy;
use domain::ports::Clock;
use hr::bamboohr::{Client, Config, Inputs, Sleep};
use hr::transport::{Lost, LostKind};
use hr::{Readers, Secret, Transport};
use hr_emulator::{Call, Company, Emulator, Options};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::time::{NoSleep, Seeded};

/// The key of connection `bamboo`.
const KEY: &str = "planted-bamboo-key-51cd";
/// No record is longer.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A company where nobody works yet.
pub(super) fn standing_at(now: Timestamp) -> Emulator {
    let seed = json!({"now": now.to_string(), "company": "contoso", "keys": [KEY]});
    Emulator::new(Company::from_seed(&seed, Options::default()).unwrap())
}

pub(super) fn forward_to(emulator: &Emulator, at: Timestamp) {
    let mut company = emulator.company();
    let by = at.duration_since(company.now());
    if by.is_positive() {
        company.advance(by);
    }
}

pub(super) fn control(emulator: &Emulator, what: &str, body: &Value) {
    let (path, body) = (format!("/_control/{what}"), body.to_string());
    let headers = HeaderMap::new();
    let call = Call { method: &Method::PUT, path: &path, query: "", headers: &headers, body: body.as_bytes() };
    let answer = emulator.company().answer(&call);
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// A reader for each connection to which the policy gives an `api`.
pub(super) fn readers(policy: &Policy, wire: &Arc<HrWire>, clock: &Arc<dyn Clock>, entropy: &Arc<Seeded>) -> Readers {
    let with_api = policy.connections.values().filter_map(|connection| Some((connection, connection.api.as_ref()?)));
    let client = |(connection, api): (&domain::policy::Connection, &domain::policy::Api)| {
        let config = Config {
            connection: connection.name.clone(),
            company: api.company.clone(),
            base_url: api.base_url.parse().unwrap(),
            key: Secret::new(KEY),
        };
        let inputs = Inputs { clock: Arc::clone(clock), entropy: entropy.clone(), sleep: Arc::new(NoSleep) };
        Client::new(config, wire.clone(), inputs).unwrap()
    };
    with_api.map(client).collect()
}

/// What the HR system does to calls instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HrTrouble {
    /// The first call it does it to, counted from 1.
    pub(crate) from: usize,
    /// To how many calls.
    pub(crate) times: usize,
    pub(crate) how: HrStrike,
}

/// What is done to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HrStrike {
    /// Answered with this status, and told to come back after so many seconds.
    Refused(u16, Option<u32>),
    /// No answer comes.
    Lost,
}

/// The way to the HR system without a socket.
pub(super) struct HrWire {
    router: Router,
    trouble: Option<HrTrouble>,
    calls: AtomicUsize,
    struck: AtomicUsize,
}

impl HrWire {
    pub(super) fn new(emulator: &Emulator, trouble: Option<HrTrouble>) -> Self {
        Self { router: emulator.router(), trouble, calls: AtomicUsize::new(0), struck: AtomicUsize::new(0) }
    }

    /// How many there were, and how many of them were struck.
    pub(super) fn calls(&self) -> (usize, usize) {
        (self.calls.load(Ordering::Relaxed), self.struck.load(Ordering::Relaxed))
    }

    fn strike(&self) -> Option<HrStrike> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let trouble = self.trouble.filter(|trouble| (trouble.from..trouble.from + trouble.times).contains(&number))?;
        self.struck.fetch_add(1, Ordering::Relaxed);
        Some(trouble.how)
    }
}

#[async_trait]
impl Transport for HrWire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Lost> {
        let cut = || Lost::new(LostKind::Cut);
        match self.strike() {
            Some(HrStrike::Lost) => return Err(cut()),
            Some(HrStrike::Refused(status, wait)) => {
                let mut answer = http::Response::builder().status(status);
                if let Some(wait) = wait {
                    answer = answer.header("retry-after", wait);
                }
                return Ok(answer.body(Bytes::new()).unwrap());
            }
            None => {}
        }
        let answer = self.router.clone().oneshot(request.map(Body::from)).await.map_err(|_| cut())?;
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|_| cut())?;
        Ok(http::Response::from_parts(parts, bytes))
    }
}

#[async_trait]
impl Sleep for NoSleep {
    async fn sleep(&self, _: Duration) {}
}
