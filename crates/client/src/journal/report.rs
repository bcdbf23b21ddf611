//! What the report is made of: every alert of a time with its steps, and the times without a connection.

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::{JournalError, drill, gap, missing, outage, sql, unsent};
use crate::ledger::{Delays, Ledger, Line};
use crate::model::{AlertId, IncidentId, Source};

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
     CASE WHEN a.notified_at IS NOT NULL AND a.detected_at IS NOT NULL \
         THEN max(0, a.notified_at - a.detected_at + coalesce(a.clock_ahead, 0)) END, \
     CASE WHEN i.decision IS NULL OR a.detected_at IS NULL THEN NULL \
         WHEN i.decided_here THEN max(0, max(i.decided_at, a.received_at) - a.detected_at + coalesce(a.clock_ahead, 0)) \
         ELSE max(0, coalesce(i.handled_at, i.decided_at + coalesce(a.clock_ahead, 0)) - a.detected_at) END";

const LINE: &str = "SELECT a.id, a.incident, a.live, a.detected_at, a.received_at, a.stored_at, a.notified_at, \
     CASE WHEN i.seen_at >= a.received_at THEN i.seen_at END, \
     CASE WHEN i.decision IS NULL THEN NULL WHEN i.decided_here THEN max(i.decided_at, a.received_at) \
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
