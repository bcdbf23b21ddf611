//! Which notifications of incidents were raised, where the desktop cannot replace one: there each update would be a
//! further notification, so only what a person must hear is raised again.

use std::collections::{HashMap, VecDeque};

use crate::shell::{Buttons, Notification};

/// Incidents remembered; more than can be on a screen.
const REMEMBERED: usize = 500;

/// What was raised, by id.
#[derive(Debug, Default)]
pub(super) struct Raised {
    /// Whether it was critical.
    critical: HashMap<String, bool>,
    order: VecDeque<String>,
}

impl Raised {
    /// Whether it is an update that says no more than the notification before: no sound, and not newly critical.
    pub(super) fn covers(&self, notification: &Notification) -> bool {
        let is_update = match notification.buttons {
            Buttons::Incident => !notification.sound,
            Buttons::Open => false,
        };
        let known = self.critical.get(&notification.id);
        is_update && known.is_some_and(|was_critical| *was_critical || !notification.critical)
    }

    /// It is to be raised anew, should more come of it.
    pub(super) fn forget(&mut self, id: &str) {
        if self.critical.remove(id).is_some() {
            self.order.retain(|known| known != id);
        }
    }

    /// Notes that it was raised.
    pub(super) fn note(&mut self, notification: &Notification) {
        if self.critical.insert(notification.id.clone(), notification.critical).is_none() {
            self.order.push_back(notification.id.clone());
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.critical.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_one_notification_until_it_becomes_critical() {
        let mut raised = Raised::default();
        let storm = [(true, false), (false, false), (false, false), (false, true), (false, true)];

        let shown = storm.map(|(sound, critical)| {
            let notification = notification("7", sound, critical);
            let shown = !raised.covers(&notification);
            if shown {
                raised.note(&notification);
            }
            shown
        });

        assert_eq!(shown, [true, false, false, true, false]);
    }

    #[test]
    fn one_that_was_taken_back_is_raised_anew() {
        let mut raised = Raised::default();
        raised.note(&notification("7", true, false));

        raised.forget("7");

        assert!(!raised.covers(&notification("7", false, false)));
    }

    #[test]
    fn another_incident_is_raised_also_without_a_sound() {
        let mut raised = Raised::default();
        raised.note(&notification("7", false, false));

        assert!(!raised.covers(&notification("8", false, false)));
    }

    #[test]
    fn a_message_is_no_update() {
        let mut raised = Raised::default();
        let message = Notification { buttons: Buttons::Open, ..notification("notice:message", false, false) };
        raised.note(&message);

        assert!(!raised.covers(&message));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut raised = Raised::default();

        for id in 0..=REMEMBERED {
            raised.note(&notification(&id.to_string(), true, false));
        }

        assert_eq!((raised.critical.len(), raised.order.len()), (REMEMBERED, REMEMBERED));
        assert!(!raised.covers(&notification("0", false, false)));
    }

    fn notification(id: &str, sound: bool, critical: bool) -> Notification {
        Notification {
            id: id.to_owned(),
            alert: None,
            title: String::new(),
            body: String::new(),
            picture: None,
            sound,
            critical,
            buttons: Buttons::Incident,
            in_place_of: None,
        }
    }
}
