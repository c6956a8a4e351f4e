//! Groups and licenses, and the law that a plan carried out leaves nothing to plan.

mod carried_out;
mod groups;
mod licenses;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::groups::{Actual, GroupFacts, Refusal};
use super::{Plan, User, View, Wait};
use crate::ids::ObjectId;
use crate::ledger::{Grant, Origin, Target};
use crate::person::Person;
use crate::sample::{CARRIER, EXCLUSIVE, OTHER, SALES, STAFF, VISIO, at};

const NOW: &str = "2026-03-10T12:00";
const SELLER: &str = "2026-01-01 hire_date=2020-01-01 status=active name.legal.given=Ada name.legal.family=Byron usage_location=NL department.name=Sales";
const LEFT: &str = "2026-03-10T11:00 immediate=true";

fn id(text: &str) -> ObjectId {
    text.parse().unwrap()
}

fn user(extra: &Value) -> User {
    let mut user = json!({"accountEnabled": true, "usageLocation": "NL"}).as_object().unwrap().clone();
    user.extend(extra.as_object().unwrap().clone());
    user
}

/// What the tenant shows: these memberships, ordinary groups, and a carrier of Visio.
fn shown(memberships: &[&str]) -> Actual {
    let plain = |group| (id(group), GroupFacts::default());
    let mut groups: BTreeMap<_, _> = [SALES, STAFF, EXCLUSIVE, OTHER].map(plain).into();
    groups.insert(id(CARRIER), GroupFacts { carries: vec![VISIO.parse().unwrap()], refusal: None });
    let memberships = memberships.iter().map(|group| id(group)).collect();
    Actual { user: user(&json!({})), memberships, groups, ..Actual::default() }
}

fn refusing(mut actual: Actual, group: &str, refusal: Refusal) -> Actual {
    actual.groups.get_mut(&id(group)).unwrap().refusal = Some(refusal);
    actual
}

fn grant(person: &mut Person, target: Target, origin: Origin, held: bool, since: &str) {
    let grant = Grant { target: target.clone(), origin, held, reasons: vec!["sales".into()], since: at(since) };
    person.grants.insert(target, grant);
}

fn asked(plan: &Plan) -> BTreeSet<String> {
    let line = |step: &super::Planned| match &step.wait {
        Some(Wait::For(why, _)) => format!("{} (waits: {why})", step.action.phrase()),
        _ => step.action.phrase(),
    };
    plan.steps.iter().map(line).collect()
}

fn set<const N: usize>(lines: [String; N]) -> BTreeSet<String> {
    lines.into()
}
