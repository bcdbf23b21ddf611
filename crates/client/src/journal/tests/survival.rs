//! What was answered is still there: after a kill, after a restart, and while others write.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use futures_util::future::join_all;
use visionguard_proto::{Alert, Cursor, ShopId};

use super::super::{Hands, Incoming, Journal, JournalError, LogOf};
use super::{World, detection, no_names, noon};
use crate::clock::SystemClock;
use crate::model::{Decision, Delivery, Dispatch, Handling, Recorded, Source};
use crate::view::{FeedQuery, Report, ReportQuery};

const CHILD: &str = "VISIONGUARD_JOURNAL_TEST_DIRECTORY";

#[tokio::test]
async fn every_alert_that_was_answered_survives_a_kill() {
    let directory = tempfile::tempdir().expect("a directory");

    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "journal::tests::survival::a_child_records_until_it_is_killed", "--nocapture"])
            .env(CHILD, directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a child");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut answered: Vec<String> = Vec::new();
        for line in lines {
            let line = line.expect("a line");
            answered.extend(line.strip_prefix("answered ").map(str::to_owned));
            if answered.len() == 20 + 7 * round {
                child.kill().expect("killed");
            }
        }
        child.wait().expect("its end");

        let opened = Journal::open(directory.path()).expect("opened");
        assert_eq!(opened.set_aside, None, "round {round}");
        assert!(answered.len() >= 20);
        for id in answered {
            let entry = opened.journal.alert(id.parse().expect("an id")).await.expect("read");
            let entry = entry.expect("an answered alert");
            let frame = opened.journal.frame(entry.alert.id).await.expect("read").expect("its picture");
            assert_eq!(frame, super::jpeg().bytes());
        }
        opened.journal.close().await;
    }
}

/// Not a test by itself: the body of the child above.
#[test]
fn a_child_records_until_it_is_killed() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let journal = Journal::open(directory.as_ref()).expect("opened").journal;
        let start = journal.alerts(1).await.expect("read").first().map_or(0, |entry| entry.alert.id.0);
        for frame in start.. {
            let told = detection("stream-a", 1, 30 * (frame + 1)).seen();
            let recorded = journal.record(told, noon(frame), Source::Live).await.expect("recorded");
            let mut out = std::io::stdout().lock();
            writeln!(out, "answered {}", recorded.entry().alert.id).expect("told");
            out.flush().expect("told");
        }
    });
}

#[tokio::test]
async fn many_at_once_share_their_commits_and_are_all_there() {
    let world = World::new();

    let told =
        join_all((0..200).map(|index| world.tell(detection("stream-a", index, 30).seen(), index))).await;
    let world = world.reopen().await;

    assert_eq!(told.len(), 200);
    assert_eq!(world.alerts().await.len(), 200);
}

#[tokio::test]
async fn alerts_that_wait_together_are_stored_in_order_and_the_cursor_stays_before_one_that_fails() {
    let world = World::new();
    refuse(&world, "NEW.person_id = 3").await;
    let of = LogOf { account: "u".to_owned(), origin: "http://shop.example".to_owned() };
    let incoming = (0..6).map(|person| Incoming {
        alert: detection("stream-a", person, 30).seen_with_id(),
        received_at: noon(person),
        source: Source::Live,
        place: Some((of.clone(), Cursor::new(&format!("e.{person}")).expect("a cursor"))),
    });

    let told = world.journal.record_each(incoming.collect()).await.expect("answered");

    let persons: Vec<_> = told.iter().flatten().map(|told| told.entry().alert.person_id).collect();
    assert_eq!(persons, [0, 1, 2, 4, 5].map(Some));
    assert!(told[3].is_err());
    accept_again(&world).await;
    let world = world.reopen().await;
    assert_eq!(world.alerts().await.len(), 5);
    assert_eq!(world.journal.cursor(&of).await.expect("read"), Cursor::new("e.2").ok());
}

/// From now on inserting an alert like this fails.
async fn refuse(world: &World, which: &str) {
    let trigger = format!(
        "CREATE TRIGGER refused BEFORE INSERT ON alert WHEN {which} BEGIN SELECT RAISE(ABORT, 'no'); END"
    );
    world.journal.write(move |connection| Ok(connection.execute_batch(&trigger)?)).await.expect("a trigger");
}

