//! What must be installed on the machine, and installing it where that is known how: Debian and its kin.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::node;
use crate::project::{has, output, quietly, say, shown};
use crate::unpacked;

/// Something the machine is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Compiling the crates that need no web view.
    Compile,
    /// The tests that need no web view, with a real keychain, real notification services, real proxies, and the programs
    /// with which others check evidence.
    Services,
    /// Compiling and running the desktop program.
    Desktop,
    /// A desktop on a machine without a screen.
    VirtualDesktop,
    /// The real program driven in its window.
    DesktopTests,
    /// Three notification daemons, three tray hosts and three keychains.
    Lab,
    /// The rest of those of `docs/desktops.md`.
    WholeLab,
    /// Python's socket servers. Its proxies are unpacked, not installed.
    NetworkLab,
    /// The page's types and unit tests.
    Page,
    /// What the program's figures are compared with.
    Bench,
}

impl Purpose {
    /// All that the tests take.
    pub const ALL: [Self; 9] = [
        Self::Compile,
        Self::Services,
        Self::Desktop,
        Self::VirtualDesktop,
        Self::DesktopTests,
        Self::Lab,
        Self::NetworkLab,
        Self::Page,
        Self::Bench,
    ];

    /// The Debian packages.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Compile => &["build-essential", "libasound2-dev", "nasm", "pkg-config"],
            Self::Services => &[
                "dbus",
                "gnome-keyring",
                "keepassxc",
                "libkf5wallet-bin",
                "libqca-qt5-2-plugins",
                "libsecret-tools",
                "lxqt-panel",
                "ayatana-indicator-application",
                "dunst",
                "mate-notification-daemon",
                "xfce4-notifyd",
                "python3-dbusmock",
                "strace",
                "dex",
                "mergerfs",
                "python3-gi",
                "xdotool",
                "xvfb",
                "minisign",
                "poppler-utils",
                "python3",
                "qpdf",
                "unzip",
            ],
            Self::Desktop => &["libwebkit2gtk-4.1-dev"],
            Self::VirtualDesktop => &[
                "xvfb",
                "openbox",
                "dbus",
                "gnome-keyring",
                "xfce4-notifyd",
                "xfce4-panel",
                "adwaita-icon-theme",
                "librsvg2-common",
                "fonts-dejavu-core",
                "x11-utils",
                "x11-xserver-utils",
                "xdotool",
                "wmctrl",
                "imagemagick",
            ],
            Self::DesktopTests => &["webkit2gtk-driver"],
            Self::Lab => &[
                "dunst",
                "mate-notification-daemon",
                "mate-panel",
                "lxqt-panel",
                "keepassxc",
                "libkf5wallet-bin",
                "libqca-qt5-2-plugins",
                "libglib2.0-bin",
                "xfconf",
            ],
            Self::WholeLab => &[
                "lxqt-notificationd",
                "notification-daemon",
                "notify-osd",
                "sway",
                "mako-notifier",
                "sway-notification-center",
                "waybar",
            ],
            Self::NetworkLab => &["python3", "python3-venv"],
            Self::Page => &["chromium", "nodejs", "npm"],
            Self::Bench => &["chromium", "nodejs", "npm", "python3", "python3-venv", "python3-dbusmock"],
        }
    }

    /// What it takes, for a system whose packages are not known here.
    fn words(self) -> &'static str {
        match self {
            Self::Compile => {
                "a C compiler and linker, nasm (without it pictures decode three times as slowly), and on Linux ALSA with its headers"
            }
            Self::Services => {
                "dbus-daemon, gnome-keyring, KeePassXC, kwalletd5, secret-tool, lxqt-panel, Ayatana's indicator service, dunst, mate-notification-daemon, xfce4-notifyd, python-dbusmock, mergerfs, strace, xdotool, Xvfb, minisign, poppler's tools, Python 3, qpdf, unzip, and nginx, HAProxy, lighttpd, squid and tinyproxy without their services"
            }
            Self::Desktop => "WebKitGTK 4.1 with its headers (Windows: WebView2; macOS: nothing)",
            Self::VirtualDesktop => {
                "Xvfb, openbox, dbus-daemon, gnome-keyring, xfce4-notifyd, xfce4-panel, xprop, xsetroot, xdotool, wmctrl, ImageMagick"
            }
            Self::DesktopTests => "WebKitWebDriver",
            Self::Lab => {
                "dunst, mate-notification-daemon, mate-panel, lxqt-panel, KeePassXC, kwalletd5, gdbus"
            }
            Self::WholeLab => "every notification daemon, tray host and keychain of docs/desktops.md",
            Self::NetworkLab => "Python 3 with venv",
            Self::Page => "Node.js 20 or later with npm, and Chromium",
            Self::Bench => "Node.js 20 or later with npm, Python 3 with venv, python-dbusmock, and Chromium",
        }
    }
}

