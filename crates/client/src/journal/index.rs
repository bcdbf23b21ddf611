//! The index of what incidents say, kept up to date beside the alerts' way: triggers note what it does not know yet, and that is
//! taken into it later, a little at a time. Until then it is read through. Nothing that is wrong with it is wrong with the journal:
//! it is made anew.

use rusqlite::{Connection, OptionalExtension, Row};

use super::matching::Said;
use super::{JournalError, sql};
use crate::notes;

/// Incidents that are taken in by one transaction, so that an alert never waits long behind them.
const BATCH: u32 = 200;

/// What is looked through of an incident, from this column on; `i` and `s` are the incident and its shop.
pub(super) const SAID: &str =
    "i.kind, i.location, s.name, i.note, i.said_there, i.text, i.stream_id, i.outcome";

/// What an incident says, from the columns [`SAID`] that begin at this one. `name` is what a person called the stream.
pub(super) fn said(
    row: &Row<'_>,
    column: usize,
    name: impl Fn(&str) -> Option<String>,
) -> rusqlite::Result<Said> {
    let [location, shop, note, theirs, text, stream] =
        [1, 2, 3, 4, 5, 6].map(|at| sql::text(row, column + at));
    let (location, shop, note, theirs, text, stream) = (location?, shop?, note?, theirs?, text?, stream?);
    let name = stream.as_deref().and_then(name);
    let outcome = row.get::<_, Option<i64>>(column + 7)?.and_then(sql::outcome).map(notes::outcome);
    let plain = [&name, &location, &shop, &note, &theirs, &outcome].map(Option::as_deref);
    Ok(Said::new(sql::kind(row.get(column)?), plain, text.as_deref(), stream.as_deref()))
}

/// How many incidents it does not know, counted up to so many.
pub(super) fn behind_by(connection: &Connection, most: usize) -> Result<usize, JournalError> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM (SELECT 1 FROM unindexed LIMIT ?1)")?;
    let count: i64 = statement.query_row([i64::try_from(most).unwrap_or(i64::MAX)], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(most))
}

/// The incidents that it does not know.
pub(super) fn unknown(connection: &Connection) -> Result<Vec<i64>, JournalError> {
    let mut statement = connection.prepare_cached("SELECT incident FROM unindexed ORDER BY incident")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The incidents that it knows to hold these pieces, in the order of their numbers.
pub(super) fn holding(connection: &Connection, pieces: &[String]) -> Result<Vec<i64>, JournalError> {
    let quoted: Vec<String> =
        pieces.iter().map(|piece| format!("\"{}\"", piece.replace('"', "\"\""))).collect();
    let mut statement =
        connection.prepare_cached("SELECT rowid FROM search WHERE search MATCH ?1 ORDER BY rowid")?;
    let rows = statement.query_map([quoted.join(" ")], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes in some of what it does not know, the newest first.
pub(super) fn take_in(connection: &Connection) -> Result<(), JournalError> {
    // In one transaction it takes numbers in their order only.
    let mut statement = connection.prepare_cached(
        "SELECT incident FROM (SELECT incident FROM unindexed ORDER BY incident DESC LIMIT ?1) ORDER BY incident",
    )?;
    let ids: Vec<i64> = statement.query_map([BATCH], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut read = connection.prepare_cached(&format!(
        "SELECT {SAID} FROM incident i LEFT JOIN shop s ON s.id = i.shop_id WHERE i.id = ?1"
    ))?;
    let mut forget = connection.prepare_cached("DELETE FROM search WHERE rowid = ?1")?;
    let mut learn = connection.prepare_cached("INSERT INTO search (rowid, words) VALUES (?1, ?2)")?;
    let mut done = connection.prepare_cached("DELETE FROM unindexed WHERE incident = ?1")?;
    for id in ids {
        let said = read.query_row([id], |row| said(row, 0, |_| None)).optional()?;
        forget.execute([id]).map_err(broken)?;
        if let Some(said) = said {
            learn.execute((id, said.marked())).map_err(broken)?;
        }
        done.execute([id])?;
    }
    Ok(())
}

/// Makes it anew, empty: all is to be taken in.
pub(super) fn begin_anew(connection: &Connection) -> Result<(), JournalError> {
    tracing::warn!("the search index is made anew");
    let definition: String = connection
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'search'", [], |row| row.get(0))
        .map_err(broken)?;
    connection.execute_batch("DROP TABLE search").map_err(broken)?;
    connection.execute_batch(&definition).map_err(broken)?;
    connection.execute("INSERT OR IGNORE INTO unindexed SELECT id FROM incident", [])?;
    Ok(())
}

/// Forgets all, for good.
pub(super) fn erase(connection: &Connection) -> Result<(), JournalError> {
    connection.execute("INSERT INTO search (search) VALUES ('delete-all')", []).map_err(broken)?;
    Ok(())
}

/// Whether what SQLite's check says of a file is about this index alone.
pub(super) fn is_about_it(verdict: &str) -> bool {
    verdict.starts_with("fts5: ") || verdict.contains("for FTS5 table main.search")
}

/// The journal is not damaged for it.
fn broken(error: rusqlite::Error) -> JournalError {
    let error = JournalError::from(error);
    if error == JournalError::Damaged {
        return JournalError::Storage("its search index is damaged".to_owned());
    }
    error
}
