//! FIFO queues with message groups, as SQS FIFO has them ("Amazon SQS FIFO queue delivery logic").
//!
//! # Guarantees
//! - **Order**: within a group, messages are given out one at a time in the order they were sent. While a group's first
//!   message is in flight or given back with a delay, the rest of the group waits. Groups do not wait for each other.
//! - **At least once**: a received message stays stored until it is deleted; when its visibility ends, it is given out
//!   again.
//! - **De-duplication**: a second send with an equal id within five minutes on the same queue is dropped, even after
//!   the first was deleted. The window starts with the send that was accepted.
//! - **Dead letters**: a message received [`RECEIVES_MAX`] times goes to the failures, in the transaction that finds it
//!   so. Giving it back with [`Store::defer`] takes the receive back: throttling, stop and waiting never bring a
//!   message there.
//!
//! # Where SQS differs
//! SQS may give several messages of one group in one receive; here a receive gives each group's first message only. SQS
//! knows no reason for a dead letter; here the last failure told to [`Store::retry`] is kept with it.

use std::time::Duration;

use async_trait::async_trait;
use domain::message::QueueName;
use domain::ports::{FailureReport, Outbox, Outgoing, StoreError};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use crate::columns::{Fault, Query, at_most, column, execute, instant, micros, rows, span};
use crate::failures::store_failure;
use crate::limits::{
    BODY_BYTES_MAX, DEAD_LETTER_ROUNDS_MAX, DEDUPLICATION_WINDOW, RECEIVE_MAX, RECEIVES_MAX, VISIBILITY_MAX,
};
use crate::store::Store;

/// A message in flight.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What settles it.
    pub receipt: Receipt,
    /// Its message group: the person's id.
    pub group: String,
    /// The message's JSON.
    pub body: String,
    /// How often it has been received, this time included; receives that were given back do not count.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Unique in the store; a message that is replayed gets a new one.
    pub message_id: String,
}

/// Stands for one receive of one message, until its visibility ends or it is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Receipt {
    sequence: i64,
    claim: i64,
}

/// What became of a message whose receipt was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a lapsed receipt has settled nothing: somebody else may be working on the message"]
pub enum Settled {
    /// What was asked is stored.
    Done,
    /// It went to the failures.
    Parked,
    /// The receipt's time is over, or it was handed in before: nothing was done.
    Lapsed,
}

impl Store {
    /// Takes up to `max` (and [`RECEIVE_MAX`]) messages, oldest first, and hides each for `visibility`. Of each group
    /// only the first message, and only if it is visible.
    pub fn receive(&self, queue: QueueName, max: usize, visibility: Duration) -> Result<Vec<Delivery>, StoreError> {
        let now = self.now();
        let max = max.min(RECEIVE_MAX);
        // Most polls find nothing: they look without asking for the write lock.
        if self.read(|connection| first_of_groups(connection, queue, now, 1))?.is_empty() {
            return Ok(Vec::new());
        }
        let hidden_until = hidden_until(now, visibility);
        self.write(|connection| {
            for _ in 0..DEAD_LETTER_ROUNDS_MAX {
                let firsts = first_of_groups(connection, queue, now, max)?;
                let (dead, alive): (Vec<_>, Vec<_>) =
                    firsts.into_iter().partition(|first| first.receives >= RECEIVES_MAX);
                if dead.is_empty() {
                    return alive.into_iter().map(|message| take(connection, message, hidden_until)).collect();
                }
                // Their groups' next messages are first now: look again.
                for message in dead {
                    bury(connection, &message, DEAD_LETTER, &unsettled(&message), now)?;
                }
            }
            Ok(Vec::new())
        })
    }

    /// Done: removes the message.
    pub fn delete(&self, receipt: Receipt) -> Result<Settled, StoreError> {
        self.settle(receipt, |connection, message, _| {
            execute(connection, "DELETE FROM messages WHERE sequence = ?1", [message.sequence])?;
            Ok(Settled::Done)
        })
    }

    /// Ends the message's visibility `from_now`; zero shows it at once. The receive counts. The receipt stays good
    /// until then.
    pub fn change_visibility(&self, receipt: Receipt, from_now: Duration) -> Result<Settled, StoreError> {
        self.settle(receipt, |connection, message, now| {
            let sql = "UPDATE messages SET visible_at = ?2 WHERE sequence = ?1";
            execute(connection, sql, (message.sequence, hidden_until(now, from_now)))?;
            Ok(Settled::Done)
        })
    }

