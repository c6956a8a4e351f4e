use serde_json::{Value, json};

use crate::stage::*;

const ALREADY: &str =
    "One or more added object references already exist for the following modified properties: 'members'.";
const DENIED: &str = "Insufficient privileges to complete the operation.";
const EXCHANGE: &str = "Cannot Update a mail-enabled security groups and or distribution list.";

fn group(changes: &Value) -> Value {
    let mut body = json!({"displayName": "New", "mailEnabled": false, "mailNickname": "new", "securityEnabled": true});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    body
}

#[test]
fn security_and_microsoft_365_groups_can_be_made() {
    let mut tenant = demo();
    let made = done(&mut tenant, "POST /groups", &group(&json!({})));
    assert_eq!((&made["visibility"], &made["groupTypes"]), (&json!("Private"), &json!([])));
    let unified = json!({"groupTypes": ["Unified"], "mailEnabled": true, "mailNickname": "tulips"});
    let made = done(&mut tenant, "POST /groups", &group(&unified));
    assert_eq!((&made["visibility"], &made["mail"]), (&json!("Public"), &json!("tulips@contoso.example")));
    bad(&mut tenant, "POST /groups", &group(&unified), "Another object with the same value for property mailNickname");
    check(&mut tenant, "POST /groups", &group(&json!({"mailNickname": "tulips"})), 201);
}

#[test]
fn groups_graph_cannot_make_are_refused() {
    let exchange = "Cannot Create a mail-enabled security groups and or distribution list.";
    bad(&mut demo(), "POST /groups", &group(&json!({"mailEnabled": true})), exchange);
    bad(&mut demo(), "POST /groups", &group(&json!({"mailEnabled": true, "securityEnabled": false})), exchange);
    for name in ["displayName", "mailEnabled", "mailNickname", "securityEnabled"] {
        let text = format!("A value is required for property '{name}' of resource 'Group'.");
        bad(&mut demo(), "POST /groups", &group(&json!({name: null})), &text);
    }
    for (name, value) in [
        ("securityEnabled", json!(false)),
        ("mailNickname", json!("a/b")),
        ("visibility", json!("Secret")),
        ("visibility", json!("HiddenMembership")),
        ("groupTypes", json!(["Odd"])),
        ("displayName", json!("x".repeat(257))),
    ] {
        let text = format!("Invalid value specified for property '{name}' of resource 'Group'.");
        bad(&mut demo(), "POST /groups", &group(&json!({name: value})), &text);
    }
    check(&mut demo(), "POST /groups", &group(&json!({"isAssignableToRole": true})), 403);
    bad(
        &mut demo(),
        "POST /groups",
        &group(&json!({"groupTypes": ["DynamicMembership"]})),
        "A value is required for property 'membershipRule'",
    );
}

#[test]
fn a_group_can_start_with_twenty_people_and_no_more() {
    let mut tenant = demo();
    let people = ids(&get(&mut tenant, "/users?$top=21&$select=id"));
    let links = |people: &[String]| -> Value { people.iter().map(|id| link(id)["@odata.id"].clone()).collect() };
    let binding = |owners: &[String], members: &[String]| {
        group(&json!({"owners@odata.bind": links(owners), "members@odata.bind": links(members)}))
    };
    let made = done(&mut tenant, "POST /groups", &binding(&people[..1], &people[1..20]));
    assert_eq!(ids(&get(&mut tenant, &format!("/groups/{}/members", made["id"].as_str().unwrap()))).len(), 19);
    check(&mut tenant, "POST /groups", &binding(&people[..2], &people[2..21]), 400);
    bad(
        &mut tenant,
        "POST /groups",
        &binding(&[], &[people[0].clone(), people[0].clone()]),
        "Request contains a property with duplicate values",
    );
    check(&mut tenant, "POST /groups", &binding(&[], &[NOBODY.to_owned()]), 404);
}

