//! Protocol 2 against our own server, and every pairing of old and new.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use support::desk::{Desk, quick_pace};
use support::ours::{EMAIL, Ours, PASSWORD, STREAM};
use support::recording::Record;
use support::{http, picture, wait};
use tokio_tungstenite::tungstenite::Message;
use visionguard_client::controller::Pace;
use visionguard_client::model::Source;
use visionguard_client::view::{Event, Incident, Report, ReportQuery, Status};

use super::tap::Tap;

#[tokio::test]
async fn the_token_is_in_no_address_and_neither_subprotocol_nor_extension_is_offered() {
    let world = World::protected().await;
    world.shop.ours.publish(1).await;
    world.desk.until_alerts(1).await;

    let handshakes = world.shop.tap.handshakes();

    assert!(handshakes[0].contains("?protocol=2&frames=binary "), "{handshakes:?}");
    assert!(handshakes[0].contains("authorization: bearer "), "{handshakes:?}");
    assert!(!handshakes[0].contains("sec-websocket-protocol"), "{handshakes:?}");
    assert!(!handshakes[0].contains("sec-websocket-extensions"), "{handshakes:?}");
    world.shop.no_token_in_an_address();
}

#[tokio::test]
async fn a_binary_picture_is_the_published_one_and_is_not_fetched_again() {
    let world = World::protected().await;

    world.shop.ours.publish(7).await;

    let incident = world.desk.until_alerts(1).await.remove(0);
    let cover = incident.cover.as_deref().unwrap();
    assert_eq!(world.desk.client.frame(cover).await.unwrap(), picture::jpeg(7));
    assert_eq!(incident.source, Source::Live);
    assert!(
        !world.shop.tap.requests().iter().any(|line| line.contains("/frames/")),
        "{:?}",
        world.shop.tap.requests()
    );
}

#[tokio::test]
async fn fifty_alerts_published_around_a_restart_of_the_server_arrive_once_and_in_order() {
    let mut world = World::protected().await;
    let mut published = Vec::new();
    for number in 0..50 {
        if number == 20 {
            world.shop.ours.kill();
            world.shop.ours.resume().await;
        }
        published.push(world.shop.ours.publish(number).await);
    }

    world.desk.until_alerts(50).await;
    world.desk.until_status(Status::Protected).await;
    world.compared().await;

    assert_eq!(world.stored().await, published);
    assert_eq!(world.standing_notice().await, None);
}

#[tokio::test]
async fn what_was_missed_while_the_program_was_away_is_replayed_from_where_the_journal_was_left() {
    let mut world = World::protected().await;
    world.shop.ours.publish(1).await;
    world.desk.until_alerts(1).await;
    world.acknowledged(1).await;
    let away = world.desk.end().await;
    world.shop.ours.publish(2).await;
    world.shop.ours.publish(3).await;

    world.desk = Desk::made_of(away);

    let incidents = world.desk.until_alerts(3).await;
    let handshakes = world.shop.tap.handshakes();
    assert!(handshakes.last().unwrap().contains("&cursor="), "{handshakes:?}");
    assert!(incidents.iter().all(|incident| incident.alerts == 1));
    world.desk.recording.until_notified(2).await;
    world.shop.no_token_in_an_address();
}

#[tokio::test]
async fn old_alerts_that_are_replayed_are_history_and_one_summary() {
    // Whatever is replayed is old here; and the record is read so seldom that the log is first.
    let pace = Pace { fresh_within: Duration::ZERO, ..quick_pace() };
    let mut world = World::with(Desk::with(pace)).await;
    world.shop.ours.publish(1).await;
    world.desk.until_alerts(1).await;
    world.acknowledged(1).await;
    let away = world.desk.end().await;
    for number in 2..=6 {
        world.shop.ours.publish(number).await;
    }

    world.desk = Desk::made_of(away);

    let incidents = world.desk.until_alerts(6).await;
    world.desk.until_status(Status::Protected).await;
    world.compared().await;
    let caught_up = |incident: &&Incident| incident.source == Source::History;
    assert_eq!(incidents.iter().filter(caught_up).count(), 5, "{incidents:#?}");
    let summary = world
        .desk
        .recording
        .until("the summary", |record| {
            record.notifications.iter().find(|raised| raised.alert.is_none()).cloned()
        })
        .await;
    assert!(summary.title.contains('5'), "{summary:?}");
    assert_eq!(world.desk.record().alert_notifications(), []);
    let report = world.report().await;
    assert_eq!((report.live, report.caught_up), (1, 5));
}

