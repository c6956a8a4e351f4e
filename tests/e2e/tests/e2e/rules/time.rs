//! Rules that turn by time alone.

use jiff::Timestamp;
use serde_json::json;

use super::{FIRST, SECOND, employ, is_in, package, setup};
use crate::world::{World, joiner};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// It stands in the portal's help: newcomers of the last 30 days; and those who will start within the coming week.
fn company() -> World {
    let lately = package("lately", "(user.employeeHireDate -ge system.now -minus p30d)", FIRST);
    let soon = package(
        "soon",
        "user.employeeHireDate -le (system.now -plus P7D) and user.employeeHireDate -ge system.now",
        SECOND,
    );
    setup(&[lately, soon]).build()
}

#[tokio::test]
async fn m09_a_pre_hire_joins_and_leaves_at_the_instants_of_the_rule_and_nobody_polls() {
    let world = company();
    world.hear("1", &joiner("Pre", "Hire", "Law", "2026-03-13")).await;
    world.run_until(at("2026-03-05T23:59:59Z")).await;
    assert_eq!((is_in(&world, "hr:1", "First"), is_in(&world, "hr:1", "Second")), (true, false));
    let before = world.calls_made();
    world.run_until(at("2026-03-06T00:00:01Z")).await;
    assert!(is_in(&world, "hr:1", "Second"), "a week before, to the second");
    assert!(world.calls_made() > before);
    world.run_until(at("2026-03-12T23:00:00Z")).await;
    assert!(is_in(&world, "hr:1", "Second"));
    world.run_until(at("2026-03-13T00:00:10Z")).await;
    assert!(!is_in(&world, "hr:1", "Second"), "the day has come");

    world.run_until(at("2026-04-11T23:00:00Z")).await;
    let before = world.calls_made();
    assert!(is_in(&world, "hr:1", "First"));
    assert!(world.person("hr:1").await.head.rules_due.is_some_and(|due| due > at("2026-04-12T00:00:00Z")));
    world.run_until(at("2026-04-11T23:59:59Z")).await;
    assert_eq!(world.calls_made(), before, "nothing polls");
    world.run_until(at("2026-04-12T00:00:10Z")).await;
    assert!(!is_in(&world, "hr:1", "First"), "a month later, by time alone");
    assert_eq!((world.failures(), world.wrongs()), (vec![], vec![]));
}

#[tokio::test]
async fn m09_a_changed_date_moves_the_instant() {
    let world = company();
    employ(&world, "1", "Law").await;
    assert!(is_in(&world, "hr:1", "First"));
    world.hear("1", &json!({"employment.hire_date": "2026-02-20"})).await;
    world.run_until(at("2026-03-05T12:00:00Z")).await;
    assert!(is_in(&world, "hr:1", "First"), "the first date's month is over, the second's is not");
    world.run_until(at("2026-03-22T00:00:10Z")).await;
    assert!(!is_in(&world, "hr:1", "First"));
}

#[tokio::test]
async fn m09_a_leaver_is_not_woken_by_a_rule_any_more() {
    let world = company();
    employ(&world, "1", "Law").await;
    assert!(world.person("hr:1").await.head.rules_due.is_some());
    world.hear("1", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(5).await;
    assert_eq!(world.person("hr:1").await.head.rules_due, None);
    assert_eq!(world.groups("hr:1"), Vec::<String>::new());
}
