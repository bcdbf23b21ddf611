//! Who is signed in: finding out at the start, signing in and out, and the server's doubts about the token.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use visionguard_proto::{Cause, Moment};

use super::Controller;
use super::ticks::{Credentials, Due, Reply, Tick};
use crate::account::{Answer, Restored};
use crate::api::ApiError;
use crate::connection::Target;
use crate::journal::JournalError;
use crate::keychain::KeychainError;
use crate::view::{Problem, SessionView, StatusView};
use crate::words::text;
use crate::{reconcile, status};

/// How often a keychain is asked again after such a failure.
const ODD_FAILURES: u32 = 5;

/// What the server turned down.
#[derive(Debug)]
pub(super) enum Refused {
    /// A connection as this target.
    Handshake(Box<Target>),
    /// A request with the token of that moment.
    Request,
}

/// A sign-in that is tried again by itself until it succeeds.
#[derive(Debug)]
pub(super) struct Trying {
    pub(super) server: String,
    /// What stands in the way so far.
    pub(super) status: StatusView,
}

/// What is known of the account.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) account: status::Account,
    /// Goes up with each sign-in and sign-out: what was begun before it is not for this session.
    pub(super) epoch: u64,
    /// When to ask a keychain again that did not answer.
    ask_keychain: Due,
    /// When to try a kept password again that did not help.
    sign_in_again: Due,
    /// How often it failed in a way that does not pass by itself, as a rule.
    odd_failures: u32,
    /// A question of the server is being looked into.
    answering: bool,
    /// Who runs the client goes on trying to sign somebody in.
    pub(super) tries: Option<Trying>,
    /// What writes down what the server says, and how it is told that the session is over.
    work: TaskTracker,
    over: CancellationToken,
}

impl Default for Who {
    fn default() -> Who {
        Who {
            account: status::Account::Starting,
            epoch: 0,
            ask_keychain: Due::default(),
            sign_in_again: Due::default(),
            odd_failures: 0,
            answering: false,
            tries: None,
            work: TaskTracker::new(),
            over: CancellationToken::new(),
        }
    }
}

impl Who {
    pub(super) fn due(&self) -> Option<Moment> {
        [self.ask_keychain.at(), self.sign_in_again.at()].into_iter().flatten().min()
    }
}

impl Controller {
    /// Asks for the session that the program ended with.
    pub(super) fn restore(&self) {
        let account = self.account.clone();
        let epoch = self.who.epoch;
        self.spawn(async move { Tick::Restored(epoch, account.restore().await) });
    }

    pub(super) fn account_time(&mut self, now: Moment) {
        if self.who.ask_keychain.take(now) {
            self.restore();
        }
        if self.who.sign_in_again.take(now) {
            self.sign_in_again();
        }
    }

    /// Nobody is signed in any more: the kept password, if there is one, brings that to an end.
    fn sign_in_again(&mut self) {
        match self.who.account {
            status::Account::Expired => {
                self.question(Cause::Http { status: 401, retry_after: None }, Refused::Request);
            }
            status::Account::TokenMissing => self.restore(),
            status::Account::Starting
            | status::Account::SignedIn
            | status::Account::Never
            | status::Account::Left
            | status::Account::KeychainLocked
            | status::Account::KeychainAbsent => {}
        }
    }

    fn sign_in_again_later(&mut self) {
        if let Some(at) = self.account.may_sign_in_again_at() {
            self.who.sign_in_again.set(at.max(self.now() + self.pace.retry_every));
        }
    }

    pub(super) fn restored(&mut self, epoch: u64, restored: Restored) {
        // The directory may have come in between, so that it was asked for twice.
        if epoch != self.who.epoch || self.who.account == status::Account::SignedIn {
            return;
        }
        self.shown.withdraw("keychain_locked");
        self.shown.withdraw("no_keychain");
        match restored {
            Restored::Nobody => self.who.account = status::Account::Never,
            Restored::SignedIn(session) => {
                tracing::info!(server = session.server, "signed in as before");
                self.enter(&session);
            }
            Restored::TokenGone(saved) => {
                tracing::warn!(server = saved.server, "the keychain has no token of this session");
                self.who.account = status::Account::TokenMissing;
                self.sign_in_again_later();
            }
            Restored::Unknown(error) => {
                tracing::warn!(%error, "who is signed in cannot be read");
                self.who.account = self.without_keychain(&error);
            }
            Restored::Unreadable(saved, error) => {
                tracing::warn!(server = saved.server, %error, "the token cannot be read");
                self.who.account = self.without_keychain(&error);
            }
        }
    }

