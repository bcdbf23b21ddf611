//! Decisions about incidents, and the outbox that carries them to the server, one row an alert.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use visionguard_proto::AnomalyId;

use super::sql::{self, OPEN, RECORDED, REFUSED, REOPENED, SENDING};
use super::undo::{self, NOT_HELD};
use super::{JournalError, grouping, notes};
use crate::model::{
    AlertId, Decision, Delivery, Dispatch, Handling, IncidentId, IncidentRow, Judgement, Outgoing,
    OutgoingId, RowTold, There,
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
///
/// What nobody has decided on cannot be opened again.
pub(super) fn decide(
    connection: &Connection,
    incident: IncidentId,
    judgement: &Judgement,
    at: Timestamp,
) -> Result<Option<IncidentRow>, JournalError> {
    let Some(row) = sql::incident(connection, incident)? else { return Ok(None) };
    let Judgement { decision, outcome, ref note, ref by, dispatch } = *judgement;
    let is_same = matches!(row.handling, Handling::Sending { decision: before, .. } if before == decision);
    if decision == Decision::Reopened && row.handling.is_open() {
        return Ok(Some(row));
    }
    if dispatch == Dispatch::AtOnce {
        undo::let_go(connection, incident)?;
    }
    if is_same && note.is_none() && outcome.is_none_or(|outcome| row.outcome == Some(outcome)) {
        return sql::incident(connection, incident);
    }
    if dispatch == Dispatch::Held {
        undo::hold(connection, incident, at)?;
    }
    let refused = matches!(row.handling, Handling::Refused { .. }) && has_open_alerts(connection, incident)?;
    // What was said of the same decision still holds.
    let outcome = outcome.or(row.outcome.filter(|outcome| outcome.of() == decision)).map(sql::outcome_number);
    let (number, at) = (sql::decision_number(decision), at.as_microsecond());
    let reopens = decision == Decision::Reopened;
    // What the server has of us is no obstacle to a change of mind, whenever this program was started anew; nor is what was
    // decided there and is opened again by somebody who saw it.
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO value (name, value) SELECT ?2 || a.anomaly_id, o.decision \
             FROM alert a JOIN outbox o ON o.alert = a.id WHERE a.incident = ?1 AND o.state = 1 \
             AND a.anomaly_id IS NOT NULL AND o.account IS (SELECT value FROM value WHERE name = 'account')",
        )?
        .execute(params![incident.0, OURS])?;
    if reopens {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO value (name, value) SELECT ?2 || a.anomaly_id, a.decided_there \
                 FROM alert a JOIN incident i ON i.id = a.incident \
                 WHERE i.id = ?1 AND a.anomaly_id IS NOT NULL AND a.decided_there IS NOT NULL \
                 AND (NOT i.decided_here OR NOT EXISTS (SELECT 1 FROM value WHERE name = ?2 || a.anomaly_id))",
            )?
            .execute(params![incident.0, OURS])?;
    }
    connection
        .prepare_cached(
            "UPDATE incident SET handling = ?6, decision = ?2, decided_at = ?3, decided_here = 1, note = coalesce(?4, note), \
             outcome = ?5, handled_by = ?7, unopened = 0, account = (SELECT value FROM value WHERE name = 'account'), \
             handled_at = NULL, refusal = NULL, seen_at = coalesce(seen_at, ?3), \
             dismissed_at = CASE WHEN ?6 <> 0 THEN dismissed_at END WHERE id = ?1",
        )?
        .execute(params![incident.0, number, at, note, outcome, if reopens { OPEN } else { SENDING }, by])?;
    // New rows, so that an answer to an earlier decision finds nothing to change.
    withdraw(connection, incident)?;
    connection
        .prepare_cached(
            "INSERT INTO outbox (alert, decision, note, account, decided_at) \
             SELECT a.id, ?2, i.note, i.account, ?3 FROM alert a JOIN incident i ON i.id = a.incident \
             WHERE i.id = ?1 AND NOT (?4 AND coalesce(a.decided_there, 0) IN (1, 2) \
             AND NOT EXISTS (SELECT 1 FROM value WHERE name = ?5 || a.anomaly_id)) ORDER BY a.id",
        )?
        .execute(params![incident.0, number, at, refused, OURS])?;
    sql::incident(connection, incident)
}

