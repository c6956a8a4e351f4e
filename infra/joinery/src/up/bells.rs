//! Bells: what is sent in this process is taken at once, not at the next tick.

use std::sync::Arc;

use async_trait::async_trait;
use domain::message::QueueName;
use domain::ports::{Outbox, Outgoing, StoreError};
use embedded::Store;
use tokio::sync::Notify;

/// A bell for each queue, and one for the sweep. A ring that nobody hears is kept until somebody listens.
#[derive(Clone, Default)]
pub(super) struct Bells(Arc<Rings>);

#[derive(Default)]
struct Rings {
    people_urgent: Notify,
    accounts_urgent: Notify,
    people: Notify,
    accounts: Notify,
    groups: Notify,
    licenses: Notify,
    sweep: Notify,
}

impl Bells {
    /// The bell of a queue.
    pub(super) fn of(&self, queue: QueueName) -> &Notify {
        match queue {
            QueueName::PeopleUrgent => &self.0.people_urgent,
            QueueName::AccountsUrgent => &self.0.accounts_urgent,
            QueueName::People => &self.0.people,
            QueueName::Accounts => &self.0.accounts,
            QueueName::Groups => &self.0.groups,
            QueueName::Licenses => &self.0.licenses,
        }
    }

    /// The sweep's bell.
    pub(super) fn of_sweep(&self) -> &Notify {
        &self.0.sweep
    }

    /// Rings them all: time has jumped, and anything may have become visible or due.
    pub(super) fn ring_all(&self) {
        self.of_sweep().notify_one();
        for queue in QueueName::ALL {
            self.of(queue).notify_one();
        }
    }
}

/// Sends, then rings.
pub(super) struct RingingOutbox {
    pub(super) store: Store,
    pub(super) bells: Bells,
}

#[async_trait]
impl Outbox for RingingOutbox {
    async fn send(&self, queue: QueueName, message: Outgoing) -> Result<(), StoreError> {
        self.store.send(queue, message).await?;
        self.bells.of(queue).notify_one();
        Ok(())
    }
}
