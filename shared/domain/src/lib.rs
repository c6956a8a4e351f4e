//! The common domain: people, records, policy, lifecycle, planner, steps, messages and ports.
//!
//! Pure: no I/O, no clock, no randomness. What it needs of the world stands in [`ports`] as traits and comes in as values.

pub mod amend;
pub mod attributes;
mod country;
pub mod employment;
pub mod event;
pub mod fetch_back;
pub mod forecast;
pub mod guard;
pub mod guest;
pub mod ids;
pub mod ledger;
pub mod lifecycle;
pub mod matching;
pub mod message;
pub mod naming;
pub mod overlay;
pub mod person;
pub mod planner;
pub mod policy;
pub mod ports;
pub mod progress;
pub mod reconcile;
pub mod record;
pub mod reevaluation;
pub mod seats;
pub mod step;

#[cfg(test)]
mod sample;
