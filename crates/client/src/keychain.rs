//! The operating system's keychain, where the tokens live.
//!
//! Nothing stored, locked and not there at all are three different answers. There is no fallback to a file: without
//! a keychain a session lasts until the program ends.

mod memory;
mod parts;
mod system;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use crate::installation::identity;
use crate::view::Keeping;

pub use memory::MemoryKeychain;
pub use system::SystemKeychain;

/// A place for secrets, by the name of an entry (see [`entry`]).
pub trait Keychain: fmt::Debug + Send + Sync + 'static {
    /// The secret; none if nothing was ever stored under this name.
    fn get<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<Option<SecretString>, KeychainError>>;

    /// Stores a secret, in place of one that was there.
    fn set<'a>(
        &'a self,
        entry: &'a str,
        secret: &'a SecretString,
    ) -> BoxFuture<'a, Result<(), KeychainError>>;

    /// Forgets a secret; it is no error if there was none.
    fn delete<'a>(&'a self, entry: &'a str) -> BoxFuture<'a, Result<(), KeychainError>>;

    /// Whether what is stored here outlives the program.
    fn keeping(&self) -> Keeping;

    /// The name of the program that keeps the secrets, as people know it; none if it cannot be told or needs no name.
    fn program(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(std::future::ready(None))
    }
}

/// Why the keychain did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeychainError {
    /// It is there, but locked, and nobody unlocked it.
    #[error("the keychain is locked")]
    Locked,
    /// There is none on this computer, or it is not running (yet).
    #[error("there is no keychain")]
    Unavailable,
    /// The service is there, but keeps nothing yet: nobody has made a keyring, or a wallet.
    #[error("the keychain has no keyring yet")]
    NoKeyring,
    /// It is locked, and lacks what it takes to ask for its password.
    #[error("the keychain cannot ask for its password")]
    CannotUnlock,
    /// It would not take a secret of this length.
    #[error("the secret is too long for the keychain")]
    TooLong,
    /// It has a question open on the screen, such as for a password, that nobody answered in time.
    #[error("the keychain has a question open on the screen that nobody answered in time")]
    Asking,
    /// It did not answer in time.
    #[error("the keychain did not answer in time")]
    Timeout,
    /// What it holds is not what was stored.
    #[error("the keychain holds something that is not ours to read")]
    Damaged,
    /// Anything else, in its own words without a secret.
    #[error("the keychain failed: {0}")]
    Other(String),
}

impl KeychainError {
    /// Whether the same request may succeed later without anybody changing the set-up.
    pub fn may_pass(&self) -> bool {
        match self {
            KeychainError::Locked
            | KeychainError::Unavailable
            | KeychainError::NoKeyring
            | KeychainError::CannotUnlock
            | KeychainError::Asking
            | KeychainError::Timeout => true,
            KeychainError::TooLong | KeychainError::Damaged | KeychainError::Other(_) => false,
        }
    }
}

/// Which secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// Opens the socket and the API.
    Access,
    /// Obtains a new access token.
    Refresh,
    /// The password, where the person chose to keep it.
    Password,
    /// Who is signed in, where the disk does not keep it: no secret, but for the same person's eyes.
    Session,
    /// Signs evidence. It is the computer's and no person's: signing out leaves it.
    Evidence,
}

/// The name of an entry. It holds a short hash of the data directory, so that two of them never share a secret.
pub fn entry(secret: Secret, data_dir: &Path) -> String {
    let kind = match secret {
        Secret::Access => "access",
        Secret::Refresh => "refresh",
        Secret::Password => "password",
        Secret::Session => "session",
        Secret::Evidence => "evidence",
    };
    format!("{kind}:{}", identity(data_dir))
}

/// The system's keychain, or one in memory where `VISIONGUARD_KEYCHAIN=memory` was chosen.
pub fn choose() -> Arc<dyn Keychain> {
    match std::env::var("VISIONGUARD_KEYCHAIN").as_deref() {
        Ok("memory") => Arc::new(MemoryKeychain::default()),
        Ok(other) if !other.is_empty() && other != "system" => {
            tracing::warn!(
                "VISIONGUARD_KEYCHAIN is neither memory nor system: the system's keychain is used"
            );
            Arc::new(SystemKeychain::new())
        }
        Ok(_) | Err(_) => Arc::new(SystemKeychain::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_data_directories_never_share_an_entry() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());

        assert_ne!(entry(Secret::Access, one.path()), entry(Secret::Access, other.path()));
        assert_ne!(entry(Secret::Access, one.path()), entry(Secret::Refresh, one.path()));
    }

    #[test]
    fn a_directory_has_one_entry_however_it_is_spelled() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();

        let plain = entry(Secret::Access, &folder.path().join("a"));
        let crooked = entry(Secret::Access, &folder.path().join("a/../a"));

        assert_eq!(plain, crooked);
        assert_eq!(plain.len(), "access:".len() + 12);
    }
}
