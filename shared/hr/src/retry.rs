//! When a read is sent again: a pure function of what came back and what was spent.
//!
//! | what came back     | again?                                              |
//! |--------------------|-----------------------------------------------------|
//! | 429, 503           | after `Retry-After`, if that is within the waiting  |
//! | 500, 502, 504      | after a back-off                                    |
//! | lost answer        | after a back-off                                    |
//! | anything else      | no                                                  |
//!
//! Only reads are sent from here, so that a repeat never does harm. The waiting of one call is short: who must wait longer
//! is told so and comes back.

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::limits;

/// What one call has used up so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Attempts made.
    pub attempts: u32,
    /// Time waited.
    pub waited: Duration,
}

impl Spent {
    /// How long to wait before the next attempt; None: what came back is the end. `answer`: status and headers; None: no
    /// answer came back. `jitter` is any number, best a random one: it spreads those who back off together.
    pub fn again_after(self, answer: Option<(StatusCode, &HeaderMap)>, jitter: u64) -> Option<Duration> {
        if self.attempts >= limits::ATTEMPTS_MAX {
            return None;
        }
        let wait = match answer {
            None => self.backoff(jitter),
            Some((status, headers)) => match status.as_u16() {
                429 | 503 => retry_after(headers).unwrap_or_else(|| self.backoff(jitter)),
                500 | 502 | 504 => self.backoff(jitter),
                _ => return None,
            },
        };
        (self.waited.saturating_add(wait) <= limits::WAIT_MAX).then_some(wait)
    }

    /// Exponential, with the upper half random: 250–500 ms, 500–1000 ms, …
    fn backoff(self, jitter: u64) -> Duration {
        let doublings = self.attempts.saturating_sub(1).min(16);
        let half = limits::BACKOFF_FIRST.saturating_mul(1_u32 << doublings) / 2;
        let spread_ms = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        half.saturating_add(Duration::from_millis(jitter % spread_ms))
    }
}

/// How long the source asks us to wait: seconds, or an HTTP date counted from the answer's own `Date`, so that nobody's
/// clock but the source's matters. Nonsense reads as absent, and nothing is longer than [`limits::RETRY_AFTER_MAX`].
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<f64>() {
        Duration::try_from_secs_f64(seconds).ok()?
    } else {
        let until = http_date(text)?;
        let from = http_date(headers.get(DATE)?.to_str().ok()?)?;
        Duration::try_from(until.duration_since(from)).unwrap_or_default()
    };
    Some(wait.min(limits::RETRY_AFTER_MAX))
}

/// `Mon, 05 Jan 2026 09:00:00 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::DateTimeParser::new().parse_zoned(text).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(after: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !after.is_empty() {
            headers.insert(RETRY_AFTER, after.parse().unwrap());
        }
        headers.insert(DATE, "Mon, 05 Jan 2026 09:00:00 GMT".parse().unwrap());
        headers
    }

    #[test]
    fn retry_after_is_heard_in_each_of_its_forms() {
        for (text, seconds) in [
            ("10", Some(10)),
            ("0", Some(0)),
            ("Mon, 05 Jan 2026 09:00:30 GMT", Some(30)),
            ("Mon, 05 Jan 2026 08:00:00 GMT", Some(0)),
            ("999999999", Some(900)),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(&headers(text)).map(|wait| wait.as_secs()), seconds, "{text}");
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again_and_a_long_wait_is_left_to_the_caller() {
        let spent = Spent { attempts: 1, ..Spent::default() };
        let after = |status: u16, after: &str| {
            spent.again_after(Some((StatusCode::from_u16(status).unwrap(), &headers(after))), 0)
        };
        assert_eq!(after(503, "1"), Some(Duration::from_secs(1)));
        assert_eq!(after(429, "60"), None);
        assert_eq!(after(502, ""), Some(Duration::from_millis(250)));
        assert_eq!(spent.again_after(None, 0), Some(Duration::from_millis(250)));
        for status in [200, 302, 400, 401, 403, 404, 501] {
            assert_eq!(after(status, ""), None, "{status}");
        }
    }

    proptest! {
        #[test]
        fn a_call_ends_within_its_attempts_and_its_waiting_time(
            answers in prop::collection::vec((prop_oneof![Just(0_u16), Just(429), Just(500), Just(503)], "[0-9]{0,1}"), 50),
            jitter: u64,
        ) {
            let mut spent = Spent::default();
            for (status, after) in answers {
                spent.attempts += 1;
                let headers = headers(&after);
                let answer = StatusCode::from_u16(status).ok().map(|status| (status, &headers));
                match spent.again_after(answer, jitter) {
                    Some(wait) => spent.waited += wait,
                    None => break,
                }
            }
            prop_assert!(spent.attempts <= limits::ATTEMPTS_MAX && spent.waited <= limits::WAIT_MAX);
        }
    }
}
