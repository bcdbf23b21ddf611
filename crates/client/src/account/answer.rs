//! When the server turns a token down, or is about to: renewing it, and telling a dead token from a wrong address.
//!
//! A failure of the network is never taken for a rejected token.

use secrecy::SecretString;
use visionguard_proto::cause::Next;
use visionguard_proto::{Cause, Moment};

use super::{Account, Answer};
use crate::api::{Api, ApiError, SignedIn};
use crate::connection::Target;

/// How an attempt to renew the token went.
enum Renewal {
    Renewed(Target),
    /// This server has no such thing, or the refresh token is dead too.
    Impossible,
    Failed(ApiError),
}

impl Account {
    /// Finds out what it means that the server turned `refused` down: renews the token once where the server can, else
    /// asks `GET /auth/me`.
    pub async fn answer(&self, question: Cause, refused: &Target) -> Answer {
        let _one_at_a_time = self.inner.renewing.lock().await;
        if let Some(target) = self.newer_than(refused) {
            return Answer::Connect(target);
        }
        let Some(api) = self.api() else { return Answer::Rejected(Cause::TokenRejected) };

        let answer = match question.next() {
            Next::Refresh => self.renew_or_ask(&api).await,
            Next::AskWho => self.ask_who(&api).await,
            Next::Retry
            | Next::RetrySoon
            | Next::RetryAfter(_)
            | Next::RetryEvery(_)
            | Next::SignedOut
            | Next::Stop => Answer::Rejected(question),
        };
        tracing::info!(?question, answer = said(&answer), "the server refused the connection");
        answer
    }

    /// Obtains a new token if this one is about to end and the server can; to be called every minute or so. A new target
    /// is for [`crate::connection::Connection::connect`], which leaves an open socket alone.
    pub async fn refresh_if_due(&self) -> Result<Option<Target>, ApiError> {
        let _one_at_a_time = self.inner.renewing.lock().await;
        let Some(api) = self.api() else { return Ok(None) };
        self.learn_the_time(&api).await;
        let now = self.inner.clock.monotonic();
        let wall = self.inner.clock.wall();
        let is_due = self
            .lock()
            .as_ref()
            .is_some_and(|session| session.renewable().is_some() && session.is_due(wall, now));
        if !is_due {
            return Ok(None);
        }
        match self.renew(&api).await {
            Renewal::Renewed(target) => Ok(Some(target)),
            Renewal::Impossible => Ok(None),
            Renewal::Failed(error) => Err(error),
        }
    }

    /// The token was renewed before this question came to its turn.
    fn newer_than(&self, refused: &Target) -> Option<Target> {
        self.target().filter(|current| !current.has_token_of(refused))
    }

    /// The server said that the token is at fault.
    async fn renew_or_ask(&self, api: &Api) -> Answer {
        match self.renew(api).await {
            Renewal::Renewed(target) => return Answer::Connect(target),
            Renewal::Failed(error) => return Answer::Rejected(cause_of(&error)),
            Renewal::Impossible => {}
        }
        match self.who(api).await {
            Some(answer) => answer,
            None => self.sign_in_again().await,
        }
    }

    /// The server did not say what is at fault.
    async fn ask_who(&self, api: &Api) -> Answer {
        if let Some(answer) = self.who(api).await {
            return answer;
        }
        match self.renew(api).await {
            Renewal::Renewed(target) => Answer::Connect(target),
            Renewal::Failed(error) => Answer::Rejected(cause_of(&error)),
            Renewal::Impossible => self.sign_in_again().await,
        }
    }

    /// What `GET /auth/me` says; none if it says that the token is dead.
    async fn who(&self, api: &Api) -> Option<Answer> {
        match api.me().await {
            // The token is good, so the path or the user's id in it is not.
            Ok(_) => Some(Answer::Rejected(Cause::AddressRejected)),
            Err(ApiError::Refused { status: 401 | 403, is_ours: true, .. }) => None,
            Err(error) => Some(Answer::Rejected(cause_of(&error))),
        }
    }

