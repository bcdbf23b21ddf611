//! The whole client against a small server on a real socket, with a real journal in a real folder.

mod desk;
mod drill;
mod handover;
mod home;
mod hours;
mod offline;
mod outages;
mod parts;
mod reminders;
mod screen;
mod server;
mod session;
mod snooze;
mod triage;
mod ways;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use desk::Desk;
use jiff::Timestamp;
use secrecy::SecretString;
use server::{Listing, Server, detection, picture, row, rows};

use super::{Pace, StartError};
use crate::journal::Journal;
use crate::lock::LockError;
use crate::model::{Decision, Entry, Handling, How, Source};
use crate::shell::Outcome;
use crate::view::{Event, FeedItem, FeedQuery, Incident, Remedy, ReportQuery, Status};

#[tokio::test]
async fn an_alert_is_stored_acknowledged_and_shown() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.say(&detection(1, 30));

    let notification = running.notification(0).await;
    let ack = server.until("an ack", |state| state.acks.first().cloned()).await;
    let stored = Journal::open_read_only(desk.path()).expect("a journal").alerts(10).await.expect("alerts");
    assert!(notification.picture.is_some());
    assert_eq!(ack["stream_id"], detection(1, 30)["stream_id"]);
    assert_eq!(stored.len(), 1);
    running.until("the ack is noted", |told| told.acked.first().copied()).await;
}

#[tokio::test]
async fn an_intrusion_comes_as_a_notice_alone_and_is_acknowledged() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    let notice: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../tests/fixtures/ws_notification_owl_eye.json"))
            .expect("the fixture");

    server.say(&notice);

    running.notification(0).await;
    let ack = server.until("an ack", |state| state.acks.first().cloned()).await;
    assert_eq!(ack["alert_id"], notice["data"]["metadata"]["anomaly_id"]);
}

#[tokio::test]
async fn an_alert_from_the_record_is_shown_with_its_picture() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    let mut row = row("a-1", 7, Timestamp::now());
    row["image_url"] = "/api/anomalies/frames/a-1.jpg".into();

    server.set(|state| state.rows.insert(0, row));

    assert_eq!(running.notification(0).await.picture.as_deref(), Some(picture().as_slice()));
}

#[tokio::test]
async fn an_intrusion_is_shown_with_its_picture_from_the_record() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.reads_the_record_seldom();
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    let notice: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../tests/fixtures/ws_notification_owl_eye.json"))
            .expect("the fixture");
    let id = notice["data"]["metadata"]["anomaly_id"].as_str().expect("an id");
    let mut row = row(id, 7, Timestamp::now());
    row["image_url"] = "/api/anomalies/frames/intrusion.jpg".into();

    server.set(|state| state.rows.insert(0, row));
    server.say(&notice);

    assert_eq!(running.notification(0).await.picture.as_deref(), Some(picture().as_slice()));
}

#[tokio::test]
async fn an_unreadable_message_makes_the_record_be_read() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.reads_the_record_seldom();
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));
    server.say(&serde_json::json!({"type": "anomaly_detected", "result": 7}));

    running.notification(0).await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_shown_and_not_acknowledged() {
    let (server, desk) = (Server::start().await, Desk::new());
    std::fs::create_dir(desk.path().join(crate::journal::FILE_NAME))
        .expect("a folder in the journal's place");
    let running = desk.signed_in(&server).await;
    server.until("a connection", |state| (state.open == 1).then_some(())).await;

    server.say(&detection(1, 30));
    running.notification(0).await;
    server.say(&detection(2, 30));
    running.notification(1).await;

    assert!(server.state().acks.is_empty());
    let notices = running.client.snapshot().await.notices;
    assert!(notices.iter().any(|notice| notice.code == "journal_unwritable"), "{notices:?}");
}

#[tokio::test]
async fn an_alert_that_could_not_be_stored_is_shown_at_once_and_acknowledged_when_it_is() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    let disk = rusqlite::Connection::open(desk.path().join(crate::journal::FILE_NAME)).expect("the journal");
    disk.execute_batch("CREATE TRIGGER full BEFORE INSERT ON alert BEGIN SELECT RAISE(ABORT, 'full'); END")
        .expect("a disk that refuses");

    server.say(&detection(1, 30));
    let notification = running.notification(0).await;
    let acks = server.state().acks.len();
    let notices = running.client.snapshot().await.notices;
    disk.execute_batch("DROP TRIGGER full").expect("a disk that works");
    server.until("an ack", |state| state.acks.first().cloned()).await;
    marked(&running).await;

    assert_eq!((notification.alert, acks), (None, 0));
    assert_eq!(notices.first().map(|notice| notice.code.as_str()), Some("journal_unwritable"));
    assert!(running.client.snapshot().await.notices.is_empty());
    assert_eq!(running.told().notifications.len(), 1);
}

