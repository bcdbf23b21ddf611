//! Catching up with the server's record, and what comes of it.

use std::collections::BTreeMap;

use visionguard_proto::{Cause, Moment};

use crate::api::ApiError;
use crate::controller::Controller;
use crate::controller::link::watch::REPEATED_SOON;
use crate::controller::session::Refused;
use crate::controller::ticks::Tick;
use crate::model::{AlertId, Entry, IncidentId, Recorded};
use crate::reconcile::{self, Memory, Pass, Trouble};
use crate::status::{self, Record, Seen, Share};

/// What a comparison found that was missing, as far as it is told of at its end.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The newest alert of each incident.
    newest: BTreeMap<IncidentId, Entry>,
    /// Those that were not known in any way.
    missed: Vec<AlertId>,
}

impl Found {
    fn take(&mut self, recorded: Recorded) {
        if let Some(entry) = recorded.split_off() {
            self.keep(entry.clone());
        }
        if let Recorded::New { entry, .. } = recorded {
            self.missed.push(entry.alert.id);
            self.keep(*entry);
        }
    }

    fn keep(&mut self, entry: Entry) {
        let known = self.newest.get(&entry.incident.id);
        if known.is_none_or(|known| known.alert.id <= entry.alert.id) {
            self.newest.insert(entry.incident.id, entry);
        }
    }
}

/// Batches of pictures fetched after one pass; the rest after the next, or when they are looked at.
const FETCHES: u32 = 4;

impl Controller {
    pub(crate) fn reconcile(&mut self, now: Moment) {
        if self.alerts.waits_for_the_disk(self.wall()) {
            self.watch.reconcile.set(now + self.pace.retry_every);
            return;
        }
        let Some(api) = self.account.api() else { return };
        self.compare_clocks();
        self.watch.reconcile.set(now + self.watch.compare_every(&self.pace, now));
        self.watch.reconciling = true;

        let mut memory = self.watch.memory.take().unwrap_or_default();
        memory.signed_in_at = self.account.signed_in_at();
        memory.ask_shops_every(self.pace.shops_every);
        memory.hold_rows(self.pace.rows_held);
        let wall = self.wall();
        self.log_comparing(now, wall);
        if self.online_since().is_none() {
            return self.reconcile_offline(api, memory, now);
        }
        let journal = self.journal.clone();
        let (epoch, told) = (self.who.epoch, self.tells_of_found());
        self.spawn_in_session(async move {
            let pass = reconcile::pass(&api, &journal, &mut memory, wall, &told).await;
            Tick::Reconciled { epoch, began_at: now, pass: Box::new(pass), memory }
        });
    }

