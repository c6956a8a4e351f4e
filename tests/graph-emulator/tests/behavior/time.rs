//! Replicas, quotas, faults, the clock, and going back to the start.

use graph_emulator::{Options, Tenant, Undecided};
use serde_json::{Value, json};

use crate::stage::*;

#[test]
fn a_new_person_is_seen_by_some_reads_and_not_by_others_until_settled() {
    let mut tenant = demo();
    done(&mut tenant, "PUT /_control/latency", &json!({"settle_ms": 10_000, "replicas": 4, "seed": 3}));
    let id = hire(&mut tenant, &json!({}));
    wait(&mut tenant, 5_000);
    let mut seen: Vec<u16> =
        (0..30).map(|_| ask(&mut tenant, &format!("GET /users/{id}"), &Value::Null).status).collect();
    let flaps = seen.windows(2).filter(|pair| pair[0] != pair[1]).count();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, [200, 404]);
    assert!(flaps > 2, "answers flap between replicas");
    let upn = "GET /users/zoe.muller@contoso.example";
    assert!((0..30).any(|_| ask(&mut tenant, upn, &Value::Null).status == 404));
    bad(&mut tenant, "POST /users", &person(&json!({})), "Another object with the same value");
    wait(&mut tenant, 5_000);
    assert!((0..30).all(|_| ask(&mut tenant, upn, &Value::Null).status == 200));
}

#[test]
fn changes_memberships_and_seats_lag_like_everything_else() {
    let mut tenant = demo();
    done(&mut tenant, "PUT /_control/latency", &json!({"settle_ms": 10_000}));
    done(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"jobTitle": "New"}));
    done(&mut tenant, &format!("POST /groups/{SALES}/members/$ref"), &link(JULIA));
    done(&mut tenant, &format!("POST /users/{JULIA}/assignLicense"), &add(E3));
    wait(&mut tenant, 4_000);
    let views = |tenant: &mut Tenant| -> [Vec<String>; 3] {
        let mut views = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..30 {
            views[0].push(get(tenant, &format!("/users/{BRAM}?$select=jobTitle"))["jobTitle"].to_string());
            views[1]
                .push(ids(&get(tenant, &format!("/users/{JULIA}/memberOf"))).contains(&SALES.to_owned()).to_string());
            views[2].push(get(tenant, "/subscribedSkus?$select=consumedUnits")["value"][0].to_string());
        }
        views.map(|mut view| {
            view.sort();
            view.dedup();
            view
        })
    };
    assert!(views(&mut tenant).iter().all(|view| view.len() == 2));
    wait(&mut tenant, 6_000);
    assert!(views(&mut tenant).iter().all(|view| view.len() == 1));
}

#[test]
fn a_location_set_a_moment_ago_may_not_have_reached_licensing() {
    let mut tenant = demo();
    done(&mut tenant, "PUT /_control/latency", &json!({"settle_ms": 10_000}));
    let mut outcomes: Vec<u16> = Vec::new();
    for n in 0..8 {
        let upn = format!("p{n}@contoso.example");
        let id = hire(&mut tenant, &json!({"userPrincipalName": upn}));
        wait(&mut tenant, 10_000);
        done(&mut tenant, &format!("PATCH /users/{id}"), &json!({"usageLocation": "NL"}));
        wait(&mut tenant, 5_000);
        outcomes.push(
            ask(&mut tenant, &format!("POST /users/{id}/assignLicense"), &add("f8a1db68-be16-40ed-86d5-cb42ce701560"))
                .status,
        );
    }
    assert!(outcomes.contains(&200) && outcomes.contains(&400), "{outcomes:?}");
}

#[test]
fn the_same_seeds_give_the_same_tenant_and_the_same_flapping() {
    let run = || {
        let mut tenant = Tenant::demo(Options::default()).unwrap();
        let id = hire(&mut tenant, &json!({}));
        let statuses: Vec<u16> = (0..50)
            .map(|_| {
                wait(&mut tenant, 40);
                ask(&mut tenant, &format!("GET /users/{id}"), &Value::Null).status
            })
            .collect();
        (id, statuses, tenant.snapshot(false))
    };
    assert_eq!(run(), run());
}

