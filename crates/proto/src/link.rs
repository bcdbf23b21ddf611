//! The client's end of the alert socket: a state machine without IO.
//!
//! Told what happened and what time it is, it says what to do. After each input, drain [`Link::poll_action`] and
//! [`Link::poll_event`], then call [`Link::handle_timeout`] at [`Link::poll_timeout`].

use std::time::Duration;

use crate::alert::Alert;
use crate::cause::Cause;
use crate::message::{ClientMessage, Notice};
use crate::moment::Moment;

/// The contract's times.
#[derive(Debug, Clone)]
pub struct Config {
    /// Between two of our pings.
    pub ping_every: Duration,
    /// Silence after which the link is dead.
    pub dead_after: Duration,
    /// An attempt's deadline, from opening to the handshake's end.
    pub connect_within: Duration,
    /// A probe's deadline after a wake.
    pub probe_within: Duration,
    /// How long a connection must last before the backoff starts over.
    pub proven_after: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            ping_every: Duration::from_secs(30),
            dead_after: Duration::from_secs(60),
            connect_within: Duration::from_secs(20),
            probe_within: Duration::from_secs(5),
            proven_after: Duration::from_secs(30),
        }
    }
}

/// Where the link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing is wanted.
    Offline,
    /// An attempt is under way.
    Connecting {
        /// Its deadline.
        give_up_at: Moment,
    },
    /// Connected.
    Online {
        /// When the handshake ended.
        since: Moment,
        /// When anything was last heard.
        heard_at: Moment,
        /// When our next ping is due.
        ping_at: Moment,
    },
    /// Between two attempts.
    Waiting {
        /// When the next attempt starts.
        until: Moment,
        /// Why the last one ended.
        cause: Cause,
    },
    /// Retrying cannot help until somebody acts.
    Rejected {
        /// Why.
        cause: Cause,
    },
}

/// What the driver must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open a connection; answer with `handle_open` or `handle_close`.
    Open,
    /// Send this text frame.
    Send(ClientMessage),
    /// Close the socket, politely where it still answers, and forget it.
    Close {
        /// The close code to send.
        code: u16,
    },
}

/// What the application should know.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The state changed; read it with [`Link::state`].
    Changed,
    /// An alert arrived; acknowledge it once it is stored.
    Alert(Box<Alert>),
    /// A message to the user arrived.
    Notice(Notice),
    /// A message could not be read or is of an unknown type; the connection stays.
    Unreadable(String),
    /// A message was read after repairing bare `NaN` or `Infinity`.
    Repaired,
    /// The token must be refreshed, or checked with `GET /auth/me`, before the next attempt: answer with
    /// `connect` (new token) or `handle_close(Cause::TokenRejected | Cause::AddressRejected, ..)`.
    Question(Cause),
}

/// The client's end of the protocol.
#[derive(Debug)]
pub struct Link {
    state: State,
}

impl Link {
    /// A link at rest; `seed` draws the jitter of its waits.
    pub fn new(config: Config, seed: u64) -> Link {
        let _ = (config, seed);
        todo!()
    }

    /// Where the link stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Asks for a connection now, whatever wait is under way ("Retry now", a wake, a network that returned).
    pub fn connect(&mut self, now: Moment) {
        let _ = now;
        todo!()
    }

    /// Ends the connection and stays offline.
    pub fn disconnect(&mut self) {
        todo!()
    }

    /// Ends the connection and opens another after `pause`: the slot on the server is to be claimed anew.
    pub fn reclaim(&mut self, now: Moment, pause: Duration) {
        let _ = (now, pause);
        todo!()
    }

    /// After a wake: probes an open connection with a short deadline, or attempts at once.
    pub fn probe(&mut self, now: Moment) {
        let _ = now;
        todo!()
    }

    /// The handshake succeeded.
    pub fn handle_open(&mut self, now: Moment) {
        let _ = now;
        todo!()
    }

    /// A text frame arrived.
    pub fn handle_text(&mut self, text: &str, now: Moment) {
        let _ = (text, now);
        todo!()
    }

    /// Any other sign of life arrived: a control frame, part of a message.
    pub fn handle_bytes(&mut self, now: Moment) {
        let _ = now;
        todo!()
    }

    /// The attempt or the connection ended.
    pub fn handle_close(&mut self, cause: Cause, now: Moment) {
        let _ = (cause, now);
        todo!()
    }

    /// The time of `poll_timeout` has come.
    pub fn handle_timeout(&mut self, now: Moment) {
        let _ = now;
        todo!()
    }

    /// The alert is stored on disk: tells the server, if connected.
    pub fn acknowledge(&mut self, ack: ClientMessage) {
        let _ = ack;
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

    /// When `handle_timeout` must be called.
    pub fn poll_timeout(&self) -> Option<Moment> {
        todo!()
    }
}
