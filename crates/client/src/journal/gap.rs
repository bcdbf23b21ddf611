//! Times of which alerts may be missing: the server's log could not tell what was raised, until a comparison with the
//! record was complete.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{JournalError, sql};
use crate::model::{GapRow, Why};

/// Notes a gap; one that begins where a standing one does makes that one longer.
pub(super) fn record(
    connection: &Connection,
    from: Option<Timestamp>,
    to: Timestamp,
) -> Result<(), JournalError> {
    let (from, to) = (from.map(Timestamp::as_microsecond), to.as_microsecond());
    let longer = connection
        .prepare_cached("UPDATE gap SET to_at = max(to_at, ?2) WHERE filled_at IS NULL AND NOT for_good AND from_at IS ?1")?
        .execute(params![from, to])?;
    if longer == 0 {
        connection
            .prepare_cached("INSERT INTO gap (from_at, to_at) VALUES (?1, ?2)")?
            .execute(params![from, to])?;
    }
    Ok(())
}

/// Closes every gap that ended by then and that the record can close; whether there was one.
pub(super) fn filled(connection: &Connection, at: Timestamp) -> Result<bool, JournalError> {
    let closed = connection
        .prepare_cached(
            "UPDATE gap SET filled_at = ?1 WHERE filled_at IS NULL AND NOT for_good AND to_at <= ?1",
        )?
        .execute([at.as_microsecond()])?;
    Ok(closed > 0)
}

/// The record does not reach back to what was known before: what stands, stays.
pub(super) fn stay(connection: &Connection) -> Result<(), JournalError> {
    connection
        .prepare_cached("UPDATE gap SET for_good = 1 WHERE filled_at IS NULL AND NOT for_good")?
        .execute([])?;
    Ok(())
}

/// Takes what stays out of view.
pub(super) fn clear(connection: &Connection, at: Timestamp) -> Result<(), JournalError> {
    connection
        .prepare_cached("UPDATE gap SET cleared_at = ?1 WHERE for_good AND cleared_at IS NULL")?
        .execute([at.as_microsecond()])?;
    Ok(())
}

/// The newest gap that stands and is in view.
pub(super) fn standing(connection: &Connection) -> Result<Option<GapRow>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT from_at, to_at, filled_at, for_good FROM gap WHERE filled_at IS NULL AND cleared_at IS NULL \
         ORDER BY to_at DESC, id DESC LIMIT 1",
    )?;
    Ok(statement.query_row([], gap).optional()?)
}

/// The gaps that touch this time, oldest first.
pub(super) fn gaps(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<GapRow>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT from_at, to_at, filled_at, for_good FROM gap WHERE to_at >= ?1 AND coalesce(from_at, ?1) < ?2 ORDER BY to_at, id",
    )?;
    let rows = statement.query_map([from.as_microsecond(), to.as_microsecond()], gap)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn gap(row: &Row<'_>) -> rusqlite::Result<GapRow> {
    Ok(GapRow {
        from: sql::maybe_time(row, 0)?,
        to: sql::time(row, 1)?,
        filled_at: sql::maybe_time(row, 2)?,
        why: if row.get(3)? { Why::ForGood } else { Why::LogBroke },
    })
}

/// Whether alerts may be missing now.
pub(super) fn stands(connection: &Connection) -> Result<bool, JournalError> {
    let mut statement =
        connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM gap WHERE filled_at IS NULL)")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}
