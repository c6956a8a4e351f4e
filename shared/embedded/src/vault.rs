//! The sealed place: a directory `sealed/` (0700) with one file (0600) per reference, named by the reference's SHA-256.
//!
//! # What it protects against
//! - Other users of the machine: only the owner of the files and root can read them.
//! - Leaks by the side: secrets are in no database, dump, log line, error or message; those hold the reference alone.
//! - Half a secret: a file is written beside its place and moved there whole, also across `kill -9`.
//!
//! # What it does not protect against
//! - Root, whoever runs as the same user, and whoever holds the disk or a backup of it: contents are not encrypted, for
//!   a key on the same machine would lie beside them. Use an encrypted disk, and leave `sealed/` out of backups.
//! - Recovery from the disk: a taken secret is unlinked, not overwritten (which flash and journaling file systems would
//!   not honor). First credentials are to be changed at first sign-in for this reason too.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use domain::ids::hex_sha256;
use domain::ports::{StoreError, Vault};

use crate::columns::Unreadable;
use crate::limits::SECRET_BYTES_MAX;
use crate::store::Store;

/// Where a secret is written before it is moved to its place. One name is enough: writers take turns. What a killed
/// writer leaves here was never acknowledged, and goes with the next write or the next start.
const INCOMING: &str = "incoming";

/// The directory of secrets.
pub(crate) struct Sealed {
    directory: PathBuf,
    sync: bool,
}

#[async_trait]
impl Vault for Store {
    async fn put(&self, reference: &str, secret: &str) -> Result<(), StoreError> {
        if secret.len() > SECRET_BYTES_MAX {
            return Err(unavailable(ErrorKind::FileTooLarge.into()));
        }
        self.sealed().put(reference, secret).map_err(unavailable)
    }

    async fn peek(&self, reference: &str) -> Result<Option<String>, StoreError> {
        self.sealed().read(reference).map_err(unavailable)?.map(text).transpose()
    }

    async fn take(&self, reference: &str) -> Result<Option<String>, StoreError> {
        self.sealed().take(reference).map_err(unavailable)?.map(text).transpose()
    }
}

impl Sealed {
    pub(crate) fn open(parent: &Path, sync: bool) -> io::Result<Self> {
        let directory = parent.join("sealed");
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            // Ours alone, so it is closed whatever somebody has made of it.
            _ => fs::set_permissions(&directory, Permissions::from_mode(0o700))?,
        }
        let sealed = Self { directory, sync };
        let turn = sealed.turn()?;
        sealed.remove(&sealed.directory.join(INCOMING), &turn)?;
        Ok(sealed)
    }

    fn put(&self, reference: &str, secret: &str) -> io::Result<()> {
        let turn = self.turn()?;
        let incoming = self.directory.join(INCOMING);
        self.remove(&incoming, &turn)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&incoming)?;
        file.write_all(secret.as_bytes())?;
        if self.sync {
            file.sync_all()?;
        }
        fs::rename(&incoming, self.path(reference))?;
        self.settle(&turn)
    }

    fn read(&self, reference: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path(reference)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut secret = Vec::new();
        // `put` lets nothing longer in.
        file.take(SECRET_BYTES_MAX as u64).read_to_end(&mut secret)?;
        Ok(Some(secret))
    }

    /// At most one taker gets it; one that is killed right after loses it, which the caller's own record must survive.
    fn take(&self, reference: &str) -> io::Result<Option<Vec<u8>>> {
        let turn = self.turn()?;
        let secret = self.read(reference)?;
        if secret.is_some() {
            self.remove(&self.path(reference), &turn)?;
        }
        Ok(secret)
    }

    fn path(&self, reference: &str) -> PathBuf {
        self.directory.join(hex_sha256(&[reference]))
    }

    /// Waits for one's turn among all threads and processes; the turn ends when the answer is dropped, or its process
    /// is.
    fn turn(&self) -> io::Result<File> {
        let directory = File::open(&self.directory)?;
        directory.lock()?;
        Ok(directory)
    }

    fn remove(&self, path: &Path, turn: &File) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.settle(turn),
        }
    }

    fn settle(&self, directory: &File) -> io::Result<()> {
        if self.sync { directory.sync_all() } else { Ok(()) }
    }
}

fn text(secret: Vec<u8>) -> Result<String, StoreError> {
    // The error of `from_utf8` holds the bytes: it is not handed on.
    String::from_utf8(secret).map_err(|_| StoreError::Corrupt("sealed", Box::new(Unreadable::Not("text"))))
}

