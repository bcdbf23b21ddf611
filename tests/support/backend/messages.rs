//! The messages of the socket, as the original writes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::json;

use super::Detection;
use super::state::Row;

/// `anomaly_detected`: no id, no time, no shop, a confidence that is a word, and 29 kB of poses.
pub(super) fn anomaly_detected(detection: &Detection) -> String {
    let picture = detection.picture.as_ref().map(|picture| STANDARD.encode(picture)).unwrap_or_default();
    let mut result = json!({
        "sequence_id": 0, "person_id": detection.person, "start_frame": 1, "end_frame": 12, "score": SCORE,
        "is_abnormal": true, "classification": "Abnormal", "confidence": "Low", "scene_id": "live",
        "clip_id": detection.stream, "frame_number": detection.frame_number, "stream_id": detection.stream,
        "user_id": detection.user, "pose_dict": poses(detection.person),
    });
    if let Some([x, y, w, h]) = detection.bounding_box {
        result["bbox"] = json!({"x": x, "y": y, "w": w, "h": h});
    }
    json!({
        "type": "anomaly_detected", "user_id": detection.user, "stream_id": detection.stream, "result": result,
        "annotated_frame": picture, "frame_format": "jpeg",
    })
    .to_string()
    // Python writes NaN and Infinity bare, which no JSON library here would.
    .replace(&format!("\"{SCORE}\""), &detection.score)
}

/// The `notification` that follows: brings id and shop.
pub(super) fn notification(detection: &Detection, row: &Row) -> String {
    json!({"type": "notification", "data": {
        "notification_id": row.id, "title": "Alert", "message": format!("{} at {}", row.description, row.location),
        "priority": "low", "type": "alert", "timestamp": utc(row.at),
        "metadata": {"anomaly_id": row.id, "shop_id": row.shop, "stream_id": detection.stream,
                     "person_id": detection.person},
        "action_url": format!("/suspicious-activity?anomaly_id={}", row.id),
    }})
    .to_string()
}

/// The notification of the owl-eye mode; nothing else is sent for it.
pub(super) fn owl_eye(row: &Row, stream: &str) -> String {
    json!({"type": "notification", "data": {
        "notification_id": row.id, "title": "OWL EYE ALERT",
        "message": format!("{} at {}", row.description, row.location), "priority": "high", "type": "owl_eye",
        "timestamp": utc(row.at),
        "metadata": {"anomaly_id": row.id, "shop_id": row.shop, "stream_id": stream, "num_persons": 1,
                     "detections": [{"person_id": 1, "bbox": {"x": 10.5, "y": 11.25, "w": 30, "h": 60},
                                     "confidence": 0.87, "class": "person"}]},
        "action_url": format!("/suspicious-activity?anomaly_id={}", row.id),
    }})
    .to_string()
}

/// `ping` or `pong`, with the server's local time.
pub(super) fn heartbeat(kind: &str) -> String {
    json!({"type": kind, "timestamp": local(Timestamp::now())}).to_string()
}

pub(super) fn description(person: i64) -> String {
    format!("Anomalous behavior detected (Person ID: {person}, Confidence: Low)")
}

pub(super) fn location(stream: &str) -> String {
    format!("Stream {}", stream.chars().take(8).collect::<String>())
}

/// A time as Python's `isoformat` has it: no zone, and no fraction where that is zero.
pub(super) fn utc(at: Timestamp) -> String {
    naive(at, TimeZone::UTC)
}

/// The same by the clock on this server's wall, two hours ahead of UTC.
pub(super) fn local(at: Timestamp) -> String {
    naive(at, TimeZone::fixed(Offset::constant(2)))
}

const SCORE: &str = "the score goes here";

fn naive(at: Timestamp, zone: TimeZone) -> String {
    let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap();
    at.to_zoned_datetime(zone).datetime().to_string()
}

fn poses(person: i64) -> serde_json::Value {
    let keypoints: Vec<f64> = (0..51).map(|n| 327.565_839_808_164_3 + f64::from(n)).collect();
    let frames: serde_json::Map<String, serde_json::Value> =
        (1..=30).map(|n| (format!("{n:04}"), json!({"keypoints": keypoints, "score": 0.9}))).collect();
    json!({ person.to_string(): frames })
}
