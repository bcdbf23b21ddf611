//! `GET /shops` (contract 2.2): those of the owner, those assigned to the manager.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::caller::Caller;
use super::refusal::Refusal;
use crate::app::App;
use crate::store::people::{self, Shop};

pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Vec<Shop>>, Refusal> {
    let shops = app.store.read(move |db| people::shops_of(db, &caller.user.id)).await?;
    Ok(Json(shops))
}
