//! Lines: who waits for a seat of a product, and who may have one now.
//!
//! A read of the tenant says how many seats were free a while ago. It may show neither what was assigned since nor what is being
//! assigned, and many workers read at once; so a seat is *promised* in one place, the product's [`Line`], before any call.
//!
//! ```text
//!        ask                    the call was acknowledged            reads begun from now on show it
//! wait ──────► promised ───────────────────────────────► taken ────────────────────────────────────► forgotten
//!   ▲             │ no seat after all
//!   └─────────────┘
//! ```
//!
//! # Guarantees
//! - Two people never get one seat: what is promised or taken counts against every read that need not show it.
//! - Nobody is overtaken: whoever asks gets a seat only if one is left after everybody of a better [`Rank`] who waits had theirs, and
//!   theirs are kept from then on.
//! - Nobody waits while a seat is free, but for [`LOOK_EVERY`]: a line in which somebody waits is looked at so often, and
//!   [`Line::call`] says who is to ask again. Whoever was called and does not come within [`CALL_STANDS`] keeps their place, and
//!   holds up nobody.
//!
//! # Assumptions
//! - A call ends within [`IN_FLIGHT`], and reads lag no more than the policy's settling time. If either is broken the tenant itself
//!   still gives no seat twice; its refusal is [`Line::refuse`].
//! - A line is one item under a version, of at most a few hundred KB ([`WAITING_MAX`], [`PROMISED_MAX`]), so that one conditional write
//!   changes it: SQLite keeps it in a row, and a DynamoDB item (400 KB) holds it as well.
//!
//! # Caveats
//! Whoever needs several products at once waits in one line, for the first that is missing, and holds nothing meanwhile.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{PersonId, SkuId};
use crate::planner::IN_FLIGHT;
use crate::ports::{Lines, StoreError};

/// How often a line in which somebody waits is looked at: a purchase tells nobody.
pub const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// How long a call to ask again stands, before others are served too.
pub const CALL_STANDS: SignedDuration = SignedDuration::from_mins(15);
/// How long somebody who no longer asks keeps their place.
pub const WAITING_STANDS: SignedDuration = SignedDuration::from_hours(72);
/// How many people wait in a line; whoever is behind them is told so, and is let in when they ask again.
pub const WAITING_MAX: usize = 800;
/// How many seats may be promised at once; they are promised for as long as a call takes.
pub const PROMISED_MAX: usize = 400;
/// How long after it stopped counting a seat is remembered: no read is older when it is used.
const READ_AGE_MAX: SignedDuration = SignedDuration::from_mins(5);
/// Instants by which seats are forgotten are rounded up to this, so that few are kept apart.
const TAKEN_GRAIN_SECONDS: i64 = 10;
/// How many people one look calls; the next goes on.
const CALLED_MAX: usize = 100;

/// The order of a line: the policy's priority, then the first day, then since when somebody waits. Lower comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rank {
    /// By the policy.
    pub priority: u32,
    /// The first day of the governing term; the last of all days if HR names none.
    pub start: Date,
    /// Since when the person waits.
    pub since: Timestamp,
}

/// Somebody in line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Where.
    pub rank: Rank,
    /// Who.
    pub person: PersonId,
    /// When they asked last.
    pub asked_at: Timestamp,
    /// Since when a seat is kept for them, for which they have not asked yet. Nobody who comes later gets it, of whatever rank.
    pub kept_since: Option<Timestamp>,
    /// Whether they were told.
    pub is_called: bool,
}

impl Waiting {
    /// Whether a seat is kept for them. For whoever does not answer none is.
    fn is_heard(&self, now: Timestamp) -> bool {
        self.kept_since.is_none_or(|at| now.duration_since(at) < CALL_STANDS)
    }

    /// Whether a seat is theirs for the asking.
    fn is_kept(&self, now: Timestamp) -> bool {
        self.kept_since.is_some() && self.is_heard(now)
    }
}

/// A seat on its way to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Promise {
    rank: Rank,
    /// A read begun from then on shows what came of it.
    until: Timestamp,
}

/// What a read said of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supply {
    /// Seats that can be assigned and are not; negative when over-assigned.
    pub free: i64,
    /// When the read began.
    pub read_at: Timestamp,
}

/// What somebody who asks for a seat is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// One is promised to them: assign it now.
    Served,
    /// They wait.
    Waits {
        /// Their place in the line; the first is 1.
        place: usize,
    },
}

/// Who waits for a product, and what of it is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The product.
    pub sku: SkuId,
    /// Counts the changes; the first is 1, and 0 is a line that was never stored.
    pub version: u64,
    /// When somebody is to look whether there are seats. None: nobody waits.
    pub look_at: Option<Timestamp>,
    /// In order.
    waiting: Vec<Waiting>,
    promised: BTreeMap<PersonId, Promise>,
    /// Seats acknowledged by the tenant, by the instant from which reads show them.
    taken: BTreeMap<Timestamp, u32>,
    /// The tenant itself said that there is no seat: reads begun before are not believed.
    doubted_until: Option<Timestamp>,
}

