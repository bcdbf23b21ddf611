//! The program itself: killed while it works, started twice, run as a demonstration.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::follower::Follower;
use crate::world::{PASSWORD, Person, bearer, connect, jpeg, post_alert, request, result_of, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_alert_that_was_accepted_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let shop = prepare(directory.path());
    let service = stdout(&command(directory.path(), &["token", "service"]));
    let picture = jpeg(160, 120);
    let mut accepted = Vec::new();

    for round in 0..5 {
        let mut program = Program::start(directory.path(), &[]);
        let address = program.address;
        let killed = Arc::new(AtomicBool::new(false));
        let publishers: Vec<_> = (0..4)
            .map(|publisher| {
                let (killed, service, picture) = (Arc::clone(&killed), service.clone(), picture.clone());
                let alert = json!({ "shop_id": shop, "stream_id": "s", "result": result_of(publisher) });
                tokio::spawn(async move {
                    let mut accepted = Vec::new();
                    while !killed.load(Ordering::Relaxed) {
                        let posted = tokio::spawn({
                            let (service, alert, picture) = (service.clone(), alert.clone(), picture.clone());
                            async move { post_alert(address, &service, &alert, Some(&picture), None).await }
                        });
                        // A request that was cut off is nobody's promise.
                        let Ok(answer) = posted.await else { break };
                        assert_eq!(answer.status, 202);
                        accepted.push(text(&answer.json()["alert_id"]));
                    }
                    accepted
                })
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(150 + round * 97)).await;
        program.child.kill().unwrap();
        program.child.wait().unwrap();
        killed.store(true, Ordering::Relaxed);
        for publisher in publishers {
            accepted.extend(publisher.await.unwrap());
        }
    }

    assert!(accepted.len() > 20, "only {} alerts were accepted: nothing is proven", accepted.len());
    let database = rusqlite::Connection::open(directory.path().join("server.sqlite3")).unwrap();
    for id in &accepted {
        let length: i64 = database
            .query_row(
                "SELECT length(jpeg) FROM frames JOIN anomalies USING (sequence) WHERE id = ?1",
                [id],
                |row| row.get(0),
            )
            .unwrap_or_else(|error| panic!("{id} of {} was lost: {error}", accepted.len()));
        assert_eq!(length, picture.len() as i64);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_misses_nothing_and_sees_nothing_twice_however_often_the_server_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let shop = prepare(directory.path());
    let service = stdout(&command(directory.path(), &["token", "service"]));
    let picture = jpeg(160, 120);
    let (mut accepted, mut arrived): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut cursor = None;

    for round in 0..8 {
        let mut program = Program::start(directory.path(), &[]);
        let address = program.address;
        let (owner, token) = sign_in(address).await;
        let query = cursor.as_ref().map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let (mut follower, welcome) = Follower::at(address, &owner, &token, &query).await.unwrap();
        assert!(welcome.recovered);
        cursor.get_or_insert(welcome.head);
        let alert = json!({ "shop_id": shop, "stream_id": "s", "result": result_of(round) });
        let publishing = (0..4).map(|_| {
            let (service, alert, picture) = (service.clone(), alert.clone(), picture.clone());
            tokio::spawn(async move {
                let mut accepted = Vec::new();
                loop {
                    let posted = tokio::spawn({
                        let (service, alert, picture) = (service.clone(), alert.clone(), picture.clone());
                        async move { post_alert(address, &service, &alert, Some(&picture), None).await }
                    });
                    // A request that was cut off is nobody's promise.
                    let Ok(answer) = posted.await else { break accepted };
                    accepted.push(text(&answer.json()["alert_id"]));
                }
            })
        });
        let publishing: Vec<_> = publishing.collect();
        // In the middle of commits and sends, at another moment each time.
        let until = tokio::time::Instant::now() + std::time::Duration::from_millis(100 + 61 * round as u64);
        let mut killed = false;
        while let Some(alert) = follower.alert_or_close().await {
            let id = alert.anomaly_id.unwrap().to_string();
            follower.try_acknowledge(&id).await;
            cursor = alert.cursor;
            arrived.push(id);
            if !killed && tokio::time::Instant::now() >= until {
                program.child.kill().unwrap();
                killed = true;
            }
        }
        program.child.wait().unwrap();
        for publisher in publishing {
            accepted.extend(publisher.await.unwrap());
        }
    }

    let program = Program::start(directory.path(), &[]);
    let (owner, token) = sign_in(program.address).await;
    let query = format!("&cursor={}", cursor.unwrap());
    let (mut follower, _) = Follower::at(program.address, &owner, &token, &query).await.unwrap();
    let database = rusqlite::Connection::open(directory.path().join("server.sqlite3")).unwrap();
    let mut recorded = database.prepare("SELECT id FROM anomalies ORDER BY sequence").unwrap();
    let recorded: Vec<String> =
        recorded.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    while arrived.len() < recorded.len() {
        let id = follower.alert().await.anomaly_id.unwrap().to_string();
        follower.acknowledge(&id).await;
        arrived.push(id);
    }
    assert!(accepted.len() > 20, "only {} alerts were accepted: nothing is proven", accepted.len());
    assert_eq!(arrived, recorded);
    assert!(accepted.iter().all(|id| recorded.contains(id)));
}

/// What waits for a client that does not read must cost the server next to nothing.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_of_a_server_stays_flat_while_clients_read_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let shop = prepare(directory.path());
    let service = stdout(&command(directory.path(), &["token", "service"]));
    let program = Program::start(directory.path(), &[]);
    let (owner, token) = sign_in(program.address).await;
    let picture = jpeg(320, 240);
    let publish = async |alerts: usize| {
        let alert = json!({ "shop_id": shop, "stream_id": "s", "result": result_of(1) });
        for _ in 0..alerts {
            let answer = post_alert(program.address, &service, &alert, Some(&picture), None).await;
            assert_eq!(answer.json()["connections"], 8);
        }
    };
    let mut unread = Vec::new();
    for _ in 0..8 {
        unread.push(Follower::unread(program.address, &owner, &token).await);
    }
    publish(100).await;
    let before = resident(program.child.id());

    publish(300).await;

    let grown = resident(program.child.id()).saturating_sub(before);
    let waiting = 300 * 8 * picture.len() / 1024;
    assert!(grown * 10 < waiting, "{grown} KiB more while {waiting} KiB wait for who does not read");
}

#[tokio::test]
async fn the_command_line_makes_users_that_can_sign_in() {
    let directory = tempfile::tempdir().unwrap();
    prepare(directory.path());
    let program = Program::start(directory.path(), &[]);

    let sign_in = async |email: &str| {
        let body = json!({ "email": email, "password": PASSWORD }).to_string();
        request(program.address, "POST", "/auth/login", &[], body.into()).await
    };
    let answer = sign_in("manager@shop.example").await;
    assert_eq!(answer.json()["user"]["role"], "MANAGER");
    let headers = [bearer(answer.json()["access_token"].as_str().unwrap())];
    let shops = request(program.address, "GET", "/shops", &headers, axum::body::Body::empty()).await.json();
    assert_eq!(shops[0]["name"], "Main Street");
    assert_eq!(shops[0]["managers"][0]["email"], "manager@shop.example");

    let list = stdout(&command(directory.path(), &["user", "list"]));
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(
        command(directory.path(), &["user", "disable", "--email", "manager@shop.example"]).status.success()
    );
    assert_eq!(sign_in("manager@shop.example").await.status, 401);
    assert!(
        command(directory.path(), &["user", "enable", "--email", "manager@shop.example"]).status.success()
    );
    assert_eq!(sign_in("manager@shop.example").await.status, 200);
    let twice = add_user(directory.path(), "manager@shop.example", "manager", PASSWORD);
    assert!(String::from_utf8_lossy(&twice.stderr).contains("a user with this e-mail address exists"));
    let short = add_user(directory.path(), "other@shop.example", "manager", "short");
    assert!(String::from_utf8_lossy(&short.stderr).contains("8 to 100 characters"));
}

#[test]
fn a_second_server_on_the_same_data_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let _first = Program::start(directory.path(), &[]);

    let second = command(directory.path(), &["serve", "--listen", "127.0.0.1:0"]);

    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another server runs on the data directory"));
}

