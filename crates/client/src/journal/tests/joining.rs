//! One detection told by several messages is one alert; several detections are never one.

use proptest::prelude::*;
use visionguard_proto::{Alert, Kind, Picture, ServerMessage};

use super::super::Journal;
use super::{Detection, World, detection, noon};
use crate::model::{Changed, Recorded, Source};

#[tokio::test]
async fn the_two_messages_and_the_row_of_one_detection_are_one_alert() {
    let world = World::new();
    let seen = detection("stream-a", 1, 30);

    let first = world.tell(seen.seen(), 0).await;
    let second = world.tell(seen.noticed(), 1).await;
    let third = world.tell(seen.row(), 2).await;

    assert!(matches!(first, Recorded::New { first_of_incident: true, .. }));
    let Recorded::Joined { changed, .. } = second else { panic!("the notice joins: {second:?}") };
    assert_eq!(changed, Changed { anomaly_id: true, picture: false, facts: true });
    assert!(
        matches!(third, Recorded::Joined { changed: Changed { anomaly_id: false, .. }, .. }),
        "{third:?}"
    );
    let alerts = world.alerts().await;
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].alert.anomaly_id, Some(seen.anomaly_id()));
    assert_eq!(alerts[0].incident.alerts, 1);
}

#[tokio::test]
async fn case_09_whoever_does_not_say_the_person_speaks_of_the_same_alert() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (silent, order) in (0..8_u8).flat_map(|silent| orders.map(|order| (silent, order))) {
        let world = World::new();
        let seen = detection("stream-a", 1, 30);
        let mut accounts = [seen.seen(), seen.noticed(), seen.row()];
        for (number, account) in accounts.iter_mut().enumerate() {
            if silent & (1 << number) != 0 {
                account.person_id = None;
            }
        }

        for number in order {
            world.tell(accounts[number].clone(), 1).await;
        }

        let alerts = world.alerts().await;
        assert_eq!(alerts.len(), 1, "silent {silent:03b}, order {order:?}: {alerts:?}");
        assert_eq!(alerts[0].alert.anomaly_id, Some(seen.anomaly_id()), "{silent:03b}, {order:?}");
        assert_eq!(alerts[0].alert.person_id, (silent != 7).then_some(1), "{silent:03b}, {order:?}");
    }
}

#[tokio::test]
async fn case_09_two_persons_of_one_frame_stay_two_though_one_is_not_said() {
    let world = World::new();
    let (one, two) = (detection("stream-a", 1, 30), detection("stream-a", 2, 30));
    let unsaid = |account: Alert| Alert { person_id: None, ..account };

    for account in
        [unsaid(one.seen()), two.seen(), unsaid(one.noticed()), two.noticed(), two.row(), one.row()]
    {
        world.tell(account, 1).await;
    }

    let mut ids: Vec<_> = world.alerts().await.into_iter().map(|entry| entry.alert.anomaly_id).collect();
    ids.sort();
    assert_eq!(ids, [Some(one.anomaly_id()), Some(two.anomaly_id())]);
}

#[tokio::test]
async fn every_account_told_again_is_a_repeat() {
    let world = World::new();
    let seen = detection("stream-a", 1, 30);
    for account in [seen.seen(), seen.noticed(), seen.row()] {
        world.tell(account, 0).await;
    }

    for account in [seen.row(), seen.seen(), seen.noticed()] {
        let again = world.tell(account, 400).await;

        assert!(matches!(again, Recorded::Repeat { .. }), "{again:?}");
    }
}

#[tokio::test]
async fn a_notice_after_more_than_five_seconds_is_not_guessed_to_belong() {
    let world = World::new();
    let (early, late) = (detection("stream-a", 1, 30), detection("stream-a", 1, 330));

    world.tell(early.seen(), 0).await;
    let notice = world.tell(late.noticed(), 6).await;

    assert!(matches!(notice, Recorded::New { .. }), "{notice:?}");
}

#[tokio::test]
async fn the_row_puts_a_wrong_guess_right() {
    let world = World::new();
    let (lost, kept) = (detection("stream-a", 1, 30), detection("stream-a", 1, 60));

    // The first detection's message was lost, so its notice is taken for the second's.
    world.tell(kept.seen(), 1).await;
    world.tell(lost.noticed(), 2).await;
    let row = world.catch_up(kept.row(), 60).await;

    let Recorded::Joined { changed, repaired, entry } = row else { panic!("it joins: {row:?}") };
    assert!(changed.anomaly_id);
    assert_eq!(entry.alert.anomaly_id, Some(kept.anomaly_id()));
    let split = repaired.split_off.expect("the notice is an alert of its own again");
    assert_eq!(split.alert.anomaly_id, Some(lost.anomaly_id()));
    assert_eq!(split.alert.picture, None);
    assert_eq!(world.alerts().await.len(), 2);
}

