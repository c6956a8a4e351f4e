//! Change tracking: what a round tells, and the nuisances that clients must live with.

use std::collections::{BTreeMap, BTreeSet};

use graph_emulator::Tenant;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stage::*;

/// A whole round: its items in order, the number of its pages, the link to the next.
struct Round {
    items: Vec<Value>,
    pages: usize,
    link: String,
}

fn round(tenant: &mut Tenant, target: &str) -> Round {
    let mut round = Round { items: Vec::new(), pages: 0, link: target.to_owned() };
    loop {
        let page = get(tenant, &round.link);
        round.pages += 1;
        assert!(round.pages < 500, "a round ends");
        round.items.extend(page["value"].as_array().unwrap().iter().cloned());
        let path = |link: &str| link.split_once("/v1.0").unwrap().1.to_owned();
        if let Some(link) = page["@odata.deltaLink"].as_str() {
            round.link = path(link);
            return round;
        }
        round.link = path(page["@odata.nextLink"].as_str().unwrap());
    }
}

impl Round {
    fn ids(&self) -> Vec<&str> {
        self.items.iter().map(|item| item["id"].as_str().unwrap()).collect()
    }
}

fn pages_of(tenant: &mut Tenant, objects: usize, members: usize) {
    done(tenant, "PUT /_control/delta", &json!({"page": objects, "members": members}));
}

#[test]
fn a_first_round_tells_everybody_and_the_next_only_what_changed() {
    let mut tenant = demo();
    pages_of(&mut tenant, 10, 200);
    let first = round(&mut tenant, "/users/delta?$select=displayName,jobTitle");
    assert_eq!((first.items.len(), first.pages), (41, 5));
    assert_eq!(first.ids().iter().collect::<BTreeSet<_>>().len(), 41);
    let quiet = round(&mut tenant, &first.link);
    assert_eq!((quiet.items.len(), quiet.pages), (0, 1));
    let new = hire(&mut tenant, &json!({"jobTitle": "Clerk"}));
    done(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"jobTitle": "Manager"}));
    done(&mut tenant, &format!("PATCH /users/{LENA}"), &json!({"city": "Delft"}));
    let second = round(&mut tenant, &quiet.link);
    assert_eq!(
        second.items,
        [
            json!({"id": new, "displayName": "Zoë Müller", "jobTitle": "Clerk"}),
            json!({"id": BRAM, "displayName": "Bram Jansen", "jobTitle": "Manager"}),
        ]
    );
    let again = round(&mut tenant, &quiet.link);
    assert_eq!(again.items, second.items, "a link can be followed twice");
}

#[test]
fn what_was_cleared_is_null_and_what_was_never_set_is_left_out() {
    let mut tenant = demo();
    let first = round(&mut tenant, "/users/delta?$select=jobTitle,employeeType,faxNumber&$deltatoken=latest");
    assert_eq!(first.items.len(), 0);
    done(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"jobTitle": null}));
    let second = round(&mut tenant, &first.link);
    assert_eq!(second.items, [json!({"id": BRAM, "jobTitle": null, "employeeType": "Employee"})]);
    let minimal = ask_with(
        &mut tenant,
        &format!("GET {}", first.link),
        &[("prefer", "respond-async, return=minimal")],
        &Value::Null,
    );
    assert_eq!(minimal.value()["value"], json!([{"id": BRAM, "jobTitle": null}]));
}

#[test]
fn deletions_tell_whether_they_can_be_undone() {
    let mut tenant = demo();
    let start = round(&mut tenant, "/users/delta?$deltatoken=latest").link;
    done(&mut tenant, &format!("DELETE /users/{BRAM}"), &Value::Null);
    let soft = round(&mut tenant, &start);
    assert_eq!(soft.items, [json!({"id": BRAM, "@removed": {"reason": "changed"}})]);
    done(&mut tenant, &format!("POST /directory/deletedItems/{BRAM}/restore"), &Value::Null);
    let back = round(&mut tenant, &soft.link);
    assert_eq!((back.ids(), &back.items[0]["userPrincipalName"]), (vec![BRAM], &json!("bram.jansen@contoso.example")));
    done(&mut tenant, &format!("DELETE /users/{BRAM}"), &Value::Null);
    done(&mut tenant, &format!("DELETE /directory/deletedItems/{BRAM}"), &Value::Null);
    let hard = round(&mut tenant, &back.link);
    assert_eq!(hard.items, [json!({"id": BRAM, "@removed": {"reason": "deleted"}})]);
}

