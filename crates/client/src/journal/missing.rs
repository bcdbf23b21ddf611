//! Rows that the server's record is known to have and the journal has not.
//!
//! The record tells how many rows a shop has. How many of them were never wanted is known from the first complete
//! comparison. By how much the difference exceeds that later was lost, whatever became of it: a row that cannot be read, or
//! one that was written with a time long past. A record that shrinks for a while and comes back has lost nothing; while it has
//! fewer rows than it had, what it lacks cannot be compared.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use visionguard_proto::ShopId;

use super::{JournalError, unsent, upkeep};
use crate::model::{GapRow, IncidentId, Why};

/// By how many rows the record of a shop was larger than the journal's part of it, among the small values.
const APART: &str = "apart:";
/// How many rows of a shop's record were never wanted, among the small values.
const UNWANTED: &str = "unwanted:";
/// How many of these are stored all the same until the next count, among the small values.
const LISTED: &str = "listed:";
/// That the record of a shop has fewer rows than it had, among the small values.
const FEWER: &str = "fewer:";

/// What a count came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// By how many rows the record is larger.
    apart: i64,
    /// How many of its rows were never wanted.
    unwanted: i64,
    /// Both when it was last compared to its end.
    before: (Option<i64>, Option<i64>),
    /// By how many rows the record is smaller than it was.
    fewer: i64,
    /// The same as it is written down.
    known_fewer: Option<Fewer>,
}

/// A record that has fewer rows than it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Fewer {
    rows: i64,
    since: Timestamp,
    /// It was taken out of view.
    cleared: bool,
}

impl Count {
    /// Whether there is anything to write down.
    pub(super) fn is_news(self) -> bool {
        self.before != (Some(self.apart), Some(self.unwanted))
            || self.known_fewer.map_or(0, |known| known.rows) != self.fewer
    }

    /// Whether the record grew by more rows than came here, and than so many that cannot.
    pub(super) fn is_short(self, unsent: i64) -> bool {
        self.before.0.is_some_and(|before| self.apart > before.saturating_add(unsent))
    }

    fn lost(self) -> i64 {
        (self.apart - self.unwanted).clamp(0, MOST)
    }

    fn fewer(self, at: Timestamp) -> Option<Fewer> {
        let known = self.known_fewer.unwrap_or(Fewer { rows: 0, since: at, cleared: false });
        let cleared = known.cleared && self.fewer <= known.rows;
        (self.fewer > 0).then_some(Fewer { rows: self.fewer, cleared, ..known })
    }
}

/// Counts this shop's rows against how many the record had, at the least and at the most, while the comparison that was
/// just stored read it: which of those written meanwhile it has seen is not known. None where it is the first count and
/// cannot be told for that.
pub(super) fn count(
    connection: &Connection,
    shop: &ShopId,
    total: &RangeInclusive<u64>,
) -> Result<Option<Count>, JournalError> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM alert WHERE shop_id = ?1 AND told_by >= 4")?;
    let told: i64 = statement.query_row([shop.as_str()], |row| row.get(0))?;
    let here = told + unsent::here_all_the_same(connection, shop)?;
    let before = number(connection, APART, shop.as_str())?;
    let apart = |total: &u64| i64::try_from(*total).unwrap_or(i64::MAX).saturating_sub(here);
    let (least, most) = (apart(total.start()), apart(total.end()));
    let apart = before.map_or(most, |before: i64| before.min(most).max(least));

    let known = number(connection, UNWANTED, shop.as_str())?;
    if least < most && before.or(known).is_none() {
        return Ok(None);
    }
    let unwanted = match known {
        Some(unwanted) => unwanted,
        // Those that are here were in the record, however few it shows now.
        None => (before.unwrap_or(apart) - noted(connection, shop)?).max(0),
    };
    let listed = number(connection, LISTED, shop.as_str())?.unwrap_or(0);
    let unwanted = unwanted.min(apart.max(unwanted - listed));
    let known_fewer = fewer(connection, shop.as_str())?;
    // What came on the socket alone need not be in the record yet.
    let fewer = (unwanted - most - (here - told)).max(0);
    Ok(Some(Count { apart, unwanted, before: (before, known), fewer, known_fewer }))
}

/// Notes what a count came to: what the record has more than was never wanted is missing, and what was missing and is so no
/// longer was found, the newest first.
pub(super) fn note(
    connection: &Connection,
    shop: &ShopId,
    count: Count,
    at: Timestamp,
) -> Result<(), JournalError> {
    keep(connection, APART, shop.as_str(), Some(count.apart))?;
    keep(connection, UNWANTED, shop.as_str(), Some(count.unwanted))?;
    keep(connection, LISTED, shop.as_str(), None)?;
    keep_fewer(connection, shop.as_str(), count.fewer(at))?;
    let more = count.lost() - noted(connection, shop)?;
    for _ in 0..more {
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

/// More are no alerts that were lost, but another record.
const MOST: i64 = 10_000;

/// How many rows were noted as missing in this time.
pub(super) fn within(connection: &Connection, from: Timestamp, to: Timestamp) -> Result<u32, JournalError> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM missing WHERE noted_at >= ?1 AND noted_at < ?2")?;
    Ok(statement.query_row([from.as_microsecond(), to.as_microsecond()], |row| row.get(0))?)
}

/// How many of a shop's rows are noted as missing.
fn noted(connection: &Connection, shop: &ShopId) -> Result<i64, JournalError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM missing WHERE shop_id = ?1")?;
    Ok(statement.query_row([shop.as_str()], |row| row.get(0))?)
}

