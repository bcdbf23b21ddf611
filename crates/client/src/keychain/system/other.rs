//! Windows and macOS, where the keychain is part of the system and always there.

use std::time::Instant;

use crate::keychain::KeychainError;

use super::{Asks, SERVICE};

#[derive(Debug)]
pub(super) struct Store;

#[allow(clippy::unnecessary_wraps, reason = "the other platform can fail")]
pub(super) fn open(_: &Asks) -> keyring_core::Result<Store> {
    Ok(Store)
}

pub(super) fn entry(_: &Store, name: &str) -> keyring_core::Result<keyring_core::Entry> {
    keyring::Entry::new(SERVICE, name).map(|entry| entry.inner)
}

/// It asks for nothing that could take long.
pub(super) fn until(_: &Store, _: Instant) {}

/// The system does not say more than words.
pub(super) fn reason(_: &keyring_core::Error) -> Option<KeychainError> {
    None
}

pub(super) fn meaning(words: String) -> KeychainError {
    tracing::debug!(words, "the keychain failed");
    KeychainError::Locked
}

/// The system's own needs no name.
#[allow(clippy::unused_async, reason = "the other platform asks the system")]
pub(super) async fn program() -> Option<String> {
    None
}
