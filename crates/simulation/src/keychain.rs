//! A keychain that outlives the client.

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use visionguard_client::keychain::{Keychain, KeychainError, MemoryKeychain};
use visionguard_client::view::Keeping;

/// Remembers for as long as the run lasts.
#[derive(Debug, Default)]
pub struct LastingKeychain {
    inner: MemoryKeychain,
}

impl Keychain for LastingKeychain {
    fn get<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<Option<SecretString>, KeychainError>> {
        self.inner.get(entry)
    }

    fn set<'a>(
        &'a self,
        entry: &'a str,
        secret: &'a SecretString,
    ) -> BoxFuture<'a, Result<(), KeychainError>> {
        self.inner.set(entry, secret)
    }

    fn delete<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<(), KeychainError>> {
        self.inner.delete(entry)
    }

    fn keeping(&self) -> Keeping {
        Keeping::Keychain
    }
}
