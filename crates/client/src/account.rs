//! Who is signed in: the session, its tokens, and what to do when the server turns one down.
//!
//! The tokens are in the keychain and in memory. Where the keychain does not take them, they are in memory alone, and
//! [`Account::keychain_trouble`] says so.

mod answer;
mod kept;
mod remembered;
mod session;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use visionguard_proto::{Cause, Endpoint, EndpointError, UserId};

use crate::api::{Api, Http, SignedIn, User};
use crate::clock::Clock;
use crate::connection::Target;
use crate::keychain::{self, Keychain, KeychainError, Secret};
use crate::server_clock::Told;
use crate::session_file::SavedSession;
use crate::view::{Keeping, Problem, SessionView};
use crate::words::text;

pub use remembered::Remembered;

use kept::Tried;
use session::Session;

/// How long signing out waits for the server, which does not need to know.
const LOGOUT_WITHIN: Duration = Duration::from_secs(3);

/// The account of this data directory. Cheap to clone; all clones are the same account.
#[derive(Debug, Clone)]
pub struct Account {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    data_dir: PathBuf,
    keychain: Arc<dyn Keychain>,
    http: Http,
    clock: Arc<dyn Clock>,
    session: Mutex<Option<Session>>,
    /// Held while a token is being renewed, so that only one request for it is under way.
    renewing: tokio::sync::Mutex<()>,
    /// When the kept password was last tried.
    tried: Mutex<Option<Tried>>,
    /// Where it is written down who is signed in.
    remembered: Mutex<Remembered>,
    /// The directory is another program's for now, and its file that one's session.
    is_others: AtomicBool,
}

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
    /// The disk does not keep who is, and the keychain cannot be asked now: try again later.
    Unknown(KeychainError),
}

/// What to tell the connection after a question.
#[derive(Debug)]
pub enum Answer {
    /// There is a new token: [`crate::connection::Connection::connect`].
    Connect(Target),
    /// [`crate::connection::Connection::rejected`] with this cause: [`Cause::TokenRejected`],
    /// [`Cause::AddressRejected`], or why it could not be found out now.
    Rejected(Cause),
}

impl Account {
    /// The account of a data directory; nobody until [`Account::restore`] or a sign-in.
    pub fn new(data_dir: PathBuf, keychain: Arc<dyn Keychain>, http: Http, clock: Arc<dyn Clock>) -> Account {
        let inner = Inner {
            data_dir,
            keychain,
            http,
            clock,
            session: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
            tried: Mutex::default(),
            remembered: Mutex::default(),
            is_others: AtomicBool::new(false),
        };
        Account { inner: Arc::new(inner) }
    }

    /// Finds who was signed in when the program last ran. The server is asked only where the token is gone and the password
    /// was kept.
    pub async fn restore(&self) -> Restored {
        let saved = match self.recall().await {
            Ok(Some(saved)) => saved,
            Ok(None) => return Restored::Nobody,
            Err((Some(saved), error)) => return Restored::Unreadable(saved, error),
            Err((None, error)) => return Restored::Unknown(error),
        };
        let Ok(endpoint) = Endpoint::parse(&saved.server) else {
            tracing::warn!("session.json names no server");
            return Restored::Nobody;
        };

        let access = match self.stored(Secret::Access).await {
            Ok(Some(access)) if is_sendable(&access) && is_whose(&access, &saved.user_id) => access,
            Ok(Some(_) | None) | Err(KeychainError::Damaged) => {
                return self.restore_by_password(saved, endpoint).await;
            }
            Err(error) => return Restored::Unreadable(saved, error),
        };
        let refresh = match self.stored(Secret::Refresh).await {
            Ok(refresh) => refresh.filter(is_sendable),
            Err(KeychainError::Damaged) => None,
            // Without it the session would end with its access token.
            Err(error) => return Restored::Unreadable(saved, error),
        };

        let session = Session::new(saved, endpoint, access, refresh, self.inner.keychain.keeping());
        let mut current = self.lock();
        // Somebody may have signed in while the keychain took its time.
        let session = current.get_or_insert(session);
        Restored::SignedIn(session.view())
    }

    /// Signs in with e-mail and password; the session that was there stays if this fails. With `keep_password` the keychain
    /// keeps the password too, where it can.
    pub async fn sign_in(
        &self,
        server: &str,
        email: &str,
        password: &SecretString,
        keep_password: bool,
    ) -> Result<SessionView, Problem> {
        let endpoint = endpoint(server)?;
        // Only blanks go: the original server minds capital letters before the @.
        let email = email.trim();
        if email.is_empty() {
            return Err(problem("invalid", text("problem.email_empty", &[]), "email"));
        }
        if password.expose_secret().is_empty() {
            return Err(problem("invalid", text("problem.password_empty", &[]), "password"));
        }

        let api = Api::new(&self.inner.http, endpoint.clone());
        let tokens = api.sign_in(email, password).await.map_err(|error| {
            tracing::info!(%error, "the sign-in failed");
            error.problem()
        })?;
        let user = match tokens.user.clone() {
            Some(user) => user,
            None => {
                let me = api.with_token(tokens.access.clone()).me().await;
                me.map_err(|error| error.problem())?
            }
        };
        self.begin(endpoint, user, tokens, Some(password).filter(|_| keep_password)).await
    }