#[tokio::test]
async fn what_the_disk_refused_is_stored_before_what_came_later_once_it_takes_them() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.reads_the_record_seldom();
    desk.pace.retry_every = Duration::from_secs(3_600);
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    let disk = rusqlite::Connection::open(desk.path().join(crate::journal::FILE_NAME)).expect("the journal");
    disk.execute_batch("CREATE TRIGGER full BEFORE INSERT ON alert BEGIN SELECT RAISE(ABORT, 'full'); END")
        .expect("a disk that refuses");

    for person in 1..=40 {
        server.say(&detection(person, 30));
        running
            .until("it is shown", |told| {
                let end = format!(":{person}");
                told.notifications.iter().find(|told| told.id.ends_with(&end)).map(drop)
            })
            .await;
    }
    disk.execute_batch("DROP TRIGGER full").expect("a disk that works");
    server.say(&detection(41, 30));
    server.until("all acks", |state| (state.acks.len() == 41).then_some(())).await;

    let mut stored =
        Journal::open_read_only(desk.path()).expect("a journal").alerts(100).await.expect("alerts");
    stored.reverse();
    let persons: Vec<_> = stored.iter().filter_map(|entry| entry.alert.person_id).collect();
    assert_eq!(persons, (1..=41).collect::<Vec<_>>());
}

#[tokio::test]
async fn that_an_alert_was_shown_is_written_down_when_the_disk_works_again() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    let disk = rusqlite::Connection::open(desk.path().join(crate::journal::FILE_NAME)).expect("the journal");
    disk.execute_batch(
        "CREATE TRIGGER full BEFORE UPDATE OF notified_at ON alert BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    .expect("a disk that refuses");

    server.say(&detection(1, 30));
    running.notification(0).await;
    let refused = async { while running.client.snapshot().await.notices.is_empty() {} };
    tokio::time::timeout(Duration::from_secs(60), refused).await.expect("the refusal is said");
    disk.execute_batch("DROP TRIGGER full").expect("a disk that works");

    marked(&running).await;
    assert_eq!(running.told().notifications.len(), 1);
}

#[tokio::test]
async fn that_a_summary_was_shown_is_written_down_when_the_disk_works_again() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    let disk = rusqlite::Connection::open(desk.path().join(crate::journal::FILE_NAME)).expect("the journal");
    disk.execute_batch(
        "CREATE TRIGGER full BEFORE UPDATE OF notified_at ON alert BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    .expect("a disk that refuses");

    let hours_ago = Timestamp::now() - Duration::from_secs(7200);
    server.set(|state| state.rows.insert(0, row("a-1", 7, hours_ago)));
    let summary = running.notification(0).await;
    let refused = async { while running.client.snapshot().await.notices.is_empty() {} };
    tokio::time::timeout(Duration::from_secs(60), refused).await.expect("the refusal is said");
    disk.execute_batch("DROP TRIGGER full").expect("a disk that works");
    marked(&running).await;
    running.quit().await;
    let running = desk.start();
    running.status(Status::Protected, "protected").await;
    server.say(&detection(2, 30));
    let first = running.notification(0).await;

    assert_eq!(summary.id, "summary:unhandled");
    assert_eq!(first.alert.as_deref(), Some("2"), "the summary is not shown again");
}

#[tokio::test]
async fn an_alert_that_was_neither_stored_nor_shown_is_shown_when_it_is_stored() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.start_with(false);
    running.sign_in(&server).await;
    running.status(Status::Protected, "protected").await;
    let disk = rusqlite::Connection::open(desk.path().join(crate::journal::FILE_NAME)).expect("the journal");
    disk.execute_batch("CREATE TRIGGER full BEFORE INSERT ON alert BEGIN SELECT RAISE(ABORT, 'full'); END")
        .expect("a disk that refuses");

    server.say(&detection(1, 30));
    let urgent = running.notification(0).await;
    let why = "it does not answer".to_owned();
    running.client.notification(Outcome::Failed { id: urgent.id, alert: urgent.alert, why });
    running.client.snapshot().await;
    disk.execute_batch("DROP TRIGGER full").expect("a disk that works");

    running
        .until("the alert is shown", |told| {
            told.notifications.iter().find(|told| told.alert.is_some()).cloned()
        })
        .await;
}

