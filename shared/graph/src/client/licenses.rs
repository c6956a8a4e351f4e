//! What we do with licenses.

use super::Client;
use crate::{
    error::Error,
    ids::{SkuId, UserId},
    model::SubscribedSku,
    request::{self, License},
};

impl Client {
    /// Adds and removes direct licenses, all or nothing. Calls for one user are to be serialized: parallel ones conflict.
    pub async fn assign_license(&self, id: &UserId, add: &[License], remove: &[SkuId]) -> Result<(), Error> {
        self.execute(&request::assign_license(id, add, remove)).await
    }

    /// Has Graph work out the user's group-based licenses again; it answers with the true error, if there is one.
    pub async fn reprocess(&self, id: &UserId) -> Result<(), Error> {
        self.execute(&request::reprocess(id)).await
    }

    /// The products the tenant owns. One that cannot be read is left out and logged: it must not stop the others.
    pub async fn subscribed_skus(&self) -> Result<Vec<SubscribedSku>, Error> {
        let mut skus = Vec::new();
        let mut pages = self.pages(request::subscribed_skus());
        while let Some(page) = pages.next().await? {
            for sku in page {
                match sku {
                    Ok(sku) => skus.push(sku),
                    Err(unreadable) => tracing::warn!(%unreadable, "a subscribed SKU is left out"),
                }
            }
        }
        Ok(skus)
    }
}
