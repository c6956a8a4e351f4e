//! `POST /invitations`: a guest appears at once, pending. Sources: "Create invitation", "Properties of a Microsoft Entra
//! B2B collaboration user", "Reset redemption status for a guest user". No API redeems an invitation: see `sign_ins.rs`.

use serde_json::{Map, Value, json};

use super::sponsors;
use crate::clock::graph_time;
use crate::entity::{Properties, User};
use crate::history::View;
use crate::ids::Guid;
use crate::refusal::Refusal;
use crate::state::State;
use crate::wire::{Answer, Request, Served};

/// Characters that an invited address may not hold.
const REFUSED: &str = "~!#$%^&*()+=[]{}\\/|;:\"<>?,";

const KNOWN: &[&str] = &[
    "invitedUserEmailAddress",
    "inviteRedirectUrl",
    "invitedUserDisplayName",
    "invitedUserMessageInfo",
    "sendInvitationMessage",
    "invitedUserType",
    "resetRedemption",
    "invitedUser",
    "invitedUserSponsors",
];

/// `POST /invitations`
pub(crate) fn create(request: &mut Request<'_>) -> Served {
    let body = request.object()?;
    if let Some(name) = body.keys().find(|name| !name.starts_with('@') && !KNOWN.contains(&name.as_str())) {
        return Err(Refusal::unknown_property(name, "invitation"));
    }
    let text = |name: &'static str| {
        body.get(name).and_then(Value::as_str).ok_or_else(|| Refusal::required(name, "Invitation"))
    };
    let (address, redirect) = (text("invitedUserEmailAddress")?, text("inviteRedirectUrl")?);
    check_address(request.state, address)?;
    let message = check_message(&body)?;
    let sponsors = sponsors::named(request, body.get("invitedUserSponsors").unwrap_or(&Value::Null))?;
    let guest = match reset(request, &body, address)? {
        Some(id) => id,
        None => match known_guest(request.state, address)? {
            Some(id) => id,
            None => add_guest(request.state, address, &body)?,
        },
    };
    if !sponsors.is_empty() {
        request.state.edit_user(guest, |user| user.sponsors.extend(sponsors));
    }
    request.touched.push(guest);
    if body.get("sendInvitationMessage") == Some(&Value::Bool(true)) {
        let at = request.state.now.to_string();
        let mail =
            json!({"at": at, "from": null, "app": request.app.id, "invitation": guest.to_string(), "message": message});
        request.state.outbox.push(mail);
    }
    let mut answer = Map::new();
    for name in KNOWN {
        answer.insert((*name).to_owned(), body.get(*name).cloned().unwrap_or(Value::Null));
    }
    answer.remove("invitedUserSponsors");
    let id = request.state.draw.guid();
    let ticket = form_urlencoded::byte_serialize(redirect.as_bytes()).collect::<String>();
    let shown = json!({
        "@odata.context": request.context("invitations/$entity"),
        "id": id.to_string(),
        "inviteRedeemUrl": format!("https://login.microsoftonline.com/redeem?ticket={id}&rd={ticket}"),
        "status": "PendingAcceptance",
        "sendInvitationMessage": body.get("sendInvitationMessage").and_then(Value::as_bool).unwrap_or(false),
        "resetRedemption": body.get("resetRedemption").and_then(Value::as_bool).unwrap_or(false),
        "invitedUserType": body.get("invitedUserType").and_then(Value::as_str).unwrap_or("Guest"),
        "invitedUser": {"id": guest.to_string()},
        "invitedUserMessageInfo": body.get("invitedUserMessageInfo").cloned().unwrap_or_else(|| json!({
            "customizedMessageBody": null, "messageLanguage": null, "ccRecipients": []
        })),
    });
    answer.extend(shown.as_object().cloned().unwrap_or_default());
    Ok(Answer::json(201, Value::Object(answer)))
}

/// What the invitation says, as a mail; at most one other person gets a copy.
fn check_message(body: &Map<String, Value>) -> Result<Value, Refusal> {
    let info = body.get("invitedUserMessageInfo").filter(|info| !info.is_null());
    let copies =
        info.and_then(|info| info.get("ccRecipients")).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if info.is_some_and(|info| !info.is_object()) || copies.len() > 1 {
        return Err(Refusal::invalid("invitedUserMessageInfo", "Invitation"));
    }
    let text = info.and_then(|info| info.get("customizedMessageBody")).cloned().unwrap_or_default();
    Ok(json!({
        "toRecipients": [{"emailAddress": {"address": body.get("invitedUserEmailAddress")}}],
        "ccRecipients": copies, "body": {"contentType": "text", "content": text},
    }))
}

