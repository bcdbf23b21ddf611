//! Alerts of one person at one camera are one incident while their pauses stay under a minute.

use visionguard_proto::{Alert, Kind};

use super::super::view;
use super::{World, detection, no_names, noon};
use crate::model::{Decision, Dispatch, Handling, Recorded, Severity, Source};
use crate::policy;

#[tokio::test]
async fn a_storm_is_one_incident_with_every_alert_in_it() {
    let world = World::new();

    for second in 0..20 {
        world.tell(detection("stream-a", 1, 30 * (second + 1)).seen(), second).await;
    }

    let alerts = world.alerts().await;
    assert_eq!(alerts.len(), 20);
    assert_eq!(alerts[0].incident.alerts, 20);
    assert_eq!(alerts[0].incident.first_at, noon(0));
    assert_eq!(alerts[0].incident.last_at, noon(19));
    assert_eq!(alerts[0].incident.cover, Some(alerts[0].alert.id));
}

#[tokio::test]
async fn another_person_another_camera_or_a_minute_s_pause_is_another_incident() {
    let world = World::new();

    let told = [
        world.tell(detection("stream-a", 1, 30).seen(), 0).await,
        world.tell(detection("stream-a", 2, 60).seen(), 1).await,
        world.tell(detection("stream-b", 1, 90).seen(), 2).await,
        world.tell(detection("stream-a", 1, 120).seen(), 59).await,
        world.tell(detection("stream-a", 1, 150).seen(), 119).await,
    ];

    let first: Vec<bool> =
        told.iter().map(|told| matches!(told, Recorded::New { first_of_incident: true, .. })).collect();
    assert_eq!(first, [true, true, true, false, true]);
}

#[tokio::test]
async fn a_decision_covers_the_next_minute_and_no_longer() {
    let world = World::new();
    let first = world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await;
    let incident = first.entry().incident.id;

    world
        .journal
        .decide(incident, Decision::Acknowledged, None, Dispatch::AtOnce, noon(1))
        .await
        .expect("decided");
    let soon = world.tell(detection("stream-a", 1, 60).seen_with_id(), 30).await;
    let later = world.tell(detection("stream-a", 1, 90).seen_with_id(), 62).await;

    assert_eq!(soon.entry().incident.id, incident);
    assert!(matches!(
        soon.entry().incident.handling,
        Handling::Sending { decision: Decision::Acknowledged, undo_until: None }
    ));
    assert_eq!(world.journal.next_to_send(10).await.expect("outbox").len(), 2);
    assert_ne!(later.entry().incident.id, incident);
    assert_eq!(later.entry().incident.handling, Handling::Open);
}

#[tokio::test]
async fn what_was_taken_out_of_view_stays_out_for_a_minute_and_comes_back_as_a_new_incident() {
    let world = World::new();
    let first = world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await;
    world.handle(&first, 1).await;

    world.journal.dismiss(first.entry().incident.id, noon(1)).await.expect("dismissed");
    let soon = world.tell(detection("stream-a", 1, 60).seen(), 30).await;
    let later = world.tell(detection("stream-a", 1, 90).seen(), 75).await;

    assert!(!soon.entry().incident.is_open() && soon.entry().incident.dismissed_at.is_some());
    assert!(later.entry().incident.is_open());
}

#[tokio::test]
async fn the_third_incident_of_a_camera_within_five_minutes_is_of_high_severity() {
    let world = World::new();

    let mut severities = Vec::new();
    for (person, second) in [(1, 0), (2, 60), (3, 120), (4, 1_000)] {
        let told = world.tell(detection("stream-a", person, 30 * person).seen(), second).await;
        severities.push(view::incident(&told.entry().incident, &no_names()).severity);
    }

    assert_eq!(severities, [Severity::Medium, Severity::Medium, Severity::High, Severity::Medium]);
}

#[tokio::test]
async fn history_is_placed_by_the_server_s_clock_but_never_in_the_future() {
    let world = World::new();
    let past = detection("stream-a", 1, 30);
    let ahead = Alert { detected_at: Some(noon(90_000)), ..detection("stream-b", 1, 30).row() };

    let past = world.catch_up(past.row(), 3_600).await;
    let ahead = world.catch_up(ahead, 3_600).await;

    assert_eq!(past.entry().incident.first_at, noon(1));
    assert_eq!(past.entry().incident.source, Source::History);
    assert_eq!(ahead.entry().incident.first_at, noon(3_600));
}

