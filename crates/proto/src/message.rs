//! What travels on the socket, both ways, read tolerantly.
//!
//! Numbers or strings where the backend has both, unknown fields skipped without building a tree, unknown types
//! counted and never fatal, bare `NaN` and `Infinity` read in a second pass so that the alert is not lost. No error
//! text holds a frame or a token.

use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::id::{AnomalyId, StreamId};

/// A message from the server.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerMessage {
    /// The server asks whether we are there.
    Ping,
    /// The answer to our ping.
    Pong,
    /// A detection: `anomaly_detected`, or a `notification` that belongs to one.
    Alert(Box<Alert>),
    /// A `notification` that belongs to no detection: a message to the user, hostile text.
    Notice(Notice),
    /// A type that this version does not know; its name is cut at 40 characters.
    Unknown(String),
}

/// A message to the user that is no detection (`POST /api/notifications/send` and `/test`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The server's id for it.
    pub id: String,
    /// Hostile text, at most 200 characters.
    pub title: String,
    /// Hostile text, at most 1,000 characters.
    pub message: String,
    /// `low`, `medium`, `high`, `critical`; anything else is kept out.
    pub priority: Option<String>,
    /// `metadata.nonce`, where the sender put one: how a drill recognises itself.
    pub nonce: Option<String>,
}

/// A message from the client. Always a JSON object in a text frame: the backend goes deaf on anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Asks whether the server is there.
    Ping,
    /// Answers the server's ping.
    Pong,
    /// Says that an alert is stored on disk.
    Ack {
        /// The camera stream; all that the original backend reads.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        stream_id: Option<StreamId>,
        /// The alert, where the server gave it an id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        alert_id: Option<AnomalyId>,
    },
}

/// A message that was understood, and whether it had to be repaired first.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What it says.
    pub message: ServerMessage,
    /// Bare `NaN` or `Infinity` were read as "no number".
    pub repaired: bool,
}

/// Why a text is not a message. Holds nothing of the text but its length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, also after repair.
    #[error("a message of {bytes} bytes is not JSON (column {column})")]
    NotJson {
        /// The text's length.
        bytes: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// JSON, but not an object with a `type`.
    #[error("a message of {bytes} bytes has no type")]
    NoType {
        /// The text's length.
        bytes: usize,
    },
    /// A known type without what makes it meaningful.
    #[error("a message of type {kind} lacks {field}")]
    Incomplete {
        /// The type.
        kind: &'static str,
        /// The first missing or unusable field.
        field: &'static str,
    },
}

impl ServerMessage {
    /// Reads one text frame from the server.
    pub fn read(text: &str) -> Result<Read, ReadError> {
        let _ = text;
        todo!()
    }
}

impl ClientMessage {
    /// The text frame to send.
    pub fn to_text(&self) -> String {
        todo!()
    }

    /// Reads one text frame from a client; `None` for a type this version does not know.
    pub fn read(text: &str) -> Result<Option<ClientMessage>, ReadError> {
        let _ = text;
        todo!()
    }
}
