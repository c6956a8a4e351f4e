//! A group, its kind, and whether its members may be changed through Graph.

use serde::Deserialize;

use super::{AssignedLicense, null_as_default};
use crate::ids::GroupId;

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Group {
    /// The object id.
    pub id: GroupId,
    /// What people call it.
    pub display_name: Option<String>,
    /// The mail alias; unique among Microsoft 365 groups only.
    pub mail_nickname: Option<String>,
    /// `Unified`, `DynamicMembership`, both or neither.
    #[serde(deserialize_with = "null_as_default")]
    pub group_types: Vec<String>,
    /// None when the object may not be read: then its kind is unknown.
    pub mail_enabled: Option<bool>,
    /// None when the object may not be read.
    pub security_enabled: Option<bool>,
    /// `true`: mastered in an on-premises directory.
    pub on_premises_sync_enabled: Option<bool>,
    /// Membership of such a group can carry a directory role, and needs a permission that we do not ask for.
    pub is_assignable_to_role: Option<bool>,
    /// Member of an administrative unit with restricted management.
    pub is_management_restricted: Option<bool>,
    /// The rule of a dynamic group.
    pub membership_rule: Option<String>,
    /// `On` or `Paused`.
    pub membership_rule_processing_state: Option<String>,
    /// What members are licensed with; a group that has any is a carrier group. On `$select` only.
    #[serde(deserialize_with = "null_as_default")]
    pub assigned_licenses: Vec<AssignedLicense>,
}

/// What Graph makes of a group by its three flags ("Working with groups in Microsoft Graph").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// Access to resources.
    Security,
    /// A team's group, with a mailbox and a site.
    Microsoft365,
    /// Mastered by Exchange.
    MailEnabledSecurity,
    /// Mastered by Exchange.
    Distribution,
    /// The flags were not there, or fit no kind.
    Unknown,
}

/// Why a group's members cannot be changed by us. Graph would say so too, but late and in the same words as for a
/// missing permission; hence known before any write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RefusesMembers {
    /// Change it on-premises.
    #[error("the group is synchronized from an on-premises directory")]
    Synchronized,
    /// Its members follow from a rule.
    #[error("membership is computed by the directory from a rule")]
    Dynamic,
    /// Change it in Exchange.
    #[error("the group is a mail-enabled security group")]
    MailEnabledSecurity,
    /// Change it in Exchange.
    #[error("the group is a distribution list")]
    Distribution,
    /// Needs `RoleManagement.ReadWrite.Directory`, which would let us make administrators.
    #[error("the group can carry a directory role")]
    RoleAssignable,
    /// An administrative unit reserves it to its own administrators.
    #[error("management of the group is restricted")]
    ManagementRestricted,
    /// We may not see enough of it to know.
    #[error("the kind of the group cannot be read")]
    Unknown,
}

impl Group {
    /// Everything above, for `$select`.
    pub const PROPERTIES: &[&str] = &[
        "id",
        "displayName",
        "mailNickname",
        "groupTypes",
        "mailEnabled",
        "securityEnabled",
        "onPremisesSyncEnabled",
        "isAssignableToRole",
        "isManagementRestricted",
        "membershipRule",
        "membershipRuleProcessingState",
        "assignedLicenses",
    ];

    /// The kind; whether it is also dynamic, synchronized or role-assignable are questions of their own.
    pub fn kind(&self) -> GroupKind {
        match (self.is("Unified"), self.mail_enabled, self.security_enabled) {
            (true, _, _) => GroupKind::Microsoft365,
            (false, Some(false), Some(true)) => GroupKind::Security,
            (false, Some(true), Some(true)) => GroupKind::MailEnabledSecurity,
            (false, Some(true), Some(false)) => GroupKind::Distribution,
            _ => GroupKind::Unknown,
        }
    }

    /// Entra itself computes the members.
    pub fn is_dynamic(&self) -> bool {
        self.is("DynamicMembership")
    }

    /// Mastered in an on-premises directory.
    pub fn is_synchronized(&self) -> bool {
        self.on_premises_sync_enabled == Some(true)
    }

    /// Licenses are assigned to its members. Only true if `assignedLicenses` was selected.
    pub fn carries_licenses(&self) -> bool {
        !self.assigned_licenses.is_empty()
    }

    /// Why members cannot be added or removed, if they cannot. The reason that someone can act on comes first.
    pub fn refuses_members(&self) -> Option<RefusesMembers> {
        if self.is_synchronized() {
            return Some(RefusesMembers::Synchronized);
        }
        if self.is_dynamic() {
            return Some(RefusesMembers::Dynamic);
        }
        match self.kind() {
            GroupKind::MailEnabledSecurity => Some(RefusesMembers::MailEnabledSecurity),
            GroupKind::Distribution => Some(RefusesMembers::Distribution),
            GroupKind::Unknown => Some(RefusesMembers::Unknown),
            GroupKind::Security | GroupKind::Microsoft365 if self.is_assignable_to_role == Some(true) => {
                Some(RefusesMembers::RoleAssignable)
            }
            GroupKind::Security | GroupKind::Microsoft365 if self.is_management_restricted == Some(true) => {
                Some(RefusesMembers::ManagementRestricted)
            }
            GroupKind::Security | GroupKind::Microsoft365 => None,
        }
    }

    fn is(&self, group_type: &str) -> bool {
        self.group_types.iter().any(|t| t.eq_ignore_ascii_case(group_type))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn m8_a_group_that_cannot_be_managed_is_known_before_any_write() {
        let check = |object: Value, kind: GroupKind, refuses: Option<RefusesMembers>| {
            let group: Group = serde_json::from_value(object).unwrap();
            assert_eq!((group.kind(), group.refuses_members()), (kind, refuses), "{group:?}");
        };
        let group = |types: &[&str], mail: bool, security: bool| json!({"id": "g", "groupTypes": types, "mailEnabled": mail, "securityEnabled": security});
        let with = |mut object: Value, name: &str| {
            object[name] = json!(true);
            object
        };
        let security = || group(&[], false, true);

        check(security(), GroupKind::Security, None);
        check(group(&["Unified"], true, false), GroupKind::Microsoft365, None);
        check(group(&["Unified"], true, true), GroupKind::Microsoft365, None);
        check(group(&[], true, true), GroupKind::MailEnabledSecurity, Some(RefusesMembers::MailEnabledSecurity));
        check(group(&[], true, false), GroupKind::Distribution, Some(RefusesMembers::Distribution));
        check(group(&["DynamicMembership"], false, true), GroupKind::Security, Some(RefusesMembers::Dynamic));
        check(
            group(&["DynamicMembership", "Unified"], true, false),
            GroupKind::Microsoft365,
            Some(RefusesMembers::Dynamic),
        );
        check(with(security(), "onPremisesSyncEnabled"), GroupKind::Security, Some(RefusesMembers::Synchronized));
        check(
            with(group(&[], true, false), "onPremisesSyncEnabled"),
            GroupKind::Distribution,
            Some(RefusesMembers::Synchronized),
        );
        check(with(security(), "isAssignableToRole"), GroupKind::Security, Some(RefusesMembers::RoleAssignable));
        check(
            with(security(), "isManagementRestricted"),
            GroupKind::Security,
            Some(RefusesMembers::ManagementRestricted),
        );
        check(json!({"id": "g", "displayName": null}), GroupKind::Unknown, Some(RefusesMembers::Unknown));
    }
}
