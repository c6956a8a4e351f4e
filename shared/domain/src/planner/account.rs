//! Plans the account: find, create, invite, restore, update, enable, cut, delete.

mod beginning;
mod cut;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{IN_FLIGHT, Plan, Planned, Sight, User, View, Wait, is_enabled, is_guest, is_synchronized};
use crate::attributes;
use crate::ids::ObjectId;
use crate::lifecycle::Want;
use crate::matching::Candidate;
use crate::policy::PersonKind;
use crate::step::{Action, CONFIRM_CUT, Stage};

pub use beginning::needs_candidates;
use cut::{cut, delete};

/// What is known of the person's manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manager {
    /// HR does not speak of one.
    Unspoken,
    /// HR says there is none.
    Nobody,
    /// HR names one whose account is not known (yet).
    Unresolved,
    /// The manager's account.
    Known(ObjectId),
}

/// What the tenant shows of the account.
#[derive(Debug, Clone)]
pub struct Actual {
    /// The account.
    pub sight: Sight,
    /// The account's manager in the tenant.
    pub manager: Option<ObjectId>,
    /// The manager HR names.
    pub wanted_manager: Manager,
    /// Who answers for a guest; None: not read.
    pub sponsors: Option<BTreeSet<ObjectId>>,
    /// Accounts that may be the person's, if [`needs_candidates`].
    pub candidates: Vec<Candidate>,
    /// When sessions were last revoked.
    pub sessions_valid_from: Option<Timestamp>,
    /// Whether authentication methods other than the password are registered; None: not read.
    pub has_methods: Option<bool>,
}

/// Plans the account stage.
pub fn plan(view: &View<'_>, actual: &Actual) -> Plan {
    let mut plan = Plan::of(Stage::Accounts);
    let protected = view.is_protected();
    match view.standing.want {
        Want::Cut | Want::Deleted if protected => ask_for_protected(view, actual, &mut plan),
        Want::Cut | Want::Deleted if view.awaits_confirmation() => ask_for_found(view, actual, &mut plan),
        Want::Cut => cut(view, actual, &mut plan),
        Want::Deleted => {
            cut(view, actual, &mut plan);
            delete(view, actual, &mut plan);
        }
        _ if view.standing.kind == PersonKind::None => without_account(view, actual, &mut plan),
        Want::Nothing => {}
        Want::Disabled | Want::Enabled => grant(view, actual, &mut plan),
    }
    plan
}

/// Somebody who gets no account. One that is there was given to another kind of person: what becomes of it, a human decides.
fn without_account(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    beginning::settle(view, plan);
    if !report_faults(view, plan) && actual.sight.user().is_some_and(is_enabled) {
        let instructions =
            "the policy gives this kind of person no account: end the employment in HR to cut it, or correct the kind";
        plan.ask_human("account of a person who gets none", None, view.standing.why.clone(), instructions);
    }
}

/// What is wrong with the facts becomes one task that names every field, problem and fix.
fn report_faults(view: &View<'_>, plan: &mut Plan) -> bool {
    let Err(faults) = &view.attributes else { return false };
    let named = faults.iter().map(|(path, fault)| format!("`{path}` {}: {}", fault.problem, fault.fix));
    let instructions = named.collect::<Vec<_>>().join("; ");
    plan.ask_human(
        "correct the HR record",
        None,
        "facts that the directory cannot take block this person's changes",
        instructions,
    );
    true
}

fn ask_for_protected(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    if may_be_open(view, actual) {
        let instructions =
            "the policy protects this person: check with HR, then cut access by hand or take the protection away";
        plan.ask_human("cut a protected person", None, view.standing.why.clone(), instructions);
    }
}

/// An account that only its employee number has made this person's is not cut at once: a mistake would lock out somebody else.
fn ask_for_found(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    if let (true, Some(object)) = (may_be_open(view, actual), &view.person.head.account.object_id) {
        let person = &view.person.head.person;
        let instructions = format!(
            "account {object} was taken as this person's by its employee number alone, and lately: look whose it is. If it is \
             theirs, `joinery match confirm {person} {object} --by YOUR-NAME --yes` cuts it"
        );
        plan.ask_human(CONFIRM_CUT, None, view.standing.why.clone(), instructions);
    }
}

