//! What the journal is given beside alerts, and what it answers beside them.

use jiff::Timestamp;
use visionguard_proto::{Alert, AnomalyId, Cursor};

use super::cursor::LogOf;
use crate::model::{AlertId, Source};

/// An account of a detection on its way into the journal.
#[derive(Debug, Clone)]
pub struct Incoming {
    pub alert: Alert,
    /// By this computer's clock.
    pub received_at: Timestamp,
    pub source: Source,
    /// To where the log is known once this and all before it are stored.
    pub place: Option<(LogOf, Cursor)>,
}

/// An alert whose picture is on the backend only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedPicture {
    pub alert: AlertId,
    /// Relative to the server.
    pub path: String,
}

/// The newest row of a shop's record that is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    pub anomaly_id: AnomalyId,
    pub detected_at: Timestamp,
}

/// How much to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Pictures of alerts older than this go.
    pub pictures_since: Timestamp,
    /// Incidents that ended before this go altogether, unless they are open or their decision is not sent yet.
    pub incidents_since: Timestamp,
    /// Beyond this many bytes of pictures, the oldest go: first those of handled incidents, then the others.
    pub picture_bytes: u64,
}

/// What [`Keep`] took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    pub pictures: u32,
    pub incidents: u32,
}
