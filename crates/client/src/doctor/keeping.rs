//! The keychain: whether it takes, gives back and forgets.

use secrecy::{ExposeSecret, SecretString};

use super::{Check, Finding};
use crate::keychain::{Keychain, KeychainError};
use crate::view::Keeping;
use crate::words::text;

const ENTRY: &str = "doctor:probe";

pub(super) async fn examine(keychain: &dyn Keychain) -> Finding {
    if keychain.keeping() == Keeping::Memory {
        return Finding::warning(
            Check::Keychain,
            text("doctor.keychain_memory", &[]),
            text("doctor.keychain_memory_advice", &[]),
        );
    }
    match probe(keychain).await {
        Ok(()) => Finding::good(Check::Keychain, text("doctor.keychain_good", &[])),
        Err(error) => {
            let (found, advice) = match error {
                KeychainError::Locked => {
                    (text("doctor.keychain_locked", &[]), text("doctor.keychain_unlock", &[]))
                }
                KeychainError::Unavailable => {
                    (text("doctor.keychain_absent", &[]), text("doctor.keychain_install", &[]))
                }
                KeychainError::Timeout => {
                    (text("doctor.keychain_late", &[]), text("doctor.keychain_unlock", &[]))
                }
                KeychainError::TooLong | KeychainError::Damaged | KeychainError::Other(_) => {
                    let why = error.to_string();
                    (text("doctor.keychain_broken", &[("why", &why)]), text("doctor.keychain_unlock", &[]))
                }
            };
            Finding::bad(Check::Keychain, found, advice)
        }
    }
}

async fn probe(keychain: &dyn Keychain) -> Result<(), KeychainError> {
    let written = uuid::Uuid::new_v4().to_string();
    keychain.set(ENTRY, &SecretString::from(written.as_str())).await?;
    let read = keychain.get(ENTRY).await?;
    keychain.delete(ENTRY).await?;
    if read.is_some_and(|read| read.expose_secret() == written) {
        Ok(())
    } else {
        Err(KeychainError::Damaged)
    }
}
