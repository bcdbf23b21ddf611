//! Our own server: the real session of the protocol on a log with a cursor; every connection of a user is live.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use visionguard_proto::message::ClientMessage;
use visionguard_proto::session::{Action, Config, Entry, Event as Told, Frames, Page, Read, Start};
use visionguard_proto::{AnomalyId, Cursor, Moment, Session, StreamId as Camera};

use super::record::{Detection, SHOPS, picture};
use super::socket::Request;
use super::{End, Event, User};
use crate::net::{Chunk, StreamId};
use crate::plan::Bug;
use crate::world::{Event as WorldEvent, World};

/// The log: what was published, in order, under numbers that begin with 1.
#[derive(Debug, Default)]
pub struct Log {
    epoch: u32,
    entries: Vec<(Detection, jiff::Timestamp)>,
    /// Up to here it is no longer kept.
    trimmed: usize,
}

/// Where the epochs of a log begin that is the guest's.
const GUEST: u32 = 1_000_000;

impl Log {
    /// The log of somebody whom no camera tells anything.
    pub fn of_guest() -> Log {
        Log { epoch: GUEST, ..Log::default() }
    }

    /// A log that was lost and begun anew.
    pub fn wipe(&mut self) {
        self.epoch += 1;
        self.entries.clear();
        self.trimmed = 0;
    }

    /// All but the newest few are no longer kept.
    pub fn trim(&mut self, keep: usize) {
        self.trimmed = self.trimmed.max(self.entries.len().saturating_sub(keep));
    }

    /// Where in the log a detection is.
    pub fn place_of(&self, number: u64) -> Option<usize> {
        self.entries.iter().position(|(detection, _)| detection.number == number)
    }

    /// What is at these places.
    pub fn between(&self, after: usize, before: usize) -> impl Iterator<Item = u64> {
        self.entries.iter().take(before).skip(after).map(|(detection, _)| detection.number)
    }

    /// Whether this can be a cursor of this log, also of what it was before it was lost.
    fn is_of(&self, cursor: &str) -> bool {
        let epoch = cursor.split('.').next().and_then(|epoch| epoch.parse::<u32>().ok());
        epoch.is_some_and(|epoch| (epoch >= GUEST) == (self.epoch >= GUEST))
    }

    fn cursor(&self, number: usize) -> Option<Cursor> {
        Cursor::new(&format!("{}.{number}", self.epoch)).ok()
    }

    fn number(&self, cursor: &str) -> Option<usize> {
        let (epoch, number) = cursor.split_once('.')?;
        let number = number.parse().ok()?;
        (epoch == self.epoch.to_string() && number <= self.entries.len()).then_some(number)
    }

    fn start(&self, asked: Option<&str>, frames: Frames) -> Option<Start> {
        let known = asked.and_then(|asked| self.number(asked)).filter(|number| *number >= self.trimmed);
        let head = self.entries.len();
        Some(Start {
            epoch: self.epoch.to_string(),
            head: self.cursor(head)?,
            after: self.cursor(known.unwrap_or(head))?,
            recovered: asked.is_none() || known.is_some(),
            frames,
        })
    }

    fn page(&self, read: &Read) -> Option<Page> {
        let after = self.number(read.after.as_str())?;
        let end = (after + read.alerts).min(self.entries.len());
        let entries = (after..end).map(|at| self.entry(at)).collect::<Option<Vec<Entry>>>()?;
        Some(Page { entries, more: end < self.entries.len() })
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        let (detection, time) = self.entries.get(at)?;
        let mut header = detection.message();
        if let Value::Object(fields) = &mut header {
            fields.remove("annotated_frame");
            fields.insert("alert_id".to_owned(), json!(detection.id()));
            fields.insert("at".to_owned(), json!(time.to_string()));
            fields.insert("shop_id".to_owned(), json!(SHOPS[detection.shop]));
            fields.insert("severity".to_owned(), json!("low"));
        }
        Some(Entry {
            cursor: self.cursor(at + 1)?,
            id: AnomalyId::new(&detection.id()).ok()?,
            stream: Camera::new(&detection.stream).ok()?,
            header: header.to_string(),
            picture: Bytes::from_static(picture()),
        })
    }
}