    /// What a keychain that did not answer means, and when to ask it again.
    fn without_keychain(&mut self, error: &KeychainError) -> status::Account {
        // A keychain that is just being unlocked fails in ways of its own.
        let may_pass = error.may_pass() || self.who.odd_failures < ODD_FAILURES;
        if !may_pass {
            return status::Account::TokenMissing;
        }
        if !error.may_pass() {
            self.who.odd_failures += 1;
        }
        self.who.ask_keychain.set(self.now() + self.pace.keychain_every);
        if matches!(error, KeychainError::CannotUnlock) {
            self.shown.notice("keychain_locked", "notice.keychain_cannot_unlock");
            return status::Account::KeychainLocked;
        }
        if matches!(error, KeychainError::Locked | KeychainError::Asking | KeychainError::Timeout) {
            self.shown.notice("keychain_locked", "notice.keychain_locked");
            return status::Account::KeychainLocked;
        }
        self.shown.notice("no_keychain", "notice.keychain_late");
        status::Account::KeychainAbsent
    }

    pub(super) fn sign_in(&self, credentials: Credentials, reply: Reply<Result<SessionView, Problem>>) {
        let account = self.account.clone();
        self.spawn(async move {
            let result = match credentials {
                Credentials::Password { server, email, password, keep_password } => {
                    account.sign_in(&server, &email, &password, keep_password).await
                }
                Credentials::Token { server, user_id, token } => {
                    account.sign_in_with_token(&server, &user_id, token).await
                }
            };
            Tick::SignedIn(result, reply)
        });
    }

    pub(super) fn tries_to_sign_in(&mut self, tries: Trying) {
        self.who.tries = Some(tries);
    }

    pub(super) fn signed_in(
        &mut self,
        result: Result<SessionView, Problem>,
        reply: Reply<Result<SessionView, Problem>>,
    ) {
        if let Ok(session) = &result {
            self.who.tries = None;
            let had_left = self.who.account == status::Account::Left;
            if self.holds_summary() {
                // It belongs to the session that another takes the place of.
                self.sum_up();
            }
            self.leave();
            self.enter(session);
            // A connection that stands is kept, and does not ask for it.
            self.reconcile_soon();
            if had_left {
                // Whatever waited to be shown as they left.
                self.look_for_unnotified();
            }
        }
        let _ = reply.send(result);
    }

    /// Somebody is signed in: connects, and says what is remarkable about the session.
    fn enter(&mut self, session: &SessionView) {
        self.who.account = status::Account::SignedIn;
        self.who.ask_keychain.clear();
        self.who.sign_in_again.clear();
        if let Some(at) = self.account.signed_in_at() {
            let journal = self.journal.clone();
            self.write_in_session(async move { reconcile::signed_in(&journal, at).await.map(drop) });
        }
        if session.insecure {
            self.shown.notice("insecure_server", "notice.insecure_server");
        }
        match self.account.keychain_trouble() {
            None => {}
            Some(KeychainError::Locked | KeychainError::Asking | KeychainError::Timeout) => {
                self.shown.notice("keychain_locked", "notice.kept_in_memory_locked");
            }
            Some(KeychainError::NoKeyring) => {
                self.shown.notice("no_keychain", "notice.kept_in_memory_no_keyring");
            }
            Some(KeychainError::CannotUnlock) => {
                self.shown.notice("keychain_locked", "notice.keychain_cannot_unlock");
            }
            Some(
                KeychainError::Unavailable
                | KeychainError::TooLong
                | KeychainError::Damaged
                | KeychainError::Other(_),
            ) => self.shown.notice("no_keychain", "notice.kept_in_memory"),
        }
        match self.account.target() {
            Some(_) => self.connect(),
            None => self.who.account = status::Account::TokenMissing,
        }
        self.recall_drill();
        self.snoozes_of(session);
    }