fn may_be_open(view: &View<'_>, actual: &Actual) -> bool {
    let is_open = match &actual.sight {
        Sight::Present(user) => is_enabled(user),
        Sight::Unknown => true,
        Sight::Absent | Sight::Deleted => false,
    };
    is_open && view.person.head.account.object_id.is_some()
}

fn grant(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    plan.is_inconclusive = actual.sight == Sight::Unknown || view.attributes.is_err();
    if report_faults(view, plan) {
        return;
    }
    match &actual.sight {
        Sight::Unknown => {}
        // Never made anew by ourselves: whoever purged it may have had a reason, and a read may be wrong.
        Sight::Absent
            if view.person.head.account.object_id.is_some() && view.person.head.account.deleted_at.is_none() =>
        {
            let instructions =
                "the bound account is neither among the users nor among the deleted ones: find out who purged it";
            plan.ask_human("find a vanished account", None, view.standing.why.clone(), instructions);
        }
        Sight::Absent => beginning::begin(view, actual, plan),
        Sight::Deleted => {
            plan.ask(Action::RestoreAccount, format!("{}, and the account was deleted", view.standing.why));
        }
        Sight::Present(user) => present(view, user, actual, plan),
    }
}

/// The account is there: what of it is not as it should be.
fn present(view: &View<'_>, user: &User, actual: &Actual, plan: &mut Plan) {
    if !mark(view, user, plan) {
        return;
    }
    if is_of_its_kind(view, user, plan) {
        update(view, user, plan);
        if view.standing.kind == PersonKind::Guest {
            sponsor(view, actual, plan);
        } else {
            manager(view, user, actual, plan);
        }
    }
    sign_in(view, user, plan);
}

/// Our mark on the account. False: it carries another record's, so that nothing of this one may be written.
fn mark(view: &View<'_>, user: &User, plan: &mut Plan) -> bool {
    let (anchor, person) = (&view.policy.tenant.anchor, view.person.head.person.to_string());
    match user.get(anchor).and_then(Value::as_str).filter(|mark| !mark.is_empty()) {
        Some(mark) if mark == person => {}
        Some(_) => {
            let instructions = format!(
                "the bound account carries another record's mark in `{anchor}`: find out whose account it is, and write `{person}` there if it is this person's"
            );
            plan.ask_human("settle whose account it is", None, "two records claim one account", instructions);
            return false;
        }
        None if is_synchronized(user) => {
            let instructions = format!(
                "write `{person}` into `{anchor}` of this account by hand, so that it can be found again; it is synchronized, and Joinery leaves it alone"
            );
            plan.ask_human("mark a synchronized account", None, "the account was there before us", instructions);
        }
        None => {
            let properties = [(anchor.clone(), json!(person))].into();
            plan.ask(Action::UpdateAccount { properties }, "the account was there before us, or is a guest's");
        }
    }
    true
}

/// Whether the account is a member's or a guest's as the person's kind asks. Turning one into the other is not ours: it changes
/// how somebody signs in.
fn is_of_its_kind(view: &View<'_>, user: &User, plan: &mut Plan) -> bool {
    let (what, instructions) = match (view.standing.kind, is_guest(user)) {
        (PersonKind::Tenant, Some(true)) => (
            "make a member of a guest",
            "HR says that this guest is now somebody with an account of the tenant: convert the account to an internal user in the Entra admin center, or end this record and let HR make another",
        ),
        (PersonKind::Guest, Some(false)) => (
            "make a guest of a member",
            "HR says that this person is now a guest, but the account is a member's: convert it to an external user in the Entra admin center, or end the employment in HR to cut it",
        ),
        _ => return true,
    };
    plan.ask_human(what, None, "HR says that this is another kind of person now", instructions);
    false
}

/// The manager answers for a guest. A sponsor that others named stays; one that we named goes with the manager.
fn sponsor(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    let Some(sponsors) = &actual.sponsors else { return };
    match &actual.wanted_manager {
        Manager::Known(sponsor) if !sponsors.contains(sponsor) => {
            plan.ask(Action::AddSponsor { sponsor: sponsor.clone() }, "HR names this manager");
        }
        Manager::Unresolved => wait_for_manager(plan),
        _ => {}
    }
    if matches!(actual.wanted_manager, Manager::Known(_) | Manager::Nobody) {
        let keep = if let Manager::Known(sponsor) = &actual.wanted_manager { Some(sponsor) } else { None };
        for sponsor in sponsors.iter().filter(|sponsor| Some(*sponsor) != keep) {
            let named = view.step(&Action::AddSponsor { sponsor: sponsor.clone() });
            if named.is_some_and(|step| step.state.is_met()) {
                plan.ask(Action::RemoveSponsor { sponsor: sponsor.clone() }, "HR names another manager, or none");
            }
        }
    }
}

