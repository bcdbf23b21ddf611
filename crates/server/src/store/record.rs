//! Rows of the record: detections, their pictures, what was decided about them.

use jiff::Timestamp;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde::Serialize;
use serde_json::value::RawValue;
use visionguard_proto::{AnomalyId, ShopId, StreamId, UserId};

use crate::time;

/// A detection about to be recorded.
#[derive(Debug)]
pub(crate) struct NewRow {
    pub(crate) id: AnomalyId,
    pub(crate) shop_id: ShopId,
    /// Who runs the stream.
    pub(crate) user_id: UserId,
    pub(crate) stream_id: StreamId,
    pub(crate) at: Timestamp,
    pub(crate) location: String,
    pub(crate) severity: &'static str,
    pub(crate) description: String,
    pub(crate) anomaly_type: &'static str,
    pub(crate) confidence_score: Option<f64>,
    /// A JSON object.
    pub(crate) extra_data: String,
    /// The pipeline's whole result, a JSON object.
    pub(crate) result: String,
    /// The picture's name, and the picture.
    pub(crate) picture: Option<(String, bytes::Bytes)>,
}

/// A row in the bodies of `/api/anomalies` (contract 2.1).
#[derive(Debug, Serialize)]
pub(crate) struct Anomaly {
    id: String,
    shop_id: String,
    timestamp: String,
    location: String,
    severity: String,
    status: String,
    description: String,
    image_url: Option<String>,
    anomaly_type: Option<String>,
    confidence_score: Option<f64>,
    resolved_by: Option<String>,
    resolved_at: Option<String>,
    notes: Option<String>,
    extra_data: Box<RawValue>,
    created_at: String,
    updated_at: String,
    acknowledged_by: Option<String>,
    acknowledged_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, shop_id, at, location, severity, status, description, picture, anomaly_type,
    confidence_score, resolved_by, resolved_at, notes, extra_data, created_at, updated_at, acknowledged_by,
    acknowledged_at";

/// Which rows are asked for, and by whom: only what this user sees is found.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) user: String,
    pub(crate) shop_id: Option<String>,
    pub(crate) status: Option<Status>,
    pub(crate) severity: Option<String>,
}

/// What may be decided about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Acknowledged,
    Resolved,
    FalsePositive,
}

impl Status {
    pub(crate) const ALL: [Status; 4] =
        [Status::Pending, Status::Acknowledged, Status::Resolved, Status::FalsePositive];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Acknowledged => "acknowledged",
            Status::Resolved => "resolved",
            Status::FalsePositive => "false_positive",
        }
    }

    /// Reads the word in any case.
    pub(crate) fn read(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.word().eq_ignore_ascii_case(word))
    }
}

impl ToSql for Status {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.word().into())
    }
}

pub(crate) fn insert(db: &Connection, row: &NewRow) -> rusqlite::Result<()> {
    let now = time::now().as_microsecond();
    let at = row.at.as_microsecond();
    db.prepare_cached(
        "INSERT INTO anomalies (id, shop_id, at, location, severity, description, anomaly_type, confidence_score,
         extra_data, result, picture, created_at, updated_at, user_id, stream_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13, ?14)",
    )?
    .execute(params![
        row.id.as_str(),
        row.shop_id.as_str(),
        at,
        row.location,
        row.severity,
        row.description,
        row.anomaly_type,
        row.confidence_score,
        row.extra_data,
        row.result,
        row.picture.as_ref().map(|(name, _)| name),
        now,
        row.user_id.as_str(),
        row.stream_id.as_str(),
    ])?;
    let Some((name, jpeg)) = &row.picture else { return Ok(()) };
    db.prepare_cached("INSERT INTO frames (sequence, shop_id, name, at, jpeg) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![db.last_insert_rowid(), row.shop_id.as_str(), name, at, jpeg.as_ref()])?;
    Ok(())
}

