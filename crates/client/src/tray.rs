//! The tray as data, from the status and the counts. Pure: the same input gives the same tray, menu and icon.
//!
//! On Linux the item on the session bus and who draws it are here too; elsewhere the window system has a tray of its own.

#[cfg(target_os = "linux")]
pub mod host;
#[cfg(target_os = "linux")]
mod icons;
#[cfg(target_os = "linux")]
pub mod item;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::status;
use crate::view::{Counts, Status, StatusView, Tray, TrayCamera};
use crate::words::text;

/// What the person can choose in the menu.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Choice {
    Open,
    Retry,
    Drill,
    /// A camera, by the id of its stream, is not to interrupt for a while.
    Snooze(String),
    EndSnoozes,
    Quit,
}

/// A line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The status in words; nothing happens.
    Status(String),
    Choice {
        choice: Choice,
        label: String,
        enabled: bool,
    },
    /// A menu of its own; one without lines is disabled.
    Menu {
        label: String,
        lines: Vec<Line>,
    },
    Separator,
}

/// The cameras that the tray can do something about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cameras {
    /// How many are snoozed.
    pub snoozed: usize,
    /// Those of the newest incidents, as far as they are not.
    pub newest: Vec<TrayCamera>,
}

/// What the tray shows.
pub fn tray(status: &StatusView, counts: Counts, cameras: Cameras, signed_in: bool, zone: &TimeZone) -> Tray {
    let status_line = status_line(status, zone);
    let tooltip = match counts.unseen {
        0 => text("tray.tooltip", &[("status", &status_line)]),
        unseen => text("tray.tooltip_unseen", &[("status", &status_line), ("unseen", &unseen.to_string())]),
    };
    let (tooltip, status_line) = (plain(&tooltip), plain(&status_line));
    Tray {
        status: status.status,
        unseen: counts.unseen,
        tooltip,
        status_line,
        signed_in,
        snoozed: cameras.snoozed,
        cameras: cameras.newest,
        unhandled: counts.unhandled,
    }
}

/// The menu from top to bottom. The status is first: where a click opens the menu, it is all that says it in words.
pub fn menu(tray: &Tray) -> Vec<Line> {
    let choice = |choice, key, enabled| Line::Choice { choice, label: text(key, &[]), enabled };
    vec![
        Line::Status(tray.status_line.clone()),
        Line::Choice { choice: Choice::Open, label: open(tray.unhandled), enabled: true },
        choice(Choice::Retry, "tray.retry", can_retry(tray)),
        choice(Choice::Drill, "tray.drill", can_drill(tray)),
        Line::Menu { label: text("tray.snooze", &[]), lines: to_snooze(tray) },
        choice(Choice::EndSnoozes, "tray.end_snoozes", tray.snoozed > 0),
        Line::Separator,
        choice(Choice::Quit, "tray.quit", true),
    ]
}

fn to_snooze(tray: &Tray) -> Vec<Line> {
    let cameras = tray.cameras.iter().filter(|_| tray.signed_in);
    let line = |camera: &TrayCamera| Line::Choice {
        choice: Choice::Snooze(camera.id.clone()),
        label: plain(&camera.name),
        enabled: true,
    };
    cameras.map(line).collect()
}

fn open(unhandled: u32) -> String {
    match unhandled {
        0 => text("tray.open", &[]),
        count => text("tray.open_unhandled", &[("count", &count.to_string())]),
    }
}

/// The name of the icon: the status by its shape, and whether something is not yet seen.
pub fn icon(tray: &Tray) -> &'static str {
    match (tray.status, tray.unseen > 0) {
        (Status::Protected, false) => "protected",
        (Status::Protected, true) => "protected-unread",
        (Status::CatchingUp, false) => "catching-up",
        (Status::CatchingUp, true) => "catching-up-unread",
        (Status::Deaf, false) => "deaf",
        (Status::Deaf, true) => "deaf-unread",
        (Status::Offline, false) => "offline",
        (Status::Offline, true) => "offline-unread",
        (Status::SignedOut, false) => "signed-out",
        (Status::SignedOut, true) => "signed-out-unread",
    }
}

fn can_retry(tray: &Tray) -> bool {
    match tray.status {
        Status::Offline | Status::Deaf => tray.signed_in,
        Status::Protected | Status::CatchingUp | Status::SignedOut => false,
    }
}

/// Without a connection there is nothing to test.
fn can_drill(tray: &Tray) -> bool {
    match tray.status {
        Status::Protected | Status::CatchingUp | Status::Deaf => tray.signed_in,
        Status::Offline | Status::SignedOut => false,
    }
}

/// Some hosts read titles and tooltips as markup, some show them as they are, and one that expects markup shows nothing
/// where it meets a bare "&". These look the same everywhere.
fn plain(text: &str) -> String {
    text.replace('&', "\u{ff06}").replace('<', "\u{2039}").replace('>', "\u{203a}")
}

fn status_line(status: &StatusView, zone: &TimeZone) -> String {
    let since = clock(status.since, zone);
    match status.status {
        Status::Protected => match status.record_every.filter(|_| status::needs_no_place(&status.reason)) {
            Some(every) => text("tray.protected_by_record", &[("seconds", &every.to_string())]),
            None => text("tray.protected", &[]),
        },
        Status::CatchingUp => text("tray.catching_up", &[]),
        Status::Deaf => text("tray.deaf", &[("since", &since)]),
        Status::Offline => match status.record_every {
            Some(_) => text("tray.offline_fetched", &[("since", &since)]),
            None => text("tray.offline", &[("since", &since)]),
        },
        Status::SignedOut => text("tray.signed_out", &[]),
    }
}

