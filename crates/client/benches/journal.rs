//! What the journal takes for an alert, for the page and for a decision: on the disk that holds `target`, with a commit that is
//! flushed to it, as the program works.
//!
//! ```text
//! cargo bench -p visionguard-client
//! ```

#[path = "../../picture/benches/frame/mod.rs"]
mod frame;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use divan::Bencher;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use visionguard_client::journal::{Incoming, Journal};
use visionguard_client::model::{AlertId, Decision, Dispatch, IncidentId, Recorded, Source};
use visionguard_client::view::{FeedFilter, FeedQuery};
use visionguard_proto::{Alert, AnomalyId, Jpeg, Picture, ServerMessage, StreamId, Via};

/// Incidents in the list.
const INCIDENTS: usize = 2_000;
/// Incidents of some years.
const MANY: usize = 200_000;
/// Cameras that see them, in turn.
const CAMERAS: usize = 40;
/// Incidents that are taken into the search index by one commit.
const BATCH: usize = 200;
/// Alerts that wait together in a storm.
const TOGETHER: usize = 10;

const MESSAGE: &str = include_str!("../../../tests/fixtures/ws_anomaly_detected.json");

fn main() {
    divan::main();
}

/// One alert that opens an incident, until it is on the disk.
#[divan::bench]
fn record_one(bencher: Bencher<'_, '_>) {
    let home = Home::new();
    bencher.with_inputs(|| home.somebody()).bench_local_values(|alert| home.record(alert));
}

/// One alert of an incident that stands.
#[divan::bench]
fn record_one_more_of_it(bencher: Bencher<'_, '_>) {
    let home = Home::new();
    let mut alert = home.somebody();
    home.record(alert.clone());
    let next = move || {
        alert.frame_number = alert.frame_number.map(|number| number + 1);
        alert.clone()
    };
    bencher.with_inputs(next).bench_local_values(|alert| home.record(alert));
}

/// As many as wait together in a storm, by one commit.
#[divan::bench]
fn record_ten_together(bencher: Bencher<'_, '_>) {
    let home = Home::new();
    let waiting = || -> Vec<Incoming> {
        let one =
            |alert| Incoming { alert, received_at: Timestamp::now(), source: Source::Live, place: None };
        (0..TOGETHER).map(|_| one(home.somebody())).collect()
    };
    bencher.with_inputs(waiting).bench_local_values(|waiting| {
        let recorded = home.runtime.block_on(home.journal.record_each(waiting));
        assert!(recorded.expect("the disk takes it").iter().all(Result::is_ok));
    });
}

/// The first page of a list of 2,000 incidents.
#[divan::bench]
fn feed_of_2000(bencher: Bencher<'_, '_>) {
    Home::with_incidents().feed(bencher, &FeedQuery::default());
}

/// The same of what nobody decided on.
#[divan::bench]
fn feed_of_2000_unhandled(bencher: Bencher<'_, '_>) {
    let query = FeedQuery { filter: FeedFilter::Unhandled, ..FeedQuery::default() };
    Home::with_incidents().feed(bencher, &query);
}

/// The same of what a person looks for and does not find: every row is looked at.
#[divan::bench]
fn feed_of_2000_in_vain(bencher: Bencher<'_, '_>) {
    let query = FeedQuery { search: "nowhere".to_owned(), ..FeedQuery::default() };
    Home::with_incidents().feed(bencher, &query);
}

/// Looking for what the oldest few of 200,000 incidents say.
#[divan::bench]
fn search_200000_for_few(bencher: Bencher<'_, '_>) {
    many().search(bencher, "perfume shelf", 51);
}

/// For a camera whose incidents are all older than half of them.
#[divan::bench]
fn search_200000_for_a_camera(bencher: Bencher<'_, '_>) {
    many().search(bencher, "gate 7 anomalous", 51);
}

/// For what every one of them says.
#[divan::bench]
fn search_200000_for_all(bencher: Bencher<'_, '_>) {
    many().search(bencher, "theft", 51);
}

/// For what none says.
#[divan::bench]
fn search_200000_in_vain(bencher: Bencher<'_, '_>) {
    many().search(bencher, "nowhere", 0);
}

/// The same without the index: SQLite reads what each of them says.
#[divan::bench]
fn like_of_200000_in_vain(bencher: Bencher<'_, '_>) {
    let home = many();
    let file = home.folder.path().join(visionguard_client::journal::FILE_NAME);
    let connection = rusqlite::Connection::open(file).expect("it can be read");
    let mut scan = connection
        .prepare(
            "SELECT i.id FROM incident i LEFT JOIN shop s ON s.id = i.shop_id WHERE i.dismissed_at IS NULL \
             AND (i.location LIKE ?1 OR i.note LIKE ?1 OR s.name LIKE ?1 OR i.text LIKE ?1 OR i.stream_id LIKE ?1) \
             ORDER BY i.first_at DESC, i.id DESC LIMIT 51",
        )
        .expect("a statement");
    bencher.bench_local(|| {
        let found = scan.query_map(["%nowhere%"], |row| row.get::<_, i64>(0)).expect("rows").count();
        assert_eq!(found, 0);
    });
}

/// Taking 200 incidents into the search index, which is done aside.
#[divan::bench]
fn index_200(bencher: Bencher<'_, '_>) {
    let home = Home::new();
    let round = Cell::new(0);
    let store = || {
        home.store(round.get() * BATCH, BATCH);
        round.set(round.get() + 1);
    };
    bencher.with_inputs(store).bench_local_values(|()| {
        home.runtime.block_on(home.journal.index()).expect("they are taken in");
    });
}

