use serde_json::{Value, json};

use crate::stage::*;

fn item(id: &str, method: &str, url: &str) -> Value {
    json!({"id": id, "method": method, "url": url})
}

fn statuses(answer: &Value) -> Vec<(String, u64)> {
    let responses = answer["responses"].as_array().unwrap().iter();
    let mut found: Vec<(String, u64)> =
        responses.map(|one| (one["id"].as_str().unwrap().to_owned(), one["status"].as_u64().unwrap())).collect();
    found.sort();
    found
}

#[test]
fn items_succeed_and_fail_by_themselves() {
    let mut tenant = demo();
    let mut add = item("c", "POST", &format!("/groups/{SALES}/members/$ref"));
    add["body"] = link(JULIA);
    let mut add_typed = add.clone();
    (add_typed["id"], add_typed["headers"]) = (json!("d"), json!({"Content-Type": "application/json"}));
    let items = [
        item("a", "GET", &format!("/users/{BRAM}?$select=id")),
        item("b", "GET", &format!("users/{NOBODY}")),
        add,
        add_typed,
    ];
    let answer = done(&mut tenant, "POST /$batch", &json!({"requests": items}));
    let expected = [("a", 200), ("b", 404), ("c", 400), ("d", 204)].map(|(id, status)| (id.to_owned(), status));
    assert_eq!(statuses(&answer), expected);
    let first = answer["responses"].as_array().unwrap().iter().find(|one| one["id"] == "a").unwrap();
    assert_eq!(first["body"]["id"], BRAM);
}

#[test]
fn answers_come_in_any_order() {
    let mut tenant = demo();
    let items: Vec<Value> =
        (0..20).map(|n| item(&n.to_string(), "GET", &format!("/users/{BRAM}?$select=id"))).collect();
    let answer = done(&mut tenant, "POST /$batch", &json!({"requests": items}));
    let order: Vec<&str> =
        answer["responses"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(order.len(), 20);
    assert_ne!(order, (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn malformed_batches_are_refused_whole() {
    let good = || item("1", "GET", "/users");
    let twenty_one: Vec<Value> = (0..21).map(|n| item(&n.to_string(), "GET", "/users")).collect();
    for body in [
        json!({}),
        json!({"requests": []}),
        json!({"requests": twenty_one}),
        json!({"requests": [item("a", "GET", "/users"), item("A", "GET", "/users")]}),
        json!({"requests": [item("1", "GET", "https://graph.microsoft.com/v1.0/users")]}),
        json!({"requests": [item("1", "POST", "/$batch")]}),
        json!({"requests": [{"id": "1", "url": "/users"}]}),
        json!({"requests": [{"id": "1", "method": "GET", "url": "/users", "dependsOn": ["2"]}, good()]}),
    ] {
        refused(&mut demo(), "POST /$batch", &body, 400, "BadRequest", "Invalid batch payload format.");
    }
}

#[test]
fn what_depends_on_a_failure_fails_with_it() {
    let mut tenant = demo();
    let mut second = item("2", "DELETE", &format!("/users/{BRAM}"));
    second["dependsOn"] = json!(["1"]);
    let mut third = item("3", "GET", "/users");
    third["dependsOn"] = json!(["2"]);
    let answer = done(
        &mut tenant,
        "POST /$batch",
        &json!({"requests": [item("1", "GET", &format!("/users/{NOBODY}")), second, third]}),
    );
    assert_eq!(statuses(&answer), [("1".to_owned(), 404), ("2".to_owned(), 424), ("3".to_owned(), 424)]);
    check(&mut tenant, &format!("GET /users/{BRAM}"), &Value::Null, 200);
}

#[test]
fn throttling_strikes_items_not_batches() {
    let mut tenant = demo();
    done(&mut tenant, "PUT /_control/quotas", &json!({"app_tenant_writes": {"limit": 2, "window_ms": 30_000}}));
    let revoke = |n: usize| item(&n.to_string(), "POST", &format!("/users/{BRAM}/revokeSignInSessions"));
    let answer = ask(&mut tenant, "POST /$batch", &json!({"requests": (0..4).map(revoke).collect::<Vec<_>>()}));
    assert_eq!(answer.status, 200);
    assert_eq!(statuses(answer.value()).iter().map(|(_, status)| *status).collect::<Vec<_>>(), [200, 200, 429, 429]);
    let throttled = answer.value()["responses"].as_array().unwrap().iter().find(|one| one["status"] == 429).unwrap();
    assert_eq!(throttled["headers"]["Retry-After"], "30");
    assert_eq!(throttled["body"]["error"]["code"], "TooManyRequests");
}

#[test]
fn every_item_is_recorded_after_its_batch() {
    let mut tenant = demo();
    let items = [item("a", "GET", "/users?$top=1"), item("b", "GET", &format!("/users/{BRAM}"))];
    done(&mut tenant, "POST /$batch", &json!({"requests": items}));
    let calls = tenant.calls(0);
    let seen: Vec<(&Value, &Value)> =
        calls.as_array().unwrap().iter().map(|call| (&call["path"], &call["batch"])).collect();
    let user = format!("/users/{BRAM}");
    assert_eq!(seen, [(&json!("/$batch"), &Value::Null), (&json!("/users"), &json!(1)), (&json!(user), &json!(1))]);
    assert_eq!(calls[2]["subject"], BRAM);
}

#[test]
fn items_that_depend_on_none_are_under_way_together_and_get_into_each_others_way_where_that_is_asked_for() {
    let mut tenant = demo();
    let revoke = |id: &str, user: &str| item(id, "POST", &format!("/users/{user}/revokeSignInSessions"));
    let items = json!({"requests": [revoke("a", BRAM), revoke("b", BRAM), revoke("c", JULIA)]});
    let all = |statuses: [u64; 3]| ["a", "b", "c"].map(str::to_owned).into_iter().zip(statuses).collect::<Vec<_>>();
    assert_eq!(statuses(&done(&mut tenant, "POST /$batch", &items)), all([200, 200, 200]));
    done(&mut tenant, "PUT /_control/concurrency", &json!({"refused": true}));
    assert_eq!(statuses(&done(&mut tenant, "POST /$batch", &items)), all([200, 409, 200]));
    // Nothing of it stays under way; and a chain is carried out one after the other.
    let mut after = revoke("b", BRAM);
    after["dependsOn"] = json!(["a"]);
    let chain = json!({"requests": [revoke("a", BRAM), after, revoke("c", JULIA)]});
    assert_eq!(statuses(&done(&mut tenant, "POST /$batch", &chain)), all([200, 200, 200]));
}
