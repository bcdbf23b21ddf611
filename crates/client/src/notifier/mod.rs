//! Native notifications: one actor on a thread of its own raises, replaces and withdraws them, and reports what became
//! of each.
//!
//! Nothing here can hold up the caller: [`Notifier::notify`] puts the notification on a short list and returns. A
//! service that is absent, late, frozen or refusing costs the actor five seconds and ends in [`Outcome::Failed`] with a
//! sentence. While it waits, newer notifications of the same id take the older ones' place.
//!
//! It decides nothing: whether something is worth a notification is for the policy.

mod abilities;
#[cfg(target_os = "linux")]
mod desk;
#[cfg(target_os = "linux")]
pub mod manners;
mod pending;
mod picture;
#[cfg(any(test, not(target_os = "linux")))]
mod raised;
mod text;
#[cfg(not(target_os = "linux"))]
mod toast;

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::shell::{Notification, Outcome};

pub use abilities::{follow, told};
#[cfg(target_os = "linux")]
pub use desk::ask;
#[cfg(not(target_os = "linux"))]
pub use toast::ask;

#[cfg(target_os = "linux")]
use desk::Desk;
use pending::{Item, Order, Pending};
use picture::Pictures;
#[cfg(not(target_os = "linux"))]
use toast::Desk;

/// How long a notification service may take for one notification.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// Raises native notifications; the thread ends, and takes its notifications back, when the last clone is dropped.
#[derive(Clone)]
pub struct Notifier {
    pending: Arc<Open>,
}

impl Notifier {
    /// Starts the actor. Pictures are written under `directory` while their notification stands, with a note of what stands;
    /// what an earlier run left there is removed, and what it left on the desktop taken back, so no two may share one. Where
    /// nothing can be written there are no pictures. `report` is called on the actor's thread and must not block.
    pub fn start(directory: &Path, report: impl Fn(Outcome) + Send + Sync + 'static) -> io::Result<Self> {
        Self::start_with(directory, report, None)
    }

    /// The same with sounds of our own for what is to be heard, played when the desktop has taken such a notification and does
    /// not ask for quiet.
    pub fn start_sounding(
        directory: &Path,
        report: impl Fn(Outcome) + Send + Sync + 'static,
        sounds: Arc<dyn Sounds>,
    ) -> io::Result<Self> {
        Self::start_with(directory, report, Some(sounds))
    }

    fn start_with(
        directory: &Path,
        report: impl Fn(Outcome) + Send + Sync + 'static,
        sounds: Option<Arc<dyn Sounds>>,
    ) -> io::Result<Self> {
        let pictures = Pictures::open(directory)
            .inspect_err(|error| tracing::warn!(%error, "notifications come without pictures"))
            .ok();
        let pending = Arc::new(Pending::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let orders = Arc::clone(&pending);
        let directory = directory.to_owned();
        let (done, ended) = channel();

        thread::Builder::new().name("notifications".into()).spawn(move || {
            runtime.block_on(serve(&orders, Desk::new(pictures, &directory, Arc::new(report), sounds)));
            // A call that never returned may still sit on a blocking thread.
            runtime.shutdown_background();
            drop(done);
        })?;

        Ok(Self { pending: Arc::new(Open { pending, ended: Mutex::new(ended) }) })
    }

    /// Raises a notification, or updates the one with the same id in place.
    pub fn notify(&self, notification: Notification) {
        self.pending.pending.raise(notification);
    }

    /// Takes a notification back.
    pub fn withdraw(&self, id: &str) {
        self.pending.pending.withdraw(id);
    }

    /// Takes everything back, for good, and waits until that is done, at most for so long: a process that ends first leaves
    /// its notifications standing.
    pub fn end(&self, within: Duration) {
        self.pending.pending.close();
        let ended = self.pending.ended.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing is ever sent: what is waited for is the other end's going.
        let _ = ended.recv_timeout(within);
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Notifier").finish_non_exhaustive()
    }
}

/// Closes the list when the last [`Notifier`] goes.
struct Open {
    pending: Arc<Pending>,
    ended: Mutex<Receiver<()>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.pending.close();
    }
}

/// What the program that shows notifications says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name and version, such as "dunst 1.9.0".
    pub name: String,
    /// It reads markup in the body.
    pub markup: bool,
    /// It shows buttons, or at least takes a click.
    pub actions: bool,
    /// What it does with notifications.
    #[cfg(target_os = "linux")]
    pub manners: manners::Manners,
}

/// Where what is shown for this data directory is kept: where nothing is written to the disk, if there is such a place.
/// Two programs with two data directories have two.
#[must_use]
pub fn directory(data_dir: &Path) -> PathBuf {
    let volatile = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    match volatile {
        Some(volatile) => {
            let name = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
            let name: String = name.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            volatile.join("visionguard").join(name)
        }
        None => data_dir.join("notifications"),
    }
}

/// Where outcomes go.
type Report = Arc<dyn Fn(Outcome) + Send + Sync>;

/// Makes the sounds of notifications. None of these may block.
pub trait Sounds: Send + Sync + 'static {
    /// Whether one would be heard, as far as is known; where not, the desktop's service is asked for one.
    fn can_play(&self) -> bool;

    /// Plays one, of a critical notification or another.
    fn play(&self, critical: bool);
}

/// Who makes the sound of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    /// We do: the service keeps still.
    Ours,
    /// The service, if it can.
    Service,
    /// It makes none.
    Nobody,
}

impl Voice {
    fn of(notification: &Notification, sounds: Option<&Arc<dyn Sounds>>) -> Self {
        match (notification.sound, sounds.is_some_and(|sounds| sounds.can_play())) {
            (false, _) => Self::Nobody,
            (true, true) => Self::Ours,
            (true, false) => Self::Service,
        }
    }
}

async fn serve(pending: &Pending, mut desk: Desk) {
    desk.begin().await;
    loop {
        let order = tokio::select! {
            biased;
            event = desk.next() => {
                desk.handle(event);
                continue;
            }
            order = pending.next() => order,
        };
        match order {
            Some(Order::Raise(item)) => desk.raise(*item).await,
            Some(Order::Withdraw(id)) => desk.withdraw(&id).await,
            None => break,
        }
    }
    desk.leave().await;
}

/// Reports a notification with all the alerts it stands for as shown.
fn report_shown(report: &Report, item: &Item) {
    tracing::debug!(id = item.notification.id, alerts = item.speaks_of.len(), "notification shown");
    for (id, alert) in &item.speaks_of {
        report(Outcome::Shown { id: id.clone(), alert: alert.clone() });
    }
}

/// Reports a notification with all the alerts it stands for as not shown.
fn report_failed(report: &Report, item: &Item, why: &str) {
    tracing::warn!(id = item.notification.id, why, "notification not shown");
    for (id, alert) in &item.speaks_of {
        report(Outcome::Failed { id: id.clone(), alert: alert.clone(), why: why.to_owned() });
    }
}
