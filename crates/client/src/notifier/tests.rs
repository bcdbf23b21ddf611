//! Against a notification service that can be questioned, and against real ones, on a session bus of their own.

mod cases;
mod desktop;
mod real;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::shell::{Buttons, Notification, Outcome};

use super::{DEADLINE, Notifier, Sounds, ask};
use desktop::{Mock, Real, Screen, displayed, dunstctl, on_a_private_bus};

/// An ordinary picture.
const JPEG: &[u8] = include_bytes!("../../../picture/tests/corpus/baseline_420.jpg");

#[test]
fn words_picture_and_buttons_reach_the_service() {
    on_a_private_bus("words_picture_and_buttons_reach_the_service", Screen::None, || {
        let mock = Mock::start();
        let world = World::start();

        world.notifier.notify(Notification {
            title: "Theft pattern, high".into(),
            body: "Aisle 3 <b>&\u{202e} now".into(),
            picture: Some(Bytes::from_static(JPEG)),
            sound: true,
            critical: true,
            ..incident("7", "1")
        });

        assert_eq!(world.outcome(), shown("7", "1"));
        let call = mock.notifications().remove(0);
        assert_eq!(call.title, "Theft pattern, high");
        assert_eq!(call.body, "Aisle 3 &lt;b&gt;&amp; now");
        assert_eq!(
            call.actions,
            ["ack", "Acknowledge", "view", "View", "snooze", "Snooze 15 min", "default", ""]
        );
        assert_eq!(call.hint("urgency"), "byte 0x02");
        assert_eq!(call.hint("sound-name"), "dialog-warning");
        assert_eq!(call.expires, 0, "a critical one stays");
        let picture = PathBuf::from(call.hint("image-path"));
        assert_eq!(fs::read(&picture).unwrap(), JPEG);
        assert_eq!(fs::metadata(&picture).unwrap().permissions().mode() & 0o777, 0o600);
    });
}

#[test]
fn a_click_and_each_button_come_back() {
    on_a_private_bus("a_click_and_each_button_come_back", Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        let actions = [
            ("default", Outcome::Opened { id: "default".into() }),
            ("view", Outcome::Opened { id: "view".into() }),
            ("ack", Outcome::Acknowledged { id: "ack".into() }),
            ("snooze", Outcome::Snoozed { id: "snooze".into() }),
        ];
        for (number, (action, expected)) in (1..).zip(actions) {
            world.notifier.notify(incident(action, "1"));
            assert_eq!(world.outcome(), shown(action, "1"));

            let came_back = world.outcome_while(|| mock.press(number, action));

            assert_eq!(came_back, expected);
        }
    });
}

#[test]
fn the_next_one_of_the_same_id_takes_the_first_ones_place() {
    on_a_private_bus("the_next_one_of_the_same_id_takes_the_first_ones_place", Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        let picture = Some(Bytes::from_static(JPEG));

        world.notifier.notify(Notification { picture: picture.clone(), ..incident("7", "1") });
        assert_eq!(world.outcome(), shown("7", "1"));
        world.notifier.notify(Notification { picture, title: "3 alerts".into(), ..incident("7", "2") });
        assert_eq!(world.outcome(), shown("7", "2"));

        let calls = mock.notifications();
        assert_eq!((calls[0].replaces, calls[1].replaces), (0, 1));
        assert_eq!(calls[1].title, "3 alerts");
        wait_until("the first picture is removed", || !PathBuf::from(calls[0].hint("image-path")).exists());
        assert!(PathBuf::from(calls[1].hint("image-path")).exists());
        let came_back = world.outcome_while(|| mock.press(1, "ack"));
        assert_eq!(came_back, Outcome::Acknowledged { id: "7".into() });
    });
}

#[test]
fn a_withdrawn_notification_is_closed_and_its_picture_removed() {
    on_a_private_bus("a_withdrawn_notification_is_closed_and_its_picture_removed", Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        world.notifier.notify(Notification { picture: Some(Bytes::from_static(JPEG)), ..incident("7", "1") });
        assert_eq!(world.outcome(), shown("7", "1"));

        world.notifier.withdraw("7");

        wait_until("the service was told", || mock.count("CloseNotification") == 1);
        wait_until("the picture is removed", || world.pictures() == 0);
    });
}

