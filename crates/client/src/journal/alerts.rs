//! The journal's alerts: stored, looked up, marked as shown and as acknowledged.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::OptionalExtension;
use visionguard_proto::{Alert, Picture};

use super::{Incoming, Journal, JournalError, WantedPicture, join, marks, sql, store};
use crate::model::{AlertId, Entry, IncidentId, Recorded, Source};

impl Journal {
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

    /// The same for what was in the record before it was first read here: the report leaves it out, and it needs no
    /// notification.
    pub async fn record_history(
        &self,
        alerts: Vec<Alert>,
        received_at: Timestamp,
    ) -> Result<Vec<Recorded>, JournalError> {
        let written = self.written();
        self.write(move |connection| {
            let written = written();
            let record = |alert| -> Result<Recorded, JournalError> {
                let recorded = join::record(connection, alert, received_at, Source::History, written)?;
                if let Recorded::New { entry, .. } = &recorded {
                    marks::early(connection, entry.alert.id, received_at)?;
                }
                Ok(recorded)
            };
            alerts.iter().map(record).collect()
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

    /// Notes why a picture that is kept cannot be shown, or that it can after all; what it belongs to, if that is news.
    pub async fn note_unshown(
        &self,
        alert: AlertId,
        why: Option<String>,
    ) -> Result<Option<Entry>, JournalError> {
        self.write(move |connection| {
            if !store::note_unshown(connection, alert, why.as_deref())? {
                return Ok(None);
            }
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

    /// The alerts stored after this number, oldest first, at most so many; those before `below`, where it is given.
    pub async fn alerts_after(
        &self,
        after: i64,
        below: Option<AlertId>,
        limit: u32,
    ) -> Result<Vec<Entry>, JournalError> {
        self.read(move |connection| {
            let which = "WHERE a.id > ?1 AND a.id < ?2 ORDER BY a.id LIMIT ?3";
            let below = below.map_or(i64::MAX, |below| below.0);
            let stored = sql::alerts(connection, which, (after, below, limit))?.into_iter();
            stored.map(|held| sql::with_incident(connection, held.stored)).collect()
        })
        .await
    }

    /// The highest number that an alert ever had here; 0 if there was none.
    pub async fn last_number(&self) -> Result<i64, JournalError> {
        self.read(|connection| {
            let last = connection
                .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'alert'", [], |row| row.get(0))
                .optional()?;
            Ok(last.unwrap_or(0))
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

    /// Notes that the alerts of this incident up to that one were covered by a notification, also if that one proved to be
    /// another that was known already.
    pub async fn mark_covered(
        &self,
        incident: IncidentId,
        alert: AlertId,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        self.write(move |connection| marks::covered(connection, incident, alert, at)).await
    }

    /// Notes that one notification told of these alerts, each with the earlier ones of its incident.
    pub async fn mark_told(
        &self,
        told: Vec<(IncidentId, AlertId)>,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        self.write(move |connection| marks::told(connection, &told, at)).await
    }

    /// Notes when the acks of these alerts were sent.
    pub async fn mark_acked(&self, sent: Vec<(AlertId, Timestamp)>) -> Result<(), JournalError> {
        self.write(move |connection| marks::acked(connection, &sent)).await
    }

    /// Open incidents with alerts that no notification covered, each with its newest such alert, oldest first: what a
    /// crash may have left unshown. Those of [`Source::History`] are only counted.
    pub async fn not_yet_notified(&self) -> Result<Vec<Entry>, JournalError> {
        self.read(marks::not_yet_notified).await
    }
}
