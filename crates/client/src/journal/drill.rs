//! Tests of the alert path: when each began, how far it came, and what it proved.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{JournalError, sql};
use crate::drill::Failure;

/// A test of the alert path that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrillRow {
    pub begun_at: Timestamp,
    pub ended_at: Timestamp,
    /// Where it ended; none if it passed.
    pub failure: Option<Failure>,
    /// From the request to the notification, in milliseconds; none if it did not come that far.
    pub took_ms: Option<u32>,
    /// It failed, and a live alert was shown since.
    pub overtaken: bool,
}

/// Notes that a test begins.
pub(super) fn began(
    connection: &Connection,
    account: &str,
    nonce: &str,
    at: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO drill (account, nonce, begun_at) VALUES (?1, ?2, ?3)")?
        .execute(params![account, nonce, at.as_microsecond()])?;
    Ok(())
}

/// Notes that the server took the message.
pub(super) fn sent(connection: &Connection, nonce: &str, at: Timestamp) -> Result<(), JournalError> {
    connection
        .prepare_cached("UPDATE drill SET sent_at = ?2 WHERE nonce = ?1")?
        .execute(params![nonce, at.as_microsecond()])?;
    Ok(())
}

/// Notes that the message came back on the socket.
pub(super) fn heard(
    connection: &Connection,
    account: &str,
    nonce: &str,
    at: Timestamp,
) -> Result<(), JournalError> {
    began(connection, account, nonce, at)?;
    connection
        .prepare_cached("UPDATE drill SET heard_at = ?2 WHERE nonce = ?1")?
        .execute(params![nonce, at.as_microsecond()])?;
    Ok(())
}

/// Whether the message that came back can be read.
pub(super) fn is_stored(connection: &Connection, nonce: &str) -> Result<bool, JournalError> {
    let mut statement = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM drill WHERE nonce = ?1 AND heard_at IS NOT NULL)")?;
    Ok(statement.query_row([nonce], |row| row.get(0))?)
}

/// Notes how it ended.
pub(super) fn ended(
    connection: &Connection,
    account: &str,
    nonce: &str,
    drill: DrillRow,
) -> Result<(), JournalError> {
    began(connection, account, nonce, drill.begun_at)?;
    let ended_at = drill.ended_at.as_microsecond();
    let shown_at = drill.failure.is_none().then_some(ended_at);
    connection
        .prepare_cached(
            "UPDATE drill SET ended_at = ?2, outcome = ?3, took_ms = ?4, shown_at = ?5 WHERE nonce = ?1",
        )?
        .execute(params![nonce, ended_at, number(drill.failure), drill.took_ms, shown_at])?;
    Ok(())
}

/// Notes that a live alert was shown: whatever failed before, the path works.
pub(super) fn overtaken(connection: &Connection, account: &str, at: Timestamp) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE drill SET overtaken_at = ?2 WHERE account = ?1 AND outcome <> 0 AND overtaken_at IS NULL",
        )?
        .execute(params![account, at.as_microsecond()])?;
    Ok(())
}

/// The last that ended for this account. One that was cut short proved nothing.
pub(super) fn last(connection: &Connection, account: &str) -> Result<Option<DrillRow>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT begun_at, ended_at, outcome, took_ms, overtaken_at FROM drill \
         WHERE account = ?1 AND outcome IS NOT NULL ORDER BY id DESC LIMIT 1",
    )?;
    let last = statement.query_row([account], |row| {
        Ok(DrillRow {
            begun_at: sql::time(row, 0)?,
            ended_at: sql::time(row, 1)?,
            failure: failure(row.get(2)?),
            took_ms: row.get(3)?,
            overtaken: sql::maybe_time(row, 4)?.is_some(),
        })
    });
    Ok(last.optional()?)
}

/// How many passed and how many failed of those that began in this time.
pub(super) fn counts(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
) -> Result<(u32, u32), JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FILTER (WHERE outcome = 0), count(*) FILTER (WHERE outcome <> 0) FROM drill \
         WHERE begun_at >= ?1 AND begun_at < ?2",
    )?;
    let period = [from.as_microsecond(), to.as_microsecond()];
    Ok(statement.query_row(period, |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Takes away those that began before this; the newest stays, for it says when the next is due.
pub(super) fn prune(connection: &Connection, before: Timestamp) -> Result<(), JournalError> {
    connection.execute(
        "DELETE FROM drill WHERE begun_at < ?1 AND id < (SELECT max(id) FROM drill)",
        [before.as_microsecond()],
    )?;
    Ok(())
}

fn number(failure: Option<Failure>) -> i64 {
    match failure {
        None => 0,
        Some(Failure::NotHeard) => 1,
        Some(Failure::NotDelivered) => 2,
        Some(Failure::NotStored) => 3,
        Some(Failure::NotShown) => 4,
        Some(Failure::NotTaken) => 5,
    }
}

fn failure(number: i64) -> Option<Failure> {
    match number {
        0 => None,
        2 => Some(Failure::NotDelivered),
        3 => Some(Failure::NotStored),
        4 => Some(Failure::NotShown),
        5 => Some(Failure::NotTaken),
        _ => Some(Failure::NotHeard),
    }
}
