//! How many calls a minute takes, and how long a change stays unseen.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// The limits, and what was used of them.
#[derive(Clone)]
pub(crate) struct Limits {
    per_minute: Option<u64>,
    lag_ms: i64,
    status: u16,
    window: Option<(Timestamp, u64)>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_minute: None, lag_ms: 0, status: 503, window: None }
    }
}

impl Limits {
    /// Counts a call; if it is one too many: the status to refuse it with, and the seconds until the next is taken.
    pub(crate) fn count(&mut self, now: Timestamp) -> Result<(), (u16, i64)> {
        let Some(most) = self.per_minute else { return Ok(()) };
        let (began, calls) =
            self.window.filter(|(began, _)| *began <= now && now.duration_since(*began) < WINDOW).unwrap_or((now, 0));
        if calls >= most {
            self.window = Some((began, calls));
            let left_ms = (WINDOW - now.duration_since(began)).as_millis();
            let seconds = i64::try_from((left_ms + 999) / 1000).unwrap_or(60);
            return Err((self.status, seconds));
        }
        self.window = Some((began, calls + 1));
        Ok(())
    }

    /// Changes made after this instant cannot be read yet.
    pub(crate) fn readable_until(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(SignedDuration::from_millis(self.lag_ms)).unwrap_or(now)
    }

    pub(crate) fn show(&self) -> Value {
        json!({"per_minute": self.per_minute, "lag_ms": self.lag_ms, "status": self.status})
    }

    /// Any of `per_minute` (null: none), `lag_ms`, `status`. A new limit begins a new minute.
    pub(crate) fn put(&mut self, body: &Value) -> Result<(), String> {
        if let Some(most) = body.get("per_minute") {
            let limit = most.as_u64();
            if limit.is_none() && !most.is_null() {
                return Err("`per_minute` is neither a whole number nor null".into());
            }
            (self.per_minute, self.window) = (limit, None);
        }
        if let Some(lag) = body.get("lag_ms") {
            let lag = lag.as_i64().filter(|lag| *lag >= 0);
            self.lag_ms = lag.ok_or("`lag_ms` is not a whole number from 0")?;
        }
        if let Some(status) = body.get("status") {
            let status = status.as_u64().and_then(|status| u16::try_from(status).ok());
            self.status =
                status.filter(|status| matches!(status, 429 | 503)).ok_or("`status` is neither 429 nor 503")?;
        }
        Ok(())
    }
}
