//! What the journal holds and hands out: alerts, incidents, and what became of an account of a detection.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use visionguard_proto::{Alert, AnomalyId, BoundingBox, Cursor, Kind, ShopId, StreamId};

use super::cursor::LogOf;
use crate::view::{Decision, Handling, Source};

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        /// Only the plain decimal form, at most 18 digits: `1`, not `+1` or `01`.
        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let plain = (1..=18).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_digit())
                    && !text.starts_with('0');
                if !plain {
                    return Err(NotAnId);
                }
                text.parse().map(Self).map_err(|_| NotAnId)
            }
        }
    };
}

row_id!(
    /// An alert's number in this journal; in decimal also its `frame://` id.
    AlertId
);
impl AlertId {
    /// As a number; later alerts have higher ones.
    pub fn number(self) -> i64 {
        self.0
    }
}

row_id!(
    /// An incident's number in this journal.
    IncidentId
);
row_id!(
    /// A decision's place in the outbox; deciding again gives a new one.
    OutgoingId
);

impl Stored {
    /// By how much it came later than alerts do; none where it did not, or where that cannot be told.
    pub fn late_by(&self) -> Option<SignedDuration> {
        late_by(self.received_at, self.detected_here)
    }
}

/// By how much that came late which was detected then, by this computer's clock.
pub(super) fn late_by(received_at: Timestamp, detected_here: Option<Timestamp>) -> Option<SignedDuration> {
    let late = received_at.duration_since(detected_here?);
    (late >= LATE && late < BELIEVABLE).then_some(late)
}

/// An alert that comes this long after its detection comes late.
const LATE: SignedDuration = SignedDuration::from_secs(10);
/// A longer delay says that a clock was set.
const BELIEVABLE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A text that is no row's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an id of the journal")]
pub struct NotAnId;

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
    /// Whether nobody has decided on it or taken it out of view.
    pub fn is_open(&self) -> bool {
        self.handling == Handling::Open && self.dismissed_at.is_none()
    }
}

/// An alert together with the incident it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub alert: Stored,
    pub incident: IncidentRow,
}

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

/// What became of one account of a detection. Whichever it is, the account is on disk: acknowledge it.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// A detection that was not known.
    New {
        entry: Box<Entry>,
        /// It opened its incident.
        first_of_incident: bool,
        repaired: Repaired,
    },
    /// A further account of a known detection, which told something new.
    Joined { entry: Box<Entry>, changed: Changed, repaired: Repaired },
    /// Nothing new.
    Repeat { entry: Box<Entry> },
}

impl Recorded {
    /// An alert that had been taken for part of this one; it is to be told of like a new one.
    pub fn split_off(&self) -> Option<&Entry> {
        match self {
            Recorded::New { repaired, .. } | Recorded::Joined { repaired, .. } => {
                repaired.split_off.as_deref()
            }
            Recorded::Repeat { .. } => None,
        }
    }

    /// The alert and its incident as they are now.
    pub fn entry(&self) -> &Entry {
        match self {
            Recorded::New { entry, .. } | Recorded::Joined { entry, .. } | Recorded::Repeat { entry } => {
                entry
            }
        }
    }
}

/// What a further account told that was not known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changed {
    /// The record's id.
    pub anomaly_id: bool,
    /// The picture, or why there is none.
    pub picture: bool,
    /// Shop, place, words, score or time.
    pub facts: bool,
}

impl Changed {
    /// Whether anything is new.
    pub fn any(self) -> bool {
        self.anomaly_id || self.picture || self.facts
    }
}

/// What else changed because an earlier guess turned out wrong. Rare: mostly nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Repaired {
    /// Another alert gave up or swapped its anomaly id.
    pub corrected: Option<Box<Entry>>,
    /// An alert that had been taken for part of another one, now on its own: treat it as new.
    pub split_off: Option<Box<Entry>>,
    /// An alert that turned out to be this one; its number is no longer known.
    pub absorbed: Option<AlertId>,
    /// The incident that held nothing but the absorbed alert, and is gone with it.
    pub removed_incident: Option<IncidentId>,
}

impl Repaired {
    /// Whether no other alert changed.
    pub fn is_empty(&self) -> bool {
        *self == Repaired::default()
    }
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

/// A decision on its way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub id: OutgoingId,
    pub alert: AlertId,
    pub incident: IncidentId,
    pub anomaly_id: AnomalyId,
    pub decision: Decision,
    pub note: Option<String>,
    pub decided_at: Timestamp,
    /// How often it was tried in vain.
    pub tries: u32,
    /// What the server last had of us about it, where this is a change of mind.
    pub ours: Option<Decision>,
}

/// What became of an [`Outgoing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The server has it.
    Recorded,
    /// The server will never take it; the sentence says why.
    Refused { sentence: String },
    /// Not now: it stays in the outbox.
    Later,
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
