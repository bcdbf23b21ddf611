//! Against our own server, as a library.

use support::desk::Desk;
use support::ours::{EMAIL, Ours, PASSWORD};
use support::{picture, wait};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use visionguard_client::model::{Decision, Handling, Source};
use visionguard_client::view::Status;
use visionguard_server::Note;
use visionguard_server::note::Via;

#[tokio::test]
async fn from_sign_in_to_the_alert_after_a_restart_nobody_touches_anything() {
    let mut world = World::protected().await;

    let first = world.ours.publish(1).await;
    let raised = world.desk.recording.until_notified(1).await;
    assert!(raised[0].picture.is_some());
    world.until_acknowledged(&first, Via::Socket).await;

    world.ours.stop().await;
    world.desk.until_status(Status::Offline).await;
    world.ours.resume().await;
    world.desk.until_status(Status::Protected).await;

    let second = world.ours.publish(2).await;
    world.until_acknowledged(&second, Via::Socket).await;
    let incidents = world.desk.until_alerts(2).await;
    assert!(incidents.iter().all(|incident| incident.source == Source::Live && incident.alerts == 1));
}

#[tokio::test]
async fn what_was_published_between_two_connections_comes_from_the_record() {
    let mut world = World::protected().await;
    world.ours.kill();
    world.desk.until_status(Status::Offline).await;
    world.desk.client.quit();
    world.desk.recording.until("the end", |record| record.quit.then_some(())).await;
    world.ours.resume().await;
    let missed = world.ours.publish(1).await;

    world.desk = world.desk.restart().await;

    let incident = world.desk.until_alerts(1).await.remove(0);
    let alert = world.desk.detail(&incident).await.alerts.remove(0);
    assert_eq!(alert.anomaly_id.as_deref(), Some(missed.as_str()));
    assert_eq!(world.desk.client.frame(&alert.id).await, Some(picture::jpeg(1)));
}

#[tokio::test]
async fn both_messages_and_the_row_are_one_alert_with_its_id() {
    let world = World::protected().await;

    let id = world.ours.publish(1).await;
    let incident = world.desk.until_alerts(1).await.remove(0);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;

    let alerts = world.desk.detail(&incident).await.alerts;
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].anomaly_id.as_deref(), Some(id.as_str()));
    assert!(alerts[0].detected_at.is_some());
}

#[tokio::test]
async fn a_decision_reaches_the_record() {
    let mut world = World::protected().await;
    let id = world.ours.publish(1).await;
    let incident = world.desk.until_alerts(1).await.remove(0);

    world.desk.client.decide(&incident.id, Decision::Acknowledged, None).await.unwrap();

    world.until_acknowledged(&id, Via::Record).await;
    world
        .desk
        .until_incidents("the mark", |incidents| {
            matches!(incidents[0].handling, Handling::Recorded { .. }).then_some(())
        })
        .await;
}

#[tokio::test]
async fn two_computers_of_one_user_are_both_live() {
    let world = World::protected().await;
    let other = Desk::new();
    other.sign_in(&world.ours.url(), EMAIL, PASSWORD).await.unwrap();
    other.until_status(Status::Protected).await;

    world.ours.publish(1).await;

    assert_eq!(world.desk.until_alerts(1).await[0].source, Source::Live);
    assert_eq!(other.until_alerts(1).await[0].source, Source::Live);
    assert_eq!(world.desk.status().await.status, Status::Protected);
}

#[tokio::test]
async fn a_wrong_password_is_a_wrong_password() {
    let world = World::protected().await;

    assert_eq!(Desk::new().refusal(&world.ours.url(), EMAIL, "something else").await.code, "wrong_password");
}

/// Our server, and a computer that is protected.
struct World {
    ours: Ours,
    notes: UnboundedReceiver<Note>,
    desk: Desk,
}

impl World {
    async fn protected() -> World {
        let (sender, notes) = unbounded_channel();
        let ours = Ours::start(|config| config.notes = Some(sender)).await;
        let desk = Desk::new();
        desk.sign_in(&ours.url(), EMAIL, PASSWORD).await.unwrap();
        desk.until_status(Status::Protected).await;
        World { ours, notes, desk }
    }

    async fn until_acknowledged(&mut self, id: &str, how: Via) {
        wait::until(&format!("an acknowledgement by {how:?}"), || {
            while let Ok(note) = self.notes.try_recv() {
                if let Note::Acknowledged { anomaly_id, via, .. } = note
                    && anomaly_id.to_string() == id
                    && via == how
                {
                    return Some(());
                }
            }
            None
        })
        .await;
    }
}
