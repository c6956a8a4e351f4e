//! Following a hint: HR said that a person's record changed, and not how. When the record is fetched, when again, when no
//! more.
//!
//! HR's own reads lag its webhooks, so one fetch may see the record as it was before. The record is fetched at once and
//! again 2 and 15 minutes after the hint, unless what was fetched is known to be at least as new as the hint.
//!
//! # Guarantees
//!
//! - At most [`AGAIN`]`.len()` fetches are to come at any time, however many hints there are: a newer hint takes the place of
//!   an older one, for whoever sees the newer change sees the older one too.
//! - The same hint heard again adds nothing.
//! - A fetch whose result was lost is still due.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::EventId;

/// When the record is fetched, counted from when the hint was heard.
pub const AGAIN: [SignedDuration; 3] =
    [SignedDuration::ZERO, SignedDuration::from_mins(2), SignedDuration::from_mins(15)];
/// The first pause after a fetch that failed; it doubles with each in a row.
const PAUSE_FIRST: SignedDuration = SignedDuration::from_mins(1);
/// The longest pause.
const PAUSE_MAX: SignedDuration = SignedDuration::from_mins(15);
/// Fetches that may fail in a row: about a day of them. Then it takes a new hint.
const FAILURES_MAX: u32 = 96;

/// What is known of the fetches of one person's record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FetchBack {
    /// The hint that is followed, or was.
    hint: Option<EventId>,
    /// The time of the newest change that was hinted at.
    wanted: Option<Timestamp>,
    /// When HR last changed the newest record that was fetched.
    covered: Option<Timestamp>,
    /// When to fetch, in order.
    due: Vec<Timestamp>,
    /// Fetches that failed in a row.
    failures: u32,
    /// Since when they have.
    #[serde(default)]
    failing_since: Option<Timestamp>,
}

/// What becomes of a fetch that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Postponed {
    /// It is tried again; `first` of a row of failures.
    Until {
        /// When.
        at: Timestamp,
        /// Whether the one before it went well.
        first: bool,
    },
    /// It has failed too often.
    GivenUp,
}

impl FetchBack {
    /// Hears a hint about a change made at `changed`.
    pub fn hear(&mut self, hint: &EventId, changed: Timestamp, now: Timestamp) {
        let is_known = self.covered.is_some_and(|covered| covered.as_second() > changed.as_second());
        let is_followed = !self.due.is_empty() && self.wanted.is_some_and(|wanted| wanted > changed);
        if self.hint.as_ref() == Some(hint) || is_known || is_followed {
            return;
        }
        self.hint = Some(hint.clone());
        self.wanted = self.wanted.max(Some(changed));
        self.due = AGAIN.into_iter().map(|after| now.saturating_add(after).unwrap_or(now)).collect();
        self.failures = 0;
        self.failing_since = None;
    }

    /// The hint that is followed, or was.
    pub fn hint(&self) -> Option<&EventId> {
        self.hint.as_ref()
    }

    /// When the record is to be fetched next.
    pub fn next(&self) -> Option<Timestamp> {
        self.due.first().copied()
    }

