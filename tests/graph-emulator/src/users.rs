//! `/users`: create, read, list, change, delete.

use serde_json::{Map, Value, json};

use crate::clock::graph_time;
use crate::entity::{Kind, Properties, Readable, User};
use crate::history::View;
use crate::ids::Guid;
use crate::lists::{self, Object, Selection};
use crate::properties::{self, Write};
use crate::refusal::Refusal;
use crate::state::State;
use crate::wire::{Answer, Request, Served};

pub(crate) mod invitations;
pub(crate) mod methods;
pub(crate) mod privilege;
pub(crate) mod relations;
pub(crate) mod rules;
pub(crate) mod sign_ins;
pub(crate) mod sponsors;

/// `GET /users`
pub(crate) fn list(request: &mut Request<'_>) -> Served {
    let objects = request.state.live_users(request.view).map(|(id, user)| Object::User(id, user));
    lists::list(request, Kind::User, "users", objects, &|object, filter| match object {
        Object::User(id, user) => filter.passes(&(*id, *user)),
        _ => false,
    })
}

/// `GET /users/$count`
pub(crate) fn count(request: &mut Request<'_>) -> Served {
    if !request.eventual {
        return Err(Refusal::bad("$count is not currently supported."));
    }
    request.query.count = true;
    request.query.top = Some(1);
    list(request)
        .map(|answer| Answer::text(answer.value().get("@odata.count").map(Value::to_string).unwrap_or_default()))
}

/// `GET /users/{id}`
pub(crate) fn read(request: &mut Request<'_>) -> Served {
    let selection = Selection::parse(request, &[Kind::User])?;
    lists::check_expand(request, Kind::User)?;
    let key = request.param(0);
    if selection.has("signInActivity") {
        lists::check_sign_in_activity(request)?;
        if crate::ids::guid(key).is_none() {
            return Err(Refusal::bad("Get By Key only supports UserId and the key has to be a valid Guid"));
        }
    }
    let (id, user) = request.state.find_user(request.view, key)?;
    Ok(lists::entity(request, 200, "users/$entity", &selection, &Object::User(id, user)))
}

/// `POST /users`
pub(crate) fn create(request: &mut Request<'_>) -> Served {
    let body = request.object()?;
    for name in ["accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"] {
        if body.get(name).is_none_or(Value::is_null) {
            return Err(Refusal::required(name, "User"));
        }
    }
    if body.get("passwordProfile").and_then(|profile| profile.get("password")).is_none_or(Value::is_null) {
        return Err(Refusal::required("password", "User"));
    }
    let mut properties = rules::checked(request.state, body, true, request.app)?;
    rules::check_unique(request.state, &properties, None)?;
    let id = request.state.draw.guid();
    let now = Value::String(graph_time(request.state.now));
    properties.entry("userType").or_insert_with(|| json!("Member"));
    properties.insert("createdDateTime".into(), now.clone());
    properties.insert("lastPasswordChangeDateTime".into(), now.clone());
    properties.insert("signInSessionsValidFromDateTime".into(), now);
    address(&mut properties, None);
    request.state.add_user(id, User { properties, ..User::default() });
    request.touched.push(id);
    answer(request, 201, id)
}

/// The user as the answer to the write that made or changed it: read from the primary, so it is always there.
pub(crate) fn answer(request: &Request<'_>, status: u16, id: Guid) -> Served {
    let user = request.state.user(id).ok_or_else(|| Refusal::missing(id))?;
    Ok(lists::entity(request, status, "users/$entity", &Selection::Default, &Object::User(id, user)))
}

/// `PATCH /users/{id}`
pub(crate) fn update(request: &mut Request<'_>) -> Served {
    let body = request.object()?;
    let id = request.state.find_user(request.view, request.param(0))?.0;
    may_change(request, id, &body)?;
    let mut changes = rules::checked(request.state, body, false, request.app)?;
    rules::check_unique(request.state, &changes, Some(id))?;
    if changes.remove("passwordProfile").is_some() {
        changes.insert("lastPasswordChangeDateTime".into(), Value::String(graph_time(request.state.now)));
    }
    request.state.edit_user(id, |user| {
        let old_mail = user.text("mail").map(str::to_owned);
        merge(&mut user.properties, changes);
        address(&mut user.properties, old_mail.as_deref());
    });
    Ok(Answer::no_content())
}

/// Everything that can stand in the way of a change, before its values are looked at.
fn may_change(request: &Request<'_>, id: Guid, body: &Map<String, Value>) -> Result<(), Refusal> {
    let user = request.state.user(id).ok_or_else(|| Refusal::missing(id))?;
    if user.properties.get("isManagementRestricted") == Some(&Value::Bool(true)) {
        return Err(Refusal::denied());
    }
    let names = || body.keys().map(String::as_str).filter(|name| !name.starts_with('@'));
    let property = |name: &str| properties::find(Kind::User, name);
    if names().any(|name| property(name).is_some_and(|known| known.write == Write::SharePoint)) {
        return Err(Refusal::denied());
    }
    if user.synced() && names().any(|name| property(name).is_some_and(|known| known.mastered)) {
        return Err(Refusal::synced());
    }
    // Who was ever synchronized keeps the attributes of Exchange's schema.
    let once_synced = user.properties.get("onPremisesSyncEnabled").is_some_and(Value::is_boolean);
    if once_synced && body.contains_key("onPremisesExtensionAttributes") {
        return Err(Refusal::synced());
    }
    if names().any(privilege::is_sensitive) {
        privilege::check(request.state, request.app, id, user)?;
    }
    narrow_permission(request, names())
}

