//! Tests of the alert path, against a server that plays every part of what may go wrong.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;

use super::desk::{Desk, Running};
use super::server::{Note, Server, detection, told};
use crate::journal::FILE_NAME;
use crate::shell::Outcome;
use crate::view::{DrillView, Event, Remedy, ReportQuery, Status};

const SOON: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_test_comes_round_and_is_no_alert() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    running.client.window(true);

    let result = running.client.drill().await.expect("it can be tested");

    let drilled: Vec<DrillView> = drills(&running);
    let shown = running.notification(0).await;
    let snapshot = running.client.snapshot().await;
    assert!(result.passed && result.took_ms.is_some(), "{result:?}");
    assert_eq!(drilled.iter().map(|view| view.running).collect::<Vec<_>>(), [true, false]);
    assert_eq!(snapshot.drill, DrillView { running: false, last: Some(result) });
    assert_eq!((snapshot.counts.total, snapshot.feed.items.len()), (0, 0));
    assert_eq!((shown.sound, shown.critical, shown.alert, shown.picture), (false, false, None, None));
    assert_eq!(running.told().notifications.len(), 1, "the message itself is shown to nobody");
    assert_eq!(snapshot.status.status, Status::Protected);
}

#[tokio::test]
async fn the_notification_of_a_test_goes_away_by_itself() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;

    running.client.drill().await.expect("it can be tested");

    let id = running.notification(0).await.id;
    running.until("it is withdrawn", |told| told.withdrawn.contains(&id).then_some(())).await;
}

#[tokio::test]
async fn what_the_last_test_found_survives_a_restart() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let result = running.client.drill().await.expect("it can be tested");
    running.quit().await;

    let running = desk.start();
    running.status(Status::Protected, "protected").await;

    assert_eq!(last(&running).await, Some((true, result.at)));
}

#[tokio::test]
async fn a_message_that_does_not_come_back_is_amber_until_it_does_on_a_new_connection() {
    let (server, desk) = (Server::start().await, impatient());
    let running = protected(&desk, &server).await;
    server.set(|state| state.note = Note::Swallowed);

    let result = running.client.drill().await.expect("it can be tested");
    let amber = running.status(Status::Deaf, "drill_failed").await;
    server.set(|state| state.note = Note::Delivered);
    running.status(Status::Protected, "protected").await;

    assert!(!result.passed && result.took_ms.is_none());
    assert!(result.sentence.contains("did not come back"), "{}", result.sentence);
    assert!(amber.sentence.contains("did not come back"), "{}", amber.sentence);
    assert_eq!(server.state().handshakes, 2, "one new connection");
    assert!(last(&running).await.is_some_and(|(passed, _)| passed));
}

#[tokio::test]
async fn a_server_that_has_nobody_to_tell_is_believed() {
    let (server, mut desk) = (Server::start().await, impatient());
    desk.pace.drill_within = Duration::from_secs(3600);
    let running = protected(&desk, &server).await;
    server.set(|state| state.note = Note::Undelivered);

    let result = running.client.drill().await.expect("it can be tested");

    assert!(result.sentence.contains("stopped at the server"), "{}", result.sentence);
    running.status(Status::Deaf, "drill_failed").await;
}

#[tokio::test]
async fn what_failed_is_still_amber_after_a_restart() {
    let (server, mut desk) = (Server::start().await, impatient());
    desk.pace.drill_after_connect = Duration::from_secs(3600);
    let running = protected(&desk, &server).await;
    server.set(|state| state.note = Note::Swallowed);
    running.client.drill().await.expect("it can be tested");
    running.status(Status::Deaf, "drill_failed").await;
    running.quit().await;

    let running = desk.start();

    running.status(Status::Deaf, "drill_failed").await;
}

