//! A tenant that was there before us: whose account is whose, and nobody's by name.

use accounts::matching::Answer;
use domain::ledger::Origin;
use domain::ports::Mode;
use serde_json::{Value, json};

use crate::world::tenant::{ANCHOR, difference};
use crate::world::{Losses, Setup, Trouble, World, joiner};

const ADA: &str = "20000000-0000-0000-0000-000000000010";
const TWIN: &str = "20000000-0000-0000-0000-000000000011";
const BY_HAND: &str = "10000000-0000-0000-0000-000000000009";
const EVERYONE: &str = "10000000-0000-0000-0000-000000000001";
const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";

/// An account that was there, with a license and a group of its own.
fn ada() -> Value {
    json!({
        "id": ADA, "userPrincipalName": "ada.l@contoso.example", "displayName": "Ada Lovelace", "employeeId": "1007",
        "mail": "ada.l@contoso.example", "usageLocation": "NL", "accountEnabled": true,
        "assignedLicenses": [{"skuId": E3, "disabledPlans": []}],
    })
}

fn member_of(seed: &mut Value, group: &str, user: &str) {
    let groups = seed["groups"].as_array_mut().unwrap();
    let group = groups.iter_mut().find(|known| known["id"] == group).unwrap();
    group["members"] = json!([user]);
}

fn brownfield() -> Setup {
    Setup::new().and_user(ada()).with_seed(|seed| {
        member_of(seed, BY_HAND, ADA);
        member_of(seed, EVERYONE, ADA);
    })
}

/// What HR says of Ada, who has worked here for long.
fn record(department: &str) -> Value {
    let mut facts = joiner("Ada", "Lovelace", department, "2020-02-03");
    facts["worker.employee_number"] = json!("1007");
    facts
}

/// A namesake with another number, who would be called as Ada is.
fn other(department: &str) -> Value {
    let mut facts = record(department);
    facts["worker.employee_number"] = json!("1008");
    facts["contact.proposed_user_name"] = json!("ada.l");
    facts
}

async fn asked(world: &World) {
    world.hear("7", &record("Sales")).await;
    world.run_for_minutes(30).await;
}

#[tokio::test]
async fn nothing_is_made_while_an_account_may_be_somebodys_and_a_confirmation_binds_it_as_it_is() {
    let world = brownfield().build();
    asked(&world).await;
    assert!(world.written().is_empty(), "{:?}", world.written());
    let tasks = world.tasks("hr:7").await;
    let [task] = tasks.as_slice() else { panic!("{tasks:?}") };
    for part in [
        "match an existing account",
        "one account",
        ADA,
        "same employeeId",
        "joinery match confirm hr:7",
        "joinery match reject hr:7",
    ] {
        assert!(task.contains(part), "{part}: {task}");
    }
    assert_eq!(world.confirm("hr:7", ADA, false).await, Answer::Recorded);
    world.run_for_minutes(10).await;
    let account = world.account("hr:7");
    assert_eq!(
        (&account["id"], &account["department"], &account["accountEnabled"]),
        (&json!(ADA), &json!("Sales"), &json!(true))
    );
    assert_eq!(world.groups("hr:7"), ["By hand", "Everyone", "Sales"]);
    assert_eq!(world.licenses("hr:7"), ["SPE_E3"]);
    assert!(
        !world.written().iter().any(|(line, _)| line == "POST /users" || line.ends_with("assignLicense")),
        "{:?}",
        world.written()
    );
    let person = world.person("hr:7").await;
    let origins: Vec<_> = person.grants.values().map(|grant| (grant.target.to_string(), grant.origin)).collect();
    let sales = "group:10000000-0000-0000-0000-000000000002".to_owned();
    assert_eq!(
        origins,
        [
            (format!("group:{EVERYONE}"), Origin::PreExisting),
            (sales, Origin::Ours),
            (format!("license:{E3}"), Origin::PreExisting)
        ]
    );
    assert_eq!(world.tasks("hr:7").await, Vec::<String>::new());
    // What was there before is not ours to take when the job changes.
    world.hear("7", &json!({"org.department.name": "Law"})).await;
    world.run_for_minutes(10).await;
    assert_eq!(
        (world.groups("hr:7"), world.licenses("hr:7")),
        (vec!["By hand".to_owned(), "Everyone".to_owned()], vec!["SPE_E3"])
    );
    // And when somebody who was confirmed leaves, they are cut like anybody else.
    world.hear("7", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], false);
    assert_eq!((world.groups("hr:7"), world.licenses("hr:7")), (vec![], vec![]));
    assert_eq!((world.failures(), world.pages()), (vec![], vec![]));
}

