//! Cameras that are not to interrupt for a while. What they see is stored, listed and counted as ever, and told when their
//! time is over, as far as nobody has looked at it by then.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use visionguard_proto::Moment;

use super::hours::Hours;
use crate::view::SnoozeLength;

/// From now on, no camera can be told to be quiet for longer.
pub const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// The same until the shop opens or closes.
pub const LONGEST_UNTIL: Duration = Duration::from_secs(24 * 3600);
/// Letters of an id's beginning that tell cameras apart.
const FEWEST_OF_AN_ID: usize = 4;

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
    /// What for, in their words.
    #[serde(default)]
    pub why: Option<String>,
    since: Timestamp,
    /// When it was last asked for, where that was later.
    #[serde(default)]
    asked: Option<Timestamp>,
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
        why: Option<String>,
        length: Duration,
        (wall, now): (Timestamp, Moment),
    ) -> Snooze {
        let until = wall.checked_add(length).unwrap_or(wall);
        Snooze { camera, name, by, why, since: wall, asked: None, until, ends: Some(now + length) }
    }

    fn is_over(&self, wall: Timestamp, now: Moment) -> bool {
        let is_set_back = self.since.duration_since(wall) > SET_BACK;
        wall >= self.until || is_set_back || self.ends.is_some_and(|ends| now >= ends)
    }
}

/// For how long a camera is not to interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnoozeFor {
    Time(Duration),
    /// Until the shop opens, while it is closed.
    Opening,
    /// Until the shop closes, while it is open.
    Closing,
}

impl From<Duration> for SnoozeFor {
    fn from(length: Duration) -> SnoozeFor {
        SnoozeFor::Time(length)
    }
}

impl From<SnoozeLength> for SnoozeFor {
    fn from(length: SnoozeLength) -> SnoozeFor {
        match length {
            SnoozeLength::Minutes(minutes) => SnoozeFor::Time(Duration::from_secs(u64::from(minutes) * 60)),
            SnoozeLength::Opening => SnoozeFor::Opening,
            SnoozeLength::Closing => SnoozeFor::Closing,
        }
    }
}

/// Why a camera cannot be snoozed for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSo {
    /// It is no time at all, or longer than any may be.
    Length,
    /// It is not known when the shop is open.
    NoHours,
    /// The shop is closed already, or open.
    NotNow,
    /// It opens, or closes, too far away for that, or never.
    TooFar,
}

impl SnoozeFor {
    /// How long that is from now on.
    pub fn length(self, hours: Option<&Hours>, wall: Timestamp, zone: &TimeZone) -> Result<Duration, NotSo> {
        let opens = match self {
            SnoozeFor::Time(length) if length.is_zero() || length > LONGEST => return Err(NotSo::Length),
            SnoozeFor::Time(length) => return Ok(length),
            SnoozeFor::Opening => true,
            SnoozeFor::Closing => false,
        };
        let hours = hours.ok_or(NotSo::NoHours)?;
        if hours.is_open(wall, zone) == opens {
            return Err(NotSo::NotNow);
        }
        let end = if opens { hours.next_opening(wall, zone) } else { hours.next_closing(wall, zone) };
        let length = end.and_then(|end| Duration::try_from(end.duration_since(wall)).ok());
        length.filter(|length| *length <= LONGEST_UNTIL).ok_or(NotSo::TooFar)
    }
}

/// A camera that can be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Camera {
    /// The id of its stream.
    pub id: String,
    pub name: String,
}

