//! The Secret Service (GNOME Keyring, KWallet, KeePassXC). One store is opened anew after each failure: with autostart
//! the program is often there before the service.

use std::sync::Arc;
use std::time::Duration;

use keyring_core::Entry;
use keyring_core::api::CredentialStoreApi;
use zbus::zvariant::OwnedObjectPath;

use super::SERVICE;
use crate::keychain::KeychainError;

/// A service that answers at all answers this at once: nobody is asked for a password.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

const BUS_NAME: &str = "org.freedesktop.secrets";

pub(super) type Store = Arc<zbus_secret_service_keyring_store::Store>;

pub(super) fn open() -> keyring_core::Result<Store> {
    zbus_secret_service_keyring_store::Store::new()
}

pub(super) fn entry(store: &Store, name: &str) -> keyring_core::Result<Entry> {
    store.build(SERVICE, name, None)
}

/// How the service stands; its errors alone do not tell.
enum Standing {
    /// No session bus, or nobody on it keeps secrets.
    Absent,
    /// It keeps none for us: the person has no keyring yet.
    NoCollection,
    Locked,
    Unlocked,
}

/// What a failure of the store means.
pub(super) async fn meaning(words: String) -> KeychainError {
    match standing().await {
        Standing::Absent | Standing::NoCollection => KeychainError::Unavailable,
        Standing::Locked => KeychainError::Locked,
        Standing::Unlocked => KeychainError::Other(words),
    }
}

/// A service without a keyring answers "no such entry" to everything, which says nothing about what was stored.
pub(super) async fn is_nothing_an_answer() -> Result<(), KeychainError> {
    match standing().await {
        Standing::Absent | Standing::NoCollection => Err(KeychainError::Unavailable),
        // Entries of a locked keyring can be searched for, so nothing found is nothing there.
        Standing::Locked | Standing::Unlocked => Ok(()),
    }
}

async fn standing() -> Standing {
    match tokio::time::timeout(ANSWER_WITHIN, ask()).await {
        Ok(Ok(standing)) => standing,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the secret service cannot be asked");
            Standing::Absent
        }
        Err(_) => Standing::Absent,
    }
}

async fn ask() -> zbus::Result<Standing> {
    let bus = zbus::Connection::session().await?;
    let service =
        zbus::Proxy::new(&bus, BUS_NAME, "/org/freedesktop/secrets", "org.freedesktop.Secret.Service")
            .await?;
    let collection: OwnedObjectPath = service.call("ReadAlias", &("default",)).await?;
    if collection.as_str() == "/" {
        return Ok(Standing::NoCollection);
    }
    let collection =
        zbus::Proxy::new(&bus, BUS_NAME, collection, "org.freedesktop.Secret.Collection").await?;
    let locked: bool = collection.get_property("Locked").await?;
    Ok(if locked { Standing::Locked } else { Standing::Unlocked })
}