/// Decides on many at once, as one act: on those that it says anything new about. Whether nobody had opened one is noted.
pub(super) fn decide_each(
    connection: &Connection,
    incidents: &[IncidentId],
    judgement: &Judgement,
    at: Timestamp,
) -> Result<Vec<IncidentRow>, JournalError> {
    let mut decided = Vec::new();
    for incident in incidents {
        let Some(row) = sql::incident(connection, *incident)? else { continue };
        let is_news = match (&row.handling, judgement.decision) {
            (Handling::Open | Handling::Reopened { .. } | Handling::Refused { .. }, decision) => {
                decision != Decision::Reopened
            }
            (Handling::Recorded { decision: Decision::Acknowledged, .. }, decision) => {
                decision != Decision::Acknowledged
            }
            (Handling::Recorded { .. } | Handling::Sending { .. }, decision) => {
                decision == Decision::Reopened
            }
        };
        if !is_news {
            continue;
        }
        let is_unopened = row.seen_at.is_none() || is_unopened(connection, *incident)?;
        decide(connection, *incident, judgement, at)?;
        if is_unopened {
            connection
                .prepare_cached("UPDATE incident SET unopened = 1 WHERE id = ?1")?
                .execute([incident.0])?;
        }
        decided.extend(sql::incident(connection, *incident)?);
    }
    Ok(decided)
}

/// Whether a decision was made when nobody had opened it, and nobody has since.
fn is_unopened(connection: &Connection, incident: IncidentId) -> Result<bool, JournalError> {
    exists(connection, "SELECT 1 FROM incident WHERE id = ?1 AND unopened = 1", incident)
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

/// Where the decision that stands is somebody else's, nothing the server has of it is ours.
pub(super) fn forget_unless_ours(connection: &Connection, incident: IncidentId) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "DELETE FROM value WHERE name IN (SELECT ?2 || a.anomaly_id FROM alert a JOIN incident i ON i.id = a.incident \
             WHERE i.id = ?1 AND NOT i.decided_here AND a.anomaly_id IS NOT NULL)",
        )?
        .execute(params![incident.0, OURS])?;
    Ok(())
}

/// A number that another connection's commits change, and this one's do not.
pub(super) fn writes_of_others(connection: &Connection) -> Result<i64, JournalError> {
    Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
}

