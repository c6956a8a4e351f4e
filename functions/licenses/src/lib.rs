//! `licenses`: licenses of one person, direct or by carrier group.
//!
//! A person's license work is one message group, so parallel `assignLicense` calls for one user never happen. Who waits for a seat is
//! looked at again when a leaver frees one, and every quarter of an hour.

use std::time::Duration;

use async_trait::async_trait;
use domain::amend::amend;
use domain::ids::SkuId;
use domain::ledger::Origin;
use domain::message::{Message, QueueName};
use domain::overlay;
use domain::person::Person;
use domain::planner::licenses::{self, Actual};
use domain::planner::{Sight, View};
use domain::policy::Policy;
use domain::ports::{Failure, Outcome, StoreError};
use domain::step::{Action, Stage, Step, StepState};
use graph::{GroupId, License, Refusal, UserId};
use stage::{Effect, Look, Ports, Reader, Tenant, Trouble};

/// What `licenses` may touch.
#[derive(Clone)]
pub struct App {
    /// The ports every stage touches.
    pub ports: Ports,
    /// Reads and writes the tenant.
    pub reader: Reader,
}

/// Handles one message of `licenses`.
pub async fn handle(app: &App, message: &Message) -> Result<Outcome, Failure> {
    stage::handle(&app.ports, app, message).await
}

/// How soon something that replicas do not show yet is looked for again.
const VISIBLE_PAUSE: Duration = Duration::from_secs(5);
/// How many waiting people one freed seat wakes: more than one, for the first may have found another or need none.
const WOKEN_PER_SEAT_MAX: usize = 5;

#[async_trait]
impl Tenant for App {
    fn stage(&self) -> Stage {
        Stage::Licenses
    }

    fn next(&self) -> Option<QueueName> {
        None
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
        let groups = self.reader.actual(person, id, user, now).await?;
        let seats = self.reader.seats().await?;
        let view = View::new(person, self.policy(), now);
        let actual = Actual { groups, seats };
        Ok(Look { plan: licenses::plan(&view, &actual), blind: None })
    }

    async fn carry(&self, person: &Person, step: &Step) -> Result<Effect, Trouble> {
        let Some(user) = &person.head.account.object_id else { return Ok(Effect::Later(VISIBLE_PAUSE)) };
        let user = UserId::from(user.as_str());
        let graph = self.reader.graph();
        match &step.action {
            Action::AssignLicense { sku, disabled_plans } => {
                let disabled_plans = disabled_plans.iter().map(ToString::to_string).collect();
                let add = [License { sku: graph::SkuId::from(sku.as_str()), disabled_plans }];
                self.given(graph.assign_license(&user, &add, &[]).await, "assigned", std::slice::from_ref(sku), step)
                    .await
            }
            Action::RemoveLicense { sku } => {
                let remove = [graph::SkuId::from(sku.as_str())];
                self.taken(person, graph.assign_license(&user, &[], &remove).await, std::slice::from_ref(sku)).await
            }
            Action::JoinCarrier { group, skus } => {
                let result = graph.add_member(&GroupId::from(group.as_str()), &user).await;
                self.given(result, "added", skus, step).await
            }
            Action::LeaveCarrier { group, skus } => {
                let result = graph.remove_member(&GroupId::from(group.as_str()), &user).await;
                self.taken(person, result, skus).await
            }
            Action::ReprocessLicenses { skus, .. } => {
                self.given(graph.reprocess(&user).await, "reprocessing requested", skus, step).await
            }
            _ => Ok(Effect::Human("this version cannot do this step: report it".into(), false)),
        }
    }
}

