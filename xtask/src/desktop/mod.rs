//! A whole desktop on a machine without a screen: display, window manager, session bus, keychain, notification daemon
//! and a panel with a tray, all private to whoever started it and gone when it is dropped.
//!
//! Every part is the real program that people run; nothing here stands in for one. Several desktops can run side by
//! side. Works as root.

mod bus;
mod eye;
mod keeper;
mod panel;
mod screen;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::project;
pub use eye::Eye;
use keeper::Keeper;
pub use screen::{Picture, Window};

/// How long a part may take to come up; generous, because builds may run beside it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which parts a desktop has.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    /// Width and height of the display in pixels.
    pub size: (u32, u32),
    /// Whether the keychain is there, unlocked.
    pub keychain: bool,
    /// Whether a notification daemon is there, one that draws buttons.
    pub notifications: bool,
    /// Whether a panel hosts the tray.
    pub panel: bool,
}

impl Default for Parts {
    fn default() -> Self {
        Self { size: (1280, 900), keychain: true, notifications: true, panel: true }
    }
}

/// A running desktop.
#[derive(Debug)]
pub struct VirtualDesktop {
    dir: PathBuf,
    display: String,
    bus: String,
    size: (u32, u32),
    // Last, so that it ends the rest when everything else here is gone.
    _keeper: Keeper,
}

impl VirtualDesktop {
    /// Starts a desktop and waits until each of its parts is ready for use.
    pub fn start(parts: Parts) -> Result<Self> {
        let dir = private_directory()?;
        let keeper = Keeper::start(&dir)?;
        let mut desktop =
            Self { dir, display: String::new(), bus: String::new(), size: parts.size, _keeper: keeper };
        for folder in ["home", "run", "config", "data", "cache", "state", "log", "display"] {
            private(&desktop.dir.join(folder))?;
        }

        desktop.start_display()?;
        desktop.paint_the_ground()?;
        desktop.start_bus()?;
        desktop.start_window_manager()?;
        if parts.keychain {
            desktop.start_keychain()?;
        }
        if parts.notifications {
            desktop.start_notifications()?;
        }
        if parts.panel {
            desktop.start_panel()?;
        }
        Ok(desktop)
    }

