//! The memory of the program: every alert with its picture, what was shown, and what was decided, on disk.
//!
//! An alert is acknowledged only after it is here: one SQLite transaction, one fsync. Whatever tells of a detection
//! (the message with the picture, the notice, the row of the record) is joined into one alert, and the alerts of one
//! person at one camera into one incident. It decides nothing about what is shown and speaks to no server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use tokio::sync::RwLock;

use self::file::{Extent, Place};
use self::owner::Owner;
pub use self::owner::{Disk, Hands, Pauses};
use self::store::Written;
use crate::clock::{Clock, SystemClock};
use crate::model::Entry;

mod alerts;
mod cleared;
mod cursor;
mod dates;
mod decisions;
mod drill;
mod error;
mod evidence;
mod feed;
mod file;
mod gap;
mod grouping;
mod handover;
mod history;
mod incidents;
mod index;
mod join;
mod marks;
mod matching;
mod missing;
mod mode;
mod notes;
mod outage;
mod owner;
mod report;
mod row;
mod search;
mod settle;
mod sql;
mod store;
#[cfg(test)]
mod tests;
mod unchanging;
mod undo;
mod unfinished;
mod unsent;
mod upkeep;
pub mod view;

pub use cursor::{Beginning, LogOf};
pub use drill::DrillRow;
pub use error::JournalError;
pub use evidence::Whole;
pub use mode::Mode;
pub use notes::Noted;
pub use report::Listed;
pub use row::{Incoming, Keep, Newest, Pruned, WantedPicture};
pub use unsent::Unsent;

/// The file's name within the data directory.
pub const FILE_NAME: &str = "journal.sqlite3";

/// A journal that was opened, and what had to be moved out of its way.
#[derive(Debug)]
pub struct Opened {
    pub journal: Journal,
    /// A damaged or newer file was found; it lies here now, and the journal started empty.
    pub set_aside: Option<PathBuf>,
}

/// The key of the words about this file, which was set aside.
pub(crate) fn set_aside_words(aside: &Path) -> &'static str {
    if file::is_newer(aside) { "notice.journal_newer" } else { "notice.journal_set_aside" }
}

/// A handle on the journal. Cheap to clone; the file is closed when the last one is gone, or by [`Journal::close`].
#[derive(Debug, Clone)]
pub struct Journal {
    /// Held by whatever reads or writes for as long as that takes; moving to the disk waits for them all.
    owners: Arc<RwLock<Owners>>,
    durable: Arc<AtomicBool>,
    /// SQLite's count of the writes of other programs, when it was last looked at.
    others_wrote: Arc<AtomicI64>,
    /// The search index could not be read.
    index_broke: Arc<AtomicBool>,
    clock: Arc<dyn Clock>,
    /// By how many microseconds the server's clock is ahead; [`UNKNOWN`] where nothing told.
    clock_ahead: Arc<AtomicI64>,
}

/// The server's clock was not compared with ours yet.
const UNKNOWN: i64 = i64::MIN;

/// Before the first look at what other programs wrote.
const NOT_ASKED: i64 = i64::MIN;

/// Who owns the file.
#[derive(Debug)]
struct Owners {
    /// Writes in groups; none where the journal was opened for reading.
    writer: Option<Owner>,
    /// Reads on a connection of its own, so that a page of the feed does not wait behind an alert, nor an alert
    /// behind it.
    reader: Owner,
    hands: Hands,
    /// The file was checked. Until then, whoever reads waits on the thread that does so, and then finds what is there after it.
    checked: Arc<AtomicBool>,
}

/// A journal in memory that moved onto the disk.
#[derive(Debug)]
pub struct Settled {
    /// What was found there and had to be moved out of the way.
    pub set_aside: Option<PathBuf>,
    /// Alerts that are durable only now, oldest first: their acks are still to be sent.
    pub unacked: Vec<Entry>,
}

