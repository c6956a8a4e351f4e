//! A user's manager, reports, memberships and sessions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::clock::graph_time;
use crate::entity::{Kind, texts};
use crate::ids::{Guid, guid};
use crate::lists::{self, Object, Selection};
use crate::refusal::Refusal;
use crate::wire::{Answer, Request, Served};

/// `checkMemberGroups` takes at most so many ids.
const CHECKED_MAX: usize = 20;
/// `getMemberGroups` answers with at most so many.
const MEMBERSHIPS_MAX: usize = 2046;

/// The id that a reference body points to.
pub(crate) fn reference(request: &mut Request<'_>) -> Result<Guid, Refusal> {
    let body = request.object()?;
    let id = referred(body.get("@odata.id").unwrap_or(&Value::Null))?;
    request.touched.push(id);
    Ok(id)
}

/// The id in `https://…/directoryObjects/{id}`, `…/users/{id}` or `…/groups/{id}`.
pub(crate) fn referred(link: &Value) -> Result<Guid, Refusal> {
    let invalid = || Refusal::bad("A valid URI must be specified for '@odata.id' of the reference.");
    let link = link.as_str().filter(|link| link.starts_with("http")).ok_or_else(invalid)?;
    let mut segments = link.rsplit('/');
    let (id, set) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    if !["directoryObjects", "users", "groups"].contains(&set) {
        return Err(invalid());
    }
    guid(id).ok_or_else(|| Refusal::not_a_guid(id))
}

/// `GET /users/{id}/manager`
pub(crate) fn manager(request: &mut Request<'_>) -> Served {
    let selection = Selection::parse(request, &[Kind::User])?;
    let object = manager_of(request)?;
    let mut answer = lists::entity(request, 200, "directoryObjects/$entity", &selection, &object);
    if let crate::wire::Body::Json(Value::Object(body)) = &mut answer.body {
        body.insert("@odata.type".into(), json!(Kind::User.odata()));
    }
    Ok(answer)
}

fn manager_of<'s>(request: &'s Request<'_>) -> Result<Object<'s>, Refusal> {
    let (_, user) = request.state.find_user(request.view, request.param(0))?;
    let manager =
        user.manager.and_then(|id| request.state.seen_user(request.view, id).map(|user| Object::User(id, user)));
    manager.ok_or_else(|| Refusal::missing("manager"))
}

/// `GET /users/{id}/manager/$ref`
pub(crate) fn manager_ref(request: &mut Request<'_>) -> Served {
    let id = manager_of(request)?.id();
    let link = format!("{}/directoryObjects/{id}/Microsoft.DirectoryServices.User", request.base);
    Ok(Answer::json(200, json!({"@odata.context": request.context("$ref"), "@odata.id": link})))
}

/// `PUT /users/{id}/manager/$ref`
pub(crate) fn set_manager(request: &mut Request<'_>) -> Served {
    let id = writable_relations(request)?;
    let manager = reference(request)?;
    if request.state.seen_user(request.view, manager).is_none() {
        return Err(Refusal::missing(manager));
    }
    request.state.edit_user(id, |user| user.manager = Some(manager));
    Ok(Answer::no_content())
}

/// `DELETE /users/{id}/manager/$ref`
pub(crate) fn remove_manager(request: &mut Request<'_>) -> Served {
    let id = writable_relations(request)?;
    if request.state.user(id).is_none_or(|user| user.manager.is_none()) {
        return Err(Refusal::missing("manager"));
    }
    request.state.edit_user(id, |user| user.manager = None);
    Ok(Answer::no_content())
}

/// The user, if AD DS does not master who they report to.
fn writable_relations(request: &Request<'_>) -> Result<Guid, Refusal> {
    let (id, user) = request.state.find_user(request.view, request.param(0))?;
    if user.synced() { Err(Refusal::synced()) } else { Ok(id) }
}

/// `GET /users/{id}/directReports`
pub(crate) fn direct_reports(request: &mut Request<'_>) -> Served {
    let (id, _) = request.state.find_user(request.view, request.param(0))?;
    let reports = request.state.live_users(request.view).filter(|(_, user)| user.manager == Some(id));
    let reports = reports.map(|(id, user)| Object::User(id, user)).collect();
    lists::related(request, "directoryObjects", None, reports)
}

/// `GET /users/{id}/memberOf`: groups and directory roles.
pub(crate) fn member_of(request: &mut Request<'_>) -> Served {
    memberships(request, false, None)
}

