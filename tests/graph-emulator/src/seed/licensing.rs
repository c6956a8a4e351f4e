//! Products and who holds them.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::{Checked, fault, list, object};
use crate::entity::{Assignment, Product, Standing};
use crate::history::View;
use crate::ids::{Guid, guid};
use crate::licenses;
use crate::state::{Sku, State};

/// A row of Microsoft's "Product names and service plan identifiers".
struct Known {
    part_number: &'static str,
    plans: Vec<(Guid, &'static str)>,
}

/// The products of the table, by SKU id. Fields are never quoted in the columns that are read.
fn table() -> &'static HashMap<Guid, Known> {
    static TABLE: OnceLock<HashMap<Guid, Known>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table: HashMap<Guid, Known> = HashMap::new();
        for line in include_str!("../../data/license-skus.csv").lines().skip(1) {
            let mut fields = line.split(',');
            let (Some(part_number), Some(sku)) = (fields.next(), fields.next().and_then(guid)) else { continue };
            // A product's own name may hold a comma; the plan's id is the only other GUID.
            let rest: Vec<&str> = fields.collect();
            let Some(at) = rest.iter().position(|field| guid(field).is_some()) else { continue };
            let name = at.checked_sub(1).and_then(|before| rest.get(before)).copied().unwrap_or_default();
            let known = table.entry(sku).or_insert(Known { part_number, plans: Vec::new() });
            known.plans.extend(rest.get(at).and_then(|field| guid(field)).map(|id| (id, name)));
        }
        table
    })
}

pub(super) fn plant_skus(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    for (index, item) in list(document, "subscribedSkus")?.iter().enumerate() {
        let path = format!("subscribedSkus[{index}]");
        let mut properties = object(&path, item)?.clone();
        let sku = sku_id(&path, &properties)?;
        if state.skus.contains_key(&sku) {
            return fault(path + ".skuId", "there twice");
        }
        let part_number = table().get(&sku).map_or("UNKNOWN", |known| known.part_number);
        let stated = properties.remove("consumedUnits").and_then(|units| units.as_i64()).unwrap_or(0);
        let tenant = state.tenant_id().to_owned();
        for (name, value) in [
            ("id", json!(format!("{tenant}_{sku}"))),
            ("accountId", json!(tenant)),
            ("accountName", state.organization.get("displayName").cloned().unwrap_or_default()),
            ("skuPartNumber", json!(part_number)),
            ("appliesTo", json!("User")),
            ("capabilityStatus", json!("Enabled")),
            ("subscriptionIds", json!([State::id_of_name(&format!("subscription {sku}")).to_string()])),
        ] {
            properties.entry(name).or_insert(value);
        }
        properties.insert("skuId".into(), json!(sku.to_string()));
        plant_units(&mut properties);
        let plans = plant_plans(&path, sku, &mut properties)?;
        // What is stated is replaced by what is left over once everybody's licenses are planted.
        state.skus.insert(sku, Sku::new(properties, stated, plans));
    }
    Ok(())
}

fn sku_id(path: &str, properties: &Map<String, Value>) -> Checked<Guid> {
    if let Some(id) = properties.get("skuId") {
        return id.as_str().and_then(guid).map_or_else(|| fault(format!("{path}.skuId"), "not a GUID"), Ok);
    }
    let part_number = properties.get("skuPartNumber").and_then(Value::as_str).unwrap_or_default();
    let known = table().iter().find(|(_, known)| known.part_number == part_number).map(|(id, _)| *id);
    known.map_or_else(
        || fault(format!("{path}.skuId"), "missing, and skuPartNumber is not in the table of products"),
        Ok,
    )
}

fn plant_units(properties: &mut Map<String, Value>) {
    let units = properties.entry("prepaidUnits").or_insert_with(|| json!({"enabled": 10}));
    for (name, value) in [("enabled", 0), ("suspended", 0), ("warning", 0), ("lockedOut", 0)] {
        if let Some(units) = units.as_object_mut() {
            units.entry(name).or_insert(json!(value));
        }
    }
}

fn plant_plans(path: &str, sku: Guid, properties: &mut Map<String, Value>) -> Checked<Vec<Guid>> {
    let known = table().get(&sku).map_or(&[][..], |known| &known.plans);
    let plans = properties.entry("servicePlans").or_insert_with(|| {
        known.iter().map(|(id, name)| json!({"servicePlanId": id.to_string(), "servicePlanName": name})).collect()
    });
    let mut ids = Vec::new();
    for (index, plan) in plans.as_array_mut().into_iter().flatten().enumerate() {
        let id = plan.get("servicePlanId").and_then(Value::as_str).and_then(guid);
        let Some(id) = id else { return fault(format!("{path}.servicePlans[{index}].servicePlanId"), "not a GUID") };
        ids.push(id);
        if let Some(plan) = plan.as_object_mut() {
            plan.entry("provisioningStatus").or_insert(json!("Success"));
            plan.entry("appliesTo").or_insert(json!("User"));
        }
    }
    Ok(ids)
}

