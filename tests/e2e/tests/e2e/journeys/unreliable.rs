//! A Graph that throttles, flaps and fails; workers that get into each other's way.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::employ;
use crate::world::{Losses, Setup, Trouble, World, give_way, joiner};

/// Eight people join, one moves, one leaves.
async fn a_busy_morning(world: &World) {
    for id in 1..=8 {
        let department = ["Sales", "Engineering"][id % 2];
        world.hear(&id.to_string(), &joiner("Given", &format!("Family{id}"), department, "2026-02-02")).await;
    }
    world.hear("1", &json!({"org.department.name": "Sales"})).await;
    world.hear("2", &json!({"termination.immediate": true})).await;
}

/// The tenant after that morning when nothing goes wrong.
async fn undisturbed() -> Value {
    let world = Setup::new().build();
    a_busy_morning(&world).await;
    world.run_for_minutes(120).await;
    assert_eq!(world.groups("hr:3"), ["Engineering", "Everyone", "Power BI licenses"]);
    world.tenant()
}

fn assert_same(expected: &Value, world: &World) {
    let difference = crate::world::tenant::difference(expected, &world.tenant());
    assert!(difference.is_empty(), "{difference:#?}");
    assert_eq!(world.failures(), vec![]);
    assert_eq!(world.wrongs(), Vec::<String>::new());
}

#[tokio::test]
async fn throttling_delays_and_loses_nothing() {
    let world = Setup::new().build();
    let window = |limit: u64| json!({"limit": limit, "window_ms": 10_000});
    world.control("quotas", &json!({"app_tenant_writes": window(5), "app_tenant_reads": window(40)}));
    a_busy_morning(&world).await;
    world.run_for_minutes(120).await;
    let refused = world.calls().iter().filter(|call| call["status"] == 429).count();
    assert!(refused > 5, "the quota was never met: {refused}");
    assert_same(&undisturbed().await, &world);
    for id in 1..=8 {
        let story = world.story(&format!("hr:{id}")).await;
        assert!(!story.contains("Failed"), "throttling is no failure: {story}");
    }
}

#[tokio::test]
async fn replicas_that_disagree_make_nothing_happen_twice_and_nothing_verified_early() {
    let settle = SignedDuration::from_secs(60);
    let world = Setup::new().with_policy("settle_ms = 2000", "settle_ms = 60000").build();
    world.control("latency", &json!({"settle_ms": 60_000, "replicas": 4, "seed": 11}));
    a_busy_morning(&world).await;
    world.run_for_minutes(240).await;
    assert_same(&undisturbed().await, &world);
    let mut seen = std::collections::BTreeSet::new();
    for (line, status) in world.written() {
        let grants = line.ends_with("/users") || line.contains("/members/") || line.ends_with("/assignLicense");
        if grants && status < 300 && line.starts_with("POST /users") {
            let once = !line.ends_with("/users");
            assert!(!once || seen.insert(line.clone()), "done twice: {line}");
        }
    }
    for id in 1..=8 {
        let person = world.person(&format!("hr:{id}")).await;
        let lines = world.timeline(&format!("hr:{id}")).await;
        for verified in lines.iter().filter(|line| line.text.ends_with(": read back")) {
            let phrase = verified.text.trim_end_matches(": read back");
            let did = lines.iter().rfind(|line| {
                line.at <= verified.at
                    && format!("{:?}", line.kind) == "Did"
                    && line.text.starts_with(&format!("{phrase}:"))
            });
            let did = did.unwrap_or_else(|| panic!("verified but never done: {phrase}"));
            assert!(verified.at >= did.at + settle, "{}: {phrase} verified early", person.head.person);
        }
        let verified = lines.iter().any(|line| line.text.ends_with(": read back"));
        assert_eq!(verified, person.head.account.object_id.is_some());
    }
}

