//! Who is signed in, over a restart: `session.json`, or an entry of the keychain where the disk does not take that file.
//!
//! The entry is there only while the file could not be written, so that it is the newer of the two wherever it is found.

use std::io;
use std::sync::atomic::Ordering;

use secrecy::{ExposeSecret, SecretString};

use super::Account;
use crate::installation::DataDir;
use crate::keychain::{self, KeychainError, Secret};
use crate::session_file::{self, SavedSession};

/// Where it is written down who is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Remembered {
    /// In `session.json`, as ever.
    #[default]
    InFile,
    /// In the keychain: the file cannot be written.
    InKeychain,
    /// Nowhere: the sign-in lasts until the program ends.
    Nowhere,
}

impl Account {
    /// Where it is written down who is signed in.
    pub fn remembered(&self) -> Remembered {
        *self.inner.remembered.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Who was signed in when the program last ran.
    pub(super) async fn recall(&self) -> Result<Option<SavedSession>, (Option<SavedSession>, KeychainError)> {
        let in_file = session_file::load(self.data_dir());
        if in_file.is_none() && DataDir::at(self.data_dir().to_owned()).trouble.is_none() {
            return Ok(None);
        }
        match self.stored(Secret::Session).await {
            Ok(Some(entry)) => match serde_json::from_str(entry.expose_secret()) {
                Ok(saved) => {
                    self.note(Remembered::InKeychain);
                    Ok(Some(saved))
                }
                Err(_) => Ok(in_file),
            },
            Ok(None) | Err(KeychainError::Damaged) => Ok(in_file),
            Err(error) if in_file.is_some() || error.may_pass() => Err((in_file, error)),
            Err(error) => {
                tracing::warn!(%error, "who is signed in cannot be read from the keychain");
                Ok(None)
            }
        }
    }

    /// Whether the directory is another program's, so that nothing is written there.
    pub fn directory_is_others(&self, is_others: bool) {
        self.inner.is_others.store(is_others, Ordering::SeqCst);
    }

    pub(super) fn remove_file(&self) {
        if self.is_others() {
            return;
        }
        if let Err(error) = session_file::remove(self.data_dir()) {
            tracing::warn!(%error, "session.json cannot be removed");
        }
    }

    fn write_file(&self, saved: &SavedSession) -> io::Result<()> {
        if self.is_others() {
            return Err(io::Error::other("another program has the data directory"));
        }
        session_file::save(self.data_dir(), saved)
    }

    fn is_others(&self) -> bool {
        self.inner.is_others.load(Ordering::SeqCst)
    }

    /// Writes it down, where that can be done.
    pub(super) async fn remember(&self, saved: &SavedSession) {
        let remembered = match self.write_file(saved) {
            Ok(()) => {
                self.forget_entry().await;
                Remembered::InFile
            }
            Err(error) => {
                tracing::warn!(%error, "session.json cannot be written");
                self.remember_in_keychain(saved).await
            }
        };
        self.note(remembered);
    }

    /// Tries the file again, once it could not be written. To be called now and then.
    pub async fn remember_again(&self) {
        if self.remembered() == Remembered::InFile {
            return;
        }
        // Neither a renewal nor another sign-in comes in between.
        let _one_at_a_time = self.inner.renewing.lock().await;
        if self.save_while_signed_in() {
            self.forget_entry().await;
            self.note(Remembered::InFile);
        }
    }

    /// Whether the file is written, while nobody can end the session.
    pub(super) fn save_while_signed_in(&self) -> bool {
        let current = self.lock();
        let Some(session) = current.as_ref().filter(|session| session.trouble().is_none()) else {
            return false;
        };
        self.write_file(session.saved())
            .inspect_err(|error| tracing::warn!(%error, "session.json cannot be written"))
            .is_ok()
    }

    /// The file could not be written: the entry of the keychain says it instead.
    pub(super) async fn remember_without_file(&self) {
        let saved = match self.lock().as_ref() {
            Some(session) if session.trouble().is_none() => session.saved().clone(),
            Some(_) | None => return,
        };
        let remembered = self.remember_in_keychain(&saved).await;
        self.note(remembered);
        if self.session().is_none() {
            // Signed out meanwhile: the keychain was emptied before this was written.
            self.forget_entry().await;
        }
    }

    async fn remember_in_keychain(&self, saved: &SavedSession) -> Remembered {
        // Its own session would give way to ours at its next start.
        if self.is_others() {
            return Remembered::Nowhere;
        }
        let Ok(text) = serde_json::to_string(saved) else { return Remembered::Nowhere };
        let entry = keychain::entry(Secret::Session, self.data_dir());
        match self.inner.keychain.set(&entry, &SecretString::from(text)).await {
            Ok(()) => Remembered::InKeychain,
            Err(error) => {
                tracing::warn!(%error, "who is signed in cannot be kept in the keychain either");
                Remembered::Nowhere
            }
        }
    }

    async fn forget_entry(&self) {
        let entry = keychain::entry(Secret::Session, self.data_dir());
        if let Err(error) = self.inner.keychain.delete(&entry).await {
            tracing::debug!(%error, "the keychain's own note of who is signed in cannot be removed");
        }
    }

    fn note(&self, remembered: Remembered) {
        *self.inner.remembered.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = remembered;
    }
}
