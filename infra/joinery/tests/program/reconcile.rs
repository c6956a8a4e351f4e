//! `joinery up` reconciles by the clock.

use std::time::Duration;

use domain::ports::Roster;
use domain::step::StepState;
use jiff::SignedDuration;
use joinery::up::{Running, start};
use serde_json::json;

use crate::company::{Company, NOW};
use crate::start::emulated;
use crate::up::{eventually, hire, post, ready_account};

/// How long the person may take to come to rest.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(20);

/// Lets time go on until everything is read back, so that nobody has a reason to look at the person again.
async fn rest(company: &Company, running: &Running) {
    let id = "hr:9".parse().unwrap();
    let mut looks = tokio::time::interval(LOOK);
    loop {
        let person = running.store().person(&id).await.unwrap().unwrap();
        if person.steps.values().all(|step| matches!(step.state, StepState::Verified { .. })) {
            return;
        }
        company.emulator.tenant().advance(SignedDuration::from_millis(200));
        looks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m18_what_was_changed_behind_our_back_is_mended_by_the_next_reconciliation() {
    let company = Company::new().await;
    let running = start(emulated(&company)).await.unwrap();
    let address = format!("http://{}", running.address());
    assert_eq!(post(&address, "msg_1", NOW, &hire()).await.0, 202);
    let account = eventually(&company, || ready_account(&company)).await;
    tokio::time::timeout(PATIENCE, rest(&company, &running)).await.unwrap();

    let path = format!("/v1.0/users/{}", account["id"].as_str().unwrap());
    let answer = company.emulator.tenant().ask("PATCH", &path, &[], &json!({"accountEnabled": false}));
    assert_eq!(answer.status, 204, "{}", answer.value());
    let is_mended = || ready_account(&company).map(drop);
    assert_eq!(is_mended(), None);
    company.emulator.tenant().advance(SignedDuration::from_hours(7));
    eventually(&company, is_mended).await;
    assert!(running.shutdown().await);
}
