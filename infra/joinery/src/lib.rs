//! Joinery on one machine, as a library: what `joinery up` runs, so that tests and the demo run exactly the same.
//!
//! - [`functions`]: every function wired to its ports;
//! - [`machine`]: takes messages from the queues, hands them to the functions, settles them, and sweeps for who is due;
//! - [`edge`]: the only place that asks the machine for time and randomness.

pub mod edge;
pub mod functions;
pub mod machine;
