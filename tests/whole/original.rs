//! Against the double of the original backend.

use bytes::Bytes;
use support::backend::Halves;
use support::desk::Desk;
use support::{picture, wait};
use visionguard_client::model::{Decision, Handling, Source};
use visionguard_client::view::{IncidentKind, Status};
use visionguard_proto::Jpeg;

use super::{STREAM, World};

#[tokio::test]
async fn from_sign_in_to_the_alert_after_an_outage_nobody_touches_anything() {
    let mut world = World::new();
    let session =
        world.desk.sign_in(&world.backend.url(), &world.user.email, &world.user.password).await.unwrap();
    assert_eq!(session.user_id, world.user.id);
    world.desk.until_status(Status::Protected).await;

    world.backend.detect(world.detection());
    let raised = world.desk.recording.until_notified(1).await;
    assert!(raised[0].picture.is_some() && !raised[0].title.is_empty() && !raised[0].body.is_empty());
    assert_eq!(world.backend.until_acked(1).await[0].stream.as_deref(), Some(STREAM));
    let incidents = world.desk.until_alerts(1).await;
    assert_eq!((incidents[0].kind, incidents[0].source), (IncidentKind::Theft, Source::Live));
    let cover = incidents[0].cover.as_deref().unwrap();
    assert_eq!(world.desk.client.frame(cover).await.unwrap(), picture::jpeg(1));

    world.backend.kill().await;
    world.desk.until_status(Status::Offline).await;
    world.backend.detect(world.detection().person(2).frame_number(60));
    world.backend.resume();
    world.desk.until_status(Status::Protected).await;
    let missed = world
        .desk
        .until_incidents("what was missed", |incidents| {
            incidents.iter().find(|incident| incident.source == Source::History).cloned()
        })
        .await;
    assert_eq!(missed.person.as_deref(), Some("2"));

    world.backend.detect(world.detection().person(3).frame_number(90));
    let incidents = world.desk.until_alerts(3).await;
    world.reconciled().await;

    assert_eq!(incidents.len(), 3);
    assert_eq!(world.desk.until_alerts(3).await.iter().map(|incident| incident.alerts).sum::<u32>(), 3);
    let live: Vec<_> =
        world.desk.record().alert_notifications().into_iter().filter(|raised| raised.sound).collect();
    assert!(live.len() >= 2, "{live:?}");
}

#[tokio::test]
async fn the_two_messages_of_one_detection_and_its_row_are_one_alert_and_one_notification() {
    let world = World::protected().await;

    let id = world.backend.detect(world.detection());
    world.desk.recording.until_notified(1).await;
    world.reconciled().await;

    let incidents = world.desk.incidents().await;
    assert_eq!((incidents.len(), incidents[0].alerts), (1, 1));
    let alerts = world.desk.detail(&incidents[0]).await.alerts;
    assert_eq!(alerts[0].anomaly_id.as_deref(), Some(id.as_str()));
    assert_eq!(incidents[0].shop.as_deref(), Some("Downtown"));
    assert!(alerts[0].frame.is_some());
    let raised = world.desk.record().alert_notifications();
    assert_eq!(raised.iter().filter(|raised| raised.sound).count(), 1, "{raised:?}");
}

#[tokio::test]
async fn a_detection_whose_second_half_never_comes_gets_its_id_from_the_record() {
    let world = World::protected().await;

    let id = world.backend.detect(world.detection().halves(Halves::DetectionAlone));
    world.desk.recording.until_notified(1).await;

    let incident = world.desk.until_alerts(1).await.remove(0);
    let alert = loop {
        let alert = world.desk.detail(&incident).await.alerts.remove(0);
        if alert.anomaly_id.is_some() {
            break alert;
        }
        world.reconciled().await;
    };
    assert_eq!(alert.anomaly_id.as_deref(), Some(id.as_str()));
    assert_eq!(world.desk.until_alerts(1).await[0].alerts, 1);
}

#[tokio::test]
async fn a_detection_whose_first_half_never_comes_is_an_alert_with_its_picture_from_the_record() {
    let world = World::protected().await;

    world.backend.detect(world.detection().halves(Halves::NotificationAlone));

    let incident = world.desk.until_alerts(1).await.remove(0);
    let alert = world.desk.detail(&incident).await.alerts.remove(0);
    let picture = loop {
        if let Some(picture) = world.desk.client.frame(&alert.id).await {
            break picture;
        }
        world.reconciled().await;
    };
    assert_eq!(picture, picture::jpeg(1));
}

#[tokio::test]
async fn an_alert_that_is_not_json_because_of_nan_is_not_lost() {
    for score in ["NaN", "Infinity", "-Infinity"] {
        let world = World::protected().await;

        world.backend.detect(world.detection().score(score));

        let raised = world.desk.recording.until_notified(1).await;
        assert!(raised[0].picture.is_some(), "{score}");
        world.backend.until_acked(1).await;
        assert_eq!(world.desk.until_alerts(1).await[0].source, Source::Live, "{score}");
    }
}

