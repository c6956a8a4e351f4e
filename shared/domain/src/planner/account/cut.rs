//! Cuts access, and makes sure that it stays cut.

use jiff::Timestamp;

use super::beginning;
use super::{Actual, IN_FLIGHT, Plan, Planned, Sight, View, Wait, is_enabled, is_guest, is_synchronized};
use crate::overlay::is_unsettled;
use crate::policy::PersonKind;
use crate::step::{Action, Stage, StepState};

/// The task of cutting an account where it is mastered.
const CUT_ON_PREMISES: &str = "cut on-premises";

/// Cuts access: disable first, then revoke, so that nothing signs in between; at once whatever a read says, and once more
/// after the longest call that may have been in flight.
pub(super) fn cut(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    let account = &view.person.head.account;
    if account.object_id.is_none() {
        beginning::find_to_cut(view, actual, plan);
        return;
    }
    if account.deleted_at.is_some() && !matches!(actual.sight, Sight::Present(_)) || actual.sight == Sight::Deleted {
        return;
    }
    if is_mastered_on_premises(view, actual) {
        cut_synchronized(view, actual, plan);
        return;
    }
    let why = view.standing.why.as_str();
    let is_off = actual.sight.user().is_some_and(|user| !is_enabled(user));
    // Where the tenant refused and a human did it, a read is what tells.
    let done_by_hand = |action: &Action, shown: bool| shown && was_refused(view, action);
    if !done_by_hand(&Action::DisableAccount { pass: 1 }, is_off) {
        once(view, plan, Action::DisableAccount { pass: 1 }, why);
    }
    once(view, plan, Action::RevokeSessions { pass: 1 }, why);
    // A guest's password is their home tenant's.
    if !guest(view, actual) && !done_by_hand(&Action::ResetPassword, is_off) {
        once(view, plan, Action::ResetPassword, why);
    }
    if !done_by_hand(&Action::RemoveMethods { pass: 1 }, actual.has_methods == Some(false)) {
        once(view, plan, Action::RemoveMethods { pass: 1 }, why);
    }
    let again =
        [Action::DisableAccount { pass: 2 }, Action::RevokeSessions { pass: 2 }, Action::RemoveMethods { pass: 2 }];
    for action in again {
        repeat(view, actual, plan, action);
    }
}

fn guest(view: &View<'_>, actual: &Actual) -> bool {
    actual.sight.user().and_then(is_guest).unwrap_or(view.standing.kind == PersonKind::Guest)
}

/// Whether the account is synchronized: by a read, or, while there is none, by what a human was asked to do after an earlier one.
fn is_mastered_on_premises(view: &View<'_>, actual: &Actual) -> bool {
    match &actual.sight {
        Sight::Unknown => view.step(&on_premises()).is_some(),
        sight => sight.user().is_some_and(is_synchronized),
    }
}

fn on_premises() -> Action {
    Action::ByHand { stage: Stage::Accounts, what: CUT_ON_PREMISES.into(), object: None }
}

/// Whether the tenant refused a step, which a human has to do since.
fn was_refused(view: &View<'_>, action: &Action) -> bool {
    view.step(action).is_some_and(|step| matches!(step.state, StepState::Task { .. }))
}

/// When a human was seen to have blocked sign-in.
fn blocked_by_hand_at(view: &View<'_>) -> Option<Timestamp> {
    let steps = [Action::DisableAccount { pass: 1 }, on_premises()].map(|action| view.step(&action));
    let by_hand = steps.into_iter().flatten().filter(|step| step.by_hand);
    by_hand.filter_map(|step| met_at(&step.state)).max()
}

fn met_at(state: &StepState) -> Option<Timestamp> {
    if let StepState::Done { at } | StepState::Verified { at } = state { Some(*at) } else { None }
}

/// A synchronized account is disabled on-premises; what the cloud allows is done here (graph-facts 3.3).
fn cut_synchronized(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    once(view, plan, Action::RevokeSessions { pass: 1 }, &view.standing.why);
    once(view, plan, Action::RemoveMethods { pass: 1 }, &view.standing.why);
    repeat(view, actual, plan, Action::RevokeSessions { pass: 2 });
    repeat(view, actual, plan, Action::RemoveMethods { pass: 2 });
    if actual.sight.user().is_some_and(is_enabled) {
        let instructions = "disable the account and reset its password in Active Directory on-premises NOW; it is synchronized and read-only here";
        plan.ask_human(CUT_ON_PREMISES, None, view.standing.why.clone(), instructions);
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
    let Some(first) = view.step(&first) else { return };
    let Some(at) = met_at(&first.state) else { return };
    let second = view.step(&action);
    // A write of ours may not show yet.
    if second.is_some_and(|step| is_unsettled(step, view.policy, view.now)) {
        return;
    }
    let met = second.is_some_and(|step| step.state.is_met());
    let holds = match action {
        Action::DisableAccount { .. } => !actual.sight.user().is_some_and(is_enabled),
        Action::RevokeSessions { .. } => {
            // Until a human blocked sign-in, somebody may have signed in again.
            let since = view.standing.end.max(blocked_by_hand_at(view));
            since.is_none_or(|since| actual.sessions_valid_from.is_none_or(|from| from >= since))
        }
        _ => actual.has_methods != Some(true),
    };
    if holds && first.by_hand {
        return;
    }
    if met && holds {
        return;
    }
    let due = at.saturating_add(IN_FLIGHT).unwrap_or(Timestamp::MAX);
    let wait = (!met && !first.by_hand && due > view.now).then_some(Wait::Until(due));
    let why = "a call that was in flight during the cut may have given access back".to_owned();
    plan.steps.push(Planned { action, why, wait });
}

pub(super) fn delete(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    // Anything still to be cut comes first.
    if plan.steps.iter().any(|step| step.action.cuts()) {
        return;
    }
    let why = "the time the policy keeps leavers' accounts is over";
    match &actual.sight {
        Sight::Present(user) if is_synchronized(user) => {
            let instructions =
                "delete the account in Active Directory on-premises; it is synchronized and read-only here";
            plan.ask_human("delete on-premises", None, why, instructions);
        }
        Sight::Present(_) => plan.ask(Action::DeleteAccount, why),
        // One read that knows nothing of an account that nobody was seen to delete may be wrong, and nothing would look again:
        // the tenant is told, and says whether it is gone.
        Sight::Absent
            if view.person.head.account.object_id.is_some() && view.person.head.account.deleted_at.is_none() =>
        {
            once(view, plan, Action::DeleteAccount, why);
        }
        Sight::Absent | Sight::Deleted | Sight::Unknown => {}
    }
}
