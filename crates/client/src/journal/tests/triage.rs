//! What came of an incident, notes, opening again, and many decided on as one act.

use std::collections::BTreeMap;

use jiff::Timestamp;
use visionguard_proto::AnomalyId;

use super::super::Noted;
use super::{World, detection, no_names, noon};
use crate::model::{
    Decision, Delivery, Dispatch, Disposition, Handling, IncidentId, IncidentRow, Judgement, RowTold, There,
};
use crate::view::{FeedFilter, FeedItem, FeedPage, FeedQuery, IncidentDetail, ReportQuery, Who};

#[tokio::test]
async fn what_came_of_it_is_kept_over_a_restart_and_sent_with_the_decision() {
    let world = World::new();
    let incident = told(&world, 0).await;

    let judged = judge(&world, incident, Decision::Resolved, Some(Disposition::PoliceCalled), 10).await;
    let world = world.reopen().await;

    let outgoing = world.journal.next_to_send(10).await.expect("outbox");
    assert_eq!(judged.outcome, Some(Disposition::PoliceCalled));
    assert_eq!(row(&world, incident).await.outcome, Some(Disposition::PoliceCalled));
    assert_eq!(outgoing[0].outcome, Some(Disposition::PoliceCalled));
}

#[tokio::test]
async fn of_another_decision_nothing_is_known_to_have_come() {
    let world = World::new();
    let incident = told(&world, 0).await;
    judge(&world, incident, Decision::Resolved, Some(Disposition::SentAway), 10).await;

    let again = judge(&world, incident, Decision::Resolved, None, 11).await;
    let other = judge(&world, incident, Decision::FalseAlarm, None, 12).await;

    assert_eq!((again.outcome, other.outcome), (Some(Disposition::SentAway), None));
}

#[tokio::test]
async fn said_afterwards_it_changes_no_decision_and_goes_out_by_itself() {
    let world = World::new();
    let incident = recorded(&world, Decision::Resolved).await;
    let before = row(&world, incident).await.handling;

    let unfit =
        world.journal.note(incident, None, Some(Disposition::NobodyThere), noon(20)).await.expect("asked");
    let note = Some("Report 4711".to_owned());
    world
        .journal
        .note(incident, note.clone(), Some(Disposition::PoliceCalled), noon(21))
        .await
        .expect("noted");
    let world = world.reopen().await;

    let due = world.journal.notes_due(10).await.expect("due");
    assert_eq!(unfit, Noted::Unfit);
    assert_eq!(row(&world, incident).await.handling, before);
    assert_eq!((due.len(), &due[0].note, due[0].outcome), (1, &note, Some(Disposition::PoliceCalled)));
    assert_eq!(due[0].decided, Some(Decision::Resolved));
    assert_eq!(world.journal.next_to_send(10).await.expect("outbox"), []);
    assert!(detail(&world, incident).await.note_waits);

    world.journal.note_settled(due[0].clone(), None).await.expect("settled").expect("the last");

    assert_eq!(world.journal.notes_due(10).await.expect("due"), []);
    assert!(!detail(&world, incident).await.note_waits);
}

#[tokio::test]
async fn a_note_that_was_written_anew_while_it_was_sent_is_sent_again() {
    let world = World::new();
    let incident = told(&world, 0).await;
    world.journal.note(incident, Some("one".into()), None, noon(1)).await.expect("noted");
    let due = world.journal.notes_due(10).await.expect("due").remove(0);
    world.journal.note(incident, Some("two".into()), None, noon(2)).await.expect("noted");

    let settled = world.journal.note_settled(due, None).await.expect("settled");

    assert_eq!(settled, None);
    let due = world.journal.notes_due(10).await.expect("due");
    assert_eq!(due[0].note.as_deref(), Some("two"));
    assert_eq!(due[0].decided, None, "nobody has decided");
}

