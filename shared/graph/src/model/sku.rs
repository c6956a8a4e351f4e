//! The products a tenant owns and their seats.

use serde::Deserialize;

use super::null_as_default;
use crate::ids::SkuId;

/// A product the tenant has a subscription to (`subscribedSku`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubscribedSku {
    /// `{tenantId}_{skuId}`.
    pub id: String,
    /// The product.
    pub sku_id: SkuId,
    /// `SPE_E3`: the name policies use.
    pub sku_part_number: String,
    /// `User` or `Company`; a company's product cannot be assigned.
    pub applies_to: Option<String>,
    /// `Enabled`, `Warning`, `Suspended`, `Deleted` or `LockedOut`.
    pub capability_status: Option<String>,
    /// Seats taken.
    pub consumed_units: i64,
    /// Seats bought, by how the subscription stands.
    pub prepaid_units: PrepaidUnits,
    /// The plans in the product.
    #[serde(deserialize_with = "null_as_default")]
    pub service_plans: Vec<ServicePlan>,
}

/// Seats bought (`licenseUnitsDetail`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PrepaidUnits {
    /// Paid and usable.
    pub enabled: i64,
    /// Expired, still usable in the time of grace.
    pub warning: i64,
    /// Not assignable.
    pub suspended: i64,
    /// Not assignable.
    pub locked_out: i64,
}

/// A plan within a product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePlan {
    /// The plan.
    pub service_plan_id: String,
    /// `EXCHANGE_S_ENTERPRISE`.
    pub service_plan_name: String,
    /// `User` or `Company`.
    pub applies_to: Option<String>,
}

impl SubscribedSku {
    /// Seats nobody sits on. Negative when more are taken than bought, as after restoring users or shrinking a
    /// subscription.
    pub fn free_seats(&self) -> i64 {
        let PrepaidUnits { enabled, warning, .. } = self.prepaid_units;
        enabled.saturating_add(warning).saturating_sub(self.consumed_units)
    }

    /// Whether users can be given it at all.
    pub fn is_for_users(&self) -> bool {
        self.applies_to.as_deref() != Some("Company")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn m13_free_seats_count_grace_and_may_be_negative() {
        let check = |units: serde_json::Value, consumed: i64, free: i64| {
            let sku: SubscribedSku =
                serde_json::from_value(json!({"prepaidUnits": units, "consumedUnits": consumed})).unwrap();
            assert_eq!(sku.free_seats(), free);
        };
        check(json!({"enabled": 25, "warning": 0, "suspended": 0, "lockedOut": 0}), 14, 11);
        check(json!({"enabled": 0, "warning": 10, "suspended": 5}), 4, 6);
        check(json!({"enabled": 3}), 5, -2);
        check(json!({"suspended": 100, "lockedOut": 100}), 0, 0);
    }
}
