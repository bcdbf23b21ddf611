//! A record that the server can send only in part, or not at all.

use std::time::Duration;

use jiff::Timestamp;
use support::backend::{Detection, Halves};
use support::desk::Desk;
use visionguard_client::view::{Report, ReportQuery, Status};

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

async fn report(desk: &Desk) -> Report {
    let now = Timestamp::now().as_millisecond();
    let day = i64::try_from(Duration::from_secs(86_400).as_millis()).unwrap();
    desk.client.report(ReportQuery { from: now - day, to: now + day }).await.unwrap()
}
