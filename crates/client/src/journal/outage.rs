//! Times without a connection: begun, going on, over; or cut short because the program ended first.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{JournalError, sql};
use crate::model::OutageRow;

/// Its columns, in the order in which [`row`] reads them.
pub(super) const COLUMNS: &str = "id, from_at, to_at, cause, caught_up, cut_short > 0, told_at IS NOT NULL";

/// The program ended first, and what was missed is not counted yet.
const CUT: i64 = 1;
/// The same, and it is counted.
const CUT_AND_COUNTED: i64 = 2;

/// Begins one, unless one goes on.
pub(super) fn began(connection: &Connection, from: Timestamp, cause: &str) -> Result<(), JournalError> {
    connection.execute(
        "INSERT INTO outage (from_at, cause, last_cause, known_at) SELECT ?1, ?2, ?2, ?1 \
         WHERE NOT EXISTS (SELECT 1 FROM outage WHERE to_at IS NULL)",
        params![from.as_microsecond(), cause],
    )?;
    Ok(())
}

/// The one that goes on still does, now for this reason.
pub(super) fn goes_on(connection: &Connection, at: Timestamp, cause: &str) -> Result<(), JournalError> {
    connection.execute(
        "UPDATE outage SET known_at = max(known_at, ?1), last_cause = ?2 WHERE to_at IS NULL",
        params![at.as_microsecond(), cause],
    )?;
    Ok(())
}

/// A notification said that it lasts.
pub(super) fn told(connection: &Connection, at: Timestamp) -> Result<(), JournalError> {
    connection.execute(
        "UPDATE outage SET told_at = ?1 WHERE to_at IS NULL AND told_at IS NULL",
        [at.as_microsecond()],
    )?;
    Ok(())
}

/// Ends what went on when the program ended, at the time at which that was last known: nobody knows what came after.
pub(super) fn cut(connection: &Connection) -> Result<Option<OutageRow>, JournalError> {
    let cut = format!(
        "UPDATE outage SET to_at = max(known_at, from_at), cut_short = ?1 WHERE to_at IS NULL RETURNING {COLUMNS}"
    );
    Ok(connection.prepare_cached(&cut)?.query_row([CUT], row).optional()?)
}

/// What was missed is caught up: ends the one that goes on. If none does, one that was cut short learns what was missed
/// in it. The outage that this was about.
pub(super) fn ended(
    connection: &Connection,
    at: Timestamp,
    caught_up: u32,
) -> Result<Option<OutageRow>, JournalError> {
    let open = format!(
        "UPDATE outage SET to_at = max(?1, from_at), known_at = max(?1, from_at), caught_up = ?2 \
         WHERE to_at IS NULL RETURNING {COLUMNS}"
    );
    let mut over = connection
        .prepare_cached(&open)?
        .query_row(params![at.as_microsecond(), caught_up], row)
        .optional()?;
    if over.is_none() {
        let cut = format!(
            "UPDATE outage SET caught_up = ?1, cut_short = ?2 \
             WHERE id = (SELECT max(id) FROM outage WHERE cut_short = ?3) RETURNING {COLUMNS}"
        );
        over = connection
            .prepare_cached(&cut)?
            .query_row(params![caught_up, CUT_AND_COUNTED, CUT], row)
            .optional()?;
    }
    connection
        .prepare_cached("UPDATE outage SET cut_short = ?1 WHERE cut_short = ?2")?
        .execute([CUT_AND_COUNTED, CUT])?;
    Ok(over)
}

/// Those that touch this time, oldest first.
pub(super) fn within(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<OutageRow>, JournalError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outage WHERE from_at < ?2 AND (to_at IS NULL OR to_at > ?1) ORDER BY from_at, id"
    ))?;
    let rows = statement.query_map([from.as_microsecond(), to.as_microsecond()], row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads [`COLUMNS`].
pub(super) fn row(row: &Row<'_>) -> rusqlite::Result<OutageRow> {
    Ok(OutageRow {
        id: row.get(0)?,
        from: sql::time(row, 1)?,
        to: sql::maybe_time(row, 2)?,
        cause: sql::text(row, 3)?.unwrap_or_default(),
        caught_up: row.get(4)?,
        cut_short: row.get(5)?,
        told: row.get(6)?,
    })
}
