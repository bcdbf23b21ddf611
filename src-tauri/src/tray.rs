//! The tray: an icon that says the status by its shape, a tooltip, a menu. What it shows is `visionguard_client::tray`'s
//! to say.

#[cfg(target_os = "linux")]
#[path = "tray/linux.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "tray/other.rs"]
mod platform;

use std::path::Path;

use tokio::runtime::Handle;
use tokio::sync::watch;
use visionguard_client::controller::Client;
use visionguard_client::installation;
use visionguard_client::tray::Choice;
use visionguard_client::view::Tray;

use crate::system::System;

#[cfg(not(target_os = "linux"))]
pub(crate) use platform::menu_event;
pub(crate) use platform::would_lose_the_window;

/// What the tray shows, once it is started.
pub(crate) fn model() -> (watch::Sender<Option<Tray>>, watch::Receiver<Option<Tray>>) {
    watch::channel(None)
}

/// Starts the tray; it shows what is newest, and does with the client what is chosen.
pub(crate) fn start(system: &System, data_dir: &Path, newest: watch::Receiver<Option<Tray>>, client: Client) {
    let chooser = Chooser { client, runtime: Handle::current() };
    platform::start(system, id(data_dir), data_dir, newest, chooser);
}

/// Does what is chosen, on whatever thread the tray calls.
#[derive(Debug, Clone)]
struct Chooser {
    client: Client,
    runtime: Handle,
}

impl Chooser {
    fn choose(&self, choice: Choice) {
        match choice {
            Choice::Open => self.client.open(),
            Choice::Retry => self.client.retry_now(),
            Choice::Drill => drop(self.runtime.spawn(drill(self.client.clone()))),
            Choice::Snooze(camera) => self.client.snooze_from_tray(&camera),
            Choice::EndSnoozes => self.client.end_snoozes(),
            Choice::Quit => self.client.quit(),
        }
    }
}

/// Its end is told by the status, the page and a notification.
async fn drill(client: Client) {
    if let Err(problem) = client.drill().await {
        tracing::warn!(code = problem.code, "the alert path was not tested");
    }
}

/// Hosts remember by it which icons the person hid: two installations are two.
fn id(data_dir: &Path) -> String {
    if installation::is_usual(data_dir) {
        "visionguard".to_owned()
    } else {
        format!("visionguard-{}", installation::identity(data_dir))
    }
}
