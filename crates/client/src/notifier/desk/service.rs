//! The program that shows notifications on this desktop: whether it answers, what it can do, and what it tells.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{sleep, timeout};
use zbus::names::{BusName, OwnedUniqueName};
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::notifier::manners::Manners;
use crate::notifier::{DEADLINE, Service, text};
use crate::words;

pub(super) const NAME: &str = "org.freedesktop.Notifications";
pub(super) const PATH: &str = "/org/freedesktop/Notifications";

/// Asks the service who it is; an error is a sentence for the person.
pub async fn ask() -> Result<Service, String> {
    let mut bus = Bus::default();
    let found = timeout(DEADLINE, bus.service()).await.unwrap_or(Err(Trouble::Late));
    found.map(|found| found.service).map_err(|trouble| trouble.sentence())
}

/// Tells who shows notifications, now and whenever that changes; none where nobody does. Starts nobody: which one is to run
/// is for the desktop to say.
pub async fn follow(tell: impl Fn(Option<Service>)) {
    let mut bus = Bus::default();
    loop {
        let standing = timeout(DEADLINE, bus.standing()).await.unwrap_or(Err(Trouble::Late));
        let is_certain = standing.is_ok();
        tell(standing.unwrap_or_else(|trouble| {
            tracing::debug!(?trouble, "who shows notifications is not known");
            None
        }));
        if is_certain {
            bus.changed().await;
        } else {
            let _ = timeout(AGAIN, bus.changed()).await;
        }
    }
}

/// Between two questions where there was no answer.
const AGAIN: Duration = Duration::from_secs(60);

/// The service that answers now.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub connection: Connection,
    /// Its name on the bus, which no other program ever gets there.
    pub owner: OwnedUniqueName,
    pub service: Service,
}

/// What came over the bus.
#[derive(Debug)]
pub(super) enum Heard {
    /// Another program shows notifications now, or none.
    Owner(Option<OwnedUniqueName>),
    /// The connection to the bus ended.
    Lost,
    /// One was closed.
    Closed { by: OwnedUniqueName, number: u32 },
    /// The person chose one of its actions.
    Chosen { by: OwnedUniqueName, number: u32, action: String },
}

/// Why a notification could not be raised.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no session bus.
    NoBus,
    /// Nobody shows notifications.
    Absent,
    /// Whoever was asked is gone; another may be there.
    Gone,
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
            Self::Absent | Self::Gone => words::text("notification.absent", &[]),
            Self::Late => words::text("notification.late", &[]),
            Self::Refused(reason) => words::text("notification.refused", &[("reason", reason)]),
        }
    }
}

impl From<zbus::Error> for Trouble {
    fn from(error: zbus::Error) -> Self {
        let name = if let zbus::Error::MethodError(name, ..) = &error { name.as_str() } else { "" };
        let kind = name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or_default();
        match kind {
            // From the bus: whoever was asked ended without an answer.
            "NoReply" => Self::Gone,
            "ServiceUnknown" | "NameHasNoOwner" => Self::Absent,
            kind if kind.starts_with("Spawn.") => Self::Absent,
            _ => Self::Refused(text::title(&error.to_string())),
        }
    }
}

impl From<zbus::fdo::Error> for Trouble {
    fn from(error: zbus::fdo::Error) -> Self {
        if let zbus::fdo::Error::ZBus(error) = error {
            return error.into();
        }
        Self::Refused(text::title(&error.to_string()))
    }
}

/// Our one connection: what is asked, raised and told goes over it.
#[derive(Default)]
pub(super) struct Bus {
    line: Option<Line>,
    known: Option<Found>,
    in_doubt: bool,
}

struct Line {
    connection: Connection,
    heard: UnboundedReceiver<Heard>,
}

impl Bus {
    /// The next notification asks before it is sent: what is sent to a frozen service pops up when it thaws.
    pub(super) fn doubt(&mut self) {
        self.in_doubt = true;
        if self.line.as_ref().is_some_and(|line| line.connection.is_closed()) {
            self.lost();
        }
    }

    /// Nothing is known any more of who shows notifications.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    /// The connection is no longer any good.
    pub(super) fn lost(&mut self) {
        self.line = None;
        self.known = None;
    }

    /// The service that answered last.
    pub(super) fn known(&self) -> Option<&Found> {
        self.known.as_ref()
    }

    /// The next thing that comes over the bus; never, before the first question. Can be given up and asked again.
    pub(super) async fn heard(&mut self) -> Heard {
        match &mut self.line {
            Some(line) => line.heard.recv().await.unwrap_or(Heard::Lost),
            None => std::future::pending().await,
        }
    }

    /// What has come already.
    pub(super) fn heard_already(&mut self) -> Option<Heard> {
        self.line.as_mut()?.heard.try_recv().ok()
    }

    /// The service that answers now; asked only when it is another than last time, or in doubt.
    pub(super) async fn service(&mut self) -> Result<Found, Trouble> {
        let connection = self.connection().await?;
        if let Some(known) = self.known.as_ref().filter(|_| !self.in_doubt) {
            return Ok(known.clone());
        }
        let owner = match owner(&connection).await? {
            Some(owner) => owner,
            None => {
                // The question starts it, where the bus knows how.
                let _ = call(&connection, NAME, "GetServerInformation").await?;
                owner(&connection).await?.ok_or(Trouble::Absent)?
            }
        };
        let service = describe(&connection, &owner).await?;
        let found = Found { connection, owner, service };
        self.known = Some(found.clone());
        self.in_doubt = false;
        Ok(found)
    }

