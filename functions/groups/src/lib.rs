//! `groups`: memberships of one person. Not of the groups that carry licenses: those are written by `licenses` only.
//!
//! Messages that were received together are worked on at the same time, each on its own path, and what they have to write goes out
//! together: see [`Batch`].

mod writes;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::message::{Message, QueueName};
use domain::person::Person;
use domain::planner::groups;
use domain::planner::{Sight, View};
use domain::policy::Policy;
use domain::ports::{Failure, Outcome, StoreError};
use domain::step::{Stage, Step};
use graph::client::Sleep;
use jiff::Timestamp;
use stage::{Gathering, Look, Ports, Reader, Tenant, Trouble};

use writes::{Heard, Write};

/// What `groups` may touch.
#[derive(Clone)]
pub struct App {
    /// The ports every stage touches.
    pub ports: Ports,
    /// Reads and writes the tenant.
    pub reader: Reader,
    /// How time passes while somebody waits for others to come along.
    pub linger: Arc<dyn Sleep>,
}

/// Messages that were received together: whoever has nothing to write delays nobody, and whatever two or more people
/// are to be added to is one call for up to twenty of them.
pub struct Batch<'a> {
    app: &'a App,
    gathering: Gathering<Write, Heard>,
}

/// One person's place in a batch.
pub struct Seat<'a> {
    app: &'a App,
    seat: stage::Seat<'a, Write, Heard>,
}

impl<'a> Batch<'a> {
    /// An empty one.
    pub fn new(app: &'a App) -> Self {
        Self { app, gathering: Gathering::new(Arc::clone(&app.linger)) }
    }

    /// A place for one person's messages, to be taken before any of the batch is worked on. Whoever is through gives it up.
    pub fn seat(&self) -> Seat<'_> {
        Seat { app: self.app, seat: self.gathering.seat() }
    }

    /// Does the work of those who have a seat, and writes for them.
    pub async fn serve<T>(&self, work: impl Future<Output = T>) -> T {
        self.gathering.serve(work, |asked| writes::answer(self.app, asked)).await
    }
}

impl Seat<'_> {
    /// Handles one message of `groups`. Several of one person are handled one after the other.
    pub async fn handle(&self, message: &Message) -> Result<Outcome, Failure> {
        stage::handle(&self.app.ports, self, message).await
    }
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
        Ok(Look { plan: groups::plan(&view, &actual), ..Look::default() })
    }

    fn is_side_by_side(&self) -> bool {
        true
    }

    async fn carry_all(&self, person: &Person, steps: &[Step], lease: Option<Timestamp>) -> Vec<Heard> {
        match writes::of(person, steps, lease) {
            Ok(writes) => writes::carry_out(self, &writes).await,
            Err(answers) => answers,
        }
    }
}

#[async_trait]
impl Tenant for Seat<'_> {
    fn stage(&self) -> Stage {
        self.app.stage()
    }

    fn next(&self) -> Option<QueueName> {
        self.app.next()
    }

    fn policy(&self) -> &Policy {
        self.app.policy()
    }

    async fn look(&self, person: &Person) -> Result<Look, Trouble> {
        self.app.look(person).await
    }

    fn is_side_by_side(&self) -> bool {
        true
    }

    async fn carry_all(&self, person: &Person, steps: &[Step], lease: Option<Timestamp>) -> Vec<Heard> {
        // A leaver waits for nobody, least of all for somebody else's grant.
        if person.head.cut {
            return self.app.carry_all(person, steps, lease).await;
        }
        match writes::of(person, steps, lease) {
            Ok(writes) => {
                self.seat.ask(writes).await.into_iter().map(|heard| heard.unwrap_or_else(unanswered)).collect()
            }
            Err(answers) => answers,
        }
    }
}

/// A request whose call was given up. It may have been sent: the step stays as it was recorded before it.
fn unanswered() -> Heard {
    Err(StoreError::Unavailable("whoever writes for a batch was stopped".into()).into())
}
