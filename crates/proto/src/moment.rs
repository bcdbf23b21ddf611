//! A point on a clock that only counts forward, and keeps counting while the machine sleeps.

use std::ops::Add;
use std::time::Duration;

/// Time since an arbitrary start, in nanoseconds; only differences mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(u64);

impl Moment {
    /// The clock's start.
    pub const START: Moment = Moment(0);

    /// The moment that lies `since_start` after the clock's start.
    pub fn from_start(since_start: Duration) -> Moment {
        Moment(u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The time since the clock's start.
    pub fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, wait: Duration) -> Moment {
        Moment(self.0.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))
    }
}