    /// Signs in with a token that was obtained elsewhere; the server is asked whose it is.
    pub async fn sign_in_with_token(
        &self,
        server: &str,
        user_id: &str,
        token: SecretString,
    ) -> Result<SessionView, Problem> {
        let endpoint = endpoint(server)?;
        let user = Api::new(&self.inner.http, endpoint.clone()).with_token(token.clone()).me().await;
        let user = user.map_err(|error| match error.is_unauthorized() {
            true => problem("token_refused", text("problem.token_refused", &[]), "token"),
            false => error.problem(),
        })?;
        if user.id.as_str() != user_id.trim() {
            return Err(problem("other_user", text("problem.other_user", &[]), "user_id"));
        }
        let tokens = SignedIn { access: token, refresh: None, user: None, date: None };
        self.begin(endpoint, user, tokens, None).await
    }

    /// Forgets everything: the server is told, the keychain and `session.json` are emptied. A keychain that cannot be
    /// reached is reported after the rest is done.
    pub async fn sign_out(&self) -> Result<(), KeychainError> {
        let api = self.api();
        let kept_in = self.lock().take().map(|session| session.kept_in());
        self.remove_file();
        let (forgotten, ()) = tokio::join!(self.forget(), tell_of_sign_out(api));
        match kept_in {
            Some(Keeping::Memory) => Ok(()),
            Some(Keeping::Keychain) | None => forgotten,
        }
    }

    /// The server speaks protocol 2, and nothing less is accepted from it until the next sign-in. Whether that is news, to
    /// be written down with [`Account::write_down`].
    pub fn speaks_two(&self) -> bool {
        self.lock().as_mut().is_some_and(Session::note_two)
    }

    /// Writes `session.json` anew, if the session is one that lasts.
    pub async fn write_down(&self) {
        // Neither a renewal nor another sign-in comes in between.
        let _one_at_a_time = self.inner.renewing.lock().await;
        if !self.save_while_signed_in() {
            self.remember_without_file().await;
        }
    }

    /// Who is signed in.
    pub fn session(&self) -> Option<SessionView> {
        self.lock().as_ref().map(Session::view)
    }

    /// Whom to connect as.
    pub fn target(&self) -> Option<Target> {
        self.lock().as_ref().map(Session::target)
    }

    /// The server with the current token.
    pub fn api(&self) -> Option<Api> {
        let target = self.target()?;
        Some(Api::new(&self.inner.http, target.endpoint).with_token(target.token))
    }

    /// Since when the person is signed in, by this computer's clock; none if that is not known.
    pub fn signed_in_at(&self) -> Option<Timestamp> {
        self.lock().as_ref()?.saved().signed_in_at
    }

