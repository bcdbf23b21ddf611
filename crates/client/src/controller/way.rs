//! Which way this account's alerts come: on the socket, or by the record alone, as for a manager whose cameras another
//! account runs.
//!
//! It is learnt from what comes, kept in the journal for this server and account, and unlearnt by the first alert on the
//! socket. Until it is known the record is read often for some minutes, so that also the first alert after a start is
//! here soon.

use std::time::Duration;

use visionguard_proto::Moment;

use super::Controller;
use super::ticks::Tick;
use crate::status::Registration;

/// For how long after a session began the record is read often while the way is not known.
const WATCHED_FOR: Duration = Duration::from_secs(600);
/// On so many connections in turn an account that used to get its alerts on the socket got one by the record alone,
/// before that is its way.
const IN_VAIN: u32 = 2;

/// Which way alerts come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// None came yet.
    #[default]
    Untold,
    /// On the socket.
    Socket,
    /// By the record alone.
    Record,
}

impl Way {
    fn word(self) -> Option<&'static str> {
        match self {
            Way::Untold => None,
            Way::Socket => Some("socket"),
            Way::Record => Some("record"),
        }
    }

    fn of(word: &str) -> Way {
        match word {
            "socket" => Way::Socket,
            "record" => Way::Record,
            _ => Way::Untold,
        }
    }
}

/// What is known of it in this session.
#[derive(Debug, Default)]
pub(super) struct Ways {
    way: Way,
    /// Until when the record is read often though nothing is known.
    watched_until: Option<Moment>,
    /// Connections in a row on which an alert came by the record alone.
    in_vain: u32,
}

impl Ways {
    pub(super) fn is_record(&self) -> bool {
        self.way == Way::Record
    }

    /// Whether an alert may come by the record alone at any moment, for all that is known.
    pub(super) fn is_open(&self, now: Moment) -> bool {
        self.way == Way::Untold && self.watched_until.is_some_and(|until| now < until)
    }

    /// A connection stands.
    fn connected(&mut self, now: Moment) {
        self.watched_until.get_or_insert(now + WATCHED_FOR);
    }

    /// An alert came on the socket; whether that is news.
    fn came(&mut self) -> bool {
        self.in_vain = 0;
        std::mem::replace(&mut self.way, Way::Socket) != Way::Socket
    }

    /// An alert came by the record alone on a connection that is ours for certain; `delivered` says whether others did
    /// come on it. Whether the way is the record's now.
    fn missed(&mut self, delivered: bool) -> bool {
        self.in_vain += 1;
        if self.way == Way::Untold || delivered || self.in_vain >= IN_VAIN {
            self.way = Way::Record;
        }
        self.way == Way::Record
    }
}

impl Controller {
    /// Asks the journal what was learnt of this account.
    pub(super) fn recall_way(&mut self) {
        let Some(key) = self.way_key() else { return };
        let journal = self.journal.clone();
        let epoch = self.who.epoch;
        self.spawn(async move {
            let kept = journal.value(&key).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the journal does not say which way alerts come");
                None
            });
            Tick::WayRecalled(epoch, kept)
        });
    }

    pub(super) fn way_recalled(&mut self, epoch: u64, kept: Option<String>) {
        if epoch != self.who.epoch || self.watch.ways.way != Way::Untold {
            return;
        }
        self.watch.ways.way = kept.as_deref().map_or(Way::Untold, Way::of);
        if self.watch.ways.is_record() && self.online_since().is_some() {
            self.watch.reconcile.by(self.now());
        }
    }

    pub(super) fn way_connected(&mut self, since: Moment) {
        self.watch.ways.connected(since);
    }

    /// An alert came on the socket.
    pub(super) fn way_is_socket(&mut self) {
        if self.watch.ways.came() {
            self.keep_way();
        }
    }

    /// The message of a row did not come in its time. Where the list, asked after the row was found, calls this
    /// connection ours, the row is another account's to be told of; else the connection is deaf. Whether it is explained.
    pub(super) fn way_explains(&mut self) -> bool {
        let Some(missed_at) = self.watch.delivery.missed_at() else { return false };
        let is_ours = self
            .watch
            .registration
            .is_some_and(|seen| seen.what == Registration::Ours && seen.at >= missed_at);
        if !is_ours {
            return false;
        }
        let before = self.watch.ways.way;
        let explained = self.watch.ways.missed(self.watch.delivery.has_delivered());
        if explained && before != Way::Record {
            tracing::info!("alerts of this account come by the record; reading it often");
            self.keep_way();
        }
        explained
    }

    fn keep_way(&mut self) {
        let (Some(key), Some(word)) = (self.way_key(), self.watch.ways.way.word()) else { return };
        let journal = self.journal.clone();
        self.tasks.spawn(async move {
            if let Err(error) = journal.set_value(&key, Some(word.to_owned())).await {
                tracing::warn!(%error, "which way alerts come is not written down");
            }
        });
    }

    fn way_key(&self) -> Option<String> {
        let target = self.account.target()?;
        Some(format!("way:{}:{}", target.user, target.endpoint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_never_got_one_on_the_socket_learns_at_once() {
        let mut ways = Ways::default();

        assert!(ways.missed(false) && ways.is_record());
    }

    #[test]
    fn an_account_that_did_learns_on_the_second_connection() {
        let mut ways = Ways::default();
        ways.came();

        assert!(!ways.missed(false));
        assert!(ways.missed(false));
    }

    #[test]
    fn on_a_connection_that_delivers_a_row_alone_is_another_s_camera() {
        let mut ways = Ways::default();
        ways.came();

        assert!(ways.missed(true));
    }

    #[test]
    fn an_alert_on_the_socket_unlearns_it() {
        let mut ways = Ways::default();
        ways.missed(false);

        assert!(ways.came() && !ways.is_record());
    }

    #[test]
    fn what_is_not_known_is_watched_for_ten_minutes() {
        let at = |seconds| Moment::from_start(Duration::from_secs(seconds));
        let mut ways = Ways::default();

        ways.connected(at(10));
        ways.connected(at(300));

        assert!(ways.is_open(at(609)) && !ways.is_open(at(610)));
    }
}
