//! The shop's part of the report: what happened, where and when, and what was decided about it.

use serde::Serialize;
#[cfg(test)]
use ts_rs::TS;

use super::Spread;

/// The incidents of a time, by where and when they began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Activity {
    /// All of them, also those that were in the record before this computer first read it.
    pub total: Tally,
    /// Most incidents first.
    pub cameras: Vec<Part>,
    /// Most incidents first; those of no known store last.
    pub stores: Vec<Part>,
    /// By the hour of day at this computer's place, midnight's first: 24.
    pub hours: Vec<u32>,
    /// By day, every day of the time, in its order.
    pub days: Vec<DayTally>,
}

/// Incidents of one camera or one store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Part {
    /// The stream's or the store's id; none where it is not known.
    pub id: Option<String>,
    pub name: String,
    /// Of a camera, its store where that is known.
    pub store: Option<String>,
    pub tally: Tally,
}

/// Incidents of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct DayTally {
    /// Its midnight.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: i64,
    pub incidents: u32,
    pub false_alarms: u32,
}

/// How many incidents there were, and what was decided about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Tally {
    pub incidents: u32,
    /// Nobody has decided, or the server would not take the decision.
    pub open: u32,
    pub acknowledged: u32,
    pub resolved: u32,
    pub false_alarms: u32,
    /// From an incident's beginning to the decision, where both times are known.
    pub to_decision: Spread,
}

impl Tally {
    /// How many of a hundred that were decided on were false alarms, rounded; none where nothing was decided.
    pub fn false_alarm_percent(&self) -> Option<u32> {
        let decided = self.incidents - self.open;
        (self.false_alarms * 200 + decided).checked_div(decided * 2)
    }
}