    /// What was begun for the session so far is of no use to the next.
    fn leave(&mut self) {
        self.who.epoch += 1;
        self.who.answering = false;
        self.who.ask_keychain.clear();
        self.who.sign_in_again.clear();
        self.forget_record();
        self.forget_drills();
        for code in ["keychain_locked", "no_keychain", "insecure_server", "possible_gap"] {
            self.shown.withdraw(code);
        }
    }

    pub(super) fn sign_out(&mut self, erase: bool, reply: Reply<Result<(), Problem>>) {
        self.connection.disconnect();
        self.leave();
        self.who.account = status::Account::Left;
        self.forget_outage();
        tracing::info!(erase, "signed out");

        self.alerts.forget(erase);
        self.forget_snoozes();
        self.clear_screen();

        let over = std::mem::take(&mut self.who.over);
        let work = std::mem::take(&mut self.who.work);
        over.cancel();
        work.close();
        let lane = self.alerts.lane.clone();
        let account = self.account.clone();
        let (journal, directory) = (self.journal.clone(), self.data_dir.clone());
        self.spawn(async move {
            let result = account.sign_out().await;
            // What was on its way into the journal is there before it is emptied.
            work.wait().await;
            if let Some(lane) = lane {
                drop(lane.reserve_many(lane.max_capacity()).await);
            }
            if let Err(error) = reconcile::signed_out(&journal).await {
                tracing::warn!(%error, "it cannot be written down that nobody is signed in");
            }
            let erased = if erase { Some(journal.erase(&directory).await) } else { None };
            Tick::SignedOut { result, erased, reply }
        });
    }

    /// Cancelled when the person signs out.
    pub(super) fn session_over(&self) -> CancellationToken {
        self.who.over.clone()
    }

    /// Runs work that writes down what the server says; a sign-out ends it.
    pub(super) fn spawn_in_session(&self, work: impl Future<Output = Tick> + Send + 'static) {
        let (ticks, over) = (self.ticks.clone(), self.who.over.clone());
        self.tasks.spawn(self.who.work.track_future(async move {
            if let Some(tick) = over.run_until_cancelled(work).await {
                // Nobody is there to hear it only after the end.
                let _ = ticks.send(tick);
            }
        }));
    }

    /// A write of the same kind that nobody waits for; its failure is noticed all the same.
    pub(super) fn write_in_session(
        &self,
        work: impl Future<Output = Result<(), JournalError>> + Send + 'static,
    ) {
        let (ticks, over) = (self.ticks.clone(), self.who.over.clone());
        self.tasks.spawn(self.who.work.track_future(async move {
            if let Some(Err(error)) = over.run_until_cancelled(work).await {
                let _ = ticks.send(Tick::WriteFailed(error));
            }
        }));
    }

    pub(super) fn signed_out(
        &mut self,
        result: Result<(), KeychainError>,
        erased: Option<Result<(), JournalError>>,
        reply: Reply<Result<(), Problem>>,
    ) {
        self.feed_changed();
        if matches!(erased, Some(Ok(()))) {
            // To be erased, one in memory moved onto the disk.
            self.journal_works();
        }
        let answer = match (result, erased.unwrap_or(Ok(()))) {
            (Ok(()), Ok(())) => Ok(()),
            (_, Err(error)) => {
                self.journal_failed(&error);
                Err(problem("journal_unwritable", text("problem.not_erased", &[])))
            }
            (Err(error), Ok(())) => {
                tracing::warn!(%error, "the token could not be removed from the keychain");
                Err(problem("keychain", text("problem.token_not_removed", &[])))
            }
        };
        let _ = reply.send(answer);
    }

