//! P6 and P7: how soon a person could know. The clock starts when the last byte of the alert is on the way.
//!
//! P6 ends when a monitor of the session bus sees the call of `Notify`, by the monitor's own clock. P7 ends when the picture's
//! colour is in the display's memory, at the point where the newest alert's picture is; it is looked at five thousand times
//! a second. Both programs run at the same time, each with a backend of its own, and get an alert in turn.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};

use super::backend::{Backend, Detection, Picture, detected, frame};
use super::figures::{Figure, Goal, quantile};
use super::record::Outcome;
use super::stage::{OURS, PAGE, SETTLE, Stage};
use super::{Bench, MESSAGE, peers};
use crate::desktop::{Eye, Parts, VirtualDesktop, Window, wait_until};
use crate::project::target;

/// Alerts of one repetition.
const BLOCK: usize = 100;
/// Between two alerts; what follows one is over by then.
const PAUSE: Duration = Duration::from_millis(60);
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at the display.
const LOOK: Duration = Duration::from_micros(200);
/// The display of P7, on which both windows have room side by side.
const SIZE: (u32, u32) = (2600, 900);
/// What the pictures of P7 show, and how far noise and scaling may move it.
const COLOURS: [[u8; 3]; 3] = [[208, 40, 120], [30, 160, 200], [240, 170, 20]];
const TOLERANCE: u8 = 45;

/// P6: against Node.js, which keeps nothing; ours has the alert on the disk by then.
pub(super) fn to_notification(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts { notifications: false, ..Parts::default() })?;
    start_service(&stage.desktop)?;
    let calls = monitor(&stage.desktop, "org.freedesktop.Notifications", "Notify")?;
    let (ours, theirs) = (stage.backend(MESSAGE)?, stage.backend(MESSAGE)?);
    let picture = stage.picture(MESSAGE)?;
    let _program = stage.sign_in(&bench.ours, "ours", &ours)?.start(&ours)?;
    let _node = stage.peer("node", &bench.peers.node("receive.js"), &theirs)?;
    thread::sleep(SETTLE);

    let mut figures: [(Vec<f64>, Vec<f64>); 2] = Default::default();
    let mut person = 0;
    for _ in 0..bench.repetitions {
        let (mut of_ours, mut of_node) = (Vec::new(), Vec::new());
        for _ in 0..BLOCK {
            of_ours.push(notified(&ours, &calls, &picture, person)?);
            of_node.push(notified(&theirs, &calls, &picture, person)?);
            person += 1;
        }
        for (place, part) in [0.5, 0.99].into_iter().enumerate() {
            figures[place].0.extend(quantile(&of_ours, part));
            figures[place].1.extend(quantile(&of_node, part));
        }
    }
    let [half, most] = figures;
    let figure = |what: &str, (ours, node): (Vec<f64>, Vec<f64>), goal| {
        Figure::alone(what, "ms", ours).against("Node.js, which stores nothing", node).goal(Goal::Ratio(goal))
    };
    Ok(vec![figure("median of 100", half, 1.0), figure("99th of 100", most, 0.5)].into())
}

/// P7: against the page in Chromium, both windows open.
pub(super) fn to_paint(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts { size: SIZE, notifications: false, ..Parts::default() })?;
    let (ours, theirs) = (stage.backend(MESSAGE)?, stage.backend(MESSAGE)?);
    let pictures = COLOURS.iter().map(|colour| coloured(*colour)).collect::<Result<Vec<Picture>>>()?;
    let client = stage.sign_in(&bench.ours, "ours", &ours)?;
    let _program = client.start(&ours)?;
    client.open_window()?;
    let _chromium = stage.chromium(&theirs)?;
    for (title, x) in [(OURS, 0), (PAGE, 1300)] {
        let window = stage.window(title)?;
        stage.desktop.place(&window, x, 20)?;
    }
    thread::sleep(SETTLE);

    let eye = stage.desktop.eye()?;
    let ours = Shown::find(&eye, &ours, &pictures, &stage.window(OURS)?)?;
    let theirs = Shown::find(&eye, &theirs, &pictures, &stage.window(PAGE)?)?;
    let (mut of_ours, mut of_chromium) = (Vec::new(), Vec::new());
    for person in 1..=bench.repetitions as usize * 10 {
        of_ours.push(ours.painted(person)?);
        of_chromium.push(theirs.painted(person)?);
    }
    let figure = Figure::alone("window open", "ms", of_ours).against("Chromium app window", of_chromium);
    Ok(vec![figure.goal(Goal::Ratio(1.0))].into())
}

/// Milliseconds from an alert of somebody new to the call of `Notify`.
fn notified(
    backend: &Backend,
    calls: &Receiver<SystemTime>,
    picture: &Picture,
    person: usize,
) -> Result<f64> {
    let [seen, told] =
        detected(picture, Detection { camera: person % 10, person, frame: 30 }).map(|text| frame(&text));
    thread::sleep(PAUSE);
    while calls.try_recv().is_ok() {}
    let sent = backend.send(&seen)?;
    backend.send(&told)?;
    let called = calls.recv_timeout(PATIENCE).context("nobody asked for a notification")?;
    Ok(called.duration_since(sent).unwrap_or_default().as_secs_f64() * 1_000.0)
}

