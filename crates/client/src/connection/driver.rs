//! The task: everything that can happen to a connection in one `select!`, each handed to the link at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use visionguard_proto::link::{self, Action, State};
use visionguard_proto::message::ClientMessage;
use visionguard_proto::{Cause, Cursor, Link, Moment, Picture};

use super::discovery::Protocol;
use super::handshake::{self, Opened};
use super::socket::{Incoming, Socket};
use super::{Event, Target};
use crate::clock::Clock;
use crate::dial::Dial;
use crate::network::{CHECK_EVERY, CHECK_IDLE_EVERY, Signs, WakeWatch, WayOut};

/// The original server may forget a connection that follows too closely on the last one of the same user: the least time
/// between the end of the one and the beginning of the next, whatever else is waited for meanwhile.
const SETTLE: Duration = Duration::from_millis(250);

/// How many alerts keep their pictures while the application is too slow to take them, as a rule under 10 MiB. The
/// pictures of later ones are on the server's record.
const HELD_PICTURES: usize = 64;
/// The most that these pictures may take, in bytes.
const HELD_BYTES: usize = 192 * 1024 * 1024;

/// How many events wait at most; what is beyond is found in the record.
const HELD_EVENTS: usize = 10_000;

/// How long a server that speaks protocol 1 is not asked again, which may have learnt more since.
const ONE_FOR: Duration = Duration::from_secs(3600);

/// A computer that said it would sleep, and did not, is connected again after this.
const REST: Duration = Duration::from_secs(20);

/// Never sleep shorter than this, whatever the link says.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// What the application asks for.
#[derive(Debug)]
pub(super) enum Command {
    Connect(Target),
    ConnectFrom(Target, Option<Cursor>),
    ExpectIdleLimit(Option<Duration>),
    Compared(Moment),
    Disconnect,
    Reclaim(Duration),
    Probe,
    Rest(oneshot::Sender<()>),
    Wake,
    RetryNow,
    Acknowledge(ClientMessage, oneshot::Sender<bool>),
    Rejected(Target, Cause),
    ShutDown(oneshot::Sender<()>),
}

type Attempt = BoxFuture<'static, Result<Opened, Cause>>;

pub(super) struct Driver {
    link: Link,
    connect_within: Duration,
    dial: Arc<dyn Dial>,
    clock: Arc<dyn Clock>,
    commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::Sender<Event>,
    state: watch::Sender<State>,
    wake: WakeWatch,
    way_out: WayOut,
    signs: Signs,
    /// How long the last wait was to take at most.
    planned: Duration,
    target: Option<Target>,
    /// What its server speaks, and since when that is known.
    spoken: Option<(Protocol, Moment)>,
    /// Where the log of the connection under way was asked to go on.
    asked: Option<Cursor>,
    attempt: Option<Attempt>,
    socket: Option<Socket>,
    /// Since when no connection is wanted because the computer is about to sleep.
    resting: Option<Moment>,
    /// A socket that is being closed, and when that was done; the next one waits for it.
    farewell: Option<JoinHandle<Instant>>,
    waiting: VecDeque<Event>,
    /// An alert of the log was left to the record: what is stored of the log ends before it, until the program starts anew.
    left_one: bool,
    /// The last state that the application was told.
    told: Option<State>,
}

/// What woke the task.
enum Tick {
    Command(Option<Command>),
    Opened(Result<Opened, Cause>),
    Incoming(Incoming),
    Taken,
    Time,
}

impl Driver {
    pub(super) fn new(
        config: link::Config,
        dial: Arc<dyn Dial>,
        clock: Arc<dyn Clock>,
        seed: u64,
        commands: mpsc::UnboundedReceiver<Command>,
        events: mpsc::Sender<Event>,
    ) -> (Driver, watch::Receiver<State>) {
        let connect_within = config.connect_within;
        let link = Link::new(config, seed);
        let (state, seen) = watch::channel(*link.state());
        let (wake, signs) = (WakeWatch::new(clock.monotonic()), dial.signs());
        let driver = Driver {
            link,
            connect_within,
            dial,
            clock,
            commands,
            events,
            state,
            wake,
            way_out: WayOut::default(),
            signs,
            planned: Duration::ZERO,
            target: None,
            spoken: None,
            asked: None,
            attempt: None,
            socket: None,
            resting: None,
            farewell: None,
            waiting: VecDeque::new(),
            left_one: false,
            told: None,
        };
        (driver, seen)
    }