#[tokio::test]
async fn an_account_that_is_rejected_is_left_alone_and_another_one_is_made() {
    let world = brownfield().build();
    asked(&world).await;
    let before = world.object(ADA);
    assert_eq!(world.reject("hr:7", ADA).await, Answer::Recorded);
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:7")["userPrincipalName"], "ada.lovelace@contoso.example");
    assert_eq!(world.object(ADA), before);
    let refused = world.confirm("hr:7", ADA, true).await;
    assert!(matches!(&refused, Answer::Refused(why) if why.contains("hr:7 has account")), "{refused:?}");
}

#[tokio::test]
async fn every_evidence_counts_living_or_deleted_and_a_name_never() {
    let user = |extra: Value| {
        let mut user = json!({"id": TWIN, "userPrincipalName": "al@contoso.example", "displayName": "Ada Lovelace", "givenName": "Ada", "surname": "Lovelace"});
        user.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        user
    };
    let mut facts = record("Sales");
    facts["contact.work_email"] = json!("Ada.L@contoso.example");
    facts["contact.proposed_user_name"] = json!("adal");
    let cases = [
        (json!({}), None),
        (json!({"employeeId": "1007"}), Some("employeeId")),
        (json!({"mail": "ada.l@contoso.example"}), Some("mail")),
        (json!({"proxyAddresses": ["smtp:ada.l@contoso.example"]}), Some("mail")),
        (json!({"userPrincipalName": "adal@contoso.example"}), Some("userPrincipalName")),
        (json!({"userPrincipalName": "ada.l@contoso.example"}), Some("userPrincipalName")),
        (json!({"employeeId": "1007", ANCHOR: "hr:8"}), Some("marked as hr:8")),
    ];
    for (extra, expected) in cases {
        for deleted in [false, true] {
            // A deleted account without a mailbox is not found by its name: Graph keeps it behind other digits.
            if deleted && extra.get("userPrincipalName").is_some() {
                continue;
            }
            let mut user = user(extra.clone());
            let setup = if deleted {
                user["deletedDateTime"] = json!("2026-02-20T08:00:00Z");
                Setup::new().with_seed(|seed| seed["deletedItems"].as_array_mut().unwrap().push(user))
            } else {
                Setup::new().and_user(user)
            };
            let world = setup.build();
            world.hear("7", &facts).await;
            world.run_for_minutes(5).await;
            let tasks = world.tasks("hr:7").await;
            match expected {
                Some(expected) => {
                    assert!(
                        tasks.len() == 1 && tasks[0].contains(expected) && tasks[0].contains(TWIN),
                        "{extra} {deleted}: {tasks:?}"
                    );
                    assert_eq!(tasks[0].contains("; deleted member"), deleted);
                    assert!(world.written().is_empty());
                }
                None => assert_eq!(world.accounts("hr:7").len(), 1, "{tasks:?}"),
            }
        }
    }
}

#[tokio::test]
async fn the_policy_may_let_the_number_bind_but_of_two_accounts_a_human_must_choose() {
    let policy = "enable_at = \"06:00\"";
    let by_number = || brownfield().with_policy(policy, &format!("{policy}\nmatch = \"employee_id\""));
    let world = by_number().build();
    asked(&world).await;
    assert_eq!(world.account("hr:7")["id"], ADA);
    assert_eq!(world.tasks("hr:7").await, Vec::<String>::new());

    let world = by_number()
        .and_user(
            json!({"id": TWIN, "userPrincipalName": "al@contoso.example", "displayName": "Al", "employeeId": "1007"}),
        )
        .build();
    asked(&world).await;
    let tasks = world.tasks("hr:7").await;
    assert!(
        tasks.len() == 1 && tasks[0].contains("2 accounts") && tasks[0].contains(ADA) && tasks[0].contains(TWIN),
        "{tasks:?}"
    );
    assert_eq!(world.candidates("hr:7").await.len(), 2);
    assert!(world.written().is_empty());
    world.reject("hr:7", TWIN).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:7")["id"], ADA, "the only one that is left");
}