    /// A program that will run on this desktop, and end with it. It becomes the leader of a process group.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            // What a person's own desktop or settings say is not for this one.
            let others = ["XDG_", "DBUS_", "WAYLAND_", "VISIONGUARD_"];
            if others.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("HOME", self.dir.join("home"))
            .env("XDG_RUNTIME_DIR", self.dir.join("run"))
            .env("XDG_CONFIG_HOME", self.dir.join("config"))
            .env("XDG_DATA_HOME", self.dir.join("data"))
            .env("XDG_CACHE_HOME", self.dir.join("cache"))
            .env("XDG_STATE_HOME", self.dir.join("state"))
            .env("XDG_CURRENT_DESKTOP", "XFCE")
            .env("XDG_SESSION_TYPE", "x11")
            .env("GDK_BACKEND", "x11")
            .env("LANG", "C.UTF-8")
            .env("NO_AT_BRIDGE", "1")
            .process_group(0);
        command
    }

    /// The X display, such as `:91`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The address of the session bus.
    pub fn bus(&self) -> &str {
        &self.bus
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Looks at the display without asking anybody.
    pub fn eye(&self) -> Result<Eye> {
        Eye::open(&self.dir.join("display/Xvfb_screen0"))
    }

    /// A folder that nobody else uses and that goes with the desktop.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What a part of the desktop, or a program started with [`Self::spawn`], has written so far.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.log_path(name)).unwrap_or_default()
    }

    /// Starts a program with its output in a log of that name.
    pub fn spawn(&self, name: &str, command: &mut Command) -> Result<Child> {
        let log = fs::File::create(self.log_path(name))?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {name}: `{}`", project::shown(command)))
    }

    /// Whether somebody on the session bus goes by this name.
    pub fn has_name(&self, name: &str) -> bool {
        let mut ask = self.command("dbus-send");
        ask.args([
            "--session",
            "--print-reply=literal",
            "--dest=org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus.NameHasOwner",
            &format!("string:{name}"),
        ]);
        ask.output().is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("true"))
    }

    /// Unlocks the keychain, before anything wakes it locked.
    pub fn start_keychain(&self) -> Result<()> {
        let mut daemon = self.command("gnome-keyring-daemon");
        daemon.args(["--foreground", "--unlock", "--components=secrets"]);
        let log = fs::File::create(self.log_path("keychain"))?;
        let mut child = daemon
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start gnome-keyring-daemon")?;
        let mut stdin = child.stdin.take().context("gnome-keyring-daemon has no input")?;
        // A password of this desktop alone, whose keychain is empty and goes with it.
        stdin.write_all(b"virtual desktop")?;
        drop(stdin);
        self.wait_for_name("org.freedesktop.secrets", "keychain")
    }

    /// Starts the notification daemon; there must be none yet.
    pub fn start_notifications(&self) -> Result<()> {
        self.spawn("notifications", &mut self.command(xfce4_notifyd()?))?;
        self.wait_for_name("org.freedesktop.Notifications", "notifications")
    }

    /// Starts a panel with a tray.
    pub fn start_panel(&self) -> Result<()> {
        panel::configure(&self.dir.join("config"))?;
        self.spawn("panel", self.command("xfce4-panel").arg("--disable-wm-check"))?;
        self.wait_for_name("org.kde.StatusNotifierWatcher", "panel")
    }

    /// The numbers of this desktop's processes whose program has this name.
    pub fn processes(&self, program: &str) -> Vec<u32> {
        let mark = format!("XDG_RUNTIME_DIR={}", self.dir.join("run").display());
        let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let ours = numbers.filter(|number| {
            let read = |file: &str| fs::read(format!("/proc/{number}/{file}")).unwrap_or_default();
            let command = read("cmdline");
            let first = command.split(|byte| *byte == 0).next().unwrap_or_default();
            let name = first.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            name == program.as_bytes()
                && read("environ").split(|byte| *byte == 0).any(|set| set == mark.as_bytes())
        });
        ours.collect()
    }

    fn start_display(&mut self) -> Result<()> {
        let (width, height) = self.size;
        let screen = format!("{width}x{height}x24");
        let mut command = self.command("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp", "-noreset"]);
        command.arg("-fbdir").arg(self.dir.join("display"));
        let number = self.first_line("display", &mut command)?;
        self.display = format!(":{number}");
        Ok(())
    }

    /// A colour that is neither the page's nor the popups', so that both can be told from it.
    fn paint_the_ground(&self) -> Result<()> {
        project::output(self.command("xsetroot").args(["-solid", "#3f5368"]))?;
        Ok(())
    }

    fn start_bus(&mut self) -> Result<()> {
        let mut command = self.command("dbus-daemon");
        command.arg("--config-file").arg(bus::configure(&self.dir)?);
        command.args(["--nofork", "--nopidfile", "--print-address=1"]);
        self.bus = self.first_line("bus", &mut command)?;
        Ok(())
    }

    fn start_window_manager(&self) -> Result<()> {
        self.spawn("window manager", &mut self.command("openbox"))?;
        wait_until("the window manager", || self.xprop("_NET_SUPPORTING_WM_CHECK").contains("window id"))
    }

    fn xprop(&self, property: &str) -> String {
        let output = self.command("xprop").args(["-root", property]).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    }

    /// Starts a program and reads the one line it prints when it is ready.
    fn first_line(&self, name: &str, command: &mut Command) -> Result<String> {
        let log = fs::File::create(self.log_path(name))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", project::shown(command)))?;
        let mut stdout = BufReader::new(child.stdout.take().context("no output")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        if line.trim().is_empty() {
            bail!("{} did not come up: {}", project::shown(command), self.log(name).trim());
        }
        // Its output must stay open: the program would be killed by the next line it writes.
        std::thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
        Ok(line.trim().to_owned())
    }

    fn wait_for_name(&self, name: &str, part: &str) -> Result<()> {
        wait_until(name, || self.has_name(name)).with_context(|| format!("{part}: {}", self.log(part).trim()))
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.dir.join("log").join(name.replace(' ', "-"))
    }
}

/// Waits until `ready` says yes; an error names what was waited for.
pub fn wait_until(what: &str, mut ready: impl FnMut() -> bool) -> Result<()> {
    let give_up_at = Instant::now() + PATIENCE;
    while !ready() {
        if Instant::now() >= give_up_at {
            bail!("waited {} s in vain for {what}", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn xfce4_notifyd() -> Result<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/lib64"];
    let mut places = folders.iter().map(|folder| Path::new(folder).join("xfce4/notifyd/xfce4-notifyd"));
    places.find(|place| place.is_file()).context("xfce4-notifyd is not installed")
}

/// A fresh folder with a short path: a socket's address in it must fit 108 bytes.
fn private_directory() -> Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("visionguard-desktop-{}-{number}", std::process::id()));
    if dir.exists() {
        // Left by a process of the same number that is long gone.
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    private(&dir)?;
    Ok(dir)
}

fn private(dir: &Path) -> Result<()> {
    fs::DirBuilder::new().mode(0o700).create(dir).with_context(|| format!("cannot create {}", dir.display()))
}
