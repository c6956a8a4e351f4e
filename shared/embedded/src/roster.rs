//! People: a row for the head, rows for steps, grants and timeline; each commit is one transaction.

use async_trait::async_trait;
use domain::ids::{PersonId, SkuId};
use domain::ledger::Grant;
use domain::person::{Change, Head, Person, TimelineEntry};
use domain::ports::{Handle, Roster, StoreError};
use domain::step::{Step, StepState};
use jiff::Timestamp;
use rusqlite::Connection;

use crate::columns::{Query, at_most, column, corrupt, decode, encode, execute, instant, micros, not_before};
use crate::limits::FOUND_MAX;
use crate::store::Store;

impl Store {
    /// Makes everybody due at `now`, so that the next sweeps look at them all: for when what held them is gone.
    pub fn wake_all(&self, now: Timestamp) -> Result<usize, StoreError> {
        let sql = "UPDATE people SET due_at = ?1 WHERE due_at IS NULL OR due_at > ?1";
        self.write(|connection| execute(connection, sql, [micros(now)]))
    }
}

#[async_trait]
impl Roster for Store {
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError> {
        self.read(|connection| load(connection, &id.to_string()))
    }

    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        self.write(|connection| store(connection, &change))
    }

    async fn timeline(&self, id: &PersonId, limit: usize) -> Result<Vec<TimelineEntry>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT entry FROM timeline WHERE person = ?1 ORDER BY sequence DESC LIMIT ?2";
            let newest_first = column::<String>(connection, sql, (id.to_string(), at_most(limit)))?;
            newest_first.iter().rev().map(|entry| decode("timeline", entry)).collect()
        })
    }

    async fn find(&self, handle: &Handle) -> Result<Vec<PersonId>, StoreError> {
        self.read(|connection| {
            let limit = at_most(FOUND_MAX);
            let found = match handle {
                Handle::Object(object) => column(
                    connection,
                    "SELECT person FROM people WHERE object_id = ?1 ORDER BY person LIMIT ?2",
                    (object.as_str(), limit),
                ),
                Handle::Upn(upn) => column(
                    connection,
                    "SELECT person FROM people WHERE upn = ?1 ORDER BY person LIMIT ?2",
                    (upn.to_lowercase(), limit),
                ),
                Handle::EmployeeNumber { connection: name, number } => column(
                    connection,
                    "SELECT person FROM people WHERE employee_number = ?1 AND connection = ?2 ORDER BY person LIMIT ?3",
                    (number, name, limit),
                ),
                Handle::WorkEmail(address) => column(
                    connection,
                    "SELECT person FROM people WHERE work_email = ?1 ORDER BY person LIMIT ?2",
                    (address.to_lowercase(), limit),
                ),
            };
            people(&found?)
        })
    }

    async fn list(&self, after: Option<&PersonId>, limit: usize) -> Result<Vec<PersonId>, StoreError> {
        // No id is empty: everyone comes after the empty text.
        let after = after.map(PersonId::to_string).unwrap_or_default();
        self.read(|connection| {
            let sql = "SELECT person FROM people WHERE person > ?1 ORDER BY person LIMIT ?2";
            people(&column(connection, sql, (after, at_most(limit)))?)
        })
    }

    async fn take_due(&self, now: Timestamp, retry_at: Timestamp, limit: usize) -> Result<Vec<PersonId>, StoreError> {
        let (now, retry_at) = (micros(now), not_before(retry_at));
        self.write(|connection| {
            let due: Vec<String> = column(
                connection,
                "SELECT person FROM (
                     SELECT person, due_at FROM people WHERE due_at <= ?1
                     UNION ALL
                     SELECT person, due_at FROM steps WHERE due_at <= ?1)
                 GROUP BY person ORDER BY min(due_at), person LIMIT ?2",
                (now, at_most(limit)),
            )?;
            for person in &due {
                let moved = (person, now, retry_at);
                execute(connection, "UPDATE people SET due_at = ?3 WHERE person = ?1 AND due_at <= ?2", moved)?;
                execute(connection, "UPDATE steps SET due_at = ?3 WHERE person = ?1 AND due_at <= ?2", moved)?;
            }
            people(&due)
        })
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| {
            // Each half reads one entry of its index.
            let sql = "SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM people WHERE due_at IS NOT NULL
                       UNION ALL SELECT min(due_at) FROM steps WHERE due_at IS NOT NULL)";
            let earliest = column::<Option<i64>>(connection, sql, [])?.first().copied().flatten();
            earliest.map(|micros| instant("people", micros)).transpose()
        })
    }

    async fn waiting_for(&self, sku: &SkuId, limit: usize) -> Result<Vec<PersonId>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT person FROM steps WHERE sku = ?1 GROUP BY person ORDER BY min(since), person LIMIT ?2";
            people(&column(connection, sql, (sku.as_str(), at_most(limit)))?)
        })
    }
}

