//! The schema, by version: `user_version` counts the migrations that have run.

use rusqlite::{Connection, TransactionBehavior};

use crate::store::OpenError;

/// Each brings the schema one version forward. Append only: a database that has run one never runs it again.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
    include_str!("schema/0006.sql"),
    include_str!("schema/0007.sql"),
];

/// Brings the database to the newest version, in one transaction. One from a newer program is refused untouched.
pub(crate) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), OpenError> {
    if version(connection)? == migrations.len() {
        return Ok(());
    }
    // Another process may be doing the same: the version counts only under the write lock.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > migrations.len() {
        return Err(OpenError::Newer { found, known: migrations.len() });
    }
    for migration in migrations.iter().skip(found) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", i64::try_from(migrations.len()).unwrap_or(i64::MAX))?;
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> Result<usize, OpenError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // SQLite starts at 0; a negative version is nobody's, and newer than any.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_database_is_brought_forward_and_keeps_its_rows() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap();
        connection.execute("INSERT INTO settings VALUES ('a', '1')", []).unwrap();
        let more = [MIGRATIONS, &["ALTER TABLE settings ADD COLUMN note TEXT"]].concat();
        migrate(&mut connection, &more).unwrap();
        let kept: String =
            connection.query_row("SELECT value FROM settings WHERE note IS NULL", [], |row| row.get(0)).unwrap();
        assert_eq!((kept.as_str(), version(&connection).unwrap()), ("1", more.len()));
    }

    #[test]
    fn licenses_of_an_older_database_stand_beside_their_accounts() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &MIGRATIONS[..6]).unwrap();
        let rows = r#"INSERT INTO people (person, version, head, connection) VALUES ('hr:1', 1, '{}', 'hr'), ('hr:2', 1, '{}', 'hr');
            INSERT INTO grants VALUES ('hr:1', 'group:a', '{"held":true,"reasons":["p"]}'), ('hr:1', 'license:b', '{"held":true,"reasons":["p"]}'),
                ('hr:1', 'license:c', '{"held":false,"reasons":["p"]}'), ('hr:1', 'license:d', '{"held":true,"reasons":[]}')"#;
        connection.execute_batch(rows).unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap();
        let mut statement = connection.prepare("SELECT licenses FROM people ORDER BY person").unwrap();
        let licenses: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(licenses, ["+b -c -d", ""]);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_old_version() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap();
        let broken = [MIGRATIONS, &["CREATE TABLE half (a TEXT); CREATE TABLE settings (a TEXT)"]].concat();
        assert!(migrate(&mut connection, &broken).is_err());
        assert_eq!(version(&connection).unwrap(), MIGRATIONS.len());
        assert!(connection.prepare("SELECT a FROM half").is_err());
    }

    #[test]
    fn a_newer_database_is_refused_with_both_versions() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let refused = migrate(&mut connection, MIGRATIONS).unwrap_err();
        assert!(matches!(refused, OpenError::Newer { found: 99, known } if known == MIGRATIONS.len()));
    }
}
