//! Seats are short: who waits, who is next, and what nobody loses on the way from one product to another.

mod races;

use domain::ports::Lines;
use domain::seats::Line;
use domain::step::StepState;
use http::Method;
use serde_json::{Value, json};

use crate::world::{Setup, World, joiner};

const VISIO: &str = "c5928f49-12ba-48f7-ada3-0d743a3601d5";
const E1: &str = "18181a46-0d4e-45cd-891e-60aabd171b4e";
const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
const BI: &str = "f8a1db68-be16-40ed-86d5-cb42ce701560";
const BI_CARRIER: &str = "10000000-0000-0000-0000-000000000004";
const GUEST: &str = "20000000-0000-0000-0000-000000000009";

/// A tenant with so many seats of Visio.
fn with_seats(seats: usize) -> Setup {
    Setup::new().with_seed(|seed| seed["subscribedSkus"][2]["prepaidUnits"]["enabled"] = json!(seats))
}

async fn designer(world: &World, id: &str, first_day: &str) {
    world.hear(id, &joiner("Given", &format!("Family{id}"), "Design", first_day)).await;
}

fn holds(world: &World, person: &str, sku: &str) -> bool {
    let licenses = world.account(person)["assignedLicenses"].clone();
    licenses.as_array().unwrap().iter().any(|license| license["skuId"] == sku)
}

async fn line(world: &World) -> Line {
    world.store.line(&VISIO.parse().unwrap()).await.unwrap()
}

/// Everybody who waits for Visio, best first.
async fn waiting(world: &World) -> Vec<String> {
    line(world).await.waiting().iter().map(|waiting| waiting.person.to_string()).collect()
}

/// Bodies of the calls that change somebody's direct licenses and were not refused.
fn changes(world: &World) -> Vec<Value> {
    let calls = world.calls().into_iter();
    let changes = calls.filter(|call| {
        call["path"].as_str().unwrap().ends_with("/assignLicense") && call["status"].as_u64().unwrap() < 300
    });
    changes.map(|call| call["body"].clone()).collect()
}

#[tokio::test]
async fn m13_a_purchase_serves_those_who_wait_within_two_minutes_and_their_number_costs_no_reads() {
    let world = with_seats(1).build();
    for id in ["1", "2", "3", "4"] {
        designer(&world, id, "2026-02-02").await;
        world.run_for_minutes(1).await;
    }
    assert_eq!(waiting(&world).await, ["hr:2", "hr:3", "hr:4"]);
    world.run_for_minutes(5).await;
    let reads = |world: &World| world.calls().iter().filter(|call| call["path"] == "/v1.0/subscribedSkus").count();
    let (before, looks) = (reads(&world), 10);
    world.run_for_minutes(looks).await;
    let read = reads(&world) - before;
    assert!(read <= usize::try_from(looks).unwrap() + 1, "{read} reads in {looks} minutes");
    world.control("seats", &json!({VISIO: 3}));
    world.run_for_minutes(2).await;
    assert_eq!(waiting(&world).await, ["hr:4"]);
    assert!(holds(&world, "hr:2", VISIO) && holds(&world, "hr:3", VISIO));
    assert_eq!((world.failures(), world.pages()), (vec![], vec![]));
}

#[tokio::test]
async fn m13_the_line_is_ordered_by_priority_then_first_day_then_arrival() {
    let leads = r#"
        [[packages]]
        name = "leads"
        rule = 'user.jobTitle -eq "Lead"'
        priority = 1
        licenses = [{ sku = "VISIOCLIENT" }]
    "#;
    let world = with_seats(0).and_policy(leads).build();
    for (id, first_day) in [("1", "2026-03-01"), ("2", "2026-02-02"), ("3", "2026-03-01"), ("4", "2026-03-02")] {
        designer(&world, id, first_day).await;
        world.run_for_minutes(1).await;
    }
    world.hear("4", &json!({"org.job.title": "Lead"})).await;
    world.run_for_minutes(1).await;
    assert_eq!(waiting(&world).await, ["hr:4", "hr:2", "hr:1", "hr:3"]);
    for (seats, rest) in [(1, &["hr:2", "hr:1", "hr:3"][..]), (3, &["hr:3"]), (4, &[])] {
        world.control("seats", &json!({VISIO: seats}));
        world.run_for_minutes(2).await;
        assert_eq!(waiting(&world).await, rest);
    }
}

