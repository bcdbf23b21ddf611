mod handshake;
mod log;
#[cfg(target_os = "linux")]
mod proxies;
mod world;

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use visionguard_proto::Cause;
use visionguard_proto::link::State;
use visionguard_proto::message::ClientMessage;

use super::Event;
use world::{World, alert, close_frame, is_rejected, is_waiting, raw_text_frame};

#[tokio::test(start_paused = true)]
async fn an_alert_arrives_and_its_ack_goes_out() {
    let mut world = World::new();
    let mut server = world.connect().await;

    server.send(alert(1)).await;
    let Event::Alert(arrived) = world.next_but_states().await else { panic!("no alert") };
    let ack =
        ClientMessage::Ack { stream_id: arrived.stream_id, alert_id: None, cursor: None, frame_number: None };
    assert!(world.connection.acknowledge(ack).await);

    let text = server.next_text().await;
    assert_eq!(text, r#"{"type":"ack","stream_id":"88e3bbab-72c1-4037-b4e8-d8fe8731a157"}"#);
}

#[tokio::test(start_paused = true)]
async fn an_ack_without_a_connection_is_known_not_to_be_sent() {
    let mut world = World::new();
    let server = world.connect().await;
    world.refuse(Cause::Refused);
    drop(server);
    world.until(is_waiting(Cause::Refused)).await;

    let ack = ClientMessage::Ack { stream_id: None, alert_id: None, cursor: None, frame_number: None };

    assert!(!world.connection.acknowledge(ack).await);
}

#[tokio::test(start_paused = true)]
async fn the_token_goes_into_the_query_and_into_the_header() {
    let mut world = World::new();
    world.connection.connect(world::target("the token"));

    let server = world.accept().await;

    assert_eq!(server.uri.path(), "/ws/alerts/u1");
    assert_eq!(server.uri.query(), Some("token=the+token"));
    assert_eq!(server.authorization.as_deref(), Some("Bearer the token"));
}

#[tokio::test(start_paused = true)]
async fn a_computer_about_to_sleep_says_goodbye_and_returns_at_its_wake() {
    let mut world = World::new();
    let mut server = world.connect().await;

    let resting = tokio::spawn({
        let connection = world.connection.clone();
        async move { connection.rest().await }
    });
    assert_eq!(server.next_close().await, Some(1000));
    drop(server);
    resting.await.expect("closed");
    world.clock.sleep(Duration::from_secs(3600));
    assert_eq!((world.connection.state(), world.attempts()), (State::Offline, 1));
    world.connection.wake();

    world.accept().await;
    assert_eq!(world.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_sleep_that_does_not_come_is_not_waited_for() {
    let mut world = World::new();
    let server = world.connect().await;
    drop(server);
    let rested_at = tokio::time::Instant::now();

    world.connection.rest().await;
    world.accept().await;

    let after = rested_at.elapsed();
    assert!((Duration::from_secs(20)..Duration::from_secs(23)).contains(&after), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sleep_whose_end_nobody_tells_is_noticed_by_the_clock() {
    let mut world = World::new();
    drop(world.connect().await);
    world.connection.rest().await;

    world.clock.sleep(Duration::from_secs(8 * 3600));
    let woke = tokio::time::Instant::now();
    world.accept().await;

    assert!(woke.elapsed() < Duration::from_secs(2), "{:?}", woke.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_restarts_is_returned_to_within_a_second_and_a_half_settled_and_spread() {
    let mut waits = Vec::new();
    let mut world = World::new();
    let mut server = world.connect().await;
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_secs(40)).await;
        server.send(r#"{"type":"pong"}"#).await;
        server.close(1012).await;
        let closed = tokio::time::Instant::now();
        drop(server);
        server = world.accept().await;
        waits.push(closed.elapsed());
        world.until(|state| matches!(state, State::Online { .. })).await;
    }

    waits.sort();
    let (first, last) = (waits[0], waits[waits.len() - 1]);
    assert!(first >= Duration::from_millis(250), "{first:?}");
    // A quarter of a second is left for the handshake.
    assert!(last <= Duration::from_millis(1_260), "{last:?}");
    assert!(last - first > Duration::from_millis(900), "all within {:?}", last - first);
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_silence_is_the_end() {
    let mut world = World::new();
    let _server = world.connect().await;
    let connected = tokio::time::Instant::now();

    world.until(is_waiting(Cause::Silent)).await;

    let after = connected.elapsed();
    assert!(after >= Duration::from_secs(60) && after <= Duration::from_secs(61), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_while_nobody_takes_the_events() {
    let mut world = World::new();
    let mut server = world.connect().await;
    for number in 0..1000 {
        server.send(alert(number)).await;
    }

    server.send(r#"{"type":"ping"}"#).await;

    while server.next_text().await != r#"{"type":"pong"}"# {}
    tokio::time::sleep(Duration::from_secs(45)).await;
    assert!(matches!(world.connection.state(), State::Online { .. }));
    let mut pictures = 0;
    for _ in 0..1000 {
        let Event::Alert(alert) = world.next_but_states().await else { panic!("an alert is missing") };
        pictures += usize::from(alert.picture != visionguard_proto::Picture::Absent);
    }
    assert!((100..=200).contains(&pictures), "{pictures} pictures were held");
}

#[tokio::test(start_paused = true)]
async fn part_of_a_message_is_a_sign_of_life() {
    let mut world = World::new();
    let mut server = world.connect().await;
    let frame = raw_text_frame(&alert(1));

    for slice in frame.chunks(frame.len() / 8) {
        tokio::time::sleep(Duration::from_secs(40)).await;
        server.raw().write_all(slice).await.unwrap();
    }

    assert!(matches!(world.next_but_states().await, Event::Alert(_)));
}

#[tokio::test(start_paused = true)]
async fn a_picture_over_the_limit_costs_neither_the_alert_nor_the_connection() {
    let mut world = World::new();
    let mut server = world.connect().await;
    let bytes = 5 * 1024 * 1024;

    let ((), event) = tokio::join!(server.send(world::alert_with_picture(1, bytes)), world.next_but_states());

    let Event::Alert(alert) = event else { panic!("{event:?}") };
    assert!(matches!(alert.picture, visionguard_proto::Picture::Refused(_)), "{:?}", alert.picture);
    assert!(matches!(world.connection.state(), State::Online { .. }));
}

#[tokio::test(start_paused = true)]
async fn after_a_sleep_a_dead_connection_is_found_within_six_seconds() {
    let mut world = World::new();
    let mut server = world.connect().await;

    world.clock.sleep(Duration::from_secs(8 * 3600));
    let woke = tokio::time::Instant::now();
    assert_eq!(world.next_but_states().await, Event::Woke);
    assert_eq!(server.next_text().await, r#"{"type":"ping"}"#);
    world.until(is_waiting(Cause::Silent)).await;

    // The look that finds the wake, at most a second later, and the test's five seconds.
    assert!(woke.elapsed() <= Duration::from_millis(6_010), "{:?}", woke.elapsed());
}

#[tokio::test(start_paused = true)]
async fn after_a_sleep_a_living_connection_stays() {
    let mut world = World::new();
    let mut server = world.connect().await;

    world.clock.sleep(Duration::from_secs(30));
    assert_eq!(server.next_text().await, r#"{"type":"ping"}"#);
    server.send(r#"{"type":"pong"}"#).await;
    tokio::time::sleep(Duration::from_secs(20)).await;

    assert!(matches!(world.connection.state(), State::Online { .. }));
    assert_eq!(world.next_but_states().await, Event::Woke);
}

#[tokio::test(start_paused = true)]
async fn a_sleep_in_the_middle_of_a_wait_ends_the_wait() {
    let mut world = World::new();
    let mut server = world.connect().await;
    server.close(1011).await;
    drop(server);
    world.refuse(Cause::Refused);
    world.until(is_waiting(Cause::Refused)).await;

    world.accept_again();
    world.clock.sleep(Duration::from_secs(3600));

    world.accept().await;
}

#[tokio::test(start_paused = true)]
async fn a_network_that_returns_ends_the_wait_within_two_seconds() {
    let mut world = World::new();
    world.network("10.0.0.5");
    world.refuse(Cause::NoRoute);
    world.connection.connect(world::target("t"));
    tokio::time::sleep(Duration::from_secs(300)).await;
    world.until(|state| matches!(state, State::Waiting { .. })).await;
    world.no_network();
    tokio::time::sleep(Duration::from_secs(60)).await;

    world.accept_again();
    world.network("10.0.0.5");
    let returned = tokio::time::Instant::now();
    world.accept().await;

    assert!(returned.elapsed() <= Duration::from_secs(2), "{:?}", returned.elapsed());
}

#[tokio::test(start_paused = true)]
async fn on_another_network_an_open_connection_is_probed() {
    let mut world = World::new();
    world.network("10.0.0.5");
    let mut server = world.connect().await;

    world.network("192.168.1.7");
    let changed = tokio::time::Instant::now();

    assert_eq!(server.next_text().await, r#"{"type":"ping"}"#);
    assert!(changed.elapsed() <= Duration::from_secs(6), "{:?}", changed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_stalled() {
    let mut world = World::new();
    let _never_read = world.connect().await;

    for _ in 0..5000 {
        world
            .connection
            .acknowledge(ClientMessage::Ack {
                stream_id: None,
                alert_id: None,
                cursor: None,
                frame_number: None,
            })
            .await;
    }

    world.until(is_waiting(Cause::Stalled)).await;
}

#[tokio::test(start_paused = true)]
async fn to_reclaim_the_slot_the_old_socket_is_closed_before_the_new_one_opens() {
    let mut world = World::new();
    let mut server = world.connect().await;

    world.connection.reclaim(Duration::from_millis(250));
    assert_eq!(server.next_close().await, Some(1000));
    let closed = tokio::time::Instant::now();
    server.end().await;
    world.accept().await;

    assert!(closed.elapsed() >= Duration::from_millis(250), "{:?}", closed.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_the_close_is_not_waited_for_longer_than_a_second() {
    let mut world = World::new();
    let _never_read = world.connect().await;
    let asked = tokio::time::Instant::now();

    world.connection.reclaim(Duration::from_millis(250));
    world.accept().await;

    assert!(asked.elapsed() <= Duration::from_secs(2), "{:?}", asked.elapsed());
}

#[tokio::test(start_paused = true)]
async fn close_codes_arrive_as_causes() {
    for code in [1000, 1001, 1011, 1012, 1013, 4008] {
        let mut world = World::new();
        let mut server = world.connect().await;

        server.close(code).await;

        world.until(is_waiting(Cause::Closed(code))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_without_a_code_is_1005_and_an_end_without_a_close_is_a_loss() {
    let mut world = World::new();
    let mut server = world.connect().await;
    server.raw().write_all(&[0x88, 0]).await.unwrap();
    world.until(is_waiting(Cause::Closed(1005))).await;

    let mut world = World::new();
    let server = world.connect().await;
    drop(server);
    world.until(is_waiting(Cause::Lost)).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_over_the_limit_and_a_broken_frame_are_told_apart() {
    let mut world = World::new();
    let mut server = world.connect().await;
    let head = [&[0x81, 127][..], &(25_u64 << 20).to_be_bytes()].concat();
    server.raw().write_all(&head).await.unwrap();
    world.until(is_waiting(Cause::TooLarge)).await;

    for broken in
        [&[0xF1, 0][..], &[0x83, 0], &[0x81, 0x80, 1, 2, 3, 4], &[0x81, 1, 0xFF], &[0x80, 0], &[0x88, 1, 3]]
    {
        let mut world = World::new();
        let mut server = world.connect().await;
        server.raw().write_all(broken).await.unwrap();
        world.until(is_waiting(Cause::Garbled)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_told_and_the_connection_stays() {
    let mut world = World::new();
    let mut server = world.connect().await;

    server.send("not json").await;
    server.send_message(Message::binary(vec![1, 2, 3])).await;
    server.send(alert(1)).await;

    assert!(matches!(world.next_but_states().await, Event::Unreadable(_)));
    assert!(matches!(world.next_but_states().await, Event::Alert(_)));
    assert!(matches!(world.connection.state(), State::Online { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_question_answered_with_a_new_token_is_followed_by_an_attempt_with_it() {
    let mut world = World::new();
    world.refuse(Cause::Http { status: 401, retry_after: None });
    world.connection.connect(world::target("old"));
    assert_eq!(
        world.next_but_states().await,
        Event::Question {
            cause: Cause::Http { status: 401, retry_after: None },
            refused: Box::new(world::target("old")),
        }
    );

    world.accept_again();
    world.connection.connect(world::target("new"));

    assert_eq!(world.accept().await.uri.query(), Some("token=new"));
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_about_a_token_that_was_replaced_does_not_touch_the_attempt_with_the_new_one() {
    let mut world = World::new();
    world.refuse(Cause::Http { status: 403, retry_after: None });
    world.connection.connect(world::target("old"));
    assert!(matches!(world.next_but_states().await, Event::Question { .. }));
    world.accept_again();

    world.connection.connect(world::target("new"));
    world.connection.rejected(world::target("old"), Cause::AddressRejected);
    world.connection.connect(world::target("new"));
    let server = world.accept().await;
    world.until(|state| matches!(state, State::Online { .. })).await;

    assert_eq!(server.uri.query(), Some("token=new"));
    assert_eq!(world.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_the_token_in_use_ends_the_attempt_under_way() {
    let mut world = World::new();
    world.refuse(Cause::Http { status: 403, retry_after: None });
    world.connection.connect(world::target("old"));
    assert!(matches!(world.next_but_states().await, Event::Question { .. }));
    world.accept_again();
    world.connection.retry_now();
    let _never_answers = world.take_stream().await;

    world.connection.rejected(world::target("old"), Cause::TokenRejected);

    world.until(is_rejected(Cause::TokenRejected)).await;
}

#[tokio::test(start_paused = true)]
async fn a_question_answered_with_a_dead_token_ends_the_attempts() {
    let mut world = World::new();
    world.refuse(Cause::Http { status: 403, retry_after: None });
    world.connection.connect(world::target("old"));
    assert!(matches!(world.next_but_states().await, Event::Question { .. }));

    world.connection.rejected(world::target("old"), Cause::TokenRejected);
    world.until(is_rejected(Cause::TokenRejected)).await;
    let before = world.attempts();
    tokio::time::sleep(Duration::from_secs(3600)).await;

    assert_eq!(world.attempts(), before);
}

#[tokio::test(start_paused = true)]
async fn a_refreshed_token_leaves_the_open_socket_alone_and_another_server_does_not() {
    let mut world = World::new();
    let mut server = world.connect().await;

    world.connection.connect(world::target("newer"));
    server.send(r#"{"type":"ping"}"#).await;
    assert_eq!(server.next_text().await, r#"{"type":"pong"}"#);
    world.connection.connect(world::target_at("http://127.0.0.1:9000", "newer"));

    assert_eq!(server.next_close().await, Some(1000));
    server.end().await;
    world.accept().await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_given_up_after_twenty_seconds() {
    let mut world = World::new();
    let started = tokio::time::Instant::now();
    world.connection.connect(world::target("t"));
    let _silent = world.take_stream().await;

    world.until(is_waiting(Cause::TimedOut)).await;

    assert!(started.elapsed() <= Duration::from_secs(21), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn disconnecting_abandons_an_attempt() {
    let mut world = World::new();
    world.connection.connect(world::target("t"));
    let mut stream = world.take_stream().await;

    world.connection.disconnect();

    let mut request = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut request).await.unwrap();
    assert_eq!(world.connection.state(), State::Offline);
}

#[tokio::test(start_paused = true)]
async fn retry_now_ends_the_wait() {
    let mut world = World::new();
    world.refuse(Cause::Http { status: 503, retry_after: Some(Duration::from_secs(500)) });
    world.connection.connect(world::target("t"));
    world.until(|state| matches!(state, State::Waiting { .. })).await;
    world.accept_again();
    let asked = tokio::time::Instant::now();

    world.connection.retry_now();
    world.accept().await;

    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_says_goodbye_and_waits_for_the_answer() {
    let mut world = World::new();
    let mut server = world.connect().await;
    let connection = world.connection.clone();

    let (code, ()) = tokio::join!(
        async {
            let code = server.next_close().await;
            server.end().await;
            code
        },
        connection.shut_down()
    );

    assert_eq!(code, Some(1000));
    connection.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_closes_the_socket() {
    let mut world = World::new();
    let mut server = world.connect().await;

    drop(world);

    assert_eq!(server.next_close().await, Some(1000));
}

#[test]
fn a_close_frame_is_what_the_tests_think_it_is() {
    assert_eq!(close_frame(1012), [0x88, 2, 3, 0xF4]);
}
