//! A tenant from a JSON document of Graph objects, and back (see [`snapshot`]).
//!
//! Ids are kept. What Graph computes is computed (`consumedUnits` beyond what the seeded people hold counts as held
//! elsewhere); what is missing gets a sensible default; properties the emulator does not know are kept as they are.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::entity::{Group, Properties, User};
use crate::groups::dynamic;
use crate::history::{History, View};
use crate::ids::{Guid, guid};
use crate::licenses;
use crate::settling::Latency;
use crate::state::State;
use crate::state::journal::Journal;
use crate::{Options, users};

mod licensing;
mod tenancy;

pub(crate) use tenancy::{AccessPassPolicy, Application, Collaboration, Extension};

/// Why a seed was refused: the place in the document, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("seed at `{path}`: {problem}")]
pub struct SeedError {
    /// Where, as in `users[3].assignedLicenses[0].skuId`.
    pub path: String,
    /// What.
    pub problem: String,
}

pub(crate) type Checked<T> = Result<T, SeedError>;

pub(crate) fn fault<T>(path: impl Into<String>, problem: impl Into<String>) -> Checked<T> {
    Err(SeedError { path: path.into(), problem: problem.into() })
}

/// The instant at which a tenant begins that names none and has no machine clock.
const EPOCH: &str = "2026-03-02T08:00:00Z";

/// Builds the contents of a tenant.
pub(crate) fn plant(seed: &Value, options: &Options) -> Checked<State> {
    let Some(document) = seed.as_object() else { return fault("", "a seed is an object") };
    let known = [
        "now",
        "organization",
        "domains",
        "subscribedSkus",
        "users",
        "groups",
        "deletedItems",
        "extensionProperties",
        "applications",
        "accessPassPolicy",
        "collaboration",
        "latency",
    ];
    if let Some(name) = document.keys().find(|name| !name.starts_with(['$', '_']) && !known.contains(&name.as_str())) {
        return fault(name.clone(), format!("unknown; a seed holds {}", known.join(", ")));
    }
    let mut latency = Latency::default();
    if let Some(Err(problem)) = document.get("latency").map(|body| latency.put(body)) {
        return fault("latency", problem);
    }
    let mut state = State::empty(begin(document, options)?, options.id_seed, options.undecided);
    tenancy::plant(&mut state, document)?;
    licensing::plant_skus(&mut state, document)?;
    for (index, item) in list(document, "users")?.iter().enumerate() {
        plant_user(&mut state, &format!("users[{index}]"), item)?;
    }
    plant_deleted(&mut state, document)?;
    plant_groups(&mut state, document)?;
    plant_relations(&mut state, document)?;
    licensing::settle(&mut state, document)?;
    dynamic_members(&mut state);
    state.due.retain(|_, work| matches!(work, crate::settling::Work::Purge { .. }));
    state.rules_waiting.clear();
    // The seed is where every delta query begins.
    state.journal = Journal::default();
    // Set last, so that what was planted has settled.
    state.latency = latency;
    Ok(state)
}

fn begin(document: &Map<String, Value>, options: &Options) -> Checked<Timestamp> {
    match document.get("now") {
        Some(now) => now.as_str().and_then(|text| text.parse().ok()).map_or_else(|| fault("now", "not an instant"), Ok),
        None => match &options.machine {
            Some(machine) => Ok(machine()),
            None => EPOCH.parse().or_else(|_| fault("now", "missing")),
        },
    }
}

/// A list of the document; missing is empty.
pub(crate) fn list<'d>(document: &'d Map<String, Value>, name: &str) -> Checked<&'d [Value]> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => fault(name, "not a list"),
    }
}

pub(crate) fn object<'d>(path: &str, item: &'d Value) -> Checked<&'d Map<String, Value>> {
    item.as_object().map_or_else(|| fault(path, "not an object"), Ok)
}

fn id_of(path: &str, item: &Map<String, Value>, name: &str) -> Checked<Guid> {
    match item.get("id") {
        None => Ok(State::id_of_name(name)),
        Some(id) => id.as_str().and_then(guid).map_or_else(|| fault(format!("{path}.id"), "not a GUID"), Ok),
    }
}

