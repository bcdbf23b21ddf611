//! Protocol 2: following the log from a cursor on.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::Message;
use visionguard_proto::{Kind, Picture};
use visionguard_server::publish;
use visionguard_server::{Config, Note, Server};

use crate::follower::{Follower, path};
use crate::world::{PATIENCE, World, bearer, handshake, jpeg, request, text, theft, until};

#[tokio::test]
async fn the_capabilities_are_told_to_anybody() {
    let world = World::new().await;

    let answer = world.get("/ws/capabilities", "").await;

    assert_eq!(answer.status, 200);
    let golden = include_str!("../../../../tests/fixtures/ws_v2_capabilities_200.json");
    assert_eq!(answer.json(), serde_json::from_str::<Value>(golden).unwrap());
}

#[tokio::test]
async fn a_first_connection_begins_at_the_end_of_the_log() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    world.publish(world.theft(1)).await;

    let (mut follower, welcome) = Follower::open(&world, &world.owner, &token, "").await;
    let live = world.publish(world.theft(2)).await;

    assert_eq!((welcome.protocol, welcome.recovered), (2, true));
    assert_eq!((welcome.ping_seconds, welcome.dead_seconds), (Some(30), Some(60)));
    let alert = follower.alert().await;
    assert_eq!(alert.anomaly_id.unwrap().as_str(), live);
    assert!(!alert.replayed);
    assert_ne!(alert.cursor, Some(welcome.head));
}

#[tokio::test]
async fn what_was_missed_is_replayed_from_the_cursor_on_oldest_first_and_then_comes_what_is_live() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let (mut follower, _) = Follower::open(&world, &world.owner, &token, "").await;
    world.publish(world.theft(0)).await;
    let cursor = follower.alert().await.cursor.unwrap();
    drop(follower);
    let mut missed = Vec::new();
    for person in 1..=20 {
        missed.push(world.publish(world.theft(person)).await);
    }

    let (mut follower, welcome) =
        Follower::open(&world, &world.owner, &token, &format!("&cursor={cursor}")).await;

    assert!(welcome.recovered);
    let mut last = cursor;
    for id in &missed {
        let alert = follower.alert().await;
        assert_eq!(alert.anomaly_id.as_ref().unwrap().as_str(), id);
        assert!(alert.replayed);
        assert_ne!(alert.cursor.as_ref(), Some(&last));
        last = alert.cursor.clone().unwrap();
    }
    assert_eq!(last, welcome.head);
    let live = world.publish(world.theft(21)).await;
    let alert = follower.alert().await;
    assert_eq!((alert.anomaly_id.unwrap().as_str(), alert.replayed), (live.as_str(), false));
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_comes_twice_however_often_a_client_returns_while_alerts_are_published() {
    let world = World::new().await;
    let token = world.token(&world.manager).await;
    let (mut follower, welcome) = Follower::open(&world, &world.manager, &token, "&frames=binary").await;
    let mut cursor = welcome.head;
    let mut arrived = Vec::new();

    let publish = async {
        for person in 0..200 {
            world.publish(world.theft(person)).await;
            world.publish(theft(&world.other_shop, person)).await;
        }
    };
    let follow = async {
        while arrived.len() < 200 {
            let alert = follower.alert().await;
            cursor = alert.cursor.unwrap();
            arrived.push(alert.anomaly_id.unwrap().to_string());
            if arrived.len() % 7 == 0 {
                let query = format!("&frames=binary&cursor={cursor}");
                let again = Follower::open(&world, &world.manager, &token, &query).await;
                assert!(again.1.recovered);
                follower = again.0;
            } else {
                follower.acknowledge(arrived.last().unwrap()).await;
            }
        }
    };
    tokio::join!(publish, follow);

    assert_eq!(arrived, world.recorded(&world.shop));
    follower.expect_nothing_more().await;
}

#[tokio::test]
async fn two_computers_of_one_user_each_keep_their_own_place() {
    let mut world = World::new().await;
    let token = world.token(&world.owner).await;
    let (mut till, welcome) = Follower::open(&world, &world.owner, &token, "").await;
    let (office, _) = Follower::open(&world, &world.owner, &token, "").await;
    drop(office);
    for person in 0..5 {
        let id = world.publish(world.theft(person)).await;
        assert_eq!(till.alert().await.anomaly_id.unwrap().as_str(), id);
        till.acknowledge(&id).await;
        world.note(|note| matches!(note, Note::Acknowledged { .. })).await;
    }

    let query = format!("&cursor={}", welcome.head);
    let (mut office, _) = Follower::open(&world, &world.owner, &token, &query).await;

    for id in world.recorded(&world.shop) {
        assert_eq!(office.alert().await.anomaly_id.unwrap().as_str(), id, "an ack removed it");
    }
}

