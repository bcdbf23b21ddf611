//! What was sent on one connection and is not yet known to be stored.

use std::collections::VecDeque;

use super::{Config, Entry};
use crate::id::{AnomalyId, Cursor, StreamId};

/// Oldest first.
#[derive(Debug, Default)]
pub(super) struct Unacknowledged {
    sent: VecDeque<Sent>,
    bytes: usize,
}

#[derive(Debug)]
struct Sent {
    id: AnomalyId,
    stream: StreamId,
    cursor: Option<Cursor>,
    bytes: usize,
}

impl Unacknowledged {
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// One alert always has room, however large.
    pub(super) fn has_room_for(&self, bytes: usize, config: &Config) -> bool {
        self.sent.is_empty()
            || (self.sent.len() < config.in_flight_alerts && self.bytes + bytes <= config.in_flight_bytes)
    }

    pub(super) fn push(&mut self, entry: &Entry) {
        self.bytes += entry.len();
        self.sent.push_back(Sent {
            id: entry.id.clone(),
            stream: entry.stream.clone(),
            cursor: Some(entry.cursor.clone()),
            bytes: entry.len(),
        });
    }

    /// Remembers an alert of protocol 1, whose client may never acknowledge: beyond `most` the oldest is forgotten.
    pub(super) fn remember(&mut self, id: AnomalyId, stream: StreamId, most: usize) {
        self.sent.push_back(Sent { id, stream, cursor: None, bytes: 0 });
        if self.sent.len() > most {
            self.sent.pop_front();
        }
    }

    /// With an id: that alert. With a place alone: the alert there. In the original form, with neither: the oldest of
    /// that stream. Anything else is ignored, so that an ack may come twice and a foreign one does nothing.
    pub(super) fn acknowledge(
        &mut self,
        stream: Option<&StreamId>,
        alert: Option<&AnomalyId>,
        cursor: Option<&Cursor>,
    ) -> Option<AnomalyId> {
        let at = self.sent.iter().position(|sent| match (alert, cursor, stream) {
            (Some(alert), _, _) => sent.id == *alert,
            (None, Some(cursor), _) => sent.cursor.as_ref() == Some(cursor),
            (None, None, Some(stream)) => sent.stream == *stream,
            (None, None, None) => false,
        })?;
        let sent = self.sent.remove(at)?;
        self.bytes -= sent.bytes;
        Some(sent.id)
    }
}
