//! Our own programs as processes: killed, frozen and started again as the system does it.

mod server;
mod watch;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;
use visionguard_client::journal::Journal;
use visionguard_client::model::Entry;

pub use server::ServerProgram;
pub use watch::{Credentials, Proof, Watch};

use crate::wait;

/// Where `visionguard` is: what `VISIONGUARD_CLI_BIN` names, else it is built first.
pub fn visionguard() -> &'static Path {
    static BINARY: LazyLock<PathBuf> =
        LazyLock::new(|| binary("visionguard-cli", "visionguard", "VISIONGUARD_CLI_BIN"));
    &BINARY
}

/// Where `visionguard-server` is: what `VISIONGUARD_SERVER_BIN` names, else it is built first.
fn visionguard_server() -> &'static Path {
    static BINARY: LazyLock<PathBuf> =
        LazyLock::new(|| binary("visionguard-server", "visionguard-server", "VISIONGUARD_SERVER_BIN"));
    &BINARY
}

/// All alerts in the journal of this data directory, newest first, whoever owns it.
pub async fn journal(data: &Path) -> Vec<Entry> {
    Journal::open_read_only(data).unwrap().alerts(100_000).await.unwrap()
}

/// Waits until exactly these alerts, by their ids in the record, are in the journal, each once.
pub async fn until_stored(data: &Path, ids: &[String]) {
    let mut wanted = ids.to_vec();
    wanted.sort();
    let deadline = tokio::time::Instant::now() + wait::PATIENCE;
    loop {
        let id = |entry: Entry| entry.alert.anomaly_id.map_or("unknown".to_owned(), |id| id.to_string());
        let mut stored: Vec<String> = journal(data).await.into_iter().map(id).collect();
        stored.sort();
        if stored == wanted {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "wanted {wanted:?}, stored {stored:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The last seven days, as `visionguard report --json` tells them.
pub fn report(data: &Path) -> Value {
    let mut command = Command::new(visionguard());
    let output = command.env("VISIONGUARD_DATA_DIR", data).args(["report", "--json"]).output().unwrap();
    // With 6 where no program compares the record any more.
    assert!(matches!(output.status.code(), Some(0 | 6)), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a process has in memory now, code included, in kB.
pub fn memory(pid: u32) -> u64 {
    status(pid, "VmRSS:")
}

/// The most that a process had in memory at once, in kB.
pub fn peak_memory(pid: u32) -> u64 {
    status(pid, "VmHWM:")
}

/// Sends a signal to a process, or with a minus sign to its group.
pub fn signal_to(whom: &str, signal: &str) {
    // Whoever has ended already needs no signal.
    let _ = Command::new("kill").args(["-s", signal, "--", whom]).stderr(Stdio::null()).status();
}

/// Whether a program of this name can be started here.
pub fn is_installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// With the profile and into the target folder of this very test.
fn binary(package: &str, program: &str, variable: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return PathBuf::from(path);
    }
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--package", package, "--bin", program]);
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(status.success(), "{program} does not build");
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join(format!("{program}{}", std::env::consts::EXE_SUFFIX))
}

fn status(pid: u32, of: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(of)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_installed() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program"));
    }

    #[test]
    fn a_process_has_had_at_least_what_it_has_in_memory() {
        let pid = std::process::id();

        let now = memory(pid);

        assert!(now > 0 && peak_memory(pid) >= now);
    }
}