#[tokio::test]
async fn nobody_sees_or_counts_what_is_not_theirs() {
    let world = World::new().await;
    let token = world.token(&world.manager).await;
    let (first, before) = Follower::open(&world, &world.manager, &token, "").await;
    drop(first);
    world.publish(theft(&world.other_shop, 1)).await;

    let query = format!("&cursor={}", before.head);
    let (mut follower, after) = Follower::open(&world, &world.manager, &token, &query).await;
    let ours = world.publish(world.theft(2)).await;

    assert_eq!(after.head, before.head);
    assert_eq!(follower.alert().await.anomaly_id.unwrap().as_str(), ours);
}

#[tokio::test]
async fn a_client_that_acknowledges_nothing_gets_thirty_two_alerts_and_is_then_closed_with_4008() {
    let world = World::with(|config| config.sockets.stuck_after = Duration::from_millis(700)).await;
    let token = world.token(&world.owner).await;
    let (mut follower, _) = Follower::open(&world, &world.owner, &token, "").await;
    for person in 0..40 {
        world.publish(world.theft(person)).await;
    }

    for _ in 0..32 {
        follower.alert().await;
    }

    assert_eq!(follower.closed().await, Some(4008));
}

#[tokio::test]
async fn with_each_ack_one_more_alert_comes_in_either_form_of_the_ack() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let (mut follower, _) = Follower::open(&world, &world.owner, &token, "").await;
    for person in 0..100 {
        world.publish(world.theft(person)).await;
    }

    let mut arrived = Vec::new();
    for number in 0..100 {
        let alert = follower.alert().await;
        let id = alert.anomaly_id.unwrap().to_string();
        match number % 3 {
            0 => follower.acknowledge(&id).await,
            1 => follower.send(json!({ "type": "ack", "cursor": alert.cursor })).await,
            _ => follower.send(json!({ "type": "ack", "stream_id": alert.stream_id })).await,
        }
        arrived.push(id);
    }

    assert_eq!(arrived, world.recorded(&world.shop));
}

#[tokio::test]
async fn what_is_in_flight_is_bounded_in_bytes_too() {
    let world = World::with(|config| {
        config.sockets.in_flight_bytes = 100_000;
        config.sockets.stuck_after = Duration::from_millis(700);
    })
    .await;
    let token = world.token(&world.owner).await;
    let (mut follower, _) = Follower::open(&world, &world.owner, &token, "&frames=binary").await;
    let picture = jpeg(160, 120);
    for person in 0..10 {
        let mut theft = world.theft(person);
        theft.picture = Some(visionguard_proto::Jpeg::from_bytes(picture.clone()).unwrap());
        world.publish(theft).await;
    }

    let mut bytes = 0;
    while let Some(alert) = follower.alert_or_close().await {
        let Picture::Jpeg(picture) = alert.picture else { panic!("no picture") };
        bytes += picture.bytes().len();
    }

    assert!(bytes > picture.len() && bytes <= 100_000, "{bytes}");
}

#[tokio::test]
async fn binary_alerts_say_the_same_as_text() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let (mut text, _) = Follower::open(&world, &world.owner, &token, "&frames=base64").await;
    let (mut binary, _) = Follower::open(&world, &world.owner, &token, "&frames=binary").await;
    world.publish(world.theft(1)).await;
    let mut intrusion = world.theft(2);
    intrusion.kind = publish::Kind::Intrusion;
    intrusion.description = Some("Somebody is in the store room".to_owned());
    world.publish(intrusion).await;

    let (theft, same) = (text.alert().await, binary.alert().await);
    let (intrusion, same_intrusion) = (text.alert().await, binary.alert().await);

    assert_eq!(theft, same);
    assert_eq!(theft.shop_id.as_ref(), Some(&world.shop));
    assert_eq!((theft.kind, theft.person_id), (Kind::Theft, Some(1)));
    assert!(theft.detected_at.is_some() && matches!(theft.picture, Picture::Jpeg(_)));
    assert_eq!(intrusion, same_intrusion);
    assert_eq!(intrusion.kind, Kind::Intrusion);
    assert_eq!(intrusion.text.as_deref(), Some("Somebody is in the store room"));
    assert!(matches!(intrusion.picture, Picture::Jpeg(_)));
}

