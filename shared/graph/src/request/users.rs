//! Users: the account itself, its manager, its sessions and its authentication methods.

use std::fmt;

use http::Method;
use serde_json::{Map, Value, json};

use super::{Request, segment};
use crate::{
    filter::Filter,
    ids::UserId,
    limits,
    model::{AuthenticationMethod, MethodKind},
    secret::Secret,
};

/// How a user is addressed in a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum UserKey<'a> {
    /// By object id, the only lasting handle.
    Id(&'a UserId),
    /// By user principal name: for settling a conflict, before an id is known.
    Upn(&'a str),
}

impl<'a> From<&'a UserId> for UserKey<'a> {
    fn from(id: &'a UserId) -> Self {
        Self::Id(id)
    }
}

impl UserKey<'_> {
    fn path(self) -> String {
        match self {
            Self::Id(id) => user(id),
            // "/users/$…" would be read as a system resource: such a name needs the key form ("Get user").
            Self::Upn(upn) if upn.starts_with('$') => {
                format!("/users('{}')", segment(&upn.replace('\'', "''")))
            }
            Self::Upn(upn) => format!("/users/{}", segment(upn)),
        }
    }
}

/// A name is personal data, an id is not.
impl fmt::Debug for UserKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "Id({id})"),
            Self::Upn(_) => f.write_str("Upn(…)"),
        }
    }
}

/// An account to be made. What Graph requires is a field, so that it cannot be forgotten ("Create user").
#[derive(Clone, Debug)]
pub struct NewUser {
    /// `local@domain`, in a verified domain of the tenant.
    pub user_principal_name: String,
    /// At most 256 characters; cannot be cleared later.
    pub display_name: String,
    /// The mail alias, at most 64 characters; not the front part of the UPN, though often equal.
    pub mail_nickname: String,
    /// The first credential; it must be replaced at the first sign-in, always.
    pub password: Secret,
    /// Whether the account can sign in from the first moment. We make accounts disabled.
    pub account_enabled: bool,
    /// Everything else, as Graph names it: the anchor, `usageLocation`, `department`, …
    pub properties: Map<String, Value>,
}

/// One user, with the properties selected (or Graph's few default ones).
pub fn get_user(key: UserKey<'_>, properties: &[&str]) -> Request {
    Request::get("/users/{id}", key.path()).select(properties)
}

/// A page of users.
pub fn users(properties: &[&str], filter: Option<&Filter>, top: u16) -> Request {
    list("/users", properties, filter, top)
}

/// Makes an account. Not repeatable: after a lost answer look the UPN up first. A disabled account gives no access.
pub fn create_user(new: NewUser) -> Request {
    let enabled = new.account_enabled;
    let mut body = new.properties;
    body.insert("accountEnabled".into(), enabled.into());
    body.insert("displayName".into(), new.display_name.into());
    body.insert("mailNickname".into(), new.mail_nickname.into());
    body.insert("userPrincipalName".into(), new.user_principal_name.into());
    body.insert("passwordProfile".into(), password_profile(&new.password));
    let request = Request::post("/users", "/users".into(), Value::Object(body));
    if enabled { request.grants() } else { request }
}

/// Changes properties. Enabling the account is a grant; anything else is a write.
pub fn patch_user(id: &UserId, properties: Map<String, Value>) -> Request {
    let enables = properties.get("accountEnabled") == Some(&Value::Bool(true));
    let request = Request::set(Method::PATCH, "/users/{id}", user(id)).body(Value::Object(properties));
    if enables { request.grants() } else { request }
}

/// Sets a new password that must be replaced at the next sign-in. `passwordProfile` travels alone: it needs a
/// permission of its own, and a PATCH is refused as a whole.
pub fn reset_password(id: &UserId, password: &Secret) -> Request {
    Request::set(Method::PATCH, "/users/{id}", user(id)).body(json!({ "passwordProfile": password_profile(password) }))
}

/// Moves the user to the deleted items, from where it can be restored for 30 days ("Delete user").
pub fn delete_user(id: &UserId) -> Request {
    Request::set(Method::DELETE, "/users/{id}", user(id))
}

/// The user's manager; 404 when there is none.
pub fn get_manager(id: &UserId, properties: &[&str]) -> Request {
    Request::get("/users/{id}/manager", format!("{}/manager", user(id))).select(properties)
}

/// Sets the manager. The reference is a full address, but Graph reads only the path of it, so the public one does.
pub fn set_manager(id: &UserId, manager: &UserId) -> Request {
    Request::set(Method::PUT, "/users/{id}/manager/$ref", format!("{}/manager/$ref", user(id)))
        .body(reference("users", manager.as_str()))
}