#[test]
fn too_many_writes_are_throttled_with_the_documented_answer() {
    let mut tenant = demo();
    done(&mut tenant, "PUT /_control/quotas", &json!({"app_tenant_writes": {"limit": 1, "window_ms": 150_000}}));
    let patch = format!("PATCH /users/{BRAM}");
    check(&mut tenant, &patch, &json!({"city": "Delft"}), 204);
    wait(&mut tenant, 1_500);
    let answer = ask(&mut tenant, &patch, &json!({"city": "Gouda"}));
    assert_eq!(answer.status, 429);
    let error = &answer.value()["error"];
    assert_eq!((&error["code"], &error["message"]), (&json!("TooManyRequests"), &json!("Please retry again later.")));
    assert_eq!((&error["innerError"]["code"], &error["innerError"]["status"]), (&json!("429"), &json!("429")));
    let header = |name: &str| answer.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str());
    assert_eq!(header("retry-after"), Some("149"));
    assert_eq!(header("x-ms-throttle-information"), Some("WriteLimitExceeded"));
    assert!(header("x-ms-throttle-scope").unwrap().starts_with("Tenant_Application/Write/"));
    check(&mut tenant, &format!("GET /users/{BRAM}"), &Value::Null, 200);
    assert_eq!(get(&mut tenant, &format!("/users/{BRAM}?$select=city"))["city"], "Delft");
    wait(&mut tenant, 300_000);
    check(&mut tenant, &patch, &json!({"city": "Gouda"}), 204);
}

#[test]
fn the_documented_limits_are_the_default() {
    let mut tenant = demo();
    let quotas = done(&mut tenant, "GET /_control/quotas", &Value::Null);
    assert_eq!(quotas["app_tenant_reads"]["limit"], 3500);
    assert_eq!(quotas["app_tenant_writes"], json!({"limit": 3000, "window_ms": 150_000, "used": {}}));
    let cost = |tenant: &mut Tenant, target: &str| -> String {
        let answer = ask(tenant, &format!("GET {target}"), &Value::Null);
        answer.headers.iter().find(|(name, _)| *name == "x-ms-resource-unit").unwrap().1.clone()
    };
    for (target, units) in [
        ("/users", "2"),
        ("/users?$select=id", "1"),
        ("/users?$top=5", "1"),
        ("/users?$expand=manager", "3"),
        ("/subscribedSkus", "3"),
        (&format!("/groups/{SALES}/transitiveMembers"), "5"),
        ("/organization?$select=id", "1"),
    ] {
        assert_eq!(cost(&mut tenant, target), units, "{target}");
    }
}

#[test]
fn faults_strike_before_or_after_the_work_and_count_themselves() {
    let mut tenant = demo();
    let faults = json!([
        {"match": {"method": "PATCH", "path": "/users/*", "subject": BRAM}, "action": "refuse", "status": 503, "retry_after": 4},
        {"match": {"method": "DELETE"}, "action": "lose_answer"},
        {"match": {"method": "POST", "path": "/users"}, "action": "cut"},
        {"match": {"path_prefix": "/organization"}, "action": "throttle", "retry_after": "2.128", "times": 2},
        {"match": {"path_prefix": "/domains"}, "action": "delay", "delay_ms": 20},
    ]);
    done(&mut tenant, "PUT /_control/faults", &faults);
    check(&mut tenant, &format!("PATCH /users/{LENA}"), &json!({"city": "Delft"}), 204);
    let refused = ask(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"city": "Delft"}));
    assert_eq!((refused.status, &refused.value()["error"]["code"]), (503, &json!("serviceNotAvailable")));
    assert!(refused.headers.contains(&("retry-after", "4".to_owned())));
    check(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"city": "Delft"}), 204);
    assert!(ask(&mut tenant, &format!("DELETE /users/{BRAM}"), &Value::Null).lost);
    check(&mut tenant, &format!("GET /users/{BRAM}"), &Value::Null, 404);
    assert!(ask(&mut tenant, "POST /users", &person(&json!({}))).lost);
    check(&mut tenant, "GET /users/zoe.muller@contoso.example", &Value::Null, 404);
    let throttled = ask(&mut tenant, "GET /organization", &Value::Null);
    assert!(throttled.headers.contains(&("retry-after", "2.128".to_owned())));
    assert_eq!(ask(&mut tenant, "GET /domains", &Value::Null).delay_ms, 20);
    let shown = done(&mut tenant, "GET /_control/faults", &Value::Null);
    let fired: Vec<&Value> = shown.as_array().unwrap().iter().map(|fault| &fault["fired"]).collect();
    assert_eq!(fired, [1, 1, 1, 1, 1]);
    let calls = tenant.calls(0);
    let lost = calls.as_array().unwrap().iter().filter(|call| call["lost"] == true).count();
    assert_eq!(lost, 2);
}

