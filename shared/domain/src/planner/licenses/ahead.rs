//! What a joiner will need, before there is an account to look at.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rules::Context;
use serde_json::{Map, Value, json};

use crate::ids::SkuId;
use crate::planner::View;

/// How long after the first day a seat is kept for somebody who has not taken it.
const KEPT_AFTER_START: SignedDuration = SignedDuration::from_hours(24 * 7);

/// The products the packages will give, directly or by a group, once the account is there and can be signed in to; each with the most
/// urgent priority. Rules that look at what only the tenant knows (groups, plans) say no yet.
pub fn to_come(view: &View<'_>) -> BTreeMap<SkuId, u32> {
    let Ok(desired) = &view.attributes else { return BTreeMap::new() };
    if view.standing.is_cut() {
        return BTreeMap::new();
    }
    let mut user: Map<String, Value> = desired.clone().into_iter().collect();
    user.insert("accountEnabled".into(), json!(true));
    let set = view.policy.rules.set();
    let user = Value::Object(user);
    let matches = set.evaluate(&set.facts(&user), Context::from(view.now));
    let mut products = BTreeMap::new();
    for (_, package) in view.policy.packages.iter().enumerate().filter(|(place, _)| matches.contains(*place)) {
        for license in &package.licenses {
            let priority = products.entry(license.sku.clone()).or_insert(package.priority);
            *priority = package.priority.min(*priority);
        }
    }
    products
}

/// Until when seats of a joiner are kept.
pub fn kept_until(view: &View<'_>) -> Timestamp {
    let midnight = view.standing.start.and_then(|day| day.to_zoned(view.standing.zone.clone()).ok());
    let from = midnight.map_or(view.now, |start| start.timestamp().max(view.now));
    from.saturating_add(KEPT_AFTER_START).unwrap_or(Timestamp::MAX)
}
