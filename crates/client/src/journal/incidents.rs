//! The journal's incidents: the feed of them, what was looked at, and what was decided.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use visionguard_proto::AnomalyId;

use super::notes::{self, Noted};
use super::search::Asker;
use super::{Journal, JournalError, NOT_ASKED, cleared, decisions, feed, grouping, index, sql, undo};
use crate::model::{
    Decision, Delivery, Dispatch, Disposition, DueNote, IncidentId, IncidentRow, Judgement, Outgoing,
    OutgoingId, RowTold, There,
};
use crate::view::{BringBack, Counts, FeedPage, FeedQuery, IncidentDetail};

impl Journal {
    /// One incident.
    pub async fn incident(&self, id: IncidentId) -> Result<Option<IncidentRow>, JournalError> {
        self.read(move |connection| sql::incident(connection, id)).await
    }

    /// One incident with its newest 200 alerts, oldest first, for the page.
    pub async fn incident_detail(
        &self,
        id: IncidentId,
        camera_names: &BTreeMap<String, String>,
    ) -> Result<Option<IncidentDetail>, JournalError> {
        let camera_names = camera_names.clone();
        self.read(move |connection| feed::detail(connection, id, &camera_names)).await
    }

    /// A page of the feed: incidents in view and outages, newest beginning first.
    pub async fn feed(
        &self,
        query: FeedQuery,
        camera_names: &BTreeMap<String, String>,
    ) -> Result<FeedPage, JournalError> {
        let (asker, broke) = (self.asker(camera_names.clone()), Arc::clone(&self.index_broke));
        self.read(move |connection| feed::page(connection, &query, &asker, &broke)).await
    }

    /// Takes into the search index what it does not know yet. Whatever is searched meanwhile is found all the same, only later.
    pub async fn index(&self) -> Result<(), JournalError> {
        if self.index_broke.swap(false, Ordering::Relaxed) {
            self.write(index::begin_anew).await?;
        }
        while self.read(|connection| index::behind_by(connection, 1)).await? > 0 {
            self.write(index::take_in).await?;
        }
        Ok(())
    }

    fn asker(&self, camera_names: BTreeMap<String, String>) -> Asker {
        Asker { now: self.clock.wall(), zone: TimeZone::system(), camera_names }
    }

    /// The counters; `today` counts from `midnight`.
    pub async fn counts(&self, midnight: Timestamp) -> Result<Counts, JournalError> {
        self.read(move |connection| feed::counts(connection, midnight)).await
    }

    /// The newest incident of each camera that had one lately, at most so many, the newest first.
    pub async fn latest_of_cameras(&self, most: u32) -> Result<Vec<IncidentRow>, JournalError> {
        let which = "WHERE i.id IN (SELECT max(id) FROM (SELECT id, stream_id FROM incident \
             WHERE stream_id IS NOT NULL ORDER BY id DESC LIMIT 300) GROUP BY stream_id) ORDER BY i.id DESC LIMIT ?1";
        self.read(move |connection| sql::incidents(connection, which, [most])).await
    }

