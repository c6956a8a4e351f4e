//! The emulator's own clock. It stands still where it was put, or ticks along with a machine clock that the program
//! hands in; the library never asks the machine for the time.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Where real time comes from while the clock is running.
pub type Machine = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A clock that is set by hand.
#[derive(Clone)]
pub(crate) struct Clock {
    /// The emulated instant at `since`, or the instant at which the clock stands.
    base: Timestamp,
    /// The machine's time when the clock was last set running; None while it stands.
    since: Option<Timestamp>,
    machine: Option<Machine>,
}

impl Clock {
    pub(crate) fn standing(at: Timestamp, machine: Option<Machine>) -> Self {
        Self { base: at, since: None, machine }
    }

    pub(crate) fn now(&self) -> Timestamp {
        match (self.since, &self.machine) {
            (Some(since), Some(machine)) => {
                self.base.saturating_add(machine().duration_since(since)).unwrap_or(self.base)
            }
            _ => self.base,
        }
    }

    pub(crate) fn advance(&mut self, by: SignedDuration) {
        self.base = self.base.saturating_add(by).unwrap_or(self.base);
    }

    pub(crate) fn stand_at(&mut self, now: Timestamp) {
        self.base = now;
        self.since = None;
    }

    /// Starts or stops ticking from here on.
    pub(crate) fn run(&mut self, on: bool) -> Result<(), &'static str> {
        let now = self.now();
        self.base = now;
        self.since = match (&self.machine, on) {
            (_, false) => None,
            (Some(machine), true) => Some(machine()),
            (None, true) => return Err("this emulator was started without a machine clock, so it cannot tick"),
        };
        Ok(())
    }

    /// `{"now","running"}`
    pub(crate) fn show(&self) -> Value {
        json!({"now": self.now().to_string(), "running": self.since.is_some()})
    }

    /// Any of `now`, `advance_ms`, `running`, in this order.
    pub(crate) fn put(&mut self, body: &Value) -> Result<(), String> {
        if let Some(now) = body.get("now") {
            let text = now.as_str().ok_or("`now` is not a string")?;
            self.stand_at(text.parse().map_err(|error| format!("`now` is not an instant: {error}"))?);
        }
        if let Some(ms) = body.get("advance_ms") {
            let ms = ms.as_i64().ok_or("`advance_ms` is not a whole number")?;
            self.advance(SignedDuration::from_millis(ms));
        }
        if let Some(on) = body.get("running") {
            self.run(on.as_bool().ok_or("`running` is not true or false")?)?;
        }
        Ok(())
    }
}
