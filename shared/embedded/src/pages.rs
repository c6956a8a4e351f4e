//! Pages: what a person must look at now, one row per key.

use async_trait::async_trait;
use domain::ids::PersonId;
use domain::ports::{Page, Pager, StoreError};

use crate::columns::{Query, at_most, corrupt, execute, instant, micros, rows};
use crate::store::Store;

impl Store {
    /// Stores the page and tells whether it is the first with its key, so that whoever also logs or sends it does so once.
    pub fn raise(&self, page: &Page) -> Result<bool, StoreError> {
        let person = page.person.as_ref().map(PersonId::to_string);
        self.write(|connection| {
            let stored = execute(
                connection,
                "INSERT INTO pages (key, person, text, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO NOTHING",
                (&page.key, person, &page.text, micros(page.at)),
            )?;
            Ok(stored == 1)
        })
    }

    /// The latest pages, newest last; at most `limit`.
    pub fn pages(&self, limit: usize) -> Result<Vec<Page>, StoreError> {
        self.read(|connection| {
            let newest_first = rows(
                connection,
                "SELECT key, person, text, at FROM pages ORDER BY at DESC, key DESC LIMIT ?1",
                [at_most(limit)],
                |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?, row.get(2)?, row.get(3)?)),
            )?;
            newest_first.into_iter().rev().map(|(key, person, text, at)| page(key, person.as_deref(), text, at)).collect()
        })
    }
}

#[async_trait]
impl Pager for Store {
    async fn page(&self, page: Page) -> Result<(), StoreError> {
        self.raise(&page).map(|_| ())
    }
}

fn page(key: String, person: Option<&str>, text: String, at: i64) -> Query<Page> {
    let person = person.map(str::parse).transpose().map_err(|_| corrupt("pages", "a person's id"))?;
    Ok(Page { key, person, text, at: instant("pages", at)? })
}
