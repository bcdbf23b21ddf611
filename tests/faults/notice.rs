//! How long it takes to notice each kind of death: in virtual time where the link decides alone, in real time where the
//! kernel has a say.

#[allow(dead_code, reason = "the whole network of the protocol's own tests")]
#[path = "../../crates/proto/tests/both_ends/network.rs"]
mod network;
#[allow(dead_code, reason = "the same")]
#[path = "../../crates/proto/tests/both_ends/server_log.rs"]
mod server_log;

use std::time::{Duration, Instant};

use network::{Way, World as Virtual};
use support::chaos::Ending;
use support::matrix;
use visionguard_client::view::Status;
use visionguard_proto::Backoff;
use visionguard_proto::link::State;

use crate::world::{BOTH, World};

const DRAWS: u64 = 500;

#[test]
fn fault_10_how_soon_silence_is_noticed() {
    let fault = matrix::row(10, "a black hole both ways at a random moment, in virtual time");
    let noticed = draws(|world| {
        world.block(Way::ToServer);
        world.block(Way::ToClient);
    });
    within(&noticed, 0.0, 61.0);
    fault.times(DRAWS as u32);
    fault.spread("silence both ways, virtual time", &noticed);
    fault.held(&["I6"]);
}

#[test]
fn fault_11_how_soon_silence_towards_the_server_is_noticed() {
    let fault = matrix::row(11, "a black hole towards our server at a random moment, in virtual time");
    let noticed = draws(|world| world.block(Way::ToServer));
    within(&noticed, 0.0, 61.0);
    fault.times(DRAWS as u32);
    fault.spread("silence towards the server, which tells the client, virtual time", &noticed);
    fault.held(&["I6"]);
}

#[test]
fn fault_12_how_soon_silence_towards_the_client_is_noticed() {
    let fault = matrix::row(12, "a black hole towards the client at a random moment, in virtual time");
    let noticed = draws(|world| world.block(Way::ToClient));
    within(&noticed, 0.0, 61.0);
    fault.times(DRAWS as u32);
    fault.spread("silence towards the client, virtual time", &noticed);
    fault.held(&["I6"]);
}

#[test]
fn fault_08_how_soon_a_frozen_server_is_noticed() {
    let fault = matrix::row(8, "the server stands still from a random moment on, in virtual time");
    let noticed = draws(|world| world.stop_server(true));
    within(&noticed, 0.0, 61.0);
    fault.times(DRAWS as u32);
    fault.spread("a frozen server, virtual time", &noticed);
    fault.held(&["I6"]);
}

#[test]
fn fault_32_how_soon_a_connection_that_died_in_sleep_is_noticed() {
    let fault =
        matrix::row(32, "asleep for one minute to eight hours while the connection dies, in virtual time");
    let mut draw = Backoff::new(32);
    let noticed = draws(|world| {
        world.block(Way::ToServer);
        world.block(Way::ToClient);
        let asleep = draw.between(Duration::from_secs(60), Duration::from_secs(8 * 3600));
        world.now = world.now + asleep;
        // What the driver does when its clock has jumped.
        world.link.probe(world.now);
    });
    within(&noticed, 0.0, 6.0);
    fault.times(DRAWS as u32);
    fault.spread("dead after a sleep, from the wake on, virtual time", &noticed);
    fault.held(&["I6"]);
}

/// From the death to the end of the connection, for as many random moments of its life.
fn draws(mut kill: impl FnMut(&mut Virtual)) -> Vec<Duration> {
    let mut draw = Backoff::new(10);
    (0..DRAWS)
        .map(|seed| {
            let mut world = Virtual::online(seed);
            world.pass(draw.between(Duration::ZERO, Duration::from_secs(120)).as_secs_f64());
            assert!(world.is_online());
            kill(&mut world);
            let dead = world.now;
            while matches!(world.link.state(), State::Online { .. }) {
                assert!(world.now.since(dead) < Duration::from_secs(120), "never noticed, seed {seed}");
                world.pass(0.01);
            }
            world.now.since(dead)
        })
        .collect()
}

fn within(noticed: &[Duration], least: f64, most: f64) {
    let out = noticed.iter().find(|time| !(least..=most).contains(&time.as_secs_f64()));
    assert!(out.is_none(), "{out:?}");
}

#[tokio::test]
async fn fault_13_how_soon_a_reset_is_noticed() {
    let fault = matrix::row(13, "the proxy resets an idle socket, in real time");
    let noticed = kernels_word(Ending::Reset).await;
    fault.times(noticed.len() as u32);
    fault.spread("a reset (RST), real time", &noticed);
    fault.held(&["I6", "I10"]);
}

#[tokio::test]
async fn fault_14_how_soon_an_end_is_noticed() {
    let fault = matrix::row(14, "the proxy ends an idle socket, in real time");
    let noticed = kernels_word(Ending::Closed).await;
    fault.times(noticed.len() as u32);
    fault.spread("an end (FIN), real time", &noticed);
    fault.held(&["I6", "I10"]);
}

/// From the death to the status that says so.
async fn kernels_word(ending: Ending) -> Vec<Duration> {
    let mut noticed = Vec::new();
    for which in BOTH {
        let world = World::protected(which).await;
        for _ in 0..10 {
            let shown = world.desk.record().trays.len();
            let dead = Instant::now();
            world.chaos.cut_sockets(0, ending);
            let what = "the status to say so";
            world
                .desk
                .recording
                .until(what, |record| {
                    record.trays[shown..].iter().any(|tray| tray.status == Status::Offline).then_some(())
                })
                .await;
            noticed.push(dead.elapsed());
            world.back().await;
        }
    }
    noticed
}

#[cfg(feature = "long")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_10_how_soon_silence_is_noticed_in_real_time() {
    real_silence(10, "a black hole both ways, real times", |world| world.chaos.black_hole()).await;
}

#[cfg(feature = "long")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_11_how_soon_silence_towards_the_server_is_noticed_in_real_time() {
    use support::chaos::Way;
    real_silence(11, "a black hole towards the server, real times", |world| world.chaos.block(Way::ToServer))
        .await;
}

#[cfg(feature = "long")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_12_how_soon_silence_towards_the_client_is_noticed_in_real_time() {
    use support::chaos::Way;
    real_silence(12, "a black hole towards the client, real times", |world| world.chaos.block(Way::ToClient))
        .await;
}

/// Twenty computers at once, each with its own moment.
#[cfg(feature = "long")]
async fn real_silence(row: u8, injected: &str, kill: impl Fn(&World) + Copy + Send + Sync + 'static) {
    let fault = matrix::row(row, &format!("{injected}, 20 computers"));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20_u64 {
        tasks.spawn(async move {
            // The record is read seldom: it has nothing to do with the link's own silence.
            let world = World::with(
                BOTH[number as usize % 2],
                support::desk::Desk::with(support::desk::quick_pace()),
            )
            .await;
            tokio::time::sleep(Duration::from_millis(number * 3_000)).await;
            let dead = Instant::now();
            kill(&world);
            while world.desk.status().await.status != Status::Offline {
                assert!(
                    dead.elapsed() < Duration::from_secs(61 + 30),
                    "still {:?}",
                    world.desk.status().await
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let noticed = dead.elapsed();
            let missed = world.server.publish(1).await;
            world.chaos.clear();
            world.back().await;
            world.until_exactly(&[missed]).await;
            noticed
        });
    }
    let noticed = tasks.join_all().await;
    fault.times(20);
    fault.spread(injected, &noticed);
    fault.held(&["I1", "I2", "I6", "I10"]);
}
