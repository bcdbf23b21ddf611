//! One alert socket: feeds what arrives and what the clock says to [`Session`], and does what it answers.
//!
//! One task a connection. Reading goes on while a message is being written, so that a slow reader's heartbeat still
//! counts; nobody else ever waits for this connection.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use visionguard_proto::session::{Action, Config, Event, NO_HEARTBEAT, RESTART, Session, Text};
use visionguard_proto::{ClientMessage, Moment};

use crate::app::App;
use crate::note::{Note, Via};
use crate::roster::{Delivery, FLOOD, Registration, SIGNED_OUT, TOO_SLOW};
use crate::time;

/// How long a closing connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// Answers that may wait to be written; with more, the client's next message waits.
const BACKLOG: usize = 16;
/// The time in which the burst of messages that a client may send is refilled.
const REFILL: Duration = Duration::from_secs(10);

/// Carries alerts until the connection ends; its place in the roster ends with it.
pub(crate) async fn run(app: Arc<App>, socket: WebSocket, registration: Registration) {
    let killed = app.killed.clone();
    let number = registration.connection.number;
    tracing::debug!(connection = number, "a client is connected");
    tokio::select! {
        () = killed.cancelled() => {}
        () = Driver::new(&app, socket, registration).run() => {}
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
}

impl<'a> Driver<'a> {
    fn new(app: &'a App, socket: WebSocket, registration: Registration) -> Driver<'a> {
        let times = Config {
            ping_every: app.sockets.ping_every,
            dead_after: app.sockets.dead_after,
            ..Config::default()
        };
        let (sink, stream) = socket.split();
        Driver {
            app,
            registration,
            session: Session::open(times, app.now()),
            sink,
            stream,
            outgoing: VecDeque::new(),
            writing_since: None,
            budget: Budget::new(app.sockets.burst),
            ignored: 0,
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
            let timeout = self.deadline();
            tokio::select! {
                code = connection.closing() => {
                    self.session.close(code);
                    if code == TOO_SLOW {
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
                    let user_id = connection.user.clone();
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
        if self.writing_since.is_some() {
            return Ok(None);
        }
        match self.outgoing.pop_front() {
            None => Ok(None),
            Some(Action::Close { code }) => Ok(Some(code)),
            Some(Action::SendBinary(_) | Action::FindHead { .. }) => Ok(None),
            Some(Action::Send(text)) => {
                self.writing_since = Some(Instant::now());
                let (text, is_ping) = stamped(text);
                self.sink.feed(Message::Text(text)).await?;
                if is_ping {
                    // Browsers answer this one by themselves, also where a page of the original does not.
                    self.sink.feed(Message::Ping(bytes::Bytes::new())).await?;
                }
                Ok(None)
            }
        }
    }

    fn hear(&mut self, message: &Message) {
        self.registration.connection.heard();
        let now = self.app.now();
        if !self.budget.spend(Instant::now()) {
            return self.session.close(FLOOD);
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
            self.registration.connection.close(TOO_SLOW);
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

/// The text to send, and whether it is a ping. The original puts its clock into pings and pongs.
fn stamped(text: Text) -> (Utf8Bytes, bool) {
    let (is_ping, is_pong) =
        (text.as_str() == ClientMessage::Ping.to_text(), text.as_str() == ClientMessage::Pong.to_text());
    if is_ping || is_pong {
        let kind = if is_ping { "ping" } else { "pong" };
        let stamp = time::naive(time::now());
        return (format!(r#"{{"type":"{kind}","timestamp":"{stamp}"}}"#).into(), is_ping);
    }
    let text = Utf8Bytes::try_from(text.into_bytes()).unwrap_or_default();
    (text, false)
}

fn reason(code: u16) -> &'static str {
    match code {
        RESTART => "service restart",
        NO_HEARTBEAT => "no heartbeat",
        TOO_SLOW => "too slow",
        FLOOD => "too many messages",
        SIGNED_OUT => "signed out",
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