    /// The server turned the token or the address down.
    pub(super) fn question(&mut self, cause: Cause, refused: Refused) {
        let asked_with = match &refused {
            Refused::Handshake(target) => Some(Target::clone(target)),
            Refused::Request => self.account.target(),
        };
        let Some(asked_with) = asked_with.filter(|_| !self.who.answering) else { return };
        self.who.answering = true;
        let account = self.account.clone();
        let epoch = self.who.epoch;
        self.spawn(async move { Tick::Answered(epoch, refused, account.answer(cause, &asked_with).await) });
    }

    pub(super) fn answered(&mut self, epoch: u64, refused: Refused, answer: Answer) {
        if epoch != self.who.epoch {
            return;
        }
        self.who.answering = false;
        match answer {
            Answer::Connect(target) => {
                if self.who.account == status::Account::Expired {
                    self.who.account = status::Account::SignedIn;
                }
                self.who.sign_in_again.clear();
                self.watch.token_works();
                self.connection.connect(target);
                self.reconcile_soon();
            }
            Answer::Rejected(cause) => self.rejected(refused, cause),
        }
    }

    /// An open connection outlives its token; only a handshake is refused for it.
    fn rejected(&mut self, refused: Refused, cause: Cause) {
        if self.online_since().is_some() {
            tracing::warn!(?cause, "the token is no longer accepted; the open connection goes on");
            return;
        }
        match (refused, self.account.target()) {
            (Refused::Handshake(target), _) => self.connection.rejected(*target, cause),
            (Refused::Request, Some(target)) if cause == Cause::TokenRejected => {
                self.connection.rejected(target, cause);
            }
            // The token is good by now, and a request says nothing of the socket's address.
            (Refused::Request, Some(target)) if cause == Cause::AddressRejected => self.token_is_good(target),
            (Refused::Request, _) => {}
        }
        if cause == Cause::TokenRejected {
            tracing::warn!("the sign-in has expired");
            self.who.account = status::Account::Expired;
        }
        if self.who.account == status::Account::Expired {
            self.sign_in_again_later();
        }
    }

    fn token_is_good(&mut self, target: Target) {
        self.watch.token_works();
        if self.who.account == status::Account::Expired {
            self.who.account = status::Account::SignedIn;
            self.connection.connect(target);
        }
    }

    pub(super) fn refresh_token(&self) {
        if self.who.account != status::Account::SignedIn {
            return;
        }
        let account = self.account.clone();
        let epoch = self.who.epoch;
        self.spawn(async move { Tick::Refreshed(epoch, account.refresh_if_due().await) });
    }

    /// A keychain that would not take the tokens is asked again.
    pub(super) fn store_token(&self) {
        if self.account.keychain_trouble().is_none() {
            return;
        }
        let account = self.account.clone();
        let epoch = self.who.epoch;
        self.spawn(async move { Tick::TokenStored(epoch, account.store_again().await) });
    }

    pub(super) fn token_stored(&mut self, epoch: u64, stored: bool) {
        if stored && epoch == self.who.epoch {
            self.shown.withdraw("keychain_locked");
            self.shown.withdraw("no_keychain");
        }
    }

    pub(super) fn refreshed(&mut self, epoch: u64, result: Result<Option<Target>, ApiError>) {
        if epoch != self.who.epoch {
            return;
        }
        match result {
            Ok(Some(target)) => self.connection.connect(target),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "the token was not refreshed"),
        }
    }

    /// The person presses "Retry now".
    pub(super) fn retry_now(&mut self) {
        match self.who.account {
            status::Account::SignedIn if self.online_since().is_some() => {
                self.claim_slot_now();
                self.retry_drill();
                self.reconcile_soon();
            }
            status::Account::SignedIn => self.connection.retry_now(),
            status::Account::KeychainLocked | status::Account::KeychainAbsent => {
                self.who.ask_keychain.clear();
                self.restore();
            }
            status::Account::Expired | status::Account::TokenMissing => self.sign_in_again(),
            status::Account::Starting | status::Account::Never | status::Account::Left => {}
        }
    }
}

/// A refusal without a field at fault.
pub(super) fn problem(code: &str, sentence: String) -> Problem {
    Problem { code: code.to_owned(), sentence, field: None }
}