    /// Who shows notifications, without starting anybody.
    async fn standing(&mut self) -> Result<Option<Service>, Trouble> {
        let connection = self.connection().await?;
        match owner(&connection).await? {
            Some(owner) => describe(&connection, &owner).await.map(Some),
            None => Ok(None),
        }
    }

    /// Until another program shows notifications, or none.
    async fn changed(&mut self) {
        loop {
            match self.heard().await {
                Heard::Owner(_) => return,
                Heard::Lost => {
                    self.lost();
                    return sleep(AGAIN).await;
                }
                Heard::Closed { .. } | Heard::Chosen { .. } => {}
            }
        }
    }

    /// The name of the bus itself and of whoever shows notifications, without starting anybody.
    pub(super) async fn now(&mut self) -> Result<(Connection, String, Option<OwnedUniqueName>), Trouble> {
        let connection = self.connection().await?;
        let id = id(&connection).await?;
        let owner = owner(&connection).await?;
        Ok((connection, id, owner))
    }

    async fn connection(&mut self) -> Result<Connection, Trouble> {
        if let Some(line) = self.line.as_ref().filter(|line| !line.connection.is_closed()) {
            return Ok(line.connection.clone());
        }
        self.lost();
        let connection = Connection::session().await.map_err(|error| {
            tracing::warn!(%error, "no session bus");
            Trouble::NoBus
        })?;
        // Before the first question, so that nothing is missed; one stream, so that all keeps its order.
        let mut messages = MessageStream::from(&connection);
        let bus = zbus::fdo::DBusProxy::new(&connection).await?;
        for rule in rules()? {
            bus.add_match_rule(rule).await?;
        }
        let (tell, heard) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                if let Some(heard) = read(&message)
                    && tell.send(heard).is_err()
                {
                    break;
                }
            }
        });
        self.line = Some(Line { connection: connection.clone(), heard });
        Ok(connection)
    }
}

/// What names this bus for as long as it runs.
pub(super) async fn id(connection: &Connection) -> Result<String, Trouble> {
    Ok(zbus::fdo::DBusProxy::new(connection).await?.get_id().await?.to_string())
}

fn rules() -> Result<[MatchRule<'static>; 2], Trouble> {
    let signal = || MatchRule::builder().msg_type(zbus::message::Type::Signal);
    Ok([
        signal().interface(NAME)?.path(PATH)?.build(),
        signal()
            .sender("org.freedesktop.DBus")?
            .interface("org.freedesktop.DBus")?
            .member("NameOwnerChanged")?
            .arg(0, NAME)?
            .build(),
    ])
}

fn read(message: &Message) -> Option<Heard> {
    let header = message.header();
    if header.message_type() != zbus::message::Type::Signal {
        return None;
    }
    let by = header.sender()?;
    match (header.interface()?.as_str(), header.member()?.as_str()) {
        (NAME, "NotificationClosed") => {
            // Why it was closed is told wrongly by some.
            let (number, _reason): (u32, u32) = message.body().deserialize().ok()?;
            Some(Heard::Closed { by: by.to_owned().into(), number })
        }
        (NAME, "ActionInvoked") => {
            let (number, action): (u32, String) = message.body().deserialize().ok()?;
            Some(Heard::Chosen { by: by.to_owned().into(), number, action })
        }
        ("org.freedesktop.DBus", "NameOwnerChanged") if by.as_str() == "org.freedesktop.DBus" => {
            let (name, _before, now): (String, String, String) = message.body().deserialize().ok()?;
            (name == NAME).then(|| Heard::Owner(OwnedUniqueName::try_from(now).ok()))
        }
        _ => None,
    }
}

async fn owner(connection: &Connection) -> Result<Option<OwnedUniqueName>, Trouble> {
    let bus = zbus::fdo::DBusProxy::new(connection).await?;
    let name = BusName::try_from(NAME).map_err(zbus::Error::from)?;
    match bus.get_name_owner(name).await {
        Ok(owner) => Ok(Some(owner)),
        Err(zbus::fdo::Error::NameHasNoOwner(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn describe(connection: &Connection, owner: &OwnedUniqueName) -> Result<Service, Trouble> {
    let capabilities = call(connection, owner.as_str(), "GetCapabilities").await?;
    let capabilities: Vec<String> = capabilities.body().deserialize()?;
    let told = call(connection, owner.as_str(), "GetServerInformation").await?;
    let (name, vendor, version, spec): (String, String, String, String) = told.body().deserialize()?;
    let has = |capability: &str| capabilities.iter().any(|other| other == capability);
    let actions = has("actions");
    Ok(Service {
        manners: Manners::of(&name, &vendor, &spec, actions),
        name: format!("{name} {version}"),
        markup: has("body-markup"),
        actions,
    })
}

async fn call(connection: &Connection, to: &str, method: &'static str) -> zbus::Result<Message> {
    connection.call_method(Some(to), PATH, Some(NAME), method, &()).await
}
