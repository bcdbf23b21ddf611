//! A test that never ends is named, with what it hangs on, and ended: in a queue of many nobody could tell which it was.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Ten times what the longest test takes.
const LIMIT: Duration = Duration::from_secs(if cfg!(feature = "long") { 3 * 3600 } else { 15 * 60 });

/// The watch over one test; over when this is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog(#[expect(dead_code, reason = "its end is what is waited for")] Sender<()>);

impl Watchdog {
    pub(crate) fn over(test: &str) -> Watchdog {
        let (alive, ended) = channel();
        let test = test.to_owned();
        thread::spawn(move || {
            if ended.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                // Past the harness, which keeps what a running test prints for its end.
                let _ = write!(io::stderr(), "{test} did not end within {LIMIT:?}.\n{}", state());
                process::exit(101);
            }
        });
        Watchdog(alive)
    }
}

/// What the threads of this process and the processes that it started wait for.
fn state() -> String {
    let own = process::id();
    let threads = tasks(Path::new("/proc/self")).into_iter().map(|task| format!("  thread {task}\n"));
    let started = processes().into_iter().filter(|(_, parent)| *parent == own).flat_map(|(folder, _)| {
        let words = fs::read(folder.join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        let tasks = tasks(&folder).into_iter().map(|task| format!("    {task}\n"));
        [format!("  process {words}\n")].into_iter().chain(tasks).collect::<Vec<_>>()
    });
    threads.chain(started).collect()
}

/// The threads of a process by name, each with the place in the system where it waits.
fn tasks(process: &Path) -> Vec<String> {
    let told = |file: PathBuf| fs::read_to_string(file).unwrap_or_default().trim().to_owned();
    let folders = fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    folders
        .map(|task| format!("{} in {}", told(task.path().join("comm")), told(task.path().join("wchan"))))
        .collect()
}

/// Every process with its parent.
fn processes() -> Vec<(PathBuf, u32)> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    folders
        .filter_map(|folder| {
            let status = fs::read_to_string(folder.path().join("status")).ok()?;
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()?;
            Some((folder.path(), parent))
        })
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_runs_is_named() {
        let mut child = Command::new("sleep").arg("300").spawn().unwrap();

        let mut named = state();
        // The system names a process a moment after it was started.
        for _ in 0..6_000 {
            if named.contains("  process sleep 300 \n") {
                break;
            }
            thread::sleep(Duration::from_millis(10));
            named = state();
        }
        child.kill().unwrap();
        child.wait().unwrap();

        assert!(named.contains("  process sleep 300 \n"), "{named}");
        assert!(named.contains("  thread overdue::tests:"), "{named}");
    }
}