async fn accept_again(world: &World) {
    let drop = |connection: &rusqlite::Connection| Ok(connection.execute_batch("DROP TRIGGER refused")?);
    world.journal.write(drop).await.expect("no trigger");
}

#[tokio::test]
async fn one_request_that_fails_does_not_undo_its_neighbours() {
    let world = World::new();

    let poison = world.journal.write(|connection| {
        connection.execute("INSERT INTO value (name, value) VALUES ('half', 'done')", [])?;
        connection.execute("INSERT INTO no_such_table VALUES (1)", [])?;
        Ok(())
    });
    let (before, failed, after) = tokio::join!(
        world.tell(detection("stream-a", 1, 30).seen(), 0),
        poison,
        world.tell(detection("stream-b", 1, 30).seen(), 0),
    );

    assert!(failed.is_err());
    assert_ne!(before.entry().alert.id, after.entry().alert.id);
    assert_eq!(world.journal.value("half").await, Ok(None));
    assert_eq!(world.alerts().await.len(), 2);
}

#[tokio::test]
async fn another_program_reads_while_the_owner_writes_and_may_change_nothing() {
    let world = World::new();
    world.tell(detection("stream-a", 1, 30).seen(), 0).await;

    let reader = Journal::open_read_only(world.directory.path()).expect("opened");
    world.tell(detection("stream-b", 1, 30).seen(), 1).await;

    assert_eq!(reader.alerts(10).await.expect("read").len(), 2);
    assert_eq!(reader.feed(FeedQuery::default(), &no_names()).await.expect("read").items.len(), 2);
    let refused = reader.record(detection("stream-c", 1, 30).seen(), noon(2), Source::Live).await;
    assert_eq!(refused, Err(JournalError::Unwritable));
}

#[tokio::test]
async fn there_may_be_nothing_to_read_yet() {
    let directory = tempfile::tempdir().expect("a directory");

    let missing = Journal::open_read_only(directory.path());

    assert!(matches!(missing, Err(JournalError::Missing(_))), "{missing:?}");
}

#[tokio::test]
async fn what_is_known_of_the_record_is_remembered_shop_by_shop() {
    let world = World::new();
    let (old, new) = (detection("stream-a", 1, 30), detection("stream-a", 1, 300));
    world.catch_up(new.row(), 60).await;
    world.catch_up(old.row(), 60).await;
    let noticed = detection("stream-b", 1, 900);
    world.tell(noticed.noticed(), 60).await;
    let world = world.reopen().await;

    let shop = ShopId::new("shop-1").expect("an id");
    let newest = world.journal.latest(&shop).await.expect("read").expect("a row");
    let known = world.journal.known(vec![old.anomaly_id(), noticed.anomaly_id()]).await.expect("read");

    assert_eq!((newest.anomaly_id, newest.detected_at), (new.anomaly_id(), noon(10)));
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [old.anomaly_id()]);
    let other = ShopId::new("shop-2").expect("an id");
    assert_eq!(world.journal.latest(&other).await.expect("read"), None);
}

#[tokio::test]
async fn small_values_are_kept_and_forgotten() {
    let world = World::new();

    world.journal.set_value("cursor", Some("41".into())).await.expect("kept");
    world.journal.set_value("cursor", Some("42".into())).await.expect("kept");
    let world = world.reopen().await;
    assert_eq!(world.journal.value("cursor").await.expect("read").as_deref(), Some("42"));

    world.journal.set_value("cursor", None).await.expect("forgotten");
    assert_eq!(world.journal.value("cursor").await.expect("read"), None);
}

#[tokio::test]
async fn a_closed_journal_says_so() {
    let world = World::new();
    let other = world.journal.clone();

    world.journal.close().await;

    assert_eq!(other.alerts(1).await, Err(JournalError::Closed));
}

#[tokio::test]
async fn a_journal_in_memory_works_and_says_what_it_is() {
    let journal = Journal::in_memory().expect("opened");

    journal.record(detection("stream-a", 1, 30).seen(), noon(0), Source::Live).await.expect("recorded");

    assert!(!journal.is_durable());
    assert_eq!(journal.alerts(10).await.expect("read").len(), 1);
}