#[test]
fn a_weak_secret_is_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    for (secret, words) in
        [("too short", "needs at least 32"), ("your-secret-key-change-in-production", "well-known")]
    {
        let output = program(directory.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("VISIONGUARD_SERVER_SECRET", secret)
            .output()
            .unwrap();

        assert!(!output.status.success());
        let words_said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words_said.contains(words), "{words_said}");
        assert!(!words_said.contains(secret), "the secret was printed");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_terminated_server_says_goodbye_and_its_fullest_log_holds_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    prepare(directory.path());
    let log = directory.path().join("log");
    let mut command = program(directory.path());
    command.env("VISIONGUARD_LOG", "trace").stderr(std::fs::File::create(&log).unwrap());
    let mut program = Program::spawn(command, &[]);
    let body = json!({ "email": "owner@shop.example", "password": PASSWORD }).to_string();
    let tokens = request(program.address, "POST", "/auth/login", &[], body.into()).await.json();
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    let body = json!({ "refresh_token": refresh }).to_string();
    assert_eq!(request(program.address, "POST", "/auth/refresh", &[], body.into()).await.status, 200);
    let user = text(&tokens["user"]["id"]).try_into().unwrap();
    let mut socket = connect(program.address, &user, &access).await;

    let id = program.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());

    assert_eq!(socket.closed().await.map(|frame| u16::from(frame.code)), Some(1012));
    assert!(program.child.wait().unwrap().success());
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("/ws/alerts/{user_id}"), "the log is empty: nothing is proven");
    for secret in [PASSWORD, &access, &refresh, access.rsplit('.').next().unwrap(), "?token="] {
        assert!(!log.contains(secret), "the log holds {secret}");
    }
}

