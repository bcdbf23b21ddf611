//! Against our own server, as a library.

use secrecy::SecretString;
use serde_json::json;
use support::desk::Desk;
use support::{picture, wait};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use visionguard_client::view::{Decision, Handling, Source, Status};
use visionguard_proto::{AnomalyId, Jpeg, ShopId, StreamId};
use visionguard_server::note::Via;
use visionguard_server::publish::Kind;
use visionguard_server::{Config, Detection, NewUser, Note, Role, Running, Server};

use super::STREAM;

const EMAIL: &str = "owner@shop.example";
const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn from_sign_in_to_the_alert_after_a_restart_nobody_touches_anything() {
    let mut world = World::protected().await;

    let first = world.publish(1).await;
    let raised = world.desk.recording.until_notified(1).await;
    assert!(raised[0].picture.is_some());
    world.until_acknowledged(&first, Via::Socket).await;

    world.stop().await;
    world.desk.until_status(Status::Offline).await;
    world.start().await;
    world.desk.until_status(Status::Protected).await;

    let second = world.publish(2).await;
    world.until_acknowledged(&second, Via::Socket).await;
    let incidents = world.desk.until_alerts(2).await;
    assert!(incidents.iter().all(|incident| incident.source == Source::Live && incident.alerts == 1));
}

#[tokio::test]
async fn what_was_published_between_two_connections_comes_from_the_record() {
    let mut world = World::protected().await;
    world.kill();
    world.desk.until_status(Status::Offline).await;
    world.desk.client.quit();
    world.desk.recording.until("the end", |record| record.quit.then_some(())).await;
    world.start().await;
    let missed = world.publish(1).await;

    world.desk = world.desk.restart().await;

    let incident = world.desk.until_alerts(1).await.remove(0);
    let alert = world.desk.detail(&incident).await.alerts.remove(0);
    assert_eq!(alert.anomaly_id.as_deref(), Some(missed.as_str()));
    assert_eq!(world.desk.client.frame(&alert.id).await, Some(picture::jpeg(1)));
}

#[tokio::test]
async fn both_messages_and_the_row_are_one_alert_with_its_id() {
    let world = World::protected().await;

    let id = world.publish(1).await;
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
    let id = world.publish(1).await;
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
    other.sign_in(&world.url(), EMAIL, PASSWORD).await.unwrap();
    other.until_status(Status::Protected).await;

    world.publish(1).await;

    assert_eq!(world.desk.until_alerts(1).await[0].source, Source::Live);
    assert_eq!(other.until_alerts(1).await[0].source, Source::Live);
    assert_eq!(world.desk.status().await.status, Status::Protected);
}

#[tokio::test]
async fn a_wrong_password_is_a_wrong_password() {
    let world = World::protected().await;

    assert_eq!(Desk::new().refusal(&world.url(), EMAIL, "something else").await.code, "wrong_password");
}

/// Our server with one owner and one shop, and a computer that is protected.
struct World {
    running: Option<Running>,
    config: Config,
    notes: UnboundedReceiver<Note>,
    shop: ShopId,
    desk: Desk,
    _folder: TempDir,
}

impl World {
    async fn protected() -> World {
        let folder = tempfile::tempdir().unwrap();
        let (sender, notes) = unbounded_channel();
        let mut config = Config::new(folder.path());
        config.notes = Some(sender);
        let running = Server::start(config.clone()).await.unwrap();
        // After a restart it has to be where it was.
        config.listen = running.address;
        let owner = NewUser {
            email: EMAIL.to_owned(),
            name: "Shop Owner".to_owned(),
            role: Role::Owner,
            password: SecretString::from(PASSWORD),
        };
        let owner = running.users().add_user(owner).await.unwrap();
        let shop = running.users().add_shop("Downtown", &owner).await.unwrap();

        let desk = Desk::new();
        desk.sign_in(&running.url(), EMAIL, PASSWORD).await.unwrap();
        desk.until_status(Status::Protected).await;
        World { running: Some(running), config, notes, shop, desk, _folder: folder }
    }

    fn url(&self) -> String {
        self.running.as_ref().unwrap().url()
    }

    async fn publish(&self, person: u8) -> AnomalyId {
        let result = json!({"person_id": person, "score": -3.5, "frame_number": 30, "start_frame": 1});
        let picture = Jpeg::from_bytes(picture::jpeg(person)).unwrap();
        let detection = Detection {
            shop_id: self.shop.clone(),
            user_id: None,
            stream_id: StreamId::new(STREAM).unwrap(),
            kind: Kind::Theft,
            severity: None,
            location: Some("Aisle 3".to_owned()),
            description: None,
            result: result.as_object().unwrap().clone(),
            picture: Some(picture),
            idempotency_key: None,
        };
        self.running.as_ref().unwrap().publish(detection).await.unwrap().id
    }

    async fn until_acknowledged(&mut self, id: &AnomalyId, how: Via) {
        wait::until(&format!("an acknowledgement by {how:?}"), || {
            while let Ok(note) = self.notes.try_recv() {
                if let Note::Acknowledged { anomaly_id, via, .. } = note
                    && anomaly_id == *id
                    && via == how
                {
                    return Some(());
                }
            }
            None
        })
        .await;
    }

    async fn start(&mut self) {
        self.running = Some(Server::start(self.config.clone()).await.unwrap());
    }

    async fn stop(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    fn kill(&mut self) {
        self.running.take().unwrap().kill();
    }
}