    /// Whether it is to be fetched now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next().is_some_and(|next| next <= now)
    }

    /// A fetch begun at `begun` got the record as HR changed it at `version`, if HR says when. Seconds are compared, for that
    /// is how finely HR tells them.
    pub fn fetched(&mut self, begun: Timestamp, version: Option<Timestamp>) {
        self.covered = self.covered.max(version);
        self.answered(begun);
        let seconds = |at: Option<Timestamp>| at.map(Timestamp::as_second);
        if self.covered.is_some() && seconds(self.covered) >= seconds(self.wanted) {
            self.due.clear();
        }
    }

    /// A fetch begun at `begun` found no record. It may be too young to be read: what is still to come stays.
    pub fn answered(&mut self, begun: Timestamp) {
        self.due.retain(|due| *due > begun);
        self.failures = 0;
        self.failing_since = None;
    }

    /// A fetch begun at `begun` failed, by now. Nothing is fetched for the asked time, or else for longer with each failure.
    pub fn postpone(&mut self, begun: Timestamp, now: Timestamp, asked: Option<Duration>) -> Postponed {
        if !self.is_due(begun) {
            // Somebody else's fetch went well meanwhile.
            return Postponed::Until { at: self.next().unwrap_or(now), first: false };
        }
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        if self.failures > FAILURES_MAX {
            self.forget();
            return Postponed::GivenUp;
        }
        let doublings = self.failures.saturating_sub(1).min(8);
        let pause = PAUSE_FIRST.saturating_mul(1 << doublings).min(PAUSE_MAX);
        let asked = asked.and_then(|asked| SignedDuration::try_from(asked).ok());
        let at = now.saturating_add(asked.unwrap_or(pause)).unwrap_or(now);
        self.due.retain(|due| *due > at);
        self.due.insert(0, at);
        Postponed::Until { at, first: self.failures == 1 }
    }

    /// Since when every fetch has failed, if the last one did.
    pub fn failing_since(&self) -> Option<Timestamp> {
        self.failing_since
    }

    /// Fetches no more until the next hint.
    pub fn forget(&mut self) {
        self.due.clear();
        self.failures = 0;
        self.failing_since = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn hint(number: u32) -> EventId {
        EventId::derive("bamboo", "bamboohr", &number.to_string())
    }

    fn heard(changed: i64, now: i64) -> FetchBack {
        let mut fetches = FetchBack::default();
        fetches.hear(&hint(0), second(changed), second(now));
        fetches
    }

    fn due(fetches: &FetchBack) -> Vec<i64> {
        fetches.due.iter().map(|due| due.as_second()).collect()
    }

    #[test]
    fn a_hint_is_followed_at_once_and_after_2_and_15_minutes() {
        let mut fetches = heard(990, 1000);
        assert_eq!(due(&fetches), [1000, 1120, 1900]);
        for (begun, left) in [(1000, vec![1120, 1900]), (1120, vec![1900]), (1901, vec![])] {
            fetches.fetched(second(begun), Some(second(500)));
            assert_eq!(due(&fetches), left);
        }
    }

    #[test]
    fn a_record_as_new_as_the_hint_ends_it_whatever_the_fraction_of_the_second() {
        let mut fetches = FetchBack::default();
        fetches.hear(&hint(0), "2026-03-02T09:00:00.750Z".parse().unwrap(), "2026-03-02T09:00:01Z".parse().unwrap());
        fetches.fetched("2026-03-02T09:00:01Z".parse().unwrap(), Some("2026-03-02T09:00:00Z".parse().unwrap()));
        assert_eq!(fetches.next(), None);
    }

    #[test]
    fn a_record_that_does_not_say_how_new_it_is_is_fetched_three_times() {
        let mut fetches = heard(990, 1000);
        fetches.fetched(second(1000), None);
        assert_eq!(due(&fetches), [1120, 1900]);
    }

    #[test]
    fn neither_the_same_hint_nor_an_older_one_adds_anything() {
        let mut fetches = heard(990, 1000);
        fetches.fetched(second(1000), None);
        let before = fetches.clone();
        fetches.hear(&hint(0), second(990), second(1060));
        fetches.hear(&hint(1), second(980), second(1060));
        assert_eq!(fetches, before);
        fetches.fetched(second(1120), Some(second(990)));
        fetches.hear(&hint(2), second(989), second(1200));
        assert_eq!(fetches.next(), None, "what it hints at has been seen");
        fetches.hear(&hint(3), second(990), second(1200));
        assert_eq!(due(&fetches), [1200, 1320, 2100], "a second change within the second has not, perhaps");
    }

    #[test]
    fn a_failed_fetch_waits_as_long_as_it_is_told_and_ever_longer_when_not() {
        let mut fetches = heard(990, 1000);
        let told = fetches.postpone(second(1000), second(1001), Some(Duration::from_secs(200)));
        assert_eq!(told, Postponed::Until { at: second(1201), first: true });
        assert_eq!(due(&fetches), [1201, 1900]);
        let mut now = 1201;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let Postponed::Until { at, first: false } = fetches.postpone(second(now), second(now), None) else {
                panic!()
            };
            pauses.push(at.as_second() - now);
            now = at.as_second();
        }
        assert_eq!(pauses, [120, 240, 480, 900, 900, 900]);
    }

    #[test]
    fn after_a_day_of_failures_it_takes_a_new_hint() {
        let mut fetches = heard(990, 1000);
        let mut failed = 0;
        while let Some(now) = fetches.next() {
            fetches.postpone(now, now, None);
            failed += 1;
            assert!(failed <= 97);
        }
        assert_eq!(failed, 97);
        fetches.hear(&hint(1), second(900_000), second(900_000));
        assert_eq!(due(&fetches).len(), 3);
    }

    proptest! {
        #[test]
        fn the_fetches_to_come_are_few_and_in_order_and_a_hint_is_never_dropped(
            events in prop::collection::vec((0..5_u8, 0..6_u32, 0..40_i64), 0..40),
        ) {
            let mut fetches = FetchBack::default();
            let mut now = 1000;
            for (kind, number, seconds) in events {
                now += seconds;
                match kind {
                    0 | 1 => {
                        let changed = now - seconds;
                        let was = fetches.clone();
                        fetches.hear(&hint(number), second(changed), second(now));
                        let seen = was.covered.is_some_and(|covered| covered.as_second() > changed);
                        prop_assert!(was.hint == Some(hint(number)) || seen || fetches.next().is_some());
                    }
                    2 => fetches.fetched(second(now), Some(second(now - 2 * seconds))),
                    3 => fetches.answered(second(now)),
                    _ => drop(fetches.postpone(second(now), second(now), Some(Duration::from_secs(20)))),
                }
                prop_assert!(fetches.due.len() <= AGAIN.len() && fetches.due.is_sorted(), "{fetches:?}");
                let text = serde_json::to_string(&fetches).unwrap();
                prop_assert_eq!(&serde_json::from_str::<FetchBack>(&text).unwrap(), &fetches);
            }
        }
    }
}
