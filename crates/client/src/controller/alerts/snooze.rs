//! Cameras that a person told not to interrupt for a while. It holds again after a restart, and ends with the session.

use std::time::Duration;

use visionguard_proto::{Moment, StreamId};

use super::decisions::unknown_incident;
use crate::controller::Controller;
use crate::controller::session::problem;
use crate::controller::shown::requests::not_read;
use crate::controller::ticks::{Reply, Tick, milliseconds};
use crate::journal::JournalError;
use crate::model::{IncidentId, IncidentRow};
use crate::policy::{self, LONGEST, Snooze, Snoozes};
use crate::view::{Event, Problem, SnoozeView};
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
        answer(reply, done);
    }

    fn begin_snooze(&mut self, incident: &IncidentRow, length: Duration) -> Result<(), Problem> {
        let length = checked(length)?;
        let Some(stream) = &incident.stream_id else {
            return Err(problem("no_camera", text("problem.no_camera", &[])));
        };
        let camera = stream.as_str().to_owned();
        self.on_screen(|budget| budget.snoozed(&camera));
        let by = self.account.session().map(|session| match session.name.is_empty() {
            true => session.email,
            false => session.name,
        });
        let since = self.wall();
        self.alerts.snoozes.begin(Snooze {
            name: policy::camera(incident, &self.settings.view.camera_names),
            camera,
            by: by.unwrap_or_default(),
            since,
            until: since.checked_add(length).unwrap_or(since),
        });
        tracing::info!(stream = stream.as_str(), seconds = length.as_secs(), "a camera is snoozed");
        self.snoozes_changed();
        Ok(())
    }

    /// A camera that is snoozed stays so for longer.
    pub(crate) fn extend_snooze(&mut self, camera: &str, by: Duration, reply: Reply<Result<(), Problem>>) {
        let done = checked(by).and_then(|by| {
            let now = self.wall();
            if !self.alerts.snoozes.extend(camera, by, now) {
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

    /// Whether this camera is not to interrupt now.
    pub(super) fn is_snoozed(&self, stream: Option<&StreamId>) -> bool {
        stream.is_some_and(|stream| self.alerts.snoozes.holds(stream.as_str(), self.wall()))
    }

    pub(super) fn snoozes_time(&mut self, now: Moment) {
        if !self.alerts.snoozes_look.take(now) {
            return;
        }
        if self.alerts.snoozes.expire(self.wall()) {
            self.snoozes_are_over();
        } else {
            self.plan_snoozes();
        }
    }

    /// What came meanwhile is told as what was missed.
    fn snoozes_are_over(&mut self) {
        self.snoozes_changed();
        self.look_for_unnotified();
    }

    fn snoozes_changed(&mut self) {
        self.plan_snoozes();
        self.tell_snoozes();
        self.keep_snoozes();
    }

    fn plan_snoozes(&mut self) {
        match self.alerts.snoozes.next_over() {
            Some(over) => {
                let left = Duration::try_from(over.duration_since(self.wall())).unwrap_or_default();
                self.alerts.snoozes_look.set(self.now() + left.min(LOOK_EVERY));
            }
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
            name: names.get(&snooze.camera).unwrap_or(&snooze.name).clone(),
            by: snooze.by.clone(),
            until: milliseconds(snooze.until),
        };
        self.alerts.snoozes.iter().map(shown).collect()
    }

    // ---- over the program's end ----

    /// Asks the journal, at the start, which cameras are snoozed; then what nobody was told of is looked for.
    pub(crate) fn recall_snoozes(&self) {
        let journal = self.journal.clone();
        self.spawn(async move {
            let kept = journal.value(KEPT).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the journal does not say which cameras are snoozed");
                None
            });
            Tick::SnoozesRecalled(kept)
        });
    }

    pub(crate) fn snoozes_recalled(&mut self, kept: Option<&str>) {
        self.alerts.snoozes = kept.map_or_else(Snoozes::default, read);
        self.alerts.snoozes.expire(self.wall());
        self.alerts.snoozes_recalled = true;
        self.plan_snoozes();
        if !self.alerts.snoozes.is_empty() {
            self.tell_snoozes();
        }
        self.look_for_unnotified();
    }

    /// They were of a session that is over.
    pub(crate) fn forget_snoozes(&mut self) {
        if !std::mem::take(&mut self.alerts.snoozes).is_empty() {
            self.snoozes_changed();
        }
    }

    /// Writes them down; what is not written holds all the same, until the program ends.
    pub(crate) fn keep_snoozes(&self) {
        let snoozes = &self.alerts.snoozes;
        let kept = match serde_json::to_string(snoozes) {
            Ok(text) => (!snoozes.is_empty()).then_some(text),
            Err(error) => {
                tracing::error!(%error, "which cameras are snoozed cannot be written");
                return;
            }
        };
        let journal = self.journal.clone();
        self.tasks.spawn(async move {
            if let Err(error) = journal.set_value(KEPT, kept).await {
                tracing::warn!(%error, "which cameras are snoozed is not written down");
            }
        });
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
