//! How many seats of each product will be needed on each of the coming days, from what HR has announced: first days, last
//! days, changes with a date, rules that turn by time.
//!
//! Everybody is looked at as they will stand at each instant at which that changes. Seats that nobody of the roster holds
//! (shared mailboxes, people outside HR) are taken to stay in use. What the tenant alone knows about a person (service plans, groups that
//! are not ours) is not known here: a rule that asks for it is answered as for somebody without.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::ids::SkuId;
use crate::ledger::Target;
use crate::person::Person;
use crate::planner::View;
use crate::planner::entitlements::entitlements;
use crate::planner::groups::Actual;
use crate::planner::licenses::Seats;
use crate::policy::{Policy, Via};

/// The longest look ahead, in days.
pub const DAYS_MAX: usize = 366;
/// The most instants at which one person is looked at. Who changes more often is taken to stay as they then are.
const CHANGES_MAX: usize = 200;

/// What one day holds for one product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The day, in the forecast's zone.
    pub date: Date,
    /// Seats needed at some time of it.
    pub needed: i64,
    /// People who need one on this day and did not on the day before.
    pub joining: usize,
    /// People who did on the day before and do no more.
    pub leaving: usize,
}

/// What lies ahead for one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// The product.
    pub sku: SkuId,
    /// Its part number, where the tenant owns it.
    pub name: Option<String>,
    /// Seats that can be assigned.
    pub owned: i64,
    /// Seats assigned now, to whomever.
    pub consumed: i64,
    /// Today first.
    pub days: Vec<Day>,
}

impl Outlook {
    /// The first day on which more seats are needed than owned.
    pub fn runs_out(&self) -> Option<&Day> {
        self.days.iter().find(|day| day.needed > self.owned)
    }

    /// The day on which most seats are needed; the first of such days.
    pub fn peak(&self) -> Option<&Day> {
        self.days.iter().rev().max_by_key(|day| day.needed)
    }
}

/// Counts the coming days, one person after another; it keeps nothing of them.
#[derive(Debug)]
pub struct Forecaster<'p> {
    policy: &'p Policy,
    zone: TimeZone,
    now: Timestamp,
    dates: Vec<Date>,
    products: BTreeMap<SkuId, Tally>,
}

/// What is known of one product so far.
#[derive(Debug, Default)]
struct Tally {
    /// People of the roster who hold a seat now.
    held: i64,
    /// By day: how many need one, and how that came about.
    days: Vec<(i64, usize, usize)>,
}

impl<'p> Forecaster<'p> {
    /// A forecast for so many days of the zone (at most [`DAYS_MAX`]), today first.
    pub fn new(policy: &'p Policy, now: Timestamp, zone: TimeZone, days: usize) -> Self {
        let first = now.to_zoned(zone.clone()).date();
        let dates = (0..days.min(DAYS_MAX)).filter_map(|day| first.checked_add(i64::try_from(day).ok()?.days()).ok());
        Self { policy, now, dates: dates.collect(), zone, products: BTreeMap::new() }
    }

    /// Counts a person.
    pub fn add(&mut self, person: &Person) {
        let held = self.held(person);
        let needs = self.needs(person, &held);
        let len = self.dates.len();
        for sku in held.iter().chain(needs.iter().flatten()).collect::<BTreeSet<_>>() {
            let tally = self.products.entry(sku.clone()).or_default();
            tally.days.resize(len, (0, 0, 0));
            let mut before = held.contains(sku);
            tally.held += i64::from(before);
            for (day, needed) in tally.days.iter_mut().zip(&needs) {
                let now = needed.contains(sku);
                day.0 += i64::from(now);
                day.1 += usize::from(now && !before);
                day.2 += usize::from(before && !now);
                before = now;
            }
        }
    }

