//! The feed: incidents in view and outages, newest beginning first, a page at a time by key.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use visionguard_proto::Kind;

use super::matching::Word;
use super::search::{self, Among, Asker};
use super::{JournalError, dates, outage, sql, view};
use crate::ledger;
use crate::model::{IncidentId, IncidentRow, OutageRow, Severity};
use crate::policy::{HIGH_SCORE, REPEATED};
use crate::view::{Counts, FeedFilter, FeedItem, FeedPage, FeedQuery, IncidentDetail, ShopView, Understood};

/// Incidents and outages on one page.
const PAGE: usize = 50;
/// Alerts shown of one incident.
const DETAIL_ALERTS: i64 = 200;

/// What the feed is made of, before it is put in words.
#[derive(Debug, Clone)]
enum Row {
    Incident(Box<IncidentRow>),
    Outage(OutageRow),
}

/// A place between two rows: of rows that began at the same time, outages come before incidents, higher ids first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: i64,
    rank: i64,
    id: i64,
}

const INCIDENTS: i64 = 0;
const OUTAGES: i64 = 1;

/// A query, its search taken apart.
struct Asked<'a> {
    query: &'a FeedQuery,
    words: Vec<String>,
    /// The time that the search means, where it means one.
    time: Option<Range<Timestamp>>,
}

impl Asked<'_> {
    fn of<'a>(query: &'a FeedQuery, asker: &Asker) -> Asked<'a> {
        let dates::Understood { words, time } = dates::read(&query.search, asker.now, &asker.zone);
        Asked { query, words, time }
    }

    /// The time is all that is left out of the list.
    fn is_of_a_time(&self) -> bool {
        let FeedQuery { filter, severity, shop, .. } = self.query;
        *filter == FeedFilter::All && severity.is_none() && shop.is_none() && self.words.is_empty()
    }

    /// From when and until when it is asked about, in the journal's microseconds.
    fn bounds(&self) -> (i64, i64) {
        let since = self.query.since.map_or(i64::MIN, |since| since.saturating_mul(1_000));
        match &self.time {
            Some(time) => (since.max(time.start.as_microsecond()), time.end.as_microsecond()),
            None => (since, i64::MAX),
        }
    }

    fn understood(&self) -> Option<Understood> {
        let time = self.time.as_ref()?;
        Some(Understood {
            words: self.words.join(" "),
            from: time.start.as_millisecond(),
            to: time.end.as_millisecond(),
        })
    }
}

/// One page. `broke` is told if the search index cannot be read.
pub(super) fn page(
    connection: &Connection,
    query: &FeedQuery,
    asker: &Asker,
    broke: &AtomicBool,
) -> Result<FeedPage, JournalError> {
    let before = match &query.before {
        Some(cursor) => Place::read(cursor).ok_or(JournalError::BadCursor)?,
        None => Place { at: i64::MAX, rank: i64::MAX, id: i64::MAX },
    };
    let asked = Asked::of(query, asker);
    let mut rows: Vec<Row> = incidents(connection, &asked, asker, before, broke)?
        .into_iter()
        .map(|incident| Row::Incident(Box::new(incident)))
        .collect();
    if asked.is_of_a_time() {
        rows.extend(outages(connection, before, asked.bounds())?.into_iter().map(Row::Outage));
        rows.sort_by_key(|row| std::cmp::Reverse(row.place()));
    }
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = if more { rows.last().map(|row| row.place().write()) } else { None };
    let items = rows.into_iter().map(|row| row.item(&asker.camera_names)).collect();
    let understood = asked.understood();
    Ok(FeedPage { items, next, shops: shops(connection, query.filter)?, understood })
}

/// One incident with its alerts.
pub(super) fn detail(
    connection: &Connection,
    id: IncidentId,
    camera_names: &BTreeMap<String, String>,
) -> Result<Option<IncidentDetail>, JournalError> {
    let Some(incident) = sql::incident(connection, id)? else { return Ok(None) };
    let newest = sql::alerts(
        connection,
        "WHERE a.incident = ?1 ORDER BY a.at DESC, a.id DESC LIMIT ?2",
        [id.0, DETAIL_ALERTS],
    )?;
    Ok(Some(IncidentDetail {
        incident: view::incident(&incident, camera_names),
        alerts: newest.iter().rev().map(|held| view::alert(&held.stored)).collect(),
        note: note(connection, id)?,
        text: incident.text,
    }))
}

