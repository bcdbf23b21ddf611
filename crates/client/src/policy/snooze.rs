//! Cameras that are not to interrupt for a while. What they see is stored, listed and counted as ever, and told when their
//! time is over, as far as nobody has looked at it by then.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// From now on, no camera can be told to be quiet for longer.
pub const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// A clock that was set back by more does not say how long ago a snooze began: it is over.
const SET_BACK: SignedDuration = SignedDuration::from_mins(1);

/// A camera that does not interrupt for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// The id of its stream.
    pub camera: String,
    /// Its name, as it was shown.
    pub name: String,
    /// Who asked for it.
    pub by: String,
    pub since: Timestamp,
    pub until: Timestamp,
}

impl Snooze {
    fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until || self.since.duration_since(now) > SET_BACK
    }
}

/// All that are snoozed, those that began first first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snoozes(Vec<Snooze>);

impl Snoozes {
    /// A camera is quiet for so long from now on, whatever was said of it before.
    pub fn begin(&mut self, snooze: Snooze) {
        self.end(&snooze.camera);
        self.0.push(snooze);
    }

    /// One that is quiet stays so for longer. Whether it is.
    pub fn extend(&mut self, camera: &str, by: Duration, now: Timestamp) -> bool {
        let Some(snooze) = self.0.iter_mut().find(|snooze| snooze.camera == camera) else { return false };
        let longest = now.checked_add(LONGEST).unwrap_or(now);
        snooze.until = snooze.until.checked_add(by).unwrap_or(longest).min(longest);
        true
    }

    /// A camera interrupts again. Whether it did not.
    pub fn end(&mut self, camera: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|snooze| snooze.camera != camera);
        self.0.len() < before
    }

    /// Forgets those whose time is over. Whether there were any.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        let before = self.0.len();
        self.0.retain(|snooze| !snooze.is_over(now));
        self.0.len() < before
    }

    /// Whether this camera is not to interrupt now.
    pub fn holds(&self, camera: &str, now: Timestamp) -> bool {
        self.0.iter().any(|snooze| snooze.camera == camera && !snooze.is_over(now))
    }

    /// When the next is over.
    pub fn next_over(&self) -> Option<Timestamp> {
        self.0.iter().map(|snooze| snooze.until).min()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Snooze> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: Duration = Duration::from_secs(15 * 60);

    #[test]
    fn a_camera_is_quiet_until_its_time_is_over_and_the_others_are_not() {
        let mut snoozes = snoozed("till-1", 15);

        assert!(snoozes.holds("till-1", at(14)) && !snoozes.holds("till-2", at(14)));
        assert!(!snoozes.holds("till-1", at(15)));
        assert!(!snoozes.expire(at(14)) && snoozes.expire(at(15)) && snoozes.is_empty());
    }

    #[test]
    fn another_choice_takes_the_place_of_the_one_before_and_more_is_added_to_it() {
        let mut snoozes = snoozed("till-1", 60);

        snoozes.begin(snooze("till-1", 5));
        assert_eq!((snoozes.len(), snoozes.next_over()), (1, Some(at(5))));

        assert!(snoozes.extend("till-1", QUARTER, at(1)));
        assert_eq!(snoozes.next_over(), Some(at(20)));
        assert!(!snoozes.extend("till-2", QUARTER, at(1)));
    }

    #[test]
    fn no_camera_is_quiet_for_longer_than_the_longest_from_now() {
        let mut snoozes = snoozed("till-1", 60);

        for _ in 0..100 {
            snoozes.extend("till-1", 4 * QUARTER, at(1));
        }

        assert_eq!(snoozes.next_over(), Some(at(1 + 12 * 60)));
    }

    #[test]
    fn a_clock_that_is_set_right_changes_nothing_and_one_that_is_set_back_ends_it() {
        let mut snoozes = snoozed("till-1", 15);

        assert!(snoozes.holds("till-1", at(0) - SignedDuration::from_secs(5)));
        assert!(!snoozes.holds("till-1", at(-60)));
        assert!(snoozes.expire(at(-60)));
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let snoozes = snoozed("till-1", 15);

        let kept = serde_json::to_string(&snoozes).unwrap();

        assert_eq!(serde_json::from_str::<Snoozes>(&kept).unwrap(), snoozes);
    }

    fn snoozed(camera: &str, minutes: i64) -> Snoozes {
        let mut snoozes = Snoozes::default();
        snoozes.begin(snooze(camera, minutes));
        snoozes
    }

    fn snooze(camera: &str, minutes: i64) -> Snooze {
        Snooze {
            camera: camera.to_owned(),
            name: "Till".to_owned(),
            by: "Ana".to_owned(),
            since: at(0),
            until: at(minutes),
        }
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minutes * 60).unwrap()
    }
}
