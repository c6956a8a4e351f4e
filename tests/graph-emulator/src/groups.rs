//! `/groups`: create, read, list, change, delete. Which kinds Graph can write: "Overview of groups in Microsoft Graph".

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::clock::graph_time;
use crate::entity::{Group, Kind, Properties, Standing};
use crate::history::View;
use crate::ids::Guid;
use crate::lists::{self, Object, Selection};
use crate::properties::{self, Write};
use crate::refusal::Refusal;
use crate::state::State;
use crate::users;
use crate::wire::{Answer, Request, Served};

pub(crate) mod dynamic;
pub(crate) mod members;

/// Owners and members that one POST or PATCH may bind.
pub(crate) const BOUND_MAX: usize = 20;

/// `GET /groups`
pub(crate) fn list(request: &mut Request<'_>) -> Served {
    let asks_errors =
        request.query.filter.as_ref().is_some_and(|filter| filter.contains("hasMembersWithLicenseErrors"));
    let state = &*request.state;
    let objects = state.live_groups(request.view).map(|(id, group)| Object::Group(id, group));
    lists::list(request, Kind::Group, "groups", objects, &|object, filter| match object {
        // The one property that lives on other objects.
        Object::Group(id, group) if asks_errors => {
            let mut group = (*group).clone();
            let errors = has_license_errors(state, *id);
            group.properties.insert("hasMembersWithLicenseErrors".into(), Value::Bool(errors));
            filter.passes(&(*id, &group))
        }
        Object::Group(id, group) => filter.passes(&(*id, *group)),
        _ => false,
    })
}

fn has_license_errors(state: &State, group: Guid) -> bool {
    members_with_errors(state, View::PRIMARY, group).next().is_some()
}

fn members_with_errors(state: &State, view: View, group: Guid) -> impl Iterator<Item = Object<'_>> {
    let failed = move |user: &crate::entity::User| {
        user.licenses.iter().any(|license| license.by_group == Some(group) && license.standing != Standing::Active)
    };
    state.live_users(view).filter(move |(_, user)| failed(user)).map(|(id, user)| Object::User(id, user))
}

/// `GET /groups/{id}/membersWithLicenseErrors`
pub(crate) fn members_with_license_errors(request: &mut Request<'_>) -> Served {
    let (id, _) = request.state.find_group(request.view, request.param(0))?;
    let found = members_with_errors(request.state, request.view, id).collect();
    lists::related(request, "directoryObjects", None, found)
}

/// `GET /groups/$count`
pub(crate) fn count(request: &mut Request<'_>) -> Served {
    if !request.eventual {
        return Err(Refusal::bad("$count is not currently supported."));
    }
    request.query.count = true;
    list(request)
        .map(|answer| Answer::text(answer.value().get("@odata.count").map(Value::to_string).unwrap_or_default()))
}

/// `GET /groups/{id}`
pub(crate) fn read(request: &mut Request<'_>) -> Served {
    let selection = Selection::parse(request, &[Kind::Group])?;
    lists::check_expand(request, Kind::Group)?;
    let (id, group) = request.state.find_group(request.view, request.param(0))?;
    Ok(lists::entity(request, 200, "groups/$entity", &selection, &Object::Group(id, group)))
}

/// The group as the answer to the write that made or changed it.
pub(crate) fn answer(request: &Request<'_>, status: u16, id: Guid) -> Served {
    let group = request.state.group(id).ok_or_else(|| Refusal::missing(id))?;
    Ok(lists::entity(request, status, "groups/$entity", &Selection::Default, &Object::Group(id, group)))
}

/// `POST /groups`
pub(crate) fn create(request: &mut Request<'_>) -> Served {
    let mut body = request.object()?;
    let owners = bound(&mut body, "owners@odata.bind")?;
    let mut members = bound(&mut body, "members@odata.bind")?;
    if owners.len() + members.len() > BOUND_MAX {
        return Err(too_many());
    }
    for name in ["displayName", "mailEnabled", "mailNickname", "securityEnabled"] {
        if body.get(name).is_none_or(Value::is_null) {
            return Err(Refusal::required(name, "Group"));
        }
    }
    let mut properties = checked(request.state, body, true)?;
    properties.retain(|_, value| !value.is_null());
    let mut group = Group { properties, ..Group::default() };
    check_kind(request, &group)?;
    check_nickname(request.state, &group, None)?;
    for owner in &owners {
        request.state.seen_user(request.view, *owner).ok_or_else(|| Refusal::missing(owner))?;
    }
    for member in &members {
        members::check_candidate(request, &group, *member)?;
    }
    complete(request.state, &mut group)?;
    group.owners = Arc::new(owners.into_iter().collect());
    let id = request.state.draw.guid();
    request.touched.push(id);
    request.touched.append(&mut members.clone());
    let all: BTreeSet<Guid> = members.drain(..).collect();
    group.members = Arc::new(all);
    request.state.add_group(id, group);
    answer(request, 201, id)
}

