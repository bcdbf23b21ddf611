//! A shop with our own server, a manager and a camera, and the program with its own data directory.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use visionguard_proto::{Jpeg, ShopId, StreamId, UserId};
use visionguard_server::publish::Kind;
use visionguard_server::{Config, Detection, NewUser, Role, Running, Server};

pub const EMAIL: &str = "Manager@shop.example";
pub const PASSWORD: &str = "correct horse battery";

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Shop {
    runtime: tokio::runtime::Runtime,
    server: Option<Running>,
    url: String,
    shop: ShopId,
    manager: UserId,
    server_data: TempDir,
    data: TempDir,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

impl Shop {
    pub fn open() -> Shop {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (server_data, data) =
            (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        let (server, shop, manager) = runtime.block_on(async {
            let server = Server::start(Config::new(server_data.path())).await.expect("a server");
            let people = server.users();
            let user = |email: &str, role| NewUser {
                email: email.to_owned(),
                name: "Somebody".to_owned(),
                role,
                password: PASSWORD.to_owned().into(),
            };
            let owner = people.add_user(user("owner@shop.example", Role::Owner)).await.expect("an owner");
            let manager = people.add_user(user(EMAIL, Role::Manager)).await.expect("a manager");
            let shop = people.add_shop("Harbour Road", &owner).await.expect("a shop");
            people.assign(&shop, &manager).await.expect("assigned");
            (server, shop, manager)
        });
        let url = server.url();
        Shop { runtime, server: Some(server), url, shop, manager, server_data, data }
    }

    /// A detection of this person, with a picture; its anomaly id.
    pub fn publish(&self, person: i64) -> String {
        self.publish_at(person, 30)
    }

    /// The same of this picture of the stream.
    pub fn publish_at(&self, person: i64, frame: i64) -> String {
        let result = json!({"person_id": person, "start_frame": 7, "frame_number": frame, "score": -3.5});
        let detection = Detection {
            shop_id: self.shop.clone(),
            user_id: Some(self.manager.clone()),
            stream_id: StreamId::new("till-camera").expect("an id"),
            kind: Kind::Theft,
            severity: None,
            location: Some("Till".to_owned()),
            description: None,
            result: result.as_object().cloned().unwrap_or_else(Map::new),
            picture: Some(jpeg()),
            idempotency_key: None,
        };
        let server = self.server.as_ref().expect("a running server");
        self.runtime.block_on(server.publish(detection)).expect("published").id.to_string()
    }

    /// The owner decides on the web page.
    pub fn decide_elsewhere(&self, anomaly: &str, status: &str) {
        let token = self.token("owner@shop.example");
        let body = json!({"status": status}).to_string();
        let answer = self.http("PATCH", &format!("/api/anomalies/{anomaly}"), Some(&token), &body);
        assert_eq!(answer["status"], status, "{answer}");
    }

    /// What the record says of it.
    pub fn recorded(&self, anomaly: &str) -> Value {
        let token = self.token("owner@shop.example");
        self.http("GET", &format!("/api/anomalies/{anomaly}"), Some(&token), "")["status"].clone()
    }

    /// What its notes say.
    pub fn notes(&self, anomaly: &str) -> String {
        let token = self.token("owner@shop.example");
        let row = self.http("GET", &format!("/api/anomalies/{anomaly}"), Some(&token), "");
        row["notes"].as_str().unwrap_or_default().to_owned()
    }

    /// A token that the server has issued and takes no more, and whose it is.
    pub fn dead_token(&self) -> (String, String) {
        let token = self.token(EMAIL);
        self.http("POST", "/auth/logout", Some(&token), "");
        (self.manager.to_string(), token)
    }

    fn token(&self, email: &str) -> String {
        let body = json!({"email": email, "password": PASSWORD}).to_string();
        let answer = self.http("POST", "/auth/login", None, &body);
        answer["access_token"].as_str().unwrap_or_else(|| panic!("a token: {answer}")).to_owned()
    }

    fn http(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Value {
        let address = self.url.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(address).expect("the server");
        let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{bearer}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_default()
    }

    /// Stops the server, lets something happen, and starts it again at the same address.
    pub fn restart(&mut self, meanwhile: impl FnOnce()) {
        let server = self.server.take().expect("a running server");
        let address = server.address;
        self.runtime.block_on(server.stop());
        meanwhile();
        let config = Config { listen: address, ..Config::new(self.server_data.path()) };
        self.server = Some(self.runtime.block_on(Server::start(config)).expect("the server again"));
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "")
    }

    /// The same of somebody who does not say which server is meant.
    pub fn run_alone(&self, arguments: &[&str]) -> Ended {
        ended(self.command("").env_remove("VISIONGUARD_SERVER").args(arguments), "")
    }

    pub fn run_with_password(&self, arguments: &[&str]) -> Ended {
        let credentials = ["--email", EMAIL, "--password-stdin"];
        self.run_with(&[arguments, &credentials].concat(), PASSWORD)
    }

    pub fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        ended(self.command(&self.url).args(arguments), input)
    }

    /// `watch --json`, signed in.
    pub fn watch(&self) -> Watch {
        self.watch_at(&self.url)
    }

    pub fn watch_at(&self, url: &str) -> Watch {
        self.watch_with(url, &[])
    }

    /// The same behind a proxy.
    pub fn watch_through(&self, url: &str, proxy: &str) -> Watch {
        let mut command = self.command(url);
        start_watch(command.env("HTTP_PROXY", proxy).env("http_proxy", proxy), &[])
    }

    /// The same, beginning after an alert.
    pub fn watch_after(&self, after: &str) -> Watch {
        self.watch_with(&self.url, &["--after", after])
    }

    fn watch_with(&self, url: &str, more: &[&str]) -> Watch {
        start_watch(&mut self.command(url), more)
    }

    /// All that the program wrote into its data directory.
    pub fn files(&self) -> String {
        let mut text = String::new();
        read_all(self.data.path(), &mut text);
        text
    }

    fn command(&self, url: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_visionguard"));
        command.env("VISIONGUARD_DATA_DIR", self.data.path());
        command.env("VISIONGUARD_SERVER", url).env("VISIONGUARD_KEYCHAIN", "memory");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn ended(command: &mut Command, input: &str) -> Ended {
    let mut child = command.spawn().expect("the program");
    writeln!(child.stdin.take().expect("its input"), "{input}").ok();
    let output = child.wait_with_output().expect("its end");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ended { exit: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

fn start_watch(command: &mut Command, more: &[&str]) -> Watch {
    let arguments = ["watch", "--json", "--email", EMAIL, "--password-stdin"];
    let mut child = command.args(arguments).args(more).spawn().expect("the program");
    writeln!(child.stdin.take().expect("its input"), "{PASSWORD}").expect("its input");
    Watch::new(child)
}

/// A running `watch --json`; killed with this value.
pub struct Watch {
    child: Child,
    reader: Option<thread::JoinHandle<()>>,
    lines: Option<Receiver<Value>>,
    seen: Vec<Value>,
}

impl Watch {
    fn new(mut child: Child) -> Watch {
        let (tell, lines) = channel();
        let out = child.stdout.take().expect("its output");
        let reader = thread::spawn(move || {
            for line in BufReader::new(out).lines() {
                let Ok(line) = line else { break };
                let line = serde_json::from_str(&line).unwrap_or_else(|_| panic!("a JSON object: {line}"));
                // Reading ends with the first line that nobody wants.
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        Watch { child, reader: Some(reader), lines: Some(lines), seen: Vec::new() }
    }

    /// The first line from here on for which this holds.
    pub fn wait_for(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            match self.lines.as_ref().expect("still reading").recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if holds(&line) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let complaints = self.complaints();
                    panic!("no {what} among {:#?}; {complaints}", self.seen)
                }
            }
        }
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    /// Closes the reading end of its output, with the next line at the latest.
    pub fn stop_reading(&mut self) {
        self.lines = None;
    }

    /// The same, and waits for that line, such as that of an ack.
    pub fn stop_reading_now(&mut self) {
        self.stop_reading();
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends");
        }
    }

    /// Stops it as a service manager does: every line it printed, and its exit status.
    pub fn stop(mut self) -> (Vec<Value>, i32) {
        let asked =
            Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill");
        assert!(asked.success());
        let mut seen = std::mem::take(&mut self.seen);
        seen.extend(self.lines.take().expect("still reading").iter());
        (seen, self.wait().0)
    }

    /// Its exit status, once it ended by itself, and what it complained of.
    pub fn wait(mut self) -> (i32, String) {
        let give_up = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                break status;
            }
            assert!(Instant::now() < give_up, "it does not end");
            thread::sleep(Duration::from_millis(10));
        };
        (status.code().unwrap_or(-1), self.complaints())
    }

    fn complaints(&mut self) -> String {
        let mut text = String::new();
        self.child.kill().ok();
        if let Some(mut err) = self.child.stderr.take() {
            err.read_to_string(&mut text).ok();
        }
        text
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn read_all(directory: &Path, text: &mut String) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, text);
        } else {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(path).expect("a file")));
        }
    }
}

/// The picture of the golden message.
fn jpeg() -> Jpeg {
    let text = include_str!("../../../../tests/fixtures/ws_anomaly_detected.json");
    let message: Value = serde_json::from_str(text).expect("a golden message");
    Jpeg::from_base64(message["annotated_frame"].as_str().expect("a picture")).expect("a JPEG")
}