#[tokio::test]
async fn m13_whoever_no_longer_needs_a_seat_or_is_cut_leaves_the_line() {
    let world = with_seats(0).build();
    for id in ["1", "2", "3"] {
        designer(&world, id, "2026-02-02").await;
    }
    world.run_for_minutes(2).await;
    assert_eq!(waiting(&world).await, ["hr:1", "hr:2", "hr:3"]);
    world.hear("1", &json!({"org.department.name": "Nowhere"})).await;
    world.hear("2", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(5).await;
    assert_eq!(waiting(&world).await, ["hr:3"]);
    let step =
        world.person("hr:3").await.steps.into_values().find(|step| matches!(step.state, StepState::Waiting { .. }));
    assert!(matches!(step.unwrap().state, StepState::Waiting { sku: Some(sku), .. } if sku.as_str() == VISIO));
    world.hear("3", &json!({"org.department.name": "Nowhere"})).await;
    world.run_for_minutes(5).await;
    assert_eq!((line(&world).await.waiting().len(), world.store.next_look().await.unwrap()), (0, None));
}

#[tokio::test]
async fn m13_seats_in_grace_are_given_out_and_suspended_ones_are_not() {
    let units = |world: &Setup, units: Value| {
        world.clone().with_seed(|seed| seed["subscribedSkus"][2]["prepaidUnits"] = units).build()
    };
    for (seats, served) in
        [(json!({"enabled": 0, "warning": 1}), true), (json!({"enabled": 0, "suspended": 5, "lockedOut": 5}), false)]
    {
        let world = units(&Setup::new(), seats);
        designer(&world, "1", "2026-02-02").await;
        world.run_for_minutes(3).await;
        assert_eq!(holds(&world, "hr:1", VISIO), served);
    }
}

/// Sales get Office 365 E1, whoever is on the board Microsoft 365 E3. The two exclude each other.
fn with_a_board(seats_of_e3: usize) -> Setup {
    let board = r#"
        [[packages]]
        name = "board"
        rule = 'user.department -eq "Board"'
        licenses = [{ sku = "SPE_E3" }, { sku = "POWER_BI_PRO" }]
    "#;
    Setup::new()
        .with_policy(r#"licenses = [{ sku = "SPE_E3" }]"#, r#"licenses = [{ sku = "STANDARDPACK" }]"#)
        .and_policy(board)
        .with_seed(|seed| {
            seed["subscribedSkus"][0]["prepaidUnits"]["enabled"] = json!(seats_of_e3);
            let e1 = json!({"skuPartNumber": "STANDARDPACK", "prepaidUnits": {"enabled": 10}});
            seed["subscribedSkus"].as_array_mut().unwrap().push(e1);
        })
}

#[tokio::test]
async fn m13_one_product_replaces_another_in_one_call_and_no_mailbox_is_lost_in_between() {
    let world = with_a_board(1).build();
    world.hear("1", &joiner("Ada", "Lovelace", "Sales", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    assert!(holds(&world, "hr:1", E1));
    let before = changes(&world).len();
    world.hear("1", &json!({"org.department.name": "Board"})).await;
    world.run_for_minutes(5).await;
    let changes = changes(&world).split_off(before);
    let [change] = changes.as_slice() else { panic!("{changes:#?}") };
    assert_eq!(change["removeLicenses"], json!([E1]));
    assert_eq!(change["addLicenses"].as_array().unwrap().len(), 2);
    assert!(holds(&world, "hr:1", E3) && holds(&world, "hr:1", BI) && !holds(&world, "hr:1", E1));
    assert_eq!((world.failures(), world.wrongs()), (vec![], vec![]));
}

#[tokio::test]
async fn m13_a_mailbox_stays_while_its_successor_waits_for_a_seat_and_nothing_else_waits_with_it() {
    let world = with_a_board(0).build();
    world.hear("1", &joiner("Ada", "Lovelace", "Sales", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    world.hear("1", &json!({"org.department.name": "Board"})).await;
    world.run_for_minutes(5).await;
    assert!(holds(&world, "hr:1", E1) && holds(&world, "hr:1", BI) && !holds(&world, "hr:1", E3));
    assert!(world.story("hr:1").await.contains("stays until SPE_E3 is there in its place"));
    world.control("seats", &json!({E3: 1}));
    world.run_for_minutes(2).await;
    assert!(!holds(&world, "hr:1", E1) && holds(&world, "hr:1", E3), "{}", world.dump().await);
    let change = changes(&world).pop().unwrap();
    assert_eq!((&change["addLicenses"][0]["skuId"], &change["removeLicenses"]), (&json!(E3), &json!([E1])));
}

#[tokio::test]
async fn a_product_that_is_refused_holds_up_no_other_and_says_what_to_do() {
    let world = with_a_board(5)
        .with_policy(r#"sku = "POWER_BI_PRO" }"#, r#"sku = "POWER_BI_PRO" }, { sku = "STANDARDPACK" }"#)
        .build();
    world.hear("1", &joiner("Ada", "Lovelace", "Board", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    assert!(holds(&world, "hr:1", BI));
    assert!(holds(&world, "hr:1", E1) != holds(&world, "hr:1", E3), "one of the two that exclude each other");
    let story = world.story("hr:1").await;
    assert!(story.contains("excludes one of") && story.contains("`disabled_plans`"), "{story}");
}

#[tokio::test]
async fn m14_group_licensing_is_refused_for_a_group_that_holds_guests_until_they_are_out_of_it() {
    let guest = json!({"id": GUEST, "userPrincipalName": "guest_partner.example#EXT#@contoso.onmicrosoft.com", "displayName": "Guest", "userType": "Guest", "mail": "guest@partner.example"});
    let world = Setup::new().and_user(guest).with_seed(|seed| seed["groups"][3]["members"] = json!([GUEST])).build();
    world.hear("7", &joiner("Ada", "Lovelace", "Engineering", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.groups("hr:7"), ["Engineering", "Everyone"]);
    let story = world.story("hr:7").await;
    assert!(story.contains("take the guests out of it"), "{story}");
    world.by_hand(&Method::DELETE, &format!("/groups/{BI_CARRIER}/members/{GUEST}/$ref"), &Value::Null);
    world.run_for_minutes(61).await;
    assert_eq!(world.groups("hr:7"), ["Engineering", "Everyone", "Power BI licenses"]);
    assert!(holds(&world, "hr:7", BI));
    assert_eq!(domain::progress::tasks(&world.person("hr:7").await).count(), 0);
}

#[tokio::test]
async fn m12_a_direct_copy_of_ours_goes_once_the_group_gives_the_product_too() {
    let both = r#"
        [[packages]]
        name = "analysts"
        rule = 'user.jobTitle -eq "Analyst"'
        licenses = [{ sku = "POWER_BI_PRO" }]
    "#;
    let world = Setup::new().and_policy(both).build();
    let mut facts = joiner("Ada", "Lovelace", "Nowhere", "2026-02-02");
    facts["org.job.title"] = json!("Analyst");
    world.hear("7", &facts).await;
    world.run_for_minutes(5).await;
    let sources = |world: &World| {
        let states = world.account("hr:7")["licenseAssignmentStates"].clone();
        states.as_array().unwrap().iter().map(|state| state["assignedByGroup"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(sources(&world), [Value::Null]);
    world.hear("7", &json!({"org.department.name": "Engineering"})).await;
    world.run_for_minutes(20).await;
    assert_eq!(sources(&world), [json!(BI_CARRIER)], "{}", world.dump().await);
    world.hear("7", &json!({"org.department.name": "Nowhere"})).await;
    world.run_for_minutes(20).await;
    assert_eq!(sources(&world), [Value::Null], "what the group gave is given directly again");
}

#[tokio::test]
async fn m13_an_account_waits_for_its_seats_if_the_policy_says_so_and_a_kept_seat_is_nobody_elses() {
    let reserving = "[seats]\nreserve_before_create = true\n";
    let world = with_seats(1).and_policy(reserving).build();
    // The first day is in the future: the account is made, disabled, and the seat is theirs.
    designer(&world, "1", "2026-03-10").await;
    world.run_for_minutes(3).await;
    assert!(holds(&world, "hr:1", VISIO));
    designer(&world, "2", "2026-03-09").await;
    designer(&world, "3", "2026-03-08").await;
    world.run_for_minutes(3).await;
    assert!(world.accounts("hr:2").is_empty() && world.accounts("hr:3").is_empty());
    assert!(world.story("hr:2").await.contains("the policy keeps seats before it makes accounts"));
    assert_eq!(waiting(&world).await, ["hr:3", "hr:2"]);
    world.control("seats", &json!({VISIO: 2}));
    world.run_for_minutes(3).await;
    assert!(holds(&world, "hr:3", VISIO) && world.accounts("hr:2").is_empty());
    // Whoever no longer needs one is made at once, and waits no more.
    world.hear("2", &json!({"org.department.name": "Nowhere"})).await;
    world.run_for_minutes(3).await;
    assert_eq!((world.accounts("hr:2").len(), waiting(&world).await.len()), (1, 0));
    assert_eq!((world.failures(), world.pages()), (vec![], vec![]));
}
