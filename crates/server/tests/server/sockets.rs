//! Alerts on sockets: who gets them, what is done with clients that misbehave, and how a server ends.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;
use visionguard_server::Note;
use visionguard_server::config::Sockets;
use visionguard_server::note::Via;

use crate::world::{World, connect, handshake, jpeg, post_alert, result_of, text, until};

#[tokio::test]
async fn a_published_alert_arrives_and_its_ack_comes_back() {
    let mut world = World::new().await;
    let mut socket = world.connect(&world.manager).await;
    let alert = json!({ "shop_id": world.shop, "stream_id": "stream-9", "result": result_of(7), "location": "Till 1" });
    let picture = jpeg(320, 200);

    let answer = post_alert(world.server.address, &world.service, &alert, Some(&picture), None).await;

    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["connections"], 1);
    let detected = socket.message("anomaly_detected").await;
    assert_eq!(detected["alert_id"], answer.json()["alert_id"]);
    assert_eq!(detected["result"]["person_id"], 7);
    let frame = visionguard_proto::Jpeg::from_base64(&text(&detected["annotated_frame"])).unwrap();
    assert_eq!(frame.bytes(), &picture);
    assert_eq!(socket.message("notification").await["data"]["metadata"]["anomaly_id"], detected["alert_id"]);

    socket.send(json!({ "type": "ack", "stream_id": "stream-9" })).await;
    let note = world.note(|note| matches!(note, Note::Acknowledged { .. })).await;
    let Note::Acknowledged { anomaly_id, user_id, via, .. } = note else { unreachable!() };
    assert_eq!(anomaly_id.as_str(), text(&detected["alert_id"]));
    assert_eq!((user_id, via), (world.manager.id.clone(), Via::Socket));
    let token = world.token(&world.owner).await;
    let path = format!("/ws/connections/{}", world.manager.id);
    assert_eq!(world.get(&path, &token).await.json()["acknowledged"], 1);
}

#[tokio::test]
async fn what_our_server_sends_is_what_our_client_reads() {
    let world = World::new().await;
    let mut socket = world.connect(&world.owner).await;
    let id = world.publish(world.theft(3)).await;

    let detected = socket.message("anomaly_detected").await.to_string();
    let read = visionguard_proto::ServerMessage::read(&detected).unwrap();

    let visionguard_proto::ServerMessage::Alert(alert) = read.message else { panic!("{read:?}") };
    assert_eq!(alert.anomaly_id.unwrap().as_str(), id);
    assert_eq!(alert.shop_id.as_ref(), Some(&world.shop));
    assert_eq!(alert.person_id, Some(3));
    assert!(alert.detected_at.is_some());
    assert!(matches!(alert.picture, visionguard_proto::Picture::Jpeg(_)));
}

#[tokio::test]
async fn an_alert_reaches_the_shop_on_every_connection_and_nobody_elses() {
    let world = World::new().await;
    let mut till = world.connect(&world.manager).await;
    let mut office = world.connect(&world.manager).await;
    let mut owner = world.connect(&world.owner).await;
    let mut stranger = world.connect(&world.stranger).await;

    let ours = world.publish(world.theft(1)).await;
    let theirs = world.publish(crate::world::theft(&world.other_shop, 2)).await;

    for socket in [&mut till, &mut office, &mut owner] {
        assert_eq!(socket.message("anomaly_detected").await["alert_id"], ours);
    }
    assert_eq!(stranger.message("anomaly_detected").await["alert_id"], theirs);
}

#[tokio::test]
async fn the_end_of_an_old_connection_does_not_deafen_the_newer_one() {
    let world = World::new().await;
    for abruptly in [false, true] {
        let mut old = world.connect(&world.manager).await;
        let mut new = world.connect(&world.manager).await;
        until("both are there", async || world.server.connections() == 2).await;

        if !abruptly {
            old.0.close(None).await.unwrap();
        }
        drop(old);
        until("the old one is gone", async || world.server.connections() == 1).await;

        let id = world.publish(world.theft(1)).await;
        assert_eq!(new.message("anomaly_detected").await["alert_id"], id);
        new.0.close(None).await.unwrap();
        until("the new one is gone", async || world.server.connections() == 0).await;
    }
}