    /// Gives the message back, to be shown again after `delay`, as if it had not been received.
    pub fn defer(&self, receipt: Receipt, delay: Duration) -> Result<Settled, StoreError> {
        self.settle(receipt, |connection, message, now| {
            let sql =
                "UPDATE messages SET visible_at = ?2, receives = receives - 1, claim = claim + 1 WHERE sequence = ?1";
            execute(connection, sql, (message.sequence, hidden_until(now, delay)))?;
            Ok(Settled::Done)
        })
    }

    /// Gives the message back after a failure, to be tried again after `delay`; the receive counts. At the last allowed
    /// receive it goes to the failures instead. `reason` is the error chain in words, free of personal data.
    pub fn retry(&self, receipt: Receipt, delay: Duration, reason: &str) -> Result<Settled, StoreError> {
        self.settle(receipt, |connection, message, now| {
            if message.receives >= RECEIVES_MAX {
                bury(connection, message, DEAD_LETTER, reason, now)?;
                return Ok(Settled::Parked);
            }
            let sql = "UPDATE messages SET visible_at = ?2, claim = claim + 1, reason = ?3 WHERE sequence = ?1";
            execute(connection, sql, (message.sequence, hidden_until(now, delay), reason))?;
            Ok(Settled::Done)
        })
    }

    /// Moves the message to the failures now: trying again cannot help.
    pub fn bury(&self, receipt: Receipt, cause: &str, reason: &str) -> Result<Settled, StoreError> {
        self.settle(receipt, |connection, message, now| {
            bury(connection, message, cause, reason, now)?;
            Ok(Settled::Parked)
        })
    }

    /// How many messages the queue holds, those in flight included.
    pub fn depth(&self, queue: QueueName) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM messages WHERE queue = ?1";
        let count = self.read(|connection| column::<i64>(connection, sql, [queue.as_str()]))?;
        Ok(count.first().map_or(0, |count| count.unsigned_abs()))
    }

    /// When the oldest message of the queue was sent.
    pub fn oldest(&self, queue: QueueName) -> Result<Option<Timestamp>, StoreError> {
        self.earliest("SELECT min(sent_at) FROM messages WHERE queue = ?1", [queue.as_str()])
    }

    /// The earliest instant at which some queue has something to receive, if nobody settles or sends anything until
    /// then. Not later than now if there is something already.
    pub fn next_visible_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(visible_at) FROM messages
                   WHERE sequence IN (SELECT min(sequence) FROM messages GROUP BY queue, message_group)";
        self.earliest(sql, [])
    }

    fn earliest(&self, sql: &str, params: impl rusqlite::Params) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| {
            let earliest = column::<Option<i64>>(connection, sql, params)?.first().copied().flatten();
            earliest.map(|micros| instant("messages", micros)).transpose()
        })
    }

    /// Does `work` on the message if the receipt is still good.
    fn settle(
        &self,
        receipt: Receipt,
        work: impl FnOnce(&Connection, &Stored, Timestamp) -> Query<Settled>,
    ) -> Result<Settled, StoreError> {
        let now = self.now();
        self.write(|connection| {
            let sql = "SELECT sequence, queue, message_group, body, sent_at, receives, claim, reason
                       FROM messages WHERE sequence = ?1 AND claim = ?2 AND visible_at > ?3";
            let params = (receipt.sequence, receipt.claim, micros(now));
            let message = connection.prepare_cached(sql)?.query_row(params, Stored::read).optional()?;
            message.map_or(Ok(Settled::Lapsed), |message| work(connection, &message, now))
        })
    }
}

#[async_trait]
impl Outbox for Store {
    async fn send(&self, queue: QueueName, message: Outgoing) -> Result<(), StoreError> {
        let now = self.now();
        self.write(|connection| enqueue(connection, queue, &message, now)).map(|_accepted| ())
    }
}

