//! The data directory comes late, goes away, or is another program's by then.

use std::fs;

use jiff::Timestamp;

use super::desk::{Desk, Running};
use super::server::{Server, detection};
use crate::local;
use crate::lock::{self, DataLock};
use crate::session_file;
use crate::settings;
use crate::view::{NoticeView, Status, Theme};

#[tokio::test]
async fn a_directory_that_comes_late_is_read_and_its_session_goes_on_without_a_restart() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.lives_in("share/data");
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    running.quit().await;
    let file = "theme = \"dark\"\nblur = true\n[camera_names]\n\"till-camera\" = \"Till\"\n";
    fs::write(desk.path().join("settings.toml"), file).unwrap();
    // Not mounted yet, and nobody can make it, the administrator included.
    fs::rename(desk.beside("share"), desk.beside("elsewhere")).unwrap();
    fs::write(desk.beside("share"), "").unwrap();

    desk.read_settings();
    let running = desk.start();
    running.status(Status::SignedOut, "never").await;
    let meanwhile = running.client.snapshot().await;
    fs::remove_file(desk.beside("share")).unwrap();
    fs::rename(desk.beside("elsewhere"), desk.beside("share")).unwrap();

    running.status(Status::Protected, "protected").await;
    assert!(meanwhile.settings.blur && !meanwhile.settings.picture_in_notification, "shown openly meanwhile");
    let said: Vec<_> = meanwhile.notices.iter().map(|notice| notice.code.as_str()).collect();
    assert!(said.contains(&"settings_bad"), "{said:?}");
    let settings = running.client.snapshot().await.settings;
    assert_eq!((settings.theme, settings.blur, settings.picture_in_notification), (Theme::Dark, true, true));
    assert_eq!(settings.camera_names.len(), 1);
    until_notices(&running, |notices| notices.is_empty()).await;
    server.say(&detection(1, 30));
    server.until("an ack", |state| state.acks.first().cloned()).await;
    assert_eq!(lock::holder(desk.path()).unwrap().program, "test");
}

#[tokio::test]
async fn a_directory_that_is_moved_or_deleted_under_the_program_is_made_whole_and_stays_its_own() {
    for gone in [deleted, moved] {
        let (server, mut desk) = (Server::start().await, Desk::new());
        desk.lives_in("data");
        fs::create_dir(desk.path()).unwrap();
        fs::write(desk.path().join("settings.toml"), "blur = true\n").unwrap();
        desk.read_settings();
        let running = desk.signed_in(&server).await;
        running.status(Status::Protected, "protected").await;
        let _serving = local::serve(desk.path(), running.client.clone(), local::Face::None);

        gone(&desk);

        running
            .until_true("the directory is whole again", || {
                let is_ours = lock::holder(desk.path()).is_some_and(|owner| owner.program == "test");
                is_ours
                    && session_file::load(desk.path()).is_some()
                    && desk.path().join("local.sock").exists()
            })
            .await;
        let standing = local::standing(desk.path()).await.expect("an answer");
        assert_eq!(standing.email.as_deref(), Some("owner@example.com"));
        let _refused = desk.try_start().expect_err("a second program on the same directory");
        running
            .until_true("what was chosen is written down", || {
                settings::load_with(desk.path(), |_| None).0.view.blur
            })
            .await;
        assert!(running.client.snapshot().await.settings.blur, "what was chosen is forgotten");
        server.say(&detection(1, 30));
        server.until("an ack", |state| state.acks.first().cloned()).await;
    }
}

#[tokio::test]
async fn a_directory_that_another_program_was_faster_to_take_is_left_to_it_until_it_ends() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.lives_in("data");
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    fs::create_dir(desk.beside("fresh")).unwrap();
    let other = DataLock::take(&desk.beside("fresh"), "other", Timestamp::now()).unwrap();

    fs::rename(desk.path(), desk.beside("moved")).unwrap();
    fs::rename(desk.beside("fresh"), desk.path()).unwrap();

    let others = |notices: &[NoticeView]| {
        notices.iter().any(|notice| notice.code == "data_dir" && notice.sentence.contains("(other)"))
    };
    until_notices(&running, others).await;
    server.say(&detection(1, 30));
    running.notification(0).await;
    assert!(server.state().acks.is_empty(), "acknowledged from memory");
    assert_eq!(session_file::load(desk.path()), None);
    drop(other);
    server.until("an ack", |state| state.acks.first().cloned()).await;
    until_notices(&running, |notices| notices.is_empty()).await;
    assert_eq!(lock::holder(desk.path()).unwrap().program, "test");
    running.until_true("the session is written down", || session_file::load(desk.path()).is_some()).await;
}

fn deleted(desk: &Desk) {
    fs::remove_dir_all(desk.path()).unwrap();
}

fn moved(desk: &Desk) {
    fs::rename(desk.path(), desk.beside("moved")).unwrap();
}

async fn until_notices(running: &Running, holds: impl Fn(&[NoticeView]) -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let notices = running.client.snapshot().await.notices;
        if holds(&notices) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{notices:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
