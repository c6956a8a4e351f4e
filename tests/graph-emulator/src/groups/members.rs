//! Members and owners. Sources: "Add members", "Remove member", "Add owners", "Remove owner"; the texts of refusals are
//! from public captures.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::check_writable;
use crate::entity::{Group, Kind};
use crate::ids::{Guid, guid};
use crate::lists::{self, Object};
use crate::refusal::Refusal;
use crate::users;
use crate::users::relations::reference;
use crate::wire::{Answer, Request, Served};

/// A group has at most so many owners.
const OWNERS_MAX: usize = 100;

/// `GET /groups/{id}/members`
pub(crate) fn list(request: &mut Request<'_>) -> Served {
    members(request, None)
}

/// `GET /groups/{id}/members/microsoft.graph.user`
pub(crate) fn list_users(request: &mut Request<'_>) -> Served {
    members(request, Some(Kind::User))
}

fn members(request: &mut Request<'_>, cast: Option<Kind>) -> Served {
    let (_, group) = request.state.find_group(request.view, request.param(0))?;
    let found = objects(request, &group.members);
    lists::related(request, if cast.is_some() { "users" } else { "directoryObjects" }, cast, found)
}

/// Live objects behind ids; deleted users stay recorded but are not shown.
fn objects<'s>(request: &'s Request<'_>, ids: &BTreeSet<Guid>) -> Vec<Object<'s>> {
    ids.iter().filter_map(|id| request.state.object(request.view, *id)).collect()
}

/// `GET /groups/{id}/transitiveMembers`
pub(crate) fn list_transitive(request: &mut Request<'_>) -> Served {
    let (_, group) = request.state.find_group(request.view, request.param(0))?;
    let mut found = BTreeSet::new();
    let mut frontier: Vec<Guid> = group.members.iter().copied().collect();
    while let Some(id) = frontier.pop() {
        if found.insert(id)
            && let Some(nested) = request.state.seen_group(request.view, id)
        {
            frontier.extend(nested.members.iter());
        }
    }
    let found = objects(request, &found);
    lists::related(request, "directoryObjects", None, found)
}

/// `GET /groups/{id}/owners`
pub(crate) fn list_owners(request: &mut Request<'_>) -> Served {
    let (_, group) = request.state.find_group(request.view, request.param(0))?;
    let found = objects(request, &group.owners);
    lists::related(request, "directoryObjects", None, found)
}

/// `GET /groups/{id}/members/$ref`
pub(crate) fn list_refs(request: &mut Request<'_>) -> Served {
    let (_, group) = request.state.find_group(request.view, request.param(0))?;
    Ok(references(request, &group.members))
}

/// `GET /groups/{id}/owners/$ref`
pub(crate) fn list_owner_refs(request: &mut Request<'_>) -> Served {
    let (_, group) = request.state.find_group(request.view, request.param(0))?;
    Ok(references(request, &group.owners))
}

fn references(request: &Request<'_>, ids: &BTreeSet<Guid>) -> Answer {
    let link = |object: Object<'_>| json!({"@odata.id": format!("{}/directoryObjects/{}", request.base, object.id())});
    request.collection("Collection($ref)", objects(request, ids).into_iter().map(link))
}

/// The group, if its members may be written by hand.
fn with_assigned_members(request: &Request<'_>) -> Result<Guid, Refusal> {
    let (id, _) = request.state.find_group(request.view, request.param(0))?;
    check_writable(request.state, request.state.group(id).ok_or_else(|| Refusal::missing(id))?, "Update")?;
    check_assigned(request, id)?;
    Ok(id)
}

fn check_assigned(request: &Request<'_>, id: Guid) -> Result<(), Refusal> {
    let group = request.state.group(id).ok_or_else(|| Refusal::missing(id))?;
    let for_roles = group.flag("isAssignableToRole") && !request.app.was_granted("RoleManagement.ReadWrite.Directory");
    if group.dynamic() || for_roles { Err(Refusal::denied()) } else { Ok(()) }
}

/// Whether all of these may join, and none of them is there already.
pub(crate) fn check_joining(request: &Request<'_>, id: Guid, joining: &[Guid]) -> Result<(), Refusal> {
    if joining.is_empty() {
        return Ok(());
    }
    check_assigned(request, id)?;
    let group = request.state.group(id).ok_or_else(|| Refusal::missing(id))?;
    for member in joining {
        if *member == id {
            return Err(Refusal::invalid("members", "Group"));
        }
        check_candidate(request, group, *member)?;
    }
    if joining.iter().any(|member| group.members.contains(member)) {
        return Err(already("members"));
    }
    Ok(())
}

