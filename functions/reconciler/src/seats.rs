//! What the tenant owns, who waits for it, and who can be served.

use domain::ids::PersonId;
use domain::reconcile::products::Product;
use domain::reconcile::{Products, Seats};

use crate::{App, Trouble};

/// Everything the tenant owns that users can have, with how many wait for it. Products that nobody owns have no seats to wait for.
pub async fn products(app: &App) -> Result<Products, Trouble> {
    let skus = app.graph.subscribed_skus().await?;
    let owned = skus.into_iter().filter(graph::SubscribedSku::is_for_users).filter_map(product);
    let carriers = app.policy.carriers().into_iter().cloned().collect();
    let mut products = Products::new(owned, carriers);
    for seats in products.seats_mut() {
        let line = app.lines.line(&seats.sku).await?;
        seats.waiting = u64::try_from(line.waiting().len()).unwrap_or(u64::MAX);
    }
    Ok(products)
}

/// The first of those who wait for a seat of the product, as many as there are seats. Whoever was called to ask again need not be woken; who
/// of them gets a seat the line decides when they ask.
pub(crate) async fn served(app: &App, seats: &Seats) -> Result<Vec<PersonId>, Trouble> {
    let free = usize::try_from(seats.free).unwrap_or(0);
    if free == 0 || seats.waiting == 0 {
        return Ok(Vec::new());
    }
    let line = app.lines.line(&seats.sku).await?;
    let first = line.waiting().iter().take(free).filter(|waiting| !waiting.is_called);
    Ok(first.map(|waiting| waiting.person.clone()).collect())
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
