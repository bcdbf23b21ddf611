//! Every body and message has the keys and types of the original's, and only the additions that are documented.

use crate::world::{World, text};
use serde_json::{Value, json};
use visionguard_server::publish::Kind;

/// Fields that ours adds, by where they stand.
const ADDED: [&str; 9] = [
    ".anomalies[].acknowledged_by",
    ".anomalies[].acknowledged_at",
    ".acknowledged_by",
    ".acknowledged_at",
    ".connections[].connections",
    ".connections[].acknowledged",
    ".connections",
    ".acknowledged",
    ".data.metadata.location",
];

#[tokio::test]
async fn bodies_have_the_shape_of_the_original() {
    let world = World::new().await;
    let signed_in = world.sign_in(&world.owner).await;
    let token = text(&signed_in["access_token"]);
    let anomaly = world.publish(intrusion(&world)).await;
    world.publish(world.theft(1)).await;
    let _socket = world.connect(&world.owner).await;
    let path = format!("/api/anomalies/{anomaly}");

    same("login_200", &signed_in);
    same("me_200", &world.get("/auth/me", &token).await.json());
    same("me_401_expired", &world.get("/auth/me", "garbage").await.json());
    same("me_403_missing", &world.get("/auth/me", "").await.json());
    let wrong = json!({ "email": "a@shop.example", "password": "wrong" });
    same("login_401", &world.post("/auth/login", "", &wrong).await.json());
    let invalid = json!({ "email": "nope", "password": "x" });
    same("validation_422", &world.post("/auth/login", "", &invalid).await.json());
    same("notfound_404", &world.get("/auth/nowhere", &token).await.json());
    same("shops_200", &world.get("/shops", &token).await.json());
    same("anomalies_stats_200", &world.get("/api/anomalies/stats/summary", &token).await.json());
    same("anomaly_patch_400", &world.patch(&path, &token, &json!({ "status": "nope" })).await.json());
    let acknowledged = json!({ "status": "acknowledged", "notes": "seen on desktop" });
    same("anomaly_patch_ack_200", &world.patch(&path, &token, &acknowledged).await.json());
    let resolved = world.patch(&path, &token, &json!({ "status": "resolved" })).await.json();
    same("anomaly_patch_resolved_200", &resolved);
    same("ws_connections_200", &world.get("/ws/connections", &token).await.json());
    let own = format!("/ws/connections/{}", world.owner.id);
    same("ws_connections_user_200", &world.get(&own, &token).await.json());
    let absent = format!("/ws/connections/{}", world.manager.id);
    same("ws_connections_user_404", &world.get(&absent, &token).await.json());
    same("health_200", &world.get("/health", "").await.json());
    let note = json!({ "user_id": world.manager.id, "title": "T", "message": "M" });
    same("notification_send_offline_200", &world.post("/api/notifications/send", &token, &note).await.json());
}

#[tokio::test]
async fn rows_of_the_record_have_the_shape_of_the_original() {
    let world = World::new().await;
    world.publish(world.theft(1)).await;
    world.publish(intrusion(&world)).await;
    let token = world.token(&world.owner).await;

    let list = world.get("/api/anomalies", &token).await.json();

    same("anomalies_list_200", &list);
    let theft = &list["anomalies"][1];
    assert_eq!(theft["anomaly_type"], "suspicious_behavior");
    assert_eq!(theft["severity"], "low");
    assert_eq!(theft["confidence_score"], 3.5);
    assert_eq!(theft["description"], "Anomalous behavior detected (Person ID: 1, Confidence: Low)");
    assert_eq!(theft["extra_data"]["classification"], "Abnormal");
    assert_eq!(theft["extra_data"]["stream_id"], "stream-1");
    for stamp in ["timestamp", "created_at", "updated_at"] {
        assert!(!text(&theft[stamp]).contains(['Z', '+']), "{stamp} has a zone");
    }
}

#[tokio::test]
async fn messages_have_the_shape_of_the_original() {
    let world = World::with(|config| config.sockets.ping_every = std::time::Duration::from_millis(200)).await;
    let token = world.token(&world.owner).await;
    let mut socket = world.connect(&world.owner).await;

    let mut theft = world.theft(1);
    theft
        .result
        .insert("pose_dict".to_owned(), json!({ "1": { "0001": { "keypoints": [0.5], "score": 0.9 } } }));
    let id = world.publish(theft).await;
    let detected = socket.message("anomaly_detected").await;
    same_but_added(
        "ws_anomaly_detected",
        &detected,
        &[".alert_id", ".shop_id", ".at", ".severity", ".location"],
    );
    assert_eq!(detected["alert_id"], id);
    assert_eq!(detected["shop_id"], world.shop.as_str());
    assert!(text(&detected["at"]).ends_with('Z'));
    let notification = socket.message("notification").await;
    same("ws_notification_pipeline", &notification);
    assert_eq!(notification["data"]["notification_id"], id);
    assert_eq!(notification["data"]["metadata"]["person_id"], 1);

    world.publish(intrusion(&world)).await;
    same("ws_notification_owl_eye", &socket.message("notification").await);
    let note = json!({ "user_id": world.owner.id, "title": "T", "message": "M" });
    world.post("/api/notifications/send", &token, &note).await;
    same("ws_notification_nulls", &socket.message("notification").await);
    socket.send(json!({ "type": "ping" })).await;
    same("ws_pong", &socket.message("pong").await);
    same("ws_ping", &socket.message("ping").await);
}

fn intrusion(world: &World) -> visionguard_server::Detection {
    let mut detection = world.theft(1);
    detection.kind = Kind::Intrusion;
    let Value::Object(result) = json!({
        "confidence": 0.87,
        "detections": [{
            "person_id": 1,
            "bbox": { "x": 10.5, "y": 11.25, "w": 30, "h": 60 },
            "confidence": 0.87,
            "class": "person",
        }],
    }) else {
        unreachable!()
    };
    detection.result = result;
    detection
}

fn same(fixture: &str, ours: &Value) {
    same_but_added(fixture, ours, &ADDED);
}

fn same_but_added(fixture: &str, ours: &Value, added: &[&str]) {
    let path = format!("{}/../../tests/fixtures/{fixture}.json", env!("CARGO_MANIFEST_DIR"));
    let theirs: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    compare(fixture, "", &theirs, ours, added);
}

fn compare(fixture: &str, place: &str, theirs: &Value, ours: &Value, added: &[&str]) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            // Opaque: what is inside depends on what was sent.
            if place == ".body_received" || place.ends_with("pose_dict") {
                return;
            }
            for (key, value) in theirs {
                let place = format!("{place}.{key}");
                let own = ours.get(key).unwrap_or_else(|| panic!("{fixture}: {place} is missing"));
                compare(fixture, &place, value, own, added);
            }
            for key in ours.keys().filter(|key| !theirs.contains_key(*key)) {
                let place = format!("{place}.{key}");
                assert!(added.contains(&place.as_str()), "{fixture}: {place} is not the original's");
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            let Some(sample) = theirs.first() else { return };
            for (index, value) in ours.iter().enumerate() {
                let sample = theirs.get(index).unwrap_or(sample);
                compare(fixture, &format!("{place}[]"), sample, value, added);
            }
        }
        // A shop may have no address.
        (Value::String(_), Value::Null) if place == "[].address" => {}
        _ => assert_eq!(kind(theirs), kind(ours), "{fixture}: {place} is {ours}, was {theirs}"),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