#[test]
fn what_the_person_closed_is_not_brought_back_by_an_update_unless_it_becomes_critical() {
    let name = "what_the_person_closed_is_not_brought_back_by_an_update_unless_it_becomes_critical";
    on_a_private_bus(name, Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        world.notifier.notify(Notification { picture: Some(Bytes::from_static(JPEG)), ..incident("7", "1") });
        assert_eq!(world.outcome(), shown("7", "1"));
        wait_until("the closing arrived", || {
            mock.dismiss(1);
            world.pictures() == 0
        });
        world.notifier.withdraw("7");

        world.notifier.notify(incident("7", "2"));
        assert_eq!(world.outcome(), shown("7", "2"));
        assert_eq!(mock.notifications().len(), 1);

        world.notifier.notify(Notification { critical: true, ..incident("7", "3") });
        assert_eq!(world.outcome(), shown("7", "3"));
        assert_eq!(mock.notifications().len(), 2);
    });
}

#[test]
fn without_a_service_it_fails_at_once_and_works_when_one_appears() {
    on_a_private_bus("without_a_service_it_fails_at_once_and_works_when_one_appears", Screen::None, || {
        let world = World::start();

        world.notifier.notify(incident("7", "1"));

        let why = world.failure("7", "1");
        assert!(why.starts_with("No program on this desktop shows notifications."), "{why}");
        assert_eq!(asked().unwrap_err(), why);

        let mock = Mock::start();
        world.notifier.notify(incident("7", "1"));
        assert_eq!(world.outcome(), shown("7", "1"));
        assert_eq!(mock.notifications().len(), 1);
        assert!(asked().unwrap().actions);
    });
}

#[test]
fn a_frozen_service_costs_five_seconds_holds_up_nobody_and_recovers() {
    on_a_private_bus(
        "a_frozen_service_costs_five_seconds_holds_up_nobody_and_recovers",
        Screen::None,
        || {
            let mock = Mock::start();
            let world = World::start();
            world.notifier.notify(incident("1", "1"));
            assert_eq!(world.outcome(), shown("1", "1"));

            mock.freeze();
            let began = Instant::now();
            world.notifier.notify(incident("2", "2"));
            for number in 0..1_000 {
                world.notifier.notify(incident("storm", &number.to_string()));
            }
            assert!(began.elapsed() < DEADLINE, "notify waited for the service");

            let why = world.failure("2", "2");
            assert_eq!(why, "The desktop's notification service did not answer within 5 seconds.");
            assert!(began.elapsed() >= DEADLINE);
            for number in 0..1_000 {
                world.failure("storm", &number.to_string());
            }

            mock.thaw();
            world.notifier.notify(incident("3", "3"));
            assert_eq!(world.outcome(), shown("3", "3"));
            let calls = mock.notifications();
            assert!(calls.iter().all(|call| call.title != "storm"), "a storm was sent to a frozen service");

            world.notifier.notify(incident("2", "4"));
            assert_eq!(world.outcome(), shown("2", "4"));
            let last = mock.notifications().pop().unwrap();
            assert_eq!(last.replaces, 2, "the one that came up late is replaced, not doubled");
        },
    );
}

#[test]
fn a_service_that_refuses_is_quoted() {
    on_a_private_bus("a_service_that_refuses_is_quoted", Screen::None, || {
        let mock = Mock::start();
        let world = World::start();
        mock.refuse();

        world.notifier.notify(incident("7", "1"));

        let why = world.failure("7", "1");
        assert!(why.contains("too many notifications"), "{why}");
    });
}

#[test]
fn a_service_that_was_replaced_gets_a_notification_of_its_own() {
    on_a_private_bus("a_service_that_was_replaced_gets_a_notification_of_its_own", Screen::None, || {
        let world = World::start();
        let first = Mock::start();
        world.notifier.notify(incident("7", "1"));
        assert_eq!(world.outcome(), shown("7", "1"));
        drop(first);

        let second = Mock::start();
        world.notifier.notify(incident("7", "2"));

        assert_eq!(world.outcome(), shown("7", "2"));
        assert_eq!(second.notifications()[0].replaces, 0);
    });
}

#[test]
fn dunst_shows_it_and_a_click_opens_the_incident() {
    on_a_private_bus("dunst_shows_it_and_a_click_opens_the_incident", Screen::Virtual, || {
        let _dunst = Real::dunst();
        let world = World::start();

        world.notifier.notify(incident("7", "1"));
        assert_eq!(world.outcome(), shown("7", "1"));
        wait_until("dunst displays it", || displayed() == 1);

        let came_back = world.outcome_while(|| dunstctl(&["action"]));
        assert_eq!(came_back, Outcome::Opened { id: "7".into() });
    });
}

