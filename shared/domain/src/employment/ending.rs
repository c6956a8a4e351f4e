//! When a term's access ends: its statements about the end, weighed against each other.

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use super::{Calendar, End, Start};
use crate::event::FactValue;
use crate::record::{LAST_DAY_PATHS, Register, Stamp, Term};

/// Statements that name the end, most trusted first. Of the two last working days the one stated last counts.
const ENDS: &[(&[&str], &str)] = &[
    (&["termination.access_end_at"], "end of access"),
    (&["termination.last_working_day", "employment.last_working_day"], "last working day"),
    (&["termination.last_employed_day"], "last employed day"),
    (&["employment.end_date"], "end of employment"),
    (&[CONTRACT_END], "end of contract"),
];

/// Follows the rule for end dates, but never outweighs a word about this person's own leaving.
const CONTRACT_END: &str = "employment.contract_end_date";

/// The dates that, when moved, take with them what was stated beside them.
const END_DATES: [&str; 2] = ["termination.last_employed_day", "employment.end_date"];

/// Whether a status says that the employment is over.
pub(super) fn is_over(status: &str) -> bool {
    matches!(status, "terminated" | "retired" | "deceased")
}

/// A term's statements about its end, with what they are weighed against.
pub(super) struct Ending<'a> {
    term: &'a Term,
    start: Option<&'a Start<'a>>,
    calendar: &'a Calendar,
    /// When the start of a later term was announced: to be called employed from then on says nothing of this one.
    until: Option<&'a Stamp>,
}

/// A statement that names the end.
struct Named<'a> {
    path: &'static str,
    register: &'a Register,
    day: Date,
    at: Timestamp,
    why: String,
}

/// A status that says it is over.
struct Over<'a> {
    /// The latest statement.
    stamp: &'a Stamp,
    at: Timestamp,
    /// Whether it speaks of the moment it was said, and not of a day to come.
    is_immediate: bool,
}

impl<'a> Ending<'a> {
    pub(super) fn of(term: &'a Term, start: Option<&'a Start<'a>>, calendar: &'a Calendar) -> Self {
        Self { term, start, calendar, until: None }
    }

    /// The same for a term that was followed by one announced at `until`.
    pub(super) fn seen_before(self, until: Option<&'a Stamp>) -> Self {
        Self { until, ..self }
    }

    /// The end of access, if there is one.
    pub(super) fn end(&self) -> Option<End> {
        let over = self.over();
        let named: Vec<Named<'_>> = ENDS.iter().filter_map(|(paths, name)| self.named(paths, name)).collect();
        let in_time = |named: &&Named<'_>| over.as_ref().is_none_or(|over| !self.is_too_late(named, over));
        let standing: Vec<&Named<'_>> = named.iter().filter(in_time).collect();
        let overtaken =
            |at: usize, named: &Named<'_>| standing.iter().skip(at + 1).any(|other| overtakes(other, named));
        let governs = |(at, named): &(usize, &&Named<'_>)| !self.has_moved(named) && !overtaken(*at, named);
        let governing = standing.iter().enumerate().find(governs);
        let dated = governing.map(|(_, named)| End { at: named.at, is_immediate: false, why: named.why.clone() });
        dated.or_else(|| {
            let why = "HR calls the employment ended and names no later day".into();
            over.map(|over| End { at: over.at, is_immediate: over.is_immediate, why })
        })
    }

    /// The status, if it says that the employment is over and has not been taken back: by a cancellation, by a new term, or by
    /// HR calling the person employed again. A day to come is not taken back by being employed before it.
    fn over(&self) -> Option<Over<'a>> {
        let over = self.term.statuses.iter().filter(|(word, _)| is_over(word)).map(|(_, said)| said);
        let (stamp, effective) = over.clone().map(|said| &said.last).max()?;
        let employed =
            self.term.statuses.iter().filter(|(word, _)| matches!(word.as_str(), "active" | "on_leave" | "suspended"));
        let employed = employed.map(|(_, said)| &said.last.0);
        let employed: Vec<&Stamp> =
            employed.filter(|employed| self.until.is_none_or(|until| until.is_after(employed))).collect();
        let taken_back = employed.iter().any(|employed| {
            let day = self.calendar.day(employed.recorded_at);
            employed.is_after(stamp) && effective.is_none_or(|effective| effective <= day)
        });
        let earlier_term = self.start.is_some_and(|start| start.is_new_after(stamp, self.calendar));
        if taken_back || earlier_term || !self.is_not_cancelled(stamp) {
            return None;
        }
        let announced =
            effective.map(|day| self.calendar.instant(day, Time::midnight())).filter(|at| *at > stamp.recorded_at);
        // Snapshots repeat the status for as long as the record lives; access ended when it was first said.
        let first = over
            .map(|said| &said.first.0)
            .min()
            .filter(|first| employed.iter().all(|employed| first.is_after(employed)));
        let since = first.map_or(stamp.recorded_at, |first| first.recorded_at.min(stamp.recorded_at));
        Some(Over { stamp, at: announced.unwrap_or(since), is_immediate: announced.is_none() })
    }

