//! Which properties there are. Directory name, Graph name, kind.

use super::Kind::{self, Boolean, Date, Groups, Plans, Text, Texts};

/// One row: directory name, Graph name, kind.
pub(super) type Row = (&'static str, &'static str, Kind);

/// "Manage rules for dynamic membership groups", supported properties of users. `sipProxyAddress` has no namesake in
/// Graph, which shows the same addresses as `imAddresses`. `agentIdentityBlueprintId` and `identityParentId` are what
/// the page (August 2026) means where it says that agents' accounts can be told apart; the portal offers the first,
/// `evaluateDynamicMembership` takes both.
pub(super) const USER: [Row; 36] = [
    ("accountEnabled", "accountEnabled", Boolean),
    ("agentIdentityBlueprintId", "agentIdentityBlueprintId", Text),
    ("assignedPlans", "assignedPlans", Plans),
    ("city", "city", Text),
    ("companyName", "companyName", Text),
    ("country", "country", Text),
    ("department", "department", Text),
    ("dirSyncEnabled", "onPremisesSyncEnabled", Boolean),
    ("displayName", "displayName", Text),
    ("employeeHireDate", "employeeHireDate", Date),
    ("employeeId", "employeeId", Text),
    ("facsimileTelephoneNumber", "faxNumber", Text),
    ("givenName", "givenName", Text),
    ("identityParentId", "identityParentId", Text),
    ("jobTitle", "jobTitle", Text),
    ("mail", "mail", Text),
    ("mailNickName", "mailNickname", Text),
    ("memberOf", "memberOf", Groups),
    ("mobile", "mobilePhone", Text),
    ("objectId", "id", Text),
    ("onPremisesDistinguishedName", "onPremisesDistinguishedName", Text),
    ("onPremisesSecurityIdentifier", "onPremisesSecurityIdentifier", Text),
    ("otherMails", "otherMails", Texts),
    ("passwordPolicies", "passwordPolicies", Text),
    ("physicalDeliveryOfficeName", "officeLocation", Text),
    ("postalCode", "postalCode", Text),
    ("preferredLanguage", "preferredLanguage", Text),
    ("proxyAddresses", "proxyAddresses", Texts),
    ("sipProxyAddress", "imAddresses", Text),
    ("state", "state", Text),
    ("streetAddress", "streetAddress", Text),
    ("surname", "surname", Text),
    ("telephoneNumber", "businessPhones", Text),
    ("usageLocation", "usageLocation", Text),
    ("userPrincipalName", "userPrincipalName", Text),
    ("userType", "userType", Text),
];

/// The same page, properties of devices. Graph's device resource has most of them under other names;
/// `deviceManufacturer` to
/// `enrollmentProfileName` are read as Graph writes them.
pub(super) const DEVICE: [Row; 19] = [
    ("accountEnabled", "accountEnabled", Boolean),
    ("deviceCategory", "deviceCategory", Text),
    ("deviceId", "deviceId", Text),
    ("deviceManagementAppId", "mdmAppId", Text),
    ("deviceManufacturer", "manufacturer", Text),
    ("deviceModel", "model", Text),
    ("displayName", "displayName", Text),
    ("deviceOSType", "operatingSystem", Text),
    ("deviceOSVersion", "operatingSystemVersion", Text),
    ("deviceOwnership", "deviceOwnership", Text),
    ("devicePhysicalIds", "physicalIds", Texts),
    ("deviceTrustType", "trustType", Text),
    ("enrollmentProfileName", "enrollmentProfileName", Text),
    ("isRooted", "isRooted", Boolean),
    ("managementType", "managementType", Text),
    ("memberOf", "memberOf", Groups),
    ("objectId", "id", Text),
    ("profileType", "profileType", Text),
    ("systemLabels", "systemLabels", Texts),
];

