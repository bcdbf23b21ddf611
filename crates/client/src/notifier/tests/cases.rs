//! What services do that the specification does not say, done by one that can be questioned.

use super::*;
use crate::policy::COUNTER;

#[test]
fn case_50_an_action_on_another_program_s_popup_is_not_ours_after_the_service_restarted() {
    let name = "cases::case_50_an_action_on_another_program_s_popup_is_not_ours_after_the_service_restarted";
    on_a_private_bus(name, Screen::None, || {
        let first = Mock::start();
        let world = World::start();
        world.notifier.notify(incident("7", "1"));
        assert_eq!(world.outcome(), shown("7", "1"));
        drop(first);

        let second = Mock::start();
        assert_eq!(second.another_program_notifies(), 1, "the number that was ours");
        second.press(1, "ack");
        second.dismiss(1);
        world.settle();
        world.notifier.notify(Notification { critical: true, ..incident("7", "2") });

        assert_eq!(world.outcome(), shown("7", "2"));
        let last = second.notifications().pop().unwrap();
        assert_eq!(
            (last.replaces, last.title.as_str()),
            (0, "7"),
            "raised anew at the service that runs now"
        );
        assert_eq!(world.outcome_while(|| second.press(3, "ack")), Outcome::Acknowledged { id: "7".into() });
    });
}

#[test]
fn case_50_an_ordinary_incident_is_raised_anew_too() {
    on_a_private_bus("cases::case_50_an_ordinary_incident_is_raised_anew_too", Screen::None, || {
        let first = Mock::start();
        let world = World::start();
        world.notifier.notify(incident("7", "1"));
        assert_eq!(world.outcome(), shown("7", "1"));
        first.closed(1, 4);
        drop(first);

        let second = Mock::start();
        world.notifier.notify(incident("7", "2"));

        assert_eq!(world.outcome(), shown("7", "2"));
        assert_eq!(second.notifications().len(), 1, "what a service closes as it ends was not put away");
    });
}

#[test]
fn case_50_a_signal_of_anybody_else_is_not_the_service_s() {
    on_a_private_bus("cases::case_50_a_signal_of_anybody_else_is_not_the_service_s", Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        world.notifier.notify(incident("7", "1"));
        assert_eq!(world.outcome(), shown("7", "1"));

        let other = zbus::blocking::Connection::session().unwrap();
        let (name, path) = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications");
        other.emit_signal(None::<&str>, path, name, "ActionInvoked", &(1_u32, "ack")).unwrap();
        world.settle();

        assert_eq!(world.outcome_while(|| mock.press(1, "view")), Outcome::Opened { id: "7".into() });
    });
}

#[test]
fn case_51_a_number_of_an_earlier_service_is_neither_replaced_nor_closed() {
    let name = "cases::case_51_a_number_of_an_earlier_service_is_neither_replaced_nor_closed";
    on_a_private_bus(name, Screen::None, || {
        let first = Mock::start();
        let world = World::start();
        for id in ["7", "8", "9"] {
            world.notifier.notify(incident(id, "1"));
            assert_eq!(world.outcome(), shown(id, "1"));
        }
        drop(first);

        let second = Mock::start();
        let others: Vec<u32> = (0..3).map(|_| second.another_program_notifies()).collect();
        assert_eq!(others, [1, 2, 3], "the numbers that were ours");
        world.notifier.withdraw("7");
        world.notifier.notify(incident("8", "2"));
        assert_eq!(world.outcome(), shown("8", "2"));
        world.notifier.end(Duration::from_secs(60));

        assert!(second.notifications().iter().all(|call| call.replaces == 0));
        assert_eq!(second.closings(), [4], "ours alone");
    });
}

#[test]
fn case_53_a_close_that_we_did_not_ask_for_is_a_dismissal_whatever_the_reason() {
    let name = "cases::case_53_a_close_that_we_did_not_ask_for_is_a_dismissal_whatever_the_reason";
    on_a_private_bus(name, Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        for (number, reason) in [(1, 1), (3, 2), (5, 3), (7, 4)] {
            let id = reason.to_string();
            world.notifier.notify(incident(&id, "1"));
            assert_eq!(world.outcome(), shown(&id, "1"));
            mock.closed(number, reason);
            world.settle();

            world.notifier.notify(incident(&id, "2"));

            assert_eq!(world.outcome(), shown(&id, "2"));
            assert_eq!(mock.notifications().iter().filter(|call| call.title == id).count(), 1, "{reason}");
            world.notifier.withdraw("settle");
        }
    });
}

