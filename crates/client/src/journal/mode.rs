//! How the file is kept where it lies. Most disks share memory between programs, as write-ahead logging wants it; some, of the
//! network above all, do not, and a few know no locks either. It is found out by trying.
//!
//! In each of the three a commit that returned is on the disk.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use rusqlite::{Connection, OpenFlags, ffi};

use super::{JournalError, unchanging};

/// How the file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With write-ahead logging: reading and writing never wait for each other.
    Ahead,
    /// With a rollback journal, for a disk without shared memory.
    Rollback,
    /// The same by one connection alone, for a disk without locks.
    Alone,
}

/// SQLite's layer over the system that takes no locks.
pub(super) const WITHOUT_LOCKS: &str = "unix-none";
/// Beside the journal's file: what is tried out is not tried on that.
const TRIAL: &str = "-trial";

impl Mode {
    /// How this connection keeps its file.
    pub(super) fn of(connection: &Connection) -> Result<Mode, JournalError> {
        let word = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, String>(0));
        Ok(match (word("journal_mode")?.as_str(), word("locking_mode")?.as_str()) {
            // Read so where the disk shares no memory: whoever writes it next keeps it otherwise.
            ("wal", "exclusive") => Mode::Rollback,
            ("wal", _) => Mode::Ahead,
            (_, "exclusive") => Mode::Alone,
            _ => Mode::Rollback,
        })
    }
}

/// Opens a file for writing in the best mode that its disk has; `set_up` says everything but that.
pub(super) fn open(
    path: &Path,
    set_up: impl Fn(&Connection) -> Result<(), JournalError>,
) -> Result<Connection, JournalError> {
    let first = if is_kept_ahead(path) || has_shared_memory(path) { Mode::Ahead } else { Mode::Rollback };
    let modes = [Mode::Ahead, Mode::Rollback, Mode::Alone];
    let mut last = JournalError::Closed;
    for mode in modes.into_iter().skip_while(|mode| *mode != first) {
        match open_in(mode, path, &set_up) {
            Ok(connection) => return Ok(connection),
            Err(Trouble::Lacks(error)) => {
                tracing::warn!(%error, ?mode, "this disk cannot keep the journal like that");
                last = error.into();
            }
            Err(Trouble::Other(error)) => return Err(error),
        }
    }
    Err(last)
}

/// Opens a file for a change beside its owner, whose mode is not touched.
pub(super) fn open_beside(
    path: &Path,
    set_up: impl Fn(&Connection) -> Result<(), JournalError>,
) -> Result<Connection, JournalError> {
    let connection = Connection::open_with_flags(path, writing())?;
    set_up(&connection)?;
    connection.pragma_update(None, "synchronous", "extra")?;
    probe(&connection).map_err(unshared)?;
    Ok(connection)
}

/// Opens a file for reading, also beside its owner.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, JournalError> {
    let mut opened = read_only(path);
    if opened.is_err() && takes_no_writes(path) {
        return unchanging::open(path);
    }
    if opened.as_ref().is_err_and(was_cut_off) {
        take_back(path)?;
        opened = read_only(path);
    }
    match opened {
        Ok(connection) => return Ok(connection),
        Err(error) if lacks_memory(&error) => {}
        Err(error) => return Err(unshared(error)),
    }
    // Left by a program that kept it on another disk, or from before it was copied here: nobody else can have it open.
    let connection = Connection::open_with_flags(path, writing())?;
    connection.busy_timeout(super::file::BUSY)?;
    connection.pragma_update(None, "locking_mode", "exclusive")?;
    probe(&connection).map_err(unshared)?;
    Ok(connection)
}

fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let reading = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, reading)?;
    connection.busy_timeout(super::file::BUSY)?;
    probe(&connection)?;
    Ok(connection)
}

/// Whether nobody can change the file now, where a reader would have to make or mend what lies beside it.
fn takes_no_writes(path: &Path) -> bool {
    let opened = File::options().write(true).open(path);
    opened.is_err_and(|error| {
        matches!(error.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied)
    })
}

/// Takes back what the program was in the middle of when it was killed: only who may write can.
fn take_back(path: &Path) -> Result<(), JournalError> {
    let connection = Connection::open_with_flags(path, writing())?;
    connection.busy_timeout(super::file::BUSY)?;
    probe(&connection).map_err(unshared)
}

