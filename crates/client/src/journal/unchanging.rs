//! Reading a file on a disk that takes no writes, where SQLite's usual ways would make something beside it, or mend it first.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::JournalError;
use super::file::{beside, uri};
use super::mode::probe;
#[cfg(unix)]
use crate::installation;

/// What holds changes that are not in the file itself yet, or are to be taken back from it.
const COMPANIONS: [&str; 2] = ["-wal", "-journal"];

/// Opens it as it is where all is in it, else a copy of it, which is gone once it is closed.
pub(super) fn open(path: &Path) -> Result<Connection, JournalError> {
    let has = |suffix: &&str| fs::metadata(beside(path, suffix)).is_ok_and(|companion| companion.len() > 0);
    let companions: Vec<&str> = COMPANIONS.into_iter().filter(has).collect();
    if companions.is_empty() { as_it_is(path) } else { copy(path, &companions) }
}

/// Neither locks nor anything beside it is looked for.
fn as_it_is(path: &Path) -> Result<Connection, JournalError> {
    let reading = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let flags = reading | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(path, "immutable=1"), flags)?;
    probe(&connection)?;
    Ok(connection)
}

/// Where it can be mended. Its names go at once: an open file needs none.
#[cfg(unix)]
fn copy(path: &Path, companions: &[&str]) -> Result<Connection, JournalError> {
    let folder = installation::private_folder()?;
    let opened = copy_into(&folder, path, companions);
    if let Err(error) = fs::remove_dir_all(&folder) {
        tracing::warn!(%error, folder = %folder.display(), "a copy of the journal stays behind");
    }
    opened
}

/// Elsewhere it would stay behind.
#[cfg(not(unix))]
fn copy(_path: &Path, _companions: &[&str]) -> Result<Connection, JournalError> {
    Err(JournalError::Unwritable)
}

#[cfg(unix)]
fn copy_into(folder: &Path, path: &Path, companions: &[&str]) -> Result<Connection, JournalError> {
    let copy = folder.join(super::FILE_NAME);
    fs::copy(path, &copy)?;
    for companion in companions {
        fs::copy(beside(path, companion), beside(&copy, companion))?;
    }
    let connection = Connection::open_with_flags(
        &copy,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // Alone, a connection keeps in memory what it would share in a file.
    connection.pragma_update(None, "locking_mode", "exclusive")?;
    probe(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}
