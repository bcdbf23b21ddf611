//! Both ends of a connection in virtual time: the driver dials into memory, the test is the server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use http::Uri;
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use url::Url;
use visionguard_proto::link::{Config, State};
use visionguard_proto::{Alert, Cause, Endpoint, UserId};

use super::super::{Connection, Event, Target};
use crate::clock::TestClock;
use crate::dial::{Dial, Io};
use crate::network::WayOut;

pub(super) struct World {
    pub(super) connection: Connection,
    pub(super) clock: Arc<TestClock>,
    events: mpsc::Receiver<Event>,
    streams: mpsc::UnboundedReceiver<DuplexStream>,
    dial: Arc<MemoryDial>,
}

#[derive(Debug)]
struct MemoryDial {
    streams: mpsc::UnboundedSender<DuplexStream>,
    refuse: Mutex<Option<Cause>>,
    attempts: AtomicUsize,
    way_out: Mutex<WayOut>,
    /// What is answered to `GET /ws/capabilities`, and how often it was asked.
    capabilities: Mutex<(String, usize)>,
}

/// What the original answers.
const NOT_FOUND: &str = "HTTP/1.1 404 x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

impl MemoryDial {
    async fn capabilities(&self) -> Result<Box<dyn Io>, Cause> {
        if let Some(cause) = *self.refuse.lock().unwrap()
            && !matches!(cause, Cause::Http { .. })
        {
            self.attempts.fetch_add(1, Ordering::SeqCst);
            return Err(cause);
        }
        let answer = {
            let mut capabilities = self.capabilities.lock().unwrap();
            capabilities.1 += 1;
            capabilities.0.clone()
        };
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        theirs.write_all(answer.as_bytes()).await.unwrap();
        tokio::spawn(async move {
            let mut asked = Vec::new();
            let _ = theirs.read_to_end(&mut asked).await;
        });
        Ok(Box::new(ours))
    }
}

impl Dial for MemoryDial {
    fn dial<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Box<dyn Io>, Cause>> {
        if url.path() == "/ws/capabilities" {
            return Box::pin(async { self.capabilities().await });
        }
        self.attempts.fetch_add(1, Ordering::SeqCst);
        let outcome = match *self.refuse.lock().unwrap() {
            Some(cause) => Err(cause),
            None => {
                let (ours, theirs) = tokio::io::duplex(64 * 1024);
                self.streams.send(theirs).map_err(|_| Cause::Refused).map(|()| Box::new(ours) as Box<dyn Io>)
            }
        };
        Box::pin(async { outcome })
    }

    fn way_out(&self, _: &Url) -> WayOut {
        *self.way_out.lock().unwrap()
    }
}

impl World {
    pub(super) fn new() -> World {
        let clock = Arc::new(TestClock::new(Timestamp::UNIX_EPOCH));
        let (told, streams) = mpsc::unbounded_channel();
        let dial = Arc::new(MemoryDial {
            streams: told,
            refuse: Mutex::new(None),
            attempts: AtomicUsize::new(0),
            way_out: Mutex::default(),
            capabilities: Mutex::new((NOT_FOUND.to_owned(), 0)),
        });
        let (connection, events) = Connection::start(Config::default(), dial.clone(), clock.clone(), 7);
        World { connection, clock, events, streams, dial }
    }

    /// Connects, and is online.
    pub(super) async fn connect(&mut self) -> Server {
        self.connection.connect(target("t"));
        let server = self.accept().await;
        self.until(|state| matches!(state, State::Online { .. })).await;
        server
    }

    /// The server's end of the next connection.
    pub(super) async fn accept(&mut self) -> Server {
        Server::accept(self.take_stream().await).await
    }

    pub(super) async fn take_stream(&mut self) -> DuplexStream {
        soon(self.streams.recv()).await.unwrap()
    }

    /// What `GET /ws/capabilities` answers from now on.
    pub(super) fn capabilities(&self, status: u16, body: &str) {
        let length = body.len();
        self.dial.capabilities.lock().unwrap().0 = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
    }

    /// The same, byte for byte.
    pub(super) fn answer_capabilities(&self, answer: String) {
        self.dial.capabilities.lock().unwrap().0 = answer;
    }

