//! Servers that refuse, ask to be left alone, hang up at once, or are no server of ours.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use support::backend::Backend;
use support::desk::{Desk, quick_pace};
use support::matrix;
use support::portal::{Answer, Portal};
use visionguard_client::view::Status;

use crate::world::{Server, Which, World};

#[tokio::test]
async fn fault_24_a_refused_handshake_says_what_is_wrong() {
    let fault =
        matrix::row(24, "the server answers the handshake with 401, 403 or 404, the token dead or alive");
    let cases = [
        ("401 and a dead token", Some(401), true, Status::SignedOut, "token_expired"),
        ("403 and a dead token", None, true, Status::SignedOut, "token_expired"),
        ("403 and a good token", Some(403), false, Status::Offline, "wrong_address"),
        ("404", Some(404), false, Status::Offline, "wrong_address"),
    ];
    for (case, refusal, is_dead, status, reason) in cases {
        let world = World::protected(Which::Original).await;
        let backend = original(&world);
        if let Some(refusal) = refusal {
            backend.fail("/ws/alerts", refusal, None);
        }
        if is_dead {
            backend.expire_tokens();
        }

        world.chaos.reset();
        let view = world.desk.until_reason(status, reason).await;
        assert!(view.sentence.ends_with('.'), "{case}: {view:?}");
        let before = backend.requests().len();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let asked = backend.requests().len() - before;
        assert!(asked <= if is_dead { 0 } else { 12 }, "{case}: {asked} requests in 3 s");
        let handshakes = backend.requests()[before..]
            .iter()
            .filter(|request| request.path.starts_with("/ws/alerts"))
            .count();
        assert_eq!(handshakes, 0, "{case}: hurried");
    }
    fault.times(4);
    fault.held(&["I7", "I8", "I10"]);
}

#[tokio::test]
async fn fault_25_a_server_that_asks_to_be_left_alone_is_left_alone() {
    let fault = matrix::row(25, "503 with Retry-After: 7, a date, 1e9 seconds, -1, nonsense");
    let in_90_s = jiff::fmt::rfc2822::to_string(
        &(Timestamp::now() + jiff::SignedDuration::from_secs(90)).to_zoned_datetime(jiff::tz::TimeZone::UTC),
    )
    .unwrap();
    let cases = [
        ("7", "busy", 6..=8),
        (in_90_s.as_str(), "busy", 40..=91),
        ("1000000000", "busy", 595..=600),
        // Who asks for nothing, and says nothing of its own, stands in front of the server.
        ("-1", "gateway", 0..=10),
        ("soon", "gateway", 0..=10),
    ];
    for (wait, reason, expected) in cases {
        let world = World::protected(Which::Original).await;
        original(&world).fail("/ws/alerts", 503, Some(wait));

        world.chaos.reset();
        let view = world.desk.until_reason(Status::Offline, reason).await;
        let next = view.next_attempt_at.unwrap();
        let (left, whole) = (next - world.desk.client.snapshot().await.now, next - view.since);

        // However late this is looked at, the wait is no shorter from its beginning and no longer from now on.
        assert!(whole + 500 >= expected.start() * 1000, "{wait}: {whole} ms");
        assert!(left <= expected.end() * 1000 + 500, "{wait}: {left} ms");
        original(&world).recover();
        world.back().await;
    }
    fault.times(5);
    fault.held(&["I7", "I10"]);
}

#[tokio::test]
async fn fault_26_a_server_that_accepts_and_drops_is_not_hammered() {
    let time = Duration::from_secs(if cfg!(feature = "long") { 300 } else { 25 });
    let fault = matrix::row(
        26,
        &format!("every handshake succeeds and the socket ends at once, for {} s", time.as_secs()),
    );
    // The contract's own times: the backoff is what is looked at.
    let world = World::with(Which::Original, Desk::with(quick_pace())).await;
    original(&world).drop_sockets();
    let before = world.chaos.requests("/ws/alerts/");
    let mut ids = vec![world.server.publish(1).await];

    let began = Instant::now();
    world.chaos.reset();
    world.desk.until_status(Status::Offline).await;
    while began.elapsed() < time {
        assert_ne!(world.desk.status().await.status, Status::Protected);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let attempts = world.chaos.requests("/ws/alerts/") - before;
    let allowed = attempts_within(began.elapsed());
    ids.push(world.server.publish(2).await);
    original(&world).recover();
    world.back().await;

    assert!(attempts <= allowed && attempts >= 3, "{attempts} attempts where {allowed} are allowed");
    world.until_exactly(&ids).await;
    fault.measured("attempts", format!("{attempts} in {} s, {allowed} allowed", time.as_secs()));
    fault.held(&["I1", "I7", "I10"]);
}

/// How many attempts the shortest jitter allows.
fn attempts_within(time: Duration) -> usize {
    let (mut at, mut whole, mut attempts) = (0.0, 1.0_f64, 0);
    while at <= time.as_secs_f64() {
        attempts += 1;
        at += whole.min(30.0) / 2.0;
        whole *= 1.5;
    }
    attempts
}

#[tokio::test]
async fn fault_29_a_portal_in_the_servers_place() {
    let fault =
        matrix::row(29, "a redirect, a web page and a 511 in the server's place; then the server again");
    let answers = [Answer::Redirect, Answer::Page, Answer::Status(511, None), Answer::Garbage];
    for answer in answers {
        let reason = if matches!(answer, Answer::Garbage) { "garbled" } else { "portal" };
        let world = World::protected(Which::Original).await;
        let portal = Portal::start(answer).await;

        world.chaos.set_upstream(portal.address());
        world.chaos.reset();
        let view = world.desk.until_status(Status::Offline).await;
        assert!(view.sentence.ends_with('.'), "{view:?}");
        if reason == "portal" {
            world.desk.until_reason(Status::Offline, reason).await;
        }
        let missed = world.server.publish(1).await;
        world.chaos.set_upstream(world.server.address());
        world.back().await;

        world.until_exactly(&[missed]).await;
    }
    fault.times(4);
    fault.held(&["I1", "I7", "I10"]);
}

fn original(world: &World) -> &Backend {
    match &world.server {
        Server::Original { backend, .. } => backend,
        Server::Ours(_) => panic!("this is not the original"),
    }
}
