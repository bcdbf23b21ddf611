//! One session with one owner of the service's name.
//!
//! Where the services differ, the way that holds with all is taken. Items are searched for in their collection, since a
//! search of the whole service hangs while KeePassXC is locked; by our two attributes and no others, since one more makes
//! a second item in KeePassXC and KWallet; and an empty secret is one that KWallet did not open.

use std::collections::HashMap;
use std::fmt;
use std::time::Instant;

use secret_service::{EncryptionType, SecretService};
use tokio::time::timeout;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, Value};
use zbus::{Connection, Proxy, proxy};

use super::prompt::{self, Ended};
use super::{ANSWER_WITHIN, BUS_NAME};
use crate::keychain::KeychainError;
use crate::keychain::system::{Asks, SERVICE};

const PATH: &str = "/org/freedesktop/secrets";

/// No object.
const NONE: &str = "/";

/// What to do with one secret.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operation<'a> {
    Get,
    Set(&'a [u8]),
    Delete,
}

/// Why it was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The service was replaced, or no longer knows our session: a new start may help.
    Restarted,
    Keychain(KeychainError),
}

/// A session with the service.
pub(super) struct Service {
    /// The unique name of whom it was opened with.
    pub(super) owner: String,
    /// The person may be asked for something.
    pub(super) may_prompt: bool,
    /// They were, and said no.
    pub(super) was_dismissed: bool,
    /// When whoever asked gives up.
    pub(super) until: Option<Instant>,
    program: String,
    bus: Connection,
    asks: Asks,
    session: SecretService<'static>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("owner", &self.owner)
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

impl Service {
    pub(super) async fn open(bus: &Connection, asks: &Asks, owner: String) -> Result<Service, Trouble> {
        let session = in_time(SecretService::connect_with_existing(EncryptionType::Dh, bus.clone())).await;
        let program = in_time(program(bus)).await.unwrap_or_default();
        let session = session.map_err(|trouble| unopened(trouble, &program))?;
        let (bus, asks, may_prompt) = (bus.clone(), asks.clone(), true);
        Ok(Service { owner, may_prompt, was_dismissed: false, until: None, program, bus, asks, session })
    }

    pub(super) async fn perform(
        &mut self,
        name: &str,
        operation: Operation<'_>,
    ) -> Result<Option<Vec<u8>>, Trouble> {
        match operation {
            Operation::Get => self.get(name).await,
            Operation::Set(secret) => self.set(name, secret).await.map(|()| None),
            Operation::Delete => self.delete(name).await.map(|()| None),
        }
    }

    async fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Trouble> {
        let Some(collection) = self.collection().await? else {
            return Err(Trouble::Keychain(KeychainError::NoKeyring));
        };
        let items = self.items(&collection, name).await?;
        let Some(newest) = items.into_iter().next() else { return Ok(None) };
        self.unlock_item(&newest).await?;
        let item = in_time(self.session.get_item_by_path(newest)).await?;
        let secret = in_time(item.get_secret()).await?;
        // We never store an empty one.
        if secret.is_empty() {
            return Err(Trouble::Keychain(KeychainError::Locked));
        }
        Ok(Some(secret))
    }

    async fn set(&mut self, name: &str, secret: &[u8]) -> Result<(), Trouble> {
        let collection = match self.collection().await? {
            Some(collection) => collection,
            None => self.create_collection().await?,
        };
        if is_locked(&self.collection_at(&collection).await?).await? {
            self.unlock(&collection).await?;
        }
        let mut items = self.items(&collection, name).await?.into_iter();
        let Some(newest) = items.next() else {
            self.is_still_wanted()?;
            let collection = in_time(self.session.get_collection_by_path(collection)).await?;
            let label = format!("{SERVICE} {name}");
            // KeePassXC asks nobody here, but answers by a prompt all the same.
            in_time(collection.create_item(&label, attributes(name), secret, true, "text/plain")).await?;
            return Ok(());
        };
        self.unlock_item(&newest).await?;
        self.is_still_wanted()?;
        let item = in_time(self.session.get_item_by_path(newest)).await?;
        in_time(item.set_secret(secret, "text/plain")).await?;
        for stale in items {
            self.delete_item(&stale).await?;
        }
        Ok(())
    }

    async fn delete(&mut self, name: &str) -> Result<(), Trouble> {
        let Some(collection) = self.collection().await? else { return Ok(()) };
        for item in self.items(&collection, name).await? {
            self.unlock_item(&item).await?;
            self.is_still_wanted()?;
            self.delete_item(&item).await?;
        }
        Ok(())
    }

    /// Whoever asked may have given up while the person was asked.
    fn is_still_wanted(&self) -> Result<(), Trouble> {
        match self.until.is_some_and(|until| Instant::now() > until) {
            true => Err(Trouble::Keychain(KeychainError::Timeout)),
            false => Ok(()),
        }
    }

