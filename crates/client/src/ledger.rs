//! The loss ledger: from what the journal knows of each alert to the figures of a time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{AlertId, GapRow, IncidentId, IncidentRow, OutageRow, Severity, Source, Why};
use crate::policy;
use crate::view::{Gap, LedgerEntry, Outage, Report, ReportQuery, Spread};
use crate::words::text;

mod activity;

pub(crate) use activity::{Cases, Happened};

/// Everything that is known of a time.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) delays: Delays,
    pub(crate) incidents: u32,
    /// Newest first.
    pub(crate) lines: Vec<Line>,
    /// Oldest first.
    pub(crate) outages: Vec<OutageRow>,
    pub(crate) gaps: Vec<GapRow>,
    pub(crate) lost: u32,
    /// Passed and failed.
    pub(crate) drills: (u32, u32),
    /// Alerts that were in the record before this computer first read it, and when it did.
    pub(crate) early: (u32, Option<Timestamp>),
    pub(crate) cases: Cases,
}

/// How many alerts came in which way, and how long each took, in microseconds.
#[derive(Debug, Default)]
pub(crate) struct Delays {
    live: u32,
    caught_up: u32,
    to_popup: Vec<i64>,
    to_action: Vec<i64>,
}

/// One alert with its steps, by our clock but for `detected_at`.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) alert: AlertId,
    pub(crate) incident: IncidentId,
    pub(crate) of: Option<IncidentRow>,
    pub(crate) source: Source,
    pub(crate) detected_at: Option<Timestamp>,
    pub(crate) detected_here: Option<Timestamp>,
    pub(crate) received_at: Timestamp,
    pub(crate) stored_at: Timestamp,
    pub(crate) notified_at: Option<Timestamp>,
    pub(crate) seen_at: Option<Timestamp>,
    pub(crate) acted_at: Option<Timestamp>,
}

impl Delays {
    /// One more alert; what is not known is left out.
    pub(crate) fn add(&mut self, source: Source, to_popup: Option<i64>, to_action: Option<i64>) {
        match source {
            Source::Live => self.live += 1,
            Source::History => self.caught_up += 1,
        }
        self.to_popup.extend(to_popup);
        self.to_action.extend(to_action);
    }
}

impl Ledger {
    /// The figures; an outage that goes on counts until `now`.
    pub(crate) fn report(
        self,
        query: ReportQuery,
        now: Timestamp,
        camera_names: &BTreeMap<String, String>,
        zone: &TimeZone,
    ) -> Report {
        let offline_ms = offline(&self.outages, query, now.as_millisecond());
        let activity = self.cases.activity(query, camera_names, zone);
        Report {
            from: query.from,
            to: query.to,
            alerts: self.delays.live + self.delays.caught_up,
            unmeasured: self.early.0,
            measured_since: self.early.1.map(Timestamp::as_millisecond),
            incidents: self.incidents,
            live: self.delays.live,
            caught_up: self.delays.caught_up,
            lost: self.lost,
            gaps: self.gaps.iter().map(|row| gap(row, zone)).collect(),
            to_popup: spread(self.delays.to_popup),
            to_action: spread(self.delays.to_action),
            outages: self.outages.iter().map(|row| outage(row, zone)).collect(),
            offline_ms,
            drills_passed: self.drills.0,
            drills_failed: self.drills.1,
            activity,
            entries: self.lines.into_iter().map(|line| line.view(camera_names)).collect(),
        }
    }
}

/// A time of the page's, within what can be told of.
pub(crate) fn timestamp(milliseconds: i64) -> Timestamp {
    let beyond = if milliseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(milliseconds).unwrap_or(beyond)
}

/// The nearest rank: the smallest value that as large a part as asked for does not exceed.
fn spread(mut microseconds: Vec<i64>) -> Spread {
    microseconds.sort_unstable();
    let rank = |percent: usize| {
        let nth = (microseconds.len() * percent).div_ceil(100);
        microseconds.get(nth.checked_sub(1)?).map(|value| value / 1_000)
    };
    Spread {
        count: u32::try_from(microseconds.len()).unwrap_or(u32::MAX),
        median_ms: rank(50),
        p95_ms: rank(95),
    }
}

/// How much of the time lies within an outage; what two of them cover counts once.
pub(crate) fn offline(outages: &[OutageRow], query: ReportQuery, now: i64) -> i64 {
    let mut covered_to = query.from;
    let mut sum = 0;
    for outage in outages {
        let from = outage.from.as_millisecond().max(covered_to);
        let to = outage.to.map_or(now, Timestamp::as_millisecond).min(query.to);
        if to > from {
            sum += to - from;
            covered_to = to;
        }
    }
    sum
}

