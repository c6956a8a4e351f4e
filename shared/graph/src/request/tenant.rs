//! The tenant: its organization and domains, its deleted items, its invitations.

use serde_json::{Map, Value, json};

use super::{Request, segment, users::list};
use crate::{filter::Filter, ids::UserId};

/// The organization; a list of one.
pub fn organization() -> Request {
    Request::get("/organization", "/organization".into())
}

/// The domains of the tenant, verified or not.
pub fn domains() -> Request {
    Request::get("/domains", "/domains".into())
}

/// A page of deleted users. The cast is required: the bare list is not supported ("List deleted items").
pub fn deleted_users(properties: &[&str], filter: Option<&Filter>, top: u16) -> Request {
    list("/directory/deletedItems/microsoft.graph.user", properties, filter, top)
}

/// One deleted user. Unlike the list, the single item wants no cast ("Get deleted item").
pub fn deleted_user(id: &UserId, properties: &[&str]) -> Request {
    let path = format!("/directory/deletedItems/{}", segment(id.as_str()));
    Request::get("/directory/deletedItems/{id}", path).select(properties)
}

/// Brings a deleted user back, licenses and all, if need be under another name ("Restore deleted item").
pub fn restore_user(id: &UserId, new_upn: Option<&str>) -> Request {
    let body = match new_upn {
        Some(upn) => json!({ "newUserPrincipalName": upn }),
        None => Value::Object(Map::new()),
    };
    let path = format!("/directory/deletedItems/{}/restore", segment(id.as_str()));
    Request::post("/directory/deletedItems/{id}/restore", path, body).grants()
}

/// Invites an outside person as guest; the user object exists at once ("Create invitation").
pub fn invite(address: &str, display_name: &str, redirect_url: &str, send_message: bool) -> Request {
    let body = json!({
        "invitedUserEmailAddress": address,
        "invitedUserDisplayName": display_name,
        "inviteRedirectUrl": redirect_url,
        "sendInvitationMessage": send_message,
        "invitedUserType": "Guest",
    });
    Request::post("/invitations", "/invitations".into(), body).grants()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::check, *};

    #[test]
    fn deleted_users_are_listed_and_restored() {
        check(
            &deleted_users(&["id"], None, 5_000),
            "GET /directory/deletedItems/microsoft.graph.user?$select=id&$top=999",
            None,
        );
        check(
            &restore_user(&UserId::from("u"), Some("zoe2@contoso.example")),
            "POST /directory/deletedItems/u/restore",
            Some(json!({"newUserPrincipalName": "zoe2@contoso.example"})),
        );
        check(&restore_user(&UserId::from("u"), None), "POST /directory/deletedItems/u/restore", Some(json!({})));
    }
}
