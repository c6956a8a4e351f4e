//! What a record's terms mean: when the person starts, and when access ends.
//!
//! The merge keeps statements; here they are weighed. Three rules decide nearly everything:
//!
//! 1. *The start stated last is the start.* An end before it, or a termination spoken before it was announced, belongs to an
//!    earlier term: that is how a rehire under the same id gets access back.
//! 2. *"Revoke now" is sticky.* It stands until a cancellation, or a start first announced, after it. A snapshot that merely
//!    repeats "active" does not lift it (invariant 8), nor does a corrected hire date in its past.
//! 3. *Trust for the end of access*: revoke, then an explicit instant, then the last working day, then the last employed day,
//!    as HR systems mean them. A status "terminated" ends access at once unless the same or a newer event names the day, and a
//!    newer statement that names an earlier day overtakes an older, more trusted one.
//!
//! What is said without an employment id speaks of the employments that have one, unless it states a start after all of them.

mod ending;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::event::{FactValue, FieldFault};
use crate::record::{Announced, FIRST_DAY_PATHS, Record, Stamp, Term};
use ending::Ending;

/// How dates of a connection are read.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The person's zone.
    pub zone: TimeZone,
    /// The connection's rule for end dates, if the policy states one; it outranks the event's own word.
    pub inclusive_by_policy: Option<bool>,
    /// The source's rule, if neither policy nor event state one.
    pub inclusive_by_source: bool,
    /// When, on the first day, sign-in is enabled.
    pub enable_at: Time,
    /// When, on the last working day, access is cut.
    pub cut_at: Time,
}

impl End {
    /// Whether access is over.
    pub fn is_past(&self, now: Timestamp) -> bool {
        self.is_immediate || self.at <= now
    }
}

impl Calendar {
    /// The instant of a wall-clock time on a day in the person's zone. In a gap of the clocks: after the gap.
    pub fn instant(&self, date: Date, time: Time) -> Timestamp {
        let zoned = self.zone.to_ambiguous_zoned(date.to_datetime(time)).compatible();
        // Only dates at the very ends of the calendar cannot be an instant.
        zoned.map_or(if date.year() < 0 { Timestamp::MIN } else { Timestamp::MAX }, |zoned| zoned.timestamp())
    }

    /// The day of an instant in the person's zone.
    pub fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }
}

/// One term, weighed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Employment {
    /// The first day.
    pub start: Date,
    /// When access ends, and on whose word.
    pub end: Option<End>,
}

/// The end of access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The instant.
    pub at: Timestamp,
    /// Whether HR ended access *now*, when it said so: then it is over whatever the clock of the source shows.
    pub is_immediate: bool,
    /// On what ground, in plain words.
    pub why: String,
}

/// What a record's terms come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Employments {
    /// Terms whose start is known, in order of start.
    pub terms: Vec<Employment>,
    /// Ends of access said of a person with no known start.
    pub end_without_start: Option<End>,
    /// Term facts that cannot be used, by path.
    pub faults: Vec<(String, FieldFault)>,
}

/// Weighs a record's terms.
pub fn weigh(record: &Record, calendar: &Calendar) -> Employments {
    let mut result = Employments::default();
    let revoked = standing_revoke(record);
    for term in whole_terms(record, calendar) {
        weigh_term(&term, revoked, calendar, &mut result);
    }
    result.terms.sort_by_key(|term| term.start);
    result
}

/// The employments, each with what was said of it without an employment id.
fn whole_terms(record: &Record, calendar: &Calendar) -> Vec<Term> {
    let Some(floating) = record.terms().get("") else { return record.terms().values().cloned().collect() };
    let named: Vec<&Term> = record.terms().iter().filter(|(id, _)| !id.is_empty()).map(|(_, term)| term).collect();
    let later_start = Start::stated(floating).map(|start| start.date);
    let is_over_before = |term: &Term| {
        let end = Ending::of(term, Start::of(term, calendar).as_ref(), calendar).end();
        later_start.zip(end).is_some_and(|(start, end)| calendar.day(end.at) < start)
    };
    let mut whole: Vec<Term> = Vec::with_capacity(named.len() + 1);
    for term in &named {
        let mut term = (*term).clone();
        match named.len() {
            _ if is_over_before(&term) => {}
            1 => term.merge(floating),
            _ => term.absorb_ending(floating),
        }
        whole.push(term);
    }
    if named.iter().all(|term| is_over_before(term)) {
        whole.push(floating.clone());
    }
    whole
}

