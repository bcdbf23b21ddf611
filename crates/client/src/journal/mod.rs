//! The memory of the program: every alert with its picture, what was shown, and what was decided, on disk.
//!
//! An alert is acknowledged only after it is here: one SQLite transaction, one fsync. Whatever tells of a detection
//! (the message with the picture, the notice, the row of the record) is joined into one alert, and the alerts of one
//! person at one camera into one incident. It decides nothing about what is shown and speaks to no server.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use visionguard_proto::{Alert, AnomalyId, Picture, ShopId};

use crate::view::{Counts, Decision, FeedPage, FeedQuery, IncidentDetail, Source};

mod error;
mod row;

pub use error::JournalError;
pub use row::{
    AlertId, Changed, Delivery, Entry, IncidentId, IncidentRow, Keep, Newest, NotAnId, Outgoing, OutgoingId,
    Pruned, Recorded, Repaired, Stored, StoredPicture, WantedPicture,
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

/// A handle on the journal. Cheap to clone; the file is closed when the last one is gone, or by [`Journal::close`].
#[derive(Debug, Clone)]
pub struct Journal {}

#[allow(clippy::unused_async, unused_variables, reason = "signatures first")]
impl Journal {
    /// Opens or creates the journal in this directory; blocks for as long as the check of the file takes.
    ///
    /// A damaged file, or one of a newer version, is renamed with a time suffix and a new one started.
    pub fn open(directory: &Path) -> Result<Opened, JournalError> {
        todo!()
    }

    /// Opens an existing journal for reading, also while another program owns it; every change is refused as
    /// [`JournalError::Unwritable`].
    pub fn open_read_only(directory: &Path) -> Result<Journal, JournalError> {
        todo!()
    }

    /// A journal that ends with the program: for when the disk cannot be written. Never acknowledge from it.
    pub fn in_memory() -> Result<Journal, JournalError> {
        todo!()
    }

    /// Whether what is recorded survives the program.
    pub fn is_durable(&self) -> bool {
        todo!()
    }

    /// Finishes what is queued and closes the file.
    pub async fn close(self) {
        todo!()
    }

    // ---- alerts ----

    /// Stores one account of a detection; returns after it is on disk.
    pub async fn record(
        &self,
        alert: Alert,
        received_at: Timestamp,
        source: Source,
    ) -> Result<Recorded, JournalError> {
        todo!()
    }

    /// Stores many in one transaction, all or none, in this order (oldest first is best).
    pub async fn record_all(
        &self,
        alerts: Vec<Alert>,
        received_at: Timestamp,
        source: Source,
    ) -> Result<Vec<Recorded>, JournalError> {
        todo!()
    }

    /// Adds a picture that was fetched afterwards, or why there is none; `None` if the alert is not known.
    pub async fn attach_picture(
        &self,
        alert: AlertId,
        picture: Picture,
    ) -> Result<Option<Entry>, JournalError> {
        todo!()
    }

    /// Alerts whose picture is on the backend only, newest first.
    pub async fn wanting_pictures(&self, limit: u32) -> Result<Vec<WantedPicture>, JournalError> {
        todo!()
    }

    /// One alert and its incident.
    pub async fn alert(&self, id: AlertId) -> Result<Option<Entry>, JournalError> {
        todo!()
    }

    /// The newest alerts, newest first, without regard to incidents: for `visionguard alerts`.
    pub async fn alerts(&self, limit: u32) -> Result<Vec<Entry>, JournalError> {
        todo!()
    }

    /// The picture of an alert, a checked JPEG.
    pub async fn frame(&self, id: AlertId) -> Result<Option<Bytes>, JournalError> {
        todo!()
    }

    /// Notes that a notification about this alert was taken by the desktop; covers the earlier alerts of its incident.
    pub async fn mark_notified(&self, alert: AlertId, at: Timestamp) -> Result<Option<Entry>, JournalError> {
        todo!()
    }

    /// Notes that all alerts of these incidents were covered by one summary.
    pub async fn mark_incidents_notified(
        &self,
        incidents: Vec<IncidentId>,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        todo!()
    }

    /// Notes that the alert's ack was sent.
    pub async fn mark_acked(&self, alert: AlertId, at: Timestamp) -> Result<Option<Entry>, JournalError> {
        todo!()
    }

    /// Open incidents with alerts that no notification covered, each with its newest such alert, oldest first: what a
    /// crash may have left unshown. Those of [`Source::History`] are for a summary.
    pub async fn not_yet_notified(&self) -> Result<Vec<Entry>, JournalError> {
        todo!()
    }

    // ---- incidents ----

    /// One incident.
    pub async fn incident(&self, id: IncidentId) -> Result<Option<IncidentRow>, JournalError> {
        todo!()
    }

    /// One incident with its newest 200 alerts, oldest first, for the page.
    pub async fn incident_detail(
        &self,
        id: IncidentId,
        camera_names: &BTreeMap<String, String>,
    ) -> Result<Option<IncidentDetail>, JournalError> {
        todo!()
    }

    /// A page of the feed: incidents in view and outages, newest beginning first.
    pub async fn feed(
        &self,
        query: FeedQuery,
        camera_names: &BTreeMap<String, String>,
    ) -> Result<FeedPage, JournalError> {
        todo!()
    }

    /// The counters; `today` counts from `midnight`.
    pub async fn counts(&self, midnight: Timestamp) -> Result<Counts, JournalError> {
        todo!()
    }

    /// Marks an incident as looked at; `None` if it is not known.
    pub async fn seen(
        &self,
        incident: IncidentId,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        todo!()
    }

    /// Takes an incident out of view; `None` if it is not known.
    pub async fn dismiss(
        &self,
        incident: IncidentId,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        todo!()
    }

    /// Takes all incidents and outages out of view and names those incidents that were in it.
    pub async fn clear_all(&self, at: Timestamp) -> Result<Vec<IncidentId>, JournalError> {
        todo!()
    }

    // ---- decisions ----

    /// Decides on an incident: each of its alerts goes to the outbox; `None` if it is not known.
    pub async fn decide(
        &self,
        incident: IncidentId,
        decision: Decision,
        note: Option<String>,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        todo!()
    }

    /// Notes that the record says this anomaly was decided on; the incident, if that changed it.
    pub async fn handled_elsewhere(
        &self,
        anomaly: AnomalyId,
        decision: Decision,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        todo!()
    }

    /// Decisions to send, in the order in which they were made; those whose anomaly id is not known yet wait.
    pub async fn next_to_send(&self, limit: u32) -> Result<Vec<Outgoing>, JournalError> {
        todo!()
    }

    /// Notes what became of one; the incident, if its handling changed. A decision replaced meanwhile is not touched.
    pub async fn sent(
        &self,
        outgoing: OutgoingId,
        delivery: Delivery,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        todo!()
    }

    /// Refuses decisions made before this whose alert never got an anomaly id: the record does not have it. Call it
    /// after the record was read to its end.
    pub async fn refuse_unmatched(
        &self,
        decided_before: Timestamp,
        sentence: String,
        at: Timestamp,
    ) -> Result<Vec<IncidentRow>, JournalError> {
        todo!()
    }

    // ---- the record ----

    /// The newest row of this shop's record that is known here.
    pub async fn latest(&self, shop: &ShopId) -> Result<Option<Newest>, JournalError> {
        todo!()
    }

    /// Which of these rows of the record are here already, as told by the record itself.
    pub async fn known(&self, anomalies: Vec<AnomalyId>) -> Result<HashSet<AnomalyId>, JournalError> {
        todo!()
    }

    /// Remembers the shops' names.
    pub async fn remember_shops(&self, shops: Vec<(ShopId, String)>) -> Result<(), JournalError> {
        todo!()
    }

    /// Notes that the connection was lost; one that is still open goes on.
    pub async fn outage_began(&self, at: Timestamp) -> Result<(), JournalError> {
        todo!()
    }

    /// Notes that what was missed is caught up; nothing if no outage is open.
    pub async fn outage_ended(&self, at: Timestamp, caught_up: u32) -> Result<(), JournalError> {
        todo!()
    }

    // ---- upkeep ----

    /// A small value kept under a name: cursors and the like.
    pub async fn value(&self, name: &str) -> Result<Option<String>, JournalError> {
        todo!()
    }

    /// Keeps a small value under a name, or forgets it.
    pub async fn set_value(&self, name: &str, value: Option<String>) -> Result<(), JournalError> {
        todo!()
    }

    /// Takes away what is too old or too much.
    pub async fn prune(&self, keep: Keep) -> Result<Pruned, JournalError> {
        todo!()
    }

    /// Empties the journal so that nothing of it can be read from the file.
    pub async fn erase(&self) -> Result<(), JournalError> {
        todo!()
    }
}
