//! Following a server's log (protocol 2): where to go on, what to do when it broke off, and what it replays.
//!
//! The registration and the comparison with the record are looked at as ever: the log is only the fastest way.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use visionguard_proto::{Alert, Cursor, Moment, Welcome};

use crate::controller::Controller;
use crate::controller::alerts::recorder::{Item, Place};
use crate::controller::ticks::{Due, Tick};
use crate::journal::{Beginning, JournalError, LogOf};
use crate::ledger;
use crate::model::{Entry, GapRow, IncidentId, Source};
use crate::status;

/// How long the journal may take to say where the log was left; the record has what is missed without that.
const ASK_JOURNAL_WITHIN: Duration = Duration::from_secs(2);
/// How long after the last replayed alert they are summed up.
const SUM_UP_AFTER: Duration = Duration::from_secs(1);

/// What a server sends of its log at most while nothing of it is acknowledged: docs/protocol.md, Flow.
const MOST_UNACKED: usize = 32;
const MOST_UNACKED_BYTES: usize = 8 * 1024 * 1024;

/// What is known of the log that the connection follows.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The connection began at the log's head: a comparison that begins later than this makes it the place to go on from.
    beginning: Option<(Moment, Beginning)>,
    /// The connection that stands follows the log.
    follows: bool,
    /// Whose log the connection follows: it may be of who was signed in before, for a moment.
    of: Option<LogOf>,
    /// When the comparison that is under way began, by both clocks.
    comparing: Option<(Moment, Timestamp)>,
    /// How many of this session's alerts had a place in the log.
    places: u64,
    /// Which of them was the first on the connection that stands.
    first: u64,
    /// Those from there on that could not be stored, with the size of their picture.
    unstored: BTreeMap<u64, usize>,
    /// Old alerts that were replayed, for one summary: the newest of each incident.
    replayed: BTreeMap<IncidentId, Entry>,
    sum_up: Due,
}

impl Log {
    pub(crate) fn due(&self) -> Option<Moment> {
        self.sum_up.at()
    }

    /// Whether the connection that stands follows the log.
    pub(crate) fn follows(&self) -> bool {
        self.follows
    }

    /// Another connection stands.
    pub(crate) fn connected(&mut self) {
        self.follows = false;
        self.beginning = None;
        self.leave_behind();
    }

    /// The next alert of the log comes on another connection.
    pub(crate) fn leave_behind(&mut self) {
        self.first = self.places;
        self.unstored.clear();
    }

    /// The alert of this place could not be stored, and is not acknowledged.
    pub(crate) fn not_stored(&mut self, place: &Place, picture: usize) {
        if place.number >= self.first {
            self.unstored.insert(place.number, picture);
        }
    }

    pub(crate) fn stored(&mut self, place: &Place) {
        self.unstored.remove(&place.number);
    }

    /// Whether the server holds the next alerts back, since so much is not acknowledged.
    pub(crate) fn is_held_back(&self) -> bool {
        let sizes = || self.unstored.values();
        // The next one may be as large as the largest.
        let next = sizes().max().copied().unwrap_or(0);
        let bytes = sizes().sum::<usize>() + next;
        self.follows && (self.unstored.len() >= MOST_UNACKED || bytes > MOST_UNACKED_BYTES)
    }

    /// Nothing of a session that is over counts for the next.
    pub(crate) fn forget(&mut self) {
        *self = Log::default();
    }
}

