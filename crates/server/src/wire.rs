//! The messages that the server sends, as the original spells them (contract 3.3), with added fields.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use visionguard_proto::session::Text;
use visionguard_proto::{Jpeg, message};

use crate::time;

/// What `anomaly_detected` says before its picture.
#[derive(Debug, Serialize)]
pub(crate) struct Detected<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) stream_id: &'a str,
    /// A JSON object.
    pub(crate) result: &'a RawValue,
    // Added fields; the original sends none of these.
    pub(crate) alert_id: &'a str,
    pub(crate) shop_id: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) severity: &'a str,
    pub(crate) location: &'a str,
    /// What became of the picture, where it is not as it was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) picture: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) picture_reason: Option<&'a str>,
}

/// What protocol 2 adds: there an intrusion is a message of its own, and no notification follows.
#[derive(Debug, Serialize)]
pub(crate) struct Logged<'a> {
    #[serde(flatten)]
    pub(crate) detected: Detected<'a>,
    pub(crate) anomaly_type: &'a str,
    pub(crate) description: &'a str,
}

impl Detected<'_> {
    /// The whole message.
    pub(crate) fn with_picture(&self, picture: Option<&Jpeg>) -> Result<Text, serde_json::Error> {
        let header = anomaly_detected(self)?;
        let picture = picture.map(Jpeg::bytes).map_or(&[][..], |bytes| bytes);
        Ok(Text::from(message::alert_text(header, picture)))
    }
}

impl Logged<'_> {
    /// The message without its place in the log and its picture.
    pub(crate) fn header(&self) -> Result<String, serde_json::Error> {
        anomaly_detected(self)
    }
}

fn anomaly_detected(detected: &impl Serialize) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Message<'a, T> {
        r#type: &'static str,
        #[serde(flatten)]
        detected: &'a T,
    }
    serde_json::to_string(&Message { r#type: "anomaly_detected", detected })
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

fn action_url(id: &str) -> String {
    format!("/suspicious-activity?anomaly_id={id}")
}