#[tokio::test]
async fn a_dead_token_asks_for_the_person() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| (state.refuse, state.api_fails) = (Some(403), Some(401)));
    server.close_all();
    let signed_out = running.status(Status::SignedOut, "token_expired").await;
    server.set(|state| (state.refuse, state.api_fails) = (None, None));
    running.sign_in(&server).await;
    running.status(Status::Protected, "protected").await;

    assert_eq!(signed_out.remedy, Some(Remedy::SignIn));
}

#[tokio::test]
async fn a_refusal_with_a_good_token_is_a_wrong_address() {
    let (server, desk) = (Server::start().await, Desk::new());
    server.set(|state| state.refuse = Some(403));

    let running = desk.signed_in(&server).await;

    let view = running.status(Status::Offline, "wrong_address").await;
    assert!(view.next_attempt_at.is_some());
}

#[tokio::test]
async fn an_open_connection_outlives_its_token() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.pace.limits.record = Duration::from_millis(500);
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.api_fails = Some(401));
    running
        .until("the record is out of reach", |told| {
            told.statuses.last().filter(|view| view.status == Status::CatchingUp).cloned()
        })
        .await;
    server.say(&detection(1, 30));
    running.notification(0).await;

    assert_eq!(server.state().open, 1);
}

#[tokio::test]
async fn what_was_shown_is_not_shown_again_after_a_restart() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(1, 30));
    running.notification(0).await;
    marked(&running).await;
    running.quit().await;

    let running = desk.start();
    running.status(Status::Protected, "protected").await;
    server.say(&detection(2, 30));
    let first = running.notification(0).await;

    assert_eq!(first.alert.as_deref(), Some("2"));
}

#[tokio::test]
async fn what_was_stored_and_not_shown_is_shown_after_a_restart() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.start_with(false);
    running.sign_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(1, 30));
    let before = running.notification(0).await;
    running.quit().await;

    let running = desk.start();
    let after = running.notification(0).await;

    assert_eq!(after.alert, before.alert);
    assert!(after.picture.is_some());
}

#[tokio::test]
async fn a_notification_that_failed_comes_back_with_its_sound() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.start_with(false);
    running.sign_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(1, 30));
    let failed = running.notification(0).await;

    running.client.notification(Outcome::Failed {
        id: failed.id.clone(),
        alert: failed.alert.clone(),
        why: "the service is starting".to_owned(),
    });
    running.client.snapshot().await;
    server.say(&detection(1, 60));
    let next = running.notification(1).await;

    assert_eq!((failed.id == next.id, failed.sound, next.sound), (true, true, true));
}

#[tokio::test]
async fn an_outage_is_said_and_ends_by_itself() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.refuse = Some(500));
    server.close_all();
    let offline = running.status(Status::Offline, "server_error").await;
    server.set(|state| state.refuse = None);
    running.client.retry_now();
    running.status(Status::Protected, "protected").await;

    assert_eq!(offline.remedy, Some(Remedy::RetryNow));
    assert!(offline.next_attempt_at.is_some());
    assert!(offline.heard_at.is_some());
}

#[tokio::test]
async fn an_outage_longer_than_the_grace_stays_in_the_feed() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.offline_grace = Duration::from_millis(100);
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.refuse = Some(500));
    server.close_all();
    outage(&running, |to| to.is_none()).await;
    server.set(|state| {
        state.refuse = None;
        state.rows.insert(0, row("a-1", 7, Timestamp::now()));
    });
    running.client.retry_now();

    let caught_up = outage(&running, |to| to.is_some()).await;
    assert_eq!(caught_up, 1);
}

