//! Watches over the connection: what the server's list of connections says, what its record holds, and the times
//! without a connection.

use std::time::Duration;

use jiff::Timestamp;
use visionguard_proto::link::State;
use visionguard_proto::{Cause, Moment};

use super::Controller;
use super::ticks::{Due, Tick};
use crate::api::{self, ApiError};
use crate::connection::Event;
use crate::journal::{Entry, Recorded};
use crate::reconcile::{self, Memory, Pass, Trouble};
use crate::status::{self, Record, Registration, Seen};

/// By how much the age that the server tells may fall short of our own before the slot must be another's.
const UPTIME_SLACK: Duration = Duration::from_secs(2);
/// The wait between two claims of a slot: this, doubled each time.
const CLAIM_AGAIN: Duration = Duration::from_secs(60);
/// The longest wait between two claims.
const CLAIM_AT_LEAST: Duration = Duration::from_secs(15 * 60);
/// Batches of pictures fetched after one pass; the rest after the next, or when they are looked at.
const FETCHES: u32 = 4;
/// Decisions older than this whose alert the record does not have are given up.
const UNMATCHED_AFTER: Duration = Duration::from_secs(120);

/// What is known about the connection besides its state.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) link: Option<State>,
    pub(super) registration: Option<Seen<Registration>>,
    pub(super) record: Option<Seen<Record>>,
    list: Due,
    listing: bool,
    reconcile: Due,
    reconciling: bool,
    memory: Option<Memory>,
    fetching: bool,
    /// How many more times pictures are fetched before the next pass.
    fetches: u32,
    /// When a lost slot may be claimed, and how often it was in vain.
    claim_at: Option<Moment>,
    claims: u32,
    outage: Outage,
}

/// A time without a connection.
#[derive(Debug, Default)]
struct Outage {
    began: Option<Timestamp>,
    /// When it has lasted long enough to be written down.
    write_down: Due,
}

impl Watch {
    pub(super) fn due(&self, online: bool) -> Option<Moment> {
        let list = self.list.at().filter(|_| online && !self.listing);
        let reconcile = self.reconcile.at().filter(|_| online && !self.reconciling);
        [list, reconcile, self.outage.write_down.at()].into_iter().flatten().min()
    }

    /// A new token was found: the record may be read again.
    pub(super) fn token_works(&mut self) {
        if self.record.is_some_and(|record| record.what == Record::Expired) {
            self.record = None;
        }
    }

    fn is_deaf(&self) -> bool {
        self.registration.is_some_and(|seen| match seen.what {
            Registration::Lost | Registration::Taken => true,
            Registration::Ours | Registration::Untold => false,
        })
    }
}

impl Controller {
    pub(super) fn link(&mut self, event: Event) {
        match event {
            Event::State(state) => self.link_state(state),
            Event::Alert(alert) => self.arrived(*alert),
            Event::Notice(notice) => self.message(&notice),
            Event::Unreadable(what) => tracing::warn!(what, "a message could not be read"),
            Event::Repaired => tracing::debug!("a message was repaired"),
            Event::Question(cause) => self.question(cause),
            Event::Woke => self.woke(),
        }
    }

    /// Since when the connection stands.
    pub(super) fn online_since(&self) -> Option<Moment> {
        match self.connection.state() {
            State::Online { since, .. } => Some(since),
            State::Offline | State::Connecting { .. } | State::Waiting { .. } | State::Rejected { .. } => {
                None
            }
        }
    }

    fn link_state(&mut self, state: State) {
        let before = self.watch.link.replace(state);
        let was_since = before.and_then(online_since);
        let since = online_since(state);
        match (was_since, since) {
            (None, Some(since)) => self.connected(since),
            (Some(was), Some(since)) if was != since => self.connected(since),
            (Some(_), None) => self.disconnected(),
            (None, None) => self.still_offline(),
            (Some(_), Some(_)) => {}
        }
    }

    fn connected(&mut self, since: Moment) {
        tracing::info!("connected");
        self.watch.outage.write_down.clear();
        self.watch.registration = None;
        self.watch.list.set(since + self.pace.register_after);
        self.watch.reconcile.set(since);
        self.send_soon();
        self.record_time(self.now());
    }

    fn disconnected(&mut self) {
        tracing::info!(state = ?self.watch.link, "disconnected");
        self.begin_outage();
    }

    /// Also the time from the start to the first connection is a time without one.
    fn still_offline(&mut self) {
        if self.who.account == status::Account::SignedIn {
            self.begin_outage();
        }
    }

    fn begin_outage(&mut self) {
        if self.watch.outage.began.is_some() {
            return;
        }
        self.watch.outage.began = Some(self.wall());
        self.watch.outage.write_down.set(self.now() + self.settings.offline_grace);
    }

    /// The person signed out: no connection is wanted any more.
    pub(super) fn end_outage_unseen(&mut self) {
        self.watch.outage = Outage::default();
        let journal = self.journal.clone();
        let at = self.wall();
        self.write(async move { journal.outage_ended(at, 0).await });
    }

    fn woke(&mut self) {
        tracing::info!("the computer woke");
        let now = self.now();
        self.watch.list.set(now);
        self.watch.reconcile.set(now);
        self.record_time(now);
    }

