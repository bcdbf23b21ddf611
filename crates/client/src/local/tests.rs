//! Real sockets, with clients that run and others that only pretend to.
#![allow(clippy::unwrap_used, reason = "a test's helpers are tests too")]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use visionguard_proto::record::Row;

use super::*;
use crate::model::{Handling, Source};
use crate::shell::{Notification, Shell};
use crate::view::{Event, Status, Tray};

#[tokio::test]
async fn case_04_the_running_program_is_asked_how_it_stands() {
    let (folder, client) = running();
    let _serving = serve(folder.path(), client.clone(), Face::None).unwrap();

    let told = until_signed_out(folder.path()).await;

    assert_eq!(told.status, client.standing().await.unwrap().status);
    assert_eq!((told.server, told.user_id), (None, None));
    client.quit();
}

#[tokio::test]
async fn a_program_with_a_window_shows_it_and_one_without_says_that_it_has_none() {
    let (with, opens) = opens();
    let (without, client) = running();
    let _serving = serve(with.path(), opens.client.clone(), Face::Window).unwrap();
    let _also = serve(without.path(), client.clone(), Face::None).unwrap();

    open(with.path()).await.unwrap();
    let refused = open(without.path()).await;

    tokio::time::timeout(Duration::from_secs(60), opens.shown.notified()).await.unwrap();
    assert!(
        matches!(&refused, Err(AskError::Refused(problem)) if problem.code == UNKNOWN_QUESTION),
        "{refused:?}"
    );
    opens.client.quit();
    client.quit();
}

#[tokio::test]
async fn two_data_directories_are_two_programs() {
    let (one, first) = running();
    let (other, second) = running();
    let _serving = serve(one.path(), first.clone(), Face::None).unwrap();

    let unserved = standing(other.path()).await;
    let _also = serve(other.path(), second.clone(), Face::None).unwrap();

    assert!(matches!(unserved, Err(AskError::Nobody(_))), "{unserved:?}");
    until_signed_out(one.path()).await;
    until_signed_out(other.path()).await;
    first.quit();
    second.quit();
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_socket_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("x".repeat(100)).join("y".repeat(100));
    std::fs::create_dir_all(&long).unwrap();
    let client = start(&long);
    let _serving = serve(&long, client.clone(), Face::None).unwrap();

    until_signed_out(&long).await;

    assert!(!long.join("local.sock").exists());
    client.quit();
}

#[tokio::test]
async fn what_a_killed_program_left_is_taken_over_and_what_is_no_socket_is_left_alone() {
    let (folder, client) = running();
    let name = folder.path().join("local.sock");
    drop(UnixListener::bind(&name).unwrap());
    assert!(name.exists());

    let nobody = standing(folder.path()).await;
    let serving = serve(folder.path(), client.clone(), Face::None).unwrap();
    until_signed_out(folder.path()).await;
    drop(serving);
    let after = name.exists();
    std::fs::write(&name, "a file").unwrap();
    let _serving = serve(folder.path(), client.clone(), Face::None).unwrap();

    assert!(matches!(nobody, Err(AskError::Nobody(_))), "{nobody:?}");
    assert!(!after, "the name goes with the program");
    until_signed_out(folder.path()).await;
    assert_eq!(std::fs::read_to_string(&name).unwrap(), "a file");
    client.quit();
}

#[tokio::test]
async fn nobody_else_may_open_the_socket() {
    let (folder, client) = running();
    let _serving = serve(folder.path(), client.clone(), Face::None).unwrap();

    let mode = std::fs::metadata(folder.path().join("local.sock")).unwrap().permissions().mode();

    assert_eq!(mode & 0o777, 0o600);
    client.quit();
}

#[tokio::test]
async fn a_program_that_says_nothing_holds_no_asker() {
    let folder = tempfile::tempdir().unwrap();
    let stuck = UnixListener::bind(folder.path().join("local.sock")).unwrap();

    let told = tokio::time::timeout(Duration::from_secs(60), standing(folder.path())).await;

    assert!(matches!(told, Ok(Err(AskError::Silent(_)))), "{told:?}");
    drop(stuck);
}

#[tokio::test]
async fn askers_that_say_nothing_hold_no_program() {
    let (folder, client) = running();
    let _serving = serve(folder.path(), client.clone(), Face::None).unwrap();
    let mut mute = Vec::new();
    for _ in 0..3 * AT_ONCE {
        mute.push(UnixStream::connect(folder.path().join("local.sock")).await.unwrap());
    }

    until_signed_out(folder.path()).await;
    client.quit();
}

