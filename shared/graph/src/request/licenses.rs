//! Licenses of users, and the products the tenant owns.

use serde_json::json;

use super::{Request, users::user};
use crate::ids::{SkuId, UserId};

/// A product to assign. Plans must be named again on each add: what is not disabled here is enabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// The product.
    pub sku: SkuId,
    /// Service plans (`servicePlanId`) to leave out.
    pub disabled_plans: Vec<String>,
}

/// Adds and removes direct licenses in one atomic call; a swap must be one call, or data is lost between the two.
/// Both arrays are mandatory even when empty ("user: assignLicense").
pub fn assign_license(id: &UserId, add: &[License], remove: &[SkuId]) -> Request {
    let add: Vec<_> =
        add.iter().map(|license| json!({ "skuId": license.sku, "disabledPlans": license.disabled_plans })).collect();
    let grants = !add.is_empty();
    let body = json!({ "addLicenses": add, "removeLicenses": remove });
    let request = Request::post("/users/{id}/assignLicense", format!("{}/assignLicense", user(id)), body);
    if grants { request.grants() } else { request }
}

/// Has Graph work out the user's group-based licenses again. Nothing else does after seats were freed ("Identify and
/// resolve license assignment problems for a group"). Repeatable: it computes what should be.
pub fn reprocess(id: &UserId) -> Request {
    let path = format!("{}/reprocessLicenseAssignment", user(id));
    Request::post("/users/{id}/reprocessLicenseAssignment", path, json!({})).repeatable().grants()
}

/// The products the tenant owns, with their seats.
pub fn subscribed_skus() -> Request {
    Request::get("/subscribedSkus", "/subscribedSkus".into())
}

#[cfg(test)]
mod tests {
    use super::{super::tests::check, *};
    use crate::request::Class;

    #[test]
    fn both_license_arrays_are_always_sent() {
        let add = License { sku: SkuId::from("s1"), disabled_plans: vec!["p1".into()] };
        let request = assign_license(&UserId::from("u"), &[add], &[]);
        check(
            &request,
            "POST /users/u/assignLicense",
            Some(json!({
                "addLicenses": [{"skuId": "s1", "disabledPlans": ["p1"]}],
                "removeLicenses": [],
            })),
        );
        assert_eq!(request.class, Class::Grant);

        let request = assign_license(&UserId::from("u"), &[], &[SkuId::from("s2")]);
        check(&request, "POST /users/u/assignLicense", Some(json!({"addLicenses": [], "removeLicenses": ["s2"]})));
        assert_eq!(request.class, Class::Write);
    }
}