    /// Tells the controller what a comparison stores, while it goes on.
    pub(super) fn tells_of_found(&self) -> impl Fn(Vec<Recorded>) + Send + Sync + 'static {
        let (epoch, ticks) = (self.who.epoch, self.ticks.clone());
        move |stored| {
            // Nobody is there to hear it only after the end.
            let _ = ticks.send(Tick::Found(epoch, stored));
        }
    }

    /// A comparison stored some of what was missing.
    pub(crate) fn found(&mut self, epoch: u64, stored: Vec<Recorded>) {
        for recorded in stored {
            self.shell.recorded(&recorded);
            if epoch == self.who.epoch {
                self.watch.found.take(recorded);
            }
        }
    }

    pub(crate) fn reconciled(&mut self, epoch: u64, began_at: Moment, pass: Pass, memory: Memory) {
        if epoch != self.who.epoch {
            // Somebody signed in meanwhile: what it stored is to be told of all the same.
            if self.who.account == status::Account::SignedIn && pass.missed > 0 {
                self.look_for_unnotified();
            }
            return;
        }
        self.watch.reconciling = false;
        self.watch.memory = Some(memory);
        let (caught_up, complete) = (pass.missed, pass.trouble.is_none());
        let Found { newest, missed } = std::mem::take(&mut self.watch.found);
        let asked = pass.trouble.as_ref().and_then(Trouble::retry_after);
        let now = self.now();
        self.watch.polling.ended(caught_up > 0, pass.trouble.is_some(), began_at, now);
        self.outage_missed(caught_up);
        if pass.trouble.is_none() && self.is_of_this_connection(began_at) {
            self.end_outage();
            self.log_compared(began_at);
        }
        self.take_over(&pass, newest.into_values().collect());
        if !self.holds_summary() {
            self.tell_outage_over();
        }
        match pass.trouble {
            None => {
                self.watch.unread = 0;
                if !pass.reached_back {
                    self.compare_with_socket(began_at, missed);
                }
                self.watch.record = Some(Seen { at: began_at, what: Record::Complete });
                if caught_up > 0 {
                    tracing::info!(caught_up, "caught up with the record");
                }
                self.give_up_unmatched(began_at);
            }
            Some(trouble) => self.not_reconciled(began_at, &trouble),
        }
        // What was planned when it began knew neither how long it would take nor that it would go well.
        if caught_up > 0 || complete {
            self.watch.reconcile.by(began_at + self.watch.compare_every(&self.pace, now));
        }
        self.reconciled_offline(began_at, complete, asked);
        if self.is_answered() {
            self.watch.fetches = FETCHES;
            self.fetch_pictures();
        }
        self.send_soon();
    }

    /// Rows that an earlier comparison on this connection did not find were written since: their messages should come.
    fn compare_with_socket(&mut self, began_at: Moment, missed: Vec<AlertId>) {
        let Some(before) = self.watch.record.filter(|seen| seen.what == Record::Complete) else { return };
        let same_connection =
            self.online_since().is_some_and(|since| before.at >= since && began_at >= since);
        let is_the_way = self.watch.ways.by_record() == Some(Share::All);
        if same_connection && !missed.is_empty() && !is_the_way {
            let now = self.now();
            self.watch.delivery.missed(missed, now, now + self.pace.message_within);
            self.watch.list.by(now);
        }
    }

    /// What a pass stored, shown: `missed` is the newest alert of each incident.
    fn take_over(&mut self, pass: &Pass, missed: Vec<Entry>) {
        if !pass.decided.is_empty() {
            // Somebody else is at work, perhaps on a page that holds a socket of this user's.
            self.watch.list.by(self.now());
        }
        for incident in &pass.decided {
            self.put_away(incident.id);
            self.incident_changed(incident);
        }
        if !missed.is_empty() || pass.has_joined || pass.has_history {
            self.feed_changed();
        }
        self.tell_missed(missed);
    }

    /// A trouble does not take back what an earlier pass on this connection proved; that grows too old by itself.
    fn not_reconciled(&mut self, began_at: Moment, trouble: &Trouble) {
        match self.watch.unread {
            0 => tracing::warn!(%trouble, "the record could not be compared"),
            failures => tracing::debug!(%trouble, failures, "the record still cannot be compared"),
        }
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
                && began_at.since(seen.at) < self.pace.limits.record_by(self.by_record())
        });
        if !proved {
            let what = if expired { Record::Expired } else { Record::Unread };
            self.watch.record = Some(Seen { at: began_at, what });
        }
        // A token that is no longer taken is not worth asking with more often.
        if !expired {
            self.watch.unread += 1;
            let soon = self.watch.unread <= REPEATED_SOON && self.online_since().is_some();
            let pause = if soon { self.pace.retry_every } else { self.pace.poll_every };
            let now = self.now();
            match trouble.retry_after() {
                Some(asked) => self.watch.reconcile.set(now + asked.max(pause)),
                None => self.watch.reconcile.by(now + pause),
            }
        }
    }

    /// The API did not take the token.
    pub(crate) fn api_refused(&mut self, error: &ApiError) {
        if error.is_unauthorized() {
            self.question(Cause::Http { status: 401, retry_after: None }, Refused::Request);
        }
    }

    fn is_of_this_connection(&self, began_at: Moment) -> bool {
        self.online_since().is_some_and(|since| began_at >= since)
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
        self.spawn_in_session(
            async move { Tick::Pictures(epoch, reconcile::pictures(&api, &journal).await) },
        );
    }

    pub(crate) fn pictures(&mut self, epoch: u64, result: Result<Vec<Entry>, Trouble>) {
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
