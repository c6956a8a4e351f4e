//! `groups`: memberships of one person. Not of the groups that carry licenses: those are written by `licenses` only.

use std::time::Duration;

use async_trait::async_trait;
use domain::ledger::Origin;
use domain::message::{Message, QueueName};
use domain::person::Person;
use domain::planner::groups::{self, Refusal as GroupRefusal};
use domain::planner::{Sight, View};
use domain::policy::Policy;
use domain::ports::{Failure, Outcome};
use domain::step::{Action, Stage, Step};
use graph::{GroupId, Refusal, UserId};
use stage::{Effect, Look, Ports, Reader, Tenant, Trouble};

/// What `groups` may touch.
#[derive(Clone)]
pub struct App {
    /// The ports every stage touches.
    pub ports: Ports,
    /// Reads and writes the tenant.
    pub reader: Reader,
}

/// Handles one message of `groups`.
pub async fn handle(app: &App, message: &Message) -> Result<Outcome, Failure> {
    stage::handle(&app.ports, app, message).await
}

/// How soon an account that replicas do not show yet is looked for again.
const VISIBLE_PAUSE: Duration = Duration::from_secs(5);

#[async_trait]
impl Tenant for App {
    fn stage(&self) -> Stage {
        Stage::Groups
    }

    fn next(&self) -> Option<QueueName> {
        Some(QueueName::Licenses)
    }

    fn policy(&self) -> &Policy {
        self.reader.policy()
    }

    async fn look(&self, person: &Person) -> Result<Look, Trouble> {
        let now = self.ports.clock.now();
        let Some(id) = &person.head.account.object_id else { return Ok(Look::default()) };
        let user = match self.reader.sight(person, now).await? {
            Sight::Present(user) => user,
            Sight::Unknown => return Ok(Look { blind: Some(VISIBLE_PAUSE), ..Look::default() }),
            Sight::Absent | Sight::Deleted => return Ok(Look::default()),
        };
        let actual = self.reader.actual(person, id, user, now).await?;
        let view = View::new(person, self.policy(), now);
        Ok(Look { plan: groups::plan(&view, &actual), blind: None })
    }

    async fn carry(&self, person: &Person, step: &Step) -> Result<Effect, Trouble> {
        let Some(user) = &person.head.account.object_id else { return Ok(Effect::Later(VISIBLE_PAUSE)) };
        let user = UserId::from(user.as_str());
        let graph = self.reader.graph();
        match &step.action {
            Action::AddMember { group } => {
                added(graph.add_member(&GroupId::from(group.as_str()), &user).await, step.attempts)
            }
            Action::RemoveMember { group } => removed(graph.remove_member(&GroupId::from(group.as_str()), &user).await),
            _ => Ok(Effect::Human("this version cannot do this step: report it".into(), false)),
        }
    }
}

/// What an addition came to. "Already a member" at the first attempt means that somebody else was there before us;
/// later, that an earlier call of ours took effect although it failed.
fn added(result: Result<(), graph::Error>, attempts: u32) -> Result<Effect, Trouble> {
    let Err(error) = result else { return Ok(Effect::done("added")) };
    match error.refusal() {
        Some(Refusal::AlreadyMember) if attempts <= 1 => {
            Ok(Effect::Done("was a member already".into(), Some(Origin::PreExisting)))
        }
        Some(Refusal::AlreadyMember) => Ok(Effect::done("an earlier call had added it")),
        Some(Refusal::NotFound) => Ok(Effect::Later(VISIBLE_PAUSE)),
        _ => refused(error),
    }
}

/// What a removal came to: "not found" is what was wanted.
fn removed(result: Result<(), graph::Error>) -> Result<Effect, Trouble> {
    let Err(error) = result else { return Ok(Effect::done("removed")) };
    match error.refusal() {
        Some(Refusal::NotFound) => Ok(Effect::done("was no member any more")),
        _ => refused(error),
    }
}

/// A group that turned out to be of another kind than it looked.
fn refused(error: graph::Error) -> Result<Effect, Trouble> {
    let kind = match error.refusal() {
        Some(Refusal::MailEnabledGroup) => GroupRefusal::MailEnabled,
        Some(Refusal::ReadOnlySynced) => GroupRefusal::Synchronized,
        Some(Refusal::InsufficientPrivileges) => {
            let instructions = "Graph refuses: the group is dynamic or gives directory roles, or Joinery lacks a permission; do this step by hand";
            return Ok(Effect::Human(instructions.into(), false));
        }
        _ => return Err(error.into()),
    };
    Ok(Effect::Human(kind.instructions().into(), false))
}
