//! The notification daemons, and one story that is played to each of them.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::monitor::{Monitor, Seen};
use super::shop::{Client, Shop, said};
use super::sight::{new_things, shows_the_picture};
use super::sway::Sway;
use super::table::{Found, Row};
use super::wait::{SOON, eventually, stays};
use crate::desktop::{Parts, Picture, VirtualDesktop, Window};

/// A notification daemon of Debian's.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) name: &'static str,
    /// Where its program may be, first to last.
    programs: &'static [&'static str],
    /// Whether it draws on Wayland alone.
    wayland: bool,
    acknowledge: Acknowledge,
    dismiss: Dismiss,
    quiet: Quiet,
    /// Whether it draws one popup at a time.
    one_at_a_time: bool,
    /// Whether it draws a black box where, as here, nothing makes windows translucent.
    pub(super) translucent: bool,
}

/// How a person acknowledges on a popup.
#[derive(Debug)]
enum Acknowledge {
    /// The button, from the popup's edges: from the right or the lower one where negative.
    Click(i32, i32),
    /// The first button from the left in the row so far above the lower edge.
    FirstButton(i32),
    /// No button is drawn: a command, in which `ID` is the popup's, and what a person is told.
    Command(&'static [&'static str], &'static str),
    /// No button is drawn: a click that opens the window, with this button of the mouse.
    OpenTheWindow(&'static str, &'static str),
    /// Nothing can be done on the popup.
    Nowhere(&'static str),
}

/// How a person asks not to be disturbed.
#[derive(Debug)]
enum Quiet {
    /// These commands switch it on and off.
    Commands(&'static [&'static str], &'static [&'static str]),
    /// Why it is not tried.
    No(&'static str),
}

