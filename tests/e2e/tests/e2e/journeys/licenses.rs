//! Licenses: location first, seats, direct and by group.

use http::Method;
use serde_json::{Value, json};

use super::employ;
use crate::world::{Setup, World, joiner};

const BI_CARRIER: &str = "10000000-0000-0000-0000-000000000004";

/// Every call that licenses somebody comes after one that gave them a location, or after the seed did.
fn assert_location_first(world: &World) {
    let mut located: Vec<String> = Vec::new();
    for call in world.calls().iter().filter(|call| call["status"].as_u64().unwrap() < 300) {
        let (method, path) = (call["method"].as_str().unwrap(), call["path"].as_str().unwrap());
        let subject = call["subject"].as_str().unwrap_or_default().to_owned();
        let has_location = call["body"]["usageLocation"].is_string();
        match (method, path) {
            ("POST", "/users") | ("PATCH", _) if has_location => located.push(subject),
            ("POST", path) if path.ends_with("/assignLicense") => {
                assert!(located.contains(&subject), "{subject} was licensed without a location");
            }
            ("POST", path) if path == format!("/groups/{BI_CARRIER}/members/$ref") => {
                let member = call["body"]["@odata.id"].as_str().unwrap().rsplit('/').next().unwrap();
                assert!(located.iter().any(|id| id == member), "{member} joined a carrier without a location");
            }
            _ => {}
        }
    }
    assert!(!located.is_empty());
}

#[tokio::test]
async fn m11_no_license_is_given_before_there_is_a_location() {
    let world = Setup::new().build();
    for (id, department) in [("1", "Sales"), ("2", "Engineering"), ("3", "Sales"), ("4", "Engineering")] {
        let mut facts = joiner("Given", &format!("Family{id}"), department, "2026-02-02");
        if id > "2" {
            facts.as_object_mut().unwrap().remove("location.country");
        }
        world.hear(id, &facts).await;
    }
    world.run_for_minutes(5).await;
    assert_eq!((world.licenses("hr:1"), world.licenses("hr:2")), (vec!["SPE_E3"], vec!["POWER_BI_PRO"]));
    assert_eq!((world.licenses("hr:3"), world.licenses("hr:4")), (vec![], vec![]));
    assert!(world.story("hr:3").await.contains("the account has no usage location yet"));
    for id in ["3", "4"] {
        world.hear(id, &json!({"location.country": "DE"})).await;
    }
    world.run_for_minutes(5).await;
    assert_eq!((world.licenses("hr:3"), world.licenses("hr:4")), (vec!["SPE_E3"], vec!["POWER_BI_PRO"]));
    assert_location_first(&world);
}

#[tokio::test]
async fn m12_joining_and_leaving_the_group_assigns_and_removes_its_licenses() {
    let world = Setup::new().build();
    employ(&world, "7", "Ada", "Lovelace", "Engineering").await;
    let states = world.account("hr:7")["licenseAssignmentStates"].clone();
    assert_eq!((&states[0]["assignedByGroup"], &states[0]["state"]), (&json!(BI_CARRIER), &json!("Active")));
    world.hear("7", &json!({"org.department.name": "Sales"})).await;
    world.run_for_minutes(5).await;
    let states = world.account("hr:7")["licenseAssignmentStates"].clone();
    assert_eq!((states.as_array().unwrap().len(), &states[0]["assignedByGroup"]), (1, &Value::Null));
    assert_eq!(world.licenses("hr:7"), ["SPE_E3"]);
}

