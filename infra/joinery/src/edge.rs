//! The edge of the program: the only place that asks the machine for time and randomness.

use std::sync::{Arc, PoisonError, RwLock};

use domain::ports::{Clock, Entropy};
use jiff::{SignedDuration, Timestamp};
use rand::Rng;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge: everything else is given this clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The machine's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        rand::rng().fill_bytes(&mut bytes);
        bytes
    }
}

/// A clock that somebody else sets: the emulator's, followed from afar. Between two settings it runs on by the machine's
/// time if the other one runs, and stands still if not.
#[derive(Clone, Default)]
pub struct FollowedClock(Arc<RwLock<Option<Following>>>);

#[derive(Clone, Copy)]
struct Following {
    theirs: Timestamp,
    ours: Timestamp,
    running: bool,
}

impl FollowedClock {
    /// Takes over what the other clock says now.
    pub fn set(&self, theirs: Timestamp, running: bool) {
        let following = Following { theirs, ours: SystemClock.now(), running };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(following);
    }
}

impl Clock for FollowedClock {
    fn now(&self) -> Timestamp {
        let ours = SystemClock.now();
        match *self.0.read().unwrap_or_else(PoisonError::into_inner) {
            None => ours,
            Some(Following { theirs, running: false, .. }) => theirs,
            Some(Following { theirs, ours: then, running: true }) => {
                let since: SignedDuration = ours.duration_since(then);
                theirs.saturating_add(since).unwrap_or(theirs)
            }
        }
    }
}
