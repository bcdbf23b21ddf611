//! Cameras that a person told not to interrupt for a while. It holds again after a restart, and ends with the session.

use std::time::Duration;

use jiff::Timestamp;
use visionguard_proto::{Moment, StreamId};

use super::decisions::{account_of, unknown_incident};
use crate::controller::Controller;
use crate::controller::session::problem;
use crate::controller::shown::requests::not_read;
use crate::controller::ticks::{Reply, Tick, milliseconds};
use crate::journal::JournalError;
use crate::model::{IncidentId, IncidentRow};
use crate::policy::{self, LONGEST, Snooze, Snoozes};
use crate::view::{Event, Problem, SessionView, SnoozeView};
use crate::words::text;

/// Between two looks at whether one is over: the clock may be another by then, and the computer may have slept.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Among the journal's small values.
const KEPT: &str = "snoozes";

/// From a popup's button, which names no length.
pub(super) const FROM_A_POPUP: Duration = Duration::from_secs(15 * 60);

impl Controller {
    /// The camera of this incident interrupts nobody for so long.
    pub(crate) fn snooze(&self, incident: &str, length: Duration, reply: Option<Reply<Result<(), Problem>>>) {
        let Ok(incident) = incident.parse::<IncidentId>() else {
            answer(reply, Err(unknown_incident()));
            return;
        };
        let journal = self.journal.clone();
        let epoch = self.who.epoch;
        self.spawn(async move {
            let found = journal.incident(incident).await;
            Tick::ToSnooze { epoch, found, length, reply }
        });
    }

    pub(crate) fn incident_to_snooze(
        &mut self,
        epoch: u64,
        found: Result<Option<IncidentRow>, JournalError>,
        length: Duration,
        reply: Option<Reply<Result<(), Problem>>>,
    ) {
        let done = match found {
            Ok(Some(incident)) if epoch == self.who.epoch => self.begin_snooze(&incident, length),
            Ok(_) => Err(unknown_incident()),
            Err(error) => Err(not_read(&error)),
        };
        if let (Err(problem), None) = (&done, &reply) {
            // Its button was pressed, and the popup is gone.
            tracing::warn!(code = problem.code, "a camera could not be snoozed");
            self.shown.say("not_snoozed", text("notice.not_snoozed", &[("why", &problem.sentence)]));
        } else if done.is_ok() {
            self.shown.withdraw("not_snoozed");
        }
        answer(reply, done);
    }

    fn begin_snooze(&mut self, incident: &IncidentRow, length: Duration) -> Result<(), Problem> {
        let length = checked(length)?;
        let Some(stream) = &incident.stream_id else {
            return Err(problem("no_camera", text("problem.no_camera", &[])));
        };
        let Some(session) = self.account.session() else {
            return Err(problem("signed_out", text("problem.snooze_signed_out", &[])));
        };
        let camera = stream.as_str().to_owned();
        self.off_screen(|budget| budget.snoozed(&camera));
        let account = account_of(&session);
        if self.alerts.snoozes.account() != account {
            self.alerts.snoozes = Snoozes::of(account);
        }
        let by = if session.name.is_empty() { session.email } else { session.name };
        let name = policy::camera(incident, &self.settings.view.camera_names);
        self.alerts.snoozes.begin(Snooze::new(camera, name, by, length, self.clocks()));
        tracing::info!(stream = stream.as_str(), seconds = length.as_secs(), "a camera is snoozed");
        self.snoozes_changed();
        Ok(())
    }

    /// A camera that is snoozed stays so for longer.
    pub(crate) fn extend_snooze(&mut self, camera: &str, by: Duration, reply: Reply<Result<(), Problem>>) {
        let done = checked(by).and_then(|by| {
            let clocks = self.clocks();
            if !self.alerts.snoozes.extend(camera, by, clocks) {
                return Err(not_snoozed());
            }
            self.snoozes_changed();
            Ok(())
        });
        answer(Some(reply), done);
    }

    /// A camera that is snoozed interrupts again; all of them, where none is named.
    pub(crate) fn end_snooze(&mut self, camera: Option<&str>, reply: Option<Reply<Result<(), Problem>>>) {
        let ended = match camera {
            Some(camera) => self.alerts.snoozes.end(camera),
            None => !std::mem::take(&mut self.alerts.snoozes).is_empty(),
        };
        if ended {
            self.snoozes_are_over();
        }
        answer(reply, if ended { Ok(()) } else { Err(not_snoozed()) });
    }

    /// Whether nothing is to pop up about this incident now. Lines interrupt nobody.
    pub(super) fn is_snoozed(&self, incident: &IncidentRow) -> bool {
        self.is_camera_snoozed(incident.stream_id.as_ref()) && !self.page.looks_at(incident.id)
    }

    pub(super) fn is_camera_snoozed(&self, stream: Option<&StreamId>) -> bool {
        let holds = |stream: &StreamId| self.alerts.snoozes.holds(stream.as_str(), self.clocks());
        self.alerts.budget.is_screen() && stream.is_some_and(holds)
    }

    fn clocks(&self) -> (Timestamp, Moment) {
        (self.wall(), self.now())
    }

    pub(super) fn snoozes_time(&mut self, now: Moment) {
        if !self.alerts.snoozes_look.take(now) {
            return;
        }
        let clocks = self.clocks();
        if self.alerts.snoozes.expire(clocks) {
            self.snoozes_are_over();
        } else {
            self.plan_snoozes();
        }
        if !self.alerts.snoozes_recalled {
            self.recall_snoozes();
        }
    }

