//! What a person decides: durable with the click, on the server as soon as it can be.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use visionguard_proto::record::{Row, Status};
use visionguard_proto::{AnomalyId, Moment};

use crate::api::{Api, ApiError};
use crate::clock::Clock;
use crate::controller::Controller;
use crate::controller::session::problem;
use crate::controller::ticks::{Due, Reply, Tick};
use crate::journal::{Journal, JournalError};
use crate::model::{
    Decided, Decision, Delivery, How, IncidentId, IncidentRow, Judgement, Outgoing, There, UNDO_WITHIN,
};
use crate::notes::{self, Signature};
use crate::outbox::{self, Step};
use crate::view::{Problem, SessionView};
use crate::words::{self, text};

/// Decisions sent in one go.
const AT_ONCE: u32 = 50;
/// The server writes an alert's row at the moment it sends its message; one that came so long ago has none.
const WRITTEN_WITHIN: Duration = Duration::from_secs(15);
/// After it, that time is over by any reckoning.
const A_MOMENT: Duration = Duration::from_millis(100);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Decisions on their way.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    due: Due,
    /// When the next decision can no longer be taken back.
    held: Due,
    sending: bool,
    failures: u32,
    ours: Ours,
    /// When to look for decisions that another program wrote into the journal.
    beside: Due,
    looking: bool,
    /// When an alert that has no row yet will never have one.
    rows: Due,
    /// Who waits to learn what became of a decision.
    waiting: Vec<Waiting>,
}

/// The statuses that this program put on the server's rows: a change of mind is no conflict.
type Ours = HashMap<AnomalyId, Status>;

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(super) changed: Vec<IncidentRow>,
    /// What only the record could tell of what became of a decision.
    said: Vec<(IncidentId, Decided)>,
    ours: Ours,
    pub(super) any: bool,
    /// When the next decision can no longer be taken back, and is sent.
    held_until: Option<Timestamp>,
    pub(super) api: Option<ApiError>,
    pub(super) journal: Option<JournalError>,
}

impl Outbox {
    /// `answered` says whether the server answers requests, as far as is known.
    pub(crate) fn due(&self, answered: bool) -> Option<Moment> {
        let to_send = self.due.at().filter(|_| answered && !self.sending);
        [to_send, self.rows.at(), self.held.at()].into_iter().flatten().min()
    }

    /// When to look for decisions of other programs.
    pub(crate) fn look_due(&self) -> Option<Moment> {
        self.beside.at().filter(|_| !self.looking)
    }

    /// Answers those who wait for this incident, whose decision was taken back.
    pub(super) fn tell_undone(&mut self, incident: IncidentId) {
        let sentence = text("problem.decision_undone", &[]);
        self.tell(incident, |_| Some(Decided { how: How::Replaced, sentence: sentence.clone() }));
    }

    /// Answers those who wait for this incident, as far as there is an answer to their decision.
    fn tell(&mut self, incident: IncidentId, answer: impl Fn(Decision) -> Option<Decided>) {
        let waiting = std::mem::take(&mut self.waiting);
        for waiting in waiting {
            let answer = (waiting.incident == incident).then(|| answer(waiting.decision)).flatten();
            match answer {
                Some(answer) => drop(waiting.reply.send(answer)),
                None if waiting.reply.is_closed() => {}
                None => self.waiting.push(waiting),
            }
        }
    }
}

impl Controller {
    pub(crate) fn decide(
        &mut self,
        incident: &str,
        judgement: Judgement,
        reply: Option<Reply<DecisionKept>>,
    ) {
        let decision = judgement.decision;
        let fits = judgement.outcome.is_none_or(|outcome| outcome.of() == decision);
        let incident = incident.parse::<IncidentId>().ok().filter(|_| fits);
        let Some(incident) = incident else {
            if let Some(reply) = reply {
                let _ = reply.send(Err(if fits { unknown_incident() } else { unfit() }));
            }
            return;
        };
        let journal = self.journal.clone();
        let at = self.wall();
        let (account, judgement) = self.by_whom(judgement);
        self.spawn(async move {
            if let Some(account) = account
                && let Err(error) = journal.belong_to(account).await
            {
                return Tick::Decided { decision, result: Err(error), reply };
            }
            let result = journal.judge(incident, judgement, at).await;
            Tick::Decided { decision, result, reply }
        });
    }

