//! A camera that a person snoozed.

use std::time::Duration;

use super::desk::{Desk, Running, Told};
use super::screen::{all_are_marked, of_camera, protected, says};
use super::server::Server;
use crate::journal::Journal;
use crate::shell::Outcome;
use crate::view::{Event, Status};

const QUARTER: Duration = Duration::from_secs(15 * 60);

#[tokio::test]
async fn a_snoozed_camera_s_alerts_are_stored_and_raised_once_it_is_over_and_others_at_once() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;

    running.client.snooze(&first, QUARTER, None).await.expect("its camera is snoozed");
    another(&server, &running, 6).await;
    server.say(&of_camera(2));
    running.until("the other camera's is raised", |told| (alerts_shown(told).len() == 2).then_some(())).await;
    let of_others = alerts_shown(&running.told());
    let [snooze] = &running.client.snapshot().await.snoozes[..] else { panic!("one is snoozed") };
    running.client.end_snooze(&snooze.camera).await.expect("it is over");
    all_are_marked(&running, 3).await;

    let told = running.told();
    assert!(told.withdrawn.contains(&first), "its popup stands no more");
    assert_eq!(of_others, ["1", "3"]);
    assert_eq!(alerts_shown(&told), ["1", "3", "2"]);
    assert!(told.notifications.last().is_some_and(|last| last.sound), "nobody heard it");
}

#[tokio::test]
async fn it_is_over_by_itself() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;
    running.client.window(true);

    running.client.snooze(&first, Duration::from_secs(2), None).await.expect("its camera is snoozed");
    let until = running.until("it is told", |told| snoozed(told).pop()).await;
    another(&server, &running, 6).await;
    all_are_marked(&running, 2).await;

    let alerts = running.client.journal().alerts(10).await.expect("alerts");
    let told_at = alerts.iter().map(|entry| entry.alert.notified_at).max().flatten().expect("it was told");
    // Not before its time by either clock, which do not run quite alike.
    assert!(told_at.as_millisecond() + 100 >= until, "{told_at} was before {until}");
    assert!(running.client.snapshot().await.snoozes.is_empty());
}

#[tokio::test]
async fn an_incident_that_goes_on_meanwhile_is_told_of_again_afterwards_without_a_sound() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;
    running.client.seen(&first);
    running.until("its popup is closed", |told| told.withdrawn.contains(&first).then_some(())).await;

    running.client.snooze(&first, QUARTER, None).await.expect("its camera is snoozed");
    let mut more = of_camera(1);
    more["result"]["frame_number"] = 60.into();
    server.say(&more);
    running.until("it is stored", |told| (told.acked.len() == 2).then_some(())).await;
    running.client.end_snooze("00000000-0000-4000-8000-000000000001").await.expect("it is over");
    all_are_marked(&running, 2).await;

    let sounds: Vec<_> = running.told().notifications.iter().map(|raised| raised.sound).collect();
    assert_eq!(sounds.iter().filter(|sound| **sound).count(), 1, "{sounds:?}");
}

#[tokio::test]
async fn a_popup_s_button_snoozes_for_a_quarter_of_an_hour_which_a_restart_keeps_and_a_sign_out_ends() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.reads_the_record_seldom();
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;
    running.client.window(true);
    running.client.notification(Outcome::Snoozed { id: first.clone() });
    let until = running.until("it is told", |told| snoozed(told).pop()).await;
    another(&server, &running, 6).await;
    running
        .until("the tray knows", |told| told.trays.last().filter(|tray| tray.snoozed == 1).map(|_| ()))
        .await;
    running.quit().await;

    let running = desk.start();
    running.status(Status::Protected, "protected").await;
    another(&server, &running, 7).await;
    server.say(&of_camera(2));
    // What was looked for at the start would have come before it.
    running.until("the other camera's is raised", |told| alerts_shown(told).first().map(|_| ())).await;
    let [kept] = &running.client.snapshot().await.snoozes[..] else { panic!("it is kept") };
    let raised = alerts_shown(&running.told());
    running.client.sign_out(false).await.expect("it is done");
    running.sign_in(&server).await;
    all_are_marked(&running, 4).await;
    running.quit().await;
    let journal = Journal::open_read_only(desk.path()).expect("a journal");

    assert_eq!((kept.until, raised), (until, vec!["4".to_owned()]));
    assert_eq!(journal.value("snoozes").await.expect("a value"), None);
}

#[tokio::test]
async fn signing_in_again_as_the_same_person_leaves_it_and_as_another_ends_it() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.reads_the_record_seldom();
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;
    running.client.snooze(&first, QUARTER, None).await.expect("its camera is snoozed");
    another(&server, &running, 6).await;

    running.sign_in(&server).await;
    let same = running.client.snapshot().await.snoozes.len();
    let elsewhere = Server::start().await;
    running.sign_in(&elsewhere).await;
    all_are_marked(&running, 2).await;

    assert_eq!((same, running.client.snapshot().await.snoozes.len()), (1, 0));
}

