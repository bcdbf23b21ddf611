//! Whom the server takes for connected, and who is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::net::StreamId;
use crate::world::World;

/// A dead socket may stay in the roster for so long.
const DEAD: Duration = Duration::from_secs(63);
/// In peace, roster and sockets may differ for so long: what one end did is on its way to the other.
const ON_ITS_WAY: Duration = Duration::from_secs(2);
/// After the beginning of peace the last dead socket was found.
const SETTLED: Duration = Duration::from_secs(70);

/// What is known of dead sockets.
#[derive(Debug, Default)]
pub struct Roster {
    /// Since when the client's end of a socket that the server has is gone.
    dead: BTreeMap<StreamId, Duration>,
    differs_since: Option<Duration>,
}

impl World {
    /// No socket in the server's roster is dead for long, and once all is quiet none at all is.
    pub fn roster_is_true(&mut self) {
        let now = self.now;
        let roster: BTreeSet<StreamId> = self.server.roster().collect();
        let live: BTreeSet<StreamId> =
            self.net.streams.iter().filter(|(_, stream)| stream.client_open).map(|(id, _)| *id).collect();
        if self.server.troubles.frozen || self.is_suspended() {
            self.checks.roster.dead.clear();
            self.checks.roster.differs_since = None;
            return;
        }
        let before = std::mem::take(&mut self.checks.roster.dead);
        for id in roster.difference(&live) {
            let since = before.get(id).copied().unwrap_or(now);
            self.checks.roster.dead.insert(*id, since);
            if now > since + DEAD {
                return self.fail("I12", format!("socket {id} is in the roster, and dead since {since:?}"));
            }
        }
        let is_quiet = self.peace_at.is_some_and(|peace| now > peace.max(self.quiet_since()) + SETTLED);
        if !is_quiet || roster == live {
            self.checks.roster.differs_since = None;
            return;
        }
        let since = *self.checks.roster.differs_since.get_or_insert(now);
        if now > since + ON_ITS_WAY {
            self.fail("I12", format!("the roster is {roster:?}, the sockets {live:?}, since {since:?}"));
        }
    }

    /// The client has ended in order: nobody is connected a moment later.
    pub fn roster_is_empty(&mut self) {
        let until = self.now + ON_ITS_WAY;
        self.run_until(until);
        let roster: Vec<StreamId> = self.server.roster().collect();
        if !roster.is_empty() {
            self.fail("I12", format!("the client has ended, and the roster is {roster:?}"));
        }
    }
}