#[tokio::test]
async fn a_note_waits_for_the_decision_and_stays_where_that_is_undone() {
    let world = World::new();
    let incident = told(&world, 0).await;
    let judgement = held(Decision::Resolved, Some(Disposition::SentAway));
    world.journal.judge(incident, judgement, noon(10)).await.expect("decided");
    world.journal.note(incident, Some("a regular".into()), None, noon(12)).await.expect("noted");
    let early = world.journal.notes_due(10).await.expect("due");

    world.journal.undo(incident, noon(15)).await.expect("asked").expect("in time");

    let detail = detail(&world, incident).await;
    assert_eq!(early, []);
    assert_eq!((detail.note.as_deref(), detail.incident.outcome), (Some("a regular"), None));
    assert_eq!(world.journal.notes_due(10).await.expect("due").len(), 1);
}

#[tokio::test]
async fn nothing_is_due_of_what_was_said_of_a_decision_that_is_undone() {
    let world = World::new();
    let incident = told(&world, 0).await;
    world.journal.judge(incident, held(Decision::Resolved, None), noon(10)).await.expect("decided");
    world.journal.note(incident, None, Some(Disposition::SentAway), noon(12)).await.expect("noted");

    world.journal.undo(incident, noon(15)).await.expect("asked").expect("in time");

    assert_eq!(world.journal.notes_due(10).await.expect("due"), []);
    assert!(!detail(&world, incident).await.note_waits);
}

#[tokio::test]
async fn who_writes_about_another_s_decision_does_not_sign_it() {
    let world = World::new();
    world.journal.belong_to("ben at here".to_owned()).await.expect("noted");
    let incident = recorded(&world, Decision::Acknowledged).await;

    world.journal.belong_to("ana at here".to_owned()).await.expect("noted");
    world.journal.note(incident, Some("a regular".into()), None, noon(20)).await.expect("noted");

    let due = world.journal.notes_due(10).await.expect("due");
    assert_eq!((due.len(), due[0].decided, &due[0].our_note), (1, None, &None));
}

#[tokio::test]
async fn opened_again_it_is_not_handled_and_the_server_is_told_of_each_alert() {
    let world = World::new();
    let incident = recorded(&world, Decision::Resolved).await;
    world.journal.dismiss(incident, noon(15)).await.expect("dismissed");

    let reopened = judge(&world, incident, Decision::Reopened, None, 20).await;
    let outgoing = world.journal.next_to_send(10).await.expect("outbox");
    let counts = world.journal.counts(noon(0)).await.expect("counted");

    assert!(
        matches!(reopened.handling, Handling::Reopened { here: true, sent: false, .. }),
        "{:?}",
        reopened.handling
    );
    assert!(reopened.is_open());
    assert_eq!((counts.unhandled, counts.cleared), (1, 0), "and it is in view");
    assert_eq!(listed(&world).await, [incident]);
    assert_eq!((outgoing[0].decision, outgoing[0].ours), (Decision::Reopened, Some(Decision::Resolved)));

    let sent = world
        .journal
        .sent(outgoing[0].id, Delivery::Recorded, noon(21))
        .await
        .expect("noted")
        .expect("changed");

    assert!(matches!(sent.handling, Handling::Reopened { sent: true, .. }), "{:?}", sent.handling);
    world.tell(detection("stream-0", 1, 60).seen_with_id(), 40).await;
    let later = world.tell(detection("stream-0", 1, 90).seen_with_id(), 90).await.entry().incident.id;
    assert_eq!((later, world.journal.next_to_send(10).await.expect("outbox")), (incident, Vec::new()));
    let again = judge(&world, incident, Decision::FalseAlarm, None, 95).await;
    assert!(matches!(again.handling, Handling::Sending { decision: Decision::FalseAlarm, .. }));
}

