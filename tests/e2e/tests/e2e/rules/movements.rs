//! The four movements, with rules as the portal has them, and whose a membership is.

use http::Method;
use serde_json::{Value, json};

use super::{FIRST, SECOND, employ, is_in, package, setup};
use crate::world::{World, joiner};

/// Copied from the portal, with its brackets, its missing hyphens and its pattern.
const SENIORS: &str = r#"(user.department -in ["Law", "Legal Affairs"]) and (user.jobTitle -match "^(senior|principal)\s") and (user.accountEnabled -eq True)"#;

fn titled(department: &str, title: &str) -> Value {
    let mut facts = joiner("Given", "Family", department, "2026-02-02");
    facts["org.job.title"] = json!(title);
    facts
}

fn by_hand(world: &World, method: &Method, person: &str) {
    let id = world.account(person)["id"].as_str().unwrap().to_owned();
    let member = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")});
    world.by_hand(method, &format!("/groups/{FIRST}/members/$ref"), &member);
}

#[tokio::test]
async fn m09_a_new_account_that_matches_joins_and_one_that_does_not_is_not_added() {
    let world = setup(&[package("seniors", SENIORS, FIRST)]).build();
    for (id, title) in [("1", "Senior Counsel"), ("2", "principal clerk"), ("3", "Seniority Clerk"), ("4", "Clerk")] {
        let mut facts = titled("Law", title);
        facts["name.legal.family"] = json!(format!("Family{id}"));
        world.hear(id, &facts).await;
    }
    world.run_for_minutes(5).await;
    let joined = ["hr:1", "hr:2", "hr:3", "hr:4"].map(|person| is_in(&world, person, "First"));
    assert_eq!(joined, [true, true, false, false]);
}

#[tokio::test]
async fn m09_a_changed_account_joins_when_it_matches_and_is_removed_when_it_no_longer_does() {
    let world = setup(&[package("seniors", SENIORS, FIRST)]).build();
    world.hear("1", &titled("Sales", "Senior Clerk")).await;
    world.run_for_minutes(5).await;
    for (facts, joined) in [
        (json!({"org.department.name": "Legal Affairs"}), true),
        (json!({"org.job.title": "SENIOR Partner"}), true),
        (json!({"org.job.title": "Partner"}), false),
        (json!({"org.job.title": "Principal Partner"}), true),
        (json!({"org.department.name": null}), false),
    ] {
        world.hear("1", &facts).await;
        world.run_for_minutes(5).await;
        assert_eq!(is_in(&world, "hr:1", "First"), joined, "{facts}");
    }
    assert_eq!((world.failures(), world.wrongs()), (vec![], vec![]));
}

#[tokio::test]
async fn m09_rules_never_remove_whom_they_did_not_add_unless_the_group_is_exclusively_ours() {
    for (exclusive, stays) in [(false, true), (true, false)] {
        let ours = package("seniors", SENIORS, FIRST).replace(" }]", &format!(", exclusive = {exclusive} }}]"));
        let world = setup(&[ours]).build();
        world.hear("1", &titled("Law", "Clerk")).await;
        world.run_for_minutes(5).await;
        by_hand(&world, &Method::POST, "hr:1");
        for title in ["Senior Clerk", "Clerk"] {
            world.hear("1", &json!({"org.job.title": title})).await;
            world.run_for_minutes(5).await;
        }
        assert_eq!(is_in(&world, "hr:1", "First"), stays, "exclusive: {exclusive}");
        // What was there before us goes when they leave, and not before.
        world.hear("1", &json!({"termination.immediate": true})).await;
        world.run_for_minutes(5).await;
        assert_eq!(world.groups("hr:1"), Vec::<String>::new());
    }
}

#[tokio::test]
async fn m09_the_extended_dialect_follows_what_entra_does_not_offer_and_says_so() {
    let rule = format!("user.employeeType -eq \"intern\" and user.memberOf -any (group.objectId -in ['{FIRST}'])");
    let packages = [package("seniors", SENIORS, FIRST), package("senior interns", &rule, SECOND)];
    let world = setup(&packages).with_policy("version = 1", "version = 1\ndialect = \"extended\"").build();
    let mut facts = titled("Law", "Senior Clerk");
    facts["employment.type"] = json!("intern");
    world.hear("1", &facts).await;
    world.run_for_minutes(5).await;
    assert!(is_in(&world, "hr:1", "Second"), "{:?} {}", world.groups("hr:1"), world.account("hr:1"));
    let story = world.story("hr:1").await;
    assert!(story.contains("package senior interns (extended rule)") && story.contains("package seniors\n"), "{story}");
    employ(&world, "2", "Law").await;
    assert!(!is_in(&world, "hr:2", "Second"));
}
