//! A user as Graph returns it.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::null_as_default;
use crate::ids::{GroupId, SkuId, UserId};

/// A user. Without `$select` Graph fills only a dozen of these; [`User::PROPERTIES`] asks for all.
///
/// Names are Graph's, in snake case; docstrings stand where the name does not say it all.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "where a field has no docstring, Graph's own name says it")]
pub struct User {
    /// The object id.
    pub id: UserId,
    /// Whether the account can sign in.
    pub account_enabled: Option<bool>,
    pub display_name: Option<String>,
    pub given_name: Option<String>,
    pub surname: Option<String>,
    /// `local@domain`; of a deleted user the hex digits of its id stand in front.
    pub user_principal_name: Option<String>,
    /// The primary mail address.
    pub mail: Option<String>,
    /// The mail alias.
    pub mail_nickname: Option<String>,
    pub job_title: Option<String>,
    pub department: Option<String>,
    pub company_name: Option<String>,
    /// `physicalDeliveryOfficeName` in membership rules.
    pub office_location: Option<String>,
    /// At most 16 characters.
    pub employee_id: Option<String>,
    /// Free text: `Employee`, `Contractor`, …
    pub employee_type: Option<String>,
    pub employee_hire_date: Option<Timestamp>,
    pub employee_org_data: Option<OrgData>,
    /// Two letters, ISO 3166-1; no license without it.
    pub usage_location: Option<String>,
    /// Free text, not tied to the usage location.
    pub country: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    pub street_address: Option<String>,
    /// `mobile` in membership rules.
    pub mobile_phone: Option<String>,
    /// At most one; `telephoneNumber` in membership rules.
    #[serde(deserialize_with = "null_as_default")]
    pub business_phones: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub other_mails: Vec<String>,
    /// With their `SMTP:` (primary) or `smtp:` prefix.
    #[serde(deserialize_with = "null_as_default")]
    pub proxy_addresses: Vec<String>,
    pub preferred_language: Option<String>,
    /// `Member` or `Guest`.
    pub user_type: Option<String>,
    /// How the account came to be: `Invitation` for guests, null for those made here.
    pub creation_type: Option<String>,
    /// Of guests: `PendingAcceptance` or `Accepted`.
    pub external_user_state: Option<String>,
    /// `true`: synchronized now, read-only here; `false`: was once; none: never.
    pub on_premises_sync_enabled: Option<bool>,
    /// `extensionAttribute1` to `extensionAttribute15`.
    #[serde(deserialize_with = "null_as_default")]
    pub on_premises_extension_attributes: BTreeMap<String, Option<String>>,
    /// `None`, `DisableStrongPassword`, `DisablePasswordExpiration`, or the last two joined by `, `.
    pub password_policies: Option<String>,
    pub created_date_time: Option<Timestamp>,
    /// Only of a user read from the deleted items.
    pub deleted_date_time: Option<Timestamp>,
    /// Tokens issued before are refused; what a cut reads back.
    pub sign_in_sessions_valid_from_date_time: Option<Timestamp>,
    /// Direct and inherited together, indistinguishable.
    #[serde(deserialize_with = "null_as_default")]
    pub assigned_licenses: Vec<AssignedLicense>,
    /// Tells direct from inherited, and why an assignment failed.
    #[serde(deserialize_with = "null_as_default")]
    pub license_assignment_states: Vec<LicenseState>,
    /// Written minutes after the license; removed plans stay, as `Deleted`.
    #[serde(deserialize_with = "null_as_default")]
    pub assigned_plans: Vec<AssignedPlan>,
    /// Directory extensions, `extension_{appId}_{name}`, among them our anchor.
    #[serde(flatten, deserialize_with = "extensions")]
    pub extensions: BTreeMap<String, Value>,
}

impl User {
    /// Everything above, for `$select`; extensions must be named besides, and `deletedDateTime` comes by itself.
    pub const PROPERTIES: &[&str] = &[
        "id",
        "accountEnabled",
        "displayName",
        "givenName",
        "surname",
        "userPrincipalName",
        "mail",
        "mailNickname",
        "jobTitle",
        "department",
        "companyName",
        "officeLocation",
        "employeeId",
        "employeeType",
        "employeeHireDate",
        "employeeOrgData",
        "usageLocation",
        "country",
        "city",
        "state",
        "postalCode",
        "streetAddress",
        "mobilePhone",
        "businessPhones",
        "otherMails",
        "proxyAddresses",
        "preferredLanguage",
        "userType",
        "creationType",
        "externalUserState",
        "onPremisesSyncEnabled",
        "onPremisesExtensionAttributes",
        "passwordPolicies",
        "createdDateTime",
        "signInSessionsValidFromDateTime",
        "assignedLicenses",
        "licenseAssignmentStates",
        "assignedPlans",
    ];

    /// Mastered in an on-premises directory: its synchronized properties are read-only here.
    pub fn is_synchronized(&self) -> bool {
        self.on_premises_sync_enabled == Some(true)
    }

    /// A guest, who must not be licensed through groups.
    pub fn is_guest(&self) -> bool {
        self.user_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("Guest"))
    }

    /// The user principal name that the account has when it is not deleted. Of a deleted one Graph shows another, for as long as
    /// it is deleted.
    pub fn lasting_name(&self) -> Option<&str> {
        self.user_principal_name.as_deref().map(|name| without_mark_of_deletion(name, self.id.as_str()))
    }

    /// The text of a directory extension.
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.get(name).and_then(Value::as_str)
    }
}

