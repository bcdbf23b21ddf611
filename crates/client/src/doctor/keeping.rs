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
    let probed = probe(keychain).await;
    let program = keychain.program().await;
    match (probed, program) {
        (Ok(()), Some(program)) => {
            Finding::good(Check::Keychain, text("doctor.keychain_good_by", &[("program", &program)]))
        }
        (Ok(()), None) => Finding::good(Check::Keychain, text("doctor.keychain_good", &[])),
        (Err(error), program) => {
            let (found, advice) = match error {
                KeychainError::NoKeyring => {
                    (text("doctor.keychain_no_keyring", &[]), text("doctor.keychain_make", &[]))
                }
                KeychainError::CannotUnlock => {
                    (text("doctor.keychain_locked", &[]), text("doctor.keychain_plugin", &[]))
                }
                KeychainError::Locked => {
                    (text("doctor.keychain_locked", &[]), text("doctor.keychain_unlock", &[]))
                }
                KeychainError::Unavailable => {
                    (text("doctor.keychain_absent", &[]), text("doctor.keychain_install", &[]))
                }
                KeychainError::Asking => {
                    (text("doctor.keychain_asks", &[]), text("doctor.keychain_answer", &[]))
                }
                KeychainError::Timeout => {
                    (text("doctor.keychain_late", &[]), text("doctor.keychain_unlock", &[]))
                }
                KeychainError::TooLong | KeychainError::Damaged | KeychainError::Other(_) => {
                    let why = error.to_string();
                    (text("doctor.keychain_broken", &[("why", &why)]), text("doctor.keychain_unlock", &[]))
                }
            };
            let found = match program {
                Some(program) => text("doctor.keychain_is", &[("program", &program), ("found", &found)]),
                None => found,
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
