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
use super::search::{self, Among, Asker, Way};
use super::{JournalError, dates, notes, outage, sql, view};
use crate::ledger;
use crate::model::{Decision, IncidentId, IncidentRow, OutageRow, Severity};
use crate::policy::{self, HIGH_SCORE, REPEATED};
use crate::view::{
    CameraView, Counts, FeedFilter, FeedItem, FeedPage, FeedQuery, IncidentDetail, ShopView, Understood, Who,
};

/// Incidents and outages on one page.
const PAGE: usize = 50;
/// Cameras and shops to narrow the feed to.
const MOST_CAMERAS: i64 = 200;
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
        self.words.is_empty()
            && is_everything(&FeedQuery {
                search: String::new(),
                since: None,
                until: None,
                ..self.query.clone()
            })
    }

    /// From when and until when it is asked about, in the journal's microseconds.
    fn bounds(&self) -> (i64, i64) {
        let since = self.query.since.map_or(i64::MIN, |since| since.saturating_mul(1_000));
        let until = self.query.until.map_or(i64::MAX, |until| until.saturating_mul(1_000));
        match &self.time {
            Some(time) => (since.max(time.start.as_microsecond()), until.min(time.end.as_microsecond())),
            None => (since, until),
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
    let asked = Asked::of(query, asker);
    let from = Start::of(connection, query)?;
    let mut rows: Vec<Row> = incidents(connection, &asked, asker, &from, broke)?
        .into_iter()
        .map(|incident| Row::Incident(Box::new(incident)))
        .collect();
    if asked.is_of_a_time() {
        rows.extend(outages(connection, &from, asked.bounds())?.into_iter().map(Row::Outage));
    }
    rows.sort_by_key(Row::place);
    if from.way == Way::Older {
        rows.reverse();
    }
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    if from.way == Way::Newer {
        rows.reverse();
    }
    let edge = |row: Option<&Row>| row.map(|row| row.place().write());
    let (next, previous) = match from.way {
        Way::Older if more => (edge(rows.last()), None),
        Way::Older => (None, None),
        Way::Newer if more => (edge(rows.last()), edge(rows.first())),
        Way::Newer => (edge(rows.last()), None),
    };
    let above = match query.at {
        Some(_) => above(connection, &asked, from.place)?,
        None => None,
    };
    // Where rows above cannot be counted, there may be some.
    let previous =
        if query.at.is_some() && above != Some(0) { edge(rows.first()).or(next.clone()) } else { previous };
    let items = rows.into_iter().map(|row| row.item(&asker.camera_names)).collect();
    let is_first = query.before.is_none() && query.after.is_none();
    let cameras = if is_first { cameras(connection, asker)? } else { Vec::new() };
    let (shops, understood) = (shops(connection, query.filter)?, asked.understood());
    Ok(FeedPage { items, next, previous, above, shops, cameras, understood })
}

/// How many rows are above a place; none where each would have to be read.
fn above(connection: &Connection, asked: &Asked<'_>, place: Place) -> Result<Option<u32>, JournalError> {
    if !asked.words.is_empty() {
        return Ok(None);
    }
    let Among { which, mut values } = among(asked);
    values.extend([place.at, place.rank, place.id].map(Value::from));
    let count = format!("SELECT count(*) FROM incident i {which} AND (i.first_at, 0, i.id) >= (?, ?, ?)");
    let incidents: u32 = connection.query_row(&count, params_from_iter(values), |row| row.get(0))?;
    if !asked.is_of_a_time() {
        return Ok(Some(incidents));
    }
    let (from, to) = asked.bounds();
    let outages: u32 = connection.query_row(
        "SELECT count(*) FROM outage WHERE cleared_at IS NULL AND (from_at, 1, id) >= (?1, ?2, ?3) \
         AND (to_at IS NULL OR to_at >= ?4) AND from_at < ?5",
        [place.at, place.rank, place.id, from, to],
        |row| row.get(0),
    )?;
    Ok(Some(incidents.saturating_add(outages)))
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
        note: notes::ours(connection, id)?,
        note_waits: notes::waits(connection, id)?,
        notes: notes::theirs(connection, id)?,
        text: incident.text,
    }))
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
    from: &Start,
    broke: &AtomicBool,
) -> Result<Vec<IncidentRow>, JournalError> {
    let (way, order) = (from.way, from.way.order());
    let order = format!("ORDER BY i.first_at {order}, i.id {order} LIMIT 51");
    let mut among = among(asked);
    among.which.push_str(&format!(" AND (i.first_at, 0, i.id) {} (?, ?, ?)", way.sign()));
    among.values.extend(from.values().map(Value::from));
    if asked.words.is_empty() {
        let which = format!("{} {order}", among.which);
        return sql::incidents(connection, &which, params_from_iter(among.values));
    }
    let words: Vec<Word> = asked.words.iter().map(|word| Word::new(word)).collect();
    let ids = search::find(connection, &words, &among, asker, (way, PAGE + 1), broke)?;
    let which = format!("WHERE i.id IN (SELECT value FROM json_each(?)) {order}");
    sql::incidents(connection, &which, [json(&ids)])
}