/// How a person sends a popup away.
#[derive(Debug)]
enum Dismiss {
    /// A click on a place, as above, with this button of the mouse.
    Click(i32, i32, &'static str),
    Nowhere(&'static str),
}

/// Until when nobody says that a popup was late.
const PROMPT: Duration = Duration::from_secs(10);

/// A program's name that is not ours.
const ANOTHER: &str = "Another program";

/// A mode that a person has to give it first.
const MAKO_QUIET: &str = "mkdir -p \"$XDG_CONFIG_HOME/mako\" &&
    printf '[mode=do-not-disturb]\\ninvisible=1\\n' > \"$XDG_CONFIG_HOME/mako/config\" &&
    makoctl reload && makoctl mode -s do-not-disturb";

const IN_THE_WINDOW: &str = "no buttons; in the window";

pub(super) const DAEMONS: [Daemon; 8] = [
    Daemon {
        name: "dunst",
        programs: &["/usr/bin/dunst"],
        wayland: false,
        acknowledge: Acknowledge::OpenTheWindow("2", "no buttons: middle click opens the window"),
        dismiss: Dismiss::Click(40, 30, "1"),
        quiet: Quiet::Commands(&["dunstctl", "set-paused", "true"], &["dunstctl", "set-paused", "false"]),
        one_at_a_time: false,
        translucent: false,
    },
    Daemon {
        name: "xfce4-notifyd",
        programs: &[
            "/usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd",
            "/usr/lib/aarch64-linux-gnu/xfce4/notifyd/xfce4-notifyd",
        ],
        wayland: false,
        acknowledge: Acknowledge::FirstButton(-30),
        dismiss: Dismiss::Click(40, 20, "3"),
        quiet: Quiet::Commands(
            &[
                "xfconf-query",
                "-c",
                "xfce4-notifyd",
                "-p",
                "/do-not-disturb",
                "-n",
                "-t",
                "bool",
                "-s",
                "true",
            ],
            &["xfconf-query", "-c", "xfce4-notifyd", "-p", "/do-not-disturb", "-s", "false"],
        ),
        one_at_a_time: false,
        translucent: false,
    },
    Daemon {
        name: "mate-notification-daemon",
        programs: &["/usr/lib/mate-notification-daemon/mate-notification-daemon"],
        wayland: false,
        acknowledge: Acknowledge::Click(-250, -27),
        dismiss: Dismiss::Click(-32, 27, "1"),
        quiet: Quiet::Commands(
            &["gsettings", "set", "org.mate.NotificationDaemon", "do-not-disturb", "true"],
            &["gsettings", "set", "org.mate.NotificationDaemon", "do-not-disturb", "false"],
        ),
        one_at_a_time: false,
        translucent: false,
    },
    Daemon {
        name: "lxqt-notificationd",
        programs: &["/usr/bin/lxqt-notificationd"],
        wayland: false,
        acknowledge: Acknowledge::Click(90, -32),
        dismiss: Dismiss::Click(-26, 25, "1"),
        quiet: Quiet::No("not tried"),
        one_at_a_time: false,
        translucent: false,
    },
    Daemon {
        name: "notification-daemon",
        programs: &["/usr/lib/notification-daemon/notification-daemon"],
        wayland: false,
        acknowledge: Acknowledge::Click(-260, -37),
        dismiss: Dismiss::Click(-24, 28, "1"),
        quiet: Quiet::No("has none"),
        one_at_a_time: true,
        translucent: false,
    },
    Daemon {
        name: "notify-osd",
        programs: &["/usr/lib/x86_64-linux-gnu/notify-osd", "/usr/lib/aarch64-linux-gnu/notify-osd"],
        wayland: false,
        acknowledge: Acknowledge::Nowhere(IN_THE_WINDOW),
        dismiss: Dismiss::Nowhere("clicks pass through it; it goes by itself"),
        quiet: Quiet::No("has none"),
        one_at_a_time: true,
        translucent: true,
    },
    Daemon {
        name: "mako",
        programs: &["/usr/bin/mako"],
        wayland: true,
        acknowledge: Acknowledge::Command(
            &["makoctl", "invoke", "-n", "ID", "ack"],
            "no buttons: `makoctl invoke -n ID ack`, or in the window",
        ),
        dismiss: Dismiss::Click(40, 20, "3"),
        quiet: Quiet::Commands(&["sh", "-c", MAKO_QUIET], &["makoctl", "mode", "-s", "default"]),
        one_at_a_time: false,
        translucent: false,
    },
    Daemon {
        name: "swaync",
        programs: &["/usr/bin/swaync"],
        wayland: true,
        acknowledge: Acknowledge::Click(100, -28),
        dismiss: Dismiss::Click(40, 20, "3"),
        quiet: Quiet::Commands(&["swaync-client", "--dnd-on"], &["swaync-client", "--dnd-off"]),
        one_at_a_time: false,
        translucent: false,
    },
];

/// Plays the story to a daemon.
pub(super) fn story(daemon: &Daemon, pictures: &Path) -> Row {
    let mut row = Row::new(daemon.name, &super::version(daemon.name));
    let Some(program) = daemon.program() else {
        row.not_tried("it is not installed");
        return row;
    };
    match Scene::set(daemon, &program) {
        Ok(mut scene) => {
            let mut check = |name: &str, work: &mut dyn FnMut(&mut Scene<'_>) -> Result<Found>| {
                if row.check(name, || work(&mut scene)) {
                    return;
                }
                // What it looked like, for whoever mends it; the next check begins on an empty display.
                let file = format!("{}-failed-{}.png", daemon.name, name.replace([' ', ':', ','], "-"));
                let _ = scene.desktop.screenshot(&pictures.join(file));
                let _ = scene.clear_up();
            };
            check("alert", &mut |scene| scene.alert(pictures));
            check("picture", &mut |scene| scene.picture());
            check("update in place", &mut |scene| scene.update());
            check("dismissed, it stays away", &mut |scene| scene.dismiss());
            check("acknowledge", &mut |scene| scene.acknowledge());
            check("do not disturb", &mut |scene| scene.do_not_disturb());
            check("program killed: old popups go", &mut |scene| scene.program_is_killed());
            check("daemon restarts in an incident", &mut |scene| scene.daemon_restarts(pictures));
        }
        Err(error) => {
            row.check(super::table::START, || Err(error));
        }
    }
    row
}

impl Daemon {
    fn program(&self) -> Option<PathBuf> {
        self.programs.iter().map(PathBuf::from).find(|path| path.is_file())
    }
}

/// A desktop with the daemon, and our program on it, protected and without a window.
#[derive(Debug)]
struct Scene<'a> {
    daemon: &'a Daemon,
    program: PathBuf,
    empty: Picture,
    /// What the display showed when the first alert stood.
    first: Option<Picture>,
    shop: Shop,
    app: Child,
    running: Child,
    monitor: Monitor,
    sway: Option<Sway>,
    desktop: VirtualDesktop,
}

impl<'a> Scene<'a> {
    fn set(daemon: &'a Daemon, program: &Path) -> Result<Self> {
        let parts = Parts { notifications: false, panel: false, ..Parts::default() };
        let desktop = VirtualDesktop::start(parts)?;
        let sway = daemon.wayland.then(|| Sway::start(&desktop)).transpose()?;
        let monitor = Monitor::start(&desktop)?;
        let running = start_daemon(&desktop, sway.as_ref(), program)?;
        let shop = Shop::open(&desktop)?;
        let client = Client { desktop: &desktop, server: format!("http://{}", shop.address) };
        client.sign_in()?;
        let app = client.start(&["--hidden"])?;
        eventually("the program says that it is protected", SOON, || Ok(client.is("protected")))?;
        let empty = desktop.look()?;
        let program = program.to_owned();
        Ok(Self { daemon, program, empty, first: None, shop, app, running, monitor, sway, desktop })
    }

