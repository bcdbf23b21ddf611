//! Messages from one person to another who shares a shop with them (contract 2.3). Nothing is kept.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use visionguard_proto::UserId;

use super::body::Body;
use super::caller::Caller;
use super::refusal::Refusal;
use crate::app::App;
use crate::roster::Delivery;
use crate::store::people;
use crate::{time, wire};

/// Bytes of metadata that are passed on, as JSON.
const MOST_METADATA: usize = 4096;
/// Characters of an address that is passed on.
const MOST_URL: usize = 2000;

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    user_id: UserId,
    title: String,
    message: String,
    priority: Option<String>,
    r#type: Option<String>,
    metadata: Option<Map<String, Value>>,
    action_url: Option<String>,
}

pub(super) async fn send(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(message): Body<Message>,
) -> Result<Json<Value>, Refusal> {
    let user = message.user_id.clone();
    let id = format!("notif_{:012x}", rand::random::<u64>() >> 16);
    let stamp = time::local(time::now());
    let data = checked(message, &id, &stamp)?;

    let asked = user.clone();
    let may_write = app.store.read(move |db| people::acquainted(db, &caller.user.id, &asked)).await?;
    if !may_write {
        return Err(Refusal::NotYours);
    }
    let text = wire::notification(data);
    let delivered = app.roster.deliver(std::slice::from_ref(&user), Delivery::Notice(text)) > 0;
    Ok(Json(json!({
        "success": true,
        "message": if delivered { "Notification sent" } else { "User not connected - notification not kept" },
        "user_id": user,
        "notification_id": id,
        "timestamp": stamp,
        "delivered": delivered,
    })))
}

fn checked(message: Message, id: &str, stamp: &str) -> Result<Value, Refusal> {
    let length = |field: &str, text: &str, most: usize| {
        if (1..=most).contains(&text.chars().count()) {
            return Ok(());
        }
        Err(Refusal::field(field, &format!("must have 1 to {most} characters")))
    };
    let one_of = |field: &str, word: &str, words: &[&str]| {
        if words.contains(&word) {
            return Ok(());
        }
        Err(Refusal::field(field, &format!("must be one of {}", words.join(", "))))
    };
    let priority = message.priority.unwrap_or_else(|| "medium".to_owned());
    let kind = message.r#type.unwrap_or_else(|| "info".to_owned());
    length("body -> title", &message.title, 200)?;
    length("body -> message", &message.message, 1000)?;
    if let Some(url) = &message.action_url {
        length("body -> action_url", url, MOST_URL)?;
    }
    let metadata = message.metadata.as_ref().map(|metadata| Value::Object(metadata.clone()).to_string());
    if metadata.is_some_and(|text| text.len() > MOST_METADATA) {
        let most = format!("must have at most {MOST_METADATA} bytes");
        return Err(Refusal::field("body -> metadata", &most));
    }
    one_of("body -> priority", &priority, &["low", "medium", "high", "critical"])?;
    one_of("body -> type", &kind, &["info", "warning", "alert", "success", "error"])?;
    Ok(json!({
        "notification_id": id,
        "title": message.title,
        "message": message.message,
        "priority": priority,
        "type": kind,
        "timestamp": stamp,
        "metadata": message.metadata,
        "action_url": message.action_url,
    }))
}