#[test]
fn what_we_took_back_is_no_dismissal() {
    on_a_private_bus("cases::what_we_took_back_is_no_dismissal", Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        world.notifier.notify(incident("7", "1"));
        assert_eq!(world.outcome(), shown("7", "1"));
        world.notifier.withdraw("7");
        wait_until("it is closed", || mock.closings() == [1]);
        mock.dismiss(1);
        world.settle();

        world.notifier.notify(incident("7", "2"));

        assert_eq!(world.outcome(), shown("7", "2"));
        assert_eq!(mock.notifications().iter().filter(|call| call.title == "7").count(), 2);
    });
}

#[test]
fn case_54_what_was_answered_is_closed_by_us() {
    on_a_private_bus("cases::case_54_what_was_answered_is_closed_by_us", Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        for (number, action) in (1..).zip(["ack", "view", "default"]) {
            world.notifier.notify(Notification { critical: true, ..incident(action, "1") });
            assert_eq!(world.outcome(), shown(action, "1"));

            world.outcome_while(|| mock.press(number, action));

            wait_until("it is closed", || mock.closings().contains(&number));
        }
    });
}

#[test]
fn case_56_lxqt_gets_the_one_hint_that_it_draws_and_notify_osd_an_icon() {
    let name = "cases::case_56_lxqt_gets_the_one_hint_that_it_draws_and_notify_osd_an_icon";
    on_a_private_bus(name, Screen::None, || {
        let world = World::start();
        let picture = Some(Bytes::from_static(JPEG));

        let lxqt = Mock::start_as("lxqt-notificationd");
        world.notifier.notify(Notification { picture: picture.clone(), ..incident("7", "1") });
        assert_eq!(world.outcome(), shown("7", "1"));
        let at_lxqt = lxqt.notifications().remove(0);
        assert_eq!(fs::read(at_lxqt.hint("image_path")).unwrap(), JPEG);
        drop(lxqt);
        let osd = Mock::start_as("notify-osd");
        world.notifier.notify(Notification { picture, critical: true, ..incident("7", "2") });
        assert_eq!(world.outcome(), shown("7", "2"));
        let at_osd = osd.notifications().remove(0);

        assert!(!at_lxqt.has_hint("image-path"), "beside it no picture is drawn");
        assert_eq!(fs::read(&at_osd.icon).unwrap(), JPEG);
        assert_eq!((at_osd.actions.len(), at_osd.expires), (0, -1), "either would open a dialog");
    });
}

#[test]
fn case_60_an_incident_stands_and_its_updates_do_not_bring_it_back() {
    let name = "cases::case_60_an_incident_stands_and_its_updates_do_not_bring_it_back";
    on_a_private_bus(name, Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        world.notifier.notify(incident("7", "1"));
        assert_eq!(world.outcome(), shown("7", "1"));
        assert_eq!(mock.notifications()[0].expires, 0, "it stands");
        world.notifier.notify(incident("7", "2"));
        assert_eq!(world.outcome(), shown("7", "2"));
        assert_eq!(mock.notifications()[1].replaces, 1);

        mock.closed(1, 1);
        world.settle();
        for alert in ["3", "4"] {
            world.notifier.notify(incident("7", alert));
            assert_eq!(world.outcome(), shown("7", alert));
        }
        assert_eq!(mock.notifications().iter().filter(|call| call.title == "7").count(), 2);
        world.notifier.notify(Notification { critical: true, ..incident("7", "5") });
        assert_eq!(world.outcome(), shown("7", "5"));

        assert_eq!(mock.notifications().iter().filter(|call| call.title == "7").count(), 3, "it is worse");
    });
}

#[test]
fn case_61_a_click_has_no_label_where_buttons_are_drawn_and_one_where_they_are_not() {
    let name = "cases::case_61_a_click_has_no_label_where_buttons_are_drawn_and_one_where_they_are_not";
    on_a_private_bus(name, Screen::None, || {
        let world = World::start();
        let mut seen = Vec::new();
        for service in ["Xfce Notify Daemon", "lxqt-notificationd", "dunst", "mako"] {
            let mock = Mock::start_as(service);
            world.notifier.notify(incident(service, "1"));
            assert_eq!(world.outcome(), shown(service, "1"));
            seen.push(mock.notifications().remove(0).actions);
        }

        let drawn = ["ack", "Acknowledge", "view", "View", "snooze", "Snooze 15 min", "default", ""];
        let listed = ["ack", "Acknowledge", "snooze", "Snooze 15 min", "default", "View"];
        // Of three it makes a list to choose from.
        let two = ["ack", "Acknowledge", "view", "View", "default", ""];
        assert_eq!(
            (&seen[0][..], &seen[1][..]),
            (&drawn.map(str::to_owned)[..], &two.map(str::to_owned)[..])
        );
        assert_eq!(seen[2..], [listed, listed]);
    });
}