#[tokio::test]
async fn nonsense_and_endless_lines_are_answered_or_dropped_and_the_next_asker_is_served() {
    let (folder, client) = running();
    let _serving = serve(folder.path(), client.clone(), Face::None).unwrap();
    let name = folder.path().join("local.sock");

    let other = exchange(&name, b"{\"v\":2,\"ask\":\"standing\"}\n").await;
    let unknown = exchange(&name, b"{\"v\":1,\"ask\":\"token\"}\n").await;
    let nonsense = exchange(&name, b"GET / HTTP/1.1\r\n\r\n").await;
    let endless = exchange(&name, &vec![b'x'; usize::try_from(LONGEST).unwrap() + 10]).await;

    for told in [other, unknown] {
        assert!(told.contains(UNKNOWN_QUESTION), "{told}");
    }
    assert_eq!((nonsense.as_str(), endless.as_str()), ("", ""));
    until_signed_out(folder.path()).await;
    client.quit();
}

#[tokio::test]
async fn a_decision_about_an_incident_that_is_not_there_is_refused_by_the_program_itself() {
    let (folder, client) = running();
    let _serving = serve(folder.path(), client.clone(), Face::None).unwrap();

    let refused = decide(folder.path(), "4711", Decision::Resolved, None, None, Duration::from_secs(1)).await;

    let Err(AskError::Refused(problem)) = refused else { panic!("{refused:?}") };
    assert_eq!(problem.code, "unknown_incident");
    client.quit();
}

#[tokio::test]
async fn a_decision_whose_asker_went_away_before_it_was_read_is_not_made() {
    let (_folder, client) = running();
    let list: serde_json::Value =
        serde_json::from_str(include_str!("../../../../tests/fixtures/anomalies_list_200.json")).unwrap();
    let row = Row::read(list["anomalies"][1].to_string().as_bytes()).unwrap();
    let entry = client.journal().record(row.alert, Timestamp::now(), Source::Live).await.unwrap();
    let incident = entry.entry().incident.id;
    let question = format!(
        "{{\"v\":1,\"ask\":\"decide\",\"incident\":\"{incident}\",\"decision\":\"resolved\",\"note\":null,\"wait_ms\":10}}\n"
    );
    for stays in [false, true] {
        let (mut asker, program) = tokio::io::duplex(4_096);
        asker.write_all(question.as_bytes()).await.unwrap();
        let asker = Some(asker).filter(|_| stays);

        answer(program, &client, Face::None).await.unwrap();

        let now = client.journal().incident(incident).await.unwrap().unwrap().handling;
        assert_eq!(now == Handling::Open, !stays, "{now:?}");
        drop(asker);
    }
    client.quit();
}

/// Sends this and reads until the other end closes.
async fn exchange(name: &Path, said: &[u8]) -> String {
    let mut stream = UnixStream::connect(name).await.unwrap();
    // The program may have had enough before the end.
    let _ = stream.write_all(said).await;
    let mut told = Vec::new();
    let _ = stream.read_to_end(&mut told).await;
    String::from_utf8(told).unwrap()
}

/// Asks until nobody is found to be signed in, which every client here comes to.
async fn until_signed_out(data_dir: &Path) -> Standing {
    tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            if let Ok(told) = standing(data_dir).await
                && told.status.status == Status::SignedOut
            {
                return told;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap()
}

fn running() -> (TempDir, Client) {
    let folder = tempfile::tempdir().unwrap();
    let client = start(folder.path());
    (folder, client)
}

/// A client and its window.
struct Opens {
    client: Client,
    shown: Arc<tokio::sync::Notify>,
}

fn opens() -> (TempDir, Opens) {
    let folder = tempfile::tempdir().unwrap();
    let shown = Arc::new(tokio::sync::Notify::new());
    let client = start_with(folder.path(), Desktop(Some(Arc::clone(&shown))));
    (folder, Opens { client, shown })
}

fn start(data_dir: &Path) -> Client {
    start_with(data_dir, Desktop(None))
}

fn start_with(data_dir: &Path, desktop: Desktop) -> Client {
    let (settings, trust) = (crate::settings::Settings::default(), crate::tls::Trust::of(None));
    let parts = crate::controller::Parts::system(PathBuf::from(data_dir), settings, &trust).unwrap();
    let keychain = Arc::new(crate::keychain::MemoryKeychain::default());
    let parts = crate::controller::Parts { keychain, ..parts };
    Client::start(parts, desktop).unwrap()
}

/// A desktop without anybody, which may have a window.
struct Desktop(Option<Arc<tokio::sync::Notify>>);

impl Shell for Desktop {
    fn notify(&mut self, _notification: Notification) {}

    fn withdraw(&mut self, _incident: &str) {}

    fn show_tray(&mut self, _tray: &Tray) {}

    fn emit(&mut self, _event: &Event) {}

    fn show_window(&mut self, _incident: Option<&str>) {
        if let Some(shown) = &self.0 {
            shown.notify_one();
        }
    }

    fn quit(&mut self) {}
}
