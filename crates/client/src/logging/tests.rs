//! A canary in place of each secret, everything logged, and then the log is searched for it.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::net::TcpStream;
use visionguard_proto::link;

use super::*;
use crate::account::{Account, Answer};
use crate::api::Http;
use crate::clock::SystemClock;
use crate::connection::{Connection, Event};
use crate::dial::SystemDial;
use crate::keychain::MemoryKeychain;
use crate::testing::{Reply, Request, TinyServer, answer, json, tls};

const TOKEN: &str = "CANARY-token-5f1d";
const REFRESH: &str = "CANARY-refresh-77aa";
const PASSWORD: &str = "CANARY password, with blanks";

#[tokio::test]
async fn no_secret_reaches_the_log_or_any_error_with_everything_logged() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let folder = tempfile::tempdir().unwrap();
        let everything = Targets::new().with_default(LevelFilter::TRACE);
        let (subscriber, logging) = build(folder.path(), everything, format).unwrap();
        let guard = subscriber.set_default();

        let said = use_every_secret(folder.path()).await;
        drop(guard);
        drop(logging);

        let log = read_logs(folder.path());
        assert!(log.contains("/ws/alerts/u1"), "the handshake itself was not logged: {log}");
        assert!(log.contains("signed in"), "our own lines were not logged: {log}");
        for secret in [TOKEN, REFRESH, "CANARY"] {
            let line = log.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{secret} is in the log: {line:?}");
            assert!(!said.contains(secret), "{secret} is in an error: {said}");
        }
    }
}

#[tokio::test]
async fn at_the_level_of_a_person_libraries_are_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let (subscriber, logging) = build(folder.path(), filter(LogLevel::Trace), LogFormat::Text).unwrap();
    let guard = subscriber.set_default();

    use_every_secret(folder.path()).await;
    drop(guard);
    drop(logging);

    let log = read_logs(folder.path());
    assert!(log.contains("signed in"));
    assert!(!log.contains("/ws/alerts/"), "{log}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("logs"), "a file").unwrap();

    let error = build(folder.path(), filter(LogLevel::Info), LogFormat::Text).err().unwrap();

    assert!(error.to_string().starts_with("cannot open the log in "), "{error}");
}

/// Signs in, fails to, connects and is refused, refreshes; hands back what all errors and types say of themselves.
async fn use_every_secret(data_dir: &Path) -> String {
    let server = TinyServer::start(backend).await;
    let keychain = Arc::new(MemoryKeychain::default());
    let account = Account::new(
        data_dir.to_owned(),
        keychain.clone(),
        Http::new(&tls()).unwrap(),
        Arc::new(SystemClock),
    );
    let mut said = String::new();

    let failed =
        account.sign_in(&server.url(), "echo@example.com", &PASSWORD.into(), false).await.unwrap_err();
    said.push_str(&format!("{failed} {failed:?}"));
    account.sign_in(&server.url(), "a@example.com", &PASSWORD.into(), false).await.unwrap();

    let dial = Arc::new(SystemDial::new(tls()));
    let (connection, mut events) = Connection::start(link::Config::default(), dial, Arc::new(SystemClock), 1);
    let target = account.target().unwrap();
    said.push_str(&format!("{target:?} {account:?} {connection:?} {keychain:?}"));
    connection.connect(target);
    let (question, refused) = loop {
        let event = events.recv().await.unwrap();
        said.push_str(&format!("{event:?}"));
        if let Event::Question { cause, refused } = event {
            break (cause, refused);
        }
    };
    let answer = account.answer(question, &refused).await;
    said.push_str(&format!("{answer:?}"));
    assert!(matches!(answer, Answer::Rejected(_)));

    let by_token =
        account.sign_in_with_token(&server.url(), "u1", SecretString::from(TOKEN)).await.unwrap_err();
    said.push_str(&format!("{by_token} {by_token:?}"));
    said.push_str(&format!("{:?}", account.sign_out().await));
    let _ = TcpStream::connect(("127.0.0.1", server.port)).await;
    said
}

fn backend(request: &Request) -> Reply {
    match request.path.split('?').next().unwrap_or_default() {
        "/auth/login" if request.json()["email"] == "echo@example.com" => {
            json(422, &format!(r#"{{"message":"x","body_received":{}}}"#, request.json()))
        }
        "/auth/login" => {
            let user = r#"{"id":"u1","name":"N","email":"a@example.com"}"#;
            json(200, &format!(r#"{{"access_token":"{TOKEN}","refresh_token":"{REFRESH}","user":{user}}}"#))
        }
        "/auth/refresh" => json(500, &format!(r#"{{"detail":"{REFRESH} is not good"}}"#)),
        "/ws/capabilities" => json(404, "{}"),
        "/auth/me" => json(401, &format!(r#"{{"detail":"{TOKEN} is not good"}}"#)),
        _ => answer(403, &[], ""),
    }
}

fn read_logs(data_dir: &Path) -> String {
    let files = std::fs::read_dir(data_dir.join("logs")).unwrap();
    files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}