/// The ids in an `@odata.bind` list; the list is taken out of the body.
pub(crate) fn bound(body: &mut Map<String, Value>, name: &str) -> Result<Vec<Guid>, Refusal> {
    let Some(list) = body.remove(name) else { return Ok(Vec::new()) };
    let invalid = || Refusal::bad(format!("'{name}' must be a list of addresses."));
    let ids: Vec<Guid> =
        list.as_array().ok_or_else(invalid)?.iter().map(users::relations::referred).collect::<Result<_, _>>()?;
    if ids.len() > BOUND_MAX {
        return Err(too_many());
    }
    if ids.iter().collect::<BTreeSet<_>>().len() < ids.len() {
        return Err(Refusal::bad("Request contains a property with duplicate values."));
    }
    Ok(ids)
}

fn too_many() -> Refusal {
    Refusal::bad(format!("The number of references in one request exceeds the limit of {BOUND_MAX}."))
}

/// A body's properties, every one of them checked.
fn checked(state: &State, body: Map<String, Value>, creating: bool) -> Result<Properties, Refusal> {
    let mut accepted = Properties::new();
    for (name, value) in body {
        if name.starts_with('@') {
            continue;
        }
        if !state.extension_exists(&name) {
            let property =
                properties::find(Kind::Group, &name).ok_or_else(|| Refusal::unknown_property(&name, "Group"))?;
            let writable = property.write == Write::Anyone || (creating && property.write == Write::AtCreation);
            if !writable {
                return Err(Refusal::bad(format!("Property '{name}' is read-only and cannot be set.")));
            }
            users::rules::check_value(property, &value, "Group")?;
            check_meaning(property.name, &value)?;
        }
        accepted.insert(name, value);
    }
    Ok(accepted)
}

fn check_meaning(name: &'static str, value: &Value) -> Result<(), Refusal> {
    let one_of = |known: &[&str]| {
        let fine = value.is_null() || value.as_str().is_some_and(|text| known.contains(&text));
        if fine { Ok(()) } else { Err(Refusal::invalid(name, "Group")) }
    };
    match name {
        // The pages differ on a few characters; this is their union.
        "mailNickname" => {
            let refused = "@()/\\[]'\";:<>, ";
            let fine = value.as_str().is_some_and(|nick| nick.is_ascii() && !nick.contains(|c| refused.contains(c)));
            if fine { Ok(()) } else { Err(Refusal::invalid(name, "Group")) }
        }
        "visibility" => one_of(&["Private", "Public", "HiddenMembership"]),
        "membershipRuleProcessingState" => one_of(&["On", "Paused"]),
        "groupTypes" => {
            let known = |item: &Value| item == "Unified" || item == "DynamicMembership";
            let fine = value.as_array().is_some_and(|items| items.iter().all(known));
            if fine { Ok(()) } else { Err(Refusal::invalid(name, "Group")) }
        }
        _ => Ok(()),
    }
}

/// Whether Graph can make such a group at all.
fn check_kind(request: &Request<'_>, group: &Group) -> Result<(), Refusal> {
    if group.kept_by_exchange() {
        return Err(exchange_keeps(request.state, "Create"));
    }
    if group.unified() && !group.flag("mailEnabled") {
        return Err(Refusal::invalid("mailEnabled", "Group"));
    }
    if !group.unified() && !group.flag("securityEnabled") {
        return Err(Refusal::invalid("securityEnabled", "Group"));
    }
    if group.text("visibility") == Some("HiddenMembership") && !group.unified() {
        return Err(Refusal::invalid("visibility", "Group"));
    }
    if group.flag("isAssignableToRole") {
        if !request.app.was_granted("RoleManagement.ReadWrite.Directory") {
            return Err(Refusal::denied());
        }
        if group.dynamic() || !group.flag("securityEnabled") {
            return Err(Refusal::invalid("isAssignableToRole", "Group"));
        }
    }
    check_dynamic(group)
}

/// A dynamic group needs a rule and its state, and nobody else has any.
fn check_dynamic(group: &Group) -> Result<(), Refusal> {
    for name in ["membershipRule", "membershipRuleProcessingState"] {
        match (group.dynamic(), group.text(name)) {
            (true, None) => return Err(Refusal::required(name, "Group")),
            (false, Some(_)) => return Err(Refusal::invalid(name, "Group")),
            _ => {}
        }
    }
    Ok(())
}

/// What Graph answers for mail-enabled security groups and distribution lists; one support article shows 403 instead.
pub(crate) fn exchange_keeps(state: &State, verb: &str) -> Refusal {
    if state.undecided.mail_group_write_is_403 {
        return Refusal::denied();
    }
    Refusal::bad(format!("Cannot {verb} a mail-enabled security groups and or distribution list."))
}

/// A nickname is unique among Microsoft 365 groups only.
fn check_nickname(state: &State, group: &Group, except: Option<Guid>) -> Result<(), Refusal> {
    let nick = group.text("mailNickname").unwrap_or_default();
    let clash = |(id, other): (Guid, &Group)| {
        Some(id) != except
            && other.unified()
            && other.text("mailNickname").is_some_and(|own| own.eq_ignore_ascii_case(nick))
    };
    if group.unified() && state.live_groups(View::PRIMARY).any(clash) {
        return Err(Refusal::conflict("mailNickname"));
    }
    Ok(())
}

