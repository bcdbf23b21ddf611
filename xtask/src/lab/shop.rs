//! A shop: our server with a manager's account and a camera, and the programs signed in to it on a desktop.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::desktop::VirtualDesktop;
use crate::project::{built, root};

pub(super) const EMAIL: &str = "manager@shop.example";
pub(super) const PASSWORD: &str = "open sesame 1";
const OTHER_PASSWORD: &str = "another one 2";
/// The colours of the four quarters of the picture that each alert has.
pub(super) const COLOURS: [[u8; 3]; 4] = [[208, 40, 120], [30, 160, 200], [240, 170, 20], [90, 60, 170]];

/// The server and what a client of it needs to know.
#[derive(Debug)]
pub(super) struct Shop {
    /// Where the server listens itself.
    pub(super) address: String,
    data: PathBuf,
    id: String,
    token: String,
    process: Child,
    frames: AtomicU32,
}

impl Shop {
    /// Makes the accounts and starts the server.
    pub(super) fn open(desktop: &VirtualDesktop) -> Result<Self> {
        let data = desktop.dir().join("server");
        let server = |arguments: &[&str], input: &str| -> Result<String> {
            let mut command = desktop.command(built("visionguard-server"));
            command.arg("--data-dir").arg(&data).args(arguments);
            said(&mut command, input)
        };
        let user = |email: &str, role: &str, password: &str| {
            let words =
                ["user", "add", "--email", email, "--name", "A Person", "--role", role, "--password-stdin"];
            server(&words, &format!("{password}\n"))
        };
        user("owner@shop.example", "owner", OTHER_PASSWORD)?;
        user(EMAIL, "manager", PASSWORD)?;
        let id = server(&["shop", "add", "--name", "Main Street", "--owner", "owner@shop.example"], "")?
            .trim()
            .to_owned();
        server(&["shop", "assign", "--shop", &id, "--manager", EMAIL], "")?;
        let token = server(&["token", "service", "--name", "pipeline"], "")?.trim().to_owned();
        let (process, address) = serve(desktop, &data, "127.0.0.1:0")?;
        Ok(Self { address, data, id, token, process, frames: AtomicU32::new(0) })
    }

    /// Ends the server as a crash would.
    pub(super) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again, at the same address and with the same data.
    pub(super) fn reopen(&mut self, desktop: &VirtualDesktop) -> Result<()> {
        (self.process, self.address) = serve(desktop, &self.data, &self.address.clone())?;
        Ok(())
    }

    /// Publishes an alert about a person before the camera of the same number, with a picture. Those of even numbers
    /// are where nobody should be.
    pub(super) fn publish(&self, person: u32) -> Result<()> {
        let frame = self.frames.fetch_add(1, Ordering::Relaxed) + 1;
        let alert = json!({
            "shop_id": self.id,
            "stream_id": format!("88e3bbab-72c1-4037-b4e8-d8fe8731{person:04}"),
            "location": format!("Aisle {person}"),
            "anomaly_type": if person.is_multiple_of(2) { "owl_eye_intrusion" } else { "suspicious_behavior" },
            "result": {
                "person_id": person, "score": -3.5, "frame_number": 30 * frame, "is_abnormal": true,
                "classification": "Abnormal", "confidence": "High",
            },
        });
        let picture = fs::read(root().join("tests/desktop/quarters.jpg"))?;
        let mut body = format!(
            "--part\r\nContent-Disposition: form-data; name=\"alert\"\r\n\r\n{alert}\r\n--part\r\n\
             Content-Disposition: form-data; name=\"frame\"; filename=\"frame.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(&picture);
        body.extend_from_slice(b"\r\n--part--\r\n");
        let heading = format!(
            "POST /api/alerts HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
             Content-Type: multipart/form-data; boundary=part\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.token,
            body.len()
        );
        let answer = exchange(&self.address, &[heading.as_bytes(), &body].concat())?;
        ensure!(answer.starts_with("HTTP/1.1 202"), "the server took no alert: {answer}");
        Ok(())
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A person's programs on a desktop, with their data in one place.
#[derive(Debug)]
pub(super) struct Client<'a> {
    pub(super) desktop: &'a VirtualDesktop,
    /// The server's address as the person types it.
    pub(super) server: String,
}

impl Client<'_> {
    /// A program of ours.
    pub(super) fn program(&self, name: &str) -> Command {
        let mut command = self.desktop.command(built(name));
        command.env("VISIONGUARD_DATA_DIR", self.desktop.dir().join("client"));
        command
    }

    /// Signs in on the command line, so that the desktop program starts signed in.
    pub(super) fn sign_in(&self) -> Result<String> {
        let mut login = self.program("visionguard");
        login.args(["login", "--server", &self.server, "--email", EMAIL, "--password-stdin"]);
        said(&mut login, &format!("{PASSWORD}\n"))
    }

    /// Starts the desktop program.
    pub(super) fn start(&self, arguments: &[&str]) -> Result<Child> {
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let name = format!("program-{}", STARTS.fetch_add(1, Ordering::Relaxed));
        self.desktop.spawn(&name, self.program("visionguard-desktop").args(arguments))
    }

    /// What `visionguard status --json` says.
    pub(super) fn status(&self) -> Result<Value> {
        let output = self.program("visionguard").args(["status", "--json"]).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(text.trim()).with_context(|| format!("status said {text}"))
    }

    /// Whether the status is this word.
    pub(super) fn is(&self, word: &str) -> bool {
        self.status().is_ok_and(|status| status["status"] == word)
    }

    /// The last lines of the programs' own log, for whoever looks for what went wrong.
    pub(super) fn log(&self) -> String {
        let files = fs::read_dir(self.desktop.dir().join("client/logs")).into_iter().flatten().flatten();
        let text: String = files.filter_map(|file| fs::read_to_string(file.path()).ok()).collect();
        let lines: Vec<&str> = text.lines().collect();
        format!("its log ends with\n{}", lines[lines.len().saturating_sub(20)..].join("\n"))
    }

    /// The stored alerts, newest first.
    pub(super) fn alerts(&self) -> Result<Vec<Value>> {
        let text = said(self.program("visionguard").args(["alerts", "--json"]), "")?;
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}

fn serve(desktop: &VirtualDesktop, data: &PathBuf, listen: &str) -> Result<(Child, String)> {
    let mut command = desktop.command(built("visionguard-server"));
    command.arg("--data-dir").arg(data).args(["serve", "--listen", listen]);
    let log = fs::File::create(desktop.dir().join("log/server"))?;
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
    let mut output = BufReader::new(process.stdout.take().context("no output")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
    let said: Value = serde_json::from_str(&line)
        .with_context(|| format!("the server did not start: {}", desktop.log("server")))?;
    let url = said["listening"].as_str().context("the server did not say where it listens")?;
    Ok((process, url.trim_start_matches("http://").to_owned()))
}

/// Runs a command with this input for what it prints.
pub(super) fn said(command: &mut Command, input: &str) -> Result<String> {
    let shown = crate::project::shown(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    // Who does not want the input may have closed it.
    let _ = child.stdin.take().context("no input")?.write_all(input.as_bytes());
    let output = child.wait_with_output()?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("`{shown}` ended with {}: {}", output.status, complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Sends a request and reads the whole answer.
pub(super) fn exchange(address: &str, request: &[u8]) -> Result<String> {
    let mut connection =
        TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    connection.set_read_timeout(Some(Duration::from_secs(30)))?;
    connection.write_all(request)?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
