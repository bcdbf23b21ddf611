//! P14: how soon a person who wants to look sees how things are. The clock starts when the click on the tray's icon passes
//! on the session bus, by a monitor's own clock, and ends when the status is in the display's memory, icon and word: every
//! point that has its colour once the window is at rest.
//!
//! Ours runs without a window, as it does all day; the window is a new process each time, and then each time the spare that
//! a close has left. Chromium is started with the page, on a profile that it knows; its status is "Connected", which its page has come to say by its first painting.

use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};

use super::backend::Backend;
use super::figures::{Figure, Goal};
use super::latency::monitor;
use super::record::Outcome;
use super::stage::{OURS, PAGE, SETTLE, Stage, WINDOW};
use super::{Bench, MESSAGE};
use crate::desktop::{Eye, Parts, VirtualDesktop, wait_until};
use crate::project::output;

/// The colour of `--ok` in ui/styles/tokens.css, and of "connected" in bench/web/index.html.
const WELL: [u8; 3] = [0x17, 0x6b, 0x3f];
const TOLERANCE: u8 = 10;
/// How far from the window's upper left corner the status reaches.
const AREA: (u32, u32) = (300, 100);
/// So many points of it are looked at.
const POINTS: usize = 64;
/// Between two looks at the display.
const LOOK: Duration = Duration::from_micros(200);
const PATIENCE: Duration = Duration::from_secs(60);
/// What follows an open window, or its end, is over by then.
const REST: Duration = Duration::from_secs(2);
const ITEM: &str = "org.kde.StatusNotifierItem";

/// Our window and Chromium's in turn, each closed before the other comes.
pub(super) fn to_status(bench: &Bench) -> Result<Outcome> {
    let stage = Stage::set(bench, Parts { notifications: false, ..Parts::default() })?;
    let (ours, theirs) = (stage.backend(MESSAGE)?, stage.backend(MESSAGE)?);
    let client = stage.sign_in(&bench.ours, "ours", &ours)?;
    let program = client.start_with_spare(&ours, 0)?;
    let clicks = monitor(&stage.desktop, ITEM, "Activate")?;
    thread::sleep(SETTLE);
    let eye = stage.desktop.eye()?;

    let our_status = first_look(&stage, &eye)?;
    let chromium = stage.chromium(&theirs)?;
    let their_status = Status::find(&stage, &eye, PAGE)?;
    chromium.end()?;

    let (mut of_ours, mut of_chromium) = (Vec::new(), Vec::new());
    for _ in 0..bench.repetitions {
        thread::sleep(REST);
        of_ours.push(opened(&stage, &our_status, &clicks)?);
        close(&stage)?;
        thread::sleep(REST);
        of_chromium.push(started(&stage, &their_status, &theirs)?);
    }
    let fresh = Figure::alone("a fresh window", "ms", of_ours).against("Chromium app window", of_chromium);
    program.end()?;

    let _program = client.start(&ours)?;
    thread::sleep(SETTLE);
    let our_status = first_look(&stage, &eye)?;
    let (mut of_ours, mut of_chromium) = (Vec::new(), Vec::new());
    for _ in 0..bench.repetitions {
        // Its start would have a say in Chromium's.
        stage.until_spare(true)?;
        thread::sleep(REST);
        of_chromium.push(started(&stage, &their_status, &theirs)?);
        thread::sleep(REST);
        let spare = stage.desktop.processes(WINDOW);
        of_ours.push(opened(&stage, &our_status, &clicks)?);
        ensure!(stage.desktop.processes(WINDOW) == spare, "the window is not the spare");
        close(&stage)?;
    }
    let spare = Figure::alone("the spare of a closed one", "ms", of_ours);
    let spare = spare.against("Chromium app window", of_chromium);
    Ok(vec![fresh.goal(Goal::Ratio(0.6)), spare.goal(Goal::Ratio(0.6))].into())
}

