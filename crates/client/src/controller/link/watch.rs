//! Watches over the connection: when to look at the server's list of connections and at its record, and the times
//! without a connection.

use std::time::Duration;

use tokio::sync::oneshot;
use visionguard_proto::Moment;
use visionguard_proto::link::State;

use super::delivery::Delivery;
use super::outage::Outages;
use super::slot::{Losses, Slot};
use super::way::Ways;
use crate::connection::Event;
use crate::controller::record::history::Found;
use crate::controller::record::log::Log;
use crate::controller::record::offline::Offline;
use crate::controller::record::polling::Polling;
use crate::controller::session::Refused;
use crate::controller::ticks::{Due, Reply};
use crate::controller::{Controller, Pace};
use crate::reconcile::Memory;
use crate::status::{self, Record, Registration, Seen, Share};

/// How many failed looks in a row are repeated at once, before the evidence of the last good one grows too old.
pub(crate) const REPEATED_SOON: u32 = 3;

/// What is known about the connection besides its state.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) link: Option<State>,
    pub(crate) registration: Option<Seen<Registration>>,
    pub(crate) record: Option<Seen<Record>>,
    pub(crate) list: Due,
    pub(crate) listing: bool,
    /// When the connection, or what the list says of it, last changed.
    pub(crate) changed_at: Option<Moment>,
    /// Looks at the list in a row that told nothing.
    pub(super) untold: u32,
    pub(crate) reconcile: Due,
    pub(crate) reconciling: bool,
    /// What the one that is under way found so far.
    pub(crate) found: Found,
    /// Comparisons in a row that failed.
    pub(crate) unread: u32,
    pub(crate) memory: Option<Memory>,
    pub(crate) fetching: bool,
    /// How many more times pictures are fetched before the next pass.
    pub(crate) fetches: u32,
    /// When a lost slot may be claimed, and how often it was in vain.
    pub(super) claim_at: Option<Moment>,
    pub(crate) claims: u32,
    pub(crate) slot: Slot,
    pub(super) losses: Losses,
    pub(crate) delivery: Delivery,
    pub(crate) ways: Ways,
    pub(crate) log: Log,
    pub(crate) polling: Polling,
    pub(crate) offline: Offline,
    /// The silence after which something on the way cuts a connection.
    pub(crate) idle_limit: Option<Duration>,
    unreadable: Unreadable,
    pub(crate) outages: Outages,
}

/// Messages that could not be read, or of a type that is not known.
#[derive(Debug, Default)]
struct Unreadable {
    /// Since the start.
    count: u64,
    /// Until when they bring no further look at the record forward.
    until: Option<Moment>,
}

impl Watch {
    /// `reads_from` is from when on the record is read though not `online`.
    pub(crate) fn due(&self, online: bool, reads_from: Option<Moment>) -> Option<Moment> {
        let list = self.list.at().filter(|_| online && !self.listing);
        let reconcile = self.reconcile.at().filter(|_| !self.reconciling);
        let reconcile = match online {
            true => reconcile,
            false => reconcile.and_then(|at| Some(at.max(reads_from?))),
        };
        [list, reconcile, self.delivery.due(), self.outages.due(), self.log.due()].into_iter().flatten().min()
    }

    /// Since when the connection stands of which the controller took note.
    pub(crate) fn told_since(&self) -> Option<Moment> {
        self.link.and_then(online_since)
    }

    /// A new token was found: the record may be read again.
    pub(crate) fn token_works(&mut self) {
        if self.record.is_some_and(|record| record.what == Record::Expired) {
            self.record = None;
        }
    }