#[tokio::test]
async fn an_account_of_somebody_else_is_refused_and_one_with_power_wants_to_be_insisted_on() {
    let admin = "20000000-0000-0000-0000-000000000001";
    let sven = "20000000-0000-0000-0000-000000000003";
    let world = brownfield().build();
    asked(&world).await;
    world.hear("90", &joiner("Sven", "Synced", "Engineering", "2026-02-02")).await;
    world.run_for_minutes(5).await;
    let check = |answer: Answer, words: &str| match answer {
        Answer::Refused(why) => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    };
    check(world.confirm("hr:7", sven, true).await, "carries the mark of hr:90");
    check(world.confirm("hr:7", "20000000-0000-0000-0000-0000000000ff", true).await, "no account");
    world.hear("8", &other("Law")).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.confirm("hr:7", ADA, false).await, Answer::Recorded);
    world.run_for_minutes(5).await;
    check(world.confirm("hr:8", ADA, true).await, "hr:7");
    let Answer::Insist(warnings) = world.confirm("hr:8", admin, false).await else { panic!("bound an administrator") };
    assert!(warnings.len() == 1 && warnings[0].contains("administrator"), "{warnings:?}");
    assert_eq!(world.confirm("hr:8", admin, true).await, Answer::Recorded);
}

#[tokio::test]
async fn two_records_that_claim_one_account_at_once_do_not_both_get_it() {
    let world = brownfield().build();
    world.hear("7", &record("Sales")).await;
    world.hear("8", &other("Sales")).await;
    world.run_for_minutes(5).await;
    for person in ["hr:7", "hr:8"] {
        assert_eq!(world.confirm(person, ADA, false).await, Answer::Recorded);
    }
    world.run_together(4, world.now() + jiff::SignedDuration::from_mins(10)).await;
    let mut bound = Vec::new();
    for person in ["hr:7", "hr:8"] {
        bound.extend(world.person(person).await.head.account.object_id);
    }
    assert_eq!(bound.len(), 1);
    assert_eq!(world.accounts("hr:7").len() + world.accounts("hr:8").len(), 1);
}

#[tokio::test]
async fn a_wrongly_numbered_ceo_is_not_locked_out_by_somebody_elses_dismissal() {
    let policy = "enable_at = \"06:00\"";
    let world = brownfield().with_policy(policy, &format!("{policy}\nmatch = \"employee_id\"")).build();
    asked(&world).await;
    world.hear("7", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(120).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], true);
    assert_eq!((world.groups("hr:7").len(), world.licenses("hr:7").len()), (3, 1));
    let pages = world.pages();
    let [page] = pages.as_slice() else { panic!("{pages:?}") };
    assert!(page.text.contains("joinery match confirm hr:7"), "{}", page.text);
    assert!(
        matches!(world.confirm("hr:7", ADA, false).await, Answer::Insist(warnings) if warnings[0].contains("will be cut"))
    );
    assert_eq!(world.confirm("hr:7", ADA, true).await, Answer::Recorded);
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:7")["accountEnabled"], false);
    assert_eq!((world.groups("hr:7"), world.licenses("hr:7")), (vec![], vec![]));
}

#[tokio::test]
async fn a_leaver_who_was_never_matched_is_left_alone_until_somebody_insists() {
    let world = brownfield().build();
    let mut facts = record("Sales");
    facts["termination.immediate"] = json!(true);
    world.hear("7", &facts).await;
    world.run_for_minutes(60).await;
    assert!(world.written().is_empty());
    assert_eq!(world.candidates("hr:7").await.len(), 1, "they are shown all the same");
    assert!(matches!(world.confirm("hr:7", ADA, false).await, Answer::Insist(_)));
    assert_eq!(world.confirm("hr:7", ADA, true).await, Answer::Recorded);
    world.run_for_minutes(10).await;
    assert_eq!(world.object(ADA)["accountEnabled"], false);
}

