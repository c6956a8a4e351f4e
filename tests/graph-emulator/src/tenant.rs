//! One tenant behind its front door: who calls, what is in force, what happened. Synchronous and without a socket; the
//! transport in [`crate::server`] adds nothing but delays and broken connections.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::calls::{Calls, Entry};
use crate::clock::{Clock, graph_time};
use crate::concurrency::Concurrency;
use crate::faults::{Action, Faults, Phase, Strike};
use crate::ids::Draw;
use crate::query::Query;
use crate::quota::Quotas;
use crate::refusal::Refusal;
use crate::routes::{Found, Route};
use crate::seed::{self, SeedError};
use crate::state::State;
use crate::wire::{Answer, App, Call, Request, Served};
use crate::{Options, auth, batch, control, settling};

mod reading;
mod struck;

pub(crate) use reading::graph_path;
use reading::{Read, base, client_request_id};

/// The demo company: about forty people, few seats, groups of every kind.
const DEMO: &str = include_str!("../data/demo-tenant.json");

/// The one path that carries others.
const BATCH: &str = "/$batch";

/// A tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub(crate) state: State,
    /// As it was planted; a reset goes back here.
    pub(crate) planted: Arc<State>,
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
    pub(crate) quotas: Quotas,
    pub(crate) concurrency: Concurrency,
}

impl Tenant {
    /// Builds a tenant from a seed document.
    pub fn from_seed(seed: &Value, options: Options) -> Result<Self, SeedError> {
        Self::planted(seed::plant(seed, &options)?, options)
    }

    /// The demo company. Planted once per process: tests start thousands of them.
    pub fn demo(options: Options) -> Result<Self, SeedError> {
        static PLANTED: OnceLock<Result<State, SeedError>> = OnceLock::new();
        let planted = PLANTED.get_or_init(|| seed::plant(&Self::demo_seed()?, &Options::default()));
        let mut state = planted.clone()?;
        // The only parts of a planted state that come from the options; the demo's seed names its own beginning.
        (state.draw, state.undecided) = (Draw::new(options.id_seed), options.undecided);
        Self::planted(state, options)
    }

    fn planted(state: State, options: Options) -> Result<Self, SeedError> {
        let mut clock = Clock::standing(state.now, options.machine.clone());
        if options.running {
            clock.run(true).map_err(|problem| SeedError { path: "now".into(), problem: problem.into() })?;
        }
        let quotas = if options.unlimited { Quotas::unlimited() } else { Quotas::default() };
        let planted = Arc::new(state.clone());
        Ok(Self {
            state,
            planted,
            options,
            clock,
            calls: Calls::default(),
            faults: Faults::default(),
            quotas,
            concurrency: Concurrency::default(),
        })
    }

    /// The demo company's seed, for tests that want it with a change.
    pub fn demo_seed() -> Result<Value, SeedError> {
        serde_json::from_str(DEMO).map_err(|error| SeedError { path: String::new(), problem: error.to_string() })
    }

    /// Everything that matters, in a canonical order: `{"users","groups","deletedItems","seats"}`. With `timeless`,
    /// whatever holds an instant is left out. Work that is due is done first.
    pub fn snapshot(&mut self, timeless: bool) -> Value {
        self.settle();
        seed::snapshot(&self.state, timeless)
    }

    /// The emulator's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock, which stays standing or running as it is.
    pub fn advance(&mut self, by: SignedDuration) {
        self.clock.advance(by);
        self.settle();
    }

    /// The calls after number `since`, in order (see `/_control/calls`).
    pub fn calls(&self, since: u64) -> Value {
        self.calls.since(since)
    }

