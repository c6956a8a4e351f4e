//! `accounts`: the Entra account of one person — find, create, invite, update, enable, cut, restore, delete; first credential; manager.
//!
//! Two apps of this crate run side by side: one for ordinary work, one for cuts, with an identity of its own in Graph so that a cut never
//! waits behind other people's quota.

mod creation;
mod invitation;
mod manager;
pub mod matching;
mod seats;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use domain::amend::amend;
use domain::ids::ObjectId;
use domain::message::{Message, QueueName};
use domain::naming;
use domain::overlay;
use domain::person::Person;
use domain::planner::account::{self, Actual};
use domain::planner::{Sight, View};
use domain::policy::{PersonKind, Policy};
use domain::ports::{Addresses, Failure, Lines, Outcome, Vault};
use domain::step::{Action, Stage, Step, StepState};
use graph::model::MethodKind;
use graph::{Refusal, Secret, UserId};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stage::{Effect, Look, Ports, Reader, Tenant, Trouble};
use std::time::Duration;

/// What `accounts` may touch.
#[derive(Clone)]
pub struct App {
    /// The ports every stage touches.
    pub ports: Ports,
    /// Reads and writes the tenant.
    pub reader: Reader,
    /// Every address ever used.
    pub addresses: Arc<dyn Addresses>,
    /// Where first credentials are sealed.
    pub vault: Arc<dyn Vault>,
    /// Who waits for seats.
    pub lines: Arc<dyn Lines>,
}

/// Handles one message of `accounts` or `accounts-urgent`.
pub async fn handle(app: &App, message: &Message) -> Result<Outcome, Failure> {
    stage::handle(&app.ports, app, message).await
}

/// How soon an account that replicas do not show yet is looked for again.
const VISIBLE_PAUSE: Duration = Duration::from_secs(5);

#[async_trait]
impl Tenant for App {
    fn stage(&self) -> Stage {
        Stage::Accounts
    }

    fn next(&self) -> Option<QueueName> {
        Some(QueueName::Groups)
    }

    fn policy(&self) -> &Policy {
        self.reader.policy()
    }

    async fn look(&self, person: &Person) -> Result<Look, Trouble> {
        let now = self.ports.clock.now();
        let view = View::new(person, self.policy(), now);
        seats::give_back(self, &view).await?;
        let mut unread = None;
        let sight = match self.reader.sight(person, now).await {
            Err(error) if view.standing.is_cut() => {
                unread = Some(error);
                Sight::Unknown
            }
            sight => sight?,
        };
        let blind = (sight == Sight::Unknown).then_some(VISIBLE_PAUSE);
        let actual = self.actual(&view, sight, &mut unread).await?;
        Ok(Look { plan: account::plan(&view, &actual), blind, unread })
    }

    async fn carry_all(
        &self,
        person: &Person,
        steps: &[Step],
        lease: Option<Timestamp>,
    ) -> Vec<Result<Effect, Trouble>> {
        let mut answers = Vec::with_capacity(steps.len());
        for step in steps {
            answers.push(self.carry_under(person, step, lease).await);
        }
        answers
    }
}

impl App {
    async fn carry_under(&self, person: &Person, step: &Step, lease: Option<Timestamp>) -> Result<Effect, Trouble> {
        match &step.action {
            Action::CreateAccount => {
                return match seats::keep(self, person).await? {
                    Some(waits) => Ok(waits),
                    None => creation::create(self, person, lease).await,
                };
            }
            Action::InviteGuest => return invitation::invite(self, person, lease).await,
            Action::SettleCreation => return creation::settle_for_cut(self, person).await,
            Action::BindAccount { object, by } => return matching::bind(self, person, object, *by).await,
            _ => {}
        }
        let Some(id) = &person.head.account.object_id else {
            return Ok(Effect::Human("the account is not bound: report this".into(), true));
        };
        let id = UserId::from(id.as_str());
        let result = match &step.action {
            Action::IssueCredential => creation::issue_credential(self, person, &id, lease).await,
            action => self.write(person, &id, action).await,
        };
        match result {
            Err(Trouble::Graph(error)) => self.refused(person, &step.action, error),
            result => result,
        }
    }

