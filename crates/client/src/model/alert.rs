//! One alert: everything that its accounts told so far, and how it came.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;
use visionguard_proto::{AnomalyId, BoundingBox, Kind, ShopId, StreamId};

use super::{AlertId, IncidentId};

/// One alert as stored: everything that its accounts told so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub id: AlertId,
    pub incident: IncidentId,
    /// The record's id, once known; a guess until the record or the server confirmed it.
    pub anomaly_id: Option<AnomalyId>,
    pub kind: Kind,
    pub stream_id: Option<StreamId>,
    pub shop_id: Option<ShopId>,
    pub person_id: Option<i64>,
    pub start_frame: Option<i64>,
    pub frame_number: Option<i64>,
    pub score: Option<f64>,
    /// Hostile text.
    pub text: Option<String>,
    /// Hostile text.
    pub location: Option<String>,
    /// By the server's clock.
    pub detected_at: Option<Timestamp>,
    /// The same by this computer's clock, where the difference of the two is known.
    pub detected_here: Option<Timestamp>,
    /// By this computer's clock.
    pub received_at: Timestamp,
    /// When a notification that covers it was taken by the desktop.
    pub notified_at: Option<Timestamp>,
    /// When its ack was sent.
    pub acked_at: Option<Timestamp>,
    pub source: Source,
    pub picture: Option<StoredPicture>,
    /// Why there is no picture, where there is none and there should be.
    pub picture_problem: Option<String>,
    /// Where the backend has the picture, while it is not here.
    pub picture_path: Option<String>,
}

/// What is known of a stored picture without reading it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredPicture {
    pub width: u32,
    pub height: u32,
    pub bytes: u32,
    pub bounding_box: Option<BoundingBox>,
}

impl Stored {
    /// By how much it came later than alerts do; none where it did not, or where that cannot be told.
    pub fn late_by(&self) -> Option<SignedDuration> {
        late_by(self.received_at, self.detected_here)
    }

    /// Whether it says of a picture that is there that it cannot be shown.
    pub(crate) fn is_noted_as_unshown(&self) -> bool {
        self.picture.is_some()
            && self.picture_problem.as_deref().is_some_and(|stored| !stored.starts_with(REMARK))
    }
}

/// What stands for the picture of an alert whose picture was there and was pruned.
pub(crate) const PRUNED: &str = "pruned";
/// Stands before words about a picture that is there.
pub(crate) const REMARK: &str = "remark: ";

/// By how much that came late which was detected then, by this computer's clock.
pub(crate) fn late_by(received_at: Timestamp, detected_here: Option<Timestamp>) -> Option<SignedDuration> {
    let late = received_at.duration_since(detected_here?);
    (late >= LATE && late < BELIEVABLE).then_some(late)
}

/// An alert that comes this long after its detection comes late.
const LATE: SignedDuration = SignedDuration::from_secs(10);
/// A longer delay says that a clock was set.
const BELIEVABLE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How it came: on the socket, or out of the record afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Live,
    History,
}