#[test]
fn groups_tell_who_joined_and_who_left() {
    let mut tenant = demo();
    let first = round(&mut tenant, "/groups/delta?$select=displayName,members");
    let sales = first.items.iter().find(|item| item["id"] == SALES).unwrap();
    let members = sales["members@delta"].as_array().unwrap();
    assert_eq!(members.len(), ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))).len());
    assert_eq!(members[0]["@odata.type"], "#microsoft.graph.user");
    done(&mut tenant, &format!("POST /groups/{SALES}/members/$ref"), &link(JULIA));
    done(&mut tenant, &format!("DELETE /groups/{SALES}/members/{BRAM}/$ref"), &Value::Null);
    let second = round(&mut tenant, &first.link);
    assert_eq!(
        second.items[0]["members@delta"],
        json!([
            {"@odata.type": "#microsoft.graph.user", "id": BRAM, "@removed": {"reason": "deleted"}},
            {"@odata.type": "#microsoft.graph.user", "id": JULIA},
        ])
    );
    assert_eq!((second.items.len(), &second.items[0]["displayName"]), (1, &sales["displayName"]));
    let blind = round(&mut tenant, "/groups/delta?$select=displayName&$deltatoken=latest");
    done(&mut tenant, &format!("DELETE /groups/{SALES}/members/{JULIA}/$ref"), &Value::Null);
    assert_eq!(round(&mut tenant, &blind.link).items.len(), 0);
}

