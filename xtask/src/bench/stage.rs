//! Where whole programs are measured: a virtual desktop, a backend, and whoever is connected to it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::Bench;
use super::backend::{Backend, EMAIL, PASSWORD, Picture};
use super::peers;
use super::processes::Tree;
use super::programs::Programs;
use crate::desktop::{Parts, VirtualDesktop, Window, wait_until};
use crate::project::shown;

/// The title of our window, and of the page in Chromium's.
pub(super) const OURS: &str = "^VisionGuard$";
pub(super) const PAGE: &str = "^Alerts$";
/// The process of our window.
pub(super) const WINDOW: &str = "visionguard-window";
/// How long each state is left alone before it is measured.
pub(super) const SETTLE: Duration = Duration::from_secs(8);
/// For what must happen soon; generous, because other work may run beside it.
const PATIENCE: Duration = Duration::from_secs(300);

/// A desktop and what runs on it.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) bench: &'a Bench,
    pub(super) desktop: VirtualDesktop,
}

/// A program with its data, signed in to a backend.
#[derive(Debug)]
pub(super) struct Client<'a> {
    stage: &'a Stage<'a>,
    programs: &'a Programs,
    data: PathBuf,
}

/// A started program; it and all that it started end with this value.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
}

impl<'a> Stage<'a> {
    /// A desktop with these parts.
    pub(super) fn set(bench: &'a Bench, parts: Parts) -> Result<Self> {
        Ok(Self { bench, desktop: VirtualDesktop::start(parts)? })
    }

    /// A backend whose messages are about so many bytes long.
    pub(super) fn backend(&self, message: usize) -> Result<Backend> {
        Backend::start(self.picture(message)?)
    }

    /// The picture of messages of about so many bytes.
    pub(super) fn picture(&self, message: usize) -> Result<Picture> {
        self.bench.picture(message)
    }

    /// Signs in to a backend, as a person would on the command line.
    pub(super) fn sign_in(
        &'a self,
        programs: &'a Programs,
        name: &str,
        backend: &Backend,
    ) -> Result<Client<'a>> {
        let client = Client { stage: self, programs, data: self.desktop.dir().join(name) };
        let mut login = client.program("visionguard");
        login.args(["login", "--server", &backend.url(), "--email", EMAIL, "--password-stdin"]);
        login.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = login.spawn().with_context(|| format!("cannot start `{}`", shown(&login)))?;
        child.stdin.take().context("no input")?.write_all(format!("{PASSWORD}\n").as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("cannot sign in: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(client)
    }

    /// Chromium with the page of this backend, as far as it is on the display and connected; it runs for the first time.
    pub(super) fn chromium(&self, backend: &Backend) -> Result<Running> {
        let profile = self.profile();
        if profile.exists() {
            fs::remove_dir_all(&profile).with_context(|| format!("cannot remove {}", profile.display()))?;
        }
        let running = self.launch_chromium(backend)?;
        backend.until_connected()?;
        wait_until("Chromium's window", || self.desktop.window(PAGE).is_ok_and(|window| window.is_some()))?;
        Ok(running)
    }

    /// Starts Chromium with the page of this backend, on the profile that it had the last time.
    pub(super) fn launch_chromium(&self, backend: &Backend) -> Result<Running> {
        let mut command = peers::chromium(&self.desktop, &backend.url(), &self.profile());
        Ok(Running { child: self.desktop.spawn("chromium", &mut command)? })
    }

    fn profile(&self) -> PathBuf {
        self.desktop.dir().join("chromium")
    }

    /// A peer of `bench/` on this desktop, connected.
    pub(super) fn peer(&self, name: &str, command: &Command, backend: &Backend) -> Result<Running> {
        let mut here = self.desktop.command(command.get_program());
        here.args(command.get_args()).arg(backend.socket_url());
        let running = Running { child: self.desktop.spawn(name, &mut here)? };
        backend.until_connected().with_context(|| self.desktop.log(name))?;
        Ok(running)
    }

    /// Where our window, or Chromium's, is on the display.
    pub(super) fn window(&self, title: &str) -> Result<Window> {
        self.desktop.window(title)?.with_context(|| format!("no window is called {title}"))
    }

    /// Waits until our closed window has a spare with its page, or has none any more.
    pub(super) fn until_spare(&self, is_there: bool) -> Result<()> {
        let process = || !self.desktop.processes(WINDOW).is_empty();
        let page = || !self.desktop.processes("WebKitWebProcess").is_empty();
        wait_until("the spare window", || process() == is_there && page() == is_there)
    }

    /// Closes our window, as a person would.
    pub(super) fn close_window(&self) -> Result<()> {
        self.desktop.close(&self.window(OURS)?)?;
        wait_until("the window to close", || self.desktop.window(OURS).is_ok_and(|window| window.is_none()))
    }
}

impl Client<'_> {
    /// A program of this client's.
    pub(super) fn program(&self, name: &str) -> Command {
        let mut command = self.stage.desktop.command(self.programs.path(name));
        command.env("VISIONGUARD_DATA_DIR", &self.data);
        command
    }

    /// Starts the desktop program without a window and waits until it is connected.
    pub(super) fn start(&self, backend: &Backend) -> Result<Running> {
        let running = self.launch()?;
        backend.until_connected()?;
        Ok(running)
    }

