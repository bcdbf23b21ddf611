//! What stands on the screen, whatever comes.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::desk::{Desk, Running};
use super::server::{Server, detection};
use super::{incidents, marked};
use crate::policy::COUNTER;
use crate::shell::Outcome;
use crate::view::Status;

#[tokio::test]
async fn the_third_camera_s_incident_takes_the_place_of_the_first_which_is_counted_and_marked() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;

    for camera in 2..=4 {
        says(&server, &running, camera).await;
    }
    let counter = counts(&running, "2 not handled").await;
    all_are_marked(&running, 4).await;

    let told = running.told();
    let sounds = told.notifications.iter().filter(|raised| raised.sound).count();
    assert_eq!((counter.sound, counter.critical, sounds), (false, false, 4));
    assert!(told.withdrawn.contains(&first));
}

#[tokio::test]
async fn what_the_counter_told_of_is_told_once_also_after_a_restart() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.reads_the_record_seldom();
    let running = protected(&desk, &server).await;
    for camera in 1..=4 {
        says(&server, &running, camera).await;
    }
    all_are_marked(&running, 4).await;
    running.quit().await;

    let running = desk.start();
    running.status(Status::Protected, "protected").await;
    server.say(&of_camera(5));

    let raised = running.notification(0).await;
    assert_eq!(raised.alert.as_deref(), Some("5"));
}

#[tokio::test]
async fn what_nobody_was_told_of_before_a_kill_is_told_by_two_popups_and_the_counter() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.reads_the_record_seldom();
    let running = desk.start_with(false);
    running.sign_in(&server).await;
    running.status(Status::Protected, "protected").await;
    for camera in 1..=5 {
        server.say(&of_camera(camera));
    }
    running.until("all are stored", |told| (told.acked.len() == 5).then_some(())).await;
    running.quit().await;

    let running = desk.start();
    all_are_marked(&running, 5).await;
    counts(&running, "3 not handled").await;

    let told = running.told();
    let popups: BTreeSet<_> = told.notifications.iter().filter_map(|raised| raised.alert.clone()).collect();
    assert_eq!(popups, ["4".to_owned(), "5".to_owned()].into());
    assert_eq!(told.notifications.iter().filter(|raised| raised.sound).count(), 3);
}

#[tokio::test]
async fn the_counter_goes_with_the_last_that_it_counts() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let mut ids = Vec::new();
    for camera in 1..=3 {
        ids.push(says(&server, &running, camera).await);
    }
    counts(&running, "1 not handled").await;

    running.client.notification(Outcome::Acknowledged { id: ids[0].clone() });

    running.until("it is gone", |told| told.withdrawn.iter().any(|id| id == COUNTER).then_some(())).await;
}

#[tokio::test]
async fn signing_out_takes_all_back_and_what_was_not_told_comes_with_the_next_sign_in() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.reads_the_record_seldom();
    let running = desk.start_with(false);
    running.sign_in(&server).await;
    running.status(Status::Protected, "protected").await;
    for camera in 1..=3 {
        says(&server, &running, camera).await;
    }
    running
        .until("it counts", |told| told.notifications.iter().any(|one| one.id == COUNTER).then_some(()))
        .await;
    let before = running.told().notifications.len();

    running.client.sign_out(false).await.expect("it is done");
    let withdrawn: BTreeSet<String> = running.told().withdrawn.iter().cloned().collect();
    running.sign_in(&server).await;
    let again = running.notification(before).await;

    for id in ["2", "3", COUNTER] {
        assert!(withdrawn.contains(id), "{id} of {withdrawn:?}");
    }
    assert!(again.sound, "nobody heard of it");
}

#[tokio::test]
async fn nothing_pops_up_about_what_is_being_looked_at_and_it_is_marked_all_the_same() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let id = says(&server, &running, 1).await;
    running.client.window(true);

    running.client.looks(Some(&id));
    running.until("its popup is closed", |told| told.withdrawn.contains(&id).then_some(())).await;
    let mut update = of_camera(1);
    update["result"]["frame_number"] = 60.into();
    server.say(&update);
    running.until("it is acknowledged", |told| (told.acked.len() == 2).then_some(())).await;
    tokio::time::timeout(Duration::from_secs(60), async {
        while incidents(&running).await.first().is_none_or(|incident| incident.alerts < 2) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it is stored");
    marked(&running).await;
    let while_looked_at = running.told().notifications.len();
    running.client.looks(None);
    server.say(&of_camera(2));
    let later = running.notification(1).await;

    assert_eq!(while_looked_at, 1);
    assert_eq!(later.alert.as_deref(), Some("3"));
}

#[tokio::test]
async fn pictures_that_are_blurred_stand_in_no_popup_either_and_what_stood_is_counted() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;
    let settings = running.client.snapshot().await.settings;

    let blurred = crate::view::SettingsView { blur: true, ..settings };
    running.client.change_settings(blurred).await.expect("they are changed");
    counts(&running, "1 not handled").await;
    says(&server, &running, 2).await;

    let told = running.told();
    let with_picture: Vec<_> = told.notifications.iter().filter(|raised| raised.picture.is_some()).collect();
    assert!(told.withdrawn.contains(&first));
    assert_eq!(with_picture.len(), 1, "the one before");
}

#[tokio::test]
async fn what_is_seen_in_the_window_stands_no_more() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let id = says(&server, &running, 1).await;

    running.client.seen(&id);

    running.until("its popup is closed", |told| told.withdrawn.contains(&id).then_some(())).await;
}

pub(super) async fn protected(desk: &Desk, server: &Server) -> Running {
    let running = desk.signed_in(server).await;
    running.status(Status::Protected, "protected").await;
    running
}

/// An alert of this camera comes; the incident whose popup was raised for it.
pub(super) async fn says(server: &Server, running: &Running, camera: i64) -> String {
    let acked = running.told().acked.len();
    server.say(&of_camera(camera));
    running.until("it is stored", |told| (told.acked.len() > acked).then_some(())).await;
    let camera = camera.to_string();
    let raised = |told: &super::desk::Told| {
        told.notifications
            .iter()
            .find(|raised| raised.alert.as_ref() == Some(&camera))
            .map(|one| one.id.clone())
    };
    running.until("it is raised", raised).await
}

pub(super) fn of_camera(camera: i64) -> Value {
    let mut message = detection(camera, 30);
    message["result"]["stream_id"] = format!("00000000-0000-4000-8000-00000000000{camera}").into();
    message["stream_id"] = message["result"]["stream_id"].clone();
    message
}

async fn counts(running: &Running, title: &str) -> crate::shell::Notification {
    let counts = |told: &super::desk::Told| {
        let counter = told.notifications.iter().rfind(|raised| raised.id == COUNTER)?;
        (counter.title == title).then(|| counter.clone())
    };
    running.until("it is counted", counts).await
}

/// Waits until the journal knows that all alerts of so many incidents were told of.
pub(super) async fn all_are_marked(running: &Running, count: usize) {
    let waiting = async {
        loop {
            let alerts = running.client.journal().alerts(100).await.expect("alerts");
            if alerts.len() == count && alerts.iter().all(|entry| entry.alert.notified_at.is_some()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("all are marked");
}
