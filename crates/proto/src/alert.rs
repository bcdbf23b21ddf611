//! One detection, whichever way it came: as a message with a picture, as a notice, or as a row of the record.

use jiff::Timestamp;

use crate::frame::{FrameError, Jpeg};
use crate::id::{AnomalyId, Cursor, ShopId, StreamId};

/// What a single message or row says about one detection. Several of them may speak of the same one.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Which way this account of the detection came.
    pub via: Via,
    /// What was detected.
    pub kind: Kind,
    /// The record's id, where the message carries one.
    pub anomaly_id: Option<AnomalyId>,
    /// The shop, where the message carries one.
    pub shop_id: Option<ShopId>,
    /// The camera stream.
    pub stream_id: Option<StreamId>,
    /// The tracker's number for the person; starts again at 1 with each stream.
    pub person_id: Option<i64>,
    /// First frame of the analysed window.
    pub start_frame: Option<i64>,
    /// The frame at which the detection was made; with stream and person it names the detection.
    pub frame_number: Option<i64>,
    /// How far from normal: the magnitude of the model's log-likelihood, 0 or more, not a probability.
    pub score: Option<f64>,
    /// The severity that the backend claims ("low" for every theft); kept for the record, not believed.
    pub claimed_severity: Option<String>,
    /// The backend's own words, hostile until escaped; at most 2,000 characters.
    pub text: Option<String>,
    /// A place name, where the message carries one; hostile text.
    pub location: Option<String>,
    /// When it was detected by the server's clock, where the message carries a trustworthy time.
    pub detected_at: Option<Timestamp>,
    /// Where the person is in the picture, in its pixels.
    pub bounding_box: Option<BoundingBox>,
    /// The picture, or why there is none.
    pub picture: Picture,
    /// Its place in the user's log, where the server keeps one (protocol 2).
    pub cursor: Option<Cursor>,
    /// It was in the log before the connection was opened (protocol 2); false where nobody says so.
    pub replayed: bool,
}

/// Which way an account of a detection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// `anomaly_detected` on the socket: picture, but on the original neither id nor time.
    Detection,
    /// `notification` on the socket: id and shop, no picture.
    Notification,
    /// A row of `GET /api/anomalies`.
    Record,
}

/// What was detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `suspicious_behavior`: the theft pattern of the pose model.
    Theft,
    /// `owl_eye_intrusion`: a person where nobody should be.
    Intrusion,
    /// Any other type that the record may hold.
    Other,
}

/// The picture that belongs to an account of a detection.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    /// Checked and bounded.
    Jpeg(Jpeg),
    /// None in this message; it may be had from this path of the backend.
    At(String),
    /// None.
    Absent,
    /// There was one, and it is not fit to be kept; the alert stands without it.
    Refused(FrameError),
}

/// A rectangle in the picture's pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}