/// The permissions that allow only some properties, where authorization is enforced.
fn narrow_permission<'n>(request: &Request<'_>, names: impl Iterator<Item = &'n str>) -> Result<(), Refusal> {
    let wide = ["User.ReadWrite.All", "Directory.ReadWrite.All"];
    for name in names {
        let allowed = match name {
            "employeeLeaveDateTime" => request.app.may(&["User-LifeCycleInfo.ReadWrite.All"]),
            "passwordProfile" => request.app.may(&["User-PasswordProfile.ReadWrite.All", "Directory.ReadWrite.All"]),
            "accountEnabled" => request.app.may(&["User.EnableDisableAccount.All"]) || request.app.may(&wide),
            "mobilePhone" | "businessPhones" => {
                request.app.may(&["User-Phone.ReadWrite.All"]) || request.app.may(&wide)
            }
            "otherMails" => request.app.may(&["User-Mail.ReadWrite.All"]) || request.app.may(&wide),
            _ => request.app.may(&wide),
        };
        if !allowed {
            return Err(Refusal::denied());
        }
    }
    Ok(())
}

/// Writes changes over an object: null clears, objects are merged member by member.
pub(crate) fn merge(properties: &mut Properties, changes: Properties) {
    for (name, value) in changes {
        match (properties.get_mut(&name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => old.extend(new),
            (_, Value::Null) => {
                properties.remove(&name);
            }
            (_, value) => {
                properties.insert(name, value);
            }
        }
    }
}

/// Keeps `proxyAddresses` in step with `mail`: the new one becomes primary, the old one stays as an alias.
pub(crate) fn address(properties: &mut Properties, old_mail: Option<&str>) {
    let mail = properties.get("mail").and_then(Value::as_str).map(str::to_owned);
    let Some(mail) = mail.filter(|mail| Some(mail.as_str()) != old_mail) else { return };
    let old = properties.get("proxyAddresses").and_then(Value::as_array).cloned().unwrap_or_default();
    let bare = |proxy: &str| proxy.get(5..).unwrap_or_default().to_lowercase();
    let aliases = old.iter().filter_map(Value::as_str).filter(|proxy| bare(proxy) != mail.to_lowercase());
    let aliases = aliases.map(|proxy| Value::String(proxy.replacen("SMTP:", "smtp:", 1)));
    let all = std::iter::once(Value::String(format!("SMTP:{mail}"))).chain(aliases).collect();
    properties.insert("proxyAddresses".into(), all);
}

/// `DELETE /users/{id}`
pub(crate) fn delete(request: &mut Request<'_>) -> Served {
    let id = request.state.find_user(request.view, request.param(0))?.0;
    delete_user(request, id)
}

/// Also reached through a group's member when `/$ref` is forgotten.
pub(crate) fn delete_user(request: &mut Request<'_>, id: Guid) -> Served {
    let user = request.state.user(id).ok_or_else(|| Refusal::missing(id))?;
    if user.synced() {
        return Err(Refusal::synced());
    }
    let restricted = user.properties.get("isManagementRestricted") == Some(&Value::Bool(true));
    if restricted {
        return Err(Refusal::denied());
    }
    privilege::check(request.state, request.app, id, user)?;
    crate::deleted::soft_delete_user(request.state, id);
    Ok(Answer::no_content())
}

/// Whose addresses would clash with this one: `(holder, property)`.
pub(crate) fn holder_of(state: &State, address: &str, except: Option<Guid>) -> Option<&'static str> {
    let others = state.live_users(View::PRIMARY).filter(|(id, _)| Some(*id) != except);
    for (_, user) in others {
        if user.upn().eq_ignore_ascii_case(address) {
            return Some("userPrincipalName");
        }
        if has_proxy(&user.properties, address) {
            return Some("proxyAddresses");
        }
    }
    let groups = state.live_groups(View::PRIMARY);
    groups.into_iter().any(|(_, group)| has_proxy(&group.properties, address)).then_some("proxyAddresses")
}

fn has_proxy(properties: &Properties, address: &str) -> bool {
    let proxies = properties.get("proxyAddresses").and_then(Value::as_array);
    let mail = properties.get("mail").and_then(Value::as_str);
    mail.is_some_and(|mail| mail.eq_ignore_ascii_case(address))
        || proxies.is_some_and(|proxies| {
            proxies.iter().filter_map(Value::as_str).any(|proxy| {
                proxy.split_once(':').is_some_and(|(scheme, own)| {
                    scheme.eq_ignore_ascii_case("smtp") && own.eq_ignore_ascii_case(address)
                })
            })
        })
}

/// The user's selected properties as a plain value, for snapshots.
pub(crate) fn whole(id: Guid, user: &User) -> Map<String, Value> {
    let mut body = user.properties.clone();
    for computed in ["id", "assignedLicenses", "licenseAssignmentStates"] {
        body.insert(computed.into(), (id, user).read(computed).into_owned());
    }
    body
}
