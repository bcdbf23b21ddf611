//! Decisions about incidents, and the outbox that carries them to the server, one row an alert.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use visionguard_proto::AnomalyId;

use super::JournalError;
use super::grouping;
use super::sql::{self, OPEN, RECORDED, REFUSED};
use super::undo::{self, NOT_HELD};
use crate::model::{
    AlertId, Decision, Delivery, Dispatch, Handling, IncidentId, IncidentRow, Outgoing, OutgoingId,
};

/// From now on decisions are this account's, and only its own are sent or given up.
pub(super) fn belong_to(connection: &Connection, account: &str) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "INSERT INTO value (name, value) VALUES ('account', ?1) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
        )?
        .execute([account])?;
    Ok(())
}

/// Decides on an incident. The same decision again changes nothing while it is on its way; afterwards the server is asked
/// anew, since somebody else may have decided meanwhile. After a refusal it is about the alerts that nobody else settled.
pub(super) fn decide(
    connection: &Connection,
    incident: IncidentId,
    decision: Decision,
    note: Option<&str>,
    dispatch: Dispatch,
    at: Timestamp,
) -> Result<Option<IncidentRow>, JournalError> {
    let Some(row) = sql::incident(connection, incident)? else { return Ok(None) };
    let is_same = matches!(row.handling, Handling::Sending { decision: before, .. } if before == decision);
    if dispatch == Dispatch::AtOnce {
        undo::let_go(connection, incident)?;
    }
    if is_same && note.is_none() {
        return sql::incident(connection, incident);
    }
    if dispatch == Dispatch::Held {
        undo::hold(connection, incident, at)?;
    }
    let refused = matches!(row.handling, Handling::Refused { .. }) && has_open_alerts(connection, incident)?;
    let (number, at) = (sql::decision_number(decision), at.as_microsecond());
    connection
        .prepare_cached(
            "UPDATE incident SET handling = 1, decision = ?2, decided_at = ?3, decided_here = 1, note = ?4, \
             account = (SELECT value FROM value WHERE name = 'account'), \
             handled_at = NULL, refusal = NULL, seen_at = coalesce(seen_at, ?3) WHERE id = ?1",
        )?
        .execute(params![incident.0, number, at, note])?;
    // What the server has of us is no obstacle to a change of mind, whenever this program was started anew.
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO value (name, value) SELECT ?2 || a.anomaly_id, o.decision \
             FROM alert a JOIN outbox o ON o.alert = a.id WHERE a.incident = ?1 AND o.state = 1 \
             AND a.anomaly_id IS NOT NULL AND o.account IS (SELECT value FROM value WHERE name = 'account')",
        )?
        .execute(params![incident.0, OURS])?;
    // New rows, so that an answer to an earlier decision finds nothing to change.
    withdraw(connection, incident)?;
    connection
        .prepare_cached(
            "INSERT INTO outbox (alert, decision, note, account, decided_at) \
             SELECT a.id, ?2, ?3, i.account, ?4 FROM alert a JOIN incident i ON i.id = a.incident \
             WHERE i.id = ?1 AND NOT (?5 AND coalesce(a.decided_there, 0) IN (1, 2) \
             AND NOT EXISTS (SELECT 1 FROM value WHERE name = ?6 || a.anomaly_id)) ORDER BY a.id",
        )?
        .execute(params![incident.0, number, note, at, refused, OURS])?;
    sql::incident(connection, incident)
}

/// Takes what was decided about an incident out of the outbox.
pub(super) fn withdraw(connection: &Connection, incident: IncidentId) -> Result<(), JournalError> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE alert IN (SELECT id FROM alert WHERE incident = ?1)")?
        .execute([incident.0])?;
    Ok(())
}

/// Whether there are alerts that nobody else settled, as far as is known.
fn has_open_alerts(connection: &Connection, incident: IncidentId) -> Result<bool, JournalError> {
    exists(
        connection,
        "SELECT 1 FROM alert WHERE incident = ?1 AND coalesce(decided_there, 0) NOT IN (1, 2)",
        incident,
    )
}

/// Before the names under which it is kept what the server last had of us about an anomaly, until it has the next.
const OURS: &str = "ours:";

/// A number that another connection's commits change, and this one's do not.
pub(super) fn writes_of_others(connection: &Connection) -> Result<i64, JournalError> {
    Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
}