#[test]
fn case_63_a_killed_program_s_popups_are_taken_back_at_the_next_start() {
    let name = "cases::case_63_a_killed_program_s_popups_are_taken_back_at_the_next_start";
    on_a_private_bus(name, Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        for id in ["7", "8", "9"] {
            world.notifier.notify(incident(id, "1"));
            assert_eq!(world.outcome(), shown(id, "1"));
        }
        world.notifier.withdraw("8");
        wait_until("it is closed", || mock.closings() == [2]);
        let home = world.killed();

        let _again = World::start_in(home);

        wait_until("those that stood are closed", || {
            let mut closed = mock.closings();
            closed.sort_unstable();
            closed == [1, 2, 3]
        });
    });
}

#[test]
fn one_in_another_s_place_is_drawn_there_and_answered_as_itself() {
    on_a_private_bus(
        "cases::one_in_another_s_place_is_drawn_there_and_answered_as_itself",
        Screen::None,
        || {
            let mock = Mock::start();
            let world = World::start();
            world.notifier.notify(incident("7", "1"));
            assert_eq!(world.outcome(), shown("7", "1"));

            world.notifier.notify(Notification { in_place_of: Some("7".into()), ..incident("8", "2") });
            assert_eq!(world.outcome(), shown("8", "2"));
            world.notifier.withdraw("7");
            world.settle();
            let closed = mock.closings();
            let came_back = world.outcome_while(|| mock.press(1, "ack"));

            let replaced: Vec<_> = mock.notifications().iter().map(|call| call.replaces).take(2).collect();
            assert_eq!((replaced, closed), (vec![0, 1], Vec::new()));
            assert_eq!(came_back, Outcome::Acknowledged { id: "8".into() });
        },
    );
}

#[test]
fn what_went_from_the_screen_is_told() {
    on_a_private_bus("cases::what_went_from_the_screen_is_told", Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        for id in ["7", "8"] {
            world.notifier.notify(incident(id, "1"));
            assert_eq!(world.outcome(), shown(id, "1"));
        }

        mock.dismiss(1);
        let closed = world.gone();
        drop(mock);

        assert_eq!(closed, Outcome::Closed { id: "7".into() });
        assert!(matches!(world.gone(), Outcome::Lost { .. }));
    });
}

#[test]
fn the_one_that_counts_stands_and_is_taken_back_after_a_kill_like_the_others() {
    let name = "cases::the_one_that_counts_stands_and_is_taken_back_after_a_kill_like_the_others";
    on_a_private_bus(name, Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        let counter = || Notification { buttons: Buttons::Open, alert: None, ..incident(COUNTER, "") };
        let is_shown = Outcome::Shown { id: COUNTER.into(), alert: None };
        for _ in 0..2 {
            world.notifier.notify(counter());
            assert_eq!(world.outcome(), is_shown);
        }
        let calls = mock.notifications();
        let home = world.killed();

        let _again = World::start_in(home);

        wait_until("it is closed", || mock.closings() == [1]);
        assert_eq!((calls[1].replaces, calls[1].expires), (1, 0));
    });
}

#[test]
fn case_63_nothing_is_touched_where_the_service_is_another() {
    on_a_private_bus("cases::case_63_nothing_is_touched_where_the_service_is_another", Screen::None, || {
        let first = Mock::start();
        let world = World::start();
        world.notifier.notify(incident("7", "1"));
        assert_eq!(world.outcome(), shown("7", "1"));
        let home = world.killed();
        drop(first);
        let second = Mock::start();
        assert_eq!(second.another_program_notifies(), 1);

        let again = World::start_in(home);
        again.settle();

        assert!(second.closings().is_empty());
    });
}

