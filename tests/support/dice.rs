//! Chance that can be repeated: a test that rolls prints the number that it began with.

use std::time::{Duration, SystemTime};

/// A sequence of random numbers.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Begins with `VISIONGUARD_SEED` or somewhere, and prints where.
    #[allow(clippy::print_stdout, reason = "whoever repeats a failed test reads it there")]
    pub fn roll() -> Dice {
        let given = std::env::var("VISIONGUARD_SEED").ok().and_then(|seed| seed.parse().ok());
        let somewhere =
            || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = given.unwrap_or_else(somewhere);
        println!("VISIONGUARD_SEED={seed}");
        Dice(seed)
    }

    /// Less than this.
    pub fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }

    /// Less than this.
    pub fn time(&mut self, limit: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(limit.as_micros()).unwrap()))
    }
}
