//! What somebody should still do something about.

use super::{World, detection, noon};
use crate::model::{Decision, Dispatch};

#[tokio::test]
async fn what_was_acknowledged_here_and_is_not_resolved_waits_and_nothing_else_does() {
    let world = World::new();
    let mut incidents = Vec::new();
    for (at, stream) in (0..).zip(["kept", "resolved", "elsewhere", "cleared", "open", "long ago"]) {
        incidents
            .push(world.tell(detection(stream, 1, 30 * at).seen_with_id(), at).await.entry().incident.id);
    }
    let decide = async |nth: usize, decision, second| {
        let decided = world.journal.decide(incidents[nth], decision, None, Dispatch::AtOnce, noon(second));
        decided.await.expect("decided").expect("known");
    };
    decide(0, Decision::Acknowledged, 100).await;
    decide(1, Decision::Acknowledged, 100).await;
    decide(1, Decision::Resolved, 101).await;
    decide(3, Decision::Acknowledged, 100).await;
    decide(5, Decision::Acknowledged, 50).await;
    let anomaly = detection("elsewhere", 1, 60).anomaly_id();
    let there = world.journal.handled_elsewhere(anomaly, Decision::Acknowledged, noon(100), noon(100)).await;
    there.expect("noted").expect("it was open");
    world.journal.dismiss(incidents[3], noon(102)).await.expect("cleared");

    let waiting = world.journal.acknowledged_since(noon(60), "ana".to_owned()).await.expect("read");

    let waiting: Vec<_> = waiting.into_iter().map(|(incident, at)| (incident.id, at)).collect();
    assert_eq!(waiting, [(incidents[0], noon(100))]);
}

#[tokio::test]
async fn an_acknowledgement_of_another_account_is_not_this_one_s_to_see_to() {
    let world = World::new();
    let told = world.tell(detection("till", 1, 30).seen_with_id(), 0).await;
    world.journal.belong_to("ana".to_owned()).await.expect("hers");
    let id = told.entry().incident.id;
    world.journal.decide(id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(1)).await.expect("decided");

    let of = async |account: &str| {
        world.journal.acknowledged_since(noon(0), account.to_owned()).await.expect("read").len()
    };

    assert_eq!((of("ana").await, of("ben").await), (1, 0));
}

#[tokio::test]
async fn what_was_told_and_nobody_decided_on_is_unhandled_with_its_newest_alert() {
    let world = World::new();
    let first = world.tell(detection("till", 1, 30).seen_with_id(), 1).await;
    let newest = world.tell(detection("till", 1, 60).seen_with_id(), 2).await;
    let untold = world.tell(detection("door", 1, 30).seen_with_id(), 3).await;
    let handled = world.tell(detection("aisle", 1, 30).seen_with_id(), 4).await;
    for entry in [&first, &handled] {
        world.journal.mark_notified(entry.entry().alert.id, noon(5)).await.expect("marked");
    }
    let decided = handled.entry().incident.id;
    world
        .journal
        .decide(decided, Decision::FalseAlarm, None, Dispatch::AtOnce, noon(6))
        .await
        .expect("decided");

    let unhandled = world.journal.unhandled_since(noon(0)).await.expect("read");
    let later = world.journal.unhandled_since(noon(2)).await.expect("read");

    let alerts: Vec<_> = unhandled.iter().map(|entry| entry.alert.id).collect();
    assert_eq!(alerts, [newest.entry().alert.id]);
    assert!(later.is_empty() && untold.entry().incident.notified_at.is_none());
}
