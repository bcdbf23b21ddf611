//! The desktop as the controller sees it. None of these waits: the window system's part is done on its own thread.

use std::sync::Arc;
use std::time::Duration;

use tauri::{AppHandle, Manager};
use tokio::sync::watch;
use visionguard_client::controller::Client;
use visionguard_client::installation::DataDir;
use visionguard_client::notifier::Notifier;
use visionguard_client::shell::{Notification, Shell};
use visionguard_client::view;

use crate::autostart::{self, Asked};
use crate::page::Page;
use crate::sound::Sounds;
use crate::window;

/// How long the end of the program waits for its notifications to be taken back.
const NOTIFICATIONS_WITHIN: Duration = Duration::from_secs(2);

/// Handles of everything that draws.
#[derive(Debug)]
pub(crate) struct Desktop {
    app: AppHandle,
    notifier: Notifier,
    tray: watch::Sender<Option<view::Tray>>,
    sounds: Arc<Sounds>,
}

impl Desktop {
    pub(crate) fn new(
        app: AppHandle,
        notifier: Notifier,
        tray: watch::Sender<Option<view::Tray>>,
        sounds: Arc<Sounds>,
    ) -> Self {
        Self { app, notifier, tray, sounds }
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
        self.app.state::<Page>().send(event);
    }

    fn show_window(&mut self, incident: Option<&str>) {
        if let Some(incident) = incident {
            self.app.state::<Page>().open(incident);
        }
        let app = self.app.clone();
        let shown = self.app.run_on_main_thread(move || window::show(&app));
        if let Err(error) = shown {
            tracing::error!(%error, "cannot show the window");
        }
    }

    fn settings(&mut self, settings: &view::SettingsView) {
        self.sounds.set_volume(settings.sound_volume);
        let (app, wanted) = (self.app.clone(), settings.start_at_sign_in);
        let made = move || {
            if let (Some(client), Some(found)) = (app.try_state::<Client>(), app.try_state::<DataDir>()) {
                autostart::make(&app, &client, &found.path, wanted, Asked::AtStart);
            }
        };
        tauri::async_runtime::spawn_blocking(made);
    }

    fn quit(&mut self) {
        // What stands would be answered by nobody.
        self.notifier.end(NOTIFICATIONS_WITHIN);
        self.app.exit(0);
    }
}
