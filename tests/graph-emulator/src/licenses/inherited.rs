//! Group-based licensing. The group's answer comes at once (202); its members' licenses follow when the work falls due.
//! Nothing heals by itself: a member in error is looked at again only when the membership or the group's licenses
//! change, or somebody reprocesses. Source: "Group-based licensing additional scenarios", "Resolve group license
//! assignment problems".

use super::{Problem, check_products, check_seat, plans, read_change};
use crate::entity::{Assignment, Group, Product, Standing};
use crate::groups;
use crate::ids::Guid;
use crate::refusal::Refusal;
use crate::settling::Work;
use crate::state::State;
use crate::wire::{Request, Served};

/// `POST /groups/{id}/assignLicense`: 202, with the group as it was before any processing.
pub(crate) fn assign(request: &mut Request<'_>) -> Served {
    let change = read_change(request)?;
    let (id, group) = request.state.find_group(request.view, request.param(0))?;
    if group.kept_by_exchange() {
        return Err(groups::exchange_keeps(request.state, "Update"));
    }
    if !group.flag("securityEnabled") {
        return Err(Refusal::bad("Licenses can be assigned to security-enabled groups only."));
    }
    check_products(request.state, &change)?;
    let group = request.state.group(id).ok_or_else(|| Refusal::missing(id))?;
    if let Some(sku) = change.remove.iter().find(|sku| !group.products.iter().any(|product| product.sku == **sku)) {
        return Err(Refusal::bad(format!("License {sku} is not assigned to the group.")));
    }
    let mut products = group.products.clone();
    products.retain(|product| !change.remove.contains(&product.sku));
    for product in change.add {
        products.retain(|own| own.sku != product.sku);
        products.push(product);
    }
    request.state.edit_group(id, |group| {
        group.products = products;
        group.processing = Some("QueuedForProcessing");
    });
    let wait_ms = request.state.latency.license_ms;
    request.state.schedule(wait_ms / 2, Work::BeginLicensing { group: id });
    request.state.schedule(wait_ms, Work::LicenseGroup { group: id });
    groups::answer(request, 202, id)
}

/// Everybody in the group, and everybody whom it once licensed.
pub(crate) fn process_group(state: &mut State, group: Guid) {
    let members = state.group(group).map(|group| group.members.clone()).unwrap_or_default();
    let licensed = |user: &crate::entity::User| user.licenses.iter().any(|license| license.by_group == Some(group));
    let affected: Vec<Guid> = state
        .live_users(crate::history::View::PRIMARY)
        .filter(|(id, user)| members.contains(id) || licensed(user))
        .map(|(id, _)| id)
        .collect();
    for user in affected {
        process_member(state, group, user);
    }
    state.edit_group(group, |group| group.processing = Some("ProcessingComplete"));
}

/// One user and one group: gives what the group carries, or takes back what it gave. Returns what stood in the way.
pub(crate) fn process_member(state: &mut State, group_id: Guid, user_id: Guid) -> Vec<Problem> {
    let Some(user) = state.user(user_id) else { return Vec::new() };
    let carried = |group: &Group| if group.members.contains(&user_id) { group.products.clone() } else { Vec::new() };
    let products = state.group(group_id).map(carried).unwrap_or_default();
    let before = user.licenses.clone();
    let own = |license: &Assignment| license.by_group == Some(group_id);
    let mut after: Vec<Assignment> = before.iter().filter(|license| !own(license)).cloned().collect();
    let dropped =
        before.iter().filter(|license| own(license) && !products.iter().any(|product| product.sku == license.sku));
    let dropped: Vec<Assignment> = dropped.cloned().collect();
    // What stands as it should keeps its date.
    let kept = |wanted: Assignment| {
        let same = |old: &&Assignment| {
            own(old) && old.sku == wanted.sku && old.disabled == wanted.disabled && old.standing == Standing::Active
        };
        before.iter().find(same).cloned().unwrap_or(wanted)
    };
    let wanted: Vec<Assignment> = products.iter().map(|product| kept(grant(state, group_id, product))).collect();
    after.extend(wanted.iter().cloned());
    let problems = problems_of(state, user_id, &products, &before, &after);
    if !problems.is_empty() {
        after.retain(|license| !own(license));
        after.extend(refuse(&before, wanted, &problems));
    }
    let after = strand(state, &before, after, dropped);
    if after != before {
        super::apply(state, user_id, after);
    }
    problems.into_iter().flatten().collect()
}

