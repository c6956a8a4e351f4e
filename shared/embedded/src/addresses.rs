//! Every address ever used, each with its first holder. There is no way to delete one.

use async_trait::async_trait;
use domain::ports::{AddressHolder, Addresses, StoreError};
use rusqlite::{Connection, OptionalExtension};

use crate::columns::{Query, corrupt, execute};
use crate::store::Store;

impl Store {
    /// Claims many addresses in one transaction, for reading in a tenant's. Those that have a holder keep it.
    pub fn claim_all(&self, claims: &[(String, AddressHolder)]) -> Result<(), StoreError> {
        self.write(|connection| {
            claims.iter().try_for_each(|(address, holder)| claim(connection, address, holder).map(drop))
        })
    }
}

#[async_trait]
impl Addresses for Store {
    async fn claim(&self, address: &str, holder: &AddressHolder) -> Result<AddressHolder, StoreError> {
        self.write(|connection| claim(connection, address, holder))
    }
}

fn claim(connection: &Connection, address: &str, holder: &AddressHolder) -> Query<AddressHolder> {
    let address = address.to_lowercase();
    let (kind, id) = match holder {
        AddressHolder::Person(person) => ("person", person.to_string()),
        AddressHolder::Object(object) => ("object", object.to_string()),
    };
    let held = connection
        .prepare_cached("SELECT kind, holder FROM addresses WHERE address = ?1")?
        .query_row([&address], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    if let Some((kind, id)) = held {
        return stored_holder(&kind, &id);
    }
    execute(connection, "INSERT INTO addresses (address, kind, holder) VALUES (?1, ?2, ?3)", (address, kind, id))?;
    Ok(holder.clone())
}

fn stored_holder(kind: &str, id: &str) -> Query<AddressHolder> {
    let holder = match kind {
        "person" => id.parse().ok().map(AddressHolder::Person),
        "object" => id.parse().ok().map(AddressHolder::Object),
        _ => None,
    };
    holder.ok_or_else(|| corrupt("addresses", "a holder"))
}
