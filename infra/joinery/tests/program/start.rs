//! What `joinery up` starts with, and what it refuses to start with.

use std::net::SocketAddr;

use domain::ports::{Controls, Mode};
use embedded::Durability;
use joinery::tenant::{Environment, graph_address};
use joinery::up::{Options, StartError, start};
use url::Url;

use crate::company::Company;
use crate::signing::SECRET;

/// A tenant that is nowhere: names under `.invalid` are never found.
const NOWHERE: [(&str, &str); 5] = [
    ("AZURE_TENANT_ID", "contoso.example"),
    ("AZURE_CLIENT_ID", "app"),
    ("AZURE_CLIENT_SECRET", "hunter2"),
    ("AZURE_AUTHORITY_HOST", "https://login.invalid"),
    ("HR_SECRET", SECRET),
];

pub(crate) fn options(company: &Company, environment: Environment) -> Options {
    let graph = company.graph.base_url();
    Options {
        policy: company.path().join("policy.toml"),
        data: company.data(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        graph_url: graph_address(&graph).unwrap(),
        clock_url: Some(Url::parse(&graph).unwrap()),
        environment,
        durability: Durability::Crash,
    }
}

pub(crate) fn emulated(company: &Company) -> Options {
    options(company, Environment::of([("HR_SECRET", SECRET)]))
}

fn real(company: &Company) -> Options {
    let graph_url = graph_address("https://graph.invalid/v1.0").unwrap();
    Options { graph_url, clock_url: None, ..options(company, Environment::of(NOWHERE)) }
}

async fn refusal(options: Options) -> String {
    match start(options).await {
        Ok(_) => panic!("it started"),
        Err(error) => joinery::machine::chain(&error),
    }
}

#[tokio::test]
async fn an_emulator_starts_in_enforce_and_a_real_tenant_in_observe() {
    for (choose, mode) in [(emulated as fn(&Company) -> Options, Mode::Enforce), (real, Mode::Observe)] {
        let company = Company::new().await;
        let running = start(choose(&company)).await.unwrap();
        assert_eq!(running.store().switches().await.unwrap().mode, mode);
    }
}

#[tokio::test]
async fn a_mode_that_was_set_survives_a_restart() {
    let company = Company::new().await;
    let running = start(emulated(&company)).await.unwrap();
    running.store().set_mode(Mode::Observe).unwrap();
    assert!(running.shutdown().await);
    let running = start(emulated(&company)).await.unwrap();
    assert_eq!(running.store().switches().await.unwrap().mode, Mode::Observe);
}

#[tokio::test]
async fn the_data_of_an_emulator_is_never_used_on_a_real_tenant() {
    let company = Company::new().await;
    drop(start(emulated(&company)).await.unwrap());
    assert!(refusal(real(&company)).await.contains("belongs to another tenant"));
}

#[tokio::test]
async fn one_data_directory_is_worked_on_by_one() {
    let company = Company::new().await;
    let first = start(emulated(&company)).await.unwrap();
    let second = start(emulated(&company)).await;
    assert!(matches!(second, Err(StartError::Running(_))));
    assert!(first.shutdown().await);
    assert!(start(emulated(&company)).await.is_ok());
}

#[tokio::test]
async fn a_missing_secret_is_named_with_its_connection_and_reference() {
    let company = Company::new().await;
    let refused = refusal(options(&company, Environment::of([]))).await;
    assert_eq!(refused, "the secret `env:HR_SECRET` of connection `hr` is not there");
}

#[tokio::test]
async fn a_real_tenant_needs_credentials() {
    let company = Company::new().await;
    let refused = refusal(Options { environment: Environment::of([("HR_SECRET", SECRET)]), ..real(&company) }).await;
    assert_eq!(refused, "no credentials: set AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET");
}

#[tokio::test]
async fn a_clock_elsewhere_is_not_followed() {
    let company = Company::new().await;
    let clock_url = Some(Url::parse("http://clock.contoso.example").unwrap());
    let refused = refusal(Options { clock_url, ..emulated(&company) }).await;
    assert_eq!(refused, "`--clock` must be an http address on this machine");
}