    /// Asks the brakes once more, right before a granting call that is not the first thing its step does: reading, sealing and
    /// writing an intent down take their time. What this answers is to be told instead of making the call.
    pub(crate) async fn keep_back(
        &self,
        person: &Person,
        action: &Action,
        lease: Option<Timestamp>,
    ) -> Result<Option<Effect>, Trouble> {
        let due = stage::Due { person: &person.head.person, action, lease };
        let mut answers = stage::ask_again(&self.ports, &[due]).await;
        Ok(answers.pop().transpose()?.flatten())
    }

    /// What else of the account the plan needs to know. What a cut can do without is left out if it cannot be read.
    async fn actual(
        &self,
        view: &View<'_>,
        sight: Sight,
        unread: &mut Option<graph::Error>,
    ) -> Result<Actual, Trouble> {
        let person = view.person;
        let mut actual = Actual {
            sessions_valid_from: sight.user().and_then(sessions_valid_from),
            candidates: matching::needed(self, view, &sight).await?,
            sight,
            manager: None,
            wanted_manager: account::Manager::Unspoken,
            sponsors: None,
            has_methods: None,
        };
        let (Some(id), Sight::Present(_)) = (&person.head.account.object_id, &actual.sight) else { return Ok(actual) };
        let id = UserId::from(id.as_str());
        if !view.standing.is_cut() {
            actual.wanted_manager = manager::wanted(self, view).await?;
            if view.standing.kind == PersonKind::Guest {
                actual.sponsors = Some(self.sponsors(view, &id).await?);
                return Ok(actual);
            }
            let manager = self.reader.graph().get_manager(&id, &["id"]).await?;
            let manager = manager.and_then(|manager| manager.id.as_str().parse::<ObjectId>().ok());
            actual.manager = overlay::manager(manager, person, view.policy, view.now);
        } else if view.step(&Action::RemoveMethods { pass: 1 }).is_some_and(was_tried) {
            match self.reader.graph().authentication_methods(&id).await {
                Ok(methods) => {
                    actual.has_methods = Some(methods.iter().any(|method| method.kind() != MethodKind::Password));
                }
                Err(error) => *unread = Some(error),
            }
        }
        Ok(actual)
    }

    /// Who answers for a guest, as our writes have it.
    async fn sponsors(&self, view: &View<'_>, id: &UserId) -> Result<BTreeSet<ObjectId>, Trouble> {
        let sponsors = self.reader.graph().sponsors(id).await?;
        let mut sponsors = sponsors.iter().filter_map(|sponsor| sponsor.id.as_str().parse().ok()).collect();
        overlay::sponsors(&mut sponsors, view.person, view.policy, view.now);
        Ok(sponsors)
    }

    async fn write(&self, person: &Person, id: &UserId, action: &Action) -> Result<Effect, Trouble> {
        let graph = self.reader.graph();
        match action {
            Action::UpdateAccount { properties } => {
                let properties: Map<String, Value> = properties.clone().into_iter().collect();
                graph.patch_user(id, properties).await?;
            }
            Action::SetManager { manager } => graph.set_manager(id, &UserId::from(manager.as_str())).await?,
            Action::RemoveManager => graph.remove_manager(id).await?,
            Action::AddSponsor { sponsor } => graph.add_sponsor(id, &UserId::from(sponsor.as_str())).await?,
            Action::RemoveSponsor { sponsor } => graph.remove_sponsor(id, &UserId::from(sponsor.as_str())).await?,
            Action::EnableAccount => graph.patch_user(id, enabled(true)).await?,
            Action::DisableAccount { .. } => graph.patch_user(id, enabled(false)).await?,
            Action::RevokeSessions { .. } => graph.revoke_sessions(id).await?,
            Action::ResetPassword => {
                self.forget_credential(person, Some(self.ports.clock.now())).await?;
                // Nobody is to know it, so it is kept nowhere.
                graph.reset_password(id, &self.password()).await?;
                // If we were held up before the call, somebody who came back was given another one before this took its place.
                self.forget_credential(person, None).await?;
            }
            Action::RemoveMethods { .. } => {
                let outcome = graph.remove_authentication_methods(id).await?;
                if let Some(kept) = outcome.kept.into_iter().next() {
                    return match kept.error {
                        Some(error) if error.is_transient() => Err(error.into()),
                        _ => Ok(Effect::Human(
                            "remove this person's authentication methods in the Entra admin center".into(),
                            true,
                        )),
                    };
                }
            }
            Action::RestoreAccount => {
                graph.restore_user(id, None).await?;
                self.note_deleted(person, None).await?;
            }
            Action::DeleteAccount => {
                graph.delete_user(id).await?;
                self.note_deleted(person, Some(self.ports.clock.now())).await?;
            }
            _ => return Ok(Effect::Human("this version cannot do this step: report it".into(), false)),
        }
        Ok(Effect::done("done"))
    }

