//! What is told again: what was acknowledged and is not resolved, and what is high and nobody handled.

use rusqlite::Connection;

use super::desk::{Desk, Running};
use super::screen::{all_are_marked, of_camera, protected, says};
use super::server::Server;
use crate::journal::{FILE_NAME, Journal};
use crate::model::Decision;
use crate::policy::WAITING;
use crate::shell::{Buttons, Outcome};

#[tokio::test]
async fn an_acknowledgement_that_is_not_resolved_comes_back_once_and_goes_with_its_resolution() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;
    running.client.decide(&first, Decision::Acknowledged, None).await.expect("acknowledged");
    earlier(&desk, "decided_at", 31);

    times(&running, 30, 0).await;
    let told = running.until("it comes back", |told| waiting(told).pop()).await;
    running.client.decide(&first, Decision::Resolved, None).await.expect("resolved");
    running.until("it goes", |told| told.withdrawn.iter().any(|id| id == WAITING).then_some(())).await;
    let count = waiting(&running.told()).len();
    let by = running.client.snapshot().await.session.expect("a session").name;
    running.quit().await;

    assert_eq!(told.title, "Theft pattern: Camera 00000000");
    assert_eq!(told.body, format!("Acknowledged by {by} 31 min ago, not resolved."));
    assert_eq!((told.sound, told.critical, told.buttons), (true, false, Buttons::Open));
    assert_eq!(count, 1, "once in its time");
    let journal = Journal::open_read_only(desk.path()).expect("a journal");
    assert_eq!(journal.value("reminders").await.expect("a value").as_deref(), Some(r#"{"told":{}}"#));
}

#[tokio::test]
async fn what_waits_is_one_notification_which_says_how_many_and_opens_the_one_that_is_left() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;
    let second = says(&server, &running, 2).await;
    for incident in [&first, &second] {
        running.client.decide(incident, Decision::Acknowledged, None).await.expect("acknowledged");
    }
    earlier(&desk, "decided_at", 125);

    times(&running, 60, 0).await;
    let both = running.until("they come back", |told| waiting(told).pop()).await;
    running.client.decide(&second, Decision::FalseAlarm, None).await.expect("decided");
    let left = running.until("one is left", |told| waiting(told).get(1).cloned()).await;
    running.client.notification(Outcome::Opened { id: WAITING.to_owned() });
    running.until("it is opened", |told| told.windows.contains(&Some(first.clone())).then_some(())).await;

    assert_eq!(both.title, "2 acknowledged, not resolved");
    assert!(
        both.body.starts_with("The oldest: Theft pattern: Camera 00000000, acknowledged by "),
        "{}",
        both.body
    );
    assert!(both.body.ends_with(" 2 h 5 min ago.") && both.sound, "{}", both.body);
    assert_eq!((left.title.as_str(), left.sound), ("Theft pattern: Camera 00000000", false));
}

#[tokio::test]
async fn what_the_desktop_did_not_take_is_told_again() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;
    running.client.decide(&first, Decision::Acknowledged, None).await.expect("acknowledged");
    earlier(&desk, "decided_at", 31);
    times(&running, 30, 0).await;
    running.until("it comes back", |told| waiting(told).pop()).await;

    let why = "it does not answer".to_owned();
    running.client.notification(Outcome::Failed { id: WAITING.to_owned(), alert: None, why });
    times(&running, 29, 0).await;

    let again = running.until("it is told again", |told| waiting(told).get(1).cloned()).await;
    assert!(again.sound);
}

#[tokio::test]
async fn what_is_high_and_not_handled_sounds_again_though_it_was_closed() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    // After hours everything interrupts as what is high.
    desk.settings.view.opening_hours = Some(vec![String::new(); 7]);
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;
    all_are_marked(&running, 1).await;
    running.client.notification(Outcome::Closed { id: first.clone() });
    for column in ["notified_at", "first_at", "last_at"] {
        earlier(&desk, column, 10);
    }

    times(&running, 0, 5).await;
    let again = running.until("it is repeated", |told| told.notifications.get(1).cloned()).await;

    assert_eq!((again.id.as_str(), again.sound, again.critical), (first.as_str(), true, true));
    assert!(again.body.ends_with(" Not handled for 10 min."), "{}", again.body);
    assert!(again.picture.is_some(), "as the first had one");
}

