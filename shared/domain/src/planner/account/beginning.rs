//! Somebody who has no account: one that is there is theirs, or one is made, or a guest is invited; never two.

use super::{Actual, Plan, Sight, View};
use crate::guest;
use crate::lifecycle::Want;
use crate::matching::{self, FoundBy, Verdict};
use crate::policy::PersonKind;
use crate::step::Action;

/// Whether planning needs to know which accounts may be this person's.
pub fn needs_candidates(view: &View<'_>, sight: &Sight) -> bool {
    let account = &view.person.head.account;
    let has_none = account.object_id.is_none() || account.deleted_at.is_some();
    // A leaver of whom nothing else was ever heard may have an account all the same: it is looked for, to be cut.
    let is_unknown_leaver = view.standing.is_cut() && account.object_id.is_none();
    *sight == Sight::Absent && has_none && !account.is_being_made() && (wants_account(view) || is_unknown_leaver)
}

/// Nobody is invited before their first day: the mail would come, and let them in.
fn wants_account(view: &View<'_>) -> bool {
    match view.standing.want {
        Want::Enabled => view.standing.kind != PersonKind::None,
        Want::Disabled => view.standing.kind == PersonKind::Tenant,
        Want::Nothing | Want::Cut | Want::Deleted => false,
    }
}

/// Finds, creates or invites.
pub(super) fn begin(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    let account = &view.person.head.account;
    let is_guest = view.standing.kind == PersonKind::Guest;
    // What was begun for another kind of person is settled first.
    if (is_guest && account.intent.is_some()) || (!is_guest && account.invitation.is_some()) {
        settle(view, plan);
    } else if account.is_being_made() {
        make(view, plan);
    } else if wants_account(view) {
        match matching::decide(view, &actual.candidates) {
            Verdict::Free => make(view, plan),
            Verdict::Bind(object, by) => {
                let why = match by {
                    FoundBy::Anchor => "it carries this person's mark",
                    FoundBy::Confirmation => "it was confirmed to be this person's",
                    FoundBy::EmployeeId => "it alone has this employee number, and the policy lets that count",
                };
                plan.ask(Action::BindAccount { object, by }, why);
            }
            Verdict::Ask(candidates) => {
                let instructions = matching::instructions(view, &candidates);
                let why = format!("{}, and an account that is there may be theirs", view.standing.why);
                plan.ask_human("match an existing account", None, why, instructions);
            }
        }
    }
}

/// Somebody whose access must be off and of whom no account is known: one that is theirs is taken, to be cut; one that may be theirs is
/// a human's to cut.
pub(super) fn find_to_cut(view: &View<'_>, actual: &Actual, plan: &mut Plan) {
    settle(view, plan);
    if view.person.head.account.is_being_made() {
        return;
    }
    match matching::decide(view, &actual.candidates) {
        Verdict::Free => {}
        Verdict::Bind(object, by) if by != FoundBy::EmployeeId => {
            plan.ask(Action::BindAccount { object, by }, "it is this person's, whose access ended");
        }
        Verdict::Bind(..) | Verdict::Ask(_) => {
            let instructions = matching::instructions(view, &actual.candidates);
            plan.ask_human(CUT_UNMATCHED, None, view.standing.why.clone(), instructions);
        }
    }
}

/// The task of cutting an account that may be a leaver's.
const CUT_UNMATCHED: &str = "cut an account that may be theirs";

/// Asks what became of a call that may have made an account.
pub(super) fn settle(view: &View<'_>, plan: &mut Plan) {
    let account = &view.person.head.account;
    if account.object_id.is_none() && account.is_being_made() {
        plan.ask(Action::SettleCreation, "an account creation or invitation is still open");
    }
}

fn make(view: &View<'_>, plan: &mut Plan) {
    if view.standing.kind != PersonKind::Guest {
        plan.ask(Action::CreateAccount, format!("{}, and has no account", view.standing.why));
        return;
    }
    match guest::address(view.person, &view.standing, view.policy) {
        Ok(_) => plan.ask(Action::InviteGuest, format!("{}, and is a guest", view.standing.why)),
        Err((path, fault)) => {
            let instructions = format!("`{path}` {}: {}", fault.problem, fault.fix);
            plan.ask_human("correct the HR record", None, "no invitation can be sent", instructions);
        }
    }
}
