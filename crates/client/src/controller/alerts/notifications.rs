//! Which notifications are raised, when, and what becomes of them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use visionguard_proto::message::Notice;
use visionguard_proto::{Jpeg, Picture};

use crate::api::Api;
use crate::controller::Controller;
use crate::controller::link::outage;
use crate::controller::ticks::Tick;
use crate::journal::{Journal, JournalError};
use crate::model::{AlertId, Decision, Dispatch, Entry, IncidentId, Source};
use crate::policy::{self, Verdict};
use crate::shell::{Buttons, Notification, Outcome};
use crate::status;
use crate::words::text;

/// More missed incidents than this at once are told in a summary, however fresh.
const MOST_SINGLY: usize = 3;
/// How long after a failure the notification service is tried again.
const NOTIFY_AGAIN: Duration = Duration::from_secs(30);
/// How long a notification waits for a picture that only the server has.
const PICTURE_WITHIN: Duration = Duration::from_secs(3);

impl Controller {
    /// Shows it, later or now, as the policy has it.
    pub(crate) fn consider(&mut self, entry: &Entry, picture: Option<Bytes>) {
        if entry.alert.notified_at.is_some() {
            return;
        }
        let now = self.now();
        match policy::consider(entry, picture, &self.settings.view, &self.alerts.recent, now) {
            Verdict::Notify(notification) => {
                self.alerts.recent.note(entry, now);
                self.alerts.again.remove(&entry.incident.id);
                self.shell.notify(*notification);
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
        let shows_pictures = self.settings.view.notifications && self.settings.view.picture_in_notification;
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
        for entry in &live {
            self.consider_with_cover(entry);
        }
        self.summarise(&history);
    }

    /// What was missed: the fresh singly if they are few, as if they had come on the socket; the rest in one summary.
    pub(crate) fn raise_missed(&mut self, missed: Vec<Entry>) {
        let mut newest: BTreeMap<IncidentId, Entry> = BTreeMap::new();
        for entry in missed {
            newest.insert(entry.incident.id, entry);
        }
        let (fresh, old): (Vec<Entry>, Vec<Entry>) =
            newest.into_values().partition(|entry| self.is_fresh(entry));
        if fresh.len() <= MOST_SINGLY {
            for entry in &fresh {
                self.consider_with_cover(entry);
            }
            self.summarise(&old);
        } else {
            self.summarise(&[old, fresh].concat());
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

    fn summarise(&mut self, missed: &[Entry]) {
        if missed.is_empty() {
            return;
        }
        if let Some(notification) = policy::summarise(missed, &self.settings.view) {
            self.alerts.summarised.extend(missed.iter().map(|entry| entry.incident.id));
            let notification = self.with_outage(notification);
            self.shell.notify(notification);
        }
    }

    /// These need no notification of their own any more.
    pub(super) fn cover(&self, incidents: Vec<IncidentId>, at: Timestamp) {
        if incidents.is_empty() {
            return;
        }
        let (journal, ticks) = (self.journal.clone(), self.ticks.clone());
        self.tasks.spawn(async move {
            if let Err(error) = journal.mark_incidents_notified(incidents.clone(), at).await {
                let _ = ticks.send(Tick::NotCovered(incidents, at, error));
            }
        });
    }

    /// It is written down when the disk takes writes again: the summary would be shown once more after a restart.
    pub(crate) fn not_covered(&mut self, incidents: Vec<IncidentId>, at: Timestamp, error: &JournalError) {
        self.journal_failed(error);
        self.alerts.uncovered.push((incidents, at));
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
                if id == policy::SUMMARY {
                    let covered = std::mem::take(&mut self.alerts.summarised);
                    self.cover(covered, self.wall());
                }
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
                self.shown.say("no_notifications", text("notice.no_notifications", &[("why", &why)]));
                self.alerts.notify_again.by(self.now() + NOTIFY_AGAIN);
            }
            Outcome::Opened { id } => self.open_incident(&id),
            Outcome::Acknowledged { id } => {
                self.decide(&id, Decision::Acknowledged, None, Dispatch::AtOnce, None);
            }
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

async fn cover(journal: &Journal, entry: &Entry) -> Option<Bytes> {
    let id = if entry.alert.picture.is_some() { Some(entry.alert.id) } else { entry.incident.cover };
    journal.frame(id?).await.ok().flatten()
}