#[tokio::test]
async fn an_alert_with_a_bad_picture_is_an_alert() {
    let world = World::protected().await;

    world.backend.detect(world.detection().picture(&b"<svg onload=alert(1)>"[..]));

    world.desk.recording.until_notified(1).await;
    let incident = world.desk.until_alerts(1).await.remove(0);
    assert!(world.desk.detail(&incident).await.alerts[0].frame_problem.is_some());
}

#[tokio::test]
async fn case_39_a_picture_that_not_every_viewer_shows_alike_is_kept_and_shown_plain() {
    let world = World::protected().await;
    for (count, name) in
        (1_u32..).zip(["one_scan_each", "arithmetic", "orientation_6", "end_missing", "cut_5_tenths"])
    {
        world.backend.detect(world.detection().person(count.into()).picture(corpus(name)));

        world.desk.recording.until_notified(count as usize).await;
        let incident = world.desk.until_alerts(count).await.remove(0);
        let alert = world.desk.detail(&incident).await.alerts.remove(0);
        let shown = world.desk.client.frame(&alert.id).await.unwrap_or_else(|| panic!("{name}: not shown"));
        let shown = Jpeg::from_bytes(shown).unwrap();
        let frame = alert.frame.unwrap_or_else(|| panic!("{name}: not kept"));
        assert!(shown.is_plain(), "{name}");
        assert_eq!((frame.width, frame.height), (shown.width(), shown.height()), "{name}");
        assert_eq!(frame.bytes as usize, corpus(name).len(), "{name}: as it came");
    }
}

#[tokio::test]
async fn case_39_a_picture_of_which_nothing_can_be_shown_says_why() {
    let world = World::protected().await;
    world.backend.detect(world.detection().picture(corpus("quantisation_missing")));
    let incident = world.desk.until_alerts(1).await.remove(0);
    let alert = world.desk.detail(&incident).await.alerts.remove(0);

    let shown = world.desk.client.frame(&alert.id).await;

    assert_eq!(shown, None);
    let alert = world.desk.detail(&incident).await.alerts.remove(0);
    assert_eq!(alert.frame_problem.as_deref(), Some("No picture: the picture is damaged."));
    assert!(alert.frame.is_some(), "what came is kept");
}

fn corpus(name: &str) -> Bytes {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/picture/tests/corpus");
    Bytes::from(std::fs::read(folder.join(format!("{name}.jpg"))).unwrap())
}

#[tokio::test]
async fn an_intrusion_is_an_alert_of_its_own_kind_with_its_picture_from_the_record() {
    let world = World::protected().await;

    world.backend.intrude(&world.user, &world.shop, "stream-1");

    world.desk.recording.until_notified(1).await;
    let incident = world.desk.until_alerts(1).await.remove(0);
    assert_eq!(incident.kind, IncidentKind::Intrusion);
    world.reconciled().await;
    let alert = world.desk.detail(&incident).await.alerts.remove(0);
    assert_eq!(world.desk.client.frame(&alert.id).await, Some(picture::jpeg(9)));
}

#[tokio::test]
async fn a_deaf_connection_is_noticed_and_the_slot_claimed_anew() {
    let world = World::protected().await;
    let before = world.backend.sockets_ever();

    world.backend.make_deaf(&world.user);
    wait::until("a new connection", || (world.backend.sockets_ever() > before).then_some(())).await;
    world.backend.until_registered(&world.user).await;
    world.desk.until_status(Status::Protected).await;
    world.backend.detect(world.detection());

    assert_eq!(world.desk.until_alerts(1).await[0].source, Source::Live);
    assert_eq!(world.backend.sockets_ever(), before + 1);
}

#[tokio::test]
async fn what_is_detected_while_deaf_comes_from_the_record() {
    let world = World::protected().await;

    world.backend.make_deaf(&world.user);
    world.backend.detect(world.detection());

    let incident = world.desk.until_alerts(1).await.remove(0);
    assert_eq!(incident.source, Source::History);
    world.desk.until_status(Status::Protected).await;
}

#[tokio::test]
async fn a_slot_that_another_client_holds_is_not_fought_over_but_polled_around() {
    let world = World::protected().await;
    // Older than the other by enough to tell them apart.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let before = world.backend.sockets_ever();

    world.backend.steal_slot(&world.user);
    world.desk.until_reason(Status::Deaf, "slot_taken").await;
    world.backend.detect(world.detection());
    world.desk.until_alerts(1).await;
    world.reconciled().await;
    assert_eq!(world.backend.sockets_ever(), before, "the client fought for the slot");
    assert_eq!(world.desk.status().await.status, Status::Deaf);
    world.backend.leave_slot(&world.user);
    world.desk.until_status(Status::Protected).await;

    world.backend.detect(world.detection().person(2).frame_number(60));
    let incidents = world.desk.until_alerts(2).await;
    assert_eq!(incidents[0].source, Source::Live);
}

