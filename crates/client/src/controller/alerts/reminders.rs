//! What is told again: what was acknowledged here and is not resolved, and what is high and nobody handled. Off unless the
//! person chose a time for it.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use visionguard_proto::Moment;

use super::decisions::account_of;
use super::notifications::cover;
use crate::controller::Controller;
use crate::controller::ticks::{Due, Tick};
use crate::journal::JournalError;
use crate::model::{Decision, Entry, Handling, IncidentId, IncidentRow};
use crate::policy::{self, POPUPS, REPEATED_FOR, Reminders, WAITED_FOR, WAITING};

/// Between two looks at what is due.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Among the journal's small values.
const KEPT: &str = "reminders";

/// What was told again.
#[derive(Debug, Default)]
pub(in crate::controller) struct Reminding {
    told: Reminders,
    /// The journal has said what was.
    recalled: bool,
    /// It is being asked what there is to tell.
    looking: bool,
    look: Due,
    /// What was acknowledged and waits to be resolved, as far as it was said.
    waiting: BTreeSet<IncidentId>,
    /// The desktop was asked for the notification about them, and it still may stand.
    may_stand: bool,
}

impl Reminding {
    pub(super) fn due(&self) -> Option<Moment> {
        self.look.at().filter(|_| self.recalled && !self.looking)
    }

    /// The notification about these is gone.
    pub(super) fn closed(&mut self, id: &str) {
        self.may_stand &= id != WAITING;
    }

    /// Nobody was told after all: it is tried again.
    pub(super) fn failed(&mut self, id: &str) {
        if id == WAITING {
            self.may_stand = false;
            let waiting: Vec<_> = self.waiting.iter().copied().collect();
            waiting.into_iter().for_each(|incident| self.told.forget(incident));
        } else if let Ok(incident) = id.parse() {
            self.told.forget(incident);
        }
    }

    /// Whether it waited, and no longer does.
    pub(in crate::controller) fn is_over(&self, incident: &IncidentRow) -> bool {
        let is_acknowledged = match &incident.handling {
            Handling::Sending { decision, .. } | Handling::Recorded { decision, .. } => {
                *decision == Decision::Acknowledged
            }
            Handling::Open | Handling::Reopened { .. } | Handling::Refused { .. } => false,
        };
        self.waiting.contains(&incident.id) && !is_acknowledged
    }

    /// What a notification opens: that about a single one opens it.
    pub(super) fn opened_by<'a>(&self, id: &'a str) -> std::borrow::Cow<'a, str> {
        match self.waiting.first() {
            Some(single) if id == WAITING && self.waiting.len() == 1 => single.to_string().into(),
            Some(_) | None => id.into(),
        }
    }
}

/// What there may be to tell again.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    /// With when; the oldest first.
    acknowledged: Vec<(IncidentRow, Timestamp)>,
    unhandled: Vec<Entry>,
}

impl Controller {
    pub(crate) fn recall_reminders(&self) {
        let journal = self.journal.clone();
        self.spawn(async move { Tick::RemindersRecalled(journal.value(KEPT).await) });
    }

    pub(crate) fn reminders_recalled(&mut self, kept: Result<Option<String>, JournalError>) {
        let kept = kept.unwrap_or_else(|error| {
            tracing::warn!(%error, "the journal does not say what was told again");
            None
        });
        let read = |kept: &str| {
            serde_json::from_str(kept).unwrap_or_else(|error| {
                tracing::warn!(%error, "what was told again cannot be read");
                Reminders::default()
            })
        };
        self.alerts.reminding.told = kept.as_deref().map(read).unwrap_or_default();
        self.alerts.reminding.recalled = true;
        self.look_for_unfinished();
    }

    /// Other times were chosen, or what they are about may be another.
    pub(crate) fn look_for_unfinished(&mut self) {
        self.alerts.reminding.look.by(self.now());
    }

    pub(super) fn reminders_time(&mut self, now: Moment) {
        if self.alerts.reminding.due().is_none() || !self.alerts.reminding.look.take(now) {
            return;
        }
        let settings = &self.settings.view;
        let is_wanted = settings.acknowledgement_timeout_minutes > 0 || settings.repeat_minutes > 0;
        let session = self.account.session();
        let Some(session) = session.filter(|_| is_wanted && self.alerts.budget.is_screen()) else {
            self.unfinished(Ok(Unfinished::default()));
            return;
        };
        self.alerts.reminding.looking = true;
        let (waits, repeats) = (settings.acknowledgement_timeout_minutes > 0, settings.repeat_minutes > 0);
        let (journal, wall, account) = (self.journal.clone(), self.wall(), account_of(&session));
        self.spawn(async move {
            let found = async {
                let mut found = Unfinished::default();
                if waits {
                    found.acknowledged = journal.acknowledged_since(wall - WAITED_FOR, account).await?;
                }
                if repeats {
                    found.unhandled = journal.unhandled_since(wall - REPEATED_FOR).await?;
                }
                Ok(found)
            };
            Tick::Unfinished(found.await)
        });
    }

