//! One alert socket: feeds what arrives and what the clock says to [`Session`], and does what it answers.
//!
//! One task a connection. Reading goes on while a message is being written, so that a slow reader's heartbeat still
//! counts; nobody else ever waits for this connection. For a client of protocol 2 the log is read as the socket drains.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use visionguard_proto::session::{Action, Config, Event, Page, Session, Start, Text};
use visionguard_proto::{Cursor, Moment, close};

use crate::app::App;
use crate::log::{Answer, Doorbell};
use crate::note::{Note, Via};
use crate::roster::{Delivery, Protocol, Registration};
use crate::store::StoreError;
use crate::time;

/// How long a closing connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// Answers that may wait to be written; with more, the client's next message waits.
const BACKLOG: usize = 16;
/// The time in which the burst of messages that a client may send is refilled.
const REFILL: Duration = Duration::from_secs(10);

/// A client of protocol 2: where it begins in its user's log, and what tells that the log grew.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) start: Start,
    pub(crate) doorbell: Doorbell,
}

/// Carries alerts until the connection ends; its place in the roster ends with it.
pub(crate) async fn run(
    app: Arc<App>,
    socket: WebSocket,
    registration: Registration,
    following: Option<Following>,
) {
    let killed = app.killed.clone();
    let number = registration.connection.number;
    tracing::debug!(connection = number, "a client is connected");
    tokio::select! {
        () = killed.cancelled() => {}
        () = Driver::new(&app, socket, registration, following).run() => {}
    }
    tracing::debug!(connection = number, "a client is gone");
}

struct Driver<'a> {
    app: &'a App,
    registration: Registration,
    session: Session,
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    outgoing: VecDeque<Action>,
    /// When the message being written was begun.
    writing_since: Option<Instant>,
    budget: Budget,
    ignored: u64,
    log: Desk,
}

/// What is asked of the log for this connection; nothing in protocol 1.
#[derive(Default)]
struct Desk {
    doorbell: Option<Doorbell>,
    page: Option<Answer<Page>>,
    head: Option<Answer<Cursor>>,
}

impl<'a> Driver<'a> {
    fn new(
        app: &'a App,
        socket: WebSocket,
        registration: Registration,
        following: Option<Following>,
    ) -> Driver<'a> {
        let bounds = Config {
            ping_every: app.sockets.ping_every,
            dead_after: app.sockets.dead_after,
            in_flight_alerts: app.sockets.in_flight_alerts,
            in_flight_bytes: app.sockets.in_flight_bytes,
            stuck_after: app.sockets.stuck_after,
            ..Config::default()
        };
        let (start, doorbell) = following.map(|following| (following.start, following.doorbell)).unzip();
        let now = app.now();
        let session = match start {
            Some(start) => Session::follow(bounds, start, now),
            None => Session::open(bounds, now),
        };
        let (sink, stream) = socket.split();
        Driver {
            app,
            registration,
            session,
            sink,
            stream,
            outgoing: VecDeque::new(),
            writing_since: None,
            budget: Budget::new(app.sockets.burst),
            ignored: 0,
            log: Desk { doorbell, ..Desk::default() },
        }
    }

    async fn run(mut self) {
        let connection = Arc::clone(&self.registration.connection);
        loop {
            self.drain();
            match self.write_next().await {
                Ok(None) => {}
                Ok(Some(code)) => return self.close(code).await,
                Err(_) => return,
            }
            let idle = self.writing_since.is_none();
            if idle && self.outgoing.is_empty() && self.log.page.is_none() {
                self.read_on();
            }
            let timeout = self.deadline();
            tokio::select! {
                code = connection.closing() => {
                    self.session.close(code);
                    if matches!(code, close::TOO_SLOW | close::FLOW) {
                        return self.close(code).await;
                    }
                }
                arrived = self.stream.next(), if self.outgoing.len() < BACKLOG => match arrived {
                    Some(Ok(message)) => self.hear(&message),
                    Some(Err(_)) | None => return self.close_after_error().await,
                },
                flushed = self.sink.flush(), if !idle => match flushed {
                    Ok(()) => self.writing_since = None,
                    Err(_) => return,
                },
                Some(delivery) = self.registration.queue.recv(), if idle => self.hand_over(&delivery),
                true = rung(&mut self.log.doorbell) => self.session.ring(self.app.now()),
                page = answered(&mut self.log.page) => self.take_page(page),
                head = answered(&mut self.log.head) => {
                    let head = told("the newest place", head);
                    self.session.handle_head(head.as_ref(), self.app.now());
                }
                () = tokio::time::sleep_until(timeout.into()) => self.handle_timeout(),
            }
        }
    }

    /// Takes everything the session wants done or told.
    fn drain(&mut self) {
        while let Some(action) = self.session.poll_action() {
            self.outgoing.push_back(action);
        }
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Acknowledged(anomaly_id) => {
                    let connection = &self.registration.connection;
                    connection.acknowledged();
                    let user_id = connection.client.user.clone();
                    let at = time::now();
                    self.app.notes.tell(Note::Acknowledged { anomaly_id, user_id, at, via: Via::Socket });
                }
                Event::Ignored(reason) => {
                    self.ignored += 1;
                    tracing::debug!(reason, count = self.ignored, "a client's message was ignored");
                }
            }
        }
    }

    /// Starts writing the next message if none is being written. The code, if the connection is to be closed.
    async fn write_next(&mut self) -> Result<Option<u16>, axum::Error> {
        while self.writing_since.is_none() {
            match self.outgoing.pop_front() {
                None => break,
                Some(Action::Close { code }) => return Ok(Some(code)),
                Some(Action::FindHead { since }) => {
                    let user = &self.registration.connection.client.user;
                    self.log.head = Some(self.app.log.head(user, since));
                }
                Some(Action::SendBinary(bytes)) => self.write(Message::Binary(bytes)).await?,
                Some(Action::Send(text)) => {
                    let (text, is_ping) = stamped(text);
                    self.write(Message::Text(text)).await?;
                    if is_ping {
                        // Browsers answer this one by themselves, also where a page of the original does not.
                        self.write(Message::Ping(bytes::Bytes::new())).await?;
                    }
                }
            }
        }
        Ok(None)
    }

    async fn write(&mut self, message: Message) -> Result<(), axum::Error> {
        self.writing_since = Some(Instant::now());
        self.sink.feed(message).await
    }

    fn hear(&mut self, message: &Message) {
        self.registration.connection.heard();
        let now = self.app.now();
        if !self.budget.spend(Instant::now()) {
            return self.session.close(close::FLOW);
        }
        match message {
            Message::Text(text) => self.session.handle_text(text, now),
            Message::Binary(_) => {
                self.ignored += 1;
                self.session.handle_bytes(now);
            }
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => self.session.handle_bytes(now),
        }
    }

    /// Asks for what the session wants to read of the log.
    fn read_on(&mut self) {
        if let Some(read) = self.session.poll_read() {
            let user = &self.registration.connection.client.user;
            self.log.page = Some(self.app.log.page(user, read));
        }
    }

    fn take_page(&mut self, page: Result<Page, StoreError>) {
        match told("what follows", page) {
            Some(page) => self.session.handle_page(page, self.app.now()),
            None => self.session.handle_unreadable(self.app.now()),
        }
    }

    fn hand_over(&mut self, delivery: &Delivery) {
        self.registration.connection.taken(delivery);
        match delivery {
            Delivery::Alert { id, stream, detection: Some(detection), notification } => {
                self.session.send_alert(id.clone(), stream.clone(), detection.clone());
                self.session.send(notification.clone());
            }
            Delivery::Alert { id, stream, detection: None, notification } => {
                self.session.send_alert(id.clone(), stream.clone(), notification.clone());
            }
            Delivery::Notice(text) => self.session.send(text.clone()),
        }
    }

    fn handle_timeout(&mut self) {
        let stalled =
            self.writing_since.is_some_and(|since| since.elapsed() >= self.app.sockets.stalled_after);
        if stalled {
            self.registration.connection.close(match self.registration.connection.client.protocol {
                Protocol::One => close::TOO_SLOW,
                Protocol::Two => close::FLOW,
            });
        }
        self.session.handle_timeout(self.app.now());
    }

    /// When something is due: a ping, the end of patience with silence, or with a client that does not read.
    fn deadline(&self) -> Instant {
        let due = self.session.poll_timeout().unwrap_or(Moment::START);
        let due = self.app.started + due.since_start();
        match self.writing_since {
            Some(since) => due.min(since + self.app.sockets.stalled_after),
            None => due,
        }
    }

    /// Says goodbye, and waits a little for the client to say it too.
    async fn close(mut self, code: u16) {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason(code)) };
        let goodbye = async {
            self.sink.send(Message::Close(Some(frame))).await.ok()?;
            while let Some(Ok(_)) = self.stream.next().await {}
            Some(())
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }

    /// The client is gone, or sent what no client may send: what tungstenite wants to answer is flushed.
    async fn close_after_error(mut self) {
        let _ = tokio::time::timeout(GOODBYE, self.sink.close()).await;
    }
}

