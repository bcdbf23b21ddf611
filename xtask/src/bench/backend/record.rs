//! The record of detections.

use std::time::Duration;

use serde_json::json;

use super::SHOP;
use super::message::{now, stream};

/// Between two rows.
const STEP: Duration = Duration::from_millis(30);
/// When the first of them was, before the record was made: so that a record of any size lies behind us, and not far.
const BACK: Duration = Duration::from_secs(2 * 3_600);

/// The rows, written before they are asked for, so that whoever reads them is not measured with whoever writes them.
#[derive(Debug)]
pub(super) struct Record {
    /// Oldest first.
    rows: Vec<String>,
    began: Duration,
}

impl Default for Record {
    fn default() -> Self {
        Self { rows: Vec::new(), began: now().saturating_sub(BACK) }
    }
}

impl Record {
    /// Adds detections until there are so many; the new ones are of so many people before so many cameras.
    pub(super) fn grow(&mut self, rows: usize, people: usize, cameras: usize) {
        for row in self.rows.len()..rows {
            let at = utc(self.began + STEP * u32::try_from(row).unwrap_or(u32::MAX));
            let person = row % people.max(1);
            self.rows.push(written(row, person, &at, &stream(person % cameras.max(1))));
        }
    }

    /// A page of it as JSON, newest first.
    pub(super) fn page(&self, limit: usize, offset: usize) -> String {
        let newest = self.rows.len().saturating_sub(offset);
        let rows: Vec<&str> =
            self.rows[newest.saturating_sub(limit)..newest].iter().rev().map(String::as_str).collect();
        format!("{{\"total\":{},\"anomalies\":[{}]}}", self.rows.len(), rows.join(","))
    }
}

fn written(row: usize, person: usize, at: &str, stream: &str) -> String {
    // A stream goes on: with it and the person, the frame names one detection and no other.
    let first = row + 1;
    json!({
        "id": format!("ae917a2c-baac-45a0-932d-{row:012x}"), "shop_id": SHOP, "timestamp": at,
        "location": format!("Stream {}", &stream[..8]), "severity": "low", "status": "pending",
        "description": format!("Anomalous behavior detected (Person ID: {person}, Confidence: Low)"),
        "image_url": format!("/api/anomalies/frames/{SHOP}/{row}.jpg"), "anomaly_type": "suspicious_behavior",
        "confidence_score": 3.5, "resolved_by": null, "resolved_at": null, "notes": null,
        "extra_data": {"bbox": null, "end_frame": first + 11, "person_id": person, "stream_id": stream,
                       "start_frame": first, "frame_number": first + 29, "classification": "Abnormal"},
        "created_at": at, "updated_at": at,
    })
    .to_string()
}

/// The row whose picture this is.
pub(super) fn number_of(path: &str) -> usize {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(".jpg").parse().unwrap_or(0)
}

/// A time since 1970 as Python's `isoformat` has it: UTC, without a zone.
pub(super) fn utc(at: Duration) -> String {
    let seconds = at.as_secs();
    let days = i64::try_from(seconds / 86_400).unwrap_or(0) + 719_468;
    // Years from March on, so that the leap day comes last.
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}", at.subsec_micros())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn times_are_written_as_the_original_writes_them() {
        let time = |seconds, micros: u32| utc(Duration::new(seconds, micros * 1_000));

        assert_eq!(time(0, 0), "1970-01-01T00:00:00.000000");
        assert_eq!(time(951_825_600, 5), "2000-02-29T12:00:00.000005");
        assert_eq!(time(1_795_303_801, 250_123), "2026-11-21T23:30:01.250123");
        assert_eq!(time(1_798_761_599, 0), "2026-12-31T23:59:59.000000");
    }

    #[test]
    fn a_page_is_the_newest_rows_and_the_last_page_is_short() {
        let mut record = Record::default();
        record.grow(5, 100, 2);

        let pages = [record.page(2, 0), record.page(2, 4), record.page(2, 6)];

        let pages = pages.map(|page| serde_json::from_str::<Value>(&page).unwrap());
        let persons = |page: &Value| -> Vec<u64> {
            let rows = page["anomalies"].as_array().unwrap();
            rows.iter().map(|row| row["extra_data"]["person_id"].as_u64().unwrap()).collect()
        };
        assert_eq!(pages[0]["total"], 5);
        assert_eq!(pages.each_ref().map(persons), [vec![4, 3], vec![0], vec![]]);
    }

    #[test]
    fn a_picture_s_path_names_its_row() {
        assert_eq!(number_of("/api/anomalies/frames/shop/17.jpg"), 17);
    }
}
