//! Who may touch whom. Sources: "Who can perform sensitive actions" in "user resource type"; "Delete user" and "Restore deleted
//! item": an application needs, beside its permission, a directory role that is above the target's.

use crate::entity::User;
use crate::history::View;
use crate::ids::Guid;
use crate::refusal::Refusal;
use crate::state::State;
use crate::wire::App;

/// Writing one of these is a sensitive action; so are deleting and restoring.
const SENSITIVE: &[&str] = &[
    "accountEnabled",
    "businessPhones",
    "mobilePhone",
    "onPremisesImmutableId",
    "otherMails",
    "passwordProfile",
    "userPrincipalName",
];

/// Roles whose holders everybody in the table may act on.
const HARMLESS: &[&str] = &[
    "Directory Readers",
    "Guest Inviter",
    "Message Center Reader",
    "Password Administrator",
    "Reports Reader",
    "Usage Summary Reports Reader",
];

/// Roles whose holders a User Administrator may act on, beside the harmless ones.
const BELOW_USER_ADMINISTRATOR: &[&str] = &["Groups Administrator", "Helpdesk Administrator", "User Administrator"];

/// Roles that may act on everybody.
const ABOVE_ALL: &[&str] = &["Global Administrator", "Privileged Authentication Administrator"];

/// Whether a property is among those that not everybody may write on everybody.
pub(crate) fn is_sensitive(property: &str) -> bool {
    SENSITIVE.contains(&property)
}

/// Whether a sensitive action on this user is this application's to take. Without a directory role it may act on those only
/// who have none either.
pub(crate) fn check(state: &State, app: &App, id: Guid, user: &User) -> Result<(), Refusal> {
    let has = |wanted: &[&str]| app.directory_roles.iter().any(|role| wanted.contains(&role.as_str()));
    let all = |known: &[&str]| {
        user.roles.iter().all(|role| HARMLESS.contains(&role.as_str()) || known.contains(&role.as_str()))
    };
    let in_role_group = in_role_assignable_group(state, id);
    let may = (user.roles.is_empty() && !in_role_group)
        || has(ABOVE_ALL)
        || (!in_role_group && has(&["User Administrator"]) && all(BELOW_USER_ADMINISTRATOR))
        || (!in_role_group && has(&["Authentication Administrator"]) && all(&["Authentication Administrator"]));
    if may { Ok(()) } else { Err(Refusal::denied()) }
}

/// Members and owners of role-assignable groups count as administrators, whatever the group gives them.
fn in_role_assignable_group(state: &State, id: Guid) -> bool {
    state.live_groups(View::PRIMARY).any(|(_, group)| {
        group.flag("isAssignableToRole") && (group.members.contains(&id) || group.owners.contains(&id))
    })
}
