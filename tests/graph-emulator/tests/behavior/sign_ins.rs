//! Signing in, by password or pass, and what is told about it; mail.

use graph_emulator::{Options, Tenant};
use serde_json::{Value, json};

use crate::stage::*;

fn activity(tenant: &mut Tenant, id: &str) -> Value {
    get(tenant, &format!("/users/{id}?$select=id,signInActivity"))["signInActivity"].clone()
}

#[test]
fn sign_ins_are_dated_and_failed_ones_count_in_the_older_dates_only() {
    let mut tenant = demo();
    assert_eq!(activity(&mut tenant, BRAM), Value::Null);
    done(&mut tenant, &format!("PUT /_control/sign-ins/{BRAM}"), &json!({}));
    wait(&mut tenant, 60_000);
    done(&mut tenant, &format!("PUT /_control/sign-ins/{BRAM}"), &json!({"successful": false}));
    wait(&mut tenant, 60_000);
    done(&mut tenant, &format!("PUT /_control/sign-ins/{BRAM}"), &json!({"successful": false, "interactive": false}));
    let told = activity(&mut tenant, BRAM);
    assert_eq!(told["lastSuccessfulSignInDateTime"], "2026-03-02T08:00:00Z");
    assert_eq!(told["lastSignInDateTime"], "2026-03-02T08:01:00Z");
    assert_eq!(told["lastNonInteractiveSignInDateTime"], "2026-03-02T08:02:00Z");
    done(&mut tenant, &format!("PATCH /users/{BRAM}"), &json!({"accountEnabled": false}));
    check(&mut tenant, &format!("PUT /_control/sign-ins/{BRAM}"), &json!({}), 400);
    check(&mut tenant, &format!("PUT /_control/sign-ins/{NOBODY}"), &json!({}), 400);
}

#[test]
fn sign_in_activity_is_read_by_id_in_small_pages_and_filtered_alone() {
    let seen = json!({"lastSuccessfulSignInDateTime": "2025-11-03T07:00:00Z"});
    let mut seed = Tenant::demo_seed().unwrap();
    seed["users"][5]["signInActivity"] = seen.clone();
    seed["users"][30]["signInActivity"] = json!({"lastSuccessfulSignInDateTime": "2026-03-01T07:00:00Z"});
    seed.as_object_mut().unwrap().remove("latency");
    let mut tenant = seeded(&seed);
    assert_eq!(activity(&mut tenant, BRAM), seen);
    check(&mut tenant, "GET /users/bram.jansen@contoso.example?$select=signInActivity", &Value::Null, 400);
    check(&mut tenant, "GET /users?$select=id,signInActivity&$top=501", &Value::Null, 400);
    check(&mut tenant, "GET /users?$select=id,signInActivity&$top=500", &Value::Null, 200);
    let filter = "signInActivity/lastSuccessfulSignInDateTime le 2026-01-01T00:00:00Z";
    assert_eq!(ids(&get(&mut tenant, &format!("/users?$select=id&$filter={filter}"))), [BRAM]);
    check(&mut tenant, &format!("GET /users?$filter={filter}&$top=501"), &Value::Null, 400);
    let both = format!("GET /users?$filter={filter} and department eq 'Sales'");
    refused(&mut tenant, &both, &Value::Null, 400, "Request_UnsupportedQuery", "Filtering on 'signInActivity'");
}

#[test]
fn sign_in_activity_and_mail_need_permissions_of_their_own() {
    let mut seed = Tenant::demo_seed().unwrap();
    seed["applications"] = json!([
        {"appId": "reader", "secret": "s3cret", "roles": ["User.Read.All"]},
        {"appId": "auditor", "secret": "s3cret", "roles": ["User.Read.All", "AuditLog.Read.All"]},
        {"appId": "sender", "secret": "s3cret", "roles": ["Mail.Send"]},
    ]);
    let mut tenant = Tenant::from_seed(&seed, Options { strict_auth: true, ..Options::default() }).unwrap();
    let mut status = |app: &str, line: &str, body: &Value| {
        let bearer = crate::access::bearer(&mut tenant, app);
        ask_with(&mut tenant, line, &[("authorization", &bearer)], body).status
    };
    let read = format!("GET /users/{BRAM}?$select=signInActivity");
    assert_eq!((status("reader", &read, &Value::Null), status("auditor", &read, &Value::Null)), (403, 200));
    let filter = "GET /users?$filter=signInActivity/lastSignInDateTime le 2026-01-01T00:00:00Z";
    assert_eq!((status("reader", filter, &Value::Null), status("auditor", filter, &Value::Null)), (403, 200));
    let send = format!("POST /users/{BRAM}/sendMail");
    assert_eq!(
        (status("reader", &send, &mail(&["a@b.example"])), status("sender", &send, &mail(&["a@b.example"]))),
        (403, 202)
    );
}

fn mail(to: &[&str]) -> Value {
    let to: Vec<Value> = to.iter().map(|address| json!({"emailAddress": {"address": address}})).collect();
    json!({"message": {"subject": "Welcome", "body": {"contentType": "Text", "content": "Hello"}, "toRecipients": to}})
}

