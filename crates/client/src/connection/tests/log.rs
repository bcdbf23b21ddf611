//! Protocol 2: what is asked before a token is shown, and where the log goes on.

use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;
use visionguard_proto::link::State;
use visionguard_proto::message::binary;
use visionguard_proto::{Cause, Cursor, Picture};

use super::super::{Event, Target};
use super::world::{Server, World, alert_at, is_waiting, target, target_at};

#[tokio::test(start_paused = true)]
async fn with_protocol_2_the_token_is_in_no_address_and_nothing_is_offered() {
    let mut world = World::new();
    world.speak_two();

    world.connection.connect_from(target("the-token"), Cursor::new("e.7").ok());
    let server = world.accept().await;

    assert_eq!(server.uri.path(), "/ws/alerts/u1");
    assert_eq!(server.uri.query(), Some("protocol=2&cursor=e.7&frames=binary"));
    assert_eq!(server.authorization.as_deref(), Some("Bearer the-token"));
    let offers = ["sec-websocket-protocol", "sec-websocket-extensions"];
    assert!(!server.headers.iter().any(|name| offers.contains(&name.as_str())), "{:?}", server.headers);
}

#[tokio::test(start_paused = true)]
async fn binary_pictures_are_asked_for_only_where_they_are_offered() {
    let mut world = World::new();
    world.capabilities(200, r#"{"protocol":2,"auth":["bearer"],"frames":["base64"]}"#);

    world.connection.connect(target("t"));

    assert_eq!(world.accept().await.uri.query(), Some("protocol=2"));
}

#[tokio::test(start_paused = true)]
async fn who_has_no_such_thing_or_says_so_speaks_protocol_1() {
    for (status, body) in [
        (404, r#"{"detail":"Not Found"}"#),
        (404, "<html>"),
        (405, ""),
        (501, ""),
        (200, r#"{"protocol":1}"#),
        (200, r#"{"protocol":2,"auth":[]}"#),
    ] {
        let mut world = World::new();
        world.capabilities(status, body);

        world.connection.connect(target("t"));

        assert_eq!(world.accept().await.uri.query(), Some("token=t"), "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_in_trouble_is_asked_again_and_shown_no_token_meanwhile() {
    for status in [500, 502, 503, 429, 408] {
        let mut world = World::new();
        world.capabilities(status, "");

        world.connection.connect(target("t"));
        world.until(is_waiting(in_trouble(status))).await;
        assert_eq!(world.attempts(), 0);
        world.speak_two();

        assert!(world.accept().await.uri.query().unwrap().starts_with("protocol=2"));
    }
}

/// Without a word of the server's own these are a proxy's.
fn in_trouble(status: u16) -> Cause {
    match status {
        502..=504 => Cause::Gateway { status, retry_after: None },
        _ => Cause::Http { status, retry_after: None },
    }
}

#[tokio::test(start_paused = true)]
async fn a_chunked_answer_is_read() {
    let mut world = World::new();
    let (one, two) = (r#"{"protocol":2,"#, r#""auth":["bearer"]}"#);
    world.answer_capabilities(format!(
        "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:x};a=b\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len(),
    ));

    world.connection.connect(target("t"));

    assert_eq!(world.accept().await.uri.query(), Some("protocol=2"));
}

#[tokio::test(start_paused = true)]
async fn a_server_is_asked_once_while_it_keeps_its_word() {
    let mut world = World::new();
    world.speak_two();
    for _ in 0..5 {
        let mut server = follow(&mut world).await;
        server.welcome("e.1", true).await;
        drop(server);
        world.until(is_waiting(Cause::Lost)).await;
    }

    assert_eq!(world.questions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_of_protocol_1_is_asked_again_after_an_hour() {
    let mut world = World::new();
    drop(world.connect().await);
    world.until(is_waiting(Cause::Lost)).await;
    let server = world.accept().await;
    assert_eq!(world.questions(), 1);
    world.speak_two();
    world.clock.sleep(Duration::from_secs(3600));
    drop(server);

    assert!(world.accept().await.uri.query().unwrap().starts_with("protocol=2"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_spoke_protocol_2_gets_no_token_in_an_address() {
    let mut world = World::new();
    world.connection.connect(Target { spoke_two: true, ..target("t") });

    world.until(is_waiting(Cause::Downgraded)).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(world.attempts(), 0);
    assert!((2..=25).contains(&world.questions()), "{} questions", world.questions());
    world.speak_two();

    assert!(world.accept().await.uri.query().unwrap().starts_with("protocol=2"));
}

#[tokio::test(start_paused = true)]
async fn a_downgrade_in_the_middle_of_a_session_is_refused_at_the_next_handshake() {
    let mut world = World::new();
    world.speak_two();
    let mut server = follow(&mut world).await;
    server.welcome("e.1", true).await;
    world.capabilities(404, "{}");
    world.refuse(Cause::Http { status: 403, retry_after: None });
    drop(server);

    world.until(is_waiting(Cause::Downgraded)).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_sign_in_accepts_what_the_server_speaks_now() {
    let mut world = World::new();
    world.connection.connect(Target { spoke_two: true, ..target("t") });
    world.until(is_waiting(Cause::Downgraded)).await;

    world.connection.connect(target("new"));

    assert_eq!(world.accept().await.uri.query(), Some("token=new"));
}

#[tokio::test(start_paused = true)]
async fn that_a_server_speaks_protocol_2_is_told_once() {
    let mut world = World::new();
    world.speak_two();
    let mut server = follow(&mut world).await;
    server.welcome("e.1", true).await;

    assert_eq!(world.next_but_states().await, Event::SpeaksTwo);
    let Event::Welcome { welcome, asked } = world.next_but_states().await else { panic!("no welcome") };
    assert_eq!((welcome.head.as_str(), asked), ("e.1", None));
    drop(server);
    let mut server = world.accept().await;
    server.welcome("e.1", true).await;

    assert!(matches!(world.next_but_states().await, Event::Welcome { .. }));
}

#[tokio::test(start_paused = true)]
async fn the_next_connection_goes_on_after_the_last_alert_that_was_handed_over() {
    let mut world = World::new();
    world.speak_two();
    let mut server = follow(&mut world).await;
    server.welcome("e.1", true).await;
    server.send(alert_at("e.2")).await;
    server.send(alert_at("e.3")).await;
    world.until_alert("e.3").await;
    drop(server);

    let mut server = world.accept().await;

    assert_eq!(server.uri.query(), Some("protocol=2&cursor=e.3&frames=binary"));
    server.welcome("e.3", true).await;
    let told = loop {
        if let Event::Welcome { asked, .. } = world.next_but_states().await {
            break asked;
        }
    };
    assert_eq!(told, Cursor::new("e.3").ok());
}

#[tokio::test(start_paused = true)]
async fn without_an_alert_it_begins_at_the_head_only_after_a_comparison_on_this_connection() {
    let mut world = World::new();
    world.speak_two();
    let mut server = follow(&mut world).await;
    server.welcome("e.9", true).await;
    world.until_welcome().await;
    drop(server);
    let mut server = world.accept().await;
    assert_eq!(server.uri.query(), Some("protocol=2&frames=binary"));
    server.welcome("e.9", true).await;
    world.until_welcome().await;
    let State::Online { since, .. } = world.connection.state() else { panic!("not online") };

    world.connection.compared(since);
    server.send(r#"{"type":"ping"}"#).await;
    server.next_text().await;
    drop(server);

    assert_eq!(world.accept().await.uri.query(), Some("protocol=2&cursor=e.9&frames=binary"));
}

#[tokio::test(start_paused = true)]
async fn another_account_begins_at_the_end_of_its_own_log() {
    let mut world = World::new();
    world.speak_two();
    let mut server = follow(&mut world).await;
    server.welcome("e.1", true).await;
    server.send(alert_at("e.2")).await;
    world.until_alert("e.2").await;

    world.connection.connect(target_at("http://127.0.0.1:9000", "t"));
    server.next_close().await;
    server.end().await;

    assert_eq!(world.accept().await.uri.query(), Some("protocol=2&frames=binary"));
}

#[tokio::test(start_paused = true)]
async fn a_binary_picture_arrives_byte_for_byte() {
    let mut world = World::new();
    world.speak_two();
    let mut server = follow(&mut world).await;
    server.welcome("e.1", true).await;
    let text: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../tests/fixtures/ws_anomaly_detected.json")).unwrap();
    let picture =
        base64::Engine::decode(&base64::prelude::BASE64_STANDARD, text["annotated_frame"].as_str().unwrap())
            .unwrap();

    server.send_message(Message::Binary(binary(&alert_at("e.2"), &picture))).await;

    let alert = world.until_alert("e.2").await;
    assert!(matches!(&alert.picture, Picture::Jpeg(jpeg) if jpeg.bytes() == &picture), "{:?}", alert.picture);
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_told_after_the_welcome() {
    let mut world = World::new();
    world.speak_two();
    world.connection.connect_from(target("t"), Cursor::new("old.3").ok());
    let mut server = world.accept().await;
    server.welcome("new.1", false).await;

    world.until_welcome().await;

    assert_eq!(world.next_but_states().await, Event::Gap);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_no_welcome_is_given_up_after_twenty_seconds() {
    let mut world = World::new();
    world.speak_two();
    let _silent = follow(&mut world).await;
    let opened = tokio::time::Instant::now();

    world.until(is_waiting(Cause::TimedOut)).await;

    assert!(opened.elapsed() <= Duration::from_secs(21), "{:?}", opened.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_ahead_makes_it_connect_again_from_where_it_was() {
    let mut world = World::new();
    world.speak_two();
    let mut server = follow(&mut world).await;
    server.welcome("e.1", true).await;
    server.send(alert_at("e.2")).await;
    world.until_alert("e.2").await;

    server.send(r#"{"type":"ping","head":"e.3"}"#).await;
    assert_eq!(server.next_close().await, Some(1000));
    server.end().await;

    assert_eq!(world.accept().await.uri.query(), Some("protocol=2&cursor=e.2&frames=binary"));
}

/// Connects to a server of protocol 2, whose welcome is still to come.
async fn follow(world: &mut World) -> Server {
    if world.questions() == 0 {
        world.connection.connect(target("t"));
    }
    world.accept().await
}
