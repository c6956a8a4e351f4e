//! A person as the command line names one.

use domain::ids::{ObjectId, PersonId};
use domain::person::Person;
use domain::ports::{Handle, Roster, StoreError};
use embedded::Store;

/// `CONNECTION:SOURCE_ID`, an object id, or a user principal name.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Whom {
    /// Who: `CONNECTION:SOURCE_ID`, an object id, or a user principal name
    #[arg(value_name = "PERSON")]
    name: String,
}

impl Whom {
    /// Whoever is called so.
    pub(crate) fn named(name: String) -> Self {
        Self { name }
    }

    /// The person; None, with the reason said on stderr, if nobody or more than one is meant.
    pub(crate) async fn find(&self, store: &Store) -> Result<Option<Person>, StoreError> {
        let found = self.ids(store).await?;
        let person = match found.as_slice() {
            [id] => store.person(id).await?,
            [] => None,
            several => {
                let ids: Vec<String> = several.iter().map(PersonId::to_string).collect();
                eprintln!("more than one person is called so, name one of them: {}", ids.join(", "));
                return Ok(None);
            }
        };
        if person.is_none() {
            eprintln!("nobody in the roster is called so: see `joinery people`");
        }
        Ok(person)
    }

    async fn ids(&self, store: &Store) -> Result<Vec<PersonId>, StoreError> {
        let name = self.name.trim();
        if let Ok(object) = name.parse::<ObjectId>() {
            return store.find(&Handle::Object(object)).await;
        }
        // A name in the tenant holds no colon.
        match name.parse::<PersonId>() {
            Ok(id) => Ok(vec![id]),
            Err(_) => store.find(&Handle::Upn(name.to_owned())).await,
        }
    }
}
