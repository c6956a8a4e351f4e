//! Steps: the planner's words for what must happen in the tenant, each with a state.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{ObjectId, PersonId, PlanId, SkuId, hex_sha256};
use crate::matching::FoundBy;

/// The task of confirming that an account that was there before us may be cut.
pub const CONFIRM_CUT: &str = "confirm whose account it is before access is cut";

/// The function that carries a step out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The account.
    #[default]
    Accounts,
    /// Memberships of groups that carry no license.
    Groups,
    /// Licenses, and memberships of groups that carry them.
    Licenses,
}

/// What must happen. Serialized form is stored; values in it are personal data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Create the account, disabled.
    CreateAccount,
    /// Invite as a guest. The invited person gets a mail, if the policy says so; a repeated invitation makes no second guest.
    InviteGuest,
    /// Find out whether an account creation or invitation that is still open took effect, without creating anything.
    SettleCreation,
    /// Take an account that is there as this person's.
    BindAccount {
        /// The account.
        object: ObjectId,
        /// By what it was found.
        by: FoundBy,
    },
    /// Bring the account back from the deleted items.
    RestoreAccount,
    /// Write properties of the account.
    UpdateAccount {
        /// Graph names and the values they shall have; null clears.
        properties: BTreeMap<String, Value>,
    },
    /// Set the manager.
    SetManager {
        /// The manager's account.
        manager: ObjectId,
    },
    /// Take the manager away.
    RemoveManager,
    /// Name somebody who answers for a guest.
    AddSponsor {
        /// The sponsor's account.
        sponsor: ObjectId,
    },
    /// Take back a sponsor we named.
    RemoveSponsor {
        /// The sponsor's account.
        sponsor: ObjectId,
    },
    /// Let the person sign in.
    EnableAccount,
    /// Block sign-in. A cut does it twice: at once, and again after the longest call that may have been in flight.
    DisableAccount {
        /// 1 is at once; 2 is the repetition.
        pass: u8,
    },
    /// Invalidate refresh tokens and session cookies.
    RevokeSessions {
        /// As for disabling.
        pass: u8,
    },
    /// Set a random password nobody knows. At least once: it cannot be read back.
    ResetPassword,
    /// Set a new first password, sealed for hand-over, that must be replaced at the first sign-in: for somebody who comes
    /// back, and whose password was reset when they left. At least once: it cannot be read back.
    IssueCredential,
    /// Remove the authentication methods.
    RemoveMethods {
        /// As for disabling.
        pass: u8,
    },
    /// Delete the account (it stays restorable for 30 days).
    DeleteAccount,
    /// Add to a group that carries no license.
    AddMember {
        /// The group.
        group: ObjectId,
    },
    /// Remove from a group that carries no license.
    RemoveMember {
        /// The group.
        group: ObjectId,
    },
    /// Assign a license directly, or change its disabled plans.
    AssignLicense {
        /// The product.
        sku: SkuId,
        /// Service plans of it that stay off.
        disabled_plans: Vec<PlanId>,
    },
    /// Remove a directly assigned license.
    RemoveLicense {
        /// The product.
        sku: SkuId,
    },
    /// Add to a group that carries licenses.
    JoinCarrier {
        /// The group.
        group: ObjectId,
        /// The products it brings.
        skus: Vec<SkuId>,
    },
    /// Remove from a group that carries licenses.
    LeaveCarrier {
        /// The group.
        group: ObjectId,
        /// The products that go with it.
        skus: Vec<SkuId>,
    },
    /// Ask Entra to look again at the licenses that groups give this person.
    ReprocessLicenses {
        /// The group whose license did not arrive.
        group: ObjectId,
        /// The products it should bring.
        skus: Vec<SkuId>,
    },
    /// Something only a human can do.
    ByHand {
        /// The stage that asks for it, and sees when it is no longer needed.
        stage: Stage,
        /// Which of the things, a short stable word.
        what: String,
        /// The object it is about, if any.
        object: Option<String>,
    },
}

impl Action {
    /// Which function carries it out.
    pub fn stage(&self) -> Stage {
        match self {
            Self::AddMember { .. } | Self::RemoveMember { .. } => Stage::Groups,
            Self::AssignLicense { .. }
            | Self::RemoveLicense { .. }
            | Self::JoinCarrier { .. }
            | Self::LeaveCarrier { .. }
            | Self::ReprocessLicenses { .. } => Stage::Licenses,
            Self::ByHand { stage, .. } => *stage,
            _ => Stage::Accounts,
        }
    }

