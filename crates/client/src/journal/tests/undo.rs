//! A decision can be taken back for ten seconds, and is not sent before they are over.

use jiff::{SignedDuration, Timestamp};

use super::{World, detection, noon};
use crate::model::{Decision, Delivery, Dispatch, Handling, IncidentId};

#[tokio::test]
async fn what_is_held_is_not_sent_before_its_time_and_then_is() {
    let world = World::new();
    let incident = told(&world).await;

    let held = decide(&world, incident, Decision::Resolved, Dispatch::Held, noon(10)).await;
    let next = world.journal.release_held(later(10, 9_999)).await.expect("looked");
    let before = world.journal.next_to_send(10).await.expect("outbox");
    let world = world.reopen().await;
    let none = world.journal.release_held(later(10, 10_000)).await.expect("looked");
    let after = world.journal.next_to_send(10).await.expect("outbox");

    let until = later(10, 10_000);
    let undo_until = Some(until.as_millisecond());
    assert_eq!(held, Handling::Sending { decision: Decision::Resolved, undo_until });
    assert_eq!((next, none), (Some(until), None));
    assert_eq!(before, []);
    assert_eq!(after.len(), 1);
    assert_eq!(world.journal.undo(incident, later(10, 10_001)).await.expect("asked"), None);
}

#[tokio::test]
async fn undone_it_is_as_open_as_before_and_nothing_is_sent() {
    let world = World::new();
    let incident = told(&world).await;
    decide(&world, incident, Decision::FalseAlarm, Dispatch::Held, noon(10)).await;

    let undone = world.journal.undo(incident, noon(15)).await.expect("asked").expect("in time");

    assert_eq!(undone.handling, Handling::Open);
    world.journal.release_held(noon(60)).await.expect("looked");
    assert_eq!(world.journal.next_to_send(10).await.expect("outbox"), []);
    assert_eq!(world.journal.undo(incident, noon(15)).await.expect("asked"), None, "once");
}

#[tokio::test]
async fn undone_a_change_of_mind_is_what_was_decided_before_and_the_server_has() {
    let world = World::new();
    let incident = told(&world).await;
    decide(&world, incident, Decision::Acknowledged, Dispatch::AtOnce, noon(10)).await;
    let outgoing = world.journal.next_to_send(10).await.expect("outbox");
    world.journal.sent(outgoing[0].id, Delivery::Recorded, noon(11)).await.expect("noted");
    let before = world.journal.incident(incident).await.expect("read").expect("known");

    decide(&world, incident, Decision::Resolved, Dispatch::Held, noon(20)).await;
    decide(&world, incident, Decision::FalseAlarm, Dispatch::Held, noon(22)).await;
    let undone = world.journal.undo(incident, noon(25)).await.expect("asked").expect("in time");

    assert_eq!(undone.handling, before.handling);
    world.journal.release_held(noon(60)).await.expect("looked");
    assert_eq!(world.journal.next_to_send(10).await.expect("outbox"), []);
}

#[tokio::test]
async fn what_was_on_its_way_goes_on_where_the_change_of_it_is_undone() {
    let world = World::new();
    let incident = told(&world).await;
    decide(&world, incident, Decision::Acknowledged, Dispatch::AtOnce, noon(10)).await;

    decide(&world, incident, Decision::Resolved, Dispatch::Held, noon(12)).await;
    assert_eq!(world.journal.next_to_send(10).await.expect("outbox"), []);
    world.journal.undo(incident, noon(14)).await.expect("asked").expect("in time");

    let outgoing = world.journal.next_to_send(10).await.expect("outbox");
    assert_eq!(outgoing[0].decision, Decision::Acknowledged);
}

