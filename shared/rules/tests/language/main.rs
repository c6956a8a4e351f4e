//! The rule language against its corpora, and its laws against generated rules.

#[cfg(test)]
mod beyond;
#[cfg(test)]
mod corpora;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod sets;
#[cfg(test)]
mod time;
