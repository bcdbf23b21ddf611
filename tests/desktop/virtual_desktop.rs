//! The ground that the other tests stand on.

use std::collections::HashMap;

use anyhow::Result;
use xtask::desktop::{Parts, VirtualDesktop};
use zbus::zvariant::Value;

use crate::bus::{Notifications, connect};
use crate::world::eventually;

#[test]
fn two_desktops_run_side_by_side_and_share_nothing() -> Result<()> {
    let one = VirtualDesktop::start(Parts::default())?;
    let two = VirtualDesktop::start(Parts {
        keychain: false,
        notifications: false,
        panel: false,
        ..Parts::default()
    })?;

    assert_ne!(one.display(), two.display());
    assert_ne!(one.bus(), two.bus());
    for part in ["org.freedesktop.secrets", "org.freedesktop.Notifications", "org.kde.StatusNotifierWatcher"]
    {
        assert!(one.has_name(part), "{part}");
        assert!(!two.has_name(part), "{part}");
    }
    Ok(())
}

#[test]
fn nothing_outlives_a_desktop() -> Result<()> {
    let desktop = VirtualDesktop::start(Parts::default())?;
    let dir = desktop.dir().to_owned();
    let is_alive = |number: u32| {
        // A process that ended and was not yet waited for has no command line.
        std::fs::read(format!("/proc/{number}/cmdline")).is_ok_and(|line| !line.is_empty())
    };
    let inhabitants: Vec<u32> =
        ["Xvfb", "openbox", "dbus-daemon", "xfce4-panel", "xfce4-notifyd", "gnome-keyring-daemon"]
            .iter()
            .flat_map(|program| desktop.processes(program))
            .collect();
    assert!(inhabitants.len() >= 6, "{inhabitants:?}");

    drop(desktop);

    assert!(!inhabitants.iter().copied().any(is_alive));
    assert!(!dir.exists());
    Ok(())
}

#[test]
fn a_notification_is_drawn_with_its_buttons_and_seen_on_the_bus() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let desktop = VirtualDesktop::start(Parts::default())?;
    let notifications = runtime.block_on(Notifications::listen(desktop.bus()))?;

    let before = desktop.look()?;
    runtime.block_on(async {
        let connection = connect(desktop.bus()).await?;
        let hints = HashMap::<&str, Value<'_>>::new();
        let actions = ["ack", "Acknowledge"].as_slice();
        connection
            .call_method(
                Some("org.freedesktop.Notifications"),
                "/org/freedesktop/Notifications",
                Some("org.freedesktop.Notifications"),
                "Notify",
                &("a test", 0_u32, "", "A title", "A body", actions, hints, 0_i32),
            )
            .await?;
        anyhow::Ok(())
    })?;

    eventually("the notification passes on the bus", || Ok(notifications.all().len() == 1))?;
    let raised = &notifications.all()[0];
    assert_eq!((raised.title.as_str(), raised.body.as_str()), ("A title", "A body"));
    assert_eq!(raised.actions, ["ack", "Acknowledge"]);
    eventually("the popup is on the display", || {
        let white = [255, 255, 255];
        Ok(desktop.look()?.count(white, 4) > before.count(white, 4) + 5_000)
    })
}
