//! The journal's file: created, checked, brought up to date, or set aside.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::{FILE_NAME, JournalError, Mode, index, mode};
use crate::clock::Clock;
use crate::installation::{self, FileId};

/// `VGJ1`, in the file's header: that it is ours.
const APPLICATION_ID: i64 = 0x5647_4a31;
/// Each brings the file one version further; `user_version` says how many it had.
const MIGRATIONS: [&str; 4] = [
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
];
/// A larger file is checked without its pictures, so that what waits for the check waits no minute.
const CHECK_WHOLE_BELOW: u64 = 64 * 1024 * 1024;
/// All tables but that of the pictures and the search index: what refers to others, or is filled by them, where it is emptied for
/// good.
pub(super) const TABLES_WITHOUT_PICTURES: [&str; 13] = [
    "note_due",
    "undo_outbox",
    "undo",
    "outbox",
    "alert",
    "incident",
    "outage",
    "gap",
    "missing",
    "drill",
    "shop",
    "unindexed",
    "value",
];
/// What is read before the others are checked: see [`super::Journal::read_at_once`].
const AT_ONCE: [&str; 1] = ["value"];
/// Those whose rows are numbered, each number once.
const NUMBERED: [&str; 6] = ["incident", "alert", "outbox", "outage", "gap", "drill"];
/// What a journal in memory knows of the file that it stands in for.
const KNOWN_IN_MEMORY: [&str; 9] =
    ["incident", "alert", "outbox", "outage", "gap", "missing", "drill", "shop", "value"];
/// The small values that say up to which number a journal in memory has these from the file.
const BEGUN_WITH: [(&str, &str); 3] =
    [("alert", BEGUN_WITH_ALERT), ("outage", "begun_with:outage"), ("gap", "begun_with:gap")];
pub(super) const BEGUN_WITH_ALERT: &str = "begun_with:alert";
/// The name of the small value that says that the journal took the place of another.
pub(super) const REBUILD: &str = "rebuild";
/// In the name of a file that was set aside: because it was damaged, or because a newer version wrote it.
const DAMAGED: &str = "damaged";
const NEWER: &str = "newer";
/// No database is smaller.
const SMALLEST: u64 = 512;
/// How long a connection waits for another's lock.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// More than the journal has.
const STATEMENTS: usize = 128;

/// How much of a file is read before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All that [`check_contents`] reads.
    Contents,
    /// What does not grow with the alerts, where the rest [can wait](can_wait).
    AtOnce,
}

/// Opens or creates the journal for writing; a damaged or newer one is set aside first, and said where.
pub(super) fn open(
    directory: &Path,
    now: Timestamp,
    extent: Extent,
) -> Result<(Connection, Option<PathBuf>), JournalError> {
    create_private_directory(directory)?;
    let path = directory.join(FILE_NAME);
    let (why, aside) = match open_known(&path, &MIGRATIONS, extent) {
        Ok(connection) => return Ok((connection, None)),
        Err(JournalError::Damaged) => (DAMAGED, set_aside(&path, DAMAGED, now)?),
        Err(JournalError::Newer { .. }) => (NEWER, set_aside(&path, NEWER, now)?),
        Err(other) => return Err(other),
    };
    tracing::warn!(why, "the journal was set aside and a new one started");
    let connection = open_known(&path, &MIGRATIONS, extent)?;
    rebuild(&connection, now)?;
    Ok((connection, Some(aside)))
}

/// Whether a file was set aside because a newer version wrote it, and not because it was damaged.
pub(super) fn is_newer(aside: &Path) -> bool {
    let name = aside.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(&format!("{FILE_NAME}.{NEWER}-"))
}

/// Opens an existing journal for reading.
pub(super) fn open_to_read(directory: &Path) -> Result<Connection, JournalError> {
    let (connection, version) = open_any_to_read(directory)?;
    if version < newest() {
        return Err(JournalError::Missing(directory.join(FILE_NAME)));
    }
    Ok(connection)
}

/// The same for a file that may be older; with the number of its format.
fn open_any_to_read(directory: &Path) -> Result<(Connection, i64), JournalError> {
    let path = directory.join(FILE_NAME);
    if !path.exists() {
        return Err(JournalError::Missing(path));
    }
    let connection = mode::open_to_read(&path)?;
    let version = version(&connection)?;
    if version > newest() {
        return Err(JournalError::Newer { found: version, known: newest() });
    }
    Ok((connection, version))
}