/// What the service adds to a new group.
fn complete(state: &mut State, group: &mut Group) -> Result<(), Refusal> {
    group.rule = dynamic::rule_of(group)?;
    let now = Value::String(graph_time(state.now));
    let unified = group.unified();
    let nick = group.text("mailNickname").unwrap_or_default().to_owned();
    let properties = &mut group.properties;
    properties.insert("createdDateTime".into(), now.clone());
    properties.insert("renewedDateTime".into(), now);
    properties.entry("groupTypes").or_insert_with(|| json!([]));
    properties.entry("visibility").or_insert_with(|| json!(if unified { "Public" } else { "Private" }));
    let number = state.draw.number();
    let sid = format!("S-1-12-1-{}-{}", number >> 32, number & 0xffff_ffff);
    properties.insert("securityIdentifier".into(), Value::String(sid));
    if unified {
        let mail = format!("{nick}@{}", state.default_domain());
        properties.insert("proxyAddresses".into(), json!([format!("SMTP:{mail}")]));
        properties.insert("mail".into(), Value::String(mail));
    }
    Ok(())
}

/// `PATCH /groups/{id}`
pub(crate) fn update(request: &mut Request<'_>) -> Served {
    let mut body = request.object()?;
    let joining = bound(&mut body, "members@odata.bind")?;
    let (id, group) = request.state.find_group(request.view, request.param(0))?;
    check_writable(request.state, group, "Update")?;
    if !body.is_empty() && !request.app.may(&["Group.ReadWrite.All", "Directory.ReadWrite.All"]) {
        return Err(Refusal::denied());
    }
    let changes = checked(request.state, body, false)?;
    let mut after = request.state.group(id).cloned().ok_or_else(|| Refusal::missing(id))?;
    let (was_dynamic, was_unified, old_rule) =
        (after.dynamic(), after.unified(), after.text("membershipRule").map(str::to_owned));
    for fixed in ["mailEnabled", "securityEnabled"] {
        if changes.get(fixed).is_some_and(|value| Some(value) != after.properties.get(fixed)) {
            return Err(Refusal::invalid(fixed, "Group"));
        }
    }
    if changes
        .get("visibility")
        .is_some_and(|value| value == "HiddenMembership" && after.text("visibility") != value.as_str())
    {
        return Err(Refusal::invalid("visibility", "Group"));
    }
    users::merge(&mut after.properties, changes);
    if after.unified() != was_unified || (after.dynamic() && after.flag("isAssignableToRole")) {
        return Err(Refusal::invalid("groupTypes", "Group"));
    }
    if was_dynamic && !after.dynamic() {
        after.properties.remove("membershipRule");
        after.properties.remove("membershipRuleProcessingState");
    }
    check_dynamic(&after)?;
    check_nickname(request.state, &after, Some(id))?;
    after.rule = dynamic::rule_of(&after)?;
    members::check_joining(request, id, &joining)?;
    let (wipes, rule_changed) = (!was_dynamic && after.dynamic(), after.text("membershipRule") != old_rule.as_deref());
    request.state.edit_group(id, |group| {
        group.properties = after.properties;
        group.rule = after.rule;
    });
    carry_on(request, id, &joining, wipes, rule_changed);
    Ok(Answer::no_content())
}

/// What a change of a group leads to.
fn carry_on(request: &mut Request<'_>, id: Guid, joining: &[Guid], wipes: bool, rule_changed: bool) {
    if wipes {
        // Becoming dynamic drops the assigned members before the rule fills the group.
        let members: Vec<Guid> =
            request.state.group(id).iter().flat_map(|group| group.members.iter().copied()).collect();
        for member in members {
            request.state.leave(id, member);
        }
    }
    if wipes || rule_changed {
        request.state.wake_rule_of(id);
    }
    if !joining.is_empty() {
        request.touched.extend(joining);
        request.state.join(id, joining);
    }
}

/// Whether Graph may write this group at all, apart from the members of dynamic ones.
pub(crate) fn check_writable(state: &State, group: &Group, verb: &str) -> Result<(), Refusal> {
    if group.synced() {
        return Err(Refusal::synced());
    }
    if group.kept_by_exchange() {
        return Err(exchange_keeps(state, verb));
    }
    if group.flag("isManagementRestricted") {
        return Err(Refusal::denied());
    }
    Ok(())
}

/// `DELETE /groups/{id}`
pub(crate) fn delete(request: &mut Request<'_>) -> Served {
    let (id, group) = request.state.find_group(request.view, request.param(0))?;
    check_writable(request.state, group, "Update")?;
    if request.state.group(id).is_some_and(|group| !group.products.is_empty()) {
        // That it is refused is documented ("Resolve group license assignment problems"); the text is not.
        return Err(Refusal::bad(
            "The group has active licenses assigned. Remove the licenses before deleting the group.",
        ));
    }
    crate::deleted::delete_group(request.state, id);
    Ok(Answer::no_content())
}
