//! Follows another clock over HTTP: the Graph emulator's, so that a whole machine lives in the demo's time.

use std::time::Duration;

use domain::ports::Clock;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use crate::edge::FollowedClock;
use crate::tenant::is_loopback;

/// How long one look at the other clock may take.
const LOOK_MAX: Duration = Duration::from_secs(2);
/// How far the two may drift apart before ours is set again. Less is the way of the answer, and setting ours by it would
/// make time stagger.
const DRIFT_MAX: SignedDuration = SignedDuration::from_millis(200);

/// Why a clock cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// Not on this machine: nobody else may tell us the time.
    #[error("`--clock` must be an http address on this machine")]
    NotLoopback,
    /// It did not answer, or not as a clock does.
    #[error("the clock to follow did not answer")]
    Silent(#[source] reqwest::Error),
}

/// What `/_control/clock` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Shown {
    now: Timestamp,
    running: bool,
}

/// A clock elsewhere on this machine.
#[derive(Clone)]
pub struct OtherClock {
    address: Url,
    http: reqwest::Client,
    ours: FollowedClock,
    last: Option<Shown>,
}

impl OtherClock {
    /// The clock of the emulator at `address`, of which only scheme, host and port count. It will set `ours`.
    pub fn at(address: &Url, ours: FollowedClock) -> Result<Self, ClockError> {
        if address.scheme() != "http" || !is_loopback(address) {
            return Err(ClockError::NotLoopback);
        }
        let address = address.join("/_control/clock").map_err(|_| ClockError::NotLoopback)?;
        let http = reqwest::Client::builder().no_proxy().timeout(LOOK_MAX).build().map_err(ClockError::Silent)?;
        Ok(Self { address, http, ours, last: None })
    }

    /// Looks once and sets ours. Answers whether time has jumped: moved otherwise than by running.
    pub async fn look(&mut self) -> Result<bool, ClockError> {
        let shown = self.read().await.map_err(|error| ClockError::Silent(error.without_url()))?;
        let drift = shown.now.duration_since(self.ours.now()).abs();
        let jumped = drift > DRIFT_MAX;
        // A clock that stands is set exactly; one that runs is left to run.
        if jumped || !shown.running || self.last.is_none_or(|last| last.running != shown.running) {
            self.ours.set(shown.now, shown.running);
        }
        self.last = Some(shown);
        Ok(jumped)
    }

    async fn read(&self) -> Result<Shown, reqwest::Error> {
        self.http.get(self.address.clone()).send().await?.error_for_status()?.json().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_on_this_machine_is_followed() {
        let at = |text: &str| OtherClock::at(&Url::parse(text).unwrap(), FollowedClock::default());
        assert_eq!(at("http://127.0.0.1:8080").unwrap().address.as_str(), "http://127.0.0.1:8080/_control/clock");
        assert_eq!(at("http://[::1]:8080/v1.0").unwrap().address.as_str(), "http://[::1]:8080/_control/clock");
        for elsewhere in ["http://contoso.example", "https://127.0.0.1:8080", "http://127.0.0.1.contoso.example"] {
            assert!(matches!(at(elsewhere), Err(ClockError::NotLoopback)), "{elsewhere}");
        }
    }
}