#[test]
fn members_come_and_go() {
    let mut tenant = demo();
    let (add, remove) =
        (format!("POST /groups/{SALES}/members/$ref"), format!("DELETE /groups/{SALES}/members/{JULIA}/$ref"));
    check(&mut tenant, &add, &link(JULIA), 204);
    bad(&mut tenant, &add, &link(JULIA), ALREADY);
    assert!(ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))).contains(&JULIA.to_owned()));
    assert!(ids(&get(&mut tenant, &format!("/users/{JULIA}/memberOf"))).contains(&SALES.to_owned()));
    check(&mut tenant, &remove, &Value::Null, 204);
    refused(&mut tenant, &remove, &Value::Null, 404, "Request_ResourceNotFound", "Resource");
    refused(&mut tenant, &add, &link(NOBODY), 404, "Request_ResourceNotFound", "Resource");
    check(&mut tenant, &format!("POST /groups/{NOBODY}/members/$ref"), &link(JULIA), 404);
    for body in
        [json!({}), json!({"@odata.id": 3}), json!({"@odata.id": "https://graph.microsoft.com/v1.0/planets/earth"})]
    {
        bad(&mut tenant, &add, &body, "A valid URI must be specified");
    }
    bad(&mut tenant, "GET /groups/sales", &Value::Null, "Invalid object identifier 'sales'.");
}

#[test]
fn binding_members_is_all_or_nothing() {
    let mut tenant = demo();
    let patch = format!("PATCH /groups/{SALES}");
    let bind = |ids: &[&str]| json!({"members@odata.bind": ids.iter().map(|id| link(id)["@odata.id"].clone()).collect::<Vec<_>>()});
    bad(&mut tenant, &patch, &bind(&[JULIA, BRAM]), ALREADY);
    check(&mut tenant, &patch, &bind(&[JULIA, NOBODY]), 404);
    assert!(!ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))).contains(&JULIA.to_owned()));
    check(&mut tenant, &patch, &bind(&[JULIA, MONIKA]), 204);
    assert!(ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))).contains(&MONIKA.to_owned()));
    check(&mut tenant, &patch, &bind(&[JULIA; 21]), 400);
}

#[test]
fn groups_that_somebody_else_keeps_refuse_members() {
    let mut tenant = demo();
    bad(&mut tenant, &format!("POST /groups/{MAIL_ENABLED}/members/$ref"), &link(JULIA), EXCHANGE);
    bad(&mut tenant, &format!("PATCH /groups/{MAIL_ENABLED}"), &json!({"description": "x"}), EXCHANGE);
    bad(&mut tenant, &format!("POST /groups/{SYNCED_GROUP}/members/$ref"), &link(JULIA), SYNCED_TEXT);
    bad(&mut tenant, &format!("DELETE /groups/{SYNCED_GROUP}/members/{SYNCED}/$ref"), &Value::Null, SYNCED_TEXT);
    for (line, body) in [
        (format!("POST /groups/{DYNAMIC}/members/$ref"), link(JULIA)),
        (format!("PATCH /groups/{DYNAMIC}"), json!({"members@odata.bind": [link(JULIA)["@odata.id"]]})),
        (format!("DELETE /groups/{DYNAMIC}/members/20000000-0000-4000-8000-000000000024/$ref"), Value::Null),
    ] {
        refused(&mut tenant, &line, &body, 403, "Authorization_RequestDenied", DENIED);
    }
}

