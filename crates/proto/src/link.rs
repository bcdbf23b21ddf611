//! The client's end of the alert socket: a state machine without IO.
//!
//! Told what happened and what time it is, it says what to do. After each input, drain [`Link::poll_action`] and
//! [`Link::poll_event`], then call [`Link::handle_timeout`] at [`Link::poll_timeout`]. After an [`Action::Close`] the
//! driver reports nothing more of that socket: what it would say is said already.

mod idle;
mod log;
mod terms;

use std::collections::VecDeque;
use std::time::Duration;

use crate::alert::Alert;
use crate::backoff::Backoff;
use crate::cause::{Cause, Next};
use crate::id::Cursor;
use crate::message::{ClientMessage, Read, ReadError, ServerMessage, Welcome};
use crate::moment::Moment;

use self::idle::Idle;
use self::log::{Arrival, Log};
pub use self::terms::{Action, Config, Event, State};

/// The shortest pause before a slot on the server is claimed anew: a reconnect at once can lose the slot for good.
pub const SHORTEST_PAUSE: Duration = Duration::from_millis(250);

/// Close code for an end that our side wants.
const NORMAL: u16 = 1000;

/// When a restarting server is tried again.
const SOON: (Duration, Duration) = (Duration::from_millis(250), Duration::from_millis(1_250));
/// A connection shorter than this gives no right to return soon: a server that accepts and drops is not hammered.
const WORTH_RETURNING: Duration = Duration::from_secs(5);

/// How long an unanswered [`Event::Question`] holds up the next attempt.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// The protocol with a log.
const TWO: u32 = 2;
/// However lively a server asks us to be: between two pings, and until silence is an end.
const LIVELIEST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// The client's end of the protocol.
#[derive(Debug)]
pub struct Link {
    config: Config,
    state: State,
    /// While a probe is under way: when it fails.
    probed_until: Option<Moment>,
    /// Between two pings, and until silence is an end, on this connection.
    ping_every: Duration,
    dead_after: Duration,
    log: Log,
    idle: Idle,
    backoff: Backoff,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
}

