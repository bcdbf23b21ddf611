//! Bodies and queries, read as the original reads them: JSON whatever the content type says, faults as 422.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use crate::app::App;

/// A JSON body.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

/// The values after the question mark.
#[derive(Debug)]
pub(super) struct Values<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &Arc<App>) -> Result<Body<T>, Refusal> {
        let bytes = Bytes::from_request(request, state).await.map_err(too_large)?;
        // What serde says about it could quote a password.
        let unreadable = |error: serde_json::Error| {
            let place = format!("unreadable at line {} column {}", error.line(), error.column());
            Refusal::field("body", &place)
        };
        serde_json::from_slice(&bytes).map(Body).map_err(unreadable)
    }
}

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Values<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<App>) -> Result<Values<T>, Refusal> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(values)| Values(values)).map_err(|_| Refusal::field("query", "unreadable"))
    }
}

fn too_large(rejection: BytesRejection) -> Refusal {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Refusal::TooLarge;
    }
    Refusal::field("body", "unreadable")
}