    /// What is decided on leaves the screen.
    pub(super) fn put_away_decided(&mut self, incident: &IncidentRow) {
        if !incident.is_open() {
            self.put_away(incident.id);
        }
    }

    /// Whose it is that is decided now, and by what name.
    pub(super) fn by_whom(&self, judgement: Judgement) -> (Option<String>, Judgement) {
        let session = self.account.session();
        let by = session.as_ref().map(|session| words::plain_name(&session.name));
        let by = by.filter(|name| !name.is_empty());
        (session.as_ref().map(account_of), Judgement { note: written(judgement.note), by, ..judgement })
    }

    pub(crate) fn decided(
        &mut self,
        decision: Decision,
        result: Result<Option<IncidentRow>, JournalError>,
        reply: Option<Reply<DecisionKept>>,
    ) {
        let answer = match result {
            Ok(Some(incident)) => {
                self.put_away_decided(&incident);
                let (told, outcome) = oneshot::channel();
                self.outbox.waiting.push(Waiting { incident: incident.id, decision, reply: told });
                self.incident_changed(&incident);
                self.send_soon();
                self.ask_for_rows(incident.id);
                Ok(outcome)
            }
            Ok(None) => Err(unknown_incident()),
            Err(error) => {
                self.journal_failed(&error);
                Err(not_stored())
            }
        };
        if let Some(reply) = reply {
            let _ = reply.send(answer);
        }
    }

    pub(crate) fn undo(&self, incident: &str, reply: Reply<Result<(), Problem>>) {
        let Ok(incident) = incident.parse::<IncidentId>() else {
            let _ = reply.send(Err(unknown_incident()));
            return;
        };
        let journal = self.journal.clone();
        let now = self.wall();
        self.spawn(async move { Tick::Undone(journal.undo(incident, now).await, reply) });
    }

    pub(crate) fn undone(
        &mut self,
        result: Result<Option<IncidentRow>, JournalError>,
        reply: Reply<Result<(), Problem>>,
    ) {
        let answer = match self.written(result) {
            Ok(Some(incident)) => {
                self.outbox.tell_undone(incident.id);
                self.incident_changed(&incident);
                Ok(())
            }
            Ok(None) => Err(Controller::too_late()),
            Err(problem) => Err(problem),
        };
        let _ = reply.send(answer);
    }

    pub(super) fn too_late() -> Problem {
        problem("too_late", text("problem.too_late", &[]))
    }

    /// What was decided about may have no row yet.
    pub(super) fn ask_for_rows(&self, incident: IncidentId) {
        let (journal, ticks) = (self.journal.clone(), self.ticks.clone());
        self.tasks.spawn(async move {
            if let Ok(Some(received_at)) = journal.waits_for_rows(incident).await {
                let _ = ticks.send(Tick::LookForRows(received_at));
            }
        });
    }

    /// The record is asked at once, and again when a row that it does not have then will never come.
    pub(crate) fn look_for_rows(&mut self, received_at: Timestamp) {
        let written_by = received_at.checked_add(WRITTEN_WITHIN).unwrap_or(Timestamp::MAX);
        let wait = Duration::try_from(written_by.duration_since(self.wall())).unwrap_or_default();
        self.outbox.rows.by(self.now() + wait.min(WRITTEN_WITHIN) + A_MOMENT);
        self.reconcile_soon();
    }

    pub(crate) fn send_soon(&mut self) {
        let now = self.now();
        self.outbox.due.by(now);
        self.decisions_time(now);
    }

    /// The same for what a message made ready to be sent; a server that failed is left alone until its time comes.
    pub(super) fn send_along(&mut self) {
        if self.outbox.failures == 0 {
            self.send_soon();
        }
    }

    /// The command line decides while this program runs.
    fn look_beside(&mut self, now: Moment) {
        if self.outbox.looking || self.outbox.beside.at().is_some_and(|at| at > now) {
            return;
        }
        self.outbox.beside.set(now + self.pace.retry_every);
        self.outbox.looking = true;
        let journal = self.journal.clone();
        self.spawn(async move { Tick::DecidedBeside(journal.decided_beside().await) });
    }

