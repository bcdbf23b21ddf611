//! Testing the alert path: a message to oneself through the server, which must come back on the socket, be written to the
//! journal and read from it, and be taken by the notification service. This says how far it came and when the next is
//! due; it reads no clock and sends nothing.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use visionguard_proto::Moment;

/// How long a message may still come after the server said that there is nobody to hand it to.
const UNDELIVERED_WITHIN: Duration = Duration::from_secs(2);
/// What lies further ahead than this was noted by a clock that was wrong.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Where a test ended that did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The server answered the request to send the message with an error.
    NotTaken,
    /// The server had no connection to hand the message to.
    NotDelivered,
    /// The message did not come back on the socket.
    NotHeard,
    /// It came back, and could not be written to the journal and read from it.
    NotStored,
    /// It was stored, and the notification service did not take it.
    NotShown,
}

impl Failure {
    /// Whether alerts, too, may not come on this connection.
    pub fn is_of_the_connection(self) -> bool {
        match self {
            Failure::NotDelivered | Failure::NotHeard => true,
            Failure::NotTaken | Failure::NotStored | Failure::NotShown => false,
        }
    }

    /// Whether the test is repeated without a person: nothing on this computer is at fault.
    pub fn is_repeated(self) -> bool {
        match self {
            Failure::NotTaken | Failure::NotDelivered | Failure::NotHeard => true,
            Failure::NotStored | Failure::NotShown => false,
        }
    }
}

/// A test under way.
#[derive(Debug, Clone)]
pub struct Drill {
    nonce: String,
    begun_at: Moment,
    give_up_at: Moment,
    stage: Stage,
    /// The server said that nobody took the message.
    undelivered: bool,
}

/// Where the message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// On its way to the server.
    Sending,
    /// The server took it.
    Travelling,
    /// It came back, and is being written and read.
    Storing,
    /// The notification service has it.
    Showing,
}

impl Drill {
    /// Begins; the message with this nonce has so long to make its way.
    pub fn begin(nonce: String, now: Moment, within: Duration) -> Drill {
        Drill { nonce, begun_at: now, give_up_at: now + within, stage: Stage::Sending, undelivered: false }
    }

    /// By what the message is known.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Where the message is.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// When it is given up.
    pub fn give_up_at(&self) -> Moment {
        self.give_up_at
    }

    /// How long it has been under way.
    pub fn took(&self, now: Moment) -> Duration {
        now.since(self.begun_at)
    }

    /// The server took the message, and says whether it handed it to a connection. The message may be here already.
    pub fn sent(&mut self, delivered: bool, now: Moment) {
        if self.stage != Stage::Sending {
            return;
        }
        self.stage = Stage::Travelling;
        if !delivered {
            self.undelivered = true;
            self.give_up_at = self.give_up_at.min(now + UNDELIVERED_WITHIN);
        }
    }

    /// A message with this nonce came on the socket; whether it is this test's, for the first time.
    pub fn heard(&mut self, nonce: &str) -> bool {
        let is_it = match self.stage {
            Stage::Sending | Stage::Travelling => nonce == self.nonce,
            Stage::Storing | Stage::Showing => false,
        };
        if is_it {
            self.stage = Stage::Storing;
        }
        is_it
    }

    /// It was written and read.
    pub fn stored(&mut self) {
        self.stage = Stage::Showing;
    }

    /// How it failed once its time is over; none if it never left this computer, which proves nothing.
    pub fn failure(&self) -> Option<Failure> {
        match self.stage {
            Stage::Sending => None,
            Stage::Travelling if self.undelivered => Some(Failure::NotDelivered),
            Stage::Travelling => Some(Failure::NotHeard),
            Stage::Storing => Some(Failure::NotStored),
            Stage::Showing => Some(Failure::NotShown),
        }
    }
}

/// A time of day as the settings have it: "HH:MM".
pub fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| match digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => digits.parse().ok(),
        false => None,
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// Whether the day's test is due: none has ended since it was last this time of day.
///
/// A time of day that a change of the clocks leaves out is an hour later, and of one that comes twice the first counts.
pub fn is_due(at: Time, zone: &TimeZone, now: Timestamp, last: Option<Timestamp>) -> bool {
    let Some(occasion) = occasion(at, zone, now) else { return false };
    let believable = last.filter(|last| *last <= now.saturating_add(DAY).unwrap_or(Timestamp::MAX));
    believable.is_none_or(|last| last < occasion)
}

/// When it is this time of day next.
pub fn next(at: Time, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    [0, 1, 2].into_iter().filter_map(|days| on_day(at, zone, now, days)).find(|occasion| *occasion > now)
}

/// The last time, not after `now`, at which it was this time of day.
fn occasion(at: Time, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    [0, -1].into_iter().filter_map(|days| on_day(at, zone, now, days)).find(|occasion| *occasion <= now)
}

fn on_day(at: Time, zone: &TimeZone, now: Timestamp, days: i64) -> Option<Timestamp> {
    let day = now.to_zoned_datetime(zone.clone()).date().checked_add(days.days()).ok()?;
    Some(day.to_datetime(at).to_zoned_datetime(zone.clone()).ok()?.timestamp())
}

#[cfg(test)]
mod tests;
