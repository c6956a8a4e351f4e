//! Between columns and the domain's types, and between SQLite's errors and the ports'.

use std::time::Duration;

use domain::ports::StoreError;
use jiff::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{Connection, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What goes wrong inside a transaction: SQLite's part, or an answer of the port.
#[derive(Debug)]
pub(crate) enum Fault {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

/// The result of work inside a transaction.
pub(crate) type Query<T> = Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Sqlite(error) => Self::Unavailable(Box::new(error)),
            Fault::Store(error) => error,
        }
    }
}

/// A stored value that is not what its column should hold. `serde_json`'s and the ids' own errors may quote the value,
/// which may be personal; this tells the place only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("not the JSON of its type (line {line}, column {column})")]
    Json { line: usize, column: usize },
    #[error("not {0}")]
    Not(&'static str),
}

/// The error for a stored value that is not what it should be.
pub(crate) fn corrupt(table: &'static str, expected: &'static str) -> Fault {
    Fault::Store(StoreError::Corrupt(table, Box::new(Unreadable::Not(expected))))
}

/// The JSON to store.
pub(crate) fn encode<T: Serialize>(value: &T) -> Query<String> {
    serde_json::to_string(value).map_err(|error| Fault::Store(StoreError::Unavailable(Box::new(place(&error)))))
}

/// Reads stored JSON back.
pub(crate) fn decode<T: DeserializeOwned>(table: &'static str, text: &str) -> Query<T> {
    serde_json::from_str(text).map_err(|error| Fault::Store(StoreError::Corrupt(table, Box::new(place(&error)))))
}

fn place(error: &serde_json::Error) -> Unreadable {
    Unreadable::Json { line: error.line(), column: error.column() }
}

/// The first column of every row.
pub(crate) fn column<T: FromSql>(connection: &Connection, sql: &str, params: impl Params) -> Query<Vec<T>> {
    rows(connection, sql, params, |row| row.get(0))
}

/// Every row, read by `read`. The number of rows is bounded by the statement.
pub(crate) fn rows<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Query<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?.collect::<Result<_, _>>()?;
    Ok(rows)
}

/// Executes a statement and tells how many rows it changed.
pub(crate) fn execute(connection: &Connection, sql: &str, params: impl Params) -> Query<usize> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// "Now" as stored: rounded down, so that with [`not_before`] nothing happens early.
pub(crate) fn micros(instant: Timestamp) -> i64 {
    // As nanoseconds it always fits: jiff's years end at 9999.
    i64::try_from(instant.as_nanosecond().div_euclid(1000)).unwrap_or(i64::MAX)
}

/// An instant before which something must not happen, as stored: rounded up.
pub(crate) fn not_before(instant: Timestamp) -> i64 {
    micros(instant) + i64::from(instant.as_nanosecond().rem_euclid(1000) > 0)
}

/// A stored instant.
pub(crate) fn instant(table: &'static str, micros: i64) -> Query<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| corrupt(table, "an instant"))
}

/// A span as stored, rounded up.
pub(crate) fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(i64::MAX)
}

/// A limit as SQL wants it.
pub(crate) fn at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_due_before_its_instant(a in 0..4000i128, b in 0..4000i128) {
            let at = |nanos| Timestamp::from_nanosecond(1_700_000_000_000_000_000 + nanos).unwrap();
            prop_assert!(micros(at(a)) < not_before(at(b)) || a >= b);
            prop_assert!(micros(at(a)) >= not_before(at(b)) || a < b + 1000);
        }
    }

    #[test]
    fn an_error_about_stored_json_never_quotes_it() {
        let Err(Fault::Store(error)) = decode::<u32>("people", "\"Zoe Planted\"") else { panic!("that is no number") };
        let StoreError::Corrupt(table, source) = &error else { panic!("corrupt, not {error}") };
        assert_eq!(*table, "people");
        assert!(!format!("{error:?} {error} {source}").contains("Planted"));
    }
}
