//! A small company at eight in the morning of 2 March 2026: an emulated tenant and a data directory that knows some of
//! its people. The clock stands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::amend::amend;
use domain::event::WorkerEvent;
use domain::guard::{Request, Verdict};
use domain::ids::PersonId;
use domain::ledger::{Grant, Origin, Target};
use domain::message::{Message, QueueName};
use domain::person::Person;
use domain::planner::{Plan, Planned, Wait};
use domain::policy::{Guard, Policy};
use domain::ports::{FailureReport, Guards, Lines, Mode, Outbox, Outgoing, Page, Pager, Parking, Vault};
use domain::progress;
use domain::seats::{Line, Rank, Supply};
use domain::step::{Action, Stage, StepState};
use embedded::{Durability, Options, Store};
use graph_emulator::{Emulator, Running, Tenant};
use jiff::{SignedDuration, Timestamp};
use joinery::desk::{Desk, Remembered, load_policy};
use joinery::edge::FollowedClock;
use joinery::tenant::{Environment, graph_address};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) const NOW: &str = "2026-03-02T08:00:00Z";
/// A first password, planted: no output but `credential`'s may show it.
pub(crate) const PASSWORD: &str = "Planted+Pass1word";
pub(crate) const POLICY: &str = include_str!("data/policy.toml");
const FILES: [(&str, &str); 9] = [
    ("policy.toml", POLICY),
    ("changed.toml", include_str!("data/changed.toml")),
    ("rule.txt", include_str!("data/rule.txt")),
    ("user.json", include_str!("data/user.json")),
    ("users.jsonl", include_str!("data/users.jsonl")),
    ("faulty.toml", include_str!("data/faulty.toml")),
    ("elsewhere.toml", include_str!("data/elsewhere.toml")),
    ("hire.json", include_str!("data/hire.json")),
    ("payroll.json", include_str!("data/payroll.json")),
];

/// The company.
pub(crate) struct Company {
    pub(crate) emulator: Emulator,
    pub(crate) graph: Running,
    directory: TempDir,
}

impl Company {
    /// An emulated tenant and an empty directory.
    pub(crate) async fn new() -> Self {
        Self::new_with(&[]).await
    }