#[tokio::test]
async fn the_time_after_signing_out_is_no_outage() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.settings.offline_grace = Duration::ZERO;
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    let left = Timestamp::now().as_millisecond();
    running.client.sign_out(false).await.expect("it is done");
    server.until("no connection", |state| (state.open == 0).then_some(())).await;
    running.status(Status::SignedOut, "left").await;
    let signed_in = Timestamp::now().as_millisecond();
    running.sign_in(&server).await;
    running.status(Status::Protected, "protected").await;

    let page = running.client.feed(FeedQuery::default()).await.expect("the feed");
    let signed_out = page.items.iter().find(|item| match item {
        FeedItem::Outage { from, .. } => (left..signed_in).contains(from),
        FeedItem::Incident(_) => false,
    });
    assert_eq!(signed_out, None);
}

#[tokio::test]
async fn a_failed_look_is_repeated_before_the_next_is_due() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    let hour = Duration::from_secs(3600);
    desk.reads_the_record_seldom();
    (desk.pace.register_every, desk.pace.poll_every) = (hour, hour);
    server.set(|state| state.hiccups = (2, 2));

    let running = desk.signed_in(&server).await;

    running.status(Status::Protected, "protected").await;
}

#[test]
fn evidence_lasts_a_minute_and_is_renewed_before_that_though_one_look_fails() {
    let pace = Pace::default();
    let minute = Duration::from_secs(60);

    assert!(
        pace.limits.heard <= minute && pace.limits.registration <= minute && pace.limits.record <= minute
    );
    assert!(pace.register_every + pace.retry_every < pace.limits.registration);
    assert!(pace.reconcile_every + pace.retry_every < pace.limits.record);
}

#[tokio::test]
async fn case_37_a_slot_that_the_server_gave_up_is_noticed_and_claimed_once_though_the_socket_stays_open() {
    let (server, desk) = (Server::start().await, Desk::new());
    server.set(|state| state.listing = Listing::Lost);

    let running = desk.signed_in(&server).await;
    running
        .until("deaf", |told| told.statuses.iter().find(|view| view.status == Status::Deaf).cloned())
        .await;
    running.status(Status::Protected, "protected").await;

    assert_eq!(server.state().handshakes, 2);
}

#[tokio::test]
async fn alerts_come_from_the_record_while_another_holds_the_slot() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.pace.limits.registration = Duration::from_secs(75);
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    server.set(|state| state.listing = Listing::Taken);
    running.status(Status::Deaf, "slot_taken").await;
    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));
    running.notification(0).await;

    assert_eq!(server.state().handshakes, 1, "the slot is not fought over");
}

#[tokio::test]
async fn the_history_of_a_first_sign_in_is_listed_without_a_notification() {
    let (server, desk) = (Server::start().await, Desk::new());
    let hours_ago = Timestamp::now() - Duration::from_secs(7200);
    server.set(|state| state.rows.push(row("a-1", 1, hours_ago)));

    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(2, 30));
    let first = running.notification(0).await;

    let feed = incidents(&running).await;
    assert_eq!(first.alert.as_deref(), Some("2"));
    assert_eq!(
        feed.iter().map(|incident| incident.source).collect::<Vec<_>>(),
        [Source::Live, Source::History]
    );
}

#[tokio::test]
async fn what_happened_since_the_sign_in_is_no_history_however_late_the_record_is_read() {
    let ago = |minutes: u64| Timestamp::now() - Duration::from_secs(60 * minutes);
    for signs_in_again in [false, true] {
        let (server, desk) = (Server::start().await, Desk::new());
        server.set(|state| (state.refuse, state.api_fails) = (Some(502), Some(502)));
        desk.signed_in(&server).await.quit().await;
        desk.signed_in_at(ago(30));
        if signs_in_again {
            let running = desk.start();
            let since = async || running.client.journal().value("wanted_since").await.expect("a value");
            while since().await.and_then(|at| at.parse::<Timestamp>().ok()).is_none_or(|at| at > ago(29)) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            running.quit().await;
            desk.signed_in_at(ago(0));
        }
        server.set(|state| {
            (state.refuse, state.api_fails) = (None, None);
            state.rows.extend([row("a-2", 2, ago(20)), row("a-1", 1, ago(40))]);
        });

        let running = desk.start();
        let told = running.notification(0).await;
        running.status(Status::Protected, "protected").await;

        assert_eq!(told.id, "summary:unhandled");
        assert_eq!(incidents(&running).await.len(), 2);
        assert_eq!(running.quit().await.notifications.len(), 1, "the older one is history");
    }
}

