//! Memberships written together: how few calls it takes, and that nobody pays for it.

use std::collections::BTreeSet;

use domain::message::QueueName;
use serde_json::{Value, json};

use crate::world::tenant::difference;
use crate::world::{Losses, Setup, Trouble, World, give_way, joiner};

const EVERYONE: &str = "10000000-0000-0000-0000-000000000001";
const SALES: &str = "10000000-0000-0000-0000-000000000002";
const BY_HAND: &str = "10000000-0000-0000-0000-000000000009";
const ART: &str = "10000000-0000-0000-0000-0000000000a1";

/// A company where departments `Law` and `Art` have a group each, and `Guild` has both.
fn company() -> Setup {
    let package = |name: &str, groups: &[&str]| {
        let groups: Vec<_> = groups.iter().map(|id| format!("{{ id = \"{id}\" }}")).collect();
        let rule = format!("user.department -eq \"{name}\"");
        format!("[[packages]]\nname = \"{}\"\nrule = '{rule}'\ngroups = [{}]\n", name.to_lowercase(), groups.join(", "))
    };
    let packages = [package("Law", &[BY_HAND]), package("Art", &[ART]), package("Guild", &[BY_HAND, ART])];
    let art = json!({"id": ART, "displayName": "Art", "mailNickname": "art", "mailEnabled": false,
        "securityEnabled": true, "groupTypes": []});
    Setup::new().and_policy(&packages.concat()).with_seed(|seed| seed["groups"].as_array_mut().unwrap().push(art))
}

/// HR says that so many people have begun in a department, the first of them with this number.
async fn join(world: &World, first: usize, count: usize, department: &str) {
    for number in first..first + count {
        let letters = [number / 26, number % 26].map(|at| char::from(b'a' + u8::try_from(at).unwrap()));
        let given: String = "Jo".chars().chain(letters).collect();
        world.hear(&number.to_string(), &joiner(&given, "Iner", department, "2026-02-02")).await;
    }
}

/// Works until nothing is left but what waits for `groups` and `licenses`.
async fn until_groups(world: &World) {
    use QueueName::{Accounts, AccountsUrgent, People, PeopleUrgent};
    let before = [PeopleUrgent, AccountsUrgent, People, Accounts];
    while before.iter().any(|queue| world.store.depth(*queue).unwrap() > 0) {
        world.work_one().await.unwrap();
    }
}

/// Calls that change members, as `METHOD path`: what went over the wire by itself, and what a batch carried.
fn membership_calls(world: &World) -> (Vec<String>, Vec<String>) {
    let is_membership = |call: &&Value| {
        let path = call["path"].as_str().unwrap();
        path.starts_with("/groups/") && call["method"] != "GET"
    };
    let calls = world.calls();
    let (batched, single): (Vec<_>, Vec<_>) =
        calls.iter().filter(is_membership).partition(|call| call["batch"].is_number());
    let lines = |calls: Vec<&Value>| {
        calls
            .iter()
            .map(|call| format!("{} {}", call["method"].as_str().unwrap(), call["path"].as_str().unwrap()))
            .collect()
    };
    (lines(single), lines(batched))
}

fn batches(world: &World) -> usize {
    world.written().iter().filter(|(line, _)| line == "POST /$batch").count()
}

