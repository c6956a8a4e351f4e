//! A place in line: no seat is taken that was not promised in its product's line ([`domain::seats`]).

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{PersonId, SkuId};
use domain::message::{Message, QueueName};
use domain::overlay;
use domain::person::Person;
use domain::planner::licenses::{self, Actual, Claim};
use domain::planner::{Plan, View, Wait};
use domain::ports::{Mode, StoreError};
use domain::seats::{self, Rank, Supply, amend, promised_until};
use domain::step::{Action, Stage, Step, StepState};
use jiff::{SignedDuration, Timestamp};
use stage::Trouble;

use crate::App;

impl App {
    /// Makes seats sure for what the plan asks for, or has it wait in line; and leaves the lines of what is no longer asked for. While
    /// Joinery only observes nobody lines up: nothing could be assigned.
    pub(crate) async fn line_up(
        &self,
        view: &View<'_>,
        actual: &Actual,
        (plan, claims): (&mut Plan, &[Claim]),
        read_at: Timestamp,
    ) -> Result<(), StoreError> {
        if self.ports.controls.switches().await?.mode == Mode::Observe || plan.is_inconclusive {
            return Ok(());
        }
        let claimed: BTreeSet<&SkuId> = claims.iter().flat_map(|claim| &claim.skus).collect();
        // A call whose answer was lost took its seat all the same.
        let held: Vec<SkuId> = licenses::held(&actual.groups.user).into_iter().map(|held| held.sku).collect();
        self.take_seats(&view.person.head.person, needed_by_open_steps(view.person).filter(|sku| held.contains(sku)))
            .await?;
        self.leave_lines(view.person, |sku| claimed.contains(sku)).await?;
        if view.policy.seats.reserve_before_create {
            let kept = licenses::to_come(view);
            let all: BTreeSet<&SkuId> =
                view.policy.packages.iter().flat_map(|package| &package.licenses).map(|license| &license.sku).collect();
            let over = all.into_iter().filter(|sku| !claimed.contains(*sku) && !kept.contains_key(*sku));
            self.leave(&view.person.head.person, over).await?;
        }
        for claim in claims {
            let lacking = self.claim(view, actual, claim, read_at).await?;
            let why = |sku: SkuId| Wait::For(no_seat(actual, &sku), Some(sku));
            for step in plan.steps.iter_mut().filter(|step| step.action == claim.action) {
                step.wait = lacking.clone().map(why);
            }
        }
        licenses::hold_back(view, actual, plan);
        Ok(())
    }

    /// Asks for the seats of a step. Answers the product that is missing and waited for.
    async fn claim(
        &self,
        view: &View<'_>,
        actual: &Actual,
        claim: &Claim,
        read_at: Timestamp,
    ) -> Result<Option<SkuId>, StoreError> {
        let now = self.ports.clock.now();
        let need = |sku: &SkuId| {
            let since = view.step(&claim.action).and_then(|step| waits_since(step, sku)).unwrap_or(now);
            let rank = Rank { priority: claim.priority, start: licenses::first_day(view), since };
            (sku.clone(), rank, Supply { free: actual.seats.get(sku).map_or(0, |seats| seats.free), read_at })
        };
        let needs: Vec<_> = claim.skus.iter().map(need).collect();
        let until = promised_until(now, self.settling());
        seats::claim(self.lines.as_ref(), &view.person.head.person, &needs, now, until).await
    }

    /// Leaves the lines of every product that a step once needed, and that is not `kept`.
    pub(crate) async fn leave_lines(&self, person: &Person, kept: impl Fn(&SkuId) -> bool) -> Result<(), StoreError> {
        let skus: BTreeSet<&SkuId> = needed_by_open_steps(person).filter(|sku| !kept(sku)).collect();
        self.leave(&person.head.person, skus).await
    }

