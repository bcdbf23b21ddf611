//! The report: its figures against a plain computation, and what each of them means.

use std::collections::{BTreeMap, HashSet};

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::journal::{Keep, Unsent, view};
use crate::model::{Decision, Dispatch, Why};
use crate::view::{FeedQuery, Handover, Report, ReportQuery, Spread, Tally};

#[tokio::test]
async fn times_beyond_all_calendars_are_the_earliest_and_the_latest_there_are() {
    let world = World::new();
    world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await;
    let whole = ReportQuery { from: i64::MIN, to: i64::MAX };

    let report = world.journal.report(whole, noon(60), &BTreeMap::new()).await.expect("a report");

    assert_eq!((report.alerts, report.entries.len()), (1, 1));
    assert!(report.from < report.to && report.to < i64::MAX, "{report:?}");
}

#[tokio::test]
async fn a_row_that_is_not_sent_stays_known_where_the_record_is_read_up_to_it_and_no_further() {
    let world = World::new();
    let shop = ShopId::new("shop-1").expect("a shop");
    let row = |from: i64, to: i64| Unsent { from: Some(noon(from)), to: noon(to), cleared: false };
    let all = (Timestamp::MIN, noon(100));
    let of = |read, rows| world.journal.rows_not_sent(&shop, read, rows);

    assert_eq!(of(all, vec![row(10, 20), row(30, 40)]).await, Ok(2));
    for (what, read, rows, grew) in [
        ("its newer neighbour was the last that was read", (noon(20), noon(100)), vec![row(30, 40)], 0),
        ("read again", all, vec![row(10, 20), row(30, 40)], 0),
        ("one was sent by now", (noon(30), noon(100)), vec![], -1),
    ] {
        assert_eq!(of(read, rows).await, Ok(grew), "{what}");
    }
}

#[tokio::test]
async fn the_shop_s_part_is_of_every_incident_that_is_listed() {
    let world = World::new();
    let first = world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await.entry().clone();
    world.tell(detection("stream-b", 2, 60).seen_with_id(), 100).await;
    let elsewhere = world.tell(detection("stream-b", 3, 90).seen_with_id(), 200).await;
    let (decision, dispatch) = (Decision::FalseAlarm, Dispatch::AtOnce);
    world.journal.decide(first.incident.id, decision, None, dispatch, noon(28)).await.expect("decided");
    // The record does not say when.
    world.handle(&elsewhere, 5_000).await;

    let activity = report(&world.journal, -60, 600).await.activity;

    let Tally { incidents, open, acknowledged, resolved, false_alarms, to_decision } = activity.total;
    assert_eq!([incidents, open, acknowledged + resolved, false_alarms], [3, 1, 1, 1]);
    assert_eq!((to_decision.count, to_decision.median_ms), (1, Some(28_000)));
    let cameras: Vec<(Option<&str>, u32)> =
        activity.cameras.iter().map(|part| (part.id.as_deref(), part.tally.incidents)).collect();
    assert_eq!(cameras, [(Some("stream-b"), 2), (Some("stream-a"), 1)]);
    assert_eq!(activity.hours.iter().sum::<u32>(), 3);
    let listed = world.journal.incidents_of(of(-60, 150)).await.expect("a list");
    assert_eq!(listed.iter().map(|row| row.decided_at).collect::<Vec<_>>(), [Some(noon(28)), None]);
}

#[tokio::test]
async fn who_comes_back_is_told_what_came_what_is_open_and_what_others_decided() {
    let world = World::new();
    let seen = world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await;
    world.tell(detection("stream-b", 2, 60).seen_with_id(), 1_000).await;
    let mine = world.tell(detection("stream-b", 3, 90).seen_with_id(), 1_100).await.entry().clone();
    let (decision, dispatch) = (Decision::Resolved, Dispatch::AtOnce);
    world.journal.decide(mine.incident.id, decision, None, dispatch, noon(1_120)).await.expect("decided");
    world.handle(&seen, 1_200).await;
    world.journal.outage_began(noon(900), "refused").await.expect("noted");
    world.journal.outage_ended(noon(1_300), 0).await.expect("noted");

    let since = world.journal.handover(noon(1_000), noon(2_000)).await.expect("told");
    let later = world.journal.handover(noon(1_500), noon(2_000)).await.expect("told");

    let Handover { incidents, unhandled, decided_elsewhere, outages, offline_ms, .. } = since;
    assert_eq!((incidents, unhandled, decided_elsewhere), (2, 1, 1));
    assert_eq!((outages, offline_ms), (1, 300_000));
    assert!(later.is_empty(), "{later:?}");
}

