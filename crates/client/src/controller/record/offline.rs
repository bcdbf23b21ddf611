//! Reading the record while there is no connection: where a proxy lets no WebSocket through, or where the server answers
//! requests and its socket does not, alerts come by the record all the same.
//!
//! It begins once an outage lasts, keeps the pace of [`super::polling`], and changes nothing about when to connect.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use visionguard_proto::link::State;
use visionguard_proto::{Cause, Moment};

use crate::api::{Api, ApiError};
use crate::controller::Controller;
use crate::controller::ticks::Tick;
use crate::reconcile::{self, Memory, Pass};
use crate::status::{self, Fetched};

/// What is known of the record while a connection is wanted and not there.
#[derive(Debug, Default)]
pub(crate) struct Offline {
    /// Since when; anew from a wake.
    since: Option<Moment>,
    /// How the last attempt to connect ended.
    cause: Option<Cause>,
    /// The last reading went to the record's end.
    fetched: Option<Fetched>,
    /// A reading waits for the server's first word.
    asking: Option<CancellationToken>,
}

impl Offline {
    /// From when on the record is read.
    pub(crate) fn from(&self, after: Duration) -> Option<Moment> {
        let may_answer = self.cause.is_none_or(may_answer);
        self.since.filter(|_| may_answer).map(|since| since + after)
    }

    pub(crate) fn lasts(&self) -> bool {
        self.since.is_some()
    }

    /// The last reading, if it went to the record's end.
    pub(crate) fn fetched(&self) -> Option<Fetched> {
        self.fetched
    }

    /// The computer woke: whatever is wrong now has only begun.
    pub(crate) fn woke(&mut self, now: Moment) {
        self.since = self.since.map(|_| now);
    }

    /// A connection is wanted and not there; whether that is new.
    fn begin(&mut self, now: Moment) -> bool {
        let begins = self.since.is_none();
        self.since.get_or_insert(now);
        begins
    }

    /// It is there, or none is wanted.
    pub(crate) fn end(&mut self) {
        if let Some(asking) = self.asking.take() {
            asking.cancel();
        }
        *self = Offline::default();
    }
}

/// Whether requests may be answered though an attempt to connect ended like this. Without a network nobody answers; and
/// a server that turned less safe than it was gets nothing.
fn may_answer(cause: Cause) -> bool {
    match cause {
        Cause::NoRoute | Cause::Downgraded | Cause::TlsWanted | Cause::TokenRejected | Cause::Asked => false,
        Cause::Silent
        | Cause::TimedOut
        | Cause::Refused
        | Cause::NameUnknown
        | Cause::Lost
        | Cause::Stalled
        | Cause::Garbled
        | Cause::TooLarge
        | Cause::Closed(_)
        | Cause::Http { .. }
        | Cause::Intercepted
        | Cause::Tls
        | Cause::NoTls
        | Cause::CertificateWanted
        | Cause::PasswordWanted
        | Cause::TurnedAway(_)
        | Cause::Gateway { .. }
        | Cause::TooLong
        | Cause::Unanswered
        | Cause::ProxyUnreachable(_)
        | Cause::ProxyRefused { .. }
        | Cause::AddressRejected
        | Cause::Behind => true,
    }
}

impl Controller {
    /// The link's state changed: whether a connection is wanted and not there.
    pub(crate) fn offline_state(&mut self, state: State) {
        let wanted = self.who.account == status::Account::SignedIn;
        match state {
            State::Connecting { .. } | State::Waiting { .. } if wanted => {}
            State::Connecting { .. }
            | State::Waiting { .. }
            | State::Online { .. }
            | State::Offline
            | State::Rejected { .. } => return self.watch.offline.end(),
        }
        let now = self.now();
        if self.watch.offline.begin(now) {
            self.watch.reconcile.set(now + self.pace.read_after);
        }
        if let State::Waiting { cause, .. } = state {
            self.watch.offline.cause = Some(cause);
        }
    }

