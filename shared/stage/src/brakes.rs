//! The brakes before every write.

use std::time::Duration;

use domain::ids::PersonId;
use domain::planner::IN_FLIGHT;
use domain::ports::{Mode, Stop, StoreError, Switches};
use domain::step::Action;
use futures_util::future::join_all;
use graph::limits::CALL_MAX;
use jiff::Timestamp;

use crate::{Effect, Ports, Work};

/// Whether the switches let this action be carried out. Cuts continue under `stop`, not under `stop --all`.
pub(crate) fn allow(switches: Switches, action: &Action) -> bool {
    switches.mode == Mode::Enforce
        && match switches.stop {
            Stop::Nothing => true,
            // Binding and settling only look: without them a cut may not find its account.
            Stop::AllButCuts => action.cuts() || matches!(action, Action::BindAccount { .. } | Action::SettleCreation),
            Stop::Everything => false,
        }
}

/// How long a message waits for a lease, or for brakes that were put on meanwhile to be seen by the plan.
pub(crate) const BRAKE_PAUSE: Duration = Duration::from_secs(3);

/// A call that is about to go out together with others.
#[derive(Debug, Clone, Copy)]
pub struct Due<'a> {
    /// Whose it is.
    pub person: &'a PersonId,
    /// What it does.
    pub action: &'a Action,
    /// Until when the person's lease is held; None for what grants nothing.
    pub lease: Option<Timestamp>,
}

/// Asks the brakes again, right before calls that waited to go out together: switches, leases, and last of all the fences. What an
/// answer holds is to be told instead of making the call.
pub async fn ask_again(ports: &Ports, due: &[Due<'_>]) -> Vec<Result<Option<Effect>, StoreError>> {
    let switches = match ports.controls.switches().await {
        Ok(switches) => switches,
        Err(error) => return due.iter().map(|_| Err(unread(&error))).collect(),
    };
    // Side by side: a store far away must not make the first fence old before the last is read.
    join_all(due.iter().map(|due| ask_one(ports, switches, *due))).await
}

async fn ask_one(ports: &Ports, switches: Switches, due: Due<'_>) -> Result<Option<Effect>, StoreError> {
    let unsent = Ok(Some(Effect::Unsent(BRAKE_PAUSE)));
    if !allow(switches, due.action) {
        return unsent;
    }
    if !due.action.grants() {
        return Ok(None);
    }
    keep_back(ports, due.person, due.lease).await
}

/// Reads the fence, and looks whether a call that began now would end under the lease: last of all, for whoever was held up on the way
/// here may have lost it. What this answers is to be told instead of granting.
pub(crate) async fn keep_back(
    ports: &Ports,
    person: &PersonId,
    lease: Option<Timestamp>,
) -> Result<Option<Effect>, StoreError> {
    if ports.fences.is_up(person).await? {
        return Ok(Some(Effect::Fenced));
    }
    let ends = ports.clock.now().saturating_add(CALL_MAX).unwrap_or(Timestamp::MAX);
    Ok(lease.is_none_or(|until| ends > until).then_some(Effect::Unsent(BRAKE_PAUSE)))
}

/// The same failure for each of several calls.
fn unread(error: &StoreError) -> StoreError {
    StoreError::Unavailable(error.to_string().into())
}

/// The lease under which a granting call runs.
pub(crate) struct Lease<'a> {
    work: &'a Work<'a>,
    holder: String,
    /// Until when nobody else can take it.
    pub(crate) until: Timestamp,
}

impl<'a> Lease<'a> {
    /// Takes the person's lease; None if somebody else has it. It outlives any call made under it, so a worker that dies
    /// frees it by time alone.
    pub(crate) async fn take(work: &'a Work<'a>) -> Result<Option<Self>, StoreError> {
        let holder = work.ports.entropy.id();
        let now = work.now();
        let until = now.saturating_add(IN_FLIGHT).unwrap_or(now);
        let taken = work.ports.fences.take_lease(&work.person, &holder, now, until).await?;
        Ok(taken.then_some(Self { work, holder, until }))
    }

    /// Gives the lease back.
    pub(crate) async fn release(self) -> Result<(), StoreError> {
        self.work.ports.fences.release_lease(&self.work.person, &self.holder).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_continue_under_stop_but_not_under_stop_all_and_nothing_is_written_in_observe() {
        let cut = Action::DisableAccount { pass: 1 };
        let grant = Action::EnableAccount;
        let check = |mode, stop, action: &Action| allow(Switches { mode, stop }, action);
        assert!(check(Mode::Enforce, Stop::Nothing, &grant));
        assert!(!check(Mode::Enforce, Stop::AllButCuts, &grant));
        assert!(check(Mode::Enforce, Stop::AllButCuts, &cut));
        assert!(!check(Mode::Enforce, Stop::Everything, &cut));
        assert!(!check(Mode::Observe, Stop::Nothing, &cut));
    }
}