/// The newest "revoke now" that has not been cancelled: it cuts the person, whichever employment it was said of. A cancellation
/// lifts the revoke of its own employment, and any if either of the two names none.
fn standing_revoke(record: &Record) -> Option<&Stamp> {
    let terms = record.terms();
    let cancelled = |id: &str, revoke: &Stamp| {
        let of_it = terms.iter().filter(|(other, _)| id.is_empty() || other.is_empty() || *other == id);
        let mut cancellations = of_it.flat_map(|(_, term)| term.cancelled.stamps());
        cancellations.any(|cancelled| cancelled == revoke || cancelled.is_surely_after(revoke))
    };
    let revoked = terms.iter().flat_map(|(id, term)| term.revoked.stamps().filter(|revoke| !cancelled(id, revoke)));
    revoked.reduce(|one, other| if other.is_after(one) { other } else { one })
}

fn weigh_term(term: &Term, revoked: Option<&Stamp>, calendar: &Calendar, result: &mut Employments) {
    for (field, register) in &term.faults {
        let mended = term.registers.get(field).is_some_and(|known| known.stamp.is_after(&register.stamp));
        if let (false, FactValue::Fault(fault)) = (mended, &register.value) {
            let fault = (field.path().to_owned(), fault.clone());
            if !result.faults.contains(&fault) {
                result.faults.push(fault);
            }
        }
    }
    let start = Start::of(term, calendar);
    let end_for = |start: Option<&Start<'_>>, until: Option<&Stamp>| {
        let lifted = |revoke: &Stamp| start.is_some_and(|start| start.is_new_after(revoke, calendar));
        match revoked.filter(|revoke| !lifted(revoke)) {
            Some(revoke) => Some(End {
                at: revoke.recorded_at,
                is_immediate: true,
                why: "HR revoked access with immediate effect".into(),
            }),
            None => Ending::of(term, start, calendar).seen_before(until).end(),
        }
    };
    let end = end_for(start.as_ref(), None);
    match start {
        Some(start) => {
            // A new start does not undo the time before it: until its end that runs on, and from then on access is off.
            let until = start.announced.map(|announced| &announced.first);
            let earlier = start.earlier(term).and_then(|earlier| Some((earlier.date, end_for(Some(&earlier), until)?)));
            let ended = |earlier: &End| end.as_ref() != Some(earlier) && calendar.day(earlier.at) <= start.date;
            if let Some((date, earlier)) = earlier.filter(|(_, earlier)| ended(earlier)) {
                result.terms.push(Employment { start: date, end: Some(earlier) });
            }
            result.terms.push(Employment { start: start.date, end });
        }
        None => {
            result.end_without_start = result.end_without_start.take().into_iter().chain(end).max_by_key(|end| end.at);
        }
    }
}

/// A term's first day.
struct Start<'a> {
    date: Date,
    /// The statements of it; None: no date was stated, but HR called the person active.
    announced: Option<&'a Announced>,
}

impl<'a> Start<'a> {
    fn of(term: &'a Term, calendar: &Calendar) -> Option<Self> {
        Self::stated(term).or_else(|| Self::first_called_active(term, calendar))
    }

    /// The first day of work, unless the hire date was stated later: a first day falls with the hire date it was stated beside,
    /// and nobody starts before their hire date.
    fn stated(term: &'a Term) -> Option<Self> {
        let [first_day, hire] = FIRST_DAY_PATHS.map(|path| {
            let register = term.registers.get(path)?;
            Some((register, register.value.as_date()?))
        });
        let date = match (first_day, hire) {
            (Some((first_day, date)), Some((hire, hired))) => {
                let beside = first_day.beside.values().next();
                if first_day.stamp.is_after(&hire.stamp) {
                    date
                } else if beside.is_some_and(|beside| *beside != hired) {
                    hired
                } else {
                    date.max(hired)
                }
            }
            (Some((_, date)), None) | (None, Some((_, date))) => date,
            (None, None) => return None,
        };
        Some(Self { date, announced: term.starts.get(&date) })
    }