impl Line {
    /// A line in which nobody has been yet.
    pub fn new(sku: SkuId) -> Self {
        Self {
            sku,
            version: 0,
            look_at: None,
            waiting: Vec::new(),
            promised: BTreeMap::new(),
            taken: BTreeMap::new(),
            doubted_until: None,
        }
    }

    /// Asks for a seat. Whoever has been promised one is promised it again, until then; `settle` is how long reads lag.
    pub fn ask(
        &mut self,
        person: &PersonId,
        rank: Rank,
        supply: Supply,
        now: Timestamp,
        settle: SignedDuration,
    ) -> Answer {
        self.ask_until(person, rank, supply, now, promised_until(now, settle))
    }

    /// Asks for a seat that is kept until the end of `until`, unless it is assigned or given back before.
    pub fn ask_until(
        &mut self,
        person: &PersonId,
        rank: Rank,
        supply: Supply,
        now: Timestamp,
        until: Timestamp,
    ) -> Answer {
        self.forget(now);
        if let Some(promise) = self.promised.get_mut(person) {
            promise.until = promise.until.max(until);
            return Answer::Served;
        }
        let known = self.remove(person);
        // The earliest arrival stands; the policy and HR may have changed the rest.
        let since = known.as_ref().map_or(rank.since, |known| known.rank.since.min(rank.since));
        let rank = Rank { since, ..rank };
        let at = self.place_for(person, rank);
        let is_kept = known.is_some_and(|known| known.is_kept(now));
        let comes_first = |(place, other): (usize, &Waiting)| match (is_kept, other.is_kept(now)) {
            (true, theirs) => theirs && place < at,
            (false, theirs) => theirs || place < at && other.is_heard(now),
        };
        let ahead = self.waiting.iter().enumerate().filter(|other| comes_first(*other)).count();
        let mut look_at = after(now, LOOK_EVERY);
        let answer = if ahead < self.open(supply) && self.promised.len() < PROMISED_MAX {
            self.promised.insert(person.clone(), Promise { rank, until });
            // Each of those before has a seat as well: it is theirs, whoever comes next.
            let passed = self.waiting.iter_mut().take(at).filter(|other| !is_kept && other.kept_since.is_none());
            for other in passed {
                other.kept_since = Some(now);
                look_at = now;
            }
            Answer::Served
        } else {
            self.wait(person, rank, now);
            self.waiting.truncate(WAITING_MAX);
            Answer::Waits { place: at + 1 }
        };
        self.plan_look(look_at);
        answer
    }

    /// The tenant acknowledged the assignment: it counts until `shown_at`, from when reads show it.
    pub fn take(&mut self, person: &PersonId, shown_at: Timestamp) {
        if self.promised.remove(person).is_some() {
            *self.taken.entry(rounded_up(shown_at)).or_default() += 1;
        }
    }

    /// The tenant said that there is no seat after all: back to the old place. Until `believed_from` reads that say otherwise are stale.
    pub fn refuse(&mut self, person: &PersonId, now: Timestamp, believed_from: Timestamp) {
        self.doubted_until = self.doubted_until.max(Some(believed_from));
        if let Some(Promise { rank, .. }) = self.promised.remove(person) {
            self.wait(person, rank, now);
        }
        self.plan_look(after(now, LOOK_EVERY));
    }

    /// The person needs no seat (any more), or cannot use one now. What was promised to them is free for others at once.
    pub fn leave(&mut self, person: &PersonId, now: Timestamp) {
        let had = self.promised.remove(person).is_some() || self.remove(person).is_some();
        if had {
            self.plan_look(now);
        }
    }

    /// A seat becomes free, which reads show from `shown_at` on.
    pub fn free_at(&mut self, shown_at: Timestamp) {
        self.plan_look(shown_at);
    }

    /// Who is to ask again now, best first. They are noted as called: whoever does not come in time holds up nobody.
    pub fn call(&mut self, supply: Supply, now: Timestamp) -> Vec<PersonId> {
        self.forget(now);
        let kept = self.waiting.iter().filter(|waiting| waiting.is_kept(now)).count();
        let mut open = self.open(supply).saturating_sub(kept);
        let mut called = Vec::new();
        for waiting in &mut self.waiting {
            if called.len() == CALLED_MAX {
                break;
            }
            let (is_kept, is_heard) = (waiting.is_kept(now), waiting.is_heard(now));
            if is_kept && waiting.is_called || !is_kept && open == 0 {
                continue;
            }
            // For whoever does not answer no seat is kept; they are called once more.
            open -= usize::from(!is_kept && is_heard);
            waiting.kept_since = Some(now);
            waiting.is_called = true;
            called.push(waiting.person.clone());
        }
        self.look_at = None;
        self.plan_look(after(now, LOOK_EVERY));
        called
    }

