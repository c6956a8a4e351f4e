use serde_json::{Value, json};

use crate::stage::*;

#[test]
fn a_new_user_answers_with_the_default_properties_only() {
    let mut tenant = demo();
    let answer = ask(&mut tenant, "POST /users", &person(&json!({"department": "Sales"})));
    assert_eq!(answer.status, 201);
    let mut names: Vec<&str> = answer.value().as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "@odata.context",
            "businessPhones",
            "displayName",
            "givenName",
            "id",
            "jobTitle",
            "mail",
            "mobilePhone",
            "officeLocation",
            "preferredLanguage",
            "surname",
            "userPrincipalName"
        ]
    );
    let selected =
        get(&mut tenant, "/users/zoe.muller%40contoso.example?$select=department,accountEnabled,usageLocation");
    assert_eq!(selected["department"], "Sales");
    assert_eq!(selected["accountEnabled"], false);
    assert_eq!(selected["usageLocation"], Value::Null);
    assert_eq!(selected.get("id"), None);
}

#[test]
fn what_a_create_lacks_is_named() {
    for name in ["accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"] {
        let text = format!("A value is required for property '{name}' of resource 'User'.");
        bad(&mut demo(), "POST /users", &person(&json!({name: null})), &text);
    }
}

#[test]
fn values_out_of_bounds_are_refused() {
    let long = |length: usize| "x".repeat(length);
    let cases = [
        ("employeeId", json!(long(17))),
        ("givenName", json!(long(65))),
        ("displayName", json!(long(257))),
        ("department", json!(long(65))),
        ("jobTitle", json!("")),
        ("businessPhones", json!(["1", "2"])),
        ("usageLocation", json!("XX")),
        ("usageLocation", json!("nl")),
        ("userType", json!("Robot")),
        ("mailNickname", json!("a b")),
        ("employeeHireDate", json!("soon")),
        ("accountEnabled", json!("yes")),
        ("employeeOrgData", json!({"team": "x"})),
        ("onPremisesExtensionAttributes", json!({"extensionAttribute16": "x"})),
        ("otherMails", json!(["zoë@x.example"])),
        ("passwordPolicies", json!("Strong")),
    ];
    for (name, value) in cases {
        let text = format!("Invalid value specified for property '{name}' of resource 'User'.");
        bad(&mut demo(), "POST /users", &person(&json!({name: value})), &text);
    }
    check(&mut demo(), "POST /users", &person(&json!({"employeeId": long(16), "givenName": long(64)})), 201);
}

#[test]
fn unknown_and_read_only_properties_are_refused() {
    let mut tenant = demo();
    bad(&mut tenant, "POST /users", &person(&json!({"shoeSize": 44})), "Could not find a property named 'shoeSize'");
    bad(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"shade": "x"}), "Could not find a property named");
    bad(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"createdDateTime": "2026-01-01T00:00:00Z"}), "Property ");
    bad(&mut tenant, &format!("GET /users/{BRAM}?$select=id,shade"), &Value::Null, "Could not find a property named");
    bad(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"usageLocation": null}), "Invalid value specified");
    bad(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"displayName": null}), "Invalid value specified");
}

#[test]
fn principal_names_follow_their_rules() {
    let malformed = "Property userPrincipalName is invalid.";
    let unverified =
        "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain";
    let cases = [
        ("zoe.@contoso.example".to_owned(), malformed),
        ("zoë@contoso.example".to_owned(), malformed),
        ("zoe@x@contoso.example".to_owned(), malformed),
        ("zoe".to_owned(), malformed),
        ("a b@contoso.example".to_owned(), malformed),
        (format!("{}@contoso.example", "x".repeat(65)), malformed),
        ("zoe@fabrikam.example".to_owned(), unverified),
    ];
    for (upn, text) in cases {
        bad(&mut demo(), "POST /users", &person(&json!({"userPrincipalName": upn})), text);
    }
    for upn in ["o'brien@contoso.example", "a-b_c!d#e^f~g.h@CONTOSO.example", "x@contoso.onmicrosoft.example"] {
        check(&mut demo(), "POST /users", &person(&json!({"userPrincipalName": upn})), 201);
    }
}

#[test]
fn a_taken_name_is_a_bad_request_with_details() {
    let mut tenant = demo();
    let answer = ask(&mut tenant, "POST /users", &person(&json!({"userPrincipalName": "BRAM.Jansen@contoso.example"})));
    let text = "Another object with the same value for property userPrincipalName already exists.";
    assert_eq!((answer.status, &answer.value()["error"]["code"]), (400, &json!("Request_BadRequest")));
    assert_eq!(answer.value()["error"]["message"], text);
    let detail = json!([{"code": "ObjectConflict", "message": text, "target": "userPrincipalName"}]);
    assert_eq!(answer.value()["error"]["details"], detail);
}

