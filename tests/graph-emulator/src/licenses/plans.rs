//! Service plans: which exclude each other, which need another, and what a user's licenses add up to.
//!
//! Microsoft publishes no table. The pairs below are the documented ones and their obvious kin: two sizes of `SharePoint`,
//! or the Exchange kiosk beside a full mailbox (the classic Office 365 E1 with E3); Exchange Online P1 and P2 may coexist
//! since the rule was relaxed. Audio Conferencing needs Teams or Skype. Source: "Resolve group license assignment problems".

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::uuid;

use super::Problem;
use crate::clock::graph_time;
use crate::entity::{Assignment, Plan};
use crate::ids::Guid;
use crate::state::Sku;

const EXCHANGE_KIOSK: Guid = uuid!("4a82b400-a79f-41a4-b4e2-e94f5787b113");
const EXCHANGE_P1: Guid = uuid!("9aaf7827-d63c-4b61-89c3-182f06f82e5c");
const EXCHANGE_P2: Guid = uuid!("efb87545-963c-4e0d-99df-69c6916d9eb0");
const SHAREPOINT_KIOSK: Guid = uuid!("902b47e5-dcb2-4fdc-858b-c63a90a2bdb9");
const SHAREPOINT_P1: Guid = uuid!("c7699d2e-19aa-44de-8edf-1736da088ca1");
const SHAREPOINT_P2: Guid = uuid!("5dbe027f-2339-4123-9542-606e4d348a72");
const TEAMS: Guid = uuid!("57ff2da0-773e-42df-b2af-ffb7a2317929");
const SKYPE_P2: Guid = uuid!("0feaeb32-d00e-4d66-bd5a-43b5b83db82c");
const AUDIO_CONFERENCING: Guid = uuid!("3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40");

/// Plans that nobody may have both of.
const EXCLUSIVE: &[(Guid, Guid)] = &[
    (SHAREPOINT_KIOSK, SHAREPOINT_P1),
    (SHAREPOINT_KIOSK, SHAREPOINT_P2),
    (SHAREPOINT_P1, SHAREPOINT_P2),
    (EXCHANGE_KIOSK, EXCHANGE_P1),
    (EXCHANGE_KIOSK, EXCHANGE_P2),
];

/// A plan, and those of which it needs at least one.
const DEPENDENT: &[(Guid, &[Guid])] = &[(AUDIO_CONFERENCING, &[TEAMS, SKYPE_P2])];

/// The plans switched on by licenses that are held: on if any source says so.
pub(crate) fn enabled(skus: &BTreeMap<Guid, Sku>, licenses: &[Assignment]) -> BTreeSet<Guid> {
    let held = licenses.iter().filter(|license| license.held());
    held.flat_map(|license| {
        let plans = skus.get(&license.sku).map(|sku| sku.plans.clone()).unwrap_or_default();
        plans.iter().copied().filter(|plan| !license.disabled.contains(plan)).collect::<Vec<_>>()
    })
    .collect()
}

/// What is wrong with a set of plans.
fn problems(enabled: &BTreeSet<Guid>) -> Vec<Problem> {
    let exclusive = EXCLUSIVE.iter().filter(|(one, other)| enabled.contains(one) && enabled.contains(other));
    let exclusive = exclusive.map(|(one, other)| Problem::Exclusive(*one, *other));
    let stranded = DEPENDENT
        .iter()
        .filter(|(plan, needs)| enabled.contains(plan) && !needs.iter().any(|need| enabled.contains(need)));
    exclusive.chain(stranded.map(|(plan, needs)| Problem::Dependency(*plan, needs.to_vec()))).collect()
}

/// What a change would break that was not broken before.
pub(crate) fn new_problems(skus: &BTreeMap<Guid, Sku>, before: &[Assignment], after: &[Assignment]) -> Vec<Problem> {
    let old = problems(&enabled(skus, before));
    let mut new = problems(&enabled(skus, after));
    new.retain(|problem| !old.contains(problem));
    new
}

/// Whether a problem is about one of these plans.
pub(crate) fn concerns(problem: &Problem, plans: &[Guid]) -> bool {
    match problem {
        Problem::Exclusive(one, other) => plans.contains(one) || plans.contains(other),
        Problem::Dependency(plan, _) => plans.contains(plan),
        Problem::Location | Problem::Count(_) => false,
    }
}

/// Keeps the record of plans: new ones begin now, lost ones stay listed as deleted.
pub(crate) fn record(plans: &mut BTreeMap<Guid, Plan>, enabled: &BTreeSet<Guid>, now: Timestamp) {
    for (id, plan) in plans.iter_mut() {
        if plan.enabled != enabled.contains(id) {
            *plan = Plan { enabled: !plan.enabled, at: now };
        }
    }
    for id in enabled {
        plans.entry(*id).or_insert(Plan { enabled: true, at: now });
    }
}

/// `assignedPlans`
pub(crate) fn assigned(plans: &BTreeMap<Guid, Plan>) -> Value {
    let show = |(id, plan): (&Guid, &Plan)| {
        json!({
            "servicePlanId": id.to_string(),
            "service": service(*id),
            "capabilityStatus": if plan.enabled { "Enabled" } else { "Deleted" },
            "assignedDateTime": graph_time(plan.at),
        })
    };
    plans.iter().map(show).collect()
}

/// The workload behind a plan, for the plans whose name rules commonly use.
fn service(plan: Guid) -> &'static str {
    match plan {
        EXCHANGE_KIOSK | EXCHANGE_P1 | EXCHANGE_P2 => "exchange",
        SHAREPOINT_KIOSK | SHAREPOINT_P1 | SHAREPOINT_P2 => "SharePoint",
        TEAMS => "TeamspaceAPI",
        SKYPE_P2 | AUDIO_CONFERENCING => "MicrosoftCommunicationsOnline",
        _ => "MicrosoftOffice",
    }
}