fn load(connection: &Connection, id: &str) -> Query<Option<Person>> {
    let heads = column::<String>(connection, "SELECT head FROM people WHERE person = ?1", [id])?;
    let Some(head) = heads.first() else { return Ok(None) };
    let mut person = Person { head: decode("people", head)?, steps: [].into(), grants: [].into() };
    for step in column::<String>(connection, "SELECT step FROM steps WHERE person = ?1", [id])? {
        let step: Step = decode("steps", &step)?;
        person.steps.insert(step.id.clone(), step);
    }
    for grant in column::<String>(connection, "SELECT entry FROM grants WHERE person = ?1", [id])? {
        let grant: Grant = decode("grants", &grant)?;
        person.grants.insert(grant.target.clone(), grant);
    }
    Ok(Some(person))
}

fn store(connection: &Connection, change: &Change) -> Query<()> {
    let person = change.person.to_string();
    match &change.head {
        Some(head) if Some(head.version) == change.rests_on.checked_add(1) => {
            store_head(connection, &change.person, head)?;
        }
        // Steps without a head would be seen by nobody; whoever sends them has lost a race, or their way.
        None if version(connection, &person)? == Some(change.rests_on) => {}
        _ => return Err(StoreError::Conflict.into()),
    }
    if let Some(up) = change.fence {
        execute(connection, "UPDATE people SET fence_up = ?2 WHERE person = ?1", (&person, up))?;
    }
    for id in &change.delete_steps {
        execute(connection, "DELETE FROM steps WHERE person = ?1 AND id = ?2", (&person, id.as_str()))?;
    }
    for step in &change.put_steps {
        store_step(connection, &person, step)?;
    }
    for target in &change.delete_grants {
        execute(connection, "DELETE FROM grants WHERE person = ?1 AND target = ?2", (&person, target.to_string()))?;
    }
    for grant in &change.put_grants {
        execute(
            connection,
            "INSERT OR REPLACE INTO grants (person, target, entry) VALUES (?1, ?2, ?3)",
            (&person, grant.target.to_string(), encode(grant)?),
        )?;
    }
    for entry in &change.timeline {
        execute(
            connection,
            "INSERT INTO timeline (person, sequence, entry)
             VALUES (?1, 1 + coalesce((SELECT max(sequence) FROM timeline WHERE person = ?1), 0), ?2)",
            (&person, encode(entry)?),
        )?;
    }
    Ok(())
}

/// The version of the stored head; None if nothing is known of the person.
fn version(connection: &Connection, person: &str) -> Query<Option<u64>> {
    let stored = column::<i64>(connection, "SELECT version FROM people WHERE person = ?1", [person])?;
    Ok(stored.first().and_then(|version| u64::try_from(*version).ok()))
}

/// Stores the head if its version is the next one. The first is an insert that gives way to a row already there; every
/// later one an update that finds the version before it, or nothing.
fn store_head(connection: &Connection, id: &PersonId, head: &Head) -> Query<()> {
    let version = i64::try_from(head.version).map_err(|_| StoreError::Conflict)?;
    let sql = if version == 1 {
        "INSERT INTO people (person, version, head, connection, employee_number, object_id, upn, due_at, work_email, phase)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (person) DO NOTHING"
    } else {
        "UPDATE people SET version = ?2, head = ?3, connection = ?4, employee_number = ?5, object_id = ?6,
                upn = ?7, due_at = ?8, work_email = ?9, phase = ?10
         WHERE person = ?1 AND version = ?2 - 1"
    };
    let params = (
        id.to_string(),
        version,
        encode(head)?,
        id.connection(),
        head.record.employee_number(),
        head.account.object_id.as_ref().map(domain::ids::ObjectId::as_str),
        head.account.upn.as_ref().map(|upn| upn.to_lowercase()),
        head.due().map(not_before),
        head.work_email.as_ref().map(|address| address.to_lowercase()),
        head.phase.as_str(),
    );
    if execute(connection, sql, params)? == 1 { Ok(()) } else { Err(StoreError::Conflict.into()) }
}

fn store_step(connection: &Connection, person: &str, step: &Step) -> Query<()> {
    let (sku, since) = match &step.state {
        StepState::Waiting { sku: Some(sku), since, .. } => (Some(sku.as_str()), Some(micros(*since))),
        _ => (None, None),
    };
    execute(
        connection,
        "INSERT OR REPLACE INTO steps (person, id, step, due_at, sku, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (person, step.id.as_str(), encode(step)?, step.wake_at.map(not_before), sku, since),
    )?;
    Ok(())
}

pub(crate) fn people(ids: &[String]) -> Query<Vec<PersonId>> {
    ids.iter().map(|id| id.parse().map_err(|_| corrupt("people", "a person's id"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{at, with_head};
    use crate::testing::Room;

    #[tokio::test]
    async fn everybody_who_is_woken_is_due_at_once() {
        let room = Room::new();
        for (id, due) in [("hr:1", None), ("hr:2", Some(at(9_000)))] {
            let mut head = Person::new(id.parse().unwrap()).head;
            (head.version, head.next_due) = (1, due);
            room.store.commit(with_head(head)).await.unwrap();
        }
        assert_eq!(room.store.take_due(at(10), at(600), 10).await.unwrap(), []);
        assert_eq!(room.store.wake_all(at(10)).unwrap(), 2);
        assert_eq!(room.store.take_due(at(10), at(600), 10).await.unwrap().len(), 2);
    }
}
