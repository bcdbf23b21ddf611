//! The desktop as the controller sees it. None of these waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use visionguard_client::notifier::Notifier;
use visionguard_client::shell::{Notification, Shell};
use visionguard_client::view;

use crate::autostart::{Asked, Autostart};
use crate::sound::Sounds;
use crate::window::Window;

/// How long the end of the program waits for its notifications to be taken back.
const NOTIFICATIONS_WITHIN: Duration = Duration::from_secs(2);

/// Handles of everything that draws.
#[derive(Debug)]
pub(crate) struct Desktop {
    notifier: Arc<Notifier>,
    tray: watch::Sender<Option<view::Tray>>,
    sounds: Arc<Sounds>,
    window: Window,
    autostart: Autostart,
    /// Dropped at the end.
    end: Option<oneshot::Sender<()>>,
}

impl Desktop {
    pub(crate) fn new(
        notifier: Arc<Notifier>,
        tray: watch::Sender<Option<view::Tray>>,
        sounds: Arc<Sounds>,
        window: Window,
        autostart: Autostart,
        end: oneshot::Sender<()>,
    ) -> Self {
        Self { notifier, tray, sounds, window, autostart, end: Some(end) }
    }
}

impl Shell for Desktop {
    fn notify(&mut self, notification: Notification) {
        self.notifier.notify(notification);
    }

    fn withdraw(&mut self, incident: &str) {
        self.notifier.withdraw(incident);
    }

    fn show_tray(&mut self, tray: &view::Tray) {
        self.tray.send_replace(Some(tray.clone()));
    }

    fn emit(&mut self, event: &view::Event) {
        self.window.tell(event);
    }

    fn show_window(&mut self, incident: Option<&str>) {
        self.window.show(incident);
    }

    fn settings(&mut self, settings: &view::SettingsView) {
        self.sounds.set_volume(settings.sound_volume);
        let (autostart, wanted) = (self.autostart.clone(), settings.start_at_sign_in);
        tokio::task::spawn_blocking(move || autostart.make(wanted, Asked::AtStart));
    }

    fn quit(&mut self) {
        // What stands would be answered by nobody.
        self.notifier.end(NOTIFICATIONS_WITHIN);
        self.end = None;
    }
}
