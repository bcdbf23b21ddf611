//! `report`: what became of every alert of some days, also while another program owns the journal.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::journal::Journal;
use visionguard_client::model::Source;
use visionguard_client::session_file;
use visionguard_client::spreadsheet::{self, TableError};
use visionguard_client::view::{
    Activity, Gap, LedgerEntry, Part, Report, ReportQuery, Spread, Standing, Status,
};
use visionguard_client::words::text;

use crate::args;
use crate::exit::{Exit, Failure};
use crate::lines::{columns, date_and_clock, severity_word};
use crate::out;
use crate::place::Place;
use crate::stored;
use visionguard_client::doctor;

/// Days that a report is about if none are named, the last of them today.
const DAYS: i64 = 7;
/// Alerts listed for people; a program gets more.
const LISTED: usize = 20;

/// Prints it; whether an alert is missing, or may be, is the exit status.
pub async fn run(options: &args::Report) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let (zone, now) = (TimeZone::system(), SystemClock.wall());
    let query = query(options.from, options.to, now, &zone)?;
    let stored = stored::open(&place).await?;
    let journal = match stored.journal {
        Some(journal) => journal,
        None => Journal::in_memory()?,
    };
    let names = &place.settings.view.camera_names;
    if let Some(path) = &options.csv {
        let incidents = spreadsheet::save(&journal, query, names, &zone, path).await.map_err(unsaved)?;
        return out::ended(out::line(&spreadsheet::saved(incidents, path)));
    }
    let mut report = journal.report(query, now, names).await?;
    let running = stored.standing;
    let standing = running.as_ref().filter(|_| query.to > now.as_millisecond());
    let compared_at = journal.compared_at().await?;
    // What the journal has compared since is here, wherever the newest are.
    let missing = stored.missing.filter(|_| !was_compared(query, compared_at));
    report.gaps.extend(not_here_yet(missing, standing, now));
    let compared = is_compared(query, compared_at, standing);
    let told = Told { report: &report, compared };

    let saved = || session_file::load(&place.data_dir).map(|saved| saved.server);
    let server = running.as_ref().and_then(|standing| standing.server.clone()).or_else(saved);
    let limit = doctor::idle_limit(&place.data_dir, running.as_ref(), server.as_deref()).await;
    let cut = limit
        .map(|limit| format!("cut on the way after {} s, so VisionGuard speaks more often", limit.as_secs()));
    let written = match options.json {
        true => out::json(&told),
        false => lines(&told, cut.as_deref(), &zone).iter().try_for_each(|line| out::line(line)),
    };
    let exit = out::ended(written)?;
    Ok(if exit == Exit::Done && is_missing(&told) { Exit::Wrong } else { exit })
}

fn unsaved(error: TableError) -> Failure {
    match error {
        TableError::File(error) => error.into(),
        TableError::Journal(error) => error.into(),
    }
}

/// The report, and whether it can say that nothing is missing.
#[derive(Debug, Clone, Copy, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// The record was compared to its end since, or is so all the time.
    compared: bool,
}

/// Whether the record was compared after the time that the report is about; while that goes on, the running program says so.
fn is_compared(query: ReportQuery, compared_at: Option<Timestamp>, standing: Option<&Standing>) -> bool {
    standing.is_some_and(|standing| standing.status.status == Status::Protected)
        || was_compared(query, compared_at)
}

/// The same by the journal alone.
fn was_compared(query: ReportQuery, compared_at: Option<Timestamp>) -> bool {
    compared_at.is_some_and(|at| at.as_millisecond() >= query.to)
}

/// What the journal that is read cannot know: alerts that are not in it, a record that the running program cannot read.
fn not_here_yet(missing: Option<String>, standing: Option<&Standing>, now: Timestamp) -> Option<Gap> {
    let unread = standing.filter(|standing| standing.status.reason == "record_unread");
    let sentence = missing.or_else(|| unread.map(|standing| standing.status.sentence.clone()))?;
    Some(Gap { from: None, to: now.as_millisecond(), filled: false, sentence })
}

