//! Linux: the client's own item on the session bus, which says more than the window system's tray can.

use std::path::PathBuf;

use tauri::{AppHandle, Manager};
use tokio::sync::watch;
use visionguard_client::installation::{self, DataDir};
use visionguard_client::tray::host::{self, Drawn};
use visionguard_client::tray::item;
use visionguard_client::view::Tray;

pub(super) fn start(app: &AppHandle, newest: watch::Receiver<Option<Tray>>) {
    let (id, icons, app) = (super::id(app), icons(app), app.clone());
    tauri::async_runtime::spawn(item::run(id, newest, icons, move |choice| super::choose(&app, choice)));
}

/// Whether a closed window could not be brought back: nobody draws our icon, or that cannot be told.
pub(crate) async fn would_lose_the_window() -> bool {
    match host::ours().await {
        Drawn::By(_) => false,
        Drawn::Unknown(watcher) => {
            tracing::warn!(watcher, "it cannot be told whether anybody draws the tray's icon");
            true
        }
        Drawn::No => {
            tracing::warn!("nobody on this desktop draws the tray's icon");
            true
        }
    }
}

/// Where other programs of this user find them, and where they are gone with the session, if there is such a place.
fn icons(app: &AppHandle) -> Option<PathBuf> {
    let data_dir = &app.try_state::<DataDir>()?.path;
    let folder = installation::runtime_dir(data_dir).unwrap_or_else(|| data_dir.clone());
    Some(folder.join("tray"))
}