    pub(crate) fn decided_beside(&mut self, found: Result<Vec<IncidentRow>, JournalError>) {
        self.outbox.looking = false;
        match found {
            Ok(incidents) if incidents.is_empty() => {}
            Ok(incidents) => {
                for incident in incidents {
                    self.put_away_decided(&incident);
                    self.incident_changed(&incident);
                    self.ask_for_rows(incident.id);
                }
                self.send_soon();
            }
            Err(error) => tracing::debug!(%error, "cannot look for decisions of other programs"),
        }
    }

    pub(crate) fn decisions_time(&mut self, now: Moment) {
        self.look_beside(now);
        if self.outbox.rows.take(now) {
            self.reconcile_soon();
        }
        // A server that failed is left alone until its time comes.
        if self.outbox.held.take(now) && self.outbox.failures == 0 {
            self.outbox.due.by(now);
        }
        if self.outbox.sending || !self.is_answered() || !self.outbox.due.take(now) {
            return;
        }
        let (Some(api), Some(session)) = (self.account.api(), self.account.session()) else { return };
        self.outbox.sending = true;
        let journal = self.journal.clone();
        let clock = self.clock.clone();
        let ours = std::mem::take(&mut self.outbox.ours);
        let (epoch, over) = (self.who.epoch, self.session_over());
        self.spawn(async move {
            let account = account_of(&session);
            let (user, name) = (session.user_id, session.name);
            let batch = Batch { api, journal, clock, account, user, name, over };
            Tick::Sent(epoch, batch.send(ours).await)
        });
    }

    pub(crate) fn sent(&mut self, epoch: u64, sent: Sent) {
        self.outbox.sending = false;
        for (incident, decided) in &sent.said {
            self.outbox.tell(*incident, |_| Some(decided.clone()));
        }
        for incident in &sent.changed {
            self.incident_changed(incident);
        }
        if let Some(error) = &sent.journal {
            self.journal_failed(error);
        }
        if epoch != self.who.epoch {
            self.send_soon();
            return;
        }
        self.outbox.ours = sent.ours;
        let now = self.now();
        if let Some(until) = sent.held_until {
            let left = Duration::try_from(until.duration_since(self.wall())).unwrap_or_default();
            self.outbox.held.set(now + left.min(UNDO_WITHIN) + A_MOMENT);
        }
        match &sent.api {
            Some(error) => {
                tracing::warn!(%error, "a decision could not be sent yet");
                if sent.any {
                    self.outbox.failures = 0;
                }
                let wait =
                    self.pace.retry_every.saturating_mul(1 << self.outbox.failures.min(6)).min(LONGEST_WAIT);
                self.outbox.failures += 1;
                self.outbox.due.set(now + wait.max(error.retry_after().unwrap_or_default()));
                self.api_refused(error);
            }
            None if sent.journal.is_some() => self.outbox.due.set(now + self.pace.retry_every),
            None => {
                self.outbox.failures = 0;
                if sent.any {
                    self.outbox.due.by(now);
                }
            }
        }
        self.decisions_time(now);
    }

    /// The record was read to its end, beginning at this moment, and does not have the alerts of these decisions.
    pub(crate) fn give_up_unmatched(&self, began_at: Moment) {
        let journal = self.journal.clone();
        let at = self.wall();
        let decided_before = self.wall_at(began_at);
        let received_before = decided_before.checked_sub(WRITTEN_WITHIN).unwrap_or(decided_before);
        let sentence = text("problem.decision_unknown_there", &[]);
        let ticks = self.ticks.clone();
        self.tasks.spawn(async move {
            match journal.refuse_unmatched(decided_before, received_before, sentence, at).await {
                Ok(incidents) => {
                    for incident in incidents {
                        let _ = ticks.send(Tick::Changed(Box::new(incident)));
                    }
                }
                Err(error) => {
                    let _ = ticks.send(Tick::WriteFailed(error));
                }
            }
        });
    }

    /// Whoever waits to learn what became of a decision about this incident is told, if that is known.
    pub(crate) fn tell_decided(&mut self, incident: &IncidentRow) {
        self.outbox.tell(incident.id, |decision| outbox::decided(decision, &incident.handling));
    }
}

/// Whoever made a decision waits to learn what became of it.
#[derive(Debug)]
struct Waiting {
    incident: IncidentId,
    decision: Decision,
    reply: Reply<Decided>,
}

/// What it takes to send decisions.
pub(super) struct Batch {
    pub(super) api: Api,
    pub(super) journal: Journal,
    clock: std::sync::Arc<dyn Clock>,
    account: String,
    user: String,
    pub(super) name: String,
    /// Cancelled when the person signs out: the server is asked for nothing more.
    pub(super) over: CancellationToken,
}

