//! The backend's record of detections: the bodies of `GET /api/anomalies` and `GET|PATCH /api/anomalies/{id}`.
//!
//! Read as tolerantly as the socket's messages. Times in it carry no zone and are UTC.

use jiff::Timestamp;
use serde::de::{MapAccess, SeqAccess};

use crate::alert::{Alert, Kind, Picture, Via};
use crate::frame::FrameError;
use crate::message::{
    MAX_LOCATION, MAX_TEXT, MAX_WORD, ReadError, Rectangle, anomaly_id, magnitude, read_object, shop_id,
    stream_id,
};
use crate::time;
use crate::tolerant::{Integer, Name, Number, Object, Text, Tolerant, value};

/// Longest path of a picture, in bytes.
const MAX_PATH: usize = 512;

/// One row: a detection and what was decided about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The detection; [`Alert::anomaly_id`] and [`Alert::shop_id`] are always there.
    pub alert: Alert,
    /// What was decided.
    pub status: Status,
    /// Somebody's remark, hostile text, at most 2,000 characters.
    pub notes: Option<String>,
    /// The user who resolved it; acknowledging leaves this empty.
    pub resolved_by: Option<String>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When the row was written.
    pub created_at: Option<Timestamp>,
    /// When the row last changed.
    pub updated_at: Option<Timestamp>,
}

/// What was decided about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nothing yet.
    Pending,
    /// Somebody has seen it.
    Acknowledged,
    /// Dealt with.
    Resolved,
    /// A false alarm.
    FalsePositive,
    /// A word that this version does not know.
    Unknown,
}

/// One page of the record, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPage {
    /// How many rows match, over all pages; rows arriving meanwhile shift the offsets.
    pub total: u64,
    /// The rows that could be read.
    pub rows: Vec<Row>,
    /// How many rows could not be read.
    pub skipped: usize,
}

impl Row {
    /// Reads one row.
    pub fn read(body: &[u8]) -> Result<Row, ReadError> {
        let (fields, _) = read_object::<Fields>(&String::from_utf8_lossy(body))?;
        row(fields).ok_or(ReadError::Incomplete { kind: "anomaly", field: "id" })
    }
}

impl RecordPage {
    /// Reads `{"total":..,"anomalies":[..]}`; a row that cannot be read is counted and left out.
    pub fn read(body: &[u8]) -> Result<RecordPage, ReadError> {
        let (page, _) = read_object::<Page>(&String::from_utf8_lossy(body))?;
        let anomalies =
            page.anomalies.0.ok_or(ReadError::Incomplete { kind: "record", field: "anomalies" })?;

        let sent = anomalies.len();
        let rows: Vec<Row> = anomalies.into_iter().flatten().filter_map(row).collect();
        let skipped = sent - rows.len();
        let total = page.total.0.and_then(|total| u64::try_from(total).ok()).unwrap_or(sent as u64);
        Ok(RecordPage { total, rows, skipped })
    }

    /// How many rows the server sent, readable or not; by this the next page's offset is counted.
    pub fn len_sent(&self) -> usize {
        self.rows.len() + self.skipped
    }
}

impl Status {
    /// The backend's word, as `PATCH` takes it; none for [`Status::Unknown`].
    pub fn word(self) -> Option<&'static str> {
        match self {
            Status::Pending => Some("pending"),
            Status::Acknowledged => Some("acknowledged"),
            Status::Resolved => Some("resolved"),
            Status::FalsePositive => Some("false_positive"),
            Status::Unknown => None,
        }
    }

    fn read(word: Option<&str>) -> Status {
        match word {
            Some("pending") => Status::Pending,
            Some("acknowledged") => Status::Acknowledged,
            Some("resolved") => Status::Resolved,
            Some("false_positive") => Status::FalsePositive,
            Some(_) | None => Status::Unknown,
        }
    }
}

