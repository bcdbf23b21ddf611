//! The server, as far as a client can tell: its record, its sockets, its answers, and what goes wrong with it.

mod http;
mod original;
mod ours;
mod record;
mod rival;
mod socket;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;

use crate::net::{Chunk, Ending, StreamId};
use crate::plan::{Bug, Plan};
use crate::world::{Event as WorldEvent, World};

pub use http::{Reply, SimulatedExchange};
pub use record::{Detection, Record, SHOPS, naive};
pub use tokens::{CANARY, Tokens, User};

use socket::Socket;

/// Which server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The deployed backend, as `docs/protocol.md` describes it.
    Original,
    /// Our own.
    Ours,
}

/// Something that happens at the server.
#[derive(Debug)]
pub enum Event {
    /// A camera sees something.
    Detects(Box<Detection>),
    /// It is written down.
    Writes(Box<Detection>),
    /// The user is told of it once more, by a notice.
    Tells(Box<Detection>, jiff::Timestamp),
    /// A request arrives.
    Asked(Box<http::Asked>),
    /// The original's ping is due on this socket.
    Ping(StreamId),
    /// The WebSocket library's ping is due on this socket.
    Probe(StreamId),
    /// The library's ping went unanswered until now.
    Unanswered(StreamId, u64),
    /// A web tab of the same user opens, or closes.
    Tab(bool),
    /// Another client of the same user opens its socket or closes it, and goes on so until then.
    Rival(Duration),
    /// It runs again.
    Returns,
    /// Somebody else decides on a row.
    Decided(u64, &'static str),
    /// The log has grown.
    Rings,
    /// The time of a session has come.
    Wakes(StreamId),
}

/// Why the server does not do as it should.
#[derive(Debug, Default)]
pub struct Troubles {
    /// It does not run.
    pub down: bool,
    /// Not even its machine does: nobody refuses a connection.
    pub dark: bool,
    /// It stands still: the kernel takes what comes, and nobody looks.
    pub frozen: bool,
    /// It answers everything with this status, and this Retry-After.
    pub answers: Option<(u16, Option<u64>)>,
    /// It takes requests and never answers.
    pub hangs: bool,
    /// It accepts a socket and closes it at once with this code.
    pub slams: Option<u16>,
    /// It turns down every handshake.
    pub forbids: bool,
}

/// The server.
#[derive(Debug)]
pub struct Server {
    /// Which.
    pub kind: Kind,
    /// What it has on record.
    pub record: Record,
    /// Who may come in.
    pub tokens: Tokens,
    /// What is wrong with it.
    pub troubles: Troubles,
    /// Its ends of streams.
    pub ends: BTreeMap<StreamId, End>,
    /// Who gets the user's alerts, in the original: a stream or a web tab, and since when.
    pub slot: Option<(Holder, Duration)>,
    /// Since when another client of the same user is connected, if it is.
    rival: Option<Duration>,
    /// Who gets the guest's alerts there, of which there are none.
    guest_slot: Option<(StreamId, Duration)>,
    /// What was published, in our own.
    pub log: ours::Log,
    guest_log: ours::Log,
    /// What waits until it no longer stands still.
    waiting: Vec<Event>,
    unread: Vec<StreamId>,
    /// Alerts that were told on a socket and not acknowledged.
    told: BTreeMap<StreamId, BTreeSet<u64>>,
    /// Alerts that a client said to have stored.
    pub acked: BTreeMap<u64, Duration>,
}

/// Whom the original takes for the user's one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// This stream.
    Stream(StreamId),
    /// A tab of a browser.
    Tab,
    /// A client on another computer.
    Rival,
}

/// The server's end of a stream.
#[derive(Debug)]
pub enum End {
    /// The handshake is not over.
    Shaking(Vec<u8>),
    /// Open.
    Open(Box<Open>),
}

/// An open socket.
#[derive(Debug)]
pub struct Open {
    socket: Socket,
    /// How often the library's ping was answered.
    pongs: u64,
    /// The application forgot about it; the library goes on.
    zombie: bool,
    /// The protocol's own end, in our server.
    session: Option<visionguard_proto::Session>,
    since: Duration,
    /// Whose it is.
    pub user: User,
}

