//! Somebody who comes back to the page.

use jiff::{SignedDuration, Timestamp};

use super::desk::Desk;
use super::screen::{protected, says};
use super::server::Server;
use crate::controller::alerts::decisions::account_of;

#[tokio::test]
async fn who_was_away_is_told_once_what_happened_and_who_was_not_is_left_alone() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let session = running.client.snapshot().await.session.expect("signed in");
    let looked = format!("looked:{}", account_of(&session));
    let two_hours_ago = (Timestamp::now() - SignedDuration::from_hours(2)).to_string();

    let first = running.client.handover().await.expect("an answer");
    says(&server, &running, 1).await;
    let at_once = running.client.handover().await.expect("an answer");
    running.client.journal().set_value(&looked, Some(two_hours_ago)).await.expect("noted");
    let back = running.client.handover().await.expect("an answer").expect("something happened");
    let again = running.client.handover().await.expect("an answer");

    assert_eq!((first, at_once, again), (None, None, None));
    assert_eq!((back.incidents, back.unhandled, back.decided_elsewhere), (1, 1, 0));
}
