//! Both ends of the protocol against each other over a small simulated network: delay, black holes, resets, a server
//! that stands still, restarts or loses power. All in virtual time.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test's helpers are tests too")]

mod log;
mod network;
mod server_log;

use std::time::Duration;

use network::{Way, World};
use proptest::prelude::*;
use visionguard_proto::link::State;
use visionguard_proto::{Backoff, Cause};

const DEAD_WITHIN: f64 = 61.0;

#[test]
fn an_alert_arrives_and_the_server_learns_that_it_is_stored() {
    let mut world = World::online(1);

    world.publish("a");
    world.pass(1.0);

    assert_eq!(world.received, [(1, "a".to_owned())]);
    assert_eq!(world.acknowledged, ["a"]);
}

#[test]
fn a_quiet_day_passes_without_a_single_reconnect() {
    let mut world = World::online(1);

    world.pass(24.0 * 3600.0);

    assert_eq!((world.attempts.len(), world.is_online(), world.live_sessions()), (1, true, 1));
}

#[test]
fn on_a_slow_and_uneven_network_nobody_is_taken_for_dead() {
    let mut world = World::online(1);
    let mut draw = Backoff::new(9);
    world.delay = Box::new(move || draw.between(Duration::from_millis(100), Duration::from_millis(3_900)));

    for number in 0..100 {
        world.publish(&number.to_string());
        world.pass(36.0);
    }

    assert_eq!(world.attempts.len(), 1);
    assert_eq!(world.acknowledged.len(), 100);
}

#[test]
fn a_half_open_connection_is_found_within_61_seconds_and_replaced() {
    let mut world = World::online(1);
    world.block(Way::ToServer);
    world.block(Way::ToClient);

    world.pass(DEAD_WITHIN);
    assert_eq!(world.ends.last().unwrap().1, Cause::Silent);
    world.heal();
    world.pass(30.0);

    assert!(world.is_online());
    world.publish("a");
    world.pass(1.0);
    assert_eq!(world.acknowledged, ["a"]);
}

#[test]
fn a_way_that_only_fails_towards_the_client_is_found_by_the_client() {
    let mut world = World::online(1);
    world.block(Way::ToClient);

    world.pass(DEAD_WITHIN);

    assert_eq!(world.ends.last().unwrap().1, Cause::Silent);
}

#[test]
fn a_way_that_only_fails_towards_the_server_is_found_by_the_server() {
    let mut world = World::online(1);
    world.block(Way::ToServer);

    world.pass(DEAD_WITHIN);

    assert_eq!(world.ends.last().unwrap().1, Cause::Closed(4010));
}

#[test]
fn a_server_that_stands_still_for_ninety_seconds_is_left_and_found_again() {
    let mut world = World::online(1);
    world.publish("before");
    world.pass(1.0);

    world.stop_server(true);
    world.pass(90.0);
    assert_eq!(world.ends[0].1, Cause::Silent);
    world.stop_server(false);
    world.pass(60.0);
    world.publish("after");
    world.pass(1.0);

    let ids: Vec<&str> = world.received.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(ids, ["before", "after"]);
    assert_eq!(world.live_sessions(), 1);
}

#[test]
fn after_a_restart_the_client_is_back_within_a_second_and_a_half() {
    for seed in 0..50 {
        let mut world = World::online(seed);
        world.pass(9.0);

        world.restart_server(0.1);
        world.pass(1.4);

        assert!(world.is_online(), "seed {seed}: {:?}", world.link.state());
    }
}

#[test]
fn a_server_that_lost_power_and_was_replaced_is_noticed_by_the_next_ping() {
    let mut world = World::online(1);

    world.crash_server();
    world.pass(32.0);

    assert_eq!(world.ends[0].1, Cause::Lost);
    assert!(world.is_online());
    assert_eq!(world.live_sessions(), 1);
}

#[test]
fn a_reset_connection_is_replaced_within_the_first_wait() {
    let mut world = World::online(1);

    world.reset();
    world.pass(1.1);

    assert!(world.is_online());
}

#[test]
fn a_reclaimed_slot_is_one_clean_close_and_one_connection() {
    let mut world = World::online(1);

    world.reclaim();
    world.pass(0.2);
    assert_eq!(world.live_sessions(), 0);
    world.pass(0.2);

    assert_eq!((world.live_sessions(), world.attempts.len()), (1, 2));
}

#[test]
fn while_the_server_is_away_for_an_hour_attempts_keep_to_the_backoff() {
    let mut world = World::online(3);
    world.listening = false;
    world.reset();

    world.pass(3600.0);

    let gaps: Vec<Duration> = world.attempts.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(gaps[12..].iter().all(|gap| *gap >= Duration::from_secs(15)), "{gaps:?}");
    assert!(gaps.iter().skip(1).all(|gap| *gap <= Duration::from_secs(31)), "{gaps:?}");
}

#[derive(Debug, Clone)]
enum Fault {
    Nothing,
    BlackHole(Option<Way>),
    Reset,
    Crash,
    Restart,
    Away,
    StandStill,
    Reclaim,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_network_did_two_minutes_after_it_healed_alerts_arrive_once_and_are_acknowledged(
        seed: u64,
        faults in proptest::collection::vec((faults(), 0.0..150.0_f64), 1..12),
    ) {
        let mut world = World::online(seed);
        for (number, (fault, seconds)) in faults.into_iter().enumerate() {
            strike(&mut world, &fault);
            world.publish(&format!("during-{number}"));
            for _ in 0..(seconds as u32) {
                world.pass(1.0);
                silence_is_bounded(&world)?;
            }
            world.heal();
            world.listening = true;
            world.stop_server(false);
        }

        world.pass(120.0);
        prop_assert!(world.is_online(), "{:?}", world.link.state());
        world.publish("after");
        world.pass(1.0);

        prop_assert_eq!(world.live_sessions(), 1);
        prop_assert!(world.acknowledged.contains(&"after".to_owned()));
        let mut seen = std::collections::HashSet::new();
        prop_assert!(world.received.iter().all(|received| seen.insert(received.clone())), "{:?}", world.received);
    }
}

fn strike(world: &mut World, fault: &Fault) {
    match fault {
        Fault::Nothing => {}
        Fault::BlackHole(Some(way)) => world.block(*way),
        Fault::BlackHole(None) => {
            world.block(Way::ToServer);
            world.block(Way::ToClient);
        }
        Fault::Reset => world.reset(),
        Fault::Crash => world.crash_server(),
        Fault::Restart => world.restart_server(0.5),
        Fault::Away => {
            world.listening = false;
            world.reset();
        }
        Fault::StandStill => world.stop_server(true),
        Fault::Reclaim => world.reclaim(),
    }
}

fn silence_is_bounded(world: &World) -> Result<(), TestCaseError> {
    if let State::Online { heard_at, .. } = *world.link.state() {
        prop_assert!(world.now.since(heard_at).as_secs_f64() <= DEAD_WITHIN);
    }
    Ok(())
}

fn faults() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Nothing),
        Just(Fault::BlackHole(Some(Way::ToServer))),
        Just(Fault::BlackHole(Some(Way::ToClient))),
        Just(Fault::BlackHole(None)),
        Just(Fault::Reset),
        Just(Fault::Crash),
        Just(Fault::Restart),
        Just(Fault::Away),
        Just(Fault::StandStill),
        Just(Fault::Reclaim),
    ]
}
