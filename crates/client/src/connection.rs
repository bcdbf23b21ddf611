//! Drives a [`visionguard_proto::Link`] over a real socket: a task that feeds it what happens and does what it says.
//!
//! Decides nothing by itself. Reading never waits for the application, so that a slow consumer cannot stop the
//! heartbeat.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{mpsc, watch};
use visionguard_proto::alert::Alert;
use visionguard_proto::link::{Config, State};
use visionguard_proto::message::{ClientMessage, Notice};
use visionguard_proto::{Cause, Endpoint, UserId};

use crate::clock::Clock;
use crate::dial::Dial;

/// Whom to connect as, and where.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server.
    pub endpoint: Endpoint,
    /// The user whose alerts are wanted.
    pub user: UserId,
    /// The access token.
    pub token: SecretString,
}

/// What the application is told, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The link's state changed to this.
    State(State),
    /// An alert arrived: acknowledge it with [`Connection::acknowledge`] once it is stored.
    Alert(Box<Alert>),
    /// A message to the user arrived.
    Notice(Notice),
    /// A message could not be read, or its type is unknown; the connection stays.
    Unreadable(String),
    /// A message was read after repairing bare `NaN` or `Infinity`.
    Repaired,
    /// The server turned the token or the address down. Find out which and answer with [`Connection::connect`] (a new
    /// token) or [`Connection::rejected`].
    Question(Cause),
    /// The machine slept, or the program was stopped; the link is being probed.
    Woke,
}

/// A handle to the running task; the task ends, closing its socket, when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Connection {
    #[allow(dead_code, reason = "signatures first")]
    state: watch::Receiver<State>,
}

impl Connection {
    /// Starts the task, at rest. `seed` draws the jitter of the waits.
    pub fn start(
        config: Config,
        dial: Arc<dyn Dial>,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> (Connection, mpsc::Receiver<Event>) {
        let _ = (config, dial, clock, seed);
        todo!()
    }

    /// Where the link stands now, also while events wait to be taken; `heard_at` is current only here.
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Connects, or answers a question with a new token. An open connection to the same server and user stays.
    pub fn connect(&self, target: Target) {
        let _ = target;
        todo!()
    }

    /// Closes the socket and stays offline.
    pub fn disconnect(&self) {
        todo!()
    }

    /// Closes the socket politely and opens another after `pause`, to claim the slot on the server anew.
    pub fn reclaim(&self, pause: Duration) {
        let _ = pause;
        todo!()
    }

    /// Probes an open connection with a short deadline, or attempts at once: the network changed, the machine woke.
    pub fn probe(&self) {
        todo!()
    }

    /// Attempts now, whatever wait is under way.
    pub fn retry_now(&self) {
        todo!()
    }

    /// Tells the server that an alert is stored.
    pub fn acknowledge(&self, ack: ClientMessage) {
        let _ = ack;
        todo!()
    }

    /// Answers a question: [`Cause::TokenRejected`] or [`Cause::AddressRejected`].
    pub fn rejected(&self, cause: Cause) {
        let _ = cause;
        todo!()
    }
}
