//! What must not be lost between one license and the next.
//!
//! A mailbox or files whose service goes are on their way to be deleted, and whoever gets another product with the same service
//! would still have been without it for a while. So a product stays until its successor is there, or both change in one call.

use std::collections::BTreeSet;

use super::{Actual, LicenseStage};
use crate::ids::SkuId;
use crate::planner::{Plan, Wait};
use crate::policy::skus;
use crate::step::{Action, StepState};

/// What a product keeps for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    Mailbox,
    Files,
}

/// What service plans of these names keep. `EXCHANGE_S_FOUNDATION` and its like are in everything and hold nothing.
fn kept_by(plan: &str) -> Option<Kept> {
    match plan {
        "EXCHANGE_S_STANDARD" | "EXCHANGE_S_ENTERPRISE" | "EXCHANGE_S_DESKLESS" => Some(Kept::Mailbox),
        "SHAREPOINTSTANDARD" | "SHAREPOINTENTERPRISE" | "SHAREPOINTDESKLESS" => Some(Kept::Files),
        _ => None,
    }
}

/// By the tenant's own list of the product's plans, else by Microsoft's table.
fn kept(actual: &Actual, sku: &SkuId) -> BTreeSet<Kept> {
    match actual.seats.get(sku).filter(|seats| !seats.plans.is_empty()) {
        Some(seats) => seats.plans.iter().filter_map(|plan| kept_by(plan)).collect(),
        None => skus::sku(sku).into_iter().flat_map(|sku| sku.plans.keys()).filter_map(|plan| kept_by(plan)).collect(),
    }
}

/// Whether one product takes over what another keeps.
pub fn replaces(actual: &Actual, successor: &SkuId, other: &SkuId) -> bool {
    successor == other || !kept(actual, successor).is_disjoint(&kept(actual, other))
}

impl LicenseStage<'_> {
    /// Has whatever is taken wait for what comes in its place. Direct licenses that go and come in one call need not.
    pub(super) fn hold_back(&self, plan: &mut Plan) {
        let coming: Vec<SkuId> = self.wanted().into_iter().filter(|sku| self.is_to_come(sku)).collect();
        let at_once: BTreeSet<SkuId> = plan
            .steps
            .iter()
            .filter(|step| step.wait.is_none() && !self.is_stuck(&step.action))
            .filter_map(
                |step| if let Action::AssignLicense { sku, .. } = &step.action { Some(sku.clone()) } else { None },
            )
            .collect();
        for step in &mut plan.steps {
            let (going, is_direct) = match &step.action {
                Action::RemoveLicense { sku } => (std::slice::from_ref(sku), true),
                Action::LeaveCarrier { skus, .. } => (skus.as_slice(), false),
                _ => continue,
            };
            let awaited = coming.iter().find(|sku| {
                let comes_along = is_direct && at_once.contains(*sku);
                !comes_along && going.iter().any(|going| replaces(self.actual, sku, going))
            });
            let why = |sku: &SkuId| format!("stays until {} is there in its place", self.actual.name(sku));
            step.wait = awaited.map(|sku| Wait::For(why(sku), None));
        }
    }

    /// Every product the packages give, directly or by a carrier.
    fn wanted(&self) -> BTreeSet<SkuId> {
        let carried = self.entitled.groups.keys().filter_map(|group| self.carried_by(group)).flatten();
        self.entitled.licenses.keys().cloned().chain(carried).collect()
    }

    /// Whether a product is not there yet and may come. One that clashes with what is to go comes only after it.
    fn is_to_come(&self, sku: &SkuId) -> bool {
        let mut sources = self.held.iter().filter(|held| held.sku == *sku);
        let clashes = |error: &Option<String>| error.as_deref() == Some("MutuallyExclusiveViolation");
        !sources.any(|held| self.is_kept(held) && held.is_active() || clashes(&held.error))
    }

    /// Whether its last try was refused, and it is not the time for another.
    fn is_stuck(&self, action: &Action) -> bool {
        let step = self.view.step(action);
        step.is_some_and(|step| {
            matches!(step.state, StepState::Failed { .. } | StepState::Task { .. })
                && step.wake_at.is_some_and(|at| at > self.view.now)
        })
    }
}
