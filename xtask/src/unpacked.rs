//! Debian packages that are unpacked into the build directory instead of installed: a proxy that is installed serves on
//! this computer as soon as its system starts, and there is no need for that.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::{output, quietly, say, target, tool};
use crate::setup::{self, RETRIES};

/// The proxies that the client's tests run.
pub(crate) const PROXIES: [&str; 5] = ["nginx", "haproxy", "lighttpd", "squid", "tinyproxy"];

/// Where they are, as below the root of a system. The client's tests look there, too.
pub(crate) fn root() -> PathBuf {
    target().join("unpacked")
}

/// The root below which a program is by this path: that of what is unpacked, or the system's.
#[cfg(target_os = "linux")]
pub(crate) fn root_of(program: &str) -> PathBuf {
    if root().join(program).is_file() { root() } else { PathBuf::from("/") }
}

/// Lets a program find the libraries that were unpacked with it.
#[cfg(target_os = "linux")]
pub(crate) fn lend_libraries(command: &mut Command) {
    let folders = ["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu"];
    let folders = folders.map(|folder| root().join(folder).display().to_string());
    command.env("LD_LIBRARY_PATH", folders.join(":"));
}

/// Fetches and unpacks those of these packages that are neither unpacked nor installed, with what they need.
pub(crate) fn ensure(packages: &[&str]) -> Result<()> {
    let mut there = complete();
    let mut missing = Vec::new();
    for package in packages {
        if !there.contains(*package) && !setup::is_installed(package)? {
            missing.push(*package);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    say(format!("Unpacking into {}, not installing: {}.", root().display(), missing.join(", ")));
    if fetch(&missing).is_err() {
        // What is known of the archive may be old, or nothing.
        setup::update()?;
        fetch(&missing)?;
    }
    there.extend(missing.into_iter().map(str::to_owned));
    let names: Vec<String> = there.into_iter().collect();
    fs::write(list(), names.join("\n")).with_context(|| format!("cannot write {}", list().display()))
}

fn fetch(packages: &[&str]) -> Result<()> {
    let folder = target().join("unpacking");
    if folder.exists() {
        // Left by one that was interrupted.
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    fs::create_dir_all(root())?;
    let mut simulate = tool("apt-get", ["install", "--simulate", "--no-install-recommends"]);
    let plan = output(simulate.args(packages))?;
    let mut download = Command::new("apt-get");
    download.current_dir(&folder).args(RETRIES).args(["-qq", "download"]).args(to_install(&plan));
    quietly(&mut download)?;
    for entry in fs::read_dir(&folder)? {
        quietly(Command::new("dpkg").arg("--extract").arg(entry?.path()).arg(root()))?;
    }
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))
}

/// The packages that apt-get would install, as it says of a simulation.
fn to_install(plan: &str) -> Vec<&str> {
    plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next()).collect()
}

/// What was unpacked whole.
fn complete() -> BTreeSet<String> {
    fs::read_to_string(list()).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn list() -> PathBuf {
    root().join("complete")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_simulation_would_install_is_fetched() {
        let plan = "Reading package lists...\nThe following NEW packages will be installed:\n  nginx\n\
                    Inst nginx-common (1.22.1-9 Debian:12/stable [all])\nInst nginx (1.22.1-9 Debian:12/stable [amd64])\n\
                    Conf nginx-common (1.22.1-9 Debian:12/stable [all])\n";

        assert_eq!(to_install(plan), ["nginx-common", "nginx"]);
    }
}