    /// When the access token ends, by the server's clock; none if it does not say.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.lock().as_ref()?.expires_at()
    }

    /// What time it is by the server's clock, and by how much that may be wrong; none if its answers did not tell.
    pub fn server_time(&self) -> Option<(Timestamp, Duration)> {
        self.lock().as_ref()?.told_time(self.inner.clock.monotonic())
    }

    /// An answer told what time it is at the server.
    pub(crate) fn told_time(&self, told: Told) {
        let now = self.inner.clock.monotonic();
        if let Some(session) = self.lock().as_mut() {
            session.set_server_clock(told, now);
        }
    }

    /// Why the tokens are in memory alone, where they should be in the keychain.
    pub fn keychain_trouble(&self) -> Option<KeychainError> {
        self.lock().as_ref()?.trouble().cloned()
    }

    /// Puts the tokens into a keychain that refused them before; true once they are there. To be called now and then
    /// while there is [`Account::keychain_trouble`].
    pub async fn store_again(&self) -> bool {
        // Neither a renewal nor another sign-in comes in between.
        let _one_at_a_time = self.inner.renewing.lock().await;
        let Some((access, refresh)) = self.lock().as_ref().map(Session::to_store) else { return false };
        if let Err(error) = self.store(&access, refresh.as_ref()).await {
            tracing::debug!(%error, "the keychain still does not take the tokens");
            return false;
        }
        if self.note_stored() {
            if !self.save_while_signed_in() {
                self.remember_without_file().await;
            }
            return true;
        }
        // Signed out meanwhile: the keychain was emptied before this was written.
        if let Err(error) = self.forget().await {
            tracing::warn!(%error, "a token stays in the keychain");
        }
        false
    }

    /// Whether the session is still there.
    fn note_stored(&self) -> bool {
        let mut current = self.lock();
        let Some(session) = current.as_mut() else { return false };
        session.stored(self.inner.keychain.keeping());
        true
    }

    /// Makes this the session, in place of the one that was there.
    async fn begin(
        &self,
        endpoint: Endpoint,
        user: User,
        tokens: SignedIn,
        password: Option<&SecretString>,
    ) -> Result<SessionView, Problem> {
        // A renewal under way belongs to the session before.
        let _one_at_a_time = self.inner.renewing.lock().await;
        let mut saved = SavedSession {
            server: endpoint.to_string(),
            user_id: user.id,
            name: user.name,
            email: user.email,
            password_kept: false,
            spoke_two: false,
            signed_in_at: Some(self.inner.clock.wall()),
        };
        let SignedIn { access, refresh, date, .. } = tokens;

        // Nothing on disk may pair one person's name with another's token, also if the power fails in between.
        self.remove_file();
        let stored = self.store(&access, refresh.as_ref()).await;
        saved.password_kept = self.keep_password(password.filter(|_| stored.is_ok())).await;
        self.forget_tries();
        if stored.is_ok() {
            self.remember(&saved).await;
        }

        let mut session = Session::new(saved, endpoint, access, refresh, self.inner.keychain.keeping());
        if let Err(error) = stored {
            tracing::warn!(%error, "the tokens are kept in memory alone");
            session.kept_in_memory(error);
        }
        if let Some(date) = date {
            session.set_server_clock(date, self.inner.clock.monotonic());
        }
        let view = session.view();
        *self.lock() = Some(session);
        tracing::info!(server = %view.server, "signed in");
        Ok(view)
    }

    async fn stored(&self, secret: Secret) -> Result<Option<SecretString>, KeychainError> {
        self.inner.keychain.get(&keychain::entry(secret, self.data_dir())).await
    }

    async fn store(
        &self,
        access: &SecretString,
        refresh: Option<&SecretString>,
    ) -> Result<(), KeychainError> {
        // The refresh token first: should the program end in between, the old access token and the new refresh token are
        // enough to go on, where a new access token and a spent refresh token are not.
        let keychain = &self.inner.keychain;
        let entry = keychain::entry(Secret::Refresh, self.data_dir());
        match refresh {
            Some(refresh) => keychain.set(&entry, refresh).await?,
            None => keychain.delete(&entry).await?,
        }
        keychain.set(&keychain::entry(Secret::Access, self.data_dir()), access).await
    }

    async fn forget(&self) -> Result<(), KeychainError> {
        let keychain = &self.inner.keychain;
        let access = keychain.delete(&keychain::entry(Secret::Access, self.data_dir())).await;
        let refresh = keychain.delete(&keychain::entry(Secret::Refresh, self.data_dir())).await;
        let password = keychain.delete(&keychain::entry(Secret::Password, self.data_dir())).await;
        let session = keychain.delete(&keychain::entry(Secret::Session, self.data_dir())).await;
        access.and(refresh).and(password).and(session)
    }

    fn data_dir(&self) -> &Path {
        &self.inner.data_dir
    }

    fn lock(&self) -> MutexGuard<'_, Option<Session>> {
        self.inner.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server does not need to know, so it is not waited for long.
async fn tell_of_sign_out(api: Option<Api>) {
    let Some(api) = api else { return };
    if !matches!(tokio::time::timeout(LOGOUT_WITHIN, api.logout()).await, Ok(Ok(()))) {
        tracing::debug!("the server was not told of the sign-out");
    }
}

/// Reads an address as a person types it.
fn endpoint(server: &str) -> Result<Endpoint, Problem> {
    Endpoint::parse(server).map_err(|error| {
        let sentence = match error {
            EndpointError::Empty => text("problem.address_empty", &[]),
            EndpointError::Unreadable => text("problem.address_unreadable", &[]),
            EndpointError::WrongScheme => text("problem.address_scheme", &[]),
            EndpointError::HasCredentials => text("problem.address_credentials", &[]),
        };
        problem("wrong_address", sentence, "server")
    })
}

/// What a keychain returned may be anything; no header carries more than these characters.
fn is_sendable(token: &SecretString) -> bool {
    let token = token.expose_secret();
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A token of another user may be left in a keychain that later did not let itself be written; one that does not say
/// whose it is gets the benefit of the doubt.
fn is_whose(token: &SecretString, user: &UserId) -> bool {
    let subject = crate::token::claims(token.expose_secret()).and_then(|claims| claims.subject);
    subject.is_none_or(|subject| subject == user.as_str())
}

fn problem(code: &str, sentence: String, field: &str) -> Problem {
    let field = Some(field).filter(|field| !field.is_empty()).map(str::to_owned);
    Problem { code: code.to_owned(), sentence, field }
}

#[cfg(test)]
mod tests;
