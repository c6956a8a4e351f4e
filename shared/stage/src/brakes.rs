//! The brakes before every write.

use domain::planner::IN_FLIGHT;
use domain::ports::{Mode, Stop, StoreError, Switches};
use domain::step::Action;

use crate::Work;

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

/// The lease under which a granting call runs.
pub(crate) struct Lease<'a> {
    work: &'a Work<'a>,
    holder: String,
}

impl<'a> Lease<'a> {
    /// Takes the person's lease; None if somebody else has it. It outlives any call made under it, so a worker that dies
    /// frees it by time alone.
    pub(crate) async fn take(work: &'a Work<'a>) -> Result<Option<Self>, StoreError> {
        let holder = work.ports.entropy.id();
        let now = work.now();
        let until = now.saturating_add(IN_FLIGHT).unwrap_or(now);
        let taken = work.ports.fences.take_lease(&work.person, &holder, now, until).await?;
        Ok(taken.then_some(Self { work, holder }))
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
