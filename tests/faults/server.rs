//! The server's faults: killed, restarted, frozen; a whole crowd that returns at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use support::desk::{Desk, quick_link, quick_pace};
use support::process::{Credentials, Watch, until_stored};
use support::{matrix, wait};
use visionguard_client::view::Status;
use visionguard_proto::Backoff;

use crate::process::{Pipeline, Process};
use crate::world::{self, BOTH, EMAIL, PASSWORD, Server, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_03_the_server_is_killed_while_it_works() {
    let fault = matrix::row(3, "kill -9 at a random moment while four pipelines publish");
    let rounds = 12;
    let mut draw = Backoff::new(3);
    let mut server = Process::start().await;
    let desk = desk_at(server.address).await;
    let mut accepted = Vec::new();

    for _ in 0..rounds {
        let publishing = Publishing::start(server.pipeline(), 4);
        tokio::time::sleep(draw.between(Duration::from_millis(30), Duration::from_millis(400))).await;
        server.kill();
        accepted.extend(publishing.stop().await);
        server.resume().await;
        desk.client.retry_now();
        desk.until_status(Status::Protected).await;
    }

    let recorded = server.record().await;
    assert!(accepted.iter().all(|id| recorded.contains(id)), "what was accepted is not in the record");
    assert!(accepted.len() > 20, "only {} alerts: nothing is proven", accepted.len());
    world::exactly(&desk, &recorded).await;
    world::notified_once(&desk);
    fault.times(rounds);
    fault.measured("alerts accepted, recorded, lost", format!("{}, {}, 0", accepted.len(), recorded.len()));
    fault.held(&["I1", "I2", "I3", "I10"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_04_client_and_server_are_killed_together() {
    let fault =
        matrix::row(4, "kill -9 of both programs while four pipelines publish, returning in either order");
    let rounds = 6;
    let mut draw = Backoff::new(4);
    let mut server = Process::start().await;
    let computer = tempfile::tempdir().unwrap();
    let credentials = Credentials::owner(&format!("http://{}", server.address));
    let watch = || Watch::start(computer.path(), &credentials);
    let mut watching = watch();
    let mut accepted = Vec::new();

    for round in 0..rounds {
        watching.until_status("protected").await;
        let publishing = Publishing::start(server.pipeline(), 4);
        tokio::time::sleep(draw.between(Duration::from_millis(30), Duration::from_millis(400))).await;
        watching.kill();
        server.kill();
        accepted.extend(publishing.stop().await);
        if round % 2 == 0 {
            watching = watch();
            server.resume().await;
        } else {
            server.resume().await;
            watching = watch();
        }
    }

    let recorded = server.record().await;
    assert!(accepted.iter().all(|id| recorded.contains(id)), "what was accepted is not in the record");
    until_stored(computer.path(), &recorded).await;
    assert!(!watching.has_ended());
    fault.times(rounds);
    fault.measured("alerts accepted, recorded, lost", format!("{}, {}, 0", accepted.len(), recorded.len()));
    fault.held(&["I1", "I3", "I11"]);
}

#[tokio::test]
async fn fault_06_the_server_restarts_again_and_again() {
    let restarts = if cfg!(feature = "long") { 30 } else { 4 };
    let fault = matrix::row(6, "closed with 1012 and started again, every ten seconds");
    for which in BOTH {
        // Real times: the first second after a goodbye is what is measured.
        let mut world = World::with(which, Desk::with(quick_pace())).await;
        let mut back = Vec::new();
        let mut ids = Vec::new();
        for person in 1..=restarts {
            tokio::time::sleep(Duration::from_secs(10)).await;
            ids.push(world.server.publish(person).await);
            world.desk.until_alerts(u32::from(person)).await;
            let before = world.chaos.requests("/ws/alerts/");

            world.server.stop().await;
            let said = Instant::now();
            world.server.resume().await;
            wait::until("a new socket", || (world.chaos.requests("/ws/alerts/") > before).then_some(()))
                .await;
            wait::until("its registration", || (world.server.registered() == 1).then_some(())).await;
            back.push(said.elapsed());
        }

        world.until_exactly(&ids).await;
        back.sort();
        assert!(back[back.len() - 1] < Duration::from_secs(30), "{back:?}");
        fault.spread(&format!("back after a restart, {which:?} server"), &back);
    }
    fault.times(2 * u32::from(restarts));
    fault.held(&["I1", "I2", "I7"]);
}

#[tokio::test]
async fn fault_08_the_server_freezes() {
    freeze(Duration::from_secs(9), Desk::with_link(quick_pace(), quick_link()), "; times cut to a tenth")
        .await;
}

#[cfg(feature = "long")]
#[tokio::test]
async fn fault_08_the_server_freezes_for_90_seconds() {
    freeze(Duration::from_secs(90), Desk::with(support::desk::real_pace()), "").await;
}

async fn freeze(time: Duration, desk: Desk, how: &str) {
    let fault = matrix::row(8, &format!("SIGSTOP for {} s, then SIGCONT{how}", time.as_secs()));
    let server = Process::start().await;
    desk.sign_in(&format!("http://{}", server.address), EMAIL, PASSWORD).await.unwrap();
    desk.until_status(Status::Protected).await;
    let pipeline = server.pipeline();
    let mut ids = vec![pipeline.insist(1).await];
    desk.until_alerts(1).await;

    server.program.as_ref().unwrap().signal("STOP");
    let frozen = Instant::now();
    let publishing = tokio::spawn({
        let pipeline = pipeline.clone();
        async move { pipeline.insist(2).await }
    });
    let deadline = frozen + time;
    while desk.status().await.reason != "silent" {
        assert!(Instant::now() < deadline + wait::PATIENCE, "still {:?}", desk.status().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let noticed = frozen.elapsed();
    tokio::time::sleep_until((frozen + time).into()).await;
    server.program.as_ref().unwrap().signal("CONT");
    ids.push(publishing.await.unwrap());
    desk.client.retry_now();
    desk.until_status(Status::Protected).await;
    ids.push(pipeline.insist(3).await);

    world::exactly(&desk, &ids).await;
    world::notified_once(&desk);
    fault.measured("noticed after", format!("{:.1} s", noticed.as_secs_f64()));
    fault.held(&["I1", "I2", "I6", "I10"]);
}

#[tokio::test]
async fn fault_09_the_client_freezes() {
    let injected = "SIGSTOP for 10 s, then SIGCONT; the server's patience cut to 3 s";
    client_freezes(Duration::from_secs(10), Duration::from_secs(3), injected).await;
}

#[cfg(feature = "long")]
#[tokio::test]
async fn fault_09_the_client_freezes_for_two_minutes() {
    client_freezes(Duration::from_secs(120), Duration::from_secs(60), "SIGSTOP for 120 s, then SIGCONT")
        .await;
}

async fn client_freezes(time: Duration, dead_after: Duration, injected: &str) {
    let fault = matrix::row(9, injected);
    let server = Server::ours(|config| {
        config.sockets.dead_after = dead_after;
        config.sockets.ping_every = dead_after / 2;
    })
    .await;
    let computer = tempfile::tempdir().unwrap();
    let credentials = Credentials::owner(&format!("http://{}", server.address()));
    let watch = Watch::start(computer.path(), &credentials);
    watch.until_status("protected").await;
    let mut ids = vec![server.publish(1).await];
    until_stored(computer.path(), &ids).await;

    watch.signal("STOP");
    let frozen = Instant::now();
    ids.push(server.publish(2).await);
    while server.registered() > 0 {
        assert!(frozen.elapsed() < dead_after + wait::PATIENCE, "the server keeps it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let dropped = frozen.elapsed();
    ids.push(server.publish(3).await);
    tokio::time::sleep_until((frozen + time).into()).await;
    watch.signal("CONT");
    let thawed = Instant::now();
    wait::until("the client to return", || (server.registered() == 1).then_some(())).await;
    let back = thawed.elapsed();
    ids.push(server.publish(4).await);

    until_stored(computer.path(), &ids).await;
    // It was last heard up to half of that before it froze.
    assert!(dropped >= dead_after / 3, "dropped after {dropped:?}");
    fault.measured("dropped after", format!("{:.1} s", dropped.as_secs_f64()));
    fault.measured("back after the thaw", format!("{:.1} s", back.as_secs_f64()));
    fault.held(&["I1", "I6", "I12"]);
}

/// A computer in a hurry that is protected, behind a proxy that does nothing.
async fn desk_at(address: SocketAddr) -> Desk {
    let desk = Desk::with_link(quick_pace(), quick_link());
    desk.sign_in(&format!("http://{address}"), EMAIL, PASSWORD).await.unwrap();
    desk.until_status(Status::Protected).await;
    desk
}

/// Pipelines that publish until they are stopped.
struct Publishing {
    stop: Arc<AtomicBool>,
    pipelines: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Publishing {
    fn start(pipeline: Pipeline, count: u16) -> Publishing {
        let stop = Arc::new(AtomicBool::new(false));
        let pipelines = (0..count)
            .map(|number| {
                let (stop, pipeline) = (Arc::clone(&stop), pipeline.clone());
                tokio::spawn(async move {
                    let mut accepted = Vec::new();
                    let mut round = 0;
                    while !stop.load(Ordering::Relaxed) {
                        // A request that was cut off is nobody's promise.
                        let Some(id) = pipeline.publish(number * 10 + round % 10).await else { break };
                        accepted.push(id);
                        round += 1;
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    accepted
                })
            })
            .collect();
        Publishing { stop, pipelines }
    }

    /// What was accepted.
    async fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut accepted = Vec::new();
        for pipeline in self.pipelines {
            accepted.extend(pipeline.await.unwrap());
        }
        accepted
    }
}