fn grant(state: &State, group: Guid, product: &Product) -> Assignment {
    Assignment {
        sku: product.sku,
        disabled: product.disabled.clone(),
        by_group: Some(group),
        standing: Standing::Active,
        at: state.now,
    }
}

/// One entry per product: what stands in its way. Empty when nothing does anywhere.
fn problems_of(
    state: &State,
    user: Guid,
    products: &[Product],
    before: &[Assignment],
    after: &[Assignment],
) -> Vec<Option<Problem>> {
    let own_location = state.user(user).and_then(|user| user.text("usageLocation"));
    let placed = own_location.or(state.tenant_location()).is_some();
    let clashes = plans::new_problems(&state.skus, before, after);
    let problem_of = |product: &Product| {
        if !placed {
            return Some(Problem::Location);
        }
        if let Err(problem) = check_seat(state, user, product.sku) {
            return Some(problem);
        }
        let plans = state.skus.get(&product.sku).map(|sku| sku.plans.clone()).unwrap_or_default();
        clashes.iter().find(|problem| plans::concerns(problem, &plans)).cloned()
    };
    let problems: Vec<Option<Problem>> = products.iter().map(problem_of).collect();
    if problems.iter().any(Option::is_some) { problems } else { Vec::new() }
}

/// If one product of a group fails for a member, none of the group's products is newly assigned; the others say `Other`.
/// What this group gave before stays.
fn refuse(before: &[Assignment], wanted: Vec<Assignment>, problems: &[Option<Problem>]) -> Vec<Assignment> {
    let held = |license: &Assignment| {
        before.iter().find(|old| old.sku == license.sku && old.by_group == license.by_group && old.held()).cloned()
    };
    let judge = |(mut license, problem): (Assignment, &Option<Problem>)| {
        if let Some(old) = held(&license) {
            return old;
        }
        license.standing = Standing::Failed(problem.as_ref().map_or("Other", Problem::error));
        let same = before.iter().find(|old| old.sku == license.sku && old.by_group == license.by_group);
        match same {
            Some(old) if old.standing == license.standing => old.clone(),
            _ => license,
        }
    };
    wanted.into_iter().zip(problems).map(judge).collect()
}

/// Takes back what the group no longer gives, except where that would leave another product without what it needs.
fn strand(state: &State, before: &[Assignment], after: Vec<Assignment>, dropped: Vec<Assignment>) -> Vec<Assignment> {
    let broken = plans::new_problems(&state.skus, before, &after);
    let depends = |license: &Assignment| {
        let plans = state.skus.get(&license.sku).map(|sku| sku.plans.clone()).unwrap_or_default();
        broken.iter().any(
            |problem| matches!(problem, Problem::Dependency(_, needs) if needs.iter().any(|need| plans.contains(need))),
        )
    };
    let kept = dropped.into_iter().filter(|license| license.held() && depends(license));
    let kept = kept.map(|license| Assignment { standing: Standing::Stranded, ..license });
    after.into_iter().chain(kept.collect::<Vec<_>>()).collect()
}

/// Licenses those members of a group of whom nothing is told yet, as far as its licenses and their seats go, without a trace of processing: for the seed.
pub(crate) fn settle_quietly(state: &mut State, group_id: Guid) {
    let Some(group) = state.group(group_id).filter(|group| !group.products.is_empty()) else { return };
    let told = |state: &State, member: Guid| {
        state.user(member).is_some_and(|user| user.licenses.iter().any(|license| license.by_group == Some(group_id)))
    };
    for member in group.members.clone().iter().filter(|member| !told(state, **member)).copied().collect::<Vec<_>>() {
        process_member(state, group_id, member);
    }
}
