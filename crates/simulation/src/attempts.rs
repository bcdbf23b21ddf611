//! Whether the client hammers the server: attempts to connect, and requests of a client that is signed out.

use std::time::Duration;

use visionguard_client::view::Status;

use crate::world::World;

/// A connection that lasts this long starts the waits over.
const PROVEN: Duration = Duration::from_secs(30);
/// Requests of a client that is signed out, at most one in this time.
const SIGNED_OUT_EVERY: Duration = Duration::from_secs(15 * 60);

/// A slot that was lost is claimed at once, but for one that was claimed within this time.
const CLAIMED_AGAIN: Duration = Duration::from_secs(15);

/// Two reasons for an attempt at once that come so close together make two.
const TOGETHER: Duration = Duration::from_millis(250);

/// What is known of the client's attempts.
#[derive(Debug, Default)]
pub struct Attempts {
    last: Option<Duration>,
    /// The last dial was to ask what the server speaks.
    asking: bool,
    asked_again: bool,
    /// The last dial was to ask the same once more.
    repeated: bool,
    /// When the client last let go of a stream.
    pub let_go_at: Option<Duration>,
    /// Attempts in a row without a reason to start over.
    streak: u32,
    /// Something happened that allows an attempt at once.
    excused: bool,
    /// When an attempt was last made for such a reason.
    excused_at: Option<Duration>,
    /// The next attempt is to claim a slot.
    claims: bool,
    claimed_at: Option<Duration>,
    opened_at: Option<Duration>,
    signed_out: Option<Duration>,
}

impl Attempts {
    /// Whether the last connection opened within this time of another.
    pub fn opened_within(&self, other: Duration, time: Duration) -> bool {
        self.opened_at.is_some_and(|opened| opened.abs_diff(other) < time)
    }
}

impl World {
    /// Something happened that allows an attempt at once: the person asked, the network changed, the machine woke.
    pub fn excuse(&mut self, why: &str) {
        self.line(format!("attempts: may be at once: {why}"));
        self.attempts.excused = true;
    }

    /// The client says that its slot is lost, and claims it.
    pub fn claims_its_slot(&mut self) {
        let now = self.now;
        if self.attempts.claimed_at.is_none_or(|claimed| now >= claimed + CLAIMED_AGAIN) {
            self.attempts.claimed_at = Some(now);
            self.attempts.claims = true;
        }
    }

    /// The client dials; asking what the server speaks and connecting is one attempt.
    pub fn note_dial(&mut self, asks: bool) {
        let goes_on = std::mem::replace(&mut self.attempts.asking, asks);
        // A question that was heard and not answered is asked once more, at the moment at which its stream is let go.
        let at_once = self.attempts.let_go_at == Some(self.now);
        let repeats = asks && goes_on && at_once && !self.attempts.repeated;
        self.attempts.repeated = repeats;
        if repeats {
            return;
        }
        // A refusal may make it ask again what the server speaks.
        let asks_again = asks && !goes_on && !std::mem::replace(&mut self.attempts.asked_again, true);
        if asks_again && self.attempts.last.is_some() {
            return;
        }
        if asks || !goes_on {
            self.attempts.asked_again = false;
            self.note_attempt();
        }
    }

    fn note_attempt(&mut self) {
        let now = self.now;
        self.line("net: the client dials");
        let stood = self.attempts.opened_at.take();
        if stood.is_some_and(|opened| now.saturating_sub(opened) >= PROVEN) {
            self.attempts.streak = 0;
        }
        if std::mem::take(&mut self.attempts.excused) {
            self.attempts.excused_at = Some(now);
        }
        let claims = std::mem::take(&mut self.attempts.claims);
        if self.attempts.excused_at.is_some_and(|at| now < at + TOGETHER) {
            self.attempts.streak = 0;
        } else if let Some(last) = self.attempts.last {
            let whole = 1.5_f64.powi(i32::try_from(self.attempts.streak.min(9)).unwrap_or(9)).min(30.0);
            let shortest = match self.attempts.streak {
                // A restarting server, or a slot to be claimed, allows the shortest pause.
                _ if claims => Duration::from_millis(250),
                0 | 1 => Duration::from_millis(250),
                _ => Duration::from_secs_f64(whole / 2.0 / 1.5 / 1.5),
            };
            if now.saturating_sub(last) < shortest {
                let text = format!(
                    "attempt {} after {:?}, when {shortest:?} is the least",
                    self.attempts.streak,
                    now.saturating_sub(last)
                );
                self.fail("I7", text);
            }
        }
        // After a connection that stood the first wait may be one that does not count.
        self.attempts.streak += u32::from(stood.is_none());
        self.attempts.last = Some(now);
        self.signed_out_tries("an attempt to connect");
    }

    /// A socket stands.
    pub fn note_open(&mut self) {
        self.attempts.opened_at = Some(self.now);
        self.counts.connections += 1;
    }

    /// The client asks the server something.
    pub fn note_request(&mut self, path: &str) {
        self.counts.requests += 1;
        let by_a_person = path.starts_with("/auth/login") || path == "/auth/me" || path == "/health";
        if !by_a_person {
            self.signed_out_tries(path);
        }
    }

    fn signed_out_tries(&mut self, what: &str) {
        let since = self.desktop.status.as_ref().filter(|(view, _)| view.status == Status::SignedOut);
        let Some(since) = since.map(|(_, since)| *since) else {
            self.attempts.signed_out = None;
            return;
        };
        // What was on its way as the status changed.
        if self.now.saturating_sub(since) < Duration::from_secs(25) {
            return;
        }
        let last = self.attempts.signed_out.replace(self.now);
        if last.is_some_and(|last| self.now.saturating_sub(last) < SIGNED_OUT_EVERY) {
            self.fail("I8", format!("signed out, and again {what}"));
        }
    }
}
