//! The record: what HR says of a person, merged out of events that come twice, late and in any order.
//!
//! Everything is a register that keeps its newest statement, or a set of such registers, so that merging is commutative,
//! associative and idempotent: any order and any repetition of the same events gives the same record (invariant 4). What a
//! record *means* on a day is decided when it is read, here for single facts and in [`crate::employment`] for terms.
//!
//! Two kinds of fact:
//! - *Dated facts*: a register per (field, effective date). A department from next month does not touch today's.
//! - *Term facts*: start, end, last working day, status, revoke; a set of registers per employment. They carry their own
//!   dates, so the event's effective date is kept beside them only where it says from when a status holds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::attributes::EMPLOYEE_NUMBER;
use crate::event::{EventKind, FactValue, Field, WorkerEvent};
use crate::ids::EventId;

#[cfg(test)]
pub(crate) mod generated;
mod stored;
#[cfg(test)]
mod tests;

/// The most effective dates kept per field; the earliest are history and go first.
pub const EFFECTIVE_DATES_MAX: usize = 100;

/// Orders statements of one connection: source version if it is a whole number, else when it was recorded, else when it
/// came in; the event id breaks a tie. A merge needs one order of all stamps, so a statement with a version counts as newer than
/// one without; where access hangs on it, [`Stamp::is_after`] compares such a pair by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// The source's version, if a whole number. A content hash orders nothing.
    pub version: Option<u64>,
    /// When the source recorded it, or when we got it.
    pub recorded_at: Timestamp,
    /// The event.
    pub event_id: EventId,
}

impl Stamp {
    /// The stamp of an event.
    pub fn of(event: &WorkerEvent) -> Self {
        let recorded = event.version.source_updated_at.or(event.source.occurred_at);
        Self {
            version: event.version.source_version.as_deref().and_then(|version| version.parse().ok()),
            recorded_at: recorded.unwrap_or(event.source.received_at),
            event_id: event.event_id.clone(),
        }
    }

    /// Whether this was said later. A pair of which only one has a version is compared by when it was recorded.
    pub fn is_after(&self, other: &Self) -> bool {
        if self.version.is_some() == other.version.is_some() {
            self > other
        } else {
            self.recorded_at > other.recorded_at
        }
    }

    /// Whether this was said later beyond doubt: two statements of one second are told apart by nothing that means
    /// anything. Only such a one gives access back.
    pub fn is_surely_after(&self, other: &Self) -> bool {
        let tie = self.version == other.version || self.version.is_none() || other.version.is_none();
        if tie { self.recorded_at > other.recorded_at } else { self.version > other.version }
    }
}

/// The newest statement of one fact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Register {
    /// When it was said. First, so that registers compare by it.
    pub stamp: Stamp,
    /// What was said.
    pub value: FactValue,
    /// The event's effective date.
    pub effective: Option<Date>,
    /// For a statement about the end of a term: the last days stated in the same event; for a first day of work: the hire date.
    /// A last working day falls with the end it was stated beside, a first day with the hire date.
    pub beside: BTreeMap<Field, Date>,
    /// Whether the event called its end dates inclusive.
    pub inclusive_end: Option<bool>,
}

/// The span of statements that announced a start date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// The first statement of this start.
    pub first: Stamp,
    /// The latest.
    pub last: Stamp,
}

/// The newest statement of something that is said without a value, with and without a version: access hangs on these, so neither
/// kind may displace the other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Latest {
    versioned: Option<Stamp>,
    unversioned: Option<Stamp>,
}

impl Latest {
    /// Makes a statement of it.
    fn of(stamp: &Stamp) -> Self {
        let (versioned, unversioned) =
            if stamp.version.is_some() { (Some(stamp.clone()), None) } else { (None, Some(stamp.clone())) };
        Self { versioned, unversioned }
    }

    /// The statements: none, one or two.
    pub fn stamps(&self) -> impl Iterator<Item = &Stamp> {
        self.versioned.iter().chain(&self.unversioned)
    }

    /// Joins what two records say of it.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.versioned = self.versioned.take().max(other.versioned.clone());
        self.unversioned = self.unversioned.take().max(other.unversioned.clone());
    }
}

/// A status, and the span of statements that gave it: the first and the last, each with its effective date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The first statement of this status.
    pub first: (Stamp, Option<Date>),
    /// The latest.
    pub last: (Stamp, Option<Date>),
}

/// One employment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Term {
    /// Every first day and hire date ever stated, with when it was announced.
    pub starts: BTreeMap<Date, Announced>,
    /// End, last working day, status and their like: the newest statement of each that can be used.
    pub registers: BTreeMap<Field, Register>,
    /// The newest statement of each that cannot. It is reported, and does not displace what was known before.
    pub faults: BTreeMap<Field, Register>,
    /// Every status ever given, by its word.
    pub statuses: BTreeMap<String, Said>,
    /// The newest "revoke now". Sticky: no later silence or snapshot takes it back.
    pub revoked: Latest,
    /// The newest cancellation of a termination.
    pub cancelled: Latest,
}

