//! A record that the server can send only in part, or not at all.

use std::time::Duration;

use jiff::Timestamp;
use support::backend::{Detection, Halves};
use support::desk::Desk;
use support::ours::STREAM;
use support::recording::Record;
use visionguard_client::model::{Decision, Handling};
use visionguard_client::view::{Report, ReportQuery, Status};
use visionguard_proto::AnomalyId;

use super::World;

#[tokio::test]
async fn case_06_a_row_that_the_server_cannot_send_hides_no_other() {
    let world = World::protected().await;
    let World { backend, user, shop, desk } = world;
    let make = desk.end().await;
    for number in 1..=130 {
        let mut detection = Detection::new(&user, &shop, "camera").halves(Halves::Neither);
        detection = detection.person(number).frame_number(number);
        // The newest, two that lie side by side, and one far back.
        if [130, 88, 87, 3].contains(&number) {
            detection = detection.score(if number == 88 { "Infinity" } else { "NaN" });
        }
        backend.detect(detection);
    }

    let desk = Desk::made_of(make);
    desk.until_status(Status::Protected).await;

    let report = report(&desk).await;
    assert_eq!(report.alerts, 126, "all others are here");
    assert_eq!((report.lost, report.gaps.len()), (4, 4), "{report:?}");
    assert!(report.gaps.iter().all(|gap| !gap.filled && gap.sentence.contains("cannot send")), "{report:?}");
}

#[tokio::test]
async fn case_06_a_row_that_cannot_be_sent_and_came_on_the_socket_is_not_lost() {
    let world = World::protected().await;

    world.backend.detect(world.detection().score("NaN"));
    world.desk.until_alerts(1).await;
    world.reconciled().await;
    world.backend.detect(world.detection().person(2).frame_number(60).halves(Halves::Neither));

    world.desk.until_alerts(2).await;
    let report = report(&world.desk).await;
    assert_eq!((report.alerts, report.lost), (2, 0), "{report:?}");
    assert_eq!(report.gaps, []);
}

#[tokio::test]
async fn case_06_while_the_record_cannot_be_read_no_report_says_that_nothing_is_missing() {
    let world = World::protected().await;

    world.backend.fail("/api/anomalies", 500, None);

    let gaps = loop {
        let gaps = report(&world.desk).await.gaps;
        if !gaps.is_empty() {
            break gaps;
        }
        world.reconciled().await;
    };
    assert!(gaps[0].sentence.contains("cannot be read") && !gaps[0].filled, "{gaps:?}");

    world.backend.recover();
    while !report(&world.desk).await.gaps.is_empty() {
        world.reconciled().await;
    }
}

#[tokio::test]
async fn case_06_of_a_row_that_cannot_be_sent_the_page_says_so_until_it_is_taken_out_of_view() {
    let world = World::protected().await;
    world.reconciled().await;

    world.backend.detect(world.detection().score("NaN").halves(Halves::Neither));

    while !says(&world.desk, "cannot send").await {
        world.reconciled().await;
    }
    world.desk.client.clear(visionguard_client::view::FeedQuery::default()).await.unwrap();
    while says(&world.desk, "cannot send").await {
        world.reconciled().await;
    }
    world.reconciled().await;
    assert!(!says(&world.desk, "cannot send").await, "it does not come back");
    assert_eq!(report(&world.desk).await.lost, 1, "the report goes on saying it");
}

/// More than the first comparison reads, so that the history has a beginning.
const HISTORY: i64 = 70;
const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_row_whose_time_lies_before_all_that_is_known_is_an_alert_all_the_same() {
    let world = World::new();
    for number in 1..=HISTORY {
        let detection = world.detection().halves(Halves::Neither).person(number).frame_number(number);
        let id = world.backend.detect(detection);
        world.backend.set_status(&id, "resolved");
    }
    world.sign_in(&world.backend.url()).await;
    world.desk.until_status(Status::Protected).await;
    world.reconciled().await;

    let alone = || world.detection().halves(Halves::Neither);
    for (person, detection) in [
        (101, alone().clock_behind(HOUR)),
        (102, alone().late(HOUR)),
        (103, alone().late(HOUR * 24 * 40)),
        (104, alone().clock_behind(HOUR)),
    ] {
        let id = world.backend.detect(detection.person(person).frame_number(person));
        let id = AnomalyId::new(&id).unwrap();
        while !world.desk.client.journal().known(vec![id.clone()]).await.unwrap().contains(&id) {
            world.reconciled().await;
        }
    }
    let told = |record: &Record| (record.notifications.len() >= 4).then_some(());
    world.desk.recording.until("each is told", told).await;
    assert_eq!(report(&world.desk).await.lost, 0);
}

