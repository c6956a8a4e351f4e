//! Time and chance as the world has them: a clock that stands where it was put, and entropy out of a seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::ids::hex_sha256;
use domain::ports::{Clock, Entropy};
use graph::client::Sleep;
use jiff::Timestamp;

/// The one clock of a world; whoever moves it moves the tenant's with it.
#[derive(Clone)]
pub(crate) struct VirtualClock(Arc<Mutex<Timestamp>>);

impl VirtualClock {
    pub(crate) fn standing_at(at: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(at)))
    }

    /// Time never runs backwards.
    pub(crate) fn forward_to(&self, at: Timestamp) {
        let mut now = self.0.lock().unwrap();
        *now = at.max(*now);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Randomness that a seed repeats.
pub(crate) struct Seeded {
    seed: u64,
    drawn: AtomicU64,
}

impl Seeded {
    /// `drawn`: how many draws came before, for a world that goes on where another one stopped.
    pub(crate) fn new(seed: u64, drawn: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(drawn) }
    }

    pub(crate) fn drawn(&self) -> u64 {
        self.drawn.load(Ordering::Relaxed)
    }

    pub(crate) fn number(&self) -> u128 {
        u128::from_be_bytes(self.bytes()[..16].try_into().unwrap())
    }
}

impl Entropy for Seeded {
    fn bytes(&self) -> [u8; 32] {
        let turn = self.drawn.fetch_add(1, Ordering::Relaxed);
        let hex = hex_sha256(&[self.seed.to_be_bytes(), turn.to_be_bytes()]);
        std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
    }
}

/// Waits within one call to Graph take no time here: whatever takes longer goes back to the queue, and there it does.
pub(crate) struct NoSleep;

#[async_trait]
impl Sleep for NoSleep {
    async fn sleep(&self, _: Duration) {}
}

/// Time that passes only when nobody can do anything any more: a wait for somebody who is at work never ends before they have asked.
pub(crate) struct Standstill;

#[async_trait]
impl Sleep for Standstill {
    async fn sleep(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}
