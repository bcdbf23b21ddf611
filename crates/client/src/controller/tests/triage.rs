//! What came of an incident, notes, opening again, and many decided on as one act: as the record has it afterwards, and as
//! another computer reads it there.

use std::time::Duration;

use jiff::Timestamp;

use super::desk::{Desk, Running};
use super::server::{Server, row};
use super::{handled, incidents};
use crate::model::{Decision, Disposition, Handling, How};
use crate::view::{Event, Incident, IncidentDetail, Status};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_came_of_it_begins_the_note_and_another_computer_recognises_it() {
    let (server, desk, other) = (Server::start().await, Desk::new(), Desk::new());
    let (running, id) = with_an_alert(&server, &desk).await;

    let outcome = Some(Disposition::PoliceCalled);
    let note = Some("two men".to_owned());
    let following = running.client.decide_and_follow(&id, Decision::Resolved, outcome, note).await;
    let decided = following.expect("it is stored").outcome(PATIENCE).await;
    let notes = server.state().rows[0]["notes"].clone();
    running.quit().await;
    let theirs = other.signed_in(&server).await;
    let read = until(&theirs, "a decision out of the record", |incident| incident.outcome.is_some()).await;

    assert_eq!(decided.how, How::Recorded, "{}", decided.sentence);
    assert_eq!(notes, "Police called. two men (Handled by Fixture Owner)");
    assert_eq!((read.outcome, read.by.as_deref()), (outcome, Some("Fixture Owner")));
    let detail = detail(&theirs, &read.id).await;
    let lines: Vec<_> = detail.notes.iter().map(|note| (note.text.as_str(), note.by.as_deref())).collect();
    assert_eq!(lines, [("two men", Some("Fixture Owner"))]);
}

#[tokio::test]
async fn said_afterwards_it_takes_the_place_of_what_was_said_and_the_status_stays() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (running, id) = with_an_alert(&server, &desk).await;
    running.client.decide(&id, Decision::Resolved, Some("two men".to_owned())).await.expect("it is stored");
    handled(&running, &id, Decision::Resolved, true).await;

    running.client.note(&id, None, Some(Disposition::SentAway)).await.expect("it is stored");
    written(&server, "Sent away. two men (Handled by Fixture Owner)").await;
    let unfit =
        running.client.note(&id, None, Some(Disposition::NobodyThere)).await.expect_err("it was none");

    assert_eq!(unfit.code, "unfit_outcome");
    assert_eq!(server.state().rows[0]["status"], "resolved");
    let row = running.client.incident(&id).await.expect("the incident").incident;
    assert!(matches!(row.handling, Handling::Recorded { decision: Decision::Resolved, here: true, .. }));
}

#[tokio::test]
async fn a_note_is_written_after_those_of_others_whatever_was_decided() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (running, id) = with_an_alert(&server, &desk).await;
    // Nobody here has seen that yet.
    server.set(|state| state.rows[0]["notes"] = "I know her (Note by Ana)".into());

    running.client.note(&id, Some("a regular".to_owned()), None).await.expect("it is stored");
    written(&server, "I know her (Note by Ana)\na regular (Note by Fixture Owner)").await;
    running.client.note(&id, Some("a regular, paid".to_owned()), None).await.expect("it is stored");
    written(&server, "I know her (Note by Ana)\na regular, paid (Note by Fixture Owner)").await;

    assert_eq!(server.state().rows[0]["status"], "pending", "nobody has decided");
    let detail = detail_until(&running, &id, |detail| !detail.note_waits && !detail.notes.is_empty()).await;
    assert_eq!(
        (detail.note.as_deref(), detail.notes[0].by.as_deref()),
        (Some("a regular, paid"), Some("Ana"))
    );
}

#[tokio::test]
async fn what_is_opened_again_is_pending_there_and_open_on_another_computer() {
    let (server, desk, other) = (Server::start().await, Desk::new(), Desk::new());
    let (running, id) = with_an_alert(&server, &desk).await;
    running.client.decide(&id, Decision::FalseAlarm, None).await.expect("it is stored");
    handled(&running, &id, Decision::FalseAlarm, true).await;
    running.quit().await;
    let theirs = other.signed_in(&server).await;
    let decided = until(&theirs, "their decision", |incident| !incident.handling.is_open()).await;

    let following = theirs.client.decide_and_follow(&decided.id, Decision::Reopened, None, None).await;
    let reopened = following.expect("it is stored").outcome(PATIENCE).await;
    theirs.quit().await;
    let running = desk.start();
    let open = until(&running, "it is open again", |incident| incident.handling.is_open()).await;

    assert_eq!(reopened.how, How::Recorded, "{}", reopened.sentence);
    assert_eq!(server.state().rows[0]["status"], "pending");
    assert!(matches!(open.handling, Handling::Reopened { here: false, .. }), "{:?}", open.handling);
    assert_eq!((open.id, running.client.snapshot().await.counts.unhandled), (id, 1));
}

#[tokio::test]
async fn what_somebody_settled_since_is_not_opened_again_by_who_did_not_see_it() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (running, id) = with_an_alert(&server, &desk).await;
    running.client.decide(&id, Decision::Acknowledged, None).await.expect("it is stored");
    handled(&running, &id, Decision::Acknowledged, true).await;

    server.set(|state| state.rows[0]["status"] = "resolved".into());
    let following = running.client.decide_and_follow(&id, Decision::Reopened, None, None).await;
    let answer = following.expect("it is stored").outcome(PATIENCE).await;

    assert_eq!(answer.how, How::Overruled, "{}", answer.sentence);
    assert_eq!(server.state().rows[0]["status"], "resolved");
    handled(&running, &id, Decision::Resolved, false).await;
}