#[tokio::test]
async fn observing_a_confirmation_is_only_noted_and_enforcing_carries_it_out() {
    let world = brownfield().build();
    world.store.set_mode(Mode::Observe).unwrap();
    asked(&world).await;
    assert_eq!(world.candidates("hr:7").await.len(), 1);
    assert_eq!(world.confirm("hr:7", ADA, false).await, Answer::Recorded);
    world.run_for_minutes(60).await;
    assert!(world.written().is_empty());
    assert!(world.person("hr:7").await.head.account.object_id.is_none());
    world.store.set_mode(Mode::Enforce).unwrap();
    world.store.wake_all(world.now()).unwrap();
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:7")["id"], ADA);
}

#[tokio::test]
async fn m03_a_synchronized_account_is_bound_without_our_mark_which_is_a_humans_task() {
    let world = brownfield().with_seed(|seed| {
        let users = seed["users"].as_array_mut().unwrap();
        let ada = users.iter_mut().find(|user| user["id"] == ADA).unwrap();
        ada["onPremisesSyncEnabled"] = json!(true);
        ada["onPremisesImmutableId"] = json!("YWRh");
    });
    let world = world.build();
    asked(&world).await;
    assert_eq!(world.confirm("hr:7", ADA, false).await, Answer::Recorded);
    world.run_for_minutes(10).await;
    assert_eq!(world.person("hr:7").await.head.account.object_id.map(|id| id.to_string()).as_deref(), Some(ADA));
    assert!(world.calls().iter().all(|call| call["method"] != "PATCH"), "{:?}", world.written());
    assert!(world.tasks("hr:7").await.iter().any(|task| task.contains("mark a synchronized account")));
    world.control(&format!("objects/{ADA}"), &json!({ANCHOR: "hr:7"}));
    world.run_for_minutes(65).await;
    assert!(!world.tasks("hr:7").await.iter().any(|task| task.contains("mark a synchronized account")));
}

/// Matching from the confirmation on, under some trouble; what is different from the undisturbed end.
async fn confirmed(from: &World, trouble: Trouble, expected: Option<&Value>) -> (Value, usize, usize) {
    let mut world = from.fork(trouble);
    let until = world.now() + jiff::SignedDuration::from_mins(20);
    let said = std::sync::atomic::AtomicBool::new(false);
    let story = Box::pin(async {
        while world.confirm("hr:7", ADA, false).await != Answer::Recorded {}
        said.store(true, std::sync::atomic::Ordering::Relaxed);
        world.run_until(until).await;
    });
    let survived = world.survive(story).await;
    assert_eq!(survived, trouble.crash_at.is_none(), "{trouble:?}");
    let (writes, calls) = (world.writes(), world.calls_made());
    if !survived {
        world = world.restart(Trouble { crash_at: None, ..trouble });
        // Somebody who was not told that it is recorded says it again.
        let bound = world.person("hr:7").await.head.account.object_id.is_some();
        if !said.load(std::sync::atomic::Ordering::Relaxed) && !bound {
            world.confirm("hr:7", ADA, false).await;
        }
        Box::pin(world.run_until(until)).await;
    }
    let end = json!({"tenant": world.tenant(), "books": world.books().await});
    if let Some(expected) = expected {
        let wrong = difference(expected, &end);
        assert!(wrong.is_empty() && world.wrongs().is_empty(), "{trouble:?}: {wrong:#?}\n{}", world.dump().await);
        assert_eq!((world.failures(), world.pages()), (vec![], vec![]), "{trouble:?}");
    }
    (end, writes, calls)
}

#[tokio::test]
async fn binding_ends_the_same_wherever_it_dies_and_whatever_answer_is_lost() {
    let world = brownfield().build();
    asked(&world).await;
    let (expected, writes, calls) = confirmed(&world, Trouble::default(), None).await;
    assert_eq!(expected["books"]["hr:7"]["bound"], true);
    assert!(writes > 15 && calls > 10, "{writes} writes, {calls} calls");
    for at in 1..=writes {
        confirmed(&world, Trouble { crash_at: Some(at), ..Trouble::default() }, Some(&expected)).await;
    }
    // Whoever asks in person hears of a lost answer and asks again; from the third call on it is the functions'.
    for at in 4..=calls {
        confirmed(&world, Trouble { losses: Losses::Of(at), ..Trouble::default() }, Some(&expected)).await;
    }
    confirmed(&world, Trouble { twice: true, ..Trouble::default() }, Some(&expected)).await;
}