/// Incidents whose decisions are on their way.
pub(super) fn sending(connection: &Connection) -> Result<Vec<IncidentRow>, JournalError> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM incident WHERE handling = 1 ORDER BY id")?;
    let ids: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let rows = ids.into_iter().map(|id| sql::incident(connection, IncidentId(id)));
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Notes what the record says about an anomaly. An incident counts as handled once all its known anomalies are.
///
/// `at` is the record's time, which is shown; what follows is grouped by the time at which it was learnt here, since
/// the server's clock may be set otherwise.
pub(super) fn handled_elsewhere(
    connection: &Connection,
    anomaly: &AnomalyId,
    decision: Decision,
    at: Timestamp,
    learnt_at: Timestamp,
) -> Result<Option<IncidentRow>, JournalError> {
    let number = sql::decision_number(decision);
    connection
        .prepare_cached("UPDATE alert SET decided_there = ?2 WHERE anomaly_id = ?1")?
        .execute(params![anomaly.as_str(), number])?;
    let changed: Option<i64> = connection
        .prepare_cached(
            "UPDATE incident SET handling = ?3, decision = ?2, decided_here = 0, decided_at = ?7, handled_at = ?4, \
             refusal = NULL, seen_at = coalesce(seen_at, ?7) \
             WHERE id = (SELECT incident FROM alert WHERE anomaly_id = ?1) \
             AND (handling IN (?5, ?6) OR (handling = ?3 AND decision <> ?2)) \
             AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.incident = incident.id \
             AND a.anomaly_id IS NOT NULL AND a.decided_there IS NULL) RETURNING id",
        )?
        .query_row(
            params![
                anomaly.as_str(),
                number,
                RECORDED,
                at.as_microsecond(),
                OPEN,
                REFUSED,
                learnt_at.as_microsecond()
            ],
            |row| row.get(0),
        )
        .optional()?;
    match changed {
        Some(id) => sql::incident(connection, IncidentId(id)),
        None => Ok(None),
    }
}

/// What others decided while nothing here could show it, shown now if that is about all of an incident.
pub(super) fn settled_meanwhile(
    connection: &Connection,
    incident: IncidentId,
    now: Timestamp,
) -> Result<(), JournalError> {
    let newest: Option<(Option<AnomalyId>, i64)> = connection
        .prepare_cached(
            "SELECT anomaly_id, decided_there FROM alert \
             WHERE incident = ?1 AND anomaly_id IS NOT NULL AND decided_there IS NOT NULL ORDER BY id DESC LIMIT 1",
        )?
        .query_row([incident.0], |row| Ok((sql::anomaly(row, 0)?, row.get(1)?)))
        .optional()?;
    if let Some((Some(anomaly), decided)) = newest {
        handled_elsewhere(connection, &anomaly, sql::decision(decided), now, now)?;
    }
    Ok(())
}

/// What to send: what failed least first, then in the order in which it was decided.
pub(super) fn next_to_send(connection: &Connection, limit: u32) -> Result<Vec<Outgoing>, JournalError> {
    outgoing(connection, "ORDER BY o.tries, o.id LIMIT ?2", limit)
}

/// All of an incident that can be sent.
pub(super) fn to_send_of(
    connection: &Connection,
    incident: IncidentId,
) -> Result<Vec<Outgoing>, JournalError> {
    outgoing(connection, "AND a.incident = ?2 ORDER BY o.id", incident.0)
}

fn outgoing(
    connection: &Connection,
    which: &str,
    value: impl rusqlite::ToSql,
) -> Result<Vec<Outgoing>, JournalError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT o.id, o.alert, a.incident, a.anomaly_id, o.decision, o.note, o.decided_at, o.tries, \
         (SELECT CAST(value AS INTEGER) FROM value WHERE name = ?1 || a.anomaly_id) \
         FROM outbox o JOIN alert a ON a.id = o.alert \
         WHERE o.state = 0 AND a.anomaly_id IS NOT NULL AND {NOT_HELD} \
         AND o.account IS (SELECT value FROM value WHERE name = 'account') {which}"
    ))?;
    let rows = statement.query_map(params![OURS, value], |row| {
        let Some(anomaly_id) = sql::anomaly(row, 3)? else { return Ok(None) };
        Ok(Some(Outgoing {
            id: OutgoingId(row.get(0)?),
            alert: AlertId(row.get(1)?),
            incident: IncidentId(row.get(2)?),
            anomaly_id,
            decision: sql::decision(row.get(4)?),
            note: sql::text(row, 5)?,
            decided_at: sql::time(row, 6)?,
            tries: row.get(7)?,
            ours: row.get::<_, Option<i64>>(8)?.map(sql::decision),
        }))
    })?;
    let outgoing: Vec<Option<Outgoing>> = rows.collect::<Result<_, _>>()?;
    Ok(outgoing.into_iter().flatten().collect())
}