#[tokio::test]
async fn of_what_is_repeated_at_once_two_pop_up_and_one_sounds_and_what_is_snoozed_or_medium_does_not() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.view.opening_hours = Some(vec![String::new(); 7]);
    let running = protected(&desk, &server).await;
    for camera in 1..=4 {
        says(&server, &running, camera).await;
    }
    all_are_marked(&running, 4).await;
    let before = running.told().notifications.len();
    running
        .client
        .snooze_camera("00000000-0000-4000-8000-000000000004", std::time::Duration::from_secs(900), None)
        .await
        .expect("snoozed");
    for column in ["notified_at", "first_at", "last_at"] {
        earlier(&desk, column, 10);
    }

    times(&running, 0, 5).await;
    let repeated = |told: &super::desk::Told| {
        let again =
            told.notifications.iter().skip(before).filter(|raised| raised.body.contains("Not handled for"));
        again.map(|raised| (raised.id.clone(), raised.sound)).collect::<Vec<_>>()
    };
    running.until("two are repeated", |told| (repeated(told).len() == 2).then_some(())).await;
    server.say(&of_camera(5));
    running
        .until("another comes", |told| {
            told.notifications.iter().find(|it| it.alert.as_deref() == Some("5")).map(drop)
        })
        .await;

    let mut told = repeated(&running.told());
    told.sort();
    assert_eq!(told, [("2".to_owned(), false), ("3".to_owned(), true)]);
}

#[tokio::test]
async fn what_is_opened_again_no_longer_waits_to_be_resolved() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = protected(&desk, &server).await;
    let first = says(&server, &running, 1).await;
    running.client.decide(&first, Decision::Acknowledged, None).await.expect("acknowledged");
    earlier(&desk, "decided_at", 31);
    times(&running, 30, 0).await;
    running.until("it comes back", |told| waiting(told).pop()).await;

    running.client.decide(&first, Decision::Reopened, None).await.expect("opened again");

    running.until("it goes", |told| told.withdrawn.iter().any(|id| id == WAITING).then_some(())).await;
}

#[tokio::test]
async fn what_is_opened_again_is_repeated_counting_from_then() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.view.opening_hours = Some(vec![String::new(); 7]);
    let running = protected(&desk, &server).await;
    let open = says(&server, &running, 1).await;
    let reopened = says(&server, &running, 2).await;
    all_are_marked(&running, 2).await;
    running.client.decide(&reopened, Decision::Acknowledged, None).await.expect("acknowledged");
    running.client.decide(&reopened, Decision::Reopened, None).await.expect("opened again");
    for column in ["notified_at", "first_at", "last_at"] {
        earlier(&desk, column, 31);
    }

    times(&running, 0, 10).await;
    running.until("the other is repeated", |told| again(told, &open).then_some(())).await;
    let early = again(&running.told(), &reopened);
    earlier(&desk, "decided_at", 10);
    times(&running, 0, 9).await;
    running.until("it is repeated", |told| again(told, &reopened).then_some(())).await;

    assert!(!early, "told of again at once");
}

/// Whether it was told of again that nobody handled this one.
fn again(told: &super::desk::Told, id: &str) -> bool {
    told.notifications.iter().any(|raised| raised.id == id && raised.body.contains("Not handled for"))
}

/// All incidents are so many minutes older, by what this column says.
fn earlier(desk: &Desk, column: &str, minutes: i64) {
    let journal = Connection::open(desk.path().join(FILE_NAME)).expect("the journal");
    let by = minutes * 60_000_000;
    journal.busy_timeout(std::time::Duration::from_secs(30)).expect("patience");
    let sql = format!("UPDATE incident SET {column} = {column} - {by} WHERE {column} IS NOT NULL");
    journal.execute_batch(&sql).expect("it is as if it were earlier");
}

/// Other times are chosen: the acknowledgement's, and that of the repetition.
async fn times(running: &Running, timeout: u32, repeat: u32) {
    let mut settings = running.client.snapshot().await.settings;
    (settings.acknowledgement_timeout_minutes, settings.repeat_minutes) = (timeout, repeat);
    running.client.change_settings(settings).await.expect("they are stored");
}

fn waiting(told: &super::desk::Told) -> Vec<crate::shell::Notification> {
    told.notifications.iter().filter(|raised| raised.id == WAITING).cloned().collect()
}
