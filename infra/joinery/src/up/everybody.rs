//! After a start under another policy: everybody is looked at, once.

use std::time::Duration;

use domain::ports::StoreError;
use tokio::sync::watch;

use super::asked_to;
use super::bells::Bells;
use crate::machine::chain;
use crate::reevaluation::Reevaluation;

/// How long it rests after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(2);

/// Wakes everybody, however often the store fails; then there is nothing to do but to be stopped.
pub(super) async fn look(everybody: Reevaluation, bells: Bells, mut stop: watch::Receiver<bool>) {
    loop {
        // Stopped in the middle, it goes on at the next start.
        let woken = tokio::select! {
            woken = wake(&everybody, &bells) => woken,
            () = asked_to(&mut stop) => return,
        };
        let Err(error) = woken else { break };
        tracing::error!(error = chain(&error), "not everybody can be looked at yet");
        tokio::select! {
            () = tokio::time::sleep(STORE_PAUSE) => {}
            () = asked_to(&mut stop) => return,
        }
    }
    asked_to(&mut stop).await;
}

async fn wake(everybody: &Reevaluation, bells: &Bells) -> Result<(), StoreError> {
    let woken = everybody.run().await?;
    if woken > 0 {
        tracing::info!(woken, policy = everybody.policy.fingerprint, "another policy: everybody is looked at");
        bells.of_sweep().notify_one();
    }
    Ok(())
}
