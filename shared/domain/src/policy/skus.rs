//! Products and their service plans by name and id.
//!
//! An excerpt of Microsoft's table "Product names and service plan identifiers for licensing", copy of July 2026, in
//! `data/license-skus.csv`. Ids are what counts (names repeat); a product that is missing here is named by its id.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::ids::{PlanId, SkuId};

const TABLE: &str = include_str!("../../data/license-skus.csv");

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sku {
    /// Its id.
    pub id: SkuId,
    /// Its part number, such as `SPE_E3`.
    pub part_number: &'static str,
    /// Its name on the price list, such as `Microsoft 365 E3`.
    pub product_name: &'static str,
    /// Its service plans by name.
    pub plans: BTreeMap<&'static str, PlanId>,
}

/// Every known product, in the order of the table.
pub fn all() -> &'static [Sku] {
    static SKUS: LazyLock<Vec<Sku>> = LazyLock::new(|| read(TABLE));
    &SKUS
}

/// The product of this id.
pub fn sku(id: &SkuId) -> Option<&'static Sku> {
    all().iter().find(|sku| sku.id == *id)
}

/// The id of the product with this part number.
pub fn sku_id(part_number: &str) -> Option<SkuId> {
    all().iter().find(|sku| sku.part_number == part_number).map(|sku| sku.id.clone())
}

/// The part number of a product.
pub fn part_number(id: &SkuId) -> Option<&'static str> {
    sku(id).map(|sku| sku.part_number)
}

/// The name of a product on the price list.
pub fn product_name(id: &SkuId) -> Option<&'static str> {
    sku(id).map(|sku| sku.product_name)
}

/// The id of the service plan of this name, whichever product holds it. In the table a name has one id.
pub fn plan_id(name: &str) -> Option<PlanId> {
    all().iter().find_map(|sku| sku.plans.get(name)).cloned()
}

/// The name of a service plan.
pub fn plan_name(id: &PlanId) -> Option<&'static str> {
    all().iter().flat_map(|sku| &sku.plans).find(|(_, plan)| *plan == id).map(|(name, _)| *name)
}

/// A part number that is easily taken for another product's: the product it is, and the part number that was perhaps
/// meant.
pub(super) fn trap(part_number: &str) -> Option<(&'static str, &'static str)> {
    match part_number {
        "O365_BUSINESS_PREMIUM" => Some(("Microsoft 365 Business Standard", "Business Premium is `SPB`")),
        "SPE_F1" => Some(("Microsoft 365 F3", "Microsoft 365 F1 is `M365_F1`")),
        _ => None,
    }
}

/// The part number that an unknown one was probably meant to be: by its spelling, or because it is the product's name.
pub(super) fn meant(unknown: &str) -> Option<&'static str> {
    let name = spoken(unknown);
    let named = all().iter().find(|sku| spoken(sku.product_name) == name).map(|sku| sku.part_number);
    named.or_else(|| super::nearest::nearest(unknown, all().iter().map(|sku| sku.part_number)))
}

/// A product's name as one would say it: `M365_E3` and `Microsoft 365 E3` are the same.
fn spoken(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase());
    let plain: String = letters.collect();
    for (short, long) in [("m365", "microsoft365"), ("o365", "office365")] {
        if let Some(rest) = plain.strip_prefix(short) {
            return format!("{long}{rest}");
        }
    }
    plain
}

fn read(table: &'static str) -> Vec<Sku> {
    let mut skus: Vec<Sku> = Vec::new();
    for row in table.lines().skip(1) {
        let mut cells = row.split(',');
        let mut cell = || cells.next().unwrap_or_default();
        let (part_number, sku, product_name, plan, plan_id) = (cell(), cell(), cell(), cell(), cell());
        // A test proves that every row is well formed; a bad one would only be a product less.
        let (Ok(id), Ok(plan_id)) = (sku.parse::<SkuId>(), plan_id.parse::<PlanId>()) else { continue };
        match skus.iter_mut().find(|sku| sku.id == id) {
            Some(sku) => {
                sku.plans.insert(plan, plan_id);
            }
            None => skus.push(Sku { id, part_number, product_name, plans: BTreeMap::from([(plan, plan_id)]) }),
        }
    }
    skus
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let plans: usize = all().iter().map(|sku| sku.plans.len()).sum();
        assert_eq!(plans, TABLE.lines().count() - 1);
        assert!(TABLE.lines().all(|row| row.split(',').count() == 6));
    }

    #[test]
    fn part_numbers_and_plan_names_are_unambiguous() {
        let numbers: BTreeSet<_> = all().iter().map(|sku| sku.part_number).collect();
        assert_eq!(numbers.len(), all().len());
        for sku in all() {
            for (name, id) in &sku.plans {
                assert_eq!(plan_id(name).as_ref(), Some(id), "{name}");
            }
        }
    }

    #[test]
    fn names_and_ids_lead_to_each_other() {
        let id = sku_id("SPE_E3").unwrap();
        assert_eq!(id.as_str(), "05e9a617-0261-4cee-bb44-138d3ef5d965");
        assert_eq!((part_number(&id), product_name(&id)), (Some("SPE_E3"), Some("Microsoft 365 E3")));
        assert_eq!(plan_id("TEAMS1").unwrap().as_str(), "57ff2da0-773e-42df-b2af-ffb7a2317929");
        assert_eq!(plan_name(&plan_id("TEAMS1").unwrap()), Some("TEAMS1"));
        assert_eq!(sku_id("spe_e3"), None);
    }

    #[test]
    fn a_product_named_by_its_price_list_name_is_understood() {
        for (written, part_number) in [
            ("M365_E3", Some("SPE_E3")),
            ("Microsoft 365 Business Premium", Some("SPB")),
            ("M365_F3", Some("SPE_F1")),
            ("O365_E3", Some("ENTERPRISEPACK")),
            ("spe-e5", Some("SPE_E5")),
            ("NOTHING_LIKE_IT", None),
        ] {
            assert_eq!(meant(written), part_number, "{written}");
        }
    }

    #[test]
    fn a_trap_names_the_product_as_the_table_has_it() {
        for part_number in ["O365_BUSINESS_PREMIUM", "SPE_F1"] {
            let id = sku_id(part_number).unwrap();
            assert_eq!(trap(part_number).map(|(product, _)| product), product_name(&id));
        }
    }
}