/// Notes what became of one.
pub(super) fn sent(
    connection: &Connection,
    outgoing: OutgoingId,
    delivery: &Delivery,
    at: Timestamp,
) -> Result<Option<IncidentRow>, JournalError> {
    let (state, tries, refusal) = match delivery {
        Delivery::Recorded => (1, 0, None),
        Delivery::Refused { sentence } => (2, 0, Some(sentence.as_str())),
        Delivery::Later => (0, 1, None),
    };
    let alert: Option<i64> = connection
        .prepare_cached(
            "UPDATE outbox SET state = ?2, tries = tries + ?3, refusal = ?4, answered_at = ?5 \
             WHERE id = ?1 AND state = 0 RETURNING alert",
        )?
        .query_row(params![outgoing.0, state, tries, refusal, at.as_microsecond()], |row| row.get(0))
        .optional()?;
    let Some(alert) = alert else { return Ok(None) };
    let Some(entry) = sql::entry(connection, AlertId(alert))? else { return Ok(None) };
    if let (Delivery::Recorded, Some(anomaly)) = (delivery, &entry.alert.anomaly_id) {
        connection
            .prepare_cached("DELETE FROM value WHERE name = ?1 || ?2")?
            .execute(params![OURS, anomaly.as_str()])?;
    }
    grouping::refresh_handling(connection, entry.incident.id)?;
    let after = sql::incident(connection, entry.incident.id)?;
    Ok(after.filter(|after| after.handling != entry.incident.handling))
}

/// Whether a part of an incident's decision is in effect on the server.
pub(super) fn has_taken_effect(connection: &Connection, incident: IncidentId) -> Result<bool, JournalError> {
    exists(
        connection,
        "SELECT 1 FROM outbox o JOIN alert a ON a.id = o.alert WHERE a.incident = ?1 AND o.state = 1",
        incident,
    )
}

/// When the newest alert came of those of an incident whose decision waits for the record to tell of them.
pub(super) fn waits_for_rows(
    connection: &Connection,
    incident: IncidentId,
) -> Result<Option<Timestamp>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT a.received_at FROM outbox o JOIN alert a ON a.id = o.alert \
         WHERE a.incident = ?1 AND o.state = 0 AND a.anomaly_id IS NULL ORDER BY a.received_at DESC LIMIT 1",
    )?;
    Ok(statement.query_row([incident.0], |row| sql::time(row, 0)).optional()?)
}

fn exists(connection: &Connection, query: &str, incident: IncidentId) -> Result<bool, JournalError> {
    Ok(connection.prepare_cached(query)?.exists([incident.0])?)
}

/// Others settled these anomalies of an incident: nothing more of the decision goes out, and what they did is shown once it
/// is about all of it.
pub(super) fn overruled(
    connection: &Connection,
    incident: IncidentId,
    theirs: &[(AnomalyId, Decision, Timestamp)],
    sentence: &str,
    at: Timestamp,
) -> Result<Option<IncidentRow>, JournalError> {
    connection
        .prepare_cached(
            "UPDATE outbox SET state = 2, refusal = ?2, answered_at = ?3 WHERE state = 0 \
             AND alert IN (SELECT id FROM alert WHERE incident = ?1)",
        )?
        .execute(params![incident.0, sentence, at.as_microsecond()])?;
    grouping::refresh_handling(connection, incident)?;
    for (anomaly, decision, decided_at) in theirs {
        handled_elsewhere(connection, anomaly, *decision, *decided_at, at)?;
    }
    sql::incident(connection, incident)
}

/// Refuses what waits for an anomaly id in vain: what was decided before the record was read to its end, about alerts that
/// had come so long before that that their rows would have been written.
pub(super) fn refuse_unmatched(
    connection: &Connection,
    decided_before: Timestamp,
    received_before: Timestamp,
    sentence: &str,
    at: Timestamp,
) -> Result<Vec<IncidentRow>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT a.incident FROM outbox o JOIN alert a ON a.id = o.alert \
         WHERE o.state = 0 AND a.anomaly_id IS NULL AND o.decided_at < ?1 AND a.received_at < ?2 \
         AND o.account IS (SELECT value FROM value WHERE name = 'account')",
    )?;
    let (before, received) = (decided_before.as_microsecond(), received_before.as_microsecond());
    let incidents: Vec<i64> =
        statement.query_map([before, received], |row| row.get(0))?.collect::<Result<_, _>>()?;
    connection
        .prepare_cached(
            "UPDATE outbox SET state = 2, refusal = ?2, answered_at = ?3 WHERE state = 0 AND decided_at < ?1 \
             AND account IS (SELECT value FROM value WHERE name = 'account') \
             AND EXISTS (SELECT 1 FROM alert WHERE id = outbox.alert AND anomaly_id IS NULL AND received_at < ?4)",
        )?
        .execute(params![before, sentence, at.as_microsecond(), received])?;
    let mut changed = Vec::new();
    for id in incidents {
        grouping::refresh_handling(connection, IncidentId(id))?;
        changed.extend(sql::incident(connection, IncidentId(id))?);
    }
    Ok(changed)
}
