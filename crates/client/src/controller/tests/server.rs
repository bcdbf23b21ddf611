//! A server in a few lines, on a real socket, whose every answer a test can set.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio_tungstenite::tungstenite::Message;

pub(super) const USER: &str = "18d746d8-79c5-452f-90e7-eccaee509f3b";
const BROKEN_SHOP: &str = "b0b0b0b0-79c5-452f-90e7-eccaee509f3b";

/// Changes whenever something happens, so that a test can wait for it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
    changed: watch::Sender<u64>,
    out: broadcast::Sender<Out>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// The record, newest first.
    pub(super) rows: Vec<Value>,
    pub(super) acks: Vec<Value>,
    pub(super) patches: Vec<(String, Value)>,
    pub(super) handshakes: u32,
    pub(super) open: u32,
    pub(super) listing: Listing,
    /// Refuse handshakes with this status.
    pub(super) refuse: Option<u16>,
    /// Answer the API with this status.
    pub(super) api_fails: Option<u16>,
    /// List another shop first, whose record cannot be read.
    pub(super) broken_shop: bool,
    /// Answer whatever is asked about this row with a 500.
    pub(super) broken_row: Option<String>,
    /// The record's total is that of the page.
    pub(super) counts_the_page: bool,
    /// This many questions about the list of connections, and as many about the record, are answered with an error.
    pub(super) hiccups: (u32, u32),
    /// Sign-ins so far; the next is refused, or ends all refusals.
    pub(super) logins: u32,
    pub(super) login: Login,
    /// The record is told only after this is over.
    pub(super) record_waits: bool,
    /// Questions about the record that wait.
    pub(super) waiting: u32,
    /// Messages from one person to another, oldest first, and what becomes of them.
    pub(super) notes: Vec<Value>,
    pub(super) note: Note,
    /// A sign-in page of the network answers in the server's place.
    pub(super) portal: bool,
    /// How many questions it answered, and how many of them carried a token.
    pub(super) intercepted: (u32, u32),
    /// By how much its clock is behind, where it tells the time.
    pub(super) clock_behind: Option<Duration>,
    registered: Option<Instant>,
}

/// What becomes of a sign-in with the right password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Login {
    #[default]
    Accepted,
    /// Its token is taken again, where tokens were refused.
    Heals,
    Refused,
}

/// What becomes of a message from one person to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Note {
    #[default]
    Delivered,
    /// The server says that it was delivered, and it was not.
    Swallowed,
    /// There is nobody to hand it to.
    Undelivered,
    Refused(u16),
}

/// What the list of connections says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Listing {
    /// No connection, ever.
    Nobody,
    #[default]
    True,
    /// No connection of the user, until the next handshake.
    Lost,
    /// Another one, a moment old.
    Taken,
}

#[derive(Debug, Clone)]
enum Out {
    Text(String),
    Close,
}

impl Server {
    pub(super) async fn start() -> Arc<Server> {
        Server::at("127.0.0.1:0".parse().expect("an address")).await
    }