#[tokio::test]
async fn the_roster_is_shown_to_oneself_and_to_the_owner() {
    let world = World::new().await;
    let (owner, manager, stranger) = (
        world.token(&world.owner).await,
        world.token(&world.manager).await,
        world.token(&world.stranger).await,
    );
    let _first = world.connect(&world.manager).await;
    let _second = world.connect(&world.manager).await;
    let _boss = world.connect(&world.owner).await;
    let path = format!("/ws/connections/{}", world.manager.id);

    for token in [&manager, &owner] {
        let presence = world.get(&path, token).await.json();
        assert_eq!(presence["connections"], 2);
        assert!(presence["uptime_seconds"].as_f64().unwrap() >= 0.0);
    }
    assert_eq!(world.get(&path, &stranger).await.status, 403);
    assert_eq!(world.get(&path, "").await.status, 401);
    assert_eq!(world.get(&format!("/ws/connections/{}", world.owner.id), &manager).await.status, 403);

    let totals =
        async |token: &str| world.get("/ws/connections", token).await.json()["total_connections"].clone();
    assert_eq!(totals(&manager).await, 2);
    assert_eq!(totals(&owner).await, 3);
    assert_eq!(totals(&stranger).await, 0);
    assert_eq!(world.get("/ws/connections", "").await.status, 401);
}

