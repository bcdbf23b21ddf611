//! Decisions reach the server once, in order, and what is shown is what the server knows.

use super::{World, detection, noon};
use crate::model::{Decision, Delivery, Dispatch, Entry, Handling};

#[tokio::test]
async fn a_decision_survives_a_restart_and_is_shown_as_sending_until_the_server_has_it() {
    let world = World::new();
    let told = storm(&world).await;

    let decided = world
        .journal
        .decide(told.incident.id, Decision::Resolved, Some("spoke to her".into()), Dispatch::AtOnce, noon(9))
        .await;
    let world = world.reopen().await;
    let outgoing = world.journal.next_to_send(10).await.expect("outbox");

    let decided = decided.expect("decided").expect("known");
    assert_eq!(decided.handling, Handling::Sending { decision: Decision::Resolved, undo_until: None });
    assert!(decided.seen_at.is_some());
    assert_eq!(outgoing.len(), 2);
    assert_eq!(outgoing[0].note.as_deref(), Some("spoke to her"));
    assert!(outgoing[0].id < outgoing[1].id);

    let first = world.journal.sent(outgoing[0].id, Delivery::Recorded, noon(10)).await.expect("noted");
    let second = world.journal.sent(outgoing[1].id, Delivery::Recorded, noon(11)).await.expect("noted");

    assert_eq!(first, None, "half of it is on its way still");
    let handling = second.expect("the handling changed").handling;
    let at = noon(11).as_millisecond();
    assert_eq!(handling, Handling::Recorded { decision: Decision::Resolved, here: true, at });
    assert_eq!(world.journal.next_to_send(10).await.expect("outbox"), []);
}

#[tokio::test]
async fn a_decision_waits_until_the_anomaly_id_is_known() {
    let world = World::new();
    let seen = detection("stream-a", 1, 30);
    let told = world.tell(seen.seen(), 0).await;

    world
        .journal
        .decide(told.entry().incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(1))
        .await
        .expect("decided");
    let before = world.journal.next_to_send(10).await.expect("outbox");
    world.catch_up(seen.row(), 60).await;
    let after = world.journal.next_to_send(10).await.expect("outbox");

    assert_eq!(before, []);
    assert_eq!(after[0].anomaly_id, seen.anomaly_id());
}

#[tokio::test]
async fn a_decision_whose_alert_the_record_never_had_is_refused_with_a_reason() {
    let world = World::new();
    let told = world.tell(detection("stream-a", 1, 30).seen(), 0).await;
    world
        .journal
        .decide(told.entry().incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(1))
        .await
        .expect("decided");

    let too_early =
        world.journal.refuse_unmatched(noon(1), noon(50), "not there".into(), noon(60)).await.expect("done");
    let refused =
        world.journal.refuse_unmatched(noon(2), noon(50), "not there".into(), noon(60)).await.expect("done");

    assert_eq!(too_early, []);
    let refusal = Handling::Refused { decision: Decision::Acknowledged, sentence: "not there".into() };
    assert_eq!(refused[0].handling, refusal);
}

#[tokio::test]
async fn case_10_an_alert_that_should_have_a_row_by_now_is_not_waited_for() {
    let world = World::new();
    let old = world.tell(detection("stream-a", 1, 30).seen(), 0).await.entry().incident.id;
    let new = world.tell(detection("stream-b", 1, 30).seen(), 299).await.entry().incident.id;
    for incident in [old, new] {
        world
            .journal
            .decide(incident, Decision::Resolved, None, Dispatch::AtOnce, noon(300))
            .await
            .expect("decided");
    }

    // The record was read a second later.
    let refused = world.journal.refuse_unmatched(noon(301), noon(286), "not there".into(), noon(301)).await;

    let refused: Vec<_> = refused.expect("done").into_iter().map(|incident| incident.id).collect();
    assert_eq!(refused, [old]);
    let kept = world.journal.incident(new).await.expect("read").expect("known").handling;
    assert_eq!(kept, Handling::Sending { decision: Decision::Resolved, undo_until: None });
}

#[tokio::test]
async fn case_02_the_words_say_which_part_of_a_decision_took_effect() {
    let world = World::new();
    let told = storm(&world).await;
    world
        .journal
        .decide(told.incident.id, Decision::Resolved, None, Dispatch::AtOnce, noon(5))
        .await
        .expect("decided");
    let outgoing = world.journal.to_send_of(told.incident.id).await.expect("outbox");

    world.journal.sent(outgoing[0].id, Delivery::Recorded, noon(6)).await.expect("noted");
    let refused = Delivery::Refused { sentence: "It is locked.".into() };
    let told = world.journal.sent(outgoing[1].id, refused, noon(7)).await.expect("noted").expect("changed");

    let Handling::Refused { sentence, .. } = told.handling else { panic!("{:?}", told.handling) };
    assert_eq!(sentence, "The decision took effect for 1 of 2 alerts. The rest: It is locked.");
}

