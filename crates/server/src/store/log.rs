//! The record as a log: what a user sees of it, in the order of `sequence`.
//!
//! One writer commits in the order of `sequence`, and a reader sees whole transactions: below what was read nothing
//! appears later. Rows are not removed; what is too old to be replayed stays in the record.

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params};
use serde_json::value::RawValue;
use visionguard_proto::UserId;

use crate::{time, wire};

/// One alert.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) sequence: i64,
    pub(crate) id: String,
    pub(crate) stream: String,
    /// The message as JSON, without place and picture.
    pub(crate) header: String,
    pub(crate) picture: Vec<u8>,
}

/// Names this log, for ever.
pub(crate) fn epoch(db: &Connection) -> rusqlite::Result<String> {
    db.query_row("SELECT epoch FROM log", [], |row| row.get(0))
}

/// The newest place that this user sees after `since`.
pub(crate) fn head(db: &Connection, user: &UserId, since: i64) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached(
        "SELECT max((SELECT max(a.sequence) FROM anomalies a WHERE a.shop_id = v.shop_id AND a.sequence > :since))
         FROM visible v WHERE v.user_id = :user",
    )?
    .query_row(named_params! { ":user": user.as_str(), ":since": since }, |row| row.get(0))
}

/// Whether everything that this user sees after `since` may be replayed: the place was reached, and no more than `most`
/// alerts follow it, none recorded before `oldest`.
pub(crate) fn reaches_back(
    db: &Connection,
    user: &UserId,
    since: i64,
    oldest: Timestamp,
    most: u32,
) -> rusqlite::Result<bool> {
    let newest: Option<i64> = db
        .prepare_cached("SELECT max(seq) FROM sqlite_sequence WHERE name = 'anomalies'")?
        .query_row([], |row| row.get(0))?;
    if since > newest.unwrap_or(0) {
        return Ok(false);
    }
    let values = named_params! { ":user": user.as_str(), ":since": since, ":limit": i64::from(most) + 1 };
    let (alerts, first): (i64, Option<i64>) = db
        .prepare_cached(
            "SELECT count(*), min(sequence) FROM (SELECT sequence FROM anomalies INDEXED BY anomalies_by_sequence
             WHERE shop_id IN (SELECT shop_id FROM visible WHERE user_id = :user) AND sequence > :since LIMIT :limit)",
        )?
        .query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    if alerts > i64::from(most) {
        return Ok(false);
    }
    let Some(first) = first else { return Ok(true) };
    let recorded: i64 = db
        .prepare_cached("SELECT created_at FROM anomalies WHERE sequence = ?1")?
        .query_row([first], |row| row.get(0))?;
    Ok(recorded >= oldest.as_microsecond())
}

/// What this user sees after `since`, oldest first: at most so many alerts, and no more than fit in so many bytes, but
/// one however large. And whether there may be more.
pub(crate) fn page(
    db: &Connection,
    user: &UserId,
    since: i64,
    alerts: usize,
    bytes: usize,
) -> rusqlite::Result<(Vec<Logged>, bool)> {
    let limit = i64::try_from(alerts).unwrap_or(i64::MAX);
    let mut statement = db.prepare_cached(
        "WITH next AS MATERIALIZED (
             SELECT sequence FROM anomalies INDEXED BY anomalies_by_sequence
             WHERE shop_id IN (SELECT shop_id FROM visible WHERE user_id = :user) AND sequence > :since
             ORDER BY sequence LIMIT :limit)
         SELECT a.sequence, a.id, a.shop_id, a.user_id, a.stream_id, a.at, a.severity, a.location, a.anomaly_type,
             a.description, a.result, f.jpeg, a.extra_data ->> '$.picture',
             a.extra_data ->> '$.picture_reason'
         FROM next JOIN anomalies a USING (sequence) LEFT JOIN frames f USING (sequence) ORDER BY a.sequence",
    )?;
    let mut rows =
        statement.query(named_params! { ":user": user.as_str(), ":since": since, ":limit": limit })?;
    let mut page: Vec<Logged> = Vec::new();
    let mut read = 0;
    while let Some(row) = rows.next()? {
        let entry = logged(row)?;
        read += entry.header.len() + entry.picture.len();
        if read > bytes && !page.is_empty() {
            return Ok((page, true));
        }
        page.push(entry);
    }
    let more = page.len() == alerts;
    Ok((page, more))
}

fn logged(row: &Row<'_>) -> rusqlite::Result<Logged> {
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let optional = |column: usize| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
    // Written by us as an object.
    let result = RawValue::from_string(row.get(10)?).unwrap_or_default();
    let message = wire::Logged {
        detected: wire::Detected {
            user_id: text(3)?,
            stream_id: text(4)?,
            result: &result,
            alert_id: text(1)?,
            shop_id: text(2)?,
            at: time::from_micros(row.get(5)?),
            severity: text(6)?,
            location: text(7)?,
            picture: optional(12)?,
            picture_reason: optional(13)?,
        },
        anomaly_type: text(8)?,
        description: text(9)?,
    };
    Ok(Logged {
        sequence: row.get(0)?,
        id: row.get(1)?,
        stream: row.get(4)?,
        header: message.header().unwrap_or_default(),
        picture: row.get::<_, Option<Vec<u8>>>(11)?.unwrap_or_default(),
    })
}
