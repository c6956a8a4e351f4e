use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use domain::message::QueueName::People;
use domain::person::{Change, Head};
use domain::ports::{Addresses, Controls, Fences, Mode, Outbox, Roster, Stop, StoreError, Switches, Vault};
use domain::step::Action;

use super::{DATABASE, Durability, OpenError, Options, Store};
use crate::columns::{column, execute};
use crate::contract::{at, entry, grant, head, message, nothing, object, person, sku, step, waiting, with_head};
use crate::schema::MIGRATIONS;
use crate::testing::Room;

#[tokio::test]
async fn everything_acknowledged_is_there_after_a_restart() {
    let room = Room::new();
    let id = person(1).unwrap();
    let full = Change {
        fence: Some(true),
        put_steps: vec![waiting(&id, &sku(1).unwrap(), at(5)), step(&id, Action::CreateAccount, Some(at(9)))],
        put_grants: vec![grant(domain::ledger::Target::Group(object(1).unwrap()))],
        timeline: vec![entry("one"), entry("two")],
        ..with_head(head(&id))
    };
    room.store.commit(full).await.unwrap();
    room.store.send(People, message("a", "1", "flying")).await.unwrap();
    room.store.send(People, message("b", "2", "resting")).await.unwrap();
    let flying = room.store.receive(People, 1, Duration::from_secs(30)).unwrap()[0].receipt;
    assert!(room.store.take_lease(&id, "a", at(0), at(60)).await.unwrap());
    let holder = domain::ports::AddressHolder::Person(id.clone());
    room.store.claim("a@contoso.example", &holder).await.unwrap();
    room.store.put("r", "secret").await.unwrap();
    room.store.set_switches(Switches { mode: Mode::Enforce, stop: Stop::AllButCuts }).unwrap();
    room.store.set_setting("policy", &"/etc/joinery/policy.toml").unwrap();
    let before = room.store.person(&id).await.unwrap();

    let room = room.reopen();
    assert_eq!(room.store.person(&id).await.unwrap(), before);
    assert_eq!(room.store.timeline(&id, 9).await.unwrap(), [entry("one"), entry("two")]);
    assert_eq!(room.store.next_due().await.unwrap(), Some(at(9)));
    assert_eq!(room.store.waiting_for(&sku(1).unwrap(), 9).await.unwrap(), std::slice::from_ref(&id));
    assert!(room.store.is_up(&id).await.unwrap());
    assert!(!room.store.take_lease(&id, "b", at(59), at(60)).await.unwrap());
    let other = domain::ports::AddressHolder::Object(object(1).unwrap());
    assert_eq!(room.store.claim("a@contoso.example", &other).await.unwrap(), holder);
    assert_eq!(room.store.peek("r").await.unwrap().as_deref(), Some("secret"));
    let switches = room.store.switches().await.unwrap();
    assert_eq!((switches.mode, switches.stop), (Mode::Enforce, Stop::AllButCuts));
    assert_eq!(room.store.setting::<String>("policy").unwrap().as_deref(), Some("/etc/joinery/policy.toml"));
    assert_eq!(room.store.receive(People, 9, Duration::from_secs(1)).unwrap()[0].body, "resting");
    room.store.send(People, message("b", "1", "dropped")).await.unwrap();
    assert_eq!(room.store.depth(People).unwrap(), 2, "the de-duplication window outlives the restart");
    assert_eq!(room.store.delete(flying).unwrap(), crate::Settled::Done, "and so does the receipt");
}

#[test]
fn the_directory_and_the_files_are_their_owners_alone() {
    let parent = tempfile::tempdir().unwrap();
    let (fresh, empty, used) = (parent.path().join("a/fresh"), parent.path().join("empty"), parent.path().join("used"));
    for directory in [&empty, &used] {
        fs::create_dir(directory).unwrap();
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(used.join("something else"), "").unwrap();
    for (directory, directory_mode) in [(&fresh, 0o700), (&empty, 0o700), (&used, 0o755)] {
        let _store = open(directory, Durability::PowerLoss).unwrap();
        assert_eq!(mode(directory), directory_mode, "{}", directory.display());
        assert_eq!(mode(&directory.join("sealed")), 0o700);
        for suffix in ["", "-wal", "-shm"] {
            assert_eq!(mode(&directory.join(format!("{DATABASE}{suffix}"))), 0o600, "{suffix}");
        }
    }
}

#[test]
fn a_newer_database_is_refused_clearly_and_left_alone() {
    let room = Room::new();
    room.store.write(|connection| Ok(connection.pragma_update(None, "user_version", 99)?)).unwrap();
    let refused = open(room.directory.path(), Durability::Crash).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 99, known } if known == MIGRATIONS.len()), "{refused}");
    assert!(refused.to_string().contains("use the newer program"));
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(DATABASE), "something else entirely, and long enough to be looked at".repeat(20))
        .unwrap();
    assert!(matches!(open(directory.path(), Durability::Crash), Err(OpenError::Database(_))));
}

