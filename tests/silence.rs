//! Sixty seconds of silence, in real time: this one test simply takes that long.
#![allow(clippy::unwrap_used, reason = "a test's helpers are tests too")]

use std::time::{Duration, Instant};

use support::backend::{Backend, Detection};
use support::chaos::Chaos;
use support::desk::{Desk, real_pace};
use visionguard_client::view::Status;

/// What the contract allows, and what a busy machine may add.
const FOUND_WITHIN: Duration = Duration::from_secs(61);
const ALLOWANCE: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_half_open_connection_is_found_within_61_seconds_and_replaced_when_the_network_is_back() {
    let backend = Backend::start();
    let user = backend.add_user("owner@shop.example");
    let shop = backend.add_shop(&user, "Downtown");
    let chaos = Chaos::start(backend.address()).await;
    let desk = Desk::with(real_pace());
    desk.sign_in(&chaos.url(), &user.email, &user.password).await.unwrap();
    desk.until_status(Status::Protected).await;

    chaos.black_hole();
    let dark = Instant::now();
    while desk.status().await.reason != "silent" {
        assert!(dark.elapsed() < FOUND_WITHIN + ALLOWANCE, "still {:?}", desk.status().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(dark.elapsed() > Duration::from_secs(20), "found too soon to be silence: {:?}", dark.elapsed());
    assert_eq!(desk.status().await.status, Status::Offline);

    backend.detect(Detection::new(&user, &shop, "a-stream"));
    chaos.clear();
    desk.client.retry_now();
    desk.until_status(Status::Protected).await;
    assert_eq!(desk.until_alerts(1).await.len(), 1);
}