impl Server {
    /// A server as the plan has it.
    pub fn new(plan: &Plan) -> Server {
        Server {
            kind: plan.kind,
            record: Record::default(),
            tokens: Tokens::new(plan.token_lives),
            troubles: Troubles::default(),
            ends: BTreeMap::new(),
            slot: None,
            rival: None,
            guest_slot: None,
            log: ours::Log::default(),
            guest_log: ours::Log::of_guest(),
            waiting: Vec::new(),
            unread: Vec::new(),
            told: BTreeMap::new(),
            acked: BTreeMap::new(),
        }
    }

    fn log_of(&self, user: User) -> &ours::Log {
        match user {
            User::Owner => &self.log,
            User::Guest => &self.guest_log,
        }
    }

    /// Its open sockets.
    pub fn roster(&self) -> impl Iterator<Item = StreamId> {
        self.ends.iter().filter(|(_, end)| matches!(end, End::Open(_))).map(|(id, _)| *id)
    }

    /// Whether it takes connections.
    pub fn accepts(&self) -> bool {
        !self.troubles.down && !self.troubles.dark
    }

    /// Whether it answers requests as it should.
    pub fn answers(&self) -> bool {
        let Troubles { down, dark, frozen, answers, hangs, slams: _, forbids: _ } = &self.troubles;
        !down && !dark && !frozen && !hangs && answers.is_none()
    }

    /// Whether another client of the same user is connected.
    pub fn has_rival(&self) -> bool {
        self.rival.is_some()
    }

    /// Whether nobody even refuses them.
    pub fn is_dark(&self) -> bool {
        self.troubles.dark
    }
}

impl World {
    /// Something happens at the server, if it runs.
    pub fn at_the_server(&mut self, event: Event) {
        if let Event::Returns = event {
            return self.server_returns();
        }
        if !self.server.accepts() {
            return self.in_vain(event);
        }
        if self.server.troubles.frozen {
            self.server.waiting.push(event);
            return;
        }
        match event {
            Event::Detects(detection) => self.detects(*detection),
            Event::Writes(detection) => self.writes(*detection),
            Event::Tells(detection, at) => self.tells(&detection, at),
            Event::Asked(asked) => self.asked(*asked),
            Event::Ping(id) => self.original_pings(id),
            Event::Probe(id) => self.original_probes(id),
            Event::Unanswered(id, pongs) => self.original_unanswered(id, pongs),
            Event::Tab(open) => self.original_tab(open),
            Event::Rival(until) => self.rival_turns(until),
            Event::Decided(number, status) => self.decided_elsewhere(number, status),
            Event::Rings => self.ours_rings(),
            Event::Wakes(id) => self.ours_wakes(id),
            Event::Returns => {}
        }
    }

    /// What a server that does not run makes of it: cameras go on, and what they see is lost with it.
    fn in_vain(&mut self, event: Event) {
        match event {
            Event::Asked(asked) => asked.refuse(self),
            Event::Rival(until) => self.rival_waits(until),
            Event::Detects(_)
            | Event::Writes(_)
            | Event::Tells(..)
            | Event::Ping(_)
            | Event::Probe(_)
            | Event::Unanswered(..)
            | Event::Tab(_)
            | Event::Decided(..)
            | Event::Rings
            | Event::Wakes(_)
            | Event::Returns => {}
        }
    }

    fn server_returns(&mut self) {
        self.line("server: runs");
        self.server.troubles.down = false;
        self.server.troubles.dark = false;
    }

    /// Stops without a word to anybody: what the kernel says depends on whether its machine still runs.
    pub fn server_crashes(&mut self, dark: bool) {
        self.line(format!("server: crashes (dark {dark})"));
        self.server.troubles.down = true;
        self.server.troubles.dark = dark;
        self.server.slot = None;
        self.server.rival = None;
        self.server.guest_slot = None;
        self.server.waiting.clear();
        self.server.unread.clear();
        self.server.told.clear();
        for id in std::mem::take(&mut self.server.ends).into_keys() {
            if dark {
                self.swallow(id, &[crate::net::Way::Down]);
            }
            self.server_closes(id, Chunk::Reset);
        }
    }

