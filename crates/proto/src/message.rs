//! What travels on the socket, both ways, read tolerantly.
//!
//! Numbers or strings where the backend has both, unknown fields skipped without building a tree, unknown types
//! counted and never fatal, bare `NaN` and `Infinity` read in a second pass so that the alert is not lost. No error
//! text holds a frame or a token.

use bytes::Bytes;
use serde::de::MapAccess;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, BoundingBox, Kind, Picture, Via};
use crate::frame::Jpeg;
use crate::id::{AnomalyId, Cursor, ShopId, StreamId};
use crate::tolerant::{self, Flag, Integer, Name, Number, Object, Text, Tolerant, value};
use crate::{record, time};

pub use self::write::{alert_header, alert_text, binary};

/// Longest `type` that is repeated in an error or a count, in characters.
const MAX_TYPE: usize = 40;
/// Longest title, in characters.
const MAX_TITLE: usize = 200;
/// Longest message to the user, in characters.
const MAX_MESSAGE: usize = 1_000;
/// Longest text of an alert, in characters.
pub(crate) const MAX_TEXT: usize = 2_000;
/// Longest place name, in characters.
pub(crate) const MAX_LOCATION: usize = 200;
/// Longest severity, nonce and other single words, in characters.
pub(crate) const MAX_WORD: usize = 100;

/// A message from the server.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerMessage {
    /// The first message of a connection that speaks protocol 2.
    Welcome(Welcome),
    /// The server asks whether we are there.
    Ping {
        /// The newest place in the user's log (protocol 2): it is the cursor of the last alert that arrived, or something
        /// is still to come.
        head: Option<Cursor>,
    },
    /// The answer to our ping.
    Pong,
    /// A detection: `anomaly_detected`, or a `notification` that belongs to one.
    Alert(Box<Alert>),
    /// A `notification` that belongs to no detection: a message to the user, hostile text.
    Notice(Notice),
    /// A type that this version does not know; its name is cut at 40 characters.
    Unknown(String),
}

/// What the server says first to a client of protocol 2: everything after the client's cursor follows, oldest first, then
/// what is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Welcome {
    /// The protocol that the server speaks on this connection.
    pub protocol: u32,
    /// Names the log: a log that was lost and begun anew has another. At most 100 characters.
    pub epoch: String,
    /// The newest place in the user's log as the connection opened. Where the client had no cursor, or one that the log
    /// cannot follow, what comes begins after it.
    pub head: Cursor,
    /// False: the log could not go on where the client's cursor stood, and what lies between is to be had from the record.
    pub recovered: bool,
    /// Between two pings of the server, where it says so.
    pub ping_seconds: Option<u32>,
    /// Silence after which the server closes the connection, where it says so.
    pub dead_seconds: Option<u32>,
}

/// A message to the user that is no detection (`POST /api/notifications/send` and `/test`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The server's id for it.
    pub id: String,
    /// Hostile text, at most 200 characters.
    pub title: String,
    /// Hostile text, at most 1,000 characters.
    pub message: String,
    /// `low`, `medium`, `high`, `critical`; anything else is kept out.
    pub priority: Option<String>,
    /// `metadata.nonce`, where the sender put one: how a drill recognises itself.
    pub nonce: Option<String>,
}

/// A message from the client. Always a JSON object in a text frame: the backend goes deaf on anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Asks whether the server is there.
    Ping,
    /// Answers the server's ping.
    Pong,
    /// Says that an alert is stored on disk.
    Ack {
        /// The camera stream; all that the original backend reads.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        stream_id: Option<StreamId>,
        /// The alert, where the server gave it an id.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        alert_id: Option<AnomalyId>,
        /// The alert's place in the log, where the server gave it one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        cursor: Option<Cursor>,
    },
}

/// A message that was understood, and whether it had to be repaired first.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What it says.
    pub message: ServerMessage,
    /// Bare `NaN` or `Infinity` were read as "no number".
    pub repaired: bool,
}

/// Why a text is not a message. Holds nothing of the text but its length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, also after repair.
    #[error("a message of {bytes} bytes is not JSON (column {column})")]
    NotJson {
        /// The text's length.
        bytes: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// JSON, but not an object with a `type`.
    #[error("a message of {bytes} bytes has no type")]
    NoType {
        /// The text's length.
        bytes: usize,
    },
    /// A binary message too short for what it must hold, or for the header that it announces.
    #[error("a binary message of {bytes} bytes cannot hold a header of {header} bytes")]
    BadLength {
        /// The message's length.
        bytes: usize,
        /// The header's length as the message gives it; 0 where it is too short even for that.
        header: usize,
    },
    /// A binary message of another type than the alerts that may come so.
    #[error("a binary message of {bytes} bytes is not an alert")]
    NotAnAlert {
        /// The message's length.
        bytes: usize,
    },
    /// A known type without what makes it meaningful.
    #[error("a message of type {kind} lacks {field}")]
    Incomplete {
        /// The type.
        kind: &'static str,
        /// The first missing or unusable field.
        field: &'static str,
    },
}

