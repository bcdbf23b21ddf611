//! The backend's record of detections: the bodies of `GET /api/anomalies` and `GET|PATCH /api/anomalies/{id}`.
//!
//! Read as tolerantly as the socket's messages. Times in it carry no zone and are UTC.

use jiff::Timestamp;

use crate::alert::Alert;
use crate::message::ReadError;

/// One row: a detection and what was decided about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The detection; [`Alert::anomaly_id`] and [`Alert::shop_id`] are always there.
    pub alert: Alert,
    /// What was decided.
    pub status: Status,
    /// Somebody's remark, hostile text, at most 2,000 characters.
    pub notes: Option<String>,
    /// The user who resolved it; acknowledging leaves this empty.
    pub resolved_by: Option<String>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When the row was written.
    pub created_at: Option<Timestamp>,
    /// When the row last changed.
    pub updated_at: Option<Timestamp>,
}

/// What was decided about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nothing yet.
    Pending,
    /// Somebody has seen it.
    Acknowledged,
    /// Dealt with.
    Resolved,
    /// A false alarm.
    FalsePositive,
    /// A word that this version does not know.
    Unknown,
}

/// One page of the record, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPage {
    /// How many rows match, over all pages; rows arriving meanwhile shift the offsets.
    pub total: u64,
    /// The rows that could be read.
    pub rows: Vec<Row>,
    /// How many rows could not be read.
    pub skipped: usize,
}

impl Row {
    /// Reads one row.
    pub fn read(body: &[u8]) -> Result<Row, ReadError> {
        let _ = body;
        todo!()
    }
}

impl RecordPage {
    /// Reads `{"total":..,"anomalies":[..]}`; a row that cannot be read is counted and left out.
    pub fn read(body: &[u8]) -> Result<RecordPage, ReadError> {
        let _ = body;
        todo!()
    }

    /// How many rows the server sent, readable or not; by this the next page's offset is counted.
    pub fn len_sent(&self) -> usize {
        self.rows.len() + self.skipped
    }
}

impl Status {
    /// The backend's word, as `PATCH` takes it; none for [`Status::Unknown`].
    pub fn word(self) -> Option<&'static str> {
        match self {
            Status::Pending => Some("pending"),
            Status::Acknowledged => Some("acknowledged"),
            Status::Resolved => Some("resolved"),
            Status::FalsePositive => Some("false_positive"),
            Status::Unknown => None,
        }
    }
}