fn unavailable(error: io::Error) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Room;

    const SECRET: &str = "Planted-Secret-1";

    #[tokio::test]
    async fn a_secret_lies_in_a_file_of_its_owner_alone_that_does_not_name_it() {
        let room = Room::new();
        room.store.put("credential/bamboo:1", SECRET).await.unwrap();
        let files = files(&room);
        let [(name, mode)] = files.as_slice() else { panic!("one file, not {files:?}") };
        assert_eq!((name.as_str(), *mode), (hex_sha256(&["credential/bamboo:1"]).as_str(), 0o600));
    }

    #[tokio::test]
    async fn m06_a_secret_is_in_no_file_of_the_database() {
        let room = Room::new();
        room.store.put("credential/bamboo:1", SECRET).await.unwrap();
        for file in fs::read_dir(room.directory.path()).unwrap().map(|file| file.unwrap().path()) {
            if file.is_file() {
                let content = fs::read(&file).unwrap();
                assert!(!content.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "{}", file.display());
            }
        }
    }

    #[tokio::test]
    async fn a_taken_secret_leaves_no_file() {
        let room = Room::new();
        room.store.put("r", SECRET).await.unwrap();
        assert_eq!(room.store.take("r").await.unwrap().as_deref(), Some(SECRET));
        assert_eq!(files(&room), []);
    }

    #[tokio::test]
    async fn what_a_killed_writer_left_is_neither_read_nor_kept() {
        let room = Room::new();
        room.store.put("r", "old").await.unwrap();
        fs::write(room.directory.path().join("sealed").join(INCOMING), "hal").unwrap();
        assert_eq!(room.store.peek("r").await.unwrap().as_deref(), Some("old"));
        let room = room.reopen();
        assert_eq!(files(&room).len(), 1);
        fs::write(room.directory.path().join("sealed").join(INCOMING), "half of a longer one").unwrap();
        room.store.put("r", "new").await.unwrap();
        assert_eq!((room.store.peek("r").await.unwrap().as_deref(), files(&room).len()), (Some("new"), 1));
    }

    #[tokio::test]
    async fn a_secret_beyond_the_limit_is_refused_and_the_old_one_kept() {
        let room = Room::new();
        room.store.put("r", &"x".repeat(SECRET_BYTES_MAX)).await.unwrap();
        let refused = room.store.put("r", &"y".repeat(SECRET_BYTES_MAX + 1)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
        assert_eq!(room.store.peek("r").await.unwrap(), Some("x".repeat(SECRET_BYTES_MAX)));
    }

    #[tokio::test]
    async fn a_secret_that_is_no_text_is_corrupt_and_not_quoted() {
        let room = Room::new();
        room.store.put("r", SECRET).await.unwrap();
        fs::write(room.store.sealed().path("r"), [SECRET.as_bytes(), &[0xff]].concat()).unwrap();
        let error = room.store.peek("r").await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt("sealed", _)));
        // Debug of bytes is a list of numbers: 80 is the first of the secret.
        assert!(!format!("{error:?}").contains("Planted") && !format!("{error:?}").contains("80"));
    }

    #[test]
    fn takers_at_once_share_out_the_secrets() {
        let room = Room::new();
        let stores = [room.store.clone(), room.second(), room.second()];
        let gate = std::sync::Barrier::new(stores.len());
        for _ in 0..200 {
            room.store.sealed().put("r", SECRET).unwrap();
            let take = |sealed: &Sealed| {
                gate.wait();
                usize::from(sealed.take("r").unwrap().is_some())
            };
            let taken: usize = std::thread::scope(|scope| {
                let taking = stores.each_ref().map(|store| scope.spawn(|| take(store.sealed())));
                taking.into_iter().map(|taking| taking.join().unwrap()).sum()
            });
            assert_eq!(taken, 1);
        }
    }

    fn files(room: &Room) -> Vec<(String, u32)> {
        let sealed = room.directory.path().join("sealed");
        assert_eq!(fs::metadata(&sealed).unwrap().permissions().mode() & 0o777, 0o700);
        let files = fs::read_dir(sealed).unwrap().map(Result::unwrap);
        files
            .map(|file| {
                (file.file_name().into_string().unwrap(), file.metadata().unwrap().permissions().mode() & 0o777)
            })
            .collect()
    }
}
