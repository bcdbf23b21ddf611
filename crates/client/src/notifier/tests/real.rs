//! Real notification services, restarted under us.

use zbus::blocking::{Connection, Proxy};

use super::desktop::another_program_notifies;
use super::*;
use crate::notifier::abilities::view;
use crate::notifier::desk::follow;

#[test]
fn case_50_and_51_dunst_restarts_and_another_program_s_popup_is_left_alone() {
    let name = "real::case_50_and_51_dunst_restarts_and_another_program_s_popup_is_left_alone";
    on_a_private_bus(name, Screen::Virtual, || a_restart_touches_nobody(Real::dunst));
}

#[test]
fn case_50_and_51_xfce4_notifyd_restarts_and_another_program_s_popup_is_left_alone() {
    let name = "real::case_50_and_51_xfce4_notifyd_restarts_and_another_program_s_popup_is_left_alone";
    on_a_private_bus(name, Screen::Virtual, || a_restart_touches_nobody(Real::xfce));
}

#[test]
fn case_50_and_51_mate_s_daemon_restarts_and_another_program_s_popup_is_left_alone() {
    let name = "real::case_50_and_51_mate_s_daemon_restarts_and_another_program_s_popup_is_left_alone";
    on_a_private_bus(name, Screen::Virtual, || a_restart_touches_nobody(Real::mate));
}

#[test]
fn case_54_dunst_shows_nothing_any_more_once_it_was_answered() {
    let name = "real::case_54_dunst_shows_nothing_any_more_once_it_was_answered";
    on_a_private_bus(name, Screen::Virtual, || {
        let _dunst = Real::dunst();
        let world = World::start();
        world.notifier.notify(Notification { critical: true, ..incident("7", "1") });
        assert_eq!(world.outcome(), shown("7", "1"));
        wait_until("dunst displays it", || displayed() == 1);

        world.outcome_while(|| dunstctl(&["action"]));

        wait_until("dunst displays nothing", || displayed() == 0);
    });
}

#[test]
fn case_53_what_was_closed_at_dunst_stays_closed() {
    on_a_private_bus("real::case_53_what_was_closed_at_dunst_stays_closed", Screen::Virtual, || {
        let _dunst = Real::dunst();
        let world = World::start();
        world.notifier.notify(incident("7", "1"));
        assert_eq!(world.outcome(), shown("7", "1"));
        wait_until("dunst displays it", || displayed() == 1);
        dunstctl(&["close"]);
        wait_until("dunst displays nothing", || displayed() == 0);
        world.settle();

        world.notifier.notify(incident("7", "2"));

        assert_eq!(world.outcome(), shown("7", "2"));
        world.settle();
        assert_eq!(displayed(), 1, "nothing but what settles");
    });
}

#[test]
fn no_sound_is_made_while_dunst_is_paused() {
    on_a_private_bus("real::no_sound_is_made_while_dunst_is_paused", Screen::Virtual, || {
        let _dunst = Real::dunst();
        let (report, outcomes) = channel();
        let sounds = Noted::on(true);
        let home = tempfile::tempdir().unwrap();
        let notifier =
            Notifier::start_sounding(home.path(), move |outcome| drop(report.send(outcome)), sounds.clone())
                .unwrap();
        let raise = |id: &str| {
            notifier.notify(Notification { sound: true, ..incident(id, "1") });
            assert_eq!(outcomes.recv_timeout(Duration::from_secs(60)).unwrap(), shown(id, "1"));
        };

        dunstctl(&["set-paused", "true"]);
        raise("7");
        dunstctl(&["set-paused", "false"]);
        raise("8");
        wait_until("the second one sounds", || !sounds.played().is_empty());
        notifier.end(Duration::from_secs(60));

        assert_eq!(sounds.played(), [false]);
    });
}

/// Our number goes to another program's popup; ours is raised anew, and all that we do is done to ours.
fn a_restart_touches_nobody(start: fn() -> Real) {
    let before = start();
    let world = World::start();
    for id in ["7", "8"] {
        world.notifier.notify(Notification { critical: true, ..incident(id, "1") });
        assert_eq!(world.outcome(), shown(id, "1"));
    }
    drop(before);

    let _after = start();
    let other = Connection::session().unwrap();
    let (name, path) = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications");
    let service = Proxy::new(&other, name, path, name).unwrap();
    let mut closed = service.receive_signal("NotificationClosed").unwrap();
    let numbers: Vec<u32> = (0..3).map(|_| another_program_notifies(&other)).collect();

    world.notifier.withdraw("7");
    world.notifier.notify(Notification { critical: true, ..incident("8", "2") });
    assert_eq!(world.outcome(), shown("8", "2"));
    world.notifier.end(Duration::from_secs(60));

    // What was closed until now is told before this one is.
    let last = another_program_notifies(&other);
    service.call_method("CloseNotification", &last).unwrap();
    let told = closed.by_ref().map(|signal| signal.body().deserialize::<(u32, u32)>().unwrap().0);
    let before_it: Vec<u32> = told.take_while(|number| *number != last).collect();
    assert!(numbers.iter().all(|number| !before_it.contains(number)), "{numbers:?} in {before_it:?}");
}

#[test]
fn case_62_what_popups_can_do_follows_whoever_shows_them() {
    let name = "real::case_62_what_popups_can_do_follows_whoever_shows_them";
    on_a_private_bus(name, Screen::Virtual, || {
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(follow(move |service| {
                let _ = tell.send(view(service.as_ref()));
            }));
        });
        let next = || told.recv_timeout(DEADLINE * 4).expect("it is told");

        assert!(next().sentence.starts_with("No program shows notifications"));
        let dunst = Real::dunst();
        let without_buttons = next();
        assert!(!without_buttons.buttons);
        assert!(without_buttons.sentence.contains("dunstctl context"), "{}", without_buttons.sentence);
        drop(dunst);
        assert!(next().sentence.starts_with("No program shows notifications"));
        let _xfce = Real::xfce();
        let with_buttons = next();

        assert!(with_buttons.buttons && with_buttons.sentence.contains("buttons to acknowledge"));
    });
}