    /// What came meanwhile is told as what was missed.
    fn snoozes_are_over(&mut self) {
        self.snoozes_changed();
        self.look_for_unnotified();
    }

    fn snoozes_changed(&mut self) {
        self.alerts.snoozes_chosen = true;
        self.plan_snoozes();
        self.tell_snoozes();
        self.keep_snoozes();
    }

    fn plan_snoozes(&mut self) {
        match self.alerts.snoozes.next_over() {
            Some(over) => self.alerts.snoozes_look.set(over.min(self.now() + LOOK_EVERY)),
            None => self.alerts.snoozes_look.clear(),
        }
    }

    pub(crate) fn tell_snoozes(&mut self) {
        let snoozes = self.snoozes();
        self.emit(&Event::Snoozes { snoozes });
    }

    /// All that are snoozed, as they are shown.
    pub(crate) fn snoozes(&self) -> Vec<SnoozeView> {
        let names = &self.settings.view.camera_names;
        let shown = |snooze: &Snooze| SnoozeView {
            camera: snooze.camera.clone(),
            name: policy::given_name(&snooze.camera, names).unwrap_or_else(|| snooze.name.clone()),
            by: snooze.by.clone(),
            until: milliseconds(snooze.until),
        };
        self.alerts.snoozes.iter().map(shown).collect()
    }

    // ---- over the program's end ----

    /// Asks the journal which cameras are snoozed; only then is told what nobody was told of yet.
    pub(crate) fn recall_snoozes(&mut self) {
        self.alerts.snoozes_recalled = false;
        let journal = self.journal.clone();
        self.spawn(async move { Tick::SnoozesRecalled(journal.value(KEPT).await) });
    }

    pub(crate) fn snoozes_recalled(&mut self, kept: Result<Option<String>, JournalError>) {
        match kept {
            Ok(kept) if !self.alerts.snoozes_chosen => {
                self.alerts.snoozes = kept.as_deref().map_or_else(Snoozes::default, read);
                let clocks = self.clocks();
                self.alerts.snoozes.go_on(clocks);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the journal does not say which cameras are snoozed");
                self.alerts.snoozes_look.by(self.now() + self.pace.retry_every);
                return;
            }
        }
        self.alerts.snoozes_recalled = true;
        self.plan_snoozes();
        if let Some(session) = self.account.session() {
            self.snoozes_of(&session);
        }
        self.tell_snoozes();
        self.look_for_unnotified();
    }

    /// This is who is signed in: what somebody else snoozed is over.
    pub(crate) fn snoozes_of(&mut self, session: &SessionView) {
        if !self.alerts.snoozes.is_empty() && self.alerts.snoozes.account() != account_of(session) {
            self.alerts.snoozes = Snoozes::default();
            self.snoozes_are_over();
        }
    }

    /// The person signs out.
    pub(crate) fn forget_snoozes(&mut self) {
        if !std::mem::take(&mut self.alerts.snoozes).is_empty() {
            self.snoozes_changed();
        }
    }

    /// The journal was in memory: its file may know of some that were chosen before that.
    pub(crate) fn settle_snoozes(&mut self) {
        if self.alerts.snoozes_chosen {
            self.keep_snoozes();
        } else {
            self.recall_snoozes();
        }
    }

    /// Writes down what is snoozed, one write after the other. What is not written holds all the same, until the program ends.
    pub(super) fn keep_snoozes(&mut self) {
        self.alerts.snoozes_unkept = true;
        if self.alerts.snoozes_writing {
            return;
        }
        let snoozes = &self.alerts.snoozes;
        let kept = match serde_json::to_string(snoozes) {
            Ok(text) => (!snoozes.is_empty()).then_some(text),
            Err(error) => {
                tracing::error!(%error, "which cameras are snoozed cannot be written");
                return;
            }
        };
        (self.alerts.snoozes_writing, self.alerts.snoozes_unkept) = (true, false);
        let journal = self.journal.clone();
        self.spawn(async move { Tick::SnoozesKept(journal.set_value(KEPT, kept).await) });
    }

    pub(crate) fn snoozes_kept(&mut self, result: Result<(), JournalError>) {
        self.alerts.snoozes_writing = false;
        match result {
            Ok(()) if self.alerts.snoozes_unkept => self.keep_snoozes(),
            Ok(()) => {}
            Err(error) => {
                self.journal_failed(&error);
                self.alerts.snoozes_unkept = true;
                self.alerts.store_again.by(self.now() + self.pace.retry_every);
            }
        }
    }
}

fn read(kept: &str) -> Snoozes {
    serde_json::from_str(kept).unwrap_or_else(|error| {
        tracing::warn!(%error, "which cameras are snoozed cannot be read: none is");
        Snoozes::default()
    })
}

/// A length that a camera can be snoozed for.
fn checked(length: Duration) -> Result<Duration, Problem> {
    if length.is_zero() || length > LONGEST {
        return Err(problem("invalid", text("problem.snooze_length", &[])));
    }
    Ok(length)
}

fn not_snoozed() -> Problem {
    problem("not_snoozed", text("problem.not_snoozed", &[]))
}

fn answer(reply: Option<Reply<Result<(), Problem>>>, done: Result<(), Problem>) {
    if let Some(reply) = reply {
        let _ = reply.send(done);
    }
}