    /// Marks an incident as looked at; `None` if it is not known.
    pub async fn seen(
        &self,
        incident: IncidentId,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| {
            grouping::seen(connection, incident, at)?;
            sql::incident(connection, incident)
        })
        .await
    }

    /// Takes a handled incident out of view; `None` if it is not known. One that nobody has decided on stays in view.
    pub async fn dismiss(
        &self,
        incident: IncidentId,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| cleared::dismiss(connection, incident, at)).await
    }

    /// Takes the handled incidents out of view that a query lists, and names them. Where it lists everything, outages that are
    /// over and remarks about what stays lost go, too.
    pub async fn clear(
        &self,
        query: FeedQuery,
        camera_names: BTreeMap<String, String>,
        at: Timestamp,
    ) -> Result<Vec<IncidentId>, JournalError> {
        let asker = self.asker(camera_names);
        self.write(move |connection| cleared::clear(connection, &query, &asker, at)).await
    }

    /// Brings incidents back into view; how many those were.
    pub async fn bring_back(
        &self,
        what: BringBack,
        camera_names: BTreeMap<String, String>,
    ) -> Result<usize, JournalError> {
        let asker = self.asker(camera_names);
        self.write(move |connection| cleared::bring_back(connection, &what, &asker)).await
    }

    // ---- decisions ----

    /// From now on decisions are this account's (a person at a server), and only its own are sent or given up; those of
    /// others wait until it is theirs again.
    pub async fn belong_to(&self, account: String) -> Result<(), JournalError> {
        self.write(move |connection| decisions::belong_to(connection, &account)).await
    }

    /// Decides on an incident: each of its alerts goes to the outbox; `None` if it is not known.
    pub async fn decide(
        &self,
        incident: IncidentId,
        decision: Decision,
        note: Option<String>,
        dispatch: Dispatch,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.judge(incident, Judgement { decision, outcome: None, note, by: None, dispatch }, at).await
    }

    /// The same with all that a person may say about it.
    pub async fn judge(
        &self,
        incident: IncidentId,
        judgement: Judgement,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| decisions::decide(connection, incident, &judgement, at)).await
    }

    /// Decides on many incidents as one act: those that it says anything new about. What nobody had opened is marked so.
    pub async fn judge_each(
        &self,
        incidents: Vec<IncidentId>,
        judgement: Judgement,
        at: Timestamp,
    ) -> Result<Vec<IncidentRow>, JournalError> {
        self.write(move |connection| decisions::decide_each(connection, &incidents, &judgement, at)).await
    }

    /// Writes about an incident, and what came of it, and leaves the decision as it is. None leaves what was said before.
    pub async fn note(
        &self,
        incident: IncidentId,
        note: Option<String>,
        outcome: Option<Disposition>,
        at: Timestamp,
    ) -> Result<Noted, JournalError> {
        self.write(move |connection| notes::note(connection, incident, note.as_deref(), outcome, at)).await
    }

    /// Notes to send, those that failed least first.
    pub async fn notes_due(&self, limit: u32) -> Result<Vec<DueNote>, JournalError> {
        self.read(move |connection| notes::due(connection, limit)).await
    }

    /// This note stands there, or never will; the incident, if that was the last of its notes.
    pub async fn note_settled(
        &self,
        due: DueNote,
        there: Option<There>,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| notes::settled(connection, &due, there.as_ref())).await
    }

    /// This note could not be sent now.
    pub async fn note_later(&self, due: DueNote) -> Result<(), JournalError> {
        self.write(move |connection| notes::later(connection, &due)).await
    }

    /// Takes decisions back that were [held](Dispatch::Held), those whose time is not over.
    pub async fn undo_each(
        &self,
        incidents: Vec<IncidentId>,
        now: Timestamp,
    ) -> Result<Vec<IncidentRow>, JournalError> {
        self.write(move |connection| {
            let undone = incidents.into_iter().map(|incident| undo::undo(connection, incident, now));
            Ok(undone.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
        .await
    }

    /// Takes a decision back that was [held](Dispatch::Held); `None` where there is none, or its time is over.
    pub async fn undo(
        &self,
        incident: IncidentId,
        now: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| undo::undo(connection, incident, now)).await
    }

    /// Lets decisions go that were held for long enough; when the next will be.
    pub async fn release_held(&self, now: Timestamp) -> Result<Option<Timestamp>, JournalError> {
        self.write(move |connection| undo::release(connection, now)).await
    }

    /// Incidents whose decisions are on their way, if another program wrote to the file since this was last asked.
    pub async fn decided_beside(&self) -> Result<Vec<IncidentRow>, JournalError> {
        let seen = Arc::clone(&self.others_wrote);
        let owners = self.owners.read().await;
        let writer = owners.writer.as_ref().ok_or(JournalError::Unwritable)?;
        writer
            .alone(move |connection| {
                let version = decisions::writes_of_others(connection)?;
                let before = seen.swap(version, Ordering::SeqCst);
                if before == version || before == NOT_ASKED {
                    Ok(Vec::new())
                } else {
                    decisions::sending(connection)
                }
            })
            .await
    }

    /// Notes that the record says this anomaly was decided on `at` (by the server's clock), learnt here at `learnt_at`
    /// (by ours); the incident, if that changed it.
    pub async fn handled_elsewhere(
        &self,
        anomaly: AnomalyId,
        decision: Decision,
        at: Timestamp,
        learnt_at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        let told = decisions::handled_there(anomaly, decision, at);
        self.write(move |connection| decisions::told(connection, &told, learnt_at)).await
    }

    /// What rows of the record say, in one transaction: the incidents that this changed.
    pub async fn rows_told(
        &self,
        told: Vec<RowTold>,
        learnt_at: Timestamp,
    ) -> Result<Vec<IncidentRow>, JournalError> {
        self.write(move |connection| {
            let mut changed = Vec::new();
            for told in &told {
                changed.extend(decisions::told(connection, told, learnt_at)?);
            }
            Ok(changed)
        })
        .await
    }

    /// Decisions to send, those that failed least first, then in the order in which they were made; those whose anomaly
    /// id is not known yet wait.
    pub async fn next_to_send(&self, limit: u32) -> Result<Vec<Outgoing>, JournalError> {
        self.read(move |connection| decisions::next_to_send(connection, limit)).await
    }

    /// All decisions about the alerts of one incident that can be sent.
    pub async fn to_send_of(&self, incident: IncidentId) -> Result<Vec<Outgoing>, JournalError> {
        self.read(move |connection| decisions::to_send_of(connection, incident)).await
    }

    /// Whether a part of an incident's decision is in effect on the server.
    pub async fn has_taken_effect(&self, incident: IncidentId) -> Result<bool, JournalError> {
        self.read(move |connection| decisions::has_taken_effect(connection, incident)).await
    }

    /// When the newest alert came of those of an incident whose decision waits for the record to tell of them.
    pub async fn waits_for_rows(&self, incident: IncidentId) -> Result<Option<Timestamp>, JournalError> {
        self.read(move |connection| decisions::waits_for_rows(connection, incident)).await
    }

    /// Others settled these anomalies of an incident first: its decision goes out no further, for the reason that the
    /// sentence gives.
    pub async fn overruled(
        &self,
        incident: IncidentId,
        theirs: Vec<RowTold>,
        sentence: String,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| decisions::overruled(connection, incident, &theirs, &sentence, at)).await
    }

    /// Notes what became of one; the incident, if its handling changed. A decision replaced meanwhile is not touched.
    pub async fn sent(
        &self,
        outgoing: OutgoingId,
        delivery: Delivery,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.sent_to(outgoing, delivery, None, at).await
    }

    /// The same, with the row as it is there now.
    pub async fn sent_to(
        &self,
        outgoing: OutgoingId,
        delivery: Delivery,
        there: Option<There>,
        at: Timestamp,
    ) -> Result<Option<IncidentRow>, JournalError> {
        self.write(move |connection| decisions::sent(connection, outgoing, &delivery, there.as_ref(), at))
            .await
    }

    /// Refuses decisions made before this about alerts received before that which never got an anomaly id: the record does
    /// not have them. Call it after the record was read to its end.
    pub async fn refuse_unmatched(
        &self,
        decided_before: Timestamp,
        received_before: Timestamp,
        sentence: String,
        at: Timestamp,
    ) -> Result<Vec<IncidentRow>, JournalError> {
        self.write(move |connection| {
            decisions::refuse_unmatched(connection, decided_before, received_before, &sentence, at)
        })
        .await
    }
}