/// A decision about an alert, and its row as it was found.
struct Looked {
    outgoing: Outgoing,
    row: Row,
    step: Step,
}

impl Batch {
    /// One incident after the other: a decision about an incident takes effect whole or not at all, or it is said which
    /// part of it did.
    async fn send(&self, ours: Ours) -> Sent {
        let mut sent = Sent { ours, ..Sent::default() };
        let mut seen = HashSet::new();
        match self.waiting(&mut sent.held_until).await {
            Ok(waiting) => {
                for outgoing in waiting {
                    if seen.insert(outgoing.incident) && !self.incident(outgoing.incident, &mut sent).await {
                        break;
                    }
                }
            }
            Err(error) => sent.journal = Some(error),
        }
        if sent.api.is_none() && sent.journal.is_none() {
            self.notes(&mut sent).await;
        }
        sent
    }

    /// What this account decided; what others did is theirs to send. What may still be taken back waits.
    async fn waiting(&self, held_until: &mut Option<Timestamp>) -> Result<Vec<Outgoing>, JournalError> {
        self.journal.belong_to(self.account.clone()).await?;
        *held_until = self.journal.release_held(self.clock.wall()).await?;
        self.journal.next_to_send(AT_ONCE).await
    }

    /// Sends what was decided about one incident; whether to go on with the next. All rows are looked at before the first is
    /// changed: what somebody else decided is not undone.
    async fn incident(&self, incident: IncidentId, sent: &mut Sent) -> bool {
        if self.over.is_cancelled() {
            return false;
        }
        let outgoing = match self.journal.to_send_of(incident).await {
            Ok(outgoing) => outgoing,
            Err(error) => {
                sent.journal = Some(error);
                return false;
            }
        };
        let mut looked = Vec::new();
        for outgoing in outgoing {
            match self.api.anomaly(&outgoing.anomaly_id).await {
                Ok(row) => {
                    let step = self.step(&outgoing, &row, sent);
                    looked.push(Looked { outgoing, row, step });
                }
                Err(error) => {
                    if !self.failed(&outgoing, error, sent).await {
                        return false;
                    }
                }
            }
        }
        match self.settled_elsewhere(incident, &looked, sent).await {
            Ok(true) => return true,
            Ok(false) => {}
            Err(error) => {
                sent.journal = Some(error);
                return false;
            }
        }
        let are_several = looked.len() > 1;
        for mut looked in looked {
            // Others may have written there while the other rows were read or changed.
            if are_several {
                match self.api.anomaly(&looked.outgoing.anomaly_id).await {
                    Ok(row) => {
                        looked.step = self.step(&looked.outgoing, &row, sent);
                        looked.row = row;
                    }
                    Err(error) => {
                        if !self.failed(&looked.outgoing, error, sent).await {
                            return false;
                        }
                        continue;
                    }
                }
            }
            if self.over.is_cancelled() || !self.one(looked, sent).await {
                return false;
            }
        }
        true
    }

    fn step(&self, outgoing: &Outgoing, row: &Row, sent: &Sent) -> Step {
        let ours = sent.ours.get(&outgoing.anomaly_id).copied();
        outbox::step(outgoing.decision, row, ours.or(outgoing.ours.map(outbox::status)))
    }

    /// Sends one; whether to go on with the next.
    async fn one(&self, looked: Looked, sent: &mut Sent) -> bool {
        match self.put(&looked, &mut sent.ours).await {
            Ok(Put::Ours(there)) => self.note(&looked.outgoing, Delivery::Recorded, Some(there), sent).await,
            Ok(Put::Theirs(row)) => self.show_theirs(&looked.outgoing, &row, sent).await,
            Err(error) => return self.failed(&looked.outgoing, error, sent).await,
        }
        // What the journal knows is forgotten here: it also learns what others make of it.
        if sent.journal.is_none() {
            sent.ours.remove(&looked.outgoing.anomaly_id);
        }
        sent.any |= sent.journal.is_none();
        sent.journal.is_none()
    }

