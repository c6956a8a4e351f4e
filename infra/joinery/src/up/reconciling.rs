//! Reconciliation by the clock everything lives in.

use std::time::Duration;

use domain::ports::StoreError;
use domain::reconcile::{RunName, Scope};
use embedded::Store;
use jiff::{SignedDuration, Timestamp};
use reconciler::{App, Ended, Order, Trouble};
use tokio::sync::watch;

use super::asked_to;
use crate::machine::chain;

/// The setting that says when everything was compared last, or when the first `joinery up` began to wait for that.
const SETTING: &str = "reconciled-at";
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
        if reconciler::run(&self.app, &order, &|_| {}).await? == Ended::Whole {
            self.store.set_setting(SETTING, &self.app.clock.now())?;
        }
        Ok(())
    }

    /// Whether a run is to go on or to begin. An operator's run counts if it compared everything. A first start looks at everybody anyway: the
    /// first run comes one period later.
    async fn is_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let whole = self.app.census.run(RunName::Real).await?.filter(|run| run.scopes == Scope::ALL.into());
        if whole.as_ref().is_some_and(|run| run.ended_at.is_none()) {
            return Ok(true);
        }
        let remembered: Option<Timestamp> = self.store.setting(SETTING)?;
        let Some(since) = whole.and_then(|run| run.ended_at).max(remembered) else {
            self.store.set_setting(SETTING, &now)?;
            return Ok(false);
        };
        Ok(since.saturating_add(self.every).is_ok_and(|due| due <= now))
    }
}