#[test]
fn a_name_that_is_somebodys_alias_clashes_with_the_proxy_address() {
    let mut tenant = demo();
    done(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"mail": "bram@contoso.example"}));
    let proxies = get(&mut tenant, &format!("/users/{BRAM}?$select=proxyAddresses"));
    assert_eq!(proxies["proxyAddresses"], json!(["SMTP:bram@contoso.example", "smtp:bram.jansen@contoso.example"]));
    for body in [json!({"userPrincipalName": "Bram@contoso.example"}), json!({"mail": "bram@contoso.example"})] {
        bad(
            &mut tenant,
            "POST /users",
            &person(&body),
            "Another object with the same value for property proxyAddresses",
        );
    }
    bad(
        &mut tenant,
        "POST /users",
        &person(&json!({"userPrincipalName": "allstaff@contoso.example"})),
        "Another object with the same value for property proxyAddresses",
    );
}

#[test]
fn weak_passwords_are_refused_and_no_password_is_ever_read_back() {
    let text = "The specified password does not comply with password complexity requirements.";
    for password in ["short-1", "alllowercase", "Welcome-2026", "Pässwört-123"] {
        bad(&mut demo(), "POST /users", &person(&json!({"passwordProfile": {"password": password}})), text);
    }
    let mut tenant = demo();
    let id = hire(&mut tenant, &json!({}));
    assert_eq!(get(&mut tenant, &format!("/users/{id}?$select=passwordProfile"))["passwordProfile"], Value::Null);
    assert!(!tenant.snapshot(false).to_string().contains("Quiet-Rain-77"));
    assert!(!tenant.calls(0).to_string().contains("Quiet-Rain-77"));
}

#[test]
fn a_change_is_all_or_nothing_and_answers_nothing() {
    let mut tenant = demo();
    check(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"jobTitle": "Key Account Manager", "city": null}), 204);
    check(
        &mut tenant,
        &format!("PATCH /users/{BRAM}"),
        &json!({"jobTitle": "Boss", "employeeId": "x".repeat(17)}),
        400,
    );
    let bram = get(&mut tenant, &format!("/users/{BRAM}?$select=jobTitle,city"));
    assert_eq!((&bram["jobTitle"], &bram["city"]), (&json!("Key Account Manager"), &Value::Null));
}

#[test]
fn what_ad_ds_masters_cannot_be_changed_and_the_rest_can() {
    let mut tenant = demo();
    for body in [
        json!({"department": "Sales"}),
        json!({"accountEnabled": false}),
        json!({"usageLocation": "NL", "jobTitle": "x"}),
    ] {
        bad(&mut tenant, &format!("PATCH /users/{SYNCED}"), &body, SYNCED_TEXT);
    }
    bad(&mut tenant, &format!("PUT /users/{SYNCED}/manager/$ref"), &link(LENA), SYNCED_TEXT);
    bad(&mut tenant, &format!("DELETE /users/{SYNCED}"), &Value::Null, SYNCED_TEXT);
    check(&mut tenant, &format!("PATCH /users/{SYNCED}"), &json!({"usageLocation": "NL"}), 204);
    check(&mut tenant, &format!("POST /users/{SYNCED}/assignLicense"), &add(E3), 200);
    check(&mut tenant, &format!("POST /groups/{SALES}/members/$ref"), &link(SYNCED), 204);
    check(&mut tenant, &format!("POST /users/{SYNCED}/revokeSignInSessions"), &Value::Null, 200);
}

#[test]
fn administrators_are_out_of_an_ordinary_applications_reach() {
    let mut tenant = demo();
    let denied = "Insufficient privileges to complete the operation.";
    for body in [json!({"accountEnabled": false}), json!({"passwordProfile": {"password": "Quiet-Rain-77"}})] {
        refused(&mut tenant, &format!("PATCH /users/{ADMIN}"), &body, 403, "Authorization_RequestDenied", denied);
    }
    refused(&mut tenant, &format!("DELETE /users/{ADMIN}"), &Value::Null, 403, "Authorization_RequestDenied", denied);
    check(&mut tenant, &format!("PATCH /users/{ADMIN}"), &json!({"jobTitle": "Chief Administrator"}), 204);
}

#[test]
fn sharepoint_properties_are_neither_listed_nor_written_by_an_app() {
    let mut tenant = demo();
    refused(&mut tenant, "GET /users?$select=id,aboutMe", &Value::Null, 501, "NotImplemented", "This operation target");
    check(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"aboutMe": "x"}), 403);
}

