//! One compact day in the company: somebody joins under a taken name, moves, leaves in the evening, is thrown out, waits for
//! a seat and comes back. The tenant at its end is what every disturbed run of the same day is held against.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::world::hr::{Event, event};
use crate::world::{Setup, Trouble, World, joiner};

/// When the day's first event comes. The leaver's last half hour has begun, so that a run is short.
const BEGINS: &str = "2026-03-02T16:30:00Z";
/// When what HR said in the afternoon is done; the leaver's evening is still to come.
const EVENING: &str = "2026-03-02T16:50:00Z";
/// When everything has long settled, whatever went wrong.
const ENDS: &str = "2026-03-02T18:30:00Z";

/// The company in the morning: four people work here, one has left.
pub(crate) async fn morning() -> World {
    let world = Setup::new().build();
    let people = [
        ("1", "Mo", "Ver", "Sales"),
        ("2", "Lea", "Ver", "Design"),
        ("3", "Tim", "Minated", "Engineering"),
        ("4", "Re", "Hire", "Sales"),
    ];
    for (id, given, family, department) in people {
        world.hear(id, &joiner(given, family, department, "2026-02-02")).await;
    }
    world.run_for_minutes(5).await;
    world.hear("4", &json!({"termination.immediate": true})).await;
    world.run_until(BEGINS.parse().unwrap()).await;
    assert_eq!(world.licenses("hr:2"), ["VISIOCLIENT"]);
    assert_eq!(world.account("hr:4")["accountEnabled"], false);
    world
}

/// What HR says that day, in order.
pub(crate) fn events() -> Vec<Event> {
    let begin: Timestamp = BEGINS.parse().unwrap();
    let mut mara = joiner("Mara", "Moss", "Engineering", "2026-03-02");
    mara["org.manager.source_person_id"] = json!("1");
    let said = [
        ("5", mara),
        ("1", json!({"org.department.name": "Engineering", "org.job.title": "Engineer"})),
        ("6", joiner("Wai", "Ter", "Design", "2026-03-02")),
        ("2", json!({"termination.last_working_day": "2026-03-02"})),
        ("3", json!({"termination.immediate": true})),
        ("4", joiner("Re", "Hire", "Engineering", "2026-03-02")),
    ];
    let timed = said.iter().enumerate().map(|(turn, (person, facts))| {
        let at = begin + SignedDuration::from_secs(20 * i64::try_from(turn).unwrap());
        event(&format!("day_{turn}"), at, person, facts)
    });
    timed.collect()
}

/// The instant of [`ENDS`].
pub(crate) fn ends() -> Timestamp {
    ENDS.parse().unwrap()
}

/// Plays the day from where HR stands: what was not answered is said again. Afterwards the day is over.
pub(crate) async fn play(world: &World, events: &[Event], answered: &AtomicUsize) {
    while let Some(event) = events.get(answered.load(Ordering::Relaxed)) {
        say(world, event, answered).await;
    }
    world.run_until(ends()).await;
}

/// Does what is due before an event and has it heard.
async fn say(world: &World, event: &Event, answered: &AtomicUsize) {
    world.run_until(event.at).await;
    assert_eq!(world.deliver(event).await, StatusCode::ACCEPTED);
    answered.fetch_add(1, Ordering::Relaxed);
}

/// A place in the day to begin from, so that a run about the evening need not live through the morning again.
pub(crate) struct Station {
    pub(crate) world: World,
    /// How many events have been answered.
    pub(crate) answered: usize,
    /// Writes from here to the next station.
    pub(crate) writes: usize,
    /// Calls to Graph from here to the next station.
    pub(crate) calls: usize,
}

/// The day cut into pieces, at its events and before the evening; together they are the whole day.
pub(crate) async fn stations(morning: &World) -> Vec<Station> {
    let events = events();
    let mut stations: Vec<Station> = Vec::new();
    let mut world = morning.fork(Trouble::default());
    for turn in 0..=events.len() + 1 {
        let answered = AtomicUsize::new(turn);
        let start = world.fork(Trouble::default());
        match events.get(turn) {
            Some(event) => say(&world, event, &answered).await,
            None if turn == events.len() => world.run_until(EVENING.parse().unwrap()).await,
            None => world.run_until(ends()).await,
        }
        let answered = turn.min(events.len());
        stations.push(Station { world: start, answered, writes: world.writes(), calls: world.calls_made() });
        world = world.fork(Trouble::default());
    }
    stations
}

/// The tenant and our books at the end of the day, as they should be.
pub(crate) async fn undisturbed(morning: &World) -> Value {
    let world = morning.fork(Trouble::default());
    play(&world, &events(), &AtomicUsize::new(0)).await;
    assert_end(&world).await;
    end(&world).await
}

/// How a world stands, comparable.
pub(crate) async fn end(world: &World) -> Value {
    json!({"tenant": world.tenant(), "books": world.books().await})
}

/// The end by the scenario's own word, not by the code's.
async fn assert_end(world: &World) {
    let name = |id: &str| world.account(id)["userPrincipalName"].as_str().unwrap().to_owned();
    let enabled = |id: &str| world.account(id)["accountEnabled"] == true;
    assert_eq!(name("hr:5"), "mara.moss2@contoso.example", "{}", world.dump().await);
    assert_eq!(world.account("hr:5")["manager"], world.account("hr:1")["id"]);
    for id in ["hr:1", "hr:4", "hr:5"] {
        assert!(enabled(id), "{id}");
        assert_eq!(world.groups(id), ["Engineering", "Everyone", "Power BI licenses"], "{id}");
        assert_eq!(world.licenses(id), ["POWER_BI_PRO"], "{id}");
    }
    for id in ["hr:2", "hr:3"] {
        assert!(!enabled(id), "{id}");
        assert_eq!((world.groups(id), world.licenses(id)), (vec![], vec![]), "{id}");
    }
    assert!(enabled("hr:6"));
    assert_eq!(world.licenses("hr:6"), ["VISIOCLIENT"]);
    assert_eq!((world.failures(), world.pages()), (vec![], vec![]));
}

#[tokio::test]
async fn the_day_ends_as_it_should_and_is_worth_disturbing() {
    let morning = morning().await;
    undisturbed(&morning).await;
    let stations = stations(&morning).await;
    let sum = |of: fn(&Station) -> usize| stations.iter().map(of).sum::<usize>();
    let (writes, calls) = (sum(|station| station.writes), sum(|station| station.calls));
    assert!(writes > 300 && calls > 200, "{writes} writes, {calls} calls to Graph");
}
