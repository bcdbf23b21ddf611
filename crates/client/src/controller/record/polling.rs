//! How often the record is read while alerts come by it alone, as for a manager whose account runs no camera: soon
//! after one was found, seldom while the server is slow or fails.

use std::time::Duration;

use visionguard_proto::Moment;

use crate::controller::Pace;

/// How long after a find more is expected.
const LIVELY_FOR: Duration = Duration::from_secs(120);
/// Reading takes at most one part in so many of the server's time.
const SHARE: u32 = 20;
/// Failures in a row that still lengthen the pause.
const MOST_DOUBLINGS: u32 = 4;
/// How long before the evidence of one grows too old the next is to have ended.
const IN_TIME: Duration = Duration::from_secs(2);

/// What the last comparisons were like.
#[derive(Debug, Default)]
pub(crate) struct Polling {
    found_at: Option<Moment>,
    took: Duration,
    /// The same of the last that did not fail.
    took_well: Duration,
    failures: u32,
}

impl Polling {
    /// A comparison ended at `now`, which began at `began_at`.
    pub(crate) fn ended(&mut self, found: bool, failed: bool, began_at: Moment, now: Moment) {
        if found {
            self.found_at = Some(now);
        }
        self.took = now.since(began_at);
        if !failed {
            self.took_well = self.took;
        }
        self.failures = if failed { (self.failures + 1).min(MOST_DOUBLINGS) } else { 0 };
    }

    /// Whether the last two failed, at least.
    pub(crate) fn fails(&self) -> bool {
        self.failures > 1
    }

    /// How often the record is read at least while that goes well. A failure takes nothing back and adds nothing.
    pub(crate) fn promised(&self, pace: &Pace, quiet: Duration) -> Duration {
        quiet.max(self.took_well.saturating_mul(SHARE)).min(self.slowest(pace).max(quiet))
    }

    /// From the beginning of one comparison to that of the next; `quiet` is that where nothing is found.
    pub(crate) fn every(&self, pace: &Pace, quiet: Duration, now: Moment) -> Duration {
        let lively = self.found_at.is_some_and(|at| now.since(at) < LIVELY_FOR);
        let wanted = if lively { pace.poll_lively.min(quiet) } else { quiet };
        let bearable = wanted.max(self.took.saturating_mul(SHARE)).saturating_mul(1 << self.failures);
        let slowest = if self.failures == 0 { self.slowest(pace) } else { pace.poll_slowest };
        bearable.min(slowest.max(wanted))
    }

    /// A comparison that goes well takes the place of the one before as long as that is still evidence.
    fn slowest(&self, pace: &Pace) -> Duration {
        pace.poll_slowest.min(pace.limits.record.saturating_sub(self.took_well + IN_TIME))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_quiet_record_is_read_every_fifteen_seconds() {
        let mut polling = Polling::default();

        polling.ended(false, false, at(0), at(0));

        assert_eq!(every(&polling, at(1)), 15 * SECOND);
    }

    #[test]
    fn after_a_find_it_is_read_every_five_seconds_for_two_minutes() {
        let mut polling = Polling::default();

        polling.ended(true, false, at(0), at(0));

        assert_eq!(every(&polling, at(119)), 5 * SECOND);
        assert_eq!(every(&polling, at(120)), 15 * SECOND);
    }

    #[test]
    fn a_slow_server_is_asked_less_often() {
        let mut polling = Polling::default();

        polling.ended(true, false, at(0), at(2));

        assert_eq!(every(&polling, at(3)), 40 * SECOND);
    }

    #[test]
    fn what_takes_long_is_read_again_before_its_evidence_is_too_old() {
        let mut polling = Polling::default();
        for (took, every_seconds) in [(2, 40), (3, 55), (13, 45), (50, 15)] {
            polling.ended(false, false, at(0), at(took));

            assert_eq!(every(&polling, at(took)), every_seconds * SECOND, "{took} s");
            assert_eq!(polling.promised(&Pace::default(), 15 * SECOND), every_seconds * SECOND);
        }
    }

    #[test]
    fn a_failing_server_is_asked_less_often_each_time_until_it_answers() {
        let mut polling = Polling::default();
        let pauses: Vec<Duration> = (0..4)
            .map(|n| {
                polling.ended(false, true, at(n), at(n));
                every(&polling, at(n))
            })
            .collect();

        polling.ended(false, false, at(9), at(9));

        assert_eq!(pauses, [30 * SECOND, 60 * SECOND, 60 * SECOND, 60 * SECOND]);
        assert_eq!(every(&polling, at(9)), 15 * SECOND);
    }

    #[test]
    fn a_failure_makes_no_promise_longer() {
        let mut polling = Polling::default();
        polling.ended(false, false, at(0), at(1));
        let before = polling.promised(&Pace::default(), 15 * SECOND);

        polling.ended(false, true, at(10), at(20));

        assert_eq!(before, 20 * SECOND);
        assert_eq!(polling.promised(&Pace::default(), 15 * SECOND), before);
    }

    proptest! {
        #[test]
        fn the_pause_is_always_between_five_and_sixty_seconds(
            ends in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_u64..100), 0..20)
        ) {
            let mut polling = Polling::default();
            let mut now = 0;
            for (found, failed, took) in ends {
                polling.ended(found, failed, at(now), at(now + took));
                now += took;
                let pause = every(&polling, at(now));
                prop_assert!((5 * SECOND..=60 * SECOND).contains(&pause));
            }
        }
    }

    fn every(polling: &Polling, now: Moment) -> Duration {
        polling.every(&Pace::default(), 15 * SECOND, now)
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(1000 + seconds))
    }
}
