//! Deletion and return.

use serde_json::{Value, json};

use crate::stage::*;

#[test]
fn a_deleted_user_frees_the_name_and_the_seat_and_keeps_the_memberships() {
    let mut tenant = demo();
    check(&mut tenant, &format!("DELETE /users/{BRAM}"), &Value::Null, 204);
    check(&mut tenant, &format!("GET /users/{BRAM}"), &Value::Null, 404);
    assert_eq!(free(&mut tenant, E3), 3);
    assert!(!ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))).contains(&BRAM.to_owned()));
    let gone = get(&mut tenant, "/directory/deletedItems/microsoft.graph.user");
    assert_eq!(gone["value"][0]["userPrincipalName"], format!("{}bram.jansen@contoso.example", BRAM.replace('-', "")));
    assert_eq!(gone["value"][0]["deletedDateTime"], "2026-03-02T08:00:00Z");
    check(&mut tenant, "GET /directory/deletedItems", &Value::Null, 400);
    check(&mut tenant, &format!("POST /users/{BRAM}/restore"), &Value::Null, 404);
    let restored = done(&mut tenant, &format!("POST /directory/deletedItems/{BRAM}/restore"), &Value::Null);
    assert_eq!(restored["@odata.type"], "#microsoft.graph.user");
    assert_eq!(restored["userPrincipalName"], "bram.jansen@contoso.example");
    assert!(ids(&get(&mut tenant, &format!("/groups/{SALES}/members"))).contains(&BRAM.to_owned()));
}

#[test]
fn a_restore_brings_licenses_back_even_over_the_count() {
    let mut tenant = demo();
    done(&mut tenant, &format!("DELETE /users/{BRAM}"), &Value::Null);
    for id in [JULIA, MONIKA, "20000000-0000-4000-8000-000000000034"] {
        done(&mut tenant, &format!("POST /users/{id}/assignLicense"), &add(E3));
    }
    assert_eq!(free(&mut tenant, E3), 0);
    done(&mut tenant, &format!("POST /directory/deletedItems/{BRAM}/restore"), &Value::Null);
    assert_eq!(free(&mut tenant, E3), -1);
}

#[test]
fn a_restore_onto_a_taken_name_needs_another() {
    let mut tenant = demo();
    done(&mut tenant, &format!("DELETE /users/{BRAM}"), &Value::Null);
    let other = hire(&mut tenant, &json!({"userPrincipalName": "bram.jansen@contoso.example"}));
    let restore = format!("POST /directory/deletedItems/{BRAM}/restore");
    bad(&mut tenant, &restore, &Value::Null, "Another object with the same value for property userPrincipalName");
    let renamed = json!({"newUserPrincipalName": "bram.jansen2@contoso.example"});
    bad(&mut tenant, &restore, &renamed, "Another object with the same value for property proxyAddresses");
    let renamed = json!({"newUserPrincipalName": "bram.jansen2@contoso.example", "autoReconcileProxyConflict": true});
    check(&mut tenant, &restore, &renamed, 200);
    assert_ne!(get(&mut tenant, "/users/bram.jansen@contoso.example")["id"], BRAM);
    assert_eq!(get(&mut tenant, "/users/bram.jansen@contoso.example")["id"], other.as_str());
    assert_eq!(get(&mut tenant, "/users/bram.jansen2@contoso.example")["id"], BRAM);
}

#[test]
fn thirty_days_later_or_on_demand_it_is_for_good() {
    let mut tenant = demo();
    done(&mut tenant, &format!("DELETE /users/{BRAM}"), &Value::Null);
    done(&mut tenant, &format!("DELETE /users/{LENA}"), &Value::Null);
    check(&mut tenant, &format!("DELETE /directory/deletedItems/{LENA}"), &Value::Null, 204);
    check(&mut tenant, &format!("GET /directory/deletedItems/{LENA}"), &Value::Null, 404);
    wait(&mut tenant, 30 * 86_400_000 - 1);
    check(&mut tenant, &format!("GET /directory/deletedItems/{BRAM}"), &Value::Null, 200);
    wait(&mut tenant, 1);
    check(&mut tenant, &format!("GET /directory/deletedItems/{BRAM}"), &Value::Null, 404);
    assert!(!tenant.snapshot(true)["groups"].to_string().contains(BRAM));
    check(&mut tenant, &format!("POST /directory/deletedItems/{BRAM}/restore"), &Value::Null, 404);
}

#[test]
fn a_second_deletion_starts_the_thirty_days_anew() {
    let mut tenant = demo();
    done(&mut tenant, &format!("DELETE /users/{BRAM}"), &Value::Null);
    wait(&mut tenant, 20 * 86_400_000);
    done(&mut tenant, &format!("POST /directory/deletedItems/{BRAM}/restore"), &Value::Null);
    done(&mut tenant, &format!("DELETE /users/{BRAM}"), &Value::Null);
    wait(&mut tenant, 20 * 86_400_000);
    check(&mut tenant, &format!("GET /directory/deletedItems/{BRAM}"), &Value::Null, 200);
}
