//! The server's list of connections: whether alerts come to this one, and claiming its slot where they do not.

use std::time::Duration;

use visionguard_proto::Moment;

use super::Controller;
use super::ticks::Tick;
use super::watch::REPEATED_SOON;
use crate::api;
use crate::status::{Registration, Seen};

/// By how much the age that the server tells may fall short of our own before the slot must be another's.
const UPTIME_SLACK: Duration = Duration::from_secs(2);
/// The wait between two claims of a slot: this, doubled each time.
const CLAIM_AGAIN: Duration = Duration::from_secs(60);
/// The longest wait between two claims.
const CLAIM_AT_LEAST: Duration = Duration::from_secs(15 * 60);

impl Controller {
    pub(super) fn look_at_list(&mut self, now: Moment) {
        let (Some(api), Some(target)) = (self.account.api(), self.account.target()) else { return };
        self.watch.listing = true;
        self.watch.list.set(now + self.list_every());
        let epoch = self.who.epoch;
        self.spawn(async move {
            let registration = api.registration(&target.user).await;
            Tick::Listed { epoch, asked_at: now, registration }
        });
    }

    fn list_every(&self) -> Duration {
        if self.watch.is_deaf() { self.pace.poll_every } else { self.pace.register_every }
    }

    pub(super) fn listed(&mut self, epoch: u64, asked_at: Moment, registration: api::Registration) {
        if epoch != self.who.epoch {
            return;
        }
        self.watch.listing = false;
        let Some(since) = self.online_since() else { return };
        if asked_at < since {
            return;
        }
        let what = verdict(registration, asked_at.since(since));
        if what == Registration::Untold {
            self.look_again_soon();
            if self.registration_is_fresh(asked_at) {
                return;
            }
        } else {
            self.watch.untold = 0;
        }
        let was_deaf = self.watch.is_deaf();
        self.watch.registration = Some(Seen { at: asked_at, what });
        match what {
            Registration::Ours => self.watch.claims = 0,
            Registration::Lost => self.claim_slot(),
            Registration::Taken => tracing::warn!("alerts go to another connection of this user"),
            Registration::Untold => tracing::debug!("the server does not tell its connections"),
        }
        if self.watch.is_deaf() != was_deaf {
            let now = self.now();
            self.watch.list.by(now + self.list_every());
            self.watch.reconcile.by(now);
        }
    }

    /// A server that never tells is asked no more often for it.
    fn look_again_soon(&mut self) {
        self.watch.untold += 1;
        if self.watch.untold <= REPEATED_SOON {
            self.watch.list.by(self.now() + self.pace.retry_every);
        }
    }

    fn registration_is_fresh(&self, now: Moment) -> bool {
        self.watch.registration.is_some_and(|seen| now.since(seen.at) < self.pace.limits.registration)
    }

    /// Claims the slot by closing politely and connecting again; less and less often while that does not help.
    fn claim_slot(&mut self) {
        let now = self.now();
        if self.watch.claim_at.is_some_and(|at| at > now) && self.watch.claims > 0 {
            return;
        }
        let wait = CLAIM_AGAIN.saturating_mul(1 << self.watch.claims.min(8)).min(CLAIM_AT_LEAST);
        self.watch.claims += 1;
        self.watch.claim_at = Some(now + wait);
        tracing::warn!(
            claims = self.watch.claims,
            "the server lost track of this connection; claiming its slot"
        );
        self.connection.reclaim(self.pace.reclaim_pause);
    }

    /// The person asks: a deaf connection is replaced, whoever holds the slot.
    pub(super) fn claim_slot_now(&mut self) {
        if self.watch.is_deaf() {
            self.watch.claims = 0;
            self.claim_slot();
        }
    }
}

/// What the server's answer means for a connection of this age.
fn verdict(registration: api::Registration, age: Duration) -> Registration {
    match registration {
        api::Registration::Registered { uptime } if uptime + UPTIME_SLACK < age => Registration::Taken,
        api::Registration::Registered { .. } => Registration::Ours,
        api::Registration::NotRegistered => Registration::Lost,
        api::Registration::Unknown => Registration::Untold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_much_younger_than_ours_is_another_s() {
        let registered = |uptime| api::Registration::Registered { uptime: Duration::from_secs(uptime) };

        assert_eq!(verdict(registered(10), Duration::from_secs(11)), Registration::Ours);
        assert_eq!(verdict(registered(10), Duration::from_secs(30)), Registration::Taken);
    }

    #[test]
    fn no_entry_is_a_lost_slot() {
        let found = verdict(api::Registration::NotRegistered, Duration::from_secs(5));

        assert_eq!(found, Registration::Lost);
    }
}
