//! All that is kept of one incident, for evidence of it.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::{Journal, JournalError, sql};
use crate::model::{IncidentId, IncidentRow, Stored};

/// An incident with everything that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    pub incident: IncidentRow,
    /// Every alert, oldest first.
    pub alerts: Vec<Stored>,
    /// When it was decided on, or when a decision made elsewhere was learnt of; by this computer's clock.
    pub decided_at: Option<Timestamp>,
    /// When the decision was settled: by this computer's clock where it was made here, else by the server's.
    pub handled_at: Option<Timestamp>,
    /// Hostile text.
    pub note: Option<String>,
    /// Whose decision it is, where it was made here: a person at a server.
    pub account: Option<String>,
    /// By how much the server's clock was ahead when the newest alert of which that is known came, and when that was.
    pub clock_ahead: Option<(SignedDuration, Timestamp)>,
}

impl Journal {
    /// All that is kept of an incident; `None` if it is not known.
    pub async fn whole_incident(&self, id: IncidentId) -> Result<Option<Whole>, JournalError> {
        self.read(move |connection| whole(connection, id)).await
    }
}

fn whole(connection: &Connection, id: IncidentId) -> Result<Option<Whole>, JournalError> {
    let Some(incident) = sql::incident(connection, id)? else { return Ok(None) };
    let alerts = sql::alerts(connection, "WHERE a.incident = ?1 ORDER BY a.at, a.id", [id.0])?;
    let of_decision = "SELECT decided_at, handled_at, note, account FROM incident WHERE id = ?1";
    let (decided_at, handled_at, note, account) =
        connection.prepare_cached(of_decision)?.query_row([id.0], |row| {
            Ok((sql::maybe_time(row, 0)?, sql::maybe_time(row, 1)?, sql::text(row, 2)?, sql::text(row, 3)?))
        })?;
    let of_clock = "SELECT clock_ahead, received_at FROM alert \
                    WHERE incident = ?1 AND clock_ahead IS NOT NULL ORDER BY received_at DESC LIMIT 1";
    let clock_ahead = connection
        .prepare_cached(of_clock)?
        .query_row([id.0], |row| Ok((SignedDuration::from_micros(row.get(0)?), sql::time(row, 1)?)))
        .optional()?;
    Ok(Some(Whole {
        incident,
        alerts: alerts.into_iter().map(|held| held.stored).collect(),
        decided_at,
        handled_at,
        note,
        account,
        clock_ahead,
    }))
}
