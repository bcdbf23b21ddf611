//! What the report is made of: every alert of a time with its steps, and the times without a connection.

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::{JournalError, drill, gap, missing, outage, sql, unsent};
use crate::ledger::{Cases, Delays, Happened, Ledger, Line};
use crate::model::{AlertId, IncidentId, IncidentRow, Source};

/// Alerts told one by one.
const ENTRIES: usize = 500;

/// An alert counts to the time in which it has its place: when it came, or when it was detected if it was caught up on.
const OF_THE_TIME: &str = "FROM alert a JOIN incident i ON i.id = a.incident \
     WHERE a.at >= ?1 AND a.at < ?2 AND NOT a.early";

/// When a person acted by our clock, and from the detection to the notification and to the action.
///
/// The detection has the server's time, so that what our clock lags behind the server's is added. A decision made
/// elsewhere has the server's time as well. What was covered by an earlier decision was acted on when it came.
const STEPS: &str = "a.live, \
     CASE WHEN a.live AND a.notified_at IS NOT NULL AND a.detected_at IS NOT NULL \
         THEN max(0, a.notified_at - a.detected_at + coalesce(a.clock_ahead, 0)) END, \
     CASE WHEN coalesce(i.decision, 3) = 3 OR a.detected_at IS NULL THEN NULL \
         WHEN i.decided_here THEN max(0, max(i.decided_at, a.received_at) - a.detected_at + coalesce(a.clock_ahead, 0)) \
         ELSE max(0, coalesce(i.handled_at, i.decided_at + coalesce(a.clock_ahead, 0)) - a.detected_at) END";

const LINE: &str = "SELECT a.id, a.incident, a.live, a.detected_at, a.received_at, a.stored_at, a.notified_at, \
     CASE WHEN i.seen_at >= a.received_at THEN i.seen_at END, \
     CASE WHEN coalesce(i.decision, 3) = 3 THEN NULL WHEN i.decided_here THEN max(i.decided_at, a.received_at) \
         ELSE coalesce(i.handled_at - coalesce(a.clock_ahead, 0), i.decided_at) END, \
     a.clock_ahead";

/// Everything of this time.
pub(super) fn ledger(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> Result<Ledger, JournalError> {
    let mut gaps = gap::gaps(connection, from, to)?;
    gaps.extend(unsent::gaps(connection, from, to, now)?);
    let shrunk = missing::shrunk(connection, now, true)?;
    gaps.extend(shrunk.filter(|gap| gap.to >= from && gap.from.is_none_or(|begins| begins < to)));
    Ok(Ledger {
        delays: delays(connection, from, to)?,
        incidents: incidents(connection, from, to)?,
        lines: lines(connection, from, to)?,
        outages: outage::within(connection, from, to)?,
        gaps,
        lost: missing::within(connection, from, to)?,
        drills: drill::counts(connection, from, to)?,
        early: early(connection, from, to)?,
        cases: cases(connection, from, to)?,
    })
}

fn delays(connection: &Connection, from: Timestamp, to: Timestamp) -> Result<Delays, JournalError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {STEPS} {OF_THE_TIME}"))?;
    let mut rows = statement.query([from.as_microsecond(), to.as_microsecond()])?;
    let mut delays = Delays::default();
    while let Some(row) = rows.next()? {
        let source = if row.get(0)? { Source::Live } else { Source::History };
        delays.add(source, row.get(1)?, row.get(2)?);
    }
    Ok(delays)
}

fn incidents(connection: &Connection, from: Timestamp, to: Timestamp) -> Result<u32, JournalError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT count(DISTINCT a.incident) {OF_THE_TIME}"))?;
    Ok(statement.query_row([from.as_microsecond(), to.as_microsecond()], |row| row.get(0))?)
}

/// Alerts that are listed and whose way was not measured, and when the record was first read here, where there are such.
fn early(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
) -> Result<(u32, Option<Timestamp>), JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*), min(a.received_at) FROM alert a WHERE a.at >= ?1 AND a.at < ?2 AND a.early",
    )?;
    let time = [from.as_microsecond(), to.as_microsecond()];
    Ok(statement.query_row(time, |row| Ok((row.get(0)?, sql::maybe_time(row, 1)?)))?)
}

