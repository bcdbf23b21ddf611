//! What a person decides: durable with the click, on the server as soon as it can be.

use std::collections::HashMap;
use std::time::Duration;

use visionguard_proto::record::{Row, Status};
use visionguard_proto::{AnomalyId, Moment};

use super::Controller;
use super::session::problem;
use super::ticks::{Due, Reply, Tick};
use crate::api::{Api, ApiError};
use crate::clock::Clock;
use crate::journal::{Delivery, IncidentId, IncidentRow, Journal, JournalError, Outgoing};
use crate::outbox::{self, Step};
use crate::view::{Decision, Problem, SessionView};
use crate::words::text;

/// Decisions sent in one go.
const AT_ONCE: u32 = 50;
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Decisions on their way.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    due: Due,
    sending: bool,
    failures: u32,
    ours: Ours,
    /// When to look for decisions that another program wrote into the journal.
    beside: Due,
    looking: bool,
}

/// The statuses that this program put on the server's rows: a change of mind is no conflict.
type Ours = HashMap<AnomalyId, Status>;

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Sent {
    changed: Vec<IncidentRow>,
    ours: Ours,
    any: bool,
    api: Option<ApiError>,
    journal: Option<JournalError>,
}

impl Outbox {
    /// `answered` says whether the server answers requests, as far as is known.
    pub(super) fn due(&self, answered: bool) -> Option<Moment> {
        let to_send = self.due.at().filter(|_| answered && !self.sending);
        let to_look = self.beside.at().filter(|_| !self.looking);
        to_send.into_iter().chain(to_look).min()
    }
}

impl Controller {
    pub(super) fn decide(
        &mut self,
        incident: &str,
        decision: Decision,
        note: Option<String>,
        reply: Option<Reply<Result<(), Problem>>>,
    ) {
        let Ok(incident) = incident.parse::<IncidentId>() else {
            if let Some(reply) = reply {
                let _ = reply.send(Err(unknown_incident()));
            }
            return;
        };
        let journal = self.journal.clone();
        let at = self.wall();
        let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
        let account = self.account.session().as_ref().map(account_of);
        self.spawn(async move {
            if let Some(account) = account
                && let Err(error) = journal.belong_to(account).await
            {
                return Tick::Decided { result: Err(error), reply };
            }
            let result = journal.decide(incident, decision, note, at).await;
            Tick::Decided { result, reply }
        });
    }

