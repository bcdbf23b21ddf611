//! The server's end of the alert socket: a state machine without IO.
//!
//! One [`Session`] belongs to one connection and lives as long as it. Told what happened and what time it is, it
//! says what to do: after each input, drain [`Session::poll_action`] and [`Session::poll_event`], then call
//! [`Session::handle_timeout`] at [`Session::poll_timeout`].

use std::time::Duration;

use bytes::Bytes;

use crate::id::{AnomalyId, StreamId};
use crate::moment::Moment;

/// Close code for a peer that was silent for [`Config::dead_after`].
pub const NO_HEARTBEAT: u16 = 4010;
/// Close code for a server that restarts: the client returns within a second or two.
pub const RESTART: u16 = 1012;

/// The contract's times and bounds.
#[derive(Debug, Clone)]
pub struct Config {
    /// Between two of our pings.
    pub ping_every: Duration,
    /// Silence after which the peer is dead and the connection is closed with [`NO_HEARTBEAT`].
    pub dead_after: Duration,
    /// How many unacknowledged alerts are remembered; beyond it the oldest is forgotten, because a client of the
    /// original protocol may never acknowledge.
    pub remember: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { ping_every: Duration::from_secs(30), dead_after: Duration::from_secs(60), remember: 256 }
    }
}

/// One text frame, serialised once and shared by every connection it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(Bytes);

/// What the driver must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send this text frame.
    Send(Text),
    /// Send a close frame, then end the connection without waiting long for the answer. Nothing follows.
    Close {
        /// The close code.
        code: u16,
    },
}

/// What the application should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The client has stored this alert on disk.
    Acknowledged(AnomalyId),
    /// A message was ignored: not readable or of an unknown type. Safe to log; holds nothing of its content.
    Ignored(String),
}

/// The server's end of one connection.
#[derive(Debug)]
pub struct Session {}

impl Session {
    /// The handshake succeeded.
    pub fn open(config: Config, now: Moment) -> Session {
        let _ = (config, now);
        todo!()
    }

    /// A text frame arrived.
    pub fn handle_text(&mut self, text: &str, now: Moment) {
        let _ = (text, now);
        todo!()
    }

    /// Any other sign of life arrived: a control frame, part of a message, a binary frame (ignored).
    pub fn handle_bytes(&mut self, now: Moment) {
        let _ = now;
        todo!()
    }

    /// The time of [`Session::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Moment) {
        let _ = now;
        todo!()
    }

    /// Sends an alert, `text` being its whole `anomaly_detected` message, and remembers it until it is acknowledged.
    pub fn send_alert(&mut self, id: AnomalyId, stream: StreamId, text: Text) {
        let _ = (id, stream, text);
        todo!()
    }

    /// Sends any other message as it is; nothing is remembered.
    pub fn send(&mut self, text: Text) {
        let _ = text;
        todo!()
    }

    /// Ends the connection with this close code ([`RESTART`] when the server stops).
    pub fn close(&mut self, code: u16) {
        let _ = code;
        todo!()
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        todo!()
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    /// When [`Session::handle_timeout`] must be called; none once closed.
    pub fn poll_timeout(&self) -> Option<Moment> {
        todo!()
    }

    /// When the connection was opened.
    pub fn opened_at(&self) -> Moment {
        todo!()
    }

    /// When anything was last heard from the client.
    pub fn heard_at(&self) -> Moment {
        todo!()
    }

    /// How many alerts are sent and not yet acknowledged (at most [`Config::remember`]).
    pub fn unacknowledged(&self) -> usize {
        todo!()
    }
}

impl Text {
    /// The text as bytes, for the socket; always UTF-8.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(Bytes::from(text))
    }
}
