//! What time it is by the server's clock, as its answers tell it: to the second, and late by however long the answer took.
//!
//! An answer says a second that began while the request was under way, so that the server's time is known to lie between
//! two times; half of what lies between is the uncertainty. The estimate with the smallest is kept.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use visionguard_proto::Moment;

/// To how much an answer tells the time.
const TOLD_TO: Duration = Duration::from_secs(1);
/// Two clocks drift apart by at most one part in this many.
const DRIFT: u32 = 5_000;

/// A time that an answer told, and since when it was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The answer's `Date`.
    pub date: Timestamp,
    /// When the request was sent.
    pub asked_at: Instant,
}

/// The server's clock, which counts on by this computer's monotonic one: nobody can set that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerClock {
    time: Timestamp,
    at: Moment,
    uncertain: Duration,
}

impl ServerClock {
    /// What an answer that was just read tells; all that passed since the request was sent is uncertainty.
    pub(crate) fn new(told: Told, now: Moment) -> ServerClock {
        let uncertain = (TOLD_TO + told.asked_at.elapsed()) / 2;
        ServerClock { time: later(told.date, uncertain), at: now, uncertain }
    }

    /// The better of two estimates; the newer one where they cannot both be right, since a clock may be set.
    pub(crate) fn or(self, newer: ServerClock) -> ServerClock {
        let (expected, uncertain) = self.read(newer.at);
        let apart = expected.duration_since(newer.time).unsigned_abs();
        let agree = apart <= uncertain + newer.uncertain;
        if agree && uncertain <= newer.uncertain { self } else { newer }
    }

    /// The time at this moment, and by how much it may be wrong either way.
    pub(crate) fn read(&self, now: Moment) -> (Timestamp, Duration) {
        let passed = now.since(self.at);
        (later(self.time, passed), self.uncertain + passed / DRIFT)
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.saturating_add(by).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn case_11_an_answer_that_took_long_is_uncertain_by_half_of_it() {
        let told = told("2026-11-21T20:00:00Z");
        tokio::time::advance(SECOND * 5).await;

        let (time, uncertain) = ServerClock::new(told, at(100)).read(at(100));

        // It was between 20:00:00 and 20:00:01 at some moment of these five seconds.
        assert_eq!((time, uncertain), (timestamp("2026-11-21T20:00:03Z"), SECOND * 3));
    }

    #[tokio::test(start_paused = true)]
    async fn case_11_the_estimate_with_the_smallest_uncertainty_is_kept() {
        let quick = ServerClock::new(told("2026-11-21T20:00:00Z"), at(100));
        let slow = told("2026-11-21T20:00:10Z");
        tokio::time::advance(SECOND * 6).await;
        let slow = ServerClock::new(slow, at(113));

        let kept = quick.or(slow);
        let other_way =
            slow.or(ServerClock { at: at(113), time: timestamp("2026-11-21T20:00:13.5Z"), ..quick });

        assert_eq!(kept.read(at(113)).0, timestamp("2026-11-21T20:00:13.5Z"));
        assert_eq!(other_way.uncertain, quick.uncertain);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_whose_clock_was_set_is_believed_at_its_next_answer() {
        let before = ServerClock::new(told("2026-11-21T20:00:00Z"), at(100));
        let set = told("2026-11-21T21:00:00Z");
        tokio::time::advance(SECOND * 6).await;

        let after = before.or(ServerClock::new(set, at(200)));

        assert_eq!(after.read(at(200)).0, timestamp("2026-11-21T21:00:03.5Z"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_estimate_grows_uncertain() {
        let clock = ServerClock::new(told("2026-11-21T20:00:00Z"), at(0));

        let (_, after_a_day) = clock.read(at(86_400));

        assert!(after_a_day > SECOND * 17, "{after_a_day:?}");
    }

    fn told(date: &str) -> Told {
        Told { date: timestamp(date), asked_at: Instant::now() }
    }

    fn timestamp(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }
}
