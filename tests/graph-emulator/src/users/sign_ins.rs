//! Somebody signs in or redeems an invitation: what people do by themselves, played through the control interface.
//! Sources: "signInActivity resource type", "Configure Temporary Access Pass", "Properties of a Microsoft Entra B2B
//! collaboration user".

use serde_json::{Value, json};

use super::methods;
use crate::clock::graph_time;
use crate::entity::User;
use crate::ids::Guid;
use crate::state::State;

/// `{"successful"?: bool, "interactive"?: bool, "accessPass"?: bool}`: a sign-in, which dates `signInActivity`. A failed one counts
/// in the older two dates only. With a pass that is used up, expired or switched off, or on a blocked account, nobody gets in.
pub(crate) fn sign_in(state: &mut State, id: Guid, body: &Value) -> Result<(), String> {
    let flag = |name: &str, default: bool| match body.get(name) {
        None => Ok(default),
        Some(value) => value.as_bool().ok_or_else(|| format!("`{name}` is not true or false")),
    };
    let (successful, interactive, with_pass) =
        (flag("successful", true)?, flag("interactive", true)?, flag("accessPass", false)?);
    let user = state.user(id).ok_or("nobody has this id")?;
    if successful && user.properties.get("accountEnabled") == Some(&Value::Bool(false)) {
        return Err("the account is blocked".to_owned());
    }
    if with_pass {
        let reason = methods::pass_usability(state, id).ok_or("there is no access pass")?;
        if reason != "EnabledByPolicy" {
            return Err(format!("the access pass is not usable: {reason}"));
        }
    }
    let (now, request) = (graph_time(state.now), state.draw.guid().to_string());
    state.edit_user(id, |user| {
        let name = if interactive { "lastSignIn" } else { "lastNonInteractiveSignIn" };
        let activity = user.properties.entry("signInActivity").or_insert_with(|| json!({}));
        let mut put = |name: &str| {
            if let Some(activity) = activity.as_object_mut() {
                activity.insert(format!("{name}DateTime"), json!(now));
                activity.insert(format!("{name}RequestId"), json!(request));
            }
        };
        put(name);
        if successful {
            put("lastSuccessfulSignIn");
        }
        if with_pass {
            methods::use_pass(user);
        }
    });
    Ok(())
}

/// `{"issuer"?: string}`: a guest accepts, with an identity of that issuer (another tenant when nobody says).
pub(crate) fn redeem(state: &mut State, id: Guid, body: &Value) -> Result<(), String> {
    let issuer = body.get("issuer").map_or(Some("ExternalAzureAD"), Value::as_str).ok_or("`issuer` is not a string")?;
    let user = state.user(id).ok_or("nobody has this id")?;
    if user.text("externalUserState") != Some("PendingAcceptance") {
        return Err("no invitation is pending".to_owned());
    }
    let now = graph_time(state.now);
    let address = user.text("mail").map(str::to_owned);
    state.edit_user(id, |user: &mut User| {
        user.properties.insert("externalUserState".into(), json!("Accepted"));
        user.properties.insert("externalUserStateChangeDateTime".into(), json!(now));
        let identity = json!({"signInType": "federated", "issuer": issuer, "issuerAssignedId": address});
        user.properties.insert("identities".into(), json!([identity]));
    });
    Ok(())
}
