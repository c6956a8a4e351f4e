//! Soft delete, restore and the purge after 30 days. Sources: "Delete user", "Restore deleted directory object item",
//! "Recover from deletions in Microsoft Entra ID".

use serde_json::{Map, Value, json};

use crate::clock::graph_time;
use crate::entity::{Group, Kind, User};
use crate::history::View;
use crate::ids::{Guid, guid};
use crate::lists::{self, Object};
use crate::refusal::Refusal;
use crate::settling::{KEPT, Work};
use crate::state::State;
use crate::users;
use crate::wire::{Answer, Request, Served};

/// Moves a user to the deleted items: the name is free again, the seats too, memberships stay recorded.
pub(crate) fn soft_delete_user(state: &mut State, id: Guid) {
    let now = state.now;
    state.edit_user(id, |user| {
        let mangled = format!("{}{}", id.simple(), user.upn());
        user.properties.insert("userPrincipalName".into(), Value::String(mangled));
        user.properties.insert("deletedDateTime".into(), Value::String(graph_time(now)));
        user.deleted = Some(now);
    });
    schedule_purge(state, id);
}

/// Deletes a group: Microsoft 365 groups are kept for 30 days, others are gone at once.
pub(crate) fn delete_group(state: &mut State, id: Guid) {
    let keeps = state.group(id).is_some_and(Group::unified) || state.undecided.deleted_security_group_is_kept;
    if !keeps {
        state.erase_group(id);
        return;
    }
    let now = state.now;
    state.edit_group(id, |group| {
        group.properties.insert("deletedDateTime".into(), Value::String(graph_time(now)));
        group.deleted = Some(now);
    });
    schedule_purge(state, id);
}

/// Plans the end of something deleted just now.
pub(crate) fn schedule_purge(state: &mut State, id: Guid) {
    let deleted = state.now;
    if let Ok(at) = deleted.checked_add(KEPT) {
        state.schedule_at(at, Work::Purge { id, deleted });
    }
}

/// Removes what was deleted at that instant, if it still is.
pub(crate) fn purge(state: &mut State, id: Guid, deleted: jiff::Timestamp) {
    if state.users.get(&id).and_then(|history| history.current()).is_some_and(|user| user.deleted == Some(deleted)) {
        state.erase_user(id);
    } else if state
        .groups
        .get(&id)
        .and_then(|history| history.current())
        .is_some_and(|group| group.deleted == Some(deleted))
    {
        state.erase_group(id);
    }
}

enum Gone<'s> {
    User(&'s User),
    Group(&'s Group),
}

/// A deleted object, as a reader sees it.
fn find<'s>(request: &'s Request<'_>) -> Result<(Guid, Gone<'s>), Refusal> {
    let key = request.param(0);
    let id = guid(key).ok_or_else(|| Refusal::not_a_guid(key))?;
    let user = request.state.users.get(&id).and_then(|history| history.seen(request.view));
    if let Some(user) = user.filter(|user| user.deleted.is_some()) {
        return Ok((id, Gone::User(user)));
    }
    let group = request.state.groups.get(&id).and_then(|history| history.seen(request.view));
    match group.filter(|group| group.deleted.is_some()) {
        Some(group) => Ok((id, Gone::Group(group))),
        None => Err(Refusal::missing(key)),
    }
}

/// What a deleted user shows; like a live one, and when it was deleted.
fn show_user(request: &Request<'_>, id: Guid, user: &User) -> Result<Map<String, Value>, Refusal> {
    let selection = lists::Selection::parse(request, &[Kind::User])?;
    let mut body = selection.of(Kind::User, &(id, user));
    if request.query.select.is_none() {
        body.insert("deletedDateTime".into(), user.properties.get("deletedDateTime").cloned().unwrap_or_default());
    }
    Ok(body)
}

/// `GET /directory/deletedItems/{id}`
pub(crate) fn read(request: &mut Request<'_>) -> Served {
    let (id, found) = find(request)?;
    let (kind, mut body) = match found {
        Gone::User(user) => (Kind::User, show_user(request, id, user)?),
        Gone::Group(group) => {
            (Kind::Group, lists::Selection::parse(request, &[Kind::Group])?.of(Kind::Group, &(id, group)))
        }
    };
    body.insert("@odata.type".into(), json!(kind.odata()));
    body.insert("@odata.context".into(), request.context("directoryObjects/$entity"));
    Ok(Answer::json(200, Value::Object(body)))
}

