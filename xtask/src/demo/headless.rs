//! The demonstration on a virtual desktop: it watches, takes pictures and judges.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::report::Report;
use super::server::{Note, Server};
use super::{Options, Place, tail};
use crate::desktop::{Parts, VirtualDesktop};
use crate::project::{built, say};

/// The titles and classes of what is photographed on its own.
const WINDOW: &str = "^VisionGuard";
const POPUP: &str = "xfce4-notifyd";

pub(super) fn run(options: &Options) -> Result<()> {
    let place = Place::fresh()?;
    let desktop = VirtualDesktop::start(Parts::default())?;
    say(format!("A virtual desktop is up on display {}.", desktop.display()));
    let popups = count_popups(&desktop)?;

    let interval = Duration::from_secs(options.interval.unwrap_or(2));
    let program = desktop.command(built("visionguard-server"));
    let server = Server::start(program, &place.server, interval, Some(options.alerts))?;
    say(format!("The server is at {}.", server.url));
    place.sign_in(desktop.command(built("visionguard")), &server)?;
    say(format!("Signed in as {}.", server.email));
    let mut app =
        desktop.spawn("app", &mut place.client(desktop.command(built("visionguard-desktop")), &server))?;

    let mut report = Report::default();
    let mut pictures = Pictures::default();
    let give_up_at = Instant::now() + Duration::from_secs(90) + 3 * interval * options.alerts;
    let failure = loop {
        while let Some(note) = server.next(Duration::from_millis(200)) {
            match note {
                Note::Published { anomaly_id, at, camera, kind } => {
                    say(format!("published: {camera}, {kind}"));
                    report.published(anomaly_id, &at);
                }
                Note::Acknowledged { anomaly_id } => report.acknowledged(anomaly_id),
            }
        }
        report.popups = popups.load(Ordering::Relaxed);
        report.journal(&journal(place.client(desktop.command(built("visionguard")), &server))?);
        pictures.take(&desktop, &place)?;

        if report.is_complete(options.alerts as usize) && pictures.are_all_there() {
            break None;
        }
        if let Some(status) = app.try_wait()? {
            break Some(format!("the desktop program ended with {status}"));
        }
        if let Some(why) = server.ended() {
            break Some(format!("the server ended: {why}"));
        }
        if Instant::now() >= give_up_at {
            break Some(format!("not all of it happened in time{}", pictures.what_is_missing()));
        }
    };
    desktop.screenshot(&place.pictures.join("desktop.png"))?;

    say("");
    for sentence in report.sentences() {
        say(sentence);
    }
    say(format!("pictures: {}", place.pictures.display()));
    match failure {
        None => Ok(()),
        Some(why) => bail!(
            "{why}\n--- the program's output\n{}\n--- its log\n{}\n--- the server's\n{}",
            tail(&desktop.log("app"), 30),
            place.log_tail(),
            tail(&server.complaints(), 10)
        ),
    }
}

/// The pictures of single windows, each taken once.
#[derive(Debug, Default)]
struct Pictures {
    window: bool,
    popup: bool,
}

impl Pictures {
    /// Photographs what is on the screen and was not yet.
    fn take(&mut self, desktop: &VirtualDesktop, place: &Place) -> Result<()> {
        if self.are_all_there() {
            return Ok(());
        }
        let popup = desktop.windows(POPUP)?.into_iter().find(|window| window.width > 100);
        let Some(popup) = popup else { return Ok(()) };
        // The popup fades in, and the page paints the new alert.
        thread::sleep(Duration::from_millis(700));
        desktop.screenshot_of(&popup, &place.pictures.join("notification.png"))?;
        self.popup = true;
        if let Some(window) = desktop.windows(WINDOW)?.into_iter().find(|window| window.width > 100) {
            desktop.screenshot_of(&window, &place.pictures.join("window.png"))?;
            self.window = true;
        }
        Ok(())
    }

    fn are_all_there(&self) -> bool {
        self.window && self.popup
    }

    fn what_is_missing(&self) -> &'static str {
        match (self.window, self.popup) {
            (_, false) => ": no popup was seen on the display",
            (false, true) => ": no window was seen on the display",
            (true, true) => "",
        }
    }
}

/// Counts the calls to the notification daemon as they pass on the session bus.
fn count_popups(desktop: &VirtualDesktop) -> Result<Arc<AtomicUsize>> {
    let mut monitor = desktop
        .command("dbus-monitor")
        .args([
            "--session",
            "--profile",
            "type='method_call',interface='org.freedesktop.Notifications',member='Notify'",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start dbus-monitor")?;
    let output = monitor.stdout.take().context("no output")?;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line.starts_with("mc") && line.ends_with("Notify") {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    Ok(counted)
}

/// What the client has stored; the question may be asked while the program runs.
fn journal(mut visionguard: Command) -> Result<String> {
    let output = visionguard.args(["alerts", "--json"]).output().context("cannot start visionguard")?;
    if !output.status.success() {
        bail!(
            "`visionguard alerts` ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
