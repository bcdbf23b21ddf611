//! The journal on real files, told of detections in every order.

mod cursor;
mod damage;
mod decisions;
mod feed;
mod formats;
mod grouping;
mod joining;
mod ledger;
mod pruning;
mod search;
mod survival;
mod triage;
mod undo;
mod unfinished;
mod view;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use visionguard_proto::{
    Alert, AnomalyId, Cursor, Jpeg, Kind, Picture, ServerMessage, ShopId, StreamId, Via,
};

use super::{Incoming, Journal, JournalError, LogOf};
use crate::model::{Decision, Entry, Recorded, Source};

/// A journal on disk, gone with the test.
struct World {
    journal: Journal,
    directory: TempDir,
}

impl World {
    fn new() -> World {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let opened = Journal::open(directory.path()).expect("a new journal");
        assert_eq!(opened.set_aside, None);
        World { journal: opened.journal, directory }
    }

    async fn reopen(self) -> World {
        self.journal.close().await;
        let opened = Journal::open(self.directory.path()).expect("the same journal");
        assert_eq!(opened.set_aside, None);
        World { journal: opened.journal, directory: self.directory }
    }

    /// Tells it live, this many seconds after noon.
    async fn tell(&self, alert: Alert, second: i64) -> Recorded {
        self.journal.record(alert, noon(second), Source::Live).await.expect("recorded")
    }

    /// Tells it out of the record.
    async fn catch_up(&self, alert: Alert, second: i64) -> Recorded {
        self.journal.record(alert, noon(second), Source::History).await.expect("recorded")
    }

    /// Somebody else decided on it.
    async fn handle(&self, told: &Recorded, second: i64) {
        let anomaly = told.entry().alert.anomaly_id.clone().expect("the record has it");
        let handled = self.journal.handled_elsewhere(anomaly, Decision::Resolved, noon(second), noon(second));
        handled.await.expect("noted").expect("it was open");
    }

    async fn alerts(&self) -> Vec<Entry> {
        self.journal.alerts(10_000).await.expect("alerts")
    }
}

impl Journal {
    /// Stores one account and moves the log's cursor with it.
    async fn record_at(
        &self,
        alert: Alert,
        received_at: Timestamp,
        source: Source,
        place: Option<(LogOf, Cursor)>,
    ) -> Result<Recorded, JournalError> {
        self.record_each(vec![Incoming { alert, received_at, source, place }]).await?.remove(0)
    }
}

/// One detection, told in three ways.
#[derive(Debug, Clone)]
struct Detection {
    stream: String,
    person: i64,
    frame: i64,
    anomaly: String,
    at: Timestamp,
}

fn detection(stream: &str, person: i64, frame: i64) -> Detection {
    Detection {
        stream: stream.to_owned(),
        person,
        frame,
        anomaly: format!("anomaly-{stream}-{person}-{frame}"),
        at: noon(frame / 30),
    }
}

impl Detection {
    /// `anomaly_detected` of the original: picture and key, no id.
    fn seen(&self) -> Alert {
        Alert {
            via: Via::Detection,
            start_frame: Some(self.frame - 23),
            frame_number: Some(self.frame),
            score: Some(3.5),
            picture: Picture::Jpeg(jpeg()),
            ..self.blank()
        }
    }

    /// `anomaly_detected` of our server: with the id.
    fn seen_with_id(&self) -> Alert {
        Alert { anomaly_id: Some(self.anomaly_id()), shop_id: Some(shop("shop-1")), ..self.seen() }
    }

    /// `notification`: id and shop, no key.
    fn noticed(&self) -> Alert {
        Alert {
            via: Via::Notification,
            anomaly_id: Some(self.anomaly_id()),
            shop_id: Some(shop("shop-1")),
            text: Some("Anomalous behavior detected".to_owned()),
            ..self.blank()
        }
    }

    /// A row of the record: everything but the picture itself.
    fn row(&self) -> Alert {
        Alert {
            via: Via::Record,
            start_frame: Some(self.frame - 23),
            frame_number: Some(self.frame),
            score: Some(3.5),
            location: Some(format!("Stream {}", self.stream)),
            detected_at: Some(self.at),
            picture: Picture::At(format!("/api/anomalies/frames/shop-1/{}.jpg", self.frame)),
            ..self.noticed()
        }
    }

    fn anomaly_id(&self) -> AnomalyId {
        AnomalyId::new(&self.anomaly).expect("an id")
    }

    fn blank(&self) -> Alert {
        Alert {
            via: Via::Detection,
            kind: Kind::Theft,
            anomaly_id: None,
            shop_id: None,
            stream_id: Some(StreamId::new(&self.stream).expect("an id")),
            person_id: Some(self.person),
            start_frame: None,
            frame_number: None,
            score: None,
            claimed_severity: None,
            text: None,
            location: None,
            detected_at: None,
            bounding_box: None,
            picture: Picture::Absent,
            cursor: None,
            replayed: false,
        }
    }
}

fn shop(id: &str) -> ShopId {
    ShopId::new(id).expect("an id")
}

fn noon(second: i64) -> Timestamp {
    let noon: Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
    noon.checked_add(SignedDuration::from_secs(second)).expect("a time near noon")
}

fn no_names() -> BTreeMap<String, String> {
    BTreeMap::new()
}

/// The picture of the golden message.
fn jpeg() -> Jpeg {
    let text = include_str!("../../../../../tests/fixtures/ws_anomaly_detected.json");
    let Ok(read) = ServerMessage::read(text) else { panic!("the fixture can be read") };
    let ServerMessage::Alert(alert) = read.message else { panic!("the fixture is an alert") };
    let Picture::Jpeg(jpeg) = alert.picture else { panic!("the fixture has a picture") };
    jpeg
}
