//! BambooHR: what its fields mean, and how one employee's record is read back.

mod client;
pub mod fields;
mod snapshot;

pub use client::{Client, Config, Inputs, Sleep, TokioSleep};