    fn client(&self) -> Client<'_> {
        Client { desktop: &self.desktop, server: format!("http://{}", self.shop.address) }
    }

    fn things(&self) -> Result<Vec<Window>> {
        Ok(new_things(&self.empty, &self.desktop.look()?))
    }

    /// Publishes an alert about a person who was not seen before, and waits until its popup is on the display.
    fn raise(&self, person: u32) -> Result<(u32, Window)> {
        let since = self.monitor.now();
        self.shop.publish(person)?;
        eventually("the alert's popup was taken by the daemon", SOON, || {
            Ok(!self.monitor.popups(ANOTHER, false, since).is_empty())
        })
        .with_context(|| self.client().log())?;
        let mut popup = None;
        eventually("the popup is on the display, and has stopped growing", SOON, || {
            let before = std::mem::replace(&mut popup, self.things()?.into_iter().next());
            Ok(popup.is_some() && popup == before)
        })?;
        let (_, id) = *self.monitor.popups(ANOTHER, false, since).last().context("no popup")?;
        Ok((id, popup.context("no popup")?))
    }

    /// Publishes a further alert of an incident and waits until it is stored.
    fn publish_again(&self, person: u32) -> Result<()> {
        let before = self.client().alerts()?.len();
        self.shop.publish(person)?;
        eventually("the alert is stored", SOON, || Ok(self.client().alerts()?.len() > before))
    }

    /// Decides on everything, as a person would who clears up, and waits until the display is empty.
    fn clear_up(&self) -> Result<()> {
        for alert in self.client().alerts()? {
            if alert["handling"].to_string().contains("open")
                && let Some(incident) = alert["incident"].as_str()
            {
                said(self.client().program("visionguard").args(["acknowledge", incident]), "")?;
            }
        }
        eventually("the display is empty again", SOON, || Ok(self.things()?.is_empty()))
    }

    fn alert(&mut self, pictures: &Path) -> Result<Found> {
        let started = Instant::now();
        let (_, popup) = self.raise(1)?;
        let took = started.elapsed();
        // Some fade in.
        std::thread::sleep(Duration::from_millis(800));
        let shown = self.desktop.look()?;
        self.desktop.screenshot_of(&around(&popup), &pictures.join(format!("{}.png", self.daemon.name)))?;
        self.first = Some(shown);
        Ok(Found::Works(if took < PROMPT { String::new() } else { format!("after {} s", took.as_secs()) }))
    }

    fn picture(&self) -> Result<Found> {
        if self.daemon.translucent {
            return Ok(Found::Otherwise("cannot be judged here".to_owned()));
        }
        let shown = self.first.as_ref().context("no popup was seen")?;
        ensure!(shows_the_picture(shown), "the camera's picture is not in the popup");
        Ok(Found::works())
    }

