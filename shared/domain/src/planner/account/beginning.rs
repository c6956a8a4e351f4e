//! Somebody who has no account: one that is there is theirs, or one is made, or a guest is invited; never two.

use super::{Actual, Plan, Sight, View};
use crate::guest;
use crate::lifecycle::Want;
use crate::matching::{self, Verdict};
use crate::policy::PersonKind;
use crate::step::Action;

/// Whether planning needs to know which accounts may be this person's.
pub fn needs_candidates(view: &View<'_>, sight: &Sight) -> bool {
    let account = &view.person.head.account;
    let has_none = account.object_id.is_none() || account.deleted_at.is_some();
    *sight == Sight::Absent && has_none && !account.is_being_made() && wants_account(view)
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
                    matching::FoundBy::Anchor => "it carries this person's mark",
                    matching::FoundBy::Confirmation => "it was confirmed to be this person's",
                    matching::FoundBy::EmployeeId => {
                        "it alone has this employee number, and the policy lets that count"
                    }
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
