//! What a run without a screen needs: a virtual desktop, the server, the account, the program; and a watch over them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::report::Report;
use super::server::{Note, Server};
use super::{Place, tail};
use crate::desktop::{Parts, VirtualDesktop};
use crate::project::say;

/// Everything that takes part, and what was seen of it.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) report: Report,
    pub(super) place: Place,
    pub(super) desktop: VirtualDesktop,
    alerts: u32,
    interval: Duration,
    server: Server,
    popups: Arc<AtomicUsize>,
    app: Option<Child>,
    /// Where a program of ours is.
    built: fn(&str) -> PathBuf,
}

impl Stage {
    /// A desktop, and a server whose cameras wait for the program, which is signed in.
    pub(super) fn set(built: fn(&str) -> PathBuf, alerts: u32, interval: u64) -> Result<Self> {
        let interval = Duration::from_secs(interval);
        let place = Place::fresh()?;
        // Wide enough for the window and the popups beside it.
        let desktop = VirtualDesktop::start(Parts { size: (1680, 960), ..Parts::default() })?;
        say(format!("A virtual desktop is up on display {}.", desktop.display()));
        let popups = count_popups(&desktop)?;

        let program = desktop.command(built("visionguard-server"));
        let server = Server::start(program, &place.server, interval, Some(alerts))?;
        say(format!("The server is at {}.", server.url));
        place.sign_in(desktop.command(built("visionguard")), &server)?;
        say(format!("Signed in as {}.", server.email));
        Ok(Self {
            report: Report::default(),
            place,
            desktop,
            alerts,
            interval,
            server,
            popups,
            app: None,
            built,
        })
    }

    /// Starts the program; a second one hands over to the first and ends.
    pub(super) fn raise_the_curtain(&mut self, arguments: &[&str]) -> Result<()> {
        let mut program = self.desktop.command((self.built)("visionguard-desktop"));
        program.args(arguments);
        let name = if self.app.is_some() { "second start" } else { "app" };
        let app = self.desktop.spawn(name, &mut self.place.client(program, &self.server))?;
        self.app.get_or_insert(app);
        Ok(())
    }

    /// Watches until every alert was stored, shown and acknowledged, and whoever looks on is satisfied too.
    pub(super) fn watch(&mut self, mut onlooker: impl FnMut(&Self) -> Result<bool>) -> Result<()> {
        let give_up_at = Instant::now() + Duration::from_secs(90) + 3 * self.interval * self.alerts;
        loop {
            while let Some(note) = self.server.next(Duration::from_millis(200)) {
                match note {
                    Note::Published { anomaly_id, at, camera, kind } => {
                        say(format!("published: {camera}, {kind}"));
                        self.report.published(anomaly_id, &at);
                    }
                    Note::Acknowledged { anomaly_id } => self.report.acknowledged(anomaly_id),
                }
            }
            self.report.popups = self.popups.load(Ordering::Relaxed);
            let journal = self.journal()?;
            self.report.journal(&journal);

            if onlooker(self)? && self.report.is_complete(self.alerts as usize) {
                return Ok(());
            }
            if let Some(status) = self.app.as_mut().map(Child::try_wait).transpose()?.flatten() {
                bail!("the desktop program ended with {status}");
            }
            if let Some(why) = self.server.ended() {
                bail!("the server ended: {why}");
            }
            if Instant::now() >= give_up_at {
                bail!("not every alert was stored, shown and acknowledged in time");
            }
        }
    }

    /// Ends the program before the server goes, or its last word would be that the connection is lost.
    pub(super) fn end_the_program(&mut self) {
        if let Some(mut app) = self.app.take() {
            let _ = app.kill();
            let _ = app.wait();
        }
    }

    /// Tells the person what was measured.
    pub(super) fn say_report(&self) {
        say("");
        for sentence in self.report.sentences() {
            say(sentence);
        }
    }

    /// A failure with what everybody wrote.
    pub(super) fn explained(&self, outcome: Result<()>) -> Result<()> {
        outcome.map_err(|error| anyhow!("{error:#}\n{}", self.logs()))
    }

    /// What the client has stored; the question may be asked while the program runs.
    fn journal(&self) -> Result<String> {
        let mut visionguard =
            self.place.client(self.desktop.command((self.built)("visionguard")), &self.server);
        let output = visionguard.args(["alerts", "--json"]).output().context("cannot start visionguard")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`visionguard alerts` ended with {}: {}", output.status, said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What everybody wrote.
    fn logs(&self) -> String {
        format!(
            "the program's output:\n{}\nits log:\n{}\nthe server's:\n{}",
            tail(&self.desktop.log("app"), 30),
            self.place.log_tail(),
            tail(&self.server.complaints(), 10)
        )
    }
}

/// Counts the calls to the notification daemon as they pass on the session bus.
fn count_popups(desktop: &VirtualDesktop) -> Result<Arc<AtomicUsize>> {
    let rule = "type='method_call',interface='org.freedesktop.Notifications',member='Notify'";
    let mut monitor = desktop
        .command("dbus-monitor")
        .args(["--session", "--profile", rule])
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