    /// Runs until the last handle is gone, or a shut-down is asked for.
    pub(super) async fn run(mut self) {
        let told = loop {
            match self.tick().await {
                Tick::Command(None) => break None,
                Tick::Command(Some(Command::ShutDown(done))) => break Some(done),
                Tick::Command(Some(command)) => self.obey(command),
                Tick::Opened(outcome) => self.opened(outcome),
                Tick::Incoming(incoming) => self.heard(incoming),
                Tick::Time => self.look_at_the_network(),
                Tick::Taken => {}
            }
            self.look_at_the_clock();
            self.follow();
        };

        self.link.disconnect();
        self.follow();
        if let Some(farewell) = self.farewell.take() {
            let _ = farewell.await;
        }
        if let Some(told) = told {
            let _ = told.send(());
        }
    }

    async fn tick(&mut self) -> Tick {
        let sleep = self.sleep();
        self.planned = sleep;
        tokio::select! {
            command = self.commands.recv() => Tick::Command(command),
            outcome = run(&mut self.attempt), if self.attempt.is_some() => Tick::Opened(outcome),
            incoming = next(&mut self.socket), if self.socket.is_some() => Tick::Incoming(incoming),
            slot = self.events.reserve(), if !self.waiting.is_empty() => {
                match (slot, self.waiting.pop_front()) {
                    (Ok(slot), Some(event)) => slot.send(event),
                    // Nobody listens any more.
                    (Err(_), _) => self.waiting.clear(),
                    (Ok(_), None) => {}
                }
                Tick::Taken
            }
            () = self.signs.next() => Tick::Time,
            () = tokio::time::sleep(sleep) => Tick::Time,
        }
    }

    fn sleep(&self) -> Duration {
        let longest = match self.link.state() {
            State::Online { .. } | State::Waiting { .. } => self.signs.check_every(),
            State::Offline if self.resting.is_some() => CHECK_EVERY,
            State::Offline | State::Connecting { .. } | State::Rejected { .. } => {
                self.signs.check_every().max(CHECK_IDLE_EVERY)
            }
        };
        let Some(at) = self.link.poll_timeout() else { return longest };
        at.since(self.clock.monotonic()).clamp(SHORTEST_SLEEP, longest)
    }

    fn obey(&mut self, command: Command) {
        let now = self.clock.monotonic();
        match command {
            Command::Connect(target) => self.connect(target),
            Command::ConnectFrom(target, cursor) => {
                self.aim(target);
                self.link.resume_from(cursor);
                self.link.connect(now);
            }
            Command::ExpectIdleLimit(limit) => self.link.expect_idle_limit(limit),
            Command::Compared(opened) => {
                if matches!(*self.link.state(), State::Online { since, .. } if since == opened) {
                    self.link.compared();
                }
            }
            Command::Disconnect => {
                self.target = None;
                self.resting = None;
                self.link.disconnect();
            }
            Command::Reclaim(pause) => self.link.reclaim(now, pause),
            Command::Probe => self.probe(),
            Command::Rest(done) => self.rest(done),
            Command::Wake => self.wake_up(),
            Command::RetryNow => match self.link.state() {
                State::Online { .. } => self.link.probe(now),
                State::Offline | State::Connecting { .. } => {}
                State::Waiting { .. } | State::Rejected { .. } => self.link.connect(now),
            },
            Command::Acknowledge(ack, sent) => {
                self.link.acknowledge(ack);
                self.follow();
                // A socket that would not take it is gone by now.
                let _ = sent.send(self.socket.is_some());
            }
            Command::Rejected(refused, cause) => self.rejected(&refused, cause),
            Command::ShutDown(_) => {}
        }
    }

    /// A question is answered. It may have been about a token that was replaced meanwhile, which says nothing of the
    /// one in use.
    fn rejected(&mut self, refused: &Target, cause: Cause) {
        let in_use = self.target.as_ref();
        if in_use.is_none_or(|target| !target.is_same_place(refused) || !target.has_token_of(refused)) {
            return;
        }
        match self.link.state() {
            State::Online { .. } => return,
            State::Connecting { .. } => self.part(1000),
            State::Offline | State::Waiting { .. } | State::Rejected { .. } => {}
        }
        self.link.handle_close(cause, self.clock.monotonic());
    }

    fn connect(&mut self, target: Target) {
        if !self.aim(target) {
            self.link.resume_from(None);
        }
        self.link.connect(self.clock.monotonic());
    }