#[tokio::test]
async fn what_is_opened_again_counts_as_open_in_every_figure_until_somebody_decides_once_more() {
    let world = World::new();
    let incident = recorded(&world, Decision::Acknowledged).await;
    let alert = world.journal.alerts(1).await.expect("read").remove(0).alert.id;
    world.journal.mark_notified(alert, noon(2)).await.expect("marked");
    let before = figures(&world).await;

    judge(&world, incident, Decision::Reopened, None, 20).await;
    let open = figures(&world).await;
    let outgoing = world.journal.next_to_send(10).await.expect("outbox");
    world.journal.sent(outgoing[0].id, Delivery::Recorded, noon(21)).await.expect("noted");
    let told = figures(&world).await;
    let anomaly = detection("stream-0", 1, 30).anomaly_id();
    let theirs = tell(&world, there(&anomaly, Some(Decision::FalseAlarm), 30)).await;
    let decided = figures(&world).await;

    let of = |unhandled, by_me, waiting, repeated| Figures { unhandled, by_me, waiting, repeated, ..before };
    assert_eq!(before, Figures { acknowledged: 1, ..of(0, 1, 1, 0) });
    let again = Figures { acknowledged: 0, reopened: 1, ..of(1, 0, 0, 1) };
    assert_eq!((open, told), (again, again));
    assert_eq!(theirs.len(), 1);
    assert_eq!(decided, Figures { acknowledged: 0, false_alarms: 1, ..of(0, 0, 0, 0) });
}

#[tokio::test]
async fn who_comes_back_is_told_what_somebody_else_opened_again_and_is_open() {
    let world = World::new();
    let anomaly = detection("stream-0", 1, 30).anomaly_id();
    let incident = told(&world, 0).await;
    tell(&world, there(&anomaly, Some(Decision::Resolved), 10)).await;
    let since = async |second| world.journal.handover(noon(second), noon(300)).await.expect("told");
    tell(&world, there(&anomaly, None, 20)).await;

    let reopened = since(90).await;
    let later = since(200).await;
    judge(&world, incident, Decision::Resolved, None, 110).await;
    let decided = since(90).await;

    assert_eq!((reopened.incidents, reopened.decided_elsewhere, reopened.reopened_elsewhere), (0, 0, 1));
    assert!(!reopened.is_empty() && later.is_empty() && decided.is_empty(), "{decided:?}");
}

#[tokio::test]
async fn what_others_wrote_and_what_came_of_it_is_found_as_it_is_now() {
    let world = World::new();
    let incident = told(&world, 0).await;
    told(&world, 1).await;
    let anomaly = detection("stream-0", 1, 30).anomaly_id();
    world.journal.index().await.expect("taken in");
    let search = async |words: &str| {
        let query = FeedQuery { search: words.to_owned(), ..FeedQuery::default() };
        ids(world.journal.feed(query, &no_names()).await.expect("read"))
    };
    let written = |notes: &str, second| {
        let there = There { changed_at: Some(noon(second)), notes: Some(notes.to_owned()), our_note: None };
        RowTold { there, ..self::there(&anomaly, None, second) }
    };

    tell(&world, written("the red umbrella (Note by Ana)", 5)).await;
    judge(&world, incident, Decision::Resolved, Some(Disposition::PoliceCalled), 10).await;
    let at_once = (search("umbrella").await, search("police").await);
    world.journal.index().await.expect("taken in");
    let indexed = (search("umbrella").await, search("police").await);
    tell(&world, written("the blue one (Note by Ana)", 15)).await;
    judge(&world, incident, Decision::Reopened, None, 20).await;
    world.journal.index().await.expect("taken in");

    let found = (vec![incident], vec![incident]);
    assert_eq!((at_once, indexed), (found.clone(), found));
    assert_eq!((search("umbrella").await, search("police").await), (Vec::new(), Vec::new()));
    assert_eq!(search("blue").await, [incident]);
}

