//! The Secret Service (gnome-keyring, KWallet, KeePassXC), asked so that every question ends.
//!
//! A call has a deadline; a prompt is waited for as long as a person may need, and closed then. Both end at once when the
//! service's name changes hands, for what was begun with one service never completes with the next: the question is put
//! to the new one.

mod prompt;
mod service;

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use keyring_core::api::{Credential, CredentialApi, CredentialStoreApi};
use keyring_core::{Entry, Error};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use zbus::fdo::{DBusProxy, NameOwnerChangedStream};

use self::service::{Operation, Service, Trouble};
use super::{Asks, SERVICE};
use crate::keychain::KeychainError;

/// A service that answers at all answers one call within this.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Who closed a prompt does not want the next one at once. That the keychain was unlocked otherwise is noticed meanwhile.
const QUIET_AFTER_DISMISSAL: Duration = Duration::from_secs(300);

const BUS_NAME: &str = "org.freedesktop.secrets";

/// Cheap to clone; all clones are the same connection.
#[derive(Debug, Clone)]
pub(super) struct Store(Arc<Connected>);

#[derive(Debug)]
struct Connected {
    runtime: Runtime,
    asking: Mutex<Asking>,
}

#[derive(Debug)]
struct Asking {
    bus: zbus::Connection,
    changes: NameOwnerChangedStream,
    /// Told while a prompt is open.
    asks: Asks,
    /// A session with the service, once it was needed.
    service: Option<Service>,
    /// Which owner's prompt was dismissed, and when.
    dismissed: Option<(String, Instant)>,
    /// When whoever asked gives up.
    until: Option<Instant>,
}

pub(super) fn open(asks: &Asks) -> keyring_core::Result<Store> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| Error::PlatformFailure(Box::new(error)))?;
    match runtime.block_on(async { timeout(ANSWER_WITHIN, connect()).await }) {
        Ok(Ok((bus, changes))) => {
            let asks = asks.clone();
            let asking = Asking { bus, changes, asks, service: None, dismissed: None, until: None };
            Ok(Store(Arc::new(Connected { runtime, asking: Mutex::new(asking) })))
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "there is no session bus");
            Err(refused(KeychainError::Unavailable))
        }
        Err(_) => Err(refused(KeychainError::Timeout)),
    }
}

async fn connect() -> zbus::Result<(zbus::Connection, NameOwnerChangedStream)> {
    let bus = zbus::Connection::session().await?;
    let changes = DBusProxy::new(&bus).await?.receive_name_owner_changed_with_args(&[(0, BUS_NAME)]).await?;
    Ok((bus, changes))
}

pub(super) fn entry(store: &Store, name: &str) -> keyring_core::Result<Entry> {
    store.build(SERVICE, name, None)
}

/// Nothing is written for somebody who gave up: a newer secret may be there by then.
pub(super) fn until(store: &Store, until: Instant) {
    store.0.asking.lock().unwrap_or_else(PoisonError::into_inner).until = Some(until);
}

/// What a failure of the store is, where it is known.
pub(super) fn reason(error: &Error) -> Option<KeychainError> {
    let Error::NoStorageAccess(reason) = error else { return None };
    reason.downcast_ref::<KeychainError>().cloned()
}

/// What any other failure means.
pub(super) fn meaning(words: String) -> KeychainError {
    KeychainError::Other(words)
}

/// The program that keeps the secrets, as people know it.
pub(super) async fn program() -> Option<String> {
    let program = async {
        let bus = zbus::Connection::session().await?;
        service::program(&bus).await
    };
    let program = timeout(ANSWER_WITHIN, program).await.ok()?.ok()?;
    Some(service::known_as(&program).to_owned())
}

fn refused(error: KeychainError) -> Error {
    Error::NoStorageAccess(Box::new(error))
}

impl Store {
    fn perform(&self, name: &str, operation: Operation<'_>) -> keyring_core::Result<Option<Vec<u8>>> {
        let mut asking = self.0.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = self.0.runtime.block_on(async {
            match asking.ask(name, operation).await {
                Err(Trouble::Restarted) => {
                    tracing::info!("the keychain was restarted: it is asked again");
                    asking.service = None;
                    // The new one may not be there yet.
                    let _ = timeout(ANSWER_WITHIN, asking.appears()).await;
                    asking.ask(name, operation).await
                }
                outcome => outcome,
            }
        });
        outcome.map_err(|trouble| match trouble {
            Trouble::Restarted => refused(KeychainError::Unavailable),
            Trouble::Keychain(error) => refused(error),
        })
    }
}

impl Asking {
    /// Returns when somebody has the service's name.
    async fn appears(&mut self) {
        while service::owner(&self.bus).await.is_err() {
            if self.changes.next().await.is_none() {
                return;
            }
        }
    }

    async fn ask(&mut self, name: &str, operation: Operation<'_>) -> Result<Option<Vec<u8>>, Trouble> {
        let owner = service::owner(&self.bus).await?;
        let mut service = match self.service.take().filter(|service| service.owner == owner) {
            Some(service) => service,
            None => tokio::select! {
                opened = Service::open(&self.bus, &self.asks, owner.clone()) => opened?,
                () = replaced(&mut self.changes, &owner) => return Err(Trouble::Restarted),
            },
        };
        let dismissed = self.dismissed.as_ref();
        service.may_prompt =
            dismissed.is_none_or(|(by, at)| *by != owner || at.elapsed() > QUIET_AFTER_DISMISSAL);
        service.until = self.until;

        let outcome = tokio::select! {
            outcome = service.perform(name, operation) => outcome,
            () = replaced(&mut self.changes, &owner) => return Err(Trouble::Restarted),
        };
        if std::mem::take(&mut service.was_dismissed) {
            self.dismissed = Some((owner, Instant::now()));
        }
        self.service = Some(service);
        outcome
    }
}

/// Returns when the name is no longer this owner's.
async fn replaced(changes: &mut NameOwnerChangedStream, owner: &str) {
    while let Some(change) = changes.next().await {
        // One that was left from before tells of an earlier owner.
        if change.args().is_ok_and(|change| change.old_owner().as_ref().is_some_and(|old| *old == owner)) {
            return;
        }
    }
    std::future::pending().await
}

impl CredentialStoreApi for Store {
    fn vendor(&self) -> String {
        "Secret Service".to_owned()
    }

    fn id(&self) -> String {
        BUS_NAME.to_owned()
    }

    fn build(&self, _: &str, user: &str, _: Option<&HashMap<&str, &str>>) -> keyring_core::Result<Entry> {
        let kept = Kept { store: self.clone(), name: user.to_owned() };
        Ok(Entry::new_with_credential(Arc::new(kept)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// One secret, by the name of its entry.
struct Kept {
    store: Store,
    name: String,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("name", &self.name).finish_non_exhaustive()
    }
}

impl CredentialApi for Kept {
    fn set_secret(&self, secret: &[u8]) -> keyring_core::Result<()> {
        self.store.perform(&self.name, Operation::Set(secret)).map(|_| ())
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        self.store.perform(&self.name, Operation::Get)?.ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> keyring_core::Result<()> {
        self.store.perform(&self.name, Operation::Delete).map(|_| ())
    }

    fn get_credential(&self) -> keyring_core::Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((SERVICE.to_owned(), self.name.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
