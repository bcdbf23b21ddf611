//! Secrets in memory alone: chosen explicitly, for boxes without a keychain, and for tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use secrecy::SecretString;

use super::{Keychain, KeychainError};
use crate::view::Keeping;

/// Forgets everything when the program ends.
#[derive(Debug, Default)]
pub struct MemoryKeychain {
    secrets: Mutex<BTreeMap<String, SecretString>>,
}

impl MemoryKeychain {
    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, SecretString>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keychain for MemoryKeychain {
    fn get<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<Option<SecretString>, KeychainError>> {
        let secret = self.secrets().get(entry).cloned();
        future::ready(Ok(secret)).boxed()
    }

    fn set<'a>(
        &'a self,
        entry: &'a str,
        secret: &'a SecretString,
    ) -> BoxFuture<'a, Result<(), KeychainError>> {
        self.secrets().insert(entry.to_owned(), secret.clone());
        future::ready(Ok(())).boxed()
    }

    fn delete<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<(), KeychainError>> {
        self.secrets().remove(entry);
        future::ready(Ok(())).boxed()
    }

    fn keeping(&self) -> Keeping {
        Keeping::Memory
    }
}