impl Journal {
    /// Opens or creates the journal in this directory; blocks for as long as the check of the file takes.
    ///
    /// A damaged file, or one of a newer version, is renamed with a time suffix and a new one started.
    pub fn open(directory: &Path) -> Result<Opened, JournalError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (connection, set_aside) = file::open(directory, clock.wall(), Extent::Contents)?;
        let owners = Owners::of_file(directory, connection, &Hands::Threads, &clock)?;
        Ok(Opened { journal: Journal::of(owners, true, clock), set_aside })
    }

    /// The same with these hands at work and the time from this clock, and without waiting for the check, which takes the
    /// longer the more there is. All that is asked waits for it, but for what the connection needs to open. What it came to is
    /// `told`, before any answer: after [`JournalError::Damaged`], the file is set aside and a new one started.
    pub fn open_at_once(
        directory: &Path,
        hands: &Hands,
        clock: Arc<dyn Clock>,
        told: impl FnOnce(Result<(), JournalError>) + Send + 'static,
    ) -> Result<Opened, JournalError> {
        let (connection, set_aside) = file::open(directory, clock.wall(), Extent::AtOnce)?;
        let waits = file::can_wait(&connection)?;
        let owners = Owners::of_file(directory, connection, hands, &clock)?;
        match &owners.writer {
            Some(writer) if waits => {
                let (path, checked) = (directory.join(FILE_NAME), Arc::clone(&owners.checked));
                checked.store(false, Ordering::SeqCst);
                writer.first(move |connection| file::check_contents(connection, &path), told)?;
                // Once another file has taken the place of one that is damaged.
                let is_checked = move |_: &Connection| {
                    checked.store(true, Ordering::SeqCst);
                    Ok(())
                };
                writer.first(is_checked, drop)?;
            }
            Some(_) | None => told(Ok(())),
        }
        Ok(Opened { journal: Journal::of(owners, true, clock), set_aside })
    }

    /// Opens an existing journal for reading, also while another program owns it; every change is refused as
    /// [`JournalError::Unwritable`].
    pub fn open_read_only(directory: &Path) -> Result<Journal, JournalError> {
        let reader = Owner::start("journal-read", file::open_to_read(directory)?, None, &Hands::Threads)?;
        let owners = Owners::new(None, reader, &Hands::Threads);
        Ok(Journal::of(owners, true, Arc::new(SystemClock)))
    }

    /// Opens an existing journal for a decision while another program owns it, which finds it with
    /// [`Journal::decided_beside`] and sends it.
    pub fn open_beside(directory: &Path) -> Result<Journal, JournalError> {
        let (connection, clock) = (file::open_beside(directory)?, Arc::new(SystemClock) as Arc<dyn Clock>);
        let owners = Owners::of_file(directory, connection, &Hands::Threads, &clock)?;
        Ok(Journal::of(owners, true, clock))
    }

    /// A journal that ends with the program unless it [settles](Journal::settle): for when the disk cannot be written.
    /// Never acknowledge from it.
    pub fn in_memory() -> Result<Journal, JournalError> {
        Journal::in_memory_with(&Hands::Threads, Arc::new(SystemClock))
    }

    /// The same, with these hands at work and the time from this clock.
    pub fn in_memory_with(hands: &Hands, clock: Arc<dyn Clock>) -> Result<Journal, JournalError> {
        let owner = Owner::start("journal", file::in_memory(clock.wall())?, None, hands)?;
        Ok(Journal::of(Owners::one(owner, hands), false, clock))
    }

    /// The same for a journal in this directory that can be read and not written: it knows what is there, but for the pictures.
    pub fn in_memory_of(
        directory: &Path,
        hands: &Hands,
        clock: Arc<dyn Clock>,
    ) -> Result<Journal, JournalError> {
        let owner = Owner::start("journal", file::in_memory_of(directory, clock.wall())?, None, hands)?;
        Ok(Journal::of(Owners::one(owner, hands), false, clock))
    }

    /// Whether one that was kept in memory knows all that the file knows that it stands in for; one that was emptied for good
    /// has nothing to know.
    pub async fn knows_its_file(&self) -> Result<bool, JournalError> {
        let begun_with = self.value(file::BEGUN_WITH_ALERT).await?;
        Ok(begun_with.is_some() || self.value(settle::ERASED).await?.is_some())
    }

    fn of(owners: Owners, durable: bool, clock: Arc<dyn Clock>) -> Journal {
        Journal {
            owners: Arc::new(RwLock::new(owners)),
            durable: Arc::new(AtomicBool::new(durable)),
            others_wrote: Arc::new(AtomicI64::new(NOT_ASKED)),
            index_broke: Arc::new(AtomicBool::new(false)),
            clock,
            clock_ahead: Arc::new(AtomicI64::new(UNKNOWN)),
        }
    }

    /// From now on the server's clock is known to be ahead of ours by this much, or behind if negative; what is stored is
    /// marked with it.
    pub fn server_is_ahead(&self, by: SignedDuration) {
        let microseconds = i64::try_from(by.as_micros()).unwrap_or(0);
        self.clock_ahead.store(microseconds, Ordering::Relaxed);
    }

    /// A time that the server told, by this computer's clock as far as the difference is known.
    pub(crate) fn by_our_clock(&self, told: Timestamp) -> Timestamp {
        sql::here(Some(told), self.clock_ahead()).unwrap_or(told)
    }

    /// By how much the server's clock is ahead, if it told.
    pub(crate) fn server_is_ahead_by(&self) -> Option<SignedDuration> {
        self.clock_ahead().map(SignedDuration::from_micros)
    }

    fn clock_ahead(&self) -> Option<i64> {
        Some(self.clock_ahead.load(Ordering::Relaxed)).filter(|ahead| *ahead != UNKNOWN)
    }

    /// For the moment at which this is called on the thread that writes.
    fn written(&self) -> impl Fn() -> Written + Send + 'static {
        let (at, since) = (self.clock.wall(), SystemClock.monotonic());
        let clock_ahead = self.clock_ahead();
        move || {
            let waited = SignedDuration::try_from(SystemClock.monotonic().since(since)).unwrap_or_default();
            Written { at: at.checked_add(waited).unwrap_or(at), clock_ahead }
        }
    }

    /// Moves a journal that is in memory onto the disk, together with what it holds; all clones of this handle follow.
    /// Nothing if it is there already. On an error it goes on in memory.
    pub async fn settle(&self, directory: &Path) -> Result<Option<Settled>, JournalError> {
        let mut owners = self.owners.write().await;
        if self.is_durable() {
            return Ok(None);
        }
        let (place, now) = (directory.to_owned(), self.clock.wall());
        let moved = owners.reader.alone(move |memory| settle::onto_disk(memory, &place, now)).await?;
        let settled = Owners::of_file(directory, moved.disk, &owners.hands, &self.clock)?;
        std::mem::replace(&mut *owners, settled).close().await;
        self.durable.store(true, Ordering::SeqCst);
        Ok(Some(Settled { set_aside: moved.set_aside, unacked: moved.unacked }))
    }

    /// Leaves the file, which is another program's by now: from here on all is kept in memory, from where it
    /// [settles](Journal::settle) later. All clones of this handle follow. Nothing if it is in memory already.
    pub async fn leave(&self) -> Result<bool, JournalError> {
        let mut owners = self.owners.write().await;
        if !self.is_durable() {
            return Ok(false);
        }
        let owner = Owner::start("journal", file::in_memory(self.clock.wall())?, None, &owners.hands)?;
        let fresh = Owners::one(owner, &owners.hands);
        self.durable.store(false, Ordering::SeqCst);
        std::mem::replace(&mut *owners, fresh).close().await;
        Ok(true)
    }

    /// Writes a copy of it into this folder, which a program that cannot read the journal itself opens there.
    pub async fn copy_into(&self, folder: &Path) -> Result<(), JournalError> {
        let copy = folder.join(FILE_NAME).to_string_lossy().into_owned();
        self.owners
            .read()
            .await
            .reader
            .alone(move |connection| Ok(connection.execute("VACUUM INTO ?1", [copy]).map(drop)?))
            .await
    }

    /// How the file is kept; none where there is no file.
    pub async fn mode(&self) -> Result<Option<Mode>, JournalError> {
        if !self.is_durable() {
            return Ok(None);
        }
        let owners = self.owners.read().await;
        owners.writer.as_ref().unwrap_or(&owners.reader).alone(Mode::of).await.map(Some)
    }

    /// Whether what is recorded survives the program.
    pub fn is_durable(&self) -> bool {
        self.durable.load(Ordering::SeqCst)
    }

    /// Finishes what is queued and closes the file.
    pub async fn close(self) {
        self.owners.read().await.close().await;
    }

    // ---- tests of the alert path ----

    /// Notes that a test of the alert path begins.
    pub async fn drill_began(
        &self,
        account: String,
        nonce: String,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        self.write(move |connection| drill::began(connection, &account, &nonce, at)).await
    }

    /// Notes that the server took its message.
    pub async fn drill_sent(&self, nonce: String, at: Timestamp) -> Result<(), JournalError> {
        self.write(move |connection| drill::sent(connection, &nonce, at)).await
    }

    /// Notes that its message came back on the socket, and reads that: whether an alert would be here too.
    pub async fn drill_heard(
        &self,
        account: String,
        nonce: String,
        at: Timestamp,
    ) -> Result<bool, JournalError> {
        let written = nonce.clone();
        self.write(move |connection| drill::heard(connection, &account, &written, at)).await?;
        self.read(move |connection| drill::is_stored(connection, &nonce)).await
    }

    /// Notes how it ended.
    pub async fn drill_ended(
        &self,
        account: String,
        nonce: String,
        drill: DrillRow,
    ) -> Result<(), JournalError> {
        self.write(move |connection| drill::ended(connection, &account, &nonce, drill)).await
    }

    /// Notes that a live alert was shown, which overtakes whatever had failed.
    pub async fn drill_overtaken(&self, account: String, at: Timestamp) -> Result<(), JournalError> {
        self.write(move |connection| drill::overtaken(connection, &account, at)).await
    }

    /// The last test of this account that ended.
    pub async fn last_drill(&self, account: String) -> Result<Option<DrillRow>, JournalError> {
        self.read(move |connection| drill::last(connection, &account)).await
    }

    // ---- upkeep ----

    /// A small value kept under a name: cursors and the like.
    pub async fn value(&self, name: &str) -> Result<Option<String>, JournalError> {
        let name = name.to_owned();
        self.read(move |connection| upkeep::value(connection, &name)).await
    }

    /// Keeps a small value under a name, or forgets it.
    pub async fn set_value(&self, name: &str, value: Option<String>) -> Result<(), JournalError> {
        let name = name.to_owned();
        self.write(move |connection| upkeep::set_value(connection, &name, value.as_deref())).await
    }

    /// The silence after which something on the way to this server cuts a connection; none where none was noticed.
    pub async fn idle_limit(&self, server: &str) -> Option<Duration> {
        let name = idle_limit_of(server);
        let kept = self.read_at_once(move |connection| upkeep::value(connection, &name)).await;
        let value = kept.ok()??;
        value.parse().ok().map(Duration::from_millis)
    }

    /// Keeps it, or forgets it.
    pub async fn set_idle_limit(&self, server: &str, limit: Option<Duration>) -> Result<(), JournalError> {
        let value = limit.map(|limit| limit.as_millis().to_string());
        self.set_value(&idle_limit_of(server), value).await
    }

    /// Takes away what is too old or too much.
    pub async fn prune(&self, keep: Keep) -> Result<Pruned, JournalError> {
        let mut all = Pruned::default();
        loop {
            let batch = self.write(move |connection| upkeep::prune(connection, keep)).await?;
            if batch == Pruned::default() {
                return Ok(all);
            }
            all.pictures += batch.pictures;
            all.incidents += batch.incidents;
        }
    }

    /// Empties the journal so that nothing of it can be read from this directory, nor of what was set aside there.
    ///
    /// One in memory moves onto the disk for that. On an error it is empty all the same, and the file will be before
    /// anything is moved onto it.
    pub async fn erase(&self, directory: &Path) -> Result<(), JournalError> {
        self.write(upkeep::erase).await?;
        if self.is_durable() {
            let owners = self.owners.read().await;
            owners.writer.as_ref().ok_or(JournalError::Unwritable)?.alone(upkeep::shrink).await?;
        } else {
            self.set_value(settle::ERASED, Some("1".to_owned())).await?;
            self.settle(directory).await?;
        }
        file::delete_set_aside(directory)
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let owners = self.owners.read().await;
        owners.writer.as_ref().ok_or(JournalError::Unwritable)?.commit(work).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let owners = self.owners.read().await;
        let owner = match &owners.writer {
            Some(writer) if !owners.checked.load(Ordering::SeqCst) => writer,
            Some(_) | None => &owners.reader,
        };
        owner.alone(work).await
    }

    /// The same without waiting for the check of the file: for what the connection needs to open, in tables that are checked
    /// before (see [`file::Extent::AtOnce`]).
    async fn read_at_once<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        self.owners.read().await.reader.alone(work).await
    }
}

impl Owners {
    fn new(writer: Option<Owner>, reader: Owner, hands: &Hands) -> Owners {
        Owners { writer, reader, hands: hands.clone(), checked: Arc::new(AtomicBool::new(true)) }
    }

    /// One owner does both.
    fn one(owner: Owner, hands: &Hands) -> Owners {
        Owners::new(Some(owner.clone()), owner, hands)
    }

    fn of_file(
        directory: &Path,
        connection: Connection,
        hands: &Hands,
        clock: &Arc<dyn Clock>,
    ) -> Result<Owners, JournalError> {
        let (write, read) = Place::both(directory, clock);
        if Mode::of(&connection)? == Mode::Alone {
            return Ok(Owners::one(Owner::start("journal", connection, Some(write), hands)?, hands));
        }
        let reader = file::open_to_read(directory)?;
        let writer = Owner::start("journal", connection, Some(write), hands)?;
        Ok(Owners::new(Some(writer), Owner::start("journal-read", reader, Some(read), hands)?, hands))
    }

    async fn close(&self) {
        self.reader.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}

/// The name under which the limit of the way to a server is kept.
fn idle_limit_of(server: &str) -> String {
    format!("idle_limit:{server}")
}