    /// The same with a program whose spare window is ended after so many seconds, and none at all after none.
    pub(super) fn start_with_spare(&self, backend: &Backend, seconds: u32) -> Result<Running> {
        let mut command = self.hidden();
        command.env("VISIONGUARD_SPARE_SECONDS", seconds.to_string());
        let running = self.run(&mut command)?;
        backend.until_connected()?;
        Ok(running)
    }

    /// Starts the desktop program without a window.
    pub(super) fn launch(&self) -> Result<Running> {
        self.run(&mut self.hidden())
    }

    fn hidden(&self) -> Command {
        let mut command = self.program("visionguard-desktop");
        command.arg("--hidden");
        command
    }

    fn run(&self, command: &mut Command) -> Result<Running> {
        Ok(Running { child: self.stage.desktop.spawn("program", command)? })
    }

    /// Opens the window of the program that runs, as a second start of it does.
    pub(super) fn open_window(&self) -> Result<()> {
        let mut second = self.program("visionguard-desktop");
        let mut child = self.stage.desktop.spawn("second start", &mut second)?;
        // One that finds nobody running becomes the program itself, and stays.
        wait_until("the second start to hand over to the first", || {
            child.try_wait().is_ok_and(|ended| ended.is_some())
        })?;
        let desktop = &self.stage.desktop;
        wait_until("our window", || desktop.window(OURS).is_ok_and(|window| window.is_some()))
    }
}

impl Running {
    pub(super) fn tree(&self) -> Tree {
        Tree::of(self.child.id())
    }

    fn signal(&self, name: &str) {
        // Whoever has ended already needs no signal.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-s", name, "--", &group]).stderr(Stdio::null()).status();
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn end(mut self) -> Result<()> {
        self.signal("TERM");
        let give_up_at = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() >= give_up_at {
                bail!("the program does not end");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal("KILL");
        let _ = self.child.wait();
    }
}

/// `visionguard-server` with its simulated cameras.
#[derive(Debug)]
pub(super) struct Served {
    _running: Running,
    /// Open as long as it runs, or it could print no more.
    _output: BufReader<ChildStdout>,
    url: String,
}

/// Who may sign in there.
const DEMO_EMAIL: &str = "manager@shop.example";

impl Served {
    /// Starts it on this data; its cameras see so many alerts, without a pause.
    pub(super) fn start(programs: &Programs, data: &Path, alerts: &str) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(programs.path("visionguard-server"));
        command.arg("--data-dir").arg(data).args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--demo",
            "--demo-at-once",
        ]);
        command.args(["--demo-interval", "0.001", "--demo-alerts", alerts]);
        command.env("VISIONGUARD_DEMO_PASSWORD", PASSWORD).env("VISIONGUARD_LOG", "warn").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot start `{}`", shown(&command)))?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let running = Running { child };
        let mut line = String::new();
        output.read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).context("the server does not start")?;
        let url = said["listening"].as_str().context("it does not say where it listens")?.to_owned();
        Ok(Self { _running: running, _output: output, url })
    }

    /// A client of it with this data directory.
    pub(super) fn watch(&self, programs: &Programs, data: &Path) -> Result<Watch> {
        Watch::start(programs, data, &self.url, DEMO_EMAIL, PASSWORD)
    }
}

/// `visionguard watch --json`, which needs no desktop, and the lines that it prints.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) running: Running,
    pub(super) began: Instant,
    lines: Receiver<Value>,
}

impl Watch {
    /// Starts it with this data directory, signed in to a server by password.
    pub(super) fn start(
        programs: &Programs,
        data: &Path,
        server: &str,
        email: &str,
        password: &str,
    ) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(programs.path("visionguard"));
        command.args(["watch", "--json", "--server", server, "--email", email, "--password-stdin"]);
        command.env("VISIONGUARD_DATA_DIR", data).env("VISIONGUARD_KEYCHAIN", "memory").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let began = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start `{}`", shown(&command)))?;
        let (input, output) = (child.stdin.take(), child.stdout.take().context("no output")?);
        let running = Running { child };
        input.context("no input")?.write_all(format!("{password}\n").as_bytes())?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if serde_json::from_str(&line).is_ok_and(|line| sender.send(line).is_err()) {
                    return;
                }
            }
        });
        Ok(Self { running, began, lines })
    }

    /// Waits until so many alerts were told; how long that took since the start.
    pub(super) fn until_told(&self, alerts: usize) -> Result<Duration> {
        let (told, took) = self.told(alerts, PATIENCE);
        ensure!(told == alerts, "it tells of {told} alerts");
        Ok(took)
    }

    /// Waits until so many alerts were told, or none for this long; how many, and how long after the start the last one was.
    pub(super) fn told(&self, alerts: usize, silence: Duration) -> (usize, Duration) {
        let (mut told, mut last) = (0, Instant::now());
        while told < alerts {
            let Ok(line) = self.lines.recv_timeout(silence.saturating_sub(last.elapsed())) else { break };
            if line["event"] == "alert" {
                told += 1;
                last = Instant::now();
            }
        }
        (told, last.saturating_duration_since(self.began))
    }

    /// Waits for the next word that all is well; how long that took since the start.
    pub(super) fn until_protected(&self) -> Result<Duration> {
        while self.lines.recv_timeout(PATIENCE).context("it does not come to be protected")?["status"]
            != "protected"
        {}
        Ok(self.began.elapsed())
    }
}
