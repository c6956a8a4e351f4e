//! A day in the life of a company.
//!
//! - [`scenario`]: the day as data, with the end it must have;
//! - [`signing`]: requests signed as HR systems sign them;
//! - [`company`]: the emulated tenant, the policy and Joinery, in this process;
//! - [`play`]: moves the clock, sends, waits for rest, checks;
//! - [`operator`]: runs `joinery` where a human acts;
//! - [`timeline`], [`terminal`], [`summary`]: what there is to see;
//! - [`tenant`], [`verdict`]: how things are, and how that differs from how they must be.

pub mod company;
pub mod operator;
pub mod play;
pub mod scenario;
pub mod signing;
pub mod summary;
pub mod tenant;
pub mod terminal;
pub mod timeline;
pub mod verdict;