/// Gives everybody what the seed says they have. A license that one of the user's groups carries is taken as inherited,
/// unless the seed's `licenseAssignmentStates` say otherwise; carriers then license members who have nothing yet.
pub(super) fn settle(state: &mut State, document: &Map<String, Value>) -> Checked<()> {
    let stated: Vec<(Guid, i64)> =
        state.skus.iter_mut().map(|(id, sku)| (*id, std::mem::take(&mut sku.elsewhere))).collect();
    for (index, item) in list(document, "groups")?.iter().enumerate() {
        let path = format!("groups[{index}].assignedLicenses");
        let products = products(state, item, &path)?;
        let name = item.get("id").and_then(Value::as_str).and_then(guid);
        let name = name
            .unwrap_or_else(|| State::id_of_name(item.get("displayName").and_then(Value::as_str).unwrap_or("Group")));
        if !products.is_empty() {
            state.edit_group(name, |group| {
                group.products = products;
                group.processing = Some("ProcessingComplete");
            });
        }
    }
    for name in ["users", "deletedItems"] {
        for (index, item) in list(document, name)?.iter().enumerate() {
            settle_user(state, item, &format!("{name}[{index}]"))?;
        }
    }
    let groups: Vec<Guid> = state.groups.keys().copied().collect();
    for group in groups {
        licenses::inherited::settle_quietly(state, group);
    }
    for (id, stated) in stated {
        if let Some(sku) = state.skus.get_mut(&id) {
            sku.elsewhere = (stated - sku.consumed.current().copied().unwrap_or(0)).max(0);
        }
    }
    Ok(())
}

fn products(state: &State, item: &Value, path: &str) -> Checked<Vec<Product>> {
    let mut products = Vec::new();
    for (index, license) in item.get("assignedLicenses").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let sku = license.as_str().or_else(|| license.get("skuId")?.as_str()).and_then(guid);
        let Some(sku) = sku.filter(|sku| state.skus.contains_key(sku)) else {
            return fault(format!("{path}[{index}].skuId"), "not the id of a subscribed SKU of this seed");
        };
        products.push(Product { sku, disabled: ids(license.get("disabledPlans")) });
    }
    Ok(products)
}

fn ids(list: Option<&Value>) -> Vec<Guid> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).filter_map(guid).collect()
}

fn settle_user(state: &mut State, item: &Value, path: &str) -> Checked<()> {
    let upn = item.get("userPrincipalName").and_then(Value::as_str).unwrap_or_default();
    let id = item.get("id").and_then(Value::as_str).and_then(guid).unwrap_or_else(|| State::id_of_name(upn));
    let at = state.now;
    let mut held: Vec<Assignment> = Vec::new();
    if let Some(states) = item.get("licenseAssignmentStates").and_then(Value::as_array) {
        for (index, license) in states.iter().enumerate() {
            held.push(stated(state, license, &format!("{path}.licenseAssignmentStates[{index}]"))?);
        }
    } else {
        let carriers: Vec<(Guid, Vec<Product>)> = state
            .live_groups(View::PRIMARY)
            .filter(|(_, group)| group.members.contains(&id))
            .map(|(id, group)| (id, group.products.clone()))
            .collect();
        for Product { sku, disabled } in products(state, item, &format!("{path}.assignedLicenses"))? {
            let carrier = carriers.iter().find(|(_, products)| products.iter().any(|product| product.sku == sku));
            held.push(Assignment {
                sku,
                disabled,
                by_group: carrier.map(|(id, _)| *id),
                standing: Standing::Active,
                at,
            });
        }
    }
    if !held.is_empty() {
        licenses::apply(state, id, held);
    }
    Ok(())
}

fn stated(state: &State, license: &Value, path: &str) -> Checked<Assignment> {
    const ERRORS: &[&str] = &[
        "CountViolation",
        "MutuallyExclusiveViolation",
        "DependencyViolation",
        "ProhibitedInUsageLocationViolation",
        "UniquenessViolation",
        "Other",
    ];
    let text = |name: &str| license.get(name).and_then(Value::as_str);
    let Some(sku) = text("skuId").and_then(guid).filter(|sku| state.skus.contains_key(sku)) else {
        return fault(format!("{path}.skuId"), "not the id of a subscribed SKU of this seed");
    };
    let standing = match (text("state"), text("error")) {
        (Some("Error"), error) => {
            Standing::Failed(ERRORS.iter().find(|known| Some(**known) == error).copied().unwrap_or("Other"))
        }
        _ => Standing::Active,
    };
    let by_group = text("assignedByGroup").and_then(guid);
    Ok(Assignment { sku, disabled: ids(license.get("disabledPlans")), by_group, standing, at: state.now })
}
