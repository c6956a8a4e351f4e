//! Observe, stop, protection.

use domain::ports::{Mode, Stop};
use serde_json::json;

use super::employ;
use crate::world::{Setup, joiner};

#[tokio::test]
async fn observing_plans_and_writes_nothing_and_a_due_cut_pages() {
    let world = Setup::new().build();
    employ(&world, "1", "Lea", "Ver", "Sales").await;
    let (tenant, written) = (world.tenant(), world.written().len());
    world.store.set_mode(Mode::Observe).unwrap();
    world.hear("1", &json!({"termination.immediate": true})).await;
    world.hear("2", &joiner("Ada", "Lovelace", "Sales", "2026-02-02")).await;
    world.run_for_minutes(60).await;
    assert_eq!((world.tenant(), world.written().len()), (tenant, written));
    let pages = world.pages();
    let [page] = pages.as_slice() else { panic!("{pages:?}") };
    assert!(page.text.contains("hr:1") && page.text.contains("joinery enforce"), "{}", page.text);

    // What was only planned is done once it may be.
    world.store.set_mode(Mode::Enforce).unwrap();
    world.hear("1", &json!({"org.job.title": "Ghost"})).await;
    world.hear("2", &json!({"org.job.title": "Countess"})).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:1")["accountEnabled"], false);
    assert_eq!(world.account("hr:2")["accountEnabled"], true);
}

#[tokio::test]
async fn stop_holds_everything_but_cuts_and_resume_catches_up() {
    let world = Setup::new().build();
    employ(&world, "1", "Lea", "Ver", "Sales").await;
    world.store.set_stop(Stop::AllButCuts).unwrap();
    world.hear("1", &json!({"termination.immediate": true})).await;
    world.hear("2", &joiner("Ada", "Lovelace", "Sales", "2026-02-02")).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:1")["accountEnabled"], false);
    assert!(world.accounts("hr:2").is_empty());
    assert_eq!((world.failures(), world.pages()), (vec![], vec![]));
    world.store.set_stop(Stop::Nothing).unwrap();
    world.run_for_minutes(20).await;
    assert_eq!(world.account("hr:2")["accountEnabled"], true);
    assert_eq!(world.licenses("hr:2"), ["SPE_E3"]);
    assert_eq!(world.groups("hr:1"), Vec::<String>::new());
}

#[tokio::test]
async fn stop_all_holds_cuts_too_and_pages_at_once() {
    let world = Setup::new().build();
    employ(&world, "1", "Lea", "Ver", "Sales").await;
    let written = world.written().len();
    world.store.set_stop(Stop::Everything).unwrap();
    world.hear("1", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(60).await;
    assert_eq!(world.written().len(), written);
    let pages = world.pages();
    let [page] = pages.as_slice() else { panic!("{pages:?}") };
    assert!(page.text.contains("joinery resume"), "{}", page.text);
    world.store.set_stop(Stop::Nothing).unwrap();
    world.run_for_minutes(20).await;
    assert_eq!(world.account("hr:1")["accountEnabled"], false);
    assert_eq!((world.groups("hr:1"), world.licenses("hr:1")), (vec![], vec![]));
    assert_eq!(world.failures(), vec![], "stopped is not failed");
}

#[tokio::test]
async fn nothing_is_taken_from_a_protected_person_and_the_cut_pages() {
    let world = Setup::new().and_policy("[protected]\npeople = [\"hr:1\"]").build();
    employ(&world, "1", "Cee", "Eeo", "Sales").await;
    world.hear("1", &json!({"termination.immediate": true})).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.account("hr:1")["accountEnabled"], true);
    assert_eq!(world.groups("hr:1"), ["Everyone", "Sales"]);
    assert_eq!(world.licenses("hr:1"), ["SPE_E3"]);
    let pages = world.pages();
    let [page] = pages.as_slice() else { panic!("{pages:?}") };
    assert!(page.text.contains("protects this person"), "{}", page.text);
}
