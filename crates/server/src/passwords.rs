//! Passwords: argon2, off the runtime's threads, and not too many at once.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// Hashes at once; each takes 19 MiB and tens of milliseconds of a core.
const AT_ONCE: usize = 2;
/// How long an attempt waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a password was neither accepted nor refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("too many sign-ins at once")]
    Busy,
    #[error("cannot hash a password")]
    Failed,
}

/// Hashes and checks passwords.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// Checked where there is no such user, so that both answers take the same time.
    nobody: Arc<str>,
}

impl Passwords {
    pub(crate) fn new() -> Result<Passwords, PasswordError> {
        let nobody = hash(&uuid::Uuid::new_v4().to_string())?;
        Ok(Passwords { turns: Arc::new(Semaphore::new(AT_ONCE)), nobody: nobody.into() })
    }

    /// The hash to keep.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        self.run(move || hash(password.expose_secret())).await?
    }

    /// Whether this is the password. Without a hash it is not, after the same time.
    pub(crate) async fn check(
        &self,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let right = self.run(move || matches(password.expose_secret(), &hash)).await??;
        Ok(known && right)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned());
        let turn = turn.await.map_err(|_| PasswordError::Busy)?.map_err(|_| PasswordError::Failed)?;
        let work = move || {
            // Held until the work is done, also if nobody waits for it any more.
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| PasswordError::Failed)
    }
}

/// Of the composed form: the same letters are the same password, whichever keyboard they come from.
fn hash(password: &str) -> Result<String, PasswordError> {
    let password = ComposingNormalizer::new_nfc().normalize(password);
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|_| PasswordError::Failed)?;
    Ok(hash.to_string())
}

fn matches(password: &str, hash: &str) -> Result<bool, PasswordError> {
    let hash = PasswordHash::new(hash).map_err(|_| PasswordError::Failed)?;
    let is = |form: &str| Argon2::default().verify_password(form.as_bytes(), &hash).is_ok();
    let composed = ComposingNormalizer::new_nfc().normalize(password);
    if is(&composed) {
        return Ok(true);
    }
    // What was stored before passwords were composed was stored as it was typed.
    let apart = DecomposingNormalizer::new_nfd().normalize(password);
    Ok((password != composed && is(password)) || (apart != composed && apart != password && is(&apart)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_hash_alone_and_nobody_matches_nothing() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse".into()).await.unwrap();

        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.check("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.check("wrong horse".into(), Some(hash)).await.unwrap());
        assert!(!passwords.check("correct horse".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn case_31_the_same_letters_are_the_same_password_however_they_were_typed_and_stored() {
        let passwords = Passwords::new().unwrap();
        let (composed, apart) = ("caf\u{e9} au lait", "cafe\u{301} au lait");
        let as_typed = Argon2::default().hash_password(apart.as_bytes()).unwrap().to_string();

        for stored in [hash(composed).unwrap(), hash(apart).unwrap(), as_typed] {
            for typed in [composed, apart] {
                assert!(passwords.check(typed.into(), Some(stored.clone())).await.unwrap(), "{typed}");
            }
            assert!(!passwords.check("cafe au lait".into(), Some(stored)).await.unwrap());
        }
    }
}
