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

    /// Puts the failure's body back on its queue under an id nobody has used, and forgets the failure, in one
    /// transaction.
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
    let sql =
        format!("SELECT id, function, queue, person, cause, reason, body, attempts, at FROM failures {selection}");
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use QueueName::{Groups, People};
    use domain::ports::Outbox;

    use super::*;
    use crate::contract::{at, message};
    use crate::testing::Room;

    #[tokio::test]
    async fn a_failure_comes_back_as_parked_and_replaces_itself() {
        let room = Room::new();
        let first = failure("f1", Some(Groups), Some("bamboo:1"));
        room.store.park(first.clone()).await.unwrap();
        assert_eq!(room.store.failure("f1").unwrap(), Some(first.clone()));
        let again = FailureReport { attempts: 3, at: at(9), ..first };
        room.store.park(again.clone()).await.unwrap();
        assert_eq!(list(&room.store, &FailureFilter::default()), ["f1"]);
        assert_eq!(room.store.failure("f1").unwrap(), Some(again));
        assert_eq!(room.store.failure("f2").unwrap(), None);
    }

    #[tokio::test]
    async fn failures_are_listed_oldest_first_by_what_they_are() {
        let room = Room::new();
        let parked = [
            FailureReport { at: at(3), ..failure("late", Some(People), Some("bamboo:1")) },
            FailureReport { at: at(1), function: "intake".to_owned(), ..failure("early", None, None) },
            FailureReport {
                at: at(2),
                cause: "graph-refused".to_owned(),
                ..failure("middle", Some(Groups), Some("bamboo:1"))
            },
        ];
        for report in parked {
            room.store.park(report).await.unwrap();
        }
        let all = FailureFilter::default();
        let one = || FailureFilter { person: Some("bamboo:1".parse().unwrap()), ..FailureFilter::default() };
        assert_eq!(list(&room.store, &all), ["early", "middle", "late"]);
        assert_eq!(list(&room.store, &one()), ["middle", "late"]);
        assert_eq!(list(&room.store, &FailureFilter { queue: Some(Groups), ..one() }), ["middle"]);
        assert_eq!(list(&room.store, &FailureFilter { function: Some("intake".to_owned()), ..all.clone() }), ["early"]);
        assert_eq!(
            list(&room.store, &FailureFilter { cause: Some("graph-refused".to_owned()), ..all.clone() }),
            ["middle"]
        );
        assert_eq!(list(&room.store, &FailureFilter { function: Some("intake".to_owned()), ..one() }), [""; 0]);
        assert_eq!(room.store.failures(&all, 2).unwrap().len(), 2);
    }

    #[tokio::test]
    async fn m19_a_replayed_failure_is_on_its_queue_again_and_no_failure_any_more() {
        let room = Room::new();
        room.store.send(Groups, message("bamboo:1", "before", "before")).await.unwrap();
        room.store.park(failure("f1", Some(Groups), Some("bamboo:1"))).await.unwrap();
        assert_eq!(room.store.replay("f1", "fresh").unwrap(), Replayed::Sent);
        assert_eq!(room.store.replay("f1", "fresh too").unwrap(), Replayed::Unknown, "it is replayed once");
        assert_eq!(room.store.failure("f1").unwrap(), None);
        let receive = || room.store.receive(Groups, 10, Duration::from_secs(30)).unwrap();
        let before = receive().remove(0);
        assert_eq!((before.body.as_str(), receive().len()), ("before", 0), "it waits its turn in its person's group");
        assert_eq!(room.store.delete(before.receipt).unwrap(), crate::Settled::Done);
        let replayed = receive().remove(0);
        assert_eq!((replayed.group.as_str(), replayed.body.as_str()), ("bamboo:1", "body of f1"));
        assert_eq!(replayed.receive_count, 1, "it starts anew");
    }

    #[tokio::test]
    async fn m19_a_replay_that_the_queue_would_drop_keeps_the_failure() {
        let room = Room::new();
        room.store.send(Groups, message("bamboo:1", "used", "first")).await.unwrap();
        room.store.park(failure("f1", Some(Groups), Some("bamboo:1"))).await.unwrap();
        assert_eq!(room.store.replay("f1", "used").unwrap(), Replayed::NotFresh);
        assert_eq!(
            (list(&room.store, &FailureFilter::default()), room.store.depth(Groups).unwrap()),
            (vec!["f1".to_owned()], 1)
        );
    }

    #[tokio::test]
    async fn m19_a_failure_that_came_from_no_queue_is_kept_until_discarded() {
        let room = Room::new();
        room.store.park(failure("f1", None, None)).await.unwrap();
        assert_eq!(room.store.replay("f1", "fresh").unwrap(), Replayed::NoQueue);
        assert!(room.store.remove_failure("f1").unwrap());
        assert!(!room.store.remove_failure("f1").unwrap());
    }

    #[tokio::test]
    async fn failures_without_a_person_do_not_wait_for_each_other() {
        let room = Room::new();
        for id in ["f1", "f2"] {
            room.store.park(failure(id, Some(People), None)).await.unwrap();
            assert_eq!(room.store.replay(id, id).unwrap(), Replayed::Sent);
        }
        assert_eq!(room.store.receive(People, 10, Duration::from_secs(1)).unwrap().len(), 2);
    }

    fn failure(id: &str, queue: Option<QueueName>, person: Option<&str>) -> FailureReport {
        FailureReport {
            id: id.to_owned(),
            function: "groups".to_owned(),
            queue,
            person: person.map(|id| id.parse().unwrap()),
            cause: "bad-event".to_owned(),
            reason: "it is no event".to_owned(),
            body: format!("body of {id}"),
            attempts: 1,
            at: at(0),
        }
    }

    fn list(store: &Store, filter: &FailureFilter) -> Vec<String> {
        store.failures(filter, 100).unwrap().into_iter().map(|failure| failure.id).collect()
    }
}
