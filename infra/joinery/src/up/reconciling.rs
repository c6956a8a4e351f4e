//! Reconciliation by the clock everything lives in.

use std::time::Duration;

use domain::ports::StoreError;
use domain::reconcile::{RunName, Scope};
use embedded::Store;
use jiff::{SignedDuration, Timestamp};
use reconciler::{App, Order, Trouble};
use tokio::sync::watch;

use super::asked_to;
use crate::machine::chain;

/// The setting that says since when the times of runs count, before there was one.
const SETTING: &str = "reconcile-since";
/// How often it is looked whether a run is due: a read of one row.
const LOOK: Duration = Duration::from_secs(1);
/// How long it rests after a run could not go on.
const PAUSE: Duration = Duration::from_mins(1);
/// How long one turn may take, as on AWS; the next look goes on.
const TURN_MAX: SignedDuration = SignedDuration::from_mins(14);

/// Reconciles as often as the policy says.
pub(super) struct Reconciling {
    pub(super) app: App,
    pub(super) store: Store,
    pub(super) every: SignedDuration,
}

impl Reconciling {
    /// Reconciles until told to stop. What is under way then is cut off, and goes on at the next start.
    pub(super) async fn keep_reconciling(self, mut stop: watch::Receiver<bool>) {
        loop {
            let ran = tokio::select! {
                ran = self.run_if_due() => ran,
                () = asked_to(&mut stop) => return,
            };
            let pause = if let Err(error) = &ran {
                tracing::warn!(error = chain(error), "reconciliation does not go on for now");
                PAUSE
            } else {
                LOOK
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = asked_to(&mut stop) => return,
            }
        }
    }

    async fn run_if_due(&self) -> Result<(), Trouble> {
        let now = self.app.clock.now();
        if !self.is_due(now).await? {
            return Ok(());
        }
        let deadline = now.checked_add(TURN_MAX).ok();
        let order = Order { name: RunName::Real, scopes: Scope::ALL.into(), deadline };
        reconciler::run(&self.app, &order, &|_| {}).await.map(drop)
    }

    /// Whether a run is to go on or to begin. A first start looks at everybody anyway: the first run comes one period later.
    async fn is_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let since = match self.app.census.run(RunName::Real).await? {
            Some(run) if run.ended_at.is_none() => return Ok(true),
            Some(run) => run.ended_at,
            None => self.store.setting(SETTING)?,
        };
        let Some(since) = since else {
            self.store.set_setting(SETTING, &now)?;
            return Ok(false);
        };
        Ok(since.saturating_add(self.every).is_ok_and(|due| due <= now))
    }
}
