//! Direct licensing: `assignLicense`, `reprocessLicenseAssignment`, `licenseDetails`. Sources: "user: assignLicense",
//! "licenseAssignmentState", "Resolve group license assignment problems"; the texts are from public captures.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::entity::{Assignment, Product, Properties, Standing};
use crate::history::View;
use crate::ids::{Guid, guid};
use crate::refusal::Refusal;
use crate::state::{Sku, State};
use crate::users;
use crate::users::relations::missing_parameter;
use crate::wire::{Answer, Request, Served};

pub(crate) mod inherited;
pub(crate) mod plans;

/// What an `assignLicense` asks for.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub add: Vec<Product>,
    pub remove: Vec<Guid>,
}

/// Why a license cannot be held.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Problem {
    Location,
    Count(Guid),
    Exclusive(Guid, Guid),
    /// A plan, and those of which it needs one.
    Dependency(Guid, Vec<Guid>),
}

impl Problem {
    /// As a caller who asked directly is told.
    pub(crate) fn refusal(&self) -> Refusal {
        Refusal::bad(match self {
            Self::Location => "License assignment cannot be done for user with invalid usage location.".to_owned(),
            Self::Count(sku) => format!("Subscription with SKU {sku} does not have any available licenses."),
            Self::Exclusive(one, other) => {
                format!("License assignment failed because service plan(s) {one}, {other} are mutually exclusive.")
            }
            Self::Dependency(plan, needs) => format!(
                "License assignment failed because service plan {plan} depends on the service plan(s) {}",
                needs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            ),
        })
    }

    /// As `licenseAssignmentStates` tells it.
    pub(crate) fn error(&self) -> &'static str {
        match self {
            Self::Location => "ProhibitedInUsageLocationViolation",
            Self::Count(_) => "CountViolation",
            Self::Exclusive(..) => "MutuallyExclusiveViolation",
            Self::Dependency(..) => "DependencyViolation",
        }
    }
}

/// Reads the body of both `assignLicense` actions.
pub(crate) fn read_change(request: &mut Request<'_>) -> Result<Change, Refusal> {
    let body = request.object()?;
    let list = |name: &str| body.get(name).and_then(Value::as_array);
    let missing: Vec<&str> =
        ["addLicenses", "removeLicenses"].into_iter().filter(|name| list(name).is_none()).collect();
    if !missing.is_empty() {
        return Err(missing_parameter("assignLicense", &missing.join(", ")));
    }
    let id = |value: Option<&Value>| {
        value.and_then(Value::as_str).and_then(guid).ok_or_else(|| {
            Refusal::bad("Cannot convert a primitive value to the expected type 'Edm.Guid'. See the inner exception for more details.")
        })
    };
    let ids = |values: &[Value]| values.iter().map(|value| id(Some(value))).collect::<Result<Vec<Guid>, Refusal>>();
    let mut add = Vec::new();
    for item in list("addLicenses").into_iter().flatten() {
        let disabled = item.get("disabledPlans").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        add.push(Product { sku: id(item.get("skuId"))?, disabled: ids(disabled)? });
    }
    let remove = ids(list("removeLicenses").map_or(&[][..], Vec::as_slice))?;
    if add.is_empty() && remove.is_empty() {
        // msgraph-sdk-powershell issue 3286.
        return Err(Refusal::bad(
            "No license changes provided. At least one license to add or remove must be specified.",
        ));
    }
    Ok(Change { add, remove })
}

/// Whether the tenant has these products, and they may be assigned to people.
pub(crate) fn check_products(state: &State, change: &Change) -> Result<(), Refusal> {
    for sku in change.add.iter().map(|product| &product.sku).chain(&change.remove) {
        let unknown = || Refusal::bad(format!("License {sku} does not correspond to a valid company License."));
        let owned = state.skus.get(sku).ok_or_else(unknown)?;
        if owned.properties.get("appliesTo").is_some_and(|to| to == "Company") {
            return Err(Refusal::bad(format!("License {sku} cannot be assigned to a user.")));
        }
    }
    for product in &change.add {
        let plans = state.skus.get(&product.sku).map(|sku| sku.plans.clone()).unwrap_or_default();
        if product.disabled.iter().any(|plan| !plans.contains(plan)) || change.remove.contains(&product.sku) {
            return Err(Refusal::bad("One or more properties contains invalid values."));
        }
    }
    Ok(())
}