#[tokio::test]
async fn alerts_that_came_meanwhile_belong_to_the_open_incident() {
    let world = World::new();
    let incident = told(&world).await;
    decide(&world, incident, Decision::Resolved, Dispatch::Held, noon(10)).await;
    let joined = world.tell(detection("stream-a", 1, 60).seen_with_id(), 12).await.entry().incident.id;

    let undone = world.journal.undo(incident, noon(15)).await.expect("asked").expect("in time");

    assert_eq!(joined, incident);
    assert_eq!((undone.handling, undone.alerts), (Handling::Open, 2));
    world.journal.release_held(noon(60)).await.expect("looked");
    assert_eq!(world.journal.next_to_send(10).await.expect("outbox"), []);
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_nothing_for_longer() {
    let world = World::new();
    let incident = told(&world).await;
    decide(&world, incident, Decision::Resolved, Dispatch::Held, noon(7_200)).await;

    let next = world.journal.release_held(noon(60)).await.expect("looked");
    world.journal.release_held(noon(70)).await.expect("looked");

    assert_eq!(next, Some(noon(70)), "not at once either");
    assert_eq!(world.journal.next_to_send(10).await.expect("outbox").len(), 1);
}

#[tokio::test]
async fn what_a_colleague_decided_meanwhile_stands_once_the_own_decision_is_undone() {
    let world = World::new();
    let told = world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await;
    let (incident, anomaly) =
        (told.entry().incident.id, told.entry().alert.anomaly_id.clone().expect("an id"));
    decide(&world, incident, Decision::FalseAlarm, Dispatch::Held, noon(10)).await;
    let elsewhere = world.journal.handled_elsewhere(anomaly, Decision::Resolved, noon(11), noon(12)).await;

    let undone = world.journal.undo(incident, noon(15)).await.expect("asked").expect("in time");

    assert_eq!(elsewhere.expect("noted"), None, "ours is shown while it is held");
    assert!(
        matches!(undone.handling, Handling::Recorded { decision: Decision::Resolved, here: false, .. }),
        "{:?}",
        undone.handling
    );
}

#[tokio::test]
async fn what_came_meanwhile_belongs_to_the_decision_before_it() {
    let world = World::new();
    let incident = told(&world).await;
    decide(&world, incident, Decision::Acknowledged, Dispatch::AtOnce, noon(1)).await;
    let outgoing = world.journal.next_to_send(10).await.expect("outbox");
    world.journal.sent(outgoing[0].id, Delivery::Recorded, noon(2)).await.expect("noted");
    decide(&world, incident, Decision::Resolved, Dispatch::Held, noon(10)).await;
    world.tell(detection("stream-a", 1, 60).seen_with_id(), 12).await;

    let undone = world.journal.undo(incident, noon(15)).await.expect("asked").expect("in time");

    assert_eq!(undone.handling, Handling::Sending { decision: Decision::Acknowledged, undo_until: None });
    let outgoing = world.journal.next_to_send(10).await.expect("outbox");
    assert_eq!(
        outgoing.iter().map(|outgoing| outgoing.decision).collect::<Vec<_>>(),
        [Decision::Acknowledged]
    );
}

#[tokio::test]
async fn the_same_decision_from_elsewhere_on_this_computer_is_sent_at_once() {
    let world = World::new();
    let incident = told(&world).await;
    decide(&world, incident, Decision::Resolved, Dispatch::Held, noon(10)).await;

    let now = decide(&world, incident, Decision::Resolved, Dispatch::AtOnce, noon(11)).await;

    assert_eq!(now, Handling::Sending { decision: Decision::Resolved, undo_until: None });
    assert_eq!(world.journal.next_to_send(10).await.expect("outbox").len(), 1);
}

async fn told(world: &World) -> IncidentId {
    world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await.entry().incident.id
}

async fn decide(
    world: &World,
    incident: IncidentId,
    decision: Decision,
    dispatch: Dispatch,
    at: Timestamp,
) -> Handling {
    let decided = world.journal.decide(incident, decision, None, dispatch, at).await;
    decided.expect("decided").expect("known").handling
}

/// So many milliseconds after that second.
fn later(second: i64, milliseconds: i64) -> Timestamp {
    noon(second) + SignedDuration::from_millis(milliseconds)
}