#[tokio::test]
async fn a_server_that_counts_its_page_for_the_whole_record_hides_no_row() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    running.quit().await;
    server.set(|state| {
        state.counts_the_page = true;
        state.rows.extend(rows(1..121, Timestamp::now(), Duration::from_micros(1)));
    });

    let running = desk.start();
    running.status(Status::Protected, "protected").await;

    assert_eq!(running.client.journal().alerts(1_000).await.expect("alerts").len(), 120);
}

#[tokio::test]
async fn of_more_than_a_page_since_the_sign_in_none_is_left_in_the_record() {
    let (server, desk) = (Server::start().await, Desk::new());
    let ago = |seconds: u64| Timestamp::now() - Duration::from_secs(seconds);
    server.set(|state| {
        // A storm that began with the sign-in, and what was long before it.
        state.rows.extend(rows(1_000..1_120, ago(0), Duration::from_micros(1)));
        let before = rows(100..800, ago(7_200), Duration::from_micros(1)).into_iter();
        state.rows.extend(before.map(|mut row| {
            row["status"] = "resolved".into();
            row
        }));
    });

    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    let alerts = running.client.journal().alerts(1_000).await.expect("alerts");
    let is_new = |entry: &&Entry| entry.alert.anomaly_id.as_ref().is_some_and(|id| id.as_str().len() == 6);
    assert_eq!(alerts.iter().filter(is_new).count(), 120);
    assert!(alerts.len() < 700, "{}: of what was long before it the newest are enough", alerts.len());
}

#[tokio::test]
async fn more_than_is_held_at_a_time_is_caught_up_on_to_the_last_row_before_all_is_said_to_be_well() {
    for first_look in [false, true] {
        let (server, mut desk) = (Server::start().await, Desk::new());
        desk.holds_rows(150);
        let storm = || rows(1_000..2_730, Timestamp::now(), Duration::from_micros(1));
        let running = if first_look {
            server.set(|state| state.rows.extend(storm()));
            desk.signed_in(&server).await
        } else {
            let running = desk.signed_in(&server).await;
            running.status(Status::Protected, "protected").await;
            running.quit().await;
            server.set(|state| state.rows.extend(storm()));
            desk.start()
        };

        running.status(Status::Protected, "protected").await;

        let alerts = running.client.journal().alerts(5_000).await.expect("alerts");
        let names: BTreeSet<&str> =
            alerts.iter().filter_map(|entry| Some(entry.alert.anomaly_id.as_ref()?.as_str())).collect();
        assert_eq!((alerts.len(), names.len()), (1_730, 1_730), "first look: {first_look}");
        let hours = |hours: i64| Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        let report = running
            .client
            .report(ReportQuery { from: hours(-1).as_millisecond(), to: hours(1).as_millisecond() });
        let report = report.await.expect("a report");
        assert_eq!((report.lost, report.gaps.iter().filter(|gap| !gap.filled).count()), (0, 0), "{report:?}");
    }
}

#[tokio::test]
async fn an_alert_of_a_server_whose_clock_is_behind_or_was_set_back_is_no_old_one() {
    const HOUR: Duration = Duration::from_secs(3_600);
    for set_back_later in [false, true] {
        let (server, desk) = (Server::start().await, Desk::new());
        let before = if set_back_later { Duration::ZERO } else { HOUR };
        server.set(|state| state.clock_behind = Some(before));
        let running = desk.signed_in(&server).await;
        running.status(Status::Protected, "protected").await;
        server.set(|state| state.clock_behind = Some(HOUR));
        // The next look at the list tells the time.
        let now = Timestamp::now();
        while running.client.journal().by_our_clock(now).duration_since(now).as_secs() < 3_000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }

        server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now() - HOUR)));

        let raised = running.notification(0).await;
        assert!(raised.alert.is_some(), "{raised:?}");
        let incident = running.client.incident(&raised.id).await.expect("the incident").incident;
        assert_eq!(incident.late, None);
    }
}

#[tokio::test]
async fn what_was_missed_for_long_is_told_in_one_summary() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    running.quit().await;
    let hours_ago = Timestamp::now() - Duration::from_secs(7200);
    server.set(|state| state.rows.extend(rows(1..71, hours_ago, Duration::from_secs(1))));

    let running = desk.start();
    let summary = running.notification(0).await;
    running.status(Status::Protected, "protected").await;
    let told = running.quit().await;

    assert_eq!(summary.id, "summary:unhandled");
    assert_eq!(told.notifications.len(), 1);
    let stored = Journal::open_read_only(desk.path()).expect("a journal").alerts(100).await.expect("alerts");
    assert_eq!(stored.len(), 70);
}

