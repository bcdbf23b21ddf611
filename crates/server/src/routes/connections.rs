//! Who is connected (contract 2.4): oneself, and for an owner the managers of their shops.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use visionguard_proto::UserId;

use super::caller::Caller;
use super::refusal::Refusal;
use crate::app::App;
use crate::roster::Presence;
use crate::store::people;

pub(super) async fn all(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, Refusal> {
    let everybody = app.roster.everybody();
    let known = move |db: &rusqlite::Connection| {
        let mut known = Vec::new();
        for (user, presence) in everybody {
            if people::oversees(db, &caller.user.id, &user)? {
                known.push(presence);
            }
        }
        Ok(known)
    };
    let known: Vec<Presence> = app.store.read(known).await?;
    let total: usize = known.iter().map(|presence| presence.connections).sum();
    Ok(Json(json!({ "total_connections": total, "connections": known })))
}

pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<Presence>, Refusal> {
    let user = UserId::new(&user).map_err(|_| Refusal::NotYours)?;
    let asked = user.clone();
    let may_know = app.store.read(move |db| people::oversees(db, &caller.user.id, &asked)).await?;
    if !may_know {
        return Err(Refusal::NotYours);
    }
    app.roster.presence(&user).map(Json).ok_or(Refusal::NotFound)
}
