//! The store behind its ports, with a point to die at before every write, a place to stop before everything others can see, and
//! messages that may come twice.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::guard;
use domain::ids::{PersonId, SkuId};
use domain::message::QueueName;
use domain::person::{Change, Person, TimelineEntry};
use domain::policy::Guard;
use domain::ports::{
    AddressHolder, Addresses, Controls, FailureReport, Fences, Guards, Handle, Lines, Outbox, Outgoing, Page, Pager,
    Parking, Roster, StoreError, Switches, Vault,
};
use domain::seats::Line;
use embedded::{Delivery, Receipt, Store};
use jiff::Timestamp;
use joinery::machine::{Inbox, Settlement};

use super::schedule::Schedule;
use super::turns::{Deed, Thing, Turns};

/// Every port of a world.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) store: Store,
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) twice: Arc<Twice>,
}

/// Gives messages back once after they were done, as a queue does whose deletion got lost.
#[derive(Default)]
pub(crate) struct Twice {
    which: Repeated,
    taken: Mutex<Vec<(Receipt, String)>>,
    repeated: Mutex<BTreeSet<String>>,
}

/// Which messages come twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Repeated {
    #[default]
    None,
    /// The one with this number, counted from 1 in the order in which they are first taken.
    Of(usize),
    All,
}

impl Twice {
    pub(crate) fn new(which: Repeated) -> Self {
        Self { which, ..Self::default() }
    }

    /// How many messages were taken, every one counted once.
    pub(crate) fn messages(&self) -> usize {
        let taken = self.taken.lock().unwrap();
        taken.iter().map(|(_, id)| id).collect::<BTreeSet<_>>().len()
    }

    /// How many came twice.
    pub(crate) fn repeated(&self) -> usize {
        self.repeated.lock().unwrap().len()
    }

    fn note(&self, delivery: &Delivery) {
        self.taken.lock().unwrap().push((delivery.receipt, delivery.message_id.clone()));
    }

    /// Whether this message is to come again.
    fn again(&self, receipt: Receipt) -> bool {
        let taken = self.taken.lock().unwrap();
        let Some((_, id)) = taken.iter().find(|(own, _)| *own == receipt) else { return false };
        let comes_twice = match self.which {
            Repeated::None => false,
            Repeated::All => true,
            Repeated::Of(wanted) => {
                let before = taken.iter().map(|(_, id)| id).take_while(|other| *other != id);
                before.collect::<BTreeSet<_>>().len() + 1 == wanted
            }
        };
        comes_twice && self.repeated.lock().unwrap().insert(id.clone())
    }
}

#[async_trait]
impl Inbox for Ports {
    async fn take(&self, queue: QueueName, max: usize, visibility: Duration) -> Result<Vec<Delivery>, StoreError> {
        // Asking an empty queue writes nothing.
        if self.store.depth(queue)? == 0 {
            return Ok(Vec::new());
        }
        self.turns.before(|| Deed::writes(&format!("takes from {queue}"), &[Thing::Queue(queue)])).await;
        self.schedule.write().await;
        let deliveries = Inbox::take(&self.store, queue, max, visibility).await?;
        for delivery in &deliveries {
            self.twice.note(delivery);
        }
        Ok(deliveries)
    }

    async fn settle(&self, receipt: Receipt, how: Settlement) -> Result<(), StoreError> {
        // Whose message it is changes what the queue shows next; which queue that is a receipt does not tell.
        self.turns.before(|| Deed::writes("settles its message", &QueueName::ALL.map(Thing::Queue))).await;
        self.schedule.write().await;
        let again = how == Settlement::Delete && self.twice.again(receipt);
        let how = if again { Settlement::Defer(Duration::ZERO) } else { how };
        Inbox::settle(&self.store, receipt, how).await
    }
}

#[async_trait]
impl Outbox for Ports {
    async fn send(&self, queue: QueueName, message: Outgoing) -> Result<(), StoreError> {
        self.turns.before(|| Deed::writes(&format!("sends to {queue}"), &[Thing::Queue(queue)])).await;
        self.schedule.write().await;
        self.store.send(queue, message).await
    }
}

