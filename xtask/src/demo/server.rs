//! Our server as a process of its own, with its simulated cameras, and what it says on its output.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// What happened at the server.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Note {
    /// An alert was committed and sent.
    Published { anomaly_id: String, at: String, camera: String, kind: String },
    /// A client has it on disk, or a person acknowledged it.
    Acknowledged { anomaly_id: String },
}

/// A running server; ends with this value.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) url: String,
    pub(super) email: String,
    pub(super) password: String,
    process: Mutex<Child>,
    notes: Receiver<Note>,
    complaints: Arc<Mutex<String>>,
}

/// Everything that a line of the server's output can be for us.
#[derive(Debug, Default, PartialEq)]
struct Line {
    url: Option<String>,
    account: Option<(String, String)>,
    note: Option<Note>,
}

impl Server {
    /// Starts the server with fresh data and waits until it listens.
    pub(super) fn start(
        mut program: Command,
        data: &Path,
        interval: Duration,
        alerts: Option<u32>,
    ) -> Result<Self> {
        program.arg("--data-dir").arg(data);
        program.args(["serve", "--demo", "--listen", "127.0.0.1:0"]);
        program.args(["--demo-interval", &interval.as_secs().to_string()]);
        if let Some(alerts) = alerts {
            program.args(["--demo-alerts", &alerts.to_string()]);
        }
        let mut process = program
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start the server")?;
        let complaints = collect(process.stderr.take().context("no output")?);
        let lines = read_lines(process.stdout.take().context("no output")?);

        let (mut url, mut account) = (None, None);
        let give_up_at = Instant::now() + Duration::from_secs(60);
        while url.is_none() || account.is_none() {
            match lines.recv_timeout(give_up_at.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    url = url.or(line.url);
                    account = account.or(line.account);
                }
                Err(RecvTimeoutError::Timeout) => bail!("the server did not say where it listens"),
                Err(RecvTimeoutError::Disconnected) => {
                    let _ = process.wait();
                    let said = complaints.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    bail!("the server did not start: {}", said.trim());
                }
            }
        }
        let (Some(url), Some((email, password))) = (url, account) else { bail!("no address") };

        let (sender, notes) = channel();
        thread::spawn(move || {
            for note in lines.iter().filter_map(|line| line.note) {
                if sender.send(note).is_err() {
                    return;
                }
            }
        });
        Ok(Self { url, email, password, process: Mutex::new(process), notes, complaints })
    }

    /// The next thing that happened, if anything does in this time.
    pub(super) fn next(&self, within: Duration) -> Option<Note> {
        match self.notes.recv_timeout(within) {
            Ok(note) => Some(note),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                // The server has closed its output; whoever asks in a loop must not spin.
                thread::sleep(within);
                None
            }
        }
    }

    /// Why the server is no longer there, if it is not.
    pub(super) fn ended(&self) -> Option<String> {
        let status = self.process.lock().unwrap_or_else(PoisonError::into_inner).try_wait().ok()??;
        Some(format!("{status}\n{}", self.complaints()))
    }

    /// What it wrote to its error output.
    pub(super) fn complaints(&self) -> String {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = process.kill();
        let _ = process.wait();
    }
}

fn read_lines(output: impl std::io::Read + Send + 'static) -> Receiver<Line> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(understand(&line)).is_err() {
                return;
            }
        }
    });
    lines
}

fn collect(output: impl std::io::Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let collected = Arc::clone(&text);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
            text.push_str(&line);
            text.push('\n');
        }
    });
    collected
}

fn understand(line: &str) -> Line {
    let Ok(value) = serde_json::from_str::<Value>(line) else { return Line::default() };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let account = &value["demo"];
    let published = &value["published"];
    let acknowledged = &value["acknowledged"];
    Line {
        url: value["listening"].as_str().map(str::to_owned),
        account: account.is_object().then(|| (text(&account["email"]), text(&account["password"]))),
        note: if published.is_object() {
            Some(Note::Published {
                anomaly_id: text(&published["anomaly_id"]),
                at: text(&published["at"]),
                camera: text(&published["camera"]),
                kind: text(&published["kind"]),
            })
        } else {
            acknowledged
                .is_object()
                .then(|| Note::Acknowledged { anomaly_id: text(&acknowledged["anomaly_id"]) })
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_s_lines_are_understood() {
        let listening = understand(r#"{"listening":"http://127.0.0.1:8000"}"#);
        let published = understand(
            r#"{"published":{"anomaly_id":"a","at":"2026-01-01T00:00:00Z","camera":"Aisle 3","kind":"x"}}"#,
        );

        assert_eq!(listening.url.as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(
            published.note,
            Some(Note::Published {
                anomaly_id: "a".to_owned(),
                at: "2026-01-01T00:00:00Z".to_owned(),
                camera: "Aisle 3".to_owned(),
                kind: "x".to_owned(),
            })
        );
    }

    #[test]
    fn a_line_of_another_kind_is_nothing() {
        assert_eq!(understand("Listening on port 8000"), Line::default());
        assert_eq!(understand(r#"{"warning":"slow"}"#), Line::default());
    }
}
