//! Guards, end to end: more people leave at once than the policy lets go without a human.

use std::sync::atomic::{AtomicU8, Ordering};

use domain::ports::Entropy;
use embedded::Decision;
use jiff::SignedDuration;
use joinery::guards::{self, Decider};
use serde_json::json;

use crate::world::{Setup, Trouble, World, joiner};

/// Leavers, and how many of them the guard lets go.
const LEAVERS: usize = 8;
const LIMIT: usize = 3;

/// Ids that nobody has drawn before.
struct Counted;

impl Entropy for Counted {
    fn bytes(&self) -> [u8; 32] {
        static DRAWN: AtomicU8 = AtomicU8::new(0);
        [DRAWN.fetch_add(1, Ordering::Relaxed); 32]
    }
}

fn id(number: usize) -> String {
    format!("hr:{number}")
}

/// A company whose people all work in Sales.
async fn company(guard: &str) -> World {
    let world = Setup::new().and_policy(guard).build();
    for number in 1..=LEAVERS {
        world.hear(&number.to_string(), &joiner("Lea", &format!("Ver{number}"), "Sales", "2026-02-02")).await;
    }
    world.run_for_minutes(10).await;
    for number in 1..=LEAVERS {
        assert_eq!(world.account(&id(number))["accountEnabled"], true);
    }
    world
}

async fn dismiss_everybody(world: &World) {
    for number in 1..=LEAVERS {
        world.hear(&number.to_string(), &json!({"termination.immediate": true})).await;
    }
}

fn is_open(world: &World, person: &str) -> bool {
    world.account(person)["accountEnabled"] == true
}

/// The people who are still in, and are as they were; the rest is out, and has nothing.
fn held(world: &World) -> Vec<String> {
    let (open, cut): (Vec<String>, Vec<String>) = (1..=LEAVERS).map(id).partition(|person| is_open(world, person));
    for person in &open {
        assert_eq!((world.groups(person), world.licenses(person)), (sales(), vec!["SPE_E3"]), "{person}");
    }
    for person in &cut {
        assert_eq!((world.groups(person), world.licenses(person)), (vec![], vec![]), "{person}");
    }
    open
}

fn sales() -> Vec<String> {
    vec!["Everyone".into(), "Sales".into()]
}

async fn decide(world: &World, people: &[String], decision: Decision) {
    let listed = guards::held(&world.store).await.unwrap();
    let decider = Decider { by: "ana", why: "checked with HR", at: world.now() };
    for person in people {
        let held = listed.iter().find(|held| held.action.person.to_string() == *person);
        let held = &held.unwrap_or_else(|| panic!("{person} is not listed")).action;
        assert!(guards::decide(&world.store, &Counted, held.kind, &held.person, decision, decider).await.unwrap());
    }
}

async fn listed(world: &World) -> Vec<(String, bool)> {
    let held = guards::held(&world.store).await.unwrap();
    held.into_iter().map(|held| (held.action.person.to_string(), held.action.refused)).collect()
}

#[tokio::test]
async fn whoever_asks_first_no_more_are_cut_than_the_guard_allows_and_the_rest_is_held_whole() {
    let morning = company("[guard.disable]\npeople = 3\nwindow = \"1h\"").await;
    for (workers, yields) in [(1, 0), (2, 1), (3, 0), (3, 3), (5, 1), (8, 2)] {
        let world = morning.fork(Trouble { yields, ..Trouble::default() });
        dismiss_everybody(&world).await;
        world.run_together(workers, world.now() + SignedDuration::from_mins(20)).await;
        let held = held(&world);
        assert_eq!(held.len(), LEAVERS - LIMIT, "{workers} workers, {yields} yields");
        let mut paged: Vec<_> = world.pages().into_iter().map(|page| page.person.unwrap().to_string()).collect();
        paged.sort();
        assert_eq!(paged, held, "one page each: {:?}", world.pages());
        let mut listed: Vec<_> = listed(&world).await.into_iter().map(|(person, _)| person).collect();
        listed.sort();
        assert_eq!(listed, held);
        assert_eq!((world.failures(), world.wrongs()), (vec![], vec![]));
    }
}

#[tokio::test]
async fn what_is_held_is_released_or_refused_person_by_person_and_gains_nothing_meanwhile() {
    let world = company("[guard.disable]\npeople = 3\nwindow = \"1h\"").await;
    dismiss_everybody(&world).await;
    world.run_for_minutes(10).await;
    let held_first = held(&world);
    let pages = world.pages().len();

    // Whom HR dismissed is given nothing, though the cut is held.
    let first = &held_first[0];
    world.hear(first.trim_start_matches("hr:"), &json!({"org.department.name": "Engineering"})).await;
    world.run_for_minutes(20).await;
    assert_eq!(held(&world), held_first);
    assert_eq!(world.pages().len(), pages + 1, "on other facts it is another decision");

    // The window passes: what was held stays held.
    world.run_for_minutes(120).await;
    assert_eq!(held(&world), held_first);

    let (released, refused) = held_first.split_at(2);
    decide(&world, released, Decision::Release).await;
    decide(&world, refused, Decision::Refuse).await;
    world.run_for_minutes(10).await;
    assert_eq!(held(&world), refused, "released at once, beyond the count");
    assert!(listed(&world).await.iter().all(|(_, refused)| *refused));
    let story = world.story(&released[0]).await;
    assert!(story.contains("released at the guard `disable` by ana: checked with HR"), "{story}");

    // A refusal stands however often it is asked for again, until the facts change: then it is judged anew.
    world.run_for_minutes(180).await;
    assert_eq!(held(&world), refused);
    let anew = &refused[0];
    let last_day = json!({"employment.last_working_day": "2026-02-27", "employment.end_date": "2026-02-28"});
    world.hear(anew.trim_start_matches("hr:"), &last_day).await;
    world.run_for_minutes(10).await;
    assert_eq!(held(&world), &refused[1..], "the window is empty again, and so it is let through");
    assert_eq!((world.failures(), world.wrongs()), (vec![], vec![]));
}

#[tokio::test]
async fn what_hr_takes_back_is_held_no_more() {
    let world = company("[guard.disable]\npeople = 3\nwindow = \"1h\"").await;
    dismiss_everybody(&world).await;
    world.run_for_minutes(10).await;
    let held_first = held(&world);
    let back = &held_first[0];
    world.hear(back.trim_start_matches("hr:"), &json!({"termination.cancelled": true})).await;
    world.run_for_minutes(10).await;
    assert!(is_open(&world, back));
    let listed: Vec<_> = listed(&world).await.into_iter().map(|(person, _)| person).collect();
    assert_eq!(listed.len(), LEAVERS - LIMIT - 1);
    assert!(!listed.contains(back), "{listed:?}");
    let rest = json!({"org.department.name": "Engineering"});
    world.hear(back.trim_start_matches("hr:"), &rest).await;
    world.run_for_minutes(10).await;
    assert_eq!(world.groups(back), ["Engineering", "Everyone", "Power BI licenses"], "and everything goes on");
}

#[tokio::test]
async fn a_share_is_counted_of_the_people_who_have_an_account() {
    // 40 percent of eight is three and a bit: three.
    let world = company("[guard.disable]\npeople = 100\npercent = 40.0").await;
    dismiss_everybody(&world).await;
    world.run_for_minutes(10).await;
    assert_eq!(held(&world).len(), LEAVERS - LIMIT);
}
