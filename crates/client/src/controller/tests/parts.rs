//! Where one part of the server fails, the others are not held up.

use jiff::Timestamp;

use super::desk::Desk;
use super::server::{Server, row};
use crate::view::Status;

#[tokio::test]
async fn a_shop_whose_record_cannot_be_read_does_not_hide_the_others() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| {
        state.broken_shop = true;
        state.rows.insert(0, row("a-1", 7, Timestamp::now()));
    });

    running.notification(0).await;
}