#[tokio::test]
async fn what_is_open_is_not_opened_again_and_opening_can_be_undone() {
    let world = World::new();
    let open = told(&world, 0).await;
    let untouched = world.journal.judge(open, held(Decision::Reopened, None), noon(1)).await.expect("asked");
    let incident = recorded(&world, Decision::FalseAlarm).await;
    let before = row(&world, incident).await;

    let reopened =
        world.journal.judge(incident, held(Decision::Reopened, None), noon(20)).await.expect("decided");
    let early = world.journal.next_to_send(10).await.expect("outbox");
    let undone = world.journal.undo(incident, noon(25)).await.expect("asked").expect("in time");

    assert_eq!(untouched.expect("known").handling, Handling::Open);
    assert!(matches!(reopened.expect("known").handling, Handling::Reopened { undo_until: Some(_), .. }));
    assert_eq!(early, []);
    assert_eq!(undone.handling, before.handling);
    world.journal.release_held(noon(60)).await.expect("looked");
    assert_eq!(world.journal.next_to_send(10).await.expect("outbox"), []);
}

#[tokio::test]
async fn what_was_read_before_it_was_opened_again_does_not_close_it() {
    let world = World::new();
    let anomaly = detection("stream-0", 1, 30).anomaly_id();
    let incident = recorded(&world, Decision::Resolved).await;
    judge(&world, incident, Decision::Reopened, None, 20).await;
    let on_its_way = tell(&world, there(&anomaly, Some(Decision::Resolved), 12)).await;
    let outgoing = world.journal.next_to_send(10).await.expect("outbox");
    let written = There { changed_at: Some(noon(21)), notes: None, our_note: None };
    world.journal.sent_to(outgoing[0].id, Delivery::Recorded, Some(written), noon(22)).await.expect("noted");

    let stale = tell(&world, there(&anomaly, Some(Decision::Resolved), 12)).await;
    let open = row(&world, incident).await.is_open();
    let fresh = tell(&world, there(&anomaly, Some(Decision::FalseAlarm), 30)).await;

    assert_eq!((on_its_way.len(), stale.len(), open), (0, 0, true));
    assert!(matches!(
        fresh[0].handling,
        Handling::Recorded { decision: Decision::FalseAlarm, here: false, .. }
    ));
}

#[tokio::test]
async fn what_a_colleague_opened_again_is_open_here_and_what_is_merely_older_is_not() {
    let world = World::new();
    let anomaly = detection("stream-0", 1, 30).anomaly_id();
    let incident = told(&world, 0).await;
    let first = tell(&world, there(&anomaly, Some(Decision::Resolved), 10)).await;
    let older = tell(&world, there(&anomaly, None, 5)).await;
    let same = tell(&world, there(&anomaly, None, 10)).await;
    let handled = row(&world, incident).await.handling;

    let notes = Some("Opened again by Ana".to_owned());
    let told = RowTold { by: Some("Ana".into()), ..there(&anomaly, None, 20) };
    let reopened = tell(&world, RowTold { there: There { notes, ..told.there.clone() }, ..told }).await;

    assert_eq!((first.len(), older.len(), same.len()), (1, 0, 0));
    assert!(matches!(handled, Handling::Recorded { .. }));
    assert!(matches!(reopened[0].handling, Handling::Reopened { here: false, sent: true, .. }));
    assert_eq!(reopened[0].by.as_deref(), Some("Ana"));
    assert_eq!(world.journal.counts(noon(0)).await.expect("counted").unhandled, 1);
}

#[tokio::test]
async fn a_row_that_was_pending_all_along_opens_nothing() {
    let world = World::new();
    let incident = told(&world, 0).await;
    let anomaly = detection("stream-0", 1, 30).anomaly_id();
    tell(&world, there(&anomaly, None, 5)).await;
    judge(&world, incident, Decision::Acknowledged, None, 10).await;

    let on_its_way = tell(&world, there(&anomaly, None, 11)).await;

    assert_eq!(on_its_way, []);
    assert!(matches!(row(&world, incident).await.handling, Handling::Sending { .. }));
}

