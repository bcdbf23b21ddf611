//! Whether this desktop has a place for tray icons: somebody owns the name of the status notifier's watcher.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;
use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Follows the watcher for as long as somebody wants to know.
pub(crate) async fn follow(present: watch::Sender<bool>) {
    while !present.is_closed() {
        if let Err(error) = follow_on_this_bus(&present).await {
            tracing::debug!(%error, "cannot look for a tray");
        }
        tell(&present, false);
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn follow_on_this_bus(present: &watch::Sender<bool>) -> zbus::Result<()> {
    let connection = Connection::session().await?;
    let bus = DBusProxy::new(&connection).await?;
    let mut changes = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
    tell(present, bus.name_has_owner(BusName::try_from(WATCHER)?).await?);
    while let Some(change) = changes.next().await {
        tell(present, change.args()?.new_owner().is_some());
    }
    Ok(())
}

fn tell(present: &watch::Sender<bool>, is: bool) {
    present.send_if_modified(|was| std::mem::replace(was, is) != is);
}
