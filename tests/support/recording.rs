//! A desktop that draws nothing and remembers everything it was told.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use visionguard_client::controller::Client;
use visionguard_client::notifier::Notifier;
use visionguard_client::shell::{Notification, Outcome, Shell};
use visionguard_client::view;

use crate::wait;

/// What the desktop was told, in order.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Notifications raised, updates of the same incident included.
    pub notifications: Vec<Notification>,
    /// Incidents whose notification was taken back.
    pub withdrawn: Vec<String>,
    /// Trays shown.
    pub trays: Vec<view::Tray>,
    /// Events handed to the page.
    pub events: Vec<view::Event>,
    /// Times the window was asked for, with the incident if one was named.
    pub windows: Vec<Option<String>>,
    /// The program was told to end.
    pub quit: bool,
    /// What became of notifications that were raised for real.
    pub outcomes: Vec<Outcome>,
}

/// How the notification daemon of this desktop behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Daemon {
    /// Takes every notification.
    #[default]
    Takes,
    /// Refuses every notification.
    Refuses,
    /// Never answers.
    Hangs,
}

/// The test's view of the desktop; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    record: Record,
    daemon: Daemon,
    client: Option<Client>,
    /// Raises notifications for real.
    native: Option<Notifier>,
    /// Outcomes from before the client was known.
    early: Vec<Outcome>,
}

/// The client's view of it.
#[derive(Debug)]
pub struct RecordingShell(Recording);

impl Recording {
    /// A desktop whose notification daemon takes everything.
    pub fn new() -> Recording {
        Recording::default()
    }

    /// What to hand to [`Client::start`].
    pub fn shell(&self) -> RecordingShell {
        RecordingShell(self.clone())
    }

    /// Whom to tell what became of notifications.
    pub fn attach(&self, client: &Client) {
        let mut inner = self.lock();
        for outcome in std::mem::take(&mut inner.early) {
            client.notification(outcome);
        }
        inner.client = Some(client.clone());
    }

    /// Changes how the notification daemon behaves from now on.
    pub fn set_daemon(&self, daemon: Daemon) {
        self.lock().daemon = daemon;
    }

    /// From now on notifications go to the desktop's own program for them; pictures for it are kept in this folder.
    pub fn raise_for_real(&self, pictures: &Path) {
        let recording = self.clone();
        let native = Notifier::start(pictures, move |outcome| recording.tell(outcome)).unwrap();
        self.lock().native = Some(native);
    }

    fn tell(&self, outcome: Outcome) {
        let mut inner = self.lock();
        inner.record.outcomes.push(outcome.clone());
        match &inner.client {
            Some(client) => client.notification(outcome),
            None => inner.early.push(outcome),
        }
    }

    /// All that was recorded so far.
    pub fn record(&self) -> Record {
        self.lock().record.clone()
    }

    /// Waits until the record shows what the test waits for.
    ///
    /// # Panics
    ///
    /// After [`wait::PATIENCE`], naming `what` was waited for and what was last known.
    pub async fn until<T>(&self, what: &str, condition: impl Fn(&Record) -> Option<T>) -> T {
        wait::until_or(|| condition(&self.lock().record), || format!("{what}; {}", self.summary())).await
    }

    /// Waits until the tray shows this status.
    pub async fn until_status(&self, status: view::Status) {
        let what = format!("the status {status:?}");
        self.until(&what, |record| record.trays.last().filter(|tray| tray.status == status).map(drop)).await;
    }

    /// Waits until at least `count` alert notifications were raised; their notifications, in order.
    pub async fn until_notified(&self, count: usize) -> Vec<Notification> {
        self.until(&format!("{count} alert notifications"), |record| {
            let alerts = record.alert_notifications();
            (alerts.len() >= count).then_some(alerts)
        })
        .await
    }

    fn summary(&self) -> String {
        let inner = self.lock();
        let titles: Vec<&str> =
            inner.record.notifications.iter().map(|raised| raised.title.as_str()).collect();
        let trays: Vec<&str> = inner.record.trays.iter().map(|tray| tray.tooltip.as_str()).collect();
        format!("notifications {titles:?}, trays {trays:?}, {} events", inner.record.events.len())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// The notifications that speak of an alert.
    pub fn alert_notifications(&self) -> Vec<Notification> {
        self.notifications.iter().filter(|raised| raised.alert.is_some()).cloned().collect()
    }

    /// The status last shown.
    pub fn status(&self) -> Option<view::Status> {
        self.trays.last().map(|tray| tray.status)
    }
}

impl Shell for RecordingShell {
    fn notify(&mut self, notification: Notification) {
        let (id, alert) = (notification.id.clone(), notification.alert.clone());
        let mut inner = self.0.lock();
        if let Some(native) = &inner.native {
            native.notify(notification.clone());
            inner.record.notifications.push(notification);
            return;
        }
        inner.record.notifications.push(notification);
        let outcome = match inner.daemon {
            Daemon::Takes => Outcome::Shown { id, alert },
            Daemon::Refuses => {
                Outcome::Failed { id, alert, why: "the daemon of this test refuses".to_owned() }
            }
            Daemon::Hangs => return,
        };
        match &inner.client {
            Some(client) => client.notification(outcome),
            None => inner.early.push(outcome),
        }
    }

    fn withdraw(&mut self, incident: &str) {
        self.0.lock().record.withdrawn.push(incident.to_owned());
    }

    fn show_tray(&mut self, tray: &view::Tray) {
        self.0.lock().record.trays.push(tray.clone());
    }

    fn emit(&mut self, event: &view::Event) {
        self.0.lock().record.events.push(event.clone());
    }

    fn show_window(&mut self, incident: Option<&str>) {
        self.0.lock().record.windows.push(incident.map(str::to_owned));
    }

    fn quit(&mut self) {
        self.0.lock().record.quit = true;
    }
}