#[tokio::test]
async fn a_desktop_that_shows_nothing_is_said_and_a_live_alert_that_is_shown_ends_it() {
    let (server, desk) = (Server::start().await, impatient());
    let running = desk.start_with(false);
    running.sign_in(&server).await;
    running.status(Status::Protected, "protected").await;

    let result = running.client.drill().await.expect("it can be tested");
    running.status(Status::Deaf, "drill_not_shown").await;
    server.say(&detection(1, 30));
    let alert = running
        .until("an alert", |told| told.notifications.iter().find(|raised| raised.alert.is_some()).cloned())
        .await;
    running.client.notification(Outcome::Shown { id: alert.id, alert: alert.alert });

    running.status(Status::Protected, "protected").await;
    assert!(result.sentence.contains("took no notification"), "{}", result.sentence);
    assert_eq!(server.state().handshakes, 1, "the connection is not at fault");
    running.quit().await;
    let running = desk.start();
    running.status(Status::Protected, "protected").await;
}

#[tokio::test]
async fn a_daemon_that_refuses_is_said_at_once() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.pace.drill_within = Duration::from_secs(3600);
    let running = desk.start_with(false);
    running.sign_in(&server).await;
    running.status(Status::Protected, "protected").await;

    let (client, asking) = (running.client.clone(), running.client.clone());
    let asked = tokio::spawn(async move { asking.drill().await });
    let id = running.notification(0).await.id;
    client.notification(Outcome::Failed { id, alert: None, why: "it is gone".to_owned() });

    let result = asked.await.expect("it ends").expect("it can be tested");
    assert!(!result.passed);
    running.status(Status::Deaf, "drill_not_shown").await;
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_said() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let disk = Connection::open(desk.path().join(FILE_NAME)).expect("the journal");
    disk.execute_batch("CREATE TRIGGER full BEFORE UPDATE ON drill BEGIN SELECT RAISE(ABORT, 'full'); END")
        .expect("a disk that refuses");

    let result = running.client.drill().await.expect("it can be tested");
    running.status(Status::Deaf, "drill_not_stored").await;
    disk.execute_batch("DROP TRIGGER full").expect("a disk that works");
    running.client.retry_now();

    running.status(Status::Protected, "protected").await;
    assert!(result.sentence.contains("could not be stored"), "{}", result.sentence);
}

#[tokio::test]
async fn notifications_that_are_turned_off_are_no_failure() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.view.notifications = false;
    let running = protected(&desk, &server).await;

    let result = running.client.drill().await.expect("it can be tested");

    assert!(result.passed && result.sentence.contains("turned off"), "{result:?}");
    assert_eq!(running.told().notifications, []);
}

#[tokio::test]
async fn without_a_connection_nothing_is_tested_and_nothing_is_wrong() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    server.set(|state| state.refuse = Some(500));
    server.close_all();
    running.status(Status::Offline, "server_error").await;

    let problem = running.client.drill().await.expect_err("there is no connection");

    assert_eq!(problem.code, "not_connected");
    assert_eq!(last(&running).await, None);
    assert!(server.state().notes.is_empty());
}

#[tokio::test]
async fn a_connection_that_ends_during_the_test_proves_nothing() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.pace.drill_within = Duration::from_secs(3600);
    let running = protected(&desk, &server).await;
    server.set(|state| state.note = Note::Swallowed);

    let asking = running.client.clone();
    let asked = tokio::spawn(async move { asking.drill().await });
    server.until("the message", |state| state.notes.first().cloned()).await;
    server.close_all();

    let problem = asked.await.expect("it ends").expect_err("it is cut off");
    assert_eq!(problem.code, "not_connected");
    running.status(Status::Protected, "protected").await;
}

#[tokio::test]
async fn a_server_without_tests_one_that_is_busy_and_a_dead_token_prove_nothing() {
    for (status, code) in
        [(404, "unsupported"), (405, "unsupported"), (429, "busy"), (401, "sign_in_expired")]
    {
        let (server, desk) = (Server::start().await, Desk::new());
        let running = protected(&desk, &server).await;
        server.set(|state| state.note = Note::Refused(status));

        let problem = running.client.drill().await.expect_err("the server refuses");

        let snapshot = running.client.snapshot().await;
        assert_eq!(problem.code, code, "{status}");
        assert_eq!(snapshot.drill, DrillView::default());
        assert_ne!(snapshot.status.status, Status::Deaf);
    }
}

