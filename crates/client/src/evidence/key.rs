//! The key that signs: made on first use, and kept in the keychain.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use visionguard_evidence::Signer;
use zeroize::Zeroizing;

use crate::keychain::{self, Keychain, KeychainError, Secret};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    #[error(transparent)]
    Key(#[from] visionguard_evidence::KeyError),
}

/// The key of this data directory. One that cannot be read is never replaced: what it signed would be a stranger's.
///
/// # Errors
///
/// [`KeyError`] where the keychain does not answer, or holds something else.
pub async fn signer(keychain: &dyn Keychain, data_dir: &Path) -> Result<Signer, KeyError> {
    let entry = keychain::entry(Secret::Evidence, data_dir);
    if let Some(kept) = keychain.get(&entry).await? {
        return read(&kept);
    }
    let made = Signer::generate()?;
    keychain.set(&entry, &SecretString::from(STANDARD.encode(made.secret()))).await?;
    // Another program may have made one at the same time: what is kept by now is the key.
    match keychain.get(&entry).await? {
        Some(kept) => read(&kept),
        None => Ok(made),
    }
}

fn read(kept: &SecretString) -> Result<Signer, KeyError> {
    let secret = STANDARD.decode(kept.expose_secret()).map(Zeroizing::new);
    let secret = secret.map_err(|_| KeychainError::Damaged)?;
    Ok(Signer::from_secret(&secret)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keychain::MemoryKeychain;

    #[tokio::test]
    async fn the_key_is_made_once_and_is_another_for_another_directory() {
        let keychain = MemoryKeychain::default();
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());

        let made = signer(&keychain, one.path()).await.unwrap().public_key();

        assert_eq!(signer(&keychain, one.path()).await.unwrap().public_key(), made);
        assert_ne!(signer(&keychain, other.path()).await.unwrap().public_key(), made);
    }

    #[tokio::test]
    async fn a_key_that_cannot_be_read_is_not_replaced() {
        let (keychain, folder) = (MemoryKeychain::default(), tempfile::tempdir().unwrap());
        let entry = keychain::entry(Secret::Evidence, folder.path());
        keychain.set(&entry, &SecretString::from("nonsense")).await.unwrap();

        assert!(signer(&keychain, folder.path()).await.is_err());

        let kept = keychain.get(&entry).await.unwrap().unwrap();
        assert_eq!(kept.expose_secret(), "nonsense");
    }
}
