//! The start of the client inside the shell, and what is said when it cannot start.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context;
use tauri::{AppHandle, Manager};
use tauri_plugin_autostart::ManagerExt;
use tokio::sync::mpsc::unbounded_channel;
use visionguard_client::controller::{Client, Parts};
use visionguard_client::local;
use visionguard_client::logging::{self, Logging};
use visionguard_client::notifier::{self, Notifier};
use visionguard_client::power;
use visionguard_client::settings;
use visionguard_client::shell::{Buttons, Notification, Outcome};
use visionguard_client::words;

use crate::shell::Desktop;
use crate::tray;

/// The argument of a start without a window, as at sign-in to the computer.
pub(crate) const HIDDEN: &str = "--hidden";

/// Starts the client, tells the person why if that cannot be, and opens the window unless told not to.
pub(crate) fn start(app: &AppHandle) -> anyhow::Result<Option<Logging>> {
    let data_dir = settings::data_dir().context("cannot use the data directory")?;
    let (settings, complaints) = settings::load(&data_dir);
    let logging = logging::start(&data_dir, settings.log_level, settings.log_format)
        .inspect_err(|error| eprintln!("VisionGuard runs without a log: {error}"))
        .ok();
    for complaint in complaints {
        tracing::warn!(%complaint, "setting not used");
    }
    // A developer's build registers itself only when it is told to on the page.
    if !cfg!(debug_assertions) {
        start_at_sign_in(app, settings.view.start_at_sign_in);
    }

    let (report, mut outcomes) = unbounded_channel();
    let notifier = Notifier::start(&notifier::directory(&data_dir), move |outcome| {
        let _ = report.send(outcome);
    })
    .context("cannot start the notifications")?;
    let shell = Desktop::new(app.clone(), notifier, tray::keep(app));

    let client = Parts::system(settings).and_then(|parts| Client::start(parts, shell));
    let client = client.map_err(anyhow::Error::from).inspect_err(|error| tell(&data_dir, error))?;
    app.manage(client.clone());
    app.manage(local::serve(&data_dir, client.clone()));
    quit_when_told(client.clone());
    let told = client.clone();
    tauri::async_runtime::spawn(async move {
        power::follow(told.clone());
        while let Some(outcome) = outcomes.recv().await {
            told.notification(outcome);
        }
    });
    if !std::env::args_os().any(|argument| argument == HIDDEN) {
        client.open();
    }
    Ok(logging)
}

/// Makes the computer's list of programs to start agree with the setting. A debug build leaves the list alone: it is
/// tried out, not installed.
pub(crate) fn start_at_sign_in(app: &AppHandle, wanted: bool) {
    if cfg!(debug_assertions) {
        return;
    }
    let autostart = app.autolaunch();
    let is = autostart.is_enabled().unwrap_or(false);
    let done = match (wanted, is) {
        (true, false) => autostart.enable(),
        (false, true) => autostart.disable(),
        (true, true) | (false, false) => Ok(()),
    };
    if let Err(error) = done {
        tracing::warn!(%error, wanted, "cannot change whether the program starts at sign-in");
    }
}

/// Says why the program cannot start; without a notification service, only the terminal hears it.
fn tell(data_dir: &Path, error: &anyhow::Error) {
    tracing::error!(error = format!("{error:#}"), "cannot start");
    let (report, outcome) = mpsc::channel();
    let directory = notifier::directory(data_dir).join("start");
    let Ok(notifier) = Notifier::start(&directory, move |outcome: Outcome| {
        let _ = report.send(outcome);
    }) else {
        return;
    };
    notifier.notify(Notification {
        id: "notice:start".into(),
        alert: None,
        title: words::text("notification.cannot_start", &[]),
        body: format!("{error:#}"),
        picture: None,
        sound: false,
        critical: true,
        buttons: Buttons::Open,
    });
    // It stays up when the program is gone: taking it back takes the notifier's own thread.
    let _ = outcome.recv_timeout(Duration::from_secs(6));
    std::mem::forget(notifier);
}

/// Finishes what is being written when the computer shuts down or the terminal says so.
fn quit_when_told(client: Client) {
    #[cfg(unix)]
    tauri::async_runtime::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hang_up)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()))
        else {
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
        client.quit();
    });
    #[cfg(not(unix))]
    drop(client);
}
