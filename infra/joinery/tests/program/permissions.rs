//! `joinery policy check --tenant` where the tenant does not let us see, or does not know what the policy takes for granted.

use graph_emulator::{Emulator, Options, Running, Tenant};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::company::POLICY;

/// A tenant that asks who we are and what we may, and the policy of the sessions beside it.
async fn check(change: impl FnOnce(&mut Value), secret: &str) -> (Option<i32>, Vec<Value>, String) {
    let mut seed: Value = serde_json::from_str(include_str!("data/tenant.json")).unwrap();
    seed["users"] = json!([]);
    seed["groups"][0]["members"] = json!([]);
    seed["applications"] = json!([{"appId": "joinery", "secret": "planted-secret", "roles": []}]);
    change(&mut seed);
    let options = Options { strict_auth: true, ..Options::default() };
    let emulator = Emulator::new(Tenant::from_seed(&seed, options).unwrap());
    let graph: Running = emulator.serve(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("policy.toml"), POLICY).unwrap();
    let arguments = ["policy", "check", "policy.toml", "--tenant", "--output", "json", "--graph-url"];
    let output = Command::new(env!("CARGO_BIN_EXE_joinery"))
        .args(arguments)
        .arg(graph.base_url())
        .current_dir(directory.path())
        .env_clear()
        .envs([("AZURE_CLIENT_ID", "joinery"), ("AZURE_CLIENT_SECRET", secret)])
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("planted-secret"), "{said}");
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), said)
}

fn permit(seed: &mut Value, roles: &[&str]) {
    seed["applications"][0]["roles"] = json!(roles);
}

/// The least that is granted, and what is asked for where it is missing: the permission, and how bad that is.
const NEEDED: [(&str, &str, &str); 4] = [
    ("Domain.Read.All", "Domain.Read.All", "warning"),
    ("User.ReadBasic.All", "User.Read.All", "error"),
    ("LicenseAssignment.Read.All", "LicenseAssignment.Read.All", "error"),
    ("Group.Read.All", "Group.Read.All", "error"),
];
const ALL: [&str; 4] = [NEEDED[0].0, NEEDED[1].0, NEEDED[2].0, NEEDED[3].0];

#[tokio::test(flavor = "multi_thread")]
async fn every_missing_permission_is_named_once_at_what_it_is_needed_for() {
    for (missing, named, severity) in NEEDED {
        let rest: Vec<&str> = ALL.into_iter().filter(|role| *role != missing).collect();
        let (code, faults, said) = check(|seed| permit(seed, &rest), "planted-secret").await;
        let names = |fault: &&Value| fault["help"].as_str().unwrap().contains(&format!("`{named}`"));
        let found: Vec<&Value> = faults.iter().filter(names).collect();
        let [fault] = found.as_slice() else { panic!("{missing}: {faults:?} {said}") };
        assert_eq!(fault["severity"], severity, "{fault}");
        assert!(fault["line"].as_u64() > Some(1), "{fault}");
        assert_eq!(code, Some(i32::from(severity == "error")));
    }
    let (code, faults, said) = check(|seed| permit(seed, &ALL), "planted-secret").await;
    assert_eq!(code, Some(0), "{faults:?} {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_that_nobody_registered_is_a_fault_of_the_policy() {
    let change = |seed: &mut Value| {
        permit(seed, &ALL);
        seed["extensionProperties"] = json!([]);
    };
    let (code, faults, said) = check(change, "planted-secret").await;
    assert_eq!((code, faults[0]["line"].as_u64()), (Some(1), Some(6)), "{faults:?} {said}");
    assert_eq!(faults[0]["message"], "the tenant knows no such property of users");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_does_not_know_us_cannot_be_asked() {
    let (code, faults, said) = check(|seed| permit(seed, &ALL), "another-secret").await;
    assert_eq!((code, faults), (Some(2), vec![]), "{said}");
    assert!(said.starts_with("joinery: ") && !said.contains("another-secret"), "{said}");
}
