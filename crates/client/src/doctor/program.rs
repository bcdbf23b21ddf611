//! What the running program says of itself, which is more than anybody else can see.

use super::{Check, Finding, Running, Verdict};
use crate::view::{Standing, Status};
use crate::words::text;

pub(super) fn examine(running: &Running) -> Finding {
    let standing = match running {
        Running::Nobody => {
            let advice = text("doctor.program_none_advice", &[]);
            return Finding::bad(Check::Program, text("doctor.program_none", &[]), advice);
        }
        Running::Silent => {
            let advice = text("doctor.program_silent_advice", &[]);
            return Finding::bad(Check::Program, text("doctor.program_silent", &[]), advice);
        }
        Running::Told(standing) => standing,
    };
    let (verdict, found) = word(standing);
    Finding { check: Check::Program, verdict, found, advice: None }
}

/// Its sentence, and how bad that is.
pub(super) fn word(standing: &Standing) -> (Verdict, String) {
    let verdict = match standing.status.status {
        Status::Protected => Verdict::Good,
        Status::CatchingUp => Verdict::Warning,
        Status::Deaf | Status::Offline | Status::SignedOut => Verdict::Bad,
    };
    (verdict, text("doctor.program_says", &[("said", &standing.status.sentence)]))
}