fn check_address(state: &State, address: &str) -> Result<(), Refusal> {
    let invalid = || Refusal::unreadable("The invited user email address is invalid.");
    let (local, domain) = address.split_once('@').ok_or_else(invalid)?;
    let edges = |text: &str| text.starts_with(['.', '-']) || text.ends_with(['.', '-']);
    let wrong =
        |text: &str| text.is_empty() || text.contains('@') || text.chars().any(|c| REFUSED.contains(c) || c == ' ');
    if wrong(local) || edges(local) || wrong(domain) || !domain.contains('.') {
        return Err(invalid());
    }
    if state.verified(domain) {
        return Err(Refusal::unreadable("Invitee is in inviter tenant"));
    }
    if !state.collaboration.admits(domain) {
        // That it is refused is documented; the text was not found.
        return Err(Refusal::unreadable(
            "The domain of the invited user is not allowed by the collaboration restrictions.",
        ));
    }
    Ok(())
}

/// `resetRedemption` of a known guest: the same object is pending again, for this address.
fn reset(request: &mut Request<'_>, body: &Map<String, Value>, address: &str) -> Result<Option<Guid>, Refusal> {
    if body.get("resetRedemption") != Some(&Value::Bool(true)) {
        return Ok(None);
    }
    let key = body.get("invitedUser").and_then(|user| user.get("id")).and_then(Value::as_str);
    let key = key.ok_or_else(|| Refusal::required("invitedUser", "Invitation"))?;
    if !request.app.may(&["User.ReadWrite.All"]) {
        return Err(Refusal::denied());
    }
    let (id, user) = request.state.find_user(request.view, key)?;
    if !user.guest() && user.text("creationType") != Some("Invitation") {
        return Err(Refusal::unreadable("Only the redemption of a guest can be reset."));
    }
    let now = graph_time(request.state.now);
    let mail = json!(address);
    // Until it is redeemed again the guest's identity is the tenant's own.
    let own = identity(request.state, user.upn());
    request.state.edit_user(id, |user| {
        user.properties.insert("identities".into(), own);
        user.properties.insert("externalUserState".into(), json!("PendingAcceptance"));
        user.properties.insert("externalUserStateChangeDateTime".into(), json!(now));
        user.properties.insert("mail".into(), mail);
    });
    Ok(Some(id))
}

/// The guest who already has this address; a member who has it is in the way. That a guest is found again rather than
/// made anew is not documented.
fn known_guest(state: &State, address: &str) -> Result<Option<Guid>, Refusal> {
    let has = |user: &User| {
        user.text("mail").is_some_and(|mail| mail.eq_ignore_ascii_case(address))
            || user.upn().eq_ignore_ascii_case(address)
            || user.upn().eq_ignore_ascii_case(&guest_name(state, address))
    };
    match state.live_users(View::PRIMARY).find(|(_, user)| has(user)) {
        None => Ok(None),
        Some((id, user)) if user.guest() => Ok(Some(id)),
        Some((id, _)) => Err(Refusal::unreadable(format!(
            "The invited user already exists in the directory as object ID: {id}. They can use that account to sign in to \
             shared apps and resources."
        ))),
    }
}

/// `local_domain.tld#EXT#@initial.domain`
fn guest_name(state: &State, address: &str) -> String {
    format!("{}#EXT#@{}", address.replace('@', "_"), state.initial_domain())
}

fn identity(state: &State, upn: &str) -> Value {
    json!([{"signInType": "userPrincipalName", "issuer": state.initial_domain(), "issuerAssignedId": upn}])
}

fn add_guest(state: &mut State, address: &str, body: &Map<String, Value>) -> Result<Guid, Refusal> {
    let user_type = match body.get("invitedUserType").and_then(Value::as_str) {
        None => "Guest",
        Some(user_type @ ("Guest" | "Member")) => user_type,
        Some(_) => return Err(Refusal::invalid("invitedUserType", "Invitation")),
    };
    let local = address.split('@').next().unwrap_or_default();
    let name = body.get("invitedUserDisplayName").and_then(Value::as_str).unwrap_or(local);
    let upn = guest_name(state, address);
    let now = graph_time(state.now);
    let properties = json!({
        "accountEnabled": true,
        "displayName": name,
        "mail": address,
        "mailNickname": upn.split('@').next().unwrap_or_default(),
        "otherMails": [address],
        "proxyAddresses": [format!("SMTP:{address}")],
        "userPrincipalName": upn,
        "userType": user_type,
        "creationType": "Invitation",
        "externalUserState": "PendingAcceptance",
        "externalUserStateChangeDateTime": now,
        "createdDateTime": now,
        "signInSessionsValidFromDateTime": now,
        "identities": identity(state, &upn),
    });
    let properties: Properties = properties.as_object().cloned().unwrap_or_default();
    let id = state.draw.guid();
    state.add_user(id, User { properties, ..User::default() });
    Ok(id)
}
