//! The store: one directory, one connection, one transaction per call.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ports::{Clock, StoreError};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::columns::{Fault, Query};
use crate::limits::{BUSY_TIMEOUT, CACHE_KIB, STATEMENTS_MAX};
use crate::schema;
use crate::vault::Sealed;

/// The database's name in the store's directory.
pub const DATABASE: &str = "joinery.db";

/// Every port of one machine; a clone is the same store.
///
/// # Blocking
/// Calls reach SQLite in place, through one connection behind a mutex, even the async ones. A call touches a few rows
/// and at most one fsync, and SQLite has one writer anyway: a pool or `spawn_blocking` would buy two thread hand-overs
/// per call and give up the fixed order of events that virtual-time tests rest on. A call blocks longer only while
/// another *process* writes, and then for [`BUSY_TIMEOUT`] at most.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    connection: Mutex<Connection>,
    clock: Arc<dyn Clock>,
    sealed: Sealed,
}

/// How to open a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// What acknowledged data survives.
    pub durability: Durability,
}

/// What acknowledged data survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The machine losing power: every commit and every sealed secret is synced to the disk before it is acknowledged.
    #[default]
    PowerLoss,
    /// The process dying in any way, `kill -9` included, but not the machine. For tests: nothing is synced.
    Crash,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or a file in it cannot be made, read or locked.
    #[error("the data directory cannot be used")]
    Directory(#[from] io::Error),
    /// SQLite refuses the database.
    #[error("the database cannot be opened")]
    Database(#[from] rusqlite::Error),
    /// Written by a newer program.
    #[error("the database has version {found}, this program knows versions up to {known}: use the newer program")]
    Newer {
        /// The version of the database.
        found: usize,
        /// The newest version this program knows.
        known: usize,
    },
}

impl Store {
    /// Opens the store in `directory`, making both if they are missing. A directory that is new or empty is closed to
    /// everybody but its owner (0700), one in use is left as it is; the files are 0600 in either.
    pub fn open(directory: &Path, clock: Arc<dyn Clock>, options: Options) -> Result<Self, OpenError> {
        let sync = options.durability == Durability::PowerLoss;
        prepare_directory(directory, sync)?;
        // One opens at a time: SQLite's switch of a new file to WAL does not wait for its turn, it fails.
        let turn = File::open(directory)?;
        turn.lock()?;
        let sealed = Sealed::open(directory, sync)?;
        let connection = connect(&directory.join(DATABASE), options.durability)?;
        Ok(Self(Arc::new(Inner { connection: Mutex::new(connection), clock, sealed })))
    }

    /// Now, by the store's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn sealed(&self) -> &Sealed {
        &self.0.sealed
    }

    /// Does the work in one transaction that sees one state throughout.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Query<T>) -> Result<T, StoreError> {
        self.transact(TransactionBehavior::Deferred, work)
    }

    /// Does the work in one transaction that is stored when this returns, or leaves no trace. It takes the write lock
    /// at once: one that upgrades later could find its view outdated and fail.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Connection) -> Query<T>) -> Result<T, StoreError> {
        self.transact(TransactionBehavior::Immediate, work)
    }

    fn transact<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Connection) -> Query<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(behavior).map_err(Fault::from)?;
        // On an error the transaction is dropped, which rolls it back.
        let value = work(&transaction)?;
        transaction.commit().map_err(Fault::from)?;
        Ok(value)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // Whoever panicked with the lock has rolled back on the way out: nothing is half done.
        self.0.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

fn prepare_directory(directory: &Path, sync: bool) -> io::Result<()> {
    let existed = directory.exists();
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    if !existed && sync {
        // The directory's own entry, or a power loss takes everything in it along.
        let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    // Closing a directory that holds other things would lock others out of those: the files' own modes must do.
    if existed && fs::read_dir(directory)?.next().is_none() {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn connect(file: &Path, durability: Durability) -> Result<Connection, OpenError> {
    // SQLite would make the file with the process's umask; its `-wal` and `-shm` take over the mode they find.
    OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    let synchronous = match durability {
        Durability::PowerLoss => "FULL",
        Durability::Crash => "OFF",
    };
    connection.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous};
         PRAGMA journal_mode = WAL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -{CACHE_KIB};"
    ))?;
    schema::migrate(&mut connection, schema::MIGRATIONS)?;
    Ok(connection)
}

#[cfg(test)]
mod killed;
#[cfg(test)]
mod tests;
