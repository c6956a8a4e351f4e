//! Joinery on one machine, as a library: what `joinery up` runs, so that tests and the demo run exactly the same.
//!
//! - [`functions`]: every function wired to its ports;
//! - [`machine`]: takes messages from the queues, hands them to the functions, settles them, and sweeps for who is due;
//! - [`up`]: all of it running, with the webhook listener and the followed clock;
//! - [`desk`]: the data directory as every other command finds it;
//! - [`guards`]: what guards hold, and deciding on it;
//! - [`reconciliation`]: the whole tenant held against the roster, by the clock and by hand;
//! - [`reevaluation`]: the look at everybody when the policy has changed;
//! - [`tenant`]: Graph clients from a URL and the environment's credentials;
//! - [`edge`]: the only place that asks the machine for time and randomness.

pub mod clock;
pub mod desk;
pub mod edge;
pub mod functions;
pub mod guards;
pub mod machine;
pub mod reconciliation;
pub mod reevaluation;
pub mod tenant;
pub mod up;
