//! `POST /api/alerts`: the pipeline publishes a detection.
//!
//! Multipart with a JSON part `alert` (`shop_id`, `stream_id`, `result`, and optionally `user_id`, `anomaly_type`,
//! `severity`, `location`, `description`) and a JPEG part `frame`. 202 with the alert's id comes after the commit, and says
//! what became of the picture: whatever it is, the alert is taken.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Multipart, State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use visionguard_proto::{ShopId, StreamId, UserId, repair};

use super::caller::Pipeline;
use super::refusal::Refusal;
use crate::app::App;
use crate::picture;
use crate::publish::{self, Detection, Kind, Severity};

/// Largest body: far above any picture.
pub(super) const BODY: usize = 64 * 1024 * 1024;
/// Longest `Idempotency-Key`, in bytes.
const LONGEST_KEY: usize = 255;

#[derive(Debug, Deserialize)]
struct Alert {
    shop_id: ShopId,
    stream_id: StreamId,
    result: Map<String, Value>,
    user_id: Option<UserId>,
    anomaly_type: Option<String>,
    severity: Option<String>,
    location: Option<String>,
    description: Option<String>,
}

pub(super) async fn publish(
    State(app): State<Arc<App>>,
    pipeline: Pipeline,
    headers: HeaderMap,
    parts: Multipart,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let idempotency_key = key(&headers)?;
    let (alert, offered) = read(parts).await?;
    let kind = alert.anomaly_type.as_deref().map_or(Some(Kind::Theft), Kind::read);
    let severity = alert.severity.as_deref().map(|word| {
        Severity::read(word).ok_or_else(|| Refusal::field("alert -> severity", "no such severity"))
    });
    let (kind, severity) =
        (kind.ok_or_else(|| Refusal::field("alert -> anomaly_type", "no such type"))?, severity.transpose()?);
    let location = words("alert -> location", alert.location, 200)?;
    let description = words("alert -> description", alert.description, 2000)?;
    let (picture, fate) = match offered {
        Some(offered) => {
            let (picture, fate) = picture::take(&app.studio, offered).await;
            (picture, Some(fate))
        }
        None => (None, None),
    };
    let detection = Detection {
        shop_id: alert.shop_id,
        user_id: alert.user_id,
        stream_id: alert.stream_id,
        kind,
        severity,
        location,
        description,
        result: alert.result,
        picture,
        idempotency_key,
    };
    let published = publish::publish_with(&app, &pipeline.session, detection, fate.clone()).await?;
    let mut body = json!({
        "alert_id": published.id,
        "at": published.at,
        "repeated": published.repeated,
        "connections": published.connections,
    });
    if let Some(fate) = fate {
        body["picture"] = fate.word().into();
        body["picture_reason"] = fate.reason().into();
    }
    Ok((StatusCode::ACCEPTED, Json(body)))
}

async fn read(mut parts: Multipart) -> Result<(Alert, Option<Bytes>), Refusal> {
    let unreadable = |error: axum::extract::multipart::MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
        _ => Refusal::field("body", "not a readable multipart body"),
    };
    let (mut alert, mut picture) = (None, None);
    while let Some(part) = parts.next_field().await.map_err(unreadable)? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(unreadable)?;
        match name.as_str() {
            "alert" => {
                alert = Some(read_alert(&bytes)?);
            }
            "frame" => picture = Some(bytes),
            _ => {}
        }
    }
    Ok((alert.ok_or_else(|| Refusal::field("alert", "the part is missing"))?, picture))
}

/// A pipeline in Python writes bare `NaN`: an alert is not lost over a score.
fn read_alert(bytes: &[u8]) -> Result<Alert, Refusal> {
    let unreadable = |error: serde_json::Error| Refusal::field("alert", &error.to_string());
    let strict = serde_json::from_slice(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return strict.map_err(unreadable) };
    strict.or_else(|_| serde_json::from_str(&repair(text))).map_err(unreadable)
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= LONGEST_KEY => Ok(Some(key.to_owned())),
        _ => Err(Refusal::field("header -> Idempotency-Key", "must have 1 to 255 visible characters")),
    }
}

fn words(field: &str, text: Option<String>, most: usize) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.trim().is_empty() || text.chars().count() > most => {
            Err(Refusal::field(field, &format!("must have 1 to {most} characters")))
        }
        text => Ok(text),
    }
}