    fn update(&self) -> Result<Found> {
        let since = self.monitor.now();
        self.publish_again(1)?;
        // Updates come at most every ten seconds, when ordinary popups may have gone.
        stays("one popup at most", Duration::from_secs(14), || {
            let things = self.things()?;
            ensure!(things.len() <= 1, "{} popups stand for one incident", things.len());
            Ok(())
        })?;
        let fresh = self.monitor.popups(ANOTHER, false, since).iter().filter(|(old, _)| *old == 0).count();
        ensure!(fresh == 0, "the update was a new popup");
        self.clear_up()?;
        Ok(Found::works())
    }

    fn dismiss(&self) -> Result<Found> {
        let (x, y, button) = match self.daemon.dismiss {
            Dismiss::Click(x, y, button) => (x, y, button),
            Dismiss::Nowhere(words) => return Ok(Found::Otherwise(words.to_owned())),
        };
        let (id, popup) = self.raise(2)?;
        self.click(&popup, x, y, button)?;
        eventually("the daemon says that the popup was closed", SOON, || {
            Ok(self.monitor.seen().contains(&Seen::Closed { id }))
        })?;
        let since = self.monitor.now();
        self.publish_again(2)?;
        stays("no popup", Duration::from_secs(12), || {
            let again = self.monitor.popups(ANOTHER, false, since);
            ensure!(again.is_empty(), "the next alert of the incident brought it back");
            Ok(())
        })?;
        self.clear_up()?;
        Ok(Found::works())
    }

    fn acknowledge(&self) -> Result<Found> {
        if let Acknowledge::Nowhere(words) = self.daemon.acknowledge {
            return Ok(Found::Otherwise(words.to_owned()));
        }
        let (id, popup) = self.raise(4)?;
        let found = match self.daemon.acknowledge {
            Acknowledge::Click(x, y) => {
                self.click(&popup, x, y, "1")?;
                Found::works()
            }
            Acknowledge::FirstButton(row) => {
                let x = self.first_button(&popup, row)?;
                self.click(&popup, x, row, "1")?;
                Found::works()
            }
            Acknowledge::Command(words, told) => {
                let id = id.to_string();
                let words = words.iter().map(|word| if *word == "ID" { id.as_str() } else { word });
                self.run(&words.collect::<Vec<_>>())?;
                Found::Otherwise(told.to_owned())
            }
            Acknowledge::OpenTheWindow(button, told) => {
                self.click(&popup, 40, 30, button)?;
                eventually("the window opens", SOON, || Ok(self.desktop.window("^VisionGuard$")?.is_some()))?;
                eventually("the window can be minimised", SOON, || {
                    // It comes to the front once it is ready, which may be later.
                    let Some(window) = self.desktop.window("^VisionGuard$")? else { return Ok(true) };
                    self.desktop.xdotool(&["windowminimize", &window.id])?;
                    Ok(false)
                })?;
                self.clear_up()?;
                return Ok(Found::Otherwise(told.to_owned()));
            }
            Acknowledge::Nowhere(_) => bail!("no way"),
        };
        eventually("the incident is acknowledged", SOON, || {
            let alerts = self.client().alerts()?;
            Ok(alerts.first().is_some_and(|alert| alert["handling"].to_string().contains("acknowledged")))
        })
        .with_context(|| format!("the daemon said {:?}", self.told_of(id)))?;
        eventually("the popup goes once it is acknowledged", SOON, || Ok(self.things()?.is_empty()))?;
        Ok(found)
    }

    fn do_not_disturb(&self) -> Result<Found> {
        let (on, off) = match self.daemon.quiet {
            Quiet::Commands(on, off) => (on, off),
            Quiet::No(words) => return Ok(Found::Otherwise(words.to_owned())),
        };
        self.clear_up()?;
        self.run(on)?;
        let stored = self.publish_again(3);
        let drawn = eventually("a popup", Duration::from_secs(4), || Ok(!self.things()?.is_empty())).is_ok();
        self.run(off)?;
        stored?;
        self.clear_up()?;
        Ok(Found::Works(if drawn { "breaks through" } else { "held back; in the list" }.to_owned()))
    }