/// What was written to the decision made here.
fn note(connection: &Connection, id: IncidentId) -> Result<Option<String>, JournalError> {
    let mut statement =
        connection.prepare_cached("SELECT note FROM incident WHERE id = ?1 AND decided_here")?;
    let note = statement.query_row([id.0], |row| sql::text(row, 0)).optional()?;
    Ok(note.flatten().filter(|note| !note.is_empty()))
}

/// The counters.
pub(super) fn counts(connection: &Connection, midnight: Timestamp) -> Result<Counts, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT (SELECT count(*) FROM incident WHERE handling IN (0, 3)), \
         (SELECT count(*) FROM incident WHERE dismissed_at IS NULL AND seen_at IS NULL), \
         (SELECT count(*) FROM incident WHERE dismissed_at IS NULL), \
         (SELECT count(*) FROM incident WHERE dismissed_at IS NOT NULL), \
         (SELECT count(*) FROM incident WHERE first_at >= ?1)",
    )?;
    let counts = statement.query_row([midnight.as_microsecond()], |row| {
        Ok(Counts {
            unhandled: row.get(0)?,
            unseen: row.get(1)?,
            total: row.get(2)?,
            cleared: row.get(3)?,
            today: row.get(4)?,
        })
    })?;
    Ok(counts)
}

fn incidents(
    connection: &Connection,
    asked: &Asked<'_>,
    asker: &Asker,
    before: Place,
    broke: &AtomicBool,
) -> Result<Vec<IncidentRow>, JournalError> {
    const ORDER: &str = "ORDER BY i.first_at DESC, i.id DESC LIMIT 51";
    let mut among = among(asked);
    among.which.push_str(" AND (i.first_at, 0, i.id) < (?, ?, ?)");
    among.values.extend([before.at, before.rank, before.id].map(Value::from));
    if asked.words.is_empty() {
        let which = format!("{} {ORDER}", among.which);
        return sql::incidents(connection, &which, params_from_iter(among.values));
    }
    let words: Vec<Word> = asked.words.iter().map(|word| Word::new(word)).collect();
    let ids = search::find(connection, &words, &among, asker, PAGE + 1, broke)?;
    let which = format!("WHERE i.id IN (SELECT value FROM json_each(?)) {ORDER}");
    sql::incidents(connection, &which, [json(&ids)])
}

/// Nothing is left out of the list.
pub(super) fn is_everything(query: &FeedQuery) -> bool {
    query.filter == FeedFilter::All
        && query.search.trim().is_empty()
        && query.severity.is_none()
        && query.shop.is_none()
        && query.since.is_none()
}

/// Which incidents a query lists, whatever page it asks for: a condition on `i`, beginning with `WHERE`, and its values.
pub(super) fn listed(
    connection: &Connection,
    query: &FeedQuery,
    asker: &Asker,
) -> Result<(String, Vec<Value>), JournalError> {
    let asked = Asked::of(query, asker);
    let mut among = among(&asked);
    if !asked.words.is_empty() {
        let words: Vec<Word> = asked.words.iter().map(|word| Word::new(word)).collect();
        let ids = search::find(connection, &words, &among, asker, usize::MAX, &AtomicBool::new(false))?;
        among.which.push_str(" AND i.id IN (SELECT value FROM json_each(?))");
        among.values.push(json(&ids).into());
    }
    Ok((among.which, among.values))
}

/// The same, whatever words it looks for.
fn among(asked: &Asked<'_>) -> Among {
    let query = asked.query;
    let mut which = String::from("WHERE ");
    let mut values: Vec<Value> = Vec::new();
    which.push_str(match query.filter {
        FeedFilter::All => "i.dismissed_at IS NULL",
        FeedFilter::Unhandled => "i.handling IN (0, 3)",
        FeedFilter::Cleared => "i.dismissed_at IS NOT NULL",
    });
    if let Some(severity) = query.severity {
        which.push_str(&of_severity(severity));
    }
    if let Some(shop) = &query.shop {
        which.push_str(" AND i.shop_id = ?");
        values.push(shop.clone().into());
    }
    let (from, to) = asked.bounds();
    if from > i64::MIN {
        which.push_str(" AND i.first_at >= ?");
        values.push(from.into());
    }
    if to < i64::MAX {
        which.push_str(" AND i.first_at < ?");
        values.push(to.into());
    }
    Among { which, values }
}

