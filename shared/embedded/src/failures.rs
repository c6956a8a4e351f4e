//! What could not be done: kept until an operator replays or discards it.

use async_trait::async_trait;
use domain::ids::PersonId;
use domain::message::QueueName;
use domain::ports::{FailureReport, Outgoing, Parking, StoreError};
use rusqlite::{Connection, Params, Row};

use crate::columns::{Query, at_most, corrupt, execute, instant, micros, rows};
use crate::queues::enqueue;
use crate::store::Store;

/// Which failures to list; None is any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FailureFilter {
    /// The function that gave up.
    pub function: Option<String>,
    /// The queue a replay goes to.
    pub queue: Option<QueueName>,
    /// Whom it is about.
    pub person: Option<PersonId>,
    /// The word for the cause.
    pub cause: Option<String>,
}

/// What became of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// It is back on its queue, and no failure any more.
    Sent,
    /// There is no such failure (any more).
    Unknown,
    /// It came from no queue: only its sender can repeat it. It is kept.
    NoQueue,
    /// The deduplication id was used within five minutes, so the queue would drop the message. It is kept.
    NotFresh,
}

impl Store {
    /// Failures that the filter lets through, oldest first; at most `limit`.
    pub fn failures(&self, filter: &FailureFilter, limit: usize) -> Result<Vec<FailureReport>, StoreError> {
        self.read(|connection| {
            select(
                connection,
                "WHERE (?1 IS NULL OR function = ?1) AND (?2 IS NULL OR queue = ?2)
                   AND (?3 IS NULL OR person = ?3) AND (?4 IS NULL OR cause = ?4)
                 ORDER BY at, id LIMIT ?5",
                (
                    &filter.function,
                    filter.queue.map(QueueName::as_str),
                    filter.person.as_ref().map(PersonId::to_string),
                    &filter.cause,
                    at_most(limit),
                ),
            )
        })
    }

    /// One failure; None if there is none of that id (any more).
    pub fn failure(&self, id: &str) -> Result<Option<FailureReport>, StoreError> {
        self.read(|connection| one(connection, id))
    }

    /// Discards a failure; tells whether it was there.
    pub fn remove_failure(&self, id: &str) -> Result<bool, StoreError> {
        self.write(|connection| remove(connection, id))
    }

    /// Puts the failure's body back on its queue under an id nobody has used, and forgets the failure, in one transaction.
    pub fn replay(&self, id: &str, deduplication_id: &str) -> Result<Replayed, StoreError> {
        let now = self.now();
        self.write(|connection| {
            let Some(report) = one(connection, id)? else { return Ok(Replayed::Unknown) };
            let Some(queue) = report.queue else { return Ok(Replayed::NoQueue) };
            // A message that names nobody is behind nobody: it is a group of its own.
            let group = report.person.map_or(report.id, |person| person.to_string());
            let message = Outgoing { group, deduplication_id: deduplication_id.to_owned(), body: report.body };
            if !enqueue(connection, queue, &message, now)? {
                return Ok(Replayed::NotFresh);
            }
            remove(connection, id)?;
            Ok(Replayed::Sent)
        })
    }
}

#[async_trait]
impl Parking for Store {
    async fn park(&self, report: FailureReport) -> Result<(), StoreError> {
        self.write(|connection| store_failure(connection, &report))
    }
}

/// Stores a failure, in place of one with the same id.
pub(crate) fn store_failure(connection: &Connection, report: &FailureReport) -> Query<()> {
    execute(
        connection,
        "INSERT OR REPLACE INTO failures (id, function, queue, person, cause, reason, body, attempts, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            &report.id,
            &report.function,
            report.queue.map(QueueName::as_str),
            report.person.as_ref().map(PersonId::to_string),
            &report.cause,
            &report.reason,
            &report.body,
            report.attempts,
            micros(report.at),
        ),
    )?;
    Ok(())
}

fn one(connection: &Connection, id: &str) -> Query<Option<FailureReport>> {
    Ok(select(connection, "WHERE id = ?1", [id])?.pop())
}

fn remove(connection: &Connection, id: &str) -> Query<bool> {
    Ok(execute(connection, "DELETE FROM failures WHERE id = ?1", [id])? == 1)
}

fn select(connection: &Connection, selection: &str, params: impl Params) -> Query<Vec<FailureReport>> {
    let sql = format!("SELECT id, function, queue, person, cause, reason, body, attempts, at FROM failures {selection}");
    rows(connection, &sql, params, |row| Ok(report(row)))?.into_iter().collect()
}

fn report(row: &Row<'_>) -> Query<FailureReport> {
    let queue: Option<String> = row.get(2)?;
    let person: Option<String> = row.get(3)?;
    Ok(FailureReport {
        id: row.get(0)?,
        function: row.get(1)?,
        queue: queue.map(|name| name.parse()).transpose().map_err(|_| corrupt("failures", "a queue"))?,
        person: person.map(|id| id.parse()).transpose().map_err(|_| corrupt("failures", "a person's id"))?,
        cause: row.get(4)?,
        reason: row.get(5)?,
        body: row.get(6)?,
        attempts: row.get(7)?,
        at: instant("failures", row.get(8)?)?,
    })
}