/// From the first day's beginning to the last day's end.
fn query(
    from: Option<Date>,
    to: Option<Date>,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<ReportQuery, Failure> {
    let last = to.unwrap_or_else(|| now.to_zoned_datetime(zone.clone()).date());
    let first = match from {
        Some(from) => from,
        None => last.checked_sub((DAYS - 1).days()).map_err(|_| out_of_reach())?,
    };
    if first > last {
        return Err(Failure::new(Exit::Usage, format!("{first} is after {last}.")));
    }
    let begin =
        |day: Date| day.to_zoned_datetime(zone.clone()).map(|begin| begin.timestamp().as_millisecond());
    let end = last.tomorrow().and_then(begin).map_err(|_| out_of_reach())?;
    Ok(ReportQuery { from: begin(first).map_err(|_| out_of_reach())?, to: end })
}

fn out_of_reach() -> Failure {
    Failure::new(Exit::Usage, "There is no report about such a day.")
}

fn is_missing(told: &Told<'_>) -> bool {
    !told.compared || told.report.lost > 0 || told.report.gaps.iter().any(|gap| !gap.filled)
}

/// The report for people.
fn lines(told: &Told<'_>, cut: Option<&str>, zone: &TimeZone) -> Vec<String> {
    let report = told.report;
    let day = |at: i64| date_and_clock(at, zone).chars().take(10).collect::<String>();
    let mut lines = vec![format!("{} to {}", day(report.from), day(report.to - 1)), String::new()];
    let grouped = format!("in {} incident{}", report.incidents, if report.incidents == 1 { "" } else { "s" });
    let counted =
        format!("{} {grouped} ({} live, {} caught up on)", report.alerts, report.live, report.caught_up);
    if report.activity.total.incidents > 0 {
        lines.extend(happened(&report.activity));
        lines.push(String::new());
        lines.push("Delivery".to_owned());
    }
    lines.extend(columns(&[
        ["Alerts", &counted],
        ["Lost", &lost(told)],
        ["To the popup", &spread(report.to_popup)],
        ["To the decision", &spread(report.to_action)],
        ["No connection", &offline(report)],
        ["Tests of the path", &format!("{} passed, {} failed", report.drills_passed, report.drills_failed)],
    ]));
    if let Some(unmeasured) = unmeasured(report, zone) {
        lines.extend(columns(&[["Not measured", &unmeasured]]));
    }
    if let Some(cut) = cut {
        lines.extend(columns(&[["Silent connections", cut]]));
    }
    if !report.outages.is_empty() || !report.gaps.is_empty() {
        lines.push(String::new());
        lines.extend(report.gaps.iter().map(|gap| format!("{}  {}", day(gap.to), gap.sentence)));
        lines
            .extend(report.outages.iter().map(|outage| format!("{}  {}", day(outage.from), outage.sentence)));
    }
    if !report.entries.is_empty() {
        lines.push(String::new());
        lines.extend(newest(&report.entries, zone));
    }
    lines
}

/// What happened in the shops.
fn happened(activity: &Activity) -> Vec<String> {
    let Activity { total, cameras, stores, hours, .. } = activity;
    let mut lines = vec!["The shop".to_owned()];
    let incidents = match stores.iter().filter(|store| store.id.is_some()).count() {
        0 | 1 => total.incidents.to_string(),
        stores => format!("{} in {stores} stores", total.incidents),
    };
    let false_alarms = match total.false_alarm_percent() {
        None => "nothing was decided on yet".to_owned(),
        Some(percent) => {
            format!(
                "{} of {} that were decided on ({percent} %)",
                total.false_alarms,
                total.incidents - total.open
            )
        }
    };
    lines.extend(columns(&[
        ["Incidents", &incidents],
        ["Not handled", &total.open.to_string()],
        ["False alarms", &false_alarms],
        ["To the decision", &within(total.to_decision, "incident")],
        ["Busiest hours", &busiest(hours)],
    ]));
    for (what, parts) in [("store", stores), ("camera", cameras)] {
        if what == "camera" || parts.len() > 1 {
            lines.push(String::new());
            lines.extend(parted(what, parts));
        }
    }
    lines
}

/// The three hours with the most.
fn busiest(hours: &[u32]) -> String {
    let mut hours: Vec<(usize, u32)> = hours.iter().copied().enumerate().filter(|(_, n)| *n > 0).collect();
    hours.sort_by_key(|(hour, incidents)| (std::cmp::Reverse(*incidents), *hour));
    let said = hours.iter().take(3).map(|(hour, incidents)| format!("{hour:02}:00 ({incidents})"));
    said.collect::<Vec<_>>().join(", ")
}

/// A line a camera, or a store.
fn parted(what: &str, parts: &[Part]) -> Vec<String> {
    let heads = ["incidents", "not handled", "acknowledged", "resolved", "false alarms", "decided within"];
    let [incidents, open, acknowledged, resolved, false_alarms, within] = heads.map(str::to_owned);
    let mut rows = vec![[what.to_owned(), incidents, open, acknowledged, resolved, false_alarms, within]];
    for Part { name, store, tally, .. } in parts.iter().take(LISTED) {
        let name = match store {
            _ if name.is_empty() => "(no store)".to_owned(),
            Some(store) => format!("{store}, {name}"),
            None => name.clone(),
        };
        rows.push([
            name,
            tally.incidents.to_string(),
            tally.open.to_string(),
            tally.acknowledged.to_string(),
            tally.resolved.to_string(),
            tally.false_alarms.to_string(),
            tally.to_decision.median_ms.map(time).unwrap_or_default(),
        ]);
    }
    let mut lines = columns(&rows);
    if let Some(more) = parts.len().checked_sub(LISTED).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// What is listed and not in these figures.
fn unmeasured(report: &Report, zone: &TimeZone) -> Option<String> {
    let since = date_and_clock(report.measured_since?, zone);
    (report.unmeasured > 0)
        .then(|| format!("{} older alerts, in the record before {since}", report.unmeasured))
}

fn lost(told: &Told<'_>) -> String {
    let lost = told.report.lost;
    match told.report.gaps.iter().any(|gap| !gap.filled) {
        true => format!("{lost}, and more may be missing"),
        false if !told.compared => text("report.pending", &[("n", &lost.to_string())]),
        false => lost.to_string(),
    }
}

fn offline(report: &Report) -> String {
    match report.outages.len() {
        0 => "never".to_owned(),
        1 => format!("once, {}", time(report.offline_ms)),
        times => format!("{times} times, {} in all", time(report.offline_ms)),
    }
}

fn spread(spread: Spread) -> String {
    within(spread, "alert")
}

fn within(spread: Spread, of: &str) -> String {
    let (Some(median), Some(most)) = (spread.median_ms, spread.p95_ms) else { return "none".to_owned() };
    let many = if spread.count == 1 { "" } else { "s" };
    format!("half within {}, 95 of 100 within {} ({} {of}{many})", time(median), time(most), spread.count)
}

fn newest(entries: &[LedgerEntry], zone: &TimeZone) -> Vec<String> {
    let mut rows = vec![
        ["#", "detected", "received", "severity", "camera", "came", "popup", "seen", "decided"]
            .map(str::to_owned),
    ];
    for entry in entries.iter().take(LISTED) {
        let after = |at: Option<i64>| at.map_or_else(String::new, |at| time((at - entry.received_at).max(0)));
        rows.push([
            entry.alert.clone(),
            entry.detected_here.or(entry.detected_at).map_or_else(String::new, |at| date_and_clock(at, zone)),
            date_and_clock(entry.received_at, zone),
            severity_word(entry.severity).to_owned(),
            entry.camera.clone(),
            match entry.source {
                Source::Live => "live".to_owned(),
                Source::History => "caught up".to_owned(),
            },
            after(entry.notified_at),
            after(entry.seen_at),
            after(entry.acted_at),
        ]);
    }
    columns(&rows)
}

/// A length of time as one would say it, in at most two units.
fn time(milliseconds: i64) -> String {
    let length = SignedDuration::from_millis(milliseconds);
    let (seconds, minutes, hours) = (length.as_secs(), length.as_mins(), length.as_hours());
    match seconds {
        ..10 => format!("{}.{} s", seconds, milliseconds % 1_000 / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min {} s", seconds % 60),
        3_600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use visionguard_client::model::Severity;
    use visionguard_client::view::{Counts, Tally};

    use super::*;

    #[test]
    fn without_days_it_is_about_the_last_seven_and_a_day_has_its_own_length() {
        let zone = TimeZone::get("Europe/Vienna").expect("a zone");
        let now = "2026-10-25T12:00:00Z".parse().expect("a time");

        let week = query(None, None, now, &zone).expect("a week");
        let one_day = query(Some(date("2026-10-25")), Some(date("2026-10-25")), now, &zone).expect("a day");

        let ends =
            [week.from, week.to].map(|at| Timestamp::from_millisecond(at).expect("a time").to_string());
        assert_eq!(ends, ["2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z"]);
        assert_eq!(one_day.to - one_day.from, 25 * 3_600_000);
    }

    #[test]
    fn days_in_the_wrong_order_are_not_understood() {
        let refused =
            query(Some(date("2026-10-25")), Some(date("2026-10-24")), Timestamp::now(), &TimeZone::UTC);

        assert_eq!(refused.expect_err("a refusal").exit, Exit::Usage);
    }

    #[test]
    fn a_gap_that_stands_is_something_wrong_and_a_filled_one_is_not() {
        let gap = |filled| Gap { from: None, to: 0, filled, sentence: String::new() };

        let is_missing = |report: &Report| is_missing(&Told { report, compared: true });
        assert!(is_missing(&Report { gaps: vec![gap(true), gap(false)], ..nothing() }));
        assert!(is_missing(&Report { lost: 1, ..nothing() }));
        assert!(!is_missing(&Report { gaps: vec![gap(true)], ..nothing() }));
    }

    #[test]
    fn what_was_not_compared_since_may_be_missing() {
        let query = ReportQuery { from: 0, to: 86_400_000 };
        let at = |milliseconds| Some(Timestamp::from_millisecond(milliseconds).expect("a time"));

        let report = Report { lost: 2, ..nothing() };
        let pending = Told { report: &report, compared: false };

        assert!(!is_compared(query, None, None), "never");
        assert!(!is_compared(query, at(86_399_999), None), "before its end");
        assert!(is_compared(query, at(86_400_000), None));
        assert!(is_compared(query, None, Some(&standing("protected", "protected"))));
        assert!(!is_compared(query, None, Some(&standing("catching_up", "catching_up"))));
        assert!(is_missing(&Told { report: &nothing(), compared: false }));
        assert!(
            lost(&pending).starts_with("2 known. The newest alerts are not compared"),
            "{}",
            lost(&pending)
        );
    }

    #[test]
    fn what_is_elsewhere_or_could_not_be_read_may_be_missing() {
        let said = |missing: Option<&str>, reason: &str| {
            let standing = standing("protected", reason);
            let gap = not_here_yet(missing.map(str::to_owned), Some(&standing), Timestamp::UNIX_EPOCH);
            gap.map(|gap| gap.sentence)
        };

        assert_eq!(said(Some("The disk is full."), "protected").as_deref(), Some("The disk is full."));
        assert_eq!(said(None, "record_unread").as_deref(), Some("It cannot be read."));
        assert_eq!(said(None, "protected"), None);
    }

    #[test]
    fn lengths_are_said_in_two_units() {
        let said = [-1, 340, 12_000, 75_000, 4_380_000, 90_000_000].map(time);

        assert_eq!(said, ["0.0 s", "0.3 s", "12 s", "1 min 15 s", "1 h 13 min", "1 d 1 h"]);
    }

    #[test]
    fn people_read_what_happened_and_how_fast() {
        let spread = Spread { count: 3, median_ms: Some(400), p95_ms: Some(61_000) };
        let report = Report { alerts: 3, incidents: 2, live: 2, caught_up: 1, to_popup: spread, ..nothing() };

        let text = lines(&Told { report: &report, compared: true }, None, &TimeZone::UTC).join("\n");

        assert!(text.starts_with("2026-11-15 to 2026-11-21\n"), "{text}");
        assert!(text.contains("3 in 2 incidents (2 live, 1 caught up on)"), "{text}");
        assert!(text.contains("half within 0.4 s, 95 of 100 within 1 min 1 s (3 alerts)"), "{text}");
        assert!(super::spread(Spread { count: 1, ..spread }).ends_with("(1 alert)"));
    }

    #[test]
    fn people_read_what_happened_in_the_shop_before_how_it_was_delivered() {
        let tally = |incidents, open, false_alarms| Tally {
            incidents,
            open,
            false_alarms,
            acknowledged: incidents - open - false_alarms,
            to_decision: Spread { count: 1, median_ms: Some(75_000), p95_ms: Some(75_000) },
            ..Tally::default()
        };
        let part = |id: &str, store: Option<&str>, tally| Part {
            id: Some(id.to_owned()),
            name: format!("Name of {id}"),
            store: store.map(str::to_owned),
            tally,
        };
        let mut hours = vec![0; 24];
        (hours[17], hours[9]) = (3, 1);
        let activity = Activity {
            total: tally(4, 1, 2),
            cameras: vec![part("till", Some("North"), tally(3, 0, 2)), part("door", None, tally(1, 1, 0))],
            stores: vec![part("n", None, tally(3, 0, 2)), part("s", None, tally(1, 1, 0))],
            hours,
            days: Vec::new(),
        };
        let report = Report { activity, unmeasured: 7, measured_since: Some(1_763_251_200_000), ..nothing() };

        let text = lines(&Told { report: &report, compared: true }, None, &TimeZone::UTC).join("\n");

        for said in [
            "4 in 2 stores",
            "2 of 3 that were decided on (67 %)",
            "17:00 (3), 09:00 (1)",
            "North, Name of till  3          0            1             0         2             1 min 15 s",
            "7 older alerts, in the record before 2025-11-16 00:00",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
        assert!(text.find("The shop") < text.find("Delivery"), "{text}");
    }

    #[test]
    fn each_alert_is_told_with_its_detection_by_this_computer_s_clock() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time").as_millisecond();
        let entry = LedgerEntry {
            alert: "7".to_owned(),
            incident: "3".to_owned(),
            camera: "Door".to_owned(),
            severity: Severity::Low,
            source: Source::History,
            detected_at: Some(at("2026-11-20T10:10:00Z")),
            detected_here: Some(at("2026-11-20T10:00:00Z")),
            received_at: at("2026-11-20T10:02:00Z"),
            stored_at: at("2026-11-20T10:02:00Z"),
            notified_at: None,
            seen_at: None,
            acted_at: None,
        };
        let row = |entry: LedgerEntry| newest(&[entry], &TimeZone::UTC).remove(1);

        assert_eq!(row(entry.clone()), "7  2026-11-20 10:00  2026-11-20 10:02  Low       Door    caught up");
        let unknown = LedgerEntry { detected_here: None, ..entry.clone() };
        assert!(row(unknown).starts_with("7  2026-11-20 10:10  2026-11-20 10:02  "));
        let nothing = LedgerEntry { detected_here: None, detected_at: None, ..entry };
        assert!(row(nothing).starts_with("7            2026-11-20 10:02  "));
    }

    fn standing(status: &str, reason: &str) -> Standing {
        serde_json::from_value(serde_json::json!({
            "status": {
                "status": status, "reason": reason, "sentence": "It cannot be read.", "since": 0,
                "heard_at": null, "next_attempt_at": null, "record_every": null, "remedy": null,
            },
            "server": null, "user_id": null, "email": null, "counts": Counts::default(),
            "notices": [],
        }))
        .expect("a standing")
    }

    fn nothing() -> Report {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time").as_millisecond();
        Report {
            from: at("2026-11-15T00:00:00Z"),
            to: at("2026-11-22T00:00:00Z"),
            alerts: 0,
            incidents: 0,
            live: 0,
            caught_up: 0,
            lost: 0,
            gaps: Vec::new(),
            to_popup: Spread::default(),
            to_action: Spread::default(),
            outages: Vec::new(),
            offline_ms: 0,
            drills_passed: 0,
            drills_failed: 0,
            unmeasured: 0,
            measured_since: None,
            activity: Activity::default(),
            entries: Vec::new(),
        }
    }

    fn date(text: &str) -> Date {
        text.parse().expect("a date")
    }
}
