//! Where one client stands in its user's log, and what is in flight to it.
//!
//! Nothing is queued for a client: the log is read while the socket drains, and no further than what may be in flight.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{Config, Message, Text, Unacknowledged};
use crate::id::{AnomalyId, Cursor, StreamId};
use crate::message::{alert_header, alert_text, binary};
use crate::moment::Moment;

/// How a client wants its alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Frames {
    /// Text, the picture as base64.
    #[default]
    Base64,
    /// One binary message, the picture as it is.
    Binary,
}

/// Where a client of protocol 2 starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Names the log.
    pub epoch: String,
    /// The newest place in the user's log.
    pub head: Cursor,
    /// What comes begins after this: the client's cursor, or `head`.
    pub after: Cursor,
    /// Whether the log goes on where the client's cursor stood.
    pub recovered: bool,
    /// How the client wants its alerts.
    pub frames: Frames,
}

/// What to read of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Alerts after this place, oldest first.
    pub after: Cursor,
    /// At most so many.
    pub alerts: usize,
    /// And no more than fit in so many bytes, but one however large.
    pub bytes: usize,
}

/// What was read of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Alerts, oldest first, none left out between them.
    pub entries: Vec<Entry>,
    /// Whether the log may hold more behind them.
    pub more: bool,
}

/// One alert of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub cursor: Cursor,
    /// The alert.
    pub id: AnomalyId,
    /// Its camera stream.
    pub stream: StreamId,
    /// Its `anomaly_detected` message as JSON, without place and picture.
    pub header: String,
    /// The picture; empty where there is none.
    pub picture: Bytes,
}

impl Entry {
    /// Bytes of message and picture.
    pub fn len(&self) -> usize {
        self.header.len() + self.picture.len()
    }

    /// Never: an alert has at least its message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn message(&self, replayed: bool, frames: Frames) -> Message {
        let header = alert_header(&self.header, &self.cursor, replayed);
        match frames {
            Frames::Base64 => Message::Text(Text::from(alert_text(header, &self.picture))),
            Frames::Binary => Message::Binary(binary(&header, &self.picture)),
        }
    }
}

#[derive(Debug)]
pub(super) struct Follower {
    frames: Frames,
    /// The last alert that was read; the client's own place once all of `ready` is sent.
    after: Cursor,
    /// Until this place is sent, alerts are replayed ones.
    replaying_to: Option<Cursor>,
    /// Read, and held back until what is in flight allows it: at most one page.
    ready: VecDeque<Entry>,
    /// The log may hold more after `after`.
    more: bool,
    reading: bool,
    /// The log could not be read: when to try again.
    retry_at: Option<Moment>,
    /// Something waits and nothing may be sent: when patience ends.
    full_until: Option<Moment>,
    /// Since the last ping an alert was sent.
    sent_since_ping: bool,
    asking_head: bool,
}

impl Follower {
    pub(super) fn new(start: Start) -> Follower {
        let replaying_to = (start.head != start.after).then_some(start.head);
        Follower {
            frames: start.frames,
            after: start.after,
            replaying_to,
            ready: VecDeque::new(),
            // Also what was published since `start` was looked up.
            more: true,
            reading: false,
            retry_at: None,
            full_until: None,
            sent_since_ping: false,
            asking_head: false,
        }
    }

    /// The log has grown.
    pub(super) fn ring(&mut self) {
        self.more = true;
    }

    pub(super) fn poll_read(&mut self, in_flight: &Unacknowledged, config: &Config) -> Option<Read> {
        let may_read = self.more && !self.reading && self.ready.is_empty() && self.retry_at.is_none();
        let alerts = config.in_flight_alerts.saturating_sub(in_flight.len()).min(config.page_alerts);
        let bytes = config.in_flight_bytes.saturating_sub(in_flight.bytes()).min(config.page_bytes);
        if !may_read || alerts == 0 || bytes == 0 {
            return None;
        }
        self.reading = true;
        // What is published from now on rings again.
        self.more = false;
        Some(Read { after: self.after.clone(), alerts, bytes })
    }

    pub(super) fn handle_page(&mut self, page: Page) {
        self.reading = false;
        self.more |= page.more;
        if let Some(last) = page.entries.last() {
            self.after = last.cursor.clone();
        }
        self.ready.extend(page.entries);
    }

    pub(super) fn handle_unreadable(&mut self, now: Moment, config: &Config) {
        self.reading = false;
        self.more = true;
        self.retry_at = Some(now + config.read_again_after);
    }

    /// The next message, if what is in flight leaves room for it.
    pub(super) fn next(&mut self, in_flight: &mut Unacknowledged, config: &Config) -> Option<Message> {
        let Some(entry) = self.ready.front() else {
            let is_caught_up = !self.more && !self.reading;
            self.replaying_to.take_if(|_| is_caught_up);
            return None;
        };
        if !in_flight.has_room_for(entry.len(), config) {
            return None;
        }
        let entry = self.ready.pop_front()?;
        let replayed = self.replaying_to.is_some();
        if self.replaying_to.as_ref() == Some(&entry.cursor) {
            self.replaying_to = None;
        }
        let message = entry.message(replayed, self.frames);
        in_flight.push(&entry);
        self.sent_since_ping = true;
        Some(message)
    }

    /// Starts or ends the patience with a client that lets nothing more be sent.
    pub(super) fn judge(&mut self, in_flight: &Unacknowledged, now: Moment, config: &Config) {
        let is_full = match self.ready.front() {
            Some(entry) => !in_flight.has_room_for(entry.len(), config),
            None => self.more && !in_flight.has_room_for(1, config),
        };
        match self.full_until {
            None if is_full => self.full_until = Some(now + config.stuck_after),
            Some(_) if !is_full => self.full_until = None,
            Some(_) | None => {}
        }
    }

    /// The client acknowledged something: its time begins anew.
    pub(super) fn progress(&mut self) {
        self.full_until = None;
    }

    /// False once patience has ended. A computer that was late itself gives the client a little more.
    pub(super) fn handle_timeout(&mut self, now: Moment) -> bool {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
        }
        match self.full_until {
            Some(until) if now.since(until) > super::GRACE => {
                self.full_until = Some(now + super::GRACE);
                true
            }
            Some(until) => until > now,
            None => true,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Moment> {
        [self.retry_at, self.full_until].into_iter().flatten().min()
    }

    /// Whether the next ping is to tell the head, which is then asked for after this place. While alerts flow, or while
    /// the client holds them back itself, it would only tell what both know.
    pub(super) fn ask_head(&mut self) -> Option<Cursor> {
        let flowing = self.sent_since_ping && (self.more || self.reading || !self.ready.is_empty());
        self.sent_since_ping = false;
        if flowing || self.full_until.is_some() || self.asking_head {
            return None;
        }
        self.asking_head = true;
        Some(self.after.clone())
    }

    /// True if the ping waits for this. A head elsewhere than expected means that the log has grown unheard.
    pub(super) fn handle_head(&mut self, head: Option<&Cursor>) -> bool {
        if head.is_some_and(|head| *head != self.after) {
            self.more = true;
        }
        std::mem::take(&mut self.asking_head)
    }
}