/// Hours and minutes as the wall clock of this zone shows them.
fn clock(at: i64, zone: &TimeZone) -> String {
    match Timestamp::from_millisecond(at) {
        Ok(at) => at.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_says_since_when_and_how_many_are_not_seen() {
        let status = status(Status::Offline);

        let tray = tray(
            &status,
            Counts { unseen: 2, ..Counts::default() },
            Cameras::default(),
            true,
            &TimeZone::UTC,
        );

        assert_eq!(tray.tooltip, "VisionGuard: Offline since 13:10, 2 not seen");
        assert_eq!(tray.status_line, "Offline since 13:10");
    }

    #[test]
    fn all_is_well_in_one_word() {
        let tray =
            tray(&status(Status::Protected), Counts::default(), Cameras::default(), true, &TimeZone::UTC);

        assert_eq!(tray.tooltip, "VisionGuard: Protected");
    }

    #[test]
    fn case_05_alerts_that_come_by_the_record_have_words_of_their_own() {
        let by = |reason: &str| StatusView {
            reason: reason.to_owned(),
            record_every: Some(15),
            ..status(Status::Protected)
        };
        let line = |status: &StatusView| {
            tray(status, Counts::default(), Cameras::default(), true, &TimeZone::UTC).status_line
        };

        assert_eq!(line(&by("protected_by_record")), "Protected, by the record, every 15 s");
        assert_eq!(line(&by("protected_unsaid")), "Protected, by the record, every 15 s");
        assert_eq!(line(&by("protected_by_both")), "Protected");
    }

    #[test]
    fn case_57_the_menu_s_first_line_is_the_status() {
        let tray =
            tray(&status(Status::Offline), Counts::default(), Cameras::default(), true, &TimeZone::UTC);

        let menu = menu(&tray);

        assert_eq!(menu[0], Line::Status("Offline since 13:10".to_owned()));
    }

    #[test]
    fn what_is_not_handled_is_counted_in_the_menu_and_a_snooze_can_be_ended_there() {
        let of = |unhandled, snoozed| {
            let counts = Counts { unhandled, ..Counts::default() };
            let menu = menu(&tray(
                &status(Status::Protected),
                counts,
                Cameras { snoozed, ..Cameras::default() },
                true,
                &TimeZone::UTC,
            ));
            let labels = menu.into_iter().filter_map(|line| match line {
                Line::Choice { choice: Choice::Open | Choice::EndSnoozes, label, enabled } => {
                    Some((label, enabled))
                }
                Line::Status(_) | Line::Choice { .. } | Line::Menu { .. } | Line::Separator => None,
            });
            labels.collect::<Vec<_>>()
        };

        let (open, end) = ("Open VisionGuard".to_owned(), "End all snoozes".to_owned());
        assert_eq!(of(0, 0), [(open, true), (end.clone(), false)]);
        assert_eq!(of(3, 2), [("Open VisionGuard (3 not handled)".to_owned(), true), (end, true)]);
    }

    #[test]
    fn a_camera_of_the_newest_incidents_can_be_snoozed_there() {
        let of = |signed_in| {
            let newest = vec![TrayCamera { id: "4e16".to_owned(), name: "Till & door".to_owned() }];
            let cameras = Cameras { snoozed: 0, newest };
            let status = status(Status::Protected);
            menu(&tray(&status, Counts::default(), cameras, signed_in, &TimeZone::UTC)).into_iter().find_map(
                |line| match line {
                    Line::Menu { label, lines } => Some((label, lines)),
                    Line::Status(_) | Line::Choice { .. } | Line::Separator => None,
                },
            )
        };

        let camera = Line::Choice {
            choice: Choice::Snooze("4e16".to_owned()),
            label: "Till \u{ff06} door".to_owned(),
            enabled: true,
        };
        assert_eq!(of(true), Some(("Snooze for 15 min".to_owned(), vec![camera])));
        assert_eq!(of(false), Some(("Snooze for 15 min".to_owned(), vec![])));
    }

    #[test]
    fn without_a_connection_it_is_tried_again_and_not_tested() {
        let enabled = |of: Status, wanted: Choice| {
            let tray = tray(&status(of), Counts::default(), Cameras::default(), true, &TimeZone::UTC);
            menu(&tray)
                .iter()
                .any(|line| matches!(line, Line::Choice { choice, enabled: true, .. } if *choice == wanted))
        };

        assert!(enabled(Status::Offline, Choice::Retry) && !enabled(Status::Offline, Choice::Drill));
        assert!(!enabled(Status::Protected, Choice::Retry) && enabled(Status::Protected, Choice::Drill));
    }

    #[test]
    fn case_59_nothing_in_it_is_markup_to_a_host_that_reads_markup() {
        assert_eq!(plain("Aisle 3 & 4 <3"), "Aisle 3 \u{ff06} 4 \u{2039}3");
        assert_eq!(plain("Offline since 13:10, 2 not seen"), "Offline since 13:10, 2 not seen");
    }

    fn status(status: Status) -> StatusView {
        StatusView {
            status,
            reason: "lost".to_owned(),
            sentence: "The connection was lost.".to_owned(),
            since: 13 * 3_600_000 + 10 * 60_000,
            heard_at: None,
            next_attempt_at: None,
            record_every: None,
            remedy: None,
        }
    }
}
