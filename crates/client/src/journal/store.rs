//! Writing alerts: a new one, what a further account adds, one split off, one absorbed.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use visionguard_proto::{Alert, AnomalyId, BoundingBox, Jpeg, Picture};

use super::JournalError;
use super::grouping::{self, Subject};
use super::join::told_by;
use super::sql::{self, Held, TOLD_BY_NOTICE, TOLD_BY_RECORD};
use crate::model::{AlertId, Changed, PRUNED, REMARK, Source};
use crate::words;

/// Two clocks that differ by less are not told apart: the server's is known to the second.
const FAR_APART: SignedDuration = SignedDuration::from_secs(10);

/// One account of a detection, with what we know of its arrival.
#[derive(Debug)]
pub(super) struct Account<'a> {
    pub(super) alert: &'a Alert,
    pub(super) received_at: Timestamp,
    source: Source,
    written: Written,
}

/// When an account is written, by this computer's clock, and what is known of the server's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) at: Timestamp,
    /// By how many microseconds the server's clock is ahead.
    pub(super) clock_ahead: Option<i64>,
}

/// What names a detection exactly.
pub(super) struct Key<'a> {
    pub(super) stream_id: &'a str,
    pub(super) frame_number: i64,
    pub(super) person_id: Option<i64>,
    pub(super) start_frame: Option<i64>,
}

impl<'a> Account<'a> {
    pub(super) fn new(
        alert: &'a Alert,
        received_at: Timestamp,
        source: Source,
        written: Written,
    ) -> Account<'a> {
        Account { alert, received_at, source, written }
    }

    pub(super) fn key(&self) -> Option<Key<'a>> {
        Some(Key {
            stream_id: self.alert.stream_id.as_ref()?.as_str(),
            frame_number: self.alert.frame_number?,
            person_id: self.alert.person_id,
            start_frame: self.alert.start_frame,
        })
    }

    /// The stream, where it is told, and the person, if it is.
    pub(super) fn subject(&self) -> Option<(&'a str, Option<i64>)> {
        Some((self.alert.stream_id.as_ref()?.as_str(), self.alert.person_id))
    }

    /// Its place in time by our clock, but never the future: when it came where that was live, else when it was detected.
    fn at(&self) -> Timestamp {
        match (self.source, self.alert.detected_at) {
            (Source::History, Some(detected_at)) => self.by_our_clock(detected_at).min(self.received_at),
            (Source::History, None) | (Source::Live, _) => self.received_at,
        }
    }

    /// Two clocks that are far apart would mix up what came live and what was missed.
    fn by_our_clock(&self, detected_at: Timestamp) -> Timestamp {
        let ahead = SignedDuration::from_micros(self.written.clock_ahead.unwrap_or_default());
        if ahead.abs() < FAR_APART {
            return detected_at;
        }
        detected_at.checked_sub(ahead).unwrap_or(detected_at)
    }
}

/// Stores an alert that was not known; what is stored now, and whether it opened its incident.
pub(super) fn insert(connection: &Connection, account: &Account<'_>) -> Result<(Held, bool), JournalError> {
    let alert = account.alert;
    let stream_id = alert.stream_id.as_ref().map(|id| id.as_str());
    let at = account.at().as_microsecond();
    let kind = sql::kind_number(alert.kind);
    let subject = Subject { kind, stream_id, person_id: alert.person_id, at };
    let (incident, first) = grouping::place(connection, &subject)?;
    let told_by = told_by(alert.via);
    let sure = alert.anomaly_id.is_some() && told_by != TOLD_BY_NOTICE;
    let path = match &alert.picture {
        Picture::At(there) => Some(there),
        Picture::Jpeg(_) | Picture::Absent | Picture::Refused(_) => None,
    };
    connection
        .prepare_cached(
            "INSERT INTO alert (incident, anomaly_id, sure, told_by, kind, stream_id, person_id, start_frame, \
             frame_number, shop_id, score, claimed_severity, text, location, detected_at, received_at, at, live, \
             stored_at, clock_ahead, picture_path) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
        )?
        .execute(params![
            incident.0,
            alert.anomaly_id.as_ref().map(|id| id.as_str()),
            sure,
            told_by,
            kind,
            stream_id,
            alert.person_id,
            alert.start_frame,
            alert.frame_number,
            alert.shop_id.as_ref().map(|id| id.as_str()),
            finite(alert.score),
            alert.claimed_severity,
            alert.text,
            alert.location,
            alert.detected_at.map(Timestamp::as_microsecond),
            account.received_at.as_microsecond(),
            at,
            account.source == Source::Live,
            account.written.at.max(account.received_at).as_microsecond(),
            account.written.clock_ahead,
            path,
        ])?;
    let id = AlertId(connection.last_insert_rowid());
    let known = Known { is_stored: false, problem: None, has_path: path.is_some() };
    put_picture_beside(connection, id, &alert.picture, alert.bounding_box, &known)?;
    let held = held(connection, id)?;
    grouping::add(connection, &held)?;
    Ok((held, first))
}

