//! What a person reads about an alert and its incident.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use visionguard_proto::Kind;

use super::Assessment;
use crate::model::{Entry, IncidentRow, PRUNED, REMARK, Severity, Stored};
use crate::view::SettingsView;
use crate::words::text;

/// Longest name of a place that is shown, in characters.
const LONGEST_PLACE: usize = 80;

/// The first line about an incident.
pub(super) fn title(incident: &IncidentRow, settings: &SettingsView) -> String {
    let camera = camera(incident, &settings.camera_names);
    let values = [("kind", kind(incident.kind)), ("camera", camera)];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    text("notification.title", &values)
}

/// The rest: when, how bad and why, how late, how many.
pub(super) fn body(entry: &Entry, assessment: &Assessment, zone: &TimeZone) -> String {
    let incident = &entry.incident;
    let late = entry.alert.late_by();
    let time = match (late, entry.alert.detected_here) {
        (Some(_), Some(detected)) => {
            detected.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
        }
        (Some(_) | None, _) => clock(incident.last_at, zone),
    };
    let severity = match assessment.severity {
        Severity::Low => text("notification.low", &[]),
        Severity::Medium => text("notification.medium", &[]),
        Severity::High => text("notification.high", &[]),
    };
    let count = incident.alerts.to_string();
    let values = [
        ("time", time.as_str()),
        ("severity", severity.as_str()),
        ("why", assessment.why.as_str()),
        ("count", count.as_str()),
    ];
    let mut once = text("notification.body", &values);
    if let Some(late) = late {
        once = format!("{once} {}", came_late(late));
    }
    if incident.alerts > 1 {
        return format!("{once} {}", text("notification.alerts", &values));
    }
    once
}

/// "1 not handled", "5 not handled, 2 stores".
pub(super) fn unhandled(incidents: usize, stores: usize) -> String {
    let (count, stores_count) = (incidents.to_string(), stores.to_string());
    let values = [("count", count.as_str()), ("stores", stores_count.as_str())];
    match (incidents, stores) {
        (1, _) => text("notification.unhandled_one", &[]),
        (_, 0 | 1) => text("notification.unhandled_many", &values),
        (_, _) => text("notification.unhandled_stores", &values),
    }
}

/// Which of them is the newest, by its first line.
pub(super) fn latest(title: &str, at: Timestamp, zone: &TimeZone) -> String {
    let time = clock(at, zone);
    text("notification.latest", &[("title", title), ("time", &time)])
}

/// "30 min", "2 h 5 min".
pub(super) fn length(length: SignedDuration) -> String {
    let (hours, minutes) = (length.as_hours().to_string(), (length.as_mins() % 60).to_string());
    let key = if length.as_hours() == 0 { "notification.minutes" } else { "notification.hours" };
    text(key, &[("hours", &hours), ("minutes", &minutes)])
}

/// "Came late, 1 min 10 s.", "Came late, 2 h 4 min."
pub fn came_late(late: SignedDuration) -> String {
    let numbers =
        [late.as_hours(), late.as_mins() % 60, late.as_secs() % 60].map(|number| number.to_string());
    let values = ["hours", "minutes", "seconds"];
    let values = [0, 1, 2].map(|at| (values[at], numbers[at].as_str()));
    let key = match (late.as_hours(), late.as_mins()) {
        (0, 0) => "notification.late_seconds",
        (0, _) => "notification.late_minutes",
        (_, _) => "notification.late_hours",
    };
    text(key, &values)
}

/// Why it is worth what it is worth.
pub(super) fn reasons(kind: Kind, top_score: Option<f64>, nth: u32) -> String {
    let mut reasons = vec![self::kind(kind)];
    if let (Kind::Theft | Kind::Other, Some(score)) = (kind, top_score) {
        reasons.push(text("notification.score", &[("score", &format!("{score:.1}"))]));
    }
    match nth {
        0 | 1 => {}
        2 => reasons.push(text("notification.second_time", &[])),
        3 => reasons.push(text("notification.third_time", &[])),
        _ => reasons.push(text("notification.nth_time", &[("n", &nth.to_string())])),
    }
    reasons.join(", ")
}

/// The reasons of what happened while the shop was closed.
pub(super) fn after_hours(why: &str) -> String {
    text("notification.after_hours", &[("why", why)])
}

/// The camera's name: as the person gave it, else the place the backend names, else a short form of the stream's id.
pub(crate) fn camera(row: &IncidentRow, camera_names: &BTreeMap<String, String>) -> String {
    let stream = row.stream_id.as_ref().map(|id| id.as_str());
    camera_of(stream, row.location.as_deref(), camera_names)
}

/// The same, of what is known of it: its stream and the place that the server names.
pub(crate) fn camera_of(
    stream: Option<&str>,
    location: Option<&str>,
    camera_names: &BTreeMap<String, String>,
) -> String {
    let stream = stream.unwrap_or_default();
    if let Some(name) = given_name(stream, camera_names) {
        return name;
    }
    let short: String = plain(stream).chars().take(8).collect();
    let place = location.map(plain).filter(|place| !place.is_empty());
    match place {
        // The original backend names every place after the stream.
        Some(place) if short.is_empty() || place != format!("Stream {short}") => place,
        Some(_) | None if !short.is_empty() => text("notification.camera", &[("name", &short)]),
        Some(_) | None => text("notification.camera_unknown", &[]),
    }
}

/// The name that the person gave to a camera, by the id of its stream.
pub(crate) fn given_name(stream: &str, camera_names: &BTreeMap<String, String>) -> Option<String> {
    camera_names.get(stream).map(|name| plain(name)).filter(|name| !name.is_empty())
}

/// Why its picture is not there, in words; nothing where it is, or never was, or was deleted.
pub(crate) fn picture_trouble(alert: &Stored) -> Option<String> {
    let stored = alert.picture_problem.as_deref().filter(|_| alert.picture.is_none())?;
    (stored != PRUNED).then(|| picture_problem(stored))
}

/// Why a picture is not there or cannot be shown, from what the journal keeps of it.
pub(crate) fn picture_problem(stored: &str) -> String {
    if stored == PRUNED {
        return text("notice.picture_pruned", &[]);
    }
    if let Some(remark) = stored.strip_prefix(REMARK) {
        return text("notice.picture_remark", &[("what", &plain_words(remark))]);
    }
    text("notice.picture_refused", &[("why", &plain_words(stored))])
}

/// What was detected.
pub(crate) fn kind(kind: Kind) -> String {
    match kind {
        Kind::Theft => text("notification.theft", &[]),
        Kind::Intrusion => text("notification.intrusion", &[]),
        Kind::Other => text("notification.other", &[]),
    }
}

fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string()
}

/// Text of a stranger, without what could disturb a line: control characters and those that turn its direction.
pub(crate) fn plain(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !disturbs(*c)).take(LONGEST_PLACE).collect();
    kept.trim().to_owned()
}

/// The same of any length, in one line.
pub(crate) fn plain_line(text: &str) -> String {
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let kept: String = spaced.filter(|c| !disturbs(*c)).collect();
    kept.trim().to_owned()
}

fn disturbs(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// A stranger's words about a picture, as part of a sentence.
fn plain_words(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !disturbs(*c)).collect();
    kept.trim().trim_end_matches('.').to_owned()
}
