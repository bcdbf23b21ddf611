//! Which alert an account of a detection belongs to.
//!
//! A detection is told up to three times: `anomaly_detected` knows the stream, the person and the frame (its key),
//! `notification` knows the anomaly id, a row of the record knows both. Key and id join exactly; who does not say the
//! person, or the window's first frame, speaks of the one alert of that frame of which nobody of its kind spoke yet. A notice and a
//! detection that share only stream and person are joined by a guess, the oldest within five seconds; whoever knows
//! both key and id afterwards corrects a wrong guess, so that different detections never stay merged.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use visionguard_proto::{Alert, AnomalyId, Via};

use super::grouping;
use super::owner::undone_on_error;
use super::row::Incoming;
use super::sql::{self, Held, TOLD_BY_DETECTION, TOLD_BY_NOTICE, TOLD_BY_RECORD};
use super::store::{self, Account, Written};
use super::{JournalError, cursor, notes};
use crate::model::{AlertId, Changed, Entry, IncidentId, Recorded, Repaired, Source};

/// How far apart a detection and its notice may be received.
const GUESS_WITHIN: i64 = 5 * 1_000_000;

/// Stores what waits together, in this order, within the transaction that is open.
pub(super) fn record_each(
    connection: &Connection,
    incoming: &[Incoming],
    written: Written,
) -> Vec<Result<Recorded, JournalError>> {
    let mut whole = true;
    let one = |incoming: &Incoming| {
        // A full disk may end the whole transaction; a savepoint would begin another.
        if connection.is_autocommit() {
            return Err(JournalError::Full);
        }
        let stored = undone_on_error(connection, |connection| {
            let recorded =
                record(connection, &incoming.alert, incoming.received_at, incoming.source, written)?;
            if let (Some((of, to)), true) = (&incoming.place, whole) {
                cursor::set_cursor(connection, of, to)?;
            }
            Ok(recorded)
        });
        whole &= stored.is_ok();
        stored
    };
    incoming.iter().map(one).collect()
}

/// Stores one account of a detection.
pub(super) fn record(
    connection: &Connection,
    alert: &Alert,
    received_at: Timestamp,
    source: Source,
    written: Written,
) -> Result<Recorded, JournalError> {
    let account = Account::new(alert, received_at, source, written);
    let mut repairs = Repairs::default();
    let place = match (&alert.anomaly_id, alert.via) {
        (Some(id), Via::Notification) => place_notice(connection, &account, id)?,
        (Some(id), Via::Detection | Via::Record) => place_named(connection, &account, id, &mut repairs)?,
        (None, Via::Detection | Via::Notification | Via::Record) => place_unnamed(connection, &account)?,
    };
    match place {
        Place::Known(held) => {
            let changed = store::tell(connection, &held, &account)?;
            let repaired = repairs.entries(connection)?;
            let entry = Box::new(known(connection, held.stored.id)?);
            if changed.any() || !repaired.is_empty() {
                Ok(Recorded::Joined { entry, changed, repaired })
            } else {
                Ok(Recorded::Repeat { entry })
            }
        }
        Place::Learnt(held) => {
            let changed = Changed { anomaly_id: true, ..store::tell(connection, &held, &account)? };
            let repaired = repairs.entries(connection)?;
            Ok(Recorded::Joined { entry: Box::new(known(connection, held.stored.id)?), changed, repaired })
        }
        Place::Nowhere => {
            let (held, first_of_incident) = store::insert(connection, &account)?;
            let repaired = repairs.entries(connection)?;
            let entry = Box::new(sql::with_incident(connection, held.stored)?);
            Ok(Recorded::New { entry, first_of_incident, repaired })
        }
    }
}

/// Where an account belongs.
enum Place {
    /// To this alert.
    Known(Held),
    /// To this alert, which has just learnt its anomaly id.
    Learnt(Held),
    /// To no alert that is known.
    Nowhere,
}

/// Other alerts that a correction changed.
#[derive(Default)]
struct Repairs {
    corrected: Option<AlertId>,
    split_off: Option<AlertId>,
    absorbed: Option<Held>,
}

impl Repairs {
    fn entries(self, connection: &Connection) -> Result<Repaired, JournalError> {
        let entry = |id: Option<AlertId>| -> Result<Option<Box<Entry>>, JournalError> {
            id.map(|id| known(connection, id).map(Box::new)).transpose()
        };
        let removed_incident = match &self.absorbed {
            Some(absorbed) => grouping::sum_up(connection, absorbed.stored.incident)?,
            None => None,
        };
        Ok(Repaired {
            corrected: entry(self.corrected)?,
            split_off: entry(self.split_off)?,
            absorbed: self.absorbed.map(|absorbed| absorbed.stored.id),
            removed_incident,
        })
    }
}