#[tokio::test]
async fn at_the_first_sign_in_what_nobody_decided_on_is_here_whatever_its_age() {
    let world = World::new();
    let before = |person: i64| world.detection().halves(Halves::Neither).person(person).frame_number(person);
    let waiting: Vec<String> =
        (1..=3).map(|person| world.backend.detect(before(person).late(HOUR * 24 * 40))).collect();
    for person in 4..=HISTORY {
        let id = world.backend.detect(before(person));
        world.backend.set_status(&id, "resolved");
    }

    world.sign_in(&world.backend.url()).await;
    world.desk.until_status(Status::Protected).await;

    let counts = world.desk.client.snapshot().await.counts;
    assert_eq!(counts.unhandled, 3, "{counts:?}");
    let ids: Vec<AnomalyId> = waiting.iter().map(|id| AnomalyId::new(id).unwrap()).collect();
    assert_eq!(world.desk.client.journal().known(ids).await.unwrap().len(), 3);
    world.reconciled().await;
    let report = report(&world.desk).await;
    assert_eq!((report.lost, report.gaps.len()), (0, 0), "{report:?}");
    // Rows that are lost later are noticed as ever.
    world.backend.detect(world.detection().score("NaN").halves(Halves::Neither));
    while self::report(&world.desk).await.lost == 0 {
        world.reconciled().await;
    }
}

#[tokio::test]
async fn what_a_colleague_decides_about_something_old_is_taken_over() {
    let World { backend, user, shop, desk } = World::protected().await;
    let alone = |person: i64| Detection::new(&user, &shop, STREAM).person(person).halves(Halves::Neither);
    let old = backend.detect(alone(1).late(HOUR * 24 * 3));
    // More than a page of the record lies between, and longer ago than a pass reads.
    for person in 2..HISTORY {
        let id = backend.detect(alone(person).late(HOUR * 24 * 2));
        backend.set_status(&id, "resolved");
    }
    let new = backend.detect(alone(HISTORY));
    backend.set_status(&new, "resolved");
    desk.until_counted(u32::try_from(HISTORY).unwrap(), 1).await;
    let make = desk.end().await;
    backend.set_status(&old, "false_positive");

    let desk = Desk::made_of(make);

    desk.until_counted(u32::try_from(HISTORY).unwrap(), 0).await;
    let decided = desk.client.journal().alerts(1_000).await.unwrap();
    let decided =
        decided.iter().find(|entry| entry.alert.anomaly_id.as_ref().is_some_and(|id| id.as_str() == old));
    let handling = &decided.expect("it is here").incident.handling;
    assert!(
        matches!(handling, Handling::Recorded { decision: Decision::FalseAlarm, here: false, .. }),
        "{handling:?}"
    );
}

#[tokio::test]
async fn what_a_colleague_opened_again_is_open_here_however_old_it_is() {
    let World { backend, user, shop, desk } = World::protected().await;
    let alone = |person: i64| Detection::new(&user, &shop, STREAM).person(person).halves(Halves::Neither);
    let all = u32::try_from(HISTORY).unwrap();
    let old = backend.detect(alone(1).late(HOUR * 24 * 3));
    desk.until_counted(1, 1).await;
    backend.set_status(&old, "false_positive");
    desk.until_counted(1, 0).await;
    // More than a page of the record lies between, and longer ago than a pass reads.
    for person in 2..=HISTORY {
        let id = backend.detect(alone(person).late(HOUR * 24 * 2));
        backend.set_status(&id, "resolved");
    }
    desk.until_counted(all, 0).await;
    let make = desk.end().await;
    backend.open_again(&old, "Ana");

    let desk = Desk::made_of(make);

    desk.until_counted(all, 1).await;
    let alerts = desk.client.journal().alerts(1_000).await.unwrap();
    let opened =
        alerts.iter().find(|entry| entry.alert.anomaly_id.as_ref().is_some_and(|id| id.as_str() == old));
    let handling = &opened.expect("it is here").incident.handling;
    assert!(matches!(handling, Handling::Reopened { here: false, .. }), "{handling:?}");
}

#[tokio::test]
async fn a_record_that_was_emptied_is_said_to_be_until_it_is_whole() {
    let world = World::protected().await;
    for person in 1..=3 {
        world.backend.detect(world.detection().person(person));
    }
    world.desk.until_alerts(3).await;
    world.reconciled().await;

    world.backend.show_rows(0);
    while !says(&world.desk, "3 alerts fewer than it had").await {
        world.reconciled().await;
    }
    let emptied = report(&world.desk).await;
    world.backend.recover();
    while says(&world.desk, "fewer than it had").await {
        world.reconciled().await;
    }

    let whole = report(&world.desk).await;
    assert_eq!((emptied.lost, emptied.gaps.len()), (0, 1), "{emptied:?}");
    assert_eq!((whole.lost, whole.gaps, whole.alerts), (0, Vec::new(), 3));
}

/// Whether the page has a notice with these words.
async fn says(desk: &Desk, words: &str) -> bool {
    desk.client.snapshot().await.notices.iter().any(|notice| notice.sentence.contains(words))
}

async fn report(desk: &Desk) -> Report {
    let now = Timestamp::now().as_millisecond();
    let day = i64::try_from(Duration::from_secs(86_400).as_millis()).unwrap();
    desk.client.report(ReportQuery { from: now - day, to: now + day }).await.unwrap()
}
