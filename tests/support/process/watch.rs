//! `visionguard watch --json` on a data directory, its lines read, its end in the test's hands.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tempfile::NamedTempFile;

use super::{end, peak_memory, signal_to, visionguard};
use crate::ours::{EMAIL, PASSWORD};
use crate::wait;

/// Where the program signs in at its start, and by what.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub server: String,
    pub proof: Proof,
}

#[derive(Debug, Clone)]
pub enum Proof {
    Token { user_id: String, token: String },
    Password { email: String, password: String },
}

impl Credentials {
    /// The owner's at this server.
    pub fn owner(server: &str) -> Credentials {
        let proof = Proof::Password { email: EMAIL.to_owned(), password: PASSWORD.to_owned() };
        Credentials { server: server.to_owned(), proof }
    }
}

/// A running `visionguard watch --json`, which ends with this value at the latest.
#[derive(Debug)]
pub struct Watch {
    child: Child,
    said: Mutex<Said>,
    complaints: NamedTempFile,
}

impl Watch {
    /// Starts it on this data directory.
    pub fn start(data: &Path, credentials: &Credentials) -> Watch {
        Watch::start_under(&[] as &[&str], data, credentials)
    }

    /// Starts it by a command that runs another, such as `prlimit --nofile=64`.
    pub fn start_under<S: AsRef<OsStr>>(wrapper: &[S], data: &Path, credentials: &Credentials) -> Watch {
        let (out, complaints) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        Watch::start_into(out, complaints, wrapper, data, credentials)
    }

    /// The same with its lines written to this file, which begins empty.
    pub fn start_into<S: AsRef<OsStr>>(
        out: NamedTempFile,
        complaints: NamedTempFile,
        wrapper: &[S],
        data: &Path,
        credentials: &Credentials,
    ) -> Watch {
        let mut words = wrapper.iter().map(AsRef::as_ref).chain([visionguard().as_os_str()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(["watch", "--json", "--server", &credentials.server]);
        let secret = match &credentials.proof {
            Proof::Token { user_id, token } => {
                command.args(["--token-stdin", "--user-id", user_id]);
                token
            }
            Proof::Password { email, password } => {
                command.args(["--password-stdin", "--email", email]);
                password
            }
        };
        command.env("VISIONGUARD_DATA_DIR", data).env("VISIONGUARD_KEYCHAIN", "memory");
        // All of it, a wrapper included, can be told to end at once.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(out.reopen().unwrap()).stderr(complaints.reopen().unwrap());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        // One that is killed at once does not read it.
        let _ = writeln!(child.stdin.take().unwrap(), "{secret}");
        let said = Said { from: out.reopen().unwrap(), _file: out, rest: Vec::new(), lines: Vec::new() };
        Watch { child, said: Mutex::new(said), complaints }
    }

    /// The process, or its wrapper's.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most that it had in memory at once, in kB.
    pub fn peak_memory(&self) -> u64 {
        peak_memory(self.pid())
    }

    /// Every whole line so far.
    pub fn lines(&self) -> Vec<Value> {
        self.said().read().to_vec()
    }

    /// How many lines so far are like this.
    pub fn count(&self, wanted: impl Fn(&Value) -> bool) -> usize {
        self.said().read().iter().filter(|line| wanted(line)).count()
    }

    /// Waits until the lines so far have what the test waits for.
    pub async fn until<T>(&self, what: &str, mut wanted: impl FnMut(&[Value]) -> Option<T>) -> T {
        let found = wait::until_or(
            || {
                let found = wanted(self.said().read()).map(Ok);
                found.or_else(|| self.has_ended().then_some(Err(())))
            },
            || format!("{what}; {}", self.told()),
        );
        found.await.unwrap_or_else(|()| panic!("it ended before {what}; {}", self.told()))
    }

    /// Waits until it says this status last.
    pub async fn until_status(&self, status: &str) {
        self.until(&format!("the status {status}"), |lines| {
            let last = lines.iter().rfind(|line| line["event"] == "status")?;
            (last["status"] == status).then_some(())
        })
        .await;
    }

    /// Whether it is not running any more.
    pub fn has_ended(&self) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let state = state.rsplit(") ").next().and_then(|rest| rest.chars().next());
        state.is_none_or(|state| state == 'Z')
    }

    /// Sends it a signal: `STOP`, `CONT`, `TERM`.
    pub fn signal(&self, signal: &str) {
        signal_to(&format!("-{}", self.child.id()), signal);
    }

    /// Ends it as by `kill -9`; every whole line that it printed.
    pub fn kill(mut self) -> Vec<Value> {
        self.end();
        self.lines()
    }

    /// Stops it as a service manager does; every line that it printed, and how it ended.
    pub async fn stop(mut self) -> (Vec<Value>, ExitStatus) {
        self.signal("TERM");
        let status = wait::until("its end", || self.child.try_wait().unwrap()).await;
        (self.lines(), status)
    }

    /// Waits until it ended by itself.
    pub async fn until_ended(&mut self) -> ExitStatus {
        wait::until("its end", || self.child.try_wait().unwrap()).await
    }

    /// What it wrote to standard error.
    pub fn complaints(&self) -> String {
        std::fs::read_to_string(self.complaints.path()).unwrap_or_default()
    }

    fn end(&mut self) {
        signal_to(&format!("-{}", self.child.id()), "KILL");
        end(&mut self.child);
    }

    fn told(&self) -> String {
        let lines = self.lines();
        let last: Vec<String> = lines.iter().rev().take(8).rev().map(Value::to_string).collect();
        format!("last lines {last:#?}, complaints {:?}", self.complaints())
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

/// What it printed, read as far as it goes.
#[derive(Debug)]
struct Said {
    from: File,
    _file: NamedTempFile,
    rest: Vec<u8>,
    lines: Vec<Value>,
}

impl Said {
    fn read(&mut self) -> &[Value] {
        let mut more = Vec::new();
        self.from.read_to_end(&mut more).unwrap();
        self.rest.extend(more);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = serde_json::from_slice(&line)
                .unwrap_or_else(|_| panic!("a JSON object: {}", String::from_utf8_lossy(&line)));
            self.lines.push(line);
        }
        &self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn half_a_line_is_no_line() {
        let mut out = NamedTempFile::new().unwrap();
        let from = out.reopen().unwrap();
        write!(out, "{{\"event\":\"a\"}}\n{{\"event\":").unwrap();
        let mut said = Said { from, _file: out, rest: Vec::new(), lines: Vec::new() };

        assert_eq!(said.read().len(), 1);
        writeln!(said._file, "\"b\"}}").unwrap();
        assert_eq!(said.read()[1]["event"], "b");
    }
}
