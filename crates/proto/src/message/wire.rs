//! The JSON of messages, field by field, before it means anything.

use serde::de::MapAccess;

use crate::alert::{BoundingBox, Picture};
use crate::frame::Jpeg;
use crate::tolerant::{Flag, Integer, Name, Number, Object, Text, Tolerant, value};

/// Everything that any message of either side may hold at its top.
#[derive(Default)]
pub(super) struct Envelope {
    pub(super) kind: Text,
    pub(super) stream_id: Name,
    pub(super) result: Option<Detection>,
    pub(super) annotated_frame: Frame,
    pub(super) picture: Text,
    pub(super) picture_reason: Text,
    pub(super) data: Option<Notification>,
    pub(super) alert_id: Name,
    pub(super) shop_id: Name,
    pub(super) at: Text,
    pub(super) severity: Text,
    pub(super) location: Text,
    pub(super) anomaly_type: Text,
    pub(super) description: Text,
    pub(super) cursor: Name,
    pub(super) frame_number: Integer,
    pub(super) replayed: Flag,
    pub(super) protocol: Integer,
    pub(super) epoch: Text,
    pub(super) head: Name,
    pub(super) recovered: Flag,
    pub(super) ping_seconds: Integer,
    pub(super) dead_seconds: Integer,
}

impl Object for Envelope {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "type" => self.kind = value(map)?,
            "stream_id" => self.stream_id = value(map)?,
            "result" => self.result = value(map)?,
            "annotated_frame" => self.annotated_frame = value(map)?,
            "picture" => self.picture = value(map)?,
            "picture_reason" => self.picture_reason = value(map)?,
            "data" => self.data = value(map)?,
            "alert_id" => self.alert_id = value(map)?,
            "shop_id" => self.shop_id = value(map)?,
            "at" => self.at = value(map)?,
            "severity" => self.severity = value(map)?,
            "location" => self.location = value(map)?,
            "anomaly_type" => self.anomaly_type = value(map)?,
            "description" => self.description = value(map)?,
            "cursor" => self.cursor = value(map)?,
            "frame_number" => self.frame_number = value(map)?,
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
pub(super) struct Detection {
    pub(super) person_id: Integer,
    pub(super) start_frame: Integer,
    pub(super) frame_number: Integer,
    pub(super) score: Number,
    pub(super) stream_id: Name,
    pub(super) bbox: Option<Rectangle>,
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
pub(super) struct Notification {
    pub(super) notification_id: Name,
    pub(super) title: Text,
    pub(super) message: Text,
    pub(super) priority: Text,
    pub(super) kind: Text,
    pub(super) timestamp: Text,
    pub(super) metadata: Option<Metadata>,
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
pub(super) struct Metadata {
    pub(super) anomaly_id: Name,
    pub(super) shop_id: Name,
    pub(super) stream_id: Name,
    pub(super) person_id: Integer,
    pub(super) location: Text,
    pub(super) nonce: Text,
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
pub(super) struct Frame(pub(super) Picture);

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
