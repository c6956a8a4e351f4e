//! The one retry policy, as a pure function of what was asked, what came back and what was spent.
//!
//! | what came back       | again?                                                               |
//! |----------------------|----------------------------------------------------------------------|
//! | 429                  | yes, after `Retry-After`: nothing was done                           |
//! | 409 concurrency      | yes, soon: nothing was done                                          |
//! | 401                  | once, with a new token: nothing was done                             |
//! | no connection        | yes: nothing was sent                                                |
//! | 500, 502, 503, 504   | only if repeatable: a 504 to a POST may have been carried out        |
//! | lost answer          | only if repeatable                                                   |
//! | anything else        | no                                                                   |
//!
//! And always only within the attempts and the waiting time of one call, which are small: who must wait longer is told
//! so and lets the queue do the waiting. Graph's SDKs wait for minutes inside a call; a function is paid by the
//! millisecond and holds a person's lease while it waits.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};

use crate::{limits, request::Request, transport::Lost};

/// How often and how long one call may try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Attempts, the first included.
    pub attempts_max: u32,
    /// Waiting between attempts, in sum.
    pub wait_max: Duration,
    /// The first back-off; it doubles.
    pub backoff_first: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self { attempts_max: limits::ATTEMPTS_MAX, wait_max: limits::WAIT_MAX, backoff_first: limits::BACKOFF_FIRST }
    }
}

/// What came back from one attempt.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// An answer of any status.
    Answer(StatusCode, &'a HeaderMap),
    /// None.
    Lost(&'a Lost),
}

/// What one call has used up so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Attempts made.
    pub attempts: u32,
    /// Time waited.
    pub waited: Duration,
    /// Whether the token was already replaced.
    pub renewed: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send it again after this time.
    Again(Duration),
    /// Get a new token and send it again at once.
    Renew,
    /// Take what came back as the end.
    GiveUp,
}

impl Policy {
    /// Decides. `jitter` is any number, best a random one: it spreads those who back off together.
    pub fn decide(&self, request: &Request, outcome: Outcome<'_>, spent: Spent, jitter: u64) -> Decision {
        if spent.attempts >= self.attempts_max {
            return Decision::GiveUp;
        }
        let after = match outcome {
            Outcome::Answer(StatusCode::UNAUTHORIZED, _) if !spent.renewed => {
                return Decision::Renew;
            }
            Outcome::Answer(status, headers) if self.may_repeat(request, status) => {
                retry_after(headers).unwrap_or_else(|| self.backoff(spent.attempts, jitter))
            }
            Outcome::Lost(lost) if request.repeatable || !lost.was_sent() => self.backoff(spent.attempts, jitter),
            _ => return Decision::GiveUp,
        };
        if spent.waited.saturating_add(after) > self.wait_max {
            return Decision::GiveUp;
        }
        Decision::Again(after)
    }

    /// Any 409 here is the directory's concurrency error: conflicts of values are 400.
    #[expect(clippy::unused_self, reason = "reads as a part of the policy")]
    fn may_repeat(&self, request: &Request, status: StatusCode) -> bool {
        match status.as_u16() {
            409 | 429 => true,
            500 | 502 | 503 | 504 => request.repeatable,
            _ => false,
        }
    }

    /// Exponential, with the upper half random: 125–250 ms, 250–500 ms, …
    fn backoff(&self, attempts: u32, jitter: u64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(16);
        let full = self.backoff_first.saturating_mul(1_u32 << doublings);
        let half = full / 2;
        let spread_us = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
        half.saturating_add(Duration::from_micros(jitter % spread_us))
    }
}

/// How long the server asks us to wait: seconds, whole or (as Graph has been seen to send) fractional, or an HTTP date
/// counted from the answer's own `Date`, so that nobody's clock but the server's matters. Nonsense reads as absent, and
/// nothing is longer than [`limits::RETRY_AFTER_MAX`].
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<f64>() {
        Duration::try_from_secs_f64(seconds).ok()?
    } else {
        let until = http_date(text)?;
        let from = http_date(headers.get(http::header::DATE)?.to_str().ok()?)?;
        Duration::try_from(until.duration_since(from)).unwrap_or_default()
    };
    Some(wait.min(limits::RETRY_AFTER_MAX))
}