#[tokio::test]
async fn an_alert_is_followed_from_its_detection_to_the_decision() {
    let world = World::new();
    let detection = detection("stream-a", 1, 30);
    let entry = world
        .tell(Alert { detected_at: Some(noon(-2)), ..detection.seen_with_id() }, 0)
        .await
        .entry()
        .clone();
    world.journal.mark_notified(entry.alert.id, noon(1)).await.expect("marked");
    world.journal.seen(entry.incident.id, noon(20)).await.expect("marked");
    world
        .journal
        .decide(entry.incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(28))
        .await
        .expect("decided");

    let report = report(&world.journal, -60, 60).await;

    let line = &report.entries[0];
    let second = |second| Some(noon(second).as_millisecond());
    assert_eq!((report.alerts, report.live, report.caught_up, report.lost), (1, 1, 0, 0));
    assert_eq!((line.detected_at, Some(line.received_at)), (second(-2), second(0)));
    assert!(line.stored_at >= line.received_at);
    assert_eq!([line.notified_at, line.seen_at, line.acted_at], [second(1), second(20), second(28)]);
    assert_eq!(report.to_popup, Spread { count: 1, median_ms: Some(3_000), p95_ms: Some(3_000) });
    assert_eq!(report.to_action, Spread { count: 1, median_ms: Some(30_000), p95_ms: Some(30_000) });
}

#[tokio::test]
async fn the_alerts_of_an_incident_count_each_and_the_incident_once() {
    let world = World::new();
    for frame in 1..4 {
        world.tell(detection("stream-a", 1, 30 * frame).seen(), frame).await;
    }
    world.tell(detection("stream-b", 2, 30).seen(), 4).await;

    let report = report(&world.journal, -60, 60).await;

    assert_eq!((report.alerts, report.incidents), (4, 2));
}

#[tokio::test]
async fn a_server_whose_clock_is_ahead_makes_nothing_look_faster() {
    let world = World::new();
    world.journal.server_is_ahead(SignedDuration::from_secs(600));
    let told = Alert { detected_at: Some(noon(598)), ..detection("stream-a", 1, 30).seen_with_id() };
    let entry = world.tell(told, 0).await.entry().clone();
    world.journal.mark_notified(entry.alert.id, noon(1)).await.expect("marked");
    world
        .journal
        .handled_elsewhere(
            detection("stream-a", 1, 30).anomaly_id(),
            Decision::Resolved,
            noon(630),
            noon(900),
        )
        .await
        .expect("noted");

    let report = report(&world.journal, -60, 60).await;

    assert_eq!(report.to_popup.median_ms, Some(3_000));
    assert_eq!(report.to_action.median_ms, Some(32_000));
    let line = &report.entries[0];
    assert_eq!(line.acted_at, Some(noon(30).as_millisecond()));
    let detected = [line.detected_at, line.detected_here];
    assert_eq!(detected, [noon(598), noon(-2)].map(|at| Some(at.as_millisecond())));
    let shown = world.journal.alert(entry.alert.id).await.expect("read").expect("stored");
    let shown = view::alert(&shown.alert);
    assert_eq!((shown.detected_at, shown.detected_here), (line.detected_at, line.detected_here));
}

#[tokio::test]
async fn as_long_as_nothing_is_known_of_the_server_s_clock_nothing_is_said_of_it() {
    let world = World::new();
    let told = Alert { detected_at: Some(noon(-2)), ..detection("stream-a", 1, 30).seen_with_id() };
    world.tell(told, 0).await;

    let line = report(&world.journal, -60, 60).await.entries.remove(0);

    assert_eq!((line.detected_at, line.detected_here), (Some(noon(-2).as_millisecond()), None));
}

#[tokio::test]
async fn what_a_decision_made_before_covers_was_acted_on_when_it_came() {
    let world = World::new();
    let first = world.tell(detection("stream-a", 1, 30).seen_with_id(), 0).await.entry().clone();
    world
        .journal
        .decide(first.incident.id, Decision::Acknowledged, None, Dispatch::AtOnce, noon(10))
        .await
        .expect("decided");

    world.tell(detection("stream-a", 1, 600).seen_with_id(), 20).await;

    let report = report(&world.journal, -60, 60).await;
    let second = |second| Some(noon(second).as_millisecond());
    assert_eq!(report.entries.iter().map(|line| line.acted_at).collect::<Vec<_>>(), [second(20), second(10)]);
    assert_eq!(report.entries[0].seen_at, None, "it came after the look");
}

