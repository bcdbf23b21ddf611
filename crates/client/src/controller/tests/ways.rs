//! Which way the alerts of an account come.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;
use visionguard_proto::AnomalyId;

use super::desk::{Desk, Running, Told};
use super::server::{Listing, Server, detection, row};
use crate::journal::Journal;
use crate::view::Status;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn case_05_a_manager_whose_cameras_another_account_runs_is_protected_by_the_record() {
    let (server, desk) = (Server::start().await, desk());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));
    running.notification(0).await;
    server.until("its place is claimed", |state| (state.handshakes == 2).then_some(())).await;
    let by_record = running.status(Status::Protected, "protected_by_record").await;
    let told = running.quit().await;
    let again = desk.start();
    let from_the_start = again.status(Status::Protected, "protected_by_record").await;

    assert!(told.statuses.iter().all(|view| view.status != Status::Deaf), "{:?}", told.statuses);
    assert!(by_record.record_every.is_some() && from_the_start.record_every.is_some());
    assert!(by_record.sentence.contains("record"), "{}", by_record.sentence);
    assert_eq!(server.state().handshakes, 3, "its place was claimed once, and not again");
}

#[tokio::test]
async fn an_account_with_cameras_of_its_own_and_of_others_gets_both() {
    let (server, desk) = (Server::start().await, desk());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.say(&detection(1, 30));
    running.notification(0).await;
    rows_until(&server, &running, "protected_by_both").await;
    assert_eq!(server.state().handshakes, 1);
}

#[tokio::test]
async fn a_busy_camera_of_ones_own_hides_no_other_s() {
    let (server, desk) = (Server::start().await, desk());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    let busy = async {
        for frame in 1.. {
            server.say(&detection(1, 30 * frame));
            if frame % 20 == 0 {
                server.set(|state| state.rows.insert(0, row(&format!("a-{frame}"), 7, later())));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        _ = running.status(Status::Protected, "protected_by_both") => {}
        () = busy => {}
    }
}

#[tokio::test]
async fn case_03_a_connection_on_which_alerts_no_longer_come_is_deaf_and_replaced_whatever_the_list_says() {
    let (server, desk) = (Server::start().await, desk());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(1, 30));
    running.notification(0).await;
    server.close_all();
    server.until("the next connection", |state| (state.handshakes == 2).then_some(())).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.rows.insert(0, row("a-1", 7, later())));

    let deaf = |told: &Told| told.statuses.iter().find(|view| view.reason == "not_delivered").cloned();
    assert_eq!(running.until("deaf", deaf).await.status, Status::Deaf);
    server.until("its place is claimed", |state| (state.handshakes == 3).then_some(())).await;
    running.status(Status::Protected, "protected").await;
}

#[tokio::test]
async fn a_server_that_does_not_list_its_connections_is_good_enough_where_alerts_come_by_the_record() {
    let (server, mut desk) = (Server::start().await, desk());
    desk.pace.retry_every = Duration::from_millis(20);
    server.set(|state| state.hiccups = (u32::MAX, 0));
    let running = desk.signed_in(&server).await;
    running.status(Status::CatchingUp, "registration_untold").await;
    running.status(Status::Protected, "protected_unsaid").await;

    rows_until(&server, &running, "protected_by_record").await;
}

#[tokio::test]
async fn a_journal_that_is_made_anew_tells_nothing_of_the_way() {
    let (server, mut desk) = (Server::start().await, desk());
    desk.lives_in("data");
    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(1, 30));
    server.until("an ack", |state| state.acks.first().cloned()).await;

    // As one step: the program may make a file there meanwhile.
    let gone = desk.path().with_extension("gone");
    std::fs::rename(desk.path(), &gone).expect("it is gone");
    std::fs::remove_dir_all(&gone).expect("it is deleted");

    let known = vec![AnomalyId::new("a-1").expect("an id")];
    let is_filled = async || match Journal::open_read_only(desk.path()) {
        Ok(journal) => journal.known(known.clone()).await.is_ok_and(|known| !known.is_empty()),
        Err(_) => false,
    };
    while !is_filled().await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Longer than a message may take.
    tokio::time::sleep(desk.pace.message_within * 5).await;
    let told = running.quit().await;
    let reasons: Vec<&str> = told.statuses.iter().map(|view| &*view.reason).collect();
    assert!(
        !reasons.iter().any(|reason| ["not_delivered", "protected_by_both"].contains(reason)),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn a_server_that_lists_nobody_and_delivers_is_left_alone() {
    let (server, mut desk) = (Server::start().await, desk());
    desk.pace.retry_every = Duration::from_millis(20);
    server.set(|state| state.listing = Listing::Nobody);
    let running = desk.signed_in(&server).await;
    running.status(Status::Deaf, "slot_lost").await;
    server.until("its place is claimed", |state| (state.handshakes == 2).then_some(())).await;
    running.status(Status::Deaf, "slot_lost").await;

    let delivers = async {
        for frame in 1.. {
            server.say(&detection(1, 30 * frame));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        _ = running.status(Status::Protected, "protected_unsaid") => {}
        () = delivers => {}
    }
    assert_eq!(server.state().handshakes, 2);
}

/// Whose message must come within a moment.
fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.pace.message_within = Duration::from_millis(100);
    desk
}

/// One row after the other: what the first comparison finds, or one right after a message, tells nothing.
async fn rows_until(server: &Server, running: &Running, reason: &str) {
    let mut rows = 1;
    while timeout(SECOND, running.status(Status::Protected, reason)).await.is_err() {
        server.set(|state| state.rows.insert(0, row(&format!("a-{rows}"), 7, later())));
        rows += 1;
    }
}

/// After whatever came on the socket until now.
fn later() -> Timestamp {
    Timestamp::now() + SECOND
}
