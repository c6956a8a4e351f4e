//! The domain's ports on SQLite, for one machine: durable, restartable, and none the worse for `kill -9` at any moment.
//!
//! A [`Store`] is one directory: `joinery.db` (queues, roster, brakes, addresses, failures, pages) and `sealed/`
//! (secrets, see [`vault`]). Every call is one transaction; when it has returned, it is stored. Several processes may
//! have the directory open at once: writers take turns, readers see the last commit.
//!
//! The time comes from the clock the store is opened with, never from the machine, so that tests and the demo can turn
//! it.
//!
//! # What is absent
//! No network, no scheduling, no decision: nobody is woken here. Whoever runs the functions polls
//! [`Store::receive`] and `Roster::take_due`. Unix only: the files' modes are part of what is promised.

mod addresses;
mod census;
mod columns;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod controls;
mod failures;
mod fences;
mod guards;
pub mod limits;
mod pages;
pub mod queues;
mod roster;
mod schema;
mod seats;
mod settings;
mod store;
#[cfg(test)]
mod testing;
pub mod vault;

pub use failures::{FailureFilter, Replayed};
pub use guards::Decision;
pub use queues::{Delivery, Receipt, Settled};
pub use store::{DATABASE, Durability, OpenError, Options, Store};