enum Trouble {
    /// The disk has not what this mode takes.
    Lacks(rusqlite::Error),
    Other(JournalError),
}

fn open_in(
    mode: Mode,
    path: &Path,
    set_up: &impl Fn(&Connection) -> Result<(), JournalError>,
) -> Result<Connection, Trouble> {
    let lacks = |error: rusqlite::Error| match mode {
        Mode::Ahead if lacks_memory(&error) || lacks_locks(&error) => Trouble::Lacks(error),
        Mode::Rollback if lacks_locks(&error) => Trouble::Lacks(error),
        Mode::Ahead | Mode::Rollback | Mode::Alone => Trouble::Other(error.into()),
    };
    let opened = match mode {
        Mode::Ahead | Mode::Rollback => Connection::open_with_flags(path, writing()),
        Mode::Alone if cfg!(unix) => Connection::open_with_flags_and_vfs(path, writing(), WITHOUT_LOCKS),
        Mode::Alone => return Err(Trouble::Other(JournalError::Unshared)),
    };
    let connection = opened.map_err(lacks)?;
    set_up(&connection).map_err(Trouble::Other)?;
    choose(&connection, mode).map_err(lacks)?;
    Ok(connection)
}

fn choose(connection: &Connection, mode: Mode) -> rusqlite::Result<()> {
    if mode == Mode::Ahead {
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        return probe(connection);
    }
    // Alone, a connection needs no shared memory to take a file out of write-ahead logging, nor to recover it.
    connection.pragma_update(None, "locking_mode", "exclusive")?;
    connection.pragma_update(None, "journal_mode", "truncate")?;
    connection.pragma_update(None, "synchronous", "extra")?;
    if mode == Mode::Rollback {
        connection.pragma_update(None, "locking_mode", "normal")?;
    }
    // The locks of before are let go at the next look.
    probe(connection)
}

/// Takes what reading takes.
pub(super) fn probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

fn writing() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn lacks_memory(error: &rusqlite::Error) -> bool {
    let memory = [
        ffi::SQLITE_IOERR_SHMMAP,
        ffi::SQLITE_IOERR_SHMOPEN,
        ffi::SQLITE_IOERR_SHMSIZE,
        ffi::SQLITE_IOERR_SHMLOCK,
    ];
    extended(error).is_some_and(|code| memory.contains(&code))
}

fn was_cut_off(error: &rusqlite::Error) -> bool {
    extended(error) == Some(ffi::SQLITE_READONLY_ROLLBACK)
}

fn lacks_locks(error: &rusqlite::Error) -> bool {
    let locks = [
        ffi::SQLITE_IOERR_LOCK,
        ffi::SQLITE_IOERR_RDLOCK,
        ffi::SQLITE_IOERR_UNLOCK,
        ffi::SQLITE_IOERR_CHECKRESERVEDLOCK,
        ffi::SQLITE_PROTOCOL,
        ffi::SQLITE_NOLFS,
    ];
    extended(error).is_some_and(|code| locks.contains(&code))
}

fn extended(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

/// Nobody may read beside the owner where there are no locks.
fn unshared(error: rusqlite::Error) -> JournalError {
    if lacks_locks(&error) { JournalError::Unshared } else { error.into() }
}

/// Whether the file's header says write-ahead logging, or there is none yet: sqlite.org/fileformat.html, 1.3.
fn is_kept_ahead(path: &Path) -> bool {
    let mut header = [0; 20];
    match File::open(path).and_then(|mut file| file.read_exact(&mut header)) {
        Ok(()) => header[18] != 1,
        Err(_) => true,
    }
}

/// Whether write-ahead logging works here, tried on a file of its own: one that is kept with a rollback journal is not to be
/// changed to and fro at each start.
fn has_shared_memory(path: &Path) -> bool {
    let mut trial = path.as_os_str().to_owned();
    trial.push(TRIAL);
    let flags = writing() | OpenFlags::SQLITE_OPEN_CREATE;
    let works = Connection::open_with_flags(&trial, flags).is_ok_and(|connection| {
        connection.pragma_update(None, "synchronous", "off").is_ok()
            && choose_ahead(&connection).is_ok_and(|mode| mode == "wal")
    });
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = trial.clone();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
    works
}

fn choose_ahead(connection: &Connection) -> rusqlite::Result<String> {
    connection.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE trial (x)")?;
    connection.pragma_query_value(None, "journal_mode", |row| row.get(0))
}
