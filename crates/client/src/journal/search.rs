//! Finding the incidents that say certain words, along the list.
//!
//! Every incident that is found was read: the index only says which need not be. So what is found does not depend on how far the
//! index is, nor on whether it is whole.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::index::{self, SAID, said};
use super::matching::{Said, Word};
use super::{JournalError, sql};

/// So many rows are read before the index is asked: where a word is in every third of them, a page is full by then.
const FIRST_LOOK: usize = 200;
/// So many that the index names are looked up one by one; more are met on the way through the list.
const FEW: usize = 3_000;
/// Where the index does not know more than so many, it is no help.
const FAR_BEHIND: usize = 20_000;
/// More streams than anybody has.
const STREAMS: i64 = 5_000;

/// By whom and when it is asked.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) now: Timestamp,
    pub(super) zone: TimeZone,
    /// What the person called the cameras: those names are not in the journal.
    pub(super) camera_names: BTreeMap<String, String>,
}

/// Which incidents may be found, whatever they say: a condition on `i`, beginning with `WHERE`, and its values.
#[derive(Debug, Clone)]
pub(super) struct Among {
    pub(super) which: String,
    pub(super) values: Vec<Value>,
}

/// Where an incident is in the list: when it began, and its number.
type Place = (i64, i64);

/// Which way the list is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Older,
    Newer,
}

impl Way {
    /// Between what lies on this way and what it begins at.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Way::Older => "<",
            Way::Newer => ">",
        }
    }

    pub(super) fn order(self) -> &'static str {
        match self {
            Way::Older => "DESC",
            Way::Newer => "ASC",
        }
    }

    fn leads(self, from: Place, to: Place) -> bool {
        match self {
            Way::Older => to < from,
            Way::Newer => to > from,
        }
    }
}

/// An incident that was read.
struct Seen {
    place: Place,
    said: Said,
}

/// The numbers of the first on this way that say all of these words, at most so many. `broke` is told if the index cannot be read.
pub(super) fn find(
    connection: &Connection,
    words: &[Word],
    among: &Among,
    asker: &Asker,
    (way, most): (Way, usize),
    broke: &AtomicBool,
) -> Result<Vec<i64>, JournalError> {
    let search = Search { connection, words, among, asker, way };
    let mut found = Vec::new();
    let first = if most == usize::MAX {
        Walked::default()
    } else {
        search.walk(None, FIRST_LOOK, most, &mut found)?
    };
    if found.len() < most && !first.is_at_the_end {
        let candidates = search.candidates().unwrap_or_else(|error| {
            tracing::warn!(%error, "the search index cannot be read");
            broke.store(true, Ordering::Relaxed);
            None
        });
        match candidates {
            None => {
                search.walk(first.last, usize::MAX, most, &mut found)?;
            }
            Some(ids) if ids.len() <= FEW => search.look_up(&ids, first.last, most, &mut found)?,
            Some(ids) => search.meet(&ids, first.last, most, &mut found)?,
        }
    }
    Ok(found)
}

/// How far a walk came.
#[derive(Default)]
struct Walked {
    last: Option<Place>,
    is_at_the_end: bool,
}

struct Search<'a> {
    connection: &'a Connection,
    words: &'a [Word],
    among: &'a Among,
    asker: &'a Asker,
    way: Way,
}

