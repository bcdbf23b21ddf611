//! One running program per data directory.
//!
//! The lock is a file in the directory. Where the disk takes none (read-only, not there, a network disk without locks) it is
//! one in the session's runtime folder, which every program of the person looks at, too.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::installation;
use crate::session_file::replace;

/// Held for as long as the program uses the directory; the operating system releases it whatever happens, so that a
/// program that was killed leaves nothing behind.
#[derive(Debug)]
#[must_use = "the directory is free again when this is dropped"]
pub struct DataLock {
    /// None where nothing takes a lock: alerts matter more than a second program.
    file: Option<File>,
}

impl Drop for DataLock {
    /// Closing the file is not enough: a program that is being started at this moment holds a copy of it for a little longer.
    fn drop(&mut self) {
        if let Some(Err(error)) = self.file.as_ref().map(File::unlock) {
            tracing::warn!(%error, "the data directory's lock cannot be let go");
        }
    }
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
    /// Another program holds it; who is unknown where the disk did not take its name.
    #[error("the data directory is in use{}", said(.0.as_ref()))]
    Held(Option<Owner>),
}

impl DataLock {
    /// Takes the directory, without waiting for it to be free. A disk that is full, cannot be written, is not there or knows no
    /// locks holds nobody up.
    pub fn take(data_dir: &Path, program: &str, now: Timestamp) -> Result<DataLock, LockError> {
        DataLock::take_beside(data_dir, installation::runtime_dir(data_dir).as_deref(), program, now)
    }

    /// The same with this folder for what the disk does not take.
    fn take_beside(
        data_dir: &Path,
        runtime: Option<&Path>,
        program: &str,
        now: Timestamp,
    ) -> Result<DataLock, LockError> {
        let on_disk = lock_in(data_dir)?;
        if let Some(file) = on_disk {
            // Somebody may have begun while the disk took no lock.
            if let Some(owner) = runtime.and_then(held_in) {
                return Err(LockError::Held(owner));
            }
            sign_in(data_dir, program, now);
            return Ok(DataLock { file: Some(file) });
        }
        let Some(runtime) = runtime else {
            tracing::warn!("the data directory cannot be locked; another program may use it too");
            return Ok(DataLock { file: None });
        };
        if let Err(error) = private_folder(runtime) {
            tracing::warn!(%error, "the runtime folder cannot be used");
        }
        let file = lock_in(runtime)?;
        match &file {
            Some(_) => sign_in(runtime, program, now),
            None => tracing::warn!("nothing can be locked; another program may use the data directory too"),
        }
        Ok(DataLock { file })
    }
}

/// Who holds the directory now, if anybody does.
pub fn holder(data_dir: &Path) -> Option<Owner> {
    let runtime = installation::runtime_dir(data_dir);
    [Some(data_dir), runtime.as_deref()].into_iter().flatten().find_map(held_in).flatten()
}

const LOCK: &str = "lock";

/// Beside the lock, not in it: Windows lets nobody read a locked file.
const OWNER: &str = "lock.json";

/// How long after it took the lock a program may be unknown.
const SIGNED_WITHIN: Duration = Duration::from_secs(1);

/// The lock of this folder; none where it takes none.
fn lock_in(folder: &Path) -> Result<Option<File>, LockError> {
    let locked = open(folder).map_err(TryLockError::Error).and_then(|file| file.try_lock().map(|()| file));
    match locked {
        Ok(file) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(LockError::Held(owner_soon(folder))),
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, folder = %folder.display(), "no lock can be had here");
            Ok(None)
        }
    }
}

