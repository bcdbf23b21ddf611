//! What is refused, and the plain sentence that says so.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;
use support::backend::{Backend, Requested};
use support::chaos::Chaos;
use support::desk::Desk;
use support::portal::{Answer, Portal};
use support::process::{Credentials, Proof, Watch};
use support::{http, wait};
use visionguard_client::view::{Remedy, Status};

use super::World;

#[tokio::test]
async fn every_way_to_fail_at_signing_in_has_a_sentence_of_its_own() {
    let world = World::new();
    let desk = &world.desk;
    let (email, password) = (&world.user.email, &world.user.password);
    let portal = Portal::start(Answer::Redirect).await;
    let page = Portal::start(Answer::Page).await;
    let wrong = Portal::start(Answer::Status(404, None)).await;
    let busy = Portal::start(Answer::Status(429, Some("7"))).await;
    let broken = Portal::start(Answer::Status(500, None)).await;
    let nobody = format!("http://{}", free_address().await);

    let refusals = [
        ("wrong_password", desk.refusal(&world.backend.url(), email, "wrong").await),
        ("portal", desk.refusal(&portal.url(), email, password).await),
        ("wrong_address", desk.refusal(&wrong.url(), email, password).await),
        ("unreachable", desk.refusal(&nobody, email, password).await),
        ("busy", desk.refusal(&busy.url(), email, password).await),
        ("server_error", desk.refusal(&broken.url(), email, password).await),
        ("wrong_address", desk.refusal("", email, password).await),
    ];

    for (code, problem) in &refusals {
        assert_eq!(problem.code, *code, "{problem:?}");
        assert!(problem.sentence.ends_with('.'), "{problem:?}");
        assert!(!problem.sentence.contains(password.as_str()), "{problem:?}");
    }
    let sentences: HashSet<&str> = refusals.iter().map(|(_, problem)| problem.sentence.as_str()).collect();
    assert_eq!(sentences.len(), refusals.len(), "{sentences:#?}");
    assert_eq!(desk.refusal(&page.url(), email, password).await.code, "portal");
    assert_eq!(desk.refusal(&world.backend.url(), "nobody", password).await.code, "invalid");
    assert_eq!(desk.status().await.status, Status::SignedOut);
}

#[tokio::test]
async fn a_refused_sign_in_leaves_the_session_that_was_there() {
    let world = World::protected().await;

    world.desk.refusal(&world.backend.url(), &world.user.email, "wrong").await;
    world.backend.detect(world.detection());

    world.desk.until_alerts(1).await;
    assert_eq!(world.desk.status().await.status, Status::Protected);
}

