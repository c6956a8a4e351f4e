//! M9: Entra's own rules, on people whose facts, managers, groups, licenses and time change.

mod chains;
mod movements;
mod policy;
mod time;

use serde_json::json;

use crate::world::{World, joiner};

const SALES: &str = "10000000-0000-0000-0000-000000000002";
const BY_HAND: &str = "10000000-0000-0000-0000-000000000009";
/// Two more groups, for chains.
const FIRST: &str = "10000000-0000-0000-0000-000000000021";
const SECOND: &str = "10000000-0000-0000-0000-000000000022";

/// A package of one group, with a rule as it is copied from the portal.
fn package(name: &str, rule: &str, group: &str) -> String {
    format!("[[packages]]\nname = \"{name}\"\nrule = '''{rule}'''\ngroups = [{{ id = \"{group}\" }}]\n")
}

/// The company, with groups `First` and `Second`, and with these packages.
fn setup(packages: &[String]) -> crate::world::Setup {
    let more = [(FIRST, "First"), (SECOND, "Second")].map(|(id, name)| {
        json!({"id": id, "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true, "groupTypes": []})
    });
    let setup = crate::world::Setup::new().and_policy(&packages.concat());
    setup.with_seed(|seed| seed["groups"].as_array_mut().unwrap().extend(more))
}

/// Somebody who has worked here for a month.
async fn employ(world: &World, id: &str, department: &str) {
    world.hear(id, &joiner("Given", &format!("Family{id}"), department, "2026-02-02")).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.account(&format!("hr:{id}"))["accountEnabled"], true);
}

/// Whether a person is in the group of that name.
fn is_in(world: &World, person: &str, group: &str) -> bool {
    world.groups(person).iter().any(|name| name == group)
}
