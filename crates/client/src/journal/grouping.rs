//! Incidents: the alerts of one person at one camera whose pauses stay under a minute.
//!
//! An incident that was decided on or taken out of view goes on for one more minute, so that pressing Acknowledge
//! amid a storm does not raise the next notification a second later; what comes after that minute is a new incident,
//! so that nobody's later act is covered by an earlier decision.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::sql::{Held, OPEN, RECORDED, REFUSED, REOPENED, SENDING};
use super::{JournalError, notes};
use crate::model::IncidentId;
use crate::words;

/// A longer pause ends an incident; a decision covers what follows for as long.
pub(super) const PAUSE: i64 = 60 * 1_000_000;
/// How far back an incident's camera is looked at for repetition.
const REPETITION: i64 = 5 * 60 * 1_000_000;
/// Counted no further than this: catching up must not count thousands again with each of them.
const MOST_REPEATED: i64 = 100;

/// Of whom, where and when an alert is.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) kind: i64,
    pub(super) stream_id: Option<&'a str>,
    pub(super) person_id: Option<i64>,
    pub(super) at: i64,
}

/// The incident that an alert belongs to, opened if there is none yet: and whether it was.
pub(super) fn place(
    connection: &Connection,
    subject: &Subject<'_>,
) -> Result<(IncidentId, bool), JournalError> {
    if let Some(known) = running(connection, subject)? {
        return Ok((known, false));
    }
    let earlier: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM incident \
             WHERE stream_id = ?1 AND kind = ?2 AND last_at > ?3 AND first_at <= ?4 LIMIT ?5)",
        )?
        .query_row(
            params![subject.stream_id, subject.kind, subject.at - REPETITION, subject.at, MOST_REPEATED],
            |row| row.get(0),
        )?;
    connection
        .prepare_cached(
            "INSERT INTO incident (kind, stream_id, person_id, first_at, last_at, alerts, nth, live) \
             VALUES (?1, ?2, ?3, ?4, ?4, 0, ?5, 0)",
        )?
        .execute(params![subject.kind, subject.stream_id, subject.person_id, subject.at, earlier + 1])?;
    Ok((IncidentId(connection.last_insert_rowid()), true))
}

fn running(connection: &Connection, subject: &Subject<'_>) -> Result<Option<IncidentId>, JournalError> {
    let Some(stream_id) = subject.stream_id else { return Ok(None) };
    let id = connection
        .prepare_cached(
            "SELECT id FROM incident \
             WHERE stream_id = ?1 AND person_id IS ?2 AND kind = ?3 AND last_at > ?4 - ?5 AND first_at < ?4 + ?5 \
             AND (decided_at IS NULL OR handling = 0 OR ?4 < decided_at + ?5) AND (dismissed_at IS NULL OR ?4 < dismissed_at + ?5) \
             ORDER BY last_at DESC LIMIT 1",
        )?
        .query_row(params![stream_id, subject.person_id, subject.kind, subject.at, PAUSE], |row| row.get(0))
        .optional()?;
    Ok(id.map(IncidentId))
}

/// What an incident takes over of what an alert says.
const SAYS: &str = "shop_id = coalesce(shop_id, ?2), location = coalesce(location, ?3), text = coalesce(text, ?4), \
     top_score = max(coalesce(top_score, ?5), coalesce(?5, top_score)), live = max(live, ?6), \
     cover = CASE WHEN ?7 THEN max(coalesce(cover, 0), ?8) ELSE cover END";

/// Adds an alert that was just stored to its incident's sums, and to its decision if there is one.
pub(super) fn add(connection: &Connection, held: &Held) -> Result<(), JournalError> {
    let alert = &held.stored;
    connection
        .prepare_cached(&format!(
            "UPDATE incident SET {SAYS}, alerts = alerts + 1, last_at = max(last_at, ?9) WHERE id = ?1"
        ))?
        .execute(params![
            alert.incident.0,
            alert.shop_id.as_ref().map(|id| id.as_str()),
            alert.location,
            alert.text,
            alert.score,
            alert.source == crate::model::Source::Live,
            alert.picture.is_some(),
            alert.id.0,
            held.at,
        ])?;
    // Seldom, and on its own: whatever sets it, be it to what it is, has four indices written anew.
    connection
        .prepare_cached("UPDATE incident SET first_at = ?2 WHERE id = ?1 AND first_at > ?2")?
        .execute(params![alert.incident.0, held.at])?;
    let covered = connection
        .prepare_cached(
            "INSERT INTO outbox (alert, decision, note, account, decided_at) \
             SELECT ?2, decision, note, account, decided_at FROM incident WHERE id = ?1 AND decided_here AND handling <> 0",
        )?
        .execute(params![alert.incident.0, alert.id.0])?;
    if covered > 0 {
        refresh_handling(connection, alert.incident)?;
    }
    Ok(())
}