/// Every incident that began in this time, as the list has it. What was decided elsewhere took as long as the record says, if it
/// does: what was merely learnt of then was decided some time before.
fn cases(connection: &Connection, from: Timestamp, to: Timestamp) -> Result<Cases, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT i.first_at, i.stream_id, i.shop_id, s.name, i.location, \
         CASE WHEN i.handling IN (1, 2) THEN i.decision END, \
         CASE WHEN i.handling NOT IN (1, 2) THEN NULL \
             WHEN i.decided_here THEN max(0, i.decided_at - i.first_at) \
             WHEN i.handled_at <> i.decided_at THEN max(0, i.handled_at - i.first_at) END \
         FROM incident i LEFT JOIN shop s ON s.id = i.shop_id \
         WHERE i.first_at >= ?1 AND i.first_at < ?2 ORDER BY i.first_at, i.id",
    )?;
    let mut rows = statement.query([from.as_microsecond(), to.as_microsecond()])?;
    let mut cases = Cases::default();
    while let Some(row) = rows.next()? {
        cases.add(Happened {
            at: sql::time(row, 0)?,
            stream: sql::text(row, 1)?,
            shop: sql::text(row, 2)?,
            shop_name: sql::text(row, 3)?,
            location: sql::text(row, 4)?,
            decision: row.get::<_, Option<i64>>(5)?.map(sql::decision),
            to_decision: row.get(6)?,
        });
    }
    Ok(cases)
}

/// An incident with what was decided about it, for a table of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    pub incident: IncidentRow,
    /// By this computer's clock where it was decided here, else by the server's, as far as it told.
    pub decided_at: Option<Timestamp>,
    pub decided_here: bool,
    /// Hostile text.
    pub note: Option<String>,
}

/// Every incident that began in this time, oldest first.
pub(super) fn listed(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Listed>, JournalError> {
    let time = [from.as_microsecond(), to.as_microsecond()];
    let incidents = sql::incidents(
        connection,
        "WHERE i.first_at >= ?1 AND i.first_at < ?2 ORDER BY i.first_at, i.id",
        time,
    )?;
    let mut of_decision = connection.prepare_cached(
        "SELECT CASE WHEN decided_here THEN decided_at WHEN handled_at <> decided_at THEN handled_at END, \
         decided_here, note FROM incident WHERE id = ?1",
    )?;
    let with_decision = incidents.into_iter().map(|incident| {
        let (decided_at, decided_here, note) = of_decision.query_row([incident.id.0], |row| {
            Ok((sql::maybe_time(row, 0)?, row.get(1)?, sql::text(row, 2)?))
        })?;
        Ok(Listed { incident, decided_at, decided_here, note: note.filter(|note| !note.is_empty()) })
    });
    with_decision.collect()
}

fn lines(connection: &Connection, from: Timestamp, to: Timestamp) -> Result<Vec<Line>, JournalError> {
    let mut statement =
        connection.prepare_cached(&format!("{LINE} {OF_THE_TIME} ORDER BY a.at DESC, a.id DESC LIMIT ?3"))?;
    let limit = i64::try_from(ENTRIES).unwrap_or(i64::MAX);
    let rows = statement.query_map([from.as_microsecond(), to.as_microsecond(), limit], line)?;
    let mut lines: Vec<Line> = rows.collect::<Result<_, _>>()?;
    for line in &mut lines {
        line.of = sql::incident(connection, line.incident)?;
    }
    Ok(lines)
}

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line {
        alert: AlertId(row.get(0)?),
        incident: IncidentId(row.get(1)?),
        of: None,
        source: if row.get(2)? { Source::Live } else { Source::History },
        detected_at: sql::maybe_time(row, 3)?,
        detected_here: sql::here(sql::maybe_time(row, 3)?, row.get(9)?),
        received_at: sql::time(row, 4)?,
        stored_at: sql::time(row, 5)?,
        notified_at: sql::maybe_time(row, 6)?,
        seen_at: sql::maybe_time(row, 7)?,
        acted_at: sql::maybe_time(row, 8)?,
    })
}
