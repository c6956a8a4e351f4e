//! The ways a user can sign in.

use std::fmt;

use serde::Deserialize;

/// An authentication method. The type is in `@odata.type`; numbers and device names are not read.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthenticationMethod {
    /// Unique among the user's methods of its kind; of phones the same for everybody.
    pub id: String,
    #[serde(rename = "@odata.type")]
    odata_type: String,
    phone_type: Option<String>,
}

/// The kinds of v1.0 ("Microsoft Entra authentication methods API overview").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MethodKind {
    /// For resetting a password only.
    Email,
    /// A security key or passkey.
    Fido2,
    /// The app.
    MicrosoftAuthenticator,
    /// A number.
    Phone,
    /// A Mac's platform credential.
    PlatformCredential,
    /// A one-time code from software.
    SoftwareOath,
    /// A pass for the first sign-in.
    TemporaryAccessPass,
    /// A Windows machine.
    WindowsHello,
    /// The password; it cannot be deleted, only replaced.
    Password,
    /// A kind we do not know how to delete: a task for a human.
    Other,
}

impl AuthenticationMethod {
    /// A method as a list returns it.
    #[cfg(test)]
    pub(crate) fn new(odata_type: &str, id: &str) -> Self {
        Self { id: id.into(), odata_type: odata_type.into(), phone_type: None }
    }

    /// What it is.
    pub fn kind(&self) -> MethodKind {
        match self.odata_type.trim_start_matches("#microsoft.graph.").trim_end_matches("AuthenticationMethod") {
            "email" => MethodKind::Email,
            "fido2" => MethodKind::Fido2,
            "microsoftAuthenticator" => MethodKind::MicrosoftAuthenticator,
            "phone" => MethodKind::Phone,
            "platformCredential" => MethodKind::PlatformCredential,
            "softwareOath" => MethodKind::SoftwareOath,
            "temporaryAccessPass" => MethodKind::TemporaryAccessPass,
            "windowsHelloForBusiness" => MethodKind::WindowsHello,
            "password" => MethodKind::Password,
            _ => MethodKind::Other,
        }
    }
}

impl fmt::Debug for AuthenticationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.kind(), self.id)
    }
}

/// The methods that can be removed, in the order in which Graph lets them go: the mobile number last of the phones,
/// since nobody may have an alternate number without one ("Delete phoneAuthenticationMethod"), and phones after all
/// others, since one of them is usually the default method, which must go last. Which one *is* the default v1.0 does
/// not say; whoever removes them tries a refused default again at the end.
pub fn removal_order(methods: Vec<AuthenticationMethod>) -> Vec<AuthenticationMethod> {
    let mut methods: Vec<_> = methods
        .into_iter()
        .filter(|method| !matches!(method.kind(), MethodKind::Password | MethodKind::Other))
        .collect();
    methods.sort_by_key(|method| (method.kind() == MethodKind::Phone, method.phone_type.as_deref() == Some("mobile")));
    methods
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_mobile_number_goes_last_and_the_password_stays() {
        let methods: Vec<AuthenticationMethod> = serde_json::from_value(json!([
            {"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": "mobile", "phoneType": "mobile",
             "phoneNumber": "+1 555 0100"},
            {"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": "password"},
            {"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": "alternate", "phoneType": "alternateMobile"},
            {"@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "key"},
            {"@odata.type": "#microsoft.graph.tomorrowsAuthenticationMethod", "id": "new"},
        ]))
        .unwrap();
        let printed = format!("{:?}", removal_order(methods));
        assert_eq!(printed, "[Fido2(key), Phone(alternate), Phone(mobile)]");
    }
}
