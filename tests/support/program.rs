//! Our own programs as processes: killed, frozen and started again as the system does it.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::wait;

/// A program of ours, built beside these tests.
///
/// # Panics
///
/// Where it is not built: `cargo build -p visionguard-server -p visionguard-cli`, which `cargo xtask test` does.
pub fn built(program: &str, variable: &str) -> PathBuf {
    let beside = || {
        let tests = std::env::current_exe().unwrap();
        let folder = tests.parent().and_then(Path::parent).unwrap();
        folder.join(format!("{program}{}", std::env::consts::EXE_SUFFIX))
    };
    let path = std::env::var_os(variable).map_or_else(beside, PathBuf::from);
    assert!(path.is_file(), "{} is not built", path.display());
    path
}

/// A running `visionguard-server`; killed with this value.
#[derive(Debug)]
pub struct ServerProgram {
    child: Child,
    pub address: SocketAddr,
}

impl ServerProgram {
    /// Serves this data directory; waits until it listens. An address that is still busy is tried again.
    pub async fn start(data_dir: &Path, listen: SocketAddr) -> ServerProgram {
        let deadline = tokio::time::Instant::now() + wait::PATIENCE;
        loop {
            let (data_dir, failed) = (data_dir.to_owned(), tokio::time::Instant::now() > deadline);
            let started = tokio::task::spawn_blocking(move || Self::try_start(&data_dir, listen)).await;
            match started.unwrap() {
                Some(program) => return program,
                None => assert!(!failed, "the server does not start"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn try_start(data_dir: &Path, listen: SocketAddr) -> Option<ServerProgram> {
        let mut child = Command::new(built("visionguard-server", "VISIONGUARD_SERVER_BIN"))
            .arg("--data-dir")
            .arg(data_dir)
            .args(["serve", "--listen", &listen.to_string()])
            .env("VISIONGUARD_LOG", "warn")
            .env_remove("VISIONGUARD_SERVER_SECRET")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let listening: Value = serde_json::from_str(&line).unwrap_or_default();
        let Some(url) = listening["listening"].as_str() else {
            let _ = child.wait();
            return None;
        };
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        Some(ServerProgram { child, address })
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Its memory, in kilobytes.
    pub fn memory(&self) -> u64 {
        memory(&self.child)
    }
}

impl Drop for ServerProgram {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running `visionguard watch --json`, signed in; killed with this value. What it prints goes to a file.
#[derive(Debug)]
pub struct WatchProgram {
    child: Child,
}

impl WatchProgram {
    /// Signs in to `server` and keeps its journal in `data_dir`; its lines are added to the file `lines` in it.
    pub fn start(data_dir: &Path, server: &str, email: &str, password: &str) -> WatchProgram {
        let lines = File::options().create(true).append(true).open(data_dir.join("lines")).unwrap();
        let mut child = command(data_dir)
            .args(["watch", "--json", "--email", email, "--password-stdin"])
            .env("VISIONGUARD_SERVER", server)
            .env("VISIONGUARD_KEYCHAIN", "memory")
            .stdin(Stdio::piped())
            .stdout(lines)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
        WatchProgram { child }
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The most memory that it ever had, in kilobytes.
    pub fn peak_memory(&self) -> u64 {
        kilobytes(&self.child, "VmHWM:")
    }
}

impl Drop for WatchProgram {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of all watches on this data directory so far; a last one that is cut off is left out.
pub fn lines(data_dir: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(data_dir.join("lines")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Every alert in the journal, as `visionguard alerts --json` lists them.
pub fn stored(data_dir: &Path) -> Vec<Value> {
    let output = command(data_dir).args(["alerts", "--json", "--limit", "100000"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The last seven days, as `visionguard report --json` tells them.
pub fn report(data_dir: &Path) -> Value {
    let output = command(data_dir).args(["report", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn command(data_dir: &Path) -> Command {
    let mut command = Command::new(built("visionguard", "VISIONGUARD_CLI_BIN"));
    command.env("VISIONGUARD_DATA_DIR", data_dir);
    command
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success(), "cannot send {name}");
}

fn memory(child: &Child) -> u64 {
    kilobytes(child, "VmRSS:")
}

fn kilobytes(child: &Child, of: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(of)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
