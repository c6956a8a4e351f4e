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
use crate::lifecycle::Want;
use crate::person::Person;
use crate::planner::View;
use crate::planner::entitlements::entitlements;
use crate::planner::groups::Actual;
use crate::policy::{Policy, Via};

/// The longest look ahead, in days.
pub const DAYS_MAX: usize = 366;
/// The most instants at which one person is looked at. Who changes more often is taken to stay as they then are.
const CHANGES_MAX: usize = 200;

/// What the tenant has of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supply {
    /// Its part number.
    pub name: String,
    /// Seats that can be assigned, taken ones among them.
    pub owned: i64,
    /// Seats assigned now, to whomever.
    pub consumed: i64,
}

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
    /// What the tenant has of it; None: it is not owned.
    pub supply: Option<Supply>,
    /// Today first.
    pub days: Vec<Day>,
}

impl Outlook {
    /// The first day on which more seats are needed than owned.
    pub fn runs_out(&self) -> Option<&Day> {
        let owned = self.supply.as_ref().map_or(0, |supply| supply.owned);
        self.days.iter().find(|day| day.needed > owned)
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
    pub fn finish(mut self, supplies: &BTreeMap<SkuId, Supply>) -> Vec<Outlook> {
        for sku in supplies.keys() {
            self.products.entry(sku.clone()).or_default();
        }
        let outlook = |(sku, mut tally): (SkuId, Tally)| {
            tally.days.resize(self.dates.len(), (0, 0, 0));
            let supply = supplies.get(&sku).cloned();
            // A read of the tenant may lag behind the ledger.
            let elsewhere = supply.as_ref().map_or(0, |supply| (supply.consumed - tally.held).max(0));
            let day = |(date, (needed, joining, leaving)): (&Date, _)| Day {
                date: *date,
                needed: elsewhere + needed,
                joining,
                leaving,
            };
            Outlook { sku, supply, days: self.dates.iter().zip(tally.days).map(day).collect() }
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
                let carried =
                    licenses.filter(|license| matches!(&license.via, Via::Group(carrier) if carrier == group));
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
            let Some(next) = next.filter(|_| last < days.len()) else { break };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Grant, Origin};
    use crate::sample::{E3, VISIO, at, bound, person, policy};

    const NOW: &str = "2026-03-02T09:00";
    /// Everything an account of a salesperson needs.
    const SELLER: &str =
        "status=active name.legal.given=Ada name.legal.family=Byron usage_location=NL department.name=Sales";

    fn days_of(people: &[Person], sku: &str, owned: i64, consumed: i64) -> Outlook {
        let (policy, now) = (policy(), at(NOW));
        let mut forecaster = Forecaster::new(&policy, now, policy.tenant.time_zone.clone(), 30);
        for person in people {
            forecaster.add(person);
        }
        let sku: SkuId = sku.parse().unwrap();
        let supply = Supply { name: "IT".into(), owned, consumed };
        let outlooks = forecaster.finish(&BTreeMap::from([(sku.clone(), supply)]));
        outlooks.into_iter().find(|outlook| outlook.sku == sku).unwrap()
    }

    fn holding(mut person: Person, sku: &str) -> Person {
        let target = Target::License(sku.parse().unwrap());
        let grant =
            Grant { target: target.clone(), origin: Origin::Ours, held: true, reasons: Vec::new(), since: at(NOW) };
        person.grants.insert(target, grant);
        person
    }

    fn on(outlook: &Outlook, date: &str) -> Day {
        *outlook.days.iter().find(|day| day.date == date.parse().unwrap()).unwrap()
    }

    #[test]
    fn somebody_hired_needs_a_seat_from_the_day_the_account_is_to_be_there() {
        let hired = person(&[&format!("2026-03-01 hire_date=2026-03-20 {SELLER}")]);
        let outlook = days_of(&[hired], VISIO, 5, 5);
        let first = outlook.days.iter().find(|day| day.joining == 1).unwrap();
        assert!(first.date <= "2026-03-20".parse().unwrap());
        assert_eq!((on(&outlook, "2026-03-02").needed, on(&outlook, "2026-03-31").needed), (5, 6));
        assert_eq!(outlook.runs_out(), Some(first));
        assert_eq!(outlook.days.iter().map(|day| day.joining).sum::<usize>(), 1);
    }

    #[test]
    fn a_leaver_s_seat_is_free_on_the_day_after_the_last() {
        let leaver = format!("2026-03-01 hire_date=2020-01-01 termination.last_working_day=2026-03-10 {SELLER}");
        let outlook = days_of(&[holding(bound(&[&leaver]), E3)], E3, 5, 3);
        assert_eq!((on(&outlook, "2026-03-10").needed, on(&outlook, "2026-03-11").needed), (3, 2));
        assert_eq!(on(&outlook, "2026-03-11").leaving, 1);
        assert_eq!((outlook.runs_out(), outlook.peak().unwrap().date), (None, "2026-03-02".parse().unwrap()));
    }

    #[test]
    fn a_change_with_a_date_moves_the_need_on_that_date() {
        let seller = format!("2026-03-01 hire_date=2020-01-01 {SELLER}");
        let mover = bound(&[&seller, "2026-03-01 from=2026-03-15 department.name=Legal"]);
        let outlook = days_of(&[mover], VISIO, 5, 0);
        assert_eq!((on(&outlook, "2026-03-14").needed, on(&outlook, "2026-03-15").needed), (1, 0));
    }

    #[test]
    fn the_seats_of_people_outside_the_roster_stay_taken() {
        assert_eq!(days_of(&[], E3, 10, 4).days.iter().map(|day| day.needed).collect::<BTreeSet<_>>(), [4].into());
    }

    #[test]
    fn whose_facts_cannot_be_used_keeps_what_they_have() {
        let unusable = bound(&["2026-03-01 hire_date=2020-01-01 status=active usage_location=?"]);
        let outlook = days_of(&[holding(unusable, E3)], E3, 10, 4);
        assert!(outlook.days.iter().all(|day| day.needed == 4), "{outlook:?}");
    }
}