    /// Leaves lines; what was promised there is free for others.
    pub(crate) async fn leave<'s>(
        &self,
        person: &PersonId,
        skus: impl IntoIterator<Item = &'s SkuId> + Send,
    ) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        for sku in skus.into_iter().collect::<Vec<_>>() {
            amend(self.lines.as_ref(), sku, |line| line.leave(person, now)).await?;
        }
        Ok(())
    }

    /// The tenant acknowledged assignments.
    pub(crate) async fn take_seats<'s>(
        &self,
        person: &PersonId,
        skus: impl IntoIterator<Item = &'s SkuId> + Send,
    ) -> Result<(), StoreError> {
        let shown_at = self.shown_at();
        for sku in skus.into_iter().collect::<Vec<_>>() {
            amend(self.lines.as_ref(), sku, |line| line.take(person, shown_at)).await?;
        }
        Ok(())
    }

    /// The tenant has no seat of this product after all. Seats of others that came with it are given back.
    pub(crate) async fn give_back(&self, person: &PersonId, skus: &[SkuId], missing: &SkuId) -> Result<(), StoreError> {
        let (now, shown_at) = (self.ports.clock.now(), self.shown_at());
        amend(self.lines.as_ref(), missing, |line| line.refuse(person, now, shown_at)).await?;
        self.leave(person, skus.iter().filter(|sku| *sku != missing)).await
    }

    /// Seats of these products become free: their lines are looked at as soon as reads are sure to show it. Earlier, a stale replica
    /// would hide them.
    pub(crate) async fn free_seats(&self, skus: &[SkuId]) -> Result<(), StoreError> {
        let shown_at = self.shown_at();
        for sku in skus {
            amend(self.lines.as_ref(), sku, |line| line.free_at(shown_at)).await?;
        }
        Ok(())
    }

    /// Looks whether there are seats for those who wait, and wakes whose turn it is: one read for all lines and all people.
    pub(crate) async fn look_at_lines(&self, skus: &[SkuId], correlation_id: &str) -> Result<(), Trouble> {
        let read_at = self.ports.clock.now();
        let seats = self.reader.seats().await?;
        for sku in skus {
            let supply = Supply { free: seats.get(sku).map_or(0, |seats| seats.free), read_at };
            let mut line = self.lines.line(sku).await?;
            let called = line.call(supply, read_at);
            // Sent before it is noted: a wake-up too many is harmless, one that is noted and was never sent is not.
            for person in &called {
                let message = Message::wake(person, "a seat may be free", correlation_id);
                let known = self.ports.roster.person(person).await?;
                // Who has no account yet waits with its creation.
                let has_account = known.is_some_and(|known| known.head.account.object_id.is_some());
                let queue = if has_account { QueueName::Licenses } else { QueueName::Accounts };
                stage::send(&self.ports, queue, person, &message).await?;
            }
            line.version += 1;
            match self.lines.store(line).await {
                // Somebody asked meanwhile; the next look finds what is left to do.
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// When reads are sure to show what is acknowledged now.
    fn shown_at(&self) -> Timestamp {
        self.ports.clock.now().saturating_add(self.settling()).unwrap_or(Timestamp::MAX)
    }

    fn settling(&self) -> SignedDuration {
        overlay::settling(self.reader.policy())
    }
}

/// The products a step takes seats of, unless they are held from another source.
pub(crate) fn needed(action: &Action) -> &[SkuId] {
    match action {
        Action::AssignLicense { sku, .. } => std::slice::from_ref(sku),
        Action::JoinCarrier { skus, .. } | Action::ReprocessLicenses { skus, .. } => skus,
        _ => &[],
    }
}

/// What the license steps that are not met take seats of.
fn needed_by_open_steps(person: &Person) -> impl Iterator<Item = &SkuId> {
    let open = person.steps.values().filter(|step| step.action.stage() == Stage::Licenses && !step.state.is_met());
    open.flat_map(|step| needed(&step.action))
}

/// Why somebody waits.
pub(crate) fn no_seat(actual: &Actual, sku: &SkuId) -> String {
    match actual.seats.get(sku) {
        Some(seats) => format!("no seat of {} is free", seats.name),
        None => format!("the tenant does not own product {sku}"),
    }
}

fn waits_since(step: &Step, awaited: &SkuId) -> Option<Timestamp> {
    match &step.state {
        StepState::Waiting { sku: Some(sku), since, .. } if sku == awaited => Some(*since),
        _ => None,
    }
}

/// Names of products, for people.
pub(crate) type Names = BTreeMap<SkuId, licenses::Seats>;
