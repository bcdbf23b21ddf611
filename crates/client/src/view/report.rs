//! The report: what became of every alert of a time.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;

use super::Activity;
use crate::model::{Severity, Source};

/// Which time a report is about, in milliseconds: from this one, before that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct ReportQuery {
    #[cfg_attr(test, ts(type = "number"))]
    pub from: i64,
    #[cfg_attr(test, ts(type = "number"))]
    pub to: i64,
}

/// What became of every alert of a time, and when none could have come.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Report {
    #[cfg_attr(test, ts(type = "number"))]
    pub from: i64,
    #[cfg_attr(test, ts(type = "number"))]
    pub to: i64,
    /// Detections stored, without those that were in the record before this computer first read it.
    pub alerts: u32,
    /// How many those were: they are in the list, and their way was not measured.
    pub unmeasured: u32,
    /// Where there are such, when this computer first read the record.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub measured_since: Option<i64>,
    /// Of how many incidents, which is what the list shows.
    pub incidents: u32,
    /// Of these, how many came on the socket.
    pub live: u32,
    /// Of these, how many came out of the record afterwards.
    pub caught_up: u32,
    /// Rows that the server's record is known to hold and this computer does not.
    pub lost: u32,
    /// Times of which it is not certain that every alert is here, or was not for a while.
    pub gaps: Vec<Gap>,
    /// From the detection to the notification, of what came on the socket: what is caught up on is told in one popup.
    pub to_popup: Spread,
    /// From the detection to the decision.
    pub to_action: Spread,
    /// Times without a connection, oldest first.
    pub outages: Vec<Outage>,
    /// How long there was no connection within this time.
    #[cfg_attr(test, ts(type = "number"))]
    pub offline_ms: i64,
    pub drills_passed: u32,
    pub drills_failed: u32,
    /// The same time as the shop saw it.
    pub activity: Activity,
    /// The newest 500, newest first.
    pub entries: Vec<LedgerEntry>,
}

/// Half took no longer than the median, 95 of 100 no longer than the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Spread {
    /// Of how many both ends are known.
    pub count: u32,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub median_ms: Option<i64>,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub p95_ms: Option<i64>,
}

/// A time of which alerts may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Gap {
    /// None: not known.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub from: Option<i64>,
    #[cfg_attr(test, ts(type = "number"))]
    pub to: i64,
    /// A later comparison with the record was complete: nothing is missing any more.
    pub filled: bool,
    pub sentence: String,
}

/// A time without a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Outage {
    #[cfg_attr(test, ts(type = "number"))]
    pub from: i64,
    /// None: it goes on.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub to: Option<i64>,
    /// A stable code, as a status's `reason`.
    pub cause: String,
    pub sentence: String,
    /// How many alerts were caught up on after it.
    pub caught_up: u32,
}

/// One alert's way, each step with its time where it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct LedgerEntry {
    pub alert: String,
    pub incident: String,
    pub camera: String,
    pub severity: Severity,
    pub source: Source,
    /// By the server's clock.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub detected_at: Option<i64>,
    /// The same by this computer's clock, where the difference of the two is known.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub detected_here: Option<i64>,
    #[cfg_attr(test, ts(type = "number"))]
    pub received_at: i64,
    /// When it was on the disk.
    #[cfg_attr(test, ts(type = "number"))]
    pub stored_at: i64,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub notified_at: Option<i64>,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub seen_at: Option<i64>,
    /// When a person decided on it, here or elsewhere.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub acted_at: Option<i64>,
}