#[tokio::test]
async fn a_server_that_sends_the_id_with_the_picture_needs_no_guess() {
    let world = World::new();
    let (one, two) = (detection("stream-a", 1, 30), detection("stream-a", 1, 60));

    world.tell(one.seen_with_id(), 0).await;
    world.tell(two.seen_with_id(), 1).await;
    let notice = world.tell(two.noticed(), 1).await;

    assert_eq!(notice.entry().alert.frame_number, Some(60));
    assert_eq!(world.alerts().await.len(), 2);
}

#[tokio::test]
async fn a_live_message_about_a_row_already_read_brings_its_picture() {
    let world = World::new();
    let seen = detection("stream-a", 1, 30);

    world.catch_up(seen.row(), 1).await;
    let live = world.tell(seen.seen(), 2).await;

    let Recorded::Joined { changed, entry, .. } = live else { panic!("it joins: {live:?}") };
    assert!(changed.picture);
    assert_eq!(entry.alert.source, Source::Live);
    assert_eq!(entry.alert.picture_path, None);
    assert_eq!(entry.incident.cover, Some(entry.alert.id));
}

#[tokio::test]
async fn the_golden_messages_and_rows_of_the_backend_join() {
    let world = World::new();
    let notice = golden(include_str!("../../../../../tests/fixtures/ws_notification_owl_eye.json"));
    let page = include_bytes!("../../../../../tests/fixtures/anomalies_list_200.json");
    let page = visionguard_proto::record::RecordPage::read(page).expect("a page of the record");

    world.tell(notice.clone(), 0).await;
    world.tell(golden(include_str!("../../../../../tests/fixtures/ws_notification_pipeline.json")), 0).await;
    for row in page.rows {
        world.catch_up(row.alert, 30).await;
    }

    let alerts = world.alerts().await;
    assert_eq!(alerts.len(), 2, "{alerts:#?}");
    let intrusion = alerts.iter().find(|entry| entry.alert.kind == Kind::Intrusion).expect("the owl eye's");
    assert_eq!(intrusion.alert.anomaly_id, notice.anomaly_id);
    assert!(intrusion.alert.picture_path.is_some());
}

#[tokio::test]
async fn a_picture_fetched_afterwards_belongs_to_its_alert() {
    let world = World::new();
    world.catch_up(detection("stream-a", 1, 30).row(), 1).await;
    let wanted = world.journal.wanting_pictures(10).await.expect("a list");

    let entry =
        world.journal.attach_picture(wanted[0].alert, Picture::Jpeg(super::jpeg())).await.expect("stored");

    let entry = entry.expect("a known alert");
    assert_eq!(entry.incident.cover, Some(entry.alert.id));
    assert_eq!(world.journal.wanting_pictures(10).await.expect("a list"), []);
    let frame = world.journal.frame(entry.alert.id).await.expect("read").expect("a picture");
    assert_eq!(frame, super::jpeg().bytes());
}

fn golden(text: &str) -> Alert {
    let read = ServerMessage::read(text).expect("a golden message");
    let ServerMessage::Alert(alert) = read.message else { panic!("the golden message is an alert") };
    *alert
}

/// What may arrive: which account of which detection, and how many seconds after the one before.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    detection: usize,
    account: Account,
    after: i64,
}

#[derive(Debug, Clone, Copy)]
enum Account {
    Seen,
    Noticed,
    Row,
}

fn arrivals(detections: usize) -> impl Strategy<Value = Vec<Arrival>> {
    let account = prop_oneof![Just(Account::Seen), Just(Account::Noticed), Just(Account::Row)];
    let after = prop_oneof![3 => Just(0), 1 => 1i64..8];
    let lively = prop::collection::vec((0..detections, account, after), 0..24);
    // Sooner or later the record is read: each row that there is arrives at least once, anywhere in between.
    let rows = Just((0..detections).collect::<Vec<_>>()).prop_shuffle();
    (lively, rows, prop::collection::vec(any::<prop::sample::Index>(), detections)).prop_map(
        |(lively, rows, places)| {
            let mut all: Vec<Arrival> = lively
                .into_iter()
                .map(|(detection, account, after)| Arrival { detection, account, after })
                .collect();
            for (detection, place) in rows.into_iter().zip(places) {
                let row = Arrival { detection, account: Account::Row, after: 0 };
                all.insert(place.index(all.len() + 1), row);
            }
            all
        },
    )
}