/// Takes what an alert now says over into its incident.
pub(super) fn tell(connection: &Connection, held: &Held) -> Result<(), JournalError> {
    let alert = &held.stored;
    connection.prepare_cached(&format!("UPDATE incident SET {SAYS} WHERE id = ?1"))?.execute(params![
        alert.incident.0,
        alert.shop_id.as_ref().map(|id| id.as_str()),
        alert.location,
        alert.text,
        alert.score,
        alert.source == crate::model::Source::Live,
        alert.picture.is_some(),
        alert.id.0,
    ])?;
    Ok(())
}

/// Sums an incident up again after alerts left it; one without any is gone, and its number returned.
pub(super) fn sum_up(
    connection: &Connection,
    incident: IncidentId,
) -> Result<Option<IncidentId>, JournalError> {
    let gone = connection
        .prepare_cached(
            "DELETE FROM incident WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM alert WHERE incident = ?1)",
        )?
        .execute([incident.0])?;
    if gone > 0 {
        return Ok(Some(incident));
    }
    connection
        .prepare_cached(
            "UPDATE incident SET (alerts, first_at, last_at, top_score, cover, live) = (\
             SELECT count(*), min(at), max(at), max(score), max(CASE WHEN picture_bytes IS NOT NULL THEN id END), \
             max(live) FROM alert WHERE incident = ?1) WHERE id = ?1",
        )?
        .execute([incident.0])?;
    refresh_handling(connection, incident)?;
    notes::gather(connection, incident)?;
    Ok(None)
}

/// Derives an incident's handling from its part of the outbox.
pub(super) fn refresh_handling(connection: &Connection, incident: IncidentId) -> Result<(), JournalError> {
    let (sending, refused, all, answered, refusal): (i64, i64, i64, Option<i64>, Option<String>) = connection
        .prepare_cached(
            "SELECT count(CASE WHEN o.state = 0 THEN 1 END), count(CASE WHEN o.state = 2 THEN 1 END), count(*), \
             max(o.answered_at), max(o.refusal) FROM alert a JOIN outbox o ON o.alert = a.id WHERE a.incident = ?1",
        )?
        .query_row([incident.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
    if all == 0 {
        return Ok(());
    }
    let state = if sending > 0 {
        SENDING
    } else if refused > 0 {
        REFUSED
    } else {
        RECORDED
    };
    // What is opened again is open, whether or not the server has that.
    let reopens: Option<bool> = connection
        .prepare_cached("SELECT decision = ?2 FROM incident WHERE id = ?1")?
        .query_row(params![incident.0, REOPENED], |row| row.get(0))?;
    let state = if reopens == Some(true) && state != REFUSED { OPEN } else { state };
    let recorded = all - sending - refused;
    let refusal = match refusal {
        Some(why) if recorded > 0 => {
            let (done, all) = (recorded.to_string(), all.to_string());
            Some(words::text("problem.decision_partly", &[("done", &done), ("all", &all), ("why", &why)]))
        }
        whole => whole,
    };
    connection
        .prepare_cached(
            "UPDATE incident SET handling = ?2, handled_at = ?3, refusal = ?4, \
             dismissed_at = CASE WHEN ?2 NOT IN (0, ?5) THEN dismissed_at END WHERE id = ?1 AND decided_here",
        )?
        .execute(params![incident.0, state, answered, refusal, REFUSED])?;
    Ok(())
}

/// Marks an incident as looked at.
pub(super) fn seen(connection: &Connection, incident: IncidentId, at: Timestamp) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE incident SET seen_at = coalesce(seen_at, ?2), unopened = min(2 * unopened, 2) WHERE id = ?1",
        )?
        .execute(params![incident.0, at.as_microsecond()])?;
    Ok(())
}