/// `GET /directory/deletedItems/microsoft.graph.user`
pub(crate) fn list_users(request: &mut Request<'_>) -> Served {
    if request.query.select.is_none() {
        request.query.select = Some(
            crate::properties::of(Kind::User)
                .iter()
                .filter(|known| known.default)
                .map(|known| known.name.to_owned())
                .chain(["deletedDateTime".to_owned()])
                .collect(),
        );
    }
    let state = &*request.state;
    let gone = state.users.iter().filter_map(|(id, history)| history.seen(request.view).map(|user| (*id, user)));
    let gone = gone.filter(|(_, user)| user.deleted.is_some()).map(|(id, user)| Object::User(id, user));
    lists::list(request, Kind::User, "directoryObjects", gone, &|object, filter| match object {
        Object::User(id, user) => filter.passes(&(*id, *user)),
        _ => false,
    })
}

/// `GET /directory/deletedItems/microsoft.graph.group`
pub(crate) fn list_groups(request: &mut Request<'_>) -> Served {
    let state = &*request.state;
    let gone = state.groups.iter().filter_map(|(id, history)| history.seen(request.view).map(|group| (*id, group)));
    let gone = gone.filter(|(_, group)| group.deleted.is_some()).map(|(id, group)| Object::Group(id, group));
    lists::list(request, Kind::Group, "directoryObjects", gone, &|object, filter| match object {
        Object::Group(id, group) => filter.passes(&(*id, *group)),
        _ => false,
    })
}

/// `POST /directory/deletedItems/{id}/restore`
pub(crate) fn restore(request: &mut Request<'_>) -> Served {
    let body = if request.body.is_some() { request.object()? } else { Map::new() };
    let (id, found) = find(request)?;
    let mut answer = match found {
        Gone::User(user) => {
            users::privilege::check(request.state, request.app, id, user)?;
            let old = user.upn().to_owned();
            restore_user(request, id, &old, &body)?;
            users::answer(request, 200, id)?
        }
        Gone::Group(_) => {
            request.state.edit_group(id, |group| {
                group.deleted = None;
                group.properties.remove("deletedDateTime");
            });
            crate::groups::answer(request, 200, id)?
        }
    };
    let kind = if request.state.user(id).is_some() { Kind::User } else { Kind::Group };
    if let crate::wire::Body::Json(Value::Object(body)) = &mut answer.body {
        body.insert("@odata.type".into(), json!(kind.odata()));
    }
    Ok(answer)
}

/// `POST /users/{id}/restore`, which looks right and finds nobody: deleted people are not among the users.
pub(crate) fn restore_among_users(request: &mut Request<'_>) -> Served {
    Err(Refusal::missing(request.param(0)))
}

/// Brings a user back with the licenses it had, whether or not there are seats. The bodies of both conflicts are not
/// documented; they are answered like any other clash.
fn restore_user(request: &mut Request<'_>, id: Guid, mangled: &str, body: &Map<String, Value>) -> Result<(), Refusal> {
    let original = mangled.strip_prefix(&id.simple().to_string()).unwrap_or(mangled).to_owned();
    let upn = match body.get("newUserPrincipalName").and_then(Value::as_str) {
        Some(new) => {
            users::rules::check_upn(request.state, new)?;
            new.to_owned()
        }
        None => original,
    };
    if request.state.user_named(View::PRIMARY, &upn).is_some() {
        return Err(Refusal::conflict("userPrincipalName"));
    }
    let proxies: Vec<String> = proxies_of(request.state, id);
    let taken = |proxy: &String| {
        let address = proxy.split_once(':').map_or(proxy.as_str(), |(_, address)| address);
        users::holder_of(request.state, address, Some(id)).is_some()
    };
    let clashing: Vec<String> = proxies.iter().filter(|proxy| taken(proxy)).cloned().collect();
    let reconcile = body.get("autoReconcileProxyConflict").and_then(Value::as_bool).unwrap_or(false);
    if !clashing.is_empty() && !reconcile {
        return Err(Refusal::conflict("proxyAddresses"));
    }
    let kept: Vec<String> = proxies.into_iter().filter(|proxy| !clashing.contains(proxy)).collect();
    request.state.edit_user(id, |user| {
        user.properties.insert("userPrincipalName".into(), Value::String(upn));
        user.properties.insert("proxyAddresses".into(), json!(kept));
        user.properties.remove("deletedDateTime");
        user.deleted = None;
    });
    Ok(())
}

fn proxies_of(state: &State, id: Guid) -> Vec<String> {
    let user = state.users.get(&id).and_then(|history| history.current());
    let list = user.and_then(|user| user.properties.get("proxyAddresses")).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `DELETE /directory/deletedItems/{id}`: for good.
pub(crate) fn erase(request: &mut Request<'_>) -> Served {
    let (id, found) = find(request)?;
    match found {
        Gone::User(user) => {
            users::privilege::check(request.state, request.app, id, user)?;
            request.state.erase_user(id);
        }
        Gone::Group(_) => request.state.erase_group(id),
    }
    Ok(Answer::no_content())
}
