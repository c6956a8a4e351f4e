use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use domain::policy::Policy;
use domain::ports::{Clock, Entropy, Fences, Mode, StoreError};
use embedded::{Durability, Store};
use graph::client::{Inputs, Sleep};
use graph::token::TokenError;
use graph::transport::{Lost, LostKind};
use graph::{Config, Lane, Pace, Secret, Tokens, Transport};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-03-02T08:00:00Z";

struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        NOW.parse().unwrap()
    }
}

struct NoChance;

impl Entropy for NoChance {
    fn bytes(&self) -> [u8; 32] {
        [0; 32]
    }
}

/// Waits take no time here.
struct NoSleep;

#[async_trait]
impl Sleep for NoSleep {
    async fn sleep(&self, _: std::time::Duration) {}
}

/// Fences that are up for these people.
struct UpFor(BTreeSet<PersonId>);

#[async_trait]
impl Fences for UpFor {
    async fn is_up(&self, id: &PersonId) -> Result<bool, StoreError> {
        Ok(self.0.contains(id))
    }

    async fn take_lease(&self, _: &PersonId, _: &str, _: Timestamp, _: Timestamp) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn release_lease(&self, _: &PersonId, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Token;

#[async_trait]
impl Tokens for Token {
    async fn token(&self) -> Result<Secret, TokenError> {
        Ok(Secret::new("t"))
    }

    fn forget(&self) {}
}

/// What Graph says to an addition of several, and of one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Yes,
    /// Somebody is there already, or is not there: none of several is added.
    NotThat(u64),
    /// It breaks down: perhaps done.
    Broken,
    Throttled,
    Lost,
}

/// Graph as far as memberships go: remembers what it was sent, and is in a mood about each group.
struct Tenant {
    moods: BTreeMap<String, Mood>,
    /// Whom a group refuses, though it takes others.
    culprits: BTreeSet<String>,
    sent: Mutex<Vec<Vec<(String, String)>>>,
}

impl Tenant {
    fn status(&self, group: &str, people: &[String]) -> Result<u64, Lost> {
        let guilty = people.iter().any(|person| self.culprits.contains(person));
        match self.moods.get(group).copied().unwrap_or(Mood::Yes) {
            Mood::Yes => Ok(if guilty { 400 } else { 204 }),
            Mood::NotThat(status) => Ok(if guilty || people.len() > 1 { status } else { 204 }),
            Mood::Broken => Ok(500),
            Mood::Throttled => Ok(429),
            Mood::Lost => Err(Lost::new(LostKind::Cut)),
        }
    }

