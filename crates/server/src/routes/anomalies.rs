//! The record (contract 2.1), limited to the shops of whoever asks.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{Body, Values};
use super::caller::Caller;
use super::refusal::Refusal;
use crate::app::App;
use crate::note::{Note, Via};
use crate::publish::Severity;
use crate::store::people;
use crate::store::record::{self, Anomaly, Filter, Status, Summary};
use crate::time;

const MOST: u32 = 500;

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    shop_id: Option<String>,
    status: Option<String>,
    severity: Option<String>,
    limit: Option<u32>,
    offset: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SummaryQuery {
    shop_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Decision {
    status: String,
    notes: Option<String>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Values(query): Values<ListQuery>,
) -> Result<Json<Value>, Refusal> {
    let limit = query.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Refusal::field("query -> limit", "must be between 1 and 500"));
    }
    let severity = query.severity.as_deref().map(|word| {
        Severity::read(word).ok_or_else(|| Refusal::Bad(format!("Invalid severity: {}", clipped(word))))
    });
    let filter = Filter {
        user: caller.user.id.to_string(),
        status: query.status.as_deref().map(status).transpose()?,
        severity: severity.transpose()?.map(|severity| severity.word().to_owned()),
        shop_id: own_shop(&app, &caller, query.shop_id).await?,
    };
    let offset = query.offset.unwrap_or(0);
    let (total, rows) = app.store.read(move |db| record::list(db, &filter, limit, offset)).await?;
    Ok(Json(json!({ "total": total, "anomalies": rows })))
}

pub(super) async fn summary(
    State(app): State<Arc<App>>,
    caller: Caller,
    Values(query): Values<SummaryQuery>,
) -> Result<Json<Summary>, Refusal> {
    let filter = Filter {
        user: caller.user.id.to_string(),
        status: None,
        severity: None,
        shop_id: own_shop(&app, &caller, query.shop_id).await?,
    };
    Ok(Json(app.store.read(move |db| record::summary(db, &filter)).await?))
}

pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Anomaly>, Refusal> {
    let id = uuid(&id)?;
    let row = app.store.read(move |db| record::one(db, &caller.user.id, &id)).await?;
    row.map(Json).ok_or(Refusal::NotFound)
}

pub(super) async fn decide(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(decision): Body<Decision>,
) -> Result<Json<Anomaly>, Refusal> {
    let id = uuid(&id)?;
    let status = status(&decision.status)?;
    let (user, row_id) = (caller.user.id.clone(), id.clone());
    let decide = move |db: &rusqlite::Connection| {
        record::decide(db, &user, &row_id, status, decision.notes.as_deref())
    };
    let row = app.store.write(decide).await?.ok_or(Refusal::NotFound)?;
    if status == Status::Acknowledged
        && let Ok(anomaly_id) = id.try_into()
    {
        let at = time::now();
        let user_id = caller.user.id;
        app.notes.tell(Note::Acknowledged { anomaly_id, user_id, at, via: Via::Record });
    }
    Ok(Json(row))
}

pub(super) async fn picture(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((shop, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    // A picture never changes, so its name serves as its tag.
    let tag = format!("\"{name}\"");
    let user = caller.user.id;
    let jpeg = app.store.read(move |db| record::picture(db, &user, &shop, &name)).await?;
    let jpeg = jpeg.ok_or(Refusal::NotFound)?;
    let about = [
        (header::CONTENT_TYPE, "image/jpeg".to_owned()),
        (header::CACHE_CONTROL, "private, max-age=86400".to_owned()),
        (header::ETAG, tag.clone()),
    ];
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    if known {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    Ok((about, jpeg).into_response())
}

/// The shop asked for, if one is and the caller sees it.
async fn own_shop(app: &App, caller: &Caller, shop: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(shop) = shop else { return Ok(None) };
    let (user, asked) = (caller.user.id.clone(), shop.clone());
    let sees = app.store.read(move |db| people::sees(db, &user, &asked)).await?;
    if sees { Ok(Some(shop)) } else { Err(Refusal::NotYours) }
}

fn status(word: &str) -> Result<Status, Refusal> {
    Status::read(word).ok_or_else(|| Refusal::Bad(format!("Invalid status: {}", clipped(word))))
}

fn uuid(text: &str) -> Result<String, Refusal> {
    let uuid = uuid::Uuid::try_parse(text).map_err(|_| Refusal::field("path -> anomaly_id", "not a UUID"))?;
    Ok(uuid.to_string())
}

fn clipped(word: &str) -> String {
    word.chars().filter(|letter| !letter.is_control()).take(40).collect()
}
