//! The desktop: who shows notifications, and who shows the tray.

#[cfg(target_os = "linux")]
pub(super) use linux::{notifications, tray};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{notifications, tray};

#[cfg(target_os = "linux")]
mod linux {
    use crate::doctor::{Check, Finding};
    use crate::notifier;
    use crate::tray::host::{self, Drawn};
    use crate::words::text;

    pub(in crate::doctor) async fn notifications() -> Finding {
        let advice = text("doctor.notifications_advice", &[]);
        match notifier::ask().await {
            Ok(service) => Finding::good(Check::Notifications, notifier::told(&service)),
            Err(why) => {
                tracing::debug!(why, "nobody shows notifications");
                Finding::bad(Check::Notifications, text("doctor.notifications_none", &[]), advice)
            }
        }
    }

    pub(in crate::doctor) async fn tray() -> Finding {
        match host::any().await {
            Drawn::By(by) => Finding::good(Check::Tray, text("doctor.tray_good", &[("by", &by)])),
            Drawn::Unknown(by) => Finding::warning(
                Check::Tray,
                text("doctor.tray_unknown", &[("by", &by)]),
                text("doctor.tray_unknown_advice", &[]),
            ),
            Drawn::No => {
                Finding::warning(Check::Tray, text("doctor.tray_none", &[]), text("doctor.tray_advice", &[]))
            }
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