#[tokio::test]
async fn lost_answers_and_server_errors_delay_and_lose_nothing() {
    let expected = undisturbed().await;
    let trouble = Trouble { losses: Losses::EveryOther, ..Trouble::default() };
    let world = Setup::new().with_trouble(trouble).build();
    a_busy_morning(&world).await;
    world.run_for_minutes(240).await;
    assert_same(&expected, &world);

    let world = Setup::new().build();
    world.control("faults", &json!([
        {"match": {"path": "/users/*/assignLicense"}, "action": "refuse", "status": 503, "times": 4},
        {"match": {"path": "/groups/*/members/$ref"}, "action": "refuse", "status": 409, "times": 5},
        {"match": {"method": "PATCH"}, "action": "refuse", "status": 504, "times": 5},
        {"match": {"method": "GET", "path": "/subscribedSkus"}, "action": "throttle", "retry_after": "7", "times": 5},
    ]));
    a_busy_morning(&world).await;
    world.run_for_minutes(240).await;
    assert!(world.faults_struck().iter().all(|struck| *struck > 0), "a fault never struck");
    assert_same(&expected, &world);
}

#[tokio::test]
async fn several_workers_come_to_the_same_end() {
    let expected = undisturbed().await;
    for (workers, yields) in [(2, 1), (4, 2), (4, 5)] {
        let trouble = Trouble { yields, ..Trouble::default() };
        let world = Setup::new().with_trouble(trouble).build();
        a_busy_morning(&world).await;
        world.run_together(workers, world.now() + SignedDuration::from_hours(4)).await;
        assert_same(&expected, &world);
    }
}

#[tokio::test]
async fn every_message_may_come_twice() {
    let expected = undisturbed().await;
    let world = Setup::new().with_trouble(Trouble { twice: true, ..Trouble::default() }).build();
    a_busy_morning(&world).await;
    world.run_for_minutes(240).await;
    assert_same(&expected, &world);
}

/// Somebody in Sales whom HR has just moved to Engineering, with calls to Graph that give way to other workers.
async fn a_move_under_way(settled: &World) -> World {
    let world = settled.fork(Trouble { yields: 2, ..Trouble::default() });
    world.hear("1", &json!({"org.department.name": "Engineering"})).await;
    world
}

/// Moments between the first and the last call of a move, in turns given way.
fn moments() -> impl Iterator<Item = usize> {
    (0..40).map(|moment| 5 * moment)
}

#[tokio::test]
async fn a_cut_that_meets_a_grant_in_flight_wins() {
    let settled = Setup::new().build();
    employ(&settled, "1", "Lea", "Ver", "Sales").await;
    for moment in moments() {
        let world = a_move_under_way(&settled).await;
        let cut = async {
            give_way(moment).await;
            world.pass(SignedDuration::from_secs(1));
            world.hear("1", &json!({"termination.immediate": true})).await;
        };
        world.run_together_while(4, cut, world.now() + SignedDuration::from_mins(20)).await;
        assert_eq!(world.account("hr:1")["accountEnabled"], false);
        assert_eq!((world.groups("hr:1"), world.licenses("hr:1")), (vec![], vec![]), "{}", world.dump().await);
        assert_eq!(world.wrongs(), Vec::<String>::new(), "cut at moment {moment}");
    }
}

#[tokio::test]
async fn two_grants_to_one_person_never_run_side_by_side() {
    let settled = Setup::new().build();
    employ(&settled, "1", "Ada", "Lovelace", "Sales").await;
    for moment in moments() {
        let world = a_move_under_way(&settled).await;
        let back_and_forth = async {
            for department in ["Sales", "Engineering"] {
                give_way(moment).await;
                world.pass(SignedDuration::from_secs(1));
                world.hear("1", &json!({"org.department.name": department})).await;
            }
        };
        world.run_together_while(4, back_and_forth, world.now() + SignedDuration::from_mins(20)).await;
        assert_eq!(world.wrongs(), Vec::<String>::new(), "said at moment {moment}");
        assert_eq!(world.groups("hr:1"), ["Engineering", "Everyone", "Power BI licenses"], "{}", world.dump().await);
        assert_eq!(world.licenses("hr:1"), ["POWER_BI_PRO"]);
    }
}