/// The properties to store: what other fields of the state hold is left out.
fn stored(item: &Map<String, Value>, apart: &[&str]) -> Properties {
    item.iter()
        .filter(|(name, value)| !name.starts_with('@') && !apart.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

const USER_APART: &[&str] = &[
    "id",
    "manager",
    "sponsors",
    "roles",
    "authenticationMethods",
    "assignedLicenses",
    "licenseAssignmentStates",
    "assignedPlans",
    "provisionedPlans",
    "passwordProfile",
    "memberOf",
];

fn plant_user(state: &mut State, path: &str, item: &Value) -> Checked<Guid> {
    let item = object(path, item)?;
    let upn = match item.get("userPrincipalName") {
        Some(Value::String(upn)) if upn.contains('@') => upn.clone(),
        Some(_) => return fault(format!("{path}.userPrincipalName"), "not a principal name"),
        None => return fault(format!("{path}.userPrincipalName"), "missing"),
    };
    let id = id_of(path, item, &upn)?;
    if state.users.contains_key(&id) || state.groups.contains_key(&id) {
        return fault(format!("{path}.id"), format!("{id} is there twice"));
    }
    let deleted = match item.get("deletedDateTime") {
        Some(Value::String(at)) => {
            Some(at.parse::<Timestamp>().or_else(|_| fault(format!("{path}.deletedDateTime"), "not an instant"))?)
        }
        _ => None,
    };
    if deleted.is_none() && state.user_named(View::PRIMARY, &upn).is_some() {
        return fault(format!("{path}.userPrincipalName"), "somebody else has this name");
    }
    let mut properties = stored(item, USER_APART);
    let local = upn.split('@').next().unwrap_or_default().to_owned();
    let mut default = |name: &str, value: Value| {
        properties.entry(name).or_insert(value);
    };
    default("accountEnabled", json!(true));
    default("displayName", json!(local));
    default("mailNickname", json!(local));
    default("userType", json!("Member"));
    default("createdDateTime", json!("2020-01-01T00:00:00Z"));
    users::address(&mut properties, None);
    let texts = |name: &str| item.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    // A role is a name, or a directory role object.
    let role = |role: &Value| role.as_str().or_else(|| role.get("displayName")?.as_str()).map(str::to_owned);
    let roles = texts("roles").iter().filter_map(role).collect();
    let methods = plant_methods(path, id, &texts("authenticationMethods"))?;
    state.plant_user(id, User { properties, methods, roles, deleted, ..User::default() });
    Ok(id)
}

fn plant_methods(path: &str, user: Guid, items: &[Value]) -> Checked<Vec<Value>> {
    let mut methods = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}.authenticationMethods[{index}]");
        let mut method = object(&path, item)?.clone();
        if !method.get("@odata.type").is_some_and(Value::is_string) {
            return fault(path + ".@odata.type", "missing");
        }
        let id = State::id_of_name(&format!("{user} {index}")).to_string();
        method.entry("id").or_insert(Value::String(id));
        methods.push(Value::Object(method));
    }
    Ok(methods)
}

/// Deleted objects: users, and the Microsoft 365 groups that can be restored.
fn plant_deleted(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    for (index, item) in list(document, "deletedItems")?.iter().enumerate() {
        let path = format!("deletedItems[{index}]");
        let members = object(&path, item)?;
        let Some(at) =
            members.get("deletedDateTime").and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok())
        else {
            return fault(path + ".deletedDateTime", "missing or not an instant");
        };
        let id = if members.contains_key("userPrincipalName") {
            plant_user(state, &path, item)?
        } else {
            plant_group(state, &path, item)?
        };
        let planted = state.now;
        state.now = at;
        crate::deleted::schedule_purge(state, id);
        state.now = planted;
    }
    Ok(())
}

const GROUP_APART: &[&str] =
    &["id", "members", "owners", "assignedLicenses", "licenseProcessingState", "hasMembersWithLicenseErrors"];

fn plant_group(state: &mut State, path: &str, item: &Value) -> Checked<Guid> {
    let item = object(path, item)?;
    let name = item.get("displayName").and_then(Value::as_str).unwrap_or("Group");
    let id = id_of(path, item, name)?;
    if state.users.contains_key(&id) || state.groups.contains_key(&id) {
        return fault(format!("{path}.id"), format!("{id} is there twice"));
    }
    let mut properties = stored(item, GROUP_APART);
    let nick: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let mut default = |name: &str, value: Value| properties.entry(name).or_insert(value).clone();
    default("displayName", json!(name));
    let types = default("groupTypes", json!([]));
    let unified = types.as_array().is_some_and(|types| types.iter().any(|own| own == "Unified"));
    default("mailEnabled", json!(unified));
    default("securityEnabled", json!(!unified));
    default("mailNickname", json!(nick));
    default("visibility", json!(if unified { "Public" } else { "Private" }));
    default("createdDateTime", json!("2020-01-01T00:00:00Z"));
    default("renewedDateTime", json!("2020-01-01T00:00:00Z"));
    let mut group = Group { properties, ..Group::default() };
    let deleted = group.text("deletedDateTime").and_then(|at| at.parse().ok());
    group.deleted = deleted;
    group.rule = dynamic::rule_of(&group).or_else(|_| fault(format!("{path}.membershipRule"), "not a rule"))?;
    state.groups.insert(id, History::settled(group));
    Ok(id)
}

fn plant_groups(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    let items = list(document, "groups")?;
    let mut planted = Vec::new();
    for (index, item) in items.iter().enumerate() {
        planted.push(plant_group(state, &format!("groups[{index}]"), item)?);
    }
    for (index, (item, id)) in items.iter().zip(planted).enumerate() {
        let item = object("groups", item)?;
        let members = references(state, item, &format!("groups[{index}].members"), "members")?;
        let owners = references(state, item, &format!("groups[{index}].owners"), "owners")?;
        state.edit_group(id, |group| {
            group.members = Arc::new(members);
            group.owners = Arc::new(owners);
        });
    }
    Ok(())
}

