//! Faults: what a call is decides whether one strikes; before or after the effect decides what is left of it.

use graph_emulator::Tenant;
use serde_json::{Value, json};

use crate::stage::*;

fn put(tenant: &mut Tenant, faults: &Value) {
    done(tenant, "PUT /_control/faults", faults);
}

fn title(tenant: &mut Tenant, id: &str) -> Value {
    get(tenant, &format!("/users/{id}?$select=jobTitle"))["jobTitle"].clone()
}

#[test]
fn a_fault_after_the_effect_refuses_what_was_done() {
    let mut tenant = demo();
    let patch = format!("PATCH /users/{BRAM}");
    for (fault, status) in [
        (json!({"action": "refuse", "status": 504}), 504),
        (json!({"action": "throttle", "retry_after": 3}), 429),
        (json!({"action": "refuse", "status": 409}), 409),
    ] {
        for (phase, takes_effect) in [("before", false), ("after", true)] {
            let mut fault = fault.clone();
            fault["phase"] = json!(phase);
            fault["match"] = json!({"route": "/users/{id}", "method": "PATCH"});
            put(&mut tenant, &json!([fault]));
            let new = format!("{status} {phase}");
            check(&mut tenant, &patch, &json!({"jobTitle": new}), status);
            assert_eq!(title(&mut tenant, BRAM) == new, takes_effect, "{new}");
            tenant.faults_fired().unwrap();
        }
    }
}

#[test]
fn a_cut_before_does_nothing_and_a_lost_answer_everything() {
    let mut tenant = demo();
    for (fault, effect) in [
        (json!({"action": "cut"}), false),
        (json!({"action": "cut", "phase": "after"}), true),
        (json!({"action": "lose_answer"}), true),
    ] {
        put(&mut tenant, &json!([fault]));
        let new = json!(fault.to_string());
        assert!(ask(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"jobTitle": new})).lost);
        assert_eq!(title(&mut tenant, BRAM) == new, effect, "{fault}");
    }
}

#[test]
fn a_duplicate_is_carried_out_twice_and_answered_once() {
    let mut tenant = demo();
    let create = person(&json!({}));
    put(&mut tenant, &json!([{"match": {"method": "POST", "path": "/users"}, "action": "duplicate"}]));
    check(&mut tenant, "POST /users", &create, 201);
    let calls = tenant.calls(0);
    let statuses: Vec<u64> = calls.as_array().unwrap().iter().map(|call| call["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 400], "both are on record, in order");
    let join = format!("POST /groups/{SALES}/members/$ref");
    put(&mut tenant, &json!([{"match": {"subject": JULIA}, "action": "duplicate", "answer": "second"}]));
    bad(&mut tenant, &join, &link(JULIA), "One or more added object references already exist");
    assert!(ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))).contains(&JULIA.to_owned()));
    tenant.faults_fired().unwrap();
}

#[test]
fn what_a_call_says_and_who_makes_it_count_too() {
    let mut tenant = demo();
    put(
        &mut tenant,
        &json!([
            {"match": {"route": "/users/{id}", "body": {"accountEnabled": false}}, "action": "refuse", "status": 503},
            {"match": {"app": "somebody else"}, "action": "refuse", "status": 500, "times": 9},
        ]),
    );
    check(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"accountEnabled": true, "city": "Delft"}), 204);
    check(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"accountEnabled": false, "city": "Delft"}), 503);
    let unfired = tenant.faults_fired().unwrap_err();
    assert!(unfired.to_string().contains("somebody else") && !unfired.to_string().contains("accountEnabled"));
    let shown = done(&mut tenant, "GET /_control/faults?unfired=true", &Value::Null);
    assert_eq!(shown.as_array().unwrap().len(), 1);
}

#[test]
fn faults_strike_inside_a_batch_item_by_item() {
    let mut tenant = demo();
    put(
        &mut tenant,
        &json!([
            {"match": {"subject": LENA}, "action": "throttle", "retry_after": 7},
            {"match": {"subject": BRAM}, "action": "delay", "delay_ms": 11, "phase": "before"},
            {"match": {"subject": BRAM}, "action": "duplicate"},
        ]),
    );
    let item = |id: &str, who: &str| json!({"id": id, "method": "GET", "url": format!("/users/{who}")});
    let answer = ask(&mut tenant, "POST /$batch", &json!({"requests": [item("1", LENA), item("2", BRAM)]}));
    let responses = answer.value()["responses"].as_array().unwrap();
    let status = |id: &str| responses.iter().find(|response| response["id"] == id).unwrap()["status"].clone();
    assert_eq!((status("1"), status("2"), answer.delay_ms), (json!(429), json!(200), 11));
    tenant.faults_fired().unwrap();
}

#[test]
fn a_call_that_is_held_back_and_an_answer_that_is_both_count() {
    let mut tenant = demo();
    put(
        &mut tenant,
        &json!([
            {"match": {"subject": BRAM}, "action": "delay", "delay_ms": 5, "phase": "before"},
            {"match": {"subject": BRAM}, "action": "delay", "delay_ms": 20},
        ]),
    );
    assert_eq!(ask(&mut tenant, &format!("GET /users/{BRAM}"), &Value::Null).delay_ms, 25);
    assert_eq!(ask(&mut tenant, &format!("GET /users/{BRAM}"), &Value::Null).delay_ms, 0);
}

#[test]
fn the_token_endpoint_is_struck_like_any_other() {
    let mut tenant = demo();
    put(&mut tenant, &json!([{"match": {"path": "*/token"}, "action": "delay", "delay_ms": 3, "phase": "before"}]));
    assert_eq!(tenant.ask("POST", "/contoso.example/oauth2/v2.0/token", &[], &Value::Null).delay_ms, 3);
    tenant.faults_fired().unwrap();
}
