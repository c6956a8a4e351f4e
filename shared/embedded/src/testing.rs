//! A store of its own for every test, with a clock that tests turn.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::message::QueueName;
use domain::ports::{Addresses, Clock, Fences, Lines, Outbox, Roster, StoreError, Vault};
use domain::reconcile::Census;
use jiff::Timestamp;
use tempfile::TempDir;

use crate::contract::{Subject, at};
use crate::{Durability, Options, Settled, Store};

/// A directory with a store in it.
pub(crate) struct Room {
    pub(crate) store: Store,
    pub(crate) clock: Arc<TurnedClock>,
    pub(crate) directory: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(TurnedClock(Mutex::new(at(0))));
        Self { store: open(&directory, &clock), clock, directory }
    }

    /// Another connection to the same store, as another process has it.
    pub(crate) fn second(&self) -> Store {
        open(&self.directory, &self.clock)
    }

    /// Drops the store and opens it again, as a restart does.
    pub(crate) fn reopen(self) -> Self {
        drop(self.store);
        Self { store: open(&self.directory, &self.clock), clock: self.clock, directory: self.directory }
    }
}

fn open(directory: &TempDir, clock: &Arc<TurnedClock>) -> Store {
    Store::open(directory.path(), clock.clone(), Options { durability: Durability::Crash }).unwrap()
}

/// A clock that stands still unless it is turned.
pub(crate) struct TurnedClock(pub(crate) Mutex<Timestamp>);

impl TurnedClock {
    pub(crate) fn turn(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[async_trait]
impl Subject for Room {
    fn outbox(&self) -> &dyn Outbox {
        &self.store
    }
    fn roster(&self) -> &dyn Roster {
        &self.store
    }
    fn fences(&self) -> &dyn Fences {
        &self.store
    }
    fn lines(&self) -> &dyn Lines {
        &self.store
    }
    fn census(&self) -> &dyn Census {
        &self.store
    }
    fn addresses(&self) -> &dyn Addresses {
        &self.store
    }
    fn vault(&self) -> &dyn Vault {
        &self.store
    }
    async fn drain(&self, queue: QueueName) -> Result<Vec<String>, StoreError> {
        let mut bodies = Vec::new();
        while let Some(delivery) = self.store.receive(queue, 1, Duration::from_secs(30))?.pop() {
            assert_eq!(self.store.delete(delivery.receipt)?, Settled::Done);
            bodies.push(delivery.body);
        }
        Ok(bodies)
    }
}

mod contract_cases {
    use super::Room;

    async fn fresh() -> Room {
        Room::new()
    }

    crate::contract_tests!(fresh);
}
