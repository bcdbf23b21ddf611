//! The incidents of a time as a table that a spreadsheet opens: RFC 4180, with the mark by which a spreadsheet knows UTF-8.
//!
//! It reads the journal and changes nothing there.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::journal::{Journal, JournalError, Listed};
use crate::model::{Decision, Severity, Source};
use crate::notes;
use crate::policy;
use crate::saving::{self, NewFileError};
use crate::view::ReportQuery;
use crate::words::text;

/// Why there is no table; no file is left behind.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error(transparent)]
    File(#[from] NewFileError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

const COLUMNS: [&str; 15] = [
    "incident",
    "began_utc",
    "began_here",
    "seconds",
    "store",
    "camera",
    "kind",
    "severity",
    "alerts",
    "came",
    "decision",
    "outcome",
    "decided_utc",
    "decided_on",
    "note",
];

/// What a spreadsheet takes for UTF-8 begins with.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Saves the incidents that began in this time into a new file, oldest first; how many there are.
///
/// # Errors
///
/// [`TableError`]; the file is then taken away again.
pub async fn save(
    journal: &Journal,
    query: ReportQuery,
    camera_names: &BTreeMap<String, String>,
    zone: &TimeZone,
    path: &Path,
) -> Result<usize, TableError> {
    let rows = journal.incidents_of(query).await?;
    let (names, zone, out) = (camera_names.clone(), zone.clone(), path.to_owned());
    let saving = tokio::task::spawn_blocking(move || {
        saving::write_new(&out, |file| {
            let written = write(&rows, &names, &zone, file);
            written.map(|()| rows.len()).map_err(|error| NewFileError::of(&out, error).into())
        })
    });
    saving.await.unwrap_or_else(|error| Err(NewFileError::of(path, io::Error::other(error)).into()))
}

/// Where it was saved, for a person.
pub fn saved(incidents: usize, path: &Path) -> String {
    let key = if incidents == 1 { "table.saved.one" } else { "table.saved.other" };
    text(key, &[("n", &incidents.to_string()), ("path", &path.display().to_string())])
}

fn write(
    rows: &[Listed],
    camera_names: &BTreeMap<String, String>,
    zone: &TimeZone,
    file: &mut impl Write,
) -> io::Result<()> {
    file.write_all(MARK)?;
    let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
    table.write_record(COLUMNS)?;
    for row in rows {
        table.write_record(cells(row, camera_names, zone))?;
    }
    table.flush()
}

fn cells(row: &Listed, camera_names: &BTreeMap<String, String>, zone: &TimeZone) -> [String; 15] {
    let incident = &row.incident;
    let lasted = incident.last_at.duration_since(incident.first_at);
    let decided = incident.handling.decision();
    let of_decision = |words: String| decided.map(|_| words).unwrap_or_default();
    let severity = policy::assess(incident.kind, incident.top_score, incident.nth).severity;
    [
        incident.id.to_string(),
        utc(incident.first_at),
        incident.first_at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        lasted.as_secs().to_string(),
        safe(incident.shop.as_deref().unwrap_or_default()),
        safe(&policy::camera(incident, camera_names)),
        policy::kind(incident.kind),
        severity_word(severity),
        incident.alerts.to_string(),
        match incident.source {
            Source::Live => text("table.live", &[]),
            Source::History => text("table.caught_up", &[]),
        },
        decided.map(decision_word).unwrap_or_else(|| text("table.open", &[])),
        of_decision(incident.outcome.map(notes::outcome).unwrap_or_default()),
        of_decision(row.decided_at.map(utc).unwrap_or_default()),
        of_decision(text(if row.decided_here { "table.here" } else { "table.elsewhere" }, &[])),
        safe(row.note.as_deref().unwrap_or_default()),
    ]
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn severity_word(severity: Severity) -> String {
    let key = match severity {
        Severity::Low => "page.severity.low",
        Severity::Medium => "page.severity.medium",
        Severity::High => "page.severity.high",
    };
    text(key, &[])
}

fn decision_word(decision: Decision) -> String {
    let key = match decision {
        Decision::Acknowledged => "table.acknowledged",
        Decision::Resolved => "table.resolved",
        Decision::FalseAlarm => "table.false_alarm",
        Decision::Reopened => "table.open",
    };
    text(key, &[])
}

/// Hostile text that no spreadsheet takes for a formula: what begins like one begins with an apostrophe.
fn safe(told: &str) -> String {
    let plain = policy::plain_line(told);
    let formula = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    if plain.trim_start().starts_with(formula) { format!("'{plain}") } else { plain }
}

#[cfg(test)]
mod tests {
    use visionguard_proto::{Kind, StreamId};

    use super::*;
    use crate::model::{Disposition, Handling, IncidentId, IncidentRow};

    #[test]
    fn an_incident_is_a_row_with_its_times_in_both_zones() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let names = BTreeMap::from([("till".to_owned(), "Till; \"1\"".to_owned())]);

        let table = table(&[resolved("Gave the bag back, left.")], &names, &zone);

        assert!(table.starts_with("\u{feff}incident,began_utc,began_here,"), "{table}");
        let row = table.lines().nth(1).unwrap();
        assert_eq!(
            row,
            "7,2026-11-28T13:30:00Z,2026-11-28 14:30:00,38,North,\"Till; \"\"1\"\"\",Theft pattern,High,12,live,resolved,\
             Goods recovered,2026-11-28T13:31:15Z,this computer,\"Gave the bag back, left.\""
        );
        assert_eq!(table.matches("\r\n").count(), 2);
    }

    #[test]
    fn what_nobody_decided_on_has_no_decision_to_tell_of() {
        let of = |handling, decided_at, decided_here| Listed {
            incident: IncidentRow { handling, ..resolved("").incident },
            decided_at,
            decided_here,
            note: None,
        };
        let again = Handling::Reopened { here: true, sent: true, at: 0, undo_until: None };
        let rows = [of(Handling::Open, None, false), of(again, Some(Timestamp::UNIX_EPOCH), true)];

        let table = table(&rows, &BTreeMap::new(), &TimeZone::UTC);

        assert_eq!(table.matches(",live,not handled,,,,\r\n").count(), 2, "{table}");
    }

    #[test]
    fn a_stranger_s_words_are_no_formula_and_no_second_row() {
        for formula in ["=1+1", "+1", " -1", "@SUM(A1)", "\u{ff1d}1", "\t=1", "\u{202e}=1"] {
            let cell = safe(formula);
            assert!(cell.starts_with('\''), "{formula:?} became {cell:?}");
        }
        assert_eq!(safe("a\r\nb"), "a  b");

        let table = table(&[resolved("one\n=two\",three")], &BTreeMap::new(), &TimeZone::UTC);

        assert!(table.ends_with(",\"one =two\"\",three\"\r\n"), "{table}");
    }

    fn table(rows: &[Listed], names: &BTreeMap<String, String>, zone: &TimeZone) -> String {
        let mut bytes = Vec::new();
        write(rows, names, zone, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn resolved(note: &str) -> Listed {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let incident = IncidentRow {
            id: IncidentId(7),
            kind: Kind::Theft,
            stream_id: Some(StreamId::new("till").unwrap()),
            person_id: None,
            shop_id: None,
            shop: Some("North".to_owned()),
            location: None,
            text: None,
            first_at: at("2026-11-28T13:30:00Z"),
            last_at: at("2026-11-28T13:30:38Z"),
            alerts: 12,
            top_score: Some(3.5),
            nth: 3,
            cover: None,
            source: Source::Live,
            notified_at: None,
            seen_at: None,
            dismissed_at: None,
            handling: Handling::Recorded { decision: Decision::Resolved, here: true, at: 0 },
            outcome: Some(Disposition::GoodsRecovered),
            by: None,
            unopened: false,
            late: None,
        };
        let decided_at = Some(at("2026-11-28T13:31:15Z"));
        Listed { incident, decided_at, decided_here: true, note: Some(note.to_owned()) }
    }
}
