//! What passes on the desktop's session bus: the notifications that are raised, and the tray item.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use futures_util::StreamExt;
use zbus::message::Type;
use zbus::zvariant::{ObjectPath, OwnedValue, Value};
use zbus::{Connection, MatchRule, MessageStream};

/// One call that raised a notification or replaced one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notification {
    /// The notification that it replaces; 0 for none.
    pub replaces: u32,
    pub title: String,
    pub body: String,
    /// Keys and labels of the buttons, in turn.
    pub actions: Vec<String>,
    pub has_picture: bool,
    /// The daemon's number for it, once it has answered.
    pub id: Option<u32>,
    call: (String, u32),
}

/// Everything that was raised since this began to listen.
#[derive(Debug, Clone)]
pub struct Notifications {
    seen: Arc<Mutex<Vec<Notification>>>,
}

impl Notifications {
    /// Listens to everything that programs and the notification daemon tell each other.
    pub async fn listen(bus: &str) -> Result<Self> {
        let connection = connect(bus).await?;
        let mut messages = MessageStream::from(&connection);
        let rules = [
            "type='method_call',interface='org.freedesktop.Notifications',member='Notify'",
            "type='method_return'",
        ];
        let rules = rules.map(MatchRule::try_from).into_iter().collect::<Result<Vec<_>, _>>()?;
        zbus::fdo::MonitoringProxy::new(&connection).await?.become_monitor(&rules, 0).await?;

        let seen = Arc::new(Mutex::new(Vec::new()));
        let listener = Self { seen: Arc::clone(&seen) };
        tokio::spawn(async move {
            let _connection = connection;
            while let Some(Ok(message)) = messages.next().await {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                // A message of another shape is not the program's.
                let _ = take(&mut seen, &message);
            }
        });
        Ok(listener)
    }

    /// All that the daemon took, oldest first.
    pub fn all(&self) -> Vec<Notification> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|notification| notification.id.is_some()).cloned().collect()
    }
}

fn take(seen: &mut Vec<Notification>, message: &zbus::Message) -> Result<()> {
    let header = message.header();
    if header.message_type() == Type::MethodCall {
        type Call<'a> = (String, u32, String, String, String, Vec<String>, HashMap<String, Value<'a>>, i32);
        let body = message.body();
        let (_, replaces, _, title, body, actions, hints, _): Call<'_> = body.deserialize()?;
        let caller = header.sender().context("no sender")?.to_string();
        seen.push(Notification {
            replaces,
            title,
            body,
            actions,
            has_picture: ["image-data", "image_data", "icon_data", "image-path"]
                .iter()
                .any(|hint| hints.contains_key(*hint)),
            id: None,
            call: (caller, header.primary().serial_num().get()),
        });
        return Ok(());
    }
    if header.message_type() == Type::MethodReturn {
        let asked = header.destination().context("no destination")?.to_string();
        let serial = header.reply_serial().context("no serial")?.get();
        if let Some(notification) = seen.iter_mut().find(|seen| seen.call == (asked.clone(), serial)) {
            notification.id = Some(message.body().deserialize()?);
        }
    }
    Ok(())
}

/// The program's item in the tray.
#[derive(Debug)]
pub struct Tray {
    connection: Connection,
    item: String,
}

/// One entry of the tray's menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: i32,
    pub label: String,
    pub enabled: bool,
}

impl Tray {
    /// The first tray item on the bus, if there is one.
    pub async fn find(bus: &str) -> Result<Option<Self>> {
        let connection = connect(bus).await?;
        let names = zbus::fdo::DBusProxy::new(&connection).await?.list_names().await?;
        let item = names
            .iter()
            .map(|name| name.as_str())
            .find(|name| name.starts_with("org.kde.StatusNotifierItem-"));
        let Some(item) = item.map(str::to_owned) else { return Ok(None) };
        Ok(Some(Self { connection, item }))
    }

