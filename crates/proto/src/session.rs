//! The server's end of the alert socket: a state machine without IO.
//!
//! One [`Session`] belongs to one connection and lives as long as it. Told what happened and what time it is, it
//! says what to do: after each input, drain [`Session::poll_action`] and [`Session::poll_event`], then call
//! [`Session::handle_timeout`] at [`Session::poll_timeout`].
//!
//! To a client of protocol 1 alerts are handed with [`Session::send_alert`]. A client of protocol 2 follows its user's
//! log: whenever all that was sent is written, ask [`Session::poll_read`] whether to read more of it.

mod follower;
mod unacknowledged;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

pub use self::follower::{Entry, Frames, Page, Read, Start};

use self::follower::Follower;
use self::unacknowledged::Unacknowledged;
pub use crate::close::{FLOW, NO_HEARTBEAT, RESTART};
use crate::id::{AnomalyId, Cursor, StreamId};
use crate::message::{ClientMessage, ServerMessage, Welcome};
use crate::moment::Moment;

/// The newest protocol that a session speaks.
pub const PROTOCOL: u32 = 2;

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
    /// How many unacknowledged alerts are remembered of protocol 1; beyond it the oldest is forgotten, because a client
    /// of the original protocol may never acknowledge.
    pub remember: usize,
    /// Most alerts sent and not acknowledged in protocol 2.
    pub in_flight_alerts: usize,
    /// Most bytes of them; a single alert may be larger.
    pub in_flight_bytes: usize,
    /// How long that may hold alerts back without any being acknowledged before the connection is closed with [`FLOW`].
    pub stuck_after: Duration,
    /// Most alerts that are read of the log at once.
    pub page_alerts: usize,
    /// Most bytes that are read of the log at once; a single alert may be larger.
    pub page_bytes: usize,
    /// How long to wait after the log could not be read.
    pub read_again_after: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            ping_every: Duration::from_secs(30),
            dead_after: Duration::from_secs(60),
            remember: 256,
            in_flight_alerts: 32,
            in_flight_bytes: 8 * 1024 * 1024,
            stuck_after: Duration::from_secs(60),
            page_alerts: 8,
            page_bytes: 256 * 1024,
            read_again_after: Duration::from_secs(1),
        }
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
    /// Send this binary frame.
    SendBinary(Bytes),
    /// Look up the newest place in the user's log, or `since` where nothing is newer, and answer with
    /// [`Session::handle_head`].
    FindHead {
        /// The last alert that the client has or is about to get.
        since: Cursor,
    },
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
    unacknowledged: Unacknowledged,
    /// Of protocol 2 alone.
    follower: Option<Follower>,
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
            unacknowledged: Unacknowledged::default(),
            follower: None,
            actions: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The handshake of a client of protocol 2 succeeded: it is welcomed, then follows its user's log.
    pub fn follow(config: Config, start: Start, now: Moment) -> Session {
        let seconds = |time: Duration| Some(time.as_secs_f64().ceil() as u32);
        let welcome = Welcome {
            protocol: PROTOCOL,
            epoch: start.epoch.clone(),
            head: start.head.clone(),
            recovered: start.recovered,
            ping_seconds: seconds(config.ping_every),
            dead_seconds: seconds(config.dead_after),
        };
        let mut session = Session::open(config, now);
        session.send(Text::from(welcome.to_text()));
        session.follower = Some(Follower::new(start));
        session
    }

    /// A text frame arrived.
    pub fn handle_text(&mut self, text: &str, now: Moment) {
        if !self.hear(now) {
            return;
        }
        match ClientMessage::read(text) {
            Ok(Some(ClientMessage::Ping)) => self.send(Text::from(&ClientMessage::Pong)),
            Ok(Some(ClientMessage::Pong)) => {}
            Ok(Some(ClientMessage::Ack { stream_id, alert_id, cursor, frame_number: _ })) => {
                let (stream, alert) = (stream_id.as_ref(), alert_id.as_ref());
                if let Some(id) = self.unacknowledged.acknowledge(stream, alert, cursor.as_ref()) {
                    self.events.push_back(Event::Acknowledged(id));
                    self.go_on(true, now);
                }
            }
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
            self.ping();
        }
        if self.follower.as_mut().is_some_and(|follower| !follower.handle_timeout(now)) {
            return self.close(FLOW);
        }
        self.go_on(false, now);
    }

    /// The user's log has grown.
    pub fn ring(&mut self, now: Moment) {
        if let Some(follower) = &mut self.follower {
            follower.ring();
        }
        self.go_on(false, now);
    }

    /// What to read of the log now, to be asked whenever all that was sent is written; answer with
    /// [`Session::handle_page`] or [`Session::handle_unreadable`]. None while there is nothing to read or no room for it.
    pub fn poll_read(&mut self) -> Option<Read> {
        self.follower.as_mut()?.poll_read(&self.unacknowledged, &self.config)
    }

    /// This was read of the log.
    pub fn handle_page(&mut self, page: Page, now: Moment) {
        if let Some(follower) = &mut self.follower {
            follower.handle_page(page);
        }
        self.go_on(false, now);
    }

    /// The log could not be read; [`Session::poll_read`] asks again after a while.
    pub fn handle_unreadable(&mut self, now: Moment) {
        if let Some(follower) = &mut self.follower {
            follower.handle_unreadable(now, &self.config);
        }
    }

    /// The newest place in the log, as [`Action::FindHead`] asked; none where it could not be found.
    pub fn handle_head(&mut self, head: Option<&Cursor>, now: Moment) {
        if self.follower.as_mut().is_some_and(|follower| follower.handle_head(head)) {
            self.send(Text::from(ServerMessage::ping(head)));
            self.go_on(false, now);
        }
    }

    /// Sends an alert, `text` being its whole `anomaly_detected` message, and remembers it until it is acknowledged.
    pub fn send_alert(&mut self, id: AnomalyId, stream: StreamId, text: Text) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.unacknowledged.remember(id, stream, self.config.remember);
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
                self.follower = None;
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
            State::Open { ping_at, .. } => {
                let own = ping_at.min(self.dead_at());
                let following = self.follower.as_ref().and_then(Follower::poll_timeout);
                Some(following.map_or(own, |at| at.min(own)))
            }
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

    /// How many alerts are sent and not yet acknowledged (at most [`Config::remember`], or
    /// [`Config::in_flight_alerts`] in protocol 2).
    pub fn unacknowledged(&self) -> usize {
        self.unacknowledged.len()
    }

    /// How many bytes of alerts are sent and not yet acknowledged, in protocol 2.
    pub fn unacknowledged_bytes(&self) -> usize {
        self.unacknowledged.bytes()
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

    fn ping(&mut self) {
        match self.follower.as_mut().and_then(Follower::ask_head) {
            Some(since) => self.actions.push_back(Action::FindHead { since }),
            None => self.send(Text::from(&ClientMessage::Ping)),
        }
    }

    /// Sends what was read of the log as far as it may be in flight; `progress` says that the client acknowledged some.
    fn go_on(&mut self, progress: bool, now: Moment) {
        let Some(follower) = &mut self.follower else { return };
        while let Some(message) = follower.next(&mut self.unacknowledged, &self.config) {
            self.actions.push_back(match message {
                Message::Text(text) => Action::Send(text),
                Message::Binary(bytes) => Action::SendBinary(bytes),
            });
        }
        if progress {
            follower.progress();
        }
        follower.judge(&self.unacknowledged, now, &self.config);
    }
}

/// An alert as it is sent.
enum Message {
    Text(Text),
    Binary(Bytes),
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
