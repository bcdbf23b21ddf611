//! The one word, from evidence with ages. A pure function: nothing else decides what the tray and the page show.
//!
//! Protected is said only while three things are known and fresh: something was heard on the socket, the server
//! lists this connection as the user's own, and nothing in its record is missing here. A socket that answers pings
//! proves none of the last two (`docs/protocol.md`). It is not said either once an alert that should have come on this
//! connection was found in the record instead.

use std::time::Duration;

use visionguard_proto::Moment;
use visionguard_proto::cause::Cause;
use visionguard_proto::link::State;

use crate::drill::Failure;
use crate::obstacle;
use crate::view::{Remedy, Status};
use crate::words::text;

/// The reason of the good word where all alerts come by the record.
const BY_RECORD: &str = "protected_by_record";
/// The same where they may, because the server does not say.
const UNSAID: &str = "protected_unsaid";

/// Whether it is the good word whatever becomes of the connection's place: what does not come on it comes by the record.
pub fn needs_no_place(reason: &str) -> bool {
    [BY_RECORD, UNSAID].contains(&reason)
}

/// How old a piece of evidence may grow.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Anything heard on the socket.
    pub heard: Duration,
    /// The look at the server's list of connections.
    pub registration: Duration,
    /// The comparison with the server's record.
    pub record: Duration,
    /// How much later than due the next such comparison may be where alerts come by the record alone.
    pub late: Duration,
}

impl Limits {
    /// How old a look at the record may grow where so much comes by it.
    pub(crate) fn record_by(&self, by_record: Option<ByRecord>) -> Duration {
        by_record.map_or(self.record, |by_record| self.record.min(by_record.every.saturating_add(self.late)))
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            heard: Duration::from_secs(60),
            registration: Duration::from_secs(45),
            record: Duration::from_secs(60),
            late: Duration::from_secs(15),
        }
    }
}

/// All that the status follows from.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Whether there is a token to connect with.
    pub account: Account,
    /// Where the link stands.
    pub link: State,
    /// The last look at the server's list of connections; `at` is when it was asked for.
    pub registration: Option<Seen<Registration>>,
    /// The last comparison with the server's record; `at` is when it began.
    pub record: Option<Seen<Record>>,
    /// When it was certain that an alert had not come on the socket though its row was written meanwhile; none once one
    /// came.
    pub undelivered: Option<Moment>,
    /// What comes by the record alone, if anything of this account's does.
    pub by_record: Option<ByRecord>,
    /// The last reading of the record without a connection, if it went to the record's end.
    pub fetched: Option<Fetched>,
    /// What the last test of the alert path found wrong, if nothing proved the path since.
    pub drill: Option<Failure>,
}

/// A fact and the moment for which it is known to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<T> {
    /// When it was true.
    pub at: Moment,
    /// What was found.
    pub what: T,
}

/// A reading of the record while there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    /// When it began.
    pub at: Moment,
    /// How much later the next one begins.
    pub every: Duration,
}

/// Alerts that come by the record alone, because the server tells them to another account's connection or does not say
/// whether it tells them to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByRecord {
    /// How much of this account's.
    pub share: Share,
    /// How often the record is read at least.
    pub every: Duration,
}

/// How much of an account's alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// All of them.
    All,
    /// Those of some cameras.
    Some,
    /// The server does not say whether they come on the socket, too.
    Unsaid,
}

/// Whether there is a token to connect with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// The keychain has not answered yet.
    Starting,
    /// There is a token.
    SignedIn,
    /// Nobody ever signed in here.
    Never,
    /// The person signed out.
    Left,
    /// The server no longer takes the token.
    Expired,
    /// The keychain answers, and has no token.
    TokenMissing,
    /// The keychain is locked; it is asked again.
    KeychainLocked,
    /// No keychain answers; it is asked again.
    KeychainAbsent,
}

/// What the server's list of connections says about this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// It is this connection.
    Ours,
    /// No connection of the user is listed.
    Lost,
    /// Another, newer connection of the user is listed.
    Taken,
    /// The server would not say.
    Untold,
}

/// What the comparison with the record found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// Every row of it is in the journal.
    Complete,
    /// It could not be read, or what was missing could not be stored.
    Unread,
    /// The server no longer takes the token; the open connection goes on.
    Expired,
}

/// The word, why, and until when it can be taken for granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The word.
    pub status: Status,
    /// Stable code of the reason.
    pub reason: &'static str,
    /// Key of the sentence.
    pub sentence: &'static str,
    /// The one button.
    pub remedy: Option<Remedy>,
    /// Alerts are fetched from the record this often: there is no connection, or that is this account's way.
    pub record_every: Option<Duration>,
    /// How the last attempt or connection ended, where the sentence says more of it.
    pub cause: Option<Cause>,
    /// When a piece of evidence grows too old; none if only an event can change the verdict.
    pub until: Option<Moment>,
}

