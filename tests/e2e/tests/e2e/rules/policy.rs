//! Another policy: everybody is looked at again, once, and what it would take away stands under the guards.

use domain::ports::{Mode, Roster};
use joinery::guards;

use super::{FIRST, employ, package};
use crate::world::{Trouble, World};

const POLICY: &str = include_str!("../data/policy.toml");
/// The same text as [`company`] has it without guards: a policy is told by its text.
fn plain() -> String {
    format!("{POLICY}\n")
}

const SELLERS: usize = 8;
const CLERKS: usize = 3;

/// A company of sellers and clerks, looked at under the policy as it is.
async fn company(guard: &str) -> World {
    let world = super::setup(&[guard.to_owned()]).build();
    for number in 1..=SELLERS + CLERKS {
        employ(&world, &number.to_string(), if number <= SELLERS { "Sales" } else { "Law" }).await;
    }
    // Everybody is known to have been looked at under it already.
    assert_eq!(world.reevaluate().await, 0);
    world
}

fn people() -> impl Iterator<Item = String> {
    (1..=SELLERS + CLERKS).map(|number| format!("hr:{number}"))
}

fn sellers() -> Vec<String> {
    people().take(SELLERS).collect()
}

fn members(world: &World, group: &str) -> Vec<String> {
    people().filter(|person| super::is_in(world, person, group)).collect()
}

#[tokio::test]
async fn m09_a_changed_policy_re_evaluates_everybody_once() {
    let world = company("").await;
    let changed = format!("{POLICY}\n{}", package("sellers too", "user.department -startsWith \"sal\"", FIRST));
    let world = world.restart_under(&changed, Trouble::default());
    assert_eq!(world.reevaluate().await, SELLERS + CLERKS);
    assert_eq!(world.reevaluate().await, 0, "once");
    world.run_for_minutes(2).await;
    assert_eq!(members(&world, "First"), sellers());
    let world = world.restart_under(&changed, Trouble::default());
    assert_eq!(world.reevaluate().await, 0, "nor after a restart");

    let world = world.restart_under(&plain(), Trouble::default());
    assert_eq!(world.reevaluate().await, SELLERS + CLERKS);
    world.run_for_minutes(5).await;
    assert_eq!(members(&world, "First"), Vec::<String>::new(), "what the policy no longer gives goes");
    assert_eq!((world.failures(), world.wrongs()), (vec![], vec![]));
}

#[tokio::test]
async fn m09_a_policy_that_would_take_too_much_is_held_with_names_and_a_better_one_lets_it_go() {
    let guard = "[guard.remove_member]\npeople = 3\n[guard.remove_license]\npeople = 2\n";
    let world = company(guard).await;
    let good = format!("{POLICY}\n{guard}");
    // A slip of the pen: nobody works in `Sale`.
    let bad = good.replace("-eq \"Sales\"", "-eq \"Sale\"");
    let world = world.restart_under(&bad, Trouble::default());
    assert_eq!(world.reevaluate().await, SELLERS + CLERKS);
    world.run_for_minutes(30).await;
    assert_eq!(members(&world, "Sales").len(), SELLERS - 3);
    let licensed = sellers().iter().filter(|person| world.licenses(person) == ["SPE_E3"]).count();
    assert_eq!(licensed, SELLERS - 2);
    let held = guards::held(&world.store).await.unwrap();
    let mut named: Vec<String> = held
        .iter()
        .filter(|held| held.action.kind == domain::policy::GuardKind::RemoveMember)
        .map(|held| held.action.person.to_string())
        .collect();
    named.sort();
    assert_eq!(named, members(&world, "Sales"), "each of them by name");
    assert!(world.pages().iter().any(|page| page.text.contains("joinery guard list")));

    let world = world.restart_under(&good, Trouble::default());
    world.reevaluate().await;
    world.run_for_minutes(30).await;
    assert_eq!(members(&world, "Sales"), sellers());
    assert!(sellers().iter().all(|person| world.licenses(person) == ["SPE_E3"]));
    assert!(guards::held(&world.store).await.unwrap().is_empty(), "nothing of it is asked for any more");

    // The same slip a week later is something else to decide on: who was let through then is counted again.
    world.run_for_minutes(7 * 24 * 60).await;
    let again = format!("{bad}\n# again\n");
    let world = world.restart_under(&again, Trouble::default());
    world.reevaluate().await;
    world.run_for_minutes(30).await;
    assert_eq!(members(&world, "Sales").len(), SELLERS - 3);
    assert_eq!((world.failures(), world.wrongs()), (vec![], vec![]));
}

#[tokio::test]
async fn m09_a_look_at_everybody_that_is_cut_off_goes_on_where_it_stopped() {
    let before = company("").await;
    let changed = format!("{POLICY}\n{}", package("sellers too", "user.department -startsWith \"sal\"", FIRST));
    for crash_at in 1..=SELLERS + CLERKS {
        let trouble = Trouble { crash_at: Some(crash_at), ..Trouble::default() };
        let world = before.fork(Trouble::default()).restart_under(&changed, trouble);
        assert!(!world.survive(async { assert_eq!(world.reevaluate().await, 0, "it does not get so far") }).await);
        let marked = marked(&world).await;
        assert_eq!(marked, crash_at - 1, "a mark and a wake-up each");

        // Whoever goes back now looks at those again who were looked at under the other policy.
        let back = world.restart_under(&plain(), Trouble::default());
        assert_eq!(back.reevaluate().await, marked, "dead before write {crash_at}");

        let world = before.fork(Trouble::default()).restart_under(&changed, trouble);
        assert!(!world.survive(async { assert_eq!(world.reevaluate().await, 0, "it does not get so far") }).await);
        let world = world.restart_under(&changed, Trouble::default());
        assert_eq!(world.reevaluate().await, SELLERS + CLERKS - marked);
        world.run_for_minutes(2).await;
        assert_eq!(members(&world, "First"), sellers());
    }
}

/// How many people carry the mark of the policy in force.
async fn marked(world: &World) -> usize {
    let mut count = 0;
    for id in world.store.list(None, 100).await.unwrap() {
        let head = world.store.person(&id).await.unwrap().unwrap().head;
        count += usize::from(head.policy == world.policy().fingerprint);
    }
    count
}

#[tokio::test]
async fn m09_in_observe_a_changed_policy_writes_nothing_until_somebody_says_so() {
    let world = company("").await;
    let changed = format!("{POLICY}\n{}", package("sellers too", "user.department -startsWith \"sal\"", FIRST));
    let world = world.restart_under(&changed, Trouble::default());
    world.store.set_mode(Mode::Observe).unwrap();
    let written = world.written().len();
    assert_eq!(world.reevaluate().await, SELLERS + CLERKS);
    world.run_for_minutes(60).await;
    assert_eq!(world.written().len(), written);
    world.store.set_mode(Mode::Enforce).unwrap();
    world.store.wake_all(world.now()).unwrap();
    world.run_for_minutes(2).await;
    assert_eq!(members(&world, "First"), sellers());
}