    pub(super) fn reconcile_soon(&mut self) {
        let now = self.now();
        self.watch.reconcile.set(now);
        self.record_time(now);
    }

    /// Another session: nothing of what was found counts for it.
    pub(super) fn forget_record(&mut self) {
        self.watch.registration = None;
        self.watch.record = None;
        self.watch.listing = false;
        self.watch.reconciling = false;
        self.watch.memory = None;
        self.watch.fetching = false;
        self.watch.claim_at = None;
        self.watch.claims = 0;
    }

    pub(super) fn record_time(&mut self, now: Moment) {
        if self.watch.outage.write_down.take(now) {
            self.write_outage_down();
        }
        if self.online_since().is_none() {
            return;
        }
        if !self.watch.listing && self.watch.list.take(now) {
            self.look_at_list(now);
        }
        if !self.watch.reconciling && self.watch.reconcile.take(now) {
            self.reconcile(now);
        }
    }

    fn write_outage_down(&mut self) {
        let Some(began) = self.watch.outage.began else { return };
        let journal = self.journal.clone();
        self.write(async move { journal.outage_began(began).await });
        self.feed_changed();
    }

    // ---- the server's list of connections ----

    fn look_at_list(&mut self, now: Moment) {
        let (Some(api), Some(target)) = (self.account.api(), self.account.target()) else { return };
        self.watch.listing = true;
        self.watch.list.set(now + self.list_every());
        let epoch = self.who.epoch;
        self.spawn(async move {
            let registration = api.registration(&target.user).await;
            Tick::Listed { epoch, asked_at: now, registration }
        });
    }

    fn list_every(&self) -> Duration {
        if self.watch.is_deaf() { self.pace.poll_every } else { self.pace.register_every }
    }

    pub(super) fn listed(&mut self, epoch: u64, asked_at: Moment, registration: api::Registration) {
        if epoch != self.who.epoch {
            return;
        }
        self.watch.listing = false;
        let Some(since) = self.online_since() else { return };
        if asked_at < since {
            return;
        }
        let what = verdict(registration, asked_at.since(since));
        if what == Registration::Untold && self.registration_is_fresh(asked_at) {
            return;
        }
        let was_deaf = self.watch.is_deaf();
        self.watch.registration = Some(Seen { at: asked_at, what });
        match what {
            Registration::Ours => self.watch.claims = 0,
            Registration::Lost => self.claim_slot(),
            Registration::Taken => tracing::warn!("alerts go to another connection of this user"),
            Registration::Untold => tracing::debug!("the server does not tell its connections"),
        }
        if self.watch.is_deaf() != was_deaf {
            let now = self.now();
            self.watch.list.by(now + self.list_every());
            self.watch.reconcile.by(now);
        }
    }

    fn registration_is_fresh(&self, now: Moment) -> bool {
        self.watch.registration.is_some_and(|seen| now.since(seen.at) < self.pace.limits.registration)
    }

    /// Claims the slot by closing politely and connecting again; less and less often while that does not help.
    fn claim_slot(&mut self) {
        let now = self.now();
        if self.watch.claim_at.is_some_and(|at| at > now) && self.watch.claims > 0 {
            return;
        }
        let wait = CLAIM_AGAIN.saturating_mul(1 << self.watch.claims.min(8)).min(CLAIM_AT_LEAST);
        self.watch.claims += 1;
        self.watch.claim_at = Some(now + wait);
        tracing::warn!(
            claims = self.watch.claims,
            "the server lost track of this connection; claiming its slot"
        );
        self.connection.reclaim(self.pace.reclaim_pause);
    }

    /// The person asks: a deaf connection is replaced, whoever holds the slot.
    pub(super) fn claim_slot_now(&mut self) {
        if self.watch.is_deaf() {
            self.watch.claims = 0;
            self.claim_slot();
        }
    }

    // ---- the record ----

    fn reconcile(&mut self, now: Moment) {
        let Some(api) = self.account.api() else { return };
        let deaf = self.watch.is_deaf();
        let every = if deaf { self.pace.poll_every } else { self.pace.reconcile_every };
        self.watch.reconcile.set(now + every);
        self.watch.reconciling = true;

        let mut memory = self.watch.memory.take().unwrap_or_default();
        let journal = self.journal.clone();
        let wall = self.wall();
        let epoch = self.who.epoch;
        self.spawn(async move {
            let pass = reconcile::pass(&api, &journal, &mut memory, wall).await;
            Tick::Reconciled { epoch, began_at: now, pass: Box::new(pass), memory }
        });
    }

    pub(super) fn reconciled(&mut self, epoch: u64, began_at: Moment, pass: Pass, memory: Memory) {
        if epoch != self.who.epoch {
            return;
        }
        self.watch.reconciling = false;
        self.watch.memory = Some(memory);
        let caught_up = pass.missed.len();
        self.take_over(&pass);
        match pass.trouble {
            None => {
                self.watch.record = Some(Seen { at: began_at, what: Record::Complete });
                if caught_up > 0 {
                    tracing::info!(caught_up, "caught up with the record");
                }
                self.caught_up(began_at, caught_up);
            }
            Some(trouble) => self.not_reconciled(began_at, &trouble),
        }
        self.watch.fetches = FETCHES;
        self.fetch_pictures();
        self.send_soon();
    }