/// Where our status is in a window that is opened for it.
fn first_look<'a>(stage: &Stage<'_>, eye: &'a Eye) -> Result<Status<'a>> {
    click(&stage.desktop)?;
    wait_until("our window", || stage.desktop.window(OURS).is_ok_and(|window| window.is_some()))?;
    let status = Status::find(stage, eye, OURS)?;
    close(stage)?;
    Ok(status)
}

/// Milliseconds from the click to our status; the window stays.
fn opened(stage: &Stage<'_>, status: &Status<'_>, clicks: &Receiver<SystemTime>) -> Result<f64> {
    status.is_away()?;
    while clicks.try_recv().is_ok() {}
    click(&stage.desktop)?;
    let painted = status.painted()?;
    let clicked = clicks.recv_timeout(PATIENCE).context("no click passed on the bus")?;
    thread::sleep(REST);
    Ok(milliseconds(clicked, painted))
}

/// Milliseconds from Chromium's start to its status.
fn started(stage: &Stage<'_>, status: &Status<'_>, backend: &Backend) -> Result<f64> {
    status.is_away()?;
    let began = SystemTime::now();
    let chromium = stage.launch_chromium(backend)?;
    let painted = status.painted()?;
    thread::sleep(REST);
    chromium.end()?;
    Ok(milliseconds(began, painted))
}

fn milliseconds(from: SystemTime, to: SystemTime) -> f64 {
    to.duration_since(from).unwrap_or_default().as_secs_f64() * 1_000.0
}

/// Clicks our icon, as the panel does for a person.
fn click(desktop: &VirtualDesktop) -> Result<()> {
    let mut ask = desktop.command("dbus-send");
    ask.args(["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"]);
    let names = output(ask.arg("org.freedesktop.DBus.ListNames"))?;
    let item = names.split_whitespace().find(|name| name.starts_with(&format!("{ITEM}-")));
    let item = item.context("the program has no item in the tray")?;
    let mut click = desktop.command("dbus-send");
    click.args(["--session", "--type=method_call", &format!("--dest={item}"), "/StatusNotifierItem"]);
    output(click.args([&format!("{ITEM}.Activate"), "int32:0", "int32:0"]))?;
    Ok(())
}

/// Closes our window, until its process is gone too.
fn close(stage: &Stage<'_>) -> Result<()> {
    stage.close_window()?;
    wait_until("the window's process to end", || stage.desktop.processes(WINDOW).is_empty())
}

/// Where a window shows that all is well.
struct Status<'a> {
    eye: &'a Eye,
    /// From left to right.
    points: Vec<(u32, u32)>,
}

impl<'a> Status<'a> {
    /// Looks for it in an open window.
    fn find(stage: &Stage<'_>, eye: &'a Eye, title: &str) -> Result<Self> {
        // It may move while more is painted.
        thread::sleep(SETTLE);
        let window = stage.window(title)?;
        let (left, top) = (window.x.max(0).unsigned_abs(), window.y.max(0).unsigned_abs());
        let mut all = Vec::new();
        for x in left..left + AREA.0.min(window.width) {
            for y in top..top + AREA.1.min(window.height) {
                if eye.has((x, y), WELL, TOLERANCE)? {
                    all.push((x, y));
                }
            }
        }
        ensure!(all.len() > POINTS, "the status of {title} is not on the display");
        let step = all.len() / POINTS;
        Ok(Self { eye, points: all.into_iter().step_by(step).collect() })
    }

    /// Fails if something like it is on the display already.
    fn is_away(&self) -> Result<()> {
        ensure!(!self.has(&self.points[..1])?, "a window is still there");
        Ok(())
    }

    /// When all of it came to be on the display.
    fn painted(&self) -> Result<SystemTime> {
        let give_up_at = Instant::now() + PATIENCE;
        while !self.has(&self.points)? {
            if Instant::now() >= give_up_at {
                bail!("the status is not shown");
            }
            thread::sleep(LOOK);
        }
        Ok(SystemTime::now())
    }

    /// Whether all of these points have its colour now.
    fn has(&self, points: &[(u32, u32)]) -> Result<bool> {
        for point in points {
            if !self.eye.has(*point, WELL, TOLERANCE)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
