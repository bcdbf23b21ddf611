//! Whether alerts come on the socket: told from what did come on it and from what was found in the record instead.
//!
//! The server's list of connections may call a connection the user's own although another one has its place: two that
//! opened within a moment look alike there. A row that was written while this connection stood, and of which no message
//! came, tells.

use visionguard_proto::Moment;

use super::Controller;
use super::ticks::Due;
use crate::status::Registration;

/// What is known of it on the connection that stands.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// When an alert last came on the socket.
    came_at: Option<Moment>,
    /// When a message that is missed must have come.
    given_up: Due,
    /// When the row of that message was found.
    missed_at: Option<Moment>,
    undelivered: Option<Moment>,
    /// What it means was judged already.
    is_judged: bool,
}

impl Delivery {
    pub(super) fn due(&self) -> Option<Moment> {
        self.given_up.at()
    }

    /// Since when it is certain that alerts do not come on the socket.
    pub(super) fn undelivered(&self) -> Option<Moment> {
        self.undelivered
    }

    /// Whether an alert came on the socket.
    pub(super) fn has_delivered(&self) -> bool {
        self.came_at.is_some()
    }

    /// Whether what is missed is still to be explained by a list that was asked for at this moment.
    fn is_to_judge(&self, asked_at: Moment) -> bool {
        self.undelivered.is_some() && !self.is_judged && self.missed_at.is_some_and(|at| at <= asked_at)
    }

    /// It is known why the message did not come: that way is this account's.
    fn is_explained(&mut self) {
        self.missed_at = None;
        self.undelivered = None;
    }

    /// An alert came on the socket.
    fn came(&mut self, now: Moment) {
        self.came_at = Some(now);
        self.given_up.clear();
        self.missed_at = None;
        self.undelivered = None;
        self.is_judged = false;
    }

    /// Rows were found that an earlier comparison, begun at `before` on the same connection, did not find; their messages
    /// may come until `give_up_at`.
    pub(super) fn missed(&mut self, before: Moment, now: Moment, give_up_at: Moment) {
        if self.came_at.is_none_or(|at| at < before) {
            self.given_up.by(give_up_at);
            self.missed_at.get_or_insert(now);
        }
    }

    /// Whether the wait for a message just ended in vain.
    fn gave_up(&mut self, now: Moment) -> bool {
        let gave_up = self.given_up.take(now);
        if gave_up {
            self.undelivered = Some(now);
        }
        gave_up
    }
}

impl Controller {
    /// An alert came on the socket: whoever's it was a moment ago, the slot is ours.
    pub(super) fn delivered(&mut self) {
        let now = self.now();
        self.watch.delivery.came(now);
        self.came_by_socket();
        self.slot_proved(now);
    }

    pub(super) fn delivery_time(&mut self, now: Moment) {
        if !self.watch.delivery.gave_up(now) {
            return;
        }
        self.judge_undelivered();
        if self.watch.delivery.undelivered().is_some() {
            tracing::warn!(
                "an alert is in the record that did not come on the socket; reading it more often"
            );
            self.watch.list.by(now);
        }
        self.watch.reconcile.by(now + self.pace.record_every);
    }

    /// A row has no message. Where the server's list, asked after the row was found, calls the connection ours or tells
    /// nothing, that is one of this account's ways, or the connection is replaced.
    pub(super) fn judge_undelivered(&mut self) {
        let Some(listed) = self.watch.registration else { return };
        if !self.watch.delivery.is_to_judge(listed.at) {
            return;
        }
        match listed.what {
            Registration::Ours | Registration::Untold => {}
            Registration::Lost | Registration::Taken => return,
        }
        if self.came_by_record() {
            self.watch.delivery.is_explained();
        } else {
            self.watch.delivery.is_judged = true;
            self.claim_slot();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_row_without_a_message_counts_when_it_is_given_up() {
        let mut delivery = Delivery::default();

        delivery.missed(at(0), at(45), at(55));

        assert!(!delivery.gave_up(at(54)));
        assert!(delivery.gave_up(at(55)));
        assert_eq!(delivery.undelivered(), Some(at(55)));
    }

    #[test]
    fn a_message_that_comes_after_its_row_is_no_failure() {
        let mut delivery = Delivery::default();

        delivery.missed(at(0), at(45), at(55));
        delivery.came(at(46));

        assert!(!delivery.gave_up(at(60)));
    }

    #[test]
    fn the_next_alert_on_the_socket_ends_it() {
        let mut delivery = Delivery::default();
        delivery.missed(at(0), at(45), at(55));
        delivery.gave_up(at(55));

        delivery.came(at(70));

        assert_eq!(delivery.undelivered(), None);
    }

    #[test]
    fn a_row_beside_one_that_came_tells_nothing() {
        let mut delivery = Delivery::default();

        delivery.came(at(20));
        delivery.missed(at(0), at(45), at(55));

        assert_eq!(delivery.due(), None);
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }
}