/// Nothing is left out of the list.
pub(super) fn is_everything(query: &FeedQuery) -> bool {
    query.filter == FeedFilter::All
        && query.search.trim().is_empty()
        && query.severity.is_none()
        && query.shop.is_none()
        && query.camera.is_none()
        && query.kind.is_none()
        && query.decision.is_none()
        && query.who.is_none()
        && query.since.is_none()
        && query.until.is_none()
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
        let ids = search::find(
            connection,
            &words,
            &among,
            asker,
            (Way::Older, usize::MAX),
            &AtomicBool::new(false),
        )?;
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
    if let Some(camera) = &query.camera {
        which.push_str(" AND i.stream_id = ?");
        values.push(camera.clone().into());
    }
    if let Some(kind) = query.kind {
        which.push_str(" AND i.kind = ?");
        values.push(sql::kind_number(view::kind_of(kind)).into());
    }
    if let Some(decision) = query.decision {
        // What was opened again is open.
        which.push_str(match decision {
            Decision::Reopened => " AND i.handling = 0 AND i.decision = ?",
            Decision::Acknowledged | Decision::Resolved | Decision::FalseAlarm => {
                " AND i.handling IN (1, 2) AND i.decision = ?"
            }
        });
        values.push(sql::decision_number(decision).into());
    }
    which.push_str(match query.who {
        None => "",
        Some(Who::Me) => " AND i.handling IN (1, 2) AND i.decided_here",
        Some(Who::Others) => " AND i.handling = 2 AND NOT i.decided_here",
    });
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

/// The cameras of which there are incidents, as the newest of each calls it.
fn cameras(connection: &Connection, asker: &Asker) -> Result<Vec<CameraView>, JournalError> {
    let mut statement = connection
        .prepare_cached("SELECT location FROM incident WHERE stream_id = ?1 ORDER BY last_at DESC LIMIT 1")?;
    let mut cameras = Vec::new();
    for id in search::streams(connection, MOST_CAMERAS)? {
        let location = statement.query_row([&id], |row| sql::text(row, 0)).optional()?.flatten();
        let name = policy::camera_of(Some(&id), location.as_deref(), &asker.camera_names);
        cameras.push(CameraView { id, name });
    }
    cameras.sort_by_cached_key(|camera| (camera.name.to_lowercase(), camera.id.clone()));
    Ok(cameras)
}

fn outages(
    connection: &Connection,
    start: &Start,
    (from, to): (i64, i64),
) -> Result<Vec<OutageRow>, JournalError> {
    let (sign, order) = (start.way.sign(), start.way.order());
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM outage \
         WHERE cleared_at IS NULL AND (from_at, 1, id) {sign} (?1, ?2, ?3) AND (to_at IS NULL OR to_at >= ?4) \
         AND from_at < ?5 ORDER BY from_at {order}, id {order} LIMIT 51",
        outage::COLUMNS
    ))?;
    let [at, rank, id] = start.values();
    let rows = statement.query_map([at, rank, id, from, to], outage::row)?;
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

/// Where a page begins, and which way it goes from there.
struct Start {
    place: Place,
    way: Way,
}

impl Start {
    fn of(connection: &Connection, query: &FeedQuery) -> Result<Start, JournalError> {
        let place = |cursor: &str| Place::read(connection, cursor)?.ok_or(JournalError::BadCursor);
        let top = Place { at: i64::MAX, rank: i64::MAX, id: i64::MAX };
        Ok(match (&query.after, &query.before, query.at) {
            (Some(after), _, _) => Start { place: place(after)?, way: Way::Newer },
            (None, Some(before), _) => Start { place: place(before)?, way: Way::Older },
            (None, None, Some(at)) => {
                Start { place: Place { at: at.saturating_mul(1_000), ..top }, way: Way::Older }
            }
            (None, None, None) => Start { place: top, way: Way::Older },
        })
    }

    fn values(&self) -> [i64; 3] {
        [self.place.at, self.place.rank, self.place.id]
    }
}

impl Place {
    fn write(self) -> String {
        format!("{}.{}.{}", self.at, self.rank, self.id)
    }

    /// From what [`Place::write`] wrote, or the id of a row that is here.
    fn read(connection: &Connection, cursor: &str) -> Result<Option<Place>, JournalError> {
        let (rank, begin, id) = match cursor.strip_prefix("outage-") {
            Some(id) => (OUTAGES, "SELECT from_at FROM outage WHERE id = ?1", id.parse()),
            None => (INCIDENTS, "SELECT first_at FROM incident WHERE id = ?1", cursor.parse()),
        };
        if let Ok(id) = id {
            let at = connection.query_row(begin, [id], |row| row.get(0)).optional()?;
            return Ok(at.map(|at| Place { at, rank, id }));
        }
        let mut parts = cursor.split('.').map(|part| part.parse::<i64>().ok());
        let (Some(Some(at)), Some(Some(rank)), Some(Some(id)), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Ok(None);
        };
        Ok(Some(Place { at, rank, id }))
    }
}