    /// Everybody who waits, best first.
    pub fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    /// A person's place; the first is 1. None: they do not wait here.
    pub fn place(&self, person: &PersonId) -> Option<usize> {
        self.waiting.iter().position(|waiting| waiting.person == *person).map(|at| at + 1)
    }

    /// Whether a seat is on its way to the person.
    pub fn is_promised(&self, person: &PersonId) -> bool {
        self.promised.contains_key(person)
    }

    /// Seats that are free and that nothing on its way will take.
    fn open(&self, supply: Supply) -> usize {
        if self.doubted_until.is_some_and(|until| supply.read_at < until) {
            return 0;
        }
        let unseen = |until: &Timestamp| *until > supply.read_at;
        let promised = self.promised.values().filter(|promise| unseen(&promise.until)).count();
        let taken: u32 = self.taken.iter().filter(|(until, _)| unseen(until)).map(|(_, seats)| seats).sum();
        let free = usize::try_from(supply.free).unwrap_or(0);
        free.saturating_sub(promised).saturating_sub(usize::try_from(taken).unwrap_or(usize::MAX))
    }

    /// Forgets what every read that may still come shows, and who no longer asks.
    fn forget(&mut self, now: Timestamp) {
        let counts = |until: Timestamp| after(until, READ_AGE_MAX) > now;
        self.promised.retain(|_, promise| counts(promise.until));
        self.taken.retain(|until, _| counts(*until));
        self.doubted_until = self.doubted_until.filter(|until| counts(*until));
        self.waiting.retain(|waiting| after(waiting.asked_at, WAITING_STANDS) > now);
    }

    /// How many are of a better rank.
    fn place_for(&self, person: &PersonId, rank: Rank) -> usize {
        self.waiting.partition_point(|other| (other.rank, &other.person) < (rank, person))
    }

    fn wait(&mut self, person: &PersonId, rank: Rank, now: Timestamp) {
        let at = self.place_for(person, rank);
        self.waiting
            .insert(at, Waiting { rank, person: person.clone(), asked_at: now, kept_since: None, is_called: false });
    }

    fn remove(&mut self, person: &PersonId) -> Option<Waiting> {
        let at = self.waiting.iter().position(|waiting| waiting.person == *person)?;
        Some(self.waiting.remove(at))
    }

    /// Somebody looks then at the latest, if anybody waits.
    fn plan_look(&mut self, at: Timestamp) {
        let at = self.look_at.map_or(at, |known| known.min(at));
        self.look_at = (!self.waiting.is_empty()).then_some(at);
    }
}

/// How often a change of a line is repeated on a fresh load before the conflict is handed on.
const TRIES_MAX: usize = 16;

/// Loads a line, changes it and stores it, again if somebody else was faster; so the change may run several times, and must not
/// remember. A line that stays as it was is not stored.
pub async fn amend<R>(lines: &dyn Lines, sku: &SkuId, mut change: impl FnMut(&mut Line) -> R) -> Result<R, StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let before = lines.line(sku).await?;
        let mut line = before.clone();
        let answer = change(&mut line);
        if line == before {
            return Ok(answer);
        }
        line.version += 1;
        match lines.store(line).await {
            Ok(()) => return Ok(answer),
            Err(StoreError::Conflict) if tries < TRIES_MAX => {}
            Err(error) => return Err(error),
        }
    }
}

/// Asks for a seat of each product until then, each with the rank and what was read of it. The first that is missing is waited for and
/// answered; the others are given back meanwhile.
pub async fn claim(
    lines: &dyn Lines,
    person: &PersonId,
    needs: &[(SkuId, Rank, Supply)],
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<SkuId>, StoreError> {
    for (at, (sku, rank, supply)) in needs.iter().enumerate() {
        let answer = amend(lines, sku, |line| line.ask_until(person, *rank, *supply, now, until)).await?;
        if let Answer::Waits { .. } = answer {
            for (served, ..) in needs.iter().take(at) {
                amend(lines, served, |line| line.leave(person, now)).await?;
            }
            return Ok(Some(sku.clone()));
        }
    }
    Ok(None)
}

/// Until when a seat is promised to somebody whose call is about to be made: then reads show what came of it.
pub fn promised_until(now: Timestamp, settle: SignedDuration) -> Timestamp {
    after(after(now, IN_FLIGHT), settle)
}

fn after(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// Never earlier, and few different ones.
fn rounded_up(at: Timestamp) -> Timestamp {
    let seconds = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    let up = seconds.div_euclid(TAKEN_GRAIN_SECONDS) + i64::from(seconds.rem_euclid(TAKEN_GRAIN_SECONDS) > 0);
    Timestamp::from_second(up * TAKEN_GRAIN_SECONDS).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
