//! What travels on the socket, both ways, read tolerantly.
//!
//! Numbers or strings where the backend has both, unknown fields skipped without building a tree, unknown types
//! counted and never fatal, bare `NaN` and `Infinity` read in a second pass so that the alert is not lost. No error
//! text holds a frame or a token.

mod read;
mod wire;
mod write;

use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::id::{AnomalyId, Cursor, StreamId};

pub(crate) use self::read::{
    MAX_LOCATION, MAX_TEXT, MAX_WORD, anomaly_id, magnitude, read_object, shop_id, stream_id,
};
pub(crate) use self::wire::Rectangle;
pub use self::write::{alert_header, alert_text, binary};

/// A message from the server.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerMessage {
    /// The first message of a connection that speaks protocol 2.
    Welcome(Welcome),
    /// The server asks whether we are there.
    Ping {
        /// The newest place in the user's log (protocol 2): it is the cursor of the last alert that arrived, or something
        /// is still to come.
        head: Option<Cursor>,
    },
    /// The answer to our ping.
    Pong,
    /// A detection: `anomaly_detected`, or a `notification` that belongs to one.
    Alert(Box<Alert>),
    /// A `notification` that belongs to no detection: a message to the user, hostile text.
    Notice(Notice),
    /// A type that this version does not know; its name is cut at 40 characters.
    Unknown(String),
}

/// What the server says first to a client of protocol 2: everything after the client's cursor follows, oldest first, then
/// what is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Welcome {
    /// The protocol that the server speaks on this connection.
    pub protocol: u32,
    /// Names the log: a log that was lost and begun anew has another. At most 100 characters.
    pub epoch: String,
    /// The newest place in the user's log as the connection opened. Where the client had no cursor, or one that the log
    /// cannot follow, what comes begins after it.
    pub head: Cursor,
    /// False: the log could not go on where the client's cursor stood, and what lies between is to be had from the record.
    pub recovered: bool,
    /// Between two pings of the server, where it says so.
    pub ping_seconds: Option<u32>,
    /// Silence after which the server closes the connection, where it says so.
    pub dead_seconds: Option<u32>,
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
        /// The alert's place in the log, where the server gave it one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        cursor: Option<Cursor>,
        /// The frame of the detection, where the server gave it no id: with the stream it says which one is meant, also where an
        /// earlier one could not be stored.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        frame_number: Option<i64>,
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
    /// A binary message too short for what it must hold, or for the header that it announces.
    #[error("a binary message of {bytes} bytes cannot hold a header of {header} bytes")]
    BadLength {
        /// The message's length.
        bytes: usize,
        /// The header's length as the message gives it; 0 where it is too short even for that.
        header: usize,
    },
    /// A binary message of another type than the alerts that may come so.
    #[error("a binary message of {bytes} bytes is not an alert")]
    NotAnAlert {
        /// The message's length.
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

#[cfg(test)]
mod tests;