    pub(super) async fn at(address: SocketAddr) -> Arc<Server> {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let server = Arc::new(Server {
            address: listener.local_addr().expect("its address"),
            state: Arc::default(),
            changed: watch::Sender::new(0),
            out: broadcast::Sender::new(64),
        });
        let accepting = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&accepting).serve(stream));
            }
        });
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.send_modify(|n| *n += 1);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the state")
    }

    /// Waits until the state is so; far longer than it should take.
    pub(super) async fn until<T>(&self, what: &str, mut look: impl FnMut(&State) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        let waiting = async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = look(&self.state()) {
                    return found;
                }
                changed.changed().await.expect("the server lives");
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        found.unwrap_or_else(|_| panic!("waited in vain until {what}: {:?}", self.state()))
    }

    /// Sends to all sockets.
    pub(super) fn say(&self, message: &Value) {
        self.out.send(Out::Text(message.to_string())).expect("somebody is connected");
    }

    pub(super) fn close_all(&self) {
        let _ = self.out.send(Out::Close);
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let head = peek_head(&stream).await.unwrap_or_default();
        if self.state().portal {
            return self.intercept(stream).await;
        }
        if head.starts_with("GET /ws/alerts/") {
            let refuse = self.state().refuse;
            match refuse {
                Some(status) => {
                    let _ = read_request(&mut stream).await;
                    let _ = answer(&mut stream, status, "").await;
                }
                None => self.socket(stream).await,
            }
            return;
        }
        if let Ok((line, body)) = read_request(&mut stream).await {
            if line.starts_with("GET /api/anomalies/frames/") {
                let _ = answer_with(&mut stream, 200, "image/jpeg", &picture()).await;
                return;
            }
            self.wait_for_record(&line).await;
            let (status, reply) = self.api(&line, &body);
            let kind = match self.state().clock_behind {
                // One more line of the head.
                Some(behind) => format!("application/json\r\ndate: {}", date(behind)),
                None => "application/json".to_owned(),
            };
            let _ = answer_with(&mut stream, status, &kind, reply.to_string().as_bytes()).await;
        }
    }

    async fn intercept(&self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let head = String::from_utf8_lossy(&bytes).to_lowercase();
        if !head.contains("upgrade: websocket") {
            let carries_token = head.contains("authorization:") || head.contains("token=");
            self.set(|state| {
                state.intercepted.0 += 1;
                state.intercepted.1 += u32::from(carries_token);
            });
        }
        let _ = answer_with(&mut stream, 200, "text/html", b"<html>Sign in to the network</html>").await;
    }

    async fn socket(&self, stream: TcpStream) {
        let mut out = self.out.subscribe();
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
        self.set(|state| {
            state.handshakes += 1;
            state.open += 1;
            state.registered = Some(Instant::now());
            if state.listing == Listing::Lost && state.handshakes > 1 {
                state.listing = Listing::True;
            }
        });
        loop {
            tokio::select! {
                said = out.recv() => match said {
                    Ok(Out::Text(text)) => {
                        if socket.send(Message::text(text)).await.is_err() {
                            break;
                        }
                    }
                    Ok(Out::Close) | Err(_) => {
                        let _ = socket.close(None).await;
                        break;
                    }
                },
                heard = socket.next() => match heard {
                    Some(Ok(Message::Text(text))) => self.heard(&text),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                },
            }
        }
        self.set(|state| state.open -= 1);
    }

    fn heard(&self, text: &str) {
        let message: Value = serde_json::from_str(text).expect("clients send JSON");
        match message["type"].as_str() {
            Some("ping") => self.say(&json!({"type": "pong"})),
            Some("ack") => self.set(|state| state.acks.push(message)),
            _ => {}
        }
    }

    fn api(&self, line: &str, body: &[u8]) -> (u16, Value) {
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if let Some(status) = self.state().api_fails
            && path != "/auth/login"
        {
            return (status, json!({"detail": "no"}));
        }
        if self.hiccup(path) {
            return (503, json!({"detail": "busy"}));
        }
        if let Some(id) = path.strip_prefix("/api/anomalies/") {
            return self.row(method, id, body);
        }
        match (method, path) {
            ("POST", "/auth/login") => self.login(body),
            ("GET", "/auth/me") => (200, user()),
            ("POST", "/auth/logout") => (200, json!({"message": "Successfully logged out"})),
            ("GET", "/shops") => (200, shops(self.state().broken_shop)),
            ("GET", "/api/anomalies") if query.contains(BROKEN_SHOP) => (500, json!({"detail": "no"})),
            ("GET", "/api/anomalies") => (200, self.page(query)),
            ("POST", "/api/notifications/send") => self.note(body),
            ("GET", _) if path.starts_with("/ws/connections/") => self.listing(),
            _ => (404, not_found()),
        }
    }

    fn hiccup(&self, path: &str) -> bool {
        let mut state = self.state();
        let (list, record) = &mut state.hiccups;
        let left = if path.starts_with("/ws/connections/") { list } else { record };
        let hiccup = *left > 0 && (path.starts_with("/ws/connections/") || path == "/api/anomalies");
        *left -= u32::from(hiccup);
        hiccup
    }

    fn page(&self, query: &str) -> Value {
        let query: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let number = |name: &str| query.get(name).and_then(|text| text.parse().ok());
        let (limit, offset) = (number("limit").unwrap_or(100), number("offset").unwrap_or(0));
        let state = self.state();
        let is_listed =
            |row: &&Value| query.get("status").is_none_or(|status| row["status"].as_str() == Some(status));
        let listed: Vec<&Value> = state.rows.iter().filter(is_listed).collect();
        let rows: Vec<&&Value> = listed.iter().skip(offset).take(limit).collect();
        let total = if state.counts_the_page { rows.len() } else { listed.len() };
        json!({"total": total, "anomalies": rows})
    }

    fn row(&self, method: &str, id: &str, body: &[u8]) -> (u16, Value) {
        if self.state().broken_row.as_deref() == Some(id) {
            return (500, json!({"detail": "no"}));
        }
        let mut found = None;
        self.set(|state| {
            let Some(row) = state.rows.iter_mut().find(|row| row["id"] == id) else { return };
            if method == "PATCH" {
                let change: Value = serde_json::from_slice(body).expect("a JSON body");
                row["status"] = change["status"].clone();
                row["updated_at"] = json!(jiff::Timestamp::now().to_string().trim_end_matches('Z'));
                if change["notes"].as_str().is_some_and(|notes| !notes.is_empty()) {
                    row["notes"] = change["notes"].clone();
                }
                state.patches.push((id.to_owned(), change));
            }
            found = Some(row.clone());
        });
        found.map_or((404, not_found()), |row| (200, row))
    }

    fn login(&self, body: &[u8]) -> (u16, Value) {
        self.set(|state| {
            state.logins += 1;
            if state.login == Login::Heals {
                (state.refuse, state.api_fails) = (None, None);
            }
        });
        if self.state().login == Login::Refused {
            return (401, json!({"detail": "Invalid credentials"}));
        }
        login(body)
    }

    /// Holds an answer about the record back for as long as a test wants.
    async fn wait_for_record(&self, line: &str) {
        if !line.starts_with("GET /api/anomalies?") || !self.state().record_waits {
            return;
        }
        self.set(|state| state.waiting += 1);
        self.until("the record is told", |state| (!state.record_waits).then_some(())).await;
    }

    fn note(&self, body: &[u8]) -> (u16, Value) {
        let note: Value = serde_json::from_slice(body).expect("a JSON body");
        self.set(|state| state.notes.push(note.clone()));
        let fate = self.state().note;
        match fate {
            Note::Refused(status) => return (status, json!({"detail": "no"})),
            Note::Delivered => self.say(&told(&note)),
            Note::Swallowed | Note::Undelivered => {}
        }
        (200, json!({"success": true, "delivered": fate != Note::Undelivered}))
    }

    fn listing(&self) -> (u16, Value) {
        let state = self.state();
        let uptime = match (state.listing, state.registered) {
            (Listing::Lost | Listing::Nobody, _) | (_, None) => return (404, not_found()),
            (Listing::Taken, _) => 0.0,
            (Listing::True, Some(since)) => since.elapsed().as_secs_f64(),
        };
        (
            200,
            json!({"user_id": USER, "connected": true, "uptime_seconds": uptime, "seconds_since_heartbeat": 0.1}),
        )
    }
}