/// `POST /users/{id}/assignLicense`
pub(crate) fn assign(request: &mut Request<'_>) -> Served {
    let change = read_change(request)?;
    let (id, seen) = request.state.find_user(request.view, request.param(0))?;
    // The location is read like anything else: one that was set a moment ago may not have arrived here.
    let located = seen.text("usageLocation").is_some();
    check_products(request.state, &change)?;
    let after = after_change(request.state, id, &change)?;
    if !change.add.is_empty() && !located {
        return Err(Problem::Location.refusal());
    }
    for product in &change.add {
        check_seat(request.state, id, product.sku).map_err(|problem| problem.refusal())?;
    }
    let before = request.state.user(id).map(|user| user.licenses.clone()).unwrap_or_default();
    if let Some(problem) = plans::new_problems(&request.state.skus, &before, &after).first() {
        return Err(problem.refusal());
    }
    apply(request.state, id, after);
    users::answer(request, 200, id)
}

/// The user's licenses once the change is made; the direct ones only, never those from groups.
fn after_change(state: &State, id: Guid, change: &Change) -> Result<Vec<Assignment>, Refusal> {
    let mut after = state.user(id).map(|user| user.licenses.clone()).unwrap_or_default();
    for sku in &change.remove {
        let held = after.len();
        after.retain(|license| license.sku != *sku || license.by_group.is_some());
        if after.len() == held {
            let inherited = after.iter().any(|license| license.sku == *sku);
            return Err(Refusal::bad(if inherited {
                "User license is inherited from a group membership and it cannot be removed directly from the user."
                    .to_owned()
            } else {
                // Refused for certain; the text was not found.
                format!("License {sku} is not assigned to the user.")
            }));
        }
    }
    for Product { sku, disabled } in &change.add {
        after.retain(|license| license.sku != *sku || license.by_group.is_some());
        let at = state.now;
        after.push(Assignment {
            sku: *sku,
            disabled: disabled.clone(),
            by_group: None,
            standing: Standing::Active,
            at,
        });
    }
    Ok(after)
}

/// Whether one more person may have this product; who has it already needs no seat.
pub(crate) fn check_seat(state: &State, user: Guid, sku: Guid) -> Result<(), Problem> {
    let held = state.user(user).is_some_and(|user| user.holds(sku));
    let free = state.skus.get(&sku).map_or(0, Sku::free);
    if held || free > 0 { Ok(()) } else { Err(Problem::Count(sku)) }
}

/// Writes a user's licenses, and the plans that follow from them.
pub(crate) fn apply(state: &mut State, id: Guid, after: Vec<Assignment>) {
    let enabled = plans::enabled(&state.skus, &after);
    let now = state.now;
    state.edit_user(id, |user| {
        plans::record(&mut user.plans, &enabled, now);
        user.licenses = after;
    });
}

/// `POST /users/{id}/reprocessLicenseAssignment`: runs the user's licensed groups again, at once, and tells the true error.
pub(crate) fn reprocess(request: &mut Request<'_>) -> Served {
    let (id, _) = request.state.find_user(request.view, request.param(0))?;
    let sources: BTreeSet<Guid> = request.state.direct_groups(View::PRIMARY, id).into_iter().collect();
    let leftovers: Vec<Guid> = request
        .state
        .user(id)
        .iter()
        .flat_map(|user| user.licenses.iter())
        .filter_map(|license| license.by_group)
        .collect();
    let mut problems = Vec::new();
    for group in sources.into_iter().chain(leftovers).collect::<BTreeSet<Guid>>() {
        problems.extend(inherited::process_member(request.state, group, id));
    }
    match problems.first() {
        Some(problem) => Err(problem.refusal()),
        None => users::answer(request, 200, id),
    }
}