/// Incidents whose decisions are on their way.
pub(super) fn sending(connection: &Connection) -> Result<Vec<IncidentRow>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM incident WHERE handling = 1 OR id IN (SELECT a.incident FROM alert a JOIN outbox o ON o.alert = a.id \
         WHERE o.state = 0) OR id IN (SELECT a.incident FROM alert a JOIN note_due n ON n.alert = a.id) ORDER BY id",
    )?;
    let ids: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let rows = ids.into_iter().map(|id| sql::incident(connection, IncidentId(id)));
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Notes what the record says about an anomaly. An incident counts as handled once all its known anomalies are, and no more
/// once somebody opened one of them again.
///
/// The record's time is shown; what follows is grouped by the time at which it was learnt here, since
/// the server's clock may be set otherwise.
pub(super) fn told(
    connection: &Connection,
    told: &RowTold,
    learnt_at: Timestamp,
) -> Result<Option<IncidentRow>, JournalError> {
    let known = connection
        .prepare_cached(
            "SELECT a.incident, a.there_at, a.there_note, coalesce(a.decided_there, (SELECT decision FROM outbox \
             WHERE alert = a.id AND state = 1 AND decision <> 3)), EXISTS (SELECT 1 FROM outbox WHERE alert = a.id \
             AND state = 0 AND decision = 3) FROM alert a WHERE a.anomaly_id = ?1",
        )?
        .query_row([told.anomaly.as_str()], |row| {
            Ok((
                IncidentId(row.get(0)?),
                sql::maybe_time(row, 1)?,
                sql::text(row, 2)?,
                row.get::<_, Option<i64>>(3)?.is_some(),
                row.get::<_, bool>(4)?,
            ))
        })
        .optional()?;
    let Some((incident, there_at, notes, was_decided, is_reopening)) = known else { return Ok(None) };
    // What was read before the row was last written says nothing about it any more.
    let is_old = there_at.zip(told.there.changed_at).is_some_and(|(known, told)| told < known);
    if is_old {
        return Ok(None);
    }
    let is_newer = there_at.zip(told.there.changed_at).is_some_and(|(known, told)| told > known);
    if told.there.changed_at.is_some() {
        there(connection, &told.anomaly, &told.there)?;
    }
    let changed = match told.decision {
        Some(decision) if !is_reopening => handled(connection, told, decision, learnt_at)?,
        None if was_decided && is_newer => reopened(connection, incident, told, learnt_at)?,
        Some(_) | None => None,
    };
    let has_note = told.there.changed_at.is_some() && notes != told.there.notes;
    match changed {
        Some(incident) => Ok(Some(incident)),
        None if has_note => sql::incident(connection, incident),
        None => Ok(None),
    }
}

/// Keeps how a row of the record was read, or left, there.
pub(super) fn there(connection: &Connection, anomaly: &AnomalyId, there: &There) -> Result<(), JournalError> {
    let incident = connection
        .prepare_cached(
            "UPDATE alert SET there_at = coalesce(?2, there_at), there_note = ?3, our_note = coalesce(?4, our_note) \
             WHERE anomaly_id = ?1 RETURNING incident",
        )?
        .query_row(
            params![
                anomaly.as_str(),
                there.changed_at.map(Timestamp::as_microsecond),
                there.notes,
                there.our_note
            ],
            |row| Ok(IncidentId(row.get(0)?)),
        )
        .optional()?;
    incident.map_or(Ok(()), |incident| notes::gather(connection, incident))
}

fn handled(
    connection: &Connection,
    told: &RowTold,
    decision: Decision,
    learnt_at: Timestamp,
) -> Result<Option<IncidentRow>, JournalError> {
    let number = sql::decision_number(decision);
    let outcome = told.outcome.filter(|outcome| outcome.of() == decision).map(sql::outcome_number);
    connection
        .prepare_cached("UPDATE alert SET decided_there = ?2 WHERE anomaly_id = ?1")?
        .execute(params![told.anomaly.as_str(), number])?;
    let changed: Option<i64> = connection
        .prepare_cached(
            "UPDATE incident SET handling = ?3, decision = ?2, decided_here = 0, decided_at = ?7, handled_at = ?4, \
             refusal = NULL, outcome = ?8, handled_by = ?9, unopened = 0, seen_at = coalesce(seen_at, ?7) \
             WHERE id = (SELECT incident FROM alert WHERE anomaly_id = ?1) \
             AND (handling IN (?5, ?6) OR (handling = ?3 AND decision <> ?2)) \
             AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.incident = incident.id \
             AND a.anomaly_id IS NOT NULL AND a.decided_there IS NULL) RETURNING id",
        )?
        .query_row(
            params![
                told.anomaly.as_str(),
                number,
                RECORDED,
                told.at.as_microsecond(),
                OPEN,
                REFUSED,
                learnt_at.as_microsecond(),
                outcome,
                told.by,
            ],
            |row| row.get(0),
        )
        .optional()?;
    // Of what is known to be decided so, the record may tell more later: who it was, and what came of it.
    let more: Option<i64> = match changed {
        Some(_) => None,
        None => connection
            .prepare_cached(
                "UPDATE incident SET outcome = CASE WHEN decided_here THEN coalesce(outcome, ?3) ELSE coalesce(?3, outcome) END, \
                 handled_by = CASE WHEN decided_here THEN handled_by ELSE coalesce(?4, handled_by) END \
                 WHERE id = (SELECT incident FROM alert WHERE anomaly_id = ?1) AND handling = ?5 AND decision = ?2 \
                 AND (coalesce(?3, outcome) IS NOT outcome AND (outcome IS NULL OR NOT decided_here) \
                 OR NOT decided_here AND coalesce(?4, handled_by) IS NOT handled_by) RETURNING id",
            )?
            .query_row(params![told.anomaly.as_str(), number, outcome, told.by, RECORDED], |row| row.get(0))
            .optional()?,
    };
    match changed.or(more) {
        Some(id) => sql::incident(connection, IncidentId(id)),
        None => Ok(None),
    }
}

