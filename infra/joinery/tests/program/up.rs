//! `joinery up` at work.

use std::process::Stdio;
use std::time::Duration;

use jiff::SignedDuration;
use joinery::up::{Running, start};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::company::{Company, NOW};
use crate::sessions::program;
use crate::signing::{SECRET, headers};
use crate::start::emulated;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked whether it has happened.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) async fn post(address: &str, id: &str, at: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let mut request = reqwest::Client::new().post(format!("{address}/hr/hr")).body(body.clone());
    for (name, value) in headers(id, at.parse().unwrap(), &body) {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

pub(crate) fn hire() -> Value {
    json!({
        "type": "worker.hired", "timestamp": NOW,
        "data": {
            "worker": {"source_person_id": "9"},
            "name": {"legal": {"given": "O’Brien", "family": "Łukasz"}},
            "employment": {"hire_date": "2026-03-02", "type": "employee", "status": "active"},
            "org": {"department": {"name": "Sales"}},
        },
    })
}

/// The account in the tenant, once it is enabled and licensed.
pub(crate) fn ready_account(company: &Company) -> Option<Value> {
    let mut tenant = company.emulator.tenant();
    let users = tenant.snapshot(true)["users"].as_array().cloned().unwrap_or_default();
    let ours = users.into_iter().find(|user| user["displayName"] == "O’Brien Łukasz")?;
    let licensed = ours["assignedLicenses"].as_array().is_some_and(|licenses| !licenses.is_empty());
    (ours["accountEnabled"] == true && licensed).then_some(ours)
}

/// Lets the tenant's time go on until it is so.
pub(crate) async fn eventually<T>(company: &Company, mut is_so: impl FnMut() -> Option<T>) -> T {
    let wait = async {
        let mut looks = tokio::time::interval(LOOK);
        loop {
            if let Some(found) = is_so() {
                return found;
            }
            company.emulator.tenant().advance(SignedDuration::from_millis(200));
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn m17_a_webhook_becomes_an_account_with_its_group_and_license() {
    let company = Company::new().await;
    let running: Running = start(emulated(&company)).await.unwrap();
    let address = format!("http://{}", running.address());
    let (status, answer) = post(&address, "msg_1", NOW, &hire()).await;
    assert_eq!((status, &answer["accepted"]), (202, &json!(1)), "{answer}");
    let account = eventually(&company, || ready_account(&company)).await;
    assert_eq!(account["userPrincipalName"], "obrien.lukasz@contoso.example");
    assert!(running.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listener_says_how_it_is_and_refuses_what_is_too_large() {
    let company = Company::new().await;
    let running = start(emulated(&company)).await.unwrap();
    let address = format!("http://{}", running.address());
    let health: Value = reqwest::get(format!("{address}/healthz")).await.unwrap().json().await.unwrap();
    assert_eq!(health, json!({"status": "ok", "mode": "enforce", "stopped": "nothing"}));
    let body = vec![b' '; intake::BODY_BYTES_MAX * 2];
    let answer = reqwest::Client::new().post(format!("{address}/hr/hr")).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
}

/// Starts the program and answers with the address on its first line.
pub(crate) async fn started(company: &Company) -> (Child, String) {
    let graph = company.graph.base_url();
    let arguments =
        ["up", "--policy", "policy.toml", "--listen", "127.0.0.1:0", "--graph-url", &graph, "--clock", &graph];
    let mut command = program(company, &arguments.map(str::to_owned));
    command.env("HR_SECRET", SECRET).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    tokio::time::timeout(PATIENCE, out.read_line(&mut first)).await.unwrap().unwrap();
    let address = first.trim_end().strip_prefix("listening on ").unwrap().to_owned();
    (child, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_work_while_it_runs_and_a_signal_ends_it_well() {
    let company = Company::new().await;
    let (mut child, address) = started(&company).await;
    assert_eq!(post(&address, "msg_1", NOW, &hire()).await.0, 202);
    eventually(&company, || ready_account(&company)).await;
    let arguments = ["people", "--output", "ndjson"].map(str::to_owned);
    let people = program(&company, &arguments).output().await.unwrap();
    let person: Value = serde_json::from_slice(&people.stdout).unwrap();
    assert_eq!((&person["person"], &person["phase"]), (&json!("hr:9"), &json!("active")));
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).await.unwrap();
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("hr:9"), "{log}");
    for personal in ["Brien", "ukasz", "obrien", SECRET, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        assert!(!log.contains(personal), "{personal} is in the log: {log}");
    }
}
