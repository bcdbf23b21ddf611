//! The server's end of the alert socket: a state machine without IO.
//!
//! One [`Session`] belongs to one connection and lives as long as it. Told what happened and what time it is, it
//! says what to do: after each input, drain [`Session::poll_action`] and [`Session::poll_event`], then call
//! [`Session::handle_timeout`] at [`Session::poll_timeout`].

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::id::{AnomalyId, StreamId};
use crate::message::ClientMessage;
use crate::moment::Moment;

/// Close code for a peer that was silent for [`Config::dead_after`].
pub const NO_HEARTBEAT: u16 = 4010;
/// Close code for a server that restarts: the client returns within a second or two.
pub const RESTART: u16 = 1012;

/// How late this computer may be before a client's silence says nothing about the client, and how long the client
/// then has for a sign of life.
const GRACE: Duration = Duration::from_secs(5);

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
pub struct Session {
    config: Config,
    state: State,
    opened_at: Moment,
    heard_at: Moment,
    /// Sent and not yet acknowledged, oldest first.
    unacknowledged: VecDeque<(AnomalyId, StreamId)>,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
}

#[derive(Debug)]
enum State {
    Open {
        ping_at: Moment,
        /// After this computer stood still: when the client's time for a sign of life is over.
        grace_until: Option<Moment>,
    },
    Closed,
}

impl Session {
    /// The handshake succeeded.
    pub fn open(config: Config, now: Moment) -> Session {
        let ping_at = now + config.ping_every;
        Session {
            config,
            state: State::Open { ping_at, grace_until: None },
            opened_at: now,
            heard_at: now,
            unacknowledged: VecDeque::new(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// A text frame arrived.
    pub fn handle_text(&mut self, text: &str, now: Moment) {
        if !self.hear(now) {
            return;
        }
        match ClientMessage::read(text) {
            Ok(Some(ClientMessage::Ping)) => self.send(Text::from(&ClientMessage::Pong)),
            Ok(Some(ClientMessage::Pong)) => {}
            Ok(Some(ClientMessage::Ack { stream_id, alert_id, cursor: _ })) => self.acknowledge(stream_id, alert_id),
            Ok(None) => self.events.push_back(Event::Ignored("a message of unknown type".to_owned())),
            Err(error) => self.events.push_back(Event::Ignored(error.to_string())),
        }
    }

    /// Any other sign of life arrived: a control frame, part of a message, a binary frame (ignored).
    pub fn handle_bytes(&mut self, now: Moment) {
        self.hear(now);
    }

    /// The time of [`Session::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Moment) {
        let dead_at = self.dead_at();
        let State::Open { ping_at, grace_until } = &mut self.state else { return };
        let silent = dead_at <= now;
        let overslept = silent && grace_until.is_none() && now.since(dead_at) > GRACE;
        if overslept {
            *grace_until = Some(now + GRACE);
        } else if silent {
            return self.close(NO_HEARTBEAT);
        }
        if overslept || *ping_at <= now {
            *ping_at = now + self.config.ping_every;
            self.send(Text::from(&ClientMessage::Ping));
        }
    }

    /// Sends an alert, `text` being its whole `anomaly_detected` message, and remembers it until it is acknowledged.
    pub fn send_alert(&mut self, id: AnomalyId, stream: StreamId, text: Text) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.unacknowledged.push_back((id, stream));
        if self.unacknowledged.len() > self.config.remember {
            self.unacknowledged.pop_front();
        }
        self.send(text);
    }

    /// Sends any other message as it is; nothing is remembered.
    pub fn send(&mut self, text: Text) {
        match self.state {
            State::Open { .. } => self.actions.push_back(Action::Send(text)),
            State::Closed => {}
        }
    }

    /// Ends the connection with this close code ([`RESTART`] when the server stops).
    pub fn close(&mut self, code: u16) {
        match self.state {
            State::Open { .. } => {
                self.state = State::Closed;
                self.actions.push_back(Action::Close { code });
            }
            State::Closed => {}
        }
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Session::handle_timeout`] must be called; none once closed.
    pub fn poll_timeout(&self) -> Option<Moment> {
        match self.state {
            State::Open { ping_at, .. } => Some(ping_at.min(self.dead_at())),
            State::Closed => None,
        }
    }

    /// When the connection was opened.
    pub fn opened_at(&self) -> Moment {
        self.opened_at
    }

    /// When anything was last heard from the client.
    pub fn heard_at(&self) -> Moment {
        self.heard_at
    }

    /// How many alerts are sent and not yet acknowledged (at most [`Config::remember`]).
    pub fn unacknowledged(&self) -> usize {
        self.unacknowledged.len()
    }

    /// Takes note of a sign of life; false once closed.
    fn hear(&mut self, now: Moment) -> bool {
        match &mut self.state {
            State::Open { grace_until, .. } => {
                *grace_until = None;
                self.heard_at = now;
                true
            }
            State::Closed => false,
        }
    }

    fn dead_at(&self) -> Moment {
        match self.state {
            State::Open { grace_until: Some(until), .. } => until,
            State::Open { grace_until: None, .. } | State::Closed => self.heard_at + self.config.dead_after,
        }
    }

    /// With an id: that alert. In the original form, without: the oldest of that stream. Anything else is ignored,
    /// so that an ack may come twice and a foreign one does nothing.
    fn acknowledge(&mut self, stream: Option<StreamId>, alert: Option<AnomalyId>) {
        let found = self.unacknowledged.iter().position(|(id, sent_stream)| match (&alert, &stream) {
            (Some(alert), _) => id == alert,
            (None, Some(stream)) => sent_stream == stream,
            (None, None) => false,
        });
        if let Some((id, _)) = found.and_then(|at| self.unacknowledged.remove(at)) {
            self.events.push_back(Event::Acknowledged(id));
        }
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

impl From<&ClientMessage> for Text {
    fn from(message: &ClientMessage) -> Text {
        Text::from(message.to_text())
    }
}

#[cfg(test)]
mod tests;
