//! Which notifications are raised, when, and what becomes of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use visionguard_proto::message::Notice;
use visionguard_proto::{Jpeg, Picture};

use super::snooze::{AskedSnooze, FROM_A_POPUP, SnoozeOf};
use crate::api::Api;
use crate::controller::Controller;
use crate::controller::link::outage;
use crate::controller::ticks::Tick;
use crate::journal::{Journal, JournalError};
use crate::model::{AlertId, Decision, Dispatch, Entry, IncidentId, Judgement, Source};
use crate::policy::{self, COUNTER, Card, POPUPS, Verdict};
use crate::shell::{Buttons, Notification, Outcome};
use crate::status;
use crate::words::text;

/// How long after a failure the notification service is tried again.
const NOTIFY_AGAIN: Duration = Duration::from_secs(30);
/// How long a notification waits for a picture that only the server has.
const PICTURE_WITHIN: Duration = Duration::from_secs(3);

impl Controller {
    /// Shows it, later or now, as the policy has it.
    pub(crate) fn consider(&mut self, entry: &Entry, picture: Option<Bytes>) {
        if entry.alert.notified_at.is_some() || self.has_left() {
            return;
        }
        let now = self.now();
        match policy::consider(entry, picture, &self.settings.view, &self.alerts.recent, now) {
            // It is looked for when that is over.
            Verdict::Notify(_) if self.is_snoozed(&entry.incident) => {}
            Verdict::Notify(mut notification) => {
                self.alerts.recent.note(entry, now);
                self.alerts.again.remove(&entry.incident.id);
                let card = policy::card(entry, &self.settings.view);
                if self.page.looks_at(entry.incident.id) {
                    self.on_screen(|budget| budget.is_looked_at(card));
                } else {
                    notification.sound = notification.sound && self.may_sound(&card);
                    self.on_screen(|budget| budget.raise(card, *notification));
                }
            }
            Verdict::NotBefore(at) => {
                self.alerts.put_off(entry.incident.id, at, entry.alert.id);
            }
            Verdict::Silent => {}
        }
    }

    /// The same with the incident's picture, which is on disk or, for a moment, waited for from the server.
    pub(super) fn consider_with_cover(&self, entry: &Entry) {
        let journal = self.journal.clone();
        let shows_pictures = self.settings.view.notifications && policy::shows_pictures(&self.settings.view);
        let asks = shows_pictures && self.who.account == status::Account::SignedIn;
        let api = self.account.api().filter(|_| asks);
        let entry = Box::new(entry.clone());
        self.spawn(async move {
            let mut picture = cover(&journal, &entry).await;
            if let (None, Some(api)) = (&picture, api) {
                let fetched = tokio::time::timeout(PICTURE_WITHIN, fetch(&api, &journal, &entry)).await;
                picture = fetched.ok().flatten();
            }
            // It may have been shown, or decided on, while the picture or the record took its time.
            let now = journal.alert(entry.alert.id).await.ok().flatten();
            Tick::Again(now.map_or(entry, Box::new), picture)
        });
    }

    pub(super) fn look_again(&self, incident: IncidentId, alert: AlertId) {
        let journal = self.journal.clone();
        self.spawn(async move {
            match journal.alert(alert).await {
                Ok(Some(entry)) if entry.alert.notified_at.is_none() => {
                    let picture = cover(&journal, &entry).await;
                    Tick::Again(Box::new(entry), picture)
                }
                // It turned out to be one that was shown already, and its incident may have others still.
                Ok(_) => match journal.not_yet_notified().await {
                    Ok(mut entries) => {
                        entries.retain(|entry| entry.incident.id == incident);
                        Tick::NotYetNotified(entries)
                    }
                    Err(error) => Tick::WriteFailed(error),
                },
                Err(error) => Tick::WriteFailed(error),
            }
        });
    }

    /// Alerts that were stored and not shown: a crash came between, or there was no notification service.
    pub(crate) fn look_for_unnotified(&self) {
        if !self.alerts.snoozing.is_recalled() {
            return;
        }
        let journal = self.journal.clone();
        self.spawn(async move {
            match journal.not_yet_notified().await {
                Ok(entries) => Tick::NotYetNotified(entries),
                Err(error) => Tick::WriteFailed(error),
            }
        });
    }

