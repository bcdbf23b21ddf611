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
        match notifier::ask().await {
            Ok(service) => Finding::good(Check::Notifications, notifier::told(&service)),
            Err(why) => {
                tracing::debug!(why, "nobody shows notifications");
                nobody(["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some()))
            }
        }
    }

    /// Without a desktop, as on a computer that runs `visionguard watch` alone, nobody has to show any.
    fn nobody(has_desktop: bool) -> Finding {
        let key = if has_desktop { "doctor.notifications_none" } else { "doctor.notifications_no_desktop" };
        let found = text(key, &[]);
        match has_desktop {
            true => Finding::bad(Check::Notifications, found, text("doctor.notifications_advice", &[])),
            false => {
                let advice = text("doctor.notifications_no_desktop_advice", &[]);
                Finding::warning(Check::Notifications, found, advice)
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

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::doctor::Verdict;

        #[test]
        fn nobody_who_shows_notifications_is_a_fault_of_a_desktop_alone() {
            let (desktop, box_alone) = (nobody(true), nobody(false));

            assert_eq!((desktop.verdict, box_alone.verdict), (Verdict::Bad, Verdict::Warning));
            assert!(box_alone.found.contains("visionguard watch"), "{}", box_alone.found);
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