#[tokio::test]
async fn an_error_of_the_server_is_a_failure_until_a_later_test_passes() {
    for status in [500, 403, 422, 503] {
        let (server, mut desk) = (Server::start().await, Desk::new());
        desk.pace.drill_again = SOON;
        let running = protected(&desk, &server).await;
        server.set(|state| state.note = Note::Refused(status));

        let result = running.client.drill().await.expect("it has a result");
        let failed = running.status(Status::Deaf, "drill_not_taken").await;
        server.set(|state| state.note = Note::Delivered);

        running.status(Status::Protected, "protected").await;
        assert!(!result.passed && result.sentence.contains("with an error"), "{status}: {result:?}");
        assert_eq!(failed.remedy, Some(Remedy::RetryNow));
        assert_eq!(last(&running).await.map(|(passed, _)| passed), Some(true), "it was repeated");
    }
}

#[tokio::test]
async fn an_error_of_the_server_in_the_day_s_test_is_remembered() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.view.drill_at = Some("00:00".to_owned());
    desk.pace.drill_after_connect = Duration::ZERO;
    server.set(|state| state.note = Note::Refused(500));

    let running = desk.signed_in(&server).await;
    running.status(Status::Deaf, "drill_not_taken").await;
    let failed = last(&running).await.expect("a result");
    running.quit().await;
    let running = desk.start();
    running.status(Status::Deaf, "drill_not_taken").await;

    assert!(!failed.0);
    running.quit().await;
}

#[tokio::test]
async fn that_a_server_has_no_tests_is_said_once_a_day() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.view.drill_at = Some("00:00".to_owned());
    (desk.pace.drill_after_connect, desk.pace.drill_again) = (Duration::ZERO, Duration::from_millis(10));
    server.set(|state| state.note = Note::Refused(404));

    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.until("the test", |state| (!state.notes.is_empty()).then_some(())).await;
    let said = async {
        while !running.client.snapshot().await.notices.iter().any(|one| one.code == "drill_unsupported") {}
    };
    tokio::time::timeout(Duration::from_secs(60), said).await.expect("it is said");
    server.say(&detection(1, 30));
    running.notification(0).await;

    assert_eq!(server.state().notes.len(), 1);
    assert_eq!(running.client.snapshot().await.status.status, Status::Protected);
}

#[tokio::test]
async fn who_asks_during_a_test_learns_how_that_ends() {
    let (server, desk) = (Server::start().await, impatient());
    let running = protected(&desk, &server).await;
    server.set(|state| state.note = Note::Swallowed);

    let (one, other) = tokio::join!(running.client.drill(), running.client.drill());

    assert_eq!(one.expect("it can be tested"), other.expect("it can be tested"));
    assert_eq!(server.state().notes.len(), 1);
}

#[tokio::test]
async fn a_strange_nonce_is_an_ordinary_message_and_a_late_one_is_none() {
    let (server, desk) = (Server::start().await, impatient());
    let running = protected(&desk, &server).await;
    server.set(|state| state.note = Note::Swallowed);
    running.client.drill().await.expect("it can be tested");
    server.set(|state| state.refuse = None);
    running.status(Status::Deaf, "drill_failed").await;
    server.until("the new connection", |state| (state.handshakes == 2).then_some(())).await;
    let late = server.state().notes[0].clone();
    let strange = json!({"title": "Hello", "message": "you", "metadata": {"nonce": "of-somebody-else"}});

    server.say(&told(&late));
    server.say(&told(&strange));

    let raised = running.notification(0).await;
    assert!(raised.title.contains("Hello"), "{raised:?}");
}

#[tokio::test]
async fn the_day_s_test_is_made_up_for_once_and_not_again_after_a_restart() {
    let (server, mut desk) = (Server::start().await, impatient());
    desk.settings.view.drill_at = Some("00:00".to_owned());

    let running = protected(&desk, &server).await;
    server.until("the test", |state| state.notes.first().cloned()).await;
    running.until("it is shown", |told| told.notifications.first().cloned()).await;
    running.quit().await;
    let running = desk.start();
    running.status(Status::Protected, "protected").await;
    running.client.drill().await.expect("it can be tested");

    assert_eq!(server.state().notes.len(), 2, "the day's and the one that was asked for");
}