    /// The default collection; none if there is no keyring yet.
    async fn collection(&self) -> Result<Option<OwnedObjectPath>, Trouble> {
        let service = self.proxy(PATH, "Service").await?;
        let path: OwnedObjectPath = in_time(service.call("ReadAlias", &("default",))).await?;
        Ok(Some(path).filter(|path| path.as_str() != NONE))
    }

    /// Makes the default collection, for which the service asks the person to choose a password.
    async fn create_collection(&mut self) -> Result<OwnedObjectPath, Trouble> {
        if !self.may_prompt {
            return Err(Trouble::Keychain(KeychainError::NoKeyring));
        }
        tracing::info!(program = self.program, "the keychain has no keyring yet: one is made");
        let label = if is_kwallet(&self.program) { "kdewallet" } else { "Default keyring" };
        let properties = HashMap::from([("org.freedesktop.Secret.Collection.Label", Value::from(label))]);
        let service = self.proxy(PATH, "Service").await?;
        let (path, prompt): (OwnedObjectPath, OwnedObjectPath) =
            in_time(service.call("CreateCollection", &(properties, "default"))).await?;
        if path.as_str() != NONE {
            return Ok(path);
        }
        if prompt::answer(&self.bus, &self.asks, &prompt).await? == Ended::Dismissed {
            self.was_dismissed = true;
            return Err(Trouble::Keychain(KeychainError::NoKeyring));
        }
        self.collection().await?.ok_or(Trouble::Keychain(KeychainError::NoKeyring))
    }

    /// Our items of this name, the newest first. Unlocks the collection where they cannot be told otherwise.
    async fn items(
        &mut self,
        collection: &OwnedObjectPath,
        name: &str,
    ) -> Result<Vec<OwnedObjectPath>, Trouble> {
        let proxy = self.collection_at(collection).await?;
        let mut found = search(&proxy, name).await?;
        // gnome-keyring lists what is locked, so that nothing found is nothing there; KeePassXC hides it.
        let may_hide = !self.program.starts_with("gnome-keyring");
        if (may_hide || !found.is_empty()) && is_locked(&proxy).await? {
            self.unlock(collection).await?;
            found = search(&proxy, name).await?;
        }
        if found.len() < 2 {
            return Ok(found);
        }
        tracing::info!(items = found.len(), "the keychain has a secret twice: the newest counts");
        let mut dated = Vec::new();
        for item in found {
            let proxy = self.proxy(item.as_str(), "Item").await?;
            dated.push((in_time(proxy.get_property::<u64>("Modified")).await?, item));
        }
        dated.sort_by_key(|(modified, _)| std::cmp::Reverse(*modified));
        Ok(dated.into_iter().map(|(_, item)| item).collect())
    }

    /// KeePassXC lets the person decide which program may read an item.
    async fn unlock_item(&mut self, item: &OwnedObjectPath) -> Result<(), Trouble> {
        let proxy = self.proxy(item.as_str(), "Item").await?;
        if is_locked(&proxy).await? { self.unlock(item).await } else { Ok(()) }
    }

    async fn unlock(&mut self, object: &OwnedObjectPath) -> Result<(), Trouble> {
        if !self.may_prompt {
            return Err(Trouble::Keychain(KeychainError::Locked));
        }
        let service = self.proxy(PATH, "Service").await?;
        let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
            in_time(service.call("Unlock", &(vec![ObjectPath::from(object.clone())],))).await?;
        if prompt.as_str() == NONE {
            return Ok(());
        }
        let asked_at = Instant::now();
        if prompt::answer(&self.bus, &self.asks, &prompt).await? == Ended::Done {
            return Ok(());
        }
        self.was_dismissed = true;
        // Nobody is as quick as that.
        let by_itself = asked_at.elapsed() < std::time::Duration::from_millis(300);
        Err(Trouble::Keychain(match by_itself && is_kwallet(&self.program) {
            true => KeychainError::CannotUnlock,
            false => KeychainError::Locked,
        }))
    }

    async fn delete_item(&self, item: &OwnedObjectPath) -> Result<(), Trouble> {
        let proxy = self.proxy(item.as_str(), "Item").await?;
        let prompt: OwnedObjectPath = in_time(proxy.call("Delete", &())).await?;
        if prompt.as_str() != NONE
            && prompt::answer(&self.bus, &self.asks, &prompt).await? == Ended::Dismissed
        {
            return Err(Trouble::Keychain(KeychainError::Locked));
        }
        Ok(())
    }

    async fn collection_at(&self, path: &OwnedObjectPath) -> Result<Proxy<'static>, Trouble> {
        self.proxy(path.as_str(), "Collection").await
    }

