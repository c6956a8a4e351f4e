//! What a test sees of a world: the tenant, our books, what was told and what was called.

use domain::message::QueueName;
use domain::person::{Person, TimelineEntry};
use domain::ports::{Clock, FailureReport, Fences, Page, Roster, Vault};
use domain::step::StepState;
use embedded::FailureFilter;
use graph_emulator::Emulator;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{World, tenant};

impl World {
    /// Granting calls that should never have been made.
    pub(crate) fn wrongs(&self) -> Vec<String> {
        self.wire.witness.seen()
    }

    /// The password an account has, if it was set since this world was opened.
    pub(crate) fn password(&self, object: &str) -> Option<String> {
        self.wire.witness.password(object)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.site.clock.now()
    }

    pub(crate) fn emulator(&self) -> &Emulator {
        &self.site.emulator
    }

    /// The whole tenant, comparable.
    pub(crate) fn tenant(&self) -> Value {
        tenant::normalized(&self.site.emulator)
    }

    /// What our own books say at an end, comparable: whose access is whose, what is still open, and whether a first credential is
    /// there to be handed out.
    pub(crate) async fn books(&self) -> Value {
        let mut books = serde_json::Map::new();
        for id in self.store.list(None, 100).await.unwrap() {
            let person = self.store.person(&id).await.unwrap().unwrap();
            let account = &person.head.account;
            let sealed = match &account.credential {
                Some(reference) => self.store.peek(reference).await.unwrap().is_some(),
                None => false,
            };
            let grants = person
                .grants
                .values()
                .map(|grant| format!("{} {:?} {} {:?}", grant.target, grant.origin, grant.held, grant.reasons));
            let open = person.steps.values().filter(|step| !matches!(step.state, StepState::Verified { .. }));
            let page = json!({
                "phase": person.head.phase,
                "generation": person.head.generation,
                "fence": self.store.is_up(&id).await.unwrap(),
                "upn": account.upn,
                "bound": account.object_id.is_some(),
                "creating": account.intent.is_some(),
                "sealed": sealed,
                "grants": grants.collect::<Vec<_>>(),
                "open": open.map(|step| format!("{}: {}", step.action.phrase(), step.state.word())).collect::<Vec<_>>(),
            });
            books.insert(id.to_string(), page);
        }
        Value::Object(books)
    }

    /// What the roster knows of a person, such as `hr:7`.
    pub(crate) async fn person(&self, id: &str) -> Person {
        self.known(id).await.unwrap_or_else(|| panic!("nobody knows {id}"))
    }

    /// As [`World::person`], if there is anything.
    pub(crate) async fn known(&self, id: &str) -> Option<Person> {
        self.store.person(&id.parse().unwrap()).await.unwrap()
    }

    pub(crate) async fn timeline(&self, id: &str) -> Vec<TimelineEntry> {
        self.store.timeline(&id.parse().unwrap(), 1000).await.unwrap()
    }

