//! What time it is: a clock that counts through sleep, for decisions, and the wall's, for people.
//!
//! Nothing outside this module reads a clock of the system, so that a test decides what time it is.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use visionguard_proto::Moment;

/// A source of time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Counts forward only, also while the machine sleeps; nobody can set it.
    fn monotonic(&self) -> Moment;

    /// The computer's idea of the date; may jump either way.
    fn wall(&self) -> Timestamp;
}

/// The computer's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn monotonic(&self) -> Moment {
        Moment::from_start(since_boot())
    }

    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// `CLOCK_BOOTTIME`: unlike `CLOCK_MONOTONIC`, and so unlike `Instant`, it counts suspended time.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Duration {
    duration(rustix::time::clock_gettime(rustix::time::ClockId::Boottime))
}

/// Apple's `CLOCK_MONOTONIC` counts sleep; the `CLOCK_UPTIME_RAW` of `Instant` does not.
#[cfg(target_vendor = "apple")]
fn since_boot() -> Duration {
    duration(rustix::time::clock_gettime(rustix::time::ClockId::Monotonic))
}

/// On Windows `Instant` is the performance counter, which counts sleep and hibernation.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn since_boot() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn duration(time: rustix::time::Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}

/// A clock for tests: follows tokio's time, paused or not, and can be put to sleep or set.
///
/// [`TestClock::sleep`] is what a suspend looks like from inside: this clock has moved on, tokio's timers have not.
#[derive(Debug)]
pub struct TestClock {
    start: tokio::time::Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    slept: Duration,
    wall_at_start: Timestamp,
}

impl TestClock {
    /// Starts at `wall`; the monotonic clock at an hour, so that nothing mistakes it for zero.
    pub fn new(wall: Timestamp) -> TestClock {
        TestClock {
            start: tokio::time::Instant::now(),
            inner: Mutex::new(Inner { slept: Duration::from_secs(3600), wall_at_start: wall }),
        }
    }

    /// The machine sleeps for `time`: both clocks move on, no timer does.
    pub fn sleep(&self, time: Duration) {
        let mut inner = self.lock();
        inner.slept += time;
        inner.wall_at_start += signed(time);
    }

    /// Somebody sets the computer's date.
    pub fn set_wall(&self, wall: Timestamp) {
        let elapsed = signed(self.start.elapsed());
        self.lock().wall_at_start = wall - elapsed;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn monotonic(&self) -> Moment {
        Moment::from_start(self.lock().slept + self.start.elapsed())
    }

    fn wall(&self) -> Timestamp {
        self.lock().wall_at_start + signed(self.start.elapsed())
    }
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_counts_forward() {
        let clock = SystemClock;

        let before = clock.monotonic();
        let after = clock.monotonic();

        assert!(after >= before);
        assert!(before > Moment::START);
    }

    #[tokio::test(start_paused = true)]
    async fn a_test_clock_follows_the_paused_time() {
        let wall = "2026-11-21T20:00:00Z".parse().unwrap();
        let clock = TestClock::new(wall);
        let before = clock.monotonic();

        tokio::time::advance(Duration::from_secs(90)).await;

        assert_eq!(clock.monotonic().since(before), Duration::from_secs(90));
        assert_eq!(clock.wall().duration_since(wall), SignedDuration::from_secs(90));
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_machine_sleeps_the_timers_stand_still() {
        let clock = TestClock::new(Timestamp::UNIX_EPOCH);
        let before = clock.monotonic();
        let tokio_before = tokio::time::Instant::now();

        clock.sleep(Duration::from_secs(3600));

        assert_eq!(clock.monotonic().since(before), Duration::from_secs(3600));
        assert_eq!(tokio_before.elapsed(), Duration::ZERO);
        assert_eq!(clock.wall().as_second(), 3600);
    }

    #[tokio::test(start_paused = true)]
    async fn setting_the_date_leaves_the_monotonic_clock_alone() {
        let clock = TestClock::new(Timestamp::UNIX_EPOCH);
        let before = clock.monotonic();

        clock.set_wall("2036-01-01T00:00:00Z".parse().unwrap());

        assert_eq!(clock.monotonic(), before);
        assert_eq!(clock.wall().to_string(), "2036-01-01T00:00:00Z");
    }
}
