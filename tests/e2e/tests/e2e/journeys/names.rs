//! Names and addresses: valid, unique, and never anybody else's.

use serde_json::{Value, json};

use super::{count, employ};
use crate::world::{Losses, Setup, Trouble, World, joiner};

fn name(world: &World, person: &str) -> String {
    world.account(person)["userPrincipalName"].as_str().unwrap().to_owned()
}

/// Characters that a principal name may hold before the `@` (graph-facts 2.3).
fn is_valid(upn: &str) -> bool {
    let Some((local, "contoso.example")) = upn.split_once('@') else { return false };
    let fits = |c: char| c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c);
    !local.is_empty() && local.len() <= 64 && !local.ends_with('.') && local.chars().all(fits)
}

#[tokio::test]
async fn m04_every_name_gives_a_valid_address_and_a_namesake_gets_another_one() {
    let world = Setup::new().build();
    let names = [("Zoë", "Müller-Łukasz"), ("Nguyễn Thị", "Ánh"), ("小明", "王"), ("Seán", "O’Brien")];
    let mut taken = Vec::new();
    for (at, (given, family)) in names.iter().chain(&names).enumerate() {
        let id = format!("{at}");
        world.hear(&id, &joiner(given, family, "Law", "2026-02-02")).await;
        world.run_for_minutes(5).await;
        let upn = name(&world, &format!("hr:{id}"));
        assert!(is_valid(&upn), "{upn}");
        assert!(!taken.contains(&upn), "{upn} was given twice");
        assert_eq!(world.account(&format!("hr:{id}"))["displayName"], format!("{given} {family}"));
        taken.push(upn);
    }
    assert_eq!(taken[0], "zoe.muller-lukasz@contoso.example");
    assert_eq!(world.failures(), vec![]);
}

#[tokio::test]
async fn a_name_that_another_user_an_alias_or_a_group_holds_is_passed_over() {
    let world = Setup::new().build();
    for (id, given, family) in [("1", "Mara", "Moss"), ("2", "Ali", "Taken"), ("3", "Alias", "Holder")] {
        employ(&world, id, given, family, "Law").await;
    }
    assert_eq!(name(&world, "hr:1"), "mara.moss2@contoso.example");
    assert_eq!(name(&world, "hr:2"), "ali.taken2@contoso.example");
    assert_eq!(name(&world, "hr:3"), "alias.holder2@contoso.example");
}

#[tokio::test]
async fn a_name_that_is_taken_between_the_look_and_the_call_is_passed_over() {
    // The holder becomes visible to reads only after our create was refused.
    let world = Setup::new().with_policy("settle_ms = 2000", "settle_ms = 60000").build();
    world.control("latency", &json!({"settle_ms": 60_000, "replicas": 5}));
    let holder = json!({
        "accountEnabled": true, "displayName": "Other Ada", "mailNickname": "other",
        "userPrincipalName": "ada.lovelace@contoso.example", "passwordProfile": {"password": "Xy12!abcdEFG"},
    });
    world.by_hand(&http::Method::POST, "/users", &holder);
    world.hear("7", &joiner("Ada", "Lovelace", "Law", "2026-02-02")).await;
    world.run_for_minutes(20).await;
    assert_eq!(name(&world, "hr:7"), "ada.lovelace2@contoso.example");
    assert_eq!(world.failures(), vec![]);
}

#[tokio::test]
async fn an_account_whose_creation_got_no_answer_is_made_once() {
    let mut calls = 1;
    // Every call of a joiner's first minutes, one run for each.
    loop {
        let trouble = Trouble { losses: Losses::Of(calls), ..Trouble::default() };
        let world = Setup::new().with_trouble(trouble).build();
        world.hear("7", &joiner("Ada", "Lovelace", "Sales", "2026-02-02")).await;
        world.run_for_minutes(60).await;
        assert_eq!(name(&world, "hr:7"), "ada.lovelace@contoso.example");
        assert_eq!(world.account("hr:7")["accountEnabled"], true);
        assert_eq!(world.licenses("hr:7"), ["SPE_E3"]);
        assert_eq!(world.failures(), vec![]);
        let created = world.written().into_iter().filter(|call| *call == ("POST /users".to_owned(), 201)).count();
        assert_eq!(created, 1, "answer {calls} lost");
        if calls > world.calls_made() {
            break;
        }
        calls += 1;
    }
    assert!(calls > 10);
}

#[tokio::test]
async fn an_address_is_never_given_twice_though_its_first_holder_is_long_gone() {
    let world = Setup::new().build();
    employ(&world, "1", "Ada", "Lovelace", "Law").await;
    world.hear("1", &json!({"termination.last_working_day": "2026-03-03"})).await;
    world.run_until("2026-05-20T08:00:00Z".parse().unwrap()).await;
    assert_eq!((world.accounts("hr:1").len(), world.deleted_accounts("hr:1").len()), (0, 0), "purged");
    employ(&world, "2", "Ada", "Lovelace", "Law").await;
    assert_eq!(name(&world, "hr:2"), "ada.lovelace2@contoso.example");
}

#[tokio::test]
async fn an_account_with_the_same_employee_number_is_a_humans_question_and_not_taken_over() {
    let user = json!({
        "id": "20000000-0000-0000-0000-000000000010", "userPrincipalName": "ada.l@contoso.example",
        "displayName": "Ada Lovelace", "employeeId": "1007", "usageLocation": "NL",
    });
    let world = Setup::new().and_user(user).build();
    let mut facts = joiner("Ada", "Lovelace", "Sales", "2026-02-02");
    facts["worker.employee_number"] = json!("1007");
    world.hear("7", &facts).await;
    world.run_for_minutes(30).await;
    assert!(world.written().is_empty() && world.accounts("hr:7").is_empty());
    let story = world.story("hr:7").await;
    assert!(story.contains("match an existing account") && story.contains("same employeeId"), "{story}");
    // The administrator says whose it is.
    let anchor: Value = json!({crate::world::tenant::ANCHOR: "hr:7"});
    world.control("objects/20000000-0000-0000-0000-000000000010", &anchor);
    world.run_for_minutes(90).await;
    assert_eq!(name(&world, "hr:7"), "ada.l@contoso.example");
    assert_eq!((world.licenses("hr:7"), count(&world, "POST", "/users")), (vec!["SPE_E3"], 0));
}