/// A notice: its id is exact, and which detection it speaks of is a guess.
fn place_notice(
    connection: &Connection,
    account: &Account<'_>,
    id: &AnomalyId,
) -> Result<Place, JournalError> {
    if let Some(holder) = by_anomaly(connection, id)? {
        return Ok(Place::Known(holder));
    }
    let Some(detection) = lonely(connection, account, TOLD_BY_DETECTION)? else { return Ok(Place::Nowhere) };
    name(connection, detection.stored.id, Some(id), false)?;
    Ok(Place::Learnt(detection))
}

/// An account without an id: its key is exact, and which notice spoke of it is a guess.
fn place_unnamed(connection: &Connection, account: &Account<'_>) -> Result<Place, JournalError> {
    if let Some(home) = by_key(connection, account)? {
        return Ok(Place::Known(home));
    }
    match lonely(connection, account, TOLD_BY_NOTICE)? {
        Some(notice) => Ok(Place::Known(notice)),
        None => Ok(Place::Nowhere),
    }
}

/// An account that has an id of its own right, and mostly a key: the authority over both.
fn place_named(
    connection: &Connection,
    account: &Account<'_>,
    id: &AnomalyId,
    repairs: &mut Repairs,
) -> Result<Place, JournalError> {
    let holder = by_anomaly(connection, id)?;
    let home =
        by_key(connection, account)?.filter(|home| !home.sure || home.stored.anomaly_id.as_ref() == Some(id));
    match (holder, home) {
        (Some(holder), home) if is_settled(&holder, home.as_ref(), account) => {
            let sure = holder.sure || account.key().is_some() || !holder.has_key();
            name(connection, holder.stored.id, Some(id), sure)?;
            Ok(Place::Known(holder))
        }
        (Some(holder), Some(home)) => {
            move_name(connection, id, &holder, &home, repairs)?;
            Ok(Place::Learnt(home))
        }
        (Some(holder), None) if holder.has_key() => {
            // A notice was taken for part of another detection than its own.
            name(connection, holder.stored.id, None, false)?;
            repairs.corrected = Some(holder.stored.id);
            Ok(Place::Nowhere)
        }
        (Some(holder), None) => {
            name(connection, holder.stored.id, Some(id), true)?;
            Ok(Place::Known(holder))
        }
        (None, Some(home)) => {
            if let Some(displaced) = &home.stored.anomaly_id {
                name(connection, home.stored.id, None, false)?;
                repairs.split_off = Some(store::split_off(connection, &home, displaced)?);
            }
            name(connection, home.stored.id, Some(id), true)?;
            Ok(Place::Learnt(home))
        }
        (None, None) => Ok(Place::Nowhere),
    }
}

/// Whether the alert that has the id is the right one, as far as this account can tell.
fn is_settled(holder: &Held, home: Option<&Held>, account: &Account<'_>) -> bool {
    let same = home.is_some_and(|home| home.stored.id == holder.stored.id);
    same || account.key().is_none() || (holder.sure && holder.has_key())
}

/// Gives the id to `home`, to which it belongs, and what `home` had been given by mistake to `holder`.
fn move_name(
    connection: &Connection,
    id: &AnomalyId,
    holder: &Held,
    home: &Held,
    repairs: &mut Repairs,
) -> Result<(), JournalError> {
    let displaced = home.stored.anomaly_id.as_ref();
    name(connection, holder.stored.id, None, false)?;
    name(connection, home.stored.id, Some(id), true)?;
    if displaced.is_none() && !holder.has_key() {
        store::absorb(connection, holder, home)?;
        repairs.absorbed = Some(holder.clone());
        return Ok(());
    }
    if displaced.is_some() {
        name(connection, holder.stored.id, displaced, false)?;
    }
    repairs.corrected = Some(holder.stored.id);
    Ok(())
}

