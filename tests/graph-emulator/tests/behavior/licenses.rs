use graph_emulator::Tenant;
use serde_json::{Value, json};

use crate::stage::*;

const NO_SEAT: &str = "does not have any available licenses.";

fn assign(id: &str) -> String {
    format!("POST /users/{id}/assignLicense")
}

/// `(state, error, assignedByGroup)` of each source of one product.
fn states(tenant: &mut Tenant, id: &str, sku: &str) -> Vec<(String, String, Value)> {
    let states =
        get(tenant, &format!("/users/{id}?$select=licenseAssignmentStates"))["licenseAssignmentStates"].clone();
    let text = |state: &Value, name: &str| state[name].as_str().unwrap().to_owned();
    let own = states.as_array().unwrap().iter().filter(|state| state["skuId"] == sku);
    own.map(|state| (text(state, "state"), text(state, "error"), state["assignedByGroup"].clone())).collect()
}

fn held(tenant: &mut Tenant, id: &str) -> Vec<String> {
    let user = get(tenant, &format!("/users/{id}?$select=assignedLicenses"));
    user["assignedLicenses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|license| license["skuId"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn m11_no_license_before_a_location() {
    let mut tenant = demo();
    let id = hire(&mut tenant, &json!({}));
    bad(&mut tenant, &assign(&id), &add(E3), "License assignment cannot be done for user with invalid usage location.");
    done(&mut tenant, &format!("PATCH /users/{id}"), &json!({"usageLocation": "NL"}));
    check(&mut tenant, &assign(&id), &add(E3), 200);
    assert_eq!(states(&mut tenant, &id, E3), [("Active".into(), "None".into(), Value::Null)]);
}

#[test]
fn both_lists_are_needed_and_one_must_say_something() {
    let mut tenant = demo();
    let missing = "One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing parameters are: ";
    bad(&mut tenant, &assign(JULIA), &json!({"removeLicenses": []}), &format!("{missing}addLicenses."));
    bad(&mut tenant, &assign(JULIA), &json!({"addLicenses": []}), &format!("{missing}removeLicenses."));
    bad(&mut tenant, &assign(JULIA), &json!({"addLicenses": [], "removeLicenses": []}), "No license changes provided.");
    bad(&mut tenant, &assign(JULIA), &add("E3"), "Cannot convert a primitive value to the expected type 'Edm.Guid'");
    check(&mut tenant, &assign(NOBODY), &add(E3), 404);
}

#[test]
fn products_the_tenant_lacks_are_refused_on_add_and_remove() {
    let mut tenant = demo();
    let text = format!("License {NOBODY} does not correspond to a valid company License.");
    bad(&mut tenant, &assign(JULIA), &add(NOBODY), &text);
    bad(&mut tenant, &assign(JULIA), &remove(NOBODY), &text);
    bad(&mut tenant, &assign(JULIA), &remove(E3), &format!("License {E3} is not assigned to the user."));
    let sku = json!({"skuId": E3, "appliesTo": "Company", "prepaidUnits": {"enabled": 5}});
    let user = json!({"id": JULIA, "userPrincipalName": "j@contoso.example", "usageLocation": "DE"});
    bad(&mut seeded(&json!({"subscribedSkus": [sku], "users": [user]})), &assign(JULIA), &add(E3), "License ");
}

#[test]
fn m13_the_last_seat_is_the_last() {
    let mut tenant = demo();
    assert_eq!(free(&mut tenant, E3), 2);
    check(&mut tenant, &assign(JULIA), &add(E3), 200);
    check(&mut tenant, &assign(MONIKA), &add(E3), 200);
    let late = "20000000-0000-4000-8000-000000000034";
    bad(&mut tenant, &assign(late), &add(E3), &format!("Subscription with SKU {E3} {NO_SEAT}"));
    check(&mut tenant, &assign(JULIA), &remove(E3), 200);
    check(&mut tenant, &assign(late), &add(E3), 200);
    let skus = get(&mut tenant, "/subscribedSkus");
    let e3 = skus["value"].as_array().unwrap().iter().find(|sku| sku["skuId"] == E3).unwrap().clone();
    assert_eq!((&e3["consumedUnits"], &e3["prepaidUnits"]["enabled"]), (&json!(20), &json!(20)));
    assert_eq!(e3["id"], format!("c0ffee00-0000-4000-8000-000000000001_{E3}"));
    done(&mut tenant, "PUT /_control/seats", &json!({E3: 21}));
    check(&mut tenant, &assign(JULIA), &add(E3), 200);
}

#[test]
fn adding_again_replaces_the_disabled_plans_and_takes_no_seat() {
    let mut tenant = demo();
    let teams = "57ff2da0-773e-42df-b2af-ffb7a2317929";
    let body = json!({"addLicenses": [{"skuId": E3, "disabledPlans": [teams]}], "removeLicenses": []});
    check(&mut tenant, &assign(BRAM), &body, 200);
    assert_eq!(free(&mut tenant, E3), 2);
    let bram = get(&mut tenant, &format!("/users/{BRAM}?$select=assignedLicenses,assignedPlans"));
    assert_eq!(bram["assignedLicenses"], json!([{"skuId": E3, "disabledPlans": [teams]}]));
    let plans = bram["assignedPlans"].as_array().unwrap();
    assert_eq!(plans.iter().find(|plan| plan["servicePlanId"] == teams).unwrap()["capabilityStatus"], "Deleted");
    let details = get(&mut tenant, &format!("/users/{BRAM}/licenseDetails"));
    let plans = details["value"][0]["servicePlans"].as_array().unwrap();
    assert_eq!(plans.iter().find(|plan| plan["servicePlanId"] == teams).unwrap()["provisioningStatus"], "Disabled");
    let body = json!({"addLicenses": [{"skuId": E3, "disabledPlans": [NOBODY]}], "removeLicenses": []});
    check(&mut tenant, &assign(BRAM), &body, 400);
}

#[test]
fn clashing_products_are_refused_and_swapped_in_one_call() {
    let mut tenant = demo();
    bad(
        &mut tenant,
        &assign(BRAM),
        &add(F3),
        "License assignment failed because service plan(s) 902b47e5-dcb2-4fdc-858b-c63a90a2bdb9, 5dbe027f-2339-4123-9542-606e4d348a72 are mutually exclusive.",
    );
    assert_eq!(held(&mut tenant, BRAM), [E3]);
    let swap = json!({"addLicenses": [{"skuId": F3, "disabledPlans": []}], "removeLicenses": [E3]});
    check(&mut tenant, &assign(BRAM), &swap, 200);
    assert_eq!(held(&mut tenant, BRAM), [F3]);
    assert_eq!((free(&mut tenant, E3), free(&mut tenant, F3)), (3, 3));
}

#[test]
fn a_plan_that_needs_another_is_refused_without_it_and_keeps_it() {
    let mut tenant = demo();
    let audio = "0c266dff-15dd-4b49-8397-2bb16070ed52";
    let text = "License assignment failed because service plan 3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40 depends on the service plan(s)";
    bad(&mut tenant, &assign(JULIA), &add(audio), text);
    check(&mut tenant, &assign(BRAM), &add(audio), 200);
    bad(&mut tenant, &assign(BRAM), &remove(E3), text);
}

#[test]
fn m12_joining_a_licensed_group_licenses_later_and_leaving_takes_it_back() {
    let mut tenant = demo();
    done(&mut tenant, &format!("POST /groups/{LICENSED_E5}/members/$ref"), &link(JULIA));
    assert!(held(&mut tenant, JULIA).is_empty());
    wait(&mut tenant, 2_000);
    assert_eq!(held(&mut tenant, JULIA), [E5]);
    assert_eq!(states(&mut tenant, JULIA, E5), [("Active".into(), "None".into(), json!(LICENSED_E5))]);
    bad(
        &mut tenant,
        &assign(JULIA),
        &remove(E5),
        "User license is inherited from a group membership and it cannot be removed directly from the user.",
    );
    done(&mut tenant, &format!("DELETE /groups/{LICENSED_E5}/members/{JULIA}/$ref"), &Value::Null);
    wait(&mut tenant, 2_000);
    assert!(held(&mut tenant, JULIA).is_empty());
    assert_eq!(free(&mut tenant, E5), 1);
}

#[test]
fn direct_and_inherited_copies_share_one_seat() {
    let mut tenant = demo();
    check(&mut tenant, &assign(JULIA), &add(E5), 200);
    assert_eq!(free(&mut tenant, E5), 0);
    done(&mut tenant, &format!("POST /groups/{LICENSED_E5}/members/$ref"), &link(JULIA));
    wait(&mut tenant, 2_000);
    assert_eq!((states(&mut tenant, JULIA, E5).len(), free(&mut tenant, E5)), (2, 0));
    check(&mut tenant, &assign(JULIA), &remove(E5), 200);
    assert_eq!((held(&mut tenant, JULIA), free(&mut tenant, E5)), (vec![E5.to_owned()], 0));
}

#[test]
fn a_member_for_whom_no_seat_is_left_is_in_error_until_reprocessed() {
    let mut tenant = demo();
    for id in [JULIA, MONIKA] {
        done(&mut tenant, &format!("POST /groups/{LICENSED_E5}/members/$ref"), &link(id));
    }
    wait(&mut tenant, 2_000);
    assert_eq!(held(&mut tenant, JULIA), [E5]);
    assert_eq!(states(&mut tenant, MONIKA, E5), [("Error".into(), "CountViolation".into(), json!(LICENSED_E5))]);
    assert_eq!(ids(&get(&mut tenant, &format!("/groups/{LICENSED_E5}/membersWithLicenseErrors"))), [MONIKA]);
    assert_eq!(ids(&get(&mut tenant, "/groups?$filter=hasMembersWithLicenseErrors eq true")), [LICENSED_E5]);
    let group = get(&mut tenant, &format!("/groups/{LICENSED_E5}?$select=hasMembersWithLicenseErrors"));
    assert_eq!(group["hasMembersWithLicenseErrors"], Value::Null);
    let reprocess = format!("POST /users/{MONIKA}/reprocessLicenseAssignment");
    bad(&mut tenant, &reprocess, &Value::Null, &format!("Subscription with SKU {E5} {NO_SEAT}"));
    done(&mut tenant, "PUT /_control/seats", &json!({E5: 7}));
    wait(&mut tenant, 86_400_000);
    assert!(held(&mut tenant, MONIKA).is_empty());
    check(&mut tenant, &reprocess, &Value::Null, 200);
    assert_eq!(held(&mut tenant, MONIKA), [E5]);
}

#[test]
fn a_groups_license_is_processed_in_steps() {
    let mut tenant = demo();
    let target = format!("/groups/{SALES}?$select=assignedLicenses,licenseProcessingState");
    let answer =
        ask(&mut tenant, &format!("POST /groups/{SALES}/assignLicense"), &add("f8a1db68-be16-40ed-86d5-cb42ce701560"));
    assert_eq!(answer.status, 202);
    let state =
        |tenant: &mut Tenant| get(tenant, &target)["licenseProcessingState"]["state"].as_str().unwrap().to_owned();
    assert_eq!(state(&mut tenant), "QueuedForProcessing");
    wait(&mut tenant, 1_000);
    assert_eq!(state(&mut tenant), "ProcessingInProgress");
    wait(&mut tenant, 1_000);
    assert_eq!(state(&mut tenant), "ProcessingComplete");
    // Seven members, three seats.
    assert_eq!(ids(&get(&mut tenant, &format!("/groups/{SALES}/membersWithLicenseErrors"))).len(), 4);
    assert_eq!(free(&mut tenant, "f8a1db68-be16-40ed-86d5-cb42ce701560"), 0);
    let unfit = format!("POST /groups/{ALL_STAFF}/assignLicense");
    check(&mut tenant, &unfit, &add(E3), 400);
    check(&mut tenant, &format!("POST /groups/{MAIL_ENABLED}/assignLicense"), &add(E3), 400);
}

#[test]
fn one_failing_product_keeps_all_of_a_groups_products_back() {
    let mut tenant = demo();
    let bi = "f8a1db68-be16-40ed-86d5-cb42ce701560";
    let body = json!({"addLicenses": [{"skuId": bi, "disabledPlans": []}, {"skuId": F3, "disabledPlans": []}], "removeLicenses": []});
    done(&mut tenant, "POST /groups/bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb/assignLicense", &body);
    wait(&mut tenant, 2_000);
    let clerk = "20000000-0000-4000-8000-000000000021";
    assert_eq!(states(&mut tenant, clerk, F3)[0].1, "MutuallyExclusiveViolation");
    assert_eq!(states(&mut tenant, clerk, bi)[0].1, "Other");
    assert_eq!(held(&mut tenant, clerk), [E3]);
}

#[test]
fn a_member_without_location_inherits_the_tenants() {
    let mut tenant = demo();
    done(&mut tenant, &format!("POST /groups/{LICENSED_E5}/members/$ref"), &link(GUEST));
    wait(&mut tenant, 2_000);
    assert_eq!(held(&mut tenant, GUEST), [E5]);
    assert_eq!(get(&mut tenant, &format!("/users/{GUEST}?$select=usageLocation"))["usageLocation"], Value::Null);
}

#[test]
fn nested_members_get_nothing() {
    let mut tenant = demo();
    done(
        &mut tenant,
        &format!("POST /groups/{LICENSED_E5}/members/$ref"),
        &link("cccccccc-cccc-4ccc-8ccc-cccccccccccc"),
    );
    wait(&mut tenant, 2_000);
    assert!(held(&mut tenant, JULIA).is_empty());
}

#[test]
fn leaving_keeps_a_license_that_another_stands_on() {
    let mut tenant = demo();
    done(&mut tenant, &format!("POST /groups/{LICENSED_E5}/members/$ref"), &link(JULIA));
    wait(&mut tenant, 2_000);
    check(&mut tenant, &assign(JULIA), &add("0c266dff-15dd-4b49-8397-2bb16070ed52"), 200);
    done(&mut tenant, &format!("DELETE /groups/{LICENSED_E5}/members/{JULIA}/$ref"), &Value::Null);
    wait(&mut tenant, 2_000);
    assert_eq!(states(&mut tenant, JULIA, E5), [("Error".into(), "DependencyViolation".into(), json!(LICENSED_E5))]);
    assert!(held(&mut tenant, JULIA).contains(&E5.to_owned()));
}

#[test]
fn m16_people_without_any_license_can_be_found() {
    let mut tenant = demo();
    let found = get_advanced(
        &mut tenant,
        "/users?$count=true&$select=id&$filter=assignedLicenses/$count eq 0 and userType eq 'Member'",
    );
    assert_eq!(found["@odata.count"], 11);
}

#[test]
fn a_reader_selects_parts_of_a_product_and_filters_nothing() {
    let mut tenant = demo();
    let skus = get(&mut tenant, "/subscribedSkus?$select=skuId,skuPartNumber");
    assert_eq!(skus["value"][0], json!({"skuId": E3, "skuPartNumber": "SPE_E3"}));
    check(&mut tenant, "GET /subscribedSkus?$filter=skuPartNumber eq 'x'", &Value::Null, 400);
    check(&mut tenant, &format!("GET /subscribedSkus/c0ffee00-0000-4000-8000-000000000001_{E5}"), &Value::Null, 200);
    check(&mut tenant, "GET /subscribedSkus/nothing", &Value::Null, 404);
}