fn wait_for_manager(plan: &mut Plan) {
    let wait = Some(Wait::For("the manager HR names has no known account yet".into(), None));
    let action = Action::ByHand { stage: plan.stage, what: "set the manager".into(), object: None };
    plan.steps.push(Planned { action, why: "HR names a manager".into(), wait });
}

/// The properties that differ. Of a synchronized account only the location may be written; the rest is a task on-premises.
fn update(view: &View<'_>, user: &User, plan: &mut Plan) {
    let Ok(desired) = &view.attributes else { return };
    let mut properties = attributes::difference(desired, user);
    if is_synchronized(user) {
        let location = properties.remove("usageLocation");
        if !properties.is_empty() {
            let names = properties.keys().cloned().collect::<Vec<_>>().join(", ");
            let instructions = format!(
                "change {names} in Active Directory on-premises; this account is synchronized and read-only here"
            );
            plan.ask_human(
                "change on-premises",
                Some(names),
                "HR says otherwise than the synchronized account",
                instructions,
            );
        }
        properties = location.map(|location| ("usageLocation".to_owned(), location)).into_iter().collect();
    }
    if !properties.is_empty() {
        plan.ask(Action::UpdateAccount { properties }, "HR says otherwise than the account");
    }
}

fn manager(view: &View<'_>, user: &User, actual: &Actual, plan: &mut Plan) {
    if is_synchronized(user) {
        return;
    }
    match (&actual.wanted_manager, &actual.manager) {
        (Manager::Known(wanted), current) if current.as_ref() != Some(wanted) => {
            let own = view.person.head.account.object_id.as_ref() == Some(wanted);
            if !own {
                plan.ask(Action::SetManager { manager: wanted.clone() }, "HR names this manager");
            }
        }
        (Manager::Unresolved, _) => wait_for_manager(plan),
        (Manager::Nobody, Some(_)) => plan.ask(Action::RemoveManager, "HR names no manager any more"),
        _ => {}
    }
}

fn sign_in(view: &View<'_>, user: &User, plan: &mut Plan) {
    let enabled = is_enabled(user);
    match view.standing.want {
        Want::Enabled if !enabled && is_synchronized(user) => {
            let instructions =
                "enable the account in Active Directory on-premises; it is synchronized and read-only here";
            plan.ask_human("enable on-premises", None, view.standing.why.clone(), instructions);
        }
        Want::Enabled => {
            let is_ours = view.standing.kind == PersonKind::Tenant && !is_synchronized(user);
            if is_ours && view.person.head.account.password_unknown {
                issue_credential(view, plan);
            }
            if !enabled {
                plan.ask(Action::EnableAccount, view.standing.why.clone());
            }
        }
        Want::Disabled if enabled && view.is_protected() => {
            let instructions = "the policy protects this person: check the first day with HR, or block sign-in by hand";
            plan.ask_human("block a protected person's sign-in", None, view.standing.why.clone(), instructions);
        }
        Want::Disabled if enabled && !is_synchronized(user) => {
            plan.ask(
                Action::DisableAccount { pass: 1 },
                format!("{}: no sign-in before the first day", view.standing.why),
            );
        }
        _ => {}
    }
}

/// A credential is not set before a reset that was begun cannot land any more: the answer may be on its way to somebody who has died, and
/// the reset still on its way to the tenant. What was acknowledged is waited for, too; an earlier try of it may not have landed yet.
fn issue_credential(view: &View<'_>, plan: &mut Plan) {
    let why = "the password was reset when access was cut".to_owned();
    let landed = view.person.head.account.reset_begun_at.and_then(|at| at.checked_add(IN_FLIGHT).ok());
    let wait = landed.filter(|landed| *landed > view.now).map(Wait::Until);
    plan.steps.push(Planned { action: Action::IssueCredential, why, wait });
}

#[cfg(test)]
mod tests;