    /// Stops in order: a close frame to everybody.
    pub fn server_restarts(&mut self, code: u16) {
        self.line(format!("server: restarts ({code})"));
        for id in self.server.ends.keys().copied().collect::<Vec<_>>() {
            self.close_socket(id, code);
        }
        self.server.troubles.down = true;
        self.server.slot = None;
        self.server.rival = None;
        self.server.guest_slot = None;
        self.server.told.clear();
        for id in std::mem::take(&mut self.server.ends).into_keys() {
            self.server_closes(id, Chunk::Fin);
        }
    }

    /// Goes on after having stood still.
    pub fn server_thaws(&mut self) {
        self.line("server: goes on");
        self.server.troubles.frozen = false;
        for event in std::mem::take(&mut self.server.waiting) {
            self.at_the_server(event);
        }
        for id in std::mem::take(&mut self.server.unread) {
            self.server_reads(id);
        }
    }

    // ---- streams ----

    /// A client connects.
    pub fn server_accepts(&mut self, id: StreamId) {
        self.server.ends.insert(id, End::Shaking(Vec::new()));
    }

    /// Something arrived on a stream.
    pub fn server_reads(&mut self, id: StreamId) {
        if self.server.troubles.frozen {
            self.server.unread.push(id);
            return;
        }
        let (bytes, ended) = self.take_up(id);
        match self.server.ends.get_mut(&id) {
            None => {}
            Some(End::Shaking(head)) => {
                head.extend(bytes);
                let head = head.clone();
                self.shakes(id, &head, ended);
            }
            Some(End::Open(open)) => {
                let (messages, over) = open.socket.take(&bytes, ended.is_some());
                let reset = ended == Some(Ending::Reset);
                self.hears(id, messages, over || reset);
            }
        }
    }

    fn shakes(&mut self, id: StreamId, head: &[u8], ended: Option<Ending>) {
        let request = match socket::read_request(head) {
            Ok(Some(request)) => request,
            Ok(None) if ended.is_none() => return,
            Ok(None) | Err(()) => {
                self.server.ends.remove(&id);
                return self.server_closes(id, Chunk::Reset);
            }
        };
        if !request.upgrade {
            let (status, body) = self.capabilities(&request.target);
            self.send_down(id, socket::refuse(status, "content-type: application/json\r\n", &body));
            self.server.ends.remove(&id);
            return self.server_closes(id, Chunk::Fin);
        }
        let admitted = match self.server.kind {
            Kind::Original => self.admits(&request),
            Kind::Ours => self.troubles_admit().and_then(|()| self.ours_admits(&request)),
        };
        match admitted {
            Ok(user) => {
                self.line(format!("server: opens socket {id} of {user:?}"));
                self.send_down(id, socket::accept(&request));
                let socket = Socket::new(&request.rest);
                let open = Open { socket, pongs: 0, zombie: false, session: None, since: self.now, user };
                self.server.ends.insert(id, End::Open(Box::new(open)));
                self.note_open();
                match self.server.kind {
                    Kind::Original => self.opened(id, user),
                    Kind::Ours => self.ours_opens(id, &request.target),
                }
                if let Some(code) = self.server.troubles.slams {
                    self.close_socket(id, code);
                    self.forget(id);
                }
            }
            Err((status, headers)) => {
                self.line(format!("server: refuses socket {id} with {status}"));
                self.send_down(id, socket::refuse(status, &headers, ""));
                self.server.ends.remove(&id);
                self.server_closes(id, Chunk::Fin);
            }
        }
    }

    fn hears(&mut self, id: StreamId, messages: Vec<Message>, over: bool) {
        for message in messages {
            if self.server.kind == Kind::Ours {
                self.ours_hears(id, &message);
                continue;
            }
            match message {
                Message::Text(text) => self.original_hears(id, &text),
                Message::Binary(_) => {
                    self.fail("I11", "the client sent a binary message, on which the original goes deaf");
                }
                Message::Pong(_) => {
                    if let Some(End::Open(open)) = self.server.ends.get_mut(&id) {
                        open.pongs += 1;
                    }
                }
                Message::Ping(_) | Message::Close(_) | Message::Frame(_) => {}
            }
        }
        self.flush(id);
        if over {
            self.forget(id);
            self.server_closes(id, Chunk::Fin);
        }
    }