#[test]
fn many_may_open_a_new_store_at_once() {
    let parent = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let directory = parent.path().join(round.to_string());
        let gate = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for opener in 0..4 {
                let (directory, gate) = (&directory, &gate);
                scope.spawn(move || {
                    gate.wait();
                    let store = open(directory, Durability::Crash).unwrap();
                    store.set_setting(&opener.to_string(), &opener).unwrap();
                });
            }
        });
        let store = open(&directory, Durability::Crash).unwrap();
        assert!((0..4).all(|opener| store.setting::<u32>(&opener.to_string()).unwrap() == Some(opener)));
    }
}

#[test]
fn power_loss_syncs_every_commit_and_is_what_one_gets() {
    assert_eq!(Options::default().durability, Durability::PowerLoss);
    let directory = tempfile::tempdir().unwrap();
    for (durability, synchronous) in [(Durability::PowerLoss, 2), (Durability::Crash, 0)] {
        let store = open(directory.path(), durability).unwrap();
        let pragma = |name| {
            store
                .read(|connection| {
                    column::<String>(connection, &format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"), [])
                })
                .unwrap()
        };
        assert_eq!(pragma("synchronous"), [synchronous.to_string()]);
        assert_eq!(pragma("journal_mode"), ["wal"]);
        assert_eq!(pragma("foreign_keys"), ["1"]);
    }
}

#[tokio::test]
async fn two_processes_on_one_head_conflict_and_lose_nothing() {
    let room = Room::new();
    let (ours, theirs, id) = (room.store.clone(), room.second(), person(1).unwrap());
    ours.commit(with_head(head(&id))).await.unwrap();
    let second = |text| Change { timeline: vec![entry(text)], ..with_head(Head { version: 2, ..head(&id) }) };
    theirs.commit(second("theirs")).await.unwrap();
    assert!(matches!(ours.commit(second("ours")).await, Err(StoreError::Conflict)));
    assert_eq!(ours.timeline(&id, 9).await.unwrap(), [entry("theirs")]);
}

#[tokio::test]
async fn what_cannot_be_read_back_is_named_by_its_table_and_never_quoted() {
    let room = Room::new();
    let id = person(1).unwrap();
    let items = Change {
        put_steps: vec![step(&id, Action::CreateAccount, None)],
        put_grants: vec![grant(domain::ledger::Target::Group(object(1).unwrap()))],
        timeline: vec![entry("one")],
        ..nothing(&id, 1)
    };
    for (table, column) in [("people", "head"), ("steps", "step"), ("grants", "entry"), ("timeline", "entry")] {
        let room = Room::new();
        room.store.commit(with_head(head(&id))).await.unwrap();
        room.store.commit(items.clone()).await.unwrap();
        spoil(&room.store, &format!("UPDATE {table} SET {column} = '\"Planted\"'"));
        let error = match table {
            "timeline" => room.store.timeline(&id, 9).await.unwrap_err(),
            _ => room.store.person(&id).await.unwrap_err(),
        };
        named(&error, table);
    }
    room.store.set_mode(Mode::Enforce).unwrap();
    spoil(&room.store, "UPDATE switches SET position = 'Planted'");
    named(&room.store.switches().await.unwrap_err(), "switches");
    room.store.set_setting("a", &1).unwrap();
    spoil(&room.store, "UPDATE settings SET value = '\"Planted\"'");
    named(&room.store.setting::<u32>("a").unwrap_err(), "settings");
    let holder = domain::ports::AddressHolder::Person(id);
    room.store.claim("a@contoso.example", &holder).await.unwrap();
    spoil(&room.store, "UPDATE addresses SET holder = 'Planted'");
    named(&room.store.claim("a@contoso.example", &holder).await.unwrap_err(), "addresses");
}

#[tokio::test]
async fn a_call_that_panics_leaves_no_trace_and_the_store_usable() {
    let room = Room::new();
    let store = room.store.clone();
    let panicked = std::thread::spawn(move || {
        store.write(|connection| {
            execute(connection, "INSERT INTO settings (name, value) VALUES ('half', '1')", [])?;
            let rows = column::<i64>(connection, "SELECT count(*) FROM settings", [])?;
            assert_eq!(rows, [0], "this fails in the middle");
            Ok(())
        })
    });
    assert!(panicked.join().is_err());
    assert_eq!(room.store.setting::<u32>("half").unwrap(), None);
    room.store.set_setting("whole", &1).unwrap();
}

fn open(directory: &Path, durability: Durability) -> Result<Store, OpenError> {
    let clock = crate::testing::TurnedClock(std::sync::Mutex::new(at(0)));
    Store::open(directory, std::sync::Arc::new(clock), Options { durability })
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn spoil(store: &Store, sql: &str) {
    assert_eq!(store.write(|connection| execute(connection, sql, [])).unwrap(), 1);
}

fn named(error: &StoreError, expected: &str) {
    let StoreError::Corrupt(table, source) = error else { panic!("corrupt, not {error}") };
    assert_eq!(*table, expected);
    assert!(!format!("{error:?} {error} {source}").contains("Planted"));
}
