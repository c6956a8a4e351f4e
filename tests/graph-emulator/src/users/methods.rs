//! Authentication methods: listing and removing what somebody can sign in with, and Temporary Access Passes.
//! Source: "temporaryAccessPassAuthenticationMethod", "Configure Temporary Access Pass".

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::clock::graph_time;
use crate::entity::User;
use crate::history::View;
use crate::ids::Guid;
use crate::refusal::Refusal;
use crate::state::State;
use crate::wire::{Answer, Request, Served};

const PASS: &str = "#microsoft.graph.temporaryAccessPassAuthenticationMethod";

/// A mark of ours on a pass that somebody signed in with; no read shows it.
const USED: &str = "used";

/// The URL segment and type of every method that can be deleted.
const DELETABLE: &[(&str, &str)] = &[
    ("phoneMethods", "#microsoft.graph.phoneAuthenticationMethod"),
    ("microsoftAuthenticatorMethods", "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod"),
    ("fido2Methods", "#microsoft.graph.fido2AuthenticationMethod"),
    ("softwareOathMethods", "#microsoft.graph.softwareOathAuthenticationMethod"),
    ("emailMethods", "#microsoft.graph.emailAuthenticationMethod"),
    ("windowsHelloForBusinessMethods", "#microsoft.graph.windowsHelloForBusinessAuthenticationMethod"),
    ("platformCredentialMethods", "#microsoft.graph.platformCredentialAuthenticationMethod"),
    ("temporaryAccessPassMethods", PASS),
];

/// The id of everybody's password method.
const PASSWORD_ID: &str = "28c10230-6103-485e-b985-444c60001490";

/// `GET /users/{id}/authentication/methods`
pub(crate) fn list(request: &mut Request<'_>) -> Served {
    let (id, user) = request.state.find_user(request.view, request.param(0))?;
    let password = json!({
        "@odata.type": "#microsoft.graph.passwordAuthenticationMethod",
        "id": PASSWORD_ID,
        "password": null,
        "createdDateTime": user.properties.get("lastPasswordChangeDateTime").cloned().unwrap_or_default(),
    });
    let show = |method: &Value| if is_pass(method) { show_pass(request.state, id, method) } else { method.clone() };
    let shown = user.methods.iter().map(show);
    let methods = std::iter::once(password).chain(shown);
    Ok(request.collection("users/authentication/methods", methods))
}

/// `GET /users/{id}/authentication/temporaryAccessPassMethods`
pub(crate) fn list_passes(request: &mut Request<'_>) -> Served {
    let (id, user) = request.state.find_user(request.view, request.param(0))?;
    let passes = user.methods.iter().filter(|method| is_pass(method)).map(|pass| show_pass(request.state, id, pass));
    Ok(request.collection("users/authentication/temporaryAccessPassMethods", passes))
}

/// `GET /users/{id}/authentication/temporaryAccessPassMethods/{method}`
pub(crate) fn read_pass(request: &mut Request<'_>) -> Served {
    let (id, user) = request.state.find_user(request.view, request.param(0))?;
    let pass = user.methods.iter().find(|method| is_pass(method) && has_id(method, request.param(1)));
    let pass = pass.ok_or_else(|| Refusal::missing(request.param(1)))?;
    Ok(Answer::json(200, show_pass(request.state, id, pass)))
}

/// `DELETE /users/{id}/authentication/{kind}/{method}`
pub(crate) fn delete(request: &mut Request<'_>) -> Served {
    let (id, user) = request.state.find_user(request.view, request.param(0))?;
    let (kind, method) = (request.param(1).to_owned(), request.param(2).to_owned());
    let Some((_, odata_type)) = DELETABLE.iter().find(|(segment, _)| *segment == kind) else {
        return Err(Refusal::unreadable(format!("Resource not found for the segment '{kind}'.")));
    };
    let wanted = |own: &Value| has_id(own, &method) && own.get("@odata.type").is_some_and(|own| own == odata_type);
    if !user.methods.iter().any(wanted) {
        return Err(Refusal::new(404, "resourceNotFound", "The requested authentication method was not found."));
    }
    request.state.edit_user(id, |user| user.methods.retain(|own| !wanted(own)));
    Ok(Answer::no_content())
}