/// Takes the manager away.
pub fn remove_manager(id: &UserId) -> Request {
    Request::set(Method::DELETE, "/users/{id}/manager/$ref", format!("{}/manager/$ref", user(id)))
}

/// Who answers for a guest.
pub fn sponsors(id: &UserId, properties: &[&str]) -> Request {
    Request::get("/users/{id}/sponsors", format!("{}/sponsors", user(id))).select(properties)
}

/// Names one more who answers for a guest ("Add sponsor").
pub fn add_sponsor(id: &UserId, sponsor: &UserId) -> Request {
    Request::post(
        "/users/{id}/sponsors/$ref",
        format!("{}/sponsors/$ref", user(id)),
        reference("users", sponsor.as_str()),
    )
}

/// Takes a sponsor away ("Remove sponsor").
pub fn remove_sponsor(id: &UserId, sponsor: &UserId) -> Request {
    let path = format!("{}/sponsors/{}/$ref", user(id), segment(sponsor.as_str()));
    Request::set(Method::DELETE, "/users/{id}/sponsors/{id}/$ref", path)
}

/// Everything the user is in, directly or not: groups, directory roles, administrative units. Without a cast, which would
/// ask the lagging index ("List a user's transitive memberships").
pub fn transitive_member_of(id: &UserId, properties: &[&str]) -> Request {
    Request::get("/users/{id}/transitiveMemberOf", format!("{}/transitiveMemberOf", user(id)))
        .select(properties)
        .query("$top", limits::PAGE_MAX.to_string())
}

/// Ends the user's sessions as of now; sign-in must have been blocked before ("user: revokeSignInSessions").
/// Repeatable: later is as good as now, and a lost answer must not leave a leaver signed in.
pub fn revoke_sessions(id: &UserId) -> Request {
    Request::post("/users/{id}/revokeSignInSessions", format!("{}/revokeSignInSessions", user(id)), json!({}))
        .repeatable()
}

/// The methods the user can sign in with.
pub fn authentication_methods(id: &UserId) -> Request {
    Request::get("/users/{id}/authentication/methods", format!("{}/authentication/methods", user(id)))
}

/// Takes one method away; `None` for those that cannot be: the password, and kinds we do not know the path of.
pub fn delete_authentication_method(id: &UserId, method: &AuthenticationMethod) -> Option<Request> {
    let kind = method.kind();
    let route = match kind {
        MethodKind::Email => "/users/{id}/authentication/emailMethods/{id}",
        MethodKind::Fido2 => "/users/{id}/authentication/fido2Methods/{id}",
        MethodKind::MicrosoftAuthenticator => "/users/{id}/authentication/microsoftAuthenticatorMethods/{id}",
        MethodKind::Phone => "/users/{id}/authentication/phoneMethods/{id}",
        MethodKind::PlatformCredential => "/users/{id}/authentication/platformCredentialMethods/{id}",
        MethodKind::SoftwareOath => "/users/{id}/authentication/softwareOathMethods/{id}",
        MethodKind::TemporaryAccessPass => "/users/{id}/authentication/temporaryAccessPassMethods/{id}",
        MethodKind::WindowsHello => "/users/{id}/authentication/windowsHelloForBusinessMethods/{id}",
        MethodKind::Password | MethodKind::Other => return None,
    };
    let collection = route.rsplit('/').nth(1)?;
    let path = format!("{}/authentication/{collection}/{}", user(id), segment(&method.id));
    Some(Request::set(Method::DELETE, route, path))
}

/// `/users/{id}`.
pub(super) fn user(id: &UserId) -> String {
    format!("/users/{}", segment(id.as_str()))
}

/// A page of any directory list.
pub(super) fn list(route: &'static str, properties: &[&str], filter: Option<&Filter>, top: u16) -> Request {
    let request = Request::get(route, route.into()).select(properties);
    let request = match filter {
        Some(filter) => request.query("$filter", filter.as_str()),
        None => request,
    };
    request.query("$top", top.clamp(1, limits::PAGE_MAX).to_string())
}

/// The body of a `$ref`.
pub(super) fn reference(collection: &str, id: &str) -> Value {
    json!({ "@odata.id": reference_url(collection, id) })
}

/// The address of an object as references name it. It is an identifier, not a place we connect to, hence the public
/// host whatever the base address is.
pub(super) fn reference_url(collection: &str, id: &str) -> String {
    format!("https://graph.microsoft.com/v1.0/{collection}/{}", segment(id))
}

