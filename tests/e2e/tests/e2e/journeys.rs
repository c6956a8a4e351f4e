//! What happens to people, told from HR's first word to the tenant's last state.

mod brakes;
mod groups;
mod hybrid;
mod licenses;
mod lifecycle;
mod names;
mod secrecy;
mod thin;
mod unreliable;

use crate::world::{World, joiner};

/// Somebody who has worked here for a month, and whose account, groups and licenses are as they should be.
async fn employ(world: &World, id: &str, given: &str, family: &str, department: &str) {
    world.hear(id, &joiner(given, family, department, "2026-02-02")).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.account(&format!("hr:{id}"))["accountEnabled"], true);
}

/// The position of the first write that fits, in the order of the calls.
fn position(world: &World, method: &str, end: &str) -> usize {
    let written = world.written();
    let fits = |line: &str| line.starts_with(method) && line.ends_with(end);
    written.iter().position(|(line, _)| fits(line)).unwrap_or_else(|| panic!("no {method} …{end} in {written:#?}"))
}

/// How many writes fit.
fn count(world: &World, method: &str, end: &str) -> usize {
    world.written().iter().filter(|(line, _)| line.starts_with(method) && line.ends_with(end)).count()
}