    async fn proxy(&self, path: &str, interface: &str) -> Result<Proxy<'static>, Trouble> {
        let proxy = proxy::Builder::new(&self.bus)
            .destination(BUS_NAME)?
            .path(path.to_owned())?
            .interface(format!("org.freedesktop.Secret.{interface}"))?
            .cache_properties(proxy::CacheProperties::No)
            .build()
            .await?;
        Ok(proxy)
    }
}

/// One that answers, and opens no session: KWallet where it lacks what it encrypts with.
fn unopened(trouble: Trouble, program: &str) -> Trouble {
    match &trouble {
        Trouble::Keychain(KeychainError::Other(words)) if is_kwallet(program) => {
            tracing::warn!(words, "KWallet opens no session");
            Trouble::Keychain(KeychainError::CannotUnlock)
        }
        Trouble::Restarted | Trouble::Keychain(_) => trouble,
    }
}

/// Exactly these, as ever: an entry of an earlier version is found and replaced.
fn attributes(name: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", name)])
}

async fn search(collection: &Proxy<'_>, name: &str) -> Result<Vec<OwnedObjectPath>, Trouble> {
    in_time(collection.call("SearchItems", &(attributes(name),))).await
}

async fn is_locked(object: &Proxy<'_>) -> Result<bool, Trouble> {
    in_time(object.get_property("Locked")).await
}

/// Who has the service's name, started where the bus knows how.
pub(super) async fn owner(bus: &Connection) -> Result<String, Trouble> {
    let daemon = DBusProxy::new(bus).await?;
    let name = BusName::try_from(BUS_NAME).map_err(zbus::Error::from)?;
    if let Ok(owner) = timeout(ANSWER_WITHIN, daemon.get_name_owner(name.clone()))
        .await
        .unwrap_or_else(|_| Err(zbus::fdo::Error::NoReply(String::new())))
    {
        return Ok(owner.to_string());
    }
    let name_to_start = BUS_NAME.try_into().map_err(zbus::Error::from)?;
    in_time(daemon.start_service_by_name(name_to_start, 0)).await?;
    Ok(in_time(daemon.get_name_owner(name)).await?.to_string())
}

/// The program that has the name, as the kernel calls it; empty where that is hidden.
pub(super) async fn program(bus: &Connection) -> zbus::Result<String> {
    let daemon = DBusProxy::new(bus).await?;
    let process = daemon.get_connection_unix_process_id(BusName::try_from(BUS_NAME)?).await?;
    let program = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    Ok(program.trim().to_owned())
}

fn is_kwallet(program: &str) -> bool {
    program.starts_with("kwalletd") || program.starts_with("ksecretd")
}

/// What people call it.
pub(super) fn known_as(program: &str) -> &str {
    match program {
        _ if program.starts_with("gnome-keyring") => "gnome-keyring",
        _ if program.starts_with("keepassxc") => "KeePassXC",
        _ if is_kwallet(program) => "KWallet",
        "" => "Secret Service",
        other => other,
    }
}

async fn in_time<T, E: Into<Trouble>>(answer: impl Future<Output = Result<T, E>>) -> Result<T, Trouble> {
    match timeout(ANSWER_WITHIN, answer).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(Trouble::Keychain(KeychainError::Timeout)),
    }
}

impl From<zbus::Error> for Trouble {
    fn from(error: zbus::Error) -> Trouble {
        meaning(&error.to_string())
    }
}

impl From<zbus::fdo::Error> for Trouble {
    fn from(error: zbus::fdo::Error) -> Trouble {
        meaning(&error.to_string())
    }
}

impl From<secret_service::Error> for Trouble {
    fn from(error: secret_service::Error) -> Trouble {
        use secret_service::Error;
        if matches!(error, Error::Locked | Error::Prompt) {
            Trouble::Keychain(KeychainError::Locked)
        } else if matches!(error, Error::Unavailable) {
            Trouble::Keychain(KeychainError::Unavailable)
        } else if matches!(error, Error::PromptDisconnected) {
            Trouble::Restarted
        } else {
            meaning(&error.to_string())
        }
    }
}

/// By the error's name, which is all that the services agree on.
fn meaning(words: &str) -> Trouble {
    let says = |names: &[&str]| names.iter().any(|name| words.contains(name));
    if says(&["NoSession", "NoSuchObject", "NoReply", "Disconnected", "Name has no owner"]) {
        return Trouble::Restarted;
    }
    if says(&["IsLocked"]) {
        return Trouble::Keychain(KeychainError::Locked);
    }
    // One that has its name already and nothing behind it is still starting.
    if says(&[
        "ServiceUnknown",
        "NameHasNoOwner",
        "org.freedesktop.DBus.Error.Spawn",
        "UnknownObject",
        "UnknownInterface",
        "UnknownMethod",
    ]) {
        return Trouble::Keychain(KeychainError::Unavailable);
    }
    Trouble::Keychain(KeychainError::Other(words.chars().take(200).collect()))
}
