//! What the double knows: accounts, the record, who is connected, and what a test wants to see of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{Detection, Pace, messages};

/// Everything, behind one lock.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) pace: Pace,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) users: Vec<User>,
    pub(super) shops: Vec<Shop>,
    pub(super) tokens: HashMap<String, Issued>,
    /// Newest last.
    pub(super) rows: Vec<Row>,
    /// By path.
    pub(super) frames: HashMap<String, Bytes>,
    /// One per user, whatever sockets are open.
    pub(super) slots: HashMap<String, Slot>,
    /// Every open socket.
    pub(super) sockets: HashMap<u64, mpsc::UnboundedSender<Order>>,
    pub(super) next_socket: u64,
    pub(super) failures: Vec<Failure>,
    /// Sockets are closed as soon as they are open.
    pub(super) drops_sockets: bool,
    /// The record shows its first rows alone.
    pub(super) shown: Option<usize>,
    pub(super) acks: Vec<Acked>,
    pub(super) patches: Vec<Patched>,
    pub(super) requests: Vec<Requested>,
}

#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) password: String,
}

#[derive(Debug, Clone)]
pub(super) struct Shop {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) name: String,
}

#[derive(Debug)]
pub(super) struct Issued {
    pub(super) user: String,
    pub(super) expires: Timestamp,
}

/// Where a user's alerts go.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) since: Instant,
    /// The same by the server's clock, as it was then.
    pub(super) connected_at: String,
    pub(super) heartbeat: Instant,
    pub(super) orders: mpsc::UnboundedSender<Order>,
}

/// What a socket's task is told.
#[derive(Debug)]
pub(super) enum Order {
    Send(String),
    Close(u16),
}

/// A row of the record.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) shop: String,
    pub(super) at: Timestamp,
    pub(super) location: String,
    pub(super) severity: &'static str,
    pub(super) status: String,
    pub(super) description: String,
    pub(super) image_url: Option<String>,
    pub(super) kind: &'static str,
    pub(super) score: Option<f64>,
    pub(super) resolved: Option<(String, Timestamp)>,
    pub(super) notes: Option<String>,
    pub(super) extra_data: Value,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A path that fails.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) path: String,
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
}

/// An `ack` as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acked {
    /// Who sent it.
    pub user: String,
    /// Its `stream_id`.
    pub stream: Option<String>,
    /// Its `alert_id`.
    pub alert: Option<String>,
}

/// A `PATCH` that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    /// The row.
    pub id: String,
    /// The new status.
    pub status: String,
    /// The note, where one came.
    pub notes: Option<String>,
}

/// A request, and whether it carried a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// `GET` and so on.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query without a token's value.
    pub query: String,
    /// The answer's status.
    pub status: u16,
}

impl Shared {
    pub(super) fn new(pace: Pace) -> Shared {
        Shared { pace, state: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Sends to whoever holds the user's slot; dropped where nobody does.
    pub(super) fn deliver(&mut self, user: &str, text: String) {
        if let Some(slot) = self.slots.get(user)
            && slot.orders.send(Order::Send(text)).is_err()
        {
            self.slots.remove(user);
        }
    }

    /// A socket that is nobody's client takes the slot.
    pub(super) fn steal(&mut self, user: &str) {
        let (orders, mut received) = mpsc::unbounded_channel();
        tokio::spawn(async move { while received.recv().await.is_some() {} });
        let now = Instant::now();
        self.slots.insert(
            user.to_owned(),
            Slot { since: now, connected_at: messages::local(Timestamp::now()), heartbeat: now, orders },
        );
    }

    pub(super) fn close_all(&mut self, code: u16) {
        for orders in self.sockets.values() {
            let _ = orders.send(Order::Close(code));
        }
    }

    pub(super) fn forget_connections(&mut self) {
        self.slots.clear();
        self.sockets.clear();
    }

    pub(super) fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }

    pub(super) fn row_mut(&mut self, id: &str) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.id == id)
    }

    pub(super) fn record(&mut self, detection: &Detection) -> &Row {
        let (id, now) = (uuid::Uuid::new_v4().to_string(), now() - detection.clock_behind);
        let image_url = detection.picture.as_ref().map(|picture| {
            let path =
                format!("/api/anomalies/frames/{}/{}_{}.jpg", detection.shop, now.as_second(), &id[..8]);
            self.frames.insert(path.clone(), picture.clone());
            path
        });
        let score = detection.score.parse::<f64>().ok().map(f64::abs);
        self.rows.push(Row {
            id,
            shop: detection.shop.clone(),
            at: now - detection.late,
            location: super::messages::location(&detection.stream),
            severity: "low",
            status: "pending".to_owned(),
            description: super::messages::description(detection.person),
            image_url,
            kind: "suspicious_behavior",
            score,
            resolved: None,
            notes: None,
            extra_data: serde_json::json!({
                "bbox": null, "end_frame": 12, "person_id": detection.person, "stream_id": detection.stream,
                "start_frame": 1, "frame_number": detection.frame_number, "classification": "Abnormal",
            }),
            created_at: now,
            updated_at: now,
        });
        &self.rows[self.rows.len() - 1]
    }

    pub(super) fn record_intrusion(&mut self, shop: &str, stream: &str) -> &Row {
        let (id, now) = (uuid::Uuid::new_v4().to_string(), now());
        let path = format!("/api/anomalies/frames/{shop}/{}_{}.jpg", now.as_second(), &id[..8]);
        self.frames.insert(path.clone(), crate::picture::jpeg(9));
        self.rows.push(Row {
            id,
            shop: shop.to_owned(),
            at: now,
            location: "Front door".to_owned(),
            severity: "high",
            status: "pending".to_owned(),
            description: "Owl Eye Alert: 1 unauthorized person(s) detected in sentry mode".to_owned(),
            image_url: Some(path),
            kind: "owl_eye_intrusion",
            score: Some(0.87),
            resolved: None,
            notes: None,
            extra_data: serde_json::json!({
                "bbox": null, "end_frame": null, "person_id": null, "stream_id": stream, "start_frame": null,
                "frame_number": null, "classification": null,
            }),
            created_at: now,
            updated_at: now,
        });
        &self.rows[self.rows.len() - 1]
    }
}

/// Now, as exactly as the database keeps it.
fn now() -> Timestamp {
    Timestamp::from_microsecond(Timestamp::now().as_microsecond()).unwrap()
}
