//! One incident: the alerts of one camera and person whose pauses stay under a minute.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;
use visionguard_proto::{Kind, ShopId, StreamId};

use super::{AlertId, Disposition, Handling, IncidentId, Source, Stored};

/// One incident as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentRow {
    pub id: IncidentId,
    pub kind: Kind,
    pub stream_id: Option<StreamId>,
    pub person_id: Option<i64>,
    pub shop_id: Option<ShopId>,
    /// The shop's name, where it was ever learnt.
    pub shop: Option<String>,
    /// Hostile text.
    pub location: Option<String>,
    /// Hostile text.
    pub text: Option<String>,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub alerts: u32,
    /// The highest score of its alerts.
    pub top_score: Option<f64>,
    /// Which incident of its camera it was within five minutes: 1 for the first.
    pub nth: u32,
    /// The newest alert with a picture.
    pub cover: Option<AlertId>,
    /// Live as soon as one of its alerts came on the socket.
    pub source: Source,
    pub notified_at: Option<Timestamp>,
    pub seen_at: Option<Timestamp>,
    pub dismissed_at: Option<Timestamp>,
    pub handling: Handling,
    /// What came of it, if anybody said.
    pub outcome: Option<Disposition>,
    /// Whose the decision is, by name; none where it is that of who is signed in, or nobody knows.
    pub by: Option<String>,
    /// It was decided on with others, and nobody had opened it.
    pub unopened: bool,
    /// When it happened, where it came on the socket but late: `first_at` and `last_at` are when it came.
    pub late: Option<Late>,
}

/// When that happened which came late, by this computer's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    pub from: Timestamp,
    pub to: Timestamp,
    /// How long after it the first of it came.
    pub by: SignedDuration,
}

impl IncidentRow {
    /// Whether nobody has decided on it.
    pub fn is_open(&self) -> bool {
        matches!(self.handling, Handling::Open | Handling::Reopened { .. })
    }
}

/// An alert together with the incident it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub alert: Stored,
    pub incident: IncidentRow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Low,
    Medium,
    High,
}
