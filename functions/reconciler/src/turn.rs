//! One turn of a run: from where it stands to its end or its deadline.

use std::collections::BTreeSet;

use domain::ids::{ObjectId, PersonId, hex_sha256};
use domain::message::{Message, QueueName};
use domain::ports::Outgoing;
use domain::reconcile::census::{Told, Whom};
use domain::reconcile::memberships;
use domain::reconcile::{Finding, Judge, Kind, Place, Products, Run, RunName, Scope};
use jiff::{SignedDuration, Timestamp};

use crate::{App, Order, Trouble, seats};

/// A run that was cut off longer ago than this begins anew: Graph's links do not live long, and what it found is old.
const RUN_AGE_MAX: SignedDuration = SignedDuration::from_hours(24);
/// A run that has stored nothing for so long is nobody's any more: one with other scopes may take its place.
const SILENCE_MAX: SignedDuration = SignedDuration::from_mins(10);
/// How many people one look at the unsighted loads.
const PEOPLE_PAGE: usize = 200;
/// How many wake-ups are sent between two notes of it.
const WAKE_PAGE: usize = 500;

/// A turn.
pub(crate) struct Turn<'a> {
    pub(crate) app: &'a App,
    order: &'a Order,
    pub(crate) run: Run,
    pub(crate) products: Products,
    /// Places that Graph had forgotten; another one in the same turn is an error.
    pub(crate) forgotten: usize,
}

impl<'a> Turn<'a> {
    /// Goes on with the run that is stored, or begins one. Reads what the tenant owns in either case: it is one call.
    pub(crate) async fn begin(app: &'a App, order: &'a Order) -> Result<Self, Trouble> {
        let stored = app.census.run(order.name).await?;
        let now = app.clock.now();
        let products = seats::products(app).await?;
        let goes_on = |run: &&Run| {
            run.ended_at.is_none()
                && run.scopes == order.scopes
                && run.policy == app.policy.fingerprint
                && now.duration_since(run.began_at) < RUN_AGE_MAX
        };
        let is_alive = |run: &&Run| run.ended_at.is_none() && now.duration_since(run.touched_at) < SILENCE_MAX;
        let run = if let Some(run) = stored.as_ref().filter(goes_on) {
            run.clone()
        } else if stored.as_ref().filter(is_alive).is_some_and(|run| run.scopes != order.scopes) {
            return Err(Trouble::Elsewhere);
        } else {
            let before = stored.map(|run| run.version);
            let run = fresh(app, order, now, &products, before);
            app.census.begin(&run, before).await?;
            run
        };
        Ok(Self { app, order, run, products, forgotten: 0 })
    }

    /// Whether the deadline has come.
    pub(crate) fn is_over(&self) -> bool {
        self.order.deadline.is_some_and(|deadline| deadline <= self.app.clock.now())
    }

    /// Works on the part the run stands in, to its end or the deadline.
    pub(crate) async fn part(&mut self, on_page: &(dyn Fn(&Run) + Sync)) -> Result<(), Trouble> {
        match self.run.place.clone() {
            Place::Seats => {
                let told = self.seats().await?;
                self.advance(self.after(), told).await
            }
            Place::Users { .. } | Place::Members { .. } => self.list(on_page).await,
            Place::Vanished { after } => self.unsighted(None, after).await,
            Place::Left { group, after } => self.unsighted(Some(group), after).await,
            Place::Hr => self.advance(self.after(), self.hr()).await,
            Place::End => Ok(()),
        }
    }

    /// The part after this one.
    pub(crate) fn after(&self) -> Place {
        self.run.place.next(&self.run.scopes, &memberships::groups(&self.app.policy))
    }

