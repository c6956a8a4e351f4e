//! What the operator's program remembers between commands, such as where the policy lies. No secrets: those are sealed.

use domain::ports::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::columns::{column, decode, encode, execute};
use crate::store::Store;

impl Store {
    /// The setting, as last set; None if it never was.
    pub fn setting<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        self.read(|connection| {
            let stored = column::<String>(connection, "SELECT value FROM settings WHERE name = ?1", [name])?;
            stored.first().map(|value| decode("settings", value)).transpose()
        })
    }

    /// Stores a setting as JSON, replacing what was there.
    pub fn set_setting<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StoreError> {
        self.write(|connection| {
            execute(
                connection,
                "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, encode(value)?),
            )?;
            Ok(())
        })
    }
}