/// `GET /users/{id}/memberOf/microsoft.graph.group`
pub(crate) fn member_of_groups(request: &mut Request<'_>) -> Served {
    memberships(request, false, Some(Kind::Group))
}

/// `GET /users/{id}/transitiveMemberOf`
pub(crate) fn transitive_member_of(request: &mut Request<'_>) -> Served {
    memberships(request, true, None)
}

/// `GET /users/{id}/transitiveMemberOf/microsoft.graph.group`
pub(crate) fn transitive_member_of_groups(request: &mut Request<'_>) -> Served {
    if !request.eventual {
        return Err(Refusal::unsupported_query(
            "A cast on a transitive link needs the header 'ConsistencyLevel: eventual'.",
        ));
    }
    memberships(request, true, Some(Kind::Group))
}

fn memberships(request: &mut Request<'_>, transitive: bool, cast: Option<Kind>) -> Served {
    let (id, user) = request.state.find_user(request.view, request.param(0))?;
    let groups: BTreeSet<Guid> = if transitive {
        request.state.transitive_groups(request.view, id)
    } else {
        request.state.direct_groups(request.view, id).into_iter().collect()
    };
    let groups = groups.into_iter().filter_map(|id| request.state.object(request.view, id));
    let mut objects: Vec<Object<'_>> = groups.chain(user.roles.iter().map(|role| Object::Role(role))).collect();
    objects.sort_by_key(Object::id);
    lists::related(request, if cast.is_some() { "groups" } else { "directoryObjects" }, cast, objects)
}

/// `POST /users/{id}/checkMemberGroups`
pub(crate) fn check_member_groups(request: &mut Request<'_>) -> Served {
    let body = request.object()?;
    let (id, _) = request.state.find_user(request.view, request.param(0))?;
    let ids = body
        .get("groupIds")
        .and_then(Value::as_array)
        .ok_or_else(|| missing_parameter("checkMemberGroups", "groupIds"))?;
    if ids.len() > CHECKED_MAX {
        return Err(Refusal::bad(format!("The number of group ids must not exceed {CHECKED_MAX}.")));
    }
    let groups = request.state.transitive_groups(request.view, id);
    let mut matching = Vec::new();
    for text in ids {
        let text = text.as_str().unwrap_or_default();
        let group = guid(text).ok_or_else(|| Refusal::not_a_guid(text))?;
        matching.extend(groups.get(&group));
    }
    Ok(Answer::json(
        200,
        json!({"@odata.context": request.context("Collection(Edm.String)"), "value": texts(matching)}),
    ))
}

/// `POST /users/{id}/getMemberGroups`
pub(crate) fn get_member_groups(request: &mut Request<'_>) -> Served {
    let body = request.object()?;
    let (id, _) = request.state.find_user(request.view, request.param(0))?;
    let secure = body.get("securityEnabledOnly").and_then(Value::as_bool);
    let secure = secure.ok_or_else(|| missing_parameter("getMemberGroups", "securityEnabledOnly"))?;
    let state = &*request.state;
    let secured = |id: &Guid| state.seen_group(request.view, *id).is_some_and(|group| group.flag("securityEnabled"));
    let mut groups = state.transitive_groups(request.view, id);
    groups.retain(|id| !secure || secured(id));
    if groups.len() > MEMBERSHIPS_MAX {
        return Err(Refusal::new(400, "Directory_ResultSizeLimitExceeded", "The result size limit has been exceeded."));
    }
    Ok(Answer::json(200, json!({"@odata.context": request.context("Collection(Edm.String)"), "value": texts(&groups)})))
}

/// What an action answers when its body lacks a parameter.
pub(crate) fn missing_parameter(action: &str, names: &str) -> Refusal {
    Refusal::bad(format!(
        "One or more parameters of the operation '{action}' are missing from the request payload. The missing parameters \
         are: {names}."
    ))
}

/// `POST /users/{id}/revokeSignInSessions`: 200 with true; it does not block sign-in.
pub(crate) fn revoke_sign_in_sessions(request: &mut Request<'_>) -> Served {
    let (id, _) = request.state.find_user(request.view, request.param(0))?;
    let now = Value::String(graph_time(request.state.now));
    request.state.edit_user(id, |user| {
        user.properties.insert("signInSessionsValidFromDateTime".into(), now);
    });
    Ok(Answer::json(200, json!({"@odata.context": request.context("Edm.Boolean"), "value": true})))
}