/// A row with an id and a shop; without them it can neither be told apart nor be asked for.
fn row(fields: Fields) -> Option<Row> {
    let extra = fields.extra_data.unwrap_or_default();
    let alert = Alert {
        via: Via::Record,
        kind: kind(fields.anomaly_type.0.as_deref()),
        anomaly_id: Some(anomaly_id(fields.id)?),
        shop_id: Some(shop_id(fields.shop_id)?),
        stream_id: stream_id(extra.stream_id),
        person_id: extra.person_id.0,
        start_frame: extra.start_frame.0,
        frame_number: extra.frame_number.0,
        score: magnitude(fields.confidence_score),
        claimed_severity: fields.severity.cut(MAX_WORD),
        text: fields.description.cut(MAX_TEXT),
        location: fields.location.cut(MAX_LOCATION),
        detected_at: utc(&fields.timestamp),
        bounding_box: extra.bbox.and_then(Rectangle::read),
        picture: match fields.image_url.0.as_deref().and_then(picture_path) {
            Some(path) => Picture::At(path),
            None if extra.picture.0.as_deref() == Some("left_out") => {
                let reason = extra.picture_reason.cut(MAX_LOCATION).unwrap_or_default();
                Picture::Refused(FrameError::left_out(&reason))
            }
            None => Picture::Absent,
        },
        cursor: None,
        replayed: false,
    };
    Some(Row {
        alert,
        status: Status::read(fields.status.0.as_deref()),
        notes: fields.notes.cut(MAX_TEXT),
        resolved_by: fields.resolved_by.cut(MAX_WORD),
        resolved_at: utc(&fields.resolved_at),
        created_at: utc(&fields.created_at),
        updated_at: utc(&fields.updated_at),
    })
}

fn utc(text: &Text) -> Option<Timestamp> {
    text.0.as_deref().and_then(time::utc_unless_zoned)
}

pub(crate) fn kind(word: Option<&str>) -> Kind {
    match word {
        Some("suspicious_behavior") => Kind::Theft,
        Some("owl_eye_intrusion") => Kind::Intrusion,
        Some(_) | None => Kind::Other,
    }
}

/// A path of the backend itself, so that a row cannot send a request (and its token) elsewhere. A server on Windows
/// writes backslashes.
fn picture_path(text: &str) -> Option<String> {
    let path = text.replace('\\', "/");
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte));
    let stays_below = path.starts_with("/api/anomalies/frames/")
        && path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
    (path.len() <= MAX_PATH && is_plain && stays_below).then_some(path)
}

#[derive(Default)]
struct Page {
    total: Integer,
    anomalies: Rows,
}

