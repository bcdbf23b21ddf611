//! The deployed backend: one slot a user, written over and lost; nothing queued; a 403 for everything.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::record::{Detection, naive};
use super::socket::Request;
use super::{End, Event, Holder, User};
use crate::net::{Chunk, StreamId};
use crate::plan::Bug;
use crate::world::{Event as WorldEvent, World};

const PING_EVERY: Duration = Duration::from_secs(30);
const PROBE_EVERY: Duration = Duration::from_secs(20);
const PROBE_WITHIN: Duration = Duration::from_secs(20);

impl World {
    /// Whether a handshake is let in; the status and headers of the refusal if not.
    pub(super) fn admits(&mut self, request: &Request) -> Result<User, (u16, String)> {
        self.troubles_admit()?;
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let token = query.split('&').find_map(|pair| pair.strip_prefix("token=")).unwrap_or_default();
        let user = self.server.tokens.whose(token, self.server.record.time(self.now));
        user.filter(|user| path == format!("/ws/alerts/{}", user.id()))
            .ok_or((403, "content-type: text/plain\r\n".to_owned()))
    }

    /// Whether the server's troubles let anybody in.
    pub(super) fn troubles_admit(&self) -> Result<(), (u16, String)> {
        if let Some((status, retry_after)) = self.server.troubles.answers {
            let header = retry_after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
            return Err((status, header));
        }
        if self.server.troubles.forbids {
            return Err((403, "content-type: text/plain\r\n".to_owned()));
        }
        Ok(())
    }

    pub(super) fn opened(&mut self, id: StreamId, user: User) {
        match user {
            User::Owner => self.server.slot = Some((Holder::Stream(id), self.now)),
            User::Guest => self.server.guest_slot = Some((id, self.now)),
        }
        if self.plan.bug == Some(Bug::MixesAccounts) {
            self.server.slot = Some((Holder::Stream(id), self.now));
        }
        self.after(PING_EVERY, WorldEvent::Server(Event::Ping(id)));
        self.after(PROBE_EVERY, WorldEvent::Server(Event::Probe(id)));
    }

    /// Whichever socket ends, the user's entry goes: also where it is another's.
    pub(super) fn original_forgets(&mut self, id: StreamId, user: User) {
        if user == User::Guest {
            self.server.guest_slot = None;
            return;
        }
        if let Some((holder, _)) = self.server.slot.take()
            && holder != Holder::Stream(id)
        {
            self.counts.fault("slot lost to an old socket");
            self.line("server: the slot is lost");
        }
    }

    pub(super) fn original_tab(&mut self, open: bool) {
        self.line(format!("server: a web tab {}", if open { "opens" } else { "closes" }));
        self.server.slot = open.then_some((Holder::Tab, self.now));
    }

    pub(super) fn original_pings(&mut self, id: StreamId) {
        let Some(End::Open(open)) = self.server.ends.get(&id) else { return };
        if !open.zombie {
            let time = naive(self.server.record.time(self.now));
            self.say(id, Message::text(json!({"type": "ping", "timestamp": time}).to_string()));
        }
        self.after(PING_EVERY, WorldEvent::Server(Event::Ping(id)));
    }

    pub(super) fn original_probes(&mut self, id: StreamId) {
        let Some(End::Open(open)) = self.server.ends.get(&id) else { return };
        let pongs = open.pongs;
        self.say(id, Message::Ping(Bytes::from_static(b"live")));
        self.after(PROBE_WITHIN, WorldEvent::Server(Event::Unanswered(id, pongs)));
        self.after(PROBE_EVERY, WorldEvent::Server(Event::Probe(id)));
    }

    pub(super) fn original_unanswered(&mut self, id: StreamId, pongs: u64) {
        let Some(End::Open(open)) = self.server.ends.get(&id) else { return };
        if open.pongs > pongs {
            return;
        }
        self.close_socket(id, 1011);
        self.forget(id);
        self.server_closes(id, Chunk::Fin);
    }

    pub(super) fn original_hears(&mut self, id: StreamId, text: &str) {
        let Ok(Value::Object(message)) = serde_json::from_str::<Value>(text) else {
            return self.fail("I11", "the client sent what makes the original a zombie");
        };
        let Some(End::Open(open)) = self.server.ends.get(&id) else { return };
        if open.zombie {
            return;
        }
        match message.get("type").and_then(Value::as_str) {
            Some("ping") => {
                let time = naive(self.server.record.time(self.now));
                self.say(id, Message::text(json!({"type": "pong", "timestamp": time}).to_string()));
            }
            Some("ack") => self.acknowledged(id, &message),
            _ => {}
        }
    }

    /// The original reads the camera alone; which of its alerts is meant, the other fields say.
    fn acknowledged(&mut self, id: StreamId, ack: &Map<String, Value>) {
        let named = ack.get("alert_id").and_then(Value::as_str).and_then(Detection::number_of);
        let frame = ack.get("frame_number").and_then(Value::as_u64).and_then(Detection::number_at);
        let Some(number) = named.or(frame) else {
            return self.fail("I3", format!("an acknowledgement that does not say of what: {ack:?}"));
        };
        if !self.server.told.get_mut(&id).is_some_and(|told| told.remove(&number)) {
            return;
        }
        self.line(format!("server: hears that {number} is stored"));
        self.counts.acked += 1;
        self.server.acked.insert(number, self.now);
    }

    fn slot_stream(&self) -> Option<StreamId> {
        match self.server.slot {
            Some((Holder::Stream(id), _)) => Some(id),
            Some((Holder::Tab | Holder::Rival, _)) | None => None,
        }
    }

    /// Sends the picture and the numbers to whoever has the slot.
    pub(super) fn original_sends(&mut self, detection: &Detection) {
        let Some(id) = self.slot_stream() else { return };
        let mut text = detection.message().to_string();
        if detection.broken_number {
            text = text.replacen("\"score\":", "\"score\":NaN,\"was\":", 1);
        }
        self.server.told.entry(id).or_default().insert(detection.number);
        self.checks.sent_live(detection.number, self.now);
        self.say(id, Message::text(text));
    }

    /// Sends the notice.
    pub(super) fn original_tells(&mut self, detection: &Detection, notice: String) {
        let Some(id) = self.slot_stream() else { return };
        if detection.intrusion {
            self.server.told.entry(id).or_default().insert(detection.number);
            self.checks.sent_live(detection.number, self.now);
        }
        self.say(id, Message::text(notice));
    }
}

impl World {
    /// How old the connection is that has the slot.
    pub(super) fn original_lists(&mut self, user: User) -> Option<Duration> {
        if user == User::Guest {
            let (id, since) = self.server.guest_slot?;
            if Some(id) == self.newest_stream() {
                self.checks.listed_at = Some(self.now);
            }
            return Some(self.now - since);
        }
        self.listed();
        let newest = self.newest_stream().and_then(|id| self.server.ends.get(&id));
        if let (Some(Bug::ListsWhomItForgot), Some(End::Open(open))) = (self.plan.bug, newest) {
            return Some(self.now - open.since);
        }
        let (_, since) = self.server.slot?;
        Some(self.now - since)
    }

    /// A message for the user; whether anybody is there to get it.
    pub(super) fn original_passes_on(&mut self, user: User, notice: String) -> bool {
        if user == User::Guest {
            let Some((id, _)) = self.server.guest_slot else { return false };
            self.say(id, Message::text(notice));
            return true;
        }
        if let Some(id) = self.slot_stream() {
            self.say(id, Message::text(notice));
        }
        self.server.slot.is_some()
    }
}
