//! What is said of a time without a connection, and what is kept of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::desk::{Desk, Running};
use super::server::{Listing, Server, row};
use crate::view::{FeedItem, FeedQuery, Status};

const LASTS: &str = "status:outage";
const OVER: &str = "status:back";
/// Longer than a first connection takes on a busy machine.
const GRACE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_longer_outage_is_said_once_and_its_end_together_with_what_was_missed() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.offline_grace = GRACE;
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.refuse = Some(500));
    server.close_all();
    let said = running.notification(0).await;
    let an_hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
    server.set(|state| {
        state.refuse = None;
        state.rows.insert(0, row("a-1", 7, an_hour_ago));
    });
    running.client.retry_now();
    let over = running.notification(1).await;
    running.status(Status::Protected, "protected").await;

    assert_eq!((said.id.as_str(), said.sound, said.critical), (LASTS, false, false));
    assert!(said.body.starts_with("No connection to the server since "), "{}", said.body);
    assert!(over.body.contains("1 alert was caught up on. 1 not handled. The latest: "), "{}", over.body);
    assert_eq!(over.title, "Alerts reach this computer again");
    let told = running.told();
    assert_eq!(
        (told.notifications.len(), told.withdrawn.as_slice()),
        (2, &[OVER.to_owned(), LASTS.to_owned()][..])
    );
}

#[tokio::test]
async fn an_outage_without_a_miss_is_over_in_one_sentence() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.offline_grace = GRACE;
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.refuse = Some(503));
    server.close_all();
    running.notification(0).await;
    server.set(|state| state.refuse = None);
    running.client.retry_now();

    let over = running.notification(1).await;
    assert_eq!(over.id, OVER);
    assert!(over.body.ends_with("Nothing was missed."), "{}", over.body);
}

#[tokio::test]
async fn a_short_outage_is_not_said() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.refuse = Some(500));
    server.close_all();
    running.status(Status::Offline, "server_error").await;
    server.set(|state| state.refuse = None);
    running.client.retry_now();
    running.status(Status::Protected, "protected").await;
    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));

    let first = running.notification(0).await;
    assert!(first.alert.is_some(), "{first:?}");
    assert_eq!(outages(&running).await, []);
}

#[tokio::test]
async fn an_outage_that_outlives_the_program_ends_where_it_was_last_known() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.offline_grace = GRACE;
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.set(|state| state.refuse = Some(500));
    server.close_all();
    running.notification(0).await;
    running.client.snapshot().await;
    running.quit().await;
    let ended = Timestamp::now().as_millisecond();

    server.set(|state| state.refuse = None);
    let running = desk.start();

    let over = running.notification(0).await;
    let found = outages(&running).await;
    assert_eq!(over.id, OVER);
    assert!(found.len() == 1 && found[0].is_some_and(|to| to <= ended), "{found:?}, {ended}");
}

#[tokio::test]
async fn alerts_that_come_by_the_record_are_no_outage() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.offline_grace = Duration::ZERO;
    server.set(|state| state.listing = Listing::Taken);
    let running = desk.signed_in(&server).await;
    running.status(Status::Deaf, "slot_taken").await;
    let before = running.told().notifications.len();

    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));

    running
        .until("the alert", |told| told.notifications.iter().find(|one| one.alert.is_some()).cloned())
        .await;
    let after = running.told().notifications[before..].iter().filter(|one| one.id == LASTS).count();
    assert_eq!(after, 0);
}

/// The ends of the outages in the feed.
async fn outages(running: &Running) -> Vec<Option<i64>> {
    let page = running.client.feed(FeedQuery::default()).await.expect("the feed");
    let ends = page.items.into_iter().filter_map(|item| match item {
        FeedItem::Outage { to, .. } => Some(to),
        FeedItem::Incident(_) => None,
    });
    ends.collect()
}