    /// From the beginning of one comparison with the record to that of the next.
    pub(crate) fn compare_every(&self, pace: &Pace, now: Moment) -> Duration {
        if self.delivery.undelivered().is_some() || self.delivery.is_waiting() || self.offline.lasts() {
            self.polling.every(pace, pace.poll_every, now)
        } else if self.share().is_some() || (self.ways.may_be_record() && !self.log.follows()) {
            self.polling.every(pace, pace.record_every, now)
        } else if self.is_deaf() {
            self.polling.every(pace, pace.poll_every, now)
        } else {
            pace.reconcile_every
        }
    }

    /// How much comes by the record alone, as far as is known; none if nothing does.
    pub(crate) fn share(&self) -> Option<Share> {
        let says_nothing = self.untold > REPEATED_SOON || self.losses.lists_nobody;
        match self.ways.by_record() {
            Some(Share::All) => Some(Share::All),
            _ if says_nothing => Some(Share::Unsaid),
            by_record => by_record,
        }
    }

    pub(crate) fn is_deaf(&self) -> bool {
        let elsewhere = self.registration.is_some_and(|seen| match seen.what {
            Registration::Lost | Registration::Taken => true,
            Registration::Ours | Registration::Untold => false,
        });
        elsewhere || self.delivery.undelivered().is_some()
    }
}

impl Controller {
    pub(crate) fn link(&mut self, event: Event) {
        match event {
            Event::State(state) => self.link_state(state),
            Event::SpeaksTwo => self.speaks_two(),
            Event::Welcome { welcome, asked } => self.welcomed(welcome, asked),
            Event::Gap => self.broke_off(),
            Event::NoWelcome => self.no_welcome(),
            Event::Alert(alert) => {
                self.delivered();
                self.arrived(*alert);
            }
            Event::Notice(notice) => self.message(&notice),
            Event::Unreadable(what) => self.unreadable(&what),
            Event::IdleLimit(limit) => self.idle_limit(limit),
            Event::Repaired => tracing::debug!("a message was repaired"),
            Event::Question { cause, refused } => self.question(cause, Refused::Handshake(refused)),
            Event::Woke => self.woke(),
        }
    }

    /// It may have been an alert: the record tells. A server that sends many does not have it read for each.
    fn unreadable(&mut self, what: &str) {
        let now = self.now();
        let unreadable = &mut self.watch.unreadable;
        unreadable.count += 1;
        tracing::warn!(what, count = unreadable.count, "a message could not be read");
        let at = unreadable.until.map_or(now, |until| until.max(now));
        if at == now {
            unreadable.until = Some(now + self.pace.poll_every);
        }
        self.watch.reconcile.by(at);
    }

    /// Since when the connection stands.
    pub(crate) fn online_since(&self) -> Option<Moment> {
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
        self.offline_state(state);
        match (was_since, since) {
            (None, Some(since)) => self.connected(since),
            (Some(was), Some(since)) if was != since => self.connected(since),
            (Some(_), None) => self.disconnected(before.and_then(heard_at)),
            (None, None) => self.outage_lasts(None),
            (Some(_), Some(_)) => {}
        }
    }

    fn connected(&mut self, since: Moment) {
        tracing::info!("connected");
        self.outage_is_back();
        self.watch.log.connected();
        self.compare_clocks();
        self.watch.registration = None;
        self.watch.slot = Slot::default();
        self.watch.losses.connected();
        self.watch.delivery = Delivery::default();
        self.watch.untold = 0;
        self.watch.unread = 0;
        self.watch.changed_at = Some(since);
        self.watch.list.set(since + self.pace.register_after);
        self.look_for_our_entry(since);
        self.watch.reconcile.set(since);
        self.send_soon();
        self.drill_on_new_connection();
        self.record_time(self.now());
    }

    fn disconnected(&mut self, heard_at: Option<Moment>) {
        tracing::info!(state = ?self.watch.link, "disconnected");
        self.drill_cut_off();
        self.outage_lasts(heard_at.max(self.shown.heard_at()));
    }

