//! An alert's way from the socket onto the disk: stored, then acknowledged, then considered for a notification.

pub(super) mod acks;
mod backlog;
pub(super) mod decisions;
pub(super) mod drill;
pub(super) mod hours;
mod notes;
mod notifications;
pub(super) mod recorder;
pub(super) mod reminders;
mod screen;
mod several;
pub(super) mod snooze;
mod urgent;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use visionguard_proto::message::ClientMessage;
use visionguard_proto::{Alert, Kind, Moment, Via};

use self::backlog::Backlog;
use self::hours::Opening;
use self::recorder::{Arrival, Attempt, Item};
use self::reminders::Reminding;
use self::snooze::Snoozing;
use super::Controller;
use super::ticks::Due;
use crate::journal::JournalError;
use crate::model::{AlertId, Handling, IncidentId, Recorded, Repaired, Source};
use crate::policy::{self, Budget, Cooldown};
use crate::status;

/// Between two updates of a notification about an alert that could not be stored, or of a message.
const PAUSE: Duration = Duration::from_secs(10);
/// A connection that holds alerts back is left behind after this time at the earliest, so that a server is not called often.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(2);

/// Alerts under way.
#[derive(Debug)]
pub(super) struct Alerts {
    pub(super) lane: Option<mpsc::Sender<Item>>,
    /// Where acks that were sent are noted.
    acks: Option<mpsc::UnboundedSender<acks::Sent>>,
    pub(super) recent: policy::Recent,
    /// Cameras that sounded a short time ago.
    pub(super) cooldown: Cooldown,
    /// What stands on the screen.
    pub(super) budget: Budget,
    /// Incidents whose notification was updated too short a time ago, with the alert to show then.
    pub(super) again: BTreeMap<IncidentId, (Moment, AlertId)>,
    /// Alerts that are not stored, and when to try again.
    backlog: Backlog,
    pub(super) store_again: Due,
    /// When notifications that are not about a stored alert were last raised.
    pub(super) raised: BTreeMap<String, Moment>,
    /// Alerts that were shown, which could not be written down.
    pub(super) unmarked: BTreeSet<AlertId>,
    /// Alerts that were told of then in some other way, which could not be written down.
    pub(super) untold: Vec<(Vec<(IncidentId, AlertId)>, Timestamp)>,
    /// When to look for alerts that no notification covered.
    pub(super) notify_again: Due,
    pub(super) snoozing: Snoozing,
    opening: Opening,
    pub(super) reminding: Reminding,
}

impl Alerts {
    pub(super) fn new(
        lane: mpsc::Sender<Item>,
        acks: mpsc::UnboundedSender<acks::Sent>,
        is_screen: bool,
    ) -> Alerts {
        Alerts {
            lane: Some(lane),
            acks: Some(acks),
            recent: policy::Recent::default(),
            cooldown: Cooldown::default(),
            budget: Budget::new(is_screen),
            again: BTreeMap::new(),
            backlog: Backlog::default(),
            store_again: Due::default(),
            raised: BTreeMap::new(),
            unmarked: BTreeSet::new(),
            untold: Vec::new(),
            notify_again: Due::default(),
            snoozing: Snoozing::default(),
            opening: Opening::default(),
            reminding: Reminding::default(),
        }
    }

    /// Whether another alert can be taken from the socket.
    pub(super) fn has_room(&self) -> bool {
        self.lane.as_ref().is_some_and(|lane| lane.capacity() > self.backlog.untried())
    }

    /// No more alerts; what is on the lane is still stored.
    pub(super) fn close(&mut self) {
        self.lane = None;
        self.acks = None;
    }

    /// No alert of a session that is over is stored or shown any more. That one was shown is still to be written down,
    /// where the journal stays, or it would be shown again.
    pub(super) fn forget(&mut self, erase: bool) {
        self.backlog.forget();
        self.again.clear();
        if erase {
            self.unmarked.clear();
            self.untold.clear();
            self.store_again.clear();
        }
    }

    pub(super) fn due(&self) -> Option<Moment> {
        let again = self.again.values().map(|(at, _)| *at).min();
        let looks = [self.snoozing.due(), self.opening.due(), self.reminding.due()];
        [again, self.store_again.at(), self.notify_again.at()].into_iter().chain(looks).flatten().min()
    }

    /// This alert's popup comes at this moment: the incident's newest one speaks for all, also where an older one, whose
    /// picture took its time, is considered after it.
    pub(super) fn put_off(&mut self, incident: IncidentId, at: Moment, alert: AlertId) {
        let newest = self.again.get(&incident).map_or(alert, |(_, waiting)| (*waiting).max(alert));
        self.again.insert(incident, (at, newest));
    }

