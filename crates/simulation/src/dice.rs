//! The source of all chance: the same seed, the same world.

use std::ops::Range;
use std::time::Duration;

/// A generator of numbers (splitmix64).
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Dice that fall the same way each time for the same seed.
    pub fn new(seed: u64) -> Dice {
        Dice { state: seed }
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number within the range; its beginning if it is empty.
    pub fn below(&mut self, range: Range<u64>) -> u64 {
        let width = range.end.saturating_sub(range.start).max(1);
        range.start + self.number() % width
    }

    /// True about this many times of a hundred.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(0..100) < chance
    }

    /// A time between these milliseconds.
    pub fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.below(range))
    }

    /// A time between these seconds, to the millisecond.
    pub fn seconds(&mut self, range: Range<u64>) -> Duration {
        self.millis(range.start * 1000..range.end * 1000)
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() {
            return None;
        }
        let at = usize::try_from(self.below(0..from.len() as u64)).unwrap_or(0);
        from.get(at)
    }
}
