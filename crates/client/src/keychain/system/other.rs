//! Windows and macOS, where the keychain is part of the system and always there.

use crate::keychain::KeychainError;

use super::SERVICE;

#[derive(Debug)]
pub(super) struct Store;

#[allow(clippy::unnecessary_wraps, reason = "the other platform can fail")]
pub(super) fn open() -> keyring_core::Result<Store> {
    Ok(Store)
}

pub(super) fn entry(_: &Store, name: &str) -> keyring_core::Result<keyring_core::Entry> {
    keyring::Entry::new(SERVICE, name).map(|entry| entry.inner)
}

#[allow(clippy::unused_async, reason = "the other platform asks the system")]
pub(super) async fn meaning(words: String) -> KeychainError {
    tracing::debug!(words, "the keychain failed");
    KeychainError::Locked
}

#[allow(clippy::unused_async, reason = "the other platform asks the system")]
pub(super) async fn is_nothing_an_answer() -> Result<(), KeychainError> {
    Ok(())
}
