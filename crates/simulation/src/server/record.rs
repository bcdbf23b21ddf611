//! What the server has on record: detections, and what was decided about them.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::tokens::User;
use crate::world::right_time;

/// From the first frame of a detection to the one at which it was made.
const LATEST_FRAME: u64 = 29;
/// The owner's shops.
pub const SHOPS: [&str; 2] = ["48ec0888-5ce9-4367-84e7-0a893534e000", "5b0dd6b2-79c5-452f-90e7-eccaee509f3b"];

/// What a camera saw: drawn once, told in several ways.
#[derive(Debug, Clone)]
pub struct Detection {
    /// Its number, which is also its frame's.
    pub number: u64,
    /// Which shop.
    pub shop: usize,
    /// Which camera.
    pub stream: String,
    /// Which person, as the camera counts them.
    pub person: i64,
    /// The model's score.
    pub score: f64,
    /// An intrusion at night: told by a notice alone.
    pub intrusion: bool,
    /// Its score is not a number, in the message.
    pub broken_number: bool,
    /// The database did not take it: a message, and neither notice nor row.
    pub unrecorded: bool,
    /// The notice that should follow the message is lost.
    pub no_notice: bool,
    /// Another user's camera: on record, but told to nobody here.
    pub elsewhere: bool,
}

/// A detection on record.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was seen.
    pub detection: Detection,
    /// When, by the server's clock.
    pub at: Timestamp,
    /// When it was written.
    pub written_at: Duration,
    /// What was decided.
    pub status: String,
    /// Why, or by whom.
    pub notes: Option<String>,
    /// When it was last changed, by the server's clock.
    pub updated_at: Timestamp,
    /// Who changed the status, in order: us, or somebody else.
    pub changes: Vec<Change>,
}

/// A change of a row's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// From what.
    pub from: String,
    /// To what.
    pub to: String,
    /// By this desktop.
    pub ours: bool,
    /// When.
    pub at: Duration,
}

/// The server's database.
#[derive(Debug, Default)]
pub struct Record {
    /// By their ids; numbers within are the detections'.
    pub rows: BTreeMap<String, Row>,
    /// How wrong the server's clock is.
    pub clock_error: SignedDuration,
}

impl Detection {
    /// Its id on record.
    pub fn id(&self) -> String {
        format!(
            "{:08x}-79c5-452f-90e7-{:012x}",
            self.number.wrapping_mul(0x9E37_79B1) & 0xffff_ffff,
            self.number
        )
    }

    /// The number of the detection with this id.
    pub fn number_of(id: &str) -> Option<u64> {
        u64::from_str_radix(id.rsplit('-').next()?, 16).ok()
    }

    /// The number of the detection that was made at this frame.
    pub fn number_at(frame: u64) -> Option<u64> {
        frame.checked_sub(LATEST_FRAME)
    }

