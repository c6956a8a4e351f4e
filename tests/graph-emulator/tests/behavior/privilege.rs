//! Who may touch whom: "Who can perform sensitive actions".

use graph_emulator::{Options, Tenant};
use serde_json::{Value, json};

use crate::stage::*;

const GLOBAL: &str = "Global Administrator";
const USERS: &str = "User Administrator";
const AUTHENTICATION: &str = "Authentication Administrator";

/// A tenant with one person who holds these roles, and one application that holds those.
fn tenant(target: &[&str], application: &[&str]) -> Tenant {
    let seed = json!({
        "users": [{"id": BRAM, "userPrincipalName": "a@x.y", "roles": target}, {"id": LENA, "userPrincipalName": "b@x.y"}],
        "groups": [{"id": SALES, "isAssignableToRole": true, "members": [LENA]}],
        "applications": [{"appId": "app", "secret": "s3cret", "roles": ["User.ReadWrite.All"], "directoryRoles": application}],
    });
    Tenant::from_seed(&seed, Options::default()).unwrap()
}

fn as_app(tenant: &mut Tenant, line: &str, body: &Value) -> u16 {
    let bearer = crate::access::bearer(tenant, "app");
    ask_with(tenant, line, &[("authorization", &bearer)], body).status
}

#[test]
fn a_role_must_be_above_the_targets() {
    for (target, application, may) in [
        (&[][..], &[][..], true),
        (&["Directory Readers"], &[], false),
        (&["Directory Readers"], &[AUTHENTICATION], true),
        (&[AUTHENTICATION], &[AUTHENTICATION], true),
        (&[AUTHENTICATION], &[USERS], false),
        (&["Helpdesk Administrator"], &[USERS], true),
        (&["Helpdesk Administrator"], &[AUTHENTICATION], false),
        (&[USERS], &[USERS], true),
        (&[USERS, GLOBAL], &[USERS], false),
        (&["Exchange Administrator"], &[USERS], false),
        (&["Exchange Administrator"], &["Privileged Authentication Administrator"], true),
        (&[GLOBAL], &["Privileged Authentication Administrator"], true),
        (&[GLOBAL], &[GLOBAL], true),
    ] {
        let mut tenant = tenant(target, application);
        let status = as_app(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"accountEnabled": false}));
        assert_eq!(status == 204, may, "{application:?} on {target:?}: {status}");
    }
}

#[test]
fn everything_sensitive_is_refused_and_the_rest_of_a_cut_is_not() {
    let mut tenant = tenant(&[GLOBAL], &[]);
    let user = format!("/users/{BRAM}");
    for body in [
        json!({"accountEnabled": false}),
        json!({"passwordProfile": {"password": "Quiet-Rain-77"}}),
        json!({"mobilePhone": "+31 6 12345678"}),
        json!({"businessPhones": []}),
        json!({"otherMails": ["a@b.example"]}),
        json!({"userPrincipalName": "c@x.y"}),
        json!({"onPremisesImmutableId": "abc"}),
        json!({"jobTitle": "x", "accountEnabled": false}),
    ] {
        assert_eq!(as_app(&mut tenant, &format!("PATCH {user}"), &body), 403, "{body}");
    }
    assert_eq!(as_app(&mut tenant, &format!("DELETE {user}"), &Value::Null), 403);
    assert_eq!(as_app(&mut tenant, &format!("PATCH {user}"), &json!({"jobTitle": "x", "usageLocation": "NL"})), 204);
    assert_eq!(as_app(&mut tenant, &format!("POST {user}/revokeSignInSessions"), &Value::Null), 200);
}

#[test]
fn a_deleted_administrator_is_restored_and_erased_by_higher_roles_only() {
    let deleted = |application: &[&str]| {
        let mut tenant = tenant(&[GLOBAL], application);
        let mut seed = json!({
            "users": [],
            "deletedItems": [{"id": BRAM, "userPrincipalName": "a@x.y", "roles": [GLOBAL], "deletedDateTime": "2026-03-01T08:00:00Z"}],
            "domains": ["x.y"],
        });
        seed["applications"] = json!([{"appId": "app", "secret": "s3cret", "directoryRoles": application}]);
        done(&mut tenant, "PUT /_control/reset", &seed);
        tenant
    };
    let (restore, erase) =
        (format!("POST /directory/deletedItems/{BRAM}/restore"), format!("DELETE /directory/deletedItems/{BRAM}"));
    for line in [&restore, &erase] {
        assert_eq!(as_app(&mut deleted(&[USERS]), line, &Value::Null), 403, "{line}");
        assert!(as_app(&mut deleted(&[GLOBAL]), line, &Value::Null) < 300, "{line}");
    }
}

#[test]
fn members_of_role_assignable_groups_count_as_administrators() {
    let patch = format!("PATCH /users/{LENA}");
    assert_eq!(as_app(&mut tenant(&[], &[USERS]), &patch, &json!({"accountEnabled": false})), 403);
    assert_eq!(as_app(&mut tenant(&[], &[GLOBAL]), &patch, &json!({"accountEnabled": false})), 204);
}