    pub(crate) fn not_yet_notified(&mut self, entries: Vec<Entry>) {
        let (live, history): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| entry.alert.source == Source::Live && self.is_fresh(entry));
        self.tell_late(live, history);
    }

    /// What was missed: the fresh as if they had come on the socket.
    pub(crate) fn raise_missed(&mut self, missed: Vec<Entry>) {
        let mut newest: BTreeMap<IncidentId, Entry> = BTreeMap::new();
        for entry in missed {
            newest.insert(entry.incident.id, entry);
        }
        let (fresh, old): (Vec<Entry>, Vec<Entry>) =
            newest.into_values().partition(|entry| self.is_fresh(entry));
        self.tell_late(fresh, old);
    }

    /// One entry an incident: as many of the fresh as can stand get popups, the worst and newest, one a camera. The others
    /// and the old are counted.
    fn tell_late(&mut self, mut fresh: Vec<Entry>, mut counted: Vec<Entry>) {
        for entries in [&mut fresh, &mut counted] {
            entries.retain(|entry| !self.is_snoozed(&entry.incident));
        }
        fresh.sort_by_key(|entry| {
            Reverse((policy::card(entry, &self.settings.view).severity, entry.incident.id))
        });
        let mut cameras = BTreeSet::new();
        let mut popups = Vec::new();
        for entry in fresh {
            let stream = entry.incident.stream_id.as_ref().map(|stream| stream.as_str().to_owned());
            if popups.len() < POPUPS && stream.is_none_or(|stream| cameras.insert(stream)) {
                popups.push(entry);
            } else {
                counted.push(entry);
            }
        }
        counted.sort_by_key(|entry| entry.incident.id);
        self.count_missed(counted);
        for entry in popups.iter().rev() {
            self.consider_with_cover(entry);
        }
    }

    fn is_fresh(&self, entry: &Entry) -> bool {
        let alert = &entry.alert;
        self.is_recent(alert.detected_here.or(alert.detected_at).unwrap_or(alert.received_at))
    }

    /// Whether what was detected then, by this computer's clock, is still worth a notification of its own.
    pub(crate) fn is_recent(&self, at: Timestamp) -> bool {
        let age = Duration::try_from(self.wall().duration_since(at)).unwrap_or_default();
        age < self.pace.fresh_within
    }

    /// Whoever signed out is told at their next sign-in.
    fn has_left(&self) -> bool {
        self.who.account == status::Account::Left
    }

    /// Without popups of their own, unless they have one already.
    fn count_missed(&mut self, missed: Vec<Entry>) {
        if !self.settings.view.notifications || self.has_left() {
            return;
        }
        let now = self.now();
        for entry in missed {
            let (incident, alert) = (&entry.incident, &entry.alert);
            let is_told = alert.notified_at.is_some() || self.alerts.recent.covers(&entry);
            if !incident.is_open() || is_told {
                continue;
            }
            if self.alerts.budget.has_popup(incident.id) {
                self.consider_with_cover(&entry);
                continue;
            }
            let sound = self.settings.view.sound && policy::is_first(&entry, &self.alerts.recent);
            self.alerts.recent.note(&entry, now);
            let card = policy::card(&entry, &self.settings.view);
            let steps = match self.page.looks_at(incident.id) {
                true => self.alerts.budget.is_looked_at(card),
                false => {
                    let sound = sound && self.may_sound(&card);
                    self.alerts.budget.count_missed(card, sound)
                }
            };
            self.carry_out(steps);
        }
        if let Some(counter) = self.counter() {
            let counter = self.with_outage(counter);
            self.shell.notify(counter);
        }
    }

    /// Whether the first popup of this incident sounds, or its camera did a short time ago.
    fn may_sound(&mut self, card: &Card) -> bool {
        let length = Duration::from_secs(u64::from(self.settings.view.cooldown_minutes) * 60);
        let now = self.now();
        self.alerts.cooldown.may_sound(card, length, now)
    }

    /// These need no notification of their own any more.
    pub(super) fn mark_told(&self, told: Vec<(IncidentId, AlertId)>, at: Timestamp) {
        if told.is_empty() {
            return;
        }
        let (journal, ticks) = (self.journal.clone(), self.ticks.clone());
        self.tasks.spawn(async move {
            if let Err(error) = journal.mark_told(told.clone(), at).await {
                let _ = ticks.send(Tick::NotToldOf(told, at, error));
            }
        });
    }

    /// It is written down when the disk takes writes again: they would be told of once more after a restart.
    pub(crate) fn not_told_of(
        &mut self,
        told: Vec<(IncidentId, AlertId)>,
        at: Timestamp,
        error: &JournalError,
    ) {
        self.journal_failed(error);
        self.alerts.untold.push((told, at));
        self.alerts.store_again.by(self.now() + self.pace.retry_every);
    }

    /// Of an alert that proved to be another, those of its incident before it were shown with it all the same.
    pub(super) fn mark_notified(&self, incident: Option<IncidentId>, alert: AlertId) {
        let journal = self.journal.clone();
        let at = self.wall();
        let ticks = self.ticks.clone();
        self.tasks.spawn(async move {
            let tick = match journal.mark_notified(alert, at).await {
                Ok(Some(entry)) => {
                    if entry.alert.source == Source::Live {
                        let _ = ticks.send(Tick::LiveAlertShown(entry.alert.received_at));
                    }
                    Tick::Changed(Box::new(entry.incident))
                }
                Ok(None) => {
                    let Some(incident) = incident else { return };
                    match journal.mark_covered(incident, alert, at).await {
                        Ok(()) => return,
                        Err(error) => Tick::WriteFailed(error),
                    }
                }
                Err(error) => Tick::NotMarked(alert, error),
            };
            let _ = ticks.send(tick);
        });
    }

    /// It is written down when the disk takes writes again: it would pop up once more after a crash.
    pub(crate) fn not_marked(&mut self, alert: AlertId, error: &JournalError) {
        self.journal_failed(error);
        self.alerts.unmarked.insert(alert);
        self.alerts.store_again.by(self.now() + self.pace.retry_every);
    }

    /// What became of a notification, or what the person did with it.
    pub(crate) fn notification(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Shown { id, alert } => {
                self.shown.withdraw("no_notifications");
                self.drill_shown(&id, true);
                if id == outage::LASTS {
                    self.outage_told();
                }
                if id == COUNTER {
                    let told = self.alerts.budget.counter_shown();
                    self.mark_told(told, self.wall());
                }
                self.on_screen(|budget| {
                    budget.shown(&id);
                    Vec::new()
                });
                if let Some(alert) = alert.and_then(|alert| alert.parse().ok()) {
                    self.mark_notified(id.parse().ok(), alert);
                }
            }
            Outcome::Failed { id, why, .. } => {
                self.drill_shown(&id, false);
                if id == outage::LASTS {
                    self.outage_not_told();
                }
                if let Ok(incident) = id.parse() {
                    self.alerts.recent.forget(incident);
                }
                self.alerts.not_shown(&id);
                self.alerts.cooldown.forget(&id);
                self.alerts.reminding.failed(&id);
                if id == COUNTER {
                    for card in self.alerts.budget.counter_failed() {
                        card.incident.into_iter().for_each(|incident| self.alerts.recent.forget(incident));
                        self.alerts.not_shown(&card.id);
                        self.alerts.cooldown.forget(&card.id);
                    }
                }
                self.on_screen(|budget| budget.failed(&id));
                self.shown.say("no_notifications", text("notice.no_notifications", &[("why", &why)]));
                self.alerts.notify_again.by(self.now() + NOTIFY_AGAIN);
            }
            Outcome::Opened { id } => {
                let opened = self.alerts.reminding.opened_by(&id).into_owned();
                self.closed(&id);
                self.open_incident(&opened);
            }
            Outcome::Acknowledged { id } => {
                self.closed(&id);
                let judgement = Judgement {
                    decision: Decision::Acknowledged,
                    outcome: None,
                    note: None,
                    by: None,
                    dispatch: Dispatch::AtOnce,
                };
                self.decide(&id, judgement, None);
            }
            Outcome::Snoozed { id } => self.snooze(AskedSnooze {
                of: SnoozeOf::Incident(id),
                length: FROM_A_POPUP.into(),
                why: None,
                reply: None,
            }),
            Outcome::Closed { id } => self.closed(&id),
            Outcome::Over { id } => self.on_screen(|budget| {
                budget.over(&id);
                Vec::new()
            }),
            Outcome::Lost { unseen } => self.on_screen(|budget| {
                budget.lost(&unseen);
                Vec::new()
            }),
        }
    }

    /// A message from the server that is about no detection. Anybody may have sent it: plain words, one at a time.
    pub(crate) fn message(&mut self, notice: &Notice) {
        if self.is_drill(notice) {
            return;
        }
        let id = "notice:message";
        if !self.settings.view.notifications || !self.alerts.may_raise(id, self.now()) {
            return;
        }
        self.shell.notify(Notification {
            id: id.to_owned(),
            alert: None,
            title: text("notification.message", &[("title", &notice.title)]),
            body: notice.message.clone(),
            picture: None,
            sound: false,
            critical: false,
            buttons: Buttons::Open,
            in_place_of: None,
        });
    }
}

/// The alert's picture from the server's record, which is stored too.
async fn fetch(api: &Api, journal: &Journal, entry: &Entry) -> Option<Bytes> {
    let path = match &entry.alert.picture_path {
        Some(path) => path.clone(),
        None => match api.anomaly(entry.alert.anomaly_id.as_ref()?).await.ok()?.alert.picture {
            Picture::At(path) => path,
            Picture::Jpeg(_) | Picture::Absent | Picture::Refused(_) => return None,
        },
    };
    let jpeg = Jpeg::from_bytes(api.frame(&path).await.ok()?).ok()?;
    let bytes = jpeg.bytes().clone();
    if let Err(error) = journal.attach_picture(entry.alert.id, Picture::Jpeg(jpeg)).await {
        tracing::warn!(%error, "a picture cannot be stored");
    }
    Some(bytes)
}

pub(super) async fn cover(journal: &Journal, entry: &Entry) -> Option<Bytes> {
    let id = if entry.alert.picture.is_some() { Some(entry.alert.id) } else { entry.incident.cover };
    journal.frame(id?).await.ok().flatten()
}