    /// The lines of a person's timeline.
    pub(crate) async fn story(&self, id: &str) -> String {
        let lines = self.timeline(id).await;
        let lines = lines.iter().map(|line| format!("{} {:?} {}: {}", line.at, line.kind, line.function, line.text));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The live accounts that carry the person's anchor.
    pub(crate) fn accounts(&self, person: &str) -> Vec<Value> {
        self.anchored("users", person)
    }

    /// The deleted ones.
    pub(crate) fn deleted_accounts(&self, person: &str) -> Vec<Value> {
        self.anchored("deletedItems", person)
    }

    fn anchored(&self, list: &str, person: &str) -> Vec<Value> {
        let snapshot = self.emulator().tenant().snapshot(false);
        let users = snapshot[list].as_array().unwrap().iter();
        users.filter(|user| user[tenant::ANCHOR] == person).cloned().collect()
    }

    /// The one live account of a person.
    pub(crate) fn account(&self, person: &str) -> Value {
        let accounts = self.accounts(person);
        assert_eq!(accounts.len(), 1, "{person} has {} accounts", accounts.len());
        accounts.into_iter().next().unwrap()
    }

    /// Names of the groups somebody has put the person's account in, in order. Memberships that Entra computes are left out.
    pub(crate) fn groups(&self, person: &str) -> Vec<String> {
        let id = self.account(person)["id"].clone();
        let snapshot = self.emulator().tenant().snapshot(false);
        let groups = snapshot["groups"].as_array().unwrap().iter();
        let assigned = groups.filter(|group| group["membershipRule"].is_null());
        let own = assigned.filter(|group| group["members"].as_array().unwrap().contains(&id));
        let mut names: Vec<_> = own.map(|group| group["displayName"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// Part numbers of the licenses the person's account holds from any source, in order.
    pub(crate) fn licenses(&self, person: &str) -> Vec<&'static str> {
        let account = self.account(person);
        let mut names: Vec<_> = account["assignedLicenses"].as_array().unwrap().iter().map(part_number).collect();
        names.sort_unstable();
        names
    }

    /// Calls to Graph: everything that was tried.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.emulator().tenant().calls(0).as_array().unwrap().clone()
    }

    /// Calls that write, as `METHOD path`, with their status.
    pub(crate) fn written(&self) -> Vec<(String, u64)> {
        let calls = self.calls();
        let writes = calls.iter().filter(|call| call["method"] != "GET");
        let line = |call: &Value| format!("{} {}", call["method"].as_str().unwrap(), call["path"].as_str().unwrap());
        writes.map(|call| (line(call), call["status"].as_u64().unwrap())).collect()
    }

    /// Tells the emulator's control interface to do something.
    pub(crate) fn control(&self, what: &str, body: &Value) -> Value {
        let body = body.to_string();
        let call = graph_emulator::Call {
            method: &http::Method::PUT,
            path: &format!("/_control/{what}"),
            query: "",
            headers: &http::HeaderMap::new(),
            body: body.as_bytes(),
        };
        let answer = self.emulator().tenant().answer(&call);
        assert_eq!(answer.status, 200, "{what} {body}: {}", answer.value());
        answer.value().clone()
    }

    /// How often each fault of the emulator struck.
    pub(crate) fn faults_struck(&self) -> Vec<u64> {
        let call = graph_emulator::Call {
            method: &http::Method::GET,
            path: "/_control/faults",
            query: "",
            headers: &http::HeaderMap::new(),
            body: &[],
        };
        let faults = self.emulator().tenant().answer(&call).value().clone();
        faults.as_array().unwrap().iter().map(|fault| fault["fired"].as_u64().unwrap()).collect()
    }

    /// A call to Graph by somebody else, an administrator for instance.
    pub(crate) fn by_hand(&self, method: &http::Method, path: &str, body: &Value) {
        let headers = [(http::header::AUTHORIZATION, http::HeaderValue::from_static("Bearer somebody-else"))];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let call = graph_emulator::Call {
            method,
            path: &format!("/v1.0{path}"),
            query: "",
            headers: &headers.into_iter().collect(),
            body: body.as_bytes(),
        };
        let answer = self.emulator().tenant().answer(&call);
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.value());
    }

    pub(crate) fn pages(&self) -> Vec<Page> {
        self.store.pages(1000).unwrap()
    }

    pub(crate) fn failures(&self) -> Vec<FailureReport> {
        self.store.failures(&FailureFilter::default(), 1000).unwrap()
    }

    /// Everything a person would want to know of a world that went wrong.
    pub(crate) async fn dump(&self) -> String {
        use std::fmt::Write;
        let mut text = format!("at {}\n", self.now());
        for queue in QueueName::ALL {
            writeln!(text, "queue {queue}: {}", self.store.depth(queue).unwrap()).unwrap();
        }
        for id in self.store.list(None, 50).await.unwrap() {
            let person = self.store.person(&id).await.unwrap().unwrap();
            writeln!(
                text,
                "== {id} {} generation {} {:?}",
                person.head.phase, person.head.generation, person.head.account
            )
            .unwrap();
            for step in person.steps.values() {
                writeln!(
                    text,
                    "   {} {:?} tries {} wake {:?}",
                    step.action.phrase(),
                    step.state,
                    step.attempts,
                    step.wake_at
                )
                .unwrap();
            }
            writeln!(text, "{}", self.story(&id.to_string()).await).unwrap();
        }
        for failure in self.failures() {
            writeln!(text, "failure {} {}: {}", failure.function, failure.cause, failure.reason).unwrap();
        }
        text
    }
}

fn part_number(license: &Value) -> &'static str {
    match license["skuId"].as_str().unwrap() {
        "05e9a617-0261-4cee-bb44-138d3ef5d965" => "SPE_E3",
        "f8a1db68-be16-40ed-86d5-cb42ce701560" => "POWER_BI_PRO",
        "c5928f49-12ba-48f7-ada3-0d743a3601d5" => "VISIOCLIENT",
        other => panic!("a product nobody knows: {other}"),
    }
}