#[tokio::test]
async fn what_was_in_the_record_before_the_first_look_was_missed_by_nobody() {
    let world = World::new();
    let early = vec![detection("stream-a", 1, 30).row()];
    world.journal.record_history(early, noon(500)).await.expect("recorded");
    let missed = world.catch_up(detection("stream-b", 1, 60).row(), 500).await.entry().clone();

    let report = report(&world.journal, -60, 600).await;
    assert_eq!((report.alerts, report.caught_up), (1, 1));
    assert_eq!(report.entries[0].alert, missed.alert.id.to_string());
    let unshown = world.journal.not_yet_notified().await.expect("alerts");
    assert_eq!(unshown.iter().map(|entry| entry.alert.id).collect::<Vec<_>>(), [missed.alert.id]);
}

#[tokio::test]
async fn an_outage_keeps_what_began_it_and_what_was_caught_up() {
    let world = World::new();
    world.journal.outage_began(noon(0), "restarting").await.expect("noted");
    world.journal.outage_goes_on(noon(60), "refused").await.expect("noted");
    world.journal.outage_told(noon(60)).await.expect("noted");

    let ended = world.journal.outage_ended(noon(100), 3).await.expect("noted").expect("an outage");
    let again = world.journal.outage_ended(noon(200), 9).await.expect("noted");

    let report = report(&world.journal, 40, 600).await;
    assert_eq!((ended.cause.as_str(), ended.told, ended.to), ("restarting", true, Some(noon(100))));
    assert_eq!(again, None);
    assert_eq!((report.outages[0].caught_up, report.offline_ms), (3, 60_000));
    assert!(report.outages[0].sentence.contains("the server restarted"), "{}", report.outages[0].sentence);
}

#[tokio::test]
async fn an_outage_that_outlived_the_program_ends_when_it_was_last_known() {
    let world = World::new();
    world.journal.outage_began(noon(0), "refused").await.expect("noted");
    world.journal.outage_goes_on(noon(120), "refused").await.expect("noted");
    let world = world.reopen().await;

    let cut = world.journal.cut_outage().await.expect("noted").expect("an outage");
    let ended = world.journal.outage_ended(noon(900), 4).await.expect("noted").expect("the same outage");

    assert_eq!((cut.from, cut.to, cut.cut_short), (noon(0), Some(noon(120)), true));
    assert_eq!((ended.id, ended.to, ended.caught_up), (cut.id, Some(noon(120)), 4));
    assert_eq!(report(&world.journal, -60, 900).await.offline_ms, 120_000);
}

#[tokio::test]
async fn a_gap_stands_until_the_record_has_told_all_of_it() {
    let world = World::new();
    world.journal.record_gap(Some(noon(0)), noon(10)).await.expect("noted");
    world.journal.record_gap(Some(noon(0)), noon(20)).await.expect("noted");
    let standing = report(&world.journal, -60, 60).await.gaps;
    let stood = world.journal.gap_stands().await.expect("read");

    world.journal.gaps_filled(noon(30)).await.expect("noted");

    let filled = report(&world.journal, -60, 60).await.gaps;
    assert!(stood && !world.journal.gap_stands().await.expect("read"));
    assert_eq!(
        standing.iter().map(|gap| (gap.to, gap.filled)).collect::<Vec<_>>(),
        [(noon(20).as_millisecond(), false)]
    );
    assert!(filled.len() == 1 && filled[0].filled);
    assert!(report(&world.journal, 100, 200).await.gaps.is_empty());
}

#[tokio::test]
async fn a_row_that_never_arrived_is_lost_until_it_is_found() {
    let world = World::new();
    let count = async |total, second| {
        world.journal.count_rows(&shop("shop-1"), total..=total, noon(second)).await.expect("counted");
        report(&world.journal, -60, 600).await.lost
    };
    world.catch_up(detection("stream-a", 1, 30).row(), 5).await;
    let at_first = count(40, 10).await;
    world.catch_up(detection("stream-b", 1, 30).row(), 15).await;
    let whole = count(41, 20).await;
    let one_unread = count(42, 30).await;
    let still = count(42, 40).await;
    world.catch_up(detection("stream-c", 1, 30).row(), 45).await;

    let found = count(42, 50).await;

    assert_eq!([at_first, whole, one_unread, still, found], [0, 0, 1, 1, 0]);
    assert_eq!(report(&world.journal, 100, 600).await.lost, 0);
}

