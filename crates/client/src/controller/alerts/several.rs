//! Several incidents decided on as one act, and taken back as one.

use super::decisions::unknown_incident;
use crate::controller::Controller;
use crate::controller::ticks::{Reply, Tick};
use crate::journal::JournalError;
use crate::model::{IncidentId, IncidentRow, Judgement};
use crate::view::{Incident, Problem};

/// More than the page can list.
const MOST: usize = 2_000;

impl Controller {
    pub(crate) fn decide_each(
        &mut self,
        incidents: &[String],
        judgement: Judgement,
        reply: Reply<Result<Vec<Incident>, Problem>>,
    ) {
        let Some(incidents) = known(incidents) else {
            let _ = reply.send(Err(unknown_incident()));
            return;
        };
        let journal = self.journal.clone();
        let at = self.wall();
        let (account, judgement) = self.by_whom(judgement);
        self.spawn(async move {
            if let Some(account) = account
                && let Err(error) = journal.belong_to(account).await
            {
                return Tick::DecidedEach(Err(error), reply);
            }
            Tick::DecidedEach(journal.judge_each(incidents, judgement, at).await, reply)
        });
    }

    pub(crate) fn decided_each(
        &mut self,
        result: Result<Vec<IncidentRow>, JournalError>,
        reply: Reply<Result<Vec<Incident>, Problem>>,
    ) {
        let answer = self.written(result).map(|incidents| {
            for incident in &incidents {
                self.put_away_decided(incident);
                self.ask_for_rows(incident.id);
            }
            self.send_soon();
            self.answered_with(&incidents)
        });
        let _ = reply.send(answer);
    }

    pub(crate) fn undo_each(&self, incidents: &[String], reply: Reply<Result<Vec<Incident>, Problem>>) {
        let Some(incidents) = known(incidents) else {
            let _ = reply.send(Err(unknown_incident()));
            return;
        };
        let journal = self.journal.clone();
        let now = self.wall();
        self.spawn(async move { Tick::UndoneEach(journal.undo_each(incidents, now).await, reply) });
    }

    pub(crate) fn undone_each(
        &mut self,
        result: Result<Vec<IncidentRow>, JournalError>,
        reply: Reply<Result<Vec<Incident>, Problem>>,
    ) {
        let answer = match self.written(result) {
            Ok(incidents) if incidents.is_empty() => Err(Controller::too_late()),
            Ok(incidents) => {
                for incident in &incidents {
                    self.outbox.tell_undone(incident.id);
                }
                Ok(self.answered_with(&incidents))
            }
            Err(problem) => Err(problem),
        };
        let _ = reply.send(answer);
    }

    /// As the page shows them that asked; everything else is told of them, and the page of the counters.
    fn answered_with(&mut self, incidents: &[IncidentRow]) -> Vec<Incident> {
        for incident in incidents {
            self.changed_in_answer(incident);
        }
        self.counters_changed();
        incidents.iter().map(|incident| self.incident_view(incident)).collect()
    }
}

/// None where there is not one among them.
fn known(incidents: &[String]) -> Option<Vec<IncidentId>> {
    let known: Vec<IncidentId> =
        incidents.iter().take(MOST).filter_map(|incident| incident.parse().ok()).collect();
    (!known.is_empty()).then_some(known)
}
