//! What to do about a decision that waits in the journal's outbox: pure rules.
//!
//! The backend keeps no version of a row and lets the last writer win. So a row is read before it is written: what
//! somebody else decided meanwhile is not undone by a weaker decision that was made here earlier.

use visionguard_proto::record::{Row, Status};

use crate::api::ApiError;
use crate::journal::Delivery;
use crate::view::Decision;
use crate::words;

/// What to do with a decision, knowing the row as it stands on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Write this status.
    Write(Status),
    /// It is there already, or something stronger is.
    Done,
}

/// The backend's word for a decision.
pub fn status(decision: Decision) -> Status {
    match decision {
        Decision::Acknowledged => Status::Acknowledged,
        Decision::Resolved => Status::Resolved,
        Decision::FalseAlarm => Status::FalsePositive,
    }
}

/// The decision that the record tells of, if any.
pub fn decision(status: Status) -> Option<Decision> {
    match status {
        Status::Acknowledged => Some(Decision::Acknowledged),
        Status::Resolved => Some(Decision::Resolved),
        Status::FalsePositive => Some(Decision::FalseAlarm),
        Status::Pending | Status::Unknown => None,
    }
}

/// Compares a decision with the row. "Acknowledged" says less than "resolved" or "false alarm" and never replaces
/// them; between those two the person here decides.
pub fn step(decision: Decision, row: &Row) -> Step {
    let wanted = status(decision);
    let weaker = decision == Decision::Acknowledged
        && match row.status {
            Status::Resolved | Status::FalsePositive => true,
            Status::Pending | Status::Acknowledged | Status::Unknown => false,
        };
    if row.status == wanted || weaker { Step::Done } else { Step::Write(wanted) }
}

/// What a failed request means for a decision. Whatever may pass, and a sign-in that is needed first, leaves it in
/// the outbox.
pub fn failed(error: &ApiError) -> Delivery {
    if error.can_retry() || error.is_unauthorized() {
        return Delivery::Later;
    }
    if error.is_not_found() {
        return Delivery::Refused { sentence: words::text("problem.decision_unknown_there", &[]) };
    }
    match error {
        ApiError::Refused { .. } => {
            Delivery::Refused { sentence: words::text("problem.decision_refused", &[]) }
        }
        ApiError::Unreachable(_)
        | ApiError::Intercepted { .. }
        | ApiError::Garbled(_)
        | ApiError::TooLarge
        | ApiError::Impossible(_) => Delivery::Later,
    }
}
