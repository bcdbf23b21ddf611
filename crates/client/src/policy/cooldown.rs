//! Cameras that sounded a short time ago. For so long as the person chose, their further incidents pop up without a sound,
//! unless they interrupt more than the one that was heard.

use std::collections::HashMap;
use std::time::Duration;

use visionguard_proto::Moment;

use super::Card;
use crate::model::Severity;

/// Cameras remembered; of more, those whose time is over go.
const REMEMBERED: usize = 500;

/// What was last heard of each camera.
#[derive(Debug, Default)]
pub struct Cooldown {
    heard: HashMap<String, Heard>,
}

#[derive(Debug)]
struct Heard {
    /// [`Card::id`]
    id: String,
    severity: Severity,
    at: Moment,
}

impl Cooldown {
    /// Whether the first popup of this incident may sound; if so, its camera was heard now. `length` is how long it then is
    /// quiet; none is no time at all.
    pub fn may_sound(&mut self, card: &Card, length: Duration, now: Moment) -> bool {
        let Some(camera) = card.camera.as_ref().filter(|_| !length.is_zero()) else { return true };
        let cools = self.heard.get(camera).is_some_and(|heard| {
            heard.id != card.id && now.since(heard.at) < length && card.severity <= heard.severity
        });
        if cools && !card.sounds_each_time {
            return false;
        }
        if self.heard.len() >= REMEMBERED {
            self.heard.retain(|_, heard| now.since(heard.at) < length);
        }
        self.heard.insert(camera.clone(), Heard { id: card.id.clone(), severity: card.severity, at: now });
        true
    }

    /// Nobody heard this one after all.
    pub fn forget(&mut self, id: &str) {
        self.heard.retain(|_, heard| heard.id != id);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const FIVE: Duration = Duration::from_secs(300);

    #[test]
    fn a_camera_sounds_once_in_its_time_and_the_others_are_not_quieter_for_it() {
        let mut cooldown = Cooldown::default();

        let sounds = [(1, "a", 0), (2, "a", 60), (3, "b", 61), (4, "a", 299), (5, "a", 300), (6, "a", 599)]
            .map(|(id, camera, at)| {
                cooldown.may_sound(&card(id, Some(camera), Severity::Medium), FIVE, second(at))
            });

        assert_eq!(sounds, [true, false, true, false, true, false]);
    }

    #[test]
    fn what_is_worse_is_heard_and_what_is_no_worse_is_not() {
        let mut cooldown = Cooldown::default();

        let sounds = [
            (1, Severity::Low, 0),
            (2, Severity::Medium, 1),
            (3, Severity::Low, 2),
            (4, Severity::High, 3),
            (5, Severity::High, 4),
        ]
        .map(|(id, severity, at)| cooldown.may_sound(&card(id, Some("a"), severity), FIVE, second(at)));

        assert_eq!(sounds, [true, true, false, true, false]);
    }

    #[test]
    fn after_hours_each_is_heard() {
        let mut cooldown = Cooldown::default();
        let loud = |id| Card { sounds_each_time: true, ..card(id, Some("a"), Severity::High) };

        assert!(
            cooldown.may_sound(&loud(1), FIVE, second(0)) && cooldown.may_sound(&loud(2), FIVE, second(1))
        );
    }

    #[test]
    fn one_that_was_not_shown_makes_nothing_quiet_and_may_be_heard_again_itself() {
        let mut cooldown = Cooldown::default();
        let [first, second_one] = [1, 2].map(|id| card(id, Some("a"), Severity::Medium));

        assert!(cooldown.may_sound(&first, FIVE, second(0)));
        assert!(cooldown.may_sound(&first, FIVE, second(1)), "it is asked for again");
        cooldown.forget("1");
        assert!(cooldown.may_sound(&second_one, FIVE, second(2)));
    }

    #[test]
    fn without_a_time_or_a_camera_all_are_heard() {
        let mut cooldown = Cooldown::default();

        for id in 1..4 {
            assert!(cooldown.may_sound(&card(id, Some("a"), Severity::Medium), Duration::ZERO, second(0)));
            assert!(cooldown.may_sound(&card(id, None, Severity::Medium), FIVE, second(0)));
        }
    }

    fn card(id: i64, camera: Option<&str>, severity: Severity) -> Card {
        Card {
            id: id.to_string(),
            incident: None,
            alert: None,
            camera: camera.map(str::to_owned),
            store: None,
            severity,
            sounds_each_time: false,
            title: String::new(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn second(second: u64) -> Moment {
        Moment::from_start(Duration::from_secs(second))
    }
}