    pub(crate) fn unfinished(&mut self, found: Result<Unfinished, JournalError>) {
        self.alerts.reminding.looking = false;
        let is_wanted =
            self.settings.view.acknowledgement_timeout_minutes > 0 || self.settings.view.repeat_minutes > 0;
        if is_wanted {
            self.alerts.reminding.look.by(self.now() + LOOK_EVERY);
        }
        let Unfinished { acknowledged, unhandled } = match found {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "what is not finished cannot be read");
                return;
            }
        };
        let known: BTreeSet<IncidentId> = acknowledged
            .iter()
            .map(|(incident, _)| incident.id)
            .chain(unhandled.iter().map(|entry| entry.incident.id))
            .collect();
        let mut changed = self.alerts.reminding.told.retain(|incident| known.contains(&incident));
        changed |= self.remind_of(acknowledged);
        changed |= self.repeat(unhandled);
        if changed {
            self.keep_reminders();
        }
    }

    /// Tells what was acknowledged for too long, in one notification. Whether one was told of again.
    fn remind_of(&mut self, acknowledged: Vec<(IncidentRow, Timestamp)>) -> bool {
        let timeout = minutes(self.settings.view.acknowledgement_timeout_minutes);
        let now = self.wall();
        let waits =
            |(_, at): &(IncidentRow, Timestamp)| !timeout.is_zero() && policy::has_passed(*at, timeout, now);
        let waiting: Vec<_> = acknowledged.into_iter().filter(waits).collect();
        let ids: BTreeSet<IncidentId> = waiting.iter().map(|(incident, _)| incident.id).collect();
        let before = std::mem::replace(&mut self.alerts.reminding.waiting, ids);
        for (incident, _) in waiting.iter().filter(|(incident, _)| !before.contains(&incident.id)) {
            // The page lists it as waiting.
            self.changed(incident);
        }
        let due: Vec<IncidentId> = waiting
            .iter()
            .filter(|(incident, at)| {
                let told = &self.alerts.reminding.told;
                told.is_due(incident.id, *at, timeout, now)
                    && !self.is_snoozed(incident)
                    && !self.page.looks_at(incident.id)
            })
            .map(|(incident, _)| incident.id)
            .collect();
        let has_news = !due.is_empty() && self.settings.view.notifications;
        let is_less = self.alerts.reminding.may_stand && before != self.alerts.reminding.waiting;
        if !has_news && !is_less {
            return false;
        }
        let by = self
            .account
            .session()
            .map(|session| if session.name.is_empty() { session.email } else { session.name });
        let told = policy::waiting(&waiting, &by.unwrap_or_default(), &self.settings.view, now);
        match told {
            Some(mut notification) => {
                notification.sound &= has_news;
                self.alerts.reminding.may_stand = true;
                self.shell.notify(notification);
            }
            None => {
                self.alerts.reminding.may_stand = false;
                self.shell.withdraw(WAITING);
            }
        }
        if has_news {
            due.into_iter().for_each(|incident| self.alerts.reminding.told.note(incident, now));
        }
        has_news
    }

    /// Pops up what is high and nobody handled; one of them sounds. Whether there was any.
    fn repeat(&mut self, unhandled: Vec<Entry>) -> bool {
        let every = minutes(self.settings.view.repeat_minutes);
        if every.is_zero() || !self.settings.view.notifications {
            return false;
        }
        let now = self.wall();
        let is_due = |entry: &Entry| {
            let incident = &entry.incident;
            let told = incident.notified_at.filter(|_| policy::is_repeated(incident, &self.settings.view));
            // What was decided and is opened again waits from then on.
            let opened = match incident.handling {
                Handling::Reopened { at, .. } => Timestamp::from_millisecond(at).ok(),
                Handling::Open
                | Handling::Sending { .. }
                | Handling::Recorded { .. }
                | Handling::Refused { .. } => None,
            };
            told.map(|told| opened.map_or(told, |opened| told.max(opened)))
                .is_some_and(|since| self.alerts.reminding.told.is_due(incident.id, since, every, now))
                && !self.is_snoozed(incident)
                && !self.page.looks_at(incident.id)
        };
        let due: Vec<Entry> = unhandled.into_iter().filter(is_due).collect();
        due.iter().for_each(|entry| self.alerts.reminding.told.note(entry.incident.id, now));
        let any = !due.is_empty();
        // As many as can stand, the newest; one sound is enough for all.
        for (nth, entry) in due.into_iter().rev().take(POPUPS).enumerate() {
            let journal = self.journal.clone();
            self.spawn(async move {
                let picture = cover(&journal, &entry).await;
                // It may have been decided on while the picture was read.
                let entry = journal.alert(entry.alert.id).await.ok().flatten().unwrap_or(entry);
                Tick::Repeat(Box::new(entry), picture, nth == 0)
            });
        }
        any
    }

    pub(crate) fn repeat_now(&mut self, entry: &Entry, picture: Option<Bytes>, sounds: bool) {
        if !entry.incident.is_open()
            || self.is_snoozed(&entry.incident)
            || self.page.looks_at(entry.incident.id)
        {
            return;
        }
        let (mut card, mut notification) = policy::again(entry, &self.settings.view, self.wall());
        notification.sound &= sounds;
        card.sounds_each_time &= sounds;
        notification.picture = picture.filter(|_| policy::shows_pictures(&self.settings.view));
        self.on_screen(|budget| budget.raise(card, notification));
    }

    fn keep_reminders(&self) {
        let kept = match serde_json::to_string(&self.alerts.reminding.told) {
            Ok(kept) => kept,
            Err(error) => {
                tracing::error!(%error, "what was told again cannot be written");
                return;
            }
        };
        let (journal, ticks) = (self.journal.clone(), self.ticks.clone());
        self.tasks.spawn(async move {
            if let Err(error) = journal.set_value(KEPT, Some(kept)).await {
                let _ = ticks.send(Tick::WriteFailed(error));
            }
        });
    }
}

fn minutes(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}