#[tokio::test]
async fn a_lost_log_is_a_gap_that_the_record_fills() {
    let mut world = World::protected().await;
    world.shop.ours.publish(1).await;
    world.desk.until_alerts(1).await;
    world.acknowledged(1).await;
    world.compared().await;
    world.desk.client.window(true);

    world.shop.ours.kill();
    world.shop.with_database("UPDATE log SET epoch = 'another'");
    world.shop.ours.resume().await;
    let missed = world.shop.ours.publish(2).await;

    world.desk.until_alerts(2).await;
    world.told_of_a_gap().await;
    world.until_no_gap().await;
    assert_eq!(world.stored().await.last(), Some(&missed));
    let report = world.report().await;
    assert!(report.gaps.iter().all(|gap| gap.filled && gap.from.is_some()), "{:?}", report.gaps);
    assert_eq!(report.gaps.len(), 1);

    world.shop.ours.publish(3).await;
    world.desk.until_alerts(3).await;
    world.desk.until_status(Status::Protected).await;
}

#[tokio::test]
async fn a_gap_stays_where_the_record_does_not_go_back_that_far_until_it_is_cleared() {
    let mut world = World::protected().await;
    world.shop.ours.publish(1).await;
    world.desk.until_alerts(1).await;
    world.acknowledged(1).await;
    world.compared().await;

    world.shop.ours.kill();
    world.shop.with_database("PRAGMA foreign_keys = OFF; DELETE FROM frames; DELETE FROM anomalies; UPDATE log SET epoch = 'another'");
    world.shop.ours.resume().await;
    world.desk.until_status(Status::Protected).await;
    world.shop.ours.publish(2).await;
    world.desk.until_alerts(2).await;
    world.compared().await;
    world.compared().await;

    let sentence = world.standing_notice().await.expect("the gap stands");
    assert!(sentence.contains("does not reach back"), "{sentence}");
    world.desk = world.desk.restart().await;
    world.desk.until_status(Status::Protected).await;
    assert_eq!(world.standing_notice().await, Some(sentence));
    world.desk.client.clear(visionguard_client::view::FeedQuery::default()).await.unwrap();
    world.until_no_gap().await;
}

#[tokio::test]
async fn a_cursor_older_than_the_log_is_a_gap_that_the_record_fills() {
    let mut world = World::protected().await;
    world.shop.ours.publish(1).await;
    world.desk.until_alerts(1).await;
    world.acknowledged(1).await;
    let away = world.desk.end().await;
    world.shop.ours.kill();
    world.shop.ours.config.log.alerts = 3;
    world.shop.ours.resume().await;
    for number in 2..=9 {
        world.shop.ours.publish(number).await;
    }

    world.desk = Desk::made_of(away);

    world.desk.until_alerts(9).await;
    world.until_no_gap().await;
    let report = world.report().await;
    assert_eq!(report.gaps.len(), 1);
    assert_eq!(world.stored().await.len(), 9);
}

#[tokio::test]
async fn a_server_that_spoke_protocol_2_is_not_shown_the_token_in_an_address_without_a_word() {
    let mut world = World::protected().await;
    world.shop.tap.hide_two();

    world.shop.ours.kill();
    world.shop.ours.resume().await;
    let status = world.desk.until_reason(Status::Offline, "downgraded").await;
    assert!(status.sentence.contains("sign in again"), "{}", status.sentence);
    world.desk = world.desk.restart().await;
    world.desk.until_reason(Status::Offline, "downgraded").await;
    world.shop.no_token_in_an_address();

    world.desk.sign_in(&world.shop.tap.url(), EMAIL, PASSWORD).await.unwrap();
    world.desk.until_status(Status::Protected).await;
    world.shop.ours.publish(1).await;
    world.desk.until_alerts(1).await;
    assert!(world.shop.tap.handshakes().last().unwrap().contains("?token="));
}