/// What the facts amount to at this moment.
pub fn assess(facts: &Facts, limits: &Limits, now: Moment) -> Verdict {
    if let Some(verdict) = without_token(facts.account) {
        return verdict;
    }
    match facts.link {
        State::Offline => offline("connecting", "status.connecting", None),
        State::Connecting { .. } => {
            with_record(offline("connecting", "status.connecting", None), facts, limits, now)
        }
        State::Waiting { cause, .. } => with_record(after(cause), facts, limits, now),
        // The account says so where that token is still the one; the link has not heard of another yet.
        State::Rejected { .. } => offline("connecting", "status.connecting", None),
        State::Online { since, heard_at, .. } => connected(facts, limits, since, heard_at, now),
    }
}

/// The sentence of a verdict, in words.
pub fn sentence(verdict: &Verdict) -> String {
    let said = match verdict.cause {
        Some(cause) => obstacle::said(verdict.sentence, cause),
        None => text(verdict.sentence, &[]),
    };
    match verdict.record_every {
        None => said,
        Some(every) if verdict.status == Status::Protected => {
            text(verdict.sentence, &[("seconds", &whole_seconds(every).to_string())])
        }
        Some(every) => {
            let seconds = whole_seconds(every).to_string();
            text("status.with_record", &[("said", &said), ("seconds", &seconds)])
        }
    }
}

