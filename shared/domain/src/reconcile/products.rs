//! What the tenant owns: seats by product, and which product brings another one along.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{ObjectId, PlanId, SkuId};
use crate::planner::licenses::Held;

/// The seats of a product, with who waits for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seats {
    /// The product.
    pub sku: SkuId,
    /// Its part number.
    pub name: String,
    /// Bought and paid.
    pub owned: i64,
    /// Expired, usable in the time of grace.
    pub warning: i64,
    /// Expired, not assignable.
    pub suspended: i64,
    /// Taken.
    pub consumed: i64,
    /// Can still be assigned; negative when more are taken than there are.
    pub free: i64,
    /// How many people wait for one.
    pub waiting: u64,
}

/// A product as the tenant owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its seats.
    pub seats: Seats,
    /// The service plans that users get with it.
    pub plans: BTreeSet<PlanId>,
}

/// Everything the tenant owns, and which groups carry licenses for us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Products {
    owned: BTreeMap<SkuId, Product>,
    carriers: BTreeSet<ObjectId>,
    /// Products all of whose plans are in another one.
    within: Vec<(SkuId, SkuId)>,
}

impl Products {
    /// Sorts out what contains what.
    pub fn new(products: impl IntoIterator<Item = Product>, carriers: BTreeSet<ObjectId>) -> Self {
        let owned: BTreeMap<_, _> = products.into_iter().map(|product| (product.seats.sku.clone(), product)).collect();
        let mut within = Vec::new();
        for (sku, product) in &owned {
            let larger = owned.iter().filter(|(other, larger)| {
                // Of two with the same plans one is enough: the later in the order of ids is the spare one.
                let is_larger = larger.plans.len() > product.plans.len() || *other < sku;
                *other != sku && is_larger && product.plans.is_subset(&larger.plans)
            });
            if !product.plans.is_empty() {
                within.extend(larger.map(|(other, _)| (sku.clone(), other.clone())));
            }
        }
        Self { owned, carriers, within }
    }

    /// The seats by product.
    pub fn seats(&self) -> impl Iterator<Item = &Seats> {
        self.owned.values().map(|product| &product.seats)
    }

    /// The seats, to note who waits.
    pub fn seats_mut(&mut self) -> impl Iterator<Item = &mut Seats> {
        self.owned.values_mut().map(|product| &mut product.seats)
    }

    /// How many seats can still be assigned; none of what the tenant does not own.
    pub fn free(&self, sku: &SkuId) -> i64 {
        self.owned.get(sku).map_or(0, |product| product.seats.free)
    }

    /// The part number, or the id where the tenant does not own it.
    pub fn name<'a>(&'a self, sku: &'a SkuId) -> &'a str {
        self.owned.get(sku).map_or(sku.as_str(), |product| &product.seats.name)
    }

    /// Whether a group carries licenses for us.
    pub fn is_carrier(&self, group: &ObjectId) -> bool {
        self.carriers.contains(group)
    }

    /// Which of the licenses held bring nothing that another one held does not bring, with that one. Plans that are off count on
    /// neither side.
    pub fn overlaps(&self, held: &[Held]) -> Vec<(SkuId, SkuId)> {
        if held.len() < 2 {
            return Vec::new();
        }
        let find = |sku: &SkuId| held.iter().find(|held| held.sku == *sku && held.error.is_none());
        let mut found: Vec<(SkuId, SkuId)> = Vec::new();
        for (small, large) in &self.within {
            let (Some(spare), Some(other)) = (find(small), find(large)) else { continue };
            let brings = |held: &Held, plan: &PlanId| !held.disabled_plans.contains(plan);
            let plans = self.owned.get(small).into_iter().flat_map(|product| &product.plans);
            let is_spare = plans.into_iter().filter(|plan| brings(spare, plan)).all(|plan| brings(other, plan));
            if is_spare && found.iter().all(|(known, _)| known != small) {
                found.push((small.clone(), large.clone()));
            }
        }
        found
    }
}