    /// From when on the record is read although there is no connection.
    pub(crate) fn reads_offline_from(&self) -> Option<Moment> {
        let from = self.watch.offline.from(self.pace.read_after);
        from.filter(|_| self.who.account == status::Account::SignedIn)
    }

    /// Whether the server answers requests, as far as is known.
    pub(crate) fn is_answered(&self) -> bool {
        self.online_since().is_some()
            || (self.watch.offline.fetched.is_some() && self.who.account == status::Account::SignedIn)
    }

    /// Reads the record without a connection. First the server is asked for a word without the token: something else may
    /// stand in its place, and a network that swallows everything must not hold up the next connection.
    pub(super) fn reconcile_offline(&mut self, api: Api, mut memory: Memory, now: Moment) {
        let asking = CancellationToken::new();
        self.watch.offline.asking = Some(asking.clone());
        let journal = self.journal.clone();
        let wall = self.wall();
        let (epoch, told) = (self.who.epoch, self.tells_of_found());
        self.spawn_in_session(async move {
            let pass = match asking.run_until_cancelled(first_word(&api)).await {
                None => return Tick::NotAsked(epoch, memory),
                Some(Err(error)) => Pass { trouble: Some(error.into()), ..Pass::default() },
                Some(Ok(())) => reconcile::pass(&api, &journal, &mut memory, wall, &told).await,
            };
            Tick::Reconciled { epoch, began_at: now, pass: Box::new(pass), memory }
        });
    }

    /// The connection stands before the server had said a word.
    pub(crate) fn not_asked(&mut self, epoch: u64, memory: Memory) {
        if epoch != self.who.epoch {
            return;
        }
        self.watch.reconciling = false;
        self.watch.memory = Some(memory);
        self.record_time(self.now());
    }

    /// A comparison ended; if there was and is no connection, that tells whether the record answers, and how soon it is
    /// read again; `asked` is how long the server wants to be left alone.
    pub(super) fn reconciled_offline(&mut self, began_at: Moment, complete: bool, asked: Option<Duration>) {
        let now = self.now();
        let offline = &mut self.watch.offline;
        if offline.since.is_none_or(|since| began_at < since) {
            return;
        }
        offline.asking = None;
        let every = self.watch.polling.every(&self.pace, self.pace.poll_every, now);
        let answered = offline.fetched.is_some();
        offline.fetched = complete.then_some(Fetched { at: began_at, every });
        let next = began_at + every;
        self.watch.reconcile.set(asked.map_or(next, |asked| next.max(now + asked)));
        if complete && !answered {
            tracing::info!("no connection; alerts are fetched from the server's record");
        }
        if !complete {
            self.outage_worsens();
        }
    }
}

/// The server answers something, and nothing else in its place.
async fn first_word(api: &Api) -> Result<(), ApiError> {
    match api.health().await {
        Err(error) if error.can_retry() => Err(error),
        // Not every server has this, and the record itself may answer.
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(30);

    #[test]
    fn the_record_is_read_once_an_outage_lasts_and_anew_so_long_after_a_wake() {
        let mut offline = Offline::default();

        let first = offline.begin(at(0));
        let again = offline.begin(at(5));
        let before = offline.from(AFTER);
        offline.woke(at(3_600));

        assert_eq!((first, again), (true, false));
        assert_eq!((before, offline.from(AFTER)), (Some(at(30)), Some(at(3_630))));
    }

    #[test]
    fn without_a_network_or_with_a_less_safe_server_nothing_is_asked() {
        for cause in [Cause::NoRoute, Cause::Downgraded, Cause::TokenRejected] {
            let mut offline = Offline { cause: Some(cause), ..Offline::default() };
            offline.begin(at(0));

            assert_eq!(offline.from(AFTER), None, "{cause:?}");
        }
    }

    #[test]
    fn a_connection_ends_a_question_that_waits_for_its_answer() {
        let asking = CancellationToken::new();
        let mut offline = Offline { asking: Some(asking.clone()), ..Offline::default() };
        offline.begin(at(0));

        offline.end();

        assert!(asking.is_cancelled() && !offline.lasts());
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(1000 + seconds))
    }
}
