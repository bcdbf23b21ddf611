//! What an alert is worth.

use jiff::tz::TimeZone;
use visionguard_proto::Kind;

use super::hours::{Hours, is_after_hours};
use super::words;
use crate::model::{IncidentRow, Severity};

/// A score from here on is [`Severity::High`] by itself. Scores say how far below the model's threshold (0) the
/// movement lies; the detections we know lie around 3.5.
pub const HIGH_SCORE: f64 = 5.0;

/// From this incident of one camera within five minutes on, it is [`Severity::High`].
pub const REPEATED: u32 = 3;

/// A severity and its reason, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    pub severity: Severity,
    /// It happened while the shop was closed: it interrupts as if it were high, and sounds each time.
    pub after_hours: bool,
    /// "Theft pattern, score 3.5, third time in 5 minutes"; never empty.
    pub why: String,
}

/// Judges an incident by its kind, its highest score, and which one of its camera it is within five minutes (1 for
/// the first).
pub fn assess(kind: Kind, top_score: Option<f64>, nth: u32) -> Assessment {
    let severity = match kind {
        Kind::Intrusion => Severity::High,
        Kind::Theft if nth >= REPEATED || top_score.is_some_and(|score| score >= HIGH_SCORE) => {
            Severity::High
        }
        Kind::Theft => Severity::Medium,
        Kind::Other => Severity::Low,
    };
    Assessment { severity, after_hours: false, why: words::reasons(kind, top_score, nth) }
}

/// The same of an incident, with whether the shop was open.
pub(super) fn assess_at(incident: &IncidentRow, hours: Option<&Hours>, zone: &TimeZone) -> Assessment {
    let plain = assess(incident.kind, incident.top_score, incident.nth);
    if !is_after_hours(incident, hours, zone) {
        return plain;
    }
    Assessment { after_hours: true, why: words::after_hours(&plain.why), ..plain }
}

impl Assessment {
    /// How much it may interrupt.
    pub fn interrupts_as(&self) -> Severity {
        if self.after_hours { Severity::High } else { self.severity }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_theft_pattern_is_never_low_and_says_why() {
        let plain = assess(Kind::Theft, Some(3.5), 1);

        assert_eq!(plain.severity, Severity::Medium);
        assert_eq!(plain.why, "Theft pattern, score 3.5");
        assert_eq!(assess(Kind::Theft, None, 1).severity, Severity::Medium);
    }

    #[test]
    fn a_high_score_a_third_time_and_an_intrusion_are_high() {
        assert_eq!(assess(Kind::Theft, Some(HIGH_SCORE), 1).severity, Severity::High);
        assert_eq!(assess(Kind::Theft, Some(1.0), REPEATED).severity, Severity::High);
        assert_eq!(assess(Kind::Intrusion, None, 1).severity, Severity::High);
        assert_eq!(
            assess(Kind::Theft, Some(3.5), 3).why,
            "Theft pattern, score 3.5, third time in 5 minutes"
        );
    }

    proptest! {
        #[test]
        fn more_evidence_never_lowers_a_severity(score in 0.0..20.0f64, more in 0.0..20.0f64, nth in 1..9u32, again in 0..9u32) {
            let less = assess(Kind::Theft, Some(score), nth).severity;
            let worse = assess(Kind::Theft, Some(score + more), nth + again).severity;

            prop_assert!(worse >= less);
            prop_assert!(less >= Severity::Medium);
        }
    }
}
