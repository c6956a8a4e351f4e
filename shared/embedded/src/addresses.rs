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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Room;

    #[tokio::test]
    async fn claiming_many_takes_what_is_free_and_leaves_what_is_held() {
        let room = Room::new();
        let person = AddressHolder::Person("hr:1".parse().unwrap());
        let object = AddressHolder::Object("11111111-1111-1111-1111-111111111111".parse().unwrap());
        room.store.claim("held@contoso.example", &person).await.unwrap();
        let claims =
            ["Held@Contoso.example", "free@contoso.example"].map(|address| (address.to_owned(), object.clone()));
        room.store.claim_all(&claims).unwrap();
        assert_eq!(room.store.claim("held@contoso.example", &object).await.unwrap(), person);
        assert_eq!(room.store.claim("FREE@contoso.example", &person).await.unwrap(), object);
    }
}
