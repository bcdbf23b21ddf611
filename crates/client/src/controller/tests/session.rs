//! Staying signed in, and being signed out for good.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use secrecy::SecretString;

use super::desk::{Desk, Running, Told};
use super::server::{Login, Server, detection, row};
use crate::journal::FILE_NAME;
use crate::policy::COUNTER;
use crate::view::Status;

#[tokio::test]
async fn a_kept_password_signs_in_again_when_the_connection_is_gone() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = keeping(&desk, &server).await;
    server.set(|state| {
        (state.refuse, state.api_fails, state.login) = (Some(403), Some(401), Login::Heals);
    });

    server.close_all();
    server.until("another connection", |state| (state.handshakes == 2).then_some(())).await;
    running.status(Status::Protected, "protected").await;

    assert_eq!(server.state().logins, 2);
    let signed_out = running.told().statuses.iter().any(|view| view.reason == "token_expired");
    assert!(!signed_out, "nobody was asked");
}

#[tokio::test]
async fn a_kept_password_makes_the_record_readable_again_and_the_open_connection_stays() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = keeping(&desk, &server).await;
    server.set(|state| (state.api_fails, state.login) = (Some(401), Login::Heals));

    server.until("the sign-in", |state| (state.logins == 2).then_some(())).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(1, 30));
    running.notification(0).await;

    let (handshakes, open) = {
        let state = server.state();
        (state.handshakes, state.open)
    };
    assert_eq!((handshakes, open), (1, 1));
}

#[tokio::test]
async fn a_kept_password_that_is_refused_asks_the_person_and_is_not_tried_again() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = keeping(&desk, &server).await;
    server.set(|state| {
        (state.refuse, state.api_fails, state.login) = (Some(403), Some(401), Login::Refused);
    });

    server.close_all();
    running.status(Status::SignedOut, "token_expired").await;
    for _ in 0..3 {
        running.client.retry_now();
        running.client.snapshot().await;
    }

    assert_eq!(server.state().logins, 2, "the first, and one with the kept password");
    let session = running.client.snapshot().await.session.expect("a session");
    assert!(!session.password_kept);
}

#[tokio::test]
async fn a_sign_in_without_keeping_asks_the_person() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.set(|state| {
        (state.refuse, state.api_fails, state.login) = (Some(403), Some(401), Login::Heals);
    });

    server.close_all();

    running.status(Status::SignedOut, "token_expired").await;
    assert_eq!(server.state().logins, 1);
}

#[tokio::test]
async fn signing_out_while_the_record_is_being_read_leaves_nothing_behind() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.offline_grace = Duration::ZERO;
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(1, 30));
    running.notification(0).await;
    server.set(|state| {
        state.record_waits = true;
        state.rows.insert(0, row("a-1", 7, Timestamp::now()));
    });
    server.until("a question about the record", |state| (state.waiting > 0).then_some(())).await;

    running.client.sign_out(true).await.expect("it is done");
    server.set(|state| state.record_waits = false);
    running.status(Status::SignedOut, "left").await;
    running.quit().await;

    let disk = Connection::open(desk.path().join(FILE_NAME)).expect("the journal");
    for table in ["alert", "incident", "picture", "outbox", "outage", "gap", "drill", "shop", "value"] {
        let count: i64 =
            disk.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("a count");
        assert_eq!(count, 0, "{table}");
    }
    assert!(!desk.path().join("session.json").exists());
    assert_eq!(server.state().open, 0);
}

#[tokio::test]
async fn signing_out_without_erasing_keeps_the_alerts_and_forgets_the_password() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = keeping(&desk, &server).await;
    server.say(&detection(1, 30));
    running.notification(0).await;

    running.client.sign_out(false).await.expect("it is done");

    let snapshot = running.client.snapshot().await;
    assert_eq!((snapshot.session, snapshot.counts.total), (None, 1));
    running.quit().await;
    let running = desk.start();
    running.status(Status::SignedOut, "never").await;
    assert_eq!(server.state().logins, 1);
}

#[tokio::test]
async fn what_waited_to_be_shown_as_the_person_left_is_shown_when_they_are_back() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.pace.fresh_within = Duration::ZERO;
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(1, 30));
    server.say(&detection(1, 31));
    running.until("both are stored", |told| (told.acked.len() == 2).then_some(())).await;
    assert_eq!(running.told().notifications.len(), 1, "the second waits, as both are of one incident");

    running.client.sign_out(false).await.expect("it is done");
    running.sign_in(&server).await;

    let later = running.notification(1).await;
    assert_eq!(later.id, COUNTER, "it is no longer fresh");
}

#[tokio::test]
async fn signing_in_anew_looks_at_the_open_connection_at_once() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    let seldom = Duration::from_secs(3_600);
    desk.reads_the_record_seldom();
    desk.pace.register_every = seldom;
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    running.sign_in(&server).await;

    let protected =
        |told: &Told| told.statuses.iter().filter(|view| view.status == Status::Protected).count();
    running.until("it is protected again", |told| (protected(told) == 2).then_some(())).await;
    assert_eq!(server.state().handshakes, 1);
}

/// Protected, with the password kept.
async fn keeping(desk: &Desk, server: &Server) -> Running {
    let running = desk.start();
    let session = running
        .client
        .sign_in(&server.url(), "owner@example.com", SecretString::from("right"), true)
        .await
        .expect("the sign-in is accepted");
    assert!(session.password_kept);
    running.status(Status::Protected, "protected").await;
    running
}
