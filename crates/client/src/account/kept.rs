//! The password that a person chose to keep: signing in again with it where the server gives no new token.
//!
//! A password that the server refuses is forgotten at once, so that it is never tried in a loop. One that it accepts is
//! not tried again for a quarter of an hour, whatever the server says of the token it gave.

use std::time::Duration;

use secrecy::SecretString;
use visionguard_proto::{Cause, Endpoint, Moment};

use super::answer::cause_of;
use super::session::Session;
use super::{Account, Answer, Restored, is_whose};
use crate::api::{Api, ApiError, SignedIn};
use crate::keychain::{self, KeychainError, Secret};
use crate::session_file::{self, SavedSession};

/// Between two attempts to sign in with it.
const AGAIN_AFTER: Duration = Duration::from_secs(15 * 60);
/// The same where the server could not be asked.
const TROUBLE_OVER_AFTER: Duration = Duration::from_secs(30);

/// The last attempt with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tried {
    not_before: Moment,
    /// What the attempt came to, which stands until the next.
    cause: Cause,
}

impl Account {
    /// When the kept password may be tried next, if one is kept; the moment may be past.
    pub fn may_sign_in_again_at(&self) -> Option<Moment> {
        let kept = match self.session() {
            Some(session) => session.password_kept,
            None => session_file::load(self.data_dir()).is_some_and(|saved| saved.password_kept),
        };
        let now = self.inner.clock.monotonic();
        kept.then(|| self.tried().map_or(now + AGAIN_AFTER, |tried| tried.not_before))
    }

    /// Puts the password into the keychain, or takes one that is there out of it. Whether it is there.
    pub(super) async fn keep_password(&self, password: Option<&SecretString>) -> bool {
        let entry = keychain::entry(Secret::Password, self.data_dir());
        let Some(password) = password else {
            self.forget_password().await;
            return false;
        };
        match self.inner.keychain.set(&entry, password).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the password cannot be kept");
                self.forget_password().await;
                false
            }
        }
    }

    /// The token is dead: another in its place, or why there is none.
    pub(super) async fn sign_in_again(&self) -> Answer {
        let Some(saved) = self.lock().as_ref().map(|session| session.saved().clone()) else {
            return Answer::Rejected(Cause::TokenRejected);
        };
        let tokens = match self.tokens_for_password(&saved).await {
            Ok(tokens) => tokens,
            Err(cause) => return Answer::Rejected(cause),
        };
        match self.adopt(tokens, self.inner.clock.monotonic()).await {
            Some(target) => Answer::Connect(target),
            None => Answer::Rejected(Cause::TokenRejected),
        }
    }

    /// The session of a file whose token is gone.
    pub(super) async fn restore_by_password(&self, saved: SavedSession, endpoint: Endpoint) -> Restored {
        let _one_at_a_time = self.inner.renewing.lock().await;
        let Ok(tokens) = self.tokens_for_password(&saved).await else {
            return Restored::TokenGone(session_file::load(self.data_dir()).unwrap_or(saved));
        };
        let stored = self.store(&tokens.access, tokens.refresh.as_ref()).await;
        let kept_in = self.inner.keychain.keeping();
        let mut session = Session::new(saved, endpoint, tokens.access, tokens.refresh, kept_in);
        if let Err(error) = stored {
            session.kept_in_memory(error);
        }
        if let Some(date) = tokens.date {
            session.set_server_clock(date, self.inner.clock.monotonic());
        }
        // Somebody may have signed in meanwhile.
        let view = self.lock().get_or_insert(session).view();
        Restored::SignedIn(view)
    }

    async fn tokens_for_password(&self, saved: &SavedSession) -> Result<SignedIn, Cause> {
        let now = self.inner.clock.monotonic();
        if !saved.password_kept {
            return Err(Cause::TokenRejected);
        }
        if let Some(tried) = self.tried().filter(|tried| now < tried.not_before) {
            return Err(tried.cause);
        }
        self.note_tried(now + AGAIN_AFTER, Cause::TokenRejected);
        let password = match self.stored(Secret::Password).await {
            Ok(Some(password)) => password,
            Ok(None) | Err(KeychainError::Damaged) => return Err(self.give_password_up().await),
            Err(error) => {
                tracing::warn!(%error, "the kept password cannot be read");
                return Err(Cause::TokenRejected);
            }
        };
        let Ok(endpoint) = Endpoint::parse(&saved.server) else { return Err(Cause::TokenRejected) };

        match Api::new(&self.inner.http, endpoint).sign_in(&saved.email, &password).await {
            Ok(tokens) if is_theirs(&tokens, saved) => {
                tracing::info!("signed in again with the kept password");
                Ok(tokens)
            }
            Ok(_) => Err(self.give_password_up().await),
            Err(error) if is_refusal(&error) => Err(self.give_password_up().await),
            Err(error) => {
                tracing::info!(%error, "the kept password could not be tried");
                let cause = cause_of(&error);
                let wait = error.retry_after().unwrap_or_default().max(TROUBLE_OVER_AFTER);
                self.note_tried(now + wait, cause);
                Err(cause)
            }
        }
    }

    /// It is of no use: nobody tries it again.
    async fn give_password_up(&self) -> Cause {
        tracing::warn!("the server refused the kept password; it is forgotten");
        self.forget_password().await;
        let saved = {
            let mut session = self.lock();
            if let Some(session) = session.as_mut() {
                session.without_password();
            }
            session_file::load(self.data_dir()).map(|saved| SavedSession { password_kept: false, ..saved })
        };
        if let Some(saved) = saved
            && let Err(error) = session_file::save(self.data_dir(), &saved)
        {
            tracing::warn!(%error, "session.json cannot be written");
        }
        Cause::TokenRejected
    }

    async fn forget_password(&self) {
        let entry = keychain::entry(Secret::Password, self.data_dir());
        if let Err(error) = self.inner.keychain.delete(&entry).await {
            tracing::debug!(%error, "no password can be removed from the keychain");
        }
    }

    fn tried(&self) -> Option<Tried> {
        *self.inner.tried.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn note_tried(&self, not_before: Moment, cause: Cause) {
        let mut tried = self.inner.tried.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *tried = Some(Tried { not_before, cause });
    }

    /// A person signed in: what was tried before does not count.
    pub(super) fn forget_tries(&self) {
        *self.inner.tried.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }
}

/// An address that changed hands must not sign one person in with another's tokens.
fn is_theirs(tokens: &SignedIn, saved: &SavedSession) -> bool {
    is_whose(&tokens.access, &saved.user_id)
        && tokens.user.as_ref().is_none_or(|user| user.id == saved.user_id)
}

/// Whether the server itself said that the password is not the account's.
fn is_refusal(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused { status: 400 | 401 | 403 | 422, is_ours: true, .. })
}
