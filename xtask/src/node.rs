//! Node.js for the page's types and tests. Debian 12 has 18, which is too old for them; then a newer one is fetched from
//! the npm registry into the build directory, where it is in nobody's way.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::project::{output, say, target, tool};

/// The oldest major version that the page's tests run on.
const OLDEST: u32 = 20;

/// What is fetched where the machine's own is too old.
const FETCHED: &str = "20.20.2";

/// Sees to it that there is a Node.js of a sufficient version. npm must be installed.
pub fn ensure() -> Result<()> {
    if suffices("node") || suffices(&fetched().to_string_lossy()) {
        return Ok(());
    }
    let (system, machine) = match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => ("linux", "x64"),
        ("linux", "aarch64") => ("linux", "arm64"),
        _ => bail!("please install Node.js {OLDEST} or later: the page's tests need it"),
    };
    say(format!("This Node.js is older than {OLDEST}: fetching {FETCHED} into the build directory."));
    let package = format!("node-{system}-{machine}@{FETCHED}");
    let folder = folder();
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut npm = tool("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]);
    output(npm.arg("--prefix").arg(&folder).arg(package))?;
    let Some(node) = fetched().is_file().then(fetched).filter(|node| suffices(&node.to_string_lossy()))
    else {
        bail!("the Node.js that npm fetched does not run");
    };
    say(format!("Node.js is in {}.", node.display()));
    Ok(())
}

/// npm, running on a Node.js that suffices.
pub fn npm<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    // On Windows npm is a script that only the shell can start.
    let mut command = if cfg!(windows) { tool("cmd", ["/C", "npm"]) } else { tool("npm", []) };
    if !suffices("node") {
        let folders = fetched().parent().map(PathBuf::from).into_iter();
        let path = env::var_os("PATH").unwrap_or_default();
        if let Ok(path) = env::join_paths(folders.chain(env::split_paths(&path))) {
            command.env("PATH", path);
        }
    }
    command.args(arguments);
    command
}

/// A Node.js that suffices.
#[cfg(target_os = "linux")]
pub fn program() -> PathBuf {
    if suffices("node") { PathBuf::from("node") } else { fetched() }
}

fn suffices(node: &str) -> bool {
    let version = output(Command::new(node).arg("--version"));
    version.is_ok_and(|version| major(&version).is_some_and(|major| major >= OLDEST))
}

fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn fetched() -> PathBuf {
    let machine = if env::consts::ARCH == "aarch64" { "arm64" } else { "x64" };
    folder().join(format!("node_modules/node-linux-{machine}/bin/node"))
}

fn folder() -> PathBuf {
    target().join("node")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v8.1.0"), Some(8));
        assert_eq!(major("not installed"), None);
    }
}
