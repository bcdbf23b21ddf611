//! The alert socket, with what the original does wrong.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant as Moment, interval_at, sleep, sleep_until};

use super::state::{Acked, Order, Shared, Slot};
use super::{messages, routes, token};

/// 403 without a body, whatever the reason.
pub(super) fn refused() -> Response {
    Response::builder()
        .status(StatusCode::FORBIDDEN)
        .header(header::CONTENT_TYPE, "text/plain")
        .header(header::CONTENT_LENGTH, "0")
        .header(header::CONNECTION, "close")
        .body(Body::empty())
        .unwrap()
}

/// The token counts only in the query; the id in the path is compared as text.
pub(super) async fn handshake(
    State(shared): State<Arc<Shared>>,
    Path(user): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else { return routes::missing(&format!("/ws/alerts/{user}")) };
    let owner = query.get("token").and_then(|bearer| token::owner(&shared, bearer));
    if owner.as_deref() != Some(user.as_str()) {
        return refused();
    }
    upgrade.max_message_size(16 << 20).on_upgrade(move |socket| serve(socket, shared, user))
}

/// How the handler ended.
enum Exit {
    /// The socket is gone.
    Gone,
    /// The handler failed on what it was sent: the user is forgotten, the socket stays open and silent.
    Zombie,
}

async fn serve(mut socket: WebSocket, shared: Arc<Shared>, user: String) {
    if shared.lock().drops_sockets {
        return;
    }
    let (orders, mut received) = mpsc::unbounded_channel();
    let now = Instant::now();
    let number = {
        let mut state = shared.lock();
        let number = state.next_socket;
        state.next_socket += 1;
        state.sockets.insert(number, orders.clone());
        // Whoever held the slot keeps the socket and hears nothing of it.
        state.slots.insert(
            user.clone(),
            Slot { since: now, connected_at: messages::local(Timestamp::now()), heartbeat: now, orders },
        );
        number
    };

    let exit = converse(&mut socket, &mut received, &shared, &user).await;

    // By user alone: also when the slot belongs to a newer socket by now.
    sleep(shared.pace.exit_takes).await;
    shared.lock().slots.remove(&user);
    if matches!(exit, Exit::Zombie) {
        linger(&mut socket, &mut received).await;
    }
    shared.lock().sockets.remove(&number);
}

async fn converse(
    socket: &mut WebSocket,
    received: &mut mpsc::UnboundedReceiver<Order>,
    shared: &Shared,
    user: &str,
) -> Exit {
    let pace = &shared.pace;
    let mut pings = interval_at(Moment::now() + pace.ping_every, pace.ping_every);
    let mut keepalives = interval_at(Moment::now() + pace.keepalive, pace.keepalive);
    let mut answer_due: Option<Moment> = None;
    loop {
        let overdue = async {
            match answer_due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let sent = tokio::select! {
            order = received.recv() => match order {
                Some(Order::Send(text)) => socket.send(Message::Text(text.into())).await,
                Some(Order::Close(code)) => return close(socket, shared, code, "").await,
                None => return Exit::Gone,
            },
            _ = pings.tick() => socket.send(Message::Text(messages::heartbeat("ping").into())).await,
            _ = keepalives.tick() => {
                answer_due.get_or_insert(Moment::now() + pace.keepalive);
                socket.send(Message::Ping(vec![1, 2, 3, 4].into())).await
            }
            () = overdue => return close(socket, shared, 1011, "keepalive ping timeout").await,
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => match hear(&text, shared, user) {
                    Heard::Answer(answer) => socket.send(Message::Text(answer.into())).await,
                    Heard::Nothing => Ok(()),
                    Heard::Nonsense => return Exit::Zombie,
                },
                Some(Ok(Message::Binary(_))) => return Exit::Zombie,
                Some(Ok(Message::Pong(_))) => {
                    answer_due = None;
                    Ok(())
                }
                Some(Ok(Message::Ping(_))) => Ok(()),
                // Draining answers the close frame.
                Some(Ok(Message::Close(_))) => {
                    while let Some(Ok(_)) = socket.recv().await {}
                    return Exit::Gone;
                }
                Some(Err(_)) | None => return Exit::Gone,
            },
        };
        if sent.is_err() {
            return Exit::Gone;
        }
    }
}

async fn close(socket: &mut WebSocket, shared: &Shared, code: u16, reason: &'static str) -> Exit {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    let _ = socket.send(Message::Close(Some(frame))).await;
    let answer = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(shared.pace.close_within, answer).await;
    Exit::Gone
}

/// Open, unregistered, silent: only a close of the other side ends it.
async fn linger(socket: &mut WebSocket, received: &mut mpsc::UnboundedReceiver<Order>) {
    loop {
        tokio::select! {
            message = socket.recv() => if !matches!(message, Some(Ok(_))) { return },
            order = received.recv() => match order {
                Some(Order::Send(_)) => {}
                Some(Order::Close(_)) | None => return,
            },
        }
    }
}

enum Heard {
    Answer(String),
    Nothing,
    /// JSON that is not an object: the original's handler raises.
    Nonsense,
}

fn hear(text: &str, shared: &Shared, user: &str) -> Heard {
    let Ok(message) = serde_json::from_str::<Value>(text) else { return Heard::Nothing };
    let Some(message) = message.as_object() else { return Heard::Nonsense };
    let word = |key: &str| message.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut state = shared.lock();
    match word("type").as_deref() {
        Some("ping") => {
            if let Some(slot) = state.slots.get_mut(user) {
                slot.heartbeat = Instant::now();
            }
            Heard::Answer(messages::heartbeat("pong"))
        }
        Some("pong") => {
            if let Some(slot) = state.slots.get_mut(user) {
                slot.heartbeat = Instant::now();
            }
            Heard::Nothing
        }
        Some("ack") => {
            state.acks.push(Acked {
                user: user.to_owned(),
                stream: word("stream_id"),
                alert: word("alert_id"),
            });
            Heard::Nothing
        }
        Some(_) | None => Heard::Nothing,
    }
}
