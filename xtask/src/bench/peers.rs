//! The others: Node.js, Python and Chromium, with the programs of `bench/` and their pinned packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::desktop::VirtualDesktop;
use crate::project::{output, quietly, root, target};
use crate::{node, project};

/// Everything that the peers take, installed below the build directory.
#[derive(Debug)]
pub(super) struct Peers {
    folder: PathBuf,
}

impl Peers {
    /// Installs their packages, in the versions that `bench/` pins.
    pub(super) fn install() -> Result<Self> {
        let folder = target().join("bench/peers");
        for (from, files) in [
            ("node", ["package.json", "package-lock.json", "receive.js", "parse.js"].as_slice()),
            ("python", ["requirements.txt", "receive.py", "parse.py", "grow.py"].as_slice()),
        ] {
            let into = folder.join(from);
            fs::create_dir_all(&into).with_context(|| format!("cannot create {}", into.display()))?;
            for file in files {
                fs::copy(root().join("bench").join(from).join(file), into.join(file))
                    .with_context(|| format!("cannot copy bench/{from}/{file}"))?;
            }
        }
        let peers = Self { folder };
        // What is optional there is compiled, and serves nothing here.
        let quiet =
            ["ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        quietly(node::npm(quiet).current_dir(peers.folder.join("node")))?;
        if !peers.python().is_file() {
            quietly(Command::new(SYSTEM_PYTHON).args(["-m", "venv"]).arg(peers.folder.join("venv")))?;
        }
        let mut pip = Command::new(peers.python());
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        quietly(pip.arg(peers.folder.join("python/requirements.txt")))?;
        Ok(peers)
    }

    /// A Node.js program of `bench/node`.
    pub(super) fn node(&self, script: &str) -> Command {
        let mut command = Command::new(node::program());
        command.arg(self.folder.join("node").join(script));
        command
    }

    /// A Python program of `bench/python`.
    pub(super) fn python_script(&self, script: &str) -> Command {
        let mut command = Command::new(self.python());
        command.arg(self.folder.join("python").join(script));
        command
    }

    fn python(&self) -> PathBuf {
        self.folder.join("venv/bin/python")
    }

    /// What each of them calls its version.
    pub(super) fn versions(&self) -> Vec<(String, String)> {
        let version = |mut command: Command| {
            let said = output(command.arg("--version")).unwrap_or_default();
            said.split_whitespace()
                .find(|word| word.contains('.'))
                .unwrap_or("unknown")
                .trim_start_matches('v')
                .to_owned()
        };
        let package = |path: &Path| -> Option<String> {
            let text = fs::read_to_string(path).ok()?;
            let value: serde_json::Value = serde_json::from_str(&text).ok()?;
            value["version"].as_str().map(str::to_owned)
        };
        let of = |name: &str| package(&self.folder.join("node/node_modules").join(name).join("package.json"));
        let websockets = fs::read_to_string(root().join("bench/python/requirements.txt")).unwrap_or_default();
        let websockets = websockets.trim().rsplit_once("==").map(|(_, version)| version.to_owned());
        vec![
            ("Chromium".to_owned(), version(Command::new("chromium"))),
            ("Node.js".to_owned(), version(Command::new(node::program()))),
            ("ws".to_owned(), of("ws").unwrap_or_default()),
            ("dbus-next".to_owned(), of("dbus-next").unwrap_or_default()),
            ("Python".to_owned(), version(Command::new(self.python()))),
            ("websockets".to_owned(), websockets.unwrap_or_default()),
        ]
    }
}

/// Its own Python, not whatever comes first on somebody's search path.
pub(super) const SYSTEM_PYTHON: &str = "/usr/bin/python3";

/// Chromium with one page in a window of its own, as somebody would make a program of it; nothing of it works in the
/// background for other purposes.
pub(super) fn chromium(desktop: &VirtualDesktop, url: &str, profile: &Path) -> Command {
    let mut command = desktop.command("chromium");
    command.arg(format!("--app={url}")).arg(format!("--user-data-dir={}", profile.display()));
    command.args([
        "--no-first-run",
        "--no-default-browser-check",
        "--password-store=basic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-extensions",
        "--disable-sync",
        "--window-size=1280,800",
        "--window-position=0,0",
    ]);
    if output(Command::new("id").arg("-u")).is_ok_and(|user| user.trim() == "0") {
        // It refuses to be confined by root, and would say so in a bar above the page, which moves it.
        command.args(["--no-sandbox", "--test-type"]);
    }
    command
}

/// Draws the picture that every alert has: as large as a camera's, and as hard to compress.
pub(super) fn draw(path: &Path, colour: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("no folder")?)?;
    let mut convert = Command::new("convert");
    convert.args([
        "-size",
        "640x480",
        "-seed",
        "8",
        &format!("xc:{colour}"),
        "-attenuate",
        "0.75",
        "+noise",
        "Gaussian",
    ]);
    project::output(convert.args(["-quality", "85"]).arg(format!("jpeg:{}", path.display())))?;
    Ok(())
}