#[tokio::test]
async fn an_expired_token_asks_for_the_person_once_the_connection_is_gone_and_not_before() {
    let mut world = World::protected().await;

    world.backend.expire_tokens();
    world.backend.detect(world.detection());
    world.desk.recording.until_notified(1).await;
    assert_ne!(world.desk.status().await.status, Status::SignedOut);
    world.backend.restart().await;

    let view = world.desk.until_reason(Status::SignedOut, "token_expired").await;
    assert_eq!(view.remedy, Some(Remedy::SignIn));
    assert!(view.sentence.ends_with('.'), "{view:?}");
    world.sign_in(&world.backend.url()).await;
    world.desk.until_status(Status::Protected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_with_a_password_signs_in_once_for_a_session_that_ends() {
    let (backend, data) = (Backend::start(), tempfile::tempdir().unwrap());
    let user = backend.add_user("Owner@shop.example");
    backend.add_shop(&user, "Downtown");
    let chaos = Chaos::start(backend.address()).await;
    let proof = Proof::Password { email: user.email.clone(), password: user.password.clone() };
    let watch = Watch::start(data.path(), &Credentials { server: chaos.url(), proof });
    watch.until_status("protected").await;

    backend.expire_tokens();
    chaos.reset();
    watch
        .until("protected anew", |lines| {
            let is = |line: &&Value, word: &str| line["event"] == "status" && line["status"] == word;
            let out = lines.iter().position(|line| is(&line, "signed_out"))?;
            lines[out..].iter().find(|line| is(line, "protected")).cloned()
        })
        .await;
    // A second one would come within two seconds.
    tokio::time::sleep(Duration::from_secs(3)).await;

    let signs_in = |request: &Requested| request.path == "/auth/login";
    assert_eq!(backend.requests().into_iter().filter(signs_in).count(), 2);
    let (lines, _) = watch.stop().await;
    assert_eq!(lines.iter().filter(|line| line["reason"] == "token_expired").count(), 1, "{lines:#?}");
}

#[tokio::test]
async fn once_signed_out_the_server_is_left_alone() {
    let mut world = World::protected().await;
    world.backend.expire_tokens();
    world.backend.restart().await;
    world.desk.until_status(Status::SignedOut).await;

    let before = world.backend.requests().len();
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;

    assert_eq!(world.backend.requests().len(), before, "{:?}", world.backend.requests().split_off(before));
}

#[tokio::test]
async fn a_server_that_is_away_is_never_taken_for_a_dead_token() {
    let mut world = World::protected().await;

    world.backend.kill().await;

    let view = world.desk.until_status(Status::Offline).await;
    assert!(matches!(view.reason.as_str(), "lost" | "refused" | "connecting"), "{view:?}");
    world.desk.until_reason(Status::Offline, "refused").await;
    assert_eq!(world.desk.status().await.remedy, Some(Remedy::RetryNow));
}

#[tokio::test]
async fn a_refused_handshake_with_a_good_token_is_a_wrong_address() {
    let mut world = World::protected().await;

    world.backend.fail("/ws/alerts", 403, None);
    world.backend.restart().await;

    let view = world.desk.until_reason(Status::Offline, "wrong_address").await;
    assert!(view.next_attempt_at.is_some());
}

#[tokio::test]
async fn a_portal_in_the_servers_place_is_named_and_the_way_back_is_found() {
    for answer in [Answer::Redirect, Answer::Page, Answer::Status(511, None)] {
        let world = World::new();
        let portal = Portal::start(answer).await;
        let chaos = Chaos::start(world.backend.address()).await;
        world.sign_in(&chaos.url()).await;
        world.desk.until_status(Status::Protected).await;

        chaos.set_upstream(portal.address());
        chaos.reset();
        let view = world.desk.until_reason(Status::Offline, "portal").await;
        assert!(view.sentence.ends_with('.') && view.next_attempt_at.is_some(), "{view:?}");
        chaos.set_upstream(world.backend.address());
        world.desk.client.retry_now();

        world.desk.until_status(Status::Protected).await;
    }
}

#[tokio::test]
async fn retry_after_is_obeyed_and_retry_now_overrides_it() {
    let mut world = World::protected().await;
    world.backend.fail("/ws/alerts", 503, Some("120"));
    world.backend.restart().await;
    let view = world.desk.until_reason(Status::Offline, "busy").await;
    let snapshot = world.desk.client.snapshot().await;
    assert!(view.next_attempt_at.unwrap() > snapshot.now + 60_000, "{view:?}");

    world.backend.recover();
    world.desk.client.retry_now();

    world.desk.until_status(Status::Protected).await;
}

#[tokio::test]
async fn a_server_that_takes_the_connection_and_says_nothing_does_not_hang_the_sign_in_for_ever() {
    let silent = Portal::start(Answer::Silence).await;
    let desk = Desk::new();

    let problem = desk.refusal(&silent.url(), "owner@shop.example", "password").await;

    assert_eq!(problem.code, "unreachable");
}

#[tokio::test]
async fn signing_out_closes_the_socket_and_forgets_the_token() {
    let world = World::protected().await;

    world.desk.client.sign_out(true).await.unwrap();

    world.desk.until_status(Status::SignedOut).await;
    wait::until("no socket", || (world.backend.sockets_open() == 0).then_some(())).await;
    let desk = world.desk.restart().await;
    assert_eq!(desk.until_status(Status::SignedOut).await.status, Status::SignedOut);
    assert_eq!(desk.incidents().await, []);
}

/// An address at which nobody listens.
async fn free_address() -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(http::client().get(format!("http://{address}")).send().await.is_err());
    address
}