impl Object for Page {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "total" => self.total = value(map)?,
            "anomalies" => self.anomalies = value(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The list of rows; nothing where no list stands.
#[derive(Default)]
struct Rows(Option<Vec<Option<Fields>>>);

impl Tolerant for Rows {
    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Rows, A::Error> {
        Vec::from_list(list).map(|rows| Rows(Some(rows)))
    }
}

#[derive(Default)]
struct Fields {
    id: Name,
    shop_id: Name,
    timestamp: Text,
    location: Text,
    severity: Text,
    status: Text,
    description: Text,
    image_url: Text,
    anomaly_type: Text,
    confidence_score: Number,
    resolved_by: Text,
    resolved_at: Text,
    notes: Text,
    extra_data: Option<Extra>,
    created_at: Text,
    updated_at: Text,
}

impl Object for Fields {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "id" => self.id = value(map)?,
            "shop_id" => self.shop_id = value(map)?,
            "timestamp" => self.timestamp = value(map)?,
            "location" => self.location = value(map)?,
            "severity" => self.severity = value(map)?,
            "status" => self.status = value(map)?,
            "description" => self.description = value(map)?,
            "image_url" => self.image_url = value(map)?,
            "anomaly_type" => self.anomaly_type = value(map)?,
            "confidence_score" => self.confidence_score = value(map)?,
            "resolved_by" => self.resolved_by = value(map)?,
            "resolved_at" => self.resolved_at = value(map)?,
            "notes" => self.notes = value(map)?,
            "extra_data" => self.extra_data = value(map)?,
            "created_at" => self.created_at = value(map)?,
            "updated_at" => self.updated_at = value(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What the pipeline adds to a row: by these numbers it is joined exactly to its live alert.
#[derive(Default)]
struct Extra {
    bbox: Option<Rectangle>,
    person_id: Integer,
    stream_id: Name,
    start_frame: Integer,
    frame_number: Integer,
    picture: Text,
    picture_reason: Text,
}

impl Object for Extra {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "bbox" => self.bbox = value(map)?,
            "person_id" => self.person_id = value(map)?,
            "stream_id" => self.stream_id = value(map)?,
            "start_frame" => self.start_frame = value(map)?,
            "frame_number" => self.frame_number = value(map)?,
            "picture" => self.picture = value(map)?,
            "picture_reason" => self.picture_reason = value(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/anomalies_list_200.json"));
    const RESOLVED: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/anomaly_patch_resolved_200.json"
    ));

    #[test]
    fn the_golden_list_is_read_whole() {
        let page = RecordPage::read(LIST.as_bytes()).unwrap();

        assert_eq!((page.total, page.rows.len(), page.skipped), (2, 2, 0));
        let intrusion = &page.rows[0];
        assert_eq!(intrusion.alert.kind, Kind::Intrusion);
        assert_eq!(intrusion.alert.stream_id.as_ref().unwrap().as_str(), "stream-1");
        assert_eq!(intrusion.alert.score, Some(0.87));
        assert_eq!(intrusion.alert.detected_at.unwrap().to_string(), "2026-11-21T20:39:03.914145Z");
        assert_eq!(intrusion.status, Status::Pending);
        let theft = &page.rows[1];
        assert_eq!(theft.alert.kind, Kind::Theft);
        assert_eq!((theft.alert.person_id, theft.alert.frame_number), (Some(1), Some(30)));
        assert!(
            matches!(&theft.alert.picture, Picture::At(path) if path.starts_with("/api/anomalies/frames/"))
        );
    }

    #[test]
    fn who_resolved_a_row_and_when_is_read() {
        let row = Row::read(RESOLVED.as_bytes()).unwrap();

        assert_eq!(row.status, Status::Resolved);
        assert_eq!(row.notes.as_deref(), Some("seen on desktop"));
        assert!(row.resolved_by.is_some() && row.resolved_at.is_some());
    }

    #[test]
    fn a_bad_row_is_counted_and_the_good_ones_stay() {
        let body = br#"{"total":"4","anomalies":[{"id":"a","shop_id":"s"},{"id":5,"shop_id":"s"},{"id":"b"},null,7]}"#;

        let page = RecordPage::read(body).unwrap();

        assert_eq!((page.total, page.rows.len(), page.skipped, page.len_sent()), (4, 2, 3, 5));
    }

    #[test]
    fn a_page_without_a_list_is_no_page() {
        for body in [&b"<html>sign in</html>"[..], b"{\"detail\":\"no\"}", b"[]", b"", b"{\"anomalies\":{}}"]
        {
            assert!(RecordPage::read(body).is_err(), "{body:?}");
        }
        assert!(Row::read(b"{\"error\":\"Not Found\"}").is_err());
    }

    #[test]
    fn a_picture_path_of_a_windows_server_is_straightened() {
        assert_eq!(
            picture_path(r"/api/anomalies/frames/shop\2026_ab.jpg").as_deref(),
            Some("/api/anomalies/frames/shop/2026_ab.jpg")
        );
    }

    #[test]
    fn a_picture_path_never_leads_elsewhere() {
        for path in [
            "",
            "https://evil.example/a.jpg",
            "//evil.example/a.jpg",
            "/api/anomalies/frames/../../auth/me",
            "/api/anomalies/frames/%2e%2e/a",
            "/api/anomalies/frames//a.jpg",
            "/api/anomalies/frames/s/a.jpg?x=1",
            "/auth/logout",
            "/api/anomalies/frames/s/a b",
        ] {
            assert_eq!(picture_path(path), None, "{path}");
        }
    }
}