#[tokio::test]
async fn a_decision_reaches_the_record() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));
    let id = running.notification(0).await.id;

    running.client.notification(Outcome::Acknowledged { id: id.clone() });

    let (patched, change) = server.until("a PATCH", |state| state.patches.first().cloned()).await;
    assert_eq!(patched, "a-1");
    assert_eq!(change["status"], "acknowledged");
    handled(&running, &id, Decision::Acknowledged, true).await;
    assert!(running.told().withdrawn.contains(&id));
}

#[tokio::test]
async fn a_decision_about_an_alert_without_a_row_ends_as_soon_as_that_is_certain() {
    let (server, mut desk) = (Server::start().await, Desk::new());
    desk.reads_the_record_seldom();
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(1, 30));
    let id = running.notification(0).await.id;

    let following = running.client.decide_and_follow(&id, Decision::Resolved, None, None).await;
    let decided = following.expect("it is stored").outcome(Duration::from_secs(60)).await;

    assert_eq!(decided.how, How::Refused, "{}", decided.sentence);
}

#[tokio::test]
async fn what_somebody_else_decided_first_is_shown_and_not_overwritten() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));
    let id = running.notification(0).await.id;

    server.set(|state| state.rows[0]["status"] = "resolved".into());
    running.client.decide(&id, Decision::FalseAlarm, None).await.expect("it is stored");

    handled(&running, &id, Decision::Resolved, false).await;
    assert!(server.state().patches.is_empty());
}

#[tokio::test]
async fn a_decision_waits_for_a_server_that_fails() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));
    let id = running.notification(0).await.id;

    server.set(|state| state.api_fails = Some(500));
    running.client.decide(&id, Decision::Resolved, None).await.expect("it is stored");
    let sending = running.client.incident(&id).await.expect("the incident").incident.handling;
    server.set(|state| state.api_fails = None);

    assert_eq!(sending, Handling::Sending { decision: Decision::Resolved, undo_until: None });
    handled(&running, &id, Decision::Resolved, true).await;
}

#[tokio::test]
async fn signing_out_closes_the_socket_and_forgets_the_token() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    running.client.sign_out(true).await.expect("it is done");

    running.status(Status::SignedOut, "left").await;
    server.until("no connection", |state| (state.open == 0).then_some(())).await;
    running.quit().await;
    let running = desk.start();
    running.status(Status::SignedOut, "never").await;
}

#[tokio::test]
async fn what_was_not_stored_before_the_sign_out_is_not_stored_after_it() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    let disk = rusqlite::Connection::open(desk.path().join(crate::journal::FILE_NAME)).expect("the journal");
    disk.execute_batch("CREATE TRIGGER full BEFORE INSERT ON alert BEGIN SELECT RAISE(ABORT, 'full'); END")
        .expect("a disk that refuses");
    server.say(&detection(1, 30));
    running.notification(0).await;

    running.client.sign_out(true).await.expect("it is done");
    disk.execute_batch("DROP TRIGGER full").expect("a disk that works");
    running.sign_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(2, 30));
    running.notification(1).await;

    let feed = incidents(&running).await;
    assert_eq!(feed.iter().map(|incident| incident.person.as_deref()).collect::<Vec<_>>(), [Some("2")]);
}

#[tokio::test]
async fn the_end_waits_until_the_server_has_answered_the_goodbye() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    running.quit().await;

    assert_eq!(server.state().open, 0);
}

#[tokio::test]
async fn a_wrong_password_leaves_the_session_as_it_is() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;

    let problem = running
        .client
        .sign_in(&server.url(), "owner@example.com", SecretString::from("wrong"), false)
        .await
        .expect_err("it is refused");

    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("wrong_password", Some("password")));
    assert_eq!(server.state().open, 1);
    assert!(running.client.snapshot().await.session.is_some());
}

#[tokio::test]
async fn a_keychain_that_opens_late_is_found() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    running.quit().await;

    desk.keychain.lock(true);
    let running = desk.start();
    running.status(Status::SignedOut, "keychain_locked").await;
    desk.keychain.lock(false);

    running.status(Status::Protected, "protected").await;
    assert!(running.client.snapshot().await.notices.is_empty());
}

