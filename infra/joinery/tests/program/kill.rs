//! `kill -9`, thirty times within one small day, at seeded moments: every account, membership and license ends as the story
//! says.
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
    let mut data = json!({"worker": {"source_person_id": format!("k{person}")}});
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
                "location": {"country": "NL"},
            }),
        )
    });
    hired.collect()
}

/// The afternoon: half of them are dismissed on the spot.
fn dismissals() -> Vec<Value> {
    (0..PEOPLE / 2).map(|person| event(person, &json!({"termination": {"immediate": true}}))).collect()
}

/// The group and the product of the policy's package for Sales.
const SALES: (&str, &str) = ("10000000-0000-4000-8000-000000000001", "05e9a617-0261-4cee-bb44-138d3ef5d965");

/// What an account comes to: enabled, in the group of Sales, products.
type End = (bool, bool, Vec<String>);

/// How everybody must end, from the story alone: Sales has group and product, Legal neither, and the first `dismissed` nothing.
fn expected(dismissed: u64) -> BTreeMap<String, Vec<End>> {
    let end = |person| match (person < dismissed, person % 2 == 0) {
        (true, _) => (false, false, vec![]),
        (false, true) => (true, true, vec![SALES.1.to_owned()]),
        (false, false) => (true, false, vec![]),
    };
    (0..PEOPLE).map(|person| (format!("hr:k{person}"), vec![end(person)])).collect()
}

/// How the tenant has them, by the mark on each account: two accounts of one person would both stand here.
fn actual(company: &Company) -> BTreeMap<String, Vec<End>> {
    let snapshot = company.emulator.tenant().snapshot(true);
    let groups = snapshot["groups"].as_array().unwrap();
    let sales = groups.iter().find(|group| group["id"] == SALES.0).unwrap()["members"].to_string();
    let mut ends: BTreeMap<String, Vec<End>> = BTreeMap::new();
    for user in snapshot["users"].as_array().unwrap().iter().filter(|user| user["displayName"] == "Same Name") {
        let licenses = user["assignedLicenses"].as_array().cloned().unwrap_or_default();
        let products = licenses.iter().map(|license| license["skuId"].as_str().unwrap().to_owned()).collect();
        let is_in_sales = sales.contains(user["id"].as_str().unwrap());
        let mark = user["extension_0123456789abcdef0123456789abcdef_joineryPerson"].as_str().unwrap_or("nobody");
        ends.entry(mark.to_owned()).or_default().push((user["accountEnabled"] == true, is_in_sales, products));
    }
    ends
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
async fn thirty_kills_within_a_day_leave_everybody_as_the_story_says() {
    let company = Company::new().await;
    let mut seed = 20_260_302;
    let up = started(&company).await;
    let up = say_and_kill(&company, up, &hires(), &mut seed).await;
    eventually(&company, || (actual(&company) == expected(0)).then_some(())).await;
    let mut up = say_and_kill(&company, up, &dismissals(), &mut seed).await;
    eventually(&company, || (actual(&company) == expected(PEOPLE / 2)).then_some(())).await;
    up.0.kill().await.unwrap();
}
