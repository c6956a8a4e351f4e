//! Rules that read what others decide: groups, the manager, licenses.

use http::Method;
use serde_json::json;

use super::{BY_HAND, FIRST, SALES, SECOND, employ, is_in, package, setup};
use crate::world::{Setup, World};

/// `TEAMS1`, a service plan of `SPE_E3`.
const TEAMS: &str = "57ff2da0-773e-42df-b2af-ffb7a2317929";
const MARA: &str = "20000000-0000-0000-0000-000000000002";

fn member_of(groups: &str) -> String {
    format!("user.memberof -any (group.objectId -in ['{groups}'])")
}

#[tokio::test]
async fn m09_a_membership_that_we_write_is_seen_by_the_next_rule_in_the_same_message() {
    let chain = [package("one", &member_of(SALES), FIRST), package("two", &member_of(FIRST), SECOND)];
    let world = setup(&chain).build();
    world.control("latency", &json!({"settle_ms": 1500, "replicas": 3}));
    employ(&world, "1", "Sales").await;
    assert_eq!(world.groups("hr:1"), ["Everyone", "First", "Sales", "Second"]);
    employ(&world, "2", "Law").await;
    assert_eq!(world.groups("hr:2"), ["Everyone"]);

    world.hear("1", &json!({"org.department.name": "Law"})).await;
    world.run_for_minutes(2).await;
    assert_eq!(world.groups("hr:1"), ["Everyone"], "the chain goes as it came");
    assert_eq!((world.failures(), world.wrongs()), (vec![], vec![]));
}

#[tokio::test]
async fn m09_a_chain_longer_than_one_message_plans_goes_on_at_the_next_look() {
    let ids: Vec<String> = (0..8).map(|number| format!("10000000-0000-0000-0000-0000000001{number:02}")).collect();
    let links = ids.windows(2).enumerate();
    let mut chain: Vec<String> =
        links.map(|(place, pair)| package(&format!("link {place}"), &member_of(&pair[0]), &pair[1])).collect();
    chain.push(package("head", &member_of(SALES), &ids[0]));
    let groups = ids.iter().map(|id| {
        json!({"id": id, "displayName": format!("Link {id}"), "mailNickname": "link", "mailEnabled": false, "securityEnabled": true, "groupTypes": []})
    });
    let world = setup(&chain).with_seed(|seed| seed["groups"].as_array_mut().unwrap().extend(groups)).build();
    employ(&world, "1", "Sales").await;
    assert_eq!(world.groups("hr:1").len(), 2 + ids.len(), "{:?}", world.groups("hr:1"));
}

#[tokio::test]
async fn m09_whose_manager_changes_moves_between_the_teams() {
    let team = |name, manager, group| package(name, &format!("Direct Reports for \"{manager}\""), group);
    let admin = "20000000-0000-0000-0000-000000000001";
    let world = setup(&[team("mara's", MARA, FIRST), team("the admin's", admin, SECOND)]).build();
    employ(&world, "1", "Law").await;
    assert_eq!(world.groups("hr:1"), ["Everyone"]);
    world.hear("1", &json!({"org.manager.work_email": "mara.moss@contoso.example"})).await;
    world.run_for_minutes(1).await;
    assert_eq!(world.groups("hr:1"), ["Everyone", "First"]);
    world.hear("1", &json!({"org.manager.work_email": "admin@contoso.onmicrosoft.com"})).await;
    world.run_for_minutes(1).await;
    assert_eq!(world.groups("hr:1"), ["Everyone", "Second"]);
    world.hear("1", &json!({"org.manager.work_email": null})).await;
    world.run_for_minutes(1).await;
    assert_eq!(world.groups("hr:1"), ["Everyone"]);
    assert_eq!((world.failures(), world.wrongs()), (vec![], vec![]));
}

/// Whoever has Teams, as Microsoft's page has it.
fn has_plan(plan: &str) -> String {
    format!(
        "user.assignedPlans -any (assignedPlan.servicePlanId -eq \"{plan}\" -and assignedPlan.capabilityStatus -eq \"Enabled\")"
    )
}

/// How often somebody was put into, and taken out of, group `First`.
fn turns(world: &World) -> (usize, usize) {
    let calls = world.written().into_iter().filter(|(line, status)| line.contains(FIRST) && *status < 300);
    let (out, into): (Vec<_>, Vec<_>) = calls.partition(|(line, _)| line.starts_with("DELETE"));
    (into.len(), out.len())
}

