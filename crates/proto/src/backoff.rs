//! How long to wait before the next attempt.

use std::time::Duration;

/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(30);

const FIRST_SECONDS: f64 = 1.0;
const FACTOR: f64 = 1.5;
/// 1.5^9 seconds is over the longest wait; counting further would only risk an overflow.
const LAST_STEP: u32 = 9;

/// Waits of min(30 s, 1 s x 1.5^n), shortened by jitter to between half and the whole.
#[derive(Debug, Clone)]
pub struct Backoff {
    attempt: u32,
    seed: u64,
}

impl Backoff {
    /// Starts with the first wait; `seed` draws the jitter.
    pub fn new(seed: u64) -> Backoff {
        Backoff { attempt: 0, seed }
    }

    /// The next wait, jitter included.
    pub fn next_wait(&mut self) -> Duration {
        let whole = whole_wait(self.attempt);
        self.attempt = (self.attempt + 1).min(LAST_STEP);
        self.shorten(whole)
    }

    /// This wait, shortened by jitter to between half and the whole; the count of attempts is left alone.
    pub fn shorten(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(0.5 + 0.5 * self.draw())
    }

    /// A wait drawn evenly from `shortest` to `longest`; the count of attempts is left alone.
    pub fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        shortest + longest.saturating_sub(shortest).mul_f64(self.draw())
    }

    /// Starts over: the connection has proved itself.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    /// A number from 0 to below 1, by splitmix64.
    fn draw(&mut self) -> f64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The wait before retry `attempt` without jitter.
fn whole_wait(attempt: u32) -> Duration {
    Duration::from_secs_f64(FIRST_SECONDS * FACTOR.powi(attempt.min(LAST_STEP) as i32)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_jitter_the_waits_are_those_of_the_web_client() {
        let seconds: Vec<f64> = (0..12).map(|n| whole_wait(n).as_secs_f64()).collect();

        let expected = [1.0, 1.5, 2.25, 3.375, 5.0625, 7.59, 11.39, 17.09, 25.63, 30.0, 30.0, 30.0];
        for (wait, expected) in seconds.iter().zip(expected) {
            assert!((wait - expected).abs() < 0.01, "{wait} is not {expected}");
        }
    }

    #[test]
    fn two_seeds_do_not_return_at_the_same_time() {
        let mut one = Backoff::new(1);
        let mut two = Backoff::new(2);

        assert_ne!(one.next_wait(), two.next_wait());
    }

    proptest! {
        #[test]
        fn jitter_only_shortens_and_never_below_half(seed: u64, attempts in 1_u32..200) {
            let mut backoff = Backoff::new(seed);
            for attempt in 0..attempts {
                let wait = backoff.next_wait();
                let whole = whole_wait(attempt);
                prop_assert!(wait <= whole && wait >= whole / 2, "attempt {attempt}: {wait:?}");
            }
        }

        #[test]
        fn the_same_seed_draws_the_same_waits(seed: u64) {
            let mut one = Backoff::new(seed);
            let mut two = Backoff::new(seed);
            for _ in 0..20 {
                prop_assert_eq!(one.next_wait(), two.next_wait());
            }
        }

        #[test]
        fn starting_over_returns_to_the_first_wait(seed: u64, attempts in 0_usize..50) {
            let mut backoff = Backoff::new(seed);
            for _ in 0..attempts {
                backoff.next_wait();
            }
            backoff.reset();
            prop_assert!(backoff.next_wait() <= Duration::from_secs(1));
        }
    }
}
