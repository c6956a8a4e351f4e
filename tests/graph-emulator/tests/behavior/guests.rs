//! Invitations, redemption, sponsors.

use serde_json::{Value, json};

use crate::stage::*;

fn invitation(changes: &Value) -> Value {
    let mut body =
        json!({"invitedUserEmailAddress": "kim.lee@fabrikam.example", "inviteRedirectUrl": "https://contoso.example"});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

fn invited(answer: &Value) -> String {
    answer["invitedUser"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_guest_redeems_once_and_again_after_a_reset() {
    let mut tenant = demo();
    let id = invited(&done(&mut tenant, "POST /invitations", &invitation(&json!({}))));
    let select = format!("/users/{id}?$select=externalUserState,externalUserStateChangeDateTime,identities,mail");
    let own = get(&mut tenant, &select);
    assert_eq!(own["identities"][0]["issuer"], "contoso.onmicrosoft.example");
    done(&mut tenant, &format!("POST /groups/{SALES}/members/$ref"), &link(&id));
    wait(&mut tenant, 60_000);
    done(&mut tenant, &format!("PUT /_control/redemptions/{id}"), &json!({}));
    let redeemed = get(&mut tenant, &select);
    assert_eq!(
        (&redeemed["externalUserState"], &redeemed["externalUserStateChangeDateTime"]),
        (&json!("Accepted"), &json!("2026-03-02T08:01:00Z"))
    );
    assert_eq!(redeemed["identities"][0]["issuer"], "ExternalAzureAD");
    check(&mut tenant, &format!("PUT /_control/redemptions/{id}"), &json!({}), 400);
    let reset =
        json!({"resetRedemption": true, "invitedUser": {"id": id}, "invitedUserEmailAddress": "kim@other.example"});
    done(&mut tenant, "POST /invitations", &invitation(&reset));
    let pending = get(&mut tenant, &select);
    assert_eq!(
        (&pending["externalUserState"], &pending["mail"], &pending["identities"]),
        (&json!("PendingAcceptance"), &json!("kim@other.example"), &own["identities"])
    );
    assert!(ids(&get(&mut tenant, &format!("/users/{id}/memberOf"))).contains(&SALES.to_owned()), "groups are kept");
    let lonely = invitation(&json!({"resetRedemption": true}));
    bad(&mut tenant, "POST /invitations", &lonely, "A value is required for property 'invitedUser'");
}

#[test]
fn sponsors_are_those_that_are_named() {
    let mut tenant = demo();
    let body = invitation(
        &json!({"invitedUserSponsors": [{"@odata.type": "#microsoft.graph.user", "id": LENA}, link(SALES)]}),
    );
    let id = invited(&done(&mut tenant, "POST /invitations", &body));
    let sponsors = format!("/users/{id}/sponsors");
    assert_eq!(ids(&get(&mut tenant, &sponsors)), [SALES, LENA]);
    let expanded = get(&mut tenant, &format!("/users/{id}?$select=id&$expand=sponsors"));
    assert_eq!(expanded["sponsors"].as_array().unwrap().len(), 2);
    check(&mut tenant, &format!("POST {sponsors}/$ref"), &link(BRAM), 204);
    bad(
        &mut tenant,
        &format!("POST {sponsors}/$ref"),
        &link(BRAM),
        "One or more added object references already exist",
    );
    check(&mut tenant, &format!("DELETE {sponsors}/{LENA}/$ref"), &Value::Null, 204);
    check(&mut tenant, &format!("DELETE {sponsors}/{LENA}/$ref"), &Value::Null, 404);
    assert_eq!(ids(&get(&mut tenant, &sponsors)), [SALES, BRAM]);
    check(&mut tenant, "POST /invitations", &invitation(&json!({"invitedUserSponsors": [link(NOBODY)]})), 404);
    let nobodys = invited(&done(
        &mut tenant,
        "POST /invitations",
        &invitation(&json!({"invitedUserEmailAddress": "x@y.example"})),
    ));
    assert_eq!(ids(&get(&mut tenant, &format!("/users/{nobodys}/sponsors"))).len(), 0);
}

#[test]
fn collaboration_settings_keep_domains_out() {
    let mut tenant = demo();
    done(&mut tenant, "PUT /_control/collaboration", &json!({"blockedDomains": ["Fabrikam.example"]}));
    check(&mut tenant, "POST /invitations", &invitation(&json!({})), 400);
    done(
        &mut tenant,
        "PUT /_control/collaboration",
        &json!({"blockedDomains": [], "allowedDomains": ["partner.example"]}),
    );
    check(&mut tenant, "POST /invitations", &invitation(&json!({})), 400);
    let partner = json!({"invitedUserEmailAddress": "kim@partner.example"});
    check(&mut tenant, "POST /invitations", &invitation(&partner), 201);
    check(&mut tenant, "PUT /_control/collaboration", &json!({"blockedDomains": ["a.example"]}), 400);
    let seed = json!({"collaboration": {"blockedDomains": ["fabrikam.example"]}});
    check(&mut seeded(&seed), "POST /invitations", &invitation(&json!({})), 400);
}

#[test]
fn an_invitation_is_mailed_only_on_request() {
    let mut tenant = demo();
    done(&mut tenant, "POST /invitations", &invitation(&json!({})));
    assert_eq!(done(&mut tenant, "GET /_control/mail", &Value::Null), json!([]));
    let copy = json!({"emailAddress": {"address": "lena.schafer@contoso.example"}});
    let info = json!({"customizedMessageBody": "Welcome", "ccRecipients": [copy]});
    let body = invitation(&json!({"sendInvitationMessage": true, "invitedUserMessageInfo": info}));
    let id = invited(&done(&mut tenant, "POST /invitations", &body));
    let mail = done(&mut tenant, "GET /_control/mail", &Value::Null);
    assert_eq!((&mail[0]["invitation"], &mail[0]["message"]["body"]["content"]), (&json!(id), &json!("Welcome")));
    let two = json!({"invitedUserMessageInfo": {"ccRecipients": [copy, copy]}});
    check(&mut tenant, "POST /invitations", &invitation(&two), 400);
}

#[test]
fn an_external_member_can_be_invited_and_found_again() {
    let mut tenant = demo();
    let body = invitation(&json!({"invitedUserType": "Member"}));
    let id = invited(&done(&mut tenant, "POST /invitations", &body));
    assert_eq!(get(&mut tenant, &format!("/users/{id}?$select=userType"))["userType"], "Member");
    let reset = invitation(&json!({"resetRedemption": true, "invitedUser": {"id": id}}));
    check(&mut tenant, "POST /invitations", &reset, 201);
    let inside = invitation(&json!({"resetRedemption": true, "invitedUser": {"id": BRAM}}));
    check(&mut tenant, "POST /invitations", &inside, 400);
}