impl World {
    /// Whether a handshake of protocol 2 is let in.
    pub(super) fn ours_admits(&self, request: &Request) -> Result<User, (u16, String)> {
        let path = request.target.split('?').next().unwrap_or_default();
        let Some(user) = path.strip_prefix("/ws/alerts/").and_then(User::numbered) else {
            return Err((404, String::new()));
        };
        let token = request.bearer.as_deref().unwrap_or_default();
        let whose = self.server.tokens.whose(token, self.server.record.time(self.now));
        whose.filter(|whose| *whose == user).ok_or((401, "www-authenticate: Bearer\r\n".to_owned()))
    }

    /// Welcomes a client.
    pub(super) fn ours_opens(&mut self, id: StreamId, target: &str) {
        let url = url::Url::parse("http://server").and_then(|base| base.join(target));
        let Ok(url) = url else { return };
        let value = |name: &str| {
            let pair = url.query_pairs().find(|(key, _)| key == name);
            pair.map(|(_, value)| value.into_owned())
        };
        let frames =
            if value("frames").as_deref() == Some("binary") { Frames::Binary } else { Frames::Base64 };
        let cursor = value("cursor");
        let Some(user) = self.user_of(id) else { return };
        let log = self.server.log_of(user);
        if let Some(cursor) = cursor.as_deref().filter(|cursor| !log.is_of(cursor)) {
            let text = format!("{user:?} asks for {cursor}, a place in the log of somebody else");
            return self.fail("accounts", text);
        }
        let Some(start) = log.start(cursor.as_deref(), frames) else { return };
        let after = log.number(start.after.as_str());
        if let Some(after) = after.filter(|_| user == User::Owner) {
            self.follows(id, after, cursor.is_some() && start.recovered);
        }
        self.line(format!(
            "server: socket {id} asks for {cursor:?}, begins after {}, head {}, recovered {}",
            start.after.as_str(),
            start.head.as_str(),
            start.recovered
        ));
        if let Some(End::Open(open)) = self.server.ends.get_mut(&id) {
            open.session = Some(Session::follow(Config::default(), start, moment(self.now)));
            open.since = self.now;
        }
        self.ours_goes_on(id);
    }

    /// Hands what was heard to the session.
    pub(super) fn ours_hears(&mut self, id: StreamId, message: &Message) {
        let now = moment(self.now);
        let Some(session) = self.session(id) else { return };
        match message {
            Message::Text(text) => session.handle_text(text, now),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => session.handle_bytes(now),
            Message::Close(_) | Message::Frame(_) => {}
        }
        if let Message::Text(text) = message
            && let Ok(Some(ClientMessage::Ack { alert_id: None, .. })) = ClientMessage::read(text)
        {
            self.fail("I3", "an ack without an id where the server gave one");
        }
        self.ours_goes_on(id);
    }

    /// A session's time has come.
    pub(super) fn ours_wakes(&mut self, id: StreamId) {
        let now = moment(self.now);
        let Some(session) = self.session(id) else { return };
        if session.poll_timeout().is_some_and(|at| at <= now) {
            session.handle_timeout(now);
        }
        self.ours_goes_on(id);
    }

    /// The log has grown: everybody is told.
    pub(super) fn ours_publishes(&mut self, detection: Detection, at: jiff::Timestamp) {
        self.server.log.entries.push((detection, at));
        let after = self.dice.millis(0..8);
        self.after(after, WorldEvent::Server(Event::Rings));
    }

    pub(super) fn ours_rings(&mut self) {
        let now = moment(self.now);
        for id in self.server.ends.keys().copied().collect::<Vec<_>>() {
            if let Some(session) = self.session(id) {
                session.ring(now);
                self.ours_goes_on(id);
            }
        }
    }