/// Waits for the doorbell; for ever where there is none.
async fn rung(doorbell: &mut Option<Doorbell>) -> bool {
    match doorbell {
        Some(bell) => bell.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}

/// Waits for an answer; for ever where nothing was asked.
async fn answered<T>(asked: &mut Option<Answer<T>>) -> Result<T, StoreError> {
    let Some(answer) = asked else { return std::future::pending().await };
    let answer = answer.await;
    *asked = None;
    answer
}

/// The answer of the log, if it gave one.
fn told<T>(what: &'static str, answer: Result<T, StoreError>) -> Option<T> {
    answer.inspect_err(|error| tracing::warn!(%error, what, "a user's log could not be read")).ok()
}

/// The text to send, and whether it is a ping. The original puts its clock into pings and pongs.
fn stamped(text: Text) -> (Utf8Bytes, bool) {
    let is_ping = text.as_str().starts_with(r#"{"type":"ping""#);
    let is_pong = text.as_str().starts_with(r#"{"type":"pong""#);
    if let Some(open) = text.as_str().strip_suffix('}').filter(|_| is_ping || is_pong) {
        let stamp = time::naive(time::now());
        return (format!(r#"{open},"timestamp":"{stamp}"}}"#).into(), is_ping);
    }
    let text = Utf8Bytes::try_from(text.into_bytes()).unwrap_or_default();
    (text, false)
}

fn reason(code: u16) -> &'static str {
    match code {
        close::RESTART => "service restart",
        close::NO_HEARTBEAT => "no heartbeat",
        close::TOO_SLOW => "too slow",
        close::FLOW => "too much unacknowledged, or too many messages",
        close::POLICY | close::TOKEN_EXPIRED => "signed out",
        close::REPLACED => "replaced by a newer connection",
        _ => "",
    }
}

/// How many messages a client may still send.
struct Budget {
    burst: f64,
    left: f64,
    at: Instant,
}

impl Budget {
    fn new(burst: u32) -> Budget {
        Budget { burst: burst.into(), left: burst.into(), at: Instant::now() }
    }

    fn spend(&mut self, now: Instant) -> bool {
        let refilled = now.duration_since(self.at).as_secs_f64() / REFILL.as_secs_f64() * self.burst;
        self.left = (self.left + refilled).min(self.burst) - 1.0;
        self.at = now;
        self.left >= 0.0
    }
}
