//! What is told again: an acknowledgement that is not resolved within the time that the person chose, and what is high and
//! nobody handled.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::interruption::weigh;
use super::{Card, card, words};
use crate::model::{Entry, IncidentId, IncidentRow, Severity};
use crate::shell::{Buttons, Notification};
use crate::view::SettingsView;
use crate::words::text;

/// The [`Notification::id`] of the one about what was acknowledged and not resolved.
pub const WAITING: &str = "summary:waiting";

/// What is older is told again no more.
pub const REPEATED_FOR: SignedDuration = SignedDuration::from_hours(2);
pub const WAITED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// When incidents were last told of again; kept over the program's end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminders {
    told: BTreeMap<i64, Timestamp>,
}

impl Reminders {
    /// Whether this incident is to be told of again: `every` has gone by since it began to wait, and since it was told again.
    pub fn is_due(&self, incident: IncidentId, since: Timestamp, every: Duration, now: Timestamp) -> bool {
        // A clock that was set back says nothing of when that was.
        let told = self.told.get(&incident.0).copied().filter(|told| *told <= now);
        has_passed(told.map_or(since, |told| told.max(since)), every, now)
    }

    pub fn note(&mut self, incident: IncidentId, now: Timestamp) {
        self.told.insert(incident.0, now);
    }

    /// Nobody was told of it after all.
    pub fn forget(&mut self, incident: IncidentId) {
        self.told.remove(&incident.0);
    }

    /// Only these can be told of again. Whether there were others.
    pub fn retain(&mut self, still: impl Fn(IncidentId) -> bool) -> bool {
        let before = self.told.len();
        self.told.retain(|incident, _| still(IncidentId(*incident)));
        self.told.len() < before
    }
}

/// Whether so much time has gone by.
pub fn has_passed(since: Timestamp, length: Duration, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(since)).is_ok_and(|gone| gone >= length)
}

/// Whether an incident that nobody handled is told again: what is high, and what was after hours.
pub fn is_repeated(incident: &IncidentRow, settings: &SettingsView) -> bool {
    weigh(incident, settings).interrupts_as() == Severity::High
}

/// It once more, with its sound.
pub fn again(entry: &Entry, settings: &SettingsView, now: Timestamp) -> (Card, Notification) {
    let incident = &entry.incident;
    let assessment = weigh(incident, settings);
    let body = words::body(entry, &assessment, &TimeZone::system());
    let since = words::length(now.duration_since(incident.first_at));
    let notification = Notification {
        id: incident.id.to_string(),
        alert: Some(entry.alert.id.to_string()),
        title: words::title(incident, settings),
        body: format!("{body} {}", text("notification.not_handled_for", &[("length", &since)])),
        picture: None,
        sound: settings.sound,
        critical: true,
        buttons: Buttons::Incident,
        in_place_of: None,
    };
    (card(entry, settings), notification)
}

/// What was acknowledged, by whom, and is not resolved; the oldest first, and at least one.
pub fn waiting(
    acknowledged: &[(IncidentRow, Timestamp)],
    by: &str,
    settings: &SettingsView,
    now: Timestamp,
) -> Option<Notification> {
    let (oldest, at) = acknowledged.first()?;
    let (first_line, by) = (words::title(oldest, settings), words::plain(by));
    let length = words::length(now.duration_since(*at));
    let count = acknowledged.len().to_string();
    let values = [("title", first_line.as_str()), ("by", &by), ("length", &length), ("count", &count)];
    let (title, body) = match acknowledged.len() {
        1 => (first_line.clone(), text("notification.waiting", &values)),
        _ => (text("notification.waiting_many", &values), text("notification.waiting_oldest", &values)),
    };
    Some(Notification {
        id: WAITING.to_owned(),
        alert: None,
        title,
        body,
        picture: None,
        sound: settings.sound,
        critical: false,
        buttons: Buttons::Open,
        in_place_of: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_HOUR: Duration = Duration::from_secs(1_800);

    #[test]
    fn it_is_told_again_once_in_its_time() {
        let mut reminders = Reminders::default();
        let mut told = Vec::new();

        for minute in 0..100 {
            if reminders.is_due(IncidentId(1), at(0), HALF_HOUR, at(minute)) {
                reminders.note(IncidentId(1), at(minute));
                told.push(minute);
            }
        }

        assert_eq!(told, [30, 60, 90]);
    }

    #[test]
    fn what_begins_to_wait_anew_waits_from_then_on() {
        let mut reminders = Reminders::default();
        reminders.note(IncidentId(1), at(30));

        assert!(!reminders.is_due(IncidentId(1), at(45), HALF_HOUR, at(70)));
        assert!(reminders.is_due(IncidentId(1), at(45), HALF_HOUR, at(75)));
        assert!(reminders.is_due(IncidentId(2), at(0), HALF_HOUR, at(30)), "another");
    }

    #[test]
    fn a_clock_that_is_set_back_silences_nothing_for_longer_than_the_time_itself() {
        let mut reminders = Reminders::default();
        reminders.note(IncidentId(1), at(600));

        assert!(reminders.is_due(IncidentId(1), at(0), HALF_HOUR, at(40)));
        assert!(!reminders.is_due(IncidentId(1), at(50), HALF_HOUR, at(40)), "it is not acknowledged yet");
    }

    #[test]
    fn what_is_kept_is_read_back_and_what_is_over_is_forgotten() {
        let mut reminders = Reminders::default();
        reminders.note(IncidentId(1), at(0));
        reminders.note(IncidentId(2), at(0));

        let kept = serde_json::to_string(&reminders).unwrap();
        let mut back: Reminders = serde_json::from_str(&kept).unwrap();

        assert_eq!(back, reminders);
        assert!(back.retain(|incident| incident == IncidentId(2)) && !back.retain(|_| true));
        assert!(back.is_due(IncidentId(1), at(0), HALF_HOUR, at(30)));
        assert!(!back.is_due(IncidentId(2), at(-60), HALF_HOUR, at(20)));
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()
    }
}