/// Both flags' defaults differ between documents, so the one we mean is always sent.
fn password_profile(password: &Secret) -> Value {
    json!({ "password": password.reveal(), "forceChangePasswordNextSignIn": true })
}

#[cfg(test)]
mod tests {
    use super::{super::tests::check, *};
    use crate::request::Class;

    fn id() -> UserId {
        UserId::from("87d349ed-44d7-43e1-9a83-5f2406dee5bd")
    }

    #[test]
    fn a_user_is_addressed_by_id_or_by_name() {
        check(&get_user(UserKey::Id(&id()), &[]), "GET /users/87d349ed-44d7-43e1-9a83-5f2406dee5bd", None);
        let by_name = |upn: &str, expected: &str| {
            check(&get_user(UserKey::Upn(upn), &["id"]), expected, None);
        };
        by_name("adele@contoso.example", "GET /users/adele@contoso.example?$select=id");
        by_name("a_b.c#EXT#@x.example", "GET /users/a_b.c%23EXT%23@x.example?$select=id");
        by_name("$adele@contoso.example", "GET /users('$adele@contoso.example')?$select=id");
        by_name("pat.o'neil@contoso.example", "GET /users/pat.o%27neil@contoso.example?$select=id");
        by_name("../groups?x=/y", "GET /users/..%2Fgroups%3Fx%3D%2Fy?$select=id");
    }

    #[test]
    fn a_new_user_carries_all_that_graph_requires() {
        let request = create_user(NewUser {
            user_principal_name: "zoe@contoso.example".into(),
            display_name: "Zoë".into(),
            mail_nickname: "zoe".into(),
            password: Secret::new("p"),
            account_enabled: false,
            properties: json!({"usageLocation": "NL"}).as_object().cloned().unwrap(),
        });
        check(
            &request,
            "POST /users",
            Some(json!({
                "accountEnabled": false,
                "displayName": "Zoë",
                "mailNickname": "zoe",
                "userPrincipalName": "zoe@contoso.example",
                "usageLocation": "NL",
                "passwordProfile": {"password": "p", "forceChangePasswordNextSignIn": true},
            })),
        );
        assert_eq!((request.class, request.repeatable), (Class::Write, false));
    }

    #[test]
    fn enabling_is_a_grant_and_disabling_is_not() {
        let set =
            |enabled: bool| patch_user(&id(), json!({"accountEnabled": enabled}).as_object().cloned().unwrap()).class;
        assert_eq!(set(true), Class::Grant);
        assert_eq!(set(false), Class::Write);
    }

    #[test]
    fn the_manager_is_set_by_reference() {
        check(
            &set_manager(&id(), &UserId::from("m")),
            "PUT /users/87d349ed-44d7-43e1-9a83-5f2406dee5bd/manager/$ref",
            Some(json!({"@odata.id": "https://graph.microsoft.com/v1.0/users/m"})),
        );
        check(&remove_manager(&id()), "DELETE /users/87d349ed-44d7-43e1-9a83-5f2406dee5bd/manager/$ref", None);
    }

    #[test]
    fn sponsors_are_named_and_taken_back_by_reference() {
        check(
            &add_sponsor(&UserId::from("g"), &UserId::from("m")),
            "POST /users/g/sponsors/$ref",
            Some(json!({"@odata.id": "https://graph.microsoft.com/v1.0/users/m"})),
        );
        check(&remove_sponsor(&UserId::from("g"), &UserId::from("m")), "DELETE /users/g/sponsors/m/$ref", None);
    }

    #[test]
    fn revoking_may_be_repeated_although_it_is_a_post() {
        let request = revoke_sessions(&id());
        check(&request, "POST /users/87d349ed-44d7-43e1-9a83-5f2406dee5bd/revokeSignInSessions", Some(json!({})));
        assert!(request.repeatable);
    }

    #[test]
    fn each_method_is_deleted_where_its_kind_lives_and_the_password_never() {
        let check = |kind: &str, expected: Option<&str>| {
            let method = AuthenticationMethod::new(&format!("#microsoft.graph.{kind}AuthenticationMethod"), "m1");
            let path = delete_authentication_method(&UserId::from("u"), &method).and_then(|r| r.relative());
            assert_eq!(path.as_deref(), expected);
        };
        check("phone", Some("/users/u/authentication/phoneMethods/m1"));
        check("fido2", Some("/users/u/authentication/fido2Methods/m1"));
        check("windowsHelloForBusiness", Some("/users/u/authentication/windowsHelloForBusinessMethods/m1"));
        check("temporaryAccessPass", Some("/users/u/authentication/temporaryAccessPassMethods/m1"));
        check("password", None);
        check("somethingNew", None);
    }
}
