//! The record of detections, as the original serves it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::messages::utc;
use super::routes::{authenticate, broken, detail, invalid, missing};
use super::state::{Patched, Row, Shared};

const STATUSES: [&str; 4] = ["pending", "acknowledged", "resolved", "false_positive"];
const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/anomalies", get(list))
        .route("/api/anomalies/{id}", get(one).patch(change))
        .route("/api/anomalies/frames/{shop}/{file}", get(frame))
        .route("/api/anomalies/stats/summary", get(summary))
}

/// A row as the API shows it: every key there, times in UTC without a zone.
pub(super) fn json(row: &Row) -> Value {
    json!({
        "id": row.id, "shop_id": row.shop, "timestamp": utc(row.at), "location": row.location,
        "severity": row.severity, "status": row.status, "description": row.description,
        "image_url": row.image_url, "anomaly_type": row.kind, "confidence_score": row.score,
        "resolved_by": row.resolved.as_ref().map(|(who, _)| who),
        "resolved_at": row.resolved.as_ref().map(|(_, at)| utc(*at)),
        "notes": row.notes, "extra_data": row.extra_data, "created_at": utc(row.created_at),
        "updated_at": utc(row.updated_at),
    })
}

/// A number that JSON does not have breaks every answer that holds it.
fn cannot_be_sent(row: &Row) -> bool {
    row.score.is_some_and(|score| !score.is_finite())
}

/// No tenancy: whoever has a token sees the rows of every shop.
async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if let Err(response) = authenticate(&shared, &headers) {
        return response;
    }
    let number = |key: &str, default: usize| query.get(key).map_or(Some(default), |text| text.parse().ok());
    let (Some(limit @ 1..=500), Some(offset)) = (number("limit", 100), number("offset", 0)) else {
        return invalid("query -> limit", "Input should be less than or equal to 500", &Value::Null);
    };
    for (key, known) in [("status", STATUSES), ("severity", SEVERITIES)] {
        if let Some(word) = query.get(key).filter(|word| !known.contains(&word.as_str())) {
            return detail(StatusCode::BAD_REQUEST, &format!("Invalid {key}: {word}"));
        }
    }

    let state = shared.lock();
    let mut rows: Vec<&Row> = state
        .rows
        .iter()
        .take(state.shown.unwrap_or(usize::MAX))
        .filter(|row| query.get("shop_id").is_none_or(|shop| *shop == row.shop))
        .filter(|row| query.get("status").is_none_or(|status| *status == row.status))
        .filter(|row| query.get("severity").is_none_or(|severity| severity == row.severity))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    let page: Vec<&Row> = rows.iter().skip(offset).take(limit).copied().collect();
    if page.iter().any(|row| cannot_be_sent(row)) {
        return broken();
    }
    let page: Vec<Value> = page.into_iter().map(json).collect();
    Json(json!({"total": rows.len(), "anomalies": page})).into_response()
}

async fn one(State(shared): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if let Err(response) = authenticate(&shared, &headers) {
        return response;
    }
    if uuid::Uuid::parse_str(&id).is_err() {
        return invalid("path -> anomaly_id", "Input should be a valid UUID", &Value::Null);
    }
    match shared.lock().row(&id) {
        Some(row) if cannot_be_sent(row) => broken(),
        Some(row) => Json(json(row)).into_response(),
        None => missing(&format!("/api/anomalies/{id}")),
    }
}

/// Any transition is allowed, the last writer wins, and who acknowledged is not kept.
async fn change(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let user = match authenticate(&shared, &headers) {
        Ok(user) => user,
        Err(response) => return response,
    };
    let Ok(received) = serde_json::from_slice::<Value>(&body) else { return broken() };
    let Some(status) = received["status"].as_str().map(str::to_lowercase) else {
        return invalid("body -> status", "Field required", &received);
    };
    if !STATUSES.contains(&status.as_str()) {
        return detail(StatusCode::BAD_REQUEST, &format!("Invalid status: {status}"));
    }

    let mut state = shared.lock();
    let Some(row) = state.row_mut(&id) else { return missing(&format!("/api/anomalies/{id}")) };
    row.status.clone_from(&status);
    row.updated_at = Timestamp::now();
    if matches!(status.as_str(), "resolved" | "false_positive") {
        row.resolved = Some((user, Timestamp::now()));
    }
    let notes = received["notes"].as_str().filter(|notes| !notes.is_empty()).map(str::to_owned);
    if notes.is_some() {
        row.notes.clone_from(&notes);
    }
    let answer = json(row);
    state.patches.push(Patched { id, status, notes });
    Json(answer).into_response()
}

async fn frame(
    State(shared): State<Arc<Shared>>,
    Path((shop, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Err(response) = authenticate(&shared, &headers) {
        return response;
    }
    let path = format!("/api/anomalies/frames/{shop}/{file}");
    match shared.lock().frames.get(&path) {
        Some(picture) => {
            let headers =
                [(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "public, max-age=86400")];
            (headers, picture.clone()).into_response()
        }
        None => missing(&path),
    }
}

async fn summary(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if let Err(response) = authenticate(&shared, &headers) {
        return response;
    }
    let state = shared.lock();
    let rows: Vec<&Row> =
        state.rows.iter().filter(|row| query.get("shop_id").is_none_or(|shop| *shop == row.shop)).collect();
    let by = |words: [&'static str; 4], of: fn(&Row) -> &str| -> Value {
        words.map(|word| (word, rows.iter().filter(|row| of(row) == word).count())).into_iter().collect()
    };
    Json(json!({
        "total": rows.len(), "recent_24h": rows.len(), "by_status": by(STATUSES, |row| &row.status),
        "by_severity": by(SEVERITIES, |row| row.severity),
    }))
    .into_response()
}
