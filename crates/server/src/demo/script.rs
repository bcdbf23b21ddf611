//! What happens in the demonstration, and when: each camera behaves in a way of its own.

use std::sync::Arc;
use std::time::Duration;

use jiff::ZonedDateTime;
use serde_json::{Map, Value, json};
use visionguard_proto::ShopId;

use super::Settings;
use super::camera::{Camera, Shot};
use super::scenes::Scene;
use crate::app::App;
use crate::publish::{self, Detection, Kind, Severity};

/// From the first connection to the first event: long enough to see the empty window.
const OPENING: Duration = Duration::from_secs(3);
/// Between two alerts of a storm, as the original's pipeline sends them.
const STORM_PACE: Duration = Duration::from_secs(1);
/// How often it is looked whether somebody is connected.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// One event: so many alerts of one camera about one person.
struct Event {
    scene: Scene,
    alerts: u64,
}

/// The round that is played for ever. The entrance is the quiet one.
const ROUND: [Event; 6] = [
    Event { scene: Scene::Aisle, alerts: 1 },
    Event { scene: Scene::BackDoor, alerts: 1 },
    Event { scene: Scene::Checkout, alerts: 12 },
    Event { scene: Scene::Aisle, alerts: 1 },
    Event { scene: Scene::BackDoor, alerts: 1 },
    Event { scene: Scene::Entrance, alerts: 1 },
];

/// Plays until the server ends or enough alerts are published.
pub(super) async fn play(app: Arc<App>, shops: Vec<ShopId>, settings: Settings) {
    let killed = app.killed.clone();
    tokio::select! {
        () = killed.cancelled() => {}
        () = Play::new(app, &shops, settings).run() => {}
    }
}

struct Play {
    app: Arc<App>,
    cameras: Vec<Camera>,
    settings: Settings,
    published: u64,
    /// The tracker's next number for a person.
    person: i64,
}

impl Play {
    fn new(app: Arc<App>, shops: &[ShopId], settings: Settings) -> Play {
        let cameras = Scene::ALL
            .into_iter()
            .filter_map(|scene| Some(Camera::new(scene, shops.get(scene.shop())?.clone())))
            .collect();
        Play { app, cameras, settings, published: 0, person: 1 }
    }

    async fn run(mut self) {
        if !self.settings.at_once {
            while self.app.roster.len() == 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        tokio::time::sleep(OPENING.min(self.settings.interval)).await;
        for event in ROUND.iter().cycle() {
            if self.is_over() {
                tracing::info!(alerts = self.published, "the demonstration is over");
                return;
            }
            self.happen(event).await;
            tokio::time::sleep(self.settings.interval).await;
        }
    }

    async fn happen(&mut self, event: &Event) {
        let person = self.person;
        self.person += 1;
        for step in 0..event.alerts {
            if self.is_over() {
                return;
            }
            if step > 0 {
                tokio::time::sleep(STORM_PACE.min(self.settings.interval)).await;
            }
            self.publish(event.scene, person, step).await;
        }
    }

    async fn publish(&mut self, scene: Scene, person: i64, step: u64) {
        let Some(camera) = self.cameras.iter_mut().find(|camera| camera.scene == scene) else { return };
        let Some(shot) = camera.shoot(person, step, ZonedDateTime::now()).await else { return };
        let detection = detection(camera, shot, person);
        match publish::publish(&self.app, "demo", detection).await {
            Ok(_) => self.published += 1,
            Err(error) => tracing::warn!(%error, "a simulated alert was not published"),
        }
    }

    fn is_over(&self) -> bool {
        self.settings.alerts.is_some_and(|alerts| self.published >= alerts)
    }
}

fn detection(camera: &Camera, shot: Shot, person: i64) -> Detection {
    let kind = camera.scene.kind();
    let result = match kind {
        Kind::Theft => theft(&shot, person),
        Kind::Intrusion => intrusion(&shot, person),
    };
    Detection {
        shop_id: camera.shop.clone(),
        user_id: None,
        stream_id: camera.stream.clone(),
        kind,
        severity: match kind {
            Kind::Theft => Some(Severity::Low),
            Kind::Intrusion => Some(Severity::High),
        },
        location: Some(camera.scene.name().to_owned()),
        description: None,
        result,
        picture: Some(shot.picture),
        idempotency_key: None,
    }
}

fn theft(shot: &Shot, person: i64) -> Map<String, Value> {
    let score = -(2.4 + rand::random::<f64>() * 2.2);
    object(json!({
        "sequence_id": 0,
        "person_id": person,
        "start_frame": shot.frame_number - 23,
        "end_frame": shot.frame_number - 12,
        "score": (score * 1000.0).round() / 1000.0,
        "confidence": "Low",
        "frame_number": shot.frame_number,
        "bbox": { "x": shot.bounds.x, "y": shot.bounds.y, "w": shot.bounds.width, "h": shot.bounds.height },
    }))
}

fn intrusion(shot: &Shot, person: i64) -> Map<String, Value> {
    let bounds = shot.bounds;
    object(json!({
        "confidence": 0.91,
        "detections": [{
            "person_id": person,
            "bbox": {
                "x": f64::from(bounds.x),
                "y": f64::from(bounds.y),
                "w": f64::from(bounds.width),
                "h": f64::from(bounds.height),
            },
            "confidence": 0.91,
            "class": "person",
        }],
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
