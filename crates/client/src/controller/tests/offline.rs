//! Without a connection, while the server answers requests: alerts come by its record, and decisions reach it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::desk::{Desk, Running};
use super::server::{Server, row};
use super::{handled, outage};
use crate::model::Decision;
use crate::shell::Notification;
use crate::view::{Status, StatusView};

const LASTS: &str = "status:outage";
const OVER: &str = "status:back";
/// Longer than a first connection takes on a busy machine.
const GRACE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn alerts_and_decisions_pass_where_no_socket_can_be_opened() {
    let (server, desk) = (Server::start().await, patient());
    server.set(|state| state.refuse = Some(502));
    let running = desk.signed_in(&server).await;
    let fetched = fetching(&running).await;

    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));
    let shown = running.notification(0).await;
    running.client.decide(&shown.id, Decision::Resolved, None).await.expect("it is stored");
    handled(&running, &shown.id, Decision::Resolved, true).await;

    let (patched, handshakes) = {
        let state = server.state();
        (state.patches.len(), state.handshakes)
    };
    let told = running.quit().await;
    assert_eq!((fetched.status, fetched.reason.as_str()), (Status::Offline, "gateway"));
    assert!(
        fetched.sentence.contains("Meanwhile alerts are fetched from the server's record every "),
        "{fetched:?}"
    );
    assert_eq!((patched, handshakes), (1, 0));
    assert!(told.statuses.iter().all(|view| view.status != Status::Protected), "{:?}", told.statuses);
    assert!(told.trays.iter().any(|tray| tray.status_line.ends_with(", alerts from the record")));
}

#[tokio::test]
async fn what_is_older_when_it_is_found_without_a_connection_is_summed_up() {
    let (server, desk) = (Server::start().await, patient());
    server.set(|state| state.refuse = Some(502));
    let running = desk.signed_in(&server).await;
    fetching(&running).await;
    let long_ago = Timestamp::now() - SignedDuration::from_mins(10);

    server.set(|state| state.rows.extend([row("a-1", 7, long_ago), row("a-2", 8, long_ago)]));

    assert_eq!(running.notification(0).await.id, "summary:unhandled");
}

#[tokio::test]
async fn what_was_fetched_in_an_outage_is_counted_once_and_not_shown_again() {
    let (server, mut desk) = (Server::start().await, patient());
    desk.settings.offline_grace = GRACE;
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.refuse = Some(500));
    server.close_all();
    let lasts = nth(&running, LASTS, 0).await;
    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));
    running
        .until("the alert", |told| told.notifications.iter().find(|one| one.alert.is_some()).cloned())
        .await;
    server.set(|state| state.refuse = None);
    running.client.retry_now();
    let over = nth(&running, OVER, 0).await;
    running.status(Status::Protected, "protected").await;
    let caught_up = outage(&running, |to| to.is_some()).await;

    let told = running.quit().await;
    assert_eq!(lasts.title, "Alerts reach this computer a little later");
    assert!(over.body.ends_with("1 alert was caught up on."), "{}", over.body);
    assert_eq!((caught_up, told.notifications.len()), (1, 3));
}

#[tokio::test]
async fn who_was_told_that_the_record_is_read_is_told_when_it_no_longer_is() {
    let (server, mut desk) = (Server::start().await, patient());
    desk.settings.offline_grace = GRACE;
    server.set(|state| state.refuse = Some(502));
    let running = desk.signed_in(&server).await;
    let later = nth(&running, LASTS, 0).await;

    server.set(|state| state.api_fails = Some(502));

    let never = nth(&running, LASTS, 1).await;
    assert_eq!(later.title, "Alerts reach this computer a little later");
    assert_eq!(never.title, "Alerts do not reach this computer");
    let view = running.client.snapshot().await.status;
    assert_eq!((view.status, view.record_every), (Status::Offline, None));
}

#[tokio::test]
async fn a_token_that_the_record_refuses_without_a_connection_asks_for_the_person() {
    let (server, desk) = (Server::start().await, patient());
    server.set(|state| state.refuse = Some(502));
    let running = desk.signed_in(&server).await;
    fetching(&running).await;

    server.set(|state| state.api_fails = Some(401));

    running.status(Status::SignedOut, "token_expired").await;
}

#[tokio::test]
async fn a_page_in_the_server_s_place_is_asked_seldom_and_never_with_the_token() {
    let (server, desk) = (Server::start().await, patient());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.portal = true);
    server.close_all();
    running.status(Status::Offline, "portal").await;
    let before = server.state().intercepted;
    server.until("three questions", |state| (state.intercepted.0 >= before.0 + 3).then_some(())).await;

    assert_eq!(server.state().intercepted.1, before.1);
    assert_eq!(running.client.snapshot().await.status.record_every, None);
}

/// One that does not wait long until it reads the record without a connection.
fn patient() -> Desk {
    let mut desk = Desk::new();
    desk.pace.read_after = Duration::from_millis(100);
    desk
}

/// Waits until the status says that the record is read, whatever the link does at that moment.
async fn fetching(running: &Running) -> StatusView {
    running
        .until("the record is read", |told| {
            let view = told.statuses.last()?;
            (view.record_every.is_some() && view.reason != "connecting").then(|| view.clone())
        })
        .await
}

/// A notification of this id: the first is number 0.
async fn nth(running: &Running, id: &str, number: usize) -> Notification {
    running.until(id, |told| told.notifications.iter().filter(|one| one.id == id).nth(number).cloned()).await
}
