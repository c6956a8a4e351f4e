//! Pages: what a person must look at now, one row per key.

use async_trait::async_trait;
use domain::ids::PersonId;
use domain::ports::{Page, Pager, StoreError};

use crate::columns::{Query, at_most, corrupt, execute, instant, micros, rows};
use crate::store::Store;

impl Store {
    /// Stores the page and tells whether it is the first with its key, so that whoever also logs or sends it does so
    /// once.
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
            newest_first
                .into_iter()
                .rev()
                .map(|(key, person, text, at)| page(key, person.as_deref(), text, at))
                .collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{at, person};
    use crate::testing::Room;

    #[tokio::test]
    async fn a_page_is_raised_once_per_key() {
        let room = Room::new();
        let page = Page {
            key: "guard".to_owned(),
            person: Some(person(1).unwrap()),
            text: "five at once".to_owned(),
            at: at(0),
        };
        assert!(room.store.raise(&page).unwrap());
        let again = Page { text: "six at once".to_owned(), at: at(5), ..page.clone() };
        assert!(!room.store.raise(&again).unwrap());
        room.store.page(again).await.unwrap();
        assert_eq!(room.store.pages(10).unwrap(), [page]);
    }

    #[test]
    fn the_latest_pages_are_listed_newest_last() {
        let room = Room::new();
        for (key, second) in [("c", 3), ("a", 1), ("b", 2)] {
            let page = Page { key: key.to_owned(), person: None, text: String::new(), at: at(second) };
            assert!(room.store.raise(&page).unwrap());
        }
        let keys = room.store.pages(2).unwrap().into_iter().map(|page| page.key);
        assert_eq!(keys.collect::<Vec<_>>(), ["b", "c"]);
    }
}