#[test]
fn unknown_people_are_not_found_whatever_is_asked() {
    let mut tenant = demo();
    let text =
        format!("Resource '{NOBODY}' does not exist or one of its queried reference-property objects are not present.");
    for line in [
        "GET /users/{}",
        "PATCH /users/{}",
        "DELETE /users/{}",
        "GET /users/{}/memberOf",
        "POST /users/{}/revokeSignInSessions",
    ] {
        let line = line.replace("{}", NOBODY);
        refused(&mut tenant, &line, &json!({}), 404, "Request_ResourceNotFound", &text);
    }
    refused(
        &mut tenant,
        "GET /users/a%40contoso.example",
        &Value::Null,
        404,
        "Request_ResourceNotFound",
        "Resource 'a@contoso",
    );
}

#[test]
fn extension_properties_are_kept_found_and_bounded_by_the_seeds_list() {
    let name = "extension_0123456789abcdef0123456789abcdef_joineryPerson";
    let mut tenant = demo();
    let id = hire(&mut tenant, &json!({name: "bamboo:17"}));
    let found = get(&mut tenant, &format!("/users?$select=id,{name}&$filter={name} eq 'BAMBOO:17'"));
    assert_eq!(found["value"], json!([{"id": id, name: "bamboo:17"}]));
    let mut strict = seeded(&json!({"extensionProperties": [name]}));
    let other = "extension_0123456789abcdef0123456789abcdef_other";
    hire(&mut strict, &json!({name: "bamboo:17"}));
    bad(&mut strict, "POST /users", &person(&json!({other: "x"})), "Could not find a property named");
    let body = json!({"name": "other", "dataType": "String", "targetObjects": ["User"]});
    check(&mut strict, "POST /applications/01234567-89ab-cdef-0123-456789abcdef/extensionProperties", &body, 201);
    let changes = json!({other: "x", "userPrincipalName": "b@contoso.example"});
    check(&mut strict, "POST /users", &person(&changes), 201);
    let listed = get(&mut strict, "/applications/01234567-89ab-cdef-0123-456789abcdef/extensionProperties");
    assert_eq!(listed["value"].as_array().unwrap().len(), 2);
}

#[test]
fn managers_are_set_read_expanded_and_removed() {
    let mut tenant = demo();
    let id = hire(&mut tenant, &json!({}));
    refused(
        &mut tenant,
        &format!("GET /users/{id}/manager"),
        &Value::Null,
        404,
        "Request_ResourceNotFound",
        "Resource 'manager'",
    );
    check(&mut tenant, &format!("DELETE /users/{id}/manager/$ref"), &Value::Null, 404);
    check(&mut tenant, &format!("PUT /users/{id}/manager/$ref"), &link(NOBODY), 404);
    bad(&mut tenant, &format!("PUT /users/{id}/manager/$ref"), &json!({"@odata.id": "x"}), "A valid URI");
    check(&mut tenant, &format!("PUT /users/{id}/manager/$ref"), &link(LENA), 204);
    assert_eq!(get(&mut tenant, &format!("/users/{id}/manager"))["id"], LENA);
    assert_eq!(get(&mut tenant, &format!("/users/{id}?$select=id&$expand=manager"))["manager"]["id"], LENA);
    assert!(ids(&get(&mut tenant, &format!("/users/{LENA}/directReports"))).contains(&id));
    check(&mut tenant, &format!("DELETE /users/{id}/manager/$ref"), &Value::Null, 204);
    check(&mut tenant, &format!("GET /users/{id}/manager"), &Value::Null, 404);
}

#[test]
fn revoking_sessions_answers_true_and_dates_them() {
    let mut tenant = demo();
    wait(&mut tenant, 60_000);
    let answer = done(&mut tenant, &format!("POST /users/{BRAM}/revokeSignInSessions"), &Value::Null);
    assert_eq!(answer["value"], true);
    let bram = get(&mut tenant, &format!("/users/{BRAM}?$select=signInSessionsValidFromDateTime,accountEnabled"));
    assert_eq!(bram["signInSessionsValidFromDateTime"], "2026-03-02T08:01:00Z");
    assert_eq!(bram["accountEnabled"], true);
}

#[test]
fn authentication_methods_are_listed_and_removed_one_by_one() {
    let mut tenant = demo();
    let methods = get(&mut tenant, &format!("/users/{BRAM}/authentication/methods"));
    let kinds: Vec<&str> =
        methods["value"].as_array().unwrap().iter().map(|m| m["@odata.type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "#microsoft.graph.passwordAuthenticationMethod",
            "#microsoft.graph.phoneAuthenticationMethod",
            "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod"
        ]
    );
    let phone = format!("DELETE /users/{BRAM}/authentication/phoneMethods/{}", ids(&methods)[1]);
    check(
        &mut tenant,
        &format!("DELETE /users/{BRAM}/authentication/fido2Methods/{}", ids(&methods)[1]),
        &Value::Null,
        404,
    );
    check(&mut tenant, &phone, &Value::Null, 204);
    check(&mut tenant, &phone, &Value::Null, 404);
    assert_eq!(ids(&get(&mut tenant, &format!("/users/{BRAM}/authentication/methods"))).len(), 2);
}