#[tokio::test]
async fn a_record_that_grows_while_it_is_read_has_lost_nothing() {
    let world = World::new();
    let count = async |total, second| {
        world.journal.count_rows(&shop("shop-1"), total, noon(second)).await.expect("counted");
        report(&world.journal, -60, 600).await.lost
    };
    world.catch_up(detection("stream-a", 1, 30).row(), 5).await;
    let at_first = count(40..=40, 10).await;
    // One of these was written after the first page was counted, and is on a later page.
    world.catch_up(detection("stream-b", 1, 30).row(), 15).await;
    world.catch_up(detection("stream-c", 1, 30).row(), 15).await;
    let growing = count(41..=43, 20).await;
    let calm = count(42..=42, 30).await;

    let one_unread = count(43..=43, 40).await;

    assert_eq!([at_first, growing, calm, one_unread], [0, 0, 0, 1]);
}

#[tokio::test]
async fn a_record_that_shrinks_for_a_while_has_lost_nothing_once_it_is_back() {
    let mut world = World::new();
    world.catch_up(detection("stream-a", 1, 30).row(), 5).await;
    let whole = lost_of(&world, 40, 10).await;
    let shrunk = lost_of(&world, 10, 20).await;
    world.catch_up(detection("stream-b", 1, 30).row(), 25).await;
    let with_a_new_row = lost_of(&world, 11, 30).await;
    world = world.reopen().await;
    let one_never_came = lost_of(&world, 12, 40).await;

    let back = lost_of(&world, 41, 50).await;
    let back_with_that_row = lost_of(&world, 42, 60).await;

    assert_eq!([whole, shrunk, with_a_new_row, one_never_came], [0, 0, 0, 0]);
    assert_eq!([back, back_with_that_row], [0, 1]);
}

#[tokio::test]
async fn a_wrong_total_changes_nothing_for_good() {
    for wrong in [0, 20, 5_000] {
        let world = World::new();
        world.catch_up(detection("stream-a", 1, 30).row(), 5).await;
        lost_of(&world, 40, 10).await;
        let one_unread = lost_of(&world, 41, 20).await;
        lost_of(&world, wrong, 30).await;
        lost_of(&world, wrong, 40).await;

        let right = lost_of(&world, 41, 50).await;

        assert_eq!((one_unread, right), (1, 1), "{wrong}");
    }
}

#[tokio::test]
async fn what_is_taken_away_here_is_neither_lost_nor_found() {
    let world = World::new();
    world.handle(&world.catch_up(detection("stream-a", 1, 30).row(), 5).await, 20).await;
    world.handle(&world.catch_up(detection("stream-b", 1, 3_000_000).row(), 6).await, 20).await;
    lost_of(&world, 41, 10).await;
    let keep = Keep { pictures_since: noon(-1), incidents_since: noon(86_400), picture_bytes: u64::MAX };
    let pruned = world.journal.prune(keep).await.expect("pruned");
    lost_of(&world, 11, 80_000).await;

    let back = lost_of(&world, 41, 90_000).await;
    let one_more = lost_of(&world, 42, 100_000).await;

    assert_eq!((pruned.incidents, back, one_more), (1, 0, 1));
}

#[tokio::test]
async fn a_record_with_fewer_rows_than_it_had_is_a_gap_until_it_is_whole() {
    let mut world = World::new();
    for person in 1..=5 {
        world.catch_up(detection("stream-a", person, 30).row(), 5).await;
    }
    lost_of(&world, 5, 10).await;
    let whole = sentences(&world).await;
    lost_of(&world, 0, 20).await;
    world = world.reopen().await;

    let emptied = sentences(&world).await;
    let standing = world.journal.standing_gap().await.expect("read").map(|gap| gap.why);
    world.journal.clear(FeedQuery::default(), no_names(), noon(30)).await.expect("cleared");
    lost_of(&world, 1, 40).await;
    let out_of_view = world.journal.standing_gap().await.expect("read");
    let still_said = sentences(&world).await;
    lost_of(&world, 0, 50).await;
    let again = world.journal.standing_gap().await.expect("read").map(|gap| gap.why);
    lost_of(&world, 5, 60).await;

    assert!(emptied[0].contains("has 5 alerts fewer than it had"), "{emptied:?}");
    assert!(still_said[0].contains("has 4 alerts fewer"), "{still_said:?}");
    assert_eq!((standing, out_of_view, again), (Some(Why::FewerRows(5)), None, Some(Why::FewerRows(5))));
    assert_eq!((whole.len(), emptied.len(), sentences(&world).await.len()), (0, 1, 0));
    assert_eq!(world.journal.standing_gap().await.expect("read"), None);
}