    /// The number of the detection that a message on the socket brings with its picture.
    pub fn number_in(message: &[u8]) -> Option<u64> {
        const BEFORE: &[u8] = b"\"start_frame\":";
        let at = message.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
        let digits = message[at..].iter().take_while(|byte| byte.is_ascii_digit());
        Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    /// `anomaly_detected`, without what only our own server adds.
    pub fn message(&self) -> Value {
        json!({
            "type": "anomaly_detected",
            "user_id": User::Owner.id(),
            "stream_id": self.stream,
            "result": {
                "sequence_id": 0,
                "person_id": self.person,
                "start_frame": self.number,
                "end_frame": self.number + 11,
                "score": -self.score,
                "is_abnormal": true,
                "classification": "Abnormal",
                "confidence": "Low",
                "frame_number": self.number + LATEST_FRAME,
                "stream_id": self.stream,
            },
            "annotated_frame": BASE64.encode(picture()),
            "frame_format": "jpeg",
        })
    }

    /// The `notification` that speaks of it.
    pub fn notice(&self, at: Timestamp) -> Value {
        let id = self.id();
        let (title, kind, priority) = match self.intrusion {
            true => ("OWL EYE ALERT", "owl_eye", "high"),
            false => ("Alert", "alert", "low"),
        };
        let mut metadata = json!({
            "anomaly_id": id,
            "shop_id": SHOPS[self.shop],
            "stream_id": self.stream,
        });
        if !self.intrusion {
            metadata["person_id"] = json!(self.person);
        }
        json!({"type": "notification", "data": {
            "notification_id": id,
            "title": title,
            "message": format!("Anomalous behavior detected (Person ID: {})", self.person),
            "priority": priority,
            "type": kind,
            "timestamp": naive(at),
            "metadata": metadata,
            "action_url": format!("/suspicious-activity?anomaly_id={id}"),
        }})
    }
}

impl Row {
    /// As the API shows it.
    pub fn json(&self) -> Value {
        let detection = &self.detection;
        let number = |number: u64| if detection.intrusion { Value::Null } else { json!(number) };
        json!({
            "id": detection.id(),
            "shop_id": SHOPS[detection.shop],
            "timestamp": naive(self.at),
            "location": format!("Stream {}", detection.stream.get(..8).unwrap_or(&detection.stream)),
            "severity": if detection.intrusion { "high" } else { "low" },
            "status": self.status,
            "description": "Anomalous behavior detected",
            "image_url": format!("/api/anomalies/frames/{}/{}.jpg", SHOPS[detection.shop], detection.number),
            "anomaly_type": if detection.intrusion { "owl_eye_intrusion" } else { "suspicious_behavior" },
            "confidence_score": detection.score,
            "resolved_by": null,
            "resolved_at": if matches!(self.status.as_str(), "resolved" | "false_positive") { json!(naive(self.updated_at)) } else { Value::Null },
            "notes": self.notes,
            "extra_data": {
                "bbox": null,
                "end_frame": number(detection.number + 11),
                "person_id": if detection.intrusion { Value::Null } else { json!(detection.person) },
                "stream_id": detection.stream,
                "start_frame": number(detection.number),
                "frame_number": number(detection.number + LATEST_FRAME),
                "classification": "Abnormal",
            },
            "created_at": naive(self.at),
            "updated_at": naive(self.updated_at),
        })
    }
}

impl Record {
    /// What the server's clock shows.
    pub fn time(&self, now: Duration) -> Timestamp {
        right_time(now).checked_add(self.clock_error).unwrap_or(Timestamp::MAX)
    }

    /// Writes a detection down.
    pub fn write(&mut self, detection: Detection, at: Timestamp, now: Duration) {
        let row = Row {
            at,
            written_at: now,
            status: "pending".to_owned(),
            notes: None,
            updated_at: at,
            changes: Vec::new(),
            detection,
        };
        self.rows.insert(row.detection.id(), row);
    }

    /// A page of a shop's rows, newest first; none where one of them holds a number that JSON does not have.
    pub fn page(&self, shop: &str, status: Option<&str>, limit: usize, offset: usize) -> Option<Value> {
        let is_listed = |row: &&Row| {
            SHOPS[row.detection.shop] == shop && status.is_none_or(|status| row.status == status)
        };
        let mut rows: Vec<&Row> = self.rows.values().filter(is_listed).collect();
        rows.sort_by_key(|row| (std::cmp::Reverse(row.at), row.detection.number));
        let page: Vec<&&Row> = rows.iter().skip(offset).take(limit).collect();
        if page.iter().any(|row| row.detection.broken_number) {
            return None;
        }
        let page: Vec<Value> = page.into_iter().map(|row| row.json()).collect();
        Some(json!({"total": rows.len(), "anomalies": page}))
    }

    /// Changes a row's status, as anybody may.
    pub fn change(
        &mut self,
        id: &str,
        status: &str,
        notes: Option<String>,
        ours: bool,
        now: Duration,
    ) -> Option<Value> {
        let time = self.time(now);
        let row = self.rows.get_mut(id)?;
        if row.status != status {
            let change = Change { from: row.status.clone(), to: status.to_owned(), ours, at: now };
            row.changes.push(change);
        }
        row.status = status.to_owned();
        if notes.is_some() {
            row.notes = notes;
        }
        row.updated_at = time;
        Some(row.json())
    }
}

/// A small picture.
pub fn picture() -> &'static [u8] {
    static PICTURE: OnceLock<Vec<u8>> = OnceLock::new();
    PICTURE.get_or_init(|| {
        let mut jpeg = Vec::new();
        let pixels = vec![128; 8 * 8];
        let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 50);
        // Writing into memory cannot fail.
        let _ = encoder.encode(&pixels, 8, 8, jpeg_encoder::ColorType::Luma);
        jpeg
    })
}

/// A time without a zone, as the original writes it.
pub fn naive(at: Timestamp) -> String {
    at.to_string().trim_end_matches('Z').to_owned()
}
