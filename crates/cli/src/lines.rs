//! The lines of `watch` and `alerts`: JSON for programs, words for people.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use visionguard_client::journal;
use visionguard_client::model::{
    AlertId, Decision, Disposition, Entry, Handling, Recorded, Repaired, Severity, Source,
};
use visionguard_client::notes;
use visionguard_client::policy::{self, COUNTER};
use visionguard_client::shell::Notification;
use visionguard_client::view::{Incident, IncidentKind, NoticeView, Status, StatusView};

/// One line of `watch --json`.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Line {
    /// The status changed.
    Status {
        status: Status,
        /// A stable code.
        reason: String,
        sentence: String,
        /// When this status began.
        since: i64,
        /// How long until the next attempt, while waiting for one.
        retry_in_ms: Option<i64>,
    },
    /// An alert that was not known is stored.
    Alert(AlertLine),
    /// A stored alert learnt more: its anomaly id, its picture, its shop.
    AlertUpdated(AlertLine),
    /// An alert turned out to be another account of one that is known; its number is no longer in use.
    AlertRemoved { id: String },
    /// The server was told that the alert is stored.
    Acked { id: String },
    /// Something stands that a person should know, such as a disk that takes no writes.
    Notice {
        /// A stable code.
        code: String,
        sentence: String,
    },
    /// It does not any more.
    NoticeOver {
        code: String,
        /// What was said, for people.
        #[serde(skip)]
        said: String,
    },
    /// What a desktop would pop up: the alert that it is about, and those before it of the same incident, count as shown
    /// once this line is written.
    Notification {
        /// The incident, or what else it is about; a later one of the same id takes its place.
        id: String,
        alert: Option<String>,
        title: String,
        body: String,
        sound: bool,
        critical: bool,
    },
}

/// An alert. Times are milliseconds since 1970 UTC.
#[derive(Debug, Serialize)]
pub struct AlertLine {
    /// Our own number.
    pub id: String,
    /// The record's id, once known.
    pub anomaly_id: Option<String>,
    /// Our own number of the incident it belongs to.
    pub incident: String,
    pub stream_id: Option<String>,
    pub person_id: Option<i64>,
    pub shop_id: Option<String>,
    pub kind: IncidentKind,
    /// Of its incident, as it stands.
    pub severity: Severity,
    pub source: Source,
    pub detected_at: Option<i64>,
    pub received_at: i64,
    /// By how much it came late, where it did.
    pub late_ms: Option<i64>,
    /// The size of its picture, if there is one.
    pub frame_bytes: Option<u32>,
    #[serde(skip)]
    detected_here: Option<Timestamp>,
    #[serde(skip)]
    pub number: AlertId,
    #[serde(skip)]
    incident_view: Incident,
}

/// An alert of `alerts --json`: the same, and what became of it.
#[derive(Debug, Serialize)]
pub struct StoredLine {
    event: &'static str,
    #[serde(flatten)]
    alert: AlertLine,
    notified_at: Option<i64>,
    acked_at: Option<i64>,
    handling: Handling,
    /// What came of it, if anybody said.
    outcome: Option<Disposition>,
    /// Whose the decision is, by name; null for that of who is signed in here, or where it is not known.
    by: Option<String>,
    /// It was decided on with others, and nobody had opened it.
    unopened: bool,
}

impl AlertLine {
    pub fn new(entry: &Entry, camera_names: &BTreeMap<String, String>) -> AlertLine {
        let (alert, incident) = (&entry.alert, journal::view::incident(&entry.incident, camera_names));
        AlertLine {
            id: alert.id.to_string(),
            anomaly_id: alert.anomaly_id.as_ref().map(ToString::to_string),
            incident: incident.id.clone(),
            stream_id: alert.stream_id.as_ref().map(ToString::to_string),
            person_id: alert.person_id,
            shop_id: alert.shop_id.as_ref().map(ToString::to_string),
            kind: incident.kind,
            severity: incident.severity,
            source: alert.source,
            detected_at: alert.detected_at.map(Timestamp::as_millisecond),
            received_at: alert.received_at.as_millisecond(),
            late_ms: alert.late_by().and_then(|late| i64::try_from(late.as_millis()).ok()),
            detected_here: alert.detected_here,
            frame_bytes: alert.picture.map(|picture| picture.bytes),
            number: alert.id,
            incident_view: incident,
        }
    }
}