#[test]
fn everything_is_taken_back_when_the_program_ends() {
    on_a_private_bus("everything_is_taken_back_when_the_program_ends", Screen::Virtual, || {
        let _dunst = Real::dunst();
        let world = World::start();
        world.notifier.notify(incident("7", "1"));
        world.notifier.notify(incident("8", "2"));
        assert_eq!([world.outcome(), world.outcome()], [shown("7", "1"), shown("8", "2")]);

        drop(world.notifier);

        wait_until("dunst displays nothing", || displayed() == 0);
    });
}

/// A notifier and what it reports.
struct World {
    notifier: Notifier,
    outcomes: Receiver<Outcome>,
    home: tempfile::TempDir,
}

impl World {
    fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    fn start_in(home: tempfile::TempDir) -> Self {
        let (report, outcomes) = channel();
        let notifier = Notifier::start(home.path(), move |outcome| drop(report.send(outcome))).unwrap();
        Self { notifier, outcomes, home }
    }

    /// The program is killed: nobody takes anything back.
    fn killed(self) -> tempfile::TempDir {
        std::mem::forget(self.notifier);
        self.home
    }

    /// Everything that was told so far has been worked through: the next one is not told before.
    fn settle(&self) {
        self.notifier.notify(Notification { buttons: Buttons::Open, ..incident("settle", "settle") });
        assert_eq!(self.outcome(), shown("settle", "settle"), "nothing else came back");
    }

    /// What became of a notification, or what the person did with it; not what went besides.
    fn outcome(&self) -> Outcome {
        loop {
            let outcome = self.outcomes.recv_timeout(Duration::from_secs(60));
            let outcome = outcome.expect("an outcome within a minute");
            if !is_gone(&outcome) {
                return outcome;
            }
        }
    }

    /// What went next from the screen.
    fn gone(&self) -> Outcome {
        loop {
            let outcome = self.outcomes.recv_timeout(Duration::from_secs(60));
            let outcome = outcome.expect("something goes within a minute");
            if is_gone(&outcome) {
                return outcome;
            }
        }
    }

    /// The service does not repeat an answer that comes before somebody listens for it, so it is given until it is heard.
    fn outcome_while(&self, give: impl Fn()) -> Outcome {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            give();
            if let Ok(outcome) = self.outcomes.recv_timeout(Duration::from_millis(200))
                && !is_gone(&outcome)
            {
                return outcome;
            }
            assert!(Instant::now() < until, "no outcome within a minute");
        }
    }

    fn failure(&self, id: &str, alert: &str) -> String {
        let outcome = self.outcome();
        if let Outcome::Failed { id: failed, alert: Some(of), why } = &outcome
            && failed == id
            && of == alert
        {
            return why.clone();
        }
        panic!("{outcome:?} in place of the failure of {id}, {alert}")
    }

    fn pictures(&self) -> usize {
        let files = fs::read_dir(self.home.path()).unwrap().flatten();
        files.filter(|file| file.path().extension().is_some_and(|extension| extension == "jpg")).count()
    }
}

fn is_gone(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Closed { .. } | Outcome::Over { .. } | Outcome::Lost { .. })
}

fn asked() -> Result<super::Service, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(ask())
}

fn incident(id: &str, alert: &str) -> Notification {
    Notification {
        id: id.into(),
        alert: Some(alert.into()),
        title: id.into(),
        body: "Aisle 3, 14:02".into(),
        picture: None,
        sound: false,
        critical: false,
        buttons: Buttons::Incident,
        in_place_of: None,
    }
}

fn shown(id: &str, alert: &str) -> Outcome {
    Outcome::Shown { id: id.into(), alert: Some(alert.into()) }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < until, "waited a minute until {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// Notes what is to be heard, of a computer with a sound output or without.
struct Noted {
    can_play: bool,
    played: Mutex<Vec<bool>>,
}

impl Noted {
    fn on(can_play: bool) -> Arc<Self> {
        Arc::new(Self { can_play, played: Mutex::default() })
    }

    /// Whether each was that of a critical notification.
    fn played(&self) -> Vec<bool> {
        self.played.lock().unwrap().clone()
    }
}

impl Sounds for Noted {
    fn can_play(&self) -> bool {
        self.can_play
    }

    fn play(&self, critical: bool) {
        self.played.lock().unwrap().push(critical);
    }
}
