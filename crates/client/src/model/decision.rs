//! What was decided about an incident, and how far that is on its way to the server.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;
use visionguard_proto::AnomalyId;

use super::{AlertId, Disposition, IncidentId, OutgoingId};

/// What was decided about an incident, and whether the server knows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(TS))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Handling {
    /// Nobody has decided yet.
    Open,
    /// Decided here, on its way to the server.
    Sending {
        decision: Decision,
        /// Until when it can be taken back, and is not sent: milliseconds since 1970, by this computer's clock.
        #[cfg_attr(test, ts(type = "number | null"))]
        undo_until: Option<i64>,
    },
    /// The server has it.
    Recorded {
        decision: Decision,
        /// Decided on this computer.
        here: bool,
        #[cfg_attr(test, ts(type = "number"))]
        at: i64,
    },
    /// It was decided on, and nobody has decided on it since it was opened again.
    Reopened {
        /// Opened again on this computer.
        here: bool,
        /// The server has it.
        sent: bool,
        #[cfg_attr(test, ts(type = "number"))]
        at: i64,
        /// As of a decision that is sending.
        #[cfg_attr(test, ts(type = "number | null"))]
        undo_until: Option<i64>,
    },
    /// The server would not take it; the sentence says why.
    Refused { decision: Decision, sentence: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Acknowledged,
    Resolved,
    FalseAlarm,
    /// What was decided holds no longer.
    Reopened,
}

impl Handling {
    /// Whether nobody has decided, or nobody's decision was taken.
    pub fn is_open(&self) -> bool {
        matches!(self, Handling::Open | Handling::Reopened { .. } | Handling::Refused { .. })
    }

    /// What is decided, or on its way to be.
    pub fn decision(&self) -> Option<Decision> {
        match self {
            Handling::Sending { decision, .. } | Handling::Recorded { decision, .. } => Some(*decision),
            Handling::Open | Handling::Reopened { .. } | Handling::Refused { .. } => None,
        }
    }
}

/// What a person makes of incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub decision: Decision,
    /// What came of it; none leaves what was said of the same decision before.
    pub outcome: Option<Disposition>,
    /// None leaves what was written before.
    pub note: Option<String>,
    /// Who decides, by name.
    pub by: Option<String>,
    pub dispatch: Dispatch,
}

/// How long a decision can be taken back.
pub const UNDO_WITHIN: Duration = Duration::from_secs(10);

/// When a decision goes to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// As soon as it can.
    AtOnce,
    /// Once it can no longer be taken back: after [`UNDO_WITHIN`].
    Held,
}

/// What became of a decision, for whoever waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    pub how: How,
    /// What happened, for a person.
    pub sentence: String,
}

/// How a decision ended, or why it has not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The server has it.
    Recorded,
    /// Somebody else had decided the same before.
    Already,
    /// Somebody else decided otherwise, and that stands; nothing was sent.
    Overruled,
    /// The server will not have it, or a part of it.
    Refused,
    /// Another decision was made here in its place.
    Replaced,
    /// It is kept, and sent later.
    Waiting,
    /// It is kept, and sent once somebody has signed in.
    SignedOut,
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
    pub outcome: Option<Disposition>,
    /// The line that this program wrote into the row's notes, and that is still the one.
    pub our_note: Option<String>,
    pub decided_at: Timestamp,
    /// How often it was tried in vain.
    pub tries: u32,
    /// What the server last had of us about it, where this is a change of mind.
    pub ours: Option<Decision>,
}

impl Outgoing {
    /// Whether anything is said with the decision.
    pub fn says(&self) -> bool {
        self.note.is_some() || self.outcome.is_some()
    }
}

/// A note on its way to the server, which leaves the decision as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNote {
    pub alert: AlertId,
    pub incident: IncidentId,
    pub anomaly_id: AnomalyId,
    pub note: Option<String>,
    pub outcome: Option<Disposition>,
    /// What was decided here, which the line then tells.
    pub decided: Option<Decision>,
    pub our_note: Option<String>,
}

/// A row of the record as it was read, or left, there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// When it last changed, by the server's clock.
    pub changed_at: Option<Timestamp>,
    /// All that stands in its notes. Hostile text.
    pub notes: Option<String>,
    /// The line of these that this program wrote; none leaves what it was.
    pub our_note: Option<String>,
}

/// What the record says about an anomaly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowTold {
    pub anomaly: AnomalyId,
    /// None: nobody has decided, or nobody's decision holds any longer.
    pub decision: Option<Decision>,
    /// When that was, by the server's clock.
    pub at: Timestamp,
    pub outcome: Option<Disposition>,
    /// Who decided, by name.
    pub by: Option<String>,
    pub there: There,
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