impl App {
    /// What giving a license came to. A seat that another person took meanwhile is waited for.
    async fn given(
        &self,
        result: Result<(), graph::Error>,
        words: &str,
        skus: &[SkuId],
        step: &Step,
    ) -> Result<Effect, Trouble> {
        let Err(error) = result else { return Ok(Effect::done(words)) };
        match error.refusal() {
            Some(Refusal::NoSeats { .. }) => {
                let names = self.reader.seats().await?;
                let sku = skus.iter().find(|sku| names.get(*sku).is_some_and(|seats| seats.free <= 0)).or(skus.first());
                let name = sku.and_then(|sku| names.get(sku)).map_or("the product", |seats| &seats.name);
                Ok(Effect::Wait(format!("no seat of {name} is free"), sku.cloned()))
            }
            Some(Refusal::LocationMissing) => Ok(Effect::Wait("the account has no usage location yet".into(), None)),
            Some(Refusal::AlreadyMember) if step.attempts <= 1 => {
                Ok(Effect::Done("was a member already".into(), Some(Origin::PreExisting)))
            }
            Some(Refusal::AlreadyMember) => Ok(Effect::done("an earlier call had added it")),
            Some(Refusal::NotFound) => Ok(Effect::Later(VISIBLE_PAUSE)),
            Some(refusal @ (Refusal::NotCompanyLicense { .. } | Refusal::NotForUsers)) => {
                Ok(Effect::Human(format!("{refusal}: correct the policy, or buy the product"), false))
            }
            Some(Refusal::MutuallyExclusive) => Ok(human(
                "another product of this person holds a conflicting service plan: turn one of the two off (`disabled_plans` in the policy)",
            )),
            Some(Refusal::DependencyMissing) => Ok(human(
                "a service plan of this product needs one that is not assigned: give the base product in the same package",
            )),
            Some(Refusal::InsufficientPrivileges) => Ok(human(
                "Graph refuses: the group is dynamic, or Joinery lacks LicenseAssignment.ReadWrite.All or GroupMember.ReadWrite.All",
            )),
            _ => Err(error.into()),
        }
    }

    /// What taking a license came to. If it went, whoever waits for a seat is looked at again.
    async fn taken(
        &self,
        person: &Person,
        result: Result<(), graph::Error>,
        skus: &[SkuId],
    ) -> Result<Effect, Trouble> {
        let words = match result {
            Ok(()) => "removed",
            Err(error) => match error.refusal() {
                Some(Refusal::NotFound | Refusal::LicenseNotHeld) => "was gone already",
                Some(Refusal::LicenseInherited) => "is inherited from a group, and goes with it",
                Some(Refusal::DependencyMissing) => {
                    return Ok(human("another product of this person depends on this one: remove that first"));
                }
                Some(Refusal::InsufficientPrivileges) => {
                    return Ok(human(
                        "Graph refuses: the group is dynamic, or Joinery lacks a permission; do this step by hand",
                    ));
                }
                _ => return Err(error.into()),
            },
        };
        self.wake_waiting(person, skus).await?;
        Ok(Effect::done(words))
    }

    /// Has those who wait longest for a seat of these products looked at again as soon as reads are sure to show that it is
    /// free: earlier, a stale replica would send them back to the line for another quarter of an hour.
    async fn wake_waiting(&self, leaver: &Person, skus: &[SkuId]) -> Result<(), StoreError> {
        let roster = self.ports.roster.as_ref();
        let wake_at = self.ports.clock.now().checked_add(overlay::settling(self.reader.policy())).ok();
        for sku in skus {
            for person in roster.waiting_for(sku, WOKEN_PER_SEAT_MAX).await? {
                if person != leaver.head.person {
                    amend(roster, &person, |person, _| {
                        let waits = |step: &&mut Step| {
                            matches!(&step.state, StepState::Waiting { sku: Some(awaited), .. } if awaited == sku)
                        };
                        person.steps.values_mut().filter(waits).for_each(|step| step.wake_at = wake_at);
                    })
                    .await?;
                }
            }
        }
        Ok(())
    }
}

fn human(instructions: &str) -> Effect {
    Effect::Human(instructions.into(), false)
}