impl StoredLine {
    pub fn new(entry: &Entry, camera_names: &BTreeMap<String, String>) -> StoredLine {
        let alert = AlertLine::new(entry, camera_names);
        StoredLine {
            event: "alert",
            notified_at: entry.alert.notified_at.map(Timestamp::as_millisecond),
            acked_at: entry.alert.acked_at.map(Timestamp::as_millisecond),
            handling: entry.incident.handling.clone(),
            outcome: entry.incident.outcome,
            unopened: alert.incident_view.unopened,
            by: alert.incident_view.by.clone(),
            alert,
        }
    }
}

/// The line of a status.
pub fn status(view: &StatusView, now: Timestamp) -> Line {
    Line::Status {
        status: view.status,
        reason: view.reason.clone(),
        sentence: view.sentence.clone(),
        since: view.since,
        retry_in_ms: view.next_attempt_at.map(|at| (at - now.as_millisecond()).max(0)),
    }
}

/// The status as it was last said to a person.
#[derive(Debug, Default)]
pub struct Said(Option<(Status, String)>);

impl Said {
    /// Whether this is a change for a reader: not another attempt of the same kind, nor that it failed as the last one did.
    pub fn is_news(&mut self, status: Status, reason: &str, sentence: &str) -> bool {
        let is_known = self.0.as_ref().is_some_and(|(before, said)| {
            *before == status && (said == sentence || status == Status::Offline && reason == CONNECTING)
        });
        if !is_known {
            self.0 = Some((status, sentence.to_owned()));
        }
        !is_known
    }
}

/// The reason while an attempt is under way.
const CONNECTING: &str = "connecting";

/// The lines of what changed among the standing remarks.
pub fn notices(before: &[NoticeView], now: &[NoticeView]) -> Vec<Line> {
    let over = before.iter().filter(|old| now.iter().all(|notice| notice.code != old.code));
    let over = over.map(|old| Line::NoticeOver { code: old.code.clone(), said: old.sentence.clone() });
    let new = now.iter().filter(|notice| !before.contains(notice));
    let new = new.map(|new| Line::Notice { code: new.code.clone(), sentence: new.sentence.clone() });
    over.chain(new).collect()
}

/// The lines of an account of a detection: none for one that told nothing new.
pub fn recorded(recorded: &Recorded, camera_names: &BTreeMap<String, String>) -> Vec<Line> {
    let line = |entry: &Entry| AlertLine::new(entry, camera_names);
    let (first, repaired) = match recorded {
        Recorded::New { entry, repaired, .. } => (Line::Alert(line(entry)), repaired),
        Recorded::Joined { entry, repaired, .. } => (Line::AlertUpdated(line(entry)), repaired),
        Recorded::Repeat { .. } => return Vec::new(),
    };
    let Repaired { corrected, split_off, absorbed, removed_incident: _ } = repaired;
    let corrected = corrected.iter().map(|entry| Line::AlertUpdated(line(entry)));
    let split_off = split_off.iter().map(|entry| Line::Alert(line(entry)));
    let absorbed = absorbed.iter().map(|id| Line::AlertRemoved { id: id.to_string() });
    std::iter::once(first).chain(corrected).chain(split_off).chain(absorbed).collect()
}

impl Line {
    /// For people; none where there is nothing to say to them.
    pub fn words(&self, now: Timestamp, zone: &TimeZone) -> Option<String> {
        let time = clock(now, zone);
        match self {
            Line::Status { status, sentence, .. } => Some(columned(&time, status_word(*status), sentence)),
            Line::Alert(alert) => {
                let incident = &alert.incident_view;
                let severity = severity_word(alert.severity);
                let count =
                    if incident.alerts > 1 { format!(", alert {}", incident.alerts) } else { String::new() };
                let missed = match alert.source {
                    Source::Live => "",
                    Source::History => " (from the record)",
                };
                let (time, late) = match (alert.late_ms, alert.detected_here) {
                    (Some(late), Some(detected)) => {
                        let late = policy::came_late(SignedDuration::from_millis(late));
                        (clock(detected, zone), format!(" {late}"))
                    }
                    (Some(_) | None, _) => (time, String::new()),
                };
                let what = format!(
                    "{}: {}{missed} [incident {}{count}]{late}",
                    incident.camera, incident.why, incident.id
                );
                Some(columned(&time, severity, &what))
            }
            Line::Notice { sentence, .. } => Some(columned(&time, "Notice", sentence)),
            Line::NoticeOver { said, .. } => Some(columned(&time, "Notice over", said)),
            Line::AlertUpdated(_)
            | Line::AlertRemoved { .. }
            | Line::Acked { .. }
            | Line::Notification { .. } => None,
        }
    }
}