#[tokio::test]
async fn a_disk_that_refuses_stops_no_delivery_and_after_a_restart_the_log_goes_on_where_the_disk_is() {
    let mut world = World::protected().await;
    world.shop.ours.publish(1).await;
    world.desk.until_alerts(1).await;
    world.acknowledged(1).await;
    let path = world.desk.data_dir().join(visionguard_client::journal::FILE_NAME);
    let disk = rusqlite::Connection::open(path).unwrap();
    disk.execute_batch("CREATE TRIGGER full BEFORE INSERT ON alert BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    for person in 2..=4 {
        world.shop.ours.publish(person).await;
    }
    let unstored = |record: &Record| {
        record.notifications.iter().filter(|raised| raised.id.starts_with("unstored:")).count()
    };
    world.desk.recording.until("all on the screen", |record| (unstored(record) >= 3).then_some(())).await;

    world.shop.ours.kill();
    world.shop.ours.resume().await;
    wait::until("another handshake", || (world.shop.tap.handshakes().len() >= 2).then_some(())).await;
    assert!(world.shop.tap.handshakes()[1].contains(".4&frames"), "{:?}", world.shop.tap.handshakes());
    let away = world.desk.end().await;
    disk.execute_batch("DROP TRIGGER full").unwrap();
    world.desk = Desk::made_of(away);

    let incidents = world.desk.until_alerts(4).await;
    assert!(world.shop.tap.handshakes()[2].contains(".1&frames"), "{:?}", world.shop.tap.handshakes());
    assert!(incidents.iter().all(|incident| incident.alerts == 1), "{incidents:#?}");
}

#[tokio::test]
async fn a_server_in_trouble_or_away_is_no_downgrade() {
    let mut world = World::protected().await;

    world.shop.ours.kill();
    world.desk.until_status(Status::Offline).await;
    assert_ne!(world.desk.status().await.reason, "downgraded");
    world.shop.ours.resume().await;

    world.desk.until_status(Status::Protected).await;
    world.shop.no_token_in_an_address();
}

#[tokio::test]
async fn the_original_is_asked_once_and_served_as_ever() {
    let world = super::World::new();
    let tap = Tap::start(world.backend.address()).await;

    world.sign_in(&tap.url()).await;
    world.desk.until_status(Status::Protected).await;
    world.backend.detect(world.detection());

    world.desk.recording.until_notified(1).await;
    let questions = tap.requests().iter().filter(|line| line.contains("/ws/capabilities")).count();
    assert_eq!(questions, 1);
    assert!(tap.handshakes()[0].contains("?token="), "{:?}", tap.handshakes());
}

