//! Native notifications: one actor on a thread of its own raises, replaces and withdraws them, and reports what became
//! of each.
//!
//! Nothing here can hold up the caller: [`Notifier::notify`] puts the notification on a short list and returns. A
//! service that is absent, late, frozen or refusing costs the actor five seconds and ends in [`Outcome::Failed`] with a
//! sentence. While it waits, newer notifications of the same id take the older ones' place, and what does not fit on the
//! list is told in one summary.
//!
//! It decides nothing: whether something is worth a notification is for the policy.

#[cfg(target_os = "linux")]
mod desk;
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
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::shell::{Notification, Outcome};

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
    /// Starts the actor. Pictures are written under `directory` while their notification stands; what an earlier run
    /// left there is removed. `report` is called on the actor's thread and must not block.
    pub fn start(directory: &Path, report: impl Fn(Outcome) + Send + Sync + 'static) -> io::Result<Self> {
        let pictures = Pictures::open(directory)?;
        let pending = Arc::new(Pending::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let orders = Arc::clone(&pending);

        thread::Builder::new().name("notifications".into()).spawn(move || {
            runtime.block_on(serve(&orders, Desk::new(pictures, Arc::new(report))));
            // A call that never returned may still sit on a blocking thread.
            runtime.shutdown_background();
        })?;

        Ok(Self { pending: Arc::new(Open(pending)) })
    }

    /// Raises a notification, or updates the one with the same id in place.
    pub fn notify(&self, notification: Notification) {
        self.pending.0.raise(notification);
    }

    /// Takes a notification back.
    pub fn withdraw(&self, id: &str) {
        self.pending.0.withdraw(id);
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Notifier").finish_non_exhaustive()
    }
}

/// Closes the list when the last [`Notifier`] goes.
struct Open(Arc<Pending>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
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
}

/// Where outcomes go.
type Report = Arc<dyn Fn(Outcome) + Send + Sync>;

async fn serve(pending: &Pending, mut desk: Desk) {
    while let Some(order) = pending.next().await {
        match order {
            Order::Raise(item) => desk.raise(*item).await,
            Order::Withdraw(id) => desk.withdraw(&id).await,
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
