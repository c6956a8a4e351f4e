//! What the tenant owns, who waits for it, and who can be served.

use domain::ids::{PersonId, SkuId};
use domain::ports::StoreError;
use domain::reconcile::products::Product;
use domain::reconcile::{Products, Seats};

use crate::{App, Trouble};

/// How many of those who wait for one product are counted and woken; the next run goes on.
const WAITING_MAX: usize = 1_000;

/// Everything the tenant owns that users can have, with how many wait for it. Products that nobody owns have no seats to wait for.
pub async fn products(app: &App) -> Result<Products, Trouble> {
    let skus = app.graph.subscribed_skus().await?;
    let owned = skus.into_iter().filter(graph::SubscribedSku::is_for_users).filter_map(product);
    let carriers = app.policy.carriers().into_iter().cloned().collect();
    let mut products = Products::new(owned, carriers);
    for seats in products.seats_mut() {
        seats.waiting = u64::try_from(waiting(app, &seats.sku, WAITING_MAX).await?.len()).unwrap_or(u64::MAX);
    }
    Ok(products)
}

/// Whoever waits longest for a seat of the product, as many as there are seats.
pub(crate) async fn served(app: &App, seats: &Seats) -> Result<Vec<PersonId>, Trouble> {
    let free = usize::try_from(seats.free).unwrap_or(0).min(WAITING_MAX);
    if free == 0 || seats.waiting == 0 { Ok(Vec::new()) } else { Ok(waiting(app, &seats.sku, free).await?) }
}

async fn waiting(app: &App, sku: &SkuId, limit: usize) -> Result<Vec<PersonId>, StoreError> {
    app.roster.waiting_for(sku, limit).await
}

fn product(sku: graph::SubscribedSku) -> Option<Product> {
    let seats = Seats {
        sku: sku.sku_id.as_str().parse().ok()?,
        owned: sku.prepaid_units.enabled,
        warning: sku.prepaid_units.warning,
        suspended: sku.prepaid_units.suspended.saturating_add(sku.prepaid_units.locked_out),
        consumed: sku.consumed_units,
        free: sku.free_seats(),
        waiting: 0,
        name: sku.sku_part_number,
    };
    // A company's plan comes with the tenant, not with the user's license.
    let of_users = sku.service_plans.iter().filter(|plan| plan.applies_to.as_deref() != Some("Company"));
    let plans = of_users.filter_map(|plan| plan.service_plan_id.parse().ok()).collect();
    Some(Product { seats, plans })
}