/// A user principal name without the digits of the object's id, which stand in front of a deleted user's ("List deletedItems").
pub fn without_mark_of_deletion<'a>(name: &'a str, id: &str) -> &'a str {
    let digits = id.replace('-', "");
    match name.get(..digits.len()) {
        Some(mark) if mark.eq_ignore_ascii_case(&digits) => name.get(digits.len()..).unwrap_or(name),
        _ => name,
    }
}

/// The id only: everything else is somebody's.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

/// `employeeOrgData`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OrgData {
    /// The division.
    pub division: Option<String>,
    /// The cost center.
    pub cost_center: Option<String>,
}

/// A license the user has, from whatever source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssignedLicense {
    /// The product.
    pub sku_id: SkuId,
    /// Its plans that are off.
    #[serde(deserialize_with = "null_as_default")]
    pub disabled_plans: Vec<String>,
}

/// One source of a license and how it stands (`licenseAssignmentState`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LicenseState {
    /// The product.
    pub sku_id: SkuId,
    /// Its plans that are off.
    #[serde(deserialize_with = "null_as_default")]
    pub disabled_plans: Vec<String>,
    /// The group it comes from; none for a direct assignment.
    pub assigned_by_group: Option<GroupId>,
    /// `Active`, `ActiveWithError`, `Disabled` or `Error`.
    pub state: Option<String>,
    /// `None`, `CountViolation`, `MutuallyExclusiveViolation`, `DependencyViolation`, … and, said in words, `Other`.
    pub error: Option<String>,
    /// When it last changed.
    pub last_updated_date_time: Option<Timestamp>,
}

impl LicenseState {
    /// Whether the license is in force.
    pub fn is_active(&self) -> bool {
        matches!(self.state.as_deref(), Some("Active" | "ActiveWithError"))
    }
}

/// A service plan the user has or had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssignedPlan {
    /// The plan.
    pub service_plan_id: String,
    /// `exchange`, `SharePoint`, …
    pub service: Option<String>,
    /// `Enabled`, `Suspended`, `Deleted`, `Warning` or `LockedOut`.
    pub capability_status: Option<String>,
    /// When it was given.
    pub assigned_date_time: Option<Timestamp>,
}

/// Of all that is left over, only the directory extensions.
fn extensions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Value>, D::Error> {
    let mut rest = BTreeMap::<String, Value>::deserialize(deserializer)?;
    rest.retain(|name, _| name.starts_with("extension_"));
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_name_of_a_deleted_user_is_the_one_it_had_and_will_have() {
        let mut user: User = serde_json::from_value(adele()).unwrap();
        assert_eq!(user.lasting_name(), Some("AdeleV@contoso.example"));
        user.user_principal_name = Some("87D349ED44d743e19a835f2406dee5bdAdeleV@contoso.example".to_owned());
        assert_eq!(user.lasting_name(), Some("AdeleV@contoso.example"));
        user.user_principal_name = None;
        assert_eq!(user.lasting_name(), None);
    }

    fn adele() -> Value {
        json!({
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
            "id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd",
            "displayName": "Adele Vance",
            "userPrincipalName": "AdeleV@contoso.example",
            "accountEnabled": true,
            "businessPhones": ["+1 425 555 0109"],
            "otherMails": null,
            "employeeHireDate": "2026-01-05T00:00:00Z",
            "createdDateTime": "2025-12-01T08:15:30.1234567Z",
            "employeeOrgData": {"division": "Retail", "costCenter": null},
            "onPremisesSyncEnabled": null,
            "onPremisesExtensionAttributes": {"extensionAttribute1": "x", "extensionAttribute2": null},
            "assignedLicenses": [{"skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965", "disabledPlans": []}],
            "licenseAssignmentStates": [{
                "skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965",
                "assignedByGroup": null,
                "state": "Active",
                "error": "None",
            }],
            "extension_00_joineryPerson": "bamboo:1",
            "identityParentId": null,
            "print": {"anything": 1},
        })
    }

    #[test]
    fn a_user_is_read_and_what_is_unknown_is_passed_over() {
        let user: User = serde_json::from_value(adele()).unwrap();
        assert_eq!(user.id.as_str(), "87d349ed-44d7-43e1-9a83-5f2406dee5bd");
        assert_eq!(user.extension("extension_00_joineryPerson"), Some("bamboo:1"));
        assert_eq!(user.extensions.len(), 1);
        assert!(user.other_mails.is_empty());
        assert!(!user.is_synchronized() && !user.is_guest());
        assert!(user.license_assignment_states[0].is_active());
        assert_eq!(user.on_premises_extension_attributes["extensionAttribute2"], None);
    }

    #[test]
    fn nothing_of_a_person_but_the_id_is_printed() {
        let user: User = serde_json::from_value(adele()).unwrap();
        assert_eq!(format!("{user:?}"), "User { id: 87d349ed-44d7-43e1-9a83-5f2406dee5bd, .. }");
    }

    #[test]
    fn every_property_we_select_is_one_we_read() {
        // A value of no property's type: reading fails exactly where the property is known to the model.
        for property in User::PROPERTIES.iter().filter(|property| **property != "id") {
            let object = json!({"id": "u", *property: {"a": {"b": 1}, "division": 1}});
            assert!(serde_json::from_value::<User>(object).is_err(), "{property} is selected but not read");
        }
    }
}