#[tokio::test]
async fn a_burst_of_one_person_is_one_incident_and_one_sound() {
    let world = World::protected().await;

    for number in 1..=20 {
        world.backend.detect(world.detection().frame_number(30 * number));
    }

    world.backend.until_acked(20).await;
    let incidents = world.desk.until_alerts(20).await;
    assert_eq!((incidents.len(), incidents[0].alerts), (1, 20));
    world.reconciled().await;
    assert_eq!(world.desk.until_alerts(20).await[0].alerts, 20);
    let raised = world.desk.record().alert_notifications();
    assert_eq!(raised.iter().filter(|raised| raised.sound).count(), 1);
}

#[tokio::test]
async fn a_decision_reaches_the_record_and_is_shown_as_recorded_only_then() {
    let world = World::protected().await;
    let id = world.backend.detect(world.detection());
    let incident = world.desk.until_alerts(1).await.remove(0);

    world.desk.client.decide(&incident.id, Decision::Acknowledged, Some("seen".to_owned())).await.unwrap();

    wait::until("the decision", || world.backend.patches().into_iter().find(|patch| patch.id == id)).await;
    world
        .desk
        .until_incidents("the mark", |incidents| {
            matches!(
                incidents[0].handling,
                Handling::Recorded { decision: Decision::Acknowledged, here: true, .. }
            )
            .then_some(())
        })
        .await;
    assert_eq!(world.backend.row(&id).unwrap()["status"], "acknowledged");
}

#[tokio::test]
async fn a_decision_made_during_an_outage_is_delivered_after_it() {
    let mut world = World::protected().await;
    let id = world.backend.detect(world.detection());
    let incident = world.desk.until_alerts(1).await.remove(0);
    world.reconciled().await;
    world.backend.kill().await;
    world.desk.until_status(Status::Offline).await;

    world.desk.client.decide(&incident.id, Decision::FalseAlarm, None).await.unwrap();
    let handling = world.desk.incidents().await.remove(0).handling;
    assert!(matches!(handling, Handling::Sending { .. }), "{handling:?}");
    world.backend.resume();

    wait::until("the decision", || world.backend.patches().into_iter().find(|patch| patch.id == id)).await;
    assert_eq!(world.backend.row(&id).unwrap()["status"], "false_positive");
}

#[tokio::test]
async fn after_a_restart_of_the_program_it_is_signed_in_and_nothing_is_shown_twice() {
    let mut world = World::protected().await;
    world.backend.detect(world.detection());
    world.desk.recording.until_notified(1).await;
    world.backend.until_acked(1).await;
    world.reconciled().await;

    world.desk = world.desk.restart().await;
    world.desk.until_status(Status::Protected).await;
    world.reconciled().await;

    assert_eq!(world.desk.until_alerts(1).await[0].alerts, 1);
    assert_eq!(world.desk.record().alert_notifications(), []);
}

#[tokio::test]
async fn the_rows_of_other_peoples_shops_are_not_shown() {
    let world = World::protected().await;
    let stranger = world.backend.add_user("stranger@other.example");
    let theirs = world.backend.add_shop(&stranger, "Elsewhere");

    world.backend.detect(support::backend::Detection::new(&stranger, &theirs, "their-stream"));
    world.reconciled().await;

    assert_eq!(world.desk.incidents().await, []);
}

#[tokio::test]
async fn a_manager_who_does_not_own_the_stream_gets_alerts_from_the_record() {
    let world = World::protected().await;

    let id = world.backend.detect(world.detection().halves(Halves::Neither));

    let incident = world.desk.until_alerts(1).await.remove(0);
    assert_eq!(world.desk.detail(&incident).await.alerts[0].anomaly_id.as_deref(), Some(id.as_str()));
    assert_eq!(world.desk.status().await.status, Status::Protected);
}

#[tokio::test]
async fn two_computers_of_one_user_take_the_slot_from_each_other_and_still_both_see_everything() {
    let world = World::protected().await;
    let other = Desk::new();
    other.sign_in(&world.backend.url(), &world.user.email, &world.user.password).await.unwrap();

    for number in 1..=3 {
        world.backend.detect(world.detection().person(number).frame_number(number));
        world.desk.until_alerts(number as u32).await;
        other.until_alerts(number as u32).await;
    }

    assert_eq!((world.desk.incidents().await.len(), other.incidents().await.len()), (3, 3));
}
