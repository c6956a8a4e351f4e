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
                "INSERT INTO settings (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, encode(value)?),
            )?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Room;

    #[test]
    fn a_setting_is_what_it_was_last_set_to() {
        let room = Room::new();
        assert_eq!(room.store.setting::<String>("policy").unwrap(), None);
        room.store.set_setting("policy", &"a.toml").unwrap();
        room.store.set_setting("policy", &"b.toml").unwrap();
        room.store.set_setting("ports", &[1, 2]).unwrap();
        assert_eq!(room.store.setting::<String>("policy").unwrap().as_deref(), Some("b.toml"));
        assert_eq!(room.store.setting::<Vec<u16>>("ports").unwrap(), Some(vec![1, 2]));
    }
}
