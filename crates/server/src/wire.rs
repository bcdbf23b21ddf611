//! The messages that the server sends, as the original spells them (contract 3.3), with added fields.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use visionguard_proto::session::Text;
use visionguard_proto::{AnomalyId, Jpeg, ShopId, StreamId, UserId};

use crate::time;

/// What `anomaly_detected` says before its picture.
#[derive(Debug, Serialize)]
pub(crate) struct Detected<'a> {
    pub(crate) user_id: &'a UserId,
    pub(crate) stream_id: &'a StreamId,
    /// A JSON object.
    pub(crate) result: &'a RawValue,
    // Added fields; the original sends none of these.
    pub(crate) alert_id: &'a AnomalyId,
    pub(crate) shop_id: &'a ShopId,
    pub(crate) at: Timestamp,
    pub(crate) severity: &'a str,
    pub(crate) location: &'a str,
}

impl Detected<'_> {
    /// The whole message. The picture is written straight into it: it is nine tenths of the text.
    pub(crate) fn with_picture(&self, picture: Option<&Jpeg>) -> Result<Text, serde_json::Error> {
        #[derive(Serialize)]
        struct Message<'a> {
            r#type: &'static str,
            #[serde(flatten)]
            detected: &'a Detected<'a>,
        }
        let mut text = serde_json::to_string(&Message { r#type: "anomaly_detected", detected: self })?;
        if let Some(picture) = picture {
            text.pop();
            text.reserve_exact(picture.bytes().len() / 3 * 4 + 64);
            text.push_str(r#","annotated_frame":""#);
            STANDARD.encode_string(picture.bytes(), &mut text);
            text.push_str(r#"","frame_format":"jpeg"}"#);
        }
        Ok(Text::from(text))
    }
}

/// The `notification` that follows a theft's `anomaly_detected`.
pub(crate) fn theft_notification(detected: &Detected<'_>, description: &str, person_id: &Value) -> Text {
    notification(json!({
        "notification_id": detected.alert_id,
        "title": "Alert",
        "message": format!("{description} at {}", detected.location),
        "priority": detected.severity,
        "type": "alert",
        "timestamp": time::naive(detected.at),
        "metadata": {
            "anomaly_id": detected.alert_id,
            "shop_id": detected.shop_id,
            "stream_id": detected.stream_id,
            "person_id": person_id,
        },
        "action_url": action_url(detected.alert_id),
    }))
}

/// The `notification` of an intrusion: all that is sent of one; its picture is fetched from the record.
pub(crate) fn intrusion_notification(
    detected: &Detected<'_>,
    description: &str,
    detections: &[Value],
) -> Text {
    notification(json!({
        "notification_id": detected.alert_id,
        "title": "OWL EYE ALERT",
        "message": format!("{description} at {}", detected.location),
        "priority": detected.severity,
        "type": "owl_eye",
        "timestamp": time::naive(detected.at),
        "metadata": {
            "anomaly_id": detected.alert_id,
            "shop_id": detected.shop_id,
            "stream_id": detected.stream_id,
            "num_persons": detections.len(),
            "detections": detections,
            // Added: the original's message alone would not let a client name the camera.
            "location": detected.location,
        },
        "action_url": action_url(detected.alert_id),
    }))
}

/// Any `notification`.
pub(crate) fn notification(data: Value) -> Text {
    Text::from(json!({ "type": "notification", "data": data }).to_string())
}

fn action_url(id: &AnomalyId) -> String {
    format!("/suspicious-activity?anomaly_id={id}")
}