/// The camera that a person means by what they typed: its id, its name, or how one of these begins; if not one, all that it
/// could be.
pub fn camera_meant<'a>(typed: &str, known: &'a [Camera]) -> Result<&'a Camera, Vec<&'a Camera>> {
    let wanted = typed.trim().to_lowercase();
    if wanted.is_empty() {
        return Err(Vec::new());
    }
    let begins = |camera: &&Camera| {
        let id = wanted.len() >= FEWEST_OF_AN_ID && camera.id.to_lowercase().starts_with(&wanted);
        id || camera.name.to_lowercase().starts_with(&wanted)
    };
    let is_id = |camera: &&Camera| camera.id == typed.trim();
    let is_name = |camera: &&Camera| camera.name.to_lowercase() == wanted;
    let by: [&dyn Fn(&&Camera) -> bool; 3] = [&is_id, &is_name, &begins];
    let found = by.into_iter().map(|is_it| known.iter().filter(is_it).collect::<Vec<_>>());
    let mut found = found.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    match (found.len(), found.pop()) {
        (1, Some(camera)) => Ok(camera),
        (_, last) => {
            found.extend(last);
            Err(found)
        }
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
        let until = snooze.until.checked_add(by).unwrap_or(longest).min(longest);
        // One until the shop opens may last longer already.
        snooze.until = snooze.until.max(until);
        snooze.asked = Some(wall);
        let ends = |ends: Moment| (ends + by).min(now + LONGEST).max(ends);
        snooze.ends = Some(snooze.ends.map_or(now + LONGEST, ends));
        true
    }

    /// None goes on when the shop has closed, unless it was asked for since: `closing` says when it next did, or does. Whether any
    /// would have.
    pub fn cut(
        &mut self,
        closing: impl Fn(Timestamp) -> Option<Timestamp>,
        (wall, now): (Timestamp, Moment),
    ) -> bool {
        let mut any = false;
        for snooze in &mut self.all {
            let closes = closing(snooze.asked.unwrap_or(snooze.since));
            let Some(closes) = closes.filter(|closes| *closes < snooze.until) else { continue };
            snooze.until = closes;
            let left = Duration::try_from(closes.duration_since(wall)).unwrap_or_default();
            snooze.ends = Some(snooze.ends.map_or(now + left, |ends| ends.min(now + left)));
            any = true;
        }
        any
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
            snooze.ends = Some(now + left.min(LONGEST_UNTIL));
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

    #[test]
    fn nothing_that_was_asked_for_while_the_shop_was_open_goes_on_when_it_is_closed() {
        let closes = |at_minute| move |_: Timestamp| Some(at(at_minute).0);
        let mut snoozes = snoozed(4 * QUARTER);
        let mut short = snoozed(QUARTER);

        assert!(snoozes.cut(closes(20), at(0)) && !short.cut(closes(20), at(0)));

        assert_eq!(snoozes.next_over(), Some(at(20).1));
        assert!(snoozes.holds("till-1", at(19)) && !snoozes.holds("till-1", at(20)));
        assert!(!snoozes.cut(closes(20), at(0)), "it is as short as that");
        assert!(!snoozes.cut(|_| None, at(0)), "it never closes");
    }

    #[test]
    fn what_is_asked_for_after_the_closing_goes_on_until_the_next() {
        let mut snoozes = snoozed(QUARTER);
        // It closes at minute 10, and again in ten hours.
        let closing = |asked: Timestamp| Some(if asked < at(10).0 { at(10).0 } else { at(600).0 });

        snoozes.extend("till-1", 2 * QUARTER, at(12));
        assert!(!snoozes.cut(closing, at(12)));

        let kept = serde_json::to_string(&snoozes).unwrap();
        let mut back: Snoozes = serde_json::from_str(&kept).unwrap();
        back.go_on(at(13));
        assert!(!back.cut(closing, at(13)), "when it was asked for is kept");
        assert!(back.holds("till-1", at(44)));
    }

    #[test]
    fn what_an_older_version_kept_is_read() {
        let kept = r#"{"account":"ana","all":[{"camera":"till-1","name":"Till","by":"Ana",
            "since":"2026-06-01T10:00:00Z","until":"2026-06-01T11:00:00Z"}]}"#;

        let snoozes: Snoozes = serde_json::from_str(kept).unwrap();

        assert_eq!(snoozes.len(), 1);
    }

    #[test]
    fn until_the_shop_opens_or_closes_is_a_length_while_it_fits() {
        let hours = Hours::read("Mo-Fr 08:00-20:00; Sa 08:00-14:00").unwrap();
        let length = |wanted: SnoozeFor, at: &str, hours: Option<&Hours>| {
            wanted.length(hours, at.parse().unwrap(), &TimeZone::UTC).map(|length| length.as_secs() / 3600)
        };
        let (opening, closing) = (SnoozeFor::Opening, SnoozeFor::Closing);

        // The first of June 2026 is a Monday.
        assert_eq!(length(closing, "2026-06-01T09:00:00Z", Some(&hours)), Ok(11));
        assert_eq!(length(opening, "2026-06-01T20:00:00Z", Some(&hours)), Ok(12));
        assert_eq!(length(opening, "2026-06-01T09:00:00Z", Some(&hours)), Err(NotSo::NotNow));
        assert_eq!(length(closing, "2026-06-01T20:00:00Z", Some(&hours)), Err(NotSo::NotNow));
        assert_eq!(length(opening, "2026-06-06T14:00:00Z", Some(&hours)), Err(NotSo::TooFar));
        assert_eq!(length(closing, "2026-06-01T09:00:00Z", Hours::read("24/7").as_ref()), Err(NotSo::TooFar));
        assert_eq!(length(closing, "2026-06-01T09:00:00Z", None), Err(NotSo::NoHours));
        assert_eq!(length(Duration::from_secs(7200).into(), "2026-06-01T09:00:00Z", None), Ok(2));
        assert_eq!(length(Duration::ZERO.into(), "2026-06-01T09:00:00Z", None), Err(NotSo::Length));
        assert_eq!(length((LONGEST * 2).into(), "2026-06-01T09:00:00Z", None), Err(NotSo::Length));
    }

    #[test]
    fn one_until_the_opening_is_not_made_shorter_by_asking_for_more() {
        let mut snoozes = snoozed(Duration::from_secs(16 * 3600));

        snoozes.extend("till-1", QUARTER, at(1));
        snoozes.go_on(at(2));

        assert!(snoozes.holds("till-1", at(16 * 60 - 1)) && !snoozes.holds("till-1", at(16 * 60)));
    }

    #[test]
    fn a_camera_is_known_by_its_id_its_name_or_how_these_begin() {
        let camera = |id: &str, name: &str| Camera { id: id.to_owned(), name: name.to_owned() };
        let known = [
            camera("4e1637a8-d33b", "Till 1"),
            camera("4e16ffff-0000", "Till 12"),
            camera("door", "Back door"),
        ];
        let meant = |typed: &str| match camera_meant(typed, &known) {
            Ok(camera) => camera.name.clone(),
            Err(several) => several.len().to_string(),
        };

        for (typed, found) in [
            ("till 1", "Till 1"),
            ("Till 12", "Till 12"),
            ("4e1637", "Till 1"),
            ("door", "Back door"),
            (" back ", "Back door"),
            ("till", "2"),
            ("4e16", "2"),
            ("4e1", "0"),
            ("front", "0"),
            ("", "0"),
        ] {
            assert_eq!(meant(typed), found, "{typed}");
        }
    }

    fn snoozed(length: Duration) -> Snoozes {
        let mut snoozes = Snoozes::of("ana".to_owned());
        snoozes.begin(snooze(length));
        snoozes
    }

    fn snooze(length: Duration) -> Snooze {
        Snooze::new("till-1".to_owned(), "Till".to_owned(), "Ana".to_owned(), None, length, at(0))
    }

    fn at(minutes: i64) -> (Timestamp, Moment) {
        let seconds = u64::try_from(minutes).unwrap() * 60;
        let wall = Timestamp::from_second(1_700_000_000 + minutes * 60).unwrap();
        (wall, Moment::from_start(Duration::from_secs(1_000 + seconds)))
    }
}
