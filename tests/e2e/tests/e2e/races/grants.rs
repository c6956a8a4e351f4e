//! For each action that grants, a world in which it is about to be carried out, and a dismissal has just been said.

use domain::message::QueueName;
use domain::step::Action;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::runner::Race;
use crate::world::{Setup, World, joiner};

/// Who is granted something, and is dismissed.
pub(crate) const PERSON: &str = "hr:1";
/// Where a guest is invited.
pub(crate) const ADDRESS: &str = "gu.est@elsewhere.example";
const BI: &str = "f8a1db68-be16-40ed-86d5-cb42ce701560";
const BI_CARRIER: &str = "10000000-0000-0000-0000-000000000004";

/// What is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    Create,
    Invite,
    Enable,
    Credential,
    Restore,
    Member,
    License,
    Carrier,
    Reprocess,
}

/// The scenario of an action. Whoever adds an action has to say here whether it grants, and to add a scenario if it does.
pub(crate) fn scenario_of(action: &Action) -> Option<Grant> {
    match action {
        Action::CreateAccount => Some(Grant::Create),
        Action::InviteGuest => Some(Grant::Invite),
        Action::EnableAccount => Some(Grant::Enable),
        Action::IssueCredential => Some(Grant::Credential),
        Action::RestoreAccount => Some(Grant::Restore),
        Action::AddMember { .. } => Some(Grant::Member),
        Action::AssignLicense { .. } => Some(Grant::License),
        Action::JoinCarrier { .. } => Some(Grant::Carrier),
        Action::ReprocessLicenses { .. } => Some(Grant::Reprocess),
        Action::SettleCreation
        | Action::BindAccount { .. }
        | Action::UpdateAccount { .. }
        | Action::SetManager { .. }
        | Action::RemoveManager
        | Action::AddSponsor { .. }
        | Action::RemoveSponsor { .. }
        | Action::DisableAccount { .. }
        | Action::RevokeSessions { .. }
        | Action::ResetPassword
        | Action::RemoveMethods { .. }
        | Action::DeleteAccount
        | Action::RemoveMember { .. }
        | Action::RemoveLicense { .. }
        | Action::LeaveCarrier { .. }
        | Action::ByHand { .. } => None,
    }
}

impl Grant {
    /// The queue whose next message makes a worker carry it out.
    pub(crate) fn queue(self) -> QueueName {
        match self {
            Self::Create | Self::Invite | Self::Enable | Self::Credential | Self::Restore => QueueName::Accounts,
            Self::Member => QueueName::Groups,
            Self::License | Self::Carrier | Self::Reprocess => QueueName::Licenses,
        }
    }

    /// The world just before.
    pub(crate) async fn is_near(self) -> World {
        let world = self.prepared().await;
        work_up_to(&world, self.queue()).await;
        world
    }

    async fn prepared(self) -> World {
        // Whatever the ledger does not know stays with a leaver: so it must know everything.
        let (from, to) = ("delete_days_after = 30", "delete_days_after = 30\nleavers_keep_preexisting = true");
        let world = Setup::new().with_policy(from, to).build();
        let employed = joiner("Ada", "Lovelace", "Nowhere", "2026-02-02");
        if !matches!(self, Self::Create | Self::Invite | Self::Enable) {
            world.hear("1", &employed).await;
            world.run_for_minutes(30).await;
        }
        match self {
            Self::Create => drop(world.hear("1", &joiner("Ada", "Lovelace", "Sales", "2026-03-09")).await),
            Self::Invite => {
                let mut guest = joiner("Gu", "Est", "Sales", "2026-02-02");
                guest["employment.type"] = json!("external");
                guest["contact.work_email"] = json!(ADDRESS);
                world.hear("1", &guest).await;
            }
            Self::Enable => {
                world.hear("1", &joiner("Ada", "Lovelace", "Nowhere", "2026-03-03")).await;
                world.run_until("2026-03-03T04:59:00Z".parse().unwrap()).await;
                world.pass(SignedDuration::from_mins(2));
                world.sweep().await;
            }
            Self::Credential => {
                world.hear("1", &json!({"termination.immediate": true})).await;
                world.run_for_minutes(30).await;
                world.hear("1", &joiner("Ada", "Lovelace", "Nowhere", "2026-03-02")).await;
            }
            Self::Restore => {
                let id = world.account(PERSON)["id"].as_str().unwrap().to_owned();
                world.by_hand(&Method::DELETE, &format!("/users/{id}"), &Value::Null);
                world.run_for_minutes(1).await;
                world.hear("1", &json!({"org.job.title": "Countess"})).await;
            }
            Self::Member | Self::License => drop(world.hear("1", &json!({"org.department.name": "Sales"})).await),
            Self::Carrier => drop(world.hear("1", &json!({"org.department.name": "Engineering"})).await),
            Self::Reprocess => unlicensed(&world).await,
        }
        world
    }
}

/// A member of the carrier group whom Entra could not license, for want of a seat that has come since.
async fn unlicensed(world: &World) {
    world.hear("1", &json!({"org.department.name": "Engineering"})).await;
    world.run_for_minutes(30).await;
    let id = world.account(PERSON)["id"].as_str().unwrap().to_owned();
    world.control("seats", &json!({BI: 0}));
    world.by_hand(&Method::DELETE, &format!("/groups/{BI_CARRIER}/members/{id}/$ref"), &Value::Null);
    world.pass(SignedDuration::from_mins(1));
    let member = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")});
    world.by_hand(&Method::POST, &format!("/groups/{BI_CARRIER}/members/$ref"), &member);
    world.pass(SignedDuration::from_mins(1));
    world.control("seats", &json!({BI: 5}));
    world.hear("1", &json!({"org.job.title": "Engineer"})).await;
}

/// HR dismisses the person, a moment later.
pub(crate) async fn dismiss(world: &World) {
    world.pass(SignedDuration::from_secs(1));
    world.hear("1", &json!({"termination.immediate": true})).await;
}

/// Works until a queue has something, and on nothing of it.
pub(crate) async fn work_up_to(world: &World, queue: QueueName) {
    for _ in 0..20 {
        if world.store.depth(queue).unwrap() > 0 {
            return;
        }
        for other in QueueName::ALL.into_iter().filter(|other| *other != queue) {
            world.work_on(other).await;
        }
    }
    panic!("nothing comes to {queue}:\n{}", world.dump().await);
}

/// Left alone, A carries out what the scenario is about.
pub(crate) async fn assert_grants(grant: Grant, race: Race<'_>) {
    let (world, trace) = race.run(&"a.".parse().unwrap()).await;
    let person = world.person(PERSON).await;
    let mut met = person.steps.values().filter(|step| step.state.is_met());
    assert!(met.any(|step| scenario_of(&step.action) == Some(grant)), "{grant:?} is not done:\n{}", trace.told());
}
