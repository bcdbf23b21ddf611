//! What is out of view: handled incidents only, until somebody wants them back.

use jiff::Timestamp;
use rusqlite::{Connection, params_from_iter};

use super::search::Asker;
use super::{JournalError, feed, gap, missing, sql, unsent};
use crate::model::{IncidentId, IncidentRow};
use crate::view::{BringBack, FeedFilter, FeedQuery};

/// Takes a handled incident out of view; one that nobody has decided on stays in it.
pub(super) fn dismiss(
    connection: &Connection,
    incident: IncidentId,
    at: Timestamp,
) -> Result<Option<IncidentRow>, JournalError> {
    connection
        .prepare_cached(
            "UPDATE incident SET dismissed_at = coalesce(dismissed_at, ?2), seen_at = coalesce(seen_at, ?2) \
             WHERE id = ?1 AND handling NOT IN (0, 3)",
        )?
        .execute((incident.0, at.as_microsecond()))?;
    sql::incident(connection, incident)
}

/// Takes the handled incidents out of view that this query lists, all pages of it; which those were. Where it narrows nothing,
/// outages that are over and remarks about what stays lost go, too.
pub(super) fn clear(
    connection: &Connection,
    query: &FeedQuery,
    asker: &Asker,
    at: Timestamp,
) -> Result<Vec<IncidentId>, JournalError> {
    let (which, mut values) = feed::listed(connection, query, asker)?;
    let cleared_at = at.as_microsecond();
    values.insert(0, cleared_at.into());
    let ids = changed(
        connection,
        &format!(
            "UPDATE incident SET dismissed_at = ?1, seen_at = coalesce(seen_at, ?1) WHERE id IN (SELECT i.id \
             FROM incident i {which} AND i.handling NOT IN (0, 3)) \
             AND dismissed_at IS NULL RETURNING id"
        ),
        values,
    )?;
    if feed::is_everything(query) {
        connection.execute(
            "UPDATE outage SET cleared_at = ?1 WHERE cleared_at IS NULL AND to_at IS NOT NULL",
            [cleared_at],
        )?;
        gap::clear(connection, at)?;
        unsent::clear(connection)?;
        missing::clear(connection)?;
    }
    Ok(ids)
}

/// Brings incidents back into view; how many.
pub(super) fn bring_back(
    connection: &Connection,
    what: &BringBack,
    asker: &Asker,
) -> Result<usize, JournalError> {
    const BACK: &str = "UPDATE incident SET dismissed_at = NULL WHERE dismissed_at IS NOT NULL AND id";
    let ids = match what {
        BringBack::One { incident } => {
            let id = incident.parse::<IncidentId>().map_or(-1, |incident| incident.0);
            changed(connection, &format!("{BACK} = ? RETURNING id"), vec![id.into()])?
        }
        BringBack::ClearedAt { at } => {
            let from = at.saturating_mul(1_000);
            let among = "IN (SELECT id FROM incident WHERE dismissed_at BETWEEN ? AND ?)";
            let values = vec![from.into(), from.saturating_add(999).into()];
            changed(connection, &format!("{BACK} {among} RETURNING id"), values)?
        }
        BringBack::Listed { query } => {
            let cleared = FeedQuery { filter: FeedFilter::Cleared, ..query.clone() };
            let (which, values) = feed::listed(connection, &cleared, asker)?;
            let among = format!("IN (SELECT i.id FROM incident i {which})");
            changed(connection, &format!("{BACK} {among} RETURNING id"), values)?
        }
    };
    Ok(ids.len())
}

fn changed(
    connection: &Connection,
    change: &str,
    values: Vec<rusqlite::types::Value>,
) -> Result<Vec<IncidentId>, JournalError> {
    let mut statement = connection.prepare(change)?;
    let rows = statement.query_map(params_from_iter(values), |row| Ok(IncidentId(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
