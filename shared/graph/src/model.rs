//! What we read of Graph's objects, and no more. Unknown properties are ignored; a property that is absent, null or
//! not selected reads as empty.

mod group;
mod listed;
mod method;
mod sku;
mod user;

pub use group::{Group, GroupKind, RefusesMembers};
pub use listed::{ListedUser, Member, SignInActivity};
pub use method::{AuthenticationMethod, MethodKind, removal_order};
pub use sku::{PrepaidUnits, ServicePlan, SubscribedSku};
pub use user::{AssignedLicense, AssignedPlan, LicenseState, OrgData, User, without_mark_of_deletion};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::ids::UserId;

/// An object of a page that could not be read. The others of its page could: one bad object does not spoil it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("object {} could not be read", .id.as_deref().unwrap_or("without id"))]
pub struct Unreadable {
    /// Its id, if at least that was there.
    pub id: Option<String>,
}

/// Reads one object, keeping of a failure only the id: the reason may quote a value, which may be a person's.
pub(crate) fn read<T: DeserializeOwned>(object: &RawValue) -> Result<T, Unreadable> {
    #[derive(Deserialize)]
    struct Named {
        id: Option<String>,
    }
    serde_json::from_str(object.get())
        .map_err(|_| Unreadable { id: serde_json::from_str::<Named>(object.get()).ok().and_then(|named| named.id) })
}

/// The organization.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Organization {
    /// The tenant's id.
    pub id: String,
    /// Its name.
    pub display_name: Option<String>,
    /// The two-letter country: what group licensing gives to members without a location of their own.
    pub country_letter_code: Option<String>,
    /// Whether users come from an on-premises directory.
    pub on_premises_sync_enabled: Option<bool>,
}

/// A domain of the tenant; its id is its name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Domain {
    /// `contoso.example`.
    pub id: String,
    /// Only a verified domain may stand in a UPN.
    #[serde(deserialize_with = "null_as_default")]
    pub is_verified: bool,
    /// Whether new users get it when nothing is said.
    #[serde(deserialize_with = "null_as_default")]
    pub is_default: bool,
    /// `Managed` or `Federated`; users of a federated domain sign in elsewhere.
    pub authentication_type: Option<String>,
}

/// Something a user is in, of whatever kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Membership {
    /// `#microsoft.graph.group`, `#microsoft.graph.directoryRole`, …
    #[serde(rename = "@odata.type")]
    pub kind: Option<String>,
    /// Of groups: whether directory roles can be given to its members.
    #[serde(deserialize_with = "null_as_default")]
    pub is_assignable_to_role: bool,
}

impl Membership {
    /// Whether it is a directory role, or a group that may give one.
    pub fn is_privileged(&self) -> bool {
        self.is_assignable_to_role || self.kind.as_deref() == Some("#microsoft.graph.directoryRole")
    }
}

/// The answer to an invitation.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// `PendingAcceptance`, `Completed`, `InProgress` or `Error`.
    #[serde(default)]
    pub status: Option<String>,
    /// The guest's user object, which exists already.
    pub invited_user: InvitedUser,
}

/// The guest an invitation made or found.
#[derive(Clone, Debug, Deserialize)]
pub struct InvitedUser {
    /// Its object id.
    pub id: UserId,
}

/// Graph writes null where it means an empty list, for instance where the permission to see it is missing.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_unreadable_object_is_known_by_its_id_alone() {
        let unreadable = |object: Value| {
            let written = serde_json::value::to_raw_value(&object).unwrap();
            read::<User>(&written).unwrap_err().to_string()
        };
        assert_eq!(unreadable(json!({"id": "u1", "displayName": {"secret": "x"}})), "object u1 could not be read");
        assert_eq!(unreadable(json!("nonsense")), "object without id could not be read");
    }
}