    /// Whether it gives access, and so runs under the lease with the fence read just before it (invariant 8).
    pub fn grants(&self) -> bool {
        matches!(
            self,
            Self::EnableAccount
                | Self::IssueCredential
                | Self::RestoreAccount
                | Self::CreateAccount
                | Self::InviteGuest
                | Self::AddMember { .. }
                | Self::AssignLicense { .. }
                | Self::JoinCarrier { .. }
                | Self::ReprocessLicenses { .. }
        )
    }

    /// Whether it is part of cutting access, which `stop` does not hold.
    pub fn cuts(&self) -> bool {
        matches!(
            self,
            Self::DisableAccount { .. }
                | Self::RevokeSessions { .. }
                | Self::ResetPassword
                | Self::RemoveMethods { .. }
        )
    }

    /// Whether it must not wait for somebody to look at a list: access that only a human can cut.
    pub fn is_urgent(&self) -> bool {
        self.cuts() || self.is_cut_by_hand() || matches!(self, Self::ByHand { what, .. } if what == CONFIRM_CUT)
    }

    /// Whether it is a cut that only a human can make: read back like our own.
    pub fn is_cut_by_hand(&self) -> bool {
        matches!(self, Self::ByHand { what, .. } if what.starts_with("cut "))
    }

    /// A short phrase for people: what it does and to which object, never a value.
    pub fn phrase(&self) -> String {
        match self {
            Self::CreateAccount => "create the account, disabled".into(),
            Self::InviteGuest => "invite as a guest".into(),
            Self::SettleCreation => "find out whether the account was created".into(),
            Self::BindAccount { object, .. } => format!("take account {object} as this person's"),
            Self::RestoreAccount => "restore the deleted account".into(),
            Self::UpdateAccount { properties } => {
                format!("write {}", properties.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
            }
            Self::SetManager { manager } => format!("set manager {manager}"),
            Self::RemoveManager => "remove the manager".into(),
            Self::AddSponsor { sponsor } => format!("add sponsor {sponsor}"),
            Self::RemoveSponsor { sponsor } => format!("remove sponsor {sponsor}"),
            Self::EnableAccount => "enable sign-in".into(),
            Self::DisableAccount { pass: 1 } => "block sign-in".into(),
            Self::DisableAccount { .. } => "block sign-in again".into(),
            Self::RevokeSessions { pass: 1 } => "revoke sessions".into(),
            Self::RevokeSessions { .. } => "revoke sessions again".into(),
            Self::ResetPassword => "reset the password".into(),
            Self::IssueCredential => "issue a first credential".into(),
            Self::RemoveMethods { .. } => "remove authentication methods".into(),
            Self::DeleteAccount => "delete the account".into(),
            Self::AddMember { group } => format!("add to group {group}"),
            Self::RemoveMember { group } => format!("remove from group {group}"),
            Self::AssignLicense { sku, .. } => format!("assign license {sku}"),
            Self::RemoveLicense { sku } => format!("remove license {sku}"),
            Self::JoinCarrier { group, .. } => format!("add to license group {group}"),
            Self::LeaveCarrier { group, .. } => format!("remove from license group {group}"),
            Self::ReprocessLicenses { group, .. } => format!("reprocess the licenses of group {group}"),
            Self::ByHand { what, .. } => format!("by hand: {what}"),
        }
    }
}

/// A step's id: from its content, the person's generation and the round.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(String);

impl StepId {
    /// Derives the id. The same need in the same generation is the same step, however often it is planned.
    pub fn derive(person: &PersonId, generation: u32, action: &Action) -> Self {
        let content = serde_json::to_string(action).unwrap_or_default();
        let hash = hex_sha256(&[&person.to_string(), "|", &generation.to_string(), "|", &content]);
        Self(hash.chars().take(24).collect())
    }

