//! The emulator from outside, call by call, without a socket except where the wire itself is the point.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "all of it is test code: a surprise should end the test, in functions beside `#[test]` too"
)]

mod access;
mod batches;
mod deltas;
mod faults;
mod groups;
mod guests;
mod laws;
mod licenses;
mod lists;
mod lives;
mod privilege;
mod shapes;
mod sign_ins;
mod stage;
mod time;
mod users;
mod wires;
