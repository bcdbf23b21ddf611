//! How far a server's log is known here (protocol 2): where the next connection goes on, and until when nothing can be
//! missing.
//!
//! The cursor moves in the transaction that stores its alert, or not at all, so that it is never past one that is not
//! here.

use jiff::Timestamp;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use visionguard_proto::Cursor;

use super::{JournalError, gap, upkeep};

/// The cursor's name among the small values.
const CURSOR: &str = "cursor";
/// The name of when the record was last compared to its end.
const COMPARED: &str = "compared_at";

/// Whose log, and at which server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogOf {
    pub account: String,
    pub origin: String,
}

/// Where a log begins to be followed once the record was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The cursor with which the connection was asked for.
    pub asked: Option<Cursor>,
    /// The log's head as the connection opened.
    pub head: Cursor,
}

/// A small value of one log.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    #[serde(flatten)]
    of: LogOf,
    at: T,
}

/// Where the next connection to this log goes on.
pub(super) fn cursor(connection: &Connection, of: &LogOf) -> Result<Option<Cursor>, JournalError> {
    kept(connection, CURSOR, of)
}

/// The log is known to here.
pub(super) fn set_cursor(connection: &Connection, of: &LogOf, cursor: &Cursor) -> Result<(), JournalError> {
    keep(connection, CURSOR, of, cursor)
}

/// The log could not go on: notes the gap since the record was last compared.
pub(super) fn broke_off(connection: &Connection, of: &LogOf, now: Timestamp) -> Result<(), JournalError> {
    let since = kept::<i64>(connection, COMPARED, of)?.and_then(|at| Timestamp::from_microsecond(at).ok());
    // A clock that was set back since tells nothing.
    gap::record(connection, since.filter(|since| *since <= now), now)
}

/// The record was compared to its end, beginning at this time: closes the gaps before it that it can close, and begins
/// the log where it could not be followed, unless an alert has moved the cursor since.
pub(super) fn compared(
    connection: &Connection,
    of: &LogOf,
    beginning: Option<&Beginning>,
    began_at: Timestamp,
) -> Result<(), JournalError> {
    keep(connection, COMPARED, of, &began_at.as_microsecond())?;
    gap::filled(connection, began_at)?;
    let Some(Beginning { asked, head }) = beginning else { return Ok(()) };
    if cursor(connection, of)? == *asked { set_cursor(connection, of, head) } else { Ok(()) }
}

/// When the last comparison with a record that was complete began, whosever record that was.
pub(super) fn compared_at(connection: &Connection) -> Result<Option<Timestamp>, JournalError> {
    let text = upkeep::value(connection, COMPARED)?;
    let kept = text.and_then(|text| serde_json::from_str::<Kept<i64>>(&text).ok());
    Ok(kept.and_then(|kept| Timestamp::from_microsecond(kept.at).ok()))
}

fn kept<T: for<'a> Deserialize<'a>>(
    connection: &Connection,
    name: &str,
    of: &LogOf,
) -> Result<Option<T>, JournalError> {
    let Some(text) = upkeep::value(connection, name)? else { return Ok(None) };
    // What cannot be read is as good as nothing: the record has it all.
    let Ok(kept) = serde_json::from_str::<Kept<Value>>(&text) else { return Ok(None) };
    if kept.of != *of {
        return Ok(None);
    }
    Ok(serde_json::from_value(kept.at).ok())
}

fn keep<T: Serialize>(connection: &Connection, name: &str, of: &LogOf, at: &T) -> Result<(), JournalError> {
    let kept = Kept { of: of.clone(), at };
    let text = serde_json::to_string(&kept).map_err(|_| JournalError::Damaged)?;
    upkeep::set_value(connection, name, Some(&text))
}
