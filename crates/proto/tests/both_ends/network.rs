//! A client, a server and the network between them, in virtual time. Nothing here waits.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use visionguard_proto::link::{self, Link};
use visionguard_proto::session::{self, Session, Text};
use visionguard_proto::{AnomalyId, Cause, ClientMessage, Cursor, Moment, StreamId};

use super::server_log::ServerLog;

/// What travels on one connection.
#[derive(Debug, Clone)]
enum Packet {
    Syn(Option<Cursor>),
    Opened,
    Text(String),
    Binary(Bytes),
    End(Cause),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// How the network treats one way: a black hole holds everything back until it heals, as TCP would send it again.
#[derive(Debug, Default)]
struct Path {
    blocked: bool,
    held: Vec<(usize, Packet)>,
    last_arrival: Moment,
}

/// Both ends and what lies between.
pub struct World {
    pub now: Moment,
    pub link: Link,
    /// Alert ids in the order in which the application got them, with the connection they came on.
    pub received: Vec<(usize, String)>,
    /// Alert ids that the server knows to be stored.
    pub acknowledged: Vec<String>,
    /// When each attempt started.
    pub attempts: Vec<Moment>,
    /// Every end of a connection or attempt that the link decided on or was told.
    pub ends: Vec<(Moment, Cause)>,
    /// Whether the server takes connections; otherwise it refuses them.
    pub listening: bool,
    /// The server's process stands still: nothing is read, written or timed.
    pub server_stopped: bool,
    /// The server keeps a log: both ends speak protocol 2.
    pub log: Option<ServerLog>,
    /// How often the client was told that the log could not go on.
    pub gaps: usize,
    /// The client's disk is full: nothing is acknowledged.
    pub disk_full: bool,
    /// Draws the time that each packet takes.
    pub delay: Box<dyn FnMut() -> Duration>,
    sessions: BTreeMap<usize, Session>,
    server_inbox: Vec<(usize, Packet)>,
    wire: BTreeMap<(Moment, u64), (Way, usize, Packet)>,
    to_server: Path,
    to_client: Path,
    connection: Option<usize>,
    connections: usize,
    sequence: u64,
}

impl World {
    pub fn new(seed: u64) -> World {
        World {
            now: Moment::START,
            link: Link::new(link::Config::default(), seed),
            received: Vec::new(),
            acknowledged: Vec::new(),
            attempts: Vec::new(),
            ends: Vec::new(),
            listening: true,
            server_stopped: false,
            log: None,
            gaps: 0,
            disk_full: false,
            delay: Box::new(|| Duration::from_millis(20)),
            sessions: BTreeMap::new(),
            server_inbox: Vec::new(),
            wire: BTreeMap::new(),
            to_server: Path::default(),
            to_client: Path::default(),
            connection: None,
            connections: 0,
            sequence: 0,
        }
    }

    /// A world whose link follows the server's log.
    pub fn following(seed: u64) -> World {
        let mut world = World::new(seed);
        world.log = Some(ServerLog::default());
        world.connect();
        world.pass(1.0);
        assert!(world.is_online(), "{:?}", world.link.state());
        world
    }

    /// A world whose link is online.
    pub fn online(seed: u64) -> World {
        let mut world = World::new(seed);
        world.connect();
        world.pass(1.0);
        assert!(world.is_online(), "{:?}", world.link.state());
        world
    }

    pub fn connect(&mut self) {
        self.link.connect(self.now);
        self.settle();
    }

    pub fn reclaim(&mut self) {
        self.link.reclaim(self.now, Duration::from_millis(250));
        self.settle();
    }

    /// Publishes an alert to every connection of the server.
    pub fn publish(&mut self, id: &str) {
        if let Some(log) = &mut self.log {
            log.append(id);
            for session in self.sessions.values_mut().filter(|_| !self.server_stopped) {
                session.ring(self.now);
            }
            return self.settle();
        }
        let text = Text::from(format!(
            r#"{{"type":"anomaly_detected","stream_id":"door","alert_id":"{id}","result":{{"person_id":1}}}}"#
        ));
        for session in self.sessions.values_mut() {
            session.send_alert(AnomalyId::new(id).unwrap(), StreamId::new("door").unwrap(), text.clone());
        }
        self.settle();
    }

    pub fn block(&mut self, way: Way) {
        self.path(way).blocked = true;
    }