    /// A request about this one failed; whether to go on with the next.
    async fn failed(&self, outgoing: &Outgoing, error: ApiError, sent: &mut Sent) -> bool {
        let delivery = outbox::failed(&error);
        let later = delivery == Delivery::Later;
        if !later {
            tracing::warn!(%error, "the server refused a decision");
        }
        self.note(outgoing, delivery, None, sent).await;
        if sent.journal.is_some() {
            return false;
        }
        if !later {
            sent.any = true;
            return true;
        }
        let ends = outbox::concerns_all(&error);
        if ends || sent.api.is_none() {
            sent.api = Some(error);
        }
        !ends
    }

    /// Changes the row, and looks whether it stays so; what somebody else made of it, otherwise.
    async fn put(&self, looked: &Looked, ours: &mut Ours) -> Result<Put, ApiError> {
        let Looked { outgoing, row, step } = looked;
        let id = &outgoing.anomaly_id;
        if let Step::Theirs(_) = step {
            return Ok(Put::Theirs(Box::new(row.clone())));
        }
        let line = self.line(outgoing, row);
        let notes = line
            .as_deref()
            .and_then(|line| notes::with(row.notes.as_deref(), outgoing.our_note.as_deref(), line));
        let wanted = match step {
            Step::Write(wanted) => *wanted,
            Step::Done if outgoing.says() && notes.is_some() => row.status,
            Step::Done | Step::Theirs(_) => return Ok(Put::Ours(there(row, None))),
        };
        let patched = self.api.patch(id, wanted, notes.as_deref()).await?;
        ours.insert(id.clone(), wanted);
        // The last writer wins there, and that may be somebody who decided at the same moment.
        let after = self.api.anomaly(id).await.ok();
        let after = after.unwrap_or(patched);
        if after.status != wanted && outbox::decision(after.status).is_some() {
            return Ok(Put::Theirs(Box::new(after)));
        }
        Ok(Put::Ours(there(&after, line.filter(|_| notes.is_some()))))
    }

    /// What this program writes with a decision. The server does not keep who acknowledged, so it says that at least, unless
    /// something stands there already.
    fn line(&self, outgoing: &Outgoing, row: &Row) -> Option<String> {
        let reopens = outgoing.decision == Decision::Reopened;
        let signature = if reopens { Signature::OpenedAgain } else { Signature::Handled };
        let is_needed = outgoing.says() || reopens || row.notes.is_none() || outgoing.our_note.is_some();
        let line = notes::line(signature, &self.name, outgoing.outcome, outgoing.note.as_deref());
        Some(line).filter(|line| is_needed && !line.is_empty())
    }

    fn signed(&self) -> String {
        notes::line(Signature::Handled, &self.name, None, None)
    }

    /// Whether the row was decided so before, and not by this program.
    fn is_elsewhere(&self, looked: &Looked, ours: &Ours) -> bool {
        let Looked { outgoing, row, step } = looked;
        let by_us = outgoing.tries > 0
            || outgoing.ours.is_some()
            || ours.contains_key(&outgoing.anomaly_id)
            || row.resolved_by.as_deref() == Some(&self.user)
            || row.notes.as_deref() == Some(&self.signed());
        *step == Step::Done && outgoing.decision != Decision::Reopened && !outgoing.says() && !by_us
    }

    /// Others settled it, or some of it: nothing is sent, if nothing was yet. Whether that is the end of it.
    async fn settled_elsewhere(
        &self,
        incident: IncidentId,
        looked: &[Looked],
        sent: &mut Sent,
    ) -> Result<bool, JournalError> {
        let is_overruled = |looked: &&Looked| matches!(looked.step, Step::Theirs(_));
        let theirs: Vec<&Looked> = looked.iter().filter(is_overruled).collect();
        let all_so = looked.iter().all(|looked| self.is_elsewhere(looked, &sent.ours));
        let settled = if theirs.is_empty() && all_so { looked.iter().collect() } else { theirs };
        let Some(first) = settled.first() else { return Ok(false) };
        if self.journal.has_taken_effect(incident).await? {
            return Ok(false);
        }
        let all = self.journal.incident(incident).await?.map_or(0, |row| row.alerts);
        let decided = self.said_of(first, settled.len(), all).await;
        tracing::info!(how = ?decided.how, "somebody else decided first");
        let now = self.clock.wall();
        let mut theirs = Vec::new();
        for looked in &settled {
            let at = looked.row.resolved_at.unwrap_or(now);
            let by = self.name_of(&looked.row).await;
            theirs.push(outbox::told(looked.outgoing.anomaly_id.clone(), &looked.row, by, at));
        }
        let row = self.journal.overruled(incident, theirs, decided.sentence.clone(), now).await?;
        sent.any = true;
        sent.said.push((incident, decided));
        sent.changed.extend(row);
        Ok(true)
    }

