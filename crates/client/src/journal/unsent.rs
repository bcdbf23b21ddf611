//! What the server says that its record has and cannot send: single rows, or all of it.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use visionguard_proto::ShopId;

use super::{JournalError, upkeep};
use crate::model::{GapRow, Why};

/// The rows of a shop that were not sent, among the small values.
const ROWS: &str = "unsent:";
/// Since when the record cannot be read, among the small values.
const UNREAD_SINCE: &str = "record_unread_since";
/// Rows of one shop that are remembered at most, the newest.
const MOST: usize = 1_000;

/// A row that the server has and cannot send: it lies between these times, by the server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsent {
    /// The older neighbour's time; none if there is none.
    pub from: Option<Timestamp>,
    /// The newer neighbour's.
    pub to: Timestamp,
    /// It was taken out of view.
    #[serde(default)]
    pub cleared: bool,
}

/// What is remembered of a shop once the record was read over this time and these of its rows were not sent; none if that
/// changes nothing.
pub(super) fn after(
    connection: &Connection,
    shop: &ShopId,
    read: (Timestamp, Timestamp),
    unsent: &[Unsent],
) -> Result<Option<Vec<Unsent>>, JournalError> {
    let before = rows(connection, shop)?;
    let is_elsewhere = |row: &&Unsent| row.to <= read.0 || row.from.is_some_and(|from| from > read.1);
    let mut after: Vec<Unsent> = before.iter().filter(is_elsewhere).copied().collect();
    // The newest has no newer neighbour yet: its end is where it was first seen.
    after.extend(unsent.iter().map(|row| match before.iter().find(|known| known.from == row.from) {
        Some(known) => Unsent { to: known.to.min(row.to), ..*known },
        None => *row,
    }));
    after.sort_by_key(|row| row.to);
    after.drain(..after.len().saturating_sub(MOST));
    Ok(Some(after).filter(|after| *after != before))
}

/// Writes that down; by how many the rows grew that are not here either.
pub(super) fn rows_not_sent(
    connection: &Connection,
    shop: &ShopId,
    read: (Timestamp, Timestamp),
    unsent: &[Unsent],
) -> Result<i64, JournalError> {
    let Some(after) = after(connection, shop, read, unsent)? else { return Ok(0) };
    let before = not_here(connection, shop)?;
    keep(connection, shop.as_str(), &after)?;
    Ok(not_here(connection, shop)? - before)
}

fn not_here(connection: &Connection, shop: &ShopId) -> Result<i64, JournalError> {
    let all = i64::try_from(rows(connection, shop)?.len()).unwrap_or(i64::MAX);
    Ok(all - here_all_the_same(connection, shop)?)
}

fn keep(connection: &Connection, shop: &str, rows: &[Unsent]) -> Result<(), JournalError> {
    let text = match rows {
        [] => None,
        rows => Some(serde_json::to_string(rows).map_err(|_| JournalError::Damaged)?),
    };
    upkeep::set_value(connection, &format!("{ROWS}{shop}"), text.as_deref())
}

/// Takes all of them out of view.
pub(super) fn clear(connection: &Connection) -> Result<(), JournalError> {
    for (shop, mut rows) in of_all_shops(connection)? {
        rows.iter_mut().for_each(|row| row.cleared = true);
        keep(connection, &shop, &rows)?;
    }
    Ok(())
}

/// The newest that is in view, as a gap.
pub(super) fn standing(connection: &Connection) -> Result<Option<GapRow>, JournalError> {
    let mut newest: Option<Unsent> = None;
    for (shop, rows) in of_all_shops(connection)? {
        for row in rows.into_iter().filter(|row| !row.cleared) {
            if newest.is_none_or(|newest| newest.to < row.to) && !came_live(connection, &shop, &row)? {
                newest = Some(row);
            }
        }
    }
    Ok(newest.map(|row| GapRow { from: row.from, to: row.to, filled_at: None, why: Why::RowNotSent }))
}

/// How many of these rows are here all the same, because their alerts came on the socket.
pub(super) fn here_all_the_same(connection: &Connection, shop: &ShopId) -> Result<i64, JournalError> {
    let mut here = 0;
    for row in rows(connection, shop)? {
        here += i64::from(came_live(connection, shop.as_str(), &row)?);
    }
    Ok(here)
}

/// Whether an alert that the record ought to have, and did not tell of, came within this time.
fn came_live(connection: &Connection, shop: &str, row: &Unsent) -> Result<bool, JournalError> {
    let from = row.from.unwrap_or(Timestamp::MIN).as_microsecond();
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM alert WHERE shop_id = ?1 AND anomaly_id IS NOT NULL AND told_by < 4 \
         AND coalesce(detected_at, at) BETWEEN ?2 AND ?3)",
    )?;
    Ok(statement.query_row(params![shop, from, row.to.as_microsecond()], |row| row.get(0))?)
}

/// Notes since when the record cannot be read, or that it can.
pub(super) fn record_is_unread(
    connection: &Connection,
    since: Option<Timestamp>,
) -> Result<(), JournalError> {
    let known = upkeep::value(connection, UNREAD_SINCE)?;
    match (since, known) {
        (Some(_), Some(_)) | (None, None) => Ok(()),
        (since, _) => {
            let text = since.map(|at| at.to_string());
            upkeep::set_value(connection, UNREAD_SINCE, text.as_deref())
        }
    }
}

/// All of it as gaps that touch this time.
pub(super) fn gaps(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> Result<Vec<GapRow>, JournalError> {
    let mut found = Vec::new();
    for (shop, rows) in of_all_shops(connection)? {
        for row in rows {
            if !came_live(connection, &shop, &row)? {
                found.push((row.from, row.to, Why::RowNotSent));
            }
        }
    }
    let since = upkeep::value(connection, UNREAD_SINCE)?.and_then(|text| text.parse().ok());
    found.extend(since.map(|since: Timestamp| (Some(since), now.max(since), Why::RecordUnread)));

    found.retain(|(begins, ends, _)| *ends >= from && begins.is_none_or(|begins| begins < to));
    found.sort_by_key(|(_, ends, _)| *ends);
    Ok(found.into_iter().map(|(from, to, why)| GapRow { from, to, filled_at: None, why }).collect())
}

fn of_all_shops(connection: &Connection) -> Result<Vec<(String, Vec<Unsent>)>, JournalError> {
    let mut statement = connection
        .prepare_cached("SELECT substr(name, length(?1) + 1), value FROM value WHERE name LIKE ?1 || '%'")?;
    let all = statement.query_map([ROWS], |row| Ok((row.get(0)?, read(&row.get::<_, String>(1)?))))?;
    Ok(all.collect::<Result<_, _>>()?)
}

fn rows(connection: &Connection, shop: &ShopId) -> Result<Vec<Unsent>, JournalError> {
    Ok(upkeep::value(connection, &format!("{ROWS}{shop}"))?.map_or_else(Vec::new, |text| read(&text)))
}

/// What cannot be read is as good as nothing: the next comparison says it again.
fn read(text: &str) -> Vec<Unsent> {
    serde_json::from_str(text).unwrap_or_default()
}
