//! Decisions that may still be taken back: none of them is sent before its time is over.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::sql;
use super::{JournalError, decisions, grouping, notes};
use crate::model::{IncidentId, IncidentRow, UNDO_WITHIN};

/// What a decision that is held keeps out of the outbox; `a.incident` is the incident.
pub(super) const NOT_HELD: &str = "a.incident NOT IN (SELECT incident FROM undo)";

/// Keeps what the incident is without the decision that is about to be made, to be had back until then. Where one is held
/// already, what was before that one is kept: the server was told nothing in between.
pub(super) fn hold(connection: &Connection, incident: IncidentId, at: Timestamp) -> Result<(), JournalError> {
    release(connection, at)?;
    let until = at.checked_add(UNDO_WITHIN).unwrap_or(at).as_microsecond();
    let is_held = connection
        .prepare_cached("UPDATE undo SET until = ?2 WHERE incident = ?1")?
        .execute(params![incident.0, until])?;
    if is_held > 0 {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO undo (incident, until, handling, decision, decided_at, decided_here, note, account, handled_at, \
             refusal, outcome, handled_by, unopened) SELECT id, ?2, handling, decision, decided_at, decided_here, note, \
             account, handled_at, refusal, outcome, handled_by, unopened FROM incident WHERE id = ?1",
        )?
        .execute(params![incident.0, until])?;
    connection
        .prepare_cached(
            "INSERT INTO undo_outbox SELECT ?1, o.alert, o.decision, o.note, o.account, o.decided_at, o.state, o.tries, \
             o.answered_at, o.refusal FROM outbox o JOIN alert a ON a.id = o.alert WHERE a.incident = ?1",
        )?
        .execute([incident.0])?;
    Ok(())
}

/// What was held about this incident may be sent.
pub(super) fn let_go(connection: &Connection, incident: IncidentId) -> Result<(), JournalError> {
    connection.prepare_cached("DELETE FROM undo WHERE incident = ?1")?.execute([incident.0])?;
    Ok(())
}

/// What was held for long enough may be sent; when the next will be. A clock that was set back holds nothing for longer than
/// another such time.
pub(super) fn release(connection: &Connection, now: Timestamp) -> Result<Option<Timestamp>, JournalError> {
    let longest = now.checked_add(UNDO_WITHIN).unwrap_or(now).as_microsecond();
    connection.prepare_cached("DELETE FROM undo WHERE until <= ?1")?.execute([now.as_microsecond()])?;
    connection.prepare_cached("UPDATE undo SET until = ?1 WHERE until > ?1")?.execute([longest])?;
    Ok(connection
        .prepare_cached("SELECT min(until) FROM undo")?
        .query_row([], |row| sql::maybe_time(row, 0))?)
}

/// Makes the incident what it was before the decision; none where that was sent, or may be, and where there is none.
pub(super) fn undo(
    connection: &Connection,
    incident: IncidentId,
    now: Timestamp,
) -> Result<Option<IncidentRow>, JournalError> {
    release(connection, now)?;
    let restored = connection
        .prepare_cached(
            "UPDATE incident SET dismissed_at = CASE WHEN (SELECT handling FROM undo WHERE incident = ?1) NOT IN (0, 3) THEN dismissed_at END, \
             seen_at = CASE WHEN unopened <> 1 OR (SELECT unopened FROM undo WHERE incident = ?1) = 1 THEN seen_at END, \
             (handling, decision, decided_at, decided_here, note, account, handled_at, refusal, outcome, handled_by, unopened) = \
             (SELECT handling, decision, decided_at, decided_here, note, account, handled_at, refusal, outcome, handled_by, unopened \
             FROM undo WHERE incident = ?1) WHERE id = ?1 AND id IN (SELECT incident FROM undo)",
        )?
        .execute([incident.0])?;
    if restored == 0 {
        return Ok(None);
    }
    decisions::withdraw(connection, incident)?;
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO outbox (alert, decision, note, account, decided_at, state, tries, answered_at, refusal) \
             SELECT alert, decision, note, account, decided_at, state, tries, answered_at, refusal FROM undo_outbox \
             WHERE incident = ?1 ORDER BY alert",
        )?
        .execute([incident.0])?;
    decide_on_the_rest(connection, incident)?;
    decisions::forget_unless_ours(connection, incident)?;
    notes::nothing_to_say(connection, incident)?;
    let_go(connection, incident)?;
    decisions::settled_meanwhile(connection, incident, now)?;
    sql::incident(connection, incident)
}

/// What came while the decision was held belongs to the one before it, if there was one.
fn decide_on_the_rest(connection: &Connection, incident: IncidentId) -> Result<(), JournalError> {
    let added = connection
        .prepare_cached(
            "INSERT INTO outbox (alert, decision, note, account, decided_at) \
             SELECT a.id, i.decision, i.note, i.account, i.decided_at FROM alert a JOIN incident i ON i.id = a.incident \
             WHERE i.id = ?1 AND i.decided_here AND i.handling <> 0 AND coalesce(a.decided_there, 0) NOT IN (1, 2) \
             AND a.id NOT IN (SELECT alert FROM outbox) ORDER BY a.id",
        )?
        .execute([incident.0])?;
    if added > 0 { grouping::refresh_handling(connection, incident) } else { Ok(()) }
}