    /// Group and people of a request.
    fn about(method: &str, path: &str, body: &Value) -> (String, Vec<String>) {
        let segments: Vec<_> = path.trim_start_matches("/v1.0").trim_matches('/').split('/').collect();
        let last = |link: &Value| link.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let people = match method {
            "PATCH" => body["members@odata.bind"].as_array().unwrap().iter().map(last).collect(),
            "POST" => vec![last(&body["@odata.id"])],
            _ => vec![segments[3].to_owned()],
        };
        (segments[1].to_owned(), people)
    }
}

fn refusal(status: u64) -> Value {
    let (code, message) = match status {
        400 => (
            "Request_BadRequest",
            "One or more added object references already exist for the following modified properties: 'members'.",
        ),
        404 => (
            "Request_ResourceNotFound",
            "Resource 'x' does not exist or one of its queried reference-property objects are not present.",
        ),
        403 => ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
        _ => ("TooManyRequests", "Please retry again later."),
    };
    json!({"error": {"code": code, "message": message}})
}

#[async_trait]
impl Transport for Tenant {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Lost> {
        tokio::task::yield_now().await;
        let body: Value = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        let mut sent = Vec::new();
        let mut ask = |method: &str, path: &str, body: &Value| {
            let (group, people) = Self::about(method, path, body);
            sent.extend(people.iter().map(|person| (person.clone(), group.clone())));
            self.status(&group, &people)
        };
        let path = request.uri().path();
        let (status, answer) = if path.ends_with("/$batch") {
            let items = body["requests"].as_array().unwrap().iter().filter_map(|item| {
                let status = ask(item["method"].as_str()?, item["url"].as_str()?, &item["body"]).ok()?;
                Some(json!({"id": item["id"], "status": status, "headers": {"Retry-After": "30"}, "body": refusal(status)}))
            });
            (200, json!({"responses": items.collect::<Vec<_>>()}))
        } else {
            let asked = ask(request.method().as_str(), path, &body);
            (asked.as_ref().copied().unwrap_or(0), refusal(asked.unwrap_or(0)))
        };
        self.sent.lock().unwrap().push(sent);
        if status == 0 {
            return Err(Lost::new(LostKind::Cut));
        }
        let status = u16::try_from(status).unwrap();
        let response = http::Response::builder().status(status).header("Retry-After", "30");
        Ok(response.body(Bytes::from(answer.to_string())).unwrap())
    }
}

const POLICY: &str = r#"
version = 1
[tenant]
domain = "contoso.example"
time_zone = "Europe/Amsterdam"
anchor = "extension_0123456789abcdef0123456789abcdef_joineryPerson"
[connections.hr]
source = "standard-webhooks"
secrets = ["env:HR_SECRET"]
"#;

/// The function before a tenant.
fn app(tenant: Arc<Tenant>, fenced: BTreeSet<PersonId>, store: &Store) -> App {
    let config = Config {
        base_url: url::Url::parse("http://127.0.0.1/v1.0").unwrap(),
        retry: graph::retry::Policy::default(),
        lane: Lane::Ordinary,
    };
    let inputs = Inputs { now: Arc::new(|| StandingClock.now()), random: Arc::new(|| 0), sleep: Arc::new(NoSleep) };
    let client = graph::Client::new(config, tenant, Arc::new(Token), Arc::new(Pace::default()), inputs).unwrap();
    let store = Arc::new(store.clone());
    App {
        ports: stage::Ports {
            roster: store.clone(),
            fences: Arc::new(UpFor(fenced)),
            guards: store.clone(),
            controls: store.clone(),
            outbox: store.clone(),
            pager: store,
            clock: Arc::new(StandingClock),
            entropy: Arc::new(NoChance),
        },
        reader: stage::Reader::new(Arc::new(client), Arc::new(Policy::parse(POLICY).unwrap())),
        linger: Arc::new(NoSleep),
    }
}

fn store(directory: &tempfile::TempDir) -> Store {
    let options = embedded::Options { durability: Durability::Crash };
    let store = Store::open(directory.path(), Arc::new(StandingClock), options).unwrap();
    store.initialize_mode(Mode::Enforce).unwrap();
    store
}

/// Person `n` and group `g`.
fn write(n: usize, g: usize, adds: bool, attempts: u32, seconds: i64) -> Write {
    let group: domain::ids::ObjectId = format!("10000000-0000-0000-0000-{g:012}").parse().unwrap();
    let lease = StandingClock.now() + jiff::SignedDuration::from_secs(seconds);
    Write {
        person: format!("hr:{n}").parse().unwrap(),
        user: UserId::from(user(n)),
        group: GroupId::from(group.as_str()),
        action: if adds { Action::AddMember { group } } else { Action::RemoveMember { group } },
        attempts,
        lease: adds.then_some(lease),
    }
}

fn user(n: usize) -> String {
    format!("20000000-0000-0000-0000-{n:012}")
}

struct Run {
    heard: Vec<Heard>,
    sent: Vec<Vec<(String, String)>>,
}

/// Carries writes out before a tenant in these moods.
fn run(writes: &[Write], moods: &[Mood], culprits: &[usize], fenced: &[usize], store: &Store) -> Run {
    let moods = moods.iter().enumerate().map(|(g, mood)| (format!("10000000-0000-0000-0000-{g:012}"), *mood));
    let culprits = culprits.iter().map(|n| user(*n)).collect();
    let tenant = Arc::new(Tenant { moods: moods.collect(), culprits, sent: Mutex::default() });
    let fenced = fenced.iter().map(|n| format!("hr:{n}").parse().unwrap()).collect();
    let app = app(Arc::clone(&tenant), fenced, store);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let heard = runtime.block_on(carry_out(&app, writes));
    Run { heard, sent: tenant.sent.lock().unwrap().clone() }
}

fn added_now(heard: &Heard) -> bool {
    matches!(heard, Ok(Effect::Done(words, None)) if words == "added")
}

#[test]
fn people_who_join_the_same_group_share_a_call() {
    let directory = tempfile::tempdir().unwrap();
    let writes: Vec<_> = (0..45).map(|n| write(n, 0, true, 1, 120)).collect();
    let run = run(&writes, &[], &[], &[], &store(&directory));
    assert!(run.heard.iter().all(added_now), "{:?}", run.heard);
    let mut sizes: Vec<_> = run.sent.iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 20, 20]);
}

#[test]
fn only_the_culprit_fails_and_everybody_else_is_added_by_the_one_retry() {
    let directory = tempfile::tempdir().unwrap();
    let writes: Vec<_> = (0..20).map(|n| write(n, 0, true, 1, 120)).collect();
    let run = run(&writes, &[], &[7], &[], &store(&directory));
    let (culprit, others): (Vec<_>, Vec<_>) = run.heard.iter().enumerate().partition(|(n, _)| *n == 7);
    assert!(others.iter().all(|(_, heard)| added_now(heard)), "{others:?}");
    let was_there = |heard: &Heard| matches!(heard, Ok(Effect::Done(_, Some(Origin::PreExisting))));
    assert!(culprit.iter().all(|(_, heard)| was_there(heard)), "{culprit:?}");
    assert_eq!(run.sent.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20], "one PATCH, then one $batch");
}