#[tokio::test]
async fn the_day_s_test_waits_for_the_connection() {
    let (server, mut desk) = (Server::start().await, impatient());
    desk.settings.view.drill_at = Some("00:00".to_owned());
    server.set(|state| state.refuse = Some(500));
    let running = desk.signed_in(&server).await;
    running.status(Status::Offline, "server_error").await;
    let before = server.state().notes.len();

    server.set(|state| state.refuse = None);
    running.client.retry_now();

    server.until("the test", |state| state.notes.first().cloned()).await;
    assert_eq!(before, 0);
}

#[tokio::test]
async fn a_time_of_day_that_is_past_when_it_is_chosen_is_tomorrow_s() {
    let (server, desk) = (Server::start().await, impatient());
    let running = protected(&desk, &server).await;
    let mut settings = running.client.snapshot().await.settings;
    settings.drill_at = Some("00:00".to_owned());

    running.client.change_settings(settings).await.expect("it is a time of day");
    tokio::time::sleep(SOON * 2).await;

    // Between 23:59 and midnight it may be tomorrow already.
    let now = jiff::ZonedDateTime::now();
    assert!(server.state().notes.is_empty() || now.hour() == 0, "{now}");
}

#[tokio::test]
async fn the_report_counts_what_passed_and_what_failed() {
    let (server, mut desk) = (Server::start().await, impatient());
    desk.pace.drill_after_connect = Duration::from_secs(3600);
    let running = protected(&desk, &server).await;
    running.client.drill().await.expect("it can be tested");
    server.set(|state| state.note = Note::Swallowed);
    running.client.drill().await.expect("it can be tested");

    let (from, to) = (0, Timestamp::now().as_millisecond() + 1000);
    let report = running.client.report(ReportQuery { from, to }).await.expect("a report");

    assert_eq!((report.drills_passed, report.drills_failed), (1, 1));
}

#[tokio::test]
async fn signing_out_ends_a_test_and_erases_what_it_left() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.pace.drill_within = Duration::from_secs(3600);
    let running = protected(&desk, &server).await;
    server.set(|state| state.note = Note::Swallowed);
    let asking = running.client.clone();
    let asked = tokio::spawn(async move { asking.drill().await });
    server.until("the message", |state| state.notes.first().cloned()).await;

    running.client.sign_out(true).await.expect("it is done");

    assert_eq!(asked.await.expect("it ends").expect_err("it is over").code, "signed_out");
    running.quit().await;
    let disk = Connection::open(desk.path().join(FILE_NAME)).expect("the journal");
    let left: i64 = disk.query_row("SELECT count(*) FROM drill", [], |row| row.get(0)).expect("a count");
    assert_eq!(left, 0);
}

async fn protected(desk: &Desk, server: &Server) -> Running {
    let running = desk.signed_in(server).await;
    running.status(Status::Protected, "protected").await;
    running
}

/// A desk whose tests are given up soon, and repeated soon.
fn impatient() -> Desk {
    let mut desk = Desk::new();
    desk.pace.drill_within = SOON;
    desk.pace.drill_after_connect = SOON;
    desk.pace.drill_again = SOON;
    desk
}

fn drills(running: &Running) -> Vec<DrillView> {
    let told = running.told();
    let of_event = |event: &Event| match event {
        Event::Drill { drill } => Some(drill.clone()),
        Event::Status { .. }
        | Event::Session { .. }
        | Event::AlertAdded { .. }
        | Event::AlertChanged { .. }
        | Event::IncidentChanged { .. }
        | Event::Counted { .. }
        | Event::IncidentsRemoved { .. }
        | Event::FeedChanged { .. }
        | Event::Settings { .. }
        | Event::Notices { .. }
        | Event::Popups { .. }
        | Event::Snoozes { .. }
        | Event::Hours { .. }
        | Event::Open { .. }
        | Event::Beat => None,
    };
    told.events.iter().filter_map(of_event).collect()
}

async fn last(running: &Running) -> Option<(bool, i64)> {
    let last = running.client.snapshot().await.drill.last?;
    Some((last.passed, last.at))
}
