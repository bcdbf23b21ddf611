//! Where one part of the server fails, the others are not held up.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::desk::Desk;
use super::server::{Server, detection, row};
use crate::journal::{FILE_NAME, Journal};
use crate::model::Decision;
use crate::view::Status;

#[tokio::test]
async fn a_shop_whose_record_cannot_be_read_does_not_hide_the_others() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| {
        state.broken_shop = true;
        state.rows.insert(0, row("a-1", 7, Timestamp::now()));
    });

    running.notification(0).await;
}

#[tokio::test]
async fn a_decision_that_cannot_be_sent_does_not_hold_up_the_next() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.set(|state| {
        state.broken_row = Some("a-1".to_owned());
        state.rows.insert(0, row("a-1", 7, Timestamp::now()));
    });
    let broken = running.notification(0).await.id;
    server.set(|state| state.rows.insert(0, row("a-2", 8, Timestamp::now())));
    let good = running.notification(1).await.id;

    for id in [broken, good] {
        running.client.decide(&id, Decision::Resolved, None).await.expect("it is stored");
    }

    let (patched, _) = server.until("a PATCH", |state| state.patches.first().cloned()).await;
    assert_eq!(patched, "a-2");
}

#[tokio::test]
async fn a_decision_goes_out_as_soon_as_its_anomaly_is_named() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.reads_the_record_seldom();
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(1, 30));
    let id = running.notification(0).await.id;
    running.client.decide(&id, Decision::Acknowledged, None).await.expect("it is stored");
    let mut named = row("a-1", 1, Timestamp::now());
    named["extra_data"]["stream_id"] = detection(1, 30)["stream_id"].clone();
    server.set(|state| state.rows.insert(0, named));

    server.say(&notice_of("a-1", &detection(1, 30)));

    let (patched, _) = server.until("a PATCH", |state| state.patches.first().cloned()).await;
    assert_eq!(patched, "a-1");
}

/// The notice that names the anomaly of this detection of person 1.
fn notice_of(anomaly: &str, detection: &Value) -> Value {
    let mut notice: Value =
        serde_json::from_str(include_str!("../../../../../tests/fixtures/ws_notification_pipeline.json"))
            .expect("the fixture");
    notice["data"]["metadata"]["anomaly_id"] = anomaly.into();
    notice["data"]["metadata"]["stream_id"] = detection["stream_id"].clone();
    notice
}

#[tokio::test]
async fn what_was_kept_in_memory_is_stored_and_acknowledged_once_the_disk_works() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.pace.upkeep_every = Duration::from_millis(100);
    let blocked = desk.path().join(FILE_NAME);
    std::fs::create_dir(&blocked).expect("a folder in the journal's place");
    let running = desk.signed_in(&server).await;
    server.until("a connection", |state| (state.open == 1).then_some(())).await;
    server.say(&detection(1, 30));
    let notification = running.notification(0).await;
    let early = server.state().acks.len();

    std::fs::remove_dir(&blocked).expect("the way is free");

    server.until("an ack", |state| state.acks.first().cloned()).await;
    running.until("the ack is noted", |told| told.acked.first().copied()).await;
    let stored = Journal::open_read_only(desk.path()).expect("a journal").alerts(10).await.expect("alerts");
    assert_eq!(early, 0);
    assert_eq!(
        stored.iter().map(|entry| entry.incident.id.to_string()).collect::<Vec<_>>(),
        [notification.id]
    );
    assert!(stored[0].alert.picture.is_some());
    assert!(running.client.snapshot().await.notices.is_empty());
}
