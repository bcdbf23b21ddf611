//! What a person writes about an incident, whatever was decided about it.

use super::decisions::{Batch, Sent, account_of, not_stored, there, unfit, unknown_incident, written};
use crate::controller::Controller;
use crate::controller::ticks::{Reply, Tick};
use crate::journal::{JournalError, Noted};
use crate::model::{Decision, Disposition, DueNote, IncidentId};
use crate::notes::{self, Signature};
use crate::outbox;
use crate::view::Problem;

/// Notes sent in one go.
const AT_ONCE: u32 = 50;

impl Controller {
    pub(crate) fn note_about(
        &mut self,
        incident: &str,
        note: Option<String>,
        outcome: Option<Disposition>,
        reply: Reply<Result<(), Problem>>,
    ) {
        let Ok(incident) = incident.parse::<IncidentId>() else {
            let _ = reply.send(Err(unknown_incident()));
            return;
        };
        let note = written(note);
        if note.is_none() && outcome.is_none() {
            let _ = reply.send(Ok(()));
            return;
        }
        let journal = self.journal.clone();
        let at = self.wall();
        let account = self.account.session().as_ref().map(account_of);
        self.spawn(async move {
            if let Some(account) = account
                && let Err(error) = journal.belong_to(account).await
            {
                return Tick::Noted(Err(error), reply);
            }
            Tick::Noted(journal.note(incident, note, outcome, at).await, reply)
        });
    }

    pub(crate) fn noted(&mut self, result: Result<Noted, JournalError>, reply: Reply<Result<(), Problem>>) {
        let answer = match result {
            Ok(Noted::Kept(incident)) => {
                self.incident_changed(&incident);
                self.send_soon();
                self.ask_for_rows(incident.id);
                Ok(())
            }
            Ok(Noted::Unknown) => Err(unknown_incident()),
            Ok(Noted::Unfit) => Err(unfit()),
            Err(error) => {
                self.journal_failed(&error);
                Err(not_stored())
            }
        };
        let _ = reply.send(answer);
    }
}

impl Batch {
    /// Sends notes that no decision carries.
    pub(super) async fn notes(&self, sent: &mut Sent) {
        let due = match self.journal.notes_due(AT_ONCE).await {
            Ok(due) => due,
            Err(error) => {
                sent.journal = Some(error);
                return;
            }
        };
        for due in due {
            if self.over.is_cancelled() || !self.note_there(due, sent).await {
                return;
            }
        }
    }

    /// Writes one; whether to go on with the next. The row keeps its status, and what others wrote.
    async fn note_there(&self, due: DueNote, sent: &mut Sent) -> bool {
        let settled = match self.write_note(&due).await {
            Ok(there) => self.journal.note_settled(due, there).await,
            Err(error) => {
                let ends = outbox::concerns_all(&error);
                let later = outbox::is_later(&error);
                tracing::warn!(%error, later, "a note could not be sent");
                let kept = match later {
                    true => self.journal.note_later(due).await.map(|()| None),
                    false => self.journal.note_settled(due, None).await,
                };
                if later && sent.api.is_none() {
                    sent.api = Some(error);
                }
                match kept {
                    Ok(incident) => sent.changed.extend(incident),
                    Err(error) => sent.journal = Some(error),
                }
                return !ends && sent.journal.is_none();
            }
        };
        match settled {
            Ok(incident) => {
                sent.any = true;
                sent.changed.extend(incident);
            }
            Err(error) => sent.journal = Some(error),
        }
        sent.journal.is_none()
    }

    async fn write_note(&self, due: &DueNote) -> Result<Option<crate::model::There>, crate::api::ApiError> {
        let signature = match due.decided {
            Some(Decision::Reopened) => Signature::OpenedAgain,
            Some(Decision::Acknowledged | Decision::Resolved | Decision::FalseAlarm) => Signature::Handled,
            None => Signature::Noted,
        };
        let line = notes::line(signature, &self.name, due.outcome, due.note.as_deref());
        let row = self.api.anomaly(&due.anomaly_id).await?;
        let Some(notes) = notes::with(row.notes.as_deref(), due.our_note.as_deref(), &line) else {
            return Ok(Some(there(&row, None)));
        };
        let after = self.api.patch(&due.anomaly_id, row.status, Some(&notes)).await?;
        Ok(Some(there(&after, Some(line))))
    }
}
