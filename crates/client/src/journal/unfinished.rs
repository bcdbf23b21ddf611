//! Incidents that somebody should still do something about: read to tell of them again.

use jiff::Timestamp;
use rusqlite::params;

use super::{Journal, JournalError, sql};
use crate::model::{Entry, IncidentId, IncidentRow};

/// More than a person could be told of.
const MOST: u32 = 100;
/// Nobody acknowledges what began so long before, in microseconds: a month.
const BEGAN_BEFORE: i64 = 30 * 86_400_000_000;

impl Journal {
    /// What this account acknowledged on this computer since then and is not resolved, with when; the oldest first. What was
    /// cleared from view is left out.
    pub async fn acknowledged_since(
        &self,
        since: Timestamp,
        account: String,
    ) -> Result<Vec<(IncidentRow, Timestamp)>, JournalError> {
        self.read(move |connection| {
            let since = since.as_microsecond();
            let mut statement = connection.prepare_cached(
                "SELECT id, decided_at FROM incident WHERE first_at >= ?1 AND dismissed_at IS NULL \
                 AND handling IN (1, 2) AND decision = 0 AND decided_here AND decided_at >= ?2 \
                 AND (account IS NULL OR account = ?3) ORDER BY decided_at, id LIMIT ?4",
            )?;
            let values = params![since.saturating_sub(BEGAN_BEFORE), since, account, MOST];
            let ids: Vec<(i64, Timestamp)> = statement
                .query_map(values, |row| Ok((row.get(0)?, sql::time(row, 1)?)))?
                .collect::<Result<_, _>>()?;
            let rows = ids.into_iter().map(|(id, at)| {
                Ok(sql::incident(connection, IncidentId(id))?.map(|incident| (incident, at)))
            });
            Ok(rows.collect::<Result<Vec<_>, JournalError>>()?.into_iter().flatten().collect())
        })
        .await
    }

    /// What began since then, was told of, and nobody has decided on: each incident's newest alert, the oldest first.
    pub async fn unhandled_since(&self, since: Timestamp) -> Result<Vec<Entry>, JournalError> {
        self.read(move |connection| {
            let newest = sql::alerts(
                connection,
                "WHERE a.id IN (SELECT max(u.id) FROM incident i JOIN alert u ON u.incident = i.id \
                 WHERE i.dismissed_at IS NULL AND i.handling = 0 AND i.first_at >= ?1 \
                 AND i.notified_at IS NOT NULL GROUP BY i.id) ORDER BY a.id DESC LIMIT ?2",
                params![since.as_microsecond(), MOST],
            )?;
            let entries = newest.into_iter().rev().map(|held| sql::with_incident(connection, held.stored));
            entries.collect()
        })
        .await
    }
}