/// Adds what a further account tells to an alert that is known; what that changed, the anomaly id apart.
pub(super) fn tell(
    connection: &Connection,
    held: &Held,
    account: &Account<'_>,
) -> Result<Changed, JournalError> {
    let (alert, stored) = (account.alert, &held.stored);
    let fills = |known: bool, told: bool| !known && told;
    let facts = fills(stored.shop_id.is_some(), alert.shop_id.is_some())
        || fills(stored.score.is_some(), finite(alert.score).is_some())
        || fills(stored.text.is_some(), alert.text.is_some())
        || fills(stored.location.is_some(), alert.location.is_some())
        || fills(stored.detected_at.is_some(), alert.detected_at.is_some())
        || fills(stored.frame_number.is_some(), alert.frame_number.is_some())
        || (stored.source == Source::History && account.source == Source::Live);
    connection
        .prepare_cached(
            "UPDATE alert SET told_by = told_by | ?2, start_frame = coalesce(start_frame, ?3), \
             frame_number = coalesce(frame_number, ?4), shop_id = coalesce(shop_id, ?5), \
             score = coalesce(score, ?6), claimed_severity = coalesce(claimed_severity, ?7), \
             text = coalesce(text, ?8), location = coalesce(location, ?9), \
             detected_at = CASE WHEN ?10 THEN coalesce(?11, detected_at) ELSE coalesce(detected_at, ?11) END, \
             live = max(live, ?12), stream_id = coalesce(stream_id, ?13), person_id = coalesce(person_id, ?14), \
             clock_ahead = coalesce(clock_ahead, ?15) WHERE id = ?1",
        )?
        .execute(params![
            stored.id.0,
            told_by(alert.via),
            alert.start_frame,
            alert.frame_number,
            alert.shop_id.as_ref().map(|id| id.as_str()),
            finite(alert.score),
            alert.claimed_severity,
            alert.text,
            alert.location,
            told_by(alert.via) == TOLD_BY_RECORD,
            alert.detected_at.map(Timestamp::as_microsecond),
            account.source == Source::Live,
            alert.stream_id.as_ref().map(|id| id.as_str()),
            alert.person_id,
            account.written.clock_ahead,
        ])?;
    let picture = put_picture(connection, stored.id, &alert.picture, alert.bounding_box)?;
    if facts || picture {
        grouping::tell(connection, &self::held(connection, stored.id)?)?;
    }
    Ok(Changed { anomaly_id: false, picture, facts })
}

/// Adds a picture that was fetched afterwards, or why there is none.
pub(super) fn attach_picture(
    connection: &Connection,
    id: AlertId,
    picture: &Picture,
) -> Result<(), JournalError> {
    put_picture(connection, id, picture, None)?;
    if *picture == Picture::Absent {
        connection.execute("UPDATE alert SET picture_path = NULL WHERE id = ?1", [id.0])?;
    }
    grouping::tell(connection, &held(connection, id)?)
}

/// What is known of an alert's picture.
struct Known {
    is_stored: bool,
    problem: Option<String>,
    has_path: bool,
}

/// Stores a picture where there is none yet, or why there is none; whether that changed anything.
fn put_picture(
    connection: &Connection,
    id: AlertId,
    picture: &Picture,
    bounds: Option<BoundingBox>,
) -> Result<bool, JournalError> {
    let known = connection
        .prepare_cached(
            "SELECT picture_bytes IS NOT NULL, picture_problem, picture_path IS NOT NULL FROM alert WHERE id = ?1",
        )?
        .query_row([id.0], |row| {
            Ok(Known { is_stored: row.get(0)?, problem: row.get(1)?, has_path: row.get(2)? })
        })?;
    put_picture_beside(connection, id, picture, bounds, &known)
}

/// The same, of an alert of which this is known.
fn put_picture_beside(
    connection: &Connection,
    id: AlertId,
    picture: &Picture,
    bounds: Option<BoundingBox>,
    known: &Known,
) -> Result<bool, JournalError> {
    let Known { is_stored, problem, has_path } = known;
    if *is_stored || problem.as_deref() == Some(PRUNED) {
        return Ok(false);
    }
    match picture {
        Picture::Jpeg(jpeg) => {
            connection
                .prepare_cached(
                    "UPDATE alert SET picture_bytes = ?2, picture_width = ?3, picture_height = ?4, box_x = ?5, \
                     box_y = ?6, box_width = ?7, box_height = ?8, picture_problem = ?9, picture_path = NULL \
                     WHERE id = ?1",
                )?
                .execute(params![
                    id.0,
                    i64::try_from(jpeg.bytes().len()).unwrap_or(i64::MAX),
                    jpeg.width(),
                    jpeg.height(),
                    bounds.and_then(|bounds| finite(Some(bounds.x))),
                    bounds.and_then(|bounds| finite(Some(bounds.y))),
                    bounds.and_then(|bounds| finite(Some(bounds.width))),
                    bounds.and_then(|bounds| finite(Some(bounds.height))),
                    remark(jpeg),
                ])?;
            connection
                .prepare_cached("INSERT INTO picture (alert, jpeg) VALUES (?1, ?2)")?
                .execute(params![id.0, jpeg.bytes().as_ref()])?;
            Ok(true)
        }
        Picture::Refused(why) => {
            connection
                .prepare_cached("UPDATE alert SET picture_problem = ?2, picture_path = NULL WHERE id = ?1")?
                .execute(params![id.0, why.to_string()])?;
            Ok(problem.is_none())
        }
        Picture::At(there) => {
            if !has_path && problem.is_none() {
                connection
                    .prepare_cached("UPDATE alert SET picture_path = ?2 WHERE id = ?1")?
                    .execute(params![id.0, there])?;
            }
            Ok(false)
        }
        Picture::Absent => Ok(false),
    }
}