    /// Hands the lane what comes next, as far as it has room.
    fn go_on(&mut self) {
        while let Some(lane) = &self.lane
            && let Ok(room) = lane.try_reserve()
            && let Some(arrival) = self.backlog.next()
        {
            room.send(Item::Alert(arrival));
        }
    }

    /// Whether alerts that were told of are not stored yet.
    pub(super) fn waits_for_the_disk(&self, now: Timestamp) -> bool {
        self.backlog.was_told_lately(now)
    }

    /// Nobody saw the notification of this id: the alerts that it was about are still to be shown.
    pub(super) fn not_shown(&mut self, id: &str) {
        self.raised.remove(id);
        self.backlog.not_shown(id);
    }

    /// Whether a notification of this id may be raised again now; if so, that is remembered.
    pub(super) fn may_raise(&mut self, id: &str, now: Moment) -> bool {
        self.raised.retain(|_, at| now.since(*at) < PAUSE);
        if self.raised.contains_key(id) {
            return false;
        }
        self.raised.insert(id.to_owned(), now);
        true
    }
}

impl Controller {
    /// An alert came on the socket.
    pub(super) fn arrived(&mut self, alert: Alert) {
        if self.who.account != status::Account::SignedIn {
            tracing::debug!("an alert of a session that is over");
            return;
        }
        let ack = acknowledgement(&alert);
        let (source, place) = (self.source(&alert), self.place(&alert));
        let (turn, received_at) = (self.alerts.backlog.turn(), self.wall());
        let arrival = Arrival { turn, alert, received_at, source, ack, notified: false, place };
        self.alerts.backlog.came(arrival);
        self.store_on();
    }

    /// What comes next is on its way to the disk, or will be.
    fn store_on(&mut self) {
        self.alerts.go_on();
        if !self.alerts.backlog.is_empty() {
            self.alerts.store_again.by(self.now() + self.pace.retry_every);
        }
    }

    /// It is on disk, or it is not.
    pub(super) fn attempted(&mut self, attempt: Attempt) {
        let Attempt { arrival, result } = attempt;
        self.alerts.backlog.tried(arrival.turn, result.is_ok());
        match result {
            Ok(recorded) => self.stored(&arrival, &recorded),
            Err(error) => self.not_stored(arrival, &error),
        }
        self.store_on();
    }

    fn stored(&mut self, arrival: &Arrival, recorded: &Recorded) {
        self.journal_works();
        if let Some(place) = &arrival.place {
            self.watch.log.stored(place);
        }
        if let Some(ack) = &arrival.ack {
            self.acknowledge(ack, recorded.entry().alert.id);
        }
        self.message_came(recorded.entry().alert.id);
        self.shell.recorded(recorded);
        if matches!(recorded.entry().incident.handling, Handling::Sending { .. }) {
            self.send_along();
        }
        if arrival.alert.replayed && matches!(recorded, Recorded::New { .. }) {
            self.outage_missed(1);
        }
        match recorded {
            Recorded::New { entry, .. } if arrival.source == Source::History => self.replayed(entry),
            Recorded::New { entry, repaired, .. } => {
                self.alert_added(entry);
                if arrival.notified {
                    self.alerts.budget.is_stored(&urgent::id(&arrival.alert), entry.incident.id);
                    self.mark_notified(Some(entry.incident.id), entry.alert.id);
                } else if arrival.alert.via == Via::Notification && entry.incident.alerts == 1 {
                    // A notice brings no picture; the server has it.
                    self.consider_with_cover(entry);
                } else {
                    self.consider(entry, arrival.picture());
                }
                self.repaired(repaired);
            }
            Recorded::Joined { entry, changed, repaired } => {
                self.incident_changed(&entry.incident);
                if changed.picture && !arrival.notified && arrival.source == Source::Live {
                    self.consider(entry, arrival.picture());
                }
                self.repaired(repaired);
            }
            Recorded::Repeat { .. } => {}
        }
    }

    /// Only what survives the program is acknowledged.
    pub(super) fn acknowledge(&self, ack: &ClientMessage, id: AlertId) {
        if !self.journal.is_durable() {
            return;
        }
        let sent = self.connection.acknowledge(ack.clone());
        let (acks, at) = (self.alerts.acks.clone(), self.wall());
        self.tasks.spawn(async move {
            if sent.await
                && let Some(acks) = acks
            {
                // Nobody notes it any more only after the end.
                let _ = acks.send((id, at));
            }
        });
    }