    /// Who is connected: the oldest of the user's connections speaks for all.
    pub(super) fn ours_lists(&mut self, user: User) -> Option<Duration> {
        let newest = self.newest_stream();
        let mut since = self.server.rival.filter(|_| user == User::Owner);
        for (id, end) in &self.server.ends {
            if let End::Open(open) = end
                && open.session.is_some()
                && open.user == user
            {
                since = Some(since.map_or(open.since, |since: Duration| since.min(open.since)));
                if Some(*id) == newest {
                    self.checks.listed_at = Some(self.now);
                }
            }
        }
        since.map(|since| self.now - since)
    }

    /// A message for the user; whether anybody is there to get it.
    pub(super) fn ours_passes_on(&mut self, user: User, notice: &str) -> bool {
        let ids: Vec<StreamId> = self.server.ends.keys().copied().collect();
        let mut any = user == User::Owner && self.server.rival.is_some();
        for id in ids.into_iter().filter(|id| self.user_of(*id) == Some(user)).collect::<Vec<_>>() {
            if let Some(session) = self.session(id) {
                session.send(notice.to_owned().into());
                any = true;
                self.ours_goes_on(id);
            }
        }
        any
    }

    fn user_of(&self, id: StreamId) -> Option<User> {
        match self.server.ends.get(&id) {
            Some(End::Open(open)) => Some(open.user),
            Some(End::Shaking(_)) | None => None,
        }
    }

    fn session(&mut self, id: StreamId) -> Option<&mut Session> {
        match self.server.ends.get_mut(&id) {
            Some(End::Open(open)) => open.session.as_mut(),
            Some(End::Shaking(_)) | None => None,
        }
    }

    /// Does what the session says, until it says nothing more.
    fn ours_goes_on(&mut self, id: StreamId) {
        let now = moment(self.now);
        loop {
            let Some(session) = self.session(id) else { return };
            if let Some(action) = session.poll_action() {
                if self.ours_acts(id, action) {
                    return;
                }
                continue;
            }
            if let Some(told) = session.poll_event() {
                if let Told::Acknowledged(alert) = told {
                    self.ours_is_told(&alert);
                }
                continue;
            }
            let Some(read) = session.poll_read() else { break };
            let Some(user) = self.user_of(id) else { return };
            let mut page = self.server.log_of(user).page(&read);
            if self.plan.bug == Some(Bug::SkipsOne)
                && let Some(page) = &mut page
            {
                page.entries.retain(|entry| Detection::number_of(entry.id.as_str()) != Some(1_003));
            }
            if let Some(page) = &page {
                let numbers: Vec<u64> =
                    page.entries.iter().filter_map(|entry| Detection::number_of(entry.id.as_str())).collect();
                for number in numbers {
                    self.checks.sent_live(number, self.now);
                }
            }
            let Some(session) = self.session(id) else { return };
            match page {
                Some(page) => session.handle_page(page, now),
                None => session.handle_unreadable(now),
            }
        }
        if let Some(at) = self.session(id).and_then(|session| session.poll_timeout()) {
            self.after(at.since(now), WorldEvent::Server(Event::Wakes(id)));
        }
    }

    /// Does one thing; whether the socket is over.
    fn ours_acts(&mut self, id: StreamId, action: Action) -> bool {
        let now = moment(self.now);
        match action {
            Action::Send(text) => {
                let text = text.as_str().to_owned();
                self.say(id, Message::text(text));
            }
            Action::SendBinary(bytes) => self.say(id, Message::Binary(bytes)),
            Action::FindHead { since: _ } => {
                let Some(user) = self.user_of(id) else { return true };
                let log = self.server.log_of(user);
                let head = log.cursor(log.entries.len());
                if let Some(session) = self.session(id) {
                    session.handle_head(head.as_ref(), now);
                }
            }
            Action::Close { code } => {
                self.close_socket(id, code);
                self.forget(id);
                self.server_closes(id, Chunk::Fin);
                return true;
            }
        }
        false
    }

    fn ours_is_told(&mut self, alert: &AnomalyId) {
        let Some(number) = Detection::number_of(alert.as_str()) else { return };
        self.line(format!("server: hears that {number} is stored"));
        self.counts.acked += 1;
        self.server.acked.insert(number, self.now);
    }
}

fn moment(at: Duration) -> Moment {
    Moment::from_start(Duration::from_secs(1_000) + at)
}