/// Gives an alert this anomaly id, or takes it away together with the notice that brought it; a decision that went
/// out under another id goes out again.
fn name(
    connection: &Connection,
    alert: AlertId,
    id: Option<&AnomalyId>,
    sure: bool,
) -> Result<(), JournalError> {
    let id = id.map(|id| id.as_str());
    let (before, incident): (Option<String>, i64) = connection
        .prepare_cached("SELECT anomaly_id, incident FROM alert WHERE id = ?1")?
        .query_row([alert.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    connection
        .prepare_cached(
            "UPDATE alert SET anomaly_id = ?2, sure = ?3, told_by = CASE WHEN ?2 IS NULL THEN told_by & ~?4 \
             WHEN ?3 THEN told_by ELSE told_by | ?4 END WHERE id = ?1",
        )?
        .execute(params![alert.0, id, sure, TOLD_BY_NOTICE])?;
    if before.as_deref() == id {
        return Ok(());
    }
    // What is known of the other row, and what was written there, is nothing to this one.
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO note_due (alert, account, noted_at) SELECT id, \
             (SELECT value FROM value WHERE name = 'account'), received_at FROM alert WHERE id = ?1 AND our_note IS NOT NULL",
        )?
        .execute([alert.0])?;
    connection
        .prepare_cached("UPDATE alert SET there_at = NULL, there_note = NULL, our_note = NULL WHERE id = ?1")?
        .execute([alert.0])?;
    notes::gather(connection, IncidentId(incident))?;
    let again = connection
        .prepare_cached(
            "UPDATE outbox SET state = 0, answered_at = NULL, refusal = NULL WHERE alert = ?1 AND state <> 0",
        )?
        .execute([alert.0])?;
    // What was sent under the other name, and is not answered yet, is no answer to this one.
    if before.is_some() {
        connection
            .prepare_cached("UPDATE outbox SET id = (SELECT max(id) FROM outbox) + 1 WHERE alert = ?1")?
            .execute([alert.0])?;
    }
    if again > 0 {
        grouping::refresh_handling(connection, IncidentId(incident))?;
    }
    Ok(())
}

fn by_anomaly(connection: &Connection, id: &AnomalyId) -> Result<Option<Held>, JournalError> {
    sql::alert(connection, "WHERE a.anomaly_id = ?1", [id.as_str()])
}

fn by_key(connection: &Connection, account: &Account<'_>) -> Result<Option<Held>, JournalError> {
    let Some(key) = account.key() else { return Ok(None) };
    sql::alert(
        connection,
        "WHERE a.stream_id = ?1 AND a.frame_number = ?2 AND (a.person_id IS ?3 AND a.start_frame IS ?4 \
         OR a.told_by & ?5 = 0 AND (a.person_id IS ?3 OR a.person_id IS NULL OR ?3 IS NULL) \
             AND (a.start_frame IS ?4 OR a.start_frame IS NULL OR ?4 IS NULL)) \
         ORDER BY a.person_id IS NOT ?3, a.start_frame IS NOT ?4, a.id",
        params![key.stream_id, key.frame_number, key.person_id, key.start_frame, told_by(account.alert.via)],
    )
}

/// The oldest alert of this stream and person that only this kind of message has told of, received a few seconds away;
/// where there is none, the oldest of which one of the two does not say the person.
fn lonely(
    connection: &Connection,
    account: &Account<'_>,
    told_by: i64,
) -> Result<Option<Held>, JournalError> {
    let Some((stream_id, person_id)) = account.subject() else { return Ok(None) };
    let at = account.received_at.as_microsecond();
    let named = if told_by == TOLD_BY_DETECTION { "a.anomaly_id IS NULL" } else { "a.frame_number IS NULL" };
    sql::alert(
        connection,
        &format!(
            "WHERE a.stream_id = ?1 AND (a.person_id = ?2 OR a.person_id IS NULL OR ?2 IS NULL) AND a.told_by = ?3 \
             AND a.received_at BETWEEN ?4 AND ?5 AND a.kind = ?6 AND {named} \
             ORDER BY a.person_id IS NOT ?2, a.received_at, a.id"
        ),
        params![
            stream_id,
            person_id,
            told_by,
            at - GUESS_WITHIN,
            at + GUESS_WITHIN,
            sql::kind_number(account.alert.kind)
        ],
    )
}

fn known(connection: &Connection, id: AlertId) -> Result<Entry, JournalError> {
    sql::entry(connection, id)?.ok_or(JournalError::Damaged)
}

/// The bit for this way of telling.
pub(super) fn told_by(via: Via) -> i64 {
    match via {
        Via::Detection => TOLD_BY_DETECTION,
        Via::Notification => TOLD_BY_NOTICE,
        Via::Record => TOLD_BY_RECORD,
    }
}