impl Link {
    /// A link at rest; `seed` draws the jitter of its waits.
    pub fn new(config: Config, seed: u64) -> Link {
        Link {
            ping_every: config.ping_every,
            dead_after: config.dead_after,
            config,
            state: State::Offline,
            probed_until: None,
            log: Log::default(),
            idle: Idle::default(),
            backoff: Backoff::new(seed),
            actions: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Where the link stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Where the next connection goes on in the server's log: the last alert that was handed over, or what
    /// [`Link::resume_from`] and [`Link::compared`] made of it. None begins at the log's end.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.log.cursor()
    }

    /// The next connection goes on from here: what was stored when the program last ran, or another account's place.
    pub fn resume_from(&mut self, cursor: Option<Cursor>) {
        self.log.resume_from(cursor);
    }

    /// The record was compared to its end while this connection stood: wherever the log began on it, nothing before
    /// that is missing.
    pub fn compared(&mut self) {
        self.log.compared();
    }

    /// The silence after which something on the way cuts a connection, where that was learnt.
    pub fn idle_limit(&self) -> Option<Duration> {
        self.idle.limit()
    }

    /// The way to the server is another one, with this limit or none that is known.
    pub fn expect_idle_limit(&mut self, limit: Option<Duration>) {
        self.idle.expect(limit);
        self.ping_every = self.unasked_pace().min(self.dead_after / 2);
    }

    /// Asks for a connection now, whatever wait is under way ("Retry now", a network that returned, a new token).
    ///
    /// Does nothing while connected or connecting; to use another token at once, `disconnect` first.
    pub fn connect(&mut self, now: Moment) {
        match self.state {
            State::Offline | State::Waiting { .. } | State::Rejected { .. } => self.attempt(now),
            State::Connecting { .. } | State::Online { .. } => {}
        }
    }

    /// Ends the connection and stays offline; the next connection starts with the shortest wait.
    pub fn disconnect(&mut self) {
        self.close_socket();
        self.backoff.reset();
        if self.state != State::Offline {
            self.enter(State::Offline);
        }
    }

    /// Ends the connection and opens another after `pause` (at least [`SHORTEST_PAUSE`]): the slot on the server is
    /// to be claimed anew. Without a connection, what is under way goes on.
    pub fn reclaim(&mut self, now: Moment, pause: Duration) {
        match self.state {
            State::Online { .. } => {
                self.close_socket();
                self.enter(State::Waiting { until: now + pause.max(SHORTEST_PAUSE), cause: Cause::Asked });
            }
            State::Offline | State::Connecting { .. } | State::Waiting { .. } | State::Rejected { .. } => {}
        }
    }

    /// After a wake: probes an open connection with a short deadline, or attempts at once.
    pub fn probe(&mut self, now: Moment) {
        match self.state {
            State::Online { .. } => self.start_probe(now),
            State::Waiting { .. } => self.attempt(now),
            State::Connecting { .. } => {
                self.close_socket();
                self.attempt(now);
            }
            State::Offline | State::Rejected { .. } => {}
        }
    }

    /// The handshake of protocol 2 succeeded: the server's welcome comes first.
    pub fn handle_open_v2(&mut self, now: Moment) {
        if let State::Connecting { give_up_at } = self.state {
            self.handle_open(now);
            // An attempt that took nearly all of its time leaves the welcome a little.
            self.log.opened(give_up_at.max(now + self.config.probe_within));
        }
    }

    /// The handshake of protocol 1 succeeded.
    pub fn handle_open(&mut self, now: Moment) {
        match self.state {
            State::Connecting { .. } => {
                self.enter(State::Online { since: now, heard_at: now, ping_at: now + self.ping_every });
            }
            State::Offline | State::Online { .. } | State::Waiting { .. } | State::Rejected { .. } => {}
        }
    }

    /// A text frame arrived.
    pub fn handle_text(&mut self, text: &str, now: Moment) {
        if self.hear(now) {
            self.take(ServerMessage::read(text), now);
        }
    }

    /// A binary frame arrived. Protocol 1 has none: there it is a sign of life and nothing else.
    pub fn handle_binary(&mut self, message: &[u8], now: Moment) {
        if self.hear(now) && self.log.takes_binary() {
            self.take(ServerMessage::read_binary(message), now);
        }
    }

    /// Any other sign of life arrived: a control frame, part of a message.
    pub fn handle_bytes(&mut self, now: Moment) {
        if self.hear(now) {
            self.log.bytes(now);
        }
    }

    /// The attempt or the connection ended, or a [`Event::Question`] is answered with [`Cause::TokenRejected`] or
    /// [`Cause::AddressRejected`].
    pub fn handle_close(&mut self, cause: Cause, now: Moment) {
        match self.state {
            State::Connecting { .. } => self.end(cause, None, now),
            State::Online { since, heard_at, .. } => {
                if cause == Cause::Lost {
                    self.cut(now.since(since), now.since(heard_at), now);
                }
                self.end(cause, Some(heard_at.since(since)), now);
            }
            State::Waiting { .. } if matches!(cause, Cause::TokenRejected | Cause::AddressRejected) => {
                self.end(cause, None, now);
            }
            State::Offline | State::Waiting { .. } | State::Rejected { .. } => {}
        }
    }

    /// The time of `poll_timeout` has come.
    pub fn handle_timeout(&mut self, now: Moment) {
        match self.state {
            State::Connecting { give_up_at } if give_up_at <= now => {
                self.close_socket();
                self.end(Cause::TimedOut, None, now);
            }
            State::Waiting { until, .. } if until <= now => self.attempt(now),
            State::Online { since, heard_at, ping_at } => {
                if self.log.due().is_some_and(|at| at <= now) {
                    self.log_is_late(since, heard_at, now);
                } else {
                    self.keep_alive(since, heard_at, ping_at, now);
                }
            }
            State::Offline | State::Connecting { .. } | State::Waiting { .. } | State::Rejected { .. } => {}
        }
    }

    /// The alert is stored on disk: tells the server, if connected.
    pub fn acknowledge(&mut self, ack: ClientMessage) {
        if matches!(self.state, State::Online { .. }) {
            self.actions.push_back(Action::Send(ack));
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

    /// When `handle_timeout` must be called.
    pub fn poll_timeout(&self) -> Option<Moment> {
        match self.state {
            State::Offline | State::Rejected { .. } => None,
            State::Connecting { give_up_at } => Some(give_up_at),
            State::Waiting { until, .. } => Some(until),
            State::Online { heard_at, ping_at, .. } => {
                let alive = self.dead_at(heard_at).min(ping_at);
                Some(self.log.due().map_or(alive, |due| due.min(alive)))
            }
        }
    }

    /// Hands on what a message says.
    fn take(&mut self, read: Result<Read, ReadError>, now: Moment) {
        if self.log.expects_welcome() && !read.as_ref().is_ok_and(is_welcome) {
            self.log.unwelcome();
            self.events.push_back(Event::NoWelcome);
        }
        let read = match read {
            Ok(read) => read,
            Err(error) => return self.events.push_back(Event::Unreadable(error.to_string())),
        };
        if read.repaired {
            self.events.push_back(Event::Repaired);
        }
        match read.message {
            ServerMessage::Welcome(welcome) if self.log.expects_welcome() => self.welcomed(welcome, now),
            ServerMessage::Welcome(_) => {
                self.events.push_back(Event::Unreadable("a welcome that was not expected".to_owned()));
            }
            ServerMessage::Ping { head } => {
                self.actions.push_back(Action::Send(ClientMessage::Pong));
                if let Some(head) = head {
                    self.log.head(&head, now);
                }
            }
            ServerMessage::Pong => {}
            ServerMessage::Alert(alert) => self.alerted(alert, now),
            ServerMessage::Notice(notice) => self.events.push_back(Event::Notice(notice)),
            ServerMessage::Unknown(kind) => {
                self.events.push_back(Event::Unreadable(format!("a message of unknown type {kind:?}")));
            }
        }
    }

    fn welcomed(&mut self, welcome: Welcome, now: Moment) {
        self.keep_pace(&welcome);
        if let State::Online { ping_at, .. } = &mut self.state {
            *ping_at = now + self.ping_every;
        }
        let has_gap = self.log.welcomed(&welcome, now);
        self.events.push_back(Event::Welcome(welcome));
        if has_gap {
            self.events.push_back(Event::Gap);
        }
    }

    /// A server may ask us to be livelier than we are, within reason, and never to be slower.
    fn keep_pace(&mut self, welcome: &Welcome) {
        let asked = |seconds: Option<u32>, least: Duration, ours: Duration| {
            seconds.map_or(ours, |seconds| Duration::from_secs(u64::from(seconds)).max(least).min(ours))
        };
        self.dead_after = asked(welcome.dead_seconds, LIVELIEST.1, self.config.dead_after);
        self.ping_every =
            asked(welcome.ping_seconds, LIVELIEST.0, self.unasked_pace()).min(self.dead_after / 2);
    }

    /// An alert's place in the log means something only where this connection follows it.
    fn alerted(&mut self, mut alert: Box<Alert>, now: Moment) {
        if let Some(place) = &alert.cursor {
            match self.log.arrived(place, now) {
                Arrival::InOrder => {}
                Arrival::WithoutPlace => alert.cursor = None,
                Arrival::Again => return,
            }
        }
        self.events.push_back(Event::Alert(alert));
    }

    /// No welcome came, or the log went on without us.
    fn log_is_late(&mut self, since: Moment, heard_at: Moment, now: Moment) {
        let due = self.log.due().unwrap_or(now);
        if now.since(due) > self.config.probe_within {
            return self.log.overslept(now);
        }
        self.close_socket();
        let lasted = Some(heard_at.since(since));
        if self.log.expects_welcome() {
            return self.end(Cause::TimedOut, lasted, now);
        }
        self.log.left_behind();
        self.end(Cause::Behind, lasted, now);
    }

    /// Between two pings where the server asks for nothing: the contract's, or what the way to it needs.
    fn unasked_pace(&self) -> Duration {
        self.idle.pace().map_or(self.config.ping_every, |pace| pace.min(self.config.ping_every))
    }

    fn attempt(&mut self, now: Moment) {
        self.ping_every = self.unasked_pace();
        self.dead_after = self.config.dead_after;
        self.log.asked();
        self.actions.push_back(Action::Open);
        self.enter(State::Connecting { give_up_at: now + self.config.connect_within });
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.probed_until = None;
        self.events.push_back(Event::Changed);
    }

    /// Closes the socket if there is one or one is being opened.
    fn close_socket(&mut self) {
        match self.state {
            State::Connecting { .. } | State::Online { .. } => {
                self.actions.push_back(Action::Close { code: NORMAL });
            }
            State::Offline | State::Waiting { .. } | State::Rejected { .. } => {}
        }
    }

    /// Takes note of a sign of life; false where there is no connection that could give one.
    fn hear(&mut self, now: Moment) -> bool {
        match &mut self.state {
            State::Online { heard_at, .. } => {
                *heard_at = now;
                self.probed_until = None;
                true
            }
            State::Offline | State::Connecting { .. } | State::Waiting { .. } | State::Rejected { .. } => {
                false
            }
        }
    }

    /// When an open connection is dead if nothing more is heard.
    fn dead_at(&self, heard_at: Moment) -> Moment {
        self.probed_until.unwrap_or(heard_at + self.dead_after)
    }

    fn keep_alive(&mut self, since: Moment, heard_at: Moment, ping_at: Moment, now: Moment) {
        let dead_at = self.dead_at(heard_at);
        if dead_at <= now {
            // Woken long after the time that was asked for: this computer slept or stood still, so that the silence
            // says nothing about the peer, whose messages may lie unread.
            let overslept = self.probed_until.is_none() && now.since(dead_at) > self.config.probe_within;
            if overslept {
                return self.start_probe(now);
            }
            self.close_socket();
            // One that soon never answers a ping may be dropped without a word by a gateway: its limit is below the pace
            // of the pings.
            let lasted = heard_at.since(since);
            if self.probed_until.is_none() && lasted <= self.ping_every * 3 {
                self.cut(lasted, self.ping_every, now);
            }
            return self.end(Cause::Silent, Some(lasted), now);
        }
        if ping_at <= now {
            self.send_ping(now);
        }
    }

    /// The connection broke without a farewell: learns from it, unless this computer slept meanwhile.
    fn cut(&mut self, lasted: Duration, silent: Duration, now: Moment) {
        if silent < self.dead_after && self.idle.broke(lasted, silent, now) {
            self.events.push_back(Event::IdleLimit(self.idle.limit()));
        }
    }

    /// Asks for a sign of life within a short time; a probe that is under way keeps its deadline.
    fn start_probe(&mut self, now: Moment) {
        if self.probed_until.is_none() {
            self.probed_until = Some(now + self.config.probe_within);
            self.send_ping(now);
        }
    }

    fn send_ping(&mut self, now: Moment) {
        self.actions.push_back(Action::Send(ClientMessage::Ping));
        if let State::Online { ping_at, .. } = &mut self.state {
            *ping_at = now + self.ping_every;
        }
    }

    /// Goes where the table of causes leads; `lasted` is how long a connection gave signs of life.
    fn end(&mut self, cause: Cause, lasted: Option<Duration>, now: Moment) {
        self.log.left();
        if lasted.is_some_and(|lasted| lasted >= self.config.proven_after) {
            self.backoff.reset();
        }
        let wait = match cause.next() {
            Next::Retry => self.backoff.next_wait(),
            Next::RetrySoon if lasted.is_some_and(|lasted| lasted >= WORTH_RETURNING) => {
                self.backoff.between(SOON.0, SOON.1)
            }
            Next::RetrySoon => self.backoff.next_wait(),
            Next::RetryAfter(asked) => self.backoff.next_wait().max(asked),
            Next::RetryEvery(pace) => self.backoff.shorten(pace),
            Next::Refresh | Next::AskWho => {
                self.enter(State::Waiting { until: now + ANSWER_WITHIN, cause });
                return self.events.push_back(Event::Question(cause));
            }
            Next::SignedOut => return self.enter(State::Rejected { cause }),
            Next::Stop => return self.enter(State::Offline),
        };
        self.enter(State::Waiting { until: now + wait, cause });
    }
}

fn is_welcome(read: &Read) -> bool {
    matches!(&read.message, ServerMessage::Welcome(welcome) if welcome.protocol == TWO)
}

#[cfg(test)]
mod tests;