    /// What is shown when the pointer rests on it.
    pub async fn tooltip(&self) -> Result<String> {
        let tooltip = self.property("ToolTip").await?;
        type ToolTip = (String, Vec<(i32, i32, Vec<u8>)>, String, String);
        let (_, _, title, text) = ToolTip::try_from(tooltip)?;
        Ok([title, text].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
    }

    /// The icon's pixels, so that two states can be told apart.
    pub async fn icon(&self) -> Result<Vec<u8>> {
        let pixmaps = self.property("IconPixmap").await?;
        let pixmaps = Vec::<(i32, i32, Vec<u8>)>::try_from(pixmaps)?;
        Ok(pixmaps.into_iter().next().context("the item has no icon")?.2)
    }

    /// The menu's entries, separators left out.
    pub async fn menu(&self) -> Result<Vec<Entry>> {
        type Properties = HashMap<String, OwnedValue>;
        type Layout = (i32, Properties, Vec<OwnedValue>);
        let properties: [&str; 0] = [];
        let reply = self
            .connection
            .call_method(
                Some(self.item.as_str()),
                "/MenuBar",
                Some("com.canonical.dbusmenu"),
                "GetLayout",
                &(0_i32, -1_i32, properties.as_slice()),
            )
            .await?;
        let body = reply.body();
        let (_, (_, _, children)): (u32, Layout) = body.deserialize()?;
        let mut entries = Vec::new();
        for child in children {
            let (id, mut properties, _) = Layout::try_from(child)?;
            let label = properties.remove("label").and_then(|label| String::try_from(label).ok());
            let enabled = properties.remove("enabled").and_then(|enabled| bool::try_from(enabled).ok());
            if let Some(label) = label.filter(|label| !label.is_empty()) {
                entries.push(Entry { id, label: label.replace('_', ""), enabled: enabled.unwrap_or(true) });
            }
        }
        Ok(entries)
    }

    /// Chooses an entry of the menu.
    pub async fn choose(&self, entry: &Entry) -> Result<()> {
        self.connection
            .call_method(
                Some(self.item.as_str()),
                "/MenuBar",
                Some("com.canonical.dbusmenu"),
                "Event",
                &(entry.id, "clicked", Value::from(0_i32), 0_u32),
            )
            .await?;
        Ok(())
    }

    /// Clicks the icon.
    pub async fn click(&self) -> Result<()> {
        self.connection
            .call_method(
                Some(self.item.as_str()),
                "/StatusNotifierItem",
                Some("org.kde.StatusNotifierItem"),
                "Activate",
                &(0_i32, 0_i32),
            )
            .await?;
        Ok(())
    }

    async fn property(&self, name: &str) -> Result<OwnedValue> {
        let reply = self
            .connection
            .call_method(
                Some(self.item.as_str()),
                "/StatusNotifierItem",
                Some("org.freedesktop.DBus.Properties"),
                "Get",
                &("org.kde.StatusNotifierItem", name),
            )
            .await?;
        Ok(reply.body().deserialize()?)
    }
}

/// How many secrets the keychain holds for this service.
pub async fn secrets_of(bus: &str, service: &str) -> Result<usize> {
    let connection = connect(bus).await?;
    let attributes = HashMap::from([("service", service)]);
    let reply = connection
        .call_method(
            Some("org.freedesktop.secrets"),
            "/org/freedesktop/secrets",
            Some("org.freedesktop.Secret.Service"),
            "SearchItems",
            &attributes,
        )
        .await?;
    let body = reply.body();
    let (unlocked, locked): (Vec<ObjectPath<'_>>, Vec<ObjectPath<'_>>) = body.deserialize()?;
    Ok(unlocked.len() + locked.len())
}

/// A connection to a desktop's session bus.
pub async fn connect(bus: &str) -> Result<Connection> {
    let connection = zbus::connection::Builder::address(bus)?.build().await;
    connection.context("cannot connect to the desktop's session bus")
}