#[tokio::test]
async fn what_came_while_the_disk_was_unwritable_settles_on_it_once() {
    let world = World::new();
    let old = detection("stream-a", 1, 30);
    world.catch_up(old.row(), 0).await;
    world.journal.close().await;
    let journal = Journal::in_memory().expect("opened");
    let clone = journal.clone();
    let new = detection("stream-a", 2, 60);
    journal.record(old.row(), noon(1), Source::History).await.expect("recorded");
    let told = journal.record(new.seen(), noon(2), Source::Live).await.expect("recorded");
    let incident = told.entry().incident.id;
    journal.decide(incident, Decision::Resolved, None, Dispatch::AtOnce, noon(3)).await.expect("decided");

    let settled = journal.settle(world.directory.path()).await.expect("settled").expect("only now");
    let again = journal.settle(world.directory.path()).await.expect("nothing to do");
    clone.record(detection("stream-a", 3, 90).seen(), noon(4), Source::Live).await.expect("recorded");
    journal.close().await;
    let stored = Journal::open(world.directory.path()).expect("opened").journal;

    assert!(again.is_none() && clone.is_durable());
    let unacked: Vec<_> = settled.unacked.iter().map(|entry| entry.alert.id).collect();
    assert_eq!(unacked, [told.entry().alert.id]);
    let alerts = stored.alerts(10).await.expect("read");
    assert_eq!(
        alerts.iter().map(|entry| entry.alert.person_id).collect::<Vec<_>>(),
        [Some(3), Some(2), Some(1)]
    );
    assert_eq!(alerts[1].incident.id, incident);
    assert!(matches!(alerts[1].incident.handling, Handling::Sending { .. }));
    assert!(stored.frame(told.entry().alert.id).await.expect("read").is_some());
}

#[tokio::test]
async fn a_number_of_what_stayed_behind_in_memory_is_not_given_to_another() {
    let world = World::new();
    let old = detection("stream-a", 1, 30);
    world.catch_up(old.row(), 0).await;
    world.journal.close().await;
    let journal = Journal::in_memory().expect("opened");
    let numbers = async |told: Alert, minute| {
        let told = journal.record(told, noon(minute), Source::Live).await.expect("recorded");
        (told.entry().alert.id, told.entry().incident.id)
    };
    numbers(detection("stream-a", 2, 60).seen(), 1).await;
    let stays_behind = numbers(old.row(), 2).await;

    journal.settle(world.directory.path()).await.expect("settled").expect("only now");
    let new = numbers(detection("stream-a", 3, 90).seen(), 3).await;

    assert!(stays_behind.0 < new.0 && stays_behind.1 < new.1, "{stays_behind:?}, then {new:?}");
}

#[tokio::test]
async fn what_was_shown_and_decided_in_memory_counts_for_what_the_file_knew() {
    let world = World::new();
    let old = detection("stream-a", 1, 30);
    world.catch_up(old.row(), 0).await;
    world.journal.close().await;
    let journal = Journal::in_memory().expect("opened");
    let told = journal.record(old.row(), noon(1), Source::History).await.expect("recorded");
    let (alert, incident) = (told.entry().alert.id, told.entry().incident.id);
    journal.mark_notified(alert, noon(2)).await.expect("marked");
    journal
        .decide(incident, Decision::FalseAlarm, Some("a cat".to_owned()), Dispatch::AtOnce, noon(3))
        .await
        .expect("decided");

    journal.settle(world.directory.path()).await.expect("settled").expect("only now");
    journal.close().await;
    let stored = Journal::open(world.directory.path()).expect("opened").journal;

    let alerts = stored.alerts(10).await.expect("read");
    assert_eq!(alerts.iter().map(|entry| entry.alert.notified_at).collect::<Vec<_>>(), [Some(noon(2))]);
    let handling = &alerts[0].incident.handling;
    assert!(matches!(handling, Handling::Sending { decision: Decision::FalseAlarm, .. }), "{handling:?}");
    let to_send = stored.next_to_send(10).await.expect("read");
    assert_eq!(
        to_send.iter().map(|one| (one.alert, one.note.as_deref())).collect::<Vec<_>>(),
        [(alerts[0].alert.id, Some("a cat"))]
    );
}

