//! The feed: incidents in view and outages, newest beginning first, a page at a time by key.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use visionguard_proto::Kind;

use super::{JournalError, outage, sql, view};
use crate::ledger;
use crate::model::{IncidentId, IncidentRow, OutageRow, Severity};
use crate::policy::{HIGH_SCORE, REPEATED};
use crate::view::{Counts, FeedFilter, FeedItem, FeedPage, FeedQuery, IncidentDetail, ShopView};

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

/// One page.
pub(super) fn page(
    connection: &Connection,
    query: &FeedQuery,
    camera_names: &BTreeMap<String, String>,
) -> Result<FeedPage, JournalError> {
    let before = match &query.before {
        Some(cursor) => Place::read(cursor).ok_or(JournalError::BadCursor)?,
        None => Place { at: i64::MAX, rank: i64::MAX, id: i64::MAX },
    };
    let with_outages = is_everything(&FeedQuery { since: None, ..query.clone() });
    let mut rows: Vec<Row> = incidents(connection, query, camera_names, before)?
        .into_iter()
        .map(|incident| Row::Incident(Box::new(incident)))
        .collect();
    if with_outages {
        rows.extend(outages(connection, before, since(query))?.into_iter().map(Row::Outage));
        rows.sort_by_key(|row| std::cmp::Reverse(row.place()));
    }
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = if more { rows.last().map(|row| row.place().write()) } else { None };
    let items = rows.into_iter().map(|row| row.item(camera_names)).collect();
    Ok(FeedPage { items, next, shops: shops(connection, query.filter)? })
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
    query: &FeedQuery,
    camera_names: &BTreeMap<String, String>,
    before: Place,
) -> Result<Vec<IncidentRow>, JournalError> {
    let (mut which, mut values) = listed(query, camera_names);
    which.push_str(" AND (i.first_at, 0, i.id) < (?, ?, ?) ORDER BY i.first_at DESC, i.id DESC LIMIT 51");
    values.extend([before.at, before.rank, before.id].map(Value::from));
    sql::incidents(connection, &which, params_from_iter(values))
}

/// Nothing is left out of the list.
pub(super) fn is_everything(query: &FeedQuery) -> bool {
    query.filter == FeedFilter::All
        && query.search.trim().is_empty()
        && query.severity.is_none()
        && query.shop.is_none()
        && query.since.is_none()
}

/// Which incidents a query lists, whatever page it asks for: a condition on `i` and `s`, and its values.
pub(super) fn listed(query: &FeedQuery, camera_names: &BTreeMap<String, String>) -> (String, Vec<Value>) {
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
    if let Some(since) = since(query) {
        which.push_str(" AND i.first_at >= ?");
        values.push(since.into());
    }
    for word in query.search.split_whitespace().take(8) {
        which.push_str(" AND (");
        let found = Found::of(word);
        for column in found.columns() {
            which.push_str(&found.condition(column));
            which.push_str(" OR ");
            values.push(found.pattern(word).into());
        }
        which.push_str("i.stream_id IN (");
        let named = streams_named(word, camera_names);
        which.push_str(&vec!["?"; named.len()].join(", "));
        values.extend(named.into_iter().map(Value::from));
        which.push_str("))");
    }
    (which, values)
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

/// The earliest moment that is asked for, in the journal's microseconds.
fn since(query: &FeedQuery) -> Option<i64> {
    query.since.map(|since| since.saturating_mul(1_000))
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
    since: Option<i64>,
) -> Result<Vec<OutageRow>, JournalError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM outage \
         WHERE cleared_at IS NULL AND (from_at, 1, id) < (?1, ?2, ?3) AND (to_at IS NULL OR to_at >= ?4) \
         ORDER BY from_at DESC, id DESC LIMIT 51",
        outage::COLUMNS
    ))?;
    let since = since.unwrap_or(i64::MIN);
    let rows = statement.query_map([before.at, before.rank, before.id, since], outage::row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The streams that the person gave a name with this word in it: those names are not in the journal.
fn streams_named(word: &str, camera_names: &BTreeMap<String, String>) -> Vec<String> {
    let (word, found) = (word.to_lowercase(), Found::of(word));
    camera_names
        .iter()
        .filter(|(_, name)| found.is_in(&name.to_lowercase(), &word))
        .map(|(stream, _)| stream.clone())
        .take(200)
        .collect()
}

/// How a word is looked for. `ui/listing.js` has the same rule for what comes while a search stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// In the middle of words, too.
    Anywhere,
    /// A few letters, where a word begins.
    AtTheBeginning,
    /// A number, where a number begins: "till 1" is not "Till 2, 21 Main Street".
    AsANumber,
}

/// What ends a word.
const BREAKS: &str = " -(/#._,:;\"'[!?\n\t";

/// Words of so many letters are found where one begins.
const FEW: usize = 3;

impl Found {
    fn of(word: &str) -> Found {
        let is_short = word.len() <= FEW && word.is_ascii();
        match is_short {
            true if word.bytes().all(|byte| byte.is_ascii_digit()) => Found::AsANumber,
            true if !word.contains(|c| BREAKS.contains(c)) => Found::AtTheBeginning,
            _ => Found::Anywhere,
        }
    }

    /// A part of an id, or a number in the server's sentence, means nothing to anybody.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Found::Anywhere => &["i.location", "i.note", "s.name", "i.text", "i.stream_id"],
            Found::AtTheBeginning => &["i.location", "i.note", "s.name", "i.text"],
            Found::AsANumber => &["i.location", "i.note", "s.name"],
        }
    }

    fn condition(self, column: &str) -> String {
        match self {
            Found::Anywhere => format!("{column} LIKE ? ESCAPE '\\'"),
            Found::AtTheBeginning => {
                let spaced = BREAKS.chars().skip(1).fold(format!("' ' || {column}"), |text, end| {
                    let end = if end == '\'' { "''".to_owned() } else { end.to_string() };
                    format!("replace({text}, '{end}', ' ')")
                });
                format!("{spaced} LIKE ? ESCAPE '\\'")
            }
            Found::AsANumber => format!("' ' || {column} GLOB ?"),
        }
    }

    fn pattern(self, word: &str) -> String {
        match self {
            Found::Anywhere => format!("%{}%", escaped(word)),
            Found::AtTheBeginning => format!("% {}%", escaped(word)),
            Found::AsANumber => format!("*[^0-9]{word}*"),
        }
    }

    /// The same for a name that is not in the journal, both in lower case.
    fn is_in(self, name: &str, word: &str) -> bool {
        match self {
            Found::Anywhere => name.contains(word),
            Found::AtTheBeginning => name.split(|c| BREAKS.contains(c)).any(|part| part.starts_with(word)),
            Found::AsANumber => name.split(|c: char| !c.is_ascii_digit()).any(|part| part.starts_with(word)),
        }
    }
}

/// The word as `LIKE` takes it literally.
fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
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
