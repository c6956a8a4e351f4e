//! Another policy for the same company.

use std::sync::Arc;

use domain::policy::Policy;
use domain::ports::Clock;
use joinery::reevaluation::Reevaluation;

use super::{Trouble, World};

impl World {
    /// The policy in force.
    pub(crate) fn policy(&self) -> &Policy {
        &self.site.policy
    }

    /// Stops, and starts again under another policy; everybody is looked at when [`World::reevaluate`] says so.
    pub(crate) fn restart_under(self, policy: &str, trouble: Trouble) -> Self {
        let Self { mut site, store, machine, intake, .. } = self;
        drop((machine, intake, store));
        site.policy =
            Arc::new(Policy::parse(policy).unwrap_or_else(|faults| panic!("the policy has faults: {faults:?}")));
        Self::open(site, trouble)
    }

    /// What `joinery up` does when it starts: how many people were woken because the policy is another one.
    pub(crate) async fn reevaluate(&self) -> usize {
        let clock: Arc<dyn Clock> = Arc::new(self.site.clock.clone());
        let (store, roster) = (self.store.clone(), Arc::clone(&self.machine.roster));
        let everybody = Reevaluation { store, roster, clock, policy: Arc::clone(&self.site.policy) };
        everybody.run().await.unwrap()
    }
}
