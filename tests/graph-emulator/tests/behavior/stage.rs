//! The one way in which these tests ask and check.

use graph_emulator::{Answer, Body, Options, Tenant};
use serde_json::{Value, json};

pub(crate) const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
pub(crate) const E5: &str = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";
pub(crate) const F3: &str = "66b55226-6b4f-492c-910c-a3b7a3c9d993";
pub(crate) const SALES: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const ALL_STAFF: &str = "33333333-3333-3333-3333-333333333333";
pub(crate) const MAIL_ENABLED: &str = "44444444-4444-4444-4444-444444444444";
pub(crate) const DYNAMIC: &str = "66666666-6666-6666-6666-666666666666";
pub(crate) const SYNCED_GROUP: &str = "77777777-7777-7777-7777-777777777777";
pub(crate) const LICENSED_E5: &str = "88888888-8888-8888-8888-888888888888";
pub(crate) const BRAM: &str = "20000000-0000-4000-8000-000000000006";
pub(crate) const LENA: &str = "20000000-0000-4000-8000-000000000005";
/// Has a location and no license.
pub(crate) const JULIA: &str = "20000000-0000-4000-8000-000000000031";
pub(crate) const MONIKA: &str = "20000000-0000-4000-8000-000000000032";
pub(crate) const ADMIN: &str = "20000000-0000-4000-8000-000000000035";
pub(crate) const SYNCED: &str = "20000000-0000-4000-8000-000000000037";
pub(crate) const GUEST: &str = "20000000-0000-4000-8000-000000000041";
pub(crate) const NOBODY: &str = "20000000-0000-4000-8000-00000000ffff";
pub(crate) const SYNCED_TEXT: &str = "Unable to update the specified properties for on-premises mastered Directory Sync objects or \
                               objects currently undergoing migration.";

/// The demo company with replicas that always agree.
pub(crate) fn demo() -> Tenant {
    let mut seed = Tenant::demo_seed().unwrap();
    seed.as_object_mut().unwrap().remove("latency");
    Tenant::from_seed(&seed, Options::default()).unwrap()
}

pub(crate) fn seeded(seed: &Value) -> Tenant {
    Tenant::from_seed(seed, Options::default()).unwrap()
}

/// `METHOD target`, with a body or null.
pub(crate) fn ask(tenant: &mut Tenant, line: &str, body: &Value) -> Answer {
    ask_with(tenant, line, &[], body)
}

pub(crate) fn ask_with(tenant: &mut Tenant, line: &str, headers: &[(&'static str, &str)], body: &Value) -> Answer {
    let (method, target) = line.split_once(' ').unwrap();
    let target = if target.starts_with("/_control") { target.to_owned() } else { format!("/v1.0{target}") };
    tenant.ask(method, &target, headers, body)
}

/// Asks and insists on success; gives the body.
pub(crate) fn get(tenant: &mut Tenant, target: &str) -> Value {
    done(tenant, &format!("GET {target}"), &Value::Null)
}

/// An advanced query.
pub(crate) fn get_advanced(tenant: &mut Tenant, target: &str) -> Value {
    let answer = ask_with(tenant, &format!("GET {target}"), &[("consistencylevel", "eventual")], &Value::Null);
    assert_eq!(answer.status, 200, "{target}: {:?}", answer.body);
    answer.value().clone()
}

pub(crate) fn done(tenant: &mut Tenant, line: &str, body: &Value) -> Value {
    let answer = ask(tenant, line, body);
    assert!(answer.status < 300, "{line}: {} {:?}", answer.status, answer.body);
    answer.value().clone()
}

/// The ids of a collection.
pub(crate) fn ids(value: &Value) -> Vec<String> {
    let items = value["value"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().or(item.as_str()).unwrap().to_owned()).collect()
}

/// One line: the call, and the status it must have.
pub(crate) fn check(tenant: &mut Tenant, line: &str, body: &Value, status: u16) {
    let answer = ask(tenant, line, body);
    assert_eq!(answer.status, status, "{line} {body}: {:?}", answer.body);
    if status == 204 {
        assert_eq!(answer.body, Body::Empty, "{line}");
    }
}

/// One line: the call, the status, the code and the beginning of the message it must be refused with.
pub(crate) fn refused(tenant: &mut Tenant, line: &str, body: &Value, status: u16, code: &str, message: &str) {
    let answer = ask(tenant, line, body);
    let error = &answer.value()["error"];
    let given = (answer.status, error["code"].as_str().unwrap_or_default());
    assert_eq!(given, (status, code), "{line} {body}: {:?}", answer.body);
    let text = error["message"].as_str().unwrap();
    assert!(text.starts_with(message), "{line} {body}: {text}");
}

/// A bad request of the usual code.
pub(crate) fn bad(tenant: &mut Tenant, line: &str, body: &Value, message: &str) {
    refused(tenant, line, body, 400, "Request_BadRequest", message);
}

/// The least that makes a user, with changes.
pub(crate) fn person(changes: &Value) -> Value {
    let mut body = json!({
        "accountEnabled": false,
        "displayName": "Zoë Müller",
        "mailNickname": "zoe.muller",
        "userPrincipalName": "zoe.muller@contoso.example",
        "passwordProfile": {"password": "Quiet-Rain-77", "forceChangePasswordNextSignIn": true},
    });
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    body
}

/// Creates somebody, gives the id.
pub(crate) fn hire(tenant: &mut Tenant, changes: &Value) -> String {
    done(tenant, "POST /users", &person(changes))["id"].as_str().unwrap().to_owned()
}

pub(crate) fn link(id: &str) -> Value {
    json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")})
}

/// Moves the emulator's clock.
pub(crate) fn wait(tenant: &mut Tenant, ms: i64) {
    tenant.advance(jiff::SignedDuration::from_millis(ms));
}

pub(crate) fn free(tenant: &mut Tenant, sku: &str) -> i64 {
    done(tenant, "GET /_control/seats", &Value::Null)[sku]["free"].as_i64().unwrap()
}

pub(crate) fn add(sku: &str) -> Value {
    json!({"addLicenses": [{"skuId": sku, "disabledPlans": []}], "removeLicenses": []})
}

pub(crate) fn remove(sku: &str) -> Value {
    json!({"addLicenses": [], "removeLicenses": [sku]})
}
