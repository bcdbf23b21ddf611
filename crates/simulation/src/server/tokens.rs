//! Who may come in: tokens that end, and what renews them.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::record::USER;

/// In every secret, and nowhere else.
pub const CANARY: &str = "cAnArY";

/// The tokens that were given out.
#[derive(Debug)]
pub struct Tokens {
    lives: Duration,
    serial: u64,
    good: BTreeMap<String, Timestamp>,
    renewing: BTreeMap<String, Timestamp>,
}

impl Tokens {
    /// Tokens that live so long.
    pub fn new(lives: Duration) -> Tokens {
        Tokens { lives, serial: 0, good: BTreeMap::new(), renewing: BTreeMap::new() }
    }

    /// A new pair: one to come in with, one to renew it.
    pub fn give(&mut self, now: Timestamp) -> (String, String) {
        self.serial += 1;
        let ends = now + SignedDuration::try_from(self.lives).unwrap_or_default();
        let claims = json!({"sub": USER, "iat": now.as_second(), "exp": ends.as_second()}).to_string();
        let access = format!("e30.{}.{CANARY}{:08}", BASE64.encode(claims), self.serial);
        let refresh = format!("e30.e30.{CANARY}r{:08}", self.serial);
        self.good.insert(access.clone(), ends);
        self.renewing.insert(refresh.clone(), now + SignedDuration::from_hours(168));
        (access, refresh)
    }

    /// Whether this token lets its bearer in.
    pub fn is_good(&self, token: &str, now: Timestamp) -> bool {
        self.good.get(token).is_some_and(|ends| *ends > now)
    }

    /// Whether this token renews another; it does so once.
    pub fn renews(&mut self, token: &str, now: Timestamp) -> bool {
        self.renewing.remove(token).is_some_and(|ends| ends > now)
    }

    /// Takes all tokens back.
    pub fn revoke(&mut self) {
        self.good.clear();
        self.renewing.clear();
    }
}
