//! `kill -9`, thirty times within one day, at seeded moments: the tenant ends as if nothing had happened.
//!
//! A moment is a number of writes the tenant has seen, or a number of looks at it when nothing is being written, so that it falls on
//! the work and not on the clock.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::process::Child;

use crate::company::{Company, NOW};
use crate::up::{eventually, post, started};

/// How often the program is killed.
const KILLS: u64 = 30;
/// The people of the day.
const PEOPLE: u64 = 8;

/// A worker's event.
fn event(person: u64, facts: &Value) -> Value {
    let mut data = json!({"worker": {"source_person_id": person.to_string()}});
    data.as_object_mut().unwrap().extend(facts.as_object().unwrap().clone());
    json!({"type": "worker.changed", "timestamp": NOW, "data": data})
}

/// The morning: everybody is hired.
fn hires() -> Vec<Value> {
    let hired = (0..PEOPLE).map(|person| {
        let department = if person % 2 == 0 { "Sales" } else { "Legal" };
        event(
            person,
            &json!({
                "name": {"legal": {"given": "Same", "family": "Name"}},
                "employment": {"hire_date": "2026-03-02", "type": "employee", "status": "active"},
                "org": {"department": {"name": department}},
            }),
        )
    });
    hired.collect()
}

/// The afternoon: half of them are dismissed on the spot.
fn dismissals() -> Vec<Value> {
    (0..PEOPLE / 2).map(|person| event(person, &json!({"termination": {"immediate": true}}))).collect()
}

/// What counts of the tenant, by user principal name: enabled, licenses.
fn end(company: &Company) -> BTreeMap<String, (bool, Value)> {
    let snapshot = company.emulator.tenant().snapshot(true);
    let users = snapshot["users"].as_array().cloned().unwrap_or_default();
    let ours = users.into_iter().filter(|user| user["displayName"] == "Same Name");
    let told = ours.map(|user| {
        let name = user["userPrincipalName"].as_str().unwrap().to_owned();
        (name, (user["accountEnabled"] == true, user["assignedLicenses"].clone()))
    });
    told.collect()
}

/// Whether everybody has one account, and this many of them can sign in.
fn has_come_to(company: &Company, enabled: u64) -> Option<()> {
    let people = end(company);
    let open = people.values().filter(|(enabled, _)| *enabled).count() as u64;
    (people.len() as u64 == PEOPLE && open == enabled).then_some(())
}

fn writes(company: &Company) -> usize {
    let calls = company.emulator.tenant().calls(0);
    calls.as_array().map_or(0, |calls| calls.iter().filter(|call| call["method"] != "GET").count())
}

/// A small generator, so that the moments are the same in every run.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

/// Says the events one after the other while the program is killed again and again; answers the one that runs then.
async fn say_and_kill(company: &Company, mut up: (Child, String), events: &[Value], seed: &mut u64) -> (Child, String) {
    for round in 0..KILLS / 2 {
        if let Some(event) = usize::try_from(round).ok().and_then(|round| events.get(round)) {
            assert_eq!(post(&up.1, &format!("msg_{}_{round}", events.len()), NOW, event).await.0, 202);
        }
        let (begun, more, mut looks) = (writes(company) as u64, next(seed) % 4, next(seed) % 12);
        eventually(company, || {
            looks = looks.saturating_sub(1);
            (looks == 0 || writes(company) as u64 >= begun + more).then_some(())
        })
        .await;
        up.0.kill().await.unwrap();
        up = started(company).await;
    }
    up
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_kills_within_a_day_end_in_the_same_tenant() {
    let company = Company::new().await;
    let mut seed = 20_260_302;
    let up = started(&company).await;
    let up = say_and_kill(&company, up, &hires(), &mut seed).await;
    eventually(&company, || has_come_to(&company, PEOPLE)).await;
    let mut up = say_and_kill(&company, up, &dismissals(), &mut seed).await;
    eventually(&company, || has_come_to(&company, PEOPLE - PEOPLE / 2)).await;
    let without_access =
        |(enabled, licenses): &(bool, Value)| *enabled || licenses.as_array().is_none_or(Vec::is_empty);
    eventually(&company, || end(&company).values().all(without_access).then_some(())).await;
    assert_eq!(end(&company).len() as u64, PEOPLE, "one account each");
    up.0.kill().await.unwrap();
}