#[test]
fn mail_is_accepted_and_shown_behind_the_stage() {
    let mut tenant = demo();
    let send = format!("POST /users/{BRAM}/sendMail");
    assert_eq!(ask(&mut tenant, &send, &mail(&["a@b.example", "c@d.example"])).status, 202);
    let sent = done(&mut tenant, "GET /_control/mail", &Value::Null);
    assert_eq!((&sent[0]["from"], &sent[0]["at"]), (&json!(BRAM), &json!("2026-03-02T08:00:00Z")));
    assert_eq!(sent[0]["message"], mail(&["a@b.example", "c@d.example"])["message"]);
    assert_eq!(sent[0]["saveToSentItems"], true);
    done(&mut tenant, "DELETE /_control/mail", &Value::Null);
    assert_eq!(done(&mut tenant, "GET /_control/mail", &Value::Null), json!([]));
}

#[test]
fn mail_that_cannot_be_sent_is_refused_in_exchanges_words() {
    let mut tenant = demo();
    let send = format!("POST /users/{BRAM}/sendMail");
    for to in [&[][..], &["nobody"], &["a@b.example", "x"]] {
        refused(&mut tenant, &send, &mail(to), 400, "ErrorInvalidRecipients", "At least one recipient is not valid.");
    }
    bad(&mut tenant, &send, &json!({}), "One or more parameters of the operation 'sendMail' are missing");
    let nobody = format!("POST /users/{NOBODY}/sendMail");
    refused(&mut tenant, &nobody, &mail(&["a@b.example"]), 404, "ErrorInvalidUser", "The requested user");
    let id = hire(&mut tenant, &json!({}));
    let no_mailbox = format!("POST /users/{id}/sendMail");
    refused(&mut tenant, &no_mailbox, &mail(&["a@b.example"]), 404, "MailboxNotEnabledForRESTAPI", "The mailbox");
}

#[test]
fn a_pass_tells_why_it_cannot_be_used() {
    let mut tenant = demo();
    let passes = format!("/users/{BRAM}/authentication/temporaryAccessPassMethods");
    let reason = |tenant: &mut Tenant| {
        let pass = get(tenant, &passes)["value"][0].clone();
        assert_eq!(pass["isUsable"] == true, pass["methodUsabilityReason"] == "EnabledByPolicy");
        assert!(pass.get("used").is_none());
        pass["methodUsabilityReason"].as_str().unwrap().to_owned()
    };
    let with_pass = format!("PUT /_control/sign-ins/{BRAM}");
    check(&mut tenant, &with_pass, &json!({"accessPass": true}), 400);
    let later = json!({"startDateTime": "2026-03-02T09:00:00Z", "lifetimeInMinutes": 60, "isUsableOnce": true});
    done(&mut tenant, &format!("POST {passes}"), &later);
    assert_eq!(reason(&mut tenant), "NotYetValid");
    check(&mut tenant, &with_pass, &json!({"accessPass": true}), 400);
    wait(&mut tenant, 3_600_000);
    assert_eq!(reason(&mut tenant), "EnabledByPolicy");
    done(&mut tenant, &with_pass, &json!({"accessPass": true}));
    assert_eq!(reason(&mut tenant), "OneTimeUsed");
    check(&mut tenant, &with_pass, &json!({"accessPass": true}), 400);
    done(&mut tenant, &format!("POST {passes}"), &json!({}));
    done(&mut tenant, &with_pass, &json!({"accessPass": true}));
    assert_eq!(reason(&mut tenant), "EnabledByPolicy", "a pass for several times stays good");
    done(&mut tenant, "PUT /_control/access-pass-policy", &json!({"groups": [LICENSED_E5]}));
    assert_eq!(reason(&mut tenant), "DisabledByPolicy");
    check(&mut tenant, &format!("POST {passes}"), &json!({}), 201);
    done(&mut tenant, "PUT /_control/access-pass-policy", &json!({"groups": null, "enabled": false}));
    assert_eq!(reason(&mut tenant), "DisabledByPolicy");
    check(&mut tenant, &format!("POST {passes}"), &json!({}), 400);
}

#[test]
fn a_pass_outside_the_policy_is_refused() {
    let mut tenant = demo();
    let create = format!("POST /users/{BRAM}/authentication/temporaryAccessPassMethods");
    for body in [
        json!({"lifetimeInMinutes": 59}),
        json!({"lifetimeInMinutes": 481}),
        json!({"lifetimeInMinutes": "60"}),
        json!({"isUsableOnce": "yes"}),
        json!({"startDateTime": "soon"}),
        json!({"temporaryAccessPass": "mine"}),
    ] {
        check(&mut tenant, &create, &body, 400);
    }
    done(&mut tenant, "PUT /_control/access-pass-policy", &json!({"once": true, "length": 12}));
    check(&mut tenant, &create, &json!({"isUsableOnce": false}), 400);
    let pass = done(&mut tenant, &create, &json!({}));
    assert_eq!((&pass["isUsableOnce"], pass["temporaryAccessPass"].as_str().unwrap().len()), (&json!(true), 12));
    let policy = done(&mut tenant, "GET /_control/access-pass-policy", &Value::Null);
    assert_eq!((&policy["once"], &policy["groups"]), (&json!(true), &Value::Null));
    for wrong in
        [json!({"groups": "all"}), json!({"least_minutes": 9}), json!({"default_minutes": 500}), json!({"length": 7})]
    {
        check(&mut tenant, "PUT /_control/access-pass-policy", &wrong, 400);
    }
}
