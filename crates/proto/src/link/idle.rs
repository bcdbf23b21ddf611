//! What cuts a connection on which nothing is said: a proxy or a gateway with a limit of so many seconds. Nobody tells the
//! limit; it is learnt from connections that died at the same age of silence without a farewell.

use std::time::Duration;

use crate::moment::Moment;

/// How many deaths must be alike.
const ALIKE: usize = 3;
/// Silence shorter than this is nobody's limit: what breaks then broke for another reason.
const SHORTEST: Duration = Duration::from_secs(2);
/// However short the limit, pings go no faster.
const FASTEST: Duration = Duration::from_secs(3);
/// A connection that lasts this many times the limit owes it to the pings.
const HELPED: u32 = 3;
/// So many connections in a row that were not helped, and what was learnt was wrong.
const WRONG: u32 = 4;
/// What was wrong once is not learnt again for so long.
const DOUBT: Duration = Duration::from_secs(3600);

/// The idle limit of the way to the server, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Idle {
    limit: Option<Duration>,
    /// The ages of silence at which the last connections died.
    deaths: Vec<Duration>,
    /// How many connections in a row died young though pings were made for the limit.
    unhelped: u32,
    doubted_until: Option<Moment>,
}

impl Idle {
    /// The silence after which a connection is cut.
    pub(super) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Between two pings, so that they go twice as often as the limit needs.
    pub(super) fn pace(&self) -> Option<Duration> {
        self.limit.map(|limit| (limit / 2).max(FASTEST))
    }

    /// What was learnt elsewhere, or before.
    pub(super) fn expect(&mut self, limit: Option<Duration>) {
        *self = Idle { limit: limit.filter(|limit| *limit >= SHORTEST), ..Idle::default() };
    }

    /// A connection broke without a farewell after it had `lasted` so long, and had been silent for so long. Whether
    /// what is known changed.
    pub(super) fn broke(&mut self, lasted: Duration, silent: Duration, now: Moment) -> bool {
        if let Some(limit) = self.limit {
            self.unhelped = if lasted >= limit * HELPED { 0 } else { self.unhelped + 1 };
            if self.unhelped >= WRONG {
                *self = Idle { doubted_until: Some(now + DOUBT), ..Idle::default() };
                return true;
            }
        }
        if self.doubted_until.is_some_and(|until| now < until) || silent < SHORTEST {
            return false;
        }

        if self.deaths.len() >= ALIKE {
            self.deaths.remove(0);
        }
        self.deaths.push(silent);
        let Some(limit) = self.alike().filter(|new| self.limit.is_none_or(|known| is_shorter(*new, known)))
        else {
            return false;
        };
        *self = Idle { limit: Some(limit), ..Idle::default() };
        true
    }

    /// The shortest of the last deaths, where they are enough and equal but for what a network and a scheduler add.
    fn alike(&self) -> Option<Duration> {
        let (shortest, longest) = (self.deaths.iter().min()?, self.deaths.iter().max()?);
        let spread = Duration::from_millis(500) + *shortest / 20;
        (self.deaths.len() >= ALIKE && *longest - *shortest <= spread).then_some(*shortest)
    }
}

/// Clearly, not by what two measurements of the same limit differ.
fn is_shorter(new: Duration, known: Duration) -> bool {
    new < known.mul_f64(0.8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn case_26_three_equal_deaths_teach_the_limit_and_two_do_not() {
        let mut idle = Idle::default();

        assert!(!idle.broke(S * 10, S * 10, at(10)) && !idle.broke(S * 10, S * 10, at(30)));
        assert_eq!(idle.pace(), None);

        assert!(idle.broke(S * 10, S * 10 + S / 10, at(50)));
        assert_eq!((idle.limit(), idle.pace()), (Some(S * 10), Some(S * 5)));
    }

    #[test]
    fn case_26_deaths_at_different_ages_and_at_once_teach_nothing() {
        let mut idle = Idle::default();

        for n in 0..50 {
            assert!(!idle.broke(S * 40, S * (3 + (n * 7) % 29), at(u64::from(n) * 60)));
            assert!(!idle.broke(S, S, at(u64::from(n) * 60 + 30)));
        }
    }

    #[test]
    fn case_26_a_limit_that_pings_do_not_help_against_is_unlearnt_and_not_learnt_again_at_once() {
        let mut idle = Idle::default();
        idle.expect(Some(S * 10));

        // Something that ends each connection after ten seconds, whatever is said on it.
        let mut changes = Vec::new();
        for n in 0..20 {
            if idle.broke(S * 10, S / 2, at(n * 12)) {
                changes.push(idle.limit());
            }
        }

        assert_eq!(changes, [None]);
        for n in 0..20 {
            assert!(!idle.broke(S * 10, S * 10, at(300 + n * 12)));
        }
    }

    #[test]
    fn case_26_a_limit_that_helps_is_kept_whatever_else_breaks() {
        let mut idle = Idle::default();
        idle.expect(Some(S * 10));

        for n in 0..100_u64 {
            idle.broke(S * 2, S / 2, at(n * 100));
            idle.broke(S * 3, S / 2, at(n * 100 + 5));
            idle.broke(S * 3600, S / 2, at(n * 100 + 10));
        }

        assert_eq!(idle.limit(), Some(S * 10));
    }

    proptest! {
        /// A way with any limit that pings can help against: after a few deaths the pace is under the limit, and stays.
        #[test]
        fn case_26_whatever_the_limit_the_pace_ends_below_it(limit in 3_500_u64..30_000, noise in prop::collection::vec(0_u64..300, 40)) {
            let limit = Duration::from_millis(limit);
            let mut idle = Idle::default();
            let mut now = Moment::START;

            for noise in noise {
                let pace = idle.pace().unwrap_or(S * 30);
                now = now + S * 60;
                if pace >= limit {
                    let silent = limit + Duration::from_millis(noise);
                    idle.broke(silent, silent, now);
                }
            }

            prop_assert!(idle.pace().is_some_and(|pace| pace < limit && pace >= FASTEST), "{idle:?}");
        }

        #[test]
        fn case_26_no_story_makes_pings_faster_than_three_seconds(
            story in prop::collection::vec((0_u64..100_000, 0_u64..70_000), 0..200),
        ) {
            let mut idle = Idle::default();
            let mut now = Moment::START;
            for (lasted, silent) in story {
                now = now + Duration::from_millis(lasted);
                let before = idle.limit();
                let changed = idle.broke(Duration::from_millis(lasted), Duration::from_millis(silent), now);
                prop_assert_eq!(changed, before != idle.limit());
                prop_assert!(idle.pace().is_none_or(|pace| pace >= FASTEST));
                prop_assert!(idle.deaths.len() <= ALIKE);
            }
        }
    }

    fn at(seconds: u64) -> Moment {
        Moment::START + Duration::from_secs(seconds)
    }
}