/// `anomaly_detected` as the backend sends it, of this person.
pub(super) fn detection(person: i64, frame: i64) -> Value {
    let mut message: Value =
        serde_json::from_str(include_str!("../../../../../tests/fixtures/ws_anomaly_detected.json"))
            .expect("the fixture");
    message["result"]["person_id"] = json!(person);
    message["result"]["frame_number"] = json!(frame);
    message
}

/// The message as it comes on the socket.
pub(super) fn told(note: &Value) -> Value {
    let (title, message, metadata) = (&note["title"], &note["message"], &note["metadata"]);
    let data = json!({"notification_id": "notif_1", "title": title, "message": message, "priority": "low",
        "type": "info", "timestamp": "2026-11-21T20:21:27.377062", "metadata": metadata, "action_url": null});
    json!({"type": "notification", "data": data})
}

/// Rows of these numbers, the newest first, each so much later than the one before.
pub(super) fn rows(numbers: Range<i64>, at: jiff::Timestamp, step: Duration) -> Vec<Value> {
    let later = |n: i64| step * u32::try_from(n).expect("a small number");
    numbers.rev().map(|n| row(&format!("a-{n}"), n, at + later(n))).collect()
}

/// A row of the record, of this person and time.
pub(super) fn row(id: &str, person: i64, at: jiff::Timestamp) -> Value {
    let list: Value =
        serde_json::from_str(include_str!("../../../../../tests/fixtures/anomalies_list_200.json"))
            .expect("the fixture");
    let mut row = list["anomalies"][1].clone();
    let time = at.to_string().trim_end_matches('Z').to_owned();
    row["id"] = json!(id);
    row["timestamp"] = json!(time);
    row["created_at"] = json!(time);
    row["updated_at"] = json!(time);
    row["image_url"] = Value::Null;
    row["extra_data"]["person_id"] = json!(person);
    row["extra_data"]["stream_id"] = json!(format!("stream-of-{person}"));
    row
}