impl Controller {
    /// Connects, from where the journal says that the log was left.
    pub(crate) fn connect(&self) {
        let Some(of) = self.log_of() else { return };
        let journal = self.journal.clone();
        let epoch = self.who.epoch;
        self.spawn(async move {
            let cursor = match tokio::time::timeout(ASK_JOURNAL_WITHIN, journal.cursor(&of)).await {
                Ok(Ok(cursor)) => cursor,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the journal does not say where the log was left");
                    None
                }
                Err(_) => {
                    tracing::warn!("the journal takes too long to say where the log was left");
                    None
                }
            };
            let limit = tokio::time::timeout(ASK_JOURNAL_WITHIN, journal.idle_limit(&of.origin)).await;
            Tick::Placed(epoch, cursor, limit.ok().flatten())
        });
        self.look_for_gap();
    }

    /// Goes on there, with pings as the way to the server needed them when the program last ran.
    pub(crate) fn placed(&mut self, epoch: u64, cursor: Option<Cursor>, idle_limit: Option<Duration>) {
        if epoch != self.who.epoch || self.who.account != status::Account::SignedIn {
            return;
        }
        // A connection that stands may be kept, and is to be found in the list for this session, too.
        self.watch.changed_at = Some(self.now());
        self.recall_way();
        self.watch.idle_limit = idle_limit;
        self.watch.list.by(self.now() + self.pace.register_after);
        if let Some(target) = self.account.target() {
            self.connection.connect_from(target, cursor);
            if idle_limit.is_some() {
                self.connection.expect_idle_limit(idle_limit);
            }
        }
    }

    /// Something on the way cuts what is silent: remembered for the next start, and for the doctor and the report.
    pub(crate) fn idle_limit(&mut self, limit: Option<Duration>) {
        match limit {
            Some(limit) => {
                tracing::info!(?limit, "something on the way cuts silent connections: pings go faster")
            }
            None => tracing::info!("faster pings did not help"),
        }
        self.watch.idle_limit = limit;
        let Some(of) = self.log_of() else { return };
        let journal = self.journal.clone();
        self.tasks.spawn(async move {
            if let Err(error) = journal.set_idle_limit(&of.origin, limit).await {
                tracing::debug!(%error, "the limit is not remembered");
            }
        });
    }

    /// Whose log is followed, at which server.
    fn log_of(&self) -> Option<LogOf> {
        let target = self.account.target()?;
        Some(LogOf { account: target.user.to_string(), origin: target.endpoint.to_string() })
    }

    pub(crate) fn speaks_two(&self) {
        if self.account.speaks_two() {
            tracing::info!("the server speaks protocol 2");
            let account = self.account.clone();
            self.tasks.spawn(async move { account.write_down().await });
        }
    }

    pub(crate) fn no_welcome(&mut self) {
        tracing::warn!("the server offered protocol 2 and does not speak it on this connection");
        self.reconcile_soon();
    }

    /// Without a cursor, or with one that the log could not follow, what comes begins at its head.
    pub(crate) fn welcomed(&mut self, welcome: Welcome, asked: Option<Cursor>) {
        tracing::info!(
            recovered = welcome.recovered,
            resumed = asked.is_some(),
            "following the server's log"
        );
        self.watch.log.follows = true;
        self.watch.log.of = self.log_of();
        let begins = asked.is_none() || !welcome.recovered;
        self.watch.log.beginning = begins.then(|| (self.now(), Beginning { asked, head: welcome.head }));
    }

    /// What lies between is to be had from the record, which is read again from now on: what was read before the gap was
    /// known may lack its end.
    pub(crate) fn broke_off(&mut self) {
        let Some(of) = self.log_of() else { return };
        tracing::warn!("the server's log could not go on where it was left; reading the record");
        let gap = Item::Gap { of, now: self.wall() };
        if let Some(lane) = &self.alerts.lane {
            let lane = lane.clone();
            self.tasks.spawn(async move {
                // Nobody stores anything any more only after the end.
                let _ = lane.send(gap).await;
            });
        }
        self.reconcile_soon();
    }

    /// A comparison with the record begins.
    pub(super) fn log_comparing(&mut self, now: Moment, wall: Timestamp) {
        self.watch.log.comparing = Some((now, wall));
    }

    /// The record was compared to its end, on the connection that stands.
    pub(super) fn log_compared(&mut self, began_at: Moment) {
        let Some(of) = self.log_of() else { return };
        let Some((_, wall)) = self.watch.log.comparing.take_if(|(at, _)| *at == began_at) else { return };
        let begins = self.watch.log.beginning.take_if(|(at, _)| *at <= began_at);
        if let (Some(_), Some(since)) = (&begins, self.online_since()) {
            self.connection.compared(since);
        }
        let journal = self.journal.clone();
        let beginning = begins.map(|(_, beginning)| beginning);
        self.spawn(async move {
            match journal.compared(of, beginning, wall).await {
                Ok(()) => Tick::Gap(journal.standing_gap().await),
                Err(error) => Tick::WriteFailed(error),
            }
        });
    }

    pub(crate) fn look_for_gap(&self) {
        let journal = self.journal.clone();
        self.spawn(async move { Tick::Gap(journal.standing_gap().await) });
    }

    pub(crate) fn gap(&mut self, standing: Result<Option<GapRow>, JournalError>) {
        match standing {
            Ok(Some(gap)) => self.shown.say("possible_gap", ledger::gap_sentence(&gap, &self.zone)),
            Ok(None) => self.shown.withdraw("possible_gap"),
            Err(error) => tracing::debug!(%error, "cannot look for gaps"),
        }
    }

    /// The place of an alert that came on the socket, if it has one.
    pub(crate) fn place(&mut self, alert: &Alert) -> Option<Place> {
        let cursor = alert.cursor.clone()?;
        let place = Place {
            of: self.watch.log.of.clone()?,
            session: self.who.epoch,
            number: self.watch.log.places,
            cursor,
        };
        self.watch.log.places += 1;
        Some(place)
    }

    /// What is replayed and old is history: it goes into a summary.
    pub(crate) fn source(&self, alert: &Alert) -> Source {
        let at = alert.detected_at.filter(|_| alert.replayed).map(|at| self.journal.by_our_clock(at));
        if at.is_some_and(|at| !self.is_recent(at)) { Source::History } else { Source::Live }
    }

    /// An old alert that was replayed is stored.
    pub(crate) fn replayed(&mut self, entry: &Entry) {
        self.hold(vec![entry.clone()]);
        self.feed_changed();
    }

    /// What was found missing in the record. While the log replays the same, both are told together.
    pub(super) fn tell_missed(&mut self, missed: Vec<Entry>) {
        let Some(since) = self.online_since() else { return self.raise_missed(missed) };
        let compared_before = self.watch.record.is_some_and(|seen| seen.at >= since);
        if self.watch.log.follows && !compared_before {
            self.hold(missed);
        } else {
            self.raise_missed(missed);
        }
    }

    fn hold(&mut self, missed: Vec<Entry>) {
        if missed.is_empty() {
            return;
        }
        self.watch.log.sum_up.set(self.now() + SUM_UP_AFTER);
        self.watch.log.replayed.extend(missed.into_iter().map(|entry| (entry.incident.id, entry)));
    }

    /// Whether a summary is on its way that can say other things, too.
    pub(crate) fn holds_summary(&self) -> bool {
        self.watch.log.sum_up.at().is_some()
    }

    pub(crate) fn log_time(&mut self, now: Moment) {
        if self.watch.log.sum_up.take(now) {
            self.sum_up();
        }
    }

    /// Tells what was held, now.
    pub(crate) fn sum_up(&mut self) {
        self.watch.log.sum_up.clear();
        let replayed = std::mem::take(&mut self.watch.log.replayed);
        self.raise_missed(replayed.into_values().collect());
        self.tell_outage_over();
    }
}