#[async_trait]
impl Roster for Ports {
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError> {
        self.turns.before(|| Deed::reads("reads the person", Thing::Roster)).await;
        self.store.person(id).await
    }

    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        self.turns.before(|| committing(&change)).await;
        self.schedule.write().await;
        self.store.commit(change).await
    }

    async fn timeline(&self, id: &PersonId, limit: usize) -> Result<Vec<TimelineEntry>, StoreError> {
        self.store.timeline(id, limit).await
    }

    async fn find(&self, handle: &Handle) -> Result<Vec<PersonId>, StoreError> {
        self.turns.before(|| Deed::reads("looks for people", Thing::Roster)).await;
        self.store.find(handle).await
    }

    async fn list(&self, after: Option<&PersonId>, limit: usize) -> Result<Vec<PersonId>, StoreError> {
        self.store.list(after, limit).await
    }

    async fn take_due(&self, now: Timestamp, retry_at: Timestamp, limit: usize) -> Result<Vec<PersonId>, StoreError> {
        self.schedule.write().await;
        self.store.take_due(now, retry_at, limit).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_due().await
    }

    async fn waiting_for(&self, sku: &SkuId, limit: usize) -> Result<Vec<PersonId>, StoreError> {
        self.turns.before(|| Deed::reads("looks for who waits", Thing::Roster)).await;
        self.store.waiting_for(sku, limit).await
    }
}

/// The fence goes up and down together with the head that says why.
fn committing(change: &Change) -> Deed {
    match change.fence {
        Some(true) => Deed::writes("commits the person and raises the fence", &[Thing::Roster, Thing::Fence]),
        Some(false) => Deed::writes("commits the person and lowers the fence", &[Thing::Roster, Thing::Fence]),
        None => Deed::writes("commits the person", &[Thing::Roster]),
    }
}

#[async_trait]
impl Guards for Ports {
    async fn admit(&self, request: &guard::Request, guard: &Guard) -> Result<guard::Verdict, StoreError> {
        self.turns.before(|| Deed::writes("asks the guard", &[Thing::Guards])).await;
        self.store.admit(request, guard).await
    }
}

#[async_trait]
impl Fences for Ports {
    async fn is_up(&self, id: &PersonId) -> Result<bool, StoreError> {
        self.turns.before(|| Deed::reads("reads the fence", Thing::Fence)).await;
        self.store.is_up(id).await
    }

    async fn take_lease(
        &self,
        id: &PersonId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.turns.before(|| Deed::writes("takes the lease", &[Thing::Lease])).await;
        self.schedule.write().await;
        self.store.take_lease(id, holder, now, until).await
    }

    async fn release_lease(&self, id: &PersonId, holder: &str) -> Result<(), StoreError> {
        self.turns.before(|| Deed::writes("gives the lease back", &[Thing::Lease])).await;
        self.schedule.write().await;
        self.store.release_lease(id, holder).await
    }
}

#[async_trait]
impl Lines for Ports {
    async fn line(&self, sku: &SkuId) -> Result<Line, StoreError> {
        self.turns.before(|| Deed::reads("looks at the line", Thing::Line)).await;
        self.store.line(sku).await
    }

    async fn store(&self, line: Line) -> Result<(), StoreError> {
        self.turns.before(|| Deed::writes("changes the line", &[Thing::Line])).await;
        self.schedule.write().await;
        Lines::store(&self.store, line).await
    }

    async fn take_looks(&self, now: Timestamp, retry_at: Timestamp) -> Result<Vec<SkuId>, StoreError> {
        // Asking when there is nothing to look at writes nothing.
        if self.store.next_look().await?.is_none_or(|look| look > now) {
            return Ok(Vec::new());
        }
        self.schedule.write().await;
        self.store.take_looks(now, retry_at).await
    }

    async fn next_look(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_look().await
    }
}

#[async_trait]
impl Addresses for Ports {
    async fn claim(&self, address: &str, holder: &AddressHolder) -> Result<AddressHolder, StoreError> {
        self.turns.before(|| Deed::writes("claims an address", &[Thing::Addresses])).await;
        self.schedule.write().await;
        self.store.claim(address, holder).await
    }
}

#[async_trait]
impl Vault for Ports {
    async fn put(&self, reference: &str, secret: &str) -> Result<(), StoreError> {
        self.turns.before(|| Deed::writes("seals a secret", &[Thing::Vault])).await;
        self.schedule.write().await;
        self.store.put(reference, secret).await
    }

    async fn peek(&self, reference: &str) -> Result<Option<String>, StoreError> {
        self.turns.before(|| Deed::reads("reads a secret", Thing::Vault)).await;
        self.store.peek(reference).await
    }

    async fn take(&self, reference: &str) -> Result<Option<String>, StoreError> {
        self.turns.before(|| Deed::writes("destroys a secret", &[Thing::Vault])).await;
        self.schedule.write().await;
        Vault::take(&self.store, reference).await
    }
}

#[async_trait]
impl Controls for Ports {
    async fn switches(&self) -> Result<Switches, StoreError> {
        self.store.switches().await
    }
}

#[async_trait]
impl Parking for Ports {
    async fn park(&self, report: FailureReport) -> Result<(), StoreError> {
        self.schedule.write().await;
        self.store.park(report).await
    }
}

#[async_trait]
impl Pager for Ports {
    async fn page(&self, page: Page) -> Result<(), StoreError> {
        self.schedule.write().await;
        self.store.page(page).await
    }
}