    /// Lets through again what was held back.
    pub fn heal(&mut self) {
        for way in [Way::ToServer, Way::ToClient] {
            self.path(way).blocked = false;
            for (connection, packet) in std::mem::take(&mut self.path(way).held) {
                self.send(way, connection, packet);
            }
        }
    }

    /// The server says that it restarts, stops, and takes connections again after `down`.
    pub fn restart_server(&mut self, down: f64) {
        for session in self.sessions.values_mut() {
            session.close(session::RESTART);
        }
        self.settle();
        self.listening = false;
        self.pass(down);
        self.listening = true;
    }

    /// The server loses power: its connections are gone without a word.
    pub fn crash_server(&mut self) {
        self.sessions.clear();
        self.server_inbox.clear();
    }

    /// The server's log is lost with everything in it, and begun anew.
    pub fn wipe_log(&mut self) {
        self.log = self.log.as_ref().map(ServerLog::anew);
        self.crash_server();
    }

    /// Something between resets every connection.
    pub fn reset(&mut self) {
        for (connection, _) in std::mem::take(&mut self.sessions) {
            self.send(Way::ToClient, connection, Packet::End(Cause::Lost));
        }
    }

    /// The server's process stops or goes on, as by SIGSTOP and SIGCONT.
    pub fn stop_server(&mut self, stopped: bool) {
        self.server_stopped = stopped;
        if !stopped {
            for (connection, packet) in std::mem::take(&mut self.server_inbox) {
                self.at_server(connection, packet);
            }
            for session in self.sessions.values_mut() {
                session.ring(self.now);
            }
            self.settle();
        }
    }

    pub fn is_online(&self) -> bool {
        matches!(self.link.state(), link::State::Online { .. })
    }

    /// The ids of all alerts that the application got, in order.
    pub fn ids(&self) -> Vec<String> {
        self.received.iter().map(|(_, id)| id.clone()).collect()
    }

    pub fn live_sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Lets time pass; everything in it happens when it is due.
    pub fn pass(&mut self, seconds: f64) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while let Some(next) = self.next_moment().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    fn next_moment(&self) -> Option<Moment> {
        let packet = self.wire.keys().next().map(|(at, _)| *at);
        let sessions =
            self.sessions.values().filter(|_| !self.server_stopped).filter_map(Session::poll_timeout);
        packet.into_iter().chain(self.link.poll_timeout()).chain(sessions).min()
    }

    fn step(&mut self) {
        while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (way, connection, packet) = entry.remove();
            match way {
                Way::ToServer if self.server_stopped => self.server_inbox.push((connection, packet)),
                Way::ToServer => self.at_server(connection, packet),
                Way::ToClient => self.at_client(connection, packet),
            }
            self.settle();
        }
        if self.link.poll_timeout().is_some_and(|at| at <= self.now) {
            self.link.handle_timeout(self.now);
        }
        if !self.server_stopped {
            for session in self.sessions.values_mut() {
                if session.poll_timeout().is_some_and(|at| at <= self.now) {
                    session.handle_timeout(self.now);
                }
            }
        }
        self.settle();
    }

    fn at_server(&mut self, connection: usize, packet: Packet) {
        match packet {
            Packet::Syn(cursor) if self.listening => {
                let config = session::Config::default();
                let session = match &self.log {
                    Some(log) => Session::follow(config, log.start(cursor.as_ref()), self.now),
                    None => Session::open(config, self.now),
                };
                self.sessions.insert(connection, session);
                self.send(Way::ToClient, connection, Packet::Opened);
            }
            Packet::Syn(_) => self.send(Way::ToClient, connection, Packet::End(Cause::Refused)),
            Packet::Text(text) => match self.sessions.get_mut(&connection) {
                Some(session) => session.handle_text(&text, self.now),
                None => self.send(Way::ToClient, connection, Packet::End(Cause::Lost)),
            },
            Packet::End(_) => drop(self.sessions.remove(&connection)),
            Packet::Opened | Packet::Binary(_) => panic!("a client does not send {packet:?}"),
        }
    }

    fn at_client(&mut self, connection: usize, packet: Packet) {
        if self.connection != Some(connection) {
            return;
        }
        match packet {
            Packet::Opened if self.log.is_some() => self.link.handle_open_v2(self.now),
            Packet::Opened => self.link.handle_open(self.now),
            Packet::Text(text) => self.link.handle_text(&text, self.now),
            Packet::Binary(message) => self.link.handle_binary(&message, self.now),
            Packet::End(cause) => {
                self.connection = None;
                self.link.handle_close(cause, self.now);
            }
            Packet::Syn(_) => panic!("a server does not connect"),
        }
    }