/// One page of what this user sees, newest first, and how many rows there are in all.
pub(crate) fn list(
    db: &Connection,
    filter: &Filter,
    limit: u32,
    offset: u64,
) -> rusqlite::Result<(u64, Vec<Anomaly>)> {
    let (clause, mut values) = visible_where(filter);
    let count = format!("SELECT count(*) FROM anomalies WHERE {clause}");
    let total = db.prepare_cached(&count)?.query_row(&values[..], |row| row.get::<_, i64>(0))?;
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    values.push((":limit", &limit));
    values.push((":offset", &offset));
    let page = format!(
        "SELECT {COLUMNS} FROM anomalies WHERE {clause}
         ORDER BY at DESC, sequence DESC LIMIT :limit OFFSET :offset"
    );
    let rows = db.prepare_cached(&page)?.query_map(&values[..], anomaly)?.collect::<Result<_, _>>()?;
    Ok((total.unsigned_abs(), rows))
}

/// One row, if this user sees it.
pub(crate) fn one(db: &Connection, user: &UserId, id: &str) -> rusqlite::Result<Option<Anomaly>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM anomalies
         WHERE id = ?1 AND shop_id IN (SELECT shop_id FROM visible WHERE user_id = ?2)"
    );
    db.prepare_cached(&sql)?.query_row([id, user.as_str()], anomaly).optional()
}

/// Records a decision of a user who sees the row; the changed row, if there is one.
pub(crate) fn decide(
    db: &Connection,
    user: &UserId,
    id: &str,
    status: Status,
    notes: Option<&str>,
) -> rusqlite::Result<Option<Anomaly>> {
    let closes = matches!(status, Status::Resolved | Status::FalsePositive);
    let acknowledges = status == Status::Acknowledged;
    db.prepare_cached(
        "UPDATE anomalies SET status = :status, notes = coalesce(:notes, notes), updated_at = :now,
         resolved_by = iif(:closes, :user, resolved_by), resolved_at = iif(:closes, :now, resolved_at),
         acknowledged_by = iif(:acknowledges AND acknowledged_at IS NULL, :user, acknowledged_by),
         acknowledged_at = iif(:acknowledges AND acknowledged_at IS NULL, :now, acknowledged_at)
         WHERE id = :id AND shop_id IN (SELECT shop_id FROM visible WHERE user_id = :user)",
    )?
    .execute(rusqlite::named_params! {
        ":status": status.word(),
        ":notes": notes,
        ":now": time::now().as_microsecond(),
        ":closes": closes,
        ":acknowledges": acknowledges,
        ":user": user.as_str(),
        ":id": id,
    })?;
    one(db, user, id)
}

/// A picture, if this user sees its shop.
pub(crate) fn picture(
    db: &Connection,
    user: &UserId,
    shop: &str,
    name: &str,
) -> rusqlite::Result<Option<Vec<u8>>> {
    db.prepare_cached(
        "SELECT jpeg FROM frames WHERE shop_id = ?1 AND name = ?2
         AND shop_id IN (SELECT shop_id FROM visible WHERE user_id = ?3)",
    )?
    .query_row([shop, name, user.as_str()], |row| row.get(0))
    .optional()
}

/// How many of the visible rows are new, of each status, and of each severity.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    total: i64,
    recent_24h: i64,
    by_status: serde_json::Map<String, serde_json::Value>,
    by_severity: serde_json::Map<String, serde_json::Value>,
}

pub(crate) fn summary(db: &Connection, filter: &Filter) -> rusqlite::Result<Summary> {
    let (clause, values) = visible_where(filter);
    let groups = |column: &str, names: &[&str]| -> rusqlite::Result<_> {
        let mut counts: serde_json::Map<String, serde_json::Value> =
            names.iter().map(|name| ((*name).to_owned(), 0.into())).collect();
        let sql = format!("SELECT {column}, count(*) FROM anomalies WHERE {clause} GROUP BY 1");
        let mut statement = db.prepare_cached(&sql)?;
        let mut rows = statement.query(&values[..])?;
        while let Some(row) = rows.next()? {
            counts.insert(row.get(0)?, row.get::<_, i64>(1)?.into());
        }
        Ok(counts)
    };
    let day_ago = time::now().as_microsecond() - 24 * 60 * 60 * 1_000_000;
    let sql = format!("SELECT count(*), coalesce(sum(at > {day_ago}), 0) FROM anomalies WHERE {clause}");
    let (total, recent_24h) =
        db.prepare(&sql)?.query_row(&values[..], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Summary {
        total,
        recent_24h,
        by_status: groups("status", &Status::ALL.map(Status::word))?,
        by_severity: groups("severity", &crate::publish::Severity::ALL.map(crate::publish::Severity::word))?,
    })
}