impl ServerMessage {
    /// Reads one text frame from the server.
    ///
    /// A detection that carries anything to know it by is an alert, whatever its other fields hold; only a text that
    /// is no JSON object with a `type`, or a known type that says nothing at all, is an error.
    pub fn read(text: &str) -> Result<Read, ReadError> {
        let (envelope, repaired) = read_object::<Envelope>(text)?;
        let kind = envelope.kind.0.as_deref().ok_or(ReadError::NoType { bytes: text.len() })?;
        let message = match kind {
            "welcome" => ServerMessage::Welcome(welcome(envelope)?),
            "ping" => ServerMessage::Ping { head: cursor(envelope.head) },
            "pong" => ServerMessage::Pong,
            "anomaly_detected" => ServerMessage::Alert(Box::new(detection(envelope)?)),
            "notification" => notification(envelope.data)?,
            _ => ServerMessage::Unknown(envelope.kind.cut(MAX_TYPE).unwrap_or_default()),
        };
        Ok(Read { message, repaired })
    }

    /// Reads one binary frame from the server: a 32-bit big-endian length, an `anomaly_detected` of that length as JSON
    /// without its picture, and the picture itself, checked like any other. Without a picture nothing follows the JSON.
    pub fn read_binary(message: &[u8]) -> Result<Read, ReadError> {
        let bytes = message.len();
        let (length, rest) = message.split_first_chunk().ok_or(ReadError::BadLength { bytes, header: 0 })?;
        let header = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (header, picture) =
            rest.split_at_checked(header).ok_or(ReadError::BadLength { bytes, header })?;
        let text = std::str::from_utf8(header)
            .map_err(|error| ReadError::NotJson { bytes: header.len(), column: error.valid_up_to() })?;
        let (mut envelope, repaired) = read_object::<Envelope>(text)?;
        if envelope.kind.0.as_deref() != Some("anomaly_detected") {
            return Err(ReadError::NotAnAlert { bytes });
        }
        if !picture.is_empty() {
            let picture = Jpeg::from_bytes(Bytes::copy_from_slice(picture));
            envelope.annotated_frame = Frame(picture.map_or_else(Picture::Refused, Picture::Jpeg));
        }
        let message = ServerMessage::Alert(Box::new(detection(envelope)?));
        Ok(Read { message, repaired })
    }
}