#[tokio::test]
async fn an_answer_to_a_decision_that_was_replaced_changes_nothing() {
    let world = World::new();
    let told = storm(&world).await;
    world
        .journal
        .decide(told.incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(5))
        .await
        .expect("decided");
    let old = world.journal.next_to_send(10).await.expect("outbox");

    world
        .journal
        .decide(told.incident.id, Decision::FalseAlarm, None, Dispatch::AtOnce, noon(6))
        .await
        .expect("decided");
    let answer = world.journal.sent(old[0].id, Delivery::Recorded, noon(7)).await.expect("noted");

    assert_eq!(answer, None);
    let new = world.journal.next_to_send(10).await.expect("outbox");
    assert_eq!(new.len(), 2);
    assert!(new.iter().all(|outgoing| outgoing.decision == Decision::FalseAlarm));
}

#[tokio::test]
async fn the_same_decision_twice_is_one() {
    let world = World::new();
    let told = storm(&world).await;
    world
        .journal
        .decide(told.incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(5))
        .await
        .expect("decided");
    let once = world.journal.next_to_send(10).await.expect("outbox");

    world
        .journal
        .decide(told.incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(6))
        .await
        .expect("decided");

    assert_eq!(world.journal.next_to_send(10).await.expect("outbox"), once);
}

#[tokio::test]
async fn what_fails_for_now_stays_and_is_counted() {
    let world = World::new();
    let told = storm(&world).await;
    world
        .journal
        .decide(told.incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(5))
        .await
        .expect("decided");
    let outgoing = world.journal.next_to_send(1).await.expect("outbox");

    world.journal.sent(outgoing[0].id, Delivery::Later, noon(6)).await.expect("noted");

    let again = world.journal.next_to_send(2).await.expect("outbox");
    assert_eq!((again[1].id, again[1].tries), (outgoing[0].id, 1));
}

#[tokio::test]
async fn nobody_sends_what_somebody_else_decided() {
    let world = World::new();
    world.journal.belong_to("one at https://a".into()).await.expect("noted");
    let told = storm(&world).await;
    world
        .journal
        .decide(told.incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(5))
        .await
        .expect("decided");
    let further = world.tell(detection("stream-a", 1, 90).seen(), 6).await;
    assert_eq!(further.entry().incident.id, told.incident.id);

    world.journal.belong_to("two at https://a".into()).await.expect("noted");
    let theirs = world.journal.next_to_send(10).await.expect("outbox");
    let given_up =
        world.journal.refuse_unmatched(noon(60), noon(60), "not there".into(), noon(60)).await.expect("done");
    world.journal.belong_to("one at https://a".into()).await.expect("noted");
    let ours = world.journal.next_to_send(10).await.expect("outbox");

    assert_eq!((theirs, given_up), (vec![], vec![]));
    assert_eq!(ours.len(), 2);
}

#[tokio::test]
async fn what_failed_lets_others_go_first() {
    let world = World::new();
    let told = storm(&world).await;
    world
        .journal
        .decide(told.incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(5))
        .await
        .expect("decided");
    let waiting = world.journal.next_to_send(2).await.expect("outbox");

    world.journal.sent(waiting[0].id, Delivery::Later, noon(6)).await.expect("noted");

    let next = world.journal.next_to_send(1).await.expect("outbox");
    assert_eq!(next[0].id, waiting[1].id);
}

#[tokio::test]
async fn an_incident_decided_on_elsewhere_is_handled_once_all_its_anomalies_are() {
    let world = World::new();
    let (one, two) = (detection("stream-a", 1, 30), detection("stream-a", 1, 60));
    storm(&world).await;

    let half = world
        .journal
        .handled_elsewhere(one.anomaly_id(), Decision::Resolved, noon(60), noon(60))
        .await
        .expect("noted");
    let whole = world
        .journal
        .handled_elsewhere(two.anomaly_id(), Decision::Resolved, noon(61), noon(61))
        .await
        .expect("noted");
    let again = world
        .journal
        .handled_elsewhere(two.anomaly_id(), Decision::Resolved, noon(62), noon(62))
        .await
        .expect("noted");

    assert_eq!(half, None);
    let at = noon(61).as_millisecond();
    let handling = whole.expect("the handling changed").handling;
    assert_eq!(handling, Handling::Recorded { decision: Decision::Resolved, here: false, at });
    assert_eq!(again, None);
}