    /// The start before this one: of an earlier time under the same id, if that came to an end.
    fn earlier(&self, term: &'a Term) -> Option<Self> {
        let (date, announced) = term.starts.range(..self.date).next_back().filter(|_| self.announced.is_some())?;
        Some(Self { date: *date, announced: Some(announced) })
    }

    /// The day on which HR first called the person active.
    fn first_called_active(term: &Term, calendar: &Calendar) -> Option<Self> {
        let active = ["active", "on_leave"].iter().filter_map(|word| term.statuses.get(*word));
        let (stamp, effective) = active.map(|said| &said.first).min()?;
        Some(Self { date: effective.unwrap_or_else(|| calendar.day(stamp.recorded_at)), announced: None })
    }

    /// Whether this opens a new term after what was said at `stamp`: a date first stated later, and not itself in the past
    /// of it. A corrected hire date in the past of a termination lifts nothing.
    fn is_new_after(&self, stamp: &Stamp, calendar: &Calendar) -> bool {
        let stated_later = self.announced.is_some_and(|announced| announced.first.is_surely_after(stamp));
        stated_later && self.date >= calendar.day(stamp.recorded_at)
    }
}

impl Term {
    /// Takes over newer statements about endings that were made without an employment id, where there are several employments:
    /// a silence or a "still active" cannot be meant for all of them. The start, too, if it has none of its own.
    fn absorb_ending(&mut self, floating: &Self) {
        let is_first_day = |path: &str| FIRST_DAY_PATHS.contains(&path);
        let own_start = self.starts.is_empty();
        for (field, register) in &floating.registers {
            let newer = self.registers.get(field).is_none_or(|ours| register.stamp.is_after(&ours.stamp));
            let ends =
                matches!(register.value, FactValue::Date(_) | FactValue::Instant(_)) && !is_first_day(field.path());
            if newer && (ends || own_start && is_first_day(field.path())) {
                self.registers.insert(*field, register.clone());
            }
        }
        if own_start {
            self.starts.clone_from(&floating.starts);
        }
        for (word, said) in floating.statuses.iter().filter(|(word, _)| ending::is_over(word)) {
            let ours = self.statuses.entry(word.clone()).or_insert_with(|| said.clone());
            ours.last = ours.last.clone().max(said.last.clone());
        }
        self.cancelled.merge(&floating.cancelled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    fn calendar(zone: &str) -> Calendar {
        Calendar {
            zone: TimeZone::get(zone).unwrap(),
            inclusive_by_policy: None,
            inclusive_by_source: true,
            enable_at: time(6, 0, 0, 0),
            cut_at: time(18, 0, 0, 0),
        }
    }

    #[test]
    fn a_time_in_the_gap_of_the_clocks_is_after_it_and_one_that_comes_twice_is_the_first() {
        let amsterdam = calendar("Europe/Amsterdam");
        let instant = |date, hour| amsterdam.instant(date, time(hour, 30, 0, 0)).to_string();
        assert_eq!(
            instant(date(2026, 3, 29), 2),
            "2026-03-29T01:30:00Z",
            "half past two does not exist: half past three"
        );
        assert_eq!(instant(date(2026, 10, 25), 2), "2026-10-25T00:30:00Z", "half past two comes twice: the first");
        // Samoa skipped this day altogether.
        let samoa = calendar("Pacific/Apia");
        assert_eq!(samoa.instant(date(2011, 12, 30), time(6, 0, 0, 0)).to_string(), "2011-12-30T16:00:00Z");
    }

    #[test]
    fn the_ends_of_the_calendar_are_the_ends_of_time() {
        let calendar = calendar("Pacific/Kiritimati");
        assert_eq!(calendar.instant(Date::MIN, Time::midnight()), Timestamp::MIN);
        assert!(calendar.instant(Date::MAX, calendar.cut_at) > "9999-12-30T00:00:00Z".parse().unwrap());
    }
}