#[tokio::test]
async fn a_shop_that_is_the_account_s_no_longer_has_no_gap() {
    let world = World::new();
    world.catch_up(detection("stream-a", 1, 30).row(), 5).await;
    lost_of(&world, 1, 10).await;
    lost_of(&world, 0, 20).await;
    let stood = sentences(&world).await.len();

    world.journal.remember_shops(vec![(shop("shop-2"), "Other".to_owned())]).await.expect("stored");

    assert_eq!((stood, sentences(&world).await.len()), (1, 0));
}

#[tokio::test]
async fn rows_that_were_never_wanted_and_are_stored_all_the_same_are_not_what_the_record_lacks() {
    let world = World::new();
    world.catch_up(detection("stream-a", 1, 30).row(), 5).await;
    lost_of(&world, 40, 10).await;
    world.journal.rows_listed(&shop("shop-1"), 1).await.expect("noted");
    world.catch_up(detection("stream-b", 1, 30).row(), 15).await;

    let lost = lost_of(&world, 40, 20).await;
    let one_unread = lost_of(&world, 41, 30).await;

    assert_eq!((lost, one_unread, sentences(&world).await), (0, 1, Vec::new()));
}

#[tokio::test]
async fn a_first_count_of_a_record_that_grows_meanwhile_is_none() {
    let world = World::new();
    world.catch_up(detection("stream-a", 1, 30).row(), 5).await;
    world.journal.count_rows(&shop("shop-1"), 40..=42, noon(10)).await.expect("counted");
    world.catch_up(detection("stream-b", 1, 30).row(), 15).await;
    world.catch_up(detection("stream-c", 1, 30).row(), 15).await;

    let lost = lost_of(&world, 42, 20).await;

    assert_eq!((lost, sentences(&world).await), (0, Vec::new()));
}

/// What the report says of the gaps that stand.
async fn sentences(world: &World) -> Vec<String> {
    let gaps = report(&world.journal, -60, 600_000).await.gaps;
    gaps.into_iter().filter(|gap| !gap.filled).map(|gap| gap.sentence).collect()
}

/// How many rows are lost once the record had so many.
async fn lost_of(world: &World, total: u64, second: i64) -> u32 {
    world.journal.count_rows(&shop("shop-1"), total..=total, noon(second)).await.expect("counted");
    report(&world.journal, -60, 600_000).await.lost
}

/// One alert with all that happens to it, in seconds after noon.
#[derive(Debug, Clone)]
struct Way {
    live: bool,
    early: bool,
    detected: Option<i64>,
    received: i64,
    ahead: i64,
    notified: Option<i64>,
    /// Here, or elsewhere by the server's clock.
    decided: Option<(bool, i64)>,
}