/// A notification about what has no line of its own, for people; none for one whose alert had its line, or whose status or
/// notice has. An alert that could not be stored has no line unless that succeeds.
pub fn notification(
    raised: &Notification,
    has_line: bool,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<String> {
    let time = clock(now, zone);
    let Notification { id, alert, title, body, .. } = raised;
    if id.starts_with(UNSTORED) {
        return Some(columned(&time, "Not stored", &format!("{title}: {body}")));
    }
    let is_wanted = if alert.is_some() { !has_line } else { id == COUNTER };
    is_wanted.then(|| columned(&time, title, body))
}

/// How the id of a notification about an alert that could not be stored begins.
const UNSTORED: &str = "unstored:";

/// One line, whatever came from elsewhere. A heading that is wider than its column moves what follows and does not touch it.
fn columned(time: &str, heading: &str, what: &str) -> String {
    format!("{time}  {heading:<11}  {what}").replace(char::is_control, " ")
}

/// The table of incidents for people: a heading and a line each, aligned.
pub fn table(incidents: &[Incident], zone: &TimeZone) -> Vec<String> {
    let mut rows = vec![["#", "when", "severity", "camera", "alerts", "what", "decision"].map(str::to_owned)];
    for incident in incidents {
        rows.push([
            incident.id.clone(),
            date_and_clock(incident.first_at, zone),
            severity_word(incident.severity).to_owned(),
            incident.camera.clone(),
            incident.alerts.to_string(),
            incident.why.clone(),
            handling_words(incident),
        ]);
    }
    columns(&rows)
}

/// A line each, aligned.
pub fn columns<T: AsRef<str>, const N: usize>(rows: &[[T; N]]) -> Vec<String> {
    let width =
        |column: usize| rows.iter().map(|row| row[column].as_ref().chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[T; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{:<width$}", cell.as_ref()));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The one word.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Protected => "Protected",
        Status::CatchingUp => "Catching up",
        Status::Deaf => "Not receiving",
        Status::Offline => "Offline",
        Status::SignedOut => "Signed out",
    }
}

/// A time of today or any other day, for people.
pub fn date_and_clock(milliseconds: i64, zone: &TimeZone) -> String {
    match Timestamp::from_millisecond(milliseconds) {
        Ok(at) => at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => "?".to_owned(),
    }
}

fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// The severity, for people.
pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
    }
}

fn handling_words(incident: &Incident) -> String {
    let (said, sent) = match &incident.handling {
        Handling::Open => return String::new(),
        Handling::Reopened { sent, .. } => ("opened again".to_owned(), *sent),
        Handling::Sending { decision, .. } => (decision_word(*decision).to_owned(), false),
        Handling::Recorded { decision, .. } => (decision_word(*decision).to_owned(), true),
        Handling::Refused { decision, sentence } => {
            (format!("{}: {sentence}", decision_word(*decision)), true)
        }
    };
    let came_of_it = incident.outcome.map(|outcome| format!(": {}", notes::outcome(outcome).to_lowercase()));
    let by = incident.by.as_ref().map(|name| format!(", by {name}"));
    let unopened = incident.unopened.then(|| ", unopened".to_owned());
    let waits = (!sent).then(|| ", not sent yet".to_owned());
    [Some(said), came_of_it, by, unopened, waits].into_iter().flatten().collect()
}

fn decision_word(decision: Decision) -> &'static str {
    match decision {
        Decision::Acknowledged => "acknowledged",
        Decision::Resolved => "resolved",
        Decision::FalseAlarm => "false alarm",
        Decision::Reopened => "opened again",
    }
}

#[cfg(test)]
mod tests {
    use visionguard_client::journal::Journal;
    use visionguard_client::shell::Buttons;
    use visionguard_proto::record::Row;

