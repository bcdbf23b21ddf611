//! One running program per data directory.
//!
//! The lock is a file in the directory. Where the disk takes none (read-only, not there, a network disk without locks) it is
//! one in the folders of this session and of this user, which every program of the person looks at, too. A directory may be
//! moved, deleted or mounted over under the program that holds it: see [`DataLock::renew`].

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::installation;
use crate::session_file::replace;

/// Held for as long as the program uses the directory; the operating system releases it whatever happens, so that a
/// program that was killed leaves nothing behind.
#[derive(Debug, Default)]
#[must_use = "the directory is free again when this is dropped"]
pub struct DataLock {
    on_disk: Option<File>,
    /// In the folders beside it, once the disk took none. Nothing takes one there either: alerts matter more than a second
    /// program.
    beside: Vec<File>,
    /// As others read it.
    signed: Option<Owner>,
}

impl Drop for DataLock {
    /// Closing the file is not enough: a program that is being started at this moment holds a copy of it for a little longer.
    fn drop(&mut self) {
        self.on_disk.iter().chain(&self.beside).for_each(unlock);
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
        DataLock::take_beside(data_dir, &installation::folders_beside(data_dir), program, now)
    }

    /// The same with these folders for what the disk does not take.
    fn take_beside(
        data_dir: &Path,
        beside: &[PathBuf],
        program: &str,
        now: Timestamp,
    ) -> Result<DataLock, LockError> {
        let mut lock = DataLock::default();
        lock.take_anew(data_dir, beside, program, now)?;
        Ok(lock)
    }

    /// Whether the directory that is there now is the one that was taken.
    pub fn stands(&self, data_dir: &Path) -> bool {
        self.on_disk.as_ref().is_some_and(|file| is_still(file, &data_dir.join(LOCK)))
    }

    /// Whether the directory itself took the lock.
    pub fn is_on_disk(&self) -> bool {
        self.on_disk.is_some()
    }

    /// Whether folders beside the directory took the lock in its place.
    pub fn is_beside(&self) -> bool {
        !self.beside.is_empty()
    }

    /// Takes the directory that is there now, in place of one that is gone or was not there; what is held stays so on an
    /// error.
    pub fn renew(&mut self, data_dir: &Path, program: &str, now: Timestamp) -> Result<(), LockError> {
        self.take_anew(data_dir, &installation::folders_beside(data_dir), program, now)
    }

    fn take_anew(
        &mut self,
        data_dir: &Path,
        beside: &[PathBuf],
        program: &str,
        now: Timestamp,
    ) -> Result<(), LockError> {
        let owner = Owner { pid: std::process::id(), program: program.to_owned(), since: now };
        let on_disk = match lock_in(data_dir) {
            // A disk that gives its files other numbers at each look shows us ourselves.
            Err(LockError::Held(Some(owner))) if self.signed.as_ref() == Some(&owner) => return Ok(()),
            outcome => outcome?,
        };
        let mut locked = Vec::new();
        if self.beside.is_empty() {
            // Somebody may have begun while the disk took no lock.
            if let Some(owner) = beside.iter().find_map(|folder| held_in(folder)) {
                return Err(LockError::Held(owner));
            }
            for folder in beside.iter().filter(|_| on_disk.is_none()) {
                if let Err(error) = private_folder(folder) {
                    tracing::warn!(%error, folder = %folder.display(), "this folder cannot be used");
                    continue;
                }
                locked.extend(lock_in(folder)?);
                sign_in(folder, &owner);
            }
            if on_disk.is_none() && locked.is_empty() {
                tracing::warn!("nothing can be locked; another program may use the data directory too");
            }
        }
        if on_disk.is_some() {
            sign_in(data_dir, &owner);
        }
        self.beside.extend(locked);
        self.signed = Some(owner);
        self.on_disk.iter().for_each(unlock);
        self.on_disk = on_disk;
        Ok(())
    }
}

/// Who holds the directory now, if anybody does.
pub fn holder(data_dir: &Path) -> Option<Owner> {
    held(data_dir).flatten().next()
}

/// Whether somebody holds the directory now, known by name or not.
pub fn is_held(data_dir: &Path) -> bool {
    held(data_dir).next().is_some()
}

/// Whoever holds it, in each folder where that may be found.
fn held(data_dir: &Path) -> impl Iterator<Item = Option<Owner>> {
    let folders = [vec![data_dir.to_owned()], installation::folders_beside(data_dir)].concat();
    folders.into_iter().filter_map(|folder| held_in(&folder))
}

/// The name of the program that has a tray and a window.
pub const DESKTOP: &str = "VisionGuard";

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
            tracing::debug!(%error, folder = %folder.display(), "no lock can be had here");
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
    builder.create(folder)?;
    installation::is_own(folder)
}

/// Without its name in the folder a program holds it all the same.
fn sign_in(folder: &Path, owner: &Owner) {
    if let Err(error) = sign(folder, owner) {
        tracing::warn!(%error, "who holds the data directory cannot be written down");
    }
}

fn sign(folder: &Path, owner: &Owner) -> io::Result<()> {
    replace(&folder.join(OWNER), &serde_json::to_vec(owner)?)
}

/// Who holds the lock of this folder by its own word. A disk that takes no writes still has the name of a program before.
fn owner(folder: &Path) -> Option<Owner> {
    let text = std::fs::read(folder.join(OWNER)).ok()?;
    let owner: Owner = serde_json::from_slice(&text).ok()?;
    system::may_hold(owner.pid, &folder.join(LOCK)).then_some(owner)
}