#[tokio::test]
async fn an_earlier_alert_that_the_record_tells_of_moves_its_incident_s_beginning_and_not_its_end() {
    let world = World::new();
    world.tell(detection("stream-a", 1, 600).seen(), 40).await;
    let earlier = Alert { detected_at: Some(noon(10)), ..detection("stream-a", 1, 30).row() };

    let earlier = world.catch_up(earlier, 50).await;

    let incident = &earlier.entry().incident;
    assert_eq!((incident.alerts, incident.first_at, incident.last_at), (2, noon(10), noon(40)));
}

#[tokio::test]
async fn alerts_without_a_stream_are_not_thrown_together() {
    let world = World::new();
    let nowhere = |frame| Alert {
        stream_id: None,
        person_id: None,
        kind: Kind::Intrusion,
        ..detection("stream-a", 1, frame).noticed()
    };

    let one = world.tell(nowhere(30), 0).await;
    let two = world.tell(nowhere(60), 0).await;

    assert_ne!(one.entry().incident.id, two.entry().incident.id);
}

#[tokio::test]
async fn a_camera_is_called_what_the_person_called_it_else_its_place_else_its_number() {
    let world = World::new();
    let stream = "748e3bf7-47bf-4ce7-b2ae-bfdc7c81c983";
    let bare = world.tell(detection(stream, 1, 30).seen(), 0).await;
    let named = [(stream.to_owned(), "Aisle 3".to_owned())].into();

    assert_eq!(policy::camera(&bare.entry().incident, &named), "Aisle 3");
    assert_eq!(policy::camera(&bare.entry().incident, &no_names()), "Camera 748e3bf7");

    let place =
        Alert { location: Some("Front \u{202e}door\n".to_owned()), ..detection("stream-b", 1, 30).row() };
    let placed = world.catch_up(place, 1).await;
    assert_eq!(policy::camera(&placed.entry().incident, &no_names()), "Front door");

    let generic = Alert { location: Some("Stream 748e3bf7".to_owned()), ..detection(stream, 2, 30).row() };
    let generic = world.catch_up(generic, 1).await;
    assert_eq!(policy::camera(&generic.entry().incident, &no_names()), "Camera 748e3bf7");
}

#[tokio::test]
async fn one_notification_covers_the_alerts_before_it_and_a_restart_knows_what_was_not_shown() {
    let world = World::new();
    let mut shown = Vec::new();
    for second in 0..3 {
        shown.push(world.tell(detection("stream-a", 1, 30 * (second + 1)).seen(), second).await);
    }
    world.tell(detection("stream-b", 1, 30).seen(), 5).await;

    world.journal.mark_notified(shown[1].entry().alert.id, noon(2)).await.expect("marked");
    let world = world.reopen().await;

    let unshown = world.journal.not_yet_notified().await.expect("read");
    let unshown: Vec<_> =
        unshown.iter().map(|entry| (entry.alert.stream_id.clone(), entry.alert.frame_number)).collect();
    assert_eq!(unshown.len(), 2);
    assert_eq!(unshown[0].1, Some(90), "the third of the storm");
    assert_eq!(unshown[1].1, Some(30), "the other camera");
    let first = world.journal.alert(shown[0].entry().alert.id).await.expect("read").expect("known");
    assert_eq!(first.alert.notified_at, Some(noon(2)));
    assert_eq!(first.incident.notified_at, Some(noon(2)));
}

#[tokio::test]
async fn one_that_counts_incidents_covers_the_alerts_of_each_that_it_told_of() {
    let world = World::new();
    let mut missed = Vec::new();
    for (stream, person) in [("stream-a", 1), ("stream-b", 2)] {
        missed.push(world.catch_up(detection(stream, person, 30).row(), 100).await);
    }
    let told = missed.iter().map(|missed| (missed.entry().incident.id, missed.entry().alert.id)).collect();

    world.journal.mark_told(told, noon(101)).await.expect("marked");
    let covered = world.journal.not_yet_notified().await.expect("read");
    let later = world.tell(detection("stream-a", 1, 60).seen(), 102).await;

    assert_eq!(covered, []);
    let left = world.journal.not_yet_notified().await.expect("read");
    assert_eq!(left.iter().map(|entry| entry.alert.id).collect::<Vec<_>>(), [later.entry().alert.id]);
}
