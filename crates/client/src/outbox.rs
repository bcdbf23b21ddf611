//! What to do about a decision that waits in the journal's outbox: pure rules.
//!
//! The backend keeps no version of a row and lets the last writer win. So a row is read before it is written: what
//! somebody else decided meanwhile is not undone by a weaker decision that was made here earlier.

use jiff::Timestamp;
use visionguard_proto::AnomalyId;
use visionguard_proto::record::{Row, Status};

use crate::api::ApiError;
use crate::model::{Decided, Decision, Delivery, Handling, How, RowTold, There};
use crate::notes;
use crate::words::{self, text};

/// What to do with a decision, knowing the row as it stands on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Write this status.
    Write(Status),
    /// It is there already.
    Done,
    /// Somebody else decided otherwise: this is shown, and nothing written.
    Theirs(Decision),
}

/// The backend's word for a decision.
pub fn status(decision: Decision) -> Status {
    match decision {
        Decision::Acknowledged => Status::Acknowledged,
        Decision::Resolved => Status::Resolved,
        Decision::FalseAlarm => Status::FalsePositive,
        Decision::Reopened => Status::Pending,
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

/// Whether the record keeps who gave a row this status.
pub fn closes(status: Status) -> bool {
    matches!(status, Status::Resolved | Status::FalsePositive)
}

/// What a row says, for the journal; `by` is who decided, as far as that is known, and `at` is when.
pub fn told(anomaly: AnomalyId, row: &Row, by: Option<String>, at: Timestamp) -> RowTold {
    let decision = decision(row.status);
    let outcome =
        row.notes.as_deref().zip(decision).and_then(|(notes, decision)| notes::came_of_it(notes, decision));
    let there = There { changed_at: row.updated_at, notes: row.notes.clone(), our_note: None };
    RowTold { anomaly, decision, at, outcome, by, there }
}

/// Whether what failed so may succeed later, or once somebody has signed in.
pub fn is_later(error: &ApiError) -> bool {
    failed(error) == Delivery::Later
}

/// Compares a decision with the row. Only an acknowledgement may become more; whatever else somebody decided stands,
/// unless it was us: `ours` is the status that this program wrote there last, or that was opened again by somebody who saw it.
pub fn step(decision: Decision, row: &Row, ours: Option<Status>) -> Step {
    let wanted = status(decision);
    if row.status == wanted {
        return Step::Done;
    }
    match row.status {
        Status::Resolved | Status::FalsePositive if ours == Some(row.status) => Step::Write(wanted),
        Status::Resolved => Step::Theirs(Decision::Resolved),
        Status::FalsePositive => Step::Theirs(Decision::FalseAlarm),
        Status::Acknowledged if decision == Decision::Reopened && ours != Some(Status::Acknowledged) => {
            Step::Theirs(Decision::Acknowledged)
        }
        Status::Acknowledged | Status::Pending | Status::Unknown => Step::Write(wanted),
    }
}

/// What became of a decision, as an incident's handling tells it; none while it is on its way.
pub fn decided(decision: Decision, handling: &Handling) -> Option<Decided> {
    let (how, sentence) = match handling {
        Handling::Open | Handling::Sending { .. } => return None,
        Handling::Reopened { here: true, sent, .. } if decision == Decision::Reopened => {
            return sent.then(|| Decided { how: How::Recorded, sentence: text(done(decision), &[]) });
        }
        Handling::Reopened { here: true, .. } => (How::Replaced, text("problem.decision_replaced", &[])),
        Handling::Reopened { here: false, .. } => {
            let who = text("problem.who_else", &[]);
            (
                How::Overruled,
                text("problem.overruled_part", &[("who", &who), ("did", &did(Decision::Reopened))]),
            )
        }
        Handling::Recorded { decision: there, here: true, .. } if *there == decision => {
            (How::Recorded, text(done(decision), &[]))
        }
        // How it stood before, which may come late; what overrules this is told with its reason.
        Handling::Recorded { here: false, .. } if decision == Decision::Reopened => return None,
        Handling::Recorded { decision: there, here: false, .. } => {
            let who = text("problem.who_else", &[]);
            (How::Overruled, text("problem.overruled", &[("who", &who), ("did", &did(*there))]))
        }
        Handling::Recorded { .. } => (How::Replaced, text("problem.decision_replaced", &[])),
        Handling::Refused { sentence, .. } => (How::Refused, sentence.clone()),
    };
    Some(Decided { how, sentence })
}

/// A decision that is still on its way, and why.
pub fn waits(how: How, why: &str) -> Decided {
    Decided { how, sentence: text("problem.decision_waits", &[("why", why)]) }
}

fn done(decision: Decision) -> &'static str {
    match decision {
        Decision::Acknowledged => "problem.done_acknowledged",
        Decision::Resolved => "problem.done_resolved",
        Decision::FalseAlarm => "problem.done_false_alarm",
        Decision::Reopened => "problem.done_reopened",
    }
}

/// What somebody did, in the past tense.
pub fn did(decision: Decision) -> String {
    match decision {
        Decision::Acknowledged => text("problem.did_acknowledge", &[]),
        Decision::Resolved => text("problem.did_resolve", &[]),
        Decision::FalseAlarm => text("problem.did_false_alarm", &[]),
        Decision::Reopened => text("problem.did_reopen", &[]),
    }
}

/// What a failed request means for a decision. Whatever may pass, and a sign-in that is needed first, leaves it in
/// the outbox.
pub fn failed(error: &ApiError) -> Delivery {
    if error.can_retry() || error.is_unauthorized() {
        return Delivery::Later;
    }
    let for_good = match error {
        // An answer that is not the server's own says nothing about the row.
        ApiError::Refused { is_ours, .. } => *is_ours,
        ApiError::Impossible(_) => true,
        ApiError::Unreachable(_)
        | ApiError::Intercepted { .. }
        | ApiError::Garbled(_)
        | ApiError::TooLarge => false,
    };
    if !for_good {
        return Delivery::Later;
    }
    let sentence = if error.is_not_found() {
        words::text("problem.decision_unknown_there", &[])
    } else {
        words::text("problem.decision_refused", &[])
    };
    Delivery::Refused { sentence }
}

/// Whether the next decision would fail alike: the server is not there, or wants no more requests of this session for
/// now. Any other failure is about one row.
pub fn concerns_all(error: &ApiError) -> bool {
    match error {
        ApiError::Unreachable(_) => true,
        ApiError::Refused { status, .. } => matches!(status, 401 | 429 | 503),
        ApiError::Intercepted { .. }
        | ApiError::Garbled(_)
        | ApiError::TooLarge
        | ApiError::Impossible(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use visionguard_proto::Cause;

    use super::*;

    const DECISIONS: [Decision; 3] = [Decision::Acknowledged, Decision::Resolved, Decision::FalseAlarm];

    #[test]
    fn an_undecided_row_takes_any_decision() {
        for decided in DECISIONS {
            assert_eq!(step(decided, &row("pending"), None), Step::Write(status(decided)));
        }
    }

    #[test]
    fn what_is_there_already_is_not_written_again() {
        for decided in DECISIONS {
            let there = row(status(decided).word().expect("a word"));

            assert_eq!(step(decided, &there, None), Step::Done);
        }
    }

    #[test]
    fn what_somebody_else_settled_is_shown_and_not_overwritten() {
        let theirs = Step::Theirs(Decision::Resolved);

        assert_eq!(step(Decision::Acknowledged, &row("resolved"), None), theirs);
        assert_eq!(step(Decision::FalseAlarm, &row("resolved"), None), theirs);
        assert_eq!(step(Decision::FalseAlarm, &row("resolved"), Some(Status::Acknowledged)), theirs);
    }

    #[test]
    fn an_acknowledgement_may_become_more() {
        let more = step(Decision::Resolved, &row("acknowledged"), None);

        assert_eq!(more, Step::Write(Status::Resolved));
    }

    #[test]
    fn a_change_of_our_own_mind_is_no_conflict() {
        let changed = step(Decision::FalseAlarm, &row("resolved"), Some(Status::Resolved));

        assert_eq!(changed, Step::Write(Status::FalsePositive));
    }

    #[test]
    fn what_is_opened_again_is_what_was_seen_to_be_decided() {
        let step = |there, seen| step(Decision::Reopened, &row(there), seen);

        assert_eq!(step("resolved", Some(Status::Resolved)), Step::Write(Status::Pending));
        assert_eq!(step("acknowledged", Some(Status::Acknowledged)), Step::Write(Status::Pending));
        assert_eq!(step("pending", Some(Status::Resolved)), Step::Done);
        assert_eq!(step("resolved", Some(Status::Acknowledged)), Step::Theirs(Decision::Resolved));
        assert_eq!(step("acknowledged", None), Step::Theirs(Decision::Acknowledged));
    }

    #[test]
    fn every_decision_is_recognised_when_it_comes_back() {
        for decided in DECISIONS {
            assert_eq!(decision(status(decided)), Some(decided));
        }
        assert_eq!(decision(Status::Pending), None);
    }

    #[test]
    fn what_may_pass_stays_in_the_outbox_and_what_cannot_says_why() {
        let refused = |status| ApiError::Refused { status, said: None, retry_after: None, is_ours: true };
        let page = ApiError::Refused { status: 404, said: None, retry_after: None, is_ours: false };

        assert_eq!(failed(&ApiError::Unreachable(Cause::Refused)), Delivery::Later);
        assert_eq!(failed(&refused(500)), Delivery::Later);
        assert_eq!(failed(&refused(401)), Delivery::Later);
        assert_eq!(failed(&page), Delivery::Later);
        for status in [400, 404, 422] {
            let Delivery::Refused { sentence } = failed(&refused(status)) else {
                panic!("{status} is final")
            };
            assert!(sentence.ends_with('.'), "{sentence}");
        }
    }

    fn row(status: &str) -> Row {
        let text = include_str!("../../../tests/fixtures/anomaly_patch_ack_200.json");
        let text = text.replace("\"status\":\"acknowledged\"", &format!("\"status\":\"{status}\""));
        Row::read(text.as_bytes()).expect("a row")
    }
}
