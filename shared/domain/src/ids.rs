//! Ids are types: a person, an Entra object, a SKU and an event can never stand in for one another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A person: the connection that speaks of them and their id there, written `CONNECTION:SOURCE_ID`.
///
/// This pair is identity. `employeeId` and addresses are evidence only (architecture, invariant 7).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonId {
    connection: String,
    source_id: String,
}

impl PersonId {
    /// Joins a connection's name and a source's person id. The connection must hold no colon, neither part may be empty or
    /// hold control characters, and the whole is at most 200 characters.
    pub fn new(connection: &str, source_id: &str) -> Result<Self, BadId> {
        let whole = connection.len() + source_id.len() < 200;
        let plain = |part: &str| !part.is_empty() && !part.chars().any(char::is_control);
        if whole && plain(connection) && plain(source_id) && !connection.contains(':') {
            Ok(Self { connection: connection.to_owned(), source_id: source_id.to_owned() })
        } else {
            Err(BadId { expected: "CONNECTION:SOURCE_ID" })
        }
    }

    /// The name of the connection, as the policy spells it.
    pub fn connection(&self) -> &str {
        &self.connection
    }

    /// The person's id in the HR system.
    pub fn source_id(&self) -> &str {
        &self.source_id
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.connection, self.source_id)
    }
}

impl FromStr for PersonId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let (connection, source_id) = text.split_once(':').ok_or(BadId { expected: "CONNECTION:SOURCE_ID" })?;
        Self::new(connection, source_id)
    }
}

impl TryFrom<String> for PersonId {
    type Error = BadId;
    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<PersonId> for String {
    fn from(id: PersonId) -> Self {
        id.to_string()
    }
}

/// A text that is not the id it should be. The text itself is left out: it may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id, expected {expected}")]
pub struct BadId {
    expected: &'static str,
}

/// Declares an id that is a lower-case GUID.
macro_rules! guid {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The GUID as lower-case text with dashes.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
                let well_formed = text.len() == 36
                    && text.bytes().enumerate().all(|(at, byte)| if dash(at) { byte == b'-' } else { byte.is_ascii_hexdigit() });
                if well_formed { Ok(Self(text.to_ascii_lowercase())) } else { Err(BadId { expected: "a GUID" }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

guid! {
    /// The Graph object id of a user or group. Once a person is bound it is the only handle on their account.
    ObjectId
}
guid! {
    /// The id of a product (`skuId`). Part numbers are names for people; Graph wants this.
    SkuId
}
guid! {
    /// The id of a service plan inside a product (`servicePlanId`).
    PlanId
}

/// The id of one HR event: lower-case hex SHA-256 of `CONNECTION|SOURCE|DEDUPLICATION_KEY`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// Derives the id from what makes the event unique within its source.
    pub fn derive(connection: &str, source: &str, deduplication_key: &str) -> Self {
        Self(hex_sha256(&[connection, "|", source, "|", deduplication_key]))
    }

    /// The id as hex text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lower-case hex SHA-256 of the parts, one after the other.
pub fn hex_sha256<P: AsRef<[u8]>>(parts: &[P]) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_ref());
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        use fmt::Write;
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_written_as_connection_and_source_id() {
        let id: PersonId = "bamboo:12:3".parse().unwrap();
        assert_eq!((id.connection(), id.source_id()), ("bamboo", "12:3"));
        assert_eq!(id.to_string(), "bamboo:12:3");
        assert!("bamboo".parse::<PersonId>().is_err());
        assert!(":1".parse::<PersonId>().is_err());
    }

    #[test]
    fn guids_are_lower_case_and_checked() {
        let id: ObjectId = "11111111-AAAA-1111-1111-111111111111".parse().unwrap();
        assert_eq!(id.as_str(), "11111111-aaaa-1111-1111-111111111111");
        assert!("11111111-1111-1111-1111-11111111111".parse::<ObjectId>().is_err());
        assert!("11111111x1111-1111-1111-111111111111".parse::<ObjectId>().is_err());
    }

    #[test]
    fn an_event_id_is_the_hash_the_contract_names() {
        let direct = hex_sha256(&["bamboo|bamboohr|k"]);
        assert_eq!(EventId::derive("bamboo", "bamboohr", "k").as_str(), direct);
    }
}
