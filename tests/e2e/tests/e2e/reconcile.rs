//! Reconciliation: somebody changes the tenant behind our back, and it is found, told and mended; whatever did not drift is left in peace.

mod adversity;
mod stage;

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use domain::ids::{ObjectId, SkuId};
use domain::reconcile::{Kind, Scope};
use reconciler::{Ended, Order};
use stage::{Found, Given, Reconciling, dry, real};

use crate::world::tenant::ANCHOR;
use crate::world::{Setup, Trouble, World, joiner};

const EVERYONE: &str = "10000000-0000-0000-0000-000000000001";
const BI_CARRIER: &str = "10000000-0000-0000-0000-000000000004";
const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
const POWER_BI: &str = "f8a1db68-be16-40ed-86d5-cb42ce701560";
/// One plan, which E3 brings as well.
const INTUNE: &str = "061f9ace-7d42-4136-88ac-31dc755f143f";
const INTUNE_PLAN: &str = "c1ec4a95-1f05-45b3-a911-aa3fa01094f5";
const VISIO: &str = "c5928f49-12ba-48f7-ada3-0d743a3601d5";

/// Nine people whose accounts are as they should be, one of whom has left; and long enough after, so that nothing is young.
async fn company(setup: Setup) -> World {
    let world = setup.build();
    let people = [
        ("1", "Ada", "Sales"),
        ("2", "Ben", "Sales"),
        ("3", "Cleo", "Sales"),
        ("4", "Dirk", "Sales"),
        ("5", "Eva", "Sales"),
        ("6", "Finn", "Sales"),
        ("7", "Gus", "Sales"),
        ("8", "Hal", "Engineering"),
        ("9", "Ivy", "Design"),
    ];
    for (id, given, department) in people {
        world.hear(id, &joiner(given, "Person", department, "2026-02-02")).await;
    }
    world.run_for_minutes(60).await;
    world.hear("4", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(60).await;
    world
}

fn account(world: &World, person: &str) -> String {
    world.account(person)["id"].as_str().unwrap().to_owned()
}

fn patch(world: &World, person: &str, change: &Value) {
    world.by_hand(&Method::PATCH, &format!("/users/{}", account(world, person)), change);
}

fn license(world: &World, person: &str, add: &[&str], remove: &[&str]) {
    let add: Vec<_> = add.iter().map(|sku| json!({"skuId": sku, "disabledPlans": []})).collect();
    let path = format!("/users/{}/assignLicense", account(world, person));
    world.by_hand(&Method::POST, &path, &json!({"addLicenses": add, "removeLicenses": remove}));
}

fn join(world: &World, person: &str, group: &str) {
    let member =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", account(world, person))});
    world.by_hand(&Method::POST, &format!("/groups/{group}/members/$ref"), &member);
}

fn leave(world: &World, person: &str, group: &str) {
    let path = format!("/groups/{group}/members/{}/$ref", account(world, person));
    world.by_hand(&Method::DELETE, &path, &Value::Null);
}

/// Everything that can drift does, but for hr:7.
fn disturb(world: &World) {
    patch(world, "hr:1", &json!({"accountEnabled": false}));
    license(world, "hr:2", &[], &[E3]);
    leave(world, "hr:3", EVERYONE);
    patch(world, "hr:4", &json!({"accountEnabled": true}));
    license(world, "hr:4", &[E3], &[]);
    join(world, "hr:4", EVERYONE);
    patch(world, "hr:5", &json!({ANCHOR: null}));
    world.by_hand(&Method::DELETE, &format!("/users/{}", account(world, "hr:6")), &Value::Null);
    leave(world, "hr:8", BI_CARRIER);
    // Graph refuses it; an on-premises directory may do it all the same.
    world.control(&format!("objects/{}", account(world, "hr:9")), &json!({"usageLocation": null}));
}

fn drift() -> Vec<(Kind, String)> {
    let drift = [
        (Kind::AccountMissing, "hr:6"),
        (Kind::SignInBlocked, "hr:1"),
        (Kind::SignInOpen, "hr:4"),
        (Kind::LocationMissing, "hr:9"),
        (Kind::MarkMissing, "hr:5"),
        (Kind::LicenseMissing, "hr:2"),
        (Kind::LicenseUnwanted, "hr:4"),
        (Kind::MemberMissing, "hr:3"),
        // Whose account is gone is in no group any more.
        (Kind::MemberMissing, "hr:6"),
        (Kind::MemberMissing, "hr:6"),
        (Kind::MemberMissing, "hr:8"),
        (Kind::MemberUnwanted, "hr:4"),
    ];
    drift.into_iter().map(|(kind, person)| (kind, person.to_owned())).collect()
}

#[tokio::test]
async fn m18_where_nothing_drifted_nobody_is_woken() {
    let world = company(Setup::new()).await;
    let reconciling = Reconciling::of(&world, Given { page: 2, ..Given::default() });
    let found = reconciling.run(&real()).await;
    assert_eq!(found.drift(), []);
    assert_eq!(reconciling.woken(), Vec::<String>::new());
}

#[tokio::test]
async fn m18_each_kind_of_drift_is_found_and_mended_and_nobody_else_is_woken() {
    let world = company(Setup::new()).await;
    let before = world.tenant();
    disturb(&world);
    world.pass(SignedDuration::from_mins(10));
    let quiet = world.timeline("hr:7").await;

    let reconciling = Reconciling::of(&world, Given { page: 2, ..Given::default() });
    let found = reconciling.run(&real()).await;
    assert_eq!(found.drift(), drift());
    let mut woken = reconciling.woken();
    woken.sort();
    woken.dedup();
    assert_eq!(woken, ["hr:1", "hr:2", "hr:3", "hr:4", "hr:5", "hr:6", "hr:8", "hr:9"]);

    world.run_for_minutes(60).await;
    let mut difference = crate::world::tenant::difference(&before, &world.tenant());
    // Of the account that was restored: an empty list stands where nothing was.
    difference.retain(|line| !line.ends_with("/proxyAddresses: expected null, got []"));
    assert_eq!(difference, Vec::<String>::new(), "{}", world.dump().await);
    assert_eq!(world.timeline("hr:7").await, quiet);
    assert_eq!(Reconciling::of(&world, Given::default()).run(&real()).await.drift(), [], "mended");
    assert_eq!(world.wrongs(), Vec::<String>::new());
}

#[tokio::test]
async fn m18_a_dry_run_finds_the_same_and_wakes_nobody() {
    let world = company(Setup::new()).await;
    disturb(&world);
    world.pass(SignedDuration::from_mins(10));
    let reconciling = Reconciling::of(&world, Given { page: 3, ..Given::default() });
    let found = reconciling.run(&dry()).await;
    assert_eq!((found.drift(), reconciling.woken()), (drift(), Vec::new()));
    assert_eq!(reconciling.run(&real()).await, found, "a dry run leaves no trace for the real one");
    assert_eq!(reconciling.run(&dry()).await, found);
}

#[tokio::test]
async fn m18_a_run_killed_at_any_of_its_writes_goes_on_and_wakes_everybody_once() {
    let world = company(Setup::new()).await;
    disturb(&world);
    world.pass(SignedDuration::from_mins(10));
    let given = Given { page: 2, ..Given::default() };
    let undisturbed = world.fork(Trouble::default());
    let whole = Reconciling::of(&undisturbed, given.clone());
    let expected = whole.run(&real()).await;
    let (messages, writes) = (queued(&undisturbed), whole.writes());
    assert!(writes > 30, "{writes}");

    for dies_at in 1..=writes {
        let world = world.fork(Trouble::default());
        let killed = Reconciling::of(&world, Given { dies_at: Some(dies_at), ..given.clone() });
        assert!(killed.turn(&real()).await.is_none(), "it dies before write {dies_at}");
        let before = killed.wire.calls.lock().unwrap().len();
        let next = Reconciling::of(&world, given.clone());
        assert_eq!(next.run(&real()).await, expected, "killed before write {dies_at}");
        assert_eq!(queued(&world), messages, "killed before write {dies_at}");
        let (all, after) = (whole.wire.calls.lock().unwrap().len(), next.wire.calls.lock().unwrap().len());
        // It goes on at the page it had not stored; the one on its way beside it is read again too.
        assert!(
            before + after <= all + 4,
            "killed before write {dies_at}: {before} and {after} calls, {all} in one go"
        );
    }
}

/// Whom messages wait for, however they are worked off.
fn queued(world: &World) -> Vec<String> {
    let world = world.fork(Trouble::default());
    let mut people = Vec::new();
    for queue in [domain::message::QueueName::PeopleUrgent, domain::message::QueueName::People] {
        while let Some(delivery) = world.store.receive(queue, 1, std::time::Duration::from_mins(1)).unwrap().pop() {
            people.push(delivery.group);
            assert_eq!(world.store.delete(delivery.receipt).unwrap(), embedded::Settled::Done);
        }
    }
    people.sort();
    people
}

#[tokio::test]
async fn m18_a_run_stops_at_its_deadline_and_the_next_goes_on_there() {
    let world = company(Setup::new()).await;
    disturb(&world);
    world.pass(SignedDuration::from_mins(10));
    let expected = Reconciling::of(&world.fork(Trouble::default()), Given::default()).run(&dry()).await;
    let reconciling = Reconciling::of(&world, Given { page: 2, second_per_look: 1, ..Given::default() });
    let mut turns = 0;
    loop {
        turns += 1;
        let deadline = Some(reconciling.app.clock.now() + SignedDuration::from_secs(12));
        match reconciling.turn(&Order { deadline, ..dry() }).await.unwrap().unwrap() {
            Ended::Whole => break,
            Ended::CutOff => assert!(turns < 50, "it never ends"),
        }
    }
    assert!(turns > 3, "{turns}");
    assert_eq!(Found::of(&world.store, dry().name).await, expected);
    let calls = reconciling.wire.calls.lock().unwrap();
    let first_pages = calls.iter().filter(|call| call.contains("/users?") && call.contains("$select")).count();
    assert_eq!(first_pages, 1, "the users are begun once: {calls:#?}");
}

#[tokio::test]
async fn m18_only_what_is_asked_for_is_compared() {
    let world = company(Setup::new()).await;
    disturb(&world);
    world.pass(SignedDuration::from_mins(10));
    for scope in Scope::ALL {
        let reconciling = Reconciling::of(&world, Given::default());
        let found = reconciling.run(&Order { scopes: [scope].into(), ..dry() }).await;
        let of_scope = |kind: &Kind| match scope {
            Scope::Accounts => *kind <= Kind::MarkMissing,
            Scope::Licenses => (Kind::LicenseMissing..=Kind::LicenseStuck).contains(kind) || *kind == Kind::SeatFree,
            Scope::Groups => [Kind::MemberMissing, Kind::MemberUnwanted].contains(kind),
            Scope::Hr => false,
        };
        let expected: Vec<_> = drift().into_iter().filter(|(kind, _)| of_scope(kind)).collect();
        assert_eq!(found.drift(), expected, "{scope:?}");
        assert_eq!(found.of_kind(Kind::NotReadable).len(), if scope == Scope::Hr { 2 } else { 0 });
    }
}

#[tokio::test]
async fn m13_whoever_waits_is_woken_as_soon_as_reconciliation_sees_the_seat() {
    let world = company(Setup::new()).await;
    world.hear("10", &joiner("Jo", "Person", "Design", "2026-02-02")).await;
    world.hear("11", &joiner("Kim", "Person", "Design", "2026-02-02")).await;
    world.run_for_minutes(60).await;
    assert_eq!(Reconciling::of(&world, Given::default()).run(&real()).await.drift(), [], "no seat, nobody woken");
    world.control("seats", &json!({ VISIO: 2 }));
    let reconciling = Reconciling::of(&world, Given::default());
    let found = reconciling.run(&real()).await;
    assert_eq!(found.drift(), [(Kind::SeatFree, "hr:10".to_owned())], "one seat, one person: the first");
    world.run_for_minutes(1).await;
    assert_eq!((world.licenses("hr:10"), world.licenses("hr:11")), (vec!["VISIOCLIENT"], vec![]));
}

#[tokio::test]
async fn m16_accounts_without_a_license_and_licenses_without_a_use_are_found() {
    let world = company(Setup::new()).await;
    let unlicensed = ["admin@contoso.onmicrosoft.com", "mara.moss", "sven.synced", "alias.holder"];
    // A guest needs none; somebody blocked can do nothing anyway.
    license(&world, "hr:9", &[POWER_BI], &[]);
    let mara = "20000000-0000-0000-0000-000000000002";
    let give = json!({"addLicenses": [{"skuId": E3, "disabledPlans": []}], "removeLicenses": []});
    world.by_hand(&Method::POST, &format!("/users/{mara}/assignLicense"), &give);
    world.by_hand(&Method::PATCH, &format!("/users/{mara}"), &json!({"accountEnabled": false}));
    let found = Reconciling::of(&world, Given::default()).run(&dry()).await;

    let without: Vec<_> = found.of_kind(Kind::Unlicensed).iter().map(|finding| finding.account.clone()).collect();
    assert_eq!(without.len(), unlicensed.len() - 1, "{found:#?}");
    assert!(without.iter().flatten().all(|id| id.as_str().starts_with("20000000") && id.as_str() != mara));
    let idle: Vec<_> = found.of_kind(Kind::LicensedDisabled).iter().map(|finding| finding.account.clone()).collect();
    assert_eq!(idle, [Some(mara.parse().unwrap())]);
    let unmanaged = found.of_kind(Kind::Unmanaged);
    let mut unmanaged: Vec<_> =
        unmanaged.iter().map(|finding| (finding.person.is_some(), finding.sku.as_ref().unwrap().as_str())).collect();
    unmanaged.sort_unstable();
    assert_eq!(unmanaged, [(false, E3), (true, POWER_BI)]);
}

#[tokio::test]
async fn m16_whoever_did_not_sign_in_for_long_is_found_and_sign_ins_are_read_only_if_the_policy_asks() {
    let world = company(Setup::new()).await;
    let asked = Given { policy: "[reconcile]\ninactive_days = 30\n".into(), ..Given::default() };
    world.pass(SignedDuration::from_hours(24 * 31));
    world.control(&format!("sign-ins/{}", account(&world, "hr:1")), &json!({}));
    let reconciling = Reconciling::of(&world, asked);
    let found = reconciling.run(&dry()).await;
    let idle = found.of_kind(Kind::Inactive);
    let idle: Vec<_> = idle.iter().filter_map(|finding| finding.person.as_ref().map(ToString::to_string)).collect();
    assert_eq!(idle, ["hr:2", "hr:3", "hr:5", "hr:6", "hr:7", "hr:8", "hr:9"], "{found:#?}");
    assert!(reconciling.wire.calls.lock().unwrap().iter().any(|call| call.contains("signInActivity")));

    let unasked = Reconciling::of(&world, Given::default());
    assert_eq!(unasked.run(&dry()).await.of_kind(Kind::Inactive), Vec::<&domain::reconcile::Finding>::new());
    assert!(unasked.wire.calls.lock().unwrap().iter().all(|call| !call.contains("signInActivity")));
}

#[tokio::test]
async fn m16_a_product_that_another_one_brings_whole_is_found_unless_that_has_it_off() {
    let owned = json!({"skuPartNumber": "INTUNE_A", "skuId": INTUNE, "prepaidUnits": {"enabled": 10}});
    let setup = Setup::new().with_seed(|seed| seed["subscribedSkus"].as_array_mut().unwrap().push(owned));
    let world = company(setup).await;
    license(&world, "hr:1", &[INTUNE], &[]);
    license(&world, "hr:9", &[INTUNE], &[]);
    let off = json!({"addLicenses": [{"skuId": E3, "disabledPlans": [INTUNE_PLAN]}, {"skuId": INTUNE, "disabledPlans": []}], "removeLicenses": []});
    world.by_hand(&Method::POST, &format!("/users/{}/assignLicense", account(&world, "hr:2")), &off);
    let found = Reconciling::of(&world, Given::default()).run(&dry()).await;

    let whose = |kind| -> Vec<_> {
        let found = found.of_kind(kind).into_iter();
        found
            .map(|finding| (finding.person.as_ref().unwrap().to_string(), finding.sku.as_ref().unwrap().to_string()))
            .collect()
    };
    assert_eq!(whose(Kind::Overlap), [("hr:1".to_owned(), INTUNE.to_owned())], "{found:#?}");
    assert_eq!(found.of_kind(Kind::Overlap)[0].detail.as_deref(), Some("all of it is in SPE_E3"));
    let unmanaged = ["hr:1", "hr:2", "hr:9"].map(|person| (person.to_owned(), INTUNE.to_owned()));
    assert_eq!(whose(Kind::Unmanaged), unmanaged);
}

#[tokio::test]
async fn m16_licenses_in_error_are_found_by_what_is_wrong_with_them() {
    let errors = [
        "CountViolation",
        "MutuallyExclusiveViolation",
        "DependencyViolation",
        "ProhibitedInUsageLocationViolation",
        "UniquenessViolation",
        "Other",
    ];
    let mut setup = Setup::new();
    for (number, error) in errors.iter().enumerate() {
        setup = setup.and_user(json!({
            "id": format!("20000000-0000-0000-0000-00000000010{number}"), "displayName": "Somebody", "usageLocation": "NL",
            "userPrincipalName": format!("somebody.{number}@contoso.example"),
            "licenseAssignmentStates": [{"skuId": POWER_BI, "assignedByGroup": BI_CARRIER, "state": "Error", "error": error}],
        }));
    }
    let world = setup.build();
    let found = Reconciling::of(&world, Given { page: 2, ..Given::default() }).run(&real()).await;
    let told = found.of_kind(Kind::LicenseError).into_iter().map(|finding| {
        let id = |id: Option<&str>| id.unwrap().to_owned();
        let account = id(finding.account.as_ref().map(ObjectId::as_str));
        let group = id(finding.group.as_ref().map(ObjectId::as_str));
        (account, id(finding.sku.as_ref().map(SkuId::as_str)), group, id(finding.detail.as_deref()))
    });
    let told: Vec<_> = told.collect();
    let expected = errors.iter().enumerate().map(|(number, error)| {
        let account = format!("20000000-0000-0000-0000-00000000010{number}");
        (account, POWER_BI.to_owned(), BI_CARRIER.to_owned(), (*error).to_owned())
    });
    assert_eq!(told, expected.collect::<Vec<_>>());
    assert_eq!(found.drift(), [], "nobody whom HR knows");
    assert_eq!(found.of_kind(Kind::Unmanaged), Vec::<&domain::reconcile::Finding>::new(), "the group is ours");
}
