//! What an alert is worth, and when it interrupts: pure rules, told everything they need.
//!
//! **Severity** is ours: the backend calls every theft "low" and is always of "Low" confidence. A theft pattern is
//! medium, so that it is never silent. It is high when its score is at least [`HIGH_SCORE`], or when it is at least
//! the [`REPEATED`]rd incident of its camera within five minutes. A person where nobody should be is always high.
//! Anything else the record may hold is low.
//!
//! **Interrupting**: the first alert of an incident is shown at once and with a sound; further ones update the same
//! notification, silently and at most every [`UPDATE_PAUSE`]. A new person or camera is a new incident and so breaks
//! through at once. What was caught up on is told in one summary.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;
use visionguard_proto::{Kind, Moment};

use crate::journal::{Entry, IncidentId, IncidentRow};
use crate::shell::{Buttons, Notification};
use crate::view::{SettingsView, Severity};
use crate::words;

/// A score from here on is [`Severity::High`] by itself. Scores say how far below the model's threshold (0) the
/// movement lies; the detections we know lie around 3.5.
pub const HIGH_SCORE: f64 = 5.0;

/// From this incident of one camera within five minutes on, it is [`Severity::High`].
pub const REPEATED: u32 = 3;

/// The pause between two updates of one notification.
pub const UPDATE_PAUSE: Duration = Duration::from_secs(10);

/// The [`Notification::id`] of the summary of what was missed.
pub const SUMMARY: &str = "summary:history";

/// Incidents remembered as shown; more than can be on a screen.
const REMEMBERED: usize = 500;

/// A severity and its reason, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    pub severity: Severity,
    /// "Theft pattern, score 3.5, third time in 5 minutes"; never empty.
    pub why: String,
}

/// Judges an incident by its kind, its highest score, and which one of its camera it is within five minutes (1 for
/// the first).
pub fn assess(kind: Kind, top_score: Option<f64>, nth: u32) -> Assessment {
    let severity = match kind {
        Kind::Intrusion => Severity::High,
        Kind::Theft if nth >= REPEATED || top_score.is_some_and(|score| score >= HIGH_SCORE) => {
            Severity::High
        }
        Kind::Theft => Severity::Medium,
        Kind::Other => Severity::Low,
    };
    Assessment { severity, why: reasons(kind, top_score, nth) }
}

/// When each incident was last shown, as far as it matters.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    shown: HashMap<IncidentId, Moment>,
}

impl Recent {
    /// Notes that a notification about this incident was handed to the desktop.
    pub fn note(&mut self, incident: IncidentId, now: Moment) {
        if self.shown.len() >= REMEMBERED {
            self.shown.retain(|_, at| now.since(*at) < UPDATE_PAUSE);
        }
        self.shown.insert(incident, now);
    }

    /// When the incident may be shown again, if it was shown lately.
    fn not_before(&self, incident: IncidentId, now: Moment) -> Option<Moment> {
        let at = *self.shown.get(&incident)? + UPDATE_PAUSE;
        (at > now).then_some(at)
    }
}

/// What to do about an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Show this now, and [`Recent::note`] it.
    Notify(Box<Notification>),
    /// Ask again at this moment, with the incident's newest alert: too soon for an update.
    NotBefore(Moment),
    /// Nothing.
    Silent,
}

/// Decides about a live alert that was just recorded as new (or split off), with the incident it belongs to.
///
/// `picture` is the alert's, or that of the incident's cover.
pub fn consider(
    entry: &Entry,
    picture: Option<Bytes>,
    settings: &SettingsView,
    recent: &Recent,
    now: Moment,
) -> Verdict {
    let incident = &entry.incident;
    if !settings.notifications || !incident.is_open() {
        return Verdict::Silent;
    }
    if let Some(at) = recent.not_before(incident.id, now) {
        return Verdict::NotBefore(at);
    }
    let assessment = assess(incident.kind, incident.top_score, incident.nth);
    let first = incident.notified_at.is_none() && !recent.shown.contains_key(&incident.id);
    Verdict::Notify(Box::new(Notification {
        id: incident.id.to_string(),
        alert: Some(entry.alert.id.to_string()),
        title: title(incident, settings),
        body: body(incident, &assessment, &TimeZone::system()),
        picture: picture.filter(|_| settings.picture_in_notification),
        sound: settings.sound && first,
        critical: assessment.severity == Severity::High,
        buttons: Buttons::Incident,
    }))
}

/// The one notification about everything that was caught up on: alerts of [`crate::view::Source::History`], one entry
/// an incident. Its id is [`SUMMARY`].
pub fn summarise(missed: &[Entry], settings: &SettingsView) -> Option<Notification> {
    let open: Vec<&IncidentRow> =
        missed.iter().map(|entry| &entry.incident).filter(|incident| incident.is_open()).collect();
    let newest = open.iter().max_by_key(|incident| incident.last_at)?;
    if !settings.notifications {
        return None;
    }
    let count = open.len().to_string();
    let camera = newest.camera(&settings.camera_names);
    let time = clock(newest, &TimeZone::system());
    let values = [("count", count.as_str()), ("camera", camera.as_str()), ("time", time.as_str())];
    let body = if open.len() == 1 {
        words::text("notification.missed_one", &values)
    } else {
        words::text("notification.missed_many", &values)
    };
    Some(Notification {
        id: SUMMARY.to_owned(),
        alert: None,
        title: words::text("notification.missed_title", &[]),
        body,
        picture: None,
        sound: settings.sound,
        critical: false,
        buttons: Buttons::Open,
    })
}

fn title(incident: &IncidentRow, settings: &SettingsView) -> String {
    let camera = incident.camera(&settings.camera_names);
    let values = [("kind", kind(incident.kind)), ("camera", camera)];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    words::text("notification.title", &values)
}

fn body(incident: &IncidentRow, assessment: &Assessment, zone: &TimeZone) -> String {
    let time = clock(incident, zone);
    let severity = match assessment.severity {
        Severity::Low => words::text("notification.low", &[]),
        Severity::Medium => words::text("notification.medium", &[]),
        Severity::High => words::text("notification.high", &[]),
    };
    let count = incident.alerts.to_string();
    let values = [
        ("time", time.as_str()),
        ("severity", severity.as_str()),
        ("why", assessment.why.as_str()),
        ("count", count.as_str()),
    ];
    let once = words::text("notification.body", &values);
    if incident.alerts > 1 {
        return format!("{once} {}", words::text("notification.alerts", &values));
    }
    once
}

fn reasons(kind: Kind, top_score: Option<f64>, nth: u32) -> String {
    let mut reasons = vec![self::kind(kind)];
    if let (Kind::Theft | Kind::Other, Some(score)) = (kind, top_score) {
        reasons.push(words::text("notification.score", &[("score", &format!("{score:.1}"))]));
    }
    match nth {
        0 | 1 => {}
        2 => reasons.push(words::text("notification.second_time", &[])),
        3 => reasons.push(words::text("notification.third_time", &[])),
        _ => reasons.push(words::text("notification.nth_time", &[("n", &nth.to_string())])),
    }
    reasons.join(", ")
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Theft => words::text("notification.theft", &[]),
        Kind::Intrusion => words::text("notification.intrusion", &[]),
        Kind::Other => words::text("notification.other", &[]),
    }
}

fn clock(incident: &IncidentRow, zone: &TimeZone) -> String {
    incident.last_at.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}
