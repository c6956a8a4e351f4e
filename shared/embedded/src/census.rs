//! Reconciliation's view of the roster, and its runs: what is asked a thousand times at once is asked of indexes alone.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ids::{ObjectId, PersonId};
use domain::ports::StoreError;
use domain::reconcile::census::{Told, Whom};
use domain::reconcile::memberships::Member;
use domain::reconcile::{Census, Finding, Kind, Known, Licensed, Run, RunName};
use rusqlite::{Connection, Params, Row};

use crate::columns::{Query, at_most, column, corrupt, decode, encode, execute, rows};
use crate::roster::people;
use crate::store::Store;

/// How many people one look for the unsighted goes through at a time.
const UNSIGHTED_PAGE: usize = 2_000;

#[async_trait]
impl Census for Store {
    async fn bound(&self, accounts: &[&ObjectId]) -> Result<Vec<Option<Known>>, StoreError> {
        let sql = "SELECT account.key, people.rowid, person, fence_up, phase, licenses
                   FROM json_each(?1) AS account CROSS JOIN people ON object_id = account.value";
        self.read(|connection| {
            by_account(connection, accounts.len(), sql, [list(accounts)?], |number, person, row| {
                let is_cut = row.get(3)?;
                let is_open = Known::is_open(is_cut, text(row, 4)?);
                Ok(Known { number, person, is_cut, is_open, licenses: licenses(text(row, 5)?)? })
            })
        })
    }

    async fn members(
        &self,
        group: &ObjectId,
        accounts: &[&ObjectId],
        all: bool,
    ) -> Result<Vec<Option<Member>>, StoreError> {
        let sql = "SELECT account.key, people.rowid, person, fence_up, CASE WHEN fence_up OR ?3 THEN
                       EXISTS (SELECT 1 FROM grants WHERE target = ?2 AND grants.person = people.person)
                   ELSE 1 END FROM json_each(?1) AS account CROSS JOIN people ON object_id = account.value";
        self.read(|connection| {
            let params = (list(accounts)?, format!("group:{group}"), all);
            by_account(connection, accounts.len(), sql, params, |number, person, row| {
                Ok(Member { number, person, is_cut: row.get(3)?, is_granted: row.get(4)? })
            })
        })
    }

    async fn unsighted(
        &self,
        run: RunName,
        whom: Whom<'_>,
        after: Option<&PersonId>,
        limit: usize,
    ) -> Result<Vec<PersonId>, StoreError> {
        let mut after = after.map(PersonId::to_string).unwrap_or_default();
        self.read(|connection| {
            let sighted = Sighted::of(connection, run)?;
            let mut unsighted = Vec::new();
            loop {
                let page = page(connection, whom, &after)?;
                let Some((last, _)) = page.last() else { break };
                after.clone_from(last);
                unsighted
                    .extend(page.into_iter().filter(|(_, number)| !sighted.has(*number)).map(|(person, _)| person));
                if unsighted.len() >= limit {
                    break;
                }
            }
            unsighted.truncate(limit);
            people(&unsighted)
        })
    }

    async fn run(&self, name: RunName) -> Result<Option<Run>, StoreError> {
        self.read(|connection| {
            let stored = column::<String>(connection, "SELECT run FROM runs WHERE name = ?1", [name.as_str()])?;
            stored.first().map(|run| decode("runs", run)).transpose()
        })
    }

    async fn begin(&self, run: &Run, before: Option<u64>) -> Result<(), StoreError> {
        let name = run.name.as_str();
        self.write(|connection| {
            let stored = column::<i64>(connection, "SELECT version FROM runs WHERE name = ?1", [name])?;
            if stored.first().copied() != before.map(version).transpose()? {
                return Err(StoreError::Conflict.into());
            }
            execute(connection, "DELETE FROM findings WHERE run = ?1", [name])?;
            let sql = "INSERT OR REPLACE INTO runs (name, version, run) VALUES (?1, ?2, ?3)";
            execute(connection, sql, (name, version(run.version)?, encode(run)?))?;
            Ok(())
        })
    }

    async fn advance(&self, run: &Run, told: &Told) -> Result<(), StoreError> {
        let name = run.name.as_str();
        self.write(|connection| {
            let mut sighted = if told.forgets { Sighted::default() } else { Sighted::of(connection, run.name)? };
            told.sighted.iter().for_each(|number| sighted.note(*number));
            let sql = "UPDATE runs SET version = ?2, run = ?3, sighted = ?4 WHERE name = ?1 AND version = ?2 - 1";
            if execute(connection, sql, (name, version(run.version)?, encode(run)?, sighted.0))? != 1 {
                return Err(StoreError::Conflict.into());
            }
            for finding in &told.findings {
                let wakes = finding.kind.wakes() && run.name == RunName::Real;
                let sql = "INSERT OR IGNORE INTO findings (run, key, kind, finding, wakes) VALUES (?1, ?2, ?3, ?4, ?5)";
                let params = (name, finding.key(), encode(&finding.kind)?, encode(finding)?, wakes);
                execute(connection, sql, params)?;
            }
            Ok(())
        })
    }

    async fn findings(&self, run: RunName, after: u64, limit: usize) -> Result<Vec<(u64, Finding)>, StoreError> {
        let sql = "SELECT number, finding FROM findings WHERE run = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
        self.read(|connection| numbered(connection, sql, run, after, limit))
    }

