//! Which way this account's alerts come: on the socket, by the record alone, as for a manager whose cameras another
//! account runs, or some each way.
//!
//! It is learnt from what comes, and kept in the journal for this server and account. Until it is known, and while some
//! come by the record, that is read often, so that also the first alert after a start is here soon.

use std::time::Duration;

use visionguard_proto::Moment;

use crate::controller::Controller;
use crate::controller::ticks::Tick;
use crate::status::{ByRecord, Share};

/// On so many connections in turn an account that used to get its alerts on the socket got one by the record alone,
/// before that is its way.
const IN_VAIN: u32 = 2;
/// When nothing came by the record alone for so long, and others did on the socket, that is the only way again.
const A_DAY: Duration = Duration::from_secs(24 * 3_600);

/// Which way alerts come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// None came yet.
    #[default]
    Untold,
    /// On the socket.
    Socket,
    /// By the record alone.
    Record,
    /// Some on the socket, those of other cameras by the record alone.
    Both,
}

impl Way {
    fn word(self) -> Option<&'static str> {
        match self {
            Way::Untold => None,
            Way::Socket => Some("socket"),
            Way::Record => Some("record"),
            Way::Both => Some("both"),
        }
    }

    fn of(word: &str) -> Way {
        match word {
            "socket" => Way::Socket,
            "record" => Way::Record,
            "both" => Way::Both,
            _ => Way::Untold,
        }
    }
}

/// What is known of it in this session.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    way: Way,
    /// Connections in a row on which an alert came by the record alone.
    in_vain: u32,
    /// When the last came by the record alone, or since when that is watched.
    alone_at: Option<Moment>,
}

impl Ways {
    /// How much of this account's alerts comes by the record alone; none if nothing does.
    pub(crate) fn by_record(&self) -> Option<Share> {
        match self.way {
            Way::Untold | Way::Socket => None,
            Way::Record => Some(Share::All),
            Way::Both => Some(Share::Some),
        }
    }

    /// Whether an alert may come by the record alone at any moment, for all that is known.
    pub(super) fn may_be_record(&self) -> bool {
        self.way != Way::Socket
    }

    /// An alert came on the socket. Whether the way is another now.
    pub(super) fn came(&mut self, now: Moment) -> bool {
        self.in_vain = 0;
        let alone_at = *self.alone_at.get_or_insert(now);
        self.turn(match self.way {
            Way::Untold | Way::Socket => Way::Socket,
            Way::Both if now.since(alone_at) >= A_DAY => Way::Socket,
            Way::Record | Way::Both => Way::Both,
        })
    }

    /// An alert came by the record alone on a connection that the list calls ours; `delivered` says whether others did
    /// come on it. Whether that is explained now, and whether the way is another.
    fn missed(&mut self, delivered: bool, now: Moment) -> (bool, bool) {
        self.alone_at = Some(now);
        self.in_vain += 1;
        let turned = self.turn(match self.way {
            Way::Untold | Way::Record => Way::Record,
            Way::Both => Way::Both,
            Way::Socket if delivered => Way::Both,
            Way::Socket if self.in_vain >= IN_VAIN => Way::Record,
            Way::Socket => Way::Socket,
        });
        (self.way != Way::Socket, turned)
    }

    fn turn(&mut self, way: Way) -> bool {
        std::mem::replace(&mut self.way, way) != way
    }
}

impl Controller {
    /// Asks the journal what was learnt of this account.
    pub(crate) fn recall_way(&self) {
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

    pub(crate) fn way_recalled(&mut self, epoch: u64, kept: Option<&str>) {
        if epoch == self.who.epoch && self.watch.ways.way == Way::Untold {
            self.watch.ways.way = kept.map_or(Way::Untold, Way::of);
        }
    }

    /// An alert came on the socket.
    pub(super) fn came_by_socket(&mut self) {
        if self.watch.ways.came(self.now()) {
            self.keep_way();
        }
    }

    /// An alert came by the record alone on a connection that is ours. Whether that is one of this account's ways.
    ///
    /// Of one that never got an alert on the socket it may be the place alone that is lost, to another that opened within a
    /// moment: it is claimed once.
    pub(super) fn came_by_record(&mut self) -> bool {
        let was_untold = self.watch.ways.way == Way::Untold;
        let now = self.now();
        let (explained, turned) = self.watch.ways.missed(self.watch.delivery.has_delivered(), now);
        if was_untold {
            self.claim_slot();
        }
        if turned {
            tracing::info!(way = ?self.watch.ways.way, "alerts of this account come by the record; reading it often");
            self.keep_way();
        }
        explained
    }

    /// What the status needs to know of it.
    pub(crate) fn by_record(&self) -> Option<ByRecord> {
        let share = self.watch.share()?;
        let every = self.watch.polling.promised(&self.pace, self.pace.record_every);
        Some(ByRecord { share, every })
    }

    fn keep_way(&self) {
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

        assert_eq!(ways.missed(false, at(0)), (true, true));
        assert_eq!(ways.by_record(), Some(Share::All));
    }

    #[test]
    fn an_account_that_did_learns_on_the_second_connection() {
        let mut ways = Ways::default();
        ways.came(at(0));

        assert_eq!(ways.missed(false, at(1)), (false, false));
        assert_eq!(ways.missed(false, at(2)), (true, true));
        assert_eq!(ways.by_record(), Some(Share::All));
    }

    #[test]
    fn on_a_connection_that_delivers_a_row_alone_is_another_s_camera() {
        let mut ways = Ways::default();
        ways.came(at(0));

        assert_eq!(ways.missed(true, at(1)), (true, true));
        assert_eq!(ways.by_record(), Some(Share::Some));
    }

    #[test]
    fn a_storm_on_the_socket_hides_no_other_camera_and_a_day_without_one_does() {
        let day = A_DAY.as_secs();
        let mut ways = Ways::default();
        ways.missed(false, at(0));

        for second in 1..100 {
            ways.came(at(second));
        }
        ways.missed(true, at(100));
        ways.came(at(99 + day));
        assert_eq!(ways.by_record(), Some(Share::Some));

        assert!(ways.came(at(100 + day)));
        assert!(!ways.may_be_record());
    }

    #[test]
    fn every_way_is_read_back_as_it_was_kept() {
        for way in [Way::Socket, Way::Record, Way::Both] {
            assert_eq!(way.word().map(Way::of), Some(way));
        }
        assert_eq!(Way::of("a later version's"), Way::Untold);
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(1_000 + seconds))
    }
}
