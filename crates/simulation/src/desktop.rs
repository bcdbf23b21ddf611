//! The desktop: shows what it is told, remembers it, and has a notification service of its own mind.

use std::time::Duration;

use visionguard_client::model::{AlertId, Recorded};
use visionguard_client::shell::{Notification, Outcome, Shell};
use visionguard_client::view::{Event as PageEvent, Status, StatusView, Tray};

use crate::plan::Bug;
use crate::server::CANARY;
use crate::world::{Event, Shared, World, lock};

/// The state of the desktop.
#[derive(Debug, Default)]
pub struct Desktop {
    /// The notification service answers with an error.
    pub fails: bool,
    /// It takes up to its deadline.
    pub late: bool,
    /// How often it restarted.
    starts: u32,
    /// What is shown, and since when.
    pub status: Option<(StatusView, Duration)>,
    /// The client of this life has ended in order.
    pub ended: bool,
}

impl Desktop {
    /// The service ends: what it was about to show is lost, and nobody answers until it is back.
    pub fn restarts(&mut self) {
        self.starts += 1;
        self.fails = true;
    }
}

/// Who asked for a notification, and whom, and for which.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    life: u32,
    /// Of the notification service.
    start: u32,
    number: u64,
}

/// The desktop of one life.
#[derive(Debug)]
pub struct SimulatedShell {
    shared: Shared,
    life: u32,
}

impl SimulatedShell {
    /// A desktop in this world.
    pub fn new(shared: Shared) -> SimulatedShell {
        let life = lock(&shared).life;
        SimulatedShell { shared, life }
    }

    fn tell(&self, what: impl FnOnce(&mut World)) {
        let mut world = lock(&self.shared);
        world.look_at_the_clock();
        if world.life == self.life {
            what(&mut world);
        }
    }
}

impl Shell for SimulatedShell {
    fn notify(&mut self, notification: Notification) {
        self.tell(|world| {
            match world.plan.bug {
                Some(Bug::ShowsTwice) => world.pops_up(notification.clone()),
                Some(Bug::Panics) => panic!("planted"),
                Some(_) | None => {}
            }
            world.pops_up(notification);
        });
    }

    fn withdraw(&mut self, incident: &str) {
        self.tell(|world| {
            world.line(format!("shell: withdraws {}", plainly(incident)));
            world.popup_is_withdrawn(incident);
        });
    }

    fn show_tray(&mut self, tray: &Tray) {
        self.tell(|world| world.overhear("the tray", &format!("{tray:?}")));
    }

    fn emit(&mut self, event: &PageEvent) {
        self.tell(|world| {
            world.overhear("an event of the page", &format!("{event:?}"));
            world.page_is_told(event);
        });
    }

    fn show_window(&mut self, _incident: Option<&str>) {
        self.tell(|world| world.fail("I11", "a window opened that nobody asked for"));
    }

    fn quit(&mut self) {
        self.tell(|world| {
            world.line("shell: the client has ended");
            world.desktop.ended = true;
        });
    }

    fn recorded(&mut self, recorded: &Recorded) {
        self.tell(|world| world.is_recorded(recorded));
    }

    fn acked(&mut self, alert: AlertId) {
        self.tell(|world| world.line(format!("shell: {alert} is acknowledged")));
    }

    fn status(&mut self, status: &StatusView) {
        self.tell(|world| {
            world.overhear("the status", &format!("{status:?}"));
            world.line(format!("shell: {:?} ({})", status.status, status.reason));
            world.notices(status.status);
            if status.reason == "slot_lost" {
                world.claims_its_slot();
            }
            let now = world.now;
            world.desktop.status = Some((status.clone(), now));
        });
    }
}

impl World {
    /// The word that is shown.
    pub fn status(&self) -> Option<Status> {
        self.desktop.status.as_ref().map(|(view, _)| view.status)
    }

    fn pops_up(&mut self, notification: Notification) {
        let Notification { id, alert, title, body, .. } = notification.clone();
        self.line(format!("shell: pops up {} alert {alert:?} {title:?}", plainly(&id)));
        self.notices_a_popup();
        self.is_wanted(&id);
        self.overhear("a notification", &format!("{title} {body}"));
        self.checks_a_popup(&id, alert.as_deref());
        let time = if self.desktop.late { self.dice.millis(500..4_900) } else { self.dice.millis(1..80) };
        let outcome = if self.desktop.fails {
            Outcome::Failed { id, alert, why: "it does not answer".to_owned() }
        } else {
            Outcome::Shown { id, alert }
        };
        let now = self.now;
        let (number, time) = self.screen.asks(notification, now, time);
        let asked = Asked { life: self.life, start: self.desktop.starts, number };
        self.after(time, Event::Notified(asked, outcome));
    }

    /// The notification service ends, and all that stands with it.
    pub fn desktop_restarts(&mut self) {
        self.desktop.restarts();
        self.screen.is_empty_now();
        if let Some(client) = &self.client {
            client.notification(Outcome::Lost { unseen: Vec::new() });
        }
    }

    /// The notification service has decided.
    pub fn notified(&mut self, asked: Asked, outcome: Outcome) {
        // What a client asked for that was killed since is nobody's to mark.
        if asked.life != self.life || self.client.is_none() {
            return;
        }
        let outcome = match outcome {
            Outcome::Shown { id, alert } if asked.start != self.desktop.starts => {
                Outcome::Failed { id, alert, why: "it restarted".to_owned() }
            }
            Outcome::Shown { .. }
            | Outcome::Failed { .. }
            | Outcome::Opened { .. }
            | Outcome::Acknowledged { .. }
            | Outcome::Snoozed { .. }
            | Outcome::Closed { .. }
            | Outcome::Over { .. }
            | Outcome::Lost { .. } => outcome,
        };
        let is_shown = matches!(outcome, Outcome::Shown { .. });
        if !self.is_on_screen(asked.number, is_shown) {
            return;
        }
        self.popup_is_decided(&outcome);
        if let Some(client) = &self.client {
            client.notification(outcome);
        }
    }

    /// No secret is told to anybody.
    pub fn overhear(&mut self, who: &str, text: &str) {
        if text.contains(CANARY) {
            self.fail("I9", format!("a secret is in {who}: {text}"));
        }
    }
}

/// Without the number that a test draws for itself: it is another in each run.
fn plainly(id: &str) -> &str {
    if id.starts_with("drill:") { "drill" } else { id }
}
