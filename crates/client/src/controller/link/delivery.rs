//! Whether alerts come on the socket: told from what did come on it and from what was found in the record instead.
//!
//! The server's list of connections may call a connection the user's own although another one has its place: two that
//! opened within a moment look alike there. A row that was written while this connection stood, and of which no message
//! came, tells.

use std::collections::BTreeMap;

use visionguard_proto::Moment;

use crate::controller::Controller;
use crate::model::AlertId;
use crate::status::Registration;

/// Rows without a message that are watched at once, at most.
const MOST: usize = 200;

/// What is known of it on the connection that stands.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// An alert came on the socket.
    has_delivered: bool,
    /// Rows whose message must still come.
    waiting: BTreeMap<AlertId, Waiting>,
    /// A row whose message did not come.
    given_up: Option<GivenUp>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    found_at: Moment,
    give_up_at: Moment,
}

#[derive(Debug, Clone, Copy)]
struct GivenUp {
    alert: AlertId,
    found_at: Moment,
    at: Moment,
    /// What it means was judged already.
    is_judged: bool,
}

impl Delivery {
    pub(crate) fn due(&self) -> Option<Moment> {
        self.waiting.values().map(|waiting| waiting.give_up_at).min()
    }

    /// Whether a row's message must still come.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Since when it is certain that alerts do not come on the socket.
    pub(crate) fn undelivered(&self) -> Option<Moment> {
        self.given_up.map(|given_up| given_up.at)
    }

    /// Whether an alert came on the socket.
    pub(super) fn has_delivered(&self) -> bool {
        self.has_delivered
    }

    /// Whether what is missed is still to be explained by a list that was asked for at this moment.
    fn is_to_judge(&self, asked_at: Moment) -> bool {
        self.given_up.is_some_and(|given_up| !given_up.is_judged && given_up.found_at <= asked_at)
    }

    /// An alert came on the socket, whichever: it delivers again.
    fn came(&mut self) {
        self.has_delivered = true;
        self.given_up = None;
    }

    /// The message of this row came.
    pub(super) fn message(&mut self, alert: AlertId) {
        self.waiting.remove(&alert);
        self.given_up.take_if(|given_up| given_up.alert == alert);
    }

    /// These rows were found that an earlier comparison on the same connection did not find, and no message of theirs
    /// came; it may until `give_up_at`.
    pub(crate) fn missed(
        &mut self,
        alerts: impl IntoIterator<Item = AlertId>,
        now: Moment,
        give_up_at: Moment,
    ) {
        for alert in alerts {
            if self.waiting.len() < MOST {
                self.waiting.entry(alert).or_insert(Waiting { found_at: now, give_up_at });
            }
        }
    }

    /// Whether the wait for a message just ended in vain.
    fn gave_up(&mut self, now: Moment) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|alert, waiting| {
            let is_over = waiting.give_up_at <= now;
            if is_over {
                let found_at = waiting.found_at;
                self.given_up = Some(GivenUp { alert: *alert, found_at, at: now, is_judged: false });
            }
            !is_over
        });
        self.waiting.len() < before
    }
}

impl Controller {
    /// An alert came on the socket: whoever's it was a moment ago, the slot is ours.
    pub(crate) fn delivered(&mut self) {
        self.watch.delivery.came();
        self.came_by_socket();
        self.slot_proved(self.now());
    }

    /// This alert's message came on the socket, and is in the journal.
    pub(crate) fn message_came(&mut self, alert: AlertId) {
        self.watch.delivery.message(alert);
    }

    pub(crate) fn delivery_time(&mut self, now: Moment) {
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
        self.watch.reconcile.by(now + self.watch.compare_every(&self.pace, now));
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
            // It is known why the message did not come.
            self.watch.delivery.given_up = None;
        } else {
            if let Some(given_up) = &mut self.watch.delivery.given_up {
                given_up.is_judged = true;
            }
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

        delivery.missed([AlertId(1)], at(45), at(55));

        assert!(!delivery.gave_up(at(54)));
        assert!(delivery.gave_up(at(55)));
        assert_eq!(delivery.undelivered(), Some(at(55)));
        assert_eq!(delivery.due(), None);
    }

    #[test]
    fn a_message_that_comes_after_its_row_is_no_failure() {
        let mut delivery = Delivery::default();

        delivery.missed([AlertId(1)], at(45), at(55));
        delivery.came();
        delivery.message(AlertId(1));

        assert!(!delivery.gave_up(at(60)));
    }

    #[test]
    fn a_busy_camera_of_ones_own_hides_no_row_without_a_message() {
        let mut delivery = Delivery::default();

        delivery.missed([AlertId(1), AlertId(2)], at(45), at(55));
        for alert in 2..20 {
            delivery.came();
            delivery.message(AlertId(alert));
        }

        assert!(delivery.gave_up(at(55)));
        assert_eq!(delivery.given_up.map(|given_up| given_up.alert), Some(AlertId(1)));
    }

    #[test]
    fn the_next_alert_on_the_socket_ends_it() {
        let mut delivery = Delivery::default();
        delivery.missed([AlertId(1)], at(45), at(55));
        delivery.gave_up(at(55));

        delivery.came();

        assert_eq!(delivery.undelivered(), None);
    }

    #[test]
    fn a_message_that_comes_later_still_explains_its_row() {
        let mut delivery = Delivery::default();
        delivery.missed([AlertId(1)], at(45), at(55));
        delivery.gave_up(at(55));

        delivery.message(AlertId(2));
        assert!(delivery.undelivered().is_some());
        delivery.message(AlertId(1));

        assert_eq!(delivery.undelivered(), None);
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }
}