/// Opens an existing journal for a change beside the program that owns it, which has checked the file.
pub(super) fn open_beside(directory: &Path) -> Result<Connection, JournalError> {
    let path = directory.join(FILE_NAME);
    drop(open_to_read(directory)?);
    mode::open_beside(&path, set_up)
}

/// Where a connection's file lies, and which file that was: somebody may delete it under a running program, which
/// would then write to a file that is gone with its end.
#[derive(Debug)]
pub(super) struct Place {
    directory: PathBuf,
    file: Option<FileId>,
    open: fn(&Path, Timestamp) -> Result<Connection, JournalError>,
    clock: Arc<dyn Clock>,
    /// Whether reading or writing found damage, whoever did; told to the one that sets aside.
    suspicion: Arc<AtomicBool>,
    sets_aside: bool,
}

impl Place {
    /// The places of the two connections that were just opened there: one that writes, one that reads.
    pub(super) fn both(directory: &Path, clock: &Arc<dyn Clock>) -> (Place, Place) {
        let suspicion = Arc::new(AtomicBool::new(false));
        let place = |open, sets_aside| Place {
            directory: directory.to_owned(),
            file: file_id(directory),
            open,
            clock: Arc::clone(clock),
            suspicion: Arc::clone(&suspicion),
            sets_aside,
        };
        (place(open_again, true), place(|directory, _| open_to_read(directory), false))
    }

    /// Somebody found damage: the file is checked before the next change, and set aside if it is so.
    pub(super) fn suspect(&self) {
        self.suspicion.store(true, Ordering::SeqCst);
    }

    /// Whether this connection is to be opened anew because of damage. The other one follows the new file by itself.
    pub(super) fn is_suspect(&self) -> bool {
        self.sets_aside && self.suspicion.load(Ordering::SeqCst)
    }

    /// Whether the file that was opened is no longer there.
    pub(super) fn is_gone(&self) -> bool {
        self.file.is_some() && file_id(&self.directory) != self.file
    }

    /// Opens it anew. The connection to what is gone must be closed before: closing removes companions by name.
    pub(super) fn reopen(&mut self) -> Result<Connection, JournalError> {
        let connection = (self.open)(&self.directory, self.clock.wall())?;
        self.file = file_id(&self.directory);
        if self.sets_aside {
            self.suspicion.store(false, Ordering::SeqCst);
        }
        Ok(connection)
    }
}

/// Elsewhere than on Unix an open file cannot be deleted.
fn file_id(directory: &Path) -> Option<FileId> {
    if cfg!(unix) { installation::file_id(&directory.join(FILE_NAME)) } else { None }
}

/// Opens or creates the journal for writing once more.
fn open_again(directory: &Path, now: Timestamp) -> Result<Connection, JournalError> {
    let (connection, _) = open(directory, now, Extent::Contents)?;
    rebuild(&connection, now)?;
    Ok(connection)
}

/// Notes that a journal without an alert takes the place of one that held some, and has to be filled from the record.
///
/// Its numbers begin at this time, in milliseconds, beyond those of the other: what names one of those, a notification
/// that still stands, a page, means none of the new ones.
fn rebuild(connection: &Connection, now: Timestamp) -> Result<(), JournalError> {
    let transaction = connection.unchecked_transaction()?;
    let is_new = transaction.execute(
        "INSERT OR IGNORE INTO value (name, value) SELECT ?1, '1' WHERE NOT EXISTS (SELECT 1 FROM alert)",
        [REBUILD],
    )?;
    for table in NUMBERED.into_iter().filter(|_| is_new > 0) {
        let first = params![table, now.as_millisecond()];
        transaction.execute("DELETE FROM sqlite_sequence WHERE name = ?1 AND seq < ?2", first)?;
        transaction.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2
             WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
            first,
        )?;
    }
    transaction.commit()?;
    Ok(())
}

/// A journal without a file. A file may take its numbers over later.
pub(super) fn in_memory(now: Timestamp) -> Result<Connection, JournalError> {
    in_memory_as(&MIGRATIONS, now)
}