/// What HR says of one person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "stored::StoredRecord", into = "stored::StoredRecord")]
pub struct Record {
    facts: BTreeMap<Field, BTreeMap<Option<Date>, Register>>,
    terms: BTreeMap<String, Term>,
    employee_number: Option<(Stamp, String)>,
    /// The newest statement that the source deleted its record. A finding, never an offboarding by itself.
    deleted_at_source: Option<Stamp>,
    newest: Option<Stamp>,
}

/// What names a last day, the most trusted first: the paths a statement about the end is stated beside.
pub(crate) const LAST_DAY_PATHS: [&str; 4] = [
    "termination.last_working_day",
    "employment.last_working_day",
    "termination.last_employed_day",
    "employment.end_date",
];

/// What names a first day, the most trusted first.
pub(crate) const FIRST_DAY_PATHS: [&str; 2] = ["employment.first_day_of_work", "employment.hire_date"];

/// Facts that belong to a term and not to a date.
const TERM_FIELDS: &[&str] = &[
    "employment.contract_end_date",
    "employment.end_date",
    "employment.first_day_of_work",
    "employment.hire_date",
    "employment.last_working_day",
    "employment.source_status",
    "employment.status",
    "termination.access_end_at",
    "termination.cancelled",
    "termination.eligible_for_rehire",
    "termination.garden_leave_start",
    "termination.immediate",
    "termination.kind",
    "termination.last_employed_day",
    "termination.last_working_day",
    "termination.notice_date",
    "termination.reason_code",
];

impl Record {
    /// Merges one event.
    pub fn apply(&mut self, event: &WorkerEvent) {
        self.merge(&Self::of(event));
    }

    /// The record that one event alone makes.
    pub fn of(event: &WorkerEvent) -> Self {
        let stamp = Stamp::of(event);
        let register = |value: &FactValue| Register {
            stamp: stamp.clone(),
            value: value.clone(),
            effective: event.effective.date,
            beside: BTreeMap::new(),
            inclusive_end: event.effective.inclusive_end,
        };
        let mut record = Self { newest: Some(stamp.clone()), ..Self::default() };
        for (field, value) in event.facts.iter().filter(|(field, _)| !TERM_FIELDS.contains(&field.path())) {
            record.facts.entry(*field).or_default().insert(event.effective.date, register(value));
        }
        let term = Term::of(event, &stamp, register);
        if term != Term::default() {
            record.terms.insert(event.worker.source_employment_id.clone().unwrap_or_default(), term);
        }
        // A zone said of the event is a fact of the person, unless the location states one itself.
        if let (Some(zone), Some(field)) = (&event.effective.time_zone, Field::of("location.time_zone")) {
            let zone = register(&FactValue::Text(zone.clone()));
            record.facts.entry(field).or_default().entry(event.effective.date).or_insert(zone);
        }
        record.employee_number = event.worker.employee_number.clone().map(|number| (stamp.clone(), number));
        record.deleted_at_source = (event.kind == EventKind::RecordDeleted).then_some(stamp);
        record
    }

    /// Joins what two records say.
    pub fn merge(&mut self, other: &Self) {
        for (field, dated) in &other.facts {
            let ours = self.facts.entry(*field).or_default();
            for (date, register) in dated {
                join(ours, date, register);
            }
            // What was said without a date is no history: it stays.
            while ours.keys().flatten().count() > EFFECTIVE_DATES_MAX {
                let Some(first) = ours.keys().flatten().min().copied() else { break };
                ours.remove(&Some(first));
            }
        }
        for (id, term) in &other.terms {
            self.terms.entry(id.clone()).or_default().merge(term);
        }
        self.employee_number = self.employee_number.take().max(other.employee_number.clone());
        self.deleted_at_source = self.deleted_at_source.take().max(other.deleted_at_source.clone());
        self.newest = self.newest.take().max(other.newest.clone());
    }

    /// The value of a dated fact in force on a day: of the dated statements, the one with the latest effective date by then;
    /// of that and the undated one, what took hold last. A statement takes hold on its effective date or on the day it was
    /// recorded, whichever is later: a correction of what holds today counts although a snapshot came between, a correction of
    /// days long superseded does not, and a plan for the future waits. Null reads as [`FactValue::Null`]; None: never spoken of.
    pub fn fact(&self, path: &str, today: Date, zone: &TimeZone) -> Option<&FactValue> {
        self.register(path, today, zone).map(|register| &register.value)
    }

    fn register(&self, path: &str, today: Date, zone: &TimeZone) -> Option<&Register> {
        let in_force = |register: &Register| {
            let recorded = register.stamp.recorded_at.to_zoned(zone.clone()).date();
            register.effective.map_or(recorded, |effective| effective.max(recorded))
        };
        let by_date = self.facts.get(path)?;
        let dated = by_date.range(Some(Date::MIN)..=Some(today)).next_back().map(|(_, register)| register);
        let either = by_date.get(&None).into_iter().chain(dated);
        either.max_by_key(|register| (in_force(register), &register.stamp))
    }