fn with_plan(plan: &str, latency: &serde_json::Value) -> World {
    let world = setup(&[package("has a plan", &has_plan(plan), FIRST)]).build();
    world.control("latency", latency);
    world
}

#[tokio::test]
async fn m09_a_license_that_we_give_or_take_is_followed_by_the_rules_that_read_its_plans_and_nothing_flickers() {
    // Replicas that disagree: none of them may put the person in and out again.
    let world = with_plan(TEAMS, &json!({"settle_ms": 1900, "replicas": 3}));
    employ(&world, "1", "Sales").await;
    assert_eq!((world.groups("hr:1").contains(&"First".to_owned()), turns(&world)), (true, (1, 0)));
    world.hear("1", &json!({"org.department.name": "Law"})).await;
    world.run_for_minutes(5).await;
    assert_eq!((is_in(&world, "hr:1", "First"), turns(&world)), (false, (1, 1)));
    world.run_for_minutes(180).await;
    assert_eq!(turns(&world), (1, 1));
    assert_eq!((world.failures(), world.wrongs()), (vec![], vec![]));
}

#[tokio::test]
async fn m09_plans_that_a_group_brings_by_and_by_are_looked_for_again_and_not_for_ever() {
    const POWER_BI: &str = "70d33638-9c74-4d01-bfd3-562de28bd4ba";
    let world = with_plan(POWER_BI, &json!({"license_ms": 600_000}));
    employ(&world, "1", "Engineering").await;
    assert!(!is_in(&world, "hr:1", "First"), "Entra has not worked the group off yet");
    world.run_for_minutes(20).await;
    assert_eq!((is_in(&world, "hr:1", "First"), turns(&world)), (true, (1, 0)));
    world.run_for_minutes(120).await;
    let calls = world.calls_made();
    world.run_for_minutes(24 * 60).await;
    assert_eq!(world.calls_made(), calls, "nobody looks any more");
}

#[tokio::test]
async fn m09_who_was_put_into_the_other_group_by_hand_is_followed_at_the_next_look_and_rules_take_only_what_they_gave()
{
    let world = setup(&[package("after hand", &member_of(BY_HAND), FIRST)]).build();
    employ(&world, "1", "Law").await;
    let id = world.account("hr:1")["id"].as_str().unwrap().to_owned();
    let member = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")});
    world.by_hand(&Method::POST, &format!("/groups/{BY_HAND}/members/$ref"), &member);
    world.hear("1", &json!({"org.job.title": "Clerk"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.groups("hr:1"), ["By hand", "Everyone", "First"]);
    world.by_hand(&Method::DELETE, &format!("/groups/{BY_HAND}/members/{id}/$ref"), &json!(null));
    world.hear("1", &json!({"org.job.title": "Counsel"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.groups("hr:1"), ["Everyone"]);
}

/// What a policy with these packages is refused for.
fn refused(packages: &[String]) -> String {
    let policy = format!("{}\n{}", include_str!("../data/policy.toml"), packages.concat());
    let faults = domain::policy::Policy::parse(&policy).unwrap_err();
    faults.iter().map(|fault| fault.message.clone()).collect::<Vec<_>>().join("\n")
}

#[test]
fn m09_packages_that_chase_their_own_tail_are_refused_with_the_cycle_named() {
    let two = [package("a", &member_of(SECOND), FIRST), package("b", &member_of(FIRST), SECOND)];
    let told = refused(&two);
    assert!(told.contains("`b` gives group") && told.contains("which the rule of `a` reads"), "{told}");
    // Who has Teams loses the group that gives Teams.
    let license = "licenses = [{ sku = \"SPE_E3\" }]\n";
    let rule = format!("user.assignedPlans -all (assignedPlan.servicePlanId -ne \"{TEAMS}\")");
    let told = refused(&[package("without teams", &rule, FIRST) + license]);
    assert!(told.contains("`without teams` gives service plan `TEAMS1`, which its own rule reads"), "{told}");
    // The other plan of the same kind is nobody's tail.
    let rule = "user.assignedPlans -any (assignedPlan.servicePlanId -eq \"70d33638-9c74-4d01-bfd3-562de28bd4ba\")";
    let sound = package("power bi", rule, FIRST) + license;
    let _ = Setup::new().and_policy(&sound).build();
}
