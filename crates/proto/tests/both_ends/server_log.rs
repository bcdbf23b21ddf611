//! A user's log of alerts, as a server keeps it.

use bytes::Bytes;
use visionguard_proto::session::{Entry, Frames, Page, Read, Start};
use visionguard_proto::{AnomalyId, Cursor, StreamId};

#[derive(Debug, Default)]
pub struct ServerLog {
    epoch: u32,
    /// Of the alert with number 1, then 2, ...
    ids: Vec<String>,
    /// How many of the oldest are trimmed away.
    trimmed: usize,
}

impl ServerLog {
    pub fn append(&mut self, id: &str) {
        self.ids.push(id.to_owned());
    }

    /// An empty one in its place.
    pub fn anew(&self) -> ServerLog {
        ServerLog { epoch: self.epoch + 1, ..ServerLog::default() }
    }

    /// Forgets all but the newest of this many.
    pub fn keep(&mut self, newest: usize) {
        self.trimmed = self.ids.len().saturating_sub(newest);
    }

    pub fn head(&self) -> Cursor {
        self.cursor(self.ids.len())
    }

    pub fn start(&self, cursor: Option<&Cursor>) -> Start {
        let head = self.head();
        let known = cursor.filter(|cursor| self.number(cursor).is_some_and(|number| number >= self.trimmed));
        Start {
            epoch: self.epoch.to_string(),
            after: known.cloned().unwrap_or_else(|| head.clone()),
            recovered: cursor.is_none() || known.is_some(),
            head,
            frames: Frames::Binary,
        }
    }

    pub fn page(&self, read: &Read) -> Page {
        let after = self.number(&read.after).expect("a session asks for what it was told");
        let numbers = after + 1..=self.ids.len();
        let entries = numbers.clone().take(read.alerts).map(|number| self.entry(number)).collect();
        Page { entries, more: numbers.count() > read.alerts }
    }

    fn entry(&self, number: usize) -> Entry {
        let id = &self.ids[number - 1];
        Entry {
            cursor: self.cursor(number),
            id: AnomalyId::new(id).unwrap(),
            stream: StreamId::new("door").unwrap(),
            header: format!(
                r#"{{"type":"anomaly_detected","stream_id":"door","alert_id":"{id}","result":{{"person_id":1}}}}"#
            ),
            picture: Bytes::new(),
        }
    }

    fn cursor(&self, number: usize) -> Cursor {
        Cursor::new(&format!("{}.{number}", self.epoch)).unwrap()
    }

    fn number(&self, cursor: &Cursor) -> Option<usize> {
        (0..=self.ids.len()).find(|number| self.cursor(*number) == *cursor)
    }
}