#[test]
fn microsoft_365_groups_hold_users_only_and_security_groups_nest() {
    let mut tenant = demo();
    check(&mut tenant, &format!("POST /groups/{ALL_STAFF}/members/$ref"), &link(SALES), 400);
    check(&mut tenant, &format!("POST /groups/{SALES}/members/$ref"), &link(ALL_STAFF), 400);
    check(&mut tenant, &format!("POST /groups/{SALES}/members/$ref"), &link(SALES), 400);
    check(
        &mut tenant,
        &format!("POST /groups/{SALES}/members/$ref"),
        &link("cccccccc-cccc-4ccc-8ccc-cccccccccccc"),
        204,
    );
    let transitive = ids(&get(&mut tenant, &format!("/groups/{SALES}/transitiveMembers")));
    assert!(transitive.contains(&JULIA.to_owned()) && transitive.contains(&BRAM.to_owned()));
    let users = ids(&get(&mut tenant, &format!("/groups/{SALES}/members/microsoft.graph.user")));
    assert!(!users.contains(&JULIA.to_owned()) && users.contains(&BRAM.to_owned()));
    assert!(ids(&get(&mut tenant, &format!("/users/{JULIA}/transitiveMemberOf"))).contains(&SALES.to_owned()));
    let body = json!({"groupIds": [SALES, NOBODY]});
    assert_eq!(ids(&done(&mut tenant, &format!("POST /users/{JULIA}/checkMemberGroups"), &body)), [SALES]);
    let body = json!({"groupIds": vec![SALES; 21]});
    check(&mut tenant, &format!("POST /users/{JULIA}/checkMemberGroups"), &body, 400);
    let all =
        ids(&done(&mut tenant, &format!("POST /users/{JULIA}/getMemberGroups"), &json!({"securityEnabledOnly": true})));
    assert!(all.contains(&SALES.to_owned()) && !all.contains(&ALL_STAFF.to_owned()));
}

#[test]
fn memberships_of_an_administrator_hold_the_role_until_they_are_cast() {
    let mut tenant = demo();
    let all = get(&mut tenant, &format!("/users/{ADMIN}/memberOf"));
    let roles =
        all["value"].as_array().unwrap().iter().filter(|item| item["@odata.type"] == "#microsoft.graph.directoryRole");
    assert_eq!(roles.map(|role| role["displayName"].clone()).collect::<Vec<_>>(), [json!("Global Administrator")]);
    let cast = get(&mut tenant, &format!("/users/{ADMIN}/memberOf/microsoft.graph.group"));
    assert_eq!(cast["value"].as_array().unwrap().len() + 1, all["value"].as_array().unwrap().len());
}

#[test]
fn forgetting_ref_on_a_member_deletes_the_person() {
    let mut tenant = demo();
    check(&mut tenant, &format!("DELETE /groups/{SALES}/members/{JULIA}"), &Value::Null, 404);
    check(&mut tenant, &format!("DELETE /groups/{SALES}/members/{BRAM}"), &Value::Null, 204);
    check(&mut tenant, &format!("GET /users/{BRAM}"), &Value::Null, 404);
    check(&mut tenant, &format!("GET /directory/deletedItems/{BRAM}"), &Value::Null, 200);
}

#[test]
fn owners_come_and_go_except_the_last() {
    let mut tenant = demo();
    let owners = format!("POST /groups/{SALES}/owners/$ref");
    bad(
        &mut tenant,
        &owners,
        &link(LENA),
        "One or more added object references already exist for the following modified properties: 'owners'.",
    );
    let last = "The group must have at least one owner, hence this owner cannot be removed.";
    bad(&mut tenant, &format!("DELETE /groups/{SALES}/owners/{LENA}/$ref"), &Value::Null, last);
    check(&mut tenant, &owners, &link(BRAM), 204);
    assert_eq!(ids(&get(&mut tenant, &format!("/groups/{SALES}/owners"))), [LENA, BRAM]);
    check(&mut tenant, &format!("DELETE /groups/{SALES}/owners/{LENA}/$ref"), &Value::Null, 204);
    check(&mut tenant, &format!("DELETE /groups/{SALES}/owners/{JULIA}/$ref"), &Value::Null, 404);
}