impl Line {
    fn view(self, camera_names: &BTreeMap<String, String>) -> LedgerEntry {
        let incident = self.of.as_ref();
        let millisecond = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
        LedgerEntry {
            alert: self.alert.to_string(),
            incident: self.incident.to_string(),
            camera: incident.map(|row| policy::camera(row, camera_names)).unwrap_or_default(),
            severity: incident
                .map_or(Severity::Low, |row| policy::assess(row.kind, row.top_score, row.nth).severity),
            source: self.source,
            detected_at: millisecond(self.detected_at),
            detected_here: millisecond(self.detected_here),
            received_at: self.received_at.as_millisecond(),
            stored_at: self.stored_at.as_millisecond(),
            notified_at: millisecond(self.notified_at),
            seen_at: millisecond(self.seen_at),
            acted_at: millisecond(self.acted_at),
        }
    }
}

fn gap(gap: &GapRow, zone: &TimeZone) -> Gap {
    Gap {
        from: gap.from.map(Timestamp::as_millisecond),
        to: gap.to.as_millisecond(),
        filled: gap.filled_at.is_some(),
        sentence: gap_sentence(gap, zone),
    }
}

/// For the page, in a sentence.
pub(crate) fn gap_sentence(gap: &GapRow, zone: &TimeZone) -> String {
    let (from, to) = (gap.from.map(|at| clock(at, zone)), clock(gap.to, zone));
    let rows = match gap.why {
        Why::FewerRows(rows) => rows.to_string(),
        Why::LogBroke | Why::ForGood | Why::RowNotSent | Why::RecordUnread => String::new(),
    };
    let key = match (gap.why, &from, gap.filled_at) {
        (Why::FewerRows(1), ..) => "notice.gap_fewer_one",
        (Why::FewerRows(_), ..) => "notice.gap_fewer",
        (Why::RowNotSent, Some(_), _) => "notice.gap_not_sent",
        (Why::RowNotSent, None, _) => "notice.gap_not_sent_before",
        (Why::RecordUnread, ..) => "notice.gap_unread",
        (Why::ForGood, Some(_), None) => "notice.gap_stays",
        (Why::ForGood, None, None) => "notice.gap_stays_before",
        (Why::LogBroke, Some(_), None) => "notice.gap_open",
        (Why::LogBroke, None, None) => "notice.gap_open_before",
        (Why::ForGood | Why::LogBroke, Some(_), Some(_)) => "notice.gap_filled",
        (Why::ForGood | Why::LogBroke, None, Some(_)) => "notice.gap_filled_before",
    };
    text(key, &[("from", from.as_deref().unwrap_or_default()), ("to", &to), ("n", &rows)])
}

fn outage(outage: &OutageRow, zone: &TimeZone) -> Outage {
    Outage {
        from: outage.from.as_millisecond(),
        to: outage.to.map(Timestamp::as_millisecond),
        cause: outage.cause.clone(),
        sentence: outage_sentence(outage, zone),
        caught_up: outage.caught_up,
    }
}

/// What a person reads of it.
pub(crate) fn outage_sentence(outage: &OutageRow, zone: &TimeZone) -> String {
    let from = clock(outage.from, zone);
    let why = why(&outage.cause)
        .map_or_else(String::new, |why| text("notice.outage_why", &[("why", &text(why, &[]))]));
    let Some(to) = outage.to.map(|at| clock(at, zone)) else {
        return text("notice.outage_now", &[("from", &from), ("why", &why)]);
    };
    let caught_up = outage.caught_up.to_string();
    let key = match outage.caught_up {
        0 if outage.cut_short => "notice.outage_cut",
        0 => "notice.outage_none",
        1 => "notice.outage_one",
        _ => "notice.outage_many",
    };
    text(key, &[("from", &from), ("to", &to), ("n", &caught_up), ("why", &why)])
}

/// The words for what began an outage; none where the code tells nothing that a person could use.
fn why(cause: &str) -> Option<&'static str> {
    Some(match cause {
        "silent" => "notice.why_silent",
        "timed_out" => "notice.why_timed_out",
        "refused" => "notice.why_refused",
        "name_unknown" => "notice.why_name_unknown",
        "no_network" => "notice.why_no_network",
        "lost" => "notice.why_lost",
        "stalled" => "notice.why_stalled",
        "garbled" => "notice.why_garbled",
        "restarting" => "notice.why_restarting",
        "busy" => "notice.why_busy",
        "closed" => "notice.why_closed",
        "checking_sign_in" | "token_expired" => "notice.why_sign_in",
        "wrong_address" => "notice.why_wrong_address",
        "server_error" => "notice.why_server_error",
        "portal" => "notice.why_portal",
        "tls" => "notice.why_tls",
        "tls_wanted" => "notice.why_tls_wanted",
        "no_tls" => "notice.why_no_tls",
        "certificate_wanted" => "notice.why_certificate_wanted",
        "password_wanted" | "turned_away" => "notice.why_turned_away",
        "too_long" => "notice.why_too_long",
        "unanswered" => "notice.why_timed_out",
        "gateway" => "notice.why_gateway",
        "proxy_unreachable" | "proxy_password" | "proxy_failed" | "proxy_refused" | "proxy_silent" => {
            "notice.why_proxy"
        }
        "asleep" => "notice.why_asleep",
        _ => return None,
    })
}

/// The time of day.
fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string()
}
