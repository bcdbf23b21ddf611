//! The desktop: who shows notifications, and who shows the tray.

#[cfg(target_os = "linux")]
pub(super) use linux::{notifications, tray};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{notifications, tray};

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use crate::doctor::{Check, Finding};
    use crate::notifier;
    use crate::words::text;

    /// A frozen program on the bus is as good as none.
    const ANSWER_WITHIN: Duration = Duration::from_secs(5);

    pub(in crate::doctor) async fn notifications() -> Finding {
        let advice = text("doctor.notifications_advice", &[]);
        match notifier::ask().await {
            Ok(service) => {
                let can = notifier::abilities(&service);
                let values = [("name", service.name.as_str()), ("can", can.as_str())];
                Finding::good(Check::Notifications, text("doctor.notifications_good", &values))
            }
            Err(why) => {
                tracing::debug!(why, "nobody shows notifications");
                Finding::bad(Check::Notifications, text("doctor.notifications_none", &[]), advice)
            }
        }
    }

    pub(in crate::doctor) async fn tray() -> Finding {
        match within(has_tray_host()).await {
            Some(true) => Finding::good(Check::Tray, text("doctor.tray_good", &[])),
            Some(false) | None => {
                Finding::warning(Check::Tray, text("doctor.tray_none", &[]), text("doctor.tray_advice", &[]))
            }
        }
    }

    async fn has_tray_host() -> zbus::Result<bool> {
        let bus = zbus::Connection::session().await?;
        let daemon = zbus::fdo::DBusProxy::new(&bus).await?;
        Ok(daemon.name_has_owner("org.kde.StatusNotifierWatcher".try_into()?).await?)
    }

    async fn within<T>(question: impl Future<Output = zbus::Result<T>>) -> Option<T> {
        match tokio::time::timeout(ANSWER_WITHIN, question).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the session bus has no answer");
                None
            }
            Err(_) => None,
        }
    }
}

/// Windows and macOS show both themselves.
#[cfg(not(target_os = "linux"))]
mod other {
    use crate::doctor::{Check, Finding};
    use crate::words::text;

    #[allow(clippy::unused_async, reason = "the other platform asks the desktop")]
    pub(in crate::doctor) async fn notifications() -> Finding {
        Finding::good(Check::Notifications, text("doctor.desktop_builtin", &[]))
    }

    #[allow(clippy::unused_async, reason = "the other platform asks the desktop")]
    pub(in crate::doctor) async fn tray() -> Finding {
        Finding::good(Check::Tray, text("doctor.desktop_builtin", &[]))
    }
}