impl ClientMessage {
    /// The text frame to send.
    pub fn to_text(&self) -> String {
        // Enums of texts always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads one text frame from a client; `None` for a type this version does not know.
    pub fn read(text: &str) -> Result<Option<ClientMessage>, ReadError> {
        let (envelope, _) = read_object::<Envelope>(text)?;
        match envelope.kind.0.as_deref() {
            Some("ping") => Ok(Some(ClientMessage::Ping)),
            Some("pong") => Ok(Some(ClientMessage::Pong)),
            Some("ack") => Ok(Some(ClientMessage::Ack {
                stream_id: stream_id(envelope.stream_id),
                alert_id: anomaly_id(envelope.alert_id),
                cursor: cursor(envelope.cursor),
            })),
            Some(_) => Ok(None),
            None => Err(ReadError::NoType { bytes: text.len() }),
        }
    }
}

/// Reads a text that must be a JSON object.
pub(crate) fn read_object<T: Object>(text: &str) -> Result<(T, bool), ReadError> {
    let bytes = text.len();
    match tolerant::read::<Option<T>>(text) {
        Ok((Some(object), repaired)) => Ok((object, repaired)),
        Ok((None, _)) => Err(ReadError::NoType { bytes }),
        Err(column) => Err(ReadError::NotJson { bytes, column }),
    }
}

pub(crate) fn anomaly_id(name: Name) -> Option<AnomalyId> {
    AnomalyId::new(&name.0?).ok()
}

pub(crate) fn shop_id(name: Name) -> Option<ShopId> {
    ShopId::new(&name.0?).ok()
}

pub(crate) fn stream_id(name: Name) -> Option<StreamId> {
    StreamId::new(&name.0?).ok()
}

pub(crate) fn cursor(name: Name) -> Option<Cursor> {
    Cursor::new(&name.0?).ok()
}

/// How far from normal: the sign only says on which side of the model's threshold.
pub(crate) fn magnitude(score: Number) -> Option<f64> {
    score.0.map(f64::abs)
}

/// What says less than this could not be relied on; a server that does not say whether it recovered did not.
fn welcome(envelope: Envelope) -> Result<Welcome, ReadError> {
    let lacks = |field| ReadError::Incomplete { kind: "welcome", field };
    let number = |number: Integer| number.0.and_then(|number| u32::try_from(number).ok());
    Ok(Welcome {
        protocol: number(envelope.protocol).ok_or(lacks("protocol"))?,
        epoch: envelope.epoch.cut(MAX_WORD).ok_or(lacks("epoch"))?,
        head: cursor(envelope.head).ok_or(lacks("head"))?,
        recovered: envelope.recovered.0.unwrap_or(false),
        ping_seconds: number(envelope.ping_seconds),
        dead_seconds: number(envelope.dead_seconds),
    })
}

fn detection(envelope: Envelope) -> Result<Alert, ReadError> {
    let result = envelope.result.unwrap_or_default();
    let alert = Alert {
        via: Via::Detection,
        kind: envelope.anomaly_type.0.as_deref().map_or(Kind::Theft, |word| record::kind(Some(word))),
        anomaly_id: anomaly_id(envelope.alert_id),
        shop_id: shop_id(envelope.shop_id),
        stream_id: stream_id(envelope.stream_id).or_else(|| stream_id(result.stream_id)),
        person_id: result.person_id.0,
        start_frame: result.start_frame.0,
        frame_number: result.frame_number.0,
        score: magnitude(result.score),
        claimed_severity: envelope.severity.cut(MAX_WORD),
        text: envelope.description.cut(MAX_TEXT),
        location: envelope.location.cut(MAX_LOCATION),
        detected_at: envelope.at.0.as_deref().and_then(time::with_zone),
        bounding_box: result.bbox.and_then(Rectangle::read),
        picture: envelope.annotated_frame.0,
        cursor: cursor(envelope.cursor),
        replayed: envelope.replayed.0.unwrap_or(false),
    };
    let is_known_by_anything =
        alert.stream_id.is_some() || alert.anomaly_id.is_some() || alert.picture != Picture::Absent;
    if !is_known_by_anything {
        return Err(ReadError::Incomplete { kind: "anomaly_detected", field: "stream_id" });
    }
    Ok(alert)
}

/// Three producers send three flavours: the pipeline after a detection, the owl-eye mode, and people.
fn notification(data: Option<Notification>) -> Result<ServerMessage, ReadError> {
    let data = data.ok_or(ReadError::Incomplete { kind: "notification", field: "data" })?;
    let metadata = data.metadata.unwrap_or_default();
    let is_owl_eye = data.kind.0.as_deref() == Some("owl_eye");
    let id = data.notification_id.0.filter(|id| !id.trim().is_empty());

    let mut anomaly_id = anomaly_id(metadata.anomaly_id);
    if is_owl_eye && anomaly_id.is_none() {
        anomaly_id = id.as_deref().and_then(|id| AnomalyId::new(id).ok());
    }
    let stream_id = stream_id(metadata.stream_id);
    let person_id = metadata.person_id.0;
    let speaks_of_a_detection = anomaly_id.is_some() && (stream_id.is_some() || person_id.is_some());

    if is_owl_eye || speaks_of_a_detection {
        return Ok(ServerMessage::Alert(Box::new(Alert {
            via: Via::Notification,
            kind: if is_owl_eye { Kind::Intrusion } else { Kind::Theft },
            anomaly_id,
            shop_id: shop_id(metadata.shop_id),
            stream_id,
            person_id,
            start_frame: None,
            frame_number: None,
            score: None,
            claimed_severity: data.priority.cut(MAX_WORD),
            text: data.message.cut(MAX_TEXT),
            location: metadata.location.cut(MAX_LOCATION),
            detected_at: data.timestamp.0.as_deref().and_then(time::utc_unless_zoned),
            bounding_box: None,
            picture: Picture::Absent,
            cursor: None,
            replayed: false,
        })));
    }

    let title = data.title.cut(MAX_TITLE).unwrap_or_default();
    let message = data.message.cut(MAX_MESSAGE).unwrap_or_default();
    if title.is_empty() && message.is_empty() {
        return Err(ReadError::Incomplete { kind: "notification", field: "message" });
    }
    Ok(ServerMessage::Notice(Notice {
        id: Text(id).cut(MAX_WORD).unwrap_or_default(),
        title,
        message,
        priority: data
            .priority
            .0
            .map(|word| word.trim().to_ascii_lowercase())
            .filter(|word| matches!(word.as_str(), "low" | "medium" | "high" | "critical")),
        nonce: metadata.nonce.cut(MAX_WORD),
    }))
}

/// Everything that any message of either side may hold at its top.
#[derive(Default)]
struct Envelope {
    kind: Text,
    stream_id: Name,
    result: Option<Detection>,
    annotated_frame: Frame,
    data: Option<Notification>,
    alert_id: Name,
    shop_id: Name,
    at: Text,
    severity: Text,
    location: Text,
    anomaly_type: Text,
    description: Text,
    cursor: Name,
    replayed: Flag,
    protocol: Integer,
    epoch: Text,
    head: Name,
    recovered: Flag,
    ping_seconds: Integer,
    dead_seconds: Integer,
}

impl Object for Envelope {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "type" => self.kind = value(map)?,
            "stream_id" => self.stream_id = value(map)?,
            "result" => self.result = value(map)?,
            "annotated_frame" => self.annotated_frame = value(map)?,
            "data" => self.data = value(map)?,
            "alert_id" => self.alert_id = value(map)?,
            "shop_id" => self.shop_id = value(map)?,
            "at" => self.at = value(map)?,
            "severity" => self.severity = value(map)?,
            "location" => self.location = value(map)?,
            "anomaly_type" => self.anomaly_type = value(map)?,
            "description" => self.description = value(map)?,
            "cursor" => self.cursor = value(map)?,
            "replayed" => self.replayed = value(map)?,
            "protocol" => self.protocol = value(map)?,
            "epoch" => self.epoch = value(map)?,
            "head" => self.head = value(map)?,
            "recovered" => self.recovered = value(map)?,
            "ping_seconds" => self.ping_seconds = value(map)?,
            "dead_seconds" => self.dead_seconds = value(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// `result` of `anomaly_detected`; its 29 kB of `pose_dict` a person are skipped.
#[derive(Default)]
struct Detection {
    person_id: Integer,
    start_frame: Integer,
    frame_number: Integer,
    score: Number,
    stream_id: Name,
    bbox: Option<Rectangle>,
}

impl Object for Detection {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "person_id" => self.person_id = value(map)?,
            "start_frame" => self.start_frame = value(map)?,
            "frame_number" => self.frame_number = value(map)?,
            "score" => self.score = value(map)?,
            "stream_id" => self.stream_id = value(map)?,
            "bbox" => self.bbox = value(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A rectangle as the backend writes it.
#[derive(Default)]
pub(crate) struct Rectangle {
    x: Number,
    y: Number,
    w: Number,
    h: Number,
}

impl Rectangle {
    /// A rectangle with four numbers and an area.
    pub(crate) fn read(self) -> Option<BoundingBox> {
        let (x, y, width, height) = (self.x.0?, self.y.0?, self.w.0?, self.h.0?);
        (width > 0.0 && height > 0.0).then_some(BoundingBox { x, y, width, height })
    }
}

impl Object for Rectangle {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "x" => self.x = value(map)?,
            "y" => self.y = value(map)?,
            "w" => self.w = value(map)?,
            "h" => self.h = value(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// `data` of `notification`.
#[derive(Default)]
struct Notification {
    notification_id: Name,
    title: Text,
    message: Text,
    priority: Text,
    kind: Text,
    timestamp: Text,
    metadata: Option<Metadata>,
}

impl Object for Notification {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "notification_id" => self.notification_id = value(map)?,
            "title" => self.title = value(map)?,
            "message" => self.message = value(map)?,
            "priority" => self.priority = value(map)?,
            "type" => self.kind = value(map)?,
            "timestamp" => self.timestamp = value(map)?,
            "metadata" => self.metadata = value(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[derive(Default)]
struct Metadata {
    anomaly_id: Name,
    shop_id: Name,
    stream_id: Name,
    person_id: Integer,
    location: Text,
    nonce: Text,
}

impl Object for Metadata {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "anomaly_id" => self.anomaly_id = value(map)?,
            "shop_id" => self.shop_id = value(map)?,
            "stream_id" => self.stream_id = value(map)?,
            "person_id" => self.person_id = value(map)?,
            "location" => self.location = value(map)?,
            "nonce" => self.nonce = value(map)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A base64 picture, decoded straight from the message without a copy of its text.
struct Frame(Picture);

impl Default for Frame {
    fn default() -> Frame {
        Frame(Picture::Absent)
    }
}

impl Tolerant for Frame {
    fn from_text(text: &str) -> Frame {
        if text.is_empty() {
            return Frame::default();
        }
        Frame(Jpeg::from_base64(text).map_or_else(Picture::Refused, Picture::Jpeg))
    }
}

mod write;

#[cfg(test)]
mod tests;
