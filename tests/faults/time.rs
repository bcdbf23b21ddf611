//! Rows 32 to 34: the computer sleeps; clocks are wrong.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use support::desk::{Desk, Make, quick_link};
use support::matrix;
use support::wait;
use visionguard_client::clock::TestClock;
use visionguard_client::model::Source;
use visionguard_client::view::Status;
use visionguard_proto::link;

use crate::world::{BOTH, Which, World};

/// What a busy machine may add to a promised time.
const ALLOWANCE: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn fault_32_the_computer_sleeps_and_its_connection_is_gone() {
    let fault = matrix::row(32, "a clock that moves on while no timer does; the proxy swallows everything");
    let mut found = Vec::new();
    for which in BOTH {
        for asleep in [Duration::from_secs(60), 8 * HOUR] {
            let (world, clock) = with_clock(which, Timestamp::now(), quick_link()).await;
            let attempts = world.chaos.requests("/ws/alerts");

            world.chaos.black_hole();
            clock.sleep(asleep);
            let woke = Instant::now();
            wait::until("the dead connection to be found", || {
                (world.desk.record().status() != Some(Status::Protected)).then_some(())
            })
            .await;
            found.push(woke.elapsed());
            let missed = world.server.publish(1).await;
            world.chaos.reset();
            world.chaos.clear();

            world.desk.until_status(Status::Protected).await;
            world.until_exactly(&[missed]).await;
            let attempts = world.chaos.requests("/ws/alerts") - attempts;
            assert!(attempts <= 5, "a storm of {attempts} attempts");
        }
    }
    for time in &found {
        assert!(*time < Duration::from_secs(6) + ALLOWANCE, "{found:?}");
    }
    fault.times(4);
    fault.spread("from the wake to the dead link found", &found);
    fault.held(&["I1", "I2", "I6", "I7", "I10"]);
}

#[tokio::test]
async fn fault_33_the_wall_clock_jumps_by_a_day_and_by_ten_years() {
    let fault = matrix::row(33, "a wall clock that is set while the program runs, and wrong when it starts");
    let (day, years) = (SignedDuration::from_hours(24), SignedDuration::from_hours(24 * 3653));
    for which in BOTH {
        for jump in [day, -day, years, -years] {
            // A busy machine may be silent for longer than a hurried link waits.
            let (mut world, clock) = with_clock(which, Timestamp::now(), link::Config::default()).await;
            let mut ids = vec![world.server.publish(1).await];
            world.desk.until_alerts(1).await;

            clock.set_wall(Timestamp::now() + jump);
            ids.push(world.server.publish(2).await);
            world.desk.recording.until_notified(2).await;
            world.reconciled().await;
            clock.set_wall(Timestamp::now());
            ids.push(world.server.publish(3).await);
            world.desk.recording.until_notified(3).await;
            world.until_exactly(&ids).await;
            assert_eq!(world.desk.record().status(), Some(Status::Protected), "after {jump}");
            assert_eq!(world.chaos.requests("/ws/alerts"), 1, "{jump} ended the connection");
            let incidents = world.desk.incidents().await;
            assert!(
                incidents.iter().all(|incident| incident.source == Source::Live),
                "{jump}: {incidents:#?}"
            );
            let mut order: Vec<(i64, _)> = incidents
                .iter()
                .map(|incident| (incident.id.parse().unwrap(), incident.person.as_deref()))
                .collect();
            order.sort();
            let order: Vec<_> = order.into_iter().filter_map(|(_, person)| person).collect();
            assert_eq!(order, ["1", "2", "3"], "the order after {jump}");

            clock.set_wall(Timestamp::now() + jump);
            world.desk = world.desk.restart().await;
            world.desk.until_status(Status::Protected).await;
            ids.push(world.server.publish(4).await);
            world.desk.recording.until_notified(1).await;
            world.until_exactly(&ids).await;
        }
    }
    fault.times(16);
    fault.held(&["I1", "I2", "I4", "I10"]);
}

#[tokio::test]
async fn fault_34_the_server_s_clock_is_wrong_by_a_day() {
    let fault = matrix::row(34, "a computer whose clock differs from the server's by a day");
    let day = SignedDuration::from_hours(24);
    for which in BOTH {
        for wrong in [day, -day] {
            let (mut world, _clock) = with_clock(which, Timestamp::now() + wrong, quick_link()).await;
            let mut ids = vec![world.server.publish(1).await];
            world.desk.recording.until_notified(1).await;

            world.server.kill().await;
            world.desk.until_status(Status::Offline).await;
            world.server.resume().await;
            ids.push(world.server.publish(2).await);
            world.back().await;
            ids.push(world.server.publish(3).await);

            world.until_exactly(&ids).await;
            let order: Vec<_> =
                world.desk.incidents().await.into_iter().map(|incident| incident.person.unwrap()).collect();
            assert_eq!(order, ["3", "2", "1"], "the order with a clock {wrong} ahead");
        }
    }
    fault.times(4);
    fault.held(&["I1", "I2", "I4"]);
}

async fn with_clock(which: Which, wall: Timestamp, link: link::Config) -> (World, Arc<TestClock>) {
    let clock = Arc::new(TestClock::new(wall));
    let make = Make { link, clock: Arc::<TestClock>::clone(&clock), ..Make::default() };
    (World::with(which, Desk::made_of(make)).await, clock)
}
