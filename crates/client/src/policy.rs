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
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use visionguard_proto::{AnomalyId, Kind, Moment};

use crate::model::{AlertId, Entry, IncidentId, IncidentRow, Severity};
use crate::shell::{Buttons, Notification};
use crate::view::SettingsView;
use crate::words;

/// A score from here on is [`Severity::High`] by itself. Scores say how far below the model's threshold (0) the
/// movement lies; the detections we know lie around 3.5.
pub const HIGH_SCORE: f64 = 5.0;

/// From this incident of one camera within five minutes on, it is [`Severity::High`].
pub const REPEATED: u32 = 3;

/// The pause between two updates of one notification.
pub const UPDATE_PAUSE: Duration = Duration::from_secs(10);

/// How long an incident's popup stands after its newest alert: the minute without one that ends an incident, the pause
/// between two updates, and what an alert may take to get here.
pub const STANDS: Duration = Duration::from_secs(90);

/// How long a notification stands before it is taken back, unless it is updated; none for one that stands until it is
/// dismissed, or as long as the desktop has it.
pub fn stands_for(notification: &Notification) -> Option<Duration> {
    match notification.buttons {
        Buttons::Incident if !notification.critical => Some(STANDS),
        Buttons::Incident | Buttons::Open => None,
    }
}

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

/// When each incident was last shown, and with which alert, as far as it matters.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    shown: HashMap<IncidentId, Shown>,
    /// The server's names of the alerts that were, which outlive a journal that is lost and its numbers.
    heard: HashMap<AnomalyId, IncidentId>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    at: Moment,
    alert: AlertId,
    /// The same of the one before, which stands where this one is not taken.
    before: Option<(Moment, AlertId)>,
}

impl Recent {
    /// Notes that a notification about this incident, as of this alert, was handed to the desktop.
    pub fn note(&mut self, entry: &Entry, now: Moment) {
        if self.shown.len() >= REMEMBERED {
            self.shown.retain(|_, shown| now.since(shown.at) < UPDATE_PAUSE);
        }
        if self.heard.len() >= REMEMBERED {
            self.heard.clear();
        }
        if let Some(name) = &entry.alert.anomaly_id {
            self.heard.insert(name.clone(), entry.incident.id);
        }
        let before = self.shown.get(&entry.incident.id).map(|shown| (shown.at, shown.alert));
        self.shown.insert(entry.incident.id, Shown { at: now, alert: entry.alert.id, before });
    }

    /// Whether a notification spoke for this alert already: the journal may not have it yet, where the disk is slow.
    fn covers(&self, entry: &Entry) -> bool {
        self.shown.get(&entry.incident.id).is_some_and(|shown| entry.alert.id <= shown.alert)
    }

    /// Notes that the last one was not shown after all: nobody heard its sound, and the next one need not wait. What was
    /// shown before it was.
    pub fn forget(&mut self, incident: IncidentId) {
        if let Some(Shown { before: Some((at, alert)), .. }) = self.shown.remove(&incident) {
            self.shown.insert(incident, Shown { at, alert, before: None });
        } else {
            self.heard.retain(|_, of| *of != incident);
        }
    }

    /// Whether this alert or another of its incident was shown, also from a journal that is lost since.
    fn knows(&self, entry: &Entry) -> bool {
        let was_heard = entry.alert.anomaly_id.as_ref().is_some_and(|name| self.heard.contains_key(name));
        was_heard || self.shown.contains_key(&entry.incident.id)
    }

