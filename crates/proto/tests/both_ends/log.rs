//! Both ends of protocol 2.

use std::collections::HashSet;

use proptest::prelude::*;
use visionguard_proto::Cause;

use super::network::{Way, World};

#[test]
fn an_alert_arrives_once_and_its_place_is_acknowledged() {
    let mut world = World::following(1);

    world.publish("a");
    world.pass(1.0);

    assert_eq!(world.received, [(1, "a".to_owned())]);
    assert_eq!(world.acknowledged, ["a"]);
    assert_eq!(world.link.cursor(), Some(&world.log.as_ref().unwrap().head()));
}

#[test]
fn a_quiet_day_on_the_log_passes_without_a_single_reconnect() {
    let mut world = World::following(1);
    for hour in 0..24 {
        world.publish(&format!("at {hour}"));
        world.pass(3600.0);
    }

    assert_eq!((world.attempts.len(), world.is_online(), world.received.len()), (1, true, 24));
}

#[test]
fn what_was_published_while_the_connection_was_down_comes_once_and_in_order() {
    let mut world = World::following(1);
    world.publish("before");
    world.pass(1.0);

    world.reset();
    world.listening = false;
    let missed: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    for id in &missed {
        world.publish(id);
        world.pass(1.0);
    }
    world.listening = true;
    world.pass(60.0);

    assert_eq!(world.ids()[1..], missed);
    assert_eq!(world.gaps, 0);
}

#[test]
fn what_was_published_into_a_half_open_connection_comes_after_it() {
    let mut world = World::following(1);
    world.publish("before");
    world.pass(1.0);

    world.block(Way::ToServer);
    world.block(Way::ToClient);
    for id in ["a", "b", "c"] {
        world.publish(id);
        world.pass(10.0);
    }
    world.pass(40.0);
    assert_eq!(world.ends.last().unwrap().1, Cause::Silent);
    world.heal();
    world.pass(30.0);

    assert_eq!(world.ids(), ["before", "a", "b", "c"]);
}

#[test]
fn a_server_that_stood_still_goes_on_where_it_was() {
    let mut world = World::following(1);
    world.publish("before");
    world.pass(1.0);
    world.stop_server(true);
    world.publish("during");
    world.pass(90.0);

    world.stop_server(false);
    world.pass(60.0);
    world.publish("after");
    world.pass(1.0);

    assert_eq!(world.ids(), ["before", "during", "after"]);
    assert_eq!(world.live_sessions(), 1);
}

#[test]
fn a_restart_in_the_middle_of_fifty_alerts_loses_none_and_repeats_none() {
    for seed in 0..20 {
        let mut world = World::following(seed);
        world.publish("first");
        world.pass(10.0);

        for number in 0..50 {
            world.publish(&number.to_string());
            if number == 25 {
                world.restart_server(0.5);
            }
            world.pass(0.05);
        }
        world.pass(30.0);

        let wanted: Vec<String> =
            std::iter::once("first".to_owned()).chain((0..50).map(|number| number.to_string())).collect();
        assert_eq!(world.ids(), wanted, "seed {seed}");
    }
}

#[test]
fn a_lost_log_is_a_gap_and_live_alerts_go_on() {
    let mut world = World::following(1);
    world.publish("before");
    world.pass(1.0);

    world.wipe_log();
    world.publish("into the new log before the client is back");
    world.pass(40.0);
    assert_eq!(world.gaps, 1);
    world.link.compared();
    world.reset();
    world.pass(40.0);
    world.publish("after");
    world.pass(1.0);

    assert_eq!(world.gaps, 1);
    assert_eq!(world.ids(), ["before", "after"]);
}

#[test]
fn a_cursor_older_than_the_log_is_a_gap() {
    let mut world = World::following(1);
    world.publish("before");
    world.pass(1.0);
    world.reset();
    world.listening = false;
    for id in ["a", "b", "c"] {
        world.publish(id);
    }

    world.log.as_mut().unwrap().keep(1);
    world.listening = true;
    world.pass(40.0);

    assert_eq!((world.gaps, world.ids()), (1, vec!["before".to_owned()]));
}

#[test]
fn a_client_that_cannot_store_is_told_everything_all_the_same() {
    let mut world = World::following(1);
    world.disk_full = true;

    for number in 0..300 {
        world.publish(&number.to_string());
    }
    world.pass(600.0);

    let wanted: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    assert_eq!(world.ids(), wanted);
    assert!(world.acknowledged.is_empty());
}

#[test]
fn on_a_slow_network_nobody_is_taken_for_behind() {
    let mut world = World::following(1);
    let mut draw = visionguard_proto::Backoff::new(9);
    world.delay = Box::new(move || {
        draw.between(std::time::Duration::from_millis(100), std::time::Duration::from_millis(1_900))
    });

    for number in 0..100 {
        world.publish(&number.to_string());
        world.pass(7.0);
    }

    assert_eq!((world.attempts.len(), world.received.len()), (1, 100));
}

#[derive(Debug, Clone)]
enum Fault {
    Network(super::Fault),
    DiskFull,
    Wipe,
    Trim,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happened_every_alert_came_once_in_order_or_a_gap_was_told(
        seed: u64,
        faults in proptest::collection::vec((faults(), 0.0..150.0_f64), 1..12),
    ) {
        let mut world = World::following(seed);
        world.link.compared();
        let mut published = Vec::new();
        for (number, (fault, seconds)) in faults.into_iter().enumerate() {
            strike(&mut world, &fault);
            for part in 0..3 {
                let id = format!("{number}-{part}");
                world.publish(&id);
                published.push(id);
                world.pass(seconds / 3.0);
            }
            world.heal();
            world.listening = true;
            world.disk_full = false;
            world.stop_server(false);
        }

        world.pass(180.0);
        prop_assert!(world.is_online(), "{:?}", world.link.state());

        let received = world.ids();
        let mut seen = HashSet::new();
        prop_assert!(received.iter().all(|id| seen.insert(id.clone())), "twice: {received:?}");
        let mut in_order = published.iter();
        prop_assert!(received.iter().all(|id| in_order.any(|known| known == id)), "order: {received:?}");
        if world.gaps == 0 {
            prop_assert_eq!(received, published);
        }
    }
}

fn strike(world: &mut World, fault: &Fault) {
    match fault {
        Fault::Network(fault) => super::strike(world, fault),
        Fault::DiskFull => world.disk_full = true,
        Fault::Wipe => world.wipe_log(),
        Fault::Trim => world.log.as_mut().unwrap().keep(2),
    }
}

fn faults() -> impl Strategy<Value = Fault> {
    prop_oneof![
        20 => super::faults().prop_map(Fault::Network),
        2 => Just(Fault::DiskFull),
        1 => Just(Fault::Wipe),
        1 => Just(Fault::Trim),
    ]
}
