//! Linux: the client's own item on the session bus, which says more than the window system's tray can.

use std::path::{Path, PathBuf};

use tokio::sync::watch;
use visionguard_client::installation;
use visionguard_client::tray::host::{self, Drawn};
use visionguard_client::tray::item;
use visionguard_client::view::Tray;

use super::Chooser;
use crate::system::System;

pub(super) fn start(
    _system: &System,
    id: String,
    data_dir: &Path,
    newest: watch::Receiver<Option<Tray>>,
    chooser: Chooser,
) {
    let icons = Some(icons(data_dir));
    tokio::spawn(item::run(id, newest, icons, move |choice| chooser.choose(choice)));
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
fn icons(data_dir: &Path) -> PathBuf {
    installation::runtime_dir(data_dir).unwrap_or_else(|| data_dir.to_owned()).join("tray")
}