/// A notification service that takes everything and draws nothing, so that drawing slows nobody down.
pub(super) fn start_service(desktop: &VirtualDesktop) -> Result<()> {
    let mut service = desktop.command(peers::SYSTEM_PYTHON);
    service.args(["-m", "dbusmock", "--session", "--template", "notification_daemon"]);
    desktop.spawn("notifications", &mut service)?;
    wait_until("the notification service", || desktop.has_name("org.freedesktop.Notifications"))
}

/// When each call of this method passed on the session bus.
pub(super) fn monitor(
    desktop: &VirtualDesktop,
    interface: &str,
    member: &'static str,
) -> Result<Receiver<SystemTime>> {
    let rule = format!("type='method_call',interface='{interface}',member='{member}'");
    let mut command = desktop.command("dbus-monitor");
    command.args(["--session", "--profile", &rule]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut monitor = command.spawn().context("cannot start dbus-monitor")?;
    let output = monitor.stdout.take().context("no output")?;
    let (sender, calls) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if called_at(&line, member).is_some_and(|at| sender.send(at).is_err()) {
                return;
            }
        }
    });
    Ok(calls)
}

/// The time of a line about a call of this method.
fn called_at(line: &str, member: &str) -> Option<SystemTime> {
    let mut words = line.split('\t');
    let (kind, at) = (words.next()?, words.next()?);
    if kind != "mc" || words.next_back()? != member {
        return None;
    }
    Some(UNIX_EPOCH + Duration::try_from_secs_f64(at.parse().ok()?).ok()?)
}

/// A drawn picture of this colour, in a message of the usual length.
fn coloured([red, green, blue]: [u8; 3]) -> Result<Picture> {
    let path = target().join(format!("bench/{red:02x}{green:02x}{blue:02x}.jpg"));
    peers::draw(&path, &format!("#{red:02x}{green:02x}{blue:02x}"))?;
    Picture::read(&path, super::picture_of(MESSAGE))
}

/// Where a program shows the newest alert's picture.
struct Shown<'a> {
    eye: &'a Eye,
    backend: &'a Backend,
    pictures: &'a [Picture],
    place: (u32, u32),
}

impl<'a> Shown<'a> {
    /// Sends one alert and looks where in the window its colour appears.
    fn find(eye: &'a Eye, backend: &'a Backend, pictures: &'a [Picture], window: &Window) -> Result<Self> {
        let mut shown = Self { eye, backend, pictures, place: (0, 0) };
        shown.send(0)?;
        // It may move while more of it is painted.
        thread::sleep(SETTLE);
        let (left, top) = (window.x.max(0).unsigned_abs(), window.y.max(0).unsigned_abs());
        let mut points = Vec::new();
        for y in (top..(top + window.height).min(SIZE.1)).step_by(2) {
            for x in (left..(left + window.width).min(SIZE.0)).step_by(2) {
                if eye.has((x, y), COLOURS[0], TOLERANCE)? {
                    points.push((x, y));
                }
            }
        }
        ensure!(points.len() > 100, "the picture of the first alert is not on the display");
        shown.place = points[points.len() / 2];
        Ok(shown)
    }

    /// Milliseconds until the picture of the next alert is where that of the last one was.
    fn painted(&self, person: usize) -> Result<f64> {
        thread::sleep(PAUSE * 5);
        let colour = COLOURS[person % COLOURS.len()];
        let sent = self.send(person)?;
        let give_up_at = Instant::now() + PATIENCE;
        while !self.eye.has(self.place, colour, TOLERANCE)? {
            if Instant::now() >= give_up_at {
                bail!("the picture of alert {person} is not shown");
            }
            thread::sleep(LOOK);
        }
        Ok(sent.elapsed().unwrap_or_default().as_secs_f64() * 1_000.0)
    }

    fn send(&self, person: usize) -> Result<SystemTime> {
        let picture = &self.pictures[person % self.pictures.len()];
        let [seen, told] = detected(picture, Detection { camera: person % 10, person, frame: 30 });
        let (seen, told) = (frame(&seen), frame(&told));
        let sent = self.backend.send(&seen)?;
        self.backend.send(&told)?;
        Ok(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_with_its_time_and_other_messages_are_not() {
        let call = "mc\t1795303801.250123\t7\t:1.5\torg.freedesktop.Notifications\t/org/freedesktop/Notifications\torg.freedesktop.Notifications\tNotify";

        let at = called_at(call, "Notify").unwrap().duration_since(UNIX_EPOCH).unwrap();

        assert_eq!(at.as_millis(), 1_795_303_801_250);
        assert_eq!(called_at("#type\ttimestamp\tserial", "Notify"), None);
        assert_eq!(called_at(&call.replace("mc\t", "mr\t"), "Notify"), None);
        assert_eq!(called_at(call, "Activate"), None);
    }
}