    fn is_not_cancelled(&self, stamp: &Stamp) -> bool {
        self.term.cancelled.stamps().all(|cancelled| stamp.is_after(cancelled))
    }

    /// What the newest of these paths names, unless it was cancelled or belongs to an earlier term.
    fn named(&self, paths: &[&'static str], name: &str) -> Option<Named<'a>> {
        let named = paths.iter().filter_map(|path| self.read(path, self.term.registers.get(*path)?, name));
        named.reduce(|one, other| if other.register.stamp.is_after(&one.register.stamp) { other } else { one })
    }

    fn read(&self, path: &'static str, register: &'a Register, name: &str) -> Option<Named<'a>> {
        let calendar = self.calendar;
        let cut_at = calendar.cut_at.strftime("%H:%M");
        let (day, at, why) = match register.value {
            FactValue::Instant(at) => (calendar.day(at), at, format!("{name} at {at}")),
            FactValue::Date(date) => {
                let day = self.last_day(path, register, date);
                (day, calendar.instant(day, calendar.cut_at), format!("{name} {day} ends at {cut_at}"))
            }
            _ => return None,
        };
        let stands = self.is_not_cancelled(&register.stamp) && !self.is_of_an_earlier_term(day, register);
        stands.then_some(Named { path, register, day, at, why })
    }

    /// A *last* day is the last one; what an *end* date means is for the policy to say, else for the event, else for the source.
    fn last_day(&self, path: &str, register: &Register, date: Date) -> Date {
        let by_event = register.inclusive_end.unwrap_or(self.calendar.inclusive_by_source);
        let inclusive = self.calendar.inclusive_by_policy.unwrap_or(by_event);
        let follows_rule = matches!(path, "employment.end_date" | CONTRACT_END);
        if follows_rule && !inclusive { date.yesterday().unwrap_or(date) } else { date }
    }

    /// Once HR calls it over, only what was said with that or later may name a moment still to come, and a contract's end never
    /// does.
    fn is_too_late(&self, named: &Named<'_>, over: &Over<'_>) -> bool {
        let said = over.stamp.recorded_at;
        let is_to_come = if named.path == "termination.access_end_at" {
            named.at > said
        } else {
            named.day > self.calendar.day(said)
        };
        is_to_come && (over.stamp.is_after(&named.register.stamp) || named.path == CONTRACT_END)
    }

    /// Whether the end date beside which this was stated has been moved or cleared by a newer event.
    fn has_moved(&self, named: &Named<'_>) -> bool {
        let beside = &named.register.beside;
        let stated = END_DATES.map(|path| beside.get(path).copied());
        let is_end_date = named.path == "employment.end_date";
        !is_end_date
            && named.path != CONTRACT_END
            && END_DATES.iter().zip(stated).any(|(path, here)| {
                let newer = self.term.registers.get(*path).filter(|end| end.stamp.is_after(&named.register.stamp));
                let Some(newer) = newer else { return false };
                let Some(date) = newer.value.as_date() else { return here.is_some() };
                let earlier = self.is_of_an_earlier_term(self.last_day(path, newer, date), newer);
                // The same end in the other way of counting is no move.
                let other = stated.into_iter().flatten().next();
                let near = |other: Date| (date - other).get_days().abs() <= 1;
                let same = here.map_or_else(|| other.is_none_or(near), |here| here == date);
                !same && !earlier
            })
    }

    /// Whether a last day before the start belongs to an earlier term, and not to somebody who never came: it does if it was
    /// said before the start was, or if HR (with it or later) calls the person active.
    fn is_of_an_earlier_term(&self, day: Date, register: &Register) -> bool {
        let Some(start) = self.start.filter(|start| day < start.date) else { return false };
        let status = self.term.registers.get("employment.status");
        let active = status.is_some_and(|status| {
            let word = matches!(status.value.as_text(), Some("active" | "on_leave" | "pre_hire"));
            word && !register.stamp.is_after(&status.stamp)
        });
        active || start.announced.is_some_and(|announced| !register.stamp.is_after(&announced.first))
    }
}

/// Whether a less trusted statement overtakes a more trusted one: said later, and it names an earlier end. A repetition of what
/// stood beside the more trusted one from the beginning is nothing new.
fn overtakes(less: &Named<'_>, more: &Named<'_>) -> bool {
    let repeated = more
        .register
        .beside
        .iter()
        .any(|(field, date)| field.path() == less.path && Some(*date) == less.register.value.as_date());
    LAST_DAY_PATHS.contains(&less.path)
        && less.register.stamp.is_after(&more.register.stamp)
        && less.at < more.at
        && !repeated
}