fn ways() -> impl Strategy<Value = Vec<Way>> {
    let way = (
        any::<bool>(),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.9, -300..300_i64),
        0..300_i64,
        prop::sample::select(vec![0, 0, -40, 40]),
        prop::option::weighted(0.8, 0..400_i64),
        prop::option::weighted(0.5, (any::<bool>(), 0..900_i64)),
    );
    let way = way.prop_map(|(live, early, detected, received, ahead, notified, decided)| Way {
        live: live && !early,
        early,
        detected,
        received,
        ahead,
        notified: notified.map(|after| received + after),
        decided,
    });
    prop::collection::vec(way, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_figures_are_those_of_a_plain_computation(
        ways in ways(),
        outages in prop::collection::vec((0..40_i64, 1..60_i64), 0..6),
        bounds in (-100..300_i64, 1..300_i64),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (from, to) = (bounds.0, bounds.0 + bounds.1);

        let found = runtime.block_on(async {
            let journal = Journal::in_memory().expect("a journal");
            for (n, way) in ways.iter().enumerate() {
                live_through(&journal, n, way).await;
            }
            let mut at = 0;
            for (pause, length) in &outages {
                journal.outage_began(noon(at + pause), "lost").await.expect("noted");
                journal.outage_ended(noon(at + pause + length), 0).await.expect("noted");
                at += pause + length;
            }
            report(&journal, from, to).await
        });

        let counted: Vec<&Way> = ways.iter().filter(|way| !way.early && (from..to).contains(&place(way))).collect();
        let live = counted.iter().filter(|way| way.live).count();
        prop_assert_eq!((found.alerts as usize, found.live as usize), (counted.len(), live));
        prop_assert_eq!(found.caught_up as usize, counted.len() - live);
        prop_assert_eq!(found.entries.len(), counted.len());
        let incidents: HashSet<&str> = found.entries.iter().map(|entry| entry.incident.as_str()).collect();
        prop_assert_eq!(found.incidents as usize, incidents.len());
        prop_assert_eq!(found.to_popup, plainly(counted.iter().filter_map(|way| to_popup(way)).collect()));
        prop_assert_eq!(found.to_action, plainly(counted.iter().filter_map(|way| to_action(way)).collect()));
        prop_assert_eq!(found.offline_ms, 1_000 * seconds_offline(&outages, from, to));
    }
}

async fn live_through(journal: &Journal, n: usize, way: &Way) {
    let seen = detection(&format!("stream-{n}"), 1, 30);
    let told = Alert { detected_at: way.detected.map(noon), ..seen.row() };
    let source = if way.live { Source::Live } else { Source::History };
    journal.server_is_ahead(SignedDuration::from_secs(way.ahead));
    let entry = if way.early {
        let stored = journal.record_history(vec![told], noon(way.received)).await.expect("recorded");
        stored[0].entry().clone()
    } else {
        journal.record(told, noon(way.received), source).await.expect("recorded").entry().clone()
    };
    if let Some(at) = way.notified {
        journal.mark_notified(entry.alert.id, noon(at)).await.expect("marked");
    }
    match way.decided {
        Some((true, at)) => {
            journal
                .decide(entry.incident.id, Decision::Resolved, None, Dispatch::AtOnce, noon(at))
                .await
                .expect("decided");
        }
        Some((false, at)) => {
            journal
                .handled_elsewhere(seen.anomaly_id(), Decision::Resolved, noon(at), noon(way.received))
                .await
                .expect("noted");
        }
        None => {}
    }
}

/// To which time it counts.
fn place(way: &Way) -> i64 {
    match way.detected {
        Some(detected) if !way.live => (detected - way.ahead).min(way.received),
        Some(_) | None => way.received,
    }
}

fn to_popup(way: &Way) -> Option<i64> {
    // What is caught up on is told in one popup, whenever it happened.
    let notified = way.notified.filter(|_| way.live)?;
    Some((notified - (way.detected? - way.ahead)).max(0))
}

fn to_action(way: &Way) -> Option<i64> {
    match way.decided? {
        (true, at) => Some((at.max(way.received) - (way.detected? - way.ahead)).max(0)),
        (false, at) => Some((at - way.detected?).max(0)),
    }
}

/// The smallest value that so many of a hundred do not exceed, found by trying each.
fn plainly(seconds: Vec<i64>) -> Spread {
    let within = |percent: usize| {
        let enough = |most: &&i64| {
            seconds.iter().filter(|second| second <= most).count() * 100 >= seconds.len() * percent
        };
        seconds.iter().filter(enough).min().map(|second| second * 1_000)
    };
    Spread { count: u32::try_from(seconds.len()).expect("few"), median_ms: within(50), p95_ms: within(95) }
}

fn seconds_offline(outages: &[(i64, i64)], from: i64, to: i64) -> i64 {
    let mut at = 0;
    let mut offline = 0;
    for (pause, length) in outages {
        at += pause;
        offline += (at..at + length).filter(|second| (from..to).contains(second)).count();
        at += length;
    }
    i64::try_from(offline).expect("few")
}

async fn report(journal: &Journal, from: i64, to: i64) -> Report {
    journal.report(of(from, to), noon(100_000), &BTreeMap::new()).await.expect("a report")
}

fn of(from: i64, to: i64) -> ReportQuery {
    ReportQuery { from: noon(from).as_millisecond(), to: noon(to).as_millisecond() }
}
