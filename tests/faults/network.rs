//! The network's faults, against the double of the original and against our server.

use std::time::{Duration, Instant};

use support::chaos::{Ending, Way, Weather};
use support::matrix::{self, Fault};
use visionguard_client::view::Status;

use crate::desk::until_notified;
use crate::world::{BOTH, World};

#[tokio::test]
async fn fault_10_a_black_hole_both_ways() {
    black_hole(
        10,
        "the proxy holds everything back, both ways; times of the protocol cut to a tenth",
        &[Way::ToServer, Way::ToClient],
    )
    .await;
}

#[tokio::test]
async fn fault_11_a_black_hole_towards_the_server() {
    let injected = "the proxy holds back what goes to the server; times of the protocol cut to a tenth";
    black_hole(11, injected, &[Way::ToServer]).await;
}

#[tokio::test]
async fn fault_12_a_black_hole_towards_the_client() {
    let injected = "the proxy holds back what goes to the client; times of the protocol cut to a tenth";
    black_hole(12, injected, &[Way::ToClient]).await;
}

/// Silence is found, what was detected in it arrives once, and so does what follows.
async fn black_hole(row: u8, injected: &str, ways: &[Way]) {
    let fault = matrix::row(row, injected);
    let mut noticed = Vec::new();
    for which in BOTH {
        let world = World::protected(which).await;
        let mut ids = vec![world.server.publish(1).await];
        world.desk.until_alerts(1).await;

        for way in ways {
            world.chaos.block(*way);
        }
        let dark = Instant::now();
        ids.push(world.server.publish(2).await);
        world.desk.recording.until_status(Status::Offline).await;
        noticed.push(dark.elapsed());
        ids.push(world.server.publish(3).await);
        world.chaos.clear();
        world.back().await;
        ids.push(world.server.publish(4).await);

        world.until_exactly(&ids).await;
    }
    fault.times(2);
    fault.spread("to notice, where silence counts after 6 s", &noticed);
    fault.held(&["I1", "I2", "I6", "I10"]);
}

#[tokio::test]
async fn fault_13_a_reset_in_the_middle_of_a_frame() {
    let fault = matrix::row(13, "the proxy resets the socket after so many bytes of an alert");
    cut(fault, &PLACES, Ending::Reset).await;
}

#[tokio::test]
async fn fault_14_the_end_without_a_goodbye() {
    let fault = matrix::row(14, "the proxy ends the socket after so many bytes of an alert");
    cut(fault, &PLACES, Ending::Closed).await;
}

const PLACES: [u64; 8] = [0, 1, 2, 4, 10, 100, 1_000, 3_000];

/// Ends the socket after each of these numbers of bytes.
pub async fn cut(fault: Fault, places: &[u64], ending: Ending) {
    for which in BOTH {
        let world = World::protected(which).await;
        let mut ids = Vec::new();
        for (person, bytes) in (1..).zip(places) {
            world.chaos.cut_sockets(*bytes, ending);
            ids.push(world.server.publish(person).await);
            world.until_alerts(person).await;
        }
        world.until_exactly(&ids).await;
    }
    fault.times(2 * places.len() as u32);
    fault.held(&["I1", "I2"]);
}

#[tokio::test]
async fn fault_16_everything_in_slices_of_one_to_three_bytes() {
    let fault = matrix::row(16, "the proxy passes on one, two or three bytes at a time");
    for which in BOTH {
        for slice in 1..=3 {
            let world = World::protected(which).await;
            let weather = Weather { slice: Some(slice), ..Weather::default() };
            world.chaos.set(Way::ToClient, weather.clone());
            world.chaos.set(Way::ToServer, weather);

            let mut ids = Vec::new();
            for person in 1..=2 {
                ids.push(world.server.publish(person).await);
            }

            // So slowly the record may be read first, which tells of both at once.
            until_notified(&world.desk, 2).await;
            world.until_exactly(&ids).await;
        }
    }
    fault.times(6);
    fault.held(&["I1", "I2"]);
}

#[tokio::test]
async fn fault_18_a_bit_flips_on_a_plain_line() {
    let fault = matrix::row(18, "the proxy flips one bit of the socket's bytes, drawn from a seed");
    let seed = 18;
    let mut draw = visionguard_proto::Backoff::new(seed);
    let mut at = |limit: u64| draw.between(Duration::ZERO, Duration::from_micros(limit)).as_micros() as u64;
    let mut twice = 0;
    for which in BOTH {
        let world = World::protected(which).await;
        let mut ids = Vec::new();
        for person in 1..=12 {
            // Half of them in the frame's header and the message's first fields, where a flip does most.
            let place = if person % 2 == 0 { at(300) } else { at(3_000) };
            world.chaos.flip(place, at(8) as u8);
            ids.push(world.server.publish(person).await);
            world.until_alerts(person).await;
        }

        let found = until_all(&world, &ids).await;
        twice += found - ids.len();
        world.back().await;
    }
    fault.times(24);
    fault.measured("alerts that a flip made two of", format!("{twice}, seed {seed}"));
    fault.held(&["I1, at least once", "I11"]);
}

/// Waits until all of these are in the journal, whatever else is; how many there are.
async fn until_all(world: &World, ids: &[String]) -> usize {
    let deadline = tokio::time::Instant::now() + support::wait::PATIENCE;
    loop {
        let known = crate::world::known(&world.desk).await;
        if ids.iter().all(|id| known.iter().flatten().any(|known| known == id)) {
            return known.len();
        }
        assert!(tokio::time::Instant::now() < deadline, "{ids:?} are not all among {known:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