#[tokio::test]
async fn a_decision_from_a_server_whose_clock_is_ahead_does_not_silence_what_follows() {
    let world = World::new();
    storm(&world).await;
    for frame in [30, 60] {
        let anomaly = detection("stream-a", 1, frame).anomaly_id();
        let ahead = noon(3600);
        world.journal.handled_elsewhere(anomaly, Decision::Resolved, ahead, noon(5)).await.expect("noted");
    }

    let covered = world.tell(detection("stream-a", 1, 90).seen(), 50).await;
    let later = world.tell(detection("stream-a", 1, 120).seen(), 70).await;

    let incident = &covered.entry().incident;
    assert!(
        matches!(incident.handling, Handling::Recorded { at, .. } if at == noon(3600).as_millisecond()),
        "{:?}",
        incident.handling
    );
    assert_ne!(later.entry().incident.id, incident.id);
    assert!(later.entry().incident.is_open());
}

#[tokio::test]
async fn our_own_decision_read_back_from_the_record_stays_ours() {
    let world = World::new();
    let told = storm(&world).await;
    world
        .journal
        .decide(told.incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(5))
        .await
        .expect("decided");
    for outgoing in world.journal.next_to_send(10).await.expect("outbox") {
        world.journal.sent(outgoing.id, Delivery::Recorded, noon(6)).await.expect("noted");
    }

    for frame in [30, 60] {
        let anomaly = detection("stream-a", 1, frame).anomaly_id();
        world
            .journal
            .handled_elsewhere(anomaly, Decision::Acknowledged, noon(60), noon(60))
            .await
            .expect("noted");
    }

    let incident = world.journal.incident(told.incident.id).await.expect("read").expect("known");
    assert!(matches!(incident.handling, Handling::Recorded { here: true, .. }), "{:?}", incident.handling);
}

#[tokio::test]
async fn a_decision_sent_under_a_wrongly_guessed_id_is_sent_again_under_the_right_one() {
    let world = World::new();
    let (lost, kept) = (detection("stream-a", 1, 30), detection("stream-a", 1, 60));
    let told = world.tell(kept.seen(), 1).await;
    world.tell(lost.noticed(), 2).await;
    world
        .journal
        .decide(told.entry().incident.id, Decision::Resolved, None, Dispatch::AtOnce, noon(3))
        .await
        .expect("decided");
    let guessed = world.journal.next_to_send(10).await.expect("outbox");
    world.journal.sent(guessed[0].id, Delivery::Recorded, noon(4)).await.expect("noted");

    world.catch_up(kept.row(), 60).await;

    let mut again: Vec<_> =
        world.journal.next_to_send(10).await.expect("outbox").into_iter().map(|o| o.anomaly_id).collect();
    again.sort();
    assert_eq!(again, [lost.anomaly_id(), kept.anomaly_id()]);
}

#[tokio::test]
async fn decisions_about_what_is_not_known_are_said_to_be_so() {
    let world = World::new();
    let nothing = "77".parse().expect("an id");

    let decided = world
        .journal
        .decide(nothing, Decision::Resolved, None, Dispatch::AtOnce, noon(0))
        .await
        .expect("asked");
    let seen = world.journal.seen(nothing, noon(0)).await.expect("asked");

    assert_eq!((decided, seen), (None, None));
}

/// Two alerts of one incident, their ids known.
async fn storm(world: &World) -> Entry {
    world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await;
    world.tell(detection("stream-a", 1, 60).seen_with_id(), 1).await.entry().clone()
}

#[tokio::test]
async fn an_answer_about_another_detection_does_not_settle_a_decision_whose_alert_was_misnamed() {
    let world = World::new();
    let (unnoticed, next) = (detection("stream-a", 1, 30), detection("stream-a", 1, 60));
    let told = world.tell(unnoticed.seen(), 0).await;
    world.tell(next.noticed(), 1).await;
    let incident = told.entry().incident.id;
    world
        .journal
        .decide(incident, Decision::Acknowledged, None, Dispatch::AtOnce, noon(2))
        .await
        .expect("decided");
    let misnamed = world.journal.next_to_send(10).await.expect("outbox");

    world.catch_up(unnoticed.row(), 60).await;
    world.journal.sent(misnamed[0].id, Delivery::Recorded, noon(61)).await.expect("noted");

    let waiting = world.journal.next_to_send(10).await.expect("outbox");
    assert_eq!(misnamed[0].anomaly_id, next.anomaly_id());
    assert!(waiting.iter().any(|outgoing| outgoing.anomaly_id == unnoticed.anomaly_id()), "{waiting:?}");
}
