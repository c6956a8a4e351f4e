//! HR sources: what their fields mean, and how their records are read back.
//!
//! What arrives at intake and what is fetched back ([`bamboohr::Client`]) is read by the same tables, so that a
//! field means the same on both ways. Knows no queue, no roster and no AWS.

pub mod bamboohr;
pub mod country;
pub mod error;
pub mod forbidden;
pub mod limits;
pub mod retry;
mod secret;
pub mod transport;
pub mod value;

use std::collections::BTreeMap;

pub use error::Error;
pub use secret::Secret;
pub use transport::{Http, Transport};

/// The connections whose records can be read back. One that is not among them can only be heard.
#[derive(Debug, Default)]
pub struct Readers(BTreeMap<String, bamboohr::Client>);

impl Readers {
    /// The client of a connection.
    pub fn of(&self, connection: &str) -> Option<&bamboohr::Client> {
        self.0.get(connection)
    }
}

impl FromIterator<bamboohr::Client> for Readers {
    fn from_iter<I: IntoIterator<Item = bamboohr::Client>>(clients: I) -> Self {
        Self(clients.into_iter().map(|client| (client.connection().to_owned(), client)).collect())
    }
}
