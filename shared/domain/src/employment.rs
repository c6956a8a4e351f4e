//! What a record's terms mean: when the person starts, and when access ends.
//!
//! The merge keeps statements; here they are weighed. Three rules decide nearly everything:
//!
//! 1. *The start stated last is the start.* An end before it, or a termination spoken before it was announced, belongs to an
//!    earlier term: that is how a rehire under the same id gets access back.
//! 2. *"Revoke now" is sticky.* It stands until a cancellation, or a start first announced, after it. A snapshot that merely
//!    repeats "active" does not lift it (invariant 8).
//! 3. *Trust for the end of access*: revoke, then an explicit instant, then the last working day, then the last employed day
//!    (HR sources, section 5). A status "terminated" ends access at once unless the same or a newer event names the day.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::event::{FactValue, FieldFault};
use crate::record::{Announced, Record, Register, Stamp, Term};

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
    let floating = record.terms().get("");
    let mut result = Employments::default();
    let named = record.terms().iter().filter(|(id, term)| !id.is_empty() || !term.starts.is_empty());
    let revoked = newest_revoke(record);
    for (id, term) in named {
        // What is said without an employment id speaks of every employment that has one.
        let mut whole = term.clone();
        if let (false, Some(floating)) = (id.is_empty(), floating) {
            whole.absorb_ending(floating);
        }
        weigh_term(&whole, revoked, calendar, &mut result);
    }
    if let (true, Some(term)) = (result.terms.is_empty(), floating) {
        weigh_term(term, revoked, calendar, &mut result);
    }
    result.terms.sort_by_key(|term| term.start);
    result
}

/// The newest "revoke now" of any term: it cuts the person, whichever employment it was said of.
fn newest_revoke(record: &Record) -> Option<&Stamp> {
    let cancelled = record.terms().values().filter_map(|term| term.cancelled.as_ref()).max();
    let revoked = record.terms().values().filter_map(|term| term.revoked.as_ref()).max();
    revoked.filter(|revoked| cancelled.is_none_or(|cancelled| cancelled < *revoked))
}

fn weigh_term(term: &Term, revoked: Option<&Stamp>, calendar: &Calendar, result: &mut Employments) {
    for (field, register) in &term.registers {
        if let FactValue::Fault(fault) = &register.value {
            result.faults.push((field.path().to_owned(), fault.clone()));
        }
    }
    let start = stated_start(term, calendar);
    let end = Ending { term, start: start.as_ref().map(|(date, announced)| (*date, announced)), calendar }.end();
    let lifted = |revoke: &Stamp| start.as_ref().is_some_and(|(date, announced)| is_new_after(*date, announced, revoke, calendar));
    let end = match revoked.filter(|revoke| !lifted(revoke)) {
        Some(revoke) => Some(End { at: revoke.recorded_at, why: "HR revoked access with immediate effect".into() }),
        None => end,
    };
    match start {
        Some((start, _)) => result.terms.push(Employment { start, end }),
        None => result.end_without_start = result.end_without_start.take().or(end),
    }
}

/// Whether a start opens a new term after what was said at `stamp`: first announced later, and not itself in the past
/// of it. A corrected hire date in the past of a termination lifts nothing.
fn is_new_after(start: Date, announced: &Announced, stamp: &Stamp, calendar: &Calendar) -> bool {
    announced.first > *stamp && start >= calendar.day(stamp.recorded_at)
}

/// The start stated last; without any, the day on which HR first called the person active.
fn stated_start(term: &Term, calendar: &Calendar) -> Option<(Date, Announced)> {
    let stated = term.starts.iter().max_by_key(|(_, announced)| &announced.last);
    stated.map(|(date, announced)| (*date, announced.clone())).or_else(|| {
        let status = term.registers.get("employment.status")?;
        let active = matches!(status.value.as_text(), Some("active" | "on_leave"));
        let day = status.effective.unwrap_or_else(|| calendar.day(status.stamp.recorded_at));
        active.then(|| (day, Announced { first: status.stamp.clone(), last: status.stamp.clone() }))
    })
}

impl Term {
    /// Takes over newer statements about endings that were made without an employment id.
    fn absorb_ending(&mut self, floating: &Self) {
        for (field, register) in &floating.registers {
            let ours = self.registers.get(field);
            if ours.is_none_or(|ours| ours.stamp < register.stamp) {
                self.registers.insert(*field, register.clone());
            }
        }
        self.cancelled = self.cancelled.take().max(floating.cancelled.clone());
    }
}