    use super::*;

    #[test]
    fn a_long_title_does_not_touch_what_follows() {
        let line = |title: &str| said(&raised("9", Some("1"), title, "2 incidents."), false);

        assert_eq!(line("While you were away"), "00:00:00  While you were away  2 incidents.");
        assert_eq!(line("A title of 13"), "00:00:00  A title of 13  2 incidents.");
        assert_eq!(line("Notice"), "00:00:00  Notice       2 incidents.");
    }

    #[test]
    fn a_notice_that_is_over_is_said_in_the_words_in_which_it_was_said_to_stand() {
        let full = NoticeView {
            code: "journal_unwritable".to_owned(),
            sentence: "The disk is full.".to_owned(),
            closable: false,
        };

        let over = notices(std::slice::from_ref(&full), &[]).remove(0);

        let words = over.words(Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        assert_eq!(words.as_deref(), Some("00:00:00  Notice over  The disk is full."));
        assert_eq!(
            serde_json::to_string(&over).expect("text"),
            r#"{"event":"notice_over","code":"journal_unwritable"}"#
        );
    }

    #[test]
    fn a_server_that_is_away_is_said_to_be_once_however_often_it_is_tried() {
        let mut said = Said::default();
        let mut is_news = |status, reason| said.is_news(status, reason, reason);

        assert!(is_news(Status::Offline, "connecting"));
        assert!(is_news(Status::Offline, "refused"));
        for _ in 0..3 {
            assert!(!is_news(Status::Offline, "connecting"));
            assert!(!is_news(Status::Offline, "refused"));
        }
        assert!(is_news(Status::Offline, "no_network"), "another reason is news");
        assert!(is_news(Status::Protected, "protected"));
        assert!(is_news(Status::Offline, "no_network"), "and so is the next time");
    }

    #[test]
    fn an_alert_that_could_not_be_stored_has_a_line_and_is_marked() {
        let unstored = raised("unstored:door:1", None, "Theft pattern", "Door. Look now.");

        assert_eq!(said(&unstored, false), "00:00:00  Not stored   Theft pattern: Door. Look now.");
    }

    #[tokio::test]
    async fn an_alert_from_the_record_is_not_said_to_have_been_missed_by_anybody() {
        let journal = Journal::in_memory().expect("a journal");
        let text = include_str!("../../../tests/fixtures/anomalies_list_200.json");
        let list: serde_json::Value = serde_json::from_str(text).expect("a golden answer");
        let row = Row::read(list["anomalies"][1].to_string().as_bytes()).expect("a row");
        let recorded = journal.record(row.alert, Timestamp::now(), Source::History).await.expect("recorded");

        let line = Line::Alert(AlertLine::new(recorded.entry(), &BTreeMap::new()));

        let words = line.words(Timestamp::UNIX_EPOCH, &TimeZone::UTC).expect("words");
        assert!(words.contains("(from the record)") && !words.contains("away"), "{words}");
    }

    #[test]
    fn what_has_a_line_of_its_own_gets_no_second_one() {
        assert_eq!(said(&raised("9", Some("1"), "Theft", "Door."), true), "");
        assert_eq!(said(&raised("status:outage", None, "Away", "Since 13:10."), false), "");
        assert_ne!(
            said(
                &raised(COUNTER, None, "2 not handled", "The latest: Theft pattern: Aisle 3, 14:05."),
                false
            ),
            ""
        );
    }

    #[test]
    fn a_message_of_the_server_is_one_line_and_paints_nothing() {
        let line = said(&raised("9", Some("1"), "A\u{1b}[31m", "one\ntwo\r"), false);

        assert_eq!(line, "00:00:00  A [31m       one two ");
    }

    fn said(raised: &Notification, has_line: bool) -> String {
        notification(raised, has_line, Timestamp::UNIX_EPOCH, &TimeZone::UTC).unwrap_or_default()
    }

    fn raised(id: &str, alert: Option<&str>, title: &str, body: &str) -> Notification {
        Notification {
            id: id.to_owned(),
            alert: alert.map(str::to_owned),
            title: title.to_owned(),
            body: body.to_owned(),
            picture: None,
            sound: false,
            critical: true,
            buttons: Buttons::Open,
            in_place_of: None,
        }
    }
}