    /// The forecast, with what the tenant owns. A product that nobody needs or holds and that is not owned does not occur.
    pub fn finish(mut self, seats: &BTreeMap<SkuId, Seats>) -> Vec<Outlook> {
        for sku in seats.keys() {
            self.products.entry(sku.clone()).or_default();
        }
        let outlook = |(sku, mut tally): (SkuId, Tally)| {
            tally.days.resize(self.dates.len(), (0, 0, 0));
            let seats = seats.get(&sku);
            let consumed = seats.map_or(0, |seats| seats.consumed);
            // A read of the tenant may lag behind the ledger.
            let elsewhere = (consumed - tally.held).max(0);
            let days = self.dates.iter().zip(tally.days).map(|(date, (needed, joining, leaving))| Day {
                date: *date,
                needed: elsewhere + needed,
                joining,
                leaving,
            });
            Outlook {
                name: seats.map(|seats| seats.name.clone()),
                owned: seats.map_or(0, |seats| seats.free + seats.consumed),
                consumed,
                days: days.collect(),
                sku,
            }
        };
        self.products.into_iter().map(outlook).collect()
    }

    /// The products that the ledger says the person has, directly or through a carrier group.
    fn held(&self, person: &Person) -> BTreeSet<SkuId> {
        let held = person.grants.values().filter(|grant| grant.held);
        held.flat_map(|grant| match &grant.target {
            Target::License(sku) => vec![sku.clone()],
            Target::Group(group) => {
                let licenses = self.policy.packages.iter().flat_map(|package| &package.licenses);
                let carried = licenses.filter(|license| matches!(&license.via, Via::Group(carrier) if carrier == group));
                carried.map(|license| license.sku.clone()).collect()
            }
        })
        .collect()
    }

    /// By day: the products the person needs at some time of it.
    fn needs(&self, person: &Person, held: &BTreeSet<SkuId>) -> Vec<BTreeSet<SkuId>> {
        let mut days = vec![BTreeSet::new(); self.dates.len()];
        let (mut at, mut first) = (self.now, 0);
        for look in 0..=CHANGES_MAX {
            let view = View::new(person, self.policy, at);
            let (needed, changes_at) = needed(&view, held);
            let next = view.standing.next_due.into_iter().chain(changes_at).filter(|next| *next > at).min();
            let next = next.filter(|_| look < CHANGES_MAX);
            // The instant of the change belongs to what follows it.
            let last = next.and_then(|next| self.place(next)).unwrap_or(days.len());
            let until = if next.is_some_and(|next| self.begins_a_day(next)) { last } else { last + 1 };
            for day in days.iter_mut().take(until).skip(first) {
                day.extend(needed.iter().cloned());
            }
            let Some(next) = next.filter(|_| last < days_len(&self.dates)) else { break };
            (at, first) = (next, last);
        }
        days
    }

    /// The day's place in the forecast; None beyond it.
    fn place(&self, at: Timestamp) -> Option<usize> {
        self.dates.binary_search(&at.to_zoned(self.zone.clone()).date()).ok()
    }

    fn begins_a_day(&self, at: Timestamp) -> bool {
        let zoned = at.to_zoned(self.zone.clone());
        zoned.start_of_day().is_ok_and(|start| start == zoned)
    }
}

/// What a person needs at the view's instant, and when a rule says otherwise by time alone. Of whom nothing can be said, what they have stays.
fn needed(view: &View<'_>, held: &BTreeSet<SkuId>) -> (BTreeSet<SkuId>, Option<Timestamp>) {
    use crate::lifecycle::Want;
    if view.standing.want == Want::Nothing && view.person.head.account.object_id.is_none() {
        return (BTreeSet::new(), None);
    }
    let Some(entitled) = entitlements(view, &Actual::default()) else { return (held.clone(), None) };
    let direct = entitled.licenses.keys().cloned();
    let packages = view.policy.packages.iter().flat_map(|package| &package.licenses);
    let carried = packages.filter_map(|license| match &license.via {
        Via::Group(group) if entitled.groups.contains_key(group) => Some(license.sku.clone()),
        _ => None,
    });
    (direct.chain(carried).collect(), entitled.changes_at)
}

fn days_len(dates: &[Date]) -> usize {
    dates.len()
}
