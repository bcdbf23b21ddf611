//! The place in the log, and what is missing when it broke off.

use visionguard_proto::Cursor;

use super::*;
use crate::journal::{Beginning, LogOf};
use crate::model::Why;
use crate::view::FeedQuery;

#[tokio::test]
async fn a_place_is_stored_with_its_alert_and_found_again() {
    let world = World::new();
    world.store(1, Some("e.1")).await;
    world.store(2, None).await;

    let world = world.reopen().await;

    assert_eq!(world.cursor("u").await.as_deref(), Some("e.1"));
}

#[tokio::test]
async fn what_cannot_be_stored_moves_no_place() {
    let world = World::new();
    world.store(1, Some("e.1")).await;
    let disk = rusqlite::Connection::open(world.directory.path().join(crate::journal::FILE_NAME)).unwrap();
    disk.execute_batch("CREATE TRIGGER full BEFORE INSERT ON alert BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();

    let alert = detection("door", 2, 2).seen_with_id();
    let refused = world.journal.record_at(alert, noon(2), Source::Live, place("e.2")).await;

    assert!(refused.is_err());
    assert_eq!(world.cursor("u").await.as_deref(), Some("e.1"));
}

#[tokio::test]
async fn another_account_or_server_has_no_part_in_it() {
    let world = World::new();
    world.store(1, Some("e.1")).await;

    assert_eq!(world.cursor("somebody else").await, None);
    let elsewhere = LogOf { origin: "https://other.example".to_owned(), ..log("u") };
    assert_eq!(world.journal.cursor(&elsewhere).await.unwrap(), None);
}

#[tokio::test]
async fn the_log_begins_at_its_head_once_the_record_is_compared_unless_an_alert_was_first() {
    let world = World::new();
    world.compared(None, "e.7", 10).await;
    assert_eq!(world.cursor("u").await.as_deref(), Some("e.7"));

    world.store(1, Some("e.8")).await;
    world.compared(None, "e.7", 20).await;
    assert_eq!(world.cursor("u").await.as_deref(), Some("e.8"));

    world.compared(Some("e.8"), "new.1", 30).await;
    assert_eq!(world.cursor("u").await.as_deref(), Some("new.1"));
}

#[tokio::test]
async fn a_gap_goes_back_to_the_last_comparison_and_ends_with_the_next() {
    let world = World::new();
    world.compared(None, "e.7", 10).await;

    world.journal.log_broke_off(log("u"), noon(60)).await.unwrap();
    world.compared(None, "x", 59).await;
    let gap = world.journal.standing_gap().await.unwrap().expect("it stands");
    assert_eq!((gap.from, gap.to, gap.why), (Some(noon(10)), noon(60), Why::LogBroke));
    world.compared(None, "x", 60).await;

    assert_eq!(world.journal.standing_gap().await.unwrap(), None);
    assert_eq!(world.journal.gaps(noon(0), noon(100)).await.unwrap()[0].filled_at, Some(noon(60)));
}

#[tokio::test]
async fn nobody_knows_where_a_gap_begins_that_was_never_compared_before_or_by_a_clock_that_was_set_back() {
    let world = World::new();
    world.journal.log_broke_off(log("u"), noon(5)).await.unwrap();
    assert_eq!(world.journal.standing_gap().await.unwrap().unwrap().from, None);

    let world = World::new();
    world.compared(None, "e.7", 3600).await;
    world.journal.log_broke_off(log("u"), noon(60)).await.unwrap();
    assert_eq!(world.journal.standing_gap().await.unwrap().unwrap().from, None);
}

#[tokio::test]
async fn a_gap_that_the_record_cannot_close_stays_until_it_is_cleared() {
    let world = World::new();
    world.journal.log_broke_off(log("u"), noon(5)).await.unwrap();

    world.journal.gaps_stay().await.unwrap();
    world.compared(None, "x", 60).await;
    let world = world.reopen().await;
    assert_eq!(world.journal.standing_gap().await.unwrap().unwrap().why, Why::ForGood);
    world.journal.clear(FeedQuery::default(), no_names(), noon(90)).await.unwrap();

    assert_eq!(world.journal.standing_gap().await.unwrap(), None);
    assert_eq!(world.journal.gaps(noon(0), noon(100)).await.unwrap()[0].filled_at, None);
}

#[tokio::test]
async fn in_whatever_order_its_accounts_come_and_come_again_a_detection_of_the_log_is_one_alert() {
    let told = detection("door", 1, 30);
    let from_log = |replayed| Alert { cursor: Cursor::new("e.5").ok(), replayed, ..told.seen_with_id() };
    let accounts = [from_log(false), from_log(true), told.noticed(), told.row()];
    for order in orders(accounts.len()) {
        let world = World::new();

        for (second, number) in (0_i64..).zip(&order) {
            world.tell(accounts[*number].clone(), second).await;
        }

        let alerts = world.alerts().await;
        assert_eq!(alerts.len(), 1, "{order:?}");
        assert_eq!(alerts[0].alert.anomaly_id, Some(told.anomaly_id()), "{order:?}");
        assert_eq!(alerts[0].incident.alerts, 1, "{order:?}");
    }
}

impl World {
    /// Stores the detection of this number, at this place of the log.
    async fn store(&self, number: i64, at: Option<&str>) {
        let alert = detection("door", number, number).seen_with_id();
        self.journal.record_at(alert, noon(number), Source::Live, at.and_then(place)).await.unwrap();
    }

    async fn cursor(&self, account: &str) -> Option<String> {
        let cursor = self.journal.cursor(&log(account)).await.unwrap();
        cursor.map(|cursor| cursor.as_str().to_owned())
    }

    async fn compared(&self, asked: Option<&str>, head: &str, second: i64) {
        let asked = asked.map(|asked| Cursor::new(asked).unwrap());
        let beginning = Beginning { asked, head: Cursor::new(head).unwrap() };
        self.journal.compared(log("u"), Some(beginning), noon(second)).await.unwrap();
    }
}

fn log(account: &str) -> LogOf {
    LogOf { account: account.to_owned(), origin: "https://shop.example".to_owned() }
}

fn place(cursor: &str) -> Option<(LogOf, Cursor)> {
    Some((log("u"), Cursor::new(cursor).unwrap()))
}

/// All orders of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![vec![]];
    for next in 0..count {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |at| {
                    let mut longer = order.clone();
                    longer.insert(at, next);
                    longer
                })
            })
            .collect();
    }
    orders
}