    /// The id as hex text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for StepId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A step with its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its id.
    pub id: StepId,
    /// The person's generation it belongs to.
    pub generation: u32,
    /// How often the same need has come up again after it was met; the first time is 1.
    pub round: u32,
    /// What to do.
    pub action: Action,
    /// Why, in plain words.
    pub why: String,
    /// Where it stands.
    pub state: StepState,
    /// Calls begun in this round.
    pub attempts: u32,
    /// When somebody should look at it again.
    pub wake_at: Option<Timestamp>,
    /// Whether the tenant refused it to us and somebody else did it.
    #[serde(default)]
    pub by_hand: bool,
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// Planned.
    Pending,
    /// The call was about to be made, or is being made.
    Running {
        /// Since when.
        since: Timestamp,
    },
    /// The tenant acknowledged it.
    Done {
        /// When.
        at: Timestamp,
    },
    /// Two settled reads agree that it is so.
    Verified {
        /// When.
        at: Timestamp,
    },
    /// It waits for something, and that is no failure.
    Waiting {
        /// For what, in plain words.
        why: String,
        /// For a seat of this product, if that is it.
        sku: Option<SkuId>,
        /// Since when: the place in the line.
        since: Timestamp,
    },
    /// It was refused or got no answer, and will be tried again at the step's `wake_at`.
    Failed {
        /// What was wrong, in plain words.
        why: String,
    },
    /// A human must act.
    Task {
        /// What to do, in plain words.
        instructions: String,
    },
}

impl StepState {
    /// A single word for lists.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running { .. } => "running",
            Self::Done { .. } => "done",
            Self::Verified { .. } => "verified",
            Self::Waiting { .. } => "waiting",
            Self::Failed { .. } => "failed",
            Self::Task { .. } => "task",
        }
    }

    /// Whether the tenant has acknowledged it.
    pub fn is_met(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Verified { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{BOSS, E3, SALES, VISIO};

    fn every_action() -> Vec<Action> {
        let (group, sku, manager) =
            (SALES.parse::<ObjectId>().unwrap(), E3.parse::<SkuId>().unwrap(), BOSS.parse().unwrap());
        let skus = vec![sku.clone()];
        vec![
            Action::CreateAccount,
            Action::InviteGuest,
            Action::SettleCreation,
            Action::BindAccount { object: BOSS.parse().unwrap(), by: FoundBy::Confirmation },
            Action::AddSponsor { sponsor: BOSS.parse().unwrap() },
            Action::RemoveSponsor { sponsor: BOSS.parse().unwrap() },
            Action::RestoreAccount,
            Action::UpdateAccount { properties: [("jobTitle".to_owned(), Value::String("Secret".into()))].into() },
            Action::SetManager { manager },
            Action::RemoveManager,
            Action::EnableAccount,
            Action::DisableAccount { pass: 1 },
            Action::DisableAccount { pass: 2 },
            Action::RevokeSessions { pass: 1 },
            Action::RevokeSessions { pass: 2 },
            Action::ResetPassword,
            Action::IssueCredential,
            Action::RemoveMethods { pass: 1 },
            Action::RemoveMethods { pass: 2 },
            Action::DeleteAccount,
            Action::AddMember { group: group.clone() },
            Action::RemoveMember { group: group.clone() },
            Action::AssignLicense { sku: sku.clone(), disabled_plans: Vec::new() },
            Action::RemoveLicense { sku },
            Action::JoinCarrier { group: group.clone(), skus: skus.clone() },
            Action::LeaveCarrier { group: group.clone(), skus: skus.clone() },
            Action::ReprocessLicenses { group, skus },
        ]
    }

    #[test]
    fn the_same_need_is_the_same_step_and_join_leave_rejoin_are_three() {
        let person = "hr:7".parse().unwrap();
        let mut ids: Vec<_> = every_action().iter().map(|action| StepId::derive(&person, 0, action)).collect();
        assert_eq!(ids, every_action().iter().map(|action| StepId::derive(&person, 0, action)).collect::<Vec<_>>());
        let join = Action::AddMember { group: SALES.parse().unwrap() };
        ids.extend([
            StepId::derive(&person, 1, &join),
            StepId::derive(&person, 2, &join),
            StepId::derive(&"hr:8".parse().unwrap(), 0, &join),
        ]);
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn a_stored_action_keeps_its_form_for_step_ids_derive_from_it() {
        let join = Action::JoinCarrier { group: SALES.parse().unwrap(), skus: vec![VISIO.parse().unwrap()] };
        let stored = format!(r#"{{"action":"join_carrier","group":"{SALES}","skus":["{VISIO}"]}}"#);
        assert_eq!(serde_json::to_string(&join).unwrap(), stored);
        for action in every_action() {
            let stored = serde_json::to_string(&action).unwrap();
            assert_eq!(serde_json::from_str::<Action>(&stored).unwrap(), action, "{stored}");
        }
    }

    #[test]
    fn no_action_both_grants_and_cuts_and_every_cut_is_urgent() {
        for action in every_action() {
            assert!(!(action.grants() && action.cuts()), "{action:?}");
            assert!(!action.cuts() || action.is_urgent(), "{action:?}");
        }
    }

    #[test]
    fn a_phrase_names_objects_and_never_values() {
        for action in every_action() {
            assert!(!action.phrase().is_empty() && !action.phrase().contains("Secret"), "{}", action.phrase());
        }
    }
}
