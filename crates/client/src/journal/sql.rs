//! Between rows and values: the numbers that stand for kinds and decisions, and the columns in their order.

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::{FromSqlError, Type, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row};
use visionguard_proto::{AnomalyId, BoundingBox, Kind, ShopId, StreamId};

use super::JournalError;
use crate::model::{
    AlertId, Decision, Disposition, Entry, Handling, IncidentId, IncidentRow, Late, Source, Stored,
    StoredPicture, late_by,
};

pub(super) const TOLD_BY_DETECTION: i64 = 1;
pub(super) const TOLD_BY_NOTICE: i64 = 2;
pub(super) const TOLD_BY_RECORD: i64 = 4;

pub(super) const OPEN: i64 = 0;
pub(super) const SENDING: i64 = 1;
pub(super) const RECORDED: i64 = 2;
pub(super) const REFUSED: i64 = 3;

/// The decision that undoes one: an incident with it is open.
pub(super) const REOPENED: i64 = 3;

/// An alert with what only the joining needs to know of it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) stored: Stored,
    /// The anomaly id is not a guess.
    pub(super) sure: bool,
    pub(super) at: i64,
}

impl Held {
    /// Whether it is known which detection this is, and not only what its anomaly id is.
    pub(super) fn has_key(&self) -> bool {
        self.stored.frame_number.is_some()
    }
}

const ALERT: &str = "SELECT a.id, a.incident, a.anomaly_id, a.kind, a.stream_id, a.shop_id, a.person_id, \
     a.start_frame, a.frame_number, a.score, a.text, a.location, a.detected_at, a.received_at, a.notified_at, \
     a.acked_at, a.live, a.picture_bytes, a.picture_width, a.picture_height, a.box_x, a.box_y, a.box_width, \
     a.box_height, a.picture_problem, a.picture_path, a.sure, a.at, a.clock_ahead FROM alert a";

const INCIDENT: &str = "SELECT i.id, i.kind, i.stream_id, i.person_id, i.shop_id, s.name, i.location, i.text, \
     i.first_at, i.last_at, i.alerts, i.top_score, i.nth, i.cover, i.live, i.notified_at, i.seen_at, \
     i.dismissed_at, i.handling, i.decision, i.decided_here, i.handled_at, i.refusal, i.decided_at, \
     opening.live, opening.received_at, opening.detected_at, opening.clock_ahead, \
     newest.live, newest.received_at, newest.detected_at, newest.clock_ahead, \
     (SELECT until FROM undo WHERE incident = i.id), i.outcome, i.unopened, \
     CASE WHEN i.decided_here AND i.account IS (SELECT value FROM value WHERE name = 'account') THEN NULL ELSE i.handled_by END, \
     CASE WHEN i.decision = 3 THEN EXISTS (SELECT 1 FROM outbox o JOIN alert a ON a.id = o.alert \
         WHERE a.incident = i.id AND o.state = 0) END \
     FROM incident i LEFT JOIN shop s ON s.id = i.shop_id \
     LEFT JOIN alert opening ON opening.id = (SELECT min(id) FROM alert WHERE incident = i.id) \
     LEFT JOIN alert newest ON newest.id = (SELECT max(id) FROM alert WHERE incident = i.id)";