#[test]
fn calls_are_numbered_and_can_be_read_from_a_point_on() {
    let mut tenant = demo();
    get(&mut tenant, "/users?$top=1");
    done(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"passwordProfile": {"password": "Quiet-Rain-77"}}));
    check(&mut tenant, &format!("POST /groups/{SALES}/members/$ref"), &link(NOBODY), 404);
    let calls = done(&mut tenant, "GET /_control/calls?since=1", &Value::Null);
    assert_eq!(calls["last"], 3);
    let patch = &calls["calls"][0];
    assert_eq!((&patch["seq"], &patch["method"], &patch["status"]), (&json!(2), &json!("PATCH"), &json!(204)));
    assert_eq!((&patch["subject"], &patch["at"]), (&json!(BRAM), &json!("2026-03-02T08:00:00Z")));
    assert_eq!(patch["body"], json!({"passwordProfile": {"password": "***"}}));
    assert_eq!(calls["calls"][1]["related"], json!([NOBODY]));
    done(&mut tenant, "DELETE /_control/calls", &Value::Null);
    assert_eq!(done(&mut tenant, "GET /_control/calls", &Value::Null), json!({"last": 3, "calls": []}));
}

#[test]
fn the_clock_stands_moves_and_refuses_to_tick_without_a_machine() {
    let mut tenant = demo();
    let clock = done(&mut tenant, "PUT /_control/clock", &json!({"advance_ms": 90_000}));
    assert_eq!(clock, json!({"now": "2026-03-02T08:01:30Z", "running": false}));
    done(&mut tenant, "PUT /_control/clock", &json!({"now": "2026-04-01T00:00:00Z"}));
    assert_eq!(tenant.now().to_string(), "2026-04-01T00:00:00Z");
    check(&mut tenant, "PUT /_control/clock", &json!({"running": true}), 400);
    check(&mut tenant, "PUT /_control/clock", &json!({"now": "yesterday"}), 400);
    check(&mut tenant, "GET /_control/tides", &Value::Null, 400);
}

#[test]
fn what_happens_outside_graph_can_be_played() {
    let mut tenant = demo();
    done(&mut tenant, &format!("PUT /_control/objects/{SYNCED}"), &json!({"department": "Sales"}));
    assert_eq!(get(&mut tenant, &format!("/users/{SYNCED}?$select=department"))["department"], "Sales");
    check(&mut tenant, &format!("PUT /_control/objects/{NOBODY}"), &json!({"department": "Sales"}), 400);
}

#[test]
fn a_reset_goes_back_to_the_seed_or_to_another() {
    let mut tenant = demo();
    let before = tenant.snapshot(false);
    hire(&mut tenant, &json!({}));
    done(&mut tenant, "PUT /_control/clock", &json!({"advance_ms": 5}));
    assert_eq!(done(&mut tenant, "PUT /_control/reset", &json!({})), before);
    assert_eq!(tenant.calls(0), json!([]));
    done(&mut tenant, "PUT /_control/reset", &json!({"users": [{"userPrincipalName": "only@contoso.example"}]}));
    assert_eq!(get(&mut tenant, "/users")["value"].as_array().unwrap().len(), 1);
    check(&mut tenant, "PUT /_control/reset", &json!({"users": [{}]}), 400);
}

