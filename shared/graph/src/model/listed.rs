//! Users and members as a listing of the whole tenant needs them: little, and read fast.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{AssignedLicense, LicenseState};
use crate::ids::UserId;

/// A user with what a comparison of the whole tenant looks at.
///
/// Read by hand: the name of our extension is known to the policy only, and what serde offers for unknown names buffers every
/// object once more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedUser {
    /// The object id.
    pub id: UserId,
    /// Whether the account can sign in.
    pub account_enabled: Option<bool>,
    /// `Member` or `Guest`.
    pub user_type: Option<String>,
    /// Two letters; no license without it.
    pub usage_location: Option<String>,
    /// Mastered in an on-premises directory.
    pub on_premises_sync_enabled: Option<bool>,
    /// When it was made.
    pub created_date_time: Option<Timestamp>,
    /// What it is licensed with, from whatever source.
    pub assigned_licenses: Vec<AssignedLicense>,
    /// Each source of a license, and how it stands.
    pub license_assignment_states: Vec<LicenseState>,
    /// When somebody signed in; only if it was asked for.
    pub sign_in_activity: Option<SignInActivity>,
    /// The text of the one directory extension that was selected.
    pub extension: Option<String>,
}

/// When somebody signed in (`signInActivity`); needs Entra P1 and `AuditLog.Read.All`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignInActivity {
    /// The date to rely on: the older two count failed attempts as well ("signInActivity resource type").
    pub last_successful_sign_in_date_time: Option<Timestamp>,
}

/// A member by its id alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Member {
    /// The object id.
    pub id: UserId,
}

impl ListedUser {
    /// The properties to select besides the extension; the sign-in activity is another matter.
    pub const PROPERTIES: &[&str] = &[
        "id",
        "accountEnabled",
        "userType",
        "usageLocation",
        "onPremisesSyncEnabled",
        "createdDateTime",
        "assignedLicenses",
        "licenseAssignmentStates",
    ];

    /// The property that tells of sign-ins.
    pub const SIGN_IN_ACTIVITY: &str = "signInActivity";

    /// A guest.
    pub fn is_guest(&self) -> bool {
        self.user_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("Guest"))
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for ListedUser {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Properties)
    }
}

struct Properties;

impl<'de> Visitor<'de> for Properties {
    type Value = ListedUser;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ListedUser, A::Error> {
        let mut user = ListedUser::default();
        while let Some(Name(name)) = map.next_key()? {
            match &*name {
                "id" => user.id = map.next_value()?,
                "accountEnabled" => user.account_enabled = map.next_value()?,
                "userType" => user.user_type = map.next_value()?,
                "usageLocation" => user.usage_location = map.next_value()?,
                "onPremisesSyncEnabled" => user.on_premises_sync_enabled = map.next_value()?,
                "createdDateTime" => user.created_date_time = map.next_value()?,
                "assignedLicenses" => user.assigned_licenses = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "licenseAssignmentStates" => {
                    user.license_assignment_states = map.next_value::<Option<_>>()?.unwrap_or_default();
                }
                "signInActivity" => user.sign_in_activity = map.next_value()?,
                name if name.starts_with("extension_") => user.extension = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::SkuId;

    #[test]
    fn a_listed_user_is_read_from_all_that_is_selected() {
        let user: ListedUser = serde_json::from_value(json!({
            "@odata.id": "x", "id": "u1", "accountEnabled": false, "userType": "guest", "usageLocation": null,
            "createdDateTime": "2025-12-01T08:15:30Z", "onPremisesSyncEnabled": true,
            "assignedLicenses": [{"skuId": "s", "disabledPlans": null}],
            "licenseAssignmentStates": [{"skuId": "s", "assignedByGroup": "g", "state": "Error", "error": "CountViolation"}],
            "signInActivity": {"lastSignInDateTime": "2026-01-01T00:00:00Z", "lastSuccessfulSignInDateTime": null},
            "extension_00_joineryPerson": "hr:1",
        }))
        .unwrap();
        assert!(user.is_guest() && user.account_enabled == Some(false) && user.usage_location.is_none());
        assert_eq!(user.assigned_licenses[0].sku_id, SkuId::from("s"));
        assert_eq!(user.license_assignment_states[0].error.as_deref(), Some("CountViolation"));
        assert_eq!((user.extension.as_deref(), user.sign_in_activity), (Some("hr:1"), Some(SignInActivity::default())));
    }

    #[test]
    fn every_listed_property_is_one_that_is_read() {
        let sign_ins = [ListedUser::SIGN_IN_ACTIVITY];
        for property in ListedUser::PROPERTIES.iter().chain(&sign_ins).filter(|property| **property != "id") {
            let object = json!({"id": "u", *property: 7});
            assert!(serde_json::from_value::<ListedUser>(object).is_err(), "{property} is selected but not read");
        }
    }

    #[test]
    fn what_is_null_or_left_out_is_empty() {
        let nothing: ListedUser = serde_json::from_value(json!({"id": "u", "assignedLicenses": null})).unwrap();
        assert_eq!(nothing, ListedUser { id: "u".into(), ..ListedUser::default() });
    }
}
