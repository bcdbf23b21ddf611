//! A session in memory: who, where, the tokens, and the server's clock as far as it is known.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use visionguard_proto::{Endpoint, Moment};

use crate::connection::Target;
use crate::keychain::KeychainError;
use crate::server_clock::{ServerClock, Told};
use crate::session_file::SavedSession;
use crate::token::{self, Claims};
use crate::view::{Keeping, SessionView};

/// The least time before its end at which a token is renewed.
const LEAST_MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// A token that was renewed this recently and is turned down all the same is not renewed again.
const JUST_RENEWED: Duration = Duration::from_secs(60);

/// A server's time that is uncertain by less is known well.
const GOOD_ENOUGH: Duration = Duration::from_millis(1_500);
/// Between two questions for a better one.
const ASK_AGAIN: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
pub(super) struct Session {
    saved: SavedSession,
    endpoint: Endpoint,
    access: SecretString,
    refresh: Option<SecretString>,
    claims: Claims,
    kept_in: Keeping,
    trouble: Option<KeychainError>,
    server_clock: Option<ServerClock>,
    /// When the server was last asked for its time, whatever it said.
    asked_for_the_time: Option<Moment>,
    renewed_at: Option<Moment>,
    /// This server gives no new tokens for old ones.
    server_renews_none: bool,
    /// It does, but not for this refresh token.
    refresh_is_dead: bool,
    /// By how much earlier than need be a token is renewed, from 0 to 1: not all at once who signed in at once.
    early: f64,
}

impl Session {
    pub(super) fn new(
        saved: SavedSession,
        endpoint: Endpoint,
        access: SecretString,
        refresh: Option<SecretString>,
        kept_in: Keeping,
    ) -> Session {
        let claims = token::claims(access.expose_secret()).unwrap_or_default();
        let early = spread(&access);
        Session {
            saved,
            endpoint,
            access,
            refresh,
            claims,
            kept_in,
            trouble: None,
            server_clock: None,
            asked_for_the_time: None,
            renewed_at: None,
            server_renews_none: false,
            refresh_is_dead: false,
            early,
        }
    }

    pub(super) fn view(&self) -> SessionView {
        SessionView {
            server: self.saved.server.clone(),
            insecure: !self.endpoint.is_private(),
            user_id: self.saved.user_id.to_string(),
            name: self.saved.name.clone(),
            email: self.saved.email.clone(),
            kept_in: self.kept_in,
            password_kept: self.saved.password_kept,
        }
    }

    pub(super) fn target(&self) -> Target {
        Target {
            endpoint: self.endpoint.clone(),
            user: self.saved.user_id.clone(),
            token: self.access.clone(),
            spoke_two: self.saved.spoke_two,
        }
    }

    /// The server speaks protocol 2; whether that is news.
    pub(super) fn note_two(&mut self) -> bool {
        !std::mem::replace(&mut self.saved.spoke_two, true)
    }

    pub(super) fn saved(&self) -> &SavedSession {
        &self.saved
    }

    pub(super) fn to_store(&self) -> (SecretString, Option<SecretString>) {
        (self.access.clone(), self.refresh.clone())
    }

    pub(super) fn kept_in(&self) -> Keeping {
        self.kept_in
    }

    pub(super) fn trouble(&self) -> Option<&KeychainError> {
        self.trouble.as_ref()
    }

    pub(super) fn kept_in_memory(&mut self, why: KeychainError) {
        self.kept_in = Keeping::Memory;
        self.trouble = Some(why);
    }

    pub(super) fn stored(&mut self, kept_in: Keeping) {
        self.kept_in = kept_in;
        self.trouble = None;
    }

    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        self.claims.expires_at
    }

    /// An answer, which was just read, told the server's time.
    pub(super) fn set_server_clock(&mut self, told: Told, now: Moment) {
        let newer = ServerClock::new(told, now);
        self.server_clock = Some(self.server_clock.map_or(newer, |clock| clock.or(newer)));
    }

    /// The server's clock at this moment, and by how much that may be wrong, where it was ever told.
    pub(super) fn told_time(&self, now: Moment) -> Option<(Timestamp, Duration)> {
        Some(self.server_clock?.read(now))
    }

    /// Whether the server's time is not known well, and was not asked for lately; it counts as asked for after this.
    pub(super) fn wants_the_time(&mut self, now: Moment) -> bool {
        let is_known = self.told_time(now).is_some_and(|(_, uncertain)| uncertain < GOOD_ENOUGH);
        let wants = !is_known && self.asked_for_the_time.is_none_or(|at| now.since(at) >= ASK_AGAIN);
        if wants {
            self.asked_for_the_time = Some(now);
        }
        wants
    }

    /// The refresh token, if asking for a new token makes sense.
    pub(super) fn renewable(&self) -> Option<&SecretString> {
        self.refresh.as_ref().filter(|_| !self.server_renews_none && !self.refresh_is_dead)
    }

    pub(super) fn was_just_renewed(&self, now: Moment) -> bool {
        self.renewed_at.is_some_and(|at| now.since(at) < JUST_RENEWED)
    }

    /// Whether the token ends within a tenth of its life and up to half as much again, a minute at least.
    pub(super) fn is_due(&self, wall: Timestamp, now: Moment) -> bool {
        let Some(expires_at) = self.claims.expires_at else { return false };
        let life =
            self.claims.issued_at.map_or(SignedDuration::ZERO, |issued| expires_at.duration_since(issued));
        expires_at.duration_since(self.server_time(wall, now)) <= margin(life, self.early)
    }

    pub(super) fn renew(&mut self, access: SecretString, refresh: Option<SecretString>, now: Moment) {
        self.claims = token::claims(access.expose_secret()).unwrap_or_default();
        self.access = access;
        // A server that does not rotate them sends none, and the old one stays good.
        if refresh.is_some() {
            self.refresh = refresh;
            self.refresh_is_dead = false;
        }
        self.renewed_at = Some(now);
    }

    /// The server gave no new token; `exists` says whether it gives any.
    pub(super) fn cannot_renew(&mut self, exists: bool) {
        self.refresh_is_dead = true;
        self.server_renews_none = !exists;
    }

    pub(super) fn without_password(&mut self) {
        self.saved.password_kept = false;
    }

    fn server_time(&self, wall: Timestamp, now: Moment) -> Timestamp {
        self.told_time(now).map_or(wall, |(time, _)| time)
    }
}

/// A number from 0 to 1, another for every token.
fn spread(token: &SecretString) -> f64 {
    let drawn = Sha256::digest(token.expose_secret().as_bytes());
    let drawn = drawn.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    f64::from(drawn) / f64::from(u32::MAX)
}

/// How long before its end a token of this life is renewed.
fn margin(life: SignedDuration, early: f64) -> SignedDuration {
    let tenth = life / 10;
    tenth.saturating_add(tenth.mul_f64(early.clamp(0.0, 1.0) / 2.0)).max(LEAST_MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_all_tokens_of_one_age_are_renewed_at_the_same_moment() {
        let (hour, minute) = (SignedDuration::from_hours(1), SignedDuration::from_mins(1));

        assert_eq!(margin(hour, 0.0), minute * 6);
        assert_eq!(margin(hour, 0.5), SignedDuration::from_secs(450));
        assert_eq!(margin(hour, 1.0), minute * 9);
        assert_eq!(margin(minute * 2, 1.0), minute, "a short one is not renewed all the time");
    }
}
