//! The memory of the program: every alert with its picture, what was shown, and what was decided, on disk.
//!
//! An alert is acknowledged only after it is here: one SQLite transaction, one fsync. Whatever tells of a detection
//! (the message with the picture, the notice, the row of the record) is joined into one alert, and the alerts of one
//! person at one camera into one incident. It decides nothing about what is shown and speaks to no server.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use bytes::Bytes;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::RwLock;
use visionguard_proto::{Alert, AnomalyId, Cursor, Picture, ShopId};

use self::file::Place;
use self::owner::Owner;
pub use self::owner::{Disk, Hands, Pauses};
use self::store::Written;
use crate::clock::{Clock, SystemClock};
use crate::ledger;
use crate::view::{
    AlertView, Counts, Decision, FeedPage, FeedQuery, Incident, IncidentDetail, Report, ReportQuery, Source,
};

mod cursor;
mod decisions;
mod drill;
mod error;
mod feed;
mod file;
mod gap;
mod grouping;
mod join;
mod marks;
mod missing;
mod outage;
mod owner;
mod report;
mod row;
mod settle;
mod sql;
mod store;
#[cfg(test)]
mod tests;
mod upkeep;
pub(crate) mod view;

pub use cursor::{Beginning, LogOf};
pub use drill::DrillRow;
pub use error::JournalError;
pub use gap::GapRow;
pub use outage::OutageRow;
pub use row::{
    AlertId, Changed, Delivery, Entry, IncidentId, IncidentRow, Incoming, Keep, Newest, NotAnId, Outgoing,
    OutgoingId, Pruned, Recorded, Repaired, Stored, StoredPicture, WantedPicture,
};

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
        Journal::open_with(directory, &Hands::Threads)
    }

    /// The same, with these hands at work.
    pub fn open_with(directory: &Path, hands: &Hands) -> Result<Opened, JournalError> {
        let (connection, set_aside) = file::open(directory)?;
        Ok(Opened { journal: Journal::of(Owners::of_file(directory, connection, hands)?, true), set_aside })
    }

    /// Opens an existing journal for reading, also while another program owns it; every change is refused as
    /// [`JournalError::Unwritable`].
    pub fn open_read_only(directory: &Path) -> Result<Journal, JournalError> {
        let reader = Owner::start("journal-read", file::open_to_read(directory)?, None, &Hands::Threads)?;
        Ok(Journal::of(Owners { writer: None, reader, hands: Hands::Threads }, true))
    }

    /// Opens an existing journal for a decision while another program owns it, which finds it with
    /// [`Journal::decided_beside`] and sends it.
    pub fn open_beside(directory: &Path) -> Result<Journal, JournalError> {
        Ok(Journal::of(Owners::of_file(directory, file::open_beside(directory)?, &Hands::Threads)?, true))
    }

    /// A journal that ends with the program unless it [settles](Journal::settle): for when the disk cannot be written.
    /// Never acknowledge from it.
    pub fn in_memory() -> Result<Journal, JournalError> {
        Journal::in_memory_with(&Hands::Threads)
    }

    /// The same, with these hands at work.
    pub fn in_memory_with(hands: &Hands) -> Result<Journal, JournalError> {
        let owner = Owner::start("journal", file::in_memory()?, None, hands)?;
        let owners = Owners { writer: Some(owner.clone()), reader: owner, hands: hands.clone() };
        Ok(Journal::of(owners, false))
    }

    fn of(owners: Owners, durable: bool) -> Journal {
        Journal {
            owners: Arc::new(RwLock::new(owners)),
            durable: Arc::new(AtomicBool::new(durable)),
            others_wrote: Arc::new(AtomicI64::new(NOT_ASKED)),
            clock: Arc::new(SystemClock),
            clock_ahead: Arc::new(AtomicI64::new(UNKNOWN)),
        }
    }

    /// The same journal, which takes the time from this clock.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Journal {
        Journal { clock, ..self }
    }

    /// From now on the server's clock is known to be ahead of ours by this much, or behind if negative; what is stored is
    /// marked with it.
    pub fn server_is_ahead(&self, by: SignedDuration) {
        let microseconds = i64::try_from(by.as_micros()).unwrap_or(0);
        self.clock_ahead.store(microseconds, Ordering::Relaxed);
    }

    /// For the moment at which this is called on the thread that writes.
    fn written(&self) -> impl Fn() -> Written + Send + 'static {
        let (at, since) = (self.clock.wall(), SystemClock.monotonic());
        let ahead = self.clock_ahead.load(Ordering::Relaxed);
        move || {
            let waited = SignedDuration::try_from(SystemClock.monotonic().since(since)).unwrap_or_default();
            Written {
                at: at.checked_add(waited).unwrap_or(at),
                clock_ahead: (ahead != UNKNOWN).then_some(ahead),
            }
        }
    }

    /// Moves a journal that is in memory onto the disk, together with what it holds; all clones of this handle follow.
    /// Nothing if it is there already. On an error it goes on in memory.
    pub async fn settle(&self, directory: &Path) -> Result<Option<Settled>, JournalError> {
        let mut owners = self.owners.write().await;
        if self.is_durable() {
            return Ok(None);
        }
        let place = directory.to_owned();
        let moved = owners.reader.alone(move |memory| settle::onto_disk(memory, &place)).await?;
        let settled = Owners::of_file(directory, moved.disk, &owners.hands)?;
        std::mem::replace(&mut *owners, settled).close().await;
        self.durable.store(true, Ordering::SeqCst);
        Ok(Some(Settled { set_aside: moved.set_aside, unacked: moved.unacked }))
    }

    /// Whether what is recorded survives the program.
    pub fn is_durable(&self) -> bool {
        self.durable.load(Ordering::SeqCst)
    }

    /// Finishes what is queued and closes the file.
    pub async fn close(self) {
        self.owners.read().await.close().await;
    }

    // ---- alerts ----

    /// Stores one account of a detection; returns after it is on disk.
    pub async fn record(
        &self,
        alert: Alert,
        received_at: Timestamp,
        source: Source,
    ) -> Result<Recorded, JournalError> {
        let written = self.written();
        self.write(move |connection| join::record(connection, &alert, received_at, source, written())).await
    }

    /// Stores what waits together in one transaction, in this order; what fails on its own leaves the others alone, but
    /// the log's cursor stays before it. One answer each, in the same order.
    pub async fn record_each(
        &self,
        incoming: Vec<Incoming>,
    ) -> Result<Vec<Result<Recorded, JournalError>>, JournalError> {
        let written = self.written();
        self.write(move |connection| Ok(join::record_each(connection, &incoming, written()))).await
    }

    /// Stores many in one transaction, all or none, in this order (oldest first is best).
    pub async fn record_all(
        &self,
        alerts: Vec<Alert>,
        received_at: Timestamp,
        source: Source,
    ) -> Result<Vec<Recorded>, JournalError> {
        let written = self.written();
        self.write(move |connection| {
            let written = written();
            alerts.iter().map(|alert| join::record(connection, alert, received_at, source, written)).collect()
        })
        .await
    }

    /// Adds a picture that was fetched afterwards, or why there is none; `None` if the alert is not known.
    pub async fn attach_picture(
        &self,
        alert: AlertId,
        picture: Picture,
    ) -> Result<Option<Entry>, JournalError> {
        self.write(move |connection| {
            if sql::entry(connection, alert)?.is_none() {
                return Ok(None);
            }
            store::attach_picture(connection, alert, &picture)?;
            sql::entry(connection, alert)
        })
        .await
    }

    /// Alerts whose picture is on the backend only, newest first.
    pub async fn wanting_pictures(&self, limit: u32) -> Result<Vec<WantedPicture>, JournalError> {
        self.read(move |connection| {
            let which = "WHERE a.picture_path IS NOT NULL ORDER BY a.id DESC LIMIT ?1";
            let wanting = sql::alerts(connection, which, [limit])?.into_iter();
            let path = |held: sql::Held| {
                Some(WantedPicture { alert: held.stored.id, path: held.stored.picture_path? })
            };
            Ok(wanting.filter_map(path).collect())
        })
        .await
    }

    /// One alert and its incident.
    pub async fn alert(&self, id: AlertId) -> Result<Option<Entry>, JournalError> {
        self.read(move |connection| sql::entry(connection, id)).await
    }

    /// The newest alerts, newest first, without regard to incidents: for `visionguard alerts`.
    pub async fn alerts(&self, limit: u32) -> Result<Vec<Entry>, JournalError> {
        self.read(move |connection| {
            let newest = sql::alerts(connection, "ORDER BY a.id DESC LIMIT ?1", [limit])?.into_iter();
            newest.map(|held| sql::with_incident(connection, held.stored)).collect()
        })
        .await
    }

    /// The picture of an alert, a checked JPEG.
    pub async fn frame(&self, id: AlertId) -> Result<Option<Bytes>, JournalError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT jpeg FROM picture WHERE alert = ?1")?;
            let jpeg: Option<Vec<u8>> = statement.query_row([id.0], |row| row.get(0)).optional()?;
            Ok(jpeg.map(Bytes::from))
        })
        .await
    }

    /// Notes that a notification about this alert was taken by the desktop; covers the earlier alerts of its incident.
    pub async fn mark_notified(&self, alert: AlertId, at: Timestamp) -> Result<Option<Entry>, JournalError> {
        self.write(move |connection| marks::notified(connection, alert, at)).await
    }

    /// Notes that all alerts of these incidents were covered by one summary.
    pub async fn mark_incidents_notified(
        &self,
        incidents: Vec<IncidentId>,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        self.write(move |connection| marks::incidents_notified(connection, &incidents, at)).await
    }

    /// Notes that these alerts were in the record before it was first read here: the report leaves them out, and they
    /// need no notification.
    pub async fn mark_early(&self, alerts: Vec<AlertId>, at: Timestamp) -> Result<(), JournalError> {
        self.write(move |connection| marks::early(connection, &alerts, at)).await
    }

    /// Notes that the alert's ack was sent.
    pub async fn mark_acked(&self, alert: AlertId, at: Timestamp) -> Result<Option<Entry>, JournalError> {
        self.write(move |connection| marks::acked(connection, alert, at)).await
    }

    /// Open incidents with alerts that no notification covered, each with its newest such alert, oldest first: what a
    /// crash may have left unshown. Those of [`Source::History`] are for a summary.
    pub async fn not_yet_notified(&self) -> Result<Vec<Entry>, JournalError> {
        self.read(marks::not_yet_notified).await
    }

    // ---- incidents ----

    /// One incident.
    pub async fn incident(&self, id: IncidentId) -> Result<Option<IncidentRow>, JournalError> {
        self.read(move |connection| sql::incident(connection, id)).await
    }

    /// One incident with its newest 200 alerts, oldest first, for the page.
    pub async fn incident_detail(
        &self,
        id: IncidentId,
        camera_names: &BTreeMap<String, String>,
    ) -> Result<Option<IncidentDetail>, JournalError> {
        let camera_names = camera_names.clone();
        self.read(move |connection| feed::detail(connection, id, &camera_names)).await
    }

    /// A page of the feed: incidents in view and outages, newest beginning first.
    pub async fn feed(
        &self,
        query: FeedQuery,
        camera_names: &BTreeMap<String, String>,
    ) -> Result<FeedPage, JournalError> {
        let camera_names = camera_names.clone();
        self.read(move |connection| feed::page(connection, &query, &camera_names)).await
    }

    /// The counters; `today` counts from `midnight`.
    pub async fn counts(&self, midnight: Timestamp) -> Result<Counts, JournalError> {
        self.read(move |connection| feed::counts(connection, midnight)).await
    }

    /// Marks an incident as looked at; `None` if it is not known.
    pub async fn seen(
        &self,
        incident: IncidentId,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| {
            grouping::seen(connection, incident, at)?;
            sql::incident(connection, incident)
        })
        .await
    }

    /// Takes an incident out of view; `None` if it is not known.
    pub async fn dismiss(
        &self,
        incident: IncidentId,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| {
            grouping::dismiss(connection, incident, at)?;
            sql::incident(connection, incident)
        })
        .await
    }

    /// Takes all incidents and outages out of view and names those incidents that were in it.
    pub async fn clear_all(&self, at: Timestamp) -> Result<Vec<IncidentId>, JournalError> {
        self.write(move |connection| grouping::clear_all(connection, at)).await
    }

    // ---- decisions ----

    /// From now on decisions are this account's (a person at a server), and only its own are sent or given up; those of
    /// others wait until it is theirs again.
    pub async fn belong_to(&self, account: String) -> Result<(), JournalError> {
        self.write(move |connection| decisions::belong_to(connection, &account)).await
    }

    /// Decides on an incident: each of its alerts goes to the outbox; `None` if it is not known.
    pub async fn decide(
        &self,
        incident: IncidentId,
        decision: Decision,
        note: Option<String>,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| decisions::decide(connection, incident, decision, note.as_deref(), at))
            .await
    }

    /// Incidents whose decisions are on their way, if another program wrote to the file since this was last asked.
    pub async fn decided_beside(&self) -> Result<Vec<IncidentRow>, JournalError> {
        let seen = Arc::clone(&self.others_wrote);
        let owners = self.owners.read().await;
        let writer = owners.writer.as_ref().ok_or(JournalError::Unwritable)?;
        writer
            .alone(move |connection| {
                let version = decisions::writes_of_others(connection)?;
                let before = seen.swap(version, Ordering::SeqCst);
                if before == version || before == NOT_ASKED {
                    Ok(Vec::new())
                } else {
                    decisions::sending(connection)
                }
            })
            .await
    }

    /// Notes that the record says this anomaly was decided on `at` (by the server's clock), learnt here at `learnt_at`
    /// (by ours); the incident, if that changed it.
    pub async fn handled_elsewhere(
        &self,
        anomaly: AnomalyId,
        decision: Decision,
        at: Timestamp,
        learnt_at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| {
            decisions::handled_elsewhere(connection, &anomaly, decision, at, learnt_at)
        })
        .await
    }

    /// The same for many, in one transaction: the incidents that this changed.
    pub async fn all_handled_elsewhere(
        &self,
        told: Vec<(AnomalyId, Decision, Timestamp)>,
        learnt_at: Timestamp,
    ) -> Result<Vec<IncidentRow>, JournalError> {
        self.write(move |connection| {
            let mut changed = Vec::new();
            for (anomaly, decision, at) in &told {
                changed.extend(decisions::handled_elsewhere(connection, anomaly, *decision, *at, learnt_at)?);
            }
            Ok(changed)
        })
        .await
    }

    /// Decisions to send, those that failed least first, then in the order in which they were made; those whose anomaly
    /// id is not known yet wait.
    pub async fn next_to_send(&self, limit: u32) -> Result<Vec<Outgoing>, JournalError> {
        self.read(move |connection| decisions::next_to_send(connection, limit)).await
    }

    /// Notes what became of one; the incident, if its handling changed. A decision replaced meanwhile is not touched.
    pub async fn sent(
        &self,
        outgoing: OutgoingId,
        delivery: Delivery,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| decisions::sent(connection, outgoing, &delivery, at)).await
    }

    /// Refuses decisions made before this whose alert never got an anomaly id: the record does not have it. Call it
    /// after the record was read to its end.
    pub async fn refuse_unmatched(
        &self,
        decided_before: Timestamp,
        sentence: String,
        at: Timestamp,
    ) -> Result<Vec<IncidentRow>, JournalError> {
        self.write(move |connection| decisions::refuse_unmatched(connection, decided_before, &sentence, at))
            .await
    }

    // ---- the record ----

    /// The newest row of this shop's record that is known here.
    pub async fn latest(&self, shop: &ShopId) -> Result<Option<Newest>, JournalError> {
        let shop = shop.clone();
        self.read(move |connection| marks::latest(connection, &shop)).await
    }

    /// Which of these rows of the record are here already, as told by the record itself.
    pub async fn known(&self, anomalies: Vec<AnomalyId>) -> Result<HashSet<AnomalyId>, JournalError> {
        self.read(move |connection| marks::known(connection, anomalies)).await
    }

    /// Counts this shop's rows here against the `total` with which a comparison began that is complete and stored. What
    /// the record grew by and the journal did not is lost, and in the report.
    pub async fn count_rows(&self, shop: &ShopId, total: u64, at: Timestamp) -> Result<(), JournalError> {
        let read = shop.clone();
        let count = self.read(move |connection| missing::count(connection, &read, total)).await?;
        if !count.is_news() {
            return Ok(());
        }
        let shop = shop.clone();
        self.write(move |connection| missing::note(connection, &shop, count, at)).await
    }

    /// Whether this journal took the place of one that was damaged, deleted or cannot be reached: the record is read
    /// further back for it.
    pub async fn is_rebuilt(&self) -> Result<bool, JournalError> {
        Ok(self.value(file::REBUILD).await?.is_some())
    }

    /// Remembers the shops' names.
    pub async fn remember_shops(&self, shops: Vec<(ShopId, String)>) -> Result<(), JournalError> {
        self.write(move |connection| upkeep::remember_shops(connection, &shops)).await
    }

    /// Notes that the connection was lost, and the code of the reason; one that goes on does so.
    pub async fn outage_began(&self, at: Timestamp, cause: &str) -> Result<(), JournalError> {
        let cause = cause.to_owned();
        self.write(move |connection| outage::began(connection, at, &cause)).await
    }

    /// Notes that the outage goes on, now for this reason.
    pub async fn outage_goes_on(&self, at: Timestamp, cause: &str) -> Result<(), JournalError> {
        let cause = cause.to_owned();
        self.write(move |connection| outage::goes_on(connection, at, &cause)).await
    }

    /// Notes that a notification said that the outage lasts.
    pub async fn outage_told(&self, at: Timestamp) -> Result<(), JournalError> {
        self.write(move |connection| outage::told(connection, at)).await
    }

    /// Ends an outage that went on when the program ended, at the time at which that was last known, and hands it
    /// out.
    pub async fn cut_outage(&self) -> Result<Option<OutageRow>, JournalError> {
        self.write(outage::cut).await
    }

    /// Notes that what was missed is caught up; the outage that this ended, or that was cut short and learns only now
    /// what was missed in it.
    pub async fn outage_ended(
        &self,
        at: Timestamp,
        caught_up: u32,
    ) -> Result<Option<OutageRow>, JournalError> {
        self.write(move |connection| outage::ended(connection, at, caught_up)).await
    }

    /// Notes that alerts may be missing of this time, which began when it is not known if none.
    pub async fn record_gap(&self, from: Option<Timestamp>, to: Timestamp) -> Result<(), JournalError> {
        self.write(move |connection| gap::record(connection, from, to)).await
    }

    /// The record does not reach back to what was known before: the gaps that stand now stay.
    pub async fn gaps_stay(&self) -> Result<(), JournalError> {
        self.write(gap::stay).await
    }

    /// The newest gap that stands, unless it was taken out of view.
    pub async fn standing_gap(&self) -> Result<Option<GapRow>, JournalError> {
        self.read(gap::standing).await
    }

    /// Where the next connection to this log goes on.
    pub async fn cursor(&self, of: &LogOf) -> Result<Option<Cursor>, JournalError> {
        let of = of.clone();
        self.read(move |connection| cursor::cursor(connection, &of)).await
    }

    /// Notes a gap from the last complete comparison until now: this log could not go on where it was asked to.
    pub async fn log_broke_off(&self, of: LogOf, now: Timestamp) -> Result<(), JournalError> {
        self.write(move |connection| cursor::broke_off(connection, &of, now)).await
    }

    /// Notes that a comparison with the record, begun at this time, was complete: closes gaps, and begins this log where
    /// it could not be followed.
    pub async fn compared(
        &self,
        of: LogOf,
        beginning: Option<Beginning>,
        began_at: Timestamp,
    ) -> Result<(), JournalError> {
        self.write(move |connection| cursor::compared(connection, &of, beginning.as_ref(), began_at)).await
    }

    /// Notes that a comparison with the record that began then was complete. Whether that closed a gap.
    pub async fn gaps_filled(&self, at: Timestamp) -> Result<bool, JournalError> {
        self.write(move |connection| gap::filled(connection, at)).await
    }

    /// The gaps that touch this time, oldest first, standing or filled.
    pub async fn gaps(&self, from: Timestamp, to: Timestamp) -> Result<Vec<GapRow>, JournalError> {
        self.read(move |connection| gap::gaps(connection, from, to)).await
    }

    /// Whether alerts may be missing now.
    pub async fn gap_stands(&self) -> Result<bool, JournalError> {
        self.read(gap::stands).await
    }

    /// What became of every alert of this time; `now` is where an outage that goes on is cut.
    pub async fn report(
        &self,
        query: ReportQuery,
        now: Timestamp,
        camera_names: &BTreeMap<String, String>,
    ) -> Result<Report, JournalError> {
        let (from, to) = (ledger::timestamp(query.from), ledger::timestamp(query.to));
        let found = self.read(move |connection| report::ledger(connection, from, to)).await?;
        Ok(found.report(query, now, camera_names, &TimeZone::system()))
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

    /// Empties the journal so that nothing of it can be read from the file.
    pub async fn erase(&self) -> Result<(), JournalError> {
        self.write(upkeep::erase).await?;
        let owners = self.owners.read().await;
        let writer = owners.writer.as_ref().ok_or(JournalError::Unwritable)?;
        writer.alone(upkeep::shrink).await
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
        self.owners.read().await.reader.alone(work).await
    }
}

impl Owners {
    fn of_file(directory: &Path, connection: Connection, hands: &Hands) -> Result<Owners, JournalError> {
        let reader = file::open_to_read(directory)?;
        let (write, read) = Place::both(directory);
        Ok(Owners {
            writer: Some(Owner::start("journal", connection, Some(write), hands)?),
            reader: Owner::start("journal-read", reader, Some(read), hands)?,
            hands: hands.clone(),
        })
    }

    async fn close(&self) {
        self.reader.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}

impl IncidentRow {
    /// As the page shows it.
    pub fn view(&self, camera_names: &BTreeMap<String, String>) -> Incident {
        view::incident(self, camera_names)
    }

    /// The camera's name: as the person gave it, else the place the backend names, else a short form of its stream.
    pub fn camera(&self, camera_names: &BTreeMap<String, String>) -> String {
        view::camera(self, camera_names)
    }
}

impl Stored {
    /// As the page shows it.
    pub fn view(&self) -> AlertView {
        view::alert(self)
    }
}