/// Numbers as SQLite takes a list of any length.
fn json(ids: &[i64]) -> String {
    let numbers: Vec<String> = ids.iter().map(i64::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// The condition for a severity: the rules of [`crate::policy::assess`], which keeps no severity in the journal.
fn of_severity(severity: Severity) -> String {
    let theft = sql::kind_number(Kind::Theft);
    let high = format!("(i.nth >= {REPEATED} OR ifnull(i.top_score >= {HIGH_SCORE:?}, 0))");
    match severity {
        Severity::High => {
            format!(" AND (i.kind = {} OR (i.kind = {theft} AND {high}))", sql::kind_number(Kind::Intrusion))
        }
        Severity::Medium => format!(" AND i.kind = {theft} AND NOT {high}"),
        Severity::Low => format!(" AND i.kind = {}", sql::kind_number(Kind::Other)),
    }
}

/// The shops of the incidents in view, or of those out of it.
fn shops(connection: &Connection, filter: FeedFilter) -> Result<Vec<ShopView>, JournalError> {
    let mut statement = connection.prepare_cached(match filter {
        FeedFilter::All | FeedFilter::Unhandled => {
            "SELECT s.id, s.name FROM shop s WHERE EXISTS (SELECT 1 FROM incident i \
             WHERE i.shop_id = s.id AND i.dismissed_at IS NULL) ORDER BY s.name, s.id LIMIT 200"
        }
        FeedFilter::Cleared => {
            "SELECT s.id, s.name FROM shop s WHERE EXISTS (SELECT 1 FROM incident i \
             WHERE i.shop_id = s.id AND i.dismissed_at IS NOT NULL) ORDER BY s.name, s.id LIMIT 200"
        }
    })?;
    let rows = statement.query_map([], |row| Ok((sql::text(row, 0)?, sql::text(row, 1)?)))?;
    let shops: Vec<_> = rows.collect::<Result<_, _>>()?;
    Ok(shops.into_iter().filter_map(|(id, name)| view::shop(id?, &name?)).collect())
}

fn outages(
    connection: &Connection,
    before: Place,
    (from, to): (i64, i64),
) -> Result<Vec<OutageRow>, JournalError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM outage \
         WHERE cleared_at IS NULL AND (from_at, 1, id) < (?1, ?2, ?3) AND (to_at IS NULL OR to_at >= ?4) \
         AND from_at < ?5 ORDER BY from_at DESC, id DESC LIMIT 51",
        outage::COLUMNS
    ))?;
    let rows = statement.query_map([before.at, before.rank, before.id, from, to], outage::row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Row {
    fn place(&self) -> Place {
        match self {
            Row::Incident(incident) => {
                Place { at: incident.first_at.as_microsecond(), rank: INCIDENTS, id: incident.id.0 }
            }
            Row::Outage(outage) => Place { at: outage.from.as_microsecond(), rank: OUTAGES, id: outage.id },
        }
    }

    fn item(self, camera_names: &BTreeMap<String, String>) -> FeedItem {
        match self {
            Row::Incident(incident) => FeedItem::Incident(view::incident(&incident, camera_names)),
            Row::Outage(outage) => FeedItem::Outage {
                id: format!("outage-{}", outage.id),
                from: outage.from.as_millisecond(),
                to: outage.to.map(Timestamp::as_millisecond),
                caught_up: outage.caught_up,
                sentence: ledger::outage_sentence(&outage, &TimeZone::system()),
            },
        }
    }
}

impl Place {
    fn write(self) -> String {
        format!("{}.{}.{}", self.at, self.rank, self.id)
    }

    fn read(cursor: &str) -> Option<Place> {
        let mut parts = cursor.split('.').map(|part| part.parse::<i64>().ok());
        let place = Place { at: parts.next()??, rank: parts.next()??, id: parts.next()?? };
        parts.next().is_none().then_some(place)
    }
}