    /// What a pass stored, shown.
    fn take_over(&mut self, pass: &Pass) {
        for recorded in pass.missed.iter().chain(&pass.joined) {
            self.shell.recorded(recorded);
        }
        for incident in &pass.decided {
            self.shell.withdraw(&incident.id.to_string());
            self.incident_changed(incident);
        }
        let missed: Vec<Entry> = pass
            .missed
            .iter()
            .filter(|recorded| matches!(recorded, Recorded::New { .. }))
            .map(|recorded| recorded.entry().clone())
            .collect();
        if !pass.history.is_empty() {
            self.cover(pass.history.iter().map(|entry| entry.incident.id).collect());
        }
        if !missed.is_empty() || !pass.joined.is_empty() || !pass.history.is_empty() {
            self.feed_changed();
        }
        self.raise_missed(missed);
    }

    /// A trouble does not take back what an earlier pass on this connection proved; that grows too old by itself.
    fn not_reconciled(&mut self, began_at: Moment, trouble: &Trouble) {
        tracing::warn!(%trouble, "the record could not be compared");
        let expired = matches!(trouble, Trouble::Api(error) if error.is_unauthorized());
        match trouble {
            Trouble::Api(error) if expired => self.api_refused(error),
            Trouble::Api(_) => {}
            Trouble::Journal(error) => self.journal_failed(error),
        }
        let since = self.online_since();
        let proved = self.watch.record.is_some_and(|seen| {
            seen.what == Record::Complete
                && since.is_some_and(|since| seen.at >= since)
                && began_at.since(seen.at) < self.pace.limits.record
        });
        if !proved {
            let what = if expired { Record::Expired } else { Record::Unread };
            self.watch.record = Some(Seen { at: began_at, what });
        }
        // A token that is no longer taken is not worth asking with more often.
        if !expired {
            self.watch.reconcile.by(self.now() + self.pace.poll_every);
        }
    }

    /// The API did not take the token.
    pub(super) fn api_refused(&mut self, error: &ApiError) {
        if error.is_unauthorized() {
            self.question(Cause::Http { status: 401, retry_after: None });
        }
    }

    /// The record was read to its end on this connection: an outage is over.
    fn caught_up(&mut self, began_at: Moment, caught_up: usize) {
        if self.online_since().is_some_and(|since| began_at >= since) {
            let first = self.watch.outage.began.take().is_some();
            self.watch.outage.write_down.clear();
            if first {
                let journal = self.journal.clone();
                let at = self.wall();
                let caught_up = u32::try_from(caught_up).unwrap_or(u32::MAX);
                self.write(async move { journal.outage_ended(at, caught_up).await });
                self.feed_changed();
            }
        }
        self.give_up_unmatched(UNMATCHED_AFTER);
    }

    fn fetch_pictures(&mut self) {
        if self.watch.fetching || self.watch.fetches == 0 {
            return;
        }
        let Some(api) = self.account.api() else { return };
        self.watch.fetching = true;
        self.watch.fetches -= 1;
        let journal = self.journal.clone();
        let epoch = self.who.epoch;
        self.spawn(async move { Tick::Pictures(epoch, reconcile::pictures(&api, &journal).await) });
    }

    pub(super) fn pictures(&mut self, epoch: u64, result: Result<Vec<Entry>, Trouble>) {
        if epoch != self.who.epoch {
            return;
        }
        self.watch.fetching = false;
        match result {
            Ok(entries) if entries.is_empty() => {}
            Ok(entries) => {
                for entry in &entries {
                    self.incident_changed(&entry.incident);
                }
                self.fetch_pictures();
            }
            Err(trouble) => tracing::debug!(%trouble, "pictures are fetched later"),
        }
    }
}

fn online_since(state: State) -> Option<Moment> {
    match state {
        State::Online { since, .. } => Some(since),
        State::Offline | State::Connecting { .. } | State::Waiting { .. } | State::Rejected { .. } => None,
    }
}

/// What the server's answer means for a connection of this age.
fn verdict(registration: api::Registration, age: Duration) -> Registration {
    match registration {
        api::Registration::Registered { uptime } if uptime + UPTIME_SLACK < age => Registration::Taken,
        api::Registration::Registered { .. } => Registration::Ours,
        api::Registration::NotRegistered => Registration::Lost,
        api::Registration::Unknown => Registration::Untold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_much_younger_than_ours_is_another_s() {
        let registered = |uptime| api::Registration::Registered { uptime: Duration::from_secs(uptime) };

        assert_eq!(verdict(registered(10), Duration::from_secs(11)), Registration::Ours);
        assert_eq!(verdict(registered(10), Duration::from_secs(30)), Registration::Taken);
    }

    #[test]
    fn no_entry_is_a_lost_slot() {
        let found = verdict(api::Registration::NotRegistered, Duration::from_secs(5));

        assert_eq!(found, Registration::Lost);
    }
}