/// `POST /users/{id}/authentication/temporaryAccessPassMethods`: replaces the pass that the user has. Where the policy
/// forbids it the body is not documented; 400 stands for it.
pub(crate) fn create_pass(request: &mut Request<'_>) -> Served {
    let body = request.object()?;
    let known = ["startDateTime", "lifetimeInMinutes", "isUsableOnce"];
    if let Some(name) = body.keys().find(|name| !name.starts_with('@') && !known.contains(&name.as_str())) {
        return Err(Refusal::unknown_property(name, "temporaryAccessPassAuthenticationMethod"));
    }
    let id = request.state.find_user(request.view, request.param(0))?.0;
    let policy = request.state.access_pass.clone();
    if !policy.enabled {
        return Err(Refusal::bad("Temporary Access Pass is not enabled in the authentication methods policy."));
    }
    let minutes = match body.get("lifetimeInMinutes").unwrap_or(&Value::Null) {
        Value::Null => policy.default_minutes,
        minutes => minutes.as_i64().ok_or_else(|| Refusal::invalid("lifetimeInMinutes", "temporaryAccessPass"))?,
    };
    if !(policy.least_minutes..=policy.most_minutes).contains(&minutes) {
        return Err(Refusal::bad("The lifetime is outside the range that the authentication methods policy allows."));
    }
    let once = match body.get("isUsableOnce").unwrap_or(&Value::Null) {
        Value::Null => policy.once,
        once => once.as_bool().ok_or_else(|| Refusal::invalid("isUsableOnce", "temporaryAccessPass"))?,
    };
    if policy.once && !once {
        return Err(Refusal::bad("The authentication methods policy allows one-time passes only."));
    }
    let invalid_start = || Refusal::invalid("startDateTime", "temporaryAccessPass");
    let start = match body.get("startDateTime").unwrap_or(&Value::Null) {
        Value::Null => request.state.now,
        text => text.as_str().and_then(|text| text.parse().ok()).ok_or_else(invalid_start)?,
    };
    let pass = new_pass(request.state, start, minutes, once);
    let mut answer = show_pass(request.state, id, &pass);
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("temporaryAccessPass".into(), Value::String(secret(request.state)));
        answer.insert(
            "@odata.context".into(),
            request.context("users/authentication/temporaryAccessPassMethods/$entity"),
        );
    }
    replace_pass(request.state, id, pass);
    Ok(Answer::json(201, answer))
}

fn new_pass(state: &mut State, start: Timestamp, minutes: i64, once: bool) -> Value {
    json!({
        "@odata.type": PASS,
        "id": state.draw.guid().to_string(),
        "createdDateTime": graph_time(state.now),
        "startDateTime": graph_time(start),
        "lifetimeInMinutes": minutes,
        "isUsableOnce": once,
    })
}

fn replace_pass(state: &mut State, id: Guid, pass: Value) {
    state.edit_user(id, |user: &mut User| {
        user.methods.retain(|own| !is_pass(own));
        user.methods.push(pass);
    });
}

/// The pass itself: told once, never stored.
fn secret(state: &mut State) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789+*&!";
    let length = usize::try_from(state.access_pass.length).unwrap_or(8).min(48);
    let letters = (0..length).filter_map(|_| {
        let drawn = state.draw.number() % (LETTERS.len() as u64);
        LETTERS.get(usize::try_from(drawn).unwrap_or(0)).map(|letter| char::from(*letter))
    });
    letters.collect()
}

/// A pass as a read shows it: with its usability now, and without its secret.
fn show_pass(state: &State, user: Guid, pass: &Value) -> Value {
    let mut shown: Map<String, Value> = pass.as_object().cloned().unwrap_or_default();
    let reason = usability(state, user, pass);
    shown.remove(USED);
    shown.insert("temporaryAccessPass".into(), Value::Null);
    shown.insert("isUsable".into(), json!(reason == "EnabledByPolicy"));
    shown.insert("methodUsabilityReason".into(), json!(reason));
    Value::Object(shown)
}

/// Why a pass can or cannot be used now. One can be made for somebody outside the policy's groups; it is of no use.
fn usability(state: &State, user: Guid, pass: &Value) -> &'static str {
    let start = pass.get("startDateTime").and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
    let minutes = pass.get("lifetimeInMinutes").and_then(Value::as_i64).unwrap_or(60);
    let end = start.and_then(|start| start.saturating_add(SignedDuration::from_mins(minutes)).ok());
    let once = pass.get("isUsableOnce").and_then(Value::as_bool).unwrap_or(false);
    let policy = &state.access_pass;
    let included = policy
        .groups
        .as_ref()
        .is_none_or(|groups| state.transitive_groups(View::PRIMARY, user).iter().any(|group| groups.contains(group)));
    match (start, end) {
        _ if !policy.enabled || !included => "DisabledByPolicy",
        _ if once && pass.get(USED).is_some() => "OneTimeUsed",
        (Some(start), _) if state.now < start => "NotYetValid",
        (_, Some(end)) if state.now >= end => "Expired",
        _ => "EnabledByPolicy",
    }
}

/// The same of the pass that somebody has.
pub(super) fn pass_usability(state: &State, id: Guid) -> Option<&'static str> {
    let user = state.user(id)?;
    user.methods.iter().find(|method| is_pass(method)).map(|pass| usability(state, id, pass))
}

/// Somebody signed in with their pass.
pub(super) fn use_pass(user: &mut User) {
    for pass in user.methods.iter_mut().filter(|method| is_pass(method)) {
        if let Some(pass) = pass.as_object_mut() {
            pass.insert(USED.into(), Value::Bool(true));
        }
    }
}

fn is_pass(method: &Value) -> bool {
    method.get("@odata.type").is_some_and(|own| own == PASS)
}

fn has_id(method: &Value, id: &str) -> bool {
    method.get("id").and_then(Value::as_str).is_some_and(|own| own == id)
}
