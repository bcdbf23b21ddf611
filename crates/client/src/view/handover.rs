//! What a person is told who comes back.

use serde::Serialize;
#[cfg(test)]
use ts_rs::TS;

/// What happened since a person last looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(TS))]
pub struct Handover {
    /// When that was.
    #[cfg_attr(test, ts(type = "number"))]
    pub since: i64,
    /// Incidents that began since.
    pub incidents: u32,
    /// How many of them nobody has decided on.
    pub unhandled: u32,
    /// Incidents about which somebody decided elsewhere, whenever they began.
    pub decided_elsewhere: u32,
    /// Incidents that somebody opened again elsewhere, and that are open.
    pub reopened_elsewhere: u32,
    /// Times without a connection.
    pub outages: u32,
    #[cfg_attr(test, ts(type = "number"))]
    pub offline_ms: i64,
}

impl Handover {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.incidents == 0
            && self.decided_elsewhere == 0
            && self.reopened_elsewhere == 0
            && self.outages == 0
    }
}