    /// Recorded before the call that makes it true: whoever comes back needs another credential, and not before the call has landed. One
    /// not yet handed out is destroyed.
    async fn forget_credential(&self, person: &Person, begun_at: Option<Timestamp>) -> Result<(), Trouble> {
        if let Some(reference) = &person.head.account.credential {
            self.vault.take(reference).await?;
        }
        amend(self.ports.roster.as_ref(), &person.head.person, |person, _| {
            person.head.account.credential = None;
            person.head.account.password_unknown = true;
            person.head.account.reset_begun_at = begun_at.or(person.head.account.reset_begun_at);
        })
        .await?;
        Ok(())
    }

    async fn note_deleted(&self, person: &Person, at: Option<Timestamp>) -> Result<(), Trouble> {
        let now = self.ports.clock.now();
        amend(self.ports.roster.as_ref(), &person.head.person, |person, _| {
            person.head.account.deleted_at = at;
            if at.is_none() {
                person.head.account.bound_at = Some(now);
            }
        })
        .await?;
        Ok(())
    }

    /// What a documented refusal means for a step; everything else is handed on.
    fn refused(&self, person: &Person, action: &Action, error: graph::Error) -> Result<Effect, Trouble> {
        let cuts = action.is_urgent();
        match error.refusal() {
            Some(Refusal::NotFound) if self.is_young(person) => Ok(Effect::Later(VISIBLE_PAUSE)),
            Some(Refusal::NotFound) if matches!(action, Action::DeleteAccount) => {
                Ok(Effect::done("it was gone already"))
            }
            Some(Refusal::NotFound) if cuts => {
                let instructions = "the tenant does not know this account any more: make sure that it is gone for good";
                Ok(Effect::Human(instructions.into(), true))
            }
            Some(Refusal::InsufficientPrivileges) => {
                let instructions = "Graph refuses: the person may hold an administrator role, or Joinery lacks a permission; do this step by hand. It is looked at again, and closes once it is seen to be done";
                Ok(Effect::Human(instructions.into(), cuts))
            }
            Some(Refusal::ReadOnlySynced) => Ok(Effect::Human(
                "the account is synchronized: do this step in Active Directory on-premises".into(),
                cuts,
            )),
            Some(refusal @ (Refusal::BadValue { .. } | Refusal::MissingValue { .. })) => {
                Ok(Effect::Human(format!("the tenant says: {refusal}; correct it in HR"), cuts))
            }
            Some(Refusal::UpnTaken | Refusal::ObjectConflict { .. }) => {
                let instructions = "another object holds one of this account's addresses: free the address, or restore the account under another name by hand";
                Ok(Effect::Human(instructions.into(), cuts))
            }
            _ => Err(Trouble::Graph(error)),
        }
    }

    fn is_young(&self, person: &Person) -> bool {
        let settle = overlay::settling(self.policy());
        let now = self.ports.clock.now();
        person.head.account.bound_at.and_then(|at| at.checked_add(settle).ok()).is_some_and(|until| until > now)
    }

    /// A password nobody has seen.
    pub(crate) fn password(&self) -> Secret {
        let bytes = self.ports.entropy.bytes();
        let mut random = [0; 24];
        random.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        Secret::new(naming::password(&random))
    }
}

/// Whether a step was done, or refused to us so that a human may have done it.
fn was_tried(step: &Step) -> bool {
    step.state.is_met() || matches!(step.state, StepState::Task { .. })
}

fn enabled(enabled: bool) -> Map<String, Value> {
    Map::from_iter([("accountEnabled".to_owned(), json!(enabled))])
}

fn sessions_valid_from(user: &Map<String, Value>) -> Option<Timestamp> {
    user.get("signInSessionsValidFromDateTime").and_then(Value::as_str)?.parse().ok()
}