#[test]
fn an_access_pass_is_told_once_replaced_by_the_next_and_expires() {
    let mut tenant = demo();
    let passes = format!("/users/{BRAM}/authentication/temporaryAccessPassMethods");
    check(&mut tenant, &format!("POST {passes}"), &json!({"lifetimeInMinutes": 5}), 400);
    let first = done(&mut tenant, &format!("POST {passes}"), &json!({"lifetimeInMinutes": 120, "isUsableOnce": true}));
    assert_eq!(first["temporaryAccessPass"].as_str().unwrap().len(), 8);
    let second = done(&mut tenant, &format!("POST {passes}"), &json!({}));
    assert_ne!(first["temporaryAccessPass"], second["temporaryAccessPass"]);
    let listed = get(&mut tenant, &passes);
    assert_eq!(ids(&listed), [second["id"].as_str().unwrap()]);
    assert_eq!(listed["value"][0]["temporaryAccessPass"], Value::Null);
    assert_eq!(listed["value"][0]["methodUsabilityReason"], "EnabledByPolicy");
    wait(&mut tenant, 3_600_000);
    assert_eq!(get(&mut tenant, &passes)["value"][0]["methodUsabilityReason"], "Expired");
    check(&mut tenant, &format!("DELETE {passes}/{}", second["id"].as_str().unwrap()), &Value::Null, 204);
}

#[test]
fn an_invited_guest_is_there_at_once() {
    let mut tenant = demo();
    let body =
        json!({"invitedUserEmailAddress": "kim.lee@fabrikam.example", "inviteRedirectUrl": "https://contoso.example"});
    let invitation = done(&mut tenant, "POST /invitations", &body);
    assert_eq!(invitation["status"], "PendingAcceptance");
    let id = invitation["invitedUser"]["id"].as_str().unwrap().to_owned();
    let guest = get(
        &mut tenant,
        &format!("/users/{id}?$select=userPrincipalName,userType,externalUserState,creationType,mail"),
    );
    assert_eq!(guest["userPrincipalName"], "kim.lee_fabrikam.example#EXT#@contoso.onmicrosoft.example");
    assert_eq!(guest["externalUserState"], "PendingAcceptance");
    assert_eq!((&guest["userType"], &guest["creationType"]), (&json!("Guest"), &json!("Invitation")));
    check(&mut tenant, "GET /users/kim.lee_fabrikam.example%23EXT%23@contoso.onmicrosoft.example", &Value::Null, 200);
    assert_eq!(done(&mut tenant, "POST /invitations", &body)["invitedUser"]["id"], id.as_str());
    check(&mut tenant, &format!("POST /groups/{SALES}/members/$ref"), &link(&id), 204);
}

#[test]
fn some_addresses_are_not_invited() {
    let cases = [
        ("kim+work@fabrikam.example", "The invited user email address is invalid."),
        ("-kim@fabrikam.example", "The invited user email address is invalid."),
        ("kim", "The invited user email address is invalid."),
        ("kim@contoso.example", "Invitee is in inviter tenant"),
    ];
    for (address, text) in cases {
        let body = json!({"invitedUserEmailAddress": address, "inviteRedirectUrl": "https://contoso.example"});
        refused(&mut demo(), "POST /invitations", &body, 400, "BadRequest", text);
    }
    let mut tenant = demo();
    hire(&mut tenant, &json!({"mail": "zoe@private.example"}));
    let body =
        json!({"invitedUserEmailAddress": "zoe@private.example", "inviteRedirectUrl": "https://contoso.example"});
    refused(
        &mut tenant,
        "POST /invitations",
        &body,
        400,
        "BadRequest",
        "The invited user already exists in the directory",
    );
    bad(&mut tenant, "POST /invitations", &json!({}), "A value is required for property 'invitedUserEmailAddress'");
}

#[test]
fn a_guest_can_be_asked_to_redeem_again() {
    let mut tenant = demo();
    let body = json!({
        "invitedUserEmailAddress": "anna@fabrikam.example", "inviteRedirectUrl": "https://contoso.example",
        "resetRedemption": true, "invitedUser": {"id": GUEST},
    });
    assert_eq!(done(&mut tenant, "POST /invitations", &body)["invitedUser"]["id"], GUEST);
    let guest = get(&mut tenant, &format!("/users/{GUEST}?$select=externalUserState,mail"));
    assert_eq!(
        (&guest["externalUserState"], &guest["mail"]),
        (&json!("PendingAcceptance"), &json!("anna@fabrikam.example"))
    );
}
