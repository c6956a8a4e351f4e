//! Kinds of people: guests, temporary staff, people without an account, and whoever changes from one to another.

use serde_json::{Value, json};

use crate::world::tenant::difference;
use crate::world::{Losses, Setup, Trouble, World, joiner};

const ADDRESS: &str = "gu.est@elsewhere.example";

/// What HR says of a guest.
fn guest(department: &str, first_day: &str) -> Value {
    let mut facts = joiner("Gu", "Est", department, first_day);
    facts["employment.type"] = json!("external");
    facts["contact.work_email"] = json!(ADDRESS);
    facts
}

fn invitations(world: &World) -> Vec<Value> {
    let calls = world.calls().into_iter();
    calls.filter(|call| call["method"] == "POST" && call["path"] == "/invitations").collect()
}

fn count(world: &World, method: &str, end: &str) -> usize {
    world.written().iter().filter(|(line, _)| line.starts_with(method) && line.ends_with(end)).count()
}

/// The manager works here before the guest comes.
async fn with_manager(setup: Setup) -> World {
    let world = setup.build();
    world.hear("1", &joiner("Mo", "Ver", "Law", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    world
}

async fn invited(department: &str) -> World {
    let world = with_manager(Setup::new()).await;
    let mut facts = guest(department, "2026-02-02");
    facts["org.manager.source_person_id"] = json!("1");
    world.hear("7", &facts).await;
    world.run_for_minutes(10).await;
    world
}

#[tokio::test]
async fn m01_a_guest_is_invited_once_marked_and_put_in_groups_before_anything_is_redeemed() {
    let world = invited("Sales").await;
    let sent = invitations(&world);
    let [invitation] = sent.as_slice() else { panic!("{sent:?}") };
    let body = &invitation["body"];
    assert_eq!(body["inviteRedirectUrl"], "https://myapps.microsoft.com");
    assert_eq!((&body["sendInvitationMessage"], &body["invitedUserDisplayName"]), (&json!(true), &json!("Gu Est")));
    let account = world.account("hr:7");
    assert_eq!((&account["userType"], &account["mail"]), (&json!("Guest"), &json!(ADDRESS)));
    assert_eq!(account["externalUserState"], "PendingAcceptance");
    assert_eq!((&account["department"], &account["usageLocation"]), (&json!("Sales"), &json!("NL")));
    assert!(account["givenName"].is_null(), "a guest's name is their own");
    assert_eq!(account["sponsors"], json!([world.account("hr:1")["id"]]));
    assert_eq!(world.groups("hr:7"), ["Everyone", "Sales"]);
    assert_eq!(world.licenses("hr:7"), ["SPE_E3"], "a direct license is the policy's to give");
    assert_eq!((world.tasks("hr:7").await, world.failures(), world.pages()), (vec![], vec![], vec![]));
    assert_eq!(count(&world, "PATCH", "passwordProfile"), 0);
}

#[tokio::test]
async fn m14_a_guest_joins_no_group_that_carries_licenses() {
    let world = invited("Engineering").await;
    assert_eq!(world.groups("hr:7"), ["Engineering", "Everyone"]);
    assert_eq!(world.licenses("hr:7"), Vec::<&str>::new());
    let tasks = world.tasks("hr:7").await;
    assert!(tasks.len() == 1 && tasks[0].contains("license a guest"), "{tasks:?}");
}

#[tokio::test]
async fn m01_nobody_is_invited_before_the_first_day() {
    let world = with_manager(Setup::new()).await;
    world.hear("7", &guest("Law", "2026-03-09")).await;
    world.run_until("2026-03-09T04:59:00Z".parse().unwrap()).await;
    assert!(invitations(&world).is_empty() && world.accounts("hr:7").is_empty());
    world.run_until("2026-03-09T05:10:00Z".parse().unwrap()).await;
    assert_eq!((invitations(&world).len(), world.account("hr:7")["accountEnabled"].clone()), (1, json!(true)));
}

#[tokio::test]
async fn m01_a_guests_end_cuts_without_a_password_reset_and_deletes_in_the_end() {
    let world = invited("Sales").await;
    let id = world.account("hr:7")["id"].as_str().unwrap().to_owned();
    world.control(&format!("redemptions/{id}"), &json!({}));
    world.hear("7", &json!({"employment.contract_end_date": "2026-03-06"})).await;
    world.run_until("2026-03-06T16:59:00Z".parse().unwrap()).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], true);
    world.run_until("2026-03-06T17:10:00Z".parse().unwrap()).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], false);
    assert_eq!((world.groups("hr:7"), world.licenses("hr:7")), (vec![], vec![]));
    assert_eq!(count(&world, "POST", &format!("/users/{id}/revokeSignInSessions")), 2);
    let calls = world.calls();
    assert!(
        !calls.iter().any(|call| call["path"] == format!("/users/{id}") && !call["body"]["passwordProfile"].is_null())
    );
    // Extended: let in again, without a second invitation.
    world.hear("7", &json!({"employment.contract_end_date": "2026-03-20"})).await;
    world.run_for_minutes(10).await;
    assert_eq!((world.account("hr:7")["accountEnabled"].clone(), world.groups("hr:7").len()), (json!(true), 2));
    world.run_until("2026-04-19T17:10:00Z".parse().unwrap()).await;
    assert_eq!((world.accounts("hr:7").len(), world.deleted_accounts("hr:7").len()), (0, 1));
    assert_eq!((invitations(&world).len(), world.failures(), world.pages()), (1, vec![], vec![]));
}

