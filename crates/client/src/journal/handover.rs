//! What happened since somebody last looked.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Journal, JournalError, outage};
use crate::ledger;
use crate::view::{Handover, ReportQuery};

impl Journal {
    /// What happened in this time.
    pub async fn handover(&self, since: Timestamp, now: Timestamp) -> Result<Handover, JournalError> {
        self.read(move |connection| handover(connection, since, now)).await
    }
}

fn handover(connection: &Connection, since: Timestamp, now: Timestamp) -> Result<Handover, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT (SELECT count(*) FROM incident WHERE first_at >= ?1), \
         (SELECT count(*) FROM incident WHERE first_at >= ?1 AND handling IN (0, 3)), \
         (SELECT count(*) FROM incident WHERE decided_at >= ?1 AND handling = 2 AND NOT decided_here), \
         (SELECT count(*) FROM incident WHERE decided_at >= ?1 AND handling = 0 AND decision = 3 AND NOT decided_here)",
    )?;
    let (incidents, unhandled, decided_elsewhere, reopened_elsewhere) = statement
        .query_row(params![since.as_microsecond()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    let outages = outage::within(connection, since, now)?;
    let time = ReportQuery { from: since.as_millisecond(), to: now.as_millisecond() };
    Ok(Handover {
        since: time.from,
        incidents,
        unhandled,
        decided_elsewhere,
        reopened_elsewhere,
        outages: u32::try_from(outages.len()).unwrap_or(u32::MAX),
        offline_ms: ledger::offline(&outages, time, time.to),
    })
}
