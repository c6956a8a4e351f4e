//! Kinds of groups, and whose a membership is.

use http::Method;
use serde_json::json;

use super::{count, employ};
use crate::world::{Setup, joiner};

const SALES: &str = "10000000-0000-0000-0000-000000000002";
const BY_HAND: &str = "10000000-0000-0000-0000-000000000009";

/// A package with one group, for everybody in department `Law`.
fn law(group: &str) -> String {
    format!("[[packages]]\nname = \"law\"\nrule = 'user.department -eq \"Law\"'\ngroups = [{{ id = \"{group}\" }}]\n")
}

#[tokio::test]
async fn m08_groups_that_cannot_be_managed_are_known_before_any_write_and_reported() {
    let kinds = [
        ("10000000-0000-0000-0000-000000000005", "change its members in Exchange"),
        ("10000000-0000-0000-0000-000000000006", "change its members in Exchange"),
        ("10000000-0000-0000-0000-000000000008", "change its members in Active Directory on-premises"),
        ("10000000-0000-0000-0000-0000000000ff", "there is no such group: correct its id in the policy"),
    ];
    for (group, instructions) in kinds {
        let world = Setup::new().and_policy(&law(group)).build();
        employ(&world, "7", "Ada", "Lovelace", "Law").await;
        world.run_for_minutes(120).await;
        assert_eq!(count(&world, "POST", &format!("/groups/{group}/members/$ref")), 0);
        let story = world.story("hr:7").await;
        assert_eq!(story.matches(instructions).count(), 1, "told once: {story}");
        // The rest of the person's work is not held up.
        assert_eq!(world.groups("hr:7"), ["Everyone"]);
        assert_eq!(world.failures(), vec![]);
    }
}

#[tokio::test]
async fn m08_a_group_that_gives_directory_roles_is_written_only_where_the_policy_allows_it() {
    for (allowed, members) in [("", 0), (", role_assignable = true", 1)] {
        let law = law(BY_HAND).replace("\" }]", &format!("\"{allowed} }}]"));
        let world = Setup::new()
            .and_policy(&law)
            .with_seed(|seed| {
                let groups = seed["groups"].as_array_mut().unwrap();
                groups.iter_mut().find(|group| group["id"] == BY_HAND).unwrap()["isAssignableToRole"] = json!(true);
                // A world's tokens name no application.
                seed["applications"] = json!([{"appId": "", "roles": ["RoleManagement.ReadWrite.Directory"]}]);
            })
            .build();
        employ(&world, "7", "Ada", "Lovelace", "Law").await;
        assert_eq!(world.groups("hr:7").len(), 1 + members, "{law}");
        assert_eq!(world.failures(), vec![]);
    }
}

#[tokio::test]
async fn m08_a_group_whose_members_entra_computes_is_left_to_entra() {
    let world = Setup::new().and_policy(&law("10000000-0000-0000-0000-000000000007")).build();
    employ(&world, "7", "Ada", "Lovelace", "Law").await;
    world.hear("7", &json!({"org.department.name": "Sales"})).await;
    world.run_for_minutes(5).await;
    world.hear("7", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(5).await;
    let touched = world.written().into_iter().filter(|(line, _)| line.contains("000000000007/members"));
    assert_eq!(touched.count(), 0);
    assert_eq!(world.failures(), vec![]);
}

#[tokio::test]
async fn m09_all_four_movements_of_a_rule() {
    let world = Setup::new().build();
    employ(&world, "1", "Matches", "Atonce", "Sales").await;
    employ(&world, "2", "Matches", "Later", "Law").await;
    assert_eq!(world.groups("hr:1"), ["Everyone", "Sales"], "a new account that matches joins");
    assert_eq!(world.groups("hr:2"), ["Everyone"], "one that does not match is not added");
    world.hear("1", &json!({"org.department.name": "Law"})).await;
    world.hear("2", &json!({"org.department.name": "Sales"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.groups("hr:2"), ["Everyone", "Sales"], "a changed account that now matches joins");
    assert_eq!(world.groups("hr:1"), ["Everyone"], "one that no longer matches is removed");
}

#[tokio::test]
async fn a_membership_that_was_there_before_us_is_kept_by_rules_and_goes_with_the_leaver() {
    let world = Setup::new().build();
    let mut facts = joiner("Ada", "Lovelace", "Law", "2026-02-02");
    facts["org.job.title"] = json!("Clerk");
    world.hear("7", &facts).await;
    world.run_for_minutes(5).await;
    let id = world.account("hr:7")["id"].as_str().unwrap().to_owned();
    let member = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")});
    for group in [SALES, BY_HAND] {
        world.by_hand(&Method::POST, &format!("/groups/{group}/members/$ref"), &member);
    }
    for department in ["Sales", "Law"] {
        world.hear("7", &json!({"org.department.name": department})).await;
        world.run_for_minutes(5).await;
        let groups = world.groups("hr:7");
        assert!(groups.contains(&"Sales".into()) && groups.contains(&"By hand".into()), "{department}: {groups:?}");
    }
    world.hear("7", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.groups("hr:7"), Vec::<String>::new());
}

#[tokio::test]
async fn a_leaver_keeps_what_was_there_before_us_where_the_policy_says_so() {
    let setup =
        Setup::new().with_policy("delete_days_after = 30", "delete_days_after = 30\nleavers_keep_preexisting = true");
    let world = setup.build();
    employ(&world, "7", "Ada", "Lovelace", "Sales").await;
    let id = world.account("hr:7")["id"].as_str().unwrap().to_owned();
    let member = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")});
    world.by_hand(&Method::POST, &format!("/groups/{BY_HAND}/members/$ref"), &member);
    world.hear("7", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.groups("hr:7"), ["By hand"]);
}

#[tokio::test]
async fn members_whom_nobody_asked_for_leave_a_group_that_is_exclusively_ours() {
    let policy = law(BY_HAND).replace(" }]", ", exclusive = true }]");
    let world = Setup::new().and_policy(&policy).build();
    employ(&world, "7", "Ada", "Lovelace", "Sales").await;
    let id = world.account("hr:7")["id"].as_str().unwrap().to_owned();
    let member = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")});
    world.by_hand(&Method::POST, &format!("/groups/{BY_HAND}/members/$ref"), &member);
    world.hear("7", &json!({"org.job.title": "Clerk"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.groups("hr:7"), ["Everyone", "Sales"]);
}