    /// That somebody else settled `some` of `all` alerts, in words.
    async fn said_of(&self, first: &Looked, some: usize, all: u32) -> Decided {
        let who = self.who(&first.row).await;
        let did = outbox::decision(first.row.status).map(outbox::did).unwrap_or_default();
        let (some, all) = (u32::try_from(some).unwrap_or(u32::MAX).min(all), all);
        let sentence = if first.step == Step::Done {
            let sentence = text("problem.decided_already", &[("who", &who), ("did", &did)]);
            return Decided { how: How::Already, sentence };
        } else if some == all {
            text("problem.overruled", &[("who", &who), ("did", &did)])
        } else {
            let (some, all) = (some.to_string(), all.to_string());
            text("problem.overruled_some", &[("who", &who), ("did", &did), ("some", &some), ("all", &all)])
        };
        Decided { how: How::Overruled, sentence }
    }

    /// Who decided, as far as the record tells it.
    async fn who(&self, row: &Row) -> String {
        if row.resolved_by.as_deref() == Some(&self.user) && outbox::closes(row.status) {
            return text("problem.who_you", &[]);
        }
        self.name_of(row).await.unwrap_or_else(|| text("problem.who_else", &[]))
    }

    /// Their name.
    async fn name_of(&self, row: &Row) -> Option<String> {
        if let Some(user) = row.resolved_by.as_ref().filter(|_| outbox::closes(row.status)) {
            if *user == self.user {
                return Some(words::plain_name(&self.name)).filter(|name| !name.is_empty());
            }
            if let Some(name) = self.api.people().await.ok().and_then(|mut people| people.remove(user)) {
                return Some(name);
            }
        }
        notes::who(row.notes.as_deref()?, outbox::decision(row.status))
    }

    async fn show_theirs(&self, outgoing: &Outgoing, row: &Row, sent: &mut Sent) {
        let Some(decision) = outbox::decision(row.status) else { return };
        tracing::info!(?decision, "somebody else decided, too");
        let did = outbox::did(decision);
        let sentence = text("problem.overruled_part", &[("who", &self.who(row).await), ("did", &did)]);
        self.note(outgoing, Delivery::Refused { sentence }, None, sent).await;
        let now = self.clock.wall();
        let told = outbox::told(outgoing.anomaly_id.clone(), row, self.name_of(row).await, now);
        match self.journal.rows_told(vec![told], now).await {
            Ok(incidents) => sent.changed.extend(incidents),
            Err(error) => sent.journal = Some(error),
        }
    }

    async fn note(&self, outgoing: &Outgoing, delivery: Delivery, there: Option<There>, sent: &mut Sent) {
        match self.journal.sent_to(outgoing.id, delivery, there, self.clock.wall()).await {
            Ok(incident) => sent.changed.extend(incident),
            Err(error) => sent.journal = Some(error),
        }
    }
}

/// What a row is once it was to be changed.
enum Put {
    /// As it was wanted.
    Ours(There),
    Theirs(Box<Row>),
}

pub(super) fn there(row: &Row, our_note: Option<String>) -> There {
    There { changed_at: row.updated_at, notes: row.notes.clone(), our_note }
}

/// What somebody wrote, if there is anything in it.
pub(super) fn written(note: Option<String>) -> Option<String> {
    note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty())
}

/// Whether a decision is stored here, and where what becomes of it is told.
pub(crate) type DecisionKept = Result<oneshot::Receiver<Decided>, Problem>;

/// Whose decisions: of which person, at which server.
pub(crate) fn account_of(session: &SessionView) -> String {
    format!("{} at {}", session.user_id, session.server)
}

pub(crate) fn unknown_incident() -> Problem {
    problem("unknown_incident", text("problem.unknown_incident", &[]))
}

/// What is said to have come of it does not go with the decision.
pub(super) fn unfit() -> Problem {
    problem("unfit_outcome", text("problem.unfit_outcome", &[]))
}

pub(crate) fn not_stored() -> Problem {
    problem("journal_unwritable", text("problem.not_stored", &[]))
}