/// What else Graph's user resource has that a rule could ask: the extended dialect's. A nested property is named with
/// its parent.
pub(super) const EXTENDED: [Row; 33] = [
    ("ageGroup", "ageGroup", Text),
    ("birthday", "birthday", Date),
    ("businessPhones", "businessPhones", Texts),
    ("consentProvidedForMinor", "consentProvidedForMinor", Text),
    ("createdDateTime", "createdDateTime", Date),
    ("creationType", "creationType", Text),
    ("deletedDateTime", "deletedDateTime", Date),
    ("employeeLeaveDateTime", "employeeLeaveDateTime", Date),
    ("employeeOrgData.costCenter", "employeeOrgData.costCenter", Text),
    ("employeeOrgData.division", "employeeOrgData.division", Text),
    ("employeeType", "employeeType", Text),
    ("externalUserState", "externalUserState", Text),
    ("externalUserStateChangeDateTime", "externalUserStateChangeDateTime", Date),
    ("hireDate", "hireDate", Date),
    ("imAddresses", "imAddresses", Texts),
    ("isManagementRestricted", "isManagementRestricted", Boolean),
    ("isResourceAccount", "isResourceAccount", Boolean),
    ("lastPasswordChangeDateTime", "lastPasswordChangeDateTime", Date),
    ("legalAgeGroupClassification", "legalAgeGroupClassification", Text),
    ("manager.id", "manager.id", Text),
    ("onPremisesDomainName", "onPremisesDomainName", Text),
    ("onPremisesImmutableId", "onPremisesImmutableId", Text),
    ("onPremisesLastSyncDateTime", "onPremisesLastSyncDateTime", Date),
    ("onPremisesSamAccountName", "onPremisesSamAccountName", Text),
    ("onPremisesUserPrincipalName", "onPremisesUserPrincipalName", Text),
    ("preferredDataLocation", "preferredDataLocation", Text),
    ("preferredName", "preferredName", Text),
    ("securityIdentifier", "securityIdentifier", Text),
    ("showInAddressList", "showInAddressList", Boolean),
    ("signInActivity.lastNonInteractiveSignInDateTime", "signInActivity.lastNonInteractiveSignInDateTime", Date),
    ("signInActivity.lastSignInDateTime", "signInActivity.lastSignInDateTime", Date),
    ("signInActivity.lastSuccessfulSignInDateTime", "signInActivity.lastSuccessfulSignInDateTime", Date),
    ("signInSessionsValidFromDateTime", "signInSessionsValidFromDateTime", Date),
];

/// Names that lead to no property of their own in any dialect, and what to say of them.
pub(super) const UNUSABLE: [(&str, &str); 6] = [
    (
        "manager",
        "a rule for the reports of one manager is `Direct Reports for \"…\"`; the extended dialect has `user.manager.id`",
    ),
    (
        "employeeOrgData",
        "the extended dialect has `user.employeeOrgData.division` and `user.employeeOrgData.costCenter`",
    ),
    ("signInActivity", "the extended dialect has `user.signInActivity.lastSignInDateTime`"),
    ("customSecurityAttributes", "Entra does not offer `customSecurityAttributes` to dynamic membership rules"),
    ("assignedLicenses", "Entra's rules see licenses through their service plans: `user.assignedPlans -any (…)`"),
    ("organizationalUnit", "Entra no longer recognizes `organizationalUnit`"),
];

/// What people call a property that is called otherwise.
pub(super) const SYNONYMS: [(&str, &str); 17] = [
    ("title", "jobTitle"),
    ("firstName", "givenName"),
    ("lastName", "surname"),
    ("familyName", "surname"),
    ("sn", "surname"),
    ("name", "displayName"),
    ("upn", "userPrincipalName"),
    ("email", "mail"),
    ("emailAddress", "mail"),
    ("alias", "mailNickName"),
    ("company", "companyName"),
    ("office", "physicalDeliveryOfficeName"),
    ("phone", "telephoneNumber"),
    ("zip", "postalCode"),
    ("zipCode", "postalCode"),
    ("enabled", "accountEnabled"),
    ("employeeNumber", "employeeId"),
];
