//! Every way in which a request is refused, in the original's bodies (contract 1).

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};

use crate::passwords::PasswordError;
use crate::publish::PublishError;
use crate::store::StoreError;
use crate::token::TokenError;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No token came with it.
    NotAuthenticated,
    /// The token does not hold, or not any more.
    InvalidToken,
    /// The e-mail address and password do not belong together.
    WrongCredentials,
    /// The token holds, and what is asked for belongs to somebody else.
    NotYours,
    /// No such path, or no such thing in it that the caller may know of.
    NotFound,
    /// A word that is none of those possible.
    Bad(String),
    /// The body or the query is not as it should be.
    Invalid(Vec<Fault>),
    /// The key was used for another alert.
    KeyReused,
    /// The body is too large.
    TooLarge,
    /// Try again after this.
    TooMany(Duration),
    /// The request took too long.
    TooLate,
    /// Try again soon.
    Busy,
    /// Our fault.
    Internal,
}

/// One fault of a body or query.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    field: String,
    message: String,
    r#type: &'static str,
}

/// Marks a response whose body is to name the path.
#[derive(Debug, Clone)]
struct Missing;

impl Refusal {
    /// A fault of this field, such as `body -> email`.
    pub(super) fn field(field: &str, message: &str) -> Refusal {
        Refusal::Invalid(vec![Fault {
            field: field.to_owned(),
            message: message.to_owned(),
            r#type: "value_error",
        }])
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::NotAuthenticated => challenge("Not authenticated", "Bearer"),
            Refusal::InvalidToken => challenge("Invalid or expired token", r#"Bearer error="invalid_token""#),
            Refusal::WrongCredentials => challenge("Invalid credentials", "Bearer"),
            Refusal::NotYours => detail(StatusCode::FORBIDDEN, "Access denied"),
            Refusal::NotFound => {
                let mut response = StatusCode::NOT_FOUND.into_response();
                response.extensions_mut().insert(Missing);
                response
            }
            Refusal::Bad(what) => detail(StatusCode::BAD_REQUEST, &what),
            Refusal::Invalid(faults) => {
                // The original echoes the body here, passwords included; ours is empty.
                let body = json!({
                    "error": "Validation Error",
                    "message": "Request validation failed",
                    "details": faults,
                    "body_received": {},
                });
                answer(StatusCode::UNPROCESSABLE_ENTITY, &body)
            }
            Refusal::KeyReused => {
                detail(StatusCode::UNPROCESSABLE_ENTITY, "The Idempotency-Key was used for another alert")
            }
            Refusal::TooLarge => detail(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Refusal::TooMany(wait) => {
                retry_after(detail(StatusCode::TOO_MANY_REQUESTS, "Too many attempts"), wait)
            }
            Refusal::TooLate => detail(StatusCode::REQUEST_TIMEOUT, "The request took too long"),
            Refusal::Busy => {
                let busy = detail(StatusCode::SERVICE_UNAVAILABLE, "The server is busy");
                retry_after(busy, Duration::from_secs(5))
            }
            Refusal::Internal => {
                let body = json!({
                    "error": "Internal Server Error",
                    "message": "An unexpected error occurred",
                    "suggestion": "Please try again later",
                });
                answer(StatusCode::INTERNAL_SERVER_ERROR, &body)
            }
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        tracing::error!(%error, "the database did not answer");
        match error {
            StoreError::Closed => Refusal::Busy,
            StoreError::Sqlite(_)
            | StoreError::NotCommitted(_)
            | StoreError::Unreadable
            | StoreError::TooNew(_) => Refusal::Internal,
        }
    }
}

impl From<TokenError> for Refusal {
    fn from(reason: TokenError) -> Refusal {
        tracing::debug!(%reason, "a token was refused");
        Refusal::InvalidToken
    }
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Refusal {
        tracing::warn!(%error, "a password was not checked");
        match error {
            PasswordError::Busy => Refusal::Busy,
            PasswordError::Failed => Refusal::Internal,
        }
    }
}

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Refusal {
        match error {
            PublishError::UnknownShop(_) => Refusal::field("alert -> shop_id", "no such shop"),
            PublishError::KeyReused => Refusal::KeyReused,
            PublishError::Unwritable => Refusal::field("alert -> result", "not writable as JSON"),
            PublishError::Store(error) => error.into(),
        }
    }
}

/// Puts the path into the body of what was not found.
pub(super) async fn name_missing(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    if response.extensions().get::<Missing>().is_none() {
        return response;
    }
    let body = json!({
        "error": "Not Found",
        "message": "The requested endpoint does not exist",
        "path": path,
        "suggestion": "See the server's documentation",
    });
    answer(StatusCode::NOT_FOUND, &body)
}

fn detail(status: StatusCode, detail: &str) -> Response {
    answer(status, &json!({ "detail": detail }))
}

fn challenge(words: &str, how: &'static str) -> Response {
    let mut response = detail(StatusCode::UNAUTHORIZED, words);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(how));
    response
}

fn retry_after(mut response: Response, wait: Duration) -> Response {
    let seconds = wait.as_secs_f64().ceil().max(1.0);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds as u64));
    response
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, axum::Json(body)).into_response()
}