/// A pause as it is said: never shorter than it is.
pub fn whole_seconds(pause: Duration) -> u32 {
    u32::try_from(pause.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

/// The same, with how often the record is read meanwhile, as long as that is known to go well.
fn with_record(verdict: Verdict, facts: &Facts, limits: &Limits, now: Moment) -> Verdict {
    let fetched = facts.fetched.map(|fetched| (fetched.every, fetched.at + fetched.every + limits.record));
    match fetched {
        Some((every, until)) if verdict.status == Status::Offline && now < until => {
            Verdict { record_every: Some(every), until: Some(until), ..verdict }
        }
        Some(_) | None => verdict,
    }
}

fn without_token(account: Account) -> Option<Verdict> {
    match account {
        Account::SignedIn => None,
        Account::Starting => Some(offline("starting", "status.starting", None)),
        Account::Never => Some(signed_out("never", "status.never")),
        Account::Left => Some(signed_out("left", "status.left")),
        Account::Expired => Some(signed_out("token_expired", "status.token_expired")),
        Account::TokenMissing => Some(signed_out("token_missing", "status.token_missing")),
        Account::KeychainLocked => Some(signed_out("keychain_locked", "status.keychain_locked")),
        Account::KeychainAbsent => Some(signed_out("keychain_absent", "status.keychain_absent")),
    }
}

fn connected(facts: &Facts, limits: &Limits, since: Moment, heard_at: Moment, now: Moment) -> Verdict {
    let heard_until = heard_at + limits.heard;
    if heard_until <= now {
        return offline("silent", "status.silent", Some(Remedy::RetryNow));
    }
    let registration = fresh(facts.registration, since, limits.registration, now);
    let record_limit = limits.record_by(facts.by_record);
    let needs_no_socket = facts.by_record.is_some_and(|by_record| by_record.share != Share::Some);
    let record = fresh(facts.record, since, record_limit, now);
    let undelivered = facts.undelivered.is_some_and(|at| at >= since);

    let (listed_until, listed) = match registration {
        None if undelivered => return deaf("not_delivered", "status.not_delivered", heard_until),
        None => return catching_up("registration_unknown", "status.registration_unknown", heard_until),
        Some((until, what)) => (until, what),
    };
    match listed {
        Registration::Ours => {}
        Registration::Lost => return deaf("slot_lost", "status.slot_lost", heard_until.min(listed_until)),
        Registration::Taken => return deaf("slot_taken", "status.slot_taken", heard_until.min(listed_until)),
        Registration::Untold if undelivered || needs_no_socket => {}
        Registration::Untold => {
            let until = heard_until.min(listed_until);
            return catching_up("registration_untold", "status.registration_untold", until);
        }
    }
    if undelivered {
        return deaf("not_delivered", "status.not_delivered", heard_until.min(listed_until));
    }
    if let Some(failure) = facts.drill {
        return after_drill(failure, heard_until.min(listed_until));
    }
    match record {
        Some((until, Record::Complete)) => {
            protected(facts.by_record, heard_until.min(listed_until).min(until))
        }
        Some((_, Record::Unread)) => {
            catching_up("record_unread", "status.record_unread", heard_until.min(listed_until))
        }
        Some((_, Record::Expired)) => Verdict {
            remedy: Some(Remedy::SignIn),
            ..catching_up("sign_in_expired", "status.sign_in_expired", heard_until.min(listed_until))
        },
        None => catching_up("catching_up", "status.catching_up", heard_until.min(listed_until)),
    }
}

/// The one good word, with the way in which alerts come.
fn protected(by_record: Option<ByRecord>, until: Moment) -> Verdict {
    let (reason, sentence) = match by_record.map(|by_record| by_record.share) {
        None => ("protected", "status.protected"),
        Some(Share::All) => (BY_RECORD, "status.protected_by_record"),
        Some(Share::Some) => ("protected_by_both", "status.protected_by_both"),
        Some(Share::Unsaid) => (UNSAID, "status.protected_unsaid"),
    };
    Verdict {
        status: Status::Protected,
        reason,
        sentence,
        remedy: None,
        record_every: by_record.map(|by_record| by_record.every),
        cause: None,
        until: Some(until),
    }
}

/// The fact and when it expires, if it was gathered on this connection and has not grown too old.
fn fresh<T: Copy>(seen: Option<Seen<T>>, since: Moment, limit: Duration, now: Moment) -> Option<(Moment, T)> {
    let seen = seen?;
    let until = seen.at + limit;
    (seen.at >= since && until > now).then_some((until, seen.what))
}

/// How the last attempt or connection ended, in words. One answer for each cause.
fn after(cause: Cause) -> Verdict {
    let retry = Some(Remedy::RetryNow);
    if let Some((reason, sentence)) = obstacle::status(cause) {
        return Verdict { cause: Some(cause), ..offline(reason, sentence, retry) };
    }
    match cause {
        Cause::Silent => offline("silent", "status.silent", retry),
        Cause::TimedOut => offline("timed_out", "status.timed_out", retry),
        Cause::Refused => offline("refused", "status.refused", retry),
        Cause::NameUnknown => offline("name_unknown", "status.name_unknown", retry),
        Cause::NoRoute => offline("no_network", "status.no_network", retry),
        Cause::Lost => offline("lost", "status.lost", retry),
        Cause::Stalled => offline("stalled", "status.stalled", retry),
        Cause::Garbled | Cause::TooLarge => offline("garbled", "status.garbled", retry),
        Cause::Closed(1001 | 1012) => offline("restarting", "status.restarting", retry),
        Cause::Closed(1013) => offline("busy", "status.busy", retry),
        Cause::Closed(1008 | 4001) => offline("checking_sign_in", "status.checking_sign_in", retry),
        Cause::Closed(_) => offline("closed", "status.closed", retry),
        Cause::Http { status: 401 | 403, .. } => {
            offline("checking_sign_in", "status.checking_sign_in", retry)
        }
        Cause::Http { status: 408 | 425 | 429 | 503, .. } => offline("busy", "status.busy", retry),
        Cause::Http { status: 400 | 404 | 405 | 426, .. } | Cause::AddressRejected => {
            offline("wrong_address", "status.wrong_address", retry)
        }
        Cause::Http { .. } => offline("server_error", "status.server_error", retry),
        // Those that have words of their own.
        Cause::TlsWanted
        | Cause::NoTls
        | Cause::CertificateWanted
        | Cause::PasswordWanted
        | Cause::TurnedAway(_)
        | Cause::TooLong
        | Cause::Unanswered
        | Cause::Gateway { .. }
        | Cause::ProxyUnreachable(_)
        | Cause::ProxyRefused { .. }
        | Cause::Intercepted => offline("portal", "status.portal", retry),
        Cause::Tls => offline("tls", "status.tls", retry),
        Cause::Behind => offline("behind", "status.behind", retry),
        Cause::Downgraded => offline("downgraded", "status.downgraded", Some(Remedy::SignIn)),
        Cause::TokenRejected => signed_out("token_expired", "status.token_expired"),
        Cause::Asked => offline("connecting", "status.connecting", None),
    }
}

/// A test failed: the connection may look well and alerts not come on it.
fn after_drill(failure: Failure, until: Moment) -> Verdict {
    match failure {
        Failure::NotDelivered | Failure::NotHeard => deaf("drill_failed", "status.drill_failed", until),
        Failure::NotTaken => deaf("drill_not_taken", "status.drill_not_taken", until),
        Failure::NotStored => deaf("drill_not_stored", "status.drill_not_stored", until),
        Failure::NotShown => deaf("drill_not_shown", "status.drill_not_shown", until),
    }
}

fn offline(reason: &'static str, sentence: &'static str, remedy: Option<Remedy>) -> Verdict {
    Verdict {
        status: Status::Offline,
        reason,
        sentence,
        remedy,
        record_every: None,
        cause: None,
        until: None,
    }
}

fn signed_out(reason: &'static str, sentence: &'static str) -> Verdict {
    Verdict {
        status: Status::SignedOut,
        reason,
        sentence,
        remedy: Some(Remedy::SignIn),
        record_every: None,
        cause: None,
        until: None,
    }
}

fn catching_up(reason: &'static str, sentence: &'static str, until: Moment) -> Verdict {
    Verdict {
        status: Status::CatchingUp,
        reason,
        sentence,
        remedy: None,
        record_every: None,
        cause: None,
        until: Some(until),
    }
}

fn deaf(reason: &'static str, sentence: &'static str, until: Moment) -> Verdict {
    Verdict {
        status: Status::Deaf,
        reason,
        sentence,
        remedy: Some(Remedy::RetryNow),
        record_every: None,
        cause: None,
        until: Some(until),
    }
}

#[cfg(test)]
mod tests;
