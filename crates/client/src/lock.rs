//! One running program per data directory.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::session_file::replace;

/// Held for as long as the program uses the directory; the operating system releases it whatever happens, so that a
/// program that was killed leaves nothing behind.
#[derive(Debug)]
#[must_use = "the directory is free again when this is dropped"]
pub struct DataLock {
    _file: File,
}

/// Who holds a data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// Its name.
    pub program: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why the directory is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another program holds it; who is unknown only in the moment in which that one starts.
    #[error("the data directory is in use{}", said(.0.as_ref()))]
    Held(Option<Owner>),
    /// The lock file cannot be made.
    #[error("cannot lock the data directory")]
    Io(#[from] io::Error),
}

impl DataLock {
    /// Takes the directory, without waiting.
    pub fn take(data_dir: &Path, program: &str, now: Timestamp) -> Result<DataLock, LockError> {
        let file = open(data_dir)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(owner(data_dir))),
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        let owner = Owner { pid: std::process::id(), program: program.to_owned(), since: now };
        replace(&data_dir.join(OWNER), &serde_json::to_vec(&owner).map_err(io::Error::from)?)?;
        Ok(DataLock { _file: file })
    }
}

/// Who holds the directory now, if anybody does.
pub fn holder(data_dir: &Path) -> Option<Owner> {
    let file = File::open(data_dir.join(LOCK)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => owner(data_dir),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

const LOCK: &str = "lock";

/// Beside the lock, not in it: Windows lets nobody read a locked file.
const OWNER: &str = "lock.json";

fn open(data_dir: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(data_dir.join(LOCK))
}

fn owner(data_dir: &Path) -> Option<Owner> {
    let text = std::fs::read(data_dir.join(OWNER)).ok()?;
    serde_json::from_slice(&text).ok()
}

fn said(owner: Option<&Owner>) -> String {
    match owner {
        Some(owner) => format!(" by {} (process {}, since {})", owner.program, owner.pid, owner.since),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_program_is_told_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let since: Timestamp = "2026-11-21T20:00:00Z".parse().unwrap();
        let _first = DataLock::take(folder.path(), "visionguard-desktop", since).unwrap();

        let error = DataLock::take(folder.path(), "visionguard", Timestamp::now()).unwrap_err();

        let pid = std::process::id();
        assert_eq!(
            error.to_string(),
            format!(
                "the data directory is in use by visionguard-desktop (process {pid}, since 2026-11-21T20:00:00Z)"
            )
        );
        assert_eq!(holder(folder.path()).unwrap().pid, pid);
    }

    #[test]
    fn a_directory_that_was_let_go_can_be_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataLock::take(folder.path(), "first", Timestamp::now()).unwrap();

        drop(first);

        assert_eq!(holder(folder.path()), None);
        let _second = DataLock::take(folder.path(), "second", Timestamp::now()).unwrap();
        assert_eq!(holder(folder.path()).unwrap().program, "second");
    }

    #[test]
    fn what_a_killed_program_left_behind_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lock"), "").unwrap();
        std::fs::write(
            folder.path().join("lock.json"),
            r#"{"pid":1,"program":"x","since":"2026-11-21T20:00:00Z"}"#,
        )
        .unwrap();

        assert_eq!(holder(folder.path()), None);
        let _lock = DataLock::take(folder.path(), "visionguard", Timestamp::now()).unwrap();
    }

    #[test]
    fn a_directory_that_is_not_there_cannot_be_locked() {
        let error = DataLock::take(Path::new("/nowhere/at/all"), "x", Timestamp::now()).unwrap_err();

        assert!(matches!(error, LockError::Io(_)));
    }
}
