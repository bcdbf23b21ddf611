//! Drives a [`visionguard_proto::Link`] over a real socket: a task that feeds it what happens and does what it says.
//!
//! Decides nothing by itself. Reading never waits for the application, so that a slow consumer cannot stop the
//! heartbeat.

mod discovery;
mod driver;
mod handshake;
mod heard;
mod question;
mod socket;
mod trial;

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{mpsc, oneshot, watch};
use visionguard_proto::alert::Alert;
use visionguard_proto::link::{Config, State};
use visionguard_proto::message::{ClientMessage, Notice};
use visionguard_proto::{Cause, Cursor, Endpoint, Moment, UserId, Welcome};

use crate::clock::Clock;
use crate::dial::Dial;

pub use discovery::Protocol;
use driver::{Command, Driver};
pub(crate) use trial::{Trial, ask_protocol};

/// How many events the application may leave untaken before they wait inside the task.
const EVENTS: usize = 64;

/// Whom to connect as, and where.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server.
    pub endpoint: Endpoint,
    /// The user whose alerts are wanted.
    pub user: UserId,
    /// The access token.
    pub token: SecretString,
    /// The server spoke protocol 2 since the sign-in: nothing less is accepted, so that nobody on the way can talk it
    /// out of keeping the token out of addresses.
    pub spoke_two: bool,
}

impl Target {
    /// Whether a socket that was opened for the one serves the other too.
    fn is_same_place(&self, other: &Target) -> bool {
        self.endpoint == other.endpoint && self.user == other.user
    }

    /// Whether both carry the same token.
    pub(crate) fn has_token_of(&self, other: &Target) -> bool {
        self.token.expose_secret() == other.token.expose_secret()
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Target) -> bool {
        self.is_same_place(other) && self.has_token_of(other) && self.spoke_two == other.spoke_two
    }
}

/// What the application is told, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The link's state changed to this.
    State(State),
    /// The server speaks protocol 2: to be remembered in [`Target::spoke_two`].
    SpeaksTwo,
    /// The connection follows the server's log, from `asked` or, where that is none or the log did not recover it, from
    /// its head.
    Welcome {
        /// What the server said.
        welcome: Welcome,
        /// Where the log was asked to go on.
        asked: Option<Cursor>,
    },
    /// The log could not go on there: what lies between is to be had from the record.
    Gap,
    /// The connection was opened as protocol 2 and goes on as protocol 1.
    NoWelcome,
    /// An alert arrived: acknowledge it with [`Connection::acknowledge`] once it is stored.
    Alert(Box<Alert>),
    /// A message to the user arrived.
    Notice(Notice),
    /// A message could not be read, or its type is unknown; the connection stays.
    Unreadable(String),
    /// Something on the way cuts connections that were silent for so long, and pings are made for it; none where that is
    /// forgotten.
    IdleLimit(Option<Duration>),
    /// A message was read after repairing bare `NaN` or `Infinity`.
    Repaired,
    /// The server turned the token or the address down. Find out which and answer with [`Connection::connect`] (a new
    /// token) or [`Connection::rejected`].
    Question {
        /// How it said so.
        cause: Cause,
        /// What it turned down; a newer token may be in use by now.
        refused: Box<Target>,
    },
    /// The machine slept, or the program was stopped; the link is being probed.
    Woke,
}

/// A handle to the running task; the task ends, closing its socket, when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Connection {
    commands: mpsc::UnboundedSender<Command>,
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
        let (commands, asked) = mpsc::unbounded_channel();
        let (told, events) = mpsc::channel(EVENTS);
        let (driver, state) = Driver::new(config, dial, clock, seed, asked, told);
        tokio::spawn(driver.run());
        (Connection { commands, state }, events)
    }

    /// Where the link stands now, also while events wait to be taken; `heard_at` is current only here.
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Connects, or answers a question with a new token. An open connection to the same server and user stays; to others
    /// the next one begins at the end of the log.
    pub fn connect(&self, target: Target) {
        self.ask(Command::Connect(target));
    }

    /// Connects, from this place in the server's log where it keeps one.
    pub fn connect_from(&self, target: Target, cursor: Option<Cursor>) {
        self.ask(Command::ConnectFrom(target, cursor));
    }

    /// Silent connections to the server are cut after so long, as was learnt before.
    pub fn expect_idle_limit(&self, limit: Option<Duration>) {
        self.ask(Command::ExpectIdleLimit(limit));
    }

    /// The record was compared to its end while the connection stood that opened then: nothing before it is missing.
    pub fn compared(&self, opened: Moment) {
        self.ask(Command::Compared(opened));
    }

    /// Closes the socket and stays offline.
    pub fn disconnect(&self) {
        self.ask(Command::Disconnect);
    }

    /// Closes the socket politely and opens another after `pause`, to claim the slot on the server anew.
    pub fn reclaim(&self, pause: Duration) {
        self.ask(Command::Reclaim(pause));
    }

    /// Probes an open connection with a short deadline, or attempts at once: the network changed, the machine woke.
    pub fn probe(&self) {
        self.ask(Command::Probe);
    }

    /// The computer is about to sleep: closes the socket politely, which is done when this returns. [`Connection::wake`]
    /// opens another; so does the connection itself when it finds that time went by, or that no sleep came.
    pub async fn rest(&self) {
        let (done, rests) = oneshot::channel();
        self.ask(Command::Rest(done));
        let _ = rests.await;
    }

    /// The computer woke: connects after a rest, else as [`Connection::probe`].
    pub fn wake(&self) {
        self.ask(Command::Wake);
    }

    /// Attempts now, whatever wait is under way; an open connection is probed.
    pub fn retry_now(&self) {
        self.ask(Command::RetryNow);
    }

    /// Tells the server that an alert is stored; whether there was an open socket to say it on.
    pub fn acknowledge(&self, ack: ClientMessage) -> impl Future<Output = bool> + Send + use<> {
        let (sent, was_sent) = oneshot::channel();
        self.ask(Command::Acknowledge(ack, sent));
        async { was_sent.await.unwrap_or(false) }
    }

    /// Answers the question about this target: [`Cause::TokenRejected`], [`Cause::AddressRejected`], or why that is not
    /// known yet. Nothing happens where another token is in use by now, or a socket is open.
    pub fn rejected(&self, refused: Target, cause: Cause) {
        self.ask(Command::Rejected(refused, cause));
    }

    /// Closes the socket, politely where the server still answers, and ends the task: about a second at most.
    pub async fn shut_down(&self) {
        let (done, ended) = oneshot::channel();
        self.ask(Command::ShutDown(done));
        // The task may have ended already, which is as good.
        let _ = ended.await;
    }

    fn ask(&self, command: Command) {
        if self.commands.send(command).is_err() {
            tracing::debug!("the connection has ended");
        }
    }
}

#[cfg(test)]
mod tests;