fn in_memory_as(migrations: &[&str], now: Timestamp) -> Result<Connection, JournalError> {
    let mut connection = Connection::open_in_memory()?;
    keep_statements(&connection)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrate(&mut connection, migrations)?;
    rebuild(&connection, now)?;
    Ok(connection)
}

/// A journal without a file that knows what the one in this directory knows, which can be read and not written: nobody is told
/// twice, and numbers stay what they mean. Pictures stay in the file. One of an older format is brought up to date in memory.
pub(super) fn in_memory_of(directory: &Path, now: Timestamp) -> Result<Connection, JournalError> {
    let (file, version) = open_any_to_read(directory)?;
    let known =
        usize::try_from(version).ok().filter(|known| *known > 0).and_then(|known| MIGRATIONS.get(..known));
    let known = known.ok_or_else(|| JournalError::Missing(directory.join(FILE_NAME)))?;
    let mut memory = in_memory_as(known, now)?;
    let transaction = memory.unchecked_transaction()?;
    for table in KNOWN_IN_MEMORY {
        let mut rows = file.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = rows.column_count();
        let places = vec!["?"; columns].join(", ");
        let mut copy = transaction.prepare(&format!("INSERT OR REPLACE INTO {table} VALUES ({places})"))?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|column| row.get::<_, Value>(column));
            copy.execute(params_from_iter(values.collect::<Result<Vec<_>, _>>()?))?;
        }
    }
    for (table, name) in BEGUN_WITH {
        let last = format!("SELECT ?1, CAST(coalesce(max(id), 0) AS TEXT) FROM {table}");
        transaction.execute(&format!("INSERT OR REPLACE INTO value (name, value) {last}"), [name])?;
    }
    transaction.commit()?;
    migrate(&mut memory, &MIGRATIONS)?;
    Ok(memory)
}

/// Opens or creates the file as a program does that knows these migrations.
pub(super) fn open_known(
    path: &Path,
    migrations: &[&str],
    extent: Extent,
) -> Result<Connection, JournalError> {
    create_private_file(path)?;
    // SQLite would take a scrap for an empty file and write over it.
    if (1..SMALLEST).contains(&fs::metadata(path)?.len()) {
        return Err(JournalError::Damaged);
    }
    let mut connection = mode::open(path, set_up)?;
    check(&connection, path, format(migrations), extent)?;
    migrate(&mut connection, migrations)?;
    check_definitions(&connection, migrations)?;
    Ok(connection)
}

/// Everything but how commits are made, which the disk decides: see [`mode`].
fn set_up(connection: &Connection) -> Result<(), JournalError> {
    connection.busy_timeout(BUSY)?;
    keep_statements(connection)?;
    // Only an empty file takes the page size; it must be set before write-ahead logging.
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    // Neither a full folder for temporary files nor a lack of file descriptors keeps an alert from being stored.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    Ok(())
}

/// A statement is planned once: as many are kept as there are, and no bound value makes SQLite plan one anew, which it does
/// by default wherever a table has a partial index.
fn keep_statements(connection: &Connection) -> Result<(), JournalError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Whether a file may be used before its contents are checked, to be set aside under whoever uses it: not where an open file
/// cannot be renamed, nor where the one connection that there can be would be busy with the check.
pub(super) fn can_wait(connection: &Connection) -> Result<bool, JournalError> {
    Ok(cfg!(unix) && Mode::of(connection)? != Mode::Alone)
}

/// Whether the file is ours, and its contents as far as the extent says.
fn check(connection: &Connection, path: &Path, known: i64, extent: Extent) -> Result<(), JournalError> {
    let version = version(connection)?;
    if version > known {
        return Err(JournalError::Newer { found: version, known });
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(());
    }
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION_ID || version < 1 {
        return Err(JournalError::Damaged);
    }
    // What is brought up to date is read first: it is changed all over.
    if extent == Extent::AtOnce && version == known && can_wait(connection)? {
        return AT_ONCE.iter().try_for_each(|table| whole_table(connection, table));
    }
    check_contents(connection, path)
}

