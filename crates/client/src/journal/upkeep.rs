//! Names, small values, and taking away what is too old or too much.

use rusqlite::{Connection, OptionalExtension, params};
use visionguard_proto::ShopId;

use super::file::TABLES_WITHOUT_PICTURES;
use super::row::{Keep, Pruned};
use super::{JournalError, drill, grouping, index, missing};
use crate::model::{IncidentId, PRUNED};

/// Pictures or incidents taken away in one transaction, so that an alert never waits long behind them.
const BATCH: u32 = 100;

pub(super) fn remember_shops(
    connection: &Connection,
    shops: &[(ShopId, String)],
) -> Result<(), JournalError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO shop (id, name) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    )?;
    for (id, name) in shops {
        statement.execute(params![id.as_str(), name])?;
    }
    missing::only(connection, shops)
}

pub(super) fn value(connection: &Connection, name: &str) -> Result<Option<String>, JournalError> {
    let mut statement = connection.prepare_cached("SELECT value FROM value WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn set_value(
    connection: &Connection,
    name: &str,
    value: Option<&str>,
) -> Result<(), JournalError> {
    match value {
        Some(value) => connection.execute(
            "INSERT INTO value (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [name, value],
        )?,
        None => connection.execute("DELETE FROM value WHERE name = ?1", [name])?,
    };
    Ok(())
}

/// One batch of what [`Keep`] asks to take away; nothing when it is satisfied.
///
/// Nobody's clock need be right: what is recent by ours or by the server's stays, and so does whatever still waits for
/// somebody, or for the server.
pub(super) fn prune(connection: &Connection, keep: Keep) -> Result<Pruned, JournalError> {
    let incidents = too_old(connection, keep)?;
    missing::let_go(connection, &incidents)?;
    for incident in &incidents {
        connection.prepare_cached("DELETE FROM incident WHERE id = ?1")?.execute([incident.0])?;
    }
    drill::prune(connection, keep.incidents_since)?;
    let aged = pictures(
        connection,
        "SELECT id, incident, picture_bytes FROM alert \
         WHERE picture_bytes IS NOT NULL AND at < ?1 AND coalesce(detected_at, at) < ?1 ORDER BY at LIMIT ?2",
        keep.pictures_since.as_microsecond(),
    )?;
    let mut taken = take(connection, &aged)?;
    let held: i64 = connection.query_row(
        "SELECT coalesce(sum(picture_bytes), 0) FROM alert WHERE picture_bytes IS NOT NULL",
        [],
        |row| row.get(0),
    )?;
    let most = i64::try_from(keep.picture_bytes).unwrap_or(i64::MAX);
    let mut excess = held.saturating_sub(most);
    if excess > 0 {
        let oldest = pictures(
            connection,
            "SELECT a.id, a.incident, a.picture_bytes FROM alert a JOIN incident i ON i.id = a.incident \
             WHERE a.picture_bytes IS NOT NULL AND a.at < ?1 \
             ORDER BY (i.handling IN (0, 3)), a.at LIMIT ?2",
            i64::MAX,
        )?;
        let enough: Vec<_> = oldest
            .into_iter()
            .take_while(|picture| {
                let more = excess > 0;
                excess -= picture.bytes;
                more
            })
            .collect();
        taken += take(connection, &enough)?;
    }
    Ok(Pruned { pictures: taken, incidents: u32::try_from(incidents.len()).unwrap_or(u32::MAX) })
}

/// Incidents that nobody and nothing waits for any more, the oldest first.
fn too_old(connection: &Connection, keep: Keep) -> Result<Vec<IncidentId>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT i.id FROM incident i \
         WHERE i.last_at < ?1 AND i.handling NOT IN (0, 3) AND NOT EXISTS (\
         SELECT 1 FROM alert a LEFT JOIN outbox o ON o.alert = a.id AND o.state = 0 \
         WHERE a.incident = i.id AND (a.detected_at >= ?1 OR o.id IS NOT NULL)) ORDER BY i.last_at LIMIT ?2",
    )?;
    let rows = statement.query_map(params![keep.incidents_since.as_microsecond(), BATCH], |row| {
        Ok(IncidentId(row.get(0)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Empties every table; the file's free pages are overwritten because `secure_delete` is on.
pub(super) fn erase(connection: &Connection) -> Result<(), JournalError> {
    for table in ["picture"].into_iter().chain(TABLES_WITHOUT_PICTURES) {
        connection.execute(&format!("DELETE FROM {table}"), [])?;
    }
    index::erase(connection)
}

/// Brings what is erased out of the write-ahead log too.
pub(super) fn shrink(connection: &Connection) -> Result<(), JournalError> {
    connection.execute_batch("VACUUM")?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

struct Held {
    alert: i64,
    incident: IncidentId,
    bytes: i64,
}

fn pictures(connection: &Connection, which: &str, bound: i64) -> Result<Vec<Held>, JournalError> {
    let mut statement = connection.prepare_cached(which)?;
    let rows = statement.query_map(params![bound, BATCH], |row| {
        Ok(Held { alert: row.get(0)?, incident: IncidentId(row.get(1)?), bytes: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn take(connection: &Connection, pictures: &[Held]) -> Result<u32, JournalError> {
    for picture in pictures {
        connection.prepare_cached("DELETE FROM picture WHERE alert = ?1")?.execute([picture.alert])?;
        connection
            .prepare_cached(
                "UPDATE alert SET picture_bytes = NULL, picture_problem = ?2, picture_path = NULL WHERE id = ?1",
            )?
            .execute(params![picture.alert, PRUNED])?;
    }
    let mut incidents: Vec<IncidentId> = pictures.iter().map(|picture| picture.incident).collect();
    incidents.sort_unstable();
    incidents.dedup();
    for incident in incidents {
        grouping::sum_up(connection, incident)?;
    }
    Ok(u32::try_from(pictures.len()).unwrap_or(u32::MAX))
}