/// The alerts for which this holds (`a.` before columns).
pub(super) fn alerts(
    connection: &Connection,
    which: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<Held>, JournalError> {
    let mut statement = connection.prepare_cached(&format!("{ALERT} {which}"))?;
    let rows = statement.query_map(values, held)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The first alert for which this holds.
pub(super) fn alert(
    connection: &Connection,
    which: &str,
    values: impl rusqlite::Params,
) -> Result<Option<Held>, JournalError> {
    let mut statement = connection.prepare_cached(&format!("{ALERT} {which} LIMIT 1"))?;
    Ok(statement.query_row(values, held).optional()?)
}

/// The incidents for which this holds (`i.` before columns, `s.name` is the shop's).
pub(super) fn incidents(
    connection: &Connection,
    which: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<IncidentRow>, JournalError> {
    let mut statement = connection.prepare_cached(&format!("{INCIDENT} {which}"))?;
    let rows = statement.query_map(values, incident_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One incident.
pub(super) fn incident(connection: &Connection, id: IncidentId) -> Result<Option<IncidentRow>, JournalError> {
    Ok(incidents(connection, "WHERE i.id = ?1", [id.0])?.pop())
}

/// One alert with its incident.
pub(super) fn entry(connection: &Connection, id: AlertId) -> Result<Option<Entry>, JournalError> {
    match alert(connection, "WHERE a.id = ?1", [id.0])? {
        Some(held) => with_incident(connection, held.stored).map(Some),
        None => Ok(None),
    }
}

/// This alert with its incident.
pub(super) fn with_incident(connection: &Connection, alert: Stored) -> Result<Entry, JournalError> {
    let incident = incident(connection, alert.incident)?.ok_or(JournalError::Damaged)?;
    Ok(Entry { alert, incident })
}

pub(super) fn kind_number(kind: Kind) -> i64 {
    match kind {
        Kind::Theft => 0,
        Kind::Intrusion => 1,
        Kind::Other => 2,
    }
}

pub(super) fn decision_number(decision: Decision) -> i64 {
    match decision {
        Decision::Acknowledged => 0,
        Decision::Resolved => 1,
        Decision::FalseAlarm => 2,
        Decision::Reopened => REOPENED,
    }
}

pub(super) fn decision(number: i64) -> Decision {
    match number {
        1 => Decision::Resolved,
        2 => Decision::FalseAlarm,
        REOPENED => Decision::Reopened,
        _ => Decision::Acknowledged,
    }
}

pub(super) fn outcome_number(outcome: Disposition) -> i64 {
    match outcome {
        Disposition::PoliceCalled => 1,
        Disposition::GoodsRecovered => 2,
        Disposition::SentAway => 3,
        Disposition::StaffSawToIt => 4,
        Disposition::NothingFound => 5,
        Disposition::StaffMember => 6,
        Disposition::OwnGoods => 7,
        Disposition::CameraOrLight => 8,
        Disposition::NobodyThere => 9,
        Disposition::Other => 10,
    }
}

/// None for one of a newer program.
pub(super) fn outcome(number: i64) -> Option<Disposition> {
    Disposition::ALL.into_iter().find(|outcome| outcome_number(*outcome) == number)
}

/// Text that a damaged or hostile file cannot make us refuse.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => Ok(Some(String::from_utf8_lossy(bytes).into_owned())),
        ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => Err(unreadable(column)),
    }
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(|_| unreadable(column))
}

pub(super) fn maybe_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let Some(microseconds) = row.get::<_, Option<i64>>(column)? else { return Ok(None) };
    Timestamp::from_microsecond(microseconds).map(Some).map_err(|_| unreadable(column))
}

pub(super) fn anomaly(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<AnomalyId>> {
    Ok(text(row, column)?.and_then(|text| AnomalyId::new(&text).ok()))
}

fn held(row: &Row<'_>) -> rusqlite::Result<Held> {
    Ok(Held { stored: stored(row)?, sure: row.get(26)?, at: row.get(27)? })
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        id: AlertId(row.get(0)?),
        incident: IncidentId(row.get(1)?),
        anomaly_id: anomaly(row, 2)?,
        kind: kind(row.get(3)?),
        stream_id: text(row, 4)?.and_then(|text| StreamId::new(&text).ok()),
        shop_id: text(row, 5)?.and_then(|text| ShopId::new(&text).ok()),
        person_id: row.get(6)?,
        start_frame: row.get(7)?,
        frame_number: row.get(8)?,
        score: row.get(9)?,
        text: text(row, 10)?,
        location: text(row, 11)?,
        detected_at: maybe_time(row, 12)?,
        detected_here: here(maybe_time(row, 12)?, row.get(28)?),
        received_at: time(row, 13)?,
        notified_at: maybe_time(row, 14)?,
        acked_at: maybe_time(row, 15)?,
        source: source(row.get(16)?),
        picture: picture(row)?,
        picture_problem: text(row, 24)?,
        picture_path: text(row, 25)?,
    })
}

/// By our clock, of which the server's is so many microseconds ahead.
pub(super) fn here(at: Option<Timestamp>, ahead: Option<i64>) -> Option<Timestamp> {
    at?.checked_sub(SignedDuration::from_micros(ahead?)).ok()
}

fn picture(row: &Row<'_>) -> rusqlite::Result<Option<StoredPicture>> {
    let Some(bytes) = row.get(17)? else { return Ok(None) };
    let side = |column| row.get::<_, Option<f64>>(column);
    let bounding_box = match (side(20)?, side(21)?, side(22)?, side(23)?) {
        (Some(x), Some(y), Some(width), Some(height)) => Some(BoundingBox { x, y, width, height }),
        _ => None,
    };
    Ok(Some(StoredPicture { width: row.get(18)?, height: row.get(19)?, bytes, bounding_box }))
}

fn incident_row(row: &Row<'_>) -> rusqlite::Result<IncidentRow> {
    Ok(IncidentRow {
        id: IncidentId(row.get(0)?),
        kind: kind(row.get(1)?),
        stream_id: text(row, 2)?.and_then(|text| StreamId::new(&text).ok()),
        person_id: row.get(3)?,
        shop_id: text(row, 4)?.and_then(|text| ShopId::new(&text).ok()),
        shop: text(row, 5)?,
        location: text(row, 6)?,
        text: text(row, 7)?,
        first_at: time(row, 8)?,
        last_at: time(row, 9)?,
        alerts: row.get(10)?,
        top_score: row.get(11)?,
        nth: row.get(12)?,
        cover: row.get::<_, Option<i64>>(13)?.map(AlertId),
        source: source(row.get(14)?),
        notified_at: maybe_time(row, 15)?,
        seen_at: maybe_time(row, 16)?,
        dismissed_at: maybe_time(row, 17)?,
        handling: handling(row)?,
        outcome: row.get::<_, Option<i64>>(33)?.and_then(outcome),
        by: text(row, 35)?,
        unopened: row.get::<_, i64>(34)? > 0,
        late: late(row)?,
    })
}

/// When an incident happened whose first or newest alert came on the socket, but late.
fn late(row: &Row<'_>) -> rusqlite::Result<Option<Late>> {
    let (first_at, last_at) = (time(row, 8)?, time(row, 9)?);
    let (opening, newest) = (came_late(row, 24)?, came_late(row, 28)?);
    let Some((_, by)) = opening.or(newest) else { return Ok(None) };
    let detected = [opening, newest].map(|late| late.map(|(detected, _)| detected));
    let [opening, newest] = [detected[0].unwrap_or(first_at), detected[1].unwrap_or(last_at)];
    Ok(Some(Late { from: opening.min(newest), to: opening.max(newest), by }))
}

/// When the alert of these columns was detected, and by how much it came late, if it came on the socket and did.
fn came_late(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<(Timestamp, SignedDuration)>> {
    let live: Option<bool> = row.get(column)?;
    if live != Some(true) {
        return Ok(None);
    }
    let detected = here(maybe_time(row, column + 2)?, row.get(column + 3)?);
    Ok(detected.zip(late_by(time(row, column + 1)?, detected)))
}

fn handling(row: &Row<'_>) -> rusqlite::Result<Handling> {
    let state: i64 = row.get(18)?;
    let Some(decided) = row.get::<_, Option<i64>>(19)? else { return Ok(Handling::Open) };
    let decision = decision(decided);
    Ok(match state {
        SENDING => {
            let until = maybe_time(row, 32)?;
            Handling::Sending { decision, undo_until: until.map(Timestamp::as_millisecond) }
        }
        RECORDED => {
            let at = maybe_time(row, 21)?.or(maybe_time(row, 23)?);
            Handling::Recorded { decision, here: row.get(20)?, at: at.map_or(0, Timestamp::as_millisecond) }
        }
        OPEN if decision == Decision::Reopened => Handling::Reopened {
            here: row.get(20)?,
            sent: row.get::<_, Option<bool>>(36)? != Some(true),
            at: maybe_time(row, 23)?.map_or(0, Timestamp::as_millisecond),
            undo_until: maybe_time(row, 32)?.map(Timestamp::as_millisecond),
        },
        REFUSED => Handling::Refused { decision, sentence: text(row, 22)?.unwrap_or_default() },
        _ => Handling::Open,
    })
}

pub(super) fn kind(number: i64) -> Kind {
    match number {
        0 => Kind::Theft,
        1 => Kind::Intrusion,
        _ => Kind::Other,
    }
}

fn source(live: bool) -> Source {
    if live { Source::Live } else { Source::History }
}

fn unreadable(column: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(FromSqlError::InvalidType))
}