    async fn renew(&self, api: &Api) -> Renewal {
        let now = self.inner.clock.monotonic();
        let Some(refresh) = self.refresh_token(now) else { return Renewal::Impossible };
        let tokens = match api.refresh(&refresh).await {
            Ok(tokens) => tokens,
            Err(error) if !is_final(&error) => return Renewal::Failed(error),
            Err(error) => {
                tracing::info!(%error, "the server gives no new token");
                let exists = !matches!(error, ApiError::Refused { status: 404 | 405, .. });
                if let Some(session) = self.lock().as_mut() {
                    session.cannot_renew(exists);
                }
                return Renewal::Impossible;
            }
        };
        self.adopt(tokens, now).await.map_or(Renewal::Impossible, Renewal::Renewed)
    }

    /// Goes on with these tokens; none if somebody signed out meanwhile.
    pub(super) async fn adopt(&self, tokens: SignedIn, now: Moment) -> Option<Target> {
        let to_store = {
            let mut session = self.lock();
            let session = session.as_mut()?;
            session.renew(tokens.access, tokens.refresh, now);
            if let Some(date) = tokens.date {
                session.set_server_clock(date, self.inner.clock.monotonic());
            }
            session.to_store()
        };
        self.store_renewed(to_store.0, to_store.1).await;
        self.target()
    }

    fn refresh_token(&self, now: Moment) -> Option<SecretString> {
        let session = self.lock();
        let session = session.as_ref().filter(|session| !session.was_just_renewed(now))?;
        session.renewable().cloned()
    }

    async fn store_renewed(&self, access: SecretString, refresh: Option<SecretString>) {
        let stored = self.store(&access, refresh.as_ref()).await;
        if let Some(session) = self.lock().as_mut() {
            match stored {
                Ok(()) => session.stored(self.inner.keychain.keeping()),
                Err(error) => {
                    tracing::warn!(%error, "the renewed token is kept in memory alone");
                    session.kept_in_memory(error);
                }
            }
            return;
        }
        // Signed out meanwhile: the keychain was emptied before this was written.
        if let Err(error) = self.forget().await {
            tracing::warn!(%error, "a renewed token stays in the keychain");
        }
    }

    /// Asks for the server's time, by which its tokens end, where it is not known well.
    pub(super) async fn learn_the_time(&self, api: &Api) {
        let now = self.inner.clock.monotonic();
        let wants = self.lock().as_mut().is_some_and(|session| session.wants_the_time(now));
        if !wants {
            return;
        }
        match api.health().await {
            Ok(Some(date)) => {
                if let Some(session) = self.lock().as_mut() {
                    session.set_server_clock(date, self.inner.clock.monotonic());
                }
            }
            Ok(None) | Err(_) => {
                tracing::debug!("the server does not tell its time: this computer's is used")
            }
        }
    }
}

/// Whether the server itself said that it gives no new token, now or ever.
fn is_final(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused { status: 400 | 401 | 403 | 404 | 405 | 422, is_ours: true, .. })
}

/// The same failure, as the link knows it.
pub(super) fn cause_of(error: &ApiError) -> Cause {
    match error {
        ApiError::Unreachable(cause) => *cause,
        ApiError::Intercepted { .. } => Cause::Intercepted,
        // The server says why; what does not stands in its place.
        ApiError::Refused { status: 401, is_ours: false, .. } => Cause::Intercepted,
        ApiError::Refused { status, retry_after, .. } if error.can_retry() => {
            Cause::Http { status: *status, retry_after: *retry_after }
        }
        ApiError::Refused { .. } | ApiError::Garbled(_) | ApiError::TooLarge | ApiError::Impossible(_) => {
            Cause::AddressRejected
        }
    }
}

fn said(answer: &Answer) -> &'static str {
    match answer {
        Answer::Connect(_) => "a new token",
        Answer::Rejected(Cause::TokenRejected) => "the token is dead",
        Answer::Rejected(Cause::AddressRejected) => "the address is wrong",
        Answer::Rejected(_) => "not known yet",
    }
}
