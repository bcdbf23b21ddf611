//! `visionguard-server` on a data directory.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

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