    /// The socket is no longer there for the application.
    pub(crate) fn forget(&mut self, id: StreamId) {
        if self.plan.bug == Some(Bug::KeepsDeadSockets) {
            return;
        }
        let Some(end) = self.server.ends.remove(&id) else { return };
        self.line(format!("server: socket {id} ends"));
        self.server.told.remove(&id);
        if let (Kind::Original, End::Open(open)) = (self.server.kind, end) {
            self.original_forgets(id, open.user);
        }
    }

    fn say(&mut self, id: StreamId, message: Message) {
        let number = match &message {
            Message::Text(text) => Detection::number_in(text.as_bytes()),
            Message::Binary(bytes) => Detection::number_in(bytes),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => None,
        };
        if let Some(End::Open(open)) = self.server.ends.get_mut(&id) {
            open.socket.say(message);
        }
        self.flush(id);
        if let Some(number) = number {
            self.is_said(id, number);
        }
    }

    fn flush(&mut self, id: StreamId) {
        if let Some(End::Open(open)) = self.server.ends.get_mut(&id) {
            let bytes = open.socket.written();
            if !bytes.is_empty() {
                self.send_down(id, bytes);
            }
        }
    }

    fn close_socket(&mut self, id: StreamId, code: u16) {
        use tokio_tungstenite::tungstenite::protocol::CloseFrame;
        use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;
        let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::default() };
        self.say(id, Message::Close(Some(frame)));
    }

    fn send_down(&mut self, id: StreamId, bytes: Vec<u8>) {
        self.send(id, crate::net::Way::Down, Chunk::Bytes(bytes));
    }

    // ---- cameras ----

    fn detects(&mut self, detection: Detection) {
        self.counts.published += 1;
        self.line(format!(
            "server: sees {} (camera {}, person {})",
            detection.number, detection.stream, detection.person
        ));
        let write_after = self.dice.millis(2..40);
        let hidden = self.plan.bug == Some(Bug::LosesAnAlert) && detection.number == 1_003;
        if self.server.kind == Kind::Original && !hidden && !detection.elsewhere && !detection.intrusion {
            self.original_sends(&detection);
        }
        if !detection.unrecorded {
            self.after(write_after, WorldEvent::Server(Event::Writes(Box::new(detection))));
        }
    }

    fn writes(&mut self, detection: Detection) {
        let at = self.server.record.time(self.now);
        self.server.record.write(detection.clone(), at, self.now);
        self.line(format!("server: writes {}", detection.number));
        self.checks.written(&detection, self.now);
        if self.plan.bug == Some(Bug::LosesAnAlert) && detection.number == 1_003 {
            self.server.record.rows.remove(&detection.id());
            return;
        }
        if self.server.kind == Kind::Ours {
            return self.ours_publishes(detection, at);
        }
        if !detection.elsewhere && !detection.no_notice {
            let after = self.dice.millis(0..6);
            self.after(after, WorldEvent::Server(Event::Tells(Box::new(detection), at)));
        }
    }

    fn tells(&mut self, detection: &Detection, at: jiff::Timestamp) {
        let notice = detection.notice(at).to_string();
        self.original_tells(detection, notice);
    }

    /// A message for the user; whether anybody is there to get it.
    fn passes_on(&mut self, user: User, notice: String) -> bool {
        match self.server.kind {
            Kind::Original => self.original_passes_on(user, notice),
            Kind::Ours => self.ours_passes_on(user, &notice),
        }
    }

    /// What the server says that it speaks.
    fn capabilities(&self, target: &str) -> (u16, String) {
        if let Some((status, _)) = self.server.troubles.answers {
            return (status, "{\"detail\":\"no\"}".to_owned());
        }
        if self.server.kind == Kind::Ours && target.starts_with("/ws/capabilities") {
            let can = r#"{"protocol":2,"auth":["bearer"],"frames":["base64","binary"],"ping_seconds":30,"dead_seconds":60}"#;
            return (200, can.to_owned());
        }
        (404, "{\"error\":\"Not Found\",\"message\":\"The requested endpoint does not exist\"}".to_owned())
    }

    fn decided_elsewhere(&mut self, number: u64, status: &'static str) {
        let id = self
            .server
            .record
            .rows
            .values()
            .find(|row| row.detection.number == number)
            .map(|row| row.detection.id());
        let Some(id) = id else { return };
        self.line(format!("server: somebody else calls {number} {status}"));
        self.checks.decided_elsewhere.insert(number);
        self.server.record.change(&id, status, None, false, self.now);
    }
}