    pub(super) fn decided(
        &mut self,
        result: Result<Option<IncidentRow>, JournalError>,
        reply: Option<Reply<Result<(), Problem>>>,
    ) {
        let answer = match result {
            Ok(Some(incident)) => {
                self.shell.withdraw(&incident.id.to_string());
                self.incident_changed(&incident);
                self.send_soon();
                Ok(())
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

    pub(super) fn send_soon(&mut self) {
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

    pub(super) fn decided_beside(&mut self, found: Result<Vec<IncidentRow>, JournalError>) {
        self.outbox.looking = false;
        match found {
            Ok(incidents) if incidents.is_empty() => {}
            Ok(incidents) => {
                for incident in incidents {
                    self.shell.withdraw(&incident.id.to_string());
                    self.incident_changed(&incident);
                }
                self.send_soon();
            }
            Err(error) => tracing::debug!(%error, "cannot look for decisions of other programs"),
        }
    }

    pub(super) fn decisions_time(&mut self, now: Moment) {
        self.look_beside(now);
        if self.outbox.sending || !self.is_answered() || !self.outbox.due.take(now) {
            return;
        }
        let (Some(api), Some(session)) = (self.account.api(), self.account.session()) else { return };
        self.outbox.sending = true;
        let journal = self.journal.clone();
        let clock = self.clock.clone();
        let ours = std::mem::take(&mut self.outbox.ours);
        let epoch = self.who.epoch;
        self.spawn(async move {
            let batch = Batch { api, journal, clock, account: account_of(&session), name: session.name };
            Tick::Sent(epoch, batch.send(ours).await)
        });
    }

    pub(super) fn sent(&mut self, epoch: u64, sent: Sent) {
        self.outbox.sending = false;
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

    /// The record was read to its end and still does not have the alerts of these decisions.
    pub(super) fn give_up_unmatched(&self, after: Duration) {
        let journal = self.journal.clone();
        let at = self.wall();
        let before = at.checked_sub(after).unwrap_or(at);
        let sentence = text("problem.decision_unknown_there", &[]);
        let ticks = self.ticks.clone();
        self.tasks.spawn(async move {
            match journal.refuse_unmatched(before, sentence, at).await {
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
}

/// What it takes to send decisions.
struct Batch {
    api: Api,
    journal: Journal,
    clock: std::sync::Arc<dyn Clock>,
    account: String,
    name: String,
}

impl Batch {
    async fn send(&self, ours: Ours) -> Sent {
        let mut sent = Sent { ours, ..Sent::default() };
        match self.waiting().await {
            Ok(waiting) => {
                for outgoing in waiting {
                    if !self.one(&outgoing, &mut sent).await {
                        break;
                    }
                }
            }
            Err(error) => sent.journal = Some(error),
        }
        sent
    }

    /// What this account decided; what others did is theirs to send.
    async fn waiting(&self) -> Result<Vec<Outgoing>, JournalError> {
        self.journal.belong_to(self.account.clone()).await?;
        self.journal.next_to_send(AT_ONCE).await
    }

    /// Sends one; whether to go on with the next.
    async fn one(&self, outgoing: &Outgoing, sent: &mut Sent) -> bool {
        let (delivery, trouble) = match self.put(outgoing, &mut sent.ours).await {
            Ok(Put::Done) => (Delivery::Recorded, None),
            Ok(Put::Theirs(decision)) => {
                self.show_theirs(outgoing, decision, sent).await;
                return sent.journal.is_none();
            }
            Err(error) => match outbox::failed(&error) {
                Delivery::Later => (Delivery::Later, Some(error)),
                answered @ (Delivery::Recorded | Delivery::Refused { .. }) => {
                    tracing::warn!(%error, "the server refused a decision");
                    (answered, None)
                }
            },
        };
        self.note(outgoing, delivery, sent).await;
        if sent.journal.is_some() {
            return false;
        }
        let Some(trouble) = trouble else {
            sent.any = true;
            return true;
        };
        let ends = outbox::concerns_all(&trouble);
        if ends || sent.api.is_none() {
            sent.api = Some(trouble);
        }
        !ends
    }

    /// Looks at the row before changing it: what somebody else decided is not undone.
    async fn put(&self, outgoing: &Outgoing, ours: &mut Ours) -> Result<Put, ApiError> {
        let id = &outgoing.anomaly_id;
        let row = self.api.anomaly(id).await?;
        let wanted = match outbox::step(outgoing.decision, &row, ours.get(id).copied()) {
            Step::Write(wanted) => wanted,
            Step::Done if outgoing.note.is_some() => row.status,
            Step::Done => return Ok(Put::Done),
            Step::Theirs(theirs) => return Ok(Put::Theirs(theirs)),
        };
        let note = outgoing.note.clone().or_else(|| self.signature(&row));
        self.api.patch(id, wanted, note.as_deref()).await?;
        ours.insert(id.clone(), wanted);
        Ok(Put::Done)
    }

    /// The server does not keep who acknowledged, so the note says it, unless there is one already.
    fn signature(&self, row: &Row) -> Option<String> {
        (row.notes.is_none() && !self.name.is_empty())
            .then(|| text("notification.handled_by", &[("name", &self.name)]))
    }

    async fn show_theirs(&self, outgoing: &Outgoing, decision: Decision, sent: &mut Sent) {
        tracing::info!(?decision, "somebody else decided first");
        self.note(outgoing, Delivery::Refused { sentence: text("problem.decided_elsewhere", &[]) }, sent)
            .await;
        let now = self.clock.wall();
        match self.journal.handled_elsewhere(outgoing.anomaly_id.clone(), decision, now, now).await {
            Ok(incident) => {
                sent.any = true;
                sent.changed.extend(incident);
            }
            Err(error) => sent.journal = Some(error),
        }
    }

    async fn note(&self, outgoing: &Outgoing, delivery: Delivery, sent: &mut Sent) {
        match self.journal.sent(outgoing.id, delivery, self.clock.wall()).await {
            Ok(incident) => sent.changed.extend(incident),
            Err(error) => sent.journal = Some(error),
        }
    }
}

/// Whose decisions: of which person, at which server.
pub(super) fn account_of(session: &SessionView) -> String {
    format!("{} at {}", session.user_id, session.server)
}

/// What became of a decision at the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    Done,
    Theirs(Decision),
}

pub(super) fn unknown_incident() -> Problem {
    problem("unknown_incident", text("problem.unknown_incident", &[]))
}

pub(super) fn not_stored() -> Problem {
    problem("journal_unwritable", text("problem.not_stored", &[]))
}