    pub(crate) fn judge(&self, read_at: Timestamp) -> Judge<'_> {
        Judge {
            policy: &self.app.policy,
            products: &self.products,
            scopes: &self.run.scopes,
            read_at,
            tells_sign_ins: self.asks_sign_ins(),
        }
    }

    /// Stores the place and what was told, and wakes whom it is about.
    pub(crate) async fn advance(&mut self, place: Place, told: Told) -> Result<(), Trouble> {
        let now = self.app.clock.now();
        let mut run = Run { place, version: self.run.version + 1, touched_at: now, ..self.run.clone() };
        run.ended_at = (run.place == Place::End).then_some(now);
        self.app.census.advance(&run, &told).await?;
        self.run = run;
        if told.findings.iter().any(|finding| finding.kind.wakes()) { self.wake().await } else { Ok(()) }
    }

    /// Wakes everybody found to have drifted who was not woken yet. The message's deduplication id is the finding's own, so that it is not sent
    /// twice if we die before it is noted.
    pub(crate) async fn wake(&self) -> Result<(), Trouble> {
        if self.order.name == RunName::DryRun {
            return Ok(());
        }
        loop {
            let due = self.app.census.unwoken(self.order.name, WAKE_PAGE).await?;
            if due.is_empty() {
                return Ok(());
            }
            for (number, finding) in &due {
                self.wake_one(*number, finding).await?;
            }
            let numbers: Vec<u64> = due.iter().map(|(number, _)| *number).collect();
            self.app.census.woke(self.order.name, &numbers).await?;
        }
    }

    async fn wake_one(&self, number: u64, finding: &Finding) -> Result<(), Trouble> {
        let Some(person) = &finding.person else { return Ok(()) };
        // Whoever can sign in and must not is looked at before everybody else.
        let queue = if finding.kind == Kind::SignInOpen { QueueName::PeopleUrgent } else { QueueName::People };
        let message = Message::wake(person, finding.kind.phrase(), &self.run.id);
        let deduplication_id = hex_sha256(&[&self.run.id, "|", &number.to_string()]);
        let outgoing = Outgoing { group: person.to_string(), deduplication_id, body: message.to_json() };
        self.app.outbox.send(queue, outgoing).await?;
        tracing::info!(%person, run = self.run.id, drift = finding.kind.phrase(), "woken");
        Ok(())
    }

    /// People whom the pages of a listing did not show: bound accounts, or members of a group.
    async fn unsighted(&mut self, group: Option<ObjectId>, after: Option<PersonId>) -> Result<(), Trouble> {
        let whom = group.as_ref().map_or(Whom::Bound, Whom::In);
        let people = self.app.census.unsighted(self.run.name, whom, after.as_ref(), PEOPLE_PAGE).await?;
        let judge = self.judge(self.app.clock.now());
        let mut told = Told::default();
        for id in &people {
            let Some(person) = self.app.roster.person(id).await? else { continue };
            told.findings.extend(match &group {
                Some(group) => judge.left(group, &person, self.run.part_began_at),
                None => judge.vanished(&person, self.run.part_began_at),
            });
        }
        let place = match (people.last().cloned(), group) {
            (None, _) => self.after(),
            (after, None) => Place::Vanished { after },
            (after, Some(group)) => Place::Left { group, after },
        };
        self.advance(place, told).await
    }

    /// No source's list is read yet: BambooHR's client reads one record at a time, and the others are only heard. Until one is, absence from
    /// HR cannot be told; once it can, it is a finding, never an end of employment (a list may be filtered, or short).
    fn hr(&self) -> Told {
        let not_readable = self.app.policy.connections.keys().map(|connection| {
            let why =
                format!("HR's list of connection `{connection}`: reading the lists of its source is not supported");
            Finding::of(Kind::NotReadable).because(why)
        });
        Told { findings: not_readable.collect(), ..Told::default() }
    }

    /// Whoever waits for a seat that is there.
    async fn seats(&self) -> Result<Told, Trouble> {
        let mut told = Told::default();
        if self.run.scopes.contains(&Scope::Licenses) {
            for seats in self.products.seats() {
                let people = seats::served(self.app, seats).await?;
                let finding = |person: &PersonId| Finding::of(Kind::SeatFree).about(person).of_sku(&seats.sku);
                told.findings.extend(people.iter().map(finding));
            }
        }
        Ok(told)
    }
}

fn fresh(app: &App, order: &Order, now: Timestamp, products: &Products, before: Option<u64>) -> Run {
    let scopes: BTreeSet<Scope> = order.scopes.clone();
    Run {
        name: order.name,
        id: app.entropy.id(),
        version: before.unwrap_or(0) + 1,
        scopes,
        policy: app.policy.fingerprint.clone(),
        began_at: now,
        part_began_at: now,
        touched_at: now,
        ended_at: None,
        place: Place::Seats,
        accounts: 0,
        members: 0,
        unreadable: 0,
        reads_sign_ins: None,
        seats: products.seats().cloned().collect(),
    }
}
