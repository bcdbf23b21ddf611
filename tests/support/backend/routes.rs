//! The HTTP side: sign-in, shops, connections, and the original's own ways of saying no.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{any, get, post};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::state::{Requested, Shared, Slot};
use super::{anomalies, messages, notifications, socket, token};

/// Everything the double answers.
pub(super) fn app(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/health", get(|| async { Json(json!({"status": "degraded", "version": "1.0.0"})) }))
        .route("/auth/login", post(login))
        .route("/auth/me", get(me))
        .route("/auth/logout", post(logout))
        .route("/shops", get(shops))
        .merge(anomalies::routes())
        .merge(notifications::routes())
        .route("/ws/alerts/{user_id}", any(socket::handshake))
        .route("/ws/connections", get(connections))
        .route("/ws/connections/{user_id}", get(connection))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), observe))
        .with_state(shared)
}

/// The user whose bearer token came with the request.
#[allow(clippy::result_large_err, reason = "a response is what the handlers return")]
pub(super) fn authenticate(shared: &Shared, headers: &HeaderMap) -> Result<String, Response> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(detail(StatusCode::FORBIDDEN, "Not authenticated"));
    };
    let Some(bearer) = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(detail(StatusCode::FORBIDDEN, "Invalid authentication credentials"));
    };
    token::owner(shared, bearer).ok_or_else(|| challenge("Invalid or expired token"))
}

/// An error as FastAPI writes it.
pub(super) fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({"detail": text}))).into_response()
}

/// The original's one body for a missing row and a missing route.
pub(super) fn missing(path: &str) -> Response {
    let body = json!({
        "error": "Not Found", "message": "The requested endpoint does not exist", "path": path,
        "suggestion": "Visit /docs for API documentation",
    });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

/// The original's own shape of a validation error, which repeats what was sent: passwords too.
pub(super) fn invalid(field: &str, message: &str, received: &Value) -> Response {
    let body = json!({
        "error": "Validation Error", "message": "Request validation failed",
        "details": [{"field": field, "message": message, "type": "value_error"}], "body_received": received,
    });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}

/// A crash inside a handler.
pub(super) fn broken() -> Response {
    let body = json!({
        "error": "Internal Server Error", "message": "An unexpected error occurred",
        "suggestion": "Please try again later",
    });
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
}

fn challenge(text: &str) -> Response {
    let mut response = detail(StatusCode::UNAUTHORIZED, text);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    response
}

/// Remembers every request and fails those that a test wants to fail.
async fn observe(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().split('&').map(without_token).collect::<Vec<_>>();
    let query = query.join("&");

    let failure = shared.lock().failures.iter().find(|failure| path.starts_with(&failure.path)).cloned();
    let response = match failure {
        None => next.run(request).await,
        Some(failure) => {
            let mut response = Response::builder().status(failure.status);
            if let Some(wait) = failure.retry_after {
                response = response.header(header::RETRY_AFTER, wait);
            }
            response.body(Body::empty()).unwrap()
        }
    };
    let status = response.status().as_u16();
    shared.lock().requests.push(Requested { method, path, query, status });
    response
}

fn without_token(pair: &str) -> &str {
    if pair.starts_with("token=") { "token" } else { pair }
}

async fn not_found(request: Request) -> Response {
    if request.headers().contains_key(header::UPGRADE) {
        return socket::refused();
    }
    missing(request.uri().path())
}

async fn login(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if is_form {
        return broken();
    }
    let received: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (Some(email), Some(password)) = (received["email"].as_str(), received["password"].as_str()) else {
        return invalid("body -> email", "Field required", &received);
    };
    let Some((local, domain)) = email.split_once('@') else {
        return invalid("body -> email", "value is not a valid email address", &received);
    };
    // The domain is made lower case, the name before it is not.
    let email = format!("{local}@{}", domain.to_lowercase());
    let user = shared.lock().users.iter().find(|user| user.email == email).cloned();
    let Some(user) = user.filter(|user| user.password == password) else {
        return challenge("Invalid credentials");
    };
    Json(json!({
        "access_token": token::issue(&shared, &user.id, false),
        "refresh_token": token::issue(&shared, &user.id, true),
        "token_type": "bearer",
        "user": {"id": user.id, "name": user.name, "email": user.email, "role": "OWNER"},
    }))
    .into_response()
}

async fn me(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let id = match authenticate(&shared, &headers) {
        Ok(id) => id,
        Err(response) => return response,
    };
    let user = shared.lock().users.iter().find(|user| user.id == id).cloned();
    match user {
        None => challenge("User not found"),
        Some(user) => Json(json!({
            "id": user.id, "name": user.name, "email": user.email, "role": "OWNER",
            "created_at": "2026-11-21T20:39:03.377466",
        }))
        .into_response(),
    }
}

/// Revokes nothing.
async fn logout(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    match authenticate(&shared, &headers) {
        Ok(_) => Json(json!({"message": "Successfully logged out"})).into_response(),
        Err(response) => response,
    }
}

async fn shops(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let user = match authenticate(&shared, &headers) {
        Ok(user) => user,
        Err(response) => return response,
    };
    let state = shared.lock();
    let shops: Vec<Value> = state
        .shops
        .iter()
        .filter(|shop| shop.owner == user)
        .map(|shop| {
            json!({
                "id": shop.id, "owner_id": shop.owner, "name": shop.name, "address": null,
                "cameras": ["rtsp://camera-1"], "telegram_chat_id": null, "managers": [],
                "created_at": "2026-11-21T20:39:03.421728", "updated_at": "2026-11-21T20:39:03.421731",
            })
        })
        .collect();
    Json(shops).into_response()
}

/// Asks nobody who they are.
async fn connections(State(shared): State<Arc<Shared>>) -> Response {
    let state = shared.lock();
    let connections: Vec<Value> = state.slots.iter().map(|(user, slot)| stats(user, slot)).collect();
    Json(json!({"total_connections": connections.len(), "connections": connections})).into_response()
}

async fn connection(State(shared): State<Arc<Shared>>, Path(user): Path<String>) -> Response {
    let state = shared.lock();
    match state.slots.get(&user) {
        Some(slot) => Json(stats(&user, slot)).into_response(),
        None => missing(&format!("/ws/connections/{user}")),
    }
}

fn stats(user: &str, slot: &Slot) -> Value {
    let (uptime, quiet) = (slot.since.elapsed(), slot.heartbeat.elapsed());
    let ago = |time| messages::local(Timestamp::now() - SignedDuration::try_from(time).unwrap());
    json!({
        "user_id": user, "connected": true, "connected_at": slot.connected_at, "uptime_seconds": uptime.as_secs_f64(),
        "last_heartbeat": ago(quiet), "seconds_since_heartbeat": quiet.as_secs_f64(),
    })
}
