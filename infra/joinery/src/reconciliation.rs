//! The reconciler on one machine: for `joinery up`, which runs it by the clock, and for operators, who run it when they like.

use std::sync::Arc;

use domain::policy::Policy;
use embedded::Store;

use crate::functions::Wiring;

/// The reconciler under a policy, wired as the functions are.
pub fn app(policy: &Arc<Policy>, store: &Store, wiring: &Wiring) -> reconciler::App {
    reconciler::App {
        policy: Arc::clone(policy),
        graph: Arc::clone(&wiring.graph),
        roster: Arc::clone(&wiring.ports.roster),
        lines: Arc::clone(&wiring.lines),
        census: Arc::new(store.clone()),
        outbox: Arc::clone(&wiring.ports.outbox),
        clock: Arc::clone(&wiring.ports.clock),
        entropy: Arc::clone(&wiring.ports.entropy),
    }
}
