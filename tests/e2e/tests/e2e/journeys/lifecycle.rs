//! Joiners, movers, leavers and those who come back.

use domain::message::QueueName;
use domain::ports::Vault;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{count, employ, position};
use crate::world::{Setup, hr, joiner};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn m17_a_joiner_is_made_disabled_a_fortnight_ahead_and_enabled_on_the_first_morning() {
    let world = Setup::new().build();
    let mut facts = joiner("Ada", "Lovelace", "Sales", "2026-04-01");
    facts["worker.employee_number"] = json!("1007");
    facts["org.manager.work_email"] = json!("mara.moss@contoso.example");
    world.hear("7", &facts).await;

    // 18 March begins an hour before UTC's.
    world.run_until(at("2026-03-17T22:59:59Z")).await;
    assert!(world.accounts("hr:7").is_empty());
    world.run_until(at("2026-03-17T23:05:00Z")).await;
    let account = world.account("hr:7");
    assert_eq!(account["userPrincipalName"], "ada.lovelace@contoso.example");
    assert_eq!(account["accountEnabled"], false);
    assert_eq!(account["usageLocation"], "NL");
    assert_eq!(account["employeeId"], "1007");
    assert_eq!(account["manager"], "20000000-0000-0000-0000-000000000002");
    assert_eq!(world.licenses("hr:7"), ["SPE_E3"]);
    assert_eq!(world.groups("hr:7"), ["Sales"]);

    // Summer time has begun on 29 March.
    world.run_until(at("2026-04-01T03:59:59Z")).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], false);
    world.run_until(at("2026-04-01T04:05:00Z")).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], true);
    assert_eq!(world.groups("hr:7"), ["Everyone", "Sales"]);
    assert_eq!((world.failures(), world.pages()), (vec![], vec![]));
}

#[tokio::test]
async fn m06_the_first_password_is_sealed_and_known_to_the_roster_by_reference_only() {
    let world = Setup::new().build();
    employ(&world, "7", "Ada", "Lovelace", "Sales").await;
    let person = world.person("hr:7").await;
    let reference = person.head.account.credential.clone().unwrap();
    let password = world.store.peek(&reference).await.unwrap().expect("a sealed password");
    assert!(password.len() >= 12);
    assert!(!format!("{person:?}{}{}", world.dump().await, world.tenant()).contains(&password));
    let create = world.calls().into_iter().find(|call| call["method"] == "POST" && call["path"] == "/users").unwrap();
    assert_eq!(create["body"]["passwordProfile"]["forceChangePasswordNextSignIn"], true);
    assert_eq!(create["body"]["accountEnabled"], false);
}