/// Somebody else opened one of its alerts again: it is open, unless a decision of ours is on its way.
fn reopened(
    connection: &Connection,
    incident: IncidentId,
    told: &RowTold,
    learnt_at: Timestamp,
) -> Result<Option<IncidentRow>, JournalError> {
    connection
        .prepare_cached("UPDATE alert SET decided_there = NULL WHERE anomaly_id = ?1")?
        .execute([told.anomaly.as_str()])?;
    let changed = connection
        .prepare_cached(
            "UPDATE incident SET handling = ?2, decision = ?3, decided_here = 0, decided_at = ?4, handled_at = NULL, \
             refusal = NULL, outcome = NULL, handled_by = ?5, dismissed_at = NULL WHERE id = ?1 AND handling = ?6",
        )?
        .execute(params![incident.0, OPEN, REOPENED, learnt_at.as_microsecond(), told.by, RECORDED])?;
    if changed == 0 {
        return Ok(None);
    }
    withdraw(connection, incident)?;
    forget_unless_ours(connection, incident)?;
    sql::incident(connection, incident)
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
        handled(
            connection,
            &handled_there(anomaly, sql::decision(decided), now),
            sql::decision(decided),
            now,
        )?;
    }
    Ok(())
}

/// That an anomaly was decided on, where nothing else is known of it.
pub(super) fn handled_there(anomaly: AnomalyId, decision: Decision, at: Timestamp) -> RowTold {
    let there = There { changed_at: None, notes: None, our_note: None };
    RowTold { anomaly, decision: Some(decision), at, outcome: None, by: None, there }
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
         (SELECT CAST(value AS INTEGER) FROM value WHERE name = ?1 || a.anomaly_id), a.our_note, \
         (SELECT outcome FROM incident WHERE id = a.incident) \
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
            outcome: row.get::<_, Option<i64>>(10)?.and_then(sql::outcome),
            our_note: sql::text(row, 9)?,
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
    there: Option<&There>,
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
        if let Some(there) = there {
            self::there(connection, anomaly, there)?;
        }
        connection
            .prepare_cached(
                "UPDATE alert SET decided_there = NULL WHERE id = ?1 AND EXISTS (SELECT 1 FROM outbox \
                 WHERE alert = ?1 AND decision = ?2)",
            )?
            .execute([alert, REOPENED])?;
    }
    grouping::refresh_handling(connection, entry.incident.id)?;
    let after = sql::incident(connection, entry.incident.id)?;
    // That it is opened again there, too, the outbox alone tells, and did before this was read.
    let is_news = |after: &IncidentRow| {
        after.handling != entry.incident.handling
            || matches!(after.handling, Handling::Reopened { sent: true, .. })
    };
    Ok(after.filter(is_news))
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
    theirs: &[RowTold],
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
    for row in theirs {
        told(connection, row, at)?;
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