#[tokio::test]
async fn a_colleague_s_name_outcome_and_note_are_known_and_their_own_lines_stay_theirs() {
    let world = World::new();
    let incident = told(&world, 0).await;
    let anomaly = detection("stream-0", 1, 30).anomaly_id();
    let notes = "Police called. Two men (Handled by Ana)\nseen on camera 2";
    let told = RowTold {
        outcome: Some(Disposition::PoliceCalled),
        by: Some("Ana".to_owned()),
        there: There { changed_at: Some(noon(10)), notes: Some(notes.to_owned()), our_note: None },
        ..there(&anomaly, Some(Decision::Resolved), 10)
    };

    tell(&world, told).await;

    let detail = detail(&world, incident).await;
    let lines: Vec<_> = detail.notes.iter().map(|note| (note.text.as_str(), note.by.as_deref())).collect();
    assert_eq!(
        (detail.incident.by.as_deref(), detail.incident.outcome),
        (Some("Ana"), Some(Disposition::PoliceCalled))
    );
    assert_eq!(lines, [("Two men", Some("Ana")), ("seen on camera 2", None)]);
}

#[tokio::test]
async fn the_decision_of_who_was_signed_in_before_is_theirs_by_name() {
    let world = World::new();
    world.journal.belong_to("ana at here".to_owned()).await.expect("noted");
    let incident = told(&world, 0).await;
    let judgement = Judgement { by: Some("Ana".into()), ..at_once(Decision::Acknowledged, None) };
    let own = world.journal.judge(incident, judgement, noon(1)).await.expect("decided").expect("known");

    world.journal.belong_to("ben at here".to_owned()).await.expect("noted");

    assert_eq!((own.by, row(&world, incident).await.by.as_deref()), (None, Some("Ana")));
}

#[tokio::test]
async fn many_are_decided_as_one_act_and_what_nobody_had_opened_says_so() {
    let world = World::new();
    let [opened, unopened, resolved] = [told(&world, 0).await, told(&world, 1).await, told(&world, 2).await];
    world.journal.seen(opened, noon(5)).await.expect("seen");
    let before = judge(&world, resolved, Decision::Resolved, None, 6).await;
    let unknown = "4711".parse().expect("an id");
    let all = vec![opened, unopened, resolved, unknown];

    let decided = world
        .journal
        .judge_each(all.clone(), held(Decision::FalseAlarm, None), noon(10))
        .await
        .expect("decided");

    let said: Vec<_> = decided.iter().map(|row| (row.id, row.unopened)).collect();
    assert_eq!(said, [(opened, false), (unopened, true)]);
    assert_eq!(row(&world, resolved).await.handling, before.handling, "what is decided stays");
    let world = world.reopen().await;
    assert!(row(&world, unopened).await.unopened);

    let undone = world.journal.undo_each(all, noon(15)).await.expect("undone");

    let back: Vec<_> =
        undone.iter().map(|row| (row.id, row.handling.clone(), row.seen_at.is_some())).collect();
    assert_eq!(back, [(opened, Handling::Open, true), (unopened, Handling::Open, false)]);
}

#[tokio::test]
async fn opened_afterwards_the_decision_was_made_unopened_all_the_same() {
    let world = World::new();
    let incident = told(&world, 0).await;
    let each = |judgement, second| world.journal.judge_each(vec![incident], judgement, noon(second));
    each(at_once(Decision::Acknowledged, None), 10).await.expect("decided");
    world.journal.seen(incident, noon(20)).await.expect("seen");
    let after = row(&world, incident).await.unopened;

    let outgoing = world.journal.next_to_send(10).await.expect("outbox");
    world.journal.sent(outgoing[0].id, Delivery::Recorded, noon(21)).await.expect("noted");
    let again = each(at_once(Decision::Resolved, None), 30).await.expect("decided");

    assert!(after);
    assert!(!again[0].unopened, "it was opened before it was resolved");
}

async fn told(world: &World, stream: i64) -> IncidentId {
    let told = world.tell(detection(&format!("stream-{stream}"), 1, 30).seen_with_id(), stream).await;
    told.entry().incident.id
}