/// Whether somebody holds the lock of this folder, and who, where that is known.
fn held_in(folder: &Path) -> Option<Option<Owner>> {
    let file = File::open(folder.join(LOCK)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(owner(folder)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// On a disk that cannot be written the file that was made before serves as well.
fn open(folder: &Path) -> io::Result<File> {
    let path = folder.join(LOCK);
    match File::options().read(true).write(true).create(true).truncate(false).open(&path) {
        Err(error) => File::open(&path).map_err(|_| error),
        outcome => outcome,
    }
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Without its name in the folder a program holds it all the same.
fn sign_in(folder: &Path, program: &str, now: Timestamp) {
    if let Err(error) = sign(folder, program, now) {
        tracing::warn!(%error, "who holds the data directory cannot be written down");
    }
}

fn sign(data_dir: &Path, program: &str, now: Timestamp) -> io::Result<()> {
    let owner = Owner { pid: std::process::id(), program: program.to_owned(), since: now };
    replace(&data_dir.join(OWNER), &serde_json::to_vec(&owner)?)
}

fn owner(data_dir: &Path) -> Option<Owner> {
    let text = std::fs::read(data_dir.join(OWNER)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The same of a program that may be starting at this very moment, and signs after it took the lock.
fn owner_soon(data_dir: &Path) -> Option<Owner> {
    let give_up_at = Instant::now() + SIGNED_WITHIN;
    loop {
        let owner = owner(data_dir);
        if owner.is_some() || Instant::now() >= give_up_at {
            return owner;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
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
    fn one_that_starts_at_the_same_moment_is_told_once_the_other_has_signed() {
        let folder = tempfile::tempdir().unwrap();
        let taken = open(folder.path()).unwrap();
        taken.lock().unwrap();

        let error = std::thread::scope(|scope| {
            let second =
                scope.spawn(|| DataLock::take(folder.path(), "second", Timestamp::now()).unwrap_err());
            sign(folder.path(), "first", Timestamp::now()).unwrap();
            second.join().unwrap()
        });

        assert!(error.to_string().contains("in use by first (process "), "{error}");
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
    fn a_copy_of_the_file_in_a_program_that_is_being_started_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataLock::take(folder.path(), "first", Timestamp::now()).unwrap();
        let _copy = first.file.as_ref().unwrap().try_clone().unwrap();

        drop(first);

        let _second = DataLock::take(folder.path(), "second", Timestamp::now()).unwrap();
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
    fn a_disk_that_does_not_take_our_name_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        // Nothing can be renamed onto a directory, whoever asks.
        std::fs::create_dir(folder.path().join("lock.json")).unwrap();

        let _first = DataLock::take(folder.path(), "first", Timestamp::now()).unwrap();

        let second = DataLock::take(folder.path(), "second", Timestamp::now()).unwrap_err();
        assert!(matches!(second, LockError::Held(None)), "{second}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_cannot_be_written_holds_nobody_up() {
        // Nobody makes a file there, the administrator included.
        let _lock = DataLock::take(Path::new("/sys"), "x", Timestamp::now()).unwrap();
    }

    #[test]
    fn case_22_a_directory_that_is_not_there_is_locked_in_the_session_s_folder() {
        let session = tempfile::tempdir().unwrap();
        let runtime = session.path().join("visionguard/id");
        let nowhere = Path::new("/nowhere/at/all");
        let take = |program| DataLock::take_beside(nowhere, Some(&runtime), program, Timestamp::now());

        let first = take("first").unwrap();

        let refused = take("second").unwrap_err();
        assert!(refused.to_string().contains("in use by first (process "), "{refused}");
        drop(first);
        let _again = take("second").unwrap();
        let _without = DataLock::take_beside(nowhere, None, "x", Timestamp::now()).unwrap();
    }

    #[test]
    fn case_22_who_began_while_the_disk_took_no_lock_is_found_when_it_does_again() {
        let (session, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let runtime = session.path().join("id");
        let data = disk.path().join("data");
        let _first = DataLock::take_beside(&data, Some(&runtime), "first", Timestamp::now()).unwrap();

        std::fs::create_dir(&data).unwrap();
        let refused = DataLock::take_beside(&data, Some(&runtime), "second", Timestamp::now()).unwrap_err();

        assert!(refused.to_string().contains("in use by first"), "{refused}");
        drop(DataLock::take_beside(&data, None, "third", Timestamp::now()).unwrap());
    }
}