#[tokio::test]
async fn m17_a_mover_changes_groups_and_licenses_with_the_department() {
    let world = Setup::new().build();
    employ(&world, "7", "Ada", "Lovelace", "Sales").await;
    world.hear("7", &json!({"org.department.name": "Engineering", "org.job.title": "Engineer"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.account("hr:7")["jobTitle"], "Engineer");
    assert_eq!(world.groups("hr:7"), ["Engineering", "Everyone", "Power BI licenses"]);
    assert_eq!(world.licenses("hr:7"), ["POWER_BI_PRO"]);
}

#[tokio::test]
async fn a_change_that_holds_from_next_week_waits_until_then_and_moves_nothing_before() {
    let world = Setup::new().build();
    employ(&world, "7", "Ada", "Lovelace", "Sales").await;
    let from = json!({"org.department.name": "Engineering", "effective.date": "2026-03-09"});
    world.hear("7", &from).await;
    world.run_until(at("2026-03-08T22:59:00Z")).await;
    assert_eq!(world.groups("hr:7"), ["Everyone", "Sales"]);
    world.run_until(at("2026-03-08T23:05:00Z")).await;
    assert_eq!(world.groups("hr:7"), ["Engineering", "Everyone", "Power BI licenses"]);
}

#[tokio::test]
async fn m17_a_leaver_is_cut_on_the_last_evening_twice_over_and_deleted_a_month_later() {
    let world = Setup::new()
        .with_seed(|seed| {
            let phone = json!([{"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "phoneType": "mobile"}]);
            seed["users"].as_array_mut().unwrap().push(json!({
                "id": "20000000-0000-0000-0000-000000000010", "userPrincipalName": "lea.ver@contoso.example",
                "accountEnabled": true, "usageLocation": "NL", "authenticationMethods": phone,
                "extension_0123456789abcdef0123456789abcdef_joineryPerson": "hr:7",
            }));
        })
        .build();
    employ(&world, "7", "Lea", "Ver", "Sales").await;
    world.hear("7", &json!({"termination.last_working_day": "2026-03-06"})).await;
    world.run_until(at("2026-03-06T16:59:59Z")).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], true);
    let before = world.written().len();

    world.run_until(at("2026-03-06T17:01:00Z")).await;
    let account = world.account("hr:7");
    assert_eq!(account["accountEnabled"], false);
    assert_eq!(account["signInSessionsValidFromDateTime"], "2026-03-06T17:00:00Z");
    assert_eq!(account["authenticationMethods"], json!([]));
    assert_eq!((world.groups("hr:7"), world.licenses("hr:7")), (vec![], vec![]));
    let cut: Vec<_> = world.written()[before..].iter().map(|(line, _)| line.clone()).collect();
    let user = format!("/users/{}", account["id"].as_str().unwrap());
    assert_eq!(
        cut[..2],
        [format!("PATCH {user}"), format!("POST {user}/revokeSignInSessions")],
        "disabled, then revoked"
    );

    // Once more after the longest call that may have been in flight.
    world.run_until(at("2026-03-06T17:10:00Z")).await;
    assert_eq!(count(&world, "POST", "revokeSignInSessions"), 2);
    let story = world.story("hr:7").await;
    assert!(story.contains("block sign-in again: read back"), "{story}");

    world.run_until(at("2026-04-05T16:59:00Z")).await;
    assert_eq!(world.accounts("hr:7").len(), 1);
    world.run_until(at("2026-04-05T17:10:00Z")).await;
    assert_eq!((world.accounts("hr:7").len(), world.deleted_accounts("hr:7").len()), (0, 1));
    assert_eq!((world.failures(), world.pages()), (vec![], vec![]));
}

#[tokio::test]
async fn an_immediate_termination_does_not_wait_behind_a_bulk_import() {
    let world = Setup::new().build();
    employ(&world, "7", "Lea", "Ver", "Sales").await;
    for id in 100..140 {
        world.hear(&id.to_string(), &joiner("Given", &format!("Family{id}"), "Sales", "2026-03-02")).await;
    }
    world.hear("7", &json!({"termination.immediate": true})).await;
    assert_eq!(world.work_one().await, Some(QueueName::PeopleUrgent));
    assert_eq!(world.work_one().await, Some(QueueName::AccountsUrgent));
    assert_eq!(world.account("hr:7")["accountEnabled"], false);
    assert_eq!(world.store.depth(QueueName::People).unwrap(), 40);
}

#[tokio::test]
async fn whoever_comes_back_gets_the_same_account_with_a_new_password() {
    let world = Setup::new().build();
    employ(&world, "7", "Ada", "Lovelace", "Sales").await;
    let first = world.account("hr:7")["id"].clone();
    world.hear("7", &json!({"termination.last_working_day": "2026-03-03"})).await;
    world.run_until(at("2026-04-10T08:00:00Z")).await;
    assert_eq!(world.deleted_accounts("hr:7").len(), 1);
    let generation = world.person("hr:7").await.head.generation;

    world.hear("7", &joiner("Ada", "Lovelace", "Engineering", "2026-04-13")).await;
    world.run_until(at("2026-04-13T04:05:00Z")).await;
    let account = world.account("hr:7");
    assert_eq!((&account["id"], &account["accountEnabled"]), (&first, &json!(true)));
    assert_eq!(world.groups("hr:7"), ["Engineering", "Everyone", "Power BI licenses"]);
    assert_eq!(count(&world, "POST", "/users"), 1);
    let person = world.person("hr:7").await;
    assert!(person.head.generation > generation);
    let reference = person.head.account.credential.expect("a new credential");
    assert!(world.store.peek(&reference).await.unwrap().is_some());
    assert_eq!((world.failures(), world.pages()), (vec![], vec![]));
}

#[tokio::test]
async fn join_leave_and_rejoin_are_three_steps_though_they_say_the_same() {
    let world = Setup::new().build();
    employ(&world, "7", "Ada", "Lovelace", "Sales").await;
    for (day, back) in [("2026-03-03", "2026-03-05"), ("2026-03-10", "2026-03-12")] {
        world.hear("7", &json!({"termination.last_working_day": day})).await;
        world.run_until(at(&format!("{day}T20:00:00Z"))).await;
        assert_eq!((world.groups("hr:7"), world.account("hr:7")["accountEnabled"].clone()), (vec![], json!(false)));
        world.hear("7", &joiner("Ada", "Lovelace", "Sales", back)).await;
        world.run_until(at(&format!("{back}T20:00:00Z"))).await;
        assert_eq!(world.groups("hr:7"), ["Everyone", "Sales"]);
        assert_eq!(world.account("hr:7")["accountEnabled"], true);
        assert_eq!(world.licenses("hr:7"), ["SPE_E3"]);
    }
}

#[tokio::test]
async fn a_delivery_that_comes_again_changes_nothing() {
    let world = Setup::new().build();
    let event = world.hear("7", &joiner("Ada", "Lovelace", "Sales", "2026-02-02")).await;
    world.run_for_minutes(20).await;
    let (tenant, written) = (world.tenant(), world.written().len());
    for _ in 0..3 {
        assert_eq!(world.deliver(&event).await, StatusCode::ACCEPTED);
        world.run_for_minutes(20).await;
    }
    assert_eq!((world.tenant(), world.written().len()), (tenant, written));
}

#[tokio::test]
async fn of_two_events_that_overtake_each_other_the_newer_one_holds() {
    let world = Setup::new().build();
    employ(&world, "7", "Ada", "Lovelace", "Sales").await;
    let older = world.event("7", &json!({"org.department.name": "Design", "org.job.title": "Designer"}));
    world.run_for_minutes(1).await;
    world.hear("7", &json!({"org.department.name": "Engineering"})).await;
    world.deliver(&older).await;
    world.run_for_minutes(5).await;
    let account = world.account("hr:7");
    // What only the older one speaks of still counts.
    assert_eq!((&account["department"], &account["jobTitle"]), (&json!("Engineering"), &json!("Designer")));
}

#[tokio::test]
async fn a_late_event_from_before_the_revoke_gives_nothing_back() {
    let world = Setup::new().build();
    employ(&world, "7", "Ada", "Lovelace", "Sales").await;
    let late = world.event("7", &json!({"employment.status": "active", "org.department.name": "Engineering"}));
    world.run_for_minutes(1).await;
    world.hear("7", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(5).await;
    world.deliver(&late).await;
    world.run_for_minutes(60).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], false);
    assert_eq!((world.groups("hr:7"), world.licenses("hr:7")), (vec![], vec![]));
}

#[tokio::test]
async fn a_badly_signed_request_is_turned_away_and_leaves_no_trace() {
    let world = Setup::new().build();
    let now = world.now();
    let mut request = world.event("7", &joiner("Ada", "Lovelace", "Sales", "2026-02-02")).request(now);
    request.headers_mut().insert("webhook-signature", "v1,AAAA".parse().unwrap());
    assert_eq!(world.knock(&request).await, StatusCode::UNAUTHORIZED);
    let mut request = hr::bamboo(&json!({"employees": [{"id": "7", "fields": {"firstName": "Ada"}}]}), now);
    *request.body_mut() = json!({"employees": [{"id": "8", "fields": {"firstName": "Ada"}}]}).to_string().into();
    assert_eq!(world.knock(&request).await, StatusCode::UNAUTHORIZED);
    assert!(QueueName::ALL.iter().all(|queue| world.store.depth(*queue).unwrap() == 0));
    assert_eq!(world.failures(), vec![]);
}

#[tokio::test]
async fn m17_bamboohr_speaks_and_is_understood_in_its_own_zone() {
    let world = Setup::new().build();
    let say = |fields: Value| {
        let body = json!({"employees": [{"id": "12", "action": "Updated", "fields": fields}]});
        hr::bamboo(&body, world.now())
    };
    let fields = json!({
        "firstName": "Grace", "lastName": "Hopper", "department": "Sales", "hireDate": "2026-03-03",
        "country": "Netherlands", "employmentHistoryStatus": "Full-Time",
    });
    assert_eq!(world.knock(&say(fields)).await, StatusCode::ACCEPTED);
    // Six in the morning in New York.
    world.run_until(at("2026-03-03T10:59:00Z")).await;
    assert_eq!(world.account("bamboo:12")["accountEnabled"], false);
    world.run_until(at("2026-03-03T11:05:00Z")).await;
    assert_eq!(world.account("bamboo:12")["accountEnabled"], true);
    assert_eq!(
        world.knock(&say(json!({"status": "Inactive", "terminationDate": "2026-03-04"}))).await,
        StatusCode::ACCEPTED
    );
    world.run_until(at("2026-03-04T22:59:00Z")).await;
    assert_eq!(world.account("bamboo:12")["accountEnabled"], true);
    world.run_until(at("2026-03-04T23:05:00Z")).await;
    assert_eq!(world.account("bamboo:12")["accountEnabled"], false);
}

#[tokio::test]
async fn m04_a_bad_attribute_blocks_the_person_whole_until_hr_corrects_it() {
    let world = Setup::new().build();
    let mut facts = joiner("Ada", "Lovelace", "Sales", "2026-02-02");
    facts["org.job.title"] = json!("x".repeat(200));
    world.hear("7", &facts).await;
    world.run_for_minutes(5).await;
    assert!(world.accounts("hr:7").is_empty() && world.written().is_empty());
    let story = world.story("hr:7").await;
    assert!(story.contains("`org.job.title` has 200 characters, the directory holds 128"), "{story}");
    assert!(story.contains("shorten it in HR"), "{story}");

    world.hear("7", &json!({"org.job.title": "Clerk"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.account("hr:7")["jobTitle"], "Clerk");
    let person = world.person("hr:7").await;
    assert_eq!(domain::progress::tasks(&person).count(), 0, "{}", world.dump().await);

    // A fault in a change holds back everything in it, and what was there stays.
    world.hear("7", &json!({"org.department.name": "Engineering", "location.city": "x".repeat(200)})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.account("hr:7")["department"], "Sales");
    assert_eq!(world.groups("hr:7"), ["Everyone", "Sales"]);
    world.hear("7", &json!({"location.city": "Delft"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.account("hr:7")["city"], "Delft");
    assert_eq!(world.groups("hr:7"), ["Engineering", "Everyone", "Power BI licenses"]);
}

#[tokio::test]
async fn m01_whoever_gets_no_account_is_recorded_and_placed_all_the_same() {
    let world = Setup::new().build();
    let mut facts = joiner("Vera", "Visitor", "Sales", "2026-02-02");
    facts["employment.type"] = json!("visitor");
    world.hear("7", &facts).await;
    world.run_for_minutes(60).await;
    assert!(world.written().is_empty());
    assert_eq!(world.person("hr:7").await.head.phase, "active");
}

#[tokio::test]
async fn drift_made_by_hand_is_mended_when_the_person_is_looked_at() {
    let world = Setup::new().build();
    employ(&world, "7", "Ada", "Lovelace", "Sales").await;
    let id = world.account("hr:7")["id"].as_str().unwrap().to_owned();
    world.run_for_minutes(30).await;
    world.by_hand(&Method::PATCH, &format!("/users/{id}"), &json!({"jobTitle": "King", "department": "Throne"}));
    let sales = "10000000-0000-0000-0000-000000000002";
    world.by_hand(&Method::DELETE, &format!("/groups/{sales}/members/{id}/$ref"), &Value::Null);
    let enterprise = json!({"addLicenses": [], "removeLicenses": ["05e9a617-0261-4cee-bb44-138d3ef5d965"]});
    world.by_hand(&Method::POST, &format!("/users/{id}/assignLicense"), &enterprise);
    world.hear("7", &json!({"employment.type": "employee"})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.account("hr:7")["department"], "Sales");
    assert_eq!(world.groups("hr:7"), ["Everyone", "Sales"]);
    assert_eq!(world.licenses("hr:7"), ["SPE_E3"]);
}

#[tokio::test]
async fn an_account_enabled_by_hand_after_the_cut_is_cut_again() {
    let world = Setup::new().build();
    employ(&world, "7", "Ada", "Lovelace", "Sales").await;
    world.hear("7", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(10).await;
    let id = world.account("hr:7")["id"].as_str().unwrap().to_owned();
    world.by_hand(&Method::PATCH, &format!("/users/{id}"), &json!({"accountEnabled": true}));
    world.hear("7", &json!({"org.job.title": "Ghost"})).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], false);
    assert!(position(&world, "POST", "revokeSignInSessions") > 0);
}