/// Paths that name a last day, most trusted first; the second says whether the day is always the last one (a *last* working
/// day) or follows the connection's rule (an *end* date).
const LAST_DAYS: &[(&str, bool, &str)] = &[
    ("termination.last_working_day", true, "last working day"),
    ("employment.last_working_day", true, "last working day"),
    ("termination.last_employed_day", true, "last employed day"),
    ("employment.end_date", false, "end of employment"),
    ("employment.contract_end_date", false, "end of contract"),
];

/// A term's statements about its end, with what they are weighed against.
struct Ending<'a> {
    term: &'a Term,
    start: Option<(Date, &'a Announced)>,
    calendar: &'a Calendar,
}

impl Ending<'_> {
    fn end(&self) -> Option<End> {
        let terminated = self.terminated();
        let dated = self.explicit_instant().or_else(|| self.last_day(terminated.map(|register| &register.stamp)));
        dated.or_else(|| {
            let register = terminated?;
            let calendar = self.calendar;
            let from = register.effective.map(|date| calendar.instant(date, Time::midnight()));
            let at = from.unwrap_or(register.stamp.recorded_at).max(register.stamp.recorded_at);
            Some(End { at, why: "HR calls the employment ended and names no later day".into() })
        })
    }

    /// The status, if it says that the employment is over and has not been taken back.
    fn terminated(&self) -> Option<&Register> {
        let status = self.term.registers.get("employment.status")?;
        let over = matches!(status.value.as_text(), Some("terminated" | "retired" | "deceased"));
        let earlier_term = self.start.is_some_and(|(start, announced)| is_new_after(start, announced, &status.stamp, self.calendar));
        (over && !earlier_term && self.not_cancelled(&status.stamp)).then_some(status)
    }

    fn not_cancelled(&self, stamp: &Stamp) -> bool {
        self.term.cancelled.as_ref().is_none_or(|cancelled| cancelled < stamp)
    }

    fn explicit_instant(&self) -> Option<End> {
        let register = self.term.registers.get("termination.access_end_at")?;
        let FactValue::Instant(at) = register.value else { return None };
        let standing = self.not_cancelled(&register.stamp) && !self.is_of_an_earlier_term(self.calendar.day(at), register);
        standing.then(|| End { at, why: format!("HR ends access at {at}") })
    }

    /// The most trusted last day. `terminated`: a status that says it is over; then only what was said with it or later
    /// may name a day still to come, and a contract's end never does.
    fn last_day(&self, terminated: Option<&Stamp>) -> Option<End> {
        let today = terminated.map(|stamp| self.calendar.day(stamp.recorded_at));
        let days = LAST_DAYS.iter().filter_map(|(path, always_last, name)| {
            let register = self.term.registers.get(*path)?;
            let day = self.as_last_day(register, *always_last)?;
            let late = terminated.zip(today).is_some_and(|(stamp, today)| {
                day > today && (register.stamp < *stamp || *path == "employment.contract_end_date")
            });
            (!late).then_some((day, *name))
        });
        let (day, name) = days.into_iter().next()?;
        let at = self.calendar.instant(day, self.calendar.cut_at);
        Some(End { at, why: format!("{name} {day} ends at {}", self.calendar.cut_at.strftime("%H:%M")) })
    }

    /// The last day a register names, unless it was cancelled, moved or belongs to an earlier term.
    fn as_last_day(&self, register: &Register, always_last: bool) -> Option<Date> {
        let date = register.value.as_date()?;
        if !self.not_cancelled(&register.stamp) || (always_last && self.moved_since(register)) {
            return None;
        }
        let calendar = self.calendar;
        let by_event = register.inclusive_end.unwrap_or(calendar.inclusive_by_source);
        let inclusive = always_last || calendar.inclusive_by_policy.unwrap_or(by_event);
        let day = if inclusive { date } else { date.yesterday().unwrap_or(date) };
        (!self.is_of_an_earlier_term(day, register)).then_some(day)
    }

    /// Whether the end date beside which a last working day was stated has been moved or cleared by a newer event.
    fn moved_since(&self, register: &Register) -> bool {
        let Some(beside) = register.beside_end else { return false };
        ["termination.last_employed_day", "employment.end_date"].iter().any(|path| {
            let end = self.term.registers.get(*path);
            end.is_some_and(|end| end.stamp > register.stamp && end.value.as_date() != Some(beside))
        })
    }

    /// Whether a last day before the start belongs to an earlier term, and not to somebody who never came: it does if it was
    /// said before the start was, or if HR (with it or later) calls the person active.
    fn is_of_an_earlier_term(&self, day: Date, register: &Register) -> bool {
        let Some((start, announced)) = self.start else { return false };
        let status = self.term.registers.get("employment.status");
        let active = status.is_some_and(|status| {
            status.stamp >= register.stamp && matches!(status.value.as_text(), Some("active" | "on_leave" | "pre_hire"))
        });
        day < start && (active || announced.first >= register.stamp)
    }
}