    /// Asks one thing in the process, with a bearer that passes where authorization is not strict. `target` is the path with
    /// its query; headers come on top, and a null body is none.
    pub fn ask(&mut self, method: &str, target: &str, headers: &[(&'static str, &str)], body: &Value) -> Answer {
        let mut map = HeaderMap::new();
        map.insert("authorization", HeaderValue::from_static("Bearer ordinary"));
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::try_from(*value) {
                map.insert(HeaderName::from_static(name), value);
            }
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        self.answer(&Call { method: &method, path, query, headers: &map, body: body.as_bytes() })
    }

    /// Goes back to the seed: contents, clock, latency, quotas, faults and the record of calls.
    pub fn reset(&mut self) {
        self.state = self.planted.as_ref().clone();
        self.clock.stand_at(self.state.now);
        if self.options.running && self.clock.run(true).is_err() {
            // Without a machine clock it never ran: there is nothing to start again.
            self.clock.stand_at(self.state.now);
        }
        (self.calls, self.faults) = (Calls::default(), Faults::default());
        self.concurrency.reset();
        self.quotas = if self.options.unlimited { Quotas::unlimited() } else { Quotas::default() };
    }

    fn settle(&mut self) {
        self.state.now = self.clock.now();
        settling::settle(&mut self.state);
    }

    /// Answers one call to `/v1.0/…`, the token endpoint, or `/_control/…`.
    pub fn answer(&mut self, call: &Call<'_>) -> Answer {
        let held_ms = self.hold(call);
        let mut answer = self.carry_out(call);
        answer.delay_ms += held_ms;
        answer
    }

    /// Everything but the wait before it.
    pub(crate) fn carry_out(&mut self, call: &Call<'_>) -> Answer {
        self.settle();
        if let Some(rest) = call.path.strip_prefix("/_control/") {
            return control::answer(self, call, rest);
        }
        if let Some(tenant) = call.path.strip_suffix("/oauth2/v2.0/token") {
            return self.token(call, tenant.trim_start_matches('/'));
        }
        match graph_path(call.path) {
            Some(path) => self.graph(call, path, None),
            None => self.refused(&Refusal::unreadable("Invalid version: only 'v1.0' is served."), None),
        }
    }

    fn token(&mut self, call: &Call<'_>, tenant: &str) -> Answer {
        let number = self.calls.number();
        let path = call.path;
        let struck = self.faults.strike(&struck::unread(call));
        let (mut answer, app) = match self.instead(struck.as_ref(), Phase::Before) {
            Some(answer) => (answer, String::new()),
            None if call.method == Method::POST => {
                auth::token(&mut self.state, self.options.strict_auth, tenant, call.body)
            }
            None => (self.refused(&wrong_method(), None), String::new()),
        };
        self.afterwards(struck.as_ref(), &mut answer);
        answer.delay_ms += self.state.latency.answer_ms;
        let entry =
            Entry { at: self.state.now, app, status: answer.status, lost: answer.lost, ..Entry::of(call, path) };
        self.calls.record(number, entry);
        answer
    }

    /// One Graph call, alone or as an item of the batch with that number.
    pub(crate) fn graph(&mut self, call: &Call<'_>, path: &str, batch: Option<u64>) -> Answer {
        let number = self.calls.number();
        let read = self.read(call, path);
        let mut log = read.entry(call, path, self.state.now, batch);
        // A batch waits before its items as long as they would.
        let held_ms = if batch.is_some() { self.held(call, path, &read) } else { 0 };
        let struck = self.struck(call, path, &read);
        let twice = match struck {
            Some(Strike { action: Action::Duplicate { second }, .. }) => Some((second, read.clone())),
            _ => None,
        };
        let mut answer = match self.instead(struck.as_ref(), Phase::Before) {
            Some(answer) => answer,
            None => self.served(call, path, read, number, &mut log),
        };
        if let Some((second, read)) = twice {
            let other = self.served_again(call, path, read, batch);
            answer = if second { other } else { answer };
        }
        self.afterwards(struck.as_ref(), &mut answer);
        answer.delay_ms += held_ms;
        if batch.is_none() {
            answer.delay_ms += self.state.latency.answer_ms;
        }
        self.identify(call, &mut answer);
        (log.status, log.lost) = (answer.status, answer.lost);
        self.calls.record(number, log);
        answer
    }

    /// The same call once more, with an entry of its own in the record.
    fn served_again(&mut self, call: &Call<'_>, path: &str, read: Read, batch: Option<u64>) -> Answer {
        let number = self.calls.number();
        let mut log = read.entry(call, path, self.state.now, batch);
        let answer = self.served(call, path, read, number, &mut log);
        log.status = answer.status;
        self.calls.record(number, log);
        answer
    }

    /// The answer of the service itself, which no fault kept from working.
    fn served(&mut self, call: &Call<'_>, path: &str, read: Read, number: u64, log: &mut Entry) -> Answer {
        let mut headers = Vec::new();
        let first = read.subjects.first().copied();
        let served = self.concurrency.check(call.method, first).and_then(|()| match read.body.transpose() {
            Err(()) => Err(Refusal::unreadable(
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid \
                 JSON format.",
            )),
            Ok(body) if path == BATCH => self.batch(call, body.as_ref(), number),
            Ok(body) => self.routed(call, path, read.found, body, &mut headers, log),
        });
        let mut answer = served.unwrap_or_else(|refusal| self.refused(&refusal, client_request_id(call)));
        answer.headers.append(&mut headers);
        answer
    }

    fn batch(&mut self, call: &Call<'_>, body: Option<&Value>, number: u64) -> Served {
        if call.method != Method::POST {
            return Err(wrong_method());
        }
        self.app(call)?;
        let body = body.ok_or_else(|| Refusal::unreadable("Empty Payload. JSON content expected."))?;
        batch::serve(self, call, body, number)
    }

    fn app(&self, call: &Call<'_>) -> Result<App, Refusal> {
        let header = call.headers.get("authorization").and_then(|value| value.to_str().ok());
        auth::bearer(&self.state, self.options.strict_auth, header)
    }

    /// Authentication, quota, permission, handler, in this order.
    fn routed(
        &mut self,
        call: &Call<'_>,
        path: &str,
        found: Found,
        body: Option<Value>,
        headers: &mut Vec<(&'static str, String)>,
        log: &mut Entry,
    ) -> Served {
        let app = self.app(call)?;
        log.app.clone_from(&app.id);
        let (route, params) = match found {
            Found::Route(route, params) => (route, params),
            Found::WrongMethod => return Err(wrong_method()),
            Found::Nothing => {
                let segment = path.rsplit('/').next().unwrap_or_default();
                return Err(Refusal::unreadable(format!("Resource not found for the segment '{segment}'.")));
            }
        };
        let query = Query::parse(call.query)?;
        let (charged, refusal) = self.charge(route, &query, &app);
        headers.extend(charged);
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        if !app.may(route.roles) {
            return Err(Refusal::denied());
        }
        let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let eventual = header("consistencylevel").eq_ignore_ascii_case("eventual");
        let minimal = header("prefer").split(',').any(|wish| wish.trim().eq_ignore_ascii_case("return=minimal"));
        let view = self.state.next_view(eventual);
        let base = base(call);
        let mut request = Request {
            state: &mut self.state,
            params: &params,
            query,
            body,
            view,
            eventual,
            minimal,
            base: &base,
            path,
            app: &app,
            touched: Vec::new(),
        };
        let served = (route.serve)(&mut request);
        log.subjects.extend(request.touched);
        served
    }

    fn charge(&mut self, route: &Route, query: &Query, app: &App) -> (Vec<(&'static str, String)>, Option<Refusal>) {
        let users = self.state.users.len();
        let now_ms = self.state.now.as_millisecond();
        self.quotas.charge(route.charge(query), &app.id, self.state.tenant_id(), users, now_ms)
    }

    /// Writes a refusal out.
    pub(crate) fn refused(&mut self, refusal: &Refusal, client_request_id: Option<&str>) -> Answer {
        let request_id = self.state.draw.guid().to_string();
        let client = client_request_id.unwrap_or(&request_id);
        let date = graph_time(self.state.now);
        let body = refusal.body(date.trim_end_matches('Z'), &request_id, client);
        let mut answer = Answer::json(refusal.status, body);
        answer.headers.extend(refusal.headers().cloned());
        answer.headers.push(("request-id", request_id));
        answer
    }

    /// Every answer names its request.
    fn identify(&mut self, call: &Call<'_>, answer: &mut Answer) {
        if !answer.headers.iter().any(|(name, _)| *name == "request-id") {
            answer.headers.push(("request-id", self.state.draw.guid().to_string()));
        }
        if let Some(id) = client_request_id(call) {
            answer.headers.push(("client-request-id", id.to_owned()));
        }
    }

    pub(crate) fn throttled_batch_is_424(&self) -> bool {
        self.state.undecided.throttled_batch_is_424
    }
}

fn wrong_method() -> Refusal {
    Refusal::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
}