    /// The server speaks protocol 2.
    pub(super) fn speak_two(&self) {
        self.capabilities(200, r#"{"protocol":2,"auth":["bearer"],"frames":["base64","binary"]}"#);
    }

    /// How often the server was asked what it speaks.
    pub(super) fn questions(&self) -> usize {
        self.dial.capabilities.lock().unwrap().1
    }

    /// From now on attempts end like this.
    pub(super) fn refuse(&self, cause: Cause) {
        *self.dial.refuse.lock().unwrap() = Some(cause);
    }

    pub(super) fn accept_again(&self) {
        *self.dial.refuse.lock().unwrap() = None;
    }

    /// The machine has this address now.
    pub(super) fn network(&self, address: &str) {
        *self.dial.way_out.lock().unwrap() = WayOut::from_address(address.parse().unwrap());
    }

    pub(super) fn no_network(&self) {
        *self.dial.way_out.lock().unwrap() = WayOut::default();
    }

    pub(super) fn attempts(&self) -> usize {
        self.dial.attempts.load(Ordering::SeqCst)
    }

    /// Waits for the alert of this place.
    pub(super) async fn until_alert(&mut self, cursor: &str) -> Alert {
        loop {
            if let Event::Alert(alert) = self.next_but_states().await
                && alert.cursor.as_ref().is_some_and(|at| at.as_str() == cursor)
            {
                return *alert;
            }
        }
    }

    pub(super) async fn until_welcome(&mut self) {
        while !matches!(self.next_but_states().await, Event::Welcome { .. }) {}
    }

    pub(super) async fn next_but_states(&mut self) -> Event {
        loop {
            let event = soon(self.events.recv()).await.unwrap();
            if !matches!(event, Event::State(_)) {
                return event;
            }
        }
    }

    pub(super) async fn until(&mut self, is_wanted: impl Fn(&State) -> bool) {
        loop {
            if let Event::State(state) = soon(self.events.recv()).await.unwrap()
                && is_wanted(&state)
            {
                return;
            }
        }
    }
}

/// The server's end of a connection.
pub(super) struct Server {
    pub(super) uri: Uri,
    pub(super) authorization: Option<String>,
    /// Names of the handshake's headers, in lower case.
    pub(super) headers: Vec<String>,
    socket: WebSocketStream<DuplexStream>,
}

impl Server {
    #[allow(clippy::result_large_err, reason = "the library's callback")]
    async fn accept(stream: DuplexStream) -> Server {
        let (mut uri, mut authorization, mut headers) = (Uri::default(), None, Vec::new());
        let look = |request: &Request, response: Response| {
            uri = request.uri().clone();
            headers = request.headers().keys().map(|name| name.as_str().to_owned()).collect();
            authorization =
                request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
            Ok(response)
        };
        let socket = soon(tokio_tungstenite::accept_hdr_async(stream, look)).await.unwrap();
        Server { uri, authorization, headers, socket }
    }

    pub(super) async fn send(&mut self, text: impl Into<String>) {
        self.send_message(Message::text(text.into())).await;
    }

    pub(super) async fn send_message(&mut self, message: Message) {
        soon(self.socket.send(message)).await.unwrap();
    }

    /// The welcome of protocol 2.
    pub(super) async fn welcome(&mut self, head: &str, recovered: bool) {
        self.send(format!(
            r#"{{"type":"welcome","protocol":2,"epoch":"e","head":"{head}","recovered":{recovered}}}"#
        ))
        .await;
    }

    pub(super) async fn next_text(&mut self) -> String {
        let message = soon(self.socket.next()).await.unwrap().unwrap();
        let Message::Text(text) = message else { panic!("the client sent {message:?}") };
        text.to_string()
    }

    /// The code of the client's close; whatever comes before must be text.
    pub(super) async fn next_close(&mut self) -> Option<u16> {
        loop {
            let message = soon(self.socket.next()).await.unwrap().unwrap();
            if let Message::Close(frame) = message {
                return frame.map(|frame| frame.code.into());
            }
            assert!(matches!(message, Message::Text(_)), "the client sent {message:?}");
        }
    }

    /// Answers a close, or begins one, and ends.
    pub(super) async fn close(&mut self, code: u16) {
        use tokio::io::AsyncWriteExt;
        self.raw().write_all(&close_frame(code)).await.unwrap();
    }

    /// Lets the answer to a close out, and ends.
    pub(super) async fn end(&mut self) {
        let _ = soon(self.socket.close(None)).await;
        while let Some(Ok(_)) = soon(self.socket.next()).await {}
    }

    pub(super) fn raw(&mut self) -> &mut DuplexStream {
        self.socket.get_mut()
    }
}

pub(super) fn target(token: &str) -> Target {
    target_at("http://127.0.0.1:8000", token)
}

pub(super) fn target_at(server: &str, token: &str) -> Target {
    Target {
        endpoint: Endpoint::parse(server).unwrap(),
        user: UserId::new("u1").unwrap(),
        token: token.into(),
        spoke_two: false,
    }
}

/// An alert as the original sends it, with a picture.
pub(super) fn alert(frame_number: u32) -> String {
    let text = include_str!("../../../../../tests/fixtures/ws_anomaly_detected.json");
    let mut alert: serde_json::Value = serde_json::from_str(text).unwrap();
    alert["result"]["frame_number"] = frame_number.into();
    alert["stream_id"] = "88e3bbab-72c1-4037-b4e8-d8fe8731a157".into();
    alert.to_string()
}

/// An alert of protocol 2 as text, without a picture.
pub(super) fn alert_at(cursor: &str) -> String {
    format!(
        r#"{{"type":"anomaly_detected","stream_id":"s","alert_id":"a-{cursor}","cursor":"{cursor}","result":{{"person_id":1}}}}"#
    )
}

/// The same with a picture of about this size.
pub(super) fn alert_with_picture(frame_number: u32, bytes: usize) -> String {
    let mut alert: serde_json::Value = serde_json::from_str(&alert(frame_number)).unwrap();
    alert["annotated_frame"] = "/9j/".repeat(bytes / 3).into();
    alert.to_string()
}

pub(super) fn raw_text_frame(text: &str) -> Vec<u8> {
    let length = u64::try_from(text.len()).unwrap();
    [&[0x81, 127][..], &length.to_be_bytes(), text.as_bytes()].concat()
}

pub(super) fn close_frame(code: u16) -> [u8; 4] {
    let [high, low] = code.to_be_bytes();
    [0x88, 2, high, low]
}

pub(super) fn is_waiting(for_cause: Cause) -> impl Fn(&State) -> bool {
    move |state| matches!(state, State::Waiting { cause, .. } if *cause == for_cause)
}

pub(super) fn is_rejected(for_cause: Cause) -> impl Fn(&State) -> bool {
    move |state| matches!(state, State::Rejected { cause } if *cause == for_cause)
}

/// In virtual time, so that a test that would wait for ever ends at once.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(3600), future).await.expect("it never happened")
}