#[tokio::test]
async fn the_demonstration_publishes_so_many_alerts_and_tells_of_the_acks() {
    let directory = tempfile::tempdir().unwrap();
    let options = ["--demo", "--demo-alerts", "4", "--demo-interval", "0.05"];
    let mut program = Program::start(directory.path(), &options);
    let ready = program.line("demo");
    let body = json!({ "email": ready["email"], "password": ready["password"] }).to_string();
    let tokens = request(program.address, "POST", "/auth/login", &[], body.into()).await.json();
    let user = text(&tokens["user"]["id"]).try_into().unwrap();

    let mut socket = connect(program.address, &user, tokens["access_token"].as_str().unwrap()).await;

    let detected = socket.message("anomaly_detected").await;
    assert_eq!(detected["location"], "Aisle 3");
    assert!(detected["annotated_frame"].as_str().unwrap().len() > 20_000);
    assert!(detected["result"]["bbox"]["w"].is_number());
    let acknowledge =
        json!({ "type": "ack", "stream_id": detected["stream_id"], "alert_id": detected["alert_id"] });
    socket.send(acknowledge).await;
    socket.message("notification").await;
    assert_eq!(socket.message("notification").await["data"]["type"], "owl_eye");
    for _ in 0..2 {
        socket.message("anomaly_detected").await;
    }

    let (program, lines) = tokio::task::spawn_blocking(move || {
        let lines: Vec<Value> = (0..5).map(|_| program.next_line()).collect();
        (program, lines)
    })
    .await
    .unwrap();
    let of = |kind: &str| lines.iter().filter_map(|line| line.get(kind)).cloned().collect::<Vec<_>>();
    let published = of("published");
    assert_eq!(published.len(), 4);
    for key in ["anomaly_id", "at", "camera", "kind"] {
        assert!(published[0][key].is_string(), "{key}");
    }
    assert_eq!(of("acknowledged")[0]["anomaly_id"], detected["alert_id"]);
    let headers = [bearer(tokens["access_token"].as_str().unwrap())];
    let rows = request(program.address, "GET", "/api/anomalies", &headers, axum::body::Body::empty()).await;
    assert_eq!(rows.json()["total"], 4);
}

async fn sign_in(address: SocketAddr) -> (Person, String) {
    let email = "owner@shop.example".to_owned();
    let body = json!({ "email": email, "password": PASSWORD }).to_string();
    let tokens = request(address, "POST", "/auth/login", &[], body.into()).await.json();
    let id = text(&tokens["user"]["id"]).try_into().unwrap();
    (Person { id, email }, text(&tokens["access_token"]))
}

/// Memory that the process occupies, in KiB.
#[cfg(target_os = "linux")]
fn resident(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A running server.
struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Program {
    fn start(directory: &Path, options: &[&str]) -> Program {
        Program::spawn(program(directory), options)
    }

    fn spawn(mut command: Command, options: &[&str]) -> Program {
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut program = Program { child, out, address: ([127, 0, 0, 1], 0).into() };
        let url = text(&program.line("listening"));
        program.address = url.strip_prefix("http://").unwrap().parse().unwrap();
        program
    }

    /// What the next line says of this.
    fn line(&mut self, kind: &str) -> Value {
        let line = self.next_line();
        line.get(kind).unwrap_or_else(|| panic!("expected {kind}: {line}")).clone()
    }

    fn next_line(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line:?}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An owner, a manager and their shop; returns its id.
fn prepare(directory: &Path) -> String {
    assert!(add_user(directory, "owner@shop.example", "owner", PASSWORD).status.success());
    assert!(add_user(directory, "manager@shop.example", "manager", PASSWORD).status.success());
    let shop = command(directory, &["shop", "add", "--name", "Main Street", "--owner", "owner@shop.example"]);
    let shop = stdout(&shop);
    let assign = ["shop", "assign", "--shop", &shop, "--manager", "manager@shop.example"];
    assert!(command(directory, &assign).status.success());
    shop
}

fn add_user(directory: &Path, email: &str, role: &str, password: &str) -> Output {
    let mut child = program(directory)
        .args(["user", "add", "--email", email, "--name", "Somebody", "--role", role, "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    child.wait_with_output().unwrap()
}

fn command(directory: &Path, arguments: &[&str]) -> Output {
    program(directory).args(arguments).output().unwrap()
}

fn program(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visionguard-server"));
    command
        .arg("--data-dir")
        .arg(directory)
        .env_remove("VISIONGUARD_SERVER_SECRET")
        .env("VISIONGUARD_LOG", "warn");
    command
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