#[tokio::test]
async fn what_a_colleague_decided_after_us_is_opened_again_by_who_saw_it() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (running, id) = with_an_alert(&server, &desk).await;
    running.client.decide(&id, Decision::Acknowledged, None).await.expect("it is stored");
    handled(&running, &id, Decision::Acknowledged, true).await;

    server.set(|state| state.rows[0]["status"] = "resolved".into());
    handled(&running, &id, Decision::Resolved, false).await;
    let following = running.client.decide_and_follow(&id, Decision::Reopened, None, None).await;
    let answer = following.expect("it is stored").outcome(PATIENCE).await;

    assert_eq!(answer.how, How::Recorded, "{}", answer.sentence);
    assert_eq!(server.state().rows[0]["status"], "pending");
}

#[tokio::test]
async fn what_a_colleague_decided_after_one_of_them_opened_it_again_is_not_overwritten() {
    let server = Server::start().await;
    let desk = Desk::new();
    let (running, id) = with_an_alert(&server, &desk).await;
    running.client.decide(&id, Decision::Resolved, None).await.expect("it is stored");
    handled(&running, &id, Decision::Resolved, true).await;
    let later = (Timestamp::now() + Duration::from_secs(60)).to_string();
    server.set(|state| {
        state.rows[0]["status"] = "pending".into();
        state.rows[0]["updated_at"] = later.into();
    });
    until(&running, "it is open again", |incident| incident.handling.is_open()).await;

    // Nobody here has seen that yet.
    server.set(|state| state.rows[0]["status"] = "resolved".into());
    let following = running.client.decide_and_follow(&id, Decision::FalseAlarm, None, None).await;
    let answer = following.expect("it is stored").outcome(PATIENCE).await;

    assert_eq!(answer.how, How::Overruled, "{}", answer.sentence);
    assert_eq!(server.state().rows[0]["status"], "resolved");
}

#[tokio::test]
async fn many_are_decided_and_taken_back_as_one_act_and_the_page_is_told_in_the_answer() {
    let server = Server::start().await;
    let desk = Desk::new();
    let running = desk.signed_in(&server).await;
    running.status(Status::Protected, "protected").await;
    server.set(|state| {
        state.rows.extend((0..30).rev().map(|n| row(&format!("a-{n}"), n, Timestamp::now())));
    });
    let ids = all(&running, 30).await;
    running.client.seen(&ids[0]);
    running.client.window(true);

    let decided =
        running.client.decide_each_for_now(ids.clone(), Decision::Resolved).await.expect("it is stored");
    let again = running.client.decide_each_for_now(ids.clone(), Decision::Acknowledged).await.expect("asked");
    let undone = running.client.undo_each(ids.clone()).await.expect("in time");
    // What the record brought is told with the first of them; after that there is nothing but the counters.
    let counted = async {
        let is_counted = |event: &Event| matches!(event, Event::Counted { .. });
        while !running.told().events.iter().any(is_counted) {
            running.client.decide_each_for_now(ids.clone(), Decision::Resolved).await.expect("it is stored");
            running.client.undo_each(ids.clone()).await.expect("in time");
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.expect("the counters alone");
    let late = running.client.undo_each(ids.clone()).await.expect_err("once");

    let unopened = decided.iter().filter(|incident| incident.unopened).count();
    assert_eq!((decided.len(), unopened), (30, 29));
    assert_eq!((again.len(), undone.len(), late.code.as_str()), (0, 30, "too_late"));
    assert!(undone.iter().all(|incident| incident.handling == Handling::Open));
    assert!(server.state().patches.is_empty(), "nothing was sent");
}

/// A client on this desk with one alert, which the record has, and its incident's id.
async fn with_an_alert(server: &Server, desk: &Desk) -> (Running, String) {
    let running = desk.signed_in(server).await;
    running.status(Status::Protected, "protected").await;
    server.set(|state| state.rows.insert(0, row("a-1", 7, Timestamp::now())));
    let id = running.notification(0).await.id;
    (running, id)
}

async fn written(server: &Server, notes: &str) {
    server.until(notes, |state| (state.rows[0]["notes"] == notes).then_some(())).await;
}

/// The ids of all incidents, once there are so many.
async fn all(running: &Running, wanted: usize) -> Vec<String> {
    let waiting = async {
        loop {
            let found = incidents(running).await;
            if found.len() == wanted {
                return found.into_iter().map(|incident| incident.id).collect();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("all incidents")
}

async fn until(running: &Running, what: &str, is: impl Fn(&Incident) -> bool) -> Incident {
    let waiting = async {
        loop {
            if let Some(found) = incidents(running).await.into_iter().find(&is) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect(what)
}

async fn detail(running: &Running, id: &str) -> IncidentDetail {
    running.client.incident(id).await.expect("the incident")
}

async fn detail_until(running: &Running, id: &str, is: impl Fn(&IncidentDetail) -> bool) -> IncidentDetail {
    let waiting = async {
        loop {
            let found = detail(running, id).await;
            if is(&found) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the incident as it is to be")
}