    fn woke(&mut self) {
        tracing::info!("the computer woke");
        let now = self.now();
        self.outage_woke();
        self.watch.offline.woke(now);
        self.watch.changed_at = Some(now);
        self.watch.list.set(now);
        self.watch.reconcile.set(now);
        self.record_time(now);
    }

    /// The computer is about to sleep; who asked waits for the socket's end, not this task.
    pub(crate) fn rest(&self, reply: Reply<oneshot::Receiver<()>>) {
        let (done, closed) = oneshot::channel();
        let connection = self.connection.clone();
        self.tasks.spawn(async move {
            connection.rest().await;
            let _ = done.send(());
        });
        let _ = reply.send(closed);
    }

    pub(crate) fn reconcile_soon(&mut self) {
        let now = self.now();
        self.watch.reconcile.set(now);
        self.record_time(now);
    }

    /// Another session: nothing of what was found counts for it.
    pub(crate) fn forget_record(&mut self) {
        self.watch.registration = None;
        self.watch.slot = Slot::default();
        self.watch.losses = Losses::default();
        self.watch.delivery = Delivery::default();
        self.watch.ways = Ways::default();
        self.watch.polling = Polling::default();
        self.watch.offline.end();
        self.watch.record = None;
        self.watch.listing = false;
        self.watch.reconciling = false;
        self.watch.memory = None;
        self.watch.found = Found::default();
        self.watch.log.forget();
        self.watch.fetching = false;
        self.watch.claim_at = None;
        self.watch.claims = 0;
    }

    pub(crate) fn record_time(&mut self, now: Moment) {
        self.outage_time(now);
        if self.who.account == status::Account::Left {
            // The connection may stand for a moment yet, and so may its times.
            return;
        }
        if self.online_since().is_none() {
            let reads = self.reads_offline_from().is_some_and(|from| from <= now);
            if reads && !self.watch.reconciling && self.watch.reconcile.take(now) {
                self.reconcile(now);
            }
            return;
        }
        if !self.watch.listing && self.watch.list.take(now) {
            self.look_at_list(now);
        }
        if !self.watch.reconciling && self.watch.reconcile.take(now) {
            self.reconcile(now);
        }
    }
}

fn heard_at(state: State) -> Option<Moment> {
    match state {
        State::Online { heard_at, .. } => Some(heard_at),
        State::Offline | State::Connecting { .. } | State::Waiting { .. } | State::Rejected { .. } => None,
    }
}

fn online_since(state: State) -> Option<Moment> {
    match state {
        State::Online { since, .. } => Some(since),
        State::Offline | State::Connecting { .. } | State::Waiting { .. } | State::Rejected { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AlertId;

    #[test]
    fn a_row_without_its_message_has_the_record_read_often_until_that_comes() {
        let (pace, mut watch) = (Pace::default(), by_socket());
        watch.polling.ended(true, false, at(50), at(50));
        watch.delivery.missed([AlertId(1)], at(50), at(60));

        let waiting = watch.compare_every(&pace, at(50));
        watch.delivery.message(AlertId(1));

        assert_eq!(waiting, pace.poll_lively);
        assert_eq!(watch.compare_every(&pace, at(55)), pace.reconcile_every);
    }

    #[test]
    fn after_a_find_the_record_is_read_often_where_the_place_is_lost() {
        let (pace, mut watch) = (Pace::default(), by_socket());
        watch.registration = Some(Seen { at: at(40), what: Registration::Lost });
        let quiet = watch.compare_every(&pace, at(50));
        watch.polling.ended(true, false, at(50), at(50));

        assert_eq!(quiet, pace.poll_every);
        assert_eq!(watch.compare_every(&pace, at(169)), pace.poll_lively);
        assert_eq!(watch.compare_every(&pace, at(170)), pace.poll_every);
    }

    /// Of an account whose alerts come on the socket.
    fn by_socket() -> Watch {
        let mut watch = Watch::default();
        watch.ways.came(at(0));
        watch
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(1_000 + seconds))
    }
}
