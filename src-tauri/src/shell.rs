//! The desktop as the controller sees it. None of these waits: the window system's part is done on its own thread.

use std::time::Duration;

use tauri::{AppHandle, Manager};
use tokio::sync::watch;
use visionguard_client::notifier::Notifier;
use visionguard_client::shell::{Notification, Shell};
use visionguard_client::view;

use crate::page::Page;
use crate::window;

/// How long the end of the program waits for its notifications to be taken back.
const NOTIFICATIONS_WITHIN: Duration = Duration::from_secs(2);

/// Handles of everything that draws.
#[derive(Debug)]
pub(crate) struct Desktop {
    app: AppHandle,
    notifier: Notifier,
    tray: watch::Sender<Option<view::Tray>>,
}

impl Desktop {
    pub(crate) fn new(app: AppHandle, notifier: Notifier, tray: watch::Sender<Option<view::Tray>>) -> Self {
        Self { app, notifier, tray }
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

    fn quit(&mut self) {
        // What stands would be answered by nobody.
        self.notifier.end(NOTIFICATIONS_WITHIN);
        self.app.exit(0);
    }
}
