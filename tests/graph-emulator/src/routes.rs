//! Every served route in one table: what answers it, what it costs, and which application permission it asks for.
//! Costs: "Microsoft Graph service-specific throttling limits". Permissions: the least-privileged application
//! permissions and the documented wider ones.

use std::sync::OnceLock;

use crate::query::Query;
use crate::quota::Charge;
use crate::wire::{Request, Served};
use crate::{deleted, delta, groups, licenses, mail, tenancy, users};
use groups::members;
use users::{invitations, methods, relations, sponsors};

/// One route.
pub(crate) struct Route {
    pub method: &'static str,
    /// Segments in braces are variable.
    pub pattern: &'static str,
    pub serve: fn(&mut Request<'_>) -> Served,
    /// Resource units before modifiers; 0 for a write, which is one unit and one write.
    units: u64,
    /// Any of these application permissions is enough.
    pub roles: &'static [&'static str],
}

const READ_USERS: &[&str] =
    &["User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_USER: &[&str] = &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE_USER: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All"];
const PATCH_USER: &[&str] = &[
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
    "User.EnableDisableAccount.All",
    "User-PasswordProfile.ReadWrite.All",
    "User-Phone.ReadWrite.All",
    "User-Mail.ReadWrite.All",
    "User.ManageIdentities.All",
    "User-LifeCycleInfo.ReadWrite.All",
];
const DELETE_USER: &[&str] = &["User.DeleteRestore.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_GROUPS: &[&str] = &[
    "Group.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_MEMBERS: &[&str] = &[
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const MEMBERSHIPS: &[&str] = &[
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
];
const WRITE_GROUP: &[&str] = &["Group.ReadWrite.All", "Directory.ReadWrite.All"];
const CREATE_GROUP: &[&str] = &["Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITE_MEMBERS: &[&str] = &["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"];
const REVOKE: &[&str] = &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
const LICENSE: &[&str] = &["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
const LICENSE_GROUP: &[&str] = &["LicenseAssignment.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_LICENSES: &[&str] = &[
    "LicenseAssignment.Read.All",
    "LicenseAssignment.ReadWrite.All",
    "Organization.Read.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const METHODS: &[&str] = &["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"];
const WRITE_METHODS: &[&str] = &["UserAuthenticationMethod.ReadWrite.All", "UserAuthMethod-TAP.ReadWrite.All"];
const PASSES: &[&str] = &["UserAuthMethod-TAP.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"];
const DELETED: &[&str] = &[
    "User.DeleteRestore.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
];
const RESTORE: &[&str] =
    &["User.DeleteRestore.All", "User.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"];
const ORGANIZATION: &[&str] =
    &["Organization.Read.All", "User.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const DOMAINS: &[&str] = &["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All"];
const OBJECTS: &[&str] = &["Directory.Read.All", "Directory.ReadWrite.All"];
const INVITE: &[&str] = &["User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
const SEND_MAIL: &[&str] = &["Mail.Send"];
const APPLICATIONS: &[&str] =
    &["Application.Read.All", "Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", "Directory.Read.All"];
const WRITE_APPLICATIONS: &[&str] = &["Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"];

const fn route(
    method: &'static str,
    pattern: &'static str,
    units: u64,
    roles: &'static [&'static str],
    serve: fn(&mut Request<'_>) -> Served,
) -> Route {
    Route { method, pattern, serve, units, roles }
}

/// The table. Literal segments stand before variable ones that would match them.
pub(crate) const ROUTES: &[Route] = &[
    route("GET", "/users", 2, READ_USERS, users::list),
    route("POST", "/users", 0, WRITE_USER, users::create),
    route("GET", "/users/$count", 2, READ_USERS, users::count),
    route("GET", "/users/delta", 2, READ_USER, delta::users),
    route("GET", "/users/{id}", 1, READ_USERS, users::read),
    route("PATCH", "/users/{id}", 0, PATCH_USER, users::update),
    route("DELETE", "/users/{id}", 0, DELETE_USER, users::delete),
    route("GET", "/users/{id}/manager", 1, READ_USER, relations::manager),
    route("GET", "/users/{id}/manager/$ref", 1, READ_USER, relations::manager_ref),
    route("PUT", "/users/{id}/manager/$ref", 0, WRITE_USER, relations::set_manager),
    route("DELETE", "/users/{id}/manager/$ref", 0, WRITE_USER, relations::remove_manager),
    route("GET", "/users/{id}/sponsors", 1, READ_USER, sponsors::list),
    route("POST", "/users/{id}/sponsors/$ref", 0, WRITE_USER, sponsors::add),
    route("DELETE", "/users/{id}/sponsors/{sponsor}/$ref", 0, WRITE_USER, sponsors::remove),
    route("POST", "/users/{id}/sendMail", 0, SEND_MAIL, mail::send),
    route("GET", "/users/{id}/directReports", 1, READ_USER, relations::direct_reports),
    route("GET", "/users/{id}/memberOf", 2, MEMBERSHIPS, relations::member_of),
    route("GET", "/users/{id}/memberOf/microsoft.graph.group", 2, MEMBERSHIPS, relations::member_of_groups),
    route("GET", "/users/{id}/transitiveMemberOf", 2, MEMBERSHIPS, relations::transitive_member_of),
    route(
        "GET",
        "/users/{id}/transitiveMemberOf/microsoft.graph.group",
        2,
        MEMBERSHIPS,
        relations::transitive_member_of_groups,
    ),
    route("POST", "/users/{id}/checkMemberGroups", 4, MEMBERSHIPS, relations::check_member_groups),
    route("POST", "/users/{id}/getMemberGroups", 2, MEMBERSHIPS, relations::get_member_groups),
    route("POST", "/users/{id}/revokeSignInSessions", 0, REVOKE, relations::revoke_sign_in_sessions),
    route("POST", "/users/{id}/assignLicense", 0, LICENSE, licenses::assign),
    route("POST", "/users/{id}/reprocessLicenseAssignment", 0, WRITE_USER, licenses::reprocess),
    route("POST", "/users/{id}/restore", 0, RESTORE, deleted::restore_among_users),
    route("GET", "/users/{id}/licenseDetails", 2, READ_LICENSES, licenses::details),
    route("GET", "/users/{id}/authentication/methods", 1, METHODS, methods::list),
    route("GET", "/users/{id}/authentication/temporaryAccessPassMethods", 1, PASSES, methods::list_passes),
    route("POST", "/users/{id}/authentication/temporaryAccessPassMethods", 0, PASSES, methods::create_pass),
    route("GET", "/users/{id}/authentication/temporaryAccessPassMethods/{method}", 1, PASSES, methods::read_pass),
    route("DELETE", "/users/{id}/authentication/{kind}/{method}", 0, WRITE_METHODS, methods::delete),
    route("GET", "/groups", 1, READ_GROUPS, groups::list),
    route("POST", "/groups", 0, CREATE_GROUP, groups::create),
    route("GET", "/groups/$count", 1, READ_GROUPS, groups::count),
    route("GET", "/groups/delta", 1, READ_GROUPS, delta::groups),
    route("GET", "/groups/{id}", 1, READ_GROUPS, groups::read),
    route("PATCH", "/groups/{id}", 0, WRITE_MEMBERS, groups::update),
    route("DELETE", "/groups/{id}", 0, WRITE_GROUP, groups::delete),
    route("GET", "/groups/{id}/members", 3, READ_MEMBERS, members::list),
    route("GET", "/groups/{id}/members/$ref", 3, READ_MEMBERS, members::list_refs),
    route("POST", "/groups/{id}/members/$ref", 0, WRITE_MEMBERS, members::add),
    route("GET", "/groups/{id}/members/microsoft.graph.user", 3, READ_MEMBERS, members::list_users),
    route("DELETE", "/groups/{id}/members/{member}/$ref", 0, WRITE_MEMBERS, members::remove),
    route("DELETE", "/groups/{id}/members/{member}", 0, DELETE_USER, members::delete_member),
    route("GET", "/groups/{id}/transitiveMembers", 5, READ_MEMBERS, members::list_transitive),
    route("GET", "/groups/{id}/owners", 1, READ_MEMBERS, members::list_owners),
    route("GET", "/groups/{id}/owners/$ref", 1, READ_MEMBERS, members::list_owner_refs),
    route("POST", "/groups/{id}/owners/$ref", 0, WRITE_GROUP, members::add_owner),
    route("DELETE", "/groups/{id}/owners/{owner}/$ref", 0, WRITE_GROUP, members::remove_owner),
    route("GET", "/groups/{id}/membersWithLicenseErrors", 1, READ_MEMBERS, groups::members_with_license_errors),
    route("POST", "/groups/{id}/assignLicense", 0, LICENSE_GROUP, licenses::inherited::assign),
    route("GET", "/subscribedSkus", 3, READ_LICENSES, licenses::list_skus),
    route("GET", "/subscribedSkus/{id}", 3, READ_LICENSES, licenses::read_sku),
    route("GET", "/organization", 1, ORGANIZATION, tenancy::organization),
    route("GET", "/domains", 1, DOMAINS, tenancy::domains),
    route("GET", "/domains/{id}", 1, DOMAINS, tenancy::domain),
    route("GET", "/directory/deletedItems", 1, DELETED, tenancy::cast_required),
    route("GET", "/directory/deletedItems/microsoft.graph.user", 1, DELETED, deleted::list_users),
    route("GET", "/directory/deletedItems/microsoft.graph.group", 1, DELETED, deleted::list_groups),
    route("GET", "/directory/deletedItems/{id}", 1, DELETED, deleted::read),
    route("DELETE", "/directory/deletedItems/{id}", 0, RESTORE, deleted::erase),
    route("POST", "/directory/deletedItems/{id}/restore", 0, RESTORE, deleted::restore),
    route("POST", "/directoryObjects/getByIds", 3, OBJECTS, tenancy::get_by_ids),
    route("GET", "/directoryObjects/{id}", 1, OBJECTS, tenancy::directory_object),
    route("POST", "/invitations", 0, INVITE, invitations::create),
    route("GET", "/applications/{id}/extensionProperties", 2, APPLICATIONS, tenancy::list_extensions),
    route("POST", "/applications/{id}/extensionProperties", 0, WRITE_APPLICATIONS, tenancy::create_extension),
];

/// Every served route, as method and pattern, for tests that want to see them all.
pub fn served() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().map(|route| (route.method, route.pattern))
}

impl Route {
    /// What a call of this route is charged.
    pub(crate) fn charge(&self, query: &Query) -> Charge {
        if self.units == 0 {
            return Charge { units: 1, write: true };
        }
        let mut units = self.units + u64::from(!query.expand.is_empty());
        units = units.saturating_sub(u64::from(query.select.is_some()));
        units = units.saturating_sub(u64::from(query.top.is_some_and(|top| top < 20)));
        Charge { units: units.max(1), write: false }
    }
}

/// What a path leads to.
#[derive(Clone)]
pub(crate) enum Found {
    Route(&'static Route, Vec<String>),
    /// The path exists, for other methods.
    WrongMethod,
    Nothing,
}

/// Finds the route of a path (below `/v1.0`, percent-encoded).
pub(crate) fn find(method: &str, path: &str) -> Found {
    let segments = segments(path);
    let mut known = false;
    for (pattern, route) in compiled() {
        let Some(params) = params(pattern, &segments) else { continue };
        if route.method == method {
            return Found::Route(route, params);
        }
        known = true;
    }
    if known { Found::WrongMethod } else { Found::Nothing }
}

type Compiled = Vec<(Vec<&'static str>, &'static Route)>;

fn compiled() -> &'static Compiled {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| ROUTES.iter().map(|route| (route.pattern.split('/').skip(1).collect(), route)).collect())
}

/// The decoded segments; the key form `users('x')` counts as two.
fn segments(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for raw in path.trim_start_matches('/').trim_end_matches('/').split('/') {
        let segment = percent_encoding::percent_decode_str(raw).decode_utf8_lossy().into_owned();
        match segment.split_once("('").and_then(|(set, rest)| rest.strip_suffix("')").map(|key| (set, key))) {
            Some((set, key)) => segments.extend([set.to_owned(), key.replace("''", "'")]),
            // Functions are called with empty parentheses.
            None => segments.push(segment.strip_suffix("()").map(str::to_owned).unwrap_or(segment)),
        }
    }
    segments
}

fn params(pattern: &[&str], segments: &[String]) -> Option<Vec<String>> {
    if pattern.len() != segments.len() {
        return None;
    }
    let mut params = Vec::new();
    for (wanted, segment) in pattern.iter().zip(segments) {
        if wanted.starts_with('{') {
            params.push(segment.clone());
        } else if !same_segment(wanted, segment) {
            return None;
        }
    }
    Some(params)
}

/// Casts, functions and actions may be named in full, by the namespace's alias (as Microsoft's SDKs do), or bare.
fn same_segment(wanted: &str, segment: &str) -> bool {
    let bare = |text: &'_ str| -> String {
        let lower = text.to_ascii_lowercase();
        let name = lower.strip_prefix("microsoft.graph.").or_else(|| lower.strip_prefix("graph."));
        name.map(str::to_owned).unwrap_or(lower)
    };
    wanted.eq_ignore_ascii_case(segment) || (segment.contains('.') && bare(wanted) == bare(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str, pattern: Option<&str>, wanted: &[&str]) {
        match (find(method, path), pattern) {
            (Found::Route(route, params), Some(pattern)) => {
                assert_eq!(route.pattern, pattern, "{path}");
                assert_eq!(params, wanted, "{path}");
            }
            (Found::Nothing | Found::WrongMethod, None) => {}
            _ => panic!("{method} {path}"),
        }
    }

    #[test]
    fn paths_lead_where_they_should() {
        check("GET", "/users/$count", Some("/users/$count"), &[]);
        check("GET", "/users/a%23b%40c.d", Some("/users/{id}"), &["a#b@c.d"]);
        check("GET", "/users('$x@y')/manager", Some("/users/{id}/manager"), &["$x@y"]);
        check("GET", "/users('O''Neil@y')", Some("/users/{id}"), &["O'Neil@y"]);
        check("DELETE", "/groups/1/members/2/$ref", Some("/groups/{id}/members/{member}/$ref"), &["1", "2"]);
        check("DELETE", "/groups/1/members/2", Some("/groups/{id}/members/{member}"), &["1", "2"]);
        check(
            "DELETE",
            "/users/1/authentication/phoneMethods/2",
            Some("/users/{id}/authentication/{kind}/{method}"),
            &["1", "phoneMethods", "2"],
        );
        check("GET", "/users/delta()", Some("/users/delta"), &[]);
        check("GET", "/groups/microsoft.graph.delta()", Some("/groups/delta"), &[]);
        let cast = "/directory/deletedItems/microsoft.graph.user";
        check("GET", "/directory/deletedItems/graph.user", Some(cast), &[]);
        check("POST", "/users/1/microsoft.graph.assignLicense", Some("/users/{id}/assignLicense"), &["1"]);
        check("PUT", "/users", None, &[]);
        check("POST", "/users/1/resurrect", None, &[]);
    }

    #[test]
    fn every_route_asks_for_some_permission() {
        assert!(ROUTES.iter().all(|route| !route.roles.is_empty()));
    }
}
