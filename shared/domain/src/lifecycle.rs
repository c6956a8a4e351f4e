//! Where a person stands: joiner, mover, leaver or rehire, derived from record, policy and the time in the person's own
//! zone. Never taken from an event's name.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::employment::{self, Calendar, Employments, End};
use crate::event::{FactValue, FieldFault};
use crate::person::Person;
use crate::policy::{Connection, EndDate, PersonKind, Policy};
use crate::record::Record;

/// The phase of a person's time with the company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// HR has not said when, or whether, the person starts.
    Unknown,
    /// Starts in the future.
    PreHire,
    /// Is employed.
    Active,
    /// Has left.
    Leaver,
    /// Has left, and comes or came back.
    Rehire,
}

impl Phase {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::PreHire => "pre-hire",
            Self::Active => "active",
            Self::Leaver => "leaver",
            Self::Rehire => "rehire",
        }
    }
}

/// What the person's account should be now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// No account has to be there (yet); one that is there stays as it is.
    Nothing,
    /// An account that cannot be signed in to.
    Disabled,
    /// An account that can.
    Enabled,
    /// No access.
    Cut,
    /// No account.
    Deleted,
}

/// Where a person stands at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Whether the person gets an account at all, and of which kind.
    pub kind: PersonKind,
    /// The phase.
    pub phase: Phase,
    /// What the account should be.
    pub want: Want,
    /// Why, in plain words.
    pub why: String,
    /// The first day of the governing term.
    pub start: Option<Date>,
    /// When access ended or ends, as far as known.
    pub end: Option<Timestamp>,
    /// When this changes next by time alone.
    pub next_due: Option<Timestamp>,
    /// Today in the person's zone.
    pub today: Date,
    /// The zone.
    pub zone: TimeZone,
    /// Facts about the employment that cannot be used, by path.
    pub faults: Vec<(String, FieldFault)>,
}

impl Standing {
    /// Whether access must be off: nothing may be granted.
    pub fn is_cut(&self) -> bool {
        matches!(self.want, Want::Cut | Want::Deleted)
    }
}

/// Derives where a person stands at `now`. A connection that the policy no longer names grants and cuts nothing.
pub fn standing(person: &Person, policy: &Policy, now: Timestamp) -> Standing {
    let record = &person.head.record;
    let connection = policy.connections.get(person.head.person.connection());
    let calendar = calendar(record, connection, policy, now);
    let today = calendar.day(now);
    let employments = employment::weigh(record, &calendar);
    let mut standing = Standing {
        kind: PersonKind::Tenant,
        phase: Phase::Unknown,
        want: Want::Nothing,
        why: "HR has named no first day".into(),
        start: None,
        end: None,
        next_due: None,
        today,
        zone: calendar.zone.clone(),
        faults: employments.faults.clone(),
    };
    if connection.is_none() {
        standing.why = "the policy no longer names this connection".into();
        // Nothing is granted or taken any more, and who was cut stays cut.
        standing.want = if person.head.cut { Want::Cut } else { Want::Nothing };
        return standing;
    }
    set_kind(&mut standing, record, policy);
    let moments = Moments { policy, calendar: &calendar, now };
    moments.decide(&employments, &mut standing);
    if says_rehire(record, &standing) && standing.phase != Phase::Leaver {
        standing.phase = Phase::Rehire;
    }
    // A zone from HR begins to hold at the midnight of the zone in which it is looked up.
    let fallback = Calendar { zone: fallback_zone(connection, policy), ..calendar.clone() };
    let effective = [&calendar, &fallback].into_iter().filter_map(|calendar| {
        record.next_effective(calendar.day(now)).map(|date| calendar.instant(date, Time::midnight()))
    });
    standing.next_due = standing.next_due.into_iter().chain(effective).min();
    standing
}

/// How this person's dates are read.
pub fn calendar(record: &Record, connection: Option<&Connection>, policy: &Policy, now: Timestamp) -> Calendar {
    let fallback = fallback_zone(connection, policy);
    let today = now.to_zoned(fallback.clone()).date();
    let own = record.text("location.time_zone", today, &fallback).and_then(|name| TimeZone::get(name).ok());
    let inclusive = connection.is_none_or(|connection| connection.end_date == EndDate::Inclusive);
    Calendar {
        zone: own.unwrap_or(fallback),
        inclusive_by_policy: connection.filter(|connection| connection.end_date_is_explicit).map(|_| inclusive),
        inclusive_by_source: inclusive,
        enable_at: policy.accounts.enable_at,
        cut_at: policy.accounts.cut_at,
    }
}

/// The zone of people whose own is not known.
fn fallback_zone(connection: Option<&Connection>, policy: &Policy) -> TimeZone {
    let own = connection.and_then(|connection| connection.time_zone.clone());
    own.unwrap_or_else(|| policy.tenant.time_zone.clone())
}

