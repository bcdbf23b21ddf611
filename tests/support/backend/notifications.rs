//! Messages from anybody to anybody: nothing is stored, whatever the answer says.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::messages::local;
use super::routes::{authenticate, invalid};
use super::state::Shared;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/api/notifications/send", post(send)).route("/api/notifications/test", post(test))
}

/// Any user may be named by anybody who is signed in.
async fn send(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    match authenticate(&shared, &headers) {
        Ok(_) => pass_on(&shared, &body),
        Err(response) => response,
    }
}

/// And here by anybody at all.
async fn test(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    pass_on(&shared, &body)
}

fn pass_on(shared: &Shared, body: &[u8]) -> Response {
    let received: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(user) = received["user_id"].as_str() else {
        return invalid("body -> user_id", "Field required", &received);
    };
    for (field, most) in [("title", 200), ("message", 1000)] {
        let fits = received[field].as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()));
        if !fits {
            let problem = format!("String should have 1 to {most} characters");
            return invalid(&format!("body -> {field}"), &problem, &received);
        }
    }
    let id = format!("notif_{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let stamp = local(Timestamp::now());
    let or = |field: &str, word: &str| received[field].as_str().unwrap_or(word).to_owned();
    let message = json!({"type": "notification", "data": {
        "notification_id": id, "title": received["title"], "message": received["message"],
        "priority": or("priority", "medium"), "type": or("type", "info"), "timestamp": stamp,
        "metadata": received["metadata"], "action_url": received["action_url"],
    }});

    let mut state = shared.lock();
    // Somebody has the slot, which is all that is known; whether it is read is not.
    let delivered = state.slots.contains_key(user);
    state.deliver(user, message.to_string());
    let said =
        if delivered { "Notification sent successfully" } else { "User not connected - notification queued" };
    Json(json!({
        "success": true, "message": said, "user_id": user, "notification_id": id, "timestamp": stamp,
        "delivered": delivered,
    }))
    .into_response()
}
