//! Notes about incidents, at any time and whatever was decided, and those that others wrote.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::sql;
use super::undo::NOT_HELD;
use super::{JournalError, decisions};
use crate::model::{AlertId, Disposition, DueNote, IncidentId, IncidentRow, There};
use crate::notes::{self, Line};
use crate::view::NoteView;

/// Lines of others that are shown of one incident.
const MOST: usize = 20;
/// Rows that are looked at for them, the newest.
const ROWS: i64 = 50;

/// What became of a note.
#[derive(Debug, Clone, PartialEq)]
pub enum Noted {
    Unknown,
    /// What is said to have come of it does not go with what is decided.
    Unfit,
    Kept(Box<IncidentRow>),
}

/// Writes about an incident, and what came of it, and leaves the decision as it is. None leaves what was said before.
pub(super) fn note(
    connection: &Connection,
    incident: IncidentId,
    note: Option<&str>,
    outcome: Option<Disposition>,
    at: Timestamp,
) -> Result<Noted, JournalError> {
    let Some(row) = sql::incident(connection, incident)? else { return Ok(Noted::Unknown) };
    if outcome.is_some_and(|outcome| row.handling.decision() != Some(outcome.of())) {
        return Ok(Noted::Unfit);
    }
    let number = outcome.map(sql::outcome_number);
    connection
        .prepare_cached(
            "UPDATE incident SET note = coalesce(?2, note), outcome = coalesce(?3, outcome), \
             seen_at = coalesce(seen_at, ?4) WHERE id = ?1",
        )?
        .execute(params![incident.0, note, number, at.as_microsecond()])?;
    // Taken back, a decision takes nothing along that was written by itself.
    connection
        .prepare_cached("UPDATE undo SET note = coalesce(?2, note) WHERE incident = ?1")?
        .execute(params![incident.0, note])?;
    connection
        .prepare_cached(
            "UPDATE outbox SET note = coalesce(?2, note) WHERE state = 0 \
             AND alert IN (SELECT id FROM alert WHERE incident = ?1)",
        )?
        .execute(params![incident.0, note])?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO note_due (alert, account, noted_at) \
             SELECT id, (SELECT value FROM value WHERE name = 'account'), ?2 FROM alert WHERE incident = ?1",
        )?
        .execute(params![incident.0, at.as_microsecond()])?;
    Ok(sql::incident(connection, incident)?.map_or(Noted::Unknown, |row| Noted::Kept(Box::new(row))))
}

/// Notes that can be sent: of alerts that nothing is to be decided about first. What another person decided on this computer
/// is not signed by who writes now.
pub(super) fn due(connection: &Connection, limit: u32) -> Result<Vec<DueNote>, JournalError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT a.id, a.incident, a.anomaly_id, i.note, i.outcome, \
         CASE WHEN i.decided_here AND i.handling <> 3 AND i.account IS n.account THEN i.decision END, \
         CASE WHEN NOT i.decided_here OR i.account IS n.account THEN a.our_note END \
         FROM note_due n JOIN alert a ON a.id = n.alert JOIN incident i ON i.id = a.incident \
         WHERE a.anomaly_id IS NOT NULL AND {NOT_HELD} \
         AND n.account IS (SELECT value FROM value WHERE name = 'account') \
         AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.alert = a.id AND o.state = 0) \
         ORDER BY n.tries, n.noted_at, a.id LIMIT ?1"
    ))?;
    let rows = statement.query_map([limit], |row| {
        let Some(anomaly_id) = sql::anomaly(row, 2)? else { return Ok(None) };
        Ok(Some(DueNote {
            alert: AlertId(row.get(0)?),
            incident: IncidentId(row.get(1)?),
            anomaly_id,
            note: sql::text(row, 3)?,
            outcome: row.get::<_, Option<i64>>(4)?.and_then(sql::outcome),
            decided: row.get::<_, Option<i64>>(5)?.map(sql::decision),
            our_note: sql::text(row, 6)?,
        }))
    })?;
    let due: Vec<Option<DueNote>> = rows.collect::<Result<_, _>>()?;
    Ok(due.into_iter().flatten().collect())
}

