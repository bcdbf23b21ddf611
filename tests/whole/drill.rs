//! The test of the alert path, against the double of the original and against our own server.

use std::time::Duration;

use serde_json::json;
use support::backend::Backend;
use support::desk::{Desk, quick_pace};
use support::http;
use support::ours::{EMAIL, Ours, PASSWORD};
use support::wait;
use visionguard_client::view::{FeedQuery, ReportQuery, Status};

use super::World;

#[tokio::test]
async fn at_the_original_a_test_comes_round_and_leaves_no_alert() {
    let world = World::protected().await;

    let result = world.desk.client.drill().await.unwrap();

    assert!(result.passed, "{result:?}");
    assert!(world.desk.incidents().await.is_empty());
    assert!(world.backend.acks().is_empty() && world.backend.patches().is_empty());
    let raised = world.desk.record().notifications;
    assert_eq!(raised.len(), 1);
    assert!(!raised[0].sound && raised[0].body.contains("not an alert"), "{raised:?}");
    let to = jiff::Timestamp::now().as_millisecond() + 60_000;
    let report = world.desk.client.report(ReportQuery { from: 0, to }).await.unwrap();
    assert_eq!((report.alerts, report.drills_passed, report.drills_failed), (0, 1, 0));
}

#[tokio::test]
async fn on_a_deaf_connection_it_stops_at_the_server_and_heals_on_the_next() {
    let world = unsuspecting().await;
    world.backend.make_deaf(&world.user);

    let result = world.desk.client.drill().await.unwrap();
    let amber = world.desk.until_status(Status::Deaf).await;
    world.desk.until_status(Status::Protected).await;

    assert!(!result.passed && result.sentence.contains("stopped at the server"), "{result:?}");
    assert_eq!(amber.reason, "drill_failed");
    assert_eq!(world.backend.sockets_ever(), 2, "one new connection");
    let last = world.desk.client.snapshot().await.drill.last.unwrap();
    assert!(last.passed && last.at > result.at, "it was repeated: {last:?}");
}

#[tokio::test]
async fn where_another_window_has_the_slot_it_does_not_come_back() {
    let world = unsuspecting().await;
    world.backend.steal_slot(&world.user);

    let result = world.desk.client.drill().await.unwrap();

    assert!(!result.passed && result.sentence.contains("did not come back"), "{result:?}");
    world.desk.until_reason(Status::Deaf, "slot_taken").await;
}

#[tokio::test]
async fn another_person_s_message_with_a_nonce_is_a_message() {
    let world = World::protected().await;
    let other = world.backend.add_user("other@shop.example");
    let note =
        json!({"user_id": world.user.id, "title": "Hello", "message": "you", "metadata": {"nonce": "n"}});

    let sent = http::client()
        .post(format!("{}/api/notifications/send", world.backend.url()))
        .bearer_auth(world.backend.token(&other))
        .json(&note)
        .send()
        .await
        .unwrap();

    assert!(sent.status().is_success());
    let raised =
        world.desk.recording.until("the message", |record| record.notifications.first().cloned()).await;
    assert!(raised.title.contains("Hello"), "{raised:?}");
    assert!(world.desk.client.snapshot().await.drill.last.is_none());
}

#[tokio::test]
async fn at_our_server_it_comes_round_for_each_of_two_computers() {
    let mut server = Ours::start(|_| {}).await;
    let (one, other) = (Desk::new(), Desk::new());
    for desk in [&one, &other] {
        desk.sign_in(&server.url(), EMAIL, PASSWORD).await.unwrap();
        desk.until_status(Status::Protected).await;
    }

    let first = one.client.drill().await.unwrap();
    let second = other.client.drill().await.unwrap();

    assert!(first.passed && second.passed, "{first:?} {second:?}");
    for desk in [&one, &other] {
        let feed = desk.client.feed(FeedQuery::default()).await.unwrap();
        assert!(feed.items.is_empty(), "{feed:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn while_our_server_is_away_there_is_nothing_to_test() {
    let mut server = Ours::start(|_| {}).await;
    let desk = Desk::new();
    desk.sign_in(&server.url(), EMAIL, PASSWORD).await.unwrap();
    desk.until_status(Status::Protected).await;
    server.kill();
    desk.until_status(Status::Offline).await;

    let problem = desk.client.drill().await.unwrap_err();

    assert_eq!(problem.code, "not_connected");
    assert!(desk.client.snapshot().await.drill.last.is_none());
}

/// A world whose computer is protected, and does not look at the list of connections again for a good while.
async fn unsuspecting() -> World {
    let long = Duration::from_secs(3600);
    let mut pace = quick_pace();
    (pace.register_every, pace.limits.registration) = (long, long);
    (pace.drill_within, pace.drill_after_connect) = (Duration::from_secs(3), Duration::from_millis(500));
    let world = World::with(Backend::start(), Desk::with(pace));
    world.sign_in(&world.backend.url()).await;
    world.desk.until_status(Status::Protected).await;
    wait::until("the slot to be ours", || world.backend.is_registered(&world.user).then_some(())).await;
    world
}
