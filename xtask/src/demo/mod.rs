//! The product, whole and running: our server with simulated cameras and the desktop program signed in to it.

#[cfg(target_os = "linux")]
mod headless;
#[cfg(target_os = "linux")]
mod report;
mod server;
#[cfg(target_os = "linux")]
mod stage;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::pace::Planned;
use crate::project::{self, built, cargo, run, say, target};
use crate::setup::{self, Purpose};
use crate::steps::Steps;
use server::{Note, Server};

/// How the demonstration runs.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Without a screen: end well after this many alerts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub alerts: u32,
    /// Seconds between two events of the simulated cameras [default: 2 without a screen, 20 with one].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub interval: Option<u64>,
    /// Use a virtual desktop although there is a screen.
    #[arg(long)]
    pub headless: bool,
}

/// The steps, with their times in seconds at first and later.
const PLAN: [Planned; 3] =
    [Planned::new("set-up", 60, 1), Planned::new("build", 240, 10), Planned::steady("demonstration", 15)];

/// Installs what is missing, builds, and runs the demonstration.
pub fn demo(options: &Options) -> Result<()> {
    let headless = options.headless || !has_screen();
    let mut purposes = vec![Purpose::Compile, Purpose::Desktop];
    if headless {
        purposes.push(Purpose::VirtualDesktop);
    }
    let mut steps = Steps::of("demo", &PLAN);
    steps.need("set-up", || setup::ensure(&purposes))?;
    steps.need("build", build)?;
    if !headless {
        // It lasts until the person quits the program.
        return run_built(options);
    }
    steps.need("demonstration", || run_built(options))
}

/// Builds the programs that the demonstration and the lab run.
pub fn build() -> Result<()> {
    run(&mut building())
}

/// A build of the programs that take part.
fn building() -> Command {
    cargo([
        "build",
        "--package",
        "visionguard-desktop",
        "--package",
        "visionguard-server",
        "--package",
        "visionguard-cli",
    ])
}

/// Runs the demonstration with what is built.
pub fn run_built(options: &Options) -> Result<()> {
    if !options.headless && has_screen() {
        return on_the_screen(options);
    }
    #[cfg(target_os = "linux")]
    return headless::run(options);
    #[cfg(not(target_os = "linux"))]
    bail!("a demonstration without a screen needs Linux");
}

fn has_screen() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// With a screen: everything is there to use until the program is quit.
fn on_the_screen(options: &Options) -> Result<()> {
    let place = Place::fresh()?;
    let interval = Duration::from_secs(options.interval.unwrap_or(20));
    let server = Server::start(Command::new(built("visionguard-server")), &place.server, interval, None)?;
    place.sign_in(Command::new(built("visionguard")), &server)?;

    say(format!("The server is at {}; sign in there as {}.", server.url, server.email));
    say("The program is starting. Quit it from its tray menu to end the demonstration.");
    let mut app = place
        .client(Command::new(built("visionguard-desktop")), &server)
        .spawn()
        .context("cannot start the desktop program")?;
    loop {
        match server.next(Duration::from_millis(500)) {
            Some(Note::Published { camera, kind, .. }) => say(format!("alert: {camera}, {kind}")),
            Some(Note::Acknowledged { .. }) | None => {}
        }
        if let Some(status) = app.try_wait()? {
            if status.success() {
                return Ok(());
            }
            bail!("the desktop program ended with {status}");
        }
        if let Some(why) = server.ended() {
            let _ = app.kill();
            bail!("the server ended: {why}");
        }
    }
}

/// Where the demonstration keeps its data and leaves its pictures.
#[derive(Debug)]
struct Place {
    pictures: PathBuf,
    server: PathBuf,
    client: PathBuf,
}

impl Place {
    fn fresh() -> Result<Self> {
        let top = target().join("demo");
        if top.exists() {
            fs::remove_dir_all(&top).with_context(|| format!("cannot remove {}", top.display()))?;
        }
        let place = Self { server: top.join("server"), client: top.join("client"), pictures: top };
        fs::create_dir_all(&place.server)?;
        fs::create_dir_all(&place.client)?;
        Ok(place)
    }

    /// A program of the client's with its data here.
    fn client(&self, mut program: Command, server: &Server) -> Command {
        program.env("VISIONGUARD_DATA_DIR", &self.client).env("VISIONGUARD_SERVER", &server.url);
        program
    }

    /// Signs in as a person would on the command line, so that the desktop program starts signed in.
    fn sign_in(&self, program: Command, server: &Server) -> Result<()> {
        let mut login = self.client(program, server);
        login.args(["login", "--email", &server.email, "--password-stdin"]);
        login.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            login.spawn().with_context(|| format!("cannot start `{}`", project::shown(&login)))?;
        child.stdin.take().context("no input")?.write_all(format!("{}\n", server.password).as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "cannot sign in: `{}` ended with {}: {}",
                project::shown(&login),
                output.status,
                said.trim()
            );
        }
        Ok(())
    }

    /// The end of the newest log, for a failure's explanation.
    fn log_tail(&self) -> String {
        newest(&self.client.join("logs")).map(|text| tail(&text, 30)).unwrap_or_default()
    }
}

fn newest(folder: &Path) -> Option<String> {
    let files = fs::read_dir(folder).ok()?.flatten();
    let newest = files.max_by_key(|file| file.metadata().and_then(|metadata| metadata.modified()).ok())?;
    fs::read_to_string(newest.path()).ok()
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
