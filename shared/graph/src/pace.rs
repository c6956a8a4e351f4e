//! A pace that keeps our writes under their share of the tenant's quota, and keeps quiet while Graph asks for it.
//!
//! Graph allows 3,000 writes in 150 seconds per application and tenant and does not say how it slides that window. So
//! the promise is the strict one: in *every* window of that length no more than our share is sent. A bucket of size *b*
//! refilled at rate *r* lets at most *b + r·w* through in a window *w*; a sixth of the share is the bucket and the rest
//! the rate.
//!
//! Ordinary work gets its share (80 %); what is left is a second bucket that only cuts may draw from, so that no
//! import, however large, makes a leaver wait.

use std::{sync::Mutex, time::Duration};

use jiff::Timestamp;

use crate::{error::Throttle, limits, request::Class};

/// How much may be written, and in what time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Writes Graph allows in a window; at least a few hundred, or a batch of twenty never fits into the bucket.
    pub writes: u32,
    /// The window.
    pub window: Duration,
    /// Our share for ordinary work in percent, 1 to 100. Processes that share an application divide it among them.
    pub share_percent: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            writes: limits::WRITES_PER_WINDOW,
            window: limits::WRITE_WINDOW,
            share_percent: limits::WRITE_SHARE_PERCENT,
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Everything that can wait.
    #[default]
    Ordinary,
    /// A cut: it draws from the ordinary share while that lasts, then from the reserve.
    Urgent,
}

/// Whether a call may go now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may, and is counted.
    Admit,
    /// It may not before this time has passed; then ask again.
    WaitFor(Duration),
}

/// The pace of one application in one tenant. Clients that share the application share the pace.
#[derive(Debug)]
pub struct Pace {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ordinary: Bucket,
    reserve: Bucket,
    quiet_reads_until: Timestamp,
    quiet_writes_until: Timestamp,
}

impl Default for Pace {
    fn default() -> Self {
        Self::new(Quota::default())
    }
}

impl Pace {
    /// A pace with full buckets.
    pub fn new(quota: Quota) -> Self {
        let share = u64::from(quota.writes) * u64::from(quota.share_percent.min(100)) / 100;
        let rest = u64::from(quota.writes).saturating_sub(share);
        Self {
            state: Mutex::new(State {
                ordinary: Bucket::new(share, quota.window),
                reserve: Bucket::new(rest, quota.window),
                quiet_reads_until: Timestamp::MIN,
                quiet_writes_until: Timestamp::MIN,
            }),
        }
    }

    /// Whether a call that Graph charges as `writes` writes may go at `now`. A batch is charged by its items.
    pub fn admit(&self, now: Timestamp, class: Class, writes: u32, lane: Lane) -> Admission {
        self.with(|state| {
            let quiet = if class.is_write() { state.quiet_writes_until } else { state.quiet_reads_until };
            if let Ok(wait) = Duration::try_from(quiet.duration_since(now))
                && !wait.is_zero()
            {
                return Admission::WaitFor(wait);
            }
            if writes == 0 {
                return Admission::Admit;
            }
            match (state.ordinary.take(now, writes), lane) {
                (Ok(()), _) => Admission::Admit,
                (Err(wait), Lane::Ordinary) => Admission::WaitFor(wait),
                (Err(wait), Lane::Urgent) => match state.reserve.take(now, writes) {
                    Ok(()) => Admission::Admit,
                    Err(reserve) => Admission::WaitFor(wait.min(reserve)),
                },
            }
        })
    }