#[test]
fn the_least_seed_is_enough_and_a_wrong_one_says_where() {
    let id = "11111111-2222-4333-8444-555555555555";
    let mut tenant = seeded(&json!({"users": [{"id": id, "userPrincipalName": "a@fabrikam.example"}]}));
    let user = get(&mut tenant, &format!("/users/{id}?$select=accountEnabled,displayName,userType"));
    assert_eq!(user["accountEnabled"], true);
    hire(&mut tenant, &json!({"userPrincipalName": "b@fabrikam.example"}));
    check(&mut seeded(&json!({})), "GET /users", &Value::Null, 200);
    let mut tenant = seeded(&json!({
        "users": [{"id": id, "userPrincipalName": "a@x.y", "roles": [{"displayName": "Global Administrator"}]}],
        "groups": [{"id": SALES, "members": [{"id": id}], "owners": [link(id)]}],
    }));
    check(&mut tenant, &format!("DELETE /users/{id}"), &Value::Null, 403);
    assert_eq!(
        ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))),
        ids(&get(&mut tenant, &format!("/groups/{SALES}/owners")))
    );
    for (seed, path) in [
        (json!({"users": [{"id": id}]}), "users[0].userPrincipalName"),
        (
            json!({"users": [{"userPrincipalName": "a@x.y"}, {"userPrincipalName": "A@x.y"}]}),
            "users[1].userPrincipalName",
        ),
        (json!({"users": [{"id": "x", "userPrincipalName": "a@x.y"}]}), "users[0].id"),
        (json!({"groups": [{"members": [id]}]}), "groups[0].members[0]"),
        (
            json!({"users": [{"userPrincipalName": "a@x.y", "assignedLicenses": [{"skuId": E3}]}]}),
            "users[0].assignedLicenses[0].skuId",
        ),
        (json!({"subscribedSkus": [{}]}), "subscribedSkus[0].skuId"),
        (json!({"now": "soon"}), "now"),
        (json!({"userz": []}), "userz"),
        (json!({"users": {}}), "users"),
    ] {
        assert_eq!(Tenant::from_seed(&seed, Options::default()).unwrap_err().path, path);
    }
}

#[test]
fn seats_stated_beyond_those_of_the_seeded_people_are_held_elsewhere() {
    let seed = json!({
        "subscribedSkus": [{"skuPartNumber": "SPE_E3", "consumedUnits": 24, "prepaidUnits": {"enabled": 25}}],
        "users": [
            {"id": BRAM, "userPrincipalName": "a@x.y", "usageLocation": "NL", "assignedLicenses": [{"skuId": E3}]},
            {"id": JULIA, "userPrincipalName": "b@x.y", "usageLocation": "NL"},
            {"id": MONIKA, "userPrincipalName": "c@x.y", "usageLocation": "NL"},
        ],
    });
    let mut tenant = seeded(&seed);
    assert_eq!(free(&mut tenant, E3), 1);
    check(&mut tenant, &format!("POST /users/{JULIA}/assignLicense"), &add(E3), 200);
    check(&mut tenant, &format!("POST /users/{MONIKA}/assignLicense"), &add(E3), 400);
    check(&mut tenant, &format!("POST /users/{BRAM}/assignLicense"), &remove(E3), 200);
    assert_eq!(get(&mut tenant, "/subscribedSkus")["value"][0]["consumedUnits"], 24);
}

#[test]
fn what_the_documentation_leaves_open_can_be_switched() {
    let undecided =
        Undecided { deleted_security_group_is_kept: true, mail_group_write_is_403: true, throttled_batch_is_424: true };
    let mut tenant = Tenant::demo(Options { undecided, ..Options::default() }).unwrap();
    done(&mut tenant, "PUT /_control/latency", &json!({"settle_ms": 0}));
    check(&mut tenant, &format!("POST /groups/{MAIL_ENABLED}/members/$ref"), &link(JULIA), 403);
    check(&mut tenant, &format!("DELETE /groups/{SALES}"), &Value::Null, 204);
    check(&mut tenant, &format!("POST /directory/deletedItems/{SALES}/restore"), &Value::Null, 200);
    done(&mut tenant, "PUT /_control/quotas", &json!({"app_tenant_reads": {"limit": 0}}));
    let batch = json!({"requests": [{"id": "1", "method": "GET", "url": "/users"}]});
    check(&mut tenant, "POST /$batch", &batch, 424);
}

#[test]
fn a_tenant_can_be_without_limits() {
    let mut tenant = Tenant::demo(Options { unlimited: true, ..Options::default() }).unwrap();
    for _ in 0..3_100 {
        check(&mut tenant, &format!("POST /users/{BRAM}/revokeSignInSessions"), &Value::Null, 200);
    }
    tenant.reset();
    assert_eq!(done(&mut tenant, "GET /_control/quotas", &Value::Null)["enabled"], false);
}