/// Installs everything that any chore needs.
pub fn everything() -> Result<()> {
    ensure(&Purpose::ALL)
}

/// Sees to it that everything for these purposes is installed, or says what is missing.
pub fn ensure(purposes: &[Purpose]) -> Result<()> {
    if !(has("apt-get") && has("dpkg-query")) {
        return explain(purposes);
    }

    let missing = missing(purposes)?;
    if !missing.is_empty() {
        say(format!("Not installed yet, and needed: {}.", missing.join(", ")));
        install(&missing)?;
    }
    if purposes.contains(&Purpose::Services) {
        unpacked::ensure(&unpacked::PROXIES)?;
    }
    if purposes.contains(&Purpose::Page) || purposes.contains(&Purpose::Bench) {
        node::ensure()?;
    }
    Ok(())
}

/// The packages of these purposes that are not installed.
fn missing(purposes: &[Purpose]) -> Result<Vec<&'static str>> {
    let mut missing = Vec::new();
    for package in purposes.iter().flat_map(|purpose| purpose.packages()) {
        let there = match *package {
            // Many machines have them from elsewhere than Debian.
            "nodejs" => has("node"),
            "npm" => has("npm"),
            "chromium" => has("chromium"),
            "nasm" => has("nasm"),
            package => is_installed(package)?,
        };
        if !there && !missing.contains(package) {
            missing.push(*package);
        }
    }
    Ok(missing)
}

/// Whether a package is installed on this system.
pub(crate) fn is_installed(package: &str) -> Result<bool> {
    let mut ask = Command::new("dpkg-query");
    ask.args(["--show", "--showformat", "${db:Status-Status}", package]);
    let answer = ask.output().context("cannot start dpkg-query")?;
    Ok(answer.stdout == b"installed")
}

fn install(packages: &[&str]) -> Result<()> {
    let root = is_root()?;
    let mut install = apt_get(root);
    install.args(["-qq", "install", "--yes", "--no-install-recommends"]).args(packages);

    if !root && !has("sudo") {
        bail!(
            "these packages must be installed by an administrator, with:\n  apt-get update\n  apt-get install --no-install-recommends {}",
            packages.join(" ")
        );
    }
    say(format!(
        "Installing {} packages and what they need, which takes about a minute and is silent: {}",
        packages.len(),
        shown(&install)
    ));
    update()?;
    quietly(&mut install).or_else(|error| {
        // A mirror may have changed between the two, or been out of reach for a moment.
        say(format!("Once more, because of: {error}"));
        update()?;
        quietly(&mut install)
    })
}

/// Learns anew what packages there are.
pub(crate) fn update() -> Result<()> {
    quietly(apt_get(is_root()?).args(["-qq", "update"]))
}

/// How often a download is tried again.
pub(crate) const RETRIES: [&str; 4] = ["-o", "Acquire::Retries=5", "-o", "Acquire::http::Timeout=60"];

fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

fn apt_get(root: bool) -> Command {
    let mut command = Command::new(if root { "env" } else { "sudo" });
    // Nothing that comes with a service is started for being installed.
    command.args(["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "-o", "Dpkg::Use-Pty=0"]);
    command.args(RETRIES);
    command
}

/// On other systems nothing is installed for the person.
fn explain(purposes: &[Purpose]) -> Result<()> {
    let everywhere = [(Purpose::Page, "node"), (Purpose::Page, "npm")];
    let on_linux = [
        (Purpose::Services, "dunst"),
        (Purpose::Services, "strace"),
        (Purpose::VirtualDesktop, "Xvfb"),
        (Purpose::VirtualDesktop, "xdotool"),
        (Purpose::DesktopTests, "WebKitWebDriver"),
    ];
    let on_linux = on_linux.iter().filter(|_| cfg!(target_os = "linux"));
    let tools = everywhere.iter().chain(on_linux);
    let missing: Vec<_> = tools.filter(|(purpose, tool)| purposes.contains(purpose) && !has(tool)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut told: Vec<Purpose> = missing.iter().map(|(purpose, _)| *purpose).collect();
    told.dedup();
    let needed: Vec<_> = told.iter().map(|purpose| purpose.words()).collect();
    bail!("not a Debian-like system, so please install these yourself: {}", needed.join("; "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_names_packages_and_words() {
        for purpose in Purpose::ALL {
            assert!(!purpose.packages().is_empty() && !purpose.words().is_empty());
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_package_that_does_not_exist_is_not_installed() {
        if has("dpkg-query") {
            assert!(!is_installed("visionguard-no-such-package").unwrap());
        }
    }
}