#[test]
fn a_large_group_comes_in_parts() {
    let mut tenant = demo();
    pages_of(&mut tenant, 3, 2);
    let parts = round(&mut tenant, "/groups/delta?$select=members");
    let mut merged: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for item in &parts.items {
        let members = item["members@delta"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(members.len() <= 2);
        merged
            .entry(item["id"].as_str().unwrap())
            .or_default()
            .extend(members.iter().map(|m| m["id"].as_str().unwrap()));
    }
    let all = ids(&get(&mut tenant, &format!("/groups/{SALES}/members?$top=999")));
    assert_eq!(merged[SALES], all);
    assert!(parts.ids().iter().filter(|id| **id == SALES).count() > 1);
}

#[test]
fn managers_are_tracked_by_name() {
    let mut tenant = demo();
    let manager = get(&mut tenant, &format!("/users/{BRAM}/manager"))["id"].clone();
    let first = round(&mut tenant, "/users/delta?$select=manager&$deltatoken=latest");
    done(&mut tenant, &format!("PUT /users/{BRAM}/manager/$ref"), &link(JULIA));
    let second = round(&mut tenant, &first.link);
    let told = second.items[0]["manager@delta"].as_array().unwrap();
    assert!(told.contains(&json!({"@odata.type": "#microsoft.graph.user", "id": JULIA})));
    assert!(
        told.contains(
            &json!({"@odata.type": "#microsoft.graph.user", "id": manager, "@removed": {"reason": "deleted"}})
        )
    );
}

#[test]
fn one_id_can_come_several_times_and_a_page_can_be_empty() {
    let mut tenant = demo();
    let start = round(&mut tenant, "/users/delta?$select=jobTitle&$deltatoken=latest").link;
    pages_of(&mut tenant, 1, 1);
    for (name, value) in [("jobTitle", "a"), ("city", "b"), ("jobTitle", "c")] {
        done(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({name: value}));
    }
    let told = round(&mut tenant, &start);
    assert_eq!((told.ids(), told.pages), (vec![BRAM, BRAM], 3));
}

#[test]
fn only_some_objects_can_be_asked_for_and_little_else() {
    let mut tenant = demo();
    let filter = format!("/users/delta?$select=jobTitle&$filter=id eq '{BRAM}' or id eq '{LENA}'");
    let first = round(&mut tenant, &filter);
    assert_eq!(first.ids(), [LENA, BRAM]);
    done(&mut tenant, &format!("PATCH /users/{JULIA}"), &json!({"jobTitle": "x"}));
    assert_eq!(round(&mut tenant, &first.link).items.len(), 0);
    for wrong in ["$top=5", "$expand=manager", "$orderby=displayName", "$count=true", "$filter=city eq 'Delft'"] {
        check(&mut tenant, &format!("GET /users/delta?{wrong}"), &Value::Null, 400);
    }
    check(&mut tenant, "GET /users/delta?$select=shade", &Value::Null, 400);
    check(&mut tenant, "GET /users/delta?$select=aboutMe", &Value::Null, 501);
    check(&mut tenant, "GET /users/delta?$deltatoken=mine", &Value::Null, 400);
    let groups = first.link.replace("/users/", "/groups/");
    check(&mut tenant, &format!("GET {groups}"), &Value::Null, 400);
}

#[test]
fn licenses_are_tracked_and_their_states_and_sign_ins_are_not() {
    let mut tenant = demo();
    let select = "assignedLicenses,signInActivity,licenseAssignmentStates";
    let start = round(&mut tenant, &format!("/users/delta?$select={select}&$deltatoken=latest")).link;
    done(&mut tenant, &format!("PUT /_control/sign-ins/{BRAM}"), &json!({}));
    let quiet = round(&mut tenant, &start);
    assert_eq!(quiet.items.len(), 0);
    done(&mut tenant, &format!("POST /users/{JULIA}/assignLicense"), &add(E3));
    let told = round(&mut tenant, &quiet.link);
    assert_eq!((told.ids(), &told.items[0]["assignedLicenses"][0]["skuId"]), (vec![JULIA], &json!(E3)));
}

#[test]
fn a_link_is_good_for_seven_days_and_a_new_one_for_seven_more() {
    let mut tenant = demo();
    let start = round(&mut tenant, "/users/delta?$select=jobTitle").link;
    wait(&mut tenant, 6 * 86_400_000);
    let renewed = round(&mut tenant, &start).link;
    wait(&mut tenant, 2 * 86_400_000);
    check(&mut tenant, &format!("GET {renewed}"), &Value::Null, 200);
    let answer = ask(&mut tenant, &format!("GET {start}"), &Value::Null);
    assert_eq!((answer.status, &answer.value()["error"]["code"]), (410, &json!("syncStateNotFound")));
    let (_, location) = answer.headers.iter().find(|(name, _)| *name == "location").unwrap();
    let location = location.split_once("/v1.0").unwrap().1;
    assert_eq!(location, "/users/delta?%24select=jobTitle&%24deltatoken=");
    assert_eq!(round(&mut tenant, location).items.len(), 41);
    done(&mut tenant, "PUT /_control/delta", &json!({"forget": true}));
    check(&mut tenant, &format!("GET {renewed}"), &Value::Null, 410);
    check(&mut tenant, "PUT /_control/delta", &json!({"page": 0}), 400);
}

#[test]
fn a_token_from_before_a_reset_is_too_old() {
    let mut tenant = demo();
    hire(&mut tenant, &json!({}));
    let start = round(&mut tenant, "/users/delta").link;
    tenant.reset();
    check(&mut tenant, &format!("GET {start}"), &Value::Null, 410);
}

/// What somebody knows who has followed rounds: titles by id.
fn learn(known: &mut BTreeMap<String, Value>, round: &Round) {
    for item in &round.items {
        let id = item["id"].as_str().unwrap().to_owned();
        match item.get("@removed") {
            Some(_) => known.remove(&id),
            None => known.insert(id, item.get("jobTitle").cloned().unwrap_or_default()),
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whoever_follows_the_links_knows_the_truth_once_it_has_settled(
        steps in prop::collection::vec((0..5_u8, 1..30_u8, 0..4000_i64), 1..40), page in 1..7_usize, seed: u8,
    ) {
        let mut tenant = demo();
        done(&mut tenant, "PUT /_control/latency", &json!({"settle_ms": 5_000, "replicas": 3, "seed": seed}));
        pages_of(&mut tenant, page, 2);
        let mut known = BTreeMap::new();
        let mut link = "/users/delta?$select=jobTitle".to_owned();
        for (n, (what, who, ms)) in steps.iter().enumerate() {
            let id = format!("20000000-0000-4000-8000-{who:012}");
            let (line, body) = match what {
                0 => (format!("DELETE /users/{id}"), Value::Null),
                1 => (format!("POST /directory/deletedItems/{id}/restore"), Value::Null),
                2 => ("POST /users".to_owned(), person(&json!({"userPrincipalName": format!("p{n}@contoso.example")}))),
                _ => (format!("PATCH /users/{id}"), json!({"jobTitle": format!("title {n}")})),
            };
            ask(&mut tenant, &line, &body);
            wait(&mut tenant, *ms);
            if n % 3 == 0 {
                let told = round(&mut tenant, &link);
                learn(&mut known, &told);
                link = told.link;
            }
        }
        wait(&mut tenant, 5_000);
        learn(&mut known, &round(&mut tenant, &link));
        let snapshot = tenant.snapshot(true);
        let truth: BTreeMap<String, Value> = snapshot["users"].as_array().unwrap().iter()
            .map(|user| (user["id"].as_str().unwrap().to_owned(), user.get("jobTitle").cloned().unwrap_or_default()))
            .collect();
        prop_assert_eq!(known, truth);
    }
}
