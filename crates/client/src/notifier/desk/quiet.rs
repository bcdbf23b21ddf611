//! Whether the person asked the desktop not to be disturbed, where that can be known.

use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;
use zbus::zvariant::{OwnedValue, Value};

use crate::notifier::manners::Quiet;

use super::service::{Found, NAME, PATH};

/// A sound that comes later than this belongs to nothing.
const WITHIN: Duration = Duration::from_secs(1);

/// Asks the service in its own way; what is not answered is no.
pub(super) async fn is_quiet(found: &Found) -> bool {
    timeout(WITHIN, ask(found)).await.ok().flatten().unwrap_or(false)
}

async fn ask(found: &Found) -> Option<bool> {
    match found.service.manners.quiet {
        Quiet::Inhibited => property(found, NAME, "Inhibited").await,
        Quiet::Dunst => property(found, "org.dunstproject.cmd0", "paused").await,
        Quiet::Xfconf => {
            let arguments = ("xfce4-notifyd", "/do-not-disturb");
            let asked = found.connection.call_method(
                Some("org.xfce.Xfconf"),
                "/org/xfce/Xfconf",
                Some("org.xfce.Xfconf"),
                "GetProperty",
                &arguments,
            );
            yes(&asked.await.ok()?.body().deserialize::<OwnedValue>().ok()?)
        }
        Quiet::Mako => {
            let owner = Some(found.owner.as_str());
            let asked = found.connection.call_method(
                owner,
                "/fr/emersion/Mako",
                Some("fr.emersion.Mako"),
                "ListModes",
                &(),
            );
            let modes: Vec<String> = asked.await.ok()?.body().deserialize().ok()?;
            Some(modes.iter().any(|mode| mode == "do-not-disturb" || mode == "dnd"))
        }
        Quiet::Swaync => {
            let name = "org.erikreider.swaync.cc";
            let path = "/org/erikreider/swaync/cc";
            let asked = found.connection.call_method(Some(name), path, Some(name), "GetDnd", &());
            asked.await.ok()?.body().deserialize().ok()
        }
        Quiet::GSettings(schema, key, quiet) => {
            let told = Command::new("gsettings").args(["get", schema, key]).kill_on_drop(true).output();
            Some(String::from_utf8_lossy(&told.await.ok()?.stdout).trim() == quiet)
        }
        Quiet::Lxqt => {
            let text = tokio::fs::read_to_string(lxqt()?).await.ok()?;
            Some(text.lines().any(|line| line.trim().eq_ignore_ascii_case("doNotDisturb=true")))
        }
    }
}

async fn property(found: &Found, interface: &str, name: &str) -> Option<bool> {
    let properties = Some("org.freedesktop.DBus.Properties");
    let arguments = (interface, name);
    let owner = Some(found.owner.as_str());
    let told = found.connection.call_method(owner, PATH, properties, "Get", &arguments).await.ok()?;
    yes(&told.body().deserialize::<OwnedValue>().ok()?)
}

fn yes(value: &OwnedValue) -> Option<bool> {
    if let Value::Bool(yes) = &**value { Some(*yes) } else { None }
}

fn lxqt() -> Option<PathBuf> {
    let home = directories::BaseDirs::new()?;
    Some(home.config_dir().join("lxqt/notifications.conf"))
}
