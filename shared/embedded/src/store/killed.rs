//! A process that is killed, really, while it writes; what it had acknowledged must be there, and nothing by halves.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::message::QueueName::People;
use domain::person::{Change, Head};
use domain::ports::{AddressHolder, Addresses, Fences, Outbox, Roster, Vault};
use domain::step::Action;

use super::{Durability, Options, Store};
use crate::Settled;
use crate::columns::column;
use crate::contract::{at, entry, head, message, person, step, with_head};
use crate::testing::TurnedClock;

/// Says to the child where to write, and that it is one.
const DIRECTORY: &str = "EMBEDDED_KILLED_DIRECTORY";

/// Says to the child what second it is: late enough that nothing its predecessor received is still hidden.
const SECOND: &str = "EMBEDDED_KILLED_SECOND";

/// The child's last turn, should nobody kill it.
const TURNS_MAX: u64 = 100_000;

#[tokio::test]
async fn what_a_killed_process_acknowledged_is_there_and_nothing_is_half_done() {
    let directory = tempfile::tempdir().unwrap();
    // Each round goes on where the killed one before it stopped.
    for (second, acknowledgements) in [(0, 1), (100, 30), (200, 7), (300, 60), (400, 2), (500, 19)] {
        let acknowledged = kill_after(directory.path(), second, acknowledgements);
        check(directory.path(), acknowledged).await;
    }
}

/// Runs the child, kills it after so many lines, and answers the last turn it acknowledged.
fn kill_after(directory: &Path, second: i64, acknowledgements: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::killed::a_child_that_writes_until_it_is_killed", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(SECOND, second.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told: Vec<_> = lines.by_ref().take(acknowledgements).map(Result::unwrap).collect();
    child.kill().unwrap();
    // What it had still said before it died was acknowledged too.
    let last = lines.map_while(Result::ok).last().or(told.last().cloned()).unwrap();
    assert!(!child.wait().unwrap().success(), "it was killed, and did not end by itself");
    assert_eq!(told.len(), acknowledgements);
    last.parse().unwrap_or_else(|_| panic!("the child said: {last}"))
}

async fn check(directory: &Path, acknowledged: u64) {
    let store = open(directory, 0);
    let id = person(1).unwrap();
    let known = store.person(&id).await.unwrap().unwrap();
    let version = known.head.version;
    assert!((acknowledged..=acknowledged + 1).contains(&version), "acknowledged {acknowledged}, found {version}");
    let timeline = store.timeline(&id, usize::MAX).await.unwrap();
    assert_eq!(timeline.last(), Some(&entry(&version.to_string())));
    assert_eq!(timeline.len(), usize::try_from(version).unwrap());
    assert_eq!(known.steps.values().next().unwrap().attempts, u32::try_from(version).unwrap());
    assert_eq!(store.is_up(&id).await.unwrap(), version.is_multiple_of(2));

    let bodies =
        store.read(|connection| column::<String>(connection, "SELECT body FROM messages ORDER BY sequence", []));
    let bodies: Vec<u64> = bodies.unwrap().iter().map(|body| body.parse().unwrap()).collect();
    let (first, last) = (bodies[0], bodies[bodies.len() - 1]);
    assert_eq!(bodies, (first..=last).collect::<Vec<_>>(), "none is missing between");
    assert!((acknowledged..=acknowledged + 1).contains(&last));
    // Each turn deletes the first half: what was acknowledged as deleted stays so, and the killed turn deletes one more
    // at most.
    let deleted = acknowledged / 2..=acknowledged.div_ceil(2);
    assert!(deleted.contains(&(first - 1)), "acknowledged {acknowledged}, first {first}");

    let secret: u64 = store.peek("credential").await.unwrap().unwrap().parse().unwrap();
    assert!((acknowledged..=acknowledged + 1).contains(&secret));
    let stranger = AddressHolder::Person(person(2).unwrap());
    let holder = store.claim(&format!("{acknowledged}@contoso.example"), &stranger).await.unwrap();
    assert_eq!(holder, AddressHolder::Person(id));
    let verdict = store.read(|connection| column::<String>(connection, "PRAGMA integrity_check", [])).unwrap();
    assert_eq!(verdict, ["ok"]);
    assert!(!directory.join("sealed/incoming").exists());
}

#[tokio::test]
#[ignore = "runs in a process of its own, started by the test above"]
async fn a_child_that_writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let second = std::env::var(SECOND).unwrap().parse().unwrap();
    let store = open(Path::new(&directory), second);
    let id = person(1).unwrap();
    // A killed turn may have sent its message and not the rest: an equal id makes its repetition harmless.
    let done = store.person(&id).await.unwrap().map_or(0, |known| known.head.version);
    for turn in done + 1..TURNS_MAX {
        let text = turn.to_string();
        store.send(People, message("bamboo:1", &text, &text)).await.unwrap();
        store.put("credential", &text).await.unwrap();
        store.claim(&format!("{turn}@contoso.example"), &AddressHolder::Person(id.clone())).await.unwrap();
        while let Some(delivery) = store.receive(People, 1, Duration::from_secs(30)).unwrap().pop() {
            if delivery.body.parse::<u64>().unwrap() > turn / 2 {
                assert_eq!(store.defer(delivery.receipt, Duration::ZERO).unwrap(), Settled::Done);
                break;
            }
            assert_eq!(store.delete(delivery.receipt).unwrap(), Settled::Done);
        }
        let mut attempted = step(&id, Action::CreateAccount, None);
        attempted.attempts = u32::try_from(turn).unwrap();
        let change = Change {
            fence: Some(turn.is_multiple_of(2)),
            put_steps: vec![attempted],
            timeline: vec![entry(&text)],
            ..with_head(Head { version: turn, ..head(&id) })
        };
        store.commit(change).await.unwrap();
        eprintln!("{turn}");
    }
}

fn open(directory: &Path, second: i64) -> Store {
    let clock = TurnedClock(Mutex::new(at(second)));
    Store::open(directory, Arc::new(clock), Options { durability: Durability::Crash }).unwrap()
}