/// The picture of a detection.
pub(super) fn picture() -> Vec<u8> {
    let message = detection(1, 1);
    let text = message["annotated_frame"].as_str().expect("a picture");
    BASE64.decode(text).expect("base64")
}

fn login(body: &[u8]) -> (u16, Value) {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    if said["password"] != "right" {
        return (401, json!({"detail": "Invalid credentials"}));
    }
    (200, json!({"access_token": token(), "refresh_token": "r", "token_type": "bearer", "user": user()}))
}

/// A token without an expiry: it lasts.
fn token() -> &'static str {
    "access-token"
}

fn user() -> Value {
    json!({"id": USER, "name": "Fixture Owner", "email": "owner@example.com", "role": "OWNER"})
}

fn shops(with_broken: bool) -> Value {
    let mut shops: Vec<Value> =
        serde_json::from_str(include_str!("../../../../../tests/fixtures/shops_200.json"))
            .expect("the fixture");
    if with_broken {
        let mut broken = shops[0].clone();
        broken["id"] = json!(BROKEN_SHOP);
        shops.insert(0, broken);
    }
    json!(shops)
}

fn not_found() -> Value {
    serde_json::from_str(include_str!("../../../../../tests/fixtures/ws_connections_user_404.json"))
        .expect("the fixture")
}

/// The request's head without taking it from the stream, so that a WebSocket handshake can still be read.
async fn peek_head(stream: &TcpStream) -> io::Result<String> {
    let mut buffer = [0; 64];
    let length = stream.peek(&mut buffer).await?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

async fn read_request(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length: usize = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0);
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((head.lines().next().unwrap_or("").to_owned(), bytes[end..].to_vec()))
}

fn date(behind: Duration) -> String {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    printer.timestamp_to_rfc9110_string(&(jiff::Timestamp::now() - behind)).expect("a date")
}

async fn answer(stream: &mut TcpStream, status: u16, body: &str) -> io::Result<()> {
    answer_with(stream, status, "application/json", body.as_bytes()).await
}

async fn answer_with(stream: &mut TcpStream, status: u16, kind: &str, body: &[u8]) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.shutdown().await
}