#[tokio::test]
async fn a_journal_in_memory_knows_what_was_shown_and_decided_in_the_file_that_it_stands_in_for() {
    let world = World::new();
    let old = detection("stream-a", 1, 30);
    let told = world.tell(old.seen(), 0).await;
    let (alert, incident) = (told.entry().alert.id, told.entry().incident.id);
    world.journal.mark_notified(alert, noon(1)).await.expect("marked");
    world
        .journal
        .decide(incident, Decision::Resolved, None, Dispatch::AtOnce, noon(2))
        .await
        .expect("decided");
    world.journal.close().await;

    let journal = stands_in(world.directory.path());
    let again = journal.record(old.row(), noon(3), Source::History).await.expect("recorded");
    let further = detection("stream-a", 1, 60).seen();
    let further = journal.record(further, noon(4), Source::Live).await.expect("recorded");
    journal.settle(world.directory.path()).await.expect("settled").expect("only now");
    journal.close().await;
    let stored = Journal::open(world.directory.path()).expect("opened").journal;

    assert!(!matches!(again, Recorded::New { .. }), "{again:?}");
    assert_eq!((again.entry().alert.id, again.entry().alert.notified_at), (alert, Some(noon(1))));
    assert_eq!(further.entry().incident.id, incident, "the same person goes on");
    let alerts = stored.alerts(10).await.expect("read");
    assert_eq!(
        alerts.iter().map(|entry| (entry.alert.id, entry.incident.id)).collect::<Vec<_>>(),
        [(further.entry().alert.id, incident), (alert, incident)]
    );
    assert_eq!(alerts[0].incident.alerts, 2);
    assert!(stored.frame(alert).await.expect("read").is_some(), "the picture stayed in the file");
}

#[tokio::test]
async fn what_was_decided_in_memory_about_an_alert_of_the_file_is_sent_from_there() {
    let world = World::new();
    let incident = world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await.entry().incident.id;
    world.journal.close().await;

    let journal = stands_in(world.directory.path());
    journal.decide(incident, Decision::FalseAlarm, None, Dispatch::AtOnce, noon(3)).await.expect("decided");
    journal.settle(world.directory.path()).await.expect("settled").expect("only now");
    journal.close().await;
    let stored = Journal::open(world.directory.path()).expect("opened").journal;

    let alerts = stored.alerts(10).await.expect("read");
    assert!(matches!(alerts[0].incident.handling, Handling::Sending { .. }), "{:?}", alerts[0].incident);
    assert_eq!(stored.next_to_send(10).await.expect("read").len(), 1);
}

#[tokio::test]
async fn what_was_decided_anew_in_memory_takes_the_place_of_what_the_file_has() {
    let world = World::new();
    let incident = world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await.entry().incident.id;
    let decide = async |journal: &Journal, decision, second| {
        let decided = journal.decide(incident, decision, None, Dispatch::AtOnce, noon(second)).await;
        decided.expect("decided").expect("known");
    };
    decide(&world.journal, Decision::Resolved, 3).await;
    let outgoing = world.journal.next_to_send(10).await.expect("read").remove(0);
    world.journal.sent(outgoing.id, Delivery::Recorded, noon(4)).await.expect("noted");
    world.journal.close().await;

    let journal = stands_in(world.directory.path());
    decide(&journal, Decision::Reopened, 5).await;
    journal.settle(world.directory.path()).await.expect("settled").expect("only now");
    journal.close().await;
    let stored = Journal::open(world.directory.path()).expect("opened").journal;

    let handling = stored.incident(incident).await.expect("read").expect("known").handling;
    assert!(matches!(handling, Handling::Reopened { here: true, sent: false, .. }), "{handling:?}");
    let to_send = stored.next_to_send(10).await.expect("read");
    let to_send: Vec<_> = to_send.iter().map(|one| (one.decision, one.ours)).collect();
    assert_eq!(to_send, [(Decision::Reopened, Some(Decision::Resolved))]);
}