/// `Mon, 05 Jan 2026 09:00:00 GMT`.
fn http_date(text: &str) -> Option<jiff::Timestamp> {
    Some(jiff::fmt::rfc2822::DateTimeParser::new().parse_zoned(text).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use http::header::DATE;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ids::{GroupId, UserId},
        request,
        transport::LostKind,
    };

    fn read() -> Request {
        request::domains()
    }

    fn post() -> Request {
        request::add_member(&GroupId::from("g"), &UserId::from("u"))
    }

    fn headers(after: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !after.is_empty() {
            headers.insert(RETRY_AFTER, after.parse().unwrap());
        }
        headers
    }

    fn answered(request: &Request, status: u16, after: &str) -> Decision {
        let spent = Spent { attempts: 1, ..Spent::default() };
        let headers = headers(after);
        let status = StatusCode::from_u16(status).unwrap();
        Policy::default().decide(request, Outcome::Answer(status, &headers), spent, 0)
    }

    const SOON: Decision = Decision::Again(Duration::from_millis(125));

    #[test]
    fn what_was_surely_not_done_is_repeated() {
        for request in [read(), post()] {
            assert_eq!(answered(&request, 429, "1.5"), Decision::Again(Duration::from_millis(1_500)));
            assert_eq!(answered(&request, 429, ""), SOON);
            assert_eq!(answered(&request, 409, ""), SOON);
            assert_eq!(answered(&request, 401, ""), Decision::Renew);
        }
    }

    #[test]
    fn what_may_have_been_done_is_repeated_only_if_that_does_no_harm() {
        for status in [500, 502, 503, 504] {
            assert_eq!(answered(&read(), status, ""), SOON);
            assert_eq!(answered(&post(), status, ""), Decision::GiveUp);
            assert_eq!(answered(&request::delete_user(&UserId::from("u")), status, ""), SOON);
            assert_eq!(answered(&request::revoke_sessions(&UserId::from("u")), status, ""), SOON);
        }
        for status in [200, 204, 400, 403, 404, 405, 410, 501] {
            assert_eq!(answered(&read(), status, ""), Decision::GiveUp);
        }
    }

    #[test]
    fn a_lost_answer_to_a_post_is_never_repeated_but_an_unsent_one_is() {
        let lost = |request: &Request, kind: LostKind| {
            let spent = Spent { attempts: 1, ..Spent::default() };
            Policy::default().decide(request, Outcome::Lost(&Lost::new(kind)), spent, 0)
        };
        for kind in [LostKind::Timeout, LostKind::Cut, LostKind::TooLong] {
            assert_eq!(lost(&post(), kind), Decision::GiveUp);
            assert_eq!(lost(&read(), kind), SOON);
        }
        assert_eq!(lost(&post(), LostKind::Connect), SOON);
    }

    #[test]
    fn a_token_is_renewed_once() {
        let spent = Spent { attempts: 1, renewed: true, ..Spent::default() };
        let headers = HeaderMap::new();
        let outcome = Outcome::Answer(StatusCode::UNAUTHORIZED, &headers);
        assert_eq!(Policy::default().decide(&read(), outcome, spent, 0), Decision::GiveUp);
    }

    #[test]
    fn a_long_wait_is_left_to_the_queue() {
        assert_eq!(answered(&read(), 429, "3"), Decision::GiveUp);
        assert_eq!(answered(&read(), 503, "120"), Decision::GiveUp);
    }

    #[test]
    fn retry_after_is_heard_in_each_of_its_forms() {
        let check = |text: &str, expected: Option<u64>| {
            let mut headers = headers(text);
            headers.insert(DATE, "Mon, 05 Jan 2026 09:00:00 GMT".parse().unwrap());
            assert_eq!(retry_after(&headers).map(|wait| wait.as_millis()), expected.map(u128::from), "{text}");
        };
        check("10", Some(10_000));
        check(" 2.128 ", Some(2_128));
        check("0", Some(0));
        check("Mon, 05 Jan 2026 09:00:30 GMT", Some(30_000));
        check("Mon, 05 Jan 2026 08:00:00 GMT", Some(0));
        check("999999999", Some(600_000));
        check("-1", None);
        check("NaN", None);
        check("soon", None);
        check("", None);
    }

    proptest! {
        #[test]
        fn a_call_ends_within_its_attempts_and_its_waiting_time(
            answers in prop::collection::vec((prop_oneof![Just(401_u16), Just(409), Just(429), Just(503)], "[0-9]{0,2}"), 50),
            jitter: u64,
        ) {
            let policy = Policy::default();
            let mut spent = Spent::default();
            for (status, after) in answers {
                spent.attempts += 1;
                let headers = headers(&after);
                let outcome = Outcome::Answer(StatusCode::from_u16(status).unwrap(), &headers);
                match policy.decide(&read(), outcome, spent, jitter) {
                    Decision::Again(wait) => spent.waited += wait,
                    Decision::Renew => spent.renewed = true,
                    Decision::GiveUp => break,
                }
            }
            prop_assert!(spent.attempts <= policy.attempts_max);
            prop_assert!(spent.waited <= policy.wait_max);
        }
    }
}
