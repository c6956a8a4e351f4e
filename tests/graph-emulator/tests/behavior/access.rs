//! Tokens, bearers, permissions.

use graph_emulator::{Answer, Call, Options, Tenant};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::stage::*;

const TENANT: &str = "c0ffee00-0000-4000-8000-000000000001";

fn strict() -> Tenant {
    let mut seed = Tenant::demo_seed().unwrap();
    seed["applications"] = json!([
        {"appId": "reader", "secret": "s3cret", "roles": ["User.Read.All"]},
        {"appId": "cutter", "secret": "s3cret", "roles": ["User.Read.All", "User.EnableDisableAccount.All", "User.RevokeSessions.All"]},
        {"appId": "ruler", "secret": "s3cret", "roles": ["User.ReadWrite.All"], "directoryRoles": ["Privileged Authentication Administrator"]},
    ]);
    Tenant::from_seed(&seed, Options { strict_auth: true, ..Options::default() }).unwrap()
}

fn token(tenant: &mut Tenant, directory: &str, form: &str) -> Answer {
    let path = format!("/{directory}/oauth2/v2.0/token");
    tenant.answer(&Call {
        method: &Method::POST,
        path: &path,
        query: "",
        headers: &HeaderMap::new(),
        body: form.as_bytes(),
    })
}

fn form(client: &str, secret: &str) -> String {
    format!(
        "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_id={client}&client_secret={secret}"
    )
}

/// The header of an application whose secret is the usual one.
pub(crate) fn bearer(tenant: &mut Tenant, app: &str) -> String {
    let directory = get_directory(tenant);
    let answer = token(tenant, &directory, &form(app, "s3cret"));
    format!("Bearer {}", answer.value()["access_token"].as_str().unwrap())
}

fn get_directory(tenant: &mut Tenant) -> String {
    let clock = tenant.snapshot(true);
    let upn = clock["users"][0]["userPrincipalName"].as_str().unwrap_or("a@x.y").to_owned();
    upn.rsplit('@').next().unwrap().to_owned()
}

fn as_app(tenant: &mut Tenant, app: &str, line: &str, body: &Value) -> u16 {
    let bearer = bearer(tenant, app);
    ask_with(tenant, line, &[("authorization", &bearer)], body).status
}

#[test]
fn without_strictness_any_secret_gets_a_token_and_any_bearer_passes() {
    let mut tenant = demo();
    let answer = token(&mut tenant, "anything", &form("app-1", "x"));
    assert_eq!(
        (answer.status, &answer.value()["token_type"], &answer.value()["expires_in"]),
        (200, &json!("Bearer"), &json!(3599))
    );
    let bearer = format!("Bearer {}", answer.value()["access_token"].as_str().unwrap());
    assert_eq!(ask_with(&mut tenant, "GET /users", &[("authorization", &bearer)], &Value::Null).status, 200);
    assert_eq!(tenant.calls(1)[0]["app"], "app-1");
    for header in ["", "Bearer ", "Basic abc"] {
        let answer = ask_with(&mut tenant, "GET /users", &[("authorization", header)], &Value::Null);
        assert_eq!((answer.status, &answer.value()["error"]["code"]), (401, &json!("InvalidAuthenticationToken")));
        assert!(answer.headers.iter().any(|(name, _)| *name == "www-authenticate"));
    }
}

#[test]
fn the_token_endpoint_names_what_is_wrong() {
    let mut tenant = strict();
    let assertion = form("reader", "").replace(
        "client_secret=",
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=a.b.c",
    );
    assert_eq!(token(&mut tenant, TENANT, &assertion).status, 200);
    for (directory, form, status, error, number) in [
        (TENANT, form("reader", "wrong"), 401, "invalid_client", 7_000_215),
        (TENANT, form("reader", ""), 401, "invalid_client", 7_000_216),
        (TENANT, form("stranger", "s3cret"), 400, "unauthorized_client", 700_016),
        ("other.example", form("reader", "s3cret"), 400, "invalid_request", 90002),
        (TENANT, form("reader", "s3cret").replace(".default", "User.Read"), 400, "invalid_scope", 70011),
        (
            TENANT,
            form("reader", "s3cret").replace("client_credentials", "password"),
            400,
            "unsupported_grant_type",
            70003,
        ),
    ] {
        let answer = token(&mut tenant, directory, &form);
        let body = answer.value();
        assert_eq!((answer.status, &body["error"], &body["error_codes"]), (status, &json!(error), &json!([number])));
        assert!(body["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{number}: ")));
    }
    assert_eq!(token(&mut tenant, "contoso.example", &form("reader", "s3cret")).status, 200);
}

#[test]
fn a_missing_permission_is_denied_and_a_narrow_one_is_narrow() {
    let mut tenant = strict();
    let user = format!("/users/{BRAM}");
    assert_eq!(as_app(&mut tenant, "reader", &format!("GET {user}"), &Value::Null), 200);
    assert_eq!(as_app(&mut tenant, "reader", &format!("PATCH {user}"), &json!({"accountEnabled": false})), 403);
    assert_eq!(as_app(&mut tenant, "cutter", &format!("PATCH {user}"), &json!({"accountEnabled": false})), 204);
    assert_eq!(
        as_app(&mut tenant, "cutter", &format!("PATCH {user}"), &json!({"accountEnabled": false, "jobTitle": "x"})),
        403
    );
    assert_eq!(as_app(&mut tenant, "cutter", &format!("POST {user}/revokeSignInSessions"), &Value::Null), 200);
    assert_eq!(as_app(&mut tenant, "cutter", &format!("POST /groups/{SALES}/members/$ref"), &link(JULIA)), 403);
    assert_eq!(as_app(&mut tenant, "ruler", &format!("PATCH /users/{ADMIN}"), &json!({"accountEnabled": false})), 204);
    let late = json!({"employeeLeaveDateTime": "2026-12-31T00:00:00Z"});
    assert_eq!(as_app(&mut tenant, "ruler", &format!("PATCH {user}"), &late), 403);
}

#[test]
fn made_up_and_expired_tokens_are_refused_where_it_counts() {
    let mut tenant = strict();
    assert_eq!(ask(&mut tenant, "GET /users", &Value::Null).status, 401);
    let answer = token(&mut tenant, TENANT, &form("reader", "s3cret"));
    let bearer = format!("Bearer {}", answer.value()["access_token"].as_str().unwrap());
    wait(&mut tenant, 3_599_000);
    assert_eq!(ask_with(&mut tenant, "GET /users", &[("authorization", &bearer)], &Value::Null).status, 200);
    wait(&mut tenant, 1_001);
    assert_eq!(ask_with(&mut tenant, "GET /users", &[("authorization", &bearer)], &Value::Null).status, 401);
}

#[test]
fn secrets_are_not_recorded() {
    let mut tenant = strict();
    token(&mut tenant, TENANT, &form("reader", "s3cret"));
    let calls = tenant.calls(0);
    assert_eq!((&calls[0]["app"], &calls[0]["body"]), (&json!("reader"), &Value::Null));
    assert!(!calls.to_string().contains("s3cret"));
}
