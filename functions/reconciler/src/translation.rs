//! From Graph's words to the domain's.

use domain::ids::ObjectId;
use domain::planner::licenses::Held;
use domain::reconcile::Account;
use graph::UserId;
use graph::model::{LicenseState, ListedUser};

/// An account as the comparison sees it; None if its id is not one.
pub(crate) fn account(user: ListedUser) -> Option<Account> {
    Some(Account {
        id: object_id(&user.id)?,
        is_enabled: user.account_enabled == Some(true),
        is_guest: user.is_guest(),
        is_synchronized: user.on_premises_sync_enabled == Some(true),
        is_located: user.usage_location.is_some(),
        is_licensed: !user.assigned_licenses.is_empty(),
        mark: user.extension.filter(|mark| !mark.is_empty()),
        licenses: user.license_assignment_states.into_iter().filter_map(held).collect(),
        made_at: user.created_date_time,
        signed_in_at: user.sign_in_activity.and_then(|activity| activity.last_successful_sign_in_date_time),
    })
}

/// One source of a license; as the planner reads it (`planner::licenses::held`).
fn held(state: LicenseState) -> Option<Held> {
    let failed = state.state.as_deref() == Some("Error");
    Some(Held {
        sku: state.sku_id.as_str().parse().ok()?,
        by_group: state.assigned_by_group.and_then(|group| group.as_str().parse().ok()),
        disabled_plans: state.disabled_plans.iter().filter_map(|plan| plan.parse().ok()).collect(),
        error: failed.then(|| state.error.unwrap_or_else(|| "Other".into())),
    })
}

/// The id of an object.
pub(crate) fn object_id(id: &UserId) -> Option<ObjectId> {
    id.as_str().parse().ok()
}