#[test]
fn a_groups_kind_stays_but_it_may_become_dynamic_and_static_again() {
    let mut tenant = demo();
    let patch = format!("PATCH /groups/{SALES}");
    check(&mut tenant, &patch, &json!({"groupTypes": ["Unified"]}), 400);
    check(&mut tenant, &patch, &json!({"securityEnabled": false}), 400);
    check(&mut tenant, &patch, &json!({"groupTypes": ["DynamicMembership"]}), 400);
    let rule = json!({"groupTypes": ["DynamicMembership"], "membershipRule": "user.department -eq \"Finance\"", "membershipRuleProcessingState": "On"});
    check(&mut tenant, &patch, &rule, 204);
    assert_eq!(ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))).len(), 0);
    wait(&mut tenant, 10_000);
    assert_eq!(ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))).len(), 4);
    check(&mut tenant, &patch, &json!({"groupTypes": []}), 204);
    assert_eq!(ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))).len(), 4);
    check(&mut tenant, &format!("POST /groups/{SALES}/members/$ref"), &link(JULIA), 204);
}

#[test]
fn a_rule_fills_and_empties_its_group_later() {
    let mut tenant = demo();
    let inside = |tenant: &mut graph_emulator::Tenant, id: &str| {
        ids(&get(tenant, &format!("/groups/{DYNAMIC}/members"))).contains(&id.to_owned())
    };
    let id = hire(&mut tenant, &json!({"department": "Support", "accountEnabled": true}));
    assert!(!inside(&mut tenant, &id));
    wait(&mut tenant, 5_000);
    assert!(inside(&mut tenant, &id));
    done(&mut tenant, &format!("PATCH /users/{id}"), &json!({"department": "Sales"}));
    assert!(inside(&mut tenant, &id));
    wait(&mut tenant, 5_000);
    assert!(!inside(&mut tenant, &id));
    done(&mut tenant, &format!("PATCH /groups/{DYNAMIC}"), &json!({"membershipRuleProcessingState": "Paused"}));
    done(&mut tenant, &format!("PATCH /users/{id}"), &json!({"department": "Support"}));
    wait(&mut tenant, 5_000);
    assert!(!inside(&mut tenant, &id));
}

#[test]
fn a_rule_beyond_the_emulator_leaves_the_members_as_seeded() {
    let rule = "user.department -match \"^S\"";
    let mut tenant = seeded(&json!({
        "users": [{"userPrincipalName": "a@contoso.example", "department": "HR"}],
        "groups": [{"id": SALES, "groupTypes": ["DynamicMembership"], "membershipRule": rule,
            "membershipRuleProcessingState": "On", "members": ["a@contoso.example"]}],
    }));
    wait(&mut tenant, 60_000);
    assert_eq!(ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))).len(), 1);
    assert_eq!(get(&mut tenant, &format!("/groups/{SALES}"))["membershipRule"], rule);
}

#[test]
fn a_licensed_group_cannot_be_deleted() {
    let mut tenant = demo();
    bad(&mut tenant, &format!("DELETE /groups/{LICENSED_E5}"), &Value::Null, "The group has active licenses assigned.");
    done(&mut tenant, &format!("POST /groups/{LICENSED_E5}/assignLicense"), &remove(E5));
    check(&mut tenant, &format!("DELETE /groups/{LICENSED_E5}"), &Value::Null, 204);
}

#[test]
fn only_microsoft_365_groups_can_be_restored() {
    let mut tenant = demo();
    check(&mut tenant, &format!("DELETE /groups/{ALL_STAFF}"), &Value::Null, 204);
    check(&mut tenant, &format!("DELETE /groups/{SALES}"), &Value::Null, 204);
    assert_eq!(ids(&get(&mut tenant, "/directory/deletedItems/microsoft.graph.group")), [ALL_STAFF]);
    check(&mut tenant, &format!("POST /directory/deletedItems/{SALES}/restore"), &Value::Null, 404);
    let restored = done(&mut tenant, &format!("POST /directory/deletedItems/{ALL_STAFF}/restore"), &Value::Null);
    assert_eq!(restored["@odata.type"], "#microsoft.graph.group");
    assert_eq!(ids(&get(&mut tenant, &format!("/groups/{ALL_STAFF}/members?$top=999"))).len(), 40);
}