#[tokio::test]
async fn handshakes_are_refused_with_real_statuses() {
    let world = World::with(|config| config.sockets.per_user = 1).await;
    let token = world.token(&world.owner).await;
    let own = format!("/ws/alerts/{}", world.owner.id);
    let status = async |path: &str| {
        let answer = handshake(world.server.address, path, &[]).await;
        answer.map_or_else(|answer| answer.status().as_u16(), |_| 101)
    };

    let no_token = handshake(world.server.address, &own, &[]).await.err().unwrap();
    assert_eq!(no_token.status(), 401);
    assert!(no_token.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    assert_eq!(status(&format!("/ws/alerts/{}?token={token}", world.manager.id)).await, 403);
    assert_eq!(
        status(&format!("/ws/alerts/{}?token={token}", world.owner.id.as_str().to_uppercase())).await,
        403
    );
    assert_eq!(status(&format!("/ws/alerts/a%2fb?token={token}")).await, 403);
    assert_eq!(status(&format!("/ws/nothing/{}?token={token}", world.owner.id)).await, 404);
    assert_eq!(status(&format!("{own}/?token={token}")).await, 404);
    assert_eq!(world.get(&own, &token).await.status, 400, "no upgrade was asked for");

    let _first = connect(world.server.address, &world.owner.id, &token).await;
    let full = handshake(world.server.address, &format!("{own}?token={token}"), &[]).await.err().unwrap();
    assert_eq!(full.status(), 429);
    assert!(full.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn an_origin_is_neither_needed_nor_believed() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let path = format!("/ws/alerts/{}?token={token}", world.owner.id);

    for origin in ["null", "https://evil.example"] {
        let opened = handshake(world.server.address, &path, &[("origin", origin)]).await;
        assert!(opened.is_ok(), "{origin}");
        let refused = handshake(world.server.address, "/ws/alerts/x", &[("origin", origin)]).await;
        assert_eq!(refused.err().unwrap().status(), 401);
    }
}

#[tokio::test]
async fn bad_input_leaves_the_connection_as_it_was() {
    let world = World::new().await;
    let mut socket = world.connect(&world.owner).await;
    let deep = "[".repeat(5000);

    for bad in ["[]", "\"x\"", "5", "null", "", "{", "{}", r#"{"type":5}"#, r#"{"type":"__proto__"}"#, &deep]
    {
        socket.0.send(Message::text(bad.to_owned())).await.unwrap();
    }
    socket.0.send(Message::binary(vec![0, 159, 146, 150])).await.unwrap();
    for foreign in
        [json!({ "type": "ack" }), json!({ "type": "ack", "stream_id": "x", "alert_id": "not-mine" })]
    {
        socket.send(foreign).await;
    }

    socket.send(json!({ "type": "ping" })).await;
    socket.message("pong").await;
    let id = world.publish(world.theft(1)).await;
    assert_eq!(socket.message("anomaly_detected").await["alert_id"], id);
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_connection() {
    let world = World::new().await;
    let mut socket = world.connect(&world.owner).await;

    socket.0.send(Message::text("x".repeat(17 * 1024))).await.unwrap();

    socket.closed().await;
    until("the roster is empty", async || world.server.connections() == 0).await;
}

#[tokio::test]
async fn a_flood_ends_the_connection() {
    let world = World::with(|config| config.sockets.burst = 20).await;
    let mut socket = world.connect(&world.owner).await;

    for _ in 0..100 {
        // The server may have hung up already.
        let _ = socket.0.send(Message::text(r#"{"type":"ack","stream_id":"x"}"#)).await;
    }

    let code = socket.closed().await.map(|frame| u16::from(frame.code));
    assert!(matches!(code, Some(4008) | None), "{code:?}");
    until("the roster is empty", async || world.server.connections() == 0).await;
}

#[tokio::test]
async fn a_silent_client_is_dropped_and_one_that_answers_is_not() {
    let world = World::with(|config| {
        config.sockets.ping_every = Duration::from_millis(500);
        config.sockets.dead_after = Duration::from_secs(3);
    })
    .await;
    // Answers the protocol's pings while it is read, as a browser does by itself.
    let mut alive = world.connect(&world.manager).await;
    // Half-open: the peer's kernel still accepts bytes, nobody reads or answers them.
    let silent = world.connect(&world.owner).await;
    let watch = tokio::spawn(async move {
        let mut silent = silent;
        // Says nothing and reads nothing for longer than is allowed, then looks at what has come.
        tokio::time::sleep(Duration::from_secs(5)).await;
        silent.closed().await
    });

    for _ in 0..10 {
        alive.message("ping").await;
    }

    let frame = watch.await.unwrap();
    assert_eq!(frame.map(|frame| u16::from(frame.code)), Some(4010));
    until("the silent one is out of the roster", async || world.server.connections() == 1).await;
    alive.send(json!({ "type": "ping" })).await;
    alive.message("pong").await;
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_holds_nobody_up() {
    let world = World::with(|config| config.sockets.queue_messages = 8).await;
    let token = world.token(&world.manager).await;
    let mut good = world.connect(&world.owner).await;
    let _slow = unread(&world, &token).await;
    until("both are there", async || world.server.connections() == 2).await;
    let picture = jpeg(640, 480);

    let mut published = Vec::new();
    for person in 0..60 {
        let mut theft = world.theft(person);
        theft.picture = Some(visionguard_proto::Jpeg::from_bytes(picture.clone()).unwrap());
        published.push(world.publish(theft).await);
        // The other reader keeps up all the while.
        assert_eq!(good.message("anomaly_detected").await["alert_id"], published[published.len() - 1]);
    }

    until("the slow one is gone", async || world.server.connections() == 1).await;
    let list = world.get("/api/anomalies", &token).await.json();
    assert_eq!(list["total"], 60, "nothing is lost to the slow one: it is in the record");
}

#[tokio::test]
async fn a_client_that_stops_reading_is_closed_after_a_while_even_if_little_waits() {
    let world = World::with(|config| {
        config.sockets = Sockets { stalled_after: Duration::from_millis(500), ..Sockets::default() };
    })
    .await;
    let token = world.token(&world.manager).await;
    let _stalled = unread(&world, &token).await;
    until("it is there", async || world.server.connections() == 1).await;

    let picture = jpeg(1280, 960);
    for person in 0..12 {
        let mut theft = world.theft(person);
        theft.picture = Some(visionguard_proto::Jpeg::from_bytes(picture.clone()).unwrap());
        world.publish(theft).await;
    }

    until("it is gone", async || world.server.connections() == 0).await;
}

#[tokio::test]
async fn alerts_arrive_in_the_order_of_the_record() {
    let world = World::new().await;
    let mut socket = world.connect(&world.owner).await;

    let all = (0..40).map(|person| world.publish(world.theft(person)));
    futures_util::future::join_all(all).await;

    let mut arrived = Vec::new();
    for _ in 0..40 {
        arrived.push(text(&socket.message("anomaly_detected").await["alert_id"]));
    }
    let database = rusqlite::Connection::open(world.directory.path().join("server.sqlite3")).unwrap();
    let mut statement = database.prepare("SELECT id FROM anomalies ORDER BY sequence").unwrap();
    let recorded: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(arrived, recorded);
}

#[tokio::test]
async fn a_message_goes_to_acquaintances_alone() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let mut manager = world.connect(&world.manager).await;
    let send = async |user: &str, extra: Value| {
        let mut body = json!({ "user_id": user, "title": "Drill", "message": "A test" });
        for (key, value) in extra.as_object().unwrap() {
            body[key] = value.clone();
        }
        world.post("/api/notifications/send", &token, &body).await
    };

    let sent = send(world.manager.id.as_str(), json!({ "metadata": { "nonce": "n1" } })).await.json();
    assert_eq!((&sent["delivered"], &sent["success"]), (&json!(true), &json!(true)));
    assert_eq!(manager.message("notification").await["data"]["metadata"]["nonce"], "n1");
    assert_eq!(send(world.stranger.id.as_str(), json!({})).await.status, 403);
    assert_eq!(send("nobody", json!({})).await.status, 403);
    assert_eq!(send(world.manager.id.as_str(), json!({ "title": "" })).await.status, 422);
    assert_eq!(send(world.manager.id.as_str(), json!({ "message": "x".repeat(1001) })).await.status, 422);
    assert_eq!(send(world.manager.id.as_str(), json!({ "priority": "owl" })).await.status, 422);
    let large = json!({ "metadata": { "nonce": "n".repeat(4096) } });
    assert_eq!(send(world.manager.id.as_str(), large).await.status, 422);
    let long = json!({ "action_url": "x".repeat(2001) });
    assert_eq!(send(world.manager.id.as_str(), long).await.status, 422);
    assert_eq!(send(world.owner.id.as_str(), json!({})).await.json()["delivered"], false);
}

#[tokio::test]
async fn a_message_to_oneself_comes_on_every_connection_and_is_delivered_only_where_there_is_one() {
    let world = World::new().await;
    let token = world.token(&world.owner).await;
    let body = json!({ "user_id": world.owner.id, "title": "Drill", "message": "A test", "metadata": { "nonce": "n" } });
    let send = async || world.post("/api/notifications/send", &token, &body).await.json();

    let before = send().await;
    let mut first = world.connect(&world.owner).await;
    let mut second = world.connect(&world.owner).await;
    let during = send().await;
    for socket in [&mut first, &mut second] {
        assert_eq!(socket.message("notification").await["data"]["metadata"]["nonce"], "n");
    }
    drop((first, second));
    let own = format!("/ws/connections/{}", world.owner.id);
    until("both to be gone", async || world.get(&own, &token).await.status == 404).await;

    assert_eq!((&before["delivered"], &during["delivered"]), (&json!(false), &json!(true)));
    assert_eq!(send().await["delivered"], false);
}

#[tokio::test]
async fn a_stopping_server_says_so_and_a_killed_one_does_not() {
    let world = World::new().await;
    let mut first = world.connect(&world.owner).await;
    let mut second = world.connect(&world.manager).await;
    let World { server, directory, .. } = world;

    let stopping = tokio::spawn(server.stop());
    for socket in [&mut first, &mut second] {
        assert_eq!(socket.closed().await.map(|frame| u16::from(frame.code)), Some(1012));
    }
    stopping.await.unwrap();

    let server =
        visionguard_server::Server::start(visionguard_server::Config::new(directory.path())).await.unwrap();
    assert_eq!(server.users().list().await.unwrap().len(), 3);
    server.kill();
}

#[tokio::test]
async fn a_killed_server_ends_without_a_word_and_starts_again_on_its_data() {
    let world = World::new().await;
    let id = world.publish(world.theft(1)).await;
    let mut socket = world.connect(&world.owner).await;
    let World { server, directory, owner, .. } = world;

    server.kill();

    assert_eq!(socket.closed().await, None);
    let server =
        visionguard_server::Server::start(visionguard_server::Config::new(directory.path())).await.unwrap();
    let body = json!({ "email": owner.email, "password": crate::world::PASSWORD }).to_string();
    let answer = crate::world::request(server.address, "POST", "/auth/login", &[], body.into()).await.json();
    let headers = [crate::world::bearer(answer["access_token"].as_str().unwrap())];
    let path = format!("/api/anomalies/{id}");
    let row = crate::world::request(server.address, "GET", &path, &headers, axum::body::Body::empty()).await;
    assert_eq!(row.status, 200);
}

/// A connection with a small window that reads nothing after its handshake.
async fn unread(world: &World, token: &str) -> tokio::net::TcpStream {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(world.server.address).await.unwrap();
    let request = format!(
        "GET /ws/alerts/{}?token={token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        world.manager.id
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    stream
}
