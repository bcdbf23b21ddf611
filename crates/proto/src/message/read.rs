//! What a text or binary frame says.

use bytes::Bytes;

use super::wire::{Envelope, Frame, Notification, Rectangle};
use super::{ClientMessage, Notice, Read, ReadError, ServerMessage, Welcome};
use crate::alert::{Alert, Kind, Picture, Via};
use crate::frame::{FrameError, Jpeg};
use crate::id::{AnomalyId, Cursor, ShopId, StreamId};
use crate::tolerant::{self, Integer, Name, Number, Object, Text};
use crate::{record, time};

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
                frame_number: envelope.frame_number.0,
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
        picture: as_told(envelope.annotated_frame.0, &envelope.picture, envelope.picture_reason),
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

/// The picture with what the server says became of it on the way.
fn as_told(picture: Picture, word: &Text, reason: Text) -> Picture {
    let Some(reason) = reason.cut(MAX_WORD) else { return picture };
    match (picture, word.0.as_deref()) {
        (Picture::Jpeg(jpeg), Some("scaled")) => Picture::Jpeg(jpeg.with_remark(&reason)),
        (Picture::Absent, Some("left_out")) => Picture::Refused(FrameError::left_out(&reason)),
        (picture, _) => picture,
    }
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
