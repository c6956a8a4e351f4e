//! `licenses`: licenses of one person, direct or by carrier group.
//!
//! A person's license work is one message group, so parallel `assignLicense` calls for one user never happen. No seat is taken that was not
//! promised in its product's line; whoever waits there is woken as soon as a seat appears, by whatever.

mod carry;
mod guests;
mod line;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::message::{Body, Message, QueueName};
use domain::person::Person;
use domain::planner::licenses::{self, Actual};
use domain::planner::{Sight, View};
use domain::policy::Policy;
use domain::ports::{Failure, Lines, Outcome};
use domain::step::{Action, Stage, Step};
use graph::UserId;
use jiff::Timestamp;
use stage::{Effect, Look, Ports, Reader, Tenant, Trouble};

pub use guests::Guests;

/// What `licenses` may touch.
#[derive(Clone)]
pub struct App {
    /// The ports every stage touches.
    pub ports: Ports,
    /// Reads and writes the tenant.
    pub reader: Reader,
    /// Who waits for seats.
    pub lines: Arc<dyn Lines>,
    /// Which groups were seen to hold guests.
    pub guests: Guests,
}

/// Handles one message of `licenses`.
pub async fn handle(app: &App, message: &Message) -> Result<Outcome, Failure> {
    match &message.body {
        Body::Seats { skus } => match app.look_at_lines(skus, &message.correlation_id).await {
            Ok(()) => Ok(Outcome::Done),
            Err(trouble) => trouble.into_result(),
        },
        _ => stage::handle(&app.ports, app, message).await,
    }
}

/// How soon something that replicas do not show yet is looked for again.
const VISIBLE_PAUSE: Duration = Duration::from_secs(5);

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
        let sight = self.reader.sight(person, now).await?;
        let (Sight::Present(user), Some(id)) = (&sight, &person.head.account.object_id) else {
            if matches!(sight, Sight::Unknown) {
                return Ok(Look { blind: Some(VISIBLE_PAUSE), ..Look::default() });
            }
            self.leave_lines(person, |_| false).await?;
            return Ok(Look::default());
        };
        let groups = self.reader.actual(person, id, user.clone(), now).await?;
        let mut actual = Actual { groups, seats: self.reader.seats().await?, ..Actual::default() };
        let view = View::new(person, self.policy(), now);
        self.find_guests(&view, &mut actual, now).await?;
        let (mut plan, claims) = licenses::plan_and_claim(&view, &actual);
        self.line_up(&view, &actual, (&mut plan, &claims), now).await?;
        Ok(Look { plan, ..Look::default() })
    }

    fn goes_together(&self, action: &Action) -> bool {
        matches!(action, Action::AssignLicense { .. } | Action::RemoveLicense { .. })
    }

    async fn carry_all(&self, person: &Person, steps: &[Step], _: Option<Timestamp>) -> Vec<Result<Effect, Trouble>> {
        let Some(user) = &person.head.account.object_id else {
            return steps.iter().map(|_| Ok(Effect::Later(VISIBLE_PAUSE))).collect();
        };
        let user = UserId::from(user.as_str());
        match steps {
            [step] => vec![self.carry_one(person, &user, step).await],
            _ => self.change(person, &user, steps).await,
        }
    }
}

impl App {
    /// Looks for guests in the groups that the plan would license the person through.
    async fn find_guests(&self, view: &View<'_>, actual: &mut Actual, now: Timestamp) -> Result<(), Trouble> {
        for step in licenses::plan(view, actual).steps {
            if let Action::JoinCarrier { group, .. } = step.action
                && self.guests.are_in(&group, self.reader.graph(), now).await?
            {
                actual.with_guests.insert(group);
            }
        }
        Ok(())
    }
}