/// That records have fewer rows than they had, as a gap; in view only, unless all is wanted.
pub(super) fn shrunk(
    connection: &Connection,
    now: Timestamp,
    all: bool,
) -> Result<Option<GapRow>, JournalError> {
    let shops = of_all_shops(connection)?.into_iter().map(|(_, fewer)| fewer);
    let shops: Vec<Fewer> = shops.filter(|fewer| all || !fewer.cleared).collect();
    let rows: i64 = shops.iter().map(|fewer| fewer.rows).sum();
    let since = shops.iter().map(|fewer| fewer.since).min();
    let why = Why::FewerRows(u64::try_from(rows).unwrap_or(0));
    Ok(since.map(|since| GapRow { from: Some(since), to: now.max(since), filled_at: None, why }))
}

/// Takes that out of view.
pub(super) fn clear(connection: &Connection) -> Result<(), JournalError> {
    for (shop, fewer) in of_all_shops(connection)? {
        keep_fewer(connection, &shop, Some(Fewer { cleared: true, ..fewer }))?;
    }
    Ok(())
}

/// Nothing is known any more of the records of other shops than these.
pub(super) fn only(connection: &Connection, shops: &[(ShopId, String)]) -> Result<(), JournalError> {
    for (other, _) in of_all_shops(connection)? {
        if shops.iter().all(|(shop, _)| shop.as_str() != other) {
            keep_fewer(connection, &other, None)?;
        }
    }
    Ok(())
}

fn of_all_shops(connection: &Connection) -> Result<Vec<(String, Fewer)>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT substr(name, length(?1) + 1) FROM value WHERE name LIKE ?1 || '%' ORDER BY name",
    )?;
    let shops = statement.query_map([FEWER], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let mut found = Vec::new();
    for shop in shops {
        found.extend(fewer(connection, &shop)?.map(|fewer| (shop, fewer)));
    }
    Ok(found)
}

/// What cannot be read is as good as nothing: the next count says it again.
fn fewer(connection: &Connection, shop: &str) -> Result<Option<Fewer>, JournalError> {
    let text = upkeep::value(connection, &format!("{FEWER}{shop}"))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn keep_fewer(connection: &Connection, shop: &str, fewer: Option<Fewer>) -> Result<(), JournalError> {
    let text = fewer.map(|fewer| serde_json::to_string(&fewer)).transpose();
    let text = text.map_err(|_| JournalError::Damaged)?;
    upkeep::set_value(connection, &format!("{FEWER}{shop}"), text.as_deref())
}

/// So many rows that were never wanted are about to be stored.
pub(super) fn list(connection: &Connection, shop: &ShopId, rows: i64) -> Result<(), JournalError> {
    let before = number(connection, LISTED, shop.as_str())?.unwrap_or(0);
    keep(connection, LISTED, shop.as_str(), Some(before.saturating_add(rows)))
}

/// These incidents are about to be taken away: their rows are wanted no more.
pub(super) fn let_go(connection: &Connection, incidents: &[IncidentId]) -> Result<(), JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT shop_id, count(*) FROM alert WHERE incident = ?1 AND told_by >= 4 AND shop_id IS NOT NULL \
         GROUP BY shop_id",
    )?;
    for incident in incidents {
        let shops = statement.query_map([incident.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (shop, rows) in shops.collect::<Result<Vec<(String, i64)>, _>>()? {
            for name in [APART, UNWANTED] {
                if let Some(before) = number(connection, name, &shop)? {
                    keep(connection, name, &shop, Some(before + rows))?;
                }
            }
        }
    }
    Ok(())
}

/// Rows came that were counted elsewhere: the next counts begin anew.
pub(super) fn begin_anew(connection: &Connection) -> Result<(), JournalError> {
    for name in [APART, UNWANTED, LISTED, FEWER] {
        connection.execute("DELETE FROM value WHERE name LIKE ?1 || '%'", [name])?;
    }
    Ok(())
}

fn number(connection: &Connection, name: &str, shop: &str) -> Result<Option<i64>, JournalError> {
    Ok(upkeep::value(connection, &format!("{name}{shop}"))?.and_then(|text| text.parse().ok()))
}

fn keep(connection: &Connection, name: &str, shop: &str, number: Option<i64>) -> Result<(), JournalError> {
    let text = number.map(|number| number.to_string());
    upkeep::set_value(connection, &format!("{name}{shop}"), text.as_deref())
}