/// `GET /users/{id}/licenseDetails`
pub(crate) fn details(request: &mut Request<'_>) -> Served {
    let (_, user) = request.state.find_user(request.view, request.param(0))?;
    let mut items = Vec::new();
    for (sku, disabled) in user.held_licenses() {
        let Some(owned) = request.state.skus.get(&sku) else { continue };
        let mut plans = owned.properties.get("servicePlans").cloned().unwrap_or_else(|| json!([]));
        for plan in plans.as_array_mut().into_iter().flatten() {
            let off = plan
                .get("servicePlanId")
                .and_then(Value::as_str)
                .and_then(guid)
                .is_some_and(|id| disabled.contains(&id));
            if let Some(plan) = plan.as_object_mut() {
                plan.insert("provisioningStatus".into(), json!(if off { "Disabled" } else { "Success" }));
            }
        }
        items.push(json!({
            "id": State::id_of_name(&sku.to_string()).to_string(),
            "skuId": sku.to_string(),
            "skuPartNumber": owned.properties.get("skuPartNumber"),
            "servicePlans": plans,
        }));
    }
    Ok(request.collection("licenseDetails", items))
}

/// `GET /subscribedSkus`
pub(crate) fn list_skus(request: &mut Request<'_>) -> Served {
    for option in ["$filter", "$top", "$orderby", "$count", "$search", "$expand"] {
        if request.query.given(option) {
            return Err(Refusal::unsupported_query("Only '$select' is supported on subscribed SKUs."));
        }
    }
    if request.query.select.is_none() {
        let each = request
            .state
            .skus
            .values()
            .map(|sku| format!("{},\"consumedUnits\":{}}}", sku.text, consumed(request, sku)));
        let items = each.collect::<Vec<_>>().join(",");
        let context = request.context("subscribedSkus");
        return Ok(Answer::written(format!("{{\"@odata.context\":{context},\"value\":[{items}]}}")));
    }
    let shown = request.state.skus.values().map(|sku| show_sku(request, sku));
    let items = shown.collect::<Result<Vec<Value>, Refusal>>()?;
    Ok(request.collection("subscribedSkus", items))
}

/// `GET /subscribedSkus/{tenant}_{sku}`
pub(crate) fn read_sku(request: &mut Request<'_>) -> Served {
    let key = request.param(0);
    let sku = key.split_once('_').and_then(|(_, sku)| guid(sku)).and_then(|sku| request.state.skus.get(&sku));
    let mut body = show_sku(request, sku.ok_or_else(|| Refusal::missing(key))?)?;
    if let Some(body) = body.as_object_mut() {
        body.insert("@odata.context".into(), request.context("subscribedSkus/$entity"));
    }
    Ok(Answer::json(200, body))
}

/// The selected part of a SKU as a reader sees it. `consumedUnits` is not stored among its properties.
fn show_sku(request: &Request<'_>, sku: &Sku) -> Result<Value, Refusal> {
    let mut body = select(request, &sku.properties, &["consumedUnits"])?;
    if request.query.select.as_ref().is_none_or(|names| names.iter().any(|name| name == "consumedUnits")) {
        body.insert("consumedUnits".into(), json!(consumed(request, sku)));
    }
    Ok(Value::Object(body))
}

/// Seats taken, as a reader sees it.
fn consumed(request: &Request<'_>, sku: &Sku) -> i64 {
    sku.elsewhere + sku.consumed.seen(request.view).copied().unwrap_or(0)
}

/// `$select` over an object that has no table; `computed` names what the caller adds by itself.
pub(crate) fn select(request: &Request<'_>, whole: &Properties, computed: &[&str]) -> Result<Properties, Refusal> {
    let Some(names) = &request.query.select else { return Ok(whole.clone()) };
    let mut selected = Properties::new();
    for name in names {
        match whole.get(name) {
            Some(value) => drop(selected.insert(name.clone(), value.clone())),
            None if computed.contains(&name.as_str()) => {}
            None => return Err(Refusal::unknown_property(name, "object")),
        }
    }
    Ok(selected)
}