/// One that was decided on, and the server has it.
async fn recorded(world: &World, decision: Decision) -> IncidentId {
    let incident = told(world, 0).await;
    judge(world, incident, decision, None, 10).await;
    let outgoing = world.journal.next_to_send(10).await.expect("outbox");
    world.journal.sent(outgoing[0].id, Delivery::Recorded, noon(11)).await.expect("noted");
    incident
}

async fn judge(
    world: &World,
    incident: IncidentId,
    decision: Decision,
    outcome: Option<Disposition>,
    second: i64,
) -> IncidentRow {
    let judged = world.journal.judge(incident, at_once(decision, outcome), noon(second)).await;
    judged.expect("decided").expect("known")
}

fn at_once(decision: Decision, outcome: Option<Disposition>) -> Judgement {
    Judgement { decision, outcome, note: None, by: None, dispatch: Dispatch::AtOnce }
}

fn held(decision: Decision, outcome: Option<Disposition>) -> Judgement {
    Judgement { dispatch: Dispatch::Held, ..at_once(decision, outcome) }
}

async fn tell(world: &World, told: RowTold) -> Vec<IncidentRow> {
    world.journal.rows_told(vec![told], noon(100)).await.expect("told")
}

/// A row of the record as it was changed then.
fn there(anomaly: &AnomalyId, decision: Option<Decision>, second: i64) -> RowTold {
    let changed_at: Option<Timestamp> = Some(noon(second));
    let there = There { changed_at, notes: None, our_note: None };
    RowTold { anomaly: anomaly.clone(), decision, at: noon(second), outcome: None, by: None, there }
}

async fn row(world: &World, incident: IncidentId) -> IncidentRow {
    world.journal.incident(incident).await.expect("read").expect("known")
}

async fn detail(world: &World, incident: IncidentId) -> IncidentDetail {
    world.journal.incident_detail(incident, &BTreeMap::new()).await.expect("read").expect("known")
}

async fn listed(world: &World) -> Vec<IncidentId> {
    let query = FeedQuery { filter: FeedFilter::Unhandled, ..FeedQuery::default() };
    ids(world.journal.feed(query, &no_names()).await.expect("read"))
}

fn ids(page: FeedPage) -> Vec<IncidentId> {
    let id = |item| match item {
        FeedItem::Incident(incident) => incident.id.parse().expect("an id"),
        FeedItem::Outage { .. } => panic!("there is none"),
    };
    page.items.into_iter().map(id).collect()
}

/// What is told of one incident wherever it is counted or listed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Figures {
    unhandled: u32,
    acknowledged: usize,
    false_alarms: u32,
    reopened: usize,
    by_me: usize,
    waiting: usize,
    repeated: usize,
}

async fn figures(world: &World) -> Figures {
    let journal = &world.journal;
    let counts = journal.counts(noon(0)).await.expect("counted");
    let time = ReportQuery { from: noon(-60).as_millisecond(), to: noon(600).as_millisecond() };
    let report = journal.report(time, noon(600), &no_names()).await.expect("a report");
    let total = report.activity.total;
    let handover = journal.handover(noon(-1), noon(600)).await.expect("told");
    assert_eq!((total.incidents, handover.incidents), (1, 1));
    assert_eq!((total.open, handover.unhandled), (counts.unhandled, counts.unhandled));
    let listed = async |query| journal.feed(query, &no_names()).await.expect("read").items.len();
    let all = FeedQuery::default;
    Figures {
        unhandled: counts.unhandled,
        acknowledged: listed(FeedQuery { decision: Some(Decision::Acknowledged), ..all() }).await,
        false_alarms: total.false_alarms,
        reopened: listed(FeedQuery { decision: Some(Decision::Reopened), ..all() }).await,
        by_me: listed(FeedQuery { who: Some(Who::Me), ..all() }).await,
        waiting: journal.acknowledged_since(noon(0), "ana".to_owned()).await.expect("read").len(),
        repeated: journal.unhandled_since(noon(-60)).await.expect("read").len(),
    }
}
