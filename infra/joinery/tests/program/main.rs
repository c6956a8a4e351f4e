//! The program as its users meet it: golden sessions, exit codes, and `joinery up` as a process and as a library.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may end in a panic anywhere")]

mod company;
mod kill;
mod permissions;
mod reconcile;
mod sessions;
mod signing;
mod start;
mod up;