#[tokio::test]
async fn what_joined_an_incident_of_a_file_that_is_another_by_now_is_an_incident_of_its_own() {
    let world = World::new();
    world.tell(detection("stream-a", 1, 30).seen(), 0).await;
    world.journal.close().await;
    let journal = stands_in(world.directory.path());
    let further = detection("stream-a", 1, 60).seen();
    let further = journal.record(further, noon(4), Source::Live).await.expect("recorded");
    let other = World::new();
    let theirs = other.tell(detection("stream-b", 7, 10).seen(), 1).await;
    other.journal.close().await;

    journal.settle(other.directory.path()).await.expect("settled").expect("only now");
    journal.close().await;
    let stored = Journal::open(other.directory.path()).expect("opened").journal;

    assert_eq!(further.entry().incident.id, theirs.entry().incident.id, "the same number meant two");
    let alerts = stored.alerts(10).await.expect("read");
    let people: Vec<_> = alerts.iter().map(|entry| (entry.alert.person_id, entry.incident.alerts)).collect();
    assert_eq!(people, [(Some(1), 1), (Some(7), 1)]);
    assert_ne!(alerts[0].incident.id, alerts[1].incident.id);
}

#[tokio::test]
async fn a_journal_in_memory_knows_the_file_s_gaps_and_outages_and_they_are_there_once_afterwards() {
    let world = World::new();
    world.journal.record_gap(Some(noon(0)), noon(10)).await.expect("noted");
    world.journal.outage_began(noon(20), "refused").await.expect("noted");
    world.journal.outage_goes_on(noon(25), "refused").await.expect("noted");
    world.journal.close().await;

    let journal = stands_in(world.directory.path());
    let knows = journal.knows_its_file().await.expect("read");
    let gap = journal.standing_gap().await.expect("read");
    journal.cut_outage().await.expect("cut");
    let begun = journal.report(all(), noon(100), &no_names()).await.expect("read");
    journal.gaps_filled(noon(30)).await.expect("noted");
    journal.record_gap(Some(noon(40)), noon(50)).await.expect("noted");
    journal.settle(world.directory.path()).await.expect("settled").expect("only now");
    journal.close().await;
    let stored = Journal::open(world.directory.path()).expect("opened").journal;
    let after = stored.report(all(), noon(100), &no_names()).await.expect("read");

    let spans = |report: &Report| -> Vec<(Option<i64>, i64, bool)> {
        report.gaps.iter().map(|gap| (gap.from, gap.to, gap.filled)).collect()
    };
    let ends = |report: &Report| report.outages.iter().map(|outage| outage.to).collect::<Vec<_>>();
    let at = |seconds| noon(seconds).as_millisecond();
    assert!(knows && gap.as_ref().is_some_and(|gap| gap.to == noon(10)), "{gap:?}");
    assert_eq!(spans(&begun), [(Some(at(0)), at(10), false)]);
    assert_eq!(spans(&after), [(Some(at(0)), at(10), true), (Some(at(40)), at(50), false)]);
    assert_eq!((ends(&begun), ends(&after)), (vec![Some(at(25))], vec![Some(at(25))]));
}

#[tokio::test]
async fn gaps_of_a_file_that_is_another_by_now_do_not_keep_the_journal_in_memory() {
    let world = World::new();
    world.journal.record_gap(Some(noon(0)), noon(10)).await.expect("noted");
    world.journal.outage_began(noon(20), "refused").await.expect("noted");
    world.journal.close().await;
    let journal = stands_in(world.directory.path());
    let other = World::new();
    other.journal.record_gap(Some(noon(5)), noon(60)).await.expect("noted");
    other.journal.outage_began(noon(70), "refused").await.expect("noted");
    other.journal.outage_ended(noon(80), 0).await.expect("noted");
    other.journal.close().await;

    journal.settle(other.directory.path()).await.expect("settled").expect("only now");
    journal.close().await;
    let stored = Journal::open(other.directory.path()).expect("opened").journal;
    let after = stored.report(all(), noon(100), &no_names()).await.expect("read");

    assert_eq!(after.gaps.iter().map(|gap| gap.to).collect::<Vec<_>>(), [noon(60).as_millisecond()]);
    let begins: Vec<i64> = after.outages.iter().map(|outage| outage.from).collect();
    assert_eq!(begins, [noon(70).as_millisecond()]);
}

fn all() -> ReportQuery {
    ReportQuery { from: noon(-60).as_millisecond(), to: noon(200).as_millisecond() }
}

fn stands_in(directory: &Path) -> Journal {
    Journal::in_memory_of(directory, &Hands::Threads, Arc::new(SystemClock)).expect("read")
}
