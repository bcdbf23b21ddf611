//! The program that shows notifications on this desktop: whether it answers, and what it can do.

use std::fmt;

use tokio::time::timeout;
use zbus::Connection;
use zbus::names::{BusName, OwnedUniqueName};

use crate::notifier::{DEADLINE, Service, text};
use crate::words;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// Asks the service who it is; an error is a sentence for the person.
pub async fn ask() -> Result<Service, String> {
    let mut bus = Bus::default();
    let found = timeout(DEADLINE, bus.service()).await.unwrap_or(Err(Trouble::Late));
    found.map(|found| found.service).map_err(|trouble| trouble.sentence())
}

/// The service that answers now.
pub(super) struct Found {
    pub service: Service,
    /// It answers for the first time, or instead of another.
    pub is_new: bool,
}

/// Why a notification could not be raised.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no session bus.
    NoBus,
    /// Nobody shows notifications.
    Absent,
    /// It did not answer in time.
    Late,
    /// It answered with an error.
    Refused(String),
}

impl Trouble {
    /// For the person.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::NoBus => words::text("notification.no_bus", &[]),
            Self::Absent => words::text("notification.absent", &[]),
            Self::Late => words::text("notification.late", &[]),
            Self::Refused(reason) => words::text("notification.refused", &[("reason", reason)]),
        }
    }

    /// Out of the text of an error whose kind its library keeps to itself.
    pub(super) fn of(error: &impl fmt::Display) -> Self {
        let text = text::title(&error.to_string());
        let absent = ["ServiceUnknown", "NameHasNoOwner", "Spawn."];
        if absent.iter().any(|name| text.contains(name)) { Self::Absent } else { Self::Refused(text) }
    }
}

/// Our own connection, for questions only.
#[derive(Default)]
pub(super) struct Bus {
    connection: Option<Connection>,
    known: Option<(OwnedUniqueName, Service)>,
    in_doubt: bool,
}

impl Bus {
    /// The next notification asks before it is sent: what is sent to a frozen service pops up when it thaws.
    pub(super) fn doubt(&mut self) {
        self.in_doubt = true;
        if self.connection.as_ref().is_some_and(|connection| connection.is_closed()) {
            self.connection = None;
        }
    }

    /// The service that answers now; asked only when it is another than last time, or in doubt.
    pub(super) async fn service(&mut self) -> Result<Found, Trouble> {
        let connection = self.connection().await?;
        let owner = self.owner(&connection).await?;
        if let (Some(owner), Some((known, service))) = (&owner, &self.known)
            && owner == known
            && !self.in_doubt
        {
            return Ok(Found { service: service.clone(), is_new: false });
        }

        let (capabilities, name) = describe(&connection).await?;
        let has = |capability: &str| capabilities.iter().any(|other| other == capability);
        let service = Service { name, markup: has("body-markup"), actions: has("actions") };
        // It may have been started by the question.
        let owner = match owner {
            Some(owner) => Some(owner),
            None => self.owner(&connection).await?,
        };
        let is_new = self.known.as_ref().map(|(known, _)| known) != owner.as_ref();
        self.known = owner.map(|owner| (owner, service.clone()));
        self.in_doubt = false;
        Ok(Found { service, is_new })
    }

    async fn connection(&mut self) -> Result<Connection, Trouble> {
        if let Some(connection) = self.connection.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        let connection = Connection::session().await.map_err(|error| {
            tracing::warn!(%error, "no session bus");
            Trouble::NoBus
        })?;
        self.connection = Some(connection.clone());
        Ok(connection)
    }

    async fn owner(&self, connection: &Connection) -> Result<Option<OwnedUniqueName>, Trouble> {
        let bus = zbus::fdo::DBusProxy::new(connection).await.map_err(|_| Trouble::NoBus)?;
        let name = BusName::try_from(NAME).map_err(|error| Trouble::of(&error))?;
        match bus.get_name_owner(name).await {
            Ok(owner) => Ok(Some(owner)),
            Err(zbus::fdo::Error::NameHasNoOwner(_)) => Ok(None),
            Err(error) => Err(Trouble::of(&error)),
        }
    }
}

async fn describe(connection: &Connection) -> Result<(Vec<String>, String), Trouble> {
    let call = |method: &'static str| connection.call_method(Some(NAME), PATH, Some(NAME), method, &());
    let capabilities = call("GetCapabilities").await.map_err(|error| Trouble::of(&error))?;
    let capabilities = capabilities.body().deserialize().map_err(|error| Trouble::of(&error))?;
    let told = call("GetServerInformation").await.map_err(|error| Trouble::of(&error))?;
    let (name, _vendor, version, _spec): (String, String, String, String) =
        told.body().deserialize().map_err(|error| Trouble::of(&error))?;
    Ok((capabilities, format!("{name} {version}")))
}