/// Who is in a group, by object id.
fn members(world: &World, group: &str) -> BTreeSet<String> {
    let snapshot = world.emulator().tenant().snapshot(false);
    let group = snapshot["groups"].as_array().unwrap().iter().find(|own| own["id"] == group).unwrap();
    group["members"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

fn object(world: &World, number: usize) -> String {
    world.account(&format!("hr:{number}"))["id"].as_str().unwrap().to_owned()
}

/// Whether the ledger says that a membership is ours and there.
async fn is_ours(world: &World, number: usize, group: &str) -> bool {
    let person = world.person(&format!("hr:{number}")).await;
    let target = domain::ledger::Target::Group(group.parse().unwrap());
    person.grants.get(&target).is_some_and(|grant| grant.held && grant.origin == domain::ledger::Origin::Ours)
}

#[tokio::test]
async fn m09_forty_five_joiners_of_one_group_take_three_writes() {
    let world =
        company().with_policy("rule = 'user.accountEnabled -eq true'", "rule = 'user.city -eq \"Nowhere\"'").build();
    join(&world, 100, 45, "Law").await;
    world.run_for_minutes(30).await;
    let (single, batched) = membership_calls(&world);
    assert_eq!(single, vec![format!("PATCH /groups/{BY_HAND}"); 3]);
    assert_eq!((batched, batches(&world)), (vec![], 0));
    assert_eq!(members(&world, BY_HAND).len(), 45);
    for number in 100..145 {
        assert!(is_ours(&world, number, BY_HAND).await, "{}", world.story(&format!("hr:{number}")).await);
    }
    assert_eq!((world.wrongs(), world.failures()), (vec![], vec![]));
}

#[tokio::test]
async fn a_hundred_joiners_of_three_groups_take_fifteen_writes() {
    let world = company().build();
    join(&world, 100, 100, "Guild").await;
    world.run_for_minutes(30).await;
    let (single, batched) = membership_calls(&world);
    for group in [EVERYONE, BY_HAND, ART] {
        assert_eq!(members(&world, group).len(), 100);
        assert_eq!(single.iter().filter(|line| line.ends_with(group)).count(), 5);
    }
    assert_eq!((single.len(), batched.len()), (15, 0));
    assert_eq!((world.wrongs(), world.failures()), (vec![], vec![]));
}

#[tokio::test]
async fn people_who_move_leave_in_batches_and_join_together() {
    let world = company().build();
    join(&world, 100, 25, "Law").await;
    world.run_for_minutes(30).await;
    let before = membership_calls(&world);
    for number in 100..125 {
        world.hear(&number.to_string(), &json!({"org.department.name": "Art"})).await;
    }
    world.run_for_minutes(30).await;
    let after = membership_calls(&world);
    let (single, batched) = (&after.0[before.0.len()..], &after.1[before.1.len()..]);
    assert_eq!(single, vec![format!("PATCH /groups/{ART}"); 2]);
    assert!(batched.iter().all(|line| line.starts_with("DELETE")), "{batched:?}");
    assert_eq!((batched.len(), batches(&world)), (25, 2));
    assert_eq!((members(&world, BY_HAND).len(), members(&world, ART).len()), (0, 25));
}

#[tokio::test]
async fn of_twenty_only_the_culprit_fails_and_the_others_are_there_after_one_retry() {
    for (status, words) in [(403, "do this step by hand"), (400, "a refusal we do not know")] {
        let world = company().build();
        join(&world, 100, 20, "Law").await;
        until_groups(&world).await;
        let culprit = object(&world, 107);
        world.control("faults", &json!([
            {"match": {"method": "PATCH", "path": format!("/groups/{BY_HAND}"), "subject": culprit}, "action": "refuse", "status": status},
            {"match": {"method": "POST", "path": format!("/groups/{BY_HAND}/members/$ref"), "subject": culprit}, "action": "refuse", "status": status},
        ]));
        // At once: nobody waits for anything to pass.
        world.run_until(world.now()).await;
        assert_eq!(world.faults_struck(), [1, 1]);
        let there = members(&world, BY_HAND);
        assert_eq!((there.len(), there.contains(&culprit)), (19, false));
        assert!(world.story("hr:107").await.contains(words), "{}", world.story("hr:107").await);
        for number in (100..120).filter(|number| *number != 107) {
            assert!(is_ours(&world, number, BY_HAND).await);
            assert!(!world.story(&format!("hr:{number}")).await.contains("Failed"), "no stranger hears of it");
        }
        assert_eq!(batches(&world), 1);
        assert_eq!((world.wrongs(), world.failures()), (vec![], vec![]));
    }
}

#[tokio::test]
async fn a_throttled_group_delays_no_stranger_of_another_one() {
    let world = company().with_trouble(Trouble { yields: 1, ..Trouble::default() }).build();
    join(&world, 100, 8, "Law").await;
    join(&world, 108, 8, "Art").await;
    until_groups(&world).await;
    let throttled = json!({"match": {"method": "PATCH", "path": format!("/groups/{BY_HAND}")}, "action": "throttle", "retry_after": 60});
    world.control("faults", &json!([throttled]));
    let began = world.now();
    world.run_until(began).await;
    assert_eq!(world.faults_struck(), [1]);
    assert_eq!((members(&world, ART).len(), members(&world, EVERYONE).len()), (8, 16));
    assert_eq!(members(&world, BY_HAND).len(), 0);
    world.run_for_minutes(3).await;
    assert_eq!(members(&world, BY_HAND).len(), 8);
    // Waiting is not failing, and is no reason to go alone.
    let (single, batched) = membership_calls(&world);
    assert_eq!((single.iter().filter(|line| line.ends_with(BY_HAND)).count(), batched.len()), (2, 0));
    assert!((100..108).all(|number| !object(&world, number).is_empty()));
    for number in 100..108 {
        assert!(is_ours(&world, number, BY_HAND).await);
    }
    assert_eq!(world.failures(), vec![]);
}

#[tokio::test]
async fn whoever_leaves_while_others_are_added_is_not_added_whenever_it_comes() {
    let trouble = Trouble { yields: 2, ..Trouble::default() };
    let world = company().build();
    // Somebody comes from another department, and what was written for them there is to be read back first. So the others, who go
    // at the same pace, wait for them with what they ask for.
    join(&world, 105, 1, "Art").await;
    world.run_until(world.now()).await;
    world.pass(jiff::SignedDuration::from_secs(10));
    world.hear("105", &json!({"org.department.name": "Law"})).await;
    join(&world, 100, 5, "Law").await;
    until_groups(&world).await;
    let leaver = object(&world, 103);
    let (mut dropped, mut added) = (0, 0);
    for moment in (16..80).step_by(2) {
        let world = world.fork(trouble);
        let revoke = async {
            give_way(moment).await;
            world.hear("103", &json!({"termination.immediate": true})).await;
        };
        let until = world.now() + jiff::SignedDuration::from_hours(1);
        world.run_together_while(2, revoke, until).await;
        assert_eq!(world.wrongs(), Vec::<String>::new());
        assert!(!members(&world, BY_HAND).contains(&leaver), "{}", world.dump().await);
        assert_eq!(members(&world, BY_HAND).len(), 5, "{}", world.dump().await);
        let story = world.story("hr:103").await;
        dropped += usize::from(story.contains("not done, access is being cut"));
        added += usize::from(story.contains(&format!("add to group {BY_HAND}: added")));
    }
    assert!(dropped > 0 && added > 0, "the cut came in at every kind of moment: {dropped}, {added}");
}

#[tokio::test]
async fn where_graph_refuses_concurrent_writes_a_culprit_costs_the_others_one_more_round() {
    let world = company().build();
    join(&world, 100, 20, "Law").await;
    until_groups(&world).await;
    let culprit = object(&world, 107);
    world.control("concurrency", &json!({"refused": true}));
    let refuse = |method: &str, end: &str| json!({"match": {"method": method, "path": format!("/groups/{BY_HAND}{end}"), "subject": culprit}, "action": "refuse", "status": 403, "times": 9});
    world.control("faults", &json!([refuse("PATCH", ""), refuse("POST", "/members/$ref")]));
    let began = world.now();
    world.run_for_minutes(1).await;
    assert_eq!(members(&world, BY_HAND).len(), 19, "{}", world.dump().await);
    for number in (100..120).filter(|number| *number != 107) {
        let timeline = world.timeline(&format!("hr:{number}")).await;
        let added = timeline.iter().find(|line| line.text == format!("add to group {BY_HAND}: added")).unwrap();
        assert!(
            added.at <= began + jiff::SignedDuration::from_secs(10),
            "{}",
            world.story(&format!("hr:{number}")).await
        );
        assert!(is_ours(&world, number, BY_HAND).await);
    }
    assert_eq!(world.failures(), vec![]);
}

/// Five joiners whose groups are the next thing to be done, and how everything ends if nothing goes wrong.
async fn five() -> (World, Value, Value) {
    let world = company().build();
    join(&world, 100, 5, "Law").await;
    until_groups(&world).await;
    let calm = world.fork(Trouble::default());
    calm.run_for_minutes(60).await;
    assert_eq!(members(&calm, BY_HAND).len(), 5);
    let (tenant, books) = (calm.tenant(), calm.books().await);
    (world, tenant, books)
}

/// What differs at the end from how it should be.
async fn wrong(world: &World, tenant: &Value, books: &Value) -> Vec<String> {
    let mut wrong = difference(tenant, &world.tenant());
    wrong.extend(difference(books, &world.books().await));
    wrong.extend(world.failures().iter().map(|failure| format!("failed: {} {}", failure.cause, failure.reason)));
    wrong.extend(world.wrongs());
    wrong
}

#[tokio::test]
async fn dying_anywhere_between_intent_call_and_record_ends_right() {
    let (from, tenant, books) = five().await;
    let counted = from.fork(Trouble::default());
    counted.run_until(counted.now()).await;
    let writes = counted.writes();
    assert!(writes > 30, "{writes}");
    for at in 1..=writes {
        let world = from.fork(Trouble { crash_at: Some(at), ..Trouble::default() });
        assert!(!world.survive(world.run_until(world.now())).await);
        let world = world.restart(Trouble::default());
        world.run_for_minutes(60).await;
        let wrong = wrong(&world, &tenant, &books).await;
        assert!(wrong.is_empty(), "dying before write {at}: {wrong:#?}\n{}", world.dump().await);
    }
}

#[tokio::test]
async fn losing_the_answer_to_any_call_ends_right_and_the_ledger_says_ours() {
    let (from, tenant, books) = five().await;
    let counted = from.fork(Trouble::default());
    counted.run_until(counted.now()).await;
    for at in 1..=counted.calls_made() {
        let world = from.fork(Trouble { losses: Losses::Of(at), ..Trouble::default() });
        world.run_for_minutes(60).await;
        let wrong = wrong(&world, &tenant, &books).await;
        assert!(wrong.is_empty(), "losing answer {at}: {wrong:#?}\n{}", world.dump().await);
        for number in 100..105 {
            assert!(is_ours(&world, number, BY_HAND).await, "losing answer {at}");
        }
    }
}

#[tokio::test]
async fn m08_groups_for_administrators_are_known_before_any_write_and_reported() {
    for property in ["isAssignableToRole", "isManagementRestricted"] {
        let setup = company().with_seed(|seed| {
            let groups = seed["groups"].as_array_mut().unwrap();
            groups.iter_mut().find(|group| group["id"] == BY_HAND).unwrap()[property] = json!(true);
        });
        let world = setup.build();
        join(&world, 100, 3, "Guild").await;
        world.run_for_minutes(60).await;
        let (single, batched) = membership_calls(&world);
        assert!(!single.iter().chain(&batched).any(|line| line.contains(BY_HAND)), "{property}: {single:?}");
        let story = world.story("hr:101").await;
        assert_eq!(story.matches("change its members by hand").count(), 1, "{property}: {story}");
        assert_eq!(members(&world, ART).len(), 3, "the rest of their work is not held up");
    }
}

#[tokio::test]
async fn m08_a_group_that_changed_its_kind_a_moment_ago_is_refused_to_each_with_the_reason() {
    let kinds = [
        (json!({"onPremisesSyncEnabled": true}), "Active Directory on-premises", 1),
        (json!({"mailEnabled": true}), "change its members in Exchange", 1),
        // Graph says the same of a missing permission: it may be about one of them, so each is tried.
        (json!({"isAssignableToRole": true}), "do this step by hand", 4),
    ];
    for (change, words, calls) in kinds {
        let world = company().build();
        join(&world, 100, 2, "Law").await;
        world.run_until(world.now()).await;
        assert_eq!(members(&world, BY_HAND).len(), 2);
        join(&world, 102, 3, "Law").await;
        until_groups(&world).await;
        world.control(&format!("objects/{BY_HAND}"), &change);
        let before = membership_calls(&world);
        world.run_until(world.now()).await;
        assert_eq!(members(&world, BY_HAND).len(), 2);
        for number in 102..105 {
            let story = world.story(&format!("hr:{number}")).await;
            assert!(story.contains(words), "{change}: {story}");
        }
        let after = membership_calls(&world);
        let about = |lines: &[String]| lines.iter().filter(|line| line.contains(BY_HAND)).count();
        assert_eq!(about(&after.0[before.0.len()..]) + about(&after.1[before.1.len()..]), calls, "{change}");
        assert_eq!((world.wrongs(), world.failures()), (vec![], vec![]));
    }
}

#[tokio::test]
async fn a_leaver_is_taken_out_of_all_groups_in_one_call_and_waits_for_nobodys_grant() {
    let world = company().build();
    join(&world, 100, 1, "Guild").await;
    world.run_for_minutes(10).await;
    assert_eq!(world.groups("hr:100").len(), 3);
    let before = batches(&world);
    join(&world, 101, 3, "Law").await;
    until_groups(&world).await;
    world.hear("100", &json!({"termination.immediate": true})).await;
    until_groups(&world).await;
    world.run_until(world.now()).await;
    let written = world.written();
    let place = |wanted: &dyn Fn(&str) -> bool| written.iter().rposition(|(line, _)| wanted(line)).unwrap();
    let (removed, added) =
        (place(&|line| line.starts_with("DELETE /groups/")), place(&|line| line == format!("PATCH /groups/{BY_HAND}")));
    assert!(removed < added, "{written:#?}");
    assert_eq!((batches(&world) - before, world.groups("hr:100")), (1, vec![]));
    assert_eq!(members(&world, BY_HAND).len(), 3);
}

#[tokio::test]
async fn one_person_in_two_groups_is_one_batch() {
    let world = company().build();
    join(&world, 100, 1, "Sales").await;
    world.run_for_minutes(10).await;
    let (single, batched) = membership_calls(&world);
    assert_eq!(single, Vec::<String>::new());
    let mut expected = [EVERYONE, SALES].map(|group| format!("POST /groups/{group}/members/$ref"));
    expected.sort();
    let mut batched = batched;
    batched.sort();
    assert_eq!(batched, expected, "two groups of one person are one batch");
    assert_eq!(batches(&world), 1);
}