#[tokio::test]
async fn a_keychain_that_fails_while_it_opens_is_asked_again() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    running.quit().await;

    desk.keychain.fail_times(2);
    let running = desk.start();

    running.status(Status::Protected, "protected").await;
}

#[tokio::test]
async fn a_second_client_on_the_same_data_is_told_who_has_it() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;

    let refused = desk.try_start().expect_err("it is taken");

    let StartError::Lock(LockError::Held(Some(owner))) = refused else { panic!("{refused:?}") };
    assert_eq!((owner.program.as_str(), owner.pid), ("test", std::process::id()));
    running.quit().await;
}

#[tokio::test]
async fn an_open_page_is_told_and_a_closed_one_is_not() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.say(&detection(1, 30));
    running.notification(0).await;
    marked(&running).await;
    let while_closed = running.told().events.len();

    running.client.window(true);
    server.say(&detection(2, 60));

    let (incident, counts) = running
        .until("an alert on the page", |told| {
            told.events.iter().find_map(|event| {
                let Event::AlertAdded { incident, counts, .. } = event else { return None };
                Some((incident.clone(), *counts))
            })
        })
        .await;
    assert_eq!(while_closed, 0);
    assert_eq!(incident.person.as_deref(), Some("2"));
    assert_eq!(counts.total, 2);
}

#[tokio::test]
async fn what_the_server_says_does_not_tell_the_page_each_time_that_it_was_heard() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    running.client.window(true);
    let opened = Instant::now();

    for person in 1..=5_i64 {
        server.say(&detection(person, 30));
        running
            .until("the alert on the page", |told| {
                let is_added = |event: &&Event| matches!(event, Event::AlertAdded { .. });
                (told.events.iter().filter(is_added).count() >= person as usize).then_some(())
            })
            .await;
    }

    let told = running.quit().await;
    let statuses = told.events.iter().filter(|event| matches!(event, Event::Status { .. })).count();
    // However slow the machine is: once in five seconds.
    assert!(statuses as u64 <= opened.elapsed().as_secs() / 5, "{:?}", told.events);
}

#[tokio::test]
async fn a_storm_is_told_in_few_events_and_every_alert_is_kept() {
    let (server, desk) = (Server::start().await, Desk::new());
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    running.client.window(true);

    for frame in 0..60 {
        server.say(&detection(1, frame));
    }
    server.until("all acks", |state| (state.acks.len() == 60).then_some(())).await;
    running.until("all are counted", |told| (told.acked.len() == 60).then_some(())).await;

    let feed = incidents(&running).await;
    let told = running.quit().await;
    assert_eq!(feed.len(), 1);
    assert_eq!(feed[0].alerts, 60);
    assert_eq!(told.notifications.iter().filter(|notification| notification.sound).count(), 1);
    assert!(told.events.len() < 60, "{} events", told.events.len());
}

/// Waits until the journal knows that the only incident was shown.
async fn marked(running: &desk::Running) {
    let waiting = async {
        loop {
            if let Some(incident) = incidents(running).await.first() {
                let detail = running.client.incident(&incident.id).await.expect("the incident");
                if detail.alerts.iter().all(|alert| alert.notified_at.is_some()) {
                    return;
                }
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("the notification is noted");
}

/// Waits for an outage in the feed, open or closed; how much was caught up after it.
async fn outage(running: &desk::Running, wanted: impl Fn(Option<i64>) -> bool) -> u32 {
    let waiting = async {
        loop {
            let page = running.client.feed(FeedQuery::default()).await.expect("the feed");
            for item in page.items {
                if let FeedItem::Outage { to, caught_up, .. } = item
                    && wanted(to)
                {
                    return caught_up;
                }
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("an outage in the feed")
}

/// Waits until an incident is recorded as decided so.
async fn handled(running: &desk::Running, id: &str, decision: Decision, here: bool) {
    let waiting = async {
        loop {
            let handling = running.client.incident(id).await.expect("the incident").incident.handling;
            if matches!(handling, Handling::Recorded { decision: d, here: h, .. } if d == decision && h == here)
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("the decision is recorded");
}

async fn incidents(running: &desk::Running) -> Vec<Incident> {
    let page = running.client.feed(FeedQuery::default()).await.expect("the feed");
    page.items
        .into_iter()
        .filter_map(|item| match item {
            FeedItem::Incident(incident) => Some(incident),
            FeedItem::Outage { .. } => None,
        })
        .collect()
}
