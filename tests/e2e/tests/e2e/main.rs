//! Handlers and emulator together, and the rules the repository keeps about itself.

#[cfg(test)]
mod crash;
#[cfg(test)]
mod day;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod guests;
#[cfg(test)]
mod journeys;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod matching;
#[cfg(test)]
mod memberships;
#[cfg(test)]
mod races;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod refused_cuts;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod seats;
#[cfg(test)]
mod standards;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod world;