/// Reads through the file; anything that is not as it was written is [`JournalError::Damaged`].
pub(super) fn check_contents(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let size = fs::metadata(path)?.len();
    let tables = || TABLES_WITHOUT_PICTURES.iter().try_for_each(|table| whole_table(connection, table));
    if size > CHECK_WHOLE_BELOW {
        return tables();
    }
    let checked = whole(connection, "PRAGMA integrity_check(10)");
    if !matches!(checked, Err(JournalError::Storage(_))) {
        return checked;
    }
    // A length in a damaged search index can be more than there is memory for.
    tables()?;
    whole_table(connection, "picture")?;
    index::begin_anew(connection)
}

fn whole_table(connection: &Connection, table: &str) -> Result<(), JournalError> {
    whole(connection, &format!("PRAGMA integrity_check('{table}')"))
}

/// Its quick check would do without comparing the indices to their tables: an alert that its index does not lead to would be
/// stored again, and a change of it refused for ever. The search index is made anew where it is at fault: nothing depends on it.
fn whole(connection: &Connection, pragma: &str) -> Result<(), JournalError> {
    let verdicts: Vec<String> = {
        let mut statement = connection.prepare(pragma)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    let (of_index, others): (Vec<_>, Vec<_>) =
        verdicts.iter().partition(|verdict| index::is_about_it(verdict));
    if others.iter().any(|verdict| *verdict != "ok") {
        return Err(JournalError::Damaged);
    }
    if of_index.is_empty() { Ok(()) } else { index::begin_anew(connection) }
}

/// A bit flipped in a table's definition passes SQLite's own check, and whatever names that column fails ever after.
fn check_definitions(connection: &Connection, migrations: &[&str]) -> Result<(), JournalError> {
    let mut fresh = Connection::open_in_memory()?;
    migrate(&mut fresh, migrations)?;
    if definitions(connection)? == definitions(&fresh)? { Ok(()) } else { Err(JournalError::Damaged) }
}

/// A name and what made it, as bytes: what was damaged need not be text.
type Definition = (Vec<u8>, Option<Vec<u8>>);

fn definitions(connection: &Connection) -> Result<Vec<Definition>, JournalError> {
    let mut statement = connection
        .prepare("SELECT CAST(name AS BLOB), CAST(sql AS BLOB) FROM sqlite_schema ORDER BY type, name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Brings the file up to date, in one transaction: it stays as it was if any part fails.
fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), JournalError> {
    let from = usize::try_from(version(connection)?).map_err(|_| JournalError::Damaged)?;
    if from == migrations.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for migration in migrations.iter().skip(from) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", format(migrations))?;
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, JournalError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn newest() -> i64 {
    format(&MIGRATIONS)
}

/// The number of the format to which these migrations lead.
fn format(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// Renames the file and its companions; never deletes one.
fn set_aside(path: &Path, why: &str, now: Timestamp) -> Result<PathBuf, JournalError> {
    let time = now.strftime("%Y%m%dT%H%M%SZ");
    let mut aside = beside(path, &format!(".{why}-{time}"));
    let mut again = 1;
    while aside.exists() {
        again += 1;
        aside = beside(path, &format!(".{why}-{time}-{again}"));
    }
    fs::rename(path, &aside)?;
    for companion in ["-wal", "-shm", "-journal"] {
        let from = beside(path, companion);
        if from.exists() {
            fs::rename(from, beside(&aside, companion))?;
        }
    }
    Ok(aside)
}

/// Deletes what was set aside in this directory, for who wants nothing kept.
pub(super) fn delete_set_aside(directory: &Path) -> Result<(), JournalError> {
    let prefixes = [DAMAGED, NEWER].map(|why| format!("{FILE_NAME}.{why}-"));
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if prefixes.iter().any(|prefix| name.starts_with(prefix)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The file's name as an address, which says how it is opened: sqlite.org/uri.html.
pub(super) fn uri(path: &Path, how: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    let path: String = path
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|byte| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02x}") })
        .collect();
    format!("file://{path}?{how}")
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A directory that was there keeps its permissions: it may be shared on purpose.
fn create_private_directory(directory: &Path) -> Result<(), JournalError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(directory)?)
}

/// SQLite gives its companion files the permissions of this one.
fn create_private_file(path: &Path) -> Result<(), JournalError> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    Ok(())
}