    /// Carries out what both ends want, until they want nothing more.
    fn settle(&mut self) {
        while let Some(event) = self.link.poll_event() {
            match event {
                link::Event::Alert(alert) => {
                    let id = alert.anomaly_id.unwrap();
                    self.received.push((self.connections, id.as_str().to_owned()));
                    if !self.disk_full {
                        let (stream_id, cursor) = (alert.stream_id, alert.cursor);
                        self.link.acknowledge(ClientMessage::Ack {
                            stream_id,
                            alert_id: Some(id),
                            cursor,
                            frame_number: None,
                        });
                    }
                }
                link::Event::Welcome(_) | link::Event::IdleLimit(_) => {}
                link::Event::Gap => self.gaps += 1,
                link::Event::Changed => {
                    if let link::State::Waiting { cause, .. } = *self.link.state() {
                        self.ends.push((self.now, cause));
                    }
                }
                other @ (link::Event::NoWelcome
                | link::Event::Notice(_)
                | link::Event::Unreadable(_)
                | link::Event::Repaired
                | link::Event::Question(_)) => panic!("unexpected: {other:?}"),
            }
        }
        while let Some(action) = self.link.poll_action() {
            match (action, self.connection) {
                (link::Action::Open, None) => {
                    self.connections += 1;
                    self.connection = Some(self.connections);
                    self.attempts.push(self.now);
                    let cursor = self.link.cursor().cloned();
                    self.send(Way::ToServer, self.connections, Packet::Syn(cursor));
                }
                (link::Action::Send(message), Some(connection)) => {
                    self.send(Way::ToServer, connection, Packet::Text(message.to_text()));
                }
                (link::Action::Close { code }, Some(connection)) => {
                    self.send(Way::ToServer, connection, Packet::End(Cause::Closed(code)));
                    self.connection = None;
                }
                (action, connection) => panic!("{action:?} while the connection is {connection:?}"),
            }
        }
        self.settle_sessions();
    }

    fn settle_sessions(&mut self) {
        if self.server_stopped {
            return;
        }
        let mut sessions = std::mem::take(&mut self.sessions);
        sessions.retain(|connection, session| {
            let mut open = true;
            while open && self.settle_session(*connection, session, &mut open) {}
            open
        });
        self.sessions = sessions;
    }

    /// Whether it wanted anything.
    fn settle_session(&mut self, connection: usize, session: &mut Session, open: &mut bool) -> bool {
        if let (Some(log), Some(read)) = (&self.log, session.poll_read()) {
            session.handle_page(log.page(&read), self.now);
            return true;
        }
        if let Some(event) = session.poll_event() {
            match event {
                session::Event::Acknowledged(id) => self.acknowledged.push(id.as_str().to_owned()),
                session::Event::Ignored(why) => panic!("ignored: {why}"),
            }
            return true;
        }
        let Some(action) = session.poll_action() else { return false };
        match action {
            session::Action::Send(text) => {
                self.send(Way::ToClient, connection, Packet::Text(text.as_str().to_owned()));
            }
            session::Action::SendBinary(message) => {
                self.send(Way::ToClient, connection, Packet::Binary(message));
            }
            session::Action::FindHead { since } => {
                let head = self.log.as_ref().map_or(since, ServerLog::head);
                session.handle_head(Some(&head), self.now);
            }
            session::Action::Close { code } => {
                self.send(Way::ToClient, connection, Packet::End(Cause::Closed(code)));
                *open = false;
            }
        }
        true
    }

    fn send(&mut self, way: Way, connection: usize, packet: Packet) {
        let arrival = self.now + (self.delay)();
        let path = self.path(way);
        if path.blocked {
            path.held.push((connection, packet));
            return;
        }
        path.last_arrival = path.last_arrival.max(arrival);
        let key = (path.last_arrival, self.sequence);
        self.sequence += 1;
        self.wire.insert(key, (way, connection, packet));
    }

    fn path(&mut self, way: Way) -> &mut Path {
        match way {
            Way::ToServer => &mut self.to_server,
            Way::ToClient => &mut self.to_client,
        }
    }
}
