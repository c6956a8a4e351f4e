//! The sweep: wakes whoever is due, by the clock everything lives in.

use std::sync::Arc;
use std::time::Duration;

use domain::policy::Policy;
use domain::ports::{Clock, Controls, Lines, Roster, StoreError, Switches};
use embedded::Store;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::asked_to;
use super::bells::Bells;
use crate::machine::{Machine, chain};

/// How often it is looked whether anybody is due. One look reads two entries of an index.
const TICK: Duration = Duration::from_millis(250);
/// How long a look rests after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(2);
/// At most so often is swept by the clock, so that steps that become due one after the other wake their person once.
const SPACING_MAX: SignedDuration = SignedDuration::from_mins(1);
/// With a short settling time, as in a demo, sweeps may follow each other as closely as this.
const SPACING_MIN: SignedDuration = SignedDuration::from_secs(1);
/// How many sweeps follow each other at once; the next tick goes on.
const ROUNDS_MAX: usize = 20;

/// The sweep of one machine.
pub(super) struct Sweep {
    machine: Machine,
    store: Store,
    bells: Bells,
    clock: Arc<dyn Clock>,
    spacing: SignedDuration,
    last: Option<Timestamp>,
    switches: Option<Switches>,
}

impl Sweep {
    pub(super) fn new(machine: Machine, store: Store, policy: &Policy, bells: Bells) -> Self {
        let spacing = domain::overlay::settling(policy).clamp(SPACING_MIN, SPACING_MAX);
        Self { clock: Arc::clone(&machine.clock), machine, store, bells, spacing, last: None, switches: None }
    }

    /// Sweeps until told to stop.
    pub(super) async fn keep_sweeping(mut self, mut stop: watch::Receiver<bool>) {
        let mut rung = false;
        loop {
            let looked = self.look(rung).await;
            let pause = looked.as_ref().map_or(STORE_PAUSE, |()| TICK);
            if let Err(error) = looked {
                tracing::error!(error = chain(&error), "the roster cannot be swept");
            }
            tokio::select! {
                () = self.bells.of_sweep().notified() => rung = true,
                () = tokio::time::sleep(pause) => rung = false,
                () = asked_to(&mut stop) => return,
            }
        }
    }

    /// Sweeps if it is time to and anybody is due. A turned switch or a jump of the clock is looked at without delay.
    async fn look(&mut self, rung: bool) -> Result<(), StoreError> {
        let switches = self.store.switches().await?;
        let turned = self.switches.replace(switches).is_some_and(|before| before != switches);
        let now = self.clock.now();
        let rested = self.last.is_none_or(|last| now.duration_since(last).abs() >= self.spacing);
        let due = self.store.next_due().await?.into_iter().chain(self.store.next_look().await?).min();
        if !(rested || rung || turned) || due.is_none_or(|due| due > now) {
            return Ok(());
        }
        self.last = Some(now);
        for _ in 0..ROUNDS_MAX {
            let woken = self.machine.sweep().await?;
            if woken == 0 {
                break;
            }
            tracing::debug!(woken, "swept");
        }
        Ok(())
    }
}
