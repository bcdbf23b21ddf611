//! A server whose messages, record and log do not go together.

use support::backend::{Detection, Halves};
use support::desk::{Desk, quick_link, quick_pace};
use support::{matrix, wait};
use visionguard_client::view::Status;
use visionguard_proto::Backoff;

use crate::world::{STREAM, Server, Which, World};

/// What the faulty server does with the messages of one detection.
const WAYS: [Way; 6] =
    [Way::Once, Way::Twice, Way::LateAgain, Way::Reversed, Way::FirstHalfMissing, Way::Missing];

#[derive(Debug, Clone, Copy)]
enum Way {
    Once,
    Twice,
    /// Once now, and all over again at the end.
    LateAgain,
    /// The second half before the first.
    Reversed,
    FirstHalfMissing,
    /// Neither half: only the record has it.
    Missing,
}

#[tokio::test]
async fn fault_19_repeated_reordered_and_missing_messages() {
    let fault = matrix::row(19, "the double repeats, reverses and leaves out messages, drawn from a seed");
    let (seed, alerts) = (19, 60);
    let mut draw = Backoff::new(seed);
    let world = World::with(Which::Original, Desk::with_link(quick_pace(), quick_link())).await;
    let Server::Original { backend, user, shop } = &world.server else { panic!("not the original") };
    let mut ids = Vec::new();
    let mut again = Vec::new();

    for person in 1..=alerts {
        let way = draw.between(std::time::Duration::ZERO, std::time::Duration::from_secs(WAYS.len() as u64));
        let detection = Detection::new(user, shop, STREAM).person(person).frame_number(30 * person);
        let only = |halves| detection.clone().halves(halves);
        let id = match WAYS[way.as_secs() as usize % WAYS.len()] {
            Way::Once => backend.detect(detection.clone()),
            Way::Twice => {
                let id = backend.detect(detection.clone());
                backend.repeat(&detection, &id);
                id
            }
            Way::LateAgain => {
                let id = backend.detect(detection.clone());
                again.push((detection.clone(), id.clone()));
                id
            }
            Way::Reversed => {
                let id = backend.detect(only(Halves::NotificationAlone));
                backend.repeat(&only(Halves::DetectionAlone), &id);
                id
            }
            Way::FirstHalfMissing => backend.detect(only(Halves::NotificationAlone)),
            Way::Missing => backend.detect(only(Halves::Neither)),
        };
        ids.push(id);
    }
    world.until_alerts(ids.len() as u16).await;
    for (detection, id) in &again {
        backend.repeat(detection, id);
    }

    world.until_exactly(&ids).await;
    fault.times(alerts as u32);
    fault.measured("detections repeated at the end", format!("{}, seed {seed}", again.len()));
    fault.held(&["I1", "I2"]);
}

#[tokio::test]
async fn fault_21_the_client_moves_between_two_servers_that_do_not_know_of_each_other() {
    let fault = matrix::row(
        21,
        "a copy of our server's data served elsewhere; the proxy leads to the one, then to the other",
    );
    let mut world = World::protected(Which::Ours).await;
    let mut ids = vec![world.server.publish(1).await];
    world.until_alerts(1).await;
    world.server.stop().await;
    let Server::Ours(here) = &mut world.server else { panic!("not ours") };
    let there = Server::Ours(Box::new(here.copy().await));
    here.resume().await;
    world.until_alerts(1).await;

    for (person, leads_there) in [(2, false), (3, true), (4, false), (5, true), (6, false)] {
        let server = if leads_there { &there } else { &world.server };
        // Published while the client is on its way: the two logs give the same place to different alerts.
        ids.push(server.publish(person).await);
        world.chaos.set_upstream(server.address());
        world.chaos.reset();
        world.until_alerts(person).await;
    }

    world.until_exactly(&ids).await;
    fault.times(5);
    fault.held(&["I1", "I2"]);
}

#[tokio::test]
async fn fault_22_the_servers_log_is_lost() {
    let fault =
        matrix::row(22, "our server is set back to a copy of its data: what followed is gone from its log");
    let mut world = World::protected(Which::Ours).await;
    let mut ids = vec![world.server.publish(1).await];
    world.until_alerts(1).await;
    world.server.stop().await;
    let Server::Ours(ours) = &mut world.server else { panic!("not ours") };
    let backup = ours.copy_data();
    ours.resume().await;
    for person in 2..=4 {
        ids.push(world.server.publish(person).await);
    }
    world.until_alerts(4).await;

    world.server.stop().await;
    let Server::Ours(ours) = &mut world.server else { panic!("not ours") };
    ours.restore(&backup);
    ours.resume().await;
    for person in 5..=6 {
        ids.push(world.server.publish(person).await);
    }
    world.until_alerts(6).await;
    ids.push(world.server.publish(7).await);

    world.until_exactly(&ids).await;
    // Rows 2 to 4 are gone there for good, which whoever runs it should know.
    until_gap(&world, |gap| gap.is_some_and(|sentence| sentence.contains("3 alerts fewer"))).await;
    fault.held(&["I1", "I2", "I4"]);
}

#[tokio::test]
async fn fault_23_the_client_was_away_for_longer_than_the_log_reaches_back() {
    let fault = matrix::row(23, "40 alerts while the client is away from a log that keeps 5");
    let server = Server::ours(|config| config.log.alerts = 5).await;
    let mut world = World::of(server, Desk::with_link(quick_pace(), quick_link())).await;
    let mut ids = vec![world.server.publish(1).await];
    world.until_alerts(1).await;

    world.server.stop().await;
    world.desk.until_status(Status::Offline).await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    world.chaos.set_upstream(nobody);
    world.server.resume().await;
    for person in 2..=41 {
        ids.push(world.server.publish(person).await);
    }
    world.chaos.set_upstream(world.server.address());
    world.until_alerts(41).await;
    ids.push(world.server.publish(42).await);

    world.until_exactly(&ids).await;
    until_no_gap(&world).await;
    fault.times(40);
    fault.held(&["I1", "I2", "I4"]);
}

/// Waits until the record has filled whatever the log could not.
async fn until_no_gap(world: &World) {
    until_gap(world, |gap| gap.is_none()).await;
}

/// Waits until what is said of a gap, or that nothing is, is as wanted.
async fn until_gap(world: &World, is_wanted: impl Fn(Option<&str>) -> bool) {
    let deadline = tokio::time::Instant::now() + wait::PATIENCE;
    loop {
        let notices = world.desk.client.snapshot().await.notices;
        let gap = notices.iter().find(|notice| notice.code == "possible_gap");
        if is_wanted(gap.map(|notice| notice.sentence.as_str())) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{notices:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