    /// Graph asked for quiet: nothing of that kind is sent until then, for what is sent counts and prolongs the wait
    /// ("Microsoft Graph throttling guidance").
    pub fn quiet(&self, until: Timestamp, by: Throttle) {
        self.with(|state| {
            if matches!(by, Throttle::All | Throttle::Reads) {
                state.quiet_reads_until = state.quiet_reads_until.max(until);
            }
            if matches!(by, Throttle::All | Throttle::Writes) {
                state.quiet_writes_until = state.quiet_writes_until.max(until);
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // A panic elsewhere leaves the state whole: each change is a single assignment.
        act(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// A token bucket, kept as the one instant at which it would be full again: with the bucket's size and the time per
/// token that says everything (the "generic cell rate algorithm").
#[derive(Debug)]
struct Bucket {
    full_at: i128,
    token_ns: i128,
    size_ns: i128,
}

impl Bucket {
    /// A bucket that lets at most `allowed` pass in any `window`.
    fn new(allowed: u64, window: Duration) -> Self {
        let size = i128::from(allowed / 6);
        let rate = i128::from(allowed) - size;
        let window_ns = i128::try_from(window.as_nanos()).unwrap_or(i128::MAX);
        // Rounded up: slower rather than faster.
        let token_ns = if rate == 0 { 0 } else { window_ns / rate + 1 };
        Self { full_at: i128::MIN / 4, token_ns, size_ns: size * token_ns }
    }

    /// Takes `count` tokens, or says after how long it could. What exceeds the whole bucket can never be had.
    fn take(&mut self, now: Timestamp, count: u32) -> Result<(), Duration> {
        let now = now.as_nanosecond();
        let wanted = i128::from(count) * self.token_ns;
        if wanted > self.size_ns || self.size_ns == 0 {
            return Err(Duration::MAX);
        }
        // A clock set back would leave a bucket that is full only in a far future; it is empty at most.
        let full_at = self.full_at.clamp(now, now + self.size_ns) + wanted;
        let wait = full_at - now - self.size_ns;
        if wait > 0 {
            return Err(Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX)));
        }
        self.full_at = full_at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_767_600_000_000 + ms).unwrap()
    }

    fn write(pace: &Pace, ms: i64, lane: Lane) -> Admission {
        pace.admit(at(ms), Class::Write, 1, lane)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let pace = Pace::default();
        let passed = (0..1_000).filter(|_| write(&pace, 0, Lane::Ordinary) == Admission::Admit).count();
        assert_eq!(passed, 400);
        let Admission::WaitFor(wait) = write(&pace, 0, Lane::Ordinary) else { panic!("the bucket is empty") };
        assert_eq!(wait.as_millis(), 75);
        assert_eq!(write(&pace, 76, Lane::Ordinary), Admission::Admit);
    }

    #[test]
    fn a_cut_draws_from_the_reserve_when_ordinary_work_has_used_its_share() {
        let pace = Pace::default();
        while write(&pace, 0, Lane::Ordinary) == Admission::Admit {}
        assert_eq!(write(&pace, 0, Lane::Urgent), Admission::Admit);
        assert!(matches!(write(&pace, 0, Lane::Ordinary), Admission::WaitFor(_)));
    }

    #[test]
    fn nothing_is_sent_while_graph_asks_for_quiet() {
        let pace = Pace::default();
        pace.quiet(at(5_000), Throttle::Writes);
        pace.quiet(at(3_000), Throttle::Writes);
        assert_eq!(write(&pace, 0, Lane::Urgent), Admission::WaitFor(Duration::from_secs(5)));
        assert_eq!(pace.admit(at(0), Class::Read, 0, Lane::Ordinary), Admission::Admit);
        assert_eq!(write(&pace, 5_000, Lane::Ordinary), Admission::Admit);

        pace.quiet(at(9_000), Throttle::All);
        let read = pace.admit(at(8_000), Class::Read, 0, Lane::Ordinary);
        assert_eq!(read, Admission::WaitFor(Duration::from_secs(1)));
    }

    #[test]
    fn a_clock_set_back_does_not_stop_us_for_long() {
        let pace = Pace::default();
        while write(&pace, 86_400_000, Lane::Ordinary) == Admission::Admit {}
        let Admission::WaitFor(wait) = write(&pace, 0, Lane::Ordinary) else { panic!("still empty") };
        assert!(wait < Duration::from_secs(1));
    }

    proptest! {
        /// The law: in every window the share is kept, whoever asks whenever for however much.
        #[test]
        fn no_window_holds_more_than_our_share(
            asks in prop::collection::vec((0_i64..2_000, 1_u32..=20, any::<bool>()), 1..400),
            share in 10_u32..=100,
        ) {
            let quota = Quota { writes: 600, window: Duration::from_secs(30), share_percent: share };
            let pace = Pace::new(quota);
            let (mut now, mut sent) = (0, Vec::new());
            for (pause, count, urgent) in asks {
                now += pause / 20;
                let lane = if urgent { Lane::Urgent } else { Lane::Ordinary };
                if pace.admit(at(now), Class::Write, count, lane) == Admission::Admit {
                    sent.push((now, count, urgent));
                }
            }
            for &(start, ..) in &sent {
                let within = sent.iter().filter(|(when, ..)| (start..start + 30_000).contains(when));
                let total: u32 = within.clone().map(|(_, count, _)| count).sum();
                let ordinary: u32 = within.filter(|(.., urgent)| !urgent).map(|(_, count, _)| count).sum();
                prop_assert!(total <= quota.writes, "{total} writes in one window");
                prop_assert!(ordinary <= quota.writes * share / 100, "{ordinary} ordinary writes in one window");
            }
        }

        #[test]
        fn whoever_waits_as_long_as_told_is_admitted(used in 0_u32..500, count in 1_u32..=20) {
            let pace = Pace::default();
            for _ in 0..used {
                pace.admit(at(0), Class::Write, 1, Lane::Ordinary);
            }
            if let Admission::WaitFor(wait) = pace.admit(at(0), Class::Write, count, Lane::Ordinary) {
                let then = at(0) + jiff::SignedDuration::try_from(wait).unwrap();
                prop_assert_eq!(pace.admit(then, Class::Write, count, Lane::Ordinary), Admission::Admit);
            }
        }
    }
}
