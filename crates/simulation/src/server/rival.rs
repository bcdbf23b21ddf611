//! Another client of the same user, on another computer: it opens its socket and closes it as it likes.

use std::time::Duration;

use super::{Event, Holder, Kind};
use crate::world::{Event as WorldEvent, World};

/// How long it waits for a server that does not run.
const TRIES_AGAIN: Duration = Duration::from_secs(5);

impl World {
    /// It opens its socket, or closes it, or claims its place back; and again later, until its time is over.
    pub(super) fn rival_turns(&mut self, until: Duration) {
        let goes_on = self.now < until && self.peace_at.is_none();
        let was_open = self.server.rival.is_some();
        let is_written_over = !matches!(self.server.slot, Some((Holder::Rival, _)));
        let claims = was_open && goes_on && is_written_over && self.dice.percent(60);
        match (was_open, goes_on) {
            (false, false) => return,
            (true, _) if claims => self.rival_opens(),
            (false, true) => self.rival_opens(),
            (true, _) => self.rival_closes(),
        }
        let pause = if self.dice.percent(30) { self.dice.millis(1..3_000) } else { self.dice.seconds(1..90) };
        self.after(pause.min(until.saturating_sub(self.now)), WorldEvent::Server(Event::Rival(until)));
    }

    /// The server does not run: it has lost its socket, and tries again.
    pub(super) fn rival_waits(&mut self, until: Duration) {
        if self.now < until {
            self.after(TRIES_AGAIN, WorldEvent::Server(Event::Rival(until)));
        }
    }

    fn rival_opens(&mut self) {
        self.line("server: a rival opens");
        self.server.rival = Some(self.now);
        if self.server.kind == Kind::Original {
            self.server.slot = Some((Holder::Rival, self.now));
        }
    }

    /// In the original whoever ends takes the user's entry along, whosever it is.
    pub(super) fn rival_closes(&mut self) {
        self.line("server: a rival closes");
        self.server.rival = None;
        if self.server.kind == Kind::Original {
            self.server.slot = None;
        }
    }

    /// From here on nobody else is there.
    pub fn rival_leaves(&mut self) {
        if self.server.rival.is_some() {
            self.rival_closes();
        }
    }
}