/// Notes why a picture that is stored cannot be shown, or that it can; whether that is news.
pub(super) fn note_unshown(
    connection: &Connection,
    id: AlertId,
    why: Option<&str>,
) -> Result<bool, JournalError> {
    let changed = connection
        .prepare_cached(
            "UPDATE alert SET picture_problem = ?2 WHERE id = ?1 AND picture_bytes IS NOT NULL \
             AND picture_problem IS NOT ?2",
        )?
        .execute(params![id.0, why])?;
    Ok(changed > 0)
}

/// What there is to say about a picture that is kept.
fn remark(jpeg: &Jpeg) -> Option<String> {
    let told = jpeg.remark().map(str::to_owned);
    let words = told.or_else(|| (!jpeg.has_end()).then(|| words::text("notice.picture_no_end", &[])))?;
    Some(format!("{REMARK}{words}"))
}

/// Makes the notice that `home` had been given by mistake an alert of its own again.
pub(super) fn split_off(
    connection: &Connection,
    home: &Held,
    displaced: &AnomalyId,
) -> Result<AlertId, JournalError> {
    connection
        .prepare_cached(
            "INSERT INTO alert (incident, anomaly_id, sure, told_by, kind, stream_id, person_id, shop_id, \
             claimed_severity, text, location, received_at, stored_at, clock_ahead, at, live) \
             SELECT incident, ?2, 0, ?3, kind, stream_id, person_id, shop_id, claimed_severity, text, location, \
             received_at, stored_at, clock_ahead, at, live FROM alert WHERE id = ?1",
        )?
        .execute(params![home.stored.id.0, displaced.as_str(), TOLD_BY_NOTICE])?;
    let id = AlertId(connection.last_insert_rowid());
    grouping::add(connection, &held(connection, id)?)?;
    Ok(id)
}

/// Makes the notice `holder` part of the detection `home`; the caller sums up the holder's incident.
pub(super) fn absorb(connection: &Connection, holder: &Held, home: &Held) -> Result<(), JournalError> {
    let (from, to) = (holder.stored.id.0, home.stored.id.0);
    connection
        .prepare_cached(
            "UPDATE alert SET (told_by, shop_id, claimed_severity, text, location, detected_at, received_at, live, \
             stored_at, clock_ahead, early, notified_at, acked_at) = (SELECT alert.told_by | h.told_by, coalesce(alert.shop_id, h.shop_id), \
             coalesce(alert.claimed_severity, h.claimed_severity), coalesce(alert.text, h.text), \
             coalesce(alert.location, h.location), coalesce(alert.detected_at, h.detected_at), \
             min(alert.received_at, h.received_at), max(alert.live, h.live), \
             min(alert.stored_at, h.stored_at), coalesce(alert.clock_ahead, h.clock_ahead), \
             min(alert.early, h.early), \
             coalesce(alert.notified_at, h.notified_at), coalesce(alert.acked_at, h.acked_at) \
             FROM alert h WHERE h.id = ?2) WHERE id = ?1",
        )?
        .execute(params![to, from])?;
    connection
        .prepare_cached("UPDATE OR IGNORE outbox SET alert = ?1 WHERE alert = ?2")?
        .execute(params![to, from])?;
    connection
        .prepare_cached("UPDATE OR IGNORE note_due SET alert = ?1 WHERE alert = ?2")?
        .execute(params![to, from])?;
    connection.prepare_cached("DELETE FROM alert WHERE id = ?1")?.execute([from])?;
    grouping::sum_up(connection, home.stored.incident)?;
    Ok(())
}

fn held(connection: &Connection, id: AlertId) -> Result<Held, JournalError> {
    sql::alert(connection, "WHERE a.id = ?1", [id.0])?.ok_or(JournalError::Damaged)
}

/// SQLite stores no NaN, and an infinite score says nothing.
fn finite(number: Option<f64>) -> Option<f64> {
    number.filter(|number| number.is_finite())
}
