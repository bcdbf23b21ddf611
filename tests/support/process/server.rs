//! `visionguard-server` on a data directory.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::{end, memory, signal_to, visionguard_server};
use crate::wait;

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
            let failed = tokio::time::Instant::now() > deadline;
            if let Some(program) = Self::try_start(data_dir, listen).await {
                return program;
            }
            assert!(!failed, "the server does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn try_start(data_dir: &Path, listen: SocketAddr) -> Option<ServerProgram> {
        let mut child = Command::new(visionguard_server())
            .arg("--data-dir")
            .arg(data_dir)
            .args(["serve", "--listen", &listen.to_string()])
            .env("VISIONGUARD_LOG", "warn")
            .env_remove("VISIONGUARD_SERVER_SECRET")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        // From here on it is killed where this is left.
        let mut program = ServerProgram { child, address: listen };
        let (said, heard) = oneshot::channel();
        // Not on the runtime, which would not end before what it waits for.
        thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(out).read_line(&mut line);
            let _ = said.send(line);
        });
        let line = wait::within("the server to listen or to end", heard).await.unwrap();
        let listening: Value = serde_json::from_str(&line).unwrap_or_default();
        program.address = listening["listening"].as_str()?.strip_prefix("http://").unwrap().parse().unwrap();
        Some(program)
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        end(&mut self.child);
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, name: &str) {
        signal_to(&self.child.id().to_string(), name);
    }

    /// What it has in memory, in kB.
    pub fn memory(&self) -> u64 {
        memory(self.child.id())
    }
}

impl Drop for ServerProgram {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}
