//! What the program that shows notifications does with them, out of what it says of itself: pure.
//!
//! The specification leaves much open and no service follows all of it; `docs/desktops.md` tells what each was seen to do.
//! What is not known by its name gets what the specification says.

use std::time::Duration;

/// A popup that stands as long as its incident goes on; the desk closes it.
const UNTIL_CLOSED: i32 = 0;
/// As long as the service has it.
const ITS_OWN: i32 = -1;

/// What a service does with a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manners {
    /// How its actions can be chosen.
    pub actions: Actions,
    /// Its do-not-disturb can be asked after, and how.
    pub quiet: Quiet,
    /// The hints in which it looks for a picture's file; one that it does not know can hide one that it knows.
    pub picture: &'static [&'static str],
    /// It takes the picture for the program's icon.
    pub picture_as_icon: bool,
    /// It closes what it is told to close.
    pub closes: bool,
    /// Milliseconds, as in `Notify`, of a popup that is to stand.
    pub standing: i32,
    /// After how long such a popup is gone, where it goes by itself and nobody is told.
    pub gone_after: Option<Duration>,
}

/// How a notification's actions can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actions {
    /// As buttons; a click is one, too.
    Buttons,
    /// The same as long as there are two: of more it makes a list to choose from.
    TwoButtons,
    /// A click opens; the others through a command of the service's own, which it names.
    Command(&'static str),
    /// Not at all: it is only looked at.
    None,
}

/// Where a service says that it was told not to disturb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quiet {
    /// The property `Inhibited` of the specification's own interface, where there is one.
    Inhibited,
    /// The property `paused` of dunst.
    Dunst,
    /// The property `/do-not-disturb` of the channel `xfce4-notifyd`.
    Xfconf,
    /// Its modes.
    Mako,
    /// Its control centre.
    Swaync,
    /// A key of `GSettings`, and the value of it that means quiet.
    GSettings(&'static str, &'static str, &'static str),
    /// A line of LXQt's settings.
    Lxqt,
}

impl Manners {
    /// Judges a service by its answers to `GetServerInformation` and `GetCapabilities`.
    #[must_use]
    pub fn of(name: &str, vendor: &str, spec: &str, has_actions: bool) -> Self {
        let plain = Self {
            actions: if has_actions { Actions::Buttons } else { Actions::None },
            quiet: Quiet::Inhibited,
            picture: if spec < "1.2" { &["image-path", "image_path"] } else { &["image-path"] },
            picture_as_icon: false,
            closes: true,
            standing: UNTIL_CLOSED,
            gone_after: None,
        };
        match (name, vendor) {
            ("dunst", _) => {
                Self { actions: Actions::Command("dunstctl context"), quiet: Quiet::Dunst, ..plain }
            }
            ("mako", _) => {
                Self { actions: Actions::Command("makoctl invoke ack"), quiet: Quiet::Mako, ..plain }
            }
            ("Xfce Notify Daemon", _) => Self { quiet: Quiet::Xfconf, ..plain },
            ("Notification Daemon", "MATE") => Self {
                quiet: Quiet::GSettings("org.mate.NotificationDaemon", "do-not-disturb", "true"),
                ..plain
            },
            // One that does not go by itself stays when it is closed, and hides all that come later.
            ("Notification Daemon", _) => {
                Self { closes: false, standing: ITS_OWN, gone_after: Some(Duration::from_secs(10)), ..plain }
            }
            ("gnome-shell", _) => Self {
                quiet: Quiet::GSettings("org.gnome.desktop.notifications", "show-banners", "false"),
                ..plain
            },
            // `image-path` beside it, and no picture is shown.
            ("lxqt-notificationd", _) => Self {
                actions: if has_actions { Actions::TwoButtons } else { Actions::None },
                quiet: Quiet::Lxqt,
                picture: &["image_path"],
                ..plain
            },
            // Buttons, and 0 for "until closed", make it open a dialog that takes the focus.
            ("notify-osd", _) => Self {
                actions: Actions::None,
                picture: &["image_path"],
                picture_as_icon: true,
                standing: ITS_OWN,
                ..plain
            },
            // 0 is "as usual" there: after ten seconds only the list has it.
            ("SwayNotificationCenter", _) => Self { quiet: Quiet::Swaync, standing: 86_400_000, ..plain },
            _ => plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_service_is_taken_at_its_word() {
        let with = Manners::of("somebody", "", "1.2", true);
        let without = Manners::of("somebody", "", "1.2", false);

        assert_eq!((with.actions, without.actions), (Actions::Buttons, Actions::None));
        assert_eq!((with.standing, with.closes, with.gone_after), (0, true, None));
        assert_eq!(with.picture, ["image-path"]);
        assert_eq!(Manners::of("somebody", "", "1.1", true).picture, ["image-path", "image_path"]);
    }

    #[test]
    fn case_62_services_that_list_actions_without_drawing_them_have_no_buttons() {
        let dunst = Manners::of("dunst", "knopwob", "1.2", true);
        let mako = Manners::of("mako", "emersion", "1.2", true);
        let notify_osd = Manners::of("notify-osd", "Canonical Ltd", "1.1", false);

        assert!(matches!(dunst.actions, Actions::Command(_)));
        assert!(matches!(mako.actions, Actions::Command(_)));
        assert_eq!(notify_osd.actions, Actions::None);
    }

    #[test]
    fn the_two_of_the_same_name_are_told_apart() {
        let mate = Manners::of("Notification Daemon", "MATE", "1.1", true);
        let gnome = Manners::of("Notification Daemon", "GNOME", "1.2", true);

        assert_eq!((mate.closes, mate.standing), (true, 0));
        assert_eq!((gnome.closes, gnome.standing), (false, -1));
    }

    #[test]
    fn case_56_each_picture_comes_in_a_hint_that_is_looked_at() {
        let lxqt = Manners::of("lxqt-notificationd", "lxqt.org", "1.2", true);
        let notify_osd = Manners::of("notify-osd", "Canonical Ltd", "1.1", false);

        assert_eq!(lxqt.picture, ["image_path"], "the other one hides it");
        assert_eq!(lxqt.actions, Actions::TwoButtons, "of three it makes a list");
        assert!(notify_osd.picture_as_icon && notify_osd.picture == ["image_path"]);
    }
}