/// The counters beside it.
#[divan::bench]
fn counts_of_2000(bencher: Bencher<'_, '_>) {
    let home = Home::with_incidents();
    bencher.bench_local(|| {
        let counts = home.runtime.block_on(home.journal.counts(Timestamp::UNIX_EPOCH));
        counts.expect("they can be counted")
    });
}

/// What follows "Acknowledge", until it is on the disk and in the outbox.
#[divan::bench]
fn acknowledge(bencher: Bencher<'_, '_>) {
    let home = Home::new();
    bencher.with_inputs(|| home.stored().1).bench_local_values(|incident| {
        let decided =
            home.journal.decide(incident, Decision::Acknowledged, None, Dispatch::AtOnce, Timestamp::now());
        home.runtime.block_on(decided).expect("the disk takes it").expect("the incident is known")
    });
}

/// What follows the ack to the server.
#[divan::bench]
fn mark_acked(bencher: Bencher<'_, '_>) {
    let home = Home::new();
    bencher.with_inputs(|| home.stored().0).bench_local_values(|alert| {
        let marked = home.runtime.block_on(home.journal.mark_acked(vec![(alert, Timestamp::now())]));
        marked.expect("the disk takes it")
    });
}

/// A journal in a folder of its own.
struct Home {
    journal: Journal,
    runtime: Runtime,
    alert: Alert,
    people: Cell<i64>,
    /// Goes last.
    folder: TempDir,
}

/// A journal of 200,000 incidents whose index knows them all; made once.
fn many() -> Rc<Home> {
    thread_local! {
        static MADE: Rc<Home> = Rc::new(Home::with_many());
    }
    MADE.with(Rc::clone)
}

impl Home {
    fn new() -> Home {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let journal = Journal::open(folder.path()).expect("a journal").journal;
        let read = ServerMessage::read(MESSAGE).expect("the fixture is a message");
        let ServerMessage::Alert(alert) = read.message else { panic!("the fixture is no alert") };
        let jpeg = Jpeg::from_bytes(Bytes::from(frame::frame((640, 480), 85))).expect("it is a JPEG");
        let alert = Alert { picture: Picture::Jpeg(jpeg), ..*alert };
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        Home { journal, runtime, alert, people: Cell::new(0), folder }
    }

    fn with_incidents() -> Home {
        let home = Home::new();
        let alerts = (0..INCIDENTS).map(|_| home.somebody()).collect();
        let recorded = home.runtime.block_on(home.journal.record_all(alerts, Timestamp::now(), Source::Live));
        assert_eq!(recorded.expect("they are stored").len(), INCIDENTS);
        home
    }

    fn with_many() -> Home {
        let home = Home::new();
        for first in (0..MANY).step_by(10_000) {
            home.store(first, 10_000);
        }
        home.runtime.block_on(home.journal.index()).expect("they are taken in");
        home
    }

    /// So many alerts out of the record, without pictures, from this number on: each an incident of its own, two minutes after the
    /// one before.
    fn store(&self, first: usize, count: usize) {
        let alerts = (first..first + count).map(|number| {
            let place = match number {
                0..50 => "Perfume shelf".to_owned(),
                _ if number < MANY / 2 => format!("Harbour gate {}", number % CAMERAS),
                _ => format!("Aisle {}", number % CAMERAS),
            };
            let minutes = i64::try_from(number * 2).expect("it is no more than that");
            let at =
                Timestamp::UNIX_EPOCH.checked_add(jiff::SignedDuration::from_mins(minutes)).expect("a time");
            let person = i64::try_from(number % 500).expect("it is small");
            Alert {
                via: Via::Record,
                anomaly_id: Some(AnomalyId::new(&format!("anomaly-{number}")).expect("an id")),
                stream_id: Some(
                    StreamId::new(&format!("7c1f0a7e-5b2d-4c1e-9d0f-{}", number % CAMERAS)).expect("an id"),
                ),
                person_id: Some(person),
                frame_number: Some(minutes),
                start_frame: Some(minutes),
                text: Some(format!("Anomalous behavior detected (Person ID: {person}, Confidence: Low)")),
                location: Some(place),
                detected_at: Some(at),
                picture: Picture::Absent,
                ..self.alert.clone()
            }
        });
        let recorded = self.journal.record_all(alerts.collect(), Timestamp::now(), Source::History);
        assert_eq!(self.runtime.block_on(recorded).expect("they are stored").len(), count);
    }

    fn search(&self, bencher: Bencher<'_, '_>, search: &str, finds: usize) {
        let names = BTreeMap::new();
        let query = FeedQuery { search: search.to_owned(), ..FeedQuery::default() };
        bencher.bench_local(|| {
            let page =
                self.runtime.block_on(self.journal.feed(query.clone(), &names)).expect("it can be read");
            assert_eq!(page.items.len(), finds.min(50));
        });
    }

    /// An alert of somebody new.
    fn somebody(&self) -> Alert {
        self.people.set(self.people.get() + 1);
        Alert { person_id: Some(self.people.get()), ..self.alert.clone() }
    }

    fn record(&self, alert: Alert) -> Recorded {
        let recorded = self.journal.record(alert, Timestamp::now(), Source::Live);
        self.runtime.block_on(recorded).expect("it is stored")
    }

    fn stored(&self) -> (AlertId, IncidentId) {
        let recorded = self.record(self.somebody());
        let alert = &recorded.entry().alert;
        (alert.id, alert.incident)
    }

    fn feed(&self, bencher: Bencher<'_, '_>, query: &FeedQuery) {
        let names = BTreeMap::new();
        bencher.bench_local(|| {
            let page = self.runtime.block_on(self.journal.feed(query.clone(), &names));
            page.expect("it can be read")
        });
    }
}