#[test]
fn case_63_the_end_is_waited_for() {
    on_a_private_bus("cases::case_63_the_end_is_waited_for", Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        for id in ["7", "8"] {
            world.notifier.notify(incident(id, "1"));
            assert_eq!(world.outcome(), shown(id, "1"));
        }

        world.notifier.end(Duration::from_secs(60));

        let mut closed = mock.closings();
        closed.sort_unstable();
        assert_eq!(closed, [1, 2]);
        assert_eq!(fs::read_dir(world.home.path()).unwrap().count(), 0, "nothing is left to be taken back");
    });
}

#[test]
fn without_a_place_for_pictures_there_are_notifications_all_the_same() {
    let name = "cases::without_a_place_for_pictures_there_are_notifications_all_the_same";
    on_a_private_bus(name, Screen::None, || {
        let mock = Mock::start();
        let (report, outcomes) = channel();
        let nowhere = PathBuf::from("/dev/null/notifications");
        let notifier = Notifier::start(&nowhere, move |outcome| drop(report.send(outcome))).unwrap();

        notifier.notify(Notification { picture: Some(Bytes::from_static(JPEG)), ..incident("7", "1") });

        assert_eq!(outcomes.recv_timeout(Duration::from_secs(60)).unwrap(), shown("7", "1"));
        assert!(!mock.notifications()[0].has_hint("image-path"));
    });
}

#[test]
fn the_first_of_an_incident_rings_once_and_the_service_is_asked_to_keep_still() {
    let name = "cases::the_first_of_an_incident_rings_once_and_the_service_is_asked_to_keep_still";
    on_a_private_bus(name, Screen::None, || {
        let mock = Mock::start();
        let (report, outcomes) = channel();
        let sounds = Noted::on(true);
        let home = tempfile::tempdir().unwrap();
        let report = move |outcome| drop(report.send(outcome));
        let notifier = Notifier::start_sounding(home.path(), report, sounds.clone()).unwrap();

        for (alert, sound) in [("1", true), ("2", false), ("3", false)] {
            notifier.notify(Notification { sound, ..incident("7", alert) });
            assert_eq!(outcomes.recv_timeout(Duration::from_secs(60)).unwrap(), shown("7", alert));
        }
        notifier.end(Duration::from_secs(60));

        assert_eq!(sounds.played(), [false]);
        assert!(mock.notifications().iter().all(|call| call.hint("suppress-sound") == "true"));
        assert!(mock.notifications().iter().all(|call| !call.has_hint("sound-name")));
    });
}

#[test]
fn a_critical_one_has_a_sound_of_its_own() {
    on_a_private_bus("cases::a_critical_one_has_a_sound_of_its_own", Screen::None, || {
        let _mock = Mock::start();
        let (report, outcomes) = channel();
        let sounds = Noted::on(true);
        let home = tempfile::tempdir().unwrap();
        let report = move |outcome| drop(report.send(outcome));
        let notifier = Notifier::start_sounding(home.path(), report, sounds.clone()).unwrap();

        notifier.notify(Notification { sound: true, critical: true, ..incident("7", "1") });
        assert_eq!(outcomes.recv_timeout(Duration::from_secs(60)).unwrap(), shown("7", "1"));
        notifier.end(Duration::from_secs(60));

        assert_eq!(sounds.played(), [true]);
    });
}

#[test]
fn where_no_sound_of_ours_would_be_heard_the_service_is_asked_for_one() {
    let name = "cases::where_no_sound_of_ours_would_be_heard_the_service_is_asked_for_one";
    on_a_private_bus(name, Screen::None, || {
        let mock = Mock::start();
        let (report, outcomes) = channel();
        let sounds = Noted::on(false);
        let home = tempfile::tempdir().unwrap();
        let report = move |outcome| drop(report.send(outcome));
        let notifier = Notifier::start_sounding(home.path(), report, sounds.clone()).unwrap();

        for (alert, sound) in [("1", true), ("2", false)] {
            notifier.notify(Notification { sound, ..incident("7", alert) });
            assert_eq!(outcomes.recv_timeout(Duration::from_secs(60)).unwrap(), shown("7", alert));
        }
        notifier.end(Duration::from_secs(60));

        assert!(sounds.played().is_empty());
        let calls = mock.notifications();
        assert_eq!(calls[0].hint("sound-name"), "dialog-warning");
        assert!(!calls[0].has_hint("suppress-sound"));
        assert_eq!(calls[1].hint("suppress-sound"), "true");
    });
}