/// Mostly of one person, so that wrong guesses are common.
fn detections() -> impl Strategy<Value = Vec<Detection>> {
    let stream = prop_oneof![4 => Just(0usize), 1 => Just(1)];
    let person = prop_oneof![4 => Just(1i64), 1 => Just(2)];
    prop::collection::vec((stream, person), 1..7).prop_map(|subjects| {
        let subject = |(index, (stream, person)): (usize, (usize, i64))| {
            let frame = 30 * (1 + i64::try_from(index).expect("few"));
            detection(["stream-a", "stream-b"][stream], person, frame)
        };
        subjects.into_iter().enumerate().map(subject).collect()
    })
}

/// Detections, which of them nothing but notices ever tell of, and what arrives.
fn story() -> impl Strategy<Value = (Vec<Detection>, Vec<bool>, Vec<Arrival>)> {
    detections().prop_flat_map(|detections| {
        let count = detections.len();
        let only_noticed = prop::collection::vec(prop::bool::weighted(0.3), count);
        (Just(detections), only_noticed, arrivals(count))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_loss_and_repetition_of_accounts_gives_one_alert_a_detection((detections, only_noticed, arrivals) in story()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let journal = Journal::in_memory().expect("a journal");
            let mut second = 0;
            let mut tally = 0i64;
            for arrival in &arrivals {
                second += arrival.after;
                let detection = &detections[arrival.detection];
                let (account, source) = match arrival.account {
                    _ if only_noticed[arrival.detection] => (detection.noticed(), Source::Live),
                    Account::Seen => (detection.seen(), Source::Live),
                    Account::Noticed => (detection.noticed(), Source::Live),
                    Account::Row => (detection.row(), Source::History),
                };
                let recorded = journal.record(account, noon(second), source).await.expect("recorded");
                tally += told(&recorded);
                let stored = journal.alerts(1_000).await.expect("alerts");
                assert_eq!(i64::try_from(stored.len()).expect("few"), tally, "what was told adds up");
            }

            let stored = journal.alerts(1_000).await.expect("alerts");
            let mut found: Vec<_> = stored
                .iter()
                .map(|entry| (entry.alert.frame_number, entry.alert.anomaly_id.clone(), entry.alert.person_id))
                .collect();
            let expected = detections.iter().zip(&only_noticed).map(|(detection, only_noticed)| {
                let frame = (!only_noticed).then_some(detection.frame);
                (frame, Some(detection.anomaly_id()), Some(detection.person))
            });
            let mut expected: Vec<_> = expected.collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected);
            for entry in &stored {
                let alike = stored.iter().filter(|other| other.incident.id == entry.incident.id).count();
                assert_eq!(usize::try_from(entry.incident.alerts).expect("few"), alike);
            }
        });
    }

    #[test]
    fn without_the_record_the_messages_in_their_order_still_find_each_other(detections in detections()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let journal = Journal::in_memory().expect("a journal");
            // All of one second: first the pictures, then the notices, each in order.
            for (index, detection) in detections.iter().enumerate() {
                let second = i64::try_from(index / 3).expect("few");
                journal.record(detection.seen(), noon(second), Source::Live).await.expect("recorded");
            }
            for detection in &detections {
                journal.record(detection.noticed(), noon(4), Source::Live).await.expect("recorded");
            }

            let stored = journal.alerts(1_000).await.expect("alerts");
            assert_eq!(stored.len(), detections.len());
            for detection in &detections {
                let entry = stored.iter().find(|entry| entry.alert.frame_number == Some(detection.frame));
                let entry = entry.expect("every detection");
                assert_eq!(entry.alert.anomaly_id.as_ref(), Some(&detection.anomaly_id()));
            }
        });
    }
}

/// How many alerts more (or fewer) there are, by what the caller is told.
fn told(recorded: &Recorded) -> i64 {
    let (new, repaired) = match recorded {
        Recorded::New { repaired, .. } => (1, repaired.clone()),
        Recorded::Joined { repaired, .. } => (0, repaired.clone()),
        Recorded::Repeat { .. } => return 0,
    };
    new + i64::from(repaired.split_off.is_some()) - i64::from(repaired.absorbed.is_some())
}
