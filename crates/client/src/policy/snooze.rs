//! Cameras that are not to interrupt for a while. What they see is stored, listed and counted as ever, and told when their
//! time is over, as far as nobody has looked at it by then.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use visionguard_proto::Moment;

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
    since: Timestamp,
    pub until: Timestamp,
    /// The same by a clock that nobody sets; known while the program runs.
    #[serde(skip)]
    ends: Option<Moment>,
}

impl Snooze {
    pub fn new(
        camera: String,
        name: String,
        by: String,
        length: Duration,
        (wall, now): (Timestamp, Moment),
    ) -> Snooze {
        let until = wall.checked_add(length).unwrap_or(wall);
        Snooze { camera, name, by, since: wall, until, ends: Some(now + length) }
    }

    fn is_over(&self, wall: Timestamp, now: Moment) -> bool {
        let is_set_back = self.since.duration_since(wall) > SET_BACK;
        wall >= self.until || is_set_back || self.ends.is_some_and(|ends| now >= ends)
    }
}

/// All that an account has snoozed, those that began first first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snoozes {
    account: String,
    all: Vec<Snooze>,
}

impl Snoozes {
    /// Whose they are.
    pub fn of(account: String) -> Snoozes {
        Snoozes { account, all: Vec::new() }
    }

    pub fn account(&self) -> &str {
        &self.account
    }

    /// A camera is quiet from now on, whatever was said of it before.
    pub fn begin(&mut self, snooze: Snooze) {
        self.end(&snooze.camera);
        self.all.push(snooze);
    }

    /// One that is quiet stays so for longer. Whether it is.
    pub fn extend(&mut self, camera: &str, by: Duration, (wall, now): (Timestamp, Moment)) -> bool {
        let Some(snooze) = self.all.iter_mut().find(|snooze| snooze.camera == camera) else { return false };
        let longest = wall.checked_add(LONGEST).unwrap_or(wall);
        snooze.until = snooze.until.checked_add(by).unwrap_or(longest).min(longest);
        snooze.ends = Some(snooze.ends.map_or(now + LONGEST, |ends| (ends + by).min(now + LONGEST)));
        true
    }

    /// A camera interrupts again. Whether it did not.
    pub fn end(&mut self, camera: &str) -> bool {
        let before = self.all.len();
        self.all.retain(|snooze| snooze.camera != camera);
        self.all.len() < before
    }

    /// They were kept over the end of the program.
    pub fn go_on(&mut self, (wall, now): (Timestamp, Moment)) {
        for snooze in &mut self.all {
            let left = Duration::try_from(snooze.until.duration_since(wall)).unwrap_or_default();
            snooze.ends = Some(now + left.min(LONGEST));
        }
        self.expire((wall, now));
    }

    /// Forgets those whose time is over. Whether there were any.
    pub fn expire(&mut self, (wall, now): (Timestamp, Moment)) -> bool {
        let before = self.all.len();
        self.all.retain(|snooze| !snooze.is_over(wall, now));
        self.all.len() < before
    }

    /// Whether this camera is not to interrupt now.
    pub fn holds(&self, camera: &str, (wall, now): (Timestamp, Moment)) -> bool {
        self.all.iter().any(|snooze| snooze.camera == camera && !snooze.is_over(wall, now))
    }

    /// When the next is over, as far as no clock is set.
    pub fn next_over(&self) -> Option<Moment> {
        self.all.iter().filter_map(|snooze| snooze.ends).min()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Snooze> {
        self.all.iter()
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: Duration = Duration::from_secs(15 * 60);

    #[test]
    fn a_camera_is_quiet_until_its_time_is_over_and_the_others_are_not() {
        let mut snoozes = snoozed(QUARTER);

        assert!(snoozes.holds("till-1", at(14)) && !snoozes.holds("till-2", at(14)));
        assert!(!snoozes.holds("till-1", at(15)));
        assert!(!snoozes.expire(at(14)) && snoozes.expire(at(15)) && snoozes.is_empty());
    }

    #[test]
    fn another_choice_takes_the_place_of_the_one_before_and_more_is_added_to_it() {
        let mut snoozes = snoozed(4 * QUARTER);

        snoozes.begin(snooze(QUARTER));
        assert_eq!((snoozes.len(), snoozes.next_over()), (1, Some(at(15).1)));

        assert!(snoozes.extend("till-1", QUARTER, at(1)));
        assert!(snoozes.holds("till-1", at(29)) && !snoozes.holds("till-1", at(30)));
        assert!(!snoozes.extend("till-2", QUARTER, at(1)));
    }

    #[test]
    fn no_camera_is_quiet_for_longer_than_the_longest_from_when_it_was_asked_for() {
        let mut snoozes = snoozed(4 * QUARTER);

        for _ in 0..100 {
            snoozes.extend("till-1", 4 * QUARTER, at(1));
        }
        // Whatever the clock is set to.
        let set_back = (at(2).0, at(1 + 12 * 60).1);

        assert!(snoozes.holds("till-1", at(12 * 60)));
        assert!(!snoozes.holds("till-1", at(1 + 12 * 60)) && !snoozes.holds("till-1", set_back));
    }

    #[test]
    fn a_clock_that_is_set_right_changes_nothing_and_one_that_is_set_back_ends_it() {
        let mut snoozes = snoozed(QUARTER);
        let set_back = |seconds| (at(0).0 - SignedDuration::from_secs(seconds), at(1).1);

        assert!(snoozes.holds("till-1", set_back(5)));
        assert!(!snoozes.holds("till-1", set_back(3_600)));
        assert!(snoozes.expire(set_back(3_600)));
    }

    #[test]
    fn what_is_kept_goes_on_as_long_as_its_time_is_not_over() {
        let kept = serde_json::to_string(&snoozed(QUARTER)).unwrap();
        let mut back: Snoozes = serde_json::from_str(&kept).unwrap();
        let mut late = back.clone();

        // The program's own clock begins anew.
        back.go_on((at(5).0, at(0).1));
        late.go_on((at(15).0, at(0).1));

        assert_eq!((back.account(), back.next_over()), ("ana", Some(at(10).1)));
        assert!(late.is_empty());
    }

    fn snoozed(length: Duration) -> Snoozes {
        let mut snoozes = Snoozes::of("ana".to_owned());
        snoozes.begin(snooze(length));
        snoozes
    }

    fn snooze(length: Duration) -> Snooze {
        Snooze::new("till-1".to_owned(), "Till".to_owned(), "Ana".to_owned(), length, at(0))
    }

    fn at(minutes: i64) -> (Timestamp, Moment) {
        let seconds = u64::try_from(minutes).unwrap() * 60;
        let wall = Timestamp::from_second(1_700_000_000 + minutes * 60).unwrap();
        (wall, Moment::from_start(Duration::from_secs(1_000 + seconds)))
    }
}