    fn program_is_killed(&mut self) -> Result<Found> {
        let (id, _) = self.raise(6)?;
        self.app.kill()?;
        self.app.wait()?;
        let since = self.monitor.now();
        self.app = self.client().start(&["--hidden"])?;
        eventually("the program is protected again", SOON, || Ok(self.client().is("protected")))?;
        eventually("the old popup has gone", SOON, || Ok(self.things()?.is_empty()))
            .with_context(|| format!("popup {id}"))?;
        let again = self.monitor.popups(ANOTHER, false, since);
        ensure!(again.is_empty(), "the alert popped up a second time");
        Ok(Found::works())
    }

    fn daemon_restarts(&mut self, pictures: &Path) -> Result<Found> {
        let (old, _) = self.raise(8)?;
        self.running.kill()?;
        self.running.wait()?;
        eventually("the daemon's name is free", SOON, || Ok(!self.desktop.has_name(BUS_NAME)))?;
        self.running = start_daemon(&self.desktop, self.sway.as_ref(), &self.program)?;
        let foreign = self.another_program_gets(old)?;
        eventually("the other program's popup is on the display", SOON, || Ok(!self.things()?.is_empty()))?;
        let since = self.monitor.now();
        self.publish_again(8)?;
        eventually("the incident's next alert is shown by the new daemon", SOON, || {
            Ok(!self.monitor.popups(ANOTHER, false, since).is_empty())
        })?;
        let ours = self.monitor.popups(ANOTHER, false, since);
        ensure!(ours.iter().all(|(old, _)| *old != foreign), "it replaced another program's popup");
        let touched =
            || self.monitor.seen().iter().skip(since).any(|what| *what == Seen::Close { id: foreign });
        ensure!(!touched(), "it closed another program's popup");
        // Some draw the one directly below the other: ours has a picture.
        let is_drawn = || Ok(shows_the_picture(&self.desktop.look()?));
        if !self.daemon.one_at_a_time {
            eventually("our popup is on the display", SOON, is_drawn)?;
            self.desktop.screenshot(&pictures.join(format!("{}-restarted.png", self.daemon.name)))?;
        }
        // What was shown goes with the decision, and nothing else.
        said(self.client().program("visionguard").args(["acknowledge", &self.newest_incident()?]), "")?;
        let (_, id) = *ours.last().context("no popup")?;
        eventually("our popup goes once the incident is acknowledged", SOON, || {
            let one_less = self.daemon.one_at_a_time && self.things()?.len() < 2;
            Ok(one_less || self.monitor.seen().contains(&Seen::Close { id }))
        })?;
        if !self.daemon.one_at_a_time {
            eventually("our popup has gone from the display", SOON, || Ok(!is_drawn()?))?;
        }
        ensure!(!touched(), "it closed another program's popup");
        Ok(Found::works())
    }

    fn newest_incident(&self) -> Result<String> {
        let alerts = self.client().alerts()?;
        Ok(alerts.first().and_then(|alert| alert["incident"].as_str()).context("no alert")?.to_owned())
    }

    /// Another program's popup, which stands until it is closed, with the id that ours had if the daemon gives it out.
    fn another_program_gets(&self, old: u32) -> Result<u32> {
        loop {
            let since = self.monitor.now();
            let words = ["Another program's words", "Nothing to do with cameras."];
            // A grave one that stands is a window of its own at notify-osd, and hides all others at notification-daemon.
            let (urgency, time) = if self.daemon.one_at_a_time { (1, "-1") } else { (2, "0") };
            let urgency = format!("{{'urgency': <byte {urgency}>}}");
            let call = [ANOTHER, "0", "", words[0], words[1], "[]", &urgency, time];
            self.call("Notify", &call)?;
            let mut id = 0;
            eventually("the other program's popup is taken", SOON, || {
                let popups = self.monitor.popups(ANOTHER, true, since);
                id = popups.last().map_or(0, |(_, id)| *id);
                Ok(id != 0)
            })?;
            if id >= old {
                return Ok(id);
            }
            self.call("CloseNotification", &[&id.to_string()])?;
        }
    }

