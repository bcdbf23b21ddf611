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
const WINDOW: &str = "^VisionGuard$";
const POPUP: &str = "xfce4-notifyd";

pub(super) fn run(options: &Options) -> Result<()> {
    let place = Place::fresh()?;
    // Wide enough for the window and the popups beside it.
    let desktop = VirtualDesktop::start(Parts { size: (1680, 960), ..Parts::default() })?;
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
    let mut popup_seen = false;
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
        popup_seen = popup_seen || photograph_popup(&desktop, &place)?;

        if report.is_complete(options.alerts as usize) && popup_seen {
            break photograph_window(&desktop, &place)?;
        }
        if let Some(status) = app.try_wait()? {
            break Some(format!("the desktop program ended with {status}"));
        }
        if let Some(why) = server.ended() {
            break Some(format!("the server ended: {why}"));
        }
        if Instant::now() >= give_up_at {
            let popup = if popup_seen { "" } else { ", and no popup was seen on the display" };
            break Some(format!("not all of it happened in time{popup}"));
        }
    };
    desktop.screenshot(&place.pictures.join("desktop.png"))?;
    // Ends before the server does, or its last word would be that the connection is lost.
    let _ = app.kill();

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

/// Takes a picture of the first popup, if one is on the display.
fn photograph_popup(desktop: &VirtualDesktop, place: &Place) -> Result<bool> {
    let on_display = |desktop: &VirtualDesktop| -> Result<_> {
        Ok(desktop.windows(POPUP)?.into_iter().find(|window| window.width > 100))
    };
    if on_display(desktop)?.is_none() {
        return Ok(false);
    }
    // It fades in, and grows to fit its words.
    thread::sleep(Duration::from_millis(700));
    let Some(popup) = on_display(desktop)? else { return Ok(false) };
    desktop.screenshot_of(&popup, &place.pictures.join("notification.png"))?;
    Ok(true)
}

/// Takes a picture of the window, moved to where no popup is; says why if it cannot.
fn photograph_window(desktop: &VirtualDesktop, place: &Place) -> Result<Option<String>> {
    let window = |desktop: &VirtualDesktop| -> Result<_> {
        Ok(desktop.windows(WINDOW)?.into_iter().find(|window| window.width > 100))
    };
    let Some(found) = window(desktop)? else {
        return Ok(Some("no window was seen on the display".to_owned()));
    };
    desktop.place(&found, 24, 40)?;
    // The page paints the newest alert.
    thread::sleep(Duration::from_millis(700));
    if let Some(window) = window(desktop)? {
        desktop.screenshot_of(&window, &place.pictures.join("window.png"))?;
    }
    Ok(None)
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
