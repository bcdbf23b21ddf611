//! Who draws the tray's icon on this desktop, asked each time: hosts come and go.
//!
//! That somebody watches for items says nothing: kded5 does without a panel, and Ayatana's indicator service without an
//! applet. A host that draws has a name of its own on the bus, or is a program that is known to watch and draw in one.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use zbus::Connection;
use zbus::fdo::{DBusProxy, PeerProxy};
use zbus::names::BusName;

/// A frozen program on the bus draws nothing.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// How the names of hosts begin, in either spelling of the specification, and of those that draw what xapp's watcher
/// collects.
const HOSTS: [&str; 3] =
    ["org.kde.StatusNotifierHost-", "org.freedesktop.StatusNotifierHost-", "org.x.StatusIconMonitor."];

/// The applets that draw what Ayatana's indicator service collects.
const INDICATOR_APPLETS: [&str; 2] =
    ["org.mate.panel.applet.IndicatorAppletFactory", "org.mate.panel.applet.IndicatorAppletCompleteFactory"];

/// Programs that watch and draw in one, without a host's name, as the kernel shortens their names.
const WATCH_AND_DRAW: [&str; 4] = ["xfce4-panel", "gnome-shell", "budgie-panel", "snixembed"];

/// Whether the person sees the icon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drawn {
    /// This program draws it.
    By(String),
    /// Somebody collects icons, and whether anybody draws them cannot be told.
    Unknown(String),
    /// Nobody does.
    No,
}

/// What was found on the bus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The program that watches for items; empty if it could not be found out.
    pub watcher: Option<String>,
    /// The programs that own a host's name and answer.
    pub hosts: Vec<String>,
    /// An applet of Ayatana's indicators is there.
    pub applet: bool,
    /// Whether the watcher has our item; none where nobody asked for one.
    pub has_ours: Option<bool>,
}

/// Whether somebody draws the item of this very program.
pub async fn ours() -> Drawn {
    look(Some(std::process::id())).await
}

/// Whether somebody would draw an item.
pub async fn any() -> Drawn {
    look(None).await
}

async fn look(process: Option<u32>) -> Drawn {
    // Several questions one after the other; none of them takes long where anybody answers.
    match timeout(3 * ANSWER_WITHIN, find(process)).await {
        Ok(Ok(found)) => judge(&found),
        Ok(Err(error)) => {
            tracing::debug!(%error, "cannot look for a tray");
            Drawn::No
        }
        Err(_) => Drawn::No,
    }
}

/// What the findings mean.
pub fn judge(found: &Found) -> Drawn {
    let Some(watcher) = &found.watcher else { return Drawn::No };
    if found.has_ours == Some(false) {
        return Drawn::No;
    }
    if let Some(host) = found.hosts.first() {
        return Drawn::By(host.clone());
    }
    if found.applet && is_indicator_service(watcher) {
        return Drawn::By("indicator applet".to_owned());
    }
    if WATCH_AND_DRAW.contains(&watcher.as_str()) || is_plugin_of_xfce4_panel(watcher) {
        return Drawn::By(watcher.clone());
    }
    Drawn::Unknown(watcher.clone())
}

fn is_indicator_service(program: &str) -> bool {
    program.starts_with("ayatana-indicat") || program.starts_with("indicator-appli")
}

/// It calls itself by its place in the panel: "panel-6-systray".
fn is_plugin_of_xfce4_panel(program: &str) -> bool {
    program.strip_prefix("panel-").and_then(|rest| rest.split_once('-')).is_some_and(|(number, plugin)| {
        number.parse::<u32>().is_ok() && (plugin.starts_with("systray") || plugin.starts_with("statusno"))
    })
}

async fn find(process: Option<u32>) -> zbus::Result<Found> {
    let bus = Connection::session().await?;
    let daemon = DBusProxy::new(&bus).await?;
    let names: Vec<String> = daemon.list_names().await?.iter().map(|name| name.as_str().to_owned()).collect();
    if !names.iter().any(|name| name == WATCHER) || !answers(&bus, WATCHER).await {
        return Ok(Found::default());
    }

    let candidates = names.iter().filter(|name| HOSTS.iter().any(|host| name.starts_with(host)));
    let hosts = join_all(candidates.map(async |name| match answers(&bus, name).await {
        true => Some(program_of(&daemon, name).await),
        false => None,
    }));
    let mut hosts: Vec<String> = hosts.await.into_iter().flatten().collect();
    hosts.sort();
    hosts.dedup();
    let has_ours = match process {
        Some(process) => Some(has_item_of(&bus, &daemon, &names, process).await),
        None => None,
    };
    Ok(Found {
        watcher: Some(program_of(&daemon, WATCHER).await),
        hosts,
        applet: names.iter().any(|name| INDICATOR_APPLETS.contains(&name.as_str())),
        has_ours,
    })
}

async fn answers(bus: &Connection, name: &str) -> bool {
    let ping = async {
        let peer = PeerProxy::builder(bus).destination(name.to_owned())?.path("/")?.build().await?;
        peer.ping().await
    };
    match timeout(ANSWER_WITHIN, ping).await {
        // An error is an answer, unless nobody is there to give one.
        Ok(Ok(())) => true,
        Ok(Err(error)) => !is_gone(&error),
        Err(_) => false,
    }
}

fn is_gone(error: &zbus::Error) -> bool {
    let text = error.to_string();
    ["ServiceUnknown", "NameHasNoOwner", "NoReply", "Disconnected"].iter().any(|name| text.contains(name))
}

/// The name of the program behind a name on the bus, as the kernel has it; the name itself where that is hidden.
async fn program_of(daemon: &DBusProxy<'_>, name: &str) -> String {
    let process = match BusName::try_from(name.to_owned()) {
        Ok(name) => daemon.get_connection_unix_process_id(name).await.ok(),
        Err(_) => None,
    };
    let program = process.and_then(|process| std::fs::read_to_string(format!("/proc/{process}/comm")).ok());
    program.map_or_else(|| name.to_owned(), |program| program.trim().to_owned())
}

/// Whether the watcher has an item of this process. It lists it by the name it was told, or by the connection's.
async fn has_item_of(bus: &Connection, daemon: &DBusProxy<'_>, names: &[String], process: u32) -> bool {
    let prefix = format!("org.kde.StatusNotifierItem-{process}-");
    let mut ours: Vec<String> = names.iter().filter(|name| name.starts_with(&prefix)).cloned().collect();
    for name in ours.clone() {
        if let Ok(name) = BusName::try_from(name)
            && let Ok(owner) = daemon.get_name_owner(name).await
        {
            ours.push(owner.as_str().to_owned());
        }
    }
    match timeout(ANSWER_WITHIN, registered(bus)).await {
        Ok(Ok(items)) => items.iter().any(|item| ours.iter().any(|name| is_of(item, name))),
        Ok(Err(_)) | Err(_) => false,
    }
}

/// "org.kde.StatusNotifierItem-7-1/StatusNotifierItem", ":1.7@/StatusNotifierItem".
fn is_of(item: &str, name: &str) -> bool {
    item.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '@']))
}

async fn registered(bus: &Connection) -> zbus::Result<Vec<String>> {
    let watcher = zbus::proxy::Builder::<zbus::Proxy<'_>>::new(bus)
        .destination(WATCHER)?
        .path("/StatusNotifierWatcher")?
        .interface(WATCHER)?
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
        .await?;
    watcher.get_property("RegisteredStatusNotifierItems").await
}

#[cfg(test)]
mod tests;
