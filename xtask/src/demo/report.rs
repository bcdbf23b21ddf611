//! What a run without a screen saw, put together and judged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Everything seen so far. Times are milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What the server sent, and when.
    published: BTreeMap<String, i64>,
    /// What the server says the client has.
    acknowledged: BTreeSet<String>,
    /// What the client has on disk.
    received: BTreeMap<String, Received>,
    /// What the notification daemon was asked to show, seen on the bus.
    pub(super) popups: usize,
}

/// An alert as the client has it.
#[derive(Debug)]
struct Received {
    /// When the notification daemon took the notification that speaks of it.
    notified_at: Option<i64>,
    /// The incident that it belongs to: alerts of the same camera and person, which share one notification.
    incident: String,
}

impl Report {
    pub(super) fn published(&mut self, anomaly_id: String, at: &str) {
        if let Some(at) = milliseconds(at) {
            self.published.insert(anomaly_id, at);
        }
    }

    pub(super) fn acknowledged(&mut self, anomaly_id: String) {
        self.acknowledged.insert(anomaly_id);
    }

    /// Takes in what `visionguard alerts --json` printed, one object a line.
    pub(super) fn journal(&mut self, lines: &str) {
        for row in lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            if let Some(anomaly_id) = row["anomaly_id"].as_str() {
                let incident = row["incident"].as_str().unwrap_or(anomaly_id).to_owned();
                let received = Received { notified_at: row["notified_at"].as_i64(), incident };
                self.received.insert(anomaly_id.to_owned(), received);
            }
        }
    }

    pub(super) fn sent(&self) -> usize {
        self.published.len()
    }

    pub(super) fn received(&self) -> usize {
        self.published.keys().filter(|id| self.received.contains_key(*id)).count()
    }

    pub(super) fn notified(&self) -> usize {
        self.latencies().count()
    }

    pub(super) fn confirmed(&self) -> usize {
        self.published.keys().filter(|id| self.acknowledged.contains(*id)).count()
    }

    /// Whether all that was sent arrived, was shown and was acknowledged.
    pub(super) fn is_complete(&self, alerts: usize) -> bool {
        [self.sent(), self.received(), self.notified(), self.confirmed()].iter().all(|&count| count >= alerts)
            && self.popups > 0
    }

    /// From publish to popup in milliseconds, with the incident, in the order in which they were published.
    fn latencies(&self) -> impl Iterator<Item = (&str, i64)> {
        let mut published: Vec<_> = self.published.iter().collect();
        published.sort_by_key(|(_, at)| **at);
        published.into_iter().filter_map(|(id, at)| {
            let received = self.received.get(id)?;
            Some((received.incident.as_str(), received.notified_at? - at))
        })
    }

    pub(super) fn sentences(&self) -> Vec<String> {
        let mut known = BTreeSet::new();
        let (first, further): (Vec<_>, Vec<_>) =
            self.latencies().partition(|(incident, _)| known.insert(*incident));
        let mut first: Vec<i64> = first.into_iter().map(|(_, latency)| latency).collect();
        first.sort_unstable();

        let mut lines = vec![
            format!("alerts published by the server:    {}", self.sent()),
            format!("alerts received and stored:        {}", self.received()),
            format!("alerts notified:                   {}", self.notified()),
            format!("alerts acknowledged to the server: {}", self.confirmed()),
            format!("popups raised or updated:          {}", self.popups),
        ];
        if let (Some(median), Some(longest)) = (first.get(first.len() / 2), first.last()) {
            lines
                .push(format!("from publish to popup:             {median} ms median, {longest} ms at most"));
        }
        if let Some(longest) = further.iter().map(|(_, latency)| latency).max() {
            lines.push(format!(
                "more alerts of a known incident:   {}, in an update of its popup after {longest} ms at most",
                further.len()
            ));
        }
        lines
    }
}

/// Reads `2026-11-21T23:30:01.25Z` as milliseconds since 1970.
fn milliseconds(time: &str) -> Option<i64> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut clock = clock.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    let thousandths: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;

    // Days since 1970 in the proleptic Gregorian calendar, counted from March so that the leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 719_469;
    Some(((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000 + thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_complete_when_every_alert_was_stored_shown_and_acknowledged() {
        let mut report = Report::default();
        report.published("a".to_owned(), "2026-11-21T23:30:01.250Z");
        report.acknowledged("a".to_owned());
        report.popups = 1;
        assert!(!report.is_complete(1), "not yet stored");

        report.journal(r#"{"event":"alert","anomaly_id":"a","notified_at":null}"#);
        assert!(!report.is_complete(1), "not yet shown");

        report.journal(r#"{"event":"alert","anomaly_id":"a","notified_at":1795303801400}"#);
        assert!(report.is_complete(1));
        assert_eq!(report.latencies().collect::<Vec<_>>(), [("a", 150)]);
    }

    #[test]
    fn only_an_incident_s_first_alert_counts_for_the_time_to_the_popup() {
        let mut report = Report::default();
        report.published("b".to_owned(), "1970-01-01T00:00:00Z");
        report.published("a".to_owned(), "1970-01-01T00:00:01Z");
        report.journal(
            "{\"anomaly_id\":\"b\",\"incident\":\"1\",\"notified_at\":90}\n{\"anomaly_id\":\"a\",\"incident\":\"1\",\"notified_at\":9000}",
        );

        let sentences = report.sentences();

        assert!(sentences[5].contains("90 ms median, 90 ms at most"), "{sentences:?}");
        assert!(sentences[6].contains("1, in an update of its popup after 8000 ms"), "{sentences:?}");
    }

    #[test]
    fn times_are_read_to_the_millisecond() {
        assert_eq!(milliseconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(milliseconds("2000-02-29T12:00:00.5Z"), Some(951_825_600_500));
        assert_eq!(milliseconds("2026-11-21T23:30:01.250123Z"), Some(1_795_303_801_250));
        assert_eq!(milliseconds("yesterday"), None);
    }
}