#[test]
fn a_group_that_is_throttled_or_breaks_down_delays_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let writes: Vec<_> = (0..40).map(|n| write(n, n % 2, true, 1, 120)).collect();
    for mood in [Mood::Throttled, Mood::Broken, Mood::Lost] {
        let run = run(&writes, &[mood], &[], &[], &store(&directory));
        for (n, heard) in run.heard.iter().enumerate() {
            assert_eq!(added_now(heard), n % 2 == 1, "{mood:?} {n}: {heard:?}");
        }
        assert_eq!(run.sent.len(), 2, "{mood:?}: what may have been done, or has to wait, is not sent again at once");
    }
}

#[test]
fn what_went_wrong_before_goes_by_itself() {
    let writes: Vec<_> = (0..5).map(|n| write(n, 0, true, if n == 2 { 2 } else { 1 }, 120)).collect();
    let sizes: Vec<_> = calls(&writes)
        .iter()
        .map(|call| match call {
            Call::Together(people) => ("together", people.len()),
            Call::Each(people) => ("each", people.len()),
        })
        .collect();
    assert_eq!(sizes, [("together", 4), ("each", 1)]);
}

#[test]
fn m08_a_group_that_refuses_whoever_comes_is_asked_once_for_all() {
    let error = |refusal| {
        let answer = graph::Answer { route: "/groups/{id}", status: 400, code: None, request_id: None };
        graph::Error::Refused { refusal, answer }
    };
    for refusal in [Refusal::MailEnabledGroup, Refusal::ReadOnlySynced] {
        assert!(!is_perhaps_of_one(&error(refusal)));
    }
    for refusal in [Refusal::AlreadyMember, Refusal::NotFound, Refusal::InsufficientPrivileges] {
        assert!(is_perhaps_of_one(&error(refusal)));
    }
}

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        3 => Just(Mood::Yes),
        2 => prop_oneof![Just(400_u64), Just(403), Just(404)].prop_map(Mood::NotThat),
        1 => Just(Mood::Broken),
        1 => Just(Mood::Throttled),
        1 => Just(Mood::Lost),
    ]
}

/// Person, group, whether to add, attempts, and whether the lease lasts.
fn asked() -> impl Strategy<Value = Vec<(usize, usize, bool, u32, bool)>> {
    prop::collection::vec(
        (0_usize..60, 0_usize..4, prop::bool::weighted(0.8), 1_u32..3, prop::bool::weighted(0.9)),
        0..150,
    )
}

#[test]
fn every_write_gets_one_answer_no_call_is_too_large_and_nobody_fenced_is_granted_anything() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory);
    let config = ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(
        asked in asked(),
        moods in prop::collection::vec(mood(), 4),
        culprits in prop::collection::vec(0_usize..60, 0..4),
        fenced in prop::collection::vec(0_usize..60, 0..10),
    )| {
        let mut seen = BTreeSet::new();
        let asked: Vec<_> = asked.into_iter().filter(|(n, g, ..)| seen.insert((*n, *g))).collect();
        let writes: Vec<_> = asked
            .iter()
            .map(|(n, g, adds, attempts, lasts)| write(*n, *g, *adds, *attempts, if *lasts { 120 } else { 39 }))
            .collect();
        let run = run(&writes, &moods, &culprits, &fenced, &store);
        prop_assert_eq!(run.heard.len(), writes.len());
        prop_assert!(run.sent.iter().all(|call| call.len() <= 20), "{:?}", run.sent);
        for ((n, g, adds, _, lasts), (write, heard)) in asked.iter().zip(writes.iter().zip(&run.heard)) {
            let named = (write.user.as_str().to_owned(), write.group.as_str().to_owned());
            let times = run.sent.iter().flatten().filter(|sent| **sent == named).count();
            if *adds && (fenced.contains(n) || !lasts) {
                prop_assert_eq!(times, 0);
                let is_fenced = matches!(heard, Ok(Effect::Fenced));
                prop_assert!(is_fenced || matches!(heard, Ok(Effect::Unsent(_))), "{heard:?}");
                prop_assert!(!is_fenced || fenced.contains(n));
                continue;
            }
            // A pace that was asked for quiet sends nothing, which is an answer of its own.
            let quiet = moods.contains(&Mood::Throttled);
            prop_assert!(times >= 1 || quiet, "{heard:?}");
            // Once together and once alone; what a batch may repeat by itself comes on top.
            prop_assert!(times <= 2 + 2, "{times}");
            if moods[*g] == Mood::Yes && !culprits.contains(n) && !quiet && !moods.contains(&Mood::Lost) {
                prop_assert!(matches!(heard, Ok(Effect::Done(..))), "{heard:?}");
            }
        }
    });
}
