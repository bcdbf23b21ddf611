//! With a bad network between.

use std::time::Duration;

use support::chaos::{Chaos, Way, Weather};
use visionguard_client::view::Status;

use super::World;

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_an_alert_loses_nothing_and_shows_nothing_twice() {
    for cut in [100, 5_000, 20_000, 39_000] {
        let (world, chaos) = behind_chaos().await;

        chaos.set(Way::ToClient, Weather { cut_after: Some(cut), ..Weather::default() });
        world.backend.detect(world.detection());
        chaos.reset();
        chaos.clear();

        world.desk.until_alerts(1).await;
        world.desk.until_status(Status::Protected).await;
        world.reconciled().await;
        let incidents = world.desk.incidents().await;
        assert_eq!((incidents.len(), incidents[0].alerts), (1, 1), "cut after {cut} bytes");
    }
}

#[tokio::test]
async fn a_reset_is_survived_and_the_next_alert_is_live() {
    let (world, chaos) = behind_chaos().await;

    chaos.reset();
    world.desk.recording.until_status(Status::Offline).await;
    world.desk.until_status(Status::Protected).await;
    world.backend.detect(world.detection());

    world.desk.recording.until_notified(1).await;
}

#[tokio::test]
async fn alerts_in_slices_over_a_thin_and_slow_line_arrive_whole() {
    let (world, chaos) = behind_chaos().await;
    let weather = Weather {
        slice: Some(700),
        bytes_per_second: Some(200_000),
        latency: Duration::from_millis(300),
        ..Weather::default()
    };
    chaos.set(Way::ToClient, weather.clone());
    chaos.set(Way::ToServer, weather);

    for person in 1..=5 {
        world.backend.detect(world.detection().person(person).frame_number(person));
    }

    world.backend.until_acked(5).await;
    let incidents = world.desk.until_alerts(5).await;
    assert!(incidents.iter().all(|incident| incident.cover.is_some()));
    assert_eq!(world.backend.sockets_ever(), 1);
}

/// A world that is protected, with a proxy between computer and server.
async fn behind_chaos() -> (World, Chaos) {
    let world = World::new();
    let chaos = Chaos::start(world.backend.address()).await;
    world.sign_in(&chaos.url()).await;
    world.desk.until_status(Status::Protected).await;
    (world, chaos)
}