/// This note is there, or never will be; the incident, unless more of it is due.
pub(super) fn settled(
    connection: &Connection,
    due: &DueNote,
    there: Option<&There>,
) -> Result<Option<IncidentRow>, JournalError> {
    if let Some(there) = there {
        decisions::there(connection, &due.anomaly_id, there)?;
    }
    // One that was written anew meanwhile is due again.
    let done = connection
        .prepare_cached(
            "DELETE FROM note_due WHERE alert = ?1 AND EXISTS (SELECT 1 FROM alert a JOIN incident i ON i.id = a.incident \
             WHERE a.id = ?1 AND i.note IS ?2 AND i.outcome IS ?3)",
        )?
        .execute(params![due.alert.0, due.note, due.outcome.map(sql::outcome_number)])?;
    if done == 0 || waits(connection, due.incident)? {
        return Ok(None);
    }
    sql::incident(connection, due.incident)
}

/// Nothing is due of an incident about which nothing is said any more, and the server was told nothing.
pub(super) fn nothing_to_say(connection: &Connection, incident: IncidentId) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "DELETE FROM note_due WHERE alert IN (SELECT a.id FROM alert a JOIN incident i ON i.id = a.incident \
             WHERE i.id = ?1 AND i.note IS NULL AND i.outcome IS NULL AND a.our_note IS NULL)",
        )?
        .execute([incident.0])?;
    Ok(())
}

/// It could not be sent now.
pub(super) fn later(connection: &Connection, due: &DueNote) -> Result<(), JournalError> {
    connection
        .prepare_cached("UPDATE note_due SET tries = tries + 1 WHERE alert = ?1")?
        .execute([due.alert.0])?;
    Ok(())
}

/// Whether a note of this incident, or a decision that carries it, is not sent yet.
pub(super) fn waits(connection: &Connection, incident: IncidentId) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM alert a WHERE a.incident = ?1 AND (EXISTS (SELECT 1 FROM note_due n WHERE n.alert = a.id) \
             OR EXISTS (SELECT 1 FROM outbox o WHERE o.alert = a.id AND o.state = 0))",
        )?
        .exists([incident.0])?)
}

/// What was written here.
pub(super) fn ours(connection: &Connection, incident: IncidentId) -> Result<Option<String>, JournalError> {
    let mut statement = connection.prepare_cached("SELECT note FROM incident WHERE id = ?1")?;
    let note = statement.query_row([incident.0], |row| sql::text(row, 0)).optional()?;
    Ok(note.flatten().filter(|note| !note.is_empty()))
}

/// Keeps what others wrote about it where it is looked through.
pub(super) fn gather(connection: &Connection, incident: IncidentId) -> Result<(), JournalError> {
    let theirs: Vec<String> = theirs(connection, incident)?.into_iter().map(|note| note.text).collect();
    let said = Some(theirs.join("\n")).filter(|said| !said.is_empty());
    connection
        .prepare_cached("UPDATE incident SET said_there = ?2 WHERE id = ?1 AND said_there IS NOT ?2")?
        .execute(params![incident.0, said])?;
    Ok(())
}

/// What others wrote about it, as the record had it last, each line once, oldest first. Hostile text.
pub(super) fn theirs(connection: &Connection, incident: IncidentId) -> Result<Vec<NoteView>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT there_note, our_note FROM alert WHERE incident = ?1 AND there_note IS NOT NULL ORDER BY id DESC LIMIT ?2",
    )?;
    let rows = statement.query_map([incident.0, ROWS], |row| Ok((sql::text(row, 0)?, sql::text(row, 1)?)))?;
    let mut found: Vec<NoteView> = Vec::new();
    for row in rows {
        let (Some(there), ours) = row? else { continue };
        let others = there.lines().map(str::trim).filter(|line| ours.as_deref() != Some(*line));
        for Line { text, signed } in others.flat_map(notes::lines) {
            let note = NoteView { text: notes::rest(&text).to_owned(), by: signed.map(|(_, name)| name) };
            if !note.text.is_empty() && !found.contains(&note) && found.len() < MOST {
                found.push(note);
            }
        }
    }
    Ok(found)
}
