//! The tray: an icon that says the status by its shape, a tooltip, a menu. What it shows is `visionguard_client::tray`'s
//! to say.

#[cfg(target_os = "linux")]
#[path = "tray/linux.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "tray/other.rs"]
mod platform;

use tauri::{AppHandle, Manager};
use tokio::sync::watch;
use visionguard_client::controller::Client;
use visionguard_client::tray::Choice;
use visionguard_client::view::Tray;

#[cfg(not(target_os = "linux"))]
pub(crate) use platform::menu_event;
pub(crate) use platform::would_lose_the_window;

/// Starts the tray; it shows what is sent.
pub(crate) fn keep(app: &AppHandle) -> watch::Sender<Option<Tray>> {
    let (models, newest) = watch::channel(None);
    platform::start(app, newest);
    models
}

/// Does what was chosen.
fn choose(app: &AppHandle, choice: Choice) {
    let Some(client) = app.try_state::<Client>() else { return };
    match choice {
        Choice::Open => client.open(),
        Choice::Retry => client.retry_now(),
        Choice::Drill => drill(client.inner().clone()),
        Choice::Quit => client.quit(),
    }
}

/// Its end is told by the status, the page and a notification.
fn drill(client: Client) {
    tauri::async_runtime::spawn(async move {
        if let Err(problem) = client.drill().await {
            tracing::warn!(code = problem.code, "the alert path was not tested");
        }
    });
}

/// Hosts remember by it which icons the person hid: two installations are two.
fn id(app: &AppHandle) -> String {
    match app.config().identifier.rsplit_once(".i") {
        Some((_, identity)) => format!("visionguard-{identity}"),
        None => "visionguard".to_owned(),
    }
}