fn already(list: &str) -> Refusal {
    Refusal::bad(format!(
        "One or more added object references already exist for the following modified properties: '{list}'."
    ))
}

/// Microsoft 365 groups take users only; security groups take users and security groups.
pub(crate) fn check_candidate(request: &Request<'_>, group: &Group, member: Guid) -> Result<(), Refusal> {
    match request.state.object(request.view, member) {
        None => Err(Refusal::missing(member)),
        Some(Object::Group(_, nested)) if group.unified() || nested.unified() => {
            Err(Refusal::invalid("members", "Group"))
        }
        Some(_) => Ok(()),
    }
}

/// `POST /groups/{id}/members/$ref`
pub(crate) fn add(request: &mut Request<'_>) -> Served {
    let id = with_assigned_members(request)?;
    let member = reference(request)?;
    check_joining(request, id, &[member])?;
    request.state.join(id, &[member]);
    Ok(Answer::no_content())
}

/// `DELETE /groups/{id}/members/{member}/$ref`
pub(crate) fn remove(request: &mut Request<'_>) -> Served {
    let id = with_assigned_members(request)?;
    let member = present(request, |group| &group.members)?;
    request.state.leave(id, member);
    Ok(Answer::no_content())
}

/// `DELETE /groups/{id}/members/{member}`, the `/$ref` forgotten: Graph deletes the member itself.
pub(crate) fn delete_member(request: &mut Request<'_>) -> Served {
    request.state.find_group(request.view, request.param(0))?;
    let member = present(request, |group| &group.members)?;
    if request.state.user(member).is_none() {
        return Err(Refusal::denied());
    }
    users::delete_user(request, member)
}

/// The second id of the path, if that list of the group has it and it is not deleted.
fn present(request: &mut Request<'_>, list: impl Fn(&Group) -> &Arc<BTreeSet<Guid>>) -> Result<Guid, Refusal> {
    let text = request.param(1);
    let member = guid(text).ok_or_else(|| Refusal::not_a_guid(text))?;
    let (id, _) = request.state.find_group(request.view, request.param(0))?;
    let listed = request.state.group(id).is_some_and(|group| list(group).contains(&member));
    let exists = request.state.object(crate::history::View::PRIMARY, member).is_some();
    request.touched.push(member);
    if listed && exists { Ok(member) } else { Err(Refusal::missing(member)) }
}

/// `POST /groups/{id}/owners/$ref`
pub(crate) fn add_owner(request: &mut Request<'_>) -> Served {
    let (id, _) = request.state.find_group(request.view, request.param(0))?;
    let owner = reference(request)?;
    let group = request.state.group(id).ok_or_else(|| Refusal::missing(id))?;
    check_writable(request.state, group, "Update")?;
    match request.state.object(request.view, owner) {
        None => return Err(Refusal::missing(owner)),
        Some(Object::User(..)) => {}
        Some(_) => return Err(Refusal::invalid("owners", "Group")),
    }
    if group.owners.contains(&owner) {
        return Err(already("owners"));
    }
    if group.owners.len() >= OWNERS_MAX {
        return Err(Refusal::bad(format!("A group can have at most {OWNERS_MAX} owners.")));
    }
    request.state.edit_group(id, |group| {
        Arc::make_mut(&mut group.owners).insert(owner);
    });
    Ok(Answer::no_content())
}

/// `DELETE /groups/{id}/owners/{owner}/$ref`
pub(crate) fn remove_owner(request: &mut Request<'_>) -> Served {
    let (id, _) = request.state.find_group(request.view, request.param(0))?;
    let group = request.state.group(id).ok_or_else(|| Refusal::missing(id))?;
    check_writable(request.state, group, "Update")?;
    let live = group.owners.iter().filter(|owner| request.state.user(**owner).is_some()).count();
    let team = group.properties.get("resourceProvisioningOptions").and_then(Value::as_array);
    let team = team.is_some_and(|options| options.iter().any(|option| option == "Team"));
    let owner = present(request, |group| &group.owners)?;
    if live == 1 {
        return Err(Refusal::bad("The group must have at least one owner, hence this owner cannot be removed."));
    }
    request.state.edit_group(id, |group| {
        Arc::make_mut(&mut group.owners).remove(&owner);
    });
    if team {
        request.state.leave(id, owner);
    }
    Ok(Answer::no_content())
}