    async fn tally(&self, run: RunName) -> Result<BTreeMap<Kind, u64>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT kind, count(*) FROM findings WHERE run = ?1 GROUP BY kind";
            let counted =
                rows(connection, sql, [run.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
            let entry = |(kind, count): (String, i64)| Ok((decode("findings", &kind)?, count.unsigned_abs()));
            counted.into_iter().map(entry).collect()
        })
    }

    async fn unwoken(&self, run: RunName, limit: usize) -> Result<Vec<(u64, Finding)>, StoreError> {
        let sql = "SELECT number, finding FROM findings
                   WHERE run = ?1 AND number > ?2 AND wakes = 1 ORDER BY number LIMIT ?3";
        self.read(|connection| numbered(connection, sql, run, 0, limit))
    }

    async fn woke(&self, run: RunName, findings: &[u64]) -> Result<(), StoreError> {
        self.write(|connection| {
            for number in findings {
                let sql = "UPDATE findings SET wakes = 0 WHERE run = ?1 AND number = ?2";
                execute(connection, sql, (run.as_str(), version(*number)?))?;
            }
            Ok(())
        })
    }
}

/// Whom a part of a run has sighted: a bit for each row of the people. A tree of their ids would be written anew with every page.
#[derive(Default)]
struct Sighted(Vec<u8>);

impl Sighted {
    fn of(connection: &Connection, run: RunName) -> Query<Self> {
        let sql = "SELECT sighted FROM runs WHERE name = ?1 AND sighted IS NOT NULL";
        Ok(Self(column(connection, sql, [run.as_str()])?.into_iter().next().unwrap_or_default()))
    }

    fn note(&mut self, number: u64) {
        let (byte, bit) = place(number);
        if self.0.len() <= byte {
            self.0.resize(byte + 1, 0);
        }
        if let Some(byte) = self.0.get_mut(byte) {
            *byte |= bit;
        }
    }

    fn has(&self, number: u64) -> bool {
        let (byte, bit) = place(number);
        self.0.get(byte).is_some_and(|byte| byte & bit != 0)
    }
}

/// Rows are numbered from 1 on, without gaps: nobody is ever forgotten.
fn place(number: u64) -> (usize, u8) {
    (usize::try_from(number / 8).unwrap_or(usize::MAX), 1 << (number % 8))
}

/// A page of those of whom it is asked who was not sighted, in order of id, with their numbers.
fn page(connection: &Connection, whom: Whom<'_>, after: &str) -> Query<Vec<(String, u64)>> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
    match whom {
        Whom::Bound => rows(
            connection,
            "SELECT person, rowid FROM people WHERE object_id IS NOT NULL AND person > ?1 ORDER BY person LIMIT ?2",
            (after, at_most(UNSIGHTED_PAGE)),
            read,
        ),
        Whom::In(group) => rows(
            connection,
            "SELECT grants.person, people.rowid FROM grants JOIN people ON people.person = grants.person
             WHERE target = ?3 AND grants.person > ?1 ORDER BY grants.person LIMIT ?2",
            (after, at_most(UNSIGHTED_PAGE), format!("group:{group}")),
            read,
        ),
    }
}

/// A list of ids as a statement takes it: a page is one statement.
fn list(accounts: &[&ObjectId]) -> Query<String> {
    encode(&accounts.iter().map(|account| account.as_str()).collect::<Vec<_>>())
}

/// Whoever is bound to each of so many accounts, from rows of the account's place in the list, the person's number and their id. An account that
/// two are bound to is settled by humans; here the lower number counts.
fn by_account<T>(
    connection: &Connection,
    accounts: usize,
    sql: &str,
    params: impl Params,
    read: impl Fn(u64, PersonId, &Row<'_>) -> Query<T>,
) -> Query<Vec<Option<T>>> {
    let mut found: Vec<Option<(u64, T)>> = (0..accounts).map(|_| None).collect();
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        let (place, number) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?.unsigned_abs());
        let Some(place) = usize::try_from(place).ok().and_then(|place| found.get_mut(place)) else { continue };
        if place.as_ref().is_none_or(|(first, _)| number < *first) {
            *place = Some((number, read(number, person(text(row, 2)?)?, row)?));
        }
    }
    Ok(found.into_iter().map(|found| found.map(|(_, one)| one)).collect())
}

/// Licenses as they stand beside the account: words of a sign and a product.
fn licenses(words: &str) -> Query<Vec<Licensed>> {
    let broken = || corrupt("people", "a sign and a product for each license");
    let read = |word: &str| {
        let is_given = word.starts_with('+');
        let sku = word.strip_prefix(['+', '-']).and_then(|sku| sku.parse().ok()).ok_or_else(broken)?;
        Ok(Licensed { sku, is_given })
    };
    words.split_ascii_whitespace().map(read).collect()
}

/// A column's text where it lies.
fn text<'row>(row: &'row Row<'_>, column: usize) -> Query<&'row str> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

fn numbered(connection: &Connection, sql: &str, run: RunName, after: u64, limit: usize) -> Query<Vec<(u64, Finding)>> {
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
    let found = rows(connection, sql, (run.as_str(), version(after)?, at_most(limit)), read)?;
    found.into_iter().map(|(number, text)| Ok((number.unsigned_abs(), decode("findings", &text)?))).collect()
}

/// A version or number as stored.
fn version(number: u64) -> Query<i64> {
    i64::try_from(number).map_err(|_| StoreError::Conflict.into())
}

fn person(text: &str) -> Query<PersonId> {
    text.parse().map_err(|_| corrupt("people", "a person's id"))
}