impl Search<'_> {
    /// Reads so many rows beyond this place.
    fn walk(
        &self,
        beyond: Option<Place>,
        rows: usize,
        most: usize,
        found: &mut Vec<i64>,
    ) -> Result<Walked, JournalError> {
        let (query, values) = self.rows(beyond);
        let mut statement = self.connection.prepare_cached(&query)?;
        let mut read = statement.query(params_from_iter(values))?;
        let mut walked = Walked::default();
        for _ in 0..rows {
            let Some(row) = read.next()? else {
                walked.is_at_the_end = true;
                return Ok(walked);
            };
            let seen = self.seen(row)?;
            walked.last = Some(seen.place);
            if seen.said.has(self.words) {
                found.push(seen.place.1);
                if found.len() >= most {
                    return Ok(walked);
                }
            }
        }
        Ok(walked)
    }

    /// Reads those of these that are beyond this place.
    fn look_up(
        &self,
        ids: &[i64],
        beyond: Option<Place>,
        most: usize,
        found: &mut Vec<i64>,
    ) -> Result<(), JournalError> {
        let mut places = Vec::new();
        for id in ids {
            let seen =
                self.read(*id)?.filter(|seen| beyond.is_none_or(|last| self.way.leads(last, seen.place)));
            places.extend(seen.filter(|seen| seen.said.has(self.words)).map(|seen| seen.place));
        }
        places.sort_unstable();
        if self.way == Way::Older {
            places.reverse();
        }
        found.extend(places.into_iter().map(|(_, id)| id).take(most - found.len()));
        Ok(())
    }

    /// Goes along the list from this place and reads those of these that it comes to.
    fn meet(
        &self,
        ids: &[i64],
        beyond: Option<Place>,
        most: usize,
        found: &mut Vec<i64>,
    ) -> Result<(), JournalError> {
        // An index has all of this: rows are read only where it may be one of them.
        let (sign, order) = (self.way.sign(), self.way.order());
        let (at, id) = beyond.unwrap_or(match self.way {
            Way::Older => (i64::MAX, i64::MAX),
            Way::Newer => (i64::MIN, i64::MIN),
        });
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT id FROM incident WHERE (first_at, id) {sign} (?1, ?2) ORDER BY first_at {order}, id {order}"
        ))?;
        let mut rows = statement.query([at, id])?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            if ids.binary_search(&id).is_ok() && self.read(id)?.is_some_and(|seen| seen.said.has(self.words))
            {
                found.push(id);
                if found.len() >= most {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The query for all that may be found beyond a place, in their order on the way.
    fn rows(&self, beyond: Option<Place>) -> (String, Vec<Value>) {
        let mut values = self.among.values.clone();
        let beyond_it = match beyond {
            Some((at, id)) => {
                values.extend([at.into(), id.into()]);
                format!(" AND (i.first_at, i.id) {} (?, ?)", self.way.sign())
            }
            None => String::new(),
        };
        let (which, order) = (&self.among.which, self.way.order());
        let query = format!(
            "SELECT i.first_at, i.id, {SAID} FROM incident i LEFT JOIN shop s ON s.id = i.shop_id {which}{beyond_it} \
             ORDER BY i.first_at {order}, i.id {order}"
        );
        (query, values)
    }

    /// This incident, if it may be found.
    fn read(&self, id: i64) -> Result<Option<Seen>, JournalError> {
        let which = &self.among.which;
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT i.first_at, i.id, {SAID} FROM incident i LEFT JOIN shop s ON s.id = i.shop_id {which} AND i.id = ?"
        ))?;
        let values = self.among.values.iter().cloned().chain([id.into()]);
        let mut rows = statement.query(params_from_iter(values))?;
        rows.next()?.map(|row| self.seen(row)).transpose()
    }

    fn seen(&self, row: &rusqlite::Row<'_>) -> Result<Seen, JournalError> {
        let name = |stream: &str| self.asker.camera_names.get(stream).cloned();
        Ok(Seen { place: (row.get(0)?, row.get(1)?), said: said(row, 2, name)? })
    }

    /// Which incidents may say the words, in the order of their numbers; none where that cannot be told.
    fn candidates(&self) -> Result<Option<Vec<i64>>, JournalError> {
        if index::behind_by(self.connection, FAR_BEHIND)? == FAR_BEHIND {
            return Ok(None);
        }
        let streams = streams(self.connection, STREAMS)?;
        if i64::try_from(streams.len()).is_ok_and(|count| count == STREAMS) {
            return Ok(None);
        }
        let mut pieces: Vec<String> = Vec::new();
        let mut sets: Vec<Vec<i64>> = Vec::new();
        for word in self.words {
            let Some(of_word) = word.pieces() else { continue };
            let named: Vec<&String> = streams
                .iter()
                .filter(|stream| word.names(stream, self.asker.camera_names.get(*stream).map(String::as_str)))
                .collect();
            if named.is_empty() {
                pieces.extend(of_word);
            } else {
                let mut ids = index::holding(self.connection, &of_word)?;
                ids.extend(self.of_streams(&named)?);
                ids.sort_unstable();
                ids.dedup();
                sets.push(ids);
            }
        }
        if !pieces.is_empty() {
            sets.push(index::holding(self.connection, &pieces)?);
        }
        let Some(mut ids) = sets.pop() else { return Ok(None) };
        for set in sets {
            ids.retain(|id| set.binary_search(id).is_ok());
        }
        ids.extend(index::unknown(self.connection)?);
        ids.sort_unstable();
        ids.dedup();
        Ok(Some(ids))
    }

    fn of_streams(&self, streams: &[&String]) -> Result<Vec<i64>, JournalError> {
        let places = vec!["?"; streams.len()].join(", ");
        let mut statement =
            self.connection.prepare(&format!("SELECT id FROM incident WHERE stream_id IN ({places})"))?;
        let rows = statement.query_map(params_from_iter(streams), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The streams of which there are incidents, so many of them.
pub(super) fn streams(connection: &Connection, most: i64) -> Result<Vec<String>, JournalError> {
    let mut statement = connection.prepare_cached(
        "WITH RECURSIVE stream (id) AS (SELECT min(stream_id) FROM incident UNION ALL \
         SELECT (SELECT min(stream_id) FROM incident WHERE stream_id > stream.id) FROM stream \
         WHERE id IS NOT NULL) SELECT id FROM stream WHERE id IS NOT NULL LIMIT ?1",
    )?;
    let rows = statement.query_map([most], |row| sql::text(row, 0))?;
    let streams: Vec<Option<String>> = rows.collect::<Result<_, _>>()?;
    Ok(streams.into_iter().flatten().collect())
}