/// Removes pictures older than this; their rows stay and say that there is none.
pub(crate) fn forget_pictures(db: &Connection, before: Timestamp) -> rusqlite::Result<usize> {
    db.execute(
        "UPDATE anomalies SET picture = NULL WHERE picture IS NOT NULL AND at < ?1",
        [before.as_microsecond()],
    )?;
    db.execute("DELETE FROM frames WHERE at < ?1", [before.as_microsecond()])
}

/// The publish that was made with this key: its digest, alert and time.
pub(crate) fn earlier_publish(
    db: &Connection,
    scope: &str,
    key: &str,
) -> rusqlite::Result<Option<(Vec<u8>, String, Timestamp)>> {
    db.prepare_cached("SELECT digest, anomaly_id, at FROM publishes WHERE scope = ?1 AND key = ?2")?
        .query_row([scope, key], |row| Ok((row.get(0)?, row.get(1)?, time::from_micros(row.get(2)?))))
        .optional()
}

pub(crate) fn remember_publish(
    db: &Connection,
    scope: &str,
    key: &str,
    digest: &[u8],
    id: &AnomalyId,
    at: Timestamp,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO publishes (scope, key, digest, anomaly_id, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![scope, key, digest, id.as_str(), at.as_microsecond()])?;
    Ok(())
}

pub(crate) fn forget_publishes(db: &Connection, before: Timestamp) -> rusqlite::Result<usize> {
    db.execute("DELETE FROM publishes WHERE at < ?1", [before.as_microsecond()])
}

/// The condition that a row passes the filter, with its values.
fn visible_where(filter: &Filter) -> (String, Vec<(&'static str, &dyn ToSql)>) {
    let mut clause = "shop_id IN (SELECT shop_id FROM visible WHERE user_id = :user)".to_owned();
    let mut values: Vec<(&'static str, &dyn ToSql)> = vec![(":user", &filter.user)];
    if let Some(shop) = &filter.shop_id {
        clause.push_str(" AND shop_id = :shop");
        values.push((":shop", shop));
    }
    if let Some(status) = &filter.status {
        clause.push_str(" AND status = :status");
        values.push((":status", status));
    }
    if let Some(severity) = &filter.severity {
        clause.push_str(" AND severity = :severity");
        values.push((":severity", severity));
    }
    (clause, values)
}

/// Reads a row of the columns [`COLUMNS`].
fn anomaly(row: &Row<'_>) -> rusqlite::Result<Anomaly> {
    let naive = |micros: i64| time::naive(time::from_micros(micros));
    let shop_id: String = row.get(1)?;
    let picture: Option<String> = row.get(7)?;
    let extra_data: String = row.get(13)?;
    Ok(Anomaly {
        id: row.get(0)?,
        timestamp: naive(row.get(2)?),
        location: row.get(3)?,
        severity: row.get(4)?,
        status: row.get(5)?,
        description: row.get(6)?,
        image_url: picture.map(|name| picture_path(&shop_id, &name)),
        anomaly_type: row.get(8)?,
        confidence_score: row.get(9)?,
        resolved_by: row.get(10)?,
        resolved_at: row.get::<_, Option<i64>>(11)?.map(naive),
        notes: row.get(12)?,
        extra_data: RawValue::from_string(extra_data).unwrap_or_default(),
        created_at: naive(row.get(14)?),
        updated_at: naive(row.get(15)?),
        acknowledged_by: row.get(16)?,
        acknowledged_at: row.get::<_, Option<i64>>(17)?.map(time::from_micros),
        shop_id,
    })
}

/// Where a picture is served.
pub(crate) fn picture_path(shop: &str, name: &str) -> String {
    format!("/api/anomalies/frames/{shop}/{name}")
}