#[tokio::test]
async fn an_old_client_is_served_by_our_server_as_by_the_original() {
    let world = World::protected().await;
    let (user, server) = (&world.shop.ours.owner, world.shop.ours.url());
    let token = http::token(&server, EMAIL, PASSWORD).await;
    let address = format!("{}/ws/alerts/{user}?token={token}", server.replace("http", "ws"));
    let stream = tokio::net::TcpStream::connect(world.shop.ours.config.listen).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(address, stream).await.unwrap();

    let id = world.shop.ours.publish(1).await;
    socket.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    let (mut alert, mut ponged) = (None, false);
    while alert.is_none() || !ponged {
        let message = tokio::time::timeout(wait::PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        let Message::Text(text) = message else { panic!("an old client cannot read {message:?}") };
        let message: Value = serde_json::from_str(&text).unwrap();
        match message["type"].as_str().unwrap() {
            "anomaly_detected" => alert = Some(message),
            "pong" => ponged = true,
            other => assert!(["notification", "ping"].contains(&other), "{other}"),
        }
    }

    let alert = alert.unwrap();
    assert_eq!((alert["alert_id"].as_str(), alert["stream_id"].as_str()), (Some(id.as_str()), Some(STREAM)));
    let picture =
        base64::Engine::decode(&base64::prelude::BASE64_STANDARD, alert["annotated_frame"].as_str().unwrap());
    assert_eq!(picture.unwrap(), picture::jpeg(1));
    assert_eq!(world.desk.until_alerts(1).await[0].source, Source::Live);
}

/// A shop, and a computer that is protected.
struct World {
    shop: Shop,
    desk: Desk,
}

/// Our server behind a tap.
struct Shop {
    ours: Ours,
    tap: Tap,
}

impl World {
    async fn protected() -> World {
        World::with(Desk::new()).await
    }

    async fn with(desk: Desk) -> World {
        let shop = Shop::open().await;
        desk.sign_in(&shop.tap.url(), EMAIL, PASSWORD).await.unwrap();
        desk.until_status(Status::Protected).await;
        World { shop, desk }
    }

    /// The record's ids of all alerts that the journal holds, in the order in which they came.
    async fn stored(&self) -> Vec<String> {
        let journal = visionguard_client::journal::Journal::open_read_only(self.desk.data_dir()).unwrap();
        let mut entries = journal.alerts(1_000).await.unwrap();
        entries.reverse();
        entries.into_iter().map(|entry| entry.alert.anomaly_id.unwrap().to_string()).collect()
    }

    /// Waits until so many alerts are stored and acknowledged.
    async fn acknowledged(&self, count: usize) {
        let journal = visionguard_client::journal::Journal::open_read_only(self.desk.data_dir()).unwrap();
        let deadline = tokio::time::Instant::now() + wait::PATIENCE;
        loop {
            let entries = journal.alerts(1_000).await.unwrap();
            if entries.iter().filter(|entry| entry.alert.acked_at.is_some()).count() >= count {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "not acknowledged: {entries:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the record was read twice more: a comparison that began after this was called is complete.
    async fn compared(&self) {
        let looks = || self.shop.tap.reads_of_the_record();
        let before = looks();
        wait::until("three more looks at the record", || (looks() >= before + 3).then_some(())).await;
    }

    async fn report(&self) -> Report {
        let to = jiff::Timestamp::now().as_millisecond() + 1;
        self.desk.client.report(ReportQuery { from: 0, to }).await.unwrap()
    }

    async fn standing_notice(&self) -> Option<String> {
        let notices = self.desk.client.snapshot().await.notices;
        notices.into_iter().find(|notice| notice.code == "possible_gap").map(|notice| notice.sentence)
    }

    async fn until_no_gap(&self) {
        let deadline = tokio::time::Instant::now() + wait::PATIENCE;
        while let Some(sentence) = self.standing_notice().await {
            assert!(tokio::time::Instant::now() < deadline, "{sentence}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn told_of_a_gap(&self) {
        let told = |event: &Event| {
            let Event::Notices { notices } = event else { return false };
            notices.iter().any(|notice| notice.code == "possible_gap")
        };
        self.desk
            .recording
            .until("word of a gap", |record| record.events.iter().any(told).then_some(()))
            .await;
    }
}

impl Shop {
    async fn open() -> Shop {
        let ours = Ours::start(|_| {}).await;
        let tap = Tap::start(ours.config.listen).await;
        Shop { ours, tap }
    }

    /// Changes what the server, which is down, has stored.
    fn with_database(&self, change: &str) {
        let path = std::fs::read_dir(self.ours.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| {
                path.extension().is_some_and(|extension| extension == "sqlite3" || extension == "db")
            })
            .expect("the server's database");
        rusqlite::Connection::open(path).unwrap().execute_batch(change).unwrap();
    }

    fn no_token_in_an_address(&self) {
        let requests = self.tap.requests();
        assert!(!requests.iter().any(|line| line.contains("token=")), "{requests:?}");
    }
}