/// The kind of person, by the source's own word for the employment or else by ours. Without either: an employee.
fn set_kind(standing: &mut Standing, record: &Record, policy: &Policy) {
    let fact = |path: &str| record.text(path, standing.today, &standing.zone).map(str::to_lowercase);
    let source_type = fact("employment.source_type");
    let employment_type = fact("employment.type");
    let known = |word: &Option<String>| word.as_ref().and_then(|word| policy.accounts.kinds.get(word)).copied();
    let kind = known(&source_type).or_else(|| known(&employment_type));
    standing.kind = match (kind, &employment_type) {
        (Some(kind), _) => kind,
        (None, None) => policy.accounts.kinds.get("employee").copied().unwrap_or(PersonKind::Tenant),
        (None, Some(word)) => {
            let fault = FieldFault {
                problem: format!("is `{word}`, which the policy gives no kind of account"),
                fix: "add the word to `accounts.kinds` or correct it in HR".into(),
            };
            standing.faults.push(("employment.type".into(), fault));
            PersonKind::None
        }
    };
}

/// HR's own word for a rehire.
fn says_rehire(record: &Record, standing: &Standing) -> bool {
    let said = record.fact("employment.is_rehire", standing.today, &standing.zone).and_then(FactValue::as_bool);
    said == Some(true)
}

/// The moments of a term, compared with now.
struct Moments<'a> {
    policy: &'a Policy,
    calendar: &'a Calendar,
    now: Timestamp,
}

impl Moments<'_> {
    fn create_at(&self, start: Date) -> Timestamp {
        let days = Span::new().days(i64::from(self.policy.accounts.create_days_before));
        self.calendar.instant(start.saturating_sub(days), Time::midnight())
    }

    fn enable_at(&self, start: Date) -> Timestamp {
        self.calendar.instant(start, self.calendar.enable_at)
    }

    fn delete_at(&self, end: Timestamp) -> Option<Timestamp> {
        let days = self.policy.accounts.delete_days_after?;
        end.checked_add(jiff::SignedDuration::from_hours(24 * i64::from(days))).ok()
    }

    /// An active term outweighs one to come, which outweighs one that is over.
    fn decide(&self, employments: &Employments, standing: &mut Standing) {
        let ended = |end: &Option<End>| end.as_ref().is_some_and(|end| end.is_past(self.now));
        let (over, going): (Vec<_>, Vec<_>) = employments.terms.iter().partition(|term| ended(&term.end));
        let active = going.iter().filter(|term| self.enable_at(term.start) <= self.now);
        let lasting = active.max_by_key(|term| term.end.as_ref().map_or(Timestamp::MAX, |end| end.at));
        let coming = going.iter().filter(|term| self.enable_at(term.start) > self.now).min_by_key(|term| term.start);
        let last_end = over.iter().filter_map(|term| term.end.as_ref());
        let without_start = employments.end_without_start.iter().filter(|end| end.is_past(self.now));
        let last_end = last_end.chain(without_start).max_by_key(|end| end.at);
        if let Some(term) = lasting {
            let came_back = last_end.is_some_and(|end| self.calendar.day(end.at) <= term.start);
            standing.phase = if came_back { Phase::Rehire } else { Phase::Active };
            standing.want = Want::Enabled;
            standing.start = Some(term.start);
            standing.end = term.end.as_ref().map(|end| end.at);
            standing.why = match &term.end {
                Some(end) => format!("employed since {}; {}", term.start, end.why),
                None => format!("employed since {}", term.start),
            };
        } else if let Some(term) = coming {
            standing.end = term.end.as_ref().map(|end| end.at);
            self.before_start(term.start, last_end, standing);
        } else if let Some(end) = last_end {
            standing.phase = Phase::Leaver;
            standing.end = Some(end.at);
            let gone = self.delete_at(end.at).is_some_and(|at| at <= self.now);
            standing.want = if gone { Want::Deleted } else { Want::Cut };
            standing.start = over.iter().map(|term| term.start).max();
            standing.why.clone_from(&end.why);
        }
        standing.next_due = self.next_due(employments);
    }

    fn before_start(&self, start: Date, last_end: Option<&End>, standing: &mut Standing) {
        standing.phase = if last_end.is_some() { Phase::Rehire } else { Phase::PreHire };
        standing.start = Some(start);
        standing.why = format!("starts on {start}");
        if self.create_at(start) <= self.now {
            standing.want = Want::Disabled;
        } else if let Some(end) = last_end {
            standing.want = Want::Cut;
            standing.end = Some(end.at);
            standing.why = format!("{}; starts again on {start}", end.why);
        }
    }

    fn next_due(&self, employments: &Employments) -> Option<Timestamp> {
        let starts = employments.terms.iter().flat_map(|term| [self.create_at(term.start), self.enable_at(term.start)]);
        let ends =
            employments.terms.iter().filter_map(|term| term.end.as_ref()).chain(employments.end_without_start.iter());
        let ends = ends.flat_map(|end| [Some(end.at), self.delete_at(end.at)]).flatten();
        starts.chain(ends).filter(|at| *at > self.now).min()
    }
}

#[cfg(test)]
mod tests;
