//! What a link is made with, where it can stand, and what it says.

use std::time::Duration;

use crate::alert::Alert;
use crate::cause::Cause;
use crate::message::{ClientMessage, Notice, Welcome};
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
    /// The state changed; read it with [`Link::state`](super::Link::state).
    Changed,
    /// The server follows its log on this connection: what this says comes before any alert.
    Welcome(Welcome),
    /// The log could not go on where the last connection stood: what lies between is to be had from the record.
    Gap,
    /// The connection was opened as protocol 2 and does not speak it; it goes on as protocol 1.
    NoWelcome,
    /// An alert arrived; acknowledge it once it is stored.
    Alert(Box<Alert>),
    /// A message to the user arrived.
    Notice(Notice),
    /// A message could not be read or is of an unknown type; the connection stays.
    Unreadable(String),
    /// Something on the way cuts connections that were silent for so long, and pings are made for it; none where that
    /// did not help and is forgotten.
    IdleLimit(Option<Duration>),
    /// A message was read after repairing bare `NaN` or `Infinity`.
    Repaired,
    /// The token must be refreshed, or checked with `GET /auth/me`, before the next attempt: answer with
    /// `connect` (new token) or `handle_close(Cause::TokenRejected | Cause::AddressRejected, ..)`.
    Question(Cause),
}