fn references(state: &State, item: &Map<String, Value>, path: &str, name: &str) -> Checked<BTreeSet<Guid>> {
    let items = list(item, name).or_else(|_| fault(path, "not a list"))?;
    let each = items.iter().enumerate().map(|(index, item)| reference(state, item, &format!("{path}[{index}]")));
    each.collect()
}

/// An object id, a principal name, or an object with an id or a reference.
fn reference(state: &State, item: &Value, path: &str) -> Checked<Guid> {
    let link = || item.get("@odata.id")?.as_str()?.rsplit('/').next();
    let text = item.as_str().or_else(|| item.get("id")?.as_str()).or_else(link);
    let Some(text) = text else { return fault(path, "not an id") };
    let id = guid(text).or_else(|| state.user_named(View::PRIMARY, text));
    match id.filter(|id| state.users.contains_key(id) || state.groups.contains_key(id)) {
        Some(id) => Ok(id),
        None => fault(path, format!("`{text}` is not in the seed")),
    }
}

/// Managers and sponsors: relations between people who are all planted by now.
fn plant_relations(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    for (index, item) in list(document, "users")?.iter().enumerate() {
        let upn = item.get("userPrincipalName").and_then(Value::as_str).unwrap_or_default();
        let Some(id) = state.user_named(View::PRIMARY, upn) else { continue };
        let manager = item.get("manager").filter(|manager| !manager.is_null());
        let manager =
            manager.map(|manager| reference(state, manager, &format!("users[{index}].manager"))).transpose()?;
        let sponsors = object("users", item)
            .and_then(|item| references(state, item, &format!("users[{index}].sponsors"), "sponsors"))?;
        if manager.is_some() || !sponsors.is_empty() {
            state.edit_user(id, |user| (user.manager, user.sponsors) = (manager, sponsors));
        }
    }
    Ok(())
}

/// Dynamic groups whose rule is understood start out evaluated.
fn dynamic_members(state: &mut State) {
    let groups: Vec<Guid> = state.groups.keys().copied().collect();
    for group in groups {
        dynamic::evaluate(state, group, None);
        licenses::inherited::settle_quietly(state, group);
    }
}

/// The tenant in a canonical form: users, groups with their members and licenses, deleted items, seats. Ids are in order;
/// with `timeless`, everything that holds an instant is left out.
pub(crate) fn snapshot(state: &State, timeless: bool) -> Value {
    let prune = |mut body: Map<String, Value>| {
        if timeless {
            body.retain(|name, _| !name.ends_with("DateTime"));
            for license in body.get_mut("licenseAssignmentStates").and_then(Value::as_array_mut).into_iter().flatten() {
                license.as_object_mut().map(|license| license.remove("lastUpdatedDateTime"));
            }
        }
        Value::Object(body)
    };
    let user = |(id, user): (Guid, &User)| {
        let mut body = users::whole(id, user);
        body.insert("manager".into(), user.manager.map_or(Value::Null, |id| json!(id.to_string())));
        if !user.sponsors.is_empty() {
            body.insert("sponsors".into(), crate::entity::texts(&user.sponsors));
        }
        body.insert("roles".into(), json!(user.roles));
        let methods = user.methods.iter().map(|method| json!([method.get("@odata.type"), method.get("id")])).collect();
        body.insert("authenticationMethods".into(), methods);
        prune(body)
    };
    let group = |(id, group): (Guid, &Group)| {
        use crate::entity::{Readable, texts};
        let mut body = group.properties.clone();
        body.insert("id".into(), json!(id.to_string()));
        body.insert("members".into(), texts(group.members.iter()));
        body.insert("owners".into(), texts(group.owners.iter()));
        body.insert("assignedLicenses".into(), (id, group).read("assignedLicenses").into_owned());
        prune(body)
    };
    let users = || state.users.iter().filter_map(|(id, history)| history.current().map(|user| (*id, user)));
    let groups = || state.groups.iter().filter_map(|(id, history)| history.current().map(|group| (*id, group)));
    let gone_users = users().filter(|(_, user)| user.deleted.is_some()).map(user);
    let gone_groups = groups().filter(|(_, group)| group.deleted.is_some()).map(group);
    let seats = state
        .skus
        .iter()
        .map(|(id, sku)| json!({"skuId": id.to_string(), "consumed": sku.consumed.current(), "free": sku.free()}));
    json!({
        "users": users().filter(|(_, user)| user.deleted.is_none()).map(user).collect::<Vec<_>>(),
        "groups": groups().filter(|(_, group)| group.deleted.is_none()).map(group).collect::<Vec<_>>(),
        "deletedItems": gone_users.chain(gone_groups).collect::<Vec<_>>(),
        "seats": seats.collect::<Vec<_>>(),
    })
}
