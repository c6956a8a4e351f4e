//! Plans the account: create, restore, update, enable, cut, delete.

use jiff::Timestamp;

use super::{IN_FLIGHT, Plan, Planned, Sight, User, View, Wait, is_enabled, is_synchronized};
use crate::attributes;
use crate::ids::ObjectId;
use crate::lifecycle::Want;
use crate::policy::PersonKind;
use crate::step::{Action, Stage, StepState};

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
        Want::Cut => cut(view, actual, &mut plan),
        Want::Deleted => {
            cut(view, actual, &mut plan);
            delete(actual, &mut plan);
        }
        _ if view.standing.kind == PersonKind::None => without_account(view, actual, &mut plan),
        Want::Nothing => {}
        Want::Disabled | Want::Enabled => grant(view, actual, &mut plan),
    }
    plan
}

/// Somebody who gets no account. One that is there was given to another kind of person: what becomes of it, a human decides.
fn without_account(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
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
    let is_open = match &actual.sight {
        Sight::Present(user) => is_enabled(user),
        Sight::Unknown => true,
        Sight::Absent | Sight::Deleted => false,
    };
    if is_open && view.person.head.account.object_id.is_some() {
        let instructions =
            "the policy protects this person: check with HR, then cut access by hand or take the protection away";
        plan.ask_human("cut a protected person", None, view.standing.why.clone(), instructions);
    }
}

fn grant(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    plan.is_inconclusive = actual.sight == Sight::Unknown || view.attributes.is_err();
    if report_faults(view, plan) {
        return;
    }
    if view.standing.kind == PersonKind::Guest {
        match actual.sight.user() {
            // What a guest's account says of them is their home tenant's business.
            Some(user) => sign_in(view, user, plan),
            None if view.person.head.account.object_id.is_none() => {
                let instructions =
                    "invite this person as a guest in the Entra admin center; this version sends no invitations";
                plan.ask_human("invite a guest", None, "the policy makes this kind of person a guest", instructions);
            }
            None => {}
        }
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
        Sight::Absent => plan.ask(Action::CreateAccount, format!("{}, and has no account", view.standing.why)),
        Sight::Deleted => {
            plan.ask(Action::RestoreAccount, format!("{}, and the account was deleted", view.standing.why));
        }
        Sight::Present(user) => {
            update(view, user, plan);
            manager(view, user, actual, plan);
            sign_in(view, user, plan);
        }
    }
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
        (Manager::Unresolved, _) => {
            let wait = Some(Wait::For("the manager HR names has no known account yet".into(), None));
            let action = Action::ByHand { stage: plan.stage, what: "set the manager".into(), object: None };
            plan.steps.push(Planned { action, why: "HR names a manager".into(), wait });
        }
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
                plan.ask(Action::IssueCredential, "the password was reset when access was cut");
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

/// Cuts access: disable first, then revoke, so that nothing signs in between; at once whatever a read says, and once more
/// after the longest call that may have been in flight.
fn cut(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    let account = &view.person.head.account;
    if account.object_id.is_none() {
        if account.intent.is_some() {
            plan.ask(Action::SettleCreation, "access is cut while an account creation is still open");
        }
        return;
    }
    if account.deleted_at.is_some() && !matches!(actual.sight, Sight::Present(_)) || actual.sight == Sight::Deleted {
        return;
    }
    if actual.sight.user().is_some_and(is_synchronized) {
        cut_synchronized(view, actual, plan);
        return;
    }
    let why = view.standing.why.as_str();
    once(view, plan, Action::DisableAccount { pass: 1 }, why);
    once(view, plan, Action::RevokeSessions { pass: 1 }, why);
    once(view, plan, Action::ResetPassword, why);
    once(view, plan, Action::RemoveMethods { pass: 1 }, why);
    let again =
        [Action::DisableAccount { pass: 2 }, Action::RevokeSessions { pass: 2 }, Action::RemoveMethods { pass: 2 }];
    for action in again {
        repeat(view, actual, plan, action);
    }
}

/// A synchronized account is disabled on-premises; what the cloud allows is done here (graph-facts 3.3).
fn cut_synchronized(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    once(view, plan, Action::RevokeSessions { pass: 1 }, &view.standing.why);
    once(view, plan, Action::RemoveMethods { pass: 1 }, &view.standing.why);
    repeat(view, actual, plan, Action::RevokeSessions { pass: 2 });
    repeat(view, actual, plan, Action::RemoveMethods { pass: 2 });
    if actual.sight.user().is_some_and(is_enabled) {
        let instructions = "disable the account and reset its password in Active Directory on-premises NOW; it is synchronized and read-only here";
        plan.ask_human("cut on-premises", None, view.standing.why.clone(), instructions);
    }
}

/// Asks for an action unless it was met in this generation.
fn once(view: &View<'_>, plan: &mut Plan, action: Action, why: &str) {
    if !view.step(&action).is_some_and(|step| step.state.is_met()) {
        plan.ask(action, why);
    }
}

/// Asks for the second pass once its time has come, and again whenever a read shows that it does not hold.
fn repeat(view: &View<'_>, actual: &Actual, plan: &mut Plan, action: Action) {
    let first = match action {
        Action::DisableAccount { .. } => Action::DisableAccount { pass: 1 },
        Action::RevokeSessions { .. } => Action::RevokeSessions { pass: 1 },
        _ => Action::RemoveMethods { pass: 1 },
    };
    let first = view.step(&first).map(|step| &step.state);
    let Some(StepState::Done { at } | StepState::Verified { at }) = first else { return };
    let met = view.step(&action).is_some_and(|step| step.state.is_met());
    let holds = match action {
        Action::DisableAccount { .. } => !actual.sight.user().is_some_and(is_enabled),
        Action::RevokeSessions { .. } => {
            view.standing.end.is_none_or(|end| actual.sessions_valid_from.is_none_or(|from| from >= end))
        }
        _ => actual.has_methods != Some(true),
    };
    if met && holds {
        return;
    }
    let due = at.saturating_add(IN_FLIGHT).unwrap_or(Timestamp::MAX);
    let wait = (!met && due > view.now).then_some(Wait::Until(due));
    let why = "a call that was in flight during the cut may have given access back".to_owned();
    plan.steps.push(Planned { action, why, wait });
}

fn delete(actual: &Actual, plan: &mut Plan) {
    // Anything still to be cut comes first.
    let cut_is_open = plan.steps.iter().any(|step| step.action.cuts());
    if let (Sight::Present(user), false) = (&actual.sight, cut_is_open) {
        if is_synchronized(user) {
            let instructions =
                "delete the account in Active Directory on-premises; it is synchronized and read-only here";
            plan.ask_human(
                "delete on-premises",
                None,
                "the time the policy keeps leavers' accounts is over",
                instructions,
            );
        } else {
            plan.ask(Action::DeleteAccount, "the time the policy keeps leavers' accounts is over");
        }
    }
}

#[cfg(test)]
mod tests;
