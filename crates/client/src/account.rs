//! Who is signed in: the session, its tokens, and what to do when the server turns one down.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use visionguard_proto::Cause;

use crate::api::{Api, ApiError, Http};
use crate::clock::Clock;
use crate::connection::Target;
use crate::keychain::{Keychain, KeychainError};
use crate::session_file::SavedSession;
use crate::view::{Problem, SessionView};

/// The account of this data directory. Cheap to clone; all clones are the same account.
#[derive(Debug, Clone)]
pub struct Account {}

/// What was found at the start.
#[derive(Debug)]
pub enum Restored {
    /// Nobody was signed in.
    Nobody,
    /// Somebody is, token and all.
    SignedIn(SessionView),
    /// Somebody was, but the keychain holds no token: sign in again.
    TokenGone(SavedSession),
    /// Somebody is, but the keychain cannot be asked now: try again later.
    Unreadable(SavedSession, KeychainError),
}

/// What to tell the connection after a question.
#[derive(Debug)]
pub enum Answer {
    /// There is a new token: [`crate::connection::Connection::connect`].
    Connect(Target),
    /// Nothing helped: [`crate::connection::Connection::rejected`] with this cause.
    Rejected(Cause),
}

#[allow(clippy::unused_async, reason = "signatures first")]
impl Account {
    /// The account of a data directory; nobody until [`Account::restore`] or a sign-in.
    pub fn new(data_dir: PathBuf, keychain: Arc<dyn Keychain>, http: Http, clock: Arc<dyn Clock>) -> Account {
        let _ = (data_dir, keychain, http, clock);
        todo!()
    }

    /// Finds who was signed in when the program last ran.
    pub async fn restore(&self) -> Restored {
        todo!()
    }

    /// Signs in with e-mail and password; the session that was there stays if this fails.
    pub async fn sign_in(
        &self,
        server: &str,
        email: &str,
        password: &SecretString,
    ) -> Result<SessionView, Problem> {
        let _ = (server, email, password);
        todo!()
    }

    /// Signs in with a token that was obtained elsewhere; the server is asked whose it is.
    pub async fn sign_in_with_token(
        &self,
        server: &str,
        user_id: &str,
        token: SecretString,
    ) -> Result<SessionView, Problem> {
        let _ = (server, user_id, token);
        todo!()
    }

    /// Forgets everything: the server is told, the keychain and `session.json` are emptied. A keychain that cannot be
    /// reached is reported after the rest is done.
    pub async fn sign_out(&self) -> Result<(), KeychainError> {
        todo!()
    }

    /// Who is signed in.
    pub fn session(&self) -> Option<SessionView> {
        todo!()
    }

    /// Whom to connect as.
    pub fn target(&self) -> Option<Target> {
        todo!()
    }

    /// The server with the current token.
    pub fn api(&self) -> Option<Api> {
        todo!()
    }

    /// When the access token expires, by the server's clock as estimated; none if it does not say.
    pub fn expires_at(&self) -> Option<Timestamp> {
        todo!()
    }

    /// Why the tokens are in memory alone, where they should be in the keychain.
    pub fn keychain_trouble(&self) -> Option<KeychainError> {
        todo!()
    }

    /// Finds out what a refused handshake means: refreshes once where the server can, else asks `GET /auth/me`.
    pub async fn answer(&self, question: Cause) -> Answer {
        let _ = question;
        todo!()
    }

    /// Obtains a new token if this one is about to expire and the server can; call it every minute or so. A new target
    /// is for [`crate::connection::Connection::connect`], which leaves an open socket alone.
    pub async fn refresh_if_due(&self) -> Result<Option<Target>, ApiError> {
        todo!()
    }
}
