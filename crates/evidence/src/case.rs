//! What is known of incidents, in plain types: the caller maps its own onto these.
//!
//! Every text may be hostile: it came from a server or was typed by somebody. It is stored as it is in `incident.json`, and escaped,
//! guarded and cut wherever it is shown.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// All that goes into one zip.
#[derive(Debug, Clone)]
pub struct Case {
    /// When it is made, by this computer's clock; also the signature's time and that of every file in the zip.
    pub made_at: Timestamp,
    /// Who makes it: the name with which they signed in.
    pub made_by: Option<String>,
    /// The program that makes it, with its version, such as `VisionGuard Desktop 0.1.0`.
    pub program: String,
    /// This computer's name.
    pub computer: Option<String>,
    /// The server that the alerts came from, without anything secret in its address.
    pub server: Option<String>,
    /// What the person wants it to be found by, such as the number of a report to the police.
    pub reference: Option<String>,
    /// The zone of the shop's clock.
    pub zone: TimeZone,
    /// What is known of this computer's clock.
    pub clock: Option<ClockComparison>,
    /// One or several, in the order in which they are shown.
    pub incidents: Vec<Incident>,
}

/// This computer's clock beside the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockComparison {
    /// By how much the server's clock was ahead of this computer's; negative where it was behind.
    pub server_ahead: SignedDuration,
    /// By how much `server_ahead` may be wrong either way, where that was kept.
    pub uncertainty: Option<SignedDuration>,
    /// When they were compared, by this computer's clock.
    pub compared_at: Timestamp,
}

/// One incident: what one camera told of within a short time.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its number on this computer.
    pub number: i64,
    /// What was detected, in words, such as `Theft`.
    pub kind: String,
    /// How serious it was taken to be, in words.
    pub severity: Option<String>,
    /// The store's name.
    pub store: Option<String>,
    /// The store's id at the server.
    pub store_id: Option<String>,
    /// The camera's name or place.
    pub camera: Option<String>,
    /// The camera's id at the server.
    pub camera_id: Option<String>,
    /// In the order in which they came.
    pub alerts: Vec<Alert>,
    /// Who saw and decided what, in any order.
    pub events: Vec<Event>,
}

/// One detection.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its number on this computer, by which its picture is asked for.
    pub number: i64,
    /// Its id in the server's record.
    pub record_id: Option<String>,
    /// What the detector said of it.
    pub text: Option<String>,
    /// The detector's score, as it came: how far from usual, 0 or more; no probability.
    pub score: Option<f64>,
    /// The detector's number for the person; no name.
    pub person: Option<i64>,
    /// The number of the frame in the camera's stream.
    pub frame_number: Option<i64>,
    /// By the server's clock.
    pub detected_at: Option<Timestamp>,
    /// By this computer's clock.
    pub received_at: Timestamp,
    /// What is known of its picture, where there is one.
    pub frame: Option<Frame>,
    /// Why there is no picture, or a remark about it.
    pub remark: Option<String>,
}

/// A picture, without its bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Pixels across, the right way up.
    pub width: u32,
    /// Pixels down, the right way up.
    pub height: u32,
    /// How its bytes must be turned.
    pub orientation: Orientation,
    /// What the detector marked.
    pub area: Option<Area>,
}

/// A part of a picture, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// The left side.
    pub left: f64,
    /// The upper side.
    pub top: f64,
    /// To the right of the left side.
    pub right: f64,
    /// Below the upper side.
    pub bottom: f64,
}

/// How encoded pixels are turned to be upright. What is mirrored is in [`Orientation::Other`]: it is not printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orientation {
    /// As they are.
    #[default]
    Upright,
    /// By a half turn.
    Half,
    /// By a quarter turn clockwise.
    Right,
    /// By a quarter turn counterclockwise.
    Left,
    /// Otherwise.
    Other,
}

/// Something that somebody or the program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, and by which clock.
    pub at: Timed,
    /// Who.
    pub who: Who,
    /// What.
    pub what: What,
}

/// A time by one of the two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timed {
    /// This computer's.
    Computer(Timestamp),
    /// The server's.
    Server(Timestamp),
}

impl Timed {
    /// What that clock said.
    pub fn said(self) -> Timestamp {
        match self {
            Timed::Computer(at) | Timed::Server(at) => at,
        }
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A person by the name with which they signed in.
    Person(String),
    /// Somebody at this computer; nobody's name is known.
    SomebodyHere,
    /// Somebody elsewhere, of whom the server's record has no name.
    SomebodyElsewhere,
    /// This program by itself.
    Program,
    /// The server.
    Server,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A notification of it was shown on the screen.
    Notified,
    /// It was opened or looked at.
    Seen,
    /// It was taken out of view.
    Dismissed,
    /// It was decided on.
    Decided {
        /// What was decided.
        decision: Decision,
        /// What they said came of it.
        outcome: Option<String>,
        /// It was decided on with others, and nobody had opened it.
        unopened: bool,
        /// What they wrote with it.
        note: Option<String>,
    },
    /// Something was written about it.
    Noted {
        /// What.
        note: String,
    },
    /// The server has a decision that was made here.
    Recorded {
        /// Which.
        decision: Decision,
    },
    /// The server would not take a decision that was made here.
    Refused {
        /// Which.
        decision: Decision,
        /// What it said.
        reason: String,
    },
}

/// What can be decided about an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Somebody takes care of it.
    Acknowledged,
    /// It is over.
    Resolved,
    /// Nothing had happened.
    FalseAlarm,
    /// It is undecided again.
    Reopened,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Decision::Acknowledged => "acknowledged",
            Decision::Resolved => "resolved",
            Decision::FalseAlarm => "false alarm",
            Decision::Reopened => "reopened",
        })
    }
}
