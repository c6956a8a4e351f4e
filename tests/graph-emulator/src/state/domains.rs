//! What the tenant says about itself: its id, domains, location and extension properties.

use serde_json::Value;

use super::State;

impl State {
    pub(crate) fn tenant_id(&self) -> &str {
        self.organization.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a domain belongs to the tenant and is verified.
    pub(crate) fn verified(&self, domain: &str) -> bool {
        self.domains.iter().any(|own| {
            own.get("isVerified") == Some(&Value::Bool(true))
                && own.get("id").and_then(Value::as_str).is_some_and(|id| id.eq_ignore_ascii_case(domain))
        })
    }

    /// The domain the tenant was made with: guests' principal names end in it.
    pub(crate) fn initial_domain(&self) -> &str {
        let initial = self.domains.iter().find(|domain| domain.get("isInitial") == Some(&Value::Bool(true)));
        initial
            .or(self.domains.last())
            .and_then(|domain| domain.get("id")?.as_str())
            .unwrap_or("tenant.onmicrosoft.com")
    }

    /// Where new addresses go.
    pub(crate) fn default_domain(&self) -> &str {
        let default = self.domains.iter().find(|domain| domain.get("isDefault") == Some(&Value::Bool(true)));
        default
            .or(self.domains.first())
            .and_then(|domain| domain.get("id")?.as_str())
            .unwrap_or("tenant.onmicrosoft.com")
    }

    /// Where group licensing places members without a location of their own.
    pub(crate) fn tenant_location(&self) -> Option<&str> {
        let text = |name| self.organization.get(name).and_then(Value::as_str);
        text("defaultUsageLocation").or_else(|| text("countryLetterCode"))
    }

    /// Whether a directory extension property may be used.
    pub(crate) fn extension_exists(&self, name: &str) -> bool {
        crate::properties::is_extension(name)
            && (self.any_extension || self.extensions.iter().any(|extension| extension.name == name))
    }
}
