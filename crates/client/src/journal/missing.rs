//! Rows that the server's record is known to have and the journal has not.
//!
//! The record tells how many rows a shop has. How many of them were never wanted is not known, so that only the
//! difference between two complete comparisons speaks: if the record grew by more than the journal did, the rest was
//! lost, whatever became of it: a row that cannot be read, or one that was written with a time long past.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use visionguard_proto::ShopId;

use super::{JournalError, unsent, upkeep};

/// By how many rows the record of a shop was larger than the journal's part of it, among the small values.
const APART: &str = "apart:";

/// What a count came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// By how many rows the record is larger.
    apart: i64,
    /// The same when it was last compared to its end.
    before: Option<i64>,
}

impl Count {
    /// Whether there is anything to write down.
    pub(super) fn is_news(self) -> bool {
        self.before != Some(self.apart)
    }

    /// Whether the record grew by more rows than came here, and than so many that cannot.
    pub(super) fn is_short(self, unsent: i64) -> bool {
        self.before.is_some_and(|before| self.apart > before.saturating_add(unsent))
    }
}

/// Counts this shop's rows against how many the record had, at the least and at the most, while the comparison that was
/// just stored read it: which of those written meanwhile it has seen is not known.
pub(super) fn count(
    connection: &Connection,
    shop: &ShopId,
    total: &RangeInclusive<u64>,
) -> Result<Count, JournalError> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM alert WHERE shop_id = ?1 AND told_by >= 4")?;
    let told: i64 = statement.query_row([shop.as_str()], |row| row.get(0))?;
    let here = told + unsent::here_all_the_same(connection, shop)?;
    let before = upkeep::value(connection, &format!("{APART}{shop}"))?.and_then(|text| text.parse().ok());
    let apart = |total: &u64| i64::try_from(*total).unwrap_or(i64::MAX).saturating_sub(here);
    let (least, most) = (apart(total.start()), apart(total.end()));
    let apart = before.map_or(most, |before: i64| before.min(most).max(least));
    Ok(Count { apart, before })
}

/// Notes what a count came to: what the record has more than before is missing, what it has less was found, the newest
/// first.
pub(super) fn note(
    connection: &Connection,
    shop: &ShopId,
    count: Count,
    at: Timestamp,
) -> Result<(), JournalError> {
    let text = count.apart.to_string();
    upkeep::set_value(connection, &format!("{APART}{shop}"), Some(&text))?;
    let more = count.before.map_or(0, |before| count.apart - before);
    for _ in 0..more.min(MOST) {
        connection
            .prepare_cached("INSERT INTO missing (shop_id, noted_at) VALUES (?1, ?2)")?
            .execute(params![shop.as_str(), at.as_microsecond()])?;
    }
    if more < 0 {
        connection
            .prepare_cached(
                "DELETE FROM missing WHERE id IN \
                 (SELECT id FROM missing WHERE shop_id = ?1 ORDER BY id DESC LIMIT ?2)",
            )?
            .execute(params![shop.as_str(), -more])?;
    }
    Ok(())
}

/// More at once are no alerts that were lost, but another record.
const MOST: i64 = 10_000;

/// How many rows were noted as missing in this time.
pub(super) fn within(connection: &Connection, from: Timestamp, to: Timestamp) -> Result<u32, JournalError> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM missing WHERE noted_at >= ?1 AND noted_at < ?2")?;
    Ok(statement.query_row([from.as_microsecond(), to.as_microsecond()], |row| row.get(0))?)
}

/// Rows were taken away here: the next counts begin anew.
pub(super) fn begin_anew(connection: &Connection) -> Result<(), JournalError> {
    connection.execute("DELETE FROM value WHERE name LIKE ?1 || '%'", [APART])?;
    Ok(())
}