#[tokio::test]
async fn m04_an_address_that_cannot_be_invited_is_named_and_a_corrected_one_is() {
    let world = with_manager(Setup::new()).await;
    let mut facts = guest("Law", "2026-02-02");
    facts["contact.work_email"] = json!("gu+est@elsewhere.example");
    world.hear("7", &facts).await;
    world.run_for_minutes(10).await;
    let tasks = world.tasks("hr:7").await;
    assert!(tasks.len() == 1 && tasks[0].contains("`contact.work_email`"), "{tasks:?}");
    assert!(!tasks[0].contains("elsewhere"), "a task holds no address");
    assert!(invitations(&world).is_empty());
    world.hear("7", &json!({"contact.work_email": null, "contact.personal_email": ADDRESS})).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:7")["mail"], ADDRESS);
    assert_eq!(world.tasks("hr:7").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_guest_who_was_there_before_us_is_matched_and_not_invited_again() {
    let id = "20000000-0000-0000-0000-000000000010";
    let there = json!({
        "id": id, "userPrincipalName": "gu.est_elsewhere.example#EXT#@contoso.onmicrosoft.com", "displayName": "G.", "mail": ADDRESS,
        "userType": "Guest", "externalUserState": "Accepted", "creationType": "Invitation",
    });
    let world = with_manager(Setup::new().and_user(there)).await;
    world.hear("7", &guest("Sales", "2026-02-02")).await;
    world.run_for_minutes(10).await;
    let tasks = world.tasks("hr:7").await;
    assert!(tasks.len() == 1 && tasks[0].contains(id) && tasks[0].contains("enabled guest"), "{tasks:?}");
    world.confirm("hr:7", id, false).await;
    world.run_for_minutes(10).await;
    assert_eq!((world.account("hr:7")["id"].clone(), world.groups("hr:7").len()), (json!(id), 2));
    assert!(invitations(&world).is_empty());
}

#[tokio::test]
async fn an_address_whose_holder_no_search_shows_is_settled_by_the_tenants_answer() {
    // A member's second mail address: Graph refuses the invitation and names the account.
    let id = "20000000-0000-0000-0000-000000000010";
    let there = json!({"id": id, "userPrincipalName": ADDRESS.replace("elsewhere", "contoso"), "displayName": "G."});
    let world = with_manager(Setup::new().and_user(there)).await;
    world.control(
        "faults",
        &json!([{"match": {"method": "POST", "path": "/invitations"}, "action": "refuse", "status": 400, "code": "BadRequest", "message":
            format!("The invited user already exists in the directory as object ID: {id}. They can use that account to sign in to shared apps and resources.")}]),
    );
    world.hear("7", &guest("Law", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    let tasks = world.tasks("hr:7").await;
    assert!(tasks.len() == 1 && tasks[0].contains(id) && tasks[0].contains("joinery match confirm"), "{tasks:?}");
    assert!(world.person("hr:7").await.head.account.invitation.is_none());
}

#[tokio::test]
async fn m01_a_new_manager_answers_for_the_guest_instead_of_the_old() {
    let world = invited("Law").await;
    world.hear("2", &joiner("Ne", "Wman", "Law", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    world.hear("7", &json!({"org.manager.source_person_id": "2"})).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:7")["sponsors"], json!([world.account("hr:2")["id"]]));
}

#[tokio::test]
async fn m01_temporary_staff_are_cut_at_the_end_of_their_contract_and_an_extension_moves_it() {
    let world = Setup::new().build();
    let mut facts = joiner("Tem", "Porary", "Sales", "2026-02-02");
    facts["employment.type"] = json!("temporary");
    facts["employment.contract_end_date"] = json!("2026-03-06");
    world.hear("7", &facts).await;
    world.run_for_minutes(10).await;
    assert_eq!(
        (world.account("hr:7")["userType"].clone(), world.account("hr:7")["accountEnabled"].clone()),
        (json!("Member"), json!(true))
    );
    world.hear("7", &json!({"employment.contract_end_date": "2026-03-13"})).await;
    world.run_until("2026-03-13T16:59:00Z".parse().unwrap()).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], true);
    world.run_until("2026-03-13T17:10:00Z".parse().unwrap()).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], false);
    assert_eq!((world.groups("hr:7"), world.licenses("hr:7")), (vec![], vec![]));
}

#[tokio::test]
async fn m01_somebody_without_an_account_is_known_is_nobodys_manager_and_gets_one_as_an_employee() {
    let world = Setup::new().build();
    let mut visitor = joiner("Vi", "Sitor", "Sales", "2026-02-02");
    visitor["employment.type"] = json!("visitor");
    visitor["contact.work_email"] = json!("alias.holder@contoso.example");
    world.hear("1", &visitor).await;
    let mut facts = joiner("Lea", "Ver", "Sales", "2026-02-02");
    facts["org.manager.source_person_id"] = json!("1");
    world.hear("7", &facts).await;
    world.run_for_minutes(30).await;
    assert!(world.accounts("hr:1").is_empty());
    assert_eq!(world.person("hr:1").await.head.phase, "active");
    assert_eq!((world.account("hr:7")["manager"].clone(), world.tasks("hr:7").await), (Value::Null, vec![]));
    world.hear("1", &json!({"employment.type": "employee", "contact.work_email": null})).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:1")["accountEnabled"], true);
    world.hear("7", &json!({"org.job.title": "Clerk"})).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:7")["manager"], world.account("hr:1")["id"]);
}

#[tokio::test]
async fn m01_a_contractor_becomes_an_employee_in_the_same_account_and_a_guest_by_a_human() {
    let world = Setup::new().build();
    let mut facts = joiner("Con", "Tractor", "Sales", "2026-02-02");
    facts["employment.type"] = json!("contractor");
    world.hear("7", &facts).await;
    world.run_for_minutes(10).await;
    let id = world.account("hr:7")["id"].clone();
    world.hear("7", &json!({"employment.type": "employee"})).await;
    world.run_for_minutes(10).await;
    assert_eq!((&world.account("hr:7")["id"], &world.account("hr:7")["employeeType"]), (&id, &json!("employee")));
    world.hear("7", &json!({"employment.type": "external", "contact.work_email": ADDRESS})).await;
    world.run_for_minutes(10).await;
    let tasks = world.tasks("hr:7").await;
    assert!(tasks.len() == 1 && tasks[0].contains("make a guest of a member"), "{tasks:?}");
    assert!(invitations(&world).is_empty());
    assert_eq!(
        (world.account("hr:7")["accountEnabled"].clone(), world.groups("hr:7").len()),
        (json!(true), 2),
        "access stays until somebody decides"
    );
    world.hear("7", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], false);
}

/// A guest's first minutes under some trouble; how it ends, and how many writes and calls it took.
async fn first_minutes(from: &World, trouble: Trouble, expected: Option<&Value>) -> (Value, usize, usize) {
    let mut world = from.fork(trouble);
    let event = world.event("7", &guest("Sales", "2026-02-02"));
    let until = world.now() + jiff::SignedDuration::from_mins(20);
    let story = Box::pin(async {
        assert!(world.deliver(&event).await.is_success());
        world.run_until(until).await;
    });
    let survived = world.survive(story).await;
    assert_eq!(survived, trouble.crash_at.is_none(), "{trouble:?}");
    let (writes, calls) = (world.writes(), world.calls_made());
    if !survived {
        world = world.restart(Trouble { crash_at: None, ..trouble });
        world.deliver(&event).await;
        Box::pin(world.run_until(until)).await;
    }
    let end = json!({"tenant": world.tenant(), "books": world.books().await});
    if let Some(expected) = expected {
        let wrong = difference(expected, &end);
        assert!(wrong.is_empty() && world.wrongs().is_empty(), "{trouble:?}: {wrong:#?}\n{}", world.dump().await);
        assert_eq!((world.failures(), world.pages()), (vec![], vec![]), "{trouble:?}");
        assert_eq!(invitations(&world).len(), 1, "{trouble:?}: mailed twice");
    }
    (end, writes, calls)
}

#[tokio::test]
async fn inviting_ends_the_same_wherever_it_dies_and_whatever_answer_is_lost() {
    let world = with_manager(Setup::new()).await;
    let (expected, writes, calls) = first_minutes(&world, Trouble::default(), None).await;
    assert_eq!(expected["books"]["hr:7"]["bound"], true);
    assert!(writes > 20 && calls > 15, "{writes} writes, {calls} calls");
    for at in 1..=writes {
        first_minutes(&world, Trouble { crash_at: Some(at), ..Trouble::default() }, Some(&expected)).await;
    }
    for at in 1..=calls {
        first_minutes(&world, Trouble { losses: Losses::Of(at), ..Trouble::default() }, Some(&expected)).await;
    }
    first_minutes(&world, Trouble { twice: true, ..Trouble::default() }, Some(&expected)).await;
}

#[tokio::test]
async fn a_guest_dismissed_while_the_invitation_is_open_ends_without_access() {
    let from = with_manager(Setup::new()).await;
    let (_, writes, _) = first_minutes(&from, Trouble::default(), None).await;
    // Neighbors differ little; every one is walked where nobody is dismissed.
    for at in (1..=writes).step_by(2) {
        let world = from.fork(Trouble { crash_at: Some(at), ..Trouble::default() });
        let joins = world.event("7", &guest("Sales", "2026-02-02"));
        let until = world.now() + jiff::SignedDuration::from_mins(20);
        let story = Box::pin(async {
            world.deliver(&joins).await;
            world.run_until(until).await;
        });
        assert!(!world.survive(story).await);
        let world = world.restart(Trouble::default());
        world.deliver(&joins).await;
        world.hear("7", &json!({"termination.immediate": true})).await;
        Box::pin(world.run_until(until)).await;
        let snapshot = world.emulator().tenant().snapshot(false);
        let guests = snapshot["users"].as_array().unwrap().iter().filter(|user| user["mail"] == ADDRESS);
        for guest in guests {
            assert_eq!(guest["accountEnabled"], false, "crash {at}: {}", world.dump().await);
        }
        assert_eq!(world.wrongs(), Vec::<String>::new());
    }
}