    /// When HR said what holds on a day, be it readable or not; None: never spoken of.
    pub fn said_at(&self, path: &str, today: Date, zone: &TimeZone) -> Option<Timestamp> {
        let dated = self.register(path, today, zone).map(|register| &register.stamp);
        let of_terms = self.terms.values().flat_map(|term| [term.registers.get(path), term.faults.get(path)]);
        let of_terms = of_terms.flatten().map(|register| &register.stamp).max();
        let number = self.employee_number.as_ref().filter(|_| path == EMPLOYEE_NUMBER).map(|(stamp, _)| stamp);
        dated.or(of_terms).or(number).map(|stamp| stamp.recorded_at)
    }

    /// The text of a fact in force on a day, if it is text.
    pub fn text(&self, path: &str, today: Date, zone: &TimeZone) -> Option<&str> {
        self.fact(path, today, zone).and_then(FactValue::as_text)
    }

    /// The facts in force on a day.
    pub fn facts_on(&self, today: Date, zone: &TimeZone) -> impl Iterator<Item = (Field, &FactValue)> {
        let zone = zone.clone();
        self.facts.keys().filter_map(move |field| self.fact(field.path(), today, &zone).map(|value| (*field, value)))
    }

    /// The next day after `today` on which a dated fact begins to hold.
    pub fn next_effective(&self, today: Date) -> Option<Date> {
        self.facts.values().flat_map(BTreeMap::keys).flatten().filter(|date| **date > today).min().copied()
    }

    /// The terms by employment id; the empty id holds what was said without one.
    pub fn terms(&self) -> &BTreeMap<String, Term> {
        &self.terms
    }

    /// The number people know the worker by.
    pub fn employee_number(&self) -> Option<&str> {
        self.employee_number.as_ref().map(|(_, number)| number.as_str())
    }

    /// Whether the source's last word is that it deleted the record.
    pub fn is_deleted_at_source(&self) -> bool {
        self.deleted_at_source.is_some() && self.deleted_at_source == self.newest
    }

    /// The newest statement of all.
    pub fn newest(&self) -> Option<&Stamp> {
        self.newest.as_ref()
    }
}

impl Term {
    /// What one event says of an employment.
    fn of(event: &WorkerEvent, stamp: &Stamp, register: impl Fn(&FactValue) -> Register) -> Self {
        let date = |path: &str| event.facts.get(path).and_then(FactValue::as_date);
        let last_days = LAST_DAY_PATHS.iter().filter_map(|path| Some((Field::of(path)?, date(path)?)));
        let last_days: BTreeMap<Field, Date> = last_days.collect();
        let mut term = Self::default();
        for (field, value) in event.facts.iter().filter(|(field, _)| TERM_FIELDS.contains(&field.path())) {
            let mut register = register(value);
            if matches!(value, FactValue::Fault(_)) {
                term.faults.insert(*field, register);
                continue;
            }
            if LAST_DAY_PATHS.contains(&field.path()) || field.path() == "termination.access_end_at" {
                register.beside.clone_from(&last_days);
            }
            if let ("employment.first_day_of_work", Some(hire)) = (field.path(), Field::of("employment.hire_date")) {
                register.beside = date(hire.path()).map(|date| (hire, date)).into_iter().collect();
            }
            term.registers.insert(*field, register);
        }
        for start in FIRST_DAY_PATHS.iter().filter_map(|path| date(path)) {
            term.starts.insert(start, Announced { first: stamp.clone(), last: stamp.clone() });
        }
        if let Some(status) = event.facts.get("employment.status").and_then(FactValue::as_text) {
            let said = (stamp.clone(), event.effective.date);
            term.statuses.insert(status.to_owned(), Said { first: said.clone(), last: said });
        }
        let says = |path: &str| event.facts.get(path).and_then(FactValue::as_bool) == Some(true);
        if says("termination.immediate") {
            term.revoked = Latest::of(stamp);
        }
        if says("termination.cancelled") {
            term.cancelled = Latest::of(stamp);
        }
        term
    }

    /// Joins what two records say of one employment.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (field, register) in &other.registers {
            join(&mut self.registers, field, register);
        }
        for (field, register) in &other.faults {
            join(&mut self.faults, field, register);
        }
        for (word, said) in &other.statuses {
            let ours = self.statuses.entry(word.clone()).or_insert_with(|| said.clone());
            ours.first = ours.first.clone().min(said.first.clone());
            ours.last = ours.last.clone().max(said.last.clone());
        }
        for (date, announced) in &other.starts {
            self.starts
                .entry(*date)
                .and_modify(|ours| {
                    ours.first = ours.first.clone().min(announced.first.clone());
                    ours.last = ours.last.clone().max(announced.last.clone());
                })
                .or_insert_with(|| announced.clone());
        }
        self.revoked.merge(&other.revoked);
        self.cancelled.merge(&other.cancelled);
    }
}

/// Keeps the newer of two registers under a key.
fn join<K: Ord + Clone>(ours: &mut BTreeMap<K, Register>, key: &K, theirs: &Register) {
    match ours.get_mut(key) {
        Some(known) if *known >= *theirs => {}
        Some(known) => *known = theirs.clone(),
        None => {
            ours.insert(key.clone(), theirs.clone());
        }
    }
}
