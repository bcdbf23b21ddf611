//! Notices that the machine slept.

use std::time::Duration;

use visionguard_proto::Moment;

/// How often to look.
pub const CHECK_EVERY: Duration = Duration::from_secs(5);

/// A look that comes this much later than it should means that the machine slept.
pub const JUMP: Duration = Duration::from_secs(15);

/// Compares the clock that counts sleep with the timers that do not. Needs no help from the system: also finds a
/// program that was stopped, and a system whose timers are late.
#[derive(Debug)]
pub struct WakeWatch {
    looked_at: Moment,
}

impl WakeWatch {
    /// Starts now.
    pub fn new(now: Moment) -> WakeWatch {
        WakeWatch { looked_at: now }
    }

    /// Looks; to be called at least every [`CHECK_EVERY`]. True once after each sleep.
    pub fn woke(&mut self, now: Moment) -> bool {
        let away = now.since(self.looked_at);
        self.looked_at = now;
        away > CHECK_EVERY + JUMP
    }
}
