//! What was shown, what was acknowledged, and what of the record is known.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use visionguard_proto::{AnomalyId, ShopId};

use super::row::Newest;
use super::{JournalError, sql};
use crate::model::{AlertId, Entry, IncidentId};

/// A notification counts the alerts of its incident, so it covers those before this one too.
pub(super) fn notified(
    connection: &Connection,
    alert: AlertId,
    at: Timestamp,
) -> Result<Option<Entry>, JournalError> {
    let Some(entry) = sql::entry(connection, alert)? else { return Ok(None) };
    covered(connection, entry.incident.id, alert, at)?;
    sql::entry(connection, alert)
}

/// The same where the alert itself may be gone: it proved to be one that was there already.
pub(super) fn covered(
    connection: &Connection,
    incident: IncidentId,
    alert: AlertId,
    at: Timestamp,
) -> Result<(), JournalError> {
    let at = at.as_microsecond();
    connection
        .prepare_cached(
            "UPDATE alert SET notified_at = ?3 WHERE incident = ?1 AND id <= ?2 AND notified_at IS NULL",
        )?
        .execute(params![incident.0, alert.0, at])?;
    note_on_incident(connection, incident, at)
}

/// An alert may be of another incident by now, or have proved to be one that was there already.
pub(super) fn told(
    connection: &Connection,
    told: &[(IncidentId, AlertId)],
    at: Timestamp,
) -> Result<(), JournalError> {
    for (incident, alert) in told {
        if notified(connection, *alert, at)?.is_none() {
            covered(connection, *incident, *alert, at)?;
        }
    }
    Ok(())
}

/// What was in the record before it was first read here: nobody missed it.
pub(super) fn early(connection: &Connection, alert: AlertId, at: Timestamp) -> Result<(), JournalError> {
    let incident = connection
        .prepare_cached(
            "UPDATE alert SET early = 1, notified_at = coalesce(notified_at, ?2) WHERE id = ?1 RETURNING incident",
        )?
        .query_row(params![alert.0, at.as_microsecond()], |row| row.get(0))
        .optional()?;
    match incident {
        Some(incident) => note_on_incident(connection, IncidentId(incident), at.as_microsecond()),
        None => Ok(()),
    }
}

fn note_on_incident(connection: &Connection, incident: IncidentId, at: i64) -> Result<(), JournalError> {
    connection
        .prepare_cached("UPDATE incident SET notified_at = coalesce(notified_at, ?2) WHERE id = ?1")?
        .execute(params![incident.0, at])?;
    Ok(())
}

pub(super) fn acked(connection: &Connection, sent: &[(AlertId, Timestamp)]) -> Result<(), JournalError> {
    let mut note =
        connection.prepare_cached("UPDATE alert SET acked_at = coalesce(acked_at, ?2) WHERE id = ?1")?;
    for (alert, at) in sent {
        note.execute(params![alert.0, at.as_microsecond()])?;
    }
    Ok(())
}

pub(super) fn not_yet_notified(connection: &Connection) -> Result<Vec<Entry>, JournalError> {
    let unshown = sql::alerts(
        connection,
        "WHERE a.id IN (SELECT max(u.id) FROM alert u JOIN incident i ON i.id = u.incident \
         WHERE u.notified_at IS NULL AND i.handling = 0 AND (i.seen_at IS NULL OR u.received_at > i.seen_at) \
         GROUP BY u.incident) ORDER BY a.id",
        [],
    )?;
    unshown.into_iter().map(|held| sql::with_incident(connection, held.stored)).collect()
}

pub(super) fn latest(connection: &Connection, shop: &ShopId) -> Result<Option<Newest>, JournalError> {
    let newest = connection
        .prepare_cached(
            "SELECT anomaly_id, detected_at FROM alert \
             WHERE shop_id = ?1 AND told_by >= 4 AND detected_at IS NOT NULL AND anomaly_id IS NOT NULL \
             ORDER BY detected_at DESC, id DESC LIMIT 1",
        )?
        .query_row([shop.as_str()], |row| Ok((sql::anomaly(row, 0)?, sql::time(row, 1)?)))
        .optional()?;
    let Some((Some(anomaly_id), detected_at)) = newest else { return Ok(None) };
    Ok(Some(Newest { anomaly_id, detected_at }))
}

/// Of a shop's rows those that are open here; the oldest of them where there are very many.
pub(super) fn open_rows(connection: &Connection, shop: &ShopId) -> Result<Vec<AnomalyId>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT a.anomaly_id FROM incident i JOIN alert a ON a.incident = i.id \
         WHERE i.handling IN (0, 3) AND a.shop_id = ?1 AND a.anomaly_id IS NOT NULL AND a.told_by >= 4 \
         AND a.decided_there IS NULL ORDER BY i.first_at, i.id LIMIT 20000",
    )?;
    let rows = statement.query_map([shop.as_str()], |row| sql::anomaly(row, 0))?;
    let ids: Vec<Option<AnomalyId>> = rows.collect::<Result<_, _>>()?;
    Ok(ids.into_iter().flatten().collect())
}

pub(super) fn known(
    connection: &Connection,
    anomalies: Vec<AnomalyId>,
) -> Result<HashSet<AnomalyId>, JournalError> {
    let mut statement = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM alert WHERE anomaly_id = ?1 AND told_by >= 4)")?;
    let mut known = HashSet::new();
    for anomaly in anomalies {
        if statement.query_row([anomaly.as_str()], |row| row.get(0))? {
            known.insert(anomaly);
        }
    }
    Ok(known)
}
