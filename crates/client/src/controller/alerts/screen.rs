//! The screen: what the budget of popups decides is handed to the desktop and to the journal.

use crate::controller::Controller;
use crate::model::IncidentId;
use crate::policy::{self, Budget, Count, Step};
use crate::shell::Notification;

impl Controller {
    /// Something changes what stands on the screen.
    pub(super) fn on_screen(&mut self, change: impl FnOnce(&mut Budget) -> Vec<Step>) {
        let steps = change(&mut self.alerts.budget);
        self.carry_out(steps);
        if let Some(counter) = self.counter() {
            self.shell.notify(counter);
        }
    }

    pub(super) fn carry_out(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Raise(notification) => self.shell.notify(*notification),
                Step::Withdraw(id) => self.shell.withdraw(&id),
                Step::Told(incident, alert) => self.mark_told(vec![(incident, alert)], self.wall()),
            }
        }
    }

    /// The one that counts, where it is to be shown anew; it is taken back where nothing is left to count.
    pub(super) fn counter(&mut self) -> Option<Notification> {
        match self.alerts.budget.count(self.settings.view.notifications)? {
            Count::Tell(tally) => Some(policy::counter(&tally, &self.settings.view)),
            Count::Withdraw => {
                self.shell.withdraw(policy::COUNTER);
                None
            }
        }
    }

    /// The person closed or answered it.
    pub(super) fn closed(&mut self, id: &str) {
        self.alerts.reminding.closed(id);
        self.on_screen(|budget| budget.closed(id));
    }

    /// This incident is handled: nothing of it stands any more.
    pub(crate) fn put_away(&mut self, incident: IncidentId) {
        self.shell.withdraw(&incident.to_string());
        self.is_handled(incident);
    }

    /// The same as far as it is known to stand.
    pub(crate) fn is_handled(&mut self, incident: IncidentId) {
        self.on_screen(|budget| budget.handled(incident));
    }

    /// This incident is read in the window.
    pub(crate) fn is_read(&mut self, incident: IncidentId) {
        self.on_screen(|budget| budget.read(incident));
    }

    /// Pictures are not to be seen any more: what stands is counted instead.
    pub(crate) fn hide_popups(&mut self) {
        self.on_screen(Budget::hide);
    }

    /// Nothing of the account that is left stands any more. What it was not told of yet is told at its next sign-in.
    pub(crate) fn clear_screen(&mut self) {
        self.off_screen(Budget::clear);
    }

    /// Something takes what stands from the screen. Of what nobody was told yet, the next time is the first.
    pub(super) fn off_screen(&mut self, change: impl FnOnce(&mut Budget) -> (Vec<Step>, Vec<IncidentId>)) {
        let mut untold = Vec::new();
        self.on_screen(|budget| {
            let (steps, incidents) = change(budget);
            untold = incidents;
            steps
        });
        untold.into_iter().for_each(|incident| self.alerts.recent.forget(incident));
    }
}
