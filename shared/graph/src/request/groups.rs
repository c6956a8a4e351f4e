//! Groups and who is in them.

use http::Method;
use serde_json::{Value, json};

use super::{
    Request, segment,
    users::{list, reference, reference_url, user},
};
use crate::{
    filter::Filter,
    ids::{GroupId, UserId},
    limits,
};

/// One group. `assignedLicenses` and a few more come on `$select` only.
pub fn get_group(id: &GroupId, properties: &[&str]) -> Request {
    Request::get("/groups/{id}", group(id)).select(properties)
}

/// A page of groups.
pub fn groups(properties: &[&str], filter: Option<&Filter>, top: u16) -> Request {
    list("/groups", properties, filter, top)
}

/// A page of the groups the user is a direct member of. The cast leaves out directory roles and administrative units
/// ("List a user's direct memberships").
pub fn member_of(id: &UserId, properties: &[&str]) -> Request {
    Request::get("/users/{id}/memberOf/microsoft.graph.group", format!("{}/memberOf/microsoft.graph.group", user(id)))
        .select(properties)
        .query("$top", limits::PAGE_MAX.to_string())
}

/// Which of at most 20 groups the user is in, through other groups as well; more are cut off by the caller
/// (`Client::check_member_groups` splits). A read, though it is a POST.
pub fn check_member_groups(id: &UserId, groups: &[GroupId]) -> Request {
    let body = json!({ "groupIds": groups.iter().map(GroupId::as_str).collect::<Vec<_>>() });
    Request {
        class: super::Class::Read,
        ..Request::post("/users/{id}/checkMemberGroups", format!("{}/checkMemberGroups", user(id)), body).repeatable()
    }
}

/// A page of the users among a group's direct members.
pub fn members(id: &GroupId, properties: &[&str]) -> Request {
    Request::get("/groups/{id}/members/microsoft.graph.user", format!("{}/members/microsoft.graph.user", group(id)))
        .select(properties)
        .query("$top", limits::PAGE_MAX.to_string())
}

/// Adds one member. Not repeatable: the second time Graph says "already exists", and whoever asks would no longer
/// know whether the membership is ours.
pub fn add_member(id: &GroupId, member: &UserId) -> Request {
    let body = reference("directoryObjects", member.as_str());
    Request::post("/groups/{id}/members/$ref", format!("{}/members/$ref", group(id)), body).grants()
}

/// At most twenty members for one PATCH. Graph adds all of them or, when one is already there, none.
#[derive(Clone, Copy, Debug)]
pub struct Members<'a>(&'a [UserId]);

impl<'a> Members<'a> {
    /// The first twenty of `members`, and the rest. `None` when there is nobody to add: an empty list is a bad request.
    pub fn take(members: &'a [UserId]) -> Option<(Self, &'a [UserId])> {
        if members.is_empty() {
            return None;
        }
        let (now, later) = members.split_at_checked(limits::MEMBERS_MAX).unwrap_or((members, &[]));
        Some((Self(now), later))
    }
}

/// Adds up to twenty members in one write, all or none.
pub fn add_members(id: &GroupId, members: Members<'_>) -> Request {
    let urls: Vec<Value> =
        members.0.iter().map(|member| reference_url("directoryObjects", member.as_str()).into()).collect();
    let request = Request::set(Method::PATCH, "/groups/{id}", group(id)).body(json!({ "members@odata.bind": urls }));
    Request { repeatable: false, ..request }.grants()
}

/// Takes one member out. Without `/$ref` at the end this call **deletes the user** ("Remove member"), which is why
/// the address is built here, whole, and nowhere else.
pub fn remove_member(id: &GroupId, member: &UserId) -> Request {
    let path = format!("{}/members/{}/$ref", group(id), segment(member.as_str()));
    Request::set(Method::DELETE, "/groups/{id}/members/{id}/$ref", path)
}

fn group(id: &GroupId) -> String {
    format!("/groups/{}", segment(id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::check, *};
    use crate::request::Class;

    #[test]
    fn a_member_is_added_by_reference_and_only_once() {
        let request = add_member(&GroupId::from("g"), &UserId::from("u"));
        check(
            &request,
            "POST /groups/g/members/$ref",
            Some(json!({"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/u"})),
        );
        assert_eq!((request.class, request.repeatable), (Class::Grant, false));
    }

    #[test]
    fn removing_a_member_never_addresses_the_user_itself() {
        for member in ["u", "", "u/", "../..", "a?b#c"] {
            let path = remove_member(&GroupId::from("g"), &UserId::from(member)).relative().unwrap();
            assert!(path.starts_with("/groups/g/members/") && path.ends_with("/$ref"), "{path}");
            assert!(!path.contains(['?', '#']), "{path}");
        }
    }

    #[test]
    fn members_are_added_twenty_at_a_time() {
        let people: Vec<UserId> = (0..45).map(|n| UserId::from(n.to_string())).collect();
        let mut rest = people.as_slice();
        let mut sizes = Vec::new();
        while let Some((now, later)) = Members::take(rest) {
            let body = add_members(&GroupId::from("g"), now).body.unwrap();
            sizes.push(body["members@odata.bind"].as_array().unwrap().len());
            rest = later;
        }
        assert_eq!(sizes, [20, 20, 5]);
    }

    #[test]
    fn memberships_are_read_as_groups_only() {
        check(
            &member_of(&UserId::from("u"), &["id"]),
            "GET /users/u/memberOf/microsoft.graph.group?$select=id&$top=999",
            None,
        );
        let request = check_member_groups(&UserId::from("u"), &[GroupId::from("g")]);
        check(&request, "POST /users/u/checkMemberGroups", Some(json!({"groupIds": ["g"]})));
        assert_eq!((request.class, request.repeatable), (Class::Read, true));
    }
}