    /// Takes another target; whether it is the same server and user, whose open connection stays.
    fn aim(&mut self, target: Target) -> bool {
        let old = self.target.as_ref();
        let same = old.is_some_and(|old| old.is_same_place(&target));
        let same_token = old.is_some_and(|old| old.has_token_of(&target));
        // A new sign-in accepts whatever the server speaks now.
        if !same || !target.spoke_two {
            self.spoken = None;
        }
        if old.is_some_and(|old| old.endpoint != target.endpoint) {
            self.link.expect_idle_limit(None);
        }
        self.way_out = self.dial.way_out(target.endpoint.base());
        self.target = Some(target);
        self.resting = None;
        match self.link.state() {
            State::Online { .. } if same => {}
            State::Connecting { .. } if same && same_token => {}
            State::Online { .. } | State::Connecting { .. } => {
                self.link.disconnect();
                self.follow();
            }
            State::Offline | State::Waiting { .. } | State::Rejected { .. } => {}
        }
        same
    }

    /// Says goodbye before the computer sleeps: a server that goes on sending to one that does not read may keep others
    /// waiting. `done` is told once the socket is closed.
    fn rest(&mut self, done: oneshot::Sender<()>) {
        match self.link.state() {
            State::Connecting { .. } | State::Online { .. } | State::Waiting { .. } => {
                self.link.disconnect();
                self.resting = Some(self.clock.monotonic());
            }
            State::Offline | State::Rejected { .. } => {}
        }
        self.follow();
        let farewell = self.farewell.take();
        tokio::spawn(async move {
            if let Some(farewell) = farewell {
                let _ = farewell.await;
            }
            let _ = done.send(());
        });
    }

    fn wake_up(&mut self) {
        if self.resting.take().is_some() && self.target.is_some() {
            self.link.connect(self.clock.monotonic());
        } else {
            self.probe();
        }
    }

    fn probe(&mut self) {
        match self.link.state() {
            State::Offline | State::Rejected { .. } => {}
            State::Connecting { .. } | State::Online { .. } | State::Waiting { .. } => {
                self.link.probe(self.clock.monotonic());
            }
        }
    }

    fn opened(&mut self, outcome: Result<Opened, Cause>) {
        self.attempt = None;
        let now = self.clock.monotonic();
        match outcome {
            Ok(opened) => {
                if self.spoken.is_none_or(|(protocol, _)| protocol != opened.protocol) {
                    self.spoken = Some((opened.protocol, now));
                }
                self.socket = Some(Socket::new(opened.socket, opened.heard));
                match opened.protocol {
                    Protocol::One => self.link.handle_open(now),
                    Protocol::Two { .. } => {
                        self.speaks_two();
                        self.link.handle_open_v2(now);
                    }
                }
            }
            Err(cause) => {
                tracing::debug!(?cause, "the attempt failed");
                self.doubt(cause);
                self.link.handle_close(cause, now);
            }
        }
    }

    fn speaks_two(&mut self) {
        let Some(target) = &mut self.target else { return };
        if !std::mem::replace(&mut target.spoke_two, true) {
            self.remember(Event::SpeaksTwo);
        }
    }

    /// Whether what the server speaks is to be asked again before the next attempt.
    fn doubt(&mut self, cause: Cause) {
        let in_doubt = matches!(
            cause,
            Cause::Http { .. }
                | Cause::Gateway { .. }
                | Cause::PasswordWanted
                | Cause::TurnedAway(_)
                | Cause::Downgraded
                | Cause::Garbled
        );
        if in_doubt {
            self.spoken = None;
        }
    }

    /// What the server is known to speak; it may have learnt more since.
    fn spoken(&mut self) -> Option<Protocol> {
        let now = self.clock.monotonic();
        self.spoken =
            self.spoken.filter(|(protocol, at)| *protocol != Protocol::One || now.since(*at) < ONE_FOR);
        self.spoken.map(|(protocol, _)| protocol)
    }

    fn heard(&mut self, incoming: Incoming) {
        let now = self.clock.monotonic();
        match incoming {
            Incoming::Text(text) => self.link.handle_text(&text, now),
            Incoming::Binary(message) => self.link.handle_binary(&message, now),
            Incoming::Bytes => self.link.handle_bytes(now),
            Incoming::Goodbye(cause) => {
                self.part(1000);
                self.link.handle_close(cause, now);
            }
            Incoming::Broken(cause) => {
                self.socket = None;
                self.link.handle_close(cause, now);
            }
        }
    }

    fn look_at_the_clock(&mut self) {
        let now = self.clock.monotonic();
        if self.wake.woke(now, self.planned) && self.target.is_some() {
            tracing::info!("the machine was asleep");
            self.remember(Event::Woke);
            self.wake_up();
            self.follow();
        }
        if self.resting.is_some_and(|since| now.since(since) >= REST) {
            self.wake_up();
            self.follow();
        }
        if self.link.poll_timeout().is_some_and(|at| at <= now) {
            self.link.handle_timeout(now);
        }
    }

