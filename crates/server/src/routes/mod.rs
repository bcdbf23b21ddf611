//! The HTTP surface: the original's paths and bodies, with tenancy.

mod alerts;
mod anomalies;
mod auth;
mod body;
mod caller;
mod connections;
mod notifications;
mod refusal;
mod shops;
mod sockets;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

use self::refusal::Refusal;
use crate::app::App;

/// Largest body of a request, but for a publish.
const BODY: usize = 64 * 1024;

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/auth/login", post(auth::login))
        .route("/auth/me", get(auth::me))
        .route("/auth/refresh", post(auth::refresh))
        .route("/auth/logout", post(auth::logout))
        .route("/shops", get(shops::list))
        .route("/api/anomalies", get(anomalies::list))
        .route("/api/anomalies/stats/summary", get(anomalies::summary))
        .route("/api/anomalies/frames/{shop_id}/{name}", get(anomalies::picture))
        .route("/api/anomalies/{id}", get(anomalies::one).patch(anomalies::decide))
        .route("/api/notifications/send", post(notifications::send))
        .route("/api/alerts", post(alerts::publish).layer(DefaultBodyLimit::max(alerts::BODY)))
        .route("/ws/alerts/{user_id}", get(sockets::open))
        .route("/ws/capabilities", get(sockets::capabilities))
        .route("/ws/connections", get(connections::all))
        .route("/ws/connections/{user_id}", get(connections::one))
        .fallback(|| std::future::ready(Refusal::NotFound))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn(refusal::name_missing))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), in_time))
        .layer(middleware::from_fn(log))
        .with_state(app)
}

async fn health(State(app): State<Arc<App>>) -> Response {
    // The keys of the original; it has no video of its own here.
    let body = json!({
        "status": "healthy",
        "service": "VisionGuard alert server",
        "version": env!("CARGO_PKG_VERSION"),
        "video_file": "",
        "video_available": false,
        "message": "Alerts only; no video is analysed here",
    });
    match app.store.read(|db| db.query_row("SELECT 1", [], |_| Ok(()))).await {
        Ok(()) => axum::Json(body).into_response(),
        Err(_) => Refusal::Busy.into_response(),
    }
}

/// Gives up on a request that takes too long, its body included.
async fn in_time(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(app.limits.answer_within, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refusal::TooLate.into_response(),
    }
}

/// One line a request: the route as written above, never the address, which may hold a token.
async fn log(route: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let response = next.run(request).await;
    tracing::debug!(
        %method,
        route = route.as_ref().map_or("none", MatchedPath::as_str),
        status = response.status().as_u16(),
        milliseconds = started.elapsed().as_millis(),
        "request"
    );
    response
}