fn unlock(file: &File) {
    if let Err(error) = file.unlock() {
        tracing::warn!(%error, "the data directory's lock cannot be let go");
    }
}

/// Whether this is the file that is there now.
fn is_still(file: &File, path: &Path) -> bool {
    let ours = installation::open_file_id(file);
    ours.is_some() && ours == installation::file_id(path)
}

/// What the system knows of who holds a file.
#[cfg(target_os = "linux")]
mod system {
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// Whether this process is there and, where the system tells who locks what, locks this file: proc_locks(5).
    pub(super) fn may_hold(pid: u32, lock: &Path) -> bool {
        if !Path::new(&format!("/proc/{pid}")).exists() {
            return false;
        }
        let (Ok(locks), Ok(file)) = (std::fs::read_to_string("/proc/locks"), std::fs::metadata(lock)) else {
            return true;
        };
        let inode = format!(":{}", file.ino());
        let mut of_file = locks
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|words| {
                words.get(1) == Some(&"FLOCK") && words.get(5).is_some_and(|of| of.ends_with(&inode))
            })
            .filter_map(|words| words.get(4)?.parse::<u32>().ok())
            .peekable();
        // A network disk may show its locks otherwise, or not at all.
        of_file.peek().is_none() || of_file.any(|holder| holder == pid)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    /// Nobody is asked here: the word in the file is taken.
    pub(super) fn may_hold(_pid: u32, _lock: &std::path::Path) -> bool {
        true
    }
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
        Some(Owner { pid, program, since }) => {
            let since = since.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S");
            format!(" by {program} (process {pid}, since {since})")
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_program_is_told_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let since: Timestamp = "2026-11-21T20:00:00.696375843Z".parse().unwrap();
        let here = since.to_zoned_datetime(TimeZone::system()).datetime();
        let (day, time) = (here.date(), here.time().with().subsec_nanosecond(0).build().unwrap());
        let _first = DataLock::take(folder.path(), "visionguard-desktop", since).unwrap();

        let error = DataLock::take(folder.path(), "visionguard", Timestamp::now()).unwrap_err();

        let pid = std::process::id();
        assert_eq!(
            error.to_string(),
            format!(
                "the data directory is in use by visionguard-desktop (process {pid}, since {day} {time})"
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
            sign(
                folder.path(),
                &Owner { pid: std::process::id(), program: "first".into(), since: Timestamp::now() },
            )
            .unwrap();
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
        let _copy = first.on_disk.as_ref().unwrap().try_clone().unwrap();

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
        let beside = [session.path().join("visionguard/id")];
        let nowhere = Path::new("/nowhere/at/all");
        let take = |program| DataLock::take_beside(nowhere, &beside, program, Timestamp::now());

        let first = take("first").unwrap();

        let refused = take("second").unwrap_err();
        assert!(refused.to_string().contains("in use by first (process "), "{refused}");
        drop(first);
        let _again = take("second").unwrap();
        let _without = DataLock::take_beside(nowhere, &[], "x", Timestamp::now()).unwrap();
    }

    #[test]
    fn case_22_who_began_while_the_disk_took_no_lock_is_found_when_it_does_again() {
        let (session, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let beside = [session.path().join("id")];
        let data = disk.path().join("data");
        let mut first = DataLock::take_beside(&data, &beside, "first", Timestamp::now()).unwrap();

        std::fs::create_dir(&data).unwrap();
        let refused = DataLock::take_beside(&data, &beside, "second", Timestamp::now()).unwrap_err();

        assert!(refused.to_string().contains("in use by first"), "{refused}");
        drop(DataLock::take_beside(&data, &[], "third", Timestamp::now()).unwrap());
        first.take_anew(&data, &beside, "first", Timestamp::now()).unwrap();
        assert!(first.stands(&data));
        let _refused = DataLock::take_beside(&data, &[], "third", Timestamp::now()).unwrap_err();
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_was_moved_or_deleted_is_taken_once_more_unless_another_was_faster() {
        let disk = tempfile::tempdir().unwrap();
        let data = disk.path().join("data");
        let take = |program| DataLock::take_beside(&data, &[], program, Timestamp::now());
        std::fs::create_dir(&data).unwrap();
        let mut first = take("first").unwrap();
        assert!(first.stands(&data));

        std::fs::rename(&data, disk.path().join("elsewhere")).unwrap();
        std::fs::create_dir(&data).unwrap();
        assert!(!first.stands(&data));
        let second = take("second").unwrap();
        let refused = first.take_anew(&data, &[], "first", Timestamp::now()).unwrap_err();
        assert!(refused.to_string().contains("in use by second"), "{refused}");
        assert!(!first.stands(&data));
        drop(second);

        first.take_anew(&data, &[], "first", Timestamp::now()).unwrap();
        assert!(first.stands(&data));
        let _refused = take("second").unwrap_err();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_that_is_gone_or_holds_nothing_is_not_named() {
        let folder = tempfile::tempdir().unwrap();
        let _held = DataLock::take_beside(folder.path(), &[], "first", Timestamp::now()).unwrap();
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        let mut idle = std::process::Command::new("sleep").arg("60").spawn().unwrap();

        let named = [gone.id(), idle.id(), std::process::id()].map(|pid| {
            sign(folder.path(), &Owner { pid, program: "first".into(), since: Timestamp::now() }).unwrap();
            holder(folder.path()).map(|owner| owner.pid)
        });

        idle.kill().unwrap();
        idle.wait().unwrap();
        assert_eq!(named, [None, None, Some(std::process::id())]);
        assert!(is_held(folder.path()));
    }
}