#[tokio::test]
async fn it_lasts_longer_when_asked_and_never_for_ever() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;

    let none = running.client.extend_snooze("00000000-0000-4000-8000-000000000001", QUARTER).await;
    running.client.snooze(&first, QUARTER, None).await.expect("its camera is snoozed");
    let [before] = &running.client.snapshot().await.snoozes[..] else { panic!("one is snoozed") };
    running.client.extend_snooze(&before.camera, QUARTER).await.expect("for longer");
    let [after] = &running.client.snapshot().await.snoozes[..] else { panic!("one is snoozed") };
    let too_long = running.client.snooze(&first, 100 * QUARTER, None).await;
    let too_short = running.client.snooze(&first, Duration::ZERO, None).await;

    let codes =
        [none, too_long.map(drop), too_short.map(drop)].map(|refused| refused.expect_err("refused").code);
    assert_eq!(codes, ["not_snoozed", "invalid", "invalid"]);
    assert_eq!(after.until - before.until, 15 * 60 * 1_000);
}

#[tokio::test]
async fn a_camera_is_snoozed_and_ended_by_its_name_and_who_and_why_are_said() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    let id = "00000000-0000-4000-8000-000000000001";
    desk.settings.view.camera_names = [(id.to_owned(), "Till 1".to_owned())].into();
    let running = protected(&desk, &server).await;
    says(&server, &running, 1).await;
    server.say(&of_camera(2));
    running.until("another camera is known", |told| (alerts_shown(told).len() == 2).then_some(())).await;

    let unknown = running.client.snooze_camera("front door", QUARTER, None).await;
    let several = running.client.snooze_camera("00000000", QUARTER, None).await;
    let snooze = running.client.snooze_camera("till", QUARTER, Some("cleaning".to_owned())).await;
    let standing = running.client.standing().await.expect("it runs").snoozes;
    let none = running.client.end_snooze("front door").await;
    running.client.end_snooze("TILL 1").await.expect("it interrupts again");
    let over = running.client.end_all_snoozes().await;

    let snooze = snooze.expect("its camera is snoozed");
    assert_eq!(
        (snooze.camera.as_str(), snooze.name.as_str(), snooze.why.as_deref()),
        (id, "Till 1", Some("cleaning"))
    );
    assert!(!snooze.by.is_empty());
    assert_eq!(standing, [snooze]);
    let refused = [unknown.expect_err("refused"), several.expect_err("refused")];
    assert!(refused.iter().all(|problem| problem.code == "unknown_camera"), "{refused:?}");
    assert!(refused[1].sentence.contains("Till 1"), "{}", refused[1].sentence);
    assert_eq!(
        [none, over].map(|refused| refused.expect_err("refused").code),
        ["not_snoozed", "not_snoozed"]
    );
}

#[tokio::test]
async fn the_tray_offers_the_cameras_of_the_newest_incidents_as_far_as_they_are_not_snoozed() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    says(&server, &running, 1).await;
    server.say(&of_camera(2));
    let offered = |told: &Told| {
        let cameras = told.trays.last().map(|tray| tray.cameras.clone()).unwrap_or_default();
        cameras.into_iter().map(|camera| camera.id).collect::<Vec<_>>()
    };
    let both =
        running.until("both are offered", |told| Some(offered(told)).filter(|ids| ids.len() == 2)).await;

    running.client.snooze_from_tray(&both[1]);
    let left = running.until("one is snoozed", |told| Some(offered(told)).filter(|ids| ids.len() == 1)).await;

    assert!(both[0].ends_with('2') && both[1].ends_with('1'), "the newest first: {both:?}");
    assert_eq!(left, both[..1]);
    assert_eq!(running.client.snapshot().await.snoozes.len(), 1);
}

/// Another person on the first camera: another incident.
async fn another(server: &Server, running: &Running, person: i64) {
    let acked = running.told().acked.len();
    let mut message = of_camera(1);
    message["result"]["person_id"] = person.into();
    message["result"]["frame_number"] = (person * 1_000).into();
    server.say(&message);
    running.until("it is stored", |told| (told.acked.len() > acked).then_some(())).await;
}

fn alerts_shown(told: &Told) -> Vec<String> {
    told.notifications.iter().filter_map(|raised| raised.alert.clone()).collect()
}

fn snoozed(told: &Told) -> Vec<i64> {
    let until = |event: &Event| {
        if let Event::Snoozes { snoozes } = event { Some(snoozes.first()?.until) } else { None }
    };
    told.events.iter().filter_map(until).collect()
}