    fn call(&self, method: &str, arguments: &[&str]) -> Result<()> {
        let mut call = self.desktop.command("gdbus");
        call.args(["call", "--session", "--dest", BUS_NAME, "--object-path", PATH]);
        call.args(["--method", &format!("org.freedesktop.Notifications.{method}")]).arg("--").args(arguments);
        said(&mut call, "")?;
        Ok(())
    }

    /// What the daemon told about a popup.
    fn told_of(&self, popup: u32) -> Vec<Seen> {
        let about = |what: &Seen| match what {
            Seen::Closed { id } | Seen::Invoked { id, .. } => *id == popup,
            Seen::Notify { .. } | Seen::Answer { .. } | Seen::Close { .. } => false,
        };
        self.monitor.seen().into_iter().filter(about).collect()
    }

    fn run(&self, words: &[&str]) -> Result<()> {
        let Some((program, arguments)) = words.split_first() else { bail!("nothing to run") };
        let mut command = self.desktop.command(program);
        command.env("GSETTINGS_BACKEND", "keyfile").args(arguments);
        if let Some(sway) = &self.sway {
            sway.draw_here(&mut command);
        }
        said(&mut command, "")?;
        Ok(())
    }

    /// Where in a row of a popup its first button is: something wide that is not as the popup's edge.
    fn first_button(&self, popup: &Window, row: i32) -> Result<i32> {
        let picture = self.desktop.look()?.part(popup);
        let y = popup.height.saturating_sub(row.unsigned_abs());
        let ground = picture.at(3, y);
        let mut start = None;
        for x in 3..picture.width {
            match start {
                None if picture.at(x, y) != ground => start = Some(x),
                Some(left) if picture.at(x, y) == ground => {
                    if x - left > 40 {
                        return Ok(i32::try_from((left + x) / 2)?);
                    }
                    start = None;
                }
                Some(_) | None => {}
            }
        }
        bail!("the popup has no button")
    }

    /// Clicks on a place of a popup: from its left and upper edge, or the others where negative.
    fn click(&self, popup: &Window, x: i32, y: i32, button: &str) -> Result<()> {
        let [width, height] = [popup.width, popup.height].map(|size| i32::try_from(size).unwrap_or(i32::MAX));
        let x = popup.x + if x < 0 { width + x } else { x };
        let y = popup.y + if y < 0 { height + y } else { y };
        // The pointer has to have come from elsewhere for some to notice it.
        self.desktop.xdotool(&["mousemove", &(x - 3).to_string(), &(y - 3).to_string()])?;
        self.desktop.xdotool(&["mousemove", "--sync", &x.to_string(), &y.to_string()])?;
        self.desktop.xdotool(&["click", button])?;
        self.desktop.xdotool(&["mousemove", "5", "895"])?;
        Ok(())
    }
}

impl Drop for Scene<'_> {
    fn drop(&mut self) {
        for process in [&mut self.app, &mut self.running] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

const BUS_NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

fn start_daemon(desktop: &VirtualDesktop, sway: Option<&Sway>, program: &Path) -> Result<Child> {
    let mut command = desktop.command(program);
    command.env("GSETTINGS_BACKEND", "keyfile");
    if let Some(sway) = sway {
        sway.draw_here(&mut command);
    }
    let running = desktop.spawn("daemon", &mut command)?;
    eventually("the daemon is on the bus, and answers", SOON, || {
        if !desktop.has_name(BUS_NAME) {
            return Ok(false);
        }
        let mut ask = desktop.command("gdbus");
        ask.args(["call", "--session", "--timeout", "10", "--dest", BUS_NAME, "--object-path", PATH]);
        said(ask.args(["--method", "org.freedesktop.Notifications.GetServerInformation"]), "")?;
        Ok(true)
    })
    .with_context(|| desktop.log("daemon"))?;
    Ok(running)
}

/// A popup and a little of the ground.
fn around(popup: &Window) -> Window {
    Window {
        x: popup.x - 8,
        y: popup.y - 8,
        width: popup.width + 16,
        height: popup.height + 16,
        ..popup.clone()
    }
}