/// Stores a message unless one with its id was accepted within the window; tells whether it was stored.
pub(crate) fn enqueue(connection: &Connection, queue: QueueName, message: &Outgoing, now: Timestamp) -> Query<bool> {
    if message.body.len() > BODY_BYTES_MAX {
        return Err(Fault::Store(StoreError::Unavailable(Box::new(TooLarge))));
    }
    let now = micros(now);
    execute(connection, "DELETE FROM deduplication WHERE expires_at <= ?1", [now])?;
    let fresh = execute(
        connection,
        "INSERT INTO deduplication (queue, id, expires_at) VALUES (?1, ?2, ?3) ON CONFLICT (queue, id) DO NOTHING",
        (queue.as_str(), &message.deduplication_id, now + span(DEDUPLICATION_WINDOW)),
    )? == 1;
    if fresh {
        execute(
            connection,
            "INSERT INTO messages (queue, message_group, body, sent_at, visible_at) VALUES (?1, ?2, ?3, ?4, ?4)",
            (queue.as_str(), &message.group, &message.body, now),
        )?;
    }
    Ok(fresh)
}

/// The cause of failures that were tried too often.
const DEAD_LETTER: &str = "dead-letter";

#[derive(Debug, thiserror::Error)]
#[error("a message may have {BODY_BYTES_MAX} bytes at most")]
struct TooLarge;

/// A row of `messages`.
struct Stored {
    sequence: i64,
    queue: String,
    group: String,
    body: String,
    sent_at: i64,
    receives: u32,
    claim: i64,
    reason: Option<String>,
}

impl Stored {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sequence: row.get(0)?,
            queue: row.get(1)?,
            group: row.get(2)?,
            body: row.get(3)?,
            sent_at: row.get(4)?,
            receives: row.get(5)?,
            claim: row.get(6)?,
            reason: row.get(7)?,
        })
    }

    /// `AUTOINCREMENT` never gives a sequence twice.
    fn message_id(&self) -> String {
        format!("{}-{}", self.queue, self.sequence)
    }
}

/// The first message of each group, as far as visible. By index and in order of sequence, so that it ends after `limit`
/// rows: sorting a long queue for ten messages would take longer than everything else.
fn first_of_groups(connection: &Connection, queue: QueueName, now: Timestamp, limit: usize) -> Query<Vec<Stored>> {
    rows(
        connection,
        "SELECT sequence, queue, message_group, body, sent_at, receives, claim, reason
         FROM messages AS message INDEXED BY messages_queue
         WHERE queue = ?1 AND visible_at <= ?2 AND NOT EXISTS (
             SELECT 1 FROM messages AS earlier
             WHERE earlier.queue = ?1 AND earlier.message_group = message.message_group
               AND earlier.sequence < message.sequence)
         ORDER BY sequence LIMIT ?3",
        (queue.as_str(), micros(now), at_most(limit)),
        Stored::read,
    )
}

fn take(connection: &Connection, message: Stored, hidden_until: i64) -> Query<Delivery> {
    execute(
        connection,
        "UPDATE messages SET visible_at = ?2, receives = receives + 1, claim = claim + 1 WHERE sequence = ?1",
        (message.sequence, hidden_until),
    )?;
    Ok(Delivery {
        receipt: Receipt { sequence: message.sequence, claim: message.claim + 1 },
        receive_count: message.receives + 1,
        sent_at: instant("messages", message.sent_at)?,
        message_id: message.message_id(),
        group: message.group,
        body: message.body,
    })
}

/// Moves a message to the failures.
fn bury(connection: &Connection, message: &Stored, cause: &str, reason: &str, now: Timestamp) -> Query<()> {
    // A queue that a newer program knows and this one does not cannot be replayed to; everything else is kept.
    let queue: Option<QueueName> = message.queue.parse().ok();
    let report = FailureReport {
        id: message.message_id(),
        function: message.queue.trim_end_matches("-urgent").to_owned(),
        queue,
        person: message.group.parse().ok(),
        cause: cause.to_owned(),
        reason: reason.to_owned(),
        body: message.body.clone(),
        attempts: message.receives,
        at: now,
    };
    store_failure(connection, &report)?;
    execute(connection, "DELETE FROM messages WHERE sequence = ?1", [message.sequence])?;
    Ok(())
}

/// The reason of a message that nobody settled at its last receive: whoever had it died or took too long.
fn unsettled(message: &Stored) -> String {
    let last = message.reason.as_deref().map_or(String::new(), |reason| format!("; the last failure told: {reason}"));
    format!("received {} times and not settled in time{last}", message.receives)
}

fn hidden_until(now: Timestamp, duration: Duration) -> i64 {
    micros(now) + span(duration.min(VISIBILITY_MAX))
}

impl std::fmt::Debug for Delivery {
    /// Without the body and the group's name: both may be personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("message_id", &self.message_id)
            .field("receive_count", &self.receive_count)
            .field("sent_at", &self.sent_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