    async fn new_with(users: &[Value]) -> Self {
        let mut seed: Value = serde_json::from_str(include_str!("data/tenant.json")).unwrap();
        seed["users"].as_array_mut().unwrap().extend_from_slice(users);
        let options = graph_emulator::Options { id_seed: 1, ..graph_emulator::Options::default() };
        let emulator = Emulator::new(Tenant::from_seed(&seed, options).unwrap());
        let graph = emulator.serve(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        Self { emulator, graph, directory }
    }

    /// The same with people.
    pub(crate) async fn with_people() -> Self {
        Self::with_people_and(&[]).await
    }

    /// The same with more accounts in the tenant.
    pub(crate) async fn with_people_and(users: &[Value]) -> Self {
        let company = Self::new_with(users).await;
        let store = company.prepare_store();
        // What `joinery person` and the functions see.
        let desk = Desk::open(&company.data()).await.unwrap();
        let policy = desk.policy().unwrap();
        let functions = desk.functions(&policy, &desk.clients(&Environment::of([])).unwrap());
        for (id, facts) in people() {
            let message = Message::hr_event(event(id, &facts));
            functions.handle(QueueName::People, &message.to_json(), functions.batch().seat()).await.unwrap();
        }
        settle_zoe(&store, &policy).await;
        park_failures(&store).await;
        let page = Page {
            key: "hr:5|observed-cut".into(),
            person: Some(person_id("5")),
            text: "cut by hand".into(),
            at: now(),
        };
        store.page(page).await.unwrap();
        company
    }

    /// A guard holds what two people would lose, and what one of them would lose besides.
    pub(crate) async fn hold_some(&self) {
        let desk = Desk::open(&self.data()).await.unwrap();
        let policy = desk.policy().unwrap();
        let group = "10000000-0000-4000-8000-000000000001".parse().unwrap();
        let held = [
            ("1", Action::DisableAccount { pass: 1 }, Stage::Accounts),
            ("3", Action::DisableAccount { pass: 1 }, Stage::Accounts),
            ("3", Action::RemoveMember { group }, Stage::Groups),
        ];
        for (id, action, stage) in held {
            let why = "employment ended on 2026-02-27";
            let nobody = Guard { people: Some(0), percent: None, window: SignedDuration::from_hours(1) };
            let wait = Some(Wait::For("held by a guard".into(), None));
            let plan = Plan {
                stage,
                steps: vec![Planned { action: action.clone(), why: why.into(), wait }],
                ..Plan::default()
            };
            let none = std::collections::BTreeSet::new();
            let (person, _) = amend(&desk.store, &person_id(id), |person: &mut Person, _| {
                progress::apply(person, stage, &plan, &none, &policy, now())
            })
            .await
            .unwrap();
            let request = Request::of(&action, &person, &policy, why, now()).unwrap();
            assert_eq!(desk.store.admit(&request, &nobody).await.unwrap(), Verdict::Held);
        }
    }

    /// Two people are dismissed whose accounts cannot be cut: one is synchronized, the other an administrator's, and Graph has
    /// refused that already.
    pub(crate) async fn dismiss_some(&self) {
        let desk = Desk::open(&self.data()).await.unwrap();
        let policy = desk.policy().unwrap();
        let functions = desk.functions(&policy, &desk.clients(&Environment::of([])).unwrap());
        for (id, account) in [("7", SYNCHRONIZED), ("8", ADMINISTRATOR)] {
            let facts = json!({
                "employment": {"hire_date": "2026-02-02", "type": "employee"},
                "termination": {"immediate": true},
            });
            let message = Message::hr_event(event(id, &facts));
            functions.handle(QueueName::People, &message.to_json(), functions.batch().seat()).await.unwrap();
            amend(&desk.store, &person_id(id), |person: &mut Person, _| {
                person.head.account.object_id = Some(account.parse().unwrap());
                person.head.account.bound_at = Some(now() - SignedDuration::from_hours(24));
            })
            .await
            .unwrap();
        }
        let cut = Planned { action: Action::DisableAccount { pass: 1 }, why: "revoke now".into(), wait: None };
        let plan = Plan { steps: vec![cut], ..Plan::default() };
        amend(&desk.store, &person_id("8"), |person: &mut Person, _| {
            progress::apply(person, Stage::Accounts, &plan, &std::collections::BTreeSet::new(), &policy, now());
            for step in person.steps.values_mut() {
                step.state = StepState::Task { instructions: "an administrator must do this by hand".into() };
            }
        })
        .await
        .unwrap();
    }

    /// Somebody blocks Zoë, takes her license and puts her out of her group by hand, two people wait for a product that has no seat, and there is
    /// an account that nobody knows.
    pub(crate) async fn disturb(&self) {
        let zoe = "20000000-0000-4000-8000-000000000001";
        let e3 = domain::policy::skus::sku_id("SPE_E3").unwrap();
        let by_hand = |method: &str, path: &str, body: Value| {
            let answer = self.emulator.tenant().ask(method, &format!("/v1.0{path}"), &[], &body);
            assert!(answer.status < 300, "{method} {path}: {}", answer.value());
        };
        by_hand("PATCH", &format!("/users/{zoe}"), json!({"accountEnabled": false}));
        by_hand("POST", &format!("/users/{zoe}/assignLicense"), json!({"addLicenses": [], "removeLicenses": [e3]}));
        let group = "10000000-0000-4000-8000-000000000001";
        by_hand("DELETE", &format!("/groups/{group}/members/{zoe}/$ref"), Value::Null);
        let password = json!({"password": "Planted+Other1word"});
        let stranger = json!({"accountEnabled": true, "displayName": "Stranger", "mailNickname": "stranger", "userPrincipalName": "stranger@contoso.example", "passwordProfile": password});
        by_hand("POST", "/users", stranger);

        let desk = Desk::open(&self.data()).await.unwrap();
        let mut line = Line::new(domain::policy::skus::sku_id("POWER_BI_PRO").unwrap());
        for (id, priority) in [("3", 100), ("1", 10)] {
            let rank = Rank { priority, start: "2026-02-02".parse().unwrap(), since: now() };
            let none = Supply { free: 0, read_at: now() };
            line.ask(&person_id(id), rank, none, now(), SignedDuration::from_secs(2));
        }
        line.version = 1;
        Lines::store(&desk.store, line).await.unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join(".joinery")
    }

    fn prepare_store(&self) -> Store {
        let clock = FollowedClock::default();
        clock.set(now(), false);
        let options = Options { durability: Durability::Crash };
        let store = Store::open(&self.data(), Arc::new(clock), options).unwrap();
        let policy = self.path().join("policy.toml");
        let remembered = Remembered {
            fingerprint: load_policy(&policy).unwrap().fingerprint.clone(),
            policy,
            graph_url: graph_address(&self.graph.base_url()).unwrap(),
            clock_url: Some(graph_address(&self.graph.base_url()).unwrap()),
            tenant: "contoso.example".into(),
        };
        remembered.save(&store).unwrap();
        store.initialize_mode(Mode::Enforce).unwrap();
        store
    }
}

const SYNCHRONIZED: &str = "20000000-0000-4000-8000-000000000007";
const ADMINISTRATOR: &str = "20000000-0000-4000-8000-000000000008";

/// Accounts that were there before Joinery: two with the employee number of one person, an administrator's with another's.
pub(crate) fn accounts_of_before() -> [Value; 3] {
    let account = |number: u8, upn: &str, employee_id: &str, enabled: bool, roles: Value| {
        json!({
            "id": format!("20000000-0000-4000-8000-00000000000{number}"), "userPrincipalName": upn, "displayName": upn,
            "employeeId": employee_id, "accountEnabled": enabled, "roles": roles,
        })
    };
    [
        account(2, "bo.larsen@contoso.example", "C2", true, json!(["Global Administrator"])),
        account(3, "a.chu@contoso.example", "C3", true, json!([])),
        account(4, "test3@contoso.example", "C3", false, json!([])),
    ]
}

/// Accounts that Joinery cannot cut.
pub(crate) fn accounts_that_resist() -> [Value; 2] {
    [
        json!({
            "id": SYNCHRONIZED, "userPrincipalName": "sven@contoso.example", "displayName": "Sven", "accountEnabled": true,
            "onPremisesSyncEnabled": true, "extension_0123456789abcdef0123456789abcdef_joineryPerson": "hr:7",
        }),
        json!({
            "id": ADMINISTRATOR, "userPrincipalName": "ada@contoso.example", "displayName": "Ada", "accountEnabled": true,
            "roles": ["Global Administrator"], "extension_0123456789abcdef0123456789abcdef_joineryPerson": "hr:8",
        }),
    ]
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn person_id(source_id: &str) -> PersonId {
    PersonId::new("hr", source_id).unwrap()
}

/// Someone with an account, someone who starts later, someone without an account, someone with a fact nobody can use.
fn people() -> [(&'static str, Value); 4] {
    let facts = |given: &str, family: &str, hired: &str, department: &str, title: &str| {
        json!({
            "name": {"legal": {"given": given, "family": family}},
            "contact": {"personal_email": "somebody@home.example"},
            "employment": {"hire_date": hired, "type": "employee", "status": "active"},
            "org": {"department": {"name": department}, "job": {"title": title}},
        })
    };
    [
        ("1", facts("Zoë", "Müller", "2026-02-02", "Sales", "Analyst")),
        ("2", facts("Bo", "Larsen", "2026-04-01", "Sales", "Clerk")),
        ("3", facts("Ann", "Chu", "2026-03-01", "Sales", "Clerk")),
        ("4", facts("王", "小明", "2026-03-01", &"Very ".repeat(20), "Clerk")),
    ]
}

fn event(source_id: &str, facts: &Value) -> WorkerEvent {
    let mut event = json!({
        "schema": domain::event::SCHEMA, "event_id": format!("e{source_id}"), "kind": "hire",
        "source": {"system": "standard-webhooks", "tenant_id": "hr", "received_at": NOW, "auth": "hmac", "raw_sha256": "00"},
        "worker": {"source_person_id": source_id, "employee_number": format!("C{source_id}")},
    });
    event.as_object_mut().unwrap().extend(facts.as_object().unwrap().clone());
    serde_json::from_value(event).unwrap()
}

/// Her account is there, one step is verified, one waits for a seat.
async fn settle_zoe(store: &Store, policy: &Policy) {
    let ask = |action, why: &str| Planned { action, why: why.into(), wait: None };
    let sku = |name| domain::policy::skus::sku_id(name).unwrap();
    let group = "10000000-0000-4000-8000-000000000001".parse().unwrap();
    let before = now() - SignedDuration::from_hours(24);
    let accounts = Plan { steps: vec![ask(Action::EnableAccount, "employed since 2026-02-02")], ..Plan::default() };
    let seat = Action::AssignLicense { sku: sku("POWER_BI_PRO"), disabled_plans: Vec::new() };
    let licenses = Plan { steps: vec![ask(seat, "package reports")], ..Plan::default() };
    let grant = |target, reason: &str| Grant {
        target,
        origin: Origin::Ours,
        held: true,
        reasons: vec![reason.into()],
        since: before,
    };
    let grants = [grant(Target::Group(group), "sales"), grant(Target::License(sku("SPE_E3")), "sales")];
    amend(store, &person_id("1"), |person: &mut Person, _| {
        let none = std::collections::BTreeSet::new();
        progress::apply(person, Stage::Accounts, &accounts, &none, policy, before);
        progress::apply(person, Stage::Licenses, &licenses, &none, policy, before);
        for step in person.steps.values_mut() {
            step.state = match &step.action {
                Action::AssignLicense { sku, .. } => {
                    StepState::Waiting { why: "no seat is free".into(), sku: Some(sku.clone()), since: before }
                }
                _ => StepState::Verified { at: before },
            };
        }
        person.grants.extend(grants.clone().map(|grant| (grant.target.clone(), grant)));
        let account = &mut person.head.account;
        account.object_id = Some("20000000-0000-4000-8000-000000000001".parse().unwrap());
        account.upn = Some("zoe.muller@contoso.example".into());
        account.bound_at = Some(before);
        account.credential = Some("first/hr:1".into());
    })
    .await
    .unwrap();
    store.put("first/hr:1", PASSWORD).await.unwrap();
}

async fn park_failures(store: &Store) {
    let wake = Message::wake(&person_id("3"), "due", "c0ffee");
    let failure = |id: &str, queue, cause: &str, body: String, hours| FailureReport {
        id: id.into(),
        function: if queue == Some(QueueName::Licenses) { "licenses" } else { "intake" }.into(),
        queue,
        person: queue.map(|_| person_id("3")),
        cause: cause.into(),
        reason: "it did not work".into(),
        body,
        attempts: 8,
        at: now() - SignedDuration::from_hours(hours),
    };
    let body = json!({"employees": [{"id": "6", "homeEmail": "six@home.example", "jobTitle": "Clerk"}]}).to_string();
    store.park(failure("licenses-7", Some(QueueName::Licenses), "dead-letter", wake.to_json(), 1)).await.unwrap();
    store.park(failure("licenses-8", Some(QueueName::Licenses), "dead-letter", wake.to_json(), 30)).await.unwrap();
    store.park(failure("intake-a", None, "bad-event", body, 2)).await.unwrap();
    let waiting = Outgoing { group: "hr:3".into(), deduplication_id: "d".into(), body: wake.to_json() };
    store.send(QueueName::Groups, waiting).await.unwrap();
}
