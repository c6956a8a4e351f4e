//! The brakes on granting calls. The fence is a column of the head's row, so that one read tells both whether the
//! person is known and whether the fence is up; leases are rows of their own.

use async_trait::async_trait;
use domain::ids::PersonId;
use domain::ports::{Fences, StoreError};
use jiff::Timestamp;

use crate::columns::{column, execute, micros, not_before};
use crate::store::Store;

#[async_trait]
impl Fences for Store {
    async fn is_up(&self, id: &PersonId) -> Result<bool, StoreError> {
        let known = self.read(|connection| {
            column::<bool>(connection, "SELECT fence_up FROM people WHERE person = ?1", [id.to_string()])
        })?;
        Ok(known.first().copied().unwrap_or(true))
    }

    async fn take_lease(
        &self,
        id: &PersonId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(|connection| {
            let taken = execute(
                connection,
                "INSERT INTO leases (person, holder, held_until) VALUES (?1, ?2, ?3)
                 ON CONFLICT (person) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
                 WHERE holder = excluded.holder OR held_until <= ?4",
                (id.to_string(), holder, not_before(until), micros(now)),
            )?;
            Ok(taken == 1)
        })
    }

    async fn release_lease(&self, id: &PersonId, holder: &str) -> Result<(), StoreError> {
        self.write(|connection| {
            execute(connection, "DELETE FROM leases WHERE person = ?1 AND holder = ?2", (id.to_string(), holder))?;
            Ok(())
        })
    }
}
