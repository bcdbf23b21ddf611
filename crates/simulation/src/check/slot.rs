//! Whether it is said that the server would not deliver here.

use std::time::Duration;

use visionguard_client::view::Status;

use super::LOOK_ALIKE;
use crate::server::{Holder, Kind};
use crate::world::World;

/// While the server answers, a connection that it displaced or forgot is not called "Protected" for longer than this: 15 s, and
/// the second between two looks.
const SAID_WITHIN: Duration = Duration::from_secs(16);

/// Since when "Protected" is shown of a connection that the server would not deliver on.
#[derive(Debug, Default)]
pub struct Slot {
    lost_since: Option<Duration>,
}

impl World {
    /// A place that is lost is said to be.
    pub fn a_lost_place_is_said(&mut self) {
        let is_silent = self.status() == Some(Status::Protected) && self.is_displaced();
        if !is_silent || !self.net.is_well() || !self.server.answers() {
            self.checks.slot.lost_since = None;
            return;
        }
        let (now, holder) = (self.now, self.server.slot);
        let since = *self.checks.slot.lost_since.get_or_insert(now);
        if now > since + SAID_WITHIN {
            self.fail("I13", format!("Protected, and since {since:?} the server delivers to {holder:?}"));
        }
    }

    /// Whether the server would tell the client's newest connection nothing, and whoever asks it can learn that.
    fn is_displaced(&self) -> bool {
        let Some(newest) = self.newest_stream().filter(|_| self.person.owner_since().is_some()) else {
            return false;
        };
        match (self.server.kind, self.server.slot) {
            // The oldest connection of the user speaks for all.
            (Kind::Ours, _) => !self.server.has_rival() && self.server.roster().all(|id| id != newest),
            (Kind::Original, Some((Holder::Stream(id), _))) => id != newest,
            (Kind::Original, Some((Holder::Tab | Holder::Rival, since))) => {
                !self.attempts.opened_within(since, LOOK_ALIKE)
            }
            (Kind::Original, None) => true,
        }
    }
}