    fn repaired(&mut self, repaired: &Repaired) {
        if repaired.is_empty() {
            return;
        }
        if let Some(incident) = repaired.removed_incident {
            self.put_away(incident);
        }
        if let Some(entry) = &repaired.split_off {
            self.alert_added(entry);
            self.consider_with_cover(entry);
        }
        self.feed_changed();
    }

    /// The disk will not have it: the person is told all the same, and the server is not.
    fn not_stored(&mut self, mut arrival: Arrival, error: &JournalError) {
        self.journal_failed(error);
        if self.who.account != status::Account::SignedIn {
            return;
        }
        // One of a camera that is snoozed is tried again, and told if that is over by then.
        if !arrival.notified && !self.is_camera_snoozed(arrival.alert.stream_id.as_ref()) {
            arrival.notified = true;
            let notification = urgent::notification(&arrival, &self.settings.view);
            if self.settings.view.notifications && self.alerts.may_raise(&notification.id, self.now()) {
                let card = urgent::card(&arrival, &notification);
                self.on_screen(|budget| budget.raise(card, notification));
            }
        }
        if let Some(place) = arrival.place.as_ref().filter(|place| place.session == self.who.epoch) {
            self.watch.log.not_stored(place, arrival.picture().map_or(0, |picture| picture.len()));
        }
        self.alerts.backlog.keep(arrival);
        self.have_the_rest_sent();
    }

    /// What a full disk keeps from being acknowledged holds back what comes after it. Another connection goes on behind what
    /// came on this one; after the program's end it is had again from where the journal is.
    fn have_the_rest_sent(&mut self) {
        let stands_for = self.online_since().map_or(Duration::ZERO, |since| self.now().since(since));
        if self.watch.log.is_held_back() && stands_for >= LEFT_BEHIND_AFTER {
            tracing::warn!(
                "alerts that cannot be stored hold back the next ones: connecting anew behind them"
            );
            self.watch.log.leave_behind();
            self.connection.reclaim(Duration::ZERO);
        }
    }

    pub(super) fn alerts_time(&mut self, now: Moment) {
        if self.alerts.store_again.take(now) {
            self.store_again();
        }
        if self.alerts.notify_again.take(now) {
            self.look_for_unnotified();
            self.on_screen(|budget| {
                budget.try_again();
                Vec::new()
            });
        }
        self.hours_time(now);
        self.snoozes_time(now);
        self.reminders_time(now);
        let due: Vec<IncidentId> =
            self.alerts.again.iter().filter(|(_, (at, _))| *at <= now).map(|(id, _)| *id).collect();
        for incident in due {
            if let Some((_, alert)) = self.alerts.again.remove(&incident) {
                self.look_again(incident, alert);
            }
        }
    }

    fn store_again(&mut self) {
        for alert in std::mem::take(&mut self.alerts.unmarked) {
            self.mark_notified(None, alert);
        }
        for (told, at) in std::mem::take(&mut self.alerts.untold) {
            self.mark_told(told, at);
        }
        if self.alerts.snoozing.is_unkept() {
            self.keep_snoozes();
        }
        self.alerts.backlog.try_again();
        self.store_on();
    }
}

/// What to tell the server once the alert is stored. The notice that follows a detection needs no answer of its own; an
/// intrusion comes as a notice alone.
fn acknowledgement(alert: &Alert) -> Option<ClientMessage> {
    let expected = match (alert.via, alert.kind) {
        (Via::Detection, _) | (Via::Notification, Kind::Intrusion) => true,
        (Via::Notification, Kind::Theft | Kind::Other) | (Via::Record, _) => false,
    };
    expected.then(|| ClientMessage::Ack {
        stream_id: alert.stream_id.clone(),
        alert_id: alert.anomaly_id.clone(),
        cursor: alert.cursor.clone(),
        frame_number: alert.frame_number.filter(|_| alert.anomaly_id.is_none()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_alert_does_not_take_the_place_of_a_newer_one_whose_popup_waits() {
        let mut alerts = Alerts::new(mpsc::channel(1).0, mpsc::unbounded_channel().0, true);
        let (incident, at) = (IncidentId(3), Moment::from_start(Duration::from_secs(10)));

        alerts.put_off(incident, at, AlertId(5));
        alerts.put_off(incident, at, AlertId(3));
        let older_last = alerts.again[&incident].1;
        alerts.put_off(incident, at, AlertId(6));

        assert_eq!((older_last, alerts.again[&incident].1), (AlertId(5), AlertId(6)));
    }
}