#[tokio::test]
async fn the_messages_have_the_fields_of_the_golden_ones() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let headers = [("authorization", format!("Bearer {token}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut socket =
        handshake(world.server.address, &path(&world.owner, ""), &headers).await.expect("refused");
    let keys = |value: &Value| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let golden = |text: &str| keys(&serde_json::from_str(text).unwrap());

    let welcome = socket.message("welcome").await;
    world.publish(world.theft(1)).await;
    let alert = socket.message("anomaly_detected").await;

    assert_eq!(keys(&welcome), golden(include_str!("../../../../tests/fixtures/ws_v2_welcome.json")));
    assert_eq!(keys(&alert), golden(include_str!("../../../../tests/fixtures/ws_v2_alert.json")));
}

#[tokio::test]
async fn a_ping_tells_the_newest_place() {
    let world = World::with(|config| config.sockets.ping_every = Duration::from_millis(300)).await;
    let token = world.token(&world.owner).await;
    let (mut follower, welcome) = Follower::open(&world, &world.owner, &token, "").await;

    assert_eq!(follower.ping().await, Some(welcome.head));
    world.publish(world.theft(1)).await;
    let alert = follower.alert().await;

    assert_eq!(follower.ping().await, alert.cursor);
}

#[tokio::test]
async fn a_cursor_of_another_log_or_of_none_is_not_followed_and_the_head_is_where_it_goes_on() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    world.publish(world.theft(1)).await;
    let (_, first) = Follower::open(&world, &world.owner, &token, "").await;
    let long = "9".repeat(300);

    for cursor in [
        "0123456789abcdef.0",
        &format!("{}.999", first.epoch),
        &format!("{}.-1", first.epoch),
        &format!("{}.%2B0", first.epoch),
        &format!("{}.", first.epoch),
        &format!("{}.{long}", first.epoch),
        "",
        "%00",
        "garbage",
    ] {
        let query = format!("&cursor={cursor}");
        let (mut follower, welcome) = Follower::open(&world, &world.owner, &token, &query).await;
        assert!(!welcome.recovered, "{cursor}");
        assert_eq!(welcome.head, first.head, "{cursor}");
        let id = world.publish(world.theft(2)).await;
        assert_eq!(follower.alert().await.anomaly_id.unwrap().as_str(), id, "{cursor}");
        // So that the next one finds the same head.
        world.forget(&id);
    }
}

#[tokio::test]
async fn a_wiped_database_has_another_epoch_and_a_restarted_server_the_same() {
    let world = World::new().await;
    let other = World::new().await;
    let token = world.token(&world.owner).await;
    let (_, before) = Follower::open(&world, &world.owner, &token, "").await;
    let (_, elsewhere) = Follower::open(&other, &other.owner, &other.token(&other.owner).await, "").await;
    let missed = world.publish(world.theft(1)).await;
    let World { server, directory, owner, .. } = world;
    server.stop().await;

    let server = Server::start(Config::new(directory.path())).await.unwrap();

    assert_ne!(before.epoch, elsewhere.epoch);
    let query = format!("&cursor={}", before.head);
    let (mut follower, after) = Follower::at(server.address, &owner, &token, &query).await.unwrap();
    assert_eq!((after.epoch, after.recovered), (before.epoch, true));
    assert_eq!(follower.alert().await.anomaly_id.unwrap().as_str(), missed);
}

#[tokio::test]
async fn who_left_off_before_the_log_begins_is_told_so_and_gets_no_part_of_what_was_missed() {
    let world = World::with(|config| config.log.alerts = 5).await;
    let token = world.token(&world.owner).await;
    let (mut follower, start) = Follower::open(&world, &world.owner, &token, "").await;
    let mut places = vec![start.head];
    for person in 0..8 {
        world.publish(world.theft(person)).await;
        places.push(follower.alert().await.cursor.unwrap());
    }

    for (left_off, place) in places.iter().enumerate() {
        let query = format!("&cursor={place}");
        let (mut follower, welcome) = Follower::open(&world, &world.owner, &token, &query).await;
        assert_eq!(welcome.recovered, 8 - left_off <= 5, "{left_off}");
        if !welcome.recovered {
            assert_eq!(welcome.head, places[8]);
            follower.expect_nothing_more().await;
        }
    }
}

#[tokio::test]
async fn what_is_older_than_the_log_keeps_is_not_replayed_but_a_quiet_shop_misses_nothing() {
    let world = World::with(|config| config.log.keep = Duration::ZERO).await;
    let token = world.token(&world.owner).await;
    let (mut follower, start) = Follower::open(&world, &world.owner, &token, "").await;
    world.publish(world.theft(1)).await;
    let cursor = follower.alert().await.cursor.unwrap();

    let (_, old) = Follower::open(&world, &world.owner, &token, &format!("&cursor={}", start.head)).await;
    let (_, quiet) = Follower::open(&world, &world.owner, &token, &format!("&cursor={cursor}")).await;

    assert!(!old.recovered);
    assert!(quiet.recovered);
}

#[tokio::test]
async fn a_client_of_protocol_1_sees_nothing_of_protocol_2() {
    let world = World::with(|config| config.sockets.ping_every = Duration::from_millis(300)).await;
    let mut old = world.connect(&world.owner).await;
    let id = world.publish(world.theft(1)).await;

    let first = loop {
        if let Message::Text(text) = old.next().await.unwrap().unwrap() {
            break serde_json::from_str::<Value>(&text).unwrap();
        }
    };

    assert_ne!(first["type"], "welcome");
    let detected =
        if first["type"] == "ping" { old.message("anomaly_detected").await } else { first.clone() };
    assert_eq!(detected["alert_id"], id);
    for added in ["cursor", "replayed", "anomaly_type", "description"] {
        assert!(detected.get(added).is_none(), "{added}");
    }
    assert_eq!(old.message("notification").await["data"]["metadata"]["anomaly_id"], id);
    assert!(old.message("ping").await.get("head").is_none());
}

#[tokio::test]
async fn the_token_is_taken_from_the_header_and_from_nowhere_else() {
    let world = World::with(|config| config.sockets.per_user = 1).await;
    let token = world.token(&world.owner).await;
    let refused = async |query: &str, token: &str| {
        let answer = Follower::at(world.server.address, &world.owner, token, query).await;
        answer.map(|_| ()).expect_err(query)
    };

    let in_address = refused(&format!("&token={token}"), &token).await;
    let missing = refused("", "").await;
    let wrong = refused("", "nonsense").await;

    assert_eq!(in_address.status(), 400);
    let body = String::from_utf8(in_address.body().clone().unwrap()).unwrap();
    assert!(body.contains("Authorization header") && !body.contains(&token), "{body}");
    assert_eq!((missing.status().as_u16(), wrong.status().as_u16()), (401, 401));
    assert!(missing.headers().contains_key("www-authenticate"));
    assert_eq!(refused("&frames=pigeon", &token).await.status(), 400);
    assert_eq!(refused("&device=", &token).await.status(), 400);
    let theirs = Follower::at(world.server.address, &world.manager, &token, "").await.err().unwrap();
    assert_eq!(theirs.status(), 403);
    let _first = Follower::open(&world, &world.owner, &token, "").await;
    let full = refused("", &token).await;
    assert_eq!(full.status(), 429);
    assert!(full.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_sign_out_closes_with_4001_and_an_expired_token_does_not() {
    let world = World::with(|config| config.access_lives = Duration::from_secs(3)).await;
    let token = world.token(&world.owner).await;
    let other = world.token(&world.owner).await;
    let (mut follower, _) = Follower::open(&world, &world.owner, &token, "").await;

    until("the tokens are dead", async || world.get("/auth/me", &other).await.status == 401).await;
    let id = world.publish(world.theft(1)).await;
    assert_eq!(follower.alert().await.anomaly_id.unwrap().as_str(), id);
    let token = world.token(&world.owner).await;
    let (mut follower, _) = Follower::open(&world, &world.owner, &token, "").await;
    assert_eq!(world.post("/auth/logout", &token, &json!({})).await.status, 200);

    assert_eq!(follower.closed().await, Some(4001));
}

#[tokio::test]
async fn a_newer_connection_of_the_same_device_replaces_the_older_one_alone() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let (mut former, _) = Follower::open(&world, &world.owner, &token, "&device=till").await;
    let (mut office, _) = Follower::open(&world, &world.owner, &token, "&device=office").await;

    let (mut newer, _) = Follower::open(&world, &world.owner, &token, "&device=till").await;

    assert_eq!(former.closed().await, Some(4409));
    let id = world.publish(world.theft(1)).await;
    for follower in [&mut office, &mut newer] {
        assert_eq!(follower.alert().await.anomaly_id.unwrap().as_str(), id);
    }
}

#[tokio::test]
async fn a_message_from_a_person_reaches_who_follows_the_log() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let (mut follower, _) = Follower::open(&world, &world.owner, &token, "").await;
    let body = json!({ "user_id": world.owner.id, "title": "Drill", "message": "A test", "metadata": { "nonce": "n1" } });

    let sent = world.post("/api/notifications/send", &token, &body).await.json();

    assert_eq!(sent["delivered"], true);
    assert_eq!(follower.notice().await.nonce.as_deref(), Some("n1"));
}

#[tokio::test]
async fn a_client_that_stops_reading_is_let_go_and_holds_nobody_up() {
    let world = World::with(|config| config.sockets.stalled_after = Duration::from_millis(700)).await;
    let token = world.token(&world.manager).await;
    let owners = world.token(&world.owner).await;
    let _stalled = Follower::unread(world.server.address, &world.manager, &token).await;
    let (mut good, _) = Follower::open(&world, &world.owner, &owners, "&frames=binary").await;
    until("both are there", async || world.server.connections() == 2).await;

    let picture = jpeg(1280, 960);
    for person in 0..12 {
        let mut theft = world.theft(person);
        theft.picture = Some(visionguard_proto::Jpeg::from_bytes(picture.clone()).unwrap());
        let id = world.publish(theft).await;
        assert_eq!(good.alert().await.anomaly_id.unwrap().as_str(), id);
        good.acknowledge(&id).await;
    }

    until("the stalled one is gone", async || world.server.connections() == 1).await;
}

#[tokio::test]
async fn a_silent_client_is_closed_with_4010() {
    let world = World::with(|config| {
        config.sockets.ping_every = Duration::from_millis(500);
        config.sockets.dead_after = Duration::from_secs(2);
    })
    .await;
    let token = world.token(&world.owner).await;
    let mut asleep = Follower::unread(world.server.address, &world.owner, &token).await;

    let mut said = Vec::new();
    tokio::time::timeout(PATIENCE, asleep.read_to_end(&mut said)).await.unwrap().unwrap();

    let code =
        said.windows(4).find(|bytes| bytes[0] == 0x88).map(|bytes| u16::from_be_bytes([bytes[2], bytes[3]]));
    assert_eq!(code, Some(4010));
}

#[tokio::test]
async fn bad_input_leaves_a_follower_as_it_was() {
    let mut world = World::new().await;
    let token = world.token(&world.owner).await;
    let (mut follower, _) = Follower::open(&world, &world.owner, &token, "").await;
    let id = world.publish(world.theft(1)).await;
    follower.alert().await;

    for bad in
        ["[]", "", "{", "{}", r#"{"type":"ack","alert_id":"not-mine"}"#, r#"{"type":"ack","cursor":"x"}"#]
    {
        follower.socket.0.send(Message::text(bad.to_owned())).await.unwrap();
    }
    follower.socket.0.send(Message::binary(vec![0, 0, 0, 9, 1])).await.unwrap();
    follower.acknowledge(&id).await;
    follower.acknowledge(&id).await;

    let note = world.note(|note| matches!(note, Note::Acknowledged { .. })).await;
    assert!(matches!(note, Note::Acknowledged { anomaly_id, .. } if anomaly_id.as_str() == id));
    let next = world.publish(world.theft(2)).await;
    assert_eq!(follower.alert().await.anomaly_id.unwrap().as_str(), next);
}

#[tokio::test]
async fn a_database_of_the_first_version_gets_a_log() {
    let world = World::new().await;
    let id = world.publish(world.theft(7)).await;
    let World { server, directory, owner, .. } = world;
    server.stop().await;
    let file = directory.path().join("server.sqlite3");
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch(
            "DROP TABLE log; DROP INDEX anomalies_by_sequence; PRAGMA user_version = 1;
             ALTER TABLE anomalies DROP COLUMN user_id; ALTER TABLE anomalies DROP COLUMN stream_id;",
        )
        .unwrap();

    let server = Server::start(Config::new(directory.path())).await.unwrap();

    let body = json!({ "email": owner.email, "password": crate::world::PASSWORD }).to_string();
    let answer = request(server.address, "POST", "/auth/login", &[], body.into()).await.json();
    let token = text(&answer["access_token"]);
    let (_, welcome) = Follower::at(server.address, &owner, &token, "").await.unwrap();
    let query = format!("&cursor={}.0", welcome.epoch);
    let (mut follower, _) = Follower::at(server.address, &owner, &token, &query).await.unwrap();
    let alert = follower.alert().await;
    assert_eq!(alert.anomaly_id.unwrap().as_str(), id);
    assert_eq!(alert.stream_id.unwrap().as_str(), "stream-1");
    let rows = request(server.address, "GET", "/shops", &[bearer(&token)], axum::body::Body::empty()).await;
    assert_eq!(rows.status, 200);
}
