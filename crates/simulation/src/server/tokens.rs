//! Who may come in: users, tokens that end, and what renews them.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// In every secret, and nowhere else.
pub const CANARY: &str = "cAnArY";

/// Who may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// The owner of the shops, whose desktop it is.
    Owner,
    /// Somebody without a shop and a camera, who now and then signs in on this desktop.
    Guest,
}

impl User {
    /// The number of an account.
    pub fn id(self) -> &'static str {
        match self {
            User::Owner => "18d746d8-79c5-452f-90e7-eccaee509f3b",
            User::Guest => "7c1f3c52-0b0e-4b0c-9d0f-2f6a51f0a9d4",
        }
    }

    /// What they sign in with.
    pub fn email(self) -> &'static str {
        match self {
            User::Owner => "owner@example.com",
            User::Guest => "guest@example.com",
        }
    }

    /// As the API shows them.
    pub fn json(self) -> Value {
        let (name, role) = match self {
            User::Owner => ("Fixture Owner", "OWNER"),
            User::Guest => ("Fixture Guest", "MANAGER"),
        };
        json!({"id": self.id(), "name": name, "email": self.email(), "role": role})
    }

    /// Whoever signs in with this.
    pub fn of(email: &str) -> Option<User> {
        [User::Owner, User::Guest].into_iter().find(|user| user.email() == email)
    }

    /// Whoever has this number.
    pub fn numbered(id: &str) -> Option<User> {
        [User::Owner, User::Guest].into_iter().find(|user| user.id() == id)
    }
}

/// The tokens that were given out.
#[derive(Debug)]
pub struct Tokens {
    lives: Duration,
    serial: u64,
    good: BTreeMap<String, (User, Timestamp)>,
    renewing: BTreeMap<String, (User, Timestamp)>,
    newest_ends: Timestamp,
}

impl Tokens {
    /// Tokens that live so long.
    pub fn new(lives: Duration) -> Tokens {
        let (good, renewing) = (BTreeMap::new(), BTreeMap::new());
        Tokens { lives, serial: 0, good, renewing, newest_ends: Timestamp::MAX }
    }

    /// A new pair: one to come in with, one to renew it.
    pub fn give(&mut self, user: User, now: Timestamp) -> (String, String) {
        self.serial += 1;
        self.newest_ends = now + SignedDuration::try_from(self.lives).unwrap_or_default();
        let ends = self.newest_ends;
        let claims = json!({"sub": user.id(), "iat": now.as_second(), "exp": ends.as_second()}).to_string();
        let access = format!("e30.{}.{CANARY}{:08}", BASE64.encode(claims), self.serial);
        let refresh = format!("e30.e30.{CANARY}r{:08}", self.serial);
        self.good.insert(access.clone(), (user, ends));
        self.renewing.insert(refresh.clone(), (user, now + SignedDuration::from_hours(168)));
        (access, refresh)
    }

    /// Whom this token lets in.
    pub fn whose(&self, token: &str, now: Timestamp) -> Option<User> {
        self.good.get(token).filter(|(_, ends)| *ends > now).map(|(user, _)| *user)
    }

    /// Whose token this one renews; it does so once.
    pub fn renews(&mut self, token: &str, now: Timestamp) -> Option<User> {
        self.renewing.remove(token).filter(|(_, ends)| *ends > now).map(|(user, _)| user)
    }

    /// Whether the newest one ended within this time.
    pub fn ended_within(&self, time: Duration, now: Timestamp) -> bool {
        let since = now.duration_since(self.newest_ends);
        Duration::try_from(since).is_ok_and(|since| since < time)
    }

    /// Takes all tokens back.
    pub fn revoke(&mut self) {
        self.good.clear();
        self.renewing.clear();
    }
}