    /// Another network, or one again after none: what stands on the old one is probed, and no wait goes on.
    fn look_at_the_network(&mut self) {
        let Some(target) = &self.target else { return };
        let way_out = self.dial.way_out(target.endpoint.base());
        let before = std::mem::replace(&mut self.way_out, way_out);
        if way_out != before && way_out.is_open() {
            tracing::info!("the network changed");
            self.link.expect_idle_limit(None);
            self.probe();
        }
    }

    /// Does what the link says, until it says nothing more.
    fn follow(&mut self) {
        while let Some(action) = self.link.poll_action() {
            match action {
                Action::Open => self.open(),
                Action::Send(message) => self.send(&message),
                Action::Close { code } => self.part(code),
            }
        }
        while let Some(event) = self.link.poll_event() {
            let event = match event {
                link::Event::Changed => {
                    // Two changes between two looks are one: the state is what it is now.
                    let state = *self.link.state();
                    if self.told.replace(state) == Some(state) {
                        continue;
                    }
                    Event::State(state)
                }
                link::Event::Welcome(welcome) => Event::Welcome { welcome, asked: self.asked.take() },
                link::Event::Gap => Event::Gap,
                link::Event::NoWelcome => Event::NoWelcome,
                link::Event::Alert(alert) => Event::Alert(alert),
                link::Event::Notice(notice) => Event::Notice(notice),
                link::Event::Unreadable(what) => Event::Unreadable(what),
                link::Event::IdleLimit(limit) => Event::IdleLimit(limit),
                link::Event::Repaired => Event::Repaired,
                link::Event::Question(cause) => {
                    let Some(refused) = self.target.clone() else { continue };
                    Event::Question { cause, refused: Box::new(refused) }
                }
            };
            self.remember(event);
        }
        self.state.send_replace(*self.link.state());
    }

    fn open(&mut self) {
        self.part(1000);
        let Some(target) = self.target.clone() else {
            self.link.disconnect();
            return;
        };
        let (dial, clock) = (Arc::clone(&self.dial), Arc::clone(&self.clock));
        let (farewell, limit) = (self.farewell.take(), self.connect_within);
        let spoken = self.spoken();
        let cursor = self.link.cursor().cloned();
        self.asked.clone_from(&cursor);
        self.attempt = Some(Box::pin(async move {
            if let Some(farewell) = farewell {
                let closed = farewell.await.unwrap_or_else(|_| Instant::now());
                tokio::time::sleep_until(closed + SETTLE).await;
            }
            let request = handshake::Request { target: &target, spoken, cursor };
            handshake::open(&*dial, &*clock, request, limit).await
        }));
    }

    fn send(&mut self, message: &ClientMessage) {
        let Some(socket) = &self.socket else { return };
        if let Err(cause) = socket.send(message) {
            self.socket = None;
            self.link.handle_close(cause, self.clock.monotonic());
        }
    }

    /// Abandons an attempt; lets an open socket go politely, without waiting for it here.
    fn part(&mut self, code: u16) {
        self.attempt = None;
        if let Some(socket) = self.socket.take() {
            self.farewell = Some(tokio::spawn(async move {
                socket.farewell(code).await;
                Instant::now()
            }));
        }
    }

    /// Keeps an event for the application, within bounds: the heartbeat never waits for it.
    fn remember(&mut self, mut event: Event) {
        if let Event::Alert(alert) = &mut event
            && (self.waiting.len() >= HELD_PICTURES || self.held_bytes() >= HELD_BYTES)
        {
            tracing::warn!("alerts come faster than they are stored: a picture is left to the record");
            alert.picture = Picture::Absent;
        }
        if self.waiting.len() >= HELD_EVENTS {
            tracing::error!("alerts come faster than they are stored: one is left to the record");
            self.left_one |= matches!(&event, Event::Alert(alert) if alert.cursor.is_some());
            return;
        }
        if let Event::Alert(alert) = &mut event
            && self.left_one
        {
            alert.cursor = None;
        }
        self.waiting.push_back(event);
    }

    /// What the pictures that wait take.
    fn held_bytes(&self) -> usize {
        let bytes = |event: &Event| {
            let Event::Alert(alert) = event else { return None };
            let Picture::Jpeg(jpeg) = &alert.picture else { return None };
            Some(jpeg.bytes().len())
        };
        self.waiting.iter().take(HELD_PICTURES).filter_map(bytes).sum()
    }
}

async fn run(attempt: &mut Option<Attempt>) -> Result<Opened, Cause> {
    match attempt {
        Some(attempt) => attempt.await,
        None => std::future::pending().await,
    }
}

async fn next(socket: &mut Option<Socket>) -> Incoming {
    match socket {
        Some(socket) => socket.next().await,
        None => std::future::pending().await,
    }
}