    /// When the incident may be shown again, if it was shown lately.
    fn not_before(&self, incident: IncidentId, now: Moment) -> Option<Moment> {
        let at = self.shown.get(&incident)?.at + UPDATE_PAUSE;
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
    if !settings.notifications || !incident.is_open() || recent.covers(entry) {
        return Verdict::Silent;
    }
    if let Some(at) = recent.not_before(incident.id, now) {
        return Verdict::NotBefore(at);
    }
    let assessment = assess(incident.kind, incident.top_score, incident.nth);
    let first = incident.notified_at.is_none() && !recent.knows(entry);
    let body = body(entry, &assessment, &TimeZone::system());
    let says_why = settings.picture_in_notification && picture.is_none();
    Verdict::Notify(Box::new(Notification {
        id: incident.id.to_string(),
        alert: Some(entry.alert.id.to_string()),
        title: title(incident, settings),
        body: match entry.alert.picture_trouble().filter(|_| says_why) {
            Some(why) => format!("{body} {why}"),
            None => body,
        },
        picture: picture.filter(|_| settings.picture_in_notification),
        sound: settings.sound && first,
        critical: assessment.severity == Severity::High,
        buttons: Buttons::Incident,
    }))
}

/// The one notification about everything that was caught up on: alerts of [`crate::model::Source::History`], one entry
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

fn body(entry: &Entry, assessment: &Assessment, zone: &TimeZone) -> String {
    let incident = &entry.incident;
    let late = entry.alert.late_by();
    let time = match (late, entry.alert.detected_here) {
        (Some(_), Some(detected)) => {
            detected.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
        }
        (Some(_) | None, _) => clock(incident, zone),
    };
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
    let mut once = words::text("notification.body", &values);
    if let Some(late) = late {
        once = format!("{once} {}", came_late(late));
    }
    if incident.alerts > 1 {
        return format!("{once} {}", words::text("notification.alerts", &values));
    }
    once
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
    words::text(key, &values)
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
    incident.last_at.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use visionguard_proto::{Alert, Picture, StreamId, Via};

    use super::*;
    use crate::journal::Journal;
    use crate::model::{Decision, Recorded, Source};
    use crate::view::Theme;

    #[test]
    fn a_theft_pattern_is_never_low_and_says_why() {
        let plain = assess(Kind::Theft, Some(3.5), 1);

        assert_eq!(plain.severity, Severity::Medium);
        assert_eq!(plain.why, "Theft pattern, score 3.5");
        assert_eq!(assess(Kind::Theft, None, 1).severity, Severity::Medium);
    }

    #[test]
    fn a_high_score_a_third_time_and_an_intrusion_are_high() {
        assert_eq!(assess(Kind::Theft, Some(HIGH_SCORE), 1).severity, Severity::High);
        assert_eq!(assess(Kind::Theft, Some(1.0), REPEATED).severity, Severity::High);
        assert_eq!(assess(Kind::Intrusion, None, 1).severity, Severity::High);
        assert_eq!(
            assess(Kind::Theft, Some(3.5), 3).why,
            "Theft pattern, score 3.5, third time in 5 minutes"
        );
    }

    #[tokio::test]
    async fn case_07_an_alert_that_came_late_says_when_it_was_detected_and_by_how_much() {
        let world = World::new();
        let mut entry = world.tell("stream-a", 1, 70).await;
        entry.alert.detected_here = Some(at(0));
        let assessment = assess(Kind::Theft, Some(3.5), 1);
        let said = |entry: &Entry| body(entry, &assessment, &TimeZone::UTC);

        assert_eq!(said(&entry), "12:00:00. Medium: Theft pattern, score 3.5. Came late, 1 min 10 s.");
        entry.alert.detected_here = Some(at(65));
        assert!(!said(&entry).contains("late"), "{}", said(&entry));
        entry.alert.detected_here = Some(at(80));
        assert!(!said(&entry).contains("late"), "a clock that is ahead is no delay");
        assert_eq!(came_late(SignedDuration::from_secs(7_479)), "Came late, 2 h 4 min.");
    }

    #[tokio::test]
    async fn the_first_alert_sounds_and_the_next_ones_update_it_silently_every_ten_seconds() {
        let world = World::new();
        let mut recent = Recent::default();

        let mut told = Vec::new();
        for second in 0..25 {
            let entry = world.tell("stream-a", 1, second).await;
            let now = moment(second);
            match consider(&entry, None, &settings(), &recent, now) {
                Verdict::Notify(notification) => {
                    recent.note(&entry, now);
                    told.push((second, notification.sound, notification.id.clone(), notification.body));
                }
                Verdict::NotBefore(at) => assert!(at > now && at <= now + UPDATE_PAUSE),
                Verdict::Silent => panic!("an open incident is not silent"),
            }
        }

        let when: Vec<_> = told.iter().map(|(second, sound, ..)| (*second, *sound)).collect();
        assert_eq!(when, [(0, true), (10, false), (20, false)]);
        assert!(told.iter().all(|(_, _, id, _)| *id == told[0].2), "one notification, updated");
        assert!(told[2].3.contains("21 alerts"), "{}", told[2].3);
    }

    #[tokio::test]
    async fn another_person_breaks_through_at_once() {
        let world = World::new();
        let mut recent = Recent::default();
        let first = world.tell("stream-a", 1, 0).await;
        recent.note(&first, moment(0));

        let other = world.tell("stream-a", 2, 1).await;
        let verdict = consider(&other, None, &settings(), &recent, moment(1));

        let Verdict::Notify(notification) = verdict else { panic!("at once, not {verdict:?}") };
        assert!(notification.sound);
    }

    #[tokio::test]
    async fn an_alert_that_was_spoken_for_is_not_shown_again_however_late_the_journal_says_so() {
        let world = World::new();
        let mut recent = Recent::default();
        let older = world.tell("stream-a", 1, 0).await;
        let newer = world.tell("stream-a", 1, 1).await;
        let newest = world.tell("stream-a", 1, 2).await;
        recent.note(&newer, moment(1));

        let late = moment(40);
        let [older, same] = [&older, &newer].map(|entry| consider(entry, None, &settings(), &recent, late));
        let update = consider(&newest, None, &settings(), &recent, late);
        recent.forget(newer.incident.id);
        let not_taken = consider(&newer, None, &settings(), &recent, late);

        assert_eq!((older, same), (Verdict::Silent, Verdict::Silent));
        assert!(matches!(update, Verdict::Notify(_)), "{update:?}");
        assert!(matches!(not_taken, Verdict::Notify(_)), "the desktop did not take it: {not_taken:?}");
    }

    #[tokio::test]
    async fn what_was_heard_makes_no_sound_once_more_from_a_journal_that_took_the_place_of_a_lost_one() {
        let (lost, new) = (World::new(), World::new());
        let mut recent = Recent::default();
        let name = AnomalyId::new("46ffb561-9be3-4edd-84a6-8cc6e2e32d99").ok();
        let mut heard = lost.tell("stream-a", 1, 0).await;
        heard.alert.anomaly_id.clone_from(&name);
        recent.note(&heard, moment(0));
        let another = new.tell("stream-b", 2, 1).await;
        let mut again = new.tell("stream-a", 1, 2).await;
        again.alert.anomaly_id = name;

        let sounds = |entry: &Entry, recent: &Recent| {
            let verdict = consider(entry, None, &settings(), recent, moment(20));
            let Verdict::Notify(notification) = verdict else { panic!("not shown: {verdict:?}") };
            notification.sound
        };

        assert!(sounds(&another, &recent));
        assert!(!sounds(&again, &recent));
        recent.forget(heard.incident.id);
        assert!(sounds(&again, &recent), "nobody heard it");
    }

    #[tokio::test]
    async fn an_update_that_was_not_taken_takes_nothing_back_of_what_was_shown_before() {
        let world = World::new();
        let mut recent = Recent::default();
        let shown = world.tell("stream-a", 1, 0).await;
        let failed = world.tell("stream-a", 1, 1).await;
        recent.note(&shown, moment(0));
        recent.note(&failed, moment(11));

        recent.forget(failed.incident.id);
        let [shown, failed] =
            [&shown, &failed].map(|entry| consider(entry, None, &settings(), &recent, moment(12)));

        assert_eq!(shown, Verdict::Silent, "it would be shown twice");
        let Verdict::Notify(again) = failed else { panic!("not shown: {failed:?}") };
        assert!(!again.sound, "the incident's sound was heard");
    }

    #[tokio::test]
    async fn after_a_restart_a_shown_incident_is_updated_without_a_sound() {
        let world = World::new();
        let first = world.tell("stream-a", 1, 0).await;
        world.journal.mark_notified(first.alert.id, at(0)).await.expect("marked");

        let next = world.tell("stream-a", 1, 1).await;
        let verdict = consider(&next, None, &settings(), &Recent::default(), moment(1));

        let Verdict::Notify(notification) = verdict else { panic!("an update, not {verdict:?}") };
        assert!(!notification.sound);
    }

    #[tokio::test]
    async fn what_was_decided_on_or_switched_off_stays_silent() {
        let world = World::new();
        let entry = world.tell("stream-a", 1, 0).await;
        let off = SettingsView { notifications: false, ..settings() };

        let switched_off = consider(&entry, None, &off, &Recent::default(), moment(0));
        world.journal.decide(entry.incident.id, Decision::Acknowledged, None, at(1)).await.expect("decided");
        let next = world.tell("stream-a", 1, 2).await;
        let decided = consider(&next, None, &settings(), &Recent::default(), moment(2));

        assert_eq!((switched_off, decided), (Verdict::Silent, Verdict::Silent));
    }

    #[tokio::test]
    async fn a_notification_says_what_where_how_bad_and_shows_the_picture_only_if_wanted() {
        let world = World::new();
        let entry = world.tell("stream-a", 1, 0).await;
        let named = SettingsView {
            camera_names: [("stream-a".to_owned(), "Aisle 3".to_owned())].into(),
            ..settings()
        };
        let discreet = SettingsView { picture_in_notification: false, ..named.clone() };
        let picture = Some(Bytes::from_static(b"jpeg"));

        let shown = consider(&entry, picture.clone(), &named, &Recent::default(), moment(0));
        let hidden = consider(&entry, picture.clone(), &discreet, &Recent::default(), moment(0));

        let (Verdict::Notify(shown), Verdict::Notify(hidden)) = (shown, hidden) else {
            panic!("both are shown")
        };
        assert_eq!(shown.title, "Theft pattern: Aisle 3");
        assert!(shown.body.contains("Medium: Theft pattern, score 3.5."), "{}", shown.body);
        assert_eq!((shown.picture, hidden.picture), (picture, None));
        assert_eq!(shown.alert, Some(entry.alert.id.to_string()));
    }

    #[tokio::test]
    async fn what_was_missed_is_one_summary() {
        let world = World::new();
        let mut missed = Vec::new();
        for stream in ["stream-a", "stream-b", "stream-c"] {
            missed.push(world.tell(stream, 1, 0).await);
        }

        let many = summarise(&missed, &settings()).expect("a summary");
        let one = summarise(&missed[..1], &settings()).expect("a summary");

        assert_eq!(many.id, SUMMARY);
        assert!(many.body.starts_with("3 incidents."), "{}", many.body);
        assert!(one.body.starts_with("1 incident:"), "{}", one.body);
        assert_eq!(summarise(&[], &settings()), None);
    }

    proptest! {
        #[test]
        fn more_evidence_never_lowers_a_severity(score in 0.0..20.0f64, more in 0.0..20.0f64, nth in 1..9u32, again in 0..9u32) {
            let less = assess(Kind::Theft, Some(score), nth).severity;
            let worse = assess(Kind::Theft, Some(score + more), nth + again).severity;

            prop_assert!(worse >= less);
            prop_assert!(less >= Severity::Medium);
        }
    }

    struct World {
        journal: Journal,
    }

    impl World {
        fn new() -> World {
            World { journal: Journal::in_memory().expect("a journal") }
        }

        async fn tell(&self, stream: &str, person: i64, second: i64) -> Entry {
            let alert = Alert {
                via: Via::Detection,
                kind: Kind::Theft,
                anomaly_id: None,
                shop_id: None,
                stream_id: StreamId::new(stream).ok(),
                person_id: Some(person),
                start_frame: Some(1),
                frame_number: Some(24 + second),
                score: Some(3.5),
                claimed_severity: Some("low".to_owned()),
                text: None,
                location: None,
                detected_at: None,
                bounding_box: None,
                picture: Picture::Absent,
                cursor: None,
                replayed: false,
            };
            let recorded = self.journal.record(alert, at(second), Source::Live).await.expect("recorded");
            assert!(matches!(recorded, Recorded::New { .. }));
            recorded.entry().clone()
        }
    }

    fn at(second: i64) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_795_262_400 + second).expect("a time")
    }

    fn moment(second: i64) -> Moment {
        Moment::from_start(Duration::from_secs(second.unsigned_abs()))
    }

    fn settings() -> SettingsView {
        SettingsView {
            start_at_sign_in: false,
            notifications: true,
            picture_in_notification: true,
            sound: true,
            sound_volume: 70,
            blur: false,
            theme: Theme::System,
            keep_days: 30,
            drill_at: None,
            camera_names: std::collections::BTreeMap::new(),
        }
    }
}