#[tokio::test]
async fn m13_whoever_finds_no_seat_waits_and_is_served_when_a_leaver_frees_one() {
    let world = Setup::new().build();
    employ(&world, "1", "First", "Designer", "Design").await;
    employ(&world, "2", "Second", "Designer", "Design").await;
    world.run_for_minutes(2).await;
    employ(&world, "3", "Third", "Designer", "Design").await;
    assert_eq!((world.licenses("hr:1"), world.licenses("hr:2")), (vec!["VISIOCLIENT"], vec![]));
    let story = world.story("hr:2").await;
    assert!(story.contains("no seat of VISIOCLIENT is free"), "{story}");

    world.hear("1", &json!({"termination.immediate": true})).await;
    // At once, and not at the next quarter of an hour.
    world.run_for_minutes(1).await;
    assert_eq!((world.licenses("hr:1"), world.licenses("hr:2")), (vec![], vec!["VISIOCLIENT"]));
    assert_eq!(world.licenses("hr:3"), Vec::<&str>::new(), "in order");

    world.control("seats", &json!({"c5928f49-12ba-48f7-ada3-0d743a3601d5": 2}));
    world.run_for_minutes(16).await;
    assert_eq!(world.licenses("hr:3"), ["VISIOCLIENT"]);
    assert_eq!((world.failures(), world.pages()), (vec![], vec![]));
}

#[tokio::test]
async fn m13_nobody_joins_a_carrier_group_without_a_seat() {
    let world = Setup::new().with_seed(|seed| seed["subscribedSkus"][1]["prepaidUnits"]["enabled"] = json!(1)).build();
    employ(&world, "1", "First", "Engineer", "Engineering").await;
    employ(&world, "2", "Second", "Engineer", "Engineering").await;
    assert_eq!(world.groups("hr:2"), ["Engineering", "Everyone"]);
    world.hear("1", &json!({"org.department.name": "Sales"})).await;
    world.run_for_minutes(20).await;
    assert_eq!(world.groups("hr:2"), ["Engineering", "Everyone", "Power BI licenses"]);
    assert_eq!(world.licenses("hr:2"), ["POWER_BI_PRO"]);
}

#[tokio::test]
async fn m12_a_group_license_that_found_no_seat_is_asked_for_again() {
    let world = Setup::new().build();
    employ(&world, "7", "Ada", "Lovelace", "Engineering").await;
    let id = world.account("hr:7")["id"].as_str().unwrap().to_owned();
    // Somebody takes the seats away and lets Entra process the group: the member is left in error.
    world.control("seats", &json!({"f8a1db68-be16-40ed-86d5-cb42ce701560": 0}));
    world.by_hand(&Method::DELETE, &format!("/groups/{BI_CARRIER}/members/{id}/$ref"), &Value::Null);
    world.run_for_minutes(1).await;
    let member = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")});
    world.by_hand(&Method::POST, &format!("/groups/{BI_CARRIER}/members/$ref"), &member);
    world.run_for_minutes(1).await;
    assert_eq!(world.account("hr:7")["licenseAssignmentStates"][0]["error"], "CountViolation");

    world.hear("7", &json!({"org.job.title": "Engineer"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.licenses("hr:7"), Vec::<&str>::new());
    world.control("seats", &json!({"f8a1db68-be16-40ed-86d5-cb42ce701560": 5}));
    world.run_for_minutes(20).await;
    assert_eq!(world.licenses("hr:7"), ["POWER_BI_PRO"]);
}

#[tokio::test]
async fn service_plans_that_the_policy_turns_off_stay_off() {
    let policy = r#"
        [[packages]]
        name = "quiet"
        rule = 'user.jobTitle -eq "Quiet"'
        licenses = [{ sku = "SPE_E3", disabled_plans = ["57ff2da0-773e-42df-b2af-ffb7a2317929"] }]
    "#;
    let world = Setup::new().and_policy(policy).build();
    let mut facts = joiner("Ada", "Lovelace", "Nowhere", "2026-02-02");
    facts["org.job.title"] = json!("Quiet");
    world.hear("7", &facts).await;
    world.run_for_minutes(5).await;
    let off = |world: &World| world.account("hr:7")["assignedLicenses"][0]["disabledPlans"].clone();
    assert_eq!(off(&world), json!(["57ff2da0-773e-42df-b2af-ffb7a2317929"]));
    // Two packages give what either of them gives.
    world.hear("7", &json!({"org.department.name": "Sales"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(off(&world), json!([]));
}
